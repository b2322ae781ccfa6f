//! The functions of the rules engine (Smithy 2.0, "Rules engine standard library" and "AWS rules
//! engine library functions"). Each takes values and gives one, or nothing.

use crate::partitions::partition_of;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A function of the rules engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    IsSet,
    Not,
    GetAttr,
    Substring,
    StringEquals,
    BooleanEquals,
    UriEncode,
    ParseUrl,
    IsValidHostLabel,
    Split,
    Coalesce,
    IfThenElse,
    AwsPartition,
    AwsParseArn,
    AwsIsVirtualHostableBucket,
}

impl Function {
    /// The function of that name, and how many arguments it wants at least.
    pub fn named(name: &str) -> Option<(Function, usize)> {
        Some(match name {
            "isSet" => (Function::IsSet, 1),
            "not" => (Function::Not, 1),
            "getAttr" => (Function::GetAttr, 2),
            "substring" => (Function::Substring, 4),
            "stringEquals" => (Function::StringEquals, 2),
            "booleanEquals" => (Function::BooleanEquals, 2),
            "uriEncode" => (Function::UriEncode, 1),
            "parseURL" => (Function::ParseUrl, 1),
            "isValidHostLabel" => (Function::IsValidHostLabel, 2),
            "split" => (Function::Split, 3),
            "coalesce" => (Function::Coalesce, 1),
            "ite" => (Function::IfThenElse, 3),
            "aws.partition" => (Function::AwsPartition, 1),
            "aws.parseArn" => (Function::AwsParseArn, 1),
            "aws.isVirtualHostableS3Bucket" => (Function::AwsIsVirtualHostableBucket, 2),
            _ => return None,
        })
    }

    /// The function's value; nothing where it has none for these arguments.
    pub fn call(self, arguments: &[Option<Value>]) -> Option<Value> {
        let argument = |index: usize| arguments.get(index).and_then(Option::as_ref);
        let text = |index| argument(index).and_then(Value::as_str);
        let boolean = |index| argument(index).and_then(Value::as_bool);
        let integer = |index| {
            argument(index)
                .and_then(Value::as_u64)
                .and_then(|number| usize::try_from(number).ok())
        };
        match self {
            Function::IsSet => Some(argument(0).is_some().into()),
            Function::Not => Some((!boolean(0).unwrap_or(false)).into()),
            Function::GetAttr => attribute(argument(0)?, text(1)?).cloned(),
            Function::Substring => substring(text(0)?, integer(1)?, integer(2)?, boolean(3)?).map(Value::from),
            Function::StringEquals => Some((text(0)? == text(1)?).into()),
            Function::BooleanEquals => Some((boolean(0)? == boolean(1)?).into()),
            Function::UriEncode => Some(uri_encode(text(0)?).into()),
            Function::ParseUrl => parse_url(text(0)?),
            Function::IsValidHostLabel => Some(is_valid_host_label(text(0)?, boolean(1)?).into()),
            Function::Split => split(text(0)?, text(1)?, integer(2)?),
            Function::Coalesce => arguments.iter().find_map(Clone::clone),
            Function::IfThenElse => argument(if boolean(0)? { 1 } else { 2 }).cloned(),
            Function::AwsPartition => Some(partition_of(text(0)?).outputs()),
            Function::AwsParseArn => parse_arn(text(0)?),
            Function::AwsIsVirtualHostableBucket => Some(is_virtual_hostable_bucket(text(0)?, boolean(1)?).into()),
        }
    }
}

/// What lies at a path such as `resourceId[0]` or `a.b`. A negative index counts from the end.
pub fn attribute<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| {
        let (key, indices) = step.split_at(step.find('[').unwrap_or(step.len()));
        let value = if key.is_empty() { value } else { value.get(key)? };
        indices
            .split('[')
            .skip(1)
            .try_fold(value, |value, index| item(value, index.strip_suffix(']')?))
    })
}

fn item<'a>(value: &'a Value, index: &str) -> Option<&'a Value> {
    let items = value.as_array()?;
    let index: i64 = index.trim().parse().ok()?;
    let from_start = if index < 0 { index.checked_add(items.len() as i64)? } else { index };
    items.get(usize::try_from(from_start).ok()?)
}

/// From `start` up to and without `stop`; with `reverse`, both count from the end.
fn substring(text: &str, start: usize, stop: usize, reverse: bool) -> Option<&str> {
    if !text.is_ascii() || start >= stop || stop > text.len() {
        return None;
    }
    if reverse {
        text.get(text.len() - stop..text.len() - start)
    } else {
        text.get(start..stop)
    }
}

