//! What comes from outside does not steer the terminal of whoever looks at it.

use serde_json::json;

use crate::client::PROTON;
use crate::support::Finished;
use crate::workplace::{Workplace, instance, interaction, tape};

/// Clears the screen, in both of its spellings; turns the text around; sets the title; rings.
const EVIL: &str = "\u{1b}[2Jx\u{9b}2J\u{202e}y\u{2066}\u{1b}]0;t\u{7}";

#[track_caller]
fn is_harmless(done: &Finished) {
    for text in [&done.stdout, &done.stderr] {
        for mark in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{7}'] {
            assert!(!text.contains(mark), "{mark:?} in {text:?}");
        }
    }
}

fn evil_cassette() -> String {
    let mut evil = interaction(
        PROTON,
        json!({ "name": EVIL, EVIL: 1 }),
        400,
        json!({ "__type": EVIL, "message": EVIL }),
    );
    evil["service"] = json!(EVIL);
    evil["operation"] = json!(EVIL);
    evil["region"] = json!(EVIL);
    let mut known = interaction(
        PROTON,
        json!({ "name": EVIL, "serviceName": "a", "spec": 1, EVIL: { EVIL: 2 } }),
        200,
        json!({ EVIL: EVIL }),
    );
    known["request"]["headers"]
        .as_array_mut()
        .expect("a list")
        .push(json!(["x-evil", "e\u{9b}2J"]));
    tape(&[evil, known])
}

#[test]
fn nothing_in_a_cassette_its_name_or_the_command_line_steers_the_terminal() {
    let place = Workplace::new();
    place.write_cassette("evil", &evil_cassette());
    let named = place.path().join(format!("cassettes/{EVIL}.json"));
    std::fs::write(&named, evil_cassette()).expect("any name will do");
    std::fs::write(place.path().join("evil.txt"), format!("AKIAIOSFODNN7EXAMPLQ {EVIL}\n")).expect("it can be written");
    let path = named.to_str().expect("it is text");
    let model = format!("models/{EVIL}");
    for arguments in [
        &["show", "evil"][..],
        &["show", "evil", "--full"],
        &["show", path, "--full"],
        &["verify"],
        &["verify", path],
        &["verify", "--report", "json"],
        &["verify", "--report", "junit"],
        &["scan", "."],
        &["scrub", "--check", "cassettes"],
        &["show", EVIL],
        &["verify", EVIL],
        &["replay", "-c", EVIL],
        &["replay", EVIL],
        &["replay", "--door", EVIL],
        &["verify", "--model", &model],
        &["models", "list", EVIL],
        &["--config", EVIL, "verify"],
        &["check", EVIL],
        &["trim", EVIL],
        &[EVIL],
    ] {
        let done = place.run(arguments.iter().copied()).finish();
        is_harmless(&done);
        assert!(!done.stderr.contains("panicked"), "{arguments:?}: {}", done.stderr);
    }
    for (name, value) in [
        ("FERROTAPE_DOOR", EVIL),
        ("FERROTAPE_CASSETTES", EVIL),
        ("FERROTAPE_\u{1b}[2J", "x"),
    ] {
        is_harmless(&place.run(["verify"]).env(name, value).finish());
        is_harmless(&place.run(["replay", "--", "true"]).env(name, value).finish());
    }
    let lines = place.path().join("lines");
    std::fs::write(&lines, json!({ "id": EVIL, "request": { "body": EVIL } }).to_string()).expect("it can be written");
    is_harmless(&place.run(["check", "lines"]).finish());
}

#[test]
fn a_miss_and_a_session_s_name_do_not_steer_it_either() {
    let place = Workplace::new();
    place.write_cassette("evil", &evil_cassette());
    let server = place.replay("evil", []);
    let reply = instance(EVIL, json!({ "templateMajorVersion": EVIL, EVIL: EVIL })).send(server.address);
    assert!(reply.status >= 400);
    assert!(
        !reply.message().contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']),
        "{:?}",
        reply.message()
    );
    let at = instance("a", json!({})).at("/@%1B%5B2J%E2%80%AE/");
    assert!(at.send(server.address).status >= 400);
    is_harmless(&server.stop());
}

#[test]
fn a_report_for_programs_is_alone_on_standard_output_and_parses() {
    let place = Workplace::new();
    place.write_cassette("evil", &evil_cassette());
    let json = place.run(["verify", "--report", "json"]).finish();
    let report: serde_json::Value = serde_json::from_str(&json.stdout).expect("standard output is the report");
    assert!(report.to_string().contains("\u{202e}"), "it says what is there");
    assert!(json.stderr.contains("2 interactions"), "{}", json.stderr);
    let both = place.run(["verify", "--report", "human", "--report", "json"]).finish();
    serde_json::from_str::<serde_json::Value>(&both.stdout).expect("standard output is the report");
    let junit = place.run(["verify", "--report", "junit"]).finish();
    assert!(
        junit.stdout.starts_with("<?xml") && junit.stdout.trim_end().ends_with("</testsuites>"),
        "{}",
        junit.stdout
    );
    assert!(junit.stderr.contains("2 interactions"));
    let human = place.run(["verify"]).finish();
    assert!(human.stdout.contains("2 interactions"), "{}", human.stdout);
    let server = place.run(["replay", "-c", "evil", "--report", "json"]).start();
    let done = server.stop();
    serde_json::from_str::<serde_json::Value>(&done.stdout).expect("the addresses are on standard error");
    assert!(done.stderr.contains("export AWS_ENDPOINT_URL="), "{}", done.stderr);
}
