//! Why nothing answers a live call, in words for the person who reads the SDK's exception.
//!
//! The nearest recording is found by an index over hashes of top-level members, so that its cost
//! does not grow with the bodies of a cassette; only the one that is nearest is decoded again and
//! compared. Secrets are compared by their stand-ins and never shown; what the key leaves out
//! (idempotency tokens, nulls, lengths and checksums, account ids that are merely renamed) is no difference.

use super::key;
use super::session::Outcome;
use super::{OperationId, Tape, Track};
use crate::inspect::Call;
use crate::pointer::Path;
use crate::redaction::Redactor;
use crate::redaction::rules::Context;
use crate::redaction::scan;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

/// How many differences are listed.
const MAX_DIFFERENCES: usize = 5;
/// How many characters of a value are shown.
const MAX_SHOWN: usize = 60;
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
    /// A request that no model describes, and that was not recorded as it is.
    Unmodelled {
        /// Method and path.
        request: String,
    },
}

/// One place in which a call differs from a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer into the input; `region` for the call's region.
    pub path: String,
    /// What was recorded: a JSON value cut to a readable length, `nothing` or `(hidden)`.
    pub recorded: String,
    /// What was sent, likewise.
    pub sent: String,
}

impl Miss {
    /// Explains an outcome that is no play. `input` is the live one.
    pub fn explain(tape: &Tape, call: &Call, input: &Value, outcome: Outcome) -> Miss {
        let operation = full_name(call);
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
        let (_, members) = key::key_and_members(call, input, &tape.redactor, false, tape.operations.accounts(Some(id)));
        let Some(position) = tape.nearest.find(id, &members) else {
            return Miss::NoSuchOperation { operation, recorded };
        };
        Miss::Different {
            operation,
            number: position as usize + 1,
            of: tape.tracks.len(),
            differences: tape
                .track(position as usize)
                .map(|track| differences(track, call, input, &tape.redactor))
                .unwrap_or_default(),
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
            } => {
                let _ = write!(
                    out,
                    "no recording of `{operation}` has this input\nthe nearest is interaction {number} of {of}:"
                );
                for difference in differences.iter().take(MAX_DIFFERENCES) {
                    let Difference { path, recorded, sent } = difference;
                    let _ = write!(out, "\n  {path}: recorded {recorded}, sent {sent}");
                }
                match differences.len().saturating_sub(MAX_DIFFERENCES) {
                    0 => Ok(()),
                    more => write!(out, "\n  and {more} more"),
                }
            }
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
                "every recording of this `{operation}` call was already played\nrecorded {}, answered {}, now asked once more",
                times(*recorded as u64),
                times(*played)
            ),
            Miss::Unmodelled { request } => write!(out, "`{request}` was not recorded, and no model describes it"),
        };
        if !remedy.is_empty() {
            let _ = write!(out, "\n{remedy}");
        }
        out
    }
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
    first: HashMap<OperationId, u32>,
}

impl Index {
    pub(super) fn add(&mut self, operation: OperationId, position: u32, members: &[u64]) {
        self.first.entry(operation).or_insert(position);
        for member in members {
            let postings = self.by_member.entry((operation, *member)).or_default();
            if postings.len() < MAX_POSTINGS {
                postings.push(position);
            }
        }
    }

    /// The most members in common; of several the first recorded.
    fn find(&self, operation: OperationId, members: &[u64]) -> Option<u32> {
        let mut votes: HashMap<u32, usize> = HashMap::new();
        for position in members
            .iter()
            .filter_map(|member| self.by_member.get(&(operation, *member)))
            .flatten()
        {
            *votes.entry(*position).or_default() += 1;
        }
        let best = votes
            .into_iter()
            .max_by_key(|(position, votes)| (*votes, std::cmp::Reverse(*position)));
        best.map(|(position, _)| position).or_else(|| self.first.get(&operation).copied())
    }
}

