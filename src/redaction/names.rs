//! Names that say what stands behind them: a secret, an account id, the value of a pair.
//!
//! A name is that of a member, a map's entry, a header, a query member, an XML element or the key of
//! a tag. Case, `-`, `_` and a plural `s` do not count.

use super::ordinary::is_ordinary;
use super::stand_in::is_marked_text;
use std::sync::LazyLock;

/// How the names of secrets end; `-` is a gap that may be written `-`, `_` or not at all. Entries are
/// only ever added.
const SECRET_NAMES: [&str; 34] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret-access-key",
    "secret-key",
    "client-secret",
    "session-token",
    "security-token",
    "private-key",
    "auth-token",
    "authorization-token",
    "access-token",
    "refresh-token",
    "bearer-token",
    "id-token",
    "api-token",
    "bot-token",
    "oauth-token",
    "github-token",
    "gitlab-token",
    "npm-token",
    "api-key",
    "account-key",
    "shared-access-key",
    "signing-key",
    "master-key",
    "webhook-secret",
    "shared-secret",
    "app-secret",
    "token-secret",
    "signing-secret",
    "api-secret",
    "jwt-secret",
];

/// Names that are those of secrets as they are, and not as the end of another.
const WHOLE_NAMES: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-amz-signature",
    "secret",
];

/// The last two letters of all of these names.
const ENDINGS: [[u8; 2]; 10] = [*b"rd", *b"wd", *b"se", *b"de", *b"ey", *b"et", *b"en", *b"on", *b"ie", *b"re"];

/// Whether the name of a member, entry or parameter says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    // The shortest name has six letters.
    if name.len() < 6 {
        return false;
    }
    let singular = name.strip_suffix(['s', 'S']).unwrap_or(name);
    let mut ending = letters(singular);
    let (Some(last), Some(before)) = (ending.next(), ending.next()) else {
        return false;
    };
    // Names of secrets end in few ways, in two letters each; the rest is not looked at.
    if !ENDINGS.contains(&[before, last]) {
        return false;
    }
    let ends_alike = |known: &&&str| known.as_bytes().ends_with(&[before, last]);
    let mut parts = SECRET_NAMES.iter().filter(ends_alike);
    let mut wholes = WHOLE_NAMES.iter().filter(ends_alike);
    parts.any(|known| begins_backwards(singular, known).is_some()) || wholes.any(|known| begins_backwards(singular, known) == Some(true))
}

/// Last words of names that may be those of secrets: the value decides.
const LAST_WORDS: [&str; 18] = [
    "auth",
    "bearer",
    "cookie",
    "cred",
    "credential",
    "otp",
    "pass",
    "passkey",
    "passwd",
    "passwort",
    "pat",
    "pin",
    "psk",
    "pw",
    "pwd",
    "secret",
    "session",
    "token",
];

/// Words before `key` that make the name of a secret of it.
const KEYS: [&str; 26] = [
    "access",
    "account",
    "aes",
    "api",
    "app",
    "auth",
    "cipher",
    "consumer",
    "crypto",
    "decryption",
    "deploy",
    "encrypt",
    "encryption",
    "hmac",
    "jwt",
    "license",
    "master",
    "private",
    "root",
    "secret",
    "service",
    "session",
    "shared",
    "signing",
    "ssh",
    "storage",
];

/// Words before `token` with which it is no secret: a place in a list, or what tells one call from
/// another.
const TOKENS: [&str; 33] = [
    "caller",
    "change",
    "client",
    "continuation",
    "continue",
    "creator",
    "cursor",
    "deduplication",
    "end",
    "event",
    "execution",
    "idempotence",
    "idempotency",
    "idempotent",
    "invalidation",
    "job",
    "lock",
    "next",
    "page",
    "paging",
    "pagination",
    "previous",
    "query",
    "request",
    "resume",
    "scroll",
    "sequence",
    "shard",
    "start",
    "starting",
    "sync",
    "task",
    "update",
];

/// Whether a name beside a value says that it is a secret.
pub fn names_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) || may_name_secret(name) && is_value_of_secret(name, value)
}

/// Whether a name may be a secret's, if its value looks like one.
pub fn may_name_secret(name: &str) -> bool {
    let Some((before, last)) = last_words(name) else { return false };
    match last.as_str() {
        "key" => KEYS.contains(&before.as_str()),
        "token" => !TOKENS.contains(&before.as_str()),
        last => LAST_WORDS.contains(&last),
    }
}

/// Whether a value is a secret at a name that may be a secret's. A PIN is digits.
pub fn is_value_of_secret(name: &str, value: &str) -> bool {
    let is_pin = || {
        let is_short = (4..=8).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
        is_short && last_words(name).is_some_and(|(_, last)| matches!(last.as_str(), "pin" | "otp"))
    };
    !is_ordinary(value) || is_pin()
}

/// The last two words of a name in small letters, without a plural; nothing where the last can be
/// none that is looked for.
fn last_words(name: &str) -> Option<(String, String)> {
    let end = name.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
    // No name is longer, and what precedes plays no part.
    const LONGEST: usize = 64;
    let start = end.len().saturating_sub(LONGEST);
    let tail = end.get(start..).filter(|tail| tail.is_ascii())?;
    let (before, last) = split_word(tail);
    let (_, before) = split_word(before);
    let last = last.to_ascii_lowercase();
    let singular = last.strip_suffix('s').filter(|word| !word.ends_with('s') && word.len() > 2);
    Some((before.to_ascii_lowercase(), singular.map_or(last.clone(), str::to_owned)))
}

