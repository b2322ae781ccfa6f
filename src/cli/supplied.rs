//! Options that were not typed: from the environment (`FERROTAPE_DOOR` for `--door`), else from the
//! settings file. A flag counts over the environment, and the environment over the file.

use super::{Cli, Typed};
use crate::child::environment::Environment;
use crate::near::{nearest, quoted};
use crate::settings::{FileOption, Said, Settings};
use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, CommandFactory};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The commands whose options may stand elsewhere.
pub(super) const RUNS: [&str; 6] = ["record", "replay", "auto", "compare", "passthrough", "refresh"];

/// Options of theirs that are typed or not meant.
const TYPED_ONLY: [&str; 4] = ["help", "version", "config", "yes"];

/// Options that the file has under a name of its own, and that name.
const ELSEWHERE: [(&str, &str); 6] = [
    ("model", "`models`"),
    ("order", "`order` under `[match]`"),
    ("fold", "`fold` under `[match]`"),
    ("ignore", "`ignore` under `[match]`"),
    ("keep", "`keep` under `[redaction]`"),
    ("bind", "`[[bind]]`"),
];

/// What the start of a variable's name says that it is ours.
const PREFIX: &str = "FERROTAPE_";

/// Variables that are no options: what the command under test is given, and what the tests are.
const NO_OPTIONS: [&str; 6] = ["URL", "TOKEN", "CONFIG", "CLIENTS", "VECTORS", "THOROUGH"];

/// The settings are wrong, or the environment is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuppliedError {
    /// A value makes no sense. `place` is a variable, or a place in a file.
    #[error("`{place}`: {what}")]
    Wrong {
        /// Which variable, or where in the file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
}

/// What one option is given, and by whom.
struct Supply {
    option: String,
    values: Vec<String>,
    /// The variable, or the place in the file.
    place: String,
}

/// The command line of that command with what was supplied in the place of the built-in defaults.
///
/// # Errors
/// Where a value is none of the option's; it names the variable or the place in the file.
pub fn complete(command: &str, typed: &Typed, settings: &mut Settings, environment: &Environment) -> Result<clap::Command, SuppliedError> {
    let cli = Cli::command();
    let known = options(&cli);
    check_names(&known, &settings.options)?;
    take_folder(settings, command, environment);
    take_models(settings, environment);
    let arguments = cli.find_subcommand(command).into_iter().flat_map(clap::Command::get_arguments);
    let mut supplied = Vec::new();
    for argument in arguments {
        let Some(name) = argument.get_long().filter(|name| known.contains(*name)) else {
            continue;
        };
        if typed.has(argument.get_id().as_str()) || matches!(name, "model" | "cassettes") {
            continue;
        }
        let Some(supply) = supply(argument, name, command, settings, environment)? else {
            continue;
        };
        check(command, argument, &supply)?;
        supplied.push((argument.get_id().to_string(), supply));
    }
    Ok(cli.clone().mut_subcommand(command, |mut subcommand| {
        for (id, supply) in supplied {
            subcommand = subcommand.mut_arg(id, |argument| argument.default_values(supply.values));
        }
        subcommand
    }))
}

/// Variables that nobody reads, with what may have been meant.
pub fn unread(environment: &Environment) -> Vec<String> {
    let known: Vec<String> = options(&Cli::command()).iter().map(|name| variable(name)).collect();
    let ours = environment.keys().filter_map(|name| Some((name, name.strip_prefix(PREFIX)?)));
    let unknown = ours.filter(|(name, rest)| !NO_OPTIONS.contains(rest) && !known.contains(name));
    unknown
        .map(|(name, _)| match nearest(name, known.iter().map(String::as_str)).as_slice() {
            [] => format!("`{name}` is no option of Ferrotape, and is not read"),
            [likest, ..] => format!("`{name}` is no option of Ferrotape, and is not read; there is `{likest}`"),
        })
        .collect()
}

/// The long names of all options of a run.
fn options(cli: &clap::Command) -> BTreeSet<String> {
    let runs = RUNS.iter().filter_map(|name| cli.find_subcommand(name));
    let names = runs.flat_map(clap::Command::get_arguments).filter_map(Arg::get_long);
    names.filter(|name| !TYPED_ONLY.contains(name)).map(str::to_owned).collect()
}

fn variable(option: &str) -> String {
    format!("{PREFIX}{}", option.replace('-', "_").to_uppercase())
}

fn value_of<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// A key of the file that is no option is a mistake, whichever command runs.
fn check_names(known: &BTreeSet<String>, options: &[FileOption]) -> Result<(), SuppliedError> {
    for option in options {
        match &option.value {
            Said::Table(below) if RUNS.contains(&option.name.as_str()) => {
                for option in below {
                    check_name(known, option, true)?;
                }
            }
            _ => check_name(known, option, false)?,
        }
    }
    Ok(())
}

