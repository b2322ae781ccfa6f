//! Stand-ins: what is written in the place of a secret.
//!
//! A stand-in is a keyed hash (blake3, the key is the cassette's salt) of the value, so that equal
//! values stay equal wherever they recur and nobody can go back. Its text is made from the value
//! alone (its form decides: an access key id stays one, a UUID, an ARN, a date, a JWT; everything
//! else becomes 32 hexadecimal digits), and *that* text is used at every place whose constraints it
//! obeys. Only where it does not, the place has a say: it is cut or filled to the length, or made
//! from the pattern. So the same secret has one stand-in at all places that can hold it, which is
//! what echoes and chains of calls need.
//!
//! A blob keeps its length where that can mean something: that of a key, or as many random bytes as
//! were asked for.
//!
//! A text that is a JSON document keeps its shape, so that a program that reads it can go on: each
//! string and number in it has a stand-in of its own (see [`json`]).
//!
//! A private key in PEM or DER has another key as its stand-in, which libraries load (see [`key`]).
//!
//! A stand-in carries a mark: its last digits follow from its first. Ferrotape therefore knows its
//! own stand-ins wherever it meets them (a client that sends back what a replay gave it, a
//! recording of a replay, a second look at a cassette) without a list. That a true secret bears the
//! mark by chance is one in 2^48 (2^30 for an access key id). Stand-ins with no room for it (a number, a
//! short string, one made from a pattern) are remembered from the cassette that is in use.
//!
//! Where a place leaves few values (a PIN, an enumeration), equality comes first: see [`few`]. A
//! boolean has no room for equality *and* secrecy: it becomes `false`.

mod few;
mod form;
mod json;
mod key;
mod pem;

pub use few::is_short;
pub use form::{NUMBER_PREFIX, is_access_key_id, is_date, is_marked, is_marked_number, is_marked_text, is_number, is_uuid};

use crate::codec::zip;
use crate::decimal::Decimal;
use crate::model::pattern::{Matched, Pattern};
use crate::model::sample;
use crate::model::schema::{Member, ShapeKind};
use crate::redaction::memory::Memory;
use crate::value::Value;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form::{Form, YEAR, YEAR_2099, access_key_id, arn, date, decimal, hexadecimal, jwt, uuid};
use std::collections::HashSet;

/// The instant that stands for every expiry of credentials: 2099-12-31T23:59:59Z.
pub const FAR_FUTURE: i64 = 4_102_444_799;

/// Up to so many bytes a blob keeps its length: a key of 256 bits has 32 bytes, and KMS neither gives
/// nor takes more in one.
const LONGEST_OF_LENGTH: usize = 4096;

/// The length of what stands for a longer blob.
const MARKED_BLOB: usize = 24;

/// The maker of stand-ins of one cassette.
pub struct StandIns {
    key: [u8; 32],
    /// Hashes of stand-ins without a mark that the cassette in use holds.
    known: HashSet<[u8; 16]>,
    /// What was hidden, where that is to be known: while something is recorded.
    memory: Option<Memory>,
}

impl StandIns {
    /// Stand-ins under this salt: 32 bytes in hexadecimal; any other text is hashed to a key.
    pub fn new(salt: &str) -> StandIns {
        StandIns {
            key: key_of(salt),
            known: HashSet::new(),
            memory: None,
        }
    }

    /// The same under the same salt, that remembers nothing.
    pub(super) fn twin(&self) -> StandIns {
        StandIns {
            key: self.key,
            known: HashSet::new(),
            memory: None,
        }
    }

    /// Remembers from now on what it hides.
    pub(super) fn keep_in_mind(&mut self) {
        self.memory = Some(Memory::default());
    }

    /// What was hidden by now, where that is remembered.
    pub(super) fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Remembers an unmarked stand-in of the cassette in use, so that it maps to itself.
    pub fn remember(&mut self, value: &Value) {
        if !is_marked(value) {
            self.known.insert(fingerprint(value));
        }
    }

    /// What is written for a live `value`. Scalars keep their type; null stays. Lists and objects are
    /// not scalars and stay as they are.
    pub fn value(&self, value: &Value, at: At<'_>) -> Value {
        if is_marked(value) {
            return value.clone();
        }
        match self.fresh(value, at) {
            // Only where no mark fits may a value without one be a stand-in.
            Fresh::Of(fresh) if !is_marked(&fresh) && self.is_known(value) => value.clone(),
            Fresh::Of(fresh) | Fresh::OfFew(fresh) => fresh,
        }
    }

