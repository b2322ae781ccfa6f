//! What a recording replaces, and what it leaves in place.

use serde_json::json;

use crate::client::PROTON;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::workplace::{Workplace, artifact, assert_same_text, instance, refuses};

#[test]
fn a_run_without_a_call_never_replaces_a_cassette() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("old", json!({}))]);
    let before = place.cassette_text("shop");
    let stand_in = place.stand_in();
    let done = place.record("shop", &stand_in.url()).stop().expect(0);
    assert_eq!(place.cassette_text("shop"), before);
    assert!(
        done.stderr.contains("nothing was recorded; `cassettes/shop.json` stays as it is"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_run_without_a_call_makes_no_cassette() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    place.record("shop", &stand_in.url()).stop().expect(0);
    assert!(!place.cassette_path("shop").exists());
}

#[test]
fn a_command_that_fails_leaves_the_old_cassette_and_its_recording_beside_it() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("old", json!({}))]);
    let before = place.cassette_text("shop");
    let stand_in = place.stand_in();
    let run = place.run(["record", "-c", "shop", "--upstream", &stand_in.url()]);
    let puppet = Puppet::start(place.path(), run);
    assert_eq!(puppet.send(instance("new", json!({}))).status, 200);
    let done = puppet.end(3).expect(3);
    assert_eq!(place.cassette_text("shop"), before);
    let partial = std::fs::read_to_string(place.path().join(".ferrotape/partial/shop.json")).expect("the new one is kept");
    assert!(partial.contains("\"new\""), "{partial}");
    assert!(
        done.stderr.contains("mv .ferrotape/partial/shop.json cassettes/shop.json"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_command_that_fails_where_there_was_no_cassette_leaves_its_recording() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let puppet = Puppet::start(place.path(), place.run(["record", "-c", "shop", "--upstream", &stand_in.url()]));
    assert_eq!(puppet.send(instance("new", json!({}))).status, 200);
    puppet.end(3).expect(3);
    assert!(place.cassette_text("shop").contains("\"new\""));
}

#[test]
fn recording_the_same_calls_again_changes_nothing() {
    let place = Workplace::new();
    let role = |account: &str| json!({ "AcceptLanguage": format!("arn:aws:iam::{account}:role/shop") });
    let calls = [
        instance("a", json!({})),
        artifact("token-1", role("481516234207")),
        artifact("token-2", role("210987654321")),
        instance("a", json!({})),
    ];
    place.recorded("shop", &calls);
    let first = place.cassette_text("shop");
    assert!(first.contains("arn:aws:iam::000000000002:role/shop"), "{first}");
    for _ in 0..2 {
        place.recorded("shop", &calls);
        assert_same_text(&place.cassette_text("shop"), &first);
    }
}

#[test]
fn the_tokens_that_an_sdk_makes_anew_each_time_change_nothing() {
    let service = OddUpstream::start(|_, request| {
        let token = request
            .split("\"IdempotencyToken\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let answer = json!({ "Info": { "Token": token }, "Status": "CREATING" });
        Act::Answer(http(
            200,
            &[("Content-Type", "application/x-amz-json-1.1")],
            answer.to_string().as_bytes(),
        ))
    });
    let place = Workplace::new();
    let calls = |salt: u32| [1, 2, 1].map(|number| artifact(&format!("7d3f5a0e-94cf-4d8c-8d4b-{salt:04}1f0e5f{number:02}"), json!({})));
    place.recorded_from("shop", &service.url, &calls(1));
    let first = place.cassette_text("shop");
    assert_eq!(first.matches("00000000-0000-4000-8000-000000000001").count(), 4, "{first}");
    place.recorded_from("shop", &service.url, &calls(2));
    assert_same_text(&place.cassette_text("shop"), &first);
}

#[test]
fn what_breaks_the_contract_is_recorded_and_told_and_fails_the_run_only_where_asked() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let call = instance("-bad", json!({}));
    let server = place.record("shop", &stand_in.url());
    let reply = call.send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "ValidationException"));
    let told = server.stop().expect(0);
    assert!(told.stderr.contains("/name  pattern"), "{}", told.stderr);
    let enforcing = place.run(["record", "-c", "other", "--contract", "enforce", "--upstream", &stand_in.url()]);
    let server = enforcing.start();
    assert_eq!(call.send(server.address).without_date(), reply.without_date());
    server.stop().expect(10);
    assert_eq!(place.cassette("other")["interactions"][0]["response"]["status"], 400);
}

#[test]
fn a_kept_member_stays_readable_and_the_cassette_says_so() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let run = place.run(["record", "--keep", "CreateServiceInstance:/spec", "--upstream", &stand_in.url()]);
    let server = run.start();
    let call = instance("a", json!({ "spec": "proton: kept\n" }));
    assert_eq!(call.send(server.address).status, 200);
    server.stop().expect(0);
    let cassette = place.cassette("default");
    assert_eq!(cassette["redaction"]["keep"], json!(["CreateServiceInstance:/spec"]));
    assert_eq!(cassette["interactions"][0]["request"]["body"]["json"]["spec"], "proton: kept\n");
}

#[test]
fn the_stored_address_is_that_of_aws_whatever_the_upstream() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let request = &place.cassette("shop")["interactions"][0]["request"];
    assert_eq!(request["uri"], "https://proton.us-east-1.amazonaws.com/");
    assert!(
        request["headers"]
            .as_array()
            .is_some_and(|headers| headers.contains(&json!(["x-amz-target", PROTON])))
    );
}

#[test]
fn a_cassette_that_is_being_recorded_is_not_recorded_again_at_the_same_time() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let first = place.record("shop", &stand_in.url());
    refuses(
        place.run(["record", "-c", "shop", "--upstream", &stand_in.url(), "--", "touch", "started"]),
        1,
        &[
            "`cassettes/shop.json` is being recorded by another ferrotape",
            "record under another name",
        ],
    );
    assert!(!place.path().join("started").exists());
    let other = place.record("books", &stand_in.url());
    assert_eq!(instance("a", json!({})).send(first.address).status, 200);
    assert_eq!(instance("b", json!({})).send(other.address).status, 200);
    first.stop().expect(0);
    other.stop().expect(0);
    assert_eq!(place.cassette("shop")["interactions"].as_array().unwrap().len(), 1);
}
