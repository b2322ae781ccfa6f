//! What a service says of itself, without what it can do: enough to list it, and to know which
//! requests are for it before its model is compiled.

use super::ast::Traits;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The names of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// `com.amazonaws.proton#AwsProton20200720`.
    pub shape_id: String,
    /// `aws.api#service` → `sdkId`, else the local name of the shape id.
    pub sdk_id: String,
    /// The model's version, `2020-07-20`.
    pub version: String,
    /// Protocol trait ids in the order of the model.
    pub protocols: Vec<String>,
    /// `aws.auth#sigv4` → `name`, else the endpoint prefix.
    pub signing_name: String,
    /// `aws.api#service` → `endpointPrefix`, else the signing name.
    pub endpoint_prefix: String,
}

impl Listing {
    /// Reads the traits of a service shape.
    pub fn of(shape_id: &str, version: &str, traits: &Traits) -> Listing {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let aws = traits.get("aws.api#service");
        let name = local_name(shape_id);
        let signing_name = text(traits.get("aws.auth#sigv4").and_then(|sigv4| sigv4.get("name")));
        let endpoint_prefix = text(aws.and_then(|aws| aws.get("endpointPrefix")));
        let fallback = || name.to_ascii_lowercase();
        Listing {
            shape_id: shape_id.to_owned(),
            sdk_id: text(aws.and_then(|aws| aws.get("sdkId"))).unwrap_or_else(|| name.to_owned()),
            version: version.to_owned(),
            protocols: protocols(traits),
            signing_name: signing_name.clone().or_else(|| endpoint_prefix.clone()).unwrap_or_else(fallback),
            endpoint_prefix: endpoint_prefix.or(signing_name).unwrap_or_else(fallback),
        }
    }

    /// The local name of the shape id: what awsJson puts into `X-Amz-Target`.
    pub fn name(&self) -> &str {
        local_name(&self.shape_id)
    }
}

/// A name as people type it: letter case, spaces, `-` and `_` mean nothing.
pub fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, ' ' | '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// What follows the `#` of a shape id.
pub fn local_name(id: &str) -> &str {
    id.rsplit('#').next().unwrap_or(id)
}

/// The protocols of a service in the order of the model; behind them awsQuery, where older SDKs
/// still speak it to a service that moved on (`@awsQueryCompatible`).
fn protocols(traits: &Traits) -> Vec<String> {
    let mut protocols: Vec<String> = traits.keys().filter(|id| is_protocol(id)).cloned().collect();
    let query = "aws.protocols#awsQuery";
    if traits.contains_key("aws.protocols#awsQueryCompatible") && !protocols.iter().any(|id| id == query) {
        protocols.push(query.to_owned());
    }
    protocols
}

/// Protocol traits are those AWS and Smithy publish; any other trait is carried untouched.
fn is_protocol(id: &str) -> bool {
    matches!(
        id,
        "aws.protocols#awsJson1_0"
            | "aws.protocols#awsJson1_1"
            | "aws.protocols#restJson1"
            | "aws.protocols#restXml"
            | "aws.protocols#awsQuery"
            | "aws.protocols#ec2Query"
            | "smithy.protocols#rpcv2Cbor"
            | "smithy.protocols#rpcv2Json"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listing(id: &str, traits: Value) -> Listing {
        Listing::of(id, "1", traits.as_object().unwrap())
    }

    #[test]
    fn what_a_service_does_not_say_follows_from_what_it_says() {
        let bare = listing("a#Bare", json!({}));
        let names = (bare.sdk_id.as_str(), bare.signing_name.as_str(), bare.endpoint_prefix.as_str());
        assert_eq!(names, ("Bare", "bare", "bare"));
        let signed = listing(
            "a#S",
            json!({"aws.auth#sigv4": {"name": "s"}, "x.y#own": {}, "aws.protocols#restXml": {}}),
        );
        assert_eq!(
            (signed.endpoint_prefix.as_str(), signed.protocols),
            ("s", vec!["aws.protocols#restXml".to_owned()])
        );
    }
}
