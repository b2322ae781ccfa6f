//! Uses S3 with the AWS SDK for Rust: objects, pages, parts, a copy, and what fails.

use std::fmt::Debug;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use serde_json::{Value, json};

const BUCKET: &str = "ferrotape-tests";
const ODD_KEY: &str = "notes/a b+ü&(1).txt";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = Client::new(&aws_config::load_from_env().await);
    let made = client.create_bucket().bucket(BUCKET).send().await;
    tell("CreateBucket", made, |made| json!(made.location));
    objects(&client).await;
    failures(&client).await;
    pages(&client).await;
    parts(&client).await;
    deletions(&client).await;
}

/// Prints what came of a call, and gives the answer.
fn tell<T, E, R>(call: &str, result: Result<T, SdkError<E, R>>, output: impl FnOnce(&T) -> Value) -> Option<T>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: Debug + 'static,
{
    let told = match &result {
        Ok(answer) => output(answer),
        Err(error) => match error.as_service_error() {
            Some(service) => json!({ "error": service.code(), "message": service.message(), "type": kind(service) }),
            None => json!({ "error": DisplayErrorContext(error).to_string() }),
        },
    };
    println!("{}", json!({ "call": call, "attempts": 1, "output": told }));
    result.ok()
}

/// The variant of the operation's error type.
fn kind(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    text.split(|letter: char| !letter.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn seconds(time: Option<DateTime>) -> Option<i64> {
    time.map(|time| time.secs())
}

async fn objects(client: &Client) {
    let binary: Vec<u8> = (0..2048).map(|index| (index % 256) as u8).collect();
    for (key, body, algorithm) in [
        ("plain.txt", b"hello\n".to_vec(), None),
        (ODD_KEY, "zoë\r\n".into(), Some(ChecksumAlgorithm::Sha1)),
        ("binary", binary, Some(ChecksumAlgorithm::Crc64Nvme)),
        ("empty", Vec::new(), Some(ChecksumAlgorithm::Crc32C)),
    ] {
        let call = client.put_object().bucket(BUCKET).key(key).body(body.into());
        let sent = call.set_checksum_algorithm(algorithm).metadata("colour", "blue").send().await;
        tell("PutObject", sent, |sent| {
            json!([sent.e_tag, sent.checksum_crc32, sent.checksum_sha1, sent.checksum_crc32_c])
        });
    }
    // A body of unknown content is sent in chunks with its checksum behind it, through both doors.
    let file = std::env::temp_dir().join(format!("ferrotape-s3-{}", std::process::id()));
    std::fs::write(&file, "from a file\n").expect("a temporary file can be written");
    let body = ByteStream::from_path(&file).await.expect("the file is there");
    let sent = client.put_object().bucket(BUCKET).key("file").body(body).send().await;
    tell("PutObject", sent, |sent| json!([sent.e_tag, sent.checksum_crc32]));
    let _ = std::fs::remove_file(&file);
    for (key, range) in [
        ("plain.txt", None),
        (ODD_KEY, None),
        ("binary", None),
        ("empty", None),
        ("file", None),
        ("binary", Some("bytes=250-260")),
    ] {
        get(client, key, range).await;
    }
    let head = client.head_object().bucket(BUCKET).key(ODD_KEY).send().await;
    tell("HeadObject", head, |head| {
        json!([head.e_tag, head.content_length, head.metadata, seconds(head.last_modified)])
    });
}

async fn get(client: &Client, key: &str, range: Option<&str>) {
    let got = client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .set_range(range.map(str::to_owned))
        .send()
        .await;
    let told = |got: &aws_sdk_s3::operation::get_object::GetObjectOutput| {
        json!([
            got.e_tag,
            got.content_type,
            got.content_range,
            got.metadata,
            got.checksum_crc32,
            seconds(got.last_modified)
        ])
    };
    if let Some(got) = tell("GetObject", got, told) {
        let body = got.body.collect().await.map(|body| body.to_vec());
        println!(
            "{}",
            json!({ "call": "body", "attempts": 1, "output": body.unwrap_or_else(|error| panic!("{error}")) })
        );
    }
}

async fn failures(client: &Client) {
    get(client, "no-such-key", None).await;
    let head = client.head_object().bucket(BUCKET).key("no-such-key").send().await;
    tell("HeadObject", head, |_| json!({}));
    let copied = client
        .copy_object()
        .bucket(BUCKET)
        .key("copy")
        .copy_source(format!("{BUCKET}/no-such-key"));
    tell("CopyObject", copied.send().await, |_| json!({}));
    let listed = client.list_objects_v2().bucket("no-such-bucket-of-ours").send().await;
    tell("ListObjectsV2", listed, |_| json!({}));
}

async fn pages(client: &Client) {
    let source = format!("{BUCKET}/notes/a%20b%2B%C3%BC%26%281%29.txt");
    let copied = client
        .copy_object()
        .bucket(BUCKET)
        .key("copies/one")
        .copy_source(source)
        .send()
        .await;
    tell("CopyObject", copied, |copied| {
        let result = copied.copy_object_result.as_ref();
        json!(result.map(|result| (&result.e_tag, seconds(result.last_modified))))
    });
    let mut pages = client.list_objects_v2().bucket(BUCKET).into_paginator().page_size(2).send();
    while let Some(page) = pages.next().await {
        tell("ListObjectsV2", page, |page| {
            let found = page.contents().iter().map(|found| (&found.key, found.size, &found.e_tag));
            json!(found.collect::<Vec<_>>())
        });
    }
    let place = client.get_bucket_location().bucket(BUCKET).send().await;
    tell("GetBucketLocation", place, |place| {
        json!(place.location_constraint.as_ref().map(|place| place.as_str().to_owned()))
    });
}

async fn parts(client: &Client) {
    let begun = client.create_multipart_upload().bucket(BUCKET).key("parts").send().await;
    let Some(begun) = tell("CreateMultipartUpload", begun, |begun| json!([begun.key, begun.upload_id])) else {
        return;
    };
    let id = begun.upload_id.unwrap_or_default();
    let mut done = Vec::new();
    for (number, body) in [(1, "first part "), (2, "second part")] {
        let call = client.upload_part().bucket(BUCKET).key("parts").upload_id(&id).part_number(number);
        let sent = call.body(ByteStream::from_static(body.as_bytes())).send().await;
        let sent = tell("UploadPart", sent, |sent| json!([sent.e_tag, sent.checksum_crc32]));
        done.push(part(number, sent.and_then(|sent| sent.e_tag)));
    }
    let call = client.upload_part_copy().bucket(BUCKET).key("parts").upload_id(&id).part_number(3);
    let copied = call
        .copy_source(format!("{BUCKET}/binary"))
        .copy_source_range("bytes=65-90")
        .send()
        .await;
    let tag = |copied: &aws_sdk_s3::operation::upload_part_copy::UploadPartCopyOutput| {
        copied.copy_part_result.as_ref().and_then(|result| result.e_tag.clone())
    };
    let copied = tell("UploadPartCopy", copied, |copied| json!(tag(copied)));
    done.push(part(3, copied.as_ref().and_then(tag)));
    let parts = CompletedMultipartUpload::builder().set_parts(Some(done)).build();
    let call = client.complete_multipart_upload().bucket(BUCKET).key("parts").upload_id(&id);
    let whole = call.multipart_upload(parts).send().await;
    tell("CompleteMultipartUpload", whole, |whole| {
        json!([whole.key, whole.e_tag, whole.location])
    });
    get(client, "parts", None).await;
    let listed = client
        .list_parts()
        .bucket(BUCKET)
        .key("parts")
        .upload_id("no-such-upload")
        .send()
        .await;
    tell("ListParts", listed, |_| json!({}));
}

fn part(number: i32, tag: Option<String>) -> CompletedPart {
    CompletedPart::builder().part_number(number).set_e_tag(tag).build()
}

async fn deletions(client: &Client) {
    let gone = client.delete_object().bucket(BUCKET).key("plain.txt").send().await;
    tell("DeleteObject", gone, |_| json!({}));
    get(client, "plain.txt", None).await;
    let listed = client.list_objects_v2().bucket(BUCKET).send().await;
    let Some(listed) = tell("ListObjectsV2", listed, |listed| json!(listed.key_count)) else {
        return;
    };
    let keys = listed
        .contents()
        .iter()
        .filter_map(|found| ObjectIdentifier::builder().key(found.key()?).build().ok());
    let all = Delete::builder().set_objects(Some(keys.collect())).build().expect("there are keys");
    let gone = client.delete_objects().bucket(BUCKET).delete(all).send().await;
    tell("DeleteObjects", gone, |gone| {
        json!(gone.deleted().iter().map(|gone| gone.key()).collect::<Vec<_>>())
    });
    let gone = client.delete_bucket().bucket(BUCKET).send().await;
    tell("DeleteBucket", gone, |_| json!({}));
}
