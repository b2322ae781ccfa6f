//! Names that a program makes up anew in every run, found where they stand: as a whole string, or
//! inside one (in an ARN, say).
//!
//! Who is bound to what is the matcher's affair; here a name is a text with a number.

use aho_corasick::AhoCorasick;
use std::collections::{BTreeSet, HashMap};

/// From this length on, a name counts in the middle of a word.
const DISTINCTIVE: usize = 8;

/// Texts that stand for numbered names.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Those that only count as whole strings.
    whole: HashMap<String, u32>,
    /// Those that count inside strings too, the longest first.
    parts: Vec<(String, u32)>,
    /// The text of each name.
    texts: HashMap<u32, String>,
    /// Finds those that count inside, where they are many.
    search: Option<AhoCorasick>,
}

/// A piece of a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What it always says.
    Text(String),
    /// A name.
    Name(u32),
}

impl Names {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.parts.is_empty()
    }

    /// Adds a text for a name. A name may have one; the older one goes. `whole`: it counts as a
    /// whole string only.
    pub fn add(&mut self, text: &str, name: u32, whole: bool) {
        self.search = None;
        if let Some(old) = self.texts.remove(&name) {
            if self.whole.get(&old) == Some(&name) {
                self.whole.remove(&old);
            }
            self.parts.retain(|(_, known)| *known != name);
        }
        if text.is_empty() {
            return;
        }
        self.texts.insert(name, text.to_owned());
        if whole {
            self.whole.insert(text.to_owned(), name);
            return;
        }
        let at = self.parts.partition_point(|(known, _)| known.len() >= text.len());
        self.parts.insert(at, (text.to_owned(), name));
    }

    /// Makes looking for many names as quick as looking for one, until another is added.
    pub fn compile(&mut self) {
        let texts = self.parts.iter().map(|(text, _)| text);
        self.search = AhoCorasick::new(texts).ok();
    }

    /// Which of those that count inside may stand in a text, in their order.
    fn candidates(&self, text: &str) -> Vec<&(String, u32)> {
        let Some(search) = &self.search else {
            return self.parts.iter().collect();
        };
        let found: BTreeSet<usize> = search.find_overlapping_iter(text).map(|found| found.pattern().as_usize()).collect();
        found.into_iter().filter_map(|index| self.parts.get(index)).collect()
    }

    /// Whether the whole text is a name.
    pub fn has(&self, text: &str) -> bool {
        self.whole.contains_key(text) || self.parts.iter().any(|(known, _)| known == text)
    }

    /// The text in pieces; nothing where it holds no name.
    pub fn pieces(&self, text: &str) -> Option<Vec<Piece>> {
        if let Some(name) = self.whole.get(text) {
            return Some(vec![Piece::Name(*name)]);
        }
        let mut pieces = Vec::new();
        let mut from = 0;
        // Where each name stands next; of those at one place the longest counts, and they come first.
        let candidates = self.candidates(text);
        let mut next: Vec<Option<usize>> = candidates.iter().map(|(name, _)| occurrence(text, name, 0)).collect();
        while let Some((at, index)) = next.iter().enumerate().filter_map(|(index, at)| Some(((*at)?, index))).min() {
            let (name, number) = candidates[index];
            if at > from {
                pieces.push(Piece::Text(text[from..at].to_owned()));
            }
            pieces.push(Piece::Name(*number));
            from = at + name.len();
            for (slot, (name, _)) in next.iter_mut().zip(&candidates) {
                if slot.is_some_and(|at| at < from) {
                    *slot = occurrence(text, name, from);
                }
            }
        }
        if pieces.is_empty() {
            return None;
        }
        if from < text.len() {
            pieces.push(Piece::Text(text[from..].to_owned()));
        }
        Some(pieces)
    }

    /// The text with marks in the place of names; nothing where it holds none.
    pub fn renamed(&self, text: &str) -> Option<String> {
        let pieces = self.pieces(text)?;
        Some(
            pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.clone(),
                    // A control character that no name holds; and short, so as not to look like an account.
                    Piece::Name(name) => format!("\u{1}{name}\u{1}"),
                })
                .collect(),
        )
    }
}

/// Where a name first stands in a text from some place on: a short one only as a word.
fn occurrence(text: &str, name: &str, from: usize) -> Option<usize> {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    text[from..].match_indices(name).map(|(at, _)| from + at).find(|at| {
        let left = text[..*at].chars().next_back();
        let right = text[at + name.len()..].chars().next();
        name.len() >= DISTINCTIVE || !(is_word(left) || is_word(right))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pairs: &[(&str, u32)]) -> Names {
        let mut names = Names::default();
        pairs.iter().for_each(|(text, name)| names.add(text, *name, false));
        names
    }

    fn shown(names: &Names, text: &str) -> Option<String> {
        Some(names.renamed(text)?.replace('\u{1}', "|"))
    }

    #[test]
    fn names_are_found_whole_and_inside_of_strings() {
        let names = names(&[("test-3f2a", 0), ("test-3f2a-logs", 1), ("app7", 2)]);
        for (text, expected) in [
            ("test-3f2a", Some("|0|")),
            ("arn:aws:s3:::test-3f2a-logs/test-3f2a", Some("arn:aws:s3:::|1|/|0|")),
            ("xtest-3f2ax", Some("x|0|x")),
            ("app7", Some("|2|")),
            ("role/app7:app7", Some("role/|2|:|2|")),
            ("app71 myapp7 äapp7", None),
            ("app7app7", None),
            ("", None),
        ] {
            assert_eq!(shown(&names, text).as_deref(), expected, "{text}");
        }
        assert!(names.has("app7") && !names.has("app"));
    }

    #[test]
    fn a_name_that_is_given_again_has_the_newer_text() {
        let mut names = names(&[("one", 0)]);
        names.add("two", 0, false);
        assert_eq!((shown(&names, "one"), shown(&names, "two").as_deref()), (None, Some("|0|")));
        names.add("", 0, false);
        assert!(names.is_empty());
    }

    #[test]
    fn what_counts_whole_is_not_found_inside() {
        let mut names = Names::default();
        names.add("00000000-0000-4000-8000-000000000001", 4, true);
        assert_eq!(shown(&names, "00000000-0000-4000-8000-000000000001").as_deref(), Some("|4|"));
        assert_eq!(shown(&names, "x 00000000-0000-4000-8000-000000000001"), None);
    }
}
