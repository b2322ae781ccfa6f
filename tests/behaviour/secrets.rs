//! No secret is left on disk or on a terminal, however a recording ends.

use std::path::Path;

use serde_json::json;

use crate::client::{Call, Key, PROTON};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::support::Run;
use crate::workplace::{Workplace, instance, instance_body};

const ACCESS_KEY_ID: &str = "ASIAQWERTYUIOPASDFGH";
const SECRET: &str = "sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT+/90";
/// Of the form and about the length that AWS gives its session tokens.
const TOKEN: &str = "IQoJb3JpZ2luX2VjEPliIX6meolEmA61eQjOMtei1jeZo3JOoJ37hYvAqxEKw9lCTxB03Remu64Yty6bZuzkc97I4XGCIfNQ9rbxo2Tag1Y\
     kWilalO5Vr67B2RmqsKs3U9i5kkGtpNo1kRSHEe2oeFWzEa5JBSbxa3HCmnwCYtlVj47RgPCTAEGmiC8MaSnQJsC3V";
const COOKIE: &str = "session=c00kieC00kieC00kie";
const SPEC: &str = "proton: ServiceSpec\npassword: hunter2-hunter2-hunter2\n";

/// What may be nowhere. A spec may be cut at its line breaks, so its tell-tale part is looked for.
const SECRETS: [&str; 6] = [
    ACCESS_KEY_ID,
    SECRET,
    TOKEN,
    "c00kieC00kie",
    "hunter2-hunter2",
    "v3ndedV3ndedV3nded",
];

/// An AWS that answers with secrets of its own.
fn leaky() -> OddUpstream {
    OddUpstream::start(|_, request| {
        let name = request.split("\"name\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let answer = json!({ "serviceInstance": {
            "name": name, "serviceName": "frontend", "spec": SPEC, "deploymentStatusMessage": format!("signed by {ACCESS_KEY_ID}"),
            "arn": "arn:aws:proton:us-east-1:000000000001:service/frontend/service-instance/a",
            "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1, "environmentName": "e", "templateName": "t",
            "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
            "lastClientRequestToken": format!("https://user:v3ndedV3ndedV3nded@example.com/?X-Amz-Security-Token={TOKEN}"),
        }});
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Set-Cookie", COOKIE),
            ("X-Echo", ACCESS_KEY_ID),
        ];
        Act::Answer(http(200, &headers, answer.to_string().as_bytes()))
    })
}

/// A call full of secrets, signed with the true key as a client behind the intercept door does.
fn secret_call(name: &str, host: &str) -> Call {
    let call = Call::bare(PROTON, instance_body(name, json!({ "spec": SPEC })).to_string());
    call.header("Cookie", COOKIE)
        .header("X-Api-Key", "v3ndedV3ndedV3nded")
        .signed(&Key::new(ACCESS_KEY_ID, SECRET, Some(TOKEN)), host)
}

fn record(place: &Workplace, upstream: &str) -> Run {
    place
        .run(["record", "-c", "shop", "--upstream", upstream])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN)
}

/// Every file below a folder, with its content.
pub fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(content) = std::fs::read(&path) {
            found.push((path.display().to_string(), content));
        }
    }
}

#[track_caller]
fn assert_nowhere(place: &Workplace, secrets: &[&str]) -> usize {
    let mut found = Vec::new();
    files(place.path(), &mut found);
    for (path, content) in &found {
        for secret in secrets {
            let holds = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!holds, "`{secret}` is in {path}");
        }
    }
    found.len()
}

#[test]
fn no_secret_is_written_by_a_recording_through_either_door() {
    let place = Workplace::new();
    let service = leaky();
    let run = record(&place, &service.url).arguments(["--report", "json=report.json", "--report", "junit=report.xml"]);
    let puppet = Puppet::start(place.path(), run);
    let run_key = puppet.key();
    let host = "proton.us-east-1.amazonaws.com";
    let reply = puppet.intercepted(host).send(&secret_call("a", host)).expect("there is an answer");
    assert_eq!(reply.status, 200, "{}", reply.message());
    assert_eq!(reply.json()["serviceInstance"]["spec"], SPEC, "the client gets what it was sent");
    let reply = puppet.send(instance("b", json!({ "spec": SPEC })).header("Cookie", COOKIE));
    assert_eq!(reply.status, 200, "{}", reply.message());
    let bad = json!({ "spec": SPEC.repeat(2000), "templateMajorVersion": TOKEN });
    assert_eq!(puppet.send(instance("c", bad)).status, 200);
    let token = puppet.proxy().0.split(':').nth(1).unwrap_or_default().to_owned();
    let done = puppet.end(0);
    let seen = service.seen();
    assert!(
        seen[0].contains(SPEC.lines().next().unwrap_or_default()) && seen[0].contains(COOKIE),
        "the service gets all of it"
    );
    assert!(seen[1].contains(TOKEN), "the endpoint door signs with the true credentials");
    assert!(
        place.cassette("shop")["interactions"]
            .as_array()
            .is_some_and(|list| list.len() >= 2)
    );
    let mut all = SECRETS.to_vec();
    all.extend([run_key.id.as_str(), run_key.secret.as_str(), token.as_str()]);
    assert!(assert_nowhere(&place, &all) >= 3);
    for secret in all {
        assert!(!done.stderr.contains(secret), "`{secret}` is in:\n{}", done.stderr);
    }
}

#[test]
fn no_secret_is_in_the_journal_of_a_recording_that_was_killed() {
    let place = Workplace::new();
    let service = leaky();
    let server = record(&place, &service.url).start();
    let host = server.address.to_string();
    for name in ["a", "b", "c"] {
        let reply = secret_call(name, &host).send(server.address);
        assert_eq!(reply.status, 200, "{}", reply.message());
    }
    server.kill();
    let mut left = Vec::new();
    files(&place.path().join(".ferrotape"), &mut left);
    assert!(
        left.iter()
            .any(|(_, content)| content.windows(21).any(|window| window == b"CreateServiceInstance")),
        "the journal is there"
    );
    assert_nowhere(&place, &SECRETS);
    let next = record(&place, &service.url).start().stop().expect(0);
    assert!(next.stderr.contains("recovered 3 interactions"), "{}", next.stderr);
    assert_nowhere(&place, &SECRETS);
}

#[test]
fn no_secret_is_told_by_a_replay() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({ "spec": SPEC }))]);
    let server = place.replay("shop", ["--report", "json=report.json"]);
    let host = server.address.to_string();
    for name in ["a", "b", "-"] {
        secret_call(name, &host).send(server.address);
    }
    let done = server.stop().expect(10);
    assert_nowhere(&place, &SECRETS);
    for secret in SECRETS {
        assert!(!done.stderr.contains(secret), "`{secret}` is in:\n{}", done.stderr);
    }
}

#[test]
fn the_state_folder_stays_out_of_git() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let ignored = std::fs::read_to_string(place.path().join(".ferrotape/.gitignore")).expect("it ignores itself");
    assert_eq!(ignored.trim(), "*");
}
