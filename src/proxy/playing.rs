//! A cassette that is played: shared by all its sessions, with the part of its answers that never
//! changes made beforehand.

use super::sessions::{Stage, Unplayed};
use crate::cassette::Name;
use crate::matcher::session::Session as Positions;
use crate::matcher::{Tape, Track};
use crate::redaction::headers::{encode_content, is_checksum, refresh_checksums};
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderMap};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where cassettes to play come from.
pub trait Shelf: Send + Sync + 'static {
    /// Whether there is a cassette of that name.
    fn has(&self, cassette: &Name) -> bool;
    /// Reads a cassette; or why it cannot be had, for people.
    fn tape(&self, cassette: &Name) -> Result<Tape, String>;
    /// The command that records it.
    fn record_command(&self, cassette: &Name) -> String;
}

/// A cassette ready to be played.
pub struct Playable {
    /// What was recorded.
    pub tape: Tape,
    /// The command that would record what is missing.
    pub record_command: String,
    answers: Vec<Answer>,
}

/// What of a response is the same each time.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// What the client sends or accepts changes headers: content encodings, checksums.
    varies: bool,
}

impl Playable {
    /// Prepares a cassette.
    pub fn new(tape: Tape, record_command: String) -> Playable {
        let answers = tape.tracks().iter().map(Answer::new).collect();
        Playable {
            tape,
            record_command,
            answers,
        }
    }
}

/// One session's way through a cassette.
pub struct Playing {
    /// The cassette.
    pub playable: Arc<Playable>,
    /// What was played.
    pub positions: Positions,
}

impl Playing {
    /// A session in which nothing was played yet.
    pub fn new(playable: Arc<Playable>) -> Playing {
        Playing {
            positions: Positions::new(&playable.tape),
            playable,
        }
    }

    /// What the interaction at `position` answers to this request.
    pub fn response(&self, position: usize, request: &Request, input: &Value) -> Response {
        let Playing { playable, positions } = self;
        let Some(answer) = playable.answers.get(position) else {
            return Response::default();
        };
        let mut response = answer.response(request, positions.body(&playable.tape, position, input));
        positions.fill_headers(&playable.tape, position, input, response.headers_mut());
        response
    }

    /// The interactions that no call asked for.
    pub fn unplayed(&self) -> Vec<Unplayed> {
        let described = |position: usize| {
            let interaction = self.playable.tape.track(position).map(|track| &track.interaction);
            Unplayed {
                position,
                service: interaction.and_then(|interaction| interaction.service.clone()),
                operation: interaction.and_then(|interaction| interaction.operation.clone()),
            }
        };
        self.positions.unplayed().into_iter().map(described).collect()
    }
}

/// The cassettes of a replay, each read once.
pub struct Players<S> {
    shelf: S,
    mode: &'static str,
    read: Mutex<HashMap<Name, Arc<Playable>>>,
}

impl<S: Shelf> Players<S> {
    /// The cassettes of that shelf, for a mode of that name.
    pub fn new(shelf: S, mode: &'static str) -> Players<S> {
        Players {
            shelf,
            mode,
            read: Mutex::default(),
        }
    }

    /// A cassette, read now or before.
    pub fn playable(&self, cassette: &Name) -> Result<Arc<Playable>, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(playable) = read.get(cassette) {
            return Ok(Arc::clone(playable));
        }
        let tape = self.shelf.tape(cassette)?;
        let playable = Arc::new(Playable::new(tape, self.shelf.record_command(cassette)));
        read.insert(cassette.clone(), Arc::clone(&playable));
        Ok(playable)
    }
}

impl<S: Shelf> Stage for Players<S> {
    type Part = Playing;

    fn mode(&self) -> &'static str {
        self.mode
    }

    fn has(&self, cassette: &Name) -> bool {
        self.shelf.has(cassette)
    }

    fn open(&self, cassette: &Name) -> Result<Playing, String> {
        self.playable(cassette).map(Playing::new)
    }

    fn unplayed(&self, part: &Playing) -> Vec<Unplayed> {
        part.unplayed()
    }
}

impl Answer {
    fn new(track: &Track) -> Answer {
        let recorded = &track.interaction.response;
        let mut headers = recorded.headers().clone();
        refresh_checksums(&mut headers, recorded.body());
        let varies = headers.contains_key(CONTENT_ENCODING) || (!track.template.is_fixed() && headers.keys().any(is_checksum));
        Answer {
            status: recorded.status(),
            headers,
            varies,
        }
    }

    fn response(&self, request: &Request, body: Bytes) -> Response {
        let mut headers = self.headers.clone();
        let body = if self.varies {
            let body = encode_content(&mut headers, body, request.headers());
            refresh_checksums(&mut headers, &body);
            body
        } else {
            body
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}
