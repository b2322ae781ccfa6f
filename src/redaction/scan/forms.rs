//! The forms of secrets in plain text.

use super::layers::Encoded;
use super::vendors::{self, VENDORS};
use super::{Budget, Scrubbed, Search, compile, is_value, triggers, written};
use crate::redaction::names;
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::{StandIns, is_access_key_id, is_marked_text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a text that holds a secret's form contains; the rest is not looked at closely.
static TRIGGER: LazyLock<Regex> = LazyLock::new(|| compile(&format!("(?-u){}|(?i:{})", TRIGGERS.join("|"), NAMES.join("|"))));

pub(super) const TRIGGERS: [&str; 12] = [
    "AKIA",
    "ASIA",
    "ABIA",
    "ACCA",
    "IQoJ",
    "FwoG",
    "FQoG",
    "eyJ",
    "PRIVATE KEY",
    "://",
    "failure message",
    "Signature",
];

/// In either case.
pub(super) const NAMES: [&str; 42] = [
    "x-amz-s",
    "pass",
    "secret",
    "token",
    "api[_-]?key",
    "private[_-]?key",
    "signature",
    "accesskeyid",
    "account[_-]?key",
    "sharedaccess",
    "signing[_-]?key",
    "master[_-]?key",
    "authorization",
    "bearer",
    "basic",
    "cookie",
    "[?&]sig=",
    "pwd",
    "pw[=:\"' >]",
    "pin[=:\"' >]",
    "pat[=:\"' >]",
    "otp[=:\"' >]",
    "psk[=:\"' >]",
    "auth",
    "session",
    "cred",
    "passkey",
    "(?:access|account|aes|app|auth|cipher|consumer|crypto)[_-]?key",
    "(?:decryption|deploy|encrypt(?:ion)?|hmac|jwt|license|root)[_-]?key",
    "(?:service|session|shared|ssh|storage)[_-]?key",
    "noecho",
    "curl ",
    "mysql",
    "docker login",
    "redis-cli",
    ":5432:",
    ":5433:",
    ":6432:",
    ":3306:",
    ":1433:",
    "\\*:\\*:",
    "environ",
];

const KEY_ID: &str = r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}";
const TOKEN: &str = r"(?:IQoJ|FwoG|FQoG)(?:[A-Za-z0-9+/=_-]|%2[BFbf]|%3[Dd]){100,}";
const WEB_TOKEN: &str =
    r"eyJ[A-Za-z0-9_-]+\.(?:[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)";

static ACCESS_KEY_ID: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"(?-u:\b){KEY_ID}(?-u:\b)")));

static SESSION_TOKEN: LazyLock<Regex> = LazyLock::new(|| compile(TOKEN));

static JWT: LazyLock<Regex> = LazyLock::new(|| compile(WEB_TOKEN));

/// A key id and the secret key behind it: a line of the file that the console hands out, or `id:key`.
static KEY_PAIR: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r#"({KEY_ID}\\*["']?[ \t]*[,:;|\s][ \t]*\\*["']?)([A-Za-z0-9/+]{{40}})([^A-Za-z0-9/+=]|\z)"#
    ))
});

static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)([^-]*(?:-[^-]+)*?)",
        r"(-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)"
    ))
});

static PRESIGNED: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r#"(?i)(x-amz-(signature|security-token)\\*["']?[ \t]*[=:,][ \t]*\\*["']?|[?&](?:signature|awsaccesskeyid|sig)=)([^&\s"'\\<>,}]+)"#,
    )
});

/// A signature after its name, outside of URLs: `Authorization`'s, a chunk's.
static SIGNATURE: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"(?i)(signature\\*["']?[ \t]*[=:][ \t]*\\*["']?)([0-9a-f]{64,}|[A-Za-z0-9+/]{27}=)"#));

