//! Canaries: every form of secret, sent and answered in every place that can hold one, is nowhere
//! afterwards. The forms are put together here, so that no scanner takes this file for a leak.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::client::{Call, Connection, Key, PROTON};
use crate::gzip::gzipped;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::secrets::files;
use crate::workplace::{Workplace, instance_body};

/// A form: the text that gives the secret away, and the secret in it.
struct Canary {
    name: &'static str,
    text: String,
    secret: String,
}

/// Letters as secrets have them, other ones for each name.
fn letters(name: &str, count: usize, alphabet: &str) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        alphabet[(state >> 33) as usize % alphabet.len()]
    };
    (0..count).map(|_| next()).collect()
}

const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// Before the secret, what it is made of, behind it.
type Form = (&'static str, &'static str, &'static str, usize, &'static str);

/// All that `facts` of AWS's own and other vendors' secrets say. `%` before a letter is no escape.
const FORMS: &[Form] = &[
    // AWS.
    ("access key id", "the key AKIA", BASE32, 16, " is"),
    ("temporary key id", "ASIA", BASE32, 16, ""),
    ("bearer key id", "ABIA", BASE32, 16, ""),
    ("context key id", "ACCA", BASE32, 16, ""),
    ("session token", "IQoJb3JpZ2luX2Vj", WORD, 300, "="),
    ("older session token", "FwoGZXIvYXdz", WORD, 300, ""),
    ("oldest session token", "FQoGZXIvYXdz", WORD, 300, ""),
    ("secret access key", "aws_secret_access_key = ", WORD, 40, ""),
    ("secret in the environment", "AWS_SECRET_ACCESS_KEY=", WORD, 40, ""),
    (
        "presigned signature",
        "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=",
        HEX,
        64,
        "",
    ),
    (
        "presigned token",
        "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=",
        WORD,
        200,
        "&X-Amz-Expires=60",
    ),
    (
        "presigned key id",
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA",
        BASE32,
        16,
        "%2F20260101%2Fus-east-1",
    ),
    (
        "older presigned URL",
        "https://b.s3.amazonaws.com/k?Expires=60&Signature=",
        WORD,
        27,
        "%3D",
    ),
    (
        "signature of a request",
        "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=",
        HEX,
        64,
        "",
    ),
    (
        "token of a database",
        "db.example.com:3306/?Action=connect&DBUser=a&X-Amz-Signature=",
        HEX,
        64,
        "",
    ),
    ("signature in a form", "acl=private&x-amz-signature=", HEX, 64, "&policy=e30"),
    ("token of a cluster", "k8s-aws-v1.", WORD, 120, ""),
    ("password of a registry", "eyJwYXlsb2FkIjoi", WORD, 200, ""),
    ("token of an identity center", "aoaAAAAA", WORD, 200, ""),
    ("encoded message", "Encoded authorization failure message: ", WORD, 200, ""),
    ("key of a marketplace", "amzn.mws.4ea38b7b-f563-7709-4bae-", HEX, 12, ""),
    ("key of a model", "ABSK", WORD, 110, "=="),
    // Names.
    ("password", "password=", WORD, 12, ""),
    ("password of a database", "MasterUserPassword: ", WORD, 12, ""),
    ("password in a URL", "postgres://admin:", WORD, 12, "@db.example.com/x"),
    (
        "password of a connection",
        "Server=db;User Id=a;Password=",
        WORD,
        12,
        ";Encrypt=yes",
    ),
    ("quoted password", "db_password = '", WORD, 12, "'"),
    ("client secret", "client_secret=", WORD, 32, ""),
    ("refresh token", "refresh_token=", WORD, 32, ""),
    ("api key", "x-api-key: ", WORD, 32, ""),
    ("JSON password", "{\"a\":{\"dbPassword\":\"", WORD, 12, "\"}}"),
    ("tag of a secret", "[{\"Key\":\"password\",\"Value\":\"", WORD, 12, "\"}]"),
    ("attribute of an item", "{\"password\":{\"S\":\"", WORD, 12, "\"}}"),
    ("XML password", "<a><Password>", WORD, 12, "</Password></a>"),
    ("form password", "a=b&password=", WORD, 12, "&c=d"),
    ("escaped password", "go%3Fpassword%3D", WORD, 12, "%26c%3Dd"),
    ("bearer", "Authorization: Bearer ", WORD, 40, ""),
    ("cookie", "Cookie: session=", WORD, 32, ""),
    // Forms.
    ("web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.", WORD, 43, ""),
    (
        "private key",
        "-----BEGIN RSA PRIVATE KEY----- ",
        WORD,
        64,
        " -----END RSA PRIVATE KEY-----",
    ),
    (
        "new private key",
        "-----BEGIN PRIVATE KEY----- ",
        WORD,
        64,
        " -----END PRIVATE KEY-----",
    ),
    // Other vendors.
    ("github", "ghp_", WORD, 36, ""),
    ("github app", "ghs_", WORD, 36, ""),
    ("github fine-grained", "github_pat_", WORD, 60, ""),
    ("gitlab", "glpat-", WORD, 20, ""),
    ("slack bot", "xoxb-12345678-", WORD, 24, ""),
    ("slack hook", "https://hooks.slack.com/services/T00000000/B00000000/", WORD, 24, ""),
    ("stripe", "sk_live_", WORD, 24, ""),
    ("stripe restricted", "rk_live_", WORD, 24, ""),
    ("google", "AIza", WORD, 35, ""),
    ("sendgrid", "SG.abcdefghijklmnopqrstuv.", WORD, 43, ""),
    ("twilio", "SK", HEX, 32, ""),
    ("npm", "npm_", WORD, 36, ""),
    ("pypi", "pypi-", WORD, 80, ""),
    ("openai", "sk-proj-", WORD, 48, ""),
    ("vault", "hvs.", WORD, 90, ""),
    ("hugging face", "hf_", WORD, 34, ""),
    ("docker", "dckr_pat_", WORD, 27, ""),
    ("digital ocean", "dop_v1_", HEX, 64, ""),
    ("shopify", "shpat_", HEX, 32, ""),
    ("databricks", "dapi", HEX, 32, ""),
];

