//! The run's own URL, `http://HOST:PORT/~TOKEN`: `FERROTAPE_URL` in the command's environment. Who has
//! it has the run's token, in a form that needs no header; it works as an endpoint, too.

use super::signature::same;
use http::uri::PathAndQuery;

const MARK: &str = "/~";

/// The path behind the first segment, where that says to be the run's token: the token, and the rest.
pub fn split(path: &str) -> Option<(&str, &str)> {
    let after = path.strip_prefix(MARK)?;
    let end = after.find(['/', '?']).unwrap_or(after.len());
    Some(after.split_at(end))
}

/// The path of a request without the run's token in front of it; nothing where that is not there.
pub fn stripped(path: &PathAndQuery, token: Option<&str>) -> Option<PathAndQuery> {
    let (shown, rest) = split(path.as_str())?;
    if !token.is_some_and(|token| same(token.as_bytes(), shown.as_bytes())) {
        return None;
    }
    match rest.starts_with('/') {
        true => rest.parse().ok(),
        false => format!("/{rest}").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runs_token_is_taken_off_a_path() {
        let strip = |path: &str, token| stripped(&path.parse().unwrap(), token).map(|path| path.to_string());
        for (path, rest) in [
            ("/~abc", "/"),
            ("/~abc?a=b", "/?a=b"),
            ("/~abc/@t1/x?y", "/@t1/x?y"),
            ("/~abc/", "/"),
        ] {
            assert_eq!(strip(path, Some("abc")).as_deref(), Some(rest), "{path}");
        }
        for path in ["/", "/~", "/~ab/x", "/~abcd/x", "/x/~abc"] {
            assert_eq!(strip(path, Some("abc")), None, "{path}");
        }
        assert_eq!(strip("/~abc/x", None), None);
    }
}