static URL_PASSWORD: LazyLock<Regex> = LazyLock::new(|| compile(r#"(://[^/\s:@"'\\]*:)([^@\s/"'\\]+)(@)"#));

/// `Authorization: Basic …`, and a bearer's token anywhere.
static AUTHORIZATION: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"(?i)(authorization\\*["']?[ \t]*[:=][ \t]*\\*["']?(?:[A-Za-z0-9-]+[ \t]+)?)([^\s"'\\,;<>]{8,})"#));
static BEARER: LazyLock<Regex> = LazyLock::new(|| compile(r"(?i)((?-u:\b)bearer[ +])([A-Za-z0-9._~+/-]{20,}=*)"));
static BASIC: LazyLock<Regex> = LazyLock::new(|| compile(r"(?i)((?-u:\b)basic )([A-Za-z0-9+/]{8,}={0,2})"));

static COOKIE: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"(?im)((?-u:\b)(?:set-)?cookie\\*["']?[ \t]*:[ \t]*\\*["']?)([^"'\\\r\n]{8,})"#));

/// What an `AccessDenied` tells only to whom may decode it.
static ENCODED_MESSAGE: LazyLock<Regex> = LazyLock::new(|| compile(r"(?i)(encoded authorization failure message: )([A-Za-z0-9_-]{30,})"));

static CONNECTION: LazyLock<Regex> = LazyLock::new(|| compile(r#"(?i)(;[ ]*pwd=)([^;\s"'\\]+)"#));

/// The whole of an ARN, whose parts may look like names and values: `…:secret:db/password-1a2b3c`.
const ARN: &str = r#"(?-i:arn:aws)[a-z-]*:[^\s"'\\,;&=<>]*"#;

/// A name that says `secret`, `:` or `=`, and a value on the same line, in quotes or bare.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    let names = &*names::IN_TEXT;
    compile(&format!(
        r#"(?i){ARN}|({names}\\*["']?\]?[ \t]*[:=]>?[ \t]*)(?:(\\*["'])([^"'\\\r\n]+)|([^\s"'\\&,;<>{{}}()\[\]]+))"#
    ))
});

/// The same for a name that may be a secret's: the value decides.
static MAYBE: LazyLock<Regex> = LazyLock::new(|| {
    let names = names::MAYBE_IN_TEXT;
    compile(&format!(
        r#"(?i){ARN}|(({names})\\*["']?\]?[ \t]*[:=]>?[ \t]*)(?:(\\*["'])([^"'\\\r\n]+)|([^\s"'\\&,;<>{{}}()\[\]]+))"#
    ))
});

/// An XML element that is named like a secret, and its text.
static ELEMENT: LazyLock<Regex> = LazyLock::new(|| compile(r"(<(?:[A-Za-z0-9._-]+:)?([A-Za-z0-9._-]+)>\s*)([^<>\s][^<>]*)(</)"));

/// What stands for what was found; nothing where it may stay.
pub(super) type Replace<'r> = &'r dyn Fn(&Captures<'_>) -> Option<Scrubbed>;

/// The text with stand-ins for what has a secret's form.
pub(super) fn plain(search: &Search<'_>, text: &str) -> Option<Scrubbed> {
    if search.patterns.is_empty() && !triggers::may_be_in(text) {
        return None;
    }
    let is_suspicious = TRIGGER.is_match(text);
    let mut pass = Pass {
        text: Cow::Borrowed(text),
        found: None,
        budget: search.budget,
    };
    if is_suspicious {
        of_amazon(search.stand_ins, &mut pass);
    }
    if vendors::TRIGGER.is_match(text) {
        pass.over(&VENDORS, &|captures| whole(search.stand_ins, captures, Rule::SecretForms));
    }
    if is_suspicious {
        by_name(search.stand_ins, &mut pass);
        written::over(search.stand_ins, &mut pass);
    }
    for pattern in search.patterns {
        pass.over(&pattern.regex, &|captures| of_user(search.stand_ins, captures, pattern.rule));
    }
    pass.found.map(|rule| (pass.text.into_owned(), rule))
}

fn of_amazon(stand_ins: &StandIns, pass: &mut Pass<'_>) {
    pass.over(&PRIVATE_KEY, &|captures| private_key(stand_ins, captures));
    pass.over(&JWT, &|captures| whole(stand_ins, captures, Rule::SecretForms));
    pass.over(&PRESIGNED, &|captures| presigned(stand_ins, captures));
    pass.over(&SIGNATURE, &|captures| behind(stand_ins, captures, Rule::AwsSignature));
    pass.over(&SESSION_TOKEN, &|captures| {
        let secret = unescaped(&captures[0]);
        Some((stand_ins.text(&secret), Rule::SessionToken))
    });
    pass.over(&KEY_PAIR, &|captures| {
        let secret = &captures[2];
        (!is_marked_text(secret)).then(|| {
            (
                format!("{}{}{}", &captures[1], stand_ins.text(secret), &captures[3]),
                Rule::Credentials,
            )
        })
    });
    pass.over(&ACCESS_KEY_ID, &|captures| whole(stand_ins, captures, Rule::AccessKeyId));
    pass.over(&ENCODED_MESSAGE, &|captures| behind(stand_ins, captures, Rule::SecretForms));
}

fn by_name(stand_ins: &StandIns, pass: &mut Pass<'_>) {
    pass.over(&URL_PASSWORD, &|captures| {
        let secret = &captures[2];
        is_secret(secret).then(|| {
            (
                format!("{}{}{}", &captures[1], stand_ins.text(secret), &captures[3]),
                Rule::SecretForms,
            )
        })
    });
    pass.over(&BASIC, &|captures| {
        let names_password = STANDARD
            .decode(&captures[2])
            .is_ok_and(|bytes| bytes.contains(&b':') && std::str::from_utf8(&bytes).is_ok());
        names_password.then(|| behind(stand_ins, captures, Rule::Credentials)).flatten()
    });
    pass.over(&BEARER, &|captures| {
        let has_digit = captures[2].bytes().any(|byte| byte.is_ascii_digit());
        has_digit.then(|| behind(stand_ins, captures, Rule::Credentials)).flatten()
    });
    pass.over(&AUTHORIZATION, &|captures| {
        // A scheme alone, or the part of AWS's that names what was signed.
        let is_harmless = captures[2].starts_with("Credential=") || captures[2].starts_with("AWS4-");
        (!is_harmless).then(|| behind(stand_ins, captures, Rule::Credentials)).flatten()
    });
    pass.over(&COOKIE, &|captures| behind(stand_ins, captures, Rule::Credentials));
    pass.over(&CONNECTION, &|captures| behind(stand_ins, captures, Rule::SecretForms));
    pass.over(&ELEMENT, &|captures| {
        let secret = captures[3].trim_end();
        (is_secret(secret) && names::names_secret(&captures[2], secret)).then(|| {
            (
                format!("{}{}{}", &captures[1], stand_ins.text(secret), &captures[4]),
                Rule::SecretForms,
            )
        })
    });
    pass.over(&PAIR, &|captures| {
        let quote = captures.get(2).map_or("", |quote| quote.as_str());
        let secret = captures.get(3).or_else(|| captures.get(4))?.as_str();
        is_secret(secret).then(|| (format!("{}{quote}{}", &captures[1], stand_ins.text(secret)), Rule::SecretForms))
    });
    pass.over(&MAYBE, &|captures| {
        let quote = captures.get(3).map_or("", |quote| quote.as_str());
        let secret = captures.get(4).or_else(|| captures.get(5))?.as_str();
        let is_named = names::names_secret(&captures[2], secret);
        (is_named && is_secret(secret)).then(|| (format!("{}{quote}{}", &captures[1], stand_ins.text(secret)), Rule::SecretForms))
    });
}

/// A text and what was found in it.
pub(super) struct Pass<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) found: Option<Rule>,
    budget: &'t Budget,
}

impl Pass<'_> {
    pub(super) fn over(&mut self, regex: &Regex, replace: Replace<'_>) {
        let found = &mut self.found;
        let mut encoded = Encoded::new(&self.text, self.budget);
        let mut replace = |captures: &Captures<'_>| {
            // Among the letters of base64 any form stands sooner or later, and means nothing.
            let is_chance = captures.get(0).is_some_and(|whole| encoded.is_part(whole.range()));
            if is_chance { None } else { replace(captures) }
        };
        let changed = regex.replace_all(&self.text, |captures: &Captures<'_>| match replace(captures) {
            Some((stand_in, rule)) => {
                found.get_or_insert(rule);
                stand_in
            }
            None => captures[0].to_owned(),
        });
        if let Cow::Owned(changed) = changed {
            self.text = Cow::Owned(changed);
        }
    }
}

