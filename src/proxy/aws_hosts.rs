//! Which hosts are AWS's: those below the domains of the partitions, and `on.aws`, where function
//! URLs and some consoles' APIs live.
//!
//! It decides what is intercepted and recorded, and what the run's certificate authority may vouch
//! for.

use crate::model::endpoint::partitions::dns_suffixes;
use std::sync::LazyLock;

/// Domains below which a host is AWS's.
pub static AWS_SUFFIXES: LazyLock<Vec<&'static str>> = LazyLock::new(|| dns_suffixes().into_iter().chain(["on.aws"]).collect());

/// Whether a host (any case, no port) is one of AWS's: below a suffix of the table, not equal to it.
pub fn is_aws_host(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    AWS_SUFFIXES.iter().any(|suffix| is_below(host, suffix))
}

fn is_below(host: &str, suffix: &str) -> bool {
    let Some(start) = host.len().checked_sub(suffix.len()) else {
        return false;
    };
    let (Some(head), Some(tail)) = (host.get(..start), host.get(start..)) else {
        return false;
    };
    head.len() > 1 && head.ends_with('.') && tail.eq_ignore_ascii_case(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_every_partition_are_known() {
        for host in [
            "proton.us-east-1.amazonaws.com",
            "my-bucket.S3.amazonaws.com",
            "sts.cn-north-1.amazonaws.com.cn",
            "lambda.eu-west-1.api.aws",
            "sqs.us-iso-east-1.c2s.ic.gov",
            "kms.us-isob-east-1.sc2s.sgov.gov",
            "kms.eu-isoe-west-1.cloud.adc-e.uk",
            "kms.us-isof-south-1.csp.hci.ic.gov",
            "kms.eusc-de-east-1.amazonaws.eu",
            "abc.lambda-url.us-east-1.on.aws",
            "sts.amazonaws.com.",
        ] {
            assert!(is_aws_host(host), "{host}");
        }
    }

    #[test]
    fn look_alikes_are_not_aws() {
        for host in [
            "amazonaws.com",
            ".amazonaws.com",
            "amazonaws.com.evil.example",
            "evilamazonaws.com",
            "example.com",
            "",
            "aws",
            "ö.aws",
        ] {
            assert!(!is_aws_host(host), "{host}");
        }
    }
}
