//! Headers: scalars, lists of them, and maps of the headers that share a prefix.
//!
//! Timestamps are `http-date` here unless the model says otherwise; a string with `@mediaType`
//! travels in base64.

use crate::codec::scalar;
use crate::model::http::Binding;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::value::{Side, Value};
use crate::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers of the transport and of the client itself: an empty prefix does not mean them.
const TRANSPORT: [&str; 16] = [
    "accept",
    "accept-encoding",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "date",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
];

/// A member with `@httpHeader`; nothing where the header is not there.
pub fn read(service: &Service, member: &Member, headers: &HeaderMap, name: &str, side: Side) -> Option<Value> {
    let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
    if values.is_empty() {
        return None;
    }
    let joined = values.join(", ");
    let ShapeKind::List(item) = &service.shape(member.target).kind else {
        return Some(read_scalar(service, member, &joined, side));
    };
    let is_date = matches!(service.shape(item.target).kind, ShapeKind::Timestamp) && format(item) == TimestampFormat::HttpDate;
    let items = if is_date { dates(&joined) } else { items(&joined) };
    Some(Value::List(
        items.iter().map(|text| read_scalar(service, item, text, side)).collect(),
    ))
}

fn read_scalar(service: &Service, member: &Member, text: &str, side: Side) -> Value {
    let shape = service.shape(member.target);
    match &shape.kind {
        // What is not the base64 of a text is kept as bytes, which no text is.
        ShapeKind::String(_) if shape.traits.contains_key("smithy.api#mediaType") => match BASE64.decode(text.trim()) {
            Ok(bytes) => String::from_utf8(bytes).map_or_else(|error| Value::Blob(error.into_bytes()), Value::Text),
            Err(_) => Value::Blob(text.as_bytes().to_vec()),
        },
        kind => scalar::from_text(kind, text, format(member), side),
    }
}

/// A member with `@httpPrefixHeaders`: names in lower case, without the prefix; none is an empty map.
pub fn read_prefixed(headers: &HeaderMap, prefix: &str) -> Value {
    let mut entries: Vec<(String, Value)> = Vec::new();
    for name in headers.keys() {
        let Some(rest) = name.as_str().strip_prefix(prefix) else { continue };
        if prefix.is_empty() && TRANSPORT.contains(&rest) {
            continue;
        }
        let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        entries.push((rest.to_owned(), Value::Text(values.join(", "))));
    }
    Value::Object(entries)
}

/// A header as text: UTF-8, else ISO-8859-1, in which HTTP headers were once written.
fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|&byte| char::from(byte)).collect(),
    }
}

fn format(member: &Member) -> TimestampFormat {
    member.timestamp_format.unwrap_or(TimestampFormat::HttpDate)
}

/// The items of a list: separated by commas, with quotes around an item that holds one
/// (RFC 9110, sections 5.6.1 and 5.6.4). Empty items do not count, unless in quotes.
fn items(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some((item, after)) = rest.strip_prefix('"').and_then(quoted) {
            found.push(item);
            rest = after;
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let (item, after) = rest.split_at(end);
            let item = item.trim();
            if !item.is_empty() {
                found.push(item.to_owned());
            }
            rest = after;
        }
        rest = rest.trim_start().strip_prefix(',').unwrap_or(rest).trim_start();
    }
    found
}

/// A quoted string up to its closing quote and what follows; nothing where it does not close, or
/// more than a comma follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut item = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let after = text.get(at + 1..)?.trim_start();
                return (after.is_empty() || after.starts_with(',')).then_some((item, after));
            }
            '\\' => item.push(characters.next()?.1),
            other => item.push(other),
        }
    }
    None
}

/// The items of a list of `http-date`, each of which holds a comma of its own; some writers quote them.
fn dates(text: &str) -> Vec<String> {
    if text.contains('"') {
        return items(text);
    }
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    parts
        .chunks(2)
        .map(|pair| pair.join(", "))
        .filter(|date| !date.is_empty())
        .collect()
}

