//! `ferrotape replay`: answers the calls of a command from a cassette, offline.

use super::ledger::{Ledger, conforming, error_code, session_report};
use super::matching::{MatchArguments, bound_notes};
use super::run::{ContractMode, RunArguments, Setting, emit, random_hexadecimal, runtime, serve, shown};
use crate::cassette::history::History;
use crate::cassette::store::Library;
use crate::cassette::{Name, StateFolder};
use crate::child::environment::{KeyPair, Mode, of_this_process};
use crate::exit::Exit;
use crate::inspect::inspect_recorded;
use crate::matcher::{Tape, Track};
use crate::model::catalog::Catalog;
use crate::proxy::event::{Label, Observer as _};
use crate::proxy::playing::{Players, Playing, Shelf};
use crate::proxy::replay::{Behaviour, Replayer};
use crate::proxy::server::Options;
use crate::proxy::sessions::{Session, Sessions};
use crate::report::console::Console;
use crate::report::record_command;
use crate::report::{CallReport, CassetteReport, Mode as ReportMode, Outcome, SideReport, Strictness, Summary, Unplayed};
use crate::settings::CallRules;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Answer the AWS calls of a command from a cassette: offline, deterministically, judged.
///
/// A request that breaks the service's model is refused with the service's own validation error,
/// a call that was never recorded (or is already played) with `CassetteMiss`; either fails the run.
/// The command needs neither network nor credentials.
#[derive(Debug, clap::Args)]
pub struct ReplayArguments {
    #[command(flatten)]
    pub run: RunArguments,
    #[command(flatten)]
    pub matching: MatchArguments,
    /// Let the last interaction of a call answer again once all are played
    #[arg(long)]
    pub repeat: bool,
    /// Calls that no model knows: refuse them, or answer those that were recorded with `record
    /// --unmodeled record`, by method, path, query and the bytes of the body
    #[arg(long, value_enum, value_name = "HOW", default_value = "refuse")]
    pub unmodeled: Unmodeled,
    /// Fail (status 12) if any interaction of the cassette was not played
    #[arg(long)]
    pub all_played: bool,
}

/// `--unmodeled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Unmodeled {
    Refuse,
    #[value(alias = "record")]
    Recorded,
}

/// The cassettes that sessions name, each read when it is first asked for.
struct Cassettes {
    library: Library,
    catalog: Arc<Catalog>,
    command: Vec<String>,
    matching: MatchArguments,
    /// On which calls are the same, beside those of a cassette.
    rules: CallRules,
    ledger: Arc<Ledger>,
}

impl Shelf for Cassettes {
    fn has(&self, cassette: &Name) -> bool {
        self.library.exists(cassette)
    }

