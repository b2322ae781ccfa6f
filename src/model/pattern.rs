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
    /// `^[class]{m,n}$`, with or without a head: the commonest form by far.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn holds(source: &str, yes: &[&str], no: &[&str]) {
        let pattern = Pattern::smithy(source);
        assert_eq!(pattern.problem(), None, "{source}");
        for text in yes {
            assert_eq!(pattern.matches(text), Matched::Yes, "{source} on {text:?}: {:?}", pattern.engine);
        }
        for text in no {
            assert_eq!(pattern.matches(text), Matched::No, "{source} on {text:?}: {:?}", pattern.engine);
        }
    }

    #[test]
    fn a_smithy_pattern_is_searched_and_a_botocore_pattern_matches_whole() {
        holds("b+", &["abc"], &["ac"]);
        holds("^a|c$", &["axx", "xxc"], &["xax"]);
        let whole = Pattern::botocore("a|c");
        assert_eq!(whole.matches("a"), Matched::Yes);
        assert_eq!(whole.matches("ab"), Matched::No);
        assert_eq!(Pattern::botocore("^[a-z]{2}$").matches("ab"), Matched::Yes);
        assert_eq!(Pattern::botocore("(?!x)[a-z]").matches("ab"), Matched::No);
        assert_eq!(Pattern::botocore("[a-z]*").matches("a,b"), Matched::No);
        assert_eq!(whole.source(), "a|c");
    }

    #[test]
    fn classes_of_letters_digits_and_spaces_are_ascii() {
        holds(r"^\d{12}$", &["123456789012"], &["١٢٣٤٥٦٧٨٩٠١٢"]);
        holds(r"^\w+$", &["aZ_9"], &["é", "ß"]);
        holds(r"^\W$", &["é"], &["a"]);
        holds(r"^\s$", &[" ", "\t", "\u{b}"], &["\u{a0}", "\u{2003}"]);
        holds(r"^[\D]+[^\S]$", &["٣ "], &["3 ", "a\u{a0}"]);
        holds(r"a\b", &["a é", "aé"], &["ab"]);
        holds(r"a\Bb", &["ab"], &["a b"]);
        holds(r"^(?=a\b)", &["a-"], &["ab"]);
    }

    #[test]
    fn a_dollar_is_the_end_and_not_the_place_before_a_last_line_end() {
        holds("^a$", &["a"], &["a\n", "a\r\n"]);
        holds("^[a]+[b]*$", &["ab"], &["ab\n"]);
        holds("(?m)^b$", &["a\nb\nc"], &["ab"]);
        holds("(?!x)^a$", &["a"], &["a\n"]);
    }

    #[test]
    fn a_dot_is_anything_a_line_break_too() {
        holds("^.$", &["a", "é", "😀", "\u{85}", "\n", "\r", "\u{2028}"], &["", "ab"]);
        holds("^(?-s).$", &["a"], &["\n", "\r", "\u{2028}", "\u{2029}"]);
        holds("^(?s).$", &["\n", "a"], &[""]);
        holds("^(?-s:.).$", &["a\n"], &["\na"]);
        holds("^(?s)", &["", "anything"], &[]);
    }

    #[test]
    fn odd_characters_in_classes_are_literal() {
        holds(r"^[\w-.]+$", &["a-.b"], &["a/"]);
        holds(r"^[\w-_]+$", &["a-_"], &["."]);
        holds(r"^[a-z-9]+$", &["-9"], &["8"]);
        holds(r"^[[]+$", &["["], &["a"]);
        holds(r"^[a&&b~~,--]+$", &["&", "~", "-", "ab,"], &["d"]);
        holds(r"^[]a]+$", &["]a"], &["b"]);
        holds(r"^[^]a]+$", &["b"], &["]"]);
        holds(r"^[a-z&&[^m]]+$", &["abc"], &["m", "&"]);
        holds(r"^[ -~&&[^:/]]+$", &["a b"], &["a:b", "é"]);
        holds(r"^[\-\_\@\:\/]+$", &["-_@:/"], &["\\"]);
        holds(r"^[\b]$", &["\u{8}"], &["b"]);
    }

    #[test]
    fn posix_and_java_properties_are_ascii_and_unicode_ones_are_not() {
        holds(r"^\p{Graph}+$", &["a!~"], &["a b", "é"]);
        holds(r"^\p{Print}+$", &["a b"], &["\n", "é"]);
        holds(r"^[\p{Alnum}_]+$", &["aZ9_"], &["é", "-"]);
        holds(r"^\p{Punct}$", &["!", "~", "`"], &["a", "§"]);
        holds(r"^\p{XDigit}+$", &["09afAF"], &["g"]);
        holds(r"^\P{Alpha}$", &["1", "é"], &["a"]);
        holds(r"^[\p{LD}]+$", &["é1"], &["-"]);
        holds(r"^\p{all}$", &["\n", "😀"], &[""]);
        holds(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$", &["é 1_.:/=+-@", ""], &["a,b"]);
        holds(r"^\pL+$", &["aé"], &["1"]);
        holds(r"^\p{IsLatin}+$", &["aé"], &["д"]);
        holds(r"^[^\p{C}]{1,2048}$", &["é"], &["\u{1}", ""]);
    }

    #[test]
    fn escapes_mean_characters() {
        holds(r"^[\u0020-\u007E]+$", &["a b"], &["\n"]);
        holds(r"^\u002F\x41\x{42}\u{43}$", &["/ABC"], &["/"]);
        holds(r"^\uD83D\uDE00$", &["😀"], &["😁"]);
        holds(r"^[\000-\037]+$", &["\u{0}\u{1f}"], &[" "]);
        holds(r"^\0101\cA$", &["A\u{1}"], &["01"]);
        holds(r"^\Qa.b\E+$", &["a.b", "a.bb"], &["axb"]);
        holds(r"^\_\<\!\%$", &["_<!%"], &["<"]);
        holds(r"^\A(a)\z$", &["a"], &["a\n"]);
        holds(r"^a{,2}b{x}}]$", &["a{,2}b{x}}]"], &["aab"]);
    }

    #[test]
    fn surrogate_pairs_in_classes_mean_what_is_beyond_the_basic_plane() {
        for source in [
            r"^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*$",
            r"^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDBFF-\uDC00\uDFFF]*$",
            r"^([\u0020-\uD7FF\uE000-\uFFFD]|[\uD800-\uDBFF][\uDC00-\uDFFF])*$",
        ] {
            holds(source, &["a😀é", "\u{10ffff}"], &["\u{0}"]);
        }
        holds(r"^[^\uD800-\uDFFF]+$", &["a", "😀"], &[""]);
    }

    #[test]
    fn possessive_repetition_is_no_repeated_repetition() {
        holds(r"^[0-9A-Z]{2}+$", &["A1"], &["A1B2"]);
        holds(r"^a++b$", &["aab"], &["b"]);
        holds(r"^a*+a$", &[], &["aaa"]);
        holds(r"^(?>a*)a$", &[], &["aaa"]);
    }

    #[test]
    fn look_around_and_back_references_are_decided() {
        holds(r"^(?!aws:)[a-z:]+$", &["abc"], &["aws:x"]);
        holds(r"^[0-9A-Za-z\.\-_]*(?<!\.)$", &["a.b"], &["a."]);
        holds(r"^(?!(.)\1{3})\d{12}$", &["121234567890"], &["111123456789"]);
        holds(r"^(?<q>['\x22]).*\k<q>$", &["'a'"], &["'a\""]);
        holds(r"^(a)(b)\1\2$", &["abab"], &["abba"]);
        holds(r"^(?!x)*a$", &["a"], &["xb"]);
        // No engine takes this one as it is written: the dash after a property is one.
        holds(r"^(?! )[\p{L}\p{N}\p{Z}-_]*(?<! )$", &["é 1-_", ""], &[" a", "a ", "."]);
        holds(r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", &["a-b"], &["a--b"]);
        // Version 0.20 of the backtracking engine took "a" for this one.
        holds(r"^(?!-)[0-9a-z]+[0-9a-z\.\-]*[0-9a-z]+$", &["ab"], &["a"]);
    }

    #[test]
    fn letter_case_is_ascii_too() {
        holds("^(?i)k[s-t]$", &["kS", "KT"], &["\u{212a}s", "k\u{17f}"]);
        holds("^(?i:a)b$", &["Ab"], &["AB"]);
        holds("^((?i)a)b$", &["Ab"], &["AB"]);
        holds("^(?i)[^a]$", &["b"], &["A"]);
        holds("^(?i)all|[0-9]{12}$", &["ALLx", "x123456789012"], &["al"]);
    }

    #[test]
    fn a_length_that_strayed_behind_the_end_is_left_out() {
        holds(r"^[a-z]+$ {1,256}", &["abc"], &["ABC"]);
    }

    #[test]
    fn huge_counts_are_decided_without_unrolling_them() {
        holds(r"^.{1,100000}$", &["a", &"é".repeat(100_000)], &["", &"é".repeat(100_001)]);
        holds(r"^([\p{L}]{0,1024})$", &["", &"é".repeat(1024)], &[&"é".repeat(1025), "1"]);
        assert!(matches!(Pattern::smithy(r"^.{1,100000}$").compile(), Engine::Run(_)));
    }

    #[test]
    fn no_pattern_takes_long() {
        let text = "0".repeat(84) + "!";
        let begin = Instant::now();
        holds(r"^([0-9]+)+$", &[&"0".repeat(84)], &[&text]);
        let backtracking = Pattern::smithy(r"^(?!x)(0|00|(0+)0)*\3$");
        assert_ne!(backtracking.matches(&text), Matched::Yes);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    #[test]
    fn the_step_limit_leaves_a_text_undecided() {
        let pattern = Pattern::smithy(r"^(?:(a+)+)+\1b$");
        assert_eq!(pattern.matches(&"a".repeat(60)), Matched::Undecided);
    }

    #[test]
    fn what_is_no_pattern_is_told_and_never_decided() {
        for source in [
            "(",
            ")",
            "[a",
            "*a",
            r"\p{InGreek}",
            r"\p{L",
            "a{2,1}",
            "[b-a]",
            "(?x)a",
            r"a\",
            r"\k<a>",
            "(?!",
        ] {
            let pattern = Pattern::smithy(source);
            assert!(pattern.problem().is_some(), "{source}");
            assert_eq!(pattern.matches("a"), Matched::Undecided, "{source}");
        }
    }

    #[test]
    fn every_published_pattern_at_hand_compiles_or_is_told() {
        let Ok(folder) = std::env::var("FERROTAPE_VECTORS") else {
            eprintln!("skipped: FERROTAPE_VECTORS is not set");
            return;
        };
        let mut sources = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(format!("{folder}/models")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let model: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                collect(&model, &mut sources);
            }
        }
        assert!(sources.len() > 200, "{} patterns", sources.len());
        let mut told = 0;
        for source in &sources {
            let pattern = Pattern::smithy(source.as_str());
            match pattern.problem() {
                None => assert!(!matches!(pattern.compile(), Engine::Neither), "{source}"),
                Some(_) => told += 1,
            }
        }
        assert_eq!(told, 0, "patterns that no engine takes");
    }

    fn collect(model: &serde_json::Value, sources: &mut std::collections::BTreeSet<String>) {
        match model {
            serde_json::Value::Object(members) => {
                if let Some(serde_json::Value::String(source)) = members.get("smithy.api#pattern") {
                    sources.insert(source.clone());
                }
                members.values().for_each(|value| collect(value, sources));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, sources)),
            _ => {}
        }
    }
}
