//! Checks a client's SigV4 signature, so that only the program under test is signed for.
//!
//! The date is not checked: frozen clocks are normal in tests, and a key lives for one run only.
//! Where SDKs differ in how they spell a path or a query in the canonical request, each spelling is
//! tried; all of them bind the same bytes.
//!
//! Source: "Create a signed AWS API request" of the IAM User Guide.

use crate::model::hexadecimal;
use crate::scope::Scope;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use http::header::HeaderMap;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// What stays as it is: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// SigV4A signatures are not HMACs of a secret.
    #[error("the request is signed with SigV4A, which cannot be checked here; use the intercept door")]
    Asymmetric,
    /// There is no date of signing.
    #[error("the request is signed but has no `X-Amz-Date`")]
    NoDate,
    /// Without the host in it, a signature would be good anywhere.
    #[error("the signature does not cover `host`")]
    HostNotSigned,
    /// The body is another than the signed one.
    #[error("`x-amz-content-sha256` is not the hash of the body")]
    WrongBody,
    /// The signature is wrong.
    #[error(
        "the signature does not match; something between the program and Ferrotape changed the request, or it was signed with another secret"
    )]
    Mismatch,
}

/// A request as it was signed.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Path and query as the client sent them (`Arrival::signed_path`, else those of the URI).
    pub path: &'a PathAndQuery,
    /// All headers, `Host` as it came.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// Checks a request's signature against the secret of its access key.
pub fn verify(request: Signed<'_>, scope: &Scope, secret: &str) -> Result<(), BadSignature> {
    if scope.asymmetric {
        return Err(BadSignature::Asymmetric);
    }
    if !scope.signed_headers.iter().any(|name| name == "host") {
        return Err(BadSignature::HostNotSigned);
    }
    let date = date_of_signing(request, scope).ok_or(BadSignature::NoDate)?;
    let credential_scope = format!("{}/{}/{}/aws4_request", scope.date, scope.region_as_written, scope.service);
    let key = signing_key(secret, scope);
    let query = request.path.query().unwrap_or_default();
    for payload in payload_hashes(request, scope)? {
        for path in canonical_paths(request.path.path(), &scope.service) {
            for query in canonical_queries(query) {
                let canonical = canonical_request(request, scope, &path, &query, &payload);
                let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{credential_scope}\n{}", hash(canonical.as_bytes()));
                let signature = hexadecimal(&hmac(&key, to_sign.as_bytes()));
                if same(signature.as_bytes(), scope.signature.as_bytes()) {
                    return Ok(());
                }
            }
        }
    }
    Err(BadSignature::Mismatch)
}

/// Compares without telling by its time where two texts differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

fn date_of_signing(request: Signed<'_>, scope: &Scope) -> Option<String> {
    if scope.presigned {
        return query_member(request.path.query()?, "X-Amz-Date");
    }
    Some(request.headers.get("x-amz-date")?.to_str().ok()?.trim().to_owned())
}

fn query_member(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}

/// What may stand for the payload: what the request says, checked where it is a hash, else the
/// body's hash. Presigned requests leave S3's payload unsigned.
fn payload_hashes(request: Signed<'_>, scope: &Scope) -> Result<Vec<String>, BadSignature> {
    let body = hash(request.body);
    let said = request.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    let Some(said) = said else {
        return Ok(if scope.presigned {
            vec![body, UNSIGNED_PAYLOAD.to_owned()]
        } else {
            vec![body]
        });
    };
    let is_hash = said.len() == 64 && said.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash && !said.eq_ignore_ascii_case(&body) {
        return Err(BadSignature::WrongBody);
    }
    let mut hashes = vec![said.to_owned()];
    if scope.presigned {
        hashes.push(UNSIGNED_PAYLOAD.to_owned());
    }
    Ok(hashes)
}

/// S3 takes the path as it is; everybody else encodes it once more, most after normalising it.
fn canonical_paths(path: &str, service: &str) -> Vec<String> {
    let path = if path.is_empty() { "/" } else { path };
    let twice = |path: &str| utf8_percent_encode(path, ENCODED_IN_PATH).to_string();
    let once = |path: &str| utf8_percent_encode(&percent_decode_str(path).decode_utf8_lossy(), ENCODED_IN_PATH).to_string();
    let mut paths = match service.starts_with("s3") {
        true => vec![path.to_owned(), once(path)],
        false => vec![twice(&normalised(path)), twice(path), path.to_owned()],
    };
    paths.dedup();
    paths
}

/// Without empty, `.` and `..` segments; a trailing slash stays.
fn normalised(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let ends_in_slash = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let mut normal = String::with_capacity(path.len());
    for segment in &kept {
        normal.push('/');
        normal.push_str(segment);
    }
    if kept.is_empty() || ends_in_slash {
        normal.push('/');
    }
    normal
}

/// Sorted, without the signature itself; as the client spelt it, and in the one correct spelling.
fn canonical_queries(query: &str) -> Vec<String> {
    let pairs = || {
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    };
    let pairs = || pairs().filter(|(name, _)| *name != "X-Amz-Signature");
    let spell = |text: &str| utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), ENCODED).to_string();
    let correct = joined(pairs().map(|(name, value)| (spell(name), spell(value))).collect());
    let written = joined(pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    let mut queries = vec![correct, written];
    queries.dedup();
    queries
}

