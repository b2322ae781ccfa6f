//! Calls that no model knows: refused, let through, or recorded and replayed by their bytes.

use serde_json::json;

use crate::client::{Call, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::Server;
use crate::workplace::{Workplace, instance, portless};

/// A call of a service without a model.
fn brew(body: &str) -> Call {
    Call {
        method: "POST",
        path: "/pots/1?size=2&milk=no".to_owned(),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
    .header("Content-Type", "application/json")
    .header(
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDUNVERIFIED/20260101/us-east-1/coffee/aws4_request, SignedHeaders=host, Signature=00",
    )
}

fn coffee() -> OddUpstream {
    OddUpstream::start(|number, _| {
        let body = format!(r#"{{"pot":{number},"password":"hunter2"}}"#);
        Act::Answer(http(200, &[("content-type", "application/json")], body.as_bytes()))
    })
}

fn recording<'a>(place: &'a Workplace, how: &'a str, upstream: &'a str) -> Server {
    place
        .run(["record", "-c", "shop", "--unmodeled", how, "--upstream", upstream])
        .start()
}

fn pot(reply: &Reply) -> i64 {
    reply.json()["pot"].as_i64().unwrap_or(-1)
}

#[test]
fn by_default_they_pass_unrecorded_and_the_run_says_so() {
    let place = Workplace::new();
    let upstream = coffee();
    let server = place.record("shop", &upstream.url);
    let reply = brew("{}").send(server.address);
    assert_eq!((reply.status, pot(&reply)), (200, 0));
    let done = server.stop().expect(14);
    assert!(done.stderr.contains("it passed through unrecorded"), "{}", done.stderr);
    assert!(done.stderr.contains("signed for `coffee`"), "{}", done.stderr);
    assert!(!place.cassette_path("shop").exists());
}

#[test]
fn they_are_refused_where_that_is_asked_and_known_calls_are_not() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = recording(&place, "refuse", &stand_in.url());
    let call = Call::new("AwsProton20200720.DoSomethingElse", "{}");
    let reply = call.send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "UnknownOperationException"));
    assert!(reply.message().contains("--unmodeled forward"), "{}", reply.message());
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    server.stop().expect(14);
    let interactions = place.cassette("shop")["interactions"].as_array().map(Vec::len);
    assert_eq!(interactions, Some(1), "only the known call is recorded");
}

