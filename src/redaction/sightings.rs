//! Which interactions may hold a text in the clear that was not known to be hidden when they were
//! written.
//!
//! What is written of an interaction is remembered by hashes of every eight bytes in a row, after all
//! encodings are opened. A value that becomes known is looked up by its own: where one of them is
//! missing, the value is not there. So a value that is new costs nothing unless it was seen before.

use super::memory::{self, Recall, SHORTEST};
use super::{Leak, Origin, Redactor};
use crate::cassette::Interaction;
use crate::inspect::Finding;
use crate::wire::{Request, Response};
use std::sync::{Mutex, PoisonError};

/// The bytes of a gram: the shortest text that is looked for.
const GRAM: usize = SHORTEST;

/// An interaction of more grams is read again for every text.
const MOST: usize = 1 << 20;

/// The bits of a segment, unless one interaction needs more. Of eight, one may be set.
const BITS: usize = 1 << 18;

/// What all segments may take, in bits; those beyond say nothing.
const ALL_BITS: usize = 1 << 29;

/// Interactions of one segment.
const TOGETHER: usize = 64;

impl Redactor {
    /// An exchange as it may be written, with what stands there in the clear: it may turn out to be a secret.
    ///
    /// # Errors
    /// Where a secret would be left: then nothing may be written.
    pub fn redact_sighted(
        &self,
        request: &Request,
        response: &Response,
        finding: &Finding,
        attempt: u32,
    ) -> Result<(Interaction, Sighted), Leak> {
        let Some(known) = self.recall() else {
            return Ok((self.redact(request, response, finding, attempt)?, Sighted::default()));
        };
        let witness = Witness::new(known, self.learned());
        let written = self.written(request, response, finding, attempt, Origin::Live, Some(&witness))?;
        Ok((written, witness.into_sighted()))
    }

    /// How much is known by now.
    pub(super) fn learned(&self) -> Learned {
        let mut learned = Learned::default();
        self.learned_since(&mut learned);
        learned
    }

    /// What became known since, and may stand in what was written before; `since` is now.
    pub fn learned_since(&self, since: &mut Learned) -> Vec<String> {
        let values = self
            .stand_ins
            .memory()
            .map(|memory| memory.learned_since(since.values))
            .unwrap_or_default();
        let accounts = self
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .learned_since(since.accounts);
        let digests = self.digests.learned_since(since.digests);
        since.values += values.len();
        since.accounts += accounts.len();
        since.digests += digests.len();
        [values, accounts, digests].concat()
    }
}

/// The texts of one interaction.
#[derive(Default)]
pub struct Sighted {
    grams: Vec<u32>,
    /// It may hold anything.
    is_everything: bool,
    /// What was known before it was written.
    pub(super) before: Learned,
}

/// How much was known at a time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    pub(super) values: usize,
    pub(super) accounts: usize,
    pub(super) digests: usize,
}

impl Sighted {
    /// What was known before it was written.
    pub fn before(&self) -> Learned {
        self.before
    }

    fn add(&mut self, text: &[u8]) {
        for gram in grams(text) {
            if self.is_everything {
                return;
            }
            self.grams.push(gram);
            if self.grams.len() > MOST {
                self.thin();
            }
        }
    }

    fn thin(&mut self) {
        self.grams.sort_unstable();
        self.grams.dedup();
        if self.grams.len() > MOST / 2 {
            *self = Sighted {
                grams: Vec::new(),
                is_everything: true,
                before: self.before,
            };
        }
    }

    /// Whether one of these texts may be in it.
    pub fn may_hold(&self, texts: &[String]) -> bool {
        self.is_everything
            || texts
                .iter()
                .any(|text| holds(text, &|gram| self.grams.binary_search(&gram).is_ok()))
    }
}

/// Shows what is searched for known values, and remembers it.
pub(super) struct Witness<'m> {
    known: &'m dyn Recall,
    sighted: Mutex<Sighted>,
}

impl<'m> Witness<'m> {
    /// Beside whoever knows the values.
    pub(super) fn new(known: &'m dyn Recall, before: Learned) -> Witness<'m> {
        let sighted = Mutex::new(Sighted {
            before,
            ..Sighted::default()
        });
        Witness { known, sighted }
    }

    /// What was searched.
    pub(super) fn into_sighted(self) -> Sighted {
        let mut sighted = self.sighted.into_inner().unwrap_or_else(PoisonError::into_inner);
        sighted.thin();
        sighted
    }

    fn add(&self, text: &[u8]) {
        self.sighted.lock().unwrap_or_else(PoisonError::into_inner).add(text);
    }
}

impl Recall for Witness<'_> {
    fn hide(&self, text: &str) -> Option<String> {
        self.add(text.as_bytes());
        self.known.hide(text)
    }

    fn hide_in_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.add(bytes);
        self.known.hide_in_bytes(bytes)
    }

    fn see(&self, text: &str) {
        self.add(text.as_bytes());
    }
}

