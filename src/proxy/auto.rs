//! The keeper of `auto`: what is recorded is played, and the rest is forwarded and recorded behind it.

use super::journalling;
use super::keeper::{Asked, Fate, Keeper, Kept, Known, Unkept};
use super::playing::{Players, Playing, Shelf};
use super::sessions::{Ending, Session, Stage, Unplayed};
use super::takes::{Desk, Doubt, Take, Takes};
use super::work;
use crate::cassette::Name;
use crate::inspect::{Call, Judged, Verdict, plain};
use crate::matcher::key::Key;
use crate::matcher::session::Outcome as Choice;
use crate::outcome::Outcome;
use crate::protocol::Reply;
use crate::value::Value;
use crate::wire::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Plays, and records what is not there.
pub struct Auto<S, D> {
    players: Players<S>,
    takes: Takes<D>,
    /// Live answers that are errors are recorded, too.
    appends_errors: bool,
}

/// What a session of `auto` holds.
pub struct Part {
    /// What is played; none where there is no such cassette yet.
    pub playing: Option<Playing>,
    /// What is recorded.
    pub take: Arc<Take>,
    /// It was told that a call depends on what was played.
    warned: AtomicBool,
}

impl Part {
    /// What a session holds that neither played nor recorded anything yet.
    pub fn new(playing: Option<Playing>, take: Arc<Take>) -> Part {
        Part {
            playing,
            take,
            warned: AtomicBool::new(false),
        }
    }
}

impl<S: Shelf, D: Desk> Auto<S, D> {
    /// Plays these cassettes, and records into these takes.
    pub fn new(players: Players<S>, takes: Takes<D>, appends_errors: bool) -> Auto<S, D> {
        Auto {
            players,
            takes,
            appends_errors,
        }
    }

    /// A call that goes to AWS may name what was only played: that is told once a session.
    fn warn(&self, session: &Session<Part>, playing: &Playing, call: &Call, input: &Value) {
        let Playing { playable, positions } = playing;
        let Some(dependence) = playable.tape.dependence(positions, call, input) else {
            return;
        };
        if !session.part.warned.swap(true, Ordering::Relaxed) {
            let desk = self.takes.desk();
            desk.depends(&session.label, call, &dependence, &playable.remedy);
        }
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
        Ok(Part::new(self.playing(cassette)?, self.takes.open(cassette, session)?))
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
    async fn known(&self, session: &Arc<Session<Part>>, asked: &Asked<'_>) -> Option<Known> {
        let playing = session.part.playing.as_ref()?;
        let key = key(session, asked).await?;
        let Playing { playable, positions } = playing;
        let tape = &playable.tape;
        let input = asked.judged.and_then(|judged| judged.content.as_ref());
        let choice = match (asked.call, input) {
            (Some(call), Some(input)) => {
                let (operation, token) = (tape.operation(call), call.token(input));
                // As in replay, a request that breaks its contract gets only a recorded error.
                let violates = asked.judged.is_some_and(|judged| judged.verdict != Verdict::Conforms);
                match violates {
                    true => positions.play_error(tape, key, operation, token, false),
                    false => Some(positions.play(tape, key, operation, token, false)),
                }
            }
            _ => Some(positions.play(tape, key, None, None, false)),
        };
        let Some(Choice::Play { position, .. }) = choice else {
            if let (Some(call), Some(input)) = (asked.call, input) {
                self.warn(session, playing, call, input);
            }
            return None;
        };
        Some(Known {
            addresses: playing.addresses(position).to_vec(),
            response: playing.response(position, asked.request, asked.call, input.unwrap_or(&Value::Null)),
            interaction: position,
        })
    }

    fn stopped(&self) -> Option<String> {
        self.takes.failure()
    }

    async fn keep(&self, session: &Arc<Session<Part>>, exchange: &Kept<'_>) -> Result<Fate, Unkept> {
        if let Some(error) = error_of(exchange).filter(|_| !self.appends_errors) {
            let message = format!("AWS answered with {error}, and `auto` appends no error; `--append-errors` appends it");
            return Ok(Fate::because(Outcome::NotRecorded, &message));
        }
        journalling::write(&self.takes, &session.part.take, exchange).await
    }
}

/// The error that AWS answered with, for people.
fn error_of(exchange: &Kept<'_>) -> Option<String> {
    let status = exchange.response.status().as_u16();
    match exchange.finding.response.as_ref().and_then(|judged| judged.content.as_ref()) {
        Some(Reply::Error { code, .. }) => Some(format!("`{code}` (status {status})")),
        Some(_) => None,
        None => (status >= 400).then(|| format!("status {status}")),
    }
}

/// The key of what is asked; none where it cannot be read.
async fn key(session: &Arc<Session<Part>>, asked: &Asked<'_>) -> Option<Key> {
    if asked.request.body().len() <= work::SMALL {
        return key_in(&session.part, asked.request, asked.call, asked.judged.map(|judged| &**judged));
    }
    let (session, request, call, judged) = (
        Arc::clone(session),
        asked.request.clone(),
        asked.call.cloned(),
        asked.judged.map(Arc::clone),
    );
    work::heavy(move || key_in(&session.part, &request, call.as_ref(), judged.as_deref())).await
}

fn key_in(part: &Part, request: &Request, call: Option<&Call>, judged: Option<&Judged<Value>>) -> Option<Key> {
    let Playing { playable, positions } = part.playing.as_ref()?;
    match (call, judged.and_then(|judged| judged.content.as_ref())) {
        (Some(call), Some(input)) => Some(positions.key_at(&playable.tape, call, input, request)),
        (Some(_), None) => None,
        (None, _) => Some(playable.tape.unmodelled_key(&plain(request))),
    }
}
