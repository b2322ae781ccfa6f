//! Where on the wire the members of a message are: what the protocols call to answer
//! [`Protocol::locate_request`](super::Protocol::locate_request) and
//! [`Protocol::locate_response`](super::Protocol::locate_response), one line each.

mod bound;

use super::{Answer, Malformed, events};
use crate::codec::form::Dialect;
use crate::codec::spot::{self, Root, Visit};
use crate::model::schema::{OperationIndex, Service, ShapeIndex};
use crate::value::Side;
use crate::wire::{Request, Response};
use bound::Payload;

/// The format of the bodies of a REST protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// JSON, with `@jsonName`.
    Json,
    /// XML.
    Xml,
}

/// What a protocol says that cannot tell where its members are.
pub fn unsupported(id: &str) -> Malformed {
    Malformed(format!("Ferrotape cannot write stand-ins into messages of the protocol `{id}`"))
}

/// A JSON body whose keys are the member names: awsJson and rpcv2Json.
///
/// # Errors
/// Where it is not JSON.
pub fn json_body(service: &Service, shape: Option<ShapeIndex>, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    json(root(service, shape, ""), false, body, visit)
}

/// A CBOR body: rpcv2Cbor, and awsJson in CBOR.
///
/// # Errors
/// Where it is not CBOR.
pub fn cbor_body(service: &Service, shape: Option<ShapeIndex>, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    if body.is_empty() {
        return Ok(());
    }
    spot::in_cbor(root(service, shape, ""), body, visit).map_err(|error| Malformed(format!("the body is {error}")))
}

/// The body of an RPC protocol that is a stream of events, whose documents begin in `is_cbor` as CBOR
/// does.
///
/// # Errors
/// Where it is none.
pub fn rpc_stream(
    service: &Service,
    shape: ShapeIndex,
    is_cbor: &dyn Fn(&[u8]) -> bool,
    body: &[u8],
    visit: Visit<'_>,
) -> Result<(), Malformed> {
    let in_document = |root: Root<'_>, payload: &[u8], visit: Visit<'_>| match is_cbor(payload) {
        true => spot::in_cbor(root, payload, visit).map_err(|error| Malformed(format!("the payload is {error}"))),
        false => json(root, false, payload, visit),
    };
    events::locate(service, shape, body, &in_document, visit)
}

/// A form body, and the query of a `GET` that holds what a form would: awsQuery and ec2Query.
///
/// # Errors
/// Where it is not text.
pub fn form_request(
    service: &Service,
    operation: OperationIndex,
    dialect: Dialect,
    request: &Request,
    visit: Visit<'_>,
) -> Result<(), Malformed> {
    let root = Root::of(service, service.operation(operation).input);
    let malformed = |error| Malformed(format!("the body is not a form: {error}"));
    bound::query_form(root, dialect, request.uri(), visit).map_err(malformed)?;
    spot::in_form(root, dialect, request.body(), visit).map_err(malformed)
}

/// The XML that answers an awsQuery call: `<OpResponse><OpResult>…`, or `<ErrorResponse><Error>…`.
///
/// # Errors
/// Where it is not XML.
pub fn query_response(service: &Service, answer: Answer, response: &Response, visit: Visit<'_>) -> Result<(), Malformed> {
    let result = format!("{}Result", service.operation(answer.operation()).name);
    let root = root(service, answer.shape(service), "");
    match answer {
        // Some services leave the inner element off.
        Answer::Output(_) => xml(root, &[&[&result], &[]], response.body(), visit),
        Answer::Error(..) => xml(root, ERROR, response.body(), visit),
    }
}

/// The XML that answers an ec2Query call: `<OpResponse>…`, or `<Response><Errors><Error>…`.
///
/// # Errors
/// Where it is not XML.
pub fn ec2_response(service: &Service, answer: Answer, response: &Response, visit: Visit<'_>) -> Result<(), Malformed> {
    let paths = paths_of(answer);
    xml(root(service, answer.shape(service), ""), paths, response.body(), visit)
}

/// A request of restJson1 or restXml: path, query, headers and body, each by its binding.
///
/// # Errors
/// Where the body is not in its format.
pub fn rest_request(
    service: &Service,
    operation: OperationIndex,
    document: Document,
    request: &Request,
    visit: Visit<'_>,
) -> Result<(), Malformed> {
    let shape = service.operation(operation).input;
    bound::uri(service, operation, request.uri(), visit);
    bound::headers(service, shape, request.headers(), Side::Request, visit);
    rest_body(service, Some(shape), document, &[&[]], request.body(), visit)
}

/// A response of restJson1 or restXml: headers and body, each by its binding.
///
/// # Errors
/// Where the body is not in its format.
pub fn rest_response(
    service: &Service,
    answer: Answer,
    document: Document,
    response: &Response,
    visit: Visit<'_>,
) -> Result<(), Malformed> {
    let shape = answer.shape(service);
    if let Some(shape) = shape {
        bound::headers(service, shape, response.headers(), Side::Response, visit);
    }
    rest_body(service, shape, document, paths_of(answer), response.body(), visit)
}

/// Where an error stands in a document: in either of its wrappers, or bare, as in S3.
const ERROR: &[&[&str]] = &[&["Errors", "Error"], &["Error"], &[]];

fn paths_of(answer: Answer) -> &'static [&'static [&'static str]] {
    match answer {
        Answer::Output(_) => &[&[]],
        Answer::Error(..) => ERROR,
    }
}

fn rest_body(
    service: &Service,
    shape: Option<ShapeIndex>,
    document: Document,
    paths: &[&[&str]],
    body: &[u8],
    visit: Visit<'_>,
) -> Result<(), Malformed> {
    let (root, payload) = match shape.and_then(|shape| bound::payload(service, shape)) {
        Some(Payload::Whole(member)) => {
            bound::whole(&member, body, visit);
            return Ok(());
        }
        Some(Payload::Stream) => {
            let Some(shape) = shape.filter(|_| !body.is_empty()) else {
                return Ok(());
            };
            let in_document = |root: Root<'_>, payload: &[u8], visit: Visit<'_>| match document {
                Document::Json => json(root, true, payload, visit),
                Document::Xml => xml(root, &[&[]], payload, visit),
            };
            return events::locate(service, shape, body, &in_document, visit);
        }
        Some(Payload::Document { member, shape }) => (Some(shape), member),
        None => (shape, String::new()),
    };
    let root = self::root(service, root, &payload);
    match document {
        Document::Json => json(root, true, body, visit),
        Document::Xml => xml(root, paths, body, visit),
    }
}

fn root<'a>(service: &'a Service, shape: Option<ShapeIndex>, member: &'a str) -> Root<'a> {
    Root {
        shape: shape.map(|shape| (service, shape)),
        member,
    }
}

fn json(root: Root<'_>, json_names: bool, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    if body.is_empty() {
        return Ok(());
    }
    spot::in_json(root, json_names, body, visit).map_err(|error| Malformed(format!("the body is not JSON: {error}")))
}

fn xml(root: Root<'_>, paths: &[&[&str]], body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    if body.is_empty() {
        return Ok(());
    }
    spot::in_xml(root, paths, body, visit).map_err(|error| Malformed(format!("the body is not XML: {error}")))
}
