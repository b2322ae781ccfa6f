//! The cassettes that a run plays, and what is told of them at its end.

use super::ledger::{Ledger, conforming, error_code};
use super::matching::{MatchArguments, edited};
use super::run::{RunArguments, is_ci};
use super::typed::Hints;
use crate::cassette::history::{self, History};
use crate::cassette::store::Library;
use crate::cassette::suite::Suite;
use crate::cassette::{Name, StateFolder};
use crate::child::environment::of_this_process;
use crate::inspect::inspect_recorded;
use crate::matcher::key::Key;
use crate::matcher::{Tape, Track};
use crate::model::catalog::Catalog;
use crate::proxy::event::{Label, Observer as _};
use crate::proxy::playing::{Playing, Remedy, Shelf};
use crate::proxy::sessions::Session;
use crate::report::{CallReport, CassetteReport, Outcome, SideReport, Unplayed};
use crate::settings::CallRules;
use crate::terminal;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The cassettes that sessions name, each read when it is first asked for.
pub struct Cassettes {
    library: Library,
    catalog: Arc<Catalog>,
    matching: MatchArguments,
    /// On which calls are the same, beside those of a cassette.
    rules: CallRules,
    ledger: Arc<Ledger>,
    /// The run's own cassette, as far as it was typed.
    own: Option<Name>,
    /// Where the run sends its calls, if not to AWS.
    upstream: Option<String>,
    hints: Hints,
}

impl Cassettes {
    /// The cassettes of a run. `unmodelled`: it plays what no model knows, too.
    pub fn new(
        run: &RunArguments,
        catalog: Arc<Catalog>,
        matching: &MatchArguments,
        ledger: Arc<Ledger>,
        upstream: Option<&http::Uri>,
        unmodelled: bool,
    ) -> Cassettes {
        Cassettes {
            library: Library::new(run.cassettes.clone()),
            catalog,
            rules: matching.rules(run),
            matching: matching.clone(),
            ledger,
            own: run.cassette.clone(),
            upstream: upstream.and_then(shown_upstream),
            hints: Hints::new(run, unmodelled, is_ci(&of_this_process())),
        }
    }
}

/// Whether a run that plays has a cassette of its own: without `-c`, and with other cassettes there,
/// sessions will name theirs.
pub fn has_own(run: &RunArguments, library: &Library, name: &Name) -> bool {
    run.cassette.is_some() || library.exists(name) || library.names().is_ok_and(|names| names.is_empty())
}

impl Cassettes {
    /// What a hint names with `-c`. A session's cassette is the session's to name: the run does not
    /// take it for its own.
    fn to_type<'a>(&'a self, cassette: &'a Name) -> Option<&'a Name> {
        let is_own = *cassette == self.own.clone().unwrap_or_default();
        if is_own { Some(cassette) } else { self.own.as_ref() }
    }

    /// Where a cassette comes from, if not from AWS.
    fn upstream_of(&self, cassette: &Name) -> Option<String> {
        let typed = self.upstream.clone();
        typed.or_else(|| history::upstream(&StateFolder::default(), cassette))
    }

    /// Where all cassettes that are there come from, if they come from one place that is not AWS: a new
    /// one will come from there too.
    fn common_upstream(&self) -> Option<String> {
        let names = self.library.names().ok()?;
        let mut upstreams = names.iter().map(|name| history::upstream(&StateFolder::default(), name));
        let first = upstreams.next()??;
        upstreams.all(|upstream| upstream.as_ref() == Some(&first)).then_some(first)
    }
}

/// An upstream as a hint may show it and a file may hold it: not with a password in it.
pub fn shown_upstream(upstream: &http::Uri) -> Option<String> {
    let is_open = upstream.authority().is_none_or(|authority| !authority.as_str().contains('@')) && upstream.query().is_none();
    is_open.then(|| upstream.to_string().trim_end_matches('/').to_owned())
}

/// What was amiss in a cassette as it was read, and how to mend it.
fn tell_lints(path: &Path, lints: &[(usize, String)]) {
    const TOLD: usize = 4;
    let path = path.display();
    for (position, lint) in lints.iter().take(TOLD) {
        terminal::say(&format!("`{path}`: interaction {}: {lint}", position + 1));
    }
    match lints.len() {
        0 => return,
        count if count > TOLD => terminal::say(&format!("`{path}`: and {} more", count - TOLD)),
        _ => {}
    }
    terminal::say(&format!(
        "the file itself is as it was; `ferrotape scrub {path}` hides what it holds"
    ));
}

impl Shelf for Cassettes {
    fn has(&self, cassette: &Name) -> bool {
        self.library.exists(cassette)
    }

    fn names(&self) -> Vec<Name> {
        self.library.names().unwrap_or_default()
    }

