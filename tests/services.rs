//! boto3 against moto's server, a program for each service: what was recorded through a door is
//! what the program sees again when moto is gone.

mod support;

#[path = "behaviour/odd_upstream.rs"]
mod odd_upstream;

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use support::clients::{self, Told};
use support::moto::Moto;
use support::upstream::REGION;
use support::{Finished, Run};

use md5::{Digest, Md5};
use odd_upstream::{Act, OddUpstream, http};

const DOORS: [&str; 2] = ["endpoint", "intercept"];

/// A program of `tests/clients/python/services/`, and what its replay may see otherwise.
struct Program {
    name: &'static str,
    /// The calls that it makes.
    calls: usize,
    /// Those of them that are to fail.
    failures: &'static [&'static str],
    /// Account ids in the order in which they appear: they are numbered in a cassette.
    accounts: &'static [&'static str],
    /// Members whose values are hidden, wherever they are.
    hidden: &'static [&'static str],
    /// Values that are hidden, and that the program does not print as a member's whole value.
    secrets: &'static [&'static str],
    /// The call, and the member of its output, that shows an idempotency token of boto3's making:
    /// another in each run.
    tokens: &'static [(usize, &'static str)],
}

const PROGRAM: Program = Program {
    name: "",
    calls: 0,
    failures: &[],
    accounts: &["481516234207"],
    hidden: &[],
    secrets: &[],
    tokens: &[],
};

#[test]
fn dynamodb_with_conditions_and_pages() {
    replays_as_it_was_recorded(&Program {
        name: "dynamodb",
        calls: 11,
        failures: &["delete_item", "get_item"],
        ..PROGRAM
    });
}

#[test]
fn sqs_and_the_codes_of_its_older_protocol() {
    replays_as_it_was_recorded(&Program {
        name: "sqs",
        calls: 12,
        failures: &["send_message", "delete_message"],
        ..PROGRAM
    });
}

#[test]
fn sqs_by_its_older_protocol() {
    replays_as_it_was_recorded(&Program {
        name: "sqs_query",
        calls: 9,
        ..PROGRAM
    });
}

#[test]
fn sts_and_calls_with_the_credentials_that_it_vends() {
    replays_as_it_was_recorded(&Program {
        name: "sts",
        calls: 8,
        failures: &["get_role"],
        hidden: &["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"],
        ..PROGRAM
    });
}

#[test]
fn iam_with_users_roles_and_keys() {
    replays_as_it_was_recorded(&Program {
        name: "iam",
        calls: 17,
        failures: &["create_user", "get_role"],
        hidden: &["AccessKeyId", "SecretAccessKey"],
        secrets: &["correct-Horse-7-battery"],
        ..PROGRAM
    });
}

#[test]
fn lambda_with_code_and_environment() {
    replays_as_it_was_recorded(&Program {
        name: "lambda",
        calls: 12,
        failures: &["get_function"],
        hidden: &["Environment", "Payload", "Location"],
        secrets: &["opensesame-9-opensesame", "DB_PASSWORD"],
        ..PROGRAM
    });
}

#[test]
fn secrets_manager_and_its_versions() {
    replays_as_it_was_recorded(&Program {
        name: "secretsmanager",
        calls: 11,
        failures: &["get_secret_value", "create_secret"],
        hidden: &["SecretString", "SecretBinary", "RandomPassword"],
        secrets: &["opensesame-9-opensesame"],
        tokens: &[(0, "/VersionId"), (3, "/VersionId")],
        ..PROGRAM
    });
}

#[test]
fn cloudformation_with_parameters_and_outputs() {
    replays_as_it_was_recorded(&Program {
        name: "cloudformation",
        calls: 10,
        failures: &["create_stack", "describe_stacks"],
        hidden: &["ParameterValue", "OutputValue"],
        secrets: &["opensesame-9-opensesame"],
        ..PROGRAM
    });
}

