//! What one message comes to, before it is written: what is put where, and what is noted of it.

use super::options::Trail;
use super::rules::Rule;
use super::scan::Budget;
use crate::codec::spot::{Form, Part, Splice, Spot};
use crate::pointer;
use crate::value::Value;
use std::collections::{HashMap, HashSet};

/// What one message comes to.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) splices: HashMap<Part, Vec<Splice>>,
    pub(super) notes: Vec<Note>,
    /// Pointers whose last name is a key that became another, with what they are now.
    pub(super) members: Renamed,
    pub(super) wires: Renamed,
    /// Headers whose value is a stand-in already.
    pub(super) hidden_headers: HashSet<usize>,
    /// Somebody reads the body as it is, white space included.
    pub(super) raw: bool,
    /// A place that cannot hold its stand-in.
    pub(super) unwritable: Option<String>,
    /// The list in which the last text of the body stands, which may be a command.
    pub(super) command: Trail,
    /// What may be spent on what the message hides.
    pub(super) budget: Budget,
}

#[derive(Default)]
pub(super) struct Renamed(HashMap<String, String>);

pub(super) struct Note {
    pub(super) part: Part,
    pub(super) wire: String,
    pub(super) member: Option<String>,
    pub(super) rule: Rule,
}

impl Draft {
    pub(super) fn of(&self, part: Part) -> &[Splice] {
        self.splices.get(&part).map_or(&[], Vec::as_slice)
    }

    /// A part of the message with what is written in it.
    pub(super) fn applied(&self, part: Part, bytes: &[u8]) -> Option<Vec<u8>> {
        Splice::apply(part, bytes, self.of(part))
    }

    /// Writes another value at a spot, and notes it.
    pub(super) fn put(&mut self, spot: &Spot<'_>, value: &Value, rules: &[Rule]) {
        let Some(bytes) = spot.form.write(value, &spot.text) else {
            self.unwritable.get_or_insert_with(|| spot.wire.to_owned());
            return;
        };
        // A comment in a value that is replaced goes with it.
        let covers = |splice: &Splice| splice.range.start <= spot.range.start && splice.range.end >= spot.range.end;
        let splices = self.splices.entry(spot.part).or_default();
        if matches!(spot.form, Form::XmlAside) && splices.last().is_some_and(covers) {
            return;
        }
        splices.push(Splice {
            part: spot.part,
            range: spot.range.clone(),
            bytes,
        });
        if let (true, Value::Text(name)) = (spot.key && spot.text != value.as_text().unwrap_or_default(), value) {
            self.rename(spot, name);
        }
        // A place in the URI is told by its name alone, not by its pointer.
        let wire = if spot.part == Part::Uri { "/uri" } else { spot.wire };
        for rule in rules {
            self.notes.push(Note {
                part: spot.part,
                wire: wire.to_owned(),
                member: spot.member.map(str::to_owned),
                rule: *rule,
            });
        }
    }

    /// A key is a part of the pointers to it and to everything below it.
    pub(super) fn rename(&mut self, spot: &Spot<'_>, name: &str) {
        if let Some(member) = spot.member {
            self.members.add(member, name);
        }
        match spot.form {
            Form::JsonText | Form::CborText => self.wires.add(spot.wire, name),
            Form::HeaderName => {
                let prefix = spot.wire.strip_suffix(spot.text.as_ref()).unwrap_or(spot.wire);
                let now = format!("{prefix}{}", name.to_ascii_lowercase());
                self.wires.0.insert(spot.wire.to_owned(), now);
            }
            _ => {}
        }
    }

    pub(super) fn note_all(&mut self, part: Part, wire: &str, rules: &[Rule]) {
        for rule in rules {
            self.notes.push(Note {
                part,
                wire: wire.to_owned(),
                member: None,
                rule: *rule,
            });
        }
    }
}

impl Renamed {
    pub(super) fn add(&mut self, pointer: &str, name: &str) {
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut now = self.now(parent);
        now.push('/');
        pointer::escape_into(name, &mut now);
        self.0.insert(pointer.to_owned(), now);
    }

    /// The pointer as it leads through what is written.
    pub(super) fn now(&self, pointer: &str) -> String {
        if self.0.is_empty() {
            return pointer.to_owned();
        }
        let ends = std::iter::once(pointer.len()).chain(pointer.rmatch_indices('/').map(|(at, _)| at));
        let mut above = ends.filter_map(|end| pointer.split_at_checked(end));
        match above.find_map(|(from, rest)| Some((self.0.get(from)?, rest))) {
            Some((to, rest)) => format!("{to}{rest}"),
            None => pointer.to_owned(),
        }
    }
}
