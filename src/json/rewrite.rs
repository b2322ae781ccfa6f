//! JSON rewritten token by token: spaced for machines or for people, edited at given places.
//!
//! Nothing here ever changes a lexeme that it was not asked to change: the order of members,
//! duplicate keys, the spelling of numbers and escapes all survive. What a value means is left to
//! the callers.

use super::lexer::{self, Lexer, Malformed, Token};
use crate::pointer;
use std::collections::HashMap;
use std::fmt::Write as _;

/// How wide a line may get before an array of scalars is broken into one line an item.
const LINE_WIDTH: usize = 100;

/// Which string or value of a pointer is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The value that the pointer leads to.
    Value,
    /// The key of the member that the pointer leads to.
    Key,
}

/// A new lexeme for one place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// RFC 6901 pointer from the root of the document, in the keys as they are before any edit.
    pub pointer: String,
    /// The value there, or its key.
    pub place: Place,
    /// What stands there afterwards, as JSON text. See [`string`] for strings.
    pub lexeme: String,
}

/// Where a string stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringPlace<'a> {
    /// RFC 6901 pointer from the root of the document.
    pub pointer: &'a str,
    /// Whether the string is the value there, or its key.
    pub place: Place,
}

/// The document without insignificant white space.
pub fn compact(text: &str) -> Result<String, Malformed> {
    let mut lexer = Lexer::new(text);
    let first = lexer.next()?;
    let mut out = String::with_capacity(text.len());
    compact_value(&mut lexer, first, &mut out)?;
    lexer.next()?;
    Ok(out)
}

/// Appends the value that `first` begins to `out`, without insignificant white space, and leaves
/// the lexer just behind it.
pub fn compact_value<'a>(lexer: &mut Lexer<'a>, first: Token<'a>, out: &mut String) -> Result<(), Malformed> {
    let mut token = first;
    let mut depth = 0usize;
    let mut comma_due = false;
    loop {
        let closes = matches!(token, Token::ObjectEnd | Token::ArrayEnd);
        if comma_due && !closes {
            out.push(',');
        }
        out.push_str(&lexer.text()[lexer.token_start()..lexer.token_end()]);
        comma_due = true;
        match token {
            Token::ObjectStart | Token::ArrayStart => {
                depth += 1;
                comma_due = false;
            }
            Token::Key(_) => {
                out.push(':');
                comma_due = false;
            }
            _ => depth -= usize::from(closes),
        }
        if depth == 0 {
            return Ok(());
        }
        token = lexer.next()?;
    }
}

/// The document spaced for people: two spaces a level, `{}` and `[]` for empty containers, and an
/// array of nothing but scalars on one line where it fits into about a hundred columns. `indent`
/// is the column at which the line of the value begins; the first line itself is not indented.
/// No newline follows.
pub fn respace(text: &str, indent: usize) -> Result<String, Malformed> {
    let mut lexer = Lexer::new(text);
    let mut spacer = Spacer {
        out: String::with_capacity(text.len() + text.len() / 2),
        line_start: 0,
        indent,
        level: 0,
        comma_due: false,
        behind_key: true,
        waiting: None,
    };
    loop {
        match lexer.next()? {
            Token::End => return Ok(spacer.out),
            token => spacer.token(token, &text[lexer.token_start()..lexer.token_end()]),
        }
    }
}

struct Spacer<'a> {
    out: String,
    line_start: usize,
    indent: usize,
    level: usize,
    comma_due: bool,
    /// What comes next stays on this line: it is the value of a key, or the document itself.
    behind_key: bool,
    /// The scalars so far of an array that may yet fit on one line; its `[` is written.
    waiting: Option<Vec<&'a str>>,
}

impl<'a> Spacer<'a> {
    fn token(&mut self, token: Token<'a>, lexeme: &'a str) {
        match token {
            Token::ObjectStart | Token::ArrayStart => {
                self.settle();
                self.item(lexeme);
                self.level += 1;
                self.comma_due = false;
                self.waiting = (token == Token::ArrayStart).then(Vec::new);
            }
            Token::ArrayEnd if self.ends_on_this_line() => self.close_on_this_line(),
            Token::ObjectEnd | Token::ArrayEnd => {
                self.settle();
                self.level -= 1;
                if self.comma_due {
                    self.new_line();
                }
                self.out.push_str(lexeme);
                self.comma_due = true;
            }
            Token::Key(_) => {
                self.item(lexeme);
                self.out.push_str(": ");
                self.behind_key = true;
            }
            _ => match &mut self.waiting {
                Some(scalars) => scalars.push(lexeme),
                None => self.item(lexeme),
            },
        }
    }

