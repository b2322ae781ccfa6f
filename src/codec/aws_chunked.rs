//! The `aws-chunked` content encoding: a body in chunks, each perhaps signed, with trailers that
//! hold its checksum.
//!
//! It belongs to one transmission and not to the object, so what is judged, matched and stored is
//! the body behind it. Chunk signatures are not checked here.
//!
//! Source: "Signature calculations for the Authorization header: transferring payload in multiple
//! chunks" and "… including trailing headers" of the Amazon S3 API Reference.

use bytes::{Bytes, BytesMut};

/// A body behind its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchunked {
    /// The chunks, joined.
    pub body: Bytes,
    /// What followed the last chunk, names in lower case: `x-amz-checksum-crc32`, …
    pub trailers: Vec<(String, String)>,
}

/// The longest line of a chunk's head or a trailer. A signature takes 100 bytes.
const LONGEST_LINE: usize = 4096;

/// Joins the chunks of a body.
///
/// # Errors
/// Why the bytes are not in the encoding.
pub fn decode(encoded: &[u8]) -> Result<Unchunked, String> {
    let mut rest = encoded;
    let mut body = BytesMut::with_capacity(encoded.len());
    loop {
        let size = size_of(line(&mut rest)?)?;
        if size == 0 {
            return Ok(Unchunked {
                body: body.freeze(),
                trailers: trailers(rest)?,
            });
        }
        let (data, after) = rest
            .split_at_checked(size)
            .ok_or_else(|| format!("a chunk of {size} bytes is cut short"))?;
        body.extend_from_slice(data);
        rest = after
            .strip_prefix(b"\r\n")
            .ok_or_else(|| format!("a chunk of {size} bytes is not followed by a line break"))?;
    }
}

/// Takes a line off the front.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, String> {
    let end = rest.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n');
    let end = end.ok_or("a line of the chunked body has no end")?;
    let (line, after) = rest.split_at(end + 1);
    *rest = after;
    let line = std::str::from_utf8(line).map_err(|_| "a line of the chunked body is no text".to_owned())?;
    Ok(line.trim_end_matches(['\r', '\n']))
}

/// `1000;chunk-signature=ad80…`
fn size_of(line: &str) -> Result<usize, String> {
    let digits = line.split(';').next().unwrap_or_default().trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = usize::from_str_radix(digits, 16).ok().filter(|_| is_number);
    size.ok_or_else(|| format!("`{}` is not the head of a chunk", line.escape_debug()))
}

fn trailers(mut rest: &[u8]) -> Result<Vec<(String, String)>, String> {
    let mut trailers = Vec::new();
    while !rest.is_empty() {
        let line = line(&mut rest)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or("a trailer of the chunked body has no colon")?;
        trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_chunks_with_a_trailer_are_joined() {
        let encoded = b"5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
        let unchunked = decode(encoded).unwrap();
        assert_eq!(unchunked.body, "hello world");
        assert_eq!(unchunked.trailers, [("x-amz-checksum-crc32".to_owned(), "DUoRhQ==".to_owned())]);
    }

    #[test]
    fn signed_chunks_are_joined() {
        let encoded = b"5;chunk-signature=ab\r\nhel\r\n\r\n0;chunk-signature=cd\r\n\r\n";
        let unchunked = decode(encoded).unwrap();
        assert_eq!(unchunked.body, "hel\r\n");
        assert!(unchunked.trailers.is_empty());
    }

    #[test]
    fn an_empty_body_is_one_last_chunk() {
        for encoded in ["0\r\n\r\n", "0\r\n"] {
            assert_eq!(decode(encoded.as_bytes()).unwrap().body, "", "{encoded:?}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for encoded in [
            "",
            "hello",
            "5\r\nhel",
            "5\r\nhello0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "-1\r\n",
            "ffffffffffffffffffff\r\n",
            "0\r\nno colon\r\n\r\n",
        ] {
            assert!(decode(encoded.as_bytes()).is_err(), "{encoded:?}");
        }
    }
}
