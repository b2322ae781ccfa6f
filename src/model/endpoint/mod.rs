//! Where a call goes: the endpoint rules of a model, evaluated for one operation and its input.
//!
//! What comes out is a URL and how to sign for it. Which of a client's wishes are known, and whether
//! the host is one that may be called, is the caller's business.

mod context;
mod diagram;
mod expression;
mod fallback;
mod functions;
pub mod ruleset;
mod source;

pub use functions::is_valid_host_label;
pub use ruleset::{Parameters, Ruleset, RulesetError};
pub use source::EndpointRules;

use super::schema::{Operation, OperationIndex, Service};
use crate::partitions::partition_of_pseudo_region;
use crate::value::Value as Input;
use serde_json::{Map, Value};

/// An endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Scheme, host and, rarely, a path that stands before the operation's own.
    pub url: String,
    /// What the rules say besides: `authSchemes` above all.
    pub properties: Map<String, Value>,
    /// Headers to send, lists of values by name.
    pub headers: Map<String, Value>,
}

/// How a request to an endpoint is authenticated, where that differs from what the service says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthScheme {
    /// `sigv4`, `sigv4a`, `sigv4-s3express`.
    pub name: String,
    /// The service part of the credential scope.
    pub signing_name: Option<String>,
    /// The region of the credential scope.
    pub signing_region: Option<String>,
}

/// Why there is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The rules say so.
    #[error("{0}")]
    Refused(String),
    /// A required parameter has neither value nor default.
    #[error("the endpoint rules want `{0}`, which the request does not tell")]
    Missing(String),
    /// The rules end without an answer.
    #[error("the endpoint rules have no answer for this call")]
    NoRule,
    /// A rule refers to what is not set.
    #[error("the endpoint rules refer to something that is not set")]
    Unset,
    /// Nothing says which region.
    #[error("the request names no region: sign it, or set AWS_REGION")]
    NoRegion,
    /// The host cannot begin as the operation wants.
    #[error("`{member}` begins the name of the host, and `{value}` cannot stand there")]
    HostLabel {
        /// The member.
        member: String,
        /// Its value; empty where there is none.
        value: String,
    },
}

/// What a client would be set to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The region; a pseudo region (`aws-global`) too.
    pub region: Option<String>,
    /// `AWS_USE_FIPS_ENDPOINT`.
    pub use_fips: bool,
    /// `AWS_USE_DUALSTACK_ENDPOINT`.
    pub use_dual_stack: bool,
    /// Other built-ins by their names (`AWS::S3::ForcePathStyle`).
    pub built_ins: Map<String, Value>,
    /// Parameters by their own names, as a client's own configuration sets them.
    pub own: Map<String, Value>,
}

impl Settings {
    fn built_in(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.built_ins.get(name) {
            return Some(value.clone());
        }
        match name {
            "AWS::Region" => self.region.clone().map(Value::from),
            "AWS::UseFIPS" => Some(self.use_fips.into()),
            "AWS::UseDualStack" => Some(self.use_dual_stack.into()),
            _ => None,
        }
    }
}

impl Endpoint {
    /// The schemes that the rules name, best first; none where the service's own holds.
    pub fn auth_schemes(&self) -> Vec<AuthScheme> {
        let schemes = self
            .properties
            .get("authSchemes")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let scheme = |scheme: &Value| {
            let text = |name: &str| scheme.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(AuthScheme {
                name: text("name")?,
                signing_name: text("signingName"),
                signing_region: text("signingRegion"),
            })
        };
        schemes.iter().filter_map(scheme).collect()
    }

    /// The first scheme that signs with a shared secret.
    pub fn signing(&self) -> Option<AuthScheme> {
        self.auth_schemes()
            .into_iter()
            .find(|scheme| matches!(scheme.name.as_str(), "sigv4" | "sigv4-s3express"))
    }

    /// Scheme, authority and path of the URL.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some((scheme, authority, path))
    }
}

/// The endpoint of a call, with the operation's host prefix.
///
/// # Errors
/// Where the rules refuse the call, or where a member of the input cannot stand in a host name.
pub fn resolve(service: &Service, operation: OperationIndex, input: &Input, settings: &Settings) -> Result<Endpoint, EndpointError> {
    let operation = service.operation(operation);
    let mut endpoint = match service.endpoint_rules.ruleset() {
        Some(ruleset) => by_rules(ruleset, service, operation, input, settings)?,
        None => {
            let region = settings.region.as_deref().ok_or(EndpointError::NoRegion)?;
            usual(&service.endpoint_prefix, region, settings)
        }
    };
    if let Some(prefix) = host_prefix(operation, input)? {
        prepend(&mut endpoint, &prefix);
    }
    Ok(endpoint)
}

/// The endpoint that a service of that endpoint prefix usually has, whatever its rules say.
pub fn usual(endpoint_prefix: &str, region: &str, settings: &Settings) -> Endpoint {
    fallback::endpoint(endpoint_prefix, region, settings)
}

fn by_rules(
    ruleset: &Ruleset,
    service: &Service,
    operation: &Operation,
    input: &Input,
    settings: &Settings,
) -> Result<Endpoint, EndpointError> {
    let endpoint = |settings: &Settings| ruleset.evaluate(&context::parameters(ruleset, service, operation, input, settings));
    let region = settings.region.as_deref();
    if region.is_none() && ruleset.uses_built_in("AWS::Region") {
        return endpoint(settings).map_err(|error| match error {
            EndpointError::Refused(message) if message.contains("Region") => EndpointError::NoRegion,
            other => other,
        });
    }
    let found = endpoint(settings)?;
    // The rules of a service without a global endpoint take the pseudo region for any other, and
    // put it into a host that does not exist.
    let pseudo = region.and_then(|region| Some((region, partition_of_pseudo_region(region)?)));
    match (pseudo, found.parts()) {
        (Some((region, partition)), Some((_, authority, _))) if authority.split('.').any(|label| label == region) => {
            let mut settings = settings.clone();
            settings.region = Some(partition.implicit_global_region.to_owned());
            endpoint(&settings)
        }
        _ => Ok(found),
    }
}

/// `smithy.api#endpoint` with its labels filled in from the input.
fn host_prefix(operation: &Operation, input: &Input) -> Result<Option<String>, EndpointError> {
    let prefix = operation
        .traits
        .get("smithy.api#endpoint")
        .and_then(|endpoint| endpoint.get("hostPrefix"));
    let Some(mut rest) = prefix.and_then(Value::as_str) else {
        return Ok(None);
    };
    let mut filled = String::new();
    while let Some((before, (member, after))) = rest
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        let value = input.member(member).and_then(Input::as_text).unwrap_or_default();
        if !is_valid_host_label(value, false) {
            return Err(EndpointError::HostLabel {
                member: member.to_owned(),
                value: value.to_owned(),
            });
        }
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(Some(filled))
}

/// Puts the prefix in front of the host. Rules that know the input may have put it there already.
fn prepend(endpoint: &mut Endpoint, prefix: &str) {
    let Some((scheme, authority, path)) = endpoint.parts() else {
        return;
    };
    if !authority.starts_with(prefix) {
        endpoint.url = format!("{scheme}://{prefix}{authority}{path}");
    }
}

#[cfg(test)]
mod tests;
