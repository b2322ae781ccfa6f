//! What runs that died left behind: their journals become cassettes when the next run starts. Nothing
//! here stops that run, and nothing is recovered twice.

use super::keeping::added;
use super::tape::{adopt_command, finish, made, settle_recovered};
use crate::cassette::former::Former;
use crate::cassette::journal::{self, RunHeader, Save, SealedRun};
use crate::cassette::store::{Library, StoreError};
use crate::cassette::{Cassette, Name, StateFolder};
use crate::model::catalog::Catalog;
use crate::proxy::takes::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Turns what earlier runs left behind into cassettes; gives what is to be said of it.
pub fn recover(state: &StateFolder, library: &Library, catalog: &Catalog) -> anyhow::Result<Vec<String>> {
    let recovery = journal::recover(state)?;
    let mut notes: Vec<String> = recovery.unread.iter().map(ToString::to_string).collect();
    for (error, place) in recovery.damaged {
        let place = place.display();
        notes.push(format!(
            "{error}, so its recording cannot be recovered; it was moved to `{place}`, remove that when you no longer need it"
        ));
    }
    let place = Place {
        library,
        rescue: Library::new(state.path().join("recovered")),
        aside: Library::new(state.partial()),
        catalog,
    };
    for run in recovery.runs {
        notes.extend(place.recover(run, state));
    }
    Ok(notes)
}

/// A cassette that a run recorded.
struct Recorded {
    /// What was known of it beforehand.
    header: RunHeader,
    /// The numbers of its takes.
    takes: BTreeSet<u32>,
    /// What was recorded.
    cassette: Cassette,
}

/// Where recovered cassettes go.
struct Place<'a> {
    library: &'a Library,
    /// Where they go if the library cannot take them.
    rescue: Library,
    /// Where they go if a run that fails leaves them out.
    aside: Library,
    catalog: &'a Catalog,
}

impl Place<'_> {
    fn recover(&self, run: SealedRun, state: &StateFolder) -> Vec<String> {
        let (recorded, problems) = cassettes_of(&run);
        let mut notes = Vec::new();
        let mut is_all_saved = true;
        for mut recorded in recorded {
            notes.extend(settle_recovered(&mut recorded.cassette, self.catalog));
            let name = recorded.header.name.clone();
            match self.recover_one(recorded, &run) {
                Ok(note) => notes.push(note),
                Err(error) => {
                    is_all_saved = false;
                    let journal = run.folder().display();
                    notes.push(format!(
                        "{error:#}; the recording of `{name}` stays in `{journal}`, and the next `ferrotape record` tries again"
                    ));
                }
            }
        }
        notes.extend(former_files(&run));
        let folder = run.folder().display().to_string();
        match problems.is_empty() {
            _ if !is_all_saved => {}
            true => notes.extend(run.remove().err().map(|error| error.to_string())),
            false => notes.push(match run.set_aside(state) {
                Ok(place) => format!(
                    "the journal `{folder}` is damaged: {}; the rest is recovered, and the journal was moved to `{}`",
                    problems.join(", "),
                    place.display()
                ),
                Err(error) => error.to_string(),
            }),
        }
        notes
    }

    /// Saves a cassette where it belongs, else where nothing is in its way.
    fn recover_one(&self, recorded: Recorded, run: &SealedRun) -> anyhow::Result<String> {
        if recorded.header.adds {
            return self.recover_aside(recorded, run);
        }
        let (header, what) = (&recorded.header, recorded.told());
        let own_path = self.library.path(&header.name);
        let name = free_name(self.library, &header.name)?;
        let (path, why) = match self.save(self.library, &name, &recorded, recorded.cassette.clone(), run) {
            Ok(()) => (self.library.path(&name), None),
            Err(error) => {
                let name = free_name(&self.rescue, &header.name)?;
                // Where this fails too, the first reason is the one to mend.
                match self.save(&self.rescue, &name, &recorded, recorded.cassette.clone(), run) {
                    Ok(()) => (self.rescue.path(&name), Some(error)),
                    Err(_) => return Err(error.into()),
                }
            }
        };
        let mut note = format!("{what}, as `{}`", path.display());
        let command = adopt_command(&path, &own_path);
        if let Some(why) = why {
            note.push_str(&format!(", because of this: {why}; to put it where it belongs: {command}"));
        } else if path != own_path {
            note.push_str(&format!("; to put it in the place of the older one: {command}"));
        }
        Ok(note)
    }

    /// What was to go behind a cassette, of a run that died: with the rest of it, aside. A run that fails
    /// adds nothing either.
    fn recover_aside(&self, recorded: Recorded, run: &SealedRun) -> anyhow::Result<String> {
        let (name, what) = (&recorded.header.name, recorded.told());
        // One that cannot be read is left as it is; what was recorded is alone then.
        let whole = added(self.library, name, recorded.cassette.clone()).ok();
        let is_whole = whole.is_some() || !self.library.exists(name);
        let free = free_name(&self.aside, name)?;
        let cassette = whole.unwrap_or_else(|| recorded.cassette.clone());
        self.save(&self.aside, &free, &recorded, cassette, run)?;
        let (aside, path) = (self.aside.path(&free), self.library.path(name));
        let (aside_shown, shown) = (aside.display(), path.display());
        Ok(match is_whole {
            true => format!(
                "{what}: `{shown}` stays as it was, `{aside_shown}` has what was recorded behind it; to take that one: {}",
                adopt_command(&aside, &path)
            ),
            false => format!("{what}: `{shown}` cannot be read and stays as it is, `{aside_shown}` has what was recorded"),
        })
    }

    /// Saves a cassette, and notes it in the journal of its run: one that dies in between is not recovered
    /// twice.
    fn save(&self, library: &Library, name: &Name, of: &Recorded, mut cassette: Cassette, run: &SealedRun) -> Result<(), StoreError> {
        finish(&mut cassette, self.catalog);
        let save = Save::new(of.takes.clone(), of.cassette.interactions.len(), library.path(name));
        save.during(&run.saves(), |announce| library.save_announced(name, &cassette, announce))
    }
}

