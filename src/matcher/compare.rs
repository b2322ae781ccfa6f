//! How a live response differs from the recorded one, by path.
//!
//! Both come redacted by the same redactor, so equal secrets have equal stand-ins. What changes by
//! its nature is no difference as long as something stands there: timestamps, idempotency tokens,
//! page tokens and request ids, as far as the model knows them; account ids that are merely
//! numbered otherwise; and what the user ignores. Lists whose items the model calls unique have no
//! order.

use super::difference::{Difference, masked};
use super::key;
use super::shown;
use super::unordered::unequal;
use crate::cassette::Interaction;
use crate::inspect::Call;
use crate::model::http::Binding;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};
use crate::pointer::{self, Path};
use crate::protocol::Reply;
use crate::redaction::rules::Rule;
use crate::settings::{Place, Step};
use crate::value::{ByName, Value};
use std::collections::{HashMap, HashSet};

/// One side: the interaction, redacted, and what its response decodes to.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    /// The interaction.
    pub interaction: &'a Interaction,
    /// Its reply; none where the response is not in the format of the protocol.
    pub reply: Option<&'a Reply>,
}

/// All differences between the recorded and the live answer to a call, in the order of the recorded
/// one, what is only live at the end of its object. `sent` in a difference is the live value.
pub fn differences(call: &Call, recorded: Answered<'_>, live: Answered<'_>, ignored: &[Place]) -> Vec<Difference> {
    let operation = call.operation();
    let applies = |place: &&Place| place.is_of(&call.service.sdk_id, &operation.name);
    let mut compare = Compare {
        service: &call.service,
        token: operation.idempotency_token.as_deref(),
        page_token: page_token(&operation.traits, &call.service.traits),
        ignored: ignored
            .iter()
            .filter(applies)
            .map(Place::steps)
            .filter(|steps| !steps.is_empty())
            .collect(),
        hidden: [recorded, live].map(|side| hidden(side.interaction)),
        out: Vec::new(),
    };
    let statuses = [recorded, live].map(|side| side.interaction.response.status().as_u16());
    compare.plainly("status", &Value::Integer(statuses[0].into()), &Value::Integer(statuses[1].into()));
    match (recorded.reply, live.reply) {
        (Some(Reply::Output(old)), Some(Reply::Output(new))) => compare.both(Some(operation.output), &Path::ROOT, old, new),
        (
            Some(Reply::Error { code: old, shape, value }),
            Some(Reply::Error {
                code: new, value: other, ..
            }),
        ) if old == new => {
            compare.both(*shape, &Path::ROOT, value, other);
        }
        (old, new) => {
            compare.plainly("error", &code(old), &code(new));
            if old.is_none() && new.is_none() {
                let bodies = [recorded, live].map(|side| Value::Blob(side.interaction.response.body().to_vec()));
                compare.plainly("body", &bodies[0], &bodies[1]);
            }
        }
    }
    compare.out
}

fn code(reply: Option<&Reply>) -> Value {
    match reply {
        Some(Reply::Error { code, .. }) => Value::Text(code.clone()),
        Some(Reply::Output(_)) => Value::Null,
        None => Value::Text("(not in the format of the protocol)".to_owned()),
    }
}

/// The members of a response in whose place something else stands, with the rules that say so.
fn hidden(interaction: &Interaction) -> HashMap<&str, &str> {
    let places = interaction.redacted.iter();
    let hidden = places.filter_map(|redacted| Some((redacted.member_of("/response")?, redacted.rule.as_str())));
    hidden.collect()
}

/// What AWS gives out anew each time it is asked.
const VENDED: [Rule; 3] = [Rule::SessionToken, Rule::Credentials, Rule::AccessKeyId];

/// Where the token for the next page is: `@paginated` of the operation, else of the service.
fn page_token<'a>(
    operation: &'a serde_json::Map<String, serde_json::Value>,
    service: &'a serde_json::Map<String, serde_json::Value>,
) -> Option<Vec<&'a str>> {
    let own = operation.get("smithy.api#paginated")?;
    let inherited = || {
        service
            .get("smithy.api#paginated")
            .and_then(|paginated| paginated.get("outputToken"))
    };
    let path = own.get("outputToken").or_else(inherited)?.as_str()?;
    Some(path.split('.').collect())
}

