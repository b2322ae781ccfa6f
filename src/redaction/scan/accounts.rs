//! AWS account ids: twelve digits, which only their place tells from any other number.

use super::budget::{Budget, MAX_NESTING};
use super::{compile, layers};
use crate::json::lexer::{Lexer, Token};
use crate::redaction::names::is_account_name;
use percent_encoding::percent_decode_str;
use regex::Regex;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Where a run of twelve digits is an account id for sure.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"arn:[A-Za-z0-9-]*:[A-Za-z0-9-]*:[A-Za-z0-9-]*:([0-9]{12}):",
        r"|(?:^|[/@.])([0-9]{12})\.[A-Za-z0-9.-]*(?:amazonaws\.com|api\.aws|on\.aws)",
        r#"|https?://[^/\s"]+/([0-9]{12})/"#,
        r#"|\\*"(?i:aws|principal|[a-z_]*account_?(?:id)?|[a-z_]*owner_?(?:id)?|[a-z:]*(?:account|principalaccount))\\*"\s*:\s*\\*"([0-9]{12})\\*""#,
        // A list of them, each of which counts.
        r#"|\\*"(?i:aws|principal|[a-z_]*account_?(?:ids?)?s?|[a-z:]*(?:account|principalaccount))\\*"\s*:\s*\[([^\[\]{}]*[0-9]{12}[^\[\]{}]*)\]"#,
        // Services' own sentences: `Stream s under account …`, `in the registry with id '…'`.
        r"|(?i:\b(?:account(?: ?id)?|registry with id)\b)[ :=('`]{1,3}([0-9]{12})\b"
    ))
});

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
            start += digits_of_escape(bytes, start);
            while bytes.get(end).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
            at = end;
            if end.checked_sub(start) == Some(12) && is_word(bytes, start, end) {
                return Some(start);
            }
        }
        None
    })
}

/// How many of the digits that begin at `start` belong to a percent escape: `%22` is a quote.
fn digits_of_escape(bytes: &[u8], start: usize) -> usize {
    let before = |distance: usize| start.checked_sub(distance).and_then(|at| bytes.get(at));
    if before(1) == Some(&b'%') {
        return 2;
    }
    usize::from(before(2) == Some(&b'%') && before(1).is_some_and(u8::is_ascii_hexdigit))
}

fn is_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    let is_escape = start.checked_sub(3).and_then(|at| bytes.get(at)) == Some(&b'%');
    if before.is_some_and(u8::is_ascii_alphanumeric) && !is_escape || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
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

/// Account ids, each once, in order of first appearance.
#[derive(Debug, Default)]
pub struct AccountIds {
    ids: Vec<String>,
    known: HashSet<String>,
}

impl AccountIds {
    /// Adds one, unless it is there.
    pub fn add(&mut self, id: &str) {
        if !self.known.contains(id) {
            self.known.insert(id.to_owned());
            self.ids.push(id.to_owned());
        }
    }

