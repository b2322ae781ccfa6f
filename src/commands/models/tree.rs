//! The members of a shape as lines: where they are, and what may stand there.

use super::{FAINT, TITLE};
use crate::model::schema::{EnumValue, Length, Member, Range, Service, ShapeIndex, ShapeKind, TimestampFormat};
use crate::terminal::clean;
use serde_json::Value;
use std::collections::HashSet;
use std::io::{self, Write};

/// More values of an enumeration than these are counted, unless all are asked for.
const SHOWN_VALUES: usize = 20;

/// The names get at most so many columns.
const WIDEST: usize = 44;

/// What is nested more deeply is not drawn.
const MAX_DEPTH: usize = 128;

/// What may be written without wire names: what every protocol has.
const BINDINGS: [(&str, &str); 14] = [
    ("smithy.api#httpHeader", "header"),
    ("smithy.api#httpPrefixHeaders", "headers that begin with"),
    ("smithy.api#httpQuery", "query"),
    ("smithy.api#httpQueryParams", "query parameters"),
    ("smithy.api#httpLabel", "in the path"),
    ("smithy.api#httpPayload", "the whole body"),
    ("smithy.api#httpResponseCode", "the status"),
    ("smithy.api#hostLabel", "in the host"),
    ("smithy.api#eventHeader", "a header of the event"),
    ("smithy.api#eventPayload", "the whole event"),
    ("smithy.api#jsonName", "on the wire"),
    ("smithy.api#xmlName", "element"),
    ("smithy.api#xmlAttribute", "an attribute"),
    ("aws.protocols#ec2QueryName", "in the query"),
];

/// One place of a value.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    depth: usize,
    name: String,
    required: bool,
    text: String,
}

impl Line {
    /// One step deeper.
    pub fn indented(mut self) -> Line {
        self.depth += 1;
        self
    }

    /// Writes the line; names are padded to `width`.
    pub fn write(&self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        let indent = 2 * (self.depth + 1);
        let width = width.saturating_sub(indent).max(self.name.chars().count());
        let (style, name, text) = (if self.required { TITLE } else { anstyle::Style::new() }, &self.name, &self.text);
        writeln!(out, "{:indent$}{style}{name:width$}{style:#}  {FAINT}{text}{FAINT:#}", "")
    }
}

/// Draws shapes of one service. A structure that comes again is drawn once: some models would have no
/// end otherwise, and others no end that anyone reads.
pub(super) struct Tree<'a> {
    service: &'a Service,
    full: bool,
    drawn: HashSet<ShapeIndex>,
    width: usize,
}

impl<'a> Tree<'a> {
    pub fn new(service: &'a Service, full: bool) -> Tree<'a> {
        Tree {
            service,
            full,
            drawn: HashSet::new(),
            width: 0,
        }
    }

    /// The columns that names and their indent take in what was drawn so far.
    pub fn width(&self) -> usize {
        self.width.min(WIDEST)
    }

    /// The lines below a shape.
    pub fn below(&mut self, shape: ShapeIndex) -> Vec<Line> {
        let mut lines = Vec::new();
        self.draw(shape, 0, &mut lines);
        let widths = lines.iter().map(|line| 2 * (line.depth + 1) + line.name.chars().count());
        self.width = self.width.max(widths.max().unwrap_or(0));
        lines
    }

    fn draw(&mut self, index: ShapeIndex, depth: usize, lines: &mut Vec<Line>) {
        let service = self.service;
        match &service.shape(index).kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => {
                self.drawn.insert(index);
                members
                    .list
                    .iter()
                    .for_each(|member| self.member(&member.name, member, depth, lines));
            }
            ShapeKind::List(item) => self.member("[]", item, depth, lines),
            ShapeKind::Map { key, value } => {
                self.member("{key}", key, depth, lines);
                self.member("{value}", value, depth, lines);
            }
            _ => {}
        }
    }

    fn member(&mut self, name: &str, member: &Member, depth: usize, lines: &mut Vec<Line>) {
        let drawn = self.drawn.contains(&member.target);
        let mut text = self.described(member);
        if drawn && !self.service.shape(member.target).members().is_empty() {
            text.push_str(", as above");
        }
        lines.push(Line {
            depth,
            name: clean(name),
            required: member.required,
            text: clean(&text),
        });
        if !drawn && depth < MAX_DEPTH {
            self.draw(member.target, depth + 1, lines);
        }
    }

