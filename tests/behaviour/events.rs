//! Smithy's event-stream cases: each frame of a stream is read as the event that it is, through the
//! `check` command, and written again as the suite shows it.

use super::vectors::{check, read, report, vectors, wire_form};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferrotape::codec::event_stream;
use ferrotape::inspect::protocol_of;
use ferrotape::model::load;
use ferrotape::protocol::Reply;
use ferrotape::wire::{Request, Response};
use serde_json::{Map, Value, json};
use std::path::Path;

const MODEL: &str = "smithy/models/aws.protocoltests.restjson.RestJson.json";

fn cases(folder: &Path) -> Vec<Value> {
    let cases = read(&folder.join("smithy/cases/restJson1.eventstream.json"));
    cases.as_array().unwrap().clone()
}

#[test]
fn every_event_stream_case_of_smithy_is_read_event_by_event() {
    let Some(folder) = vectors() else { return };
    let model = folder.join(MODEL);
    let shapes = read(&model)["shapes"].clone();
    let cases = cases(&folder);
    let sides: Vec<(&Value, &str)> = cases
        .iter()
        .flat_map(|case| ["request", "response"].map(|side| (case, side)))
        .filter(|(case, side)| said(case, side).is_some())
        .collect();
    let lines: Vec<Value> = sides.iter().map(|(case, side)| line(&shapes, case, side)).collect();
    let answers = check(&[model], &lines);
    let failures: Vec<String> = sides
        .iter()
        .filter_map(|(case, side)| failure(&shapes, case, side, &answers[&id(case, side)]))
        .collect();
    report(&failures);
    assert_eq!((cases.len(), sides.len()), (78, 78));
}

fn id(case: &Value, side: &str) -> String {
    format!("{} {side}", case["id"].as_str().unwrap())
}

/// The events and the initial message of one side; nothing where the case is not about it.
fn said<'a>(case: &'a Value, side: &str) -> Option<(Vec<&'a Value>, &'a Value)> {
    let events = case["events"].as_array().into_iter().flatten();
    let events: Vec<&Value> = events.filter(|event| event["type"] == side).collect();
    let initial = &case[if side == "request" { "initialRequest" } else { "initialResponse" }];
    (!events.is_empty() || !initial.is_null()).then_some((events, initial))
}

fn line(shapes: &Value, case: &Value, side: &str) -> Value {
    let (events, initial) = said(case, side).unwrap();
    let shape = case["shape"].as_str().unwrap();
    let mut message: Map<String, Value> = Map::new();
    let mut headers = initial["headers"].as_object().cloned().unwrap_or_default();
    let stream = || "application/vnd.amazon.eventstream".into();
    headers.entry("Content-Type").or_insert_with(stream);
    message.insert("headers".to_owned(), headers.into());
    if side == "request" {
        let http = &shapes[shape]["traits"]["smithy.api#http"];
        message.insert("method".to_owned(), http["method"].clone());
        message.insert("uri".to_owned(), http["uri"].clone());
    } else {
        message.insert("status".to_owned(), initial.get("code").cloned().unwrap_or(200.into()));
    }
    match initial["body"].as_str() {
        Some(body) => message.insert("body".to_owned(), body.into()),
        None => message.insert("bodyBase64".to_owned(), STANDARD.encode(bytes(&events)).into()),
    };
    json!({"id": id(case, side), "service": case["services"][0], "operation": shape.rsplit('#').next().unwrap(), side: message})
}

fn bytes(events: &[&Value]) -> Vec<u8> {
    let frame = |event: &&Value| STANDARD.decode(event["bytes"].as_str().unwrap()).unwrap();
    events.iter().flat_map(frame).collect()
}