fn differences(track: &Track, call: &Call, sent: &Value, redactor: &Redactor) -> Vec<Difference> {
    let Some(recorded_call) = &track.call else {
        return Vec::new();
    };
    let mut differences = Vec::new();
    if recorded_call.region != call.region && call.region.is_some() {
        let shown = |region: &Option<String>| region.as_ref().map_or_else(|| "nothing".to_owned(), |region| quoted(region));
        differences.push(Difference {
            path: "region".to_owned(),
            recorded: shown(&recorded_call.region),
            sent: shown(&call.region),
        });
    }
    let operation = call.service.operation(call.operation);
    let Ok(recorded) = recorded_call
        .protocol
        .decode_request(&call.service, recorded_call.operation, &track.interaction.request)
    else {
        return differences;
    };
    let mut compare = Compare {
        redactor,
        operation: &operation.name,
        token: operation.idempotency_token.as_deref(),
        mask: true,
        out: differences,
    };
    let root = Context::root(&call.service, operation.input);
    compare.both(root, &Path::ROOT, &recorded, sent);
    if compare.out.is_empty() {
        // Only account ids differ, and not by a mere renaming.
        compare.mask = false;
        compare.both(root, &Path::ROOT, &recorded, sent);
    }
    compare.out
}

struct Compare<'a> {
    redactor: &'a Redactor,
    operation: &'a str,
    token: Option<&'a str>,
    /// Account ids count as equal.
    mask: bool,
    out: Vec<Difference>,
}

impl Compare<'_> {
    fn both(&mut self, context: Context<'_>, path: &Path<'_>, recorded: &Value, sent: &Value) {
        match (recorded, sent) {
            (Value::Object(old), Value::Object(new)) => self.objects(context, path, (recorded, old), (sent, new)),
            (Value::List(old), Value::List(new)) => self.lists(context, path, old, new),
            _ => self.scalars(context, path, recorded, sent),
        }
    }

    fn objects(&mut self, context: Context<'_>, path: &Path<'_>, old: (&Value, &[(String, Value)]), new: (&Value, &[(String, Value)])) {
        let mut seen: Vec<&str> = Vec::new();
        let is_root = path.render().is_empty();
        for (name, _) in old.1.iter().chain(new.1) {
            if seen.contains(&name.as_str()) || is_root && self.token == Some(name.as_str()) {
                continue;
            }
            seen.push(name);
            if is_root && context.child(name).member.is_some_and(key::is_of_the_wire) {
                continue;
            }
            let place = path.name(name);
            let recorded = old.0.member(name).unwrap_or(&Value::Null);
            let sent = new.0.member(name).unwrap_or(&Value::Null);
            self.both(context.child(name), &place, recorded, sent);
        }
    }

    fn lists(&mut self, context: Context<'_>, path: &Path<'_>, old: &[Value], new: &[Value]) {
        if context.member.is_some_and(|member| member.constraints.unique_items) {
            return self.sets(context, path, old, new);
        }
        for index in 0..old.len().max(new.len()) {
            let recorded = old.get(index).unwrap_or(&Value::Null);
            let sent = new.get(index).unwrap_or(&Value::Null);
            self.both(context.item(), &path.index(index), recorded, sent);
        }
    }

    /// Only what the other side lacks is a difference.
    fn sets(&mut self, context: Context<'_>, path: &Path<'_>, old: &[Value], new: &[Value]) {
        let mut probe = Compare {
            redactor: self.redactor,
            operation: self.operation,
            token: None,
            mask: self.mask,
            out: Vec::new(),
        };
        let mut same = |recorded: &Value, sent: &Value| {
            probe.out.clear();
            probe.both(context.item(), path, recorded, sent);
            probe.out.is_empty()
        };
        let gone: Vec<usize> = (0..old.len())
            .filter(|index| !new.iter().any(|sent| same(&old[*index], sent)))
            .collect();
        let added: Vec<usize> = (0..new.len())
            .filter(|index| !old.iter().any(|recorded| same(recorded, &new[*index])))
            .collect();
        for index in gone {
            self.scalars(context.item(), &path.index(index), &old[index], &Value::Null);
        }
        for index in added {
            self.scalars(context.item(), &path.index(index), &Value::Null, &new[index]);
        }
    }

    fn scalars(&mut self, context: Context<'_>, path: &Path<'_>, recorded: &Value, sent: &Value) {
        let hidden = self.redactor.hidden(&context, self.operation, path, sent, false);
        let hides = hidden.is_some() || self.redactor.hidden(&context, self.operation, path, recorded, true).is_some();
        let sent: Cow<'_, Value> = match (hidden, sent) {
            (Some(stand_in), _) => stand_in,
            (None, Value::Text(text)) => Cow::Owned(Value::Text(self.redactor.scrubbed(text).into_owned())),
            (None, other) => Cow::Borrowed(other),
        };
        if self.same(recorded, &sent) {
            return;
        }
        self.out.push(Difference {
            path: path.render(),
            recorded: shown(recorded, hides),
            sent: shown(&sent, hides),
        });
    }

    fn same(&self, recorded: &Value, sent: &Value) -> bool {
        match (recorded, sent) {
            (Value::Text(recorded), Value::Text(sent)) if self.mask => masked(recorded) == masked(sent),
            (Value::Integer(_) | Value::Number(_), Value::Integer(_) | Value::Number(_)) => key::same_number(recorded, sent),
            _ => recorded == sent,
        }
    }
}

