//! Names of cassettes: what may become a path below the folder of cassettes, and nothing else.

use std::fmt;

/// The name of a cassette: parts of `A-Z a-z 0-9 . _ -` joined by `/`, `checkout/happy-path`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name for a cassette: {why}; use letters, digits, `.`, `_` and `-`, with `/` between parts", text.escape_debug())]
pub struct NameError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Name {
    /// The text as a name. Nothing that passes leads out of the folder of cassettes, or into the
    /// `NAME.blobs` folder of another cassette.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let mut parts = text.split('/').peekable();
        while let Some(part) = parts.next() {
            if let Some(why) = objection(part, parts.peek().is_none()) {
                return Err(NameError {
                    text: text.to_owned(),
                    why,
                });
            }
        }
        Ok(Name(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn objection(part: &str, last: bool) -> Option<&'static str> {
    if part.is_empty() {
        return Some("a part of it is empty");
    }
    if part.bytes().all(|byte| byte == b'.') {
        return Some("a part of it is nothing but dots");
    }
    if !part
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    {
        return Some("it has a character that names do not have");
    }
    if last && part.ends_with(".json") {
        return Some("a name has no `.json`: the file gets it by itself");
    }
    (!last && part.ends_with(".blobs")).then_some("a folder that ends in `.blobs` is for the large bodies of a cassette")
}

impl Default for Name {
    /// The cassette of a run that names none.
    fn default() -> Name {
        Name("default".to_owned())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_ending() {
        let error = Name::parse("shop/deploy.json").unwrap_err().to_string();
        assert!(error.contains("a name has no `.json`"), "{error}");
        assert!(Name::parse("shop/deploy.json.d").is_ok());
    }

    #[test]
    fn a_name_is_parts_joined_by_slashes() {
        for text in ["default", "a/b/c", "Check-out_2.v1", ".hidden", "a..b", "tape.blobs"] {
            assert_eq!(Name::parse(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_name_never_leads_out_of_its_folder() {
        for text in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/...",
            "a\\b",
            "a b",
            "é",
            "a\0",
            "C:",
            "t.blobs/a",
        ] {
            assert!(Name::parse(text).is_err(), "{text:?}");
        }
        let error = Name::parse("../a\n").unwrap_err().to_string();
        assert!(
            error.starts_with("`../a\\n` is no name for a cassette: a part of it is nothing but dots"),
            "{error}"
        );
    }
}
