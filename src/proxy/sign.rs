//! Signs a request again, for the endpoint door: there the host changes, so the client's own
//! signature cannot stay valid.
//!
//! What is sent is what the client sent, save for the headers of its signature. S3 differs from
//! everybody else: its path is taken as it is, and the payload's hash is a header. A presigned URL
//! becomes a request signed by header, and a body whose chunks are signed one by one becomes whole.

use super::credentials::Keys;
use crate::inspect::{presigned, whole};
use crate::wire;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use std::borrow::Cow;
use std::time::SystemTime;

/// The headers of a signature.
const SIGNATURE_HEADERS: [&str; 5] = [
    "authorization",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
    SESSION_TOKEN_OF_A_BUCKET,
];
/// Where the token of a session with a directory bucket stands ("CreateSession" of the Amazon S3 API
/// Reference).
const SESSION_TOKEN_OF_A_BUCKET: &str = "x-amz-s3session-token";
/// Headers that a hop may change, besides those that aws-sigv4 leaves out itself.
const UNSIGNED_HEADERS: [&str; 4] = ["accept-encoding", "content-length", "expect", "via"];

/// How `x-amz-content-sha256` begins where each chunk of the body is signed.
const SIGNED_CHUNKS: &str = "STREAMING-AWS4-";

/// Why a request cannot be signed again.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Its chunks, each with a signature that depends on the one before, cannot be told apart.
    #[error("the body is signed chunk by chunk (`{kind}`), and cannot be taken apart to be signed again: {reason}; use the intercept door")]
    SignedChunks {
        /// What `x-amz-content-sha256` says.
        kind: String,
        /// What is wrong with the chunks.
        reason: String,
    },
    /// The URI names no host.
    #[error("`{0}` names no host to sign for")]
    NoHost(String),
    /// aws-sigv4 refuses the request.
    #[error("the request cannot be signed: {0}")]
    Signing(String),
}

/// For whom a signature is.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The region of the credential scope.
    pub region: &'a str,
    /// The signing name of the service.
    pub service: &'a str,
}

/// The request with a body that one signature can cover: where each chunk is signed
/// (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD`, with or without `-TRAILER`), they are joined.
pub fn with_one_signature(request: wire::Request) -> Result<wire::Request, SignError> {
    match wire::text(request.headers(), "x-amz-content-sha256") {
        Some(kind) if kind.starts_with(SIGNED_CHUNKS) => {
            let kind = kind.to_owned();
            whole(&request).map_err(|reason| SignError::SignedChunks { kind, reason })
        }
        _ => Ok(request),
    }
}

/// Signs a request whose URI is that of the upstream. `Host` becomes the URI's; the old signature,
/// in headers or query, is dropped.
pub fn sign(mut head: Parts, body: &[u8], target: Target<'_>, keys: &Keys, now: SystemTime) -> Result<Parts, SignError> {
    let stated = wire::text(&head.headers, "x-amz-content-sha256").map(str::to_owned);
    let payload = payload(body, stated.as_deref());
    let by_session = is_signed_by_session(&head);
    without_presigning(&mut head)?;
    head.headers = wire::keep(&head.headers, |name| !SIGNATURE_HEADERS.contains(&name.as_str()));
    let host = host_header(&head.uri)?;
    head.headers.insert(HOST, host);

    let mut settings = settings(target.service, matches!(payload, SignableBody::Bytes(_)));
    settings.session_token_name_override = by_session.then_some(SESSION_TOKEN_OF_A_BUCKET);
    let identity = Credentials::from(keys).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(target.region)
        .name(target.service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| SignError::Signing(error.to_string()))?
        .into();
    let signing = |error: aws_sigv4::http_request::SigningError| SignError::Signing(error.to_string());
    let uri = head.uri.to_string();
    let request = SignableRequest::new(head.method.as_str(), &uri, texts(&head.headers), payload).map_err(signing)?;
    let (instructions, _) = aws_sigv4::http_request::sign(request, &params).map_err(signing)?.into_parts();
    let mut request = Request::from_parts(head, ());
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.into_parts().0)
}

fn texts(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

/// What stands for the payload: as the client chose, where it left the payload unsigned.
fn payload<'a>(body: &'a [u8], stated: Option<&str>) -> SignableBody<'a> {
    match stated {
        Some("UNSIGNED-PAYLOAD") => SignableBody::UnsignedPayload,
        Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => SignableBody::StreamingUnsignedPayloadTrailer,
        _ => SignableBody::Bytes(body),
    }
}

