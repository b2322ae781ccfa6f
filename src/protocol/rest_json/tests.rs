use super::*;
use crate::contract;
use crate::protocol::testing;

const SHAPES: &str = r#"
    "a#Do": {"type": "operation", "input": {"target": "a#In"}, "output": {"target": "a#In"}, "errors": [{"target": "a#Bad"}],
             "traits": {"smithy.api#http": {"method": "PUT", "uri": "/do/{Id}", "code": 201}}},
    "a#In": {"type": "structure", "members": {
        "Id": {"target": "smithy.api#Integer", "traits": {"smithy.api#httpLabel": {}, "smithy.api#required": {}}},
        "Name": {"target": "smithy.api#String", "traits": {"smithy.api#jsonName": "name", "smithy.api#required": {}}},
        "Status": {"target": "smithy.api#Integer", "traits": {"smithy.api#httpResponseCode": {}}},
        "When": {"target": "smithy.api#Timestamp", "traits": {"smithy.api#httpHeader": "X-When"}}}},
    "a#Bad": {"type": "structure", "members": {
        "Message": {"target": "smithy.api#String", "traits": {"smithy.api#jsonName": "text"}},
        "Hint": {"target": "smithy.api#String", "traits": {"smithy.api#httpHeader": "x-hint"}}},
        "traits": {"smithy.api#error": "client", "smithy.api#httpError": 409}}"#;

fn service() -> Service {
    testing::service("aws.protocols#restJson1", &["Do"], SHAPES)
}

fn text(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(value.to_owned()))
}

#[test]
fn every_member_goes_to_its_place_and_comes_back() {
    let service = service();
    let operation = service.operation_named("Do").unwrap();
    let when = Value::Timestamp {
        seconds: 1_398_796_238,
        nanos: 0,
    };
    let input = Value::Object(vec![
        ("Id".to_owned(), Value::Integer(7)),
        ("When".to_owned(), when),
        text("Name", "n"),
    ]);
    let request = REST_JSON_1.encode_request(&service, operation, "h", &input);
    assert_eq!(request.uri(), "https://h/do/7");
    assert_eq!(request.headers()["x-when"], "Tue, 29 Apr 2014 18:30:38 GMT");
    assert_eq!(request.body(), r#"{"name":"n"}"#);
    assert_eq!(REST_JSON_1.decode_request(&service, operation, &request), Ok(input));
}

#[test]
fn a_member_under_its_own_name_or_bound_elsewhere_is_unknown_in_the_body() {
    let service = service();
    let operation = service.operation_named("Do").unwrap();
    let mut request = REST_JSON_1.encode_request(&service, operation, "h", &Value::Object(vec![("Id".to_owned(), Value::Integer(7))]));
    *request.body_mut() = Bytes::from_static(br#"{"Name":"n","When":1}"#);
    let read = REST_JSON_1.decode_request(&service, operation, &request).unwrap();
    let judgement = contract::check(&service, service.operation(operation).input, &read, Side::Request);
    let places = |list: &[contract::Departure]| {
        list.iter()
            .map(|departure| format!("{} {}", departure.path, departure.rule))
            .collect::<Vec<_>>()
    };
    assert_eq!(places(&judgement.violations), ["/Name required"]);
    assert_eq!(places(&judgement.lints), ["/unknown:Name unknown", "/unknown:When unknown"]);
}

#[test]
fn the_status_is_the_members_or_the_models() {
    let service = service();
    let operation = service.operation_named("Do").unwrap();
    let status = |status| {
        REST_JSON_1
            .encode_response(&service, operation, &Value::Object(status))
            .status()
            .as_u16()
    };
    assert_eq!(status(vec![]), 201);
    assert_eq!(status(vec![("Status".to_owned(), Value::Integer(202))]), 202);
    assert_eq!(status(vec![("Status".to_owned(), Value::Integer(500))]), 201);
}

#[test]
fn an_error_comes_back_with_its_headers_and_its_message_under_the_models_key() {
    let service = service();
    let operation = service.operation_named("Do").unwrap();
    let shape = service.error_named(None, "Bad");
    let refusal = Refusal {
        operation: Some(operation),
        code: "Bad",
        status: 409,
        message: "no",
    };
    let refused = REST_JSON_1.encode_error(&service, &refusal);
    assert_eq!(refused.body(), r#"{"__type":"Bad","text":"no"}"#);
    let value = Value::Object(vec![text("Hint", "h"), text("Message", "no")]);
    let modelled = REST_JSON_1.encode_modelled_error(&service, shape.unwrap(), &value);
    assert_eq!(modelled.status(), 409);
    let code = "Bad".to_owned();
    assert_eq!(
        REST_JSON_1.decode_response(&service, operation, &modelled),
        Ok(Reply::Error { code, shape, value })
    );
}

#[test]
fn a_wrong_type_for_the_body_or_the_answer_is_malformed() {
    let service = service();
    let operation = service.operation_named("Do").unwrap();
    let input = Value::Object(vec![("Id".to_owned(), Value::Integer(7)), text("Name", "n")]);
    let request = REST_JSON_1.encode_request(&service, operation, "h", &input);
    let with = |name: &'static str, value: &'static str| {
        let mut request = request.clone();
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        REST_JSON_1.accepts(&service, operation, &request).is_ok()
    };
    assert!(with("content-type", "application/json; charset=utf-8") && with("accept", "text/html, */*;q=0.1"));
    assert!(!with("content-type", "text/json") && !with("accept", "image/*"));
    let mut request = request.clone();
    request.headers_mut().remove("content-type");
    assert!(REST_JSON_1.accepts(&service, operation, &request).is_err());
}
