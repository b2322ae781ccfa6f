//! What the user says of which calls are the same, made ready for one operation.
//!
//! A call of an operation without rules never comes here. Of rules that name a place and one above
//! it, the longer counts; of an `ignore` and a `compare` for the same place, `compare`.

use crate::pointer::Path;
use crate::redaction::renaming::Names;
use crate::settings::{CallRules, Place, Step, Target};
use crate::value::Value;
use std::borrow::Cow;

/// The rules of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OperationRules {
    ignore: Vec<Vec<Step>>,
    compare: Vec<Vec<Step>>,
    now: Vec<Vec<Step>>,
    bind: Vec<Vec<Step>>,
    /// The region does not count.
    pub(super) any_region: bool,
}

/// How a member counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// As it is.
    Fully,
    /// Only what is there, whatever it says.
    Presence,
    /// Not at all.
    Not,
}

impl OperationRules {
    /// The rules for an operation; nothing where there is none.
    pub(super) fn of(rules: &CallRules, service: &str, operation: &str) -> Option<OperationRules> {
        let is_of = |place: &&Place| place.is_of(service, operation);
        let matching = &rules.matching;
        let steps = |places: &[Place]| -> Vec<Vec<Step>> {
            let members = places.iter().filter(is_of).map(|place| place.steps().to_vec());
            members.filter(|steps| !steps.is_empty()).collect()
        };
        let is_region = |place: &Place| place.target == Target::Region;
        let compiled = OperationRules {
            ignore: steps(&matching.ignore),
            compare: steps(&matching.compare),
            now: steps(&matching.now),
            bind: rules
                .bind
                .iter()
                .map(|bind| &bind.from)
                .filter(is_of)
                .map(|place| place.steps().to_vec())
                .collect(),
            any_region: matching.ignore.iter().filter(is_of).any(is_region),
        };
        (compiled != OperationRules::default()).then_some(compiled)
    }

    /// How the member at `path` counts. `token`: it is the idempotency token, which does not unless
    /// it is asked for.
    pub(super) fn counts(&self, path: &Path<'_>, value: &Value, token: bool) -> Counts {
        let path = path.steps();
        if self.now.iter().any(|steps| leads_to(steps, &path)) {
            return Counts::Presence;
        }
        let compared = longest(&self.compare, &path);
        let ignored = longest(&self.ignore, &path);
        if compared > 0 && compared >= ignored {
            return Counts::Fully;
        }
        if ignored == 0 && !token {
            return Counts::Fully;
        }
        let holds = |steps: &Vec<Step>| steps.len() > path.len() && begins(steps, &path);
        match value {
            // What is compared below it still counts.
            Value::List(_) | Value::Object(_) if self.compare.iter().any(holds) => Counts::Fully,
            _ => Counts::Not,
        }
    }

    /// Whether a rule says how the member at a path counts.
    pub(super) fn rule(&self, path: &[String]) -> bool {
        let path: Vec<Cow<'_, str>> = path.iter().map(|name| Cow::Borrowed(name.as_str())).collect();
        self.now.iter().any(|steps| leads_to(steps, &path)) || longest(&self.compare, &path).max(longest(&self.ignore, &path)) > 0
    }

    /// The known names and those that this input gives anew, each under a number of its own that
    /// says where among the new ones it stands.
    pub(super) fn with_given(&self, input: &Value, known: Option<&Names>) -> Option<Names> {
        let mut names = None;
        let mut number = u32::MAX;
        for (_, value) in self.bind.iter().flat_map(|steps| found(input, steps)) {
            let Value::Text(text) = value else { continue };
            let names = names.get_or_insert_with(|| known.cloned().unwrap_or_default());
            if !names.has(text) {
                names.add(text, number, false);
                number -= 1;
            }
        }
        names
    }

    /// Where names are made up.
    pub(super) fn binds(&self) -> &[Vec<Step>] {
        &self.bind
    }
}

