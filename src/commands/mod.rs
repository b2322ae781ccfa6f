//! The commands, one file each: what is typed there, and what it does.

pub mod auto;
pub mod check;
pub mod compare;
pub mod demo;
mod keeping;
mod ledger;
mod live;
mod matching;
pub mod mock;
pub mod models;
pub mod passthrough;
pub mod record;
mod recordings;
pub mod refresh;
pub mod replay;
mod resend;
mod run;
pub mod scan;
pub mod schema;
pub mod scrub;
mod shelf;
pub mod show;
pub mod synth;
mod tape;
pub mod trim;
pub mod verify;

use crate::cassette::StateFolder;
use crate::model::catalog::{Catalog, Entry};
use crate::model::listing::folded;
use std::path::PathBuf;

/// Where models come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ModelArguments {
    /// Load service models: a Smithy 2.0 JSON AST file (the format of AWS's published models), a botocore
    /// `service-2.json` or `.gz`, a folder of either, or `botocore` for the one that the Python on PATH has
    /// installed (repeatable; of one service the model named last counts, before the built-in one)
    #[arg(long = "model", value_name = "FILE|FOLDER|botocore")]
    pub sources: Vec<PathBuf>,
}

impl ModelArguments {
    /// The built-in services and those of the named models. The index of a folder is kept in the state
    /// folder, which is made if it can be.
    pub fn catalog(&self) -> anyhow::Result<Catalog> {
        let state = StateFolder::default();
        let mut index = || state.make().is_ok().then(|| state.path().join("models"));
        Ok(Catalog::with_index(&self.sources, &mut index)?)
    }
}

/// Which services are known, for a message: all where they are few, else those with a name like
/// `wanted`.
fn known_services(catalog: &Catalog, wanted: &str) -> String {
    let entries = catalog.entries();
    let is_near = |entry: &&Entry| entries.len() <= 10 || folded(&entry.listing().sdk_id).contains(&folded(wanted));
    let near: Vec<String> = entries
        .iter()
        .filter(is_near)
        .map(|entry| format!("`{}`", entry.listing().sdk_id))
        .collect();
    match near.as_slice() {
        [] => format!(
            "none of the {} known ones is called like it; `ferrotape models` lists them",
            entries.len()
        ),
        _ => format!("known are {}; name another model with `--model`", near.join(", ")),
    }
}
