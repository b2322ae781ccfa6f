//! Where a call that came through the endpoint door goes at AWS, and how it is signed for there.
//!
//! The client was told that the service is at Ferrotape; what it would have made of its region and
//! its input by itself, the endpoint rules of the model say (`crate::model::endpoint`). No host
//! that a client names is ever called: what comes out must be one of AWS's.

use crate::aws_hosts::is_aws_host;
use crate::inspect::Call;
use crate::model::endpoint::{self, Endpoint, EndpointError, Settings};
use crate::partitions::partition_of_pseudo_region;
use crate::scope::{self, Scope, is_region};
use crate::value::Value;
use crate::wire::Request;
use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;

const PATH_STYLE: &str = "AWS::S3::ForcePathStyle";
/// What is escaped of a bucket's name, or of an access point's, in a path.
const ESCAPED_IN_BUCKET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why a call has no address at AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The endpoint rules give none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The rules lead elsewhere.
    #[error("the endpoint rules lead to `{0}`, which is not a host of AWS; use the intercept door, or `--upstream`")]
    NotAws(String),
    /// The service takes no signature that Ferrotape can make.
    #[error("this call wants a SigV4A signature, which cannot be made anew; use the intercept door")]
    Asymmetric,
}

/// What the run's own environment asks of every call.
#[derive(Debug, Clone, Default)]
pub struct Preferences {
    settings: Settings,
}

impl Preferences {
    /// From `AWS_REGION` and the other variables by which SDKs choose endpoints; `profile_region`
    /// where no variable names a region.
    pub fn from_environment(environment: &BTreeMap<String, String>, profile_region: Option<&str>) -> Preferences {
        let set = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let on = |name: &str| set(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")).or(profile_region);
        let mut settings = Settings {
            region: region.filter(|region| is_known_form(region)).map(str::to_owned),
            use_fips: on("AWS_USE_FIPS_ENDPOINT"),
            use_dual_stack: on("AWS_USE_DUALSTACK_ENDPOINT"),
            ..Settings::default()
        };
        let legacy = |name: &str| set(name).is_some_and(|value| value.eq_ignore_ascii_case("legacy"));
        let switches = [
            ("AWS::STS::UseGlobalEndpoint", legacy("AWS_STS_REGIONAL_ENDPOINTS")),
            ("AWS::S3::UseGlobalEndpoint", legacy("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT")),
            ("AWS::S3::UseArnRegion", on("AWS_S3_USE_ARN_REGION")),
            ("AWS::S3Control::UseArnRegion", on("AWS_S3_USE_ARN_REGION")),
            (
                "AWS::S3::DisableMultiRegionAccessPoints",
                on("AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS"),
            ),
        ];
        let chosen = switches.into_iter().filter(|(_, on)| *on);
        settings.built_ins.extend(chosen.map(|(name, on)| (name.to_owned(), on.into())));
        Preferences { settings }
    }
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The URI by which AWS knows the call.
    pub uri: Uri,
    /// The path and query of the call where names are not to be had: at an emulator's address. A
    /// bucket stands there, which may be in the host of `uri`.
    pub without_names: PathAndQuery,
    /// The region to sign for, where it is not the client's.
    pub signing_region: Option<String>,
    /// The service to sign for, where it is not the client's.
    pub signing_name: Option<String>,
    /// It can only be signed in a way that Ferrotape does not know.
    pub asymmetric: bool,
}

impl Address {
    /// The address that the request has already.
    pub fn as_it_came(request: &Request) -> Address {
        Address {
            uri: request.uri().clone(),
            without_names: path_and_query(request),
            signing_region: None,
            signing_name: None,
            asymmetric: false,
        }
    }

    /// The address of a call. `input` is null where it could not be decoded.
    ///
    /// # Errors
    /// Where the region is not known, the rules refuse the call, or its host is none of AWS's.
    pub fn at_aws(
        call: &Call,
        request: &Request,
        input: &Value,
        scope: Option<&Scope>,
        preferences: &Preferences,
    ) -> Result<Address, AddressError> {
        let mut settings = preferences.settings.clone();
        let written = scope.map(|scope| scope.region_as_written.as_str());
        let pseudo = written.filter(|region| partition_of_pseudo_region(region).is_some());
        let signed = call.region.as_deref().or(pseudo);
        settings.region = signed.map(str::to_owned).or(settings.region);
        let Located {
            endpoint,
            path,
            without_names,
        } = located(call, request, input, &settings)?;
        let (scheme, authority, base) = endpoint.parts().ok_or(EndpointError::NoRule)?;
        let uri = format!("{scheme}://{authority}{base}{path}").parse::<Uri>();
        let uri = uri.ok().filter(|uri| uri.port().is_none() && uri.host().is_some_and(is_aws_host));
        let uri = uri.ok_or_else(|| AddressError::NotAws(authority.to_owned()))?;
        let schemes = endpoint.auth_schemes();
        let signing = endpoint.signing();
        let implied = pseudo
            .and_then(partition_of_pseudo_region)
            .map(|partition| partition.implicit_global_region);
        let (signing_region, signing_name) = signing.map_or((None, None), |scheme| (scheme.signing_region, scheme.signing_name));
        Ok(Address {
            uri,
            without_names: without_names.parse().unwrap_or_else(|_| path_and_query(request)),
            signing_region: signing_region.or_else(|| implied.map(str::to_owned)),
            signing_name,
            asymmetric: !schemes.is_empty() && schemes.iter().all(|scheme| scheme.name == "sigv4a"),
        })
    }

