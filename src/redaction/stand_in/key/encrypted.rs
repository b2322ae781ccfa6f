//! Private keys under a passphrase: what stands for one is another that the passphrase `ferrotape`
//! opens, as the true one is not known where the key is.
//!
//! Sources: RFC 8018 (PBES2), RFC 1421 and OpenSSL's `EVP_BytesToKey` for the older encryption of PEM.

use super::{Material, aes, der, mix, pkcs8, placeholder};
use md5::{Digest, Md5};
use ring::pbkdf2;
use std::num::NonZeroU32;

/// The passphrase of every placeholder.
const PASSPHRASE: &[u8] = b"ferrotape";

/// Rounds of the derivation: what is in it is public.
const ROUNDS: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// An encrypted key of an elliptic curve is shorter, one of RSA longer.
const LONGEST_OF_CURVE: usize = 500;

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];

/// Before the header of an older encryption, the one that says that there is one.
const PROC_TYPE: &str = "Proc-Type: 4,ENCRYPTED";
const DEK_INFO: &str = "DEK-Info: AES-256-CBC,";

/// An `EncryptedPrivateKeyInfo` whose salt is the material.
pub(super) fn pkcs8_encrypted(key: &[u8], material: &Material) -> Vec<u8> {
    let like = if key.len() <= LONGEST_OF_CURVE { super::CURVE } else { super::RSA };
    let inner = pkcs8(&der::identifier(like), material);
    let vector = vector(material);
    let mut derived = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, material, PASSPHRASE, &mut derived);
    let function = der::sequence(&[der::identifier(HMAC_SHA256), der::value(5, &[])].concat());
    let parameters = der::sequence(&[der::octets(material), der::integer(&ROUNDS.get().to_be_bytes()), function].concat());
    let derivation = der::sequence(&[der::identifier(PBKDF2), parameters].concat());
    let scheme = der::sequence(&[der::identifier(AES_256_CBC), der::octets(&vector)].concat());
    let parameters = der::sequence(&[derivation, scheme].concat());
    let algorithm = der::sequence(&[der::identifier(PBES2), parameters].concat());
    der::sequence(&[algorithm, der::octets(&aes::encrypted(&derived, &vector, &inner))].concat())
}

/// Whether headers of PEM say that what follows is encrypted.
pub(super) fn is_old(headers: &[&str]) -> bool {
    headers
        .iter()
        .any(|header| header.starts_with("Proc-Type:") && header.ends_with("ENCRYPTED"))
}

/// A key in the older encryption, with its headers.
pub(super) fn old(label: &str, key: &[u8], material: &Material) -> Option<(Vec<String>, Vec<u8>)> {
    let inner = placeholder(label, key, material)?;
    let vector = vector(material);
    let hashed = |before: &[u8]| -> [u8; 16] {
        let mut hasher = Md5::new();
        [before, PASSPHRASE, &vector[..8]].iter().for_each(|part| hasher.update(part));
        hasher.finalize().into()
    };
    let first = hashed(&[]);
    let second = hashed(&first);
    let derived = std::array::from_fn(|at| if at < 16 { first[at] } else { second[at - 16] });
    let digits: String = vector.iter().map(|byte| format!("{byte:02X}")).collect();
    let headers = vec![PROC_TYPE.to_owned(), format!("{DEK_INFO}{digits}"), String::new()];
    Some((headers, aes::encrypted(&derived, &vector, &inner)))
}

/// The material of which a key in the older encryption was made, if it is a placeholder.
pub(super) fn material_of_old(headers: &[&str]) -> Option<Material> {
    let digits = headers.iter().find_map(|header| header.strip_prefix(DEK_INFO))?;
    let number = u128::from_str_radix(digits, 16).ok()?;
    let mut material = [0; 24];
    material[..16].copy_from_slice(&number.to_be_bytes());
    material[16..].copy_from_slice(&mix(&number.to_be_bytes()).to_be_bytes());
    Some(material)
}

fn vector(material: &Material) -> [u8; 16] {
    std::array::from_fn(|at| material[at])
}

/// As earlier versions wrote an encrypted key: noise of its length, which no passphrase opens.
pub(super) fn noise(key: &[u8], material: &Material) -> Option<Vec<u8>> {
    let places = der::octet_strings(key)?;
    let last = places.last().filter(|last| last.len() >= material.len())?;
    let mut out = key.to_vec();
    for (number, place) in places.iter().enumerate() {
        let mut noise = blake3::Hasher::new();
        noise.update(material).update(&[number as u8]);
        noise.finalize_xof().fill(out.get_mut(place.clone())?);
    }
    out.get_mut(last.start..last.start + material.len())?.copy_from_slice(material);
    Some(out)
}
