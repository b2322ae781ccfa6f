//! What was typed, nothing more.

use crate::commands::check::CheckArguments;
use crate::commands::demo::{DemoArguments, DemoClientArguments};
use crate::commands::mock::MockArguments;
use crate::commands::models::ModelsArguments;
use crate::commands::record::RecordArguments;
use crate::commands::replay::ReplayArguments;
use crate::commands::schema::SchemaArguments;
use crate::commands::show::ShowArguments;
use crate::commands::synth::SynthArguments;
use crate::commands::verify::VerifyArguments;
use clap::{Parser, Subcommand};

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
    #[command(subcommand)]
    pub command: Command,
}

/// One variant a command.
#[derive(Debug, Subcommand)]
pub enum Command {
    Record(RecordArguments),
    Replay(ReplayArguments),
    Verify(VerifyArguments),
    Check(CheckArguments),
    Show(ShowArguments),
    Synth(SynthArguments),
    Mock(MockArguments),
    Models(ModelsArguments),
    Demo(DemoArguments),
    #[command(hide = true)]
    DemoClient(DemoClientArguments),
    Schema(SchemaArguments),
}
