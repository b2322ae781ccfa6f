//! The places of one side of an exchange that are not written as they were.

use super::rules::{Context, Rule};
use super::stand_in::{At, base64_bytes};
use super::{Redactor, names};
use crate::codec::spot::{Form, Spot};
use crate::contract::{Departure, Rule as Constraint};
use crate::inspect::{Call, Finding};
use crate::model::schema::{Service, ShapeIndex, ShapeKind};
use crate::pointer::{self, Path};
use crate::protocol::Reply;
use crate::value::Value;
use std::collections::HashMap;

/// Every place of one side of an exchange that is not written as it was.
pub(super) struct Side<'a> {
    pub(super) operation: &'a str,
    /// What the side holds by the model; nothing where it was not decoded, so that only the form of
    /// what is there tells secrets.
    pub(super) shape: Option<(&'a Service, ShapeIndex)>,
    /// By pointer in member names.
    pub(super) places: HashMap<String, PlaceToHide<'a>>,
    pub(super) departures: Vec<&'a Departure>,
    /// It was decoded, though perhaps into something that no model describes.
    pub(super) decoded: bool,
    /// It may hand out credentials, which must not expire.
    pub(super) expires: bool,
}

pub(super) struct PlaceToHide<'a> {
    pub(super) rule: Option<Rule>,
    pub(super) key_rule: Option<Rule>,
    pub(super) at: At<'a>,
    pub(super) key_at: At<'a>,
    pub(super) value: Value,
    pub(super) expiry: bool,
}

impl PlaceToHide<'_> {
    fn nothing(value: Value) -> Self {
        PlaceToHide {
            rule: None,
            key_rule: None,
            at: At::default(),
            key_at: At::default(),
            value,
            expiry: false,
        }
    }

    /// Takes what the names on the way say, and where an option says that a secret begins.
    fn hide(&mut self, context: Context<'_>, start: Option<usize>) {
        let context = start.map_or(context, |start| context.behind_option(start));
        self.rule = context.rule_for(&self.value);
        self.at.start = context.at().start;
        self.at.by_name = context.at().by_name;
    }

    /// An empty text is no secret, and a rule by name hides only strings and numbers.
    pub(super) fn is_void(&self) -> bool {
        !self.expiry && is_void(self.rule, &self.value)
    }
}

/// Whether a value says nothing that the rule could hide.
pub(super) fn is_void(rule: Option<Rule>, value: &Value) -> bool {
    match value {
        Value::Null | Value::List(_) | Value::Object(_) => true,
        Value::Text(text) => text.is_empty(),
        Value::Blob(bytes) => bytes.is_empty(),
        Value::Integer(_) | Value::Number(_) => false,
        _ => rule == Some(Rule::SecretForms),
    }
}

