//! The parts of an event stream, and writing some of them anew: lengths and checksums follow.

use super::{Form, MAX_NESTING, Part, Splice, Spot, Visit};
use crate::codec::event_stream::{self, Frame, Header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::Range;

/// The header of a frame that wraps a signed one.
pub const SIGNATURE: &str = ":chunk-signature";

/// Where a part of a message stands in it; both must be of the same memory.
pub fn range_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len());
    start..(start + part.len()).min(whole.len())
}

/// Shows a header that holds text or bytes. Type and length stand before it and belong to the spot.
pub fn header(body: &[u8], value: Header<'_>, member: Option<&str>, wire: &str, visit: Visit<'_>) {
    const TYPE_AND_LENGTH: usize = 3;
    let (bytes, form, text) = match value {
        Header::Text(text) => (text.as_bytes(), Form::EventText, Cow::Borrowed(text)),
        Header::Bytes(bytes) => (bytes, Form::EventBytes, Cow::Owned(STANDARD.encode(bytes))),
        _ => return,
    };
    let range = range_in(body, bytes);
    visit(Spot {
        member,
        wire,
        part: Part::Body,
        range: range.start.saturating_sub(TYPE_AND_LENGTH)..range.end,
        form,
        key: false,
        text,
    });
}

/// Shows spots of a part of a body, found as if it were the whole, in their places.
pub fn shift<'v>(body: &[u8], part: &[u8], wire: &'v str, visit: Visit<'v>) -> impl FnMut(Spot<'_>) + 'v {
    let start = range_in(body, part).start;
    move |spot: Spot<'_>| {
        let below = spot.wire.strip_prefix("/body").unwrap_or(spot.wire);
        let wire = format!("{wire}{below}");
        visit(Spot {
            wire: &wire,
            range: start + spot.range.start..start + spot.range.end,
            ..spot
        });
    }
}

/// Shows what the frames of a stream inside so many others hold that no model describes: the text of
/// headers, and the payloads, each by its own format.
///
/// # Errors
/// Why the bytes are no frames.
pub(super) fn locate(body: &[u8], nesting: usize, visit: Visit<'_>) -> Result<(), String> {
    for (index, frame) in event_stream::frames(body)?.iter().enumerate() {
        unknown(body, frame, &format!("/body/{index}"), nesting + 1, visit);
    }
    Ok(())
}

fn unknown(body: &[u8], frame: &Frame<'_>, wire: &str, nesting: usize, visit: Visit<'_>) {
    for (name, value) in &frame.headers {
        header(body, *value, None, &format!("{wire}/{name}"), visit);
    }
    let signed = frame.header(SIGNATURE).filter(|_| nesting < MAX_NESTING);
    let inner = signed.and_then(|_| event_stream::frames(frame.payload).ok());
    if let Some(frames) = inner {
        for (index, frame) in frames.iter().enumerate() {
            unknown(body, frame, &format!("{wire}/{index}"), nesting + 1, visit);
        }
        return;
    }
    let content_type = match frame.header(":content-type") {
        Some(Header::Text(text)) => Some(text),
        _ => None,
    };
    super::sniff::within(content_type, frame.payload, nesting, &mut shift(body, frame.payload, wire, visit));
}

/// A stream with splices in it; nothing where the bytes are no frames, or a splice is in no part of
/// one that can be written anew.
pub fn spliced(body: &[u8], splices: &[Splice]) -> Option<Vec<u8>> {
    let mut placed: Vec<&Splice> = splices.iter().filter(|splice| splice.part == Part::Body).collect();
    placed.sort_by_key(|splice| splice.range.start);
    let mut left = placed.as_slice();
    let out = rewritten(body, 0, &mut left, 1)?;
    left.is_empty().then_some(out)
}

/// Takes from `splices`, which are in order, those that are in the body.
fn rewritten(body: &[u8], offset: usize, splices: &mut &[&Splice], nesting: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() + 64);
    let frames = event_stream::frames(body).ok()?;
    for (frame, headers) in frames.iter().zip(event_stream::header_ranges(body)) {
        let payload = headers.end..headers.end + frame.payload.len();
        let written_headers = region(body, headers, offset, splices)?;
        let written_payload = match frame.header(SIGNATURE).filter(|_| nesting < MAX_NESTING) {
            Some(_) => rewritten(frame.payload, offset + payload.start, splices, nesting + 1)?,
            None => region(body, payload, offset, splices)?,
        };
        event_stream::write_parts(&written_headers, &written_payload, &mut out);
    }
    Some(out)
}

fn region(body: &[u8], range: Range<usize>, offset: usize, splices: &mut &[&Splice]) -> Option<Vec<u8>> {
    let start = offset + range.start;
    let inside = splices.partition_point(|splice| splice.range.start < offset + range.end);
    let (inside, rest) = splices.split_at_checked(inside)?;
    *splices = rest;
    // One that begins before the region, or ends behind it, is in no part.
    if inside
        .iter()
        .any(|splice| splice.range.start < start || splice.range.end > offset + range.end)
    {
        return None;
    }
    let moved: Vec<Splice> = inside
        .iter()
        .map(|splice| Splice {
            range: splice.range.start - start..splice.range.end - start,
            bytes: splice.bytes.clone(),
            part: splice.part,
        })
        .collect();
    Splice::apply(Part::Body, body.get(range)?, &moved)
}

/// The payloads of a stream that are no documents, put together: a secret may be cut between two.
pub fn joined(body: &[u8]) -> Bytes {
    let frames = event_stream::frames(body).unwrap_or_default();
    let is_document = |frame: &&Frame<'_>| frame.payload.starts_with(b"{") || frame.payload.starts_with(b"<");
    let payloads = frames.iter().filter(|frame| !is_document(frame)).map(|frame| frame.payload);
    payloads.collect::<Vec<_>>().concat().into()
}
