//! Whatever is wrong, one clear message says what and where, and nothing is lost.

use std::io::Write;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::client::{CATALOG, Call, PROTON, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::upstream::{Upstream, well_behaved};
use crate::support::{Finished, Run};
use crate::workplace::{Workplace, artifact, dead_address, eventually, instance, instance_body, interaction, tape};

/// The sample request of the public API reference, as it stands there.
const SAMPLE: &str = r#"{ "AcceptLanguage": "en", "ProductId": "prod-mjpjbit3pzuqi", "Parameters": { "Name": "Version-2", "Description": "my-test-2", "Info": { "LoadTemplateFromURL": "https://s3.amazonaws.com/cf-templates-ozkq9d3hgiq2-us-east-1/..." , }, "Type": "CLOUD_FORMATION_TEMPLATE" "IdempotencyToken": "my-test-token-2" } }"#;

/// The one line that is Ferrotape's last word.
#[track_caller]
fn last_word(done: &Finished) -> &str {
    let line = done.stderr.lines().rfind(|line| line.starts_with("ferrotape: "));
    line.unwrap_or_else(|| panic!("nothing is said: {done:?}"))
}

/// A run that cannot go on says these things on one line, and nothing panics.
#[track_caller]
fn refuses(run: Run, code: i32, words: &[&str]) -> Finished {
    let done = run.finish().expect(code);
    let line = last_word(&done);
    for word in words {
        assert!(line.contains(word), "`{word}` is not in `{line}`\n{}", done.stderr);
    }
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    done
}

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
fn a_port_in_use_is_told() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let port = format!("`{}`", address.rsplit(':').next().unwrap_or_default());
    refuses(
        place.run(["replay", "-c", "shop", "--listen", &address]),
        1,
        &[&port, "in use", "--listen"],
    );
    refuses(place.run(["mock", "--listen", &address]), 1, &[&port, "in use"]);
}

