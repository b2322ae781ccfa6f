//! Where the members of events stand in the frames of a stream.

use super::{Malformed, is_header, payload_of, stream_of};
use crate::codec::event_stream::{self, Frame, Header};
use crate::codec::spot::{self, Form, Part, Root, Spot, Visit, frames};
use crate::model::schema::{Service, ShapeIndex, ShapeKind};
use crate::pointer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// Shows the spots of a document of the protocol's own format.
pub type LocateDocument<'d> = &'d dyn Fn(Root<'_>, &[u8], Visit<'_>) -> Result<(), Malformed>;

/// Headers that say what a frame is, and nothing else.
const FRAMING: [&str; 4] = [":message-type", ":event-type", ":exception-type", ":content-type"];

/// Shows the spots of a stream that is a member of `shape`, the payload of a REST message or one of
/// the members of an RPC one.
///
/// # Errors
/// Where the bytes are no frames, or a payload is not in its format.
pub fn locate(service: &Service, shape: ShapeIndex, body: &[u8], document: LocateDocument<'_>, visit: Visit<'_>) -> Result<(), Malformed> {
    let Some(member) = stream_of(service, shape) else {
        return Err(Malformed("the body is an event stream, and the model has none".to_owned()));
    };
    let mut walk = Walk {
        service,
        shape,
        union: member.target,
        stream: below("", &member.name),
        body,
        document,
        next: 0,
    };
    for frame in event_stream::frames(body).map_err(Malformed)? {
        walk.frame(&frame, visit)?;
    }
    Ok(())
}

struct Walk<'a> {
    service: &'a Service,
    shape: ShapeIndex,
    union: ShapeIndex,
    /// The pointer to the member that is the stream.
    stream: String,
    body: &'a [u8],
    document: LocateDocument<'a>,
    next: usize,
}

impl Walk<'_> {
    fn frame(&mut self, frame: &Frame<'_>, visit: Visit<'_>) -> Result<(), Malformed> {
        if frame.header(frames::SIGNATURE).is_none() {
            return self.event(frame, visit);
        }
        self.headers(frame, "/body/#signed", visit);
        for frame in event_stream::frames(frame.payload).map_err(Malformed)? {
            self.event(&frame, visit)?;
        }
        Ok(())
    }

    fn event(&mut self, frame: &Frame<'_>, visit: Visit<'_>) -> Result<(), Malformed> {
        let name = [":event-type", ":exception-type", ":error-code"]
            .iter()
            .find_map(|name| match frame.header(name) {
                Some(Header::Text(text)) => Some(text),
                _ => None,
            });
        let name = name.unwrap_or_default();
        let union = self.service.shape(self.union);
        if matches!(name, "initial-request" | "initial-response") && union.member(name).is_none() {
            self.headers(frame, "/body/#initial", visit);
            return self.document(Some(self.shape), "", frame.payload, visit);
        }
        let path = below(&format!("{}/{}", self.stream, self.next), name);
        self.next += 1;
        let Some(event) = union.member(name) else {
            self.headers(frame, &format!("/body{path}"), visit);
            let wire = format!("/body{path}");
            spot::anywhere(None, frame.payload, &mut frames::shift(self.body, frame.payload, &wire, visit));
            return Ok(());
        };
        let shape = self.service.shape(event.target);
        for (name, value) in frame.headers.iter().filter(|(name, _)| !FRAMING.contains(name)) {
            let bound = shape.member(name).filter(|member| is_header(member));
            let place = below(&path, name);
            frames::header(self.body, *value, bound.map(|_| place.as_str()), &format!("/body{place}"), visit);
        }
        let Some(payload) = payload_of(shape) else {
            return self.document(Some(event.target), &path, frame.payload, visit);
        };
        let place = below(&path, &payload.name);
        match self.service.shape(payload.target).kind {
            ShapeKind::Blob | ShapeKind::String(_) => self.whole(&place, frame.payload, visit),
            _ => self.document(Some(payload.target), &place, frame.payload, visit)?,
        }
        Ok(())
    }

    fn headers(&self, frame: &Frame<'_>, wire: &str, visit: Visit<'_>) {
        for (name, value) in frame.headers.iter().filter(|(name, _)| !FRAMING.contains(name)) {
            frames::header(self.body, *value, None, &format!("{wire}/{name}"), visit);
        }
    }

    fn whole(&self, member: &str, payload: &[u8], visit: Visit<'_>) {
        if payload.is_empty() {
            return;
        }
        let (form, text) = match std::str::from_utf8(payload) {
            Ok(text) => (Form::Raw, Cow::Borrowed(text)),
            Err(_) => (Form::RawBytes, Cow::Owned(STANDARD.encode(payload))),
        };
        visit(Spot {
            member: Some(member),
            wire: &format!("/body{member}"),
            part: Part::Body,
            range: frames::range_in(self.body, payload),
            form,
            key: false,
            text,
        });
    }

    fn document(&self, shape: Option<ShapeIndex>, member: &str, payload: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
        if payload.is_empty() {
            return Ok(());
        }
        let root = Root {
            shape: shape.map(|shape| (self.service, shape)),
            member,
        };
        let wire = format!("/body{member}");
        (self.document)(root, payload, &mut frames::shift(self.body, payload, &wire, visit))
    }
}

fn below(path: &str, name: &str) -> String {
    let mut out = path.to_owned();
    out.push('/');
    pointer::escape_into(name, &mut out);
    out
}
