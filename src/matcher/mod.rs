//! Which recorded interaction answers a live call.
//!
//! A [`Tape`] is a loaded cassette: immutable, indexed by [`key::Key`], shared by all clients. A
//! [`session::Session`] is one client's way through it. A call that nothing answers is explained
//! by a [`miss::Miss`]. The matcher stands on the redactor, because a key holds stand-ins; who
//! answers, and how, is the proxy's affair.

mod aliases;
mod binding;
pub mod compare;
mod dependence;
mod difference;
mod fold;
#[cfg(test)]
mod generated_tests;
pub mod idle;
pub mod key;
#[cfg(test)]
mod known_tests;
pub mod miss;
mod nearest;
pub mod propose;
#[cfg(test)]
mod protocol_tests;
#[cfg(test)]
mod recurring_tests;
mod rules;
pub mod session;
mod shown;
#[cfg(test)]
mod testing;
mod times;
#[cfg(test)]
mod told_tests;
mod unmodelled;
mod unordered;

use crate::cassette::{Cassette, Interaction};
use crate::inspect::{Call, Finding};
use crate::protocol::Reply;
use crate::redaction::Redactor;
use crate::redaction::echo::Template;
use crate::redaction::renaming::Names;
use crate::settings::{CallRules, Order};
use crate::value::Value;
use crate::wire::Request;
pub use binding::Binding;
use binding::Bindings;
pub use dependence::Dependence;
use fold::Poll;
use key::{Accounts, Key, KeyHasher, Reading};
use rules::OperationRules;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;
use times::Times;

/// An operation's place in a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub(crate) u32);

/// A group of interactions that were recorded with the same idempotency token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenId(u32);

/// One interaction, ready to be played.
pub struct Track {
    /// What was recorded. Its position is that in the cassette.
    pub interaction: Interaction,
    /// The call, where the operation is known.
    pub call: Option<Call>,
    /// Its key.
    pub key: Key,
    /// The recorded idempotency token.
    pub token: Option<String>,
    /// The recorded answer is an error of the service.
    pub is_error: bool,
    /// How the response body is filled with what the client sends.
    pub template: Template,
    operation: Option<OperationId>,
    token_id: Option<TokenId>,
    key_index: u32,
    /// It is never played: a later one says how it ended.
    folded: bool,
    /// It ends a loop that is folded, and answers as long as nothing changes.
    poll: Option<Poll>,
}

impl Track {
    /// The call as it was understood when it was recorded.
    pub fn title(&self) -> Option<String> {
        let Interaction { service, operation, .. } = &self.interaction;
        Some(format!("{} {}", service.as_deref()?, operation.as_deref()?))
    }

    /// The name of the input's idempotency token.
    fn token_member(&self) -> Option<&str> {
        self.call.as_ref()?.operation().idempotency_token.as_deref()
    }

    /// A place of its request as rules name it.
    fn place_of(&self, path: &[String]) -> String {
        let operation = self.interaction.operation.as_deref().unwrap_or("*");
        format!("{operation}:{}", pointer_to(path))
    }

    /// Whether something else stands at a place of its request than what was sent.
    fn is_redacted(&self, path: &[String]) -> bool {
        let pointer = pointer_to(path);
        let places = self.interaction.redacted.iter();
        places
            .filter_map(|place| place.member_of("/request"))
            .any(|member| member == pointer)
    }
}

fn pointer_to(path: &[String]) -> String {
    let mut pointer = String::new();
    for name in path {
        pointer.push('/');
        crate::pointer::escape_into(name, &mut pointer);
    }
    pointer
}

/// A cassette in replay.
pub struct Tape {
    /// The redactor of the cassette: it makes live requests comparable.
    pub redactor: Redactor,
    tracks: Vec<Track>,
    /// Where the interactions of a key are listed.
    keys: HashMap<Key, u32, BuildHasherDefault<KeyHasher>>,
    /// The positions of each key's interactions, in recorded order.
    by_key: Vec<Vec<u32>>,
    /// The positions of a token's interactions with one key, in recorded order.
    by_token: HashMap<(TokenId, u32), Vec<u32>>,
    tokens: u32,
    operations: Operations,
    /// Where calls were made, in order of first appearance.
    regions: Vec<String>,
    nearest: nearest::Index,
    lints: Vec<(usize, String)>,
    bindings: Bindings,
    /// What answers gave that may come back and stands for itself then, by position; empty where none
    /// gave such.
    given: HashMap<u32, Vec<Value>>,
    /// Which members named the time of the request, and how far from it; empty where none did.
    times: Times,
    /// Requests may hold names that sessions know.
    renames: bool,
    /// Calls are answered in recorded order only.
    strict: bool,
    /// What each interaction makes known, once somebody asks.
    names: OnceLock<Vec<dependence::Names>>,
}

