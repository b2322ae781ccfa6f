//! Smithy RPC v2, what its CBOR and its JSON have in common: `POST …/service/S/operation/O`, the
//! protocol named in `smithy-protocol`, and errors named by `__type` in the body alone.
//!
//! HTTP bindings, `@jsonName` and `@timestampFormat` mean nothing here.

use super::{Answer, Identified, Malformed, Protocol, Refusal, Reply, events, query_error};
use crate::codec::content;
use crate::codec::event_stream::MEDIA_TYPE;
use crate::codec::spot::Visit;
use crate::model::schema::{OperationIndex, Service, Shape, ShapeIndex, ShapeKind};
use crate::value::{Side, Value};
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// The header that names the protocol, on both sides.
const PROTOCOL_HEADER: &str = "smithy-protocol";

/// Reads a document as a value of a shape, or of none.
pub type Decode = fn(&Service, Option<ShapeIndex>, &[u8]) -> Result<Value, Malformed>;

/// Shows where the members of a document of a shape are.
pub type Locate = fn(&Service, Option<ShapeIndex>, &[u8], Visit<'_>) -> Result<(), Malformed>;

/// One of the two: the protocol but for how a document is written.
pub struct RpcV2 {
    /// The shape id of the protocol trait.
    pub id: &'static str,
    /// What `smithy-protocol` says.
    pub name: &'static str,
    /// The content type of a document.
    pub content_type: &'static str,
    /// Reads a document as a value of a shape, or of none.
    pub decode: Decode,
    /// Shows where the members of a document are.
    pub locate: Locate,
    /// Writes a value of a shape.
    pub encode: fn(&Service, ShapeIndex, &Value) -> Vec<u8>,
    /// Writes an object of texts that no shape describes.
    pub encode_texts: fn(&[(&str, &str)]) -> Vec<u8>,
}

impl Protocol for RpcV2 {
    fn id(&self) -> &'static str {
        self.id
    }

    fn identify(&self, service: &Service, request: &Request) -> Identified {
        let Some((named, operation)) = route(request.uri().path()).filter(|(named, _)| *named == service.name) else {
            return Identified::NotMine;
        };
        let spoken = wire::text(request.headers(), PROTOCOL_HEADER);
        if spoken.is_some_and(|spoken| spoken != self.name) {
            return Identified::NotMine;
        }
        if spoken.is_none() {
            let reason = format!(
                "a request to `/service/{named}/…` needs the header `{PROTOCOL_HEADER}: {}`",
                self.name
            );
            return Identified::NoSuchOperation(reason);
        }
        if request.method() != Method::POST {
            let reason = format!("{} requests are POST, this one is {}", service.sdk_id, request.method());
            return Identified::NoSuchOperation(reason);
        }
        match service.operation_named(operation) {
            Some(operation) => Identified::Operation(operation),
            None => Identified::NoSuchOperation(format!("the model of {} has no operation `{operation}`", service.sdk_id)),
        }
    }

    fn accepts(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<(), Malformed> {
        if request.headers().contains_key("x-amz-target") {
            return Err(Malformed(format!("`X-Amz-Target` is forbidden in {}", self.name)));
        }
        match wire::media_type(request.headers()) {
            Some(media_type) if media_type.eq_ignore_ascii_case(self.content_type) => Ok(()),
            None if request.body().is_empty() => Ok(()),
            Some(_) if is_stream(service, service.operation(operation).input, request.headers()) => Ok(()),
            Some(other) => Err(Malformed(format!("the content type is `{other}`, not `{}`", self.content_type))),
            None => Err(Malformed(format!("there is no content type; it must be `{}`", self.content_type))),
        }
    }

    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        self.read(service, Some(service.operation(operation).input), request.headers(), request.body())
    }

    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        let (headers, body) = (response.headers(), response.body());
        if response.status().is_success() {
            let output = service.operation(operation).output;
            return self.read(service, Some(output), headers, body).map(Reply::Output);
        }
        let untyped = self.read(service, None, headers, body)?;
        let Some(code) = error_name(&untyped, headers) else {
            let status = response.status().as_u16();
            return Err(Malformed(format!("the {status} response names no error type in its body")));
        };
        let named = service.error_named(Some(operation), &code);
        let shape = named.or_else(|| query_error::find(service, Some(operation), &code));
        let value = match shape {
            Some(shape) => self.read(service, Some(shape), headers, body)?,
            None => untyped,
        };
        Ok(Reply::Error {
            code: shape.map_or(code, |shape| service.shape(shape).name().to_owned()),
            shape,
            value: without_type(value),
        })
    }

    fn answers(&self, response: &Response) -> bool {
        wire::text(response.headers(), PROTOCOL_HEADER) == Some(self.name)
    }

    fn locate_request(&self, service: &Service, operation: OperationIndex, request: &Request, visit: Visit<'_>) -> Result<(), Malformed> {
        let input = service.operation(operation).input;
        self.locate_body(service, Some(input), request.headers(), request.body(), visit)
    }

    fn locate_response(&self, service: &Service, answer: Answer, response: &Response, visit: Visit<'_>) -> Result<(), Malformed> {
        self.locate_body(service, answer.shape(service), response.headers(), response.body(), visit)
    }

    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response {
        let shape = service
            .error_named(refusal.operation, refusal.code)
            .map(|shape| service.shape(shape));
        let message = match shape {
            Some(shape) if shape.member("Message").is_some() => "Message",
            _ => "message",
        };
        let type_name = shape.map_or(refusal.code, |shape| shape.id.as_str());
        let body = (self.encode_texts)(&[("__type", type_name), (message, refusal.message)]);
        self.error_response(service, shape, refusal.status, refusal.code, body)
    }

    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request {
        let operation = service.operation(operation);
        let (content_type, body) = self.document(service, operation.input, input, Side::Request).unzip();
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = Method::POST;
        let uri = format!("https://{host}/service/{}/operation/{}", service.name, operation.name);
        *request.uri_mut() = uri.parse().unwrap_or_default();
        let answer = if events::stream_of(service, operation.output).is_some() {
            MEDIA_TYPE
        } else {
            self.content_type
        };
        request.headers_mut().insert("accept", HeaderValue::from_static(answer));
        self.put(request.headers_mut(), content_type);
        query_error::ask(request.headers_mut(), service);
        *request.body_mut() = body.unwrap_or_default();
        request
    }

    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response {
        let (content_type, body) = self
            .document(service, service.operation(operation).output, output, Side::Response)
            .unzip();
        let mut response = Response::new(Bytes::new());
        self.put(response.headers_mut(), content_type);
        *response.body_mut() = body.unwrap_or_default();
        response
    }

    fn encode_modelled_error(&self, service: &Service, error: ShapeIndex, value: &Value) -> Response {
        let shape = service.shape(error);
        let mut members = vec![("__type".to_owned(), Value::Text(shape.id.clone()))];
        if let Value::Object(own) = value {
            members.extend(own.iter().cloned());
        }
        let body = (self.encode)(service, error, &Value::Object(members));
        self.error_response(service, Some(shape), status(shape), shape.name(), body)
    }

    fn error_statuses(&self, error: &Shape) -> Vec<u16> {
        let mut statuses = vec![status(error)];
        // A service that is compatible with awsQuery keeps the statuses of awsJson.
        let default = query_error::default_status(error);
        if default != statuses[0] {
            statuses.push(default);
        }
        statuses
    }
}

