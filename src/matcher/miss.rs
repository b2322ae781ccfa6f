//! Why nothing answers a live call, in words for the person who reads the SDK's exception.
//!
//! The nearest recording is found by an index over hashes of top-level members, so that its cost
//! does not grow with the bodies of a cassette; only the one that is nearest is decoded again and
//! compared. Secrets are compared by their stand-ins and never shown; what the key leaves out
//! (idempotency tokens, nulls, lengths and checksums, account ids that are merely renamed) is no difference.

use super::difference::differences;
pub use super::difference::{Difference, Hint};
use super::key;
use super::session::{Outcome, Session};
use super::{OperationId, Tape};
use crate::inspect::Call;
use crate::settings::{Bind, CallRules, bind_tables, ignore_table};
use crate::value::Value;
use std::collections::HashMap;
use std::fmt::Write;

/// How many differences are listed.
const MAX_DIFFERENCES: usize = 5;
/// How many interactions with the same member are counted: what all have in common tells none apart.
const MAX_POSTINGS: usize = 4096;

/// Why a call is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// No call of this operation was recorded.
    NoSuchOperation {
        /// `Proton CreateServiceInstance`.
        operation: String,
        /// What was recorded, in order of first appearance.
        recorded: Vec<String>,
    },
    /// The operation was recorded, with another input.
    Different {
        /// `Proton CreateServiceInstance`.
        operation: String,
        /// The nearest interaction, counted from 1.
        number: usize,
        /// How many interactions the cassette holds.
        of: usize,
        /// All differences, in the order of the recorded input, what was only sent at the end.
        differences: Vec<Difference>,
        /// What rules would let each pass.
        hints: Vec<Hint>,
    },
    /// The same call was recorded in another region.
    OtherRegion {
        /// `Proton CreateServiceInstance`.
        operation: String,
        /// The first such interaction, counted from 1.
        number: usize,
        /// How many interactions the cassette holds.
        of: usize,
        /// Where it was recorded.
        recorded: String,
        /// Where it was asked.
        asked: String,
    },
    /// It was recorded, but calls are answered in recorded order, and another comes first.
    OutOfOrder {
        /// `Proton CreateServiceInstance`.
        operation: String,
        /// The interaction that it asks for, counted from 1.
        number: usize,
        /// The one whose turn it is, counted from 1.
        expected: usize,
        /// What that one asks.
        title: String,
    },
    /// Everything that was recorded for it is played.
    Exhausted {
        /// `Proton CreateServiceInstance`.
        operation: String,
        /// How many interactions were recorded with this input.
        recorded: usize,
        /// How many answers were given for it.
        played: u64,
    },
    /// A request that no model describes.
    Unmodelled {
        /// Why it is known by its bytes alone.
        reason: String,
        /// What the cassette has of it.
        recorded: Unmodelled,
    },
}

/// What a cassette has of a request that no model describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmodelled {
    /// This interaction, counted from 1; but such calls are refused.
    Refused(usize),
    /// Nothing.
    Nothing,
    /// So many interactions, which were played so often.
    Played(usize, u64),
}