    /// Writes the scalars that wait, one a line.
    fn settle(&mut self) {
        for scalar in self.waiting.take().unwrap_or_default() {
            self.item(scalar);
        }
    }

    fn item(&mut self, lexeme: &str) {
        if !std::mem::take(&mut self.behind_key) {
            if self.comma_due {
                self.out.push(',');
            }
            self.new_line();
        }
        self.out.push_str(lexeme);
        self.comma_due = true;
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.line_start = self.out.len();
        let spaces = self.indent + 2 * self.level;
        self.out.extend(std::iter::repeat_n(' ', spaces));
    }

    fn ends_on_this_line(&self) -> bool {
        let Some(scalars) = &self.waiting else { return false };
        let first_line = if self.line_start == 0 { self.indent } else { 0 };
        let mut width = first_line + self.out[self.line_start..].chars().count() + 1;
        for scalar in scalars {
            width += scalar.chars().count() + 2;
            if width > LINE_WIDTH + 2 {
                return false;
            }
        }
        true
    }

    fn close_on_this_line(&mut self) {
        for (index, scalar) in self.waiting.take().unwrap_or_default().into_iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.out.push_str(scalar);
        }
        self.out.push(']');
        self.level -= 1;
        self.comma_due = true;
    }
}

/// The document with new lexemes where the edits lead, at every occurrence of a duplicate key.
/// Everything else, white space included, stays as it is. An edit that leads nowhere does
/// nothing; of two for one place the later counts; one inside a replaced value is lost with it.
pub fn replace(text: &str, edits: &[Edit]) -> Result<String, Malformed> {
    let mut lexemes: HashMap<String, [Option<&str>; 2]> = HashMap::with_capacity(edits.len());
    for edit in edits {
        lexemes.entry(canonical(&edit.pointer)).or_default()[edit.place as usize] = Some(&edit.lexeme);
    }
    let mut walk = Walk::new(text);
    let mut copy = Copy::new(text);
    loop {
        let token = walk.next()?;
        let place = match token {
            Token::End => return Ok(copy.finish()),
            Token::ObjectEnd | Token::ArrayEnd => continue,
            Token::Key(_) => Place::Key,
            _ => Place::Value,
        };
        let Some(lexeme) = lexemes.get(&walk.pointer).and_then(|of| of[place as usize]) else {
            continue;
        };
        let start = walk.lexer.token_start();
        if place == Place::Value {
            walk.skip(token)?;
        }
        copy.put(start, walk.lexer.token_end(), lexeme);
    }
}

/// Hands every string of the document, decoded, to `change`, keys too, in the order of the text;
/// what it gives back is written in its place as a JSON string. Pointers are those of the
/// document as it was. Everything else stays as it is.
pub fn map_strings(text: &str, change: &mut dyn FnMut(StringPlace<'_>, &str) -> Option<String>) -> Result<String, Malformed> {
    map_scalars(text, &mut |place, scalar| match scalar {
        Scalar::Text(text) => change(place, text),
        Scalar::Other(_) => None,
    })
}

/// A scalar of a document, null aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'s> {
    /// A string, decoded, or a key.
    Text(&'s str),
    /// A number or a boolean, as it is written.
    Other(&'s str),
}

/// The same for every scalar; what is given back for a number or a boolean is written as it is.
pub fn map_scalars(text: &str, change: &mut dyn FnMut(StringPlace<'_>, Scalar<'_>) -> Option<String>) -> Result<String, Malformed> {
    let mut walk = Walk::new(text);
    let mut copy = Copy::new(text);
    loop {
        let token = walk.next()?;
        let (start, end) = (walk.lexer.token_start(), walk.lexer.token_end());
        let (raw, place) = match token {
            Token::End => return Ok(copy.finish()),
            Token::Key(raw) => (raw, Place::Key),
            Token::Text(raw) => (raw, Place::Value),
            Token::Number(_) | Token::Bool(_) => {
                let (pointer, place) = (walk.pointer.as_str(), Place::Value);
                if let Some(changed) = change(StringPlace { pointer, place }, Scalar::Other(&text[start..end])) {
                    copy.put(start, end, &changed);
                }
                continue;
            }
            _ => continue,
        };
        let pointer = &walk.pointer;
        if let Some(changed) = change(StringPlace { pointer, place }, Scalar::Text(&raw.decode())) {
            copy.put(start, end, &string(&changed));
        }
    }
}

/// The pointer with its escapes as [`pointer::escape_into`] writes them.
fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for token in pointer::tokens(text) {
        out.push('/');
        pointer::escape_into(&token, &mut out);
    }
    out
}

/// A copy of a text with some of its parts replaced, front to back.
struct Copy<'a> {
    text: &'a str,
    copied: usize,
    out: String,
}

