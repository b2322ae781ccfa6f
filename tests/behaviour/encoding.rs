//! What Ferrotape itself writes: Smithy's cases and the examples of published models, encoded,
//! against the wire that the suites show and back again.

use super::vectors::{read, report, uri, vectors};
use bytes::Bytes;
use ferrotape::codec::{json, scalar};
use ferrotape::contract;
use ferrotape::inspect::{present, protocol_of};
use ferrotape::model::load;
use ferrotape::model::schema::{Operation, OperationIndex, Service, ShapeIndex, ShapeKind, TimestampFormat};
use ferrotape::protocol::{Identified, Protocol, Reply};
use ferrotape::value::{Side, Value};
use ferrotape::wire::Request;
use std::collections::HashMap;
use std::path::Path;

fn services(path: &Path) -> Vec<Service> {
    load(&std::fs::read(path).unwrap(), &path.display().to_string()).unwrap()
}

/// A value of a shape from JSON that calls members by their names and writes blobs as text and
/// timestamps in any format.
fn typed(service: &Service, shape: ShapeIndex, value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match (&service.shape(shape).kind, value) {
        (ShapeKind::Structure(members) | ShapeKind::Union(members), Json::Object(given)) => {
            let member = |name: &str| members.find(name).unwrap_or_else(|| panic!("{name}")).target;
            Value::Object(
                given
                    .iter()
                    .map(|(name, value)| (name.clone(), typed(service, member(name), value)))
                    .collect(),
            )
        }
        (ShapeKind::Map { value: item, .. }, Json::Object(given)) => Value::Object(
            given
                .iter()
                .map(|(name, value)| (name.clone(), typed(service, item.target, value)))
                .collect(),
        ),
        (ShapeKind::List(item), Json::Array(items)) => Value::List(items.iter().map(|value| typed(service, item.target, value)).collect()),
        (ShapeKind::Blob, Json::String(text)) => Value::Blob(text.clone().into_bytes()),
        (ShapeKind::Timestamp, Json::Number(number)) => scalar::timestamp_from_number(&number.to_string()).unwrap(),
        (ShapeKind::Timestamp, Json::String(text)) => [TimestampFormat::DateTime, TimestampFormat::HttpDate]
            .into_iter()
            .find_map(|format| scalar::timestamp_from_text(text, format, Side::Response))
            .unwrap_or_else(|| panic!("{text} is no timestamp")),
        (_, other) => json::decode_untyped(other.to_string().as_bytes()).unwrap(),
    }
}

fn shown(service: &Service, shape: ShapeIndex, value: &Value, side: Side) -> serde_json::Value {
    let mut text = String::new();
    json::write(&present(service, shape, value, side), &mut text);
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    drop_empty(&mut value);
    value
}

/// An empty list, map or text is often not on the wire, and an absent map is read as an empty one.
fn drop_empty(value: &mut serde_json::Value) {
    let empty = |value: &serde_json::Value| match value {
        serde_json::Value::Object(members) => members.is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Null => true,
        _ => false,
    };
    match value {
        serde_json::Value::Object(members) => {
            members.values_mut().for_each(drop_empty);
            members.retain(|_, value| !empty(value));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_empty),
        serde_json::Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        _ => {}
    }
}

/// Writes an input and reads it again; gives the request and why it is not the same, if it is not.
fn there_and_back(protocol: &dyn Protocol, service: &Service, index: OperationIndex, input: &Value) -> (Request, Vec<String>) {
    let operation: &Operation = service.operation(index);
    let request = protocol.encode_request(service, index, "example.amazonaws.com", input);
    let mut wrong = Vec::new();
    match protocol.identify(service, &request) {
        Identified::Operation(found) if found == index => {}
        other => wrong.push(format!("`{} {}` is {other:?}", request.method(), request.uri())),
    }
    if let Err(malformed) = protocol.accepts(service, index, &request) {
        wrong.push(malformed.0);
    }
    match protocol.decode_request(service, index, &request) {
        Ok(back) => {
            let (sent, got) = (
                shown(service, operation.input, input, Side::Request),
                shown(service, operation.input, &back, Side::Request),
            );
            if sent != got {
                wrong.push(format!("sent {sent}, read {got}"));
            }
            let judgement = contract::check(service, operation.input, &back, Side::Request);
            wrong.extend(judgement.violations.into_iter().map(|violation| violation.message));
        }
        Err(malformed) => wrong.push(malformed.0),
    }
    (request, wrong)
}

