//! What awsQuery and ec2Query share: the form that a request is, and XML that says what is wrong.
//!
//! A request names its operation by `Action` and its service by `Version`, in the body of a POST or
//! in the query string. Any path will do: SQS has one for each queue, and an endpoint may have one.

use super::{Identified, Malformed, Reply, query_error};
use crate::codec::form::{self, Dialect};
use crate::codec::{content, xml};
use crate::model::schema::{OperationIndex, Service, Shape, ShapeIndex};
use crate::scope;
use crate::value::{Side, Value};
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use std::borrow::Cow;

/// The content type of a request.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The id of every answer that is made here: nobody may tell it from another by it.
pub const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// Top-level fields that are no members: of the protocol, and of presigned and older signatures.
const OWN_FIELDS: [&str; 9] = [
    "Action",
    "Version",
    "AWSAccessKeyId",
    "Expires",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
];

/// Whether a request speaks to a service, and which operation it names.
pub fn identify(service: &Service, request: &Request) -> Identified {
    let Some(action) = field(request, "Action") else {
        return Identified::NotMine;
    };
    let signed_for_it = || scope::of(request.uri(), request.headers()).is_some_and(|scope| scope.service == service.signing_name);
    match field(request, "Version") {
        Some(version) if version == service.version => {}
        Some(version) if signed_for_it() => {
            let reason = format!(
                "the request is for version `{version}` of {}, the model is of version `{}`",
                service.sdk_id, service.version
            );
            return Identified::NoSuchOperation(reason);
        }
        None if signed_for_it() => {}
        _ => return Identified::NotMine,
    }
    match service.operation_named(&action) {
        Some(operation) => Identified::Operation(operation),
        None => Identified::NoSuchOperation(format!("the model of {} has no operation `{action}`", service.sdk_id)),
    }
}

/// A field of the query string, else of the body.
fn field<'a>(request: &'a Request, name: &str) -> Option<Cow<'a, str>> {
    let query = request.uri().query().and_then(|query| form::find(query.as_bytes(), name));
    query.or_else(|| form::find(form_body(request)?, name))
}

/// The body, where it may be a form: a POST that says so, says nothing, or has the path of a query
/// protocol. Everything else may well hold such text by chance.
fn form_body(request: &Request) -> Option<&[u8]> {
    let may_be = match wire::media_type(request.headers()) {
        Some(media_type) => media_type.eq_ignore_ascii_case(FORM) || request.uri().path() == "/",
        None => true,
    };
    (request.method() == Method::POST && may_be).then_some(request.body())
}

/// Whether the content type is the protocol's. There need be none: what names its operation as a
/// form is one.
///
/// # Errors
/// Where it is another.
pub fn accepts(request: &Request) -> Result<(), Malformed> {
    match wire::media_type(request.headers()) {
        Some(media_type) if media_type.eq_ignore_ascii_case(FORM) => Ok(()),
        Some(other) if !request.body().is_empty() => Err(Malformed(format!("the content type is `{other}`, not `{FORM}`"))),
        _ => Ok(()),
    }
}

/// Reads an operation's input.
///
/// # Errors
/// Where the form is not text.
pub fn decode_request(service: &Service, operation: OperationIndex, request: &Request, dialect: Dialect) -> Result<Value, Malformed> {
    let body = content::decoded(request.headers(), request.body()).map_err(Malformed)?;
    let query = request.uri().query().unwrap_or_default();
    let shape = service.operation(operation).input;
    let own = |key: &str| {
        OWN_FIELDS.contains(&key) && (matches!(key, "Action" | "Version") || !is_member(service.shape(shape), key, dialect))
            || key.starts_with("X-Amz-")
    };
    form::decode(service, shape, &[query.as_bytes(), &body], dialect, own)
        .map_err(|error| Malformed(format!("the body is not a form: {error}")))
}