struct Compare<'a> {
    service: &'a Service,
    token: Option<&'a str>,
    page_token: Option<Vec<&'a str>>,
    ignored: Vec<&'a [Step]>,
    /// The rules that hid a member, in the recorded answer and in the live one.
    hidden: [HashMap<&'a str, &'a str>; 2],
    out: Vec<Difference>,
}

impl<'a> Compare<'a> {
    fn both(&mut self, shape: Option<ShapeIndex>, path: &Path<'_>, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(olds), Value::Object(news)) => {
                let mut seen = HashSet::new();
                let (by_old, by_new) = (ByName::new(olds), ByName::new(news));
                for (name, _) in olds.iter().chain(news) {
                    if seen.insert(name.as_str()) {
                        let member = self.member(shape, name);
                        let absent = &Value::Null;
                        self.place(
                            member,
                            &path.name(name),
                            by_old.get(name).unwrap_or(absent),
                            by_new.get(name).unwrap_or(absent),
                        );
                    }
                }
            }
            (Value::List(olds), Value::List(news)) => self.lists(shape, false, path, olds, news),
            _ => self.scalars(path, old, new),
        }
    }

    /// One member, item or value of a map. Null counts as absent.
    fn place(&mut self, member: Option<&Member>, path: &Path<'_>, old: &Value, new: &Value) {
        let pointer = path.render();
        if self.is_ignored(&pointer) || (*old == Value::Null) == (*new == Value::Null) && self.is_volatile(member, &pointer) {
            return;
        }
        let shape = member.map(|member| member.target);
        match (old, new) {
            (Value::List(olds), Value::List(news)) => {
                let unique = member.is_some_and(|member| member.constraints.unique_items);
                self.lists(shape, unique, path, olds, news);
            }
            _ => self.both(shape, path, old, new),
        }
    }

    fn lists(&mut self, shape: Option<ShapeIndex>, unique: bool, path: &Path<'_>, olds: &[Value], news: &[Value]) {
        let item = self.item(shape);
        let (gone, added) = match unique {
            true => unequal(olds, news, |old, new| self.is_same(item, &path.index(old), &olds[old], &news[new])),
            false => ((0..olds.len()).collect(), (0..news.len()).collect()),
        };
        for turn in 0..gone.len().max(added.len()) {
            let (old, new) = (gone.get(turn), added.get(turn));
            let Some(index) = old.or(new) else { continue };
            let value = |list: &'_ [Value], at: Option<&usize>| at.and_then(|at| list.get(*at)).cloned().unwrap_or(Value::Null);
            self.place(item, &path.index(*index), &value(olds, old), &value(news, new));
        }
    }

    fn is_same(&self, item: Option<&Member>, path: &Path<'_>, old: &Value, new: &Value) -> bool {
        let mut probe = Compare {
            service: self.service,
            token: self.token,
            page_token: self.page_token.clone(),
            ignored: self.ignored.clone(),
            hidden: Default::default(),
            out: Vec::new(),
        };
        probe.place(item, path, old, new);
        probe.out.is_empty()
    }

    fn scalars(&mut self, path: &Path<'_>, old: &Value, new: &Value) {
        if is_same_scalar(old, new) {
            return;
        }
        let path = path.render();
        let [recorded, live] = self.hidden.each_ref().map(|hidden| hidden.get(path.as_str()).copied());
        let is_vended = |rule: Option<&str>| VENDED.iter().any(|vended| Some(vended.id()) == rule);
        if is_vended(recorded) && is_vended(live) {
            return;
        }
        // Of an account id the rest of the text is as it was.
        let hides = [recorded, live].into_iter().flatten().any(|rule| rule != Rule::AccountId.id());
        let (recorded, sent) = shown::both(old, new, hides);
        self.out.push(Difference { path, recorded, sent });
    }

    fn plainly(&mut self, what: &str, old: &Value, new: &Value) {
        if old != new {
            let (recorded, sent) = shown::both(old, new, false);
            self.out.push(Difference {
                path: what.to_owned(),
                recorded,
                sent,
            });
        }
    }

    fn member(&self, shape: Option<ShapeIndex>, name: &str) -> Option<&'a Member> {
        let service = self.service;
        match &service.shapes.get(shape?.0 as usize)?.kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => members.find(name),
            ShapeKind::Map { value, .. } => Some(value),
            _ => None,
        }
    }

    fn item(&self, shape: Option<ShapeIndex>) -> Option<&'a Member> {
        let service = self.service;
        match &service.shapes.get(shape?.0 as usize)?.kind {
            ShapeKind::List(item) => Some(item),
            _ => None,
        }
    }

    fn is_ignored(&self, pointer: &str) -> bool {
        self.ignored.iter().any(|steps| leads_to(steps, pointer))
    }

    /// Whether the model says that the value is another each time.
    fn is_volatile(&self, member: Option<&Member>, pointer: &str) -> bool {
        let Some(member) = member else { return false };
        let target = self.service.shapes.get(member.target.0 as usize);
        let is_instant = target.is_some_and(|shape| matches!(shape.kind, ShapeKind::Timestamp));
        // `lastClientRequestToken` gives back what came as `clientToken`.
        let is_token =
            member.idempotency_token || self.token == Some(&member.name) || member.name.to_lowercase().ends_with("clientrequesttoken");
        let is_request_id = matches!(&member.binding, Binding::Header(name) if name.contains("request-id") || name.contains("requestid"));
        let is_page_token = self
            .page_token
            .as_ref()
            .is_some_and(|path| pointer::tokens(pointer).eq(path.iter().copied()));
        is_instant || is_token || is_request_id || is_page_token
    }
}

