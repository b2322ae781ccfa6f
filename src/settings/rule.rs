//! One redaction rule as it is written: exactly one key, which says something.

use super::{Place, RedactionRule};
use crate::document::Object;
use regex::Regex;
use serde::Deserialize;

/// The keys that a rule may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    header: Option<String>,
    path: Option<Place>,
    pattern: Option<String>,
}

/// Why a rule hides nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleError {
    /// No key, or several.
    #[error("a redaction rule has one of `header`, `path` and `pattern`")]
    Keys,
    /// The header's name is none.
    #[error("the redaction header `{0}` is not the name of a header")]
    Header(String),
    /// The pattern finds nothing everywhere.
    #[error("the redaction pattern `{0}` matches the empty text, too; it must ask for a letter at least")]
    Empty(String),
    /// The pattern is none.
    #[error("the redaction pattern `{pattern}` is no regular expression: {why}")]
    Pattern { pattern: String, why: String },
}

impl TryFrom<Object<Keys>> for RedactionRule {
    type Error = RuleError;

    fn try_from(Object(keys): Object<Keys>) -> Result<RedactionRule, RuleError> {
        match (keys.header, keys.path, keys.pattern) {
            (Some(name), None, None) if http::HeaderName::from_bytes(name.trim().as_bytes()).is_err() => Err(RuleError::Header(name)),
            (Some(name), None, None) => Ok(RedactionRule::Header(name)),
            (None, Some(place), None) => Ok(RedactionRule::Path(place)),
            (None, None, Some(pattern)) => match Regex::new(&pattern) {
                Ok(regex) if regex.is_match("") => Err(RuleError::Empty(pattern)),
                Ok(_) => Ok(RedactionRule::Pattern(pattern)),
                Err(error) => Err(RuleError::Pattern {
                    why: in_short(&error),
                    pattern,
                }),
            },
            _ => Err(RuleError::Keys),
        }
    }
}

/// The last line; those before it draw an arrow below the pattern.
fn in_short(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Settings;

    #[test]
    fn a_rule_that_says_nothing_is_told_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ferrotape.toml");
        let told = |rule: &str| {
            std::fs::write(&file, format!("[redaction.rules]\nfine = {{ header = \"X-A\" }}\npin = {rule}\n")).unwrap();
            let error = Settings::find(Some(&file), folder.path()).unwrap_err().to_string();
            let (place, what) = error.split_once(": ").unwrap();
            assert!(place.contains("ferrotape.toml:3:"), "{error}");
            what.to_owned()
        };
        let one = "a redaction rule has one of `header`, `path` and `pattern`";
        assert_eq!(told("{}"), one);
        assert_eq!(told("{ header = \"a\", pattern = \"b\" }"), one);
        assert_eq!(
            told("{ header = \"a b\" }"),
            "the redaction header `a b` is not the name of a header"
        );
        assert_eq!(
            told("{ pattern = \"(\" }"),
            "the redaction pattern `(` is no regular expression: unclosed group"
        );
        assert_eq!(
            told("{ pattern = \"a*\" }"),
            "the redaction pattern `a*` matches the empty text, too; it must ask for a letter at least"
        );
        for list in ["[]", "[\"X-A\"]", "[\"X-A\", \"*:/a\", \"a\"]"] {
            assert_eq!(told(list), "expected an object, found a list");
        }
    }
}
