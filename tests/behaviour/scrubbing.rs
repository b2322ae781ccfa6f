//! Older cassettes are brought up to today's rules, and no secret gets past the gate.

use serde_json::{Value, json};

use crate::client::PROTON;
use crate::workplace::{Workplace, instance, instance_body, interaction, tape};

const SPEC: &str = "hunter2-hunter2";

fn old(place: &Workplace, name: &str, more: Value) {
    let call = interaction(
        PROTON,
        instance_body("a", more),
        400,
        json!({ "__type": "ConflictException", "message": "no" }),
    );
    place.write_cassette(name, &tape(&[call]));
}

#[test]
fn an_older_cassette_is_scrubbed_once_and_says_what_changed() {
    let place = Workplace::new();
    old(&place, "old", json!({ "spec": SPEC }));
    let before = place.cassette_text("old");
    let check = place.run(["scrub", "--check"]).finish().expect(16);
    assert_eq!(
        check.stdout,
        "cassettes/old.json: interaction 1: /request/body/spec (sensitive-members)\n1 of 1 cassette would change\n"
    );
    assert_eq!(place.cassette_text("old"), before);
    let scrubbed = place.run(["scrub"]).finish().expect(0);
    assert!(scrubbed.stdout.ends_with("1 of 1 cassette changed\n"), "{}", scrubbed.stdout);
    assert!(!place.cassette_text("old").contains(SPEC));
    let after = place.cassette_text("old");
    assert_eq!(place.run(["scrub"]).finish().expect(0).stdout, "0 of 1 cassette changed\n");
    assert_eq!(place.cassette_text("old"), after);
    let server = place.replay("old", []);
    assert_eq!(
        instance("a", json!({ "spec": SPEC })).send(server.address).status,
        400,
        "it still answers"
    );
    server.stop().expect(0);
}

#[test]
fn a_replay_of_an_older_cassette_says_in_a_few_lines_what_is_hidden_and_how_to_mend_the_file() {
    let place = Workplace::new();
    let call = |name: &str| {
        let input = instance_body(name, json!({ "spec": SPEC }));
        interaction(PROTON, input, 400, json!({ "__type": "ConflictException" }))
    };
    place.write_cassette("old", &tape(&["a", "b", "c", "d", "e", "f"].map(call)));
    let done = place.replay("old", []).stop().expect(0);
    let told: Vec<&str> = done.stderr.lines().take(6).collect();
    assert_eq!(
        told,
        [
            "ferrotape: `cassettes/old.json`: interaction 1: `/request/body/spec` stood in plain text and is hidden",
            "ferrotape: `cassettes/old.json`: interaction 2: `/request/body/spec` stood in plain text and is hidden",
            "ferrotape: `cassettes/old.json`: interaction 3: `/request/body/spec` stood in plain text and is hidden",
            "ferrotape: `cassettes/old.json`: interaction 4: `/request/body/spec` stood in plain text and is hidden",
            "ferrotape: `cassettes/old.json`: and 2 more",
            "ferrotape: the file itself is as it was; `ferrotape scrub cassettes/old.json` hides what it holds",
        ]
    );
}

