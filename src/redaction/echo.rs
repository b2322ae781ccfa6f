//! What a client sent comes back to it: Proton's `spec`, and every idempotency token.
//!
//! The response of a recording holds the stand-in that its request holds. In replay the live
//! value belongs there, which was never on disk. A template is cut once, when the cassette is
//! loaded; a request then costs a copy of the pieces, and nothing where there is no slot.
//!
//! Only whole string values are filled: part of a string may be anything.

use super::rules::Rule;
use super::stand_in::base64_text;
use crate::cassette::Interaction;
use crate::json::lexer::{Lexer, Token};
use crate::json::rewrite;
use crate::pointer;
use crate::value::Value;
use bytes::Bytes;
use std::ops::Range;

/// A response body with slots for what the live request holds.
#[derive(Debug, Clone, Default)]
pub struct Template {
    body: Bytes,
    slots: Vec<Slot>,
}

#[derive(Debug, Clone)]
struct Slot {
    /// The string with its quotes.
    place: Range<usize>,
    /// Where the live input holds it.
    source: Vec<String>,
}

impl Template {
    /// Cuts the response of an interaction. `input` is its decoded input, `token` the name of the
    /// input's idempotency token.
    pub fn new(interaction: &Interaction, input: Option<&Value>, token: Option<&str>) -> Template {
        let body = interaction.response.body().clone();
        let slots = input.map_or_else(Vec::new, |input| slots(&body, &sources(interaction, input, token)));
        Template { body, slots }
    }

    /// Whether a live request changes the body at all.
    pub fn is_fixed(&self) -> bool {
        self.slots.is_empty()
    }

    /// The body for a live input. A slot whose value the input lacks keeps what was recorded.
    pub fn render(&self, live_input: &Value) -> Bytes {
        if self.slots.is_empty() {
            return self.body.clone();
        }
        let mut out = Vec::with_capacity(self.body.len() + 64);
        let mut from = 0;
        for slot in &self.slots {
            out.extend_from_slice(self.body.get(from..slot.place.start).unwrap_or_default());
            match follow(live_input, &slot.source) {
                Some(Value::Text(text)) => rewrite::string_into(text, &mut out),
                Some(Value::Blob(bytes)) => rewrite::string_into(&base64_text(bytes), &mut out),
                _ => out.extend_from_slice(self.body.get(slot.place.clone()).unwrap_or_default()),
            }
            from = slot.place.end;
        }
        out.extend_from_slice(self.body.get(from..).unwrap_or_default());
        out.into()
    }
}

/// The recorded strings that come back, each with its place in the input.
fn sources(interaction: &Interaction, input: &Value, token: Option<&str>) -> Vec<(String, Vec<String>)> {
    let mut sources = Vec::new();
    let mut add = |path: Vec<String>| {
        let text = match follow(input, &path) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Blob(bytes)) => base64_text(bytes),
            _ => return,
        };
        if !text.is_empty() && !sources.iter().any(|(known, _)| *known == text) {
            sources.push((text, path));
        }
    };
    if let Some(token) = token {
        add(vec![token.to_owned()]);
    }
    for place in &interaction.redacted {
        // An account id is a part of many strings; filling only whole ones would mix two accounts.
        if place.rule != Rule::AccountId.id()
            && let Some(pointer) = place.path.strip_prefix("/request/body")
        {
            add(pointer::tokens(pointer).collect());
        }
    }
    sources
}

fn slots(body: &[u8], sources: &[(String, Vec<String>)]) -> Vec<Slot> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Vec::new();
    };
    let mut slots = Vec::new();
    // A stand-in needs no escapes; a token might, and then only the lexer finds it.
    let is_there =
        |(source, _): &(String, Vec<String>)| source.contains(['"', '\\', '/']) || !source.is_ascii() || text.contains(source.as_str());
    if !sources.iter().any(is_there) {
        return slots;
    }
    let mut lexer = Lexer::new(text);
    loop {
        match lexer.next() {
            Ok(Token::Text(raw)) => {
                let string = raw.decode();
                if let Some((_, source)) = sources.iter().find(|(known, _)| *known == string) {
                    slots.push(Slot {
                        place: lexer.token_start()..lexer.token_end(),
                        source: source.clone(),
                    });
                }
            }
            Ok(Token::End) => return slots,
            Ok(_) => {}
            Err(_) => return Vec::new(),
        }
    }
}

fn follow<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, token| match value {
        Value::List(items) => items.get(token.parse::<usize>().ok()?),
        other => other.member(token),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, redacted, redactor, text};
    use super::*;

    fn template(asked: &str, answered: &str) -> Template {
        let taken = redacted(&redactor(), asked, 200, answered);
        let finding = finding(&taken.request, &taken.response);
        let input = finding.request.and_then(|request| request.content);
        Template::new(&taken, input.as_ref(), Some("clientToken"))
    }

    fn live(members: &[(&str, &str)]) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect())
    }

    #[test]
    fn a_secret_that_came_back_comes_back_live() {
        let template = template(r#"{"spec":"a"}"#, r#"{"spec":"a", "arn":"a"}"#);
        let body = template.render(&live(&[("spec", "line\n\"two\"")]));
        assert_eq!(text(&body), r#"{"spec":"line\n\"two\"", "arn":"a"}"#);
    }

    #[test]
    fn the_live_token_comes_back() {
        let template = template(r#"{"clientToken":"t-1"}"#, r#"{"token":"t-1","arn":"x t-1"}"#);
        assert_eq!(
            text(&template.render(&live(&[("clientToken", "t-2")]))),
            r#"{"token":"t-2","arn":"x t-1"}"#
        );
        assert_eq!(text(&template.render(&live(&[]))), r#"{"token":"t-1","arn":"x t-1"}"#);
    }

    #[test]
    fn a_body_without_a_slot_is_not_copied() {
        let template = template(
            r#"{"spec":"a","accountId":"123456789012"}"#,
            r#"{"arn":"arn:aws:iam::123456789012:a"}"#,
        );
        assert!(template.is_fixed());
        let body = template.render(&live(&[("spec", "b")]));
        assert_eq!(body.as_ptr(), template.body.as_ptr());
    }
}
