//! `^[class]{m,n}$`: the form of most patterns, decided by a class test and a length test.
//!
//! A general engine unrolls the count, which takes megabytes for `^.{1,100000}$`.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// A repeated class that must make up the whole text.
#[derive(Debug)]
pub struct ClassRun {
    /// One bit for each ASCII character that belongs to the class.
    ascii: u128,
    /// The ranges of the class beyond ASCII, ascending.
    beyond: Box<[(char, char)]>,
    min: u32,
    max: Option<u32>,
}

impl ClassRun {
    /// The run that a pattern is, if it is one.
    pub fn find(structure: &Hir) -> Option<ClassRun> {
        let HirKind::Concat(parts) = uncaptured(structure).kind() else {
            return None;
        };
        let begins = parts.iter().take_while(|part| is_look(part, Look::Start)).count();
        let ends = parts.iter().rev().take_while(|part| is_look(part, Look::End)).count();
        if begins == 0 || ends == 0 || begins + ends + 1 != parts.len() {
            return None;
        }
        let HirKind::Repetition(repetition) = uncaptured(parts.get(begins)?).kind() else {
            return None;
        };
        let HirKind::Class(Class::Unicode(class)) = uncaptured(&repetition.sub).kind() else {
            return None;
        };
        let mut run = ClassRun {
            ascii: 0,
            beyond: Box::default(),
            min: repetition.min,
            max: repetition.max,
        };
        let mut beyond = Vec::new();
        for range in class.ranges() {
            for character in range.start()..=range.end().min('\u{7f}') {
                run.ascii |= 1 << u32::from(character);
            }
            if range.end() > '\u{7f}' {
                beyond.push((range.start().max('\u{80}'), range.end()));
            }
        }
        run.beyond = beyond.into();
        Some(run)
    }

    /// Whether `text` is such a run.
    pub fn matches(&self, text: &str) -> bool {
        let mut length = 0usize;
        for character in text.chars() {
            if !self.contains(character) {
                return false;
            }
            length += 1;
        }
        length >= self.min as usize && self.max.is_none_or(|max| length <= max as usize)
    }

    fn contains(&self, character: char) -> bool {
        if character.is_ascii() {
            return self.ascii >> u32::from(character) & 1 == 1;
        }
        let behind = self.beyond.partition_point(|&(start, _)| start <= character);
        behind > 0 && self.beyond[behind - 1].1 >= character
    }
}

fn is_look(part: &Hir, look: Look) -> bool {
    matches!(part.kind(), HirKind::Look(found) if *found == look)
}

fn uncaptured(mut part: &Hir) -> &Hir {
    while let HirKind::Capture(capture) = part.kind() {
        part = &capture.sub;
    }
    part
}
