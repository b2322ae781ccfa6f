//! A run never makes a cassette worse without a word: what is merged, what is put aside, what is kept.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::Call;
use crate::puppet::Puppet;
use crate::support::Finished;
use crate::support::upstream::{ACCESS_KEY_ID, Answer, SECRET_ACCESS_KEY, Upstream, well_behaved};
use crate::workplace::{Workplace, instance, portless};

fn live(place: &Workplace, words: &[&str], upstream: &Upstream) -> Puppet {
    let run = place
        .run(words.iter().copied())
        .arguments(["--upstream", &upstream.url])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    Puppet::start(place.path(), run)
}

/// A call that is told from others by its name, and answered.
#[track_caller]
fn create(puppet: &Puppet, session: &str, name: &str) {
    let call = instance(name, json!({ "templateMajorVersion": "1" }));
    let path = if session.is_empty() {
        "/".to_owned()
    } else {
        format!("/@{session}")
    };
    assert_eq!(puppet.send(call.at(&path)).status, 200);
}

#[track_caller]
fn control(puppet: &Puppet, method: &'static str, path: &str, body: &Value) -> (u16, Value) {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let call = Call::control(puppet.address(), method, path, &text);
    let reply = call.send(puppet.address());
    (reply.status, reply.json())
}

#[track_caller]
fn begin(puppet: &Puppet, name: &str, cassette: &str) {
    let (status, told) = control(puppet, "POST", "/sessions", &json!({ "name": name, "cassette": cassette }));
    assert_eq!(status, 201, "{told}");
}

#[track_caller]
fn end(puppet: &Puppet, name: &str, how: &Value) {
    let (status, told) = control(puppet, "DELETE", &format!("/sessions/{name}"), how);
    assert_eq!(status, 200, "{told}");
}

fn names_in(text: &str) -> Vec<String> {
    let cassette: Value = serde_json::from_str(text).expect("a cassette is JSON");
    let interactions = cassette["interactions"].as_array().expect("a list").iter();
    let name = |interaction: &Value| interaction["request"]["body"]["json"]["name"].as_str().map(str::to_owned);
    interactions
        .map(|interaction| name(interaction).unwrap_or("large".to_owned()))
        .collect()
}

#[track_caller]
fn names(place: &Workplace, cassette: &str) -> String {
    names_in(&place.cassette_text(cassette)).join(" ")
}

#[track_caller]
fn names_aside(place: &Workplace, file: &str) -> String {
    let path = place.path().join(".ferrotape").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    names_in(&text).join(" ")
}

/// Runs the command that a line of stderr ends with.
#[track_caller]
fn follow(place: &Workplace, done: &Finished, before: &str) {
    let (_, command) = done
        .stderr
        .split_once(before)
        .unwrap_or_else(|| panic!("{before}: {}", done.stderr));
    let command = command.lines().next().expect("a line");
    let run = Command::new("sh").args(["-c", command]).current_dir(place.path()).status();
    assert!(run.expect("there is a shell").success(), "{command}");
}

/// A run whose own session makes these calls, beside a session of a test.
fn suite(place: &Workplace, upstream: &Upstream, calls: &[&str]) -> Puppet {
    let puppet = live(place, &["record"], upstream);
    for call in calls {
        create(&puppet, "", call);
    }
    begin(&puppet, "t1", "t1");
    create(&puppet, "t1", "own");
    end(&puppet, "t1", &Value::Null);
    puppet
}

#[test]
fn of_the_runs_own_session_what_a_run_with_sessions_does_not_make_stays() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    suite(&place, &upstream, &["one", "two", "three"]).end(0).expect(0);
    let before = place.cassette_text("default");
    let done = suite(&place, &upstream, &["one", "two", "three"]).end(0).expect(0);
    assert_eq!(place.cassette_text("default"), before, "the same calls give the same file");
    assert!(!done.stderr.contains("of before"), "{}", done.stderr);
    let done = suite(&place, &upstream, &["two", "new"]).end(0).expect(0);
    assert_eq!(names(&place, "default"), "one two new three");
    let words = "`cassettes/default.json`: 2 interactions of before, which this run did not make, stay; `ferrotape trim`";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    suite(&place, &upstream, &["two", "new"]).end(0).expect(0);
    assert_eq!(names(&place, "default"), "one two new three");
    assert!(!place.path().join(".ferrotape/previous/default.json").exists(), "nothing was lost");
    place.run(["verify"]).finish().expect(0);
}