    /// What may stand at a place.
    fn described(&self, member: &Member) -> String {
        let shape = self.service.shape(member.target);
        let kind = &shape.kind;
        let mut words = vec![self.kind(shape.name(), kind, member)];
        if member.required {
            words.push("required".to_owned());
        }
        let constraints = &member.constraints;
        words.extend(constraints.length.and_then(|length| length_text(&length, kind)));
        words.extend(constraints.range.as_ref().and_then(range_text));
        words.extend(constraints.pattern.as_ref().map(|pattern| format!("matching {}", pattern.source())));
        let streams = shape.traits.contains_key("smithy.api#streaming");
        let marks = [
            ("no two items alike", constraints.unique_items),
            ("null is a value", member.sparse),
            ("idempotency token", member.idempotency_token),
            ("sensitive", member.sensitive || shape.sensitive),
            ("streamed", streams),
            ("deprecated", member.traits.contains_key("smithy.api#deprecated")),
        ];
        words.extend(marks.iter().filter(|(_, on)| *on).map(|(mark, _)| (*mark).to_owned()));
        words.extend(default_text(member));
        words.extend(bindings(member));
        words.join(", ")
    }

    fn kind(&self, name: &str, kind: &ShapeKind, member: &Member) -> String {
        match kind {
            ShapeKind::Blob => "bytes".to_owned(),
            ShapeKind::Boolean => "boolean".to_owned(),
            ShapeKind::String(None) => "string".to_owned(),
            ShapeKind::String(Some(values)) => self.values(values),
            ShapeKind::Byte => "integer of 8 bits".to_owned(),
            ShapeKind::Short => "integer of 16 bits".to_owned(),
            ShapeKind::Integer => "integer".to_owned(),
            ShapeKind::Long => "integer of 64 bits".to_owned(),
            ShapeKind::IntEnum(values) => format!("one of {}", values.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
            ShapeKind::Float => "float".to_owned(),
            ShapeKind::Double => "double".to_owned(),
            ShapeKind::BigInteger => "integer of any size".to_owned(),
            ShapeKind::BigDecimal => "decimal of any size".to_owned(),
            ShapeKind::Timestamp => match member.timestamp_format {
                Some(TimestampFormat::DateTime) => "timestamp (date-time)".to_owned(),
                Some(TimestampFormat::HttpDate) => "timestamp (http-date)".to_owned(),
                Some(TimestampFormat::EpochSeconds) => "timestamp (epoch-seconds)".to_owned(),
                None => "timestamp".to_owned(),
            },
            ShapeKind::Document => "anything".to_owned(),
            ShapeKind::List(_) => "list".to_owned(),
            ShapeKind::Map { .. } => "map".to_owned(),
            ShapeKind::Structure(_) => format!("structure {name}"),
            ShapeKind::Union(_) => format!("one member of {name}"),
            ShapeKind::Unit => "nothing".to_owned(),
        }
    }

    /// Internal values are accepted and not shown.
    fn values(&self, values: &[EnumValue]) -> String {
        let public: Vec<&str> = values
            .iter()
            .filter(|value| !value.internal)
            .map(|value| value.value.as_str())
            .collect();
        let shown = if self.full { public.len() } else { SHOWN_VALUES };
        match public.len().checked_sub(shown) {
            _ if public.len() == 1 => format!("only {}", public.concat()),
            None | Some(0) => format!("one of {}", public.join(" | ")),
            Some(more) => {
                let first: Vec<&str> = public.iter().take(shown).copied().collect();
                format!("one of {} … and {more} more (--full shows them)", first.join(" | "))
            }
        }
    }
}

fn length_text(length: &Length, kind: &ShapeKind) -> Option<String> {
    let (one, many) = match kind {
        ShapeKind::String(_) => ("character", "characters"),
        ShapeKind::Blob => ("byte", "bytes"),
        ShapeKind::List(_) => ("item", "items"),
        _ => ("entry", "entries"),
    };
    let unit = if length.max.or(length.min) == Some(1) { one } else { many };
    Some(format!("{} {unit}", bounds(length.min, length.max)?))
}

fn range_text(range: &Range) -> Option<String> {
    bounds(range.min.as_ref(), range.max.as_ref())
}

fn bounds<T: std::fmt::Display + PartialEq>(min: Option<T>, max: Option<T>) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) if min == max => Some(format!("exactly {min}")),
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("at least {min}")),
        (None, Some(max)) => Some(format!("at most {max}")),
        (None, None) => None,
    }
}

fn default_text(member: &Member) -> Option<String> {
    let default = member.traits.get("smithy.api#default").filter(|default| !default.is_null())?;
    Some(format!("default {default}"))
}

/// Where the wire has the member, if the model says so.
fn bindings(member: &Member) -> impl Iterator<Item = String> + '_ {
    BINDINGS.iter().filter_map(|(id, words)| {
        Some(match member.traits.get(*id)? {
            Value::String(name) if !name.is_empty() => format!("{words} `{name}`"),
            _ => (*words).to_owned(),
        })
    })
}
