//! What stands for a value that its place leaves few others: a PIN, a value of an enumeration, a
//! number from 1 to 3.
//!
//! A hash cut to so few would soon give two of them one stand-in, and calls that differ would match.
//! The stand-in is another of the few instead, by a permutation under the cassette's key: different
//! values stay different, and whatever the model allows is still obeyed. It bears no mark and may be
//! somebody's true value too, so it does not stand for itself, except where a cassette is read.

use super::{At, StandIns};
use crate::decimal::Decimal;
use crate::model::schema::ShapeKind;
use crate::value::Value;

/// As many values are few. Anybody who has the cassette can try so many.
const FEW: u64 = 1 << 20;

/// Steps after which no other text is looked for that a pattern takes.
const STEPS: u32 = 4096;

/// Rounds of the permutation.
const ROUNDS: u8 = 6;

/// The stand-in of a number with few others beside it; nothing where there are many, or where the
/// number is none of them.
pub(super) fn number(stand_ins: &StandIns, value: &Value, at: At<'_>) -> Option<Value> {
    let number = Decimal::of(value).filter(Decimal::is_whole)?.to_integer()?;
    if let Some(ShapeKind::IntEnum(values)) = at.kind {
        let position = values.iter().position(|value| i128::from(*value) == number)?;
        let other = values.get(permuted(stand_ins, position as u64, values.len() as u64) as usize)?;
        return Some(Value::Integer(i128::from(*other)));
    }
    let (min, max) = bounds(at, number);
    let (min, max) = (min?, max?);
    if !(min..=max).contains(&number) {
        return None;
    }
    let count = u64::try_from(max - min + 1).ok().filter(|count| *count <= FEW)?;
    let other = permuted(stand_ins, u64::try_from(number - min).ok()?, count);
    Some(Value::Integer(min + i128::from(other)))
}

/// Between what a stand-in for `number` must lie. What has no other lower bound is not negative.
pub(super) fn bounds(at: At<'_>, number: i128) -> (Option<i128>, Option<i128>) {
    let range = at.member.and_then(|member| member.constraints.range.as_ref());
    let bound = |text: &Option<String>| Decimal::parse(text.as_ref()?)?.to_integer();
    let (min, max) = range.map_or((None, None), |range| (bound(&range.min), bound(&range.max)));
    let (least, most) = match at.kind {
        Some(ShapeKind::Byte) => (Some(i128::from(i8::MIN)), Some(i128::from(i8::MAX))),
        Some(ShapeKind::Short) => (Some(i128::from(i16::MIN)), Some(i128::from(i16::MAX))),
        _ => (None, None),
    };
    let min = min.or_else(|| (number >= 0 && max? >= 0).then_some(0));
    (min.or(least), max.or(most))
}

/// The stand-in of a value of an enumeration; nothing where the text is none of them.
pub(super) fn named(stand_ins: &StandIns, text: &str, at: At<'_>) -> Option<String> {
    let Some(ShapeKind::String(Some(values))) = at.kind else {
        return None;
    };
    let position = values.iter().position(|known| known.value == text)?;
    let other = permuted(stand_ins, position as u64, values.len() as u64) as usize;
    values.get(other).map(|other| other.value.clone())
}

/// As many other bytes as these, where they are one or two; nothing where they are none or more.
pub(super) fn bytes(stand_ins: &StandIns, bytes: &[u8]) -> Option<Vec<u8>> {
    let other = |number: u64, count: u64| permuted(stand_ins, number, count);
    match *bytes {
        [byte] => Some(vec![other(u64::from(byte), 1 << 8) as u8]),
        [high, low] => {
            let number = other(u64::from(u16::from_be_bytes([high, low])), 1 << 16);
            Some((number as u16).to_be_bytes().to_vec())
        }
        _ => None,
    }
}

/// A text of the same shape (digits stay digits, small letters small, all else as it is) that
/// `obeys`; nothing where there are many such texts or only the one, or where none is found.
pub(super) fn shaped(stand_ins: &StandIns, text: &str, obeys: &dyn Fn(&str) -> bool) -> Option<String> {
    let count = shapes(text).filter(|count| *count > 1)?;
    let mut number = 0;
    for byte in text.bytes() {
        if let Some((first, size)) = alphabet(byte) {
            number = number * size + u64::from(byte - first);
        }
    }
    for _ in 0..STEPS {
        number = permuted(stand_ins, number, count);
        let other = spelled(text, number);
        if obeys(&other) {
            return Some(other);
        }
    }
    None
}

/// Whether few texts have the shape of this one.
pub fn is_short(text: &str) -> bool {
    shapes(text).is_some()
}

/// How many texts have the shape of this one; nothing where they are many.
fn shapes(text: &str) -> Option<u64> {
    let mut sizes = text.bytes().filter_map(alphabet).map(|(_, size)| size);
    sizes.try_fold(1u64, |count, size| Some(count * size).filter(|count| *count <= FEW))
}

