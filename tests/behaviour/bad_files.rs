//! Cassettes, models and folders that are not as they should be: told with file and place, and
//! nothing is lost.

use serde_json::json;

use crate::client::{Call, PROTON};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Workplace, instance, interaction, last_word, refuses, tape};

#[test]
fn a_missing_cassette_is_told_with_what_is_near_before_the_command_starts() {
    let place = Workplace::new();
    for name in ["checkout", "billing"] {
        place.recorded(name, &[instance("a", json!({}))]);
    }
    let run = place.run(["replay", "-c", "chekout", "--", "touch", "started"]);
    refuses(
        run,
        1,
        &[
            "no cassette `chekout`",
            "`cassettes/chekout.json`",
            "`checkout`",
            "ferrotape record -c chekout",
        ],
    );
    assert!(!place.path().join("started").exists());
}

#[test]
fn a_cassette_cut_short_is_told_with_file_and_place_and_left_alone() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let whole = place.cassette_text("shop");
    let half = &whole[..whole.len() / 2];
    place.write_cassette("shop", half);
    let stand_in = place.stand_in();
    let place_of_end = format!("cassettes/shop.json:{}:", half.matches('\n').count() + 1);
    refuses(place.run(["replay", "-c", "shop"]), 1, &[&place_of_end, "cut short"]);
    refuses(
        place.run(["record", "-c", "shop", "--upstream", &stand_in.url()]),
        1,
        &["cassettes/shop.json", "move it away"],
    );
    refuses(place.run(["show", "shop"]), 1, &["cassettes/shop.json"]);
    let verified = place.run(["verify"]).finish().expect(1);
    assert!(verified.stderr.contains("cassettes/shop.json"), "{}", verified.stderr);
    assert_eq!(place.cassette_text("shop"), half);
}

#[test]
fn a_cassette_of_a_newer_version_is_told_with_the_version() {
    let place = Workplace::new();
    place.write_cassette("shop", "{\n  \"ferrotape\": 2,\n  \"interactions\": []\n}\n");
    refuses(
        place.run(["replay", "-c", "shop"]),
        1,
        &["cassettes/shop.json:2:16", "version `2`", "reads version 1"],
    );
}

#[test]
fn a_duplicate_key_in_a_cassette_is_told_with_its_place() {
    let place = Workplace::new();
    let text = tape(&[interaction(PROTON, json!({}), 200, json!({}))]);
    place.write_cassette(
        "shop",
        &text.replacen(
            "\"region\": \"us-east-1\",",
            "\"region\": \"us-east-1\",\n      \"region\": \"eu-west-1\",",
            1,
        ),
    );
    refuses(
        place.run(["replay", "-c", "shop"]),
        1,
        &["cassettes/shop.json:14:7", "`region` twice"],
    );
}

#[test]
fn duplicate_keys_inside_a_recorded_body_are_kept() {
    let place = Workplace::new();
    let body = r#"{"name":"a","name":"a","serviceName":"frontend","spec":"x"}"#;
    let service = OddUpstream::start(|_, _| {
        Act::Answer(http(
            400,
            &[("x-amzn-errortype", "ConflictException")],
            br#"{"message":"a","message":"a"}"#,
        ))
    });
    place.recorded_from("shop", &service.url, &[Call::new(PROTON, body)]);
    assert_eq!(place.cassette_text("shop").matches("\"name\": \"a\"").count(), 2);
    assert_eq!(place.cassette_text("shop").matches("\"message\": \"a\"").count(), 2);
}

#[test]
fn a_cassette_that_is_something_else_is_told() {
    let place = Workplace::new();
    for text in ["", "[]", "{}", "\"tape\"", "{\"ferrotape\": \"one\"}", "not json at all"] {
        place.write_cassette("shop", text);
        refuses(place.run(["replay", "-c", "shop"]), 1, &["cassettes/shop.json"]);
    }
}

