//! The commands, one file each: what is typed there, and what it does.

pub mod check;
pub mod demo;
mod ledger;
pub mod mock;
pub mod record;
pub mod replay;
mod run;
pub mod schema;
pub mod show;
pub mod synth;
mod tape;
pub mod verify;

use crate::model::catalog::Catalog;
use std::path::PathBuf;

/// Where models come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ModelArguments {
    /// Load a service model: a Smithy 2.0 JSON AST file, the format of AWS's published models
    /// (repeatable; replaces the built-in model of the same service)
    #[arg(long = "model", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

impl ModelArguments {
    /// The built-in services and those of the named files.
    pub fn catalog(&self) -> anyhow::Result<Catalog> {
        Ok(Catalog::with_models(&self.files)?)
    }
}
