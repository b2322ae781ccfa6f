//! Exchanges of a known operation that are not in its protocol's format: not written unless that is
//! asked for, but for error pages.

use serde_json::json;

use crate::client::Call;
use crate::gzip::gzipped;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Workplace, instance};

const PAGE: &str = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>";

fn upstream(status: u16, headers: &'static [(&'static str, &'static str)], body: &[u8]) -> OddUpstream {
    let answer = http(status, headers, body);
    OddUpstream::start(move |_, _| Act::Answer(answer.clone()))
}

/// A call in which the model, and nothing else, says what is secret.
fn call() -> Call {
    instance("a", json!({ "spec": "between-us" }))
}

fn of_type(content_type: Option<&str>, body: &[u8]) -> Call {
    let mut call = call();
    call.headers.retain(|(name, _)| name != "Content-Type");
    call.body = body.to_vec();
    match content_type {
        Some(content_type) => call.header("Content-Type", content_type),
        None => call,
    }
}

#[test]
fn what_cannot_be_decoded_is_not_recorded_and_the_run_says_so() {
    const JSON: &[(&str, &str)] = &[("content-type", "application/x-amz-json-1.0")];
    const BROTLI: &[(&str, &str)] = &[("content-encoding", "br")];
    const GZIP: &[(&str, &str)] = &[("content-encoding", "gzip")];
    let good = br#"{"serviceInstance":{}}"#;
    let truncated = &gzipped(good)[..12];
    for (name, call, upstream) in [
        (
            "truncated-answer",
            call(),
            upstream(200, JSON, br#"{"serviceInstance":{"spec":"betw"#),
        ),
        ("page", call(), upstream(200, &[("content-type", "text/html")], PAGE.as_bytes())),
        ("bytes", call(), upstream(200, JSON, &[0xff, 0, 1])),
        ("error-bytes", call(), upstream(500, JSON, &[0xff, 0, 1])),
        ("encoding", call(), upstream(200, BROTLI, &[0x0b, 2, 0x80, 1])),
        ("gzip", call(), upstream(200, GZIP, truncated)),
        (
            "truncated-request",
            of_type(Some("application/x-amz-json-1.0"), br#"{"spec":"betwe"#),
            upstream(200, JSON, good),
        ),
        ("bytes-request", of_type(None, &[0xff, 0]), upstream(200, JSON, good)),
    ] {
        let place = Workplace::new();
        let server = place.record(name, &upstream.url);
        call.send(server.address);
        let done = server.stop().expect(14);
        assert!(done.stderr.contains("cannot be decoded"), "{name}: {}", done.stderr);
        assert!(done.stderr.contains("--undecodable record"), "{name}: {}", done.stderr);
        assert!(!place.cassette_path(name).exists(), "{name}");
    }
}

#[test]
fn it_is_recorded_where_that_is_asked_for_and_replays_by_its_bytes() {
    let place = Workplace::new();
    let upstream = upstream(200, &[("content-type", "text/html")], b"<p>password: hunter2-hunter2</p>");
    let server = place
        .run(["record", "-c", "shop", "--undecodable", "record", "--upstream", &upstream.url])
        .start();
    let broken = of_type(Some("application/x-amz-json-1.0"), br#"{"name":"#);
    assert_eq!(broken.send(server.address).status, 200);
    let done = server.stop().expect(0);
    assert!(done.stderr.contains("with only those secrets hidden"), "{}", done.stderr);
    assert!(!place.cassette_text("shop").contains("hunter2"), "{}", place.cassette_text("shop"));
    let server = place.replay("shop", []);
    assert_eq!(broken.send(server.address).status, 200);
    assert_eq!(broken.send(server.address).code(), "SerializationException", "it was recorded once");
    server.stop().expect(10);
}

#[test]
fn error_pages_and_answers_without_a_body_are_recorded() {
    let html: &[(&str, &str)] = &[("content-type", "text/html")];
    for (name, status, headers, body) in [
        ("page", 503, html, PAGE.as_bytes()),
        ("text", 429, &[], b"Too Many Requests".as_slice()),
        (
            "firewall",
            403,
            &[("content-type", "application/json")],
            br#"{"message":"Forbidden"}"#.as_slice(),
        ),
        ("empty", 404, &[], b"".as_slice()),
    ] {
        let place = Workplace::new();
        let upstream = upstream(status, headers, body);
        let recorded = place.recorded_from(name, &upstream.url, &[call()]);
        let server = place.replay(name, []);
        let replayed = call().send(server.address);
        server.stop().expect(0);
        assert_eq!((replayed.status, &replayed.body[..]), (status, body), "{name}");
        assert_eq!(recorded[0].status, status, "{name}");
    }
}

/// moto takes and gives content types that AWS would not.
#[test]
fn a_wrong_content_type_hides_nothing_from_the_model() {
    let body = br#"{"name":"a","serviceName":"frontend","spec":"between-us"}"#;
    let answer = br#"{"serviceInstance":{"arn":"arn:aws:proton:us-east-1:123456789012:x","createdAt":1,"lastDeploymentAttemptedAt":1,"lastDeploymentSucceededAt":1,"deploymentStatus":"SUCCEEDED","environmentName":"e","name":"a","serviceName":"frontend","templateMajorVersion":"1","templateMinorVersion":"0","templateName":"t","spec":"between-us"}}"#;
    for content_type in [None, Some("text/plain"), Some("application/json")] {
        let place = Workplace::new();
        let upstream = upstream(200, &[("content-type", "text/html; charset=utf-8")], answer);
        let call = of_type(content_type, body);
        let server = place.record("shop", &upstream.url);
        assert_eq!(call.send(server.address).status, 200);
        server.stop().expect(0);
        let text = place.cassette_text("shop");
        assert!(!text.contains("between-us"), "{content_type:?}: {text}");
    }
}
