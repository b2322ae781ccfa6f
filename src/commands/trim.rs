//! `ferrotape trim`: takes out of a cassette what no run has asked for.

use super::typed;
use crate::cassette::history::History;
use crate::cassette::store::Library;
use crate::cassette::{Name, StateFolder};
use crate::exit::Exit;
use crate::report::command_line;
use crate::settings::Settings;
use crate::terminal;
use anyhow::{Context, bail};
use std::path::PathBuf;

/// Remove from a cassette the interactions that no replay has played.
///
/// Every `replay` and `auto` that ends well notes in the state folder what it played. What none has played since
/// the cassette was last changed is removed; replay all programs that use it before.
#[derive(Debug, clap::Args)]
pub struct TrimArguments {
    /// The cassette's name
    #[arg(value_name = "NAME", value_parser = Name::parse)]
    pub cassette: Name,
    /// Folder of the cassettes
    #[arg(long, value_name = "DIR", default_value = "cassettes")]
    pub cassettes: PathBuf,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
}

/// Runs the command.
pub fn run(arguments: &TrimArguments) -> anyhow::Result<Exit> {
    let name = &arguments.cassette;
    let library = Library::new(arguments.cassettes.clone());
    let mut cassette = library.load(name)?;
    let path = library.path(name);
    let file = crate::document::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let history = History::read(&StateFolder::default(), name, &file);
    if history.runs == 0 {
        let places = typed::library(&arguments.cassettes, &arguments.settings);
        bail!(
            "no replay of `{name}` as it is now is known here; run `{} -- COMMAND` with every program that uses it, and then trim it",
            command_line("replay", Some(name.as_str()), &places, &[])
        );
    }
    let runs = if history.runs == 1 {
        "1 run"
    } else {
        &format!("{} runs", history.runs)
    };
    if history.played.is_empty() {
        bail!("{runs} played nothing of `{name}`: all of it would go; remove the file instead if that is meant");
    }
    let mut position = 0;
    let mut removed = 0;
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    cassette.interactions.retain(|interaction| {
        let is_used = history.played.contains(&position);
        position += 1;
        if !is_used {
            removed += 1;
            let words = [interaction.service.as_deref(), interaction.operation.as_deref()];
            let title: Vec<&str> = words.into_iter().flatten().collect();
            let title = if title.is_empty() {
                interaction.request.uri().path().to_owned()
            } else {
                title.join(" ")
            };
            terminal::line(&format!("{verb} interaction {position}: {title}"));
        }
        is_used
    });
    let left = cassette.interactions.len();
    terminal::line(&format!(
        "`{}`: {verb} {removed} of {position} interactions, {left} left; {runs} counted",
        path.display()
    ));
    if removed == 0 || arguments.dry_run {
        return Ok(Exit::Clean);
    }
    library.save(name, &cassette)?;
    Ok(Exit::Clean)
}
