//! The digests that services derive from what they are sent, in the forms in which they give them.
//!
//! Sources: "Amazon SQS message metadata" of the SQS Developer Guide (the MD5 of attributes), the Amazon
//! S3 User Guide ("Checking object integrity", and the ETag of an object that was sent in parts), the
//! S3 Glacier Developer Guide ("Computing checksums": the tree hash), and git's blob ids (CodeCommit).

use super::checksum;
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use sha2::Digest as _;

/// Glacier hashes pieces of this size.
const TREE_PIECE: usize = 1024 * 1024;

/// One digest in one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// MD5 in hexadecimal: an ETag, `MD5OfMessageBody`.
    Md5Hex,
    /// MD5 in base64: `Content-MD5`.
    Md5,
    /// SHA-1 in hexadecimal.
    Sha1Hex,
    /// SHA-1 of the content as a git blob, in hexadecimal.
    GitBlob,
    /// SHA-256 in hexadecimal.
    Sha256Hex,
    /// SHA-256 of the hashes of pieces of 1 MiB, two by two, in hexadecimal.
    TreeHash,
    /// SHA-512 in hexadecimal.
    Sha512Hex,
    /// One of S3's checksums, by the end of its header's name, in base64.
    Checksum(&'static str),
}

impl Digest {
    /// The digests that have the form of this text.
    pub fn of_form(text: &str) -> &'static [Digest] {
        let is_hex = || text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_base64 = || text.ends_with('=') && STANDARD.decode(text).is_ok();
        match text.len() {
            8 if is_base64() => &[Digest::Checksum("crc32"), Digest::Checksum("crc32c")],
            12 if is_base64() => &[Digest::Checksum("crc64nvme")],
            24 if is_base64() => &[Digest::Md5],
            28 if is_base64() => &[Digest::Checksum("sha1")],
            32 if is_hex() => &[Digest::Md5Hex],
            40 if is_hex() => &[Digest::Sha1Hex, Digest::GitBlob],
            44 if is_base64() => &[Digest::Checksum("sha256")],
            64 if is_hex() => &[Digest::Sha256Hex, Digest::TreeHash],
            88 if is_base64() => &[Digest::Checksum("sha512")],
            128 if is_hex() => &[Digest::Sha512Hex],
            _ => &[],
        }
    }

    /// The digest of these bytes, in its form.
    pub fn of(self, bytes: &[u8]) -> String {
        let hex = crate::model::hexadecimal;
        match self {
            Digest::Md5Hex => hex(&md5(bytes)),
            Digest::Md5 => STANDARD.encode(md5(bytes)),
            Digest::Sha1Hex => hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref()),
            Digest::GitBlob => {
                let whole = [format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat();
                hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &whole).as_ref())
            }
            Digest::Sha256Hex => hex(digest(&SHA256, bytes).as_ref()),
            Digest::TreeHash => hex(&tree_hash(bytes)),
            Digest::Sha512Hex => hex(digest(&SHA512, bytes).as_ref()),
            Digest::Checksum(kind) => checksum::header_value(&format!("x-amz-checksum-{kind}"), bytes).unwrap_or_default(),
        }
    }
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

fn tree_hash(bytes: &[u8]) -> Vec<u8> {
    let hash = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
    let mut row: Vec<Vec<u8>> = match bytes.is_empty() {
        true => vec![hash(bytes)],
        false => bytes.chunks(TREE_PIECE).map(hash).collect(),
    };
    while row.len() > 1 {
        let joined = row.chunks(2).map(|pair| match pair {
            [one, other] => hash(&[one.as_slice(), other].concat()),
            rest => rest.concat(),
        });
        row = joined.collect();
    }
    row.concat()
}

