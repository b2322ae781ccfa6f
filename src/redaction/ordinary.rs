//! Values that are no secret though a name beside them could be a secret's: words, numbers,
//! references, and the names and ids of resources.

use super::stand_in::is_uuid;

/// Words and numbers together that are names of algorithms, versions and kinds.
const KINDS: [&str; 35] = [
    "aes", "api", "az", "base", "ec", "ed", "es", "gp", "hmac", "hs", "http", "ipv", "iso", "md", "node", "oauth", "php", "ps", "python",
    "rs", "rsa", "s", "saml", "sha", "sig", "sigv", "ssl", "t", "tls", "tlsv", "utf", "v", "ver", "version", "x",
];

/// The shortest secret that a name which only may be a secret's tells.
const SHORTEST: usize = 4;

/// The letters of a UUID.
const UUID: usize = 36;

/// No word is longer.
const LONGEST_WORD: usize = 20;

/// Whether a value is none that anybody would hide.
pub(super) fn is_ordinary(value: &str) -> bool {
    let value = value.trim();
    value.len() < SHORTEST
        || is_number(value)
        || is_reference(value)
        || is_uuid(value)
        || is_resource_id(value)
        || is_place(value)
        || is_time(value)
        || is_words(value)
}

/// Digits with what numbers hold beside them; an account id is one, too.
fn is_number(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,%_ ".contains(&byte))
}

/// What stands for a value that is elsewhere, in CloudFormation, a shell, a template or a program.
fn is_reference(value: &str) -> bool {
    const BEGINNINGS: [&str; 16] = [
        "$",
        "!",
        "{",
        "[",
        "<",
        "*",
        "%",
        "arn:",
        "&",
        "ssm:",
        "env.",
        "env:",
        "os.environ",
        "process.env",
        "var.",
        "file:",
    ];
    const ENDS: [&str; 3] = ["}}", "]", ")"];
    BEGINNINGS.iter().any(|beginning| value.starts_with(beginning)) || ENDS.iter().any(|end| value.ends_with(end))
}

/// `eni-0a1b2c3d4e5f67890`, `i-0abc1234`, `share-` and a UUID: words and, at the end, hexadecimal digits.
fn is_resource_id(value: &str) -> bool {
    let is_kind = |kind: &str| kind.len() <= LONGEST_WORD && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let is_id = |id: &str| matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of_uuid = value.len().checked_sub(UUID).and_then(|at| value.split_at_checked(at));
    of_uuid.is_some_and(|(kind, id)| kind.ends_with('-') && is_kind(kind) && is_uuid(id))
        || value.rsplit_once('-').is_some_and(|(kind, id)| is_kind(kind) && is_id(id))
}

/// A path, a host or a mail address, or the URL of one without a user, a query or a fragment.
fn is_place(value: &str) -> bool {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    if !scheme.is_empty() {
        return !rest.contains(['@', '?', '#', ' ', ';']);
    }
    let is_path = ["/", "./", "../", "~/"].iter().any(|root| value.starts_with(root));
    if is_path {
        return value.split('/').all(|part| part.len() <= SHORTEST || part.split('.').all(is_words));
    }
    let host = value.rsplit_once('@').map_or(value, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let labels: Vec<&str> = host.split('.').collect();
    let is_name = |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_domain = |label: &&str| (2..=12).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_lowercase());
    labels.len() > 1 && labels.iter().all(|label| is_name(label) && label.len() <= 40) && labels.last().is_some_and(is_domain)
}

/// `2020-01-31`, with a time or without.
fn is_time(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let day = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') && [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(digit);
    day && bytes.iter().skip(10).all(|byte| byte.is_ascii_digit() || b"T:.Z+- ".contains(byte))
}

/// Words with gaps between them, as in `read-write`, `AWS_IAM`, `us-east-1` and `the token of a user`.
fn is_words(value: &str) -> bool {
    let is_gap = |letter: char| " -_/.,:;'()".contains(letter);
    value.split(is_gap).filter(|part| !part.is_empty()).all(is_word)
}

