//! What the contract says, rule by rule.

use super::*;
use crate::model::load;
use std::fmt::Write as _;

/// A service of one operation whose input and output is `test#Input`; `shapes` are further shapes.
fn service(members: &str, shapes: &str) -> Service {
    let comma = if shapes.is_empty() { "" } else { "," };
    let model = format!(
        r#"{{"smithy": "2.0", "shapes": {{
            "test#Service": {{"type": "service", "version": "1", "operations": [{{"target": "test#Call"}}]}},
            "test#Call": {{"type": "operation", "input": {{"target": "test#Input"}}, "output": {{"target": "test#Input"}}}},
            "test#Input": {{"type": "structure", "members": {{{members}}}}}{comma}{shapes}
        }}}}"#
    );
    load(model.as_bytes(), "test")
        .unwrap_or_else(|error| panic!("{error}: {model}"))
        .remove(0)
}

fn judged(service: &Service, value: &Value, side: Side) -> Judgement {
    check(service, service.operations[0].input, value, side)
}

/// Path and rule of each violation, then of each lint behind a `~`.
fn told(service: &Service, value: &Value, side: Side) -> String {
    let judgement = judged(service, value, side);
    let mut out = String::new();
    for departure in &judgement.violations {
        let _ = write!(out, "{}:{} ", departure.path, departure.rule);
    }
    for departure in &judgement.lints {
        let _ = write!(out, "~{}:{} ", departure.path, departure.rule);
    }
    out.trim_end().to_owned()
}

