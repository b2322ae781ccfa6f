//! Cassettes that are being recorded: what must be known of each beforehand. Where each goes in the
//! end is `keeping`'s affair.

use super::keeping::Kept;
use super::matching::Binding;
use super::run::random_hexadecimal;
use super::tape::stamp;
use crate::cassette::journal::RunHeader;
use crate::cassette::store::{Library, Recording};
use crate::cassette::{Cassette, Name, Redaction, StateFolder};
use crate::inspect::Call;
use crate::matcher::Dependence;
use crate::model::catalog::Catalog;
use crate::proxy::event::Label;
use crate::proxy::playing::Remedy;
use crate::proxy::takes::{Cut, Desk, Prepared};
use crate::redaction::Redactor;
use crate::redaction::rules::Rule;
use crate::redaction::user::{self, UserRules};
use crate::settings::{self, AccountIds, CallRules};
use anyhow::{Context, bail};
use std::sync::{Arc, Mutex};

/// The cassettes of a recording.
pub struct Recordings {
    pub library: Library,
    pub catalog: Arc<Catalog>,
    /// Sensitive members that stay readable, `OPERATION:/path`.
    pub keep: Vec<String>,
    /// What the settings say of redaction.
    pub settled: settings::Redaction,
    /// Where recordings go that must not replace a cassette.
    pub state: StateFolder,
    /// Secrets of the run that nothing written may hold.
    pub secrets: Vec<String>,
    /// What is recorded goes behind what a cassette holds already, and does not replace it.
    pub adds: bool,
    /// Which calls are the same, beside what each cassette says.
    pub rules: CallRules,
    /// Exchanges that cannot be decoded are recorded too, `--undecodable record`.
    pub undecodable: bool,
    /// Rules that each cassette is to say, `--bind`.
    pub bind: Vec<Binding>,
    /// Where it is recorded from, if not from AWS, as far as a hint may say so.
    pub upstream: Option<String>,
    /// What was written.
    pub kept: Mutex<Kept>,
}

impl Desk for Recordings {
    fn has(&self, cassette: &Name) -> bool {
        self.library.exists(cassette)
    }

    fn names(&self) -> Vec<Name> {
        self.library.names().unwrap_or_default()
    }

    fn prepare(&self, name: &Name) -> Result<Prepared, String> {
        self.prepared(name).map_err(|error| format!("{error:#}"))
    }

    fn claim(&self, name: &Name) -> Result<Recording, String> {
        self.library.begin_recording(name).map_err(|error| error.to_string())
    }

    fn adds(&self) -> bool {
        self.adds
    }

    fn takes_undecodable(&self) -> bool {
        self.undecodable
    }

    fn left_out(&self, session: &Name, calls: &[u64]) {
        let plural = if calls.len() == 1 { "" } else { "s" };
        self.note(format!(
            "session `{session}` was started again: its cassette is without the {} call{plural} of before",
            calls.len()
        ));
        self.supersede(calls);
    }

    fn depends(&self, session: &Label, call: &Call, dependence: &Dependence, remedy: &Remedy) {
        let (service, operation) = (&call.service.sdk_id, &call.operation().name);
        let (session, anew) = (&session.session, &remedy.anew);
        self.note(format!(
            "session `{session}`: `{service} {operation}` went to AWS and names {dependence}; {anew}"
        ));
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    fn names_time(&self, places: &[String]) {
        for place in places {
            self.note_once(format!("`{place}` names the time of the call: a replay takes its own there"));
        }
    }

    fn write(&self, cut: Cut<'_>) -> Result<(), String> {
        self.keep(cut).map_err(|error| format!("{error:#}"))
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
            adds: self.adds,
        };
        let interactions = old.iter().flat_map(|cassette| cassette.interactions.iter());
        let mut redactor = Redactor::with_rules(&header.cassette.redaction, &mut interactions.into_iter())?.with_memory();
        if header.adds {
            // Other accounts than those of the cassette get other numbers.
            redactor.reserve_accounts(old.iter().flat_map(|cassette| cassette.interactions.iter()));
        }
        redactor.never_write(self.secrets.iter().cloned());
        Ok(Prepared { header, redactor, right })
    }

    /// What is settled of redaction, with what is typed.
    pub fn redaction(&self) -> settings::Redaction {
        let mut redaction = self.settled.clone();
        redaction.keep.extend(self.keep.iter().filter_map(|keep| keep.parse().ok()));
        redaction
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
        add_new(&mut user, user::texts(&self.settled)?);
        let rules = UserRules::read(&user)?;
        let ids = Rule::ALL.iter().map(|rule| rule.id()).chain(rules.ids());
        Ok(Cassette {
            models: self.catalog.services().iter().map(|service| stamp(service)).collect(),
            redaction: Redaction {
                salt,
                rules: ids.map(str::to_owned).collect(),
                keep,
                keeps_accounts: self.settled.accounts == AccountIds::Keep || before.is_some_and(|before| before.keeps_accounts),
                plain: before.map(|before| before.plain.clone()).unwrap_or_default(),
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
