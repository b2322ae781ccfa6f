//! Answers calls from a tape. Nothing here can open a connection.

use super::body::{Read, read_limited};
use super::event::{Event, Observer};
use super::refuse::{answer, refuse_call, refuse_unknown};
use super::{Arrival, Authority, Handler, Payload, Reach, RequestBody};
use crate::contract::{self, Departure, Rule};
use crate::inspect::{Call, Judged, Unmodeled, Verdict, judge_request, plain, recognise};
use crate::matcher::miss::Miss;
use crate::matcher::session::{self, Session};
use crate::matcher::{Tape, Track};
use crate::model::catalog::Catalog;
use crate::outcome::Outcome;
use crate::protocol::refusal::{CASSETTE_MISS, SERIALIZATION, UNKNOWN_OPERATION, validation_error};
use crate::redaction::headers::{encode_content, is_checksum, refresh_checksums};
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest request body that is read. No AWS call that a cassette can hold is larger.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What a replay does beyond answering.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// The cassette's name, which is also the session's.
    pub cassette: String,
    /// The last interaction of a key answers again.
    pub repeat: bool,
    /// A request that breaks its contract is refused as the service would.
    pub enforce: bool,
    /// Calls that no model knows are answered where they were recorded.
    pub play_unmodeled: bool,
    /// The command that would record what is missing.
    pub record_command: String,
}

/// The replayer.
pub struct Replayer<O> {
    catalog: Catalog,
    tape: Tape,
    session: Session,
    answers: Vec<Answer>,
    behaviour: Behaviour,
    observer: Arc<O>,
    arrived: AtomicUsize,
}

/// What of a response is the same each time.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// What the client sends or accepts changes headers: content encodings, checksums.
    varies: bool,
}

impl<O: Observer> Replayer<O> {
    /// A replayer in which nothing was played yet.
    pub fn new(catalog: Catalog, tape: Tape, behaviour: Behaviour, observer: Arc<O>) -> Replayer<O> {
        let session = Session::new(&tape);
        let answers = tape.tracks().iter().map(Answer::new).collect();
        Replayer {
            catalog,
            tape,
            session,
            answers,
            behaviour,
            observer,
            arrived: AtomicUsize::new(0),
        }
    }

    /// The services known.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The tape that is played.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// What was played of it.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Positions of interactions that no call asked for.
    pub fn unplayed(&self) -> Vec<usize> {
        self.session.unplayed()
    }

    fn respond(&self, request: &Request) -> Response {
        let number = self.arrived.fetch_add(1, Ordering::Relaxed) + 1;
        match recognise(&self.catalog, request) {
            Ok(call) => self.respond_to(number, &call, request),
            Err(unmodeled) => self.unmodeled(number, request, &unmodeled),
        }
    }

    fn respond_to(&self, number: usize, call: &Call, request: &Request) -> Response {
        let judged = judge_request(call, request, false);
        let Some(input) = &judged.content else {
            let reason = judged.reason.as_deref().unwrap_or_default();
            let response = refuse_call(call, request, SERIALIZATION, 400, reason);
            self.tell(number, call, request, &judged, Outcome::Refused, None, &response, None);
            return response;
        };
        let key = self.session.key(&self.tape, call, input);
        let operation = self.tape.operation(call);
        let token = call.token(input);
        if judged.verdict == Verdict::Violates && self.behaviour.enforce {
            return match self.session.play_error(&self.tape, key, operation, token, self.behaviour.repeat) {
                Some(session::Outcome::Play { position, .. }) => self.play(number, call, request, &tolerated(&judged), input, position),
                _ => self.refuse_violation(number, call, request, &judged),
            };
        }
        match self.session.play(&self.tape, key, operation, token, self.behaviour.repeat) {
            session::Outcome::Play { position, .. } => self.play(number, call, request, &judged, input, position),
            session::Outcome::TokenReused { position } => self.refuse_violation(number, call, request, &reused(call, &judged, position)),
            outcome @ (session::Outcome::Unrecorded | session::Outcome::Exhausted { .. } | session::Outcome::OutOfOrder { .. }) => {
                self.miss(number, call, request, &judged, input, outcome)
            }
        }
    }

    fn play(&self, number: usize, call: &Call, request: &Request, judged: &Judged<Value>, input: &Value, position: usize) -> Response {
        let body = self.session.body(&self.tape, position, input);
        let Some(answer) = self.answers.get(position) else {
            return Response::default();
        };
        let mut response = answer.response(request, body);
        self.session.fill_headers(&self.tape, position, input, response.headers_mut());
        if judged.violations.is_empty() && judged.lints.is_empty() {
            self.observer.played(number, position);
        } else {
            self.tell(number, call, request, judged, Outcome::Played, Some(position), &response, None);
        }
        response
    }

    fn refuse_violation(&self, number: usize, call: &Call, request: &Request, judged: &Judged<Value>) -> Response {
        let (code, status) = validation_error(&call.service, call.operation);
        let response = refuse_call(call, request, code, status, &contract::summary(&judged.violations));
        self.tell(number, call, request, judged, Outcome::Refused, None, &response, None);
        response
    }

