//! Why nothing answers a live call, in words for the person who reads the SDK's exception.
//!
//! Only the recording that is nearest is decoded again and compared. Secrets are compared by their stand-ins and never shown; what the key leaves out
//! (idempotency tokens, nulls, lengths and checksums, account ids that are merely renamed) is no difference.

use super::Tape;
use super::difference::differences;
pub use super::difference::{Difference, Hint, HintKind};
use super::key;
use super::session::{Outcome, Session};
use crate::inspect::Call;
use crate::settings::{Bind, CallRules, bind_tables, match_table};
use crate::value::Value;
use std::fmt::Write;

/// How many differences are listed.
const MAX_DIFFERENCES: usize = 5;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmodelled {
    /// This interaction, counted from 1, which was recorded with a model, as that call; but such calls
    /// are refused.
    Known(usize, String),
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
        self.written(remedy, true)
    }

    /// The message where live answers are compared with those of `cassette`: without what would let
    /// a replay pass.
    pub fn compared(&self, cassette: &str) -> String {
        let why = match self {
            Miss::Different { .. } => "; what an earlier live answer gave, an id say, is another than the recorded one",
            _ => "",
        };
        self.written(&format!("compared with the cassette `{cassette}`{why}"), false)
    }

    /// `advises`: with the rules and options that would let it pass.
    fn written(&self, remedy: &str, advises: bool) -> String {
        let rules = || if advises { rules_to_paste(&self.rules()) } else { String::new() };
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = match self {
            Miss::NoSuchOperation { operation, recorded } if recorded.is_empty() => {
                write!(
                    out,
                    "no call of `{operation}` was recorded, nor of any other operation that is known"
                )
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
                write!(out, "{}", rules())
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
                rules()
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
                played_out(*recorded, *played, advises)
            ),
            Miss::Unmodelled { reason, recorded } => match recorded {
                Unmodelled::Known(number, title) => write!(
                    out,
                    "{reason}\nit was recorded with one, as `{title}`: interaction {number} of the cassette"
                ),
                Unmodelled::Refused(number) => write!(
                    out,
                    "{reason}\nwithout a model it is interaction {number} of the cassette: `--unmodeled recorded` plays it"
                ),
                Unmodelled::Nothing => write!(out, "{reason}\nno recording has its method, path, query and body"),
                Unmodelled::Played(recorded, played) => write!(
                    out,
                    "{reason}\nevery recording of its method, path, query and body was already played\n{}",
                    played_out(*recorded, *played, advises)
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
        let places = match hint.kind {
            HintKind::MadeUp => {
                rules.bind.push(Bind { from: place });
                continue;
            }
            HintKind::Now => &mut rules.matching.now,
            HintKind::Ignore => &mut rules.matching.ignore,
        };
        if !places.contains(&place) {
            places.push(place);
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
        ("what may differ is named in `ferrotape.toml`:", match_table(&rules.matching)),
    ];
    for (introduction, lines) in kinds.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = write!(out, "\n{introduction}\n  {}", lines.join("\n  "));
    }
    out
}

fn played_out(recorded: usize, played: u64, advises: bool) -> String {
    format!(
        "recorded {}, answered {}, now asked once more{}",
        times(recorded as u64),
        times(played),
        if advises {
            "\nwith `--repeat` the last of them answers again"
        } else {
            ""
        }
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

#[cfg(test)]
mod tests;
