//! Members: where a value is on the wire, and under which name.

use super::Translator;
use super::document::Shape;
use super::shape::value_traits;
use crate::model::ast::Traits;
use serde_json::{Value, json};

impl Translator<'_> {
    /// A member of a structure or union.
    pub fn member_traits(&self, structure: &Shape, name: &str, member: &Shape) -> Traits {
        let target = self.find(&member.shape);
        let mut traits = value_traits(member, &target.kind);
        // Values of an enumeration are a matter of the target, which the member has for itself then.
        traits.remove("smithy.api#enum");
        let required = structure.required.iter().any(|required| required == name);
        let marks = [
            ("smithy.api#required", required),
            ("smithy.api#idempotencyToken", member.idempotency_token),
            ("smithy.api#httpPayload", structure.payload.as_deref() == Some(name)),
            ("smithy.api#hostLabel", member.host_label),
            ("smithy.api#eventHeader", member.eventheader),
            ("smithy.api#eventPayload", member.eventpayload),
        ];
        for (mark, _) in marks.iter().filter(|(_, on)| *on) {
            traits.insert((*mark).to_owned(), json!({}));
        }
        if let Some(parameter) = &member.context_param {
            traits.insert("smithy.rules#contextParam".to_owned(), parameter.clone());
        }
        match binding(member, target, name) {
            Some((binding, value)) => {
                traits.insert(binding.to_owned(), value);
            }
            None => {
                let is_payload = traits.contains_key("smithy.api#httpPayload");
                self.names(name, member, target, is_payload, &mut traits);
            }
        }
        traits
    }

    /// The item of a list, the key or value of a map.
    pub fn part_traits(&self, part: &Shape) -> Traits {
        let mut traits = value_traits(part, &self.find(&part.shape).kind);
        traits.remove("smithy.api#enum");
        self.xml_traits(part.location_name.as_deref(), part, &mut traits);
        traits
    }

    /// The names of a member that is written in the body. That of a payload is told even if it is the
    /// member's: without it the element would be called like its shape.
    fn names(&self, name: &str, member: &Shape, target: &Shape, is_payload: bool, traits: &mut Traits) {
        let tells = |written: &&str| *written != name || is_payload;
        let written = member.location_name.as_deref().filter(tells);
        if let Some(written) = written.filter(|_| self.json_names) {
            traits.insert("smithy.api#jsonName".to_owned(), json!(written));
        }
        if let Some(query_name) = &member.query_name {
            traits.insert("aws.protocols#ec2QueryName".to_owned(), json!(query_name));
        }
        let flattened = self.xml && (member.flattened || target.flattened);
        if flattened {
            traits.insert("smithy.api#xmlFlattened".to_owned(), json!({}));
        }
        // A flattened list is written under the name of its items, where they have one.
        let item = target
            .member
            .as_ref()
            .filter(|_| flattened)
            .and_then(|item| item.location_name.as_deref());
        self.xml_traits(item.filter(|item| *item != name).or(written), member, traits);
    }

    fn xml_traits(&self, written: Option<&str>, said: &Shape, traits: &mut Traits) {
        if !self.xml {
            return;
        }
        if let Some(written) = written {
            traits.insert("smithy.api#xmlName".to_owned(), json!(written));
        }
        if said.xml_attribute {
            traits.insert("smithy.api#xmlAttribute".to_owned(), json!({}));
        }
        if let Some(namespace) = &said.xml_namespace {
            traits.insert("smithy.api#xmlNamespace".to_owned(), namespace.clone());
        }
    }
}

/// The HTTP binding of a member, where it has one.
fn binding(member: &Shape, target: &Shape, name: &str) -> Option<(&'static str, Value)> {
    let written = member.location_name.as_deref();
    Some(match member.location.as_deref()? {
        "header" => ("smithy.api#httpHeader", json!(written.unwrap_or(name))),
        "headers" => ("smithy.api#httpPrefixHeaders", json!(written.unwrap_or_default())),
        "querystring" if target.kind == "map" => ("smithy.api#httpQueryParams", json!({})),
        "querystring" => ("smithy.api#httpQuery", json!(written.unwrap_or(name))),
        "uri" => ("smithy.api#httpLabel", json!({})),
        "statusCode" => ("smithy.api#httpResponseCode", json!({})),
        _ => return None,
    })
}
