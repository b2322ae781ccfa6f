//! A rule set, read once and evaluated for every call (Smithy 2.0, "Endpoint rule set").
//!
//! It comes as a tree of rules (`smithy.rules#endpointRuleSet`, and the files of botocore), or as a
//! decision diagram (`smithy.rules#endpointBdd`). What a call says of the parameters is the
//! business of [`super::parameters`].

use super::diagram::Diagram;
use super::expression::{Bindings, Call, Expression};
use super::{Endpoint, EndpointError};
use serde_json::{Map, Value};

/// Values by the name of the parameter.
pub type Parameters = Map<String, Value>;

/// Rules below rules below rules: none are known to go below ten.
const DEEPEST: usize = 64;

/// Why a rule set cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesetError {
    #[error("the rule set has neither `rules` nor `nodes`")]
    NoRules,
    #[error("the rule set uses the function `{0}`, which Ferrotape does not know")]
    UnknownFunction(String),
    #[error("the rule set gives the function `{0}` too few arguments")]
    Arguments(String),
    #[error("the rule set has a rule of the type `{0}`, which Ferrotape does not know")]
    UnknownRule(String),
    #[error("the rule set has the template `{0}`, whose braces do not match")]
    Template(String),
    #[error("the rule set is nested too deeply")]
    TooDeep,
    #[error("the decision diagram of the rule set is broken: {0}")]
    Diagram(&'static str),
    #[error("the rule set cannot be read: {0}")]
    Unreadable(String),
}

/// A rule set.
#[derive(Debug)]
pub struct Ruleset {
    parameters: Vec<Parameter>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Tree(Vec<Rule>),
    Diagram(Diagram),
}

/// A parameter of a rule set.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where an SDK takes it from by itself: `AWS::Region`, `SDK::Endpoint`, …
    pub built_in: Option<String>,
    default: Option<Value>,
    required: bool,
}

#[derive(Debug)]
struct Rule {
    conditions: Vec<Condition>,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Rules(Vec<Rule>),
    End(Outcome),
}

/// What holds or does not, and the name its value is bound to.
#[derive(Debug)]
pub struct Condition {
    call: Call,
    assign: Option<String>,
}

/// Where evaluation ends.
#[derive(Debug)]
pub enum Outcome {
    Endpoint {
        url: Expression,
        properties: Expression,
        headers: Expression,
    },
    Error(Expression),
}

impl Ruleset {
    /// Reads a rule set, a tree or a diagram.
    ///
    /// # Errors
    /// Where it is neither, or uses what is not known here; then the caller has to do without.
    pub fn parse(source: &Value) -> Result<Ruleset, RulesetError> {
        let empty = Map::new();
        let parameters = source.get("parameters").and_then(Value::as_object).unwrap_or(&empty);
        let body = match source.get("rules").and_then(Value::as_array) {
            Some(rules) => Body::Tree(parse_rules(rules, 0)?),
            None if source.get("nodes").is_some() => Body::Diagram(Diagram::parse(source)?),
            None => return Err(RulesetError::NoRules),
        };
        let parameters = parameters.iter().map(|(name, parameter)| Parameter {
            name: name.clone(),
            built_in: parameter.get("builtIn").and_then(Value::as_str).map(str::to_owned),
            default: parameter.get("default").filter(|default| !default.is_null()).cloned(),
            required: parameter.get("required") == Some(&Value::Bool(true)),
        });
        Ok(Ruleset {
            parameters: parameters.collect(),
            body,
        })
    }

    /// The parameters, in the order of the rule set.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Whether a parameter takes its value from that built-in.
    pub fn uses_built_in(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.built_in.as_deref() == Some(name))
    }

    /// The endpoint for these parameters; what is not given has its default.
    ///
    /// # Errors
    /// Where the rules say that there is none, or say nothing.
    pub fn evaluate(&self, given: &Parameters) -> Result<Endpoint, EndpointError> {
        let mut bindings = Bindings::default();
        for parameter in &self.parameters {
            let value = given.get(&parameter.name).filter(|value| !value.is_null());
            match value.or(parameter.default.as_ref()) {
                Some(value) => bindings.bind(&parameter.name, value.clone()),
                None if parameter.required => return Err(EndpointError::Missing(parameter.name.clone())),
                None => {}
            }
        }
        match &self.body {
            Body::Tree(rules) => first_of(rules, &mut bindings).unwrap_or(Err(EndpointError::NoRule)),
            Body::Diagram(diagram) => diagram.evaluate(bindings),
        }
    }
}

