//! Matching as the user tells it: rules, names, folds, order.

use super::Tape;
use super::miss::Miss;
use super::session::{Outcome, Session};
use crate::cassette::Cassette;
use crate::codec::digest::Digest;
use crate::inspect::Call;
use crate::redaction::Redactor;
use crate::redaction::stand_in::base64_text;
use crate::redaction::testing::{call, finding, input, redaction, redactor, request_of, response, text};
use crate::settings::Settings;

/// A call (`Get{…}`, without a name `Put`), its answer, and which attempt it was.
type Taken<'a> = (&'a str, u16, &'a str, u32);

fn split(body: &str) -> (Call, &str) {
    let (name, body) = body.split_at(body.find('{').unwrap());
    (call(if name.is_empty() { "Put" } else { name }), body)
}

fn tape(taken: &[Taken<'_>], rules: &str) -> Tape {
    let settings: Settings = toml::from_str(rules).unwrap();
    let recorder = redactor();
    let interactions = taken.iter().map(|(body, status, answer, attempt)| {
        let (call, body) = split(body);
        let (request, response) = (request_of(&call.operation().name, body), response(*status, answer));
        let finding = finding(&request, &response);
        recorder.redact(&request, &response, &finding, *attempt).unwrap()
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

struct Play {
    tape: Tape,
    session: Session,
}

impl Play {
    fn new(taken: &[Taken<'_>], rules: &str) -> Play {
        let tape = tape(taken, rules);
        Play {
            session: Session::new(&tape),
            tape,
        }
    }

    fn outcome(&self, body: &str) -> Outcome {
        let (call, body) = split(body);
        let input = input(body);
        let token = call.token(&input);
        let key = self.session.key(&self.tape, &call, &input);
        self.session.play(&self.tape, key, self.tape.operation(&call), token, false)
    }

    /// The position and the body of the answer.
    #[track_caller]
    fn ask(&self, body: &str) -> (usize, String) {
        let Outcome::Play { position, .. } = self.outcome(body) else {
            panic!("{}", self.miss(body))
        };
        let (_, body) = split(body);
        (position, text(&self.session.body(&self.tape, position, &input(body))).to_owned())
    }

    fn miss(&self, body: &str) -> String {
        let outcome = self.outcome(body);
        let (call, body) = split(body);
        Miss::explain(&self.tape, &self.session, &call, &input(body), outcome).text("")
    }
}

#[test]
fn what_is_ignored_does_not_count_and_what_is_compared_does() {
    let recorded = [(
        r#"{"name":"a","plain":{"a":"1","b":"1"},"items":[{"value":"1"}],"clientToken":"x"}"#,
        200,
        "{}",
        1,
    )];
    let rules = r#"match.ignore = ["Put:/name", "*:/plain", "STS Put:/items/*/value"]
                   match.compare = ["Put:/plain/b"]"#;
    let plays = |body: &str| matches!(Play::new(&recorded, rules).outcome(body), Outcome::Play { .. });
    assert!(plays(
        r#"{"name":"b","plain":{"a":"2","b":"1","c":"3"},"items":[{"value":"9"}],"clientToken":"y"}"#
    ));
    assert!(plays(r#"{"plain":{"b":"1"},"items":[{}]}"#));
    assert!(!plays(r#"{"plain":{"b":"2"},"items":[{}]}"#), "it is compared");
    assert!(!plays(r#"{"plain":{"b":"1"},"items":[{},{}]}"#), "the list itself counts");
    assert!(!plays(r#"{"plain":{"b":"1"},"items":[{}],"count":1}"#));
    let tokens = r#"match.compare = ["Put:/clientToken"]"#;
    let play = Play::new(&recorded[..1], tokens);
    assert_eq!(play.outcome(&recorded[0].0.replace("\"x\"", "\"y\"")), Outcome::Unrecorded);
    assert_eq!(play.ask(recorded[0].0).0, 0);
}

#[test]
fn what_a_rule_ignores_is_no_difference_either() {
    let play = Play::new(&[(r#"{"name":"a","count":1}"#, 200, "{}", 1)], r#"match.ignore = ["Put:/name"]"#);
    assert_eq!(
        play.miss(r#"{"name":"b","count":2}"#),
        "no recording of `STS Put` has this input\n\
         the nearest is interaction 1 of 1:\n  /count: recorded 1, sent 2\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"Put:/count\"]"
    );
}

#[test]
fn now_is_any_time_but_not_none() {
    let play = Play::new(
        &[(r#"{"at":5}"#, 200, "{}", 1), (r#"{"at":6}"#, 200, "{}", 1)],
        r#"match.now = ["Put:/at"]"#,
    );
    assert_eq!(play.ask(r#"{"at":1800000000}"#).0, 0);
    assert_eq!(play.outcome("{}"), Outcome::Unrecorded);
    assert_eq!(play.ask(r#"{"at":1800000001}"#).0, 1);
}

#[test]
fn of_a_time_that_differs_the_rule_says_that_it_is_now() {
    let recorded = r#"{"name":"a","items":[{"at":1795325097.406},{"at":1795325098}]}"#;
    let sent = r#"{"name":"b","items":[{"at":1800000000},{"at":1800000001}]}"#;
    let text = Play::new(&[(recorded, 200, "{}", 1)], "").miss(sent);
    assert_eq!(
        text,
        "no recording of `STS Put` has this input\n\
         the nearest is interaction 1 of 1:\n  /name: recorded \"a\", sent \"b\"\n  \
         /items/0/at: recorded 2026-11-22T05:24:57.406Z, sent 2027-01-15T08:00:00Z\n  \
         /items/1/at: recorded 2026-11-22T05:24:58Z, sent 2027-01-15T08:00:01Z\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"Put:/name\"]\n  now = [\"Put:/items/*/at\"]"
    );
    let pasted = text.split("`ferrotape.toml`:\n").nth(1).unwrap();
    assert_eq!(Play::new(&[(recorded, 200, "{}", 1)], pasted).ask(sent).0, 0);
}

#[test]
fn another_region_matches_where_a_rule_says_so() {
    let play = Play::new(&[("{}", 200, "{}", 1)], r#"match.ignore = ["*:region"]"#);
    let mut elsewhere = call("Put");
    elsewhere.region = Some("eu-west-1".to_owned());
    let key = play.session.key(&play.tape, &elsewhere, &input("{}"));
    assert!(matches!(
        play.session.play(&play.tape, key, play.tape.operation(&elsewhere), None, false),
        Outcome::Play { .. }
    ));
}

#[test]
fn a_bound_name_takes_the_recorded_ones_place_everywhere() {
    let recorded = [
        (
            r#"{"name":"it-1111","clientToken":"t1"}"#,
            200,
            r#"{"arn":"arn:aws:x:::it-1111/a"}"#,
            1,
        ),
        (
            r#"{"name":"it-2222","clientToken":"t2"}"#,
            200,
            r#"{"arn":"arn:aws:x:::it-2222/a"}"#,
            1,
        ),
        (
            r#"Get{"arn":"arn:aws:x:::it-1111/a"}"#,
            200,
            r#"{"token":"it-1111","arn":"it-1111 it-2222"}"#,
            1,
        ),
        (r#"Get{"name":"it-2222","plain":{"it-1111":"z","it-2222":"a"}}"#, 200, "{}", 1),
    ];
    let play = Play::new(&recorded, r#"bind = [{ from = "Put:/name" }]"#);
    assert_eq!(
        play.ask(r#"{"name":"live-x","clientToken":"a"}"#),
        (0, r#"{"arn":"arn:aws:x:::live-x/a"}"#.to_owned())
    );
    assert!(
        play.miss(r#"Get{"name":"it-2222"}"#).contains("no recording"),
        "the recorded name is nobody's now"
    );
    assert_eq!(
        play.ask(r#"{"name":"other-y","clientToken":"b"}"#),
        (1, r#"{"arn":"arn:aws:x:::other-y/a"}"#.to_owned())
    );
    assert_eq!(
        play.ask(r#"Get{"arn":"arn:aws:x:::live-x/a"}"#),
        (2, r#"{"token":"live-x","arn":"live-x other-y"}"#.to_owned())
    );
    assert_eq!(play.ask(r#"Get{"name":"other-y","plain":{"other-y":"a","live-x":"z"}}"#).0, 3);
    let bound: Vec<(Option<&str>, String)> = play
        .session
        .bound(&play.tape)
        .into_iter()
        .map(|(binding, live)| (binding.recorded.as_deref(), live))
        .collect();
    assert_eq!(
        bound,
        [(Some("it-1111"), "live-x".to_owned()), (Some("it-2222"), "other-y".to_owned())]
    );
}

#[test]
fn a_bound_name_counts_elsewhere_in_the_same_request_too() {
    let recorded = [
        (r#"{"name":"it-1111","arn":"s3/it-1111/x"}"#, 200, "{}", 1),
        (r#"{"name":"it-2222","arn":"s3/it-1111/x"}"#, 200, "{}", 1),
    ];
    let play = Play::new(&recorded, r#"bind = [{ from = "Put:/name" }]"#);
    let miss = play.miss(r#"{"name":"live-1","arn":"s3/live-2/x"}"#);
    assert!(
        miss.contains("/arn: recorded \"s3/it-1111/x\", sent \"s3/live-2/x\"") && !miss.contains("/name"),
        "{miss}"
    );
    assert_eq!(play.ask(r#"{"name":"live-1","arn":"s3/live-1/x"}"#).0, 0);
    assert_eq!(play.ask(r#"{"name":"live-2","arn":"s3/live-1/x"}"#).0, 1);
}

#[test]
fn a_retry_of_the_call_that_gave_the_name_keeps_it() {
    let recorded = [
        (r#"{"name":"it-1111"}"#, 500, "{}", 1),
        (r#"{"name":"it-1111"}"#, 200, r#"{"arn":"it-1111"}"#, 2),
        (r#"{"name":"it-2222"}"#, 200, r#"{"arn":"it-2222"}"#, 1),
    ];
    let play = Play::new(&recorded, r#"bind = [{ from = "Put:/name" }]"#);
    assert_eq!(play.ask(r#"{"name":"x-1"}"#).0, 0);
    assert_eq!(play.ask(r#"{"name":"x-1"}"#), (1, r#"{"arn":"x-1"}"#.to_owned()));
    assert_eq!(play.ask(r#"{"name":"x-2"}"#), (2, r#"{"arn":"x-2"}"#.to_owned()));
    let folded = Play::new(&recorded, "match.fold = [\"retries\"]\nbind = [{ from = \"Put:/name\" }]");
    assert_eq!(folded.ask(r#"{"name":"x-1"}"#), (1, r#"{"arn":"x-1"}"#.to_owned()));
    assert_eq!(folded.ask(r#"{"name":"x-2"}"#).0, 2);
    assert!(folded.session.unplayed().is_empty());
}

#[test]
fn a_bound_name_that_differs_is_no_difference_in_a_miss() {
    let recorded = [
        (r#"{"name":"it-1111"}"#, 200, "{}", 1),
        (r#"Get{"name":"it-1111","count":1}"#, 200, "{}", 1),
    ];
    let play = Play::new(&recorded, r#"bind = [{ from = "Put:/name" }]"#);
    play.ask(r#"{"name":"live-1"}"#);
    let miss = play.miss(r#"Get{"name":"live-1","count":2}"#);
    assert!(miss.contains("/count: recorded 1, sent 2") && !miss.contains("/name"), "{miss}");
}

#[test]
fn a_name_that_plays_another_part_is_told_so() {
    let recorded = [
        (r#"{"name":"it-1111"}"#, 200, "{}", 1),
        (r#"{"name":"it-2222","count":1}"#, 200, "{}", 1),
    ];
    let play = Play::new(&recorded, r#"bind = [{ from = "Put:/name" }]"#);
    play.ask(r#"{"name":"it-2222"}"#);
    assert_eq!(
        play.miss(r#"{"name":"it-2222","count":1}"#),
        "no recording of `STS Put` has this input\n\
         the nearest is interaction 2 of 2:\n  \
         /name: recorded \"it-2222\" as a new name, sent \"it-2222\" of an earlier call\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"Put:/name\"]"
    );
}

#[test]
fn what_one_call_puts_another_gets() {
    let play = Play::new(
        &[
            (r#"{"spec":"s3cret"}"#, 200, "{}", 1),
            (r#"Get{"name":"a"}"#, 200, r#"{"spec":"s3cret"}"#, 1),
        ],
        "",
    );
    assert!(!text(play.tape.tracks()[1].interaction.response.body()).contains("s3cret"));
    play.ask(r#"{"spec":"s3cret"}"#);
    assert_eq!(play.ask(r#"Get{"name":"a"}"#).1, r#"{"spec":"s3cret"}"#);
}

#[test]
fn nothing_is_bound_where_nothing_recurs() {
    let play = Play::new(&[(r#"{"spec":"s3cret","clientToken":"t-1"}"#, 200, r#"{"spec":"s3cret"}"#, 1)], "");
    assert!(play.tape.bindings.told_by(0).is_empty());
    assert!(!play.tape.renames);
}

#[test]
fn folded_retries_are_their_last_answer() {
    let recorded = [
        ("{}", 500, "{}", 1),
        (r#"{"name":"b"}"#, 200, "{}", 1),
        ("{}", 500, "{}", 2),
        ("{}", 200, r#"{"arn":"done"}"#, 3),
        ("{}", 200, "{}", 1),
    ];
    let faithful = Play::new(&recorded, "");
    assert_eq!([0, 2, 3].map(|_| faithful.ask("{}").0), [0, 2, 3]);
    let folded = Play::new(&recorded, r#"match.fold = ["retries"]"#);
    assert_eq!([0, 0].map(|_| folded.ask("{}").0), [3, 4]);
    assert_eq!(folded.session.unplayed(), [1]);
    assert!(
        folded.miss("{}").contains("recorded twice, answered twice"),
        "{}",
        folded.miss("{}")
    );
}

#[test]
fn a_folded_loop_answers_its_last_state_until_something_changes_it() {
    let recorded = [
        (r#"Get{"name":"a"}"#, 200, r#"{"arn":"0"}"#, 1),
        (r#"Get{"name":"a"}"#, 200, r#"{"arn":"1"}"#, 1),
        ("{}", 200, "{}", 1),
        (r#"Get{"name":"a"}"#, 200, r#"{"arn":"2"}"#, 1),
        (r#"Get{"name":"b"}"#, 200, r#"{"arn":"b"}"#, 1),
        (r#"Get{"name":"a"}"#, 200, r#"{"arn":"3"}"#, 1),
    ];
    let play = Play::new(&recorded, "match.fold = [\"polls\"]\nmatch.polls = [\"Get\"]");
    let state = || play.ask(r#"Get{"name":"a"}"#).1;
    assert_eq!([state(), state()], [r#"{"arn":"1"}"#, r#"{"arn":"1"}"#]);
    play.ask("{}");
    assert_eq!([state(), state(), state()], [r#"{"arn":"3"}"#, r#"{"arn":"3"}"#, r#"{"arn":"3"}"#]);
    assert_eq!(play.session.unplayed(), [4]);
    let unfolded = Play::new(&recorded, r#"match.fold = ["polls"]"#);
    assert_eq!(unfolded.ask(r#"Get{"name":"a"}"#).1, r#"{"arn":"0"}"#, "no waiter is known for it");
}

#[test]
fn in_strict_order_a_call_waits_for_its_turn() {
    let recorded = [
        (r#"{"name":"a"}"#, 200, "{}", 1),
        (r#"Get{"name":"b"}"#, 200, "{}", 1),
        (r#"{"name":"c"}"#, 200, "{}", 1),
    ];
    let play = Play::new(&recorded, r#"match.order = "strict""#);
    play.ask(r#"{"name":"a"}"#);
    assert_eq!(
        play.miss(r#"{"name":"c"}"#),
        "this `STS Put` call is interaction 3, and calls are answered in recorded order\n\
         next is interaction 2: `STS Get`; with `--order key` the order of different calls does not matter"
    );
    assert_eq!(play.ask(r#"Get{"name":"b"}"#).0, 1);
    assert_eq!(play.ask(r#"{"name":"c"}"#).0, 2);
}

#[test]
fn a_made_up_name_is_offered_a_rule_of_its_kind() {
    let play = Play::new(&[(r#"{"name":"it-3f9a21c0","count":1}"#, 200, "{}", 1)], "");
    assert_eq!(
        play.miss(r#"{"name":"it-77b1d09e","count":2}"#),
        "no recording of `STS Put` has this input\n\
         the nearest is interaction 1 of 1:\n  \
         /name: recorded \"it-3f9a21c0\", sent \"it-77b1d09e\"\n  \
         /count: recorded 1, sent 2\n\
         a name that is made up in every run is bound in `ferrotape.toml`:\n  [[bind]]\n  from = \"Put:/name\"\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"Put:/count\"]"
    );
}

#[test]
fn a_page_chain_replays_whatever_stands_for_its_tokens() {
    let page = |token: &str| format!(r#"{{"spec":"{token}"}}"#);
    let recorded = [
        ("Get{}", 200, &*page("page two"), 1),
        (&*format!("Get{}", page("page two")), 200, &*page("page three"), 1),
        (&*format!("Get{}", page("page three")), 200, "{}", 1),
    ];
    let play = Play::new(&recorded, "");
    let (first, answer) = play.ask("Get{}");
    assert!(!answer.contains("page two"));
    let (second, next) = play.ask(&format!("Get{answer}"));
    let (third, _) = play.ask(&format!("Get{next}"));
    assert_eq!((first, second, third), (0, 1, 2));
}

fn md5(text: &str) -> String {
    Digest::Md5Hex.of(text.as_bytes())
}

#[test]
fn digests_of_what_was_hidden_are_those_of_what_is_written_and_live_those_of_what_is_sent() {
    let answer = format!(r#"{{"arn":"{}","note":"{}"}}"#, md5("hunter2-hunter2"), md5("unrelated"));
    let taken = [
        (r#"{"spec":"hunter2-hunter2"}"#, 200, answer.as_str(), 1),
        (&format!(r#"Get{{"name":"{}"}}"#, md5("hunter2-hunter2")), 200, answer.as_str(), 1),
    ];
    let play = Play::new(&taken, "");
    for track in play.tape.tracks() {
        for body in [track.interaction.request.body(), track.interaction.response.body()] {
            assert!(!text(body).contains(&md5("hunter2-hunter2")), "{}", text(body));
        }
    }
    let hidden = text(play.tape.tracks()[0].interaction.request.body())
        .split('"')
        .nth(3)
        .unwrap()
        .to_owned();
    let written = text(play.tape.tracks()[0].interaction.response.body());
    assert_eq!(written, answer.replace(&md5("hunter2-hunter2"), &md5(&hidden)));
    assert_eq!(play.ask(r#"{"spec":"hunter2-hunter2"}"#), (0, answer.clone()));
    let later = format!(r#"Get{{"name":"{}"}}"#, md5("hunter2-hunter2"));
    assert_eq!(play.ask(&later), (1, answer));
}

#[test]
fn of_what_is_ignored_the_digest_is_that_of_what_is_sent() {
    let answer = |name: &str| format!(r#"{{"arn":"\"{}\"","note":"{}"}}"#, md5(name), md5("name"));
    let play = Play::new(&[(r#"{"name":"a"}"#, 200, &answer("a"), 1)], "match.ignore = [\"Put:/name\"]");
    assert_eq!(play.ask(r#"{"name":"b"}"#), (0, answer("b")));
}

#[test]
fn a_blob_that_one_call_puts_another_gets() {
    let raw = |text: &str| format!(r#"{{"blob":"{}"}}"#, base64_text(text.as_bytes()));
    let answer = |text: &str| format!(r#"{{"arn":"{}"}}"#, base64_text(text.as_bytes()));
    let placeholder = {
        let play = Play::new(&[(&raw("hush-hush-hush"), 200, "{}", 1)], "");
        let body = text(play.tape.tracks()[0].interaction.request.body()).to_owned();
        body.split('"').nth(3).unwrap().to_owned()
    };
    let again = format!(r#"{{"arn":"{placeholder}"}}"#);
    let play = Play::new(
        &[(&raw("hush-hush-hush"), 200, "{}", 1), (r#"Get{"name":"a"}"#, 200, &again, 1)],
        "",
    );
    assert_eq!(play.ask(&raw("hush-hush-hush")).0, 0);
    assert_eq!(play.ask(r#"Get{"name":"a"}"#), (1, answer("hush-hush-hush")));
}
