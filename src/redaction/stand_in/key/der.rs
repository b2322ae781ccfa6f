//! As much of DER (X.690) as private keys need.

use std::ops::Range;

const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const IDENTIFIER: u8 = 6;
const SEQUENCE: u8 = 0x30;

/// How deep what is read may nest.
const MAX_DEPTH: usize = 8;

/// One value with its tag and length.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=0x7f => out.push(length as u8),
        length @ 0x80..=0xff => out.extend([0x81, length as u8]),
        length => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(content: &[u8]) -> Vec<u8> {
    value(SEQUENCE, content)
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    value(OCTETS, content)
}

pub(super) fn identifier(content: &[u8]) -> Vec<u8> {
    value(IDENTIFIER, content)
}

/// A number of these digits, the greatest first.
pub(super) fn integer(digits: &[u8]) -> Vec<u8> {
    value(INTEGER, &signed(digits))
}

/// Without leading zeros, but for one that keeps a number from being negative.
pub(super) fn signed(digits: &[u8]) -> Vec<u8> {
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
    let digits = digits.get(first..).unwrap_or_default();
    match digits.first() {
        Some(0..=0x7f) => digits.to_vec(),
        _ => [&[0], digits].concat(),
    }
}

/// Where the octet strings stand below a value and the sequences in it; nothing where the bytes are
/// no such value.
pub(super) fn octet_strings(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    look(bytes, 0..bytes.len(), 0, &mut found)?;
    Some(found)
}

fn look(bytes: &[u8], within: Range<usize>, depth: usize, found: &mut Vec<Range<usize>>) -> Option<()> {
    if depth == MAX_DEPTH {
        return None;
    }
    let mut at = within.start;
    while at < within.end {
        let content = content(bytes, at).filter(|content| content.end <= within.end)?;
        match bytes.get(at) {
            Some(&SEQUENCE) => look(bytes, content.clone(), depth + 1, found)?,
            Some(&OCTETS) => found.push(content.clone()),
            _ => {}
        }
        at = content.end;
    }
    Some(())
}

/// Where the content of the value stands that begins at a place.
fn content(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let first = usize::from(*bytes.get(at + 1)?);
    let (start, length) = match first {
        0..=0x7f => (at + 2, first),
        0x81..=0x84 => {
            let count = first - 0x80;
            let digits = bytes.get(at + 2..at + 2 + count)?;
            (
                at + 2 + count,
                digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)),
            )
        }
        _ => return None,
    };
    let end = start.checked_add(length).filter(|end| *end <= bytes.len())?;
    Some(start..end)
}
