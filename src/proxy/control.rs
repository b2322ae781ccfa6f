//! The control endpoint, `/_ferrotape/`: starts and ends sessions, and tells how they went, so
//! that a test framework can wrap each test.
//!
//! JSON in and out. It answers only programs of this machine that came directly: the other end
//! must be a loopback address, `Host` a loopback name whatever `--allow-host` says, and nothing
//! that a browser sent is read. No request names a file or a command. Whoever asks for more than
//! whether the run is there shows its token: as a bearer token, or in front of the path.

use super::body::{Payload, Read, RequestBody, read_limited};
use super::sessions::{Ending, SessionError};
use super::signature::same;
use super::{Handler, Refused, framing, token_path};
use crate::cassette::Name;
use crate::document::Object;
use crate::json::problem::problem;
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where the endpoint is. No AWS API has such a path: S3's bucket names have no `_` in front.
const PREFIX: &str = "/_ferrotape";

/// Nobody says more.
const LONGEST: usize = 64 * 1024;

/// What stays as it is in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');

/// What can be asked of the sessions of a run. Answers are JSON.
pub trait Control: Send + Sync {
    /// That it runs, and how.
    fn health(&self) -> Value;
    /// Every session, in short.
    fn list(&self) -> Value;
    /// Whether anybody started one.
    fn was_used(&self) -> bool;
    /// Why it refused to start a session, the first time that it did.
    fn refusal(&self) -> Option<String>;
    /// Starts a session.
    fn start(&self, name: &Name, cassette: Option<&Name>) -> Result<Value, ControlError>;
    /// How a session went so far.
    fn summary(&self, name: &Name) -> Result<Value, ControlError>;
    /// Ends a session, and tells how it went.
    fn end(&self, name: &Name, ending: Ending) -> Result<Value, ControlError>;
}

/// What the control endpoint refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlError {
    status: StatusCode,
    message: String,
}

impl ControlError {
    fn new(status: StatusCode, message: impl Into<String>) -> ControlError {
        ControlError {
            status,
            message: message.into(),
        }
    }