#[test]
fn a_folder_that_cannot_be_written_loses_nothing() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    std::fs::write(place.path().join("cassettes"), "a file is in the way").expect("the folder can be written");
    let server = place.record("shop", &stand_in.url());
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    let done = server.stop().expect(1);
    assert!(last_word(&done).contains("cassettes/shop.json"), "{}", done.stderr);
    assert!(
        done.stderr.contains(".ferrotape") && done.stderr.contains("recovers it"),
        "{}",
        done.stderr
    );
    std::fs::remove_file(place.path().join("cassettes")).expect("it is ours");
    let next = place.record("other", &stand_in.url()).stop().expect(0);
    assert!(next.stderr.contains("recovered 1 interaction"), "{}", next.stderr);
    assert!(place.cassette_text("shop").contains("CreateServiceInstance"));
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
fn without_credentials_a_recording_does_not_start() {
    let place = Workplace::new();
    let run = place.run(["record", "--", "touch", "started"]);
    refuses(run, 1, &["no AWS credentials were found", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"]);
    assert!(!place.path().join("started").exists());
}

#[test]
fn a_recording_never_leaves_the_endpoint_of_its_parent_unsaid() {
    let place = Workplace::new();
    let run = place
        .run(["record", "--", "touch", "started"])
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
    refuses(run, 1, &["AWS_ENDPOINT_URL", "--upstream http://127.0.0.1:4566"]);
    let run = place
        .run(["record", "--", "touch", "started"])
        .env("AWS_ENDPOINT_URL_PROTON", "http://127.0.0.1:4566");
    refuses(run, 1, &["AWS_ENDPOINT_URL_PROTON", "--upstream"]);
    assert!(!place.path().join("started").exists());
}

/// What a client gets, and the run says, when the upstream is like this.
fn recorded_from(upstream: &str) -> (Reply, Finished) {
    let place = Workplace::new();
    let server = place.record("shop", upstream);
    let reply = instance("a", json!({})).send(server.address);
    let done = server.stop();
    assert!(!place.cassette_path("shop").exists(), "a failure is no recording");
    (reply, done)
}

#[track_caller]
fn fails_upstream(upstream: &str, words: &[&str]) {
    let (reply, done) = recorded_from(upstream);
    assert_eq!(done.code, 13, "{done:?}");
    assert_eq!(reply.status, 502, "{reply:?}");
    for word in words {
        assert!(reply.message().contains(word), "`{word}` is not in `{}`", reply.message());
        assert!(done.stderr.contains(word), "`{word}` is not in\n{}", done.stderr);
    }
}

#[test]
fn an_upstream_that_is_not_there_is_told() {
    let address = dead_address().to_string();
    fails_upstream(&format!("http://{address}"), &[&address, "refused"]);
}

#[test]
fn an_upstream_that_closes_before_it_answers_is_told() {
    let upstream = OddUpstream::start(|_, _| Act::AnswerAndClose(Vec::new()));
    let host = upstream.url.trim_start_matches("http://").to_owned();
    fails_upstream(&upstream.url, &[&host, "closed the connection"]);
}

#[test]
fn an_upstream_that_closes_half_way_is_told_and_not_recorded() {
    let upstream =
        OddUpstream::start(|_, _| Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"serviceInst".to_vec()));
    fails_upstream(&upstream.url, &["did not come whole"]);
    let upstream =
        OddUpstream::start(|_, _| Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ser\r\n".to_vec()));
    fails_upstream(&upstream.url, &["did not come whole"]);
}

#[test]
fn an_upstream_that_does_not_speak_http_is_told() {
    let upstream = OddUpstream::start(|_, _| Act::AnswerAndClose(b"220 mail.example.com ESMTP ready\r\n".to_vec()));
    fails_upstream(&upstream.url, &["not HTTP/1.1"]);
}

#[test]
fn an_upstream_of_an_unknown_authority_is_told_and_trusted_only_where_asked() {
    let place = Workplace::new();
    let (upstream, root) = Upstream::tls(place.path(), well_behaved);
    fails_upstream(&upstream.url, &["certificate"]);
    assert_eq!(upstream.seen().len(), 0);
    let root = root.display().to_string();
    let run = place.run(["record", "-c", "shop", "--upstream", &upstream.url, "--upstream-ca", &root]);
    let server = run.start();
    let call = instance("a", json!({}));
    let reply = call.send(server.address);
    assert_eq!(reply.status, 403, "it is reached, and refuses the signature of nobody: {reply:?}");
    server.stop().expect(0);
    assert_eq!(upstream.seen().len(), 1);
    refuses(
        place.run(["record", "--upstream", &upstream.url, "--upstream-ca", "nowhere.pem"]),
        1,
        &["nowhere.pem"],
    );
}

#[test]
fn an_upstream_that_is_no_base_url_is_told() {
    let place = Workplace::new();
    for url in ["ftp://127.0.0.1/", "/path", "http://127.0.0.1:1/?query=1"] {
        refuses(place.run(["record", "--upstream", url]), 1, &["--upstream", "not a base URL"]);
    }
}

#[test]
fn a_request_that_is_not_http_is_told_and_harms_nobody() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    for bytes in [
        &b"EHLO example.com\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut stream = std::net::TcpStream::connect(server.address).expect("it listens");
        stream.write_all(bytes).expect("it takes bytes");
        stream.shutdown(std::net::Shutdown::Write).expect("it can be half closed");
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
    }
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    let done = server.stop();
    assert!(done.stderr.contains("not an HTTP/1.1 request"), "{}", done.stderr);
    assert!(done.stderr.contains("spoke TLS"), "{}", done.stderr);
}

#[test]
fn the_malformed_sample_of_the_public_reference_is_refused_at_its_comma() {
    let place = Workplace::new();
    assert_eq!(SAMPLE.len(), 307);
    assert_eq!(SAMPLE.as_bytes()[226], b',');
    place.recorded("shop", &[artifact("token-1", json!({}))]);
    let server = place.replay("shop", []);
    let reply = Call::new(CATALOG, SAMPLE).send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "SerializationException"));
    assert!(
        reply.message().contains("comma") && reply.message().contains("226"),
        "{}",
        reply.message()
    );
    let done = server.stop().expect(10);
    assert!(done.stderr.contains("226"), "{}", done.stderr);
}

#[test]
fn the_repaired_sample_lacks_its_token_and_has_one_where_none_belongs() {
    let place = Workplace::new();
    place.recorded("shop", &[artifact("token-1", json!({}))]);
    let repaired = SAMPLE
        .replace("\" , }", "\" }")
        .replace("\"CLOUD_FORMATION_TEMPLATE\" ", "\"CLOUD_FORMATION_TEMPLATE\", ");
    let server = place.replay("shop", []);
    let reply = Call::new(CATALOG, &repaired).send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidParametersException"));
    assert_eq!(
        reply.message(),
        "1 validation error detected: Value at '/IdempotencyToken' failed to satisfy constraint: Member must not be null"
    );
    let done = server.stop().expect(10);
    assert!(done.stderr.contains("/IdempotencyToken  required"), "{}", done.stderr);
    assert!(done.stderr.contains("/Parameters/IdempotencyToken  unknown"), "{}", done.stderr);
}

