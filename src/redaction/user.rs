//! Rules of redaction that users add to Ferrotape's own: headers, places in bodies, patterns.
//!
//! They only ever add. They are said in the settings, and travel with the cassette as texts: a replay
//! must hide what the recording hid. A path of one service's operation holds for operations of that
//! name in any.

use super::rules::{Rule, leads_to};
use crate::settings::{self, RedactionRule};
use regex::Regex;

/// Ids of users' rules begin so, and never meet one of Ferrotape's.
const PREFIX: &str = "user:";

/// What users want hidden beyond what Ferrotape hides.
#[derive(Debug, Clone, Default)]
pub struct UserRules {
    headers: Vec<(String, Rule)>,
    /// Operation (or `*`), pointer with `*` for any one token, rule.
    paths: Vec<(String, String, Rule)>,
    patterns: Vec<Pattern>,
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
    /// The text in the cassette is none.
    #[error("the redaction rule `{0}` is not of the form `ID header NAME`, `ID path OPERATION:/path` or `ID pattern REGEX`")]
    Form(String),
    /// Cassettes list Ferrotape's own rules under that id.
    #[error("the redaction rule `{0}` has the id of one of Ferrotape's own; give it another")]
    Taken(String),
    /// What is wrong with the rule of that id.
    #[error("the redaction rule `{id}`: {why}")]
    Of {
        /// As the user named it.
        id: String,
        /// What is wrong with it.
        why: Box<UserRuleError>,
    },
    /// The header's name is none.
    #[error("the redaction header `{0}` is not the name of a header")]
    Header(String),
}

/// The rules of the settings as texts, for a cassette.
///
/// # Errors
/// Where one has the id of a rule of Ferrotape's own.
pub fn texts(settings: &settings::Redaction) -> Result<Vec<String>, UserRuleError> {
    let is_taken = |id: &&String| Rule::ALL.iter().any(|rule| rule.id() == *id);
    if let Some(id) = settings.rules.keys().find(is_taken) {
        return Err(UserRuleError::Taken(id.clone()));
    }
    let text = |(id, rule): (&String, &RedactionRule)| match rule {
        RedactionRule::Header(name) => format!("{id} header {name}"),
        RedactionRule::Path(place) => format!("{id} path {place}"),
        RedactionRule::Pattern(pattern) => format!("{id} pattern {pattern}"),
    };
    Ok(settings.rules.iter().map(text).collect())
}

impl UserRules {
    /// The rules that a cassette holds as texts.
    ///
    /// # Errors
    /// Where one of them says nothing.
    pub fn read(texts: &[String]) -> Result<UserRules, UserRuleError> {
        let mut rules = UserRules::default();
        for text in texts {
            let mut words = text.splitn(3, ' ');
            let (id, added) = match (words.next(), words.next(), words.next()) {
                (Some(id), Some("header"), Some(name)) => (id, rules.header(name, id)),
                (Some(id), Some("path"), Some(place)) => (id, rules.path(place, id)),
                (Some(id), Some("pattern"), Some(pattern)) => (id, rules.pattern(pattern, id)),
                _ => return Err(UserRuleError::Form(text.clone())),
            };
            added.map_err(|why| UserRuleError::Of {
                id: id.to_owned(),
                why: Box::new(why),
            })?;
        }
        Ok(rules)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.paths.is_empty() && self.patterns.is_empty()
    }

