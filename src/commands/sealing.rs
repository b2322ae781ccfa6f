//! The end of a recording: its journal is sealed, and each cassette that is not written yet is.
//!
//! One that cannot be written stops no other; its recording stays in the journal.

use super::keeping::nothing;
use super::recordings::Recordings;
use super::run::RunArguments;
use super::tape::entries_of;
use crate::cassette::Name;
use crate::cassette::journal::{JournalError, Saves, SealedRun};
use crate::exit::Exit;
use crate::proxy::sessions::Session;
use crate::proxy::takes::{Cut, Doubt, Entry, Leftover, Take, Takes};
use crate::report::Summary;
use crate::terminal;
use std::collections::HashSet;
use std::sync::Arc;

/// What a recording is whose cassette could not be written.
const IS_SAFE: &str = "what was recorded is safe there, and the next `ferrotape record` recovers it";

/// A recording whose command has ended.
pub struct Sealed {
    /// Its journal; or why that cannot be read.
    run: Result<SealedRun, JournalError>,
    /// Why the recording stopped before the command ended, if it did.
    failure: Option<String>,
    pub desk: Recordings,
    /// What is not written yet.
    pub left: Vec<Leftover>,
    /// How the command ended.
    pub child: Exit,
}

/// Ends the journal. Where the command could not even be run, nothing is kept of nothing.
pub fn seal(takes: Takes<Recordings>, served: anyhow::Result<Exit>) -> anyhow::Result<Sealed> {
    let failure = takes.failure();
    let (desk, journal, left) = takes.into_parts();
    let run = journal.seal();
    let child = match (served, &run) {
        (Ok(child), _) => child,
        (Err(error), Ok(sealed)) if sealed.is_empty() => {
            run?.remove()?;
            return Err(error);
        }
        (Err(error), _) => {
            terminal::say(&format!("{error:#}"));
            Exit::CouldNotRun
        }
    };
    Ok(Sealed {
        run,
        failure,
        desk,
        left,
        child,
    })
}

impl Sealed {
    /// Puts what is left of each recording where it belongs, removes the journal, and makes the summary
    /// say what was written. `started`: the cassettes of sessions that were started by hand, which may be
    /// without a call.
    ///
    /// Gives the part of the exit status that the calls do not tell.
    pub fn keep(self, started: &HashSet<String>, summary: &mut Summary) -> anyhow::Result<Exit> {
        let Sealed {
            run,
            failure,
            desk,
            left,
            child,
        } = self;
        let stopped = failure.map(|failure| desk.note(failure)).is_some();
        let exit = if stopped { Exit::NotRecorded } else { Exit::Clean };
        let failed = match stopped {
            true => Some(Doubt::Stopped),
            false => (child != Exit::Clean).then_some(Doubt::CommandFailed),
        };
        let kept = match run {
            Ok(run) => desk.keep_run(run, &left, started, failed)?,
            Err(error @ JournalError::Gone { .. }) => {
                desk.note(error.to_string());
                Exit::NotRecorded
            }
            Err(error) => {
                desk.note(format!("{error}; {IS_SAFE}"));
                left.iter().for_each(|leftover| desk.stays_in_journal(&leftover.reel.header.name));
                Exit::CouldNotRun
            }
        };
        desk.tell(summary);
        Ok(exit.or(kept))
    }
}

impl Recordings {
    /// Writes the cassettes that are not written yet, and removes the journal if all are.
    fn keep_run(&self, mut run: SealedRun, left: &[Leftover], started: &HashSet<String>, failed: Option<Doubt>) -> anyhow::Result<Exit> {
        let mut exit = Exit::Clean;
        if run.is_gone {
            exit = Exit::NotRecorded;
            self.note(format!(
                "something removed the journal `{}` while the recording went on; the cassettes hold what could still be read",
                run.folder().display()
            ));
        }
        let is_saved = self.keep_left(&mut run, left, started, failed)?;
        let has_left_out = !self.kept().written.left_out.is_empty();
        match is_saved {
            true if has_left_out => {
                let place = run.set_aside(&self.state)?;
                self.note(format!(
                    "the journal was moved to `{}`: it holds what was left out",
                    place.display()
                ));
                exit = Exit::NotRecorded;
            }
            true => run.remove()?,
            false => exit = exit.or(Exit::CouldNotRun),
        }
        Ok(exit)
    }

