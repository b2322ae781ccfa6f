//! The members that a REST protocol binds to path, query and headers, or to the whole body.

use crate::codec::form::{self, Dialect, Field};
use crate::codec::spot::{self, Form, Part, Root, Spot, Visit};
use crate::model::http::{Binding, HttpTrait, Segment};
use crate::model::schema::{Member, OperationIndex, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::pointer;
use crate::value::Side;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::HeaderMap;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// What a body is where a member is bound to it.
pub(super) enum Payload {
    /// A blob or a string, whose bytes are the body.
    Whole(String),
    /// A stream of events.
    Stream,
    /// A document of its own.
    Document { member: String, shape: ShapeIndex },
}

/// The member that is the whole body, where there is one.
pub(super) fn payload(service: &Service, shape: ShapeIndex) -> Option<Payload> {
    let is_payload = |member: &&Member| member.binding == Binding::Payload;
    let member = service.shape(shape).members().iter().find(is_payload)?;
    let target = service.shape(member.target);
    let path = below("", &member.name);
    Some(match target.kind {
        ShapeKind::Union(_) if target.traits.contains_key("smithy.api#streaming") => Payload::Stream,
        ShapeKind::Blob | ShapeKind::String(_) => Payload::Whole(path),
        _ => Payload::Document {
            member: path,
            shape: member.target,
        },
    })
}

/// A body that is one blob or string.
pub(super) fn whole(member: &str, body: &[u8], visit: Visit<'_>) {
    if body.is_empty() {
        return;
    }
    let (form, text) = match std::str::from_utf8(body) {
        Ok(text) => (Form::Raw, Cow::Borrowed(text)),
        Err(_) => (Form::RawBytes, Cow::Owned(STANDARD.encode(body))),
    };
    visit(Spot {
        member: Some(member),
        wire: "/body",
        part: Part::Body,
        range: 0..body.len(),
        form,
        key: false,
        text,
    });
}

/// A query that holds what the body of an awsQuery call would.
pub(super) fn query_form(root: Root<'_>, dialect: Dialect, uri: &Uri, visit: Visit<'_>) -> Result<(), form::Malformed> {
    let printed = uri.to_string();
    let query = query_of(uri, &printed);
    let bytes = printed.as_bytes().get(query.clone()).unwrap_or_default();
    spot::in_form(root, dialect, bytes, &mut |found: Spot<'_>| {
        let wire = found.wire.replacen("/body", "/uri", 1);
        visit(Spot {
            wire: &wire,
            part: Part::Uri,
            range: query.start + found.range.start..query.start + found.range.end,
            ..found
        });
    })
}

/// Labels and query members.
pub(super) fn uri(service: &Service, operation: OperationIndex, uri: &Uri, visit: Visit<'_>) {
    let operation = service.operation(operation);
    let printed = uri.to_string();
    if let Some(http) = &operation.http {
        labels(http, uri, &printed, visit);
    }
    let members = service.shape(operation.input).members();
    let query = query_of(uri, &printed);
    let bytes = printed.as_bytes().get(query.clone()).unwrap_or_default();
    let pairs: Vec<Field<'_>> = form::fields(bytes).filter_map(Result::ok).collect();
    let placed = |range: &Range<usize>| query.start + range.start..query.start + range.end;
    let mut counts: Vec<usize> = vec![0; members.len()];
    // How often each key came that no member is bound to.
    let mut repeats: HashMap<&str, usize> = HashMap::new();
    for pair in &pairs {
        let bound = members
            .iter()
            .position(|member| matches!(&member.binding, Binding::Query(key) if *key == pair.key));
        let params = members.iter().find(|member| member.binding == Binding::QueryParams);
        let literal = operation
            .http
            .as_ref()
            .is_some_and(|http| http.query.iter().any(|(key, _)| *key == pair.key));
        let member = match bound.and_then(|at| Some((at, members.get(at)?))) {
            Some((at, member)) => {
                let path = below("", &member.name);
                let is_list = matches!(service.shape(member.target).kind, ShapeKind::List(_));
                let index = counts[at];
                counts[at] += 1;
                Some(if is_list { format!("{path}/{index}") } else { path })
            }
            None => params.filter(|_| !literal).map(|member| {
                let path = below(&below("", &member.name), &pair.key);
                visit(spot_at(
                    Some(&path),
                    "/uri",
                    Part::Uri,
                    placed(&name_before(bytes, pair.written.start)),
                    Form::FormValue,
                    true,
                    &pair.key,
                ));
                // The values of a map of lists are all below its key.
                match &service.shape(member.target).kind {
                    ShapeKind::Map { value, .. } if matches!(service.shape(value.target).kind, ShapeKind::List(_)) => {
                        let index = repeats.entry(&pair.key).or_default();
                        *index += 1;
                        format!("{path}/{}", *index - 1)
                    }
                    _ => path,
                }
            }),
        };
        // What no member is bound to is still called something.
        let wire = if member.is_some() {
            "/uri".to_owned()
        } else {
            below("/uri", &pair.key)
        };
        visit(spot_at(
            member.as_deref(),
            &wire,
            Part::Uri,
            placed(&pair.written),
            Form::FormValue,
            false,
            &pair.value,
        ));
    }
}

