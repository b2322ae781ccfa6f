//! The first look, with which most texts are done: whether anything stands in one that a secret's
//! form contains. Every text of every request is looked at, so one automaton goes over it once.

use super::{forms, vendors};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::hir::literal::Extractor;
use std::sync::LazyLock;

/// The beginnings of all triggers, in either case: some more than the triggers themselves.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let triggers = forms::TRIGGERS.iter().chain(&forms::NAMES).chain(&vendors::TRIGGERS);
    let beginnings: Option<Vec<Vec<u8>>> = triggers
        .map(|trigger| beginnings(trigger))
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat());
    let mut builder = AhoCorasick::builder();
    // Its own search for rare letters is made for long texts.
    builder
        .ascii_case_insensitive(true)
        .prefilter(false)
        .kind(Some(AhoCorasickKind::DFA));
    builder.build(beginnings?).ok()
});

/// The texts with one of which every match of a pattern begins.
fn beginnings(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let pattern = regex_syntax::parse(pattern).ok()?;
    let found = Extractor::new().extract(&pattern);
    Some(found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect())
}

/// Whether a secret's form may be in a text.
pub(super) fn may_be_in(text: &str) -> bool {
    BEGINNINGS.as_ref().is_none_or(|beginnings| beginnings.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_has_beginnings_that_say_something() {
        assert!(BEGINNINGS.is_some());
        for trigger in forms::TRIGGERS.iter().chain(&forms::NAMES).chain(&vendors::TRIGGERS) {
            let found = beginnings(trigger).unwrap();
            assert!(
                !found.is_empty() && found.iter().all(|beginning| !beginning.is_empty()),
                "{trigger}"
            );
        }
    }

    #[test]
    fn what_holds_a_trigger_is_let_through_and_most_names_are_not() {
        for text in [
            "a doo_v1",
            "my API_KEY",
            "x?sig=1",
            ";  pwd=",
            "shpat_",
            "SK0",
            "-PRIVATE KEY-",
            "http://a",
        ] {
            assert!(may_be_in(text), "{text}");
        }
        for text in ["my-service", "svc-inst-000000", "arn:aws:iam::481516234207:role/x", ""] {
            assert!(!may_be_in(text), "{text}");
        }
    }
}