fn request(service: &Service, value: &Value) -> String {
    told(service, value, Side::Request)
}

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn one(name: &str, value: Value) -> Value {
    object(&[(name, value)])
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(lexeme: &str) -> Value {
    Value::Number(lexeme.to_owned())
}

fn message(service: &Service, value: &Value) -> String {
    let judgement = judged(service, value, Side::Request);
    judgement
        .violations
        .first()
        .map(|violation| violation.message.clone())
        .unwrap_or_default()
}

#[test]
fn a_null_member_counts_as_absent() {
    let service = service(
        r#""a": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}}}, "b": {"target": "smithy.api#String"}"#,
        "",
    );
    assert_eq!(request(&service, &object(&[("a", text("x")), ("b", Value::Null)])), "");
    assert_eq!(request(&service, &object(&[("a", Value::Null)])), "/a:required");
    assert_eq!(told(&service, &object(&[]), Side::Response), "/a:required");
    assert_eq!(
        message(&service, &object(&[])),
        "Value at '/a' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn null_is_an_element_of_sparse_lists_and_maps_only() {
    let service = service(
        r#""l": {"target": "test#List"}, "m": {"target": "test#Map"}, "sl": {"target": "test#SparseList"}, "sm": {"target": "test#SparseMap"}"#,
        r#""test#List": {"type": "list", "member": {"target": "smithy.api#String"}},
           "test#Map": {"type": "map", "key": {"target": "smithy.api#String"}, "value": {"target": "smithy.api#String"}},
           "test#SparseList": {"type": "list", "member": {"target": "smithy.api#String"}, "traits": {"smithy.api#sparse": {}}},
           "test#SparseMap": {"type": "map", "key": {"target": "smithy.api#String"}, "value": {"target": "smithy.api#String"}, "traits": {"smithy.api#sparse": {}}}"#,
    );
    let list = || Value::List(vec![text("a"), Value::Null]);
    let map = || one("k", Value::Null);
    assert_eq!(request(&service, &object(&[("l", list()), ("m", map())])), "/l/1:type /m/k:type");
    assert_eq!(request(&service, &object(&[("sl", list()), ("sm", map())])), "");
}

const SCALARS: &str = r#"
    "string": {"target": "smithy.api#String"}, "blob": {"target": "smithy.api#Blob"}, "boolean": {"target": "smithy.api#Boolean"},
    "byte": {"target": "smithy.api#Byte"}, "short": {"target": "smithy.api#Short"}, "integer": {"target": "smithy.api#Integer"},
    "long": {"target": "smithy.api#Long"}, "float": {"target": "smithy.api#Float"}, "double": {"target": "smithy.api#Double"},
    "bigInteger": {"target": "smithy.api#BigInteger"}, "bigDecimal": {"target": "smithy.api#BigDecimal"},
    "timestamp": {"target": "smithy.api#Timestamp"}, "document": {"target": "smithy.api#Document"}, "unit": {"target": "smithy.api#Unit"}"#;

#[test]
fn each_type_takes_its_own_values_and_no_other() {
    let service = service(SCALARS, "");
    let at = |seconds| Value::Timestamp { seconds, nanos: 0 };
    let fits = [
        ("string", text("")),
        ("blob", Value::Blob(vec![])),
        ("boolean", Value::Bool(false)),
        ("byte", Value::Integer(-128)),
        ("short", Value::Integer(32767)),
        ("integer", Value::Integer(-2_147_483_648)),
        ("long", Value::Integer(i64::MAX.into())),
        ("float", text("NaN")),
        ("double", text("-Infinity")),
        ("double", number("1e400")),
        ("float", Value::Integer(1)),
        ("bigInteger", number("170141183460469231731687303715884105728")),
        ("bigInteger", number("1e2")),
        ("bigDecimal", number("0.1")),
        ("timestamp", at(253_402_300_799)),
        ("document", Value::List(vec![Value::Null, one("a", Value::Bool(true))])),
        ("unit", object(&[])),
    ];
    for (name, value) in fits {
        assert_eq!(request(&service, &one(name, value.clone())), "", "{name} {value:?}");
    }
    let breaks = [
        ("string", Value::Integer(1)),
        ("string", Value::Blob(vec![])),
        ("blob", text("not base64")),
        ("boolean", text("true")),
        ("boolean", Value::Integer(1)),
        ("byte", Value::Integer(128)),
        ("short", Value::Integer(-32769)),
        ("integer", Value::Integer(2_147_483_648)),
        ("integer", text("1")),
        ("integer", text("NaN")),
        ("integer", number("1.001")),
        ("integer", number("123000000000000000000000000000000000000000")),
        ("long", Value::Integer(i128::from(i64::MAX) + 1)),
        ("long", number("1e19")),
        ("float", text("+Infinity")),
        ("double", text("1")),
        ("bigInteger", number("1.5")),
        ("bigDecimal", text("NaN")),
        ("timestamp", text("1985-04-12T23:20:50Z")),
        ("timestamp", Value::Integer(1)),
        ("timestamp", at(253_402_300_800)),
        ("timestamp", at(-62_135_596_801)),
        ("unit", Value::Bool(true)),
    ];
    for (name, value) in breaks {
        for side in [Side::Request, Side::Response] {
            assert_eq!(
                told(&service, &one(name, value.clone()), side),
                format!("/{name}:type"),
                "{value:?}"
            );
        }
    }
}

#[test]
fn a_whole_number_in_an_odd_spelling_is_told_and_tolerated() {
    let service = service(SCALARS, "");
    for lexeme in ["1.0", "1e2", "-0.0", "2147483.647e3"] {
        assert_eq!(request(&service, &one("integer", number(lexeme))), "~/integer:type", "{lexeme}");
    }
    assert_eq!(request(&service, &one("long", number("9007199254740993.0"))), "~/long:type");
    assert_eq!(request(&service, &one("byte", number("1.28e2"))), "/byte:type");
}

#[test]
fn type_messages_name_both_sides_and_no_value() {
    let service = service(SCALARS, "");
    for (name, value, text) in [
        ("string", Value::Integer(777), "a string, not a number"),
        ("blob", text("s3cret"), "a string of valid base64"),
        ("byte", Value::Integer(777), "an integer between -128 and 127"),
        ("byte", number("7.77"), "an integer, not a fraction"),
        ("unit", Value::List(vec![]), "an object, not a list"),
    ] {
        assert_eq!(
            message(&service, &one(name, value)),
            format!("Value at '/{name}' failed to satisfy constraint: Member must be {text}")
        );
    }
    assert_eq!(
        message(&service, &Value::Null),
        "Value at '/' failed to satisfy constraint: Member must be an object, not null"
    );
}

#[test]
fn a_wrong_type_anywhere_hides_every_constraint() {
    let service = service(
        r#""name": {"target": "smithy.api#String", "traits": {"smithy.api#length": {"min": 1}, "smithy.api#required": {}}},
           "other": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}}}, "last": {"target": "smithy.api#Boolean"}"#,
        "",
    );
    let value = object(&[("name", text("")), ("last", Value::Integer(1)), ("new", Value::Null)]);
    assert_eq!(request(&service, &value), "/last:type ~/new:unknown");
    assert_eq!(told(&service, &value, Side::Response), "/last:type ~/new:unknown");
}

