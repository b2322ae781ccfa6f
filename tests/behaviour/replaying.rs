//! What a replay answers: the recorded, the refused, the missed.

use serde_json::{Value, json};

use crate::client::{CATALOG, Call, PROTON, Reply};
use crate::puppet::Puppet;
use crate::workplace::{Workplace, artifact, instance, instance_body, interaction, portless, tape};

fn answered(name: &str) -> Value {
    json!({ "serviceInstance": {
        "name": name, "serviceName": "frontend", "arn": "arn:aws:proton:us-east-1:000000000001:service/frontend/service-instance/a",
        "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1, "environmentName": "e", "templateName": "t",
        "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
    }})
}

/// A cassette of instances, by hand, each answered by its number.
fn numbered(names: &[&str]) -> String {
    let interactions: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            interaction(
                PROTON,
                instance_body(name, json!({})),
                200,
                answered(&format!("answer-{}", number + 1)),
            )
        })
        .collect();
    tape(&interactions)
}

fn name_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()["serviceInstance"]["name"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_recorded_call_is_answered_to_the_byte() {
    let place = Workplace::new();
    let calls = [instance("a", json!({})), artifact("my-token", json!({})), instance("-", json!({}))];
    let recorded = place.recorded("shop", &calls);
    let server = place.replay("shop", ["--contract", "report"]);
    for (call, recorded) in calls.iter().zip(recorded) {
        let replayed = call.send(server.address);
        assert_eq!(replayed.status, recorded.status);
        assert_eq!(String::from_utf8_lossy(&replayed.body), String::from_utf8_lossy(&recorded.body));
        assert_eq!(replayed.header("content-type"), recorded.header("content-type"));
    }
    server.stop().expect(0);
}

#[test]
fn what_was_sensitive_comes_back_as_it_was_sent() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({ "spec": "the: secret\n" }))]);
    assert!(!place.cassette_text("shop").contains("the: secret"));
    let server = place.replay("shop", []);
    let reply = instance("a", json!({ "spec": "the: secret\n" })).send(server.address);
    assert_eq!(reply.json()["serviceInstance"]["spec"], "the: secret\n");
    server.stop().expect(0);
}

#[test]
fn the_form_of_a_request_plays_no_part() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({ "tags": [{ "key": "k", "value": "v" }] }))]);
    let server = place.replay("shop", ["--repeat"]);
    for body in [
        r#"{"tags":[{"value":"v","key":"k"}],"spec":"proton: ServiceSpec\n","serviceName":"frontend","name":"a"}"#,
        "{ \"name\" : \"\\u0061\", \"serviceName\": \"frontend\",\n \"spec\": \"proton: ServiceSpec\\u000a\", \"tags\": [ {\"key\":\"k\", \"value\":\"v\"} ], \"templateMajorVersion\": null }",
    ] {
        let call = Call::new(PROTON, body)
            .header("User-Agent", "another/1.0")
            .header("X-Own", "header");
        assert_eq!(name_of(&call.send(server.address)), "a");
    }
    server.stop().expect(0);
}

#[test]
fn equal_calls_are_answered_in_recorded_order_each_once() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a", "b", "a", "a"]));
    let server = place.replay("shop", []);
    let names: Vec<String> = ["a", "a", "b", "a"]
        .iter()
        .map(|name| name_of(&instance(name, json!({})).send(server.address)))
        .collect();
    assert_eq!(names, ["answer-1", "answer-3", "answer-2", "answer-4"]);
    server.stop().expect(0);
}

#[test]
fn a_call_once_more_than_recorded_is_told_how_often_it_was_played() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a", "a"]));
    let server = place.replay("shop", []);
    let replies: Vec<Reply> = (0..3).map(|_| instance("a", json!({})).send(server.address)).collect();
    assert_eq!((replies[2].status, replies[2].code().as_str()), (400, "CassetteMiss"));
    assert_eq!(replies[2].json()["__type"], "CassetteMiss");
    assert_eq!(
        replies[2].message(),
        "every recording of this `Proton CreateServiceInstance` call was already played\n\
         recorded twice, answered twice, now asked once more\n\
         with `--repeat` the last of them answers again\n\
         record it: ferrotape auto -c shop"
    );
    let done = server.stop().expect(11);
    assert!(done.stderr.contains("every recording of this"), "{}", done.stderr);
}

