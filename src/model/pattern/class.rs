//! Character classes and escapes of AWS's pattern dialect.

use super::translate::{Cursor, Refusal, invalid};
use std::fmt::Write;

/// One thing that a class lists, or an escape means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Atom {
    Char(char),
    /// Half of a surrogate pair, alone.
    Surrogate(u32),
    /// The inside of a class in Rust's syntax, and whether everything else is meant.
    Set(String, bool),
}

/// A character class.
#[derive(Debug, Default)]
pub struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
    /// What stands beside the ranges, in Rust's syntax.
    sets: String,
    /// Java's `[…&&[…]]`.
    within: Vec<Class>,
    /// Surrogates are listed: what lies outside the Basic Multilingual Plane is meant.
    surrogates: bool,
}

/// Java nests classes for intersection; nothing real goes deeper than one level.
const MAX_NESTING: usize = 8;

/// A pair of classes for the two halves of a surrogate pair.
const PAIR_OF_CLASSES: &str = r"\uD800-\uDBFF][\uDC00-\uDFFF]";

/// Reads a class whose `[` has been taken.
pub fn parse(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Class, Refusal> {
    let mut class = Class::default();
    if cursor.take(PAIR_OF_CLASSES) {
        class.surrogates = true;
        return Ok(class);
    }
    class.negated = cursor.take("^");
    // Java, like Perl, takes a `]` in the first place literally; ECMA's empty class matches nothing.
    if cursor.peek(0) == Some(']') && cursor.rest().iter().skip(1).any(|&character| character == ']') {
        cursor.skip(1);
        class.ranges.push((']', ']'));
    }
    loop {
        if nesting < MAX_NESTING && cursor.take("&&[") {
            class.within.push(parse(cursor, nesting + 1)?);
            continue;
        }
        let first = match cursor.next() {
            None => return Err(invalid("a class without its `]`")),
            Some(']') => return Ok(class),
            Some(character) => atom(cursor, character)?,
        };
        // ECMA-262 Annex B: a dash beside a class escape, or at an end, is a dash.
        if cursor.peek(0) != Some('-') || matches!(cursor.peek(1), None | Some(']')) {
            class.add(first);
            continue;
        }
        cursor.skip(1);
        let last = cursor.next().ok_or_else(|| invalid("a class without its `]`"))?;
        let last = atom(cursor, last)?;
        class.range(first, last)?;
    }
}

fn atom(cursor: &mut Cursor<'_>, character: char) -> Result<Atom, Refusal> {
    match character {
        '\\' if cursor.take("b") => Ok(Atom::Char('\u{8}')),
        '\\' => escape(cursor),
        other => Ok(Atom::Char(other)),
    }
}

impl Class {
    /// The class of one atom.
    pub fn of(atom: Atom) -> Class {
        let mut class = Class::default();
        class.add(atom);
        class
    }

    fn add(&mut self, atom: Atom) {
        match atom {
            Atom::Char(character) => self.ranges.push((character, character)),
            Atom::Surrogate(_) => self.surrogates = true,
            Atom::Set(inside, false) => self.sets.push_str(&inside),
            Atom::Set(inside, true) => {
                let _ = write!(self.sets, "[^{inside}]");
            }
        }
    }

    fn range(&mut self, first: Atom, last: Atom) -> Result<(), Refusal> {
        // Where an end is half a surrogate pair, the range ends at that side of the gap.
        let (low, high) = match (first, last) {
            (Atom::Char(low), Atom::Char(high)) => (low, high),
            (Atom::Char(low), Atom::Surrogate(_)) => {
                self.surrogates = true;
                (low, '\u{d7ff}')
            }
            (Atom::Surrogate(_), Atom::Char(high)) => {
                self.surrogates = true;
                ('\u{e000}', high)
            }
            (first, last) => {
                if !matches!((&first, &last), (Atom::Surrogate(_), Atom::Surrogate(_))) {
                    self.add(Atom::Char('-'));
                }
                self.add(first);
                self.add(last);
                return Ok(());
            }
        };
        if low > high {
            return Err(invalid(format!("a range from `{low}` down to `{high}`")));
        }
        self.ranges.push((low, high));
        Ok(())
    }

    /// Writes it in Rust's syntax.
    pub fn write(&self, ignore_case: bool, out: &mut String) {
        let inside = self.inside(ignore_case);
        if inside.is_empty() && self.within.is_empty() {
            // `[^]` is everything, `[]` is nothing.
            out.push_str(if self.negated {
                r"[\x{0}-\x{10FFFF}]"
            } else {
                r"[^\x{0}-\x{10FFFF}]"
            });
            return;
        }
        out.push_str(if self.negated { "[^" } else { "[" });
        out.push_str(&inside);
        for class in &self.within {
            out.push_str("&&");
            class.write(ignore_case, out);
        }
        out.push(']');
    }

    fn inside(&self, ignore_case: bool) -> String {
        let mut inside = self.sets.clone();
        for &(low, high) in &self.ranges {
            push_range(low, high, &mut inside);
            if ignore_case {
                push_other_case(low, high, ('a', 'z'), &mut inside);
                push_other_case(low, high, ('A', 'Z'), &mut inside);
            }
        }
        // Text has no halves of pairs: listing them can only mean whole pairs, and excluding them nothing.
        if self.surrogates && !self.negated {
            push_range('\u{10000}', char::MAX, &mut inside);
        }
        inside
    }
}

fn push_range(low: char, high: char, out: &mut String) {
    push_char(low, out);
    if low != high {
        out.push('-');
        push_char(high, out);
    }
}

fn push_char(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() {
        out.push(character);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(character));
    }
}

