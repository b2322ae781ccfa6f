//! The scalars of a form body (`application/x-www-form-urlencoded`), whose names are paths:
//! `Tags.member.1.Key=a` (Smithy 2.0, "AWS query protocol" and "EC2 query protocol").

use super::{Form, Part, Root, Spot, Visit};
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};
use crate::pointer;
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::ops::Range;

/// How names are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// awsQuery: `Names.member.1`, `Map.entry.1.key`; flattened ones without the word between.
    Query,
    /// ec2Query: `Name.1`, with capitals and `@ec2QueryName`.
    Ec2,
}

/// Shows every value of a form in its order. Any bytes are a form.
pub fn locate(root: Root<'_>, style: Style, body: &[u8], visit: Visit<'_>) {
    let pairs = pairs(body, 0);
    let mut places: Vec<Option<(String, bool)>> = pairs.iter().map(|_| None).collect();
    if let Some((service, shape)) = root.shape {
        let tree = Node::of(&pairs);
        let mut walk = Walk {
            service,
            style,
            pairs: &pairs,
            places: &mut places,
        };
        walk.node(&tree, Some(shape), root.member);
    }
    for (pair, place) in pairs.iter().zip(&places) {
        let mut wire = "/body/".to_owned();
        pointer::escape_into(&pair.name, &mut wire);
        let (member, key) = match place {
            Some((member, key)) => (Some(member.as_str()), *key),
            None => (None, false),
        };
        visit(Spot {
            member,
            wire: &wire,
            part: Part::Body,
            range: pair.value.clone(),
            form: Form::FormValue,
            key,
            text: Cow::Borrowed(&pair.text),
        });
    }
}

/// One name with its value.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Decoded.
    pub name: String,
    /// Where the name is.
    pub name_range: Range<usize>,
    /// Where the value is, as it is written.
    pub value: Range<usize>,
    /// The value decoded.
    pub text: String,
}

/// The pairs of a form or query that have a value. Ranges begin at `offset`.
pub fn pairs(body: &[u8], offset: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut at = 0;
    for part in body.split(|byte| *byte == b'&') {
        if let Some(equals) = part.iter().position(|byte| *byte == b'=') {
            let start = offset + at + equals + 1;
            pairs.push(Pair {
                name: decoded(&part[..equals]),
                name_range: offset + at..start - 1,
                value: start..offset + at + part.len(),
                text: decoded(&part[equals + 1..]),
            });
        }
        at += part.len() + 1;
    }
    pairs
}

fn decoded(bytes: &[u8]) -> String {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// The names of a form as a tree of their words.
#[derive(Default)]
struct Node<'a> {
    /// Pairs whose name ends here.
    pairs: Vec<usize>,
    children: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Node<'a> {
    fn of(pairs: &'a [Pair]) -> Node<'a> {
        let mut root = Node::default();
        for (index, pair) in pairs.iter().enumerate() {
            let mut node = &mut root;
            // What is nested more deeply than any model is no path.
            for word in pair.name.splitn(super::MAX_DEPTH, '.') {
                node = node.child_mut(word);
            }
            node.pairs.push(index);
        }
        root
    }

    fn child_mut(&mut self, word: &'a str) -> &mut Node<'a> {
        let at = match self.children.iter().position(|(known, _)| *known == word) {
            Some(at) => at,
            None => {
                self.children.push((word, Node::default()));
                self.children.len() - 1
            }
        };
        &mut self.children[at].1
    }

    fn child(&self, word: &str) -> Option<&Node<'a>> {
        self.children.iter().find(|(known, _)| *known == word).map(|(_, node)| node)
    }

    /// The children that are numbered, in the order of their numbers.
    fn numbered(&self) -> Vec<&(&'a str, Node<'a>)> {
        let number = |word: &str| word.parse::<u64>().ok();
        let mut items: Vec<_> = self.children.iter().filter(|(word, _)| number(word).is_some()).collect();
        items.sort_by_key(|(word, _)| number(word));
        items
    }
}

struct Walk<'a> {
    service: &'a Service,
    style: Style,
    pairs: &'a [Pair],
    places: &'a mut [Option<(String, bool)>],
}

