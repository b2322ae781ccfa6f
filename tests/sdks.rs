//! S3 by boto3, the AWS CLI and the SDKs for JavaScript and Rust, and DynamoDB and SQS by the last
//! two, against moto's server: what was recorded through one door is what the program sees again through
//! the other, when moto is gone.

mod support;

use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;
use support::Run;
use support::clients::{self, Told, node_program, python_program, rust_program};
use support::moto::Moto;
use support::upstream::REGION;

/// The door of the recording, and the other, by which the same call looks most different.
const DOORS: [[&str; 2]; 2] = [["endpoint", "intercept"], ["intercept", "endpoint"]];

#[test]
fn s3_by_boto3() {
    if let Some(told) = replays_as_it_was_recorded(|| python_program("s3"), 67) {
        let types: Vec<_> = told.iter().filter_map(|told| text(told, "/Type")).collect();
        let client_errors = |count| vec!["ClientError"; count];
        let not_found = ["NoSuchKey", "ClientError", "NoSuchKey"].map(str::to_owned);
        assert_eq!(types[..3], client_errors(3), "a range, and two conditions");
        assert_eq!(types[3..6], not_found, "GET, HEAD and copy of nothing");
    }
}

#[test]
fn s3_by_the_aws_cli() {
    if let Some(told) = replays_as_it_was_recorded(|| python_program("s3_cli"), 17) {
        let failed: Vec<_> = told.iter().filter(|told| output(told)["status"] != 0).collect();
        assert_eq!(failed.len(), 2, "{failed:?}");
    }
}

#[test]
fn s3_by_javascript() {
    if let Some(told) = replays_as_it_was_recorded(|| node_program("s3"), 43) {
        let types: Vec<_> = told.iter().filter_map(|told| text(told, "/error/type")).collect();
        let wanted = [
            "S3ServiceException",
            "NoSuchKey",
            "NotFound",
            "NoSuchKey",
            "NoSuchBucket",
            "NoSuchUpload",
            "NoSuchKey",
        ];
        assert_eq!(types, wanted);
    }
}

#[test]
fn s3_by_rust() {
    if let Some(told) = replays_as_it_was_recorded(|| rust_program("ferrotape-s3"), 41) {
        let types: Vec<_> = told.iter().filter_map(|told| text(told, "/type")).collect();
        // What the model of an operation does not list is no variant of its error.
        let wanted = ["NoSuchKey", "NotFound", "Unhandled", "NoSuchBucket", "Unhandled", "NoSuchKey"];
        assert_eq!(types, wanted);
    }
}

#[test]
fn dynamodb_and_sqs_by_javascript() {
    replays_as_it_was_recorded(|| node_program("dynamodb_sqs"), 22);
}

#[test]
fn dynamodb_and_sqs_by_rust() {
    replays_as_it_was_recorded(|| rust_program("ferrotape-dynamodb-sqs"), 21);
}

/// Gives what the program told of the last recording, of so many calls.
#[track_caller]
fn replays_as_it_was_recorded(program: impl Fn() -> Vec<OsString>, calls: usize) -> Option<Vec<Told>> {
    if !clients::are_here() {
        return None;
    }
    let mut last = None;
    for [door, through] in DOORS {
        let folder = support::folder();
        let recorded = record(folder.path(), &program(), door);
        assert_eq!(recorded.len(), calls, "{door}: {recorded:#?}");
        let verified = run(folder.path(), "verify").arguments(["cassettes"]).finish().expect(0);
        assert!(verified.stdout.contains(", all conform"), "{door}: {}", verified.stdout);
        let recorded = with_numbered_account(recorded);
        let replayed = replay(folder.path(), &program(), through);
        assert_eq!(replayed.len(), recorded.len(), "{door}, then {through}");
        for (replayed, recorded) in replayed.iter().zip(&recorded) {
            assert_eq!(replayed, recorded, "{door}, then {through}");
        }
        last = Some(recorded);
    }
    last
}

fn run(folder: &Path, command: &str) -> Run {
    Run::new(folder, [command, "--model", "botocore"]).env("PATH", clients::path())
}

/// Records against a moto that is gone when this returns.
fn record(folder: &Path, program: &[OsString], door: &str) -> Vec<Told> {
    let moto = Moto::start(folder);
    let recorded = run(folder, "record")
        .arguments(["-c", "tape", "--door", door, "--upstream", &moto.url, "--upstream-ca"])
        .arguments([&moto.root])
        .env("AWS_ACCESS_KEY_ID", &moto.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &moto.secret_access_key)
        .env("AWS_REGION", REGION)
        .arguments(["--"])
        .arguments(program)
        .finish();
    clients::with_queues_at_aws(clients::told(&recorded.expect(0).stdout))
}

fn replay(folder: &Path, program: &[OsString], door: &str) -> Vec<Told> {
    let replayed = run(folder, "replay")
        .arguments(["-c", "tape", "--door", door, "--all-played", "--"])
        .arguments(program)
        .finish();
    clients::with_queues_at_aws(clients::told(&replayed.expect(0).stdout))
}

fn output(told: &Told) -> &Value {
    told.output.as_ref().expect("these programs print outputs")
}

fn text(told: &Told, pointer: &str) -> Option<String> {
    Some(output(told).pointer(pointer)?.as_str()?.to_owned())
}

fn with_numbered_account(mut told: Vec<Told>) -> Vec<Told> {
    for output in told.iter_mut().filter_map(|told| told.output.as_mut()) {
        let text = output.to_string().replace("481516234207", "000000000001");
        *output = serde_json::from_str(&text).expect("digits for digits");
    }
    told
}