#[test]
fn a_name_that_was_edited_in_a_cassette_is_reported_when_it_is_loaded() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({})), instance("b", json!({}))]);
    let text = place.cassette_text("shop");
    let second = text
        .rfind("\"operation\": \"CreateServiceInstance\"")
        .expect("each interaction has its name");
    let (first, edited) = text.split_at(second);
    place.write_cassette(
        "shop",
        &format!("{first}{}", edited.replacen("CreateServiceInstance", "DeleteService", 1)),
    );
    let said = "warning: `cassettes/shop.json`: interaction 2: the cassette says that its operation is `DeleteService`, and its request is one of `CreateServiceInstance`";
    for mode in ["replay", "auto"] {
        let server = place.run([mode, "-c", "shop"]).start();
        assert_eq!(instance("b", json!({})).send(server.address).status, 200, "its request is played");
        let done = server.stop().expect(0);
        assert_eq!(done.stderr.matches(said).count(), 1, "{mode}: {}", done.stderr);
    }
    let verified = place.run(["verify"]).finish().expect(10);
    let told = verified.stdout + &verified.stderr;
    assert!(told.contains("its operation is `DeleteService`"), "{told}");
}

#[test]
fn a_list_in_the_place_of_an_object_is_no_rule_and_no_request() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let text = place.cassette_text("shop");
    for (rules, found) in [
        ("\"match\": []", "expected an object, found a list"),
        ("\"match\": [[\"*:/name\"]]", "expected an object, found a list"),
        ("\"bind\": [[\"*:/name\"]]", "expected an object, found a list"),
        ("\"bind\": {}", "expected a list, found an object"),
    ] {
        place.write_cassette(
            "shop",
            &text.replacen("\"interactions\"", &format!("{rules},\n  \"interactions\""), 1),
        );
        refuses(
            place.run(["replay", "-c", "shop", "--", "touch", "started"]),
            1,
            &["cassettes/shop.json:", found],
        );
    }
    place.write_cassette(
        "shop",
        &text.replacen("\"interactions\"", "\"match\": {},\n  \"bind\": [],\n  \"interactions\"", 1),
    );
    place.replay("shop", []).stop().expect(0);
    for settings in [
        "match = []\n",
        "bind = [[\"*:/name\"]]\n",
        "redaction = []\n",
        "[redaction.rules]\na = [\"x\"]\n",
    ] {
        std::fs::write(place.path().join("ferrotape.toml"), settings).expect("the folder can be written");
        refuses(place.run(["verify"]), 1, &["ferrotape.toml:", "expected an object, found a list"]);
    }
    std::fs::remove_file(place.path().join("ferrotape.toml")).expect("it is there");
    std::fs::write(place.path().join("lines"), "[null, null, null, {}, null]\n").expect("the folder can be written");
    let checked = place.run(["check", "lines"]).finish().expect(1);
    assert!(checked.stdout.contains("expected an object, found a list"), "{}", checked.stdout);
}

#[test]
fn a_model_that_is_none_is_told_by_its_file() {
    let place = Workplace::new();
    for (name, text) in [
        ("empty.json", ""),
        ("other.json", "{\"hello\": 1}"),
        ("cut.json", "{\"smithy\": \"2.0\", \"shapes\": {"),
        ("text.json", "model"),
    ] {
        std::fs::write(place.path().join(name), text).expect("the folder can be written");
        refuses(place.run(["check", "--model", name]), 1, &[name]);
    }
    refuses(place.run(["verify", "--model", "nowhere.json"]), 1, &["nowhere.json"]);
}

#[test]
fn a_folder_that_cannot_be_written_loses_nothing() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    std::fs::write(place.path().join("cassettes"), "a file is in the way").expect("the folder can be written");
    let done = server.stop().expect(1);
    assert!(done.stderr.contains("cannot write `cassettes/shop.json`"), "{}", done.stderr);
    assert!(
        done.stderr.contains("`.ferrotape/journal/shop-1`: what was recorded is safe there"),
        "{}",
        done.stderr
    );
    assert!(last_word(&done).contains("record `shop`: 1 call, 1 recorded"), "{}", done.stderr);
    std::fs::remove_file(place.path().join("cassettes")).expect("it is ours");
    let next = place.record("other", &stand_in.url()).stop().expect(0);
    assert!(next.stderr.contains("recovered 1 interaction"), "{}", next.stderr);
    assert!(place.cassette_text("shop").contains("CreateServiceInstance"));
}

