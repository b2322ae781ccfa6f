//! `refresh` of a cassette whose later calls use what an earlier answer gave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::{CATALOG, PROTON};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::Run;
use crate::workplace::{Workplace, artifact, dead_address, instance, interaction, tape};

const OLD: &str = "pa-4abcdjnxjj6ne";
const NEW: &str = "pa-7zyxwvutsr5qp";

/// A Service Catalog that gives another id when told so, and then no more knows the one before.
fn forgetful() -> (OddUpstream, Arc<AtomicBool>) {
    let changed = Arc::new(AtomicBool::new(false));
    let is_changed = Arc::clone(&changed);
    let upstream = OddUpstream::start(move |_, request| {
        let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap_or_default();
        let (id, gone) = match is_changed.load(Ordering::SeqCst) {
            true => (NEW, OLD),
            false => (OLD, NEW),
        };
        let (status, answer) = match body["ProductId"] == gone {
            true => (400, json!({ "__type": "ResourceNotFoundException", "Message": "there is none" })),
            false => (
                200,
                json!({ "ProvisioningArtifactDetail": { "Id": id, "Name": body["Parameters"]["Name"] }, "Status": "AVAILABLE" }),
            ),
        };
        let headers = [("Content-Type", "application/x-amz-json-1.1")];
        Act::Answer(http(status, &headers, answer.to_string().as_bytes()))
    });
    (upstream, changed)
}

fn refresh(place: &Workplace, upstream: &str) -> Run {
    place.run(["refresh", "shop", "--yes", "--upstream", upstream])
}

#[test]
fn an_id_that_a_new_answer_gives_is_used_in_the_requests_behind_it() {
    let place = Workplace::new();
    let (upstream, changed) = forgetful();
    let described = json!({ "Name": "v2", "Type": "CLOUD_FORMATION_TEMPLATE", "Description": format!("made from {OLD}.") });
    place.recorded_from(
        "shop",
        &upstream.url,
        &[
            artifact("first-token", json!({})),
            artifact("second-token", json!({ "ProductId": OLD })),
            artifact("third-token", json!({ "Parameters": described })),
        ],
    );
    let before = place.cassette_text("shop");
    changed.store(true, Ordering::SeqCst);
    let done = refresh(&place, &upstream.url).finish().expect(0);
    let told = "3 requests sent again, 2 with values from new answers; 3 answered otherwise";
    assert!(done.stderr.contains(told), "{}", done.stderr);
    assert_eq!(place.cassette_text("shop"), before.replace(OLD, NEW), "and nothing else is another");
    assert_eq!(upstream.seen().iter().filter(|request| request.contains(NEW)).count(), 2);
    let server = place.replay("shop", ["--all-played"]);
    let described = json!({ "Name": "v2", "Type": "CLOUD_FORMATION_TEMPLATE", "Description": format!("made from {NEW}.") });
    let calls = [json!({}), json!({ "ProductId": NEW }), json!({ "Parameters": described })];
    for (token, more) in ["one", "two", "three"].into_iter().zip(calls) {
        assert_eq!(artifact(token, more).send(server.address).status, 200);
    }
    server.stop().expect(0);
}

#[test]
fn an_error_never_replaces_a_good_answer_unasked() {
    let place = Workplace::new();
    let (upstream, changed) = forgetful();
    // Nobody gave the program this id.
    let calls = [
        artifact("first-token", json!({ "ProductId": OLD })),
        artifact("second-token", json!({})),
    ];
    place.recorded_from("shop", &upstream.url, &calls);
    let before = place.cassette_text("shop");
    changed.store(true, Ordering::SeqCst);
    let done = refresh(&place, &upstream.url).finish().expect(15);
    let why = "interaction 1 Service Catalog CreateProvisioningArtifact had succeeded, and is answered with status 400 (`ResourceNotFoundException`) now";
    for told in [
        why,
        "`cassettes/shop.json` stays as it is; ",
        "`ferrotape record -c shop --upstream http://",
    ] {
        assert!(
            done.stderr.replace("\n             ", " ").contains(told),
            "{told}: {}",
            done.stderr
        );
    }
    assert_eq!(place.cassette_text("shop"), before);
}

#[test]
fn an_id_in_a_request_that_cannot_be_sent_keeps_the_cassette() {
    let place = Workplace::new();
    let (upstream, changed) = forgetful();
    place.recorded_from(
        "shop",
        &upstream.url,
        &[artifact("first-token", json!({})), instance(OLD, json!({}))],
    );
    let before = place.cassette_text("shop");
    changed.store(true, Ordering::SeqCst);
    let done = refresh(&place, &upstream.url).finish().expect(15);
    let told = format!("interaction 2 sends \"{OLD}\", where the answer of interaction 1 gives \"{NEW}\" now");
    assert!(done.stderr.contains(&told), "{}", done.stderr);
    assert_eq!(place.cassette_text("shop"), before);
}

#[test]
fn without_the_models_of_the_cassette_nothing_is_sent() {
    let place = Workplace::new();
    let known = interaction(PROTON, json!({ "name": "a", "serviceName": "b" }), 200, json!({}));
    let mut unknown = interaction(CATALOG, json!({ "QueueName": "a" }), 200, json!({}));
    unknown["service"] = json!("SQS");
    unknown["operation"] = json!("CreateQueue");
    unknown["request"]["uri"] = json!("https://sqs.us-east-1.amazonaws.com/");
    unknown["request"]["headers"][0][1] = json!("AmazonSQS.CreateQueue");
    place.write_cassette("shop", &tape(&[known, unknown]));
    let done = refresh(&place, &format!("http://{}", dead_address())).finish().expect(1);
    let told = "1 of 2 interactions cannot be sent again, because no model knows them (SQS CreateQueue); name their models with `--model botocore` or `--model FILE`";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}