/// The outcome of the first rule whose conditions hold. A tree must answer once it is entered ("Tree
/// rule object"); where one does not, the next rule is asked, as botocore does.
fn first_of<'a>(rules: &'a [Rule], bindings: &mut Bindings<'a>) -> Option<Result<Endpoint, EndpointError>> {
    for rule in rules {
        let depth = bindings.depth();
        if rule.conditions.iter().all(|condition| condition.holds(bindings)) {
            let found = match &rule.then {
                Then::Rules(rules) => first_of(rules, bindings),
                Then::End(outcome) => Some(outcome.evaluate(bindings)),
            };
            if found.is_some() {
                return found;
            }
        }
        bindings.leave(depth);
    }
    None
}

impl Condition {
    /// Reads a condition.
    pub fn parse(source: &Value) -> Result<Condition, RulesetError> {
        let source = source.as_object().ok_or(RulesetError::NoRules)?;
        Ok(Condition {
            call: Call::parse(source, 0)?,
            assign: source.get("assign").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Whether there is a value other than false; it is bound, where it has a name.
    pub fn holds<'a>(&'a self, bindings: &mut Bindings<'a>) -> bool {
        let Some(value) = self.call.evaluate(bindings) else {
            return false;
        };
        let holds = value != Value::Bool(false);
        if let Some(name) = &self.assign {
            bindings.bind(name, value);
        }
        holds
    }
}

impl Outcome {
    /// Reads an endpoint or error rule; nothing for another type.
    pub fn parse(source: &Value) -> Result<Option<Outcome>, RulesetError> {
        Ok(match source.get("type").and_then(Value::as_str) {
            Some("endpoint") => {
                let part = |name: &str| source.get("endpoint").and_then(|endpoint| endpoint.get(name));
                let nothing = Value::Object(Map::new());
                Some(Outcome::Endpoint {
                    url: Expression::parse(part("url").ok_or(RulesetError::NoRules)?, 0)?,
                    properties: Expression::parse(part("properties").unwrap_or(&nothing), 0)?,
                    headers: Expression::parse(part("headers").unwrap_or(&nothing), 0)?,
                })
            }
            Some("error") => Some(Outcome::Error(Expression::parse(
                source.get("error").ok_or(RulesetError::NoRules)?,
                0,
            )?)),
            _ => None,
        })
    }

    /// The endpoint, or the error that the rules name.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Result<Endpoint, EndpointError> {
        let text = |expression: &Expression| match expression.evaluate(bindings) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(EndpointError::Unset),
        };
        let record = |expression: &Expression| match expression.evaluate(bindings) {
            Some(Value::Object(members)) => Ok(members),
            _ => Err(EndpointError::Unset),
        };
        match self {
            Outcome::Error(message) => Err(EndpointError::Refused(text(message)?)),
            Outcome::Endpoint { url, properties, headers } => Ok(Endpoint {
                url: text(url)?,
                properties: record(properties)?,
                headers: record(headers)?,
            }),
        }
    }
}

fn parse_rules(rules: &[Value], depth: usize) -> Result<Vec<Rule>, RulesetError> {
    if depth > DEEPEST {
        return Err(RulesetError::TooDeep);
    }
    rules.iter().map(|rule| parse_rule(rule, depth)).collect()
}