    fn miss(
        &self,
        number: usize,
        call: &Call,
        request: &Request,
        judged: &Judged<Value>,
        input: &Value,
        outcome: session::Outcome,
    ) -> Response {
        let miss = Miss::explain(&self.tape, &self.session, call, input, outcome);
        let response = refuse_call(
            call,
            request,
            CASSETTE_MISS,
            400,
            &miss.text(&format!("record it: {}", self.behaviour.record_command)),
        );
        let text = miss.text("");
        self.tell(number, call, request, judged, Outcome::Missed, None, &response, Some(&text));
        response
    }

    /// What no model knows is refused, or answered by its bytes where that was asked for.
    fn unmodeled(&self, number: usize, request: &Request, unmodeled: &Unmodeled) -> Response {
        if !self.behaviour.play_unmodeled {
            return self.refuse_unmodeled(number, request, unmodeled, &unmodeled.reason);
        }
        let key = self.tape.unmodelled_key(&plain(request));
        match self.session.play(&self.tape, key, None, None, self.behaviour.repeat) {
            session::Outcome::Play { position, .. } => {
                let body = self.session.body(&self.tape, position, &Value::Null);
                let Some(answer) = self.answers.get(position) else {
                    return Response::default();
                };
                self.observer.played(number, position);
                answer.response(request, body)
            }
            outcome => {
                let again = matches!(outcome, session::Outcome::Exhausted { .. });
                let what = if again {
                    "every recording of this call was played"
                } else {
                    "there is no recording of this call"
                };
                let message = format!(
                    "{}; {what}; record it with `--unmodeled record`: {}",
                    unmodeled.reason, self.behaviour.record_command
                );
                self.refuse_unmodeled(number, request, unmodeled, &message)
            }
        }
    }

    fn refuse_unmodeled(&self, number: usize, request: &Request, unmodeled: &Unmodeled, message: &str) -> Response {
        let response = refuse_unknown(
            &self.catalog,
            unmodeled.service.as_deref(),
            request,
            UNKNOWN_OPERATION,
            400,
            message,
        );
        self.observer.told(Event {
            number,
            request,
            call: None,
            outcome: Outcome::Unmodeled,
            interaction: None,
            status: response.status().as_u16(),
            judged_request: None,
            judged_response: None,
            message: Some(message),
        });
        response
    }

    #[allow(clippy::too_many_arguments)] // each is one field of the event
    fn tell(
        &self,
        number: usize,
        call: &Call,
        request: &Request,
        judged: &Judged<Value>,
        outcome: Outcome,
        interaction: Option<usize>,
        response: &Response,
        message: Option<&str>,
    ) {
        self.observer.told(Event {
            number,
            request,
            call: Some(call),
            outcome,
            interaction,
            status: response.status().as_u16(),
            judged_request: Some(judged),
            judged_response: None,
            message,
        });
    }
}

impl<O: Observer> Handler for Replayer<O> {
    async fn call(&self, arrival: Arrival, request: http::Request<RequestBody>) -> http::Response<Payload> {
        let (parts, body) = request.into_parts();
        let body = match read_limited(body, MAX_BODY).await {
            Ok(Read::Whole(body)) => Ok(body),
            Ok(Read::Over { .. }) => Err((
                413,
                format!("the request body is larger than {MAX_BODY} bytes, more than a cassette can hold"),
            )),
            Err(error) => Err((400, error.to_string())),
        };
        let refused =
            |request: &Request, status, message: &str| answer(refuse_unknown(&self.catalog, None, request, "BadRequest", status, message));
        match body {
            Err((status, message)) => refused(&Request::from_parts(parts, Bytes::new()), status, &message),
            Ok(body) => {
                let request = Request::from_parts(parts, body);
                match other_session(&arrival, &self.behaviour.cassette) {
                    Some(message) => refused(&request, 404, &message),
                    None => answer(self.respond(&request)),
                }
            }
        }
    }

    fn reach(&self, authority: &Authority) -> Reach {
        if crate::aws_hosts::is_aws_host(&authority.host) {
            return Reach::Intercept;
        }
        self.observer
            .noted(&format!("a connection to `{authority}` was refused: replay opens none"));
        Reach::Refuse(format!(
            "replay is offline, and `{}` is not an AWS host that a cassette could answer for",
            authority.host
        ))
    }
}

/// What to say to a client that names another session than this run's.
pub(super) fn other_session(arrival: &Arrival, cassette: &str) -> Option<String> {
    let named = arrival.session.as_deref().filter(|named| *named != cassette)?;
    Some(format!(
        "this run serves the cassette `{cassette}`, not `{named}`; start another for it with `-c {named}`"
    ))
}

/// A negative test was recorded: the violation is told, and the recorded error answers.
fn tolerated(judged: &Judged<Value>) -> Judged<Value> {
    let mut tolerated = judged.clone();
    tolerated.lints.splice(0..0, std::mem::take(&mut tolerated.violations));
    tolerated.verdict = Verdict::Conforms;
    tolerated
}

/// The same token with another input: only a live session can see it.
fn reused(call: &Call, judged: &Judged<Value>, position: usize) -> Judged<Value> {
    let member = call.operation().idempotency_token.as_deref().unwrap_or_default();
    let path = crate::pointer::Path::ROOT.name(member).render();
    let message = format!(
        "Value at '{path}' failed to satisfy constraint: Member must not be used again with another input (it was used for interaction #{})",
        position + 1
    );
    let mut judged = judged.clone();
    judged.violations.push(Departure {
        path,
        rule: Rule::Token,
        message,
    });
    judged.verdict = Verdict::Violates;
    judged
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
