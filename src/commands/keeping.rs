//! Where recordings go: each cassette when its last session has ended, what is left when the run has
//! (`sealing`).

use super::matching::{indexed, keep_binds};
use super::merging::{Merged, lost, merged};
use super::reckoning::Written;
use super::recordings::Recordings;
use super::tape::{adopt_command, finish, made, settle};
use crate::cassette::former::Former;
use crate::cassette::journal::{Save, Saves};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Name, Origin, history};
use crate::matcher::idle::{Scope, idle_redaction};
use crate::matcher::key::Key;
use crate::proxy::takes::{Cut, Doubt, Entry};
use crate::redaction::Leak;
use crate::report::{CassetteReport, Summary};
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

/// What a run wrote.
#[derive(Default)]
pub struct Kept {
    /// The last of each cassette.
    pub(super) reports: BTreeMap<Name, CassetteReport>,
    pub(super) written: Written,
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

impl Recordings {
    /// Writes a cassette: behind what is there, beside it, or in its place. What is there stays where
    /// what was recorded may be less.
    pub(super) fn keep(&self, cut: Cut<'_>) -> anyhow::Result<()> {
        let Cut {
            header,
            redactor,
            entries,
            doubt,
            merges,
            saves,
        } = cut;
        let name = &header.name;
        let is_call = |(_, entry): &&(u64, Entry)| entry.recorded_by().is_some();
        let calls: Vec<u64> = entries.iter().filter(is_call).map(|(call, _)| *call).collect();
        let takes: BTreeSet<u32> = entries.iter().filter_map(|(_, entry)| entry.recorded_by()).collect();
        if calls.is_empty() && (doubt.is_some() || (self.adds && self.library.exists(name))) {
            self.nothing_recorded(name);
            return Ok(());
        }
        let mut kept = self.kept();
        let mut new = made(header, entries.into_iter().map(|(_, entry)| entry));
        let settlement = settle(&mut new, redactor, &self.catalog);
        kept.notes.extend(settlement.notes);
        let written = kept.leave_out(name, &mut new, &calls, settlement.refused);
        let count = new.interactions.len();
        let was_there = match self.adds {
            true => self.library.exists(name),
            false => self.former(&mut kept, name, &saves)?.is_some(),
        };
        let put_aside = match doubt {
            None => false,
            Some(Doubt::NotToBeKept) => true,
            Some(_) => was_there || self.adds,
        };
        let Placed { mut cassette, positions } = self.placed(&mut kept, name, new, merges)?;
        if cassette.interactions.len() > count {
            // What was there before may hold what is known now.
            let refused = settle(&mut cassette, redactor, &self.catalog).refused;
            kept.notes
                .extend(refused.iter().map(|(position, leak)| told_of_older(name, *position, leak)));
        }
        finish(&mut cassette, &self.catalog);
        let target = match put_aside {
            true => Library::new(self.state.partial()),
            false => self.library.clone(),
        };
        let save = Save::new(takes, calls.len(), target.path(name));
        save.during(&saves, |announce| target.save_announced(name, &cassette, announce))?;
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
        let numbers = written.into_iter().zip(positions.into_iter().map(|position| position + 1));
        kept.report(name, report, numbers, self.adds);
        Ok(())
    }

