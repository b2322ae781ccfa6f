//! What a host name says of a call: the service, and a bucket before it.
//!
//! Source: "AWS service endpoints" of the AWS General Reference, and "Virtual hosting of buckets"
//! of the Amazon S3 User Guide.

use crate::aws_hosts;
use crate::scope::is_region;

/// Labels that say how a service is reached, and not which.
const MANNERS: [&str; 5] = ["dualstack", "vpce", "fips", "global", "bucket"];

/// The names that a host may give a service, the most specific first: of
/// `123456789012.api.ecr.us-east-1.amazonaws.com` these are `123456789012.api.ecr`, `api.ecr` and
/// `ecr`. None where the host is not AWS's.
pub(super) fn service_names(host: &str) -> Vec<String> {
    let Some((head, _)) = aws_hosts::without_suffix(host) else {
        return Vec::new();
    };
    let head = head.to_ascii_lowercase();
    let labels: Vec<&str> = head
        .split('.')
        .filter(|label| !is_region(label) && !MANNERS.contains(label) && !label.starts_with("vpce-"))
        .map(without_fips)
        .collect();
    let mut names: Vec<String> = (0..labels.len()).filter_map(|start| Some(labels.get(start..)?.join("."))).collect();
    // `s3-us-west-2.amazonaws.com` and its like, from before regions had labels of their own.
    names.extend(labels.last().and_then(|label| without_region(label)).map(str::to_owned));
    names
}

/// `kms-fips` and `fips-kms` are `kms`.
fn without_fips(label: &str) -> &str {
    let label = label.strip_suffix("-fips").unwrap_or(label);
    label.strip_prefix("fips-").unwrap_or(label)
}

fn without_region(label: &str) -> Option<&str> {
    let dashes = label.match_indices('-').map(|(at, _)| at);
    dashes
        .into_iter()
        .find_map(|at| label.get(at + 1..).filter(|rest| is_region(rest)).and_then(|_| label.get(..at)))
}

/// The bucket that a host of S3 names.
pub fn bucket_in_host(host: &str) -> Option<String> {
    s3_host(host)?.bucket
}

/// Where S3 is, by its host: the bucket that stands before it, and the region and suffix after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct S3Host {
    /// The bucket, where the host names one: that of an access point is its alias or its name with
    /// the account, as the host has it.
    pub bucket: Option<String>,
    /// The first label of the host without the bucket.
    pub service: &'static str,
    /// The region, where the host names one.
    pub region: Option<String>,
    /// The partition's suffix.
    pub suffix: &'static str,
}

/// Reads `my-bucket.s3.us-east-1.amazonaws.com` and its variants; nothing for any other service's
/// host, those of S3's relatives whose paths name no bucket included.
pub(super) fn s3_host(host: &str) -> Option<S3Host> {
    let (head, suffix) = aws_hosts::without_suffix(host)?;
    let labels: Vec<&str> = head.split('.').collect();
    let at = labels.iter().rposition(|label| s3_service(label).is_some())?;
    let (before, label, after) = (labels.get(..at)?, labels.get(at)?, labels.get(at + 1..)?);
    let is_expected = |label: &&str| is_region(label) || matches!(*label, "dualstack" | "vpce");
    if !after.iter().all(is_expected) {
        return None;
    }
    let region = after.iter().copied().find(|label| is_region(label));
    let region = region.or_else(|| label.strip_prefix("s3-").filter(|rest| is_region(rest)));
    let service = s3_service(label)?;
    let bucket = bucket_before(before, after.contains(&"vpce"))?;
    // Alone, these are the hosts of other services: `s3-outposts.us-west-2.amazonaws.com`.
    if bucket.is_none() && service != "s3" {
        return None;
    }
    Some(S3Host {
        bucket,
        service,
        region: region.map(str::to_owned),
        suffix,
    })
}

/// The bucket of the labels before S3's own; nothing where they name another service.
fn bucket_before(before: &[&str], through_interface: bool) -> Option<Option<String>> {
    let mut before = before.to_vec();
    // Through an interface endpoint: `my-bucket.bucket.vpce-1a2b-cd.s3.us-east-1.vpce`.
    if through_interface && before.pop_if(|label| label.starts_with("vpce-")).is_some() {
        if before.last() == Some(&"control") {
            return None;
        }
        before.pop_if(|label| matches!(*label, "bucket" | "accesspoint"));
    }
    // A multi-region access point: `alias.mrap.accesspoint.s3-global`.
    if before.ends_with(&["mrap", "accesspoint"]) {
        before.pop();
    }
    Some((!before.is_empty()).then(|| before.join(".")))
}

/// What a label of a host is called in the host of a request that names its bucket in the path;
/// nothing where the label is none of S3's.
fn s3_service(label: &str) -> Option<&'static str> {
    let label = label.to_ascii_lowercase();
    if label.starts_with("s3express-") {
        return (!label.starts_with("s3express-control")).then_some("s3");
    }
    match label.strip_prefix("s3") {
        Some("" | "-fips" | "-accelerate" | "-external-1" | "-accesspoint" | "-accesspoint-fips" | "-global") => Some("s3"),
        Some("-outposts" | "-outposts-fips") => Some("s3-outposts"),
        Some("-object-lambda" | "-object-lambda-fips") => Some("s3-object-lambda"),
        Some(rest) => rest.strip_prefix('-').is_some_and(is_region).then_some("s3"),
        None => None,
    }
}