fn alphabet(byte: u8) -> Option<(u8, u64)> {
    match byte {
        b'0'..=b'9' => Some((b'0', 10)),
        b'a'..=b'z' => Some((b'a', 26)),
        b'A'..=b'Z' => Some((b'A', 26)),
        _ => None,
    }
}

/// The text of that number among those of a shape.
fn spelled(shape: &str, mut number: u64) -> String {
    let other = shape.chars().rev().map(|letter| {
        let Some((first, size)) = u8::try_from(letter).ok().and_then(alphabet) else {
            return letter;
        };
        let digit = number % size;
        number /= size;
        char::from(first + digit as u8)
    });
    let backwards: Vec<char> = other.collect();
    backwards.into_iter().rev().collect()
}

/// A keyed permutation of the numbers below `count`: a Feistel network over the next even number of
/// bits, walked on until it leads below.
pub(super) fn permuted(stand_ins: &StandIns, number: u64, count: u64) -> u64 {
    let bits = (64 - count.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1u64 << bits) - 1;
    let mut number = number;
    loop {
        let (mut left, mut right) = (number >> bits, number & mask);
        for round in 0..ROUNDS {
            let mut block = [round; 9];
            block[..8].copy_from_slice(&right.to_le_bytes());
            (left, right) = (right, left ^ (stand_ins.number(b'f', &block) & mask));
        }
        number = left << bits | right;
        if number < count {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{SALT, call};
    use super::*;
    use std::collections::BTreeSet;

    /// What stands for each of these at a place of the test model.
    fn all(member: &str, values: &[Value]) -> Vec<Value> {
        let call = call("Put");
        let input = call.service.shape(call.service.operation(call.operation).input);
        let member = input.member(member);
        let at = At {
            member,
            kind: member.map(|member| &call.service.shape(member.target).kind),
            ..At::default()
        };
        let stand_ins = StandIns::new(SALT);
        values.iter().map(|value| stand_ins.value(value, at)).collect()
    }

    fn texts(texts: &[&str]) -> Vec<Value> {
        texts.iter().map(|text| Value::Text((*text).to_owned())).collect()
    }

    #[test]
    fn the_values_of_an_enumeration_stand_for_each_other() {
        let values = texts(&["ON", "OFF", "AUTO"]);
        let stand_ins = all("mode", &values);
        assert!(values.iter().all(|value| stand_ins.contains(value)), "{stand_ins:?}");
        let unknown = &all("mode", &texts(&["HALF"]))[0];
        assert!(super::super::is_marked(unknown), "{unknown:?}");
    }

    #[test]
    fn the_numbers_of_a_range_stand_for_each_other() {
        let values = [1, 2, 3].map(Value::Integer);
        let stand_ins = all("few", &values);
        assert!(values.iter().all(|value| stand_ins.contains(value)), "{stand_ins:?}");
        let spelled = all("few", &[Value::Integer(2), Value::Number("2.0".to_owned())]);
        assert_eq!(spelled[0], spelled[1]);
    }

    #[test]
    fn different_digits_have_different_stand_ins_that_obey_the_pattern() {
        let values: Vec<String> = (0..10_000).map(|number| format!("{number:04}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let stand_ins = all("digits", &texts(&values));
        let different: BTreeSet<&str> = stand_ins.iter().filter_map(Value::as_text).collect();
        assert_eq!(different, values.into_iter().collect());
    }

    #[test]
    fn different_bytes_have_different_stand_ins_of_their_length() {
        let stand_ins = StandIns::new(SALT);
        let of = |bytes: &[u8]| bytes_of(&stand_ins, bytes);
        let ones: BTreeSet<Vec<u8>> = (0..=u8::MAX).map(|byte| of(&[byte])).collect();
        let twos: BTreeSet<Vec<u8>> = (0..=u16::MAX).map(|number| of(&number.to_be_bytes())).collect();
        assert_eq!(ones.len(), 1 << 8);
        // `{}` and `[]` hold nothing, and stay as they are.
        assert!(twos.len() >= (1 << 16) - 2);
        assert!(ones.iter().all(|bytes| bytes.len() == 1) && twos.iter().all(|bytes| bytes.len() == 2));
    }

    fn bytes_of(stand_ins: &StandIns, bytes: &[u8]) -> Vec<u8> {
        match stand_ins.value(&Value::Blob(bytes.to_vec()), At::default()) {
            Value::Blob(other) => other,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_keeps_its_shape() {
        let stand_ins = StandIns::new(SALT);
        let other = shaped(&stand_ins, "a-1Z", &|_| true).unwrap();
        assert!(other != "a-1Z" && other.len() == 4 && other.as_bytes()[1] == b'-', "{other}");
        assert!(
            other.as_bytes()[0].is_ascii_lowercase() && other.as_bytes()[2].is_ascii_digit() && other.as_bytes()[3].is_ascii_uppercase()
        );
        assert_eq!(shaped(&stand_ins, "--", &|_| true), None, "it would stand for itself");
        assert_eq!(shaped(&stand_ins, "abcdefgh", &|_| true), None, "there are many");
        assert_eq!(shaped(&stand_ins, "abc", &|_| false), None);
    }
}