/// One word, several in camel case, or a kind and its number.
fn is_word(part: &str) -> bool {
    let letters = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = part.len() - letters.len();
    // The `1a` of a zone.
    if part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return true;
    }
    if letters.is_empty() {
        return digits <= 4;
    }
    if !letters.chars().all(char::is_alphabetic) {
        return false;
    }
    let lower = letters.to_lowercase();
    if digits > 0 && !(digits <= 4 && KINDS.contains(&lower.as_str())) {
        return false;
    }
    humps(letters)
        .iter()
        .all(|hump| hump.chars().count() <= LONGEST_WORD && can_be_said(hump))
        && is_evenly_written(letters)
}

/// The words of a text in camel case.
fn humps(letters: &str) -> Vec<&str> {
    let mut humps = Vec::new();
    let mut start = 0;
    let mut was_lower = false;
    for (at, letter) in letters.char_indices() {
        if was_lower && letter.is_uppercase() {
            humps.push(&letters[start..at]);
            start = at;
        }
        was_lower = letter.is_lowercase();
    }
    humps.push(&letters[start..]);
    humps
}

/// A longer word has vowels.
fn can_be_said(hump: &str) -> bool {
    hump.len() <= 5 || !hump.is_ascii() || hump.bytes().any(|byte| b"aeiouyAEIOUY".contains(&byte))
}

/// What changes its case at every second letter or so is no word.
fn is_evenly_written(letters: &str) -> bool {
    let humps = humps(letters);
    let count = letters.chars().count();
    humps.len() == 1 && !has_odd_capitals(letters) || count >= 3 * humps.len() && humps.iter().skip(1).all(|hump| hump.chars().count() > 1)
}

/// Capitals in the midst of a word that is no acronym.
fn has_odd_capitals(letters: &str) -> bool {
    let capitals = letters.chars().filter(|letter| letter.is_uppercase()).count();
    let first = letters.chars().next().is_some_and(char::is_uppercase);
    capitals > usize::from(first) && capitals < letters.chars().count() && capitals > 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_names_and_references_are_ordinary() {
        let mut wrong = Vec::new();
        for value in [
            "",
            "on",
            "true",
            "enabled",
            "Enabled",
            "read-write",
            "AWS_IAM",
            "Basic",
            "bearer",
            "us-east-1",
            "eu-central-1a",
            "12345678",
            "1.5",
            "123456789012",
            "sha256",
            "SHA-256",
            "HMAC_SHA256",
            "sigv4",
            "oauth2",
            "TLSv1.2",
            "v2",
            "readOnly",
            "BasicAuth",
            "the token of the user",
            "A secret, of course.",
            "arn:aws:iam::123456789012:role/x",
            "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11",
            "eni-0a1b2c3d4e5f67890",
            "share-2aff5c84-f837-4ee9-bbe5-00444817a285",
            "i-0abc1234",
            "vpc-12345678",
            "https://example.com/path/x",
            "https://sqs.us-east-1.amazonaws.com/1/q",
            "db.example.com",
            "user@example.com",
            "db.internal.example.com:5432",
            "/run/secrets/db",
            "./keys/my-key.pem",
            "${DB_PASS}",
            "$TOKEN",
            "{{resolve:secretsmanager:x}}",
            "<your token here>",
            "!Ref Token",
            "!GetAtt A.B",
            "****",
            "%s",
            "os.environ[\"X\"]",
            "process.env.TOKEN",
            "var.token",
            "2020-01-31",
            "2020-01-31T00:00:00Z",
            "none",
            "null",
            "string",
            "My Application",
            "clé",
            "PASSWORD_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "NEW_PASSWORD_REQUIRED",
            "getToken()",
            "file:///etc/x",
            "[REDACTED]",
        ] {
            if !is_ordinary(value) {
                wrong.push(value);
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn anything_else_may_be_a_secret() {
        for value in [
            "hunter2",
            "Sup3rHush01Qx7Lw9",
            "s3cr3t!",
            "dXNlcjpwYXNz",
            "p@ssw0rd",
            "QxLwPzRtBn",
            "xkqzvwpt",
            "correcthorsebatterystaple",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "abc123def456",
            "tr0ub4dor&3",
            "aB3dE6gH9j",
            "https://user:hunter2@example.com/",
            "https://example.com/?token=hunter2",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "Zm9vOmJhcg==",
            "letmein99",
            "x!y?z#",
        ] {
            assert!(!is_ordinary(value), "{value}");
        }
    }
}