    /// The same for a value that a cassette holds, which may be a stand-in already.
    pub fn again(&self, value: &Value, at: At<'_>) -> Value {
        match self.is_known(value) && !self.can_be_marked(value, at) {
            true => value.clone(),
            false => self.value(value, at),
        }
    }

    /// Whether a stand-in bears a mark at a place.
    pub fn can_be_marked(&self, value: &Value, at: At<'_>) -> bool {
        matches!(self.fresh(value, at), Fresh::Of(fresh) if is_marked(&fresh))
    }

    /// Whether the place of a value leaves it few others, any of which may stand for it.
    pub fn is_one_of_few(&self, value: &Value, at: At<'_>) -> bool {
        matches!(self.fresh(value, at), Fresh::OfFew(_))
    }

    fn is_known(&self, value: &Value) -> bool {
        !self.known.is_empty() && self.known.contains(&fingerprint(value))
    }

    fn fresh(&self, value: &Value, at: At<'_>) -> Fresh {
        Fresh::Of(match value {
            Value::Null | Value::List(_) | Value::Object(_) => value.clone(),
            Value::Bool(_) => Value::Bool(false),
            Value::Integer(_) | Value::Number(_) if at.by_name && at.kind.is_none() => {
                Value::Integer(form::numeral(self.hash_of_number(value)).into())
            }
            Value::Integer(_) | Value::Number(_) => match few::number(self, value, at) {
                Some(other) => return Fresh::OfFew(other),
                None => self.integer(value, at),
            },
            Value::Text(text) => return self.place_text(text, at),
            Value::Blob(bytes) => {
                if let Some(other) = few::bytes(self, bytes) {
                    return Fresh::OfFew(Value::Blob(other));
                }
                let blob = self.blob(bytes, at.member);
                self.learn_blob(bytes, &blob);
                Value::Blob(blob)
            }
            Value::Timestamp { seconds, nanos } => {
                let mut bytes = [0; 12];
                bytes[..8].copy_from_slice(&seconds.to_le_bytes());
                bytes[8..].copy_from_slice(&nanos.to_le_bytes());
                let offset = self.number(b'T', &bytes) % YEAR;
                Value::Timestamp {
                    seconds: YEAR_2099 + offset as i64,
                    nanos: 0,
                }
            }
        })
    }

    /// The stand-in for a text whose place is not known or not constrained.
    pub fn text(&self, text: &str) -> String {
        let placeholder = self.first_within(text, 0);
        self.learn(text, &placeholder, false);
        placeholder
    }

    /// What was written for a text first, or what is written for it anywhere: inside so many JSON
    /// documents.
    fn first_within(&self, text: &str, nesting: usize) -> String {
        let known = self.memory.as_ref().and_then(|memory| memory.placeholder(text));
        known.unwrap_or_else(|| self.text_within(text, nesting))
    }

    fn learn(&self, text: &str, placeholder: &str, weak: bool) {
        if let Some(memory) = &self.memory {
            memory.learn(text, placeholder, weak);
            memory.learn_document(text, placeholder);
        }
    }

    /// A blob comes back in base64, or as the text that it is.
    fn learn_blob(&self, bytes: &[u8], blob: &[u8]) {
        let Some(memory) = &self.memory else { return };
        memory.learn(&base64_text(bytes), &base64_text(blob), false);
        if let Ok(text) = std::str::from_utf8(bytes) {
            memory.learn(text, &self.anywhere(text), false);
        }
    }

    /// What is written for a text by the text alone.
    pub(super) fn anywhere(&self, text: &str) -> String {
        self.text_within(text, 0)
    }

    /// The same for a text inside so many JSON documents.
    fn text_within(&self, text: &str, nesting: usize) -> String {
        if form::is_marked_within(text, nesting) {
            return text.to_owned();
        }
        if let Some(document) = json::stand_in(self, text, nesting) {
            return document;
        }
        if pem::may_be(text)
            && let Some(key) = pem::stand_in(self, text)
        {
            return key;
        }
        match Form::of(text) {
            Form::Digits => decimal(self.hash(b't', text.as_bytes())),
            Form::Plain => hexadecimal(self.hash(b't', text.as_bytes())),
            Form::AccessKeyId => access_key_id(text, self.hash(b't', text.as_bytes())),
            Form::Uuid => uuid(self.hash(b't', text.as_bytes())),
            Form::Jwt => jwt(&hexadecimal(self.hash(b't', text.as_bytes()))),
            Form::Arn => arn(text, &hexadecimal(self.hash(b't', text.as_bytes()))),
            Form::Date => date(text, self.number(b't', text.as_bytes())),
        }
    }

