//! A decoded value as its receiver understands it: what `check` shows as `input` and `output`.
//!
//! Null and unknown members are dropped, in a response also the nulls of dense maps, and `@default`
//! members filled in, as Smithy asks of receivers ("Default values"); a response that lacks a required member shows the zero value
//! that a client puts there ("Client error correction"), next to the violation that says so.

use crate::contract::Side;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::Value;

/// The value as the receiver on `side` understands it.
pub fn present(service: &Service, shape: ShapeIndex, value: &Value, side: Side) -> Value {
    match (&service.shape(shape).kind, value) {
        (ShapeKind::Structure(members), Value::Object(_)) => {
            let present = |member: &Member| {
                let given = value.member(&member.name).filter(|given| **given != Value::Null);
                let shown = given
                    .map(|given| present(service, member.target, given, side))
                    .or_else(|| absent(service, member, side));
                shown.map(|shown| (member.name.clone(), shown))
            };
            Value::Object(members.list.iter().filter_map(present).collect())
        }
        (ShapeKind::Union(members), Value::Object(given)) => {
            let known = given.iter().filter(|(_, value)| *value != Value::Null);
            let shown = known.filter_map(|(name, value)| Some((name.clone(), present(service, members.find(name)?.target, value, side))));
            Value::Object(shown.collect())
        }
        (ShapeKind::Map { value: member, .. }, Value::Object(entries)) => {
            // A client drops a null of a map that may have none; a service refuses it.
            let dropped = |value: &Value| *value == Value::Null && side == Side::Response && !member.sparse;
            let kept = entries.iter().filter(|(_, value)| !dropped(value));
            Value::Object(
                kept.map(|(key, value)| (key.clone(), present(service, member.target, value, side)))
                    .collect(),
            )
        }
        (ShapeKind::List(item), Value::List(items)) => {
            Value::List(items.iter().map(|value| present(service, item.target, value, side)).collect())
        }
        // The events of a stream, each a union.
        (ShapeKind::Union(_), Value::List(events)) => {
            Value::List(events.iter().map(|event| present(service, shape, event, side)).collect())
        }
        (ShapeKind::Unit, Value::Object(_)) => Value::Object(Vec::new()),
        _ => value.clone(),
    }
}

/// What stands for a member that is not there.
fn absent(service: &Service, member: &Member, side: Side) -> Option<Value> {
    let target = service.shape(member.target);
    // A stream that was not sent has nothing to show, though its model must give it a default.
    if target.traits.contains_key("smithy.api#streaming") {
        return None;
    }
    let kind = &target.kind;
    let client_optional = member.traits.contains_key("smithy.api#clientOptional");
    let fills = !(side == Side::Response && client_optional);
    match member.traits.get("smithy.api#default") {
        Some(default) if fills && !default.is_null() => Some(from_json(default, kind)),
        _ if fills && side == Side::Response && member.required => zero(kind),
        _ => None,
    }
}

/// A model's default, which is written as JSON whatever the protocol.
fn from_json(default: &serde_json::Value, kind: &ShapeKind) -> Value {
    let text = default.to_string();
    let value = crate::codec::json::decode_untyped(text.as_bytes()).unwrap_or(Value::Null);
    match (kind, value) {
        (ShapeKind::Blob, Value::Text(text)) => crate::codec::json::blob(&text).unwrap_or(Value::Text(text)),
        (ShapeKind::Timestamp, Value::Integer(seconds)) => Value::Timestamp {
            seconds: i64::try_from(seconds).unwrap_or(0),
            nanos: 0,
        },
        (ShapeKind::Timestamp, Value::Text(text)) => {
            crate::codec::scalar::timestamp_from_text(&text, TimestampFormat::DateTime, Side::Response).unwrap_or(Value::Text(text))
        }
        (_, value) => value,
    }
}

fn zero(kind: &ShapeKind) -> Option<Value> {
    Some(match kind {
        ShapeKind::String(None) => Value::Text(String::new()),
        ShapeKind::Boolean => Value::Bool(false),
        ShapeKind::Byte | ShapeKind::Short | ShapeKind::Integer | ShapeKind::Long | ShapeKind::BigInteger => Value::Integer(0),
        ShapeKind::Float | ShapeKind::Double | ShapeKind::BigDecimal => Value::Integer(0),
        ShapeKind::Timestamp => Value::Timestamp { seconds: 0, nanos: 0 },
        ShapeKind::Blob => Value::Blob(Vec::new()),
        ShapeKind::List(_) => Value::List(Vec::new()),
        ShapeKind::Map { .. } | ShapeKind::Structure(_) => Value::Object(Vec::new()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_drops_the_nulls_of_a_dense_map_and_keeps_those_of_a_sparse_one() {
        let map = |name: &str, traits: &str| {
            format!(
                r##""a#{name}":{{"type":"map","key":{{"target":"smithy.api#String"}},"value":{{"target":"smithy.api#String"}},"traits":{{{traits}}}}},"##
            )
        };
        let model = format!(
            r##"{{"smithy":"2.0","shapes":{{{}{}
                "a#S":{{"type":"service","version":"1","operations":[{{"target":"a#Op"}}],"traits":{{"aws.protocols#awsJson1_0":{{}}}}}},
                "a#Op":{{"type":"operation","input":{{"target":"a#Both"}},"output":{{"target":"a#Both"}}}},
                "a#Both":{{"type":"structure","members":{{"dense":{{"target":"a#Dense"}},"sparse":{{"target":"a#Sparse"}}}}}}}}}}"##,
            map("Dense", ""),
            map("Sparse", r##""smithy.api#sparse":{}"##)
        );
        let service = crate::model::load(model.as_bytes(), "test").unwrap().remove(0);
        let output = service.operation(service.operation_named("Op").unwrap()).output;
        let object =
            |entries: Vec<(&str, Value)>| Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        let entries = object(vec![("x", Value::Text("y".to_owned())), ("z", Value::Null)]);
        let whole = object(vec![("dense", entries.clone()), ("sparse", entries.clone())]);
        let dropped = object(vec![("x", Value::Text("y".to_owned()))]);
        assert_eq!(
            present(&service, output, &whole, Side::Response),
            object(vec![("dense", dropped), ("sparse", entries)])
        );
        assert_eq!(present(&service, output, &whole, Side::Request), whole);
    }
}
