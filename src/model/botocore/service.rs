//! The service shape, from the metadata.

use super::document::Metadata;
use super::{AstShape, Translator};
use crate::model::ast::{Reference, Traits};
use serde_json::{Value, json};

/// The service of which botocore keeps two facts in its own source, and not in the model.
pub const S3: &str = "S3";

/// `com.amazonaws.servicecatalog`, as the published models write it.
pub fn namespace(metadata: &Metadata) -> String {
    let name = metadata.service_id.as_ref().unwrap_or(&metadata.endpoint_prefix);
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    format!("com.amazonaws.{}", letters.collect::<String>().to_ascii_lowercase())
}

/// The id of the service shape. Its local name is what `X-Amz-Target` carries where the service has
/// targets: the part after the last dot, before which CloudTrail and two others write a package.
pub fn service_id(metadata: &Metadata) -> String {
    let target = metadata
        .target_prefix
        .as_deref()
        .map(|prefix| prefix.rsplit('.').next().unwrap_or(prefix));
    let other = metadata.service_id.as_deref().unwrap_or(&metadata.endpoint_prefix);
    let name = target.map_or_else(|| other.split_whitespace().collect(), str::to_owned);
    format!("{}#{name}", namespace(metadata))
}

/// The traits of the service shape.
pub fn service_traits(metadata: &Metadata) -> Traits {
    let mut traits = Traits::new();
    let mut service = json!({ "endpointPrefix": metadata.endpoint_prefix });
    if let Some(id) = &metadata.service_id {
        service["sdkId"] = json!(id);
    }
    traits.insert("aws.api#service".to_owned(), service);
    let signing_name = metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix);
    traits.insert("aws.auth#sigv4".to_owned(), json!({ "name": signing_name }));
    for scheme in &metadata.auth {
        traits.entry(scheme.as_str()).or_insert_with(|| json!({}));
    }
    for protocol in metadata.protocol_names().filter_map(|name| protocol(name, metadata)) {
        traits.insert(protocol.to_owned(), json!({}));
    }
    // botocore reads S3's bare `<Error>` without being told.
    if metadata.service_id.as_deref() == Some(S3)
        && let Some(protocol) = traits.get_mut("aws.protocols#restXml")
    {
        *protocol = json!({ "noErrorWrapping": true });
    }
    if metadata.aws_query_compatible.is_some() {
        traits.insert("aws.protocols#awsQueryCompatible".to_owned(), json!({}));
    }
    if let Some(namespace) = &metadata.xml_namespace {
        let namespace = match namespace {
            Value::String(uri) => json!({ "uri": uri }),
            other => other.clone(),
        };
        traits.insert("smithy.api#xmlNamespace".to_owned(), namespace);
    }
    traits
}

/// The trait of a protocol that botocore names so.
fn protocol(name: &str, metadata: &Metadata) -> Option<&'static str> {
    Some(match name {
        "json" if metadata.json_version.as_deref() == Some("1.0") => "aws.protocols#awsJson1_0",
        "json" => "aws.protocols#awsJson1_1",
        "rest-json" => "aws.protocols#restJson1",
        "rest-xml" => "aws.protocols#restXml",
        "query" => "aws.protocols#awsQuery",
        "ec2" => "aws.protocols#ec2Query",
        "smithy-rpc-v2-cbor" => "smithy.protocols#rpcv2Cbor",
        _ => return None,
    })
}

impl Translator<'_> {
    pub fn service(&self, rules: Option<Value>) -> (String, AstShape) {
        let metadata = &self.document.metadata;
        let mut traits = service_traits(metadata);
        if let Some(parameters) = &self.document.client_context_params {
            traits.insert("smithy.rules#clientContextParams".to_owned(), parameters.clone());
        }
        if let Some(rules) = rules {
            traits.insert("smithy.rules#endpointRuleSet".to_owned(), rules);
        }
        let operations = self.document.operations.iter().map(|(name, operation)| Reference {
            target: self.operation_id(name, operation),
        });
        let shape = AstShape {
            kind: "service".to_owned(),
            version: metadata.api_version.clone(),
            operations: operations.collect(),
            traits,
            ..AstShape::default()
        };
        // A structure may have the same id; nothing refers to a service, so they never meet.
        (service_id(metadata), shape)
    }
}
