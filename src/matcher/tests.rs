use super::session::{Outcome, Session};
use super::testing::{ask, tape};
use super::*;
use crate::redaction::testing::{call, finding, input, redacted, redaction, redactor, text};
use bytes::Bytes;

fn tape_of(interactions: Vec<Interaction>) -> Tape {
    let cassette = Cassette {
        redaction: redaction(),
        interactions,
        ..Cassette::default()
    };
    let redactor = Redactor::new(&cassette.redaction, &mut cassette.interactions.iter());
    Tape::new(cassette, redactor, |taken| finding(&taken.request, &taken.response))
}

#[test]
fn an_account_that_only_the_response_gave_away_does_not_hide_the_recording() {
    let arn = r#"{"arn":"arn:aws:iam::481516234207:role/x"}"#;
    let tape = tape_of(vec![redacted(&redactor(), r#"{"name":"481516234207"}"#, 200, arn)]);
    assert_eq!(text(tape.tracks()[0].interaction.request.body()), r#"{"name":"000000000001"}"#);
    let outcome = ask(&Session::new(&tape), &tape, r#"{"name":"481516234207"}"#, false);
    assert_eq!(outcome, Outcome::Play { position: 0, again: false });
}

#[test]
fn a_plain_secret_in_a_cassette_is_hidden_before_keys_are_made() {
    let mut taken = redacted(&redactor(), r#"{"spec":"one"}"#, 200, "{}");
    *taken.request.body_mut() = Bytes::from_static(br#"{"spec":"edited"}"#);
    let tape = tape_of(vec![taken]);
    assert_eq!(
        tape.lints(),
        [(0, "`/request/body/spec` stood in plain text and is hidden".to_owned())]
    );
    assert!(!text(tape.tracks()[0].interaction.request.body()).contains("edited"));
    let outcome = ask(&Session::new(&tape), &tape, r#"{"spec":"edited"}"#, false);
    assert_eq!(outcome, Outcome::Play { position: 0, again: false });
}

#[test]
fn a_tape_answers_with_what_the_client_sent() {
    let tape = tape_of(vec![redacted(&redactor(), r#"{"spec":"one"}"#, 200, r#"{"spec":"one"}"#)]);
    let session = Session::new(&tape);
    assert_eq!(text(&session.body(&tape, 0, &input(r#"{"spec":"one"}"#))), r#"{"spec":"one"}"#);
    assert_eq!(session.body(&tape, 1, &input("{}")), "");
}

#[test]
fn a_call_that_names_no_region_means_the_one_that_was_recorded() {
    let tape = tape(&[(r#"{"name":"a"}"#, 200)]);
    let mut call = call("Put");
    let session = Session::new(&tape);
    let mut ask = |region: Option<&str>| {
        call.region = region.map(str::to_owned);
        let key = session.key(&tape, &call, &input(r#"{"name":"a"}"#));
        session.play(&tape, key, tape.operation(&call), None, true)
    };
    assert_eq!(ask(Some("eu-west-1")), Outcome::Unrecorded);
    assert_eq!(ask(None), Outcome::Play { position: 0, again: false });
    assert_eq!(ask(Some("us-east-1")), Outcome::Play { position: 0, again: true });
}

#[test]
fn only_recorded_operations_are_known() {
    let tape = tape(&[("{}", 200)]);
    assert_eq!(tape.operation(&call("Put")), Some(OperationId(0)));
    assert_eq!(tape.operation(&call("Get")), None);
}