/// Adds the letters of a range in their other case.
fn push_other_case(low: char, high: char, letters: (char, char), out: &mut String) {
    let (low, high) = (low.max(letters.0), high.min(letters.1));
    if low <= high {
        let swap = |letter: char| char::from((letter as u8) ^ 0x20);
        push_range(swap(low), swap(high), out);
    }
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0B\x0C\r\x20";
const BLANK: &str = r"\t\x20\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";

/// Reads an escape, whose `\` has been taken, that stands for a character or a set of them.
pub fn escape(cursor: &mut Cursor<'_>) -> Result<Atom, Refusal> {
    let letter = cursor.next().ok_or_else(|| invalid("a `\\` at the end"))?;
    let set = |inside: &str, negated| Ok(Atom::Set(inside.to_owned(), negated));
    let character = match letter {
        'd' | 'D' => return set(DIGIT, letter == 'D'),
        'w' | 'W' => return set(WORD, letter == 'W'),
        's' | 'S' => return set(SPACE, letter == 'S'),
        'h' | 'H' => return set(BLANK, letter == 'H'),
        'p' | 'P' => return property(cursor, letter == 'P'),
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        'e' => '\u{1b}',
        'c' => match cursor.peek(0) {
            Some(control) if control.is_ascii_alphabetic() => {
                cursor.skip(1);
                char::from(control as u8 & 0x1f)
            }
            _ => return Ok(Atom::Char('c')),
        },
        'x' => return code_point(cursor, 'x', 2),
        'u' => return code_unit(cursor),
        '0'..='7' => char::from_u32(cursor.octal(letter)).unwrap_or('\0'),
        other => other,
    };
    Ok(Atom::Char(character))
}

/// `\x41`, `\x{1F600}`, `\u{1F600}`; else the letter itself.
fn code_point(cursor: &mut Cursor<'_>, letter: char, digits: usize) -> Result<Atom, Refusal> {
    let code = if cursor.peek(0) == Some('{') && cursor.peek(1).is_some_and(|digit| digit.is_ascii_hexdigit()) {
        cursor.skip(1);
        let text = cursor.until('}').unwrap_or_default();
        Some(u32::from_str_radix(&text, 16).map_err(|_| invalid(format!("`\\{letter}{{{text}}}` is no character")))?)
    } else {
        cursor.hexadecimal(digits)
    };
    match code {
        None => Ok(Atom::Char(letter)),
        Some(code @ 0xd800..0xe000) => Ok(Atom::Surrogate(code)),
        Some(code) => char::from_u32(code)
            .map(Atom::Char)
            .ok_or_else(|| invalid(format!("`{code:X}` is no character"))),
    }
}

/// `\u00E9`, or a surrogate pair of two escapes.
fn code_unit(cursor: &mut Cursor<'_>) -> Result<Atom, Refusal> {
    let first = code_point(cursor, 'u', 4)?;
    let Atom::Surrogate(high @ 0xd800..0xdc00) = first else {
        return Ok(first);
    };
    let low = match cursor.rest() {
        ['\\', 'u', digits @ ..] => {
            let digits: String = digits.iter().take(4).collect();
            u32::from_str_radix(&digits, 16).ok()
        }
        _ => None,
    };
    match low {
        Some(low @ 0xdc00..0xe000) => {
            cursor.skip(6);
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            Ok(char::from_u32(code).map_or(first, Atom::Char))
        }
        _ => Ok(first),
    }
}

/// `{Alpha}` or `L`, behind `\p`. Java's POSIX names are ASCII.
fn property(cursor: &mut Cursor<'_>, negated: bool) -> Result<Atom, Refusal> {
    let name = match cursor.next() {
        Some('{') => cursor.until('}').ok_or_else(|| invalid("a property without its `}`"))?,
        Some(letter) => letter.to_string(),
        None => return Err(invalid("a `\\p` at the end")),
    };
    let inside = match name.as_str() {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7F",
        "Alpha" => "A-Za-z",
        "Digit" => DIGIT,
        "Alnum" => "0-9A-Za-z",
        "Punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
        "Graph" => r"\x21-\x7E",
        "Print" => r"\x20-\x7E",
        "Blank" => r"\t\x20",
        "Cntrl" => r"\x00-\x1F\x7F",
        "XDigit" => "0-9A-Fa-f",
        "Space" => SPACE,
        "LD" => r"\p{L}\p{Nd}",
        "L1" => r"\x00-\x{FF}",
        "all" | "ALL" => r"\x{0}-\x{10FFFF}",
        "javaLowerCase" => r"\p{Lowercase}",
        "javaUpperCase" => r"\p{Uppercase}",
        "javaWhitespace" => r"\p{White_Space}",
        other => return unicode_property(other, negated),
    };
    Ok(Atom::Set(inside.to_owned(), negated))
}

fn unicode_property(name: &str, negated: bool) -> Result<Atom, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'-' | b' ');
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(invalid(format!("an unknown property `{name}`")));
    }
    let bare = name.strip_prefix("Is").filter(|rest| !rest.is_empty()).unwrap_or(name);
    Ok(Atom::Set(format!("\\p{{{bare}}}"), negated))
}
