//! Documents inside strings: JSON, alone or in the midst of a text, and forms. Their names tell secrets as those of a
//! body do.

use super::{Scrubbed, Search, is_value};
use crate::json::lexer::{Lexer, Malformed, Token};
use crate::json::rewrite::{self, Place};
use crate::pointer;
use crate::redaction::names::{is_name_of_pair, is_secret_name, is_value_of_pair};
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::is_marked_text;
use percent_encoding::percent_decode_str;
use std::collections::HashSet;

/// Whether a text may be JSON.
pub(super) fn may_be(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// How many places of one text are tried as the beginning of a document.
const MAX_BEGINNINGS: usize = 256;

/// The text as one JSON document; nothing where it is none.
pub(super) fn json(search: &Search<'_>, text: &str, nesting: usize) -> Option<Option<Scrubbed>> {
    whole(search, text, nesting).ok()
}

/// JSON documents in the midst of a text: lines of a log, a file with one on each line.
pub(super) fn embedded(search: &Search<'_>, text: &str, nesting: usize) -> Option<Scrubbed> {
    let mut found = None;
    let mut out = String::new();
    let (mut from, mut at) = (0, 0);
    for _ in 0..MAX_BEGINNINGS {
        let Some(start) = text.get(at..).and_then(|rest| rest.find(['{', '['])).map(|offset| at + offset) else {
            break;
        };
        at = start + 1;
        let document = text
            .get(start..)
            .and_then(length)
            .and_then(|length| text.get(start..start + length));
        let Some(document) = document else { continue };
        at = start + document.len();
        if let Ok(Some((clean, rule))) = whole(search, document, nesting) {
            found.get_or_insert(rule);
            out.push_str(text.get(from..start)?);
            out.push_str(&clean);
            from = at;
        }
    }
    let rule = found?;
    out.push_str(text.get(from..)?);
    Some((out, rule))
}

/// How long the document is that a text begins with; nothing where it begins with none that holds
/// a string.
fn length(text: &str) -> Option<usize> {
    let next = text.get(1..)?.trim_start();
    if !next.starts_with(['"', '{', '[']) {
        return None;
    }
    let mut lexer = Lexer::new(text);
    let mut depth = 0usize;
    loop {
        match lexer.next().ok()? {
            Token::ObjectStart | Token::ArrayStart => depth += 1,
            Token::ObjectEnd | Token::ArrayEnd => depth -= 1,
            Token::End => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(lexer.token_end());
        }
    }
}

fn whole(search: &Search<'_>, text: &str, nesting: usize) -> Result<Option<Scrubbed>, Malformed> {
    let pairs = pairs(text)?;
    let mut found = None;
    let changed = rewrite::map_strings(text, &mut |place, inner| {
        let named = place.place == Place::Value && is_named(place.pointer, &pairs);
        let (changed, rule) = if named && is_value(inner) && !is_marked_text(inner) {
            (search.stand_ins.text(inner), Rule::SecretForms)
        } else {
            search.nested(inner, nesting + 1)?
        };
        found.get_or_insert(rule);
        Some(changed)
    })?;
    Ok(found.map(|rule| (changed, rule)))
}

/// The objects of a document one of whose members, the key of a tag say, names a secret.
fn pairs(text: &str) -> Result<HashSet<String>, Malformed> {
    let mut pairs = HashSet::new();
    rewrite::map_strings(text, &mut |place, inner| {
        if place.place == Place::Value && is_secret_name(inner) && is_name_of_pair(&last_name(place.pointer)) {
            pairs.insert(parent(place.pointer).to_owned());
        }
        None
    })?;
    Ok(pairs)
}

fn is_named(pointer: &str, pairs: &HashSet<String>) -> bool {
    let name = last_name(pointer);
    if is_secret_name(&name) {
        return true;
    }
    let around = parent(pointer);
    // `{"password": {"S": "…"}}`, as DynamoDB writes it.
    let is_value = is_value_of_pair(&name) || matches!(name.as_str(), "S" | "N" | "B");
    is_value && (pairs.contains(around) || is_secret_name(&last_name(around)))
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last token of a pointer that is a name and no position.
fn last_name(pointer: &str) -> String {
    let mut name = "";
    for token in pointer.split('/').skip(1) {
        if !token.bytes().all(|byte| byte.is_ascii_digit()) {
            name = token;
        }
    }
    pointer::tokens(&format!("/{name}")).next().unwrap_or_default()
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
    if is_secret_name(last) && is_value(&value) && !is_marked_text(&value) {
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
