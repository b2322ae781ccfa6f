//! Recorded requests as they may be sent again: signed now, with idempotency tokens of their own.

use super::run::random_hexadecimal;
use super::tape::recorded_token;
use crate::cassette::Interaction;
use crate::codec::checksum;
use crate::inspect::recognise;
use crate::model::catalog::Catalog;
use crate::proxy::credentials::Keys;
use crate::proxy::sign::{Target, sign};
use crate::proxy::{Arrival, Door, RequestBody};
use crate::redaction::headers::refresh_checksums;
use crate::wire;
use anyhow::Context;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderName};
use http::{Method, Request};
use std::collections::HashMap;
use std::time::SystemTime;

/// Headers that speak of the bytes as they were sent then.
const OF_ITS_BYTES: [&str; 5] = [
    "x-amz-content-sha256",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "content-length",
    "amz-sdk-invocation-id",
];

/// Why a recorded request cannot be sent again; none where it can. A stand-in is not what AWS knows
/// the caller's things by.
pub fn obstacle(catalog: &Catalog, interaction: &Interaction) -> Option<String> {
    let stand_in = |place: &&crate::cassette::Redacted| place.path.starts_with("/request/body") || place.path.starts_with("/request/uri");
    if let Some(place) = interaction.redacted.iter().find(stand_in) {
        return Some(format!("a stand-in is at `{}`", place.path));
    }
    match recognise(catalog, &interaction.request) {
        Ok(_) => None,
        Err(unmodeled) => Some(unmodeled.reason),
    }
}

/// New idempotency tokens for those that an SDK had made: the same for the same, so that what was a
/// retry is one again. A token of the program's own choice stays.
#[derive(Default)]
pub struct Tokens(HashMap<String, String>);

