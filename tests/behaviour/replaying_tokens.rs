//! Idempotency tokens in replay: they bind, they are retried, and they are not used twice.

use serde_json::{Value, json};

use crate::client::{CATALOG, Reply};
use crate::workplace::{Workplace, artifact, interaction, tape};

const FIRST: &str = "00000000-0000-4000-8000-000000000001";
const SECOND: &str = "00000000-0000-4000-8000-000000000002";

fn recorded(token: Option<&str>, name: &str, status: u16, id: &str) -> Value {
    let mut input: Value = serde_json::from_slice(&artifact("x", json!({})).body).expect("it is JSON");
    match token {
        Some(token) => input["IdempotencyToken"] = json!(token),
        None => drop(input.as_object_mut().map(|input| input.remove("IdempotencyToken"))),
    }
    input["Parameters"]["Name"] = json!(name);
    let answer = match status {
        200 => json!({ "ProvisioningArtifactDetail": { "Id": id } }),
        _ => json!({ "__type": "InternalFailure", "Message": id }),
    };
    interaction(CATALOG, input, status, answer)
}

fn id_of(reply: &Reply) -> String {
    let body = reply.json();
    let id = body["ProvisioningArtifactDetail"]["Id"].as_str();
    id.map_or_else(|| format!("{} {}", reply.status, reply.message()), str::to_owned)
}

/// What the calls with these tokens and names get, one after the other, and the exit status.
fn played(cassette: &[Value], options: &[&str], calls: &[(&str, &str)]) -> (Vec<String>, i32, String) {
    let place = Workplace::new();
    place.write_cassette("shop", &tape(cassette));
    let server = place.replay("shop", options.iter().copied());
    let parameters = |name: &str| json!({ "Parameters": { "Name": name, "Type": "CLOUD_FORMATION_TEMPLATE" } });
    let ids = calls
        .iter()
        .map(|(token, name)| id_of(&artifact(token, parameters(name)).send(server.address)))
        .collect();
    let done = server.stop();
    (ids, done.code, done.stderr)
}

#[test]
fn a_token_binds_to_the_recorded_one_that_it_played_first() {
    let cassette = [
        recorded(Some(FIRST), "v1", 200, "one"),
        recorded(Some(SECOND), "v1", 200, "two"),
        recorded(Some(FIRST), "v1", 200, "one-again"),
    ];
    let calls = [
        ("live-a", "v1"),
        ("live-b", "v1"),
        ("live-a", "v1"),
        ("live-b", "v1"),
        ("live-a", "v1"),
    ];
    let (ids, code, _) = played(&cassette, &[], &calls);
    assert_eq!(ids, ["one", "two", "one-again", "two", "one-again"]);
    assert_eq!(code, 0);
}

#[test]
fn a_retry_after_a_recorded_failure_gets_the_recorded_success() {
    let cassette = [
        recorded(Some(FIRST), "v1", 500, "try again"),
        recorded(Some(FIRST), "v1", 200, "one"),
        recorded(Some(SECOND), "v1", 200, "two"),
    ];
    let calls = [("live-a", "v1"), ("live-b", "v1"), ("live-a", "v1")];
    let (ids, code, _) = played(&cassette, &[], &calls);
    assert_eq!(ids, ["500 try again", "two", "one"]);
    assert_eq!(code, 0);
}

#[test]
fn more_tokens_than_were_recorded_are_a_miss() {
    let cassette = [recorded(Some(FIRST), "v1", 200, "one")];
    let calls = [("live-a", "v1"), ("live-b", "v1")];
    let (ids, code, stderr) = played(&cassette, &[], &calls);
    assert_eq!(ids[0], "one");
    assert!(ids[1].starts_with("400 every recording of this"), "{}", ids[1]);
    assert_eq!(code, 11, "{stderr}");
    let (ids, code, _) = played(&cassette, &["--repeat"], &calls);
    assert_eq!((ids[1].as_str(), code), ("one", 0));
}

#[test]
fn the_same_token_with_another_input_is_a_violation() {
    let cassette = [recorded(Some(FIRST), "v1", 200, "one"), recorded(Some(SECOND), "v2", 200, "two")];
    let (ids, code, stderr) = played(&cassette, &[], &[("live-a", "v1"), ("live-a", "v2"), ("live-b", "v2")]);
    assert_eq!(ids[0], "one");
    assert_eq!(
        ids[1],
        "400 1 validation error detected: Value at '/IdempotencyToken' failed to satisfy constraint: \
         Member must not be used again with another input (it was used for interaction #1)"
    );
    assert_eq!(ids[2], "two");
    assert_eq!(code, 10);
    assert!(stderr.contains("/IdempotencyToken  token"), "{stderr}");
}

#[test]
fn a_token_reused_as_recorded_gets_the_recorded_refusal() {
    let cassette = [
        recorded(Some(FIRST), "v1", 200, "one"),
        recorded(Some(FIRST), "v2", 400, "used before"),
    ];
    let (ids, code, stderr) = played(&cassette, &[], &[("live-a", "v1"), ("live-a", "v2")]);
    assert_eq!(ids, ["one", "400 used before"]);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_token_answers_a_recording_that_has_none() {
    let place = Workplace::new();
    let input = json!({ "name": "a", "serviceName": "frontend", "spec": "x" });
    let created = json!({ "__type": "ConflictException", "message": "there is one" });
    place.write_cassette("shop", &tape(&[interaction(crate::client::PROTON, input.clone(), 409, created)]));
    let server = place.replay("shop", []);
    let mut live = input;
    live["clientToken"] = json!("7d3f5a0e-94cf-4d8c-8d4b-3c1f0e5f9a11");
    let call = crate::client::Call::new(crate::client::PROTON, live.to_string());
    for _ in 0..2 {
        let reply = call.send(server.address);
        assert_eq!((reply.status, reply.message().as_str()), (409, "there is one"));
    }
    server.stop().expect(0);
}

#[test]
fn a_token_comes_back_as_it_was_sent() {
    let place = Workplace::new();
    let mut answer = recorded(Some(FIRST), "v1", 200, "one");
    answer["response"]["body"]["json"]["Info"] = json!({ "Token": FIRST });
    place.write_cassette("shop", &tape(&[answer]));
    let server = place.replay("shop", []);
    let reply = artifact("live-token", json!({})).send(server.address);
    assert_eq!(reply.json()["Info"]["Token"], "live-token");
    server.stop().expect(0);
}
