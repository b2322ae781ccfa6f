//! `service-2.json` as it is written. What is not named here means nothing to Ferrotape.

use crate::model::ordered::in_order;
use serde_json::{Number, Value};

/// One file.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "in_order")]
    pub operations: Vec<(String, Operation)>,
    #[serde(default, deserialize_with = "in_order")]
    pub shapes: Vec<(String, Shape)>,
    #[serde(default)]
    pub client_context_params: Option<Value>,
}

/// What a service says of itself.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub api_version: String,
    pub endpoint_prefix: String,
    /// The protocol that botocore picked when it knew one only.
    #[serde(default)]
    pub protocol: String,
    /// All protocols, the best first; older files lack it.
    #[serde(default)]
    pub protocols: Vec<String>,
    #[serde(default)]
    pub json_version: Option<String>,
    #[serde(default)]
    pub signing_name: Option<String>,
    #[serde(default)]
    pub service_id: Option<String>,
    #[serde(default)]
    pub target_prefix: Option<String>,
    /// A URI, or an object that holds one.
    #[serde(default)]
    pub xml_namespace: Option<Value>,
    #[serde(default)]
    pub aws_query_compatible: Option<Value>,
    /// Trait ids of the ways to authenticate.
    #[serde(default)]
    pub auth: Vec<String>,
}

impl Metadata {
    /// botocore's names of the protocols, the best first.
    pub fn protocol_names(&self) -> impl Iterator<Item = &str> {
        let one = Some(self.protocol.as_str()).filter(|name| self.protocols.is_empty() && !name.is_empty());
        self.protocols.iter().map(String::as_str).chain(one)
    }
}

/// One operation.
#[derive(serde::Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// The name on the wire; the key is what SDKs call it, and seldom another.
    pub name: String,
    pub http: Http,
    pub input: Option<Shape>,
    pub output: Option<Shape>,
    pub errors: Vec<Shape>,
    pub idempotent: bool,
    pub readonly: bool,
    pub authtype: Option<String>,
    pub unsigned_payload: bool,
    pub endpoint: Option<Value>,
    pub http_checksum: Option<Value>,
    pub http_checksum_required: bool,
    pub requestcompression: Option<Value>,
    pub static_context_params: Option<Value>,
    pub operation_context_params: Option<Value>,
    pub endpointdiscovery: Option<Value>,
    pub deprecated: bool,
    pub deprecated_message: Option<String>,
}

/// Where an operation is on the wire.
#[derive(serde::Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

/// A shape, or a reference to one, which may say again or more of what the shape says.
#[derive(serde::Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub struct Shape {
    /// Of a reference: the shape's name.
    pub shape: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(deserialize_with = "in_order")]
    pub members: Vec<(String, Shape)>,
    pub member: Option<Box<Shape>>,
    pub key: Option<Box<Shape>>,
    pub value: Option<Box<Shape>>,
    pub required: Vec<String>,
    /// The member that is the whole body.
    pub payload: Option<String>,
    pub min: Option<Number>,
    pub max: Option<Number>,
    pub pattern: Option<String>,
    #[serde(rename = "enum")]
    pub values: Vec<String>,
    pub sensitive: bool,
    pub sparse: bool,
    pub idempotency_token: bool,
    pub timestamp_format: Option<String>,
    pub location: Option<String>,
    pub location_name: Option<String>,
    pub query_name: Option<String>,
    pub flattened: bool,
    pub xml_attribute: bool,
    pub xml_namespace: Option<Value>,
    pub streaming: bool,
    pub requires_length: bool,
    pub eventstream: bool,
    pub eventheader: bool,
    pub eventpayload: bool,
    /// A text that is JSON; base64 in a header.
    pub jsonvalue: bool,
    pub document: bool,
    pub union: bool,
    pub exception: bool,
    pub fault: bool,
    pub error: Option<ErrorFacts>,
    pub retryable: Option<Value>,
    pub host_label: bool,
    pub context_param: Option<Value>,
    pub deprecated: bool,
    pub deprecated_message: Option<String>,
}

/// What an error is on the wire.
#[derive(serde::Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorFacts {
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
    pub sender_fault: Option<bool>,
    pub fault: bool,
}
