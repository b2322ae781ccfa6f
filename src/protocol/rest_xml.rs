//! restXml (Smithy 2.0, "AWS restXml protocol"): HTTP bindings around XML documents.
//!
//! The operation is named by method, path and query; the error by `Code` in `<ErrorResponse><Error>`,
//! or in a bare `<Error>` where the service says `noErrorWrapping`, as S3 does. S3 also answers an
//! error with status 200, where it had to begin before it knew (CopyObject,
//! CompleteMultipartUpload, UploadPartCopy), and to HEAD with a status alone.

use super::http_binding::payload::{self, Body};
use super::http_binding::{self, headers};
use super::locate::{self, Document};
use super::{Answer, Identified, Malformed, Protocol, Refusal, Reply, events, rest};
use crate::codec::spot::Visit;
use crate::codec::xml::{self, Element, Encoder, Namespace};
use crate::model::schema::{Member, Operation, OperationIndex, Service, Shape, ShapeIndex, ShapeKind};
use crate::value::{Side, Value};
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

/// The protocol.
pub static REST_XML: RestXml = RestXml;

/// restXml.
pub struct RestXml;

const ID: &str = "aws.protocols#restXml";

const DOCUMENT: &str = "application/xml";

/// What HTTP libraries say of a body of which they were told nothing; services take XML under them.
const NOTHING_SAID: [&str; 3] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-www-form-urlencoded",
];

/// What only describes an error, where the model has no such member.
const DESCRIPTION: [&str; 4] = ["Type", "Code", "RequestId", "HostId"];

impl Protocol for RestXml {
    fn id(&self) -> &'static str {
        ID
    }

    fn identify(&self, service: &Service, request: &Request) -> Identified {
        rest::identify(service, request)
    }

    /// XML under another type is refused. No type at all is tolerated, and so is any type of a
    /// blob or text: no service looks at those.
    fn accepts(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<(), Malformed> {
        let input = service.operation(operation).input;
        let is_document = match payload::body_of(service, input, Side::Request) {
            Body::Document => !service.shape(input).members().is_empty(),
            Body::Payload(member) => is_structured(service, member),
            Body::Nothing | Body::BoundElsewhere => false,
        };
        let Some(given) = wire::media_type(request.headers()).filter(|_| is_document && !request.body().is_empty()) else {
            return Ok(());
        };
        let given = given.to_ascii_lowercase();
        let fits = given == DOCUMENT || given == "text/xml" || given.ends_with("+xml") || NOTHING_SAID.contains(&given.as_str());
        if fits {
            Ok(())
        } else {
            Err(Malformed(format!("the content type is `{given}`, not `{DOCUMENT}`")))
        }
    }

    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        let bound = http_binding::read_request(service, operation, request);
        let input = service.operation(operation).input;
        let body = payload::bytes(service, input, request.headers(), request.body())?;
        read_body(service, input, &body, Side::Request, bound)
    }

    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        let output = service.operation(operation).output;
        if !response.status().is_success() {
            return decode_error(service, operation, response);
        }
        let body = payload::bytes(service, output, response.headers(), response.body())?;
        if let Some(error) = error_in_success(service, output, &body) {
            return Ok(read_error(service, operation, response, &error));
        }
        let bound = http_binding::read_response(service, output, response);
        match unwrapped_member(service, service.operation(operation)) {
            Some(member) if !body.is_empty() => {
                let root = parse(&body)?;
                let value = xml::decode(service, member.target, &root, Side::Response);
                let read = Value::Object(vec![(member.name.clone(), value)]);
                Ok(Reply::Output(http_binding::joined(service, output, Side::Response, bound, read)))
            }
            _ => read_body(service, output, &body, Side::Response, bound).map(Reply::Output),
        }
    }

    fn locate_request(&self, service: &Service, operation: OperationIndex, request: &Request, visit: Visit<'_>) -> Result<(), Malformed> {
        locate::rest_request(service, operation, Document::Xml, request, visit)
    }

    fn locate_response(&self, service: &Service, answer: Answer, response: &Response, visit: Visit<'_>) -> Result<(), Malformed> {
        locate::rest_response(service, answer, Document::Xml, response, visit)
    }

    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response {
        let fault = if refusal.status >= 500 { "Receiver" } else { "Sender" };
        error_response(service, refusal.status, refusal.code, fault, |encoder| {
            encoder.text("Message", refusal.message);
        })
    }

    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request {
        let operation = service.operation(operation);
        let (method, uri) = rest::request_line(service, operation, input);
        let (content_type, body) = write_body(service, operation.input, input, Side::Request);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("https://{host}{uri}").parse().unwrap_or_default();
        payload::set_headers(service, operation.input, input, Side::Request, content_type, request.headers_mut());
        request
    }

    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response {
        let operation = service.operation(operation);
        let shape = operation.output;
        let (content_type, body) = match unwrapped_member(service, operation) {
            Some(member) => {
                let value = output.member(&member.name).unwrap_or(&Value::Null);
                (Some(DOCUMENT), document(service, &member.name, member, value))
            }
            None => write_body(service, shape, output, Side::Response),
        };
        let mut response = Response::new(body);
        *response.status_mut() = rest::success_status(service, operation, output);
        payload::set_headers(service, shape, output, Side::Response, content_type, response.headers_mut());
        response
    }

    fn encode_modelled_error(&self, service: &Service, error: ShapeIndex, value: &Value) -> Response {
        let shape = service.shape(error);
        let status = rest::error_status(shape);
        let fault = if status >= 500 { "Receiver" } else { "Sender" };
        let members = http_binding::body_members(service, error, Side::Response, value);
        let mut response = error_response(service, status, shape.name(), fault, |encoder| encoder.members(error, &members));
        headers::write(service, error, value, Side::Response, response.headers_mut());
        response
    }

    fn error_statuses(&self, shape: &Shape) -> Vec<u16> {
        vec![rest::error_status(shape)]
    }
}

