//! Matching of what was hidden because it was hidden elsewhere: by placeholder, and by true value.

use super::Tape;
use super::session::{Outcome, Session};
use crate::cassette::Cassette;
use crate::inspect::Call;
use crate::redaction::Redactor;
use crate::redaction::testing::{call, finding, input, redaction, redactor, request_of, response, text};

const SECRET: &str = "correct-horse & battery";

fn split(body: &str) -> (Call, &str) {
    let (name, body) = body.split_at(body.find('{').unwrap());
    (call(if name.is_empty() { "Put" } else { name }), body)
}

/// A recording of calls and their answers, sealed.
fn recorded(calls: &[(&str, &str)]) -> Cassette {
    let recorder = redactor().with_memory();
    let interactions = calls.iter().map(|(body, answer)| {
        let (call, body) = split(body);
        let (request, response) = (request_of(&call.operation().name, body), response(200, answer));
        recorder.redact(&request, &response, &finding(&request, &response), 1).unwrap()
    });
    let mut cassette = Cassette {
        redaction: redaction(),
        interactions: interactions.collect(),
        ..Cassette::default()
    };
    recorder.settle(&mut cassette, &|taken| finding(&taken.request, &taken.response));
    cassette
}

struct Play {
    tape: Tape,
    session: Session,
}

impl Play {
    fn of(cassette: Cassette) -> Play {
        let redactor = Redactor::new(&cassette.redaction, &mut cassette.interactions.iter());
        let tape = Tape::new(cassette, redactor, |taken| finding(&taken.request, &taken.response));
        Play {
            session: Session::new(&tape),
            tape,
        }
    }

    /// The position and the body of the answer; nothing where the call misses.
    fn ask(&self, body: &str) -> Option<(usize, String)> {
        let (call, body) = split(body);
        let input = input(body);
        let key = self.session.key(&self.tape, &call, &input);
        let outcome = self.session.play(&self.tape, key, self.tape.operation(&call), None, false);
        let Outcome::Play { position, .. } = outcome else { return None };
        Some((position, text(&self.session.body(&self.tape, position, &input)).to_owned()))
    }
}

fn placeholder(secret: &str) -> String {
    crate::redaction::stand_in::StandIns::new(crate::redaction::testing::SALT).text(secret)
}

fn calls() -> [(String, String); 4] {
    let nested = serde_json::json!({ "dsn": format!("x://{SECRET}@h"), "n": 1 }).to_string();
    let name = |text: &str| serde_json::json!({ "name": text }).to_string();
    [
        ("Get{}".to_owned(), serde_json::json!({ "spec": SECRET }).to_string()),
        (
            name(&format!("connect with {SECRET}!")),
            serde_json::json!({ "note": format!("did connect with {SECRET}!") }).to_string(),
        ),
        (name(&nested), "{}".to_owned()),
        (name(SECRET), serde_json::json!({ "note": SECRET }).to_string()),
    ]
}

fn play() -> Play {
    let calls = calls();
    let calls: Vec<(&str, &str)> = calls.iter().map(|(asked, answered)| (asked.as_str(), answered.as_str())).collect();
    let cassette = recorded(&calls);
    for taken in &cassette.interactions {
        let bodies = format!("{}{}", text(taken.request.body()), text(taken.response.body()));
        assert!(!bodies.contains("battery"), "{bodies}");
    }
    Play::of(cassette)
}

#[test]
fn a_program_that_was_given_the_placeholder_matches_with_it() {
    let play = play();
    let hidden = placeholder(SECRET);
    for (position, (asked, answered)) in calls().iter().enumerate() {
        let (asked, answered) = (asked.replace(SECRET, &hidden), answered.replace(SECRET, &hidden));
        assert_eq!(play.ask(&asked), Some((position, answered)));
    }
}

#[test]
fn a_program_that_knows_the_secret_itself_matches_in_any_order_and_gets_back_its_own() {
    let play = play();
    let calls = calls();
    for position in [3, 2, 1] {
        let (asked, answered) = &calls[position];
        assert_eq!(play.ask(asked), Some((position, answered.clone())));
    }
    assert_eq!(play.ask(r#"{"name":"connect with another!"}"#), None);
}

#[test]
fn what_was_recorded_before_the_value_was_known_matches_alike() {
    let asked = format!(r#"{{"name":"early {SECRET}"}}"#);
    let given = format!(r#"{{"spec":"{SECRET}"}}"#);
    for live in [SECRET.to_owned(), placeholder(SECRET)] {
        let play = Play::of(recorded(&[(&asked, "{}"), ("Get{}", &given)]));
        assert_eq!(play.ask(&asked.replace(SECRET, &live)).map(|(position, _)| position), Some(0));
    }
}

#[test]
fn a_word_that_was_given_as_a_secret_matches_where_it_stayed_readable() {
    let recording = || recorded(&[("Get{}", r#"{"spec":"database"}"#), (r#"{"name":"database"}"#, "{}")]);
    assert_eq!(text(recording().interactions[1].request.body()), r#"{"name":"database"}"#);
    for live in ["database".to_owned(), placeholder("database")] {
        let play = Play::of(recording());
        assert!(play.ask(&format!(r#"{{"name":"{live}"}}"#)).is_some(), "{live}");
    }
}

#[test]
fn a_name_that_stayed_readable_is_readable_on_both_sides() {
    let asked = r#"{"spec":"orders-table-1","name":"x"}"#;
    let cassette = recorded(&[(asked, r#"{"spec":"orders-table-1"}"#), (r#"{"name":"orders-table-1"}"#, "{}")]);
    assert_eq!(text(cassette.interactions[0].request.body()), asked);
    let play = Play::of(cassette);
    assert_eq!(play.ask(asked), Some((0, r#"{"spec":"orders-table-1"}"#.to_owned())));
    assert!(play.tape.lints().is_empty(), "{:?}", play.tape.lints());
    assert!(play.ask(r#"{"name":"orders-table-1"}"#).is_some());
}

#[test]
fn the_keys_of_older_cassettes_are_found_by_what_they_stand_for() {
    let mut cassette = recorded(&[(r#"{"variables":{"STAGE":"one more value"}}"#, "{}")]);
    assert!(
        text(cassette.interactions[0].request.body()).contains("STAGE"),
        "names of variables stay"
    );
    let older = text(cassette.interactions[0].request.body()).replace("STAGE", &placeholder("STAGE"));
    *cassette.interactions[0].request.body_mut() = older.into();
    for place in &mut cassette.interactions[0].redacted {
        place.path = place.path.replace("STAGE", &placeholder("STAGE"));
    }
    let play = Play::of(cassette);
    assert!(play.ask(r#"{"variables":{"STAGE":"one more value"}}"#).is_some());
}

#[test]
fn however_many_texts_are_recorded_a_call_is_laid_against_few() {
    let number = |at: usize| format!("message {at} with tr0ub4dor-and-3 in the midst of {at}");
    let mut calls = vec![("Get{}".to_owned(), r#"{"spec":"tr0ub4dor-and-3"}"#.to_owned())];
    calls.extend((0..300).map(|at| (format!(r#"{{"name":"{}"}}"#, number(at)), "{}".to_owned())));
    let calls: Vec<(&str, &str)> = calls.iter().map(|(asked, answered)| (asked.as_str(), answered.as_str())).collect();
    let play = Play::of(recorded(&calls));
    for at in [299, 0, 150] {
        let asked = format!(r#"{{"name":"{}"}}"#, number(at));
        assert_eq!(play.ask(&asked).map(|(position, _)| position), Some(at + 1));
    }
}
