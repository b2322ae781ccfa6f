//! The expressions of a rule set: literals, templates, references, calls.

use super::functions::{Function, attribute};
use super::ruleset::RulesetError;
use serde_json::{Map, Value};

/// Rule sets are a few levels deep; one that is deeper is none.
const DEEPEST: usize = 64;

/// What yields a value.
#[derive(Debug)]
pub enum Expression {
    Literal(Value),
    Template(Vec<Part>),
    Reference(String),
    Call(Call),
    List(Vec<Expression>),
    Record(Vec<(String, Expression)>),
}

/// A part of a template.
#[derive(Debug)]
pub enum Part {
    Text(String),
    /// `{reference#path}`
    Value {
        reference: String,
        path: Option<String>,
    },
}

/// A function with its arguments.
#[derive(Debug)]
pub struct Call {
    function: Function,
    arguments: Vec<Expression>,
}

/// The names that are bound; of two that are equal, the later counts.
#[derive(Debug, Default)]
pub struct Bindings<'a>(Vec<(&'a str, Value)>);

impl<'a> Bindings<'a> {
    /// Binds a name.
    pub fn bind(&mut self, name: &'a str, value: Value) {
        self.0.push((name, value));
    }

    /// How many are bound; to be given to [`Bindings::leave`].
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was bound since.
    pub fn leave(&mut self, depth: usize) {
        self.0.truncate(depth);
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(bound, _)| *bound == name).map(|(_, value)| value)
    }
}

impl Expression {
    /// Reads an expression.
    pub fn parse(source: &Value, depth: usize) -> Result<Expression, RulesetError> {
        if depth > DEEPEST {
            return Err(RulesetError::TooDeep);
        }
        Ok(match source {
            Value::String(text) => template(text)?,
            Value::Array(items) => {
                let items = items.iter().map(|item| Expression::parse(item, depth + 1));
                Expression::List(items.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => match members.get("ref").and_then(Value::as_str) {
                Some(name) => Expression::Reference(name.to_owned()),
                None if members.contains_key("fn") => Expression::Call(Call::parse(members, depth)?),
                None => {
                    let members = members
                        .iter()
                        .map(|(name, member)| Ok((name.clone(), Expression::parse(member, depth + 1)?)));
                    Expression::Record(members.collect::<Result<_, RulesetError>>()?)
                }
            },
            literal => Expression::Literal(literal.clone()),
        })
    }

    /// The value; nothing where something it needs is unset.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Option<Value> {
        match self {
            Expression::Literal(value) => Some(value.clone()),
            Expression::Template(parts) => rendered(parts, bindings).map(Value::from),
            Expression::Reference(name) => bindings.value(name).cloned(),
            Expression::Call(call) => call.evaluate(bindings),
            Expression::List(items) => items
                .iter()
                .map(|item| item.evaluate(bindings))
                .collect::<Option<Vec<_>>>()
                .map(Value::from),
            Expression::Record(members) => {
                let members = members
                    .iter()
                    .map(|(name, member)| Some((name.clone(), member.evaluate(bindings)?)));
                members.collect::<Option<Map<_, _>>>().map(Value::from)
            }
        }
    }
}

impl Call {
    /// Reads `{"fn": …, "argv": […]}`.
    pub fn parse(source: &Map<String, Value>, depth: usize) -> Result<Call, RulesetError> {
        let name = source.get("fn").and_then(Value::as_str).unwrap_or_default();
        let (function, least) = Function::named(name).ok_or_else(|| RulesetError::UnknownFunction(name.to_owned()))?;
        let arguments = source.get("argv").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if arguments.len() < least {
            return Err(RulesetError::Arguments(name.to_owned()));
        }
        let arguments = arguments.iter().map(|argument| Expression::parse(argument, depth + 1));
        Ok(Call {
            function,
            arguments: arguments.collect::<Result<_, _>>()?,
        })
    }

    /// The function's value.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Option<Value> {
        let arguments: Vec<_> = self.arguments.iter().map(|argument| argument.evaluate(bindings)).collect();
        self.function.call(&arguments)
    }
}

/// Reads a template, `https://{Region}.{url#authority}`; `{{` and `}}` are braces themselves.
fn template(text: &str) -> Result<Expression, RulesetError> {
    if !text.contains(['{', '}']) {
        return Ok(Expression::Literal(text.into()));
    }
    let broken = || RulesetError::Template(text.to_owned());
    let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            literal.push_str(&from[..1]);
            rest = after;
            continue;
        }
        let (inside, after) = from.strip_prefix('{').and_then(|from| from.split_once('}')).ok_or_else(broken)?;
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        let (reference, path) = match inside.split_once('#') {
            Some((reference, path)) => (reference, Some(path.to_owned())),
            None => (inside, None),
        };
        parts.push(Part::Value {
            reference: reference.to_owned(),
            path,
        });
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Expression::Template(parts))
}

fn rendered(parts: &[Part], bindings: &Bindings<'_>) -> Option<String> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value { reference, path } => {
                let value = bindings.value(reference)?;
                let value = path.as_deref().map_or(Some(value), |path| attribute(value, path))?;
                match value {
                    Value::String(text) => out.push_str(text),
                    Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
                    _ => return None,
                }
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn evaluated(source: Value) -> Option<Value> {
        let mut bindings = Bindings::default();
        bindings.bind("Region", json!("us-east-1"));
        bindings.bind("url", json!({"authority": "a.com", "parts": ["x"]}));
        Expression::parse(&source, 0).unwrap().evaluate(&bindings)
    }

    #[test]
    fn templates_are_filled_in() {
        assert_eq!(
            evaluated(json!("https://{url#authority}/{url#parts[0]}.{Region}")),
            Some(json!("https://a.com/x.us-east-1"))
        );
        assert_eq!(evaluated(json!("{{{Region}}}")), Some(json!("{us-east-1}")));
        assert_eq!(evaluated(json!("{Unset}")), None);
        assert_eq!(evaluated(json!("{url}")), None);
    }

    #[test]
    fn a_template_with_a_loose_brace_is_none() {
        for text in ["{Region", "a}b", "{"] {
            assert!(Expression::parse(&json!(text), 0).is_err(), "{text}");
        }
    }

    #[test]
    fn records_and_lists_are_filled_in_at_every_depth() {
        assert_eq!(
            evaluated(json!({"authSchemes": [{"signingRegion": "{Region}", "on": true, "ref": 1}]})),
            Some(json!({"authSchemes": [{"signingRegion": "us-east-1", "on": true, "ref": 1}]}))
        );
    }

    #[test]
    fn calls_nest() {
        let source = json!({"fn": "not", "argv": [{"fn": "isSet", "argv": [{"ref": "Unset"}]}]});
        assert_eq!(evaluated(source), Some(json!(true)));
    }

    #[test]
    fn what_is_not_understood_is_refused_when_read() {
        let refused = |source: Value| Expression::parse(&source, 0).unwrap_err().to_string();
        assert!(refused(json!({"fn": "aws.later", "argv": []})).contains("`aws.later`"));
        assert!(refused(json!({"fn": "getAttr", "argv": []})).contains("`getAttr`"));
        let mut deep = json!(1);
        for _ in 0..80 {
            deep = json!([deep]);
        }
        assert!(Expression::parse(&deep, 0).is_err());
    }
}
