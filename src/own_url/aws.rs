//! The URL that AWS has for what an emulator, or a client that was told our address, calls by
//! another one.

use super::text::Mention;
use crate::partitions::partition_of;
use crate::scope::{self, is_region};

/// The call in whose request or answer a URL stands.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The signing name of the called service; empty where nothing tells it.
    pub service: &'a str,
    /// The region of the call.
    pub region: &'a str,
    /// The host by which AWS knows the called service; none in a request, whose URLs are those of
    /// another service: a template, an object, a queue.
    pub host: Option<&'a str>,
}

/// Services whose URLs clients send back to them.
const WITH_URLS_OF_THEIR_OWN: [&str; 2] = ["sqs", "sns"];

/// The host of what is mentioned at AWS.
pub fn host_of(mention: &Mention<'_>, around: &Around<'_>) -> String {
    if !mention.labels.is_empty() {
        let is_bucket = around.service == "s3" && !mention.labels.split('.').any(|label| label.starts_with("s3"));
        return match is_bucket {
            true => format!("{}.{}", mention.labels, host("s3", around.region)),
            false => below(mention.labels, around.region),
        };
    }
    if !mention.is_url {
        return around.own_host();
    }
    let target = mention.path_and_query();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if let Some(signed) = scope::from_query(query) {
        return host(&signed.service, signed.region.as_deref().unwrap_or(around.region));
    }
    if let Some(region) = region_of_topic(query) {
        return host("sns", region);
    }
    if around.service == "s3" || query.contains("AWSAccessKeyId=") {
        return host("s3", around.region);
    }
    if is_queue(path) {
        return host("sqs", around.region);
    }
    around.own_host()
}

impl Around<'_> {
    fn own_host(&self) -> String {
        let sends_back = WITH_URLS_OF_THEIR_OWN.contains(&self.service);
        match self.host {
            Some(host) => host.to_owned(),
            None if sends_back => host(self.service, self.region),
            None => host("s3", self.region),
        }
    }
}

fn host(service: &str, region: &str) -> String {
    // The signing name of directory buckets has no host.
    let service = if service == "s3express" { "s3" } else { service };
    format!("{service}.{region}.{}", partition_of(region).dns_suffix)
}

/// `sqs.us-east-1` and `abc123.execute-api`, as AWS continues them.
fn below(labels: &str, region: &str) -> String {
    if labels.split('.').any(|label| label == "lambda-url") {
        return format!("{labels}.on.aws");
    }
    let named = labels.split('.').rev().find(|label| is_region(label));
    let suffix = partition_of(named.unwrap_or(region)).dns_suffix;
    match named {
        Some(_) => format!("{labels}.{suffix}"),
        None => format!("{labels}.{region}.{suffix}"),
    }
}

/// `/123456789012/name`.
fn is_queue(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    segments.next().is_some_and(is_account) && segments.next().is_some_and(|name| !name.is_empty()) && segments.next().is_none()
}

/// `Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:…`, and the like to unsubscribe.
fn region_of_topic(query: &str) -> Option<&str> {
    let (_, arn) = query.split_once("=arn:aws").filter(|_| query.contains("Action="))?;
    let mut parts = arn.split(':').skip(1);
    (parts.next() == Some("sns"))
        .then(|| parts.next())
        .flatten()
        .filter(|region| is_region(region))
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::super::text::{Target, replaced};
    use super::*;

    fn named(text: &str, service: &str, own: Option<&str>) -> String {
        let place = Place::of_url(&"http://127.0.0.1:5000".parse().unwrap()).unwrap();
        let around = Around {
            service,
            region: "eu-west-1",
            host: own,
        };
        let target = |mention: &Mention<'_>| {
            Some(Target {
                scheme: "https".to_owned(),
                authority: host_of(mention, &around),
                path: String::new(),
                skip: 0,
            })
        };
        replaced(text, &place, &target).unwrap()
    }

    #[test]
    fn a_url_belongs_to_the_service_that_its_path_and_query_show() {
        let own = Some("lambda.eu-west-1.amazonaws.com");
        for (path, host) in [
            ("/123456789012/q1", "sqs.eu-west-1.amazonaws.com"),
            (
                "/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:1:t:2",
                "sns.us-east-1.amazonaws.com",
            ),
            (
                "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
                "s3.us-west-2.amazonaws.com",
            ),
            ("/b/k?AWSAccessKeyId=A&Signature=0", "s3.eu-west-1.amazonaws.com"),
            ("/2015-03-31/functions", "lambda.eu-west-1.amazonaws.com"),
        ] {
            assert_eq!(
                named(&format!("http://127.0.0.1:5000{path}"), "lambda", own),
                format!("https://{host}{path}")
            );
        }
        let below = |labels: &str| named(&format!("http://{labels}.localhost:5000/x"), "lambda", own);
        assert_eq!(below("sqs.us-east-1"), "https://sqs.us-east-1.amazonaws.com/x");
        assert_eq!(below("abc123.execute-api"), "https://abc123.execute-api.eu-west-1.amazonaws.com/x");
        assert_eq!(below("abc.lambda-url.us-east-1"), "https://abc.lambda-url.us-east-1.on.aws/x");
        assert_eq!(below("sqs.cn-north-1"), "https://sqs.cn-north-1.amazonaws.com.cn/x");
        let of_bucket = |labels: &str| named(&format!("http://{labels}.localhost:5000/x"), "s3", own);
        assert_eq!(of_bucket("my.bucket"), "https://my.bucket.s3.eu-west-1.amazonaws.com/x");
        assert_eq!(of_bucket("bucket.s3.us-east-1"), "https://bucket.s3.us-east-1.amazonaws.com/x");
    }

    #[test]
    fn what_a_client_makes_of_our_address_is_an_object_or_a_queue() {
        let sent = |path: &str, service: &str| named(&format!("http://127.0.0.1:5000{path}"), service, None);
        assert_eq!(
            sent("/bucket/t.yaml", "cloudformation"),
            "https://s3.eu-west-1.amazonaws.com/bucket/t.yaml"
        );
        assert_eq!(sent("/queue/q1", "sqs"), "https://sqs.eu-west-1.amazonaws.com/queue/q1");
        assert_eq!(
            sent("/123456789012/q1", "lambda"),
            "https://sqs.eu-west-1.amazonaws.com/123456789012/q1"
        );
        assert_eq!(
            sent("/123456789012/key", "s3"),
            "https://s3.eu-west-1.amazonaws.com/123456789012/key"
        );
    }
}