fn is_member(shape: &Shape, key: &str, dialect: Dialect) -> bool {
    shape.members().iter().any(|member| dialect.key(member) == key)
}

/// Writes an operation's input, as a client would send it.
pub fn encode_request(service: &Service, operation: OperationIndex, host: &str, input: &Value, dialect: Dialect) -> Request {
    let operation = service.operation(operation);
    let mut form = String::new();
    form::push(&mut form, "Action", &operation.name);
    form::push(&mut form, "Version", &service.version);
    form::encode(service, operation.input, input, dialect, &mut form);
    let mut request = Request::new(Bytes::from(form));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("https://{host}/").parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(FORM));
    request
}

/// Whether a response is XML by its content type.
pub fn answers(response: &Response) -> bool {
    let is_xml = |media_type: &str| {
        ["text/xml", "application/xml"]
            .iter()
            .any(|xml| media_type.eq_ignore_ascii_case(xml))
    };
    wire::media_type(response.headers()).is_some_and(is_xml)
}

/// The document of a response; nothing where the body is empty.
///
/// # Errors
/// Where the body is not XML.
pub fn document<'a>(response: &Response, decoded: &'a mut Bytes) -> Result<Option<xml::Element<'a>>, Malformed> {
    *decoded = content::decoded(response.headers(), response.body()).map_err(Malformed)?;
    if decoded.is_empty() {
        return Ok(None);
    }
    let root = xml::parse(decoded).map_err(|error| Malformed(format!("the body is not XML: {error}")))?;
    Ok(Some(root))
}

/// Reads an error: `<ErrorResponse><Error>`, `<Response><Errors><Error>` or `<Error>` alone.
///
/// # Errors
/// Where the document names no error.
pub fn decode_error(
    service: &Service,
    operation: OperationIndex,
    root: Option<&xml::Element<'_>>,
    status: StatusCode,
) -> Result<Reply, Malformed> {
    let error = root.and_then(|root| {
        let wrapped = root.descend(&["Errors", "Error"]).or_else(|| root.child("Error"));
        wrapped.or_else(|| (root.local_name() == "Error").then_some(root))
    });
    let code = error.and_then(|error| error.child("Code")).map(|code| code.text.trim());
    let (Some(error), Some(code)) = (error, code.filter(|code| !code.is_empty())) else {
        let status = status.as_u16();
        return Err(Malformed(format!(
            "the {status} response names no error: there is no `Error` with a `Code`"
        )));
    };
    let shape = query_error::find(service, Some(operation), code);
    let value = match shape {
        Some(shape) => error_members(service.shape(shape), xml::decode(service, shape, error, Side::Response)),
        None => without(xml::untyped(error), |name| matches!(name, "Code" | "Type" | "RequestId")),
    };
    Ok(Reply::Error {
        code: shape.map_or(code, |shape| service.shape(shape).name()).to_owned(),
        shape,
        value,
    })
}

/// Drops what only says which error it is, and puts the message where the model has it: on the wire
/// it is `Message`, whatever the model calls it.
fn error_members(shape: &Shape, value: Value) -> Value {
    let is_own = |name: &str| matches!(name, "Code" | "Type" | "RequestId") && shape.member(name).is_none();
    let Value::Object(mut members) = without(value, is_own) else {
        return Value::Object(Vec::new());
    };
    let modelled = |name: &str| shape.member(name).is_some();
    for (name, _) in &mut members {
        for (written, meant) in [("Message", "message"), ("message", "Message")] {
            if name == written && !modelled(written) && modelled(meant) {
                *name = meant.to_owned();
                break;
            }
        }
    }
    Value::Object(members)
}

/// An object without some of its members.
pub fn without(value: Value, unwanted: impl Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(name, _)| !unwanted(name)).collect()),
        other => other,
    }
}

/// Writes the members of a modelled error but its message.
pub fn encode_error_members(encoder: &mut xml::Encoder<'_>, error: ShapeIndex, value: &Value) {
    encoder.members(error, &without(value.clone(), |name| name.eq_ignore_ascii_case("message")));
}

