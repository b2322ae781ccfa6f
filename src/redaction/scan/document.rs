//! Documents inside strings: JSON, alone or in the midst of a text, and forms. Their names tell secrets as those of a
//! body do.

use super::{Scrubbed, Search, is_value};
use crate::json::lexer::{Lexer, Malformed, Token};
use crate::json::rewrite::{self, Place, Scalar};
use crate::pointer;
use crate::redaction::names::{self, NO_ECHO, is_name_of_pair, is_secret_name, is_true, is_value_of_pair, may_name_secret, names_secret};
use crate::redaction::options::Trail;
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::{is_marked_number, is_marked_text};
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use std::ops::Range;

/// A longer way to a value is paid for.
const LONG_POINTER: usize = 1024;

/// Whether a text may be JSON.
pub(super) fn may_be(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// The text as one JSON document; nothing where it is none.
pub(super) fn json(search: &Search<'_>, text: &str, nesting: usize) -> Option<Option<Scrubbed>> {
    whole(search, text, nesting).ok()
}

/// JSON documents in the midst of a text: lines of a log, a file with one on each line.
pub(super) fn embedded(search: &Search<'_>, text: &str, nesting: usize) -> Option<Scrubbed> {
    let mut found = None;
    let mut out = String::new();
    let mut from = 0;
    for range in documents(text) {
        let document = text.get(range.clone())?;
        if let Ok(Some((clean, rule))) = whole(search, document, nesting) {
            found.get_or_insert(rule);
            out.push_str(text.get(from..range.start)?);
            out.push_str(&clean);
            from = range.end;
        }
    }
    let rule = found?;
    out.push_str(text.get(from..)?);
    Some((out, rule))
}

/// Whether a document stands in a text.
pub(super) fn is_in(text: &str) -> bool {
    !documents(text).is_empty()
}

/// Where documents stand in a text that hold a string, or another document. What breaks off is none,
/// but may hold some.
fn documents(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find(['{', '['])) {
        let start = at + offset;
        let behind = text.get(start + 1..).unwrap_or_default().trim_start();
        at = match behind.starts_with(['"', '{', '[']) {
            true => read(text, start, &mut found),
            false => start + 1,
        };
    }
    found
}

/// Reads the document that begins at `start`, and gives the place from which on others may begin.
fn read(text: &str, start: usize, found: &mut Vec<Range<usize>>) -> usize {
    let mut lexer = Lexer::new(text.get(start..).unwrap_or_default());
    let mut open = Vec::new();
    let mut last = start;
    while let Ok(token) = lexer.next() {
        last = start + lexer.token_start();
        match token {
            Token::ObjectStart | Token::ArrayStart => open.push(last),
            Token::ObjectEnd | Token::ArrayEnd => {
                let begin = open.pop().unwrap_or(start);
                while found.last().is_some_and(|inner| inner.start > begin) {
                    found.pop();
                }
                let end = start + lexer.token_end();
                found.push(begin..end);
                if open.is_empty() {
                    return end;
                }
            }
            _ => {}
        }
    }
    // The string before what is wrong may have begun at the wrong quote.
    last + 1
}

fn whole(search: &Search<'_>, text: &str, nesting: usize) -> Result<Option<Scrubbed>, Malformed> {
    let pairs = pairs(search, text)?;
    let mut found = None;
    let mut command = Trail::default();
    let changed = rewrite::map_scalars(text, &mut |place, scalar| {
        let (changed, rule) = match (scalar, place.place) {
            (Scalar::Text(inner), Place::Key) => search.nested(inner, nesting + 1)?,
            (Scalar::Text(inner), Place::Value) => {
                let is_hidden = |secret: &str| is_value(secret) && !is_marked_text(secret);
                let named = || is_named(search, place.pointer, &pairs, inner).then_some(0);
                let start = command.secret_in(place.pointer, inner).or_else(named);
                match start.and_then(|start| inner.split_at_checked(start)) {
                    Some((before, secret)) if is_hidden(secret) => {
                        (format!("{before}{}", search.stand_ins.text(secret)), Rule::SecretForms)
                    }
                    _ => search.nested(inner, nesting + 1)?,
                }
            }
            (Scalar::Other(lexeme), _) => (number(search, place.pointer, &pairs, lexeme)?, Rule::SecretForms),
        };
        found.get_or_insert(rule);
        Some(changed)
    })?;
    Ok(found.map(|rule| (changed, rule)))
}

