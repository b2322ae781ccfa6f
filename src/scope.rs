//! What a request's authentication says of the call: credential scope and signed headers.
//!
//! Pure text. Whether a signature is right is none of this file's concern.

use http::Uri;
use http::header::{AUTHORIZATION, HeaderMap};
use percent_encoding::percent_decode_str;

/// The scope of a signature, and who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The access key id.
    pub access_key_id: String,
    /// `YYYYMMDD`, as written.
    pub date: String,
    /// The region; none in SigV4A, and none where what stands there does not look like a region.
    pub region: Option<String>,
    /// What stands in the region's place, whatever it looks like; empty in SigV4A.
    pub region_as_written: String,
    /// The signing name of the service.
    pub service: String,
    /// Names of the signed headers, as written (lower case).
    pub signed_headers: Vec<String>,
    /// The signature, as written.
    pub signature: String,
    /// Whether it came in the query (a presigned URL).
    pub presigned: bool,
    /// Whether it is SigV4A, whose signature is not an HMAC.
    pub asymmetric: bool,
}

const SYMMETRIC: &str = "AWS4-HMAC-SHA256";
const ASYMMETRIC: &str = "AWS4-ECDSA-P256-SHA256";

/// The scope of a request: of its `Authorization` header, else of its query.
pub fn of(uri: &Uri, headers: &HeaderMap) -> Option<Scope> {
    match headers.get(AUTHORIZATION) {
        Some(value) => from_authorization(value.to_str().ok()?),
        None => from_query(uri.query()?),
    }
}

/// `AWS4-HMAC-SHA256 Credential=AKID/date/region/service/aws4_request, SignedHeaders=a;b, Signature=…`
pub fn from_authorization(value: &str) -> Option<Scope> {
    let (algorithm, rest) = value.trim().split_once(' ')?;
    let (mut credential, mut signed, mut signature) = (None, None, None);
    for part in rest.split(',') {
        match part.trim().split_once('=')? {
            ("Credential", value) => credential = Some(value),
            ("SignedHeaders", value) => signed = Some(value),
            ("Signature", value) => signature = Some(value),
            _ => {}
        }
    }
    assemble(algorithm, credential?, signed?, signature.unwrap_or_default(), false)
}

/// `X-Amz-Algorithm=…&X-Amz-Credential=…&X-Amz-SignedHeaders=…&X-Amz-Signature=…`
pub fn from_query(query: &str) -> Option<Scope> {
    let member = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
    };
    let signature = member("X-Amz-Signature").unwrap_or_default();
    assemble(
        &member("X-Amz-Algorithm")?,
        &member("X-Amz-Credential")?,
        &member("X-Amz-SignedHeaders")?,
        &signature,
        true,
    )
}

fn assemble(algorithm: &str, credential: &str, signed: &str, signature: &str, presigned: bool) -> Option<Scope> {
    let asymmetric = match algorithm {
        SYMMETRIC => false,
        ASYMMETRIC => true,
        _ => return None,
    };
    // From the right: an access key id of an emulator may hold a slash.
    let scope = credential.strip_suffix("/aws4_request")?;
    let (scope, service) = scope.rsplit_once('/')?;
    let (scope, region) = match asymmetric {
        true => (scope, None),
        false => scope.rsplit_once('/').map(|(scope, region)| (scope, Some(region)))?,
    };
    let (access_key_id, date) = scope.rsplit_once('/')?;
    if access_key_id.is_empty() || service.is_empty() {
        return None;
    }
    Some(Scope {
        access_key_id: access_key_id.to_owned(),
        date: date.to_owned(),
        region_as_written: region.unwrap_or_default().to_owned(),
        region: region.filter(|region| is_region(region)).map(str::to_owned),
        service: service.to_owned(),
        signed_headers: signed.split(';').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        signature: signature.to_owned(),
        presigned,
        asymmetric,
    })
}

/// Whether a text looks like a region (`us-east-1`, `us-gov-west-1`, `eusc-de-east-1`), and so may
/// enter a host name.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.as_bytes().split(|byte| *byte == b'-');
    let (Some(first), Some(last), Some(second)) = (parts.next(), parts.next_back(), parts.next()) else {
        return false;
    };
    let is_word = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= 32
        && first.len() >= 2
        && first.iter().all(u8::is_ascii_lowercase)
        && is_word(second)
        && parts.all(is_word)
        && !last.is_empty()
        && last.iter().all(u8::is_ascii_digit)
}

