//! JSON bodies: [`decode`] led by a shape, [`encode`] led by a shape, [`write`] led by nothing.

use super::scalar;
use crate::json::lexer::{Lexer, Malformed, Token};
use crate::json::rewrite::write_string;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::{Side, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt::Write;

/// Reads a JSON document as a value of `shape`.
///
/// Where the document has another type than the shape, what is there is kept: a number where a
/// string belongs becomes a number. `timestamps` is the protocol's default format.
///
/// # Errors
/// Only where the bytes are not JSON.
pub fn decode(service: &Service, shape: ShapeIndex, body: &[u8], side: Side, timestamps: TimestampFormat) -> Result<Value, Malformed> {
    decode_as(service, shape, body, side, timestamps, false)
}

/// Reads a JSON document as a value of `shape`, whose members are called by their `@jsonName`,
/// with timestamps in epoch seconds by default, as restJson1 writes both.
///
/// # Errors
/// Only where the bytes are not JSON.
pub fn decode_with_json_names(service: &Service, shape: ShapeIndex, body: &[u8], side: Side) -> Result<Value, Malformed> {
    decode_as(service, shape, body, side, TimestampFormat::EpochSeconds, true)
}

fn decode_as(
    service: &Service,
    shape: ShapeIndex,
    body: &[u8],
    side: Side,
    timestamps: TimestampFormat,
    json_names: bool,
) -> Result<Value, Malformed> {
    let mut decoder = Decoder {
        service: Some(service),
        side,
        timestamps,
        json_names,
        lexer: Lexer::from_bytes(body)?,
    };
    let first = decoder.lexer.next()?;
    let value = decoder.value(first, Some(shape), timestamps)?;
    decoder.lexer.next()?;
    Ok(value)
}

/// Reads a JSON document that no shape describes.
///
/// # Errors
/// Where the bytes are not JSON.
pub fn decode_untyped(body: &[u8]) -> Result<Value, Malformed> {
    let mut decoder = Decoder {
        service: None,
        side: Side::Response,
        timestamps: TimestampFormat::EpochSeconds,
        json_names: false,
        lexer: Lexer::from_bytes(body)?,
    };
    let first = decoder.lexer.next()?;
    let value = decoder.value(first, None, TimestampFormat::EpochSeconds)?;
    decoder.lexer.next()?;
    Ok(value)
}

struct Decoder<'a> {
    service: Option<&'a Service>,
    side: Side,
    timestamps: TimestampFormat,
    json_names: bool,
    lexer: Lexer<'a>,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, token: Token<'a>, shape: Option<ShapeIndex>, format: TimestampFormat) -> Result<Value, Malformed> {
        let service = self.service;
        let kind = service.zip(shape).map(|(service, shape)| &service.shape(shape).kind);
        Ok(match token {
            Token::ObjectStart => self.object(kind)?,
            Token::ArrayStart => self.list(kind)?,
            Token::Text(raw) => text(raw.decode().into_owned(), kind, format, self.side),
            Token::Number(lexeme) => number(lexeme, kind, format),
            Token::Bool(value) => Value::Bool(value),
            // A container's end or the document's cannot stand where the lexer expects a value.
            Token::Null | Token::ObjectEnd | Token::ArrayEnd | Token::Key(_) | Token::End => Value::Null,
        })
    }

    fn object(&mut self, kind: Option<&'a ShapeKind>) -> Result<Value, Malformed> {
        let mut members = Vec::with_capacity(8);
        loop {
            let Token::Key(key) = self.lexer.next()? else {
                return Ok(Value::Object(members));
            };
            let mut key = key.decode().into_owned();
            let member = match kind {
                Some(ShapeKind::Structure(known) | ShapeKind::Union(known)) if self.json_names => {
                    let member = known.find_json(&key);
                    key = member.map_or_else(|| scalar::unknown_name(known, &key), |member| member.name.clone());
                    member
                }
                Some(ShapeKind::Structure(known) | ShapeKind::Union(known)) => known.find(&key),
                Some(ShapeKind::Map { value, .. }) => Some(&**value),
                _ => None,
            };
            let token = self.lexer.next()?;
            let value = self.member(token, member)?;
            members.push((key, value));
        }
    }

    fn list(&mut self, kind: Option<&'a ShapeKind>) -> Result<Value, Malformed> {
        let item = match kind {
            Some(ShapeKind::List(item)) => Some(item),
            _ => None,
        };
        let mut items = Vec::new();
        loop {
            match self.lexer.next()? {
                Token::ArrayEnd => return Ok(Value::List(items)),
                token => {
                    let value = self.member(token, item)?;
                    items.push(value);
                }
            }
        }
    }

    fn member(&mut self, token: Token<'a>, member: Option<&'a Member>) -> Result<Value, Malformed> {
        let format = member.and_then(|member| member.timestamp_format).unwrap_or(self.timestamps);
        self.value(token, member.map(|member| member.target), format)
    }
}

