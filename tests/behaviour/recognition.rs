//! From a request alone: every operation of every service that botocore knows is found again, by
//! the host and the scope at the intercept door, and by the scope alone at the endpoint door.
//!
//! botocore is the one that `FERROTAPE_CLIENTS` has installed; without it this test says that it is
//! skipped. It looks at every eighth service, and at all with `FERROTAPE_THOROUGH`.

use super::vectors::report;
use ferrotape::inspect::{protocol_of, recognise};
use ferrotape::model::catalog::Catalog;
use ferrotape::model::endpoint::{Settings, resolve};
use ferrotape::model::schema::{OperationIndex, Service};
use ferrotape::synth;
use ferrotape::value::Value;
use ferrotape::wire::Request;
use http::HeaderValue;
use std::path::PathBuf;

/// botocore's folder of models.
pub fn botocore() -> Option<PathBuf> {
    let Some(clients) = std::env::var_os("FERROTAPE_CLIENTS").map(PathBuf::from) else {
        eprintln!("skipped: FERROTAPE_CLIENTS is not set");
        return None;
    };
    let library = std::fs::read_dir(clients.join("venv/lib")).unwrap();
    let python = library
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("site-packages").is_dir());
    Some(python.unwrap().join("site-packages/botocore/data"))
}

/// What a request alone cannot tell apart: the service, the one that it is taken for where both have
/// the operation, and why.
const AMBIGUOUS: &[(&str, &str, &str)] = &[
    ("DocDB", "RDS", ONE_API),
    ("DocDB", "Neptune", ONE_API),
    ("Neptune", "RDS", ONE_API),
    ("Neptune", "DocDB", ONE_API),
    ("CloudWatch Events", "EventBridge", "the same service under its old name"),
    ("Wisdom", "QConnect", SUCCESSOR),
    ("Chime", "Chime SDK Voice", SUCCESSOR),
    ("Chime SDK Identity", "Chime SDK Voice", SCOPE_ALONE),
    ("Chime SDK Media Pipelines", "Chime SDK Voice", SCOPE_ALONE),
    ("Chime SDK Meetings", "Chime SDK Voice", SCOPE_ALONE),
    ("Chime SDK Messaging", "Chime SDK Voice", SCOPE_ALONE),
    ("GreengrassV2", "Greengrass", "one host, one route, one operation, in two models"),
    ("Lambda Microvms", "Lambda", "one host, one route, one operation, in two models"),
    ("Lex Model Building Service", "Lex Models V2", SCOPE_ALONE),
    ("IVS RealTime", "ivs", SCOPE_ALONE),
    ("Timestream Query", "Timestream Write", SCOPE_ALONE),
    ("Signer Data", "signer", "one route, one operation, in two models"),
    ("signer", "Signer Data", "the rules send it to the other's host"),
    (
        "S3",
        "S3",
        "an operation that has taken the place of a deprecated one, or GET / of another host",
    ),
];

const ONE_API: &str = "they answer at RDS's host, in its version, to its actions";
const SUCCESSOR: &str = "the new service has the operations of the old one, under its scope";
const SCOPE_ALONE: &str = "services of one signing name have the same routes for tags, and the host is not seen";

/// Whether two services' operations are known to be one request; under one name, but for S3's.
fn is_ambiguous(service: &str, operation: &str, found: &str) -> bool {
    AMBIGUOUS.iter().any(|(one, other, _)| {
        let own = match *one {
            "S3" => matches!(
                operation,
                "GetBucketLifecycle" | "PutBucketLifecycle" | "GetBucketNotification" | "PutBucketNotification" | "ListDirectoryBuckets"
            ),
            _ => found == format!("{other} {operation}"),
        };
        *one == service && own
    })
}