/// What stands for a number whose name says that it is a secret.
fn number(search: &Search<'_>, pointer: &str, pairs: &HashMap<String, String>, lexeme: &str) -> Option<String> {
    let is_number = lexeme.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    // Under a plural, it says how many there are.
    let is_count = || names::is_plural(pointer.rsplit('/').next().unwrap_or_default());
    let is_hidden = is_number && !is_count() && is_named(search, pointer, pairs, lexeme) && !is_marked_number(lexeme);
    is_hidden.then(|| search.stand_ins.numeral(lexeme))
}

/// The objects of a document one of whose members, the key of a tag say, names what another holds.
fn pairs(search: &Search<'_>, text: &str) -> Result<HashMap<String, String>, Malformed> {
    let mut pairs: HashMap<String, String> = HashMap::new();
    rewrite::map_scalars(text, &mut |place, scalar| {
        let (Scalar::Text(inner) | Scalar::Other(inner)) = scalar;
        if place.place == Place::Key {
            return None;
        }
        let last = last_token(place.pointer);
        let name = match scalar {
            _ if last == NO_ECHO => is_true(inner).then_some("password"),
            Scalar::Text(inner) if is_name_of_pair(last) => Some(inner).filter(|inner| is_secret_name(inner) || may_name_secret(inner)),
            _ => None,
        }?;
        if place.pointer.len() <= LONG_POINTER || search.budget.spend(place.pointer.len()) {
            let known = pairs.entry(parent(place.pointer).to_owned()).or_default();
            // What is not to be shown is a secret, whatever its name.
            if !is_secret_name(known) {
                name.clone_into(known);
            }
        }
        None
    })?;
    Ok(pairs)
}

fn is_named(search: &Search<'_>, pointer: &str, pairs: &HashMap<String, String>, value: &str) -> bool {
    // Long names cost their length at each value below them.
    if pointer.len() > LONG_POINTER && !search.budget.spend(pointer.len()) {
        return false;
    }
    let name = last_name(pointer);
    if names_secret(&name, value) {
        return true;
    }
    let around = parent(pointer);
    // `{"password": {"S": "…"}}`, as DynamoDB writes it, and the default of a template's parameter.
    let is_value = is_value_of_pair(&name) || matches!(name.as_str(), "S" | "N" | "B" | "Default");
    is_value && (pairs.get(around).is_some_and(|name| names_secret(name, value)) || names_secret(&last_name(around), value))
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last token of a pointer that is a name and no position.
fn last_name(pointer: &str) -> String {
    pointer::tokens(&format!("/{}", last_token(pointer))).next().unwrap_or_default()
}

/// The same as it is escaped.
fn last_token(pointer: &str) -> &str {
    let is_name = |token: &&str| !token.bytes().all(|byte| byte.is_ascii_digit());
    pointer.rsplit('/').find(is_name).unwrap_or_default()
}

/// A text that is a form of at least two fields: `a=b&password=c%20d`.
pub(super) fn form(search: &Search<'_>, text: &str, nesting: usize) -> Option<Scrubbed> {
    if !is_form(text) {
        return None;
    }
    let mut found = None;
    let fields: Vec<String> = text
        .split('&')
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            match field_value(search, name, value, nesting) {
                Some((clean, rule)) => {
                    found.get_or_insert(rule);
                    format!("{name}={}", super::layers::percent_encoded(&clean))
                }
                None => field.to_owned(),
            }
        })
        .collect();
    Some((fields.join("&"), found?))
}

fn field_value(search: &Search<'_>, name: &str, value: &str, nesting: usize) -> Option<Scrubbed> {
    let name = percent_decode_str(name).decode_utf8_lossy();
    let last = name.rsplit('.').next().unwrap_or(&name);
    let value = value.replace('+', " ");
    let value = percent_decode_str(&value).decode_utf8_lossy();
    if is_value(&value) && !is_marked_text(&value) && names_secret(last, &value) {
        return Some((search.stand_ins.text(&value), Rule::SecretForms));
    }
    search.nested(&value, nesting + 1)
}

fn is_form(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._~%+*[]-$".contains(&byte);
    let is_field = |field: &str| match field.split_once('=') {
        Some((name, _)) => !name.is_empty() && name.bytes().all(is_name),
        None => false,
    };
    text.contains('&') && !text.contains(char::is_whitespace) && text.split('&').all(|field| field.is_empty() || is_field(field))
}
