//! restJson1 (Smithy 2.0, "AWS restJson1 protocol"): HTTP bindings around JSON documents whose
//! members are called by their `@jsonName`.
//!
//! The operation is named by method, path and query; the error by `X-Amzn-Errortype`, `__type` or
//! `code`.

use super::aws_json::{sanitised, without_discriminators};
use super::http_binding::payload::{self, Body};
use super::http_binding::{self, headers};
use super::locate::{self, Document};
use super::{Answer, Identified, Malformed, Protocol, Refusal, Reply, events, rest};
use crate::codec::json;
use crate::codec::spot::Visit;
use crate::json::rewrite::write_string;
use crate::model::schema::{Member, OperationIndex, Service, Shape, ShapeIndex, ShapeKind};
use crate::value::{Side, Value};
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, StatusCode};

/// The protocol.
pub static REST_JSON_1: RestJson = RestJson;

/// restJson1.
pub struct RestJson;

const DOCUMENT: &str = "application/json";

impl Protocol for RestJson {
    fn id(&self) -> &'static str {
        "aws.protocols#restJson1"
    }

    fn identify(&self, service: &Service, request: &Request) -> Identified {
        rest::identify(service, request)
    }

    fn accepts(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<(), Malformed> {
        let operation = service.operation(operation);
        let (headers, body) = (request.headers(), request.body());
        payload::accepts_content_type(service, operation.input, headers, body, DOCUMENT)?;
        payload::accepts_answer(service, operation.input, operation.output, headers, DOCUMENT)
    }

    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        let bound = http_binding::read_request(service, operation, request);
        let input = service.operation(operation).input;
        read_body(service, input, request.headers(), request.body(), Side::Request, bound)
    }

    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        if !response.status().is_success() {
            return decode_error(service, operation, response);
        }
        let output = service.operation(operation).output;
        let bound = http_binding::read_response(service, output, response);
        read_body(service, output, response.headers(), response.body(), Side::Response, bound).map(Reply::Output)
    }

    fn locate_request(&self, service: &Service, operation: OperationIndex, request: &Request, visit: Visit<'_>) -> Result<(), Malformed> {
        locate::rest_request(service, operation, Document::Json, request, visit)
    }

    fn locate_response(&self, service: &Service, answer: Answer, response: &Response, visit: Visit<'_>) -> Result<(), Malformed> {
        locate::rest_response(service, answer, Document::Json, response, visit)
    }

    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response {
        let shape = service
            .error_named(refusal.operation, refusal.code)
            .map(|shape| service.shape(shape));
        let mut body = String::from("{\"__type\":");
        write_string(refusal.code, &mut body);
        body.push(',');
        write_string(message_key(shape), &mut body);
        body.push(':');
        write_string(refusal.message, &mut body);
        body.push('}');
        error_response(refusal.status, refusal.code, body)
    }

    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request {
        let operation = service.operation(operation);
        let (method, uri) = rest::request_line(service, operation, input);
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = format!("https://{host}{uri}").parse().unwrap_or_default();
        let (content_type, body) = write_body(service, operation.input, input, Side::Request);
        *request.body_mut() = body;
        payload::set_headers(service, operation.input, input, Side::Request, content_type, request.headers_mut());
        request
    }

    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response {
        let operation = service.operation(operation);
        let (content_type, body) = write_body(service, operation.output, output, Side::Response);
        let mut response = Response::new(body);
        *response.status_mut() = rest::success_status(service, operation, output);
        payload::set_headers(
            service,
            operation.output,
            output,
            Side::Response,
            content_type,
            response.headers_mut(),
        );
        response
    }

    fn encode_modelled_error(&self, service: &Service, error: ShapeIndex, value: &Value) -> Response {
        let shape = service.shape(error);
        let members = http_binding::body_members(service, error, Side::Response, value);
        let body = json::encode_with_json_names(service, error, &members);
        let mut response = error_response(rest::error_status(shape), shape.name(), body);
        headers::write(service, error, value, Side::Response, response.headers_mut());
        response
    }

    fn error_statuses(&self, shape: &Shape) -> Vec<u16> {
        vec![rest::error_status(shape)]
    }
}

fn read_body(
    service: &Service,
    shape: ShapeIndex,
    headers: &HeaderMap,
    body: &Bytes,
    side: Side,
    mut bound: Vec<(String, Value)>,
) -> Result<Value, Malformed> {
    let not_json = |error: crate::json::lexer::Malformed| Malformed(format!("the body is not JSON: {error}"));
    let body = payload::bytes(service, shape, headers, body)?;
    match payload::body_of(service, shape, side) {
        Body::Document if !body.is_empty() => {
            let read = json::decode_with_json_names(service, shape, &body, side).map_err(not_json)?;
            return Ok(http_binding::joined(service, shape, side, bound, read));
        }
        Body::Payload(member) if payload::is_event_stream(service, member) => {
            let document = |shape, payload: &[u8]| {
                json::decode_with_json_names(service, shape, payload, side)
                    .map_err(|error| Malformed(format!("the payload is not JSON: {error}")))
            };
            let events = events::read_payload(service, member, &body, &document)?;
            bound.extend(events.map(|events| (member.name.clone(), events)));
        }
        Body::Payload(member) => {
            let value = match payload::raw(service, member, &body) {
                Some(raw) => raw,
                None if body.is_empty() => None,
                None => Some(json::decode_with_json_names(service, member.target, &body, side).map_err(not_json)?),
            };
            let value = value.filter(|value| !is_unset(service, member, value, side));
            bound.extend(value.map(|value| (member.name.clone(), value)));
        }
        _ => {}
    }
    Ok(Value::Object(bound))
}

