//! The rules for a single value: is it of the type, and does it obey a constraint.
//!
//! Everything here answers for one value at one place; where that place is, and what becomes of
//! the answer, is the walk's business. No text made here ever holds a value.

use crate::decimal::Decimal;
use crate::model::schema::{EnumValue, Length, Range, ShapeKind};
use crate::value::Value;
use std::cmp::Ordering;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what a timestamp may say (Smithy 2.0, "timestampFormat trait").
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;

/// Whether a value is of a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Fits,
    /// A whole number in an odd spelling (`1.0`): no vector decides it, so it is told and tolerated.
    OddSpelling,
    /// What the value must be, to go behind `Member must be `.
    Breach(String),
}

/// Judges the type of a value that is not a null member.
pub(super) fn typed(kind: &ShapeKind, value: &Value) -> Typed {
    let fits = match (kind, value) {
        (ShapeKind::Document, _) => true,
        (ShapeKind::String(_), Value::Text(_)) => true,
        (ShapeKind::Blob, Value::Blob(_)) => true,
        (ShapeKind::Boolean, Value::Bool(_)) => true,
        (ShapeKind::Float | ShapeKind::Double | ShapeKind::BigDecimal, Value::Integer(_) | Value::Number(_)) => true,
        (ShapeKind::Float | ShapeKind::Double, Value::Text(text)) => is_non_finite(text),
        (ShapeKind::List(_), Value::List(_)) => true,
        (ShapeKind::Map { .. } | ShapeKind::Structure(_) | ShapeKind::Union(_) | ShapeKind::Unit, Value::Object(_)) => true,
        (ShapeKind::Unit, Value::Null) => true,
        (ShapeKind::Timestamp, Value::Timestamp { seconds, .. }) => {
            if !(FIRST_SECOND..=LAST_SECOND).contains(seconds) {
                return Typed::Breach("a timestamp between the years 1 and 9999".to_owned());
            }
            true
        }
        (_, Value::Integer(_) | Value::Number(_)) => match integer_bounds(kind) {
            Some(bounds) => return integer(bounds, value),
            None => false,
        },
        _ => false,
    };
    if fits { Typed::Fits } else { Typed::Breach(wanted(kind, value)) }
}

/// The bounds of an integer type; outer `None` for anything else, inner for one without bounds.
#[allow(clippy::option_option)]
fn integer_bounds(kind: &ShapeKind) -> Option<Option<(i128, i128)>> {
    Some(match kind {
        ShapeKind::Byte => Some((i8::MIN.into(), i8::MAX.into())),
        ShapeKind::Short => Some((i16::MIN.into(), i16::MAX.into())),
        ShapeKind::Integer | ShapeKind::IntEnum(_) => Some((i32::MIN.into(), i32::MAX.into())),
        ShapeKind::Long => Some((i64::MIN.into(), i64::MAX.into())),
        ShapeKind::BigInteger => None,
        _ => return None,
    })
}

fn integer(bounds: Option<(i128, i128)>, value: &Value) -> Typed {
    let Some((min, max)) = bounds else {
        let whole = matches!(value, Value::Integer(_)) || Decimal::of(value).is_some_and(|number| number.is_whole());
        return if whole {
            Typed::Fits
        } else {
            Typed::Breach("an integer, not a fraction".to_owned())
        };
    };
    let number = match value {
        Value::Integer(integer) => Some(*integer),
        _ => match Decimal::of(value) {
            Some(number) if number.is_whole() => number.to_integer(),
            _ => return Typed::Breach("an integer, not a fraction".to_owned()),
        },
    };
    match (number, value) {
        (Some(number), Value::Integer(_)) if (min..=max).contains(&number) => Typed::Fits,
        (Some(number), _) if (min..=max).contains(&number) => Typed::OddSpelling,
        _ => Typed::Breach(format!("an integer between {min} and {max}")),
    }
}