    /// Hides the value of a header in both directions. `id`: what the cassette lists, behind `user:`.
    ///
    /// # Errors
    /// Where it is no header's name.
    pub fn header(&mut self, name: &str, id: &str) -> Result<(), UserRuleError> {
        let name = name.trim().to_ascii_lowercase();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(UserRuleError::Header(name));
        }
        let rule = named(id);
        self.headers.push((name, rule));
        Ok(())
    }

    /// Hides a place in inputs, outputs and errors: `OPERATION:/path`, the syntax of misses; `*`
    /// stands for any operation, or any one name or position. What lies below the place is hidden too.
    ///
    /// # Errors
    /// Where it is not of that form.
    pub fn path(&mut self, place: &str, id: &str) -> Result<(), UserRuleError> {
        let parts = place
            .split_once(':')
            .filter(|(operation, path)| !operation.is_empty() && path.starts_with('/') && path.len() > 1);
        let (operation, path) = parts.ok_or_else(|| UserRuleError::Path(place.to_owned()))?;
        let operation = operation.rsplit(' ').next().unwrap_or(operation);
        self.paths.push((operation.to_owned(), path.to_owned(), named(id)));
        Ok(())
    }

    /// Hides what a regular expression finds in any text; its first group where it has one.
    ///
    /// # Errors
    /// Where it is none, or finds nothing in particular.
    pub fn pattern(&mut self, pattern: &str, id: &str) -> Result<(), UserRuleError> {
        let regex = Regex::new(pattern).map_err(|error| UserRuleError::Pattern {
            pattern: pattern.to_owned(),
            why: error.to_string(),
        })?;
        if regex.is_match("") {
            return Err(UserRuleError::Empty(pattern.to_owned()));
        }
        let rule = named(id);
        self.patterns.push(Pattern { regex, rule });
        Ok(())
    }

    /// What is looked for in every text.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
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
fn named(id: &str) -> Rule {
    Rule::User(Box::leak(format!("{PREFIX}{id}").into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<UserRules, UserRuleError> {
        UserRules::read(&[text.to_owned()])
    }

    #[test]
    fn a_path_hides_what_lies_below_it() {
        let rules = UserRules::read(&["tags path SQS Put:/tags/*/value".to_owned(), "note path *:/note".to_owned()]).unwrap();
        assert_eq!(rules.of_path("Put", "/tags/3/value"), Some(Rule::User("user:tags")));
        assert_eq!(rules.of_path("Put", "/tags/3/value/S"), Some(Rule::User("user:tags")));
        assert_eq!(rules.of_path("Put", "/tags/3"), None);
        assert_eq!(rules.of_path("Get", "/tags/3/value"), None);
        assert_eq!(rules.of_path("Get", "/note").map(Rule::id), Some("user:note"));
        assert_eq!(rules.ids(), ["user:tags", "user:note"]);
    }

    #[test]
    fn a_path_hides_its_own_place_only() {
        let hidden = |place: &str| {
            let rules = read(&format!("pin path {place}")).unwrap();
            let places = [("PutItem", "/Item/pin/S"), ("GetItem", "/Item/pin/S"), ("Query", "/Items/0/pin/S")];
            places.map(|(operation, pointer)| rules.of_path(operation, pointer).is_some())
        };
        assert_eq!(hidden("PutItem:/Item/pin/S"), [true, false, false]);
        assert_eq!(hidden("*:/Item/pin/S"), [true, true, false]);
        assert_eq!(hidden("*:/Items/*/pin/S"), [false, false, true]);
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for text in ["a path spec", "a path Put:spec", "a path Put:/", "a header a b", "a", "a other x"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("a pattern a*").unwrap_err().to_string().contains("matches the empty text"));
        assert!(read("a pattern (").unwrap_err().to_string().contains("is no regular expression"));
        assert!(UserRules::read(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_rule_is_told_by_its_id_which_is_its_own() {
        let broken = read("corp-key pattern a*").unwrap_err().to_string();
        assert!(
            broken.starts_with("the redaction rule `corp-key`: the redaction pattern"),
            "{broken}"
        );
        let mut settings = settings::Redaction::default();
        settings
            .rules
            .insert("account-id".to_owned(), RedactionRule::Header("x-a".to_owned()));
        assert_eq!(texts(&settings), Err(UserRuleError::Taken("account-id".to_owned())));
    }

    #[test]
    fn the_rules_of_the_settings_travel_as_texts() {
        let mut settings = settings::Redaction::default();
        settings
            .rules
            .insert("key".to_owned(), RedactionRule::Pattern("corp_ [0-9]+".to_owned()));
        settings
            .rules
            .insert("token".to_owned(), RedactionRule::Header("X-Corp".to_owned()));
        settings
            .rules
            .insert("pin".to_owned(), RedactionRule::Path("PutItem:/Item/pin/S".parse().unwrap()));
        let texts = texts(&settings).unwrap();
        assert_eq!(
            texts,
            ["key pattern corp_ [0-9]+", "pin path PutItem:/Item/pin/S", "token header X-Corp"]
        );
        let rules = UserRules::read(&texts).unwrap();
        assert_eq!(rules.ids(), ["user:token", "user:pin", "user:key"]);
        assert_eq!(rules.of_header("x-corp"), Some(Rule::User("user:token")));
    }
}