/// Examples that break their own model: this one's bucket is an empty label.
const BROKEN_EXAMPLES: &[(&str, &str)] = &[("PutBucketCors", "To set cors configuration on a bucket.")];

#[test]
fn every_example_of_a_published_model_is_written_read_again_and_conforms() {
    let Some(folder) = vectors() else { return };
    let (mut failures, mut inputs, mut outputs) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(folder.join("models")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        for service in services(&path) {
            let Some(protocol) = protocol_of(&service) else { continue };
            for (number, operation) in service.operations.iter().enumerate() {
                let index = OperationIndex(number as u32);
                let examples = operation.traits.get("smithy.api#examples").and_then(serde_json::Value::as_array);
                for example in examples.into_iter().flatten() {
                    if BROKEN_EXAMPLES.contains(&(&operation.name, example["title"].as_str().unwrap_or(""))) {
                        continue;
                    }
                    let name = format!("{} {} {}", service.sdk_id, operation.name, example["title"]);
                    let empty = serde_json::json!({});
                    let input = typed(&service, operation.input, example.get("input").unwrap_or(&empty));
                    let (_, wrong) = there_and_back(protocol, &service, index, &input);
                    failures.extend(wrong.into_iter().map(|why| format!("{name}: {why}")));
                    inputs += 1;
                    if let Some(output) = example.get("output") {
                        let why = output_failure(protocol, &service, index, output);
                        failures.extend(why.map(|why| format!("{name} (output): {why}")));
                        outputs += 1;
                    }
                }
            }
        }
    }
    report(&failures);
    assert_eq!((inputs, outputs), (392, 307));
}

fn output_failure(protocol: &dyn Protocol, service: &Service, index: OperationIndex, output: &serde_json::Value) -> Option<String> {
    let shape = service.operation(index).output;
    let output = typed(service, shape, output);
    let response = protocol.encode_response(service, index, &output);
    match protocol.decode_response(service, index, &response) {
        Ok(Reply::Output(back)) => {
            let (sent, got) = (
                shown(service, shape, &output, Side::Response),
                shown(service, shape, &back, Side::Response),
            );
            if sent != got {
                return Some(format!("sent {sent}, read {got}"));
            }
            let judgement = contract::check(service, shape, &back, Side::Response);
            judgement.violations.into_iter().next().map(|violation| violation.message)
        }
        Ok(Reply::Error { code, .. }) => Some(format!("read as the error {code}")),
        Err(malformed) => Some(malformed.0),
    }
}

/// Requests that Ferrotape does not write as the case shows, with the reason.
const WRITTEN_OTHERWISE: &[(&str, &str)] = &[
    ("RestJsonHttpChecksumRequired", "checksums are the signer's"),
    ("RestJsonHostWithPath", "the path before the operation's is the endpoint's"),
    (
        "RestJsonQueryIdempotencyTokenAutoFill",
        "tokens are filled in by clients, and always given here",
    ),
    (
        "RestJsonClientPopulatesNestedDefaultValuesWhenMissing",
        "defaults are the receiver's to fill in",
    ),
    ("ApiGatewayAccept", "a header of API Gateway's own clients"),
    ("GlacierVersionHeader", "a header of Glacier's own clients"),
    ("GlacierChecksums", "headers of Glacier's own clients"),
    ("GlacierAccountId", "an empty account id, in whose place Glacier's clients send `-`"),
];