    /// The usual address of the service that a signature names, for a call that no model knows;
    /// nothing where it is not signed, or for what cannot be a host.
    pub fn without_model(request: &Request, preferences: &Preferences) -> Option<Address> {
        let scope = scope::of(request.uri(), request.headers()).filter(|scope| is_host_part(&scope.service))?;
        let pseudo = partition_of_pseudo_region(&scope.region_as_written).map(|_| scope.region_as_written.as_str());
        let region = scope.region.as_deref().or(pseudo)?;
        let endpoint = endpoint::usual(&scope.service, region, &preferences.settings);
        let (scheme, authority, _) = endpoint.parts()?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("{scheme}://{authority}{path}").parse::<Uri>().ok();
        Some(Address {
            uri: uri.filter(|uri| uri.host().is_some_and(is_aws_host))?,
            without_names: path_and_query(request),
            signing_region: endpoint.signing().and_then(|scheme| scheme.signing_region),
            signing_name: None,
            asymmetric: false,
        })
    }
}

/// A host's part for a service, as a credential scope writes it: labels of letters, digits and dashes.
fn is_host_part(service: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        label.len() <= 63
            && label.bytes().all(|byte| is_letter(byte) || byte == b'-')
            && label.bytes().next().is_some_and(is_letter)
            && label.bytes().next_back().is_some_and(is_letter)
    };
    service.len() <= 100 && service.split('.').all(is_label)
}

fn is_known_form(region: &str) -> bool {
    is_region(region) || partition_of_pseudo_region(region).is_some()
}

fn path_and_query(request: &Request) -> PathAndQuery {
    let path = request.uri().path_and_query().cloned();
    path.unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// An endpoint, and what comes after it.
struct Located {
    endpoint: Endpoint,
    /// Path and query.
    path: String,
    /// The same where the bucket is not in the endpoint, as a client has it that was told to speak to
    /// an IP address.
    without_names: String,
}

/// S3's rules put the bucket in front of the host or of the path. A client that was told our
/// address has it in the path, and there it stays, its bytes as they are, where S3 allows it; else it
/// moves to the host. A client that was told our name may have it in the host (`bucket.localhost`).
fn located(call: &Call, request: &Request, input: &Value, settings: &Settings) -> Result<Located, EndpointError> {
    let resolve = |settings: &Settings| endpoint::resolve(&call.service, call.operation, input, settings);
    let whole = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let as_it_came = |endpoint: Endpoint| Located {
        endpoint,
        path: whole.to_owned(),
        without_names: whole.to_owned(),
    };
    let Some(bucket) = bucket(call, input) else {
        return Ok(as_it_came(resolve(settings)?));
    };
    if is_in_host(bucket, request) {
        let without_names = format!("/{}{whole}", utf8_percent_encode(bucket, ESCAPED_IN_BUCKET));
        let endpoint = resolve(settings)?;
        return Ok(Located {
            without_names,
            ..as_it_came(endpoint)
        });
    }
    let Some(rest) = without_bucket(whole, bucket) else {
        return Ok(as_it_came(resolve(settings)?));
    };
    let mut path_style = settings.clone();
    path_style.built_ins.insert(PATH_STYLE.to_owned(), true.into());
    let mut found = match resolve(&path_style) {
        Ok(found) if names_in_path(&found, bucket) => found,
        _ => resolve(settings)?,
    };
    if !names_in_path(&found, bucket) {
        return Ok(Located {
            path: rest,
            ..as_it_came(found)
        });
    }
    let base_length = found.parts().map_or(0, |(_, _, path)| path.len());
    found.url.truncate(found.url.len() - base_length);
    Ok(as_it_came(found))
}

/// The bucket of a call to S3, whose rules alone know two places for it.
fn bucket<'v>(call: &Call, input: &'v Value) -> Option<&'v str> {
    let ruleset = call.service.endpoint_rules.ruleset()?;
    let bucket = input.member("Bucket").and_then(Value::as_text);
    bucket.filter(|bucket| !bucket.is_empty() && ruleset.uses_built_in(PATH_STYLE))
}

fn is_in_host(bucket: &str, request: &Request) -> bool {
    let host = request.uri().host().unwrap_or_default();
    host.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.'))
}

fn names_in_path(endpoint: &Endpoint, bucket: &str) -> bool {
    let base = endpoint.parts().and_then(|(_, _, path)| path.strip_prefix('/'));
    base.is_some_and(|base| decoded(base.trim_end_matches('/')) == bucket)
}

/// What follows the bucket in a path that begins with it; the escapes may differ.
fn without_bucket(whole: &str, bucket: &str) -> Option<String> {
    let after = whole.strip_prefix('/')?;
    let (segment, rest) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
    if decoded(segment) != bucket {
        return None;
    }
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Some(format!("{slash}{rest}"))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
