//! How the two values of a difference are shown: short, and where they are long, from where they differ.

use crate::codec::scalar::timestamp_text;
use crate::json::rewrite;
use crate::model::schema::TimestampFormat;
use crate::value::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// How many characters of a value are shown.
const MAX_SHOWN: usize = 60;
/// How many characters both have in common are shown before the first that differs.
const BEFORE: usize = 12;
/// How many bytes of the hash of a blob are shown: enough to tell two apart.
const HASHED: usize = 4;

/// A recorded value and the other one. What is hidden is only said to be there.
pub(super) fn both(recorded: &Value, other: &Value, hidden: bool) -> (String, String) {
    let start = match (text(recorded), text(other)) {
        (Some(recorded), Some(other)) if !hidden => common(recorded, other),
        _ => 0,
    };
    (shown(recorded, start, hidden), shown(other, start, hidden))
}

/// Where both texts are shown from: their beginning, if that shows the difference.
fn common(one: &str, other: &str) -> usize {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    if same < MAX_SHOWN { 0 } else { same - BEFORE }
}

fn shown(value: &Value, start: usize, hidden: bool) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        _ if hidden => "(hidden)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(text) => text.clone(),
        Value::Text(text) => quoted(text, start),
        Value::Blob(bytes) => match text(value) {
            Some(text) => format!("{} bytes {}", bytes.len(), quoted(text, start)),
            None => format!("{} bytes (sha256 {}…)", bytes.len(), hash(bytes)),
        },
        Value::Timestamp { seconds, nanos } => timestamp_text(*seconds, *nanos, TimestampFormat::DateTime),
        // What is inside may be a secret by its own place.
        Value::List(items) => format!("a list of {}", items.len()),
        Value::Object(members) => format!("an object of {}", members.len()),
    }
}

/// A text, or bytes that are one for people.
fn text(value: &Value) -> Option<&str> {
    let is_for_people = |text: &&str| text.chars().all(|letter| !letter.is_control() || letter.is_whitespace());
    match value {
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => std::str::from_utf8(bytes).ok().filter(is_for_people),
        _ => None,
    }
}

pub(super) fn quoted(text: &str, start: usize) -> String {
    let short: String = text.chars().skip(start).take(MAX_SHOWN).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if text.chars().count() > start + MAX_SHOWN { "…" } else { "" };
    format!("{before}{}{after}", rewrite::string(&short))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(HASHED).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(one: Value, other: Value) -> [String; 2] {
        both(&one, &other, false).into()
    }

    #[test]
    fn every_kind_of_value_is_shown_in_short() {
        let text = |text: &str| Value::Text(text.to_owned());
        let blob = |bytes: &[u8]| Value::Blob(bytes.to_vec());
        let at = |nanos| Value::Timestamp { seconds: 5, nanos };
        for (one, other, expected) in [
            (Value::Null, Value::Bool(true), ["nothing", "true"]),
            (Value::Integer(7), Value::Number("7.5".to_owned()), ["7", "7.5"]),
            (text("a\"b"), text(""), ["\"a\\\"b\"", "\"\""]),
            (
                blob(b"line 1\n"),
                blob(b"a\x00b"),
                ["7 bytes \"line 1\\n\"", "3 bytes (sha256 59b271ae…)"],
            ),
            (at(0), at(10_000_000), ["1970-01-01T00:00:05Z", "1970-01-01T00:00:05.01Z"]),
            (
                Value::List(vec![Value::Null]),
                Value::Object(Vec::new()),
                ["a list of 1", "an object of 0"],
            ),
        ] {
            assert_eq!(pair(one, other), expected);
        }
        let hidden = both(&Value::Null, &text("x"), true);
        assert_eq!(hidden, ("nothing".to_owned(), "(hidden)".to_owned()));
    }

    #[test]
    fn long_texts_are_shown_from_where_they_differ() {
        let long = |end: &str| Value::Text(format!("{}{end}", "x".repeat(100)));
        assert_eq!(pair(long("one"), long("two")), ["…\"xxxxxxxxxxxxone\"", "…\"xxxxxxxxxxxxtwo\""]);
        let early = |begin: &str| Value::Text(format!("{begin}{}", "x".repeat(100)));
        assert_eq!(
            pair(early("1"), early("2")),
            ["1", "2"].map(|begin| format!("\"{begin}{}\"…", "x".repeat(59)))
        );
    }
}
