//! The scalars of an XML body, led by the XML binding traits (Smithy 2.0, "XML bindings"):
//! `@xmlName`, `@xmlFlattened`, `@xmlAttribute`. Elements and attributes that the model does not
//! know are shown too.
//!
//! The bytes between two tags, or between the quotes of an attribute, are replaced; every other byte
//! stays. Text beside child elements, comments and processing instructions are no value by any model;
//! they are shown as what they are, for whoever looks for secrets.

use super::{Form, Part, Root, Spot, Trail, Visit};
use crate::codec::scalar::unknown_name;
use crate::codec::xml::{self, Element, Malformed, Naming};
use crate::model::schema::{Member, Service, Shape, ShapeIndex, ShapeKind};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Shows every text and attribute of an XML document. The root's shape describes the element at the
/// end of the first of `paths` that leads somewhere, by child names from the root element (which is
/// the empty path); where none does, nothing is known of the document.
///
/// # Errors
/// Where the bytes are not XML.
pub fn locate(root: Root<'_>, paths: &[&[&str]], body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    let document = xml::parse(body)?;
    // What precedes the first tag is no part of the offsets.
    let mark = if body.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let text = std::str::from_utf8(body).unwrap_or_default().get(mark..).unwrap_or_default();
    let described = paths.iter().find_map(|path| document.descend(path));
    let mut walk = Walk {
        service: root.shape.map(|(service, _)| service),
        described: described.map(|element| element.content.clone()),
        root,
        text,
        mark,
        member: Trail::new("", true),
        wire: Trail::new("/body", false),
    };
    let whole = outside(text, &document);
    walk.asides(0..whole.start, visit);
    let root = walk.wire.len();
    walk.wire.name(document.name);
    walk.element(&document, None, visit);
    walk.wire.back(root);
    walk.asides(whole.end..text.len(), visit);
    Ok(())
}

struct Walk<'a> {
    service: Option<&'a Service>,
    /// The content of the element that the root's shape describes; no two elements have the same.
    described: Option<Range<usize>>,
    root: Root<'a>,
    text: &'a str,
    /// Bytes before `text`.
    mark: usize,
    member: Trail,
    wire: Trail,
}

impl<'a> Walk<'a> {
    /// `here`: what the model says of the element, where it leads there.
    fn element(&mut self, element: &Element<'_>, here: Option<ShapeIndex>, visit: Visit<'_>) {
        if self.described.as_ref() != Some(&element.content) {
            return self.content(element, here, visit);
        }
        let Some((_, shape)) = self.root.shape else {
            return self.content(element, here, visit);
        };
        self.member = Trail::new(self.root.member, false);
        self.content(element, Some(shape), visit);
        self.member = Trail::new("", true);
    }

    fn content(&mut self, element: &Element<'_>, here: Option<ShapeIndex>, visit: Visit<'_>) {
        let shape = here.and_then(|here| Some(self.service?.shape(here)));
        self.attributes(element, shape, visit);
        if element.children.is_empty() {
            // `<a/>` holds nothing, and an empty text is no secret.
            if !element.content.is_empty() {
                self.show(element.content.clone(), &element.text, Form::XmlText, false, visit);
                self.comments(element.content.clone(), visit);
            }
            return;
        }
        let mut from = element.content.start;
        for child in &element.children {
            let child = outside(self.text, child);
            self.asides(from..child.start, visit);
            from = child.end;
        }
        self.asides(from..element.content.end, visit);
        let Some(shape) = shape else {
            return self.unknown(&children(element), visit);
        };
        match &shape.kind {
            ShapeKind::Structure(_) | ShapeKind::Union(_) => self.structure(element, shape, visit),
            ShapeKind::List(item) => {
                let (items, others) = parted(element, item.xml_name());
                self.items(&items, item, None, visit);
                self.unknown(&others, visit);
            }
            ShapeKind::Map { key, value } => {
                let (entries, others) = parted(element, "entry");
                self.entries(&entries, key, value, visit);
                self.unknown(&others, visit);
            }
            _ => self.unknown(&children(element), visit),
        }
    }

    fn attributes(&mut self, element: &Element<'_>, shape: Option<&Shape>, visit: Visit<'_>) {
        if element.attributes.is_empty() {
            return;
        }
        let ranges = values_of_tag(self.text, element.content.start);
        for ((name, text), range) in element.attributes.iter().zip(ranges) {
            let bound = |member: &&Member| member.is_attribute() && local(name) == local(member.xml_name());
            let member = shape.and_then(|shape| shape.members().iter().find(bound));
            let (at, wire) = (self.member.len(), self.wire.len());
            self.member.name(member.map_or(*name, |member| &member.name));
            self.wire.name(&format!("@{name}"));
            self.show(range, text, Form::XmlAttribute, false, visit);
            self.member.back(at);
            self.wire.back(wire);
        }
    }

