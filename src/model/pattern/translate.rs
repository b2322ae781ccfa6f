//! From the dialect of AWS's patterns to the syntax of Rust's engines.
//!
//! Smithy names ECMA-262 as the dialect, but its own tool compiles with `java.util.regex`, so real
//! models hold both: `[\w-.]` and `\p{Graph}`, `\uD83D\uDE00` and `{2}+`. Where the two disagree
//! the meaning of ECMA is taken, save where that would make no sense of what Java accepts.
//!
//! Flags are resolved here (no `(?i)` is ever written), because `\d \w \s` and letter case are
//! ASCII in both dialects and Unicode in Rust's.

use super::class::{self, Atom, Class};
use std::fmt::Write;

/// What the translation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The linear-time engine: no look-around, back-references or possessive repetition.
    Linear,
    /// The backtracking engine.
    Backtracking,
    /// Making samples: what the linear engine cannot say is left out, and the sample checked.
    Sampling,
}

/// Why there is no translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Only a backtracking engine can do this.
    NeedsBacktracking,
    /// It is no pattern.
    Invalid(String),
}

/// Translates a pattern.
///
/// # Errors
/// Where it is no pattern, or (for [`Target::Linear`]) needs another engine.
pub fn translate(source: &str, target: Target) -> Result<String, Refusal> {
    let chars: Vec<char> = source.chars().collect();
    let names = capture_names(&chars);
    let translator = Translator {
        cursor: Cursor { chars: &chars, at: 0 },
        out: String::with_capacity(source.len() * 2),
        target,
        // Services take line breaks where their published patterns have a dot: templates, policies, schemas.
        flags: Flags {
            dot_all: true,
            ..Flags::default()
        },
        groups: Vec::new(),
        names,
    };
    translator.run()
}

/// The characters of a pattern, and how far they are read.
pub struct Cursor<'a> {
    chars: &'a [char],
    at: usize,
}

impl Cursor<'_> {
    pub fn next(&mut self) -> Option<char> {
        let next = self.peek(0);
        self.at += usize::from(next.is_some());
        next
    }

    pub fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    pub fn rest(&self) -> &[char] {
        self.chars.get(self.at..).unwrap_or(&[])
    }

    pub fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Takes `text` if it comes next, letter case aside.
    pub fn take(&mut self, text: &str) -> bool {
        let length = text.chars().count();
        let same = self.rest().len() >= length && self.rest().iter().zip(text.chars()).all(|(a, b)| a.eq_ignore_ascii_case(&b));
        self.at += if same { length } else { 0 };
        same
    }

    /// Takes what lies before `end`, and `end`.
    pub fn until(&mut self, end: char) -> Option<String> {
        let length = self.rest().iter().position(|&found| found == end)?;
        let text = self.rest()[..length].iter().collect();
        self.at += length + 1;
        Some(text)
    }

    /// Takes exactly `count` hexadecimal digits.
    pub fn hexadecimal(&mut self, count: usize) -> Option<u32> {
        let digits: String = self.rest().get(..count)?.iter().collect();
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += count;
        u32::from_str_radix(&digits, 16).ok()
    }

    /// The character up to 0o377 of the octal digit `first`, already taken, and those behind it:
    /// two more, or three behind Java's leading zero.
    pub fn octal(&mut self, first: char) -> u32 {
        let mut value = first.to_digit(8).unwrap_or(0);
        for _ in 0..if value == 0 { 3 } else { 2 } {
            match self.peek(0).and_then(|digit| digit.to_digit(8)) {
                Some(digit) if value * 8 + digit <= 0o377 => value = value * 8 + digit,
                _ => break,
            }
            self.at += 1;
        }
        value
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
}

struct Group {
    /// Where its translation begins.
    start: usize,
    /// The flags to go back to.
    flags: Flags,
    /// Look-around: it takes no characters, and repeating it means nothing.
    assertion: bool,
}

