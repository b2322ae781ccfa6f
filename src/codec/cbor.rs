//! CBOR bodies (RFC 8949) as Smithy RPC v2 and the SDKs for Java write them: [`decode`] and
//! [`encode`], led by a shape.
//!
//! Definite and indefinite lengths, floats of every size, timestamps under tag 1, numbers of any
//! size under tags 2 to 4. Other tags are passed over.

use super::scalar;
use crate::decimal::Decimal;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::Value;
use minicbor::data::{Int, Tag, Type};
use minicbor::{Decoder, Encoder};
use std::fmt::Write;

/// Documents that are nested more deeply are refused: each level takes its share of the stack.
const MAX_DEPTH: usize = 128;

/// Numbers of more bytes are refused: reading one takes time by the square of its length.
const LONGEST_NUMBER: usize = 1024;

/// From this number on, a timestamp counts milliseconds: it would be the year 5138 in seconds, and is
/// 1973 in milliseconds.
const FIRST_MILLISECONDS: f64 = 1e11;

/// What a timestamp counts since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// Seconds under tag 1, as RFC 8949 and Smithy RPC v2 have it.
    Seconds,
    /// Milliseconds, as awsJson in CBOR has it (`Instant.toEpochMilli` in the SDKs for Java). Emulators
    /// write seconds there, which the size of the number tells.
    Milliseconds,
}

/// Why and where a body is not CBOR that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct Malformed {
    /// Byte offset of the offending item, from 0.
    pub offset: usize,
    /// What is wrong there.
    pub what: String,
}

/// Reads a document as a value of `shape`; as one of no shape where there is none.
///
/// Lenient: what is of another type than the shape stays what it is.
///
/// # Errors
/// Only where the bytes are not one item of CBOR, or hold what no Smithy value can be.
pub fn decode(service: &Service, shape: Option<ShapeIndex>, body: &[u8], epoch: Epoch) -> Result<Value, Malformed> {
    read(shape.map(|shape| (service, shape)), body, epoch)
}

/// Reads a document that no shape describes.
///
/// # Errors
/// As [`decode`].
pub fn decode_untyped(body: &[u8], epoch: Epoch) -> Result<Value, Malformed> {
    read(None, body, epoch)
}

fn read(shape: Option<(&Service, ShapeIndex)>, body: &[u8], epoch: Epoch) -> Result<Value, Malformed> {
    let mut reader = Reader {
        service: shape.map(|(service, _)| service),
        decoder: Decoder::new(body),
        epoch,
        depth: 0,
    };
    let value = reader.value(shape.map(|(_, shape)| shape))?;
    let end = reader.decoder.position();
    if end < body.len() {
        return Err(Malformed {
            offset: end,
            what: "more behind the document".to_owned(),
        });
    }
    Ok(value)
}

struct Reader<'a, 'b> {
    service: Option<&'a Service>,
    decoder: Decoder<'b>,
    epoch: Epoch,
    depth: usize,
}

impl<'a, 'b> Reader<'a, 'b> {
    fn malformed(&self, what: impl Into<String>) -> Malformed {
        Malformed {
            offset: self.decoder.position(),
            what: what.into(),
        }
    }

    /// Reads one part, and says where the item began that could not be read.
    fn part<T>(&mut self, read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>) -> Result<T, Malformed> {
        let offset = self.decoder.position();
        read(&mut self.decoder).map_err(|error| Malformed {
            offset,
            what: error.to_string(),
        })
    }

