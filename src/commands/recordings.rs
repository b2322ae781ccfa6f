//! Cassettes that are being recorded: what must be known of each beforehand, and where it goes when
//! the run has ended.

use super::run::random_hexadecimal;
use super::tape::{Recorded, adopt_command, cassettes_of, stamp};
use crate::cassette::journal::{RunHeader, SealedRun};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Name, Redaction, StateFolder};
use crate::exit::Exit;
use crate::model::catalog::Catalog;
use crate::proxy::takes::{Desk, Prepared, Take, Takes};
use crate::redaction::Redactor;
use crate::redaction::rules::Rule;
use crate::redaction::user::{self, UserRules};
use crate::report::{CallReport, CassetteReport, Outcome};
use crate::settings;
use anyhow::{Context, bail};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The cassettes of a recording.
pub struct Recordings {
    pub library: Library,
    pub catalog: Arc<Catalog>,
    /// Sensitive members that stay readable, `OPERATION:/path`.
    pub keep: Vec<String>,
    /// What the settings say of redaction.
    pub settled: settings::Redaction,
    /// Secrets of the run that nothing written may hold.
    pub secrets: Vec<String>,
    /// What is recorded goes behind what a cassette holds already, and does not replace it.
    pub adds: bool,
}

impl Desk for Recordings {
    fn has(&self, cassette: &Name) -> bool {
        self.library.exists(cassette)
    }

    fn prepare(&self, name: &Name) -> Result<Prepared, String> {
        self.prepared(name).map_err(|error| format!("{error:#}"))
    }
}

impl Recordings {
    /// What is needed to record a cassette, anew or again.
    pub fn prepared(&self, name: &Name) -> anyhow::Result<Prepared> {
        let right = self.library.begin_recording(name)?;
        let old = if self.library.exists(name) {
            let old = self.library.load(name);
            Some(old.context("the cassette that is to be recorded again cannot be read; move it away to start anew")?)
        } else {
            None
        };
        let header = RunHeader {
            name: name.clone(),
            cassette: self.heading(old.as_ref())?,
            adds: self.adds && old.is_some(),
        };
        let interactions = old.iter().flat_map(|cassette| cassette.interactions.iter());
        let mut redactor = Redactor::with_rules(&header.cassette.redaction, &mut interactions.into_iter())?;
        redactor.never_write(self.secrets.iter().cloned());
        Ok(Prepared {
            header,
            redactor,
            replaces: old.is_some(),
            right,
        })
    }

    /// The cassette as it will be, without interactions.
    fn heading(&self, old: Option<&Cassette>) -> anyhow::Result<Cassette> {
        // The salt stays, so that recording the same calls again changes nothing.
        let salt = match old.map(|cassette| cassette.redaction.salt.clone()).filter(|salt| !salt.is_empty()) {
            Some(salt) => salt,
            None => random_hexadecimal::<32>()?,
        };
        // What a cassette settled for itself goes on holding for what is added to it.
        let before = old.filter(|_| self.adds).map(|old| &old.redaction);
        let settled = self.settled.keep.iter().map(ToString::to_string);
        let mut keep: Vec<String> = before.map(|before| before.keep.clone()).unwrap_or_default();
        let mut user: Vec<String> = before.map(|before| before.user.clone()).unwrap_or_default();
        add_new(&mut keep, self.keep.iter().cloned().chain(settled));
        add_new(&mut user, user::texts(&self.settled));
        let rules = UserRules::read(&user)?;
        let ids = Rule::ALL.iter().map(|rule| rule.id()).chain(rules.ids());
        Ok(Cassette {
            models: self.catalog.services().iter().map(|service| stamp(service)).collect(),
            redaction: Redaction {
                salt,
                rules: ids.map(str::to_owned).collect(),
                keep,
                user,
            },
            rules: old.map(|cassette| cassette.rules.clone()).unwrap_or_default(),
            unknown: old.map(|cassette| cassette.unknown.clone()).unwrap_or_default(),
            ..Cassette::default()
        })
    }
}

fn add_new(known: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for one in more {
        if !known.contains(&one) {
            known.push(one);
        }
    }
}

/// A `--keep` that would keep nothing is a mistake.
pub fn refuse_bad_keeps(keeps: &[String]) -> anyhow::Result<()> {
    for keep in keeps {
        let well = keep
            .split_once(':')
            .is_some_and(|(operation, path)| !operation.is_empty() && path.starts_with('/'));
        if !well {
            bail!("`--keep {keep}` is not of the form `OPERATION:/path`, as in `--keep CreateServiceInstance:/spec`");
        }
    }
    Ok(())
}

