//! Operations.

use super::document::{ErrorFacts, Operation, Shape};
use super::service::S3;
use super::{AstShape, Translator};
use crate::model::ast::{Reference, Traits};
use serde_json::{Value, json};
use std::collections::HashMap;

impl<'a> Translator<'a> {
    /// Operations have a namespace of their own: botocore allows a shape of the same name.
    pub fn operation_id(&self, key: &str, operation: &Operation) -> String {
        let name = if operation.name.is_empty() { key } else { &operation.name };
        format!("{}.operations#{name}", self.namespace)
    }

    pub fn operation(&self, operation: &Operation) -> AstShape {
        let reference = |shape: &Shape| Reference {
            target: self.id(&shape.shape),
        };
        AstShape {
            kind: "operation".to_owned(),
            input: operation.input.as_ref().map(reference),
            output: operation.output.as_ref().map(reference),
            errors: operation.errors.iter().map(reference).collect(),
            traits: self.operation_traits(operation),
            ..AstShape::default()
        }
    }

    fn operation_traits(&self, operation: &Operation) -> Traits {
        let mut traits = Traits::new();
        let mut put = |name: &str, value: Value| {
            traits.insert(name.to_owned(), value);
        };
        if self.rest {
            put("smithy.api#http", self.http(operation));
        }
        let marks = [
            ("smithy.api#idempotent", operation.idempotent),
            ("smithy.api#readonly", operation.readonly),
            ("smithy.api#httpChecksumRequired", operation.http_checksum_required),
            ("smithy.api#optionalAuth", operation.authtype.as_deref() == Some("none")),
            (
                "aws.auth#unsignedPayload",
                operation.unsigned_payload || operation.authtype.as_deref() == Some("v4-unsigned-body"),
            ),
        ];
        marks.iter().filter(|(_, on)| *on).for_each(|(name, _)| put(name, json!({})));
        let carried = [
            ("smithy.api#endpoint", &operation.endpoint),
            ("aws.protocols#httpChecksum", &operation.http_checksum),
            ("smithy.api#requestCompression", &operation.requestcompression),
            ("smithy.rules#staticContextParams", &operation.static_context_params),
            ("smithy.rules#operationContextParams", &operation.operation_context_params),
            ("aws.api#clientDiscoveredEndpoint", &operation.endpointdiscovery),
        ];
        for (name, value) in carried {
            if let Some(value) = value {
                put(name, value.clone());
            }
        }
        // botocore reads this one answer in its own source.
        if self.document.metadata.service_id.as_deref() == Some(S3) && operation.name == "GetBucketLocation" {
            put("aws.customizations#s3UnwrappedXmlOutput", json!({}));
        }
        if operation.authtype.as_deref() == Some("none") {
            put("smithy.api#auth", json!([]));
        }
        if operation.deprecated {
            put("smithy.api#deprecated", deprecation(operation.deprecated_message.as_deref()));
        }
        traits
    }

    fn http(&self, operation: &Operation) -> Value {
        let input = operation.input.as_ref().map(|input| self.find(&input.shape));
        json!({
            "method": operation.http.method,
            "uri": input.map_or_else(|| operation.http.request_uri.clone(), |input| labelled(&operation.http.request_uri, input)),
            "code": operation.http.response_code.unwrap_or(200),
        })
    }

    /// What operations say of the errors they refer to, by shape: old files say there what newer ones
    /// say in the shape, and some shapes are errors only by being referred to.
    pub fn errors(&self) -> HashMap<&'a str, &'a Shape> {
        let references = self.document.operations.iter().flat_map(|(_, operation)| &operation.errors);
        references.map(|reference| (reference.shape.as_str(), reference)).collect()
    }

    /// What operations say of their inputs: restXml names the element there.
    pub fn inputs(&self) -> HashMap<&'a str, &'a Shape> {
        let inputs = self
            .document
            .operations
            .iter()
            .filter_map(|(_, operation)| operation.input.as_ref());
        inputs
            .filter(|_| self.xml && self.rest)
            .map(|input| (input.shape.as_str(), input))
            .collect()
    }
}

/// `@deprecated`.
pub fn deprecation(message: Option<&str>) -> Value {
    message.map_or_else(|| json!({}), |message| json!({ "message": message }))
}

/// The URI with its labels named by member: botocore names them by what it puts there.
fn labelled(uri: &str, input: &Shape) -> String {
    let mut out = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((label, tail)) = after.split_once('}') else { break };
        let (name, greedy) = label.strip_suffix('+').map_or((label, ""), |name| (name, "+"));
        out.push_str(&format!("{before}{{{}{greedy}}}", member_of_label(name, input).unwrap_or(name)));
        rest = tail;
    }
    out + rest
}

fn member_of_label<'a>(label: &str, input: &'a Shape) -> Option<&'a str> {
    let bound = input.members.iter().filter(|(_, member)| member.location.as_deref() == Some("uri"));
    bound
        .map(|(name, member)| (name.as_str(), member.location_name.as_deref().unwrap_or(name)))
        .find(|(_, written)| *written == label)
        .map(|(name, _)| name)
}

/// The traits of an error, from what its shape says, and where that says nothing, what a reference says.
pub fn error_traits(shape: &Shape, reference: Option<&Shape>, traits: &mut Traits) {
    let is_error = |shape: &Shape| shape.exception || shape.fault || shape.error.is_some();
    if !is_error(shape) && reference.is_none() {
        return;
    }
    let facts: ErrorFacts = shape
        .error
        .clone()
        .or_else(|| reference.and_then(|reference| reference.error.clone()))
        .unwrap_or_default();
    let says_fault = shape.fault || reference.is_some_and(|reference| reference.fault) || facts.fault;
    let server = says_fault || facts.sender_fault == Some(false) || facts.http_status_code.is_some_and(|status| status >= 500);
    traits.insert("smithy.api#error".to_owned(), json!(if server { "server" } else { "client" }));
    if let Some(status) = facts.http_status_code {
        traits.insert("smithy.api#httpError".to_owned(), json!(status));
    }
    if let Some(code) = facts.code {
        let status = facts.http_status_code.unwrap_or(if server { 500 } else { 400 });
        let value = json!({ "code": code, "httpResponseCode": status });
        traits.insert("aws.protocols#awsQueryError".to_owned(), value);
    }
    if let Some(retryable) = shape.retryable.as_ref().filter(|retryable| **retryable != Value::Bool(false)) {
        let value = if retryable.is_object() { retryable.clone() } else { json!({}) };
        traits.insert("smithy.api#retryable".to_owned(), value);
    }
}
