//! Frames of `application/vnd.amazon.eventstream`: headers and a payload each, with checksums.
//!
//! What a frame means by a model is the protocols' affair; here it is bytes. A frame is
//!
//! ```text
//! total length u32 | headers length u32 | CRC-32 of these 8 | headers | payload | CRC-32 of all before
//! ```
//!
//! Source: Smithy 2.0, "Amazon Event Stream Specification".

use std::ops::Range;

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// One message of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame<'a> {
    /// In the order of the wire.
    pub headers: Vec<(&'a str, Header<'a>)>,
    /// The rest.
    pub payload: &'a [u8],
}

/// The value of a header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Header<'a> {
    Bool(bool),
    /// A byte, short, integer or long; the width is the first part of the name of its type.
    Integer(i64, Width),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    Uuid([u8; 16]),
}

/// How many bytes an integer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Byte,
    Short,
    Integer,
    Long,
}

impl<'a> Frame<'a> {
    /// The header of that name.
    pub fn header(&self, name: &str) -> Option<Header<'a>> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Splits a body into its frames.
///
/// # Errors
/// Why the bytes are no frames, with the number of the frame, from 1.
pub fn frames(body: &[u8]) -> Result<Vec<Frame<'_>>, String> {
    let mut frames = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let number = frames.len() + 1;
        let (frame, after) = frame(rest).map_err(|why| format!("frame {number} of the event stream {why}"))?;
        frames.push(frame);
        rest = after;
    }
    Ok(frames)
}

fn frame(bytes: &[u8]) -> Result<(Frame<'_>, &[u8]), String> {
    let cut_short = || "is cut short".to_owned();
    let mut prelude = Reader(bytes);
    let total = prelude.u32().ok_or_else(cut_short)? as usize;
    let headers = prelude.u32().ok_or_else(cut_short)? as usize;
    let checksum = prelude.u32().ok_or_else(cut_short)?;
    let (counted, _) = bytes.split_at_checked(PRELUDE - CHECKSUM).ok_or_else(cut_short)?;
    if crc32fast::hash(counted) != checksum {
        return Err("has a wrong checksum in its prelude".to_owned());
    }
    let (whole, after) = bytes.split_at_checked(total).ok_or_else(cut_short)?;
    let content = total.checked_sub(PRELUDE + CHECKSUM).ok_or("is shorter than a frame can be")?;
    let (counted, checksum) = whole.split_at(PRELUDE + content);
    if checksum != crc32fast::hash(counted).to_be_bytes() {
        return Err("has a wrong checksum".to_owned());
    }
    let (_, counted) = counted.split_at(PRELUDE);
    let (headers, payload) = counted.split_at_checked(headers).ok_or("has headers that are longer than itself")?;
    let headers = read_headers(headers).ok_or("has headers that cannot be read")?;
    Ok((Frame { headers, payload }, after))
}

fn read_headers(bytes: &[u8]) -> Option<Vec<(&str, Header<'_>)>> {
    let mut reader = Reader(bytes);
    let mut headers = Vec::new();
    while !reader.0.is_empty() {
        let length = reader.array::<1>()?[0];
        let name = std::str::from_utf8(reader.take(length.into())?).ok()?;
        headers.push((name, reader.value()?));
    }
    Some(headers)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(length.into())
    }

    fn value(&mut self) -> Option<Header<'a>> {
        Some(match self.array::<1>()?[0] {
            0 => Header::Bool(true),
            1 => Header::Bool(false),
            2 => Header::Integer(i8::from_be_bytes(self.array()?).into(), Width::Byte),
            3 => Header::Integer(i16::from_be_bytes(self.array()?).into(), Width::Short),
            4 => Header::Integer(i32::from_be_bytes(self.array()?).into(), Width::Integer),
            5 => Header::Integer(i64::from_be_bytes(self.array()?), Width::Long),
            6 => Header::Bytes(self.sized()?),
            7 => Header::Text(std::str::from_utf8(self.sized()?).ok()?),
            8 => Header::Timestamp(i64::from_be_bytes(self.array()?)),
            9 => Header::Uuid(self.array()?),
            _ => return None,
        })
    }
}

/// Writes a frame behind what is there.
pub fn write(frame: &Frame<'_>, out: &mut Vec<u8>) {
    let mut headers = Vec::new();
    for (name, value) in &frame.headers {
        // Longer names and values cannot be written; the models have none.
        let name = name.as_bytes().get(..name.len().min(255)).unwrap_or_default();
        headers.push(name.len() as u8);
        headers.extend_from_slice(name);
        write_value(*value, &mut headers);
    }
    write_parts(&headers, frame.payload, out);
}