#[test]
fn a_cassette_that_sessions_share_keeps_what_they_do_not_make() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let run = |sessions: &[(&str, &str)]| {
        let puppet = live(&place, &["record"], &upstream);
        for (session, call) in sessions {
            begin(&puppet, session, "shop");
            create(&puppet, session, call);
            end(&puppet, session, &Value::Null);
        }
        puppet.end(0).expect(0);
    };
    run(&[("t1", "one"), ("t2", "two"), ("t3", "three")]);
    run(&[("t2", "two"), ("t1", "one")]);
    assert_eq!(names(&place, "shop"), "one two three");
    // A session that is started again counts once.
    run(&[("t4", "four"), ("t4", "five")]);
    assert_eq!(names(&place, "shop"), "one two three five");
}

#[test]
fn a_recording_that_loses_interactions_says_which_and_keeps_the_former_file() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let run = |calls: &[&str]| {
        let puppet = live(&place, &["record", "-c", "shop"], &upstream);
        calls.iter().for_each(|call| create(&puppet, "", call));
        puppet.end(0).expect(0)
    };
    let large = "x".repeat(70_000);
    let puppet = live(&place, &["record", "-c", "shop"], &upstream);
    for (call, branch) in [("one", "a"), ("two", "b"), ("three", &large)] {
        let call = instance(call, json!({ "templateMajorVersion": "1", "branchName": branch }));
        assert_eq!(puppet.send(call).status, 200);
    }
    puppet.end(0);
    let before = place.cassette_text("shop");
    let done = run(&["four"]);
    assert_eq!(names(&place, "shop"), "four");
    let words =
        "`cassettes/shop.json` holds no more: 3 interactions (Proton CreateServiceInstance (3 times)); to have the former file back: ";
    assert_eq!(names_aside(&place, "previous/shop.json"), "one two large");
    follow(&place, &done, words);
    assert_eq!(place.cassette_text("shop"), before);
    place.run(["show", "shop"]).finish().expect(0);
    assert!(place.path().join("cassettes/shop.blobs").is_dir());
    run(&["four"]);
    let done = run(&["four", "five"]);
    assert!(!done.stderr.contains("holds no more"), "nothing is lost: {}", done.stderr);
    let done = run(&["five"]);
    assert!(
        done.stderr.contains("holds no more: 1 interaction (Proton CreateServiceInstance)"),
        "{}",
        done.stderr
    );
    follow(&place, &done, "to have the former file back: ");
    assert_eq!(names(&place, "shop"), "four five");
}

#[test]
fn a_session_of_a_test_that_failed_leaves_its_good_cassette() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let run = |calls: &[&str], how: &Value| {
        let puppet = live(&place, &["record"], &upstream);
        begin(&puppet, "t1", "t1");
        calls.iter().for_each(|call| create(&puppet, "t1", call));
        end(&puppet, "t1", how);
        puppet.end(0).expect(0)
    };
    run(&["one", "two", "three"], &Value::Null);
    for (how, reason) in [
        (json!({ "failed": true }), "the test of the session failed"),
        (json!({ "keep": false }), "the session was ended with `\"keep\": false`"),
    ] {
        let done = run(&["one", "broken"], &how);
        assert_eq!(names(&place, "t1"), "one two three");
        assert_eq!(names_aside(&place, "partial/t1.json"), "one broken");
        let words = format!("{reason}, so `cassettes/t1.json` stays as it was; to take the new recording all the same: mv ");
        assert!(done.stderr.contains(&words), "{}", done.stderr);
    }
    let done = run(&["one"], &json!({ "failed": true, "keep": true }));
    assert_eq!(names(&place, "t1"), "one");
    follow(&place, &done, "to have the former file back: ");
    assert_eq!(names(&place, "t1"), "one two three");
}

#[test]
fn a_recording_that_is_not_to_be_kept_becomes_no_cassette() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = live(&place, &["record"], &upstream);
    begin(&puppet, "t1", "t1");
    create(&puppet, "t1", "one");
    for (body, words) in [
        (json!({ "kept": false }), "unknown key `kept`"),
        (json!([]), "the body is not `{\"failed\": true}`"),
    ] {
        let (status, told) = control(&puppet, "DELETE", "/sessions/t1", &body);
        assert!(status == 400 && told["error"].as_str().expect("a text").contains(words), "{told}");
    }
    end(&puppet, "t1", &json!({ "keep": false }));
    let done = puppet.end(0).expect(0);
    assert!(!place.cassette_path("t1").exists());
    follow(
        &place,
        &done,
        "so `cassettes/t1.json` is not written; to take the new recording all the same: ",
    );
    assert_eq!(names(&place, "t1"), "one");
}

