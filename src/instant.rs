//! The instants that members name, and how far they lie from the time of a request.
//!
//! The time of a request is the one that its client signed, so everything here follows from the
//! request alone: a program whose clock is frozen, or wrong, is taken at its word.

use crate::value::Value;
use crate::wire::{self, Request};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// So many seconds around an instant are the same time: what a program does between one look at its
/// clock and the call.
const NEAR: i64 = 300;

/// What a program computes from its clock lies within so many seconds of it.
const FAR: i64 = 400 * 86_400;

/// Seconds of epochs from 2001 to 2286, and the same in milliseconds: other numbers are no times.
const SECONDS: std::ops::Range<i128> = 1_000_000_000..10_000_000_000;
const MILLISECONDS: std::ops::Range<i128> = 1_000_000_000_000..10_000_000_000_000;

/// When a request was signed, in seconds since 1970: `X-Amz-Date`, of the headers or the query.
pub fn signing_time(request: &Request) -> Option<i64> {
    const NAME: &str = "x-amz-date";
    let in_query = || {
        let members = request.uri().query()?.split('&').filter_map(|member| member.split_once('='));
        let mut dates = members.filter(|(name, _)| name.eq_ignore_ascii_case(NAME));
        dates.next().map(|(_, date)| date)
    };
    let date = wire::text(request.headers(), NAME).or_else(in_query)?;
    let part = |range: std::ops::Range<usize>| date.get(range);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(9..11)?, part(11..13)?, part(13..15)?);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    DateTime::from_str(&text, Format::DateTime).ok().map(|date| date.secs())
}

/// The instant that a scalar names, in seconds since 1970: a timestamp, a date with a time of day in
/// ISO 8601 or HTTP's form, or an epoch in seconds or milliseconds.
pub fn named_by(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp { seconds, .. } => Some(*seconds),
        Value::Integer(number) => of_epoch(*number),
        Value::Number(lexeme) => of_digits(lexeme),
        Value::Text(text) => of_text(text),
        _ => None,
    }
}

fn of_epoch(number: i128) -> Option<i64> {
    if SECONDS.contains(&number) {
        return i64::try_from(number).ok();
    }
    MILLISECONDS.contains(&number).then(|| i64::try_from(number / 1000).ok()).flatten()
}

/// Digits, with or without a fraction.
fn of_digits(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction))
        .then(|| of_epoch(whole.parse().ok()?))
        .flatten()
}

fn of_text(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    match bytes.len() {
        10..=20 if bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') => of_digits(text),
        19..=35 if bytes[4] == b'-' && bytes[7] == b'-' && matches!(bytes[10], b'T' | b' ') => {
            let mut text = text.replacen(' ', "T", 1);
            // Without an offset it is in the program's own zone, which nothing tells.
            if !text.ends_with('Z') && !text.get(19..)?.contains(['+', '-']) {
                text.push('Z');
            }
            DateTime::from_str(&text, Format::DateTimeWithOffset).ok().map(|date| date.secs())
        }
        29 if text.ends_with("GMT") => DateTime::from_str(text, Format::HttpDate).ok().map(|date| date.secs()),
        _ => None,
    }
}

/// How far a value lies from the time of its request, in seconds, where a program seems to have
/// computed it from its clock: it is that time, or whole minutes away from it. The hour of a
/// calendar is no such time.
pub fn offset(value: &Value, sent: i64) -> Option<i64> {
    let instant = named_by(value)?;
    let away = instant.checked_sub(sent)?;
    if away.abs() <= NEAR {
        return Some(0);
    }
    // The clock was read a moment before the request was signed.
    let since = (-away).rem_euclid(60);
    (away.abs() <= FAR && since <= 2 && instant % 3600 != 0).then_some(away + since)
}

/// Whether a value names the time that lies so far from that of its request.
pub fn is_at(value: &Value, sent: i64, offset: i64) -> bool {
    let away = named_by(value).and_then(|instant| instant.checked_sub(sent));
    away.is_some_and(|away| (away - offset).abs() <= NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// 2026-11-27T17:25:12Z.
    const SENT: i64 = 1_795_800_312;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_request_says_when_it_was_signed() {
        let mut request = Request::new(Bytes::new());
        assert_eq!(signing_time(&request), None);
        *request.uri_mut() = "https://b.s3.amazonaws.com/k?X-Amz-Date=20261127T172512Z".parse().unwrap();
        assert_eq!(signing_time(&request), Some(SENT));
        request
            .headers_mut()
            .insert("x-amz-date", http::HeaderValue::from_static("20261127T172513Z"));
        assert_eq!(signing_time(&request), Some(SENT + 1));
        request.headers_mut().insert("x-amz-date", http::HeaderValue::from_static("now"));
        assert_eq!(signing_time(&request), None);
    }

    #[test]
    fn one_instant_is_named_in_many_ways() {
        for value in [
            Value::Timestamp { seconds: SENT, nanos: 5 },
            Value::Integer(i128::from(SENT)),
            Value::Integer(i128::from(SENT) * 1000 + 7),
            Value::Number(format!("{SENT}.25")),
            text("2026-11-27T17:25:12Z"),
            text("2026-11-27T17:25:12.123456Z"),
            text("2026-11-27 17:25:12"),
            text("2026-11-27T18:25:12+01:00"),
            text("Fri, 27 Nov 2026 17:25:12 GMT"),
            text("1795800312"),
            text("1795800312000"),
        ] {
            assert_eq!(named_by(&value), Some(SENT), "{value:?}");
        }
        for value in [
            Value::Null,
            Value::Bool(true),
            Value::Integer(42),
            Value::Integer(123_456_789_012),
            text("2026-11-27"),
            text("2026-11-27T99:25:12Z"),
            text("a name of nineteen."),
            text("12345"),
            text(""),
        ] {
            assert_eq!(named_by(&value), None, "{value:?}");
        }
    }

    #[test]
    fn what_lies_whole_minutes_away_was_computed_from_the_clock() {
        let at = |seconds: i64| Value::Timestamp { seconds, nanos: 0 };
        assert_eq!(offset(&at(SENT), SENT), Some(0));
        assert_eq!(offset(&at(SENT + 200), SENT), Some(0));
        assert_eq!(offset(&at(SENT - 1 + 86_400), SENT), Some(86_400));
        assert_eq!(offset(&at(SENT - 3600 - 2), SENT), Some(-3600));
        assert_eq!(offset(&at(SENT + 86_417), SENT), None, "that is some other time");
        assert_eq!(offset(&at(SENT + 401 * 86_400), SENT), None, "that is too far");
        let midnight = SENT - SENT % 86_400;
        assert_eq!(offset(&at(midnight), midnight - 7200), None, "an hour of the calendar");
        assert!(is_at(&at(SENT + 86_400 + 100), SENT, 86_400) && !is_at(&at(SENT), SENT, 86_400));
    }
}