#[test]
fn a_miss_tells_the_nearest_recording_and_what_differs() {
    let place = Workplace::new();
    let recorded = json!({ "templateMajorVersion": "1", "tags": [{ "key": "team", "value": "shop" }], "spec": "one: secret" });
    place.recorded("shop", &[instance("other", json!({})), instance("a", recorded)]);
    let server = place.replay("shop", []);
    let sent = json!({ "templateMajorVersion": "2", "tags": [{ "key": "team", "value": "books" }], "spec": "another: secret", "templateMinorVersion": "7" });
    let reply = instance("a", sent).send(server.address);
    assert_eq!(
        portless(&reply.message()),
        "no recording of `Proton CreateServiceInstance` has this input\n\
         the nearest is interaction 2 of 2:\n\
         \u{20} /spec: recorded (hidden), sent (hidden)\n\
         \u{20} /templateMajorVersion: recorded \"1\", sent \"2\"\n\
         \u{20} /tags/0/value: recorded \"shop\", sent \"books\"\n\
         \u{20} /templateMinorVersion: recorded nothing, sent \"7\"\n\
         what may differ is named in `ferrotape.toml`:\n\
         \u{20} [match]\n\
         \u{20} ignore = [\"CreateServiceInstance:/spec\", \"CreateServiceInstance:/templateMajorVersion\", \
         \"CreateServiceInstance:/tags/0/value\", \"CreateServiceInstance:/templateMinorVersion\"]\n\
         record it: ferrotape auto -c shop --upstream http://127.0.0.1:PORT"
    );
    let done = server.stop().expect(11);
    assert!(!done.stderr.contains("another: secret"), "{}", done.stderr);
    assert!(done.stderr.contains("ferrotape auto -c shop"), "{}", done.stderr);
}

#[test]
fn a_miss_of_an_operation_that_was_never_recorded_tells_what_was() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    let reply = artifact("token-1", json!({})).send(server.address);
    assert_eq!(reply.code(), "CassetteMiss");
    assert_eq!(
        portless(&reply.message()),
        "no call of `Service Catalog CreateProvisioningArtifact` was recorded\n\
         recorded are: `Proton CreateServiceInstance`\n\
         record it: ferrotape auto -c shop --upstream http://127.0.0.1:PORT"
    );
    server.stop().expect(11);
}

#[test]
fn another_region_is_another_call() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    let mut call = instance("a", json!({}));
    for (name, value) in &mut call.headers {
        if name == "Authorization" {
            *value = value.replace("us-east-1", "eu-west-1");
        }
    }
    let reply = call.send(server.address);
    assert_eq!(reply.code(), "CassetteMiss");
    assert_eq!(
        portless(&reply.message()),
        "this `Proton CreateServiceInstance` call was recorded in another region\n\
         interaction 1 of 1: recorded in us-east-1, asked in eu-west-1\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"CreateServiceInstance:region\"]\n\
         record it: ferrotape auto -c shop --upstream http://127.0.0.1:PORT"
    );
    server.stop().expect(11);
}

#[test]
fn a_call_out_of_its_turn_is_told_what_comes_first_and_what_helps() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a", "b"]));
    let told = "this `Proton CreateServiceInstance` call is interaction 2, and calls are answered in recorded order\n\
                next is interaction 1: `Proton CreateServiceInstance`; with `--order key` the order of different calls does not matter\n";
    for (ci, where_to) in [("", ""), ("true", " on a machine where `CI` is not set")] {
        let run = place.run(["replay", "-c", "shop", "--order", "strict"]).env("CI", ci);
        let server = run.start();
        let reply = instance("b", json!({})).send(server.address);
        let remedy = format!("record all anew{where_to}: ferrotape record -c shop");
        assert_eq!(reply.message(), format!("{told}{remedy}"));
        server.stop().expect(11);
    }
}

