//! What the input said, found by member name: services give back most of what they are told.

use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};
use crate::value::Value;

/// The members of an input, those of nested structures after those above them. Lists and maps are
/// taken whole: an item of a list belongs to no single place in the output.
#[derive(Default)]
pub(super) struct Echo<'a> {
    said: Vec<(&'a Member, &'a Value)>,
}

impl<'a> Echo<'a> {
    /// What an input of that shape says.
    pub fn of(service: &'a Service, shape: ShapeIndex, input: &'a Value) -> Echo<'a> {
        let mut said = Vec::new();
        let mut level = vec![(shape, input)];
        while !level.is_empty() {
            let mut below = Vec::new();
            for (shape, value) in level {
                for member in service.shape(shape).members() {
                    let Some(value) = value.member(&member.name).filter(|value| **value != Value::Null) else {
                        continue;
                    };
                    said.push((member, value));
                    if matches!(service.shape(member.target).kind, ShapeKind::Structure(_)) {
                        below.push((member.target, value));
                    }
                }
            }
            level = below;
        }
        Echo { said }
    }

    /// The value said under a name, letter case aside, for the same type.
    pub fn find(&self, service: &Service, member: &Member) -> Option<&'a Value> {
        let agrees = |said: &Member| {
            said.name.eq_ignore_ascii_case(&member.name)
                && (said.target == member.target || same_simple_type(service, said.target, member.target))
        };
        self.said.iter().find(|(said, _)| agrees(said)).map(|(_, value)| *value)
    }

    /// The text said under a name.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.said.iter().find(|(said, _)| said.name.eq_ignore_ascii_case(name))?;
        value.as_text()
    }
}

/// Two shapes of a kind whose values differ only in their constraints.
fn same_simple_type(service: &Service, one: ShapeIndex, other: ShapeIndex) -> bool {
    use ShapeKind::*;
    matches!(
        (&service.shape(one).kind, &service.shape(other).kind),
        (String(None), String(None)) | (Boolean, Boolean) | (Integer, Integer) | (Long, Long) | (Timestamp, Timestamp)
    )
}