impl Miss {
    /// Explains an outcome that is no play of this session. `input` is the live one.
    pub fn explain(tape: &Tape, session: &Session, call: &Call, input: &Value, outcome: Outcome) -> Miss {
        let operation = full_name(call);
        let input = &*session.as_recorded(input);
        if let Outcome::OutOfOrder { position, expected } = outcome {
            let title = tape.track(expected).and_then(|track| track.call.as_ref()).map(full_name);
            return Miss::OutOfOrder {
                operation,
                number: position + 1,
                expected: expected + 1,
                title: title.unwrap_or_else(|| "a call that no model knows".to_owned()),
            };
        }
        if let Outcome::Exhausted { recorded, played } = outcome {
            return Miss::Exhausted {
                operation,
                recorded,
                played,
            };
        }
        let recorded = tape
            .operations
            .names
            .iter()
            .map(|(service, name)| format!("{service} {name}"))
            .collect();
        let Some(id) = tape.operation(call) else {
            return Miss::NoSuchOperation { operation, recorded };
        };
        let names = session.names();
        if let Some((region, position)) = tape.in_another_region(call, input, &names) {
            return Miss::OtherRegion {
                operation,
                number: position + 1,
                of: tape.tracks.len(),
                recorded: region.to_owned(),
                asked: call.region.clone().unwrap_or_default(),
            };
        }
        let (_, members) = key::key_and_members(call, input, tape.reading(false, Some(id), Some(&names)));
        let here = |position: u32| tape.region_of(position) == call.region.as_deref();
        let Some(position) = tape.nearest.find(id, &members, &here) else {
            return Miss::NoSuchOperation { operation, recorded };
        };
        let (differences, hints) = differences(tape, position as usize, call, input, &names).into_iter().unzip();
        Miss::Different {
            operation,
            number: position as usize + 1,
            of: tape.tracks.len(),
            differences,
            hints,
        }
    }

    /// The rules that would let the call pass.
    pub fn rules(&self) -> CallRules {
        match self {
            Miss::Different { operation, hints, .. } => rules(operation, hints),
            Miss::OtherRegion { operation, .. } => rules(operation, &[Hint::region()]),
            _ => CallRules::default(),
        }
    }

    /// The message: short lines of plain text. `remedy` is a last line that says what to do, with
    /// the command that would record the call; empty for none.
    pub fn text(&self, remedy: &str) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = match self {
            Miss::NoSuchOperation { operation, recorded } if recorded.is_empty() => {
                write!(out, "no call of `{operation}` was recorded; the cassette holds no known operation")
            }
            Miss::NoSuchOperation { operation, recorded } => {
                let more = recorded.len().saturating_sub(MAX_DIFFERENCES);
                let names = recorded
                    .iter()
                    .take(MAX_DIFFERENCES)
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ");
                write!(
                    out,
                    "no call of `{operation}` was recorded\nrecorded are: {names}{}",
                    and_more(more)
                )
            }
            Miss::Different {
                operation,
                number,
                of,
                differences,
                ..
            } => {
                let _ = write!(
                    out,
                    "no recording of `{operation}` has this input\nthe nearest is interaction {number} of {of}:"
                );
                for difference in differences.iter().take(MAX_DIFFERENCES) {
                    let Difference { path, recorded, sent } = difference;
                    let _ = write!(out, "\n  {path}: recorded {recorded}, sent {sent}");
                }
                let _ = match differences.len().saturating_sub(MAX_DIFFERENCES) {
                    0 => Ok(()),
                    more => write!(out, "\n  and {more} more"),
                };
                write!(out, "{}", rules_to_paste(&self.rules()))
            }
            Miss::OtherRegion {
                operation,
                number,
                of,
                recorded,
                asked,
            } => write!(
                out,
                "this `{operation}` call was recorded in another region\ninteraction {number} of {of}: recorded in {recorded}, asked in {asked}{}",
                rules_to_paste(&self.rules())
            ),
            Miss::OutOfOrder {
                operation,
                number,
                expected,
                title,
            } => write!(
                out,
                "this `{operation}` call is interaction {number}, and calls are answered in recorded order\nnext is interaction {expected}: `{title}`; with `--order key` the order of different calls does not matter"
            ),
            Miss::Exhausted {
                operation,
                recorded,
                played,
            } if *played < *recorded as u64 => write!(
                out,
                "the recordings of this `{operation}` call that are left share their idempotency token with another call\nrecorded {}, answered {}; in a cassette written by hand, give each call a token of its own",
                times(*recorded as u64),
                times(*played)
            ),
            Miss::Exhausted {
                operation,
                recorded,
                played,
            } => write!(
                out,
                "every recording of this `{operation}` call was already played\n{}",
                played_out(*recorded, *played)
            ),
            Miss::Unmodelled { reason, recorded } => match recorded {
                Unmodelled::Refused(number) => write!(
                    out,
                    "{reason}\nwithout a model it is interaction {number} of the cassette: `--unmodeled recorded` plays it"
                ),
                Unmodelled::Nothing => write!(out, "{reason}\nno recording has its method, path, query and body"),
                Unmodelled::Played(recorded, played) => write!(
                    out,
                    "{reason}\nevery recording of its method, path, query and body was already played\n{}",
                    played_out(*recorded, *played)
                ),
            },
        };
        if !remedy.is_empty() {
            let _ = write!(out, "\n{remedy}");
        }
        out
    }
}

