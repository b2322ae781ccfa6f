//! The credential scope of a signed request: who signed it, for which region and service.
//!
//! Pure text (AWS Signature Version 4); whether the signature is right is not judged here.

use http::{HeaderMap, Uri};
use std::borrow::Cow;

/// What a signed request says of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The access key id.
    pub access_key_id: String,
    /// The region; absent with SigV4A, and where it does not look like one.
    pub region: Option<String>,
    /// The service part, `proton`.
    pub service: String,
    /// Names of the signed headers, in lower case, as the request lists them.
    pub signed_headers: Vec<String>,
}

impl Scope {
    /// Reads the scope from the `Authorization` header, else from a presigned query; nothing where
    /// the request is not signed with SigV4 or SigV4A.
    pub fn of(headers: &HeaderMap, uri: &Uri) -> Option<Scope> {
        from_header(headers).or_else(|| from_query(uri.query()?))
    }
}

fn from_header(headers: &HeaderMap) -> Option<Scope> {
    let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (algorithm, fields) = value.trim().split_once(' ')?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
    };
    build(algorithm, field("Credential")?, field("SignedHeaders").unwrap_or(""))
}

fn from_query(query: &str) -> Option<Scope> {
    let member = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| decoded(value))
    };
    build(
        &member("X-Amz-Algorithm")?,
        &member("X-Amz-Credential")?,
        &member("X-Amz-SignedHeaders").unwrap_or_default(),
    )
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

fn build(algorithm: &str, credential: &str, signed_headers: &str) -> Option<Scope> {
    let mut parts: Vec<&str> = credential.split('/').collect();
    let (access_key_id, region, service) = match (algorithm, parts.len()) {
        ("AWS4-HMAC-SHA256", 5) => (parts.remove(0), Some(parts[1]), parts[2]),
        ("AWS4-ECDSA-P256-SHA256", 4) => (parts.remove(0), None, parts[1]),
        _ => return None,
    };
    let signed_headers = signed_headers
        .split(';')
        .filter(|name| !name.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let region = region.filter(|region| looks_like_a_region(region)).map(str::to_owned);
    Some(Scope {
        access_key_id: access_key_id.to_owned(),
        region,
        service: service.to_owned(),
        signed_headers,
    })
}

/// The region of a request: of its credential scope, else of its host
/// (`proton.us-east-1.amazonaws.com`).
pub fn region_of(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let scope = Scope::of(headers, uri).and_then(|scope| scope.region);
    scope.or_else(|| uri.host()?.split('.').find(|label| looks_like_a_region(label)).map(str::to_owned))
}

/// Whether a text has the form of a region name (`us-east-1`, `us-gov-west-1`, `eusc-de-east-1`).
/// Only such a text may become part of a host name.
pub fn looks_like_a_region(text: &str) -> bool {
    let labels: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = labels.as_slice() else {
        return false;
    };
    let lower = |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase());
    (2..=8).contains(&first.len())
        && lower(first)
        && (1..=3).contains(&middle.len())
        && middle.iter().all(lower)
        && (1..=2).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn signed(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_scope_is_read_from_header_and_query() {
        let headers = signed(
            "AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/proton/aws4_request, SignedHeaders=content-type;Host, Signature=00",
        );
        let scope = Scope::of(&headers, &Uri::default()).unwrap();
        assert_eq!(
            (scope.access_key_id.as_str(), scope.region.as_deref(), scope.service.as_str()),
            ("AKID", Some("us-east-1"), "proton")
        );
        assert_eq!(scope.signed_headers, ["content-type", "host"]);
        let uri: Uri = "http://x/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261121%2Feu-west-1%2Fs3%2Faws4_request"
            .parse()
            .unwrap();
        assert_eq!(Scope::of(&HeaderMap::new(), &uri).unwrap().region.as_deref(), Some("eu-west-1"));
        let asymmetric = signed("AWS4-ECDSA-P256-SHA256 Credential=AKID/20261121/s3/aws4_request, SignedHeaders=host, Signature=00");
        assert_eq!(Scope::of(&asymmetric, &Uri::default()).unwrap().region, None);
        assert_eq!(Scope::of(&signed("Bearer abc"), &Uri::default()), None);
        assert_eq!(
            Scope::of(&signed("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host"), &Uri::default()),
            None
        );
    }

    #[test]
    fn only_what_looks_like_a_region_is_one() {
        for region in [
            "us-east-1",
            "us-gov-west-1",
            "us-iso-east-1",
            "eusc-de-east-1",
            "ap-southeast-4",
            "mx-central-1",
        ] {
            assert!(looks_like_a_region(region), "{region}");
        }
        for other in [
            "",
            "aws-global",
            "us-east",
            "evil.com/us-east-1",
            "us_east-1",
            "proton",
            "US-EAST-1",
            "us-east-1a",
            "us--1",
            "x@y-a-1",
        ] {
            assert!(!looks_like_a_region(other), "{other}");
        }
    }

    #[test]
    fn the_host_tells_the_region_where_nothing_is_signed() {
        assert_eq!(
            region_of(&HeaderMap::new(), &"https://proton.us-west-2.amazonaws.com/".parse().unwrap()).as_deref(),
            Some("us-west-2")
        );
        assert_eq!(region_of(&HeaderMap::new(), &"http://127.0.0.1:9/".parse().unwrap()), None);
    }
}
