//! Where recordings go: each cassette when its last session has ended, what is left when the run has.

use super::matching::keep_binds;
use super::recordings::Recordings;
use super::tape::{adopt_command, entries_of, finish, made};
use crate::cassette::journal::SealedRun;
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Name, Origin, history};
use crate::exit::Exit;
use crate::matcher::idle::{Scope, idle_redaction};
use crate::proxy::sessions::Session;
use crate::proxy::takes::{Cut, Entry, Leftover, Takes};
use crate::report::{CassetteReport, Outcome, Summary};
use anyhow::Context;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Why what a run leaves may be less than it should.
const COMMAND_FAILED: &str = "the command failed";

/// What a run wrote.
#[derive(Default)]
pub struct Kept {
    /// The last of each cassette.
    reports: BTreeMap<Name, CassetteReport>,
    /// The number of each call's interaction in its cassette.
    numbers: HashMap<Name, HashMap<u64, usize>>,
    notes: Vec<String>,
}

/// A recording whose command has ended.
pub struct Sealed {
    pub run: SealedRun,
    pub desk: Recordings,
    /// What is not written yet.
    pub left: Vec<Leftover>,
    /// How the command ended.
    pub child: Exit,
}

/// Ends the journal. Where the command could not even be run, nothing is kept of nothing.
pub fn seal(takes: Takes<Recordings>, served: anyhow::Result<Exit>) -> anyhow::Result<Sealed> {
    let (desk, journal, left) = takes.into_parts();
    let run = journal.seal()?;
    let child = match served {
        Ok(child) => child,
        Err(error) if run.records.is_empty() => {
            run.remove()?;
            return Err(error);
        }
        Err(error) => {
            eprintln!("ferrotape: {error:#}");
            Exit::CouldNotRun
        }
    };
    Ok(Sealed { run, desk, left, child })
}

impl Sealed {
    /// Puts what is left of each recording where it belongs, and removes the journal. `started`: the
    /// cassettes of sessions that were started by hand, which may be without a call.
    pub fn keep(self, started: &HashSet<String>, summary: &mut Summary) -> anyhow::Result<()> {
        let Sealed { run, desk, left, child } = self;
        let entries = entries_of(&run)?;
        let failed = (child != Exit::Clean).then_some(COMMAND_FAILED);
        for leftover in left.iter().filter(|leftover| !leftover.is_written) {
            let header = &leftover.reel.header;
            let is_of_it = |entry: &Entry| entry.recorded_by().is_some_and(|take| leftover.takes.contains(&take));
            let entries: Vec<(u64, Entry)> = entries.iter().filter(|(_, entry)| is_of_it(entry)).cloned().collect();
            let doubt = leftover.doubt.or(failed);
            if entries.is_empty() && (doubt.is_some() || !started.contains(header.name.as_str())) {
                desk.nothing_recorded(&header.name);
                continue;
            }
            desk.keep(Cut { header, entries, doubt }).with_context(|| stays_in(run.folder()))?;
        }
        run.remove()?;
        desk.tell(summary);
        Ok(())
    }
}

/// The cassettes of sessions that were started by hand, and of whose calls none went wrong.
pub fn started_well<P>(sessions: &[Arc<Session<P>>]) -> HashSet<String> {
    let well = sessions.iter().filter(|session| session.was_started() && session.tally.is_clean());
    well.map(|session| session.label.cassette.to_string()).collect()
}

fn stays_in(journal: &Path) -> String {
    format!(
        "the recording stays in `{}`, and the next `ferrotape record` recovers it",
        journal.display()
    )
}

