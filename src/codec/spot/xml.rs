//! The scalars of an XML body, led by the XML binding traits (Smithy 2.0, "XML bindings"):
//! `@xmlName`, `@xmlFlattened`, `@xmlAttribute`. Elements and attributes that the model does not
//! know are shown too.
//!
//! It has its own small reader, because what matters here is where things are: the bytes between
//! two tags are replaced, and every other byte stays.

mod tree;

use super::{Form, Part, Root, Spot, Trail, Visit};
use crate::codec::scalar::unknown_name;
use crate::model::schema::{Member, Service, Shape, ShapeIndex, ShapeKind};
use std::borrow::Cow;
use std::collections::HashMap;
pub use tree::Malformed;
use tree::{Attribute, Element};

/// A step from the root element of a document down to the element that is the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within<'a> {
    /// The root element, whatever its name.
    Root,
    /// The child of that name.
    Child(&'a str),
}

/// Shows every text and attribute of an XML document. `within` leads to the element that the root's
/// shape describes; where it leads nowhere, nothing is known of the document.
///
/// # Errors
/// Where the bytes are not XML.
pub fn locate(root: Root<'_>, within: &[Within<'_>], body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| Malformed(error.valid_up_to()))?;
    let document = tree::read(text)?;
    let mut walk = Walk {
        service: root.shape.map(|(service, _)| service),
        described: described(&document.root, within).map(|element| element.start),
        root,
        member: Trail::new("", true),
        wire: Trail::new("/body", false),
    };
    for comment in &document.comments {
        walk.show(
            comment.clone(),
            text.get(comment.clone()).unwrap_or_default().into(),
            Form::Raw,
            false,
            visit,
        );
    }
    walk.wire.name(document.root.name);
    walk.element(&document.root, None, visit);
    Ok(())
}

/// Whether the root element of a document has a child of that name.
pub fn has_child(body: &[u8], name: &str) -> bool {
    let document = std::str::from_utf8(body).ok().and_then(|text| tree::read(text).ok());
    document.is_some_and(|document| document.root.children.iter().any(|child| child.is_called(name)))
}

fn described<'t, 'a>(root: &'t Element<'a>, within: &[Within<'_>]) -> Option<&'t Element<'a>> {
    within.iter().try_fold(root, |element, step| match step {
        Within::Root => Some(element),
        Within::Child(name) => element.children.iter().find(|child| child.is_called(name)),
    })
}

/// Text as element content or attribute value; nothing where XML 1.0 has no way to write it.
pub(super) fn escaped(text: &str, attribute: bool) -> Option<Vec<u8>> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\'' if attribute => out.push_str("&apos;"),
            '\n' if attribute => out.push_str("&#xA;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\r' => out.push_str("&#xD;"),
            '\n' | '\t' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => return None,
            other => out.push(other),
        }
    }
    Some(out.into_bytes())
}

struct Walk<'a> {
    service: Option<&'a Service>,
    /// Where the element begins that the root's shape describes.
    described: Option<usize>,
    root: Root<'a>,
    member: Trail,
    wire: Trail,
}

impl<'a> Walk<'a> {
    /// `here`: what the model says of the element, where it leads there.
    fn element(&mut self, element: &Element<'_>, here: Option<ShapeIndex>, visit: Visit<'_>) {
        let mut here = here;
        let is_described = self.described.is_some_and(|start| start == element.start);
        if is_described && let Some((_, shape)) = self.root.shape {
            here = Some(shape);
            self.member = Trail::new(self.root.member, false);
        }
        self.content(element, here, visit);
        if is_described {
            self.member = Trail::new("", true);
        }
    }