    fn tape(&self, name: &Name) -> Result<Tape, String> {
        let cassette = self.library.load(name).map_err(|error| match error.absence() {
            Some(absence) => {
                let upstream = self.upstream_of(name).or_else(|| self.common_upstream());
                format!("{absence}; {}", self.hints.making(self.to_type(name), upstream))
            }
            None => error.to_string(),
        })?;
        let (tape, notes) = self
            .matching
            .tape(&self.rules, cassette, &self.catalog)
            .map_err(|error| error.to_string())?;
        for note in notes {
            self.ledger.noted(&note);
        }
        for note in edited(&tape, &self.catalog) {
            self.ledger.noted(&format!("`{}`: {note}", self.library.path(name).display()));
        }
        tell_lints(&self.library.path(name), tape.lints());
        Ok(tape)
    }

    fn remedy(&self, cassette: &Name) -> Remedy {
        self.hints.remedy(self.to_type(cassette), self.upstream_of(cassette))
    }
}

/// The cassettes that sessions asked for.
pub fn asked_for<P>(sessions: &[Arc<Session<P>>]) -> BTreeSet<String> {
    let asked = sessions.iter().filter(|session| !session.is_idle());
    asked.map(|session| session.label.cassette.to_string()).collect()
}

/// Notes that sessions asked for these cassettes, for `prune`. Where the folder cannot be written, a run
/// is none the worse for it.
pub fn note_asked(library: &Library, asked: BTreeSet<String>, is_whole: bool) {
    let state = StateFolder::default();
    let suite = Suite::of(&state, library.root());
    let _ = match is_whole {
        true => suite.note_whole(asked),
        false => suite.note_more(asked),
    };
}

/// Notes what sessions played of each cassette, for `trim`; `playing` tells what one played, and
/// `count` how many interactions a cassette has now, where it may have grown by what they recorded.
/// A run that failed may have stopped short, and says nothing.
pub fn note_history<P>(
    library: &Library,
    sessions: &[Arc<Session<P>>],
    playing: impl Fn(&P) -> Option<&Playing>,
    count: impl Fn(&str) -> Option<usize>,
) {
    let mut played: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for session in sessions.iter().filter(|session| session.tally.calls() > 0) {
        let played = played.entry(&session.label.cassette).or_default();
        let playing = playing(&session.part);
        let before = playing.map_or(0, |playing| playing.playable.tape.tracks().len());
        // What is folded belongs to what was played, and is not unplayed either.
        let unplayed = playing.map(|playing| playing.positions.unplayed()).unwrap_or_default();
        let unplayed: BTreeSet<usize> = unplayed.into_iter().collect();
        played.extend((0..before).filter(|position| !unplayed.contains(position)));
        played.extend(before..count(&session.label.cassette).unwrap_or(before));
    }
    for (name, played) in played {
        let Ok(name) = Name::parse(name) else { continue };
        // Where the folder cannot be written, a replay is none the worse for it, and `trim` says so.
        let _ = std::fs::read(library.path(&name)).and_then(|file| History::add_run(&StateFolder::default(), &name, &file, played));
    }
}

/// The cassettes of the sessions, by name. An interaction is unplayed where no session played it.
/// The run's own cassette tells nothing where nobody asked for it and other sessions took its place. Where
/// several sessions share it, as workers do where none was named, each plays the first of equal calls: the
/// equals of what was played are of the workers of the recording.
pub fn played_cassettes(library: &Library, sessions: &[Arc<Session<Playing>>], own: &Name, own_was_named: bool) -> Vec<CassetteReport> {
    let mut by_name: BTreeMap<&str, Vec<&Session<Playing>>> = BTreeMap::new();
    for session in sessions {
        if !session.is_idle() || own_was_named || sessions.len() == 1 {
            by_name.entry(&session.label.cassette).or_default().push(session);
        }
    }
    let report = |(name, sessions): (&str, Vec<&Session<Playing>>)| {
        let mut unplayed = sessions.first().map(|session| session.part.unplayed()).unwrap_or_default();
        for session in sessions.iter().skip(1) {
            unplayed.retain(|unplayed| session.part.positions.plays(unplayed.position) == 0);
        }
        if name == own.as_str() && !own_was_named && sessions.len() > 1 {
            let equals = played_keys(&sessions);
            unplayed.retain(|unplayed| !equals.contains(&key_at(sessions[0], unplayed.position)));
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

fn key_at(session: &Session<Playing>, position: usize) -> Option<Key> {
    session.part.playable.tape.track(position).map(|track| track.key)
}

fn played_keys(sessions: &[&Session<Playing>]) -> HashSet<Option<Key>> {
    let of_one = |session: &&Session<Playing>| {
        let session = *session;
        let positions = 0..session.part.playable.tape.tracks().len();
        positions
            .filter(|position| session.part.positions.plays(*position) > 0)
            .map(|position| key_at(session, position))
            .collect::<Vec<_>>()
    };
    sessions.iter().flat_map(of_one).collect()
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
        rules: CallRules::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_with_a_password_is_not_shown() {
        let shown = |text: &'static str| shown_upstream(&http::Uri::from_static(text));
        assert_eq!(shown("http://127.0.0.1:5000").as_deref(), Some("http://127.0.0.1:5000"));
        assert_eq!(shown("https://emulator/base/").as_deref(), Some("https://emulator/base"));
        assert_eq!(shown("https://user:hunter2@emulator"), None);
        assert_eq!(shown("https://emulator/?token=hunter2"), None);
    }
}
