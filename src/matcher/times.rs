//! Members that named the time of the request when they were recorded: live, they name that of the
//! live request.
//!
//! Such an interaction is found by what it says literally, and beside that by a key in which these
//! members are said to be the time, so far from it as in the recording.

use super::key::{self, Key, Reading};
use super::{OperationId, Tape};
use crate::cassette::TimeMark;
use crate::inspect::Call;
use crate::instant;
use crate::pointer;
use crate::redaction::renaming::Names;
use crate::value::{Directory, Value};
use std::collections::HashMap;

/// The sets of members that named the time in one interaction of an operation, each once, in recorded
/// order.
#[derive(Default)]
pub(super) struct Times(HashMap<OperationId, Vec<Vec<TimeMark>>>);

impl Times {
    /// Whether no member named it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Tape {
    /// The key of a recorded interaction in which members name the time, but for those that the rules
    /// compare or leave out.
    pub(super) fn key_by_its_times(&mut self, position: usize, input: &Value, names: Option<&Names>) -> Option<Key> {
        let track = self.tracks.get(position)?;
        let (call, operation) = (track.call.as_ref()?, track.operation?);
        let rules = self.operations.rules(Some(operation));
        let is_ruled = |mark: &TimeMark| {
            let steps: Vec<String> = pointer::tokens(&mark.member).collect();
            let directory = Directory::new(input);
            rules.is_some_and(|rules| rules.rule(&steps)) || directory.find(&steps).is_none()
        };
        let marks: Vec<TimeMark> = track.interaction.now.iter().filter(|mark| !is_ruled(mark)).cloned().collect();
        if marks.is_empty() {
            return None;
        }
        let reading = Reading {
            now: &marks,
            ..self.reading(true, Some(operation), names)
        };
        let key = key::key_with(call, input, reading);
        let sets = self.times.0.entry(operation).or_default();
        if !sets.contains(&marks) {
            sets.push(marks);
        }
        Some(key)
    }

    /// The key under which a live call is recorded whose members name the time at which it was `sent`,
    /// and these members.
    pub(super) fn key_by_time(&self, call: &Call, input: &Value, names: Option<&Names>, sent: i64) -> Option<(Key, &[TimeMark])> {
        let operation = self.operation(call)?;
        let directory = Directory::new(input);
        let is_now = |mark: &TimeMark| {
            let steps: Vec<String> = pointer::tokens(&mark.member).collect();
            directory.find(&steps).is_some_and(|value| instant::is_at(value, sent, mark.offset))
        };
        let sets = self.times.0.get(&operation)?.iter();
        sets.filter(|marks| marks.iter().all(is_now)).find_map(|marks| {
            let reading = Reading {
                now: marks,
                ..self.reading(false, Some(operation), names)
            };
            let key = self.placed_key(call, input, reading);
            self.positions(key).map(|_| (key, marks.as_slice()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::{Outcome, Session};
    use super::*;
    use crate::cassette::Cassette;
    use crate::inspect::time_marks;
    use crate::redaction::Redactor;
    use crate::redaction::testing::{call, finding, input, redaction, redactor, request_of, response};
    use crate::settings::Settings;
    use crate::wire::Request;
    use http::HeaderValue;

    fn request(body: &str, signed: &str) -> Request {
        let mut request = request_of("Put", body);
        request.headers_mut().insert("x-amz-date", HeaderValue::from_str(signed).unwrap());
        request
    }

    /// A tape of such requests, each signed at a time, under these rules.
    fn tape(calls: &[(&str, &str)], rules: &str) -> Tape {
        let settings: Settings = toml::from_str(rules).unwrap();
        let recorder = redactor();
        let interactions = calls.iter().map(|(body, signed)| {
            let (request, response) = (request(body, signed), response(200, "{}"));
            let mut taken = recorder.redact(&request, &response, &finding(&request, &response), 1).unwrap();
            taken.now = time_marks(&call("Put"), &request, &input(body));
            taken
        });
        let cassette = Cassette {
            redaction: redaction(),
            interactions: interactions.collect(),
            ..Cassette::default()
        };
        let redactor = Redactor::new(&cassette.redaction, &mut cassette.interactions.iter());
        Tape::with_rules(cassette, redactor, &settings.call_rules(), |taken| {
            finding(&taken.request, &taken.response)
        })
    }

    /// What a live call plays.
    fn played(session: &Session, tape: &Tape, body: &str, signed: &str) -> Option<usize> {
        let (call, input) = (call("Put"), input(body));
        let key = session.key_at(tape, &call, &input, &request(body, signed));
        match session.play(tape, key, tape.operation(&call), None, false) {
            Outcome::Play { position, .. } => Some(position),
            _ => None,
        }
    }

    const AT: &str = r#"{"name":"2026-11-27T17:25:10Z"}"#;
    const A_DAY_LATER: &str = r#"{"name":"2026-11-28T17:25:11Z"}"#;

    #[test]
    fn the_time_of_a_call_is_that_of_the_run() {
        let tape = tape(&[(AT, "20261127T172512Z"), (A_DAY_LATER, "20261127T172512Z")], "");
        let session = Session::new(&tape);
        let later = |day: &str| format!(r#"{{"name":"2027-03-{day}T08:00:00Z"}}"#);
        assert_eq!(
            played(&session, &tape, &later("03"), "20270301T080001Z"),
            None,
            "two days are not one"
        );
        assert_eq!(played(&session, &tape, &later("02"), "20270301T080001Z"), Some(1));
        assert_eq!(played(&session, &tape, &later("01"), "20270301T080001Z"), Some(0));
        assert_eq!(session.times(), ["Put:/name"]);
    }

    #[test]
    fn what_was_recorded_still_answers_to_itself() {
        let tape = tape(&[(AT, "20261127T172512Z")], "");
        let session = Session::new(&tape);
        assert_eq!(played(&session, &tape, AT, "20300101T000000Z"), Some(0));
        assert_eq!(session.times(), [""; 0]);
    }

    #[test]
    fn a_member_that_the_user_compares_is_no_time() {
        let tape = tape(&[(AT, "20261127T172512Z")], "[match]\ncompare = [\"Put:/name\"]\n");
        assert!(tape.times.is_empty());
    }

    #[test]
    fn only_a_request_that_tells_its_time_is_matched_by_it() {
        let tape = tape(&[(AT, "20261127T172512Z")], "");
        let session = Session::new(&tape);
        let (call, body) = (call("Put"), r#"{"name":"2027-03-01T08:00:00Z"}"#);
        let key = session.key_at(&tape, &call, &input(body), &request_of("Put", body));
        assert_eq!(session.play(&tape, key, tape.operation(&call), None, false), Outcome::Unrecorded);
        assert_eq!(time_marks(&call, &request_of("Put", AT), &input(AT)), []);
    }
}
