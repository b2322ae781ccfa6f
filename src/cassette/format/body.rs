//! The forms of a body in a cassette, chosen by what comes back unharmed, never by content type.

use crate::json::lexer::{Lexer, MAX_DEPTH, Token};
use crate::json::rewrite;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Bodies with more bytes than this lie in files of their own.
pub const BLOB_ABOVE: usize = 64 * 1024;

/// A JSON body may nest this deep to be stored as JSON: inside the cassette it lies deeper still,
/// and the whole must stay within what the lexer reads.
const DEEPEST_JSON: usize = MAX_DEPTH - 8;

/// Where large bodies go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Large {
    /// Into files of their own.
    Blobs,
    /// Into the document like every other.
    Inline,
}

/// How a body is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// Compact JSON text.
    Json(String),
    Text(&'a str),
    Base64(&'a [u8]),
    Blob {
        name: String,
        content: Bytes,
    },
}

/// The form of a body; none for an empty one.
pub(super) fn form(body: &Bytes, large: Large) -> Option<Form<'_>> {
    if body.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(body).ok();
    let json = text.and_then(as_json);
    let stored_bytes = json.as_ref().map_or(body.len(), String::len);
    if large == Large::Blobs && stored_bytes > BLOB_ABOVE {
        let content = json.map_or_else(|| body.clone(), Bytes::from);
        let name = blob_name(&content);
        return Some(Form::Blob { name, content });
    }
    Some(match (json, text) {
        (Some(json), _) => Form::Json(json),
        (None, Some(text)) if is_readable(text) => Form::Text(text),
        (None, _) => Form::Base64(body),
    })
}

/// Whether a text is no longer as a string of JSON than in base64: a control character is six there, and
/// what has many of them nobody reads.
fn is_readable(text: &str) -> bool {
    let is_control = |byte: &u8| *byte < 0x20 && !b"\n\r\t".contains(byte);
    text.bytes().filter(is_control).count() * 15 <= text.len()
}

/// White space that says nothing is gone before a body comes here; what is left is somebody's data.
fn as_json(text: &str) -> Option<String> {
    let compact = rewrite::compact(text).ok()?;
    (compact == text && nests_at_most(&compact, DEEPEST_JSON)).then_some(compact)
}

fn nests_at_most(json: &str, limit: usize) -> bool {
    let mut lexer = Lexer::new(json);
    let mut depth = 0usize;
    loop {
        match lexer.next() {
            Ok(Token::ObjectStart | Token::ArrayStart) => depth += 1,
            Ok(Token::ObjectEnd | Token::ArrayEnd) => depth -= 1,
            Ok(Token::End) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
        if depth > limit {
            return false;
        }
    }
}

/// The name of the file for a large body: `sha256-` and the hash of its bytes in hexadecimal.
pub fn blob_name(content: &[u8]) -> String {
    let mut name = String::from("sha256-");
    for byte in Sha256::digest(content) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Whether that is a name that [`blob_name`] could give. No other is ever looked up on disk.
pub fn is_blob_name(name: &str) -> bool {
    name.strip_prefix("sha256-")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}
