//! A private key of OpenPGP (RFC 4880, and RFC 6637 with Ed25519 as GnuPG writes it): the key, a name,
//! and its own signature, without a passphrase.

use super::Material;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

const VERSION: u8 = 4;
const EDDSA: u8 = 22;
const CURVE: &[u8] = &[9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
/// It certifies and signs.
const FLAGS: u8 = 3;
const POSITIVE_CERTIFICATION: u8 = 0x13;
const OF_SHA256: u8 = 8;
/// 2020-01-01.
const CREATED: [u8; 4] = [0x5e, 0x0b, 0xe1, 0];
const NAME: &[u8] = b"Placeholder <placeholder@example.com>";

/// The packets of a key.
pub(super) fn key(material: &Material) -> Option<Vec<u8>> {
    // No leading zeros, which a number would lose.
    let seed = [&[1], &material[..], &[0; 7]].concat();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
    let point = [&[0x40], pair.public_key().as_ref()].concat();
    let public = [&[VERSION][..], &CREATED, &[EDDSA], CURVE, &number(&point)].concat();
    let secret = number(&seed);
    let checksum = secret.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    let secret = [&public[..], &[0], &secret, &checksum.to_be_bytes()].concat();
    let packets = [packet(5, &secret), packet(13, NAME), packet(2, &signature(&pair, &public))];
    Some(packets.concat())
}

/// The key's signature of itself and its name.
fn signature(pair: &Ed25519KeyPair, public: &[u8]) -> Vec<u8> {
    let hashed_key = [&[0x99][..], &(public.len() as u16).to_be_bytes(), public].concat();
    let fingerprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &hashed_key);
    let fingerprint = fingerprint.as_ref();
    let created = subpacket(2, &CREATED);
    let issuer = subpacket(33, &[&[VERSION], fingerprint].concat());
    let hashed = [created, subpacket(27, &[FLAGS]), issuer].concat();
    let head = [VERSION, POSITIVE_CERTIFICATION, EDDSA, OF_SHA256];
    let head = [&head[..], &(hashed.len() as u16).to_be_bytes(), &hashed].concat();
    let named = [&[0xb4][..], &(NAME.len() as u32).to_be_bytes(), NAME].concat();
    let end = [&[VERSION, 0xff][..], &(head.len() as u32).to_be_bytes()].concat();
    let hash = digest(&SHA256, &[&hashed_key[..], &named, &head, &end].concat());
    let hash = hash.as_ref();
    let signed = pair.sign(hash);
    let (first, second) = signed.as_ref().split_at(32);
    let plain = subpacket(16, &fingerprint[12..]);
    [
        &head[..],
        &(plain.len() as u16).to_be_bytes(),
        &plain,
        &hash[..2],
        &number(first),
        &number(second),
    ]
    .concat()
}

fn packet(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[0xc0 | tag][..], &length(content.len()), content].concat()
}

fn subpacket(kind: u8, content: &[u8]) -> Vec<u8> {
    [&length(content.len() + 1)[..], &[kind], content].concat()
}

fn length(length: usize) -> Vec<u8> {
    match length {
        0..192 => vec![length as u8],
        _ => vec![((length - 192) >> 8) as u8 + 192, (length - 192) as u8],
    }
}

/// A number with the count of its bits before it.
fn number(digits: &[u8]) -> Vec<u8> {
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
    let digits = digits.get(first..).unwrap_or_default();
    let spare = digits.first().map_or(0, |digit| digit.leading_zeros() as usize);
    let bits = digits.len() * 8 - spare;
    [&(bits as u16).to_be_bytes()[..], digits].concat()
}

/// The checksum behind the armor, of 24 bits.
pub(in crate::redaction::stand_in) fn checksum(bytes: &[u8]) -> [u8; 3] {
    let sum = bytes.iter().fold(0x00b7_04ceu32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 16, |sum, _| match sum & 0x0080_0000 {
            0 => sum << 1,
            _ => sum << 1 ^ 0x0186_4cfb,
        })
    });
    [(sum >> 16) as u8, (sum >> 8) as u8, sum as u8]
}
