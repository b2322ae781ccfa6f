//! Form bodies of the query protocols: `Action=…&Version=…&Tags.member.1.Key=…`, as a tree of the
//! names between the dots, and that tree as a value of a shape.
//!
//! What a member is called, and how lists and maps are numbered, is the [`Dialect`]'s.

use super::scalar;
use super::xml::Naming;
use crate::model::schema::{Member, Members, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::{Side, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Keys with more dots are refused.
const MAX_DEPTH: usize = 512;

/// What stays as it is in a form: the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why a body is not a form that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A key or value is not text.
    #[error("a field is not UTF-8 at byte {offset}")]
    NotText {
        /// Where its field begins.
        offset: usize,
    },
    /// A key has more than the allowed number of parts.
    #[error("the key of the field at byte {offset} is nested more than {MAX_DEPTH} deep")]
    TooDeep {
        /// Where the field begins.
        offset: usize,
    },
}

/// One `key=value`, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value; empty where there is no `=`.
    pub value: Cow<'a, str>,
    /// Where the value lies in the form, as written.
    pub written: Range<usize>,
}

/// The fields of a form, one after the other.
pub fn fields(form: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let mut offset = 0;
    form.split(|byte| *byte == b'&').filter_map(move |pair| {
        let start = offset;
        offset += pair.len() + 1;
        (!pair.is_empty()).then(|| field(pair, start))
    })
}

fn field(pair: &[u8], offset: usize) -> Result<Field<'_>, Malformed> {
    let equals = pair.iter().position(|byte| *byte == b'=');
    let (key, value) = match equals {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, &pair[pair.len()..]),
    };
    let end = offset + pair.len();
    Ok(Field {
        key: decoded(key).ok_or(Malformed::NotText { offset })?,
        value: decoded(value).ok_or(Malformed::NotText { offset })?,
        written: end - value.len()..end,
    })
}

fn decoded(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if !bytes.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_decode(&spaced).decode_utf8().ok()?.into_owned();
    Some(Cow::Owned(text))
}

/// The first value of a key; nothing where there is none, or it is not text.
pub fn find<'a>(form: &'a [u8], key: &str) -> Option<Cow<'a, str>> {
    fields(form)
        .filter_map(Result::ok)
        .find(|field| field.key == key)
        .map(|field| field.value)
}

/// How a query protocol names things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// awsQuery: `@xmlName`, `.member.N`, `.entry.N.key`, unless flattened.
    Aws,
    /// ec2Query: `@ec2QueryName`, else `@xmlName` or the member's name with a capital; every list
    /// is flattened, and an empty one is not written.
    Ec2,
}

impl Dialect {
    /// What a member of a structure is called.
    pub fn key(self, member: &Member) -> Cow<'_, str> {
        match self {
            Dialect::Aws => Cow::Borrowed(member.xml_name()),
            Dialect::Ec2 => match member.traits.get("aws.protocols#ec2QueryName").and_then(|name| name.as_str()) {
                Some(name) => Cow::Borrowed(name),
                None => capitalised(member.xml_name()),
            },
        }
    }

    fn flattens(self, member: &Member) -> bool {
        self == Dialect::Ec2 || member.is_flattened()
    }
}

fn capitalised(name: &str) -> Cow<'_, str> {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) if !first.is_uppercase() => Cow::Owned(first.to_uppercase().chain(characters).collect()),
        _ => Cow::Borrowed(name),
    }
}

/// The fields below one part of a key.
#[derive(Debug, Default)]
struct Node {
    /// The place among its siblings, by first appearance.
    order: usize,
    /// The value of the key that ends here; of several, the last.
    text: Option<String>,
    children: HashMap<String, Node>,
}

