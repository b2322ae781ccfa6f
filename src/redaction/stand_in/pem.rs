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
    map(text, &mut |block| {
        let material = key::material(&stand_ins.hash(b'k', &block.bytes));
        key::block(block.label, &block.headers, &block.bytes, &material)
    })
}

/// Whether every private key of a text is a placeholder.
pub(super) fn is_marked(text: &str) -> bool {
    let is_kept = |block: &Block<'_>| key::is_marked_block(block.label, &block.headers, &block.bytes);
    map(text, &mut |block| is_kept(block).then(Default::default)).is_some()
}

/// What stands between two lines of dashes.
struct Block<'t> {
    label: &'t str,
    /// Lines with a name and a value, before the letters.
    headers: Vec<&'t str>,
    /// What the letters say; the letters themselves where they say nothing.
    bytes: Vec<u8>,
    /// How lines end, and what each begins with: in YAML, it is indented.
    line_break: &'t str,
    indent: &'t str,
}

/// Gives headers and bytes of another key for one, where there is one.
type Change<'c> = &'c mut dyn FnMut(&Block<'_>) -> Option<(Vec<String>, Vec<u8>)>;

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
                let block = Block::read(label, body);
                let (headers, bytes) = change(&block)?;
                out.push_str(&block.armored(&headers, &bytes));
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

impl<'t> Block<'t> {
    fn read(label: &'t str, body: &'t str) -> Block<'t> {
        let line_break = LINE_BREAKS.iter().find(|end| body.contains(**end)).copied().unwrap_or("");
        let lines: Vec<&str> = match line_break {
            "" => vec![body],
            line_break => body.split(line_break).collect(),
        };
        let indent = lines
            .get(1)
            .map_or("", |line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]);
        let (headers, lines): (Vec<&str>, Vec<&str>) = lines.into_iter().map(str::trim).partition(|line| line.contains(':'));
        // The checksum of OpenPGP follows from the rest.
        let mut letters: String = lines.into_iter().filter(|line| !line.starts_with('=')).collect();
        letters.retain(|letter| !letter.is_whitespace());
        Block {
            label,
            headers,
            bytes: STANDARD.decode(&letters).unwrap_or_else(|_| letters.into_bytes()),
            line_break,
            indent,
        }
    }

    /// Another key in lines like those of this one.
    fn armored(&self, headers: &[String], bytes: &[u8]) -> String {
        let letters = STANDARD.encode(bytes);
        let width = if self.line_break.is_empty() { letters.len() } else { WIDTH };
        let mut lines: Vec<String> = headers.to_vec();
        if self.label == key::PGP {
            lines.push(String::new());
        }
        lines.extend(
            letters
                .as_bytes()
                .chunks(width.max(1))
                .map(|line| String::from_utf8_lossy(line).into_owned()),
        );
        if self.label == key::PGP && !self.line_break.is_empty() {
            lines.push(format!("={}", STANDARD.encode(key::checksum(bytes))));
        }
        let (line_break, indent) = (self.line_break, self.indent);
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{line}{line_break}{indent}")).collect();
        format!("{line_break}{indent}{}", lines.concat())
    }
}