#[test]
fn ec2_with_instances_of_its_own() {
    replays_as_it_was_recorded(&Program {
        name: "ec2",
        calls: 10,
        failures: &["describe_instances"],
        // The first images are Amazon's own.
        accounts: &["137112412989", "481516234207"],
        hidden: &["KeyMaterial", "UserData"],
        secrets: &["opensesame-9-opensesame"],
        tokens: &[(2, "/Instances/0/ClientToken")],
    });
}

/// An emulator that names itself wherever AWS names itself.
fn naming_itself() -> OddUpstream {
    let own = Arc::new(OnceLock::<String>::new());
    let url = Arc::clone(&own);
    let upstream = OddUpstream::start(move |_, request| {
        let own = url.get().cloned().unwrap_or_default();
        let Some((content_type, body)) = named_answer(request, &own) else {
            return Act::AnswerAndClose(http(404, &[], b"no such call"));
        };
        let headers = [
            ("Content-Type", content_type),
            ("Link", &format!("<{own}/things?page=2>; rel=next")),
        ];
        Act::Answer(http(200, &headers, body.as_bytes()))
    });
    own.set(upstream.url.clone()).expect("it is set once");
    upstream
}

fn named_answer(request: &str, own: &str) -> Option<(&'static str, String)> {
    let md5 = |text: &str| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let confirm = format!("{own}/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:123456789012:t&Token=t0");
    let notice = json!({ "Type": "SubscriptionConfirmation", "SubscribeURL": confirm }).to_string();
    let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
    let sent: Value = serde_json::from_str(body).unwrap_or_default();
    let port = own.rsplit(':').next().unwrap_or_default();
    let says = |name: &str| request.contains(name);
    let xml = |text: &str| Some(("text/xml", text.to_owned()));
    let json = |value: Value| Some(("application/x-amz-json-1.0", value.to_string()));
    match () {
        () if says("AmazonSQS.GetQueueUrl") => json(json!({ "QueueUrl": format!("{own}/123456789012/orders") })),
        () if says("AmazonSQS.ReceiveMessage") => {
            json(json!({ "Messages": [{ "MessageId": "m", "ReceiptHandle": "r", "Body": notice, "MD5OfBody": md5(&notice) }] }))
        }
        () if says("AmazonSQS.SendMessage") => {
            json(json!({ "MessageId": "m", "MD5OfMessageBody": md5(sent["MessageBody"].as_str().unwrap_or_default()) }))
        }
        () if says("/functions/f/url") => json(json!({
            "FunctionUrl": format!("http://abc123.lambda-url.us-east-1.localhost:{port}/"), "AuthType": "NONE",
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f", "CreationTime": "2026-01-01T00:00:00Z",
            "LastModifiedTime": "2026-01-01T00:00:00Z",
        })),
        () if says("/v2/apis/abc123") => json(json!({
            "apiEndpoint": format!("http://abc123.execute-api.us-east-1.localhost:{port}"), "apiId": "abc123", "name": "n",
            "protocolType": "HTTP", "routeSelectionExpression": "$request.path",
        })),
        () if says("Action=Subscribe") => xml(
            "<SubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><SubscribeResult><SubscriptionArn>pending confirmation</SubscriptionArn></SubscribeResult></SubscribeResponse>",
        ),
        () if says("Action=CreateStack") => xml(
            "<CreateStackResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><CreateStackResult><StackId>s</StackId></CreateStackResult></CreateStackResponse>",
        ),
        () if says("uploadId=u") => xml(&format!(
            "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Location>{own}/shop/k</Location><Bucket>shop</Bucket><Key>k</Key><ETag>e</ETag></CompleteMultipartUploadResult>"
        )),
        () => None,
    }
}

#[test]
fn an_emulator_s_own_urls_are_aws_s_in_the_cassette_and_the_door_s_for_boto3() {
    own_urls(&|url| [clients::service_program("own_urls").to_vec(), vec![url.into()]].concat(), 8);
}