/// The texts of all interactions that are written.
#[derive(Default)]
pub struct Sightings {
    segments: Vec<Segment>,
    bits: usize,
}

/// The texts of some interactions.
struct Segment {
    numbers: Vec<u64>,
    /// None where they may hold anything.
    bits: Vec<u64>,
    set: usize,
}

impl Sightings {
    /// Adds an interaction that is written.
    pub fn add(&mut self, number: u64, sighted: &Sighted) {
        let needed = sighted.grams.len();
        let has_room = |last: &Segment| last.numbers.len() < TOGETHER && last.takes(sighted);
        if !self.segments.last().is_some_and(has_room) {
            let wanted = BITS.max((needed * 8).next_power_of_two());
            let is_mute = sighted.is_everything || self.bits + wanted > ALL_BITS;
            let bits = if is_mute { 0 } else { wanted };
            self.bits += bits;
            self.segments.push(Segment {
                numbers: Vec::new(),
                bits: vec![0; bits / 64],
                set: 0,
            });
        }
        if let Some(last) = self.segments.last_mut() {
            last.numbers.push(number);
            last.mark(&sighted.grams);
        }
    }

    /// The numbers of the interactions that may hold one of these texts.
    pub fn of(&self, texts: &[String]) -> Vec<u64> {
        let may_hold = |segment: &&Segment| segment.bits.is_empty() || texts.iter().any(|text| holds(text, &|gram| segment.has(gram)));
        let found = self.segments.iter().filter(may_hold);
        found.flat_map(|segment| segment.numbers.iter().copied()).collect()
    }
}

impl Segment {
    fn takes(&self, sighted: &Sighted) -> bool {
        match self.bits.is_empty() {
            true => sighted.is_everything,
            false => !sighted.is_everything && self.set + sighted.grams.len() <= self.bits.len() * 8,
        }
    }

    fn place(&self, gram: u32) -> (usize, u64) {
        let bit = gram as usize & (self.bits.len() * 64 - 1);
        (bit / 64, 1 << (bit % 64))
    }

    fn mark(&mut self, grams: &[u32]) {
        if self.bits.is_empty() {
            return;
        }
        for gram in grams {
            let (word, bit) = self.place(*gram);
            if let Some(word) = self.bits.get_mut(word) {
                self.set += usize::from(*word & bit == 0);
                *word |= bit;
            }
        }
    }

    fn has(&self, gram: u32) -> bool {
        let (word, bit) = self.place(gram);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// Whether all grams of a text are there, in one of the ways in which formats write it.
fn holds(text: &str, has: &dyn Fn(u32) -> bool) -> bool {
    memory::spellings(text).any(|spelled| grams(spelled.as_bytes()).all(has))
}

fn grams(text: &[u8]) -> impl Iterator<Item = u32> {
    text.windows(GRAM).map(|window| {
        let word = window.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighted(texts: &[&str]) -> Sighted {
        let finder = memory::Finder::default();
        let witness = Witness::new(&finder, Learned::default());
        texts.iter().for_each(|text| drop(witness.hide(text)));
        witness.into_sighted()
    }

    fn wanted(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn a_text_is_found_where_it_was_seen_whole_inside_another_or_escaped() {
        let mut sightings = Sightings::default();
        for number in 0..1000 {
            sightings.add(
                number,
                &sighted(&[&format!("connect with secret-number-{number}!"), "<a>tom &amp; jerry</a>"]),
            );
        }
        let found = sightings.of(&wanted("secret-number-777"));
        assert!(found.contains(&777) && found.len() <= 2 * TOGETHER, "{found:?}");
        assert_eq!(sightings.of(&wanted("tom & jerry")).len(), 1000);
        assert_eq!(sightings.of(&wanted("something else")), Vec::<u64>::new());
    }

    #[test]
    fn of_a_text_of_any_size_few_grams_are_in_memory() {
        let mut large = Sighted::default();
        large.add(&vec![b'x'; 4 * MOST]);
        assert!(large.grams.capacity() <= 2 * MOST, "{}", large.grams.capacity());
        assert!(large.may_hold(&wanted("xxxxxxxx")) && !large.may_hold(&wanted("something else")));
    }

    #[test]
    fn what_is_too_large_to_remember_may_hold_anything() {
        let letters: Vec<u8> = (0..3_000_000u32)
            .flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes())
            .collect();
        let finder = memory::Finder::default();
        let witness = Witness::new(&finder, Learned::default());
        let _ = witness.hide_in_bytes(&letters);
        let large = witness.into_sighted();
        let mut sightings = Sightings::default();
        sightings.add(1, &sighted(&["nothing of it"]));
        sightings.add(2, &large);
        sightings.add(3, &sighted(&["nothing of it"]));
        assert_eq!(sightings.of(&wanted("something else")), [2]);
        assert!(large.may_hold(&wanted("something else")));
    }
}
