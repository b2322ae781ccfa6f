//! A cassette that is played: shared by all its sessions, with the part of its answers that never
//! changes made beforehand.

use super::own_address;
use super::sessions::{Stage, Unplayed};
use super::translated::translated;
use crate::cassette::Name;
use crate::codec::checksum;
use crate::codec::digest::Digest;
use crate::contract::Side;
use crate::inspect::Call;
use crate::matcher::miss::{Miss, Unmodelled};
use crate::matcher::session::Session as Positions;
use crate::matcher::{Tape, Track};
use crate::protocol::is_same;
use crate::redaction::digests::{kind_of, with_digest};
use crate::redaction::headers::{encode_content, is_checksum, refresh_some_checksums};
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where cassettes to play come from.
pub trait Shelf: Send + Sync + 'static {
    /// Whether there is a cassette of that name.
    fn has(&self, cassette: &Name) -> bool;
    /// The cassettes that there are.
    fn names(&self) -> Vec<Name>;
    /// Reads a cassette; or why it cannot be had, for people.
    fn tape(&self, cassette: &Name) -> Result<Tape, String>;
    /// What to do about a call that it does not answer.
    fn remedy(&self, cassette: &Name) -> Remedy;
}

/// What to do about a call that a cassette does not answer: the last line of a message, with a
/// command to paste.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    /// Records what is missing, behind the rest.
    pub add: String,
    /// Records all of it anew.
    pub anew: String,
    /// Records what no model knows.
    pub unmodelled: String,
}

impl Remedy {
    /// What helps against this miss; empty where its text says it.
    pub fn of(&self, miss: &Miss) -> &str {
        match miss {
            // What was recorded in another order is not mended by more of it behind.
            Miss::OutOfOrder { .. } => &self.anew,
            Miss::Unmodelled {
                recorded: Unmodelled::Known(..) | Unmodelled::Refused(_),
                ..
            } => "",
            Miss::Unmodelled { .. } => &self.unmodelled,
            _ => &self.add,
        }
    }
}

/// A cassette ready to be played.
pub struct Playable {
    /// What was recorded.
    pub tape: Tape,
    /// What to do about a call that it does not answer.
    pub remedy: Remedy,
    answers: Vec<Answer>,
}

/// What of a response is the same each time.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// The body is encoded as the client likes it.
    encoded: bool,
    /// What the client sends or accepts changes headers: content encodings, checksums.
    varies: bool,
    /// Where URLs of AWS in the response stand for those of the upstream that it was recorded from.
    addresses: Vec<String>,
    /// Headers that hold a digest of the body: an object's ETag.
    digests: Vec<(HeaderName, String, Digest)>,
    /// It answers a GET, so `x-amz-checksum-*` is of its body; elsewhere it is of what was sent.
    is_object: bool,
}

impl Playable {
    /// Prepares a cassette.
    pub fn new(tape: Tape, remedy: Remedy) -> Playable {
        let answers = tape.tracks().iter().map(Answer::new).collect();
        Playable { tape, remedy, answers }
    }

