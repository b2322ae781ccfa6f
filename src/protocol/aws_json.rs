//! awsJson1_0 and awsJson1_1 (Smithy 2.0, "AWS JSON 1.0/1.1 protocol"), in JSON and in CBOR.
//!
//! Always `POST /`; the operation is named by `X-Amz-Target`, the error by `x-amzn-errortype`,
//! `__type` or `code`. HTTP bindings and `@jsonName` are ignored, as the protocol says.
//!
//! The SDKs for Java call Kinesis in CBOR, `application/x-amz-cbor-1.1`: the same documents with the
//! same names, blobs as byte strings and timestamps in milliseconds. What a body is written in, its
//! first byte tells, for emulators answer a call in CBOR with JSON.

use super::events;
use super::{Answer, Identified, Malformed, Protocol, Refusal, Reply, locate, query_error};
use crate::codec::cbor::{self, Epoch};
use crate::codec::event_stream::MEDIA_TYPE;
use crate::codec::spot::Visit;
use crate::codec::{content, json};
use crate::contract::Side;
use crate::json::rewrite::write_string;
use crate::model::schema::{OperationIndex, Service, Shape, ShapeIndex, TimestampFormat};
use crate::value::Value;
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};

/// Version 1.0: what a server writes into `__type` is an absolute shape id.
pub static AWS_JSON_1_0: AwsJson = AwsJson {
    id: "aws.protocols#awsJson1_0",
    content_type: "application/x-amz-json-1.0",
    absolute_type: true,
    written: Written::Json,
};

/// Version 1.0 in CBOR.
pub static AWS_CBOR_1_0: AwsJson = AwsJson {
    content_type: "application/x-amz-cbor-1.0",
    written: Written::Cbor,
    ..AWS_JSON_1_0
};

/// Version 1.1: what a server writes into `__type` is a local name.
pub static AWS_JSON_1_1: AwsJson = AwsJson {
    id: "aws.protocols#awsJson1_1",
    content_type: "application/x-amz-json-1.1",
    absolute_type: false,
    written: Written::Json,
};

/// Version 1.1 in CBOR.
pub static AWS_CBOR_1_1: AwsJson = AwsJson {
    content_type: "application/x-amz-cbor-1.1",
    written: Written::Cbor,
    ..AWS_JSON_1_1
};

/// One version of the protocol.
pub struct AwsJson {
    id: &'static str,
    content_type: &'static str,
    absolute_type: bool,
    written: Written,
}

/// What documents are written in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Json,
    Cbor,
}

