//! Values that an answer gives and later requests use, an id of something that was made, say: where
//! it is another one in the new answer, those requests are sent and kept with the new one.
//!
//! Only whole strings of an answer count, that the program had not sent itself by then, and that
//! stand in its new answer no more. The words of an enumeration are no ids.

use crate::cassette::{Cassette, Interaction};
use crate::codec::spot::{self, Form, Part, Splice};
use crate::inspect::inspect_recorded;
use crate::model::catalog::Catalog;
use crate::model::schema::{Service, ShapeIndex, ShapeKind};
use crate::pointer::Path;
use crate::protocol::Reply;
use crate::redaction::headers::refresh_checksums;
use crate::redaction::renaming::{Names, Piece};
use crate::value::Value;
use crate::wire::{self, Request};
use http::header::{HeaderName, HeaderValue};
use std::collections::{HashMap, HashSet};

/// Shorter ones stand elsewhere by chance.
const SHORTEST: usize = 8;

/// A value that is another one in a new answer, and that later requests use.
struct Changed {
    /// The index of the interaction that answers it.
    answer: usize,
    old: String,
    new: String,
    /// A stand-in took its place: what AWS knows is not known.
    hidden: bool,
}

/// What was carried from new answers into later requests of a cassette.
pub struct Carried<'a> {
    catalog: &'a Catalog,
    old: &'a Cassette,
    /// What each recorded request says, one text after the other.
    said: Vec<String>,
    changed: Vec<Changed>,
    names: Names,
    /// The same as a URI holds them: as they are at even numbers, with escapes at odd ones.
    uri_names: Names,
}

/// A later request of which the program would send another now.
pub struct Stale {
    /// The index of the interaction whose answer gave the value.
    pub answer: usize,
    /// The index of the interaction whose request still has the recorded one.
    pub request: usize,
    /// The recorded and the new value, where they may be shown.
    pub values: Option<(String, String)>,
}