/// Writes a frame whose headers are bytes already behind what is there.
pub fn write_parts(headers: &[u8], payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let total = PRELUDE + headers.len() + payload.len() + CHECKSUM;
    out.extend_from_slice(&(total as u32).to_be_bytes());
    out.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    push_checksum(out, start);
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    push_checksum(out, start);
}

/// Where the headers of each frame stand in a body that [`frames`] can read.
pub fn header_ranges(body: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(prelude) = body.get(at..at + PRELUDE) {
        let mut reader = Reader(prelude);
        let (Some(total), Some(headers)) = (reader.u32(), reader.u32()) else {
            break;
        };
        ranges.push(at + PRELUDE..at + PRELUDE + headers as usize);
        at += (total as usize).max(PRELUDE + CHECKSUM);
    }
    ranges
}

fn push_checksum(out: &mut Vec<u8>, start: usize) {
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_be_bytes());
}

fn write_value(value: Header<'_>, out: &mut Vec<u8>) {
    match value {
        Header::Bool(value) => out.push(u8::from(!value)),
        Header::Integer(number, width) => {
            let (kind, size) = match width {
                Width::Byte => (2, 1),
                Width::Short => (3, 2),
                Width::Integer => (4, 4),
                Width::Long => (5, 8),
            };
            out.push(kind);
            out.extend_from_slice(number.to_be_bytes().get(8 - size..).unwrap_or_default());
        }
        Header::Bytes(bytes) => write_sized(6, bytes, out),
        Header::Text(text) => write_sized(7, text.as_bytes(), out),
        Header::Timestamp(millis) => {
            out.push(8);
            out.extend_from_slice(&millis.to_be_bytes());
        }
        Header::Uuid(bytes) => {
            out.push(9);
            out.extend_from_slice(&bytes);
        }
    }
}

fn write_sized(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    let bytes = bytes.get(..bytes.len().min(usize::from(u16::MAX))).unwrap_or_default();
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// An empty message, from the specification's examples.
    const EMPTY: [u8; 16] = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];

    fn every_kind() -> Frame<'static> {
        let headers = vec![
            (":event-type", Header::Text("a")),
            ("yes", Header::Bool(true)),
            ("no", Header::Bool(false)),
            ("byte", Header::Integer(-1, Width::Byte)),
            ("short", Header::Integer(-2, Width::Short)),
            ("integer", Header::Integer(-3, Width::Integer)),
            ("long", Header::Integer(i64::MIN, Width::Long)),
            ("bytes", Header::Bytes(b"\x00\xff")),
            ("at", Header::Timestamp(1_730_384_114_000)),
            ("id", Header::Uuid([7; 16])),
        ];
        Frame { headers, payload: b"{}" }
    }

    #[test]
    fn the_published_examples_are_read() {
        let read = frames(&EMPTY).unwrap();
        assert_eq!(
            read,
            [Frame {
                headers: Vec::new(),
                payload: b""
            }]
        );
        let byte_header = STANDARD
            .decode("AAAASQAAADlvxG1ZDTptZXNzYWdlLXR5cGUHAAVldmVudAs6ZXZlbnQtdHlwZQcAB2hlYWRlcnMKYnl0ZUhlYWRlcgIBKFTmjg==")
            .unwrap();
        let read = frames(&byte_header).unwrap();
        assert_eq!(read[0].header(":event-type"), Some(Header::Text("headers")));
        assert_eq!(read[0].header("byteHeader"), Some(Header::Integer(1, Width::Byte)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut body = EMPTY.to_vec();
        write(&every_kind(), &mut body);
        let read = frames(&body).unwrap();
        assert_eq!(read[1], every_kind());
        let mut again = Vec::new();
        read.iter().for_each(|frame| write(frame, &mut again));
        assert_eq!(again, body);
    }

    #[test]
    fn a_changed_byte_is_found_wherever_it_is() {
        let mut body = Vec::new();
        write(&every_kind(), &mut body);
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 0x40;
            assert!(frames(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_body_that_ends_early_is_told_with_the_frame() {
        let mut body = EMPTY.to_vec();
        write(&every_kind(), &mut body);
        body.pop();
        assert_eq!(frames(&body).unwrap_err(), "frame 2 of the event stream is cut short");
        assert!(frames(b"{}").unwrap_err().contains("cut short"));
        assert!(frames(b"").unwrap().is_empty());
    }
}
