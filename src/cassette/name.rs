//! Names of cassettes: what may become a path below the folder of cassettes, and nothing else.

use std::fmt;

/// The longest name, in letters. Every file made of it has room for an ending below the 255 bytes
/// that a file system takes: `.recovered-2.json` beside it, `-1` in the journal.
pub const LONGEST: usize = 200;

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
    /// `NAME.blobs` folder of another cassette, and none needs a folder where another has its file.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let refused = |text: String, why| Err(NameError { text, why });
        if text.len() > LONGEST {
            let beginning: String = text.chars().take(40).collect();
            return refused(format!("{beginning}…"), "it is longer than 200 letters");
        }
        let mut parts = text.split('/').peekable();
        while let Some(part) = parts.next() {
            if let Some(why) = objection(part, parts.peek().is_none()) {
                return refused(text.to_owned(), why);
            }
        }
        Ok(Name(text.to_owned()))
    }

    /// The name of this cassette with an ending; the name is cut where both would be too long.
    pub fn with_ending(&self, ending: &str) -> Result<Name, NameError> {
        let room = LONGEST.saturating_sub(ending.len());
        let cut = self.0.get(..room).unwrap_or(&self.0);
        Name::parse(&format!("{cut}{ending}"))
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
    // A file system may ignore case.
    let ends_in = |ending: &str| part.to_ascii_lowercase().ends_with(ending);
    if !last && ends_in(".json") {
        return Some("a folder cannot end in `.json`, because a cassette may have its file there");
    }
    (!last && ends_in(".blobs")).then_some("a folder that ends in `.blobs` is for the large bodies of a cassette")
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
    fn a_name_is_no_longer_than_its_files_can_be() {
        let longest = "n".repeat(LONGEST);
        assert!(Name::parse(&longest).is_ok());
        for text in ["n".repeat(LONGEST + 1), "a/".repeat(LONGEST) + "b"] {
            let error = Name::parse(&text).unwrap_err().to_string();
            assert!(
                error.contains("…` is no name for a cassette: it is longer than 200 letters"),
                "{error}"
            );
        }
        let ended = Name::parse(&longest).unwrap().with_ending(".recovered-12").unwrap();
        assert_eq!(ended.as_str().len(), LONGEST);
        assert!(ended.as_str().ends_with("nnn.recovered-12"));
        let short = Name::parse("a/b").unwrap().with_ending(".recovered").unwrap();
        assert_eq!(short.as_str(), "a/b.recovered");
    }

    #[test]
    fn a_folder_is_never_where_a_cassette_has_its_file() {
        for text in ["good.json/y", "a/good.JSON/y", "good.Blobs/y"] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
        let error = Name::parse("good.json/y").unwrap_err().to_string();
        assert!(error.contains("a folder cannot end in `.json`"), "{error}");
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