/// Interactions are numbered as they lie in their cassettes: in order of arrival, behind those that
/// a cassette held before where it is added to.
pub fn number_interactions(calls: &mut [CallReport], before: &HashMap<String, usize>) {
    let mut counts = before.clone();
    for call in calls.iter_mut().filter(|call| call.outcome == Outcome::Recorded) {
        let count = counts.entry(call.cassette.clone()).or_default();
        *count += 1;
        call.interaction = Some(*count);
    }
}

/// A recording whose command has ended.
pub struct Sealed {
    pub run: SealedRun,
    pub takes: Vec<Arc<Take>>,
    /// How the command ended.
    pub child: Exit,
}

/// Ends the journal. Where the command could not even be run, nothing is kept of nothing.
pub fn seal<D: Desk>(takes: Takes<D>, served: anyhow::Result<Exit>) -> anyhow::Result<Sealed> {
    let (journal, takes) = takes.into_parts();
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
    Ok(Sealed { run, takes, child })
}

/// Where the cassettes of a run go.
pub struct Keeping<'a> {
    pub library: &'a Library,
    pub state: &'a StateFolder,
    pub catalog: &'a Catalog,
    /// How the command ended.
    pub child: Exit,
}

impl Keeping<'_> {
    /// Puts each recording where it belongs, and removes the journal.
    pub fn keep(&self, run: SealedRun, takes: &[Arc<Take>], notes: &mut Vec<String>) -> anyhow::Result<Vec<CassetteReport>> {
        let recorded = cassettes_of(&run, self.catalog)?;
        let mut reports = Vec::new();
        for take in takes {
            let name = &take.header.name;
            let Some(Recorded { cassette, .. }) = recorded.iter().find(|recorded| recorded.header.name == *name) else {
                if take.replaces && !take.header.adds {
                    let path = self.library.path(name);
                    notes.push(format!("nothing was recorded; `{}` stays as it is", path.display()));
                }
                reports.push(nothing(name));
                continue;
            };
            let report = match take.header.adds {
                true => self.add(name, cassette, run.folder()),
                false => self.place(name, cassette, take.replaces, run.folder(), notes),
            };
            reports.push(report?);
        }
        run.remove()?;
        reports.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(reports)
    }

    fn place(
        &self,
        name: &Name,
        cassette: &Cassette,
        replaces: bool,
        journal: &Path,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<CassetteReport> {
        let partial = Library::new(self.state.partial());
        let put_aside = replaces && self.child != Exit::Clean;
        let target = if put_aside { &partial } else { self.library };
        save(target, name, cassette, journal)?;
        let path = self.library.path(name);
        if put_aside {
            let command = adopt_command(&partial.path(name), &path);
            notes.push(format!(
                "the command failed, so `{}` stays as it was; to take the new recording all the same: {command}",
                path.display()
            ));
        } else if self.child != Exit::Clean {
            notes.push(format!(
                "the command failed; `{}` holds what was recorded until then",
                path.display()
            ));
        }
        Ok(CassetteReport {
            path: Some(target.path(name)),
            put_aside,
            interactions: cassette.interactions.len(),
            ..nothing(name)
        })
    }

    /// Nothing that was there is lost, so it does not matter how the command ended.
    fn add(&self, name: &Name, new: &Cassette, journal: &Path) -> anyhow::Result<CassetteReport> {
        let whole = added(self.library, name, new)?;
        save(self.library, name, &whole, journal)?;
        Ok(CassetteReport {
            path: Some(self.library.path(name)),
            interactions: whole.interactions.len(),
            ..nothing(name)
        })
    }
}

/// The cassette of that name with new interactions behind its own.
pub fn added(library: &Library, name: &Name, new: &Cassette) -> anyhow::Result<Cassette> {
    let mut whole = library.load(name)?;
    for (service, stamp) in &new.models {
        if !whole.models.iter().any(|(known, _)| known == service) {
            whole.models.push((service.clone(), stamp.clone()));
        }
    }
    for rule in &new.redaction.rules {
        if !whole.redaction.rules.contains(rule) {
            whole.redaction.rules.push(rule.clone());
        }
    }
    if whole.redaction.salt.is_empty() {
        whole.redaction.salt.clone_from(&new.redaction.salt);
    }
    // Never lied about: what holds anything made up is not recorded.
    if whole.origin == crate::cassette::Origin::Recorded {
        whole.origin = new.origin;
    }
    whole.interactions.extend(new.interactions.iter().cloned());
    Ok(whole)
}

fn save(library: &Library, name: &Name, cassette: &Cassette, journal: &Path) -> anyhow::Result<()> {
    library.save(name, cassette).with_context(|| {
        format!(
            "the recording stays in `{}`, and the next `ferrotape record` recovers it",
            journal.display()
        )
    })
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
