//! The id of an account in replay: hidden in the cassette, and a literal in the program.

use serde_json::json;

use crate::client::Reply;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::workplace::{Workplace, instance, refuses};

const OWN: &str = "481516234207";

/// Answers with the ARN of an instance in an account, and with a name that has its id in base64 in it.
fn service() -> OddUpstream {
    let body = json!({ "serviceInstance": {
        "name": "a", "serviceName": "frontend", "arn": format!("arn:aws:proton:us-east-1:{OWN}:service/frontend/service-instance/a"),
        "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1, "environmentName": format!("assets-{OWN}-us-east-1"),
        "templateName": "t", "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
    }});
    let answer = http(200, &[("content-type", "application/x-amz-json-1.0")], body.to_string().as_bytes());
    OddUpstream::start(move |_, _| Act::Answer(answer.clone()))
}

fn arn_and_environment(reply: &Reply) -> String {
    let text = |name: &str| reply.json()["serviceInstance"][name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("arn"), text("environmentName"))
}

#[test]
fn an_account_that_the_program_knows_is_given_back_where_it_is_told() {
    let place = Workplace::new();
    let upstream = service();
    place.recorded_from("shop", &upstream.url, &[instance("a", json!({}))]);
    assert!(!place.cassette_text("shop").contains(OWN));
    let answered = |options: &[&str], variable: &str| {
        let run = place.run(["replay", "-c", "shop", "--all-played"]).arguments(options);
        let server = run.env("FERROTAPE_ACCOUNT", variable).start();
        let told = arn_and_environment(&instance("a", json!({})).send(server.address));
        server.stop().expect(0);
        told
    };
    let with = |id: &str| format!("arn:aws:proton:us-east-1:{id}:service/frontend/service-instance/a assets-{id}-us-east-1");
    assert_eq!(answered(&[], ""), with("000000000001"));
    assert_eq!(answered(&["--account", OWN], ""), with(OWN));
    assert_eq!(answered(&[], OWN), with(OWN));
    assert_eq!(answered(&["--account", "999988887777", "--account", OWN], ""), with("999988887777"));
    assert!(!place.cassette_text("shop").contains(OWN));
    let run = place.run(["replay", "-c", "shop", "--account", "4815"]);
    let done = run.finish().expect(2);
    assert!(done.stderr.contains("the id of an account has twelve digits"), "{}", done.stderr);
    std::fs::write(place.path().join("ferrotape.toml"), "account = [\"x\"]\n").expect("it can be written");
    refuses(place.run(["replay"]), 1, &["ferrotape.toml:1:1", "twelve digits"]);
}

#[test]
fn a_command_that_fails_on_a_hidden_account_is_told_how_to_give_it() {
    let place = Workplace::new();
    let upstream = service();
    place.recorded_from("shop", &upstream.url, &[instance("a", json!({}))]);
    let hint = "a command that knows the id wants `--account ID`";
    let failing = |options: &[&str], status: u8| {
        let run = place.run(["replay", "-c", "shop"]).arguments(options);
        let puppet = Puppet::start(place.path(), run);
        assert_eq!(puppet.send(instance("a", json!({}))).status, 200);
        puppet.end(status).expect(status.into()).stderr
    };
    assert!(failing(&[], 3).contains(hint));
    assert!(!failing(&[], 0).contains(hint));
    assert!(!failing(&["--account", OWN], 3).contains(hint));
}