#[test]
fn every_operation_of_botocore_is_found_again_through_both_doors() {
    let Some(folder) = botocore() else { return };
    let catalog = Catalog::with_models(&[folder]).unwrap();
    let (mut failures, mut count, mut unmade) = (Vec::new(), 0, Vec::new());
    let step = if std::env::var_os("FERROTAPE_THOROUGH").is_some() { 1 } else { 8 };
    for entry in catalog.entries().iter().step_by(step) {
        let Some(service) = entry.service() else {
            failures.push(format!("{} cannot be loaded", entry.source()));
            continue;
        };
        let Some(protocol) = protocol_of(service) else {
            failures.push(format!("{} speaks {:?}", service.sdk_id, service.protocols));
            continue;
        };
        for number in 0..service.operations.len() {
            let index = OperationIndex(number as u32);
            let name = format!("{} {}", service.sdk_id, service.operation(index).name);
            let Ok(input) = synth::input(service, index, &synth::Setting::default()) else {
                unmade.push(name);
                continue;
            };
            let encoded = |host: &str| protocol.encode_request(service, index, host, &input);
            for (door, request) in doors(service, index, &input, &encoded) {
                count += 1;
                let found = match recognise(&catalog, &request) {
                    Ok(call) => format!("{} {}", call.service.sdk_id, call.operation().name),
                    Err(unmodeled) => unmodeled.reason,
                };
                if found != name && !is_ambiguous(&service.sdk_id, &service.operation(index).name, &found) {
                    failures.push(format!("{name} ({door}): {} {} -> {found}", request.method(), request.uri()));
                }
            }
        }
    }
    report(&failures);
    assert!(count > 2000 && unmade.len() < 5, "{count}, {unmade:?}");
}

#[test]
fn a_call_compiles_none_but_the_services_that_it_may_be_for() {
    let Some(folder) = botocore() else { return };
    for (headers, body, compiled) in [
        (&[("x-amz-target", "DynamoDB_20120810.ListTables")][..], "{}", &["DynamoDB"][..]),
        (&[("authorization", "sts")], "Action=GetCallerIdentity&Version=2011-06-15", &["STS"]),
        (&[("authorization", "es")], "", &["Elasticsearch Service", "OpenSearch"]),
        (&[("x-amz-target", "Nobody.Knows")], "{}", &[]),
    ] {
        let catalog = Catalog::with_models(&[&folder]).unwrap();
        let mut request = http::Request::post("http://127.0.0.1:8080/");
        for (name, value) in headers {
            let scope =
                format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{value}/aws4_request, SignedHeaders=host, Signature=00");
            request = request.header(*name, if *name == "authorization" { &scope } else { *value });
        }
        let _ = recognise(&catalog, &request.body(body.into()).unwrap());
        let waited = catalog.loaded().filter(|service| service.source != "built-in");
        let mut names: Vec<&str> = waited.map(|service| service.sdk_id.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, compiled, "{headers:?}");
    }
}

/// The request as it comes through each door.
fn doors(service: &Service, index: OperationIndex, input: &Value, encoded: &dyn Fn(&str) -> Request) -> Vec<(&'static str, Request)> {
    let mut settings = Settings {
        region: Some("us-east-1".to_owned()),
        ..Settings::default()
    };
    settings.built_ins.insert("AWS::S3::ForcePathStyle".to_owned(), true.into());
    let endpoint = resolve(service, index, input, &settings).ok();
    let parts = endpoint.as_ref().and_then(|endpoint| endpoint.parts());
    let scheme = endpoint.as_ref().and_then(|endpoint| endpoint.signing());
    let name = scheme
        .and_then(|scheme| scheme.signing_name)
        .unwrap_or(service.signing_name.clone());
    let scope = format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{name}/aws4_request, SignedHeaders=host, Signature=00");
    let signed = |mut request: Request| {
        let value = HeaderValue::from_str(&scope).unwrap();
        request.headers_mut().insert("authorization", value);
        request
    };
    let mut found = vec![("endpoint", signed(encoded("127.0.0.1:8080")))];
    if let Some((_, host, _)) = parts {
        found.push(("intercept", signed(encoded(host))));
    }
    if service.operation(index).traits.contains_key("smithy.api#optionalAuth") {
        found.push(("endpoint, unsigned", encoded("127.0.0.1:8080")));
    }
    found
}
