//! Changing texts in whole messages, whatever their format, so that they stay what they are:
//! escapes, lengths inside of them and checksums follow.

use crate::codec::event_stream::{self, MEDIA_TYPE};
use crate::codec::spot::{self, Part, Splice, frames};
use crate::redaction::digests;
use crate::redaction::headers::{decode_content, encode_content, refresh_checksums};
use crate::value::Value;
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use std::ops::Range;

/// What stands in the place of a text at a place on the wire (`/body/QueueUrl`,
/// `/headers/location`, `/uri`); nothing where it stays.
pub type Change<'c> = &'c dyn Fn(&str, &str) -> Option<String>;

/// Of so many changed texts digests in the message are made true (`MD5OfBody`).
const MOST_DIGESTED: usize = 16;

/// Headers that are no part of what is said, or name the place rightly.
const LEFT_ALONE: [HeaderName; 2] = [HOST, AUTHORIZATION];

/// A response with its texts changed, and the places of those; nothing where none is. `body` is false
/// where the body is a program's own and not the service's.
pub fn response(response: &Response, with_body: bool, change: Change<'_>) -> Option<(Response, Vec<String>)> {
    let mut places = Vec::new();
    let mut changed = response.clone();
    headers(changed.headers_mut(), change, &mut places);
    if with_body && let Some(body) = body(response.headers(), response.body(), change, &mut places) {
        *changed.body_mut() = body;
        let body = changed.body().clone();
        follow(changed.headers_mut(), &body);
    }
    (!places.is_empty()).then_some((changed, places))
}

/// A request with its texts changed; nothing where none is.
pub fn request(request: &Request, change: Change<'_>) -> Option<Request> {
    let mut places = Vec::new();
    let mut changed = request.clone();
    let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Some(target) = change("/uri", target) {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(target.parse().ok()?);
        *changed.uri_mut() = http::Uri::from_parts(parts).ok()?;
        places.push("/uri".to_owned());
    }
    headers(changed.headers_mut(), change, &mut places);
    if let Some(body) = body(request.headers(), request.body(), change, &mut places) {
        *changed.body_mut() = body;
        let body = changed.body().clone();
        follow(changed.headers_mut(), &body);
    }
    (!places.is_empty()).then_some(changed)
}

fn headers(headers: &mut HeaderMap, change: Change<'_>, places: &mut Vec<String>) {
    for (name, value) in headers.iter_mut().filter(|(name, _)| !LEFT_ALONE.contains(name)) {
        let wire = format!("/headers/{name}");
        let Some(text) = value.to_str().ok().and_then(|text| change(&wire, text)) else {
            continue;
        };
        if let Ok(changed) = HeaderValue::from_str(&text) {
            *value = changed;
            places.push(wire);
        }
    }
}

fn body(headers: &HeaderMap, body: &Bytes, change: Change<'_>, places: &mut Vec<String>) -> Option<Bytes> {
    let plain = decode_content(headers, body).ok()?;
    let mut splices = Vec::new();
    let mut changes = Vec::new();
    let mut digests = Vec::new();
    let content_type = wire::text(headers, "content-type");
    spot::anywhere(content_type, &plain, &mut |spot| {
        let changed = spot.form.is_text().then(|| change(spot.wire, &spot.text)).flatten();
        let Some(text) = changed else {
            if digests::has_form(&spot.text) {
                digests.push((spot.text.into_owned(), spot.form, spot.range));
            }
            return;
        };
        let Some(bytes) = spot.form.write(&Value::Text(text.clone()), "") else {
            return;
        };
        splices.push(splice(spot.range, bytes));
        changes.push((spot.text.into_owned(), text));
        places.push(spot.wire.to_owned());
    });
    if splices.is_empty() {
        return None;
    }
    changes.truncate(MOST_DIGESTED);
    for (text, form, range) in digests {
        let of = |(old, new): &(String, String)| {
            Some(digests::with_digest(
                &text,
                digests::kind_of(&text, old.as_bytes())?,
                new.as_bytes(),
            ))
        };
        let bytes = changes.iter().find_map(of).and_then(|text| form.write(&Value::Text(text), ""));
        splices.extend(bytes.map(|bytes| splice(range, bytes)));
    }
    splices.sort_by_key(|splice| splice.range.start);
    let is_stream = wire::media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(MEDIA_TYPE));
    let written = match is_stream && event_stream::frames(&plain).is_ok() {
        true => frames::spliced(&plain, &splices),
        false => Splice::apply(Part::Body, &plain, &splices),
    };
    let written = Bytes::from(written?);
    // Whoever encoded the body can read that encoding.
    let mut asked = HeaderMap::new();
    asked.insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    Some(encode_content(&mut headers.clone(), written, &asked))
}

