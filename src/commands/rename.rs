//! `ferrotape rename`: gives a cassette another name, with all that is known of it.

use crate::cassette::history;
use crate::cassette::store::Library;
use crate::cassette::suite::Suite;
use crate::cassette::{Name, StateFolder};
use crate::exit::Exit;
use crate::terminal;
use anyhow::{Context, bail};
use std::path::PathBuf;

/// Give a cassette another name, with its large bodies and what is known of its runs.
#[derive(Debug, clap::Args)]
pub struct RenameArguments {
    /// The cassette's name
    #[arg(value_name = "OLD", value_parser = Name::parse)]
    pub old: Name,
    /// The name that it gets; there is no cassette of that name yet
    #[arg(value_name = "NEW", value_parser = Name::parse)]
    pub new: Name,
    /// Folder of the cassettes
    #[arg(long, value_name = "DIR", default_value = "cassettes")]
    pub cassettes: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &RenameArguments) -> anyhow::Result<Exit> {
    let RenameArguments { old, new, cassettes } = arguments;
    let library = Library::new(cassettes.clone());
    // What cannot be read is no cassette.
    library.load(old)?;
    let (from, to) = (library.path(old), library.path(new));
    if library.exists(new) {
        bail!("`{}` exists already; take another name, or remove it first", to.display());
    }
    let _rights = [library.begin_recording(old)?, library.begin_recording(new)?];
    library.rename(old, new)?;
    let state = StateFolder::default();
    let told = history::rename(&state, old, new).and_then(|()| Suite::of(&state, cassettes).rename(old, new));
    told.with_context(|| format!("`{}` is renamed, but not what is known of its runs", from.display()))?;
    terminal::line(&format!("`{}` is `{}` now", from.display(), to.display()));
    Ok(Exit::Clean)
}
