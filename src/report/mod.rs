//! What a finished run has to say, as data, and the forms it can be told in.
//!
//! `record`, `replay` and `verify` fill in one [`Summary`]; a form is one file here and one row in
//! [`REPORTS`]. Nothing in a summary depends on a clock, so the same run gives the same bytes.
//! Telling things while they happen is [`console`]'s.

pub mod console;
mod hints;
mod human;
mod json;
mod junit;
mod target;

pub use hints::{command_line, words};
pub use target::{Target, TargetError};

use crate::contract::Departure;
use crate::exit::Exit;
use crate::inspect::{Judged, Verdict};
use crate::matcher::miss::Difference;
pub use crate::outcome::Outcome;
use crate::settings::CallRules;
use std::io::{self, Write};
use std::path::PathBuf;

/// A form of the report.
pub trait Report: Sync {
    /// Writes the whole report. The human form carries ANSI styles, which the stream that
    /// [`Target::emit`] hands it takes out where nobody would see colours.
    fn write(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// Every form, by the name that `--report` takes.
pub static REPORTS: &[(&str, &dyn Report)] = &[("human", &human::Human), ("json", &json::Json), ("junit", &junit::Junit)];

/// A finished run.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What was done.
    pub mode: Mode,
    /// The cassettes that were written, played or judged, in the order of their names.
    pub cassettes: Vec<CassetteReport>,
    /// The sessions of the run, in the order in which they came about; none in `verify`.
    pub sessions: Vec<SessionReport>,
    /// Every call, in the order of arrival (in `verify`: of the cassettes).
    pub calls: Vec<CallReport>,
    /// Why the run as a whole is worth nothing, whatever its calls say: no call ever came.
    pub problem: Option<String>,
    /// An interaction that was not played fails the run (`--all-played`).
    pub all_played: bool,
    /// The cassettes that no session asked for; only where a run over the whole suite is to tell.
    pub orphans: Vec<String>,
    /// Such a cassette fails the run (`--no-orphans`).
    pub no_orphans: bool,
    /// What else the user must know: a cassette put aside, a journal recovered, hosts tunnelled.
    pub notes: Vec<String>,
    /// The command under test as it was typed; empty where there was none. Only its first word is
    /// ever written: the rest may hold secrets.
    pub command: Vec<String>,
    /// What was typed that every command on these cassettes needs again: `--config`, `--cassettes`.
    pub library: Vec<String>,
    /// What was typed that another run needs beside that: `--model`, `--order`.
    pub options: Vec<String>,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Record,
    Replay,
    Auto,
    Compare,
    Passthrough,
    Verify,
}

impl Mode {
    /// The name of the command.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Record => "record",
            Mode::Replay => "replay",
            Mode::Auto => "auto",
            Mode::Compare => "compare",
            Mode::Passthrough => "passthrough",
            Mode::Verify => "verify",
        }
    }
}

/// One cassette of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CassetteReport {
    /// Its name, or its path where it was named by one.
    pub name: String,
    /// Where it lies, or now lies. Absent where nothing was written.
    pub path: Option<PathBuf>,
    /// What was recorded did not take the cassette's place, because the command failed.
    pub put_aside: bool,
    /// How many interactions it holds.
    pub interactions: usize,
    /// Interactions that no call asked for, by number from 1. Only in replay.
    pub unplayed: Vec<Unplayed>,
}

/// One session of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionReport {
    /// Its name.
    pub name: String,
    /// The name of its cassette.
    pub cassette: String,
    /// Somebody started it, and it did not merely come about.
    pub started: bool,
    /// How many calls it made.
    pub calls: usize,
    /// How many of them came to each end, in the order of [`Outcome::ALL`].
    pub counts: Vec<(Outcome, usize)>,
    /// How many interactions of its cassette it did not ask for. Only in replay.
    pub unplayed: usize,
}

/// An interaction that no call asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplayed {
    /// Its number in the cassette, from 1.
    pub interaction: usize,
    /// The service's `sdkId`, where the call was understood.
    pub service: Option<String>,
    /// The operation, where the call was understood.
    pub operation: Option<String>,
}

/// What became of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// From 1, in the order of arrival.
    pub number: usize,
    /// The service's `sdkId`, where the call was understood.
    pub service: Option<String>,
    /// The operation, where the call was understood; else the method and path.
    pub operation: Option<String>,
    /// The region, where one is known.
    pub region: Option<String>,
    /// The cassette's name.
    pub cassette: String,
    /// The session's name, where it is another than the cassette's.
    pub session: Option<String>,
    /// The interaction that was written, played or judged, by number from 1.
    pub interaction: Option<usize>,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// The name of the error that was answered, where the answer was one.
    pub error: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// What the contract says of the request.
    pub request: Option<SideReport>,
    /// What the contract says of the response.
    pub response: Option<SideReport>,
    /// How the live answer differs from the recorded one. Only in `compare`.
    pub differences: Vec<Difference>,
    /// Why, where the outcome needs words: the text of a miss, of an upstream's failure.
    pub message: Option<String>,
    /// The rules that would let a missed call pass.
    pub rules: CallRules,
}

