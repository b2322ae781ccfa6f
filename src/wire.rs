//! What crosses the wire: whole requests and responses, and the rules for their headers.
//!
//! Everything above this floor works on complete messages. The proxy reads a body to its end
//! before anybody judges, matches or stores it.

use bytes::Bytes;
use http::header::{AsHeaderName, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

/// A complete request. Its URI is absolute (`https://proton.us-east-1.amazonaws.com/`), whichever
/// door it came through; in `check`, where a caller may know no host, it may be a bare path.
pub type Request = http::Request<Bytes>;

/// A complete response.
pub type Response = http::Response<Bytes>;

/// A request and, where there is one, its response.
#[derive(Debug, Default)]
pub struct Exchange {
    /// Absent only in `check`, where a lone response may be judged.
    pub request: Option<Request>,
    /// Absent where nothing was answered (yet).
    pub response: Option<Response>,
}

/// Headers that belong to one connection and never travel on (RFC 9110, section 7.6.1), and the
/// proxy's own.
pub const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Removes the hop-by-hop headers, those named by `Connection` included, and keeps the order of
/// the rest.
pub fn without_hop_by_hop(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    keep(headers, |name| !HOP_BY_HOP.contains(&name.as_str()) && !named.contains(name))
}

/// Copies the headers whose name passes `wanted`. (`HeaderMap::remove` would move the last header
/// into the gap, and the order of headers is part of what was recorded.)
pub fn keep(headers: &HeaderMap, mut wanted: impl FnMut(&HeaderName) -> bool) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        if wanted(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// The header that names the operation in the awsJson protocols.
pub static X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// The first value of a header, where it is text.
pub fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The media type of a `Content-Type` value, without parameters, as written.
pub fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = text(headers, CONTENT_TYPE)?;
    Some(value.split(';').next().unwrap_or(value).trim())
}

/// Whether that is CBOR: Smithy's, or that of awsJson.
pub fn is_cbor(media_type: &str) -> bool {
    media_type.eq_ignore_ascii_case("application/cbor") || is_aws_cbor(media_type)
}

/// Whether that is the CBOR in which the SDKs for Java speak awsJson, of either version.
pub fn is_aws_cbor(media_type: &str) -> bool {
    ["application/x-amz-cbor-1.0", "application/x-amz-cbor-1.1"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
}

/// A header value from text that may hold anything: what no header can carry becomes a space.
pub fn header_value(text: &str) -> HeaderValue {
    let clean: Vec<u8> = text
        .bytes()
        .map(|byte| if byte < 0x20 && byte != b'\t' || byte == 0x7f { b' ' } else { byte })
        .collect();
    HeaderValue::from_bytes(&clean).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hop_by_hop_headers_go_and_the_rest_keeps_its_order() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("a", "1"),
            ("connection", "x-own, close"),
            ("b", "2"),
            ("x-own", "3"),
            ("te", "trailers"),
            ("c", "4"),
            ("b", "5"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let kept: Vec<_> = without_hop_by_hop(&headers)
            .iter()
            .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
            .collect();
        assert_eq!(kept, ["a=1", "b=2", "b=5", "c=4"]);
    }

    #[test]
    fn a_header_value_never_holds_a_line_break() {
        assert_eq!(header_value("one\r\ntwo"), "one  two");
    }
}
