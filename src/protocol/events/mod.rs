//! Event streams by the model: each frame is one member of a streaming union.
//!
//! The value of such a union's member is the list of its events, each an object of the one member
//! that it is. Members of an event travel in headers (`@eventHeader`), are the payload
//! (`@eventPayload`), or are written together into a payload of the protocol's own format, which
//! the caller reads and writes. The RPC protocols send the other members of an input or output as a
//! first event, `initial-request` or `initial-response`.
//!
//! Source: Smithy 2.0, "Event streams" and "Amazon Event Stream Specification".

mod locate;
#[cfg(test)]
mod tests;
mod write;

pub use locate::locate;
pub use write::{response, write, write_members};

use super::Malformed;
use crate::codec::event_stream::{self, Frame, Header, MEDIA_TYPE};
use crate::codec::json;
use crate::model::schema::{Member, Service, Shape, ShapeIndex, ShapeKind};
use crate::value::Value;
use crate::wire;
use http::header::HeaderMap;

/// Reads a document of the protocol's own format as a value of a shape.
pub type ReadDocument<'d> = &'d dyn Fn(ShapeIndex, &[u8]) -> Result<Value, Malformed>;

/// Writes one.
pub type WriteDocument<'d> = &'d dyn Fn(ShapeIndex, &Value) -> Vec<u8>;

/// What a stream says.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// The payload of `initial-request` or `initial-response`, where the stream begins with one.
    pub initial: Option<Vec<u8>>,
    /// The events: what the member that targets the streaming union holds.
    pub list: Value,
}

/// The member of a structure that is sent event by event.
pub fn stream_of(service: &Service, shape: ShapeIndex) -> Option<&Member> {
    let mut members = service.shape(shape).members().iter();
    members.find(|member| service.shape(member.target).is_event_stream())
}

/// Whether a message says that its body is a stream of events.
pub fn is_content_type(headers: &HeaderMap) -> bool {
    wire::media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(MEDIA_TYPE))
}

/// Reads the events of a body.
///
/// # Errors
/// Where the bytes are no frames, a frame does not say what it is, or a payload is not in its
/// format.
pub fn read(service: &Service, union: ShapeIndex, body: &[u8], document: ReadDocument<'_>) -> Result<Events, Malformed> {
    let mut initial = None;
    let mut list = Vec::new();
    for (index, frame) in event_stream::frames(body).map_err(Malformed)?.iter().enumerate() {
        let told = |error: Malformed| Malformed(format!("event {}: {}", index + 1, error.0));
        // A signed event is a frame whose payload is the event, and an empty one ends the stream.
        let inner = match frame.header(":chunk-signature") {
            Some(_) => event_stream::frames(frame.payload).map_err(Malformed).map_err(told)?,
            None => vec![frame.clone()],
        };
        for frame in &inner {
            match event(service, union, frame, document).map_err(told)? {
                Said::Initial => initial = Some(frame.payload.to_vec()),
                Said::Event(name, value) => list.push(Value::Object(vec![(name, value)])),
            }
        }
    }
    Ok(Events {
        initial,
        list: Value::List(list),
    })
}

enum Said {
    Initial,
    Event(String, Value),
}

fn event(service: &Service, union: ShapeIndex, frame: &Frame<'_>, document: ReadDocument<'_>) -> Result<Said, Malformed> {
    let name = match text(frame, ":message-type")? {
        "event" => text(frame, ":event-type")?,
        "exception" => text(frame, ":exception-type")?,
        "error" => return unmodelled_error(frame),
        other => {
            return Err(Malformed(format!(
                "`:message-type` is `{other}`, not `event`, `exception` or `error`"
            )));
        }
    };
    if matches!(name, "initial-request" | "initial-response") && service.shape(union).member(name).is_none() {
        return Ok(Said::Initial);
    }
    let value = match service.shape(union).member(name) {
        Some(member) => members(service, member.target, frame, document)?,
        None => unknown(frame.payload),
    };
    Ok(Said::Event(name.to_owned(), value))
}

fn text<'a>(frame: &Frame<'a>, name: &str) -> Result<&'a str, Malformed> {
    match frame.header(name) {
        Some(Header::Text(text)) => Ok(text),
        Some(_) => Err(Malformed(format!("the header `{name}` is not a string"))),
        None => Err(Malformed(format!("there is no header `{name}`"))),
    }
}

