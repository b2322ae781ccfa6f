//! The canary of what is known: every value that redaction hid in a run is nowhere in what the run
//! wrote, in no encoding, whether it was given before or after it was used.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::client::{Call, Connection, PROTON};
use crate::gzip::gzipped;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::secrets::files;
use crate::workplace::{Workplace, instance_body};

/// Values as programs have them, none of which any form gives away.
const VALUES: [&str; 8] = [
    "correct-horse-battery-staple",
    "Tr0ub4dor",
    "with a space & an ampersand",
    "quo\"te\\back",
    "48151623420815",
    "Zm9vYmFyZm9vYmFy+/9=",
    "käse-und-brot-42",
    "0123456789abcdef0123456789abcdef01234567",
];

/// What hides a text from who looks for it.
fn disguises(text: &str) -> Value {
    let escaped = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let xml = text.replace('&', "&amp;").replace('"', "&quot;");
    let nested = json!({ "b": json!({ "c": format!("dsn {text} end") }).to_string() });
    json!({
        "member": text,
        "list": ["x", text, { "deep": format!("connect with {text}!") }],
        text: "a key",
        "nested": nested.to_string(),
        "base64": STANDARD.encode(nested.to_string()),
        "base64 in a text": format!("see {} there", STANDARD_NO_PAD.encode(format!("<<{text}>> and more"))),
        "gzip": STANDARD.encode(gzipped(format!("log: {text}\n").as_bytes())),
        "form": format!("a=b&c={escaped}"),
        "URL": format!("https://example.com/{escaped}/x?to={escaped}"),
        "xml": format!("<a><b>{xml}</b></a>"),
    })
}

/// A service that shows what it is asked to show, in the answer's members and a header.
fn showing() -> OddUpstream {
    OddUpstream::start(move |_, request| {
        let wanted = request.split("show=").nth(1).and_then(|rest| rest.split(['&', ' ']).next());
        let text = wanted
            .and_then(|wanted| wanted.parse::<usize>().ok())
            .and_then(|index| VALUES.get(index));
        let text = text.copied().unwrap_or("nothing");
        let answer = json!({ "serviceInstance": {
            "name": "a", "serviceName": "frontend", "spec": "none", "deploymentStatusMessage": format!("said {text}"),
            "arn": "arn:aws:proton:us-east-1:000000000001:service/frontend/service-instance/a",
            "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1, "environmentName": "e", "templateName": "t",
            "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
        }, "more": disguises(text) });
        let escaped = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let headers = [("Content-Type", "application/x-amz-json-1.0"), ("X-Note", escaped.as_str())];
        Act::Answer(http(200, &headers, answer.to_string().as_bytes()))
    })
}

/// Uses every value before it is given as a secret, gives it, and uses it again.
#[track_caller]
fn use_all(puppet: &Puppet) -> usize {
    let address = puppet.address();
    let mut door = Connection::open(address).expect("it listens");
    let mut calls = 0;
    let mut send = |path: String, body: Value| {
        let call = Call::bare(PROTON, body.to_string().into_bytes()).at(&path);
        let bytes = call.signed(&puppet.key(), &address.to_string()).bytes(&address.to_string());
        let reply = door.raw(&bytes, false).expect("there is an answer");
        assert_eq!(reply.status, 200, "{}", reply.message());
        calls += 1;
    };
    for round in ["before", "given", "after"] {
        for (index, value) in VALUES.iter().enumerate() {
            let name = format!("{round}-{index}");
            match round {
                "given" => send("/".to_owned(), instance_body(&name, json!({ "spec": value }))),
                _ => {
                    let escaped = utf8_percent_encode(value, NON_ALPHANUMERIC);
                    let more = json!({ "spec": "none of them", "disguised": disguises(value) });
                    send(format!("/?show={index}&note={escaped}"), instance_body(&name, more));
                }
            }
        }
    }
    calls
}

/// A value as it is, in the spellings of formats, and as base64 shows it wherever it begins.
fn spellings(value: &str) -> Vec<String> {
    let json = Value::from(value).to_string();
    let shifted = (0..3).filter_map(|shift| {
        let text = STANDARD_NO_PAD.encode(format!("{}{value}", "x".repeat(shift)));
        let end = text.len() - 4;
        (end > 8).then(|| text[4..end].to_owned())
    });
    let plain = [
        value.to_owned(),
        json[1..json.len() - 1].to_owned(),
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        value.replace('&', "&amp;").replace('"', "&quot;"),
        value.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    plain.into_iter().chain(shifted).collect()
}

#[track_caller]
fn assert_unknown(folder: &Path, values: &[&str], log: &str) {
    let mut found = vec![("the log".to_owned(), log.as_bytes().to_vec())];
    files(folder, &mut found);
    assert!(found.len() > 1);
    for value in values {
        for spelling in spellings(value) {
            let is_it = |window: &[u8]| window == spelling.as_bytes();
            let hit = found.iter().find(|(_, content)| content.windows(spelling.len()).any(is_it));
            assert!(hit.is_none(), "`{value}` is in {:?} as `{spelling}`", hit.map(|(path, _)| path));
        }
    }
}

fn recording(place: &Workplace, service: &OddUpstream) -> Puppet {
    let run = place.run(["record", "-c", "shop", "--upstream", &service.url, "--report", "json=report.json"]);
    Puppet::start(place.path(), run)
}

#[test]
fn no_value_that_was_hidden_once_is_left_anywhere_by_a_recording() {
    let place = Workplace::new();
    let service = showing();
    let puppet = recording(&place, &service);
    let calls = use_all(&puppet);
    let done = puppet.end(0);
    let recorded = place.cassette("shop")["interactions"].as_array().map_or(0, Vec::len);
    assert_eq!(recorded, calls, "{}", done.stderr);
    assert_unknown(place.path(), &VALUES, &format!("{}{}", done.stderr, done.stdout));
}

#[test]
fn a_recording_that_was_killed_is_recovered_without_the_values_that_it_hid() {
    let place = Workplace::new();
    let service = showing();
    let puppet = recording(&place, &service);
    let calls = use_all(&puppet);
    puppet.kill();
    let next = place.record("next", &service.url).stop().expect(0);
    assert!(next.stderr.contains(&format!("recovered {calls} interactions")), "{}", next.stderr);
    assert_unknown(place.path(), &VALUES, &next.stderr);
}

#[test]
fn an_account_that_is_recognized_late_is_hidden_in_what_was_recorded_before_a_kill() {
    const ACCOUNT: &str = "481516234207";
    let place = Workplace::new();
    let service = showing();
    let puppet = recording(&place, &service);
    let address = puppet.address();
    let mut door = Connection::open(address).expect("it listens");
    for more in [
        json!({ "spec": "none", "note": format!("lot {ACCOUNT} of many"), "list": [disguises(ACCOUNT)] }),
        json!({ "spec": "none", "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/x") }),
    ] {
        let call = Call::bare(PROTON, instance_body("a", more).to_string().into_bytes());
        let bytes = call.signed(&puppet.key(), &address.to_string()).bytes(&address.to_string());
        assert_eq!(door.raw(&bytes, false).expect("there is an answer").status, 200);
    }
    puppet.kill();
    let next = place.record("next", &service.url).stop().expect(0);
    assert!(next.stderr.contains("recovered 2 interactions"), "{}", next.stderr);
    assert_unknown(place.path(), &[ACCOUNT], &next.stderr);
}
