//! The endpoint door: the client was given our URL as its endpoint.
//!
//! A first path segment `/@NAME[:TOKEN]` picks the cassette and session; SDKs keep the path of the
//! endpoint they were given in front of their own.

use super::Refused;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

/// `/@connections/ID` is a path of the API Gateway Management API.
const NOT_A_SESSION: &str = "connections";
/// A text that was escaped more often was not escaped by SDKs.
const MOST_ESCAPES: usize = 3;

/// What the first segment of a path said.
#[derive(Clone, PartialEq, Eq)]
pub struct Prefix {
    /// The session's name; it may hold `/`, written `%2F`.
    pub session: String,
    /// The run's token, where one was shown.
    pub token: Option<String>,
}

/// Takes the `/@NAME[:TOKEN]` segment off a path, where there is one. `/@x` and `/@x/` both leave
/// `/` (the SDKs differ in this), and an escaped `@` is one too (botocore writes it so for S3).
pub fn split_prefix(path: &PathAndQuery) -> Result<Option<(Prefix, PathAndQuery)>, Refused> {
    let text = path.as_str();
    let Some(after) = ["/@", "/%40", "/%2540"].iter().find_map(|start| text.strip_prefix(start)) else {
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
    let segment = decoded(segment);
    let (name, token) = match segment.split_once(':') {
        Some((name, token)) => (name, Some(token)),
        None => (segment.as_str(), None),
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

/// A segment without its escapes. SDKs escape the path of their endpoint once more, some of them only
/// for some services (botocore for S3: `/@a%252Fb`); neither a name nor a token holds a `%`.
fn decoded(segment: &str) -> String {
    let mut text = segment.to_owned();
    for _ in 0..MOST_ESCAPES {
        if !text.contains('%') {
            break;
        }
        text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
    }
    text
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
        for spelled in ["a%2Fb", "a%2fb", "a%252Fb", "a%252fb", "a%25252Fb", "%61%2Fb"] {
            assert_eq!(split(&format!("/@{spelled}/c%252Fd")), named("a/b", "/c%252Fd"), "{spelled}");
            assert_eq!(split(&format!("/%40{spelled}?d=e")), named("a/b", "/?d=e"), "{spelled}");
        }
        assert_eq!(split("/%2540a%252Fb/c"), named("a/b", "/c"));
        assert_eq!(split("/plain/@x"), None);
        assert_eq!(split("/@connections/abc"), None);
        assert_eq!(split("/"), None);
    }

    #[test]
    fn a_token_stands_behind_a_colon() {
        for path in ["/@a:s3cret/x", "/@a%3As3cret/x", "/%40a%253As3cret/x"] {
            let wanted = Some(("a".to_owned(), Some("s3cret".to_owned()), "/x".to_owned()));
            assert_eq!(split(path), wanted, "{path}");
        }
    }

    #[test]
    fn a_name_never_climbs_out_of_its_folder() {
        for path in [
            "/@..",
            "/@%2e%2e/x",
            "/@a%2F..%2Fb",
            "/@a%252F..%252Fb",
            "/@",
            "/@a%2525252Fb",
            "/@a%00b",
            "/@:token",
        ] {
            assert!(split_prefix(&path.parse().unwrap()).is_err(), "{path}");
        }
    }
}
