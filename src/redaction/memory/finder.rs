//! Finds many values in a text at once, and writes what stands for each.

use super::Recall;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Values, each with what is written in its place.
#[derive(Default)]
pub(in crate::redaction) struct Finder {
    pairs: Vec<(String, String)>,
    /// By spelling: which pair.
    owners: Vec<usize>,
    search: Option<AhoCorasick>,
}

struct Hit {
    range: Range<usize>,
    pair: usize,
}

impl Finder {
    /// Finds the first of each pair, and writes the second.
    pub(in crate::redaction) fn new<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Finder {
        let owned = |(value, other): (&str, &str)| (value.to_owned(), other.to_owned());
        let pairs: Vec<(String, String)> = pairs.into_iter().map(owned).collect();
        let (mut owners, mut texts) = (Vec::new(), Vec::new());
        for (index, (value, _)) in pairs.iter().enumerate() {
            for spelling in spellings(value) {
                owners.push(index);
                texts.push(spelling);
            }
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(texts.iter().map(|text| text.as_bytes()));
        let search = search.ok().filter(|_| !texts.is_empty());
        drop(texts);
        Finder { pairs, owners, search }
    }

    /// Whether it finds nothing.
    pub(in crate::redaction) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(value, other)| (value.as_str(), other.as_str()))
    }

    fn other(&self, pair: usize) -> &str {
        self.pairs.get(pair).map_or("", |(_, other)| other.as_str())
    }

    fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Hit> + 't {
        let found = self.search.iter().flat_map(move |search| search.find_iter(text));
        found.filter_map(move |found| {
            let pair = *self.owners.get(found.pattern().as_usize())?;
            let range = found.range();
            is_whole(text, &range).then_some(Hit { range, pair })
        })
    }
}

impl Recall for Finder {
    fn hide(&self, text: &str) -> Option<String> {
        written(text, self.hits(text).map(|hit| (hit.range, self.other(hit.pair))))
    }

    fn hide_in_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let search = self.search.as_ref().filter(|search| search.is_match(bytes))?;
        let mut out = Vec::with_capacity(bytes.len());
        search.replace_all_with_bytes(bytes, &mut out, |found, _, out| {
            let pair = self.owners.get(found.pattern().as_usize()).copied().unwrap_or(usize::MAX);
            out.extend_from_slice(self.other(pair).as_bytes());
            true
        });
        Some(out)
    }
}

/// The text with what all of these finders write.
pub(super) fn replaced(finders: &[Arc<Finder>], text: &str) -> Option<String> {
    let hits = finders
        .iter()
        .flat_map(|finder| finder.hits(text).map(|hit| (hit.range, finder.other(hit.pair))));
    let mut hits: Vec<(Range<usize>, &str)> = hits.collect();
    // Of several at one place the longest.
    hits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    written(text, hits.into_iter())
}

fn written<'o>(text: &str, hits: impl Iterator<Item = (Range<usize>, &'o str)>) -> Option<String> {
    let mut out: Option<String> = None;
    let mut from = 0;
    for (range, other) in hits {
        if range.start < from {
            continue;
        }
        let out = out.get_or_insert_default();
        out.push_str(text.get(from..range.start)?);
        out.push_str(other);
        from = range.end;
    }
    let mut out = out?;
    out.push_str(text.get(from..)?);
    Some(out)
}

/// Digits in the midst of more digits are another number.
fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let is_number = bytes.get(range.clone()).is_some_and(|value| value.iter().all(u8::is_ascii_digit));
    !is_number || !is_digit(range.start.checked_sub(1)) && !is_digit(Some(range.end))
}

/// A value as it is, and as XML and JSON write it in the midst of a text.
pub(in crate::redaction) fn spellings(value: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let xml = value.contains(['&', '<', '>', '"', '\'']).then(|| {
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        [escaped.clone(), escaped.replace('"', "&quot;").replace('\'', "&apos;")]
    });
    let json = value.contains(['"', '\\', '\n', '\r', '\t']).then(|| {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        escaped.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
    });
    let others = xml.into_iter().flatten().chain(json).filter(move |other| other != value);
    std::iter::once(Cow::Borrowed(value)).chain(others.map(Cow::Owned))
}