fn settings(service: &str, payload_is_signed: bool) -> SigningSettings {
    let mut settings = SigningSettings::default();
    let excluded = settings.excluded_headers.get_or_insert_default();
    excluded.extend(UNSIGNED_HEADERS.into_iter().chain(wire::HOP_BY_HOP).map(Cow::Borrowed));
    if is_s3(service) {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    if is_s3(service) || !payload_is_signed {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

/// Whether a request is signed with the credentials of a session with a directory bucket.
fn is_signed_by_session(head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default().to_ascii_lowercase();
    head.headers.contains_key(SESSION_TOKEN_OF_A_BUCKET) || query.contains(SESSION_TOKEN_OF_A_BUCKET)
}

fn is_s3(service: &str) -> bool {
    matches!(service, "s3" | "s3express" | "s3-object-lambda" | "s3-outposts")
}

fn host_header(uri: &Uri) -> Result<HeaderValue, SignError> {
    let no_host = || SignError::NoHost(uri.to_string());
    let host = uri.host().ok_or_else(no_host)?;
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let text = match uri.port_u16().filter(|port| *port != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(text).map_err(|_| no_host())
}

/// A presigned URL carries its signature in the query, and headers beside it: those go where S3
/// looks for them in a request that is signed by header.
fn without_presigning(head: &mut Parts) -> Result<(), SignError> {
    let Some(presigned) = presigned(head.uri.query().unwrap_or_default()) else {
        return Ok(());
    };
    presigned.fill(&mut head.headers);
    let path = match presigned.query.as_str() {
        "" => head.uri.path().to_owned(),
        query => format!("{}?{query}", head.uri.path()),
    };
    let failed = || SignError::NoHost(head.uri.to_string());
    let mut parts = head.uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).map_err(|_| failed())?);
    head.uri = Uri::from_parts(parts).map_err(|_| failed())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::body::BoxError;
    use crate::proxy::signature::{self, Signed};
    use crate::scope;
    use std::time::{Duration, UNIX_EPOCH};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn keys() -> Keys {
        Keys::new("AKIAEXAMPLE", SECRET, Some("a token".to_owned()))
    }

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn resign(method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8], service: &str) -> Parts {
        let target = Target {
            region: "us-east-1",
            service,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        sign(head(method, uri, headers), body, target, &keys(), now).unwrap()
    }

    #[test]
    fn a_session_with_a_directory_bucket_has_its_token_in_a_header_of_its_own() {
        let uri = "https://b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/k";
        let by_session = resign("PUT", uri, &[("x-amz-s3session-token", "old")], b"x", "s3express");
        assert_eq!(by_session.headers["x-amz-s3session-token"], "a token");
        assert!(!by_session.headers.contains_key("x-amz-security-token"));
        assert_eq!(verifies(&by_session, b"x"), Ok(()));
        let presigned = format!("{uri}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-S3session-Token=old&X-Amz-Signature=0");
        assert_eq!(
            resign("GET", &presigned, &[], b"", "s3express").headers["x-amz-s3session-token"],
            "a token"
        );
        let by_user = resign("GET", &format!("{uri}?session"), &[], b"", "s3express");
        assert_eq!(by_user.headers["x-amz-security-token"], "a token");
        assert!(!by_user.headers.contains_key("x-amz-s3session-token"));
    }

    fn verifies(head: &Parts, body: &[u8]) -> Result<(), signature::BadSignature> {
        let scope = scope::of(&head.uri, &head.headers).unwrap();
        let path = head.uri.path_and_query().unwrap();
        signature::verify(
            Signed {
                method: &head.method,
                path,
                headers: &head.headers,
                body,
            },
            &scope,
            SECRET,
        )
    }

    #[test]
    fn the_old_signature_goes_and_the_new_one_verifies() {
        let old = [
            ("host", "127.0.0.1:4567"),
            ("x-amz-target", "AwsProton20200720.CreateServiceInstance"),
            ("x-amz-date", "20200101T000000Z"),
            ("x-amz-security-token", "old"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=OLD/20200101/us-east-1/proton/aws4_request, SignedHeaders=host, Signature=00",
            ),
            ("content-type", "application/x-amz-json-1.0"),
            ("user-agent", "test"),
        ];
        let signed = resign("POST", "https://proton.us-east-1.amazonaws.com/", &old, b"{}", "proton");
        assert_eq!(signed.headers["host"], "proton.us-east-1.amazonaws.com");
        assert_eq!(signed.headers["x-amz-date"], "20150830T123600Z");
        assert_eq!(signed.headers["x-amz-security-token"], "a token");
        assert_eq!(signed.headers.get_all("authorization").iter().count(), 1);
        let scope = scope::of(&signed.uri, &signed.headers).unwrap();
        assert_eq!(scope.access_key_id, "AKIAEXAMPLE");
        assert_eq!(
            scope.signed_headers,
            ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"]
        );
        assert_eq!(verifies(&signed, b"{}"), Ok(()));
        assert!(verifies(&signed, b"{ }").is_err());
    }

    #[test]
    fn odd_paths_and_queries_verify_for_s3_and_for_others() {
        let uri = "https://host.us-east-1.amazonaws.com/a%20b/%2Fc//d/../e?z=1&a=%2F&a=&b";
        for service in ["s3", "lambda"] {
            assert_eq!(verifies(&resign("GET", uri, &[], b"", service), b""), Ok(()), "{service}");
        }
    }

    #[test]
    fn s3_states_the_hash_of_its_payload_and_others_do_not() {
        let uri = "https://bucket.s3.us-east-1.amazonaws.com/key";
        assert!(resign("PUT", uri, &[], b"x", "s3").headers.contains_key("x-amz-content-sha256"));
        assert!(!resign("PUT", uri, &[], b"x", "lambda").headers.contains_key("x-amz-content-sha256"));
    }

    #[test]
    fn an_unsigned_payload_stays_unsigned() {
        let uri = "https://bucket.s3.us-east-1.amazonaws.com/key";
        for kind in ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
            let signed = resign("PUT", uri, &[("x-amz-content-sha256", kind)], b"x", "s3");
            assert_eq!(signed.headers["x-amz-content-sha256"], kind);
            assert_eq!(verifies(&signed, b"anything"), Ok(()), "{kind}");
        }
    }

    fn in_signed_chunks(body: &'static str) -> wire::Request {
        Request::put("https://b.s3.us-east-1.amazonaws.com/k")
            .header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
            .header("content-encoding", "gzip,aws-chunked")
            .header("x-amz-decoded-content-length", "5")
            .header("x-amz-trailer", "x-amz-checksum-crc32")
            .body(bytes::Bytes::from(body))
            .unwrap()
    }

    #[test]
    fn signed_chunks_are_joined_and_signed_as_one_body() {
        let chunks =
            "5;chunk-signature=ab\r\nhello\r\n0;chunk-signature=cd\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:ef\r\n\r\n";
        let (head, body) = with_one_signature(in_signed_chunks(chunks)).unwrap().into_parts();
        assert_eq!(body, "hello");
        let target = Target {
            region: "us-east-1",
            service: "s3",
        };
        let signed = sign(head, &body, target, &keys(), UNIX_EPOCH).unwrap();
        assert_eq!(verifies(&signed, b"hello"), Ok(()));
        assert_eq!(signed.headers["content-encoding"], "gzip");
        assert_eq!(signed.headers["x-amz-checksum-crc32"], "NhCmhg==");
        for gone in ["x-amz-trailer", "x-amz-decoded-content-length", "x-amz-trailer-signature"] {
            assert!(!signed.headers.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn what_only_says_that_it_is_in_signed_chunks_is_refused_with_a_way_out() {
        let error = with_one_signature(in_signed_chunks("hello")).unwrap_err();
        assert!(error.to_string().contains("use the intercept door"), "{error}");
    }

    #[test]
    fn a_presigned_url_loses_its_old_signature_and_keeps_what_it_asks() {
        for signature in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Signature=00",
            "AWSAccessKeyId=OLD&Signature=a%3D&Expires=1",
        ] {
            let uri = format!("https://b.s3.us-east-1.amazonaws.com/k?x-amz-acl=private&versionId=3&{signature}");
            let signed = resign("PUT", &uri, &[], b"body", "s3");
            assert_eq!(signed.uri.query(), Some("versionId=3"));
            assert_eq!(signed.headers["x-amz-acl"], "private");
            assert_eq!(verifies(&signed, b"body"), Ok(()));
        }
    }

    /// A verifier that is not ours.
    #[tokio::test]
    async fn another_implementation_accepts_what_is_signed() {
        use scratchstack_aws_signature::{
            GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, NO_ADDITIONAL_SIGNED_HEADERS, SignatureOptions,
            service_for_signing_key_fn, sigv4_validate_request,
        };
        async fn known(request: GetSigningKeyRequest) -> Result<GetSigningKeyResponse, BoxError> {
            assert_eq!(request.access_key(), "AKIAEXAMPLE");
            assert_eq!(request.session_token(), Some("a token"));
            let key: KSecretKey = SECRET.parse()?;
            let key = key.to_ksigning(request.request_date(), request.region(), request.service());
            Ok(GetSigningKeyResponse::builder().signing_key(key).build()?)
        }
        let mut signing_key = service_for_signing_key_fn(known);
        let now = SystemTime::now();
        let uri = "https://proton.us-east-1.amazonaws.com/path?z=1&a=%2F";
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "AwsProton20200720.CreateServiceInstance"),
        ];
        let target = Target {
            region: "us-east-1",
            service: "proton",
        };
        let signed = sign(head("POST", uri, &headers), b"{}", target, &keys(), now).unwrap();
        for (body, good) in [("{}", true), ("{ }", false)] {
            let request = Request::from_parts(signed.clone(), bytes::Bytes::from(body));
            let options = SignatureOptions::default();
            let required = &NO_ADDITIONAL_SIGNED_HEADERS;
            let verified = sigv4_validate_request(request, "us-east-1", "proton", &mut signing_key, now.into(), required, options).await;
            assert_eq!(verified.is_ok(), good, "{:?}", verified.err());
        }
    }
}