    fn content(&mut self, element: &Element<'_>, here: Option<ShapeIndex>, visit: Visit<'_>) {
        let shape = here.and_then(|here| Some(self.service?.shape(here)));
        for attribute in &element.attributes {
            self.attribute(attribute, shape, visit);
        }
        if element.children.is_empty() {
            // `<a/>` holds nothing, and an empty text is no secret.
            if let Some((range, text)) = &element.text {
                self.show(range.clone(), text.as_ref().into(), Form::XmlText, false, visit);
            }
            return;
        }
        for (range, text) in &element.mixed {
            self.show(range.clone(), text.as_ref().into(), Form::XmlText, false, visit);
        }
        let Some(shape) = shape else {
            return self.unknown(&children(element), visit);
        };
        match &shape.kind {
            ShapeKind::Structure(_) | ShapeKind::Union(_) => self.structure(element, shape, visit),
            ShapeKind::List(item) => {
                let (items, others) = parted(element, xml_name(item));
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

    fn attribute(&mut self, attribute: &Attribute<'_>, shape: Option<&Shape>, visit: Visit<'_>) {
        let bound = |member: &&Member| member.traits.contains_key("smithy.api#xmlAttribute") && is_called(attribute.name, xml_name(member));
        let member = shape.and_then(|shape| shape.members().iter().find(bound));
        let (at, wire) = (self.member.len(), self.wire.len());
        self.member.name(member.map_or(attribute.name, |member| &member.name));
        self.wire.name(&format!("@{}", attribute.name));
        self.show(
            attribute.range.clone(),
            attribute.text.as_ref().into(),
            Form::XmlAttribute,
            false,
            visit,
        );
        self.member.back(at);
        self.wire.back(wire);
    }

    fn structure(&mut self, element: &Element<'_>, shape: &'a Shape, visit: Visit<'_>) {
        let mut flattened: HashMap<&str, usize> = HashMap::new();
        for (child, name) in children(element) {
            let at = self.member.len();
            let wire = self.wire.len();
            let named = |member: &&Member| !member.traits.contains_key("smithy.api#xmlAttribute") && child.is_called(xml_name(member));
            let member = shape.members().iter().find(named);
            match (member, &shape.kind) {
                (Some(member), _) => self.member.name(&member.name),
                (None, ShapeKind::Structure(members) | ShapeKind::Union(members)) => {
                    self.member.name(&unknown_name(members, child.local_name()));
                }
                _ => self.member.name(child.local_name()),
            }
            let kind = member.and_then(|member| Some(&self.service?.shape(member.target).kind));
            let is_flat = member.is_some_and(|member| member.traits.contains_key("smithy.api#xmlFlattened"));
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
            let key_name = xml_name(key);
            let named = entry.children.iter().find(|child| child.is_called(key_name));
            let text = named.and_then(|key| key.text.as_ref()).map_or("", |(_, text)| text.as_ref());
            self.wire.name(name);
            let inside = self.wire.len();
            for (child, name) in children(entry) {
                self.member.name(text);
                self.wire.name(&name);
                match (&child.text, child.is_called(key_name)) {
                    (Some((range, text)), true) if child.children.is_empty() => {
                        self.show(range.clone(), text.as_ref().into(), Form::XmlText, true, visit);
                    }
                    (_, is_key) => {
                        let known = !is_key && child.is_called(xml_name(value));
                        self.element(child, known.then_some(value.target), visit);
                    }
                }
                self.member.back(at);
                self.wire.back(inside);
            }
            self.wire.back(wire);
        }
    }

    fn show(&self, range: std::ops::Range<usize>, text: Cow<'_, str>, form: Form, key: bool, visit: Visit<'_>) {
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

/// The name of a member's element or attribute.
fn xml_name(member: &Member) -> &str {
    let named = member.traits.get("smithy.api#xmlName").and_then(|name| name.as_str());
    named.unwrap_or(&member.name)
}

/// A prefix stands for a namespace, and a model may write one or not.
fn is_called(name: &str, wanted: &str) -> bool {
    name == wanted || local(name) == local(wanted)
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The children of that name, and the others.
#[allow(clippy::type_complexity)] // two of what `children` gives
fn parted<'t, 'a>(element: &'t Element<'a>, name: &str) -> (Vec<(&'t Element<'a>, String)>, Vec<(&'t Element<'a>, String)>) {
    children(element).into_iter().partition(|(child, _)| child.is_called(name))
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