#[test]
fn every_request_of_smithys_rest_suites_is_written_as_it_shows() {
    let Some(folder) = vectors() else { return };
    let mut models: HashMap<String, Service> = HashMap::new();
    let (mut failures, mut count) = (Vec::new(), 0);
    for file in ["restJson1", "restXml"] {
        let cases = read(&folder.join(format!("smithy/cases/{file}.request.json")));
        for case in cases.as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            let Some(name) = case["services"][0].as_str().filter(|name| !name.starts_with("com.amazonaws.s3")) else {
                continue;
            };
            if case["appliesTo"] == "server"
                || WRITTEN_OTHERWISE.iter().any(|(other, _)| *other == id)
                || id.starts_with("SDKAppl")
                || id.starts_with("SDKAppend")
            {
                continue;
            }
            let path = folder.join("smithy/models").join(format!("{}.json", name.replace('#', ".")));
            let service = models.entry(name.to_owned()).or_insert_with(|| services(&path).remove(0));
            failures.extend(written_failure(service, case).map(|why| format!("{id}: {why}")));
            count += 1;
        }
    }
    report(&failures);
    assert!(count > 150, "{count}");
}

fn written_failure(service: &Service, case: &serde_json::Value) -> Option<String> {
    let index = service.operation_named(case["shape"].as_str()?.rsplit('#').next()?).unwrap();
    let protocol = protocol_of(service).unwrap();
    let empty = serde_json::json!({});
    let shape = service.operation(index).input;
    let input = typed(service, shape, case.get("params").unwrap_or(&empty));
    let request = protocol.encode_request(service, index, "example.com", &input);
    let sorted = |uri: &str| {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut query: Vec<String> = query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        query.sort();
        (path.to_owned(), query)
    };
    let wanted = uri(case);
    let wanted = wanted
        .strip_prefix("https://")
        .map_or(wanted.as_str(), |rest| &rest[rest.find('/').unwrap()..]);
    let got = request.uri().path_and_query().unwrap().to_string();
    if request.method().as_str() != case["method"] || sorted(&got) != sorted(wanted) {
        return Some(format!("wanted {} {wanted}, got {} {got}", case["method"], request.method()));
    }
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        let got = request
            .headers()
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if got.as_deref() != value.as_str() {
            return Some(format!("wanted {name}: {value}, got {got:?}"));
        }
    }
    let wanted = Bytes::copy_from_slice(case["body"].as_str().unwrap_or("").as_bytes());
    body_failure(case, request.body(), &wanted)
}

fn body_failure(case: &serde_json::Value, got: &Bytes, wanted: &Bytes) -> Option<String> {
    let told = || Some(format!("wanted {wanted:?}, got {got:?}"));
    let json = |body: &Bytes| {
        let mut value = serde_json::from_slice::<serde_json::Value>(body).ok()?;
        drop_empty(&mut value);
        Some(value)
    };
    match case["bodyMediaType"].as_str() {
        _ if wanted.is_empty() || got.is_empty() => (got != wanted).then(told).flatten(),
        Some("application/json") => (json(got).is_none() || json(got) != json(wanted)).then(told).flatten(),
        Some("application/xml") => {
            let same = match (ferrotape::codec::xml::parse(got), ferrotape::codec::xml::parse(wanted)) {
                (Ok(got), Ok(wanted)) => same_element(&got, &wanted),
                _ => false,
            };
            (!same).then(told).flatten()
        }
        _ => (got != wanted).then(told).flatten(),
    }
}

/// Equal, but for the white space between elements and the order of members.
fn same_element(left: &ferrotape::codec::xml::Element<'_>, right: &ferrotape::codec::xml::Element<'_>) -> bool {
    let sorted = |attributes: &[(&str, std::borrow::Cow<'_, str>)]| {
        let mut attributes: Vec<(String, String)> = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_string()))
            .collect();
        attributes.sort();
        attributes
    };
    let text = left.text == right.text || !left.children.is_empty();
    let mut rest: Vec<_> = right.children.iter().collect();
    let children = left.children.len() == right.children.len()
        && left.children.iter().all(|child| {
            let found = rest.iter().position(|other| same_element(child, other));
            found.map(|at| rest.remove(at)).is_some()
        });
    left.name == right.name && text && children && sorted(&left.attributes) == sorted(&right.attributes)
}
