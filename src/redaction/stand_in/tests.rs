use super::super::testing::{SALT, call};
use super::form::{is_date, is_jwt};
use super::*;
use crate::model::schema::Service;

fn stand_ins() -> StandIns {
    StandIns::new(SALT)
}

fn of(text: &str) -> String {
    stand_ins().text(text)
}

fn place<'a>(service: &'a Service, member: Option<&'a Member>) -> At<'a> {
    At {
        member,
        kind: member.map(|member| &service.shape(member.target).kind),
        ..At::default()
    }
}

const FORMS: [&str; 7] = [
    "AKIAIOSFODNN7SECRETS",
    "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11",
    "arn:aws:iam::481516234207:role/secret",
    "2020-02-03",
    "2020-02-03T04:05:06.789Z",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
    "proton: v1\nname: hunter2",
];

#[test]
fn a_stand_in_has_the_form_of_what_it_stands_for() {
    let stand_ins: Vec<String> = FORMS.iter().map(|text| of(text)).collect();
    assert!(
        is_access_key_id(&stand_ins[0]) && stand_ins[0].starts_with("AKIA"),
        "{}",
        stand_ins[0]
    );
    assert!(is_uuid(&stand_ins[1]), "{}", stand_ins[1]);
    assert!(stand_ins[2].starts_with("arn:aws:iam::000000000000:"), "{}", stand_ins[2]);
    assert!(stand_ins[3].starts_with("2099-") && stand_ins[3].len() == 10, "{}", stand_ins[3]);
    assert!(is_date(&stand_ins[4]) && stand_ins[4].len() == 20, "{}", stand_ins[4]);
    assert!(is_jwt(&stand_ins[5]), "{}", stand_ins[5]);
    assert!(stand_ins[6].len() == 32, "{}", stand_ins[6]);
}

#[test]
fn a_stand_in_stands_for_itself_under_any_salt() {
    for text in FORMS {
        let stand_in = of(text);
        assert_ne!(stand_in, text);
        assert!(is_marked_text(&stand_in), "{stand_in}");
        assert!(!is_marked_text(text), "{text}");
        assert_eq!(StandIns::new("another").text(&stand_in), stand_in);
    }
}

#[test]
fn equal_values_have_equal_stand_ins_and_others_differ() {
    assert_eq!(of("one"), of("one"));
    assert_ne!(of("one"), of("two"));
    assert_ne!(of("one"), StandIns::new("another").text("one"));
    let long = "x".repeat(5000);
    assert_ne!(of(&long), of(&long[1..]));
}

#[test]
fn the_place_has_a_say_only_where_the_stand_in_does_not_fit() {
    let call = call("Put");
    let service = &call.service;
    let input = service.shape(service.operation(call.operation).input);
    let at = |member: &str, value: Value| stand_ins().value(&value, place(service, input.member(member)));
    let secret = || Value::Text("hunter2".to_owned());
    assert_eq!(at("spec", secret()), Value::Text(of("hunter2")));
    assert_eq!(at("pin", secret()), Value::Text(of("hunter2")[..8].to_owned()));
    let Value::Text(code) = at("code", secret()) else {
        panic!("no text")
    };
    let pattern = input.member("code").and_then(|member| member.constraints.pattern.as_ref()).unwrap();
    assert_eq!(pattern.matches(&code), Matched::Yes, "{code}");
    assert_eq!(at("code", secret()), Value::Text(code));
    for number in [0, 1, 5000, 1 << 40] {
        let Value::Integer(stand_in) = at("number", Value::Integer(number)) else {
            panic!("no number")
        };
        assert!((1000..=1_999_999_999).contains(&stand_in), "{stand_in}");
    }
}

#[test]
fn every_scalar_keeps_its_type() {
    let value = |value: Value| stand_ins().value(&value, At::default());
    assert!(matches!(value(Value::Integer(7)), Value::Integer(_)));
    assert!(matches!(value(Value::Number("1.5".to_owned())), Value::Integer(_)));
    assert_eq!(value(Value::Bool(true)), Value::Bool(false));
    assert_eq!(value(Value::Null), Value::Null);
    let blob = value(Value::Blob(vec![1; 12]));
    assert!(is_marked(&blob) && blob == value(blob.clone()));
    let instant = value(Value::Timestamp { seconds: 5, nanos: 1 });
    assert!(is_marked(&instant) && instant == value(instant.clone()));
}

