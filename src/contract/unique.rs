//! `@uniqueItems`: equality of values (Smithy 2.0, "uniqueItems trait", "Value equality").
//!
//! Timestamps are equal by instant, blobs by bytes, numbers by value, objects whatever the order
//! of their members.

use crate::decimal::Decimal;
use crate::value::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Lists and objects up to this length are compared pair by pair, which allocates nothing.
const SHORT: usize = 12;

/// Whether no two items are equal.
pub(super) fn all_differ(items: &[Value]) -> bool {
    if items.len() <= SHORT {
        return items
            .iter()
            .enumerate()
            .all(|(index, item)| items[..index].iter().all(|other| !equal(item, other)));
    }
    let mut seen: HashMap<u64, Vec<&Value>> = HashMap::with_capacity(items.len());
    for item in items {
        let alike = seen.entry(fingerprint(item)).or_default();
        if alike.iter().any(|other| equal(item, other)) {
            return false;
        }
        alike.push(item);
    }
    true
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one == other,
        (Value::Integer(_) | Value::Number(_), Value::Integer(_) | Value::Number(_)) => Decimal::of(one) == Decimal::of(other),
        (Value::List(one), Value::List(other)) => one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other)),
        (Value::Object(members), Value::Object(others)) if members.len().max(others.len()) <= SHORT => {
            contains(one, others) && contains(other, members)
        }
        (Value::Object(members), Value::Object(others)) => {
            let (members, others) = (that_count(members), that_count(others));
            members.len() == others.len()
                && members
                    .iter()
                    .all(|(name, value)| others.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => one == other,
    }
}

/// Whether every member of `others` that counts has its equal in `object`. A null member is an
/// absent one.
fn contains(object: &Value, others: &[(String, Value)]) -> bool {
    others.iter().enumerate().all(|(index, (name, value))| {
        let shadowed = others[index + 1..].iter().any(|(later, _)| later == name);
        shadowed || matches!(value, Value::Null) || object.member(name).is_some_and(|found| equal(found, value))
    })
}

/// The members that count: of one name the last, and no nulls.
fn that_count(members: &[(String, Value)]) -> HashMap<&str, &Value> {
    let mut last: HashMap<&str, &Value> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    last.retain(|_, value| **value != Value::Null);
    last
}

/// Equal values have equal fingerprints.
fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => 0u8.hash(&mut hasher),
        Value::Bool(truth) => truth.hash(&mut hasher),
        Value::Integer(_) | Value::Number(_) => Decimal::of(value).hash(&mut hasher),
        Value::Text(text) => text.hash(&mut hasher),
        Value::Blob(bytes) => bytes.hash(&mut hasher),
        Value::Timestamp { seconds, nanos } => (seconds, nanos).hash(&mut hasher),
        Value::List(items) => items.iter().for_each(|item| fingerprint(item).hash(&mut hasher)),
        // Order must not show: the members are summed up.
        Value::Object(members) => that_count(members)
            .into_iter()
            .fold(0u64, |sum, (name, value)| {
                let mut member = DefaultHasher::new();
                (name, fingerprint(value)).hash(&mut member);
                sum.wrapping_add(member.finish())
            })
            .hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: &[(&str, Value)]) -> Value {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// The verdict on a short list, made sure to be that on a long one.
    fn differ(one: Value, other: Value) -> bool {
        let short = all_differ(&[one.clone(), other.clone()]);
        let mut long: Vec<Value> = (0..100).map(|index| Value::Text(format!("item {index}"))).collect();
        long.insert(3, one);
        long.push(other);
        assert_eq!(all_differ(&long), short);
        short
    }

    #[test]
    fn equality_is_by_meaning() {
        let number = |text: &str| Value::Number(text.to_owned());
        assert!(!differ(Value::Integer(100), number("1e2")));
        assert!(!differ(number("1.50"), number("1.5")));
        assert!(differ(Value::Integer(1), Value::Text("1".to_owned())));
        assert!(differ(Value::Bool(true), Value::Bool(false)));
        assert!(!differ(
            object(&[("a", Value::Integer(1)), ("b", Value::Integer(2))]),
            object(&[("b", Value::Integer(2)), ("a", number("1.0")), ("c", Value::Null)])
        ));
        assert!(differ(object(&[("a", Value::Integer(1))]), object(&[("a", Value::Integer(2))])));
        assert!(!differ(
            object(&[("a", Value::Integer(1))]),
            object(&[("a", Value::Integer(7)), ("a", Value::Integer(1))])
        ));
        assert!(differ(Value::List(vec![Value::Integer(1)]), Value::List(vec![])));
        let wide = |last: i128| {
            let mut members: Vec<_> = (0..40).map(|index| (format!("m{index}"), Value::Integer(index))).collect();
            members.push(("m0".to_owned(), Value::Integer(last)));
            members.push(("n".to_owned(), Value::Null));
            Value::Object(members)
        };
        let mut turned = wide(7);
        if let Value::Object(members) = &mut turned {
            members[1..].reverse();
            members[0].1 = Value::Integer(7);
            members.retain(|(name, value)| name != "m0" || *value == Value::Integer(7));
        }
        assert!(!differ(wide(7), turned));
        assert!(differ(wide(7), wide(8)));
        let instant = |nanos| Value::Timestamp { seconds: 5, nanos };
        assert!(!differ(instant(0), instant(0)));
        assert!(differ(instant(0), instant(1)));
    }
}
