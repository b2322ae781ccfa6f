//! What a call says of the parameters of a rule set: by its operation, its input, and the settings
//! (Smithy 2.0, "Endpoint parameters").

use super::Settings;
use super::ruleset::{Parameters, Ruleset};
use crate::model::schema::{Operation, Service};
use crate::value::Value as Input;
use serde_json::{Map, Value};

/// Parameters for one call. Static ones of the operation win over the input's, these over the
/// client's own, and built-ins come last ("Context parameter precedence").
pub fn parameters(ruleset: &Ruleset, service: &Service, operation: &Operation, input: &Input, settings: &Settings) -> Parameters {
    let mut found = Parameters::new();
    for parameter in ruleset.parameters() {
        let by_name = settings.own.get(&parameter.name).cloned();
        let built_in = parameter.built_in.as_deref();
        let value = fixed(operation, &parameter.name)
            .or_else(|| bound(service, operation, input, &parameter.name))
            .or_else(|| selected(operation, input, &parameter.name))
            .or(by_name)
            .or_else(|| built_in.and_then(|name| settings.built_in(name)));
        if let Some(value) = value {
            found.insert(parameter.name.clone(), value);
        }
    }
    found
}

/// `smithy.rules#staticContextParams`.
fn fixed(operation: &Operation, name: &str) -> Option<Value> {
    let fixed = operation.traits.get("smithy.rules#staticContextParams")?;
    fixed.get(name)?.get("value").cloned()
}

/// `smithy.rules#contextParam` on a member of the input.
fn bound(service: &Service, operation: &Operation, input: &Input, name: &str) -> Option<Value> {
    let is_bound = |traits: &Map<String, Value>| {
        let bound = traits.get("smithy.rules#contextParam");
        bound.and_then(|bound| bound.get("name")).and_then(Value::as_str) == Some(name)
    };
    let member = service
        .shape(operation.input)
        .members()
        .iter()
        .find(|member| is_bound(&member.traits))?;
    plain(input.member(&member.name)?)
}

/// `smithy.rules#operationContextParams`.
fn selected(operation: &Operation, input: &Input, name: &str) -> Option<Value> {
    let paths = operation.traits.get("smithy.rules#operationContextParams")?;
    match select(paths.get(name)?.get("path")?.as_str()?, input)? {
        Selected::One(value) => plain(value),
        Selected::Many(values) => Some(values.into_iter().filter_map(plain).collect()),
        Selected::Names(names) => Some(names.into_iter().collect()),
    }
}

fn plain(value: &Input) -> Option<Value> {
    match value {
        Input::Text(text) => Some(text.as_str().into()),
        Input::Bool(value) => Some((*value).into()),
        Input::List(items) => Some(items.iter().filter_map(plain).collect()),
        _ => None,
    }
}

enum Selected<'a> {
    One(&'a Input),
    Many(Vec<&'a Input>),
    Names(Vec<&'a str>),
}

/// The part of JMESPath that the trait allows: `a.b`, `a[*].b`, `keys(a)`, `a[*].[b.c, d.e][]`.
fn select<'a>(path: &str, input: &'a Input) -> Option<Selected<'a>> {
    if let Some(path) = path.strip_prefix("keys(").and_then(|path| path.strip_suffix(')')) {
        let Some(Selected::One(Input::Object(members))) = select(path, input) else {
            return None;
        };
        return Some(Selected::Names(members.iter().map(|(name, _)| name.as_str()).collect()));
    }
    let (mut found, mut many) = (vec![input], false);
    for step in steps(path) {
        if let Some(choice) = step.strip_prefix('[').and_then(|step| step.strip_suffix("][]")) {
            let each = |value: &'a Input| choice.split(',').filter_map(move |path| one(path.trim(), value));
            found = found.into_iter().flat_map(each).collect();
            many = true;
            continue;
        }
        let (name, spread) = match step.strip_suffix("[*]").or_else(|| step.strip_suffix("[]")) {
            Some(name) => (name, true),
            None => (step, false),
        };
        found = found.into_iter().filter_map(|value| one(name, value)).collect();
        if spread {
            found = found.into_iter().flat_map(items).collect();
            many = true;
        }
    }
    match many {
        true => Some(Selected::Many(found)),
        false => found.first().copied().map(Selected::One),
    }
}

/// The steps of a path: at dots, but for those within brackets.
fn steps(path: &str) -> Vec<&str> {
    let (mut steps, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (place, character) in path.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                steps.push(&path[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    steps.push(&path[start..]);
    steps
}

fn one<'a>(path: &str, value: &'a Input) -> Option<&'a Input> {
    path.split('.').try_fold(value, |value, name| value.member(name))
}

fn items(value: &Input) -> &[Input] {
    match value {
        Input::List(items) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(members: &[(&str, Input)]) -> Input {
        Input::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn text(text: &str) -> Input {
        Input::Text(text.to_owned())
    }

    fn found(path: &str, input: &Input) -> Option<Value> {
        match select(path, input)? {
            Selected::One(value) => plain(value),
            Selected::Many(values) => Some(values.into_iter().filter_map(plain).collect()),
            Selected::Names(names) => Some(names.into_iter().collect()),
        }
    }

    #[test]
    fn a_path_selects_what_lies_there() {
        let input = object(&[("Creation", object(&[("TableName", text("t"))])), ("Flag", Input::Bool(true))]);
        assert_eq!(found("Creation.TableName", &input), Some(json!("t")));
        assert_eq!(found("Flag", &input), Some(json!(true)));
        assert_eq!(found("Creation.Gone", &input), None);
    }

    #[test]
    fn a_path_selects_names_and_every_item() {
        let input = object(&[("Items", object(&[("a", Input::Null), ("b", Input::Null)]))]);
        assert_eq!(found("keys(Items)", &input), Some(json!(["a", "b"])));
        let get = |name: &str| object(&[("Get", object(&[("TableName", text(name))]))]);
        let put = object(&[("Put", object(&[("TableName", text("p"))]))]);
        let input = object(&[("Items", Input::List(vec![get("x"), put, get("y")]))]);
        assert_eq!(found("Items[*].Get.TableName", &input), Some(json!(["x", "y"])));
        assert_eq!(
            found("Items[*].[Put.TableName, Get.TableName][]", &input),
            Some(json!(["x", "p", "y"]))
        );
        assert_eq!(found("keys(Items)", &input), None);
    }
}
