//! Documents inside strings: JSON, JSON lines, and forms. Their names tell secrets as those of a
//! body do.

use super::{MAX_NESTING, Scrubbed, Search, is_value};
use crate::json::lexer::Malformed;
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

/// The text as one JSON document, or as one in each line; nothing where it is neither.
pub(super) fn json(search: &Search<'_>, text: &str, nesting: usize) -> Option<Option<Scrubbed>> {
    if let Ok(scrubbed) = whole(search, text, nesting) {
        return Some(scrubbed);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.len() < 2 || nesting + 1 >= MAX_NESTING {
        return None;
    }
    let mut found = None;
    let mut out = String::with_capacity(text.len());
    for line in lines {
        let end = line.trim_end_matches(['\r', '\n']).len();
        let (line, line_break) = line.split_at(end);
        match search.nested(line, nesting + 1) {
            Some((clean, rule)) => {
                found.get_or_insert(rule);
                out.push_str(&clean);
            }
            None => out.push_str(line),
        }
        out.push_str(line_break);
    }
    // What goes over several lines is still to be found.
    match found {
        None => None,
        Some(rule) => {
            let (rest, first) = (super::forms::plain(search, &out), rule);
            Some(Some((rest.map_or(out, |(rest, _)| rest), first)))
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