#[derive(Default)]
struct Operations {
    /// `sdkId` and name.
    ids: HashMap<(String, String), OperationId>,
    names: Vec<(String, String)>,
    /// Operations whose keys rename every run of twelve digits.
    loose: HashSet<OperationId>,
    /// What the user says of them; empty where nothing is said of any.
    rules: Vec<Option<OperationRules>>,
}

impl Operations {
    fn intern(&mut self, call: &Call) -> OperationId {
        let name = &call.service.operation(call.operation).name;
        let next = OperationId(self.names.len() as u32);
        let key = (call.service.sdk_id.clone(), name.clone());
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        self.names.push(key.clone());
        self.ids.insert(key, next);
        next
    }

    fn compile(&mut self, rules: &CallRules) {
        let compiled = self.names.iter().map(|(service, name)| OperationRules::of(rules, service, name));
        let compiled: Vec<Option<OperationRules>> = compiled.collect();
        if compiled.iter().any(Option::is_some) {
            self.rules = compiled;
        }
    }

    fn rules(&self, operation: Option<OperationId>) -> Option<&OperationRules> {
        self.rules.get(operation?.0 as usize)?.as_ref()
    }

    fn accounts(&self, operation: Option<OperationId>) -> Accounts {
        match operation {
            Some(operation) if self.loose.contains(&operation) => Accounts::All,
            _ => Accounts::Recognised,
        }
    }
}

impl Tape {
    /// Indexes a cassette. `understand` is what `inspect` finds in an interaction's exchange (the
    /// catalog is the caller's). Plain values at sensitive places are redacted first, see
    /// [`Tape::lints`]. The rules are the cassette's own.
    pub fn new(cassette: Cassette, redactor: Redactor, understand: impl FnMut(&Interaction) -> Finding) -> Tape {
        Tape::with_rules(cassette, redactor, &CallRules::default(), understand)
    }

    /// As [`Tape::new`], with rules beside the cassette's own.
    pub fn with_rules(
        cassette: Cassette,
        redactor: Redactor,
        rules: &CallRules,
        mut understand: impl FnMut(&Interaction) -> Finding,
    ) -> Tape {
        let rules = cassette.rules.clone().and(rules);
        let mut tape = Tape {
            redactor,
            tracks: Vec::with_capacity(cassette.interactions.len()),
            keys: HashMap::with_capacity_and_hasher(cassette.interactions.len(), BuildHasherDefault::default()),
            by_key: Vec::new(),
            by_token: HashMap::new(),
            tokens: 0,
            operations: Operations::default(),
            regions: Vec::new(),
            nearest: nearest::Index::default(),
            lints: Vec::new(),
            bindings: Bindings::default(),
            given: HashMap::new(),
            times: Times::default(),
            renames: false,
            strict: rules.matching.order == Some(Order::Strict),
            names: OnceLock::new(),
        };
        let mut inputs = Vec::with_capacity(cassette.interactions.len());
        for (position, mut interaction) in cassette.interactions.into_iter().enumerate() {
            let mut finding = understand(&interaction);
            let mut loaded = tape.redactor.load(&mut interaction, &finding);
            if !loaded.lints.is_empty() {
                finding = understand(&interaction);
                tape.lints.extend(loaded.lints.into_iter().map(|lint| (position, lint)));
                loaded.given = tape.redactor.load(&mut interaction, &finding).given;
            }
            if !loaded.given.is_empty() {
                tape.given.insert(position as u32, loaded.given);
            }
            inputs.push(tape.read(interaction, finding));
        }
        let mut recorded = tape
            .tracks
            .iter()
            .map(|track| &track.interaction)
            .zip(inputs.iter().map(Option::as_ref));
        tape.redactor.recognize_values(&mut recorded);
        tape.find_hidden_accounts(&inputs);
        tape.operations.compile(&rules);
        if !rules.matching.fold.is_empty() {
            let keys: Vec<Key> = (0..inputs.len())
                .map(|position| tape.own_key(position, inputs[position].as_ref()))
                .collect();
            fold::fold(&mut tape.tracks, &keys, &rules.matching);
        }
        let operations = &tape.operations;
        let redactor = &tape.redactor;
        tape.bindings = Bindings::find(&mut tape.tracks, &inputs, redactor, &|track| operations.rules(track.operation));
        for track in &mut tape.tracks {
            track.template.add_digests(track.interaction.response.headers());
        }
        tape.renames = tape.bindings.in_requests();
        let mut tokens = HashMap::new();
        let mut names = Names::default();
        for (position, input) in inputs.iter().enumerate() {
            tape.index(position, input.as_ref(), &names, &mut tokens);
            if tape.renames && !tape.tracks[position].folded {
                tape.bindings.learn_recorded(position, &mut names);
            }
        }
        tape
    }