    fn structure(&mut self, element: &Element<'_>, shape: &'a Shape, visit: Visit<'_>) {
        let mut flattened: HashMap<&str, usize> = HashMap::new();
        for (child, name) in children(element) {
            let at = self.member.len();
            let wire = self.wire.len();
            let named = |member: &&Member| !member.is_attribute() && is_called(child, member.xml_name());
            let member = shape.members().iter().find(named);
            match (member, &shape.kind) {
                (Some(member), _) => self.member.name(&member.name),
                (None, ShapeKind::Structure(members) | ShapeKind::Union(members)) => {
                    self.member.name(&unknown_name(members, child.local_name()));
                }
                _ => self.member.name(child.local_name()),
            }
            let kind = member.and_then(|member| Some(&self.service?.shape(member.target).kind));
            let is_flat = member.is_some_and(Naming::is_flattened);
            match (kind, member) {
                (Some(ShapeKind::List(item)), Some(member)) if is_flat => {
                    let next = flattened.entry(&member.name).or_default();
                    self.items(&[(child, name)], item, Some(next), visit);
                }
                (Some(ShapeKind::Map { key, value }), Some(_)) if is_flat => self.entries(&[(child, name)], key, value, visit),
                _ => {
                    self.wire.name(&name);
                    self.element(child, member.map(|member| member.target), visit);
                }
            }
            self.member.back(at);
            self.wire.back(wire);
        }
    }

