//! What a client sent comes back to it: Proton's `spec`, and every idempotency token.
//!
//! The response of a recording holds the stand-in that its request holds. In replay the live
//! value belongs there, which was never on disk. A template is cut once, when the cassette is
//! loaded; a request then costs a copy of the pieces, and nothing where there is no slot.
//!
//! Of a request's own values only whole strings are filled: part of a string may be anything. Names
//! that other calls gave ([`Template::add_names`]) are filled inside of strings too.

use super::digests;
use super::renaming::{Names, Piece};
use super::rules::Rule;
use super::stand_in::{self, base64_text};
use crate::cassette::Interaction;
use crate::codec::digest::Digest;
use crate::codec::event_stream;
use crate::codec::spot::{self, Form};
use crate::pointer;
use crate::value::{Directory, Value};
use crate::wire;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// So few recorded strings are each looked for in a body before it is read.
const FEW: usize = 16;

/// A response with slots for what the live request holds.
#[derive(Debug, Clone, Default)]
pub struct Template {
    body: Bytes,
    slots: Vec<Slot>,
    headers: Vec<HeaderSlot>,
}

#[derive(Debug, Clone)]
struct Slot {
    place: Range<usize>,
    form: Form,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// The live input holds it there.
    Input(Vec<String>),
    /// It is put together of names.
    Names(Vec<Piece>),
    /// It is the digest of what is filled in elsewhere: this text, with another digest in it.
    Digest(String, Digest, Box<Source>),
}

#[derive(Debug, Clone)]
struct HeaderSlot {
    name: HeaderName,
    /// What was recorded there: a header may have several values.
    recorded: HeaderValue,
    source: Source,
}

/// Gives the live text of a name, where it has one.
pub type Live<'l> = &'l dyn Fn(u32) -> Option<String>;

impl Template {
    /// Cuts the response of an interaction. `input` is its decoded input, `token` the name of the
    /// input's idempotency token.
    pub fn new(interaction: &Interaction, input: Option<&Value>, token: Option<&str>) -> Template {
        let body = interaction.response.body().clone();
        let sources = input.map_or_else(Vec::new, |input| sources(interaction, input, token));
        if sources.is_empty() {
            return Template {
                body,
                ..Template::default()
            };
        }
        let listed = listed(interaction);
        Template {
            slots: slots(interaction.response.headers(), &body, &sources, &listed),
            headers: header_slots(interaction.response.headers(), &sources, &listed),
            body,
        }
    }