impl<'a> Copy<'a> {
    fn new(text: &'a str) -> Copy<'a> {
        Copy {
            text,
            copied: 0,
            out: String::with_capacity(text.len()),
        }
    }

    fn put(&mut self, start: usize, end: usize, replacement: &str) {
        self.out.push_str(&self.text[self.copied..start]);
        self.out.push_str(replacement);
        self.copied = end;
    }

    fn finish(mut self) -> String {
        self.out.push_str(&self.text[self.copied..]);
        self.out
    }
}

/// A lexer that knows the pointer of the token it handed out last; that of a key is its value's.
struct Walk<'a> {
    lexer: Lexer<'a>,
    pointer: String,
    containers: Vec<Container>,
}

struct Container {
    /// Length of the container's own pointer.
    pointer: usize,
    /// In an array, the index of the next item.
    next: Option<usize>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Walk<'a> {
        Walk {
            lexer: Lexer::new(text),
            pointer: String::new(),
            containers: Vec::new(),
        }
    }

    fn next(&mut self) -> Result<Token<'a>, Malformed> {
        let token = self.lexer.next()?;
        match token {
            Token::ObjectEnd | Token::ArrayEnd => {
                if let Some(container) = self.containers.pop() {
                    self.pointer.truncate(container.pointer);
                }
                return Ok(token);
            }
            Token::Key(raw) => {
                if let Some(container) = self.containers.last() {
                    self.pointer.truncate(container.pointer);
                }
                self.pointer.push('/');
                pointer::escape_into(&raw.decode(), &mut self.pointer);
            }
            _ => self.step_to_item(),
        }
        if let Token::ObjectStart | Token::ArrayStart = token {
            self.containers.push(Container {
                pointer: self.pointer.len(),
                next: (token == Token::ArrayStart).then_some(0),
            });
        }
        Ok(token)
    }

    fn step_to_item(&mut self) {
        if let Some(Container {
            pointer,
            next: Some(index),
        }) = self.containers.last_mut()
        {
            self.pointer.truncate(*pointer);
            let _ = write!(self.pointer, "/{index}");
            *index += 1;
        }
    }

    /// Passes over the rest of the value that `token`, handed out last, begins.
    fn skip(&mut self, token: Token<'a>) -> Result<(), Malformed> {
        self.lexer.skip(token)?;
        if let Token::ObjectStart | Token::ArrayStart = token {
            self.containers.pop();
        }
        Ok(())
    }
}

/// A JSON string with that meaning, quotes included: only what must be escaped is, in the short
/// form where there is one (as `serde_json` writes).
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(text, &mut out);
    out
}

/// Appends what [`string`] gives.
pub fn write_string(text: &str, out: &mut String) {
    escape(text, &mut |part| out.push_str(part));
}

/// Appends what [`string`] gives.
pub fn string_into(text: &str, out: &mut Vec<u8>) {
    escape(text, &mut |part| out.extend_from_slice(part.as_bytes()));
}

fn escape(text: &str, write: &mut impl FnMut(&str)) {
    write("\"");
    let mut rest = text;
    while let Some(at) = rest.bytes().position(lexer::ends_run) {
        write(&rest[..at]);
        let byte = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0c => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            _ => {
                write(&format!("\\u{byte:04x}"));
                continue;
            }
        };
        write(short);
    }
    write(rest);
    write("\"");
}

#[cfg(test)]
mod tests;
