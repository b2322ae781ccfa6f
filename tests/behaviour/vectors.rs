//! Test vectors from outside, through the `check` command. They are found by the environment
//! variable `FERROTAPE_VECTORS`; without it these tests say that they are skipped.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("FERROTAPE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: FERROTAPE_VECTORS is not set");
    }
    folder
}

pub fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

/// Runs `ferrotape check` over lines and gives its answers by id.
pub fn check(models: &[PathBuf], lines: &[Value]) -> BTreeMap<String, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrotape"));
    command
        .arg("check")
        .args(models.iter().flat_map(|model| [Path::new("--model"), model.as_path()]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers = answers.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    answers
        .map(|answer| (answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(), answer))
        .collect()
}

pub fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

/// The rules and paths of departures, as a set. The vectors write the root as `/`.
fn places(list: &Value, rule: &str) -> BTreeSet<(String, String)> {
    let place = |departure: &Value| {
        let path = departure["path"].as_str().unwrap();
        let rule = match departure[rule].as_str().unwrap() {
            "null" => "type",
            "output-length" => "length",
            "output-pattern" => "pattern",
            "output-enum" => "enum",
            "unknown-member" | "unmodelled-error" => "unknown",
            other => other,
        };
        (if path == "/" { String::new() } else { path.to_owned() }, rule.to_owned())
    };
    list.as_array().map(|list| list.iter().map(place).collect()).unwrap_or_default()
}

#[test]
fn every_boundary_case_of_the_two_operations_is_judged_as_stated() {
    let Some(folder) = vectors() else { return };
    let cases = read(&folder.join("operations/boundary.json"));
    let cases: Vec<&Value> = cases["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["ambiguous"] != true)
        .collect();
    let lines: Vec<Value> = cases.iter().map(|case| boundary_line(case)).collect();
    let answers = check(&[], &lines);
    let failures: Vec<String> = cases.iter().filter_map(|case| boundary_failure(case, &answers)).collect();
    report(&failures);
    assert!(cases.len() > 300);
}

fn boundary_line(case: &Value) -> Value {
    let mut side = case["http"].as_object().unwrap().clone();
    if let Some(path) = side.remove("path") {
        side.insert("uri".to_owned(), path);
    }
    match (&case["body"], &case["body_raw"], &case["body_base64"]) {
        (_, Value::String(raw), _) => side.insert("body".to_owned(), raw.as_str().into()),
        (_, _, Value::String(base64)) => side.insert("bodyBase64".to_owned(), base64.as_str().into()),
        (body, _, _) => side.insert("body".to_owned(), body.to_string().into()),
    };
    let mut line = json!({"id": case["id"], case["direction"].as_str().unwrap(): side});
    if case["direction"] == "response" {
        line["service"] = case["service"].clone();
        line["operation"] = case["operation"].clone();
    }
    line
}

fn boundary_failure(case: &Value, answers: &BTreeMap<String, Value>) -> Option<String> {
    let id = case["id"].as_str().unwrap();
    let side = &answers[id][case["direction"].as_str().unwrap()];
    let violations = case["violations"].as_array().unwrap();
    let constraint = |index: usize| {
        violations
            .get(index)
            .map_or("", |violation| violation["constraint"].as_str().unwrap())
    };
    let verdict = match (case["verdict"].as_str().unwrap(), constraint(0)) {
        ("valid", _) => "conforms",
        (_, "json" | "content-type" | "error-type") => "malformed",
        (_, "target" | "method" | "path") => "unmodeled",
        _ => "violates",
    };
    let wanted = if verdict == "violates" {
        places(&case["violations"], "constraint")
    } else {
        BTreeSet::new()
    };
    let lints = places(&case["lint"], "kind");
    let ok =
        side["verdict"] == verdict && places(&side["violations"], "rule") == wanted && lints.is_subset(&places(&side["lints"], "rule"));
    (!ok).then(|| format!("{id}: wanted {verdict} {wanted:?} {lints:?}, got {side}"))
}

#[test]
fn every_captured_request_of_a_real_sdk_is_recognised_and_decoded() {
    let Some(folder) = vectors() else { return };
    let text = std::fs::read_to_string(folder.join("captures.jsonl")).unwrap();
    let captures: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<Value> = captures
        .iter()
        .enumerate()
        .map(|(index, capture)| capture_line(index, capture))
        .collect();
    let answers = check(&[], &lines);
    let mut failures = Vec::new();
    for (index, capture) in captures.iter().enumerate() {
        let name = capture["operation"].as_str().unwrap();
        let answer = &answers[&index.to_string()];
        let operation = if name == "sc" {
            "CreateProvisioningArtifact"
        } else {
            "CreateServiceInstance"
        };
        let verdict = if name.starts_with("proton-") { "violates" } else { "conforms" };
        if answer["operation"] != operation || answer["request"]["verdict"] != verdict || !answer["request"]["input"].is_object() {
            failures.push(format!("{} {name} {}: {answer}", capture["client"], capture["case"]));
        }
    }
    report(&failures);
    assert_eq!(captures.len(), 143);
}

fn capture_line(index: usize, capture: &Value) -> Value {
    let mut start = capture["start_line"].as_str().unwrap().split(' ');
    let (method, path) = (start.next().unwrap(), start.next().unwrap());
    let mut headers: Map<String, Value> = Map::new();
    for header in capture["headers"].as_array().unwrap() {
        let values = headers.entry(header[0].as_str().unwrap()).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push(header[1].clone());
    }
    // The endpoint's own path is the user's, and gone before a request is understood.
    let uri = path.replace("/s/sess-1/", "/").replace("/s/sess-1", "/");
    json!({"id": index.to_string(), "request": {"method": method, "uri": uri, "headers": headers, "body": capture["body_text"]}})
}

/// Cases that cannot be put to `check`, with the reason.
const LEFT_ASIDE: &[(&str, &str)] = &[
    ("SDKAppliedContentEncoding_awsJson1_0", NO_BODY),
    ("SDKAppliedContentEncoding_awsJson1_1", NO_BODY),
    ("SDKAppliedContentEncoding_restJson1", NO_BODY),
    ("SDKAppliedContentEncoding_restXml", NO_BODY),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", NO_BODY),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", NO_BODY),
    ("SDKAppendedGzipAfterProvidedEncoding_restJson1", NO_BODY),
    ("SDKAppendedGzipAfterProvidedEncoding_restXml", NO_BODY),
    ("SDKAppliedContentEncoding_awsQuery", NO_BODY),
    ("SDKAppliedContentEncoding_ec2Query", NO_BODY),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", NO_BODY),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", NO_BODY),
    ("AcceptHeaderStarRequestTest", "belongs to no service of the vectors"),
    (
        "RestJsonOmitsEmptyListQueryValues",
        "a client's empty lists, which are never on the wire",
    ),
    ("RestJsonQueryPrecedence", OVERWRITTEN),
    ("RestXmlQueryPrecedence", OVERWRITTEN),
    ("HttpEmptyPrefixHeadersRequestClient", OVERWRITTEN),
    ("HttpEmptyPrefixHeadersResponseServer", OVERWRITTEN),
    ("RestJsonHttpEmptyPrefixHeadersResponseServer", OVERWRITTEN),
    ("GlacierAccountId", "an empty account id, in whose place Glacier's clients send `-`"),
    ("QueryEmptyQueryMaps", "a client's empty map, which is never on the wire"),
    ("Ec2EmptyQueryLists", "a client's empty list, which is never on the wire"),
];