    /// Whether all that is left could be written.
    fn keep_left(&self, run: &mut SealedRun, left: &[Leftover], started: &HashSet<String>, failed: Option<Doubt>) -> anyhow::Result<bool> {
        let entries = entries_of(run)?;
        let saves = run.saves();
        let mut is_saved = true;
        for leftover in left.iter().filter(|leftover| !leftover.is_written) {
            let name = &leftover.reel.header.name;
            let cuts = cuts(leftover, &entries, failed, self.adds, &saves);
            let has_calls = cuts.iter().any(|cut| !cut.entries.is_empty());
            let is_doubtful = cuts.iter().any(|cut| cut.doubt.is_some());
            if !has_calls && (is_doubtful || !started.contains(name.as_str())) {
                self.nothing_recorded(name);
                continue;
            }
            for cut in cuts {
                if let Err(error) = self.keep(cut) {
                    is_saved = false;
                    let journal = run.folder().display();
                    self.note(format!("{error:#}; its recording stays in `{journal}`: {IS_SAFE}"));
                    self.stays_in_journal(name);
                }
            }
        }
        Ok(is_saved)
    }

    fn stays_in_journal(&self, name: &Name) {
        let mut kept = self.kept();
        kept.written.in_journal.insert(name.clone());
        kept.reports.entry(name.clone()).or_insert_with(|| nothing(name));
    }
}

/// What is to be written of a cassette: what is beyond doubt, and what is not.
fn cuts<'a>(leftover: &'a Leftover, entries: &[(u64, Entry)], failed: Option<Doubt>, adds: bool, saves: &Saves) -> Vec<Cut<'a>> {
    let doubt = |take: &u32| leftover.takes.get(take).copied().flatten().or(failed);
    let cut = |doubt: Option<Doubt>, is_wanted: &dyn Fn(&u32) -> bool| {
        let of_it = |entry: &Entry| {
            entry
                .recorded_by()
                .is_some_and(|take| leftover.takes.contains_key(&take) && is_wanted(&take))
        };
        Cut {
            header: &leftover.reel.header,
            redactor: &leftover.reel.redactor,
            entries: entries.iter().filter(|(_, entry)| of_it(entry)).cloned().collect(),
            doubt,
            merges: leftover.merges,
            saves: saves.clone(),
        }
    };
    let first_doubt = leftover.takes.keys().find_map(doubt);
    let aside = first_doubt.map(|first| cut(Some(first), &|take| !adds || doubt(take).is_some()));
    let has_good = leftover.takes.keys().any(|take| doubt(take).is_none());
    let good = has_good.then(|| cut(None, &|take| doubt(take).is_none()));
    good.into_iter().chain(aside).collect()
}

/// Doubts what sessions recorded that were started, and not ended before a run without a command was
/// stopped: where there is a command, its end says how it went.
pub fn doubt_open<'s, P: 's>(sessions: &'s [Arc<Session<P>>], run: &RunArguments, take: impl Fn(&'s P) -> &'s Take) {
    let is_open = |session: &&Arc<Session<P>>| session.was_started() && !session.has_ended();
    for session in sessions.iter().filter(is_open).filter(|_| run.command.is_empty()) {
        take(&session.part).doubt(Doubt::LeftOpen);
    }
}

/// The cassettes of sessions that were started by hand, and of whose calls none went wrong. Those that share
/// the cassette of the run, `own`, as the workers of a test framework do, may well make no call.
pub fn started_well<P>(sessions: &[Arc<Session<P>>], own: &Name) -> HashSet<String> {
    let shares = |session: &Arc<Session<P>>| *session.label.cassette == *own.as_str() && *session.label.session != *own.as_str();
    let well = sessions
        .iter()
        .filter(|session| session.was_started() && session.tally.is_clean() && !shares(session));
    well.map(|session| session.label.cassette.to_string()).collect()
}