impl<'a> Walk<'a> {
    fn node(&mut self, node: &Node<'_>, shape: Option<ShapeIndex>, path: &str) {
        let root = path.is_empty();
        for pair in &node.pairs {
            if !root {
                self.set(*pair, path, false);
            }
        }
        match shape.map(|shape| &self.service.shape(shape).kind) {
            Some(ShapeKind::Structure(members) | ShapeKind::Union(members)) => {
                for (word, child) in &node.children {
                    let member = members.list.iter().find(|member| self.name(member) == *word);
                    let path = below(path, member.map_or(word, |member| &member.name));
                    match member {
                        Some(member) => self.member(child, member, &path),
                        None => self.node(child, None, &path),
                    }
                }
            }
            _ => self.unknown(&node.children, path),
        }
    }

    /// Words that no shape explains: they go on as names, so that what holds above holds for them.
    fn unknown(&mut self, children: &[(&str, Node<'_>)], path: &str) {
        for (word, child) in children {
            self.node(child, None, &below(path, word));
        }
    }

    fn member(&mut self, node: &Node<'_>, member: &'a Member, path: &str) {
        let flat = self.style == Style::Ec2 || member.traits.contains_key("smithy.api#xmlFlattened");
        match &self.service.shape(member.target).kind {
            ShapeKind::List(item) => {
                let word = xml_name(item);
                let items = if flat { Some(node) } else { node.child(word) };
                self.list(node, items, word, item, path);
            }
            ShapeKind::Map { key, value } => {
                let entries = if flat { Some(node) } else { node.child("entry") };
                self.map(node, entries, key, value, path);
            }
            _ => self.node(node, Some(member.target), path),
        }
    }

    fn list(&mut self, node: &Node<'_>, items: Option<&Node<'_>>, word: &str, item: &'a Member, path: &str) {
        for pair in &node.pairs {
            self.set(*pair, path, false);
        }
        // What is neither the word nor a number is not an item, but is below the list all the same.
        let flat = items.is_some_and(|items| std::ptr::eq(items, node));
        for (name, child) in &node.children {
            let known = if flat { name.parse::<u64>().is_ok() } else { *name == word };
            if !known {
                self.node(child, None, &below(path, name));
            }
        }
        for (index, (_, child)) in items.map(Node::numbered).unwrap_or_default().into_iter().enumerate() {
            self.member(child, item, &below(path, &index.to_string()));
        }
    }

    fn map(&mut self, node: &Node<'_>, entries: Option<&Node<'_>>, key: &'a Member, value: &'a Member, path: &str) {
        for pair in &node.pairs {
            self.set(*pair, path, false);
        }
        let flat = entries.is_some_and(|entries| std::ptr::eq(entries, node));
        for (name, child) in &node.children {
            let known = if flat { name.parse::<u64>().is_ok() } else { *name == "entry" };
            if !known {
                self.node(child, None, &below(path, name));
            }
        }
        for (_, entry) in entries.map(Node::numbered).unwrap_or_default() {
            let named = entry.child(xml_name(key));
            let pair = named.and_then(|node| node.pairs.last()).and_then(|pair| self.pairs.get(*pair));
            let text = pair.map_or("", |pair| &pair.text);
            let path = below(path, text);
            for (name, child) in &entry.children {
                if *name == xml_name(key) {
                    child.pairs.iter().for_each(|pair| self.set(*pair, &path, true));
                    self.unknown(&child.children, &path);
                } else if *name == xml_name(value) {
                    self.member(child, value, &path);
                } else {
                    self.node(child, None, &path);
                }
            }
        }
    }

    fn set(&mut self, pair: usize, path: &str, key: bool) {
        if let Some(place) = self.places.get_mut(pair) {
            *place = Some((path.to_owned(), key));
        }
    }

    /// What a member of a structure is called in a form.
    fn name<'m>(&self, member: &'m Member) -> Cow<'m, str> {
        let named = |id: &str| member.traits.get(id).and_then(|name| name.as_str());
        match self.style {
            Style::Query => Cow::Borrowed(xml_name(member)),
            Style::Ec2 => match named("aws.protocols#ec2QueryName") {
                Some(name) => Cow::Borrowed(name),
                None => capitalised(xml_name(member)),
            },
        }
    }
}

fn below(path: &str, name: &str) -> String {
    let mut out = path.to_owned();
    out.push('/');
    pointer::escape_into(name, &mut out);
    out
}

fn xml_name(member: &Member) -> &str {
    let named = member.traits.get("smithy.api#xmlName").and_then(|name| name.as_str());
    named.unwrap_or(&member.name)
}

fn capitalised(name: &str) -> Cow<'_, str> {
    match name.chars().next() {
        Some(first) if first.is_lowercase() => Cow::Owned(first.to_uppercase().collect::<String>() + &name[first.len_utf8()..]),
        _ => Cow::Borrowed(name),
    }
}
