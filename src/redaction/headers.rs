//! Headers as they may be written: what is left out, what is replaced, what is made anew.
//!
//! Left out is what belongs to one connection, one signature, one clock or one SDK, so that the
//! same call recorded again gives the same file. The list follows the public references of
//! SigV4 and of each service; names are compared in lower case (`http` keeps them so).

use super::names::names_secret;
use super::rules::Rule;
use super::stand_in::StandIns;
use crate::codec::{checksum, content};
use crate::wire::{self, HOP_BY_HOP};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};

/// Request headers that are not stored.
const DROPPED_FROM_REQUESTS: [&str; 18] = [
    "accept-encoding",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "content-encoding",
    "content-length",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "user-agent",
    "via",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amzn-trace-id",
    "x-forwarded-for",
];

/// Headers whose value becomes a stand-in, in both directions.
const SECRET: [(&str, Rule); 16] = [
    ("cookie", Rule::Credentials),
    ("proxy-authorization", Rule::Credentials),
    ("set-cookie", Rule::Credentials),
    ("x-amz-access-token", Rule::SessionToken),
    ("x-amz-client-context", Rule::Credentials),
    ("x-amz-copy-source-server-side-encryption-customer-key", Rule::Credentials),
    ("x-amz-copy-source-server-side-encryption-customer-key-md5", Rule::Credentials),
    ("x-amz-s3session-token", Rule::SessionToken),
    ("x-amz-security-token", Rule::SessionToken),
    ("x-amz-server-side-encryption-customer-key", Rule::Credentials),
    ("x-amz-server-side-encryption-customer-key-md5", Rule::Credentials),
    ("x-amz-sso_bearer_token", Rule::SessionToken),
    ("x-api-key", Rule::Credentials),
    ("x-aws-ec2-metadata-token", Rule::SessionToken),
    ("x-amz-create-session-token", Rule::SessionToken),
    ("www-authenticate", Rule::Credentials),
];

/// Why a body's content encoding cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// An encoding that Ferrotape does not read; its secrets would not be seen.
    #[error("content encoding `{0}` is not known; ask for `gzip`, `deflate` or `identity`")]
    Unknown(String),
    /// The bytes are not in the encoding that the header names, or too many.
    #[error("{0}")]
    Broken(String),
}

/// The headers of a request worth keeping, before anything is replaced. `owns_encoding`: the content
/// encoding belongs to what is sent.
pub(super) fn of_request(headers: &HeaderMap, owns_encoding: bool) -> HeaderMap {
    let headers = wire::without_hop_by_hop(headers);
    let mut kept = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in &headers {
        let text = name.as_str();
        let own = text.starts_with("x-ferrotape-") || text.starts_with("proxy-");
        let any = text == "accept" && value.as_bytes() == b"*/*";
        let is_dropped = DROPPED_FROM_REQUESTS.contains(&text) && !(owns_encoding && *name == CONTENT_ENCODING);
        if own || any || is_dropped {
            continue;
        }
        let value = if text == "authorization" {
            authorization(value)
        } else {
            Some(value.clone())
        };
        if let Some(value) = value {
            kept.append(name.clone(), value);
        }
    }
    kept
}

/// The headers of a response worth keeping, before anything is replaced. `head`: it answers a HEAD
/// request, whose `content-length` speaks of a body that is not there.
pub(super) fn of_response(headers: &HeaderMap, head: bool) -> HeaderMap {
    wire::keep(&wire::without_hop_by_hop(headers), |name| {
        let name = name.as_str();
        !(name == "date" || name == "content-length" && !head || name.starts_with("x-ferrotape-") || HOP_BY_HOP.contains(&name))
    })
}

/// The rule by which a header's value becomes a stand-in: it is known, or its name says so.
pub(super) fn secret(name: &str, value: &str) -> Option<Rule> {
    let known = SECRET.iter().find(|(secret, _)| *secret == name).map(|(_, rule)| *rule);
    // Of `Authorization` only what is no secret was kept.
    known.or_else(|| (name != "authorization" && names_secret(name, value)).then_some(Rule::SecretForms))
}

/// The stand-in for a header's value; itself where it is one already, so that a recording of a
/// replay lists it too.
pub(super) fn hidden(stand_ins: &StandIns, value: &str) -> Option<String> {
    (!value.is_empty()).then(|| stand_ins.text(value))
}

