//! The contract: what a service's model says of a value, and where a value departs from it.
//!
//! Rules and their sources: Smithy 2.0, "Constraint traits" and "Simple types". This floor knows
//! values and shapes; it never sees bytes.

mod constraint;
mod sensitive;
mod unique;

pub use sensitive::sensitive;

use crate::model::pattern::{Matched, Pattern};
use crate::model::schema::{Constraints, Member, Members, Service, Shape, ShapeIndex, ShapeKind};
use crate::pointer::Path;
pub use crate::value::Side;
use crate::value::{ByName, Value};
use constraint::Typed;
use std::collections::{HashMap, HashSet};

use std::fmt;

/// The kind of rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    Required,
    Type,
    Length,
    Pattern,
    Range,
    Enum,
    UniqueItems,
    Union,
    /// An idempotency token used again with another input. Only a live session can find it.
    Token,
    /// A member, error or status that the model does not know.
    Unknown,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 10] = [
        Rule::Required,
        Rule::Type,
        Rule::Length,
        Rule::Pattern,
        Rule::Range,
        Rule::Enum,
        Rule::UniqueItems,
        Rule::Union,
        Rule::Token,
        Rule::Unknown,
    ];

    /// The rule's name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Required => "required",
            Rule::Type => "type",
            Rule::Length => "length",
            Rule::Pattern => "pattern",
            Rule::Range => "range",
            Rule::Enum => "enum",
            Rule::UniqueItems => "uniqueItems",
            Rule::Union => "union",
            Rule::Token => "token",
            Rule::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One departure from the model; whether it is a violation or a lint, its list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// JSON pointer from the root of the input, output or error, in member names.
    pub path: String,
    /// The rule.
    pub rule: Rule,
    /// One sentence in the service's own style, without the value:
    /// `Value at '/name' failed to satisfy constraint: Member must not be null`.
    pub message: String,
}

/// All departures of one value, in the order of the walk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What the service would refuse (request), or a client could not read (response).
    pub violations: Vec<Departure>,
    /// What is told and tolerated.
    pub lints: Vec<Departure>,
}

/// A place in a value that must not be written down.
#[derive(Debug, Clone)]
pub struct SensitivePlace<'a> {
    /// JSON pointer in member names, from the root of the value; always a scalar, or a map key.
    pub path: String,
    /// The place is the key of the map entry that `path` leads to, not its value.
    pub is_key: bool,
    /// The innermost member whose target describes the scalar, where the model knows it.
    pub member: Option<&'a Member>,
}

/// Judges a value by a shape. Where nothing departs, nothing is allocated.
///
/// A type that is wrong anywhere hides every constraint, as a service stops at reading the value:
/// only `type` violations are told then (and lints that are not about constraints).
pub fn check(service: &Service, shape: ShapeIndex, value: &Value, side: Side) -> Judgement {
    let mut walk = Walk {
        service,
        side,
        judgement: Judgement::default(),
    };
    let root = Path::ROOT;
    walk.value(
        Place {
            shape,
            constraints: &UNCONSTRAINED,
            path: &root,
            own: &root,
            hidden: false,
        },
        value,
    );
    let mut judgement = walk.judgement;
    if judgement.violations.iter().any(|violation| violation.rule == Rule::Type) {
        judgement.violations.retain(|violation| violation.rule == Rule::Type);
        judgement.lints.retain(|lint| matches!(lint.rule, Rule::Type | Rule::Unknown));
    }
    judgement
}

/// How many departures a summary lists; services do the same.
const LISTED: usize = 10;

/// What a service says of violations:
/// `2 validation errors detected: Value at …; Value at …`.
pub fn summary(violations: &[Departure]) -> String {
    let count = violations.len();
    let plural = if count == 1 { "error" } else { "errors" };
    let listed: Vec<&str> = violations.iter().take(LISTED).map(|violation| violation.message.as_str()).collect();
    format!("{count} validation {plural} detected: {}", listed.join("; "))
}

static UNCONSTRAINED: Constraints = Constraints {
    length: None,
    range: None,
    pattern: None,
    unique_items: false,
};

/// The values of structures with more members are kept on the heap.
const SLOTS: usize = 64;

/// Where the walk stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    shape: ShapeIndex,
    constraints: &'p Constraints,
    /// The place itself.
    path: &'p Path<'p>,
    /// Where a breach of its own constraints is told: the place, or the list that is a set of it.
    own: &'p Path<'p>,
    /// Below something sensitive, so that not even a map key may be told.
    hidden: bool,
}

struct Walk<'a> {
    service: &'a Service,
    side: Side,
    judgement: Judgement,
}