/// Writes the members of a structure that travel in headers.
pub fn write(service: &Service, shape: ShapeIndex, value: &Value, side: Side, headers: &mut HeaderMap) {
    for member in service.shape(shape).members() {
        let Some(given) = value.member(&member.name) else { continue };
        match (member.binding.on(side), given) {
            (Binding::Header(name), _) => {
                if let Some(text) = written(service, member, given) {
                    insert(headers, name, &text);
                }
            }
            (Binding::PrefixHeaders(prefix), Value::Object(entries)) => {
                for (key, value) in entries {
                    let name = format!("{prefix}{}", key.to_ascii_lowercase());
                    if let Some(text) = value.as_text().filter(|_| !headers.contains_key(name.as_str())) {
                        insert(headers, &name, text);
                    }
                }
            }
            _ => {}
        }
    }
}

fn insert(headers: &mut HeaderMap, name: &str, text: &str) {
    if let Ok(name) = name.parse::<HeaderName>() {
        headers.insert(name, wire::header_value(text));
    }
}

fn written(service: &Service, member: &Member, value: &Value) -> Option<String> {
    let shape = service.shape(member.target);
    match (&shape.kind, value) {
        (ShapeKind::List(item), Value::List(items)) => {
            let is_text = matches!(service.shape(item.target).kind, ShapeKind::String(_));
            let texts = items.iter().filter_map(|value| written(service, item, value));
            let texts = texts.map(|text| if is_text { quoted_where_needed(text) } else { text });
            Some(texts.collect::<Vec<_>>().join(", "))
        }
        (ShapeKind::String(_), Value::Text(text)) if shape.traits.contains_key("smithy.api#mediaType") => Some(BASE64.encode(text)),
        _ => scalar::to_text(value, format(member)),
    }
}

fn quoted_where_needed(text: String) -> String {
    let plain = !text.is_empty() && text.trim() == text && !text.contains([',', '"']);
    if plain {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_at_commas_outside_quotes() {
        for (text, wanted) in [
            ("a, b,c", vec!["a", "b", "c"]),
            (r#""b,c", "\"def\"", a"#, vec!["b,c", "\"def\"", "a"]),
            ("", vec![]),
            (" , a,, ", vec!["a"]),
            (r#""""#, vec![""]),
            // An ETag, and quotes that do not close, are what they are.
            (r#"W/"x", "open"#, vec![r#"W/"x""#, "\"open"]),
            (r#""a"b, c"#, vec![r#""a"b"#, "c"]),
        ] {
            assert_eq!(items(text), wanted, "{text}");
        }
        assert_eq!(
            dates("Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 00:00:00 GMT"),
            ["Mon, 16 Dec 2019 23:48:18 GMT", "Tue, 17 Dec 2019 00:00:00 GMT"]
        );
    }

    #[test]
    fn dates_are_items_with_and_without_quotes() {
        let date = "Mon, 16 Dec 2019 23:48:18 GMT";
        assert_eq!(dates(&format!("{date}, {date},{date}")), [date; 3]);
        assert_eq!(dates(&format!("\"{date}\", \"{date}\"")), [date; 2]);
    }

    #[test]
    fn an_item_that_a_list_would_break_is_quoted() {
        for text in ["a b", "b,c", "\"def\"", "", " x", r"a\b,"] {
            assert_eq!(items(&quoted_where_needed(text.to_owned())), [text]);
        }
        assert_eq!(quoted_where_needed("plain".to_owned()), "plain");
    }

    #[test]
    fn a_prefix_takes_its_headers_and_an_empty_one_all_but_the_transports() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-foo-a", "1"), ("host", "h"), ("x-foo-b", "2"), ("x-foo-a", "3"), ("other", "4")] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let entries = |pairs: &[(&str, &str)]| {
            Value::Object(
                pairs
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), Value::Text((*value).to_owned())))
                    .collect(),
            )
        };
        assert_eq!(read_prefixed(&headers, "x-foo-"), entries(&[("a", "1, 3"), ("b", "2")]));
        assert_eq!(
            read_prefixed(&headers, ""),
            entries(&[("x-foo-a", "1, 3"), ("x-foo-b", "2"), ("other", "4")])
        );
    }
}