#[test]
fn a_failed_test_takes_nothing_from_those_that_share_its_cassette() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    for round in 0..2 {
        let puppet = live(&place, &["record"], &upstream);
        for name in ["t1", "t2"] {
            begin(&puppet, name, "shop");
            create(&puppet, name, name);
        }
        end(&puppet, "t1", &if round == 0 { Value::Null } else { json!({ "failed": true }) });
        create(&puppet, "t2", "more");
        end(&puppet, "t2", &Value::Null);
        puppet.end(0).expect(0);
    }
    assert_eq!(names(&place, "shop"), "t1 t2 more");
    assert_eq!(names_aside(&place, "partial/shop.json"), "t1 t2 more");
}

#[test]
fn a_run_that_is_stopped_while_a_session_is_open_leaves_its_cassette() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = live(&place, &["record"], &upstream);
    for name in ["t1", "t2"] {
        begin(&puppet, name, name);
        create(&puppet, name, "one");
        create(&puppet, name, "two");
        end(&puppet, name, &Value::Null);
    }
    puppet.end(0).expect(0);
    let puppet = live(&place, &["record"], &upstream);
    begin(&puppet, "t1", "t1");
    create(&puppet, "t1", "one");
    let done = puppet.end(9).expect(9);
    assert!(
        done.stderr.contains("the command failed, so `cassettes/t1.json` stays as it was"),
        "{}",
        done.stderr
    );
    let stand_in = place.stand_in();
    let server = place.run(["record", "--upstream", &stand_in.url()]).start();
    for name in ["t2", "t3"] {
        let call = Call::control(server.address, "POST", "/sessions", &json!({ "name": name }).to_string());
        assert_eq!(call.send(server.address).status, 201);
        assert_eq!(
            instance("three", json!({})).at(&format!("/@{name}")).send(server.address).status,
            200
        );
    }
    let done = server.stop().expect(0);
    let words = "the run was stopped before the session was ended, so `cassettes/t2.json` stays as it was";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert_eq!(
        (names(&place, "t1"), names(&place, "t2")),
        ("one two".to_owned(), "one two".to_owned())
    );
    assert_eq!(names_aside(&place, "partial/t2.json"), "three");
}

/// An AWS that knows no `missing`.
fn forgetful() -> Upstream {
    Upstream::plain(|seen| match seen.body["name"].as_str() {
        Some("missing") => Answer::error(400, "ResourceNotFoundException", "no such service"),
        _ => well_behaved(seen),
    })
}

#[test]
fn auto_appends_no_error_unless_asked() {
    let place = Workplace::new();
    let upstream = forgetful();
    let send = |puppet: &Puppet, name: &str| {
        let call = instance(name, json!({ "templateMajorVersion": "1", "serviceName": name }));
        puppet.send(call).status
    };
    let puppet = live(&place, &["record", "-c", "shop"], &upstream);
    assert_eq!(send(&puppet, "one"), 200);
    puppet.end(0).expect(0);
    for status in [0, 1] {
        let puppet = live(&place, &["auto", "-c", "shop"], &upstream);
        assert_eq!(
            (send(&puppet, "one"), send(&puppet, "two"), send(&puppet, "missing")),
            (200, 200, 400)
        );
        let done = puppet.end(status).expect(if status == 0 { 14 } else { 1 });
        let words = "AWS answered with `ResourceNotFoundException` (status 400), and `auto` appends no error; `--append-errors` appends it";
        assert!(done.stderr.contains(words), "{}", done.stderr);
        assert_eq!(names(&place, "shop"), "one", "nor what came before it");
        assert_eq!(names_aside(&place, "partial/shop.json"), "one two");
        assert!(
            done.stderr.contains("so `cassettes/shop.json` stays as it was; to take"),
            "{}",
            done.stderr
        );
    }
    let puppet = live(&place, &["auto", "-c", "shop", "--append-errors"], &upstream);
    assert_eq!((send(&puppet, "two"), send(&puppet, "missing")), (200, 400));
    puppet.end(0).expect(0);
    assert_eq!(names(&place, "shop"), "one two missing");
}