#[test]
fn recordings_that_share_a_token_are_told_so() {
    let place = Workplace::new();
    let shared = |name: &str| interaction(PROTON, instance_body(name, json!({ "clientToken": "one" })), 200, json!({}));
    place.write_cassette("shop", &tape(&[shared("a"), shared("a")]));
    let server = place.replay("shop", []);
    let ask = |token: &str| instance("a", json!({ "clientToken": token })).send(server.address);
    assert_eq!(ask("live-1").status, 200);
    assert_eq!(
        ask("live-2").message(),
        "the recordings of this `Proton CreateServiceInstance` call that are left share their idempotency token with another call\n\
         recorded twice, answered once; in a cassette written by hand, give each call a token of its own\n\
         record it: ferrotape auto -c shop"
    );
    server.stop().expect(11);
}

#[test]
fn with_repeat_the_last_of_a_call_answers_again() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a", "a"]));
    let server = place.replay("shop", ["--repeat"]);
    let names: Vec<String> = (0..4).map(|_| name_of(&instance("a", json!({})).send(server.address))).collect();
    assert_eq!(names, ["answer-1", "answer-2", "answer-2", "answer-2"]);
    server.stop().expect(0);
}

#[test]
fn what_was_not_played_fails_the_run_only_where_asked() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a", "b"]));
    for (options, code) in [(vec![], 0), (vec!["--all-played"], 12)] {
        let server = place.replay("shop", options);
        assert_eq!(name_of(&instance("a", json!({})).send(server.address)), "answer-1");
        let done = server.stop().expect(code);
        assert!(done.stderr.contains("interaction 2 of `shop`"), "{}", done.stderr);
    }
    let server = place.replay("shop", ["--all-played"]);
    for name in ["b", "a"] {
        assert_eq!(instance(name, json!({})).send(server.address).status, 200);
    }
    server.stop().expect(0);
}

#[test]
fn a_request_that_breaks_the_contract_is_refused_as_the_service_would() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({})), artifact("token-1", json!({}))]);
    let server = place.replay("shop", []);
    let proton = instance("-a", json!({ "templateMajorVersion": "01" })).send(server.address);
    assert_eq!((proton.status, proton.code().as_str()), (400, "ValidationException"));
    assert_eq!(
        proton.message(),
        "2 validation errors detected: \
         Value at '/name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9A-Za-z]+[0-9A-Za-z_\\-]*$; \
         Value at '/templateMajorVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(0|([1-9]{1}\\d*))$"
    );
    let catalog = artifact("-token", json!({})).send(server.address);
    assert_eq!((catalog.status, catalog.code().as_str()), (400, "InvalidParametersException"));
    assert!(
        catalog
            .message()
            .starts_with("1 validation error detected: Value at '/IdempotencyToken'"),
        "{}",
        catalog.message()
    );
    let done = server.stop().expect(10);
    assert!(done.stderr.contains("/name  pattern"), "{}", done.stderr);
}

#[test]
fn a_sensitive_value_is_never_part_of_a_refusal() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    let reply = instance("a", json!({ "spec": "x-secret-x".repeat(6000) })).send(server.address);
    assert_eq!(reply.code(), "ValidationException");
    let done = server.stop().expect(10);
    for text in [reply.message(), done.stderr] {
        assert!(!text.contains("x-secret-x"), "{text}");
    }
}

#[test]
fn a_violation_that_was_recorded_with_its_refusal_gets_it_again() {
    let place = Workplace::new();
    let bad = instance("-a", json!({}));
    let recorded = place.recorded("shop", std::slice::from_ref(&bad));
    let server = place.replay("shop", []);
    let reply = bad.send(server.address);
    assert_eq!((reply.status, reply.body), (400, recorded[0].body.clone()));
    let done = server.stop().expect(0);
    assert!(done.stderr.contains("lint"), "{}", done.stderr);
}

