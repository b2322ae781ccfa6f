//! `ferrotape auto`: plays what is recorded, and records the rest.

use super::ledger::{Ledger, session_report};
use super::live::{Going, LiveArguments, Need, Outset, Undecodable, Unmodeled, Way};
use super::matching::{MatchArguments, bound_notes};
use super::recordings::{Recordings, refuse_bad_keeps};
use super::recovery::recover;
use super::replay::{Replaying, replay};
use super::run::{ContractMode, RunArguments, emit, is_ci};
use super::sealing::{doubt_open, seal, started_well};
use super::shelf::{Cassettes, asked_for, describe, note_asked, note_history, shown_upstream};
use super::typed::config;
use crate::cassette::StateFolder;
use crate::cassette::journal::Journal;
use crate::cassette::store::Library;
use crate::child::environment::of_this_process;
use crate::exit::Exit;
use crate::proxy::auto::{Auto, Part};
use crate::proxy::playing::Players;
use crate::proxy::sessions::{Session, Sessions};
use crate::proxy::takes::{Doubt, Takes};
use crate::report::{CassetteReport, Mode as ReportMode, Strictness, Unplayed};
use crate::terminal;
use std::sync::{Arc, Mutex};

/// Answer from the cassette what is recorded there; forward the rest to AWS, and record it behind.
///
/// What a cassette holds is never replaced. What a command or session recorded that failed is put aside:
/// it may depend on what was only played, and so be wrong. Where `CI` is set this is a replay: a call that was
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
    /// Calls of a known operation of which a side is not in its protocol's format: let them pass
    /// unrecorded (the model cannot say what in them is secret), or record them with only those secrets
    /// hidden that their form gives away. Error pages in plain text or HTML are always recorded
    #[arg(long, value_enum, value_name = "HOW", default_value = "forward")]
    pub undecodable: Undecodable,
    /// Leave a sensitive member readable in what is recorded: `OPERATION:/path` (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub keep: Vec<String>,
    /// Fail (status 12) if any interaction that was there before was not played
    #[arg(long)]
    pub all_played: bool,
    /// Record live answers that are errors, too. Without it, a run that is answered one appends nothing
    #[arg(long)]
    pub append_errors: bool,
    /// Call AWS even where `CI` is set
    #[arg(long)]
    pub live_in_ci: bool,
}

