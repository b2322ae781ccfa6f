//! What runs that died left behind: their journals become cassettes when the next run starts. Nothing
//! here stops that run, and nothing is recovered twice.

use super::keeping::added;
use super::tape::{adopt_command, finish, made};
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
    /// How many interactions the journal has of it.
    in_journal: usize,
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
        for recorded in recorded {
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
                    "not all of the journal `{folder}` can be recovered: {}; the rest is, and the journal was moved to `{}`",
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
        let save = Save::new(of.takes.clone(), of.in_journal, library.path(name));
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

/// What a run wrote.
#[derive(Default)]
struct Written {
    /// With their numbers.
    entries: Vec<(u64, Entry)>,
    /// The calls whose interactions go into no cassette.
    refused: BTreeSet<u64>,
    /// What cannot be recovered, for people.
    problems: Vec<String>,
}

impl Written {
    fn of(run: &SealedRun) -> Written {
        let mut written = Written::default();
        for (number, record) in run.numbered() {
            let record = record.map_err(|error| error.to_string());
            match record.and_then(|record| Entry::read(&record)) {
                Ok(Entry::Refused { call }) => drop(written.refused.insert(call)),
                Ok(entry) => written.entries.push((number, entry)),
                Err(why) => written.problems.push(format!("entry {number}: {why}")),
            }
        }
        let why = "holds what turned out to be a secret, and cannot be written without it";
        let refused = written.refused.iter().map(|call| format!("the interaction of call {call} {why}"));
        written.problems.extend(refused);
        written
    }

    /// The interactions of these takes.
    fn of_takes(&self, takes: &BTreeSet<u32>) -> impl Iterator<Item = &(u64, Entry)> {
        let is_of_it = |(_, entry): &&(u64, Entry)| entry.recorded_by().is_some_and(|take| takes.contains(&take));
        self.entries.iter().filter(is_of_it)
    }

    /// The takes of which all that was recorded is in a cassette.
    fn saved_already(&self, run: &SealedRun) -> HashSet<u32> {
        let saves = run.saves().all().into_iter();
        let in_place = saves.filter(|save| self.of_takes(&save.takes).count() == save.interactions && save.is_in_place());
        in_place.flat_map(|save| save.takes).collect()
    }
}

/// The cassettes that are to be recovered of a run, its own first, and what of it cannot be read. Those
/// without an interaction are left out, and those that were saved already.
fn cassettes_of(run: &SealedRun) -> (Vec<Recorded>, Vec<String>) {
    let written = Written::of(run);
    let mut headers = BTreeMap::from([(0, &run.header)]);
    let mut settled = written.saved_already(run);
    for (_, entry) in &written.entries {
        match entry {
            Entry::Header { take, header } => drop(headers.insert(*take, header.as_ref())),
            Entry::Settled { take } => drop(settled.insert(*take)),
            Entry::Interaction { .. } | Entry::Refused { .. } => {}
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
    let recorded_by = written.entries.iter().filter_map(|(_, entry)| entry.recorded_by());
    let lost: BTreeSet<u32> = recorded_by.filter(is_lost).collect();
    let recorded = cassettes.into_iter().map(|(header, takes)| {
        let kept = written.of_takes(&takes).filter(|(number, _)| !written.refused.contains(number));
        Recorded {
            header: header.clone(),
            cassette: made(header, kept.map(|(_, entry)| entry.clone())),
            in_journal: written.of_takes(&takes).count(),
            takes,
        }
    });
    let recorded = recorded.filter(|recorded| !recorded.cassette.interactions.is_empty()).collect();
    let mut problems = written.problems;
    problems.extend(lost.iter().map(|take| format!("nothing tells what the recording {take} is")));
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
