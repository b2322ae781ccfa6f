//! Values that are hidden where they are given, and nowhere else on that account: they say nothing
//! by themselves, and to hide them everywhere would hide half of a cassette.

use crate::redaction::{resource, stand_in};

/// The shortest value that is looked for elsewhere, in bytes.
pub(in crate::redaction) const SHORTEST: usize = 8;

/// The longest word that is taken for one of a language.
const LONGEST_WORD: usize = 16;

/// Whether a value says nothing by itself: a word, a constant, a media type, a host, a region, an
/// address, a date, the name of a resource of AWS; or it is a placeholder.
pub(in crate::redaction) fn is_common(value: &str) -> bool {
    is_word(value)
        || is_constant(value)
        || is_media_type(value)
        || is_host(value)
        || resource::is_plain(value)
        || stand_in::is_date(value)
        || stand_in::is_marked_text(value)
}

/// Letters alone, as a language has them: with vowels, and in one case but for the first.
fn is_word(text: &str) -> bool {
    let is_vowel = |byte: &u8| b"aeiouyAEIOUY".contains(byte);
    let rest = text.get(1..).unwrap_or_default();
    let one_case = rest.bytes().all(|byte| byte.is_ascii_lowercase()) || text.bytes().all(|byte| byte.is_ascii_uppercase());
    let letters = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    letters && one_case && text.len() <= LONGEST_WORD && text.as_bytes().split(is_vowel).all(|consonants| consonants.len() <= 4)
}

/// `PAY_PER_REQUEST`.
fn is_constant(text: &str) -> bool {
    text.contains('_')
        && text
            .split('_')
            .all(|part| part.bytes().all(|byte| byte.is_ascii_uppercase()) && is_word(part))
}

/// `application/json`, `text/plain; charset=utf-8`.
fn is_media_type(text: &str) -> bool {
    const KINDS: [&str; 7] = ["application", "audio", "image", "message", "multipart", "text", "video"];
    let kind = text.split_once('/').map(|(kind, _)| kind);
    kind.is_some_and(|kind| KINDS.contains(&kind)) && text.len() <= 64
}

/// `db.example.com`, `db.example.com:5432`.
fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_letter)
    };
    let mut labels = host.rsplit('.');
    let top = labels.next().unwrap_or_default();
    let is_top = (2..=LONGEST_WORD).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let count = host.split('.').count();
    is_top && is_port && (count > 2 || count == 2 && TOPS.contains(&top)) && labels.all(is_label)
}

/// What a host of two labels ends in.
const TOPS: [&str; 12] = [
    "app", "cloud", "co", "com", "dev", "example", "internal", "io", "local", "net", "org", "test",
];
