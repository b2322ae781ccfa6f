//! A strict pull lexer for JSON (RFC 8259) that hands out the lexemes as they were written.

use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may nest. Nothing that AWS models comes near; it bounds recursion
/// in everything that walks a document.
pub const MAX_DEPTH: usize = 512;

/// Why and where a text is not JSON.
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
        write!(
            formatter,
            "{} at byte {} (line {}, column {})",
            self.what, self.offset, self.line, self.column
        )
    }
}

impl std::error::Error for Malformed {}

impl Malformed {
    fn new(text: &str, offset: usize, what: impl Into<String>) -> Malformed {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Malformed {
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: what.into(),
        }
    }
}

/// A string as it was written, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The characters between the quotes, escapes included.
    pub text: &'a str,
    escaped: bool,
}

impl<'a> Raw<'a> {
    /// The string that is meant. A surrogate without its partner becomes U+FFFD: it is valid
    /// JSON, but no text.
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.text))
        } else {
            Cow::Borrowed(self.text)
        }
    }
}

/// One token. Commas and colons are checked, and not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// A member name of an object.
    Key(Raw<'a>),
    /// A string value.
    Text(Raw<'a>),
    /// A number as it was written.
    Number(&'a str),
    Bool(bool),
    Null,
    /// The document is complete, and nothing but white space follows.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    /// Just behind `[`.
    FirstItem,
    /// Just behind `{`.
    FirstKey,
    /// Behind a comma in an object.
    Key,
    /// Behind a key.
    Colon,
    /// Behind a value: a comma or the end of the container.
    Separator,
    /// Behind a whole document.
    End,
}

/// The lexer. Call [`Lexer::next`] until it gives [`Token::End`].
pub struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    start: usize,
    comma: usize,
    expect: Expect,
    /// One bit a level: set for an object.
    levels: [u64; MAX_DEPTH / 64],
    depth: usize,
}

/// The bytes that end a run of plain characters inside a string: quote, backslash, controls.
static ENDS_RUN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        ends[byte] = true;
        byte += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

/// Whether a byte inside a string is, or must be, escaped or ends it.
pub fn ends_run(byte: u8) -> bool {
    ENDS_RUN[usize::from(byte)]
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of a document.
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            text,
            bytes: text.as_bytes(),
            at: 0,
            start: 0,
            comma: 0,
            expect: Expect::Value,
            levels: [0; MAX_DEPTH / 64],
            depth: 0,
        }
    }

    /// Starts at the beginning of a document in bytes; fails where they are not UTF-8.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Lexer<'a>, Malformed> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Lexer::new(text)),
            Err(error) => {
                let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("");
                Err(Malformed::new(valid, valid.len(), "invalid UTF-8"))
            }
        }
    }

    /// Offset of the first byte of the token handed out last (a string's opening quote).
    pub fn token_start(&self) -> usize {
        self.start
    }

    /// Offset just behind the token handed out last.
    pub fn token_end(&self) -> usize {
        self.at
    }

    /// The whole document.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The next token.
    #[allow(clippy::should_implement_trait)] // it is fallible and ends with a token, not with None
    pub fn next(&mut self) -> Result<Token<'a>, Malformed> {
        loop {
            self.skip_white_space();
            self.start = self.at;
            let Some(&byte) = self.bytes.get(self.at) else {
                return if self.expect == Expect::End {
                    Ok(Token::End)
                } else {
                    Err(self.unexpected_end())
                };
            };
            match self.expect {
                Expect::Value | Expect::FirstItem => {
                    if byte == b']' && self.expect == Expect::FirstItem {
                        return Ok(self.close(Token::ArrayEnd));
                    }
                    if byte == b']' && self.comma != 0 && self.inside_array() {
                        return Err(Malformed::new(self.text, self.comma - 1, "trailing comma before `]`"));
                    }
                    return self.value(byte);
                }
                Expect::FirstKey | Expect::Key => match byte {
                    b'"' => {
                        let raw = self.string()?;
                        self.expect = Expect::Colon;
                        return Ok(Token::Key(raw));
                    }
                    b'}' if self.expect == Expect::FirstKey => return Ok(self.close(Token::ObjectEnd)),
                    b'}' => return Err(Malformed::new(self.text, self.comma - 1, "trailing comma before `}`")),
                    _ => return Err(self.unexpected("a member name in double quotes")),
                },
                Expect::Colon => {
                    if byte != b':' {
                        return Err(self.unexpected("`:`"));
                    }
                    self.at += 1;
                    self.comma = 0;
                    self.expect = Expect::Value;
                }
                Expect::Separator => match (byte, self.inside_array()) {
                    (b',', array) => {
                        self.at += 1;
                        self.comma = self.at;
                        self.expect = if array { Expect::Value } else { Expect::Key };
                    }
                    (b']', true) => return Ok(self.close(Token::ArrayEnd)),
                    (b'}', false) => return Ok(self.close(Token::ObjectEnd)),
                    (_, true) => return Err(self.unexpected("`,` or `]`")),
                    (_, false) => return Err(self.unexpected("`,` or `}`")),
                },
                Expect::End => return Err(self.unexpected("the end of the document")),
            }
        }
    }

    /// Passes over the value that `token` begins, and gives its whole text.
    pub fn skip(&mut self, token: Token<'a>) -> Result<&'a str, Malformed> {
        let start = self.start;
        let mut depth = 0usize;
        let mut token = token;
        loop {
            match token {
                Token::ObjectStart | Token::ArrayStart => depth += 1,
                Token::ObjectEnd | Token::ArrayEnd => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(&self.text[start..self.at]);
            }
            token = self.next()?;
        }
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn inside_array(&self) -> bool {
        self.depth > 0 && self.levels[(self.depth - 1) / 64] >> ((self.depth - 1) % 64) & 1 == 0
    }

    fn open(&mut self, object: bool) -> Result<(), Malformed> {
        if self.depth == MAX_DEPTH {
            return Err(Malformed::new(
                self.text,
                self.at,
                format!("more than {MAX_DEPTH} levels of nesting"),
            ));
        }
        let (word, bit) = (self.depth / 64, self.depth % 64);
        self.levels[word] = self.levels[word] & !(1 << bit) | u64::from(object) << bit;
        self.depth += 1;
        self.at += 1;
        self.comma = 0;
        self.expect = if object { Expect::FirstKey } else { Expect::FirstItem };
        Ok(())
    }

    fn close(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        self.depth -= 1;
        self.behind_value();
        token
    }

    fn behind_value(&mut self) {
        self.expect = if self.depth == 0 { Expect::End } else { Expect::Separator };
    }

    fn value(&mut self, byte: u8) -> Result<Token<'a>, Malformed> {
        let token = match byte {
            b'{' => return self.open(true).map(|()| Token::ObjectStart),
            b'[' => return self.open(false).map(|()| Token::ArrayStart),
            b'"' => Token::Text(self.string()?),
            b'-' | b'0'..=b'9' => Token::Number(self.number()?),
            b't' => self.word("true", Token::Bool(true))?,
            b'f' => self.word("false", Token::Bool(false))?,
            b'n' => self.word("null", Token::Null)?,
            _ => return Err(self.unexpected("a value")),
        };
        self.behind_value();
        Ok(token)
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(token)
    }

    fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        let begin = self.at + 1;
        let mut at = begin;
        let mut escaped = false;
        loop {
            at += self.bytes[at..]
                .iter()
                .position(|byte| ends_run(*byte))
                .unwrap_or(self.bytes.len() - at);
            match self.bytes.get(at) {
                None => return Err(Malformed::new(self.text, self.at, "a string without its closing quote")),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = self.escape(at)?;
                }
                Some(_) => {
                    return Err(Malformed::new(
                        self.text,
                        at,
                        "a control character inside a string (it must be escaped)",
                    ));
                }
            }
        }
        self.at = at + 1;
        Ok(Raw {
            text: &self.text[begin..at],
            escaped,
        })
    }

    fn escape(&self, at: usize) -> Result<usize, Malformed> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u')
                if self
                    .bytes
                    .get(at + 2..at + 6)
                    .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
            {
                Ok(at + 6)
            }
            _ => Err(Malformed::new(self.text, at, "an escape that JSON does not have")),
        }
    }

    fn number(&mut self) -> Result<&'a str, Malformed> {
        let begin = self.at;
        let mut at = begin + usize::from(self.bytes[begin] == b'-');
        let digits = |mut at: usize| {
            let from = at;
            while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            (at > from).then_some(at)
        };
        let bad = |at| Err(Malformed::new(self.text, at, "a number that JSON does not allow"));
        let integer = at;
        match digits(at) {
            Some(end) if self.bytes[integer] == b'0' && end > integer + 1 => return bad(integer),
            Some(end) => at = end,
            None => return bad(begin),
        }
        if self.bytes.get(at) == Some(&b'.') {
            match digits(at + 1) {
                Some(end) => at = end,
                None => return bad(begin),
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(at) {
            let sign = usize::from(matches!(self.bytes.get(at + 1), Some(b'+' | b'-')));
            match digits(at + 1 + sign) {
                Some(end) => at = end,
                None => return bad(begin),
            }
        }
        self.at = at;
        Ok(&self.text[begin..at])
    }

    fn unexpected(&self, wanted: &str) -> Malformed {
        let found = self.text[self.at..]
            .chars()
            .next()
            .map_or_else(|| "the end".to_owned(), |character| format!("`{}`", character.escape_debug()));
        Malformed::new(self.text, self.at, format!("expected {wanted}, found {found}"))
    }

    fn unexpected_end(&self) -> Malformed {
        let what = if self.text.trim().is_empty() {
            "the body is empty"
        } else {
            "the document ends too early"
        };
        Malformed::new(self.text, self.text.len(), what)
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The gaps between escapes are mostly short: stepping beats a search made for long ones.
    while let Some(at) = rest.bytes().position(|byte| byte == b'\\') {
        out.push_str(&rest[..at]);
        let letter = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or("");
        match letter {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let (character, used) = unicode(rest);
                out.push(character);
                rest = rest.get(used..).unwrap_or("");
            }
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
    out
}

/// The character that four hexadecimal digits, or eight with a second `\u` between, mean.
fn unicode(text: &str) -> (char, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(high) = unit(0) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if (0xd800..0xdc00).contains(&high)
        && text.get(4..6) == Some("\\u")
        && let Some(low @ 0xdc00..0xe000) = unit(6)
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

#[cfg(test)]
mod tests;
