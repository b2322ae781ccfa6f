//! S3's own ways, with a small model of it: encodings and checksums that belong to an object.

use serde_json::json;

use crate::client::Call;
use crate::gzip::{gzipped, unzipped};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::{Run, Server};
use crate::workplace::Workplace;

/// `PutObject` and `GetObject`, as far as these tests go.
fn model() -> String {
    let header = |name: &str| json!({ "target": "smithy.api#String", "traits": { "smithy.api#httpHeader": name } });
    let label = json!({ "target": "smithy.api#String", "traits": { "smithy.api#httpLabel": {}, "smithy.api#required": {} } });
    let body = json!({ "target": "com.amazonaws.s3#Body", "traits": { "smithy.api#httpPayload": {} } });
    let operation = |method: &str, input: &str, output: &str| {
        json!({ "type": "operation", "input": { "target": input }, "output": { "target": output },
            "traits": { "smithy.api#http": { "method": method, "uri": "/{Bucket}/{Key+}", "code": 200 } } })
    };
    let place = json!({ "Bucket": label, "Key": label });
    let mut object = place.as_object().cloned().unwrap_or_default();
    object.insert("ContentEncoding".to_owned(), header("Content-Encoding"));
    object.insert("Body".to_owned(), body.clone());
    json!({ "smithy": "2.0", "shapes": {
        "com.amazonaws.s3#AmazonS3": { "type": "service", "version": "2006-03-01",
            "operations": [{ "target": "com.amazonaws.s3#PutObject" }, { "target": "com.amazonaws.s3#GetObject" }],
            "traits": { "aws.api#service": { "sdkId": "S3", "endpointPrefix": "s3" }, "aws.auth#sigv4": { "name": "s3" },
                "aws.protocols#restXml": { "noErrorWrapping": true } } },
        "com.amazonaws.s3#PutObject": operation("PUT", "com.amazonaws.s3#Object", "com.amazonaws.s3#Stored"),
        "com.amazonaws.s3#GetObject": operation("GET", "com.amazonaws.s3#Place", "com.amazonaws.s3#Content"),
        "com.amazonaws.s3#Object": { "type": "structure", "members": object },
        "com.amazonaws.s3#Place": { "type": "structure", "members": place },
        "com.amazonaws.s3#Stored": { "type": "structure", "members": { "ETag": header("ETag") } },
        "com.amazonaws.s3#Content": { "type": "structure",
            "members": { "ContentEncoding": header("Content-Encoding"), "Body": body } },
        "com.amazonaws.s3#Body": { "type": "blob", "traits": { "smithy.api#streaming": {} } },
    } })
    .to_string()
}

fn call(method: &'static str, body: &[u8]) -> Call {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDUNVERIFIED/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";
    Call {
        method,
        path: "/bucket/packed.gz".to_owned(),
        headers: Vec::new(),
        body: body.to_vec(),
    }
    .header("Authorization", authorization)
}

fn start(place: &Workplace, run: Run) -> Server {
    let model_file = place.path().join("storage.json");
    std::fs::write(&model_file, model()).expect("the folder can be written");
    run.arguments(["--model"]).arguments([model_file]).start()
}

fn record(place: &Workplace, upstream: &OddUpstream) -> Server {
    start(place, place.run(["record", "-c", "shelf", "--upstream", &upstream.url]))
}

fn replay(place: &Workplace) -> Server {
    start(place, place.run(["replay", "-c", "shelf", "--all-played"]))
}

#[test]
fn an_object_that_is_stored_compressed_comes_back_byte_for_byte() {
    let packed = gzipped("packed ".repeat(40));
    let answer = http(200, &[("Content-Encoding", "gzip"), ("Content-Type", "text/plain")], &packed);
    let service = OddUpstream::start(move |_, _| Act::Answer(answer.clone()));
    let place = Workplace::new();
    let server = record(&place, &service);
    let recorded = call("GET", b"").header("Accept-Encoding", "identity").send(server.address);
    server.stop().expect(0);
    assert_eq!(recorded.body, packed);
    let server = replay(&place);
    let replayed = call("GET", b"").header("Accept-Encoding", "identity").send(server.address);
    server.stop().expect(0);
    assert_eq!(replayed.header("content-encoding"), Some("gzip"));
    assert_eq!(replayed.body, packed);
}

#[test]
fn the_content_encoding_of_an_upload_is_part_of_what_is_asked() {
    let service = OddUpstream::start(|_, _| Act::Answer(http(200, &[("ETag", "\"1\"")], b"")));
    let place = Workplace::new();
    let packed = gzipped("hello");
    let put = call("PUT", &packed).header("Content-Encoding", "gzip");
    let server = record(&place, &service);
    assert_eq!(put.send(server.address).status, 200);
    server.stop().expect(0);
    let server = replay(&place);
    let without = call("PUT", &packed).send(server.address);
    assert_eq!(without.status, 400);
    let message = String::from_utf8_lossy(&without.body).into_owned();
    assert!(message.starts_with("<Error>"), "{message}");
    assert!(message.contains("/ContentEncoding: recorded \"gzip\", sent nothing"), "{message}");
    assert_eq!(put.send(server.address).status, 200);
    server.stop().expect(11);
}

#[test]
fn a_checksum_that_answers_an_upload_is_of_what_was_sent() {
    let answer = http(200, &[("x-amz-checksum-crc32", "NhCmhg=="), ("ETag", "\"1\"")], b"");
    let service = OddUpstream::start(move |_, _| Act::Answer(answer.clone()));
    let place = Workplace::new();
    let server = record(&place, &service);
    call("PUT", b"hello").send(server.address);
    server.stop().expect(0);
    let server = replay(&place);
    // In chunks, with the checksum behind them, it is the same call.
    let chunked = call("PUT", b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", "5")
        .header("x-amz-trailer", "x-amz-checksum-crc32");
    let replayed = chunked.send(server.address);
    server.stop().expect(0);
    assert_eq!(replayed.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
}

#[test]
fn checksums_of_an_object_are_answered_as_they_were() {
    let sums = [
        ("x-amz-checksum-crc64nvme", "M3eFcAZSQlc="),
        ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("x-amz-checksum-xxhash3", "not made here"),
    ];
    let service = OddUpstream::start(move |_, _| Act::Answer(http(200, &sums, b"hello")));
    let place = Workplace::new();
    let server = record(&place, &service);
    call("GET", b"").send(server.address);
    server.stop().expect(0);
    let server = replay(&place);
    let replayed = call("GET", b"").send(server.address);
    server.stop().expect(0);
    for (name, value) in sums {
        assert_eq!(replayed.header(name), Some(value), "{name}");
    }
}

#[test]
fn a_secret_in_a_compressed_object_is_hidden_inside_it() {
    let packed = gzipped("export DB_PASSWORD=hunter2-hunter2\n");
    let answer = http(200, &[("Content-Encoding", "gzip")], &packed);
    let service = OddUpstream::start(move |_, _| Act::Answer(answer.clone()));
    let place = Workplace::new();
    let server = record(&place, &service);
    assert_eq!(call("GET", b"").send(server.address).body, packed, "the program has its answer");
    server.stop().expect(0);
    let server = replay(&place);
    let played = unzipped(&call("GET", b"").send(server.address).body);
    let played = String::from_utf8_lossy(&played);
    assert!(played.starts_with("export DB_PASSWORD=") && !played.contains("hunter2"), "{played}");
    server.stop().expect(0);
}
