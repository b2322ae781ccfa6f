//! The report for people: one line for each thing that needs attention, then the counts, then
//! what to do next. A clean run is one line.

use super::{CallReport, Mode, Outcome, Report, Summary, title};
use crate::contract::Departure;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use std::io::{self, Write};

/// What needs fixing.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What needs a look.
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
/// What is well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();

/// The form `human`.
pub(super) struct Human;

impl Report for Human {
    fn write(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = Vec::new();
        for call in &summary.calls {
            lines.extend(outcome_line(call));
            lines.extend(violation_lines(call));
        }
        lines.extend(lint_lines(summary));
        lines.extend(unplayed_lines(summary));
        for line in lines {
            line.write(out)?;
        }
        for note in &summary.notes {
            writeln!(out, "ferrotape: {}", clean(note))?;
        }
        for hint in next_steps(summary) {
            writeln!(out, "ferrotape: {hint}")?;
        }
        writeln!(out, "{}", counts(summary))
    }
}

/// `LABEL  #3  Proton CreateServiceInstance  text`.
struct Line {
    label: &'static str,
    style: Style,
    number: String,
    title: String,
    text: String,
}

impl Line {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Line {
            label,
            style,
            number,
            title,
            text,
        } = self;
        let mut rows = text.lines();
        let first = clean(rows.next().unwrap_or(""));
        writeln!(
            out,
            "{style}{label:<9}{style:#} {number:>4}  {title}  {first}",
            title = clean(title)
        )?;
        for row in rows {
            writeln!(out, "{:<9} {:>4}  {}", "", "", clean(row))?;
        }
        Ok(())
    }
}

fn outcome_line(call: &CallReport) -> Option<Line> {
    let (label, style, otherwise) = match call.outcome {
        Outcome::Missed => ("miss", BAD, "no unplayed interaction answers this call"),
        Outcome::Unmodeled => ("unmodeled", BAD, "no known operation; name its model with `--model FILE`"),
        Outcome::NotRecorded => ("unwritten", BAD, "answered, but not recorded"),
        Outcome::UpstreamFailed => ("upstream", BAD, "the service could not be reached"),
        Outcome::Recorded | Outcome::Played | Outcome::Refused | Outcome::Judged => return None,
    };
    Some(Line {
        label,
        style,
        number: format!("#{}", call.number),
        title: call.title(),
        text: call.message.clone().unwrap_or_else(|| otherwise.to_owned()),
    })
}

fn violation_lines(call: &CallReport) -> Vec<Line> {
    let line = |label, text| Line {
        label,
        style: BAD,
        number: format!("#{}", call.number),
        title: call.title(),
        text,
    };
    let mut lines = Vec::new();
    for (name, side) in call.sides() {
        for departure in &side.violations {
            lines.push(line("violation", describe(name, departure)));
        }
        if side.breaks_contract() && side.violations.is_empty() {
            let reason = side.reason.as_deref().unwrap_or("it is not in the format of the protocol");
            lines.push(line("malformed", format!("{name}: {reason}")));
        }
    }
    lines
}

/// `/name  length  Member must not be null`; the side is named where it is not the request.
pub(super) fn describe(side: &str, departure: &Departure) -> String {
    let Departure { path, rule, message } = departure;
    let place = if path.is_empty() { "/" } else { path };
    match side {
        "request" => format!("{place}  {rule}  {message}"),
        other => format!("{other} {place}  {rule}  {message}"),
    }
}

/// A lint that many calls share is told once, with how often it came.
fn lint_lines(summary: &Summary) -> Vec<Line> {
    let mut folded: Vec<(String, String, usize, usize)> = Vec::new();
    for call in &summary.calls {
        for (name, side) in call.sides() {
            for departure in &side.lints {
                let (title, text) = (call.title(), describe(name, departure));
                match folded.iter_mut().find(|known| known.0 == title && known.1 == text) {
                    Some(known) => known.3 += 1,
                    None => folded.push((title, text, call.number, 1)),
                }
            }
        }
    }
    let line = |(title, text, number, times)| Line {
        label: "lint",
        style: ODD,
        number: format!("#{number}"),
        title,
        text: if times == 1 { text } else { format!("{text} ({times} times)") },
    };
    folded.into_iter().map(line).collect()
}

fn unplayed_lines(summary: &Summary) -> Vec<Line> {
    let mut lines = Vec::new();
    for cassette in &summary.cassettes {
        for unplayed in &cassette.unplayed {
            lines.push(Line {
                label: "unplayed",
                style: ODD,
                number: String::new(),
                title: title(unplayed.service.as_deref(), unplayed.operation.as_deref()),
                text: format!("interaction {} of `{}`", unplayed.interaction, cassette.name),
            });
        }
    }
    lines
}

/// What the user can do about what went wrong, each as a command to paste where there is one.
fn next_steps(summary: &Summary) -> Vec<String> {
    let mut steps = Vec::new();
    let cassette = summary.cassettes.first();
    if summary.mode == Mode::Replay && summary.count(Outcome::Missed) > 0 {
        let name = missed_cassette(summary);
        steps.push(format!("to record what was missed: `{}`", record_command(name, &summary.command)));
    }
    if summary.mode == Mode::Replay && summary.count(Outcome::Refused) > 0 {
        steps.push("the refused requests break the service's model: AWS would refuse them too; mend the caller".to_owned());
    }
    if summary.mode == Mode::Record && summary.count(Outcome::Recorded) > 0 {
        if let Some(cassette) = cassette.filter(|cassette| cassette.path.is_some()) {
            let name = &cassette.name;
            steps.push(format!(
                "read it with `ferrotape show {name}`, play it with `ferrotape replay -c {name}{}`",
                command_tail(&summary.command)
            ));
        }
    }
    steps
}

