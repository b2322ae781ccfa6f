//! The live modes beside `record`: `auto`, `compare`, `passthrough`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::client::{PROTON, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::upstream::{Answer, Seen, well_behaved};
use crate::support::{Finished, Server};
use crate::workplace::{Workplace, dead_address, instance};

/// An AWS whose answers can change: then one member is another, and so are all timestamps.
struct Changing {
    upstream: OddUpstream,
    changed: Arc<AtomicBool>,
}

impl Changing {
    fn start() -> Changing {
        let changed = Arc::new(AtomicBool::new(false));
        let is_changed = Arc::clone(&changed);
        let upstream = OddUpstream::start(move |_, request| {
            let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
            let mut answer = well_behaved(&Seen {
                target: PROTON.to_owned(),
                host: String::new(),
                refused: None,
                body: serde_json::from_str(body).unwrap_or_default(),
            });
            if is_changed.load(Ordering::SeqCst) {
                change(&mut answer);
            }
            let headers = [("Content-Type", "application/x-amz-json-1.0")];
            Act::Answer(http(answer.status, &headers, answer.body.to_string().as_bytes()))
        });
        Changing { upstream, changed }
    }

    fn change(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.upstream.seen().len()
    }
}

fn change(answer: &mut Answer) {
    if let Some(instance) = answer.body.get_mut("serviceInstance").and_then(Value::as_object_mut) {
        instance.insert("deploymentStatus".to_owned(), json!("FAILED"));
        for time in ["createdAt", "lastDeploymentAttemptedAt", "lastDeploymentSucceededAt"] {
            instance.insert(time.to_owned(), json!(1_800_000_000));
        }
    }
}

fn live(place: &Workplace, mode: &'static str, upstream: &str, options: &[&str]) -> Server {
    place
        .run([mode, "-c", "shop", "--upstream", upstream, "--report", "json=report.json"])
        .arguments(options)
        .start()
}

fn send(server: &Server, name: &str) -> Reply {
    instance(name, json!({})).send(server.address)
}

fn report(place: &Workplace) -> Value {
    let text = std::fs::read_to_string(place.path().join("report.json")).expect("it is written");
    serde_json::from_str(&text).expect("it is JSON")
}

/// One run of a mode over calls of these names.
fn run(place: &Workplace, mode: &'static str, upstream: &str, options: &[&str], names: &[&str]) -> Finished {
    let server = live(place, mode, upstream, options);
    for name in names {
        assert_eq!(send(&server, name).status, 200, "{name}");
    }
    server.stop()
}

fn names(place: &Workplace) -> Vec<String> {
    let cassette = place.cassette("shop");
    let interactions = cassette["interactions"].as_array().expect("a list").iter();
    let name = |interaction: &Value| interaction["request"]["body"]["json"]["name"].as_str().map(str::to_owned);
    interactions.filter_map(name).collect()
}

#[test]
fn compare_reports_exactly_the_member_that_changed() {
    let (place, aws) = (Workplace::new(), Changing::start());
    run(&place, "record", &aws.upstream.url, &[], &["a", "b"]).expect(0);
    let before = place.cassette_text("shop");
    let same = run(&place, "compare", &aws.upstream.url, &["--all-played"], &["b", "a"]).expect(0);
    assert!(same.stderr.contains("2 calls, 2 same"), "{}", same.stderr);
    aws.change();
    let server = live(&place, "compare", &aws.upstream.url, &[]);
    let reply = send(&server, "b");
    assert_eq!(
        reply.json()["serviceInstance"]["deploymentStatus"],
        "FAILED",
        "the answer is the live one"
    );
    let done = server.stop().expect(15);
    let told = "differs #1 Proton CreateServiceInstance\n           the live answer is not that of interaction 2:\n             /serviceInstance/deploymentStatus: recorded \"IN_PROGRESS\", live \"FAILED\"\n";
    assert!(done.stderr.contains(told), "{}", done.stderr);
    let call = &report(&place)["calls"][0];
    assert_eq!((&call["outcome"], &call["interaction"]), (&json!("differs"), &json!(2)));
    let difference = json!({ "path": "/serviceInstance/deploymentStatus", "recorded": "\"IN_PROGRESS\"", "live": "\"FAILED\"" });
    assert_eq!(call["differences"], json!([difference]));
    let ignore = "CreateServiceInstance:/serviceInstance/deploymentStatus";
    run(&place, "compare", &aws.upstream.url, &["--ignore", ignore], &["a"]).expect(0);
    std::fs::write(place.path().join("ferrotape.toml"), format!("[match]\nignore = [\"{ignore}\"]\n")).expect("it can be written");
    run(&place, "compare", &aws.upstream.url, &[], &["a"]).expect(0);
    assert_eq!(place.cassette_text("shop"), before, "nothing is written");
}

