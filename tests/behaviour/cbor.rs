//! awsJson in CBOR, as the SDKs for Java call Kinesis: the same call as in JSON, in both directions.

use serde_json::{Value, json};

use ferrotape::codec::cbor::{Epoch, decode_untyped, encode_texts};

use crate::client::{Call, PROTON, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Workplace, instance};

const SPEC: &str = "proton: ServiceSpec\npassword: hunter2-hunter2\n";
const CONTENT_TYPE: &str = "application/x-amz-cbor-1.0";

/// The call of [`json_call`] in CBOR.
fn cbor_call(name: &str, spec: &str) -> Call {
    let mut call = Call::new(PROTON, encode_texts(&[("name", name), ("serviceName", "frontend"), ("spec", spec)]));
    call.headers.retain(|(name, _)| name != "Content-Type");
    call.header("Content-Type", CONTENT_TYPE)
}

fn json_call(name: &str, spec: &str) -> Call {
    instance(name, json!({ "spec": spec }))
}

/// What an answer in CBOR says, as JSON.
#[track_caller]
fn read(reply: &Reply) -> Value {
    assert_eq!(reply.header("content-type"), Some(CONTENT_TYPE), "{reply:?}");
    let mut text = String::new();
    ferrotape::codec::json::write(&decode_untyped(&reply.body, Epoch::Milliseconds).unwrap(), &mut text);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_call_in_cbor_is_recorded_without_its_secrets_judged_shown_and_replayed() {
    let place = Workplace::new();
    let recorded = place.recorded("shop", &[cbor_call("a", SPEC)]);
    assert_eq!(read(&recorded[0])["serviceInstance"]["spec"], SPEC);
    let cassette = &place.cassette("shop")["interactions"][0];
    for side in ["request", "response"] {
        use base64::Engine;
        let body = cassette[side]["body"]["base64"].as_str().expect("it is CBOR");
        let body = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("hunter2"), "{side}");
    }
    let shown = place.run(["show", "shop"]).finish().expect(0).stdout;
    assert!(shown.contains("\"serviceName\": \"frontend\""), "{shown}");
    assert!(shown.contains("‹redacted: sensitive-members›"), "{shown}");
    place.run(["verify"]).finish().expect(0);
    let server = place.replay("shop", []);
    let other = "another: spec\n";
    assert_eq!(cbor_call("b", SPEC).send(server.address).status, 400, "another name is a miss");
    let replayed = cbor_call("a", SPEC).send(server.address);
    assert_eq!((read(&replayed), replayed.status), (read(&recorded[0]), 200));
    assert_ne!(read(&cbor_call("a", other).send(server.address))["__type"], Value::Null);
    server.stop().expect(11);
}

#[test]
fn a_call_in_cbor_and_the_same_in_json_are_one_call_and_each_is_answered_in_its_own_form() {
    let place = Workplace::new();
    let in_cbor = place.recorded("cbor", &[cbor_call("a", SPEC)]);
    let in_json = place.recorded("json", &[json_call("a", SPEC)]);
    for cassette in ["cbor", "json"] {
        let recorded = if cassette == "cbor" { read(&in_cbor[0]) } else { in_json[0].json() };
        let server = place.replay(cassette, ["--repeat"]);
        let reply = cbor_call("a", SPEC).send(server.address);
        assert_eq!(read(&reply), recorded, "{cassette}");
        let reply = json_call("a", SPEC).send(server.address);
        assert_eq!(reply.header("content-type"), Some("application/x-amz-json-1.0"));
        assert_eq!(reply.json(), recorded, "{cassette}");
        server.stop().expect(0);
    }
}

#[test]
fn what_is_refused_is_refused_in_cbor() {
    let place = Workplace::new();
    place.recorded("shop", &[json_call("a", SPEC)]);
    let server = place.replay("shop", []);
    let missed = cbor_call("b", SPEC).send(server.address);
    assert_eq!(read(&missed)["__type"], missed.code());
    assert!(
        read(&missed)["message"].as_str().unwrap_or_default().contains("/name"),
        "{missed:?}"
    );
    let invalid = read(&cbor_call("no blanks here", SPEC).send(server.address));
    assert_eq!(invalid["__type"], "com.amazonaws.proton#ValidationException", "{invalid}");
    let broken = Call {
        body: vec![0xbf, 0x61],
        ..cbor_call("a", SPEC)
    };
    assert_eq!(read(&broken.send(server.address))["__type"], "SerializationException");
    let unknown = Call {
        headers: cbor_call("a", SPEC)
            .headers
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "X-Amz-Target" => (name, "AwsProton20200720.Nope".to_owned()),
                _ => (name, value),
            })
            .collect(),
        ..cbor_call("a", SPEC)
    };
    assert_eq!(read(&unknown.send(server.address))["__type"], "UnknownOperationException");
    server.stop().expect(10);
}

#[test]
fn an_error_in_cbor_is_read_and_given_in_the_form_of_the_caller() {
    let place = Workplace::new();
    let upstream = OddUpstream::start(|_, _| {
        let body = encode_texts(&[("__type", "ConflictException"), ("message", "it is there")]);
        Act::Answer(http(400, &[("content-type", CONTENT_TYPE)], &body))
    });
    place.recorded_from("shop", &upstream.url, &[cbor_call("a", SPEC), cbor_call("a", SPEC)]);
    place.run(["verify"]).finish().expect(0);
    let server = place.replay("shop", []);
    assert_eq!(read(&cbor_call("a", SPEC).send(server.address))["__type"], "ConflictException");
    let reply = json_call("a", SPEC).send(server.address);
    assert_eq!(
        (reply.status, reply.code(), reply.message()),
        (400, "ConflictException".to_owned(), "it is there".to_owned())
    );
    server.stop().expect(0);
}
