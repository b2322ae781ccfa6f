//! Whether a call depends on what was only played: it names something that a played answer gave, or that
//! a played call changed. AWS knows nothing of either.

use super::session::Session;
use super::{Tape, Track, fold};
use crate::inspect::Call;
use crate::model::schema::{Service, ShapeIndex, ShapeKind};
use crate::protocol::Reply;
use crate::scope::is_region;
use crate::value::Value;
use std::collections::HashSet;
use std::fmt;

/// Shorter texts of an answer come by chance.
const SHORTEST_GIVEN: usize = 8;
/// No bucket, table or key is called so shortly that it would tell anything.
const SHORTEST_NAME: usize = 3;

/// How the names of members end that hold what a thing is called.
const NAMING: [&str; 15] = [
    "name",
    "id",
    "arn",
    "url",
    "uri",
    "identifier",
    "token",
    "handle",
    "key",
    "bucket",
    "alias",
    "path",
    "location",
    "address",
    "endpoint",
];
/// Those of them that say nothing of which thing.
const BARE: [&str; 3] = ["name", "identifier", "id"];

/// How operations begin that make a thing: of what they name, only that is new.
const MAKING: [&str; 10] = [
    "Create",
    "Register",
    "Allocate",
    "Run",
    "Start",
    "Import",
    "Copy",
    "Restore",
    "Launch",
    "Provision",
];

/// What a call depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependence {
    /// The name that the call holds.
    pub name: String,
    /// The index of the played interaction.
    pub position: usize,
    /// What that called.
    pub title: String,
    /// Its answer gave the name; else its request did.
    pub was_given: bool,
}

impl fmt::Display for Dependence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dependence {
            name,
            position,
            title,
            was_given,
        } = self;
        let how = if *was_given { "gave" } else { "made or changed" };
        write!(
            formatter,
            "\"{name}\", which interaction {} (`{title}`) {how}; that was played, so AWS knows nothing of it",
            position + 1
        )
    }
}

/// What an interaction makes known.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Its answer gave them.
    given: Vec<String>,
    /// Its request names them, and changes them.
    changed: Vec<String>,
}

impl Tape {
    /// What of that which a session played a call names, unless it is the same call once more; `input`
    /// is as it came.
    pub fn dependence(&self, session: &Session, call: &Call, input: &Value) -> Option<Dependence> {
        let input = session.as_recorded(input);
        let key = session.key(self, call, &input);
        let mut said = Vec::new();
        texts(&input, &mut |_, text| said.push(text));
        let names = self.names.get_or_init(|| self.tracks().iter().map(Names::of).collect());
        let is_other = |position: &usize| self.track(*position).is_some_and(|track| track.key != key);
        let played = (0..names.len()).filter(|position| session.plays(*position) > 0).filter(is_other);
        played.filter_map(|position| self.named(position, &names[position], &said)).next()
    }

    fn named(&self, position: usize, names: &Names, said: &[&str]) -> Option<Dependence> {
        let is_said = |name: &&String| said.iter().any(|text| holds_word(text, name));
        let changed = names.changed.iter().find(is_said).map(|name| (name, false));
        let (name, was_given) = changed.or_else(|| names.given.iter().find(is_said).map(|name| (name, true)))?;
        Some(Dependence {
            name: name.clone(),
            position,
            title: self.track(position).and_then(Track::title).unwrap_or_default(),
            was_given,
        })
    }
}

impl Names {
    fn of(track: &Track) -> Names {
        let Some(call) = &track.call else { return Names::default() };
        let (request, response) = (&track.interaction.request, &track.interaction.response);
        let input = call.protocol.decode_request(&call.service, call.operation, request);
        let input = input.unwrap_or(Value::Null);
        let output = match call.protocol.decode_response(&call.service, call.operation, response) {
            Ok(Reply::Output(output)) => output,
            // What failed changed nothing.
            _ => return Names::default(),
        };
        let mut sent = HashSet::new();
        texts(&input, &mut |_, text| {
            sent.insert(text);
        });
        let mut given = Vec::new();
        texts(&output, &mut |path, text| {
            if text.len() >= SHORTEST_GIVEN && is_name(path, text) && !sent.contains(text) {
                given.push(text.to_owned());
            }
        });
        Names {
            given,
            changed: changed(call, &input),
        }
    }
}

