//! `ferrotape replay`: answers the calls of a command from a cassette, offline.

use super::ledger::{Ledger, conforming, error_code};
use super::matching::{MatchArguments, bound_notes};
use super::run::{ContractMode, RunArguments, Setting, emit, random_hexadecimal, runtime, serve, shown};
use crate::cassette::store::Library;
use crate::child::environment::{KeyPair, Mode, of_this_process};
use crate::exit::Exit;
use crate::inspect::inspect_recorded;
use crate::matcher::Track;
use crate::model::catalog::Catalog;
use crate::proxy::event::Observer as _;
use crate::proxy::replay::{Behaviour, Replayer};
use crate::proxy::server::Options;
use crate::report::console::Console;
use crate::report::record_command;
use crate::report::{CallReport, CassetteReport, Mode as ReportMode, Outcome, SideReport, Strictness, Summary, Unplayed};
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

/// Runs the command.
pub fn run(arguments: &ReplayArguments) -> anyhow::Result<Exit> {
    let common = &arguments.run;
    let library = Library::new(common.cassettes.clone());
    let cassette = library.load(&common.cassette)?;
    let catalog = common.models.catalog()?;
    let count = cassette.interactions.len();
    let region = cassette.interactions.iter().find_map(|interaction| interaction.region.clone());
    let (tape, notes) = arguments.matching.tape(common, cassette, &catalog);
    let name = common.cassette.as_str();
    let command = shown(&common.command);
    let ledger = Arc::new(Ledger::new(name, Console::new(&command), common.contract));
    let path = library.path(&common.cassette);
    for (position, lint) in tape.lints() {
        eprintln!("ferrotape: `{}`: interaction #{}: {lint}", path.display(), position + 1);
    }
    for note in notes {
        ledger.noted(&note);
    }
    let enforce = common.contract.unwrap_or(ContractMode::Enforce) == ContractMode::Enforce;
    let behaviour = Behaviour {
        cassette: name.to_owned(),
        repeat: arguments.repeat,
        enforce,
        play_unmodeled: arguments.unmodeled == Unmodeled::Recorded,
        record_command: record_command(name, &command),
    };
    let replayer = Arc::new(Replayer::new(catalog, tape, behaviour, ledger.clone()));
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
        serving: format!(
            "replaying `{}` ({count} interaction{})",
            path.display(),
            if count == 1 { "" } else { "s" }
        ),
    };
    let child = runtime()?.block_on(serve(setting, replayer.clone(), &ledger))?;
    let described = |position: usize| Some(describe(replayer.catalog(), name, position, replayer.tape().track(position)?));
    let account = ledger.close(described);
    let unplayed = replayer.unplayed().into_iter().map(|position| Unplayed {
        interaction: position + 1,
        service: replayer.tape().tracks()[position].interaction.service.clone(),
        operation: replayer.tape().tracks()[position].interaction.operation.clone(),
    });
    let mut notes = account.notes;
    notes.extend(bound_notes(replayer.tape(), replayer.session()));
    let summary = Summary {
        mode: ReportMode::Replay,
        cassettes: vec![CassetteReport {
            name: name.to_owned(),
            path: Some(path),
            put_aside: false,
            interactions: count,
            unplayed: unplayed.collect(),
        }],
        calls: account.calls,
        problem: account.problem,
        all_played: arguments.all_played,
        notes,
        command,
    };
    emit(&common.reports, &summary)?;
    Ok(child.or(summary.exit(Strictness {
        violations: enforce,
        unplayed: arguments.all_played,
    })))
}

/// What a clean play of an interaction says in a report.
fn describe(catalog: &Catalog, cassette: &str, position: usize, track: &Track) -> CallReport {
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
        cassette: cassette.to_owned(),
        interaction: Some(position + 1),
        status: Some(track.interaction.response.status().as_u16()),
        error: response.as_ref().and_then(error_code),
        outcome: Outcome::Played,
        request,
        response: response.as_ref().map(SideReport::from),
        message: None,
    }
}
