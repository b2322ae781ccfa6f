//! Which hosts are AWS's: those below the domains of the partitions, and `on.aws`, where function
//! URLs and some consoles' APIs live.
//!
//! It decides what is intercepted and recorded, what the run's certificate authority may vouch for,
//! and which service a host name speaks of.

use crate::partitions::dns_suffixes;
use std::sync::LazyLock;

/// Domains below which a host is AWS's.
pub static AWS_SUFFIXES: LazyLock<Vec<&'static str>> = LazyLock::new(|| dns_suffixes().into_iter().chain(["on.aws"]).collect());

/// Whether a host (any case, no port) is one of AWS's: below a suffix of the table, not equal to it.
pub fn is_aws_host(host: &str) -> bool {
    without_suffix(host).is_some()
}

/// What stands before AWS's suffix in a host (any case, no port), and that suffix:
/// `proton.us-east-1` and `amazonaws.com`; nothing where the host is not AWS's. The longest suffix
/// counts.
pub fn without_suffix(host: &str) -> Option<(&str, &'static str)> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let below = AWS_SUFFIXES.iter().filter_map(|suffix| Some((before(host, suffix)?, *suffix)));
    below.min_by_key(|(head, _)| head.len())
}

fn before<'h>(host: &'h str, suffix: &str) -> Option<&'h str> {
    let start = host.len().checked_sub(suffix.len())?;
    let (head, tail) = (host.get(..start)?, host.get(start..)?);
    let head = head.strip_suffix('.').filter(|head| !head.is_empty())?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
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
    fn the_longest_suffix_is_taken_off() {
        assert_eq!(
            without_suffix("sts.cn-north-1.amazonaws.com.cn"),
            Some(("sts.cn-north-1", "amazonaws.com.cn"))
        );
        assert_eq!(without_suffix("lambda.eu-west-1.API.aws"), Some(("lambda.eu-west-1", "api.aws")));
        assert_eq!(without_suffix("127.0.0.1"), None);
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
