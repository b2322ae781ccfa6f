//! A private key as OpenSSH writes it, without a passphrase (`PROTOCOL.key`).

use super::{Material, der, rsa, scalar};
use ring::signature::{Ed25519KeyPair, KeyPair};

const MAGIC: &[u8] = b"openssh-key-v1\0";
const BLOCK: usize = 8;

/// An RSA key where the other is one, else an Ed25519 key.
pub(super) fn key(like: &[u8], material: &Material) -> Vec<u8> {
    let is_rsa = like.windows(7).any(|window| window == b"ssh-rsa");
    let (public, private) = if is_rsa { rsa_key(material) } else { ed25519(material) };
    // Two equal numbers tell that it was decrypted rightly; no comment; and a padding of 1, 2, 3, …
    let mut private = [vec![0; 8], private, string(b"")].concat();
    (1..)
        .take(private.len().next_multiple_of(BLOCK) - private.len())
        .for_each(|byte| private.push(byte));
    let one_key = 1u32.to_be_bytes().to_vec();
    [
        MAGIC.to_vec(),
        string(b"none"),
        string(b"none"),
        string(b""),
        one_key,
        string(&public),
        string(&private),
    ]
    .concat()
}

fn ed25519(material: &Material) -> (Vec<u8>, Vec<u8>) {
    let seed = scalar(material, 32);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
    let point = pair.map(|pair| pair.public_key().as_ref().to_vec()).unwrap_or_default();
    let public = [string(b"ssh-ed25519"), string(&point)].concat();
    let private = [public.clone(), string(&[seed, point].concat())].concat();
    (public, private)
}

fn rsa_key(material: &Material) -> (Vec<u8>, Vec<u8>) {
    let (public, private) = rsa::of_openssh(material);
    let named = |numbers: Vec<Vec<u8>>| [string(b"ssh-rsa"), numbers.concat()].concat();
    let written = |number: &Vec<u8>| string(&der::signed(number));
    (
        named(public.iter().map(written).collect()),
        named(private.iter().map(written).collect()),
    )
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}
