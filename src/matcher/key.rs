//! What makes two calls the same.
//!
//! A key is a hash over a canonical form of service, operation, region and input. Every part of
//! the form is tagged and carries its length, so that no two inputs share a form. Left out:
//! members that are null, and the idempotency token. Written by what they mean: numbers by value,
//! timestamps by instant, blobs by bytes, lists with `uniqueItems` in any order, objects in any
//! order. Secrets are written as their stand-ins, so a live request has the key of its redacted
//! recording. What the user says of a place counts more than all this. Account ids are renamed by their first appearance, so a recording replays under any
//! account. An omitted member and an explicit default differ, and unknown members count.

use super::rules::{Counts, OperationRules};
use crate::cassette::TimeMark;
use crate::codec::zip;
use crate::decimal::Decimal;
use crate::inspect::Call;
use crate::model::http::Binding;
use crate::model::schema::Member;
use crate::pointer::Path;
use crate::redaction::renaming::Names;
use crate::redaction::rules::Context;
use crate::redaction::scan::{self, AccountIds, Budget, layers};
use crate::redaction::{Redactor, headers};
use crate::value::Value;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// What two calls that are the same have in common. Computed, never stored in a cassette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub u128);

/// A key is a hash already: its own bits find its place in a map.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |state, byte| state.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Which runs of twelve digits are account ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accounts {
    /// Those that their place gives away, wherever they recur in the input.
    #[default]
    Recognised,
    /// All: for operations of which a recording holds a renamed id that its request alone does not
    /// give away (the response did).
    All,
}

// Tags lie above ASCII: behind a text they are not taken for a part of its last word.
const NULL: u8 = 0x80;
const BOOL: u8 = 0x81;
const INTEGER: u8 = 0x82;
const DECIMAL: u8 = 0x83;
const TEXT: u8 = 0x84;
const BLOB: u8 = 0x85;
const TIMESTAMP: u8 = 0x86;
const LIST: u8 = 0x87;
const OBJECT: u8 = 0x88;
const MEMBER: u8 = 0x89;
const END: u8 = 0x8a;
const ABSENT: u8 = 0x8b;
// 0x8c begins the form of a call that no model describes.
const PRESENT: u8 = 0x8d;

thread_local! {
    /// The canonical form is built here, so that a key costs no allocation.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How an input is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) redactor: &'a Redactor,
    /// The input comes from a cassette, whose sensitive values are stand-ins already, whatever they
    /// look like.
    pub(super) recorded: bool,
    pub(super) accounts: Accounts,
    pub(super) rules: Option<&'a OperationRules>,
    /// Names that are made up anew in every run, as far as they are known.
    pub(super) names: Option<&'a Names>,
    /// Values that answers of the cassette gave: stand-ins, though nothing on them shows it.
    pub(super) given: &'a [Value],
    /// Members that name the time of the request, whatever it is.
    pub(super) now: &'a [TimeMark],
}

