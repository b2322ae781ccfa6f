//! What was typed, and what stands in for what was not.

mod again;
mod supplied;

pub use supplied::{SuppliedError, complete, unread};

use crate::commands::auto::AutoArguments;
use crate::commands::check::CheckArguments;
use crate::commands::compare::CompareArguments;
use crate::commands::demo::{DemoArguments, DemoClientArguments};
use crate::commands::mock::MockArguments;
use crate::commands::models::ModelsArguments;
use crate::commands::passthrough::PassthroughArguments;
use crate::commands::prune::PruneArguments;
use crate::commands::record::RecordArguments;
use crate::commands::refresh::RefreshArguments;
use crate::commands::rename::RenameArguments;
use crate::commands::replay::ReplayArguments;
use crate::commands::scan::ScanArguments;
use crate::commands::schema::SchemaArguments;
use crate::commands::scrub::ScrubArguments;
use crate::commands::show::ShowArguments;
use crate::commands::synth::SynthArguments;
use crate::commands::trim::TrimArguments;
use crate::commands::verify::VerifyArguments;
use crate::settings::Settings;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Record, replay and check AWS API calls against the service's own model.
///
/// `ferrotape record -- pytest` forwards every AWS call and keeps it in a cassette, `ferrotape
/// replay -- pytest` answers the same calls offline and refuses what breaks the contract,
/// `ferrotape verify` judges cassettes again.
#[derive(Debug, Parser)]
#[command(
    name = "ferrotape",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Settings, instead of the `ferrotape.toml` of this folder or one above it in its repository
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// One variant a command.
#[derive(Debug, Subcommand)]
pub enum Command {
    Record(RecordArguments),
    Replay(ReplayArguments),
    Auto(AutoArguments),
    Compare(CompareArguments),
    Passthrough(PassthroughArguments),
    Refresh(RefreshArguments),
    Verify(VerifyArguments),
    Check(CheckArguments),
    Show(ShowArguments),
    Trim(TrimArguments),
    Prune(PruneArguments),
    Rename(RenameArguments),
    Scrub(ScrubArguments),
    Scan(ScanArguments),
    Synth(SynthArguments),
    Mock(MockArguments),
    Models(ModelsArguments),
    Demo(DemoArguments),
    #[command(hide = true)]
    DemoClient(DemoClientArguments),
    Schema(SchemaArguments),
}

impl Cli {
    /// Reads a command line, and says what of it was really typed.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, Typed), clap::Error> {
        Cli::read_by(Cli::command(), arguments)
    }

    /// The same with the defaults of that command.
    pub fn read_by(command: clap::Command, arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, Typed), clap::Error> {
        let matches = command.try_get_matches_from(arguments).map_err(with_tip)?;
        let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()))?;
        Ok((cli, Typed { matches }))
    }
}