impl CallReport {
    /// `Proton CreateServiceInstance`, as far as it is known.
    pub fn title(&self) -> String {
        title(self.service.as_deref(), self.operation.as_deref())
    }

    /// What tells its suite from others: the cassette, with the session where that has a name of
    /// its own.
    pub fn suite(&self) -> String {
        match &self.session {
            Some(session) => format!("{session} ({})", self.cassette),
            None => self.cassette.clone(),
        }
    }

    /// The sides that were judged, with their names.
    pub fn sides(&self) -> impl Iterator<Item = (&'static str, &SideReport)> {
        let request = self.request.as_ref().map(|side| ("request", side));
        let response = self.response.as_ref().map(|side| ("response", side));
        request.into_iter().chain(response)
    }
}

fn title(service: Option<&str>, operation: Option<&str>) -> String {
    match (service, operation) {
        (Some(service), Some(operation)) => format!("{service} {operation}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "an unknown call".to_owned(),
    }
}

/// What the contract says of one side of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideReport {
    /// The verdict.
    pub verdict: Verdict,
    /// Why the side is malformed or unmodeled.
    pub reason: Option<String>,
    /// Breaches.
    pub violations: Vec<Departure>,
    /// Departures that are tolerated.
    pub lints: Vec<Departure>,
}

impl SideReport {
    /// The side breaks its contract: it violates it, or cannot be read at all.
    pub fn breaks_contract(&self) -> bool {
        matches!(self.verdict, Verdict::Violates | Verdict::Malformed)
    }
}

impl<T> From<&Judged<T>> for SideReport {
    fn from(judged: &Judged<T>) -> SideReport {
        SideReport {
            verdict: judged.verdict,
            reason: judged.reason.clone(),
            violations: judged.violations.clone(),
            lints: judged.lints.clone(),
        }
    }
}

/// What makes a run fail beyond what always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strictness {
    /// A breach of the contract fails the run (in `record` only with `--contract enforce`).
    pub violations: bool,
    /// So does an interaction that was never played (`--all-played`).
    pub unplayed: bool,
}