impl<'a> Reading<'a> {
    fn plain(redactor: &'a Redactor, recorded: bool) -> Reading<'a> {
        Reading {
            redactor,
            recorded,
            accounts: Accounts::Recognised,
            rules: None,
            names: None,
            given: &[],
            now: &[],
        }
    }
}

/// The key of a call by itself. `recorded`: the input comes from a cassette.
pub fn key(call: &Call, input: &Value, redactor: &Redactor, recorded: bool) -> Key {
    with_form(call, input, Reading::plain(redactor, recorded), |form, _, _| hashed(form))
}

/// The key, and a hash of each top-level member; what an index of near misses is made of.
pub(super) fn key_and_members(call: &Call, input: &Value, reading: Reading<'_>) -> (Key, Vec<u64>) {
    with_form(call, input, reading, |form, members, _| {
        (
            hashed(form),
            members
                .iter()
                .map(|range| short_hash(form.get(range.clone()).unwrap_or_default()))
                .collect(),
        )
    })
}

pub(super) fn key_with(call: &Call, input: &Value, reading: Reading<'_>) -> Key {
    with_form(call, input, reading, |form, _, _| hashed(form))
}

/// Whether a recorded input holds an account stand-in whose place does not give it away.
pub(super) fn has_hidden_accounts(call: &Call, input: &Value, redactor: &Redactor) -> bool {
    with_form(call, input, Reading::plain(redactor, true), |_, _, hidden| hidden)
}

fn with_form<T>(call: &Call, input: &Value, reading: Reading<'_>, read: impl FnOnce(&[u8], &[Range<usize>], bool) -> T) -> T {
    let operation = call.service.operation(call.operation);
    let given = reading.rules.and_then(|rules| rules.with_given(input, reading.names));
    let budget = Budget::default();
    SCRATCH.with_borrow_mut(|out| {
        out.clear();
        text(out, &call.service.sdk_id);
        text(out, &operation.name);
        match &call.region {
            Some(region) if reading.rules.is_none_or(|rules| !rules.any_region) => text(out, region),
            _ => out.push(ABSENT),
        }
        let body = out.len();
        let mut form = Form {
            out,
            redactor: reading.redactor,
            budget: &budget,
            operation: &operation.name,
            recorded: reading.recorded,
            rules: reading.rules,
            names: given.as_ref().or(reading.names),
            given: reading.given,
            now: reading.now,
            digits: false,
            accounts: AccountIds::default(),
            members: Vec::new(),
        };
        form.root(
            Context::root(&call.service, operation.input),
            input,
            operation.idempotency_token.as_deref(),
        );
        form.times();
        let Form {
            digits,
            accounts: recognised,
            members,
            ..
        } = form;
        let hidden = digits && rename_accounts(&mut out[body..], &recognised, reading.accounts);
        read(out, &members, hidden)
    })
}

/// Renames accounts in order of first appearance; says whether an account stand-in was left.
fn rename_accounts(form: &mut [u8], recognised: &AccountIds, accounts: Accounts) -> bool {
    let starts: Vec<usize> = scan::twelve_digits(form).collect();
    let mut seen: HashMap<[u8; 12], usize> = HashMap::new();
    let mut hidden = false;
    for start in starts {
        let Some(place) = form.get_mut(start..start + 12) else {
            continue;
        };
        let is_recognised = std::str::from_utf8(place).is_ok_and(|id| recognised.contains(id));
        if !is_recognised && accounts == Accounts::Recognised {
            hidden |= place.starts_with(b"00000000");
            continue;
        }
        let mut id = [0; 12];
        id.copy_from_slice(place);
        let next = seen.len();
        let number = *seen.entry(id).or_insert(next);
        place.copy_from_slice(format!("{number:012}").as_bytes());
    }
    hidden
}

struct Form<'a> {
    out: &'a mut Vec<u8>,
    redactor: &'a Redactor,
    budget: &'a Budget,
    operation: &'a str,
    recorded: bool,
    rules: Option<&'a OperationRules>,
    names: Option<&'a Names>,
    given: &'a [Value],
    now: &'a [TimeMark],
    /// Somewhere are twelve digits in a row.
    digits: bool,
    accounts: AccountIds,
    /// Where the top-level members stand.
    members: Vec<Range<usize>>,
}

