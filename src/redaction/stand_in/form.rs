//! What a stand-in looks like: the form of what it stands for, and the mark by which it is known.

use super::{FAR_FUTURE, json, key, pem};
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 2099-01-01T00:00:00Z: stand-ins for instants lie in the year that begins here, and are known by it.
pub(super) const YEAR_2099: i64 = 4_070_908_800;
pub(super) const YEAR: u64 = 31_536_000;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// `{"alg":"none"}`.
const JWT_HEADER: &str = "eyJhbGciOiJub25lIn0";

/// What a text looks like, and its stand-in therefore too.
pub(super) enum Form {
    Plain,
    Digits,
    AccessKeyId,
    Uuid,
    Arn,
    Date,
    Jwt,
}

impl Form {
    pub(super) fn of(text: &str) -> Form {
        let bytes = text.as_bytes();
        match bytes.first() {
            Some(b'A') if is_access_key_id(text) => Form::AccessKeyId,
            Some(b'a') if is_arn(text) => Form::Arn,
            Some(b'e') if is_jwt(text) => Form::Jwt,
            Some(byte) if bytes.len() == 36 && byte.is_ascii_hexdigit() && is_uuid(text) => Form::Uuid,
            Some(b'0'..=b'9') if is_date(text) => Form::Date,
            Some(_) if bytes.iter().all(u8::is_ascii_digit) => Form::Digits,
            _ => Form::Plain,
        }
    }
}

/// Whether the value bears the mark of a stand-in, or is what every stand-in of its type is.
pub fn is_marked(value: &Value) -> bool {
    match value {
        Value::Text(text) => is_marked_text(text),
        Value::Bool(value) => !value,
        Value::Timestamp { seconds, .. } => is_in_2099(*seconds),
        Value::Blob(bytes) => is_marked_blob(bytes),
        Value::Integer(number) => is_numeral(*number),
        _ => false,
    }
}

/// Whether a text bears the mark of a stand-in, or is a key id of AWS's documentation.
pub fn is_marked_text(text: &str) -> bool {
    is_marked_within(text, 0)
}

/// The same for a text inside so many JSON documents.
pub(super) fn is_marked_within(text: &str, nesting: usize) -> bool {
    let bytes = text.as_bytes();
    match bytes.len() {
        20 if is_access_key_id(text) => is_documentation_key(text) || bytes[14..] == base32::<6>(mix(&bytes[4..14])),
        36 if is_number(text) => true,
        36 if is_uuid(text) => {
            let mut digits = [0; 32];
            for (slot, byte) in digits.iter_mut().zip(bytes.iter().filter(|byte| **byte != b'-')) {
                *slot = *byte;
            }
            is_marked_digits(&digits)
        }
        _ if text.starts_with(JWT_HEADER) => text.rsplit_once('.').is_some_and(|(_, last)| is_marked_word(last)),
        _ if text.starts_with("arn:") => text.rsplit_once(':').is_some_and(|(_, last)| is_marked_word(last)),
        _ if text.starts_with("2099-") => is_date(text),
        _ if text.starts_with(['{', '[']) => json::is_marked(text, nesting),
        _ if pem::may_be(text) => pem::is_marked(text),
        _ => is_marked_word(text),
    }
}

/// Thirty-two digits with their mark, and zeros where a place wants more.
pub(super) fn is_marked_word(text: &str) -> bool {
    let parts = text.as_bytes().split_at_checked(32);
    parts.is_some_and(|(digits, rest)| (is_marked_digits(digits) || is_marked_decimal(digits)) && rest.iter().all(|byte| *byte == b'0'))
}