fn joined(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn canonical_request(request: Signed<'_>, scope: &Scope, path: &str, query: &str, payload: &str) -> String {
    let mut canonical = format!("{}\n{path}\n{query}\n", request.method);
    for name in &scope.signed_headers {
        canonical.push_str(name);
        canonical.push(':');
        for (index, value) in request.headers.get_all(name).iter().enumerate() {
            if index > 0 {
                canonical.push(',');
            }
            push_trimmed(&mut canonical, &String::from_utf8_lossy(value.as_bytes()));
        }
        canonical.push('\n');
    }
    canonical.push('\n');
    canonical.push_str(&scope.signed_headers.join(";"));
    canonical.push('\n');
    canonical.push_str(payload);
    canonical
}

/// Runs of blanks count as one.
fn push_trimmed(canonical: &mut String, value: &str) {
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        if index > 0 {
            canonical.push(' ');
        }
        canonical.push_str(word);
    }
}

fn signing_key(secret: &str, scope: &Scope) -> [u8; 32] {
    let start = format!("AWS4{secret}");
    let parts = [scope.date.as_str(), &scope.region_as_written, &scope.service, "aws4_request"];
    let date_key = hmac(start.as_bytes(), parts[0].as_bytes());
    parts[1..].iter().fold(date_key, |key, part| hmac(&key, part.as_bytes()))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // An HMAC takes a key of any length.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    code.update(message);
    code.finalize().into_bytes().into()
}

fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope;
    use http::Request;

    /// The worked example of the IAM User Guide (`ListUsers`).
    fn published() -> Request<()> {
        let scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request";
        let signature = "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
            .header("host", "iam.amazonaws.com")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("x-amz-date", "20150830T123600Z")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=content-type;host;x-amz-date, {signature}"),
            )
            .body(())
            .unwrap()
    }

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn check(request: &Request<()>, body: &[u8], secret: &str) -> Result<(), BadSignature> {
        let scope = scope::of(request.uri(), request.headers()).unwrap();
        let path = request.uri().path_and_query().unwrap();
        verify(
            Signed {
                method: request.method(),
                path,
                headers: request.headers(),
                body,
            },
            &scope,
            secret,
        )
    }

    #[test]
    fn the_published_example_is_accepted() {
        assert_eq!(check(&published(), b"", SECRET), Ok(()));
    }

    #[test]
    fn any_change_breaks_a_signature() {
        assert_eq!(check(&published(), b"", "another"), Err(BadSignature::Mismatch));
        assert_eq!(check(&published(), b"body", SECRET), Err(BadSignature::Mismatch));
        let mut other = published();
        other.headers_mut().insert("host", "evil.example".parse().unwrap());
        assert_eq!(check(&other, b"", SECRET), Err(BadSignature::Mismatch));
        let mut other = published();
        *other.uri_mut() = "https://iam.amazonaws.com/?Action=ListRoles&Version=2010-05-08".parse().unwrap();
        assert_eq!(check(&other, b"", SECRET), Err(BadSignature::Mismatch));
        let mut other = published();
        *other.method_mut() = Method::POST;
        assert_eq!(check(&other, b"", SECRET), Err(BadSignature::Mismatch));
    }

    #[test]
    fn a_signature_without_the_host_is_refused() {
        let mut request = published();
        let value = request.headers()["authorization"].to_str().unwrap().replace(";host", "");
        request.headers_mut().insert("authorization", value.parse().unwrap());
        assert_eq!(check(&request, b"", SECRET), Err(BadSignature::HostNotSigned));
    }

    #[test]
    fn a_stated_hash_must_be_the_bodys() {
        let mut request = published();
        request.headers_mut().insert("x-amz-content-sha256", hash(b"one").parse().unwrap());
        assert_eq!(check(&request, b"two", SECRET), Err(BadSignature::WrongBody));
    }

    #[test]
    fn a_request_without_a_date_is_refused() {
        let mut request = published();
        request.headers_mut().remove("x-amz-date");
        assert_eq!(check(&request, b"", SECRET), Err(BadSignature::NoDate));
    }

    #[test]
    fn a_presigned_url_is_accepted() {
        // The published example of a presigned S3 URL (Amazon S3 API Reference).
        let url = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let request = Request::get(url).header("host", "examplebucket.s3.amazonaws.com").body(()).unwrap();
        assert_eq!(check(&request, b"", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Ok(()));
        assert_eq!(check(&request, b"", SECRET), Err(BadSignature::Mismatch));
    }

    #[test]
    fn paths_are_normalised() {
        for (path, normal) in [
            ("/", "/"),
            ("/a/../b", "/b"),
            ("//a/./b/", "/a/b/"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
        ] {
            assert_eq!(normalised(path), normal, "{path}");
        }
    }

    /// Requests captured from real SDKs, all signed with the key of the documentation's examples.
    #[test]
    fn the_signatures_of_real_sdks_are_accepted() {
        let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
            eprintln!("skipped: `FERROTAPE_VECTORS` is not set");
            return;
        };
        let captures = std::fs::read_to_string(std::path::Path::new(&folder).join("captures.jsonl")).unwrap();
        let mut checked = 0;
        for line in captures.lines() {
            let capture: serde_json::Value = serde_json::from_str(line).unwrap();
            let mut start = capture["start_line"].as_str().unwrap().split(' ');
            let mut request = Request::builder().method(start.next().unwrap()).uri(start.next().unwrap());
            for header in capture["headers"].as_array().unwrap() {
                request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
            }
            let request = request.body(()).unwrap();
            let Some(scope) = scope::of(request.uri(), request.headers()) else {
                continue;
            };
            if scope.access_key_id != "AKIDEXAMPLE000000000" {
                continue;
            }
            let body = capture["body_text"].as_str().unwrap_or_default();
            assert_eq!(check(&request, body.as_bytes(), SECRET), Ok(()), "{line}");
            checked += 1;
        }
        assert!(checked > 100, "only {checked} captures are signed");
    }
}