/// Where the name of a field stands whose value begins at `value`.
fn name_before(query: &[u8], value: usize) -> Range<usize> {
    let before = query.get(..value).unwrap_or_default();
    let end = if before.last() == Some(&b'=') { value - 1 } else { value };
    let start = before
        .get(..end)
        .unwrap_or_default()
        .iter()
        .rposition(|byte| *byte == b'&')
        .map_or(0, |at| at + 1);
    start..end
}

fn labels(http: &HttpTrait, uri: &Uri, printed: &str, visit: Visit<'_>) {
    let start = printed.len() - uri.path_and_query().map_or(0, |path| path.as_str().len());
    let mut parts = segments(uri.path(), start);
    let tail = http
        .segments
        .iter()
        .rev()
        .take_while(|segment| !matches!(segment, Segment::Greedy(_)))
        .count();
    // `https://bucket.s3.amazonaws.com/key`: the first label is in the host.
    let in_host = matches!(http.segments.first(), Some(Segment::Label(_)))
        && !http.segments.iter().any(|segment| matches!(segment, Segment::Greedy(_)))
        && parts.len() + 1 == http.segments.len();
    if in_host {
        return;
    }
    for (at, segment) in http.segments.iter().enumerate() {
        if parts.is_empty() {
            return;
        }
        let (name, range, form) = match segment {
            Segment::Literal(_) => {
                parts.remove(0);
                continue;
            }
            Segment::Label(name) => (name, parts.remove(0), Form::Label),
            Segment::Greedy(name) => {
                let behind = tail.min(http.segments.len() - at - 1);
                let taken: Vec<Range<usize>> = parts.drain(..parts.len().saturating_sub(behind)).collect();
                match (taken.first(), taken.last()) {
                    // What a greedy label takes ends where the path does, an empty segment included.
                    (Some(first), _) if behind == 0 => (name, first.start..start + uri.path().len(), Form::GreedyLabel),
                    (Some(first), Some(last)) => (name, first.start..last.end, Form::GreedyLabel),
                    _ => return,
                }
            }
        };
        let text = percent_decode_str(printed.get(range.clone()).unwrap_or_default()).decode_utf8_lossy();
        visit(spot_at(Some(&below("", name)), "/uri", Part::Uri, range, form, false, &text));
    }
}

/// The segments of a path that are not empty at its front.
fn segments(path: &str, start: usize) -> Vec<Range<usize>> {
    let mut at = start + 1;
    let mut found = Vec::new();
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        if !segment.is_empty() {
            found.push(at..at + segment.len());
        }
        at += segment.len() + 1;
    }
    found
}

/// Where the query stands in a printed URI.
fn query_of(uri: &Uri, printed: &str) -> Range<usize> {
    printed.len() - uri.query().map_or(0, str::len)..printed.len()
}

