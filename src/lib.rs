//! Ferrotape: a record/replay contract-testing proxy for AWS APIs.
#![forbid(unsafe_code)]

pub mod aws_hosts;
pub mod cassette;
pub mod child;
pub mod cli;
pub mod codec;
pub mod commands;
pub mod contract;
pub mod decimal;
pub mod document;
pub mod exit;
pub mod inspect;
pub mod instant;
pub mod json;
pub mod matcher;
pub mod model;
pub mod near;
pub mod outcome;
pub mod own_url;
pub mod partitions;
pub mod pointer;
pub mod protocol;
pub mod proxy;
pub mod redaction;
pub mod report;
pub mod scope;
pub mod settings;
pub mod special_addresses;
pub mod synth;
pub mod terminal;
#[cfg(test)]
mod trials;
pub mod value;
pub mod wire;

use child::environment::{Environment, of_this_process};
use cli::{Cli, Command};
use exit::Exit;
use settings::Settings;
use std::ffi::OsString;
use std::path::PathBuf;

/// An error with its causes, each said once: many messages say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Why a command line comes to nothing.
enum Unread {
    Usage(clap::Error),
    Settings(String),
}

/// Reads a command line, and what stands in for what was not typed.
fn read(arguments: Vec<OsString>, environment: &Environment) -> Result<Cli, Unread> {
    let (cli, typed) = Cli::read(arguments.clone()).map_err(Unread::Usage)?;
    if cli.command.is_unsettled() {
        return Ok(cli);
    }
    let config = environment
        .get("FERROTAPE_CONFIG")
        .filter(|file| !file.is_empty())
        .map(PathBuf::from);
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = Settings::find(cli.config.or(config).as_deref(), &folder);
    let mut settings = settings.map_err(|error| Unread::Settings(error.to_string()))?;
    let completed = cli::complete(typed.command(), &typed, &mut settings, environment);
    let completed = completed.map_err(|error| Unread::Settings(error.to_string()))?;
    let (mut cli, _) = Cli::read_by(completed, arguments).map_err(Unread::Usage)?;
    if let Some(state) = settings.state.clone() {
        cassette::settle_state(state);
    }
    cli.command.settle(settings, &typed);
    Ok(cli)
}

/// Runs a command line and says how the process should end. Errors are told on standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let environment = of_this_process();
    let cli = match read(arguments.into_iter().collect(), &environment) {
        Ok(cli) => cli,
        Err(Unread::Usage(error)) => {
            // Help and version are not mistakes, and go to standard output.
            let text = error.render().ansi().to_string();
            if error.use_stderr() {
                terminal::styled_error(&text);
                return Exit::Usage;
            }
            let _ = terminal::styled(text.as_bytes());
            return Exit::Clean;
        }
        Err(Unread::Settings(error)) => {
            terminal::say(&error);
            return Exit::CouldNotRun;
        }
    };
    for unread in cli::unread(&environment) {
        terminal::say(&format!("warning: {unread}"));
    }
    let result = match &cli.command {
        Command::Record(arguments) => commands::record::run(arguments),
        Command::Replay(arguments) => commands::replay::run(arguments),
        Command::Auto(arguments) => commands::auto::run(arguments),
        Command::Compare(arguments) => commands::compare::run(arguments),
        Command::Passthrough(arguments) => commands::passthrough::run(arguments),
        Command::Refresh(arguments) => commands::refresh::run(arguments),
        Command::Verify(arguments) => commands::verify::run(arguments),
        Command::Check(arguments) => commands::check::run(arguments),
        Command::Show(arguments) => commands::show::run(arguments),
        Command::Trim(arguments) => commands::trim::run(arguments),
        Command::Prune(arguments) => commands::prune::run(arguments),
        Command::Rename(arguments) => commands::rename::run(arguments),
        Command::Scrub(arguments) => commands::scrub::run(arguments),
        Command::Scan(arguments) => commands::scan::run(arguments),
        Command::Synth(arguments) => commands::synth::run(arguments),
        Command::Mock(arguments) => commands::mock::run(arguments),
        Command::Models(arguments) => commands::models::run(arguments),
        Command::Demo(arguments) => commands::demo::run(arguments),
        Command::DemoClient(arguments) => commands::demo::run_client(arguments),
        Command::Schema(arguments) => commands::schema::run(arguments),
    };
    result.unwrap_or_else(|error| {
        terminal::say(&told(&error));
        Exit::CouldNotRun
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_the_message_says_already_is_not_said_twice() {
        let error = anyhow::anyhow!("no such file").context("cannot read `x`: no such file");
        assert_eq!(told(&error), "cannot read `x`: no such file");
        assert_eq!(
            told(&anyhow::anyhow!("no such file").context("cannot read `x`")),
            "cannot read `x`: no such file"
        );
    }
}
