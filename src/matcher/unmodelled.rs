//! What makes two calls the same that no model describes: method, path, query in sorted order, and
//! the bytes of the body.
//!
//! A recording holds stand-ins where secrets had the form of one, account ids of its own, and JSON
//! without white space; so a live request is read in the same way before it is compared.

use super::key::{Key, hashed, text};
use crate::json::rewrite;
use crate::redaction::Redactor;
use crate::redaction::scan::{self, Budget, layers};
use crate::wire::Request;
use std::borrow::Cow;
use std::collections::HashMap;

/// The first byte of the form; no modelled call's begins with it.
const UNMODELLED: u8 = 0x8c;
const END: u8 = 0x8a;

/// Query members that say who asks and when, and the one by which newer SDKs tell S3's log which
/// operation they mean.
const MEANINGLESS: [&str; 8] = [
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signedheaders",
    "awsaccesskeyid",
    "signature",
    "x-id",
];

/// The key of a request in its plain form, live or recorded.
pub(super) fn key(request: &Request, redactor: &Redactor) -> Key {
    let mut accounts = HashMap::new();
    let (uri, body) = redactor.scrubbed_request(request);
    let mut form = vec![UNMODELLED];
    text(&mut form, request.method().as_str());
    text(&mut form, &renamed(uri.path(), &mut accounts));
    for pair in pairs(uri.query().unwrap_or_default()) {
        text(&mut form, &renamed(pair, &mut accounts));
    }
    form.push(END);
    match std::str::from_utf8(&body) {
        Ok(body) => form.extend_from_slice(renamed(&meaning(body), &mut accounts).as_bytes()),
        Err(_) => form.extend_from_slice(&body),
    }
    hashed(&form)
}

fn pairs(query: &str) -> Vec<&str> {
    let is_meant = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !MEANINGLESS.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let mut pairs: Vec<&str> = query.split('&').filter(is_meant).collect();
    pairs.sort_unstable();
    pairs
}

/// A body, where it is JSON, without white space between its tokens.
fn meaning(body: &str) -> Cow<'_, str> {
    rewrite::compact(body).map_or(Cow::Borrowed(body), Cow::Owned)
}

/// Account ids by order of first appearance. Without a model any twelve digits may be one, so all
/// are; two calls that differ in nothing else are then told apart by their order.
fn renamed<'t>(text: &'t str, accounts: &mut HashMap<String, usize>) -> Cow<'t, str> {
    let has_digits = |inner: &str| scan::has_twelve_digits(inner.as_bytes());
    let budget = Budget::default();
    let text = layers::opened(text, &budget, &has_digits).map_or(Cow::Borrowed(text), Cow::Owned);
    let mut seen = std::mem::take(accounts);
    for start in scan::twelve_digits(text.as_bytes()) {
        let next = seen.len();
        if let Some(id) = text.get(start..start + 12)
            && !seen.contains_key(id)
        {
            seen.insert(id.to_owned(), next);
        }
    }
    let number = |id: &str| Some(format!("{:012}", seen.get(id)?));
    let renamed = scan::rename_accounts(&text, &budget, &number);
    *accounts = seen;
    renamed.map_or(text, Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::testing::redactor;
    use bytes::Bytes;

    fn of(uri: &str, body: &str) -> Key {
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.uri_mut() = uri.parse().unwrap();
        key(&request, &redactor())
    }

    #[test]
    fn an_unmodelled_request_is_known_by_its_bytes_without_authentication() {
        assert_eq!(
            of("https://a/x?b=1&a=2&X-Amz-Signature=1", "x"),
            of("https://a/x?a=2&X-Amz-Signature=2&b=1", "x")
        );
        assert_ne!(of("https://a/x", "x"), of("https://a/x", "y"));
        assert_ne!(of("https://a/x?a=1", ""), of("https://a/x", ""));
        assert_eq!(of("https://a/x", ""), of("http://127.0.0.1:9/x", ""), "the host is the door's");
    }

    #[test]
    fn a_redacted_body_has_the_key_of_the_live_one() {
        let live = r#"{ "password": "hunter2", "a": 1 }"#;
        let clean = redactor().scrubbed(live, &Budget::default()).into_owned();
        assert!(!clean.contains("hunter2"));
        assert_eq!(of("https://a/x", live), of("https://a/x", &rewrite::compact(&clean).unwrap()));
        assert_ne!(of("https://a/x", live), of("https://a/x", r#"{"password":"hunter3","a":1}"#));
    }

    #[test]
    fn any_account_has_the_key_of_the_recorded_one() {
        let call = |one: &str, other: &str| of(&format!("https://a/{one}/q"), &format!("arn:aws:sqs:us-east-1:{one}:q {other}"));
        assert_eq!(call("481516234207", "210987654321"), call("000000000001", "000000000002"));
        assert_ne!(call("481516234207", "481516234207"), call("000000000001", "000000000002"));
    }
}
