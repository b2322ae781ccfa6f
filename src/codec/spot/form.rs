//! The scalars of a form body (`application/x-www-form-urlencoded`), whose names are paths:
//! `Tags.member.1.Key=a` (Smithy 2.0, "AWS query protocol" and "EC2 query protocol").

use super::{Form, Part, Root, Spot, Visit};
use crate::codec::form::{Dialect, Field, Malformed, fields};
use crate::codec::scalar::unknown_name;
use crate::codec::xml::Naming;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};
use crate::pointer;
use std::collections::HashMap;

/// Shows every value of a form in its order.
///
/// # Errors
/// Where a field is not text.
pub fn locate(root: Root<'_>, dialect: Dialect, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    let pairs: Vec<Field<'_>> = fields(body).collect::<Result<_, _>>()?;
    let mut places: Vec<Option<(String, bool)>> = pairs.iter().map(|_| None).collect();
    if let Some((service, shape)) = root.shape {
        let tree = Node::of(&pairs);
        let mut walk = Walk {
            service,
            dialect,
            pairs: &pairs,
            places: &mut places,
        };
        walk.node(&tree, Some(shape), root.member);
    }
    for (pair, place) in pairs.iter().zip(&places) {
        let mut wire = "/body/".to_owned();
        pointer::escape_into(&pair.key, &mut wire);
        let (member, key) = match place {
            Some((member, key)) => (Some(member.as_str()), *key),
            None => (None, false),
        };
        visit(Spot {
            member,
            wire: &wire,
            part: Part::Body,
            range: pair.written.clone(),
            form: Form::FormValue,
            key,
            text: pair.value.as_ref().into(),
        });
    }
    Ok(())
}

/// The names of a form as a tree of their words.
#[derive(Default)]
struct Node<'a> {
    /// Pairs whose name ends here.
    pairs: Vec<usize>,
    children: Vec<(&'a str, Node<'a>)>,
    /// Where each word is among the children.
    places: HashMap<&'a str, usize>,
}

impl<'a> Node<'a> {
    fn of(pairs: &'a [Field<'_>]) -> Node<'a> {
        let mut root = Node::default();
        for (index, pair) in pairs.iter().enumerate() {
            let mut node = &mut root;
            // What is nested more deeply than any model is no path.
            for word in pair.key.splitn(super::MAX_DEPTH, '.') {
                node = node.child_mut(word);
            }
            node.pairs.push(index);
        }
        root
    }

    fn child_mut(&mut self, word: &'a str) -> &mut Node<'a> {
        let next = self.children.len();
        let at = *self.places.entry(word).or_insert(next);
        if at == next {
            self.children.push((word, Node::default()));
        }
        &mut self.children[at].1
    }

    fn child(&self, word: &str) -> Option<&Node<'a>> {
        let at = *self.places.get(word)?;
        self.children.get(at).map(|(_, node)| node)
    }

    /// The children that are numbered, in the order of their numbers.
    fn numbered(&self) -> Vec<&Node<'a>> {
        let number = |word: &str| word.parse::<u64>().ok();
        let mut items: Vec<_> = self.children.iter().filter(|(word, _)| number(word).is_some()).collect();
        items.sort_by_key(|(word, _)| number(word));
        items.into_iter().map(|(_, node)| node).collect()
    }
}

struct Walk<'a> {
    service: &'a Service,
    dialect: Dialect,
    pairs: &'a [Field<'a>],
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
                    match members.list.iter().find(|member| self.dialect.key(member) == *word) {
                        Some(member) => self.member(child, member, &below(path, &member.name)),
                        None => self.node(child, None, &below(path, &unknown_name(members, word))),
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
        match &self.service.shape(member.target).kind {
            ShapeKind::List(item) => {
                let items = self.collection(node, &[item.xml_name(), "member"], path);
                for (index, child) in items.into_iter().enumerate() {
                    self.member(child, item, &below(path, &index.to_string()));
                }
            }
            ShapeKind::Map { key, value } => {
                for entry in self.collection(node, &["entry"], path) {
                    self.entry(entry, key, value, path);
                }
            }
            _ => self.node(node, Some(member.target), path),
        }
    }

    /// The numbered parts of a list or map: below one of these names, or (flattened) right here. What
    /// is beside them is no part, but is below the list or map all the same.
    fn collection<'n>(&mut self, node: &'n Node<'n>, names: &[&str], path: &str) -> Vec<&'n Node<'n>> {
        for pair in &node.pairs {
            self.set(*pair, path, false);
        }
        let named = names.iter().find_map(|name| node.child(name));
        let parts = named.unwrap_or(node);
        for (word, child) in &node.children {
            let is_part = named.is_none() && word.parse::<u64>().is_ok() || named.is_some_and(|named| std::ptr::eq(named, child));
            if !is_part {
                self.node(child, None, &below(path, word));
            }
        }
        parts.numbered()
    }

    fn entry(&mut self, entry: &Node<'_>, key: &Member, value: &'a Member, path: &str) {
        let named = entry.child(key.xml_name());
        let pair = named.and_then(|node| node.pairs.last()).and_then(|pair| self.pairs.get(*pair));
        let path = below(path, pair.map_or("", |pair| &pair.value));
        for (name, child) in &entry.children {
            if *name == key.xml_name() {
                child.pairs.iter().for_each(|pair| self.set(*pair, &path, true));
                self.unknown(&child.children, &path);
            } else if *name == value.xml_name() {
                self.member(child, value, &path);
            } else {
                self.node(child, None, &below(&path, name));
            }
        }
    }

    fn set(&mut self, pair: usize, path: &str, key: bool) {
        if let Some(place) = self.places.get_mut(pair) {
            *place = Some((path.to_owned(), key));
        }
    }
}

fn below(path: &str, name: &str) -> String {
    let mut out = path.to_owned();
    out.push('/');
    pointer::escape_into(name, &mut out);
    out
}