/// Whether a pattern leads to a place or to one above it.
fn leads_to(steps: &[Step], pointer: &str) -> bool {
    let mut tokens = pointer::tokens(pointer);
    steps.iter().all(|step| tokens.next().is_some_and(|token| step.is(&token)))
}

fn is_same_scalar(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Text(old), Value::Text(new)) => old == new || masked(old) == masked(new),
        (Value::Integer(_) | Value::Number(_), Value::Integer(_) | Value::Number(_)) => key::same_number(old, new),
        _ => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::Redacted;
    use crate::inspect::{inspect_recorded, recognise};
    use crate::model::catalog::Catalog;
    use crate::wire::{Request, Response};
    use bytes::Bytes;

    fn interaction(status: u16, answer: &str) -> Interaction {
        let request = http::Request::post("https://proton.us-east-1.amazonaws.com/")
            .header("x-amz-target", "AwsProton20200720.CreateServiceInstance")
            .header("content-type", "application/x-amz-json-1.0");
        let response = http::Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.0");
        let request: Request = request.body(Bytes::from_static(b"{}")).unwrap();
        let response: Response = response.body(Bytes::copy_from_slice(answer.as_bytes())).unwrap();
        Interaction::new(request, response)
    }

    fn told(old: &Interaction, new: &Interaction, ignored: &[&str]) -> Vec<String> {
        let catalog = Catalog::built_in().unwrap();
        let call = recognise(&catalog, &old.request).ok().unwrap();
        let ignored: Vec<Place> = ignored.iter().map(|text| text.parse().unwrap()).collect();
        let replies = [old, new].map(|side| inspect_recorded(&catalog, side).response.unwrap().content);
        let [recorded, live] = [(old, &replies[0]), (new, &replies[1])].map(|(interaction, reply)| Answered {
            interaction,
            reply: reply.as_ref(),
        });
        let differences = differences(&call, recorded, live, &ignored);
        let line = |difference: Difference| format!("{}: {} -> {}", difference.path, difference.recorded, difference.sent);
        differences.into_iter().map(line).collect()
    }

    fn answers(old: &str, new: &str, ignored: &[&str]) -> Vec<String> {
        let wrapped = |members: &str| format!(r#"{{"serviceInstance":{{{members}}}}}"#);
        told(&interaction(200, &wrapped(old)), &interaction(200, &wrapped(new)), ignored)
    }

    #[test]
    fn a_member_that_changed_came_or_went_is_told_by_its_path() {
        let old = r#""name":"a","deploymentStatus":"IN_PROGRESS","environmentName":"e""#;
        let new = r#""deploymentStatus":"FAILED","name":"a","templateName":"t","extra":[1,{"b":null}]"#;
        assert_eq!(
            answers(old, new, &[]),
            [
                r#"/serviceInstance/deploymentStatus: "IN_PROGRESS" -> "FAILED""#,
                r#"/serviceInstance/environmentName: "e" -> nothing"#,
                r#"/serviceInstance/templateName: nothing -> "t""#,
                r#"/serviceInstance/extra: nothing -> a list of 2"#,
            ]
        );
        assert_eq!(answers(r#""extra":[1,2],"n":1.0"#, r#""n":1,"extra":[1,3,4]"#, &[]).len(), 2);
    }

    #[test]
    fn what_the_model_knows_to_change_is_no_difference_unless_it_is_gone() {
        let old = r#""createdAt":1,"lastClientRequestToken":"a""#;
        assert_eq!(answers(old, r#""createdAt":2,"lastClientRequestToken":"b""#, &[]), [""; 0]);
        assert_eq!(answers(old, r#""createdAt":2,"lastClientRequestToken":null"#, &[]).len(), 1);
    }

    #[test]
    fn account_ids_may_be_numbered_otherwise() {
        let arn = |account: &str, name: &str| format!(r#""arn":"arn:aws:proton:us-east-1:{account}:service/{name}""#);
        assert_eq!(answers(&arn("000000000001", "a"), &arn("000000000002", "a"), &[]), [""; 0]);
        assert_eq!(answers(&arn("000000000001", "a"), &arn("000000000001", "b"), &[]).len(), 1);
    }

    #[test]
    fn what_is_ignored_is_no_difference_nor_what_is_below() {
        let (old, new) = (r#""name":"a","extra":{"id":1}"#, r#""name":"b","extra":{"id":2}"#);
        assert_eq!(answers(old, new, &["CreateServiceInstance:/serviceInstance/name"]).len(), 1);
        assert_eq!(answers(old, new, &["*:/serviceInstance/*"]).len(), 0);
        assert_eq!(answers(old, new, &["Proton CreateServiceInstance:/serviceInstance/extra"]).len(), 1);
        assert_eq!(answers(old, new, &["GetService:/serviceInstance"]).len(), 2);
    }

    #[test]
    fn an_error_in_place_of_an_answer_is_told_by_its_name() {
        let good = interaction(200, "{}");
        let bad = interaction(409, r#"{"__type":"ConflictException","message":"it is there"}"#);
        assert_eq!(
            told(&good, &bad, &[]),
            ["status: 200 -> 409", r#"error: nothing -> "ConflictException""#]
        );
        let other = interaction(409, r#"{"__type":"ConflictException","message":"it was there"}"#);
        assert_eq!(told(&bad, &other, &[]), [r#"/message: "it is there" -> "it was there""#]);
    }

    /// What is told of a member that these rules hid.
    fn hidden_by(rules: [&str; 2], old: &str, new: &str) -> Vec<String> {
        let [old, new] = [(rules[0], old), (rules[1], new)].map(|(rule, text)| {
            let mut answered = interaction(200, &format!(r#"{{"serviceInstance":{{"spec":"{text}"}}}}"#));
            answered.redacted.push(Redacted {
                path: "/response/body/serviceInstance/spec".to_owned(),
                member: None,
                rule: rule.to_owned(),
                breaks: Vec::new(),
            });
            answered
        });
        told(&old, &new, &[])
    }

    #[test]
    fn a_hidden_value_is_never_shown() {
        let hidden = ["/serviceInstance/spec: (hidden) -> (hidden)"];
        assert_eq!(hidden_by(["sensitive-members"; 2], "one", "two"), hidden);
        assert_eq!(hidden_by(["sensitive-members", "account-id"], "one", "two"), hidden);
        let shown = [r#"/serviceInstance/spec: "000000000001/a" -> "000000000001/b""#];
        assert_eq!(
            hidden_by(["account-id"; 2], "000000000001/a", "000000000001/b"),
            shown,
            "but for the account"
        );
    }

    #[test]
    fn credentials_are_others_each_time() {
        assert_eq!(hidden_by(["session-token", "credentials"], "one", "two"), [""; 0]);
        assert_eq!(hidden_by(["access-key-id", "sensitive-members"], "one", "two").len(), 1);
    }
}