/// Members bound to headers, and maps of headers with a prefix.
pub(super) fn headers(service: &Service, shape: ShapeIndex, headers: &HeaderMap, side: Side, visit: Visit<'_>) {
    let members = service.shape(shape).members();
    let mut counts: Vec<usize> = vec![0; members.len()];
    for (at, (name, value)) in headers.iter().enumerate() {
        let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
            continue;
        };
        let wire = format!("/headers/{name}");
        for (index, member) in members.iter().enumerate() {
            match member.binding.on(side) {
                Binding::Header(bound) if bound == name.as_str() => {
                    header(service, member, at, &wire, text, &mut counts[index], visit);
                }
                Binding::PrefixHeaders(prefix) => {
                    let Some(key) = name.as_str().strip_prefix(prefix.as_str()) else {
                        continue;
                    };
                    let bound = |member: &Member| matches!(member.binding.on(side), Binding::Header(bound) if bound == name.as_str());
                    if members.iter().any(bound) {
                        continue;
                    }
                    let path = below(&below("", &member.name), key);
                    let range = prefix.len()..name.as_str().len();
                    visit(spot_at(
                        Some(&path),
                        &wire,
                        Part::HeaderName(at),
                        range,
                        Form::HeaderName,
                        true,
                        key,
                    ));
                    visit(spot_at(
                        Some(&path),
                        &wire,
                        Part::Header(at),
                        0..text.len(),
                        Form::Header,
                        false,
                        text,
                    ));
                }
                _ => {}
            }
        }
    }
}

fn header(service: &Service, member: &Member, at: usize, wire: &str, text: &str, next: &mut usize, visit: Visit<'_>) {
    let path = below("", &member.name);
    let shape = service.shape(member.target);
    let ShapeKind::List(item) = &shape.kind else {
        let media_type = shape.traits.contains_key("smithy.api#mediaType");
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (form, text_there) = match (&shape.kind, decoded) {
            (ShapeKind::String(_), Some(decoded)) if media_type => (Form::HeaderBase64, Cow::Owned(decoded)),
            _ => (Form::Header, Cow::Borrowed(text)),
        };
        return visit(spot_at(
            Some(&path),
            wire,
            Part::Header(at),
            0..text.len(),
            form,
            false,
            &text_there,
        ));
    };
    let kind = &service.shape(item.target).kind;
    let http_dates = matches!(kind, ShapeKind::Timestamp) && item.timestamp_format.is_none_or(|format| format == TimestampFormat::HttpDate);
    for range in items(text, http_dates) {
        let raw = text.get(range.clone()).unwrap_or_default();
        let path = format!("{path}/{next}");
        visit(spot_at(
            Some(&path),
            wire,
            Part::Header(at),
            range,
            Form::HeaderItem,
            false,
            &unquoted(raw),
        ));
        *next += 1;
    }
}

/// The items of a header's list, without the white space around them. An HTTP date has a comma.
fn items(text: &str, http_dates: bool) -> Vec<Range<usize>> {
    let (mut found, mut start, mut quoted, mut escaped, mut commas) = (Vec::new(), 0, false, false, 0);
    let mut push = |start: usize, end: usize| {
        let raw = text.get(start..end).unwrap_or_default();
        let lead = raw.len() - raw.trim_start().len();
        // Empty items do not count, unless in quotes.
        if !raw.trim().is_empty() {
            found.push(start + lead..start + lead + raw.trim().len());
        }
    };
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                commas += 1;
                if !http_dates || commas % 2 == 0 {
                    push(start, at);
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    push(start, text.len());
    found
}

fn unquoted(raw: &str) -> Cow<'_, str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(raw);
    };
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next()),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

fn spot_at<'a>(member: Option<&'a str>, wire: &'a str, part: Part, range: Range<usize>, form: Form, key: bool, text: &'a str) -> Spot<'a> {
    Spot {
        member,
        wire,
        part,
        range,
        form,
        key,
        text: Cow::Borrowed(text),
    }
}

fn below(path: &str, name: &str) -> String {
    let mut out = path.to_owned();
    out.push('/');
    pointer::escape_into(name, &mut out);
    out
}
