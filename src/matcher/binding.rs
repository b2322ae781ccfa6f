//! Values of one call that come back in others: names that a program makes up anew in every run
//! (`[[bind]]`), secrets that were put and are got again, and digests of either. (Idempotency tokens are the affair of
//! `aliases`.)
//!
//! In a recording such a value is a text. Here every place of that text is found when the cassette
//! is loaded: in requests, where it is left out of the key, and in responses, where a slot is cut. A
//! session then holds what the live program says in its place. Where nothing recurs, nothing of
//! this exists.

use super::Track;
use super::rules::{Counts, OperationRules, found};
use crate::pointer::{self, Path};
use crate::redaction::Redactor;
use crate::redaction::digests::{Derived, derived};
use crate::redaction::renaming::Names;
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::{base64_text, is_marked_text};
use crate::value::{Directory, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// One value that recurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it is given, `OPERATION:/path`, if a rule says so.
    pub place: Option<String>,
    /// What was recorded; nothing where that is a secret's stand-in.
    pub recorded: Option<String>,
    /// Requests may hold it.
    pub(super) in_requests: bool,
    /// It only counts as a whole string.
    pub(super) whole: bool,
}

/// All values of a tape that recur.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    pub(super) list: Vec<Binding>,
    texts: Vec<String>,
    /// By position: which values a play tells. Empty where no value recurs at all.
    told: Vec<Vec<Told>>,
}

/// What a play tells of one value.
#[derive(Debug)]
pub(super) struct Told {
    /// Which.
    pub(super) id: u32,
    /// Where the request holds it.
    path: Vec<String>,
    read: Read,
}

/// What of the value there is meant.
#[derive(Debug)]
enum Read {
    Text,
    /// The bytes of a blob that are text.
    Bytes,
    /// A blob in base64.
    Base64,
    /// What a live text, or a blob that is one, has in the place of a part of the recorded one.
    Within {
        recorded: String,
        placeholder: String,
    },
    Digest(Derived),
}

impl Told {
    /// The text that a live request gives.
    pub(super) fn live(&self, input: &Directory<'_>, redactor: &Redactor) -> Option<String> {
        match (&self.read, input.find(&self.path)?) {
            (Read::Text, Value::Text(text)) => Some(text.clone()),
            (Read::Bytes, Value::Blob(bytes)) => String::from_utf8(bytes.clone()).ok(),
            (Read::Base64, Value::Blob(bytes)) => Some(base64_text(bytes)),
            (Read::Within { recorded, placeholder }, value) => redactor.live_value(recorded, &text_of(value)?, placeholder),
            (Read::Digest(derived), value) => derived.live(value),
            _ => None,
        }
    }
}

