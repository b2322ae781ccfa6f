//! What redaction hid once is known for the rest of the recording: the true values, each with the
//! placeholder that was written for it first. Only in memory.
//!
//! A value that was given as a secret may be the name of something after all: the output of a stack
//! is a bucket, say. Such values are *weak*: they are hidden in the journal like all others, and
//! stay readable in the cassette where other calls use them as names, or no replay could go on.

mod common;
mod finder;

pub(super) use common::{SHORTEST, is_common};
pub(super) use finder::{Finder, spellings};

use crate::json::lexer::{Lexer, Token};
use crate::redaction::names::is_secret_name;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How deep documents inside strings inside documents are followed.
const MAX_NESTING: usize = 8;

/// What knows values that are to be hidden wherever they recur.
pub trait Recall: Sync {
    /// The text with placeholders for what is known; nothing where nothing of it is there.
    fn hide(&self, text: &str) -> Option<String>;

    /// Bytes that are no text, likewise.
    fn hide_in_bytes(&self, _bytes: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Shows it a text in which it is not to hide anything: a number.
    fn see(&self, _text: &str) {}
}

/// The values that one recording hid.
#[derive(Default)]
pub(super) struct Memory {
    state: Mutex<State>,
    /// How many values are known, for a look that takes no lock.
    count: AtomicUsize,
}

#[derive(Default)]
struct State {
    known: HashMap<String, Known>,
    /// The known values in the order in which they became known.
    order: Vec<String>,
    /// Each at least twice as large as the next, so that a value is built into few of them.
    finders: Vec<Arc<Finder>>,
    /// Hashes of the texts that stood in the places of names.
    names: HashSet<u64>,
    hasher: RandomState,
}

#[derive(Clone)]
struct Known {
    placeholder: String,
    weak: bool,
}

impl Memory {
    /// Remembers what was written for a true value; an earlier placeholder stays. `weak`: its place
    /// may hold the name of something, too.
    pub(super) fn learn(&self, value: &str, placeholder: &str, weak: bool) {
        if value.len() < SHORTEST || value == placeholder || is_common(value) {
            return;
        }
        let mut state = self.lock();
        match state.known.entry(value.to_owned()) {
            Entry::Occupied(mut known) => known.get_mut().weak &= weak,
            Entry::Vacant(free) => {
                free.insert(Known {
                    placeholder: placeholder.to_owned(),
                    weak,
                });
                state.order.push(value.to_owned());
                state.add(value, placeholder);
                self.count.store(state.known.len(), Ordering::Release);
            }
        }
    }

    /// Remembers the strings of a document beside what was written for it. Those that are not named
    /// like secrets are weak.
    pub(super) fn learn_document(&self, value: &str, placeholder: &str) {
        self.learn_within(value, placeholder, 0);
    }

    fn learn_within(&self, value: &str, placeholder: &str, nesting: usize) {
        let (Some(values), Some(placeholders)) = (strings(value), strings(placeholder)) else {
            return;
        };
        for ((name, value), (_, placeholder)) in values.iter().zip(&placeholders) {
            self.learn(value, placeholder, !is_secret_name(name));
            if nesting < MAX_NESTING {
                self.learn_within(value, placeholder, nesting + 1);
            }
        }
    }

    /// What was written for a value before.
    pub(super) fn placeholder(&self, value: &str) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        Some(self.lock().known.get(value)?.placeholder.clone())
    }

    /// Notes that a text stood in the place of a name.
    pub(super) fn note_name(&self, text: &str) {
        if text.len() < SHORTEST || text.bytes().any(|byte| byte.is_ascii_whitespace()) {
            return;
        }
        let mut state = self.lock();
        let hash = state.hasher.hash_one(text);
        state.names.insert(hash);
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// The values that became known after so many.
    pub(super) fn learned_since(&self, count: usize) -> Vec<String> {
        match self.count.load(Ordering::Acquire) > count {
            true => self.lock().order.get(count..).unwrap_or_default().to_vec(),
            false => Vec::new(),
        }
    }

    /// What is to be made of the whole cassette, and the values that stay readable.
    pub(super) fn verdict(&self) -> (Finder, Vec<String>) {
        let state = self.lock();
        let mut pairs = Vec::new();
        let mut names = Vec::new();
        // In one order, whatever the map's.
        for (value, known) in state.known.iter().collect::<BTreeMap<_, _>>() {
            let is_name = known.weak && state.names.contains(&state.hasher.hash_one(value.as_str()));
            let is_name = is_name || known.weak && state.names.contains(&state.hasher.hash_one(known.placeholder.as_str()));
            if is_name {
                pairs.push((known.placeholder.as_str(), value.as_str()));
                names.push(value.clone());
            } else {
                pairs.push((value.as_str(), known.placeholder.as_str()));
            }
        }
        (Finder::new(pairs), names)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recall for Memory {
    fn hide(&self, text: &str) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let finders = self.lock().finders.clone();
        finder::replaced(&finders, text)
    }

    fn hide_in_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let finders = self.lock().finders.clone();
        finders.iter().fold(None, |changed: Option<Vec<u8>>, finder| {
            finder.hide_in_bytes(changed.as_deref().unwrap_or(bytes)).or(changed)
        })
    }
}

impl State {
    fn add(&mut self, value: &str, placeholder: &str) {
        let mut newest = Finder::new([(value, placeholder)]);
        while let Some(last) = self.finders.pop_if(|last| last.len() <= newest.len()) {
            newest = Finder::new(last.pairs().chain(newest.pairs()));
        }
        self.finders.push(Arc::new(newest));
    }
}

/// The strings of a document, each with the name that it has; nothing where the text is none.
fn strings(text: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut found = Vec::new();
    let mut name = Cow::Borrowed("");
    let mut lexer = Lexer::new(text);
    loop {
        match lexer.next().ok()? {
            Token::End => return Some(found),
            Token::Key(raw) => name = raw.decode(),
            Token::Text(raw) => found.push((name.clone(), raw.decode())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
