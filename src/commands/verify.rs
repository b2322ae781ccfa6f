//! `ferrotape verify`: judges cassettes again, offline, by today's or tomorrow's model.

use super::ModelArguments;
use super::ledger::error_code;
use super::run::emit;
use crate::cassette::store::{Library, files_below, load_file};
use crate::cassette::{Cassette, Interaction, Name};
use crate::exit::Exit;
use crate::inspect::{Verdict, inspect_recorded};
use crate::model::catalog::Catalog;
use crate::report::{CallReport, CassetteReport, Mode, Outcome, SideReport, Strictness, Summary, Target};
use crate::settings::{CallRules, Settings};
use crate::terminal;
use anyhow::bail;
use std::path::{Path, PathBuf};

/// Judge cassettes again, offline: every request and response against the service's model.
///
/// Exit status 10 if a request or a response breaks its contract.
#[derive(Debug, clap::Args)]
pub struct VerifyArguments {
    /// Cassettes, by file or name, or folders of cassettes
    #[arg(value_name = "PATH", default_value = "cassettes")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub models: ModelArguments,
    /// Write a report: `human`, `json` or `junit`, to a file with `=FILE` (repeatable)
    #[arg(long = "report", value_name = "FORM[=FILE]", value_parser = Target::parse)]
    pub reports: Vec<Target>,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
}

/// Runs the command.
pub fn run(arguments: &VerifyArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let files = files(&arguments.paths, &arguments.settings)?;
    let mut summary = Summary {
        mode: Mode::Verify,
        cassettes: Vec::new(),
        sessions: Vec::new(),
        calls: Vec::new(),
        problem: None,
        all_played: false,
        orphans: Vec::new(),
        no_orphans: false,
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
                terminal::say(&format!("{error}"));
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
    let (were, them, models) = match count {
        1 => ("interaction was", "it", "its model"),
        _ => ("interactions were", "them", "their models"),
    };
    (count > 0).then(|| {
        format!(
            "{count} {were} not judged, because no model knows {them} ({}); name {models} with `--model botocore` or `--model FILE`",
            names.join(", ")
        )
    })
}

/// The files of cassettes that were named: as files, as folders, or as the cassettes of a run are.
pub(super) fn files(paths: &[PathBuf], settings: &Settings) -> anyhow::Result<Vec<PathBuf>> {
    let library = Library::new(settings.cassettes.clone().unwrap_or_else(|| PathBuf::from("cassettes")));
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
            continue;
        }
        let named = path.to_str().filter(|_| !path.exists()).and_then(|text| Name::parse(text).ok());
        files.push(match named {
            Some(name) if library.exists(&name) => library.path(&name),
            _ => path.clone(),
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_model_knows_is_told_in_number() {
        use crate::report::Outcome;
        use crate::report::tests::{call, side};
        let unknown = CallReport {
            request: Some(side(Verdict::Unmodeled)),
            ..call(1, Outcome::Recorded)
        };
        assert_eq!(unjudged(&[]), None);
        let one = unjudged(std::slice::from_ref(&unknown)).unwrap();
        assert!(one.contains("1 interaction was not judged, because no model knows it ("), "{one}");
        let two = unjudged(&[unknown.clone(), unknown]).unwrap();
        assert!(
            two.contains("2 interactions were not judged, because no model knows them ("),
            "{two}"
        );
        assert!(two.contains("; name their models with"), "{two}");
    }

    #[test]
    fn cassettes_are_named_by_file_by_folder_or_as_a_run_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            cassettes: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let library = Library::new(folder.path().to_owned());
        let name = Name::parse("deep/shop").unwrap();
        library.save(&name, &Cassette::default()).unwrap();
        let file = folder.path().join("deep/shop.json");
        for path in [PathBuf::from("deep/shop"), file.clone(), folder.path().to_owned()] {
            assert_eq!(
                files(std::slice::from_ref(&path), &settings).unwrap(),
                std::slice::from_ref(&file),
                "{}",
                path.display()
            );
        }
        let nowhere = [PathBuf::from("nowhere")];
        assert_eq!(files(&nowhere, &settings).unwrap(), nowhere);
    }
}
