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
    let body = body.replace("\\n", "\n");
    let letters: String = body.lines().filter(|line| !line.starts_with('=')).collect();
    STANDARD.decode(letters.replace(char::is_whitespace, "")).unwrap()
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
        ("DSA PRIVATE KEY", der::sequence(&secret)),
        (PGP, secret.to_vec()),
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

/// Runs a program of this machine over a key in a file; nothing where the machine has none.
fn run(program: &str, arguments: &[&str], key: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    std::fs::write(&file, key).unwrap();
    let arguments = arguments.iter().map(|argument| argument.replace("KEY", file.to_str().unwrap()));
    let done = std::process::Command::new(program)
        .args(arguments)
        .env("GNUPGHOME", folder.path())
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(done) = done else {
        eprintln!("skipped: there is no {program}");
        return None;
    };
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{program}: {said}\n{key}");
    Some(said)
}

/// A key that a passphrase opens, in the older encryption of PEM.
fn old_key() -> String {
    let body = pem("RSA PRIVATE KEY", &b"this is encrypted".repeat(40));
    let headers = "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n";
    body.replacen("-----\n", headers, 1)
}

#[test]
fn the_programs_of_this_machine_open_the_placeholder_of_a_key_under_a_passphrase() {
    let keys = keys();
    let encrypted = keys.iter().find(|(label, _)| *label == "ENCRYPTED PRIVATE KEY").unwrap();
    let short = der::sequence(&der::octets(b"this is the secret scalar"));
    for text in [pem(encrypted.0, &encrypted.1), pem(encrypted.0, &short), old_key()] {
        let placeholder = of(&text);
        assert!(placeholder.contains("ENCRYPTED") && is_marked_text(&placeholder) && !is_marked_text(&text));
        assert!(!placeholder.contains("DEK-Info: AES-128"), "{placeholder}");
        run(
            "openssl",
            &["pkey", "-in", "KEY", "-passin", "pass:ferrotape", "-noout", "-check"],
            &placeholder,
        );
        let escaped = of(&text.replace('\n', "\\n"));
        assert_eq!(escaped.replace("\\n", "\n"), placeholder);
    }
}

#[test]
fn the_programs_of_this_machine_load_the_placeholders_of_dsa_and_openpgp_keys() {
    let placeholder = |wanted: &str| {
        let keys = keys();
        let (label, key) = keys.iter().find(|(label, _)| *label == wanted).unwrap();
        of(&pem(label, key))
    };
    run(
        "openssl",
        &["dsa", "-in", "KEY", "-noout", "-text"],
        &placeholder("DSA PRIVATE KEY"),
    );
    let key = placeholder(PGP);
    assert!(
        key.starts_with("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n") && key.contains("\n="),
        "{key}"
    );
    let listing = ["--batch", "--no-autostart", "--with-colons", "--show-keys", "KEY"];
    if let Some(said) = run("gpg", &listing, &key) {
        assert!(said.contains("sec:") && said.contains("Placeholder"), "{said}");
    }
    let algorithm = der::sequence(&der::identifier(dsa::IDENTIFIER));
    let in_pkcs8 = der::sequence(&[der::integer(&[0]), algorithm, der::octets(b"this is the secret scalar")].concat());
    let key = of(&pem("PRIVATE KEY", &in_pkcs8));
    assert!(is_marked_text(&key));
    if let Some(said) = run("openssl", &["pkey", "-in", "KEY", "-noout", "-text"], &key) {
        assert!(said.contains("pub:") && said.contains("Q:"), "{said}");
    }
}

#[test]
fn the_placeholders_of_earlier_versions_are_known() {
    let encrypted = der::sequence(&[der::octets(b"saltsalt"), der::octets(&[7; 200])].concat());
    let older = encrypted::noise(&encrypted, &material(&[9; 32])).unwrap();
    assert!(is_marked_text(&pem("ENCRYPTED PRIVATE KEY", &older)));
    assert!(!is_marked_text(&pem("ENCRYPTED PRIVATE KEY", &encrypted)));
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