fn missed_cassette(summary: &Summary) -> &str {
    summary
        .calls
        .iter()
        .find(|call| call.outcome == Outcome::Missed)
        .map_or("default", |call| &call.cassette)
}

/// The command that records a cassette. Of the command under test only the first word is told.
pub fn record_command(cassette: &str, command: &[String]) -> String {
    format!("ferrotape record -c {cassette}{}", command_tail(command))
}

fn command_tail(command: &[String]) -> String {
    match command {
        [] => String::new(),
        [program] => format!(" -- {}", clean(program)),
        [program, ..] => format!(" -- {} …", clean(program)),
    }
}

/// `ferrotape: replay `orders`: 3 calls, 1 played, 1 refused, 1 missed; 1 lint; 1 unplayed`.
fn counts(summary: &Summary) -> String {
    let failed = summary.broken() > 0
        || [Outcome::Missed, Outcome::Unmodeled, Outcome::NotRecorded, Outcome::UpstreamFailed]
            .iter()
            .any(|outcome| summary.count(*outcome) > 0);
    let style = if failed { BAD } else { GOOD };
    let mut line = format!(
        "{style}ferrotape: {}{}:{style:#} {}",
        summary.mode.name(),
        subject(summary),
        calls(summary)
    );
    for outcome in Outcome::ALL {
        let count = summary.count(outcome);
        // In `verify` every call is judged; saying so again would only be noise.
        if count > 0 && outcome != Outcome::Judged {
            let _ = write!(line, ", {count} {}", outcome.name());
        }
    }
    let extras = [
        (summary.broken(), "breaks its contract", "break their contract"),
        (summary.lints(), "lint", "lints"),
        (summary.unplayed(), "unplayed", "unplayed"),
    ];
    for (count, one, many) in extras {
        if count > 0 {
            let _ = write!(line, "; {count} {}", if count == 1 { one } else { many });
        }
    }
    line
}

fn calls(summary: &Summary) -> String {
    let noun = if summary.mode == Mode::Verify { "interaction" } else { "call" };
    match summary.calls.len() {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

fn subject(summary: &Summary) -> String {
    match summary.cassettes.as_slice() {
        [] => String::new(),
        [one] => match &one.path {
            Some(path) => format!(" `{}` ({})", one.name, path.display()),
            None => format!(" `{}`", one.name),
        },
        many => format!(" of {} cassettes", many.len()),
    }
}

/// Text from outside must not steer the terminal: control characters become spaces.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, departure, replay};
    use super::*;
    use crate::contract::Rule;

    fn render(summary: &Summary) -> String {
        let mut bytes = Vec::new();
        Human.write(summary, &mut bytes).unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&bytes).into_vec()).unwrap()
    }

    #[test]
    fn everything_that_needs_attention_is_one_line_and_the_counts_come_last() {
        assert_eq!(
            render(&replay()),
            "violation   #2  Proton CreateServiceInstance  /name  length  Value at '/name' failed to satisfy constraint: Member must have length less than or equal to 100\n\
             miss        #3  Proton CreateServiceInstance  no recording of this call;\n\
             \x20               nearest: #1\n\
             lint        #1  Proton CreateServiceInstance  response /new  unknown  Member '/new' is not in the model\n\
             unplayed        Service Catalog CreateProvisioningArtifact  interaction 2 of `orders`\n\
             ferrotape: to record what was missed: `ferrotape record -c orders -- pytest …`\n\
             ferrotape: the refused requests break the service's model: AWS would refuse them too; mend the caller\n\
             ferrotape: replay `orders` (cassettes/orders.json): 3 calls, 1 played, 1 refused, 1 missed; 1 breaks its contract; 1 lint; 1 unplayed\n"
        );
    }

    #[test]
    fn a_clean_replay_is_one_line() {
        let mut summary = replay();
        summary.calls = vec![call(1, Outcome::Played)];
        summary.cassettes[0].unplayed.clear();
        assert_eq!(
            render(&summary),
            "ferrotape: replay `orders` (cassettes/orders.json): 1 call, 1 played\n"
        );
    }

    #[test]
    fn arguments_of_the_command_are_never_told() {
        assert!(!render(&replay()).contains("hush"));
    }

    #[test]
    fn a_lint_that_many_calls_share_is_told_once() {
        let mut summary = replay();
        let mut one = call(1, Outcome::Played);
        one.request.as_mut().unwrap().lints = vec![departure("/x", Rule::Unknown, "m")];
        summary.calls = vec![one.clone(), CallReport { number: 2, ..one }];
        let text = render(&summary);
        assert!(text.contains("/x  unknown  m (2 times)\n"), "{text}");
        assert_eq!(text.matches("/x").count(), 1);
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        let mut summary = replay();
        summary.calls[2].message = Some("evil \u{1b}[2J\u{7}".to_owned());
        let mut bytes = Vec::new();
        Human.write(&summary, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("\u{1b}[2J") && !text.contains('\u{7}'));
    }
}
