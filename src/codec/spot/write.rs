//! Writing another value where a scalar was, in the form of the place.

use super::Part;
use crate::codec::scalar::timestamp_text;
use crate::codec::xml::escape;
use crate::json::rewrite;
use crate::model::schema::TimestampFormat;
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;

/// What stays in a URI or a form as it is (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');

/// How a value is written at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JSON string, with its quotes.
    JsonText,
    /// A JSON number or boolean.
    JsonScalar,
    /// The whole content of an XML element, or a run of text in it.
    XmlText,
    /// The value of an XML attribute, without its quotes.
    XmlAttribute,
    /// The inside of an XML comment or processing instruction.
    XmlAside,
    /// The inside of a `CDATA` section.
    XmlSection,
    /// A name or a value in a form, or in a query.
    FormValue,
    /// A segment of a path.
    Label,
    /// Several segments of a path.
    GreedyLabel,
    /// A header's value, or one item of a list there.
    Header,
    /// One item of a list of strings in a header, in quotes where it must be.
    HeaderItem,
    /// A header's value that is text in base64.
    HeaderBase64,
    /// A header's name, or the end of it.
    HeaderName,
    /// A CBOR text string.
    CborText,
    /// A CBOR byte string.
    CborBytes,
    /// Any other CBOR item, with its tag.
    CborScalar,
    /// The text in a header of an event, with its type and length.
    EventText,
    /// The bytes in a header of an event, with type and length.
    EventBytes,
    /// Text as it is.
    Raw,
    /// Bytes that are no text.
    RawBytes,
}

impl Form {
    /// Whether the place holds text, in which secrets may be known by their form.
    pub fn is_text(self) -> bool {
        !matches!(self, Form::JsonScalar | Form::CborScalar | Form::RawBytes)
    }

    /// The bytes of a value where `was` was. Nothing where they cannot be written there: an object,
    /// a character that the format does not know.
    pub fn write(self, value: &Value, was: &str) -> Option<Vec<u8>> {
        match (self, value) {
            (Form::CborBytes, Value::Text(text)) => return super::cbor::item(&Value::Blob(STANDARD.decode(text).ok()?)),
            (Form::CborScalar, Value::Timestamp { seconds, .. }) if is_milliseconds(was) => return super::cbor::milliseconds(*seconds),
            (Form::CborText | Form::CborBytes | Form::CborScalar, _) => return super::cbor::item(value),
            (Form::EventBytes, Value::Text(text)) => return event_header(6, &STANDARD.decode(text).ok()?),
            (Form::EventBytes, Value::Blob(bytes)) => return event_header(6, bytes),
            (Form::Raw | Form::RawBytes, Value::Blob(bytes)) => return Some(bytes.clone()),
            _ => {}
        }
        let text = scalar(value, was)?;
        match self {
            Form::JsonText => {
                let mut out = Vec::with_capacity(text.len() + 2);
                rewrite::string_into(&text, &mut out);
                Some(out)
            }
            Form::JsonScalar => json_scalar(value, &text, was),
            Form::XmlAside if text.contains("--") || text.contains("?>") => None,
            Form::XmlSection if text.contains("]]>") => None,
            Form::XmlText | Form::XmlAttribute if !escape::is_writable(&text) => None,
            Form::XmlText => Some(escape::content(&text).into()),
            Form::XmlAttribute => Some(escape::attribute(&text).into()),
            Form::FormValue | Form::Label => Some(utf8_percent_encode(&text, RESERVED).to_string().into()),
            Form::GreedyLabel => Some(utf8_percent_encode(&text, RESERVED_BUT_SLASH).to_string().into()),
            Form::Header => header(&text),
            Form::HeaderItem => header(&quoted(&text)),
            Form::HeaderBase64 => Some(STANDARD.encode(text).into()),
            Form::HeaderName => header_name(&text),
            Form::EventText => event_header(7, text.as_bytes()),
            Form::EventBytes => None,
            _ => Some(text.into()),
        }
    }
}

