//! Turtles all the way down: recording a replay gives the same tape.

use serde_json::{Value, json};

use crate::client::{CATALOG, Call, PROTON};
use crate::gzip::gzipped;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Workplace, artifact, assert_same_text, instance};

/// Records `calls` from `upstream`, and records the replay of that over a copy. Gives both
/// cassettes without their origin.
#[track_caller]
fn twice(upstream: &str, calls: &[Call]) -> (String, String) {
    let first = Workplace::new();
    let answers = first.recorded_from("shop", upstream, calls);
    let second = Workplace::new();
    second.write_cassette("shop", &first.cassette_text("shop"));
    let replaying = first.replay("shop", []);
    let again = second.recorded_from("shop", &replaying.url(), calls);
    replaying.stop().expect(0);
    let statuses = |replies: &[crate::client::Reply]| -> Vec<u16> { replies.iter().map(|reply| reply.status).collect() };
    assert_eq!(statuses(&again), statuses(&answers));
    (
        without_origin(&first.cassette_text("shop")),
        without_origin(&second.cassette_text("shop")),
    )
}

fn without_origin(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("\"origin\""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn recording_a_replay_gives_the_same_cassette() {
    let elsewhere = Workplace::new();
    let stand_in = elsewhere.stand_in();
    let token = "7d3f5a0e-94cf-4d8c-8d4b-3c1f0e5f9a11";
    let calls = [
        instance("a", json!({})),
        instance("a", json!({})),
        instance(
            "b",
            json!({ "spec": "another: secret\n", "tags": [{ "key": "team", "value": "shop" }] }),
        ),
        instance("c", json!({ "clientToken": token })),
        artifact("0f1e2d3c-4b5a-4968-8776-655443322110", json!({ "ProductId": "prod-two" })),
        artifact("a-token-of-mine", json!({})),
        artifact(
            "arn-aws-481516234207",
            json!({ "AcceptLanguage": "arn:aws:iam::481516234207:role/shop" }),
        ),
        Call::new(PROTON, r#"{ "name": "-", "serviceName": "x", "spec": "also: secret" }"#),
        Call::new(CATALOG, r#"{"ProductId":"prod-1"}"#),
    ];
    // What violates is answered from the tape only as a recorded error: all of these are.
    let (first, second) = twice(&stand_in.url(), &calls);
    assert_same_text(&first, &second);
    for secret in ["another: secret", "also: secret", "481516234207", token] {
        assert!(!first.contains(secret), "`{secret}` is in:\n{first}");
    }
}

#[test]
fn recording_a_replay_of_answers_full_of_secrets_gives_the_same_cassette() {
    let service = OddUpstream::start(|number, request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let created = json!({ "serviceInstance": {
            "name": body["name"], "serviceName": body["serviceName"], "spec": body["spec"],
            "arn": "arn:aws:proton:us-east-1:210987654321:service/frontend/service-instance/a",
            "deploymentStatus": "IN_PROGRESS", "deploymentStatusMessage": "started by AKIAIOSFODNN7SECRETS",
            "environmentName": "production", "templateName": "web", "templateMajorVersion": "1", "templateMinorVersion": "4",
            "createdAt": 1_700_000_000.125, "lastDeploymentAttemptedAt": 1_700_000_001, "lastDeploymentSucceededAt": 1_700_000_002,
            "lastClientRequestToken": body["clientToken"],
        }});
        let plain: &[(&str, &str)] = &[
            ("Content-Type", "application/x-amz-json-1.0"),
            ("x-amzn-RequestId", "6f1e0c5e-2f6e-4a5c-9a39-0d6a4cf2a1b7"),
            ("Set-Cookie", "session=abcdef"),
        ];
        Act::Answer(match number % 4 {
            1 => http(400, &[plain, &[("x-amzn-ErrorType", "ConflictException:http://internal.amazon.com/coral/")]].concat(), json!({ "__type": "com.amazonaws.proton#ConflictException", "message": "arn:aws:proton:us-east-1:210987654321:service/frontend exists, says AKIAIOSFODNN7SECRETS" }).to_string().as_bytes()),
            2 => http(200, &[plain, &[("Content-Encoding", "gzip")]].concat(), &gzipped(created.to_string().as_bytes())),
            3 => http(500, plain, b"<html>not even JSON</html>"),
            _ => http(200, plain, created.to_string().as_bytes()),
        })
    });
    let token = |number: u32| json!({ "clientToken": format!("7d3f5a0e-94cf-4d8c-8d4b-3c1f0e5f9a1{number}") });
    let calls: Vec<Call> = (0..8)
        .map(|number| instance("a", token(number % 5)).header("Accept-Encoding", "gzip"))
        .collect();
    let (first, second) = twice(&service.url, &calls);
    assert_same_text(&first, &second);
    for secret in ["210987654321", "AKIAIOSFODNN7SECRETS", "session=abcdef", "ServiceSpec"] {
        assert!(!first.contains(secret), "`{secret}` is in:\n{first}");
    }
    assert!(first.contains("not even JSON"), "{first}");
}