/// The mark first: any byte may begin a stand-in, that of a JSON document too.
fn is_marked_blob(bytes: &[u8]) -> bool {
    let parts = bytes.split_at_checked(24);
    parts.is_some_and(|(head, rest)| head[16..] == mix(&head[..16]).to_be_bytes() && rest.iter().all(|byte| *byte == 0))
        || (SHORTEST_MARKED_BLOB..24).contains(&bytes.len()) && is_marked_short_blob(bytes)
        || matches!(bytes.first(), Some(b'{' | b'[')) && std::str::from_utf8(bytes).is_ok_and(|text| json::is_marked(text, 0))
        || bytes.starts_with(b"-----BEGIN ") && std::str::from_utf8(bytes).is_ok_and(pem::is_marked)
        || key::label_of(bytes).is_some_and(|label| key::is_marked(label, bytes))
}

/// Shorter ones have no room for a mark.
const SHORTEST_MARKED_BLOB: usize = 12;

fn is_marked_short_blob(bytes: &[u8]) -> bool {
    let (head, mark) = bytes.split_at(bytes.len() - bytes.len() / 3);
    mix(head).to_be_bytes().starts_with(mark)
}

/// So many bytes that stand for others; the last third of short ones follows from the rest.
pub(super) fn blob(hash: [u8; 32], length: usize) -> Vec<u8> {
    let mut out = hash.to_vec();
    let marked = match length {
        ..SHORTEST_MARKED_BLOB => length,
        SHORTEST_MARKED_BLOB..24 => length - length / 3,
        24.. => 16,
    };
    out.truncate(marked);
    out.extend_from_slice(&mix(&out).to_be_bytes());
    out.resize(length, 0);
    out
}

fn is_in_2099(seconds: i64) -> bool {
    (YEAR_2099..YEAR_2099 + YEAR as i64).contains(&seconds)
}

fn is_marked_digits(digits: &[u8]) -> bool {
    digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) && digits[20..] == mark(&digits[..20])
}

fn is_marked_decimal(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit) && digits[20..] == decimal_mark(&digits[..20])
}

fn decimal_mark(digits: &[u8]) -> [u8; 12] {
    let mut mixed = mix(digits);
    std::array::from_fn(|_| {
        let digit = b'0' + (mixed % 10) as u8;
        mixed /= 10;
        digit
    })
}

/// What stands for digits is digits, which a number may be read from; the first is no zero.
pub(super) fn decimal(hash: [u8; 32]) -> String {
    let mut digits = [0; 32];
    for (index, (digit, byte)) in digits[..20].iter_mut().zip(hash).enumerate() {
        *digit = if index == 0 { b'1' + byte % 9 } else { b'0' + byte % 10 };
    }
    let last = decimal_mark(&digits[..20]);
    digits[20..].copy_from_slice(&last);
    text_of(&digits)
}

/// How many numbers can stand before the mark of one, and how many marks there are: with both, a
/// number has fifteen digits, which a float holds.
const NUMBERS: u64 = 10_000_000_000;
const MARKS: u64 = 100_000;

/// What stands for a number that only its name says to be a secret: ten digits, and five that follow
/// from them.
pub(super) fn numeral(hash: u64) -> u64 {
    let first = NUMBERS / 10 + hash % (NUMBERS - NUMBERS / 10);
    first * MARKS + mix(&first.to_le_bytes()) % MARKS
}

fn is_numeral(number: i128) -> bool {
    let Ok(number) = u64::try_from(number) else { return false };
    let first = number / MARKS;
    (NUMBERS / 10..NUMBERS).contains(&first) && number % MARKS == mix(&first.to_le_bytes()) % MARKS
}

/// Whether a number as it is written bears the mark.
pub fn is_marked_number(lexeme: &str) -> bool {
    lexeme.parse().is_ok_and(is_numeral)
}

/// The twelve digits that follow twenty.
fn mark(digits: &[u8]) -> [u8; 12] {
    let mixed = mix(digits);
    std::array::from_fn(|index| DIGITS[(mixed >> (index * 4) & 15) as usize])
}

fn base32<const N: usize>(mixed: u64) -> [u8; N] {
    std::array::from_fn(|index| BASE32[(mixed >> (index * 5) & 31) as usize])
}