impl<'a> Walk<'a> {
    fn value(&mut self, place: Place<'_>, value: &Value) {
        let shape = self.service.shape(place.shape);
        if let (ShapeKind::Union(_), Value::List(events)) = (&shape.kind, value)
            && shape.is_event_stream()
        {
            return self.events(place, events);
        }
        match constraint::typed(&shape.kind, value) {
            Typed::Fits => {}
            Typed::OddSpelling => self.lint(Rule::Type, place.path, "Member should be written without fraction or exponent"),
            Typed::Breach(wanted) => return self.breach(Rule::Type, place.path, &format!("Member must be {wanted}")),
        }
        let place = Place {
            hidden: place.hidden || shape.sensitive,
            ..place
        };
        match (&shape.kind, value) {
            (ShapeKind::String(_), Value::Text(text)) => self.text(place, &shape.kind, text),
            (ShapeKind::Blob, Value::Blob(bytes)) => self.length(place, || bytes.len()),
            (ShapeKind::List(item), Value::List(items)) => self.list(place, item, items),
            (ShapeKind::Map { key, value }, Value::Object(entries)) => self.map(place, key, value, entries),
            (ShapeKind::Structure(members), Value::Object(found)) => self.structure(place, shape, members, found),
            (ShapeKind::Union(members), Value::Object(found)) => self.union(place, shape, members, found),
            (ShapeKind::Unit, Value::Object(found)) => self.unknown_members(place, shape, found),
            (ShapeKind::Document | ShapeKind::Boolean | ShapeKind::Timestamp, _) => {}
            (kind, number) => self.number(place, kind, number),
        }
    }

    /// The events of a streaming union, each judged as the union that it is.
    fn events(&mut self, place: Place<'_>, events: &[Value]) {
        for (index, event) in events.iter().enumerate() {
            let path = place.path.index(index);
            self.value(
                Place {
                    path: &path,
                    own: &path,
                    ..place
                },
                event,
            );
        }
    }

    fn text(&mut self, place: Place<'_>, kind: &ShapeKind, text: &str) {
        self.length(place, || constraint::text_length(text));
        if let Some(pattern) = &place.constraints.pattern {
            self.pattern(place, pattern, text);
        }
        if let ShapeKind::String(Some(values)) = kind
            && !constraint::obeys_enum(values, text)
        {
            self.breach(Rule::Enum, place.own, &constraint::enum_text(values));
        }
    }

    fn length(&mut self, place: Place<'_>, count: impl FnOnce() -> usize) {
        if let Some(length) = &place.constraints.length
            && !constraint::obeys_length(length, count())
        {
            self.breach(Rule::Length, place.own, &constraint::length_text(length));
        }
    }

    fn pattern(&mut self, place: Place<'_>, pattern: &Pattern, text: &str) {
        let source = pattern.source();
        match pattern.matches(text) {
            Matched::Yes => {}
            Matched::No => self.breach(
                Rule::Pattern,
                place.own,
                &format!("Member must satisfy regular expression pattern: {source}"),
            ),
            Matched::Undecided => self.judgement.lints.push(Departure {
                path: place.own.render(),
                rule: Rule::Pattern,
                message: format!(
                    "Value at '{}' was not judged: no engine decides the pattern within its limits: {source}",
                    shown(place.own)
                ),
            }),
        }
    }

    fn number(&mut self, place: Place<'_>, kind: &ShapeKind, value: &Value) {
        if let Some(range) = &place.constraints.range
            && !constraint::obeys_range(range, value)
        {
            self.breach(Rule::Range, place.own, &constraint::range_text(range));
        }
        if let ShapeKind::IntEnum(values) = kind
            && !constraint::obeys_int_enum(values, value)
        {
            self.breach(Rule::Enum, place.own, &constraint::int_enum_text(values));
        }
    }

    fn list(&mut self, place: Place<'_>, item: &Member, items: &[Value]) {
        self.length(place, || items.len());
        let is_set = place.constraints.unique_items;
        if is_set && !unique::all_differ(items) {
            self.breach(Rule::UniqueItems, place.own, "Member must have unique values");
        }
        for (index, found) in items.iter().enumerate() {
            let path = place.path.index(index);
            // What fails inside a set is told of the set: its items have no place of their own.
            let own = if is_set { place.path } else { &path };
            self.element(place, item, &path, own, found);
        }
    }

    fn map(&mut self, place: Place<'_>, key: &Member, value: &Member, entries: &[(String, Value)]) {
        let shadowed = shadowed(entries);
        self.length(place, || entries.len() - shadowed.len());
        let key_shape = self.service.shape(key.target);
        let hidden = place.hidden || key.sensitive || key_shape.sensitive;
        for (index, (name, found)) in entries.iter().enumerate() {
            if shadowed.contains(&index) {
                continue;
            }
            let key_place = Place {
                shape: key.target,
                constraints: &key.constraints,
                ..place
            };
            self.text(key_place, &key_shape.kind, name);
            let entry = if hidden { *place.path } else { place.path.name(name) };
            self.element(place, value, &entry, &entry, found);
        }
    }

    /// An item of a list or the value of a map entry.
    fn element(&mut self, place: Place<'_>, member: &Member, path: &Path<'_>, own: &Path<'_>, value: &Value) {
        if matches!(value, Value::Null) && member.sparse {
            return;
        }
        self.value(place.member(member, path, own), value);
    }