/// The last word of a name, and what precedes it: words begin behind a gap or with a capital.
fn split_word(name: &str) -> (&str, &str) {
    let name = name.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let bytes = name.as_bytes();
    let mut start = name.len();
    while start > 0 {
        let letter = bytes[start - 1];
        let is_gap = !letter.is_ascii_alphanumeric();
        // `dbPass` and `DBPass`, but not `DB_PASS`.
        let begins = bytes.get(start).is_some_and(u8::is_ascii_uppercase)
            && (letter.is_ascii_lowercase() || letter.is_ascii_digit() || bytes.get(start + 1).is_some_and(u8::is_ascii_lowercase));
        if is_gap || begins {
            break;
        }
        start -= 1;
    }
    name.split_at(start)
}

/// The letters that count, from the last.
fn letters(name: &str) -> impl Iterator<Item = u8> + '_ {
    let gaps = |byte: &u8| !matches!(byte, b'-' | b'_');
    name.bytes().rev().filter(gaps).map(|byte| byte.to_ascii_lowercase())
}

/// Whether a name ends with a known one, and if so, whether it is no longer than that.
fn begins_backwards(name: &str, known: &str) -> Option<bool> {
    let mut given = letters(name);
    for wanted in letters(known) {
        if given.next() != Some(wanted) {
            return None;
        }
    }
    Some(given.next().is_none())
}

/// A pattern for the names of secrets in running text.
pub(super) static IN_TEXT: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = SECRET_NAMES.iter().map(|name| name.replace('-', "[_-]?")).collect();
    format!("(?:{})", names.join("|"))
});

/// The same for names that may be those of secrets.
pub(super) const MAYBE_IN_TEXT: &str = concat!(
    r"(?:[A-Za-z0-9_.-]*(?:pass(?:wd|key|wort)?|pwd|pw|secret|token|bearer|auth|session|cookie|cred(?:ential)?|otp|pin|psk|pat",
    r"|(?:access|account|aes|api|app|auth|cipher|consumer|crypto|decryption|deploy|encrypt(?:ion)?|hmac|jwt|license|master|private",
    r"|root|secret|service|session|shared|signing|ssh|storage)[_-]?key)s?)"
);

/// Whether a member holds the name of what another member beside it holds: the `Key` of a tag.
pub fn is_name_of_pair(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "key",
        "name",
        "tagkey",
        "parameterkey",
        "parametername",
        "attributename",
        "outputkey",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a member holds the value to a name beside or above it: `Value`, `StringValue`,
/// `AttributeValueList`.
pub fn is_value_of_pair(name: &str) -> bool {
    let ends = |suffix: &str| {
        let start = name.len().checked_sub(suffix.len());
        start
            .and_then(|start| name.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    ends("value") || ends("values") || ends("valuelist")
}

/// What beside a template's parameter says that its default is a secret.
pub(super) const NO_ECHO: &str = "NoEcho";

/// Whether a text is one of the words that say yes in JSON and YAML.
pub(super) fn is_true(text: &str) -> bool {
    ["true", "yes", "on", "1"].iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}

/// Whether a name speaks of several.
pub(super) fn is_plural(name: &str) -> bool {
    name.ends_with(['s', 'S']) && !name.ends_with("ss") && !name.ends_with("SS")
}

/// Whether the key of a map is the name of a variable and no secret itself: `DB_HOST`, `stage`,
/// `spring.datasource.url`.
pub fn is_variable(key: &str) -> bool {
    const LONGEST: usize = 64;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let begins = key.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    if !begins || key.len() > LONGEST || !key.bytes().all(is_part) || is_marked_text(key) {
        return false;
    }
    // What is drawn by lot changes between letters and digits all the time, or is a number.
    let words = key.split(['_', '.', '-']).map(str::as_bytes);
    let changes = |word: &[u8]| {
        word.windows(2)
            .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
            .count()
    };
    let is_number = |word: &[u8]| {
        word.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit())
            .any(|run| run.len() > 4 && run[0].is_ascii_digit())
    };
    words.into_iter().all(|word| changes(word) <= 3 && !is_number(word))
}

/// Whether the name of a member says that the name of a resource stands behind it: `TableName`,
/// `ImageId`, `BucketArn`.
pub fn is_name_of_resource(name: &str) -> bool {
    const ENDINGS: [&str; 18] = [
        "name",
        "id",
        "arn",
        "identifier",
        "bucket",
        "url",
        "uri",
        "cluster",
        "service",
        "role",
        "image",
        "table",
        "stream",
        "database",
        "domain",
        "alia",
        "topic",
        "queue",
    ];
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix('s').unwrap_or(&name);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether the name of a member says that an account id stands behind it.
pub fn is_account_name(name: &str) -> bool {
    let name = name.strip_suffix('s').unwrap_or(name);
    if name.to_ascii_lowercase().contains("accountid") {
        return true;
    }
    let ends = |suffix: &str| {
        name.len() >= suffix.len()
            && name.is_char_boundary(name.len() - suffix.len())
            && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
    };
    [
        "account",
        "accountid",
        "account_id",
        "account-id",
        "owner",
        "ownerid",
        "owner_id",
        "bucket-owner",
        "registryid",
        "catalogid",
        "childid",
        "targetid",
        "principal",
    ]
    .iter()
    .any(|suffix| ends(suffix))
}

#[cfg(test)]
mod tests;