    fn bad(message: impl Into<String>) -> ControlError {
        ControlError::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<SessionError> for ControlError {
    fn from(error: SessionError) -> ControlError {
        let status = match &error {
            SessionError::BadName(_) => StatusCode::BAD_REQUEST,
            SessionError::NoCassette(_) | SessionError::Unknown(_) | SessionError::NoneNamed(_) | SessionError::NoneMeant { .. } => {
                StatusCode::NOT_FOUND
            }
            SessionError::Runs(_) | SessionError::Own(_) | SessionError::Ended(_) => StatusCode::CONFLICT,
            SessionError::TooMany => StatusCode::INSUFFICIENT_STORAGE,
            SessionError::NotKept { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        ControlError::new(status, error.to_string())
    }
}

/// Whether a path is one of this endpoint's.
pub(super) fn is_control(path: &str) -> bool {
    inner(path)
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// The path without the run's token in front.
fn inner(path: &str) -> &str {
    token_path::split(path).map_or(path, |(_, rest)| rest)
}

/// Whether a request shows the run's token. Health is open: a probe that waits for the run has no token,
/// and it tells nothing that a call would not.
pub(super) fn is_authorized(head: &Parts, token: Option<&str>) -> bool {
    let path = head.uri.path();
    let Some(token) = token else { return true };
    let header = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let shown = [
        bearer.map(|(_, shown)| shown.trim()),
        token_path::split(path).map(|(shown, _)| shown),
    ];
    let is_token = |shown: &str| same(token.as_bytes(), shown.as_bytes());
    inner(path) == "/_ferrotape/health" || shown.into_iter().flatten().any(is_token)
}

/// The answer to a request that shows no token.
pub(super) fn unauthorized() -> Response<Payload> {
    let message = "the control endpoint wants `Authorization: Bearer $FERROTAPE_TOKEN`; the command finds the token in its environment, beside `FERROTAPE_URL`";
    let mut response = json_response(StatusCode::UNAUTHORIZED, &json!({ "error": message }));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Lets only programs of this machine in. `direct`: the other end is a loopback address.
pub(super) fn check(head: &Parts, host: Option<&HeaderValue>, direct: bool) -> Result<(), Refused> {
    if !direct {
        return Err(Refused::forbidden("the control endpoint answers only this machine"));
    }
    if framing::browser_origin(&head.headers).is_some() {
        return Err(Refused::forbidden("the control endpoint answers no web page"));
    }
    let host = host.and_then(|host| host.to_str().ok());
    let place = host.map(|host| framing::authority(host, 80)).transpose()?;
    if place.is_some_and(|place| !framing::is_loopback_name(&place.host)) {
        return Err(Refused::misdirected("the control endpoint answers only to loopback names"));
    }
    Ok(())
}

/// Answers a request that [`check`] let in. `base` is our own URL.
///
/// A session that starts reads a cassette, and one that ends may write one: nobody else waits for it.
pub(super) async fn answer<H: Handler>(handler: Arc<H>, base: String, head: Parts, body: RequestBody) -> Response<Payload> {
    let body = match read_limited(body, LONGEST).await {
        Ok(Read::Whole(body)) => body,
        Ok(Read::Over { .. }) => return refusal(&ControlError::bad(format!("the body is larger than {LONGEST} bytes"))),
        Err(error) => return refusal(&ControlError::bad(error.to_string())),
    };
    let request = Request::from_parts(head, body);
    let responding = tokio::task::spawn_blocking(move || match handler.control() {
        Some(control) => respond(control, &base, &request),
        None => Err(ControlError::new(StatusCode::NOT_FOUND, "this run has no sessions")),
    });
    let broken = |error: tokio::task::JoinError| Err(ControlError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()));
    match responding.await.unwrap_or_else(broken) {
        Ok((status, value)) => json_response(status, &value),
        Err(error) => refusal(&error),
    }
}

fn respond(control: &dyn Control, base: &str, request: &Request<Bytes>) -> Result<(StatusCode, Value), ControlError> {
    let path = inner(request.uri().path());
    let path = path.strip_prefix(PREFIX).unwrap_or(path).trim_end_matches('/');
    let method = request.method();
    let told = |value: Value| Ok((StatusCode::OK, value));
    match path {
        "/health" => told(only(method, &[Method::GET]).map(|()| control.health())?),
        "/sessions" if method == Method::POST => start(control, base, request),
        "/sessions" => told(only(method, &[Method::GET, Method::POST]).map(|()| control.list())?),
        _ => {
            let Some(name) = path.strip_prefix("/sessions/") else {
                let message = format!(
                    "there is no `{}` here; there are `/_ferrotape/health` and `/_ferrotape/sessions`",
                    path.escape_debug()
                );
                return Err(ControlError::new(StatusCode::NOT_FOUND, message));
            };
            only(method, &[Method::GET, Method::DELETE])?;
            let name = percent_decode_str(name).decode_utf8_lossy();
            let name = parsed(&name)?;
            told(match *method {
                Method::DELETE => control.end(&name, ending(request)?)?,
                _ => control.summary(&name)?,
            })
        }
    }
}

/// What a POST says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    name: String,
    cassette: Option<String>,
}

/// What a DELETE may say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// The test of the session failed.
    #[serde(default)]
    failed: bool,
    /// Whether what was recorded is to be kept; where nothing is said, unless the test failed.
    keep: Option<bool>,
}

fn ending(request: &Request<Bytes>) -> Result<Ending, ControlError> {
    if request.body().is_empty() {
        return Ok(Ending::Passed);
    }
    expect_json(request, "say how the session ended")?;
    let Object(end): Object<End> = serde_json::from_slice(request.body()).map_err(|error| {
        ControlError::bad(format!(
            "the body is not `{{\"failed\": true}}` or `{{\"keep\": false}}`: {}",
            problem(request.body(), &error)
        ))
    })?;
    Ok(match end.keep {
        Some(false) => Ending::NotToBeKept,
        None if end.failed => Ending::Failed,
        Some(true) | None => Ending::Passed,
    })
}

/// A form of a web page has another type, even where its browser sends no `Origin`.
fn expect_json(request: &Request<Bytes>, what: &str) -> Result<(), ControlError> {
    let media_type = crate::wire::media_type(request.headers()).unwrap_or_default();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("{what} in JSON, with `Content-Type: application/json`");
    Err(ControlError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

fn start(control: &dyn Control, base: &str, request: &Request<Bytes>) -> Result<(StatusCode, Value), ControlError> {
    expect_json(request, "say what to start")?;
    let Object(start): Object<Start> = serde_json::from_slice(request.body()).map_err(|error| {
        ControlError::bad(format!(
            "the body is not `{{\"name\": NAME, \"cassette\": NAME}}`: {}",
            problem(request.body(), &error)
        ))
    })?;
    let name = parsed(&start.name)?;
    let cassette = start.cassette.as_deref().map(parsed).transpose()?;
    let mut value = control.start(&name, cassette.as_ref())?;
    if let Some(object) = value.as_object_mut() {
        let segment = utf8_percent_encode(name.as_str(), SEGMENT);
        object.insert("endpoint".to_owned(), format!("{base}/@{segment}").into());
        object.insert("appId".to_owned(), name.as_str().replace('/', "-").into());
    }
    Ok((StatusCode::CREATED, value))
}

fn parsed(name: &str) -> Result<Name, ControlError> {
    Name::parse(name).map_err(|error| ControlError::bad(error.to_string()))
}

fn only(method: &Method, allowed: &[Method]) -> Result<(), ControlError> {
    if allowed.contains(method) {
        return Ok(());
    }
    let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    Err(ControlError::new(StatusCode::METHOD_NOT_ALLOWED, allowed.join(", ")))
}

fn refusal(error: &ControlError) -> Response<Payload> {
    let ControlError { status, message } = error;
    if *status != StatusCode::METHOD_NOT_ALLOWED {
        return json_response(*status, &json!({ "error": message }));
    }
    let mut response = json_response(*status, &json!({ "error": format!("only {message} is understood here") }));
    if let Ok(allowed) = HeaderValue::from_str(message) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn json_response(status: StatusCode, value: &Value) -> Response<Payload> {
    let mut response = Response::new(Payload::whole(Bytes::from(format!("{value}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}