/// Runs the command.
pub fn run(arguments: &AutoArguments) -> anyhow::Result<Exit> {
    let common = &arguments.run;
    if is_ci(&of_this_process()) && !arguments.live_in_ci {
        terminal::say("CI is set, so nothing goes live and this is a replay; `--live-in-ci` lets `auto` call AWS");
        return replay(&Replaying {
            run: common,
            matching: &arguments.matching,
            upstream: arguments.live.upstream.as_ref(),
            repeat: false,
            play_unmodeled: arguments.unmodeled == Unmodeled::Record,
            all_played: arguments.all_played,
            no_orphans: false,
        });
    }
    refuse_bad_keeps(&arguments.keep)?;
    let outset = Outset::prepare(&Way {
        live: &arguments.live,
        run: common,
        unmodeled: arguments.unmodeled,
        need: Need::Perhaps,
    })?;
    let catalog = outset.catalog.clone();
    let state = StateFolder::default();
    let library = Library::new(common.cassettes.clone());
    for note in recover(&state, &library, &catalog)? {
        terminal::say(&note);
    }
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    let desk = Recordings {
        library: library.clone(),
        catalog: catalog.clone(),
        keep: arguments.keep.clone(),
        settled: common.settings.redaction.clone(),
        state: state.clone(),
        secrets: outset.live.secrets.clone(),
        undecodable: arguments.undecodable == Undecodable::Record,
        rules: arguments.matching.rules(common),
        adds: true,
        bind: Vec::new(),
        upstream: arguments.live.upstream.as_ref().and_then(shown_upstream),
        kept: Mutex::default(),
    };
    let upstream = arguments.live.upstream.as_ref();
    let unmodelled = arguments.unmodeled == Unmodeled::Record;
    let cassettes = Cassettes::new(common, catalog.clone(), &arguments.matching, ledger.clone(), upstream, unmodelled);
    let players = Players::new(cassettes, ReportMode::Auto.name());
    let name = common.cassette();
    let prepared = desk.prepared(&name)?;
    let journal = Journal::create(&state, prepared.header.clone())?;
    let (takes, take) = Takes::new(desk, journal, prepared);
    let stage = Auto::new(players, takes, arguments.append_errors);
    let playing = stage.playing(&name).map_err(anyhow::Error::msg)?;
    let tracks = playing.iter().flat_map(|playing| playing.playable.tape.tracks());
    let going = Going {
        run: common,
        region: tracks.clone().find_map(|track| track.interaction.region.clone()),
        serving: match &common.cassette {
            Some(own) => format!("playing `{}`, and recording what it lacks,", library.path(own).display()),
            None => format!("playing what is in `{}`, and recording what is not,", library.root().display()),
        },
    };
    let own = Part::new(playing, take);
    let ended = outset.serve(going, Sessions::new(stage, name, Some(own)), &ledger)?;
    let sessions = ended.sessions;
    let described = |session: u32, position: usize| {
        let session = sessions.get(session as usize)?;
        let track = session.part.playing.as_ref()?.playable.tape.track(position)?;
        Some(describe(&catalog, &session.label, position, track))
    };
    let account = ledger.close(described);
    // Behind what is there goes the whole of what a session did, or nothing.
    for session in sessions.iter().filter(|session| !session.tally.is_clean()) {
        session.part.take.doubt(Doubt::CallWentWrong);
    }
    doubt_open(&sessions, common, |part| &part.take);
    let sealed = seal(ended.stage.into_takes(), ended.served)?;
    let child = sealed.child;
    let told = sessions
        .iter()
        .map(|session| session_report(session, unplayed(session).len()))
        .collect();
    let mut summary = account.summary(ReportMode::Auto, common, told);
    summary.all_played = arguments.all_played;
    summary.options = [config(&common.settings), arguments.unmodeled.replayed(&common.again)].concat();
    for session in &sessions {
        summary
            .notes
            .extend(session.part.playing.iter().flat_map(|playing| bound_notes(&session.label, playing)));
    }
    note_asked(&library, asked_for(&sessions), false);
    let kept = sealed.keep(&started_well(&sessions, &common.cassette()), &mut summary)?;
    let is_told = |report: &CassetteReport| {
        let mut of_it = sessions.iter().filter(|session| *session.label.cassette == *report.name);
        common.cassette.is_some() || of_it.any(|session| !session.is_idle())
    };
    if summary.cassettes.len() > 1 {
        summary.cassettes.retain(is_told);
    }
    for report in &mut summary.cassettes {
        tell_played(report, &sessions);
    }
    if child.or(kept) == Exit::Clean && summary.exit(Strictness::default()) == Exit::Clean {
        let count = |name: &str| {
            let report = summary.cassettes.iter().find(|report| report.name == name);
            report.map(|report| report.interactions)
        };
        note_history(&library, &sessions, |part| part.playing.as_ref(), count);
    }
    emit(&common.reports, &summary)?;
    Ok(child.or(kept).or(summary.exit(Strictness {
        violations: common.contract == Some(ContractMode::Enforce),
        unplayed: arguments.all_played,
    })))
}

fn unplayed(session: &Session<Part>) -> Vec<crate::proxy::sessions::Unplayed> {
    session.part.playing.as_ref().map(|playing| playing.unplayed()).unwrap_or_default()
}

/// What of a cassette no session played, of that which was there before.
fn tell_played(report: &mut CassetteReport, sessions: &[Arc<Session<Part>>]) {
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
    if report.interactions == 0 {
        report.interactions = first.playable.tape.tracks().len();
    }
}