impl Tokens {
    fn replaced(&mut self, catalog: &Catalog, interaction: &Interaction) -> anyhow::Result<Bytes> {
        let body = interaction.request.body();
        let Some(old) = recorded_token(catalog, interaction).filter(|token| is_numbered(token)) else {
            return Ok(body.clone());
        };
        let new = match self.0.get(&old) {
            Some(new) => new.clone(),
            None => {
                let new = uuid(&random_hexadecimal::<16>()?);
                self.0.insert(old.clone(), new.clone());
                new
            }
        };
        // Both are of one length, so that no format is hurt.
        let mut bytes = body.to_vec();
        let mut from = 0;
        while let Some(found) = find(&bytes[from..], old.as_bytes()) {
            bytes[from + found..from + found + old.len()].copy_from_slice(new.as_bytes());
            from += found + old.len();
        }
        Ok(bytes.into())
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// As the seal of a recording numbers them.
fn is_numbered(token: &str) -> bool {
    token.len() == 36 && token.starts_with("00000000-0000-4000-8000-")
}

/// A random UUID of version 4 of 32 hexadecimal digits.
fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// The request of an interaction, to be handed to a recorder as if it had come by `CONNECT` to the
/// service's own host; `elsewhere`, where something else than AWS is asked (`--upstream`), as if it
/// had come to our URL, so that the other is called by its own name as it was by `record`.
pub fn request(
    catalog: &Catalog,
    interaction: &Interaction,
    tokens: &mut Tokens,
    keys: &Keys,
    elsewhere: bool,
) -> anyhow::Result<(Arrival, Request<RequestBody>)> {
    let body = tokens.replaced(catalog, interaction)?;
    let (mut head, _) = interaction.request.clone().into_parts();
    head.headers = wire::keep(&head.headers, |name| {
        !OF_ITS_BYTES.contains(&name.as_str()) && *name != AUTHORIZATION && *name != CONTENT_ENCODING
    });
    refresh_checksums(&mut head.headers, &body);
    restore_checksums(&mut head.headers, interaction, &body);
    if let Some((region, service)) = scope(catalog, interaction) {
        let target = Target {
            region: &region,
            service: &service,
        };
        head = sign(head, &body, target, keys, SystemTime::now())?;
    }
    let host = head.uri.host().context("the recorded request names no host")?.to_owned();
    let door = match elsewhere && !is_virtual_host(interaction, &host) {
        true => Door::Endpoint,
        false => Door::Intercept {
            host: host.as_str().into(),
            port: head.uri.port_u16().unwrap_or(443),
        },
    };
    let arrival = Arrival {
        door,
        session: None,
        token: None,
        signed_path: None,
    };
    Ok((arrival, Request::from_parts(head, body.into())))
}

/// A bucket in the host of S3 came by `CONNECT`, and would be lost with it.
fn is_virtual_host(interaction: &Interaction, host: &str) -> bool {
    interaction.service.as_deref() == Some("S3") && !host.starts_with("s3.") && !host.starts_with("s3-")
}

/// A cassette does not keep the checksums that an SDK makes of what it sends, because SDKs differ in
/// them; but what was signed, and what was answered, name them. Without them AWS would store the
/// object without.
fn restore_checksums(headers: &mut HeaderMap, interaction: &Interaction, body: &[u8]) {
    let recorded = interaction.request.headers();
    let signed = wire::text(recorded, AUTHORIZATION).and_then(|value| value.split_once("SignedHeaders="));
    let signed: Vec<&str> = signed
        .map(|(_, names)| names.split(',').next().unwrap_or_default().split(';').collect())
        .unwrap_or_default();
    let mut restored = |name: &str, value: &str| {
        if let Ok(name) = HeaderName::try_from(name)
            && !headers.contains_key(&name)
        {
            headers.insert(name, wire::header_value(value));
        }
    };
    if signed.contains(&"x-amz-checksum-mode") {
        restored("x-amz-checksum-mode", "ENABLED");
    }
    if body.is_empty() || interaction.request.method() == Method::GET {
        return;
    }
    // A checksum behind the body is not signed by its name.
    let is_behind = signed.contains(&"x-amz-trailer");
    let answered = interaction.response.headers().keys().map(HeaderName::as_str).filter(|_| is_behind);
    for name in signed.iter().copied().chain(answered) {
        let Some(algorithm) = name.strip_prefix("x-amz-checksum-") else {
            continue;
        };
        let Some(checksum) = checksum::header_value(name, body) else {
            continue;
        };
        restored(name, &checksum);
        if signed.contains(&"x-amz-sdk-checksum-algorithm") {
            restored("x-amz-sdk-checksum-algorithm", &algorithm.to_ascii_uppercase());
        }
    }
}

/// Region and signing name: of what the cassette keeps of the signature, else of the model. None for
/// a call that needs no signature.
fn scope(catalog: &Catalog, interaction: &Interaction) -> Option<(String, String)> {
    let recorded = wire::text(interaction.request.headers(), AUTHORIZATION).and_then(|value| {
        let credential = value.split_once("Credential=")?.1.split(',').next()?;
        let mut parts = credential.split('/').skip(2);
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    });
    recorded.or_else(|| {
        let call = recognise(catalog, &interaction.request).ok()?;
        let traits = &call.operation().traits;
        let has_none = traits
            .get("smithy.api#auth")
            .and_then(|schemes| schemes.as_array())
            .is_some_and(Vec::is_empty);
        if has_none || traits.contains_key("smithy.api#optionalAuth") {
            return None;
        }
        let region = interaction.region.clone().or(call.region).unwrap_or_else(|| "us-east-1".to_owned());
        Some((region, call.service.signing_name.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_a_uuid_of_version_4() {
        assert_eq!(uuid("00112233445566778899aabbccddeeff"), "00112233-4455-4677-8899-aabbccddeeff");
    }

    /// The headers that are added to a `PUT` of `hello` whose signature named these, and whose answer
    /// had this one.
    fn restored(signed: &str, answered: &'static str) -> Vec<String> {
        let authorization = format!("AWS4-HMAC-SHA256 Credential=*/*/us-east-1/s3/aws4_request, SignedHeaders={signed}");
        let request = Request::put("https://s3.us-east-1.amazonaws.com/b/k").header(AUTHORIZATION, authorization);
        let response = http::Response::builder().header(answered, "NhCmhg==");
        let interaction = Interaction::new(request.body("hello".into()).unwrap(), response.body(Bytes::new()).unwrap());
        let mut headers = HeaderMap::new();
        restore_checksums(&mut headers, &interaction, b"hello");
        let shown = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        shown.collect()
    }

    #[test]
    fn checksums_that_were_sent_are_sent_again() {
        let crc = ["x-amz-checksum-crc32: NhCmhg==", "x-amz-sdk-checksum-algorithm: CRC32"];
        assert_eq!(
            restored("host;x-amz-checksum-crc32;x-amz-date;x-amz-sdk-checksum-algorithm", "etag"),
            crc
        );
        assert_eq!(
            restored("host;x-amz-sdk-checksum-algorithm;x-amz-trailer", "x-amz-checksum-crc32"),
            crc
        );
        assert!(restored("host;x-amz-date", "x-amz-checksum-crc32").is_empty(), "the service's own");
        assert_eq!(restored("host;x-amz-checksum-mode", "etag"), ["x-amz-checksum-mode: ENABLED"]);
        assert!(restored("host;x-amz-checksum-mine", "etag").is_empty(), "one that is not made here");
    }

    #[test]
    fn only_numbered_tokens_are_made_anew() {
        assert!(is_numbered("00000000-0000-4000-8000-000000000012"));
        assert!(!is_numbered("my-own") && !is_numbered("7d3f5a0e-94cf-4d8c-8d4b-3c1f0e5f9a11"));
    }
}