impl<'a> Side<'a> {
    pub(super) fn new(call: Option<&'a Call>) -> Side<'a> {
        Side {
            operation: call.map_or("", |call| &call.service.operation(call.operation).name),
            shape: None,
            places: HashMap::new(),
            departures: Vec::new(),
            decoded: false,
            expires: false,
        }
    }

    pub(super) fn place(&mut self, path: &Path<'_>, value: Value) -> &mut PlaceToHide<'a> {
        let place = self.places.entry(path.render()).or_insert(PlaceToHide::nothing(Value::Null));
        if !matches!(value, Value::Null) {
            place.value = value;
        }
        place
    }

    /// What is to be hidden at a spot that the decoder passed over: an element that no shape knows,
    /// below a place that is secret, or one whose name says so. `start`: where an option before it says
    /// that a secret begins.
    pub(super) fn overlooked(&self, spot: &Spot<'_>, start: Option<usize>) -> PlaceToHide<'a> {
        let value = match spot.form {
            Form::JsonScalar | Form::CborScalar => number(&spot.text),
            _ => Value::Text(spot.text.clone().into_owned()),
        };
        let mut place = PlaceToHide::nothing(value);
        let (Some((service, shape)), Some(member)) = (self.shape, spot.member) else {
            // The names of what nobody knows are all there is.
            let names: Vec<String> = pointer::tokens(spot.wire).skip(1).collect();
            let words = names.iter().flat_map(|name| name.split('.')).map(plain_name);
            let context = words.fold(Context::unknown(), |context, word| context.step(word));
            place.hide(context, start);
            place.rule = place.rule.filter(|_| !spot.key);
            return place;
        };
        let mut tokens: Vec<String> = pointer::tokens(member).collect();
        if spot.key {
            tokens.pop();
        }
        let root = Context::root(service, shape);
        let context = tokens.iter().fold(root, |context, token| context.step(token));
        if spot.key {
            let key = context.is_map().then(|| context.key());
            let hides = |rule: &Rule| *rule != Rule::SecretForms && !names::is_variable(&spot.text);
            place.key_rule = key.and_then(|key| key.secret).filter(hides);
            return place;
        }
        place.hide(context, start);
        if let (Some(ShapeKind::Blob), Some(bytes)) = (context.kind(), base64_bytes(&spot.text)) {
            place.value = Value::Blob(bytes);
        }
        place
    }

    /// The constraints that the true value at each pointer broke. A missing or mistyped value is
    /// judged again from the stand-in, so these two are not told.
    pub(super) fn breaks(&self) -> HashMap<&str, Vec<String>> {
        let mut breaks: HashMap<&str, Vec<String>> = HashMap::new();
        for departure in &self.departures {
            if matches!(departure.rule, Constraint::Required | Constraint::Type | Constraint::Unknown) {
                continue;
            }
            let name = departure.rule.name();
            let known = breaks.entry(&departure.path).or_default();
            if !known.iter().any(|known| known == name) {
                known.push(name.to_owned());
            }
        }
        breaks
    }
}

impl Redactor {
    /// What is to be hidden of request and response.
    pub(super) fn sides<'a>(&self, finding: &'a Finding) -> (Side<'a>, Side<'a>) {
        let call = finding.call.as_ref();
        let mut input = Side::new(call);
        let mut output = Side::new(call);
        if let Some(judged) = &finding.request {
            input.departures = judged.violations.iter().chain(&judged.lints).collect();
            if let (Some(call), Some(value)) = (call, &judged.content) {
                input.decoded = true;
                let shape = call.service.operation(call.operation).input;
                input.shape = Some((&call.service, shape));
                self.collect(Context::root(&call.service, shape), &Path::ROOT, value, &mut input);
            }
        }
        if let Some(judged) = &finding.response {
            output.departures = judged.violations.iter().chain(&judged.lints).collect();
            if let (Some(call), Some(reply)) = (call, &judged.content) {
                output.decoded = true;
                let (shape, value) = shape_of(call, reply);
                output.shape = shape.map(|shape| (&*call.service, shape));
                output.expires = true;
                let context = shape.map_or(Context::unknown(), |shape| Context::root(&call.service, shape));
                self.collect(context, &Path::ROOT, value, &mut output);
            }
        }
        (input, output)
    }

    fn collect<'a>(&self, context: Context<'a>, path: &Path<'_>, value: &'a Value, side: &mut Side<'a>) {
        match value {
            Value::Object(entries) => {
                let context = context.around(entries);
                for (name, value) in entries {
                    let place = path.name(name);
                    let key = if context.is_map() { context.key() } else { Context::unknown() };
                    let hides =
                        |rule: &Rule| *rule != Rule::SecretForms && !names::is_variable(name) && !self.keeps(side.operation, &place);
                    if let Some(rule) = key.secret.filter(hides) {
                        let entry = side.place(&place, Value::Null);
                        entry.key_rule = Some(rule);
                        entry.key_at = key.at();
                    }
                    self.collect(context.child(name), &place, value, side);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(context.item_of(items, index), &path.index(index), item, side);
                }
            }
            Value::Null => {}
            scalar => {
                let secret = self.secret_at(&context, side.operation, path, scalar);
                let secret = secret.filter(|_| !self.keeps(side.operation, path));
                let expiry = context.expiry && side.expires;
                if secret.is_some() || expiry {
                    let place = side.place(path, scalar.clone());
                    place.rule = secret.or(Some(Rule::Credentials));
                    place.at = context.at();
                    place.expiry = expiry;
                }
            }
        }
    }
}

fn shape_of<'a>(call: &Call, reply: &'a Reply) -> (Option<ShapeIndex>, &'a Value) {
    match reply {
        Reply::Output(value) => (Some(call.service.operation(call.operation).output), value),
        Reply::Error { shape, value, .. } => (*shape, value),
    }
}

/// `item` of `item[2]` and `@item`.
fn plain_name(word: &str) -> &str {
    word.split('[').next().unwrap_or(word).trim_start_matches('@')
}

fn number(lexeme: &str) -> Value {
    match lexeme {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => lexeme.parse().map_or_else(|_| Value::Number(lexeme.to_owned()), Value::Integer),
    }
}
