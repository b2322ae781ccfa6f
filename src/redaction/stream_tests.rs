//! What may be written of an event stream, in every protocol that has them.

use super::testing::redactor;
use crate::inspect::{Finding, inspect};
use crate::model::catalog::Catalog;
use crate::model::load;
use crate::protocol::{Reply, named};
use crate::value::Value;
use crate::wire::{Exchange, Request, Response};
use http::HeaderValue;

const MODEL: &str = r##"{"smithy":"2.0","shapes":{
"t#Svc":{"type":"service","version":"1","operations":[{"target":"t#Watch"}],"traits":{"PROTOCOL":{},"aws.auth#sigv4":{"name":"svc"}}},
"t#Watch":{"type":"operation","output":{"target":"t#Out"},"traits":{"smithy.api#http":{"method":"POST","uri":"/w"}}},
"t#Out":{"type":"structure","members":{
 "id":{"target":"t#Secret","traits":{"smithy.api#httpHeader":"x-id"}},
 "stream":{"target":"t#Stream","traits":{"smithy.api#httpPayload":{}}}}},
"t#Stream":{"type":"union","traits":{"smithy.api#streaming":{}},"members":{"record":{"target":"t#Record"},"data":{"target":"t#Data"},"doc":{"target":"t#Doc"}}},
"t#Record":{"type":"structure","members":{
 "who":{"target":"t#Secret","traits":{"smithy.api#eventHeader":{}}},
 "text":{"target":"t#Secret"},"arn":{"target":"smithy.api#String"}}},
"t#Data":{"type":"structure","members":{"bytes":{"target":"t#SecretBlob","traits":{"smithy.api#eventPayload":{}}}}},
"t#Doc":{"type":"structure","members":{"record":{"target":"t#Inner","traits":{"smithy.api#eventPayload":{}}}}},
"t#Inner":{"type":"structure","members":{"text":{"target":"t#Secret"},"open":{"target":"smithy.api#String"}}},
"t#Secret":{"type":"string","traits":{"smithy.api#sensitive":{}}},
"t#SecretBlob":{"type":"blob","traits":{"smithy.api#sensitive":{}}}}}"##;

const PROTOCOLS: [&str; 5] = [
    "aws.protocols#awsJson1_1",
    "aws.protocols#restJson1",
    "aws.protocols#restXml",
    "smithy.protocols#rpcv2Cbor",
    "smithy.protocols#rpcv2Json",
];

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn output() -> Value {
    let record = [
        ("who", text("hunter2-who")),
        ("text", text("hunter2-text")),
        ("arn", text("arn:aws:s3:us-east-1:481516234207:x")),
    ];
    let events = [
        object(&[("record", object(&record))]),
        object(&[("data", object(&[("bytes", Value::Blob(b"hunter2 \xff bytes".to_vec()))]))]),
        object(&[(
            "doc",
            object(&[("record", object(&[("text", text("hunter2-inner")), ("open", text("readable"))]))]),
        )]),
    ];
    object(&[("id", text("hunter2-id")), ("stream", Value::List(events.to_vec()))])
}

fn exchange(protocol: &str) -> (Catalog, Request, Response) {
    let service = load(MODEL.replace("PROTOCOL", protocol).as_bytes(), "test").unwrap().remove(0);
    let spoken = named(protocol).unwrap();
    let operation = service.operation_named("Watch").unwrap();
    let mut request = spoken.encode_request(&service, operation, "svc.us-east-1.amazonaws.com", &object(&[]));
    let scope = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/svc/aws4_request, SignedHeaders=host, Signature=00";
    request.headers_mut().insert("authorization", HeaderValue::from_static(scope));
    let response = spoken.encode_response(&service, operation, &output());
    let mut catalog = Catalog::built_in().unwrap();
    catalog.add(service);
    (catalog, request, response)
}

fn finding(catalog: &Catalog, request: &Request, response: &Response) -> Finding {
    let exchange = Exchange {
        request: Some(request.clone()),
        response: Some(response.clone()),
    };
    inspect(catalog, &exchange)
}

#[test]
fn the_secrets_of_a_stream_become_stand_ins_and_its_frames_stay_true() {
    for protocol in PROTOCOLS {
        let (catalog, request, response) = exchange(protocol);
        let found = finding(&catalog, &request, &response);
        let taken = redactor()
            .redact(&request, &response, &found, 1)
            .unwrap_or_else(|leak| panic!("{protocol}: {leak}"));
        let written = String::from_utf8_lossy(taken.response.body()).into_owned();
        assert!(
            !written.contains("hunter2") && written.contains("readable"),
            "{protocol}: {written}"
        );
        assert!(!written.contains("481516234207"), "{protocol}: {written}");
        let again = finding(&catalog, &taken.request, &taken.response);
        let judged = again.response.unwrap();
        assert!(judged.violations.is_empty(), "{protocol}: {:?}", judged.reason);
        let Some(Reply::Output(read)) = judged.content else {
            panic!("{protocol}: {:?}", judged.reason)
        };
        let Some(Value::List(events)) = read.member("stream") else {
            panic!("{protocol}: {read:?}")
        };
        assert_eq!(events.len(), 3, "{protocol}");
        let places: Vec<&str> = taken.redacted.iter().map(|place| place.path.as_str()).collect();
        // XML has elements of its own between event and member.
        let listed = |event: &str, member: &str| places.iter().any(|place| place.contains(event) && place.ends_with(member));
        for (event, member) in [
            ("/stream/0/record", "/who"),
            ("/stream/0/record", "/text"),
            ("/stream/0/record", "/arn"),
            ("/stream/1/data", "/bytes"),
            ("/stream/2/doc/record", "/text"),
        ] {
            assert!(listed(event, member), "{protocol}: {event} {member} of {places:?}");
        }
    }
}

#[test]
fn recording_what_was_recorded_changes_nothing_more() {
    for protocol in PROTOCOLS {
        let (catalog, request, response) = exchange(protocol);
        let found = finding(&catalog, &request, &response);
        let once = redactor().redact(&request, &response, &found, 1).unwrap();
        let found = finding(&catalog, &once.request, &once.response);
        let twice = super::testing::redactor_after(std::slice::from_ref(&once))
            .redact(&once.request, &once.response, &found, 1)
            .unwrap();
        assert_eq!(once.response.body(), twice.response.body(), "{protocol}");
    }
}
