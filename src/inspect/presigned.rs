//! What a presigned URL holds in its query beside the call: a signature, and headers.
//!
//! Source: "Authenticating requests: using query parameters" (signature version 4) and "Signing and
//! authenticating REST requests" (version 2, which S3 still takes and boto3 still makes) of the
//! Amazon S3 API Reference.

use crate::scope::{self, Scope};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// Query members of a signature.
const SIGNATURE_MEMBERS: [&str; 9] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "x-amz-content-sha256",
];

/// The same in version 2, and the headers that it signs and SDKs repeat there.
const OLD_SIGNATURE_MEMBERS: [&str; 5] = ["awsaccesskeyid", "signature", "expires", "content-type", "content-md5"];

/// The query of a presigned URL, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Presigned {
    /// What is asked: the query without signature and headers.
    pub query: String,
    /// What the SDK moved into the query, where S3 takes it for a header (`x-amz-acl`).
    pub headers: HeaderMap,
}

/// Takes the query of a presigned URL apart; nothing where it is none.
pub fn presigned(query: &str) -> Option<Presigned> {
    if !is_presigned(query) {
        return None;
    }
    let old = is_old(query);
    let (mut kept, mut headers) = (Vec::new(), HeaderMap::new());
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        if SIGNATURE_MEMBERS.contains(&name.as_str()) || old && OLD_SIGNATURE_MEMBERS.contains(&name.as_str()) {
            continue;
        }
        if !name.starts_with("x-amz-") {
            kept.push(pair);
            continue;
        }
        let value = percent_decode_str(value).decode_utf8_lossy();
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    Some(Presigned {
        query: kept.join("&"),
        headers,
    })
}

/// Whether a signature, of whatever version, stands in a query.
pub(super) fn is_presigned(query: &str) -> bool {
    query.contains("X-Amz-Signature=") || is_old(query)
}

/// Whether that is one of version 2.
pub(super) fn is_old(query: &str) -> bool {
    query.contains("AWSAccessKeyId=") && query.contains("Signature=")
}

impl Presigned {
    /// Gives the request the headers that stood in its URL; those that it has stay.
    pub fn fill(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Says in `Authorization` what the query said there: the scope, without who signed and when.
pub(super) fn authorize(query: &str, headers: &mut HeaderMap) {
    if let Some(value) = scope::from_query(query).and_then(|scope| authorization(&scope)) {
        headers.entry(AUTHORIZATION).or_insert(value);
    }
}

fn authorization(scope: &Scope) -> Option<HeaderValue> {
    let (algorithm, place) = match scope.asymmetric {
        true => ("AWS4-ECDSA-P256-SHA256", scope.service.clone()),
        false => ("AWS4-HMAC-SHA256", format!("{}/{}", scope.region_as_written, scope.service)),
    };
    let signed = scope.signed_headers.join(";");
    HeaderValue::from_str(&format!("{algorithm} Credential=*/*/{place}/aws4_request, SignedHeaders={signed}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(query: &str) -> Option<(String, Vec<String>)> {
        let presigned = presigned(query)?;
        let headers = presigned.headers.iter();
        let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        Some((presigned.query, headers.collect()))
    }

    #[test]
    fn the_call_and_the_headers_are_what_is_left() {
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&versionId=3&X-Amz-Credential=A&x-amz-acl=public-read&X-Amz-Signature=00&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD";
        assert_eq!(
            apart(query),
            Some(("versionId=3".to_owned(), vec!["x-amz-acl: public-read".to_owned()]))
        );
        let old = "AWSAccessKeyId=A&Signature=b%3D&content-type=text%2Fplain&x-amz-meta-a=b%20c&Expires=1&uploads";
        assert_eq!(apart(old), Some(("uploads".to_owned(), vec!["x-amz-meta-a: b c".to_owned()])));
    }

    #[test]
    fn other_queries_are_left_alone() {
        for query in ["", "list-type=2&expires=1", "Signature=1", "x-amz-acl=private"] {
            assert_eq!(apart(query), None, "{query}");
        }
    }
}
