//! Idempotency tokens that an SDK made are new in every run; in a cassette they are numbered.
//!
//! Done once, when a cassette is sealed: `00000000-0000-4000-8000-` and twelve digits, in order of
//! first appearance, wherever a token recurs. A token that is no UUID was chosen by the program
//! and says something: it stays.

use super::headers;
pub use super::stand_in::is_number;
use super::stand_in::{NUMBER_PREFIX, is_uuid};
use crate::cassette::Interaction;
use crate::json::rewrite;
use crate::wire::{self, Response};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The pattern is a constant; the tests compile it.
#[allow(clippy::expect_used)]
static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b").expect("a constant pattern")
});

/// In CBOR the byte before a text is its length, and may look like a letter.
#[allow(clippy::expect_used)]
static UUID_BYTES: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    regex::bytes::Regex::new(r"(?-u)[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
        .expect("a constant pattern")
});

/// Numbers the tokens of all interactions. `tokens` gives an interaction's idempotency token. A
/// number that is in use already (a recording of a replay) counts like any other token, so that
/// numbering twice changes nothing.
pub fn number_tokens(interactions: &mut [Interaction], tokens: &dyn Fn(&Interaction) -> Option<String>) {
    let mut numbers: HashMap<String, String> = HashMap::new();
    for token in interactions.iter().filter_map(tokens).filter(|token| is_uuid(token)) {
        let next = format!("{NUMBER_PREFIX}{:012}", numbers.len() + 1);
        numbers.entry(token).or_insert(next);
    }
    numbers.retain(|token, number| token != number);
    if numbers.is_empty() {
        return;
    }
    for interaction in interactions {
        number_interaction(interaction, &numbers);
    }
}

/// The text with other tokens for those in `tokens`; none where it holds none of them.
pub fn renamed(text: &str, tokens: &HashMap<String, String>) -> Option<String> {
    numbered(text, tokens)
}

/// Puts tokens in the place of their numbers, wherever a response holds one.
pub fn rename_in_response(response: &mut Response, tokens: &HashMap<String, String>) {
    if let Some(body) = numbered_message(response.headers(), response.body(), tokens) {
        headers::refresh_checksums(response.headers_mut(), &body);
        *response.body_mut() = body;
    }
    number_headers(response.headers_mut(), tokens);
}

fn number_headers(headers: &mut HeaderMap, numbers: &HashMap<String, String>) {
    for value in headers.values_mut() {
        let changed = value.to_str().ok().and_then(|text| numbered(text, numbers));
        if let Some(changed) = changed.and_then(|text| HeaderValue::from_str(&text).ok()) {
            *value = changed;
        }
    }
}

fn number_interaction(interaction: &mut Interaction, numbers: &HashMap<String, String>) {
    if let Some(uri) = numbered(&interaction.request.uri().to_string(), numbers).and_then(|uri| uri.parse().ok()) {
        *interaction.request.uri_mut() = uri;
    }
    if let Some(body) = numbered_message(interaction.request.headers(), interaction.request.body(), numbers) {
        headers::refresh_checksums(interaction.request.headers_mut(), &body);
        *interaction.request.body_mut() = body;
    }
    number_headers(interaction.request.headers_mut(), numbers);
    rename_in_response(&mut interaction.response, numbers);
}

/// A number is as long as the token it stands for, so that CBOR, which tells lengths, stays true.
/// In other formats that are no text (images, event streams with their checksums) nothing changes.
fn numbered_message(headers: &HeaderMap, body: &Bytes, numbers: &HashMap<String, String>) -> Option<Bytes> {
    if !wire::media_type(headers).is_some_and(wire::is_cbor) {
        return numbered_body(body, numbers);
    }
    let mut changed: Option<Vec<u8>> = None;
    for found in UUID_BYTES.find_iter(body) {
        let number = std::str::from_utf8(found.as_bytes()).ok().and_then(|token| numbers.get(token));
        let bytes = changed.get_or_insert_with(|| body.to_vec());
        if let (Some(number), Some(place)) = (number, bytes.get_mut(found.range())) {
            place.copy_from_slice(number.as_bytes());
        }
    }
    changed.map(Bytes::from)
}