fn text(text: String, kind: Option<&ShapeKind>, format: TimestampFormat, side: Side) -> Value {
    match kind {
        Some(ShapeKind::Blob) => blob(&text).unwrap_or(Value::Text(text)),
        Some(ShapeKind::Timestamp) if format != TimestampFormat::EpochSeconds => {
            scalar::timestamp_from_text(&text, format, side).unwrap_or(Value::Text(text))
        }
        _ => Value::Text(text),
    }
}

/// A blob from its base64 text (RFC 4648, section 4, with padding).
pub fn blob(text: &str) -> Option<Value> {
    BASE64.decode(text).ok().map(Value::Blob)
}

fn number(lexeme: &str, kind: Option<&ShapeKind>, format: TimestampFormat) -> Value {
    if matches!(kind, Some(ShapeKind::Timestamp))
        && format == TimestampFormat::EpochSeconds
        && let Some(timestamp) = scalar::timestamp_from_number(lexeme)
    {
        return timestamp;
    }
    // `-0` is kept as it was written: as an integer it would lose its sign.
    match lexeme.parse::<i128>() {
        Ok(integer) if lexeme != "-0" => Value::Integer(integer),
        _ => Value::Number(lexeme.to_owned()),
    }
}

/// Writes a value of `shape` as compact JSON, timestamps and blobs as the shape asks. Members of
/// a structure that are null are left out.
pub fn encode(service: &Service, shape: ShapeIndex, value: &Value, timestamps: TimestampFormat) -> String {
    encode_as(service, shape, value, timestamps, false)
}

/// Writes a value as [`encode`] does, members under their `@jsonName`, timestamps in epoch
/// seconds by default.
pub fn encode_with_json_names(service: &Service, shape: ShapeIndex, value: &Value) -> String {
    encode_as(service, shape, value, TimestampFormat::EpochSeconds, true)
}

fn encode_as(service: &Service, shape: ShapeIndex, value: &Value, timestamps: TimestampFormat, json_names: bool) -> String {
    let mut out = String::new();
    let encoder = Encoder {
        service,
        timestamps,
        json_names,
    };
    encoder.value(Some(shape), value, timestamps, &mut out);
    out
}

struct Encoder<'a> {
    service: &'a Service,
    timestamps: TimestampFormat,
    json_names: bool,
}

impl Encoder<'_> {
    fn value(&self, shape: Option<ShapeIndex>, value: &Value, format: TimestampFormat, out: &mut String) {
        let kind = shape.map(|shape| &self.service.shape(shape).kind);
        match (value, kind) {
            (Value::Object(members), _) => self.object(members, kind, out),
            (Value::List(items), _) => {
                let item = if let Some(ShapeKind::List(item)) = kind { Some(item) } else { None };
                sequence(out, '[', ']', items, |item_value, out| self.member(item, item_value, out));
            }
            (Value::Timestamp { seconds, nanos }, _) => match format {
                TimestampFormat::EpochSeconds => out.push_str(&scalar::timestamp_text(*seconds, *nanos, format)),
                _ => write_string(&scalar::timestamp_text(*seconds, *nanos, format), out),
            },
            (scalar, _) => write(scalar, out),
        }
    }

    fn object(&self, members: &[(String, Value)], kind: Option<&ShapeKind>, out: &mut String) {
        let structure = matches!(kind, Some(ShapeKind::Structure(_) | ShapeKind::Union(_)));
        let written = members.iter().filter(|(_, value)| !(structure && *value == Value::Null));
        sequence(out, '{', '}', written, |(name, value), out| {
            let member = match kind {
                Some(ShapeKind::Structure(known) | ShapeKind::Union(known)) => known.find(name),
                Some(ShapeKind::Map { value, .. }) => Some(&**value),
                _ => None,
            };
            let key = member
                .filter(|_| structure && self.json_names)
                .map_or(name.as_str(), Member::json_key);
            write_string(key, out);
            out.push(':');
            self.member(member, value, out);
        });
    }

    fn member(&self, member: Option<&Member>, value: &Value, out: &mut String) {
        let format = member.and_then(|member| member.timestamp_format).unwrap_or(self.timestamps);
        self.value(member.map(|member| member.target), value, format, out);
    }
}

/// Writes any value as compact JSON: timestamps as epoch seconds, blobs in base64.
pub fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Integer(integer) => {
            let _ = write!(out, "{integer}");
        }
        Value::Number(lexeme) => out.push_str(lexeme),
        Value::Text(text) => write_string(text, out),
        Value::Blob(bytes) => write_string(&BASE64.encode(bytes), out),
        Value::Timestamp { seconds, nanos } => out.push_str(&scalar::timestamp_text(*seconds, *nanos, TimestampFormat::EpochSeconds)),
        Value::List(items) => sequence(out, '[', ']', items, write),
        Value::Object(members) => sequence(out, '{', '}', members, |(name, value), out| {
            write_string(name, out);
            out.push(':');
            write(value, out);
        }),
    }
}

fn sequence<T>(out: &mut String, open: char, close: char, items: impl IntoIterator<Item = T>, mut each: impl FnMut(T, &mut String)) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(close);
}
