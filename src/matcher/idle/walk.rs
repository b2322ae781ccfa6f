//! A rule's path along the shapes of a model: the first step that leads nowhere.
//!
//! A document, and whatever else the model does not describe, may hold anything: there a walk ends well.

use super::there_is;
use crate::model::schema::{Service, ShapeIndex, ShapeKind};
use crate::settings::{Step, path_of};
use std::collections::HashSet;

/// A shape that a value may have, of its service.
#[derive(Clone, Copy)]
pub(super) struct Stand<'s> {
    pub service: &'s Service,
    pub shape: ShapeIndex,
}

/// What is wrong with the first step that no value may take, beginning at any of `roots`; nothing
/// where the model lets all of them pass. It reads behind `the model of … `.
pub(super) fn astray(roots: Vec<Stand<'_>>, steps: &[Step]) -> Option<String> {
    let mut here = roots;
    for (position, step) in steps.iter().enumerate() {
        if here.iter().any(|stand| stand.holds_anything()) {
            return None;
        }
        let mut seen = HashSet::new();
        let is_new = |stand: &Stand<'_>| seen.insert((std::ptr::from_ref(stand.service), stand.shape));
        let next: Vec<Stand<'_>> = here.iter().flat_map(|stand| stand.after(step)).filter(is_new).collect();
        if next.is_empty() {
            return Some(why(&here, &steps[..position], step));
        }
        here = next;
    }
    None
}

fn why(here: &[Stand<'_>], before: &[Step], step: &Step) -> String {
    let path = path_of(before);
    let name = match step {
        Step::Any => "*",
        Step::Name(name) => name,
    };
    let members: Vec<&str> = here.iter().flat_map(|stand| stand.members()).collect();
    let has_members = here
        .iter()
        .any(|stand| matches!(stand.kind(), ShapeKind::Structure(_) | ShapeKind::Union(_)));
    if before.is_empty() || has_members {
        let at = if before.is_empty() {
            String::new()
        } else {
            format!(" at `{path}`")
        };
        return format!("has no member `{name}`{at}{}", there_is(name, members.into_iter()));
    }
    match here.iter().any(|stand| matches!(stand.kind(), ShapeKind::List(_))) {
        true => format!("has a list at `{path}`, into which a position or `*` leads, not `{name}`"),
        false => format!("has nothing below `{path}`"),
    }
}

impl<'s> Stand<'s> {
    fn kind(self) -> &'s ShapeKind {
        &self.service.shape(self.shape).kind
    }

    /// The events of a stream are no list in the model.
    fn holds_anything(self) -> bool {
        matches!(self.kind(), ShapeKind::Document) || self.service.shape(self.shape).is_event_stream()
    }

    fn members(self) -> impl Iterator<Item = &'s str> {
        self.service.shape(self.shape).members().iter().map(|member| member.name.as_str())
    }

    /// Where a step may lead.
    fn after(self, step: &Step) -> Vec<Stand<'s>> {
        let to = |shape| Stand { shape, ..self };
        match self.kind() {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => match step {
                Step::Any => members.list.iter().map(|member| to(member.target)).collect(),
                Step::Name(name) => members.find(name).map(|member| to(member.target)).into_iter().collect(),
            },
            ShapeKind::List(item) => match step {
                Step::Name(name) if name.parse::<usize>().is_err() => Vec::new(),
                _ => vec![to(item.target)],
            },
            ShapeKind::Map { value, .. } => vec![to(value.target)],
            _ => Vec::new(),
        }
    }
}
