//! `ferrotape verify`: judges cassettes again, offline, by today's or tomorrow's model.

use super::ModelArguments;
use super::ledger::error_code;
use super::run::emit;
use crate::cassette::store::{files_below, load_file};
use crate::cassette::{Cassette, Interaction};
use crate::exit::Exit;
use crate::inspect::{Verdict, inspect_recorded};
use crate::model::catalog::Catalog;
use crate::report::{CallReport, CassetteReport, Mode, Outcome, SideReport, Strictness, Summary, Target};
use crate::settings::CallRules;
use anyhow::bail;
use std::path::{Path, PathBuf};

/// Judge cassettes again, offline: every request and response against the service's model.
///
/// Exit status 10 if a request or a response breaks its contract.
#[derive(Debug, clap::Args)]
pub struct VerifyArguments {
    /// Cassettes, or folders of cassettes
    #[arg(value_name = "PATH", default_value = "cassettes")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub models: ModelArguments,
    /// Write a report: `human`, `json` or `junit`, to a file with `=FILE` (repeatable)
    #[arg(long = "report", value_name = "FORM[=FILE]", value_parser = Target::parse)]
    pub reports: Vec<Target>,
}

/// Runs the command.
pub fn run(arguments: &VerifyArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let files = files(&arguments.paths)?;
    let mut summary = Summary {
        mode: Mode::Verify,
        cassettes: Vec::new(),
        sessions: Vec::new(),
        calls: Vec::new(),
        problem: None,
        all_played: false,
        notes: Vec::new(),
        command: Vec::new(),
        library: Vec::new(),
        options: Vec::new(),
    };
    let mut unreadable = false;
    for file in &files {
        match load_file(file) {
            Ok(cassette) => judge(&catalog, file, &cassette, &mut summary),
            Err(error) => {
                eprintln!("ferrotape: {error}");
                unreadable = true;
            }
        }
    }
    let exit = summary.exit(Strictness {
        violations: true,
        unplayed: false,
    });
    let unjudged = unjudged(&summary.calls);
    summary.notes.extend(unjudged.clone());
    emit(&arguments.reports, &summary)?;
    let could_not = unreadable || unjudged.is_some();
    Ok(if could_not { exit.or(Exit::CouldNotRun) } else { exit })
}

/// What no model knows was not judged, and a green `verify` must not hide it.
fn unjudged(calls: &[CallReport]) -> Option<String> {
    let unmodeled = |call: &&CallReport| call.request.as_ref().is_some_and(|side| side.verdict == Verdict::Unmodeled);
    let mut names: Vec<String> = calls.iter().filter(unmodeled).map(CallReport::title).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    let plural = if count == 1 { "interaction was" } else { "interactions were" };
    (count > 0).then(|| {
        format!(
            "{count} {plural} not judged, because no model knows them ({}); name their models with `--model botocore` or `--model FILE`",
            names.join(", ")
        )
    })
}

pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let found = files_below(path)?;
            if found.is_empty() {
                bail!(
                    "there is no cassette below `{}`; record one with `ferrotape record -- COMMAND`",
                    path.display()
                );
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn judge(catalog: &Catalog, file: &Path, cassette: &Cassette, summary: &mut Summary) {
    let name = file.display().to_string();
    for (index, interaction) in cassette.interactions.iter().enumerate() {
        summary
            .calls
            .push(report(catalog, &name, index, interaction, summary.calls.len() + 1));
    }
    summary.cassettes.push(CassetteReport {
        name,
        path: Some(file.to_owned()),
        put_aside: false,
        interactions: cassette.interactions.len(),
        unplayed: Vec::new(),
    });
}

fn report(catalog: &Catalog, cassette: &str, index: usize, interaction: &Interaction, number: usize) -> CallReport {
    let finding = inspect_recorded(catalog, interaction);
    let call = finding.call.as_ref();
    CallReport {
        number,
        service: call.map(|call| call.service.sdk_id.clone()).or_else(|| interaction.service.clone()),
        operation: call
            .map(|call| call.operation().name.clone())
            .or_else(|| interaction.operation.clone()),
        region: interaction.region.clone(),
        cassette: cassette.to_owned(),
        session: None,
        interaction: Some(index + 1),
        status: Some(interaction.response.status().as_u16()),
        error: finding.response.as_ref().and_then(error_code),
        outcome: Outcome::Judged,
        differences: Vec::new(),
        request: finding.request.as_ref().map(SideReport::from),
        response: finding.response.as_ref().map(SideReport::from),
        message: None,
        rules: CallRules::default(),
    }
}