/// Of `Authorization` the scope without key id and date, and the names of the signed headers:
/// `AWS4-HMAC-SHA256 Credential=*/*/us-east-1/proton/aws4_request, SignedHeaders=host;x-amz-date`.
/// Of anything else only the scheme.
fn authorization(value: &HeaderValue) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let (scheme, parameters) = text.split_once(' ').unwrap_or((text, ""));
    let parameter = |name: &str| {
        parameters
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let kept = match (scheme.starts_with("AWS4-"), parameter("Credential"), parameter("SignedHeaders")) {
        (true, Some(credential), Some(signed)) => {
            let scope = credential.splitn(3, '/').nth(2).unwrap_or_default();
            format!("{scheme} Credential=*/*/{scope}, SignedHeaders={signed}")
        }
        // Without a space the whole value may be the secret.
        _ if parameters.is_empty() => "*".to_owned(),
        _ => format!("{scheme} *"),
    };
    HeaderValue::from_str(&kept).ok()
}

/// Makes the checksums in `headers` true for `body`; those that cannot be made here are removed,
/// because SDKs refuse an answer whose checksum is wrong, and take one without.
pub fn refresh_checksums(headers: &mut HeaderMap, body: &[u8]) {
    refresh_some_checksums(headers, body, is_checksum);
}

/// The same for those whose names pass `wanted`; the others stay as they are.
pub fn refresh_some_checksums(headers: &mut HeaderMap, body: &[u8], wanted: impl Fn(&HeaderName) -> bool) {
    if !headers.keys().any(|name| is_checksum(name) && wanted(name)) {
        return;
    }
    let mut kept = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in &*headers {
        if !is_checksum(name) || !wanted(name) || is_of_parts(value) {
            kept.append(name.clone(), value.clone());
        } else if let Some(value) = checksum::header_value(name.as_str(), body) {
            kept.append(name.clone(), wire::header_value(&value));
        }
    }
    *headers = kept;
}

/// `AAAAAA==-3`: a checksum of the checksums of an object's parts, which no client can compare with
/// the body, and none does.
fn is_of_parts(value: &HeaderValue) -> bool {
    value.as_bytes().contains(&b'-')
}

/// Whether a request header says how the message travels, so that it is not stored or differs from
/// SDK to SDK.
pub fn is_volatile(name: &str) -> bool {
    DROPPED_FROM_REQUESTS.contains(&name)
        || matches!(
            name,
            "content-md5" | "x-amz-sdk-checksum-algorithm" | "x-amz-decoded-content-length" | "x-amz-trailer"
        )
        || name.starts_with("x-amz-checksum-")
}

/// Whether a header holds a checksum of the body; some of like names say only which kind it is.
pub fn is_checksum(name: &http::HeaderName) -> bool {
    let holds = |kind| !matches!(kind, "algorithm" | "mode" | "type");
    let name = name.as_str();
    matches!(name, "x-amz-crc32" | "content-md5") || name.strip_prefix("x-amz-checksum-").is_some_and(holds)
}

/// A body without its content encoding. `identity`, `aws-chunked` (not ours to undo) and no header
/// give the body back; so does a gzip body that was decoded before.
///
/// # Errors
/// Where the encoding is unknown, or the body is not in it.
pub fn decode_content(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, ContentError> {
    let names = headers.get_all("content-encoding").iter().filter_map(|value| value.to_str().ok());
    let names: Vec<String> = names
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    const KNOWN: [&str; 6] = ["", "identity", "aws-chunked", "gzip", "x-gzip", "deflate"];
    if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(ContentError::Unknown(unknown.clone()));
    }
    if names.last().is_some_and(|name| name.ends_with("gzip")) && !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body.clone());
    }
    content::decoded(headers, body).map_err(ContentError::Broken)
}

