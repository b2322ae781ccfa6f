//! The scalars of a CBOR body (RFC 8949), and writing one item in place of another. Lengths in CBOR
//! count items, so that nothing around an item that changes its size must change.

use super::{Form, MAX_DEPTH, Part, Root, Spot, Trail, Visit};
use crate::model::schema::{Service, ShapeIndex, ShapeKind};
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::ops::Range;

/// The bytes are not one CBOR item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a CBOR item at byte {0}")]
pub struct Malformed(pub usize);

/// Shows every scalar of a CBOR item, and every key.
///
/// # Errors
/// Where the bytes are not one item and nothing else.
pub fn locate(root: Root<'_>, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    let mut walk = Walk {
        service: root.shape.map(|(service, _)| service),
        bytes: body,
        at: 0,
        member: Trail::new(root.member, root.shape.is_none()),
        wire: Trail::new("/body", false),
    };
    walk.item(root.shape.map(|(_, shape)| shape), 0, visit)?;
    if walk.at == body.len() { Ok(()) } else { Err(Malformed(walk.at)) }
}

struct Walk<'a> {
    service: Option<&'a Service>,
    bytes: &'a [u8],
    at: usize,
    member: Trail,
    wire: Trail,
}

/// The first byte of an item and its argument; no argument where the length is not told.
#[derive(Clone, Copy)]
struct Head {
    major: u8,
    info: u8,
    argument: Option<u64>,
}

const BREAK: u8 = 0xff;

impl Walk<'_> {
    fn item(&mut self, shape: Option<ShapeIndex>, depth: usize, visit: Visit<'_>) -> Result<(), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed(self.at));
        }
        let start = self.at;
        let mut head = self.head()?;
        let mut tags = 0;
        while head.major == 6 {
            tags += 1;
            if tags > MAX_DEPTH {
                return Err(Malformed(self.at));
            }
            head = self.head()?;
        }
        match head.major {
            4 => self.array(head, shape, depth, visit),
            5 => self.map(head, shape, depth, visit),
            _ => {
                if let Some(text) = self.scalar(head)? {
                    let form = match head.major {
                        2 => Form::CborBytes,
                        3 => Form::CborText,
                        _ => Form::CborScalar,
                    };
                    self.show(start..self.at, form, text, false, visit);
                }
                Ok(())
            }
        }
    }

    fn array(&mut self, head: Head, shape: Option<ShapeIndex>, depth: usize, visit: Visit<'_>) -> Result<(), Malformed> {
        let item = match self.kind(shape) {
            Some(ShapeKind::List(item)) => Some(item.target),
            _ => None,
        };
        let (member, wire) = (self.member.len(), self.wire.len());
        let mut index = 0;
        while self.has_next(head, index)? {
            self.member.index(index);
            self.wire.index(index);
            self.item(item, depth + 1, visit)?;
            self.member.back(member);
            self.wire.back(wire);
            index += 1;
        }
        Ok(())
    }

    fn map(&mut self, head: Head, shape: Option<ShapeIndex>, depth: usize, visit: Visit<'_>) -> Result<(), Malformed> {
        let (member, wire) = (self.member.len(), self.wire.len());
        let mut index = 0;
        while self.has_next(head, index)? {
            let start = self.at;
            let head = self.head()?;
            let key = self.scalar(head)?.ok_or(Malformed(start))?.into_owned();
            let end = self.at;
            let (target, is_data) = match self.kind(shape) {
                Some(ShapeKind::Structure(members) | ShapeKind::Union(members)) => {
                    let member = members.find(&key);
                    (member.map(|member| member.target), member.is_none())
                }
                Some(ShapeKind::Map { value, .. }) => (Some(value.target), true),
                _ => (None, true),
            };
            self.member.name(&key);
            self.wire.name(&key);
            if is_data {
                self.show(start..end, Form::CborText, Cow::Borrowed(&key), true, visit);
            }
            self.item(target, depth + 1, visit)?;
            self.member.back(member);
            self.wire.back(wire);
            index += 1;
        }
        Ok(())
    }

    /// Whether a container goes on; takes the break that ends one.
    fn has_next(&mut self, head: Head, index: usize) -> Result<bool, Malformed> {
        match head.argument {
            Some(count) => Ok((index as u64) < count),
            None if self.bytes.get(self.at) == Some(&BREAK) => {
                self.at += 1;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// The text of a scalar; nothing for null and what stands for nothing.
    fn scalar(&mut self, head: Head) -> Result<Option<Cow<'static, str>>, Malformed> {
        let argument = head.argument;
        Ok(Some(match (head.major, argument) {
            (0, Some(number)) => number.to_string().into(),
            (1, Some(number)) => (-1 - i128::from(number)).to_string().into(),
            (2, _) => STANDARD.encode(self.string(head)?).into(),
            (3, _) => {
                let start = self.at;
                String::from_utf8(self.string(head)?).map_err(|_| Malformed(start))?.into()
            }
            (7, Some(bits)) => match head.info {
                20 => "false".into(),
                21 => "true".into(),
                25 => half(bits as u16).to_string().into(),
                26 => f32::from_bits(bits as u32).to_string().into(),
                27 => f64::from_bits(bits).to_string().into(),
                _ => return Ok(None),
            },
            _ => return Err(Malformed(self.at)),
        }))
    }

    fn string(&mut self, head: Head) -> Result<Vec<u8>, Malformed> {
        if let Some(length) = head.argument {
            return Ok(self.take(length)?.to_vec());
        }
        let mut out = Vec::new();
        loop {
            if self.bytes.get(self.at) == Some(&BREAK) {
                self.at += 1;
                return Ok(out);
            }
            let chunk = self.head()?;
            match chunk.argument {
                Some(length) if chunk.major == head.major => out.extend_from_slice(self.take(length)?),
                _ => return Err(Malformed(self.at)),
            }
        }
    }

    fn take(&mut self, length: u64) -> Result<&[u8], Malformed> {
        let malformed = Malformed(self.at);
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let bytes = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(malformed)?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let first = *self.bytes.get(self.at).ok_or(Malformed(self.at))?;
        self.at += 1;
        let (major, info) = (first >> 5, first & 31);
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            }
            31 if matches!(major, 2..=5) => None,
            _ => return Err(Malformed(self.at)),
        };
        Ok(Head { major, info, argument })
    }

    fn kind(&self, shape: Option<ShapeIndex>) -> Option<&ShapeKind> {
        Some(&self.service?.shape(shape?).kind)
    }

    fn show(&self, range: Range<usize>, form: Form, text: Cow<'_, str>, key: bool, visit: Visit<'_>) {
        visit(Spot {
            member: self.member.get(),
            wire: &self.wire.text,
            part: Part::Body,
            range,
            form,
            key,
            text,
        });
    }
}

fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if sign == 1 { -size } else { size }
}

/// A scalar as a CBOR item; nothing for what is none, or has no exact form.
pub(super) fn item(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match value {
        Value::Null | Value::List(_) | Value::Object(_) => return None,
        Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
        Value::Integer(number) => integer(*number, &mut out)?,
        Value::Number(text) => {
            out.push(0xfb);
            out.extend_from_slice(&text.parse::<f64>().ok()?.to_be_bytes());
        }
        Value::Text(text) => {
            head(3, text.len() as u64, &mut out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Blob(bytes) => {
            head(2, bytes.len() as u64, &mut out);
            out.extend_from_slice(bytes);
        }
        Value::Timestamp { seconds, nanos } => {
            // Tag 1: seconds since the epoch.
            out.push(0xc1);
            if *nanos == 0 {
                integer(i128::from(*seconds), &mut out)?;
            } else {
                out.push(0xfb);
                out.extend_from_slice(&(*seconds as f64 + f64::from(*nanos) / 1e9).to_be_bytes());
            }
        }
    }
    Some(out)
}

/// An instant in milliseconds, as a CBOR item of awsJson.
pub(super) fn milliseconds(seconds: i64) -> Option<Vec<u8>> {
    let mut out = vec![0xc1];
    integer(i128::from(seconds) * 1000, &mut out)?;
    Some(out)
}

fn integer(number: i128, out: &mut Vec<u8>) -> Option<()> {
    if number >= 0 {
        head(0, u64::try_from(number).ok()?, out);
    } else {
        head(1, u64::try_from(-1 - number).ok()?, out);
    }
    Some(())
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let bytes = argument.to_be_bytes();
    let (info, length) = match argument {
        0..=23 => (argument as u8, 0),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | info);
    out.extend_from_slice(&bytes[8 - length..]);
}
