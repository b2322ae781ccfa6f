//! Rules of redaction that users add to Ferrotape's own: headers, places in bodies, patterns.
//!
//! They only ever add. Where they are written down is somebody else's affair.

use super::rules::{Rule, leads_to};
use regex::Regex;

/// Ids of users' rules begin so, and never meet one of Ferrotape's.
const PREFIX: &str = "user:";

/// What users want hidden beyond what Ferrotape hides.
#[derive(Debug, Clone, Default)]
pub struct UserRules {
    headers: Vec<(String, Rule)>,
    /// Operation (or `*`), pointer with `*` for any one token, rule.
    paths: Vec<(String, String, Rule)>,
    pub(super) patterns: Vec<Pattern>,
}

/// A pattern to look for in every text.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(super) regex: Regex,
    pub(super) rule: Rule,
}

/// A rule that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserRuleError {
    /// The pattern is none.
    #[error("the redaction pattern `{pattern}` is no regular expression: {why}")]
    Pattern {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// The pattern finds the empty text, which is everywhere.
    #[error("the redaction pattern `{0}` matches the empty text; say what must be there")]
    Empty(String),
    /// The place is not of the form that misses print.
    #[error("the redaction path `{0}` is not of the form `OPERATION:/path`, as in `CreateServiceInstance:/tags/*/value`")]
    Path(String),
    /// The header's name is none.
    #[error("the redaction header `{0}` is not the name of a header")]
    Header(String),
}

impl UserRules {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.paths.is_empty() && self.patterns.is_empty()
    }

    /// Hides the value of a header in both directions. `id`: what the cassette lists, behind `user:`;
    /// the name itself where there is none.
    ///
    /// # Errors
    /// Where it is no header's name.
    pub fn header(&mut self, name: &str, id: Option<&str>) -> Result<(), UserRuleError> {
        let name = name.trim().to_ascii_lowercase();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(UserRuleError::Header(name));
        }
        let rule = named(id, &name);
        self.headers.push((name, rule));
        Ok(())
    }

    /// Hides a place in inputs, outputs and errors: `OPERATION:/path`, the syntax of misses; `*`
    /// stands for any operation, or any one name or position. What lies below the place is hidden too.
    ///
    /// # Errors
    /// Where it is not of that form.
    pub fn path(&mut self, place: &str, id: Option<&str>) -> Result<(), UserRuleError> {
        let parts = place
            .split_once(':')
            .filter(|(operation, path)| !operation.is_empty() && path.starts_with('/') && path.len() > 1);
        let (operation, path) = parts.ok_or_else(|| UserRuleError::Path(place.to_owned()))?;
        self.paths.push((operation.to_owned(), path.to_owned(), named(id, place)));
        Ok(())
    }

    /// Hides what a regular expression finds in any text; its first group where it has one.
    ///
    /// # Errors
    /// Where it is none, or finds nothing in particular.
    pub fn pattern(&mut self, pattern: &str, id: Option<&str>) -> Result<(), UserRuleError> {
        let regex = Regex::new(pattern).map_err(|error| UserRuleError::Pattern {
            pattern: pattern.to_owned(),
            why: error.to_string(),
        })?;
        if regex.is_match("") {
            return Err(UserRuleError::Empty(pattern.to_owned()));
        }
        let rule = named(id, pattern);
        self.patterns.push(Pattern { regex, rule });
        Ok(())
    }

    /// The ids of all rules, for a cassette to list.
    pub fn ids(&self) -> Vec<&'static str> {
        let headers = self.headers.iter().map(|(_, rule)| rule);
        let rules = headers
            .chain(self.paths.iter().map(|(_, _, rule)| rule))
            .chain(self.patterns.iter().map(|pattern| &pattern.rule));
        rules.map(|rule| rule.id()).collect()
    }

    /// The rule that hides a header.
    pub(super) fn of_header(&self, name: &str) -> Option<Rule> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, rule)| *rule)
    }

    /// The rule that hides the place at a pointer, or one above it.
    pub(super) fn of_path(&self, operation: &str, pointer: &str) -> Option<Rule> {
        let is_hidden =
            |(hidden, pattern, _): &&(String, String, Rule)| (hidden == "*" || hidden == operation) && is_below(pattern, pointer);
        self.paths.iter().find(is_hidden).map(|(_, _, rule)| *rule)
    }

    /// Whether any place of this operation is hidden by a path.
    pub(super) fn has_paths(&self, operation: &str) -> bool {
        self.paths.iter().any(|(hidden, _, _)| hidden == "*" || hidden == operation)
    }
}

fn is_below(pattern: &str, pointer: &str) -> bool {
    let depth = pattern.matches('/').count();
    let end = pointer.match_indices('/').nth(depth).map_or(pointer.len(), |(at, _)| at);
    leads_to(pattern, pointer.get(..end).unwrap_or(pointer))
}

/// Rules are few, read once, and live as long as the run.
fn named(id: Option<&str>, fallback: &str) -> Rule {
    Rule::User(Box::leak(format!("{PREFIX}{}", id.unwrap_or(fallback)).into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_hides_what_lies_below_it() {
        let mut rules = UserRules::default();
        rules.path("Put:/tags/*/value", Some("tags")).unwrap();
        rules.path("*:/note", None).unwrap();
        assert_eq!(rules.of_path("Put", "/tags/3/value"), Some(Rule::User("user:tags")));
        assert_eq!(rules.of_path("Put", "/tags/3/value/S"), Some(Rule::User("user:tags")));
        assert_eq!(rules.of_path("Put", "/tags/3"), None);
        assert_eq!(rules.of_path("Get", "/tags/3/value"), None);
        assert_eq!(rules.of_path("Get", "/note").map(Rule::id), Some("user:*:/note"));
        assert_eq!(rules.ids(), ["user:tags", "user:*:/note"]);
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let mut rules = UserRules::default();
        for refused in [
            rules.path("spec", None),
            rules.path("Put:spec", None),
            rules.path("Put:/", None),
            rules.header("a b", None),
        ] {
            assert!(refused.is_err());
        }
        assert!(
            rules
                .pattern("a*", None)
                .unwrap_err()
                .to_string()
                .contains("matches the empty text")
        );
        assert!(
            rules
                .pattern("(", None)
                .unwrap_err()
                .to_string()
                .contains("is no regular expression")
        );
        assert!(rules.is_empty());
    }
}