fn splice(range: Range<usize>, bytes: Vec<u8>) -> Splice {
    Splice {
        part: Part::Body,
        range,
        bytes,
    }
}

/// What headers say of a body is made true.
fn follow(headers: &mut HeaderMap, body: &Bytes) {
    refresh_checksums(headers, body);
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(_: &str, text: &str) -> Option<String> {
        text.contains("OLD").then(|| text.replace("OLD", "a \"new & longer\" one"))
    }

    fn answered(content_type: &str, body: &[u8]) -> (Response, Vec<String>) {
        let given = http::Response::builder()
            .header("content-type", content_type)
            .header("location", "to OLD")
            .header("content-length", body.len())
            .header("x-amz-crc32", "1");
        response(&given.body(Bytes::copy_from_slice(body)).unwrap(), true, &change).unwrap()
    }

    #[test]
    fn a_text_is_changed_in_every_format_and_what_is_said_of_the_body_follows() {
        for (content_type, body, wanted) in [
            (
                "application/json",
                r#"{"a":{"b":"x OLD"},"c":1}"#,
                r#"{"a":{"b":"x a \"new & longer\" one"},"c":1}"#,
            ),
            ("text/xml", "<a><b>x OLD</b></a>", "<a><b>x a \"new &amp; longer\" one</b></a>"),
            (
                "application/x-www-form-urlencoded",
                "A=x%20OLD&B=1",
                "A=x%20a%20%22new%20%26%20longer%22%20one&B=1",
            ),
            ("text/plain", "x OLD", "x a \"new & longer\" one"),
        ] {
            let (changed, places) = answered(content_type, body.as_bytes());
            assert_eq!(changed.body(), wanted, "{content_type}");
            assert_eq!(changed.headers()["location"], "to a \"new & longer\" one");
            assert_eq!(changed.headers()["content-length"], wanted.len().to_string().as_str());
            assert_eq!(
                changed.headers()["x-amz-crc32"],
                crc32fast::hash(wanted.as_bytes()).to_string().as_str()
            );
            assert_eq!(places.len(), 2, "{places:?}");
        }
    }

    #[test]
    fn the_digest_of_a_text_that_is_changed_follows() {
        let digest = |text: &str| crate::codec::digest::Digest::Md5Hex.of(text.as_bytes());
        let body = |text: &str| {
            format!(
                r#"{{"MD5OfBody":"{}","Body":"{text}","MD5OfOther":"{}"}}"#,
                digest(text),
                digest("x")
            )
        };
        let plainly = |_: &str, text: &str| text.contains("OLD").then(|| text.replace("OLD", "new"));
        let given = http::Response::builder().header("content-type", "application/x-amz-json-1.0");
        let given = given.body(Bytes::from(body("an OLD one"))).unwrap();
        let (changed, places) = response(&given, true, &plainly).unwrap();
        assert_eq!(changed.body(), &body("an new one"));
        assert_eq!(places, ["/body/Body"]);
    }

    #[test]
    fn lengths_inside_of_cbor_and_of_events_follow() {
        let cbor = crate::codec::cbor::encode_texts(&[("a", "x OLD")]);
        let (changed, places) = answered("application/cbor", &cbor);
        let wanted = crate::codec::cbor::encode_texts(&[("a", "x a \"new & longer\" one")]);
        assert_eq!(changed.body(), &wanted);
        assert_eq!(places, ["/headers/location", "/body/a"]);
        let mut stream = Vec::new();
        event_stream::write_parts(&[], br#"{"a":"OLD"}"#, &mut stream);
        let (changed, _) = answered(MEDIA_TYPE, &stream);
        let frames = event_stream::frames(changed.body()).unwrap();
        assert_eq!(frames[0].payload, br#"{"a":"a \"new & longer\" one"}"#);
    }

    #[test]
    fn a_message_that_says_nothing_of_it_is_not_made_anew() {
        let given = Response::new(Bytes::from_static(b"{\"a\":\"b\"}"));
        assert!(response(&given, true, &change).is_none());
        let given = http::Request::post("http://h/a?b=c").body(Bytes::from_static(b"a=b")).unwrap();
        assert!(request(&given, &change).is_none());
        let given = http::Request::post("http://h/a?b=OLD").body(Bytes::new()).unwrap();
        let plainly = |_: &str, text: &str| text.contains("OLD").then(|| text.replace("OLD", "new"));
        assert_eq!(request(&given, &plainly).unwrap().uri(), "http://h/a?b=new");
    }
}
