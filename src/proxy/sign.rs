//! Signs a request again, for the endpoint door: there the host changes, so the client's own
//! signature cannot stay valid.
//!
//! What is sent is what the client sent, save for the headers of its signature. S3 differs from
//! everybody else: its path is taken as it is, and the payload's hash is a header.

use super::credentials::Keys;
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
const SIGNATURE_HEADERS: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];
/// Headers that a hop may change, besides those that aws-sigv4 leaves out itself.
const UNSIGNED_HEADERS: [&str; 4] = ["accept-encoding", "content-length", "expect", "via"];

/// Why a request cannot be signed again.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Each chunk carries a signature that depends on the one before.
    #[error("the body is signed chunk by chunk (`{0}`), which cannot be signed again; use the intercept door")]
    SignedChunks(String),
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

/// Signs a request whose URI is that of the upstream. `Host` becomes the URI's; the old signature,
/// in headers or query, is dropped.
pub fn sign(mut head: Parts, body: &[u8], target: Target<'_>, keys: &Keys, now: SystemTime) -> Result<Parts, SignError> {
    let stated = wire::text(&head.headers, "x-amz-content-sha256").map(str::to_owned);
    let payload = payload(body, stated.as_deref())?;
    head.uri = without_signature(&head.uri)?;
    head.headers = wire::keep(&head.headers, |name| !SIGNATURE_HEADERS.contains(&name.as_str()));
    let host = host_header(&head.uri)?;
    head.headers.insert(HOST, host);

    let settings = settings(target.service, matches!(payload, SignableBody::Bytes(_)));
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
fn payload<'a>(body: &'a [u8], stated: Option<&str>) -> Result<SignableBody<'a>, SignError> {
    match stated {
        Some("UNSIGNED-PAYLOAD") => Ok(SignableBody::UnsignedPayload),
        Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => Ok(SignableBody::StreamingUnsignedPayloadTrailer),
        Some(chunks) if chunks.starts_with("STREAMING-") => Err(SignError::SignedChunks(chunks.to_owned())),
        _ => Ok(SignableBody::Bytes(body)),
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

/// A presigned URL carries its signature in the query.
fn without_signature(uri: &Uri) -> Result<Uri, SignError> {
    let Some(query) = uri.query().filter(|query| query.contains("X-Amz-Signature=")) else {
        return Ok(uri.clone());
    };
    let is_signature = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        matches!(
            name,
            "X-Amz-Algorithm"
                | "X-Amz-Credential"
                | "X-Amz-Date"
                | "X-Amz-Expires"
                | "X-Amz-SignedHeaders"
                | "X-Amz-Signature"
                | "X-Amz-Security-Token"
        )
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !is_signature(pair)).collect();
    let path = match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    };
    let mut parts = uri.clone().into_parts();
    let failed = |_| SignError::NoHost(uri.to_string());
    parts.path_and_query = Some(PathAndQuery::try_from(path).map_err(failed)?);
    Uri::from_parts(parts).map_err(|_| SignError::NoHost(uri.to_string()))
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

    #[test]
    fn chunks_with_signatures_are_refused_with_a_way_out() {
        let old = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
        let target = Target {
            region: "us-east-1",
            service: "s3",
        };
        let error = sign(head("PUT", "https://b.s3.amazonaws.com/k", &old), b"", target, &keys(), UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().contains("use the intercept door"), "{error}");
    }

    #[test]
    fn a_presigned_url_loses_its_old_signature() {
        let uri = "https://b.s3.us-east-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&versionId=3&X-Amz-Signature=00";
        let signed = resign("GET", uri, &[], b"", "s3");
        assert_eq!(signed.uri.query(), Some("versionId=3"));
        assert_eq!(verifies(&signed, b""), Ok(()));
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
