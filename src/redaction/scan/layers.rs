//! What hides a text: base64 in the midst of another text, percent escapes, gzip, letters of two
//! bytes. A layer is opened, what is behind it may be changed, and it is closed again.

use super::budget::{Budget, MAX_NESTING};
use crate::codec::content;
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::Regex;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Read;
use std::ops::Range;
use std::sync::LazyLock;

/// Who is shown what is behind a layer, and may give another text for it.
pub type Open<'o> = &'o mut dyn FnMut(&str) -> Option<String>;

/// The shortest base64 text that is looked into.
const MIN_BASE64: usize = 16;

/// So many letters tell whether base64 can hide a text at all.
const PROBE: usize = 16;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whoever wrote base64 with or without padding, and in whichever way its last bits are.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT),
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT.with_encode_padding(false)),
];
const URL_SAFE: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT),
    GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT.with_encode_padding(false)),
];

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Base64 in lines of one length, as mail and `base64` write it.
#[allow(clippy::expect_used)]
static WRAPPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)(?:[A-Za-z0-9+/]{60}\r?\n|[A-Za-z0-9+/]{64}\r?\n|[A-Za-z0-9+/]{76}\r?\n)+[A-Za-z0-9+/]*={0,2}")
        .expect("a constant pattern")
});

/// The text with other parts behind its base64; nothing where none changed.
pub fn in_base64(text: &str, budget: &Budget, open: Open<'_>) -> Option<String> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // A line of several says nothing by itself.
    let mut taken: Vec<Range<usize>> = Vec::new();
    if text.contains('\n') {
        for found in WRAPPED.find_iter(text) {
            let Some(hidden) = Hidden::read(&joined(found.as_str()), budget) else {
                continue;
            };
            taken.push(found.range());
            let changed = hidden.changed(budget, open).and_then(|changed| wrapped(&changed, found.as_str()));
            edits.extend(changed.map(|changed| (found.range(), changed)));
        }
    }
    for run in runs(text) {
        let next = taken.partition_point(|taken| taken.end <= run.start);
        if taken.get(next).is_some_and(|taken| taken.start < run.end) {
            continue;
        }
        for (range, hidden) in hidden_in(text, run, budget) {
            edits.extend(hidden.changed(budget, open).map(|changed| (range, changed)));
        }
    }
    applied(text, edits)
}

/// Maximal runs of letters of either alphabet, with what padding follows.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            // Of so many letters in a row one stands at every such place.
            let probe = at + MIN_BASE64 - 1;
            if !is_letter(*bytes.get(probe)?) {
                at = probe + 1;
                continue;
            }
            let before = bytes.get(at..probe).unwrap_or_default();
            let start = at + before.iter().rposition(|byte| !is_letter(*byte)).map_or(0, |gap| gap + 1);
            let rest = bytes.get(probe..).unwrap_or_default();
            let mut end = probe + rest.iter().position(|byte| !is_letter(*byte)).unwrap_or(rest.len());
            at = end + 1;
            if end - start < MIN_BASE64 - 2 {
                continue;
            }
            let padding = bytes.get(end..).unwrap_or_default();
            end += padding.iter().take(2).take_while(|byte| **byte == b'=').count();
            return Some(start..end);
        }
    })
}

