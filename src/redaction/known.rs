//! What a redactor learns: the account ids it meets, and the stand-ins of the cassette in use.

use super::rules::Rule;
use super::scan;
use super::stand_in::{self, StandIns};
use super::writer::walk_json;
use crate::cassette::{Interaction, Redacted};
use crate::json::lexer::Token;
use crate::json::rewrite::{self, Place};
use crate::value::Value;
use std::collections::HashMap;

/// The account that no customer has; stand-in servers use it.
pub(super) const NO_ACCOUNT: &str = "000000000000";

/// The account ids met so far, in order of first appearance. Only in memory.
#[derive(Default)]
pub(super) struct Accounts {
    numbers: HashMap<String, u64>,
    /// Numbers up to here were given, or came from a replay.
    taken: u64,
}

impl Accounts {
    /// A stand-in stands for itself, and counts as one that appeared: so the accounts of a client
    /// that a replay answers get the numbers that they have in the tape. What an older cassette
    /// holds plays no part, or recording the same calls again would give other numbers.
    pub(super) fn stand_in(&mut self, id: &str) -> String {
        if scan::is_account_stand_in(id) {
            self.taken = self.taken.max(id.parse().unwrap_or(0));
            return id.to_owned();
        }
        let next = self.taken + 1;
        let number = *self.numbers.entry(id.to_owned()).or_insert(next);
        self.taken = self.taken.max(number);
        format!("{number:012}")
    }
}

/// Adds the account ids of a body, of JSON those in its strings.
pub(super) fn accounts_of_body(body: &[u8], found: &mut Vec<String>) {
    if scan::twelve_digits(body).next().is_none() {
        return;
    }
    let text = String::from_utf8_lossy(body);
    let mut in_strings = Vec::new();
    let document = rewrite::map_strings(&text, &mut |place, string| {
        let name = if place.place == Place::Value {
            scan::last_name(place.pointer)
        } else {
            String::new()
        };
        scan::accounts(&name, string, &mut in_strings);
        None
    });
    if document.is_err() {
        in_strings.clear();
        scan::accounts("", &text, &mut in_strings);
    }
    for id in in_strings {
        if !found.contains(&id) {
            found.push(id);
        }
    }
}

/// Remembers the stand-ins of an interaction that bear no mark.
pub(super) fn remember(stand_ins: &mut StandIns, interaction: &Interaction) {
    for (base, body) in [
        ("/request/body", interaction.request.body()),
        ("/response/body", interaction.response.body()),
    ] {
        let rules = [Rule::SensitiveMembers.id(), Rule::Credentials.id(), Rule::SecretForms.id()];
        let listed = |place: &Redacted| rules.contains(&place.rule.as_str()) && place.path.starts_with(base);
        let paths: Vec<&str> = interaction
            .redacted
            .iter()
            .filter(|place| listed(place))
            .map(|place| &place.path[base.len()..])
            .collect();
        let Ok(text) = std::str::from_utf8(body) else {
            continue;
        };
        if paths.is_empty() {
            continue;
        }
        let _ = walk_json(text, &mut |pointer, token, lexeme| {
            if paths.contains(&pointer) {
                match token {
                    Token::Text(raw) => {
                        let text = raw.decode();
                        // A cut blob is known by its bytes, a cut text by its letters.
                        if let Some(bytes) = stand_in::base64_bytes(&text) {
                            stand_ins.remember(&Value::Blob(bytes));
                        }
                        stand_ins.remember(&Value::Text(text.into_owned()));
                    }
                    Token::Number(_) => stand_ins.remember(&number_of(lexeme)),
                    _ => {}
                }
            }
        });
    }
}

/// Adds the texts of an interaction in which the form of a part gave a secret away, each with the
/// rules that it is listed under. What stands there now may have no such form (a session token
/// becomes 32 digits), so a recording of a replay would not list it.
pub(super) fn listed_texts(interaction: &Interaction, texts: &mut HashMap<String, Vec<Rule>>) {
    let by_form = [Rule::AwsSignature, Rule::SessionToken, Rule::AccessKeyId, Rule::SecretForms];
    let mut add = |path: &str, text: &str| {
        for place in interaction.redacted.iter().filter(|place| place.path == path) {
            let Some(rule) = by_form.into_iter().find(|rule| rule.id() == place.rule) else {
                continue;
            };
            let rules = texts.entry(text.to_owned()).or_default();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    };
    if !interaction
        .redacted
        .iter()
        .any(|place| by_form.iter().any(|rule| rule.id() == place.rule))
    {
        return;
    }
    add("/request/uri", &interaction.request.uri().to_string());
    for (base, headers, body) in [
        ("/request", interaction.request.headers(), interaction.request.body()),
        ("/response", interaction.response.headers(), interaction.response.body()),
    ] {
        for (name, value) in headers {
            add(&format!("{base}/headers/{name}"), &String::from_utf8_lossy(value.as_bytes()));
        }
        let Ok(text) = std::str::from_utf8(body) else { continue };
        let walked = walk_json(text, &mut |pointer, token, _| {
            if let Token::Text(raw) = token {
                add(&format!("{base}/body{pointer}"), &raw.decode());
            }
        });
        if walked.is_none() {
            add(&format!("{base}/body"), text);
        }
    }
}

fn number_of(lexeme: &str) -> Value {
    lexeme.parse().map_or_else(|_| Value::Number(lexeme.to_owned()), Value::Integer)
}