    /// Cuts slots for the names that the response holds, and gives which.
    pub fn add_names(&mut self, headers: &HeaderMap, names: &Names) -> Vec<u32> {
        let mut found = Vec::new();
        let mut note = |pieces: &[Piece]| {
            found.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Name(name) => Some(*name),
                Piece::Text(_) => None,
            }));
        };
        let body = self.body.clone();
        // An object that comes back whole, whatever it holds.
        if self.slots.is_empty()
            && let Ok(text) = std::str::from_utf8(&body)
            && names.has(text)
            && let Some(pieces) = names.pieces(text)
        {
            note(&pieces);
            self.slots.push(Slot {
                place: 0..body.len(),
                form: Form::Raw,
                source: Source::Names(pieces),
            });
        }
        // In order, and none within another.
        let taken: Vec<Range<usize>> = self.slots.iter().map(|slot| slot.place.clone()).collect();
        let slots = &mut self.slots;
        spot::anywhere(wire::text(headers, "content-type"), &body, &mut |spot| {
            let next = taken.partition_point(|taken| taken.end <= spot.range.start);
            let is_free = taken.get(next).is_none_or(|taken| taken.start >= spot.range.end);
            if spot.form.is_text()
                && is_free
                && let Some(pieces) = names.pieces(&spot.text)
            {
                note(&pieces);
                slots.push(Slot {
                    place: spot.range,
                    form: spot.form,
                    source: Source::Names(pieces),
                });
            }
        });
        self.slots.sort_by_key(|slot| slot.place.start);
        for (name, value) in headers.iter().filter(|(name, _)| may_echo(name)) {
            let is_free = !self.headers.iter().any(|slot| slot.name == name && slot.recorded == value);
            if is_free && let Some(pieces) = value.to_str().ok().and_then(|text| names.pieces(text)) {
                note(&pieces);
                self.headers.push(HeaderSlot {
                    name: name.clone(),
                    recorded: value.clone(),
                    source: Source::Names(pieces),
                });
            }
        }
        found
    }

    /// Cuts slots for the digests that the body holds of what is filled in.
    pub fn add_digests(&mut self, headers: &HeaderMap) {
        if self.slots.is_empty() {
            return;
        }
        let (mut filled, mut others) = (Vec::new(), Vec::new());
        spot::anywhere(wire::text(headers, "content-type"), &self.body, &mut |spot| {
            let at = self.slots.binary_search_by_key(&spot.range.start, |slot| slot.place.start);
            match at.ok().and_then(|at| self.slots.get(at)) {
                Some(slot) => filled.push((spot.text.clone().into_owned(), slot.source.clone())),
                None if spot.form.is_text() && !spot.key => others.push((spot.text.into_owned(), spot.form, spot.range)),
                None => {}
            }
        });
        for (text, form, place) in others {
            let source = filled.iter().find_map(|(content, source)| {
                let kind = digests::kind_of(&text, content.as_bytes())?;
                Some(Source::Digest(text.clone(), kind, Box::new(source.clone())))
            });
            self.slots.extend(source.map(|source| Slot { place, form, source }));
        }
        self.slots.sort_by_key(|slot| slot.place.start);
    }

    /// Whether a live request changes nothing of the body.
    pub fn is_fixed(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether a live request changes headers.
    pub fn fills_headers(&self) -> bool {
        !self.headers.is_empty()
    }

    /// The body for a live input. A slot whose value the input lacks, or whose format cannot hold
    /// it, keeps what was recorded.
    pub fn render(&self, live_input: &Value, live: Live<'_>) -> Bytes {
        if self.slots.is_empty() {
            return self.body.clone();
        }
        let live_input = Directory::new(live_input);
        let mut out = Vec::with_capacity(self.body.len() + 64);
        let mut from = 0;
        for slot in &self.slots {
            out.extend_from_slice(self.body.get(from..slot.place.start).unwrap_or_default());
            let value = slot.source.value(&live_input, live);
            match value.and_then(|value| slot.form.write(&value, "")) {
                Some(bytes) => out.extend_from_slice(&bytes),
                None => out.extend_from_slice(self.body.get(slot.place.clone()).unwrap_or_default()),
            }
            from = slot.place.end;
        }
        out.extend_from_slice(self.body.get(from..).unwrap_or_default());
        out.into()
    }

    /// Fills the headers that come back: the token of a request, say.
    pub fn fill_headers(&self, live_input: &Value, live: Live<'_>, headers: &mut HeaderMap) {
        for slot in &self.headers {
            let value = slot.source.value(&Directory::new(live_input), live);
            let value = value.and_then(|value| Form::Header.write(&value, ""));
            let Some(live) = value.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok()) else {
                continue;
            };
            if let http::header::Entry::Occupied(mut entry) = headers.entry(&slot.name) {
                entry
                    .iter_mut()
                    .filter(|value| **value == slot.recorded)
                    .for_each(|value| *value = live.clone());
            }
        }
    }
}

impl Source {
    fn value<'v>(&self, live_input: &Directory<'v>, live: Live<'_>) -> Option<Cow<'v, Value>> {
        let pieces = match self {
            Source::Input(path) => return echoed(live_input, path).map(Cow::Borrowed),
            Source::Digest(text, kind, of) => {
                let written = match &*of.value(live_input, live)? {
                    Value::Text(content) => digests::with_digest(text, *kind, content.as_bytes()),
                    Value::Blob(bytes) => digests::with_digest(text, *kind, bytes),
                    _ => return None,
                };
                return Some(Cow::Owned(Value::Text(written)));
            }
            Source::Names(pieces) => pieces,
        };
        let text: Option<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.clone()),
                Piece::Name(name) => live(*name),
            })
            .collect();
        text.map(|text| Cow::Owned(Value::Text(text)))
    }
}

fn echoed<'v>(live_input: &Directory<'v>, source: &[String]) -> Option<&'v Value> {
    live_input
        .find(source)
        .filter(|value| matches!(value, Value::Text(_) | Value::Blob(_)))
}

