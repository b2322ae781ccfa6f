//! Keeps what is told of each call while a run goes, says on stderr what needs attention at once,
//! and makes the summary at the end.

use super::run::{ContractMode, RunArguments, shown};
use super::typed;
use crate::inspect::{Judged, Verdict};
use crate::protocol::Reply;
use crate::proxy::event::{Event, Label, Observer};
use crate::proxy::sessions::Session;
use crate::report::console::Console;
use crate::report::{CallReport, Mode, Outcome, SessionReport, SideReport, Summary};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many calls that merely went well are kept one by one. A load test replays millions; a
/// report that lists them all serves nobody.
const MAX_PLAYED: usize = 100_000;

/// The ledger of one run.
pub struct Ledger {
    console: Console,
    /// `--contract off`: nothing is said of the contract.
    silent: bool,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Plays of which there was nothing else to say: call number, session, interaction.
    played: Vec<(usize, u32, u32)>,
    /// Plays beyond [`MAX_PLAYED`].
    more_played: usize,
    told: BTreeMap<usize, CallReport>,
    notes: Vec<String>,
    problem: Option<String>,
}

/// What the ledger holds at the end.
pub struct Account {
    /// Every call that was kept, in the order of arrival.
    pub calls: Vec<CallReport>,
    /// Things to tell that belong to no call.
    pub notes: Vec<String>,
    /// Why the run as a whole is worth nothing.
    pub problem: Option<String>,
}

impl Account {
    /// The summary of a run: with what was kept, no cassettes as yet, and nothing that must be played.
    pub fn summary(self, mode: Mode, run: &RunArguments, sessions: Vec<SessionReport>) -> Summary {
        Summary {
            mode,
            cassettes: Vec::new(),
            sessions,
            calls: self.calls,
            problem: self.problem,
            all_played: false,
            orphans: Vec::new(),
            no_orphans: false,
            notes: self.notes,
            command: shown(&run.command),
            library: typed::library(&run.cassettes, &run.settings),
            options: [typed::config(&run.settings), run.again.of("replay")].concat(),
        }
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new(console: Console, contract: Option<ContractMode>) -> Ledger {
        Ledger {
            console,
            silent: contract == Some(ContractMode::Off),
            entries: Mutex::default(),
        }
    }

    /// Whether any call came at all.
    pub fn is_empty(&self) -> bool {
        let entries = self.entries();
        entries.played.is_empty() && entries.told.is_empty()
    }

    /// Whether any call could not be recorded.
    pub fn has_failed(&self) -> bool {
        self.entries().told.values().any(|call| call.outcome != Outcome::Recorded)
    }

    /// Closes the ledger. `describe` tells what a play of an interaction says, by the indices of
    /// its session and of itself.
    pub fn close(&self, describe: impl Fn(u32, usize) -> Option<CallReport>) -> Account {
        let mut entries = self.entries();
        let Entries {
            played,
            more_played,
            mut told,
            mut notes,
            problem,
        } = std::mem::take(&mut *entries);
        // An interaction may be played many times, and says the same each time.
        let mut described: HashMap<(u32, u32), Option<CallReport>> = HashMap::new();
        for (number, session, interaction) in played {
            let describe = || describe(session, interaction as usize);
            let report = described.entry((session, interaction)).or_insert_with(describe);
            if let Some(report) = report.clone() {
                told.insert(number, CallReport { number, ..report });
            }
        }
        if more_played > 0 {
            notes.push(format!(
                "{more_played} more calls were played; a report lists the first {MAX_PLAYED}"
            ));
        }
        Account {
            calls: told.into_values().collect(),
            notes,
            problem,
        }
    }

    /// Tells why the run as a whole is worth nothing.
    pub fn fail(&self, problem: &str) {
        self.console.warn(problem);
        self.entries().problem = Some(problem.to_owned());
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, event: &Event<'_>) -> CallReport {
        let line = || format!("{} {}", event.request.method(), event.request.uri().path());
        CallReport {
            number: event.number,
            service: event.call.map(|call| call.service.sdk_id.clone()),
            operation: Some(event.call.map_or_else(line, |call| call.operation().name.clone())),
            region: event.call.and_then(|call| call.region.clone()),
            cassette: event.label.cassette.to_string(),
            session: event.label.has_own_name().then(|| event.label.session.to_string()),
            interaction: event.interaction.map(|index| index + 1),
            status: event.status,
            error: event.judged_response.and_then(error_code),
            outcome: event.outcome,
            differences: event.differences.to_vec(),
            request: event.judged_request.filter(|_| !self.silent).map(SideReport::from),
            response: event.judged_response.filter(|_| !self.silent).map(SideReport::from),
            message: event.message.map(str::to_owned),
            rules: event.rules.cloned().unwrap_or_default(),
        }
    }
}

impl Observer for Ledger {
    fn played(&self, label: &Label, number: usize, interaction: usize) {
        let mut entries = self.entries();
        if entries.played.len() < MAX_PLAYED {
            entries.played.push((number, label.index, interaction as u32))
        } else {
            entries.more_played += 1
        }
    }

    fn told(&self, event: Event<'_>) {
        let report = self.report(&event);
        self.console.call(&report);
        self.entries().told.insert(report.number, report);
    }

    fn noted(&self, text: &str) {
        let mut entries = self.entries();
        // A client that tries again and again has said it once.
        if !entries.notes.iter().any(|note| note == text) {
            self.console.warn(text);
            entries.notes.push(text.to_owned());
        }
    }
}

/// The name of the error that a response is, if it is one.
pub fn error_code(judged: &Judged<Reply>) -> Option<String> {
    match &judged.content {
        Some(Reply::Error { code, .. }) => Some(code.clone()),
        _ => None,
    }
}

/// How a session went.
pub fn session_report<P>(session: &Session<P>, unplayed: usize) -> SessionReport {
    let counts = Outcome::ALL.map(|outcome| (outcome, session.tally.counted(outcome)));
    SessionReport {
        name: session.label.session.to_string(),
        cassette: session.label.cassette.to_string(),
        started: session.was_started(),
        calls: session.tally.calls(),
        counts: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
        unplayed,
    }
}

/// A side of which there is nothing to say.
pub fn conforming() -> SideReport {
    SideReport {
        verdict: Verdict::Conforms,
        reason: None,
        violations: Vec::new(),
        lints: Vec::new(),
    }
}