impl Form<'_> {
    fn root(&mut self, context: Context<'_>, input: &Value, token: Option<&str>) {
        let Value::Object(members) = input else {
            return self.value(context, Path::ROOT, input);
        };
        let context = context.around(members);
        self.out.push(OBJECT);
        sorted(
            members.len(),
            |index| members[index].0.as_str(),
            |index| {
                let (name, value) = &members[index];
                let is_token = token == Some(name.as_str());
                if is_token && self.rules.is_none() || matches!(value, Value::Null) {
                    return;
                }
                let inner = context.child(name);
                if inner.member.is_some_and(is_of_the_wire) {
                    return;
                }
                let path = Path::ROOT.name(name);
                let counts = self.counts(&path, value, is_token);
                if counts == Counts::Not {
                    return;
                }
                let start = self.out.len();
                self.out.push(MEMBER);
                text(self.out, name);
                self.counted(counts, inner, path, value);
                self.members.push(start..self.out.len());
            },
        );
        self.out.push(END);
    }

    /// Which members name the time, and how far from it.
    fn times(&mut self) {
        for mark in self.now {
            self.out.push(PRESENT);
            text(self.out, &mark.member);
            self.out.extend_from_slice(&mark.offset.to_le_bytes());
        }
    }

    fn counts(&self, path: &Path<'_>, value: &Value, is_token: bool) -> Counts {
        if !self.now.is_empty() && self.now.iter().any(|mark| mark.member == path.render()) {
            return Counts::Presence;
        }
        self.rules.map_or(Counts::Fully, |rules| rules.counts(path, value, is_token))
    }

    /// A member that counts in some way.
    fn counted(&mut self, counts: Counts, context: Context<'_>, path: Path<'_>, value: &Value) {
        match counts {
            Counts::Presence => self.out.push(PRESENT),
            _ => self.value(context, path, value),
        }
    }

    fn value(&mut self, context: Context<'_>, path: Path<'_>, value: &Value) {
        let recorded = self.recorded || self.given.contains(value);
        if let Some(stand_in) = self.redactor.hidden(&context, self.operation, &path, value, recorded) {
            // Nothing hides in a stand-in.
            return match &*stand_in {
                Value::Text(content) => self.open_text(context.name, content),
                other => self.plain(context, path, other),
            };
        }
        match value {
            Value::Text(content) => {
                let clean = self.redactor.scrubbed(content, self.budget);
                self.text(context.name, &clean);
            }
            Value::Blob(bytes) => self.blob(bytes),
            other => self.plain(context, path, other),
        }
    }

    /// A blob that is text may hold what redaction takes out by its form.
    fn blob(&mut self, bytes: &[u8]) {
        self.out.push(BLOB);
        // Code is packed anew by every run.
        if let Some(content) = zip::content(bytes) {
            self.out.extend_from_slice(blake3::hash(&content).as_bytes());
            return;
        }
        let clean = self.redactor.scrubbed_bytes(bytes, self.budget);
        // What compression hides is compared in the clear: there are several ways to compress.
        let mut is_text = false;
        let _ = layers::in_bytes(&clean, self.budget, &mut |content| {
            is_text = true;
            self.text("", content);
            None
        });
        if !is_text {
            self.out.extend_from_slice(blake3::hash(&clean).as_bytes());
        }
    }

    fn plain(&mut self, context: Context<'_>, path: Path<'_>, value: &Value) {
        match value {
            Value::Null => self.out.push(NULL),
            Value::Bool(value) => self.out.extend_from_slice(&[BOOL, u8::from(*value)]),
            Value::Integer(number) => self.integer(*number),
            Value::Number(text) => self.number(text),
            Value::Text(content) => self.text(context.name, content),
            Value::Blob(bytes) => self.blob(bytes),
            Value::Timestamp { seconds, nanos } => {
                self.out.push(TIMESTAMP);
                self.out.extend_from_slice(&seconds.to_le_bytes());
                self.out.extend_from_slice(&nanos.to_le_bytes());
            }
            Value::List(items) => self.list(context, path, items),
            Value::Object(entries) => self.object(context, path, entries),
        }
    }

    fn text(&mut self, name: &str, content: &str) {
        // Account ids behind base64 are renamed in a recording as they are in the clear.
        let has_digits = |inner: &str| scan::twelve_digits(inner.as_bytes()).next().is_some();
        let opened = layers::opened(content, self.budget, &has_digits);
        self.open_text(name, opened.as_deref().unwrap_or(content));
    }

    /// A text in which nothing is encoded.
    fn open_text(&mut self, name: &str, content: &str) {
        let renamed = self.names.and_then(|names| names.renamed(content));
        let content = renamed.as_deref().unwrap_or(content);
        if scan::twelve_digits(content.as_bytes()).next().is_some() {
            self.digits = true;
            scan::accounts(name, content, &mut self.accounts);
        }
        self.out.push(TEXT);
        text(self.out, content);
    }

    fn integer(&mut self, number: i128) {
        self.out.push(INTEGER);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    fn number(&mut self, lexeme: &str) {
        let Some(decimal) = Decimal::parse(lexeme) else {
            self.out.push(TEXT);
            return text(self.out, lexeme);
        };
        match decimal.to_integer() {
            Some(number) => self.integer(number),
            None => {
                let (negative, digits, exponent) = decimal.parts();
                self.out.extend_from_slice(&[DECIMAL, u8::from(negative)]);
                self.out.extend_from_slice(&exponent.to_le_bytes());
                // The letter keeps twelve digits from being taken for an account.
                text(self.out, &format!("d{digits}"));
            }
        }
    }

    fn list(&mut self, context: Context<'_>, path: Path<'_>, items: &[Value]) {
        self.out.push(LIST);
        let start = self.out.len();
        let unique = context.member.is_some_and(|member| member.constraints.unique_items);
        let mut ends = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = path.index(index);
            let counts = self.counts(&place, item, false);
            if counts != Counts::Not {
                self.counted(counts, context.item_of(items, index), place, item);
            }
            if unique {
                ends.push(self.out.len());
            }
        }
        if unique {
            sort_parts(self.out, start, &ends, self.digits);
        }
        self.out.push(END);
    }

    fn object(&mut self, context: Context<'_>, path: Path<'_>, entries: &[(String, Value)]) {
        self.out.push(OBJECT);
        let context = context.around(entries);
        if context.is_map() {
            self.map(context, path, entries);
        } else {
            sorted(
                entries.len(),
                |index| entries[index].0.as_str(),
                |index| {
                    let (name, value) = &entries[index];
                    let place = path.name(name);
                    let counts = self.counts(&place, value, false);
                    if counts != Counts::Not && !matches!(value, Value::Null) {
                        self.out.push(MEMBER);
                        text(self.out, name);
                        self.counted(counts, context.child(name), place, value);
                    }
                },
            );
        }
        self.out.push(END);
    }

    /// The keys of a map are data: they may be secrets, and hold account ids.
    fn map(&mut self, context: Context<'_>, path: Path<'_>, entries: &[(String, Value)]) {
        let keys: Vec<Cow<'_, str>> = entries
            .iter()
            .map(|(name, _)| {
                self.redactor
                    .map_key(&context.key(), self.operation, &path.name(name), name, self.recorded, self.budget)
            })
            .collect();
        let masked: Vec<Cow<'_, str>> = keys
            .iter()
            .map(|key| {
                let named = self.names.and_then(|names| names.renamed(key));
                let named = named.map_or(Cow::Borrowed(&**key), Cow::Owned);
                match scan::rename_accounts(&named, self.budget, &|_| Some("0".repeat(12))) {
                    Some(masked) => Cow::Owned(masked),
                    None => named,
                }
            })
            .collect();
        sorted_if(
            entries.len(),
            |index| &masked[index],
            |one, other| keys[one] == keys[other],
            |index| {
                let (name, value) = &entries[index];
                let place = path.name(name);
                let counts = self.counts(&place, value, false);
                if counts != Counts::Not && !matches!(value, Value::Null) {
                    self.out.push(MEMBER);
                    self.text("", &keys[index]);
                    self.counted(counts, context.child(name), place, value);
                }
            },
        );
    }
}

