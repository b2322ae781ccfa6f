//! One operation: its input and output as trees, and its errors.

use super::tree::Tree;
use super::{FAINT, TITLE, operation_marks};
use crate::model::schema::{Fault, OperationIndex, Service, Shape, ShapeIndex};
use crate::protocol;
use crate::terminal::clean;
use std::io::{self, Write};

pub(super) fn show(service: &Service, index: OperationIndex, full: bool, out: &mut dyn Write) -> io::Result<()> {
    let operation = service.operation(index);
    writeln!(out, "{TITLE}{} {}{TITLE:#}", clean(&service.sdk_id), clean(&operation.name))?;
    for mark in operation_marks(operation) {
        writeln!(out, "  {FAINT}{}{FAINT:#}", clean(&mark))?;
    }
    let mut tree = Tree::new(service, full);
    side("input", operation.input, &mut tree, out)?;
    side("output", operation.output, &mut tree, out)?;
    errors(service, index, &mut tree, out)
}

fn side(title: &str, shape: ShapeIndex, tree: &mut Tree<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{TITLE}{title}{TITLE:#}")?;
    let lines = tree.below(shape);
    if lines.is_empty() {
        writeln!(out, "  {FAINT}nothing{FAINT:#}")?;
    }
    lines.iter().try_for_each(|line| line.write(tree.width(), out))
}

fn errors(service: &Service, operation: OperationIndex, tree: &mut Tree<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{TITLE}errors{TITLE:#}")?;
    let mut none = true;
    for error in service.errors_of(operation) {
        none = false;
        let shape = service.shape(error);
        writeln!(
            out,
            "  {TITLE}{}{TITLE:#}  {FAINT}{}{FAINT:#}",
            clean(shape.name()),
            clean(&facts(service, shape))
        )?;
        for line in tree.below(error) {
            line.indented().write(tree.width(), out)?;
        }
    }
    if none {
        writeln!(out, "  {FAINT}none{FAINT:#}")?;
    }
    Ok(())
}

/// Whose fault, with which status, and what else is known.
fn facts(service: &Service, shape: &Shape) -> String {
    let mut facts = Vec::new();
    if let Some(error) = &shape.error {
        facts.push(match error.fault {
            Fault::Client => "the client's fault".to_owned(),
            Fault::Server => "the server's fault".to_owned(),
        });
        let protocol = service.protocols.iter().find_map(|id| protocol::named(id));
        let statuses = protocol.map_or_else(
            || error.http_status.into_iter().collect(),
            |protocol| protocol.error_statuses(shape),
        );
        if !statuses.is_empty() {
            let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
            facts.push(format!("status {}", statuses.join(" or ")));
        }
        if error.retryable {
            facts.push("may be tried again".to_owned());
        }
    }
    if let Some(code) = shape
        .traits
        .get("aws.protocols#awsQueryError")
        .and_then(|error| error.get("code")?.as_str())
    {
        facts.push(format!("code `{code}`"));
    }
    facts.join(", ")
}
