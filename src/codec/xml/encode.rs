//! Values written as XML, led by their shapes.

use super::escape;
use super::names::{Namespace, Naming};
use crate::codec::scalar;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::Value;
use std::fmt::Write;

/// Writes one document. Members of a structure that are null are left out.
pub struct Encoder<'a> {
    service: &'a Service,
    out: String,
}

impl<'a> Encoder<'a> {
    /// An empty document without an XML declaration.
    pub fn new(service: &'a Service) -> Encoder<'a> {
        Encoder {
            service,
            out: String::new(),
        }
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }

    /// Opens an element that the protocol asks for; [`close`](Encoder::close) ends it.
    pub fn open(&mut self, name: &str, namespace: Option<Namespace<'_>>) {
        self.start(name, namespace);
        self.out.push('>');
    }

    /// Ends an element.
    pub fn close(&mut self, name: &str) {
        let _ = write!(self.out, "</{name}>");
    }

    /// Writes an element that holds a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.open(name, None);
        self.out.push_str(&escape::content(text));
        self.close(name);
    }

    /// Writes a value as the element `name`.
    pub fn element(&mut self, name: &str, namespace: Option<Namespace<'_>>, shape: ShapeIndex, value: &Value) {
        self.formatted(name, namespace, shape, TimestampFormat::DateTime, value);
    }

    /// Writes the members of a structure, without an element around them. Members that are
    /// attributes have no place there and are left out.
    pub fn members(&mut self, shape: ShapeIndex, value: &Value) {
        self.content(shape, TimestampFormat::DateTime, value);
    }

    fn start(&mut self, name: &str, namespace: Option<Namespace<'_>>) {
        let _ = write!(self.out, "<{name}");
        if let Some(Namespace { uri, prefix }) = namespace {
            let _ = match prefix {
                Some(prefix) => write!(self.out, " xmlns:{prefix}=\"{}\"", escape::attribute(uri)),
                None => write!(self.out, " xmlns=\"{}\"", escape::attribute(uri)),
            };
        }
    }

    fn formatted(&mut self, name: &str, namespace: Option<Namespace<'_>>, shape: ShapeIndex, format: TimestampFormat, value: &Value) {
        self.start(name, namespace);
        self.attributes(shape, value);
        self.out.push('>');
        self.content(shape, format, value);
        self.close(name);
    }

    fn attributes(&mut self, shape: ShapeIndex, value: &Value) {
        for member in self.service.shape(shape).members().iter().filter(|member| member.is_attribute()) {
            let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
            if let Some(text) = value.member(&member.name).and_then(|value| scalar::to_text(value, format)) {
                let _ = write!(self.out, " {}=\"{}\"", member.xml_name(), escape::attribute(text.as_str()));
            }
        }
    }

    fn content(&mut self, shape: ShapeIndex, format: TimestampFormat, value: &Value) {
        match (&self.service.shape(shape).kind, value) {
            (ShapeKind::Structure(_) | ShapeKind::Union(_) | ShapeKind::Unit, Value::Object(members)) => self.structure(shape, members),
            (ShapeKind::List(item), Value::List(items)) => {
                for value in items {
                    self.member(item, item.xml_name(), Namespace::of(&item.traits), value);
                }
            }
            (ShapeKind::Map { key, value }, Value::Object(entries)) => {
                for entry in entries {
                    self.entry("entry", None, key, value, entry);
                }
            }
            (_, value) => self.unshaped(value, format),
        }
    }

    fn structure(&mut self, shape: ShapeIndex, members: &[(String, Value)]) {
        let shape = self.service.shape(shape);
        for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
            match shape.member(name) {
                Some(member) if member.is_attribute() => {}
                Some(member) => self.structure_member(member, value),
                None if is_name(name) => {
                    self.open(name, None);
                    self.unshaped(value, TimestampFormat::DateTime);
                    self.close(name);
                }
                None => {}
            }
        }
    }

    fn structure_member(&mut self, member: &Member, value: &Value) {
        let namespace = Namespace::of(&member.traits);
        let kind = &self.service.shape(member.target).kind;
        match (kind, value) {
            (ShapeKind::List(item), Value::List(items)) if member.is_flattened() => {
                for value in items {
                    self.member(item, member.xml_name(), namespace, value);
                }
            }
            (ShapeKind::Map { key, value }, Value::Object(entries)) if member.is_flattened() => {
                for entry in entries {
                    self.entry(member.xml_name(), namespace, key, value, entry);
                }
            }
            _ => self.member(member, member.xml_name(), namespace, value),
        }
    }

    fn member(&mut self, member: &Member, name: &str, namespace: Option<Namespace<'_>>, value: &Value) {
        let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
        self.formatted(name, namespace, member.target, format, value);
    }

    fn entry(&mut self, name: &str, namespace: Option<Namespace<'_>>, key: &Member, value: &Member, (key_text, found): &(String, Value)) {
        self.open(name, namespace);
        self.start(key.xml_name(), Namespace::of(&key.traits));
        self.out.push('>');
        self.out.push_str(&escape::content(key_text.as_str()));
        self.close(key.xml_name());
        if *found != Value::Null {
            self.member(value, value.xml_name(), Namespace::of(&value.traits), found);
        }
        self.close(name);
    }

    /// A scalar, or what no shape describes.
    fn unshaped(&mut self, value: &Value, format: TimestampFormat) {
        match value {
            Value::List(items) => {
                for item in items {
                    self.open("member", None);
                    self.unshaped(item, format);
                    self.close("member");
                }
            }
            Value::Object(members) => {
                for (name, value) in members.iter().filter(|(name, value)| *value != Value::Null && is_name(name)) {
                    self.open(name, None);
                    self.unshaped(value, format);
                    self.close(name);
                }
            }
            scalar => self
                .out
                .push_str(&escape::content(&scalar::to_text(scalar, format).unwrap_or_default())),
        }
    }
}

/// Whether a text may be the name of an element: an unknown member may be called anything.
fn is_name(text: &str) -> bool {
    let may_start = |character: char| character.is_alphabetic() || character == '_';
    text.chars().next().is_some_and(may_start)
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':'))
}
