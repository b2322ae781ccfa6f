//! In replay: which live texts are the recorded ones with a true value in the place of a
//! placeholder.
//!
//! A program that knows a secret itself sends it where the recording holds its placeholder. A live
//! text is laid against the recorded ones: what stands between the same beginning and end is the
//! value if its placeholder is the recorded one. So nothing depends on which call came first, and
//! nothing needs to be known of the secret.

use super::Redactor;
use super::known::{each_text, parts};
use super::memory::Recall;
use super::rules::Rule;
use super::scan::{Budget, Search};
use super::stand_in::{StandIns, is_marked_text};
use crate::cassette::{Interaction, Redacted};
use crate::codec::spot;
use crate::pointer;
use crate::value::Value;
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

impl Redactor {
    /// Makes live texts comparable that hold the true value where the recording holds a placeholder.
    /// `inputs` are those of the interactions. Where a cassette holds nothing of the kind, a call
    /// costs nothing.
    pub fn recognize_values<'i>(&mut self, recorded: &mut dyn Iterator<Item = (&'i Interaction, Option<&'i Value>)>) {
        let recorded: Vec<(&Interaction, Option<&Value>)> = recorded.collect();
        let placeholders = hidden_in(recorded.iter().map(|(interaction, _)| *interaction));
        if placeholders.is_empty() {
            return;
        }
        let gives = |place: &Redacted| place.path.starts_with("/response") && place.rule != Rule::AccountId.id();
        let is_given = recorded.iter().any(|(interaction, _)| interaction.redacted.iter().any(gives));
        let collector = Collector {
            placeholders: &placeholders,
            texts: Mutex::default(),
        };
        for (interaction, input) in &recorded {
            self.collect_recurring(interaction, &collector);
            if is_given && let Some(input) = input {
                self.collect_given(input, &collector);
            }
        }
        let texts = collector.texts.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.recurring = Recurring::of(self.stand_ins.twin(), &texts, placeholders);
    }

    /// Texts of a request that hold placeholders where no rule of today's hides them.
    fn collect_recurring(&self, interaction: &Interaction, collector: &Collector<'_>) {
        let mut paths = HashSet::new();
        for place in interaction.redacted.iter().filter(|place| place.path.starts_with("/request")) {
            let is_key = pointer::tokens(&place.path).any(|token| is_marked_text(&token));
            let is_anything = spot::name_of(&place.path).to_ascii_lowercase().ends_with("value");
            if is_key || is_anything || place.rule == Rule::KnownValues.id() {
                paths.insert(place.path.as_str());
            }
        }
        if paths.is_empty() {
            return;
        }
        let budget = Budget::default();
        let search = Search {
            known: Some(collector),
            ..self.search(&budget)
        };
        each_text(interaction, &paths, &mut |path, text, _| {
            let _ = search.scrub(text);
            for part in parts(path, text) {
                let _ = search.scrub(&part);
            }
        });
    }

    /// What is readable in a request, and hidden where an answer gave it: a word, a host.
    fn collect_given(&self, input: &Value, collector: &Collector<'_>) {
        match input {
            Value::Text(text) => {
                let placeholder = self.stand_ins.anywhere(text);
                if placeholder != *text && collector.placeholders.all.contains(&placeholder) {
                    collector.add(&placeholder);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.collect_given(item, collector)),
            Value::Object(members) => members.iter().for_each(|(_, value)| self.collect_given(value, collector)),
            _ => {}
        }
    }

    /// The placeholders in a recorded text that is no such itself.
    pub fn placeholders_in(&self, recorded: &str) -> Vec<String> {
        let Some(recurring) = &self.recurring else {
            return Vec::new();
        };
        let found = recurring.placeholders.found_in(recorded);
        let found = found.into_iter().filter(|range| range.len() < recorded.len());
        found.filter_map(|range| Some(recorded.get(range)?.to_owned())).collect()
    }

    /// What a live text holds where the recorded one holds a placeholder.
    pub fn live_value(&self, recorded: &str, live: &str, placeholder: &str) -> Option<String> {
        let recurring = self.recurring.as_ref()?;
        let shape = Shape::of(recorded, &recurring.placeholders.found_in(recorded))?;
        let values = shape.values(live, &self.stand_ins)?;
        values.into_iter().find(|(known, _)| known == placeholder).map(|(_, value)| value)
    }
}

