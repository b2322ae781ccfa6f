//! What was hidden once is hidden wherever it recurs, in every protocol: in bodies, headers, paths,
//! queries and events, of requests and answers, before and after it was given.

use super::protocol_tests::{WORLDS, World, all_of, object, redactor_after, text};
use crate::cassette::{Cassette, Interaction};
use crate::inspect::inspect_recorded;
use crate::redaction::Redactor;
use crate::value::Value;

/// None of them has a form that gives it away.
const VALUES: [&str; 3] = ["correct-horse-battery-staple", "tr0ub4dor & more <3", "48151623420815"];

const ACCOUNT: &str = "481516234207";

fn list(value: Value) -> Value {
    Value::List(vec![value])
}

/// Exchanges in which a value stands where no model says that it is a secret.
fn uses(world: &World, value: &str) -> Vec<(&'static str, Value, Value)> {
    let id = world.id();
    let inside = format!("connect with {value}!");
    // In the place of a name, the whole of it would be one.
    let (name, token) = (format!("thing of {value}"), format!("{value}, once"));
    let item = || list(object(vec![("value", text(&format!("its {value}.")))]));
    let mut body = vec![("note", text(&inside)), ("items", item()), ("arn", text(&name))];
    if !id.contains("ec2") {
        body.push(("plain", object(vec![("a", text(value)), (value, text("key"))])));
    }
    let path = format!("a/{value}/b");
    let put = vec![
        ("id", text("hidden-id-of-it")),
        ("path", text(&path)),
        ("clientToken", text(&token)),
        ("note", text(value)),
    ];
    let put_output = vec![("token", text(&token)), ("arn", text(&name))];
    let mut all = vec![
        ("Send", object(body), object(vec![("token", text(value)), ("items", item())])),
        ("Put", object(put), object(put_output)),
    ];
    if world.is_streaming() {
        let event = |name: &str, members| object(vec![(name, object(members))]);
        let events = || {
            let data = vec![("note", text(&inside)), ("hint", text(value))];
            let raw = vec![("bytes", Value::Blob(inside.clone().into_bytes()))];
            object(vec![("stream", Value::List(vec![event("data", data), event("raw", raw)]))])
        };
        all.push(("Watch", events(), events()));
    }
    all
}

/// All of these exchanges before a value is given, the one that gives it, and all of them again.
fn recorded(world: &World, redactor: &Redactor, value: &str, giving: (Value, Value)) -> Vec<Interaction> {
    let mut interactions = Vec::new();
    let mut take = |(operation, input, output): &(&str, Value, Value)| {
        let (request, response) = world.exchange(operation, input, output);
        interactions.push(world.taken(redactor, &request, &response));
    };
    let uses = uses(world, value);
    uses.iter().for_each(&mut take);
    take(&("Send", giving.0, giving.1));
    uses.iter().for_each(&mut take);
    let mut cassette = Cassette {
        interactions,
        ..Cassette::default()
    };
    let settlement = redactor.settle(&mut cassette, &|taken| inspect_recorded(world.catalog(), taken));
    assert!(settlement.refused.is_empty(), "{}: {:?}", world.id(), settlement.refused);
    cassette.interactions
}

/// Nothing of it is readable, on the wire or in what is decoded.
#[track_caller]
fn assert_hidden(world: &World, interactions: &[Interaction], value: &str) {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;");
    for taken in interactions {
        let finding = inspect_recorded(world.catalog(), taken);
        let decoded = format!("{:?} {:?}", finding.request, finding.response);
        for (what, shown) in [("written", all_of(taken)), ("decoded", decoded)] {
            let is_there = [value, &escaped].iter().any(|value| shown.contains(*value));
            assert!(!is_there, "{}: {what}: {shown}", world.id());
        }
    }
}

#[test]
fn a_value_that_was_given_by_a_request_or_an_answer_is_hidden_in_every_part_of_every_protocol() {
    for world in WORLDS.iter() {
        for value in VALUES {
            let secret = || object(vec![("spec", text(value))]);
            let nothing = || object(vec![]);
            for giving in [(secret(), nothing()), (nothing(), secret())] {
                let redactor = redactor_after(&[]).with_memory();
                let interactions = recorded(world, &redactor, value, giving);
                assert_hidden(world, &interactions, value);
            }
        }
    }
}

#[test]
fn an_account_that_was_recognized_once_is_hidden_in_every_part_of_every_protocol() {
    for world in WORLDS.iter() {
        let redactor = redactor_after(&[]).with_memory();
        let giving = object(vec![("arn", text(&format!("arn:aws:iam::{ACCOUNT}:role/x")))]);
        let interactions = recorded(world, &redactor, ACCOUNT, (giving, object(vec![])));
        assert_hidden(world, &interactions, ACCOUNT);
    }
}
