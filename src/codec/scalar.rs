//! Scalars that every text protocol writes alike: [`from_text`] and [`to_text`] for headers, query,
//! labels, forms and XML, which know nothing but text, and timestamps in their three formats.

use crate::decimal::Decimal;
use crate::model::schema::{Members, ShapeKind, TimestampFormat};
use crate::value::{Side, Value};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Seconds in 1..=9999, the years that a Smithy timestamp may lie in.
pub const TIMESTAMP_RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Text as a scalar of a type, where it fits; else it stays text, and the contract calls it a
/// breach of `type`.
///
/// White space around anything but a string means nothing, as in XML.
pub fn from_text(kind: &ShapeKind, text: &str, format: TimestampFormat, side: Side) -> Value {
    let trimmed = text.trim();
    let read = match kind {
        ShapeKind::Boolean => match trimmed {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        ShapeKind::Byte
        | ShapeKind::Short
        | ShapeKind::Integer
        | ShapeKind::Long
        | ShapeKind::IntEnum(_)
        | ShapeKind::BigInteger
        | ShapeKind::BigDecimal => number_from_text(trimmed),
        ShapeKind::Float | ShapeKind::Double => match trimmed {
            "NaN" | "Infinity" | "-Infinity" => Some(Value::Text(trimmed.to_owned())),
            _ => number_from_text(trimmed),
        },
        ShapeKind::Timestamp => timestamp_from_text(trimmed, format, side),
        ShapeKind::Blob => blob_from_text(text),
        _ => None,
    };
    read.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// A number as JSON would write it, by its lexeme; nothing for any other text.
pub fn number_from_text(text: &str) -> Option<Value> {
    if !is_number(text) {
        return None;
    }
    // `-0` is kept as it was written: as an integer it would lose its sign.
    Some(match text.parse::<i128>() {
        Ok(integer) if text != "-0" => Value::Integer(integer),
        _ => Value::Number(text.to_owned()),
    })
}

/// Whether a text is a number in JSON's grammar (RFC 8259, section 6).
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// A blob from base64 (RFC 4648, section 4, with padding), which may be broken into lines.
fn blob_from_text(text: &str) -> Option<Value> {
    if !text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return BASE64.decode(text).ok().map(Value::Blob);
    }
    let joined: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(joined).ok().map(Value::Blob)
}

/// The text of a scalar; nothing for null, a list or an object.
pub fn to_text(value: &Value, format: TimestampFormat) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(text) | Value::Text(text) => text.clone(),
        Value::Blob(bytes) => BASE64.encode(bytes),
        Value::Timestamp { seconds, nanos } => timestamp_text(*seconds, *nanos, format),
        Value::Null | Value::List(_) | Value::Object(_) => return None,
    })
}

/// What a member that the model does not know is called in a value: as on the wire, but never
/// like a member that it is not. (A member may be called otherwise on the wire.)
pub fn unknown_name(members: &Members, written: &str) -> String {
    match members.find(written) {
        Some(_) => format!("unknown:{written}"),
        None => written.to_owned(),
    }
}

/// A timestamp from text in a format; nothing where it is not in that format. Epoch seconds are
/// written as JSON would write them.
///
/// A request's `date-time` must be in UTC; a response's may have an offset, which is normalised
/// (the protocol tests `…RejectsUTCOffsets` and `…DateTimeWithPositiveOffset`).
pub fn timestamp_from_text(text: &str, format: TimestampFormat, side: Side) -> Option<Value> {
    let format = match (format, side) {
        (TimestampFormat::DateTime, Side::Request) => Format::DateTime,
        (TimestampFormat::DateTime, Side::Response) => Format::DateTimeWithOffset,
        (TimestampFormat::HttpDate, _) => Format::HttpDate,
        (TimestampFormat::EpochSeconds, _) if is_number(text) => return timestamp_from_number(text),
        (TimestampFormat::EpochSeconds, _) => return None,
    };
    let parsed = DateTime::from_str(text, format).ok()?;
    Some(Value::Timestamp {
        seconds: parsed.secs(),
        nanos: parsed.subsec_nanos(),
    })
}

/// A timestamp from the lexeme of a number of epoch seconds, exact to the nanosecond (what is
/// finer is cut off).
pub fn timestamp_from_number(lexeme: &str) -> Option<Value> {
    if let Some(timestamp) = plain_seconds(lexeme) {
        return Some(timestamp);
    }
    let nanos = Decimal::parse(lexeme)?.scaled(9)?;
    Some(Value::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?,
        nanos: u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?,
    })
}

