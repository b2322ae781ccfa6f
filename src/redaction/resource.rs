//! Texts that only name a resource of AWS: ARNs, and the URLs of queues, APIs and functions.

use crate::aws_hosts::is_aws_host;

/// Whether the text is an ARN, or the URL of a host of AWS with a plain path. A query, a user or
/// anything that is not written plainly may hold a secret.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= LONGEST && (is_arn(text) || is_url(text))
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