/// Whoever writes `replay checkout` or `replay pytest` means one of two things.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let unknown = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if error.kind() == ErrorKind::UnknownArgument && usage.contains("<COMMAND>...") && !unknown.starts_with('-') {
        let tip = format!("a cassette is named with `-c {unknown}`; a command stands behind `--`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Which arguments were typed, and which have their default.
pub struct Typed {
    matches: ArgMatches,
}

impl Typed {
    /// The name of the command.
    pub fn command(&self) -> &str {
        self.matches.subcommand_name().unwrap_or_default()
    }

    /// Whether the argument of that name was typed.
    fn has(&self, name: &str) -> bool {
        let source = |matches: &ArgMatches| matches.try_contains_id(name).ok()?.then(|| matches.value_source(name)).flatten();
        let source = self.matches.subcommand().and_then(|(_, matches)| source(matches));
        source == Some(ValueSource::CommandLine)
    }
}

impl Command {
    /// Whether the command reads no settings: it is the same everywhere.
    pub fn is_unsettled(&self) -> bool {
        matches!(self, Command::Demo(_) | Command::DemoClient(_) | Command::Schema(_))
    }

    /// Puts what the settings say in the place of what was not typed.
    pub fn settle(&mut self, settings: Settings, typed: &Typed) {
        let (cassettes, models) = match self {
            Command::Record(arguments) => (Some(&mut arguments.run.cassettes), Some(&mut arguments.run.models)),
            Command::Replay(arguments) => (Some(&mut arguments.run.cassettes), Some(&mut arguments.run.models)),
            Command::Auto(arguments) => (Some(&mut arguments.run.cassettes), Some(&mut arguments.run.models)),
            Command::Compare(arguments) => (Some(&mut arguments.run.cassettes), Some(&mut arguments.run.models)),
            Command::Passthrough(arguments) => (None, Some(&mut arguments.run.models)),
            Command::Refresh(arguments) => (Some(&mut arguments.cassettes), Some(&mut arguments.models)),
            Command::Verify(arguments) => (None, Some(&mut arguments.models)),
            Command::Check(arguments) => (None, Some(&mut arguments.models)),
            Command::Show(arguments) => (Some(&mut arguments.cassettes), None),
            Command::Trim(arguments) => (Some(&mut arguments.cassettes), None),
            Command::Prune(arguments) => (Some(&mut arguments.cassettes), None),
            Command::Rename(arguments) => (Some(&mut arguments.cassettes), None),
            Command::Synth(arguments) => (Some(&mut arguments.cassettes), Some(&mut arguments.models)),
            Command::Scrub(arguments) => (None, Some(&mut arguments.models)),
            Command::Scan(arguments) => (None, Some(&mut arguments.models)),
            Command::Mock(arguments) => (None, Some(&mut arguments.models)),
            Command::Models(arguments) => (None, Some(&mut arguments.models)),
            Command::Demo(_) | Command::DemoClient(_) | Command::Schema(_) => (None, None),
        };
        if let (Some(cassettes), Some(settled)) = (cassettes, &settings.cassettes)
            && !typed.has("cassettes")
        {
            cassettes.clone_from(settled);
        }
        if let Some(models) = models {
            models.sources.splice(0..0, settings.models.iter().cloned());
        }
        match self {
            Command::Verify(arguments) => {
                if let (false, Some(settled)) = (typed.has("paths"), &settings.cassettes) {
                    arguments.paths = vec![settled.clone()];
                }
                arguments.settings = settings;
            }
            Command::Scrub(arguments) => {
                if let (false, Some(settled)) = (typed.has("paths"), &settings.cassettes) {
                    arguments.paths = vec![settled.clone()];
                }
                arguments.settings = settings;
            }
            Command::Scan(arguments) => {
                if let (false, Some(settled)) = (typed.has("paths"), &settings.cassettes) {
                    arguments.paths = vec![settled.clone()];
                }
                arguments.settings = settings;
            }
            Command::Record(arguments) => (arguments.run.settings, arguments.run.again) = (settings, typed.again()),
            Command::Replay(arguments) => (arguments.run.settings, arguments.run.again) = (settings, typed.again()),
            Command::Auto(arguments) => (arguments.run.settings, arguments.run.again) = (settings, typed.again()),
            Command::Compare(arguments) => (arguments.run.settings, arguments.run.again) = (settings, typed.again()),
            Command::Refresh(arguments) => (arguments.settings, arguments.again) = (settings, typed.again()),
            Command::Trim(arguments) => arguments.settings = settings,
            Command::Prune(arguments) => arguments.settings = settings,
            Command::Synth(arguments) => arguments.settings = settings,
            Command::Models(arguments) => arguments.settings = settings,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(line: &str) -> Command {
        let settings = Settings {
            cassettes: Some(PathBuf::from("kept")),
            models: vec![PathBuf::from("botocore")],
            ..Settings::default()
        };
        read(line, settings)
    }

    fn read(line: &str, settings: Settings) -> Command {
        let words = std::iter::once("ferrotape").chain(line.split(' ')).map(OsString::from);
        let (mut cli, typed) = Cli::read(words).unwrap();
        cli.command.settle(settings, &typed);
        cli.command
    }

    #[test]
    fn a_word_that_is_no_option_is_a_cassette_or_a_command() {
        let told = |line: &str| {
            let words = line.split(' ').map(OsString::from);
            Cli::read(words).map(|_| ()).unwrap_err().to_string()
        };
        let tip = "tip: a cassette is named with `-c miss`; a command stands behind `--`";
        assert!(told("ferrotape replay miss").contains(tip), "{}", told("ferrotape replay miss"));
        assert!(told("ferrotape record miss").contains(tip));
        assert!(!told("ferrotape replay --miss").contains("a cassette is named"));
        assert!(!told("ferrotape show a b").contains("a cassette is named"));
    }

    #[test]
    fn settings_stand_in_for_what_was_not_typed() {
        let Command::Replay(replay) = settled("replay -c a --model own.json") else {
            panic!()
        };
        assert_eq!(replay.run.cassettes, PathBuf::from("kept"));
        let sources = ["botocore", "own.json"].map(PathBuf::from);
        assert_eq!(replay.run.models.sources, sources, "of one service the model that was typed counts");
        assert_eq!(replay.run.settings.models.len(), 1);
        let Command::Record(record) = settled("record --cassettes cassettes") else {
            panic!()
        };
        assert_eq!(
            record.run.cassettes,
            PathBuf::from("cassettes"),
            "what is typed counts, even if it is the default"
        );
        let Command::Verify(verify) = settled("verify") else { panic!() };
        assert_eq!(verify.paths, [PathBuf::from("kept")]);
        let Command::Verify(unsettled) = read("verify", Settings::default()) else {
            panic!()
        };
        assert_eq!(unsettled.paths, [PathBuf::from("cassettes")]);
        let Command::Verify(verify) = settled("verify mine") else {
            panic!()
        };
        assert_eq!(verify.paths, [PathBuf::from("mine")]);
    }
}