/// The spelling that services use, `1700000000.123`; nothing for any other. Nearly every timestamp
/// is read here, without the arithmetic that exponents and signs ask for.
fn plain_seconds(lexeme: &str) -> Option<Value> {
    let (whole, fraction) = lexeme.split_once('.').unwrap_or((lexeme, "0"));
    let is_plain = |digits: &str, most: usize| digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole, 18) || !is_plain(fraction, 9) {
        return None;
    }
    let scale = 10u32.pow(9 - fraction.len() as u32);
    Some(Value::Timestamp {
        seconds: whole.parse().ok()?,
        nanos: fraction.parse::<u32>().ok()? * scale,
    })
}

/// Writes an instant in a format; epoch seconds as a number with as many decimals as it needs.
pub fn timestamp_text(seconds: i64, nanos: u32, format: TimestampFormat) -> String {
    let textual = match format {
        TimestampFormat::EpochSeconds => return epoch_seconds(seconds, nanos),
        TimestampFormat::DateTime => Format::DateTime,
        TimestampFormat::HttpDate => Format::HttpDate,
    };
    DateTime::from_secs_and_nanos(seconds, nanos)
        .fmt(textual)
        .unwrap_or_else(|_| epoch_seconds(seconds, nanos))
}

fn epoch_seconds(seconds: i64, nanos: u32) -> String {
    if nanos == 0 {
        return seconds.to_string();
    }
    // -0.5 is kept as second -1 and half a second after it.
    let (sign, whole, part) = if seconds < 0 {
        ("-", -(i128::from(seconds) + 1), 1_000_000_000 - nanos)
    } else {
        ("", i128::from(seconds), nanos)
    };
    format!("{sign}{whole}.{}", format!("{part:09}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(seconds: i64, nanos: u32) -> Option<Value> {
        Some(Value::Timestamp { seconds, nanos })
    }

    #[test]
    fn epoch_seconds_are_exact() {
        for (lexeme, seconds, nanos) in [
            ("0", 0, 0),
            ("1700000000.123", 1_700_000_000, 123_000_000),
            ("1700000000.999999999", 1_700_000_000, 999_999_999),
            ("999999999999999999", 999_999_999_999_999_999, 0),
            ("1.7e9", 1_700_000_000, 0),
            ("-0.5", -1, 500_000_000),
            ("1576540098.0000000009", 1_576_540_098, 0),
            ("0.1e-30", 0, 0),
        ] {
            assert_eq!(timestamp_from_number(lexeme), instant(seconds, nanos), "{lexeme}");
        }
        assert_eq!(timestamp_from_number("1e300"), None);
        for odd in ["1700000000.", ".5", "+5", "007", ""] {
            assert_eq!(
                timestamp_from_text(odd, TimestampFormat::EpochSeconds, Side::Request),
                None,
                "{odd}"
            );
        }
        for text in ["1700000000.123", "-0.5", "-2", "-1.25"] {
            let Some(Value::Timestamp { seconds, nanos }) = timestamp_from_number(text) else {
                panic!()
            };
            assert_eq!(timestamp_text(seconds, nanos, TimestampFormat::EpochSeconds), text);
        }
    }

    #[test]
    fn text_becomes_what_the_shape_asks_for_or_stays_text() {
        let read = |kind, text| from_text(&kind, text, TimestampFormat::DateTime, Side::Request);
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(read(ShapeKind::Boolean, " true\n"), Value::Bool(true));
        assert_eq!(read(ShapeKind::Boolean, "TRUE"), text("TRUE"));
        assert_eq!(read(ShapeKind::Integer, "-12"), Value::Integer(-12));
        assert_eq!(read(ShapeKind::Long, "1.0"), Value::Number("1.0".to_owned()));
        assert_eq!(read(ShapeKind::Double, "NaN"), text("NaN"));
        assert_eq!(read(ShapeKind::Double, "-0"), Value::Number("-0".to_owned()));
        assert_eq!(read(ShapeKind::Blob, "Zm\n 9v"), Value::Blob(b"foo".to_vec()));
        assert_eq!(read(ShapeKind::Blob, "Zm9"), text("Zm9"));
        assert_eq!(read(ShapeKind::String(None), " a "), text(" a "));
        for odd in ["", "+5", "0x42", "2ABC", "007", ".5", "1.", "1e", "Infinity", "1 2"] {
            assert_eq!(read(ShapeKind::Integer, odd), text(odd), "{odd}");
        }
    }

    #[test]
    fn a_request_must_be_in_utc_and_a_response_may_have_an_offset() {
        let with_offset = "2019-12-17T00:48:18+01:00";
        assert_eq!(timestamp_from_text(with_offset, TimestampFormat::DateTime, Side::Request), None);
        assert_eq!(
            timestamp_from_text(with_offset, TimestampFormat::DateTime, Side::Response),
            instant(1_576_540_098, 0)
        );
        assert_eq!(
            timestamp_from_text("Tue, 29 Apr 2014 18:30:38 GMT", TimestampFormat::HttpDate, Side::Request),
            instant(1_398_796_238, 0)
        );
    }
}
