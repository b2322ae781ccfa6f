//! Live idempotency tokens in later calls and answers.
//!
//! A token does not stay where it was sent: Secrets Manager makes it the id of the version, EC2
//! shows it on the instance, and a program passes on what it was shown. In a cassette such tokens
//! are numbered (`redaction::numbering`). So once a session knows which live token stands for which
//! number, a later call is compared with the number in its place, and a later answer brings the
//! live token back, wherever it stands in either.

use crate::redaction::numbering;
use crate::redaction::stand_in::is_uuid;
use crate::value::Value;
use crate::wire::Response;
use std::borrow::Cow;
use std::collections::HashMap;

/// The live tokens of a session that recorded numbers stand for.
#[derive(Debug, Default)]
pub struct Aliases {
    /// By live token.
    numbers: HashMap<String, String>,
    /// By number.
    live: HashMap<String, String>,
}

impl Aliases {
    /// A live token was bound to a recorded one. Tokens that a program chose are recorded as they
    /// were, and mean themselves. The first binding counts.
    pub fn learn(&mut self, live: &str, recorded: &str) {
        if live == recorded || !is_uuid(live) || !numbering::is_number(recorded) {
            return;
        }
        self.numbers.entry(live.to_owned()).or_insert_with(|| recorded.to_owned());
        self.live.entry(recorded.to_owned()).or_insert_with(|| live.to_owned());
    }

    /// The input as it would have been recorded.
    pub fn as_recorded<'v>(&self, input: &'v Value) -> Cow<'v, Value> {
        if self.numbers.is_empty() {
            return Cow::Borrowed(input);
        }
        self.renamed(input).map_or(Cow::Borrowed(input), Cow::Owned)
    }

    /// Puts live tokens into an answer.
    pub fn fill(&self, response: &mut Response) {
        if !self.live.is_empty() {
            numbering::rename_in_response(response, &self.live);
        }
    }

    /// None where nothing changes.
    fn renamed(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Text(text) => self.renamed_text(text).map(Value::Text),
            Value::List(items) => {
                let renamed: Vec<Option<Value>> = items.iter().map(|item| self.renamed(item)).collect();
                let changed = renamed.iter().any(Option::is_some);
                let item = |(item, renamed): (&Value, Option<Value>)| renamed.unwrap_or_else(|| item.clone());
                changed.then(|| Value::List(items.iter().zip(renamed).map(item).collect()))
            }
            Value::Object(members) => {
                let renamed = members.iter().map(|(name, value)| (self.renamed_text(name), self.renamed(value)));
                let renamed: Vec<_> = renamed.collect();
                let changed = renamed.iter().any(|(name, value)| name.is_some() || value.is_some());
                let members = members.iter().zip(renamed).map(|((name, value), (new_name, new_value))| {
                    let name = new_name.unwrap_or_else(|| name.clone());
                    (name, new_value.unwrap_or_else(|| value.clone()))
                });
                changed.then(|| Value::Object(members.collect()))
            }
            _ => None,
        }
    }

    fn renamed_text(&self, text: &str) -> Option<String> {
        const UUID: usize = 36;
        if text.len() < UUID {
            return None;
        }
        numbering::renamed(text, &self.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const LIVE: &str = "6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11";
    const NUMBER: &str = "00000000-0000-4000-8000-000000000001";

    fn known() -> Aliases {
        let mut aliases = Aliases::default();
        aliases.learn(LIVE, NUMBER);
        aliases
    }

    fn object(name: &str, value: &str) -> Value {
        Value::Object(vec![(name.to_owned(), Value::Text(value.to_owned()))])
    }

    #[test]
    fn a_later_call_is_compared_with_the_number() {
        let list = |value: Value| Value::Object(vec![("versions".to_owned(), Value::List(vec![Value::Null, value]))]);
        let input = list(object(LIVE, &format!("arn:x/{LIVE}")));
        let recorded = list(object(NUMBER, &format!("arn:x/{NUMBER}")));
        assert_eq!(*known().as_recorded(&input), recorded);
        let other = object("id", "7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11");
        assert!(matches!(known().as_recorded(&other), Cow::Borrowed(_)));
    }

    #[test]
    fn a_later_answer_brings_the_live_token_back() {
        let mut response = Response::new(Bytes::from(format!(r#"{{"{NUMBER}":["x"],"arn":"a/{NUMBER}"}}"#)));
        response.headers_mut().insert("x-version", NUMBER.parse().unwrap());
        known().fill(&mut response);
        assert_eq!(response.body(), format!(r#"{{"{LIVE}":["x"],"arn":"a/{LIVE}"}}"#).as_bytes());
        assert_eq!(response.headers()["x-version"], LIVE);
    }

    #[test]
    fn a_token_that_a_program_chose_means_itself() {
        let mut aliases = Aliases::default();
        aliases.learn("mine", NUMBER);
        aliases.learn(LIVE, "theirs");
        aliases.learn(NUMBER, NUMBER);
        assert!(aliases.numbers.is_empty() && aliases.live.is_empty());
    }
}
