//! Which hosts are AWS's: the one table of the domain suffixes of every partition.
//!
//! Source: the `dnsSuffix` and `dualStackDnsSuffix` of every partition in the published
//! `partitions.json`, and `on.aws`, where function URLs and some consoles' APIs live. It decides
//! what is intercepted and recorded, and what the run's certificate authority may vouch for.

/// Domains below which a host is AWS's.
pub const AWS_SUFFIXES: &[&str] = &[
    // aws and aws-us-gov
    "amazonaws.com",
    "api.aws",
    "on.aws",
    // aws-cn
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    // aws-iso, aws-iso-b, aws-iso-e, aws-iso-f
    "c2s.ic.gov",
    "api.aws.ic.gov",
    "sc2s.sgov.gov",
    "api.aws.scloud",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "csp.hci.ic.gov",
    "api.aws.hci.ic.gov",
    // aws-eusc
    "amazonaws.eu",
    "api.amazonwebservices.eu",
];

/// Which partition a region lies in, by the beginning of its name; the first row that fits counts.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-iso-", "c2s.ic.gov"),
    ("eusc-", "amazonaws.eu"),
    ("", "amazonaws.com"),
];

/// The host of a regional service: `proton.us-east-1.amazonaws.com`.
pub fn regional_host(endpoint_prefix: &str, region: &str) -> String {
    let partition = PARTITIONS.iter().find(|(start, _)| region.starts_with(start));
    format!(
        "{endpoint_prefix}.{region}.{}",
        partition.map_or("amazonaws.com", |(_, suffix)| suffix)
    )
}

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
    fn a_region_decides_the_partition() {
        assert_eq!(regional_host("proton", "us-east-1"), "proton.us-east-1.amazonaws.com");
        assert_eq!(regional_host("sqs", "cn-north-1"), "sqs.cn-north-1.amazonaws.com.cn");
        assert!(PARTITIONS.iter().all(|(_, suffix)| AWS_SUFFIXES.contains(suffix)));
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