#[test]
fn a_violation_that_was_recorded_with_success_is_refused() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["-a"]));
    let server = place.replay("shop", []);
    assert_eq!(instance("-a", json!({})).send(server.address).code(), "ValidationException");
    server.stop().expect(10);
    let server = place.replay("shop", ["--contract", "report"]);
    assert_eq!(name_of(&instance("-a", json!({})).send(server.address)), "answer-1");
    let done = server.stop().expect(0);
    assert!(done.stderr.contains("/name  pattern"), "{}", done.stderr);
    let server = place.replay("shop", ["--contract", "off"]);
    assert_eq!(name_of(&instance("-a", json!({})).send(server.address)), "answer-1");
    server.stop().expect(0);
}

#[test]
fn a_body_that_is_not_json_is_refused_with_its_place() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    let reply = Call::new(PROTON, r#"{"name": oops}"#).send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "SerializationException"));
    assert!(reply.message().contains("at byte 9"), "{}", reply.message());
    let done = server.stop().expect(10);
    assert!(done.stderr.contains("at byte 9"), "{}", done.stderr);
}

#[test]
fn an_operation_that_no_model_knows_is_refused() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    let reply = Call::new("AwsProton20200720.CreateNothing", "{}").send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "UnknownOperationException"));
    assert!(reply.message().contains("CreateNothing"), "{}", reply.message());
    server.stop().expect(11);
}

#[test]
fn the_path_may_name_the_cassette() {
    let place = Workplace::new();
    place.write_cassette("team/shop", &numbered(&["a", "a", "a"]));
    let server = place.replay("team/shop", []);
    for path in ["/@team%2Fshop", "/@team%2Fshop/", "/"] {
        assert_eq!(instance("a", json!({})).at(path).send(server.address).status, 200, "{path}");
    }
    let climbing = instance("a", json!({})).at("/@..%2F..%2Fetc/").send(server.address);
    assert_eq!(climbing.status, 400);
    server.stop().expect(11);
}

#[test]
fn the_status_of_the_command_comes_first() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a"]));
    let cases: [(&str, u8, i32); 4] = [("a", 0, 0), ("b", 0, 11), ("b", 7, 7), ("-", 0, 10)];
    for (name, status, code) in cases {
        let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
        puppet.send(instance(name, json!({})));
        puppet.end(status).expect(code);
    }
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    for name in ["b", "-"] {
        puppet.send(instance(name, json!({})));
    }
    let done = puppet.end(0).expect(10);
    assert!(done.stderr.contains("ferrotape auto -c shop"), "{}", done.stderr);
}

#[test]
fn the_command_gets_all_that_an_sdk_needs_without_a_network() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a"]));
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    for (name, value) in [
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        assert_eq!(puppet.variable(name), value);
    }
    assert!(!puppet.variable("AWS_ACCESS_KEY_ID").is_empty() && !puppet.variable("AWS_SECRET_ACCESS_KEY").is_empty());
    assert_eq!(puppet.send(instance("a", json!({}))).status, 200);
    let done = puppet.end(0).expect(0);
    assert!(
        done.stderr.contains("replaying `cassettes/shop.json` (1 interaction)"),
        "{}",
        done.stderr
    );
}

#[test]
fn the_intercept_door_answers_from_the_same_cassette() {
    let place = Workplace::new();
    place.write_cassette("shop", &numbered(&["a", "a"]));
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let mut connection = puppet.intercepted("proton.us-east-1.amazonaws.com");
    let reply = connection.send(&instance("a", json!({}))).expect("there is an answer");
    assert_eq!(name_of(&reply), "answer-1");
    assert_eq!(name_of(&puppet.send(instance("a", json!({})))), "answer-2");
    puppet.end(0).expect(0);
}

#[test]
fn unsigned_calls_are_known_by_their_target() {
    let place = Workplace::new();
    place.recorded("shop", &[artifact("token-1", json!({}))]);
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let body = artifact("token-1", json!({})).body;
    let mut connection = puppet.intercepted("servicecatalog.us-east-1.amazonaws.com");
    let reply = connection.send(&Call::bare(CATALOG, body)).expect("there is an answer");
    assert_eq!(reply.status, 200, "{}", reply.message());
    puppet.end(0).expect(0);
}