#[test]
fn a_rule_of_redaction_that_hides_nothing_is_told_at_the_end_of_a_recording() {
    let place = Workplace::new();
    let settings = "[redaction.rules]\nversion = { path = \"CreateServiceInstance:/templateMinorVersoin\" }\n";
    std::fs::write(place.path().join("ferrotape.toml"), settings).expect("it is ours");
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    assert_eq!(
        instance("a", json!({ "templateMinorVersion": "77" })).send(server.address).status,
        200
    );
    let told = server.stop().expect(0).stderr;
    let expected = "`CreateServiceInstance:/templateMinorVersoin` under `redaction.rules.version` matches nothing: \
                    the model of Proton CreateServiceInstance has no member `templateMinorVersoin`; there is `templateMinorVersion`";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn what_no_model_knows_is_not_scrubbed_by_names_alone() {
    let place = Workplace::new();
    let mut call = interaction(
        PROTON,
        json!({ "MessageAttributes": { "password": { "DataType": "String" } } }),
        200,
        json!({}),
    );
    call["service"] = json!("SQS");
    call["operation"] = json!("SendMessage");
    call["request"]["headers"] = json!([["x-amz-target", "AmazonSQS.SendMessage"]]);
    place.write_cassette("queue", &tape(&[call.clone(), call.clone(), call]));
    let before = place.cassette_text("queue");
    let done = place.run(["scrub", "gone.json", "cassettes"]).finish().expect(1);
    assert_eq!(
        done.stderr,
        "ferrotape: cannot read `gone.json`: No such file or directory (os error 2)\n"
    );
    assert_eq!(
        done.stdout,
        "cassettes/queue.json: interaction 1 and 2 more stay as they are: no model knows `SQS SendMessage`; \
         name it with `--model`, as `--model botocore`\n0 of 2 cassettes changed\n"
    );
    assert_eq!(place.cassette_text("queue"), before);
}

#[test]
fn a_scan_tells_file_place_and_rule_and_never_the_secret() {
    let place = Workplace::new();
    old(&place, "old", json!({ "spec": SPEC }));
    std::fs::write(place.path().join("notes.txt"), format!("one\ndb_password = {SPEC}\n")).expect("it is ours");
    let done = place.run(["scan", "cassettes", "notes.txt"]).finish().expect(16);
    assert_eq!(
        done.stdout,
        "cassettes/old.json: interaction 1: `/request/body/spec` stood in plain text\nnotes.txt:2: secret-forms\n"
    );
    assert!(!done.stdout.contains(SPEC) && !done.stderr.contains(SPEC));
    place.run(["scrub"]).finish().expect(0);
    let clean = place.run(["scan"]).finish().expect(0);
    assert_eq!(
        (clean.stdout.as_str(), clean.stderr.as_str()),
        ("", "ferrotape: 1 file scanned: no secret was found\n")
    );
}

#[test]
fn a_file_that_cannot_be_read_fails_a_scan_and_hides_no_other() {
    let place = Workplace::new();
    std::fs::write(place.path().join("notes.txt"), format!("db_password = {SPEC}\n")).expect("it is ours");
    std::fs::write(place.path().join("package.json"), r#"{"ferrotape": {"models": []}}"#).expect("it is ours");
    let conflict = format!("{{\n  \"ferrotape\": 1,\n<<<<<<< main\n  \"password\": \"{SPEC}\",\n");
    std::fs::write(place.path().join("torn.json"), conflict).expect("it is ours");
    let done = place
        .run(["scan", "gone.txt", "torn.json", "package.json", "notes.txt"])
        .finish()
        .expect(1);
    assert_eq!(done.stdout, "torn.json:4: secret-forms\nnotes.txt:1: secret-forms\n");
    assert_eq!(
        done.stderr,
        "ferrotape: cannot read `gone.txt`: No such file or directory (os error 2)\n\
         ferrotape: `torn.json:3:1`: the file has an unresolved merge conflict; resolve it, or take one side with `git checkout --ours` or `--theirs`\n\
         ferrotape: 2 files scanned: 2 secrets found\n"
    );
    let nothing = place.run(["scan", "gone.txt"]).finish().expect(1);
    assert_eq!(
        nothing.stderr,
        "ferrotape: cannot read `gone.txt`: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_scan_says_of_how_many_calls_no_model_knows() {
    let place = Workplace::new();
    let mut call = interaction(PROTON, json!({}), 200, json!({}));
    call["service"] = json!("SQS");
    call["operation"] = json!("SendMessage");
    call["request"]["headers"] = json!([["x-amz-target", "AmazonSQS.SendMessage"]]);
    place.write_cassette("queue", &tape(&[call]));
    let done = place.run(["scan"]).finish().expect(0);
    assert_eq!(
        done.stderr,
        "ferrotape: 1 file scanned: no secret was found\n\
         ferrotape: no model knows the calls of 1 interaction, so only names and forms told secrets there; name it with `--model`, as `--model botocore`\n"
    );
}

#[test]
fn the_users_own_rules_hide_headers_places_and_patterns_and_travel_with_the_cassette() {
    let place = Workplace::new();
    let settings = "[redaction.rules]\ntoken = { header = \"X-Corp\" }\nversion = { path = \"CreateServiceInstance:/templateMinorVersion\" }\nid = { pattern = \"corp_([0-9]+)\" }\n";
    let file = place.path().join("ferrotape.toml");
    std::fs::write(&file, settings).expect("it is ours");
    let call = || instance("corp_1234567", json!({ "templateMinorVersion": "77" })).header("X-Corp", "tell-nobody");
    assert_eq!(place.recorded("shop", &[call()])[0].status, 200);
    let cassette = place.cassette("shop");
    assert_eq!(cassette["redaction"]["user"].as_array().map(Vec::len), Some(3));
    let request = cassette["interactions"][0]["request"].to_string();
    for secret in ["corp_1234567", "tell-nobody", "\"77\""] {
        assert!(!request.contains(secret), "{secret} in {request}");
    }
    let listed = cassette["interactions"][0]["redacted"].to_string();
    for rule in ["user:token", "user:version", "user:id"] {
        assert!(listed.contains(rule), "{rule} in {listed}");
    }
    std::fs::remove_file(&file).expect("it is there");
    let server = place.replay("shop", []);
    assert_eq!(
        call().send(server.address).status,
        200,
        "the cassette's rules hold without the settings"
    );
    server.stop().expect(0);
}