#[test]
fn they_are_recorded_where_that_is_asked_without_the_secrets_that_show_themselves() {
    let place = Workplace::new();
    let upstream = coffee();
    let server = recording(&place, "record", &upstream.url);
    let reply = brew(r#"{ "bean": "arabica", "secret_key": "swordfish" }"#).send(server.address);
    assert_eq!(reply.json()["password"], "hunter2", "the program sees the truth");
    let done = server.stop().expect(0);
    assert!(done.stderr.contains("unmodeled #1 POST /pots/1"), "{}", done.stderr);
    let text = place.cassette_text("shop");
    assert!(!text.contains("hunter2") && !text.contains("swordfish"), "{text}");
    let interaction = &place.cassette("shop")["interactions"][0];
    assert_eq!(
        interaction["request"]["uri"],
        "https://coffee.us-east-1.amazonaws.com/pots/1?size=2&milk=no"
    );
    // The blanks are kept: it is by its bytes that the call is known again.
    let body = interaction["request"]["body"]["text"].as_str().unwrap_or_default();
    assert!(body.starts_with(r#"{ "bean": "arabica", "secret_key": ""#), "{body}");
}

#[test]
fn what_was_recorded_without_a_model_replays_by_its_bytes_and_in_order() {
    let place = Workplace::new();
    let upstream = coffee();
    let server = recording(&place, "record", &upstream.url);
    let calls = [
        brew(r#"{"a":1,"secret_key":"x1234567"}"#),
        brew(r#"{"a":2}"#),
        brew(r#"{"a":1,"secret_key":"x1234567"}"#),
    ];
    let recorded: Vec<i64> = calls.iter().map(|call| pot(&call.send(server.address))).collect();
    assert_eq!(recorded, [0, 1, 2]);
    server.stop().expect(0);
    let server = place.replay("shop", ["--unmodeled", "recorded"]);
    let other_order = calls[1].clone().at("/pots/1?milk=no&size=2");
    assert_eq!(pot(&other_order.send(server.address)), 1);
    assert_eq!(pot(&calls[0].send(server.address)), 0);
    assert_eq!(pot(&calls[0].send(server.address)), 2);
    server.stop().expect(0);
}

#[test]
fn a_replay_refuses_them_unless_asked_and_what_was_never_recorded_always() {
    let place = Workplace::new();
    let upstream = coffee();
    let server = recording(&place, "record", &upstream.url);
    brew("{}").send(server.address);
    server.stop().expect(0);
    let server = place.replay("shop", []);
    let reply = brew("{}").send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "UnknownOperationException"));
    let unknown = "`POST /pots/1` is signed for `coffee`, and no model of a service of that name is known; \
                   name the service's model with `--model botocore` or `--model FILE`";
    assert_eq!(
        reply.message(),
        format!("{unknown}\nwithout a model it is interaction 1 of the cassette: `--unmodeled recorded` plays it")
    );
    server.stop().expect(11);
    let server = place.replay("shop", ["--unmodeled", "recorded"]);
    assert_eq!(brew("{}").send(server.address).status, 200);
    let again = "every recording of its method, path, query and body was already played\n\
                 recorded once, answered once, now asked once more\n\
                 with `--repeat` the last of them answers again";
    let never = "no recording has its method, path, query and body";
    for (call, why) in [(brew("{}"), again), (brew("[]"), never)] {
        let reply = call.send(server.address);
        assert_eq!(reply.status, 400);
        let remedy = "record it without a model: ferrotape auto -c shop --unmodeled record --upstream http://127.0.0.1:PORT";
        assert_eq!(portless(&reply.message()), format!("{unknown}\n{why}\n{remedy}"));
    }
    server.stop().expect(11);
}

#[test]
fn what_was_recorded_with_a_model_is_told_by_its_name() {
    let place = Workplace::new();
    let upstream = coffee();
    let server = recording(&place, "record", &upstream.url);
    brew("{}").send(server.address);
    server.stop().expect(0);
    let mut cassette = place.cassette("shop");
    cassette["models"] = json!({ "Coffee": { "version": "1", "sha256": "00" } });
    cassette["interactions"][0]["service"] = json!("Coffee");
    cassette["interactions"][0]["operation"] = json!("Brew");
    place.write_cassette("shop", &cassette.to_string());
    let server = place.replay("shop", []);
    assert_eq!(
        brew("{}").send(server.address).message(),
        "`POST /pots/1` is signed for `coffee`, and no model of a service of that name is known; \
         name the service's model with `--model botocore` or `--model FILE`\n\
         it was recorded with one, as `Coffee Brew`: interaction 1 of the cassette"
    );
    let done = server.stop().expect(11);
    assert!(
        done.stderr.contains("recorded with the models of `Coffee`, which"),
        "{}",
        done.stderr
    );
}

#[test]
fn without_a_scope_the_endpoint_door_knows_no_host_and_says_so() {
    let place = Workplace::new();
    let credentials = [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7SECRETS"), ("AWS_SECRET_ACCESS_KEY", "unused")];
    let run = credentials
        .iter()
        .fold(place.run(["record", "-c", "shop"]), |run, (name, value)| run.env(name, value));
    let server = run.start();
    for scope in ["coffee/../evil", "evil.example/x"] {
        let mut call = brew("{}");
        call.headers.retain(|(name, _)| name != "Authorization");
        let authorization = format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/{scope}/aws4_request, SignedHeaders=host, Signature=00");
        let reply = call.header("Authorization", &authorization).send(server.address);
        assert_eq!(reply.status, 400, "{scope}");
        assert!(reply.message().contains("service and region of a signature"), "{}", reply.message());
    }
    server.stop().expect(14);
}
