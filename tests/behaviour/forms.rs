//! The names and forms of secrets, on both sides: what is one is hidden and what is none stays, alike
//! by `record`, by `scan` and by `scrub`.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use ferrotape::codec::content::zlib;

use crate::client::{Call, PROTON};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Workplace, assert_same_text, instance, interaction, tape};

const SECRET: &str = "Sup3rHush01Qx7Lw9";
const PIN: &str = "471108";

/// Members that only their name and what stands there give away.
const NAMES: [&str; 18] = [
    "pass",
    "DB_PASS",
    "SMTP_PASS",
    "pwd",
    "token",
    "bearer",
    "access_key",
    "ENCRYPTION_KEY",
    "credentials",
    "auth",
    "session",
    "pin",
    "password",
    "db-password",
    "apiKey",
    "clientSecret",
    "cookie",
    "X-Secret-Token",
];

/// Values that are no secret beside a name that only may be one.
const ORDINARY: [&str; 9] = [
    "enabled",
    "read-write",
    "us-east-1",
    "arn:aws:iam::123456789012:role/x",
    "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11",
    "eni-0a1b2c3d4e5f67890",
    "https://example.com/path",
    "db.example.com",
    "${DB_PASS}",
];

/// Texts that hold the secret, each in a form of its own.
fn texts() -> Vec<String> {
    let hexadecimal = |text: String| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    vec![
        json!({ "auths": { "registry.example.com": { "auth": STANDARD.encode(format!("user:{SECRET}")) } } }).to_string(),
        format!("machine api.example.com login me password {SECRET}"),
        format!("db.example.com:5432:orders:app:{SECRET}"),
        format!("curl -u admin:{SECRET} https://example.com/"),
        format!("run --password {SECRET} --verbose"),
        format!("os.environ[\"API_KEY\"] = \"{SECRET}\""),
        format!("password: |\n  {SECRET}\nport: 5432\n"),
        STANDARD.encode(zlib(format!("password={SECRET} and more of it").as_bytes())),
        hexadecimal(format!("password={SECRET} and more of it")),
        format!("Parameters:\n  DbPassword:\n    Type: String\n    Default: {SECRET}\n"),
        json!({ "Parameters": { "User": { "Type": "String", "NoEcho": true, "Default": SECRET } } }).to_string(),
        json!({ "command": ["curl", "-u", format!("admin:{SECRET}"), "https://example.com/"] }).to_string(),
        format!("{{\"pin\":{PIN}}}"),
    ]
}

/// Texts that look like those and hold none.
fn harmless() -> Vec<String> {
    vec![
        "machine api.example.com login me".to_owned(),
        "src/main.rs:5432:34: error: no such thing".to_owned(),
        "curl https://example.com/ -o x".to_owned(),
        "use --password to give one".to_owned(),
        "description: |\n  the password is asked for\nport: 5432\n".to_owned(),
        "Parameters:\n  User:\n    Type: String\n    NoEcho: false\n    Default: admin4711\n".to_owned(),
        json!({ "Parameters": { "User": { "Type": "String", "NoEcho": false, "Default": "admin4711" } } }).to_string(),
        json!({ "command": ["docker", "run", "-u", "1000:1000", "--token", "enabled"] }).to_string(),
        json!({ "pins": 4711, "maxTokens": 4096, "NextToken": "Aa1Bb2Cc3Dd4Ee5Ff", "shipping": PIN }).to_string(),
        "0123456789abcdef0123456789abcdef".to_owned(),
    ]
}

/// All of them as the members of a body, which no model knows.
fn secret_members() -> Value {
    let named: Value = NAMES.iter().map(|name| ((*name).to_owned(), json!(SECRET))).collect();
    json!({
        "named": named,
        "texts": texts(),
        "pin": PIN.parse::<u32>().unwrap_or_default(),
        "card": { "pins": [PIN.parse::<u32>().unwrap_or_default()] },
        "commands": [
            ["psql", "--password", SECRET],
            ["curl", "-u", format!("admin:{SECRET}")],
            ["mysql", "-uroot", format!("-p{SECRET}")],
        ],
    })
}

fn harmless_members() -> Value {
    let maybe = NAMES
        .iter()
        .filter(|name| !["password", "db-password", "apiKey", "clientSecret", "cookie"].contains(name));
    let each = |name: &&str| ORDINARY.iter().map(|value| json!({ *name: value })).collect::<Value>();
    json!({
        "ordinary": maybe.map(each).collect::<Value>(),
        "harmless": harmless(),
        "pins": 4711,
        "retries": PIN,
        "commands": [["docker", "run", "-u", "1000:1000"], ["app", "--password", "$PASSWORD", "--token", "enabled"]],
    })
}

/// The secrets in every spelling in which these texts hold them.
fn spellings() -> Vec<String> {
    let mut spellings = vec![SECRET.to_owned(), PIN.to_owned(), STANDARD.encode(format!("user:{SECRET}"))];
    spellings.extend(texts().into_iter().filter(|text| !text.contains(SECRET) && !text.contains(PIN)));
    spellings
}

#[track_caller]
fn assert_hidden(text: &str) {
    for secret in spellings() {
        assert!(!text.contains(&secret), "`{secret}` is in {text}");
    }
}