#[test]
fn what_a_failed_test_made_auto_record_is_put_aside() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let run = |calls: &[&str], how: &Value| {
        let puppet = live(&place, &["auto"], &upstream);
        begin(&puppet, "t1", "t1");
        calls.iter().for_each(|call| create(&puppet, "t1", call));
        end(&puppet, "t1", how);
        puppet.end(0).expect(0)
    };
    run(&["one"], &Value::Null);
    let done = run(&["one", "two"], &json!({ "failed": true }));
    assert_eq!(
        (names(&place, "t1"), names_aside(&place, "partial/t1.json")),
        ("one".to_owned(), "one two".to_owned())
    );
    follow(
        &place,
        &done,
        "the test of the session failed, so `cassettes/t1.json` stays as it was; to take the new recording all the same: ",
    );
    assert_eq!(names(&place, "t1"), "one two");
    assert_eq!(upstream.seen().len(), 2);
}

#[test]
fn a_live_call_that_names_what_was_only_played_is_told_with_the_way_out() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = live(&place, &["record"], &upstream);
    begin(&puppet, "t1", "t1");
    create(&puppet, "t1", "made-here");
    end(&puppet, "t1", &Value::Null);
    puppet.end(0).expect(0);
    let depending = |puppet: &Puppet| {
        create(puppet, "t1", "made-here");
        let call = instance(
            "other",
            json!({ "templateMajorVersion": "1", "serviceName": "backend", "branchName": "on/made-here" }),
        );
        puppet.send(call.at("/@t1")).message()
    };
    let puppet = live(&place, &["auto"], &upstream);
    begin(&puppet, "t1", "t1");
    depending(&puppet);
    end(&puppet, "t1", &json!({ "keep": false }));
    let done = puppet.end(0).expect(0);
    let told = "session `t1`: `Proton CreateServiceInstance` went to AWS and names \"made-here\", which interaction 1 (`Proton CreateServiceInstance`) \
                made or changed; that was played, so AWS knows nothing of it; record all anew: ferrotape record --upstream http://127.0.0.1:PORT -- sh …";
    assert!(portless(&done.stderr).contains(told), "{}", done.stderr);
    let puppet = Puppet::start(place.path(), place.run(["replay"]));
    begin(&puppet, "t1", "t1");
    let message = depending(&puppet);
    let told = "it names \"made-here\", which interaction 1 (`Proton CreateServiceInstance`) made or changed; that was played, so AWS knows nothing of it\n\
                record all anew: ferrotape record --upstream http://127.0.0.1:PORT -- sh …";
    assert!(portless(&message).ends_with(told), "{message}");
    puppet.end(0).expect(11);
    // A call of its own is one for `auto`.
    let puppet = Puppet::start(place.path(), place.run(["replay"]));
    begin(&puppet, "t1", "t1");
    let alone = puppet.send(instance("other", json!({ "serviceName": "backend" })).at("/@t1"));
    assert!(alone.message().contains("record it: ferrotape auto "), "{}", alone.message());
    puppet.end(0).expect(11);
}

/// A suite whose tests have cassettes of their own, and one that no test has.
fn recorded_suite(place: &Workplace) {
    let upstream = Upstream::plain(well_behaved);
    let puppet = live(place, &["record"], &upstream);
    for name in ["t1", "t2", "team/gone"] {
        begin(&puppet, name.rsplit('/').next().expect("a part"), name);
        create(&puppet, name.rsplit('/').next().expect("a part"), "one");
        end(&puppet, name.rsplit('/').next().expect("a part"), &Value::Null);
    }
    puppet.end(0).expect(0);
}

fn replayed(place: &Workplace, options: &[&str], sessions: &[&str], status: i32) -> Finished {
    let puppet = Puppet::start(place.path(), place.run(["replay"]).arguments(options));
    for name in sessions {
        begin(&puppet, name, name);
        create(&puppet, name, "one");
        end(&puppet, name, &Value::Null);
    }
    puppet.end(0).expect(status)
}

