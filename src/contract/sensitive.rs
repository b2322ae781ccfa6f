//! Where a value holds what must not be written down.
//!
//! Everything below a sensitive member or shape is: a value of the wrong type, a repeated key, a
//! member that the model does not know, the keys of a map.

use super::SensitivePlace;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};
use crate::pointer::Path;
use crate::value::Value;

/// Every sensitive scalar and map key of a value. Booleans and nulls are left out: they carry
/// nothing that a stand-in could hide. Costs nothing where no shape below is sensitive.
pub fn sensitive<'a>(service: &'a Service, shape: ShapeIndex, value: &'a Value) -> Vec<SensitivePlace<'a>> {
    let mut search = Search {
        service,
        found: Vec::new(),
    };
    if service.carries_sensitive(shape) {
        search.value(shape, None, false, &Path::ROOT, value);
    }
    search.found
}

struct Search<'a> {
    service: &'a Service,
    found: Vec<SensitivePlace<'a>>,
}

impl<'a> Search<'a> {
    /// `member` is the one that leads here, where the model knows it.
    fn value(&mut self, shape: ShapeIndex, member: Option<&'a Member>, inherited: bool, path: &Path<'_>, value: &'a Value) {
        let service = self.service;
        let hidden = inherited || service.shape(shape).sensitive || member.is_some_and(|member| member.sensitive);
        if !hidden && !service.carries_sensitive(shape) {
            return;
        }
        match (&service.shape(shape).kind, value) {
            (ShapeKind::List(item), Value::List(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.value(item.target, Some(item), hidden, &path.index(index), value);
                }
            }
            (ShapeKind::Map { key, value: target }, Value::Object(entries)) => {
                let hidden_key = hidden || key.sensitive || service.shape(key.target).sensitive;
                for (name, value) in entries {
                    let path = path.name(name);
                    if hidden_key {
                        self.push(&path, true, Some(key));
                    }
                    self.value(target.target, Some(target), hidden, &path, value);
                }
            }
            (ShapeKind::Structure(members) | ShapeKind::Union(members), Value::Object(found)) => {
                for (name, value) in found {
                    let path = path.name(name);
                    match members.find(name) {
                        Some(member) => self.value(member.target, Some(member), hidden, &path, value),
                        None if hidden => self.everything(None, &path, value),
                        None => {}
                    }
                }
            }
            // A scalar; a document; or something of another type where a secret was to be expected.
            _ => self.everything(member, path, value),
        }
    }

    /// Every scalar of a value that the model says nothing of.
    fn everything(&mut self, member: Option<&'a Member>, path: &Path<'_>, value: &'a Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.everything(member, &path.index(index), item);
                }
            }
            Value::Object(found) => {
                for (name, value) in found {
                    self.everything(member, &path.name(name), value);
                }
            }
            Value::Integer(_) | Value::Number(_) | Value::Text(_) | Value::Blob(_) | Value::Timestamp { .. } => {
                self.push(path, false, member);
            }
        }
    }

    fn push(&mut self, path: &Path<'_>, is_key: bool, member: Option<&'a Member>) {
        self.found.push(SensitivePlace {
            path: path.render(),
            is_key,
            member,
        });
    }
}
