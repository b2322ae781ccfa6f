//! What redaction promises, held for models that are made up too: it never changes whether two calls
//! match, and never makes what conforms break its contract.

use super::protocol_tests::{MODEL, World, object, recorded_once, recorded_twice, redactor_after, secret, text, word};
use crate::protocol::{PROTOCOLS, Protocol};
use crate::value::Value;
use proptest::prelude::*;

/// What a value is made of.
#[derive(Debug, Clone)]
struct Drawn {
    secret: String,
    word: String,
    number: u32,
}

/// What a member of a made-up model can be.
struct Kind {
    target: &'static str,
    /// The shapes that [`MODEL`] lacks.
    shapes: &'static str,
    /// A conforming value; what is secret in it says so, where there is room for it.
    value: fn(&Drawn) -> Value,
    /// Its constraints leave few values, so that a stand-in is not known from a true value.
    few: bool,
    /// Protocols that have no such thing have one of these in their names.
    without: &'static [&'static str],
}

const MAPS: &[&str] = &["ec2"];
const DOCUMENTS: &[&str] = &["Xml", "Query", "Cbor"];

const fn known(target: &'static str, value: fn(&Drawn) -> Value) -> Kind {
    kind(target, "", value)
}

const fn kind(target: &'static str, shapes: &'static str, value: fn(&Drawn) -> Value) -> Kind {
    Kind {
        target,
        shapes,
        value,
        few: false,
        without: &[],
    }
}

const fn few(target: &'static str, shapes: &'static str, value: fn(&Drawn) -> Value) -> Kind {
    Kind {
        few: true,
        ..kind(target, shapes, value)
    }
}

const fn without(without: &'static [&'static str], kind: Kind) -> Kind {
    Kind { without, ..kind }
}

const MODES: [&str; 3] = ["ON", "OFF", "AUTO"];

fn mode(number: u32) -> Value {
    text(MODES[number as usize % 3])
}

fn number(number: u32) -> Value {
    Value::Integer(number.into())
}