fn whole(stand_ins: &StandIns, captures: &Captures<'_>, rule: Rule) -> Option<Scrubbed> {
    let secret = &captures[0];
    (!is_marked_text(secret)).then(|| (stand_ins.text(secret), rule))
}

/// The second group is the secret, behind the first.
fn behind(stand_ins: &StandIns, captures: &Captures<'_>, rule: Rule) -> Option<Scrubbed> {
    let secret = unescaped(&captures[2]);
    is_secret(&secret).then(|| (format!("{}{}", &captures[1], stand_ins.text(&secret)), rule))
}

/// The first group of a user's pattern is the secret, and the whole of it where it has none.
fn of_user(stand_ins: &StandIns, captures: &Captures<'_>, rule: Rule) -> Option<Scrubbed> {
    let all = captures.get(0)?;
    let secret = captures.get(1).unwrap_or(all);
    if secret.is_empty() || is_marked_text(secret.as_str()) {
        return None;
    }
    let (before, after) = (secret.start() - all.start(), secret.end() - all.start());
    let text = all.as_str();
    Some((
        format!("{}{}{}", &text[..before], stand_ins.text(secret.as_str()), &text[after..]),
        rule,
    ))
}

/// What stands in the midst of bytes that are no text: only forms that nothing else has by chance.
pub(super) fn in_bytes(stand_ins: &StandIns, bytes: &[u8]) -> Option<(Vec<u8>, Rule)> {
    let mut found = None;
    let changed = IN_BYTES.replace_all(bytes, |captures: &regex::bytes::Captures<'_>| {
        let secret = String::from_utf8_lossy(&captures[0]);
        if is_marked_text(&secret) {
            return captures[0].to_vec();
        }
        let rule = if is_access_key_id(&secret) {
            Rule::AccessKeyId
        } else {
            Rule::SecretForms
        };
        found.get_or_insert(rule);
        stand_ins.text(&secret).into_bytes()
    });
    let changed = changed.into_owned();
    found.map(|rule| (changed, rule))
}

