//! The places of one side of an exchange that are not written as they were.

use super::rules::Rule;
use crate::contract::{Departure, Rule as Constraint};
use crate::inspect::Call;
use crate::model::schema::Member;
use crate::pointer::Path;
use crate::value::Value;
use std::collections::HashMap;

/// Every place of one side of an exchange that is not written as it was.
pub(super) struct Side<'a> {
    pub(super) operation: &'a str,
    /// By pointer in the body.
    pub(super) places: HashMap<String, PlaceToHide<'a>>,
    pub(super) departures: Vec<&'a Departure>,
    /// The body was decoded; else only its form tells what is in it.
    pub(super) decoded: bool,
}

pub(super) struct PlaceToHide<'a> {
    pub(super) rule: Option<Rule>,
    pub(super) key_rule: Option<Rule>,
    pub(super) member: Option<&'a Member>,
    pub(super) key_member: Option<&'a Member>,
    pub(super) value: Value,
    pub(super) expiry: bool,
}

impl<'a> Side<'a> {
    pub(super) fn new(call: Option<&'a Call>) -> Side<'a> {
        Side {
            operation: call.map_or("", |call| &call.service.operation(call.operation).name),
            places: HashMap::new(),
            departures: Vec::new(),
            decoded: false,
        }
    }

    pub(super) fn place(&mut self, path: &Path<'_>, value: Value) -> &mut PlaceToHide<'a> {
        let place = self.places.entry(path.render()).or_insert(PlaceToHide {
            rule: None,
            key_rule: None,
            member: None,
            key_member: None,
            value: Value::Null,
            expiry: false,
        });
        if !matches!(value, Value::Null) {
            place.value = value;
        }
        place
    }

    /// The constraints that the true value at `pointer` broke. A missing or mistyped value is
    /// judged again from the stand-in, so these two are not told.
    pub(super) fn breaks(&self, pointer: &str) -> Vec<String> {
        let mut breaks: Vec<String> = Vec::new();
        for departure in &self.departures {
            let told = !matches!(departure.rule, Constraint::Required | Constraint::Type | Constraint::Unknown);
            let name = departure.rule.name();
            if told && departure.path == pointer && !breaks.iter().any(|known| known == name) {
                breaks.push(name.to_owned());
            }
        }
        breaks
    }
}