/// Whether a member says how a message travels and not what it asks for: its length, its encoding,
/// its checksum. SDKs differ in them, and they are not recorded. (A content encoding that is a member
/// belongs to an object, and says something.)
pub(super) fn is_of_the_wire(member: &Member) -> bool {
    match &member.binding {
        Binding::Header(name) => headers::is_volatile(name) && name != "content-encoding",
        _ => false,
    }
}

/// Visits positions in the order of their names; of equal names only the last, which counts.
fn sorted<'n>(count: usize, name: impl Fn(usize) -> &'n str, visit: impl FnMut(usize)) {
    sorted_if(count, &name, |one, other| name(one) == name(other), visit);
}

fn sorted_if<'n>(count: usize, name: impl Fn(usize) -> &'n str, same: impl Fn(usize, usize) -> bool, mut visit: impl FnMut(usize)) {
    let mut few = [0usize; 32];
    let mut many = Vec::new();
    let order: &mut [usize] = if count <= few.len() {
        &mut few[..count]
    } else {
        many.resize(count, 0);
        &mut many
    };
    for (index, slot) in order.iter_mut().enumerate() {
        *slot = index;
    }
    order.sort_unstable_by(|one, other| name(*one).cmp(name(*other)).then(one.cmp(other)));
    for (at, index) in order.iter().enumerate() {
        if order.get(at + 1).is_none_or(|next| !same(*index, *next)) {
            visit(*index);
        }
    }
}

/// Sorts the parts of the form that end at `ends`. Account ids have no say: they are not renamed yet.
fn sort_parts(out: &mut [u8], start: usize, ends: &[usize], digits: bool) {
    let mut parts: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(ends.len());
    let mut from = start;
    for end in ends {
        let part = out.get(from..*end).unwrap_or_default().to_vec();
        let mut masked = part.clone();
        if digits {
            for at in scan::twelve_digits(&part) {
                masked[at..at + 12].fill(b'0');
            }
        }
        parts.push((masked, part));
        from = *end;
    }
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    let mut at = start;
    for (_, part) in parts {
        out[at..at + part.len()].copy_from_slice(&part);
        at += part.len();
    }
}

/// A length and the text.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    // Eight bytes, little end first: the byte before the text is zero and no part of a word.
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn hashed(form: &[u8]) -> Key {
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(form).as_bytes()[..16]);
    Key(u128::from_le_bytes(first))
}

fn short_hash(part: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}

/// Whether two numbers have the same value, however they are written.
pub(super) fn same_number(one: &Value, other: &Value) -> bool {
    match (Decimal::of(one), Decimal::of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
