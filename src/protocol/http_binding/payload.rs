//! What a body is: nothing, a document of the members that are bound nowhere else, or one member;
//! and the content type that goes with it.

use crate::codec::content;
use crate::codec::event_stream::MEDIA_TYPE;
use crate::model::http::Binding;
use crate::model::schema::{Member, Service, Shape, ShapeIndex, ShapeKind};
use crate::protocol::Malformed;
use crate::value::{Side, Value};
use crate::wire;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

/// What the body of a message holds.
pub enum Body<'a> {
    /// Nothing: there is no structure at all.
    Nothing,
    /// Nothing: every member of the structure travels elsewhere.
    BoundElsewhere,
    /// A document of the members that are bound nowhere else. (A structure without members is an
    /// empty one.)
    Document,
    /// The member with `@httpPayload`.
    Payload(&'a Member),
}

/// What the body of a message with this structure holds.
pub fn body_of(service: &Service, shape: ShapeIndex, side: Side) -> Body<'_> {
    let shape = service.shape(shape);
    if matches!(shape.kind, ShapeKind::Unit) {
        return Body::Nothing;
    }
    let members = shape.members();
    if let Some(payload) = members.iter().find(|member| member.binding == Binding::Payload) {
        return Body::Payload(payload);
    }
    let in_body = |member: &Member| *member.binding.on(side) == Binding::Body;
    if members.is_empty() || members.iter().any(in_body) {
        Body::Document
    } else {
        Body::BoundElsewhere
    }
}

/// The bytes that a message's body means, its content encodings undone.
///
/// Where the content encoding is a member and the body a payload, the encoding belongs to the
/// payload (an object stored compressed in S3), and the bytes are left as they are.
///
/// # Errors
/// Where the bytes are not in the encoding.
pub fn bytes(service: &Service, shape: ShapeIndex, headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Malformed> {
    let members = service.shape(shape).members();
    let binds = |binding: &Binding| members.iter().any(|member| member.binding == *binding);
    if binds(&Binding::Payload) && binds(&Binding::Header(CONTENT_ENCODING.as_str().to_owned())) {
        return Ok(body.clone());
    }
    content::decoded(headers, body).map_err(Malformed)
}

/// A payload that is no document: a blob's bytes, or a text. Nothing for any other shape.
///
/// An empty body is an absent member, unless the member is required.
pub fn raw(service: &Service, member: &Member, body: &Bytes) -> Option<Option<Value>> {
    let value = match &service.shape(member.target).kind {
        ShapeKind::Blob => Value::Blob(body.to_vec()),
        // What is not UTF-8 is kept as bytes, which no text is.
        ShapeKind::String(_) => match std::str::from_utf8(body) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(body.to_vec()),
        },
        _ => return None,
    };
    Some((!body.is_empty() || member.required).then_some(value))
}

/// The bytes of a payload that is no document.
pub fn raw_bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::Blob(bytes) => Some(Bytes::copy_from_slice(bytes)),
        Value::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
        _ => None,
    }
}

/// A stream of events, which has a framing of its own.
pub fn is_event_stream(service: &Service, member: &Member) -> bool {
    service.shape(member.target).is_event_stream()
}

/// The content type with which a payload is written: its `@mediaType`, else what its shape implies.
pub fn content_type<'a>(service: &'a Service, member: &Member, document: &'a str) -> &'a str {
    let shape = service.shape(member.target);
    match (media_type(shape), &shape.kind) {
        (Some(media_type), _) => media_type,
        (None, ShapeKind::Blob) => "application/octet-stream",
        (None, ShapeKind::String(_)) => "text/plain",
        (None, _) if is_event_stream(service, member) => MEDIA_TYPE,
        (None, _) => document,
    }
}

fn media_type(shape: &Shape) -> Option<&str> {
    shape.traits.get("smithy.api#mediaType").and_then(serde_json::Value::as_str)
}

/// The one content type that a body may have; nothing where any will do.
fn wanted<'a>(service: &'a Service, shape: ShapeIndex, side: Side, document: &'a str) -> Option<&'a str> {
    match body_of(service, shape, side) {
        Body::Nothing | Body::BoundElsewhere => None,
        Body::Document => Some(document),
        Body::Payload(member) => {
            let target = service.shape(member.target);
            let open = matches!(target.kind, ShapeKind::Blob) && media_type(target).is_none() || is_event_stream(service, member);
            (!open).then(|| content_type(service, member, document))
        }
    }
}