fn numbered_body(body: &Bytes, numbers: &HashMap<String, String>) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    // A token can be spelt with escapes, which only a reader of JSON sees through.
    if !text.contains('\\') {
        return numbered(text, numbers).map(Bytes::from);
    }
    let plain = numbered(text, numbers);
    let mut found = plain.is_some();
    let text = plain.as_deref().unwrap_or(text);
    let changed = rewrite::map_strings(text, &mut |_, string| {
        let changed = numbered(string, numbers);
        found |= changed.is_some();
        changed
    });
    match changed {
        Ok(changed) => found.then(|| changed.into()),
        Err(_) => plain.map(Bytes::from),
    }
}

/// The text with its tokens numbered, in one pass: a number never stands for a second token.
fn numbered(text: &str, numbers: &HashMap<String, String>) -> Option<String> {
    if !UUID.find_iter(text).any(|found| numbers.contains_key(found.as_str())) {
        return None;
    }
    let replaced = UUID.replace_all(text, |captures: &regex::Captures<'_>| {
        let token = &captures[0];
        numbers.get(token).map_or_else(|| token.to_owned(), String::clone)
    });
    Some(replaced.into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{redacted, redactor, text};
    use super::*;

    const ONE: &str = "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11";
    const TWO: &str = "7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11";

    fn token(interaction: &Interaction) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(interaction.request.body()).ok()?;
        Some(body.get("clientToken")?.as_str()?.to_owned())
    }

    fn bodies(interactions: &[Interaction]) -> Vec<&str> {
        interactions
            .iter()
            .flat_map(|taken| [text(taken.request.body()), text(taken.response.body())])
            .collect()
    }

    #[test]
    fn tokens_are_numbered_wherever_they_recur() {
        let redactor = redactor();
        let ask = |token: &str| format!(r#"{{"clientToken":"{token}"}}"#);
        let mut tape = vec![
            redacted(&redactor, &ask(ONE), 200, &format!(r#"{{"token":"{ONE}","arn":"x/{TWO}"}}"#)),
            redacted(
                &redactor,
                &ask(TWO),
                200,
                &format!(r#"{{"token":"{}","arn":"\n{ONE}"}}"#, ONE.to_uppercase()),
            ),
            redacted(&redactor, &ask("mine"), 200, r#"{"token":"mine"}"#),
        ];
        number_tokens(&mut tape, &token);
        let (one, two) = (format!("{NUMBER_PREFIX}000000000001"), format!("{NUMBER_PREFIX}000000000002"));
        let expected = [
            format!(r#"{{"clientToken":"{one}"}}"#),
            format!(r#"{{"token":"{one}","arn":"x/{two}"}}"#),
            format!(r#"{{"clientToken":"{two}"}}"#),
            format!(r#"{{"token":"{}","arn":"\n{one}"}}"#, ONE.to_uppercase()),
            r#"{"clientToken":"mine"}"#.to_owned(),
            r#"{"token":"mine"}"#.to_owned(),
        ];
        assert_eq!(bodies(&tape), expected);
        number_tokens(&mut tape, &token);
        assert_eq!(bodies(&tape), expected);
    }

    #[test]
    fn numbers_of_another_recording_are_renumbered_without_mixing() {
        let redactor = redactor();
        let (one, two) = (format!("{NUMBER_PREFIX}000000000001"), format!("{NUMBER_PREFIX}000000000002"));
        let ask = |token: &str| format!(r#"{{"clientToken":"{token}"}}"#);
        let mut tape = vec![
            redacted(&redactor, &ask(&two), 200, "{}"),
            redacted(&redactor, &ask(&one), 200, "{}"),
        ];
        number_tokens(&mut tape, &token);
        assert_eq!(bodies(&tape), [ask(&one), "{}".to_owned(), ask(&two), "{}".to_owned()]);
    }
}
