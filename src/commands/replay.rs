//! `ferrotape replay`: answers the calls of a command from a cassette, offline.

use super::key_pair::key_pair;
use super::ledger::{Ledger, session_report};
use super::matching::{MatchArguments, bound_notes};
use super::run::{ContractMode, DEFAULT_REGION, RunArguments, Setting, emit, random_hexadecimal, runtime, serve};
use super::shelf::{Cassettes, asked_for, describe, has_own, note_asked, note_history, played_cassettes};
use crate::cassette::store::Library;
use crate::child::environment::{Mode, of_this_process};
use crate::exit::Exit;
use crate::proxy::playing::{Players, Playing};
use crate::proxy::replay::{Behaviour, Replayer};
use crate::proxy::server::Options;
use crate::proxy::sessions::{Session, Sessions};
use crate::redaction::rules::Rule;
use crate::report::{Mode as ReportMode, Outcome, Strictness};
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
    /// Fail (status 12) if any interaction of the cassette was not played. Over a whole suite of sessions,
    /// it also names the cassettes that none of them asked for
    #[arg(long)]
    pub all_played: bool,
    /// Fail (status 12) if there is a cassette that no session asked for: a run over the whole suite
    #[arg(long)]
    pub no_orphans: bool,
}

/// `--unmodeled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Unmodeled {
    Refuse,
    #[value(alias = "record")]
    Recorded,
}

/// What is replayed, and how.
pub struct Replaying<'a> {
    pub run: &'a RunArguments,
    pub matching: &'a MatchArguments,
    /// Where other runs over its cassettes send their calls, if not to AWS.
    pub upstream: Option<&'a http::Uri>,
    pub repeat: bool,
    pub play_unmodeled: bool,
    pub all_played: bool,
    pub no_orphans: bool,
}

/// Runs the command.
pub fn run(arguments: &ReplayArguments) -> anyhow::Result<Exit> {
    replay(&Replaying {
        run: &arguments.run,
        matching: &arguments.matching,
        upstream: None,
        repeat: arguments.repeat,
        play_unmodeled: arguments.unmodeled == Unmodeled::Recorded,
        all_played: arguments.all_played,
        no_orphans: arguments.no_orphans,
    })
}

/// Replays.
pub fn replay(arguments: &Replaying<'_>) -> anyhow::Result<Exit> {
    let common = arguments.run;
    let catalog = Arc::new(common.models.catalog()?);
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    let library = Library::new(common.cassettes.clone());
    let name = common.cassette();
    let players = Players::new(
        Cassettes::new(
            common,
            catalog.clone(),
            arguments.matching,
            ledger.clone(),
            arguments.upstream,
            arguments.play_unmodeled,
        ),
        ReportMode::Replay.name(),
    );
    let own = match has_own(common, &library, &name) {
        true => Some(Playing::new(players.playable(&name).map_err(anyhow::Error::msg)?)),
        false => None,
    };
    let tracks = own.iter().flat_map(|own| own.playable.tape.tracks());
    let region = tracks.clone().find_map(|track| track.interaction.region.clone());
    let region = region.or_else(|| own.is_none().then(|| region_of(&library)).flatten());
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
        play_unmodeled: arguments.play_unmodeled,
    };
    let sessions = Sessions::new(players, name, own);
    let replayer = Arc::new(Replayer::new(catalog.clone(), sessions, behaviour, ledger.clone()));
    let setting = Setting {
        arguments: common,
        mode: Mode::Replay,
        region: Some(region.unwrap_or_else(|| DEFAULT_REGION.to_owned())),
        keys: key_pair()?,
        has_credentials: false,
        token: random_hexadecimal::<16>()?,
        parent: of_this_process(),
        options: Options::default(),
        own_keys: false,
        serving,
    };
    let runtime = runtime()?;
    let child = runtime.block_on(serve(setting, replayer.clone(), &ledger));
    // What still computes is not waited for.
    runtime.shutdown_background();
    let child = child?;
    let described = |session: u32, position: usize| {
        let session = replayer.sessions().at(session)?;
        let track = session.part.playable.tape.track(position)?;
        Some(describe(&catalog, &session.label, position, track))
    };
    let account = ledger.close(described);
    let sessions = replayer.sessions().all();
    let told = sessions
        .iter()
        .map(|session| session_report(session, session.part.unplayed().len()))
        .collect();
    let mut summary = account.summary(ReportMode::Replay, common, told);
    summary.cassettes = played_cassettes(&library, &sessions, &common.cassette(), common.cassette.is_some());
    summary.all_played = arguments.all_played;
    summary.no_orphans = arguments.no_orphans;
    let has_ended_well = child == Exit::Clean && summary.count(Outcome::Missed) == 0;
    if sessions.iter().any(|session| *session.label.session != *common.cassette().as_str()) {
        let is_whole = arguments.all_played || arguments.no_orphans;
        let asked = asked_for(&sessions);
        if is_whole {
            let names = library.names().unwrap_or_default().into_iter().map(|name| name.to_string());
            summary.orphans = names.filter(|name| !asked.contains(name)).collect();
        }
        note_asked(&library, asked, is_whole && has_ended_well);
    }
    let is_explained =
        child == Exit::Clean || summary.exit(Strictness::default()) != Exit::Clean || !arguments.matching.accounts.is_empty();
    summary.notes.extend(hidden_account(&sessions).filter(|_| !is_explained));
    for session in &sessions {
        summary.notes.extend(bound_notes(&session.label, &session.part));
    }
    if has_ended_well {
        note_history(&library, &sessions, |playing| Some(playing), |_| None);
    }
    emit(&common.reports, &summary)?;
    Ok(child.or(summary.exit(Strictness {
        violations: enforce,
        unplayed: arguments.all_played,
    })))
}

/// What may have made a command fail of which all calls were answered: it has the id of its account as a
/// literal, and an answer had a placeholder.
fn hidden_account(sessions: &[Arc<Session<Playing>>]) -> Option<String> {
    let is_hidden = |session: &Arc<Session<Playing>>| {
        let mut tracks = session.part.playable.tape.tracks().iter().enumerate();
        tracks.any(|(position, track)| {
            let mut places = track.interaction.redacted.iter();
            let answers = places.any(|place| place.rule == Rule::AccountId.id() && place.path.starts_with("/response"));
            answers && session.part.positions.plays(position) > 0
        })
    };
    sessions.iter().any(is_hidden).then(|| {
        "answers had a placeholder such as `000000000001` for the id of an account; a command that knows the id wants `--account ID`"
            .to_owned()
    })
}

/// The region of the first cassette that has one, for a run that has none of its own. A cassette that
/// cannot be read is told where a session asks for it.
fn region_of(library: &Library) -> Option<String> {
    let names = library.names().unwrap_or_default();
    names.iter().find_map(|name| {
        let cassette = library.load(name).ok()?;
        cassette.interactions.into_iter().find_map(|interaction| interaction.region)
    })
}

fn serving(path: &Path, count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("replaying `{}` ({count} interaction{plural})", path.display())
}
