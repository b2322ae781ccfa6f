//! One client's run through a tape: what was played, and which live idempotency token stands for
//! which recorded one.
//!
//! The rules. Among interactions of the same key the recorded order holds, and each is played
//! once. At its first play a live token binds to the recorded token of the interaction it played;
//! its later uses play the remaining interactions with that recorded token in order (a recorded
//! 500, then its 200), and then repeat the last. An unbound token plays the next interaction of its
//! key whose recorded token is unbound. The same live token with another input is a violation,
//! unless the recording holds just that: some services know a token beside what it is for. Where the
//! recording has no token (a client that sent none), a live one repeats its answer, or goes on
//! after an error.
//!
//! Nothing here depends on how calls of different keys interleave.

use super::aliases::Aliases;
use super::binding::Binding as Bound;
use super::key::Key;
use super::{OperationId, Tape, TokenId};
use crate::inspect::Call;
use crate::instant;
use crate::redaction::renaming::{Names, Piece};
use crate::value::{Directory, Value};
use crate::wire::{Request, Response};
use bytes::Bytes;
use http::HeaderMap;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// In place of a count of plays: the interaction is folded, and no call will ask for it.
const FOLDED: u32 = u32::MAX;

/// What a session answers to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The interaction at `position` answers.
    Play {
        /// Its position in the tape.
        position: usize,
        /// It was played before (a repeated token, or `--repeat`).
        again: bool,
    },
    /// Nothing like it was recorded.
    Unrecorded,
    /// Everything that was recorded for it is played, or belongs to another token.
    Exhausted {
        /// How many interactions were recorded with this key.
        recorded: usize,
        /// How many answers were given for it so far.
        played: u64,
    },
    /// It was recorded, but another call comes before it (`--order strict`).
    OutOfOrder {
        /// The interaction that it asks for.
        position: usize,
        /// The one whose turn it is.
        expected: usize,
    },
    /// The token was used before, with another input. `position` is what it played then.
    TokenReused {
        /// The interaction that the token was bound to.
        position: usize,
    },
}

/// One client's run through a tape.
pub struct Session {
    state: Mutex<State>,
}

struct State {
    /// How often each interaction was played.
    plays: Vec<u32>,
    /// Interactions that were played at least once.
    played: usize,
    /// By key: everything before this place in the key's list is played, or bound to a token.
    cursors: Vec<u32>,
    /// By recorded token: a live token is bound to it.
    bound: Vec<bool>,
    /// By live token.
    bindings: HashMap<String, Vec<Binding>>,
    /// Everything before this place is played, or never will be.
    turn: u32,
    /// What the live program says for each value that recurs.
    live: Vec<Option<String>>,
    /// The same, as far as requests may hold it.
    names: Names,
    /// What live tokens mean in other calls and answers.
    aliases: Aliases,
    /// Members that named the time of this run.
    times: BTreeSet<String>,
}

#[derive(Clone, Copy)]
struct Binding {
    operation: OperationId,
    key: Key,
    /// The recorded token, where the recording has one.
    token: Option<TokenId>,
    /// The interaction that was played last.
    last: u32,
}

/// What is to be played, before it is.
enum Choice {
    Play { position: u32, bind: bool },
    Repeat { position: u32 },
    Not(Outcome),
}

impl Session {
    /// A session in which nothing was played yet.
    pub fn new(tape: &Tape) -> Session {
        Session {
            state: Mutex::new(State {
                plays: tape.tracks.iter().map(|track| if track.folded { FOLDED } else { 0 }).collect(),
                played: 0,
                cursors: vec![0; tape.by_key.len()],
                bound: vec![false; tape.tokens as usize],
                bindings: HashMap::new(),
                turn: 0,
                live: vec![None; tape.bindings.list.len()],
                names: Names::default(),
                aliases: Aliases::default(),
                times: BTreeSet::new(),
            }),
        }
    }

    /// The key of a live call, under the names that this session knows.
    pub fn key(&self, tape: &Tape, call: &Call, input: &Value) -> Key {
        self.key_of(tape, call, input, None)
    }

    /// The same, where the request tells the time: what named the time of the request in the recording
    /// does so here.
    pub fn key_at(&self, tape: &Tape, call: &Call, input: &Value, request: &Request) -> Key {
        self.key_of(tape, call, input, Some(request))
    }