/// Headers whose value is a secret, whatever it looks like.
const HEADERS: &[&str] = &[
    "Cookie",
    "Proxy-Authorization",
    "X-Amz-Access-Token",
    "X-Amz-Client-Context",
    "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key",
    "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key-MD5",
    "X-Amz-Create-Session-Token",
    "X-Amz-S3session-Token",
    "X-Amz-Server-Side-Encryption-Customer-Key",
    "X-Amz-Server-Side-Encryption-Customer-Key-MD5",
    "X-Amz-Sso_bearer_token",
    "X-Api-Key",
    "X-Aws-Ec2-Metadata-Token",
];

/// Headers that only an answer has.
const ANSWERED: &[&str] = &["Set-Cookie", "WWW-Authenticate", "X-Amz-Security-Token"];

fn in_header(name: &str) -> String {
    letters(name, 40, WORD)
}

fn canaries() -> Vec<Canary> {
    let made = |(name, before, alphabet, count, after): &Form| {
        let secret = letters(name, *count, alphabet);
        Canary {
            name,
            text: format!("{before}{secret}{after}"),
            secret,
        }
    };
    FORMS.iter().map(made).collect()
}

/// What hides a text from who looks for it.
fn disguises(text: &str) -> Value {
    let nested = json!({ "b": json!({ "c": json!({ "d": text }).to_string() }).to_string() });
    json!({
        "member": text,
        "list": ["x", text, { "deep": text }],
        text: "a key",
        "nested": nested.to_string(),
        "base64": STANDARD.encode(text),
        "base64 in a text": format!("see {} there", STANDARD_NO_PAD.encode(text)),
        "base64 of a URL": URL_SAFE_NO_PAD.encode(format!("??>{text}")),
        "base64 twice": STANDARD.encode(STANDARD.encode(text)),
        "base64 of JSON": STANDARD.encode(json!({ "x": text }).to_string()),
        "base64 of gzip": STANDARD.encode(gzipped(text.as_bytes())),
        "escaped": utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        "form": format!("a=b&note={}", utf8_percent_encode(text, NON_ALPHANUMERIC)),
        "URL": format!("https://example.com/?to={}", utf8_percent_encode(text, NON_ALPHANUMERIC)),
        "lines": format!("{{\"x\":1}}\n{}\n", json!({ "x": text })),
    })
}

