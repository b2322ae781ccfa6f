//! Nothing that comes from outside aborts a search, a redaction or a reader, however it is nested.

use super::scan::{Budget, Search, leaks};
use super::stand_in::{StandIns, is_marked_text};
use super::testing::{SALT, finding, redactor, request, response};
use super::user::UserRules;
use crate::cassette::{Cassette, Interaction};
use crate::codec::form::Dialect;
use crate::codec::spot::{self, Root};
use crate::codec::{aws_chunked, content, event_stream, xml};
use crate::json::rewrite;
use crate::model::pattern::Pattern;
use crate::settings::Settings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;
use std::path::Path;

/// Beginnings and ends of everything that is looked for.
const PIECES: &[&str] = &[
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJub25lIn0.",
    ".eyJzdWIiOiJhIn0.",
    "arn:aws:iam::123456789012:role/",
    "arn:",
    "2099-01-01",
    "ASIA",
    "AKIAIOSFODNN7SECRETS",
    "00000000-0000-4000-8000-",
    "123456789012",
    "{\"password\":\"",
    "{\"Key\":\"password\",\"Value\":\"",
    "\"}",
    "[",
    "]",
    "{",
    "}",
    "[\"",
    "\"]",
    "\\\"",
    "\\u0022",
    "\\",
    "<a><password>",
    "</password>",
    "<",
    "&password=",
    "a=b&",
    "%7B%22",
    "%25",
    "%",
    "password: ",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----END RSA PRIVATE KEY-----",
    "://user:",
    "@host",
    "X-Amz-Signature=",
    "curl -u a:b ",
    "\n",
    "\r\n",
    " ",
    "é",
    "\u{feff}",
    "\0",
];

const CONTENT_TYPES: [&str; 7] = [
    "application/json",
    "application/cbor",
    "application/xml",
    "application/x-www-form-urlencoded",
    "application/vnd.amazon.eventstream",
    "multipart/form-data; boundary=a",
    "text/plain",
];

fn fragments() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[A-Za-z0-9+/=_.-]{0,40}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A layer around a text.
fn wrapped(text: &str, layer: u8) -> String {
    match layer % 6 {
        0 => rewrite::string(text),
        1 => format!("{{\"a\":{}}}", rewrite::string(text)),
        2 => STANDARD.encode(text),
        3 => STANDARD.encode(content::gzip(text.as_bytes())),
        4 => percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string(),
        _ => StandIns::new(SALT).text(text),
    }
}

