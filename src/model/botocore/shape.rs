//! Shapes: their types, and what they say of their values.

use super::document::Shape;
use super::operation::{deprecation, error_traits};
use super::{AstShape, Translator};
use crate::model::ast::{AstMember, Traits};
use serde_json::{Map, Value, json};

impl Translator<'_> {
    /// One shape. `reference` is what an operation says of it as an error; `own` takes the shapes that
    /// only one of its members has.
    pub fn shape(&self, name: &str, shape: &Shape, reference: Option<&Shape>, own: &mut Vec<(String, AstShape)>) -> AstShape {
        let mut traits = value_traits(shape, &shape.kind);
        error_traits(shape, reference, &mut traits);
        self.shape_traits(name, shape, &mut traits);
        let part = |part: &Option<Box<Shape>>, own: &mut Vec<(String, AstShape)>, position: &str| {
            part.as_ref().map(|part| AstMember {
                target: self.target(name, position, part, own),
                traits: self.part_traits(part),
            })
        };
        AstShape {
            kind: kind(shape).to_owned(),
            members: self.members(name, shape, own),
            member: part(&shape.member, own, "member"),
            key: part(&shape.key, own, "key"),
            value: part(&shape.value, own, "value"),
            traits,
            ..AstShape::default()
        }
    }

    fn members(&self, name: &str, shape: &Shape, own: &mut Vec<(String, AstShape)>) -> Map<String, Value> {
        let member = |(member_name, member): &(String, Shape)| {
            let traits = self.member_traits(shape, member_name, member);
            let written = json!({ "target": self.target(name, member_name, member, own), "traits": traits });
            (member_name.clone(), written)
        };
        shape.members.iter().map(member).collect()
    }

    /// What the shape itself says to the protocols.
    fn shape_traits(&self, name: &str, shape: &Shape, traits: &mut Traits) {
        self.element_traits(name, shape, traits);
        let marks = [
            ("smithy.api#streaming", shape.streaming || shape.eventstream),
            ("smithy.api#requiresLength", shape.requires_length),
            ("smithy.api#sparse", shape.sparse),
        ];
        for (name, _) in marks.iter().filter(|(_, on)| *on) {
            traits.insert((*name).to_owned(), json!({}));
        }
    }

    /// The name and name space of the element that a structure is.
    pub fn element_traits(&self, name: &str, said: &Shape, traits: &mut Traits) {
        if let Some(namespace) = said.xml_namespace.as_ref().filter(|_| self.xml) {
            traits.insert("smithy.api#xmlNamespace".to_owned(), namespace.clone());
        }
        if let Some(element) = said.location_name.as_ref().filter(|element| self.xml && *element != name) {
            traits.insert("smithy.api#xmlName".to_owned(), json!(element));
        }
    }

    /// The shape that a member, item, key or value has: the one it refers to, or one of its own where
    /// it says what in Smithy only a shape can say.
    fn target(&self, owner: &str, position: &str, reference: &Shape, own: &mut Vec<(String, AstShape)>) -> String {
        let base = self.find(&reference.shape);
        let streams = reference.streaming && !base.streaming && base.kind == "blob";
        // Only a scalar has a shape of its own at a member; anything else could be a member of itself.
        let is_scalar = !matches!(base.kind.as_str(), "structure" | "list" | "map");
        if !is_scalar || !streams && !reference.jsonvalue && reference.values.is_empty() {
            return self.id(&reference.shape);
        }
        let mut shape = base.clone();
        shape.streaming |= streams;
        if !reference.values.is_empty() {
            shape.values.clone_from(&reference.values);
        }
        let id = format!("{}.{owner}.{position}#{}", self.namespace, reference.shape);
        let mut translated = self.shape(&reference.shape, &shape, None, &mut Vec::new());
        if reference.jsonvalue {
            let media_type = json!("application/json");
            translated.traits.insert("smithy.api#mediaType".to_owned(), media_type);
        }
        own.push((id.clone(), translated));
        id
    }
}

/// The type, as Smithy names it.
fn kind(shape: &Shape) -> &str {
    match shape.kind.as_str() {
        "structure" if shape.document => "document",
        "structure" if shape.union || shape.eventstream => "union",
        "character" => "string",
        other => other,
    }
}

/// Constraints and marks of a value, which a shape and a reference to it write alike. `kind` is the
/// type of the value.
pub fn value_traits(said: &Shape, kind: &str) -> Traits {
    let mut traits = Traits::new();
    let mut put = |name: &str, value: Value| {
        traits.insert(name.to_owned(), value);
    };
    let mut bounds = Map::new();
    for (name, bound) in [("min", &said.min), ("max", &said.max)] {
        if let Some(bound) = bound {
            bounds.insert(name.to_owned(), Value::Number(bound.clone()));
        }
    }
    let is_number = matches!(kind, "integer" | "long" | "float" | "double" | "short" | "byte");
    if !bounds.is_empty() {
        let name = if is_number { "smithy.api#range" } else { "smithy.api#length" };
        put(name, Value::Object(bounds));
    }
    if let Some(pattern) = &said.pattern {
        put("smithy.api#pattern", json!(pattern));
    }
    if !said.values.is_empty() && kind != "structure" {
        let values: Vec<Value> = said.values.iter().map(|value| json!({ "value": value })).collect();
        put("smithy.api#enum", Value::Array(values));
    }
    if said.sensitive {
        put("smithy.api#sensitive", json!({}));
    }
    if let Some(format) = said.timestamp_format.as_deref().and_then(timestamp_format) {
        put("smithy.api#timestampFormat", json!(format));
    }
    if said.deprecated {
        put("smithy.api#deprecated", deprecation(said.deprecated_message.as_deref()));
    }
    traits
}

fn timestamp_format(name: &str) -> Option<&'static str> {
    match name {
        "iso8601" => Some("date-time"),
        "rfc822" => Some("http-date"),
        "unixTimestamp" => Some("epoch-seconds"),
        _ => None,
    }
}
