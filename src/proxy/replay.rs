//! Answers calls from a tape. Nothing here can open a connection.

use super::body::{Read, read_with_room};
use super::control::Control;
use super::event::{Event, Label, Observer};
use super::intercept::past_the_proxy;
use super::own_address::{self, OwnAddress};
use super::playing::{Players, Playing, Shelf};
use super::refuse::{answer, refuse_at_door, refuse_call, refuse_unknown};
use super::sessions::{self, SessionError, Sessions};
use super::work::{self, Of};
use super::{Arrival, Authority, Handler, Payload, Reach, Refused, RequestBody};
use crate::contract::{self, Departure, Rule};
use crate::inspect::{Call, Judged, Unmodeled, Verdict, judge_request, plain, recognise};
use crate::matcher::Track;
use crate::matcher::miss::{Miss, Unmodelled};
use crate::matcher::session;
use crate::model::catalog::Catalog;
use crate::outcome::Outcome;
use crate::protocol::refusal::{CASSETTE_MISS, SERIALIZATION, UNKNOWN_OPERATION, validation_error};
use crate::settings::CallRules;
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest request body that is read. No AWS call that a cassette can hold is larger.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What a replay does beyond answering.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// The last interaction of a key answers again.
    pub repeat: bool,
    /// A request that breaks its contract is refused as the service would.
    pub enforce: bool,
    /// Calls that no model knows are answered where they were recorded.
    pub play_unmodeled: bool,
}

/// A session of a replay.
type Session = sessions::Session<Playing>;

/// The replayer.
pub struct Replayer<O, S: Shelf>(Arc<Core<O, S>>);

/// What answers, wherever it runs.
struct Core<O, S: Shelf> {
    catalog: Arc<Catalog>,
    own_address: OwnAddress,
    sessions: Sessions<Players<S>>,
    behaviour: Behaviour,
    observer: Arc<O>,
    arrived: AtomicUsize,
}

/// A call on its way.
struct Asked<'a> {
    number: usize,
    session: &'a Session,
    arrival: &'a Arrival,
    /// As it came.
    came: &'a Request,
    /// As AWS would have been asked.
    request: &'a Request,
}

/// What is told of a call whose operation is known.
struct Told<'a> {
    outcome: Outcome,
    interaction: Option<usize>,
    message: Option<&'a str>,
    rules: Option<&'a CallRules>,
}

impl Told<'_> {
    fn of(outcome: Outcome) -> Self {
        Told {
            outcome,
            interaction: None,
            message: None,
            rules: None,
        }
    }
}

impl<O: Observer, S: Shelf> Replayer<O, S> {
    /// A replayer in which nothing was played yet.
    pub fn new(catalog: Arc<Catalog>, sessions: Sessions<Players<S>>, behaviour: Behaviour, observer: Arc<O>) -> Replayer<O, S> {
        Replayer(Arc::new(Core {
            catalog,
            own_address: OwnAddress::default(),
            sessions,
            behaviour,
            observer,
            arrived: AtomicUsize::new(0),
        }))
    }

    /// Its sessions.
    pub fn sessions(&self) -> &Sessions<Players<S>> {
        &self.0.sessions
    }
}

impl<O: Observer, S: Shelf> Core<O, S> {
    fn respond(&self, session: &Session, arrival: &Arrival, came: &Request) -> Response {
        let named = self.own_address.asked(came);
        let request = named.as_ref().map_or(came, |named| &named.at_aws);
        let asked = Asked {
            number: self.arrived.fetch_add(1, Ordering::Relaxed) + 1,
            session,
            arrival,
            came,
            request,
        };
        match recognise(&self.catalog, request) {
            Ok(call) => self.respond_to(&asked, &call),
            Err(unmodeled) => self.unmodeled(&asked, &unmodeled),
        }
    }