fn check_name(known: &BTreeSet<String>, option: &FileOption, in_table: bool) -> Result<(), SuppliedError> {
    let name = option.name.as_str();
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| !in_table && *other == name);
    let what = match elsewhere {
        Some((_, place)) => format!("`{name}` is written as {place} here"),
        None if known.contains(name) => return Ok(()),
        None => {
            let own = ["cassettes", "models", "match", "redaction"].iter().chain(&RUNS).copied();
            let names = known.iter().map(String::as_str).chain(own.filter(|_| !in_table));
            match nearest(name, names).as_slice() {
                [] => format!("unknown key `{name}`; a key is the name of an option of a run, such as `door` for `--door`"),
                like => format!("unknown key `{name}`; there is {}", quoted(like)),
            }
        }
    };
    Err(SuppliedError::Wrong {
        place: option.place.clone(),
        what,
    })
}

/// The folder of the cassettes counts for every command that has one, not for runs alone.
fn take_folder(settings: &mut Settings, command: &str, environment: &Environment) {
    let of_command = of_file(settings, "cassettes", command).and_then(|option| match &option.value {
        Said::Word(folder) => Some(settings.folder.join(folder)),
        _ => None,
    });
    let folder = value_of(environment, &variable("cassettes")).map(PathBuf::from);
    settings.cassettes = folder.or(of_command).or(settings.cassettes.take());
}

/// Models add up: of one service the last counts, which is that of the command line.
fn take_models(settings: &mut Settings, environment: &Environment) {
    let models = value_of(environment, &variable("model")).unwrap_or_default();
    settings.models.extend(listed(models).map(PathBuf::from));
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn supply(
    argument: &Arg,
    name: &str,
    command: &str,
    settings: &Settings,
    environment: &Environment,
) -> Result<Option<Supply>, SuppliedError> {
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
    let is_many = matches!(argument.get_action(), ArgAction::Append);
    let variable = variable(name);
    let (values, place) = if let Some(value) = value_of(environment, &variable) {
        let values = if is_many {
            listed(value).map(str::to_owned).collect()
        } else {
            vec![value.to_owned()]
        };
        (values, variable)
    } else if let Some(option) = of_file(settings, name, command) {
        (said(option, name, &settings.folder), option.place.clone())
    } else {
        return Ok(None);
    };
    let values = match (is_flag, values.as_slice()) {
        (true, [value]) => vec![switch(value, &place)?],
        (false, [_]) => values,
        _ if is_many => values,
        _ => {
            return Err(SuppliedError::Wrong {
                place,
                what: format!("`{name}` has one value"),
            });
        }
    };
    Ok(Some(Supply {
        option: name.to_owned(),
        values,
        place,
    }))
}

/// What the file says of an option: in the table of the command, else at the top.
fn of_file<'s>(settings: &'s Settings, name: &str, command: &str) -> Option<&'s FileOption> {
    let named = |options: &'s [FileOption], name: &str| options.iter().find(|option| option.name == name);
    let table = named(&settings.options, command).and_then(|table| match &table.value {
        Said::Table(options) => named(options, name),
        _ => None,
    });
    table.or_else(|| named(&settings.options, name))
}

/// The values of an option in the file. Paths count from its folder.
fn said(option: &FileOption, name: &str, folder: &Path) -> Vec<String> {
    let words = match &option.value {
        Said::Flag(flag) => vec![flag.to_string()],
        Said::Word(word) => vec![word.clone()],
        Said::Words(words) => words.clone(),
        Said::Table(_) => Vec::new(),
    };
    let from_here = |path: &str| folder.join(path).display().to_string();
    words
        .into_iter()
        .map(|word| match (name, word.split_once('=')) {
            ("upstream-ca", _) => from_here(&word),
            ("report", Some((form, path))) if !path.is_empty() => format!("{form}={}", from_here(path)),
            _ => word,
        })
        .collect()
}

fn switch(value: &str, place: &str) -> Result<String, SuppliedError> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok("true".to_owned()),
        "false" | "0" | "no" | "off" => Ok("false".to_owned()),
        _ => Err(SuppliedError::Wrong {
            place: place.to_owned(),
            what: format!("`{value}` is neither `true` nor `false`"),
        }),
    }
}

/// Reads a value as if it were typed, for what the option itself says against it.
fn check(command: &str, argument: &Arg, supply: &Supply) -> Result<(), SuppliedError> {
    if matches!(argument.get_action(), ArgAction::SetTrue) {
        return Ok(());
    }
    let typed = supply.values.iter().map(|value| format!("--{}={value}", supply.option));
    let line = ["ferrotape".to_owned(), command.to_owned()].into_iter().chain(typed);
    match Cli::command().try_get_matches_from(line) {
        Err(error) if is_of_value(error.kind()) => Err(SuppliedError::Wrong {
            place: supply.place.clone(),
            what: in_one_line(&error),
        }),
        _ => Ok(()),
    }
}

fn is_of_value(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::InvalidUtf8)
}

/// What clap says of a value, without its frame.
fn in_one_line(error: &clap::Error) -> String {
    let value = error.get(ContextKind::InvalidValue).map(ToString::to_string).unwrap_or_default();
    let text = error.to_string();
    let said = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    match said.split_once(": ").filter(|_| error.kind() == ErrorKind::ValueValidation) {
        Some((_, why)) => format!("invalid value `{value}`: {why}"),
        None => {
            let choices = said.lines().nth(1).map(str::trim).unwrap_or_default();
            format!("invalid value `{value}` {choices}").trim_end().to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