/// An error outside the model, in headers alone.
fn unmodelled_error(frame: &Frame<'_>) -> Result<Said, Malformed> {
    let code = text(frame, ":error-code")?;
    let message = text(frame, ":error-message").unwrap_or_default();
    let message = Value::Text(message.to_owned());
    Ok(Said::Event(code.to_owned(), Value::Object(vec![("message".to_owned(), message)])))
}

/// An event that the model does not know.
fn unknown(payload: &[u8]) -> Value {
    match json::decode_untyped(payload) {
        Ok(value) => value,
        Err(_) if payload.is_empty() => Value::Object(Vec::new()),
        Err(_) => Value::Blob(payload.to_vec()),
    }
}

fn is_header(member: &Member) -> bool {
    member.traits.contains_key("smithy.api#eventHeader")
}

fn payload_of(shape: &Shape) -> Option<&Member> {
    let mut members = shape.members().iter();
    members.find(|member| member.traits.contains_key("smithy.api#eventPayload"))
}

fn members(service: &Service, target: ShapeIndex, frame: &Frame<'_>, document: ReadDocument<'_>) -> Result<Value, Malformed> {
    let shape = service.shape(target);
    let headers = shape.members().iter().filter(|member| is_header(member));
    let mut found: Vec<(String, Value)> = headers
        .filter_map(|member| Some((member.name.clone(), header_value(frame.header(&member.name)?))))
        .collect();
    match payload_of(shape) {
        Some(member) => {
            let payload = payload_value(service, member, frame.payload, document)?;
            found.extend(payload.map(|value| (member.name.clone(), value)));
        }
        None if frame.payload.is_empty() => {}
        None => match document(target, frame.payload)? {
            Value::Object(read) => {
                let elsewhere = |name: &str| shape.member(name).is_some_and(is_header);
                found.extend(read.into_iter().filter(|(name, _)| !elsewhere(name)));
            }
            other => return Ok(other),
        },
    }
    Ok(Value::Object(found))
}

fn payload_value(service: &Service, member: &Member, payload: &[u8], document: ReadDocument<'_>) -> Result<Option<Value>, Malformed> {
    Ok(match &service.shape(member.target).kind {
        ShapeKind::Blob => Some(Value::Blob(payload.to_vec())),
        ShapeKind::String(_) => Some(match std::str::from_utf8(payload) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(payload.to_vec()),
        }),
        _ if payload.is_empty() => None,
        _ => Some(document(member.target, payload)?),
    })
}

fn header_value(header: Header<'_>) -> Value {
    match header {
        Header::Bool(value) => Value::Bool(value),
        Header::Integer(number, _) => Value::Integer(number.into()),
        Header::Bytes(bytes) => Value::Blob(bytes.to_vec()),
        Header::Text(text) => Value::Text(text.to_owned()),
        Header::Timestamp(millis) => Value::Timestamp {
            seconds: millis.div_euclid(1000),
            nanos: millis.rem_euclid(1000) as u32 * 1_000_000,
        },
        Header::Uuid(bytes) => Value::Text(uuid(bytes)),
    }
}

fn uuid(bytes: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default().to_owned());
    groups.join("-")
}

/// Reads the stream that is the whole body of a message in a REST protocol, which has its other
/// members in headers. No byte is no stream, unless the member is required.
///
/// # Errors
/// As [`read`].
pub fn read_payload(service: &Service, member: &Member, body: &[u8], document: ReadDocument<'_>) -> Result<Option<Value>, Malformed> {
    if body.is_empty() && !member.required {
        return Ok(None);
    }
    read(service, member.target, body, document).map(|events| Some(events.list))
}

/// Reads the structure of which a body in an RPC protocol is the stream: its events, and its other
/// members from the first of them.
///
/// # Errors
/// As [`read`], and where the first event is not in its format.
pub fn read_members(service: &Service, shape: ShapeIndex, body: &[u8], document: ReadDocument<'_>) -> Result<Value, Malformed> {
    let Some(member) = stream_of(service, shape) else {
        let name = service.shape(shape).name();
        return Err(Malformed(format!("the body is an event stream, and `{name}` has none")));
    };
    let events = read(service, member.target, body, document)?;
    let mut members = match events.initial.filter(|payload| !payload.is_empty()) {
        Some(payload) => match document(shape, &payload)? {
            Value::Object(members) => members,
            other => return Ok(other),
        },
        None => Vec::new(),
    };
    members.retain(|(name, _)| *name != member.name);
    members.push((member.name.clone(), events.list));
    Ok(Value::Object(members))
}
