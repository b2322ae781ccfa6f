//! Content encodings (RFC 9110, section 8.4): undone before a body is read or stored, and redone
//! for a client that asks.

use crate::wire;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{CONTENT_ENCODING, HeaderMap};
use std::io::{Read, Write};

/// The most that a compressed body may become: more is an attack or a mistake.
pub const MAX_DECODED: u64 = 64 * 1024 * 1024;

/// The body behind its content encodings; the same bytes where it has none that Ferrotape undoes.
///
/// # Errors
/// Why the body is not what its `Content-Encoding` says.
pub fn decoded(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, String> {
    if body.is_empty() || !headers.contains_key(CONTENT_ENCODING) {
        return Ok(body.clone());
    }
    let mut body = body.clone();
    for encoding in encodings(headers).into_iter().rev() {
        body = match encoding.as_str() {
            "gzip" | "x-gzip" => read_all(MultiGzDecoder::new(&body[..]), &encoding)?,
            "deflate" => read_all(ZlibDecoder::new(&body[..]), &encoding)?,
            _ => return Ok(body),
        };
    }
    Ok(body)
}

/// Compresses a body with gzip; the same bytes in give the same bytes out.
pub fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().map(Bytes::from).unwrap_or_default()
}

/// The same with zlib.
pub fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Whether a client takes gzip, by its `Accept-Encoding`.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let refused = |parameters: &str| {
        parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim().replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    };
    wire::text(headers, "accept-encoding").is_some_and(|value| {
        value.split(',').any(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            matches!(name.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip" | "*") && !refused(parameters)
        })
    })
}

fn encodings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect()
}

fn read_all(reader: impl Read, encoding: &str) -> Result<Bytes, String> {
    let mut out = Vec::new();
    reader
        .take(MAX_DECODED + 1)
        .read_to_end(&mut out)
        .map_err(|error| format!("the body is not {encoding}, as its content-encoding says: {error}"))?;
    if out.len() as u64 > MAX_DECODED {
        return Err(format!("the {encoding} body is larger than {MAX_DECODED} bytes"));
    }
    Ok(Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), http::HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_undone_and_anything_else_is_left() {
        let body = Bytes::from_static(b"{\"a\":1}");
        assert_eq!(decoded(&headers("content-encoding", "custom, gzip"), &gzip(&body)).unwrap(), body);
        assert_eq!(decoded(&headers("content-encoding", "identity"), &body).unwrap(), body);
        assert_eq!(decoded(&headers("content-encoding", "br"), &body).unwrap(), body);
        assert_eq!(decoded(&HeaderMap::new(), &body).unwrap(), body);
        assert!(
            decoded(&headers("content-encoding", "gzip"), &body)
                .unwrap_err()
                .contains("not gzip")
        );
    }

    #[test]
    fn a_client_takes_gzip_when_it_says_so() {
        assert!(accepts_gzip(&headers("accept-encoding", "br, gzip;q=0.8")));
        assert!(!accepts_gzip(&headers("accept-encoding", "identity")));
        assert!(!accepts_gzip(&headers("accept-encoding", "gzip;q=0")));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
