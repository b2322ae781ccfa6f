//! Where recordings go: each cassette when its last session has ended, what is left when the run has.

use super::matching::{indexed, keep_binds};
use super::merging::{Merged, lost, merged};
use super::recordings::Recordings;
use super::run::RunArguments;
use super::tape::{adopt_command, entries_of, finish, made};
use crate::cassette::former::Former;
use crate::cassette::journal::SealedRun;
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Name, Origin, history};
use crate::exit::Exit;
use crate::matcher::idle::{Scope, idle_redaction};
use crate::matcher::key::Key;
use crate::proxy::sessions::Session;
use crate::proxy::takes::{Cut, Doubt, Entry, Leftover, Take, Takes};
use crate::report::{CassetteReport, Outcome, Summary};
use anyhow::Context;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};

/// What a run wrote.
#[derive(Default)]
pub struct Kept {
    /// The last of each cassette.
    reports: BTreeMap<Name, CassetteReport>,
    /// The number of each call's interaction in its cassette.
    numbers: HashMap<Name, HashMap<u64, usize>>,
    /// Each cassette as it was before the run wrote it; nothing where there was none.
    former: BTreeMap<Name, Option<Former>>,
    /// What is said of the interactions that stay in each.
    stay: BTreeMap<Name, Option<String>>,
    /// What each cassette lost.
    lost: BTreeMap<Name, String>,
    notes: Vec<String>,
}

/// A cassette to write, and where in it each recorded interaction is.
struct Placed {
    cassette: Cassette,
    positions: Vec<usize>,
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
        let failed = (child != Exit::Clean).then_some(Doubt::CommandFailed);
        for leftover in left.iter().filter(|leftover| !leftover.is_written) {
            let name = &leftover.reel.header.name;
            let cuts = cuts(leftover, &entries, failed, desk.adds);
            let has_calls = cuts.iter().any(|cut| !cut.entries.is_empty());
            let is_doubtful = cuts.iter().any(|cut| cut.doubt.is_some());
            if !has_calls && (is_doubtful || !started.contains(name.as_str())) {
                desk.nothing_recorded(name);
                continue;
            }
            for cut in cuts {
                desk.keep(cut).with_context(|| stays_in(run.folder()))?;
            }
        }
        run.remove()?;
        desk.tell(summary);
        Ok(())
    }
}