    /// The cassette as it was before the run wrote it. It is kept until the end of the run; should the run
    /// die before, the next one finds it by these notes.
    fn former<'k>(&self, kept: &'k mut Kept, name: &Name, saves: &Saves) -> anyhow::Result<Option<&'k Former>> {
        if !kept.former.contains_key(name) {
            let path = self.library.path(name);
            let former = Former::keep(&self.state, &self.library, name);
            let former = former.with_context(|| format!("cannot keep the former `{}`", path.display()))?;
            if let Some(former) = &former {
                // A copy that nothing tells of does no harm.
                let _ = saves.add(&Save::of_former(former.path().to_owned(), path));
            }
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
        let former = match kept.former_of(name) {
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
        let Some(former) = kept.former_of(name) else { return Ok(()) };
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

    /// The same of what may happen again and again.
    pub(super) fn note_once(&self, note: String) {
        self.kept().note(Some(note));
    }

    pub(super) fn nothing_recorded(&self, name: &Name) {
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
    pub(super) fn tell(self, summary: &mut Summary) {
        // The services that were called are loaded by now.
        let idle = idle_redaction(&self.redaction(), &self.catalog, Scope::Shared);
        let mut kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let replaced = told_losses(&self.library, &mut kept);
        let stay = kept.stay.into_values().flatten();
        kept.notes.extend(told_alike(&self.library, &kept.reports));
        summary.notes.extend(kept.notes.into_iter().chain(stay).chain(replaced).chain(idle));
        summary.cassettes = kept.reports.into_values().collect();
        if summary.cassettes.len() > 1 {
            // The sessions of the run have taken the place of its own.
            summary.cassettes.retain(|report| report.path.is_some());
        }
        kept.written.reckon(summary);
    }

    /// These calls count no more, because their session was started again.
    pub(super) fn supersede(&self, calls: &[u64]) {
        self.kept().written.superseded.extend(calls);
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The cassette as it was before the run wrote it, where there was one.
    fn former_of(&self, name: &Name) -> Option<&Former> {
        self.former.get(name).and_then(Option::as_ref)
    }

    /// Takes out the interactions that would show a secret; gives the calls of the others. They stay in
    /// the journal, which is set aside for them.
    fn leave_out(&mut self, name: &Name, new: &mut Cassette, calls: &[u64], refused: Vec<(usize, Leak)>) -> Vec<u64> {
        let mut written = calls.to_vec();
        for (position, leak) in refused.into_iter().rev() {
            new.interactions.remove(position);
            let call = written.remove(position);
            self.note(Some(format!("the interaction of call {call} is left out of `{name}`: {leak}")));
            self.written.left_out.insert(call, leak.to_string());
        }
        written
    }

    /// What is said again and again is said once.
    fn note(&mut self, note: Option<String>) {
        self.notes.extend(note.filter(|note| !self.notes.contains(note)));
    }

    /// Notes what was written last of a cassette; what was put aside, only where nothing else was.
    fn report(&mut self, name: &Name, report: CassetteReport, calls: impl Iterator<Item = (u64, usize)>, adds: bool) {
        if report.put_aside && self.reports.get(name).is_some_and(|known| known.path.is_some()) {
            self.written.aside.extend(calls.map(|(call, _)| call));
            return;
        }
        let numbers = self.written.numbers.entry(name.clone()).or_default();
        if !adds {
            numbers.clear();
        }
        numbers.extend(calls);
        self.reports.insert(name.clone(), report);
    }
}

/// Warns of cassettes that this run wrote, and that are one file elsewhere.
fn told_alike(library: &Library, written: &BTreeMap<Name, CassetteReport>) -> Vec<String> {
    let is_written = |names: &Vec<Name>| {
        names
            .iter()
            .any(|name| written.get(name).is_some_and(|report| report.path.is_some()))
    };
    let told = |names: Vec<Name>| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "the cassettes {} differ only by case; where a file system ignores case they are one file, so rename one",
            names.join(" and ")
        )
    };
    library.alike().into_iter().filter(is_written).map(told).collect()
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

/// What is said of an interaction of before that stays as it is.
fn told_of_older(name: &Name, position: usize, leak: &Leak) -> String {
    let number = position + 1;
    format!(
        "interaction {number} of `{name}`, which this run did not make, may hold what turned out to be a secret: {leak}; record it again"
    )
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

pub(super) fn nothing(name: &Name) -> CassetteReport {
    CassetteReport {
        name: name.to_string(),
        path: None,
        put_aside: false,
        interactions: 0,
        unplayed: Vec::new(),
    }
}
