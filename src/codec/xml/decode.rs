//! An element of a document, read as a value of a shape.

use super::names::Naming;
use super::{Element, local};
use crate::codec::scalar;
use crate::model::schema::{Member, Members, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::{Side, Value};
use std::collections::HashMap;

/// Reads an element as a value of `shape`: its children and attributes as the members of a
/// structure, its text as a scalar.
///
/// Lenient: what the shape does not know is kept under its name on the wire, and text that is not
/// of the shape's type stays text. Timestamps are `date-time` where the model says nothing else.
pub fn decode(service: &Service, shape: ShapeIndex, element: &Element<'_>, side: Side) -> Value {
    let mut decoder = Decoder {
        service,
        side,
        names: HashMap::new(),
    };
    decoder.value(shape, TimestampFormat::DateTime, element)
}

/// Reads an element that no shape describes: its text, or an object of its children.
pub fn untyped(element: &Element<'_>) -> Value {
    if element.children.is_empty() {
        return Value::Text(element.text.clone().into_owned());
    }
    let members = element.children.iter().map(|child| (child.local_name().to_owned(), untyped(child)));
    Value::Object(members.collect())
}

/// The members of one structure by what they are called on the wire, without prefix.
struct Names<'a> {
    elements: HashMap<&'a str, &'a Member>,
    attributes: HashMap<&'a str, &'a Member>,
}

impl<'a> Names<'a> {
    fn of(members: &'a Members) -> Names<'a> {
        let (mut elements, mut attributes) = (HashMap::new(), HashMap::new());
        // Of two members with one name, the first of the model counts.
        for member in members.list.iter().rev() {
            let named = if member.is_attribute() { &mut attributes } else { &mut elements };
            named.insert(local(member.xml_name()), member);
        }
        Names { elements, attributes }
    }
}

struct Decoder<'a> {
    service: &'a Service,
    side: Side,
    names: HashMap<ShapeIndex, Names<'a>>,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, shape: ShapeIndex, format: TimestampFormat, element: &Element<'_>) -> Value {
        match &self.service.shape(shape).kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => self.structure(shape, members, element),
            ShapeKind::Unit => Value::Object(unknown_members(element)),
            ShapeKind::List(item) => {
                let items = element.children.iter().filter(|child| is_called(child, item.xml_name()));
                Value::List(items.map(|child| self.member(item, child)).collect())
            }
            ShapeKind::Map { key, value } => {
                let entries = element.children.iter().filter(|child| child.local_name() == "entry");
                Value::Object(entries.map(|entry| self.entry(key, value, entry)).collect())
            }
            kind if element.children.is_empty() => scalar::from_text(kind, &element.text, format, self.side),
            _ => untyped(element),
        }
    }

    fn member(&mut self, member: &'a Member, element: &Element<'_>) -> Value {
        let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
        self.value(member.target, format, element)
    }

    fn structure(&mut self, shape: ShapeIndex, members: &'a Members, element: &Element<'_>) -> Value {
        self.names.entry(shape).or_insert_with(|| Names::of(members));
        let mut found: Vec<(String, Value)> = Vec::with_capacity(element.children.len());
        for (name, text) in &element.attributes {
            let known = self.names.get(&shape).and_then(|names| names.attributes.get(local(name)).copied());
            // Any other attribute is a namespace or a remark on the element, and no member.
            if let Some(member) = known.filter(|_| !name.starts_with("xmlns")) {
                let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
                let kind = &self.service.shape(member.target).kind;
                found.push((member.name.clone(), scalar::from_text(kind, text, format, self.side)));
            }
        }
        // Where the collections stand whose items are strewn among the other members.
        let mut flattened: HashMap<&str, usize> = HashMap::new();
        for child in &element.children {
            let known = self
                .names
                .get(&shape)
                .and_then(|names| names.elements.get(child.local_name()).copied());
            let Some(member) = known else {
                found.push((scalar::unknown_name(members, child.local_name()), untyped(child)));
                continue;
            };
            match self.strewn(member, child) {
                Some(part) => match flattened.get(member.name.as_str()).and_then(|at| found.get_mut(*at)) {
                    Some((_, whole)) => append(whole, part),
                    None => {
                        flattened.insert(&member.name, found.len());
                        found.push((member.name.clone(), part));
                    }
                },
                None => {
                    let value = self.member(member, child);
                    found.push((member.name.clone(), value));
                }
            }
        }
        let is_absent = |member: &&Member| member.required && !flattened.contains_key(member.name.as_str());
        for member in members.list.iter().filter(is_absent) {
            found.extend(self.nothing_strewn(member).map(|empty| (member.name.clone(), empty)));
        }
        Value::Object(found)
    }

    /// A flattened collection without items leaves no element behind: where one must be there, it is
    /// empty.
    fn nothing_strewn(&self, member: &Member) -> Option<Value> {
        if !member.is_flattened() {
            return None;
        }
        match &self.service.shape(member.target).kind {
            ShapeKind::List(_) => Some(Value::List(Vec::new())),
            ShapeKind::Map { .. } => Some(Value::Object(Vec::new())),
            _ => None,
        }
    }

    /// The one item or entry that an element of a flattened list or map holds.
    fn strewn(&mut self, member: &'a Member, element: &Element<'_>) -> Option<Value> {
        if !member.is_flattened() {
            return None;
        }
        match &self.service.shape(member.target).kind {
            ShapeKind::List(item) => Some(Value::List(vec![self.member(item, element)])),
            ShapeKind::Map { key, value } => Some(Value::Object(vec![self.entry(key, value, element)])),
            _ => None,
        }
    }

    fn entry(&mut self, key: &Member, value: &'a Member, entry: &Element<'_>) -> (String, Value) {
        let named = |name: &str| entry.children.iter().find(|child| is_called(child, name));
        let name = named(key.xml_name()).map_or_else(String::new, |key| key.text.clone().into_owned());
        let value = named(value.xml_name()).map_or(Value::Null, |found| self.member(value, found));
        (name, value)
    }
}

fn is_called(element: &Element<'_>, name: &str) -> bool {
    element.local_name() == local(name)
}

fn unknown_members(element: &Element<'_>) -> Vec<(String, Value)> {
    let members = element.children.iter();
    members.map(|child| (child.local_name().to_owned(), untyped(child))).collect()
}

fn append(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::List(items), Value::List(more)) => items.extend(more),
        (Value::Object(entries), Value::Object(more)) => entries.extend(more),
        _ => {}
    }
}
