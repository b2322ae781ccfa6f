//! What of a command line a hint says again, so that the command that it names can be pasted: each
//! option that was typed and that the other command has, too. What the environment and the settings
//! file say, they say again by themselves.

use super::supplied::RUNS;
use super::{Cli, Typed};
use crate::commands::Again;
use clap::{Arg, CommandFactory};
use std::collections::BTreeMap;

/// Options that are said of one run: where its reports go, and what fails it.
const OF_ONE_RUN: [&str; 5] = ["report", "all-played", "no-orphans", "yes", "help"];

/// Options that hints say in their own way: a cassette may be another, and an upstream may hold a password.
const SAID_ELSEWHERE: [&str; 3] = ["cassette", "config", "upstream"];

/// Rules on which calls are the same. `record` writes its own into the cassette, and `replay` makes no
/// cassette: neither says those of the other.
const OF_ONE_SIDE: &str = "bind";

impl Typed {
    /// What was typed that other commands take, too, by the name of the command.
    pub(super) fn again(&self) -> Again {
        let cli = Cli::command();
        let own = cli.find_subcommand(self.command());
        let own: Vec<&Arg> = own.into_iter().flat_map(clap::Command::get_arguments).collect();
        let mut again = BTreeMap::new();
        for verb in RUNS {
            let crosses = (verb == "record") != (self.command() == "record");
            let of_verb = cli.find_subcommand(verb).into_iter().flat_map(clap::Command::get_arguments);
            let options = of_verb.filter_map(|argument| {
                let name = argument.get_long()?;
                let is_left_out = OF_ONE_RUN.contains(&name) || SAID_ELSEWHERE.contains(&name) || (crosses && name == OF_ONE_SIDE);
                let own = own.iter().find(|own| own.get_long() == Some(name)).filter(|_| !is_left_out)?;
                Some((name.to_owned(), self.words(own, argument)?))
            });
            again.insert(verb, options.collect());
        }
        Again::new(again)
    }

    /// An option as it was typed, for another command; nothing where it was not, or where that command
    /// does not take the value.
    fn words(&self, own: &Arg, other: &Arg) -> Option<Vec<String>> {
        let id = own.get_id().as_str();
        let (_, matches) = self.matches.subcommand().filter(|_| self.has(id))?;
        let flag = format!("--{}", own.get_long()?);
        if !own.get_action().takes_values() {
            return Some(vec![flag]);
        }
        let choices = other.get_possible_values();
        let named = |value: &str| match choices.iter().find(|choice| choice.matches(value, false)) {
            Some(choice) => Some(choice.get_name().to_owned()),
            None => choices.is_empty().then(|| value.to_owned()),
        };
        let typed = matches.get_raw(id)?.map(|value| named(&value.to_string_lossy()));
        let values: Vec<String> = typed.collect::<Option<_>>()?;
        Some(match own.get_value_delimiter() {
            Some(delimiter) => vec![flag, values.join(&delimiter.to_string())],
            None => values.into_iter().flat_map(|value| [flag.clone(), value]).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(line: &str, verb: &str) -> String {
        let words = std::iter::once("ferrotape").chain(line.split(' '));
        let (_, typed) = Cli::read(words.map(Into::into)).unwrap();
        typed.again().of(verb).join(" ")
    }

    #[test]
    fn each_option_that_both_commands_have_is_said_again() {
        let typed = "record -c a --door endpoint --pass-through db.example --ignore-host a.example --ignore-host b.example \
                     --answer-timeout 60 --undecodable record --unmodeled record --contract enforce --sign-as-default --keep A:/b --bind A:/c \
                     --upstream http://user:hush@there --report junit=x --cassettes tapes --model m.json -- pytest --door";
        let common = "--cassettes tapes --door endpoint --model m.json --contract enforce --pass-through db.example --ignore-host a.example \
                      --ignore-host b.example";
        assert_eq!(again(typed, "replay"), format!("{common} --unmodeled recorded"));
        assert_eq!(
            again(typed, "record"),
            format!("{common} --answer-timeout 60 --sign-as-default --unmodeled record --undecodable record --bind A:/c --keep A:/b")
        );
        assert_eq!(
            again(typed, "auto"),
            format!("{common} --answer-timeout 60 --sign-as-default --unmodeled record --undecodable record --keep A:/b")
        );
        assert_eq!(again("record --unmodeled forward", "replay"), "", "it does not take that value");
        let replay = "replay --fold retries,polls --order strict --bind A:/b --bind auto --all-played --unmodeled recorded";
        assert_eq!(again(replay, "record"), "--unmodeled record");
        assert_eq!(
            again(replay, "auto"),
            "--order strict --fold retries,polls --bind A:/b --bind auto --unmodeled record"
        );
    }

    /// A new option is said again without anybody thinking of it.
    #[test]
    fn no_option_of_a_run_is_forgotten() {
        let cli = Cli::command();
        for verb in RUNS {
            let arguments = cli.find_subcommand(verb).unwrap().get_arguments();
            let flags = arguments.filter(|argument| !argument.get_action().takes_values());
            for name in flags.filter_map(Arg::get_long).filter(|name| !OF_ONE_RUN.contains(name)) {
                let line = format!("{verb}{} --{name}", if verb == "refresh" { " x" } else { "" });
                assert_eq!(again(&line, verb), format!("--{name}"));
            }
        }
    }
}