    /// The key of a track by itself, whatever is made up in it.
    fn own_key(&self, position: usize, input: Option<&Value>) -> Key {
        let track = &self.tracks[position];
        match (&track.call, input) {
            (Some(call), Some(input)) => key::key_with(call, input, self.reading(true, track.operation, None)),
            _ => unmodelled::key(&track.interaction.request, &self.redactor),
        }
    }

    fn reading<'a>(&'a self, recorded: bool, operation: Option<OperationId>, names: Option<&'a Names>) -> Reading<'a> {
        Reading {
            redactor: &self.redactor,
            recorded,
            accounts: self.operations.accounts(operation),
            rules: self.operations.rules(operation),
            names,
            given: &[],
            now: &[],
        }
    }

    /// Adds a track without its place in the index, and gives its input.
    fn read(&mut self, interaction: Interaction, finding: Finding) -> Option<Value> {
        let input = finding.request.and_then(|request| request.content);
        let call = finding.call;
        let is_error = match finding.response.as_ref().and_then(|response| response.content.as_ref()) {
            Some(reply) => matches!(reply, Reply::Error { .. }),
            None => interaction.response.status().as_u16() >= 400,
        };
        let member = call
            .as_ref()
            .and_then(|call| call.service.operation(call.operation).idempotency_token.as_deref());
        let token = member.and_then(|member| input.as_ref()?.member(member)?.as_text());
        let template = Template::new(&interaction, input.as_ref(), member);
        if let Some(region) = call.as_ref().and_then(|call| call.region.as_ref())
            && !self.regions.contains(region)
        {
            self.regions.push(region.clone());
        }
        self.tracks.push(Track {
            operation: call.as_ref().map(|call| self.operations.intern(call)),
            token: token.map(str::to_owned),
            key: Key(0),
            token_id: None,
            key_index: 0,
            folded: false,
            poll: None,
            interaction,
            call,
            is_error,
            template,
        });
        input
    }

    fn find_hidden_accounts(&mut self, inputs: &[Option<Value>]) {
        for (track, input) in self.tracks.iter().zip(inputs) {
            let (Some(call), Some(input), Some(operation)) = (&track.call, input, track.operation) else {
                continue;
            };
            let renamed = track
                .interaction
                .redacted
                .iter()
                .any(|place| place.rule == "account-id" && place.path.starts_with("/request"));
            if renamed && key::has_hidden_accounts(call, input, &self.redactor) {
                self.operations.loose.insert(operation);
            }
        }
    }

    fn index(&mut self, position: usize, input: Option<&Value>, names: &Names, tokens: &mut HashMap<(OperationId, String), TokenId>) {
        let track = &self.tracks[position];
        let names = self.renames.then_some(names);
        let (key, members) = match (&track.call, input) {
            (Some(call), Some(input)) => key::key_and_members(call, input, self.reading(true, track.operation, names)),
            _ => (unmodelled::key(&track.interaction.request, &self.redactor), Vec::new()),
        };
        if let Some(operation) = track.operation {
            let region = track.call.as_ref().and_then(|call| call.region.as_deref());
            self.nearest.add(operation, region, position as u32, &members);
        }
        if track.folded {
            self.tracks[position].key = key;
            return;
        }
        let key_index = self.list(key, position);
        let timed = input.and_then(|input| self.key_by_its_times(position, input, names));
        let timed = timed.map(|key| self.list(key, position));
        let track = &self.tracks[position];
        let token_id = match (track.operation, &track.token) {
            (Some(operation), Some(token)) => {
                let next = TokenId(self.tokens);
                let id = *tokens.entry((operation, token.clone())).or_insert(next);
                self.tokens += u32::from(id == next);
                for index in [Some(key_index), timed].into_iter().flatten() {
                    self.by_token.entry((id, index)).or_default().push(position as u32);
                }
                Some(id)
            }
            _ => None,
        };
        let track = &mut self.tracks[position];
        (track.key, track.key_index, track.token_id) = (key, key_index, token_id);
    }

