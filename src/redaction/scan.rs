//! Secrets known by their form, wherever they are: in a header, a URL, a nested JSON document, a
//! base64 string, a map key, or plain text.
//!
//! A stand-in has the form of what it stands for, and its mark (see [`super::stand_in`]). So one
//! function serves both ends: [`scrub`] writes stand-ins, and what it would still change in a
//! finished interaction is a leak ([`leaks`]).

use super::Leak;
use super::rules::{Rule, is_secret_name};
use super::stand_in::{StandIns, is_access_key_id, is_marked_text};
use crate::cassette::Interaction;
use crate::codec::spot::{self, Shown};
use crate::json::rewrite::{self, Place};
use crate::pointer;
use crate::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// How deep documents inside strings inside documents are followed.
const MAX_NESTING: usize = 4;

/// The shortest base64 text that is looked into: an access key id alone has 28 characters there.
const MIN_BASE64: usize = 24;

/// What no text without a secret form contains; the rest is looked at closely.
static TRIGGER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?-u)AKIA|ASIA|ABIA|ACCA|IQoJ|FwoG|FQoG|eyJ|PRIVATE KEY|://|(?i:x-amz-s|pass|secret|token|api[_-]?key|private[_-]?key|signature|accesskeyid)",
    )
});

static ACCESS_KEY_ID: LazyLock<Regex> = LazyLock::new(|| compile(r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?-u:\b)"));

static SESSION_TOKEN: LazyLock<Regex> = LazyLock::new(|| compile(r"(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=%]{100,}"));

static JWT: LazyLock<Regex> = LazyLock::new(|| compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"));

static PRIVATE_KEY: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)([^-]*(?:-[^-]+)*?)(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)"));

static PRESIGNED: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"(?i)(x-amz-(signature|security-token)=|[?&](?:signature|awsaccesskeyid)=)([^&\s"'\\<>]+)"#));

static URL_PASSWORD: LazyLock<Regex> = LazyLock::new(|| compile(r#"(://[^/\s:@"'\\]*:)([^@\s/"'\\]+)(@)"#));

/// A name that says `secret`, `:` or `=`, and a value on the same line, in quotes or bare.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?i)((?:password|passwd|passphrase|secret[_-]?access[_-]?key|secret[_-]?key|client[_-]?secret|session[_-]?token|security[_-]?token",
        r"|private[_-]?key|auth[_-]?token|authorization[_-]?token|access[_-]?token|refresh[_-]?token|api[_-]?key)",
        r#"\\*["']?[ \t]*[:=][ \t]*)(?:(\\*["'])([^"'\\\r\n]+)|([^\s"'\\&,;<>{}()\[\]]+))"#
    ))
});

/// Where a run of twelve digits is an account id for sure.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"arn:[A-Za-z0-9-]*:[A-Za-z0-9-]*:[A-Za-z0-9-]*:([0-9]{12}):",
        r"|(?:^|[/@.])([0-9]{12})\.[A-Za-z0-9.-]*(?:amazonaws\.com|api\.aws|on\.aws)",
        r#"|https?://[^/\s"]+/([0-9]{12})/"#,
        r#"|\\*"(?i:aws|[a-z_]*account_?(?:id)?|[a-z_]*owner_?(?:id)?)\\*"[ \t]*:[ \t]*\\*"([0-9]{12})\\*""#
    ))
});

/// The patterns are constants; the tests compile every one.
#[allow(clippy::expect_used)]
fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// The text with every secret that its form gives away replaced by a stand-in, and the first rule
/// that found one; nothing where there is none (the common case, told by one quick search).
pub fn scrub(stand_ins: &StandIns, text: &str) -> Option<(String, Rule)> {
    scrub_nested(stand_ins, text, 0)
}

fn scrub_nested(stand_ins: &StandIns, text: &str, nesting: usize) -> Option<(String, Rule)> {
    if text.len() < 8 {
        return None;
    }
    if nesting < MAX_NESTING && looks_like_base64(text) {
        return scrub_base64(stand_ins, text, nesting).or_else(|| scrub_plain(stand_ins, text));
    }
    // Base64 hides what the trigger looks for, and may be inside a document.
    let document = nesting < MAX_NESTING && text.trim_start().starts_with(['{', '[']);
    if document && let Ok(scrubbed) = scrub_document(stand_ins, text, nesting) {
        return scrubbed;
    }
    scrub_plain(stand_ins, text)
}