/// The region of a request: of its credential scope, else of its host
/// (`proton.us-east-1.amazonaws.com`). Asked for every request, so nothing else is taken apart.
pub fn region_of(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let signed = match headers.get(AUTHORIZATION) {
        Some(value) => region_in_authorization(value.as_bytes()).map(str::to_owned),
        None => uri.query().and_then(from_query).and_then(|scope| scope.region),
    };
    signed.or_else(|| region_of_host(uri.host()?).map(str::to_owned))
}

/// The region that a host names: the last one, because a bucket of S3, which may be called like a
/// region, stands before the service (`us-west-2.s3.us-east-1.amazonaws.com`).
fn region_of_host(host: &str) -> Option<&str> {
    for label in host.rsplit('.') {
        let named = label.strip_prefix("s3-").unwrap_or(label);
        if is_region(named) {
            return Some(named);
        }
        if label == "s3" || named != label {
            return None;
        }
    }
    None
}

/// The region in `AWS4-HMAC-SHA256 Credential=AKID/date/REGION/service/aws4_request, …`.
fn region_in_authorization(value: &[u8]) -> Option<&str> {
    let mut parts = value.strip_prefix(SYMMETRIC.as_bytes())?.split(|byte| matches!(byte, b' ' | b','));
    let credential = parts.find_map(|part| part.strip_prefix(b"Credential="))?;
    let region = credential.rsplit(|byte| *byte == b'/').nth(2)?;
    std::str::from_utf8(region).ok().filter(|region| is_region(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_its_scope() {
        let scope = from_authorization(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa0",
        )
        .unwrap();
        assert_eq!(scope.access_key_id, "AKIDEXAMPLE");
        assert_eq!(scope.date, "20150830");
        assert_eq!(scope.region.as_deref(), Some("us-east-1"));
        assert_eq!(scope.service, "service");
        assert_eq!(scope.signed_headers, ["host", "x-amz-date"]);
        assert_eq!(scope.signature, "5fa0");
        assert!(!scope.presigned && !scope.asymmetric);
    }

    #[test]
    fn a_header_without_blanks_is_read_too() {
        let scope = from_authorization("AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=0");
        assert_eq!(scope.unwrap().signed_headers, ["host"]);
    }

    #[test]
    fn sigv4a_names_no_region() {
        let scope =
            from_authorization("AWS4-ECDSA-P256-SHA256 Credential=A/20150830/s3/aws4_request, SignedHeaders=host, Signature=30").unwrap();
        assert_eq!((scope.region, scope.service.as_str(), scope.asymmetric), (None, "s3", true));
    }

    #[test]
    fn a_presigned_url_tells_its_scope() {
        let scope = from_query(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host%3Bx-a&X-Amz-Signature=ab",
        )
        .unwrap();
        assert_eq!(scope.region.as_deref(), Some("eu-west-1"));
        assert_eq!(scope.signed_headers, ["host", "x-a"]);
        assert!(scope.presigned);
    }

    #[test]
    fn other_authentication_has_no_scope() {
        for value in [
            "Bearer abc",
            "Basic YTpi",
            "AWS AKID:sig",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host",
        ] {
            assert_eq!(from_authorization(value), None, "{value}");
        }
    }

    #[test]
    fn only_what_looks_like_a_region_is_one() {
        for region in [
            "us-east-1",
            "us-gov-west-1",
            "us-isob-east-1",
            "eusc-de-east-1",
            "ap-southeast-12",
            "mx-central-1",
        ] {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "",
            "us",
            "us-1",
            "us-east",
            "evil.com/-1",
            "us-east-1.evil",
            "US-EAST-1",
            "-east-1",
            "us--1",
            "u-east-1",
            "us-east-1@x",
        ] {
            assert!(!is_region(other), "{other}");
        }
        let scope = from_authorization("AWS4-HMAC-SHA256 Credential=A/20150830/evil.com/s3/aws4_request, SignedHeaders=host, Signature=0");
        assert_eq!(scope.unwrap().region, None);
    }

    #[test]
    fn the_host_tells_the_region_where_nothing_is_signed() {
        let of_host = |uri: &'static str| region_of(&Uri::from_static(uri), &HeaderMap::new());
        assert_eq!(of_host("https://proton.us-west-2.amazonaws.com/").as_deref(), Some("us-west-2"));
        assert_eq!(of_host("http://127.0.0.1:9/"), None);
        assert_eq!(
            of_host("https://us-west-2.s3.us-east-1.amazonaws.com/k").as_deref(),
            Some("us-east-1")
        );
        assert_eq!(of_host("https://us-west-2.s3.amazonaws.com/k"), None);
        assert_eq!(of_host("https://b.s3-us-west-2.amazonaws.com/k").as_deref(), Some("us-west-2"));
    }
}