    fn respond_to(&self, asked: &Asked<'_>, call: &Call) -> Response {
        let request = asked.request;
        let Playing { playable, positions } = &asked.session.part;
        let tape = &playable.tape;
        let judged = judge_request(call, request, false);
        let Some(input) = &judged.content else {
            return self.undecodable(asked, call, &judged);
        };
        let key = positions.key_at(tape, call, input, request);
        let operation = tape.operation(call);
        let token = call.token(input);
        if judged.verdict != Verdict::Conforms && self.behaviour.enforce {
            return match positions.play_error(tape, key, operation, token, self.behaviour.repeat) {
                Some(session::Outcome::Play { position, .. }) => self.play(asked, call, &tolerated(&judged), input, position),
                _ => self.refuse_violation(asked, call, &judged),
            };
        }
        match positions.play(tape, key, operation, token, self.behaviour.repeat) {
            session::Outcome::Play { position, .. } => self.play(asked, call, &judged, input, position),
            session::Outcome::TokenReused { position } => self.refuse_violation(asked, call, &reused(call, &judged, position)),
            outcome @ (session::Outcome::Unrecorded | session::Outcome::Exhausted { .. } | session::Outcome::OutOfOrder { .. }) => {
                let elsewhere = self.respond_without_local(asked, call);
                elsewhere.unwrap_or_else(|| self.miss(asked, call, &judged, input, outcome))
            }
        }
    }

    /// Plays what was recorded from an upstream whose own address the request names.
    fn respond_without_local(&self, asked: &Asked<'_>, call: &Call) -> Option<Response> {
        let request = &own_address::without_local(asked.request)?;
        let Playing { playable, positions } = &asked.session.part;
        let judged = judge_request(call, request, false);
        let input = judged.content.as_ref()?;
        if judged.verdict != Verdict::Conforms && self.behaviour.enforce {
            return None;
        }
        let tape = &playable.tape;
        let key = positions.key(tape, call, input);
        match positions.play(tape, key, tape.operation(call), call.token(input), self.behaviour.repeat) {
            session::Outcome::Play { position, .. } => Some(self.play(&Asked { request, ..*asked }, call, &judged, input, position)),
            _ => None,
        }
    }

    /// A request that is not in the protocol's format is answered where it was recorded, by its bytes.
    fn undecodable(&self, asked: &Asked<'_>, call: &Call, judged: &Judged<Value>) -> Response {
        let Playing { playable, positions } = &asked.session.part;
        let tape = &playable.tape;
        let key = tape.unmodelled_key(&plain(asked.request));
        match positions.play(tape, key, None, None, self.behaviour.repeat) {
            session::Outcome::Play { position, .. } => self.play(asked, call, &tolerated(judged), &Value::Null, position),
            _ => self.refuse_violation(asked, call, judged),
        }
    }

    fn play(&self, asked: &Asked<'_>, call: &Call, judged: &Judged<Value>, input: &Value, position: usize) -> Response {
        let playing = &asked.session.part;
        let response = playing.response(position, asked.request, Some(call), input);
        let response = own_address::replayed(asked.arrival, asked.came, playing.addresses(position), response);
        if judged.violations.is_empty() && judged.lints.is_empty() {
            self.played(asked, position);
        } else {
            let told = Told {
                interaction: Some(position),
                ..Told::of(Outcome::Played)
            };
            self.tell(asked, call, judged, &response, told);
        }
        response
    }

    fn played(&self, asked: &Asked<'_>, position: usize) {
        asked.session.tally.count(Outcome::Played);
        self.observer.played(&asked.session.label, asked.number, position);
    }

    fn refuse_violation(&self, asked: &Asked<'_>, call: &Call, judged: &Judged<Value>) -> Response {
        let response = match (&judged.reason, judged.verdict) {
            (Some(reason), Verdict::Malformed) => refuse_call(call, asked.request, SERIALIZATION, 400, reason),
            _ => {
                let (code, status) = validation_error(&call.service, call.operation);
                refuse_call(call, asked.request, code, status, &contract::summary(&judged.violations))
            }
        };
        self.tell(asked, call, judged, &response, Told::of(Outcome::Refused));
        response
    }