#[test]
fn a_blobs_stand_in_is_known_whatever_byte_it_begins_with() {
    let stand_ins: Vec<Value> = (0..4096u32)
        .map(|number| stand_ins().value(&Value::Blob(number.to_be_bytes().repeat(6)), At::default()))
        .collect();
    for first in *b"[{" {
        let begins = |value: &&Value| matches!(value, Value::Blob(bytes) if bytes[0] == first);
        assert!(stand_ins.iter().any(|value| begins(&value)), "none begins with {first}");
    }
    assert!(stand_ins.iter().all(is_marked));
}

#[test]
fn a_blob_keeps_its_length_up_to_what_one_call_to_a_key_service_takes() {
    let of = |length: usize| stand_ins().value(&Value::Blob(vec![7; length]), At::default());
    for length in [1, 2, 3, 11, 12, 16, 23, 24, 32, 64, 4096] {
        let Value::Blob(blob) = of(length) else { panic!("no blob") };
        assert_eq!(blob.len(), length);
        assert_ne!(blob, vec![7; length]);
        let blob = Value::Blob(blob);
        assert_eq!(is_marked(&blob), length >= 12, "{length}");
        assert!(length < 12 || stand_ins().value(&blob, At::default()) == blob, "{length}");
    }
    assert!(matches!(of(4097), Value::Blob(blob) if blob.len() == 24));
}

#[test]
fn the_id_of_a_long_term_key_stays_one_and_that_of_a_temporary_key_too() {
    for kind in ["AKIA", "ASIA", "ABIA", "ACCA"] {
        let id = of(&format!("{kind}QWERTYUIOPASDFGH"));
        assert!(id.starts_with(kind) && is_access_key_id(&id) && is_marked_text(&id), "{id}");
    }
}

#[test]
fn a_key_keeps_its_length() {
    let at = At {
        key: true,
        ..At::default()
    };
    for (value, length) in [("s".repeat(40), 40), ("IQoJ".repeat(89), 356), ("short".to_owned(), 32)] {
        let key = stand_ins().value(&Value::Text(value), at);
        assert_eq!(key.as_text().map(str::len), Some(length));
        assert!(is_marked(&key) && stand_ins().value(&key, at) == key, "{key:?}");
    }
}

#[test]
fn a_key_id_of_the_documentation_stays() {
    for id in ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"] {
        assert_eq!(of(id), id);
    }
}

#[test]
fn an_unmarked_stand_in_is_remembered_from_the_cassette() {
    let call = call("Put");
    let input = call.service.shape(call.service.operation(call.operation).input);
    let (pin, spec) = (
        place(&call.service, input.member("pin")),
        place(&call.service, input.member("spec")),
    );
    let mut stand_ins = stand_ins();
    let short = Value::Text("3fa0c1d2".to_owned());
    assert_ne!(stand_ins.value(&short, pin), short);
    stand_ins.remember(&short);
    assert_eq!(stand_ins.value(&short, pin), short);
    assert_ne!(stand_ins.value(&short, spec), short, "a stand-in there would bear its mark");
}

#[test]
fn an_unmarked_stand_in_of_few_values_is_known_only_where_a_cassette_is_read() {
    let call = call("Put");
    let input = call.service.shape(call.service.operation(call.operation).input);
    let mut stand_ins = stand_ins();
    for (name, value) in [
        ("digits", Value::Text("0815".to_owned())),
        ("mode", Value::Text("ON".to_owned())),
        ("few", Value::Integer(3)),
    ] {
        let at = place(&call.service, input.member(name));
        let stand_in = stand_ins.value(&value, at);
        stand_ins.remember(&value);
        assert_eq!(stand_ins.value(&value, at), stand_in, "a client may mean it so");
        assert_eq!(stand_ins.again(&value, at), value);
    }
}

#[test]
fn any_salt_makes_a_key() {
    assert_eq!(key_of(SALT)[..3], [0, 1, 2]);
    assert_ne!(key_of(""), [0; 32]);
    assert_ne!(key_of("zz"), key_of(""));
}