/// A client that has no structure to send as payload sends an empty one (the protocol test
/// `RestJsonHttpWithHeadersButNoPayload`).
fn is_unset(service: &Service, member: &Member, value: &Value, side: Side) -> bool {
    let structure = matches!(service.shape(member.target).kind, ShapeKind::Structure(_));
    structure && side == Side::Request && !member.required && *value == Value::Object(Vec::new())
}

fn decode_error(service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
    let header = wire::text(response.headers(), "x-amzn-errortype")
        .map(sanitised)
        .filter(|code| !code.is_empty());
    let body = crate::codec::content::decoded(response.headers(), response.body()).map_err(Malformed)?;
    let untyped = match (&header, body.is_empty()) {
        (_, true) => Value::Object(Vec::new()),
        // The header alone names the error; a body that is not JSON then says nothing.
        (Some(_), false) => json::decode_untyped(&body).unwrap_or(Value::Object(Vec::new())),
        (None, false) => json::decode_untyped(&body).map_err(|error| Malformed(format!("the body is not JSON: {error}")))?,
    };
    let named = |key: &str| {
        let text = untyped.member(key).and_then(Value::as_text).map(sanitised);
        text.filter(|code| !code.is_empty())
    };
    let Some(code) = header.or_else(|| named("__type")).or_else(|| named("code")).map(str::to_owned) else {
        return Err(Malformed(format!(
            "the {} response names no error type, in neither header nor body",
            response.status().as_u16()
        )));
    };
    let shape = service.error_named(Some(operation), &code);
    let value = match shape {
        Some(shape) => {
            let bound = http_binding::read_response(service, shape, response);
            let empty = || Value::Object(Vec::new());
            let read = json::decode_with_json_names(service, shape, &body, Side::Response).unwrap_or_else(|_| empty());
            http_binding::joined(service, shape, Side::Response, bound, read)
        }
        None => untyped,
    };
    Ok(Reply::Error {
        value: without_discriminators(value, shape.map(|shape| service.shape(shape))),
        code,
        shape,
    })
}

/// The body of a message, and its content type where it has one.
fn write_body<'a>(service: &'a Service, shape: ShapeIndex, value: &Value, side: Side) -> (Option<&'a str>, Bytes) {
    match payload::body_of(service, shape, side) {
        // A client with nothing to say sends nothing; a server always answers with a document.
        Body::Document if side == Side::Request && service.shape(shape).members().is_empty() => (None, Bytes::new()),
        Body::Document => {
            let members = http_binding::body_members(service, shape, side, value);
            (Some(DOCUMENT), json::encode_with_json_names(service, shape, &members).into())
        }
        Body::Payload(member) => match value.member(&member.name).filter(|given| **given != Value::Null) {
            None if is_unset(service, member, &Value::Object(Vec::new()), side) => (Some(DOCUMENT), Bytes::from_static(b"{}")),
            None => (None, Bytes::new()),
            Some(given) if payload::is_event_stream(service, member) => {
                let document = |shape, value: &Value| json::encode_with_json_names(service, shape, value).into_bytes();
                let body = events::write(service, member.target, given, DOCUMENT, &document);
                (Some(payload::content_type(service, member, DOCUMENT)), body.into())
            }
            Some(given) => {
                let content_type = payload::content_type(service, member, DOCUMENT);
                let body = payload::raw(service, member, &Bytes::new()).and_then(|_| payload::raw_bytes(given));
                let document = || json::encode_with_json_names(service, member.target, given).into();
                (Some(content_type), body.unwrap_or_else(document))
            }
        },
        Body::BoundElsewhere if side == Side::Response => (Some(DOCUMENT), Bytes::from_static(b"{}")),
        Body::Nothing | Body::BoundElsewhere => (None, Bytes::new()),
    }
}

fn error_response(status: u16, code: &str, body: String) -> Response {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(DOCUMENT));
    headers.insert("x-amzn-errortype", wire::header_value(code));
    response
}

/// How the model of an error spells its message: SDKs that read the model look there.
fn message_key(shape: Option<&Shape>) -> &str {
    let members = shape.map_or(&[][..], Shape::members);
    let message = members.iter().find(|member| member.name.eq_ignore_ascii_case("message"));
    message.map_or("message", |member| member.json_key())
}

#[cfg(test)]
mod tests;