/// A recorded string that may come back.
struct Recorded {
    text: String,
    /// Its place in the input.
    source: Vec<String>,
    /// So short a stand-in may stand elsewhere by chance: only where a stand-in is listed, it is one.
    short: bool,
}

impl Recorded {
    fn is_at(&self, wire: &str, listed: &HashSet<&str>) -> bool {
        !self.short || listed.contains(wire)
    }
}

/// The wire paths of a response at which stand-ins are listed.
fn listed(interaction: &Interaction) -> HashSet<&str> {
    let paths = interaction.redacted.iter().map(|place| place.path.as_str());
    paths.filter_map(|path| path.strip_prefix("/response")).collect()
}

/// The recorded strings that come back.
fn sources(interaction: &Interaction, input: &Value, token: Option<&str>) -> Vec<Recorded> {
    let mut sources: Vec<Recorded> = Vec::new();
    let mut known = HashSet::new();
    let directory = Directory::new(input);
    let mut add = |path: Vec<String>, hidden: bool| {
        let text = match directory.find(&path) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Blob(bytes)) => base64_text(bytes),
            _ => return,
        };
        if !text.is_empty() && known.insert(text.clone()) {
            let short = hidden && stand_in::is_short(&text);
            sources.push(Recorded { text, source: path, short });
        }
    };
    if let Some(token) = token {
        add(vec![token.to_owned()], false);
    }
    for place in &interaction.redacted {
        // An account id is a part of many strings; filling only whole ones would mix two accounts.
        if place.rule != Rule::AccountId.id()
            && let Some(member) = place.member_of("/request")
        {
            add(pointer::tokens(member).collect(), true);
        }
    }
    sources
}

fn slots(headers: &HeaderMap, body: &[u8], sources: &[Recorded], listed: &HashSet<&str>) -> Vec<Slot> {
    if let Some(payload) = sources
        .iter()
        .find(|known| is_payload(body, &known.text) && known.is_at("/body", listed))
    {
        return vec![Slot {
            place: 0..body.len(),
            form: Form::Raw,
            source: Source::Input(payload.source.clone()),
        }];
    }
    let mut slots = Vec::new();
    // What needs no escapes stands in the body as it is; the rest only a reader finds.
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let body_text = std::str::from_utf8(body).ok();
    let is_there = |known: &Recorded| !is_plain(&known.text) || body_text.is_none_or(|text| text.contains(known.text.as_str()));
    if sources.len() <= FEW && !sources.iter().any(is_there) {
        return slots;
    }
    let by_text: HashMap<&str, &Recorded> = sources.iter().map(|known| (known.text.as_str(), known)).collect();
    let is_stream = wire::media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(event_stream::MEDIA_TYPE));
    spot::anywhere(wire::text(headers, "content-type"), body, &mut |spot| {
        // A filled frame would need another length and checksum.
        if is_stream || spot.key || !spot.form.is_text() {
            return;
        }
        if let Some(known) = by_text.get(&*spot.text).filter(|known| known.is_at(spot.wire, listed)) {
            slots.push(Slot {
                place: spot.range,
                form: spot.form,
                source: Source::Input(known.source.clone()),
            });
        }
    });
    slots.sort_by_key(|slot| slot.place.start);
    slots
}

/// Whether a body is one value, known as text or in base64: a payload that may be a document to a
/// reader, and was a string or blob to its protocol.
fn is_payload(body: &[u8], known: &str) -> bool {
    known.as_bytes() == body || known.len() == body.len().div_ceil(3) * 4 && known == base64_text(body)
}

/// What describes the body is never an echo.
fn may_echo(name: &HeaderName) -> bool {
    !name.as_str().starts_with("content-")
}

