//! Files that are none, or no text: refused at once, and called what they are.

use std::process::Command;

use serde_json::json;

use crate::client::{Call, PROTON};
use crate::workplace::{Workplace, instance, interaction, refuses, tape};

/// Words of the libraries that read JSON and TOML, which mean nothing to whoever wrote the file.
const WORDS_OF_LIBRARIES: &[&str] = &[
    "invalid type",
    "EOF while",
    "expected struct",
    "a sequence",
    "missing field",
    "unknown field",
    "at line",
    "trailing characters",
    "variant",
];

#[track_caller]
fn says_it_plainly(text: &str) {
    for words in WORDS_OF_LIBRARIES {
        assert!(!text.contains(words), "`{words}` in {text}");
    }
}

#[test]
fn only_regular_files_are_read() {
    let place = Workplace::new();
    std::fs::create_dir_all(place.path().join("cassettes")).expect("it can be made");
    for pipe in ["pipe", "cassettes/pipe.json", "model.json", "ferrotape.pipe"] {
        let made = Command::new("mkfifo").arg(place.path().join(pipe)).status().expect("it runs");
        assert!(made.success());
    }
    std::fs::create_dir(place.path().join("folder")).expect("it can be made");
    let it_is = |what: &str| format!("it is {what}, not a file");
    for (arguments, what) in [
        (&["replay", "-c", "pipe"][..], "a named pipe"),
        (&["show", "pipe"], "a named pipe"),
        (&["verify", "cassettes/pipe.json"], "a named pipe"),
        (&["verify"], "a named pipe"),
        (&["scrub", "cassettes/pipe.json"], "a named pipe"),
        (&["scan", "pipe"], "a named pipe"),
        (&["scan", "/dev/zero"], "a device"),
        (&["check", "pipe"], "a named pipe"),
        (&["check", "folder"], "a folder"),
        (&["check", "--model", "model.json"], "a named pipe"),
        (&["check", "--model", "/dev/zero"], "a device"),
        (&["replay", "--config", "ferrotape.pipe"], "a named pipe"),
        (&["replay", "--config", "folder"], "a folder"),
        (
            &["synth", "proton", "CreateServiceInstance", "-c", "a", "--input", "pipe"],
            "a named pipe",
        ),
        (&["mock", "--model", "model.json"], "a named pipe"),
    ] {
        let done = place.run(arguments.iter().copied()).finish().expect(1);
        assert!(done.stderr.contains(&it_is(what)), "{arguments:?}: {}", done.stderr);
    }
    let upstream = ["record", "--upstream", "http://127.0.0.1:1", "--upstream-ca", "pipe", "--", "true"];
    refuses(place.run(upstream), 1, &[&it_is("a named pipe")]);
    // What merely lies in a folder that is searched holds nothing.
    place.run(["scan", "folder", "."]).finish().expect(0);
}

#[test]
fn what_stands_in_the_way_of_a_recording_is_refused_with_its_kind() {
    let place = Workplace::new();
    std::fs::create_dir_all(place.path().join("cassettes")).expect("it can be made");
    let pipe = place.path().join("cassettes/pipe.json");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
    let stand_in = place.stand_in();
    let run = place.run(["record", "-c", "pipe", "--upstream", &stand_in.url()]);
    refuses(run, 1, &["`cassettes/pipe.json` is no file"]);
}