fn scrub_document(stand_ins: &StandIns, text: &str, nesting: usize) -> Result<Option<(String, Rule)>, crate::json::lexer::Malformed> {
    let mut found = None;
    let changed = rewrite::map_strings(text, &mut |place, inner| {
        let named = place.place == Place::Value && is_secret_name(&last_name(place.pointer));
        let (changed, rule) = if named && is_value(inner) && !is_marked_text(inner) {
            (stand_ins.text(inner), Rule::SecretForms)
        } else {
            scrub_nested(stand_ins, inner, nesting + 1)?
        };
        found.get_or_insert(rule);
        Some(changed)
    })?;
    Ok(found.map(|rule| (changed, rule)))
}

/// The last token of a pointer that is a name and no position.
pub fn last_name(pointer: &str) -> String {
    let mut name = "";
    for token in pointer.split('/').skip(1) {
        if !token.bytes().all(|byte| byte.is_ascii_digit()) {
            name = token;
        }
    }
    pointer::tokens(&format!("/{name}")).next().unwrap_or_default()
}

fn looks_like_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= MIN_BASE64
        && bytes.len().is_multiple_of(4)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

fn scrub_base64(stand_ins: &StandIns, text: &str, nesting: usize) -> Option<(String, Rule)> {
    let inner = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (scrubbed, rule) = scrub_nested(stand_ins, &inner, nesting + 1)?;
    Some((STANDARD.encode(scrubbed), rule))
}

fn scrub_plain(stand_ins: &StandIns, text: &str) -> Option<(String, Rule)> {
    if !TRIGGER.is_match(text) {
        return None;
    }
    let mut text = Cow::Borrowed(text);
    let mut found = None;
    let mut pass = |regex: &Regex, replace: &dyn Fn(&Captures<'_>) -> Option<(String, Rule)>| {
        let changed = regex.replace_all(&text, |captures: &Captures<'_>| match replace(captures) {
            Some((stand_in, rule)) => {
                found.get_or_insert(rule);
                stand_in
            }
            None => captures[0].to_owned(),
        });
        if let Cow::Owned(changed) = changed {
            text = Cow::Owned(changed);
        }
    };
    let whole = |captures: &Captures<'_>, rule| {
        let secret = &captures[0];
        (!is_marked_text(secret)).then(|| (stand_ins.text(secret), rule))
    };
    pass(&PRIVATE_KEY, &|captures| private_key(stand_ins, captures));
    pass(&JWT, &|captures| whole(captures, Rule::SecretForms));
    pass(&PRESIGNED, &|captures| presigned(stand_ins, captures));
    pass(&SESSION_TOKEN, &|captures| {
        let secret = unescaped(&captures[0]);
        Some((stand_ins.text(&secret), Rule::SessionToken))
    });
    pass(&ACCESS_KEY_ID, &|captures| whole(captures, Rule::AccessKeyId));
    pass(&URL_PASSWORD, &|captures| {
        let secret = &captures[2];
        is_secret(secret).then(|| {
            (
                format!("{}{}{}", &captures[1], stand_ins.text(secret), &captures[3]),
                Rule::SecretForms,
            )
        })
    });
    pass(&PAIR, &|captures| {
        let quote = captures.get(2).map_or("", |quote| quote.as_str());
        let secret = captures.get(3).or_else(|| captures.get(4))?.as_str();
        is_secret(secret).then(|| (format!("{}{quote}{}", &captures[1], stand_ins.text(secret)), Rule::SecretForms))
    });
    found.map(|rule| (text.into_owned(), rule))
}

