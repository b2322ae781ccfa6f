//! The keeper of `auto`: what is recorded is played, and the rest is forwarded and recorded behind it.

use super::journalling;
use super::keeper::{Asked, Fate, Keeper, Kept, Known, Unkept};
use super::playing::{Players, Playing, Shelf};
use super::sessions::{Ending, Session, Stage, Unplayed};
use super::takes::{Desk, Doubt, Take, Takes};
use crate::cassette::Name;
use crate::inspect::{Verdict, plain};
use crate::matcher::session::Outcome as Choice;
use crate::value::Value;
use std::sync::Arc;

/// Plays, and records what is not there.
pub struct Auto<S, D> {
    players: Players<S>,
    takes: Takes<D>,
}

/// What a session of `auto` holds.
pub struct Part {
    /// What is played; none where there is no such cassette yet.
    pub playing: Option<Playing>,
    /// What is recorded.
    pub take: Arc<Take>,
}

impl<S: Shelf, D: Desk> Auto<S, D> {
    /// Plays these cassettes, and records into these takes.
    pub fn new(players: Players<S>, takes: Takes<D>) -> Auto<S, D> {
        Auto { players, takes }
    }

    /// What is there of a cassette; nothing where there is none yet.
    pub fn playing(&self, cassette: &Name) -> Result<Option<Playing>, String> {
        match self.players.has(cassette) {
            true => Ok(Some(Playing::new(self.players.playable(cassette)?))),
            false => Ok(None),
        }
    }

    /// What was recorded.
    pub fn into_takes(self) -> Takes<D> {
        self.takes
    }
}

impl<S: Shelf, D: Desk> Stage for Auto<S, D> {
    type Part = Part;

    fn mode(&self) -> &'static str {
        self.players.mode()
    }

    fn has(&self, cassette: &Name) -> bool {
        self.players.has(cassette)
    }

    fn names(&self) -> Vec<Name> {
        self.players.names()
    }

    fn makes_cassettes(&self) -> bool {
        true
    }

    fn open(&self, cassette: &Name, session: &Name) -> Result<Part, String> {
        Ok(Part {
            playing: self.playing(cassette)?,
            take: self.takes.open(cassette, session)?,
        })
    }

    fn close(&self, session: &Session<Part>, ending: Ending) -> Result<(), String> {
        self.takes.close(&session.part.take, Doubt::of(ending, &session.tally))?;
        self.players.forget(&session.part.take.reel.header.name);
        Ok(())
    }

    fn unplayed(&self, part: &Part) -> Vec<Unplayed> {
        part.playing.as_ref().map(Playing::unplayed).unwrap_or_default()
    }
}

impl<S: Shelf, D: Desk> Keeper for Auto<S, D> {
    fn known(&self, session: &Session<Part>, asked: &Asked<'_>) -> Option<Known> {
        let playing = session.part.playing.as_ref()?;
        let Playing { playable, positions } = playing;
        let tape = &playable.tape;
        let input = asked.judged.and_then(|judged| judged.content.as_ref());
        let choice = match (asked.call, input) {
            (Some(call), Some(input)) => {
                let (key, operation, token) = (positions.key(tape, call, input), tape.operation(call), call.token(input));
                // As in replay, a request that breaks its contract gets only a recorded error.
                let violates = asked.judged.is_some_and(|judged| judged.verdict != Verdict::Conforms);
                match violates {
                    true => positions.play_error(tape, key, operation, token, false)?,
                    false => positions.play(tape, key, operation, token, false),
                }
            }
            (Some(_), None) => return None,
            (None, _) => positions.play(tape, tape.unmodelled_key(&plain(asked.request)), None, None, false),
        };
        let Choice::Play { position, .. } = choice else { return None };
        Some(Known {
            addresses: playing.addresses(position).to_vec(),
            response: playing.response(position, asked.request, asked.call, input.unwrap_or(&Value::Null)),
            interaction: position,
        })
    }

    fn stopped(&self) -> Option<String> {
        self.takes.failure()
    }

    async fn keep(&self, session: &Session<Part>, exchange: &Kept<'_>) -> Result<Fate, Unkept> {
        journalling::write(&self.takes, &session.part.take, exchange).await
    }
}
