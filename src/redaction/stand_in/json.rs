//! What stands for a JSON document: the same document with a stand-in for each string and number.
//!
//! A secret of Secrets Manager is often one, and a program that takes `password` out of it must
//! find something there in replay, too. Names stay where they are words, as do `true`, `false` and
//! `null`: what they say is said by any value of that shape. Equal documents stay equal, and
//! different ones different: a number becomes one of as many digits by a keyed permutation.

use super::StandIns;
use super::few::permuted;
use super::form::{is_marked_number, is_marked_within};
use crate::json::lexer::{Lexer, Token};
use crate::json::rewrite;
use crate::redaction::memory::{SHORTEST, is_common};
use crate::redaction::names::{is_value_of_pair, names_secret};
use std::borrow::Cow;
use std::collections::HashSet;

/// A name longer than this, or with other letters than names have, may be a secret itself.
const LONGEST_NAME: usize = 64;

/// Longer numbers become a hash: a permutation of so many is no better.
const LONGEST_NUMBER: usize = 9;

/// How deep documents inside strings of documents keep their shape: what is deeper is a text.
const MAX_NESTING: usize = 8;

/// The stand-in of a document inside so many others; nothing where the text is none.
pub(super) fn stand_in(stand_ins: &StandIns, text: &str, nesting: usize) -> Option<String> {
    if nesting == MAX_NESTING || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let values = values(text)?;
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let mut name = Cow::Borrowed("");
    each(text, &mut |token, start, end| {
        if let Token::Key(raw) = token {
            name = raw.decode();
        }
        let changed = match token {
            Token::Number(lexeme) if is_secret_number(&name, lexeme) => Some(stand_ins.numeral(lexeme)),
            token => scalar(stand_ins, token, &values, nesting),
        };
        let Some(changed) = changed else { return };
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(&changed);
        from = end;
    })?;
    out.push_str(text.get(from..).unwrap_or_default());
    Some(out)
}

/// Whether a document is a stand-in: each string in it is one, and each number, of which most could
/// not be told.
pub(super) fn is_marked(text: &str, nesting: usize) -> bool {
    if nesting == MAX_NESTING {
        return false;
    }
    let is_marked = |text: &str| is_marked_within(text, nesting + 1);
    let mut all = true;
    let read = each(text, &mut |token, _, _| {
        all &= match token {
            Token::Key(raw) => is_name(&raw.decode()) || is_marked(&raw.decode()),
            Token::Text(raw) => raw.decode().is_empty() || is_marked(&raw.decode()),
            Token::Number(lexeme) => is_marked_number(lexeme),
            _ => true,
        };
    });
    read.is_some() && all
}

/// Shows every token with its place; nothing where the text is no document.
fn each<'t>(text: &'t str, show: &mut dyn FnMut(Token<'t>, usize, usize)) -> Option<()> {
    let mut lexer = Lexer::new(text);
    loop {
        match lexer.next().ok()? {
            Token::End => return Some(()),
            token => show(token, lexer.token_start(), lexer.token_end()),
        }
    }
}

/// The strings of a document that are hidden wherever they recur, so in its names, too: a state of a
/// state machine is named where it is defined.
fn values(text: &str) -> Option<HashSet<Cow<'_, str>>> {
    let mut values = HashSet::new();
    each(text, &mut |token, _, _| {
        if let Token::Text(raw) = token {
            values.extend(Some(raw.decode()).filter(|text| text.len() >= SHORTEST && !is_common(text)));
        }
    })?;
    Some(values)
}

fn scalar(stand_ins: &StandIns, token: Token<'_>, values: &HashSet<Cow<'_, str>>, nesting: usize) -> Option<String> {
    let of_text = |text: Cow<'_, str>| (!text.is_empty()).then(|| rewrite::string(&stand_ins.first_within(&text, nesting + 1)));
    match token {
        Token::Key(raw) => {
            let is_hidden = |name: &Cow<'_, str>| !is_name(name) || values.contains(name);
            Some(raw.decode()).filter(is_hidden).and_then(of_text)
        }
        Token::Text(raw) => of_text(raw.decode()),
        Token::Number(lexeme) => Some(number(stand_ins, lexeme)),
        _ => None,
    }
}

/// Whether a number would be hidden on account of its name alone, so that what stands for it must
/// bear the mark.
fn is_secret_number(name: &str, lexeme: &str) -> bool {
    let is_value = is_value_of_pair(name) || matches!(name, "S" | "N" | "B" | "Default");
    is_value || names_secret(name, lexeme)
}

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-.$ @:/".contains(letter);
    name.len() <= LONGEST_NAME && name.chars().all(is_letter)
}