#[test]
fn a_file_that_is_no_text_is_called_what_it_is() {
    let place = Workplace::new();
    let cassette = tape(&[interaction(PROTON, json!({}), 200, json!({}))]);
    let utf_16: Vec<u8> = "\u{feff}{\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let conflict = "<<<<<<< HEAD\n{}\n=======\n[]\n>>>>>>> other\n";
    let within = cassette.replacen("  \"origin\"", &format!("{conflict}  \"origin\""), 1);
    for (content, position, what) in [
        (utf_16.clone(), "1:1", "the file is in UTF-16; save it in UTF-8"),
        (format!("\u{feff}{cassette}").into_bytes(), "1:1", "a byte order mark"),
        (format!("{{\n\0{cassette}").into_bytes(), "2:1", "a NUL byte"),
        (
            within.into_bytes(),
            "3:1",
            "an unresolved merge conflict; resolve it, or take one side with `git checkout --ours`",
        ),
    ] {
        let path = place.cassette_path("shop");
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
        std::fs::write(&path, &content).expect("it can be written");
        std::fs::write(place.path().join("model.json"), &content).expect("it can be written");
        std::fs::write(place.path().join("settings.toml"), &content).expect("it can be written");
        let told = format!("`cassettes/shop.json:{position}`: ");
        refuses(place.run(["replay", "-c", "shop"]), 1, &[&told, what]);
        let verified = place.run(["verify"]).finish().expect(1);
        assert!(verified.stderr.contains(what), "{}", verified.stderr);
        let model = refuses(place.run(["check", "--model", "model.json"]), 1, &["`model.json`", what]);
        says_it_plainly(&model.stderr);
        let told = format!("`settings.toml:{position}`: ");
        refuses(place.run(["replay", "--config", "settings.toml"]), 1, &[&told, what]);
    }
}

#[test]
fn what_is_wrong_in_a_document_is_said_in_plain_words_with_its_place() {
    let place = Workplace::new();
    for text in [
        "{\"smithy\": \"2.0\", \"shapes\": {",
        "{\"smithy\": 2, \"shapes\": {}}",
        "{\"smithy\": \"2.0\", \"shapes\": []}",
        "{\"smithy\": \"2.0\", \"shapes\": {\"a#b\": 5}}",
        "{\"smithy\": \"2.0\", \"shapes\": {\"a#b\": {\"type\": 5}}}",
        "{\"metadata\": {\"apiVersion\": \"1\", \"protocol\": \"json\", \"endpointPrefix\": \"x\"}, \"shapes\": []}",
        "nope",
    ] {
        std::fs::write(place.path().join("model.json"), text).expect("it can be written");
        let done = refuses(place.run(["check", "--model", "model.json"]), 1, &["`model.json`"]);
        says_it_plainly(&done.stderr);
    }
    for text in [
        "models = 5\n",
        "[match]\nignore = \"x\"\n",
        "[[bind]]\nfrom = 5\n",
        "nope = 1\n",
        "[redaction]\nkeep = {}\n",
    ] {
        std::fs::write(place.path().join("settings.toml"), text).expect("it can be written");
        let done = refuses(place.run(["replay", "--config", "settings.toml"]), 1, &["`settings.toml:"]);
        says_it_plainly(&done.stderr);
    }
    let cassette = tape(&[interaction(PROTON, json!({}), 200, json!({}))]);
    for member in ["\"match\": {\"ignore\": 5},", "\"match\": {\"nope\": []},", "\"bind\": [5],"] {
        place.write_cassette("shop", &cassette.replacen("\"models\"", &format!("{member}\n  \"models\""), 1));
        let done = refuses(place.run(["replay", "-c", "shop"]), 1, &["`cassettes/shop.json:"]);
        says_it_plainly(&done.stderr);
    }
    std::fs::write(place.path().join("lines"), "{\"request\": 5}\n{\"request\"\n[]\n{\"nope\": 1}\n").expect("it can be written");
    let checked = place.run(["check", "lines"]).finish().expect(1);
    says_it_plainly(&checked.stdout);
    place.write_cassette("shop", &cassette);
    let server = place.replay("shop", []);
    for body in ["", "5", "{\"name\": 5}", "{\"nam\": \"x\"}", "{\"name\": \"x\"", "\u{feff}{}"] {
        let refused = Call::control(server.address, "POST", "/sessions", body).send(server.address);
        assert_eq!(refused.status, 400);
        says_it_plainly(&String::from_utf8_lossy(&refused.body));
    }
    server.stop();
}

#[test]
fn cassettes_that_differ_only_by_case_are_told() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    for path in ["/@one", "/@ONE"] {
        assert_eq!(instance("a", json!({})).at(path).send(server.address).status, 200);
    }
    let done = server.stop().expect(0);
    assert!(
        done.stderr.contains("the cassettes `ONE` and `one` differ only by case"),
        "{}",
        done.stderr
    );
}
