//! `ferrotape prune`: removes the cassettes that no session of the suite asks for.

use super::tape::adopt_command;
use super::typed;
use crate::cassette::former::Former;
use crate::cassette::store::Library;
use crate::cassette::suite::Suite;
use crate::cassette::{Name, StateFolder};
use crate::exit::Exit;
use crate::report::command_line;
use crate::settings::Settings;
use crate::terminal;
use anyhow::{Context, bail};
use std::path::PathBuf;

/// Remove the cassettes that no session of the suite asks for.
///
/// It goes by the last `replay --all-played` that ended well: run that over the whole suite before. What
/// other runs asked for since then stays, too. What is removed is kept under `.ferrotape/previous`.
#[derive(Debug, clap::Args)]
pub struct PruneArguments {
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
pub fn run(arguments: &PruneArguments) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.cassettes.clone());
    let state = StateFolder::default();
    let names = library.names()?;
    let Some(asked) = Suite::of(&state, library.root()).asked() else {
        let mut words = typed::library(&arguments.cassettes, &arguments.settings);
        words.push("--all-played".to_owned());
        bail!(
            "no run over the whole suite is known here; run `{} -- COMMAND` over all of it, and then prune",
            command_line("replay", None, &words, &[])
        );
    };
    let orphans: Vec<&Name> = names.iter().filter(|name| !asked.cassettes.contains(name.as_str())).collect();
    if orphans.len() == names.len() && !names.is_empty() {
        bail!(
            "no session asked for any of the {} cassettes: all would go; remove them by hand if that is meant",
            names.len()
        );
    }
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    for name in &orphans {
        let how = match arguments.dry_run {
            true => String::new(),
            false => removed(&state, &library, name)?,
        };
        terminal::line(&format!("{verb} `{}`{how}", library.path(name).display()));
    }
    terminal::line(&format!(
        "`{}`: {verb} {} of {} cassettes",
        library.root().display(),
        orphans.len(),
        names.len()
    ));
    Ok(Exit::Clean)
}

/// Removes a cassette, and says how to have it back.
fn removed(state: &StateFolder, library: &Library, name: &Name) -> anyhow::Result<String> {
    let _right = library.begin_recording(name)?;
    let path = library.path(name);
    let former = Former::keep(state, library, name).with_context(|| format!("`{}` cannot be kept aside", path.display()))?;
    library.remove(name)?;
    let command = former.map(|former| format!("; to have it back: {}", adopt_command(former.path(), &path)));
    Ok(command.unwrap_or_default())
}
