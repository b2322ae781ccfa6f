//! What redaction promises, held for models that are made up too: it never changes whether two calls
//! match, and never makes what conforms break its contract.

use super::protocol_tests::{MODEL, World, object, recorded_twice, redactor_after, secret, text, word};
use crate::protocol::PROTOCOLS;
use crate::value::Value;
use proptest::prelude::*;

/// A member of a made-up model: its name, what it targets (an index into [`TARGETS`]), and whether it
/// stands in a structure of its own in a list.
type MadeUp = (&'static str, usize, bool);

const TARGETS: [&str; 12] = [
    "smithy.api#String",
    "t#Secret",
    "t#Pin",
    "t#Code",
    "t#SecretBlob",
    "t#SecretNumber",
    "t#SecretMap",
    "t#Map",
    "t#Items",
    "t#Secrets",
    "t#SecretTime",
    "t#SecretFlag",
];

fn made_up() -> impl Strategy<Value = Vec<MadeUp>> {
    let names = prop::sample::select(vec![
        "note",
        "password",
        "Key",
        "Value",
        "apiKey",
        "ownerId",
        "spec",
        "pin",
        "data",
        "Tags",
        "secret",
        "authorization",
    ]);
    proptest::collection::vec((names, 0..TARGETS.len(), any::<bool>()), 2..8).prop_map(|mut members| {
        let mut seen = std::collections::HashSet::new();
        members.retain(|(name, _, inner)| seen.insert((*name, *inner)));
        members
    })
}

/// The model with other members in `Send`.
fn model_of(members: &[MadeUp]) -> String {
    let listed = |wanted: bool| {
        let chosen = members.iter().filter(|(_, _, inner)| *inner == wanted);
        let written = chosen.map(|(name, target, _)| format!("\"{name}\":{{\"target\":\"{}\"}}", TARGETS[*target]));
        written.collect::<Vec<_>>().join(",")
    };
    let (outer, inner) = (listed(false), listed(true));
    let comma = if outer.is_empty() { "" } else { "," };
    let start = MODEL.find("\"t#SendInput\":").unwrap();
    let end = MODEL.find("\"t#StoreInput\":").unwrap();
    let shape = |name: &str, more: &str| {
        format!("\"t#{name}\":{{\"type\":\"structure\",\"members\":{{{outer}{comma}\"many\":{{\"target\":\"t#Inners\"}}{more}}}}},\n")
    };
    let token = ",\"clientToken\":{\"target\":\"smithy.api#String\",\"traits\":{\"smithy.api#idempotencyToken\":{}}}";
    let inners = format!(
        "\"t#Inners\":{{\"type\":\"list\",\"member\":{{\"target\":\"t#Inner\"}}}},\n\"t#Inner\":{{\"type\":\"structure\",\"members\":{{{inner}}}}},\n"
    );
    let others = format!("{}{}{inners}", shape("SendInput", token), shape("SendOutput", ""));
    format!("{}{others}{}", &MODEL[..start], &MODEL[end..])
}

/// A conforming input of such a model; what is secret in it says so.
fn input_of(members: &[MadeUp], secret: &str, word: &str, number: u32) -> Value {
    let value = |name: &str, target: usize| match TARGETS[target] {
        "smithy.api#String" if matches!(name, "password" | "apiKey" | "secret" | "authorization") => text(secret),
        "smithy.api#String" if name == "ownerId" => text("123456789012"),
        "smithy.api#String" => text(word),
        "t#Secret" => text(secret),
        "t#Pin" => text(&format!("hush23{number:02}")),
        "t#Code" => text(&format!("ABC-1234{number:02}")),
        "t#SecretBlob" => Value::Blob(format!("hush{secret}").into_bytes()),
        "t#SecretNumber" => Value::Integer(4321 + i128::from(number % 3)),
        "t#SecretMap" => object(vec![(&format!("hush{number}"), text(secret))]),
        "t#Map" => object(vec![("password", text(secret)), ("b", text(word))]),
        "t#Items" => Value::List(vec![object(vec![("password", text(secret)), ("value", text(word))])]),
        "t#Secrets" => Value::List(vec![text(secret), text("hush-f")]),
        "t#SecretTime" => Value::Timestamp {
            seconds: 1_600_000_000 + i64::from(number),
            nanos: 0,
        },
        _ => Value::Bool(number.is_multiple_of(2)),
    };
    let of = |wanted: bool| {
        let chosen = members.iter().filter(move |(_, _, inner)| *inner == wanted);
        chosen.map(|(name, target, _)| (*name, value(name, *target))).collect::<Vec<_>>()
    };
    let mut all = of(false);
    all.push(("many", Value::List(vec![object(of(true))])));
    all.push(("clientToken", text("7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11")));
    object(all)
}

proptest! {
    #![proptest_config(crate::trials::cases(12))]

    #[test]
    fn whatever_the_model_redaction_changes_neither_matching_nor_conformance(
        members in made_up(),
        one in (secret(), word(), 10u32..14),
        other in (secret(), word(), 10u32..14),
    ) {
        let model = model_of(&members);
        for protocol in PROTOCOLS.iter().filter(|protocol| !protocol.id().contains("uery")) {
            let world = World::of(*protocol, &model);
            let [one, other] = [&one, &other].map(|(secret, word, number)| input_of(&members, secret, word, *number));
            let answer = |input: &Value| match input {
                Value::Object(members) => Value::Object(members.iter().filter(|(name, _)| name != "clientToken").cloned().collect()),
                input => input.clone(),
            };
            recorded_twice(&world, "Send", &one, &answer(&other));
            let (first, response) = world.exchange("Send", &one, &answer(&one));
            let (second, _) = world.exchange("Send", &other, &answer(&one));
            let stored = world.taken(&redactor_after(&[]), &first, &response);
            let replaying = redactor_after(std::slice::from_ref(&stored));
            let same = world.key(&first, &replaying, false) == world.key(&second, &replaying, false);
            prop_assert_eq!(world.key(&second, &replaying, false) == world.key(&stored.request, &replaying, true), same);
        }
    }
}
