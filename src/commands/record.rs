//! `ferrotape record`: forwards the calls of a command to AWS and writes a cassette of them.

use super::ledger::{Ledger, session_report};
use super::live::{Going, LiveArguments, Need, Outset, Undecodable, Unmodeled, Way};
use super::matching::Binding;
use super::recordings::{Recordings, refuse_bad_keeps};
use super::recovery::recover;
use super::run::{ContractMode, RunArguments, emit};
use super::sealing::{doubt_open, seal, started_well};
use super::shelf::{asked_for, note_asked, shown_upstream};
use super::typed::config;
use crate::cassette::journal::Journal;
use crate::cassette::store::Library;
use crate::cassette::{Name, StateFolder};
use crate::exit::Exit;
use crate::proxy::journalling::Journalling;
use crate::proxy::sessions::Sessions;
use crate::proxy::takes::Takes;
use crate::report::{Mode as ReportMode, Strictness};
use crate::terminal;
use std::sync::{Arc, Mutex};

/// Forward the AWS calls of a command, and keep each request and response in a cassette.
///
/// Nothing secret is written: redaction happens before the first byte reaches the disk. A breach
/// of the service's model is told; AWS has the last word.
#[derive(Debug, clap::Args)]
pub struct RecordArguments {
    #[command(flatten)]
    pub run: RunArguments,
    #[command(flatten)]
    pub live: LiveArguments,
    /// Calls that no model knows: refuse them, let them pass unrecorded (nothing is written whose
    /// secrets cannot be seen), or record them with only those secrets hidden that their form gives
    /// away
    #[arg(long, value_enum, value_name = "HOW", default_value = "forward")]
    pub unmodeled: Unmodeled,
    /// Calls of a known operation of which a side is not in its protocol's format: let them pass
    /// unrecorded (the model cannot say what in them is secret), or record them with only those secrets
    /// hidden that their form gives away. Error pages in plain text or HTML are always recorded
    #[arg(long, value_enum, value_name = "HOW", default_value = "forward")]
    pub undecodable: Undecodable,
    /// What is sent at this request member is made up anew in every run: the cassette says so, and
    /// replays under any such name. `auto` finds such members, and says which (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH|auto", value_parser = Binding::parse)]
    pub bind: Vec<Binding>,
    /// Leave a sensitive member readable in the cassette: `OPERATION:/path` (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub keep: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &RecordArguments) -> anyhow::Result<Exit> {
    let common = &arguments.run;
    refuse_bad_keeps(&arguments.keep)?;
    let outset = Outset::prepare(&Way {
        live: &arguments.live,
        run: common,
        unmodeled: arguments.unmodeled,
        need: Need::AtOnce,
    })?;
    let state = StateFolder::default();
    let library = Library::new(common.cassettes.clone());
    let desk = Recordings {
        library: library.clone(),
        catalog: outset.catalog.clone(),
        keep: arguments.keep.clone(),
        settled: common.settings.redaction.clone(),
        state: state.clone(),
        secrets: outset.live.secrets.clone(),
        undecodable: arguments.undecodable == Undecodable::Record,
        rules: common.settings.call_rules(),
        adds: false,
        bind: arguments.bind.clone(),
        upstream: arguments.live.upstream.as_ref().and_then(shown_upstream),
        kept: Mutex::default(),
    };
    for note in recover(&state, &library, &outset.catalog)? {
        terminal::say(&note);
    }
    let name = common.cassette();
    let own = desk.prepared(&name)?;
    let journal = Journal::create(&state, own.header.clone())?;
    let (takes, own) = Takes::new(desk, journal, own);
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    let going = Going {
        run: common,
        region: None,
        serving: recording(&library, common.cassette.as_ref()),
    };
    let ended = outset.serve(going, Sessions::new(Journalling::new(takes), name, Some(own)), &ledger)?;
    doubt_open(&ended.sessions, common, |take| take);
    let sealed = seal(ended.stage.into_takes(), ended.served)?;
    let child = sealed.child;
    let told = ended.sessions.iter().map(|session| session_report(session, 0)).collect();
    let mut summary = ledger.close(|_, _| None).summary(ReportMode::Record, common, told);
    note_asked(&library, asked_for(&ended.sessions), false);
    let mut empty = started_well(&ended.sessions, &common.cassette());
    let has_others = |own: &&Name| asked_for(&ended.sessions).iter().any(|cassette| cassette != own.as_str());
    // A cassette that was named is there to be played, also where only sessions with others made calls.
    let own = common.cassette.as_ref().filter(|own| !library.exists(own)).filter(has_others);
    empty.extend(own.map(ToString::to_string));
    let kept = sealed.keep(&empty, &mut summary)?;
    summary.options = [config(&common.settings), arguments.unmodeled.replayed(&common.again)].concat();
    emit(&common.reports, &summary)?;
    let enforce = common.contract == Some(ContractMode::Enforce);
    Ok(child.or(kept).or(summary.exit(Strictness {
        violations: enforce,
        unplayed: false,
    })))
}

/// Without a name of its own a run may well leave the cassettes of its sessions alone.
fn recording(library: &Library, own: Option<&Name>) -> String {
    match own {
        Some(own) => format!("recording `{}`", library.path(own).display()),
        None => format!("recording into `{}`", library.root().display()),
    }
}
