//! `ferrotape compare`: calls AWS, and tells how its answers differ from the recorded ones.

use super::ledger::{Ledger, session_report};
use super::live::{Going, LiveArguments, Outset, Way};
use super::matching::MatchArguments;
use super::run::{ContractMode, RunArguments, emit};
use super::shelf::{Cassettes, has_own, played_cassettes};
use crate::cassette::store::Library;
use crate::exit::Exit;
use crate::proxy::comparing::Comparing;
use crate::proxy::playing::{Players, Playing};
use crate::proxy::sessions::Sessions;
use crate::report::{Mode as ReportMode, Strictness};
use crate::settings::Place;
use std::sync::Arc;

/// Forward the AWS calls of a command, and tell how each live answer differs from the recorded one.
///
/// Nothing is written. Timestamps, idempotency and page tokens, request ids and the numbering of
/// accounts are no differences; ignore what else changes by its nature with `--ignore`, or in the
/// settings. A difference fails the run (status 15), and so does a call that was never recorded
/// (status 11).
#[derive(Debug, clap::Args)]
pub struct CompareArguments {
    #[command(flatten)]
    pub run: RunArguments,
    #[command(flatten)]
    pub live: LiveArguments,
    #[command(flatten)]
    pub matching: MatchArguments,
    /// Let a member differ, and what is below it: `OPERATION:/path`, as a difference shows it; `*` is
    /// any operation, member or item (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub ignore: Vec<Place>,
    /// Refuse calls that no model knows, instead of passing them on
    #[arg(long)]
    pub refuse_unmodeled: bool,
    /// Fail (status 12) if no call asked for some interaction of the cassette
    #[arg(long)]
    pub all_played: bool,
}

/// Runs the command.
pub fn run(arguments: &CompareArguments) -> anyhow::Result<Exit> {
    let common = &arguments.run;
    let outset = Outset::prepare(&Way::judging(&arguments.live, common, arguments.refuse_unmodeled))?;
    let catalog = outset.catalog.clone();
    let library = Library::new(common.cassettes.clone());
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    let players = Players::new(
        Cassettes::new(
            common,
            catalog.clone(),
            &arguments.matching,
            ledger.clone(),
            arguments.live.upstream.as_ref(),
            false,
        ),
        ReportMode::Compare.name(),
    );
    let name = common.cassette();
    let own = match has_own(common, &library, &name) {
        true => Some(Playing::new(players.playable(&name).map_err(anyhow::Error::msg)?)),
        false => None,
    };
    let mut tracks = own.iter().flat_map(|own| own.playable.tape.tracks());
    let going = Going {
        run: common,
        region: tracks.find_map(|track| track.interaction.region.clone()),
        serving: match &own {
            Some(_) => format!("comparing what is live with `{}`", library.path(&name).display()),
            None => format!(
                "comparing what is live with the cassettes of `{}`, each for the sessions that name it,",
                library.root().display()
            ),
        },
    };
    let mut ignored = arguments.ignore.clone();
    ignored.extend(common.settings.matching.ignore.iter().cloned());
    let stage = Comparing::new(players, catalog, ignored);
    let ended = outset.serve(going, Sessions::new(stage, name, own), &ledger)?;
    let child = ended.served?;
    let account = ledger.close(|_, _| None);
    let sessions = ended.sessions;
    let told = sessions
        .iter()
        .map(|session| session_report(session, session.part.unplayed().len()))
        .collect();
    let mut summary = account.summary(ReportMode::Compare, common, told);
    summary.cassettes = played_cassettes(&library, &sessions, &common.cassette(), common.cassette.is_some());
    summary.all_played = arguments.all_played;
    emit(&common.reports, &summary)?;
    Ok(child.or(summary.exit(Strictness {
        violations: common.contract == Some(ContractMode::Enforce),
        unplayed: arguments.all_played,
    })))
}