#[test]
fn auto_numbers_accounts_behind_those_of_the_cassette() {
    let place = Workplace::new();
    let aws = Changing::start();
    let call = |name: &str, account: &str| instance(name, json!({ "branchName": format!("arn:aws:iam::{account}:role/x") }));
    place.recorded_from("shop", &aws.upstream.url, &[call("a", "210987654321")]);
    let server = live(&place, "auto", &aws.upstream.url, &[]);
    assert_eq!(call("b", "345678901234").send(server.address).status, 200);
    server.stop().expect(0);
    let recorded = place.cassette("shop");
    let role = |index: usize| &recorded["interactions"][index]["request"]["body"]["json"]["branchName"];
    assert_eq!(role(0), "arn:aws:iam::000000000001:role/x");
    assert_eq!(role(1), "arn:aws:iam::000000000003:role/x", "2 is the account of the answers");
}

#[test]
fn trim_counts_what_auto_used() {
    let place = Workplace::new();
    let aws = Changing::start();
    place.recorded_from("shop", &aws.upstream.url, &["a", "b"].map(|name| instance(name, json!({}))));
    run(&place, "auto", &aws.upstream.url, &[], &["b", "c"]).expect(0);
    let told = place.run(["trim", "shop"]).finish().expect(0);
    let words =
        "removed interaction 1: Proton CreateServiceInstance\n`cassettes/shop.json`: removed 1 of 3 interactions, 2 left; 1 run counted\n";
    assert_eq!(told.stdout, words);
}

#[test]
fn compare_takes_bound_names_for_the_recorded_ones() {
    let place = Workplace::new();
    let aws = Changing::start();
    place.recorded_from("shop", &aws.upstream.url, &[instance("run-3f9a21c0", json!({}))]);
    let rule = "CreateServiceInstance:/name";
    let bound = run(&place, "compare", &aws.upstream.url, &["--bind", rule], &["run-77b1e4d2"]).expect(0);
    assert!(bound.stderr.contains("1 call, 1 same"), "{}", bound.stderr);
    aws.change();
    let done = run(&place, "compare", &aws.upstream.url, &["--bind", rule], &["run-77b1e4d2"]).expect(15);
    let text = report(&place)["calls"][0]["differences"].to_string();
    assert!(
        text.contains("deploymentStatus") && !text.contains("run-"),
        "{text}\n{}",
        done.stderr
    );
}

#[test]
fn compare_answers_live_what_was_never_recorded_and_fails_the_run() {
    let (place, aws) = (Workplace::new(), Changing::start());
    run(&place, "record", &aws.upstream.url, &[], &["a"]).expect(0);
    let done = run(&place, "compare", &aws.upstream.url, &[], &["a", "z"]).expect(11);
    assert!(done.stderr.contains("/name: recorded \"a\", sent \"z\""), "{}", done.stderr);
    assert!(
        done.stderr
            .contains("compared with the cassette `shop`; what an earlier live answer gave"),
        "{}",
        done.stderr
    );
    for unfitting in ["ferrotape.toml", "ferrotape auto", "--repeat"] {
        assert!(!done.stderr.contains(unfitting), "{unfitting}: {}", done.stderr);
    }
    let done = run(&place, "compare", &aws.upstream.url, &["--all-played"], &[]).expect(12);
    assert!(done.stderr.contains("interaction 1 of `shop`"), "{}", done.stderr);
}

#[test]
fn compare_finds_the_cassettes_that_sessions_name() {
    let (place, aws) = (Workplace::new(), Changing::start());
    for (name, call) in [("books", "a"), ("shop", "b")] {
        place.recorded_from(name, &aws.upstream.url, &[instance(call, json!({}))]);
    }
    let server = place.run(["compare", "--upstream", &aws.upstream.url]).start();
    for (session, name) in [("books", "a"), ("shop", "b"), ("books", "z")] {
        let call = instance(name, json!({})).at(&format!("/@{session}/"));
        assert_eq!(call.send(server.address).status, 200);
    }
    let done = server.stop().expect(11);
    assert!(done.stderr.contains("3 calls, 2 same, 1 miss"), "{}", done.stderr);
    assert!(done.stderr.contains("compared with the cassette `books`"), "{}", done.stderr);
}

