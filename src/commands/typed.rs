//! What of a command line a hint says again, so that the command that it names can be pasted. What the
//! settings say is left out: they say it again by themselves.

use super::ModelArguments;
use super::run::RunArguments;
use crate::cassette::Name;
use crate::proxy::playing::Remedy;
use crate::report::command_line;
use crate::settings::Settings;
use std::collections::BTreeMap;
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

/// What was typed that other commands take, too.
#[derive(Debug, Clone, Default)]
pub struct Again(BTreeMap<&'static str, Vec<(String, Vec<String>)>>);

impl Again {
    /// By the name of the command; each option by its name, and as the words that say it.
    pub fn new(options: BTreeMap<&'static str, Vec<(String, Vec<String>)>>) -> Again {
        Again(options)
    }

    /// What the command of that name takes.
    pub fn of(&self, verb: &str) -> Vec<String> {
        self.without(verb, "")
    }

    /// The same with `--unmodeled` as it is, however it was said.
    pub fn with_unmodeled(&self, verb: &str, how: &str) -> Vec<String> {
        let said = ["--unmodeled", how].map(str::to_owned);
        [self.without(verb, "unmodeled"), said.to_vec()].concat()
    }

    fn without(&self, verb: &str, left_out: &str) -> Vec<String> {
        let options = self.0.get(verb).into_iter().flatten();
        let options = options.filter(|(name, _)| name != left_out);
        options.flat_map(|(_, words)| words.clone()).collect()
    }
}

/// A run whose hints name commands that record.
pub struct Hints {
    config: Vec<String>,
    again: Again,
    /// What no model knows is played, and so recorded.
    unmodelled: bool,
    /// Nothing goes live here.
    is_ci: bool,
    command: Vec<String>,
}

impl Hints {
    /// Those of a run.
    pub fn new(run: &RunArguments, unmodelled: bool, is_ci: bool) -> Hints {
        Hints {
            config: config(&run.settings),
            again: run.again.clone(),
            unmodelled,
            is_ci,
            command: super::run::shown(&run.command),
        }
    }

    /// What to do about a call that the cassette of that name does not answer; without a name, those
    /// that sessions name.
    pub fn remedy(&self, cassette: Option<&Name>, upstream: Option<String>) -> Remedy {
        let line = |verb: &str, unmodelled: bool| self.line(verb, cassette, unmodelled, upstream.clone());
        let place = self.place();
        Remedy {
            add: format!("record it{place}: {}", line("auto", self.unmodelled)),
            // `auto` would play what is there.
            anew: format!("record all anew{place}: {}", line("record", self.unmodelled)),
            unmodelled: format!("record it without a model{place}: {}", line("auto", true)),
        }
    }

    /// How to make a cassette that is not there; without a name, one that a session names.
    pub fn making(&self, cassette: Option<&Name>, upstream: Option<String>) -> String {
        let line = self.line("record", cassette, self.unmodelled, upstream);
        format!("record it with `{line}`{}", self.place())
    }

    fn place(&self) -> &'static str {
        match self.is_ci {
            true => " on a machine where `CI` is not set",
            false => "",
        }
    }

    fn line(&self, verb: &str, cassette: Option<&Name>, unmodelled: bool, upstream: Option<String>) -> String {
        let again = match unmodelled {
            true => self.again.with_unmodeled(verb, "record"),
            false => self.again.of(verb),
        };
        let upstream: Vec<String> = upstream.into_iter().flat_map(|url| ["--upstream".to_owned(), url]).collect();
        let options = [&self.config[..], &again, &upstream].concat();
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
    }

    fn remedy(line: &[&str], again: &[(&'static str, &[&str])], unmodelled: bool, is_ci: bool) -> Remedy {
        let mut line = Line::parse_from(["x"].iter().chain(line));
        line.run.settings.file = Some("other.toml".into());
        let said = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let option = |words: &&[&str]| (words[0].trim_start_matches("--").to_owned(), said(words));
        let options = again
            .iter()
            .map(|(verb, words)| (*verb, words.chunks(2).collect::<Vec<_>>().iter().map(option).collect()));
        line.run.again = Again::new(options.collect());
        let hints = Hints::new(&line.run, unmodelled, is_ci);
        hints.remedy(Some(&line.run.cassette()), None)
    }

    #[test]
    fn a_hint_says_again_what_was_typed() {
        let again: [(&str, &[&str]); 2] = [
            (
                "auto",
                &["--order", "strict", "--unmodeled", "refuse", "--bind", "Service Catalog Put:/a"],
            ),
            ("record", &["--pass-through", "it's"]),
        ];
        let told = remedy(&["-c", "a", "--", "py test", "-q"], &again, true, false);
        let add =
            "ferrotape auto -c a --config other.toml --order strict --bind 'Service Catalog Put:/a' --unmodeled record -- 'py test' …";
        assert_eq!(told.add, format!("record it: {add}"));
        assert_eq!(told.unmodelled, format!("record it without a model: {add}"));
        assert_eq!(
            told.anew,
            r"record all anew: ferrotape record -c a --config other.toml --pass-through 'it'\''s' --unmodeled record -- 'py test' …"
        );
        let told = remedy(&["-c", "a"], &again, false, false);
        assert!(told.add.contains("--unmodeled refuse"), "{}", told.add);
    }

    #[test]
    fn where_nothing_goes_live_the_hint_is_for_another_machine() {
        let told = remedy(&["--", "pytest"], &[], false, true);
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
