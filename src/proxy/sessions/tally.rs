//! What became of the calls of one session, counted while it runs.

use crate::inspect::Verdict;
use crate::outcome::Outcome;
use crate::proxy::event::Event;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Of this many calls that went wrong a session's summary tells the whole; the report has all.
const MOST_PROBLEMS: usize = 20;

/// The counts of one session.
#[derive(Default)]
pub struct Tally {
    counts: [AtomicUsize; Outcome::ALL.len()],
    violated: AtomicUsize,
    problems: Mutex<Vec<Problem>>,
}

/// One call that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The call's number in the run.
    pub number: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// The service's `sdkId`, where the call was understood.
    pub service: Option<String>,
    /// The operation, where the call was understood; else the method and path.
    pub operation: String,
    /// Why.
    pub message: String,
}

impl Tally {
    /// Counts a call of which there is nothing to say.
    pub fn count(&self, outcome: Outcome) {
        self.counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call, and keeps what went wrong with it.
    pub fn told(&self, event: &Event<'_>) {
        self.count(event.outcome);
        let broken = event
            .judged_request
            .filter(|judged| matches!(judged.verdict, Verdict::Violates | Verdict::Malformed));
        if broken.is_some() {
            self.violated.fetch_add(1, Ordering::Relaxed);
        }
        if !is_bad(event.outcome) && broken.is_none() {
            return;
        }
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < MOST_PROBLEMS {
            problems.push(Problem::new(event));
        }
    }

    /// How many calls came to that end.
    pub fn counted(&self, outcome: Outcome) -> usize {
        self.counts[outcome as usize].load(Ordering::Relaxed)
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        Outcome::ALL.iter().map(|outcome| self.counted(*outcome)).sum()
    }

    /// How many requests broke their contract.
    pub fn violated(&self) -> usize {
        self.violated.load(Ordering::Relaxed)
    }

    /// No call went wrong. A breach of the contract that was merely told is none.
    pub fn is_clean(&self) -> bool {
        Outcome::ALL.iter().all(|outcome| !is_bad(*outcome) || self.counted(*outcome) == 0)
    }

    /// The first calls that went wrong.
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn is_bad(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Recorded | Outcome::Played | Outcome::Judged | Outcome::Forwarded | Outcome::Same => false,
        Outcome::Refused | Outcome::Missed | Outcome::Unmodeled | Outcome::NotRecorded | Outcome::UpstreamFailed | Outcome::Differs => true,
    }
}

impl Problem {
    fn new(event: &Event<'_>) -> Problem {
        let line = || format!("{} {}", event.request.method(), event.request.uri().path());
        let departures = event.judged_request.iter().flat_map(|judged| {
            let reason = judged.reason.iter().cloned();
            judged.violations.iter().map(|departure| departure.message.clone()).chain(reason)
        });
        let said: Vec<String> = departures.chain(event.message.map(str::to_owned)).collect();
        Problem {
            number: event.number,
            outcome: event.outcome,
            service: event.call.map(|call| call.service.sdk_id.clone()),
            operation: event.call.map_or_else(line, |call| call.operation().name.clone()),
            message: said.join("\n"),
        }
    }
}
