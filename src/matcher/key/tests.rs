use super::*;
use crate::redaction::testing::{self, call, finding, input, redacted, redactor};
use proptest::prelude::*;

fn key_of(body: &str) -> Key {
    key(&call("Put"), &input(body), &redactor(), false)
}

fn same(one: &str, other: &str) -> bool {
    key_of(one) == key_of(other)
}

#[test]
fn what_is_nested_as_deeply_as_may_be_has_a_key() {
    for (member, open, inner, close, depth) in [
        ("name", "[", "\"a\"", "]", 500),
        ("tree", "{\"next\":", "{\"leaf\":\"a\"}", "}", 500),
        ("tree", "{\"parts\":[", "{\"leaf\":\"a\"}", "]}", 250),
    ] {
        let deep = |inner: &str| format!("{{\"{member}\":{}{inner}{}}}", open.repeat(depth), close.repeat(depth));
        assert!(same(&deep(inner), &deep(inner)) && !same(&deep(inner), "{}"), "{member}");
    }
}

#[test]
fn spelling_does_not_matter_and_meaning_does() {
    for (one, other) in [
        (r#"{"name":"a","count":1}"#, r#"{ "count": 1e0, "name": "\u0061" }"#),
        (r#"{"count":1.0}"#, r#"{"count":1}"#),
        (r#"{"count":1200}"#, r#"{"count":1.2E+3}"#),
        (r#"{"count":0}"#, r#"{"count":-0.0}"#),
        (r#"{"count":0.5}"#, r#"{"count":5e-1}"#),
        (r#"{"name":null}"#, "{}"),
        (r#"{"clientToken":"a"}"#, r#"{"clientToken":"b"}"#),
        (r#"{"tags":["a","b"]}"#, r#"{"tags":["b","a"]}"#),
        (r#"{"at":5}"#, r#"{"at":5.0}"#),
        (r#"{"name":"x","name":"y"}"#, r#"{"name":"y"}"#),
        (r#"{"plain":{"a":"1","b":"2"}}"#, r#"{"plain":{"b":"2","a":"1"}}"#),
    ] {
        assert!(same(one, other), "{one} and {other}");
    }
    for (one, other) in [
        (r#"{"name":"a"}"#, r#"{"name":"b"}"#),
        (r#"{"name":"a"}"#, r#"{"arn":"a"}"#),
        (r#"{"name":"1"}"#, r#"{"name":1}"#),
        (r#"{"name":"","arn":"ab"}"#, r#"{"name":"a","arn":"b"}"#),
        (
            r#"{"items":[{"value":"a"},{"value":"b"}]}"#,
            r#"{"items":[{"value":"b"},{"value":"a"}]}"#,
        ),
        (r#"{"items":[{"value":"a"},{"value":"b"}]}"#, r#"{"items":[{"value":"a"}],"x":1}"#),
        (r#"{"unknown":1}"#, "{}"),
        (r#"{"count":9007199254740993}"#, r#"{"count":9007199254740992}"#),
        (r#"{"tags":[]}"#, "{}"),
        (r#"{"plain":{"a":"1"}}"#, r#"{"plain":{"a":"2"}}"#),
    ] {
        assert!(!same(one, other), "{one} and {other}");
    }
}

#[test]
fn operation_and_region_are_part_of_the_key() {
    let mut elsewhere = call("Put");
    elsewhere.region = Some("eu-west-1".to_owned());
    let of = |call: &Call| key(call, &input("{}"), &redactor(), false);
    assert_ne!(of(&call("Put")), of(&call("Get")));
    assert_ne!(of(&call("Put")), of(&elsewhere));
}

#[test]
fn accounts_are_renamed_by_first_appearance() {
    let of = |one: &str, two: &str| format!(r#"{{"arn":"arn:aws:iam::{one}:role/x","name":"{one}/{two}","tags":["{two}","{one}"]}}"#);
    let (a, b, c) = ("481516234207", "210987654321", "345678901234");
    assert!(same(&of(a, a), &of(b, b)));
    assert!(!same(&of(a, a), &of(a, b)));
    assert!(!same(&of(a, b), &of(a, c)), "only what its place gives away is an account");
    assert!(!same(r#"{"name":"481516234207"}"#, r#"{"name":"210987654321"}"#));
}

#[test]
fn a_set_has_one_order_under_every_account() {
    let of = |one: &str, two: &str| format!(r#"{{"tags":["arn:aws:iam::{one}:role/x","arn:aws:iam::{two}:role/a"]}}"#);
    assert!(same(&of("481516234207", "210987654321"), &of("910987654321", "481516234207")));
}

#[test]
fn a_blob_that_holds_a_secret_by_its_form_still_matches_its_recording() {
    // `password=binary-pw-1` in base64, and bytes that are no text.
    for raw in ["cGFzc3dvcmQ9YmluYXJ5LXB3LTE=", "//79/A=="] {
        let body = format!(r#"{{"raw":"{raw}"}}"#);
        let stored = redacted(&redactor(), &body, 200, "{}");
        let recorded = input(testing::text(stored.request.body()));
        let replaying = testing::redactor_after(std::slice::from_ref(&stored));
        assert_eq!(
            key(&call("Put"), &recorded, &replaying, true),
            key(&call("Put"), &input(&body), &replaying, false)
        );
    }
    assert!(!same(r#"{"raw":"YQ=="}"#, r#"{"raw":"Yg=="}"#));
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z\"\\\\é]{0,6}",
        Just("AKIAIOSFODNN7SECRETS".to_owned()),
        Just("arn:aws:iam::481516234207:role/x".to_owned()),
        Just("210987654321".to_owned()),
        Just("password=hunter2".to_owned()),
    ]
}

/// Inputs of few values, so that equal ones are not rare.
fn body() -> impl Strategy<Value = serde_json::Value> {
    let member = (0usize..9, word(), 0u32..3);
    proptest::collection::vec(member, 0..5).prop_map(|members| {
        let mut body = serde_json::Map::new();
        for (which, word, number) in members {
            let (name, value) = match which {
                0 => ("name", word.into()),
                1 => ("spec", format!("{word}.").into()),
                2 => ("pin", format!("{number}2345678").into()),
                3 => ("number", (1000 + number).into()),
                4 => ("environment", serde_json::json!({ word.as_str(): number.to_string() })),
                5 => ("plain", serde_json::json!({ "password": word, "b": "c" })),
                6 => ("tags", serde_json::json!([word, "b"])),
                7 => ("accountId", format!("12345678901{number}").into()),
                _ => ("code", format!("ABC-12345{number}").into()),
            };
            body.insert(name.to_owned(), value);
        }
        body.into()
    })
}

fn reordered(body: &serde_json::Value) -> String {
    let members = body.as_object().unwrap().iter().rev();
    let members: Vec<String> = members
        .map(|(name, value)| format!("\n {:#} :\t{value:#}", serde_json::json!(name)))
        .collect();
    format!("{{{} }}", members.join(","))
}

proptest! {
    #![proptest_config(crate::trials::cases(96))]

    #[test]
    fn the_order_and_spacing_of_a_body_do_not_matter(body in body()) {
        prop_assert!(same(&body.to_string(), &reordered(&body)));
    }

    #[test]
    fn redacting_never_changes_whether_two_calls_match(one in body(), other in body()) {
        let redactor = redactor();
        let stored = redacted(&redactor, &one.to_string(), 200, "{}");
        let recorded = finding(&stored.request, &stored.response).request.unwrap().content.unwrap();
        let replaying = testing::redactor_after(std::slice::from_ref(&stored));
        let recorded = key(&call("Put"), &recorded, &replaying, true);
        let live = |body: &serde_json::Value| key(&call("Put"), &input(&body.to_string()), &replaying, false);
        prop_assert_eq!(live(&one), recorded);
        prop_assert_eq!(live(&other) == recorded, same(&one.to_string(), &other.to_string()));
    }

    #[test]
    fn a_client_that_sends_back_stand_ins_still_matches(one in body()) {
        let stored = redacted(&redactor(), &one.to_string(), 200, "{}");
        let replaying = testing::redactor_after(std::slice::from_ref(&stored));
        let sent = input(testing::text(stored.request.body()));
        prop_assert_eq!(key(&call("Put"), &sent, &replaying, false), key(&call("Put"), &sent, &replaying, true));
    }

    #[test]
    fn redacting_twice_is_redacting_once(one in body()) {
        let once = redacted(&redactor(), &one.to_string(), 200, "{}");
        let again = testing::redactor_after(std::slice::from_ref(&once));
        let twice = redacted(&again, testing::text(once.request.body()), 200, "{}");
        prop_assert_eq!(twice.request.body(), once.request.body());
    }

    #[test]
    fn what_conforms_has_its_members_and_types_after_redaction(one in body()) {
        let stored = redacted(&redactor(), &one.to_string(), 200, "{}");
        let judged = finding(&stored.request, &stored.response).request.unwrap();
        let broken = judged.violations.iter().find(|departure| matches!(departure.rule, crate::contract::Rule::Required | crate::contract::Rule::Type));
        prop_assert!(broken.is_none(), "{:?}", broken);
    }
}
