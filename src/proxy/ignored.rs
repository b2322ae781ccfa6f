//! Hosts whose calls do not count: the telemetry of AWS's own tools, and what the user lists. They
//! are answered on the spot, never forwarded, recorded or missed.

use super::{Payload, RequestBody};
use crate::aws_hosts::without_suffix;
use http::{Request, Response};

/// A host of `--ignore-host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredHost {
    /// Lower case.
    pattern: String,
}

/// The text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host; write a name such as `telemetry.example`, `*.telemetry.example` or `telemetry.*`")]
pub struct IgnoredHostError(String);

impl IgnoredHost {
    /// Reads `HOST`, `*.HOST` (what is below it) or `HOST.*` (what begins so).
    ///
    /// # Errors
    /// Where it is no such thing, or covers every host.
    pub fn parse(text: &str) -> Result<IgnoredHost, IgnoredHostError> {
        let pattern = text.trim().trim_end_matches('.').to_ascii_lowercase();
        let name = pattern.strip_prefix("*.").unwrap_or(&pattern);
        let name = name.strip_suffix(".*").unwrap_or(name);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_letter);
        match name.split('.').all(is_label) {
            true => Ok(IgnoredHost { pattern }),
            false => Err(IgnoredHostError(text.to_owned())),
        }
    }

    /// Whether it is that host (lower case).
    fn covers(&self, host: &str) -> bool {
        let below = self.pattern.strip_prefix("*.");
        let name = below.unwrap_or(&self.pattern);
        match (name.strip_suffix(".*"), below) {
            (Some(start), None) => is_followed_by_dot(host, start),
            (Some(inner), Some(_)) => host.match_indices(inner).any(|(at, _)| {
                let rest = &host[at + inner.len()..];
                host[..at].ends_with('.') && rest.starts_with('.')
            }),
            (None, Some(_)) => host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
            (None, None) => host == name,
        }
    }
}

fn is_followed_by_dot(host: &str, start: &str) -> bool {
    host.strip_prefix(start).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether calls to a host do not count.
pub fn is_ignored(host: &str, listed: &[IgnoredHost]) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    is_telemetry(&host) || listed.iter().any(|pattern| pattern.covers(&host))
}

/// `cdk-cli-telemetry.us-east-1.api.aws`, `aws-serverless-tools-telemetry.us-west-2.amazonaws.com`:
/// no service has such a name.
fn is_telemetry(host: &str) -> bool {
    let first = without_suffix(host).and_then(|(head, _)| head.split('.').next());
    first.is_some_and(|label| label.ends_with("-telemetry"))
}

/// What such a call is answered: all is well, and nothing more.
pub fn answer(_: Request<RequestBody>) -> Response<Payload> {
    Response::new(Payload::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telemetry_of_aws_s_tools_is_known_and_their_calls_are_not_it() {
        for host in [
            "cdk-cli-telemetry.us-east-1.api.aws",
            "aws-serverless-tools-telemetry.us-west-2.amazonaws.com",
            "client-telemetry.us-east-1.amazonaws.com",
        ] {
            assert!(is_ignored(host, &[]), "{host}");
        }
        for host in [
            "sts.us-east-1.amazonaws.com",
            "my-telemetry.s3.amazonaws.com.example",
            "cdk-cli-telemetry.example",
        ] {
            assert!(!is_ignored(host, &[]), "{host}");
        }
    }

    #[test]
    fn a_listed_host_is_one_name_or_all_that_begin_or_end_so() {
        let ignored = |pattern: &str, host: &str| is_ignored(host, &[IgnoredHost::parse(pattern).unwrap()]);
        assert!(ignored("Stats.Example", "stats.example") && !ignored("stats.example", "a.stats.example"));
        assert!(ignored("*.example", "a.b.example") && !ignored("*.example", "example"));
        assert!(ignored("stats.*", "stats.us-east-1.amazonaws.com") && !ignored("stats.*", "statsx.amazonaws.com"));
        assert!(ignored("*.stats.*", "a.stats.example") && !ignored("*.stats.*", "stats.example"));
        for wrong in ["", "*", "*.*", "https://stats.example", "a:443", "a b"] {
            assert!(IgnoredHost::parse(wrong).is_err(), "{wrong}");
        }
    }
}
