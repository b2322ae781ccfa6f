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
mod tests {
    use super::*;
    use crate::model::load;
    use crate::model::schema::Service;
    use crate::protocol;
    use bytes::Bytes;
    use std::sync::Arc;

    fn call(service: &Arc<Service>, operation: &str, region: Option<&str>) -> Call {
        Call {
            service: service.clone(),
            operation: service.operation_named(operation).unwrap(),
            protocol: protocol::named("aws.protocols#awsJson1_0").unwrap(),
            region: region.map(str::to_owned),
        }
    }

    fn request(uri: &str) -> Request {
        http::Request::builder().uri(uri).body(Bytes::new()).unwrap()
    }

    fn input(members: &[(&str, &str)]) -> Value {
        let member = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::Text((*value).to_owned()));
        Value::Object(members.iter().map(member).collect())
    }

    fn plain(extra: &str) -> Arc<Service> {
        let model = format!(
            r#"{{"smithy": "2.0", "shapes": {{
                "a#S": {{"type": "service", "version": "1", "operations": [{{"target": "a#Do"}}],
                         "traits": {{"aws.api#service": {{"sdkId": "S", "endpointPrefix": "{extra}"}}}}}},
                "a#Do": {{"type": "operation"}}}}}}"#
        );
        Arc::new(load(model.as_bytes(), "test.json").unwrap().remove(0))
    }

    fn published(file: &str) -> Option<Arc<Service>> {
        let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
            eprintln!("skipped: FERROTAPE_VECTORS is not set");
            return None;
        };
        let path = std::path::Path::new(&folder).join("models").join(file);
        Some(Arc::new(load(&std::fs::read(path).unwrap(), file).unwrap().remove(0)))
    }

    fn scope_of(region: &str) -> Option<Scope> {
        let value = format!("AWS4-HMAC-SHA256 Credential=A/20150830/{region}/iam/aws4_request, SignedHeaders=host, Signature=0");
        crate::scope::from_authorization(&value)
    }

    fn preferring(variables: &[(&str, &str)]) -> Preferences {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Preferences::from_environment(&environment, None)
    }

    fn uri(call: &Call, path: &str, input: &Value, preferences: &Preferences) -> Result<String, AddressError> {
        let request = request(&format!("http://127.0.0.1:9000{path}"));
        Address::at_aws(call, &request, input, None, preferences).map(|address| address.uri.to_string())
    }

    #[test]
    fn a_service_without_rules_has_the_usual_host() {
        let service = plain("proton");
        let found = uri(
            &call(&service, "Do", Some("cn-north-1")),
            "/?a=b",
            &Value::Null,
            &Preferences::default(),
        );
        assert_eq!(found, Ok("https://proton.cn-north-1.amazonaws.com.cn/?a=b".to_owned()));
    }

    #[test]
    fn a_call_without_a_region_goes_to_the_runs_own() {
        let service = plain("sso");
        let call = call(&service, "Do", None);
        let found = |variables: &[(&str, &str)]| uri(&call, "/", &Value::Null, &preferring(variables));
        assert_eq!(
            found(&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "")]),
            Ok("https://sso.eu-west-1.amazonaws.com/".to_owned())
        );
        assert_eq!(
            found(&[("AWS_REGION", "evil.example/")]),
            Err(AddressError::Endpoint(EndpointError::NoRegion))
        );
    }

    #[test]
    fn fips_and_dual_stack_are_the_runs_choice() {
        let service = plain("kms");
        let call = call(&service, "Do", Some("us-east-2"));
        let found = |variables: &[(&str, &str)]| uri(&call, "/", &Value::Null, &preferring(variables)).unwrap();
        assert_eq!(
            found(&[("AWS_USE_FIPS_ENDPOINT", "true")]),
            "https://kms-fips.us-east-2.amazonaws.com/"
        );
        assert_eq!(found(&[("AWS_USE_DUALSTACK_ENDPOINT", "True")]), "https://kms.us-east-2.api.aws/");
        assert_eq!(found(&[("AWS_USE_FIPS_ENDPOINT", "false")]), "https://kms.us-east-2.amazonaws.com/");
    }

    #[test]
    fn a_global_service_is_signed_for_its_own_region() {
        let service = plain("iam");
        let at = |region: Option<&str>, scope: Option<Scope>| {
            let call = call(&service, "Do", region);
            let request = request("http://127.0.0.1:9000/");
            let found = Address::at_aws(&call, &request, &Value::Null, scope.as_ref(), &Preferences::default()).unwrap();
            (found.uri.to_string(), found.signing_region)
        };
        let global = ("https://iam.amazonaws.com/".to_owned(), Some("us-east-1".to_owned()));
        assert_eq!(at(Some("eu-west-1"), scope_of("eu-west-1")), global);
        assert_eq!(at(None, scope_of("aws-global")), global);
    }

    #[test]
    fn a_host_that_is_not_of_aws_is_never_called() {
        let service = plain("evil.example/");
        let found = uri(&call(&service, "Do", Some("us-east-1")), "/", &Value::Null, &Preferences::default());
        assert!(matches!(found, Err(AddressError::NotAws(_))), "{found:?}");
    }

    #[test]
    fn a_bucket_stays_in_the_path_where_it_may() {
        let Some(service) = published("s3-2006-03-01.json") else { return };
        let call = call(&service, "GetObject", Some("eu-west-1"));
        let found = |path: &str, bucket: &str| uri(&call, path, &input(&[("Bucket", bucket), ("Key", "a b")]), &Preferences::default());
        assert_eq!(
            found("/my-bucket/a%20b?x-id=GetObject", "my-bucket"),
            Ok("https://s3.eu-west-1.amazonaws.com/my-bucket/a%20b?x-id=GetObject".to_owned())
        );
        assert_eq!(
            found("/my%2Dbucket/my-bucket/x", "my-bucket"),
            Ok("https://s3.eu-west-1.amazonaws.com/my%2Dbucket/my-bucket/x".to_owned())
        );
        assert_eq!(
            found("/my-bucket", "my-bucket"),
            Ok("https://s3.eu-west-1.amazonaws.com/my-bucket".to_owned())
        );
    }

    #[test]
    fn a_bucket_moves_to_the_host_where_it_must() {
        let Some(service) = published("s3-2006-03-01.json") else { return };
        let call = call(&service, "GetObject", Some("us-west-2"));
        let bucket = "mine--usw2-az1--x-s3";
        let found = uri(
            &call,
            &format!("/{bucket}/key?a=b"),
            &input(&[("Bucket", bucket)]),
            &Preferences::default(),
        );
        assert_eq!(
            found,
            Ok(format!("https://{bucket}.s3express-usw2-az1.us-west-2.amazonaws.com/key?a=b"))
        );
    }

    #[test]
    fn a_directory_bucket_is_made_and_listed_at_the_control_plane_and_used_in_its_zone() {
        let Some(service) = published("s3-2006-03-01.json") else { return };
        let bucket = "mine--use1-az4--x-s3";
        for (operation, path, wanted) in [
            (
                "CreateBucket",
                format!("/{bucket}"),
                format!("https://s3express-control.us-east-1.amazonaws.com/{bucket}"),
            ),
            (
                "ListDirectoryBuckets",
                "/".to_owned(),
                "https://s3express-control.us-east-1.amazonaws.com/".to_owned(),
            ),
            (
                "CreateSession",
                format!("/{bucket}?session"),
                format!("https://{bucket}.s3express-use1-az4.us-east-1.amazonaws.com/?session"),
            ),
            (
                "GetObject",
                format!("/{bucket}//a%2Fb"),
                format!("https://{bucket}.s3express-use1-az4.us-east-1.amazonaws.com//a%2Fb"),
            ),
        ] {
            let call = call(&service, operation, Some("us-east-1"));
            let members: &[(&str, &str)] = if operation == "ListDirectoryBuckets" {
                &[]
            } else {
                &[("Bucket", bucket)]
            };
            let request = request(&format!("http://127.0.0.1:9000{path}"));
            let found = Address::at_aws(&call, &request, &input(members), None, &Preferences::default()).unwrap();
            assert_eq!(found.uri.to_string(), wanted);
            assert_eq!(found.without_names, path.as_str());
        }
    }

    #[test]
    fn a_bucket_in_the_clients_host_is_in_ours() {
        let Some(service) = published("s3-2006-03-01.json") else { return };
        let call = call(&service, "GetObject", Some("us-west-2"));
        let request = request("http://my-bucket.localhost:9000/my-bucket/x");
        let found = Address::at_aws(&call, &request, &input(&[("Bucket", "my-bucket")]), None, &Preferences::default());
        let found = found.unwrap();
        assert_eq!(found.uri, "https://my-bucket.s3.us-west-2.amazonaws.com/my-bucket/x");
        assert_eq!(found.without_names, "/my-bucket/my-bucket/x");
    }

    #[test]
    fn a_bucket_of_any_legal_name_is_named_once_and_its_key_keeps_its_bytes() {
        let Some(service) = published("s3-2006-03-01.json") else { return };
        let call = call(&service, "GetObject", Some("us-west-2"));
        let long = "a".repeat(63);
        for bucket in [
            "plain",
            "abc",
            "xn",
            "aa.bb.cc",
            "www.example.com",
            "123.456.789",
            "192.168.1x.com",
            "us-east-1",
            "s3.foo.bar",
            "my.s3.us-east-1",
            "vpce-1a",
            "name-s3alias",
            "my_bucket",
            "MyBucket",
            &long,
        ] {
            for key in [
                "k",
                "/lead",
                "a//b",
                "a/./b/../c",
                "%2F%252F",
                "p+q%20r",
                &format!("{bucket}/k"),
                "?versionId=1",
                "k?a=/b/",
            ] {
                let path = format!("/{bucket}/{key}");
                let found = uri(&call, &path, &input(&[("Bucket", bucket)]), &Preferences::default());
                assert_eq!(found, Ok(format!("https://s3.us-west-2.amazonaws.com{path}")));
            }
        }
    }

    #[test]
    fn what_only_sigv4a_can_sign_is_told() {
        let Some(service) = published("s3-2006-03-01.json") else { return };
        let call = call(&service, "GetObject", Some("us-west-2"));
        let arn = "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap";
        let found = Address::at_aws(
            &call,
            &request("http://127.0.0.1:9000/x"),
            &input(&[("Bucket", arn)]),
            None,
            &Preferences::default(),
        );
        let found = found.unwrap();
        assert_eq!(
            (found.uri.host(), found.asymmetric),
            (Some("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"), true)
        );
    }

    #[test]
    fn a_bucket_ends_where_its_segment_ends() {
        assert_eq!(without_bucket("/bucket/key", "bucket").as_deref(), Some("/key"));
        assert_eq!(without_bucket("/bucket//key", "bucket").as_deref(), Some("//key"));
        assert_eq!(without_bucket("/bucket?acl", "bucket").as_deref(), Some("/?acl"));
        assert_eq!(without_bucket("/my%2Dbucket", "my-bucket").as_deref(), Some("/"));
        assert_eq!(without_bucket("/bucketeer", "bucket"), None);
        assert_eq!(without_bucket("/", "bucket"), None);
    }
}