impl Summary {
    /// How many calls came to that end.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.calls.iter().filter(|call| call.outcome == outcome).count()
    }

    /// How many sides break their contract.
    pub fn broken(&self) -> usize {
        self.calls
            .iter()
            .flat_map(CallReport::sides)
            .filter(|(_, side)| side.breaks_contract())
            .count()
    }

    /// How many recorded calls no model knows, so that nothing could be said of them.
    pub fn unjudged(&self) -> usize {
        let unmodeled = |call: &&CallReport| call.request.as_ref().is_some_and(|side| side.verdict == Verdict::Unmodeled);
        self.calls
            .iter()
            .filter(|call| call.outcome == Outcome::Judged)
            .filter(unmodeled)
            .count()
    }

    /// How many departures are told and tolerated.
    pub fn lints(&self) -> usize {
        self.calls
            .iter()
            .flat_map(CallReport::sides)
            .map(|(_, side)| side.lints.len())
            .sum()
    }

    /// How many interactions no call asked for.
    pub fn unplayed(&self) -> usize {
        self.cassettes.iter().map(|cassette| cassette.unplayed.len()).sum()
    }

    /// The status that the calls alone call for; the child's own and a failure to run at all are
    /// the caller's to add.
    pub fn exit(&self, strictness: Strictness) -> Exit {
        let mut exit = Exit::Clean;
        if strictness.violations && self.calls.iter().any(|call| self.fails_contract(call)) {
            exit = exit.or(Exit::Violations);
        }
        for call in &self.calls {
            exit = exit.or(match (call.outcome, self.mode) {
                (Outcome::Missed, _) | (Outcome::Unmodeled, Mode::Replay) => Exit::Misses,
                (Outcome::NotRecorded | Outcome::Unmodeled, _) => Exit::NotRecorded,
                (Outcome::Differs, _) => Exit::Differs,
                (Outcome::UpstreamFailed, _) => Exit::UpstreamFailed,
                _ => Exit::Clean,
            });
        }
        let has_orphans = self.no_orphans && !self.orphans.is_empty();
        if has_orphans || (strictness.unplayed && self.unplayed() > 0) {
            exit = exit.or(Exit::Unplayed);
        }
        exit
    }

    /// `verify` counts both sides; a run counts what was sent, for which alone its client is to
    /// blame.
    fn fails_contract(&self, call: &CallReport) -> bool {
        let mut sides = call.sides();
        match self.mode {
            Mode::Verify => sides.any(|(_, side)| side.breaks_contract()),
            _ => call.request.as_ref().is_some_and(SideReport::breaks_contract),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::contract::Rule;

    pub fn side(verdict: Verdict) -> SideReport {
        SideReport {
            verdict,
            reason: None,
            violations: Vec::new(),
            lints: Vec::new(),
        }
    }

    pub fn departure(path: &str, rule: Rule, message: &str) -> Departure {
        Departure {
            path: path.to_owned(),
            rule,
            message: message.to_owned(),
        }
    }

    pub fn call(number: usize, outcome: Outcome) -> CallReport {
        CallReport {
            number,
            service: Some("Proton".to_owned()),
            operation: Some("CreateServiceInstance".to_owned()),
            region: Some("us-east-1".to_owned()),
            cassette: "orders".to_owned(),
            session: None,
            interaction: None,
            status: Some(200),
            error: None,
            outcome,
            differences: Vec::new(),
            request: Some(side(Verdict::Conforms)),
            response: None,
            message: None,
            rules: CallRules::default(),
        }
    }

    /// A replay in which everything happens once.
    pub fn replay() -> Summary {
        let mut refused = call(2, Outcome::Refused);
        refused.status = Some(400);
        refused.error = Some("ValidationException".to_owned());
        let message = "Value at '/name' failed to satisfy constraint: Member must have length less than or equal to 100";
        refused.request = Some(SideReport {
            violations: vec![departure("/name", Rule::Length, message)],
            ..side(Verdict::Violates)
        });
        let mut missed = call(3, Outcome::Missed);
        missed.status = Some(400);
        missed.error = Some("CassetteMiss".to_owned());
        missed.message = Some("no recording of this call;\nnearest: #1\nrecord it: ferrotape auto -c orders -- pytest …".to_owned());
        let mut played = call(1, Outcome::Played);
        played.interaction = Some(1);
        played.response = Some(SideReport {
            lints: vec![departure("/new", Rule::Unknown, "Member '/new' is not in the model")],
            ..side(Verdict::Conforms)
        });
        Summary {
            mode: Mode::Replay,
            cassettes: vec![CassetteReport {
                name: "orders".to_owned(),
                path: Some(PathBuf::from("cassettes/orders.json")),
                put_aside: false,
                interactions: 2,
                unplayed: vec![Unplayed {
                    interaction: 2,
                    service: Some("Service Catalog".to_owned()),
                    operation: Some("CreateProvisioningArtifact".to_owned()),
                }],
            }],
            sessions: vec![SessionReport {
                name: "orders".to_owned(),
                cassette: "orders".to_owned(),
                started: false,
                calls: 3,
                counts: vec![(Outcome::Played, 1), (Outcome::Refused, 1), (Outcome::Missed, 1)],
                unplayed: 1,
            }],
            calls: vec![played, refused, missed],
            problem: None,
            all_played: false,
            orphans: Vec::new(),
            no_orphans: false,
            notes: Vec::new(),
            command: vec!["pytest".to_owned(), "--token=hush".to_owned()],
            library: Vec::new(),
            options: Vec::new(),
        }
    }

    #[test]
    fn a_violation_fails_a_run_before_a_miss_does_and_only_when_asked() {
        let summary = replay();
        let strict = Strictness {
            violations: true,
            unplayed: true,
        };
        assert_eq!(summary.exit(strict), Exit::Violations);
        assert_eq!(summary.exit(Strictness::default()), Exit::Misses);
    }

    #[test]
    fn a_broken_response_fails_verify_but_not_a_run() {
        let mut summary = replay();
        summary.calls.truncate(1);
        summary.calls[0].response = Some(side(Verdict::Violates));
        let strict = Strictness {
            violations: true,
            unplayed: false,
        };
        assert_eq!(summary.exit(strict), Exit::Clean);
        summary.mode = Mode::Verify;
        assert_eq!(summary.exit(strict), Exit::Violations);
    }

    #[test]
    fn unplayed_interactions_fail_only_a_run_that_asks_for_all() {
        let mut summary = replay();
        summary.calls.truncate(1);
        assert_eq!(summary.exit(Strictness::default()), Exit::Clean);
        let all = Strictness {
            violations: true,
            unplayed: true,
        };
        assert_eq!(summary.exit(all), Exit::Unplayed);
    }

    #[test]
    fn an_unmodeled_call_is_a_miss_in_replay_and_unrecorded_in_record() {
        let mut summary = replay();
        summary.calls = vec![call(1, Outcome::Unmodeled)];
        assert_eq!(summary.exit(Strictness::default()), Exit::Misses);
        summary.mode = Mode::Record;
        assert_eq!(summary.exit(Strictness::default()), Exit::NotRecorded);
    }
}
