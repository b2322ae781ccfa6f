//! botocore's `service-2.json`, the model that nearly every user of AWS has installed, put into the
//! words of Smithy, so that one compiler and one set of protocols serve both formats.
//!
//! What differs in meaning and not only in words: a pattern here must match the whole text (see
//! [`Pattern::botocore`](super::pattern::Pattern::botocore)), and the names of a wire location are
//! written where Smithy writes a trait for each protocol. Documentation is left out.

mod document;
mod member;
mod operation;
mod query_names;
mod service;
mod shape;
#[cfg(test)]
mod tests;

use super::ast::AstShape;
pub use document::Metadata;
use document::{Document, Shape};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The traits of a service, as far as its metadata tells them: enough to list it.
pub use service::{service_id, service_traits};

/// Reads a file into shapes by id. `rules` are the endpoint rules that botocore keeps in a file of
/// their own beside it.
pub fn read(bytes: &[u8], rules: Option<Value>) -> Result<Vec<(String, AstShape)>, serde_json::Error> {
    let mut document: Document = serde_json::from_slice(bytes)?;
    query_names::complete(&mut document);
    Ok(Translator::new(&document).translate(rules))
}

/// What all parts of the translation look at.
struct Translator<'a> {
    document: &'a Document,
    by_name: HashMap<&'a str, &'a Shape>,
    namespace: String,
    /// Element names mean something: restXml, awsQuery, ec2Query.
    xml: bool,
    /// Property names mean something: restJson1. The other JSON protocols know member names only.
    json_names: bool,
    /// `http` means something: the REST protocols.
    rest: bool,
}

impl<'a> Translator<'a> {
    fn new(document: &'a Document) -> Translator<'a> {
        let speaks = |names: &[&str]| document.metadata.protocol_names().any(|name| names.contains(&name));
        Translator {
            by_name: document.shapes.iter().map(|(name, shape)| (name.as_str(), shape)).collect(),
            namespace: service::namespace(&document.metadata),
            xml: speaks(&["rest-xml", "query", "ec2"]) || document.metadata.aws_query_compatible.is_some(),
            json_names: speaks(&["rest-json"]),
            rest: speaks(&["rest-json", "rest-xml"]),
            document,
        }
    }

    fn translate(&self, rules: Option<Value>) -> Vec<(String, AstShape)> {
        let errors = self.errors();
        let inputs = self.inputs();
        let mut shapes = vec![self.service(rules)];
        for (name, operation) in &self.document.operations {
            shapes.push((self.operation_id(name, operation), self.operation(operation)));
        }
        for (name, shape) in &self.document.shapes {
            let mut translated = self.shape(name, shape, errors.get(name.as_str()).copied(), &mut shapes);
            if let Some(input) = inputs.get(name.as_str()) {
                self.element_traits(name, input, &mut translated.traits);
            }
            shapes.push((self.id(name), translated));
        }
        shapes
    }

    fn id(&self, name: &str) -> String {
        format!("{}#{name}", self.namespace)
    }

    fn find(&self, name: &str) -> &'a Shape {
        static NONE: LazyLock<Shape> = LazyLock::new(Shape::default);
        self.by_name.get(name).copied().unwrap_or(&NONE)
    }
}