    fn miss(&self, asked: &Asked<'_>, call: &Call, judged: &Judged<Value>, input: &Value, outcome: session::Outcome) -> Response {
        let playable = &asked.session.part.playable;
        let miss = Miss::explain(&playable.tape, &asked.session.part.positions, call, input, outcome);
        let advice = playable.advice(&asked.session.part.positions, &miss, call, input);
        let remedy = format!("{}{advice}", in_session(&asked.session.label));
        // The exception, the log and the report say the same.
        let text = miss.text(&remedy);
        let response = refuse_call(call, asked.request, CASSETTE_MISS, 400, &text);
        let told = Told {
            message: Some(&text),
            rules: Some(&miss.rules()),
            ..Told::of(Outcome::Missed)
        };
        self.tell(asked, call, judged, &response, told);
        response
    }

    /// What no model knows is refused, or answered by its bytes where that was asked for.
    fn unmodeled(&self, asked: &Asked<'_>, unmodeled: &Unmodeled) -> Response {
        let Playing { playable, positions } = &asked.session.part;
        let tape = &playable.tape;
        let key = tape.unmodelled_key(&plain(asked.request));
        let recorded = match tape.unmodelled(key) {
            Some(position) if !self.behaviour.play_unmodeled => match tape.track(position).and_then(Track::title) {
                Some(title) => Unmodelled::Known(position + 1, title),
                None => Unmodelled::Refused(position + 1),
            },
            _ if !self.behaviour.play_unmodeled => Unmodelled::Nothing,
            _ => match positions.play(tape, key, None, None, self.behaviour.repeat) {
                session::Outcome::Play { position, .. } => {
                    self.played(asked, position);
                    return asked.session.part.response(position, asked.request, None, &Value::Null);
                }
                session::Outcome::Exhausted { recorded, played } => Unmodelled::Played(recorded, played),
                _ => Unmodelled::Nothing,
            },
        };
        let miss = Miss::Unmodelled {
            reason: unmodeled.reason.clone(),
            recorded,
        };
        let remedy = format!("{}{}", in_session(&asked.session.label), playable.remedy.of(&miss));
        self.refuse_unmodeled(asked, unmodeled, miss.text(&remedy).trim_end())
    }

    fn refuse_unmodeled(&self, asked: &Asked<'_>, unmodeled: &Unmodeled, message: &str) -> Response {
        let service = unmodeled.service.as_deref();
        let response = refuse_unknown(&self.catalog, service, asked.request, UNKNOWN_OPERATION, 400, message);
        let event = Event {
            label: &asked.session.label,
            number: asked.number,
            request: asked.request,
            call: None,
            outcome: Outcome::Unmodeled,
            interaction: None,
            status: Some(response.status().as_u16()),
            judged_request: None,
            judged_response: None,
            differences: &[],
            message: Some(message),
            rules: None,
        };
        asked.session.tally.told(&event);
        self.observer.told(event);
        response
    }

    /// A call of a session that is not to be had counts as a miss: nothing recorded answers it.
    fn refuse_session(&self, arrival: &Arrival, request: &Request, error: &SessionError) -> Response {
        self.refuse_outside(arrival, request, 404, &error.to_string())
    }

    /// Refuses a call that never comes to a session.
    fn refuse_outside(&self, arrival: &Arrival, request: &Request, status: u16, message: &str) -> Response {
        let response = refuse_unknown(&self.catalog, None, request, "BadRequest", status, message);
        self.turn_away(arrival.session.as_deref(), request, response, message)
    }