/// The bytes of which SQS gives the MD5 for a map of message attributes: by name, each part with its
/// length before it. Nothing where it is no such map.
pub fn message_attributes(attributes: &Value) -> Option<Vec<u8>> {
    let Value::Object(attributes) = attributes else { return None };
    let mut sorted: Vec<&(String, Value)> = attributes.iter().collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    let mut out = Vec::new();
    let mut put = |kind: Option<u8>, bytes: &[u8]| {
        out.extend(kind);
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
        out.extend_from_slice(bytes);
    };
    for (name, attribute) in sorted {
        let data_type = attribute.member("DataType")?.as_text()?;
        put(None, name.as_bytes());
        put(None, data_type.as_bytes());
        match (attribute.member("StringValue"), attribute.member("BinaryValue")) {
            (Some(Value::Text(text)), _) => put(Some(1), text.as_bytes()),
            (_, Some(Value::Blob(bytes))) => put(Some(2), bytes),
            _ => return None,
        }
    }
    (!attributes.is_empty()).then_some(out)
}

/// The MD5s of an object's parts, joined: what S3 gives the MD5 of for the whole. Nothing where a part
/// has none.
pub fn parts(parts: &Value) -> Option<Vec<u8>> {
    let Value::List(parts) = parts else { return None };
    let of_part = |part: &Value| {
        let tag = part.member("ETag")?.as_text()?.trim_matches('"').as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let pairs = tag.chunks(2).map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        });
        pairs.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() == 16)
    };
    let joined: Option<Vec<Vec<u8>>> = parts.iter().map(of_part).collect();
    Some(joined?.concat()).filter(|joined| !joined.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn object(members: &[(&str, Value)]) -> Value {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// RFC 1321, FIPS 180-4, and `git hash-object`.
    #[test]
    fn the_published_values_come_out_and_are_known_by_their_form() {
        for (digest, wanted) in [
            (Digest::Md5Hex, "900150983cd24fb0d6963f7d28e17f72"),
            (Digest::Md5, "kAFQmDzST7DWlj99KOF/cg=="),
            (Digest::Sha1Hex, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Digest::GitBlob, "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"),
            (
                Digest::Sha256Hex,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (Digest::TreeHash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Digest::Checksum("sha256"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
            (Digest::Checksum("crc32"), "NSRBwg=="),
        ] {
            assert_eq!(digest.of(b"abc"), wanted, "{digest:?}");
            assert!(Digest::of_form(wanted).contains(&digest), "{digest:?}");
        }
        for other in ["", "abc", "900150983CD24FB0D6963F7D28E17F72", "YWJjZA", "password"] {
            assert!(Digest::of_form(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_tree_hash_joins_the_hashes_of_its_pieces_two_by_two() {
        let piece = vec![7u8; TREE_PIECE];
        let hash = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
        let (one, last) = (hash(&piece), hash(b"x"));
        let pair = hash(&[one.clone(), one].concat());
        let whole = [piece.as_slice(), &piece, b"x"].concat();
        assert_eq!(tree_hash(&whole), hash(&[pair, last].concat()));
    }

    /// As the SDK for Python sees it: a name, a type and a value, each behind its length.
    #[test]
    fn attributes_are_written_by_name_with_their_lengths() {
        let attributes = object(&[
            (
                "b",
                object(&[("DataType", text("Binary")), ("BinaryValue", Value::Blob(vec![1, 2]))]),
            ),
            ("a", object(&[("DataType", text("String")), ("StringValue", text("x"))])),
        ]);
        let wanted = b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x01x\0\0\0\x01b\0\0\0\x06Binary\x02\0\0\0\x02\x01\x02";
        assert_eq!(message_attributes(&attributes).as_deref(), Some(wanted.as_slice()));
        for other in [object(&[]), object(&[("a", text("b"))]), text("a")] {
            assert_eq!(message_attributes(&other), None);
        }
    }

    #[test]
    fn the_tags_of_parts_are_joined() {
        let part = |tag: &str| object(&[("ETag", text(tag))]);
        let list = Value::List(vec![
            part("\"900150983cd24fb0d6963f7d28e17f72\""),
            part("00000000000000000000000000000001"),
        ]);
        let joined = parts(&list).unwrap();
        assert_eq!((joined.len(), joined[0], joined[31]), (32, 0x90, 1));
        assert_eq!(parts(&Value::List(vec![part("x")])), None);
    }
}