impl<'a> Carried<'a> {
    /// Nothing is carried yet.
    pub fn new(catalog: &'a Catalog, old: &'a Cassette) -> Carried<'a> {
        Carried {
            catalog,
            old,
            said: old.interactions.iter().map(|interaction| said(&interaction.request)).collect(),
            changed: Vec::new(),
            names: Names::default(),
            uri_names: Names::default(),
        }
    }

    /// Learns what the new answer to the interaction at `index` gives otherwise.
    pub fn learn(&mut self, index: usize, new: &Interaction) {
        let Some(old) = self.old.interactions.get(index) else { return };
        let (before, now) = (inspect_recorded(self.catalog, old), inspect_recorded(self.catalog, new));
        let reply = |judged: Option<crate::inspect::Judged<Reply>>| judged.and_then(|judged| judged.content);
        let (Some(call), Some(Reply::Output(was)), Some(Reply::Output(is))) = (before.call, reply(before.response), reply(now.response))
        else {
            return;
        };
        let mut pairs = Pairs {
            service: &call.service,
            found: Vec::new(),
        };
        pairs.of(Some(call.operation().output), &Path::ROOT, &was, &is);
        let (old_texts, new_texts) = (texts(&was), texts(&is));
        let places = old.redacted.iter().chain(&new.redacted);
        let hidden: HashSet<&str> = places.filter_map(|place| place.member_of("/response")).collect();
        for (path, was, is) in pairs.found {
            if new_texts.contains(was) || old_texts.contains(is) || !self.is_learnt(index, was) {
                continue;
            }
            self.add(Changed {
                answer: index,
                old: was.to_owned(),
                new: is.to_owned(),
                hidden: hidden.contains(path.as_str()),
            });
        }
    }

    /// Whether the program has a value from that answer, and uses it.
    fn is_learnt(&self, index: usize, value: &str) -> bool {
        let (before, later) = self.said.split_at((index + 1).min(self.said.len()));
        later.iter().any(|said| said.contains(value)) && !before.iter().any(|said| said.contains(value))
    }

    fn add(&mut self, changed: Changed) {
        let number = match self.changed.iter().position(|known| known.old == changed.old) {
            Some(known) => {
                self.changed[known] = changed;
                known
            }
            None => {
                self.changed.push(changed);
                self.changed.len() - 1
            }
        };
        let changed = &self.changed[number];
        if changed.hidden {
            return;
        }
        let number = number as u32;
        self.names.add(&changed.old, number, false);
        self.uri_names.add(&changed.old, 2 * number, false);
        let escaped = escaped(&changed.old);
        if escaped != changed.old {
            self.uri_names.add(&escaped, 2 * number + 1, false);
        }
    }

    fn new_value(&self, number: u32) -> &str {
        self.changed.get(number as usize).map_or("", |changed| &changed.new)
    }

    fn carried(&self, text: &str) -> Option<String> {
        Some(together(&self.names.pieces(text)?, |number| self.new_value(number).to_owned()))
    }

    /// A recorded request with the new values; nothing where it holds none of the recorded ones.
    pub fn request(&self, recorded: &Request) -> Option<Request> {
        if self.names.is_empty() {
            return None;
        }
        let (uri, body) = (self.uri(recorded), self.body(recorded));
        let mut is_another = uri.is_some() || body.is_some();
        let mut request = recorded.clone();
        if let Some(uri) = uri {
            *request.uri_mut() = uri;
        }
        for (_, value) in request.headers_mut().iter_mut().filter(|(name, _)| is_of_the_program(name)) {
            let carried = value.to_str().ok().and_then(|text| self.carried(text));
            if let Some(new) = carried.and_then(|text| HeaderValue::from_str(&text).ok()) {
                *value = new;
                is_another = true;
            }
        }
        if let Some(body) = body {
            refresh_checksums(request.headers_mut(), &body);
            *request.body_mut() = body.into();
        }
        is_another.then_some(request)
    }

    /// Path and query only: no answer says which host is called.
    fn uri(&self, request: &Request) -> Option<http::Uri> {
        let printed = request.uri().to_string();
        let rest = request.uri().path_and_query()?.as_str();
        let host = printed.strip_suffix(rest)?;
        let pieces = self.uri_names.pieces(rest)?;
        let written = |number: u32| {
            let new = self.new_value(number / 2);
            let is_plain = new.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte));
            match number.is_multiple_of(2) && is_plain {
                true => new.to_owned(),
                false => escaped(new),
            }
        };
        format!("{host}{}", together(&pieces, written)).parse().ok()
    }

    fn body(&self, request: &Request) -> Option<Vec<u8>> {
        let mut splices = Vec::new();
        spot::anywhere(wire::text(request.headers(), "content-type"), request.body(), &mut |spot| {
            let carried = self.carried(&spot.text).filter(|_| spot.form.is_text());
            if let Some(bytes) = carried.and_then(|text| spot.form.write(&Value::Text(text), &spot.text)) {
                splices.push(Splice {
                    part: spot.part,
                    range: spot.range,
                    bytes,
                });
            }
        });
        let is_whole = !splices.is_empty() && splices.iter().all(|splice| splice.part == Part::Body);
        is_whole.then(|| Splice::apply(Part::Body, request.body(), &splices)).flatten()
    }

    /// The requests of a renewed cassette that still have a recorded value in the place of a new one.
    pub fn stale(&self, renewed: &Cassette) -> Vec<Stale> {
        let mut found = Vec::new();
        for (index, interaction) in renewed.interactions.iter().enumerate() {
            let said = said(&interaction.request);
            let is_left = |changed: &&Changed| {
                changed.answer < index && said.contains(&changed.old) && said.replace(&changed.new, "").contains(&changed.old)
            };
            found.extend(self.changed.iter().find(is_left).map(|changed| Stale {
                answer: changed.answer,
                request: index,
                values: (!changed.hidden).then(|| (changed.old.clone(), changed.new.clone())),
            }));
        }
        found
    }
}

fn together(pieces: &[Piece], new: impl Fn(u32) -> String) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Name(number) => new(*number),
    });
    texts.collect()
}

fn escaped(text: &str) -> String {
    let written = Form::FormValue.write(&Value::Text(text.to_owned()), "");
    String::from_utf8(written.unwrap_or_default()).unwrap_or_default()
}

/// Whether a header says what the program asks, and not how it is asked.
fn is_of_the_program(name: &HeaderName) -> bool {
    const OF_THE_SDK: [&str; 6] = ["authorization", "host", "accept", "user-agent", "x-amz-user-agent", "x-amz-target"];
    let name = name.as_str();
    !OF_THE_SDK.contains(&name) && !name.starts_with("content-") && !name.starts_with("amz-sdk-")
}

/// All that a request says.
fn said(request: &Request) -> String {
    let uri = request.uri().to_string();
    let mut all = percent_encoding::percent_decode_str(&uri).decode_utf8_lossy().into_owned();
    let mut add = |text: &str| {
        all.push('\0');
        all.push_str(text);
    };
    let headers = request.headers().iter().filter(|(name, _)| is_of_the_program(name));
    headers.filter_map(|(_, value)| value.to_str().ok()).for_each(&mut add);
    spot::anywhere(wire::text(request.headers(), "content-type"), request.body(), &mut |spot| {
        add(&spot.text);
    });
    all
}

/// The strings of a document.
fn texts(value: &Value) -> HashSet<&str> {
    fn collect<'v>(value: &'v Value, found: &mut HashSet<&'v str>) {
        match value {
            Value::Text(text) => drop(found.insert(text)),
            Value::List(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(members) => members.iter().for_each(|(_, member)| collect(member, found)),
            _ => {}
        }
    }
    let mut found = HashSet::new();
    collect(value, &mut found);
    found
}