impl Recordings {
    /// Writes a cassette: behind what is there, or in its place. What is there stays where what was
    /// recorded may be less.
    pub(super) fn keep(&self, cut: Cut<'_>) -> anyhow::Result<()> {
        let Cut { header, entries, doubt } = cut;
        let name = &header.name;
        let calls: Vec<u64> = entries
            .iter()
            .filter(|(_, entry)| entry.recorded_by().is_some())
            .map(|(call, _)| *call)
            .collect();
        let mut new = made(header, entries.into_iter().map(|(_, entry)| entry));
        let is_there = self.library.exists(name);
        let adds = is_there && self.adds;
        if adds && calls.is_empty() {
            self.nothing_recorded(name);
            return Ok(());
        }
        let mut kept = self.kept();
        let put_aside = is_there && !adds && doubt.is_some();
        let target = match put_aside {
            true => Library::new(self.state.partial()),
            false => self.library.clone(),
        };
        if adds {
            new = added(&self.library, name, new)?;
        }
        finish(&mut new, &self.catalog);
        target.save(name, &new)?;
        let before = new.interactions.len() - calls.len();
        kept.notes.extend(self.told_of(name, &target, doubt.filter(|_| !adds)));
        kept.notes.extend(keep_binds(&self.bind, &target, name, &self.catalog)?);
        // What `auto` adds from AWS does not make it safe to send the rest there.
        if !adds || self.upstream.is_some() {
            // A hint may say where it was recorded from; without it, it says less.
            let _ = history::note_upstream(&self.state, name, self.upstream.as_deref());
        }
        let numbers = kept.numbers.entry(name.clone()).or_default();
        if !self.adds {
            numbers.clear();
        }
        numbers.extend(calls.iter().enumerate().map(|(index, call)| (*call, before + index + 1)));
        let report = CassetteReport {
            path: Some(target.path(name)),
            put_aside,
            interactions: new.interactions.len(),
            ..nothing(name)
        };
        kept.reports.insert(name.clone(), report);
        Ok(())
    }

    /// What is to be said of a recording that may be less than it should.
    fn told_of(&self, name: &Name, target: &Library, doubt: Option<&str>) -> Option<String> {
        let (doubt, path) = (doubt?, self.library.path(name));
        if target.root() == self.library.root() {
            return Some(format!("{doubt}; `{}` holds what was recorded until then", path.display()));
        }
        let command = adopt_command(&target.path(name), &path);
        Some(format!(
            "{doubt}, so `{}` stays as it was; to take the new recording all the same: {command}",
            path.display()
        ))
    }

    /// Something to be said at the end.
    pub(super) fn note(&self, note: String) {
        self.kept().notes.push(note);
    }

    fn nothing_recorded(&self, name: &Name) {
        let mut kept = self.kept();
        let path = self.library.exists(name).then(|| self.library.path(name));
        if let Some(path) = path.as_ref().filter(|_| !self.adds) {
            let note = format!("nothing was recorded; `{}` stays as it is", path.display());
            kept.notes.push(note);
        }
        let path = path.filter(|_| self.adds);
        let report = || CassetteReport { path, ..nothing(name) };
        kept.reports.entry(name.clone()).or_insert_with(report);
    }

    /// Puts into the summary what was written.
    fn tell(self, summary: &mut Summary) {
        // The services that were called are loaded by now.
        let idle = idle_redaction(&self.redaction(), &self.catalog, Scope::Shared);
        let kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        summary.notes.extend(kept.notes.into_iter().chain(idle));
        summary.cassettes = kept.reports.into_values().collect();
        if summary.cassettes.len() > 1 {
            // The sessions of the run have taken the place of its own.
            summary.cassettes.retain(|report| report.path.is_some());
        }
        for call in summary.calls.iter_mut().filter(|call| call.outcome == Outcome::Recorded) {
            let name = Name::parse(&call.cassette).ok();
            let numbers = name.and_then(|name| kept.numbers.get(&name));
            call.interaction = numbers.and_then(|numbers| numbers.get(&(call.number as u64)).copied());
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cassette of that name with new interactions behind its own.
pub fn added(library: &Library, name: &Name, new: Cassette) -> anyhow::Result<Cassette> {
    let mut whole = library.load(name)?;
    for (service, stamp) in new.models {
        if !whole.models.iter().any(|(known, _)| *known == service) {
            whole.models.push((service, stamp));
        }
    }
    for rule in new.redaction.rules {
        if !whole.redaction.rules.contains(&rule) {
            whole.redaction.rules.push(rule);
        }
    }
    if whole.redaction.salt.is_empty() {
        whole.redaction.salt = new.redaction.salt;
    }
    // Never lied about: what holds anything made up is not recorded.
    if whole.origin == Origin::Recorded {
        whole.origin = new.origin;
    }
    whole.interactions.extend(new.interactions);
    Ok(whole)
}

fn nothing(name: &Name) -> CassetteReport {
    CassetteReport {
        name: name.to_string(),
        path: None,
        put_aside: false,
        interactions: 0,
        unplayed: Vec::new(),
    }
}