/// What is to be written of a cassette: what is beyond doubt, and what is not.
fn cuts<'a>(leftover: &'a Leftover, entries: &[(u64, Entry)], failed: Option<Doubt>, adds: bool) -> Vec<Cut<'a>> {
    let doubt = |take: &u32| leftover.takes.get(take).copied().flatten().or(failed);
    let cut = |doubt: Option<Doubt>, is_wanted: &dyn Fn(&u32) -> bool| {
        let of_it = |entry: &Entry| {
            entry
                .recorded_by()
                .is_some_and(|take| leftover.takes.contains_key(&take) && is_wanted(&take))
        };
        Cut {
            header: &leftover.reel.header,
            entries: entries.iter().filter(|(_, entry)| of_it(entry)).cloned().collect(),
            doubt,
            merges: leftover.merges,
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
    /// Writes a cassette: behind what is there, beside it, or in its place. What is there stays where
    /// what was recorded may be less.
    pub(super) fn keep(&self, cut: Cut<'_>) -> anyhow::Result<()> {
        let Cut {
            header,
            entries,
            doubt,
            merges,
        } = cut;
        let name = &header.name;
        let is_call = |(_, entry): &&(u64, Entry)| entry.recorded_by().is_some();
        let calls: Vec<u64> = entries.iter().filter(is_call).map(|(call, _)| *call).collect();
        if calls.is_empty() && (doubt.is_some() || (self.adds && self.library.exists(name))) {
            self.nothing_recorded(name);
            return Ok(());
        }
        let mut kept = self.kept();
        let new = made(header, entries.into_iter().map(|(_, entry)| entry));
        let was_there = match self.adds {
            true => self.library.exists(name),
            false => self.former(&mut kept, name)?.is_some(),
        };
        let put_aside = match doubt {
            None => false,
            Some(Doubt::NotToBeKept) => true,
            Some(_) => was_there || self.adds,
        };
        let Placed { mut cassette, positions } = self.placed(&mut kept, name, new, merges)?;
        finish(&mut cassette, &self.catalog);
        let target = match put_aside {
            true => Library::new(self.state.partial()),
            false => self.library.clone(),
        };
        target.save(name, &cassette)?;
        if !put_aside && !self.adds && !merges {
            self.count_losses(&mut kept, name, &cassette)?;
        }
        kept.note(doubt.map(|doubt| self.told_of(name, &target, doubt)));
        kept.notes.extend(keep_binds(&self.bind, &target, name, &self.catalog)?);
        // What `auto` adds from AWS does not make it safe to send the rest there.
        if !(self.adds && was_there) || self.upstream.is_some() {
            // A hint may say where it was recorded from; without it, it says less.
            let _ = history::note_upstream(&self.state, name, self.upstream.as_deref());
        }
        let report = CassetteReport {
            path: Some(target.path(name)),
            put_aside,
            interactions: cassette.interactions.len(),
            ..nothing(name)
        };
        let numbers = calls.into_iter().zip(positions.into_iter().map(|position| position + 1));
        kept.report(name, report, numbers, self.adds);
        Ok(())
    }

    /// The cassette as it was before the run wrote it.
    fn former<'k>(&self, kept: &'k mut Kept, name: &Name) -> anyhow::Result<Option<&'k Former>> {
        if !kept.former.contains_key(name) {
            let former = Former::keep(&self.state, &self.library, name);
            let former = former.with_context(|| format!("cannot keep the former `{}`", self.library.path(name).display()))?;
            kept.former.insert(name.clone(), former);
        }
        Ok(kept.former.get(name).and_then(Option::as_ref))
    }

    /// Where what was recorded goes.
    fn placed(&self, kept: &mut Kept, name: &Name, new: Cassette, merges: bool) -> anyhow::Result<Placed> {
        let count = new.interactions.len();
        if self.adds && self.library.exists(name) {
            let cassette = added(&self.library, name, new)?;
            let all = cassette.interactions.len();
            let positions = (all - count..all).collect();
            return Ok(Placed { cassette, positions });
        }
        let former = match self.former(kept, name)? {
            Some(former) if merges => former.load()?,
            _ => {
                return Ok(Placed {
                    cassette: new,
                    positions: (0..count).collect(),
                });
            }
        };
        let (old_keys, new_keys) = (self.keys(&former)?, self.keys(&new)?);
        let Merged {
            cassette,
            positions,
            untouched,
        } = merged(former, new, &old_keys, &new_keys);
        let path = self.library.path(name);
        kept.stay.insert(name.clone(), stay(&path, untouched));
        Ok(Placed { cassette, positions })
    }

    /// What each interaction is found by.
    fn keys(&self, cassette: &Cassette) -> anyhow::Result<Vec<Key>> {
        let tape = indexed(cassette.clone(), &self.rules, &self.catalog)?;
        Ok(tape.tracks().iter().map(|track| track.key).collect())
    }

    /// Notes what of the former cassette is in the one that was written no more.
    fn count_losses(&self, kept: &mut Kept, name: &Name, written: &Cassette) -> anyhow::Result<()> {
        kept.lost.remove(name);
        let Some(former) = self.former(kept, name)? else { return Ok(()) };
        let old = former.load()?;
        if let Some(lost) = lost(&old, &self.keys(&old)?, &self.keys(written)?) {
            kept.lost.insert(name.clone(), lost);
        }
        Ok(())
    }

    /// What is to be said of a recording that may be less than it should.
    fn told_of(&self, name: &Name, target: &Library, doubt: Doubt) -> String {
        let (reason, path) = (doubt.reason(), self.library.path(name));
        if target.root() == self.library.root() {
            return format!("{reason}; `{}` holds what was recorded until then", path.display());
        }
        let command = adopt_command(&target.path(name), &path);
        let stays = match self.library.exists(name) {
            true => "stays as it was",
            false => "is not written",
        };
        format!(
            "{reason}, so `{}` {stays}; to take the new recording all the same: {command}",
            path.display()
        )
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
        let mut kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let replaced = told_losses(&self.library, &mut kept);
        let stay = kept.stay.into_values().flatten();
        summary.notes.extend(kept.notes.into_iter().chain(stay).chain(replaced).chain(idle));
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

impl Kept {
    /// What is said again and again is said once.
    fn note(&mut self, note: Option<String>) {
        self.notes.extend(note.filter(|note| !self.notes.contains(note)));
    }

    /// Notes what was written last of a cassette; what was put aside, only where nothing else was.
    fn report(&mut self, name: &Name, report: CassetteReport, calls: impl Iterator<Item = (u64, usize)>, adds: bool) {
        if report.put_aside && self.reports.get(name).is_some_and(|known| known.path.is_some()) {
            return;
        }
        let numbers = self.numbers.entry(name.clone()).or_default();
        if !adds {
            numbers.clear();
        }
        numbers.extend(calls);
        self.reports.insert(name.clone(), report);
    }
}

/// Says of each cassette that lost interactions which, and how to have them back; of others nothing need
/// be kept.
fn told_losses(library: &Library, kept: &mut Kept) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, former) in std::mem::take(&mut kept.former) {
        let Some(former) = former else { continue };
        let Some(lost) = kept.lost.get(&name) else {
            // It is a copy; where it cannot be removed, it does no harm.
            let _ = former.forget();
            continue;
        };
        let path = library.path(&name);
        notes.push(format!(
            "`{}` holds no more: {lost}; to have the former file back: {}",
            path.display(),
            adopt_command(former.path(), &path)
        ));
    }
    notes
}

/// What is said of a cassette that others record, too.
fn stay(path: &Path, untouched: usize) -> Option<String> {
    let (count, them) = match untouched {
        0 => return None,
        1 => ("1 interaction".to_owned(), "it"),
        many => (format!("{many} interactions"), "them"),
    };
    Some(format!(
        "`{}`: {count} of before, which this run did not make, stay; `ferrotape trim` removes what no replay plays of {them}",
        path.display()
    ))
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