/// The bucket before a name of this machine: `my-bucket.localhost`, as an SDK makes it of an
/// endpoint `http://localhost`.
pub(super) fn bucket_before_localhost(host: &str) -> Option<&str> {
    host.strip_suffix(".localhost").filter(|bucket| !bucket.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_of(host: &str, wanted: &str) -> bool {
        service_names(host).iter().any(|name| name == wanted)
    }

    #[test]
    fn every_form_of_host_names_its_service() {
        for (host, service) in [
            ("proton.us-east-1.amazonaws.com", "proton"),
            ("iam.amazonaws.com", "iam"),
            ("kms-fips.us-gov-west-1.amazonaws.com", "kms"),
            ("fips.oidc.us-east-1.amazonaws.com", "oidc"),
            ("lambda.eu-west-1.api.aws", "lambda"),
            ("s3.dualstack.eu-west-1.amazonaws.com", "s3"),
            ("api.ecr.us-east-1.amazonaws.com", "api.ecr"),
            ("portal.sso.us-east-1.amazonaws.com", "portal.sso"),
            ("sts.cn-north-1.amazonaws.com.cn", "sts"),
            ("s3-us-west-2.amazonaws.com", "s3"),
            ("vpce-0a1b-cd.kms.us-east-1.vpce.amazonaws.com", "kms"),
            ("abc123.execute-api.us-east-1.amazonaws.com", "execute-api"),
            ("data.jobs.iot.us-east-1.amazonaws.com", "data.jobs.iot"),
        ] {
            assert!(first_of(host, service), "{host}: {:?}", service_names(host));
        }
        assert!(service_names("127.0.0.1").is_empty());
        assert!(service_names("s3.example.com").is_empty());
    }

    #[test]
    fn a_bucket_stands_before_s3() {
        let bucket = |host: &str| s3_host(host).map(|host| (host.bucket.unwrap_or_default(), host.region.unwrap_or_default()));
        let pair = |bucket: &str, region: &str| Some((bucket.to_owned(), region.to_owned()));
        assert_eq!(bucket("my-bucket.s3.us-east-1.amazonaws.com"), pair("my-bucket", "us-east-1"));
        assert_eq!(bucket("my.dotted.bucket.s3.amazonaws.com"), pair("my.dotted.bucket", ""));
        assert_eq!(bucket("s3-like.s3.dualstack.eu-west-1.amazonaws.com"), pair("s3-like", "eu-west-1"));
        assert_eq!(bucket("b.s3-us-west-2.amazonaws.com"), pair("b", "us-west-2"));
        assert_eq!(bucket("b.s3-accelerate.amazonaws.com"), pair("b", ""));
        assert_eq!(
            bucket("b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com"),
            pair("b--usw2-az1--x-s3", "us-west-2")
        );
        assert_eq!(
            bucket("b.bucket.vpce-1a2b-cd.s3.us-east-1.vpce.amazonaws.com"),
            pair("b", "us-east-1")
        );
        assert_eq!(bucket("s3.us-east-1.amazonaws.com"), pair("", "us-east-1"));
        for (host, name, region) in [
            ("vpce-1a.s3.us-west-2.amazonaws.com", "vpce-1a", "us-west-2"),
            ("dualstack.s3.dualstack.us-west-2.amazonaws.com", "dualstack", "us-west-2"),
            ("my.s3.us-east-1.s3.us-west-2.amazonaws.com", "my.s3.us-east-1", "us-west-2"),
            ("us-east-1.s3.amazonaws.com", "us-east-1", ""),
            (
                "b--use1-az4--x-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com",
                "b--use1-az4--x-s3",
                "us-east-1",
            ),
            (
                "ap-123456789012.s3-accesspoint-fips.dualstack.us-east-1.amazonaws.com",
                "ap-123456789012",
                "us-east-1",
            ),
            (
                "ap-123456789012.op-01ac.s3-outposts.us-west-2.amazonaws.com",
                "ap-123456789012.op-01ac",
                "us-west-2",
            ),
            (
                "ap-123456789012.s3-object-lambda.us-west-2.amazonaws.com",
                "ap-123456789012",
                "us-west-2",
            ),
            ("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", "mfzwi23gnjvgw.mrap", ""),
            ("ap-1.accesspoint.vpce-1a2b-cd.s3.us-east-1.vpce.amazonaws.com", "ap-1", "us-east-1"),
        ] {
            assert_eq!(bucket(host), pair(name, region), "{host}");
        }
        for host in [
            "s3express-control.us-east-1.amazonaws.com",
            "s3express-control-fips.dualstack.us-east-1.amazonaws.com",
            "s3-outposts.us-west-2.amazonaws.com",
            "123456789012.control.vpce-1a2b-cd.s3.us-east-1.vpce.amazonaws.com",
        ] {
            assert_eq!(bucket(host), None, "{host}");
        }
        assert_eq!(bucket("123456789012.s3-control.us-east-1.amazonaws.com"), None);
        assert_eq!(bucket("s3.console.us-east-1.amazonaws.com"), None);
        assert_eq!(bucket("proton.us-east-1.amazonaws.com"), None);
        assert_eq!(bucket("b.s3.localhost"), None);
    }
}