#[test]
fn lengths_count_scalar_values_bytes_and_entries() {
    let length = r#""traits": {"smithy.api#length": {"min": 1, "max": 2}}"#;
    let service = service(
        r#""s": {"target": "test#S"}, "b": {"target": "test#B"}, "l": {"target": "test#L"}, "m": {"target": "test#M"}"#,
        &format!(
            r#""test#S": {{"type": "string", {length}}}, "test#B": {{"type": "blob", {length}}},
               "test#L": {{"type": "list", "member": {{"target": "smithy.api#Integer"}}, {length}}},
               "test#M": {{"type": "map", "key": {{"target": "smithy.api#String"}}, "value": {{"target": "smithy.api#Integer"}}, {length}}}"#
        ),
    );
    let entry = |key: &str| (key.to_owned(), Value::Integer(1));
    let of = |count: usize| {
        object(&[
            ("s", text(&"😀".repeat(count))),
            ("b", Value::Blob(vec![0; count])),
            ("l", Value::List(vec![Value::Integer(1); count])),
            ("m", Value::Object((0..count).map(|index| entry(&index.to_string())).collect())),
        ])
    };
    assert_eq!(request(&service, &of(1)), "");
    assert_eq!(request(&service, &of(2)), "");
    assert_eq!(request(&service, &of(0)), "/s:length /b:length /l:length /m:length");
    assert_eq!(request(&service, &of(3)), "/s:length /b:length /l:length /m:length");
    assert_eq!(
        told(&service, &of(3), Side::Response),
        "~/s:length ~/b:length ~/l:length ~/m:length"
    );
    assert_eq!(
        message(&service, &of(3)),
        "Value at '/s' failed to satisfy constraint: Member must have length between 1 and 2, inclusive"
    );
    // A key that comes again is one entry, and its last value counts.
    let again = Value::Object(vec![("a".to_owned(), text("wrong")), entry("b"), entry("a")]);
    assert_eq!(request(&service, &one("m", again)), "");
    let many = (0..100).map(|index| entry(&(index % 2).to_string())).collect();
    assert_eq!(request(&service, &one("m", Value::Object(many))), "");
}

#[test]
fn ranges_are_compared_exactly() {
    let service = service(
        r#""i": {"target": "smithy.api#Long", "traits": {"smithy.api#range": {"min": 2, "max": 9007199254740992}}},
           "f": {"target": "smithy.api#Double", "traits": {"smithy.api#range": {"min": 2.2}}},
           "d": {"target": "smithy.api#BigDecimal", "traits": {"smithy.api#range": {"max": 0.3}}}"#,
        "",
    );
    for (name, value, rule) in [
        ("i", Value::Integer(2), ""),
        ("i", Value::Integer(1), "/i:range"),
        ("i", Value::Integer(9_007_199_254_740_993), "/i:range"),
        ("f", number("2.2"), ""),
        ("f", number("2.19999999999999999999"), "/f:range"),
        ("f", Value::Integer(2), "/f:range"),
        ("f", text("NaN"), "/f:range"),
        ("f", text("Infinity"), ""),
        ("f", text("-Infinity"), "/f:range"),
        ("d", number("0.30000000000000000001"), "/d:range"),
        ("d", number("3e-1"), ""),
    ] {
        assert_eq!(request(&service, &one(name, value.clone())), rule, "{value:?}");
    }
    let text = |value| message(&service, &value).split_once(": ").map(|(_, text)| text.to_owned());
    assert_eq!(
        text(one("i", Value::Integer(1))).as_deref(),
        Some("Member must be between 2 and 9007199254740992, inclusive")
    );
    assert_eq!(
        text(one("f", Value::Integer(1))).as_deref(),
        Some("Member must be greater than or equal to 2.2")
    );
    assert_eq!(
        text(one("d", Value::Integer(1))).as_deref(),
        Some("Member must be less than or equal to 0.3")
    );
}