fn header_slots(headers: &HeaderMap, sources: &[Recorded], listed: &HashSet<&str>) -> Vec<HeaderSlot> {
    let of = |name: &HeaderName, value: &HeaderValue| {
        let is_it = |known: &&Recorded| known.text.as_bytes() == value.as_bytes() && known.is_at(&format!("/headers/{name}"), listed);
        sources.iter().find(is_it)
    };
    let candidates = headers.iter().filter(|(name, _)| may_echo(name));
    candidates
        .filter_map(|(name, value)| {
            let known = of(name, value)?;
            Some(HeaderSlot {
                name: name.clone(),
                recorded: value.clone(),
                source: Source::Input(known.source.clone()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, finding, redacted, redactor, text};
    use super::*;

    fn template(asked: &str, answered: &str) -> Template {
        let taken = redacted(&redactor(), asked, 200, answered);
        let finding = finding(&taken.request, &taken.response);
        let input = finding.request.and_then(|request| request.content);
        Template::new(&taken, input.as_ref(), Some("clientToken"))
    }

    fn live(members: &[(&str, &str)]) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect())
    }

    #[test]
    fn a_secret_that_came_back_comes_back_live() {
        let template = template(r#"{"spec":"a"}"#, r#"{"spec":"a", "arn":"a"}"#);
        let body = template.render(&live(&[("spec", "line\n\"two\"")]), &|_| None);
        assert_eq!(text(&body), r#"{"spec":"line\n\"two\"", "arn":"a"}"#);
    }

    #[test]
    fn a_short_secret_comes_back_where_a_secret_is_and_nowhere_else() {
        let asked = r#"{"digits":"4711"}"#;
        let taken = redacted(&redactor(), asked, 200, r#"{"digits":"4711"}"#);
        let stand_in = testing::text(taken.response.body()).split('"').nth(3).unwrap().to_owned();
        assert!(stand_in != "4711" && stand_in.len() == 4, "{stand_in}");
        let template = template(asked, &format!(r#"{{"digits":"4711","arn":"{stand_in}"}}"#));
        assert_eq!(
            text(&template.render(&live(&[("digits", "0815")]), &|_| None)),
            format!(r#"{{"digits":"0815","arn":"{stand_in}"}}"#)
        );
    }

    #[test]
    fn the_live_token_comes_back() {
        let template = template(r#"{"clientToken":"t-1"}"#, r#"{"token":"t-1","arn":"x t-1"}"#);
        assert_eq!(
            text(&template.render(&live(&[("clientToken", "t-2")]), &|_| None)),
            r#"{"token":"t-2","arn":"x t-1"}"#
        );
        assert_eq!(text(&template.render(&live(&[]), &|_| None)), r#"{"token":"t-1","arn":"x t-1"}"#);
    }

    #[test]
    fn a_body_without_a_slot_is_not_copied() {
        let template = template(
            r#"{"spec":"a","accountId":"481516234207"}"#,
            r#"{"arn":"arn:aws:iam::481516234207:a"}"#,
        );
        assert!(template.is_fixed());
        let body = template.render(&live(&[("spec", "b")]), &|_| None);
        assert_eq!(body.as_ptr(), template.body.as_ptr());
    }

    #[test]
    fn a_payload_that_is_a_document_comes_back_whole() {
        let body = Bytes::from_static(br#"{"a":7}"#);
        for known in [r#"{"a":7}"#.to_owned(), base64_text(&body)] {
            let known = Recorded {
                text: known,
                source: vec!["Content".to_owned()],
                short: false,
            };
            let template = Template {
                slots: slots(&HeaderMap::new(), &body, &[known], &HashSet::new()),
                body: body.clone(),
                ..Template::default()
            };
            let sent = Value::Object(vec![("Content".to_owned(), Value::Blob(br#"{"a":1}"#.to_vec()))]);
            assert_eq!(text(&template.render(&sent, &|_| None)), r#"{"a":1}"#);
        }
    }

    #[test]
    fn names_that_other_calls_gave_are_filled_whole_and_inside_of_strings() {
        let answered = r#"{"spec":"a","arn":"arn:aws:x:::thing/old-name/1","name":"old-name"}"#;
        let mut template = template(r#"{"spec":"a"}"#, answered);
        let mut names = Names::default();
        names.add("old-name", 3, false);
        assert_eq!(template.add_names(&HeaderMap::new(), &names), [3, 3]);
        let input = live(&[("spec", "b")]);
        let body = template.render(&input, &|name| (name == 3).then(|| "new \"one\"".to_owned()));
        assert_eq!(
            text(&body),
            r#"{"spec":"b","arn":"arn:aws:x:::thing/new \"one\"/1","name":"new \"one\""}"#
        );
        assert_eq!(
            text(&template.render(&input, &|_| None)),
            answered.replace("\"a\"", "\"b\""),
            "an unbound name stays as it was recorded"
        );
    }
}