    fn structure(&mut self, place: Place<'_>, shape: &Shape, members: &Members, found: &[(String, Value)]) {
        let mut few = [None; SLOTS];
        let mut many = Vec::new();
        let slots: &mut [Option<&Value>] = match members.list.len() > SLOTS {
            true => {
                many.resize(members.list.len(), None);
                &mut many
            }
            false => &mut few,
        };
        let mut known = 0;
        for (name, value) in found {
            let Some(position) = members.position(name) else { continue };
            known += 1;
            if let Some(slot) = slots.get_mut(position) {
                // The last of a name counts.
                *slot = Some(value);
            }
        }
        for (member, value) in members.list.iter().zip(slots.iter().copied()) {
            let path = place.path.name(&member.name);
            match value {
                None | Some(Value::Null) if member.required => self.breach(Rule::Required, &path, "Member must not be null"),
                None | Some(Value::Null) => {}
                Some(value) => self.value(place.member(member, &path, &path), value),
            }
        }
        if known < found.len() {
            self.unknown_members(place, shape, found);
        }
    }

    /// Exactly one known member that is not null. A type discriminator beside it is ignored, and
    /// so are nulls.
    fn union(&mut self, place: Place<'_>, shape: &Shape, members: &Members, found: &[(String, Value)]) {
        let shadowed = shadowed(found);
        let counts = |index: usize, name: &str, value: &Value| {
            !shadowed.contains(&index) && *value != Value::Null && (name != "__type" || members.find(name).is_some())
        };
        let set = || {
            found
                .iter()
                .enumerate()
                .filter(|(index, (name, value))| counts(*index, name, value))
        };
        let known = set().filter(|(_, (name, _))| members.find(name).is_some()).count();
        let unknown = set().count() - known;
        // A newer service may send more than the model knows; beside a known member that is no matter.
        if known != 1 || unknown > 0 && self.side == Side::Request {
            self.breach(Rule::Union, place.own, "Member must have exactly one known member set");
        }
        let by_name = ByName::new(found);
        for member in &members.list {
            if let Some(value) = by_name.get(&member.name).filter(|value| **value != Value::Null) {
                let path = place.path.name(&member.name);
                self.value(place.member(member, &path, &path), value);
            }
        }
        if unknown > 0 {
            self.unknown_members(place, shape, found);
        }
    }

    fn unknown_members(&mut self, place: Place<'_>, shape: &Shape, found: &[(String, Value)]) {
        let shadowed = shadowed(found);
        for (index, (name, _)) in found.iter().enumerate() {
            if (name == "__type" && self.side == Side::Response) || shadowed.contains(&index) || shape.member(name).is_some() {
                continue;
            }
            let path = place.path.name(name);
            self.judgement.lints.push(Departure {
                path: path.render(),
                rule: Rule::Unknown,
                message: format!("Value at '{}' is no member of `{}`", shown(&path), shape.name()),
            });
        }
    }

    /// A breach is a violation or a lint by the side it is on.
    fn breach(&mut self, rule: Rule, path: &Path<'_>, text: &str) {
        if self.side == Side::Response && !matches!(rule, Rule::Required | Rule::Type) {
            return self.lint(rule, path, text);
        }
        self.judgement.violations.push(departure(rule, path, text));
    }

    fn lint(&mut self, rule: Rule, path: &Path<'_>, text: &str) {
        self.judgement.lints.push(departure(rule, path, text));
    }
}

impl<'p> Place<'p> {
    /// The place of a member, item or map value below this one.
    fn member<'q>(&self, member: &'q Member, path: &'q Path<'q>, own: &'q Path<'q>) -> Place<'q> {
        Place {
            shape: member.target,
            constraints: &member.constraints,
            path,
            own,
            hidden: self.hidden || member.sensitive,
        }
    }
}

fn departure(rule: Rule, path: &Path<'_>, text: &str) -> Departure {
    Departure {
        path: path.render(),
        rule,
        message: format!("Value at '{}' failed to satisfy constraint: {text}", shown(path)),
    }
}

/// A path for a person: the root is `/`.
fn shown(path: &Path<'_>) -> String {
    let text = path.render();
    if text.is_empty() { "/".to_owned() } else { text }
}

/// Objects with more entries are searched for repeated keys by hashing.
const FEW: usize = 32;

/// The entries that do not count because their key comes again; an empty set allocates nothing.
fn shadowed(entries: &[(String, Value)]) -> HashSet<usize> {
    if entries.len() <= FEW {
        let repeated = |index: &usize| entries[index + 1..].iter().any(|(later, _)| *later == entries[*index].0);
        return (0..entries.len()).filter(repeated).collect();
    }
    let mut last: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    entries
        .iter()
        .enumerate()
        .filter_map(|(index, (name, _))| last.insert(name, index))
        .collect()
}

#[cfg(test)]
mod tests;
