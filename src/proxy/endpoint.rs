//! The endpoint door: the client was given our URL as its endpoint.
//!
//! A first path segment `/@NAME[:TOKEN]` picks the cassette and session; SDKs keep the path of the
//! endpoint they were given in front of their own.

use super::Refused;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

/// `/@connections/ID` is a path of the API Gateway Management API.
const NOT_A_SESSION: &str = "connections";

/// What the first segment of a path said.
#[derive(Clone, PartialEq, Eq)]
pub struct Prefix {
    /// The session's name; it may hold `/`, written `%2F`.
    pub session: String,
    /// The run's token, where one was shown.
    pub token: Option<String>,
}

/// Takes the `/@NAME[:TOKEN]` segment off a path, where there is one. `/@x` and `/@x/` both leave
/// `/` (the SDKs differ in this), and `%40` is an `@` too (botocore writes it so for S3).
pub fn split_prefix(path: &PathAndQuery) -> Result<Option<(Prefix, PathAndQuery)>, Refused> {
    let text = path.as_str();
    let Some(after) = text.strip_prefix("/@").or_else(|| text.strip_prefix("/%40")) else {
        return Ok(None);
    };
    let end = after.find(['/', '?']).unwrap_or(after.len());
    let (segment, rest) = after.split_at(end);
    if segment == NOT_A_SESSION {
        return Ok(None);
    }
    let prefix = parse_segment(segment)?;
    let rest = if rest.starts_with('/') {
        rest.to_owned()
    } else {
        format!("/{rest}")
    };
    let rest = PathAndQuery::try_from(rest).map_err(|_| Refused::bad("the path is not one"))?;
    Ok(Some((prefix, rest)))
}

fn parse_segment(segment: &str) -> Result<Prefix, Refused> {
    let segment = percent_decode_str(segment).decode_utf8_lossy();
    let (name, token) = match segment.split_once(':') {
        Some((name, token)) => (name, Some(token)),
        None => (&*segment, None),
    };
    if !is_session_name(name) {
        let shown = name.escape_default();
        return Err(Refused::bad(format!(
            "`{shown}` cannot name a session: letters, digits, `.`, `_` and `-`, parts joined by `/`"
        )));
    }
    Ok(Prefix {
        session: name.to_owned(),
        token: token.map(str::to_owned),
    })
}

/// `[A-Za-z0-9._-]+` parts joined by `/`, never `.` or `..`.
pub fn is_session_name(name: &str) -> bool {
    name.split('/').all(|part| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Option<(String, Option<String>, String)> {
        let (prefix, rest) = split_prefix(&path.parse().unwrap()).unwrap()?;
        Some((prefix.session, prefix.token, rest.to_string()))
    }

    #[test]
    fn the_first_segment_names_the_session() {
        let named = |name: &str, rest: &str| Some((name.to_owned(), None, rest.to_owned()));
        assert_eq!(split("/@checkout"), named("checkout", "/"));
        assert_eq!(split("/@checkout/"), named("checkout", "/"));
        assert_eq!(split("/@checkout/a%2Fb/c?d=e"), named("checkout", "/a%2Fb/c?d=e"));
        assert_eq!(split("/@checkout?d=e"), named("checkout", "/?d=e"));
        assert_eq!(split("/@team%2Fcheckout/x"), named("team/checkout", "/x"));
        assert_eq!(split("/%40checkout/x"), named("checkout", "/x"));
        assert_eq!(split("/plain/@x"), None);
        assert_eq!(split("/@connections/abc"), None);
        assert_eq!(split("/"), None);
    }

    #[test]
    fn a_token_stands_behind_a_colon() {
        assert_eq!(
            split("/@a:s3cret/x"),
            Some(("a".to_owned(), Some("s3cret".to_owned()), "/x".to_owned()))
        );
    }

    #[test]
    fn a_name_never_climbs_out_of_its_folder() {
        for path in ["/@..", "/@%2e%2e/x", "/@a%2F..%2Fb", "/@", "/@a%00b", "/@:token"] {
            assert!(split_prefix(&path.parse().unwrap()).is_err(), "{path}");
        }
    }
}