fn uri_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// At most `limit` parts; 0 means all. An empty delimiter divides nothing.
fn split(text: &str, delimiter: &str, limit: usize) -> Option<Value> {
    if delimiter.is_empty() {
        return None;
    }
    Some(match limit {
        0 => text.split(delimiter).collect(),
        limit => text.splitn(limit, delimiter).collect(),
    })
}

/// Scheme, authority, path. A URL with a query has no parts, and neither has one of another scheme.
fn parse_url(text: &str) -> Option<Value> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "http" | "https") || rest.contains(['?', '#', '@', ' ']) {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host_of(authority)?;
    let normalized = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    Some(json!({
        "scheme": scheme,
        "authority": authority,
        "path": if path == "/" { "" } else { path },
        "normalizedPath": normalized,
        "isIp": is_ip(host),
    }))
}

/// The host of an authority whose port, where it has one, is a number.
fn host_of(authority: &str) -> Option<&str> {
    let end = authority.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match authority.get(end..)?.find(':') {
        Some(colon) => (authority.get(..end + colon)?, authority.get(end + colon + 1..)?.parse::<u16>().ok()),
        None => (authority, Some(0)),
    };
    port?;
    (!host.is_empty()).then_some(host)
}

fn is_ip(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Whether a text may be a label of a host name; with `subdomains`, several joined by dots.
pub fn is_valid_host_label(text: &str, subdomains: bool) -> bool {
    if subdomains {
        return text.split('.').all(|label| is_valid_host_label(label, false));
    }
    (1..=63).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a bucket's name may be the beginning of a host name.
fn is_virtual_hostable_bucket(name: &str, subdomains: bool) -> bool {
    let may_stand = |label: &str| {
        (3..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if subdomains {
        name.parse::<Ipv4Addr>().is_err() && name.split('.').all(may_stand)
    } else {
        may_stand(name)
    }
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; the resource in parts, at `:` and `/`.
fn parse_arn(text: &str) -> Option<Value> {
    let mut parts = text.splitn(6, ':');
    let mut part = || parts.next();
    let (arn, partition, service, region, account, resource) = (part()?, part()?, part()?, part()?, part()?, part()?);
    if arn != "arn" || partition.is_empty() || service.is_empty() || resource.is_empty() {
        return None;
    }
    Some(json!({
        "partition": partition,
        "service": service,
        "region": region,
        "accountId": account,
        "resourceId": resource.split([':', '/']).collect::<Vec<_>>(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &[Value]) -> Option<Value> {
        let (function, least) = Function::named(name)?;
        assert!(arguments.len() >= least, "{name}");
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| Some(argument.clone()).filter(|argument| !argument.is_null()))
            .collect();
        function.call(&arguments)
    }

    #[test]
    fn what_is_unset_is_known_only_to_those_who_ask() {
        assert_eq!(call("isSet", &[json!(null)]), Some(json!(false)));
        assert_eq!(call("isSet", &[json!(false)]), Some(json!(true)));
        assert_eq!(call("coalesce", &[json!(null), json!(false), json!("x")]), Some(json!(false)));
        assert_eq!(call("coalesce", &[json!(null), json!(null)]), None);
        assert_eq!(call("stringEquals", &[json!(null), json!("x")]), None);
        assert_eq!(call("ite", &[json!(true), json!("a"), json!("b")]), Some(json!("a")));
        assert_eq!(call("ite", &[json!(false), json!("a"), json!("")]), Some(json!("")));
    }

    #[test]
    fn a_substring_is_whole_or_not_at_all() {
        let substring = |text: &str, start: u32, stop: u32, reverse: bool| {
            call("substring", &[json!(text), json!(start), json!(stop), json!(reverse)]).map(|value| value.as_str().unwrap().to_owned())
        };
        assert_eq!(substring("abcdefg", 0, 4, false).as_deref(), Some("abcd"));
        assert_eq!(substring("abcdefg", 0, 4, true).as_deref(), Some("defg"));
        assert_eq!(substring("defg", 1, 3, true).as_deref(), Some("ef"));
        assert_eq!(substring("abc", 0, 4, false), None);
        assert_eq!(substring("abc", 2, 2, false), None);
        assert_eq!(substring("\u{fdfd}", 0, 2, false), None);
    }

    #[test]
    fn an_attribute_is_found_by_key_and_index() {
        let value = json!({"a": {"b": ["x", "y"]}, "list": ["z"]});
        assert_eq!(attribute(&value, "a.b[1]"), Some(&json!("y")));
        assert_eq!(attribute(&value, "a.b[-2]"), Some(&json!("x")));
        assert_eq!(attribute(&value, "list[1]"), None);
        assert_eq!(attribute(&value["list"], "[0]"), Some(&json!("z")));
        assert_eq!(attribute(&value, "a.c"), None);
        assert_eq!(attribute(&value, "list[x]"), None);
        assert_eq!(attribute(&value, "list[-9223372036854775808]"), None);
    }

    #[test]
    fn a_url_falls_into_scheme_authority_and_path() {
        let url = |text: &str| call("parseURL", &[json!(text)]);
        let whole = json!({"scheme": "https", "authority": "example.com:8443", "path": "/a/b", "normalizedPath": "/a/b/", "isIp": false});
        assert_eq!(url("https://example.com:8443/a/b"), Some(whole));
        for root in ["http://authority.com", "http://authority.com/"] {
            assert_eq!(url(root).unwrap()["path"], "");
            assert_eq!(url(root).unwrap()["normalizedPath"], "/");
        }
        for ip in ["http://192.168.1.1:1234/foo/", "https://[2001:db8::1]:443", "https://[fe80::1]"] {
            assert_eq!(url(ip).unwrap()["isIp"], true, "{ip}");
        }
        for name in ["http://99_ab-.com", "https://999.999.abc.blah", "https://999.999.999.999"] {
            assert_eq!(url(name).unwrap()["isIp"], false, "{name}");
        }
        for bad in [
            "acbd://example.com",
            "https://a.com/path?query1=foo",
            "http://abc.com:a/foo",
            "example.com",
            "http:///x",
            "http://u@a.com",
        ] {
            assert_eq!(url(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_label_is_letters_digits_and_hyphens() {
        for (text, alone, many) in [
            ("us-east-1", true, true),
            ("3aws4", true, true),
            ("part1.part2", false, true),
            ("part1 part2", false, false),
            ("", false, false),
            ("part1.", false, false),
            ("part1..part2", false, false),
            ("part1.-part2", false, false),
            ("a/b", false, false),
        ] {
            assert_eq!(
                (is_valid_host_label(text, false), is_valid_host_label(text, true)),
                (alone, many),
                "{text}"
            );
        }
        assert!(!is_valid_host_label(&"a".repeat(64), false));
    }

    #[test]
    fn a_buckets_name_may_be_a_host_name_or_not() {
        for (name, alone, many) in [
            ("bucket-name", true, true),
            ("my.bucket", false, false),
            ("my-own.bucket", false, true),
            ("Bucket", false, false),
            ("ab", false, false),
            ("abc-", false, false),
            ("192.168.100.200", false, false),
            ("123.123.123.123x", false, true),
        ] {
            let found = |subdomains: bool| call("aws.isVirtualHostableS3Bucket", &[json!(name), json!(subdomains)]);
            assert_eq!((found(false), found(true)), (Some(json!(alone)), Some(json!(many))), "{name}");
        }
    }

    #[test]
    fn an_arn_has_six_parts_and_its_resource_more() {
        let arn = call("aws.parseArn", &[json!("arn:aws:s3:us-west-2:123456789012:accesspoint:a/b")]).unwrap();
        assert_eq!(arn["resourceId"], json!(["accesspoint", "a", "b"]));
        assert_eq!(arn["accountId"], "123456789012");
        let bucket = call("aws.parseArn", &[json!("arn:aws:s3:::bucket")]).unwrap();
        assert_eq!((&bucket["region"], &bucket["resourceId"]), (&json!(""), &json!(["bucket"])));
        for bad in ["arn:aws:s3", "arn::s3:::b", "arn:aws:::r:b", "arn:aws:s3:::", "nra:aws:s3:::b"] {
            assert_eq!(call("aws.parseArn", &[json!(bad)]), None, "{bad}");
        }
    }

    #[test]
    fn everything_reserved_is_encoded() {
        assert_eq!(call("uriEncode", &[json!("a B/:é~_.-")]), Some(json!("a%20B%2F%3A%C3%A9~_.-")));
    }

    #[test]
    fn a_text_is_split_into_at_most_so_many_parts() {
        let split = |text: &str, limit: u32| call("split", &[json!(text), json!("--"), json!(limit)]);
        assert_eq!(split("a--b--c", 0), Some(json!(["a", "b", "c"])));
        assert_eq!(split("a--b--c", 2), Some(json!(["a", "b--c"])));
        assert_eq!(split("a--b--c", 1), Some(json!(["a--b--c"])));
        assert_eq!(split("", 0), Some(json!([""])));
        assert_eq!(split("--x--", 0), Some(json!(["", "x", ""])));
        assert_eq!(call("split", &[json!("ab"), json!(""), json!(0)]), None);
    }

    #[test]
    fn functions_of_later_times_are_not_known() {
        assert_eq!(Function::named("aws.later"), None);
    }
}