impl Node {
    fn insert(&mut self, field: &Field<'_>) -> Result<(), Malformed> {
        let mut node = self;
        for (depth, part) in field.key.split('.').enumerate() {
            if depth >= MAX_DEPTH {
                return Err(Malformed::TooDeep {
                    offset: field.written.start,
                });
            }
            let order = node.children.len();
            node = node
                .children
                .entry(part.to_owned())
                .or_insert_with(|| Node { order, ..Node::default() });
        }
        node.text = Some(field.value.clone().into_owned());
        Ok(())
    }

    fn in_order(&self) -> Vec<(&str, &Node)> {
        let mut children: Vec<(&str, &Node)> = self.children.iter().map(|(name, node)| (name.as_str(), node)).collect();
        children.sort_by_key(|(_, node)| node.order);
        children
    }

    /// The children whose names are numbers, by number.
    fn numbered(&self) -> Vec<&Node> {
        let mut items: Vec<(u64, &Node)> = self
            .children
            .iter()
            .filter_map(|(name, node)| Some((name.parse().ok()?, node)))
            .collect();
        items.sort_by_key(|(number, node)| (*number, node.order));
        items.into_iter().map(|(_, node)| node).collect()
    }

    fn is_blank(&self) -> bool {
        self.children.is_empty() && self.text.as_deref().is_none_or(str::is_empty)
    }

    fn untyped(&self) -> Value {
        if self.children.is_empty() {
            return Value::Text(self.text.clone().unwrap_or_default());
        }
        let children = self.in_order().into_iter();
        Value::Object(children.map(|(name, node)| (name.to_owned(), node.untyped())).collect())
    }
}

/// Reads forms (a query string and a body, say), one after the other, as a value of `shape`.
///
/// Top-level fields for which `is_protocol` holds are the protocol's own and no members. Lenient: a
/// field that the shape does not know is kept under its key, and text that is not of the shape's
/// type stays text. Timestamps are `date-time` where the model says nothing else.
///
/// # Errors
/// Where a field is not text.
pub fn decode(
    service: &Service,
    shape: ShapeIndex,
    forms: &[&[u8]],
    dialect: Dialect,
    is_protocol: impl Fn(&str) -> bool,
) -> Result<Value, Malformed> {
    let mut root = Node::default();
    for form in forms {
        for field in fields(form) {
            let field = field?;
            if !is_protocol(&field.key) {
                root.insert(&field)?;
            }
        }
    }
    let decoder = Decoder { service, dialect };
    Ok(match &service.shape(shape).kind {
        ShapeKind::Structure(members) | ShapeKind::Union(members) => decoder.structure(members, &root),
        _ if root.children.is_empty() => Value::Object(Vec::new()),
        _ => root.untyped(),
    })
}

struct Decoder<'a> {
    service: &'a Service,
    dialect: Dialect,
}

impl Decoder<'_> {
    fn structure(&self, members: &Members, node: &Node) -> Value {
        let mut known: HashMap<Cow<'_, str>, &Member> = HashMap::with_capacity(members.list.len());
        // Of two members with one name, the first of the model counts.
        for member in members.list.iter().rev() {
            known.insert(self.dialect.key(member), member);
        }
        let read = |(name, child): (&str, &Node)| match known.get(name) {
            Some(member) => (member.name.clone(), self.member(member, child)),
            None => (scalar::unknown_name(members, name), child.untyped()),
        };
        Value::Object(node.in_order().into_iter().map(read).collect())
    }

    fn member(&self, member: &Member, node: &Node) -> Value {
        match &self.service.shape(member.target).kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) if node.is_blank() || !node.children.is_empty() => {
                self.structure(members, node)
            }
            ShapeKind::Unit if node.is_blank() => Value::Object(Vec::new()),
            ShapeKind::List(item) if node.is_blank() || !node.children.is_empty() => {
                let items = below(node, item.xml_name(), "member").numbered();
                Value::List(items.into_iter().map(|node| self.member(item, node)).collect())
            }
            ShapeKind::Map { key, value } if node.is_blank() || !node.children.is_empty() => {
                let entries = below(node, "entry", "entry").numbered();
                Value::Object(entries.into_iter().map(|node| self.entry(key, value, node)).collect())
            }
            kind if node.children.is_empty() => {
                let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
                scalar::from_text(kind, node.text.as_deref().unwrap_or_default(), format, Side::Request)
            }
            _ => node.untyped(),
        }
    }

    fn entry(&self, key: &Member, value: &Member, node: &Node) -> (String, Value) {
        let name = node.children.get(key.xml_name()).and_then(|key| key.text.clone());
        let found = node.children.get(value.xml_name()).map(|found| self.member(value, found));
        (name.unwrap_or_default(), found.unwrap_or(Value::Null))
    }
}

