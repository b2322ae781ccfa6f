//! The report for programs: one JSON object whose members never change their meaning; new ones may
//! be added. Members that say nothing are left out, lists are always there.

use super::{CallReport, CassetteReport, Outcome, Report, SessionReport, SideReport, Summary};
use crate::contract::Departure;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// The form `json`.
pub(super) struct Json;

impl Report for Json {
    fn write(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let object = json!({
            "mode": summary.mode.name(),
            "counts": counts(summary),
            "cassettes": summary.cassettes.iter().map(cassette).collect::<Vec<_>>(),
            "sessions": summary.sessions.iter().map(session).collect::<Vec<_>>(),
            "calls": summary.calls.iter().map(call).collect::<Vec<_>>(),
            "orphans": summary.orphans,
            "notes": summary.notes,
        });
        serde_json::to_writer_pretty(&mut *out, &object)?;
        writeln!(out)
    }
}

fn counts(summary: &Summary) -> Value {
    let mut counts = Map::new();
    counts.insert("calls".to_owned(), summary.calls.len().into());
    for outcome in Outcome::ALL {
        counts.insert(outcome.identifier().to_owned(), summary.count(outcome).into());
    }
    counts.insert("broken".to_owned(), summary.broken().into());
    counts.insert("lints".to_owned(), summary.lints().into());
    counts.insert("unplayed".to_owned(), summary.unplayed().into());
    Value::Object(counts)
}

fn cassette(cassette: &CassetteReport) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), cassette.name.clone().into());
    insert(&mut object, "path", cassette.path.as_ref().map(|path| path.display().to_string()));
    object.insert("interactions".to_owned(), cassette.interactions.into());
    let unplayed = cassette.unplayed.iter().map(|unplayed| {
        let mut object = Map::new();
        object.insert("interaction".to_owned(), unplayed.interaction.into());
        insert(&mut object, "service", unplayed.service.clone());
        insert(&mut object, "operation", unplayed.operation.clone());
        Value::Object(object)
    });
    object.insert("unplayed".to_owned(), unplayed.collect());
    Value::Object(object)
}

fn session(session: &SessionReport) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), session.name.clone().into());
    object.insert("cassette".to_owned(), session.cassette.clone().into());
    object.insert("calls".to_owned(), session.calls.into());
    for (outcome, count) in &session.counts {
        object.insert(outcome.identifier().to_owned(), (*count).into());
    }
    object.insert("unplayed".to_owned(), session.unplayed.into());
    Value::Object(object)
}

fn call(call: &CallReport) -> Value {
    let mut object = Map::new();
    object.insert("number".to_owned(), call.number.into());
    object.insert("outcome".to_owned(), call.outcome.identifier().into());
    insert(&mut object, "service", call.service.clone());
    insert(&mut object, "operation", call.operation.clone());
    insert(&mut object, "region", call.region.clone());
    object.insert("cassette".to_owned(), call.cassette.clone().into());
    insert(&mut object, "session", call.session.clone());
    insert(&mut object, "interaction", call.interaction);
    insert(&mut object, "status", call.status);
    insert(&mut object, "error", call.error.clone());
    insert(&mut object, "request", call.request.as_ref().map(side));
    insert(&mut object, "response", call.response.as_ref().map(side));
    let differences = call
        .differences
        .iter()
        .map(|difference| json!({ "path": difference.path, "recorded": difference.recorded, "live": difference.sent }));
    let differences: Vec<Value> = differences.collect();
    insert(&mut object, "differences", (!differences.is_empty()).then_some(differences));
    insert(&mut object, "message", call.message.clone());
    Value::Object(object)
}

fn side(side: &SideReport) -> Value {
    let mut object = Map::new();
    object.insert("verdict".to_owned(), side.verdict.name().into());
    insert(&mut object, "reason", side.reason.clone());
    object.insert("violations".to_owned(), side.violations.iter().map(departure).collect());
    object.insert("lints".to_owned(), side.lints.iter().map(departure).collect());
    Value::Object(object)
}

fn departure(departure: &Departure) -> Value {
    json!({ "path": departure.path, "rule": departure.rule.name(), "message": departure.message })
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::replay;
    use super::*;

    #[test]
    fn the_whole_run_is_one_object() {
        let mut bytes = Vec::new();
        Json.write(&replay(), &mut bytes).unwrap();
        let object: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(object["mode"], "replay");
        assert_eq!(
            object["counts"],
            json!({
                "calls": 3, "recorded": 0, "played": 1, "forwarded": 0, "same": 0, "differs": 0, "judged": 0, "refused": 1, "missed": 1, "unmodeled": 0,
                "notRecorded": 0, "upstreamFailed": 0, "broken": 1, "lints": 1, "unplayed": 1
            })
        );
        assert_eq!(object["calls"][1]["request"]["violations"][0]["path"], "/name");
        assert_eq!(object["calls"][1]["request"]["violations"][0]["rule"], "length");
        assert_eq!(object["cassettes"][0]["unplayed"][0]["operation"], "CreateProvisioningArtifact");
        assert_eq!(
            object["sessions"],
            json!([{ "name": "orders", "cassette": "orders", "calls": 3, "played": 1, "refused": 1, "missed": 1, "unplayed": 1 }])
        );
        assert!(object["calls"][0].get("session").is_none());
        assert!(object["calls"][0].get("message").is_none());
        assert!(!String::from_utf8(bytes).unwrap().contains("hush"));
    }
}