const KINDS: &[Kind] = &[
    known("smithy.api#String", |drawn| text(&drawn.word)),
    known("t#Secret", |drawn| text(&drawn.secret)),
    known("t#Pin", |drawn| text(&format!("hush23{:02}", drawn.number))),
    known("t#Code", |drawn| text(&format!("ABC-1234{:02}", drawn.number))),
    known("t#SecretBlob", |drawn| Value::Blob(format!("hush{}", drawn.secret).into_bytes())),
    known("t#SecretNumber", |drawn| number(4321 + drawn.number % 3)),
    known("t#Items", |drawn| {
        Value::List(vec![object(vec![("password", text(&drawn.secret)), ("value", text(&drawn.word))])])
    }),
    known("t#Secrets", |drawn| Value::List(vec![text(&drawn.secret), text("hush-f")])),
    known("t#SecretTime", |drawn| Value::Timestamp {
        seconds: 1_600_000_000 + i64::from(drawn.number),
        nanos: 0,
    }),
    // Booleans have no room for equality: what stands for either is `false`.
    known("t#SecretFlag", |_| Value::Bool(true)),
    without(
        MAPS,
        known("t#SecretMap", |drawn| {
            object(vec![(&format!("hush~{}", drawn.number), text(&drawn.secret))])
        }),
    ),
    without(
        MAPS,
        known("t#Map", |drawn| {
            object(vec![("password", text(&drawn.secret)), ("b", text(&drawn.word))])
        }),
    ),
    without(
        MAPS,
        kind(
            "t#LongKeys",
            r#""t#LongKeys":{"type":"map","key":{"target":"t#LongKey"},"value":{"target":"smithy.api#String"}},
               "t#LongKey":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":40}}},"#,
            |drawn| object(vec![(&format!("hush{:040}", drawn.number), text(&drawn.word))]),
        ),
    ),
    kind(
        "t#SecretUnion",
        r#""t#SecretUnion":{"type":"union","members":{"text":{"target":"smithy.api#String"},"number":{"target":"smithy.api#Integer"}},
            "traits":{"smithy.api#sensitive":{}}},"#,
        |drawn| match drawn.number % 2 {
            0 => object(vec![("text", text(&drawn.secret))]),
            _ => object(vec![("number", number(4321 + drawn.number % 3))]),
        },
    ),
    kind(
        "t#SecretDouble",
        r#""t#SecretDouble":{"type":"double","traits":{"smithy.api#sensitive":{}}},"#,
        |drawn| Value::Number(["4321.5", "4321.50", "4322.5"][drawn.number as usize % 3].to_owned()),
    ),
    without(
        DOCUMENTS,
        kind(
            "t#SecretDocument",
            r#""t#SecretDocument":{"type":"document","traits":{"smithy.api#sensitive":{}}},"#,
            |drawn| {
                object(vec![
                    ("hush~key", text(&drawn.secret)),
                    (
                        "list",
                        Value::List(vec![number(4321 + drawn.number % 3), Value::Bool(true), Value::Null]),
                    ),
                ])
            },
        ),
    ),
    without(
        DOCUMENTS,
        known("smithy.api#Document", |drawn| {
            object(vec![("password", text(&drawn.secret)), ("b", text(&drawn.word))])
        }),
    ),
    few(
        "t#Digits",
        r#""t#Digits":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#pattern":"^[0-9]{4}$"}},"#,
        |drawn| text(&format!("{:04}", drawn.number)),
    ),
    few(
        "t#Short",
        r#""t#Short":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"max":2}}},"#,
        |drawn| text(&format!("x{}", drawn.number % 10)),
    ),
    few(
        "t#Mode",
        r#""t#Mode":{"type":"enum","members":{"ON":{"target":"smithy.api#Unit","traits":{"smithy.api#enumValue":"ON"}},
            "OFF":{"target":"smithy.api#Unit","traits":{"smithy.api#enumValue":"OFF"}},
            "AUTO":{"target":"smithy.api#Unit","traits":{"smithy.api#enumValue":"AUTO"}}},"traits":{"smithy.api#sensitive":{}}},"#,
        |drawn| mode(drawn.number),
    ),
    few(
        "t#Level",
        r#""t#Level":{"type":"intEnum","members":{"LOW":{"target":"smithy.api#Unit","traits":{"smithy.api#enumValue":1}},
            "MID":{"target":"smithy.api#Unit","traits":{"smithy.api#enumValue":50}},
            "TOP":{"target":"smithy.api#Unit","traits":{"smithy.api#enumValue":99}}},"traits":{"smithy.api#sensitive":{}}},"#,
        |drawn| number([1, 50, 99][drawn.number as usize % 3]),
    ),
    few("t#Few", FEW, |drawn| number(1 + drawn.number % 3)),
    few(
        "t#Most",
        r#""t#Most":{"type":"integer","traits":{"smithy.api#sensitive":{},"smithy.api#range":{"max":20}}},"#,
        |drawn| number(drawn.number),
    ),
    few(
        "t#Tiny",
        r#""t#Tiny":{"type":"byte","traits":{"smithy.api#sensitive":{}}},"#,
        |drawn| number(drawn.number),
    ),
    few(
        "t#Fews",
        r#""t#Fews":{"type":"list","member":{"target":"t#Few"},"traits":{"smithy.api#uniqueItems":{}}},"#,
        |drawn| Value::List(vec![number(1 + drawn.number % 3), number(1 + (drawn.number + 1) % 3)]),
    ),
    few(
        "t#Modes",
        r#""t#Modes":{"type":"list","member":{"target":"t#Mode"},"traits":{"smithy.api#uniqueItems":{},"smithy.api#length":{"max":2}}},"#,
        |drawn| Value::List(vec![mode(drawn.number), mode(drawn.number + 1)]),
    ),
    without(
        MAPS,
        few(
            "t#ModeKeys",
            r#""t#ModeKeys":{"type":"map","key":{"target":"t#Mode"},"value":{"target":"t#Few"}},"#,
            |drawn| {
                object(vec![
                    (MODES[drawn.number as usize % 3], number(1)),
                    (MODES[(drawn.number as usize + 1) % 3], number(2)),
                ])
            },
        ),
    ),
    few(
        "t#SecretStructure",
        r#""t#SecretStructure":{"type":"structure","members":{"a":{"target":"smithy.api#String","traits":{"smithy.api#required":{}}},
            "n":{"target":"t#Few"},"mode":{"target":"t#Mode"}},"traits":{"smithy.api#sensitive":{}}},"#,
        |drawn| {
            object(vec![
                ("a", text(&drawn.secret)),
                ("n", number(1 + drawn.number % 3)),
                ("mode", mode(drawn.number)),
            ])
        },
    ),
    few(
        "t#SecretList",
        r#""t#SecretList":{"type":"list","member":{"target":"t#Word"},"traits":{"smithy.api#sensitive":{}}},
           "t#Word":{"type":"string","traits":{"smithy.api#length":{"min":2,"max":3}}},"#,
        |drawn| Value::List(vec![text(&format!("y{}", drawn.number)), text("zz")]),
    ),
    without(
        MAPS,
        few(
            "t#SecretWhole",
            r#""t#SecretWhole":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"t#Few"},
                "traits":{"smithy.api#sensitive":{}}},"#,
            |drawn| object(vec![(&format!("hush~{}", drawn.number), number(1 + drawn.number % 3))]),
        ),
    ),
];

const FEW: &str = r#""t#Few":{"type":"integer","traits":{"smithy.api#sensitive":{},"smithy.api#range":{"min":1,"max":3}}},"#;

/// A member of a made-up model: its name, what it is, and whether it stands in a structure of its own
/// in a list.
#[derive(Clone, Copy)]
struct MadeUp {
    name: &'static str,
    kind: &'static Kind,
    inner: bool,
}

