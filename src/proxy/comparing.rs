//! The keeper of `compare`: everything is asked live and answered live, and each answer is held
//! against the recorded one. Nothing is written.

use super::journalling::attempt;
use super::keeper::{Fate, Keeper, Kept, Unkept};
use super::playing::{Players, Playing, Shelf};
use super::sessions::{Session, Stage, Unplayed};
use super::work;
use crate::cassette::Name;
use crate::inspect::{Finding, inspect_recorded};
use crate::matcher::compare::{Answered, differences};
use crate::matcher::miss::{Difference, Miss};
use crate::matcher::session::Outcome as Choice;
use crate::model::catalog::Catalog;
use crate::outcome::Outcome;
use crate::protocol::Reply;
use crate::settings::Place;
use crate::value::Value;
use crate::wire::{Request, Response};
use std::sync::Arc;

/// Of so many differences the message of a call tells; reports have all.
const MOST_TOLD: usize = 10;

/// Compares.
pub struct Comparing<S> {
    players: Players<S>,
    catalog: Arc<Catalog>,
    /// Places that may differ.
    ignored: Arc<[Place]>,
}

impl<S: Shelf> Comparing<S> {
    /// Compares with these cassettes; what is at the ignored places may differ.
    pub fn new(players: Players<S>, catalog: Arc<Catalog>, ignored: Vec<Place>) -> Comparing<S> {
        Comparing {
            players,
            catalog,
            ignored: ignored.into(),
        }
    }
}

/// An exchange as it came.
struct Live<'a> {
    request: &'a Request,
    response: &'a Response,
    finding: &'a Finding,
}

/// What comes of comparing an exchange with what was recorded.
fn compared(catalog: &Catalog, ignored: &[Place], session: &Session<Playing>, live: Live<'_>) -> Result<Fate, Unkept> {
    let Live {
        request,
        response,
        finding,
    } = live;
    let input = finding.request.as_ref().and_then(|judged| judged.content.as_ref());
    // What cannot be read has no key.
    let (Some(call), Some(input)) = (&finding.call, input) else {
        return Ok(Fate::of(Outcome::Forwarded, None));
    };
    let playing = &session.part;
    let tape = &playing.playable.tape;
    let input = &*playing.positions.as_recorded(input);
    let key = playing.positions.key_at(tape, call, input, request);
    let position = match playing.positions.play(tape, key, tape.operation(call), call.token(input), false) {
        Choice::Play { position, .. } => position,
        other => {
            let miss = Miss::explain(tape, &playing.positions, call, input, other);
            return Ok(Fate::because(Outcome::Missed, &miss.compared(&session.label.cassette)));
        }
    };
    playing.positions.learn(tape, position, input);
    let Some(track) = tape.track(position) else {
        return Ok(Fate::of(Outcome::Forwarded, None));
    };
    let live = tape.redactor.redact(request, response, finding, attempt(request));
    let live = live.map_err(|leak| Unkept::Told(format!("it cannot be compared: {leak}")))?;
    let [old, new] = [&track.interaction, &live].map(|side| inspect_recorded(catalog, side).response);
    let [old, new] = [&old, &new].map(|judged| judged.as_ref().and_then(|judged| judged.content.as_ref()));
    let new = new.map(|reply| as_recorded(playing, reply));
    let [recorded, live] = [(&track.interaction, old), (&live, new.as_ref())].map(|(interaction, reply)| Answered { interaction, reply });
    let differences = differences(call, recorded, live, ignored);
    Ok(fate(position, differences))
}

/// With the recorded names in the place of those that the program sends now.
fn as_recorded(playing: &Playing, reply: &Reply) -> Reply {
    let renamed = |value: &Value| playing.positions.answer_as_recorded(&playing.playable.tape, value);
    match reply {
        Reply::Output(output) => Reply::Output(renamed(output)),
        Reply::Error { code, shape, value } => Reply::Error {
            code: code.clone(),
            shape: *shape,
            value: renamed(value),
        },
    }
}

fn fate(position: usize, differences: Vec<Difference>) -> Fate {
    if differences.is_empty() {
        return Fate::of(Outcome::Same, Some(position));
    }
    let mut message = format!("the live answer is not that of interaction {}:", position + 1);
    for Difference { path, recorded, sent } in differences.iter().take(MOST_TOLD) {
        message.push_str(&format!("\n  {path}: recorded {recorded}, live {sent}"));
    }
    if let Some(more) = differences.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        message.push_str(&format!("\n  and {more} more"));
    }
    Fate {
        message: Some(message),
        differences,
        ..Fate::of(Outcome::Differs, Some(position))
    }
}

impl<S: Shelf> Stage for Comparing<S> {
    type Part = Playing;

    fn mode(&self) -> &'static str {
        self.players.mode()
    }

    fn has(&self, cassette: &Name) -> bool {
        self.players.has(cassette)
    }

    fn names(&self) -> Vec<Name> {
        self.players.names()
    }

    fn open(&self, cassette: &Name, session: &Name) -> Result<Playing, String> {
        self.players.open(cassette, session)
    }

    fn unplayed(&self, part: &Playing) -> Vec<Unplayed> {
        part.unplayed()
    }
}

impl<S: Shelf> Keeper for Comparing<S> {
    fn passed(&self) -> Outcome {
        Outcome::Forwarded
    }

    async fn keep(&self, session: &Arc<Session<Playing>>, exchange: &Kept<'_>) -> Result<Fate, Unkept> {
        let Kept {
            request,
            response,
            finding,
            ..
        } = *exchange;
        if exchange.bytes() <= work::SMALL {
            let live = Live {
                request,
                response,
                finding,
            };
            return compared(&self.catalog, &self.ignored, session, live);
        }
        let (catalog, ignored, session) = (Arc::clone(&self.catalog), Arc::clone(&self.ignored), Arc::clone(session));
        let (request, response, finding) = (request.clone(), response.clone(), Arc::clone(finding));
        work::heavy(move || {
            let live = Live {
                request: &request,
                response: &response,
                finding: &finding,
            };
            compared(&catalog, &ignored, &session, live)
        })
        .await
    }
}
