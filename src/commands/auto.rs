//! `ferrotape auto`: plays what is recorded, and records the rest.

use super::ledger::{Ledger, session_report};
use super::live::{Going, Live, LiveArguments, Need, Unmodeled, Way, refuse_endpoint_of_parent};
use super::matching::{MatchArguments, bound_notes};
use super::recordings::{Keeping, Recordings, Sealed, number_interactions, refuse_bad_keeps, seal};
use super::replay::{Replaying, replay};
use super::run::{ContractMode, RunArguments, emit, is_ci, runtime};
use super::shelf::{Cassettes, describe};
use super::tape::recover;
use super::typed;
use crate::cassette::StateFolder;
use crate::cassette::journal::Journal;
use crate::cassette::store::Library;
use crate::child::environment::of_this_process;
use crate::exit::Exit;
use crate::proxy::auto::{Auto, Part};
use crate::proxy::playing::Players;
use crate::proxy::sessions::{Session, Sessions, Stage as _};
use crate::proxy::takes::Takes;
use crate::report::{CassetteReport, Mode as ReportMode, Strictness, Unplayed};
use std::collections::HashMap;
use std::sync::Arc;

/// Answer from the cassette what is recorded there; forward the rest to AWS, and record it behind.
///
/// What a cassette holds is never replaced. Where `CI` is set this is a replay: a call that was
/// never recorded is a miss, and nothing can open a connection.
#[derive(Debug, clap::Args)]
pub struct AutoArguments {
    #[command(flatten)]
    pub run: RunArguments,
    #[command(flatten)]
    pub live: LiveArguments,
    #[command(flatten)]
    pub matching: MatchArguments,
    /// Calls that no model knows: refuse them, let them pass unrecorded, or record them with only
    /// those secrets hidden that their form gives away
    #[arg(long, value_enum, value_name = "HOW", default_value = "forward")]
    pub unmodeled: Unmodeled,
    /// Leave a sensitive member readable in what is recorded: `OPERATION:/path` (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub keep: Vec<String>,
    /// Fail (status 12) if any interaction that was there before was not played
    #[arg(long)]
    pub all_played: bool,
    /// Call AWS even where `CI` is set
    #[arg(long)]
    pub live_in_ci: bool,
}

