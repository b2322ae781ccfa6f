use super::super::testing::{ask, tape};
use super::*;
use crate::redaction::testing::{call, finding, input, redacted, redaction, redactor};

fn told(recorded: &[&str], sent: &str, remedy: &str) -> String {
    let calls: Vec<(&str, u16)> = recorded.iter().map(|body| (*body, 200)).collect();
    let tape = tape(&calls);
    let session = Session::new(&tape);
    let outcome = ask(&session, &tape, sent, false);
    Miss::explain(&tape, &session, &call("Put"), &input(sent), outcome).text(remedy)
}

#[test]
fn an_operation_that_was_not_recorded_is_named_with_those_that_were() {
    assert_eq!(
        told(&["Get{}"], "{}", ""),
        "no call of `STS Put` was recorded\nrecorded are: `STS Get`"
    );
    assert_eq!(
        told(&[], "{}", ""),
        "no call of `STS Put` was recorded, nor of any other operation that is known"
    );
}

#[test]
fn of_many_recorded_operations_the_first_are_named() {
    let miss = Miss::NoSuchOperation {
        operation: "STS Put".to_owned(),
        recorded: (1..=7).map(|number| format!("STS Get{number}")).collect(),
    };
    assert_eq!(
        miss.text("record it: x"),
        "no call of `STS Put` was recorded\n\
         recorded are: `STS Get1`, `STS Get2`, `STS Get3`, `STS Get4`, `STS Get5` and 2 more\n\
         record it: x"
    );
}

#[test]
fn blobs_are_told_by_their_text_or_hash_and_secret_ones_stay_hidden() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let body = |raw: &str, blob: &str| {
        let [raw, blob] = [raw, blob].map(|text| BASE64_STANDARD.encode(text));
        format!(r#"{{"raw":"{raw}","blob":"{blob}"}}"#)
    };
    let text = told(&[&body("day 1", "hunter2")], &body("\u{0}\u{1}", "swordfish"), "");
    let expected = "no recording of `STS Put` has this input\n\
                    the nearest is interaction 1 of 1:\n  \
                    /raw: recorded 5 bytes \"day 1\", sent 2 bytes (sha256 b413f47d…)\n  \
                    /blob: recorded (hidden), sent (hidden)\n\
                    what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"Put:/raw\", \"Put:/blob\"]";
    assert_eq!(text, expected);
    let secret = told(&[&body("day 1", "a")], &body("password=hunter2-old-and-long", "a"), "");
    assert!(!secret.contains("hunter2"), "{secret}");
}

