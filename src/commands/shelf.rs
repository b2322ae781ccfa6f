//! The cassettes that a run plays, and what is told of them at its end.

use super::ledger::{conforming, error_code};
use crate::cassette::Name;
use crate::cassette::store::Library;
use crate::inspect::inspect_recorded;
use crate::matcher::{Tape, Track};
use crate::model::catalog::Catalog;
use crate::proxy::event::Label;
use crate::proxy::playing::{Playing, Shelf};
use crate::proxy::sessions::Session;
use crate::redaction::Redactor;
use crate::report::{CallReport, CassetteReport, Outcome, SideReport, Unplayed, record_command};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cassettes that sessions name, each read when it is first asked for.
pub struct Cassettes {
    pub library: Library,
    pub catalog: Arc<Catalog>,
    /// The command under test, for hints.
    pub command: Vec<String>,
}

impl Shelf for Cassettes {
    fn has(&self, cassette: &Name) -> bool {
        self.library.exists(cassette)
    }

    fn tape(&self, name: &Name) -> Result<Tape, String> {
        let cassette = self.library.load(name).map_err(|error| error.to_string())?;
        let redactor = Redactor::with_rules(&cassette.redaction, &mut cassette.interactions.iter()).map_err(|error| error.to_string())?;
        let tape = Tape::new(cassette, redactor, |interaction| inspect_recorded(&self.catalog, interaction));
        for (position, lint) in tape.lints() {
            let path = self.library.path(name);
            eprintln!("ferrotape: `{}`: interaction #{}: {lint}", path.display(), position + 1);
        }
        Ok(tape)
    }

    fn record_command(&self, cassette: &Name) -> String {
        record_command(cassette.as_str(), &self.command)
    }
}

/// The cassettes of the sessions, by name. An interaction is unplayed where no session played it.
/// The run's own cassette tells nothing where nobody asked for it and other sessions took its place.
pub fn played_cassettes(library: &Library, sessions: &[Arc<Session<Playing>>], own_was_named: bool) -> Vec<CassetteReport> {
    let mut by_name: BTreeMap<&str, Vec<&Session<Playing>>> = BTreeMap::new();
    for session in sessions {
        let idle = session.tally.calls() == 0 && !session.started;
        if !idle || own_was_named || sessions.len() == 1 {
            by_name.entry(&session.label.cassette).or_default().push(session);
        }
    }
    let report = |(name, sessions): (&str, Vec<&Session<Playing>>)| {
        let mut unplayed = sessions.first().map(|session| session.part.unplayed()).unwrap_or_default();
        for session in sessions.iter().skip(1) {
            unplayed.retain(|unplayed| session.part.positions.plays(unplayed.position) == 0);
        }
        let unplayed = unplayed.into_iter().map(|unplayed| Unplayed {
            interaction: unplayed.position + 1,
            service: unplayed.service,
            operation: unplayed.operation,
        });
        CassetteReport {
            name: name.to_owned(),
            path: Name::parse(name).ok().map(|name| library.path(&name)),
            put_aside: false,
            interactions: sessions.first().map_or(0, |session| session.part.playable.tape.tracks().len()),
            unplayed: unplayed.collect(),
        }
    };
    by_name.into_iter().map(report).collect()
}

/// What a clean play of an interaction says in a report.
pub fn describe(catalog: &Catalog, label: &Label, position: usize, track: &Track) -> CallReport {
    let finding = inspect_recorded(catalog, &track.interaction);
    let response = finding.response;
    let request = match track.call {
        Some(_) => Some(conforming()),
        None => finding.request.as_ref().map(SideReport::from),
    };
    CallReport {
        number: 0,
        service: track.interaction.service.clone(),
        operation: track.interaction.operation.clone(),
        region: track.interaction.region.clone(),
        cassette: label.cassette.to_string(),
        session: label.has_own_name().then(|| label.session.to_string()),
        interaction: Some(position + 1),
        status: Some(track.interaction.response.status().as_u16()),
        error: response.as_ref().and_then(error_code),
        outcome: Outcome::Played,
        differences: Vec::new(),
        request,
        response: response.as_ref().map(SideReport::from),
        message: None,
    }
}
