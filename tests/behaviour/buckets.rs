//! Every way to name an S3 bucket, through both doors: the service gets the object's key byte for
//! byte, and the cassette names the bucket once.

use serde_json::{Value, json};

use crate::client::Call;
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::support::Run;
use crate::workplace::Workplace;

/// Names of legal shapes: dots, digits, dashes, short labels, what looks like a region, like S3's own
/// host or like an address, the longest, aliases, and those from before the rules were strict.
const BUCKETS: [&str; 18] = [
    "plain",
    "abc",
    "aa.bb.cc",
    "www.example.com",
    "1234abcd.12ab.4abc.8abc.123456789abc",
    "123.456.789",
    "192.168.1x.com",
    "us-east-1",
    "s3.foo.bar",
    "my.s3.us-east-1",
    "vpce-1a",
    "dualstack",
    "bucket",
    "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-012345678",
    "name-s3alias",
    "my_bucket",
    "MyBucket",
    "localhost",
];

/// Keys as clients write them in a path.
const KEYS: [&str; 14] = [
    "k",
    "/lead",
    "a//b",
    "a/./b",
    "a/../b",
    "..",
    "q%3Fx%3D1%23f",
    "p%2Bq%20r",
    "p+q",
    "%252F%2525",
    "a%2fb%2Fc",
    "%C3%BC/%C3%A9",
    "folder/",
    "!'()*~,;=:@&$",
];

/// `GetObject`, with the part of S3's endpoint rules that decides where the bucket goes.
fn model() -> Value {
    let endpoint = |url: &str, conditions: Value| json!({ "type": "endpoint", "conditions": conditions, "endpoint": { "url": url } });
    let is_set = |name: &str| json!({ "fn": "isSet", "argv": [{ "ref": name }] });
    let label = |more: Value| json!({ "target": "smithy.api#String", "traits": more });
    let required = || json!({ "smithy.api#httpLabel": {}, "smithy.api#required": {} });
    let mut bucket = required();
    bucket["smithy.rules#contextParam"] = json!({ "name": "Bucket" });
    let in_host = json!([is_set("Bucket"),
        { "fn": "booleanEquals", "argv": [{ "ref": "ForcePathStyle" }, false] },
        { "fn": "aws.isVirtualHostableS3Bucket", "argv": [{ "ref": "Bucket" }, false] }]);
    let in_path = json!([is_set("Bucket"), { "fn": "uriEncode", "argv": [{ "ref": "Bucket" }], "assign": "encoded" }]);
    json!({ "smithy": "2.0", "shapes": {
        "com.amazonaws.s3#AmazonS3": { "type": "service", "version": "2006-03-01",
            "operations": [{ "target": "com.amazonaws.s3#GetObject" }],
            "traits": { "aws.api#service": { "sdkId": "S3", "endpointPrefix": "s3" }, "aws.auth#sigv4": { "name": "s3" },
                "aws.protocols#restXml": { "noErrorWrapping": true },
                "smithy.rules#endpointRuleSet": { "version": "1.0",
                    "parameters": {
                        "Region": { "type": "string", "builtIn": "AWS::Region" },
                        "Bucket": { "type": "string" },
                        "Endpoint": { "type": "string", "builtIn": "SDK::Endpoint" },
                        "ForcePathStyle": { "type": "boolean", "builtIn": "AWS::S3::ForcePathStyle", "required": true, "default": false } },
                    "rules": [
                        endpoint("https://{Bucket}.s3.{Region}.amazonaws.com", in_host),
                        endpoint("https://s3.{Region}.amazonaws.com/{encoded}", in_path)] } } },
        "com.amazonaws.s3#GetObject": { "type": "operation", "input": { "target": "com.amazonaws.s3#Place" },
            "output": { "target": "com.amazonaws.s3#Content" },
            "traits": { "smithy.api#http": { "method": "GET", "uri": "/{Bucket}/{Key+}", "code": 200 } } },
        "com.amazonaws.s3#Place": { "type": "structure", "members": { "Bucket": label(bucket), "Key": label(required()) } },
        "com.amazonaws.s3#Content": { "type": "structure",
            "members": { "Body": { "target": "smithy.api#Blob", "traits": { "smithy.api#httpPayload": {} } } } },
    } })
}

fn recording(place: &Workplace, upstream: &OddUpstream) -> Run {
    let file = place.path().join("storage.json");
    std::fs::write(&file, model().to_string()).expect("the folder can be written");
    let run = place.run(["record", "-c", "shelf", "--upstream", &upstream.url]);
    run.arguments(["--model"]).arguments([file])
}