    /// Elements that no shape explains: they go on by name, so that what holds above holds for them.
    fn unknown(&mut self, children: &[(&Element<'_>, String)], visit: Visit<'_>) {
        let (at, wire) = (self.member.len(), self.wire.len());
        for (child, name) in children {
            self.member.name(child.local_name());
            self.wire.name(name);
            self.element(child, None, visit);
            self.member.back(at);
            self.wire.back(wire);
        }
    }

    /// `next` counts the items of a flattened list, which may stand apart.
    fn items(&mut self, children: &[(&Element<'_>, String)], item: &'a Member, next: Option<&mut usize>, visit: Visit<'_>) {
        let mut own = 0;
        let next = next.unwrap_or(&mut own);
        let (at, wire) = (self.member.len(), self.wire.len());
        for (child, name) in children {
            self.member.index(*next);
            self.wire.name(name);
            self.element(child, Some(item.target), visit);
            self.member.back(at);
            self.wire.back(wire);
            *next += 1;
        }
    }

    fn entries(&mut self, entries: &[(&Element<'_>, String)], key: &'a Member, value: &'a Member, visit: Visit<'_>) {
        let (at, wire) = (self.member.len(), self.wire.len());
        for (entry, name) in entries {
            let named = entry.children.iter().find(|child| is_called(child, key.xml_name()));
            let text = named.map_or("", |key| &key.text);
            self.wire.name(name);
            let inside = self.wire.len();
            for (child, name) in children(entry) {
                self.member.name(text);
                self.wire.name(&name);
                let is_key = is_called(child, key.xml_name());
                if is_key && child.children.is_empty() {
                    self.show(child.content.clone(), &child.text, Form::XmlText, true, visit);
                } else {
                    let known = !is_key && is_called(child, value.xml_name());
                    self.element(child, known.then_some(value.target), visit);
                }
                self.member.back(at);
                self.wire.back(inside);
            }
            self.wire.back(wire);
        }
    }

    /// What stands between tags where no value stands.
    fn asides(&mut self, range: Range<usize>, visit: Visit<'_>) {
        for piece in pieces(self.text, range) {
            self.aside(&piece, visit);
        }
    }

    /// What stands in a value and is no part of it.
    fn comments(&mut self, range: Range<usize>, visit: Visit<'_>) {
        for piece in pieces(self.text, range).iter().filter(|piece| piece.form == Form::XmlAside) {
            self.aside(piece, visit);
        }
    }

    fn aside(&mut self, piece: &Piece, visit: Visit<'_>) {
        let written = self.text.get(piece.range.clone()).unwrap_or_default();
        if written.trim().is_empty() {
            return;
        }
        let wire = self.wire.len();
        self.wire.name(piece.name);
        let text = match piece.form {
            Form::XmlText => unescaped(written),
            _ => Cow::Borrowed(written),
        };
        self.show(piece.range.clone(), &text, piece.form, false, visit);
        self.wire.back(wire);
    }

    fn show(&self, range: Range<usize>, text: &str, form: Form, key: bool, visit: Visit<'_>) {
        visit(Spot {
            member: self.member.get(),
            wire: &self.wire.text,
            part: Part::Body,
            range: range.start + self.mark..range.end + self.mark,
            form,
            key,
            text: Cow::Borrowed(text),
        });
    }
}

/// Something between two tags.
struct Piece {
    name: &'static str,
    form: Form,
    range: Range<usize>,
}

/// Comments, processing instructions, marked sections and text, without what encloses them.
fn pieces(text: &str, range: Range<usize>) -> Vec<Piece> {
    const ENCLOSED: [(&str, &str, &str, Form); 3] = [
        ("<!--", "-->", "#comment", Form::XmlAside),
        ("<![CDATA[", "]]>", "#text", Form::XmlSection),
        ("<?", "?>", "#instruction", Form::XmlAside),
    ];
    let mut pieces = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let rest = text.get(at..range.end).unwrap_or_default();
        let enclosed = ENCLOSED.iter().find(|(open, ..)| rest.starts_with(open));
        let Some((open, close, name, form)) = enclosed else {
            let length = rest.get(1..).and_then(|rest| rest.find('<')).map_or(rest.len(), |next| next + 1);
            pieces.push(Piece {
                name: "#text",
                form: Form::XmlText,
                range: at..at + length,
            });
            at += length.max(1);
            continue;
        };
        let start = at + open.len();
        let end = text
            .get(start..range.end)
            .and_then(|rest| rest.find(close))
            .map_or(range.end, |end| start + end);
        pieces.push(Piece {
            name,
            form: *form,
            range: start..end,
        });
        at = end + close.len();
    }
    pieces
}

/// Where an element stands with its tags.
fn outside(text: &str, element: &Element<'_>) -> Range<usize> {
    let before = text.get(..element.content.start).unwrap_or_default();
    let start = before.rfind('<').unwrap_or_default();
    if element.content.is_empty() && before.ends_with("/>") {
        return start..element.content.start;
    }
    let behind = text.get(element.content.end..).unwrap_or_default();
    start..element.content.end + behind.find('>').map_or(behind.len(), |end| end + 1)
}

fn unescaped(written: &str) -> Cow<'_, str> {
    // What cannot be read stays as it is written; the parser has refused it before.
    quick_xml::escape::unescape(written).unwrap_or(Cow::Borrowed(written))
}

/// Where the values of a start tag's attributes stand, between their quotes; `end` is behind the
/// tag. In XML no attribute holds a `<`.
fn values_of_tag(text: &str, end: usize) -> Vec<Range<usize>> {
    let start = text.get(..end).and_then(|before| before.rfind('<')).unwrap_or(end);
    let tag = text.get(start..end).unwrap_or_default();
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(open) = tag.get(at..).and_then(|rest| rest.find(['"', '\''])).map(|offset| at + offset) {
        let quote = if tag.as_bytes().get(open) == Some(&b'"') { '"' } else { '\'' };
        let Some(length) = tag.get(open + 1..).and_then(|rest| rest.find(quote)) else {
            break;
        };
        values.push(start + open + 1..start + open + 1 + length);
        at = open + length + 2;
    }
    values
}

/// A prefix stands for a namespace, and a model may write one or not.
fn is_called(element: &Element<'_>, name: &str) -> bool {
    element.local_name() == local(name)
}

fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// The children of that name, and the others.
#[allow(clippy::type_complexity)] // two of what `children` gives
fn parted<'t, 'a>(element: &'t Element<'a>, name: &str) -> (Vec<(&'t Element<'a>, String)>, Vec<(&'t Element<'a>, String)>) {
    children(element).into_iter().partition(|(child, _)| is_called(child, name))
}

/// The children with their names on the wire; of repeated ones, the second is `name[2]`.
fn children<'t, 'a>(element: &'t Element<'a>) -> Vec<(&'t Element<'a>, String)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut named = Vec::with_capacity(element.children.len());
    for child in &element.children {
        let count = seen.entry(child.name).or_default();
        *count += 1;
        let name = if *count == 1 {
            child.name.to_owned()
        } else {
            format!("{}[{count}]", child.name)
        };
        named.push((child, name));
    }
    named
}
