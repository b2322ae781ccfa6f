//! Smithy RPC v2 JSON: [`RpcV2`] with documents in JSON.
//!
//! Timestamps are always numbers of epoch seconds, whatever `@timestampFormat` says, and big
//! integers and decimals are strings, which keep their digits on any way.

use super::Malformed;
use super::rpc_v2::RpcV2;
use crate::codec::{json, scalar};
use crate::json::rewrite::write_string;
use crate::model::schema::{Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::Value;

/// The protocol.
pub static RPC_V2_JSON: RpcV2 = RpcV2 {
    id: "smithy.protocols#rpcv2Json",
    name: "rpc-v2-json",
    content_type: "application/json",
    decode,
    encode,
    encode_texts,
};

fn decode(service: &Service, shape: Option<ShapeIndex>, body: &[u8]) -> Result<Value, Malformed> {
    let value = json::decode_untyped(body).map_err(|error| Malformed(format!("the body is not JSON: {error}")))?;
    Ok(match shape {
        Some(shape) => each(service, shape, value, &typed),
        None => value,
    })
}

/// What JSON wrote, as the type that the shape asks for.
fn typed(kind: &ShapeKind, value: Value) -> Value {
    match (kind, value) {
        (ShapeKind::Blob, Value::Text(text)) => json::blob(&text).unwrap_or(Value::Text(text)),
        (ShapeKind::BigInteger | ShapeKind::BigDecimal, Value::Text(text)) => scalar::number_from_text(&text).unwrap_or(Value::Text(text)),
        (ShapeKind::Timestamp, Value::Integer(seconds)) => {
            scalar::timestamp_from_number(&seconds.to_string()).unwrap_or(Value::Integer(seconds))
        }
        (ShapeKind::Timestamp, Value::Number(lexeme)) => scalar::timestamp_from_number(&lexeme).unwrap_or(Value::Number(lexeme)),
        (_, value) => value,
    }
}

fn encode(service: &Service, shape: ShapeIndex, value: &Value) -> Vec<u8> {
    let mut out = String::new();
    json::write(&each(service, shape, value.clone(), &written), &mut out);
    out.into_bytes()
}

/// What JSON is to write for a value of a type; everything else it writes as it should.
fn written(kind: &ShapeKind, value: Value) -> Value {
    match (kind, value) {
        (ShapeKind::BigInteger | ShapeKind::BigDecimal, number @ (Value::Integer(_) | Value::Number(_))) => {
            Value::Text(scalar::to_text(&number, TimestampFormat::EpochSeconds).unwrap_or_default())
        }
        (ShapeKind::Structure(_) | ShapeKind::Union(_), Value::Object(members)) => {
            Value::Object(members.into_iter().filter(|(_, value)| *value != Value::Null).collect())
        }
        (_, value) => value,
    }
}

/// Changes every value below a shape, the innermost first.
fn each(service: &Service, shape: ShapeIndex, value: Value, change: &impl Fn(&ShapeKind, Value) -> Value) -> Value {
    let kind = &service.shape(shape).kind;
    let value = match (kind, value) {
        (ShapeKind::List(item), Value::List(items)) => {
            let items = items.into_iter().map(|value| each(service, item.target, value, change));
            Value::List(items.collect())
        }
        (ShapeKind::Map { value: member, .. }, Value::Object(entries)) => {
            let entries = entries
                .into_iter()
                .map(|(name, value)| (name, each(service, member.target, value, change)));
            Value::Object(entries.collect())
        }
        (ShapeKind::Structure(known) | ShapeKind::Union(known), Value::Object(members)) => {
            let below = |(name, value): (String, Value)| match known.find(&name) {
                Some(member) => (name, each(service, member.target, value, change)),
                None => (name, value),
            };
            Value::Object(members.into_iter().map(below).collect())
        }
        (_, value) => value,
    };
    change(kind, value)
}

fn encode_texts(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = String::new();
    for (index, (name, text)) in members.iter().enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        write_string(name, &mut out);
        out.push(':');
        write_string(text, &mut out);
    }
    out.push('}');
    out.into_bytes()
}