/// The message of a modelled error, in either spelling.
pub fn message(value: &Value) -> Option<&str> {
    ["message", "Message"].into_iter().find_map(|name| value.member(name)?.as_text())
}

/// A response that is XML.
pub fn response(status: u16, body: String) -> Response {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/xml"));
    response
}

/// The statuses with which a modelled error may be answered.
pub fn error_statuses(shape: &Shape) -> Vec<u16> {
    let http_status = shape.error.as_ref().and_then(|error| error.http_status);
    let mut statuses = vec![query_error::status(shape)];
    for status in [http_status, Some(query_error::default_status(shape))].into_iter().flatten() {
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    statuses
}

#[cfg(test)]
mod tests {
    use crate::model::load;
    use crate::model::schema::{OperationIndex, Service};
    use crate::protocol::{Identified, Protocol, Refusal, Reply, named};
    use crate::value::Value;
    use crate::wire::Request;
    use bytes::Bytes;

    fn service(protocol: &str) -> Service {
        let model = format!(
            r##"{{"smithy": "2.0", "shapes": {{
            "a#S": {{"type": "service", "version": "2010-01-01", "operations": [{{"target": "a#Do"}}],
                     "traits": {{"{protocol}": {{}}, "aws.auth#sigv4": {{"name": "ess"}}, "smithy.api#xmlNamespace": {{"uri": "http://s"}}}}}},
            "a#Do": {{"type": "operation", "input": {{"target": "a#In"}}, "output": {{"target": "a#In"}}, "errors": [{{"target": "a#Gone"}}]}},
            "a#Gone": {{"type": "structure", "members": {{"message": {{"target": "smithy.api#String"}}, "Which": {{"target": "smithy.api#Integer"}}}},
                       "traits": {{"smithy.api#error": "client", "aws.protocols#awsQueryError": {{"code": "Es.Gone", "httpResponseCode": 404}}}}}},
            "a#In": {{"type": "structure", "members": {{
                "name": {{"target": "smithy.api#String"}}, "count": {{"target": "smithy.api#Integer", "traits": {{"smithy.api#xmlName": "n"}}}},
                "list": {{"target": "a#List"}}, "flat": {{"target": "a#List", "traits": {{"smithy.api#xmlFlattened": {{}}}}}},
                "map": {{"target": "a#Map"}}, "inner": {{"target": "a#In"}} }} }},
            "a#List": {{"type": "list", "member": {{"target": "smithy.api#String", "traits": {{"smithy.api#xmlName": "item"}}}}}},
            "a#Map": {{"type": "map", "key": {{"target": "smithy.api#String"}}, "value": {{"target": "a#In"}}}} }}}}"##
        );
        load(model.as_bytes(), "test").unwrap().remove(0)
    }

    const DO: OperationIndex = OperationIndex(0);

    fn aws() -> (Service, &'static dyn Protocol) {
        (service("aws.protocols#awsQuery"), named("aws.protocols#awsQuery").unwrap())
    }

    fn ec2() -> (Service, &'static dyn Protocol) {
        (service("aws.protocols#ec2Query"), named("aws.protocols#ec2Query").unwrap())
    }

    fn request(body: &str) -> Request {
        http::Request::post("https://ess.amazonaws.com/queue")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    fn shown(value: &Value) -> String {
        let mut out = String::new();
        crate::codec::json::write(value, &mut out);
        out
    }

    fn input((service, protocol): &(Service, &'static dyn Protocol), body: &str) -> String {
        shown(&protocol.decode_request(service, DO, &request(body)).unwrap())
    }

    #[test]
    fn a_request_is_known_by_action_and_version_wherever_they_are() {
        let (service, protocol) = aws();
        let identified = |request: &Request| protocol.identify(&service, request);
        assert_eq!(identified(&request("Action=Do&Version=2010-01-01")), Identified::Operation(DO));
        assert_eq!(identified(&request("Action=Do&Version=2011-01-01")), Identified::NotMine);
        assert_eq!(identified(&request("Version=2010-01-01")), Identified::NotMine);
        assert!(matches!(
            identified(&request("Action=Dont&Version=2010-01-01")),
            Identified::NoSuchOperation(_)
        ));
        let get = http::Request::get("https://x/?Action=Do&Version=2010-01-01&name=a+b&X-Amz-Signature=1")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(identified(&get), Identified::Operation(DO));
        assert_eq!(protocol.accepts(&service, DO, &get), Ok(()));
        assert_eq!(shown(&protocol.decode_request(&service, DO, &get).unwrap()), r#"{"name":"a b"}"#);
    }

    #[test]
    fn another_version_of_the_service_that_signed_is_told() {
        let (service, protocol) = aws();
        let mut request = request("Action=Do&Version=2009-01-01");
        let signature = "AWS4-HMAC-SHA256 Credential=AKID/20200101/us-east-1/ess/aws4_request, SignedHeaders=host, Signature=0";
        request.headers_mut().insert("authorization", signature.parse().unwrap());
        let Identified::NoSuchOperation(reason) = protocol.identify(&service, &request) else {
            panic!()
        };
        assert!(reason.contains("`2009-01-01`") && reason.contains("`2010-01-01`"), "{reason}");
    }

    #[test]
    fn what_only_looks_like_a_form_is_not_taken_for_one() {
        let (service, protocol) = aws();
        let put = |content_type: &str| {
            let request = http::Request::post("https://bucket/key").header("content-type", content_type);
            request.body(Bytes::from_static(b"Action=Do&Version=2010-01-01")).unwrap()
        };
        assert_eq!(protocol.identify(&service, &put("text/plain")), Identified::NotMine);
        let mut wrong = request("Action=Do&Version=2010-01-01");
        *wrong.uri_mut() = "https://x/".parse().unwrap();
        wrong.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        assert_eq!(protocol.identify(&service, &wrong), Identified::Operation(DO));
        assert!(protocol.accepts(&service, DO, &wrong).unwrap_err().0.contains("`text/plain`"));
    }

    #[test]
    fn a_form_becomes_the_input() {
        let aws = aws();
        let body = concat!(
            "Action=Do&Version=2010-01-01&name=a%26b+c&n=x&list.item.2=b&list.item.10=c&list.item.1=a&flat.1=f",
            "&map.entry.1.key=k&map.entry.1.value.n=1&inner.inner.list=&Timestamp=t&new.a.1=z&count=2"
        );
        assert_eq!(
            input(&aws, body),
            r#"{"name":"a&b c","count":"x","list":["a","b","c"],"flat":["f"],"map":{"k":{"count":1}},"inner":{"inner":{"list":[]}},"new":{"a":{"1":"z"}},"unknown:count":"2"}"#
        );
        // Services take lists numbered either way.
        assert_eq!(input(&aws, "list.1=a&flat.member.1=b"), r#"{"list":["a"],"flat":["b"]}"#);
        assert_eq!(
            input(&ec2(), "Name=a&N=2&List.1=x&Inner.Name=i&name=z"),
            r#"{"name":"a","count":2,"list":["x"],"inner":{"name":"i"},"unknown:name":"z"}"#
        );
    }

    #[test]
    fn a_form_that_is_not_text_or_too_deep_is_malformed() {
        let (service, protocol) = aws();
        let refused = |body: &str| protocol.decode_request(&service, DO, &request(body)).unwrap_err().0;
        assert_eq!(
            refused("Action=Do&name=%ff"),
            "the body is not a form: a field is not UTF-8 at byte 10"
        );
        assert!(refused(&format!("{}a=1", "inner.".repeat(600))).contains("more than 512 deep"));
        for name in ["inner.", "unknown."] {
            let deepest = format!("{}a=1", name.repeat(511));
            assert_eq!(
                input(&(self::service("aws.protocols#awsQuery"), protocol), &deepest)
                    .matches(&name[..5])
                    .count(),
                511
            );
        }
    }

    #[test]
    fn what_is_written_is_read_back_by_either_side() {
        for (service, protocol) in [aws(), ec2()] {
            let text = r#"{"name":"a&b","count":-1,"list":["x","y"],"flat":["z"],"inner":{"name":"","inner":{"count":2}}}"#;
            let format = crate::model::schema::TimestampFormat::EpochSeconds;
            let shape = service.operations[0].input;
            let value = crate::codec::json::decode(&service, shape, text.as_bytes(), crate::value::Side::Request, format).unwrap();
            let request = protocol.encode_request(&service, DO, "h", &value);
            assert_eq!(protocol.identify(&service, &request), Identified::Operation(DO));
            assert_eq!(protocol.decode_request(&service, DO, &request).unwrap(), value);
            let response = protocol.encode_response(&service, DO, &value);
            assert_eq!(protocol.decode_response(&service, DO, &response).unwrap(), Reply::Output(value));
        }
    }

    #[test]
    fn errors_go_by_their_own_code_and_keep_their_message() {
        for (service, protocol) in [aws(), ec2()] {
            let refusal = Refusal {
                operation: Some(DO),
                code: "Gone",
                status: 400,
                message: "a < b",
            };
            let response = protocol.encode_error(&service, &refusal);
            assert!(
                std::str::from_utf8(response.body())
                    .unwrap()
                    .contains("<Code>Es.Gone</Code><Message>a &lt; b</Message>")
            );
            let Reply::Error { code, shape, value } = protocol.decode_response(&service, DO, &response).unwrap() else {
                panic!()
            };
            assert_eq!((code.as_str(), shape), ("Gone", Some(service.operations[0].errors[0])));
            assert_eq!(shown(&value), r#"{"message":"a < b"}"#);
            let value = Value::Object(vec![
                ("message".to_owned(), Value::Text("m".to_owned())),
                ("Which".to_owned(), Value::Integer(3)),
            ]);
            let response = protocol.encode_modelled_error(&service, service.operations[0].errors[0], &value);
            assert_eq!(response.status(), 404);
            let Reply::Error { value: read, .. } = protocol.decode_response(&service, DO, &response).unwrap() else {
                panic!()
            };
            assert_eq!(read, value);
            assert_eq!(protocol.error_statuses(service.shape(service.operations[0].errors[0])), [404, 400]);
        }
    }

    #[test]
    fn an_unknown_error_keeps_its_code_and_a_page_of_a_gateway_is_malformed() {
        let (service, protocol) = aws();
        let answer = |status: u16, body: &'static str| {
            let response = http::Response::builder()
                .status(status)
                .body(Bytes::from_static(body.as_bytes()))
                .unwrap();
            protocol.decode_response(&service, DO, &response)
        };
        let Ok(Reply::Error { code, shape: None, value }) = answer(
            403,
            "<Response><Errors><Error><Code>Denied</Code><Message>no</Message></Error></Errors></Response>",
        ) else {
            panic!()
        };
        assert_eq!((code.as_str(), shown(&value).as_str()), ("Denied", r#"{"Message":"no"}"#));
        assert_eq!(
            answer(503, "<html><body/></html>").unwrap_err().0,
            "the 503 response names no error: there is no `Error` with a `Code`"
        );
        assert!(answer(200, "<DoResponse>").unwrap_err().0.starts_with("the body is not XML: "));
        assert_eq!(answer(200, ""), Ok(Reply::Output(Value::Object(Vec::new()))));
        assert_eq!(
            answer(200, "<DoResponse><ResponseMetadata/><name>a</name></DoResponse>").unwrap(),
            answer(200, "<DoResponse><DoResult><name>a</name></DoResult></DoResponse>").unwrap()
        );
    }
}
