//! What of a command line a hint says again, so that the command that it names can be pasted. What the
//! settings say is left out: they say it again by themselves.

use super::ModelArguments;
use super::matching::{Binding, MatchArguments};
use super::run::RunArguments;
use crate::cassette::Name;
use crate::proxy::playing::Remedy;
use crate::report::command_line;
use crate::settings::Settings;
use std::path::Path;

/// Which settings count.
pub fn config(settings: &Settings) -> Vec<String> {
    let file = settings.file.iter();
    file.flat_map(|file| ["--config".to_owned(), file.display().to_string()]).collect()
}

/// Where the cassettes are.
pub fn library(cassettes: &Path, settings: &Settings) -> Vec<String> {
    let mut words = config(settings);
    if cassettes != settings.cassettes.as_deref().unwrap_or(Path::new("cassettes")) {
        words.extend(["--cassettes".to_owned(), cassettes.display().to_string()]);
    }
    words
}

/// Which models are known.
pub fn models(models: &ModelArguments, settings: &Settings) -> Vec<String> {
    let typed = models.sources.iter().skip(settings.models.len());
    typed
        .flat_map(|model| ["--model".to_owned(), model.display().to_string()])
        .collect()
}

/// Which calls count as the same.
pub fn matching(arguments: &MatchArguments) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(order) = arguments.order {
        words.extend(["--order".to_owned(), named(order)]);
    }
    if !arguments.fold.is_empty() {
        let folds: Vec<String> = arguments.fold.iter().map(|fold| named(*fold)).collect();
        words.extend(["--fold".to_owned(), folds.join(",")]);
    }
    for bind in &arguments.bind {
        let place = match bind {
            Binding::Proposed => "auto".to_owned(),
            Binding::Of(place) => place.to_string(),
        };
        words.extend(["--bind".to_owned(), place]);
    }
    words
}

fn named<V: clap::ValueEnum>(value: V) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

/// A run whose hints name commands that record.
pub struct Hints {
    library: Vec<String>,
    models: Vec<String>,
    matching: Vec<String>,
    /// What no model knows is played, and so recorded.
    unmodelled: bool,
    /// Nothing goes live here.
    is_ci: bool,
    command: Vec<String>,
}

impl Hints {
    /// Those of a run.
    pub fn new(run: &RunArguments, matched: &MatchArguments, unmodelled: bool, is_ci: bool) -> Hints {
        Hints {
            library: library(&run.cassettes, &run.settings),
            models: models(&run.models, &run.settings),
            matching: matching(matched),
            unmodelled,
            is_ci,
            command: super::run::shown(&run.command),
        }
    }

    /// What to do about a call that the cassette of that name does not answer; without a name, those
    /// that sessions name.
    pub fn remedy(&self, cassette: Option<&Name>, upstream: Option<String>) -> Remedy {
        let line = |verb: &str, matching: &[String], unmodelled: bool| self.line(verb, cassette, matching, unmodelled, upstream.clone());
        let place = self.place();
        Remedy {
            add: format!("record it{place}: {}", line("auto", &self.matching, self.unmodelled)),
            // `auto` would play what is there; and the rules on what is the same are replay's alone.
            anew: format!("record all anew{place}: {}", line("record", &[], self.unmodelled)),
            unmodelled: format!("record it without a model{place}: {}", line("auto", &self.matching, true)),
        }
    }

    /// How to make a cassette that is not there; without a name, one that a session names.
    pub fn making(&self, cassette: Option<&Name>, upstream: Option<String>) -> String {
        let line = self.line("record", cassette, &[], self.unmodelled, upstream);
        format!("record it with `{line}`{}", self.place())
    }

    fn place(&self) -> &'static str {
        match self.is_ci {
            true => " on a machine where `CI` is not set",
            false => "",
        }
    }

    fn line(&self, verb: &str, cassette: Option<&Name>, matching: &[String], unmodelled: bool, upstream: Option<String>) -> String {
        let unmodelled: &[&str] = if unmodelled { &["--unmodeled", "record"] } else { &[] };
        let unmodelled: Vec<String> = unmodelled.iter().map(ToString::to_string).collect();
        let upstream: Vec<String> = upstream.into_iter().flat_map(|url| ["--upstream".to_owned(), url]).collect();
        let options = [&self.library[..], &self.models, matching, &unmodelled, &upstream].concat();
        command_line(verb, cassette.map(Name::as_str), &options, &self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArguments,
        #[command(flatten)]
        matching: MatchArguments,
    }

    fn remedy(line: &[&str], unmodelled: bool, is_ci: bool) -> Remedy {
        let mut line = Line::parse_from(["x"].iter().chain(line));
        line.run.settings.file = Some("other.toml".into());
        let hints = Hints::new(&line.run, &line.matching, unmodelled, is_ci);
        hints.remedy(Some(&line.run.cassette()), None)
    }

    #[test]
    fn a_hint_says_again_what_was_typed() {
        let typed = [
            "-c",
            "a",
            "--cassettes",
            "tapes",
            "--model",
            "m.json",
            "--order",
            "strict",
            "--fold",
            "retries,polls",
        ];
        let bound = ["--bind", "Service Catalog Put:/a", "--bind", "auto", "--", "pytest", "-q"];
        let told = remedy(&[&typed[..], &bound].concat(), true, false);
        let common = "-c a --config other.toml --cassettes tapes --model m.json";
        assert_eq!(
            told.add,
            format!(
                "record it: ferrotape auto {common} --order strict --fold retries,polls --bind 'Service Catalog Put:/a' --bind auto --unmodeled record -- pytest …"
            )
        );
        assert_eq!(
            told.anew,
            format!("record all anew: ferrotape record {common} --unmodeled record -- pytest …")
        );
    }

    #[test]
    fn where_nothing_goes_live_the_hint_is_for_another_machine() {
        let told = remedy(&["--", "pytest"], false, true);
        assert_eq!(
            told,
            Remedy {
                add: "record it on a machine where `CI` is not set: ferrotape auto -c default --config other.toml -- pytest".to_owned(),
                anew: "record all anew on a machine where `CI` is not set: ferrotape record -c default --config other.toml -- pytest"
                    .to_owned(),
                unmodelled:
                    "record it without a model on a machine where `CI` is not set: ferrotape auto -c default --config other.toml --unmodeled record -- pytest"
                        .to_owned(),
            }
        );
    }
}
