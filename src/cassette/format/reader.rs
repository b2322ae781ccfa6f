//! Reading the cassette's own structure: typed values with the place in every refusal, and no key
//! twice.

use super::error::{FormatError, Position};
use crate::cassette::Unknown;
use crate::json::lexer::{Lexer, Malformed, Token};
use crate::json::rewrite;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Gives the content of a large body by its name, `sha256-…`.
pub(super) type Blobs<'a> = &'a dyn Fn(&str) -> io::Result<Vec<u8>>;

pub(super) type Read<T> = Result<T, FormatError>;

/// The bytes of the file `source` as text.
pub(super) fn as_text<'a>(bytes: &'a [u8], source: &Path) -> Read<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("");
        let position = Position::of(source.to_owned(), valid, valid.len());
        match error.error_len() {
            Some(_) => FormatError::NotJson {
                position,
                what: "a byte that is not UTF-8".to_owned(),
            },
            None => FormatError::CutShort {
                position,
                what: "it ends within a character".to_owned(),
            },
        }
    })
}

/// What was found, for a message: short enough for a line.
pub(super) fn shortened(lexeme: &str) -> String {
    const LONGEST: usize = 40;
    match lexeme.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("`{}…`", &lexeme[..at]),
        None => format!("`{lexeme}`"),
    }
}