impl Protocol for AwsJson {
    fn id(&self) -> &'static str {
        self.id
    }

    fn written(&self) -> &'static str {
        match self.written {
            Written::Json => "JSON",
            Written::Cbor => "CBOR",
        }
    }

    fn identify(&self, service: &Service, request: &Request) -> Identified {
        let Some(target) = wire::text(request.headers(), &wire::X_AMZ_TARGET) else {
            return Identified::NotMine;
        };
        let Some(name) = operation_of_target(target, &service.name) else {
            return Identified::NotMine;
        };
        if Written::of(request.headers()) != self.written {
            return Identified::NotMine;
        }
        if request.method() != Method::POST || request.uri().path() != "/" {
            let (method, path) = (request.method(), request.uri().path());
            return Identified::NoSuchOperation(format!("{} requests are `POST /`, this one is `{method} {path}`", service.sdk_id));
        }
        match service.operation_named(name) {
            Some(operation) => Identified::Operation(operation),
            None => Identified::NoSuchOperation(format!("the model of {} has no operation `{name}`", service.sdk_id)),
        }
    }

    fn accepts(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<(), Malformed> {
        // As every SDK writes it; anything else is taken apart.
        if request.headers().get(CONTENT_TYPE).is_some_and(|value| value == self.content_type) {
            return Ok(());
        }
        match wire::media_type(request.headers()) {
            Some(media_type) if media_type.eq_ignore_ascii_case(self.content_type) => Ok(()),
            // Either version: the SDKs take it from the model, of which there are several.
            Some(_) if self.written == Written::Cbor => Ok(()),
            _ if events::is_content_type(request.headers()) && events::stream_of(service, service.operation(operation).input).is_some() => {
                Ok(())
            }
            Some(other) => Err(Malformed(format!("the content type is `{other}`, not `{}`", self.content_type))),
            None => Err(Malformed(format!("there is no content type; it must be `{}`", self.content_type))),
        }
    }

    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        decode(
            service,
            service.operation(operation).input,
            request.headers(),
            request.body(),
            Side::Request,
        )
    }

    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        if response.status().is_success() {
            let output = service.operation(operation).output;
            return decode(service, output, response.headers(), response.body(), Side::Response).map(Reply::Output);
        }
        let header = wire::text(response.headers(), "x-amzn-errortype").map(sanitised);
        let body = content::decoded(response.headers(), response.body()).map_err(Malformed)?;
        let untyped = match (read_untyped(&body), &header) {
            (Ok(value), _) => value,
            // The header alone names the error; a body that is not JSON then says nothing.
            (Err(_), Some(_)) => Value::Object(Vec::new()),
            (Err(malformed), None) => return Err(malformed),
        };
        let named = |member: &str| untyped.member(member).and_then(Value::as_text).map(sanitised);
        let code = header
            .or_else(|| named("__type"))
            .or_else(|| named("code"))
            .filter(|code| !code.is_empty());
        let Some(code) = code.map(str::to_owned) else {
            return Err(Malformed(format!(
                "the {} response names no error type, in neither header nor body",
                response.status().as_u16()
            )));
        };
        let named = service.error_named(Some(operation), &code);
        // Who used to speak awsQuery may still say the old code.
        let shape = named.or_else(|| query_error::find(service, Some(operation), &code));
        let value = match shape {
            Some(shape) if !body.is_empty() => document(service, shape, &body, Side::Response).unwrap_or(untyped),
            _ => untyped,
        };
        Ok(Reply::Error {
            value: without_discriminators(value, shape.map(|shape| service.shape(shape))),
            code: shape.map_or(code, |shape| service.shape(shape).name().to_owned()),
            shape,
        })
    }

    fn locate_request(&self, service: &Service, operation: OperationIndex, request: &Request, visit: Visit<'_>) -> Result<(), Malformed> {
        let input = service.operation(operation).input;
        locate_body(service, Some(input), request.headers(), request.body(), visit)
    }

    fn locate_response(&self, service: &Service, answer: Answer, response: &Response, visit: Visit<'_>) -> Result<(), Malformed> {
        locate_body(service, answer.shape(service), response.headers(), response.body(), visit)
    }

    fn answers(&self, response: &Response) -> bool {
        wire::media_type(response.headers()).is_some_and(|media_type| media_type.eq_ignore_ascii_case(self.content_type))
    }

    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response {
        let shape = service
            .error_named(refusal.operation, refusal.code)
            .map(|shape| service.shape(shape));
        let type_name = match shape {
            Some(shape) if self.absolute_type => shape.id.as_str(),
            _ => refusal.code,
        };
        let members = [("__type", type_name), (message_member(shape), refusal.message)];
        let body = match self.written {
            Written::Json => json_texts(&members),
            Written::Cbor => cbor::encode_texts(&members),
        };
        self.error_response(service, shape, refusal.status, refusal.code, body)
    }

    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request {
        let operation = service.operation(operation);
        let document = |shape, value: &Value| self.document(service, shape, value);
        let stream = events::write_members(service, operation.input, input, Side::Request, self.content_type, &document);
        let content_type = if stream.is_some() { MEDIA_TYPE } else { self.content_type };
        let body = stream.unwrap_or_else(|| document(operation.input, input));
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("https://{host}/").parse().unwrap_or_default();
        request.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        request
            .headers_mut()
            .insert("x-amz-target", wire::header_value(&format!("{}.{}", service.name, operation.name)));
        query_error::ask(request.headers_mut(), service);
        request
    }

    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response {
        let shape = service.operation(operation).output;
        let document = |shape, value: &Value| self.document(service, shape, value);
        if let Some(body) = events::write_members(service, shape, output, Side::Response, self.content_type, &document) {
            return events::response(body);
        }
        self.response(StatusCode::OK, document(shape, output))
    }

    fn encode_modelled_error(&self, service: &Service, error: ShapeIndex, value: &Value) -> Response {
        let shape = service.shape(error);
        let mut members = vec![(
            "__type".to_owned(),
            Value::Text(if self.absolute_type {
                shape.id.clone()
            } else {
                shape.name().to_owned()
            }),
        )];
        if let Value::Object(own) = value {
            members.extend(own.iter().cloned());
        }
        let body = self.document(service, error, &Value::Object(members));
        self.error_response(service, Some(shape), default_status(shape), shape.name(), body)
    }

    fn error_statuses(&self, shape: &Shape) -> Vec<u16> {
        let mut statuses = vec![default_status(shape)];
        statuses.extend(
            shape
                .error
                .as_ref()
                .and_then(|error| error.http_status)
                .filter(|status| *status != statuses[0]),
        );
        statuses
    }
}

