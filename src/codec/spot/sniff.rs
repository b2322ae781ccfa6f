//! The scalars of a body of which nobody says what format it has.

use super::{Form, MAX_NESTING, Part, Root, Spot, Visit, multipart};
use crate::codec::event_stream;
use crate::codec::form::{self, Dialect};
use crate::pointer;
use crate::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use std::borrow::Cow;

/// What [`anywhere`] took a body for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// One of the formats: every scalar was shown by itself.
    Parts,
    /// Text of no known format: it was shown as one.
    Whole,
    /// No text: it was shown as bytes.
    Bytes,
    /// Nothing at all.
    Nothing,
}

/// Shows the values of a query, each by the name it has there.
pub fn in_query(uri: &Uri, visit: Visit<'_>) {
    let printed = uri.to_string();
    let start = printed.len() - uri.query().map_or(0, str::len);
    let query = printed.get(start..).unwrap_or_default();
    for field in form::fields(query.as_bytes()).filter_map(Result::ok) {
        let mut wire = "/uri/".to_owned();
        pointer::escape_into(&field.key, &mut wire);
        visit(Spot {
            member: None,
            wire: &wire,
            part: Part::Uri,
            range: start + field.written.start..start + field.written.end,
            form: Form::FormValue,
            key: false,
            text: field.value,
        });
    }
}

/// Shows the scalars of a body by the first format that it is in: events, the parts of
/// a multipart body, JSON, XML, a form, CBOR; else the whole of it.
pub fn anywhere(content_type: Option<&str>, body: &[u8], visit: Visit<'_>) -> Shown {
    within(content_type, body, 0, visit)
}

/// The same for a part of a body inside so many others: what is nested more deeply is no container.
pub(super) fn within(content_type: Option<&str>, body: &[u8], nesting: usize, visit: Visit<'_>) -> Shown {
    let content_type = content_type.filter(|_| nesting < MAX_NESTING);
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if body.is_empty() {
        return Shown::Nothing;
    }
    if wire::is_cbor(media_type) && super::in_cbor(Root::UNKNOWN, body, &mut |_| {}).is_ok() {
        let _ = super::in_cbor(Root::UNKNOWN, body, visit);
        return Shown::Parts;
    }
    if media_type.eq_ignore_ascii_case(event_stream::MEDIA_TYPE) && super::frames::locate(body, nesting, visit).is_ok() {
        return Shown::Parts;
    }
    if let Some(boundary) = multipart::boundary(content_type) {
        multipart::locate(&boundary, body, nesting, visit);
        return Shown::Parts;
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return bytes(body, visit);
    };
    // Each format is tried on the quiet first, so that nothing is shown twice.
    let first = text.trim_start_matches('\u{feff}').trim_start().as_bytes().first();
    if first == Some(&b'<') && super::in_xml(Root::UNKNOWN, &[], body, &mut |_| {}).is_ok() {
        let _ = super::in_xml(Root::UNKNOWN, &[], body, visit);
        return Shown::Parts;
    }
    if super::json::is_document(body) {
        let _ = super::in_json(Root::UNKNOWN, false, body, visit);
        return Shown::Parts;
    }
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let shown = super::in_form(Root::UNKNOWN, Dialect::Aws, body, &mut |_| {});
        if shown.is_ok() {
            let _ = super::in_form(Root::UNKNOWN, Dialect::Aws, body, visit);
            return Shown::Parts;
        }
    }
    visit(whole(body, Form::Raw, Cow::Borrowed(text)));
    Shown::Whole
}

fn bytes(body: &[u8], visit: Visit<'_>) -> Shown {
    visit(whole(body, Form::RawBytes, Cow::Owned(STANDARD.encode(body))));
    Shown::Bytes
}

fn whole<'a>(body: &[u8], form: Form, text: Cow<'a, str>) -> Spot<'a> {
    Spot {
        member: None,
        wire: "/body",
        part: Part::Body,
        range: 0..body.len(),
        form,
        key: false,
        text,
    }
}