pub(super) struct Reader<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) source: &'a Path,
    pub(super) blobs: Blobs<'a>,
    /// A token that was looked at and not yet taken.
    peeked: Option<Token<'a>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, source: &'a Path, blobs: Blobs<'a>) -> Reader<'a> {
        Reader {
            lexer: Lexer::new(text),
            source,
            blobs,
            peeked: None,
        }
    }

    pub(super) fn next(&mut self) -> Read<Token<'a>> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.next().map_err(|error| self.malformed(error)),
        }
    }

    /// The text of the value that `token`, taken last, begins.
    pub(super) fn skip(&mut self, token: Token<'a>) -> Read<&'a str> {
        self.lexer.skip(token).map_err(|error| self.malformed(error))
    }

    /// Checks that nothing follows the document.
    pub(super) fn end(&mut self) -> Read<()> {
        self.next().map(drop)
    }

    pub(super) fn expect(&mut self, wanted: Token<'static>, expected: &str) -> Read<()> {
        match self.next()? {
            token if token == wanted => Ok(()),
            token => Err(self.wrong(token, expected)),
        }
    }

    pub(super) fn expect_key(&mut self, wanted: &str) -> Read<()> {
        match self.next()? {
            Token::Key(raw) if raw.decode() == wanted => Ok(()),
            token => Err(self.wrong(token, &format!("`{wanted}`"))),
        }
    }

    /// Reads an object. `member` takes the value of a key that it knows, or says `false`; then the
    /// member is kept in `unknown`, as standing within the object at the pointer `place`. Gives
    /// the offset of the object.
    pub(super) fn object(
        &mut self,
        expected: &str,
        within: &'static str,
        place: &str,
        unknown: &mut Unknown,
        mut member: impl FnMut(&mut Self, &str) -> Read<bool>,
    ) -> Read<usize> {
        self.expect(Token::ObjectStart, expected)?;
        let start = self.lexer.token_start();
        let mut seen: BTreeSet<Cow<'a, str>> = BTreeSet::new();
        while let Token::Key(raw) = self.next()? {
            let name = raw.decode();
            if seen.contains(&name) {
                return Err(FormatError::Duplicate {
                    position: self.position(self.lexer.token_start()),
                    within,
                    name: name.into_owned(),
                });
            }
            let lexeme = &self.lexer.text()[self.lexer.token_start()..self.lexer.token_end()];
            if !member(self, &name)? {
                unknown.keep(place, lexeme.to_owned(), self.compact()?);
            }
            seen.insert(name);
        }
        Ok(start)
    }

    /// Reads an array; `item` takes one whole item.
    pub(super) fn array(&mut self, expected: &str, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.expect(Token::ArrayStart, expected)?;
        loop {
            match self.next()? {
                Token::ArrayEnd => return Ok(()),
                token => self.peeked = Some(token),
            }
            item(self)?;
        }
    }

    pub(super) fn string(&mut self, expected: &str) -> Read<String> {
        match self.next()? {
            Token::Text(raw) => Ok(raw.decode().into_owned()),
            token => Err(self.wrong(token, expected)),
        }
    }

    pub(super) fn strings(&mut self, what: &str) -> Read<Vec<String>> {
        let mut strings = Vec::new();
        self.array(&format!("an array of {what}"), |reader| {
            strings.push(reader.string(&format!("one of the {what} (a string)"))?);
            Ok(())
        })?;
        Ok(strings)
    }

    /// A string with a meaning.
    pub(super) fn parsed<T>(&mut self, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
        let text = match self.next()? {
            Token::Text(raw) => raw.decode(),
            token => return Err(self.wrong(token, expected)),
        };
        parse(&text).ok_or_else(|| self.unexpected(expected, &shortened(&text)))
    }

    /// A number with a meaning.
    pub(super) fn number<T>(&mut self, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
        match self.next()? {
            Token::Number(lexeme) => parse(lexeme).ok_or_else(|| match self.lexer.token_end() == self.lexer.text().len() {
                true => self.cut_short(self.lexer.token_start(), "it ends within a number"),
                false => self.unexpected(expected, &shortened(lexeme)),
            }),
            token => Err(self.wrong(token, expected)),
        }
    }

    pub(super) fn base64(&mut self) -> Read<Vec<u8>> {
        self.parsed("bytes in base64", |text| BASE64.decode(text).ok())
    }

    /// Any value, without insignificant white space.
    pub(super) fn compact(&mut self) -> Read<String> {
        let token = self.next()?;
        let mut out = String::with_capacity(512);
        match rewrite::compact_value(&mut self.lexer, token, &mut out) {
            Ok(()) => Ok(out),
            Err(error) => Err(self.malformed(error)),
        }
    }

    /// The member, or the error that it is missing in the object at `start`.
    pub(super) fn present<T>(
        &self,
        member: Option<T>,
        start: usize,
        within: &'static str,
        name: &'static str,
        expected: &'static str,
    ) -> Read<T> {
        member.ok_or_else(|| FormatError::Missing {
            position: self.position(start),
            within,
            name,
            expected,
        })
    }

    /// The token taken last is of the wrong kind.
    pub(super) fn wrong(&self, token: Token<'a>, expected: &str) -> FormatError {
        match token {
            Token::ObjectStart => self.unexpected(expected, "an object"),
            Token::ArrayStart => self.unexpected(expected, "an array"),
            Token::Text(_) => self.unexpected(expected, "a string"),
            Token::ObjectEnd | Token::ArrayEnd | Token::End => self.unexpected(expected, "the end"),
            Token::Key(_) | Token::Number(_) | Token::Bool(_) | Token::Null => {
                let lexeme = &self.lexer.text()[self.lexer.token_start()..self.lexer.token_end()];
                self.unexpected(expected, &shortened(lexeme))
            }
        }
    }

    /// Something else than expected at the token taken last.
    pub(super) fn unexpected(&self, expected: &str, found: &str) -> FormatError {
        FormatError::Unexpected {
            position: self.position(self.lexer.token_start()),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        Position::of(self.source.to_owned(), self.lexer.text(), offset)
    }

    fn malformed(&self, error: Malformed) -> FormatError {
        let text = self.lexer.text();
        if text.trim_ascii().is_empty() {
            return self.cut_short(error.offset, "the file is empty");
        }
        if ends_too_early(text.get(error.offset..).unwrap_or("")) {
            return self.cut_short(error.offset, "the document ends in the middle");
        }
        FormatError::NotJson {
            position: self.position(error.offset),
            what: error.what,
        }
    }

    fn cut_short(&self, offset: usize, what: &str) -> FormatError {
        FormatError::CutShort {
            position: self.position(offset),
            what: what.to_owned(),
        }
    }
}

/// Whether the text from where the lexer gave up is the beginning of something valid, and is only
/// not there to its end.
fn ends_too_early(rest: &str) -> bool {
    let in_escape = rest.starts_with('\\') && rest.len() < 6 && rest.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit());
    let in_number = rest
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
    let in_word = ["true", "false", "null"].iter().any(|word| word.starts_with(rest));
    rest.trim_ascii().is_empty() || unclosed_string(rest) || in_escape || in_number || in_word
}

fn unclosed_string(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    if bytes.next() != Some(b'"') {
        return false;
    }
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return false,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    true
}