/// Another number of as many digits; what is no whole number becomes one with a fraction.
fn number(stand_ins: &StandIns, lexeme: &str) -> String {
    let is_plain = lexeme.len() <= LONGEST_NUMBER && lexeme.bytes().all(|byte| byte.is_ascii_digit());
    match lexeme.parse::<u64>() {
        Ok(number) if is_plain => {
            let first = if lexeme.len() == 1 { 0 } else { 10u64.pow(lexeme.len() as u32 - 1) };
            let count = 10u64.pow(lexeme.len() as u32) - first;
            (first + permuted(stand_ins, number - first, count)).to_string()
        }
        _ => {
            let hash = stand_ins.number(b'j', lexeme.as_bytes());
            let sign = if lexeme.starts_with('-') { "-" } else { "" };
            let fraction = if lexeme.contains(['.', 'e', 'E']) { ".5" } else { "" };
            format!("{sign}{}{fraction}", 1_000_000_000 + hash % 1_000_000_000_000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::SALT;
    use super::super::is_marked_text;
    use super::*;

    fn of(text: &str) -> String {
        StandIns::new(SALT).text(text)
    }

    #[test]
    fn a_document_keeps_its_shape_and_nothing_else() {
        let secret = r#"{"username": "admin", "password":"hunter2","port":5432,"ssl":true,"none":null,"list":["", 1.5, -3], "deep":{"a":"hunter2"}}"#;
        let (admin, password) = (of("admin"), of("hunter2"));
        let stand_in = of(secret);
        let read: serde_json::Value = serde_json::from_str(&stand_in).unwrap();
        assert_eq!(
            (read["username"].as_str(), read["password"].as_str()),
            (Some(&*admin), Some(&*password))
        );
        assert_eq!(read["deep"]["a"], password);
        let port = read["port"].as_u64().unwrap();
        assert!((1000..=9999).contains(&port) && port != 5432, "{port}");
        assert_eq!((read["ssl"].as_bool(), read["list"][0].as_str()), (Some(true), Some("")));
        assert!(read["list"][1].is_f64() && read["list"][2].as_i64().is_some_and(|number| number < 0));
        assert!(!stand_in.contains("hunter2") && stand_in.starts_with(r#"{"username": ""#));
    }

    #[test]
    fn a_document_in_a_document_keeps_its_shape_too() {
        let read: serde_json::Value = serde_json::from_str(&of(r#"{"body":"{\"token\":\"hunter2\"}"}"#)).unwrap();
        let inner: serde_json::Value = serde_json::from_str(read["body"].as_str().unwrap()).unwrap();
        assert_eq!(inner["token"], of("hunter2"));
    }

    #[test]
    fn a_name_that_is_a_value_of_the_document_too_is_hidden_alike() {
        let state = of("DefaultState");
        let read: serde_json::Value = serde_json::from_str(&of(
            r#"{"StartAt":"DefaultState","States":{"DefaultState":{"Next":"password"},"password":{}}}"#,
        ))
        .unwrap();
        assert_eq!(read["StartAt"], state);
        assert_eq!(read["States"][&state]["Next"], of("password"));
        assert!(read["States"]["password"].is_object(), "a word recurs everywhere");
    }

    #[test]
    fn a_document_of_texts_is_known_as_a_stand_in() {
        for secret in [
            r#"{"a":"b"}"#,
            r#"["x","y"]"#,
            r#"{"a":{"b":[]}}"#,
            "{}",
            r#"{"not a name: <>":"x"}"#,
        ] {
            let stand_in = of(secret);
            assert!(is_marked_text(&stand_in), "{stand_in}");
            assert_eq!(of(&stand_in), stand_in);
        }
        assert!(!is_marked_text(r#"{"a":"b"}"#) && !is_marked_text(r#"{"a":1}"#));
        assert!(!of(r#"{"a secret <that> is a name":1}"#).contains("secret <"));
    }

    #[test]
    fn different_numbers_stay_different() {
        let stand_ins = StandIns::new(SALT);
        for length in 1..=4u32 {
            let first = if length == 1 { 0 } else { 10u64.pow(length - 1) };
            let all: HashSet<String> = (first..10u64.pow(length))
                .map(|number| super::number(&stand_ins, &number.to_string()))
                .collect();
            assert_eq!(all.len() as u64, 10u64.pow(length) - first);
            assert!(all.iter().all(|number| number.len() == length as usize));
        }
    }

    #[test]
    fn what_begins_like_a_document_and_is_none_is_a_text() {
        assert_eq!(of("{hunter2").len(), 32);
    }
}