fn leads_to(steps: &[Step], path: &[Cow<'_, str>]) -> bool {
    steps.len() == path.len() && begins(steps, path)
}

/// Whether steps and path go the same way as far as both go.
fn begins(steps: &[Step], path: &[Cow<'_, str>]) -> bool {
    steps.iter().zip(path).all(|(step, name)| step.is(name))
}

/// The length of the longest rule that leads to the path or to a place above it; 0 for none.
fn longest(rules: &[Vec<Step>], path: &[Cow<'_, str>]) -> usize {
    let reaches = |steps: &&Vec<Step>| steps.len() <= path.len() && begins(steps, path);
    rules.iter().filter(reaches).map(Vec::len).max().unwrap_or(0)
}

/// Every value that the steps lead to, with its path.
pub(super) fn found<'v>(value: &'v Value, steps: &[Step]) -> Vec<(Vec<String>, &'v Value)> {
    let mut found = vec![(Vec::new(), value)];
    for step in steps {
        let mut next = Vec::new();
        for (path, value) in found {
            let mut take = |name: String, value: &'v Value| {
                if step.is(&name) {
                    let mut path: Vec<String> = path.clone();
                    path.push(name);
                    next.push((path, value));
                }
            };
            match value {
                Value::Object(members) => members.iter().for_each(|(name, value)| take(name.clone(), value)),
                Value::List(items) => items.iter().enumerate().for_each(|(index, item)| take(index.to_string(), item)),
                _ => {}
            }
        }
        found = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Matching;

    fn rules(ignore: &[&str], compare: &[&str]) -> Option<OperationRules> {
        let places = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let rules = CallRules {
            matching: Matching {
                ignore: places(ignore),
                compare: places(compare),
                ..Matching::default()
            },
            bind: Vec::new(),
        };
        OperationRules::of(&rules, "STS", "Put")
    }

    fn counts(rules: &OperationRules, pointer: &str, value: &Value) -> bool {
        let names: Vec<String> = crate::pointer::tokens(pointer).collect();
        fn go(rules: &OperationRules, path: Path<'_>, rest: &[String], value: &Value) -> Counts {
            match rest {
                [] => rules.counts(&path, value, false),
                [name, rest @ ..] => go(rules, path.name(name), rest, value),
            }
        }
        go(rules, Path::ROOT, &names, value) == Counts::Fully
    }

    #[test]
    fn an_operation_without_rules_has_none() {
        assert_eq!(rules(&["Get:/a"], &[]), None);
        assert!(rules(&["Put:region"], &[]).unwrap().any_region);
        assert!(!rules(&["Put:/a"], &[]).unwrap().any_region);
    }

    #[test]
    fn what_is_below_an_ignored_place_does_not_count_unless_it_is_compared() {
        let rules = rules(&["*:/a", "Put:/items/*/at"], &["Put:/a/b/c"]).unwrap();
        let (object, text) = (Value::Object(Vec::new()), Value::Text(String::new()));
        for (path, value, expected) in [
            ("/a", &object, true),
            ("/a", &text, false),
            ("/a/b", &object, true),
            ("/a/b/c", &text, true),
            ("/a/b/d", &text, false),
            ("/a/x", &object, false),
            ("/items/3/at", &text, false),
            ("/items/3", &object, true),
            ("/other", &text, true),
        ] {
            assert_eq!(counts(&rules, path, value), expected, "{path}");
        }
    }

    #[test]
    fn the_values_at_a_place_are_found_with_their_paths() {
        let text = |text: &str| Value::Text(text.to_owned());
        let tag = |name: &str| Value::Object(vec![("key".to_owned(), text(name))]);
        let input = Value::Object(vec![("tags".to_owned(), Value::List(vec![tag("x"), tag("y")]))]);
        let place: Place = "Put:/tags/*/key".parse().unwrap();
        let found = found(&input, place.steps());
        let paths: Vec<String> = found.iter().map(|(path, _)| path.join("/")).collect();
        assert_eq!(paths, ["tags/0/key", "tags/1/key"]);
        assert_eq!(*found[1].1, text("y"));
    }
}