#[test]
fn a_cassette_that_could_not_be_saved_is_refused_before_the_command_starts() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    std::fs::create_dir_all(place.path().join("cassettes/folder.json")).expect("it can be made");
    std::fs::write(place.path().join("cassettes/file"), "").expect("it can be written");
    let long = "n".repeat(260);
    for (name, code, words) in [
        (long.as_str(), 2, ["…", "longer than 200 letters"]),
        ("good.json/y", 2, ["`good.json/y`", "a folder cannot end in `.json`"]),
        ("folder", 1, ["`cassettes/folder.json` is no file", "take another name"]),
        ("file/y", 1, ["`cassettes/file` is no folder", "take another name"]),
    ] {
        let run = place.run(["record", "-c", name, "--upstream", &stand_in.url(), "--", "touch", "started"]);
        let done = run.finish().expect(code);
        assert!(words.iter().all(|word| done.stderr.contains(word)), "{name}: {}", done.stderr);
        assert!(!place.path().join("started").exists());
    }
}

/// Nobody makes a file in `/proc`, root neither.
#[test]
fn a_folder_in_which_no_file_can_be_made_is_refused_before_a_call_is_forwarded() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    std::os::unix::fs::symlink("/proc", place.path().join("linked")).expect("it can be made");
    for folder in ["/proc", "/proc/cassettes", "linked"] {
        for mode in ["record", "auto"] {
            let upstream = stand_in.url();
            let run = place.run([mode, "--cassettes", folder, "--upstream", &upstream, "--", "touch", "started"]);
            let found = folder.trim_end_matches("/cassettes");
            let why = format!("cannot write `{folder}/default.json`: no file can be made in `{found}`: ");
            refuses(run, 1, &[&why, "; make the folder writable, or name another"]);
            assert!(!place.path().join("started").exists(), "{mode} {folder}");
        }
    }
    let server = place.record("shop", &stand_in.url());
    std::fs::remove_dir(place.path().join("cassettes")).unwrap_or_default();
    std::os::unix::fs::symlink("/proc", place.path().join("cassettes")).expect("it can be made");
    let refused = instance("a", json!({})).at("/@session").send(server.address);
    assert!(
        refused.message().contains("no file can be made in `cassettes`"),
        "{}",
        refused.message()
    );
    std::fs::remove_file(place.path().join("cassettes")).expect("it is a link");
    server.stop().expect(14);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told_before_the_command_starts() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    std::fs::write(place.path().join(".ferrotape"), "a file is in the way").expect("the folder can be written");
    let run = place.run(["record", "--upstream", &stand_in.url(), "--", "touch", "started"]);
    refuses(run, 1, &[".ferrotape"]);
    assert!(!place.path().join("started").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_the_cassette_is_there() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    std::fs::write(place.path().join("nowhere"), "a file is in the way").expect("the folder can be written");
    let run = place.run([
        "record",
        "-c",
        "shop",
        "--upstream",
        &stand_in.url(),
        "--report",
        "json=nowhere/report.json",
    ]);
    let server = run.start();
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    let done = server.stop().expect(1);
    assert!(last_word(&done).contains("nowhere/report.json"), "{}", done.stderr);
    assert!(place.cassette_path("shop").exists());
}

#[test]
fn a_damaged_journal_is_told_and_stops_nobody() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    for name in ["a", "b", "c"] {
        assert_eq!(instance(name, json!({})).send(server.address).status, 200);
    }
    server.kill();
    let mut files = Vec::new();
    collect(&place.path().join(".ferrotape"), &mut files);
    let largest = files
        .iter()
        .max_by_key(|file| std::fs::metadata(file).map_or(0, |metadata| metadata.len()));
    let largest = largest.expect("a journal has files");
    let length = std::fs::metadata(largest).expect("it is there").len();
    let content: Vec<u8> = (0..length).map(|position| (position * 31 % 251) as u8).collect();
    std::fs::write(largest, content).expect("it can be damaged");
    let server = place.record("shop", &stand_in.url());
    assert_eq!(instance("d", json!({})).send(server.address).status, 200);
    let done = server.stop().expect(0);
    assert!(done.stderr.contains("it was moved to `.ferrotape/set-aside/"), "{}", done.stderr);
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    let mut kept = Vec::new();
    collect(&place.path().join(".ferrotape/set-aside"), &mut kept);
    let kept = kept.iter().any(|file| file.file_name() == largest.file_name());
    assert!(kept, "what could not be read is kept");
    let next = place.record("shop", &stand_in.url()).stop().expect(0);
    assert!(!next.stderr.contains("damaged"), "it is told once: {}", next.stderr);
}

fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