/// How often.
struct Quantifier {
    text: String,
    min: u32,
    fixed: bool,
    possessive: bool,
}

struct Translator<'a> {
    cursor: Cursor<'a>,
    out: String,
    target: Target,
    flags: Flags,
    groups: Vec<Group>,
    /// One for each capturing group, in order; unnamed ones are `None`.
    names: Vec<Option<String>>,
}

const NOT_A_LINE_END: &str = r"[^\n\r\x{2028}\x{2029}]";
const ANYTHING: &str = r"[\x{0}-\x{10FFFF}]";

impl Translator<'_> {
    fn run(mut self) -> Result<String, Refusal> {
        while let Some(character) = self.cursor.next() {
            let start = self.out.len();
            match character {
                '\\' => self.escape(start)?,
                '[' => {
                    let class = class::parse(&mut self.cursor, 0)?;
                    class.write(self.flags.ignore_case, &mut self.out);
                    self.repeat(start, false)?;
                }
                '(' => self.open(start)?,
                ')' => self.close()?,
                '.' => {
                    self.out.push_str(if self.flags.dot_all { ANYTHING } else { NOT_A_LINE_END });
                    self.repeat(start, false)?;
                }
                '^' => self.assertion(start, if self.flags.multi_line { "(?m:^)" } else { "^" })?,
                '$' => {
                    self.skip_stray_count();
                    self.assertion(start, if self.flags.multi_line { "(?m:$)" } else { "$" })?;
                }
                '|' => self.out.push('|'),
                '*' | '+' | '?' => return Err(invalid(format!("nothing to repeat before `{character}`"))),
                literal => self.literal(start, literal)?,
            }
        }
        if self.groups.is_empty() {
            Ok(self.out)
        } else {
            Err(invalid("a group without its `)`"))
        }
    }

    fn literal(&mut self, start: usize, character: char) -> Result<(), Refusal> {
        push_literal(character, self.flags.ignore_case, &mut self.out);
        self.repeat(start, false)
    }

    fn assertion(&mut self, start: usize, text: &str) -> Result<(), Refusal> {
        self.out.push_str(text);
        self.repeat(start, true)
    }

    /// `^…$ {1,256}` is in published models, where a length was meant: nothing can match it.
    fn skip_stray_count(&mut self) {
        let before = self.cursor.at;
        if self.cursor.next() != Some(' ') || self.counted().is_none() {
            self.cursor.at = before;
        }
    }

    fn open(&mut self, start: usize) -> Result<(), Refusal> {
        let flags = self.flags;
        let mut assertion = false;
        if !self.cursor.take("?") {
            self.out.push('(');
        } else if let Some(text) = ["=", "!", "<=", "<!"].iter().find(|text| self.cursor.take(text)) {
            self.needs_backtracking()?;
            assertion = true;
            let _ = write!(self.out, "(?{text}");
        } else if self.cursor.take(":") {
            self.out.push_str("(?:");
        } else if self.cursor.take(">") {
            self.needs_backtracking()?;
            self.out.push_str(if self.target == Target::Backtracking { "(?>" } else { "(?:" });
        } else if self.cursor.take("<") || self.cursor.take("P<") {
            self.cursor.until('>').ok_or_else(|| invalid("a group name without its `>`"))?;
            self.out.push('(');
        } else if self.inline_flags()? {
            return Ok(());
        } else {
            self.out.push_str("(?:");
        }
        self.groups.push(Group { start, flags, assertion });
        Ok(())
    }

    /// Reads `i-s)` or `i-s:`; whether it was the first form, which holds to the end of the group.
    fn inline_flags(&mut self) -> Result<bool, Refusal> {
        let mut on = true;
        loop {
            match self.cursor.next() {
                Some('i') => self.flags.ignore_case = on,
                Some('m') => self.flags.multi_line = on,
                Some('s') => self.flags.dot_all = on,
                // Java's Unicode case, Unicode classes and Unix lines: close enough to what holds anyway.
                Some('u' | 'U' | 'd') => {}
                Some('-') => on = false,
                Some(')') => return Ok(true),
                Some(':') => return Ok(false),
                Some(other) => return Err(invalid(format!("a group that begins with `(?{other}`"))),
                None => return Err(invalid("a group without its `)`")),
            }
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let group = self.groups.pop().ok_or_else(|| invalid("a `)` without its group"))?;
        self.flags = group.flags;
        self.out.push(')');
        if group.assertion && self.target == Target::Sampling {
            self.out.truncate(group.start);
        }
        self.repeat(group.start, group.assertion)
    }

    fn needs_backtracking(&self) -> Result<(), Refusal> {
        if self.target == Target::Linear {
            Err(Refusal::NeedsBacktracking)
        } else {
            Ok(())
        }
    }

    /// Reads the quantifiers behind what was written from `start` on.
    fn repeat(&mut self, start: usize, assertion: bool) -> Result<(), Refusal> {
        let mut first = true;
        while let Some(quantifier) = self.quantifier() {
            if assertion {
                // Once is as good as many times; and no times is always possible.
                if quantifier.min == 0 {
                    self.out.truncate(start);
                }
                continue;
            }
            if self.out.len() == start {
                continue;
            }
            if !first {
                self.out.insert_str(start, "(?:");
                self.out.push(')');
            }
            first = false;
            self.out.push_str(&quantifier.text);
            // `X{2}+` never gives anything back, with or without the `+`.
            if quantifier.possessive && !quantifier.fixed {
                self.needs_backtracking()?;
                if self.target == Target::Backtracking {
                    self.out.insert_str(start, "(?>");
                    self.out.push(')');
                }
            }
        }
        Ok(())
    }

    fn quantifier(&mut self) -> Option<Quantifier> {
        let (mut text, min, fixed) = match self.cursor.peek(0)? {
            '*' => ("*".to_owned(), 0, false),
            '+' => ("+".to_owned(), 1, false),
            '?' => ("?".to_owned(), 0, false),
            '{' => {
                let (min, max) = self.counted()?;
                let text = match max {
                    Some(max) if max == min => format!("{{{min}}}"),
                    Some(max) => format!("{{{min},{max}}}"),
                    None => format!("{{{min},}}"),
                };
                (text, min, max == Some(min))
            }
            _ => return None,
        };
        if !text.starts_with('{') {
            self.cursor.skip(1);
        }
        let possessive = self.cursor.take("+");
        if !possessive && self.cursor.take("?") {
            text.push('?');
        }
        Some(Quantifier {
            text,
            min,
            fixed,
            possessive,
        })
    }

    /// Takes `{2}`, `{2,}` or `{2,3}`; anything else in braces is literal.
    fn counted(&mut self) -> Option<(u32, Option<u32>)> {
        if self.cursor.peek(0) != Some('{') {
            return None;
        }
        let length = self.cursor.rest().iter().position(|&character| character == '}')?;
        let inside: String = self.cursor.rest()[1..length].iter().collect();
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok())?;
        let counts = match inside.split_once(',') {
            None => number(&inside).map(|count| (count, Some(count))),
            Some((min, "")) => number(min).map(|min| (min, None)),
            Some((min, max)) => number(min).zip(number(max)).map(|(min, max)| (min, Some(max))),
        }?;
        self.cursor.skip(length + 1);
        Some(counts)
    }

    fn escape(&mut self, start: usize) -> Result<(), Refusal> {
        let Some(next) = self.cursor.peek(0) else {
            return Err(invalid("a `\\` at the end"));
        };
        match next {
            'b' | 'B' => {
                self.cursor.skip(1);
                self.word_boundary(start, next == 'b')
            }
            'A' | 'G' => self.simple_assertion(start, r"\A"),
            'z' | 'Z' => self.simple_assertion(start, r"\z"),
            'R' => {
                self.cursor.skip(1);
                self.out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])");
                self.repeat(start, false)
            }
            'Q' => self.quoted(),
            'k' if self.cursor.peek(1) == Some('<') => {
                self.cursor.skip(2);
                let name = self.cursor.until('>').unwrap_or_default();
                let number = self.names.iter().position(|found| found.as_deref() == Some(name.as_str()));
                let number = number.ok_or_else(|| invalid(format!("no group is named `{name}`")))? + 1;
                self.back_reference(start, number)
            }
            '1'..='9' => match self.group_number() {
                Some(number) => self.back_reference(start, number),
                None => self.atom(start),
            },
            _ => self.atom(start),
        }
    }

    fn atom(&mut self, start: usize) -> Result<(), Refusal> {
        match class::escape(&mut self.cursor)? {
            Atom::Char(character) => return self.literal(start, character),
            atom => Class::of(atom).write(self.flags.ignore_case, &mut self.out),
        }
        self.repeat(start, false)
    }

    fn simple_assertion(&mut self, start: usize, text: &str) -> Result<(), Refusal> {
        self.cursor.skip(1);
        self.assertion(start, text)
    }

    /// A boundary of ASCII words. The linear engine can say that of `\b` only.
    fn word_boundary(&mut self, start: usize, is_boundary: bool) -> Result<(), Refusal> {
        let word = "[0-9A-Za-z_]";
        let text = match (self.target, is_boundary) {
            (Target::Linear, true) => r"(?-u:\b)".to_owned(),
            (Target::Linear, false) => return Err(Refusal::NeedsBacktracking),
            (Target::Backtracking, true) => format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"),
            (Target::Backtracking, false) => format!("(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"),
            (Target::Sampling, _) => String::new(),
        };
        self.assertion(start, &text)
    }

    fn quoted(&mut self) -> Result<(), Refusal> {
        self.cursor.skip(1);
        let mut last = self.out.len();
        while !self.cursor.take(r"\E") {
            let Some(character) = self.cursor.next() else { break };
            last = self.out.len();
            push_literal(character, self.flags.ignore_case, &mut self.out);
        }
        self.repeat(last, false)
    }

    /// The longest number that is a group's; `\10` is group 1 and a zero where there are nine groups.
    fn group_number(&mut self) -> Option<usize> {
        let mut number = 0;
        let mut length = 0;
        while let Some(digit) = self.cursor.peek(length).and_then(|digit| digit.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.names.len() {
                break;
            }
            number = longer;
            length += 1;
        }
        self.cursor.skip(length);
        (length > 0).then_some(number)
    }

    fn back_reference(&mut self, start: usize, number: usize) -> Result<(), Refusal> {
        self.needs_backtracking()?;
        if self.target == Target::Backtracking {
            let _ = write!(self.out, "(?:\\{number})");
        }
        self.repeat(start, false)
    }
}

/// The names of the capturing groups in order, `None` for those without.
fn capture_names(chars: &[char]) -> Vec<Option<String>> {
    let mut names = Vec::new();
    let mut in_class = false;
    let mut cursor = Cursor { chars, at: 0 };
    while let Some(character) = cursor.next() {
        match character {
            '\\' => cursor.skip(1),
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class && cursor.peek(0) != Some('?') => names.push(None),
            '(' if !in_class => {
                let named = cursor.take("?<") || cursor.take("?P<");
                if named && !matches!(cursor.peek(0), Some('=' | '!')) {
                    names.push(cursor.until('>'));
                }
            }
            _ => {}
        }
    }
    names
}

/// Writes a character that stands for itself, outside a class.
fn push_literal(character: char, ignore_case: bool, out: &mut String) {
    if ignore_case && character.is_ascii_alphabetic() {
        let _ = write!(out, "[{}{}]", character.to_ascii_lowercase(), character.to_ascii_uppercase());
    } else if character.is_alphanumeric() {
        out.push(character);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(character));
    }
}

pub fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::Invalid(what.into())
}
