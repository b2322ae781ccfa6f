//! The commands, one file each: what is typed there, and what it does.

pub mod auto;
mod carrying;
pub mod check;
pub mod compare;
pub mod demo;
mod keeping;
mod key_pair;
mod ledger;
mod live;
mod matching;
mod merging;
pub mod mock;
pub mod models;
pub mod passthrough;
pub mod prune;
mod reckoning;
pub mod record;
mod recordings;
mod recovery;
pub mod refresh;
pub mod rename;
pub mod replay;
mod resend;
mod run;
pub mod scan;
pub mod schema;
pub mod scrub;
mod sealing;
mod shelf;
pub mod show;
pub mod synth;
mod tape;
pub mod trim;
mod typed;
pub mod verify;

use crate::cassette::StateFolder;
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::near;
use crate::report::words;
use anyhow::bail;
pub use run::DoorChoice;
use std::path::PathBuf;
pub use typed::Again;

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
        for source in self.sources.iter().filter(|source| !source.exists()) {
            if let Some(name) = source.to_str()
                && name != "botocore"
                && (name == "boto3" || !near::nearest(name, ["botocore"]).is_empty())
            {
                bail!("there is no model `{name}`; did you mean `--model botocore`, which takes those that boto3 has?");
            }
        }
        let state = StateFolder::default();
        let mut index = || state.make().is_ok().then(|| state.path().join("models"));
        Ok(Catalog::with_index(&self.sources, &mut index)?)
    }
}

/// Which services are known, for a message: all where they are few, else those with a name like
/// `wanted`. `typed` is what a command that lists them all must say again.
fn known_services(catalog: &Catalog, wanted: &str, typed: &[String]) -> String {
    let names: Vec<&str> = catalog.entries().iter().map(|entry| entry.listing().sdk_id.as_str()).collect();
    let all = format!("`ferrotape models{}` lists them", words(typed));
    if names.len() <= 10 {
        return format!(
            "known are {}; name another model with `--model botocore` or `--model FILE`",
            near::quoted(&names)
        );
    }
    match near::nearest(wanted, names.iter().copied()).as_slice() {
        [] => format!("none of the {} known ones is called like it; {all}", names.len()),
        found => format!("there is {}; {all}", near::quoted(found)),
    }
}

/// Which operations a service has that are called like `wanted`, for a message; nothing where none is.
fn like_operations(service: &Service, wanted: &str) -> String {
    let names = service.operations.iter().map(|operation| operation.name.as_str());
    let few: Vec<&str> = names.clone().take(4).collect();
    let found = match few.len() {
        1..=3 => few,
        _ => near::nearest(wanted, names),
    };
    match found.as_slice() {
        [] => String::new(),
        found => format!("; there is {}", near::quoted(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_writes_boto_means_botocore() {
        for name in ["boto", "boto3", "botocor", "Botocore"] {
            let sources = vec![PathBuf::from(name)];
            let told = ModelArguments { sources }.catalog().unwrap_err().to_string();
            assert!(told.contains("did you mean `--model botocore`"), "{told}");
        }
        let sources = vec![PathBuf::from("no/such.json")];
        let told = ModelArguments { sources }.catalog().unwrap_err().to_string();
        assert!(told.contains("cannot read the model `no/such.json`"), "{told}");
    }
}