    /// What to do about a missed call. One that depends on what was played must not go to AWS alone.
    pub fn advice(&self, positions: &Positions, miss: &Miss, call: &Call, input: &Value) -> String {
        let remedy = self.remedy.of(miss);
        let is_to_be_added = !remedy.is_empty() && remedy == self.remedy.add;
        match self.tape.dependence(positions, call, input).filter(|_| is_to_be_added) {
            Some(dependence) => format!("it names {dependence}\n{}", self.remedy.anew),
            None => remedy.to_owned(),
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

    /// Where URLs of AWS in that interaction's response stand for those of an upstream.
    pub fn addresses(&self, position: usize) -> &[String] {
        self.playable.answers.get(position).map_or(&[], |answer| &answer.addresses)
    }

    /// What the interaction at `position` answers to this request, in the protocol of the call that it
    /// is.
    pub fn response(&self, position: usize, request: &Request, call: Option<&Call>, input: &Value) -> Response {
        let Playable { tape, answers, .. } = &*self.playable;
        let Some(answer) = answers.get(position) else {
            return Response::default();
        };
        let body = self.positions.body(tape, position, input);
        let recorded = tape.track(position).and_then(|track| track.call.as_ref());
        let fill = |response: &mut Response| {
            self.positions.fill(response);
            self.positions.fill_headers(tape, position, input, response.headers_mut());
        };
        answer.response(request, body, recorded.zip(call), &fill)
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
        let playable = Arc::new(Playable::new(tape, self.shelf.remedy(cassette)));
        read.insert(cassette.clone(), Arc::clone(&playable));
        Ok(playable)
    }

    /// Reads a cassette again when it is asked for next.
    pub fn forget(&self, cassette: &Name) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).remove(cassette);
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

    fn names(&self) -> Vec<Name> {
        self.shelf.names()
    }

    fn open(&self, cassette: &Name, _: &Name) -> Result<Playing, String> {
        self.playable(cassette).map(Playing::new)
    }

    fn unplayed(&self, part: &Playing) -> Vec<Unplayed> {
        part.unplayed()
    }
}

impl Answer {
    fn new(track: &Track) -> Answer {
        let recorded = &track.interaction.response;
        let owned = !track.is_error && track.call.as_ref().is_some_and(|call| call.owns_encoding(Side::Response));
        let encoded = recorded.headers().contains_key(CONTENT_ENCODING) && !owned;
        let mut answer = Answer {
            status: recorded.status(),
            headers: HeaderMap::new(),
            encoded,
            varies: encoded || (!track.template.is_fixed() && recorded.headers().keys().any(is_checksum)),
            addresses: own_address::marked(&track.interaction),
            digests: digests_of_the_body(track),
            is_object: track.interaction.request.method() == Method::GET,
        };
        let mut headers = recorded.headers().clone();
        // Somebody may have edited the body; what cannot be made anew is believed.
        let known = |name: &HeaderName| checksum::header_value(name.as_str(), b"").is_some();
        refresh_some_checksums(&mut headers, recorded.body(), |name| known(name) && answer.is_of_the_body(name));
        answer.headers = headers;
        answer
    }

    fn is_of_the_body(&self, checksum: &HeaderName) -> bool {
        self.is_object || !checksum.as_str().starts_with("x-amz-checksum-")
    }

    /// `calls`: the recorded call and the live one.
    fn response(&self, request: &Request, body: Bytes, calls: Option<(&Call, &Call)>, fill: &dyn Fn(&mut Response)) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        fill(&mut response);
        for (name, text, kind) in &self.digests {
            if let Ok(value) = HeaderValue::from_str(&with_digest(text, *kind, response.body())) {
                response.headers_mut().insert(name, value);
            }
        }
        if let Some((recorded, asked)) = calls.filter(|(recorded, asked)| !is_same(recorded.protocol, asked.protocol)) {
            // What is written anew is not compressed, and has none of the checksums that the other had.
            return translated(recorded, asked, response);
        }
        if self.encoded {
            let plain = std::mem::take(response.body_mut());
            *response.body_mut() = encode_content(response.headers_mut(), plain, request.headers());
        }
        if self.varies {
            let body = response.body().clone();
            refresh_some_checksums(response.headers_mut(), &body, |name| self.is_of_the_body(name));
        }
        response
    }
}

/// Headers that hold a digest of the body, where either is not always the same: whatever is filled in,
/// they stay true of it.
fn digests_of_the_body(track: &Track) -> Vec<(HeaderName, String, Digest)> {
    if track.template.is_fixed() && !track.template.fills_headers() {
        return Vec::new();
    }
    let recorded = &track.interaction.response;
    let digest = |(name, value): (&HeaderName, &HeaderValue)| {
        let text = value.to_str().ok()?;
        Some((name.clone(), text.to_owned(), kind_of(text, recorded.body())?))
    };
    recorded.headers().iter().filter_map(digest).collect()
}