fn body(index: usize, canary: &Canary) -> Vec<u8> {
    let name = format!("canary-{index}");
    instance_body(&name, json!({ "spec": canary.text, "disguised": disguises(&canary.text) }))
        .to_string()
        .into_bytes()
}

/// A service that answers with all the secrets that it is asked for by number, and with the headers.
fn singing() -> OddUpstream {
    let canaries = canaries();
    OddUpstream::start(move |_, request| {
        let wanted = request.split("canary=").nth(1).and_then(|rest| rest.split(['&', ' ']).next());
        let index = wanted.and_then(|wanted| wanted.parse::<usize>().ok());
        let text = match (wanted, index.and_then(|index| canaries.get(index))) {
            (_, Some(canary)) => canary.text.as_str(),
            (Some("headers"), None) => "none",
            _ => return Act::Answer(http(500, &[], b"no such canary")),
        };
        let answer = json!({ "serviceInstance": {
            "name": "a", "serviceName": "frontend", "spec": text, "deploymentStatusMessage": text,
            "arn": "arn:aws:proton:us-east-1:000000000001:service/frontend/service-instance/a",
            "createdAt": 1, "lastDeploymentAttemptedAt": 1, "lastDeploymentSucceededAt": 1, "environmentName": "e", "templateName": "t",
            "templateMajorVersion": "1", "templateMinorVersion": "0", "deploymentStatus": "SUCCEEDED",
        }, "more": disguises(text) });
        let mut headers = vec![("Content-Type", "application/x-amz-json-1.0"), ("X-Note", text)];
        let plain = answer.to_string().into_bytes();
        let Some(index) = index else {
            let secrets: Vec<String> = all_headers().map(in_header).collect();
            headers.extend(all_headers().zip(secrets.iter().map(String::as_str)));
            return Act::Answer(http(200, &headers, &plain));
        };
        if index.is_multiple_of(2) {
            return Act::Answer(http(200, &headers, &plain));
        }
        headers.push(("Content-Encoding", "gzip"));
        Act::Answer(http(200, &headers, &gzipped(&plain)))
    })
}

fn all_headers() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().chain(ANSWERED).copied()
}

/// The calls of one canary: plain, and compressed.
fn calls(index: usize, canary: &Canary) -> [Call; 2] {
    let escaped = utf8_percent_encode(&canary.text, NON_ALPHANUMERIC);
    let path = format!("/?canary={index}&note={escaped}");
    let plain = body(index, canary);
    let call = |body: Vec<u8>| Call::bare(PROTON, body).at(&path).header("X-Note", &canary.text);
    let compressed = call(gzipped(&plain)).header("Content-Encoding", "gzip");
    [call(plain), compressed]
}

/// The call of all headers.
fn call_of_headers() -> Call {
    let body = instance_body("headers", json!({})).to_string();
    let call = Call::bare(PROTON, body.into_bytes()).at("/?canary=headers");
    HEADERS.iter().fold(call, |call, name| call.header(name, &in_header(name)))
}