#[test]
fn an_emulator_s_own_urls_are_aws_s_in_the_cassette_and_the_door_s_for_javascript() {
    own_urls(&|url| [clients::node_program("own_urls"), vec![url.into()]].concat(), 4);
}

/// Records a program that is given the emulator's URL through each door, and replays it through both.
#[track_caller]
fn own_urls(program: &dyn Fn(&str) -> Vec<OsString>, calls: usize) {
    if !clients::are_here() {
        return;
    }
    let upstream = naming_itself();
    let port = upstream.url.rsplit(':').next().expect("it has a port");
    let through = |folder: &Path, command: &str, door: &str, more: &[&str]| {
        let run = run(folder, command)
            .env("AWS_REGION", REGION)
            .arguments(["-c", "tape", "--door", door]);
        let run = run
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7SECRETS")
            .env("AWS_SECRET_ACCESS_KEY", "emulated");
        let done = run
            .arguments(more)
            .arguments(["--"])
            .arguments(program(&upstream.url))
            .finish()
            .expect(0);
        let texts: Vec<String> = clients::told(&done.stdout).iter().map(|told| output(told).to_string()).collect();
        assert_eq!(texts.len(), calls, "{command} {door}: {texts:#?}");
        let named: Vec<&String> = texts.iter().filter(|text| text.contains(port)).collect();
        assert!(named.is_empty(), "{command} {door}: {named:#?}");
        let is_aws = |text: &&String| text.contains("https://") && text.contains(".amazonaws.com");
        let leads_to_aws = texts.iter().filter(is_aws).count();
        assert_eq!(leads_to_aws > 0, door == "intercept", "{command} {door}: {texts:#?}");
        texts
    };
    for door in DOORS {
        let folder = support::folder();
        through(folder.path(), "record", door, &["--upstream", &upstream.url]);
        let sent = upstream.seen();
        assert!(
            sent.iter().any(|request| request.contains(&format!("{}/bucket/key", upstream.url))),
            "{door}: what the program sends goes on as it is: {sent:#?}"
        );
        let cassette = std::fs::read_to_string(folder.path().join("cassettes/tape.json")).expect("there is a cassette");
        let lines: Vec<&str> = cassette.lines().filter(|line| line.contains(port)).collect();
        assert!(lines.is_empty(), "{door}: {lines:#?}");
        for door in DOORS {
            through(folder.path(), "replay", door, &["--all-played"]);
        }
    }
}

#[track_caller]
fn replays_as_it_was_recorded(program: &Program) {
    if !clients::are_here() {
        return;
    }
    for door in DOORS {
        let folder = support::folder();
        let recorded = clients::told(&record(folder.path(), program.name, door).stdout);
        let recorded = clients::with_queues_at_aws(recorded);
        assert_eq!(recorded.len(), program.calls, "{door}: {recorded:?}");
        let failed = recorded.iter().filter(|told| output(told).get("Error").is_some());
        let failures: Vec<_> = failed.map(|told| told.call.as_str()).collect();
        assert_eq!(failures, program.failures, "{door}: {recorded:?}");
        let cassette = std::fs::read_to_string(folder.path().join("cassettes/tape.json")).expect("there is a cassette");
        for secret in hidden_values(&recorded, program) {
            assert!(!cassette.contains(&secret), "{door}: `{secret}` is in the cassette");
        }
        let verified = run(folder.path(), "verify").arguments(["cassettes"]).finish().expect(0);
        assert!(verified.stdout.contains(", all conform"), "{door}: {}", verified.stdout);
        let expected = as_replayed(recorded.clone(), program);
        let mut known = tokens(&recorded, program);
        for through in DOORS {
            let replayed = clients::told(&replay(folder.path(), program.name, through).stdout);
            let replayed = clients::with_queues_at_aws(replayed);
            let fresh = tokens(&replayed, program);
            assert!(fresh.iter().all(|token| !known.contains(token)), "{door}: boto3 makes new tokens");
            let replayed = renamed(&replayed, &fresh, &tokens(&recorded, program));
            assert_eq!(as_replayed(replayed, program), expected, "{door}, then {through}");
            known.extend(fresh);
        }
    }
}

