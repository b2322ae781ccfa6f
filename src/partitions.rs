//! The partitions of AWS: the one table of which regions they have and below which domains their
//! hosts lie.
//!
//! Source: the facts of the published `partitions.json` (version 1.1). Its patterns of regions all
//! have the form `PREFIX-WORD-NUMBER`, so that the table holds the prefixes alone.

use serde_json::{Value, json};

/// One partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// `aws`, `aws-cn`, …
    pub name: &'static str,
    /// The domain of its hosts.
    pub dns_suffix: &'static str,
    /// The domain of its hosts that speak IPv6 too.
    pub dual_stack_dns_suffix: &'static str,
    /// Whether it has such hosts at all.
    pub supports_dual_stack: bool,
    /// Where its global services are signed for.
    pub implicit_global_region: &'static str,
    /// The name by which SDKs ask for the global endpoint. No region of that name exists.
    pub pseudo_region: Option<&'static str>,
    /// What comes before `-WORD-NUMBER` in the names of its regions.
    region_prefixes: &'static [&'static str],
}

const PARTITIONS: &[Partition] = &[
    Partition {
        name: "aws",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
        supports_dual_stack: true,
        implicit_global_region: "us-east-1",
        pseudo_region: Some("aws-global"),
        region_prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
    },
    Partition {
        name: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
        supports_dual_stack: true,
        implicit_global_region: "cn-northwest-1",
        pseudo_region: Some("aws-cn-global"),
        region_prefixes: &["cn"],
    },
    Partition {
        name: "aws-eusc",
        dns_suffix: "amazonaws.eu",
        dual_stack_dns_suffix: "api.amazonwebservices.eu",
        supports_dual_stack: true,
        implicit_global_region: "eusc-de-east-1",
        pseudo_region: None,
        region_prefixes: &["eusc-de"],
    },
    Partition {
        name: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        dual_stack_dns_suffix: "api.aws.ic.gov",
        supports_dual_stack: true,
        implicit_global_region: "us-iso-east-1",
        pseudo_region: Some("aws-iso-global"),
        region_prefixes: &["us-iso"],
    },
    Partition {
        name: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_dns_suffix: "api.aws.scloud",
        supports_dual_stack: true,
        implicit_global_region: "us-isob-east-1",
        pseudo_region: Some("aws-iso-b-global"),
        region_prefixes: &["us-isob"],
    },
    Partition {
        name: "aws-iso-e",
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
        supports_dual_stack: true,
        implicit_global_region: "eu-isoe-west-1",
        pseudo_region: Some("aws-iso-e-global"),
        region_prefixes: &["eu-isoe"],
    },
    Partition {
        name: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_dns_suffix: "api.aws.hci.ic.gov",
        supports_dual_stack: true,
        implicit_global_region: "us-isof-south-1",
        pseudo_region: Some("aws-iso-f-global"),
        region_prefixes: &["us-isof"],
    },
    Partition {
        name: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
        supports_dual_stack: true,
        implicit_global_region: "us-gov-west-1",
        pseudo_region: Some("aws-us-gov-global"),
        region_prefixes: &["us-gov"],
    },
];

/// The partition a region lies in; `aws` for a region that fits none (rules engine, `aws.partition`).
pub fn partition_of(region: &str) -> &'static Partition {
    let named = PARTITIONS.iter().find(|partition| partition.pseudo_region == Some(region));
    named
        .or_else(|| PARTITIONS.iter().find(|partition| partition.has_region(region)))
        .unwrap_or(&PARTITIONS[0])
}

/// The partition that has this name for its global endpoint, `aws-global` and the like.
pub fn partition_of_pseudo_region(region: &str) -> Option<&'static Partition> {
    PARTITIONS.iter().find(|partition| partition.pseudo_region == Some(region))
}

/// The domains of all partitions, each once.
pub fn dns_suffixes() -> Vec<&'static str> {
    let mut suffixes = Vec::with_capacity(PARTITIONS.len() * 2);
    for partition in PARTITIONS {
        for suffix in [partition.dns_suffix, partition.dual_stack_dns_suffix] {
            if !suffixes.contains(&suffix) {
                suffixes.push(suffix);
            }
        }
    }
    suffixes
}

impl Partition {
    fn has_region(&self, region: &str) -> bool {
        let named_so = |rest: &str| {
            let parts = rest.strip_prefix('-').and_then(|rest| rest.split_once('-'));
            parts.is_some_and(|(word, number)| {
                !word.is_empty()
                    && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        let mut prefixes = self.region_prefixes.iter();
        prefixes.any(|prefix| region.strip_prefix(prefix).is_some_and(named_so))
    }

    /// What `aws.partition` answers. Every partition has FIPS hosts.
    pub fn outputs(&self) -> Value {
        json!({
            "name": self.name,
            "dnsSuffix": self.dns_suffix,
            "dualStackDnsSuffix": self.dual_stack_dns_suffix,
            "implicitGlobalRegion": self.implicit_global_region,
            "supportsFIPS": true,
            "supportsDualStack": self.supports_dual_stack,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_lies_in_the_partition_whose_pattern_it_fits() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("mx-central-1", "aws"),
            ("ap-southeast-12", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition_of(region).name, partition, "{region}");
        }
    }

    #[test]
    fn a_pseudo_region_names_its_partition() {
        assert_eq!(partition_of("aws-cn-global").name, "aws-cn");
        assert_eq!(
            partition_of_pseudo_region("aws-global").map(|partition| partition.implicit_global_region),
            Some("us-east-1")
        );
        assert_eq!(partition_of_pseudo_region("us-east-1"), None);
    }

    #[test]
    fn a_region_nobody_knows_counts_as_of_the_first_partition() {
        for region in ["mars-north-1", "eusc-fr-west-1", "us-east", "us-east-1a", ""] {
            assert_eq!(partition_of(region).name, "aws", "{region}");
            assert!(!PARTITIONS.iter().any(|partition| partition.has_region(region)), "{region}");
        }
    }

    #[test]
    fn a_domain_that_two_partitions_share_is_told_once() {
        let suffixes = dns_suffixes();
        assert_eq!(suffixes.iter().filter(|suffix| **suffix == "amazonaws.com").count(), 1);
        assert_eq!(suffixes.len(), 14);
    }
}