/// A call as it is written, in chunks that part its secrets.
fn in_chunks(call: &Call, host: &str, canary: &Canary) -> Vec<u8> {
    let whole = call.bytes(host);
    let end = whole.windows(4).position(|window| window == b"\r\n\r\n").expect("there is a head") + 4;
    let (head, body) = whole.split_at(end);
    let head = String::from_utf8_lossy(head).replace(&format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked");
    let middle = canary.secret.len() / 2;
    let mut out = head.into_bytes();
    for part in body.chunks(middle.max(1)) {
        out.extend(format!("{:x}\r\n", part.len()).into_bytes());
        out.extend(part);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

/// Sends every canary through a door: plain, compressed and in chunks. Says how many calls it made.
#[track_caller]
fn sing(door: &mut Connection, host: &str, key: &Key) -> usize {
    let mut calls_made = 0;
    let mut send = |bytes: Vec<u8>, name: &str| {
        let reply = door.raw(&bytes, false).expect("there is an answer");
        assert_eq!(reply.status, 200, "{name}: {}", reply.message());
        calls_made += 1;
    };
    for (index, canary) in canaries().iter().enumerate() {
        let [plain, compressed] = calls(index, canary).map(|call| call.signed(key, host));
        send(plain.bytes(host), canary.name);
        send(compressed.bytes(host), canary.name);
        send(in_chunks(&plain, host, canary), canary.name);
    }
    send(call_of_headers().signed(key, host).bytes(host), "headers");
    calls_made
}

/// Sends every canary through both doors of a recording.
#[track_caller]
fn sing_to(puppet: &Puppet) -> usize {
    let address = puppet.address();
    let mut endpoint = Connection::open(address).expect("it listens");
    let own = sing(&mut endpoint, &address.to_string(), &puppet.key());
    let host = "proton.us-east-1.amazonaws.com";
    let key = Key::new("AKIAIOSFODNN7SECRETS", "x", Some(&in_header(TOKEN_OF_REQUESTS)));
    own + sing(&mut puppet.intercepted(host), host, &key)
}

/// Sent with a signature only.
const TOKEN_OF_REQUESTS: &str = "token of requests";

/// A secret as it is, escaped or not, and as base64 would show it wherever it begins.
fn spellings(secret: &str) -> Vec<String> {
    let shifted = (0..3).map(|shift| {
        let text = STANDARD_NO_PAD.encode(format!("{}{secret}", "x".repeat(shift)));
        // Without the letters that depend on what stands before and behind.
        text[4..text.len() - 4].to_owned()
    });
    std::iter::once(secret.to_owned()).chain(shifted).collect()
}

#[track_caller]
fn assert_silent(folder: &Path, log: &str) {
    let mut found = vec![("the log".to_owned(), log.as_bytes().to_vec())];
    files(folder, &mut found);
    assert!(found.len() > 1);
    let headers = all_headers().chain([TOKEN_OF_REQUESTS]).map(|name| (name, in_header(name)));
    let forms = canaries().into_iter().map(|canary| (canary.name, canary.secret));
    let spelled: Vec<(&str, String)> = headers
        .chain(forms)
        .flat_map(|(name, secret)| spellings(&secret).into_iter().map(move |spelling| (name, spelling)))
        .collect();
    let all: Vec<String> = spelled.iter().map(|(_, spelling)| regex::escape(spelling)).collect();
    let any = regex::bytes::Regex::new(&all.join("|")).expect("escaped texts");
    for (path, content) in &found {
        if let Some(hit) = any.find(content) {
            let is_it = |(_, spelling): &&(&str, String)| spelling.as_bytes() == hit.as_bytes();
            panic!("the {:?} is in {path}", spelled.iter().find(is_it).map(|(name, _)| name));
        }
    }
}

/// A recording through both doors, with credentials of its own. Placeholders follow from the salt, which
/// a cassette keeps: they are the same in every run, but in a thorough one.
fn recording(place: &Workplace, service: &OddUpstream) -> Puppet {
    if std::env::var_os("FERROTAPE_THOROUGH").is_none() {
        let redaction = json!({ "salt": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "rules": [] });
        let empty = json!({ "ferrotape": 1, "origin": "recorded", "models": {}, "redaction": redaction, "interactions": [] });
        place.write_cassette("shop", &empty.to_string());
    }
    let run = place
        .run(["record", "-c", "shop", "--upstream", &service.url, "--report", "json=report.json"])
        .env("AWS_ACCESS_KEY_ID", "ASIAQWERTYUIOPASDFGH")
        .env("AWS_SECRET_ACCESS_KEY", "sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT+/90");
    Puppet::start(place.path(), run)
}

#[test]
fn no_form_of_secret_is_left_anywhere_by_a_recording_through_either_door() {
    let place = Workplace::new();
    let service = singing();
    let puppet = recording(&place, &service);
    let calls = sing_to(&puppet);
    let done = puppet.end(0);
    let recorded = place.cassette("shop")["interactions"].as_array().map_or(0, Vec::len);
    assert_eq!(recorded, calls, "{}", done.stderr);
    assert_silent(place.path(), &format!("{}{}", done.stderr, done.stdout));
}

#[test]
fn no_form_of_secret_is_in_the_journal_of_a_recording_that_was_killed() {
    let place = Workplace::new();
    let service = singing();
    let puppet = recording(&place, &service);
    let calls = sing_to(&puppet);
    let killed = puppet.kill();
    assert_silent(place.path(), &format!("{}{}", killed.stderr, killed.stdout));
    let next = place.record("next", &service.url).stop().expect(0);
    assert!(next.stderr.contains(&format!("recovered {calls} interactions")), "{}", next.stderr);
    assert_silent(place.path(), &next.stderr);
}