/// Texts in up to twelve layers, cut somewhere.
fn hostile() -> impl Strategy<Value = String> {
    let layers = prop::collection::vec(any::<u8>(), 0..12);
    (fragments(), layers, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(text, layers, at, is_cut)| {
        let mut whole = text;
        for layer in layers {
            // Layers that grow would hide the others.
            if whole.len() < 20_000 {
                whole = wrapped(&whole, layer);
            }
        }
        let at = at.index(whole.len() + 1);
        match whole.get(..at).filter(|_| is_cut) {
            Some(cut) => cut.to_owned(),
            None => whole,
        }
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (hostile(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len() + 1);
        bytes.insert(at, byte);
        bytes
    });
    let framed = bytes_of_frames();
    prop_oneof![
        any::<Vec<u8>>(),
        mutated,
        framed,
        hostile().prop_map(|text| content::gzip(text.as_bytes()).to_vec())
    ]
}

fn bytes_of_frames() -> impl Strategy<Value = Vec<u8>> {
    (hostile(), 0..12u8).prop_map(|(text, layers)| {
        let mut payload = text.into_bytes();
        for _ in 0..layers {
            payload = frame(&payload);
        }
        payload
    })
}

/// A frame that says to hold signed ones.
fn frame(payload: &[u8]) -> Vec<u8> {
    let frame = event_stream::Frame {
        headers: vec![(spot::frames::SIGNATURE, event_stream::Header::Bytes(b"0"))],
        payload,
    };
    let mut out = Vec::new();
    event_stream::write(&frame, &mut out);
    out
}

fn exchange(body: &[u8], content_type: &str) -> Interaction {
    let mut asked = crate::wire::Request::new(Bytes::copy_from_slice(body));
    asked.headers_mut().insert("content-type", content_type.parse().unwrap());
    let mut answered = crate::wire::Response::new(Bytes::copy_from_slice(body));
    answered.headers_mut().insert("content-type", content_type.parse().unwrap());
    Interaction::new(asked, answered)
}

/// Every reader of what others wrote.
fn read_everything(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = rewrite::compact(&text);
    let _ = rewrite::respace(&text, 0);
    let _ = rewrite::map_strings(&text, &mut |_, _| None);
    let _ = xml::parse(bytes).map(|element| xml::untyped(&element));
    let _ = event_stream::frames(bytes);
    let _ = aws_chunked::decode(bytes);
    let _ = spot::in_cbor(Root::UNKNOWN, bytes, &mut |_| {});
    let _ = spot::in_form(Root::UNKNOWN, Dialect::Ec2, bytes, &mut |_| {});
    for content_type in CONTENT_TYPES {
        let _ = spot::anywhere(Some(content_type), bytes, &mut |_| {});
    }
    let _ = Cassette::parse(bytes, Path::new("a.json"), &|_| Ok(Vec::new()));
    let _ = crate::model::load(bytes, "a.json");
    let _ = toml::from_str::<Settings>(&text);
    if text.len() < 200 {
        let _ = Pattern::smithy(text.clone()).matches("aaaa");
        let _ = UserRules::read(&[format!("a pattern {text}")]);
    }
}

fn search_everything(bytes: &[u8]) {
    let (stand_ins, budget) = (StandIns::new(SALT), Budget::default());
    let search = Search::new(&stand_ins, &budget);
    let text = String::from_utf8_lossy(bytes);
    let _ = search.scrub(&text);
    let _ = search.scrub_bytes(bytes);
    let _ = is_marked_text(&text);
    for content_type in CONTENT_TYPES {
        let _ = leaks(&exchange(bytes, content_type), &[]);
    }
}

proptest! {
    #![proptest_config(crate::trials::cases(96))]

    #[test]
    fn no_bytes_abort_a_search_or_a_reader(bytes in bytes()) {
        read_everything(&bytes);
        search_everything(&bytes);
    }

    #[test]
    fn what_was_searched_holds_nothing_more(text in hostile()) {
        let (stand_ins, budget, again) = (StandIns::new(SALT), Budget::default(), Budget::default());
        if let Some((clean, _)) = Search::new(&stand_ins, &budget).scrub(&text) {
            let found = Search::new(&stand_ins, &again).scrub(&clean).map(|(cleaner, _)| cleaner);
            prop_assert!(found.is_none() || budget.is_exceeded(), "{clean:?} became {found:?}");
        }
    }

    #[test]
    fn a_placeholder_of_any_text_is_known_as_one(text in hostile()) {
        let stand_in = StandIns::new(SALT).text(&text);
        let holds_number = stand_in.starts_with(['{', '[']);
        prop_assert!(is_marked_text(&stand_in) || holds_number, "{stand_in:?}");
        prop_assert_eq!(StandIns::new("other").text(&stand_in), stand_in.clone(), "of {:?}", text);
    }

    #[test]
    fn no_member_aborts_a_redaction(text in hostile(), other in hostile()) {
        let asked = serde_json::json!({"name": text, "spec": other, "plain": {text.clone(): other.clone()}}).to_string();
        let answered = serde_json::json!({"arn": text, "spec": other}).to_string();
        let (request, response) = (request(&asked), response(200, &answered));
        let _ = redactor().redact(&request, &response, &finding(&request, &response), 1);
    }
}

/// Deep nesting of every kind; a thread of a test has the stack that one of the proxy's has.
#[test]
fn nothing_is_nested_too_deeply_to_be_read() {
    const DEEP: usize = 20_000;
    let repeated = |open: &str, inner: &str, close: &str| [open.repeat(DEEP), inner.to_owned(), close.repeat(DEEP)].concat().into_bytes();
    let mut frames = b"{}".to_vec();
    let mut gzip = b"key".to_vec();
    for _ in 0..200 {
        frames = frame(&frames);
        gzip = content::gzip(&gzip).to_vec();
    }
    for bytes in [
        repeated("[", "1", "]"),
        repeated("{\"a\":", "1", "}"),
        repeated("<a>", "", "</a>"),
        repeated("a.", "=1", ""),
        repeated("a[", "", "]"),
        vec![0x81; DEEP],
        vec![0xc1; DEEP],
        vec![0xa1; DEEP],
        repeated("(", "a", ")"),
        repeated("--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n", "", "\r\n"),
        frames,
        gzip,
    ] {
        read_everything(&bytes);
        search_everything(&bytes);
    }
}

#[test]
fn what_is_nested_as_deeply_as_may_be_is_redacted() {
    for (member, open, inner, close, depth) in [
        ("name", "[", "\"password=hunter2\"", "]", 500),
        ("name", "{\"a\":", "\"password=hunter2\"", "}", 500),
        ("tree", "{\"next\":", "{\"leaf\":\"hunter2\"}", "}", 500),
        ("tree", "{\"parts\":[", "{\"leaf\":\"hunter2\"}", "]}", 250),
    ] {
        let deep = format!("{{\"{member}\":{}{inner}{}}}", open.repeat(depth), close.repeat(depth));
        let (request, response) = (request(&deep), response(200, &deep));
        let written = redactor().redact(&request, &response, &finding(&request, &response), 1).unwrap();
        assert!(!String::from_utf8_lossy(written.request.body()).contains("hunter2"));
    }
}

/// Each text inside is `depth` documents deep, and its quotes grow by five letters a level only.
#[test]
fn documents_in_documents_end_somewhere() {
    let mut text = "[\"hunter2\"]".to_owned();
    for _ in 0..200 {
        text = format!("[\"{}\"]", text.replace('\\', "\\u005c").replace('"', "\\u0022"));
    }
    let stand_in = StandIns::new(SALT).text(&text);
    assert!(is_marked_text(&stand_in) && !stand_in.contains("hunter2"));
    search_everything(text.as_bytes());
}

#[test]
fn a_text_that_begins_as_a_web_token_is_none() {
    for text in [
        "eyJhbGciOiJub25lIn0",
        "arn:",
        "eyJhbGciOiJub25lIn0.",
        "eyJhbGciOiJub25lIn0.a.eyJhbGciOiJub25lIn0",
    ] {
        assert!(!is_marked_text(text), "{text}");
        search_everything(format!("{{\"password\":\"{text}\"}}").as_bytes());
    }
}

/// Base64 of gzip of a list of as many of the same.
fn nested(levels: u32, width: usize) -> String {
    let mut text = "\"just some leaf text here\"".to_owned();
    for _ in 0..levels {
        let list = format!("[{}]", vec![text; width].join(","));
        text = format!("\"{}\"", STANDARD.encode(content::gzip(list.as_bytes())));
    }
    text
}

#[test]
fn a_message_that_hides_more_than_is_searched_is_not_written() {
    let answered = format!("{{\"arn\":{}}}", nested(5, 30));
    let (request, response) = (request(r#"{"name":"x"}"#), response(200, &answered));
    let leak = redactor()
        .redact(&request, &response, &finding(&request, &response), 1)
        .unwrap_err();
    assert_eq!(leak, super::Leak::Unsearched { side: "response" });
    let few = format!("{{\"arn\":{}}}", nested(3, 10));
    let response = self::response(200, &few);
    assert!(redactor().redact(&request, &response, &finding(&request, &response), 1).is_ok());
}

#[test]
fn what_is_hidden_too_deeply_is_told() {
    let is_searched = |levels: u32| {
        let (stand_ins, budget) = (StandIns::new(SALT), Budget::default());
        let mut text = "just some leaf text here".to_owned();
        (0..levels).for_each(|_| text = STANDARD.encode(&text));
        let _ = Search::new(&stand_ins, &budget).scrub(&text);
        !budget.is_exceeded()
    };
    assert!(is_searched(8) && !is_searched(9));
}
