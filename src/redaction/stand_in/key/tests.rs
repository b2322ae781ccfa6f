use super::super::super::testing::SALT;
use super::super::{At, StandIns, is_marked, is_marked_text};
use super::*;
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, RsaKeyPair};

fn of(text: &str) -> String {
    StandIns::new(SALT).text(text)
}

fn pem(label: &str, key: &[u8]) -> String {
    let letters = STANDARD.encode(key);
    let lines: Vec<_> = letters.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The bytes of the one key in a text.
fn key_in(text: &str) -> Vec<u8> {
    let body = text.split("-----").nth(2).unwrap();
    STANDARD.decode(body.replace("\\n", "").replace(char::is_whitespace, "")).unwrap()
}

/// A key of each kind with a secret in it that is no placeholder's.
fn keys() -> Vec<(&'static str, Vec<u8>)> {
    let secret = *b"this is the secret scalar";
    let material = Material::try_from(&secret[..24]).unwrap();
    let pkcs8 = |identifiers: &[&[u8]]| {
        let algorithm: Vec<u8> = identifiers.iter().flat_map(|identifier| der::identifier(identifier)).collect();
        der::sequence(&[der::integer(&[0]), der::sequence(&algorithm), der::octets(&secret)].concat())
    };
    let encrypted = der::sequence(
        &[
            der::sequence(&[der::identifier(RSA), der::octets(b"saltsalt")].concat()),
            der::octets(&secret.repeat(40)),
        ]
        .concat(),
    );
    let mut keys = vec![
        ("RSA PRIVATE KEY", der::sequence(&secret)),
        ("PRIVATE KEY", pkcs8(&[RSA])),
        ("ENCRYPTED PRIVATE KEY", encrypted),
        ("OPENSSH PRIVATE KEY", [&b"openssh-key-v1\0ssh-ed25519"[..], &secret].concat()),
        ("OPENSSH PRIVATE KEY", [&b"openssh-key-v1\0ssh-rsa"[..], &secret].concat()),
    ];
    for curve in CURVES {
        keys.push(("EC PRIVATE KEY", sec1(curve, true, &material)));
        keys.push(("PRIVATE KEY", pkcs8(&[CURVE, curve.0])));
    }
    keys.extend(EDWARDS.iter().map(|(identifier, _)| ("PRIVATE KEY", pkcs8(&[identifier]))));
    keys
}

#[test]
fn a_key_of_each_kind_becomes_another_of_that_kind() {
    for (label, key) in keys() {
        let text = pem(label, &key);
        let placeholder = of(&text);
        assert!(
            placeholder.starts_with(&format!("-----BEGIN {label}-----\n")) && placeholder.ends_with(&format!("-----END {label}-----\n"))
        );
        assert!(placeholder.lines().all(|line| line.len() <= 64), "{placeholder}");
        let made = key_in(&placeholder);
        assert!(
            !made
                .windows(8)
                .any(|window| b"this is the secret scalar".windows(8).any(|secret| secret == window)),
            "{label}"
        );
        assert!(is_marked_text(&placeholder) && !is_marked_text(&text), "{placeholder}");
        assert_eq!(StandIns::new("another").text(&placeholder), placeholder);
        assert_ne!(StandIns::new("another").text(&text), placeholder);
        for (identifier, _) in CURVES.iter().chain(&EDWARDS) {
            let holds = |key: &[u8]| key.windows(identifier.len()).any(|window| window == *identifier);
            assert_eq!(holds(&key), holds(&made), "{label} {identifier:?}");
        }
    }
}

#[test]
fn placeholders_are_keys_that_a_library_takes() {
    let material = material(&[7; 32]);
    assert!(RsaKeyPair::from_der(&rsa::pkcs1(&material)).is_ok());
    let (_, rsa) = &keys()[1];
    assert!(RsaKeyPair::from_pkcs8(&pkcs8(rsa, &material)).is_ok());
    let ed25519 = der::identifier(EDWARDS[0].0);
    assert!(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8(&ed25519, &material)).is_ok());
}

#[test]
fn equal_keys_have_equal_placeholders_however_they_are_written() {
    let (label, key) = &keys()[0];
    let text = pem(label, key);
    let one = key_in(&of(&text));
    assert_eq!(key_in(&of(&text.replace('\n', "\r\n"))), one);
    let escaped = of(&text.replace('\n', "\\n"));
    assert!(!escaped.contains('\n') && escaped.ends_with("-----\\n"), "{escaped}");
    assert_eq!(key_in(&escaped), one);
    let mut other = key.clone();
    other[10] ^= 1;
    assert_ne!(key_in(&of(&pem(label, &other))), one);
}

#[test]
fn certificates_beside_a_key_stay() {
    let certificate = pem("CERTIFICATE", b"public");
    let text = format!("{}{certificate}", pem("RSA PRIVATE KEY", &keys()[0].1));
    let placeholder = of(&text);
    assert!(placeholder.ends_with(&certificate) && is_marked_text(&placeholder));
    assert!(
        !of(&certificate).contains("BEGIN"),
        "where a certificate must not be written, it is not"
    );
    assert!(
        !of(&format!("{text}password=hunter2")).contains("BEGIN"),
        "what stands beside may be a secret"
    );
}

#[test]
fn a_key_without_armor_stays_one() {
    let key = keys()[1].1.clone();
    let placeholder = StandIns::new(SALT).value(&Value::Blob(key.clone()), At::default());
    assert!(is_marked(&placeholder) && !is_marked(&Value::Blob(key)));
    let Value::Blob(bytes) = placeholder else { panic!() };
    assert!(RsaKeyPair::from_pkcs8(&bytes).is_ok());
}
