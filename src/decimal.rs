//! Exact decimal numbers: a JSON number is compared as it was written, never through a float.

use crate::value::Value;
use std::cmp::Ordering;

/// A number in its one canonical form: `0.digits * 10^exponent`, with no zero at either end of the
/// digits. Zero has no digits, no sign and exponent 0, so that equal numbers are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// Exponents end here; a number that is written with a larger one is taken to have this one.
const EXPONENT_LIMIT: i64 = 1 << 60;

impl Decimal {
    /// Reads a JSON number.
    pub fn parse(lexeme: &str) -> Option<Decimal> {
        let (negative, unsigned) = match lexeme.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, lexeme),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mut digits = format!("{whole}{fraction}");
        let leading = digits.len() - digits.trim_start_matches('0').len();
        digits.drain(..leading);
        digits.truncate(digits.trim_end_matches('0').len());
        if digits.is_empty() {
            return Some(Decimal {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let exponent = written_exponent(exponent)? + whole.len() as i64 - leading as i64;
        Some(Decimal {
            negative,
            digits,
            exponent,
        })
    }

    /// The number that a value is, if it is one.
    pub fn of(value: &Value) -> Option<Decimal> {
        match value {
            Value::Integer(integer) => Decimal::parse(&integer.to_string()),
            Value::Number(lexeme) => Decimal::parse(lexeme),
            _ => None,
        }
    }

    /// Sign, digits and exponent; equal numbers have equal parts.
    pub fn parts(&self) -> (bool, &str, i64) {
        (self.negative, &self.digits, self.exponent)
    }

    /// No fraction is left, however it was written: `1.0` and `1e2` are whole.
    pub fn is_whole(&self) -> bool {
        self.digits.is_empty() || self.exponent >= self.digits.len() as i64
    }

    /// The whole number this is, within 128 bits.
    pub fn to_integer(&self) -> Option<i128> {
        if !self.is_whole() || self.exponent > 40 {
            return None;
        }
        let mut text = String::with_capacity(41);
        text.push_str(if self.negative { "-" } else { "" });
        text.push('0');
        text.push_str(&self.digits);
        text.extend(std::iter::repeat_n('0', (self.exponent as usize).saturating_sub(self.digits.len())));
        text.parse().ok()
    }

    /// The whole part of this number times 10^`places`, towards zero, within 128 bits.
    pub fn scaled(&self, places: i64) -> Option<i128> {
        let digits = self.exponent.checked_add(places).filter(|digits| *digits <= 38)?;
        let mut text = String::from(if self.negative { "-0" } else { "0" });
        for index in 0..usize::try_from(digits).unwrap_or(0) {
            text.push(self.digits.as_bytes().get(index).map_or('0', |digit| char::from(*digit)));
        }
        text.parse().ok()
    }

    fn magnitude(&self, other: &Decimal) -> Ordering {
        // Without leading zeros the exponent decides first, then the digits as text.
        (!self.digits.is_empty(), self.exponent, &self.digits).cmp(&(!other.digits.is_empty(), other.exponent, &other.digits))
    }
}

fn written_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(EXPONENT_LIMIT).min(EXPONENT_LIMIT);
    Some(if negative { -size } else { size })
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for (one, other) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("100", "1.00E+2"),
            ("0.001", "1e-3"),
            ("-0", "0"),
            ("0.0e99999999999999999999", "0"),
            ("-12.50", "-1.25e1"),
        ] {
            assert_eq!(decimal(one), decimal(other), "{one} {other}");
        }
        assert_ne!(decimal("9007199254740993"), decimal("9007199254740992"));
    }

    #[test]
    fn numbers_are_in_order_beyond_the_reach_of_floats() {
        let ascending = [
            "-1e400",
            "-2.5",
            "-2",
            "-0.1",
            "-1e-400",
            "0",
            "1e-400",
            "0.1",
            "2",
            "2.2",
            "10",
            "9007199254740992.9",
            "9007199254740993",
            "1e400",
        ];
        for (index, one) in ascending.iter().enumerate() {
            for (other_index, other) in ascending.iter().enumerate() {
                assert_eq!(decimal(one).cmp(&decimal(other)), index.cmp(&other_index), "{one} {other}");
            }
        }
    }

    #[test]
    fn whole_numbers_are_found_in_any_spelling() {
        assert_eq!(decimal("1.0").to_integer(), Some(1));
        assert_eq!(decimal("-1.5e1").to_integer(), Some(-15));
        assert_eq!(decimal("1e38").to_integer(), Some(10i128.pow(38)));
        assert_eq!(decimal("0e999").to_integer(), Some(0));
        for fraction in ["1.5", "1e-1", "1e40", "1e999999999999"] {
            assert_eq!(decimal(fraction).to_integer(), None, "{fraction}");
        }
        assert!(decimal("1e999999999999").is_whole());
        for text in ["", "-", ".5", "1e", "NaN", "0x1", "1e+"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