impl RpcV2 {
    fn locate_body(
        &self,
        service: &Service,
        shape: Option<ShapeIndex>,
        headers: &HeaderMap,
        body: &[u8],
        visit: Visit<'_>,
    ) -> Result<(), Malformed> {
        match shape.filter(|shape| is_stream(service, *shape, headers)) {
            Some(shape) => super::locate::rpc_stream(service, shape, &|_| self.content_type.ends_with("cbor"), body, visit),
            None => (self.locate)(service, shape, body, visit),
        }
    }

    fn read(&self, service: &Service, shape: Option<ShapeIndex>, headers: &HeaderMap, body: &Bytes) -> Result<Value, Malformed> {
        let body = content::decoded(headers, body).map_err(Malformed)?;
        if body.is_empty() {
            // Both sides accept an empty body for an empty structure.
            return Ok(Value::Object(Vec::new()));
        }
        if let Some(shape) = shape.filter(|shape| is_stream(service, *shape, headers)) {
            let document = |shape, payload: &[u8]| (self.decode)(service, Some(shape), payload);
            return events::read_members(service, shape, &body, &document);
        }
        (self.decode)(service, shape, &body)
    }

    /// The document of a value, or the stream that it is, with its content type; none where the
    /// model has no input or output.
    fn document(&self, service: &Service, shape: ShapeIndex, value: &Value, side: Side) -> Option<(&'static str, Bytes)> {
        if matches!(service.shape(shape).kind, ShapeKind::Unit) {
            return None;
        }
        let document = |shape, value: &Value| (self.encode)(service, shape, value);
        if let Some(body) = events::write_members(service, shape, value, side, self.content_type, &document) {
            return Some((MEDIA_TYPE, body.into()));
        }
        Some((self.content_type, document(shape, value).into()))
    }

