//! `@pattern`: whether a text obeys one.
//!
//! A linear-time engine decides wherever it can; look-around and back-references go to a
//! backtracking engine with a step limit, and what it cannot decide within the limit stays
//! undecided. The dialect is the business of [`translate`].

mod class;
mod run;
pub(super) mod translate;

use regex_syntax::hir::Hir;
use run::ClassRun;
use std::sync::OnceLock;
use translate::{Refusal, Target, translate};

/// Steps of the backtracking engine before it gives up: some milliseconds.
const BACKTRACK_LIMIT: usize = 200_000;

/// Bytes that a compiled pattern may take. What needs more is left undecided.
const SIZE_LIMIT: usize = 32 << 20;

/// A pattern as the model writes it, compiled when it is first used: most patterns of a model are
/// never met in a run, and all together take seconds.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    /// The text must match as a whole; else anywhere.
    whole: bool,
    engine: OnceLock<Engine>,
}

/// What a pattern says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    Yes,
    No,
    /// No engine takes the pattern, or the step limit was hit.
    Undecided,
}

#[derive(Debug)]
enum Engine {
    /// Any text matches.
    Everything,
    /// `^[class]{m,n}$`, the commonest form by far.
    Run(ClassRun),
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
    Neither,
}

impl Pattern {
    /// A pattern of a Smithy model: searched for, not anchored (Smithy 2.0, "pattern trait").
    pub fn smithy(source: impl Into<String>) -> Pattern {
        Pattern::new(source.into(), false)
    }

    /// A pattern of a botocore model: the whole text must match, as the services read it.
    pub fn botocore(source: impl Into<String>) -> Pattern {
        Pattern::new(source.into(), true)
    }

    fn new(source: String, whole: bool) -> Pattern {
        Pattern {
            source,
            whole,
            engine: OnceLock::new(),
        }
    }

    /// The text of the trait.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether `text` obeys the pattern.
    pub fn matches(&self, text: &str) -> Matched {
        let matched = match self.engine.get_or_init(|| self.compile()) {
            Engine::Everything => true,
            Engine::Run(run) => run.matches(text),
            Engine::Linear(regex) => regex.is_match(text),
            Engine::Backtracking(regex) => match regex.is_match(text) {
                Ok(matched) => matched,
                Err(_) => return Matched::Undecided,
            },
            Engine::Neither => return Matched::Undecided,
        };
        if matched { Matched::Yes } else { Matched::No }
    }

    /// Why neither engine takes the pattern. It is parsed and not compiled, so that every pattern
    /// of a model can be asked at load.
    pub fn problem(&self) -> Option<String> {
        match self.translated(Target::Linear) {
            Ok(text) => regex_syntax::parse(&text).err().map(|error| syntax_problem(&error)),
            Err(Refusal::Invalid(what)) => Some(what),
            Err(Refusal::NeedsBacktracking) => match self.translated(Target::Backtracking) {
                Ok(text) => fancy_regex::Expr::parse_tree(&text).err().map(|error| error.to_string()),
                Err(Refusal::Invalid(what)) => Some(what),
                Err(Refusal::NeedsBacktracking) => None,
            },
        }
    }

    /// The pattern's structure for making samples, without what only the backtracking engine knows.
    pub(super) fn structure(&self) -> Option<Hir> {
        regex_syntax::parse(&self.translated(Target::Sampling).ok()?).ok()
    }

    fn translated(&self, target: Target) -> Result<String, Refusal> {
        let text = translate(&self.source, target)?;
        Ok(if self.whole { format!(r"\A(?:{text})\z") } else { text })
    }

    fn compile(&self) -> Engine {
        match self.translated(Target::Linear) {
            Ok(text) => linear(&text),
            Err(Refusal::NeedsBacktracking) => self
                .translated(Target::Backtracking)
                .map_or(Engine::Neither, |text| backtracking(&text)),
            Err(Refusal::Invalid(_)) => Engine::Neither,
        }
    }
}

fn linear(text: &str) -> Engine {
    let Ok(structure) = regex_syntax::parse(text) else {
        return Engine::Neither;
    };
    if structure.properties().look_set().is_empty() && structure.properties().minimum_len() == Some(0) {
        return Engine::Everything;
    }
    if let Some(run) = ClassRun::find(&structure) {
        return Engine::Run(run);
    }
    match regex::RegexBuilder::new(text).size_limit(SIZE_LIMIT).build() {
        Ok(regex) => Engine::Linear(regex),
        Err(_) => Engine::Neither,
    }
}

fn backtracking(text: &str) -> Engine {
    let built = fancy_regex::RegexBuilder::new(text)
        .backtrack_limit(BACKTRACK_LIMIT)
        .delegate_size_limit(SIZE_LIMIT)
        .build();
    built.map_or(Engine::Neither, |regex| Engine::Backtracking(Box::new(regex)))
}

fn syntax_problem(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}