#[test]
fn a_cassette_that_no_session_asked_for_is_named_and_can_fail_the_run() {
    let place = Workplace::new();
    recorded_suite(&place);
    let done = replayed(&place, &["--all-played", "--report", "json=report.json"], &["t1", "t2"], 0);
    let line = "orphan          `team/gone`  no session asked for this cassette\n";
    assert!(
        done.stderr.contains(line) && done.stderr.contains("; 1 orphan\n"),
        "{}",
        done.stderr
    );
    let report = std::fs::read_to_string(place.path().join("report.json")).expect("it is written");
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    assert_eq!(report["orphans"], json!(["team/gone"]));
    let done = replayed(&place, &["--no-orphans", "--report", "junit=report.xml"], &["t1", "t2"], 12);
    assert!(done.stderr.contains(line), "{}", done.stderr);
    let report = std::fs::read_to_string(place.path().join("report.xml")).expect("it is written");
    assert!(report.contains(r#"<testsuite name="orphans" tests="1""#), "{report}");
    let done = replayed(&place, &[], &["t1"], 0);
    assert!(!done.stderr.contains("orphan"), "a part of a suite tells nothing: {}", done.stderr);
    let done = replayed(&place, &["--no-orphans"], &["t1", "t2"], 12);
    assert!(done.stderr.contains("team/gone"), "{}", done.stderr);
}

#[test]
fn prune_removes_what_no_session_asked_for_and_can_be_undone() {
    let place = Workplace::new();
    recorded_suite(&place);
    let refused = |words: &str| {
        let done = place.run(["prune"]).finish().expect(1);
        assert!(done.stderr.contains(words), "{}", done.stderr);
    };
    replayed(&place, &[], &["t1"], 0);
    refused("no run over the whole suite is known here; run `ferrotape replay --all-played -- COMMAND` over all of it");
    replayed(&place, &["--all-played"], &["t1"], 0);
    // A run of another part adds to what is asked for.
    replayed(&place, &[], &["t2"], 0);
    let done = place.run(["prune", "--dry-run"]).finish().expect(0);
    assert_eq!(
        done.stdout,
        "would remove `cassettes/team/gone.json`\n`cassettes`: would remove 1 of 3 cassettes\n"
    );
    let before = place.cassette_text("team/gone");
    let done = place.run(["prune"]).finish().expect(0);
    assert!(!place.cassette_path("team/gone").exists() && place.cassette_path("t1").exists());
    let (_, command) = done
        .stdout
        .split_once("removed `cassettes/team/gone.json`; to have it back: ")
        .expect("it is said");
    let command = command.lines().next().expect("a line");
    let run = Command::new("sh").args(["-c", command]).current_dir(place.path()).status();
    assert!(run.expect("there is a shell").success(), "{command}");
    assert_eq!(place.cassette_text("team/gone"), before);
}

#[test]
fn a_cassette_is_renamed_with_what_is_known_of_it() {
    let place = Workplace::new();
    recorded_suite(&place);
    replayed(&place, &["--all-played"], &["t1", "t2"], 0);
    let before = place.cassette_text("t1");
    let done = place.run(["rename", "t1", "team/new"]).finish().expect(0);
    assert_eq!(done.stdout, "`cassettes/t1.json` is `cassettes/team/new.json` now\n");
    assert_eq!(place.cassette_text("team/new"), before);
    assert!(!place.cassette_path("t1").exists());
    let done = place.run(["prune", "--dry-run"]).finish().expect(0);
    assert!(done.stdout.contains("would remove 1 of 3 cassettes"), "{}", done.stdout);
    let done = place.run(["trim", "team/new", "--dry-run"]).finish().expect(0);
    assert!(done.stdout.contains("1 run counted"), "{}", done.stdout);
    let done = place.run(["rename", "t2", "team/new"]).finish().expect(1);
    assert!(done.stderr.contains("`cassettes/team/new.json` exists already"), "{}", done.stderr);
    let done = place.run(["rename", "t3", "t4"]).finish().expect(1);
    assert!(done.stderr.contains("no cassette `t3`"), "{}", done.stderr);
}

#[test]
fn a_named_cassette_is_there_though_only_sessions_made_calls() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = live(&place, &["record", "-c", "shop"], &upstream);
    create(&puppet, "t1", "one");
    puppet.end(0).expect(0);
    assert_eq!((names(&place, "shop"), names(&place, "t1")), (String::new(), "one".to_owned()));
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    create(&puppet, "t1", "one");
    puppet.end(0).expect(0);
}
