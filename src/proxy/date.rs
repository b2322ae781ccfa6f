//! The `Date` header: exactly one on every response, and it says now.
//!
//! SDKs take their clock from it and would sign later calls in the past if a recorded one were
//! served. It is formatted once per second.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http::header::{DATE, HeaderMap, HeaderValue};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

static LAST: Mutex<Option<(u64, HeaderValue)>> = Mutex::new(None);

/// Replaces whatever `Date` headers there are with one that says now.
pub fn set_now(headers: &mut HeaderMap) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    headers.insert(DATE, at(now));
}

fn at(second: u64) -> HeaderValue {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, value)) = &*last
        && *known == second
    {
        return value.clone();
    }
    let value = format(second);
    *last = Some((second, value.clone()));
    value
}

/// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn format(second: u64) -> HeaderValue {
    let text = i64::try_from(second)
        .ok()
        .and_then(|second| DateTime::from_secs(second).fmt(Format::HttpDate).ok());
    text.and_then(|text| HeaderValue::try_from(text).ok())
        .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_http_wants_it() {
        assert_eq!(format(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn any_number_of_dates_becomes_one() {
        let mut headers = HeaderMap::new();
        headers.append(DATE, HeaderValue::from_static("Wed, 01 Jan 2020 00:00:00 GMT"));
        headers.append(DATE, HeaderValue::from_static("Thu, 02 Jan 2020 00:00:00 GMT"));
        set_now(&mut headers);
        let dates: Vec<_> = headers.get_all(DATE).iter().collect();
        assert_eq!(dates.len(), 1);
        assert!(!dates[0].to_str().unwrap().contains("2020"));
    }
}
