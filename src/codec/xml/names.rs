//! What the XML traits of a model call things on the wire.

use crate::model::schema::{Member, Service, Shape, ShapeIndex};
use serde_json::{Map, Value};

/// `@xmlNamespace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// The namespace.
    pub uri: &'a str,
    /// The prefix it is bound to; none for the default namespace.
    pub prefix: Option<&'a str>,
}

impl<'a> Namespace<'a> {
    /// The namespace that traits give, where they give one.
    pub fn of(traits: &'a Map<String, Value>) -> Option<Namespace<'a>> {
        let namespace = traits.get("smithy.api#xmlNamespace")?;
        Some(Namespace {
            uri: namespace.get("uri")?.as_str()?,
            prefix: namespace.get("prefix").and_then(Value::as_str),
        })
    }
}

/// The namespace that the root element of a shape is in: its own, else the service's.
pub fn namespace(service: &Service, shape: ShapeIndex) -> Option<Namespace<'_>> {
    Namespace::of(&service.shape(shape).traits).or_else(|| Namespace::of(&service.traits))
}

/// What the root element of a shape is called: its `@xmlName`, else its local name.
pub fn root_name(shape: &Shape) -> &str {
    xml_name(&shape.traits).unwrap_or_else(|| shape.name())
}

fn xml_name(traits: &Map<String, Value>) -> Option<&str> {
    traits.get("smithy.api#xmlName").and_then(Value::as_str)
}

/// How a member, item, key or value stands in XML.
pub trait Naming {
    /// The name of its element or attribute: `@xmlName`, else its own; `member`, `key` and `value`
    /// in a list or map.
    fn xml_name(&self) -> &str;
    /// `@xmlFlattened`: its items or entries stand directly in the parent, under its own name.
    fn is_flattened(&self) -> bool;
    /// `@xmlAttribute`.
    fn is_attribute(&self) -> bool;
}

impl Naming for Member {
    fn xml_name(&self) -> &str {
        xml_name(&self.traits).unwrap_or(&self.name)
    }

    fn is_flattened(&self) -> bool {
        self.traits.contains_key("smithy.api#xmlFlattened")
    }

    fn is_attribute(&self) -> bool {
        self.traits.contains_key("smithy.api#xmlAttribute")
    }
}
