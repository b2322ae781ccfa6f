use super::*;
use crate::cassette::{Cassette, Interaction, ModelStamp, Origin, Redacted, Redaction, TimeMark, Unknown};
use crate::json::rewrite;
use crate::settings::{Bind, CallRules, Matching, Order};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;
use std::io;

const FILE: &str = "cassettes/checkout.json";

fn no_blobs(name: &str) -> io::Result<Vec<u8>> {
    panic!("no body file is named here, and yet `{name}` was looked up")
}

fn parse(text: &str) -> Result<Cassette, FormatError> {
    Cassette::parse(text.as_bytes(), Path::new(FILE), &no_blobs)
}

fn refusal(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("{text} was taken for a cassette"),
        Err(error) => error.to_string(),
    }
}

fn rendered(cassette: &Cassette) -> String {
    String::from_utf8(cassette.render().json).unwrap()
}

fn interaction(request: impl Into<Bytes>, response: impl Into<Bytes>) -> Interaction {
    Interaction {
        service: Some("Proton".to_owned()),
        operation: Some("CreateServiceInstance".to_owned()),
        region: Some("us-east-1".to_owned()),
        request: http::Request::builder()
            .method("POST")
            .uri("https://proton.us-east-1.amazonaws.com/")
            .header("Content-Type", "application/x-amz-json-1.0")
            .body(request.into())
            .unwrap(),
        response: http::Response::builder().status(200).body(response.into()).unwrap(),
        attempt: 1,
        redacted: Vec::new(),
        now: Vec::new(),
        unknown: Unknown::default(),
    }
}

fn cassette(interactions: Vec<Interaction>) -> Cassette {
    Cassette {
        interactions,
        ..Cassette::default()
    }
}

