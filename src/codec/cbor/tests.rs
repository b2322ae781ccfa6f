use super::*;
use crate::model::load;

fn service() -> Service {
    let model = r#"{"smithy": "2.0", "shapes": {
            "a#S": {"type": "service", "version": "1", "operations": [{"target": "a#Do"}]},
            "a#Do": {"type": "operation", "input": {"target": "a#In"}},
            "a#In": {"type": "structure", "members": {"f": {"target": "smithy.api#Float"}, "d": {"target": "smithy.api#Double"},
                "i": {"target": "smithy.api#BigInteger"}, "x": {"target": "smithy.api#BigDecimal"}, "t": {"target": "smithy.api#Timestamp"}}}}}"#;
    load(model.as_bytes(), "test").unwrap().remove(0)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn shown(hex: &str) -> String {
    let mut out = String::new();
    crate::codec::json::write(&decode(&service(), None, &bytes(hex), Epoch::Seconds).unwrap(), &mut out);
    out
}

fn refused(hex: &str) -> String {
    decode(&service(), None, &bytes(hex), Epoch::Seconds).unwrap_err().to_string()
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 8949, appendix A.
    for (hex, wanted) in [
        ("00", "0"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("3bffffffffffffffff", "-18446744073709551616"),
        ("c249010000000000000000", "18446744073709551616"),
        ("c349010000000000000000", "-18446744073709551617"),
        ("f90001", "5.960464477539063e-8"),
        ("f97bff", "65504.0"),
        ("f9c400", "-4.0"),
        ("f97e00", r#""NaN""#),
        ("f9fc00", r#""-Infinity""#),
        ("fa47c35000", "100000.0"),
        ("fa3dcccccd", "0.1"),
        ("fb3ff199999999999a", "1.1"),
        ("fb7e37e43c8800759c", "1e+300"),
        ("f6", "null"),
        ("f7", "null"),
        ("c11a514b67b0", "1363896240"),
        ("c1fb41d452d9ec200000", "1363896240.5"),
        ("d74401020304", r#""AQIDBA==""#),
        ("c48221196ab3", "27315e-2"),
        ("6449455446", r#""IETF""#),
        ("5f42010243030405ff", r#""AQIDBAU=""#),
        ("7f657374726561646d696e67ff", r#""streaming""#),
        ("9f018202039f0405ffff", "[1,[2,3],[4,5]]"),
        ("bf61610161629f0203ffff", r#"{"a":1,"b":[2,3]}"#),
    ] {
        assert_eq!(shown(hex), wanted, "{hex}");
    }
}

#[test]
fn numbers_are_exact_however_long_they_are() {
    let twenty_bytes = "1461501637330902918203684832716283019655932542975";
    assert_eq!(shown(&format!("c254{}", "ff".repeat(20))), twenty_bytes);
    assert_eq!(shown("c240"), "0");
    assert!(refused(&format!("c2590800{}", "ff".repeat(2048))).starts_with("a number that is too long"));
}

#[test]
fn what_is_not_one_document_is_refused_with_the_place() {
    assert!(refused("").ends_with("at byte 0"), "{}", refused(""));
    assert_eq!(refused("0000"), "more behind the document at byte 1");
    assert!(refused("a1616101ff").contains("at byte 4"));
    assert!(refused("a10101").contains("at byte 1"));
    assert!(refused("61ff").contains("at byte 0"));
    assert!(refused("c1617a").contains("tag 1"));
    assert!(refused("9bffffffffffffffff").contains("at byte 9"));
    assert!(refused(&"81".repeat(600)).contains("more than 128 deep"));
    assert!(refused(&"c6".repeat(600)).contains("more than 128 deep"));
}

#[test]
fn numbers_are_written_as_their_shapes_ask() {
    let service = service();
    let shape = service.operations[0].input;
    let written = |name: &str, value: Value| {
        let value = Value::Object(vec![(name.to_owned(), value), ("null".to_owned(), Value::Null)]);
        let bytes = encode(&service, shape, &value, Epoch::Seconds);
        bytes[3..].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let number = |lexeme: &str| Value::Number(lexeme.to_owned());
    assert_eq!(written("f", number("1.5")), "fa3fc00000");
    assert_eq!(written("d", Value::Integer(1)), "fb3ff0000000000000");
    assert_eq!(written("d", Value::Text("NaN".to_owned())), "fb7ff8000000000000");
    assert_eq!(written("i", Value::Integer(-18_446_744_073_709_551_617)), "c349010000000000000000");
    assert_eq!(written("x", number("273.15")), "c48221196ab3");
    let instant = Value::Timestamp {
        seconds: 1_363_896_240,
        nanos: 500_000_000,
    };
    assert_eq!(written("t", instant), "c1fb41d452d9ec200000");
}

/// What the SDK for Java 2 sends for an instant in `GetShardIterator`, and what emulators answer.
#[test]
fn timestamps_of_aws_json_are_milliseconds_and_seconds_are_known_by_their_size() {
    let instant = Value::Timestamp {
        seconds: 1_787_036_486,
        nanos: 712_000_000,
    };
    let service = service();
    let shape = service.operations[0].input;
    let whole = |value: &Value| Value::Object(vec![("t".to_owned(), value.clone())]);
    let read = |hex: &str| decode(&service, Some(shape), &bytes(hex), Epoch::Milliseconds).unwrap();
    let milliseconds = "1b000001a013accc38";
    for hex in [
        format!("a16174c1{milliseconds}"),
        format!("a16174{milliseconds}"),
        "a16174c1fb41daa100d1ad9168".to_owned(),
    ] {
        assert_eq!(read(&hex), whole(&instant), "{hex}");
    }
    let written = encode(&service, shape, &whole(&instant), Epoch::Milliseconds);
    assert_eq!(written, bytes(&format!("a16174c1{milliseconds}")));
    let text = format!("a16178c1{milliseconds}");
    assert_eq!(
        decode_untyped(&bytes(&text), Epoch::Milliseconds).unwrap().member("x"),
        Some(&instant)
    );
}