/// Where the numbers of a collection are: below the name of its items, or (flattened) right here.
/// Services take either.
fn below<'a>(node: &'a Node, name: &str, usual: &str) -> &'a Node {
    node.children.get(name).or_else(|| node.children.get(usual)).unwrap_or(node)
}

/// Writes the members of a structure behind `form`, which holds at least one field.
pub fn encode(service: &Service, shape: ShapeIndex, value: &Value, dialect: Dialect, form: &mut String) {
    let mut encoder = Encoder { service, dialect, form };
    encoder.structure(shape, value, "");
}

/// Adds one field to a form.
pub fn push(form: &mut String, key: &str, value: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    form.extend(utf8_percent_encode(key, ESCAPED));
    form.push('=');
    form.extend(utf8_percent_encode(value, ESCAPED));
}

struct Encoder<'a> {
    service: &'a Service,
    dialect: Dialect,
    form: &'a mut String,
}

impl Encoder<'_> {
    fn structure(&mut self, shape: ShapeIndex, value: &Value, prefix: &str) {
        let Value::Object(members) = value else { return };
        let shape = self.service.shape(shape);
        for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
            match shape.member(name) {
                Some(member) => {
                    let key = joined(prefix, &self.dialect.key(member));
                    self.member(member, value, &key);
                }
                None => self.untyped(value, &joined(prefix, name)),
            }
        }
    }

    fn member(&mut self, member: &Member, value: &Value, key: &str) {
        match (&self.service.shape(member.target).kind, value) {
            (ShapeKind::List(_), Value::List(items)) if items.is_empty() => {
                if self.dialect == Dialect::Aws {
                    push(self.form, key, "");
                }
            }
            (ShapeKind::List(item), Value::List(items)) => {
                let key = if self.dialect.flattens(member) {
                    key.to_owned()
                } else {
                    joined(key, item.xml_name())
                };
                for (number, value) in (1..).zip(items) {
                    self.member(item, value, &format!("{key}.{number}"));
                }
            }
            (ShapeKind::Map { key: name, value: item }, Value::Object(entries)) => {
                let key = if self.dialect.flattens(member) {
                    key.to_owned()
                } else {
                    joined(key, "entry")
                };
                for (number, (text, value)) in (1..).zip(entries) {
                    push(self.form, &format!("{key}.{number}.{}", name.xml_name()), text);
                    self.member(item, value, &format!("{key}.{number}.{}", item.xml_name()));
                }
            }
            (_, Value::Object(_)) => self.structure(member.target, value, key),
            (_, Value::List(_)) => self.untyped(value, key),
            (_, value) => {
                let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
                if let Some(text) = scalar::to_text(value, format) {
                    push(self.form, key, &text);
                }
            }
        }
    }

    fn untyped(&mut self, value: &Value, key: &str) {
        match value {
            Value::List(items) => {
                for (number, value) in (1..).zip(items) {
                    self.untyped(value, &format!("{key}.{number}"));
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    self.untyped(value, &joined(key, name));
                }
            }
            value => {
                if let Some(text) = scalar::to_text(value, TimestampFormat::DateTime) {
                    push(self.form, key, &text);
                }
            }
        }
    }
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}