fn wanted(kind: &ShapeKind, value: &Value) -> String {
    let wanted = match kind {
        ShapeKind::Blob if matches!(value, Value::Text(_)) => return "a string of valid base64".to_owned(),
        ShapeKind::Blob => "a base64 string",
        ShapeKind::Boolean => "a boolean",
        ShapeKind::String(_) => "a string",
        ShapeKind::Byte | ShapeKind::Short | ShapeKind::Integer | ShapeKind::Long | ShapeKind::IntEnum(_) | ShapeKind::BigInteger => {
            "an integer"
        }
        ShapeKind::Float | ShapeKind::Double | ShapeKind::BigDecimal => "a number",
        ShapeKind::Timestamp => "a timestamp in the protocol's format",
        ShapeKind::Document => "a document",
        ShapeKind::List(_) => "a list",
        ShapeKind::Map { .. } | ShapeKind::Structure(_) | ShapeKind::Union(_) | ShapeKind::Unit => "an object",
    };
    format!("{wanted}, not {}", value.kind())
}

fn is_non_finite(text: &str) -> bool {
    matches!(text, "NaN" | "Infinity" | "-Infinity")
}

/// Whether a length is inside its bounds.
pub(super) fn obeys_length(length: &Length, count: usize) -> bool {
    let count = count as u64;
    length.min.is_none_or(|min| count >= min) && length.max.is_none_or(|max| count <= max)
}

/// A string's length in Unicode scalar values.
pub(super) fn text_length(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn length_text(length: &Length) -> String {
    match (length.min, length.max) {
        (Some(min), Some(max)) => format!("Member must have length between {min} and {max}, inclusive"),
        (Some(min), None) => format!("Member must have length greater than or equal to {min}"),
        (None, Some(max)) => format!("Member must have length less than or equal to {max}"),
        (None, None) => "Member must have a length".to_owned(),
    }
}

/// Whether a number is inside its bounds. `NaN` never is; an infinity breaks the bound on its side.
pub(super) fn obeys_range(range: &Range, value: &Value) -> bool {
    match value {
        Value::Text(text) => match text.as_str() {
            "Infinity" => range.max.is_none(),
            "-Infinity" => range.min.is_none(),
            _ => false,
        },
        _ => {
            let above = |bound: &String| compare(value, bound).is_none_or(Ordering::is_ge);
            let below = |bound: &String| compare(value, bound).is_none_or(Ordering::is_le);
            range.min.as_ref().is_none_or(above) && range.max.as_ref().is_none_or(below)
        }
    }
}

/// How a number lies to a bound; `None` where the model's bound is no number.
fn compare(value: &Value, bound: &str) -> Option<Ordering> {
    if let (Value::Integer(integer), Ok(bound)) = (value, bound.parse::<i128>()) {
        return Some(integer.cmp(&bound));
    }
    Some(Decimal::of(value)?.cmp(&Decimal::parse(bound)?))
}

pub(super) fn range_text(range: &Range) -> String {
    match (&range.min, &range.max) {
        (Some(min), Some(max)) => format!("Member must be between {min} and {max}, inclusive"),
        (Some(min), None) => format!("Member must be greater than or equal to {min}"),
        (None, Some(max)) => format!("Member must be less than or equal to {max}"),
        (None, None) => "Member must be in range".to_owned(),
    }
}

/// Whether a text is one of an enumeration's values, the internal ones included.
pub(super) fn obeys_enum(values: &[EnumValue], text: &str) -> bool {
    values.iter().any(|value| value.value == text)
}

/// Whether a number is one of an `intEnum`'s values.
pub(super) fn obeys_int_enum(values: &[i64], value: &Value) -> bool {
    let integer = match value {
        Value::Integer(integer) => Some(*integer),
        other => Decimal::of(other).and_then(|number| number.to_integer()),
    };
    integer.is_some_and(|integer| values.iter().any(|&value| i128::from(value) == integer))
}

/// The public values, ascending, as services list them.
pub(super) fn enum_text(values: &[EnumValue]) -> String {
    let mut public: Vec<&str> = values
        .iter()
        .filter(|value| !value.internal)
        .map(|value| value.value.as_str())
        .collect();
    public.sort_unstable();
    format!("Member must satisfy enum value set: [{}]", public.join(", "))
}

pub(super) fn int_enum_text(values: &[i64]) -> String {
    let mut values = values.to_vec();
    values.sort_unstable();
    let values: Vec<String> = values.iter().map(i64::to_string).collect();
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}