fn parse(body: &[u8]) -> Result<Element<'_>, Malformed> {
    xml::parse(body).map_err(|error| Malformed(format!("the body is not XML: {error}")))
}

/// A payload that is written as an XML document.
fn is_structured(service: &Service, member: &Member) -> bool {
    let kind = &service.shape(member.target).kind;
    !matches!(kind, ShapeKind::Blob | ShapeKind::String(_)) && !payload::is_event_stream(service, member)
}

fn read_body(service: &Service, shape: ShapeIndex, body: &Bytes, side: Side, mut bound: Vec<(String, Value)>) -> Result<Value, Malformed> {
    match payload::body_of(service, shape, side) {
        Body::Document if !body.is_empty() => {
            let read = xml::decode(service, shape, &parse(body)?, side);
            return Ok(http_binding::joined(service, shape, side, bound, read));
        }
        Body::Payload(member) if payload::is_event_stream(service, member) => {
            let document = |shape, payload: &[u8]| Ok(xml::decode(service, shape, &parse(payload)?, side));
            let events = events::read_payload(service, member, body, &document)?;
            bound.extend(events.map(|events| (member.name.clone(), events)));
        }
        Body::Payload(member) => {
            let value = match payload::raw(service, member, body) {
                Some(raw) => raw,
                None if body.is_empty() => None,
                None => Some(xml::decode(service, member.target, &parse(body)?, side)),
            };
            bound.extend(value.map(|value| (member.name.clone(), value)));
        }
        _ => {}
    }
    Ok(Value::Object(bound))
}

/// The member whose element is the root itself (`aws.customizations#s3UnwrappedXmlOutput`: S3's
/// GetBucketLocation).
fn unwrapped_member<'a>(service: &'a Service, operation: &Operation) -> Option<&'a Member> {
    if !operation.traits.contains_key("aws.customizations#s3UnwrappedXmlOutput") {
        return None;
    }
    service.shape(operation.output).members().first()
}

/// The error in a success: a document whose root is `Error`, where the output is a document too.
fn error_in_success<'a>(service: &Service, output: ShapeIndex, body: &'a Bytes) -> Option<Element<'a>> {
    let is_document = match payload::body_of(service, output, Side::Response) {
        Body::Document => true,
        Body::Payload(member) => is_structured(service, member),
        Body::Nothing | Body::BoundElsewhere => false,
    };
    if !is_document || body.is_empty() {
        return None;
    }
    xml::parse(body)
        .ok()
        .filter(|root| root.local_name() == "Error" && root.child("Code").is_some())
}

fn decode_error(service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
    let body = crate::codec::content::decoded(response.headers(), response.body()).map_err(Malformed)?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(bodiless_error(service, operation, response));
    }
    let root = parse(&body)?;
    let error = match root.local_name() {
        "Error" => Some(&root),
        _ => root.child("Error"),
    };
    match error {
        Some(error) => Ok(read_error(service, operation, response, error)),
        None => Err(Malformed(format!(
            "the {} response has no `Error` element, so it names no error",
            response.status().as_u16()
        ))),
    }
}

/// An answer to HEAD has no body: its error is called as its status is (`NotFound`).
fn bodiless_error(service: &Service, operation: OperationIndex, response: &Response) -> Reply {
    let reason = response.status().canonical_reason().unwrap_or("Unknown");
    let code: String = reason.chars().filter(char::is_ascii_alphanumeric).collect();
    let shape = service.error_named(Some(operation), &code);
    let bound = shape.map(|shape| http_binding::read_response(service, shape, response));
    Reply::Error {
        value: Value::Object(bound.unwrap_or_default()),
        code,
        shape,
    }
}

