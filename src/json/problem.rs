//! Why a document is not the JSON that belongs there, for people. `serde_json` says it for programmers.

use super::lexer::{Lexer, Malformed, Token};
use crate::document::{in_plain_words, line_and_column, objection};
use serde_json::error::Category;

/// What is wrong with `content`, which `error` kept from being read, and at which line and column.
pub fn problem(content: &[u8], error: &serde_json::Error) -> String {
    if let Some(objection) = objection(content) {
        let (line, column) = line_and_column(content, objection.offset);
        return format!("{} (line {line}, column {column})", objection.what);
    }
    let (mut line, mut column) = (error.line(), error.column());
    let what = match error.classify() {
        Category::Eof => "it is cut short".to_owned(),
        Category::Data => in_plain_words(&error.to_string()),
        Category::Syntax | Category::Io => match malformed(content) {
            Some(malformed) => {
                (line, column) = (malformed.line, malformed.column);
                format!("it is not valid JSON: {}", malformed.what)
            }
            None => "it is not valid JSON".to_owned(),
        },
    };
    match line {
        // Where it came from a value that was read already.
        0 => what,
        _ => format!("{what} (line {line}, column {column})"),
    }
}

/// What our own reader says of it.
fn malformed(content: &[u8]) -> Option<Malformed> {
    let mut lexer = Lexer::new(std::str::from_utf8(content).ok()?);
    loop {
        match lexer.next() {
            Ok(Token::End) => return None,
            Ok(_) => {}
            Err(malformed) => return Some(malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        #[serde(rename = "name")]
        _name: String,
    }

    fn told(content: &[u8]) -> String {
        problem(content, &serde_json::from_slice::<Thing>(content).unwrap_err())
    }

    #[test]
    fn a_document_that_is_none_is_told_with_its_place() {
        for (content, words) in [
            (&b"{\"name\": "[..], "it is cut short (line 1, column 9)"),
            (b"", "it is cut short (line 1, column 0)"),
            (b"{\n  \"name\": 5}", "expected a string, found `5` (line 2, column 11)"),
            (b"{\"nam\": 5}", "unknown key `nam`, expected `name` (line 1, column 6)"),
            (
                b"\xef\xbb\xbf{}",
                "the file begins with a byte order mark; save it in UTF-8 without one (line 1, column 1)",
            ),
        ] {
            let told = told(content);
            assert_eq!(told, words);
        }
        let told = told(b"{\n  \"name\": nope}");
        assert!(
            told.starts_with("it is not valid JSON: ") && told.contains("(line 2, column 11"),
            "{told}"
        );
    }
}