fn parse_rule(source: &Value, depth: usize) -> Result<Rule, RulesetError> {
    let then = match (Outcome::parse(source)?, source.get("type").and_then(Value::as_str)) {
        (Some(outcome), _) => Then::End(outcome),
        (None, Some("tree")) => {
            let rules = source.get("rules").and_then(Value::as_array).ok_or(RulesetError::NoRules)?;
            Then::Rules(parse_rules(rules, depth + 1)?)
        }
        (None, other) => return Err(RulesetError::UnknownRule(other.unwrap_or_default().to_owned())),
    };
    let conditions = source.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(Rule {
        conditions: conditions.iter().map(Condition::parse).collect::<Result<_, _>>()?,
        then,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameters(value: Value) -> Parameters {
        value.as_object().cloned().unwrap()
    }

    fn rules(rules: Value) -> Ruleset {
        Ruleset::parse(&json!({
            "version": "1.0",
            "parameters": {
                "Region": {"type": "string", "builtIn": "AWS::Region", "required": true},
                "UseFIPS": {"type": "boolean", "builtIn": "AWS::UseFIPS", "required": true, "default": false},
            },
            "rules": rules,
        }))
        .unwrap()
    }

    fn endpoint(url: &str) -> Value {
        json!({"type": "endpoint", "conditions": [], "endpoint": {"url": url, "properties": {}, "headers": {}}})
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let rules = rules(json!([
            {"type": "error", "error": "no FIPS in {Region}", "conditions": [{"fn": "booleanEquals", "argv": [{"ref": "UseFIPS"}, true]}]},
            {"type": "tree", "conditions": [{"fn": "aws.partition", "argv": [{"ref": "Region"}], "assign": "p"}],
             "rules": [endpoint("https://x.{Region}.{p#dnsSuffix}")]},
        ]));
        let found = |given: Value| rules.evaluate(&parameters(given)).map(|endpoint| endpoint.url);
        assert_eq!(
            found(json!({"Region": "cn-north-1"})),
            Ok("https://x.cn-north-1.amazonaws.com.cn".to_owned())
        );
        assert_eq!(
            found(json!({"Region": "a", "UseFIPS": true})),
            Err(EndpointError::Refused("no FIPS in a".to_owned()))
        );
        assert_eq!(found(json!({})), Err(EndpointError::Missing("Region".to_owned())));
    }

    #[test]
    fn a_name_is_bound_only_below_the_rule_that_binds_it() {
        let rules = rules(json!([
            {"type": "endpoint", "endpoint": {"url": "https://never"}, "conditions": [
                {"fn": "substring", "argv": [{"ref": "Region"}, 0, 2, false], "assign": "start"},
                {"fn": "stringEquals", "argv": [{"ref": "start"}, "xx"]}]},
            {"type": "error", "error": "still bound", "conditions": [{"fn": "isSet", "argv": [{"ref": "start"}]}]},
            endpoint("https://free"),
        ]));
        let found = rules.evaluate(&parameters(json!({"Region": "us-east-1"})));
        assert_eq!(found.map(|endpoint| endpoint.url), Ok("https://free".to_owned()));
    }

    #[test]
    fn a_tree_that_does_not_answer_leaves_it_to_the_next_rule() {
        let empty = json!({"type": "tree", "conditions": [], "rules": []});
        let given = parameters(json!({"Region": "r"}));
        let found = rules(json!([empty, endpoint("https://second")])).evaluate(&given);
        assert_eq!(found.map(|endpoint| endpoint.url), Ok("https://second".to_owned()));
        assert_eq!(rules(json!([empty])).evaluate(&given).err(), Some(EndpointError::NoRule));
    }

    #[test]
    fn what_is_not_known_is_refused_when_read() {
        let refused = |source: Value| Ruleset::parse(&source).unwrap_err();
        assert_eq!(refused(json!({"parameters": {}})), RulesetError::NoRules);
        assert_eq!(
            refused(json!({"rules": [{"type": "later", "conditions": []}]})),
            RulesetError::UnknownRule("later".to_owned())
        );
        assert_eq!(
            refused(json!({"rules": [{"type": "error", "error": "", "conditions": [{"fn": "later", "argv": []}]}]})),
            RulesetError::UnknownFunction("later".to_owned())
        );
    }
}
