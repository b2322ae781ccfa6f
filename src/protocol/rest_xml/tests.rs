use super::*;
use crate::protocol::testing;

const SHAPES: &str = r#"
    "a#Copy": {"type": "operation", "output": {"target": "a#CopyOut"}, "errors": [{"target": "a#NoSuchKey"}, {"target": "a#NotFound"}],
               "traits": {"smithy.api#http": {"method": "PUT", "uri": "/copy"}}},
    "a#CopyOut": {"type": "structure", "members": {
        "Result": {"target": "a#CopyResult", "traits": {"smithy.api#httpPayload": {}}},
        "Version": {"target": "smithy.api#String", "traits": {"smithy.api#httpHeader": "x-version"}}}},
    "a#CopyResult": {"type": "structure", "members": {"ETag": {"target": "smithy.api#String"}}},
    "a#Get": {"type": "operation", "output": {"target": "a#GetOut"}, "traits": {"smithy.api#http": {"method": "GET", "uri": "/get"}}},
    "a#GetOut": {"type": "structure", "members": {
        "Body": {"target": "smithy.api#Blob", "traits": {"smithy.api#httpPayload": {}}},
        "Encoding": {"target": "smithy.api#String", "traits": {"smithy.api#httpHeader": "Content-Encoding"}}}},
    "a#Where": {"type": "operation", "output": {"target": "a#WhereOut"},
                "traits": {"smithy.api#http": {"method": "GET", "uri": "/where"}, "aws.customizations#s3UnwrappedXmlOutput": {}}},
    "a#WhereOut": {"type": "structure", "members": {"LocationConstraint": {"target": "smithy.api#String"}}},
    "a#Send": {"type": "operation", "input": {"target": "a#SendIn"}, "traits": {"smithy.api#http": {"method": "POST", "uri": "/send"}}},
    "a#SendIn": {"type": "structure", "members": {"Text": {"target": "smithy.api#String"}}},
    "a#NoSuchKey": {"type": "structure", "members": {"message": {"target": "smithy.api#String"}},
                    "traits": {"smithy.api#error": "client", "smithy.api#httpError": 404}},
    "a#NotFound": {"type": "structure", "members": {}, "traits": {"smithy.api#error": "client"}}"#;

fn service(wrapping: &str) -> Service {
    let protocol = format!(r#""aws.protocols#restXml": {{{wrapping}}}"#);
    testing::service(&protocol, &["Copy", "Get", "Where", "Send"], SHAPES)
}

fn bare() -> Service {
    service(r#""noErrorWrapping": true"#)
}

fn answer(service: &Service, operation: &str, status: u16, body: &'static str) -> Result<Reply, Malformed> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    REST_XML.decode_response(service, service.operation_named(operation).unwrap(), &response)
}

fn text(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(value.to_owned()))
}

#[test]
fn an_error_inside_a_success_is_an_error() {
    let body = "<Error><Code>NoSuchKey</Code><Message>gone</Message><RequestId>1</RequestId></Error>";
    let service = bare();
    let Ok(Reply::Error { code, shape, value }) = answer(&service, "Copy", 200, body) else {
        panic!()
    };
    assert_eq!((code.as_str(), shape.is_some()), ("NoSuchKey", true));
    assert_eq!(value, Value::Object(vec![text("message", "gone")]));
    // An object that holds such a document is no error.
    let Ok(Reply::Output(output)) = answer(&service, "Get", 200, body) else {
        panic!()
    };
    assert_eq!(output.member("Body"), Some(&Value::Blob(body.as_bytes().to_vec())));
}

#[test]
fn an_answer_without_a_body_names_its_error_by_its_status() {
    let Ok(Reply::Error { code, shape, .. }) = answer(&bare(), "Copy", 404, "") else {
        panic!()
    };
    assert_eq!((code.as_str(), shape.is_some()), ("NotFound", true));
}

#[test]
fn the_root_itself_may_be_the_member() {
    let service = bare();
    let body = "<LocationConstraint xmlns=\"http://s3/\">eu-west-1</LocationConstraint>";
    let wanted = Value::Object(vec![text("LocationConstraint", "eu-west-1")]);
    assert_eq!(answer(&service, "Where", 200, body), Ok(Reply::Output(wanted.clone())));
    let operation = service.operation_named("Where").unwrap();
    let written = REST_XML.encode_response(&service, operation, &wanted);
    assert_eq!(REST_XML.decode_response(&service, operation, &written), Ok(Reply::Output(wanted)));
    let nowhere = Value::Object(vec![("LocationConstraint".to_owned(), Value::Null)]);
    let body = "<LocationConstraint xmlns=\"http://s3/\"/>";
    assert_eq!(answer(&service, "Where", 200, body), Ok(Reply::Output(nowhere)));
}

#[test]
fn errors_are_wrapped_where_the_service_does_not_say_otherwise() {
    let refusal = |operation| Refusal {
        operation,
        code: "NoSuchKey",
        status: 404,
        message: "a < b",
    };
    for (service, body) in [
        (
            service(""),
            "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchKey</Code><Message>a &lt; b</Message></Error></ErrorResponse>",
        ),
        (bare(), "<Error><Code>NoSuchKey</Code><Message>a &lt; b</Message></Error>"),
    ] {
        let operation = service.operation_named("Copy");
        let response = REST_XML.encode_error(&service, &refusal(operation));
        assert_eq!(response.body(), body);
        let value = Value::Object(vec![text("message", "a < b")]);
        let shape = service.error_named(operation, "NoSuchKey");
        let code = "NoSuchKey".to_owned();
        let read = REST_XML.decode_response(&service, operation.unwrap(), &response);
        let wanted = Ok(Reply::Error {
            code,
            shape,
            value: value.clone(),
        });
        assert_eq!(read, wanted);
        let modelled = REST_XML.encode_modelled_error(&service, shape.unwrap(), &value);
        assert_eq!(modelled.status(), 404);
        assert_eq!(REST_XML.decode_response(&service, operation.unwrap(), &modelled), wanted);
    }
}

#[test]
fn what_is_not_xml_is_malformed_under_any_type() {
    let service = bare();
    let operation = service.operation_named("Send").unwrap();
    let mut request = REST_XML.encode_request(&service, operation, "h", &Value::Object(vec![text("Text", "x")]));
    assert_eq!(request.body(), "<SendIn><Text>x</Text></SendIn>");
    for (media_type, taken) in [
        ("text/xml; charset=utf-8", true),
        ("application/octet-stream", true),
        ("application/json", false),
    ] {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        assert_eq!(REST_XML.accepts(&service, operation, &request).is_ok(), taken, "{media_type}");
    }
    request.headers_mut().remove(CONTENT_TYPE);
    assert_eq!(REST_XML.accepts(&service, operation, &request), Ok(()));
    *request.body_mut() = Bytes::from_static(b"{}");
    assert!(REST_XML.decode_request(&service, operation, &request).is_err());
    assert!(answer(&service, "Copy", 500, "<html/>").is_err());
}

#[test]
fn an_object_stored_compressed_is_left_so() {
    let service = bare();
    let body = crate::codec::content::gzip(b"text");
    let mut response = Response::new(body.clone());
    response
        .headers_mut()
        .insert(http::header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let operation = service.operation_named("Get").unwrap();
    let Ok(Reply::Output(output)) = REST_XML.decode_response(&service, operation, &response) else {
        panic!()
    };
    assert_eq!(output.member("Body"), Some(&Value::Blob(body.to_vec())));
}