pub(super) fn masked(text: &str) -> Cow<'_, str> {
    match scan::rename_accounts(text, &|_| Some("0".repeat(12))) {
        Some(masked) => Cow::Owned(masked),
        None => Cow::Borrowed(text),
    }
}

pub(super) fn shown(value: &Value, hidden: bool) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        _ if hidden => "(hidden)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(text) => text.clone(),
        Value::Text(text) => quoted(text),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
        Value::Timestamp { seconds, nanos: 0 } => format!("the instant {seconds}"),
        Value::Timestamp { seconds, nanos } => format!("the instant {seconds}.{nanos:09}"),
        // What is inside may be a secret by its own place.
        Value::List(items) => format!("a list of {}", items.len()),
        Value::Object(members) => format!("an object of {}", members.len()),
    }
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", crate::json::rewrite::string(&short))
}

#[cfg(test)]
mod tests {
    use super::super::session::Session;
    use super::super::testing::{ask, tape};
    use super::*;
    use crate::redaction::testing::{call, input};

    fn told(recorded: &[&str], sent: &str, remedy: &str) -> String {
        let calls: Vec<(&str, u16)> = recorded.iter().map(|body| (*body, 200)).collect();
        let tape = tape(&calls);
        let outcome = ask(&Session::new(&tape), &tape, sent, false);
        Miss::explain(&tape, &call("Put"), &input(sent), outcome).text(remedy)
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
        assert!(text.ends_with("\n  and 2 more"), "{text}");
    }

    #[test]
    fn a_call_that_was_played_before_is_told_how_often() {
        let tape = tape(&[("{}", 200), ("{}", 200)]);
        let session = Session::new(&tape);
        ask(&session, &tape, "{}", false);
        ask(&session, &tape, "{}", false);
        let outcome = ask(&session, &tape, "{}", false);
        assert_eq!(
            Miss::explain(&tape, &call("Put"), &input("{}"), outcome).text("play it again with `--repeat`"),
            "every recording of this `STS Put` call was already played\n\
             recorded twice, answered twice, now asked once more\n\
             play it again with `--repeat`"
        );
    }

    #[test]
    fn a_call_in_another_region_is_told_so() {
        let tape = tape(&[("{}", 200)]);
        let mut elsewhere = call("Put");
        elsewhere.region = Some("eu-west-1".to_owned());
        let miss = Miss::explain(&tape, &elsewhere, &input("{}"), Outcome::Unrecorded);
        assert_eq!(
            miss.text(""),
            "no recording of `STS Put` has this input\nthe nearest is interaction 1 of 1:\n  region: recorded \"us-east-1\", sent \"eu-west-1\""
        );
    }
}