fn binds_header(service: &Service, shape: ShapeIndex, name: &http::HeaderName) -> bool {
    let bound = |member: &Member| matches!(&member.binding, Binding::Header(bound) if bound == name.as_str());
    service.shape(shape).members().iter().any(bound)
}

/// Sets the content type of a body that is written, and above it the members that travel in
/// headers. Where a member is the content type, nothing is said in its place.
pub fn set_headers(service: &Service, shape: ShapeIndex, value: &Value, side: Side, content_type: Option<&str>, headers: &mut HeaderMap) {
    if let Some(content_type) = content_type.filter(|_| !binds_header(service, shape, &CONTENT_TYPE)) {
        headers.insert(CONTENT_TYPE, wire::header_value(content_type));
    }
    super::headers::write(service, shape, value, side, headers);
}

/// Whether a request's content type is the one of its operation, as restJson1 asks: what a server
/// answers with 415 (Smithy 2.0, "AWS restJson1 protocol", content types).
///
/// # Errors
/// With both types, where it is not.
pub fn accepts_content_type(
    service: &Service,
    input: ShapeIndex,
    headers: &HeaderMap,
    body: &Bytes,
    document: &str,
) -> Result<(), Malformed> {
    if binds_header(service, input, &CONTENT_TYPE) {
        return Ok(());
    }
    let given = wire::media_type(headers);
    match (body_of(service, input, Side::Request), given) {
        (Body::Nothing, Some(given)) => {
            return Err(Malformed(format!(
                "the content type is `{given}`, but the operation has no input: send none"
            )));
        }
        // Clients are known to send a type with an empty body.
        (Body::BoundElsewhere, Some(given)) if !body.is_empty() => {
            return Err(Malformed(format!(
                "the content type is `{given}`, but no member of the input travels in the body: send neither"
            )));
        }
        _ => {}
    }
    let Some(wanted) = wanted(service, input, Side::Request, document) else {
        return Ok(());
    };
    match given {
        Some(given) if same_type(given, wanted) => Ok(()),
        Some(given) => Err(Malformed(format!("the content type is `{given}`, not `{wanted}`"))),
        None if body.is_empty() => Ok(()),
        None => Err(Malformed(format!("there is no content type; it must be `{wanted}`"))),
    }
}

/// Whether the answer's content type is one that the request accepts: what a server refuses with 406.
///
/// # Errors
/// With what is accepted and what there is, where they exclude each other.
pub fn accepts_answer(
    service: &Service,
    input: ShapeIndex,
    output: ShapeIndex,
    headers: &HeaderMap,
    document: &str,
) -> Result<(), Malformed> {
    if binds_header(service, input, &ACCEPT) {
        return Ok(());
    }
    let Some(answer) = wanted(service, output, Side::Response, document) else {
        return Ok(());
    };
    let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut ranges = values.iter().flat_map(|value| value.split(',')).map(media_range).peekable();
    if ranges.peek().is_none() || ranges.any(|range| range.is_empty() || in_range(answer, range)) {
        return Ok(());
    }
    Err(Malformed(format!(
        "the request accepts `{}` alone, and the answer is `{answer}`",
        values.join(", ")
    )))
}

fn media_range(part: &str) -> &str {
    part.split(';').next().unwrap_or(part).trim()
}

fn same_type(given: &str, wanted: &str) -> bool {
    given.eq_ignore_ascii_case(media_range(wanted))
}

fn in_range(media_type: &str, range: &str) -> bool {
    let wanted = media_range(media_type);
    match range.strip_suffix("/*") {
        Some("*") => true,
        Some(family) => wanted.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(family)),
        None => wanted.eq_ignore_ascii_case(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_range_covers_its_types() {
        for (range, covers) in [
            ("*/*", true),
            ("image/*", true),
            ("IMAGE/jpeg", true),
            ("text/*", false),
            ("image/png", false),
        ] {
            assert_eq!(in_range("image/jpeg", range), covers, "{range}");
        }
        assert!(same_type("Application/JSON", "application/json; charset=utf-8"));
    }
}
