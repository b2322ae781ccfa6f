//! A session as the control endpoint tells it: JSON whose members never change their meaning.

use super::{Ending, Session, Sessions, Stage, Unplayed};
use crate::cassette::Name;
use crate::outcome::Outcome;
use crate::proxy::control::{Control, ControlError};
use serde_json::{Map, Value, json};

impl<S: Stage> Control for Sessions<S> {
    fn health(&self) -> Value {
        let running = self.read().all.iter().filter(|session| !session.has_ended()).count();
        json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "mode": self.stage.mode(),
            "cassette": self.own.as_ref().map(|own| own.label.cassette.to_string()),
            "sessions": running,
        })
    }

    fn list(&self) -> Value {
        let sessions = self.all();
        json!({ "sessions": sessions.iter().map(|session| Value::Object(counts(session))).collect::<Vec<_>>() })
    }

    fn was_used(&self) -> bool {
        self.read().all.iter().any(|session| session.was_started())
    }

    fn refusal(&self) -> Option<String> {
        self.refusal.get().cloned()
    }

    fn start(&self, name: &Name, cassette: Option<&Name>) -> Result<Value, ControlError> {
        // Without its lists: all is unplayed, and that may be much.
        let started = Sessions::start(self, name, cassette).inspect_err(|error| {
            let _ = self.refusal.set(error.to_string());
        });
        Ok(Value::Object(counts(&*started?)))
    }

    fn summary(&self, name: &Name) -> Result<Value, ControlError> {
        let session = self.find(name)?;
        Ok(self.summary_of(&session))
    }

    fn end(&self, name: &Name, ending: Ending) -> Result<Value, ControlError> {
        let session = Sessions::end(self, name, ending)?;
        Ok(self.summary_of(&session))
    }
}

impl<S: Stage> Sessions<S> {
    fn summary_of(&self, session: &Session<S::Part>) -> Value {
        let mut object = counts(session);
        let unplayed = self.stage.unplayed(&session.part);
        object.insert("unplayed".to_owned(), unplayed.iter().map(told).collect());
        let problems = session.tally.problems();
        let problems = problems.iter().map(|problem| {
            json!({
                "call": problem.number,
                "outcome": problem.outcome.identifier(),
                "service": problem.service,
                "operation": problem.operation,
                "message": problem.message,
            })
        });
        object.insert("problems".to_owned(), problems.collect());
        Value::Object(object)
    }
}

fn counts<P>(session: &Session<P>) -> Map<String, Value> {
    let tally = &session.tally;
    let mut object = Map::new();
    object.insert("name".to_owned(), session.label.session.to_string().into());
    object.insert("cassette".to_owned(), session.label.cassette.to_string().into());
    object.insert("state".to_owned(), if session.has_ended() { "ended" } else { "running" }.into());
    object.insert("ok".to_owned(), tally.is_clean().into());
    object.insert("calls".to_owned(), tally.calls().into());
    for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Judged) {
        object.insert(outcome.identifier().to_owned(), tally.counted(outcome).into());
    }
    object.insert("violated".to_owned(), tally.violated().into());
    object
}

fn told(unplayed: &Unplayed) -> Value {
    json!({ "interaction": unplayed.position + 1, "service": unplayed.service, "operation": unplayed.operation })
}