#[test]
fn a_name_that_climbs_out_of_its_folder_is_refused() {
    let place = Workplace::new();
    for name in ["../x", "a/../../x", "/etc/passwd", "a//b", "", "a b", ".", "a\\b"] {
        let done = place.run(["record", "-c", name, "--", "true"]).finish().expect(2);
        assert!(done.stderr.contains("--cassette") || done.stderr.contains("-c"), "{}", done.stderr);
    }
}

#[test]
fn a_command_that_is_not_there_is_told() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let stand_in = place.stand_in();
    let run = place.run(["replay", "-c", "shop", "--", "no-such-program", "x"]);
    refuses(run, 1, &["`no-such-program`", "was not found", "PATH"]);
    let run = place.run(["record", "--upstream", &stand_in.url(), "--", "no-such-program"]);
    refuses(run, 1, &["`no-such-program`", "was not found"]);
    std::fs::write(place.path().join("plain.txt"), "text").expect("the folder can be written");
    refuses(
        place.run(["replay", "-c", "shop", "--", "./plain.txt"]),
        1,
        &["`./plain.txt`", "chmod +x"],
    );
}

#[test]
fn a_command_that_never_calls_is_told_and_fails() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let before = place.cassette_text("shop");
    let stand_in = place.stand_in();
    for arguments in [
        vec!["replay", "-c", "shop"],
        vec!["record", "-c", "shop", "--upstream", &stand_in.url()],
    ] {
        let done = place.run(arguments.clone()).arguments(["--", "true"]).finish().expect(1);
        assert!(
            done.stderr.contains("no call of the command ever reached Ferrotape"),
            "{}",
            done.stderr
        );
        place.run(arguments).arguments(["--", "sh", "-c", "exit 5"]).finish().expect(5);
    }
    assert_eq!(place.cassette_text("shop"), before);
}

#[test]
fn an_option_that_makes_no_sense_is_a_usage_error() {
    let place = Workplace::new();
    for arguments in [
        &["record", "--listen", "nowhere"][..],
        &["replay", "--door", "window"],
        &["verify", "--report", "xml"],
        &["rewind"],
        &["replay", "--contract", "maybe"],
        &["record", "--keep", "spec", "--", "true"],
    ] {
        let done = place.run(arguments.iter().copied()).finish();
        assert!(
            done.code == 2 || arguments.contains(&"--keep") && done.code == 1,
            "{arguments:?}: {done:?}"
        );
        assert!(!done.stderr.is_empty());
    }
}

#[test]
fn a_check_goes_on_after_a_line_that_is_none() {
    let place = Workplace::new();
    let good = json!({ "id": "good", "request": {
        "headers": { "X-Amz-Target": PROTON, "Content-Type": "application/x-amz-json-1.0" },
        "body": instance_body("a", json!({})).to_string(),
    }});
    std::fs::write(place.path().join("lines"), format!("{{oops\n{good}\n[]\n")).expect("the folder can be written");
    let done = place.run(["check", "lines"]).finish().expect(1);
    let answers: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(answers.len(), 3);
    assert!(answers[0]["error"].is_string() && answers[2]["error"].is_string());
    assert_eq!(answers[1]["request"]["verdict"], "conforms");
    refuses(place.run(["check", "nowhere"]), 1, &["`nowhere`"]);
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
    assert!(done.stderr.contains(".ferrotape"), "the damage is told: {}", done.stderr);
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    assert!(largest.exists(), "what could not be read is kept");
}

fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

#[test]
fn a_client_that_goes_away_half_way_harms_nobody() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    for _ in 0..4 {
        let mut stream = std::net::TcpStream::connect(server.address).expect("it listens");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {PROTON}\r\nContent-Length: 500\r\n\r\n{{\"na",
            server.address
        );
        stream.write_all(head.as_bytes()).expect("it takes bytes");
    }
    eventually("an answer", || instance("a", json!({})).send(server.address).status == 200);
    server.stop();
}
