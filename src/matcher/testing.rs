//! Tapes for the tests of the matcher.

use super::Tape;
use super::session::{Outcome, Session};
use crate::cassette::Cassette;
use crate::inspect::Call;
use crate::redaction::Redactor;
use crate::redaction::testing::{call, finding, input, redaction, redactor, request_of, response};

/// A body may begin with the operation's name; `Put` is meant otherwise.
fn split(body: &str) -> (Call, &str) {
    let at = body.find('{').unwrap_or(0);
    let (name, body) = body.split_at(at);
    (call(if name.is_empty() { "Put" } else { name }), body)
}

/// A tape of redacted calls, each answered with a status.
pub fn tape(calls: &[(&str, u16)]) -> Tape {
    let calls: Vec<_> = calls.iter().map(|(body, status)| (*body, *status, r#"{"message":"m"}"#)).collect();
    answered_tape(&calls)
}

/// A tape of redacted calls and answers.
pub fn answered_tape(calls: &[(&str, u16, &str)]) -> Tape {
    let recorder = redactor();
    let interactions = calls.iter().map(|(body, status, answer)| {
        let (call, body) = split(body);
        let request = request_of(&call.service.operation(call.operation).name, body);
        let response = response(*status, answer);
        recorder
            .redact(&request, &response, &finding(&request, &response), 1)
            .expect("nothing leaks")
    });
    let cassette = Cassette {
        redaction: redaction(),
        interactions: interactions.collect(),
        ..Cassette::default()
    };
    let redactor = Redactor::new(&cassette.redaction, &mut cassette.interactions.iter());
    Tape::new(cassette, redactor, |interaction| {
        finding(&interaction.request, &interaction.response)
    })
}

pub fn ask(session: &Session, tape: &Tape, body: &str, repeat: bool) -> Outcome {
    let (call, body) = split(body);
    let input = input(body);
    let token = input.member("clientToken").and_then(|token| token.as_text());
    session.play(tape, session.key(tape, &call, &input), tape.operation(&call), token, repeat)
}
