use super::super::testing::{answered_tape, ask, tape};
use super::*;

fn play(session: &Session, tape: &Tape, body: &str) -> Outcome {
    ask(session, tape, body, false)
}

fn first(position: usize) -> Outcome {
    Outcome::Play { position, again: false }
}

fn again(position: usize) -> Outcome {
    Outcome::Play { position, again: true }
}

#[test]
fn equal_calls_are_answered_in_recorded_order_each_once() {
    let tape = tape(&[(r#"{"name":"a"}"#, 200), (r#"{"name":"b"}"#, 200), (r#"{"name":"a"}"#, 200)]);
    let session = Session::new(&tape);
    assert_eq!(play(&session, &tape, r#"{"name":"b"}"#), first(1));
    assert_eq!(play(&session, &tape, r#"{"name":"a"}"#), first(0));
    assert_eq!(session.unplayed(), [2]);
    assert_eq!(play(&session, &tape, r#"{"name":"a"}"#), first(2));
    assert_eq!(
        play(&session, &tape, r#"{"name":"a"}"#),
        Outcome::Exhausted { recorded: 2, played: 2 }
    );
    assert_eq!(play(&session, &tape, r#"{"name":"c"}"#), Outcome::Unrecorded);
    assert_eq!((session.played(), session.plays(0)), (3, 1));
    assert_eq!(Session::new(&tape).unplayed(), [0, 1, 2], "sessions are apart");
}

#[test]
fn repeat_lets_the_last_of_a_key_answer_again_and_binds_nothing() {
    let tape = tape(&[(r#"{"clientToken":"x"}"#, 200), (r#"{"clientToken":"y"}"#, 200)]);
    let session = Session::new(&tape);
    for (token, outcome) in [("a", first(0)), ("b", first(1)), ("c", again(1)), ("d", again(1))] {
        assert_eq!(ask(&session, &tape, &format!(r#"{{"clientToken":"{token}"}}"#), true), outcome);
    }
    assert_eq!(session.lock().bindings.len(), 2);
}

#[test]
fn a_retry_plays_what_the_recorded_retry_got_and_then_repeats_it() {
    let tape = tape(&[
        (r#"{"clientToken":"x"}"#, 500),
        (r#"{"clientToken":"y"}"#, 200),
        (r#"{"clientToken":"x"}"#, 200),
    ]);
    let session = Session::new(&tape);
    let with = |token: &str| play(&session, &tape, &format!(r#"{{"clientToken":"{token}"}}"#));
    assert_eq!(with("a"), first(0));
    assert_eq!(with("b"), first(1), "the retry of `x` belongs to `a`");
    assert_eq!(with("c"), Outcome::Exhausted { recorded: 3, played: 2 });
    assert_eq!(with("a"), first(2));
    assert_eq!(with("a"), again(2));
    assert_eq!(with("b"), again(1));
}

#[test]
fn a_token_with_another_input_is_told_whether_or_not_that_was_recorded() {
    let tape = tape(&[
        (r#"{"name":"a","clientToken":"x"}"#, 200),
        (r#"{"name":"b","clientToken":"y"}"#, 200),
    ]);
    let session = Session::new(&tape);
    let reused = Outcome::TokenReused { position: 0 };
    assert_eq!(play(&session, &tape, r#"{"name":"a","clientToken":"t"}"#), first(0));
    assert_eq!(play(&session, &tape, r#"{"name":"b","clientToken":"t"}"#), reused);
    assert_eq!(play(&session, &tape, r#"{"name":"z","clientToken":"t"}"#), reused);
    assert_eq!(session.unplayed(), [1]);
}

#[test]
fn a_token_that_was_recorded_with_two_inputs_plays_with_both() {
    let tape = tape(&[
        (r#"{"name":"a","clientToken":"x"}"#, 200),
        (r#"{"name":"b","clientToken":"x"}"#, 200),
    ]);
    let session = Session::new(&tape);
    let reused = Outcome::TokenReused { position: 0 };
    assert_eq!(play(&session, &tape, r#"{"name":"a","clientToken":"t"}"#), first(0));
    assert_eq!(play(&session, &tape, r#"{"name":"b","clientToken":"t"}"#), first(1));
    assert_eq!(play(&session, &tape, r#"{"name":"b","clientToken":"t"}"#), again(1));
    assert_eq!(play(&session, &tape, r#"{"name":"a","clientToken":"t"}"#), again(0));
    assert_eq!(play(&session, &tape, r#"{"name":"z","clientToken":"t"}"#), reused);
}

#[test]
fn a_recorded_refusal_of_a_reused_token_is_played() {
    let tape = tape(&[
        (r#"{"name":"a","clientToken":"x"}"#, 200),
        (r#"{"name":"b","clientToken":"x"}"#, 400),
    ]);
    let session = Session::new(&tape);
    assert_eq!(play(&session, &tape, r#"{"name":"a","clientToken":"t"}"#), first(0));
    assert_eq!(play(&session, &tape, r#"{"name":"b","clientToken":"t"}"#), first(1));
    assert_eq!(
        play(&session, &tape, r#"{"name":"a","clientToken":"t"}"#),
        again(0),
        "the first use counts"
    );
}

#[test]
fn a_live_token_is_known_in_later_calls_and_answers() {
    let (number, live) = ("00000000-0000-4000-8000-000000000001", "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11");
    let put = |token: &str| format!(r#"{{"clientToken":"{token}"}}"#);
    let get = |version: &str| format!(r#"Get{{"name":"{version}"}}"#);
    let tape = tape(&[(&put(number), 200), (&get(number), 200)]);
    let session = Session::new(&tape);
    assert_eq!(play(&session, &tape, &get(live)), Outcome::Unrecorded);
    assert_eq!(play(&session, &tape, &put(live)), first(0));
    assert_eq!(play(&session, &tape, &get(live)), first(1));
    let mut response = Response::new(get(number).into());
    session.fill(&mut response);
    assert_eq!(*response.body(), get(live).as_bytes());
}

#[test]
fn what_an_answer_gave_comes_back_though_nothing_shows_that_it_is_a_stand_in() {
    let tape = answered_tape(&[("{}", 200, r#"{"digits":"0815"}"#), (r#"{"digits":"0815"}"#, 200, "{}")]);
    let given: serde_json::Value = serde_json::from_slice(tape.tracks()[0].interaction.response.body()).unwrap();
    let given = given.to_string();
    assert_ne!(given, r#"{"digits":"0815"}"#);
    let session = Session::new(&tape);
    assert_eq!(play(&session, &tape, &given), Outcome::Unrecorded, "nobody gave it yet");
    assert_eq!(play(&session, &tape, "{}"), first(0));
    assert_eq!(play(&session, &tape, &given), first(1));
    let session = Session::new(&tape);
    assert_eq!(
        play(&session, &tape, r#"{"digits":"0815"}"#),
        first(1),
        "who knows the true one needs no answer"
    );
}

#[test]
fn the_same_token_may_serve_two_operations() {
    let tape = tape(&[(r#"{"clientToken":"x"}"#, 200), (r#"Get{"clientToken":"x"}"#, 200)]);
    let session = Session::new(&tape);
    assert_eq!(play(&session, &tape, r#"{"clientToken":"t"}"#), first(0));
    assert_eq!(play(&session, &tape, r#"Get{"clientToken":"t"}"#), first(1));
}

#[test]
fn calls_without_tokens_and_recordings_without_them_meet() {
    let tape = tape(&[("{}", 500), ("{}", 200), (r#"{"name":"a","clientToken":"x"}"#, 200)]);
    let session = Session::new(&tape);
    for outcome in [first(0), first(1), again(1)] {
        assert_eq!(play(&session, &tape, r#"{"clientToken":"t"}"#), outcome);
    }
    assert_eq!(play(&session, &tape, r#"{"name":"a"}"#), first(2));
}

#[test]
fn a_request_that_violates_gets_only_a_recorded_error() {
    let tape = tape(&[("{}", 200), (r#"{"name":"a"}"#, 400)]);
    let session = Session::new(&tape);
    let error = |body: &str| {
        session.play_error(
            &tape,
            session.key(
                &tape,
                &crate::redaction::testing::call("Put"),
                &crate::redaction::testing::input(body),
            ),
            tape.operation(&crate::redaction::testing::call("Put")),
            None,
            false,
        )
    };
    assert_eq!(error("{}"), None);
    assert_eq!(error(r#"{"name":"a"}"#), Some(first(1)));
    assert_eq!(error(r#"{"name":"a"}"#), None);
    assert_eq!(session.unplayed(), [0], "nothing was taken by what got nothing");
}

#[test]
fn answers_do_not_depend_on_how_keys_interleave() {
    let recorded: Vec<(String, u16)> = (0..60).map(|index| (format!(r#"{{"count":{}}}"#, index % 5), 200)).collect();
    let recorded: Vec<(&str, u16)> = recorded.iter().map(|(body, status)| (body.as_str(), *status)).collect();
    let tape = tape(&recorded);
    let session = Session::new(&tape);
    std::thread::scope(|scope| {
        for count in 0..5 {
            let (session, tape) = (&session, &tape);
            scope.spawn(move || {
                for turn in 0..12 {
                    assert_eq!(play(session, tape, &format!(r#"{{"count":{count}}}"#)), first(turn * 5 + count));
                }
            });
        }
    });
    assert!(session.unplayed().is_empty());
}