    fn key_of(&self, tape: &Tape, call: &Call, input: &Value, request: Option<&Request>) -> Key {
        let input = self.as_recorded(input);
        let key = |given: &[Value]| match tape.renames {
            true => tape.key(call, &input, Some(&self.lock().names), given),
            false => tape.key(call, &input, None, given),
        };
        let plain = key(&[]);
        if tape.positions(plain).is_some() {
            return plain;
        }
        if !tape.times.is_empty()
            && let Some(sent) = request.and_then(instant::signing_time)
            && let Some(key) = self.key_by_time(tape, call, &input, sent)
        {
            return key;
        }
        if tape.given.is_empty() {
            return plain;
        }
        // It may hold what an earlier answer gave, in which nothing shows that it stands for another.
        let given = self.given(tape);
        Some(key(&given)).filter(|key| tape.positions(*key).is_some()).unwrap_or(plain)
    }

    fn key_by_time(&self, tape: &Tape, call: &Call, input: &Value, sent: i64) -> Option<Key> {
        let mut state = self.lock();
        let names = tape.renames.then_some(&state.names);
        let (key, marks) = tape.key_by_time(call, input, names, sent)?;
        let operation = &call.operation().name;
        let places: Vec<String> = marks.iter().map(|mark| mark.place(operation)).collect();
        state.times.extend(places);
        Some(key)
    }

    /// The members, as rules name them, in which the time of this run was taken for that of the
    /// recording.
    pub fn times(&self) -> Vec<String> {
        self.lock().times.iter().cloned().collect()
    }

    fn given(&self, tape: &Tape) -> Vec<Value> {
        let state = self.lock();
        let is_played = |position: &u32| !matches!(state.plays_of(*position), 0 | FOLDED);
        let given = tape.given.iter().filter(|(position, _)| is_played(position));
        given.flat_map(|(_, values)| values).cloned().collect()
    }

    /// The response body of the interaction at `position`, filled with what the client sent, now
    /// and in earlier calls.
    pub fn body(&self, tape: &Tape, position: usize, live_input: &Value) -> Bytes {
        self.learn(tape, position, live_input);
        match tape.track(position) {
            Some(track) => track.template.render(live_input, &|name| self.live(name)),
            None => Bytes::new(),
        }
    }

    /// Fills the headers of a response as [`Session::body`] its body.
    pub fn fill_headers(&self, tape: &Tape, position: usize, live_input: &Value, headers: &mut HeaderMap) {
        if let Some(track) = tape.track(position) {
            track.template.fill_headers(live_input, &|name| self.live(name), headers);
        }
    }

    /// Takes to heart what a play of `position` by this input says of values that recur. A body that
    /// is asked for does it by itself.
    pub fn learn(&self, tape: &Tape, position: usize, live_input: &Value) {
        let told = tape.bindings.told_by(position);
        if told.is_empty() {
            return;
        }
        let mut state = self.lock();
        let live_input = Directory::new(live_input);
        for told in told {
            if let Some(text) = told.live(&live_input, &tape.redactor)
                && let Some(live) = state.live.get_mut(told.id as usize)
            {
                *live = Some(text.clone());
                tape.bindings.learn(told.id, &text, &mut state.names);
            }
        }
    }

    /// The names that requests may hold, as this session knows them.
    pub(super) fn names(&self) -> Names {
        self.lock().names.clone()
    }

    fn live(&self, name: u32) -> Option<String> {
        self.lock().live.get(name as usize).cloned().flatten()
    }

