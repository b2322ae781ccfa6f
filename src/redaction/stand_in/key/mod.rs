//! What stands for a private key: another key of its kind, in the same wrapping, which libraries load.
//!
//! It is made from [`Material`], the keyed hash of the key and its mark, and holds nothing else: a
//! scalar of an elliptic curve is the material itself, and an RSA key is [`rsa`]'s with a private
//! exponent of its own. An encrypted key is one that a passphrase of Ferrotape's opens.
//!
//! Sources: RFC 5208 and RFC 5958 (PKCS #8), RFC 5915 (SEC 1), RFC 8017 (PKCS #1), RFC 8410, and
//! OpenSSH's `PROTOCOL.key`.

mod aes;
mod der;
mod dsa;
mod encrypted;
mod openssh;
mod pgp;
mod rsa;

pub(super) use pgp::checksum;

use super::form::mix;
use std::ops::Range;

/// Sixteen bytes of a hash, and eight that follow from them.
pub(super) type Material = [u8; 24];

/// `rsaEncryption`.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// `id-ecPublicKey`.
const CURVE: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// A curve by its identifier, and the bytes of a scalar.
type Curve = (&'static [u8], usize);

/// NIST's P-256, which any other curve is taken for, P-384, P-521 and P-224, and secp256k1.
const CURVES: [Curve; 5] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
    (&[0x2b, 0x81, 4, 0, 34], 48),
    (&[0x2b, 0x81, 4, 0, 35], 66),
    (&[0x2b, 0x81, 4, 0, 33], 28),
    (&[0x2b, 0x81, 4, 0, 10], 32),
];

/// Ed25519, X25519, Ed448 and X448.
const EDWARDS: [Curve; 4] = [
    (&[0x2b, 101, 112], 32),
    (&[0x2b, 101, 110], 32),
    (&[0x2b, 101, 113], 57),
    (&[0x2b, 101, 111], 56),
];

/// The identifier of a key's algorithm stands among its first bytes.
const HEAD: usize = 64;

/// The label of a key that ends with its secret, behind a number of any length.
const DSA: &str = "DSA PRIVATE KEY";

/// The label of OpenPGP, whose armor has a checksum.
pub(super) const PGP: &str = "PGP PRIVATE KEY BLOCK";

/// The headers of a PEM block and what stands for its key: a key with a passphrase has headers, unless
/// it is in PKCS #8.
pub(super) fn block(label: &str, headers: &[&str], key: &[u8], material: &Material) -> Option<(Vec<String>, Vec<u8>)> {
    match encrypted::is_old(headers) {
        true => encrypted::old(label, key, material),
        false => Some((Vec::new(), placeholder(label, key, material)?)),
    }
}

/// Whether a PEM block with these headers is a placeholder.
pub(super) fn is_marked_block(label: &str, headers: &[&str], key: &[u8]) -> bool {
    if !encrypted::is_old(headers) {
        return is_marked(label, key);
    }
    let made = encrypted::material_of_old(headers).and_then(|material| encrypted::old(label, key, &material));
    made.is_some_and(|(_, made)| made == key)
}

pub(super) fn material(hash: &[u8; 32]) -> Material {
    let mut material = [0; 24];
    material[..16].copy_from_slice(&hash[..16]);
    material[16..].copy_from_slice(&mix(&hash[..16]).to_be_bytes());
    material
}

/// The key that stands for one in a PEM block of that label; nothing where the label says of no kind
/// that is made here.
pub(super) fn placeholder(label: &str, key: &[u8], material: &Material) -> Option<Vec<u8>> {
    Some(match label {
        "RSA PRIVATE KEY" => rsa::pkcs1(material),
        "EC PRIVATE KEY" => sec1(curve(key), true, material),
        "PRIVATE KEY" => pkcs8(key, material),
        DSA => dsa::key(material),
        "OPENSSH PRIVATE KEY" => openssh::key(key, material),
        "ENCRYPTED PRIVATE KEY" => encrypted::pkcs8_encrypted(key, material),
        PGP => return pgp::key(material),
        _ => return None,
    })
}