fn read_error(service: &Service, operation: OperationIndex, response: &Response, error: &Element<'_>) -> Reply {
    let code = error.child("Code").map(|code| code.text.trim().to_owned()).unwrap_or_default();
    let shape = service.error_named(Some(operation), &code);
    let value = match shape {
        Some(shape) => {
            let bound = http_binding::read_response(service, shape, response);
            let read = match xml::decode(service, shape, error, Side::Response) {
                Value::Object(members) => Value::Object(described(service.shape(shape), members)),
                _ => Value::Object(Vec::new()),
            };
            http_binding::joined(service, shape, Side::Response, bound, read)
        }
        None => match xml::untyped(error) {
            Value::Object(members) => Value::Object(members.into_iter().filter(|(name, _)| !is_description(name)).collect()),
            other => other,
        },
    };
    Reply::Error { code, shape, value }
}

/// The members of an error without what only describes it, and the message under the model's name,
/// whichever way it is spelled.
fn described(shape: &Shape, members: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let message = shape.members().iter().find(|member| member.name.eq_ignore_ascii_case("message"));
    let given = message.is_some_and(|message| members.iter().any(|(name, _)| *name == message.name));
    let members = members
        .into_iter()
        .filter(|(name, _)| shape.member(name).is_some() || !is_description(name));
    let renamed = members.map(|(name, value)| match message {
        Some(message) if !given && name.eq_ignore_ascii_case("message") => (message.name.clone(), value),
        _ => (name, value),
    });
    renamed.collect()
}

fn is_description(name: &str) -> bool {
    DESCRIPTION.contains(&name)
}

/// The body of a message, and its content type where it has one.
fn write_body<'a>(service: &'a Service, shape: ShapeIndex, value: &Value, side: Side) -> (Option<&'a str>, Bytes) {
    match payload::body_of(service, shape, side) {
        Body::Document => {
            let members = http_binding::body_members(service, shape, side, value);
            // A client with nothing to say sends nothing; a server always answers with a document.
            if side == Side::Request && matches!(&members, Value::Object(members) if members.iter().all(|(_, value)| *value == Value::Null))
            {
                return (None, Bytes::new());
            }
            let mut encoder = Encoder::new(service);
            let name = xml::root_name(service.shape(shape));
            encoder.element(name, xml::namespace(service, shape), shape, &members);
            (Some(DOCUMENT), encoder.finish().into())
        }
        Body::Payload(member) => match value.member(&member.name).filter(|given| **given != Value::Null) {
            None => (None, Bytes::new()),
            Some(given) if payload::is_event_stream(service, member) => {
                let document = |shape, value: &Value| {
                    let mut encoder = Encoder::new(service);
                    encoder.element(xml::root_name(service.shape(shape)), xml::namespace(service, shape), shape, value);
                    encoder.finish().into_bytes()
                };
                let body = events::write(service, member.target, given, DOCUMENT, &document);
                (Some(payload::content_type(service, member, DOCUMENT)), body.into())
            }
            Some(given) if is_structured(service, member) => {
                let root = xml::root_name(service.shape(member.target));
                (Some(DOCUMENT), document(service, root, member, given))
            }
            Some(given) => (
                Some(payload::content_type(service, member, DOCUMENT)),
                payload::raw_bytes(given).unwrap_or_default(),
            ),
        },
        Body::Nothing | Body::BoundElsewhere => (None, Bytes::new()),
    }
}

/// A document of one member; `name` is its root where the member has no `@xmlName`.
fn document(service: &Service, name: &str, member: &Member, value: &Value) -> Bytes {
    let own = member.traits.get("smithy.api#xmlName").and_then(serde_json::Value::as_str);
    let namespace = Namespace::of(&member.traits).or_else(|| xml::namespace(service, member.target));
    let mut encoder = Encoder::new(service);
    encoder.element(own.unwrap_or(name), namespace, member.target, value);
    encoder.finish().into()
}

fn error_response(service: &Service, status: u16, code: &str, fault: &str, members: impl FnOnce(&mut Encoder<'_>)) -> Response {
    let wrapped = service
        .traits
        .get(ID)
        .and_then(|protocol| protocol.get("noErrorWrapping"))
        .and_then(serde_json::Value::as_bool)
        != Some(true);
    let mut encoder = Encoder::new(service);
    if wrapped {
        encoder.open("ErrorResponse", Namespace::of(&service.traits));
    }
    encoder.open("Error", None);
    if wrapped {
        encoder.text("Type", fault);
    }
    encoder.text("Code", code);
    members(&mut encoder);
    encoder.close("Error");
    if wrapped {
        encoder.close("ErrorResponse");
    }
    let mut response = Response::new(Bytes::from(encoder.finish()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(DOCUMENT));
    response
}

#[cfg(test)]
mod tests;
