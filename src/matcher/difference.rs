//! Where a live call differs from the recording that is nearest to it.
//!
//! What the key leaves out is no difference: idempotency tokens, nulls, lengths and checksums, account ids that are merely
//! renamed, names that are bound, and whatever a rule ignores.

use super::propose;
use super::rules::{Counts, OperationRules};
use super::unordered::unequal;
use super::{Tape, key, shown};
use crate::inspect::Call;
use crate::pointer::Path;
use crate::redaction::Redactor;
use crate::redaction::renaming::Names;
use crate::redaction::rules::Context;
use crate::redaction::scan::{self, Budget};
use crate::value::{ByName, Value};
use std::borrow::Cow;
use std::collections::HashSet;

/// One place in which a call differs from a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer into the input; `region` for the call's region.
    pub path: String,
    /// What was recorded: a JSON value cut to a readable length, `nothing` or `(hidden)`.
    pub recorded: String,
    /// What was sent, likewise.
    pub sent: String,
}

/// How a rule would let a difference pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The path that it would name: of an unordered list's items that of the list.
    pub path: String,
    /// What the rule is.
    pub kind: HintKind,
}

/// What rule lets a difference pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintKind {
    /// `[[bind]]`: both values look made up.
    MadeUp,
    /// `now`: both are times.
    Now,
    /// `ignore`.
    Ignore,
}

impl Hint {
    /// That of a rule for any region.
    pub(super) fn region() -> Hint {
        Hint {
            path: "region".to_owned(),
            kind: HintKind::Ignore,
        }
    }
}

/// All differences from the interaction at `position`, in the order of the recorded input, what was
/// only sent at the end. `names` are those that the session knows.
pub(super) fn differences(tape: &Tape, position: usize, call: &Call, sent: &Value, names: &Names) -> Vec<(Difference, Hint)> {
    let Some((track, recorded_call)) = tape.track(position).and_then(|track| Some((track, track.call.as_ref()?))) else {
        return Vec::new();
    };
    let rules = tape.operations.rules(track.operation);
    let mut differences = Vec::new();
    if recorded_call.region != call.region && call.region.is_some() && rules.is_none_or(|rules| !rules.any_region) {
        let shown = |region: &Option<String>| {
            region
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), |region| shown::quoted(region, 0))
        };
        let difference = Difference {
            path: "region".to_owned(),
            recorded: shown(&recorded_call.region),
            sent: shown(&call.region),
        };
        differences.push((difference, Hint::region()));
    }
    let operation = call.service.operation(call.operation);
    let Ok(recorded) = recorded_call
        .protocol
        .decode_request(&call.service, recorded_call.operation, &track.interaction.request)
    else {
        return differences;
    };
    let known = tape.names_before(position);
    let given = |input: &Value, known: &Names| rules.and_then(|rules| rules.with_given(input, Some(known)));
    let (recorded_given, sent_given) = (given(&recorded, &known), given(sent, names));
    let budget = Budget::default();
    let mut compare = Compare {
        redactor: &tape.redactor,
        rules,
        names: (recorded_given.as_ref().unwrap_or(&known), sent_given.as_ref().unwrap_or(names)),
        known: (&known, names),
        set: false,
        operation: &operation.name,
        token: operation.idempotency_token.as_deref(),
        mask: true,
        budget: &budget,
        out: differences,
    };
    let root = Context::root(&call.service, operation.input);
    compare.both(root, &Path::ROOT, &recorded, sent);
    if compare.out.is_empty() {
        // Only account ids differ, and not by a mere renaming.
        compare.mask = false;
        compare.both(root, &Path::ROOT, &recorded, sent);
    }
    compare.out
}

struct Compare<'a> {
    redactor: &'a Redactor,
    rules: Option<&'a OperationRules>,
    /// Known when it was recorded, and now, with those that the call itself gives.
    names: (&'a Names, &'a Names),
    /// Known before the call.
    known: (&'a Names, &'a Names),
    /// Within an unordered list.
    set: bool,
    operation: &'a str,
    token: Option<&'a str>,
    /// Account ids count as equal.
    mask: bool,
    /// What may be spent on what the call hides.
    budget: &'a Budget,
    out: Vec<(Difference, Hint)>,
}