    /// Lists an interaction under a key, and gives the list.
    fn list(&mut self, key: Key, position: usize) -> u32 {
        let next = self.by_key.len() as u32;
        let index = *self.keys.entry(key).or_insert(next);
        if index == next {
            self.by_key.push(Vec::new());
        }
        self.by_key[index as usize].push(position as u32);
        index
    }

    /// The key of a live call, as this tape makes keys. A call that names no region (it is unsigned,
    /// and came by the endpoint door) means one that was recorded. `names` are those that the
    /// session knows.
    fn key(&self, call: &Call, input: &Value, names: Option<&Names>, given: &[Value]) -> Key {
        let reading = Reading {
            given,
            ..self.reading(false, self.operation(call), names)
        };
        self.placed_key(call, input, reading)
    }

    fn placed_key(&self, call: &Call, input: &Value, reading: Reading<'_>) -> Key {
        let key = key::key_with(call, input, reading);
        if call.region.is_some() || self.keys.contains_key(&key) {
            return key;
        }
        let mut placed = self
            .regions
            .iter()
            .map(|region| key::key_with(&placed_in(call, region), input, reading));
        placed.find(|placed| self.keys.contains_key(placed)).unwrap_or(key)
    }

    /// Where else a call was recorded as it is: the region, and the first interaction.
    fn in_another_region(&self, call: &Call, input: &Value, names: &Names) -> Option<(&str, usize)> {
        let reading = self.reading(false, self.operation(call), self.renames.then_some(names));
        self.regions.iter().find_map(|region| {
            let key = key::key_with(&placed_in(call, region), input, reading);
            let (_, positions) = self.positions(key)?;
            Some((region.as_str(), *positions.first()? as usize))
        })
    }

    /// Where the interaction at a position was recorded.
    fn region_of(&self, position: u32) -> Option<&str> {
        self.tracks.get(position as usize)?.call.as_ref()?.region.as_deref()
    }

    /// The key of a live request, in its plain form, that no model describes.
    pub fn unmodelled_key(&self, request: &Request) -> Key {
        unmodelled::key(request, &self.redactor)
    }

    /// Where the live request is recorded by that key, which no model describes.
    pub fn unmodelled(&self, key: Key) -> Option<usize> {
        let (_, positions) = self.positions(key)?;
        positions.first().map(|position| *position as usize)
    }

    /// The names that the recording had given before `position`.
    fn names_before(&self, position: usize) -> Names {
        let mut names = Names::default();
        for before in (0..position).filter(|before| self.tracks.get(*before).is_some_and(|track| !track.folded)) {
            self.bindings.learn_recorded(before, &mut names);
        }
        names
    }

    /// The operation of a call, where anything was recorded of it.
    pub fn operation(&self, call: &Call) -> Option<OperationId> {
        let name = &call.service.operation(call.operation).name;
        // There are few operations in one cassette, and comparing beats building an owned key.
        let known = |(service, operation): &(String, String)| *service == call.service.sdk_id && operation == name;
        if self.operations.names.len() <= 16 {
            return self.operations.names.iter().position(known).map(|index| OperationId(index as u32));
        }
        self.operations.ids.get(&(call.service.sdk_id.clone(), name.clone())).copied()
    }

    /// All interactions, in recorded order.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The interaction at a position that a session gave.
    pub fn track(&self, position: usize) -> Option<&Track> {
        self.tracks.get(position)
    }

    /// What had to be redacted when the cassette was loaded, by position.
    pub fn lints(&self) -> &[(usize, String)] {
        &self.lints
    }

    fn positions(&self, key: Key) -> Option<(u32, &[u32])> {
        let index = *self.keys.get(&key)?;
        Some((index, self.by_key.get(index as usize)?))
    }
}

fn placed_in(call: &Call, region: &str) -> Call {
    Call {
        region: Some(region.to_owned()),
        ..call.clone()
    }
}

#[cfg(test)]
mod tests;