fn run(folder: &Path, command: &str) -> Run {
    Run::new(folder, [command, "--model", "botocore"]).env("PATH", clients::path())
}

/// Records against a moto that is gone when this returns.
fn record(folder: &Path, program: &str, door: &str) -> Finished {
    let moto = Moto::start(folder);
    run(folder, "record")
        .arguments(["-c", "tape", "--door", door, "--upstream", &moto.url, "--upstream-ca"])
        .arguments([&moto.root])
        .env("AWS_ACCESS_KEY_ID", &moto.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &moto.secret_access_key)
        .env("AWS_REGION", REGION)
        .arguments(["--"])
        .arguments(clients::service_program(program))
        .finish()
        .expect(0)
}

fn replay(folder: &Path, program: &str, door: &str) -> Finished {
    run(folder, "replay")
        .arguments(["-c", "tape", "--door", door, "--all-played", "--"])
        .arguments(clients::service_program(program))
        .finish()
        .expect(0)
}

fn output(told: &Told) -> &Value {
    told.output.as_ref().expect("these programs print outputs")
}

/// What the members named in `hidden` hold, and the other secrets.
fn hidden_values(told: &[Told], program: &Program) -> Vec<String> {
    let mut values: Vec<String> = program.secrets.iter().map(|secret| (*secret).to_owned()).collect();
    let mut told = told.to_vec();
    for output in told.iter_mut().filter_map(|told| told.output.as_mut()) {
        each_hidden(output, program, &mut |value| collect_texts(value, &mut values));
    }
    // An expiry, a name or a word of another member is no secret by itself.
    values.retain(|value| value.len() >= 16 && !value.starts_with("https://sqs."));
    // A key id of AWS's documentation is nobody's, and stays.
    values.retain(|value| !value.ends_with("EXAMPLE"));
    assert!(!values.is_empty() || program.hidden.is_empty());
    values
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        _ => {}
    }
}

fn each_hidden(value: &mut Value, program: &Program, show: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_hidden(item, program, show)),
        Value::Object(members) => {
            for (name, member) in members {
                if program.hidden.contains(&name.as_str()) {
                    show(member);
                } else {
                    each_hidden(member, program, show);
                }
            }
        }
        _ => {}
    }
}

/// A recording as its replay tells it: accounts are numbered, and what is hidden is not compared.
fn as_replayed(mut told: Vec<Told>, program: &Program) -> Vec<Told> {
    for output in told.iter_mut().filter_map(|told| told.output.as_mut()) {
        each_hidden(output, program, &mut |value| *value = Value::Null);
        let mut text = output.to_string();
        for (index, account) in program.accounts.iter().enumerate() {
            text = text.replace(account, &format!("{:012}", index + 1));
        }
        *output = serde_json::from_str(&text).expect("digits for digits");
    }
    told
}

fn tokens(told: &[Told], program: &Program) -> Vec<String> {
    let token = |(call, member): &(usize, &str)| output(&told[*call]).pointer(member)?.as_str().map(str::to_owned);
    program.tokens.iter().map(|place| token(place).expect("a token is shown")).collect()
}

/// What was told, with the tokens `to` for the tokens `from`, wherever they are.
fn renamed(told: &[Told], from: &[String], to: &[String]) -> Vec<Told> {
    let mut told = told.to_vec();
    for output in told.iter_mut().filter_map(|told| told.output.as_mut()) {
        let text = from
            .iter()
            .zip(to)
            .fold(output.to_string(), |text, (from, to)| text.replace(from, to));
        *output = serde_json::from_str(&text).expect("a token for a token");
    }
    told
}
