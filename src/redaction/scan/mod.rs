//! Secrets known by their form, wherever they are: in a header, a URL, a nested JSON document, a
//! form, a base64 or percent-encoded text, a map key, or plain text.
//!
//! A stand-in has the form of what it stands for, and its mark (see [`super::stand_in`]). So one
//! function serves both ends: [`Search::scrub`] writes stand-ins, and what it would still change in
//! a finished interaction is a leak ([`leaks`]). A text is searched as a document where it is one
//! ([`document`]), by the forms of secrets ([`forms`]), and behind what hides it ([`layers`]).

pub mod accounts;
mod budget;
#[cfg(test)]
mod chance_tests;
mod document;
mod forms;
pub mod layers;
mod leaks;
#[cfg(test)]
mod tests;
mod triggers;
mod vendors;
mod written;

pub use accounts::{AccountIds, accounts, has_twelve_digits, is_account_stand_in, rename_accounts, twelve_digits};
pub use budget::Budget;
pub use leaks::{leaks, literally};

use super::memory::Recall;
use super::rules::Rule;
use super::stand_in::StandIns;
use super::user::Pattern;
use budget::MAX_NESTING;
use regex::Regex;
use std::borrow::Cow;

/// The shortest text that can hold a secret's form.
const SHORTEST: usize = 8;

/// The patterns are constants; the tests compile every one.
#[allow(clippy::expect_used)]
fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// What is searched for, and what is written instead.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The maker of what is written.
    pub stand_ins: &'a StandIns,
    /// What the user looks for beyond the known forms.
    pub patterns: &'a [Pattern],
    /// What may be spent on the message of which the texts are.
    pub budget: &'a Budget,
    /// Who knows values that are hidden wherever they recur.
    pub known: Option<&'a dyn Recall>,
}