#[test]
fn auto_plays_what_is_recorded_and_records_the_rest_behind_it() {
    let (place, aws) = (Workplace::new(), Changing::start());
    run(&place, "auto", &aws.upstream.url, &[], &["a", "b"]).expect(0);
    assert_eq!((names(&place), aws.asked()), (vec!["a".to_owned(), "b".to_owned()], 2));
    let first = place.cassette_text("shop");
    let played = run(
        &place,
        "auto",
        &format!("http://{}", dead_address()),
        &["--all-played"],
        &["b", "a"],
    )
    .expect(0);
    assert!(played.stderr.contains("2 calls, 2 played"), "{}", played.stderr);
    assert_eq!(place.cassette_text("shop"), first, "nothing was to be added");
    aws.change();
    let done = run(&place, "auto", &aws.upstream.url, &[], &["c", "a", "a"]).expect(0);
    assert!(done.stderr.contains("3 calls, 2 recorded, 1 played"), "{}", done.stderr);
    assert_eq!((names(&place).join(" "), aws.asked()), ("a b c a".to_owned(), 4));
    let report = report(&place);
    assert_eq!(report["calls"][0]["interaction"], 3);
    assert_eq!(report["cassettes"][0]["unplayed"][0]["interaction"], 2);
    assert!(
        place
            .cassette_text("shop")
            .starts_with(first.trim_end().trim_end_matches(['}', ']', ' ', '\n']))
    );
    place.run(["verify"]).finish().expect(0);
    let server = place.replay("shop", ["--all-played"]);
    for name in ["a", "a", "b", "c"] {
        assert_eq!(send(&server, name).status, 200);
    }
    server.stop().expect(0);
}

#[test]
fn auto_goes_live_in_ci_only_when_told_so() {
    let (place, aws) = (Workplace::new(), Changing::start());
    run(&place, "record", &aws.upstream.url, &[], &["a"]).expect(0);
    let auto = |options: &[&str]| {
        let arguments = ["auto", "-c", "shop", "--upstream", &aws.upstream.url];
        place.run(arguments).arguments(options).env("CI", "true").start()
    };
    let server = auto(&[]);
    assert_eq!(send(&server, "a").status, 200);
    assert_eq!(send(&server, "b").code(), "CassetteMiss");
    let done = server.stop().expect(11);
    assert!(done.stderr.contains("`--live-in-ci`"), "{}", done.stderr);
    assert_eq!(aws.asked(), 1, "only the recording asked");
    let server = auto(&["--live-in-ci"]);
    assert_eq!(send(&server, "b").status, 200);
    server.stop().expect(0);
    assert_eq!(names(&place), ["a", "b"]);
}

#[test]
fn what_auto_recorded_before_it_died_is_put_aside() {
    let (place, aws) = (Workplace::new(), Changing::start());
    run(&place, "record", &aws.upstream.url, &[], &["a"]).expect(0);
    let server = live(&place, "auto", &aws.upstream.url, &[]);
    for name in ["a", "b"] {
        assert_eq!(send(&server, name).status, 200);
    }
    server.kill();
    let next = run(&place, "auto", &aws.upstream.url, &[], &["a"]).expect(0);
    assert!(
        next.stderr.contains(
            "recovered 1 interaction of an `auto` run that was cut short: `cassettes/shop.json` stays as it was, \
             `.ferrotape/partial/shop.json` has what was recorded behind it; to take that one: \
             mv .ferrotape/partial/shop.json cassettes/shop.json"
        ),
        "{}",
        next.stderr
    );
    assert_eq!((names(&place).join(" "), aws.asked()), ("a".to_owned(), 2));
}

#[test]
fn auto_keeps_nothing_of_what_it_recorded_for_a_command_that_failed() {
    let (place, aws) = (Workplace::new(), Changing::start());
    let failing = || {
        let run = place.run(["auto", "-c", "shop", "--upstream", &aws.upstream.url]);
        let puppet = crate::puppet::Puppet::start(place.path(), run);
        assert_eq!(puppet.send(instance("b", json!({}))).status, 200);
        puppet.end(3).expect(3)
    };
    let done = failing();
    let words =
        "the command failed, so `cassettes/shop.json` is not written; to take the new recording all the same: mkdir -p cassettes && mv ";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert!(!place.cassette_path("shop").exists());
    run(&place, "record", &aws.upstream.url, &[], &["a"]).expect(0);
    let done = failing();
    let words = "the command failed, so `cassettes/shop.json` stays as it was; to take the new recording all the same: \
                 mv .ferrotape/partial/shop.json cassettes/shop.json";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert_eq!(names(&place), ["a"]);
    std::fs::rename(place.path().join(".ferrotape/partial/shop.json"), place.cassette_path("shop")).expect("it is there");
    assert_eq!(names(&place), ["a", "b"]);
}

#[test]
fn passthrough_judges_and_writes_nothing() {
    let (place, aws) = (Workplace::new(), Changing::start());
    let done = run(&place, "passthrough", &aws.upstream.url, &[], &["a"]).expect(0);
    assert!(done.stderr.contains("passthrough: 1 call, 1 forwarded"), "{}", done.stderr);
    for (options, code) in [(&[][..], 10), (&["--contract", "report"], 0)] {
        let server = live(&place, "passthrough", &aws.upstream.url, options);
        assert_eq!(send(&server, "-bad").status, 200, "AWS has the last word");
        let done = server.stop().expect(code);
        assert!(
            done.stderr.contains("violation #1 Proton CreateServiceInstance  /name"),
            "{}",
            done.stderr
        );
    }
    assert_eq!(aws.asked(), 3);
    assert!(!place.path().join("cassettes").exists());
    assert!(!place.path().join(".ferrotape/journal").exists());
}