fn changed(call: &Call, input: &Value) -> Vec<String> {
    let Value::Object(members) = input else { return Vec::new() };
    if fold::is_read(call) {
        return Vec::new();
    }
    let shape = call.operation().input;
    let named = members.iter().filter_map(|(name, value)| {
        let text = value.as_text().filter(|text| text.len() >= SHORTEST_NAME)?;
        (is_name(&[name], text) && is_of(&call.operation().name, name) && !is_enumerated(&call.service, shape, name))
            .then(|| text.to_owned())
    });
    named.collect()
}

/// Whether an operation makes or changes what a member names: `CreateBucket` its `Bucket`, and not the
/// `ServiceName` of `CreateServiceInstance`.
fn is_of(operation: &str, member: &str) -> bool {
    let Some(made) = MAKING.iter().find_map(|verb| operation.strip_prefix(verb)) else {
        return true;
    };
    let (made, member) = (made.to_ascii_lowercase(), member.to_ascii_lowercase());
    let thing = BARE.iter().find_map(|end| member.strip_suffix(end)).unwrap_or(&member);
    thing.is_empty() || made.ends_with(thing)
}

fn is_enumerated(service: &Service, shape: ShapeIndex, member: &str) -> bool {
    let member = service.shape(shape).member(member);
    member.is_some_and(|member| matches!(service.shape(member.target).kind, ShapeKind::String(Some(_))))
}

/// Whether a text at that place is what a thing is called, and not a word of the service or of a tag.
fn is_name(path: &[&str], text: &str) -> bool {
    let is_constant = text.bytes().all(|byte| byte.is_ascii_uppercase() || b"_- ".contains(&byte));
    let is_tag = path.iter().any(|part| part.to_ascii_lowercase().contains("tag"));
    let member = path.iter().rev().find(|part| !part.is_empty());
    let names = member.is_some_and(|member| {
        let member = member.to_ascii_lowercase();
        let member = member.strip_suffix('s').unwrap_or(&member);
        NAMING.iter().any(|end| member.ends_with(end))
    });
    names && !is_constant && !is_tag && !is_region(text) && !text.contains(char::is_whitespace)
}

/// Every text of a document, with the names on its way; an item of a list has none.
fn texts<'v>(value: &'v Value, found: &mut dyn FnMut(&[&'v str], &'v str)) {
    fn walk<'v>(value: &'v Value, path: &mut Vec<&'v str>, found: &mut dyn FnMut(&[&'v str], &'v str)) {
        match value {
            Value::Text(text) => found(path, text),
            Value::List(items) => {
                path.push("");
                items.iter().for_each(|item| walk(item, path, found));
                path.pop();
            }
            Value::Object(members) => {
                for (name, member) in members {
                    path.push(name);
                    walk(member, path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }
    walk(value, &mut Vec::new(), found);
}

/// Whether a name stands in a text, not as a part of a longer word.
fn holds_word(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_thing_is_called() {
        for (path, text) in [
            (&["Bucket"][..], "my-bucket"),
            (&["QueueUrl"], "https://sqs/q"),
            (&["TableNames", ""], "orders"),
            (&["serviceInstance", "arn"], "arn:aws:proton:x"),
        ] {
            assert!(is_name(path, text), "{path:?}");
        }
        for (path, text) in [
            (&["Status"][..], "my-bucket"),
            (&["StateName"], "CREATE_COMPLETE"),
            (&["RegionName"], "eu-west-3"),
            (&["Tags", "", "Key"], "Environment"),
            (&["DisplayName"], "two words"),
        ] {
            assert!(!is_name(path, text), "{path:?}");
        }
    }

    #[test]
    fn an_operation_that_makes_a_thing_names_others_too() {
        for (operation, member) in [
            ("CreateBucket", "Bucket"),
            ("CreateDBInstance", "DBInstanceIdentifier"),
            ("CreateSecurityGroup", "GroupName"),
            ("CreateSecret", "Name"),
            ("PutItem", "TableName"),
        ] {
            assert!(is_of(operation, member), "{operation} {member}");
        }
        for (operation, member) in [
            ("CreateServiceInstance", "serviceName"),
            ("CreateProvisioningArtifact", "ProductId"),
            ("CreateLogStream", "logGroupName"),
        ] {
            assert!(!is_of(operation, member), "{operation} {member}");
        }
    }

    #[test]
    fn a_name_counts_as_a_word() {
        assert!(holds_word("arn:aws:sqs:eu-west-1:1:q-1", "q-1"));
        assert!(holds_word("q-1", "q-1") && holds_word("https://x/q-1/y", "q-1"));
        assert!(!holds_word("q-12", "q-1") && !holds_word("aq-1", "q-1") && !holds_word("x", "q-1"));
    }
}
