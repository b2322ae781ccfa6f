//! Writes events as frames: for what Ferrotape makes up itself.

use super::{WriteDocument, is_header, payload_of, stream_of};
use crate::codec::event_stream::{self, Frame, Header, MEDIA_TYPE, Width};
use crate::model::schema::{Member, Service, Shape, ShapeIndex, ShapeKind};
use crate::value::{Side, Value};
use crate::wire::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};

/// Writes events, or one alone, as a body.
pub fn write(service: &Service, union: ShapeIndex, events: &Value, content_type: &str, document: WriteDocument<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let alone = std::slice::from_ref(events);
    let list = if let Value::List(list) = events { list.as_slice() } else { alone };
    for event in list {
        let Value::Object(set) = event else { continue };
        for (name, value) in set.iter().filter(|(_, value)| *value != Value::Null) {
            if let Some(member) = service.shape(union).member(name) {
                write_event(service, member, value, content_type, document, &mut out);
            }
        }
    }
    out
}

/// Writes a structure of an RPC protocol as a stream; nothing where none of its members is one.
pub fn write_members(
    service: &Service,
    shape: ShapeIndex,
    value: &Value,
    side: Side,
    content_type: &str,
    document: WriteDocument<'_>,
) -> Option<Vec<u8>> {
    let member = stream_of(service, shape)?;
    let Value::Object(given) = value else { return None };
    let others = given.iter().filter(|(name, _)| *name != member.name).cloned().collect();
    let kind = if side == Side::Request {
        "initial-request"
    } else {
        "initial-response"
    };
    let headers = vec![
        (":message-type", Header::Text("event")),
        (":event-type", Header::Text(kind)),
        (":content-type", Header::Text(content_type)),
    ];
    let payload = &document(shape, &Value::Object(others))[..];
    let mut out = Vec::new();
    event_stream::write(&Frame { headers, payload }, &mut out);
    if let Some(events) = value.member(&member.name) {
        out.extend(write(service, member.target, events, content_type, document));
    }
    Some(out)
}

/// A response that is a stream.
pub fn response(body: Vec<u8>) -> Response {
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

fn write_event(service: &Service, member: &Member, value: &Value, content_type: &str, document: WriteDocument<'_>, out: &mut Vec<u8>) {
    let shape = service.shape(member.target);
    let (message_type, kind) = match shape.error {
        Some(_) => ("exception", ":exception-type"),
        None => ("event", ":event-type"),
    };
    let mut headers = vec![(":message-type", Header::Text(message_type)), (kind, Header::Text(&member.name))];
    let (content_type, payload) = match payload_of(shape) {
        Some(payload) => written_payload(service, payload, value.member(&payload.name), content_type, document),
        None => {
            let body = body_members(shape, value);
            let holds = shape.members().iter().any(|member| !is_header(member));
            (content_type, if holds { document(member.target, &body) } else { Vec::new() })
        }
    };
    if !payload.is_empty() {
        headers.push((":content-type", Header::Text(content_type)));
    }
    let own = shape.members().iter().filter(|member| is_header(member));
    headers.extend(own.filter_map(|header| {
        let kind = &service.shape(header.target).kind;
        Some((header.name.as_str(), written_header(kind, value.member(&header.name)?)?))
    }));
    event_stream::write(
        &Frame {
            headers,
            payload: &payload,
        },
        out,
    );
}

fn body_members(shape: &Shape, value: &Value) -> Value {
    let Value::Object(given) = value else { return value.clone() };
    let in_body = |name: &str| !shape.member(name).is_some_and(is_header);
    Value::Object(given.iter().filter(|(name, _)| in_body(name)).cloned().collect())
}

fn written_payload<'c>(
    service: &Service,
    member: &Member,
    value: Option<&Value>,
    content_type: &'c str,
    document: WriteDocument<'_>,
) -> (&'c str, Vec<u8>) {
    match (&service.shape(member.target).kind, value) {
        (_, None | Some(Value::Null)) => (content_type, Vec::new()),
        (ShapeKind::String(_), Some(Value::Text(text))) => ("text/plain", text.clone().into_bytes()),
        (_, Some(Value::Blob(bytes))) => ("application/octet-stream", bytes.clone()),
        (_, Some(value)) => (content_type, document(member.target, value)),
    }
}

fn written_header<'v>(kind: &ShapeKind, value: &'v Value) -> Option<Header<'v>> {
    Some(match value {
        Value::Bool(value) => Header::Bool(*value),
        Value::Integer(number) => {
            let width = match kind {
                ShapeKind::Byte => Width::Byte,
                ShapeKind::Short => Width::Short,
                ShapeKind::Long => Width::Long,
                _ => Width::Integer,
            };
            Header::Integer(i64::try_from(*number).ok()?, width)
        }
        Value::Text(text) => Header::Text(text),
        Value::Blob(bytes) => Header::Bytes(bytes),
        Value::Timestamp { seconds, nanos } => {
            let millis = seconds.checked_mul(1000)?;
            Header::Timestamp(millis.checked_add(i64::from(nanos / 1_000_000))?)
        }
        _ => return None,
    })
}
