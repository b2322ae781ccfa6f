//! What was typed, nothing more.

use crate::commands::check::CheckArguments;
use clap::{Parser, Subcommand};

/// Record, replay and check AWS API calls against the service's own model.
#[derive(Debug, Parser)]
#[command(
    name = "ferrotape",
    version,
    about,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// One variant a command.
#[derive(Debug, Subcommand)]
pub enum Command {
    Check(CheckArguments),
}