impl Recorded {
    fn told(&self) -> String {
        let count = self.cassette.interactions.len();
        let plural = if count == 1 { "" } else { "s" };
        let run = if self.header.adds { "an `auto` run" } else { "a recording" };
        format!("recovered {count} interaction{plural} of {run} that was cut short")
    }
}

/// The cassettes that are to be recovered of a run, its own first, and what of it cannot be read. Those
/// without an interaction are left out, and those that were saved already.
fn cassettes_of(run: &SealedRun) -> (Vec<Recorded>, Vec<String>) {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (number, record) in run.numbered() {
        match Entry::read(record) {
            Ok(entry) => entries.push(entry),
            Err(why) => problems.push(format!("entry {number}: {why}")),
        }
    }
    let mut headers = BTreeMap::from([(0, &run.header)]);
    let mut settled = saved_already(run, &entries);
    for entry in &entries {
        match entry {
            Entry::Header { take, header } => drop(headers.insert(*take, header.as_ref())),
            Entry::Settled { take } => drop(settled.insert(*take)),
            Entry::Interaction { .. } => {}
        }
    }
    let mut cassettes: Vec<(&RunHeader, BTreeSet<u32>)> = Vec::new();
    for (take, header) in headers.iter().filter(|(take, _)| !settled.contains(take)) {
        match cassettes.iter_mut().find(|(known, _)| known.name == header.name) {
            Some((_, takes)) => drop(takes.insert(*take)),
            None => cassettes.push((header, BTreeSet::from([*take]))),
        }
    }
    let is_lost = |take: &u32| !headers.contains_key(take) && !settled.contains(take);
    let lost: BTreeSet<u32> = entries.iter().filter_map(Entry::recorded_by).filter(is_lost).collect();
    problems.extend(lost.iter().map(|take| format!("nothing tells what the recording {take} is")));
    let recorded = cassettes.into_iter().map(|(header, takes)| {
        let is_of_it = |entry: &&Entry| entry.recorded_by().is_some_and(|take| takes.contains(&take));
        let cassette = made(header, entries.iter().filter(is_of_it).cloned());
        Recorded {
            header: header.clone(),
            takes,
            cassette,
        }
    });
    let recorded = recorded.filter(|recorded| !recorded.cassette.interactions.is_empty()).collect();
    (recorded, problems)
}

/// What is to be said of the files that the run kept, because it replaced them; those that it died too
/// early to replace are removed.
fn former_files(run: &SealedRun) -> Vec<String> {
    let saves = run.saves().all().into_iter();
    let kept = saves.filter_map(|save| Some((Former::left_at(save.former?)?, save.file)));
    let told = kept.filter_map(|(former, file)| {
        if former.is_same(&file) {
            // It is a copy; where it cannot be removed, it does no harm.
            let _ = former.forget();
            return None;
        }
        Some(format!(
            "a recording that was cut short replaced `{}`; to have the former file back: {}",
            file.display(),
            adopt_command(former.path(), &file)
        ))
    });
    told.collect()
}

/// The takes of which all that was recorded is in a cassette.
fn saved_already(run: &SealedRun, entries: &[Entry]) -> HashSet<u32> {
    let count = |takes: &BTreeSet<u32>| {
        let of_these = |entry: &&Entry| entry.recorded_by().is_some_and(|take| takes.contains(&take));
        entries.iter().filter(of_these).count()
    };
    let saves = run.saves().all().into_iter();
    let in_place = saves.filter(|save| count(&save.takes) == save.interactions && save.is_in_place());
    in_place.flat_map(|save| save.takes).collect()
}

/// `NAME` where there is none yet, else `NAME.recovered`, `NAME.recovered-2`, …: what an earlier
/// recovery saved is not overwritten.
fn free_name(library: &Library, name: &Name) -> anyhow::Result<Name> {
    let mut free = name.clone();
    for attempt in 1.. {
        if !library.exists(&free) {
            break;
        }
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        free = name.with_ending(&format!(".recovered{suffix}"))?;
    }
    Ok(free)
}