    fn value(&mut self, shape: Option<ShapeIndex>) -> Result<Value, Malformed> {
        let kind = self.service.zip(shape).map(|(service, shape)| &service.shape(shape).kind);
        let value = match self.part(|decoder| decoder.datatype())? {
            Type::Bool => Value::Bool(self.part(Decoder::bool)?),
            Type::Null => self.part(Decoder::null).map(|()| Value::Null)?,
            Type::Undefined => self.part(Decoder::undefined).map(|()| Value::Null)?,
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                Value::Integer(self.part(Decoder::int)?.into())
            }
            Type::F16 => float(self.half()?),
            Type::F32 => float(self.part(Decoder::f32).map(widened)?),
            Type::F64 => float(self.part(Decoder::f64)?),
            Type::Bytes | Type::BytesIndef => Value::Blob(self.bytes()?),
            Type::String | Type::StringIndef => Value::Text(self.text()?),
            Type::Array | Type::ArrayIndef => self.nested(|reader| reader.list(kind))?,
            Type::Map | Type::MapIndef => self.nested(|reader| reader.object(kind))?,
            Type::Tag => self.nested(|reader| reader.tagged(shape))?,
            other => return Err(self.malformed(format!("an item that no value can be ({other})"))),
        };
        // The tag of a timestamp may be missing where its shape says what it is.
        Ok(match (kind, self.epoch) {
            (Some(ShapeKind::Timestamp), Epoch::Milliseconds) => self.instant(value),
            _ => value,
        })
    }

    /// The instant that a number means; anything else, and an instant out of reach, stays what it is.
    fn instant(&self, value: Value) -> Value {
        let lexeme = match &value {
            Value::Integer(number) => number.to_string(),
            Value::Number(lexeme) => lexeme.clone(),
            _ => return value,
        };
        let size: f64 = lexeme.parse().unwrap_or_default();
        let read = match self.epoch {
            Epoch::Milliseconds if size.abs() >= FIRST_MILLISECONDS => instant_of_milliseconds(size),
            _ => scalar::timestamp_from_number(&lexeme),
        };
        read.unwrap_or(value)
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Malformed>) -> Result<T, Malformed> {
        if self.depth >= MAX_DEPTH {
            return Err(self.malformed(format!("items are nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// A float of 16 bits (RFC 8949, appendix D).
    fn half(&mut self) -> Result<f64, Malformed> {
        let at = self.decoder.position();
        let Some(&[_, high, low]) = self.decoder.input().get(at..at + 3) else {
            return Err(self.malformed("end of input bytes"));
        };
        self.decoder.set_position(at + 3);
        let bits = u16::from_be_bytes([high, low]);
        let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
        let size = match exponent {
            0 => mantissa * 2f64.powi(-24),
            31 if mantissa == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
        };
        Ok(if bits >> 15 == 1 { -size } else { size })
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Malformed> {
        self.part(|decoder| {
            let mut whole = Vec::new();
            for part in decoder.bytes_iter()? {
                whole.extend_from_slice(part?);
            }
            Ok(whole)
        })
    }

    fn text(&mut self) -> Result<String, Malformed> {
        self.part(|decoder| {
            let mut whole = String::new();
            for part in decoder.str_iter()? {
                whole.push_str(part?);
            }
            Ok(whole)
        })
    }

    /// Whether another item of a collection follows: by its length, or until the break.
    fn goes_on(&mut self, length: Option<u64>, read: u64) -> Result<bool, Malformed> {
        match length {
            Some(length) => Ok(read < length),
            None if self.part(|decoder| decoder.datatype())? == Type::Break => {
                self.decoder.set_position(self.decoder.position() + 1);
                Ok(false)
            }
            None => Ok(true),
        }
    }

    fn list(&mut self, kind: Option<&'a ShapeKind>) -> Result<Value, Malformed> {
        let item = match kind {
            Some(ShapeKind::List(item)) => Some(item.target),
            _ => None,
        };
        let length = self.part(Decoder::array)?;
        let mut items = Vec::new();
        for read in 0.. {
            if !self.goes_on(length, read)? {
                break;
            }
            items.push(self.value(item)?);
        }
        Ok(Value::List(items))
    }

    fn object(&mut self, kind: Option<&'a ShapeKind>) -> Result<Value, Malformed> {
        let length = self.part(Decoder::map)?;
        let mut members = Vec::new();
        for read in 0.. {
            if !self.goes_on(length, read)? {
                break;
            }
            let name = self.text()?;
            let member = match kind {
                Some(ShapeKind::Structure(known) | ShapeKind::Union(known)) => known.find(&name),
                Some(ShapeKind::Map { value, .. }) => Some(&**value),
                _ => None,
            };
            let value = self.value(member.map(|member| member.target))?;
            members.push((name, value));
        }
        Ok(Value::Object(members))
    }

    fn tagged(&mut self, shape: Option<ShapeIndex>) -> Result<Value, Malformed> {
        let at = self.decoder.position();
        let wrong = |what: &str| Malformed {
            offset: at,
            what: what.to_owned(),
        };
        match self.part(Decoder::tag)?.as_u64() {
            1 => match self.value(None)? {
                number @ (Value::Integer(_) | Value::Number(_)) => Ok(self.instant(number)),
                _ => Err(wrong("a timestamp (tag 1) that is no number")),
            },
            tag @ (2 | 3) => match self.value(None)? {
                Value::Blob(bytes) if bytes.len() <= LONGEST_NUMBER => Ok(big_integer(&bytes, tag == 3)),
                Value::Blob(_) => Err(wrong("a number that is too long")),
                _ => Err(wrong("a big number (tag 2 or 3) that is no byte string")),
            },
            4 => match self.value(None)? {
                Value::List(parts) => decimal_fraction(&parts).ok_or_else(|| wrong("a decimal fraction (tag 4) that is not two integers")),
                _ => Err(wrong("a decimal fraction (tag 4) that is not two integers")),
            },
            _ => self.value(shape),
        }
    }
}

fn instant_of_milliseconds(count: f64) -> Option<Value> {
    // Whole milliseconds of this size are exact in a float.
    let count = (count.abs() < 1e17).then_some(count.round() as i64)?;
    Some(Value::Timestamp {
        seconds: count.div_euclid(1000),
        nanos: count.rem_euclid(1000) as u32 * 1_000_000,
    })
}

/// The number nearest to a float in as few digits, so that 1.1 stays 1.1 and no 1.10000002.
fn widened(float: f32) -> f64 {
    if float.is_finite() {
        float.to_string().parse().unwrap_or(f64::from(float))
    } else {
        f64::from(float)
    }
}

fn float(float: f64) -> Value {
    match serde_json::Number::from_f64(float) {
        Some(number) => Value::Number(number.to_string()),
        None if float.is_nan() => Value::Text("NaN".to_owned()),
        None if float > 0.0 => Value::Text("Infinity".to_owned()),
        None => Value::Text("-Infinity".to_owned()),
    }
}

/// The number of big-endian bytes; of the negative ones, -1 less it.
fn big_integer(bytes: &[u8], negative: bool) -> Value {
    // Digits in base 10^9, the least first.
    let mut digits: Vec<u32> = Vec::new();
    let start = u64::from(negative);
    let mut add = |factor: u64, carry: u64| {
        let mut carry = carry;
        for digit in &mut digits {
            let sum = u64::from(*digit) * factor + carry;
            *digit = (sum % 1_000_000_000) as u32;
            carry = sum / 1_000_000_000;
        }
        if carry > 0 {
            digits.push(carry as u32);
        }
    };
    for byte in bytes {
        add(256, u64::from(*byte));
    }
    add(1, start);
    let mut text = String::from(if negative { "-" } else { "" });
    let mut most = digits.iter().rev();
    let _ = write!(text, "{}", most.next().unwrap_or(&0));
    for digit in most {
        let _ = write!(text, "{digit:09}");
    }
    scalar::number_from_text(&text).unwrap_or(Value::Integer(0))
}

fn decimal_fraction(parts: &[Value]) -> Option<Value> {
    let [Value::Integer(exponent), mantissa] = parts else { return None };
    let mantissa = match mantissa {
        Value::Integer(mantissa) => mantissa.to_string(),
        Value::Number(mantissa) if Decimal::parse(mantissa)?.is_whole() => mantissa.clone(),
        _ => return None,
    };
    Some(match exponent {
        0 => scalar::number_from_text(&mantissa)?,
        exponent => Value::Number(format!("{mantissa}e{exponent}")),
    })
}

/// Writes a value of `shape` with definite lengths. Members of a structure that are null are left
/// out.
pub fn encode(service: &Service, shape: ShapeIndex, value: &Value, epoch: Epoch) -> Vec<u8> {
    let mut writer = Writer {
        service,
        epoch,
        encoder: Encoder::new(Vec::new()),
    };
    // Writing to memory cannot fail.
    let _ = writer.value(Some(&service.shape(shape).kind), value);
    writer.encoder.into_writer()
}

/// Writes an object of texts that no shape describes.
pub fn encode_texts(members: &[(&str, &str)]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let mut write = || -> Written {
        encoder.map(members.len() as u64)?;
        members.iter().try_for_each(|(name, text)| encoder.str(name)?.str(text)?.ok())
    };
    // Writing to memory cannot fail.
    let _ = write();
    encoder.into_writer()
}

struct Writer<'a> {
    service: &'a Service,
    epoch: Epoch,
    encoder: Encoder<Vec<u8>>,
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

impl<'a> Writer<'a> {
    fn member(&mut self, member: Option<&'a Member>, value: &Value) -> Written {
        let service = self.service;
        self.value(member.map(|member| &service.shape(member.target).kind), value)
    }

    fn value(&mut self, kind: Option<&'a ShapeKind>, value: &Value) -> Written {
        match value {
            Value::Null => self.encoder.null()?.ok(),
            Value::Bool(value) => self.encoder.bool(*value)?.ok(),
            Value::Integer(integer) => self.integer(kind, *integer),
            Value::Number(lexeme) => self.number(kind, lexeme),
            Value::Text(text) => match (kind, text.as_str()) {
                (Some(ShapeKind::Float | ShapeKind::Double), "NaN") => self.float(kind, f64::NAN),
                (Some(ShapeKind::Float | ShapeKind::Double), "Infinity") => self.float(kind, f64::INFINITY),
                (Some(ShapeKind::Float | ShapeKind::Double), "-Infinity") => self.float(kind, f64::NEG_INFINITY),
                _ => self.encoder.str(text)?.ok(),
            },
            Value::Blob(bytes) => self.encoder.bytes(bytes)?.ok(),
            Value::Timestamp { seconds, nanos } => self.timestamp(*seconds, *nanos),
            Value::List(items) => self.list(kind, items),
            Value::Object(members) => self.object(kind, members),
        }
    }

    fn timestamp(&mut self, seconds: i64, nanos: u32) -> Written {
        self.encoder.tag(Tag::new(1))?;
        if self.epoch == Epoch::Milliseconds {
            let count = seconds.saturating_mul(1000).saturating_add(i64::from(nanos / 1_000_000));
            return self.encoder.i64(count)?.ok();
        }
        let lexeme = scalar::timestamp_text(seconds, nanos, TimestampFormat::EpochSeconds);
        self.encoder.f64(lexeme.parse().unwrap_or_default())?.ok()
    }

    fn list(&mut self, kind: Option<&'a ShapeKind>, items: &[Value]) -> Written {
        let item = match kind {
            Some(ShapeKind::List(item)) => Some(item),
            _ => None,
        };
        self.encoder.array(items.len() as u64)?;
        items.iter().try_for_each(|value| self.member(item, value))
    }

    fn object(&mut self, kind: Option<&'a ShapeKind>, members: &[(String, Value)]) -> Written {
        let structure = matches!(kind, Some(ShapeKind::Structure(_) | ShapeKind::Union(_)));
        let written = || members.iter().filter(|(_, value)| !(structure && *value == Value::Null));
        self.encoder.map(written().count() as u64)?;
        for (name, value) in written() {
            let member = match kind {
                Some(ShapeKind::Structure(known) | ShapeKind::Union(known)) => known.find(name),
                Some(ShapeKind::Map { value, .. }) => Some(&**value),
                _ => None,
            };
            self.encoder.str(name)?;
            self.member(member, value)?;
        }
        Ok(())
    }

    fn integer(&mut self, kind: Option<&ShapeKind>, integer: i128) -> Written {
        if matches!(kind, Some(ShapeKind::Float | ShapeKind::Double)) {
            return self.float(kind, integer as f64);
        }
        match Int::try_from(integer) {
            Ok(small) => self.encoder.int(small)?.ok(),
            Err(_) => {
                // The negative number n is written as -1 - n.
                let (tag, size) = if integer < 0 { (3, !integer) } else { (2, integer) };
                let bytes = size.to_be_bytes();
                let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
                self.encoder.tag(Tag::new(tag))?.bytes(&bytes[first..])?.ok()
            }
        }
    }

    /// A number with a fraction or an exponent, or one beyond 128 bits.
    fn number(&mut self, kind: Option<&ShapeKind>, lexeme: &str) -> Written {
        if let Some(ShapeKind::BigDecimal | ShapeKind::BigInteger) = kind
            && let Some((mantissa, exponent)) = parts(lexeme)
        {
            self.encoder.tag(Tag::new(4))?.array(2)?.int(exponent.into())?;
            return self.integer(None, mantissa);
        }
        self.float(kind, lexeme.parse().unwrap_or(f64::NAN))
    }

    fn float(&mut self, kind: Option<&ShapeKind>, float: f64) -> Written {
        match kind {
            Some(ShapeKind::Float) => self.encoder.f32(float as f32)?.ok(),
            _ => self.encoder.f64(float)?.ok(),
        }
    }
}

/// Mantissa and exponent of a decimal number, where both are small enough.
fn parts(lexeme: &str) -> Option<(i128, i64)> {
    let (mantissa, exponent) = lexeme.split_once(['e', 'E']).unwrap_or((lexeme, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    Some((format!("{whole}{fraction}").parse().ok()?, exponent.checked_sub(places)?))
}

#[cfg(test)]
mod tests;