    fn put(&self, headers: &mut HeaderMap, content_type: Option<&'static str>) {
        headers.insert(PROTOCOL_HEADER, HeaderValue::from_static(self.name));
        if let Some(content_type) = content_type {
            headers.insert("content-type", HeaderValue::from_static(content_type));
        }
    }

    fn error_response(&self, service: &Service, shape: Option<&Shape>, status: u16, name: &str, body: Vec<u8>) -> Response {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        self.put(response.headers_mut(), Some(self.content_type));
        query_error::tell(response.headers_mut(), service, shape, name, status);
        response
    }
}

/// Whether a message is a stream of events, and its structure has one.
fn is_stream(service: &Service, shape: ShapeIndex, headers: &HeaderMap) -> bool {
    events::is_content_type(headers) && events::stream_of(service, shape).is_some()
}

/// Service and operation of a path that ends in `/service/S/operation/O`; anything may stand before.
fn route(path: &str) -> Option<(&str, &str)> {
    let mut segments = path.rsplit('/');
    let (operation, word) = (segments.next()?, segments.next()?);
    let (service, other_word) = (segments.next()?, segments.next()?);
    (word == "operation" && other_word == "service" && segments.next().is_some()).then_some((service, operation))
}

/// The name of an error without its namespace; where the body has none, the old code that a
/// service compatible with awsQuery tells.
fn error_name(body: &Value, headers: &HeaderMap) -> Option<String> {
    let written = body.member("__type").and_then(Value::as_text);
    let old = || wire::text(headers, query_error::HEADER).map(|value| value.split(';').next().unwrap_or(value));
    let written = written.or_else(old)?;
    let name = written.split(':').next().unwrap_or(written);
    let name = name.rsplit('#').next().unwrap_or(name).trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn without_type(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(name, _)| name != "__type").collect()),
        other => other,
    }
}