/// The placeholders at the places that interactions list as hidden.
fn hidden_in<'i>(interactions: impl Iterator<Item = &'i Interaction>) -> Placeholders {
    let mut marked = Vec::new();
    for interaction in interactions {
        let listed = interaction.redacted.iter().filter(|place| place.rule != Rule::AccountId.id());
        let paths: HashSet<&str> = listed.map(|place| place.path.as_str()).collect();
        if !paths.is_empty() {
            each_text(interaction, &paths, &mut |_, text, _| {
                marked.extend(words(text).filter(|word| is_marked_text(word)).map(str::to_owned));
            });
        }
    }
    Placeholders::of(marked)
}

/// Collects the texts, opened of what encodes them, that hold placeholders.
struct Collector<'p> {
    placeholders: &'p Placeholders,
    texts: Mutex<HashSet<String>>,
}

impl Collector<'_> {
    fn add(&self, text: &str) {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned());
    }
}

impl Recall for Collector<'_> {
    fn hide(&self, text: &str) -> Option<String> {
        if self.placeholders.are_in(text) {
            self.add(text);
        }
        None
    }
}

/// How often the end of one value is looked for.
const TRIES: usize = 8;

/// Recorded texts that hold placeholders.
pub(super) struct Recurring {
    stand_ins: StandIns,
    placeholders: Placeholders,
    /// By what stands before the first placeholder, and then by what stands after the last.
    begun: HashMap<Piece, HashMap<Piece, Vec<Shape>>>,
    beginnings: BTreeSet<usize>,
    endings: BTreeSet<usize>,
}

/// Length and hash of a text.
type Piece = (usize, u64);

/// Recorded texts that say the same around their placeholders.
struct Shape {
    before: String,
    /// Between one placeholder and the next.
    between: Vec<String>,
    after: String,
    placeholders: HashSet<String>,
}

impl Recurring {
    /// From recorded texts; nothing where none holds one of these placeholders.
    fn of(stand_ins: StandIns, texts: &HashSet<String>, placeholders: Placeholders) -> Option<Recurring> {
        let mut recurring = Recurring {
            stand_ins,
            placeholders,
            begun: HashMap::new(),
            beginnings: BTreeSet::new(),
            endings: BTreeSet::new(),
        };
        for text in texts {
            let found = recurring.placeholders.found_in(text);
            recurring.extend(Shape::of(text, &found));
        }
        (!recurring.begun.is_empty()).then_some(recurring)
    }

    fn extend(&mut self, shape: Option<Shape>) {
        let Some(shape) = shape else { return };
        self.beginnings.insert(shape.before.len());
        self.endings.insert(shape.after.len());
        let begun = self.begun.entry(piece(shape.before.bytes())).or_default();
        let shapes = begun.entry(piece(shape.after.bytes().rev())).or_default();
        match shapes.iter_mut().find(|known| known.between == shape.between) {
            Some(known) => known.placeholders.extend(shape.placeholders),
            None => shapes.push(shape),
        }
    }
}

impl Recall for Recurring {
    fn hide(&self, text: &str) -> Option<String> {
        let endings = pieces(text.bytes().rev(), text.len(), &self.endings);
        for begun in pieces(text.bytes(), text.len(), &self.beginnings) {
            let Some(by_end) = self.begun.get(&begun) else { continue };
            let ended = endings.iter().filter(|(length, _)| begun.0 + length <= text.len());
            for shape in ended.filter_map(|ending| by_end.get(ending)).flatten() {
                if let Some(hidden) = shape.laid_against(text, &self.stand_ins) {
                    return Some(hidden);
                }
            }
        }
        None
    }
}

impl Shape {
    /// The shape of a recorded text whose placeholders stand there.
    fn of(text: &str, found: &[Range<usize>]) -> Option<Shape> {
        let part = |range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
        let (first, last) = (found.first()?, found.last()?);
        Some(Shape {
            before: part(0..first.start),
            between: found.windows(2).map(|pair| part(pair[0].end..pair[1].start)).collect(),
            after: part(last.end..text.len()),
            placeholders: found.iter().map(|range| part(range.clone())).collect(),
        })
    }

