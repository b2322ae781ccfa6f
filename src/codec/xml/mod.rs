//! XML bodies: [`parse`] reads a document into a small tree, [`decode`] reads an element of that
//! tree as a value of a shape, [`Encoder`] writes values. What the root element is called, and what
//! wraps it, is the protocol's business.
//!
//! No document type declaration is accepted, so there are no entities but the five of XML itself,
//! nothing is fetched, and nothing expands.

mod decode;
mod encode;
pub mod escape;
mod names;

pub use decode::{decode, untyped};
pub use encode::Encoder;
pub use names::{Namespace, Naming, namespace, root_name};

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Documents that are nested more deeply are refused.
pub const MAX_DEPTH: usize = 512;

/// Why and where a body is not XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Byte offset of the offending place, from 0.
    pub offset: usize,
    /// Line of that place, from 1.
    pub line: usize,
    /// Column of that place in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Malformed {
            what,
            offset,
            line,
            column,
        } = self;
        write!(formatter, "{what} at byte {offset} (line {line}, column {column})")
    }
}

impl std::error::Error for Malformed {}

impl Malformed {
    fn new(text: &str, offset: usize, what: impl fmt::Display) -> Malformed {
        let offset = (0..=offset.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = text.get(..offset).unwrap_or(text);
        Malformed {
            offset,
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|character| *character != '\n').count() + 1,
            what: what.to_string(),
        }
    }
}

/// One element of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a> {
    /// The name as written, with its prefix.
    pub name: &'a str,
    /// Attributes as written, in their order; their values are unescaped.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// Child elements, in their order.
    pub children: Vec<Element<'a>>,
    /// The character data of the element itself, unescaped and put together.
    pub text: Cow<'a, str>,
    /// Where the content lies in the document, in bytes; empty and behind the tag for `<a/>`.
    pub content: Range<usize>,
}

impl<'a> Element<'a> {
    /// The name without its prefix.
    pub fn local_name(&self) -> &'a str {
        local(self.name)
    }

    /// The first child of a local name.
    pub fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.local_name() == name)
    }

    /// The element below this one along a path of local names; this one for an empty path.
    pub fn descend(&self, path: &[&str]) -> Option<&Element<'a>> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// Reads a document and gives its root.
///
/// # Errors
/// Where the bytes are not XML in UTF-8, declare a document type, or are nested more than
/// [`MAX_DEPTH`] deep.
pub fn parse(body: &[u8]) -> Result<Element<'_>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let valid = String::from_utf8_lossy(body.get(..error.valid_up_to()).unwrap_or_default()).into_owned();
        Malformed::new(&valid, valid.len(), "invalid UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Parser {
        text,
        reader: Reader::from_str(text),
        open: Vec::new(),
        root: None,
    }
    .run()
}

struct Parser<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    open: Vec<Element<'a>>,
    root: Option<Element<'a>>,
}

impl<'a> Parser<'a> {
    fn run(mut self) -> Result<Element<'a>, Malformed> {
        loop {
            let start = self.position();
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let offset = usize::try_from(self.reader.error_position()).unwrap_or(start);
                    return Err(Malformed::new(self.text, offset, error));
                }
            };
            match event {
                Event::Start(tag) => {
                    let element = self.element(&tag, start)?;
                    self.open.push(element);
                }
                Event::Empty(tag) => {
                    let element = self.element(&tag, start)?;
                    self.close(element);
                }
                Event::End(_) => {
                    if let Some(mut element) = self.open.pop() {
                        element.content.end = start;
                        self.close(element);
                    }
                }
                Event::Text(text) => self.characters(start, text.xml10_content())?,
                Event::CData(text) => self.characters(start, text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let text = self.reference(&reference, start)?;
                    self.characters(start, text)?;
                }
                Event::DocType(_) => return Err(self.malformed(start, "a document type declaration, which no AWS service accepts,")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return self.finish(start),
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn malformed(&self, offset: usize, what: impl fmt::Display) -> Malformed {
        Malformed::new(self.text, offset, what)
    }

    fn finish(mut self, end: usize) -> Result<Element<'a>, Malformed> {
        if let Some(element) = self.open.pop() {
            let what = format!("the document ends before `{}` is closed", element.name);
            return Err(Malformed::new(self.text, end, what));
        }
        let (text, root) = (self.text, self.root);
        root.ok_or_else(|| Malformed::new(text, end, "there is no element"))
    }

    fn element(&self, tag: &BytesStart<'a>, start: usize) -> Result<Element<'a>, Malformed> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.malformed(start, format!("elements are nested more than {MAX_DEPTH} deep")));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.malformed(start, "a second root element"));
        }
        // The tag borrows from the document, but hands its parts out as borrowed from itself.
        let after = self.position();
        let name_start = start + 1;
        let name = self.text.get(name_start..name_start + tag.name().0.len()).unwrap_or_default();
        let mut attributes = Vec::new();
        let mut from = name_start + name.len();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| self.malformed(start, error))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(start, error))?;
            // Names come in their order: no part of the tag is searched twice.
            let found = self.within(attribute.key.0, from..after);
            from = found.end;
            attributes.push((self.text.get(found).unwrap_or_default(), Cow::Owned(value.into_owned())));
        }
        Ok(Element {
            name,
            attributes,
            children: Vec::new(),
            text: Cow::Borrowed(""),
            content: after..after,
        })
    }

    /// A part of a tag that says that name: nobody can tell it from the one that it was read from.
    fn within(&self, name: &str, tag: Range<usize>) -> Range<usize> {
        let found = self.text.get(tag.clone()).and_then(|written| written.find(name));
        let start = found.map_or(tag.end, |at| tag.start + at);
        start..(start + name.len()).min(tag.end)
    }

    fn close(&mut self, element: Element<'a>) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn characters(&mut self, start: usize, text: Cow<'a, str>) -> Result<(), Malformed> {
        match self.open.last_mut() {
            Some(element) if element.text.is_empty() => element.text = text,
            Some(element) => element.text.to_mut().push_str(&text),
            None if text.trim().is_empty() => {}
            None => return Err(self.malformed(start, "text outside the root element")),
        }
        Ok(())
    }

    fn reference(&self, reference: &BytesRef<'_>, start: usize) -> Result<Cow<'a, str>, Malformed> {
        let character = reference.resolve_char_ref().map_err(|error| self.malformed(start, error))?;
        if let Some(character) = character {
            return Ok(Cow::Owned(character.to_string()));
        }
        let name: &str = reference;
        resolve_xml_entity(name)
            .map(Cow::Borrowed)
            .ok_or_else(|| self.malformed(start, format!("an entity that XML does not define, `&{name};`,")))
    }
}

#[cfg(test)]
mod tests;