    fn place_text(&self, text: &str, at: At<'_>) -> Fresh {
        if at.start > 0 {
            let (before, secret) = text.split_at_checked(at.start).unwrap_or(("", text));
            return Fresh::Of(Value::Text(format!("{before}{}", self.text(secret))));
        }
        let of = |text: String| Fresh::Of(Value::Text(text));
        if let Some(other) = few::named(self, text, at) {
            return Fresh::OfFew(Value::Text(other));
        }
        let plain = match self.first_within(text, 0) {
            word if at.key && (word.len()..=LONGEST_OF_LENGTH).contains(&text.len()) && form::is_marked_word(&word) => {
                format!("{word:0<width$}", width = text.len())
            }
            other => other,
        };
        // A key is a key whatever the model says of it: ACM's pattern knows no encrypted one.
        if pem::may_be(&plain) {
            self.learn(text, &plain, false);
            return of(plain);
        }
        let Some(member) = at.member.filter(|member| !member.constraints.is_empty()) else {
            self.learn(text, &plain, at.weak);
            return of(plain);
        };
        let obeys = |text: &str| {
            let (min, max) = length_of(Some(member));
            let matches = |pattern: &std::sync::Arc<Pattern>| pattern.matches(text) != Matched::No;
            (min..=max).contains(&text.len()) && member.constraints.pattern.as_ref().is_none_or(matches)
        };
        if obeys(&plain) {
            self.learn(text, &plain, at.weak);
            return of(plain);
        }
        let fitted = self.fitted(text, plain, member);
        // So short a text may be the stand-in of another one, too.
        match few::is_short(&fitted).then(|| few::shaped(self, text, &obeys)).flatten() {
            Some(other) => Fresh::OfFew(Value::Text(other)),
            None => {
                self.learn(text, &fitted, at.weak);
                of(fitted)
            }
        }
    }

    /// A stand-in that is made to fit.
    fn fitted(&self, text: &str, mut plain: String, member: &Member) -> String {
        // A document that is cut is none.
        if plain.starts_with(['{', '[']) {
            plain = hexadecimal(self.hash(b't', text.as_bytes()));
        }
        let fitted = fit(plain, member);
        let Some(pattern) = &member.constraints.pattern else {
            return fitted;
        };
        if pattern.matches(&fitted) != Matched::No {
            return fitted;
        }
        if let Some(other) = self.other_digits(text, member, pattern) {
            return other;
        }
        let mut seed = sample::Seed::new(&self.hash(b'p', text.as_bytes()));
        sample::text(Some(pattern), member.constraints.length, &mut seed).unwrap_or(fitted)
    }

    /// Other digits that obey the pattern and bear the mark: many a name must begin with a letter.
    fn other_digits(&self, text: &str, member: &Member, pattern: &Pattern) -> Option<String> {
        const TRIES: u8 = 16;
        let digits = |turn: u8| fit(hexadecimal(self.hash(turn, text.as_bytes())), member);
        (0..TRIES)
            .map(digits)
            .find(|digits| is_marked_text(digits) && pattern.matches(digits) != Matched::No)
    }

    fn blob(&self, bytes: &[u8], member: Option<&Member>) -> Vec<u8> {
        let (min, max) = length_of(member);
        let of_text = |text: &str| json::stand_in(self, text, 0).or_else(|| pem::stand_in(self, text));
        let document = std::str::from_utf8(bytes).ok().and_then(of_text);
        if let Some(document) = document.filter(|document| (min..=max).contains(&document.len())) {
            return document.into_bytes();
        }
        if let Some(label) = key::label_of(bytes) {
            let material = key::material(&self.hash(b'k', bytes));
            return key::placeholder(label, bytes, &material).unwrap_or_default();
        }
        let length = match bytes.len() {
            length @ ..=LONGEST_OF_LENGTH => length,
            _ => MARKED_BLOB,
        };
        let content = zip::content(bytes);
        form::blob(
            self.hash(b'b', content.as_deref().unwrap_or(bytes)),
            length.clamp(min.min(max), max),
        )
    }

    fn integer(&self, value: &Value, at: At<'_>) -> Value {
        let number = i128::from(self.hash_of_number(value) % 1_000_000_000);
        Value::Integer(match few::bounds(at, 0) {
            (Some(min), Some(max)) if max >= min => min + number % (max - min).saturating_add(1).max(1),
            (Some(min), _) => number.max(min).max(min.saturating_add(number)),
            (None, Some(max)) => max.saturating_sub(number),
            (None, None) => number,
        })
    }

