//! What users settle once instead of typing it each time: `ferrotape.toml`, and the part of it that
//! travels inside a cassette.
//!
//! Plain data, checked for form only. What a rule means is the affair of whoever applies it: the
//! matcher (`[match]`, `[[bind]]`), the redactor (`[redaction]`), the commands (the defaults of a
//! run). A key that is not known here is an error, so that a misspelt rule is not silently off.

mod file;
mod option;
mod paste;
mod place;
mod rule;
mod whole;

use crate::document::Object;
pub use file::SettingsError;
pub use option::{FileOption, Said};
pub use paste::{bind_tables, match_table};
pub use place::{Place, PlaceError, Step, Target, path_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that a settings file may say. Empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The file that was named (`--config`), where one was.
    pub file: Option<PathBuf>,
    /// The folder of the file; relative paths in it count from there.
    pub folder: PathBuf,
    /// The folder of what is not a cassette, in place of `.ferrotape`.
    pub state: Option<PathBuf>,
    /// The folder of the cassettes, in place of `cassettes`.
    pub cassettes: Option<PathBuf>,
    /// Models to load as `--model` would, before those of the command line.
    pub models: Vec<PathBuf>,
    /// Which calls count as the same.
    pub matching: Matching,
    /// Members that hold generated names.
    pub bind: Vec<Bind>,
    /// What is hidden beyond the built-in rules.
    pub redaction: Redaction,
    /// Every other key. Which are options of a run is known where the command line is read.
    pub options: Vec<FileOption>,
}

/// `[match]`: which calls count as the same, and in what order they are answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Matching {
    /// Places whose values do not count, nor what is below them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Place>,
    /// Places whose values count all the same: below an ignored one, or idempotency tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compare: Vec<Place>,
    /// Places where the client sends the time it is: something must stand there, but any time will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub now: Vec<Place>,
    /// In which order calls are answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// What is replayed as its last answer only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fold: Vec<Fold>,
    /// Operations that are polled, besides those that the model has a waiter for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub polls: Vec<String>,
}

impl Matching {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Matching::default()
    }

    /// Whether that is folded.
    pub fn folds(&self, fold: Fold) -> bool {
        self.fold.contains(&fold)
    }
}

/// All rules on which calls are the same: what travels inside a cassette, and what a run adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallRules {
    /// `[match]`.
    pub matching: Matching,
    /// `[[bind]]`.
    pub bind: Vec<Bind>,
}

impl CallRules {
    /// These and others; of two orders the other's counts.
    pub fn and(mut self, other: &CallRules) -> CallRules {
        let (own, more) = (&mut self.matching, &other.matching);
        add(&mut own.ignore, &more.ignore);
        add(&mut own.compare, &more.compare);
        add(&mut own.now, &more.now);
        add(&mut own.fold, &more.fold);
        add(&mut own.polls, &more.polls);
        own.order = more.order.or(own.order);
        add(&mut self.bind, &other.bind);
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.matching.is_empty() && self.bind.is_empty()
    }
}

fn add<T: Clone + PartialEq>(own: &mut Vec<T>, more: &[T]) {
    for rule in more {
        if !own.contains(rule) {
            own.push(rule.clone());
        }
    }
}

/// In which order calls are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Equal calls in recorded order, whatever comes between them.
    Key,
    /// All calls in recorded order.
    Strict,
}

/// What is replayed as its last answer only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Fold {
    /// The attempts of one call, which the SDK made again.
    Retries,
    /// The rounds of a loop that waits for a state.
    Polls,
}

/// `[[bind]]`: a request member that holds a name made up anew in every run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bind {
    /// The member, `OPERATION:/path`.
    pub from: Place,
}

/// `[redaction]`: rules of the user's own. They only add to the built-in ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Redaction {
    /// Sensitive members to leave readable, as `record --keep` has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<Place>,
    /// What is written for the ids of accounts.
    #[serde(skip_serializing_if = "AccountIds::is_default")]
    pub accounts: AccountIds,
    /// By id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, RedactionRule>,
}

impl Redaction {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Redaction::default()
    }
}

/// What is written for the ids of AWS accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountIds {
    /// `000000000001`, … in order of appearance.
    #[default]
    Number,
    /// The ids themselves.
    Keep,
}

impl AccountIds {
    fn is_default(&self) -> bool {
        *self == AccountIds::default()
    }
}

/// One redaction rule, `corp-token = { header = "x-corp-token" }`: what it finds is hidden.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Object<rule::Keys>", rename_all = "kebab-case")]
pub enum RedactionRule {
    /// The values of the header of that name, in requests and responses.
    Header(String),
    /// The member at that place, of the operation's input and output.
    Path(Place),
    /// What this regular expression finds, anywhere; with a group, what the first group finds.
    Pattern(String),
}

impl Settings {
    /// The rules on which calls are the same.
    pub fn call_rules(&self) -> CallRules {
        CallRules {
            matching: self.matching.clone(),
            bind: self.bind.clone(),
        }
    }

    /// Those of `config`, or of the `ferrotape.toml` that is found from `folder` upwards to the root
    /// of its repository; empty where there is none. Outside a repository only `folder` itself
    /// counts: what lies above belongs to who knows whom.
    ///
    /// In a folder below that of the file, what has its default place lies beside the file.
    pub fn find(config: Option<&Path>, folder: &Path) -> Result<Settings, SettingsError> {
        let settings = match config {
            Some(file) => file::read(file).map(|settings| Settings {
                file: Some(file.to_owned()),
                ..settings
            })?,
            None => match file::search(folder) {
                Some(file) => file::read(&file)?,
                None => return Ok(Settings::default()),
            },
        };
        Ok(settings.settled_above(folder))
    }

    fn settled_above(mut self, folder: &Path) -> Settings {
        let own = folder.join(&self.folder).canonicalize().unwrap_or_default();
        let folder = folder.canonicalize().unwrap_or_default();
        if folder != own && folder.starts_with(&own) && own.is_absolute() {
            self.cassettes = self.cassettes.or_else(|| Some(own.join("cassettes")));
            self.state = Some(own.join(".ferrotape"));
        }
        self
    }
}