/// A scalar as text formats write it; a timestamp in the format that was there.
fn scalar(value: &Value, was: &str) -> Option<String> {
    Some(match value {
        Value::Null | Value::List(_) | Value::Object(_) => return None,
        Value::Bool(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(text) | Value::Text(text) => text.clone(),
        Value::Blob(bytes) => STANDARD.encode(bytes),
        Value::Timestamp { seconds, nanos } => timestamp_like(*seconds, *nanos, was.trim()),
    })
}

fn timestamp_like(seconds: i64, nanos: u32, was: &str) -> String {
    if was.parse::<f64>().is_ok() {
        return if is_milliseconds(was) {
            format!("{seconds}000")
        } else {
            timestamp_text(seconds, nanos, TimestampFormat::EpochSeconds)
        };
    }
    if was.ends_with("GMT") {
        return timestamp_text(seconds, nanos, TimestampFormat::HttpDate);
    }
    timestamp_text(seconds, nanos, TimestampFormat::DateTime)
}

/// Whether a number counts milliseconds. No member is modelled so, but SSO answers with them, and so
/// does awsJson in CBOR.
fn is_milliseconds(was: &str) -> bool {
    was.parse::<f64>().is_ok_and(|number| number > 1e11)
}

/// A number or boolean. Of a repeated key only one value counts; where this is the other and has
/// another type, it still must not stay.
fn json_scalar(value: &Value, text: &str, was: &str) -> Option<Vec<u8>> {
    let lexeme = match value {
        Value::Bool(_) | Value::Integer(_) | Value::Number(_) | Value::Timestamp { .. } => text,
        _ if was.starts_with(['t', 'f']) => "false",
        _ => "0",
    };
    Some(lexeme.into())
}

fn header(text: &str) -> Option<Vec<u8>> {
    let fits = text.bytes().all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f));
    fits.then(|| text.into())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) || text.trim() != text {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text.to_owned()
}

/// The types of headers are those of the event stream's encoding.
fn event_header(kind: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![kind];
    out.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(out)
}

fn header_name(text: &str) -> Option<Vec<u8>> {
    http::HeaderName::from_bytes(text.as_bytes()).ok()?;
    Some(text.to_ascii_lowercase().into())
}

/// Bytes to be put where others were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// The part of the message.
    pub part: Part,
    /// The bytes that go.
    pub range: Range<usize>,
    /// The bytes that come.
    pub bytes: Vec<u8>,
}

impl Splice {
    /// `bytes`, the content of `part`, with the splices of that part in it; nothing where two of
    /// them overlap or one lies outside.
    pub fn apply(part: Part, bytes: &[u8], splices: &[Splice]) -> Option<Vec<u8>> {
        let mut of_part: Vec<&Splice> = splices.iter().filter(|splice| splice.part == part).collect();
        of_part.sort_by_key(|splice| splice.range.start);
        let mut out = Vec::with_capacity(bytes.len() + 64);
        let mut from = 0;
        for splice in of_part {
            out.extend_from_slice(bytes.get(from..splice.range.start)?);
            out.extend_from_slice(&splice.bytes);
            from = splice.range.end;
        }
        out.extend_from_slice(bytes.get(from..)?);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: Form, value: Value, was: &str) -> String {
        String::from_utf8(form.write(&value, was).unwrap()).unwrap()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_value_is_escaped_for_its_place() {
        let hard = "a b/c<&>\"\r";
        for (form, expected) in [
            (Form::JsonText, r#""a b/c<&>\"\r""#),
            (Form::XmlText, "a b/c&lt;&amp;&gt;\"&#xD;"),
            (Form::XmlAttribute, "a b/c&lt;&amp;&gt;&quot;&#xD;"),
            (Form::FormValue, "a%20b%2Fc%3C%26%3E%22%0D"),
            (Form::GreedyLabel, "a%20b/c%3C%26%3E%22%0D"),
            (Form::HeaderBase64, "YSBiL2M8Jj4iDQ=="),
        ] {
            assert_eq!(written(form, text(hard), ""), expected, "{form:?}");
        }
        assert_eq!(Form::Header.write(&text(hard), ""), None);
        assert_eq!(Form::XmlText.write(&text("\u{1}"), ""), None);
        assert_eq!(Form::HeaderName.write(&text("a b"), ""), None);
        assert_eq!(written(Form::HeaderItem, text("a,\"b\""), ""), r#""a,\"b\"""#);
    }

    #[test]
    fn an_instant_keeps_the_format_of_the_place() {
        let instant = || Value::Timestamp {
            seconds: 4_102_444_799,
            nanos: 0,
        };
        for (was, expected) in [
            ("1600000000", "4102444799"),
            ("1.6E9", "4102444799"),
            ("1600000000000", "4102444799000"),
            ("2020-01-01T00:00:00Z", "2099-12-31T23:59:59Z"),
            ("Wed, 01 Jan 2020 00:00:00 GMT", "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(written(Form::XmlText, instant(), was), expected);
        }
    }

    #[test]
    fn splices_replace_what_they_cover_and_nothing_else() {
        let splice = |range: Range<usize>, bytes: &str| Splice {
            part: Part::Body,
            range,
            bytes: bytes.into(),
        };
        let apply = |splices: &[Splice]| Splice::apply(Part::Body, b"0123456789", splices).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(apply(&[splice(7..8, "seven"), splice(1..3, "")]).as_deref(), Some("03456seven89"));
        assert_eq!(apply(&[splice(1..3, "x"), splice(2..4, "y")]), None);
        assert_eq!(apply(&[splice(9..12, "x")]), None);
    }
}