/// The status of a modelled error: its `@httpError`, else 400 or 500.
fn status(shape: &Shape) -> u16 {
    let modelled = shape.error.as_ref().and_then(|error| error.http_status);
    modelled.unwrap_or_else(|| query_error::default_status(shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load;
    use crate::protocol::named;

    fn service(traits: &str) -> Service {
        let model = format!(
            r##"{{"smithy": "2.0", "shapes": {{
            "a#S": {{"type": "service", "version": "1", "operations": [{{"target": "a#Do"}}, {{"target": "a#Ping"}}], "traits": {{{traits}}}}},
            "a#Ping": {{"type": "operation"}},
            "a#Do": {{"type": "operation", "input": {{"target": "a#In"}}, "output": {{"target": "a#In"}}, "errors": [{{"target": "a#Gone"}}]}},
            "a#Gone": {{"type": "structure", "members": {{"Message": {{"target": "smithy.api#String"}}, "at": {{"target": "smithy.api#Timestamp"}}}},
                       "traits": {{"smithy.api#error": "client", "smithy.api#httpError": 404, "aws.protocols#awsQueryError": {{"code": "Old.Gone", "httpResponseCode": 402}}}}}},
            "a#In": {{"type": "structure", "members": {{
                "name": {{"target": "smithy.api#String", "traits": {{"smithy.api#jsonName": "n"}}}},
                "at": {{"target": "smithy.api#Timestamp", "traits": {{"smithy.api#timestampFormat": "date-time"}}}},
                "big": {{"target": "smithy.api#BigInteger"}}, "exact": {{"target": "smithy.api#BigDecimal"}}, "data": {{"target": "smithy.api#Blob"}},
                "small": {{"target": "smithy.api#Float"}}, "ratio": {{"target": "smithy.api#Double"}}, "list": {{"target": "a#List"}}, "map": {{"target": "a#Map"}} }} }},
            "a#List": {{"type": "list", "member": {{"target": "a#In"}}}},
            "a#Map": {{"type": "map", "key": {{"target": "smithy.api#String"}}, "value": {{"target": "smithy.api#Long"}}, "traits": {{"smithy.api#sparse": {{}}}}}} }}}}"##
        );
        load(model.as_bytes(), "test").unwrap().remove(0)
    }

    const BOTH: &str = r#""smithy.protocols#rpcv2Cbor": {}, "smithy.protocols#rpcv2Json": {}"#;
    const DO: OperationIndex = OperationIndex(0);

    fn both() -> [&'static dyn Protocol; 2] {
        ["smithy.protocols#rpcv2Cbor", "smithy.protocols#rpcv2Json"].map(|id| named(id).unwrap())
    }

    fn post(path: &str, headers: &[(&str, &str)], body: &'static str) -> Request {
        let builder = headers
            .iter()
            .fold(http::Request::post(path), |builder, (name, value)| builder.header(*name, *value));
        builder.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn an_operation_is_known_by_its_path_and_the_protocol_by_its_header() {
        let service = service(BOTH);
        let [cbor, json] = both();
        let spoken = [("smithy-protocol", "rpc-v2-cbor")];
        let request = post("https://x/any/service/S/operation/Do", &spoken, "");
        assert_eq!(cbor.identify(&service, &request), Identified::Operation(DO));
        assert_eq!(json.identify(&service, &request), Identified::NotMine);
        let unknown = post("https://x/service/S/operation/Dont", &spoken, "");
        let silent = post("https://x/service/S/operation/Do", &[], "");
        for request in [unknown, silent] {
            assert!(matches!(cbor.identify(&service, &request), Identified::NoSuchOperation(_)));
        }
        for path in ["/service/T/operation/Do", "/service/S/operations/Do", "/S/operation/Do", "/"] {
            let request = post(&format!("https://x{path}"), &spoken, "");
            assert_eq!(cbor.identify(&service, &request), Identified::NotMine, "{path}");
        }
    }

    #[test]
    fn a_target_or_another_content_type_is_malformed() {
        let service = service(BOTH);
        let [_, json] = both();
        let path = "https://x/service/S/operation/Do";
        let accepts = |headers: &[(&str, &str)], body| json.accepts(&service, DO, &post(path, headers, body)).is_ok();
        assert!(accepts(&[("content-type", "application/json; charset=utf-8")], "{}"));
        assert!(accepts(&[], ""));
        assert!(!accepts(&[], "{}"));
        assert!(!accepts(&[("content-type", "application/cbor")], "{}"));
        assert!(!accepts(&[("content-type", "application/json"), ("x-amz-target", "S.Do")], "{}"));
    }

    #[test]
    fn what_is_written_is_read_back_and_names_and_formats_of_json_are_ignored() {
        let service = service(BOTH);
        let text = r#"{"name":"a","at":1.5,"big":"18446744073709551617","exact":"-0.125","data":"Zm9v","small":0.1,"ratio":"NaN","list":[{},{"big":"-1"}],"map":{"a":1,"b":null}}"#;
        let [_, json] = both();
        let value = json.decode_request(&service, DO, &post("https://x/", &[], text)).unwrap();
        let instant = Value::Timestamp {
            seconds: 1,
            nanos: 500_000_000,
        };
        assert_eq!(value.member("at"), Some(&instant));
        assert_eq!(value.member("big"), Some(&Value::Integer(18_446_744_073_709_551_617)));
        assert_eq!(json.encode_request(&service, DO, "h", &value).body(), text);
        for protocol in both() {
            let request = protocol.encode_request(&service, DO, "h", &value);
            assert_eq!(protocol.identify(&service, &request), Identified::Operation(DO));
            assert_eq!(protocol.accepts(&service, DO, &request), Ok(()));
            let response = protocol.encode_response(&service, DO, &value);
            let Reply::Output(back) = protocol.decode_response(&service, DO, &response).unwrap() else {
                panic!()
            };
            for same in ["name", "at", "big", "data", "small", "ratio", "list", "map"] {
                assert_eq!(back.member(same), value.member(same), "{same}");
            }
            let exact = |value: &Value| crate::decimal::Decimal::of(value.member("exact").unwrap());
            assert_eq!(exact(&back), exact(&value));
        }
    }

    #[test]
    fn without_input_or_output_there_is_no_body_and_no_content_type() {
        let service = service(BOTH);
        let ping = service.operation_named("Ping").unwrap();
        for protocol in both() {
            let empty = Value::Object(Vec::new());
            let request = protocol.encode_request(&service, ping, "h", &empty);
            let response = protocol.encode_response(&service, ping, &empty);
            for (headers, body) in [(request.headers(), request.body()), (response.headers(), response.body())] {
                assert!(body.is_empty() && !headers.contains_key("content-type") && headers.contains_key("smithy-protocol"));
            }
            assert_eq!(protocol.decode_request(&service, ping, &request), Ok(empty));
        }
    }

    #[test]
    fn errors_are_named_in_the_body_and_the_old_code_in_a_header() {
        let service = service(&format!(r#"{BOTH}, "aws.protocols#awsQueryCompatible": {{}}"#));
        assert_eq!(service.protocols.last().map(String::as_str), Some("aws.protocols#awsQuery"));
        let gone = service.operations[0].errors[0];
        for protocol in both() {
            let refusal = Refusal {
                operation: Some(DO),
                code: "Gone",
                status: 400,
                message: "no",
            };
            let response = protocol.encode_error(&service, &refusal);
            assert_eq!(response.headers()["x-amzn-query-error"], "Old.Gone;Sender");
            let value = Value::Object(vec![("Message".to_owned(), Value::Text("no".to_owned()))]);
            let wanted = Reply::Error {
                code: "Gone".to_owned(),
                shape: Some(gone),
                value: value.clone(),
            };
            assert_eq!(protocol.decode_response(&service, DO, &response).unwrap(), wanted);
            let modelled = protocol.encode_modelled_error(&service, gone, &value);
            assert_eq!(modelled.status(), 404);
            assert_eq!(protocol.decode_response(&service, DO, &modelled).unwrap(), wanted);
            let request = protocol.encode_request(&service, DO, "h", &value);
            assert_eq!(request.headers()["x-amzn-query-mode"], "true");
        }
    }
}
