//! Texts that only name a resource of AWS: ARNs, the URLs of queues, APIs and functions, the ids of
//! resources, regions, addresses.

use crate::aws_hosts::is_aws_host;
use std::net::IpAddr;

/// Whether the text is an ARN, or the URL of a host of AWS with a plain path. A query, a user or
/// anything that is not written plainly may hold a secret.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= LONGEST && (is_arn(text) || is_url(text))
}

/// Whether the text is a name of that kind, the id of a resource (`eni-0123456789abcdef0`), a region,
/// a zone, an address or a host of AWS.
pub(super) fn is_plain(text: &str) -> bool {
    is_name(text) || is_id(text) || is_region(text) || is_address(text)
}

/// Before the hexadecimal digits of a resource's id.
const PREFIXES: [&str; 41] = [
    "acl",
    "aki",
    "ami",
    "ari",
    "cgw",
    "dopt",
    "eigw",
    "eipalloc",
    "eipassoc",
    "eni",
    "eni-attach",
    "fl",
    "fs",
    "fsap",
    "fsmt",
    "i",
    "igw",
    "lc",
    "lgw",
    "lt",
    "m",
    "nat",
    "pcx",
    "pl",
    "r",
    "rtb",
    "rtbassoc",
    "sg",
    "sgr",
    "snap",
    "subnet",
    "tgw",
    "tgw-attach",
    "tgw-rtb",
    "vgw",
    "vol",
    "vpc",
    "vpce",
    "vpce-svc",
    "vpn",
    "vpnconn",
];

fn is_id(text: &str) -> bool {
    let Some((prefix, digits)) = text.rsplit_once('-') else {
        return false;
    };
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    matches!(digits.len(), 8 | 17) && digits.bytes().all(is_digit) && PREFIXES.contains(&prefix)
}

/// `us-east-1`, `us-gov-west-1`, `eu-central-1a`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some((last, words)), true) = (parts.split_last(), text.len() <= 24) else {
        return false;
    };
    let number = last.strip_suffix(|letter: char| letter.is_ascii_lowercase()).unwrap_or(last);
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let begins = words.first().is_some_and(|first| first.len() == 2);
    begins && words.len() >= 2 && words.iter().all(is_word) && number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_address(text: &str) -> bool {
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_hardware = || text.len() == 17 && text.split([':', '-']).all(is_pair);
    let is_internal = || text.ends_with(".compute.internal") || text.ends_with(".ec2.internal");
    let is_host = || is_aws_host(text) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    text.parse::<IpAddr>().is_ok() || is_hardware() || is_internal() || is_host()
}

/// ARNs may have as many letters.
const LONGEST: usize = 2048;

fn is_arn(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:+=,@*".contains(&byte);
    text.starts_with("arn:") && text.split(':').count() >= 6 && text.bytes().all(is_plain)
}

fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    rest.bytes().all(is_plain) && is_aws_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_and_plain_urls_of_aws_name_resources() {
        for name in [
            "arn:aws:sqs:us-east-1:481516234207:orders",
            "arn:aws-cn:dynamodb:cn-north-1:481516234207:table/orders",
            "https://sqs.us-east-1.amazonaws.com/481516234207/orders.fifo",
            "https://a1b2c3.execute-api.us-east-1.amazonaws.com/prod",
            "https://sqs.us-east-1.amazonaws.com",
        ] {
            assert!(is_name(name), "{name}");
        }
    }

    #[test]
    fn ids_regions_and_addresses_are_plain() {
        for name in [
            "eni-0123456789abcdef0",
            "ami-12345678",
            "tgw-attach-0123456789abcdef0",
            "us-gov-west-1",
            "eu-central-1a",
            "10.0.0.5",
            "2001:db8::1",
            "0a:1b:2c:3d:4e:5f",
            "ip-10-0-0-5.ec2.internal",
            "db.cluster-abc.us-east-1.rds.amazonaws.com",
        ] {
            assert!(is_plain(name), "{name}");
        }
        for text in ["app-1a2b3c4d", "eni-0123", "correct-horse-1", "us-1", "10.0.0", "x.internal", ""] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn anything_else_may_be_a_secret() {
        for text in [
            "hunter2",
            "orders",
            "arn:hunter2",
            "arn:aws:sqs:us-east-1:481516234207:a b",
            "https://example.com/hooks/hunter2",
            "https://amazonaws.com.example.com/x",
            "https://a:hunter2@sqs.us-east-1.amazonaws.com/x",
            "https://sqs.us-east-1.amazonaws.com/x?token=hunter2",
            "https://sqs.us-east-1.amazonaws.com/x#hunter2",
            "https://sqs.us-east-1.amazonaws.com/%70",
        ] {
            assert!(!is_name(text), "{text}");
        }
    }
}