    /// The names that rules bound, each with what was sent in its place.
    pub fn bound<'t>(&self, tape: &'t Tape) -> Vec<(&'t Bound, String)> {
        let state = self.lock();
        let bound = tape.bindings.list.iter().zip(&state.live);
        bound
            .filter(|(binding, _)| binding.place.is_some())
            .filter_map(|(binding, live)| Some((binding, live.clone()?)))
            .collect()
    }

    /// Takes the next interaction for a call whose whole request was read. `token` is the live
    /// idempotency token; `repeat` lets the last interaction of a key answer again.
    pub fn play(&self, tape: &Tape, key: Key, operation: Option<OperationId>, token: Option<&str>, repeat: bool) -> Outcome {
        let mut state = self.lock();
        let choice = state.choose(tape, key, operation, token, repeat);
        state.take(tape, choice, key, operation, token)
    }

    /// As [`Session::play`], but only if the answer is an error of the service: a request that
    /// violates its contract may get no other. Nothing is taken where nothing is given.
    pub fn play_error(&self, tape: &Tape, key: Key, operation: Option<OperationId>, token: Option<&str>, repeat: bool) -> Option<Outcome> {
        let mut state = self.lock();
        let choice = state.choose(tape, key, operation, token, repeat);
        let (Choice::Play { position, .. } | Choice::Repeat { position }) = choice else {
            return None;
        };
        if !tape.track(position as usize)?.is_error {
            return None;
        }
        Some(state.take(tape, choice, key, operation, token))
    }

    /// A live input as it would have been recorded: with the recorded tokens in the place of those
    /// live ones that were bound in earlier calls. Keys are made of this.
    pub fn as_recorded<'v>(&self, input: &'v Value) -> Cow<'v, Value> {
        self.lock().aliases.as_recorded(input)
    }

    /// A live answer as it would have been recorded: with the recorded names and tokens in the place of
    /// those that this session sends instead.
    pub fn answer_as_recorded(&self, tape: &Tape, answer: &Value) -> Value {
        let state = self.lock();
        let mut names = Names::default();
        for (id, live) in state.live.iter().enumerate() {
            if let (Some(live), Some(_)) = (live, tape.bindings.recorded(id as u32)) {
                names.add(live, id as u32, false);
            }
        }
        let recorded = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Name(id) => tape.bindings.recorded(id).unwrap_or_default().to_owned(),
        };
        let answer = state.aliases.as_recorded(answer);
        answer.renamed(&|text| Some(names.pieces(text)?.into_iter().map(recorded).collect()))
    }

    /// Puts the live tokens of this session into an answer, for the recorded ones.
    pub fn fill(&self, response: &mut Response) {
        self.lock().aliases.fill(response);
    }

    /// Positions of interactions that were never played, in recorded order.
    pub fn unplayed(&self) -> Vec<usize> {
        let state = self.lock();
        state
            .plays
            .iter()
            .enumerate()
            .filter(|(_, plays)| **plays == 0)
            .map(|(position, _)| position)
            .collect()
    }

    /// How many interactions were played at least once.
    pub fn played(&self) -> usize {
        self.lock().played
    }

    /// How often the interaction at `position` was played.
    pub fn plays(&self, position: usize) -> u32 {
        self.lock().plays.get(position).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn choose(&mut self, tape: &Tape, key: Key, operation: Option<OperationId>, token: Option<&str>, repeat: bool) -> Choice {
        let choice = self.choose_freely(tape, key, operation, token, repeat);
        match choice {
            Choice::Play { position, .. } if tape.strict => match self.turn(tape) {
                Some(turn) if turn != position => Choice::Not(Outcome::OutOfOrder {
                    position: position as usize,
                    expected: turn as usize,
                }),
                _ => choice,
            },
            other => other,
        }
    }

    /// The first interaction that is still to be played.
    fn turn(&mut self, tape: &Tape) -> Option<u32> {
        while (self.turn as usize) < tape.tracks.len() {
            if self.plays_of(self.turn) == 0 {
                return Some(self.turn);
            }
            self.turn += 1;
        }
        None
    }

    fn choose_freely(&self, tape: &Tape, key: Key, operation: Option<OperationId>, token: Option<&str>, repeat: bool) -> Choice {
        if let Some(binding) = self.binding(operation, token) {
            return self.choose_bound(tape, key, binding);
        }
        let Some((index, positions)) = tape.positions(key) else {
            return Choice::Not(Outcome::Unrecorded);
        };
        if let Some(choice) = self.choose_poll(tape, positions) {
            return choice;
        }
        let from = self.cursors.get(index as usize).map_or(0, |cursor| *cursor as usize);
        let next = positions.iter().skip(from).find(|position| self.is_free(tape, **position));
        match (next, positions.last()) {
            (Some(position), _) => Choice::Play {
                position: *position,
                bind: token.is_some(),
            },
            (None, Some(last)) if repeat => Choice::Repeat { position: *last },
            _ => Choice::Not(self.exhausted(positions)),
        }
    }

    /// A folded loop gives its last state, again and again, until what changed the state is played.
    fn choose_poll(&self, tape: &Tape, positions: &[u32]) -> Option<Choice> {
        let is_reached = |position: &&u32| {
            let poll = tape.track(**position as usize).and_then(|track| track.poll);
            poll.is_some_and(|poll| poll.after.is_none_or(|change| self.plays_of(change) > 0))
        };
        let first = *positions.first()?;
        tape.track(first as usize)?.poll?;
        let position = positions.iter().rev().find(is_reached).copied().unwrap_or(first);
        Some(match self.plays_of(position) {
            0 => Choice::Play { position, bind: false },
            _ => Choice::Repeat { position },
        })
    }

    fn choose_bound(&self, tape: &Tape, key: Key, binding: Binding) -> Choice {
        let same = binding.key == key;
        let rest = match binding.token {
            Some(token) => tape.positions(key).and_then(|(index, _)| tape.by_token.get(&(token, index))),
            None => None,
        };
        if let Some(positions) = rest {
            // The service took this input with this token, whatever else it took with it.
            let next = positions.iter().copied().find(|position| self.plays_of(*position) == 0);
            let last = positions.last().copied().unwrap_or(binding.last);
            return match next {
                Some(position) => Choice::Play { position, bind: true },
                None => Choice::Repeat { position: last },
            };
        }
        if !same {
            return Choice::Not(Outcome::TokenReused {
                position: binding.last as usize,
            });
        }
        if tape.track(binding.last as usize).is_some_and(|track| track.is_error)
            && let Some(position) = self.next_without_token(tape, key)
        {
            return Choice::Play { position, bind: true };
        }
        // A bound token repeats its last answer whether or not the key may.
        Choice::Repeat { position: binding.last }
    }

    fn next_without_token(&self, tape: &Tape, key: Key) -> Option<u32> {
        let (index, positions) = tape.positions(key)?;
        let from = self.cursors.get(index as usize).map_or(0, |cursor| *cursor as usize);
        let is_next = |position: &u32| self.is_free(tape, *position) && tape.tracks[*position as usize].token_id.is_none();
        positions.iter().skip(from).copied().find(is_next)
    }

    fn take(&mut self, tape: &Tape, choice: Choice, key: Key, operation: Option<OperationId>, token: Option<&str>) -> Outcome {
        let (position, again, bind) = match choice {
            Choice::Not(outcome) => return outcome,
            Choice::Play { position, bind } => (position, false, bind),
            Choice::Repeat { position } => (position, true, false),
        };
        if let Some(plays) = self.plays.get_mut(position as usize) {
            self.played += usize::from(*plays == 0);
            *plays = plays.saturating_add(1);
        }
        if bind && let (Some(operation), Some(token)) = (operation, token) {
            self.bind(tape, operation, token, key, position);
        }
        self.advance(tape, key);
        Outcome::Play {
            position: position as usize,
            again,
        }
    }

    fn bind(&mut self, tape: &Tape, operation: OperationId, token: &str, key: Key, position: u32) {
        let track = tape.track(position as usize);
        if let Some(recorded) = track.and_then(|track| track.token.as_deref()) {
            self.aliases.learn(token, recorded);
        }
        let recorded = track.and_then(|track| track.token_id);
        if let Some(bound) = recorded.and_then(|recorded| self.bound.get_mut(recorded.0 as usize)) {
            *bound = true;
        }
        let bindings = match self.bindings.get_mut(token) {
            Some(bindings) => bindings,
            None => self.bindings.entry(token.to_owned()).or_default(),
        };
        match bindings.iter_mut().find(|binding| binding.operation == operation) {
            // The key stays that of the first use: an error for another input changes nothing.
            Some(binding) if binding.key == key => binding.last = position,
            Some(_) => {}
            None => bindings.push(Binding {
                operation,
                key,
                token: recorded,
                last: position,
            }),
        }
    }

    /// What is played or bound never becomes free again, so the cursor never goes back.
    fn advance(&mut self, tape: &Tape, key: Key) {
        let Some((index, positions)) = tape.positions(key) else {
            return;
        };
        let from = self.cursors.get(index as usize).map_or(0, |cursor| *cursor as usize);
        let passed = positions
            .iter()
            .skip(from)
            .take_while(|position| !self.is_free(tape, **position))
            .count();
        if let Some(cursor) = self.cursors.get_mut(index as usize) {
            *cursor += passed as u32;
        }
    }

    fn is_free(&self, tape: &Tape, position: u32) -> bool {
        let token = tape.track(position as usize).and_then(|track| track.token_id);
        let bound = token.and_then(|token| self.bound.get(token.0 as usize)).copied().unwrap_or(false);
        self.plays_of(position) == 0 && !bound
    }

    fn plays_of(&self, position: u32) -> u32 {
        self.plays.get(position as usize).copied().unwrap_or(0)
    }

    fn binding(&self, operation: Option<OperationId>, token: Option<&str>) -> Option<Binding> {
        let (operation, token) = (operation?, token?);
        self.bindings
            .get(token)?
            .iter()
            .find(|binding| binding.operation == operation)
            .copied()
    }

    fn exhausted(&self, positions: &[u32]) -> Outcome {
        Outcome::Exhausted {
            recorded: positions.len(),
            played: positions.iter().map(|position| u64::from(self.plays_of(*position))).sum(),
        }
    }
}

#[cfg(test)]
mod tests;