/// What would let a call pass in spite of these differences.
fn rules(operation: &str, hints: &[Hint]) -> CallRules {
    let name = operation.rsplit(' ').next().unwrap_or(operation);
    let mut rules = CallRules::default();
    for hint in hints.iter().take(MAX_DIFFERENCES) {
        // What differs as a whole has no place.
        let Ok(place) = format!("{name}:{}", hint.path).parse() else {
            continue;
        };
        if hint.made_up {
            rules.bind.push(Bind { from: place });
        } else if !rules.matching.ignore.contains(&place) {
            rules.matching.ignore.push(place);
        }
    }
    rules
}

/// The lines of `ferrotape.toml` that say so.
fn rules_to_paste(rules: &CallRules) -> String {
    let mut out = String::new();
    let kinds = [
        (
            "a name that is made up in every run is bound in `ferrotape.toml`:",
            bind_tables(&rules.bind),
        ),
        (
            "what may differ is named in `ferrotape.toml`:",
            ignore_table(&rules.matching.ignore),
        ),
    ];
    for (introduction, lines) in kinds.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = write!(out, "\n{introduction}\n  {}", lines.join("\n  "));
    }
    out
}

fn played_out(recorded: usize, played: u64) -> String {
    format!(
        "recorded {}, answered {}, now asked once more\nwith `--repeat` the last of them answers again",
        times(recorded as u64),
        times(played)
    )
}

fn times(count: u64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

fn full_name(call: &Call) -> String {
    format!("{} {}", call.service.sdk_id, call.service.operation(call.operation).name)
}

/// Finds the recording that has most top-level members in common with a call.
#[derive(Default)]
pub(super) struct Index {
    by_member: HashMap<(OperationId, u64), Vec<u32>>,
    /// The first interaction of each operation in each region.
    firsts: HashMap<OperationId, Vec<(Option<String>, u32)>>,
}

impl Index {
    pub(super) fn add(&mut self, operation: OperationId, region: Option<&str>, position: u32, members: &[u64]) {
        let firsts = self.firsts.entry(operation).or_default();
        if !firsts.iter().any(|(known, _)| known.as_deref() == region) {
            firsts.push((region.map(str::to_owned), position));
        }
        for member in members {
            let postings = self.by_member.entry((operation, *member)).or_default();
            if postings.len() < MAX_POSTINGS {
                postings.push(position);
            }
        }
    }

    /// The most members in common, of which being recorded `here`, in the region of the call, counts
    /// as one; of several the first recorded.
    fn find(&self, operation: OperationId, members: &[u64], here: &dyn Fn(u32) -> bool) -> Option<u32> {
        let mut votes: HashMap<u32, usize> = HashMap::new();
        let postings = members.iter().filter_map(|member| self.by_member.get(&(operation, *member)));
        for position in postings.flatten() {
            *votes.entry(*position).or_default() += 1;
        }
        for (_, first) in self.firsts.get(&operation).into_iter().flatten() {
            votes.entry(*first).or_default();
        }
        let rank = |(position, votes): &(u32, usize)| (votes + usize::from(here(*position)), std::cmp::Reverse(*position));
        votes.into_iter().max_by_key(rank).map(|(position, _)| position)
    }
}

#[cfg(test)]
mod tests {
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
            "no call of `STS Put` was recorded; the cassette holds no known operation"
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
            r#"{"name":"a","count":1,"spec":"one","clientToken":"x","arn":"arn:aws:iam::123456789012:role/x","tags":["a","b"],"items":[{"value":"v"}]}"#,
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
}