/// What is hidden in a run: it is base64 as a whole, or a path or name some of whose parts are.
fn hidden_in(text: &str, run: Range<usize>, budget: &Budget) -> Vec<(Range<usize>, Hidden)> {
    let whole = text.get(run.clone()).unwrap_or_default();
    if let Some(hidden) = Hidden::read(whole, budget) {
        return vec![(run, hidden)];
    }
    let is_gap = |byte: &u8| matches!(byte, b'+' | b'/' | b'-' | b'_');
    if !whole.as_bytes().iter().any(is_gap) {
        return Vec::new();
    }
    // In most names and ids every part is too short to hide anything.
    let holds_long = whole.as_bytes().split(is_gap).any(|part| part.len() >= MIN_BASE64 - 2);
    let may_hold = holds_long || whole.contains('/') || whole.contains(['-', '_']) && whole.contains('+');
    if !may_hold {
        return Vec::new();
    }
    for gaps in [&['/'][..], &['-', '_'], &['+', '/', '-', '_']] {
        let mut start = run.start;
        let mut found = Vec::new();
        for part in whole.split(gaps) {
            let range = start..start + part.len();
            start = range.end + 1;
            if part.len() < whole.len() && part.len() >= MIN_BASE64 - 2 {
                found.extend(Hidden::read(part, budget).map(|hidden| (range, hidden)));
            }
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn joined(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// A text in lines as long as those of another.
fn wrapped(text: &str, like: &str) -> Option<String> {
    let width = like.find(['\r', '\n'])?;
    let line_break = if like.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<Cow<'_, str>> = text.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
    Some(lines.join(line_break))
}

/// What base64 hides.
struct Hidden {
    bytes: Vec<u8>,
    engine: GeneralPurpose,
}

impl Hidden {
    /// Nothing where the text is no base64, or hides nothing that can be read, or more than may be.
    fn read(text: &str, budget: &Budget) -> Option<Hidden> {
        let letters = text.trim_end_matches('=');
        if letters.len() % 4 == 1 {
            return None;
        }
        let is_padded = letters.len() != text.len() || letters.len().is_multiple_of(4);
        let alphabet = if letters.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        let engine = alphabet[usize::from(!is_padded)].clone();
        let mut probe = [0; PROBE];
        let length = engine
            .decode_slice(letters.get(..PROBE.min(letters.len() / 4 * 4))?, &mut probe)
            .ok()?;
        if !is_readable(probe.get(..length)?) || !budget.spend(text.len()) {
            return None;
        }
        let bytes = engine.decode(text).ok()?;
        Some(Hidden { bytes, engine })
    }

    fn changed(&self, budget: &Budget, open: Open<'_>) -> Option<String> {
        let changed = in_bytes(&self.bytes, budget, open)??;
        Some(self.engine.encode(changed))
    }
}

/// Base64 in a text that is looked at match by match.
pub(super) struct Encoded<'t> {
    text: &'t str,
    budget: &'t Budget,
    /// The run that was looked at last, and whether it hides something that can be read.
    last: (Range<usize>, bool),
}

impl<'t> Encoded<'t> {
    pub(super) fn new(text: &'t str, budget: &'t Budget) -> Encoded<'t> {
        Encoded {
            text,
            budget,
            last: (0..0, false),
        }
    }

    /// Whether a place is a part of base64, and not the whole of it, that hides something that can be
    /// read: what is there is told by what it hides.
    pub(super) fn is_part(&mut self, place: Range<usize>) -> bool {
        if !self.last.0.contains(&place.start) {
            let run = run_at(self.text, place.start);
            let hidden = self.text.get(run.clone()).and_then(|run| Hidden::read(run, self.budget));
            let is_readable = hidden.is_some_and(|hidden| in_bytes(&hidden.bytes, self.budget, &mut |_| None).is_some());
            self.last = (run, is_readable);
        }
        let (run, is_readable) = &self.last;
        *is_readable && *run != place && run.start <= place.start && place.end <= run.end
    }
}

/// The letters of base64 around a place, with what padding follows.
fn run_at(text: &str, place: usize) -> Range<usize> {
    let (before, behind) = text.as_bytes().split_at_checked(place).unwrap_or_default();
    let start = before.iter().rposition(|byte| !is_letter(*byte)).map_or(0, |gap| gap + 1);
    let end = behind.iter().position(|byte| !is_letter(*byte)).unwrap_or(behind.len());
    let padding = behind.get(end..).unwrap_or_default();
    let padding = padding.iter().take(2).take_while(|byte| **byte == b'=').count();
    start..place + end + padding
}

/// Whether a letter is one of either alphabet.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Whether bytes begin like something that a layer can hide.
fn is_readable(bytes: &[u8]) -> bool {
    if is_gzip(bytes) || is_zlib(bytes) || is_wide(bytes) {
        return true;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A letter may be cut at the end.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && !text
            .chars()
            .any(|letter| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n'))
}

/// Text of two bytes a letter, low one first, as PowerShell takes its commands.
fn is_wide(bytes: &[u8]) -> bool {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty() && pairs.len() >= 4 && pairs.iter().take(64).all(|pair| pair[0] != 0 && pair[1] == 0)
}

/// Bytes with another text in them: UTF-8, gzip of bytes that are such, UTF-16. `None`: they are
/// nothing of the kind; `Some(None)`: nothing changed.
pub fn in_bytes(bytes: &[u8], budget: &Budget, open: Open<'_>) -> Option<Option<Vec<u8>>> {
    in_nested_bytes(bytes, 0, budget, open)
}

fn in_nested_bytes(bytes: &[u8], nesting: usize, budget: &Budget, open: Open<'_>) -> Option<Option<Vec<u8>>> {
    if is_gzip(bytes) || is_zlib(bytes) {
        if nesting == MAX_NESTING {
            budget.exceed();
            return None;
        }
        let packed = |changed: Vec<u8>| match is_gzip(bytes) {
            true => content::gzip(&changed).to_vec(),
            false => content::zlib(&changed),
        };
        match inflated(bytes, budget) {
            Some(inner) => return Some(in_nested_bytes(&inner, nesting + 1, budget, open)?.map(packed)),
            None if is_gzip(bytes) => return None,
            // A text can begin with `x^`.
            None => {}
        }
    }
    if is_wide(bytes) {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let text = String::from_utf16(&units).ok()?;
        return Some(open(&text).map(|changed| changed.encode_utf16().flat_map(u16::to_le_bytes).collect()));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(open(text).map(String::into_bytes))
}

/// Whether bytes begin as gzip does.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// Whether bytes begin as zlib does (RFC 1950): deflate, a window of 32 KiB, and a checksum of both.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])
}

fn inflated(bytes: &[u8], budget: &Budget) -> Option<Bytes> {
    let mut out = Vec::new();
    let most = budget.most().min(content::MAX_DECODED);
    match is_gzip(bytes) {
        true => MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut out).ok()?,
        false => ZlibDecoder::new(bytes).take(most + 1).read_to_end(&mut out).ok()?,
    };
    if out.len() as u64 > most {
        budget.exceed();
        return None;
    }
    budget.spend(out.len()).then(|| out.into())
}

/// The text with other parts behind its hexadecimal digits; nothing where none changed.
pub fn in_hexadecimal(text: &str, budget: &Budget, open: Open<'_>) -> Option<String> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut at = 0;
    // Of so many digits in a row one stands at every such place.
    while let Some(probe) = bytes.get(at + MIN_BASE64 - 1) {
        if !probe.is_ascii_hexdigit() {
            at += MIN_BASE64;
            continue;
        }
        let before = bytes.get(at..at + MIN_BASE64 - 1).unwrap_or_default();
        let start = at + before.iter().rposition(|byte| !byte.is_ascii_hexdigit()).map_or(0, |gap| gap + 1);
        let rest = bytes.get(start..).unwrap_or_default();
        let end = start + rest.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(rest.len());
        at = end;
        let run = bytes.get(start..end).unwrap_or_default();
        let Some(hidden) = unhexed(run).filter(|_| run.len() >= MIN_BASE64 && budget.spend(run.len())) else {
            continue;
        };
        let changed = in_bytes(&hidden, budget, open).flatten();
        edits.extend(changed.map(|changed| (start..end, hexed(&changed))));
    }
    applied(text, edits)
}

/// What digits hide, where it can be read.
fn unhexed(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| value(*high) << 4 | value(*low);
    let probe: Vec<u8> = pairs.iter().take(PROBE).map(byte).collect();
    let is_hidden = rest.is_empty() && is_readable(&probe);
    is_hidden.then(|| pairs.iter().map(byte).collect())
}

fn hexed(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The text with other parts behind its percent escapes; nothing where none changed.
pub fn in_percent(text: &str, open: Open<'_>) -> Option<String> {
    if !has_escape(text) {
        return None;
    }
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!*'()%+".contains(byte);
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(offset) = bytes.get(at..).and_then(|rest| rest.iter().position(is_letter)) {
        let start = at + offset;
        let rest = bytes.get(start..).unwrap_or_default();
        at = start + rest.iter().position(|byte| !is_letter(byte)).unwrap_or(rest.len());
        let part = text.get(start..at).unwrap_or_default();
        if let Some(changed) = has_escape(part).then(|| in_escaped(part, open)).flatten() {
            edits.push((start..at, changed));
        }
    }
    applied(text, edits)
}

fn in_escaped(part: &str, open: Open<'_>) -> Option<String> {
    // A form writes a space as `+`; whoever escapes spaces means a plus.
    let is_form = part.contains('+') && !part.contains("%20");
    let plain = if is_form {
        Cow::Owned(part.replace('+', " "))
    } else {
        Cow::Borrowed(part)
    };
    let changed = open(&percent_decode_str(&plain).decode_utf8().ok()?)?;
    let encoded = percent_encoded(&changed);
    Some(if is_form { encoded.replace("%20", "+") } else { encoded })
}

fn has_escape(text: &str) -> bool {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    text.match_indices('%')
        .any(|(at, _)| is_digit(bytes.get(at + 1)) && is_digit(bytes.get(at + 2)))
}

/// A text as a value in a URL.
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// The text with what its base64 hides in the clear, for comparison; nothing where it hides nothing
/// that `is_wanted`.
pub fn opened(text: &str, budget: &Budget, is_wanted: &dyn Fn(&str) -> bool) -> Option<String> {
    budget.grant(text.len());
    opened_within(text, 0, budget, is_wanted)
}

fn opened_within(text: &str, nesting: usize, budget: &Budget, is_wanted: &dyn Fn(&str) -> bool) -> Option<String> {
    let mut edits = Vec::new();
    for (range, hidden) in runs(text).flat_map(|run| hidden_in(text, run, budget)) {
        if nesting == MAX_NESTING {
            budget.exceed();
            return None;
        }
        let mut clear = None;
        let _ = in_bytes(&hidden.bytes, budget, &mut |inner| {
            let inner = opened_within(inner, nesting + 1, budget, is_wanted).unwrap_or_else(|| inner.to_owned());
            // Between signs that no text of a service holds.
            clear = is_wanted(&inner).then(|| format!("\u{1}{inner}\u{2}"));
            None
        });
        edits.extend(clear.map(|clear| (range, clear)));
    }
    applied(text, edits)
}

fn applied(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, changed) in edits {
        out.push_str(text.get(from..range.start)?);
        out.push_str(&changed);
        from = range.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}