#[test]
fn a_secret_that_only_its_name_beside_it_gives_away_stays_hidden() {
    let tagged = |value: &str| format!(r#"{{"items":[{{"Key":"db-password","Value":"{value}"}}]}}"#);
    let text = told(&[&tagged("hunter2-old")], &tagged("hunter2-new"), "");
    assert!(text.contains("/items/0/Value: recorded (hidden), sent (hidden)"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn the_nearest_recording_is_compared_and_secrets_stay_hidden() {
    let recorded = [
        r#"{"name":"far","count":9}"#,
        r#"{"name":"a","count":1,"spec":"one","clientToken":"x","arn":"arn:aws:iam::481516234207:role/x","tags":["a","b"],"items":[{"value":"v"}]}"#,
    ];
    let sent = r#"{"tags":["c","a"],"name":"b","count":1.0,"spec":"two","clientToken":"y","arn":"arn:aws:iam::210987654321:role/x","items":[{"value":"v","password":"hunter2"}]}"#;
    assert_eq!(
        told(&recorded, sent, "to record it: ferrotape record -c demo"),
        "no recording of `STS Put` has this input\n\
         the nearest is interaction 2 of 2:\n  \
         /name: recorded \"a\", sent \"b\"\n  \
         /spec: recorded (hidden), sent (hidden)\n  \
         /tags/1: recorded \"b\", sent nothing\n  \
         /tags/0: recorded nothing, sent \"c\"\n  \
         /items/0/password: recorded nothing, sent (hidden)\n\
         what may differ is named in `ferrotape.toml`:\n  \
         [match]\n  \
         ignore = [\"Put:/name\", \"Put:/spec\", \"Put:/tags\", \"Put:/items/0/password\"]\n\
         to record it: ferrotape record -c demo"
    );
}

#[test]
fn long_values_and_long_lists_of_differences_are_cut() {
    let recorded = r#"{"plain":{"a":"1","b":"1","c":"1","d":"1","e":"1","f":"1"}}"#;
    let sent = format!(
        r#"{{"plain":{{"a":"{}","b":"2","c":"2","d":"2","e":"2","f":"2","g":"2"}}}}"#,
        "x".repeat(70)
    );
    let text = told(&[recorded], &sent, "");
    assert!(
        text.contains(&format!("/plain/a: recorded \"1\", sent \"{}\"…\n", "x".repeat(60))),
        "{text}"
    );
    assert!(
        text.ends_with(
            "\n  and 2 more\nwhat may differ is named in `ferrotape.toml`:\n  [match]\n  \
             ignore = [\"Put:/plain/a\", \"Put:/plain/b\", \"Put:/plain/c\", \"Put:/plain/d\", \"Put:/plain/e\"]"
        ),
        "{text}"
    );
}

#[test]
fn a_call_that_was_played_before_is_told_how_often() {
    let tape = tape(&[("{}", 200), ("{}", 200)]);
    let session = Session::new(&tape);
    ask(&session, &tape, "{}", false);
    ask(&session, &tape, "{}", false);
    let outcome = ask(&session, &tape, "{}", false);
    assert_eq!(
        Miss::explain(&tape, &session, &call("Put"), &input("{}"), outcome).text("record it: x"),
        "every recording of this `STS Put` call was already played\n\
         recorded twice, answered twice, now asked once more\n\
         with `--repeat` the last of them answers again\n\
         record it: x"
    );
}

/// The text for a call in eu-west-1, after calls in the given regions.
fn told_of_ireland(recorded: &[(&str, &str)], sent: &str) -> String {
    let interactions = recorded.iter().map(|(region, body)| {
        let mut taken = redacted(&redactor(), body, 200, "{}");
        taken.region = Some((*region).to_owned());
        taken
    });
    let cassette = crate::cassette::Cassette {
        redaction: redaction(),
        interactions: interactions.collect(),
        ..Default::default()
    };
    let redactor = crate::redaction::Redactor::new(&cassette.redaction, &mut cassette.interactions.iter());
    let tape = Tape::new(cassette, redactor, |taken| {
        let mut finding = finding(&taken.request, &taken.response);
        if let Some(call) = &mut finding.call {
            call.region.clone_from(&taken.region);
        }
        finding
    });
    let mut elsewhere = call("Put");
    elsewhere.region = Some("eu-west-1".to_owned());
    Miss::explain(&tape, &Session::new(&tape), &elsewhere, &input(sent), Outcome::Unrecorded).text("")
}

#[test]
fn the_same_call_in_another_region_is_told_so() {
    let recorded = [
        ("eu-west-1", r#"{"name":"a","count":1}"#),
        ("us-east-1", r#"{"name":"b","count":1}"#),
    ];
    assert_eq!(
        told_of_ireland(&recorded, r#"{"name":"b","count":1}"#),
        "this `STS Put` call was recorded in another region\n\
         interaction 2 of 2: recorded in us-east-1, asked in eu-west-1\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"Put:region\"]"
    );
}

#[test]
fn of_recordings_that_are_as_near_that_of_the_same_region_is_compared() {
    let recorded = [
        ("us-east-1", r#"{"name":"a","count":1}"#),
        ("eu-west-1", r#"{"name":"b","count":1}"#),
        ("eu-west-1", r#"{"name":"c","count":2}"#),
    ];
    let nearest = |sent: &str| {
        let text = told_of_ireland(&recorded, sent);
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(nearest(r#"{"name":"z","count":1}"#), "the nearest is interaction 2 of 3:");
    assert_eq!(
        nearest(r#"{"name":"z","count":9}"#),
        "the nearest is interaction 2 of 3:",
        "nothing in common"
    );
    let far = told_of_ireland(&recorded[..1], r#"{"name":"a","count":2}"#);
    assert!(
        far.contains("\n  region: recorded \"us-east-1\", sent \"eu-west-1\"\n  /count: recorded 1, sent 2\n"),
        "{far}"
    );
}
