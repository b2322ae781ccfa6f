//! What the summary of a recording says of its calls, once it is known what was written: it claims
//! nothing that is not on the disk.

use crate::cassette::Name;
use crate::report::{CallReport, Outcome, Summary};
use std::collections::{HashMap, HashSet};

/// What is told of a call that was answered as if it were recorded.
const NOWHERE: &str = "the call was answered, but it is in no cassette: its session had ended, or the run";

/// What a run wrote.
#[derive(Default)]
pub struct Written {
    /// The number of each call's interaction in its cassette.
    pub numbers: HashMap<Name, HashMap<u64, usize>>,
    /// Calls that count no more, because their session was started again.
    pub superseded: HashSet<u64>,
    /// Calls that are only in what was put aside.
    pub aside: HashSet<u64>,
    /// Calls whose interactions would show a secret, with what is to be said of each.
    pub left_out: HashMap<u64, String>,
    /// Cassettes that are not written, but whose recording is safe in the journal.
    pub in_journal: HashSet<Name>,
}

impl Written {
    /// Makes the summary say what was written.
    pub fn reckon(&self, summary: &mut Summary) {
        for index in 0..summary.calls.len() {
            let call = &summary.calls[index];
            let (outcome, message) = match (call.outcome, self.number(call)) {
                (Outcome::Recorded, Some(_)) => (Outcome::Recorded, call.message.clone()),
                (Outcome::NotRecorded, Some(_)) => (Outcome::Recorded, None),
                (Outcome::Recorded, None) if self.is_elsewhere(call) => continue,
                (Outcome::Recorded, None) if self.superseded.contains(&(call.number as u64)) => (Outcome::Forwarded, None),
                (Outcome::Recorded, None) => {
                    let why = self.left_out.get(&(call.number as u64)).map_or(NOWHERE, String::as_str);
                    (Outcome::NotRecorded, Some(why.to_owned()))
                }
                _ => continue,
            };
            recount(summary, index, outcome);
            let number = self.number(&summary.calls[index]);
            let call = &mut summary.calls[index];
            (call.outcome, call.message, call.interaction) = (outcome, message, number);
        }
    }

    fn number(&self, call: &CallReport) -> Option<usize> {
        let numbers = self.numbers.get(&Name::parse(&call.cassette).ok()?)?;
        numbers.get(&(call.number as u64)).copied()
    }

    fn is_elsewhere(&self, call: &CallReport) -> bool {
        self.aside.contains(&(call.number as u64)) || Name::parse(&call.cassette).is_ok_and(|name| self.in_journal.contains(&name))
    }
}

/// Counts a call of a session under another outcome.
fn recount(summary: &mut Summary, index: usize, outcome: Outcome) {
    let call = &summary.calls[index];
    let (before, session) = (call.outcome, call.session.as_ref().unwrap_or(&call.cassette));
    let counted = |count: &(Outcome, usize)| count.0 == before && count.1 > 0;
    let mut sessions = summary.sessions.iter_mut();
    let of_call = sessions.find(|report| report.name == *session && report.cassette == call.cassette && report.counts.iter().any(counted));
    let Some(report) = of_call.filter(|_| before != outcome) else {
        return;
    };
    for count in report.counts.iter_mut().filter(|count| count.0 == before) {
        count.1 -= 1;
    }
    match report.counts.iter_mut().find(|count| count.0 == outcome) {
        Some(count) => count.1 += 1,
        None => report.counts.push((outcome, 1)),
    }
    report.counts.retain(|count| count.1 > 0);
    report.counts.sort();
}
