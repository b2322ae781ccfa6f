//! The checksums by which AWS's services and SDKs recognise a body, as their headers spell them.
//!
//! Source: "Checking object integrity" of the Amazon S3 User Guide; the polynomials are those of
//! RFC 3720 (CRC-32C) and of the NVM Express specification (CRC-64/NVME).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};

static CRC32C: [u64; 256] = table(0x82f6_3b78);
static CRC64_NVME: [u64; 256] = table(0x9a6c_9329_ac4b_c9b5);

/// The value that a header of this name (lower case) has for a body; nothing where the header holds
/// no checksum, or one that is not made here.
pub fn header_value(name: &str, body: &[u8]) -> Option<String> {
    let encode = |bytes: &[u8]| Some(STANDARD.encode(bytes));
    let Some(kind) = name.strip_prefix("x-amz-checksum-") else {
        return match name {
            "x-amz-crc32" => Some(crc32fast::hash(body).to_string()),
            "content-md5" => encode(&Md5::digest(body)),
            _ => None,
        };
    };
    match kind {
        "crc32" => encode(&crc32fast::hash(body).to_be_bytes()),
        "crc32c" => encode(&(crc(&CRC32C, u64::from(u32::MAX), body) as u32).to_be_bytes()),
        "crc64nvme" => encode(&crc(&CRC64_NVME, u64::MAX, body).to_be_bytes()),
        "sha1" => encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, body).as_ref()),
        "sha256" => encode(digest(&SHA256, body).as_ref()),
        "sha512" => encode(digest(&SHA512, body).as_ref()),
        _ => None,
    }
}

/// What each byte adds to a cyclic redundancy check with this reversed polynomial.
const fn table(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// `ones`: as many as the check has bits, which it begins with and is inverted by.
fn crc(table: &[u64; 256], ones: u64, body: &[u8]) -> u64 {
    let step = |crc: u64, byte: &u8| crc >> 8 ^ table[usize::from(crc as u8 ^ byte)];
    body.iter().fold(ones, step) ^ ones
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of parametrised CRC algorithms, and of FIPS 180-4.
    #[test]
    fn the_published_check_values_come_out() {
        let bytes = |name: &str| {
            let value = header_value(&format!("x-amz-checksum-{name}"), b"123456789").unwrap();
            crate::model::hexadecimal(&STANDARD.decode(value).unwrap())
        };
        assert_eq!(bytes("crc32"), "cbf43926");
        assert_eq!(bytes("crc32c"), "e3069283");
        assert_eq!(bytes("crc64nvme"), "ae8b14860a799888");
        assert_eq!(bytes("sha1"), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert_eq!(bytes("sha256"), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        assert!(bytes("sha512").starts_with("d9e6762dd1c8eaf6d61b3c6192fc408d"));
        assert_eq!(header_value("x-amz-crc32", b"123456789").unwrap(), "3421780262");
        assert_eq!(header_value("content-md5", b"123456789").unwrap(), "JfnnlDI7RTiF9RgfG2JNCw==");
    }

    #[test]
    fn other_headers_hold_none_that_is_made_here() {
        for name in ["x-amz-checksum-type", "x-amz-checksum-xxhash3", "etag"] {
            assert_eq!(header_value(name, b""), None, "{name}");
        }
    }
}