/// FNV-1a with a final avalanche (splitmix64). It need not be secret, only stable for ever.
pub(super) fn mix(bytes: &[u8]) -> u64 {
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

fn digits_of(hash: [u8; 32]) -> [u8; 32] {
    let mut digits = [0; 32];
    for (index, digit) in digits[..20].iter_mut().enumerate() {
        *digit = DIGITS[(hash[index / 2] >> (index % 2 * 4) & 15) as usize];
    }
    digits
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn hexadecimal(hash: [u8; 32]) -> String {
    let mut digits = digits_of(hash);
    let last = mark(&digits[..20]);
    digits[20..].copy_from_slice(&last);
    text_of(&digits)
}

pub(super) fn uuid(hash: [u8; 32]) -> String {
    let mut digits = digits_of(hash);
    digits[12] = b'4';
    digits[16] = b'8';
    let last = mark(&digits[..20]);
    digits[20..].copy_from_slice(&last);
    let text = text_of(&digits);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// Of the kind of this one: a long-term key's id stays one, a temporary key's too.
pub(super) fn access_key_id(text: &str, hash: [u8; 32]) -> String {
    let mut first = [0; 10];
    for (slot, byte) in first.iter_mut().zip(hash) {
        *slot = BASE32[usize::from(byte & 31)];
    }
    let kind = text.get(..4).unwrap_or_default();
    format!("{kind}{}{}", text_of(&first), text_of(&base32::<6>(mix(&first))))
}

pub(super) fn jwt(digits: &str) -> String {
    let payload = URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"{digits}\",\"exp\":{FAR_FUTURE}}}"));
    format!("{JWT_HEADER}.{payload}.{digits}")
}

/// Partition, service and region stay; account and resource go.
pub(super) fn arn(text: &str, digits: &str) -> String {
    let mut fields = text.split(':').skip(1);
    let mut field = || fields.next().unwrap_or_default();
    let (partition, service, region) = (field(), field(), field());
    format!("arn:{partition}:{service}:{region}:000000000000:{digits}")
}

pub(super) fn date(text: &str, number: u64) -> String {
    let (month, day) = (number % 12 + 1, number / 12 % 28 + 1);
    if text.len() == 10 {
        return format!("2099-{month:02}-{day:02}");
    }
    let (hour, minute, second) = (number / 336 % 24, number / 8_064 % 60, number / 483_840 % 60);
    format!("2099-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// What the numbers of idempotency tokens begin with, which are written when a cassette is sealed.
pub const NUMBER_PREFIX: &str = "00000000-0000-4000-8000-";

/// Whether a text is a number that stands for a token.
pub fn is_number(text: &str) -> bool {
    text.starts_with(NUMBER_PREFIX) && is_uuid(text)
}

/// Whether a text is an access key id and nothing else.
pub fn is_access_key_id(text: &str) -> bool {
    text.len() == 20
        && ["AKIA", "ASIA", "ABIA", "ACCA"].iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().skip(4).all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
}

/// Whether an access key id is one of AWS's documentation, which mock servers give too.
fn is_documentation_key(id: &str) -> bool {
    id.ends_with("EXAMPLE")
}

/// Whether a text is a UUID in either case.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_arn(text: &str) -> bool {
    text.len() <= 2048 && text.starts_with("arn:") && text.split(':').count() >= 6 && text.is_ascii()
}

pub(super) fn is_jwt(text: &str) -> bool {
    let word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    text.starts_with("eyJ") && text.len() <= 65_536 && text.split('.').count() == 3 && text.split('.').all(word)
}

/// `2020-01-31`, or that with a time.
pub fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let day = |bytes: &[u8]| {
        bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    match bytes.len() {
        10 => day(bytes),
        20..=35 => day(&bytes[..10]) && bytes[10] == b'T' && bytes[13] == b':' && bytes[16] == b':',
        _ => false,
    }
}
