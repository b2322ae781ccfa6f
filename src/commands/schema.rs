//! `ferrotape schema`: the JSON Schema of the cassette format.

use crate::cassette::format::SCHEMA;
use crate::exit::Exit;
use anyhow::Context;
use std::io::{self, Write};

/// Print the JSON Schema of the cassette format, for editors and for other tools.
#[derive(Debug, clap::Args)]
pub struct SchemaArguments {}

/// Runs the command.
pub fn run(_arguments: &SchemaArguments) -> anyhow::Result<Exit> {
    io::stdout()
        .lock()
        .write_all(SCHEMA.as_bytes())
        .context("cannot write the schema to standard output")?;
    Ok(Exit::Clean)
}
