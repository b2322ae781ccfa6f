//! A document as a tree of elements with the places of their texts.

use super::super::MAX_DEPTH;
use super::{is_called, local};
use std::borrow::Cow;
use std::ops::Range;

/// The bytes are not an XML document that Ferrotape can take apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not XML at byte {0}")]
pub struct Malformed(pub usize);

pub(super) struct Document<'a> {
    pub(super) root: Element<'a>,
    /// The texts of comments and processing instructions.
    pub(super) comments: Vec<Range<usize>>,
}

pub(super) struct Element<'a> {
    /// As it is written, with its prefix.
    pub(super) name: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) children: Vec<Element<'a>>,
    /// All between the tags and what it says, where there is anything.
    pub(super) text: Option<(Range<usize>, Cow<'a, str>)>,
    /// Beside children: each run of text that is more than white space.
    pub(super) mixed: Vec<(Range<usize>, Cow<'a, str>)>,
    /// Where its start tag begins.
    pub(super) start: usize,
    content: usize,
}

pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// Between the quotes.
    pub(super) range: Range<usize>,
    pub(super) text: Cow<'a, str>,
}

impl Element<'_> {
    pub(super) fn is_called(&self, name: &str) -> bool {
        is_called(self.name, name)
    }

    pub(super) fn local_name(&self) -> &str {
        local(self.name)
    }
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Document<'_>, Malformed> {
    let mut reader = Reader {
        text,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        comments: Vec::new(),
    };
    let mut open: Vec<Element<'_>> = Vec::new();
    loop {
        if open.is_empty() {
            reader.skip_space();
        } else {
            reader.characters(&mut open)?;
        }
        if reader.skip_aside(open.is_empty())? {
            continue;
        }
        if reader.eat("</") {
            let end = reader.at - 2;
            let name = reader.name()?;
            reader.skip_space();
            reader.expect(">")?;
            let element = open.pop().filter(|element| element.name == name).ok_or(Malformed(end))?;
            match finish(element, end, &mut open) {
                Some(root) => return reader.end(root),
                None => continue,
            }
        }
        let (element, empty) = reader.start_tag()?;
        if !empty {
            if open.len() >= MAX_DEPTH {
                return Err(Malformed(reader.at));
            }
            open.push(element);
        } else if let Some(parent) = open.last_mut() {
            parent.children.push(element);
        } else {
            return reader.end(element);
        }
    }
}

/// Closes an element; gives it back where it was the root.
fn finish<'a>(mut element: Element<'a>, end: usize, open: &mut [Element<'a>]) -> Option<Element<'a>> {
    if element.children.is_empty() {
        // Only the runs of an element without children are its value; with comments between them, too.
        let said: Vec<Cow<'a, str>> = std::mem::take(&mut element.mixed).into_iter().map(|(_, text)| text).collect();
        if end > element.content {
            let whole = if said.len() == 1 {
                said.into_iter().next()
            } else {
                Some(said.concat().into())
            };
            element.text = whole.map(|text| (element.content..end, text));
        }
    } else {
        element.mixed.retain(|(_, text)| !text.trim().is_empty());
    }
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(element);
            None
        }
        None => Some(element),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    comments: Vec<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, what: &str) -> bool {
        let there = self.rest().starts_with(what);
        if there {
            self.at += what.len();
        }
        there
    }

    fn expect(&mut self, what: &str) -> Result<(), Malformed> {
        if self.eat(what) { Ok(()) } else { Err(Malformed(self.at)) }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// What stands before `end`; goes on behind it.
    fn until(&mut self, end: &str) -> Result<Range<usize>, Malformed> {
        let length = self.rest().find(end).ok_or(Malformed(self.at))?;
        let range = self.at..self.at + length;
        self.at = range.end + end.len();
        Ok(range)
    }

    /// A comment, a processing instruction, or outside the root a document type.
    fn skip_aside(&mut self, outside: bool) -> Result<bool, Malformed> {
        let end = if self.eat("<!--") {
            "-->"
        } else if self.eat("<?") {
            "?>"
        } else if outside && self.eat("<!DOCTYPE") {
            // With an internal subset entities could be defined, and a text would say something else.
            let range = self.until(">")?;
            let plain = !self.text.get(range.clone()).unwrap_or_default().contains('[');
            self.comments.push(range.clone());
            return if plain { Ok(true) } else { Err(Malformed(range.start)) };
        } else {
            return Ok(false);
        };
        let range = self.until(end)?;
        self.comments.push(range);
        Ok(true)
    }

    fn end(mut self, root: Element<'a>) -> Result<Document<'a>, Malformed> {
        loop {
            self.skip_space();
            if !self.skip_aside(false)? {
                break;
            }
        }
        if !self.rest().is_empty() {
            return Err(Malformed(self.at));
        }
        Ok(Document {
            root,
            comments: self.comments,
        })
    }

    fn name(&mut self) -> Result<&'a str, Malformed> {
        let rest = self.rest();
        let length = rest
            .find(|character: char| character.is_whitespace() || "/>=<\"'&".contains(character))
            .unwrap_or(rest.len());
        if length == 0 {
            return Err(Malformed(self.at));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// A start tag, and whether it is an element without content.
    fn start_tag(&mut self) -> Result<(Element<'a>, bool), Malformed> {
        let start = self.at;
        self.expect("<")?;
        let mut element = Element {
            name: self.name()?,
            attributes: Vec::new(),
            children: Vec::new(),
            text: None,
            mixed: Vec::new(),
            start,
            content: 0,
        };
        loop {
            self.skip_space();
            let empty = self.eat("/>");
            if empty || self.eat(">") {
                element.content = self.at;
                return Ok((element, empty));
            }
            let name = self.name()?;
            self.skip_space();
            self.expect("=")?;
            self.skip_space();
            let quote = if self.eat("\"") {
                "\""
            } else {
                self.expect("'")?;
                "'"
            };
            let range = self.until(quote)?;
            let text = unescaped(self.text, range.clone())?;
            element.attributes.push(Attribute { name, range, text });
        }
    }

    /// The text up to the next tag, comment or CDATA section; a section with its brackets.
    fn characters(&mut self, open: &mut [Element<'a>]) -> Result<(), Malformed> {
        let Some(element) = open.last_mut() else { return Ok(()) };
        loop {
            let start = self.at;
            if self.eat("<![CDATA[") {
                let range = self.until("]]>")?;
                let text = self.text.get(range).unwrap_or_default();
                element.mixed.push((start..self.at, Cow::Borrowed(text)));
                continue;
            }
            let length = self.rest().find('<').ok_or(Malformed(self.at))?;
            if length == 0 {
                return Ok(());
            }
            self.at += length;
            element.mixed.push((start..self.at, unescaped(self.text, start..self.at)?));
        }
    }
}

/// A text without entities and character references, and with one kind of line end.
fn unescaped(text: &str, range: Range<usize>) -> Result<Cow<'_, str>, Malformed> {
    let start = range.start;
    let text = text.get(range).ok_or(Malformed(start))?;
    if !text.contains(['&', '\r']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\r']) {
        out.push_str(&rest[..at]);
        if rest.as_bytes().get(at) == Some(&b'\r') {
            out.push('\n');
            rest = rest[at + 1..].strip_prefix('\n').unwrap_or(&rest[at + 1..]);
            continue;
        }
        let malformed = || Malformed(start + text.len() - rest.len() + at);
        let (name, behind) = rest[at + 1..].split_once(';').ok_or_else(malformed)?;
        out.push(entity(name).ok_or_else(malformed)?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}