    /// Equal numbers may be written in several ways.
    fn hash_of_number(&self, value: &Value) -> u64 {
        match (value, Decimal::of(value)) {
            (_, Some(decimal)) => match decimal.to_integer() {
                Some(integer) => self.number(b'i', &integer.to_le_bytes()),
                None => {
                    let (negative, digits, exponent) = decimal.parts();
                    self.number(b'i', format!("{negative} {digits} {exponent}").as_bytes())
                }
            },
            (Value::Number(lexeme), None) => self.number(b'i', lexeme.as_bytes()),
            _ => 0,
        }
    }

    /// What stands for a number of a document that only its name says to be a secret.
    pub(super) fn numeral(&self, lexeme: &str) -> String {
        let written = || Value::Number(lexeme.to_owned());
        let value = lexeme.parse().map_or_else(|_| written(), Value::Integer);
        form::numeral(self.hash_of_number(&value)).to_string()
    }

    fn number(&self, kind: u8, bytes: &[u8]) -> u64 {
        let hash = self.hash(kind, bytes);
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        u64::from_le_bytes(first)
    }

    /// 32 bytes that stand for these.
    pub fn keyed(&self, bytes: &[u8]) -> [u8; 32] {
        self.hash(b'h', bytes)
    }

    fn hash(&self, kind: u8, bytes: &[u8]) -> [u8; 32] {
        if bytes.len() < 1024 {
            let mut buffer = [0; 1024];
            buffer[0] = kind;
            buffer[1..=bytes.len()].copy_from_slice(bytes);
            return *blake3::keyed_hash(&self.key, &buffer[..=bytes.len()]).as_bytes();
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&[kind]).update(bytes);
        *hasher.finalize().as_bytes()
    }
}

/// A place, as far as it has a say in its stand-ins.
#[derive(Debug, Clone, Copy, Default)]
pub struct At<'a> {
    /// The innermost member that describes it, where the model knows it.
    pub member: Option<&'a Member>,
    /// What the model says of the value there.
    pub kind: Option<&'a ShapeKind>,
    /// What stands there may be the name of something, too.
    pub weak: bool,
    /// What stands there is a key or a token, whose length is a part of its form.
    pub key: bool,
    /// Only a name says that it is a secret.
    pub by_name: bool,
    /// Where in the text the secret begins.
    pub start: usize,
}

/// A stand-in that is made from a value.
enum Fresh {
    Of(Value),
    /// One of few, which may stand for another value elsewhere.
    OfFew(Value),
}

fn length_of(member: Option<&Member>) -> (usize, usize) {
    let length = member.and_then(|member| member.constraints.length);
    let bound = |bound: Option<u64>| bound.map(|bound| usize::try_from(bound).unwrap_or(usize::MAX));
    let min = length.and_then(|length| bound(length.min)).unwrap_or(0).min(1 << 20);
    (min, length.and_then(|length| bound(length.max)).unwrap_or(usize::MAX))
}

/// Stand-ins are ASCII: bytes are characters.
fn fit(mut text: String, member: &Member) -> String {
    let (min, max) = length_of(Some(member));
    text.truncate(max);
    while text.len() < min {
        text.push('0');
    }
    text
}

fn key_of(salt: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let digits = salt.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let whole = digits.len() == 64
        && key
            .iter_mut()
            .zip(digits.chunks_exact(2))
            .all(|(slot, pair)| match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => {
                    *slot = (high << 4 | low) as u8;
                    true
                }
                _ => false,
            });
    if whole {
        key
    } else {
        blake3::derive_key("ferrotape stand-ins 1", digits)
    }
}

fn fingerprint(value: &Value) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    match value {
        Value::Text(text) => hasher.update(b"t").update(text.as_bytes()),
        Value::Integer(number) => hasher.update(b"i").update(&number.to_le_bytes()),
        Value::Number(text) => hasher.update(b"n").update(text.as_bytes()),
        Value::Blob(bytes) => hasher.update(b"b").update(bytes),
        _ => hasher.update(b"?"),
    };
    let mut out = [0; 16];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    out
}

/// A blob as a JSON body carries it.
pub fn base64_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// An instant in the format of `like`: an HTTP date or an RFC 3339 one.
pub fn date_text(seconds: i64, like: &str) -> Option<String> {
    let format = if like.ends_with("GMT") {
        Format::HttpDate
    } else {
        Format::DateTime
    };
    DateTime::from_secs(seconds).fmt(format).ok()
}

/// The bytes of a blob in a JSON body.
pub fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests;