impl Bindings {
    /// Finds the values, and cuts the slots for them. `rules` gives those of a track's operation.
    pub(super) fn find<'r>(
        tracks: &mut [Track],
        inputs: &[Option<Value>],
        redactor: &Redactor,
        rules: &dyn Fn(&Track) -> Option<&'r OperationRules>,
    ) -> Bindings {
        let mut bindings = Bindings {
            told: tracks.iter().map(|_| Vec::new()).collect(),
            ..Bindings::default()
        };
        let mut ids = HashMap::new();
        for (position, (track, input)) in tracks.iter().zip(inputs).enumerate() {
            if let (Some(input), Some(rules)) = (input, rules(track)) {
                bindings.add_named(position, track, input, rules, &mut ids);
            }
        }
        for (position, (track, input)) in tracks.iter().zip(inputs).enumerate() {
            if let Some(input) = input {
                bindings.add_digests(position, track, input, rules(track), &mut ids);
            }
        }
        let named = bindings.list.len();
        for (position, (track, input)) in tracks.iter().zip(inputs).enumerate() {
            if let Some(input) = input {
                bindings.add_implied(position, track, input, redactor, &mut ids);
            }
        }
        if bindings.list.is_empty() {
            return Bindings::default();
        }
        let mut used: HashSet<u32> = (0..named as u32).collect();
        bindings.cut(tracks, &mut used);
        if used.is_empty() {
            return Bindings::default();
        }
        for told in &mut bindings.told {
            told.retain(|told| used.contains(&told.id));
        }
        bindings
    }

    fn add(
        &mut self,
        position: usize,
        text: &str,
        (path, read): (Vec<String>, Read),
        ids: &mut HashMap<String, u32>,
        binding: impl FnOnce() -> Binding,
    ) {
        let next = self.list.len() as u32;
        let id = *ids.entry(text.to_owned()).or_insert(next);
        if id == next {
            self.list.push(binding());
            self.texts.push(text.to_owned());
        }
        self.told[position].push(Told { id, path, read });
    }

    fn add_named(&mut self, position: usize, track: &Track, input: &Value, rules: &OperationRules, ids: &mut HashMap<String, u32>) {
        if track.folded {
            return;
        }
        for (path, value) in rules.binds().iter().flat_map(|steps| found(input, steps)) {
            let Value::Text(text) = value else { continue };
            if text.is_empty() {
                continue;
            }
            let place = track.place_of(&path);
            let hidden = track.is_redacted(&path);
            self.add(position, text, (path, Read::Text), ids, || Binding {
                place: Some(place),
                recorded: (!hidden).then(|| text.clone()),
                in_requests: true,
                whole: false,
            });
        }
    }

    /// Digests that answers give of what a live request may send otherwise, hidden or ignored; a client
    /// may send them again.
    fn add_digests(
        &mut self,
        position: usize,
        track: &Track,
        input: &Value,
        rules: Option<&OperationRules>,
        ids: &mut HashMap<String, u32>,
    ) {
        if track.folded || track.interaction.redacted.is_empty() && rules.is_none() {
            return;
        }
        let redacted = track.interaction.redacted.iter().filter_map(|place| place.member_of("/request"));
        let redacted: HashSet<&str> = redacted.collect();
        let differs = |path: &Path<'_>, value: &Value| {
            let is_ignored = || rules.is_some_and(|rules| rules.counts(path, value, false) != Counts::Fully);
            !redacted.is_empty() && redacted.contains(path.render().as_str()) || is_ignored()
        };
        for derived in derived(&track.interaction, input, &differs) {
            let text = derived.text.clone();
            let path = derived.path.clone();
            self.add(position, &text, (path, Read::Digest(derived)), ids, || Binding {
                place: None,
                recorded: Some(text.clone()),
                in_requests: true,
                whole: false,
            });
        }
    }

    /// What stands for a secret.
    fn add_implied(&mut self, position: usize, track: &Track, input: &Value, redactor: &Redactor, ids: &mut HashMap<String, u32>) {
        let redacted = track.interaction.redacted.iter().filter(|place| place.rule != Rule::AccountId.id());
        let secrets = redacted.filter_map(|place| Some(pointer::tokens(place.member_of("/request")?).collect()));
        let paths: Vec<Vec<String>> = secrets.collect();
        let directory = Directory::new(input);
        for path in paths {
            let Some(value) = directory.find(&path) else { continue };
            for (text, read) in secrets_of(value, redactor) {
                self.add(position, &text, (path.clone(), read), ids, || Binding {
                    place: None,
                    recorded: None,
                    in_requests: false,
                    // A placeholder that bears its mark is one in the midst of a text, too.
                    whole: !is_marked_text(&text),
                });
            }
        }
    }

    /// Cuts slots in the responses that hold a value.
    fn cut(&self, tracks: &mut [Track], used: &mut HashSet<u32>) {
        let mut names = Names::default();
        for (id, (text, binding)) in self.texts.iter().zip(&self.list).enumerate() {
            names.add(text, id as u32, binding.whole);
        }
        names.compile();
        let search = Search::new(&self.texts);
        for track in tracks {
            let response = &track.interaction.response;
            if search.may_be_in(response.body()) || response.headers().values().any(|value| search.may_be_in(value.as_bytes())) {
                used.extend(track.template.add_names(response.headers(), &names));
            }
        }
    }

    /// What a play of `position` tells.
    pub(super) fn told_by(&self, position: usize) -> &[Told] {
        self.told.get(position).map_or(&[], Vec::as_slice)
    }

    /// Whether requests may hold any.
    pub(super) fn in_requests(&self) -> bool {
        self.list.iter().any(|binding| binding.in_requests)
    }

    /// What was recorded for a value that a rule binds, where that is no secret.
    pub(super) fn recorded(&self, id: u32) -> Option<&str> {
        self.list.get(id as usize)?.recorded.as_deref()
    }

    /// Adds to the known names what the recording of `position` gives.
    pub(super) fn learn_recorded(&self, position: usize, known: &mut Names) {
        for Told { id, .. } in self.told_by(position) {
            if let Some(text) = self.texts.get(*id as usize) {
                self.learn(*id, text, known);
            }
        }
    }

    /// Adds a text for a value to the known names, if requests may hold it.
    pub(super) fn learn(&self, id: u32, text: &str, known: &mut Names) {
        if let Some(binding) = self.list.get(id as usize)
            && binding.in_requests
        {
            known.add(text, id, binding.whole);
        }
    }
}

/// The texts of a hidden value that may recur: the placeholders within it, and the whole.
fn secrets_of(value: &Value, redactor: &Redactor) -> Vec<(String, Read)> {
    let mut found = Vec::new();
    if let Some(recorded) = text_of(value) {
        let within = redactor.placeholders_in(&recorded).into_iter().map(|placeholder| {
            let read = Read::Within {
                recorded: recorded.clone().into_owned(),
                placeholder: placeholder.clone(),
            };
            (placeholder, read)
        });
        found.extend(within);
    }
    match value {
        Value::Text(text) => found.push((text.clone(), Read::Text)),
        Value::Blob(bytes) => {
            found.extend(String::from_utf8(bytes.clone()).ok().map(|text| (text, Read::Bytes)));
            found.push((base64_text(bytes), Read::Base64));
        }
        _ => {}
    }
    found.retain(|(text, _)| !text.is_empty());
    found
}

/// A text, or a blob that is one.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Blob(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        _ => None,
    }
}

/// Looks for many texts at once, in a body as it is.
struct Search {
    plain: Option<aho_corasick::AhoCorasick>,
    /// Some text may be written with escapes, which only a reader of the format finds.
    must_read: bool,
}

impl Search {
    fn new(texts: &[String]) -> Search {
        let is_plain = |text: &String| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        Search {
            plain: aho_corasick::AhoCorasick::new(texts).ok(),
            must_read: !texts.iter().all(is_plain),
        }
    }

    fn may_be_in(&self, bytes: &[u8]) -> bool {
        self.must_read || self.plain.as_ref().is_none_or(|plain| plain.is_match(bytes))
    }
}