const NO_BODY: &str = "gives no body: it only asks a client for a header";
const OVERWRITTEN: &str = "the sender's map has another value for a name than the named member, whose value is the one on the wire";

#[test]
fn every_smithy_protocol_case_of_aws_json_decodes_to_its_parameters() {
    assert!(smithy_cases(&["awsJson1_0", "awsJson1_1"]).is_none_or(|count| count > 140));
}

#[test]
fn every_smithy_protocol_case_of_the_rest_protocols_decodes_to_its_parameters() {
    assert!(smithy_cases(&["restJson1", "restXml"]).is_none_or(|count| count > 340));
}

#[test]
fn every_smithy_protocol_case_of_the_query_protocols_decodes_to_its_parameters() {
    assert!(smithy_cases(&["awsQuery", "ec2Query"]).is_none_or(|count| count == 99));
}

#[test]
fn every_smithy_protocol_case_of_rpc_v2_decodes_to_its_parameters() {
    assert!(smithy_cases(&["rpcv2Cbor", "rpcv2Json"]).is_none_or(|count| count > 130));
}

/// Puts all request and response cases of some protocols to `check`; how many, unless skipped.
fn smithy_cases(protocols: &[&str]) -> Option<usize> {
    let folder = vectors()?;
    let mut failures = Vec::new();
    let mut count = 0;
    let files = protocols
        .iter()
        .flat_map(|protocol| [(protocol, "request"), (protocol, "response")]);
    for (file, side) in files {
        let cases = read(&folder.join(format!("smithy/cases/{file}.{side}.json")));
        for case in cases.as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            if LEFT_ASIDE.iter().any(|(left, _)| *left == id) {
                continue;
            }
            count += 1;
            failures.extend(smithy_failure(&folder, case, side));
        }
    }
    report(&failures);
    Some(count)
}