/// Opens what is encoded in a text, and closes it again.
type Layer<'l> = &'l dyn Fn(&str, layers::Open<'_>) -> Option<String>;

/// A text with stand-ins, and the first rule that found something in it.
pub type Scrubbed = (String, Rule);

impl<'a> Search<'a> {
    /// A search for the known forms alone.
    pub fn new(stand_ins: &'a StandIns, budget: &'a Budget) -> Search<'a> {
        Search {
            stand_ins,
            patterns: &[],
            budget,
            known: None,
        }
    }

    /// The text with every secret that its form gives away replaced by a stand-in, and the first
    /// rule that found one; nothing where there is none (the common case, told by one quick search).
    pub fn scrub(&self, text: &str) -> Option<Scrubbed> {
        self.budget.grant(text.len());
        self.nested(text, 0)
    }

    /// Bytes that are no text, likewise: compressed text, text of two bytes a letter, and forms of
    /// secrets that stand in the midst of anything.
    pub fn scrub_bytes(&self, bytes: &[u8]) -> Option<(Vec<u8>, Rule)> {
        self.budget.grant(bytes.len());
        let mut found = None;
        let mut open = |text: &str| {
            let (clean, rule) = self.nested(text, 0)?;
            found.get_or_insert(rule);
            Some(clean)
        };
        match layers::in_bytes(bytes, self.budget, &mut open) {
            Some(clean) => clean.and_then(|clean| Some((clean, found?))),
            None => self.known_in_bytes(bytes).or_else(|| forms::in_bytes(self.stand_ins, bytes)),
        }
    }

    fn known_in_bytes(&self, bytes: &[u8]) -> Option<(Vec<u8>, Rule)> {
        let hidden = self.known?.hide_in_bytes(bytes)?;
        Some((
            forms::in_bytes(self.stand_ins, &hidden).map_or(hidden, |(clean, _)| clean),
            Rule::KnownValues,
        ))
    }

    /// Known values first: a form would find only a part of some.
    fn nested(&self, text: &str, nesting: usize) -> Option<Scrubbed> {
        let Some(hidden) = self.known.and_then(|known| known.hide(text)) else {
            let (clean, rule) = self.by_form(text, nesting)?;
            // What a form hides may have kept a text from being the recorded one.
            let hidden = self.known.and_then(|known| known.hide(&clean));
            return Some(hidden.map_or((clean, rule), |hidden| (hidden, Rule::KnownValues)));
        };
        let clean = self.by_form(&hidden, nesting).map_or(hidden, |(clean, _)| clean);
        // What a form gives away is listed for that, whether it was known or not.
        let by_form = self.by_form(text, nesting).filter(|(by_form, _)| *by_form == clean);
        let rule = by_form.map_or(Rule::KnownValues, |(_, rule)| rule);
        Some((clean, rule))
    }

    fn by_form(&self, text: &str, nesting: usize) -> Option<Scrubbed> {
        if text.len() < SHORTEST || nesting > 0 && !self.budget.spend(text.len()) {
            return None;
        }
        if nesting == MAX_NESTING {
            self.refuse_hidden(text);
            return forms::plain(self, text);
        }
        if document::may_be(text)
            && let Some(scrubbed) = document::json(self, text, nesting)
        {
            return scrubbed;
        }
        let mut changed = Changed::new(text);
        changed.by(|text| document::embedded(self, text, nesting));
        changed.by(|text| document::form(self, text, nesting));
        changed.by(|text| forms::plain(self, text));
        changed.by(|text| self.behind(text, nesting, &|text, open| layers::in_base64(text, self.budget, open)));
        changed.by(|text| self.behind(text, nesting, &layers::in_percent));
        changed.by(|text| self.behind(text, nesting, &|text, open| layers::in_hexadecimal(text, self.budget, open)));
        changed.into_scrubbed()
    }

    /// What is hidden so deep is not looked into, and nobody may take it for searched.
    fn refuse_hidden(&self, text: &str) {
        let mut open = |_: &str| {
            self.budget.exceed();
            None
        };
        let _ = layers::in_base64(text, self.budget, &mut open);
        let _ = layers::in_percent(text, &mut open);
        let _ = layers::in_hexadecimal(text, self.budget, &mut open);
        if document::is_in(text) {
            self.budget.exceed();
        }
    }

    /// What stands behind an encoding of the text's parts.
    fn behind(&self, text: &str, nesting: usize, layer: Layer<'_>) -> Option<Scrubbed> {
        let mut found = None;
        let clean = layer(text, &mut |inner| {
            let (clean, rule) = self.nested(inner, nesting + 1)?;
            found.get_or_insert(rule);
            Some(clean)
        })?;
        Some((clean, found?))
    }
}

/// A text on its way through several searches.
struct Changed<'t> {
    text: Cow<'t, str>,
    rule: Option<Rule>,
}

impl<'t> Changed<'t> {
    fn new(text: &'t str) -> Changed<'t> {
        Changed {
            text: Cow::Borrowed(text),
            rule: None,
        }
    }

    fn by(&mut self, search: impl FnOnce(&str) -> Option<Scrubbed>) {
        if let Some((text, rule)) = search(&self.text) {
            self.text = Cow::Owned(text);
            self.rule.get_or_insert(rule);
        }
    }

    fn into_scrubbed(self) -> Option<Scrubbed> {
        self.rule.map(|rule| (self.text.into_owned(), rule))
    }
}

/// `|`, `>-`: in YAML, the value is on the lines that follow.
fn is_sign_of_block(text: &str) -> bool {
    text.len() <= 3 && text.starts_with(['|', '>']) && text.bytes().skip(1).all(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9'))
}

/// Not a reference to a value that stands elsewhere (CloudFormation, shells, templates, ARNs), and
/// no word of a schema.
pub(super) fn is_value(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['$', '!', '{', '<', '*'])
        && !text.starts_with("arn:")
        && !is_sign_of_block(text)
        // The padding of base64.
        && !text.bytes().all(|byte| byte == b'=')
        && !["true", "false", "null", "none", "string"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}
