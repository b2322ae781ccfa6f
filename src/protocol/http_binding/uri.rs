//! Labels and query: text in a URI, percent-encoded.
//!
//! Timestamps are `date-time` here unless the model says otherwise.

use crate::codec::scalar as text;
use crate::model::http::{Binding, HttpTrait, Segment};
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::{Side, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::HashMap;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, for a greedy label, whose slashes separate segments.
const RESERVED_IN_GREEDY: &AsciiSet = &RESERVED.remove(b'/');

/// What cannot stand in a segment of a path (RFC 3986, section 3.3): a literal is written as in the model.
const RESERVED_IN_LITERAL: &AsciiSet = &RESERVED
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The query members of a presigned URL: how a request was signed is nothing that it asks for.
const SIGNATURE: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// A query, decoded, in its order.
pub struct Query(Vec<(String, Vec<u8>)>);

impl Query {
    /// Reads a query string. `+` is a space, as in forms: SDKs write both in percent-encoding.
    pub fn parse(query: &str) -> Query {
        let pairs = query.split('&').filter(|part| !part.is_empty()).map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (String::from_utf8_lossy(&decoded(key)).into_owned(), decoded(value))
        });
        Query(pairs.collect())
    }

    /// The values of a key, in their order.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0
            .iter()
            .filter(move |(known, _)| known == key)
            .map(|(_, value)| value.as_slice())
    }

    /// A member with `@httpQuery`: a list takes every value of its key, anything else the first.
    pub fn member(&self, service: &Service, member: &Member, key: &str) -> Option<Value> {
        let mut values = self.values(key).peekable();
        values.peek()?;
        match &service.shape(member.target).kind {
            ShapeKind::List(item) => Some(Value::List(values.map(|value| scalar(service, item, value)).collect())),
            _ => values.next().map(|value| scalar(service, member, value)),
        }
    }

    /// A member with `@httpQueryParams`: every key of the query, those of other members included
    /// (Smithy 2.0, "httpQueryParams trait"); none is an empty map.
    pub fn map(&self, service: &Service, member: &Member) -> Value {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let item = match &service.shape(member.target).kind {
            ShapeKind::Map { value, .. } => match &service.shape(value.target).kind {
                ShapeKind::List(item) => Some(item),
                _ => None,
            },
            _ => None,
        };
        for (key, value) in &self.0 {
            if SIGNATURE.contains(&key.as_str()) {
                continue;
            }
            let value = match item {
                Some(item) => scalar(service, item, value),
                None => textual(value),
            };
            let next = entries.len();
            let at = *places.entry(key).or_insert(next);
            match (entries.get_mut(at), item) {
                (Some((_, Value::List(items))), _) => items.push(value),
                (Some(_), _) => {}
                (None, Some(_)) => entries.push((key.clone(), Value::List(vec![value]))),
                (None, None) => entries.push((key.clone(), value)),
            }
        }
        Value::Object(entries)
    }
}

fn decoded(part: &str) -> Vec<u8> {
    if part.contains('+') {
        return percent_decode_str(&part.replace('+', " ")).collect();
    }
    percent_decode_str(part).collect()
}

/// A decoded text as a value of its member. What is not UTF-8 is kept as bytes, which no text is.
pub fn scalar(service: &Service, member: &Member, bytes: &[u8]) -> Value {
    let kind = &service.shape(member.target).kind;
    let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
    match std::str::from_utf8(bytes) {
        Ok(read) => text::from_text(kind, read, format, Side::Request),
        Err(_) => Value::Blob(bytes.to_vec()),
    }
}

fn textual(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(read) => Value::Text(read.to_owned()),
        Err(_) => Value::Blob(bytes.to_vec()),
    }
}

/// The path and query of a request, as a client writes them.
pub fn write(service: &Service, input: ShapeIndex, http: &HttpTrait, value: &Value) -> String {
    let mut out = write_path(service, input, http, value);
    let mut pairs: Vec<(String, Option<String>)> = http.query.clone();
    let members = service.shape(input).members();
    for member in members {
        let Some(given) = value.member(&member.name) else { continue };
        if let Binding::Query(key) = &member.binding {
            let texts = texts(service, member, given);
            pairs.extend(texts.into_iter().map(|text| (key.clone(), Some(text))));
        }
    }
    for member in members.iter().filter(|member| member.binding == Binding::QueryParams) {
        if let Some(Value::Object(entries)) = value.member(&member.name) {
            write_map(service, member, entries, &mut pairs);
        }
    }
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.extend(utf8_percent_encode(key, RESERVED));
        if let Some(value) = value {
            out.push('=');
            out.extend(utf8_percent_encode(value, RESERVED));
        }
    }
    out
}

fn write_path(service: &Service, input: ShapeIndex, http: &HttpTrait, value: &Value) -> String {
    let mut out = String::new();
    let label = |name: &str| {
        let member = service.shape(input).member(name)?;
        texts(service, member, value.member(name)?).into_iter().next()
    };
    for segment in &http.segments {
        out.push('/');
        match segment {
            Segment::Literal(literal) => out.extend(utf8_percent_encode(literal, RESERVED_IN_LITERAL)),
            Segment::Label(name) => out.extend(utf8_percent_encode(&label(name).unwrap_or_default(), RESERVED)),
            Segment::Greedy(name) => out.extend(utf8_percent_encode(&label(name).unwrap_or_default(), RESERVED_IN_GREEDY)),
        }
    }
    if out.is_empty() || http.trailing_slash {
        out.push('/');
    }
    out
}

/// Writes a map of the query. A key that a named member has written is left out (Smithy 2.0,
/// "httpQueryParams trait": the named member wins).
fn write_map(service: &Service, member: &Member, entries: &[(String, Value)], pairs: &mut Vec<(String, Option<String>)>) {
    let named: Vec<String> = pairs.iter().map(|(key, _)| key.clone()).collect();
    let ShapeKind::Map { value: item, .. } = &service.shape(member.target).kind else {
        return;
    };
    for (key, value) in entries.iter().filter(|(key, _)| !named.contains(key)) {
        let texts = texts(service, item, value);
        pairs.extend(texts.into_iter().map(|text| (key.clone(), Some(text))));
    }
}

/// The texts of a member: one, or one an item of a list; none for null.
fn texts(service: &Service, member: &Member, value: &Value) -> Vec<String> {
    let (member, values) = match (&service.shape(member.target).kind, value) {
        (ShapeKind::List(item), Value::List(items)) => (item, items.as_slice()),
        _ => (member, std::slice::from_ref(value)),
    };
    let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
    values.iter().filter_map(|value| text::to_text(value, format)).collect()
}
