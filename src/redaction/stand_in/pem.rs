//! Private keys in PEM (RFC 7468): the armor stays, with its lines, and [`key`] makes what is in it.
//! Certificates and public keys beside a key stay as they are.

use super::{StandIns, key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// How lines end: in files, and in a JSON string in a text.
const LINE_BREAKS: [&str; 6] = ["\r\n", "\n", "\\\\r\\\\n", "\\\\n", "\\r\\n", "\\n"];

/// Letters on a line.
const WIDTH: usize = 64;

/// What stands in PEM and is no secret.
const PUBLIC: [&str; 6] = [
    "CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "CERTIFICATE REQUEST",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "EC PARAMETERS",
];

/// Whether a text begins as PEM does.
pub(super) fn may_be(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// The text with placeholders for its private keys; nothing where it is not PEM and nothing else.
pub(super) fn stand_in(stand_ins: &StandIns, text: &str) -> Option<String> {
    map(text, &mut |label, bytes| {
        let material = key::material(&stand_ins.hash(b'k', bytes));
        key::placeholder(label, bytes, &material)
    })
}

/// Whether every private key of a text is a placeholder.
pub(super) fn is_marked(text: &str) -> bool {
    let is_kept = |label: &str, bytes: &[u8]| key::is_marked(label, bytes).then(|| bytes.to_vec());
    map(text, &mut |label, bytes| is_kept(label, bytes)).is_some()
}

/// Gives another key for one with this label and these bytes, where there is one.
type Change<'c> = &'c mut dyn FnMut(&str, &[u8]) -> Option<Vec<u8>>;

/// The text with another key for each; nothing where one has none, or where there is none.
fn map(text: &str, change: Change<'_>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_private = false;
    while let Some(start) = rest.find(BEGIN) {
        let (gap, block) = rest.split_at(start);
        let (label, behind) = block.get(BEGIN.len()..)?.split_once(DASHES)?;
        let end = format!("-----END {label}-----");
        let (body, behind) = behind.split_once(&end)?;
        out.push_str(Some(gap).filter(|gap| is_blank(gap))?);
        out.push_str(&format!("{BEGIN}{label}{DASHES}"));
        match PUBLIC.contains(&label) {
            true => out.push_str(body),
            false => {
                is_private = true;
                out.push_str(&armored(body, &change(label, &bytes(body))?));
            }
        }
        out.push_str(&end);
        rest = behind;
    }
    out.push_str(Some(rest).filter(|rest| is_blank(rest))?);
    is_private.then_some(out)
}

fn is_blank(gap: &str) -> bool {
    gap.replace("\\n", "")
        .replace("\\r", "")
        .trim_matches(['\\', ' ', '\r', '\n', '\t'])
        .is_empty()
}

/// What the letters of a body say; the letters themselves where they say nothing.
fn bytes(body: &str) -> Vec<u8> {
    let mut letters = body.to_owned();
    LINE_BREAKS.iter().for_each(|end| letters = letters.replace(end, ""));
    letters.retain(|letter| !letter.is_whitespace());
    STANDARD.decode(&letters).unwrap_or_else(|_| letters.into_bytes())
}

/// Bytes in lines that end as those of another body do.
fn armored(like: &str, bytes: &[u8]) -> String {
    let end = LINE_BREAKS.iter().find(|end| like.contains(**end)).copied().unwrap_or("");
    // In YAML, each line is indented.
    let behind = like.split_once(end).filter(|_| !end.is_empty()).map_or("", |(_, behind)| behind);
    let indent = &behind[..behind.len() - behind.trim_start_matches([' ', '\t']).len()];
    let letters = STANDARD.encode(bytes);
    let width = if end.is_empty() { letters.len() } else { WIDTH };
    let lines = letters.as_bytes().chunks(width.max(1)).map(String::from_utf8_lossy);
    let lines: Vec<String> = lines.map(|line| format!("{line}{end}{indent}")).collect();
    format!("{end}{indent}{}", lines.concat())
}