    /// Tells of a call that never came to a session: a miss, because nothing recorded answers it.
    fn turn_away(&self, session: Option<&str>, request: &Request, response: Response, message: &str) -> Response {
        self.observer.told(Event {
            label: &Label::unknown(session),
            number: self.arrived.fetch_add(1, Ordering::Relaxed) + 1,
            request,
            call: None,
            outcome: Outcome::Missed,
            interaction: None,
            status: Some(response.status().as_u16()),
            judged_request: None,
            judged_response: None,
            differences: &[],
            message: Some(message),
            rules: None,
        });
        response
    }

    fn tell(&self, asked: &Asked<'_>, call: &Call, judged: &Judged<Value>, response: &Response, told: Told<'_>) {
        let event = Event {
            label: &asked.session.label,
            number: asked.number,
            request: asked.request,
            call: Some(call),
            outcome: told.outcome,
            interaction: told.interaction,
            status: Some(response.status().as_u16()),
            judged_request: Some(judged),
            judged_response: None,
            differences: &[],
            message: told.message,
            rules: told.rules,
        };
        asked.session.tally.told(&event);
        self.observer.told(event);
    }
}

impl<O: Observer, S: Shelf> Handler for Replayer<O, S> {
    async fn call(&self, arrival: Arrival, request: http::Request<RequestBody>) -> http::Response<Payload> {
        let (parts, body) = request.into_parts();
        let body = match read_with_room(Of::Request, body, MAX_BODY).await {
            Ok((Read::Whole(body), room)) => Ok((body, room)),
            Ok((Read::Over { .. }, _)) => Err((
                413,
                format!("the request body is larger than {MAX_BODY} bytes, more than a cassette can hold"),
            )),
            Err(error) => Err((400, error.to_string())),
        };
        match body {
            Err((status, message)) => answer(
                self.0
                    .refuse_outside(&arrival, &Request::from_parts(parts, Bytes::new()), status, &message),
            ),
            Ok((body, _room)) => {
                let request = Request::from_parts(parts, body);
                match self.0.sessions.of(&arrival, request.headers()) {
                    Ok(session) if request.body().len() <= work::SMALL => answer(self.0.respond(&session, &arrival, &request)),
                    Ok(session) => {
                        let core = Arc::clone(&self.0);
                        answer(work::heavy(move || core.respond(&session, &arrival, &request)).await)
                    }
                    Err(error) => answer(self.0.refuse_session(&arrival, &request, &error)),
                }
            }
        }
    }

    fn reach(&self, authority: &Authority) -> Reach {
        if crate::aws_hosts::is_aws_host(&authority.host) {
            return Reach::Intercept;
        }
        Reach::Refuse(format!(
            "replay is offline, and `{authority}` is not an AWS host that a cassette could answer for; {}",
            past_the_proxy(&authority.host)
        ))
    }

    fn listens_at(&self, address: SocketAddr, names: &[String]) {
        self.0.own_address.listen(address, names);
    }

    fn turned_away(&self, session: Option<&str>, request: &Request, refused: &Refused) -> Option<http::Response<Payload>> {
        let response = refuse_at_door(&self.0.catalog, request, refused);
        Some(answer(match refused.is_of_a_call() {
            true => self.0.turn_away(session, request, response, &refused.reason),
            false => response,
        }))
    }

    fn control(&self) -> Option<&dyn Control> {
        Some(&self.0.sessions)
    }
}

/// Which session a call belongs to, as a line of a message; nothing for the run's own.
fn in_session(label: &Label) -> String {
    if !label.has_own_name() {
        return String::new();
    }
    format!("session `{}` of cassette `{}`\n", label.session, label.cassette)
}

/// A negative test was recorded: the violation is told, and the recorded error answers.
fn tolerated(judged: &Judged<Value>) -> Judged<Value> {
    let mut tolerated = judged.clone();
    tolerated.lints.splice(0..0, std::mem::take(&mut tolerated.violations));
    tolerated.lints.extend(tolerated.reason.take().map(|message| Departure {
        path: String::new(),
        rule: Rule::Unknown,
        message,
    }));
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