/// What `check` is to say of a side: the verdict, and the value of the stream or the message.
fn wanted(shapes: &Value, case: &Value, side: &str) -> (&'static str, Value) {
    let (events, initial) = said(case, side).unwrap();
    let shape = case[if side == "request" { "input" } else { "output" }].as_str().unwrap();
    let kind = |event: &&Value| event["headers"][":message-type"]["string"].as_str().map(str::to_owned);
    let failure = &case["expectation"]["failure"];
    if let Some(error) = failure["errorId"].as_str().filter(|_| events.is_empty()) {
        return (
            "conforms",
            json!({"code": error.rsplit('#').next().unwrap(), "value": {"message": "foo"}}),
        );
    }
    if failure.is_object() && events.is_empty() {
        return ("malformed", Value::Null);
    }
    if events.is_empty() {
        let params = &case[if side == "request" {
            "initialRequestParams"
        } else {
            "initialResponseParams"
        }];
        return ("conforms", params.clone());
    }
    // A modelled error is an event as well; an unmodelled one is told in headers alone.
    if failure.is_object() && failure["errorId"].is_null() && events.iter().any(|event| event["params"].is_null()) {
        let told = |event: &&Value| {
            let headers = &event["headers"];
            json!({ headers[":error-code"]["string"].as_str().unwrap(): {"message": headers[":error-message"]["string"]}})
        };
        assert!(events.iter().all(|event| kind(event).as_deref() == Some("error")));
        return ("unknown", events.iter().map(told).collect());
    }
    let is_event = |event: &&Value| {
        let headers = &event["headers"];
        let name = if kind(event).as_deref() == Some("exception") {
            ":exception-type"
        } else {
            ":event-type"
        };
        kind(event).is_some() && headers[name]["string"].is_string()
    };
    if !events.iter().all(is_event) {
        return ("malformed", Value::Null);
    }
    let member = shapes[shape]["members"]["stream"]["target"].as_str().unwrap();
    let list: Value = events.iter().map(|event| wire_form(shapes, member, &event["params"])).collect();
    // `check` writes timestamps as numbers.
    let list = list.to_string().replace("\"2024-10-31T14:15:14Z\"", "1730384114");
    let list = serde_json::from_str(&list).unwrap();
    let lacks = failure.is_object() && failure["errorId"].is_null() && initial.is_null();
    (if lacks { "violates" } else { "conforms" }, list)
}

fn failure(shapes: &Value, case: &Value, side: &str, answer: &Value) -> Option<String> {
    let (verdict, value) = wanted(shapes, case, side);
    let found = &answer[side];
    let message = &found[if side == "request" { "input" } else { "output" }];
    let stream = &message["stream"];
    let ok = match verdict {
        "malformed" => found["verdict"] == "malformed",
        // What the model does not know is told; as everywhere, a client may not send it.
        "unknown" => {
            let name = value[0].as_object().unwrap().keys().next().unwrap();
            found["verdict"] == if side == "request" { "violates" } else { "conforms" }
                && found["lints"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|lint| lint["path"] == format!("/stream/0/{name}"))
        }
        "violates" => found["verdict"] == "violates" && found["violations"][0]["rule"] == "required" && *stream == value,
        _ if value.is_array() => found["verdict"] == "conforms" && *stream == value,
        _ if value["code"].is_string() => found["error"] == value,
        _ => *message == value,
    };
    (!ok).then(|| format!("{}: wanted {verdict} {value}, got {answer}", id(case, side)))
}

#[test]
fn every_event_that_smithy_shows_is_written_as_it_shows() {
    let Some(folder) = vectors() else { return };
    let service = load(&std::fs::read(folder.join(MODEL)).unwrap(), "test").unwrap().remove(0);
    let protocol = protocol_of(&service).unwrap();
    let (mut failures, mut count) = (Vec::new(), 0);
    for case in cases(&folder) {
        let operation = service
            .operation_named(case["shape"].as_str().unwrap().rsplit('#').next().unwrap())
            .unwrap();
        for side in ["request", "response"] {
            let events = said(&case, side).map(|(events, _)| events).unwrap_or_default();
            if events.is_empty() || events.iter().any(|event| event["params"].is_null()) {
                continue;
            }
            let body = bytes(&events);
            let written = if side == "request" {
                let mut request = Request::new(body.clone().into());
                *request.method_mut() = "POST".parse().unwrap();
                let Ok(value) = protocol.decode_request(&service, operation, &request) else {
                    continue;
                };
                protocol.encode_request(&service, operation, "example.com", &value).into_body()
            } else {
                let response = Response::new(body.clone().into());
                let Ok(Reply::Output(value)) = protocol.decode_response(&service, operation, &response) else {
                    continue;
                };
                protocol.encode_response(&service, operation, &value).into_body()
            };
            count += 1;
            let (got, shown) = (frames(&written), frames(&body));
            if got != shown {
                failures.push(format!("{}: wanted {shown:?}, got {got:?}", id(&case, side)));
            }
        }
    }
    report(&failures);
    assert_eq!(count, 53);
}

/// Frames, their headers sorted: their order means nothing.
fn frames(body: &[u8]) -> Vec<event_stream::Frame<'_>> {
    let mut frames = event_stream::frames(body).unwrap();
    frames.iter_mut().for_each(|frame| frame.headers.sort_by_key(|(name, _)| *name));
    frames
}
