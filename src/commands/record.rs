//! `ferrotape record`: forwards the calls of a command to AWS and writes a cassette of them.

use super::ledger::{Ledger, session_report};
use super::live::{Going, Live, LiveArguments, Need, Unmodeled, Way, refuse_endpoint_of_parent};
use super::matching::{Binding, keep_binds};
use super::recordings::{Keeping, Recordings, Sealed, number_interactions, refuse_bad_keeps, seal};
use super::run::{ContractMode, RunArguments, emit, runtime};
use super::shelf::shown_upstream;
use super::tape::recover;
use crate::cassette::journal::Journal;
use crate::cassette::store::Library;
use crate::cassette::{Name, StateFolder, history};
use crate::child::environment::of_this_process;
use crate::exit::Exit;
use crate::proxy::journalling::Journalling;
use crate::proxy::sessions::{Sessions, Stage as _};
use crate::proxy::takes::Takes;
use crate::report::{Mode as ReportMode, Strictness};
use anyhow::Context;
use std::collections::HashMap;
use std::sync::Arc;

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
    let parent = of_this_process();
    let common = &arguments.run;
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
        need: Need::AtOnce,
        parent: &parent,
    };
    let live = Live::prepare(&way, catalog.clone(), &runtime, &mut notes)?;
    let desk = Recordings {
        library: library.clone(),
        catalog: catalog.clone(),
        keep: arguments.keep.clone(),
        settled: common.settings.redaction.clone(),
        secrets: live.secrets.clone(),
        adds: false,
    };
    let name = common.cassette();
    let own = desk.prepared(&name)?;
    let journal = Journal::create(&state, own.header.clone())?;
    let stage = Journalling::new(Takes::new(desk, journal, own));
    let own = stage.open(&name).map_err(anyhow::Error::msg)?;
    let ledger = Arc::new(Ledger::new(common.console(), common.contract));
    for note in &notes {
        eprintln!("ferrotape: {note}");
    }
    let going = Going {
        run: common,
        region: None,
        parent: parent.clone(),
        serving: format!("recording `{}`", library.path(&name).display()),
    };
    let ended = live.serve(runtime, going, Sessions::new(stage, name, Some(own)), &ledger)?;
    let Sealed { run, takes, child } = seal(ended.stage.into_takes(), ended.served)?;
    let account = ledger.close(|_, _| None);
    let told = ended.sessions.iter().map(|session| session_report(session, 0)).collect();
    let mut summary = account.summary(ReportMode::Record, common, told);
    summary.options.extend(arguments.unmodeled.replayed());
    number_interactions(&mut summary.calls, &HashMap::new());
    let keeping = Keeping {
        library: &library,
        state: &state,
        catalog: &catalog,
        child,
    };
    summary.cassettes = keeping.keep(run, &takes, &mut summary.notes)?;
    for cassette in &summary.cassettes {
        let Some(path) = &cassette.path else { continue };
        let folder = Library::new(if cassette.put_aside {
            state.partial()
        } else {
            common.cassettes.clone()
        });
        let name = Name::parse(&cassette.name).with_context(|| format!("`{}` was recorded", path.display()))?;
        summary.notes.extend(keep_binds(&arguments.bind, &folder, &name, &catalog)?);
        // A hint may say where it was recorded from; without it, it says less.
        let upstream = arguments.live.upstream.as_ref().and_then(shown_upstream);
        let _ = history::note_upstream(&state, &name, upstream.as_deref());
    }
    emit(&common.reports, &summary)?;
    let enforce = common.contract == Some(ContractMode::Enforce);
    Ok(child.or(summary.exit(Strictness {
        violations: enforce,
        unplayed: false,
    })))
}