/// A service that answers with what it is sent, and with a header that is named like a secret.
fn echoing() -> OddUpstream {
    OddUpstream::start(|_, request| {
        let sent: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap_or_default();
        let answer = json!({ "serviceInstance": {
            "name": "a", "serviceName": "frontend", "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1,
            "arn": "arn:aws:proton:us-east-1:000000000001:service/frontend/service-instance/a", "environmentName": "e",
            "templateName": "t", "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
        }, "more": sent["more"] });
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Secret-Token", SECRET),
            ("X-Session", "read-write"),
        ];
        Act::Answer(http(200, &headers, answer.to_string().as_bytes()))
    })
}

fn call(more: &Value) -> Call {
    instance("a", json!({ "more": more }))
}

#[test]
fn what_a_name_or_a_form_gives_away_is_hidden_by_a_recording_and_found_again_in_replay() {
    let place = Workplace::new();
    let upstream = echoing();
    place.recorded_from("shop", &upstream.url, &[call(&secret_members())]);
    assert_hidden(&place.cassette_text("shop"));
    assert_eq!(place.run(["scan", "cassettes"]).finish().expect(0).stdout, "");
    assert_eq!(place.run(["scrub"]).finish().expect(0).stdout, "0 of 1 cassette changed\n");
    let recorded = &place.cassette("shop")["interactions"][0];
    let headers = recorded["response"]["headers"].as_array().expect("it has some");
    let header = |name: &str| headers.iter().find(|header| header[0] == name).map(|header| header[1].clone());
    assert_ne!(header("x-secret-token"), Some(json!(SECRET)));
    assert_eq!(header("x-session"), Some(json!("read-write")));
    let more = &recorded["request"]["body"]["json"]["more"];
    assert!(more["pin"].is_u64(), "a number stays one: {more}");
    assert!(
        more["commands"][1][2].as_str().is_some_and(|item| item.starts_with("admin:")),
        "{more}"
    );
    let server = place.replay("shop", ["--repeat"]);
    let reply = call(&secret_members()).send(server.address);
    assert_eq!(reply.status, 200, "{}", reply.message());
    assert_eq!(call(more).send(server.address).status, 200, "the placeholders match, too");
    server.stop().expect(0);
}

#[test]
fn what_only_looks_like_a_secret_stays_readable_in_a_recording() {
    let place = Workplace::new();
    let upstream = echoing();
    place.recorded_from("shop", &upstream.url, &[call(&harmless_members())]);
    let recorded = &place.cassette("shop")["interactions"][0];
    let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("it is JSON");
    assert_same_text(&pretty(&recorded["request"]["body"]["json"]["more"]), &pretty(&harmless_members()));
    assert_eq!(place.run(["scan", "cassettes"]).finish().expect(0).stdout, "");
}

#[test]
fn a_hand_made_cassette_is_scrubbed_of_what_a_recording_hides_and_of_nothing_else() {
    let place = Workplace::new();
    for (name, members) in [("secret", secret_members()), ("harmless", harmless_members())] {
        let answer = json!({ "__type": "ConflictException", "more": members });
        let input = json!({ "name": "a", "serviceName": "frontend", "more": members });
        let call = interaction(PROTON, input, 400, answer);
        place.write_cassette(name, &tape(&[call]));
    }
    let before = place.cassette_text("harmless");
    let found = place.run(["scan", "cassettes"]).finish().expect(16).stdout;
    assert!(found.contains("secret.json") && !found.contains("harmless.json"), "{found}");
    place.run(["scrub"]).finish().expect(0);
    assert_hidden(&place.cassette_text("secret"));
    assert_same_text(&place.cassette_text("harmless"), &before);
    assert_eq!(place.run(["scan", "cassettes"]).finish().expect(0).stdout, "");
}

#[test]
fn a_file_is_scanned_for_what_a_recording_hides_and_for_nothing_else() {
    let place = Workplace::new();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = place.path().join(name);
        std::fs::write(&path, text).expect("it is ours");
        path
    };
    let secrets = NAMES.iter().map(|name| json!({ *name: SECRET }).to_string()).chain(texts());
    for (index, text) in secrets.enumerate() {
        let name = format!("secret-{index}");
        write(&name, &text);
        let done = place.run(["scan", &name]).finish();
        assert_eq!(done.code, 16, "{text}");
        assert!(done.stdout.contains(": secret-forms"), "{text}: {}", done.stdout);
        assert_hidden(&done.stdout);
    }
    write("harmless.json", &harmless_members().to_string());
    for (index, text) in harmless().iter().enumerate() {
        write(&format!("harmless-{index}"), text);
    }
    let files: Vec<String> = (0..harmless().len()).map(|index| format!("harmless-{index}")).collect();
    let arguments = ["scan", "harmless.json"].into_iter().chain(files.iter().map(String::as_str));
    assert_eq!(place.run(arguments).finish().expect(0).stdout, "");
}

#[test]
fn a_text_in_which_a_form_hides_one_part_and_a_later_call_another_still_matches() {
    let place = Workplace::new();
    let upstream = echoing();
    let note = "n0teN0teN0te";
    let text = json!({ "password": SECRET, "pin": PIN.parse::<u32>().unwrap_or_default(), "see": format!("the {note} of it") });
    let mixed = call(&json!({ "text": text.to_string() }));
    let later = call(&json!({ "token": note }));
    place.recorded_from("shop", &upstream.url, &[mixed.clone(), later.clone(), mixed.clone()]);
    let recorded = place.cassette_text("shop");
    assert_hidden(&recorded);
    assert!(!recorded.contains(note), "{recorded}");
    let server = place.replay("shop", ["--all-played"]);
    for call in [&mixed, &later, &mixed] {
        let reply = call.send(server.address);
        assert_eq!(reply.status, 200, "{}", reply.message());
    }
    server.stop().expect(0);
}
