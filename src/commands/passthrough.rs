//! `ferrotape passthrough`: passes the calls of a command on, and judges them.

use super::ledger::{Ledger, session_report};
use super::live::{Going, LiveArguments, Outset, Way};
use super::run::{ContractMode, RunArguments, emit};
use crate::exit::Exit;
use crate::proxy::passing::Passing;
use crate::proxy::sessions::Sessions;
use crate::report::{Mode as ReportMode, Strictness};
use crate::terminal;
use std::sync::Arc;

/// Forward the AWS calls of a command, and judge them by the service's model. Nothing is written or
/// replayed.
///
/// AWS has the last word: nothing is refused in its name. A request that breaks the model fails the
/// run (status 10), unless `--contract report` says otherwise.
#[derive(Debug, clap::Args)]
pub struct PassthroughArguments {
    #[command(flatten)]
    pub run: RunArguments,
    #[command(flatten)]
    pub live: LiveArguments,
    /// Refuse calls that no model knows, instead of passing them on
    #[arg(long)]
    pub refuse_unmodeled: bool,
}

/// Runs the command.
pub fn run(arguments: &PassthroughArguments) -> anyhow::Result<Exit> {
    let common = &arguments.run;
    let outset = Outset::prepare(&Way::judging(&arguments.live, common, arguments.refuse_unmodeled))?;
    if let Some(name) = &common.cassette {
        terminal::say(&format!("warning: `-c {name}` means nothing here: passthrough writes no cassette"));
    }
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    let going = Going {
        run: common,
        region: None,
        serving: "passing calls through".to_owned(),
    };
    let sessions = Sessions::new(Passing, common.cassette(), Some(()));
    let ended = outset.serve(going, sessions, &ledger)?;
    let child = ended.served?;
    let account = ledger.close(|_, _| None);
    let told = ended.sessions.iter().map(|session| session_report(session, 0)).collect();
    let summary = account.summary(ReportMode::Passthrough, common, told);
    emit(&common.reports, &summary)?;
    Ok(child.or(summary.exit(Strictness {
        violations: common.contract.unwrap_or(ContractMode::Enforce) == ContractMode::Enforce,
        unplayed: false,
    })))
}