impl std::fmt::Debug for MadeUp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} {}", self.name, self.kind.target, self.inner)
    }
}

impl MadeUp {
    /// A conforming value. What no model marks is secret by its name.
    fn value(&self, drawn: &Drawn) -> Value {
        match (self.kind.target, self.name) {
            ("smithy.api#String", "password" | "apiKey" | "secret" | "authorization") => text(&drawn.secret),
            ("smithy.api#String", "ownerId") => text("481516234207"),
            _ => (self.kind.value)(drawn),
        }
    }
}

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
    proptest::collection::vec((names, 0..KINDS.len(), any::<bool>()), 2..8).prop_map(|members| {
        let mut seen = std::collections::HashSet::new();
        let different = members.into_iter().filter(|(name, _, inner)| seen.insert((*name, *inner)));
        let made_up = different.map(|(name, kind, inner)| MadeUp {
            name,
            kind: &KINDS[kind],
            inner,
        });
        made_up.collect()
    })
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (secret(), word(), 10u32..16).prop_map(|(secret, word, number)| Drawn { secret, word, number })
}

/// The model with other members in `Send`.
fn model_of(members: &[MadeUp]) -> String {
    let listed = |wanted: bool| {
        let chosen = members.iter().filter(|member| member.inner == wanted);
        let written = chosen.map(|member| format!("\"{}\":{{\"target\":\"{}\"}}", member.name, member.kind.target));
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
    let more: String = KINDS.iter().map(|kind| kind.shapes).collect();
    let others = format!("{}{}{inners}{more}", shape("SendInput", token), shape("SendOutput", ""));
    format!("{}{others}{}", &MODEL[..start], &MODEL[end..])
}

/// A conforming output of such a model.
fn output_of(members: &[MadeUp], drawn: &Drawn) -> Value {
    let of = |wanted: bool| {
        let chosen = members.iter().filter(move |member| member.inner == wanted);
        chosen.map(|member| (member.name, member.value(drawn))).collect::<Vec<_>>()
    };
    let mut all = of(false);
    all.push(("many", Value::List(vec![object(of(true))])));
    object(all)
}

/// A conforming input.
fn input_of(members: &[MadeUp], drawn: &Drawn) -> Value {
    let mut input = output_of(members, drawn);
    if let Value::Object(members) = &mut input {
        members.push(("clientToken".to_owned(), text("7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11")));
    }
    input
}

/// The members that a protocol has.
fn spoken_by(protocol: &dyn Protocol, members: &[MadeUp]) -> Vec<MadeUp> {
    let has = |member: &&MadeUp| !member.kind.without.iter().any(|without| protocol.id().contains(without));
    members.iter().filter(has).copied().collect()
}

/// Two inputs, and what is recorded of the first is asked for with the second.
fn keeps_its_promises(world: &World, members: &[MadeUp], one: &Drawn, other: &Drawn) {
    let (first, second) = (input_of(members, one), input_of(members, other));
    if members.iter().any(|member| member.kind.few) {
        recorded_once(world, "Send", &first, &output_of(members, other));
    } else {
        recorded_twice(world, "Send", &first, &output_of(members, other));
    }
    let (first, response) = world.exchange("Send", &first, &output_of(members, one));
    let (second, _) = world.exchange("Send", &second, &output_of(members, one));
    let stored = world.taken(&redactor_after(&[]), &first, &response);
    let replaying = redactor_after(std::slice::from_ref(&stored));
    let matched = world.key(&second, &replaying, false) == world.key(&stored.request, &replaying, true);
    assert_eq!(matched, world.plain_key(&first) == world.plain_key(&second), "{first:?} {second:?}");
}

proptest! {
    #![proptest_config(crate::trials::cases(12))]

    #[test]
    fn whatever_the_model_redaction_changes_neither_matching_nor_conformance(members in made_up(), one in drawn(), other in drawn()) {
        for protocol in PROTOCOLS {
            let members = spoken_by(*protocol, &members);
            keeps_its_promises(&World::of(*protocol, &model_of(&members)), &members, &one, &other);
        }
    }
}

#[test]
fn every_kind_of_member_keeps_the_promises_in_every_protocol() {
    let drawn = |number| Drawn {
        secret: format!("hush-{number}"),
        word: "w".to_owned(),
        number,
    };
    for kind in KINDS {
        let members = ["spec", "note"].map(|name| MadeUp {
            name,
            kind,
            inner: name == "note",
        });
        let members = if kind.target == "smithy.api#String" {
            &members[..1]
        } else {
            &members[..]
        };
        for protocol in PROTOCOLS {
            let members = spoken_by(*protocol, members);
            let world = World::of(*protocol, &model_of(&members));
            // The same, another, and another that is the same where there are three.
            for other in [10, 11, 13] {
                keeps_its_promises(&world, &members, &drawn(10), &drawn(other));
            }
        }
    }
}