impl AwsJson {
    fn document(&self, service: &Service, shape: ShapeIndex, value: &Value) -> Vec<u8> {
        match self.written {
            Written::Json => json::encode(service, shape, value, TimestampFormat::EpochSeconds).into_bytes(),
            Written::Cbor => cbor::encode(service, shape, value, Epoch::Milliseconds),
        }
    }

    fn response(&self, status: StatusCode, body: Vec<u8>) -> Response {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(self.content_type));
        response
    }

    fn error_response(&self, service: &Service, shape: Option<&Shape>, status: u16, code: &str, body: Vec<u8>) -> Response {
        let mut response = self.response(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), body);
        response.headers_mut().insert("x-amzn-errortype", wire::header_value(code));
        query_error::tell(response.headers_mut(), service, shape, code, status);
        response
    }
}

impl Written {
    /// What a request says that it is written in.
    fn of(headers: &http::HeaderMap) -> Written {
        match wire::media_type(headers) {
            Some(media_type) if wire::is_aws_cbor(media_type) => Written::Cbor,
            _ => Written::Json,
        }
    }

    /// What a body is written in: CBOR begins with a map, here and there behind a tag, and no JSON
    /// with such a byte.
    fn in_body(body: &[u8]) -> Written {
        match body.first() {
            Some(0xa0..=0xbf | 0xd9) => Written::Cbor,
            _ => Written::Json,
        }
    }
}

fn json_texts(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = String::new();
    for (name, text) in members {
        out.push(if out.is_empty() { '{' } else { ',' });
        write_string(name, &mut out);
        out.push(':');
        write_string(text, &mut out);
    }
    out.push('}');
    out.into_bytes()
}

/// The operation in `Service.Operation`. Clients that botocore made write a package before the name of
/// CloudTrail, `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents`.
fn operation_of_target<'a>(target: &'a str, service: &str) -> Option<&'a str> {
    let (named, operation) = target.rsplit_once('.')?;
    let local = || named.rsplit_once('.').is_some_and(|(_, local)| local == service);
    (named == service || local()).then_some(operation)
}

fn decode(service: &Service, shape: ShapeIndex, headers: &http::HeaderMap, body: &Bytes, side: Side) -> Result<Value, Malformed> {
    let body = content::decoded(headers, body).map_err(Malformed)?;
    if body.is_empty() {
        // Both sides accept an empty body for `{}`.
        return Ok(Value::Object(Vec::new()));
    }
    if is_stream(headers, &body) {
        let document = |shape, payload: &[u8]| document(service, shape, payload, side);
        return events::read_members(service, shape, &body, &document);
    }
    document(service, shape, &body, side)
}

fn locate_body(
    service: &Service,
    shape: Option<ShapeIndex>,
    headers: &http::HeaderMap,
    body: &[u8],
    visit: Visit<'_>,
) -> Result<(), Malformed> {
    match shape.filter(|_| is_stream(headers, body)) {
        Some(shape) => locate::rpc_stream(service, shape, &|payload| Written::in_body(payload) == Written::Cbor, body, visit),
        None => locate_document(service, shape, body, visit),
    }
}

fn locate_document(service: &Service, shape: Option<ShapeIndex>, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    match Written::in_body(body) {
        Written::Json => locate::json_body(service, shape, body, visit),
        Written::Cbor => locate::cbor_body(service, shape, body, visit),
    }
}

