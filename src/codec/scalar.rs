//! Scalars that every text protocol writes alike: timestamps in their three formats.

use crate::decimal::Decimal;
use crate::model::schema::TimestampFormat;
use crate::value::{Side, Value};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Seconds in 1..=9999, the years that a Smithy timestamp may lie in.
pub const TIMESTAMP_RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A timestamp from text in a textual format; nothing where it is not in that format.
///
/// A request's `date-time` must be in UTC; a response's may have an offset, which is normalised
/// (the protocol tests `…RejectsUTCOffsets` and `…DateTimeWithPositiveOffset`).
pub fn timestamp_from_text(text: &str, format: TimestampFormat, side: Side) -> Option<Value> {
    let format = match (format, side) {
        (TimestampFormat::DateTime, Side::Request) => Format::DateTime,
        (TimestampFormat::DateTime, Side::Response) => Format::DateTimeWithOffset,
        (TimestampFormat::HttpDate, _) => Format::HttpDate,
        (TimestampFormat::EpochSeconds, _) => return timestamp_from_number(text),
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
        for text in ["1700000000.123", "-0.5", "-2", "-1.25"] {
            let Some(Value::Timestamp { seconds, nanos }) = timestamp_from_number(text) else {
                panic!()
            };
            assert_eq!(timestamp_text(seconds, nanos, TimestampFormat::EpochSeconds), text);
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
