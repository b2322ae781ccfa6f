//! S3 Express: a session's credentials come with the first call, and sign the others in a way of their
//! own; through both doors, and never in a cassette.

use serde_json::{Value, json};

use crate::client::{Call, Key, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::workplace::Workplace;

const BUCKET: &str = "fast--use1-az4--x-s3";
const ZONE: &str = "fast--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com";
const CONTROL: &str = "s3express-control.us-east-1.amazonaws.com";
const TOKEN: &str = "a-session-token-of-this-bucket-that-nobody-may-see";
const SECRET: &str = "anExpressSecretThatIsFortyLettersLong000";
const ID: &str = "ASIA2EXPRESSKEYABCDE";

fn model() -> Value {
    let text = |more: Value| json!({ "target": "smithy.api#String", "traits": more });
    let required = || json!({ "smithy.api#httpLabel": {}, "smithy.api#required": {} });
    let operation = |method: &str, uri: &str, input: &str, output: &str| {
        json!({ "type": "operation", "input": { "target": input }, "output": { "target": output },
            "traits": { "smithy.api#http": { "method": method, "uri": uri, "code": 200 } } })
    };
    let list = operation("GET", "/", "smithy.api#Unit", "com.amazonaws.s3#Listed");
    let plain = || text(json!({}));
    json!({ "smithy": "2.0", "shapes": {
        "com.amazonaws.s3#AmazonS3": { "type": "service", "version": "2006-03-01",
            "operations": [{ "target": "com.amazonaws.s3#CreateSession" }, { "target": "com.amazonaws.s3#GetObject" },
                { "target": "com.amazonaws.s3#ListBuckets" }, { "target": "com.amazonaws.s3#ListDirectoryBuckets" }],
            "traits": { "aws.api#service": { "sdkId": "S3", "endpointPrefix": "s3" }, "aws.auth#sigv4": { "name": "s3" },
                "aws.protocols#restXml": { "noErrorWrapping": true } } },
        "com.amazonaws.s3#CreateSession":
            operation("GET", "/{Bucket}?session", "com.amazonaws.s3#Bucket", "com.amazonaws.s3#Session"),
        "com.amazonaws.s3#GetObject": operation("GET", "/{Bucket}/{Key+}", "com.amazonaws.s3#Place", "com.amazonaws.s3#Listed"),
        "com.amazonaws.s3#ListBuckets": list.clone(),
        "com.amazonaws.s3#ListDirectoryBuckets": list,
        "com.amazonaws.s3#Bucket": { "type": "structure", "members": { "Bucket": text(required()) } },
        "com.amazonaws.s3#Place": { "type": "structure", "members": { "Bucket": text(required()), "Key": text(required()) } },
        "com.amazonaws.s3#Listed": { "type": "structure", "members": {} },
        "com.amazonaws.s3#Session": { "type": "structure",
            "members": { "Credentials": { "target": "com.amazonaws.s3#Credentials" } } },
        "com.amazonaws.s3#Credentials": { "type": "structure",
            "members": { "SessionToken": plain(), "SecretAccessKey": plain(), "AccessKeyId": plain(), "Expiration": plain() } },
    } })
}

/// Gives credentials to whoever asks for a session, and an object to whoever shows them.
fn express() -> OddUpstream {
    let session = format!(
        "<CreateSessionResult><Credentials><SessionToken>{TOKEN}</SessionToken><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <AccessKeyId>{ID}</AccessKeyId><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>"
    );
    OddUpstream::start(move |_, request| {
        let lower = request.to_ascii_lowercase();
        let shows = lower.contains(&format!("x-amz-s3session-token: {TOKEN}")) && request.contains(ID);
        Act::Answer(match request {
            _ if request.contains("?session") => http(200, &[("Content-Type", "application/xml")], session.as_bytes()),
            _ if request.starts_with("GET / ") => http(200, &[], b""),
            _ if shows && !lower.contains("x-amz-security-token") => http(200, &[], b""),
            _ => http(403, &[], b"<Error><Code>AccessDenied</Code></Error>"),
        })
    })
}

fn get(path: &str) -> Call {
    Call {
        method: "GET",
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn asked(puppet: &Puppet, door: &str, host: &str, path: &str, key: &Key, token: Option<&str>) -> Reply {
    let call = token.map_or_else(|| get(path), |token| get(path).header("x-amz-s3session-token", token));
    let own = puppet.address().to_string();
    let reply = match door {
        "endpoint" => call.signed_as("s3express", "us-east-1", key, &own).send(puppet.address()),
        _ => {
            let call = call.signed_as("s3express", "us-east-1", key, host);
            puppet.intercepted(host).send(&call).expect("there is an answer")
        }
    };
    let said = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, 200, "{door} {path}: {said}");
    reply
}

fn element(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("<{name}>")).expect("it is there");
    rest.split('<').next().unwrap_or_default().to_owned()
}

/// A session, an object by its credentials, and the list of directory buckets.
fn used(puppet: &Puppet, door: &str) -> String {
    let path = |rest: &str| {
        if door == "endpoint" {
            format!("/{BUCKET}{rest}")
        } else {
            format!("/{}", rest.trim_start_matches('/'))
        }
    };
    let session = asked(puppet, door, ZONE, &path("?session"), &puppet.key(), None);
    let text = String::from_utf8_lossy(&session.body).into_owned();
    let key = Key::new(&element(&text, "AccessKeyId"), &element(&text, "SecretAccessKey"), None);
    asked(puppet, door, ZONE, &path("/a/k"), &key, Some(&element(&text, "SessionToken")));
    asked(puppet, door, CONTROL, "/", &puppet.key(), None);
    text
}

#[test]
fn a_session_with_a_directory_bucket_is_recorded_and_played_through_either_door() {
    let upstream = express();
    let place = Workplace::new();
    std::fs::write(place.path().join("storage.json"), model().to_string()).expect("the folder can be written");
    for recorded_by in ["endpoint", "intercept"] {
        let run = place.run(["record", "-c", "fast", "--model", "storage.json", "--upstream", &upstream.url]);
        let run = run
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        let puppet = Puppet::start(place.path(), run);
        assert!(used(&puppet, recorded_by).contains(TOKEN), "the program has its credentials");
        puppet.end(0).expect(0);
        let text = place.cassette_text("fast");
        assert!(![TOKEN, SECRET, ID].iter().any(|secret| text.contains(secret)), "{text}");
        let cassette = place.cassette("fast");
        let operations: Vec<&Value> = (0..3).map(|at| &cassette["interactions"][at]["operation"]).collect();
        assert_eq!(operations, ["CreateSession", "GetObject", "ListDirectoryBuckets"]);
        for played_by in ["endpoint", "intercept"] {
            let run = place.run(["replay", "-c", "fast", "--model", "storage.json", "--all-played"]);
            let puppet = Puppet::start(place.path(), run);
            assert!(!used(&puppet, played_by).contains(TOKEN));
            puppet.end(0).expect(0);
        }
    }
}
