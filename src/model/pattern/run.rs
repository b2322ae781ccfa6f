//! `^[class]{m,n}$` and `^[class][class]{m,n}$`: the form of most patterns, decided by class tests
//! and a length test.
//!
//! A general engine unrolls the count, which takes megabytes for `^.{1,100000}$`.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

/// A repeated class that must make up the whole text, or all of it behind a head.
#[derive(Debug)]
pub struct ClassRun {
    /// A class that the first characters belong to, and how many they are.
    head: Option<(Set, u32)>,
    class: Set,
    min: u32,
    max: Option<u32>,
}

/// A set of characters.
#[derive(Debug)]
struct Set {
    /// One bit for each ASCII character that belongs to it.
    ascii: u128,
    /// Its ranges beyond ASCII, ascending.
    beyond: Box<[(char, char)]>,
}

impl ClassRun {
    /// The run that a pattern is, if it is one.
    pub fn find(structure: &Hir) -> Option<ClassRun> {
        let HirKind::Concat(parts) = uncaptured(structure).kind() else {
            return None;
        };
        let begins = parts.iter().take_while(|part| is_look(part, Look::Start)).count();
        let ends = parts.iter().rev().take_while(|part| is_look(part, Look::End)).count();
        if begins == 0 || ends == 0 {
            return None;
        }
        match parts.get(begins..parts.len().checked_sub(ends)?)? {
            [run] => ClassRun::new(None, repetition(run)?),
            [head, run] => {
                let (run, (class, min, max)) = (repetition(run)?, repetition(head)?);
                // `[a-z][a-z0-9]{0,9}` has a head of one; `[a-z]+[a-z0-9]*` too, because what more
                // the head could take, the run takes as well.
                let is_exact = max == Some(min);
                let is_within = max.is_none() && run.1 == 0 && run.2.is_none() && is_subset(class, run.0);
                (is_exact || is_within).then(|| ClassRun::new(Some((Set::new(class), min)), run))?
            }
            _ => None,
        }
    }

    fn new(head: Option<(Set, u32)>, (class, min, max): (&ClassUnicode, u32, Option<u32>)) -> Option<ClassRun> {
        Some(ClassRun {
            head,
            class: Set::new(class),
            min,
            max,
        })
    }

    /// Whether `text` is such a run.
    pub fn matches(&self, text: &str) -> bool {
        let mut characters = text.chars();
        if let Some((class, count)) = &self.head {
            for _ in 0..*count {
                if !characters.next().is_some_and(|character| class.contains(character)) {
                    return false;
                }
            }
        }
        let mut length = 0usize;
        for character in characters {
            if !self.class.contains(character) {
                return false;
            }
            length += 1;
        }
        length >= self.min as usize && self.max.is_none_or(|max| length <= max as usize)
    }
}

impl Set {
    fn new(class: &ClassUnicode) -> Set {
        let (mut ascii, mut beyond) = (0, Vec::new());
        for range in class.ranges() {
            for character in range.start()..=range.end().min('\u{7f}') {
                ascii |= 1 << u32::from(character);
            }
            if range.end() > '\u{7f}' {
                beyond.push((range.start().max('\u{80}'), range.end()));
            }
        }
        let beyond = beyond.into();
        Set { ascii, beyond }
    }

    fn contains(&self, character: char) -> bool {
        if character.is_ascii() {
            return self.ascii >> u32::from(character) & 1 == 1;
        }
        let behind = self.beyond.partition_point(|&(start, _)| start <= character);
        behind > 0 && self.beyond[behind - 1].1 >= character
    }
}

/// A class and how often it comes; a class by itself comes once.
fn repetition(part: &Hir) -> Option<(&ClassUnicode, u32, Option<u32>)> {
    match uncaptured(part).kind() {
        HirKind::Class(Class::Unicode(class)) => Some((class, 1, Some(1))),
        HirKind::Repetition(repetition) => match uncaptured(&repetition.sub).kind() {
            HirKind::Class(Class::Unicode(class)) => Some((class, repetition.min, repetition.max)),
            _ => None,
        },
        _ => None,
    }
}

fn is_subset(part: &ClassUnicode, whole: &ClassUnicode) -> bool {
    let mut both = part.clone();
    both.intersect(whole);
    both == *part
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_says_what_the_general_engine_says() {
        let texts = [
            "", "a", "A", "1", "-", "ab", "a1", "1a", "a-b", "aa1", "aé", "éa", "abcde", "a\n", "12", "1-",
        ];
        for pattern in [
            "^[a-z]{1,3}$",
            "^[a-z]$",
            "^[a-z][a-z0-9]{0,2}$",
            "^[0-9A-Za-z]+[0-9A-Za-z_\\-]*$",
            "^[a-z]{2,}[a-z0-9]*$",
            "^[a-zé][^a]+$",
            "^([a-z]{2})([0-9])$",
        ] {
            let run = ClassRun::find(&regex_syntax::parse(pattern).unwrap()).unwrap_or_else(|| panic!("{pattern} is a run"));
            let engine = regex::Regex::new(pattern).unwrap();
            for text in texts {
                assert_eq!(run.matches(text), engine.is_match(text), "{pattern} {text:?}");
            }
        }
    }

    #[test]
    fn what_needs_a_choice_is_left_to_the_general_engine() {
        for pattern in [
            "^[a-z0-9]+[a-z]*$",
            "^[a-z]+[a-z0-9]{0,3}$",
            "^[a-z]*[a-z]+$",
            "^[a-z]{1,2}[0-9]$",
            "[a-z]+",
        ] {
            assert!(ClassRun::find(&regex_syntax::parse(pattern).unwrap()).is_none(), "{pattern}");
        }
    }
}