    /// The text with placeholders, where it is of this shape and they are the recorded ones.
    fn laid_against(&self, text: &str, stand_ins: &StandIns) -> Option<String> {
        let values = self.values(text, stand_ins)?;
        let mut out = self.before.clone();
        let between = self.between.iter().map(String::as_str).chain([self.after.as_str()]);
        for ((placeholder, _), rest) in values.iter().zip(between) {
            out.push_str(placeholder);
            out.push_str(rest);
        }
        (out != text).then_some(out)
    }

    /// What stands in a text where this shape has placeholders, each behind its placeholder.
    fn values(&self, text: &str, stand_ins: &StandIns) -> Option<Vec<(String, String)>> {
        let mut rest = text.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        let mut values = Vec::new();
        for between in &self.between {
            let ends = rest
                .match_indices(between.as_str())
                .map(|(at, _)| at)
                .filter(|at| *at > 0)
                .take(TRIES);
            let (placeholder, end) = ends
                .into_iter()
                .find_map(|end| Some((self.placeholder(rest.get(..end)?, stand_ins)?, end)))?;
            values.push((placeholder, rest.get(..end)?.to_owned()));
            rest = rest.get(end + between.len()..)?;
        }
        values.push((self.placeholder(rest, stand_ins)?, rest.to_owned()));
        Some(values)
    }

    fn placeholder(&self, value: &str, stand_ins: &StandIns) -> Option<String> {
        if value.is_empty() {
            return None;
        }
        Some(stand_ins.anywhere(value)).filter(|placeholder| self.placeholders.contains(placeholder))
    }
}

/// The placeholders of a cassette that are known by their mark.
pub(super) struct Placeholders {
    all: HashSet<String>,
    search: Option<AhoCorasick>,
}

impl Placeholders {
    /// All of these.
    pub(super) fn of(marked: impl IntoIterator<Item = String>) -> Placeholders {
        let all: HashSet<String> = marked.into_iter().collect();
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&all).ok();
        Placeholders {
            search: search.filter(|_| !all.is_empty()),
            all,
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        let found = self.search.iter().flat_map(|search| search.find_iter(text));
        found.map(|found| found.range()).collect()
    }

    /// Whether a text holds one.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_match(text))
    }
}

/// The shortest and the longest word that is looked at.
const WORD: Range<usize> = 4..4096;

/// What parts words, in several ways: nobody knows which letters a value has.
const GAPS: [fn(char) -> bool; 6] = [
    |letter| !letter.is_alphanumeric(),
    |letter| !letter.is_alphanumeric() && !"-_".contains(letter),
    |letter| !letter.is_alphanumeric() && !"-_.".contains(letter),
    |letter| !letter.is_alphanumeric() && !"+/=".contains(letter),
    |letter| letter.is_whitespace() || ":/@?&=,;\"'()<>{}[]".contains(letter),
    |letter| letter.is_whitespace() || ",;\"'()<>{}[]".contains(letter),
];

/// The words of a text, and the whole of it.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = GAPS.iter().flat_map(move |gap| text.split(*gap));
    std::iter::once(text).chain(parts.filter(|word| WORD.contains(&word.len())))
}

fn piece(bytes: impl Iterator<Item = u8>) -> Piece {
    bytes.fold((0, START), |(length, hash), byte| (length + 1, next(hash, byte)))
}

/// The pieces of these lengths that bytes begin with, in one pass.
fn pieces(bytes: impl Iterator<Item = u8>, length: usize, wanted: &BTreeSet<usize>) -> Vec<Piece> {
    let wanted = wanted.range(..=length).copied();
    let mut found = Vec::new();
    let mut hash = START;
    let mut bytes = bytes.enumerate();
    for end in wanted {
        if end > 0 {
            for (at, byte) in bytes.by_ref() {
                hash = next(hash, byte);
                if at + 1 == end {
                    break;
                }
            }
        }
        found.push((end, hash));
    }
    found
}

/// FNV-1a, which goes on from where it was. What it finds is compared letter by letter.
const START: u64 = 0xcbf2_9ce4_8422_2325;

fn next(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}