    fn tape(&self, name: &Name) -> Result<Tape, String> {
        let cassette = self.library.load(name).map_err(|error| error.to_string())?;
        let (tape, notes) = self.matching.tape(&self.rules, cassette, &self.catalog);
        for note in notes {
            self.ledger.noted(&note);
        }
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

/// Runs the command.
pub fn run(arguments: &ReplayArguments) -> anyhow::Result<Exit> {
    let common = &arguments.run;
    let catalog = Arc::new(common.models.catalog()?);
    let command = shown(&common.command);
    let ledger = Arc::new(Ledger::new(Console::new(&command), common.contract));
    let library = Library::new(common.cassettes.clone());
    let name = common.cassette();
    // Without `-c`, and with other cassettes there, sessions will name theirs.
    let has_own = common.cassette.is_some() || library.exists(&name) || library.names().is_ok_and(|names| names.is_empty());
    let players = Players::new(
        Cassettes {
            library: library.clone(),
            catalog: catalog.clone(),
            command: command.clone(),
            matching: arguments.matching.clone(),
            rules: arguments.matching.rules(common),
            ledger: ledger.clone(),
        },
        ReportMode::Replay.name(),
    );
    let own = match has_own {
        true => Some(Playing::new(players.playable(&name).map_err(anyhow::Error::msg)?)),
        false => None,
    };
    let tracks = own.iter().flat_map(|own| own.playable.tape.tracks());
    let region = tracks.clone().find_map(|track| track.interaction.region.clone());
    let serving = match &own {
        Some(own) => serving(&library.path(&name), own.playable.tape.tracks().len()),
        None => format!(
            "replaying the cassettes of `{}` to the sessions that name them",
            library.root().display()
        ),
    };
    let enforce = common.contract.unwrap_or(ContractMode::Enforce) == ContractMode::Enforce;
    let behaviour = Behaviour {
        repeat: arguments.repeat,
        enforce,
        play_unmodeled: arguments.unmodeled == Unmodeled::Recorded,
    };
    let sessions = Sessions::new(players, name, own);
    let replayer = Arc::new(Replayer::new(catalog.clone(), sessions, behaviour, ledger.clone()));
    let setting = Setting {
        arguments: common,
        mode: Mode::Replay,
        region,
        keys: KeyPair {
            access_key_id: String::new(),
            secret_access_key: String::new(),
        },
        token: random_hexadecimal::<16>()?,
        parent: of_this_process(),
        options: Options::default(),
        own_keys: false,
        serving,
    };
    let child = runtime()?.block_on(serve(setting, replayer.clone(), &ledger))?;
    let described = |session: u32, position: usize| {
        let session = replayer.sessions().at(session)?;
        let track = session.part.playable.tape.track(position)?;
        Some(describe(&catalog, &session.label, position, track))
    };
    let account = ledger.close(described);
    let sessions = replayer.sessions().all();
    let mut notes = account.notes;
    for session in &sessions {
        notes.extend(bound_notes(&session.label, &session.part));
    }
    let summary = Summary {
        mode: ReportMode::Replay,
        cassettes: played_cassettes(&library, &sessions, common.cassette.is_some()),
        sessions: sessions
            .iter()
            .map(|session| session_report(session, session.part.unplayed().len()))
            .collect(),
        calls: account.calls,
        problem: account.problem,
        all_played: arguments.all_played,
        notes,
        command,
    };
    if child == Exit::Clean && summary.count(Outcome::Missed) == 0 {
        note_history(&library, &sessions);
    }
    emit(&common.reports, &summary)?;
    Ok(child.or(summary.exit(Strictness {
        violations: enforce,
        unplayed: arguments.all_played,
    })))
}

fn serving(path: &Path, count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("replaying `{}` ({count} interaction{plural})", path.display())
}

/// Notes what was played of each cassette, for `trim`. A run that failed may have stopped short.
fn note_history(library: &Library, sessions: &[Arc<Session<Playing>>]) {
    let mut played: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for session in sessions.iter().filter(|session| session.tally.calls() > 0) {
        let positions = &session.part.positions;
        let all = 0..session.part.playable.tape.tracks().len();
        let played = played.entry(&session.label.cassette).or_default();
        // What is folded belongs to what was played of it, and is not unplayed either.
        let unplayed: BTreeSet<usize> = positions.unplayed().into_iter().collect();
        played.extend(all.filter(|position| !unplayed.contains(position)));
    }
    for (name, played) in played {
        let Ok(name) = Name::parse(name) else { continue };
        // Where the folder cannot be written, a replay is none the worse for it, and `trim` says so.
        let _ = std::fs::read(library.path(&name)).and_then(|file| History::add_run(&StateFolder::default(), &name, &file, played));
    }
}

/// The cassettes of the sessions, by name. An interaction is unplayed where no session played it.
/// The run's own cassette tells nothing where nobody asked for it and other sessions took its place.
fn played_cassettes(library: &Library, sessions: &[Arc<Session<Playing>>], own_was_named: bool) -> Vec<CassetteReport> {
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
fn describe(catalog: &Catalog, label: &Label, position: usize, track: &Track) -> CallReport {
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
        request,
        response: response.as_ref().map(SideReport::from),
        message: None,
    }
}
