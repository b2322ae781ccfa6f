//! The requests of Smithy's test suites that a server must refuse, through the `check` command.

use super::vectors::{check, read, report, uri, vectors};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

#[test]
fn every_malformed_request_of_smithy_gets_its_verdict() {
    let Some(folder) = vectors() else { return };
    let cases = read(&folder.join("smithy/cases/restJson1.malformed.json"));
    let mut by_service: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for case in cases.as_array().unwrap() {
        by_service.entry(case["services"][0].as_str().unwrap()).or_default().push(case);
    }
    let mut failures = Vec::new();
    for (service, cases) in by_service {
        let model: PathBuf = folder.join("smithy/models").join(format!("{}.json", service.replace('#', ".")));
        let lines: Vec<Value> = cases.iter().map(|case| line(service, case)).collect();
        let answers = check(&[model], &lines);
        failures.extend(cases.iter().filter_map(|case| failure(case, &answers)));
    }
    report(&failures);
    assert!(cases.as_array().unwrap().len() > 400);
}

/// The service is told, as several models have the same paths; the operation is for the route to find.
fn line(service: &str, case: &Value) -> Value {
    let request = &case["request"];
    let mut exchange: Map<String, Value> = Map::new();
    for name in ["method", "headers", "body"] {
        if let Some(value) = request.get(name) {
            exchange.insert(name.to_owned(), value.clone());
        }
    }
    exchange.insert("uri".to_owned(), uri(request).into());
    json!({"id": case["id"], "service": service, "request": exchange})
}

fn failure(case: &Value, answers: &BTreeMap<String, Value>) -> Option<String> {
    let id = case["id"].as_str().unwrap();
    let answer = &answers[id];
    let request = &answer["request"];
    let wanted = wanted(case);
    let found: BTreeSet<(String, String)> = request["violations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|violation| {
            let text = |name: &str| violation[name].as_str().unwrap().to_owned();
            (text("path"), text("rule"))
        })
        .collect();
    let operation = case["shape"].as_str().unwrap().rsplit('#').next().unwrap();
    let ok = answer["operation"] == operation
        && match &wanted {
            Wanted::Malformed => request["verdict"] == "malformed",
            // The suite does not say where; a value of a wrong type is at one place, never at the root.
            Wanted::WrongType => {
                request["verdict"] == "violates"
                    && found.len() == 1
                    && found
                        .iter()
                        .all(|(path, rule)| !path.is_empty() && (rule == "type" || rule == "union"))
            }
            Wanted::Breaches(places) => request["verdict"] == "violates" && found == *places,
        };
    (!ok).then(|| format!("{id}: wanted {wanted:?}, got {answer}"))
}

#[derive(Debug)]
enum Wanted {
    Malformed,
    WrongType,
    Breaches(BTreeSet<(String, String)>),
}

fn wanted(case: &Value) -> Wanted {
    if case["response"]["code"] != 400 {
        return Wanted::Malformed;
    }
    if case["response"]["headers"]["x-amzn-errortype"] == "SerializationException" {
        let body = case["request"]["body"].as_str().filter(|body| !body.is_empty());
        let json = body.is_none_or(|body| serde_json::from_str::<Value>(body).is_ok());
        return if json { Wanted::WrongType } else { Wanted::Malformed };
    }
    let contents = case["response"]["body"]["assertion"]["contents"].as_str().unwrap();
    let contents: Value = serde_json::from_str(contents).unwrap();
    let fields = contents["fieldList"].as_array().unwrap();
    Wanted::Breaches(
        fields
            .iter()
            .map(|field| {
                (
                    field["path"].as_str().unwrap().to_owned(),
                    rule(field["message"].as_str().unwrap()).to_owned(),
                )
            })
            .collect(),
    )
}

fn rule(message: &str) -> &'static str {
    [
        ("must not be null", "required"),
        ("must have length", "length"),
        ("enum value set", "enum"),
        ("regular expression", "pattern"),
        ("unique values", "uniqueItems"),
        ("must be ", "range"),
    ]
    .into_iter()
    .find_map(|(words, rule)| message.contains(words).then_some(rule))
    .unwrap_or("unknown")
}
