//! Where a service's hosts are when its model brings no rules that can be evaluated: the one form
//! that nearly all services have, and a small table of those that have another.
//!
//! The table is not complete and need not be: AWS's published models bring rules, and botocore has
//! them in a file beside. It is for the built-in models, and for rules of later times.

use super::{Endpoint, Settings};
use crate::partitions::{Partition, partition_of};
use serde_json::{Map, Value, json};

/// One host for the whole partition `aws`: `PREFIX.amazonaws.com`, signed for its first region.
const GLOBAL: &[&str] = &["budgets", "cloudfront", "iam", "importexport", "route53", "savingsplans", "waf"];

/// One region for the whole partition, the one its global services are signed for.
const CENTRAL: &[&str] = &[
    "account",
    "artifact",
    "billingconductor",
    "ce",
    "chime",
    "organizations",
    "shield",
    "support",
    "tax",
];

/// Hosts below the dual-stack domain alone: `PREFIX.REGION.api.aws`.
const DUAL_STACK_ONLY: &[&str] = &[
    "application-signals",
    "datazone",
    "dsql",
    "eks-auth",
    "kendra-ranking",
    "mpa",
    "notifications",
    "qbusiness",
    "s3vectors",
    "security-ir",
];

/// Endpoint prefix, partition, host, the region to sign for.
const OTHERS: &[(&str, &str, &str, &str)] = &[
    (
        "cloudfront",
        "aws-cn",
        "cloudfront.cn-northwest-1.amazonaws.com.cn",
        "cn-northwest-1",
    ),
    ("globalaccelerator", "aws", "globalaccelerator.us-west-2.amazonaws.com", "us-west-2"),
    ("iam", "aws-cn", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    ("iam", "aws-us-gov", "iam.us-gov.amazonaws.com", "us-gov-west-1"),
    ("networkmanager", "aws", "networkmanager.us-west-2.amazonaws.com", "us-west-2"),
    ("route53", "aws-cn", "route53.amazonaws.com.cn", "cn-northwest-1"),
    ("route53", "aws-us-gov", "route53.us-gov.amazonaws.com", "us-gov-west-1"),
];

/// The endpoint of a service in a region.
pub fn endpoint(prefix: &str, region: &str, settings: &Settings) -> Endpoint {
    let partition = partition_of(region);
    let plain = !settings.use_fips && !settings.use_dual_stack;
    if plain && let Some((host, signing_region)) = special(prefix, partition) {
        return built(host, Some(signing_region));
    }
    let region = match partition.pseudo_region == Some(region) || CENTRAL.contains(&prefix) {
        true => partition.implicit_global_region,
        false => region,
    };
    let central = CENTRAL.contains(&prefix).then_some(region);
    let fips = if settings.use_fips { "-fips" } else { "" };
    let dual_stack = settings.use_dual_stack || DUAL_STACK_ONLY.contains(&prefix);
    let suffix = if dual_stack {
        partition.dual_stack_dns_suffix
    } else {
        partition.dns_suffix
    };
    built(format!("{prefix}{fips}.{region}.{suffix}"), central)
}

fn special(prefix: &str, partition: &'static Partition) -> Option<(String, &'static str)> {
    let row = OTHERS.iter().find(|(name, of, ..)| *name == prefix && *of == partition.name);
    if let Some((_, _, host, signing_region)) = row {
        return Some(((*host).to_owned(), signing_region));
    }
    let global = partition.name == "aws" && GLOBAL.contains(&prefix);
    global.then(|| (format!("{prefix}.{}", partition.dns_suffix), partition.implicit_global_region))
}

fn built(host: String, signing_region: Option<&str>) -> Endpoint {
    let scheme = signing_region.map(|region| json!([{"name": "sigv4", "signingRegion": region}]));
    let properties: Map<String, Value> = scheme.into_iter().map(|scheme| ("authSchemes".to_owned(), scheme)).collect();
    Endpoint {
        url: format!("https://{host}"),
        properties,
        headers: Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(prefix: &str, region: &str) -> (String, Option<String>) {
        let found = endpoint(prefix, region, &Settings::default());
        let signing_region = found.signing().and_then(|scheme| scheme.signing_region);
        (found.url, signing_region)
    }

    #[test]
    fn nearly_every_service_has_a_host_in_each_region() {
        assert_eq!(
            host("proton", "us-east-1"),
            ("https://proton.us-east-1.amazonaws.com".to_owned(), None)
        );
        assert_eq!(
            host("sqs", "cn-north-1"),
            ("https://sqs.cn-north-1.amazonaws.com.cn".to_owned(), None)
        );
        assert_eq!(host("sts", "aws-global"), ("https://sts.us-east-1.amazonaws.com".to_owned(), None));
        assert_eq!(
            host("datazone", "eu-west-1"),
            ("https://datazone.eu-west-1.api.aws".to_owned(), None)
        );
    }

    #[test]
    fn global_services_have_one_host_and_one_region() {
        let signed = |host: &str, region: &str| (format!("https://{host}"), Some(region.to_owned()));
        assert_eq!(host("iam", "eu-west-1"), signed("iam.amazonaws.com", "us-east-1"));
        assert_eq!(host("iam", "aws-global"), signed("iam.amazonaws.com", "us-east-1"));
        assert_eq!(host("iam", "us-gov-east-1"), signed("iam.us-gov.amazonaws.com", "us-gov-west-1"));
        assert_eq!(
            host("organizations", "eu-west-1"),
            signed("organizations.us-east-1.amazonaws.com", "us-east-1")
        );
        assert_eq!(
            host("networkmanager", "us-east-1"),
            signed("networkmanager.us-west-2.amazonaws.com", "us-west-2")
        );
    }

    #[test]
    fn fips_and_dual_stack_show_in_the_host() {
        let of = |use_fips, use_dual_stack| {
            let settings = Settings {
                use_fips,
                use_dual_stack,
                ..Settings::default()
            };
            endpoint("kms", "us-east-2", &settings).url
        };
        assert_eq!(of(true, false), "https://kms-fips.us-east-2.amazonaws.com");
        assert_eq!(of(false, true), "https://kms.us-east-2.api.aws");
        assert_eq!(of(true, true), "https://kms-fips.us-east-2.api.aws");
    }
}