#[test]
fn enumerations_are_closed_for_requests_and_open_for_responses() {
    let service = service(
        r#""e": {"target": "test#E"}, "o": {"target": "test#Old"}, "i": {"target": "test#I"}"#,
        r#""test#E": {"type": "enum", "members": {
               "B": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": "b"}},
               "A": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": "a"}},
               "H": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": "h", "smithy.api#internal": {}}}}},
           "test#Old": {"type": "string", "traits": {"smithy.api#enum": [{"value": "x"}, {"value": "y", "tags": ["internal"]}]}},
           "test#I": {"type": "intEnum", "members": {
               "ONE": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": 1}},
               "TWO": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": 2}}}}"#,
    );
    assert_eq!(
        request(&service, &object(&[("e", text("h")), ("o", text("y")), ("i", Value::Integer(2))])),
        ""
    );
    let wrong = object(&[("e", text("B")), ("o", text("z")), ("i", Value::Integer(3))]);
    assert_eq!(request(&service, &wrong), "/e:enum /o:enum /i:enum");
    assert_eq!(told(&service, &wrong, Side::Response), "~/e:enum ~/o:enum ~/i:enum");
    let judgement = judged(&service, &wrong, Side::Request);
    let texts: Vec<_> = judgement
        .violations
        .iter()
        .filter_map(|violation| violation.message.split_once(": "))
        .collect();
    assert_eq!(texts[0].1, "Member must satisfy enum value set: [a, b]");
    assert_eq!(texts[1].1, "Member must satisfy enum value set: [x]");
    assert_eq!(texts[2].1, "Member must satisfy enum value set: [1, 2]");
}

#[test]
fn a_members_pattern_replaces_its_targets_and_length_comes_first() {
    let service = service(
        r#""p": {"target": "test#P", "traits": {"smithy.api#pattern": "^[g-m]+$"}}, "t": {"target": "test#P"}"#,
        r#""test#P": {"type": "string", "traits": {"smithy.api#pattern": "^[a-m]+$", "smithy.api#length": {"max": 3}}}"#,
    );
    assert_eq!(request(&service, &object(&[("p", text("abc")), ("t", text("abc"))])), "/p:pattern");
    assert_eq!(request(&service, &one("p", text("xyzz"))), "/p:length /p:pattern");
    assert_eq!(
        message(&service, &one("t", text("xyz"))),
        "Value at '/t' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-m]+$"
    );
}

#[test]
fn an_undecided_pattern_is_a_lint() {
    let service = service(
        r#""p": {"target": "smithy.api#String", "traits": {"smithy.api#pattern": "^(?:(a+)+)+\\1b$"}}"#,
        "",
    );
    let value = one("p", text(&"a".repeat(60)));
    assert_eq!(request(&service, &value), "~/p:pattern");
    assert!(judged(&service, &value, Side::Request).lints[0].message.contains("was not judged"));
}

#[test]
fn what_fails_in_a_set_or_a_map_key_is_told_of_the_container() {
    let service = service(
        r#""set": {"target": "test#Set"}, "map": {"target": "test#Map"}, "list": {"target": "test#List"}"#,
        r#""test#Short": {"type": "string", "traits": {"smithy.api#length": {"max": 1}}},
           "test#Item": {"type": "structure", "members": {"hi": {"target": "test#Short", "traits": {"smithy.api#required": {}}}}},
           "test#Set": {"type": "list", "member": {"target": "test#Short"}, "traits": {"smithy.api#uniqueItems": {}}},
           "test#List": {"type": "list", "member": {"target": "test#Item"}, "traits": {"smithy.api#uniqueItems": {}}},
           "test#Map": {"type": "map", "key": {"target": "test#Short"}, "value": {"target": "test#Short"}}"#,
    );
    let items = |items: &[&str]| Value::List(items.iter().map(|item| text(item)).collect());
    assert_eq!(request(&service, &one("set", items(&["a", "b"]))), "");
    assert_eq!(request(&service, &one("set", items(&["a", "a"]))), "/set:uniqueItems");
    assert_eq!(told(&service, &one("set", items(&["a", "a"])), Side::Response), "~/set:uniqueItems");
    assert_eq!(request(&service, &one("set", items(&["a", "bb"]))), "/set:length");
    assert_eq!(
        request(&service, &one("list", Value::List(vec![object(&[])]))),
        "/list/0/hi:required"
    );
    assert_eq!(request(&service, &one("map", one("kk", text("vv")))), "/map:length /map/kk:length");
}

#[test]
fn a_union_has_exactly_one_known_member() {
    let service = service(
        r#""u": {"target": "test#U"}"#,
        r#""test#U": {"type": "union", "members": {"a": {"target": "smithy.api#String"}, "b": {"target": "smithy.api#Unit"}}}"#,
    );
    let union = |members: &[(&str, Value)]| one("u", object(members));
    for fine in [
        union(&[("a", text("x"))]),
        union(&[("b", object(&[]))]),
        union(&[("a", text("x")), ("b", Value::Null)]),
        union(&[("__type", text("x#a")), ("a", text("x"))]),
        union(&[("a", Value::Null), ("a", text("x"))]),
    ] {
        assert_eq!(request(&service, &fine), "", "{fine:?}");
    }
    for (value, on_request, on_response) in [
        (union(&[]), "/u:union", "~/u:union"),
        (union(&[("a", Value::Null)]), "/u:union", "~/u:union"),
        (union(&[("a", text("x")), ("b", object(&[]))]), "/u:union", "~/u:union"),
        (union(&[("c", text("x"))]), "/u:union ~/u/c:unknown", "~/u:union ~/u/c:unknown"),
        (
            union(&[("a", text("x")), ("c", text("x"))]),
            "/u:union ~/u/c:unknown",
            "~/u/c:unknown",
        ),
        (union(&[("a", Value::Integer(1))]), "/u/a:type", "/u/a:type"),
    ] {
        assert_eq!(request(&service, &value), on_request, "{value:?}");
        assert_eq!(told(&service, &value, Side::Response), on_response, "{value:?}");
    }
}

#[test]
fn departures_come_in_model_order_and_the_last_of_a_name_counts() {
    let required = r#""traits": {"smithy.api#required": {}}"#;
    let service = service(
        &format!(
            r#""a": {{"target": "test#S"}}, "b": {{"target": "smithy.api#String", {required}}}, "c": {{"target": "test#S"}}, "d": {{"target": "test#In"}}"#
        ),
        r#""test#S": {"type": "string", "traits": {"smithy.api#length": {"max": 1}}},
           "test#In": {"type": "structure", "members": {"x": {"target": "test#S"}, "d": {"target": "test#In"}}}"#,
    );
    let value = object(&[
        ("new", Value::Null),
        ("d", one("d", one("x", text("long")))),
        ("c", text("long")),
        ("a", text("long")),
    ]);
    assert_eq!(
        request(&service, &value),
        "/a:length /b:required /c:length /d/d/x:length ~/new:unknown"
    );
    let again = object(&[
        ("a", Value::Integer(1)),
        ("b", text("")),
        ("a", text("x")),
        ("z", text("")),
        ("z", text("")),
    ]);
    assert_eq!(request(&service, &again), "~/z:unknown");
}

#[test]
fn structures_of_any_size_are_judged_alike() {
    let mut members = String::new();
    for index in 0..100 {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            members,
            r#"{comma}"m{index}": {{"target": "smithy.api#Boolean", "traits": {{"smithy.api#required": {{}}}}}}"#
        );
    }
    let service = service(&members, "");
    let all: Vec<_> = (0..100).rev().map(|index| (format!("m{index}"), Value::Bool(true))).collect();
    assert_eq!(request(&service, &Value::Object(all.clone())), "");
    assert_eq!(request(&service, &Value::Object(all[1..].to_vec())), "/m99:required");
    assert_eq!(request(&service, &Value::Object(all[..99].to_vec())), "/m0:required");
}

#[test]
fn nothing_sensitive_is_in_any_message() {
    let service = service(
        r#""map": {"target": "test#Map"}, "s": {"target": "test#S"}, "n": {"target": "smithy.api#Integer"}"#,
        r#""test#S": {"type": "string", "traits": {"smithy.api#sensitive": {}, "smithy.api#length": {"max": 1}, "smithy.api#pattern": "^a$"}},
           "test#Map": {"type": "map", "key": {"target": "test#S"}, "value": {"target": "test#S"}}"#,
    );
    let value = object(&[("map", one("hunter2", text("hunter2"))), ("s", text("hunter2"))]);
    let judgement = judged(&service, &value, Side::Request);
    assert_eq!(judgement.violations.len(), 6);
    assert!(!format!("{judgement:?}").contains("hunter2"), "{judgement:?}");
    let wrong = one("n", text("hunter2"));
    assert!(!format!("{:?}", judged(&service, &wrong, Side::Request)).contains("hunter2"));
}

#[test]
fn a_summary_counts_all_and_lists_ten() {
    let violation = |index: usize| departure(Rule::Required, &Path::ROOT.name(["a", "b"][index % 2]), "Member must not be null");
    let first = "Value at '/a' failed to satisfy constraint: Member must not be null";
    assert_eq!(summary(&[violation(0)]), format!("1 validation error detected: {first}"));
    assert_eq!(
        summary(&[violation(0), violation(1)]),
        format!("2 validation errors detected: {first}; Value at '/b' failed to satisfy constraint: Member must not be null")
    );
    let many: Vec<_> = (0..12).map(violation).collect();
    assert!(summary(&many).starts_with("12 validation errors detected: "));
    assert_eq!(summary(&many).matches("Value at").count(), 10);
}

#[test]
fn everything_below_something_sensitive_is_found() {
    let service = service(
        r#""plain": {"target": "smithy.api#String"}, "spec": {"target": "test#S"}, "deep": {"target": "test#Deep"},
           "map": {"target": "test#Map"}, "self": {"target": "test#Input"}"#,
        r#""test#S": {"type": "string", "traits": {"smithy.api#sensitive": {}}},
           "test#Deep": {"type": "structure", "traits": {"smithy.api#sensitive": {}}, "members": {
               "list": {"target": "test#List"}, "flag": {"target": "smithy.api#Boolean"}}},
           "test#List": {"type": "list", "member": {"target": "smithy.api#Integer"}},
           "test#Map": {"type": "map", "key": {"target": "test#S"}, "value": {"target": "smithy.api#String"}}"#,
    );
    let value = object(&[
        ("plain", text("p")),
        ("unknown", text("u")),
        ("spec", Value::Integer(1)),
        ("spec", Value::List(vec![text("x"), one("y", text("z")), Value::Bool(true)])),
        (
            "deep",
            object(&[
                ("list", Value::List(vec![Value::Integer(1), Value::Null])),
                ("flag", Value::Bool(true)),
                ("new", one("n", number("1.5"))),
            ]),
        ),
        ("map", one("key", text("value"))),
        ("self", one("self", one("spec", text("x")))),
    ]);
    let places: Vec<_> = sensitive(&service, service.operations[0].input, &value)
        .into_iter()
        .map(|place| {
            let key = if place.is_key { "#" } else { "" };
            format!("{}{key}:{}", place.path, place.member.map_or("?", |member| member.name.as_str()))
        })
        .collect();
    assert_eq!(
        places,
        [
            "/spec:spec",
            "/spec/0:spec",
            "/spec/1/y:spec",
            "/deep/list/0:member",
            "/deep/new/n:?",
            "/map/key#:key",
            "/self/self/spec:spec",
        ]
    );
    // Where an object with a secret in it should be, something else is as secret.
    let wrong = one("self", text("{\"spec\": 1}"));
    assert_eq!(sensitive(&service, service.operations[0].input, &wrong).len(), 1);
}

#[test]
fn a_service_without_secrets_is_left_at_once() {
    let plain = service(r#""a": {"target": "smithy.api#String"}"#, "");
    assert!(!plain.carries_sensitive(plain.operations[0].input));
    assert!(sensitive(&plain, plain.operations[0].input, &one("a", text("x"))).is_empty());
}

#[test]
fn the_built_in_models_load_and_hold_their_operations() {
    let proton = load(include_bytes!("../model/builtin/proton.json"), "built-in").unwrap().remove(0);
    let create = proton.operation_named("CreateServiceInstance").unwrap();
    assert_eq!(proton.operation(create).idempotency_token.as_deref(), Some("clientToken"));
    assert_eq!(proton.errors_of(create).count(), 6);
    let input = object(&[("name", text("inst-1")), ("serviceName", text("-bad")), ("spec", text(""))]);
    let judgement = check(&proton, proton.operation(create).input, &input, Side::Request);
    assert_eq!(
        summary(&judgement.violations),
        "2 validation errors detected: Value at '/serviceName' failed to satisfy constraint: Member must satisfy regular expression \
         pattern: ^[0-9A-Za-z]+[0-9A-Za-z_\\-]*$; Value at '/spec' failed to satisfy constraint: Member must have length between 1 and \
         51200, inclusive"
    );
    let places = sensitive(&proton, proton.operation(create).input, &input);
    assert_eq!(places.iter().map(|place| place.path.as_str()).collect::<Vec<_>>(), ["/spec"]);

    let catalog = load(include_bytes!("../model/builtin/service-catalog.json"), "built-in")
        .unwrap()
        .remove(0);
    let create = catalog.operation_named("CreateProvisioningArtifact").unwrap();
    assert_eq!(catalog.operation(create).idempotency_token.as_deref(), Some("IdempotencyToken"));
    assert_eq!(catalog.errors_of(create).count(), 3);
    assert!(!catalog.carries_sensitive(catalog.operation(create).input));
}