/// In a binary format, a byte before a text may look like a letter.
#[allow(clippy::expect_used)]
static IN_BYTES: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    let pattern = format!(
        r"(?-u)(?s-u){KEY_ID}|{TOKEN}|{WEB_TOKEN}|-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|{}",
        *vendors::PATTERN
    );
    regex::bytes::Regex::new(&pattern).expect("a constant pattern")
});

fn private_key(stand_ins: &StandIns, captures: &Captures<'_>) -> Option<(String, Rule)> {
    let whole = &captures[0];
    if is_marked_text(whole) {
        return None;
    }
    // Inside a JSON string in a string, a line break is a backslash and a letter.
    let body = captures[2].replace("\\n", "").replace("\\r", "");
    let body = body.trim();
    if body.is_empty() || is_marked_text(body) {
        return None;
    }
    let key = stand_ins.text(whole);
    if key.starts_with("-----BEGIN ") {
        return Some((key, Rule::SecretForms));
    }
    Some((
        format!("{}{}{}", &captures[1], stand_ins.text(body), &captures[3]),
        Rule::SecretForms,
    ))
}

fn presigned(stand_ins: &StandIns, captures: &Captures<'_>) -> Option<(String, Rule)> {
    let value = unescaped(&captures[3]);
    if is_marked_text(&value) {
        return None;
    }
    let token = captures
        .get(2)
        .is_some_and(|name| name.as_str().eq_ignore_ascii_case("security-token"));
    let rule = if token { Rule::SessionToken } else { Rule::AwsSignature };
    Some((format!("{}{}", &captures[1], stand_ins.text(&value)), rule))
}

/// Percent escapes undone, so that a secret has one stand-in in a URL and out of it.
fn unescaped(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

pub(super) fn is_secret(text: &str) -> bool {
    // What begins a private key was searched as one.
    is_value(text) && !is_marked_text(text) && !is_access_key_id(text) && !text.starts_with("-----BEGIN ")
}