/// A cassette with one interaction whose members are replaced by `edit`.
fn edited(from: &str, to: &str) -> String {
    let text = rendered(&full());
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

fn full() -> Cassette {
    let mut first = interaction(r#"{"name":"a","spec":"REDACTED"}"#, r#"{"n":1e2,"n":-0,"s":"\u00e9\/"}"#);
    first.attempt = 2;
    first.redacted = vec![Redacted {
        path: "/request/body/spec".to_owned(),
        member: Some("/Spec".to_owned()),
        rule: "sensitive-members".to_owned(),
        breaks: vec!["length".to_owned()],
    }];
    let mut second = interaction("", "");
    (second.service, second.operation, second.region) = (None, None, None);
    Cassette {
        origin: Origin::Synthesised,
        models: vec![(
            "Proton".to_owned(),
            ModelStamp {
                version: "2020-07-20".to_owned(),
                sha256: "ab".repeat(32),
            },
        )],
        redaction: Redaction {
            salt: "5a".repeat(32),
            rules: vec!["aws-signature".to_owned(), "account-id".to_owned()],
            keep: vec!["CreateServiceInstance:/spec".to_owned()],
            ..Redaction::default()
        },
        rules: CallRules::default(),
        interactions: vec![first, second],
        unknown: Unknown::default(),
    }
}

const FULL: &str = r#"{
  "ferrotape": 1,
  "origin": "synthesised",
  "models": {
    "Proton": {
      "version": "2020-07-20",
      "sha256": "abababababababababababababababababababababababababababababababab"
    }
  },
  "redaction": {
    "salt": "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
    "rules": ["aws-signature", "account-id"],
    "keep": ["CreateServiceInstance:/spec"]
  },
  "interactions": [
    {
      "service": "Proton",
      "operation": "CreateServiceInstance",
      "region": "us-east-1",
      "request": {
        "method": "POST",
        "uri": "https://proton.us-east-1.amazonaws.com/",
        "headers": [
          ["content-type", "application/x-amz-json-1.0"]
        ],
        "body": {
          "json": {
            "name": "a",
            "spec": "REDACTED"
          }
        }
      },
      "response": {
        "status": 200,
        "headers": [],
        "body": {
          "json": {
            "n": 1e2,
            "n": -0,
            "s": "\u00e9\/"
          }
        }
      },
      "attempt": 2,
      "redacted": [
        {
          "path": "/request/body/spec",
          "member": "/Spec",
          "rule": "sensitive-members",
          "breaks": ["length"]
        }
      ]
    },
    {
      "request": {
        "method": "POST",
        "uri": "https://proton.us-east-1.amazonaws.com/",
        "headers": [
          ["content-type", "application/x-amz-json-1.0"]
        ]
      },
      "response": {
        "status": 200,
        "headers": []
      }
    }
  ]
}
"#;

#[test]
fn a_cassette_is_written_as_the_design_shows_it() {
    assert_eq!(rendered(&full()), FULL);
    assert_eq!(
        rendered(&cassette(Vec::new())),
        "{\n  \"ferrotape\": 1,\n  \"origin\": \"recorded\",\n  \"interactions\": []\n}\n"
    );
}

#[test]
fn what_was_written_is_read_back_whole() {
    let read = parse(FULL).unwrap();
    assert_eq!(rendered(&read), FULL);
    let (wanted, found) = (&full().interactions[0], &read.interactions[0]);
    assert_eq!(found.request.uri(), wanted.request.uri());
    assert_eq!(found.request.headers(), wanted.request.headers());
    assert_eq!(found.request.body(), r#"{"name":"a","spec":"REDACTED"}"#);
    assert_eq!(found.response.body(), wanted.response.body());
    assert_eq!((found.attempt, &found.redacted), (2, &wanted.redacted));
    assert_eq!(
        (read.origin, read.models, read.redaction),
        (Origin::Synthesised, full().models, full().redaction)
    );
    assert_eq!(read.interactions[1].attempt, 1);
}

#[test]
fn a_response_body_is_json_only_where_its_bytes_come_back() {
    for (body, form) in [
        (r#"{"a":1}"#, r#""json""#),
        (r#"{"a": 1}"#, r#""text": "{\"a\": 1}""#),
        ("7", r#""json": 7"#),
        ("{\"a\":1}\n", r#""text""#),
        ("<a/>", r#""text""#),
    ] {
        let text = rendered(&cassette(vec![interaction("", body)]));
        assert!(text.contains(form), "{text}");
        assert_eq!(parse(&text).unwrap().interactions[0].response.body(), body);
    }
}

#[test]
fn a_request_body_whose_white_space_was_kept_is_data_and_comes_back() {
    let text = rendered(&cassette(vec![interaction("{ \"a\" : 1 }\n", "")]));
    assert_eq!(parse(&text).unwrap().interactions[0].request.body(), "{ \"a\" : 1 }\n");
    assert_eq!(text, rendered(&parse(&text).unwrap()));
}

#[test]
fn bytes_that_are_no_text_become_base64() {
    let bytes = Bytes::from_static(b"\xff\x00\x01");
    let text = rendered(&cassette(vec![interaction(bytes.clone(), bytes.clone())]));
    assert!(text.contains(r#""base64": "/wAB""#), "{text}");
    assert_eq!(parse(&text).unwrap().interactions[0].response.body(), &bytes);
}

#[test]
fn a_body_too_deep_to_lie_inside_a_cassette_is_text() {
    let deep = "[".repeat(512) + &"]".repeat(512);
    let text = rendered(&cassette(vec![interaction(deep.clone(), deep.clone())]));
    let read = parse(&text).unwrap();
    assert_eq!(read.interactions[0].request.body(), &deep);
    assert_eq!(read.interactions[0].response.body(), &deep);
}

#[test]
fn a_large_body_lies_in_a_file_named_by_its_hash() {
    let at_limit = "x".repeat(BLOB_ABOVE);
    let large = format!("{{ \"a\":\"{at_limit}\"}}");
    let compact = rewrite::compact(&large).unwrap();
    let files = cassette(vec![
        interaction(compact.clone(), large.clone()),
        interaction(at_limit, large.clone()),
    ])
    .render();
    let names: Vec<&str> = files.blobs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [blob_name(compact.as_bytes()), blob_name(large.as_bytes())]);
    assert!(names.iter().all(|name| is_blob_name(name)));

    let lookup = |name: &str| {
        let found = files.blobs.iter().find(|(known, _)| known == name);
        found
            .map(|(_, content)| content.to_vec())
            .ok_or(io::Error::from(io::ErrorKind::NotFound))
    };
    let read = Cassette::parse(&files.json, Path::new(FILE), &lookup).unwrap();
    assert_eq!(read.interactions[0].request.body(), &compact);
    assert_eq!(read.interactions[1].response.body(), &large);
    assert_eq!(read.render(), files);
}

#[test]
fn a_body_file_that_is_missing_changed_or_elsewhere_is_named() {
    let name = blob_name(b"content");
    let text = edited(
        r#""json": {
            "name": "a",
            "spec": "REDACTED"
          }"#,
        &format!(r#""blob": "{name}""#),
    );
    let with = |content: io::Result<Vec<u8>>| {
        let content = std::cell::RefCell::new(Some(content));
        Cassette::parse(text.as_bytes(), Path::new(FILE), &|_| content.take().unwrap())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let missing = with(Err(io::Error::from(io::ErrorKind::NotFound))).unwrap_err();
    assert_eq!(
        missing,
        format!("`{FILE}:27:19`: cannot read the body file `cassettes/checkout.blobs/{name}`: entity not found")
    );
    assert!(with(Ok(b"other".to_vec())).unwrap_err().contains(&blob_name(b"other")));
    assert_eq!(with(Ok(b"content".to_vec())), Ok(()));
    let outside = refusal(&text.replace(&name, "../../etc/passwd"));
    assert!(outside.contains("expected the name of a body file"), "{outside}");
}

#[test]
fn a_cassette_says_that_the_ids_of_accounts_stay() {
    let keep = "\"keep\": [\"CreateServiceInstance:/spec\"]";
    let text = edited(keep, &format!("{keep},\n    \"accounts\": \"keep\""));
    let cassette = parse(&text).unwrap();
    assert!(cassette.redaction.keeps_accounts);
    assert_eq!(rendered(&cassette), text);
    assert!(refusal(&text.replace("\"accounts\": \"keep\"", "\"accounts\": \"hide\"")).contains("expected `number` or `keep`"));
}

#[test]
fn members_that_name_the_time_are_marked() {
    let marks = "\"now\": [\n        {\n          \"member\": \"/at\"\n        },\n        {\n          \"member\": \"/until\",\n          \"offset\": -3600\n        }\n      ]";
    let breaks = "\"breaks\": [\"length\"]\n        }\n      ]";
    let text = edited(breaks, &format!("{breaks},\n      {marks}"));
    let cassette = parse(&text).unwrap();
    let mark = |member: &str, offset| TimeMark {
        member: member.to_owned(),
        offset,
    };
    assert_eq!(cassette.interactions[0].now, [mark("/at", 0), mark("/until", -3600)]);
    assert_eq!(rendered(&cassette), text);
    let wrong = text.replace("\"offset\": -3600", "\"offset\": \"an hour\"");
    assert!(refusal(&wrong).contains("members that name the time"));
}

#[test]
fn headers_keep_order_repeats_and_bytes() {
    let mut tape = cassette(vec![interaction("", "")]);
    let headers = tape.interactions[0].response.headers_mut();
    for value in [&b"b"[..], b"a", b"caf\xc3\xa9", b"\xff"] {
        headers.append(HeaderName::from_static("x-b"), HeaderValue::from_bytes(value).unwrap());
    }
    headers.append(HeaderName::from_static("a"), HeaderValue::from_static("1"));
    let text = rendered(&tape);
    let wanted = r#"
          ["x-b", "b"],
          ["x-b", "a"],
          ["x-b", "café"],
          [
            "x-b",
            {
              "base64": "/w=="
            }
          ],
          ["a", "1"]
"#;
    assert!(text.contains(wanted), "{text}");
    assert_eq!(
        parse(&text).unwrap().interactions[0].response.headers(),
        tape.interactions[0].response.headers()
    );
}

#[test]
fn header_names_are_written_in_lower_case() {
    let text = edited(r#"["content-type","#, r#"["Content-TYPE","#);
    assert_eq!(rendered(&parse(&text).unwrap()), FULL);
}

#[test]
fn a_cassette_made_by_hand_needs_no_redaction_models_or_operation() {
    let read = parse(
        r#"{"origin": "synthesised", "ferrotape": 1.3, "interactions": [
            {"response": {"status": 400}, "request": {"uri": "/", "method": "GET", "body": {"text": "caf\u00e9"}}}]}"#,
    )
    .unwrap();
    assert_eq!(read.redaction, Redaction::default());
    let only = &read.interactions[0];
    assert_eq!((only.request.uri().path(), only.response.status().as_u16()), ("/", 400));
    assert_eq!(only.request.body(), "café");
    assert!(only.operation.is_none() && only.response.body().is_empty());
}

#[test]
fn unknown_members_stay_where_they_were_and_as_they_were() {
    let mut text = FULL.to_owned();
    for (before, member) in [
        ("\n  ]\n}\n", ",\n  \"x-top\": [1e2, \"\\ud800\"]"),
        ("\n    }\n  },\n  \"redaction\"", ",\n      \"x-model\": null"),
        ("\n  },\n  \"interactions\"", ",\n    \"x-redaction\": {}"),
        ("\n        }\n      ]\n    },", ",\n          \"x-place\": 1"),
        ("\n        }\n      },\n      \"response\"", ",\n          \"x-body\": 1.0"),
        (
            "\n      },\n      \"response\"",
            ",\n        \"x-request\": {\n          \"a\": 1,\n          \"a\": 2\n        }",
        ),
        ("\n      },\n      \"attempt\"", ",\n        \"x-response\": true"),
        ("\n    },\n    {\n      \"request\"", ",\n      \"x-interaction\": \"y\""),
    ] {
        let at = text.find(before).unwrap() + if before.ends_with("}\n") { "\n  ]".len() } else { 0 };
        text.insert_str(at, member);
    }
    assert_eq!(rendered(&parse(&text).unwrap()), text);
}

#[test]
fn a_key_twice_in_the_structure_is_refused_at_every_level() {
    for (member, name) in [
        ("\"origin\": \"synthesised\",", "origin"),
        ("\"version\": \"2020-07-20\",", "version"),
        ("\"rules\": [\"aws-signature\", \"account-id\"],", "rules"),
        ("\"region\": \"us-east-1\",", "region"),
        ("\"method\": \"POST\",", "method"),
        ("\"status\": 200,", "status"),
        ("\"rule\": \"sensitive-members\",", "rule"),
    ] {
        let line = FULL.lines().position(|line| line.trim() == member).unwrap() + 1;
        let error = refusal(&edited(member, &format!("{member}\n{member}")));
        assert!(error.starts_with(&format!("`{FILE}:{}:1`: ", line + 1)), "{error}");
        assert!(error.contains(&format!("has the key `{name}` twice")), "{error}");
    }
    assert!(refusal(r#"{"ferrotape": 1, "x": 1, "\u0078": 1}"#).contains("has the key `x` twice"));
    assert!(refusal(&edited(r#""json": {"#, r#""text": "", "json": {"#)).contains("expected one form of the body"));
    let twin = edited("\"Proton\": {", "\"Proton\": {\"version\": \"\", \"sha256\": \"\"}, \"Proton\": {");
    assert!(refusal(&twin).contains("`models` has the key `Proton` twice"));
}

#[test]
fn duplicate_keys_inside_bodies_stay() {
    let read = parse(FULL).unwrap();
    assert_eq!(read.interactions[0].response.body(), r#"{"n":1e2,"n":-0,"s":"\u00e9\/"}"#);
}

#[test]
fn another_version_is_named_wherever_it_stands() {
    let wanted = |found: &str| format!("the cassette has format version {found}, and this ferrotape reads version 1");
    assert!(refusal(r#"{"ferrotape": 2, "tapes": []}"#).contains(&wanted("`2`")));
    assert!(refusal(r#"{"origin": 7, "ferrotape": 10}"#).contains(&wanted("`10`")));
    assert!(refusal(r#"{"ferrotape": "1"}"#).contains(&wanted("`\"1\"`")));
    assert!(refusal(r#"{"origin": 7, "ferrotape": 1}"#).contains("expected `recorded`, `synthesised` or `imported`"));
}

#[test]
fn a_cut_anywhere_is_told_as_a_cut() {
    let text = FULL.replace("REDACTED", "caf\u{e9} \\\"x\\\" \\u00e9");
    let whole = text.trim_end().len();
    for end in 0..whole {
        let error = Cassette::parse(&text.as_bytes()[..end], Path::new(FILE), &no_blobs).unwrap_err();
        assert!(matches!(error, FormatError::CutShort { .. }), "{end}: {error}");
    }
    assert!(parse(&text[..whole]).is_ok());
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_expected() {
    for (from, to, error) in [
        (
            "\"origin\": \"synthesised\"",
            "\"origin\": \"made up\"",
            "3:13`: expected `recorded`, `synthesised` or `imported`, found `made up`",
        ),
        (
            "\"interactions\": [",
            "\"interactions\": {}, \"x\": [",
            "15:19`: expected an array of interactions, found an object",
        ),
        (
            "\"status\": 200",
            "\"status\": \"200\"",
            "34:19`: expected an HTTP status (a number from 100 to 999), found a string",
        ),
        (
            "\"status\": 200",
            "\"status\": 20",
            "34:19`: expected an HTTP status (a number from 100 to 999), found `20`",
        ),
        (
            "\"status\": 200,",
            "",
            "33:19`: the response has no `status`; expected an HTTP status",
        ),
        (
            "\"uri\": \"https://proton.us-east-1.amazonaws.com/\"",
            "\"uri\": \"not a uri\"",
            "22:16`: expected a URI, found `not a uri`",
        ),
        ("\"POST\"", "null", "21:19`: expected an HTTP method, found `null`"),
        (
            "\"application/x-amz-json-1.0\"",
            "\"a\\nb\"",
            "24:28`: expected a header's value, found characters that no header can carry",
        ),
        (
            "\"application/x-amz-json-1.0\"",
            "\"a\", \"b\"",
            "24:33`: expected a header (`[\"name\", \"value\"]`), found a string",
        ),
        (
            "\"json\": {",
            "\"jsn\": {",
            "26:17`: the body has no `json`; expected one of `json`, `text`, `base64` and `blob`",
        ),
        (
            "\"attempt\": 2",
            "\"attempt\": 0",
            "44:18`: expected an attempt (a number from 1), found `0`",
        ),
        (
            "\"region\": \"us-east-1\"",
            "\"region\": true",
            "19:17`: expected a region (a string), found `true`",
        ),
        (
            "\"attempt\": 2,",
            "\"attempt\": 2",
            "45:7`: the cassette is not valid JSON: expected `,` or `}`, found `\\\"`",
        ),
        (
            "\"salt\": \"5a",
            "\"salt\": \"\\x5a",
            "11:14`: the cassette is not valid JSON: an escape that JSON does not have",
        ),
    ] {
        assert_eq!(refusal(&edited(from, to)), format!("`{FILE}:{error}"));
    }
    assert!(refusal("[]").contains("1:1`: expected a cassette (a JSON object), found an array"));
    assert!(refusal("{}").contains("the cassette has no `ferrotape`"));
    assert!(refusal(r#"{"ferrotape":1}"#).contains("the cassette has no `origin`"));
    assert!(refusal(&format!("{FULL}x")).contains("expected the end of the document"));
    let not_utf8 = Cassette::parse(b"{\n\"\xff\": 1}", Path::new(FILE), &no_blobs).unwrap_err();
    assert_eq!(
        not_utf8.to_string(),
        format!("`{FILE}:2:2`: the cassette is not valid JSON: a byte that is not UTF-8")
    );
}

#[test]
fn a_record_is_one_line_with_its_bodies_inside() {
    let mut wanted = interaction(vec![0xff; BLOB_ABOVE + 1], "y".repeat(BLOB_ABOVE + 1));
    wanted.attempt = 3;
    let record = wanted.to_record();
    assert!(!record.contains(&b'\n'));
    let read = Interaction::from_record(&record).unwrap();
    assert_eq!(read.request.body(), wanted.request.body());
    assert_eq!(read.response.body(), wanted.response.body());
    assert_eq!(read.to_record(), record);
    assert!(
        Interaction::from_record(&record[..record.len() - 1])
            .unwrap_err()
            .to_string()
            .contains("journal record")
    );
}

#[test]
fn the_schema_knows_every_member_that_is_written() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let members = |pointer: &str| -> Vec<&str> {
        let properties = schema.pointer(pointer).and_then(|found| found["properties"].as_object());
        properties
            .unwrap_or_else(|| panic!("no properties at {pointer}"))
            .keys()
            .map(String::as_str)
            .collect()
    };
    assert_eq!(
        members(""),
        [
            "$schema",
            "ferrotape",
            "origin",
            "models",
            "redaction",
            "match",
            "bind",
            "interactions"
        ]
    );
    assert_eq!(members("/$defs/match"), ["ignore", "compare", "now", "order", "fold", "polls"]);
    assert_eq!(members("/$defs/redaction"), ["salt", "rules", "keep", "accounts", "plain", "user"]);
    assert_eq!(members("/$defs/model"), ["version", "sha256"]);
    assert_eq!(
        members("/$defs/interaction"),
        [
            "service",
            "operation",
            "region",
            "request",
            "response",
            "attempt",
            "now",
            "redacted"
        ]
    );
    assert_eq!(members("/$defs/request"), ["method", "uri", "headers", "body"]);
    assert_eq!(members("/$defs/response"), ["status", "headers", "body"]);
    assert_eq!(members("/$defs/redacted"), ["path", "member", "rule", "breaks"]);
}

#[test]
fn rules_on_calls_travel_with_a_cassette() {
    let told = Cassette {
        rules: CallRules {
            matching: Matching {
                ignore: vec!["Put:/a~1b".parse().unwrap()],
                order: Some(Order::Strict),
                ..Matching::default()
            },
            bind: vec![Bind {
                from: "Put:/name".parse().unwrap(),
            }],
        },
        ..full()
    };
    let text = rendered(&told);
    let rules = "  \"match\": {\n    \"ignore\": [\"Put:/a~1b\"],\n    \"order\": \"strict\"\n  },\n  \
                 \"bind\": [\n    {\n      \"from\": \"Put:/name\"\n    }\n  ],\n  \"interactions\"";
    assert!(text.contains(rules), "{text}");
    assert_eq!(parse(&text).unwrap().rules, told.rules);
    assert_eq!(
        refusal(&text.replace("\"order\"", "\"odour\"")),
        "`cassettes/checkout.json:15:3`: expected the table `[match]` of `ferrotape.toml`, found something else: unknown key `odour`, \
         expected one of `ignore`, `compare`, `now`, `order`, `fold`, `polls`"
    );
}

fn body() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        any::<Vec<u8>>().prop_map(Bytes::from),
        any::<String>().prop_map(Bytes::from),
        any::<String>().prop_map(|text| Bytes::from(rewrite::string(&text))),
        prop::collection::vec(any::<i64>(), 0..40).prop_map(|numbers| Bytes::from(serde_json::to_string(&numbers).unwrap())),
        Just(Bytes::from_static(b"{\"a\" : 1}")),
    ]
}

proptest! {
    #![proptest_config(crate::trials::cases(256))]

    #[test]
    fn any_body_comes_back_byte_for_byte(request in body(), response in body()) {
        let text = rendered(&cassette(vec![interaction(request.clone(), response.clone())]));
        let read = parse(&text).unwrap();
        prop_assert_eq!(read.interactions[0].response.body(), &response);
        prop_assert_eq!(read.interactions[0].request.body(), &request);
        prop_assert_eq!(rendered(&read), text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in "[\\[\\]{}:,\" a-z0-9]{0,60}", at in 0usize..1000) {
        let mut bytes = FULL.as_bytes().to_vec();
        bytes.splice(at..at, text.into_bytes());
        let _ = Cassette::parse(&bytes, Path::new(FILE), &|_| Ok(Vec::new()));
    }
}