/// The label that a key without PEM would have; nothing where the bytes are no such key.
pub(super) fn label_of(key: &[u8]) -> Option<&'static str> {
    const VERSIONS: [&[u8]; 2] = [&[2, 1, 0, 0x30], &[2, 1, 1, 0x30]];
    let head = key.get(..8.min(key.len())).unwrap_or_default();
    let is_pkcs8 = key.first() == Some(&0x30) && VERSIONS.iter().any(|version| head.windows(4).any(|window| window == *version));
    (is_pkcs8 && der::octet_strings(key).is_some() && is_known(key)).then_some("PRIVATE KEY")
}

/// Whether a key is a placeholder.
pub(super) fn is_marked(label: &str, key: &[u8]) -> bool {
    let is_it = |found: &[u8]| {
        let material = Material::try_from(found).ok();
        let marked = material.filter(|material| material[16..] == mix(&material[..16]).to_be_bytes());
        marked.is_some_and(|material| placeholder(label, key, &material).is_some_and(|made| made == key))
    };
    let is_noise = |found: &[u8]| {
        let material = Material::try_from(found).ok();
        material.is_some_and(|material| encrypted::noise(key, &material).is_some_and(|made| made == key))
    };
    match label {
        "ENCRYPTED PRIVATE KEY" => {
            let places = der::octet_strings(key).unwrap_or_default();
            let at = |place: &Range<usize>| key.get(place.start..place.start + 24);
            places.first().and_then(at).is_some_and(is_it) || places.last().and_then(at).is_some_and(is_noise)
        }
        _ if rsa::is_in(key) => true,
        _ => place_of_material(label, key).and_then(|at| key.get(at..at + 24)).is_some_and(is_it),
    }
}

/// Where the material stands in a placeholder for a key like this.
fn place_of_material(label: &str, key: &[u8]) -> Option<usize> {
    const PROBE: Material = [0xa5; 24];
    if label == DSA {
        return key.len().checked_sub(PROBE.len());
    }
    let made = placeholder(label, key, &PROBE)?;
    made.windows(PROBE.len()).position(|window| window == PROBE)
}

fn holds(key: &[u8], identifier: &[u8]) -> bool {
    let head = key.get(..HEAD.min(key.len())).unwrap_or_default();
    head.windows(identifier.len()).any(|window| window == identifier)
}

fn is_known(key: &[u8]) -> bool {
    let mut identifiers = EDWARDS
        .iter()
        .map(|(identifier, _)| *identifier)
        .chain([RSA, CURVE, dsa::IDENTIFIER]);
    identifiers.any(|identifier| holds(key, identifier))
}

/// A curve's identifier may stand behind the key itself.
fn curve(key: &[u8]) -> Curve {
    let is_in = |(identifier, _): &&Curve| key.windows(identifier.len()).any(|window| window == *identifier);
    CURVES.iter().find(is_in).copied().unwrap_or(CURVES[0])
}

fn pkcs8(key: &[u8], material: &Material) -> Vec<u8> {
    let (algorithm, inner) = match EDWARDS.iter().find(|(identifier, _)| holds(key, identifier)) {
        Some((identifier, size)) if !holds(key, RSA) && !holds(key, CURVE) => {
            (der::identifier(identifier), der::octets(&scalar(material, *size)))
        }
        _ if holds(key, CURVE) => {
            let curve = curve(key);
            (
                [der::identifier(CURVE), der::identifier(curve.0)].concat(),
                sec1(curve, false, material),
            )
        }
        _ if holds(key, dsa::IDENTIFIER) => dsa::of_pkcs8(material),
        _ => ([der::identifier(RSA), der::value(5, &[])].concat(), rsa::pkcs1(material)),
    };
    der::sequence(&[der::integer(&[0]), der::sequence(&algorithm), der::octets(&inner)].concat())
}

/// `names_curve`: alone it says on which curve it is, in PKCS #8 the algorithm does.
fn sec1(curve: Curve, names_curve: bool, material: &Material) -> Vec<u8> {
    let (identifier, size) = curve;
    let named = if names_curve {
        der::value(0xa0, &der::identifier(identifier))
    } else {
        Vec::new()
    };
    der::sequence(&[der::integer(&[1]), der::octets(&scalar(material, size)), named].concat())
}

/// Small enough for the order of every curve.
fn scalar(material: &Material, size: usize) -> Vec<u8> {
    let mut scalar = vec![0; size.saturating_sub(material.len())];
    scalar.extend_from_slice(material);
    scalar
}

#[cfg(test)]
mod tests;