/// Whether a body is a stream of events. No JSON begins with a zero, and no shorter stream with
/// anything else.
fn is_stream(headers: &http::HeaderMap, body: &[u8]) -> bool {
    body.first() == Some(&0) && events::is_content_type(headers)
}

fn document(service: &Service, shape: ShapeIndex, body: &[u8], side: Side) -> Result<Value, Malformed> {
    if Written::in_body(body) == Written::Cbor {
        return cbor::decode(service, Some(shape), body, Epoch::Milliseconds).map_err(|error| not_cbor(&error));
    }
    json::decode(service, shape, body, side, TimestampFormat::EpochSeconds)
        .map_err(|error| Malformed(format!("the body is not JSON: {error}")))
}

/// An error's body before its shape is known.
fn read_untyped(body: &Bytes) -> Result<Value, Malformed> {
    if body.is_empty() {
        return Ok(Value::Object(Vec::new()));
    }
    if Written::in_body(body) == Written::Cbor {
        return cbor::decode_untyped(body, Epoch::Milliseconds).map_err(|error| not_cbor(&error));
    }
    json::decode_untyped(body).map_err(|error| Malformed(format!("the body is not JSON: {error}")))
}

fn not_cbor(error: &cbor::Malformed) -> Malformed {
    Malformed(format!("the body is not CBOR: {error}"))
}

/// The error's name in `ns#Name:http://…`.
pub(super) fn sanitised(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or(text);
    text.rsplit('#').next().unwrap_or(text).trim()
}

/// Drops what only names the error: `__type`, and `code` where the model has no such member.
pub(super) fn without_discriminators(value: Value, shape: Option<&Shape>) -> Value {
    let Value::Object(members) = value else { return value };
    let modelled = |name: &str| shape.is_some_and(|shape| shape.member(name).is_some());
    let code_names_it = !members.iter().any(|(name, _)| name == "__type");
    let discriminates = |name: &str| name == "__type" || name == "code" && code_names_it && !modelled("code");
    Value::Object(members.into_iter().filter(|(name, _)| !discriminates(name)).collect())
}

/// How the model of an error spells its message member: SDKs that read the model look there.
fn message_member(shape: Option<&Shape>) -> &'static str {
    if shape.is_some_and(|shape| shape.member("Message").is_some()) {
        "Message"
    } else {
        "message"
    }
}

/// awsJson does not bind `@httpError`: by the protocol a client error is 400, a server error 500.
fn default_status(shape: &Shape) -> u16 {
    query_error::default_status(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_have_a_package_before_the_service() {
        let named = |target| operation_of_target(target, "CloudTrail_20131101");
        assert_eq!(named("CloudTrail_20131101.LookupEvents"), Some("LookupEvents"));
        assert_eq!(
            named("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"),
            Some("LookupEvents")
        );
        for other in [
            "CloudTrail_20131101",
            "MyCloudTrail_20131101.LookupEvents",
            "CloudTrail_20131101.a.B",
            "",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn an_error_may_be_called_by_its_old_code() {
        let model = r##"{"smithy":"2.0","shapes":{
            "a#S":{"type":"service","version":"1","operations":[{"target":"a#Op"}],"traits":{"aws.protocols#awsJson1_0":{},"aws.protocols#awsQueryCompatible":{}}},
            "a#Op":{"type":"operation","errors":[{"target":"a#NotThere"}]},
            "a#NotThere":{"type":"structure","traits":{"smithy.api#error":"client","aws.protocols#awsQueryError":{"code":"Gone","httpResponseCode":404}}}}}"##;
        let service = crate::model::load(model.as_bytes(), "test").unwrap().remove(0);
        let operation = service.operation_named("Op").unwrap();
        for name in ["a#NotThere", "Gone"] {
            let mut response = Response::new(format!(r#"{{"__type":"{name}"}}"#).into());
            *response.status_mut() = StatusCode::NOT_FOUND;
            let reply = AWS_JSON_1_0.decode_response(&service, operation, &response).unwrap();
            let Reply::Error { code, shape, .. } = reply else {
                panic!("{name}")
            };
            assert_eq!((code.as_str(), shape.is_some()), ("NotThere", true), "{name}");
        }
    }
}
