//! What an SDK checks of an answer beyond its body: checksums, encodings, the date.

use serde_json::{Value, json};

use crate::client::{Call, PROTON, Reply};
use crate::gzip::{gzipped, unzipped};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Workplace, instance, instance_body};

const SPEC: &str = "proton: ServiceSpec\nname: \u{e9}\n";

fn created(request: &str) -> Vec<u8> {
    let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let created = json!({ "serviceInstance": {
        "name": body["name"], "serviceName": "frontend", "spec": SPEC,
        "arn": "arn:aws:proton:us-east-1:210987654321:service/frontend/service-instance/a",
        "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1, "environmentName": "e", "templateName": "t",
        "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
    }});
    created.to_string().into_bytes()
}

fn call() -> Call {
    instance("a", json!({ "spec": SPEC }))
}

fn spec_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).expect("it is JSON");
    body["serviceInstance"]["spec"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn assert_checksum_is_true(reply: &Reply) {
    let stated = reply.header("x-amz-crc32").expect("there is a checksum");
    assert_eq!(stated, crc32fast::hash(&reply.body).to_string());
}

#[test]
fn checksums_are_true_for_what_is_replayed() {
    let service = OddUpstream::start(|_, request| {
        let body = created(request);
        let checksum = crc32fast::hash(&body).to_string();
        Act::Answer(http(
            200,
            &[("Content-Type", "application/x-amz-json-1.0"), ("x-amz-crc32", &checksum)],
            &body,
        ))
    });
    let place = Workplace::new();
    let recorded = place.recorded_from("shop", &service.url, &[call()]);
    assert_checksum_is_true(&recorded[0]);
    let server = place.replay("shop", []);
    let replayed = call().send(server.address);
    assert_eq!(spec_of(&replayed.body), SPEC);
    assert_checksum_is_true(&replayed);
    server.stop().expect(0);
}

#[test]
fn an_encoded_answer_is_stored_plain_and_encoded_again_for_whom_asks() {
    let service = OddUpstream::start(|_, request| {
        let headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Encoding", "gzip")];
        Act::Answer(http(200, &headers, &gzipped(created(request))))
    });
    let place = Workplace::new();
    let asking = call().header("Accept-Encoding", "gzip");
    let recorded = place.recorded_from("shop", &service.url, std::slice::from_ref(&asking));
    assert_eq!(recorded[0].header("content-encoding"), Some("gzip"));
    assert_eq!(spec_of(&unzipped(&recorded[0].body)), SPEC, "the client gets what the service sent");
    let stored = &place.cassette("shop")["interactions"][0]["response"]["body"]["json"];
    assert_eq!(stored["serviceInstance"]["name"], "a");
    let server = place.replay("shop", ["--repeat"]);
    let encoded = asking.send(server.address);
    assert_eq!(encoded.header("content-encoding"), Some("gzip"));
    assert_eq!(spec_of(&unzipped(&encoded.body)), SPEC);
    let plain = call().send(server.address);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(spec_of(&plain.body), SPEC);
    server.stop().expect(0);
}

#[test]
fn an_encoded_request_is_the_same_call() {
    let place = Workplace::new();
    place.recorded("shop", &[call()]);
    let server = place.replay("shop", []);
    let body = gzipped(instance_body("a", json!({ "spec": SPEC })).to_string().as_bytes());
    let reply = Call::new(PROTON, body).header("Content-Encoding", "gzip").send(server.address);
    assert_eq!(reply.status, 200, "{}", reply.message());
    server.stop().expect(0);
}

#[test]
fn every_answer_of_a_replay_has_one_date_and_it_is_now() {
    let service = OddUpstream::start(|_, request| {
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ];
        Act::Answer(http(200, &headers, &created(request)))
    });
    let place = Workplace::new();
    place.recorded_from("shop", &service.url, &[call()]);
    assert!(!place.cassette_text("shop").contains("1970"));
    let server = place.replay("shop", []);
    let year = |reply: &Reply| {
        let dates: Vec<&str> = reply
            .headers
            .iter()
            .filter(|(name, _)| name == "date")
            .map(|(_, date)| date.as_str())
            .collect();
        assert_eq!(dates.len(), 1, "{reply:?}");
        dates[0]
            .split(' ')
            .nth(3)
            .and_then(|year| year.parse::<u32>().ok())
            .expect("a date has a year")
    };
    for reply in [
        call().send(server.address),
        call().send(server.address),
        Call::new("Nobody.Knows", "{}").send(server.address),
    ] {
        assert!(year(&reply) >= 2025, "{reply:?}");
    }
    server.stop().expect(11);
}

#[test]
fn a_body_in_chunks_is_read_whole() {
    let place = Workplace::new();
    place.recorded("shop", &[call()]);
    let server = place.replay("shop", []);
    let call = call();
    let mut text = String::from("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n");
    for (name, value) in &call.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = (text + "\r\n").into_bytes();
    for chunk in call.body.chunks(7) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    let mut connection = crate::client::Connection::open(server.address).expect("it listens");
    let reply = connection.raw(&bytes, false).expect("there is an answer");
    assert_eq!(reply.status, 200, "{}", reply.message());
    server.stop().expect(0);
}

#[test]
fn a_report_for_machines_has_every_call() {
    let place = Workplace::new();
    place.recorded("shop", &[call()]);
    let server = place.replay("shop", ["--report", "junit=report.xml", "--report", "json=report.json"]);
    for call in [call(), call(), instance("-", json!({}))] {
        call.send(server.address);
    }
    server.stop().expect(10);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).expect("the report is written");
    let junit = read("report.xml");
    assert_eq!(junit.matches("<testcase ").count(), 3, "{junit}");
    assert_eq!(junit.matches("<failure").count(), 2, "{junit}");
    let json: Value = serde_json::from_str(&read("report.json")).expect("it is JSON");
    assert_eq!(json["calls"].as_array().map(Vec::len), Some(3), "{json}");
}