/// The strings that differ between two answers, with their places.
struct Pairs<'v> {
    service: &'v Service,
    found: Vec<(String, &'v str, &'v str)>,
}

impl<'v> Pairs<'v> {
    fn of(&mut self, shape: Option<ShapeIndex>, path: &Path<'_>, old: &'v Value, new: &'v Value) {
        let kind = shape.map(|shape| &self.service.shape(shape).kind);
        match (old, new) {
            (Value::Text(was), Value::Text(is)) => {
                let is_word = matches!(kind, Some(ShapeKind::String(Some(_)))) || is_constant(was);
                if was != is && was.len() >= SHORTEST && !is.is_empty() && !is_word {
                    self.found.push((path.render(), was, is));
                }
            }
            // In a list of another length nobody knows which item is which.
            (Value::List(old), Value::List(new)) if old.len() == new.len() => {
                let item = match kind {
                    Some(ShapeKind::List(member)) => Some(member.target),
                    _ => None,
                };
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.of(item, &path.index(index), old, new);
                }
            }
            (Value::Object(members), Value::Object(others)) => {
                let others: HashMap<&str, &Value> = others.iter().map(|(name, value)| (name.as_str(), value)).collect();
                for (name, old) in members {
                    let shape = match kind {
                        Some(ShapeKind::Map { value, .. }) => Some(value.target),
                        _ => shape
                            .and_then(|shape| self.service.shape(shape).member(name))
                            .map(|member| member.target),
                    };
                    if let Some(new) = others.get(name.as_str()) {
                        self.of(shape, &path.name(name), old, new);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `CREATE_IN_PROGRESS`: a state that is called so by the service, though its model lists none.
fn is_constant(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || b"_- ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// A request as it is carried, where `pa-old-12345` and `a/b:c-12345` are others now.
    fn carried(uri: &str, header: (&str, &str), body: &str) -> Option<String> {
        let (catalog, cassette) = (Catalog::built_in().unwrap(), Cassette::default());
        let mut carried = Carried::new(&catalog, &cassette);
        for (old, new, hidden) in [
            ("pa-old-12345", "pa-new-678", false),
            ("a/b:c-12345", "d/e:f", false),
            ("hidden-12345", "other", true),
        ] {
            carried.add(Changed {
                answer: 0,
                old: old.to_owned(),
                new: new.to_owned(),
                hidden,
            });
        }
        let request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        let (mut parts, body) = request.into_parts();
        parts.uri = uri.parse().unwrap();
        parts
            .headers
            .insert(HeaderName::try_from(header.0).unwrap(), HeaderValue::from_str(header.1).unwrap());
        let request = carried.request(&Request::from_parts(parts, body))?;
        let value = request.headers().values().next().unwrap().to_str().unwrap().to_owned();
        Some(format!("{} {value} {}", request.uri(), String::from_utf8_lossy(request.body())))
    }

    #[test]
    fn a_new_value_is_written_in_the_form_of_its_place() {
        const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
        for (uri, header, body, expected) in [
            (
                "https://x.aws/v1/pa-old-12345/a%2Fb%3Ac-12345?q=a/b:c-12345",
                ("if-match", "\"pa-old-12345\""),
                "",
                "https://x.aws/v1/pa-new-678/d%2Fe%3Af?q=d/e:f \"pa-new-678\" ",
            ),
            (
                "https://x.aws/",
                FORM,
                "Action=Get&Id=a%2Fb%3Ac-12345",
                "https://x.aws/ application/x-www-form-urlencoded Action=Get&Id=d%2Fe%3Af",
            ),
            (
                "https://x.aws/",
                ("content-type", "application/xml"),
                "<A><B>a/b:c-12345</B></A>",
                "https://x.aws/ application/xml <A><B>d/e:f</B></A>",
            ),
            (
                "https://x.aws/",
                ("content-type", "application/json"),
                r#"{"a":["pa-old-12345",1]}"#,
                r#"https://x.aws/ application/json {"a":["pa-new-678",1]}"#,
            ),
        ] {
            assert_eq!(carried(uri, header, body).as_deref(), Some(expected));
        }
    }

    #[test]
    fn neither_host_nor_content_type_nor_stand_in_is_carried() {
        assert_eq!(carried("https://pa-old-12345.aws/", ("content-type", "pa-old-12345"), ""), None);
        assert_eq!(carried("https://x.aws/hidden-12345", ("accept", "pa-old-12345"), ""), None);
    }

    #[test]
    fn a_state_is_no_id() {
        assert!(is_constant("CREATE_IN_PROGRESS") && !is_constant("AKIA4XAMPL3") && !is_constant("pa-old-12345"));
    }
}
