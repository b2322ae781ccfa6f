//! A DSA key as OpenSSL writes it: the group was made once for this purpose, and the secret exponent is
//! the material.
//!
//! The modulus lies a little below a power of two, so that what is above that is multiplied by the
//! difference and added to what is below: no division.

use super::{Material, der, rsa};

/// `p`, of 2048 bits.
const MODULUS: &str = concat!(
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffbda14a4ebc8266ea72a65e15bed5f4b021",
    "e63829db27851509946c6bd852bdb035"
);

/// `q`.
const ORDER: &str = "b5be261735042a194785bba9d38af1bef397b2d68273232774181a56a665209d";

/// `g`.
const GENERATOR: &str = concat!(
    "f47b4729225365a8eba915dd6a26f6d287026b52bf3df50c8a56a57f0cbbcc31d27964f2d62104ca83d9eedb8732dcd2",
    "24a0f7dfdca8cd135d6fe9369d2fe100c9afd5864a044d6bd7f31c0120c83b60b8b6c73c698128c3b66210040d2bbbb7",
    "52e82add039ecb577503a872de907bb9df75d4af573e1b363a871a42c3458c6758bd5601fb08f947cb85156f10570ebd",
    "adbc08ae679d575865e1b057db1d85c63c46539328d6b9e99c64e592e07583917a7fa5c4fa16f769c3e8838f4e0af2bc",
    "65c4b910f20d40c17d5edfd9d6ccebcaafc98fb13c65b5a7e7c1cd4ab0141b47451842b0f86dd7e7aa53563903428741",
    "d214b61ce7711d0972b00d4c7bf053ef"
);

/// `2^2048 - p`.
const DIFFERENCE: &str = "425eb5b1437d99158d59a1ea412a0b4fde19c7d624d87aeaf66b939427ad424fcb";

/// `id-dsa`.
pub(super) const IDENTIFIER: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];

/// Digits of 32 bits, the least first.
type Number = Vec<u32>;

/// Digits of a number below the modulus.
const DIGITS: usize = 64;

/// `version`, `p`, `q`, `g`, the public `y` and the private `x`.
pub(super) fn key(material: &Material) -> Vec<u8> {
    let secret = secret(material);
    let public = written(&power(&digits(&rsa::bytes(GENERATOR)), &secret));
    let numbers = [
        vec![0],
        rsa::bytes(MODULUS),
        rsa::bytes(ORDER),
        rsa::bytes(GENERATOR),
        public,
        secret,
    ];
    der::sequence(&numbers.map(|number| der::integer(&number)).concat())
}

/// The same in PKCS #8: what the algorithm says, and what is the key.
pub(super) fn of_pkcs8(material: &Material) -> (Vec<u8>, Vec<u8>) {
    let group = [MODULUS, ORDER, GENERATOR].map(|number| der::integer(&rsa::bytes(number)));
    let algorithm = [der::identifier(IDENTIFIER), der::sequence(&group.concat())].concat();
    (algorithm, der::integer(&secret(material)))
}

/// One byte more keeps it as long, whatever the material begins with.
fn secret(material: &Material) -> Vec<u8> {
    [&[1], &material[..]].concat()
}

/// By squaring, from the first bit of the exponent.
fn power(base: &[u32], exponent: &[u8]) -> Number {
    let bits = exponent.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.fold(vec![1], |number, bit| {
        let square = reduced(&product(&number, &number));
        match bit {
            0 => square,
            _ => reduced(&product(&square, base)),
        }
    })
}

fn product(one: &[u32], other: &[u32]) -> Number {
    let mut out = vec![0; one.len() + other.len()];
    for (at, digit) in one.iter().enumerate() {
        add(&mut out[at..], other.iter().map(|factor| u64::from(*digit) * u64::from(*factor)));
    }
    out
}

/// Adds digits, each of which may be a product, and carries on.
fn add(to: &mut [u32], digits: impl Iterator<Item = u64>) {
    let mut carry = 0;
    for (place, digit) in to.iter_mut().zip(digits.chain(std::iter::repeat(0))) {
        carry += digit + u64::from(*place);
        *place = carry as u32;
        carry >>= 32;
    }
}

fn reduced(number: &[u32]) -> Number {
    let difference = digits(&rsa::bytes(DIFFERENCE));
    let mut number = number.to_vec();
    while number.len() > DIGITS {
        let above = number.split_off(DIGITS);
        let mut sum = product(&above, &difference);
        sum.resize(sum.len().max(DIGITS) + 1, 0);
        add(&mut sum, number.iter().map(|digit| u64::from(*digit)));
        while sum.last() == Some(&0) {
            sum.pop();
        }
        number = sum;
    }
    number
}

fn digits(bytes: &[u8]) -> Number {
    let digit = |part: &[u8]| part.iter().fold(0, |digit, byte| digit << 8 | u32::from(*byte));
    bytes.rchunks(4).map(digit).collect()
}

fn written(number: &[u32]) -> Vec<u8> {
    number.iter().rev().flat_map(|digit| digit.to_be_bytes()).collect()
}