fn private_key(stand_ins: &StandIns, captures: &Captures<'_>) -> Option<(String, Rule)> {
    // Inside a JSON string in a string, a line break is a backslash and a letter.
    let body = captures[2].replace("\\n", "").replace("\\r", "");
    let body = body.trim();
    if body.is_empty() || is_marked_text(body) {
        return None;
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

fn is_secret(text: &str) -> bool {
    is_value(text) && !is_marked_text(text) && !is_access_key_id(text)
}

/// Not a reference to a value that stands elsewhere (CloudFormation, shells, templates), and no
/// word of a schema.
fn is_value(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['$', '!', '{', '<', '*'])
        && !["true", "false", "null", "none", "string"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether there may be an account id anywhere: in a binary format, letters and digits of the format
/// itself may stand around it.
pub fn has_twelve_digits(bytes: &[u8]) -> bool {
    // Of twelve digits in a row one stands at every twelfth place.
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    (11..bytes.len()).step_by(12).any(|at| {
        let (before, after) = bytes.split_at(at);
        before.iter().rev().take_while(is_digit).count() + after.iter().take_while(is_digit).count() >= 12
            && after.first().is_some_and(u8::is_ascii_digit)
    })
}

/// Runs of exactly twelve digits that are words of their own, as byte ranges.
pub fn twelve_digits(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        // Of twelve digits in a row one stands at every twelfth place.
        while let Some(byte) = bytes.get(at + 11) {
            if !byte.is_ascii_digit() {
                at += 12;
                continue;
            }
            let mut start = at + 11;
            while start > at && bytes[start - 1].is_ascii_digit() {
                start -= 1;
            }
            let mut end = at + 12;
            while bytes.get(end).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
            at = end;
            if end - start == 12 && is_word(bytes, start, end) {
                return Some(start);
            }
        }
        None
    })
}

fn is_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    if before.is_some_and(u8::is_ascii_alphanumeric) || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    // The last group of a UUID can be all digits.
    let head = start.checked_sub(24).and_then(|from| bytes.get(from..start));
    !head.is_some_and(|head| {
        head.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

/// Adds the account ids that their place in the text, or the name before it, gives away.
pub fn accounts(name: &str, text: &str, found: &mut Vec<String>) {
    if twelve_digits(text.as_bytes()).next().is_none() {
        return;
    }
    let mut add = |id: &str| {
        if !found.iter().any(|known| known == id) {
            found.push(id.to_owned());
        }
    };
    if text.len() == 12 && super::rules::is_account_name(name) {
        add(text);
    }
    // Neighbours share a delimiter, so the search goes on from the id and not from behind it.
    let mut from = 0;
    while let Some(captures) = ACCOUNT.captures_at(text, from) {
        let Some(id) = captures.iter().skip(1).flatten().next() else {
            break;
        };
        add(id.as_str());
        from = id.end();
    }
}

/// An account id that stands for another: `000000000001` and so on, and `000000000000`.
pub fn is_account_stand_in(id: &str) -> bool {
    id.starts_with("00000000")
}

/// The text with account ids renamed, whole words only.
pub fn rename_accounts(text: &str, renamed: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out: Option<String> = None;
    for start in twelve_digits(text.as_bytes()) {
        let range = start..start + 12;
        if let Some(id) = text.get(range.clone()).and_then(renamed) {
            out.get_or_insert_with(|| text.to_owned()).replace_range(range, &id);
        }
    }
    out
}

/// Every secret that its form still gives away in what would be written: URI, headers and bodies.
pub fn leaks(interaction: &Interaction) -> Vec<Leak> {
    let stand_ins = StandIns::new("");
    let mut leaks = Vec::new();
    look_everywhere(interaction, &mut |place, text| {
        if let Some((_, rule)) = scrub(&stand_ins, text) {
            leaks.push(Leak::Secret { place, rule });
        }
    });
    leaks
}

/// Every place that holds one of these secrets as it is.
pub fn literally(interaction: &Interaction, secrets: &[String]) -> Vec<Leak> {
    let mut leaks = Vec::new();
    if secrets.is_empty() {
        return leaks;
    }
    let mut look = |place: String, text: &str| {
        if secrets.iter().any(|secret| text.contains(secret.as_str())) {
            let rule = Rule::Credentials;
            leaks.push(Leak::Secret { place, rule });
        }
    };
    look_everywhere(interaction, &mut look);
    for (place, body) in [
        ("/request/body", interaction.request.body()),
        ("/response/body", interaction.response.body()),
    ] {
        look(place.to_owned(), &String::from_utf8_lossy(body));
    }
    leaks
}

fn look_everywhere(interaction: &Interaction, look: &mut dyn FnMut(String, &str)) {
    look("/request/uri".to_owned(), &interaction.request.uri().to_string());
    look_at_headers("/request/headers", interaction.request.headers(), look);
    look_at_body("/request", interaction.request.headers(), interaction.request.body(), look);
    look_at_headers("/response/headers", interaction.response.headers(), look);
    look_at_body("/response", interaction.response.headers(), interaction.response.body(), look);
}

fn look_at_headers(place: &str, headers: &HeaderMap, look: &mut dyn FnMut(String, &str)) {
    for (name, value) in headers {
        look(format!("{place}/{name}"), &String::from_utf8_lossy(value.as_bytes()));
    }
}

fn look_at_body(place: &str, headers: &HeaderMap, body: &[u8], look: &mut dyn FnMut(String, &str)) {
    let content_type = wire::text(headers, "content-type");
    let shown = spot::anywhere(content_type, body, &mut |spot| look(format!("{place}{}", spot.wire), &spot.text));
    if shown == Shown::Nothing {
        look(format!("{place}/body"), &String::from_utf8_lossy(body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

    fn scrubbed(text: &str) -> String {
        scrub(&StandIns::new("salt"), text).map_or_else(|| text.to_owned(), |(text, _)| text)
    }

    fn secrets() -> Vec<(String, &'static str)> {
        let token = format!("IQoJb3JpZ2luX2VjE{}", "Ab3/".repeat(40));
        vec![
            (format!("key {KEY_ID}."), "AKIAIOSFODNN7"),
            (format!("token={token}"), "IQoJb3JpZ2luX2"),
            ("bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln".to_owned(), "c2ln"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----".to_owned(),
                "MIIEpAIBAAKCAQEA",
            ),
            (
                "https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef0123&X-Amz-Expires=60".to_owned(),
                "abcdef0123",
            ),
            (
                "https://b/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20200101".to_owned(),
                "AKIAIOSFODNN7",
            ),
            ("postgres://admin:hunter2@db/x".to_owned(), "hunter2"),
            ("db_password: hunter2".to_owned(), "hunter2"),
            ("PASSWORD='two words'".to_owned(), "words"),
            (r#"{"a":[{"clientSecret":"hunter2"}]}"#.to_owned(), "hunter2"),
            (r#"{"a":"{\"password\":\"hunter2\"}"}"#.to_owned(), "hunter2"),
            (STANDARD.encode(format!("my key is {KEY_ID} here")), "QUtJQUlP"),
        ]
    }

    #[test]
    fn secrets_are_found_by_their_form_and_keep_it() {
        for (text, secret) in secrets() {
            let clean = scrubbed(&text);
            assert_ne!(clean, text);
            assert!(!clean.contains(secret), "{clean}");
        }
        let clean = scrubbed(&secrets()[0].0);
        assert!(clean.starts_with("key ASIA") && clean.len() == secrets()[0].0.len(), "{clean}");
        assert!(scrubbed(&secrets()[4].0).ends_with("&X-Amz-Expires=60"));
    }

    #[test]
    fn scrubbing_twice_is_scrubbing_once() {
        for (text, _) in secrets() {
            let clean = scrubbed(&text);
            assert_eq!(scrubbed(&clean), clean);
            assert!(scrub(&StandIns::new("another salt"), &clean).is_none(), "{clean}");
        }
    }

    #[test]
    fn harmless_text_stays_as_it_is() {
        for text in [
            "",
            "a plain sentence about a password policy",
            "DbPassword:\n  Type: String",
            "Password: !Ref DbPassword",
            "password: ${DbPassword}",
            r#"{"password":""}"#,
            "arn:aws:iam::123456789012:role/secret",
            "https://docs.aws.amazon.com/a:b@c",
            "dG90YWxseSBoYXJtbGVzcyB0ZXh0IQ==",
        ] {
            assert_eq!(scrubbed(text), text);
        }
    }

    #[test]
    fn twelve_digits_count_only_as_a_word() {
        let starts = |text: &str| twelve_digits(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(starts("123456789012"), [0]);
        assert_eq!(starts("a:123456789012:b/210987654321"), [2, 17]);
        assert!(starts("1234567890123").is_empty());
        assert!(starts("x123456789012").is_empty());
        assert!(starts("123456789012x").is_empty());
        assert!(starts("00000000-0000-4000-8000-000000000001").is_empty());
        assert!(starts("12345678901").is_empty());
        assert_eq!(starts("--------------123456789012"), [14]);
    }

    #[test]
    fn whatever_stands_around_twelve_digits_they_may_be_an_account() {
        for text in ["123456789012", "l123456789012k", "--------------1234567890123"] {
            assert!(has_twelve_digits(text.as_bytes()), "{text}");
        }
        for text in ["", "12345678901", "12345678901x12345678901", "--------------12345678901"] {
            assert!(!has_twelve_digits(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_account_is_known_by_its_place() {
        let found = |name: &str, text: &str| {
            let mut found = Vec::new();
            accounts(name, text, &mut found);
            found
        };
        for (name, text) in [
            ("", "arn:aws:iam::123456789012:role/x"),
            ("", "https://sqs.us-east-1.amazonaws.com/123456789012/queue"),
            ("", "http://127.0.0.1:5000/123456789012/queue"),
            ("", "https://123456789012.cloudfront-kvs.global.api.aws/"),
            ("ownerId", "123456789012"),
            ("Policy", r#"{"Principal":{"AWS":"123456789012"}}"#),
        ] {
            assert_eq!(found(name, text), ["123456789012"], "{text}");
        }
        assert!(found("OrderNumber", "123456789012").is_empty());
        assert_eq!(
            found("", "arn:aws:iam::123456789012:role/x arn:aws:iam::210987654321:role/x"),
            ["123456789012", "210987654321"]
        );
    }
}