/// Redoes the gzip encoding that a recorded response names, for a client whose `Accept-Encoding`
/// takes it; for any other the header goes and the body stays as it is. Compute checksums
/// afterwards.
pub fn encode_content(headers: &mut HeaderMap, body: Bytes, asked: &HeaderMap) -> Bytes {
    let Some(encoding) = wire::text(headers, "content-encoding").map(|encoding| encoding.trim().to_ascii_lowercase()) else {
        return body;
    };
    match encoding.as_str() {
        "identity" | "aws-chunked" => body,
        "gzip" | "x-gzip" if content::accepts_gzip(asked) => content::gzip(&body),
        _ => {
            *headers = wire::keep(headers, |name| name != CONTENT_ENCODING);
            body
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn lines(headers: &HeaderMap) -> Vec<String> {
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn of_a_request_only_what_says_something_is_kept() {
        let kept = of_request(
            &headers(&[
                ("host", "proton.us-east-1.amazonaws.com"),
                ("x-amz-target", "AwsProton20200720.CreateServiceInstance"),
                ("accept", "*/*"),
                ("user-agent", "boto"),
                ("amz-sdk-request", "attempt=1"),
                ("x-amz-date", "20200101T000000Z"),
                ("x-amz-security-token", "token"),
                ("proxy-authorization", "Basic eDp5"),
                ("x-ferrotape-session", "a"),
                (
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7SECRETS/20200101/us-east-1/proton/aws4_request, SignedHeaders=host;x-amz-date, Signature=0a",
                ),
                ("content-type", "application/x-amz-json-1.0"),
            ]),
            false,
        );
        assert_eq!(
            lines(&kept),
            [
                "x-amz-target: AwsProton20200720.CreateServiceInstance",
                "authorization: AWS4-HMAC-SHA256 Credential=*/*/us-east-1/proton/aws4_request, SignedHeaders=host;x-amz-date",
                "content-type: application/x-amz-json-1.0",
            ]
        );
        assert_eq!(lines(&of_request(&kept, false)), lines(&kept));
    }

    #[test]
    fn of_another_authorization_only_the_scheme_is_kept() {
        assert_eq!(
            lines(&of_request(&headers(&[("authorization", "Bearer hunter2")]), false)),
            ["authorization: Bearer *"]
        );
        assert_eq!(
            lines(&of_request(&headers(&[("authorization", "hunter2")]), false)),
            ["authorization: *"]
        );
    }

    #[test]
    fn the_length_of_a_head_response_is_kept() {
        let given = headers(&[
            ("date", "now"),
            ("content-length", "7"),
            ("x-amzn-requestid", "1"),
            ("connection", "close"),
        ]);
        assert_eq!(lines(&of_response(&given, false)), ["x-amzn-requestid: 1"]);
        assert_eq!(lines(&of_response(&given, true)), ["content-length: 7", "x-amzn-requestid: 1"]);
    }

    #[test]
    fn checksums_are_made_true_or_removed() {
        let mut given = headers(&[
            ("x-amz-crc32", "1"),
            ("a", "b"),
            ("content-md5", "x"),
            ("x-amz-checksum-crc32", "x"),
            ("x-amz-checksum-sha256", "x"),
            ("x-amz-checksum-xxhash3", "x"),
            ("x-amz-checksum-sha1", "x-2"),
            ("x-amz-checksum-type", "COMPOSITE"),
            ("x-amz-checksum-algorithm", "SHA256"),
        ]);
        refresh_checksums(&mut given, b"123456789");
        assert_eq!(
            lines(&given),
            [
                "x-amz-crc32: 3421780262",
                "a: b",
                "content-md5: JfnnlDI7RTiF9RgfG2JNCw==",
                "x-amz-checksum-crc32: y/Q5Jg==",
                "x-amz-checksum-sha256: FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
                "x-amz-checksum-sha1: x-2",
                "x-amz-checksum-type: COMPOSITE",
                "x-amz-checksum-algorithm: SHA256",
            ]
        );
    }

    #[test]
    fn gzip_is_undone_and_redone_for_a_client_that_takes_it() {
        let mut given = headers(&[("content-encoding", "gzip")]);
        let body = Bytes::from_static(b"{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
        let sent = encode_content(&mut given, body.clone(), &headers(&[("accept-encoding", "gzip, deflate")]));
        assert_ne!(sent, body);
        assert_eq!(decode_content(&given, &sent).unwrap(), body);
        assert_eq!(decode_content(&given, &body).unwrap(), body);
        assert_eq!(
            encode_content(&mut given, body.clone(), &headers(&[("accept-encoding", "identity")])),
            body
        );
        assert!(given.is_empty());
    }

    #[test]
    fn an_unknown_or_broken_encoding_is_refused() {
        let refused = |encoding, body: Vec<u8>| decode_content(&headers(&[("content-encoding", encoding)]), &body.into()).unwrap_err();
        assert_eq!(refused("br", b"x".to_vec()), ContentError::Unknown("br".to_owned()));
        assert!(matches!(refused("gzip", vec![0x1f, 0x8b, 0, 0]), ContentError::Broken(_)));
    }
}
