//! DynamoDB's expressions, which say in one member what the values in another are: in
//! `SET #p = :new`, `:new` is a secret where `#p` stands for `password`.

use super::names::{is_secret_name, may_name_secret};
use crate::value::Value;
use regex::Regex;
use std::sync::LazyLock;

/// The member whose entries are named by expressions beside it.
pub(super) const VALUES: &str = "ExpressionAttributeValues";

/// The pattern is a constant; the tests compile it.
#[allow(clippy::expect_used)]
static COMPARED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)([#\w.\[\]]+)\s*(?:=|<>|<=|>=|<|>|,|\s+between)\s*(?:if_not_exists\s*\([^,()]*,\s*)?(:\w+)")
        .expect("a constant pattern")
});

/// The longest expression that is read; DynamoDB takes 4 KB. What a longer one compares is a secret.
const LONGEST: usize = 16 * 1024;

/// Whether the expressions among the members of an input compare the value called `name` with an
/// attribute that is named like a secret, or set one to it.
pub(super) fn names_secret(members: &[(String, Value)], name: &str) -> bool {
    let expressions = members.iter().filter(|(member, _)| member.ends_with("Expression"));
    let mut texts = expressions.filter_map(|(_, value)| value.as_text());
    texts.any(|text| {
        if text.len() > LONGEST || !text.contains(name) {
            return text.len() > LONGEST;
        }
        let mut compared = COMPARED
            .captures_iter(text)
            .filter(|found| found.get(2).is_some_and(|value| value.as_str() == name));
        compared.any(|found| found.get(1).is_some_and(|attribute| is_secret(members, attribute.as_str())))
    })
}

/// The last step of a path decides: `credentials.password`, `users[0].#p`.
fn is_secret(members: &[(String, Value)], path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    let last = last.split('[').next().unwrap_or(last);
    let names = members.iter().find(|(member, _)| member == "ExpressionAttributeNames");
    let resolved = names.and_then(|(_, names)| names.member(last)?.as_text());
    let name = resolved.unwrap_or(last);
    is_secret_name(name) || may_name_secret(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_value_is_what_the_expression_sets_it_to() {
        let names = Value::Object(vec![("#p".to_owned(), text("password")), ("#n".to_owned(), text("name"))]);
        let members = [
            (
                "UpdateExpression".to_owned(),
                text("SET #p = :new, #n=:name, users[0].api_key = if_not_exists(x, :key)"),
            ),
            (
                "ConditionExpression".to_owned(),
                text("password = :old AND contains(password, :part) AND n BETWEEN :low AND :high"),
            ),
            ("ExpressionAttributeNames".to_owned(), names),
        ];
        for (name, is_secret) in [
            (":new", true),
            (":name", false),
            (":key", true),
            (":old", true),
            (":part", true),
            (":low", false),
            (":x", false),
        ] {
            assert_eq!(names_secret(&members, name), is_secret, "{name}");
        }
    }
}