    /// Whether it is there.
    pub fn contains(&self, id: &str) -> bool {
        self.known.contains(id)
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<String> {
        self.ids
    }
}

/// Adds the account ids that their place in the text, or the name before it, gives away.
pub fn accounts(name: &str, text: &str, found: &mut AccountIds) {
    if twelve_digits(text.as_bytes()).next().is_none() {
        return;
    }
    if text.len() == 12 && is_account_name(name) {
        found.add(text);
    }
    let text = match text.contains('%') {
        true => percent_decode_str(text).decode_utf8_lossy(),
        false => Cow::Borrowed(text),
    };
    let text = &*text;
    // Neighbours share a delimiter, so the search goes on from the id and not from behind it.
    let mut from = 0;
    while let Some(captures) = ACCOUNT.captures_at(text, from) {
        let Some(id) = captures.iter().skip(1).flatten().next() else {
            break;
        };
        for start in twelve_digits(id.as_str().as_bytes()) {
            id.as_str().get(start..start + 12).into_iter().for_each(|id| found.add(id));
        }
        from = id.end();
    }
}

/// An account id that stands for another: `000000000001` and so on, and `000000000000`.
pub fn is_account_stand_in(id: &str) -> bool {
    id.starts_with("00000000")
}

/// The text with account ids renamed, whole words only, behind base64 too.
pub fn rename_accounts(text: &str, budget: &Budget, renamed: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    budget.grant(text.len());
    rename_within(text, 0, budget, renamed)
}

fn rename_within(text: &str, nesting: usize, budget: &Budget, renamed: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let plain = rename_plain(text, renamed);
    let mut open = |inner: &str| {
        if nesting == MAX_NESTING {
            budget.exceed();
            return None;
        }
        rename_within(inner, nesting + 1, budget, renamed)
    };
    let hidden = layers::in_base64(plain.as_deref().unwrap_or(text), budget, &mut open);
    hidden.or(plain)
}

fn rename_plain(text: &str, renamed: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out: Option<String> = None;
    let mut numbers: Option<HashSet<usize>> = None;
    for start in twelve_digits(text.as_bytes()) {
        let range = start..start + 12;
        let Some(mut id) = text.get(range.clone()).and_then(renamed) else {
            continue;
        };
        // No number of JSON begins with a zero.
        if id.starts_with('0') && numbers.get_or_insert_with(|| numbers_of(text)).contains(&start) {
            id.replace_range(..1, "1");
        }
        out.get_or_insert_with(|| text.to_owned()).replace_range(range, &id);
    }
    out
}

/// Where the numbers of a JSON document begin; nothing where the text is none.
fn numbers_of(text: &str) -> HashSet<usize> {
    let mut numbers = HashSet::new();
    let mut lexer = Lexer::new(text);
    if !text.trim_start().starts_with(['{', '[']) {
        return numbers;
    }
    loop {
        match lexer.next() {
            Ok(Token::End) => return numbers,
            Ok(Token::Number(_)) => drop(numbers.insert(lexer.token_start())),
            Ok(_) => {}
            Err(_) => return HashSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_count_only_as_a_word() {
        let starts = |text: &str| twelve_digits(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(starts("481516234207"), [0]);
        assert_eq!(starts("a:481516234207:b/210987654321"), [2, 17]);
        assert!(starts("4815162342073").is_empty());
        assert!(starts("x481516234207").is_empty());
        assert!(starts("481516234207x").is_empty());
        assert!(starts("00000000-0000-4000-8000-000000000001").is_empty());
        assert!(starts("12345678901").is_empty());
        assert_eq!(starts("--------------481516234207"), [14]);
    }

    #[test]
    fn a_percent_escape_is_no_part_of_an_account() {
        let starts = |text: &str| twelve_digits(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(starts("a%3A481516234207%3A"), [4]);
        assert_eq!(starts("%22481516234207%22"), [3]);
        assert_eq!(starts("%A1481516234207"), [3]);
        assert!(starts("%224815162342073").is_empty() && starts("-----------%2").is_empty() && starts("-----------%23").is_empty());
    }

    #[test]
    fn an_account_is_renamed_behind_what_hides_it() {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let (old, new) = ("arn:aws:iam::481516234207:role/x", "arn:aws:iam::000000000001:role/x");
        let renamed = |text: &str| {
            rename_accounts(text, &Budget::default(), &|id| {
                (id == "481516234207").then(|| "000000000001".to_owned())
            })
        };
        assert_eq!(
            renamed(&format!("a {}", STANDARD.encode(old))),
            Some(format!("a {}", STANDARD.encode(new)))
        );
        assert_eq!(
            renamed("r=arn%3Aaws%3Aiam%3A%3A481516234207%3Arole").as_deref(),
            Some("r=arn%3Aaws%3Aiam%3A%3A000000000001%3Arole")
        );
        assert_eq!(renamed("a 210987654321"), None);
        let mut found = AccountIds::default();
        accounts("", "r=arn%3Aaws%3Aiam%3A%3A481516234207%3Arole", &mut found);
        assert_eq!(found.into_vec(), ["481516234207"]);
    }

    #[test]
    fn whatever_stands_around_twelve_digits_they_may_be_an_account() {
        for text in ["481516234207", "l481516234207k", "--------------4815162342073"] {
            assert!(has_twelve_digits(text.as_bytes()), "{text}");
        }
        for text in ["", "12345678901", "12345678901x12345678901", "--------------12345678901"] {
            assert!(!has_twelve_digits(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_account_is_known_by_its_place() {
        let found = |name: &str, text: &str| {
            let mut found = AccountIds::default();
            accounts(name, text, &mut found);
            found.into_vec()
        };
        for (name, text) in [
            ("", "arn:aws:iam::481516234207:role/x"),
            ("", "https://sqs.us-east-1.amazonaws.com/481516234207/queue"),
            ("", "http://127.0.0.1:5000/481516234207/queue"),
            ("", "https://481516234207.cloudfront-kvs.global.api.aws/"),
            ("ownerId", "481516234207"),
            ("Policy", r#"{"Principal":{"AWS":"481516234207"}}"#),
            ("Policy", r#"{"Principal": "481516234207"}"#),
            ("Policy", r#"{"StringEquals":{"aws:SourceAccount": "481516234207"}}"#),
            ("message", "Stream s under account 481516234207 not found."),
            ("message", "Account ID (481516234207) is not in the organization"),
            ("message", "no repository 'r' in the registry with id '481516234207'"),
        ] {
            assert_eq!(found(name, text), ["481516234207"], "{text}");
        }
        assert_eq!(
            found(
                "",
                r#"{"Principal":{"AWS": ["481516234207", "arn:aws:iam::210987654321:root", "222222222222"]}}"#
            ),
            ["481516234207", "210987654321", "222222222222"]
        );
        assert!(found("OrderNumber", "481516234207").is_empty());
        assert!(found("message", "the accounting number 481516234207").is_empty());
        assert_eq!(
            found("", "arn:aws:iam::481516234207:role/x arn:aws:iam::210987654321:role/x"),
            ["481516234207", "210987654321"]
        );
    }
}
