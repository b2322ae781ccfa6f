//! What streams say, by a small model.

use super::*;
use crate::contract;
use crate::model::load;
use crate::protocol::{Protocol, Reply, named};
use crate::value::Side;

const MODEL: &str = r##"{"smithy":"2.0","shapes":{
"t#Svc":{"type":"service","version":"1","operations":[{"target":"t#Watch"}],"traits":{"aws.protocols#awsJson1_1":{}}},
"t#Watch":{"type":"operation","output":{"target":"t#Out"}},
"t#Out":{"type":"structure","members":{"id":{"target":"smithy.api#String","traits":{"smithy.api#required":{}}},"stream":{"target":"t#Stream"}}},
"t#Stream":{"type":"union","traits":{"smithy.api#streaming":{}},"members":{
 "record":{"target":"t#Record"},"data":{"target":"t#Data"},"doc":{"target":"t#Doc"},"oops":{"target":"t#Oops"}}},
"t#Record":{"type":"structure","members":{
 "at":{"target":"smithy.api#Timestamp","traits":{"smithy.api#eventHeader":{}}},
 "count":{"target":"smithy.api#Short","traits":{"smithy.api#eventHeader":{}}},
 "text":{"target":"t#Text","traits":{"smithy.api#required":{}}}}},
"t#Text":{"type":"string","traits":{"smithy.api#length":{"max":3}}},
"t#Data":{"type":"structure","members":{"bytes":{"target":"smithy.api#Blob","traits":{"smithy.api#eventPayload":{}}}}},
"t#Doc":{"type":"structure","members":{"record":{"target":"t#Record","traits":{"smithy.api#eventPayload":{}}}}},
"t#Oops":{"type":"structure","members":{"message":{"target":"smithy.api#String"}},"traits":{"smithy.api#error":"client"}}}}"##;

fn service() -> Service {
    load(MODEL.as_bytes(), "test").unwrap().remove(0)
}

fn protocol() -> &'static dyn Protocol {
    named("aws.protocols#awsJson1_1").unwrap()
}

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn output() -> Value {
    let record = object(&[
        (
            "at",
            Value::Timestamp {
                seconds: -1,
                nanos: 5_000_000,
            },
        ),
        ("count", Value::Integer(7)),
        ("text", text("abc")),
    ]);
    let events = [
        object(&[("record", record)]),
        object(&[("data", object(&[("bytes", Value::Blob(vec![0, 255]))]))]),
        object(&[("doc", object(&[("record", object(&[("text", text("x"))]))]))]),
        object(&[("oops", object(&[("message", text("no"))]))]),
    ];
    object(&[("id", text("a")), ("stream", Value::List(events.to_vec()))])
}

fn decoded(body: &[u8]) -> Result<Reply, Malformed> {
    let service = service();
    let operation = service.operation_named("Watch").unwrap();
    protocol().decode_response(&service, operation, &response(body.to_vec()))
}

#[test]
fn a_stream_that_is_written_is_read_again_in_every_protocol_that_has_streams() {
    for id in [
        "aws.protocols#awsJson1_0",
        "aws.protocols#awsJson1_1",
        "aws.protocols#restJson1",
        "aws.protocols#restXml",
        "smithy.protocols#rpcv2Cbor",
        "smithy.protocols#rpcv2Json",
    ] {
        let model = MODEL.replace("aws.protocols#awsJson1_1", id);
        let model = model.replace(
            r#""output":{"#,
            r#""input":{"target":"t#Out"},"traits":{"smithy.api#http":{"method":"POST","uri":"/w"}},"output":{"#,
        );
        let model = model.replace(r#""smithy.api#required":{}}},"stream":{"target":"t#Stream""#, r#""smithy.api#required":{},"smithy.api#httpHeader":"x-id"}},"stream":{"target":"t#Stream","traits":{"smithy.api#httpPayload":{}}"#);
        let service = load(model.as_bytes(), "test").unwrap().remove(0);
        let operation = service.operation_named("Watch").unwrap();
        let protocol = named(id).unwrap();
        let response = protocol.encode_response(&service, operation, &output());
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE, "{id}");
        let read = protocol.decode_response(&service, operation, &response);
        assert_eq!(read, Ok(Reply::Output(output())), "{id}");
        let request = protocol.encode_request(&service, operation, "example.com", &output());
        assert_eq!(request.headers()["content-type"], MEDIA_TYPE, "{id}");
        protocol.accepts(&service, operation, &request).unwrap();
        assert_eq!(protocol.decode_request(&service, operation, &request), Ok(output()), "{id}");
    }
}

#[test]
fn each_event_is_judged_at_its_own_place() {
    let service = service();
    let shape = service.operations[0].output;
    let stream = [
        object(&[("record", object(&[("text", text("abcd"))]))]),
        object(&[("record", object(&[]))]),
    ];
    let value = object(&[("id", text("a")), ("stream", Value::List(stream.to_vec()))]);
    let judgement = contract::check(&service, shape, &value, Side::Request);
    let places: Vec<_> = judgement
        .violations
        .iter()
        .map(|found| (found.path.as_str(), found.rule.name()))
        .collect();
    assert_eq!(places, [("/stream/0/record/text", "length"), ("/stream/1/record/text", "required")]);
    assert!(contract::check(&service, shape, &output(), Side::Request).violations.is_empty());
}

fn frame(headers: &[(&'static str, Header<'static>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let headers = headers.to_vec();
    event_stream::write(&Frame { headers, payload: b"{}" }, &mut out);
    out
}

#[test]
fn a_frame_that_does_not_say_what_it_is_is_malformed() {
    let event = (":message-type", Header::Text("event"));
    for headers in [
        vec![],
        vec![(":event-type", Header::Text("record"))],
        vec![event],
        vec![(":message-type", Header::Bytes(b"event")), (":event-type", Header::Text("record"))],
        vec![event, (":event-type", Header::Bytes(b"record"))],
        vec![(":message-type", Header::Text("other"))],
    ] {
        assert!(decoded(&frame(&headers)).unwrap_err().0.starts_with("event 1: "), "{headers:?}");
    }
}

#[test]
fn an_event_or_error_that_the_model_does_not_know_is_kept() {
    let event = (":message-type", Header::Text("event"));
    let mut body = frame(&[event, (":event-type", Header::Text("new"))]);
    body.extend(frame(&[
        (":message-type", Header::Text("error")),
        (":error-code", Header::Text("internal-error")),
        (":error-message", Header::Text("sorry")),
    ]));
    let Reply::Output(value) = decoded(&body).unwrap() else {
        panic!("not an output")
    };
    let events = [
        object(&[("new", object(&[]))]),
        object(&[("internal-error", object(&[("message", text("sorry"))]))]),
    ];
    assert_eq!(value.member("stream"), Some(&Value::List(events.to_vec())));
}

#[test]
fn a_signed_event_is_what_it_wraps() {
    let inner = frame(&[(":message-type", Header::Text("event")), (":event-type", Header::Text("data"))]);
    let mut body = Vec::new();
    for payload in [&inner[..], b""] {
        let headers = vec![(":date", Header::Timestamp(0)), (":chunk-signature", Header::Bytes(b"s"))];
        event_stream::write(&Frame { headers, payload }, &mut body);
    }
    let Reply::Output(value) = decoded(&body).unwrap() else {
        panic!("not an output")
    };
    let data = object(&[("bytes", Value::Blob(b"{}".to_vec()))]);
    assert_eq!(value.member("stream"), Some(&Value::List(vec![object(&[("data", data)])])));
}