fn smithy_failure(folder: &Path, case: &Value, side: &str) -> Option<String> {
    let id = case["id"].as_str().unwrap();
    let (service, operation) = owner(folder, case);
    let model = folder.join("smithy/models").join(format!("{}.json", service.replace('#', ".")));
    let mut exchange = Map::new();
    for (name, member) in [
        ("method", "method"),
        ("uri", "uri"),
        ("status", "code"),
        ("headers", "headers"),
        ("body", "body"),
    ] {
        if let Some(value) = case.get(member) {
            let binary = name == "body" && case["protocol"] == "smithy.protocols#rpcv2Cbor";
            let name = if binary { "bodyBase64" } else { name };
            exchange.insert(name.to_owned(), value.clone());
        }
    }
    if side == "request" {
        exchange.insert("uri".to_owned(), uri(case).into());
        add_content_type(case, &mut exchange);
    }
    let line = json!({"id": id, "service": service, "operation": operation, side: exchange});
    let answers = check(std::slice::from_ref(&model), &[line]);
    let answer = &answers[id][side];
    let error = case["kind"] == "errorResponse";
    let got = match (side, error) {
        ("request", _) => &answer["input"],
        (_, true) => &answer["error"]["value"],
        (_, false) => &answer["output"],
    };
    let shapes = &read(&model)["shapes"];
    let shape = if error {
        case["shape"].as_str().unwrap()
    } else {
        case[if side == "request" { "input" } else { "output" }].as_str().unwrap()
    };
    let empty = json!({});
    let params = case.get("params").unwrap_or(&empty);
    let wanted = wire_form(shapes, shape, params);
    // A case for the sending side lists the parameters before defaults are filled in. The suite of
    // restXml is written for clients alone: no request of it lists what a map of the query also gets.
    let sender = if side == "request" { "client" } else { "server" };
    let for_sender = case["appliesTo"] == sender;
    let for_client = side == "request" && case["protocol"] == "aws.protocols#restXml" && case["appliesTo"] != "server";
    let equal = if for_sender || for_client {
        contains(got, &wanted)
    } else {
        same(got, &wanted)
    };
    let code_ok = !error || answer["error"]["code"] == shape.rsplit('#').next().unwrap();
    (!(equal && code_ok)).then(|| format!("{id}: wanted {wanted}, got {answer}"))
}

/// Cases of restJson1 list only the headers that they are about; every client tells the type of a body.
fn add_content_type(case: &Value, exchange: &mut Map<String, Value>) {
    if case["protocol"] != "aws.protocols#restJson1" {
        return;
    }
    let headers = exchange.entry("headers").or_insert_with(|| json!({})).as_object_mut().unwrap();
    let told = headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
    let body = case["body"].as_str().unwrap_or("");
    if let Some(media_type) = case["bodyMediaType"].as_str().filter(|_| !told && !body.is_empty()) {
        headers.insert("Content-Type".to_owned(), media_type.into());
    }
}

/// The URI of a request, with the query that the case lists apart.
pub fn uri(case: &Value) -> String {
    let path = case["uri"].as_str().unwrap_or("/");
    let host = case["resolvedHost"]
        .as_str()
        .map(|host| format!("https://{host}"))
        .unwrap_or_default();
    let query: Vec<&str> = case["queryParams"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mark = match (query.is_empty(), path.contains('?')) {
        (true, _) => "",
        (_, true) => "&",
        (_, false) => "?",
    };
    format!("{host}{path}{mark}{}", query.join("&"))
}

/// The service and operation of a case. An error's case names only operations: their service is
/// the one whose model has them.
fn owner(folder: &Path, case: &Value) -> (String, String) {
    let local = |id: &str| id.rsplit('#').next().unwrap().to_owned();
    let Some(operation) = case["operations"].as_array().and_then(|operations| operations[0].as_str()) else {
        let service = case["services"][0].as_str().unwrap();
        return (service.to_owned(), local(case["shape"].as_str().unwrap()));
    };
    let models = std::fs::read_dir(folder.join("smithy/models")).unwrap();
    let namespace = format!("{}.", operation.split('#').next().unwrap());
    for entry in models.map(|entry| entry.unwrap()) {
        let file = entry.file_name().into_string().unwrap();
        let Some(name) = file.strip_prefix(&namespace).and_then(|name| name.strip_suffix(".json")) else {
            continue;
        };
        if !name.contains('.') && !read(&entry.path())["shapes"][operation].is_null() {
            return (format!("{}#{name}", namespace.trim_end_matches('.')), local(operation));
        }
    }
    panic!("no model has {operation}");
}

/// The vectors' parameters as `check` writes values: blobs, plain text there, in base64.
pub fn wire_form(shapes: &Value, shape: &str, params: &Value) -> Value {
    let definition = &shapes[shape];
    let kind = definition["type"]
        .as_str()
        .unwrap_or_else(|| if shape == "smithy.api#Blob" { "blob" } else { "" });
    match (kind, params) {
        ("blob", Value::String(text)) => base64(text.as_bytes()).into(),
        ("structure" | "union", Value::Object(members)) => {
            let target = |name: &str| definition["members"][name]["target"].as_str().unwrap_or("").to_owned();
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), wire_form(shapes, &target(name), value)))
                .collect()
        }
        ("list", Value::Array(items)) => items
            .iter()
            .map(|item| wire_form(shapes, definition["member"]["target"].as_str().unwrap(), item))
            .collect(),
        ("map", Value::Object(entries)) => {
            let target = definition["value"]["target"].as_str().unwrap();
            entries
                .iter()
                .map(|(key, value)| (key.clone(), wire_form(shapes, target, value)))
                .collect()
        }
        _ => params.clone(),
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Equal, numbers by value.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Whether `whole` has everything of `part`.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|other| contains(other, value))),
        _ => same(whole, part),
    }
}
