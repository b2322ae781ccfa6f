//! `refresh`: a cassette's own requests, sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Upstream, well_behaved};
use crate::support::{Finished, Run};
use crate::workplace::{Workplace, artifact, dead_address, instance};

const TOKEN: &str = "7d3f5a0e-94cf-4d8c-8d4b-3c1f0e5f9a11";

/// A Service Catalog whose descriptions change when told so.
fn changing() -> (OddUpstream, Arc<AtomicBool>) {
    let changed = Arc::new(AtomicBool::new(false));
    let is_changed = Arc::clone(&changed);
    let upstream = OddUpstream::start(move |_, request| {
        let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap_or_default();
        let description = if is_changed.load(Ordering::SeqCst) { "newer" } else { "old" };
        let time = if is_changed.load(Ordering::SeqCst) {
            1_800_000_000
        } else {
            1_700_000_000
        };
        let answer = json!({
            "ProvisioningArtifactDetail": { "Id": "pa-4abcdjnxjj6ne", "Name": body["Parameters"]["Name"], "Description": description, "CreatedTime": time },
            "Info": { "Token": body["IdempotencyToken"] },
            "Status": "AVAILABLE",
        });
        Act::Answer(http(
            200,
            &[("Content-Type", "application/x-amz-json-1.1")],
            answer.to_string().as_bytes(),
        ))
    });
    (upstream, changed)
}

fn refresh(place: &Workplace, upstream: &str, options: &[&str]) -> Run {
    place.run(["refresh", "shop", "--upstream", upstream]).arguments(options)
}

fn told(done: &Finished) -> &str {
    done.stderr.trim_end()
}

#[test]
fn what_changed_is_shown_and_replaced_only_when_told_so() {
    let place = Workplace::new();
    let (upstream, changed) = changing();
    place.recorded_from(
        "shop",
        &upstream.url,
        &[
            artifact(TOKEN, json!({})),
            artifact("my-own-token", json!({ "ProductId": "prod-two" })),
        ],
    );
    let before = place.cassette_text("shop");
    let same = refresh(&place, &upstream.url, &["--yes"]).finish().expect(0);
    assert!(same.stderr.contains("2 requests sent again, no difference"), "{}", told(&same));
    assert_eq!(place.cassette_text("shop"), before);
    changed.store(true, Ordering::SeqCst);
    let differs = refresh(&place, &upstream.url, &[]).finish().expect(15);
    let shown = "interaction 1 Service Catalog CreateProvisioningArtifact\n             /ProvisioningArtifactDetail/Description: recorded \"old\", live \"newer\"\n";
    assert!(differs.stderr.contains(shown), "{}", told(&differs));
    assert!(!differs.stderr.contains("CreatedTime"), "{}", told(&differs));
    assert_eq!(place.cassette_text("shop"), before, "nobody said yes");
    let ignore = "*:/ProvisioningArtifactDetail/Description";
    refresh(&place, &upstream.url, &["--ignore", ignore]).finish().expect(0);
    refresh(&place, &upstream.url, &["--yes"]).finish().expect(0);
    let replaced = before.replace("\"old\"", "\"newer\"").replace("1700000000", "1800000000");
    assert_eq!(place.cassette_text("shop"), replaced, "and nothing else is another");
    let tokens: Vec<bool> = upstream.seen().iter().map(|request| request.contains(TOKEN)).collect();
    assert_eq!(
        tokens.iter().filter(|has| **has).count(),
        1,
        "an SDK's token is sent once, and then made anew"
    );
    let host = format!("\r\nhost: {}\r\n", upstream.url.trim_start_matches("http://"));
    let called = |request: &String| request.to_lowercase().contains(&host);
    assert!(upstream.seen().iter().all(called), "it is called as `record` calls it");
    assert!(upstream.seen().iter().all(|request| !request.contains("00000000-0000-4000-8000")));
    assert!(
        upstream
            .seen()
            .iter()
            .skip(1)
            .step_by(2)
            .all(|request| request.contains("my-own-token"))
    );
    assert!(
        !place
            .path()
            .join(".ferrotape/journal")
            .read_dir()
            .is_ok_and(|mut found| { found.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir())) })
    );
    place.run(["verify"]).finish().expect(0);
}

#[test]
fn what_is_sent_again_is_signed_by_the_caller_for_the_service() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let record = place
        .run(["record", "-c", "shop", "--upstream", &upstream.url])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    let puppet = crate::puppet::Puppet::start(place.path(), record);
    puppet.send(artifact(TOKEN, json!({})));
    puppet.end(0).expect(0);
    let again = refresh(&place, &upstream.url, &[])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .finish()
        .expect(0);
    assert!(again.stderr.contains("1 request sent again, no difference"), "{}", told(&again));
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.refused.is_none()), "{seen:?}");
    assert_eq!(seen[1].host, seen[0].host);
}

#[test]
fn a_request_with_a_stand_in_is_not_sent_and_stays() {
    let place = Workplace::new();
    let (upstream, changed) = changing();
    place.recorded_from("shop", &upstream.url, &[instance("a", json!({})), artifact(TOKEN, json!({}))]);
    changed.store(true, Ordering::SeqCst);
    let done = refresh(&place, &upstream.url, &["--yes"]).finish().expect(0);
    assert!(
        done.stderr
            .contains("interaction 1 stays as it is: a stand-in is at `/request/body/spec`"),
        "{}",
        told(&done)
    );
    assert_eq!(upstream.seen().len(), 3);
    assert!(place.cassette_text("shop").contains("newer"));
    place.recorded_from("shop", &upstream.url, &[instance("a", json!({}))]);
    let done = refresh(&place, &upstream.url, &["--yes"]).finish().expect(1);
    assert!(
        done.stderr
            .contains("record it anew with `ferrotape record -c shop --upstream http://127.0.0.1:"),
        "{}",
        told(&done)
    );
}

#[test]
fn where_aws_cannot_be_reached_the_cassette_stays() {
    let place = Workplace::new();
    let (upstream, _) = changing();
    place.recorded_from("shop", &upstream.url, &[artifact(TOKEN, json!({}))]);
    let before = place.cassette_text("shop");
    let done = refresh(&place, &format!("http://{}", dead_address()), &["--yes"])
        .finish()
        .expect(13);
    assert!(done.stderr.contains("`cassettes/shop.json` stays as it is"), "{}", told(&done));
    assert_eq!(place.cassette_text("shop"), before);
}
