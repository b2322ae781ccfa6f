//! Commands, options and requests that make no sense: one clear message says what and where.

use std::io::Write;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::client::{CATALOG, Call, PROTON};
use crate::workplace::{Workplace, artifact, eventually, instance, instance_body, refuses};

/// The sample request of the public API reference, as it stands there.
const SAMPLE: &str = r#"{ "AcceptLanguage": "en", "ProductId": "prod-mjpjbit3pzuqi", "Parameters": { "Name": "Version-2", "Description": "my-test-2", "Info": { "LoadTemplateFromURL": "https://s3.amazonaws.com/cf-templates-ozkq9d3hgiq2-us-east-1/..." , }, "Type": "CLOUD_FORMATION_TEMPLATE" "IdempotencyToken": "my-test-token-2" } }"#;

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
