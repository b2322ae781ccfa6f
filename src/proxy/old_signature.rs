//! Checks a presigned URL of signature version 2, so that only the program under test is signed
//! for. Only S3 still takes it; boto3 makes such URLs unless it is told otherwise.
//!
//! The expiry is not checked: frozen clocks are normal in tests, and a key lives for one run only.
//!
//! Source: "Signing and authenticating REST requests" of the Amazon S3 API Reference.

use super::signature::{BadSignature, Signed, same};
use crate::scope::Scope;
use crate::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;
use ring::hmac;
use std::collections::BTreeMap;

/// Query members that name what is asked of a bucket or object, and are signed with the path.
const SUBRESOURCES: [&str; 35] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// A signature of version 2, as a URL carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSignature {
    /// Who signed.
    pub access_key_id: String,
    signature: String,
    expires: String,
}

impl OldSignature {
    /// The signature in a query; nothing where there is none of this version.
    pub fn of(uri: &Uri) -> Option<OldSignature> {
        let query = uri.query()?;
        Some(OldSignature {
            access_key_id: member(query, "AWSAccessKeyId")?,
            signature: member(query, "Signature")?,
            expires: member(query, "Expires")?,
        })
    }

    /// Checks it against the secret of its access key. `bucket`: the one that the host names.
    pub fn verify(&self, request: Signed<'_>, bucket: Option<&str>, secret: &str) -> Result<(), BadSignature> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let signature = hmac::sign(&key, self.to_sign(request, bucket).as_bytes());
        let signature = STANDARD.encode(signature.as_ref());
        match same(signature.as_bytes(), self.signature.as_bytes()) {
            true => Ok(()),
            false => Err(BadSignature::Mismatch),
        }
    }

    /// The scope that the request will have once it is signed again: this version has none.
    pub fn scope(&self, region: Option<&str>) -> Scope {
        Scope {
            access_key_id: self.access_key_id.clone(),
            date: String::new(),
            region: region.map(str::to_owned),
            region_as_written: region.unwrap_or("us-east-1").to_owned(),
            service: "s3".to_owned(),
            signed_headers: Vec::new(),
            signature: String::new(),
            presigned: true,
            asymmetric: false,
        }
    }

    fn to_sign(&self, request: Signed<'_>, bucket: Option<&str>) -> String {
        let query = request.path.query().unwrap_or_default();
        // A client that leaves a signed header out is told so by S3 itself.
        let either = |name: &str| {
            let header = wire::text(request.headers, name).map(str::to_owned);
            header.or_else(|| member(query, name)).unwrap_or_default()
        };
        let (md5, content_type) = (either("content-md5"), either("content-type"));
        let mut to_sign = format!("{}\n{md5}\n{content_type}\n{}\n", request.method, self.expires);
        for (name, value) in amazon_headers(request, query) {
            to_sign.push_str(&format!("{name}:{value}\n"));
        }
        if let Some(bucket) = bucket {
            to_sign.push_str(&format!("/{bucket}"));
        }
        to_sign.push_str(request.path.path());
        to_sign.push_str(&subresources(query));
        to_sign
    }
}

fn member(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(decoded(value))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The `x-amz-` headers, wherever they stand, by name.
fn amazon_headers(request: Signed<'_>, query: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let given = request.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        (name.as_str().to_owned(), value)
    });
    let moved = query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_ascii_lowercase(), decoded(value))
    });
    for (name, value) in given.chain(moved).filter(|(name, _)| name.starts_with("x-amz-")) {
        let joined = found.entry(name).or_default();
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&value);
    }
    found
}

/// `?acl&versionId=3`, sorted; empty where the query names none.
fn subresources(query: &str) -> String {
    let mut named: Vec<String> = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
        if SUBRESOURCES.contains(&name) {
            named.push(value.map_or_else(|| name.to_owned(), |value| format!("{name}={}", decoded(value))));
        }
    }
    named.sort();
    if named.is_empty() {
        return String::new();
    }
    format!("?{}", named.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn check(method: &str, uri: &str, headers: &[(&str, &str)], bucket: Option<&str>, secret: &str) -> Result<(), BadSignature> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let signed = Signed {
            method: request.method(),
            path: request.uri().path_and_query().unwrap(),
            headers: request.headers(),
            body: b"",
        };
        OldSignature::of(request.uri()).unwrap().verify(signed, bucket, secret)
    }

    /// The published example of query string authentication (Amazon S3 API Reference), whose
    /// signature is for the bucket of its first edition.
    const PUBLISHED: &str = "http://johnsmith.s3.us-west-1.amazonaws.com/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

    #[test]
    fn the_published_example_is_accepted() {
        assert_eq!(check("GET", PUBLISHED, &[], Some("johnsmith"), SECRET), Ok(()));
    }

    #[test]
    fn any_change_breaks_it() {
        let bucket = Some("johnsmith");
        assert_eq!(check("PUT", PUBLISHED, &[], bucket, SECRET), Err(BadSignature::Mismatch));
        assert_eq!(check("GET", PUBLISHED, &[], Some("other"), SECRET), Err(BadSignature::Mismatch));
        assert_eq!(check("GET", PUBLISHED, &[], bucket, "another"), Err(BadSignature::Mismatch));
        let acl = format!("{PUBLISHED}&acl");
        assert_eq!(check("GET", &acl, &[], bucket, SECRET), Err(BadSignature::Mismatch));
        let header = [("x-amz-acl", "public-read")];
        assert_eq!(check("GET", PUBLISHED, &header, bucket, SECRET), Err(BadSignature::Mismatch));
    }

    #[test]
    fn what_boto3_signs_is_accepted() {
        let put = "http://127.0.0.1:9/b/a%20b%2B%C3%BC?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=%2B9bkP5YjycEENBUXCKiQqSKdcT4%3D&content-type=text%2Fplain&x-amz-acl=private&x-amz-meta-k=v%20w&Expires=1795311618";
        assert_eq!(check("PUT", put, &[("content-type", "text/plain")], None, SECRET), Ok(()));
        assert_eq!(
            check("PUT", put, &[("content-type", "text/html")], None, SECRET),
            Err(BadSignature::Mismatch)
        );
        let get = "http://127.0.0.1:9/b/k?versionId=3%2F4&response-content-type=text%2Fx%20y&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=bgMIT7IqaMnxR8ldnLNDUA%2FhV%2BY%3D&Expires=1795311618";
        assert_eq!(check("GET", get, &[], None, SECRET), Ok(()));
        let part = "http://127.0.0.1:9/b/k?uploadId=u%2B%2F%3D&partNumber=2&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=Adb6Qw%2BvD87JkW2t4N8rc%2BFwPiI%3D&Expires=1795311618";
        assert_eq!(check("PUT", part, &[], None, SECRET), Ok(()));
    }
}
