//! `ferrotape record`: forwards the calls of a command to AWS and writes a cassette of them.

use super::ledger::{Ledger, session_report};
use super::live::{Live, LiveArguments, Need, Unmodeled, Way, refuse_endpoint_of_parent};
use super::recordings::{Keeping, Recordings, number_interactions, refuse_bad_keeps};
use super::run::{ContractMode, RunArguments, Setting, emit, runtime, serve, shown};
use super::tape::recover;
use crate::cassette::StateFolder;
use crate::cassette::journal::Journal;
use crate::cassette::store::Library;
use crate::child::environment::{Mode, of_this_process};
use crate::exit::Exit;
use crate::proxy::journalling::Journalling;
use crate::proxy::record::Recorder;
use crate::proxy::sessions::{Sessions, Stage as _};
use crate::proxy::takes::Takes;
use crate::report::console::Console;
use crate::report::{Mode as ReportMode, Strictness, Summary};
use anyhow::bail;
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
        secrets: live.secrets.clone(),
        adds: false,
    };
    let name = common.cassette();
    let own = desk.prepared(&name)?;
    let journal = Journal::create(&state, own.header.clone())?;
    let stage = Journalling::new(Takes::new(desk, journal, own));
    let own = stage.open(&name).map_err(anyhow::Error::msg)?;
    let command = shown(&common.command);
    let ledger = Arc::new(Ledger::new(Console::new(&command), common.contract));
    for note in &notes {
        eprintln!("ferrotape: {note}");
    }
    let setting = Setting {
        arguments: common,
        mode: Mode::Record,
        region: None,
        options: live.options(),
        keys: live.keys,
        token: live.token,
        parent,
        serving: format!("recording `{}`", library.path(&name).display()),
        own_keys: arguments.live.sign_as_default,
    };
    let sessions = Sessions::new(stage, name, Some(own));
    let recorder = Arc::new(Recorder::new(live.forwarder, sessions, ledger.clone()));
    let served = runtime.block_on(serve(setting, recorder.clone(), &ledger));
    // Connections that outlived the drain may still hold the recorder; none is left without them.
    drop(runtime);
    let Ok(recorder) = Arc::try_unwrap(recorder) else {
        bail!("a connection could not be ended; the recording is in the journal, and the next `ferrotape record` recovers it");
    };
    let (stage, sessions) = recorder.into_sessions().into_parts();
    let (journal, takes) = stage.into_takes().into_parts();
    let run = journal.seal()?;
    let account = ledger.close(|_, _| None);
    let child = match served {
        Ok(child) => child,
        Err(error) if run.records.is_empty() => {
            run.remove()?;
            return Err(error);
        }
        Err(error) => {
            eprintln!("ferrotape: {error:#}");
            Exit::CouldNotRun
        }
    };
    let mut summary = Summary {
        mode: ReportMode::Record,
        cassettes: Vec::new(),
        sessions: sessions.iter().map(|session| session_report(session, 0)).collect(),
        calls: account.calls,
        problem: account.problem,
        all_played: false,
        notes: account.notes,
        command,
    };
    number_interactions(&mut summary.calls, &HashMap::new());
    let keeping = Keeping {
        library: &library,
        state: &state,
        catalog: &catalog,
        child,
    };
    summary.cassettes = keeping.keep(run, &takes, &mut summary.notes)?;
    emit(&common.reports, &summary)?;
    let enforce = common.contract == Some(ContractMode::Enforce);
    Ok(child.or(summary.exit(Strictness {
        violations: enforce,
        unplayed: false,
    })))
}