fn content() -> OddUpstream {
    OddUpstream::start(|_, _| Act::Answer(http(200, &[], b"content")))
}

fn get(path: &str) -> Call {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDUNVERIFIED/20260101/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=00";
    Call {
        method: "GET",
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
    .header("Authorization", authorization)
}

/// The targets of the request lines that the upstream saw.
fn targets(upstream: &OddUpstream) -> Vec<String> {
    let target = |request: &String| request.split(' ').nth(1).unwrap_or_default().to_owned();
    upstream.seen().iter().map(target).collect()
}

/// The URIs of a cassette's interactions.
fn recorded(place: &Workplace) -> Vec<String> {
    let cassette = place.cassette("shelf");
    let interactions = cassette["interactions"].as_array().cloned().unwrap_or_default();
    let uri = |interaction: &Value| interaction["request"]["uri"].as_str().unwrap_or_default().to_owned();
    interactions.iter().map(uri).collect()
}

/// Each bucket with one key, and one bucket of each way of naming with each key.
fn objects() -> Vec<(&'static str, &'static str)> {
    let buckets = BUCKETS.iter().map(|bucket| (*bucket, "k/x"));
    let keys = KEYS.iter().flat_map(|key| [("plain", *key), ("www.example.com", *key)]);
    buckets.chain(keys).collect()
}

fn at_aws(bucket: &str, key: &str) -> String {
    format!("https://s3.us-west-2.amazonaws.com/{bucket}/{key}")
}

#[test]
fn at_the_endpoint_door_the_key_of_an_object_arrives_byte_for_byte() {
    let place = Workplace::new();
    let upstream = content();
    let server = recording(&place, &upstream).start();
    for (bucket, key) in objects() {
        let reply = get(&format!("/{bucket}/{key}")).send(server.address);
        assert_eq!(reply.body, b"content", "{bucket} {key}: {reply:?}");
    }
    server.stop().expect(0);
    let sent: Vec<String> = objects().iter().map(|(bucket, key)| format!("/{bucket}/{key}")).collect();
    assert_eq!(targets(&upstream), sent);
    let uris: Vec<String> = objects().iter().map(|(bucket, key)| at_aws(bucket, key)).collect();
    assert_eq!(recorded(&place), uris);
}

#[test]
fn a_bucket_before_our_own_name_goes_into_the_path_at_the_upstream() {
    let place = Workplace::new();
    let upstream = content();
    let server = recording(&place, &upstream).start();
    for (bucket, key) in objects() {
        let host = format!("{bucket}.localhost:{}", server.address.port());
        let reply = get(&format!("/{key}")).header("Host", &host).send(server.address);
        assert_eq!(reply.body, b"content", "{bucket} {key}: {reply:?}");
    }
    server.stop().expect(0);
    let sent: Vec<String> = objects().iter().map(|(bucket, key)| format!("/{bucket}/{key}")).collect();
    assert_eq!(targets(&upstream), sent);
    let uris: Vec<String> = objects().iter().map(|(bucket, key)| at_aws(bucket, key)).collect();
    assert_eq!(recorded(&place), uris);
}

#[test]
fn through_the_intercept_door_host_and_path_stay_as_they_are_and_the_cassette_names_the_bucket_once() {
    let place = Workplace::new();
    let upstream = content();
    let puppet = Puppet::start(place.path(), recording(&place, &upstream));
    let mut sent = Vec::new();
    for (bucket, key) in objects() {
        let hosts = ["s3.us-west-2", "s3.dualstack.us-west-2", "s3-accelerate", "s3-fips.us-west-2"];
        let in_host = hosts.map(|host| (format!("{bucket}.{host}.amazonaws.com"), format!("/{key}")));
        let in_path = ("s3.us-west-2.amazonaws.com".to_owned(), format!("/{bucket}/{key}"));
        // A certificate's names have one label for the bucket, as those of AWS have.
        let may_be_in_host = bucket
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let named = in_host.into_iter().filter(|_| may_be_in_host);
        for (host, path) in named.chain([in_path]) {
            let reply = puppet.intercepted(&host).send(&get(&path)).expect("there is an answer");
            assert_eq!(reply.body, b"content", "{host} {path}: {reply:?}");
            sent.push((host, path, at_aws(bucket, key)));
        }
    }
    puppet.end(0).expect(0);
    let seen = upstream.seen();
    for (request, (host, path, _)) in seen.iter().zip(&sent) {
        assert!(
            request.starts_with(&format!("GET {path} ")) && request.contains(host),
            "{host}{path}: {request}"
        );
    }
    let uris: Vec<String> = sent.into_iter().map(|(_, _, uri)| uri).collect();
    assert_eq!(recorded(&place), uris);
}