/// Runs the command.
pub fn run(arguments: &AutoArguments) -> anyhow::Result<Exit> {
    let parent = of_this_process();
    let common = &arguments.run;
    if is_ci(&parent) && !arguments.live_in_ci {
        eprintln!("ferrotape: CI is set, so nothing goes live and this is a replay; `--live-in-ci` lets `auto` call AWS");
        return replay(&Replaying {
            run: common,
            matching: &arguments.matching,
            upstream: arguments.live.upstream.as_ref(),
            repeat: false,
            play_unmodeled: arguments.unmodeled == Unmodeled::Record,
            all_played: arguments.all_played,
        });
    }
    refuse_endpoint_of_parent(&arguments.live, common, &parent)?;
    refuse_bad_keeps(&arguments.keep)?;
    let catalog = Arc::new(common.models.catalog()?);
    let state = StateFolder::default();
    let library = Library::new(common.cassettes.clone());
    let mut notes = recover(&state, &library, &catalog)?;
    let runtime = runtime()?;
    let way = Way {
        live: &arguments.live,
        run: common,
        unmodeled: arguments.unmodeled,
        need: Need::Perhaps,
        parent: &parent,
    };
    let live = Live::prepare(&way, catalog.clone(), &runtime, &mut notes)?;
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    let desk = Recordings {
        library: library.clone(),
        catalog: catalog.clone(),
        keep: arguments.keep.clone(),
        settled: common.settings.redaction.clone(),
        secrets: live.secrets.clone(),
        adds: true,
    };
    let players = Players::new(
        Cassettes::new(
            common,
            catalog.clone(),
            &arguments.matching,
            ledger.clone(),
            arguments.live.upstream.as_ref(),
            arguments.unmodeled == Unmodeled::Record,
        ),
        ReportMode::Auto.name(),
    );
    let name = common.cassette();
    let prepared = desk.prepared(&name)?;
    let journal = Journal::create(&state, prepared.header.clone())?;
    let stage = Auto::new(players, Takes::new(desk, journal, prepared));
    let own = stage.open(&name).map_err(anyhow::Error::msg)?;
    for note in &notes {
        eprintln!("ferrotape: {note}");
    }
    let tracks = own.playing.iter().flat_map(|playing| playing.playable.tape.tracks());
    let going = Going {
        run: common,
        region: tracks.clone().find_map(|track| track.interaction.region.clone()),
        parent,
        serving: format!("playing `{}`, and recording what it lacks,", library.path(&name).display()),
    };
    let ended = live.serve(runtime, going, Sessions::new(stage, name, Some(own)), &ledger)?;
    let sessions = ended.sessions;
    let described = |session: u32, position: usize| {
        let session = sessions.get(session as usize)?;
        let track = session.part.playing.as_ref()?.playable.tape.track(position)?;
        Some(describe(&catalog, &session.label, position, track))
    };
    let account = ledger.close(described);
    let Sealed { run, takes, child } = seal(ended.stage.into_takes(), ended.served)?;
    let told = sessions
        .iter()
        .map(|session| session_report(session, unplayed(session).len()))
        .collect();
    let mut summary = account.summary(ReportMode::Auto, common, told);
    summary.all_played = arguments.all_played;
    summary.options.extend(typed::matching(&arguments.matching));
    summary.options.extend(arguments.unmodeled.replayed());
    for session in &sessions {
        summary
            .notes
            .extend(session.part.playing.iter().flat_map(|playing| bound_notes(&session.label, playing)));
    }
    number_interactions(&mut summary.calls, &counts_before(&sessions));
    let keeping = Keeping {
        library: &library,
        state: &state,
        catalog: &catalog,
        child,
    };
    summary.cassettes = keeping.keep(run, &takes, &mut summary.notes)?;
    for report in &mut summary.cassettes {
        tell_played(report, &library, &sessions);
    }
    emit(&common.reports, &summary)?;
    Ok(child.or(summary.exit(Strictness {
        violations: common.contract == Some(ContractMode::Enforce),
        unplayed: arguments.all_played,
    })))
}

fn unplayed(session: &Session<Part>) -> Vec<crate::proxy::sessions::Unplayed> {
    session.part.playing.as_ref().map(|playing| playing.unplayed()).unwrap_or_default()
}

/// How many interactions each cassette held before the run.
fn counts_before(sessions: &[Arc<Session<Part>>]) -> HashMap<String, usize> {
    let count = |session: &Arc<Session<Part>>| {
        let playing = session.part.playing.as_ref()?;
        Some((session.label.cassette.to_string(), playing.playable.tape.tracks().len()))
    };
    sessions.iter().filter_map(count).collect()
}

/// What of a cassette no session played, of that which was there before; and that it lies where it
/// lay, if nothing was added.
fn tell_played(report: &mut CassetteReport, library: &Library, sessions: &[Arc<Session<Part>>]) {
    let mut parts = sessions
        .iter()
        .filter(|session| *session.label.cassette == *report.name)
        .filter_map(|session| session.part.playing.as_ref());
    let Some(first) = parts.next() else { return };
    let mut left = first.unplayed();
    for playing in parts {
        left.retain(|unplayed| playing.positions.plays(unplayed.position) == 0);
    }
    let told = |unplayed: crate::proxy::sessions::Unplayed| Unplayed {
        interaction: unplayed.position + 1,
        service: unplayed.service,
        operation: unplayed.operation,
    };
    report.unplayed = left.into_iter().map(told).collect();
    if report.path.is_none() {
        report.interactions = first.playable.tape.tracks().len();
        report.path = crate::cassette::Name::parse(&report.name).ok().map(|name| library.path(&name));
    }
}