impl Compare<'_> {
    fn both(&mut self, context: Context<'_>, path: &Path<'_>, recorded: &Value, sent: &Value) {
        let shape = if matches!(recorded, Value::Null) { sent } else { recorded };
        let is_token = self.token.is_some_and(|token| path.is_member(token));
        match self.rules.map(|rules| rules.counts(path, shape, is_token)) {
            None if is_token => return,
            Some(Counts::Not) => return,
            Some(Counts::Presence) if !matches!(recorded, Value::Null) && !matches!(sent, Value::Null) => return,
            _ => {}
        }
        match (recorded, sent) {
            (Value::Object(old), Value::Object(new)) => self.objects(context, path, old, new),
            (Value::List(old), Value::List(new)) => self.lists(context, path, old, new),
            _ => self.scalars(context, path, recorded, sent),
        }
    }

    fn objects(&mut self, context: Context<'_>, path: &Path<'_>, old: &[(String, Value)], new: &[(String, Value)]) {
        let mut seen: HashSet<&str> = HashSet::new();
        let is_root = path.is_root();
        // A member on either side may say that another is a secret.
        let entries: Vec<(String, Value)> = old.iter().chain(new).map(|(name, value)| (name.clone(), told_by(value))).collect();
        let context = context.around(&entries);
        let (olds, news) = (ByName::new(old), ByName::new(new));
        for (name, _) in old.iter().chain(new) {
            if !seen.insert(name) {
                continue;
            }
            if is_root && context.child(name).member.is_some_and(key::is_of_the_wire) {
                continue;
            }
            let place = path.name(name);
            let recorded = olds.get(name).unwrap_or(&Value::Null);
            let sent = news.get(name).unwrap_or(&Value::Null);
            self.both(context.child(name), &place, recorded, sent);
        }
    }

    fn lists(&mut self, context: Context<'_>, path: &Path<'_>, old: &[Value], new: &[Value]) {
        if context.member.is_some_and(|member| member.constraints.unique_items) {
            return self.sets(context, path, old, new);
        }
        for index in 0..old.len().max(new.len()) {
            let recorded = old.get(index).unwrap_or(&Value::Null);
            let sent = new.get(index).unwrap_or(&Value::Null);
            let items = if index < new.len() { new } else { old };
            self.both(context.item_of(items, index), &path.index(index), recorded, sent);
        }
    }

    /// Only what the other side lacks is a difference.
    fn sets(&mut self, context: Context<'_>, path: &Path<'_>, old: &[Value], new: &[Value]) {
        let mut probe = Compare {
            redactor: self.redactor,
            rules: self.rules,
            names: self.names,
            known: self.known,
            set: true,
            operation: self.operation,
            token: None,
            mask: self.mask,
            budget: self.budget,
            out: Vec::new(),
        };
        let mut same = |recorded: &Value, sent: &Value| {
            probe.out.clear();
            probe.both(context.item(), path, recorded, sent);
            probe.out.is_empty()
        };
        let (gone, added) = unequal(old, new, |gone, added| same(&old[gone], &new[added]));
        let was_set = std::mem::replace(&mut self.set, true);
        for index in gone {
            self.scalars(context.item(), &path.index(index), &old[index], &Value::Null);
        }
        for index in added {
            self.scalars(context.item(), &path.index(index), &Value::Null, &new[index]);
        }
        self.set = was_set;
    }

    fn scalars(&mut self, context: Context<'_>, path: &Path<'_>, recorded: &Value, sent: &Value) {
        let hidden = self.redactor.hidden(&context, self.operation, path, sent, false);
        let hides = hidden.is_some() || self.redactor.hidden(&context, self.operation, path, recorded, true).is_some();
        let sent: Cow<'_, Value> = match (hidden, sent) {
            (Some(stand_in), _) => stand_in,
            (None, Value::Text(text)) => Cow::Owned(Value::Text(self.redactor.scrubbed(text, self.budget).into_owned())),
            (None, Value::Blob(bytes)) => Cow::Owned(Value::Blob(self.redactor.scrubbed_bytes(bytes, self.budget).into_owned())),
            (None, other) => Cow::Borrowed(other),
        };
        if self.same(recorded, &sent) {
            return;
        }
        let pointer = path.render();
        let list = pointer.rsplit_once('/').map_or("", |(list, _)| list);
        let are = |is_such: fn(&Value) -> bool| is_such(recorded) && is_such(&sent);
        let kind = match () {
            () if are(|value| matches!(value, Value::Timestamp { .. })) => HintKind::Now,
            () if !hides && are(|value| matches!(value, Value::Text(text) if propose::is_made_up(text))) => HintKind::MadeUp,
            () => HintKind::Ignore,
        };
        let hint = Hint {
            path: match kind {
                HintKind::Now => path.render_any(),
                _ if self.set => list.to_owned(),
                _ => pointer.clone(),
            },
            kind,
        };
        let (told, live) = shown::both(recorded, &sent, hides);
        let (was, is) = self.parts(recorded, &sent);
        let difference = Difference {
            path: pointer,
            recorded: told + was,
            sent: live + is,
        };
        self.out.push((difference, hint));
    }

    /// The same name may play another part: it was given anew, and is now sent again.
    fn parts(&self, recorded: &Value, sent: &Value) -> (&'static str, &'static str) {
        let (Value::Text(name), true) = (recorded, recorded == sent) else {
            return ("", "");
        };
        let part = |known: &Names| if known.has(name) { " of an earlier call" } else { " as a new name" };
        (part(self.known.0), part(self.known.1))
    }

    fn same(&self, recorded: &Value, sent: &Value) -> bool {
        match (recorded, sent) {
            (Value::Text(recorded), Value::Text(sent)) => {
                let recorded = self.names.0.renamed(recorded).map_or(Cow::Borrowed(recorded.as_str()), Cow::Owned);
                let sent = self.names.1.renamed(sent).map_or(Cow::Borrowed(sent.as_str()), Cow::Owned);
                recorded == sent || self.mask && masked(&recorded) == masked(&sent)
            }
            (Value::Integer(_) | Value::Number(_), Value::Integer(_) | Value::Number(_)) => key::same_number(recorded, sent),
            _ => recorded == sent,
        }
    }
}

/// What a value may say of another beside it: texts, and the texts in an object (names of attributes).
fn told_by(value: &Value) -> Value {
    let text = |value: &Value| match value {
        Value::Text(text) => Value::Text(text.clone()),
        _ => Value::Null,
    };
    match value {
        Value::Object(members) => Value::Object(members.iter().map(|(name, value)| (name.clone(), text(value))).collect()),
        other => text(other),
    }
}

pub(super) fn masked(text: &str) -> Cow<'_, str> {
    match scan::rename_accounts(text, &Budget::default(), &|_| Some("0".repeat(12))) {
        Some(masked) => Cow::Owned(masked),
        None => Cow::Borrowed(text),
    }
}
