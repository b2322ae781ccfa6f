//! The report for people: one line for each thing that needs attention, then the counts, then
//! what to do next. A clean run is one line.

use super::{CallReport, Mode, Outcome, Report, Summary, title};
use crate::contract::Departure;
use anstyle::{AnsiColor, Style};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// What needs fixing.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What needs a look.
pub(super) const ODD: Style = AnsiColor::Yellow.on_default();
/// What is well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();

/// A test run alone plays a part of its cassette; of what it leaves, no more than this is listed.
const MOST_UNPLAYED: usize = 10;

/// The form `human`.
pub(super) struct Human;

impl Report for Human {
    fn write(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = Vec::new();
        for call in &summary.calls {
            lines.extend(outcome_line(summary, call));
            lines.extend(violation_lines(summary, call));
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
        let line = format!("{number:>4}  {title}  {text}", title = clean(title), text = clean(text));
        writeln!(out, "{style}{label:<9}{style:#} {}", line.trim_end())
    }
}

/// Which call: by its number in the run, in `verify` in its cassette; with the cassette where
/// there are several.
fn heading(summary: &Summary, call: &CallReport) -> (String, String) {
    let number = match summary.mode {
        Mode::Verify => call.interaction.unwrap_or(call.number),
        _ => call.number,
    };
    let title = match summary.cassettes.len() {
        0 | 1 if call.session.is_none() => call.title(),
        _ => format!("{}  {}", call.suite(), call.title()),
    };
    (format!("#{number}"), title)
}

fn outcome_line(summary: &Summary, call: &CallReport) -> Option<Line> {
    let (label, style, otherwise) = match call.outcome {
        Outcome::Missed => ("miss", BAD, "no unplayed interaction answers this call"),
        Outcome::Unmodeled => ("unmodeled", BAD, "no known operation; name its model with `--model FILE`"),
        Outcome::NotRecorded => ("unwritten", BAD, "answered, but not recorded"),
        Outcome::UpstreamFailed => ("upstream", BAD, "the service could not be reached"),
        Outcome::Differs => ("differs", BAD, "the live answer is not the recorded one"),
        Outcome::Recorded | Outcome::Forwarded if call.message.is_some() => ("unmodeled", ODD, ""),
        Outcome::Recorded | Outcome::Forwarded | Outcome::Played | Outcome::Same | Outcome::Refused | Outcome::Judged => return None,
    };
    let (number, title) = heading(summary, call);
    Some(Line {
        label,
        style,
        number,
        title,
        text: first_line(call.message.as_deref().unwrap_or(otherwise)),
    })
}

/// The whole was told when it happened, and is in the other reports.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn violation_lines(summary: &Summary, call: &CallReport) -> Vec<Line> {
    let (number, title) = heading(summary, call);
    let line = |label, text| Line {
        label,
        style: BAD,
        number: number.clone(),
        title: title.clone(),
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

/// `/name  length  Member must have length less than or equal to 100`; the side is named where it
/// is not the request. The service's own message begins with the path, which stands there already.
pub(super) fn describe(side: &str, departure: &Departure) -> String {
    let Departure { path, rule, message } = departure;
    let place = if path.is_empty() { "/" } else { path };
    let message = message
        .split_once("failed to satisfy constraint: ")
        .map_or(message.as_str(), |(_, rest)| rest);
    match side {
        "request" => format!("{place}  {rule}  {message}"),
        other => format!("{other} {place}  {rule}  {message}"),
    }
}

/// A lint that many calls share is told once, with how often it came.
fn lint_lines(summary: &Summary) -> Vec<Line> {
    let mut lines: Vec<(Line, usize)> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for call in &summary.calls {
        for (name, side) in call.sides() {
            for departure in &side.lints {
                let (number, title) = heading(summary, call);
                let text = describe(name, departure);
                let index = *known.entry((title.clone(), text.clone())).or_insert(lines.len());
                match lines.get_mut(index) {
                    Some((_, times)) => *times += 1,
                    None => lines.push((lint(number, title, text), 1)),
                }
            }
        }
    }
    let told = |(mut line, times): (Line, usize)| {
        if times > 1 {
            let _ = write!(line.text, " ({times} times)");
        }
        line
    };
    lines.into_iter().map(told).collect()
}

fn lint(number: String, title: String, text: String) -> Line {
    Line {
        label: "lint",
        style: ODD,
        number,
        title,
        text,
    }
}

fn unplayed_lines(summary: &Summary) -> Vec<Line> {
    let mut lines = Vec::new();
    for cassette in &summary.cassettes {
        for unplayed in cassette.unplayed.iter().take(MOST_UNPLAYED) {
            lines.push(Line {
                label: "unplayed",
                style: ODD,
                number: String::new(),
                title: title(unplayed.service.as_deref(), unplayed.operation.as_deref()),
                text: format!("interaction {} of `{}`", unplayed.interaction, cassette.name),
            });
        }
        if let Some(more) = cassette.unplayed.len().checked_sub(MOST_UNPLAYED).filter(|more| *more > 0) {
            lines.push(Line {
                label: "unplayed",
                style: ODD,
                number: String::new(),
                title: format!("and {more} more of `{}`", cassette.name),
                text: String::new(),
            });
        }
    }
    lines
}

/// What the user can do about what went wrong, each as a command to paste where there is one.
fn next_steps(summary: &Summary) -> Vec<String> {
    let mut steps = Vec::new();
    let cassette = summary.cassettes.first();
    if let Some(command) = summary.calls.iter().find_map(record_of_miss) {
        steps.push(format!("to record what was missed: `{command}`"));
    }
    if summary.mode == Mode::Replay && summary.count(Outcome::Refused) > 0 {
        steps.push("the refused requests break the service's model: AWS would refuse them too; mend the caller".to_owned());
    }
    if matches!(summary.mode, Mode::Record | Mode::Auto)
        && summary.count(Outcome::Recorded) > 0
        && let Some(cassette) = cassette.filter(|cassette| cassette.path.is_some() && !cassette.put_aside)
    {
        let name = &cassette.name;
        let tail = format!("{}{}", words(&summary.options), command_tail(&summary.command));
        steps.push(match summary.cassettes.len() {
            1 => format!("read it with `ferrotape show {name}`, play it with `ferrotape replay -c {name}{tail}`"),
            _ => format!("read one with `ferrotape show {name}`, play them with `ferrotape replay{tail}`"),
        });
    }
    steps
}

/// The command that a miss told.
fn record_of_miss(call: &CallReport) -> Option<&str> {
    let message = call.message.as_deref().filter(|_| call.outcome == Outcome::Missed)?;
    message.lines().find_map(|line| line.strip_prefix("record it: "))
}

/// The command that records what a cassette lacks; without a name for a run whose sessions name theirs. Of the command under test only the first word is
/// told.
pub fn record_command(cassette: Option<&str>, options: &[String], command: &[String]) -> String {
    let named = cassette.map(|cassette| format!(" -c {cassette}")).unwrap_or_default();
    format!("ferrotape auto{named}{}{}", words(options), command_tail(command))
}

fn words(options: &[String]) -> String {
    options.iter().map(|word| format!(" {}", clean(word))).collect()
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
        || [
            Outcome::Missed,
            Outcome::Unmodeled,
            Outcome::NotRecorded,
            Outcome::UpstreamFailed,
            Outcome::Differs,
        ]
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
    let unjudged = summary.unjudged();
    if unjudged > 0 {
        let _ = write!(line, ", {unjudged} not judged");
    } else if summary.mode == Mode::Verify && !summary.calls.is_empty() && !failed {
        line.push_str(", all conform");
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
    let sessions = summary
        .sessions
        .iter()
        .filter(|session| session.calls > 0 || session.started)
        .count();
    let cassettes = subject_cassettes(summary);
    match sessions {
        0 | 1 => cassettes,
        many => format!("{cassettes} in {many} sessions"),
    }
}

fn subject_cassettes(summary: &Summary) -> String {
    match summary.cassettes.as_slice() {
        [] => String::new(),
        [one] => match &one.path {
            Some(path) if path.as_os_str() != one.name.as_str() => format!(" `{}` ({})", one.name, path.display()),
            _ => format!(" `{}`", one.name),
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
            "violation   #2  Proton CreateServiceInstance  /name  length  Member must have length less than or equal to 100\n\
             miss        #3  Proton CreateServiceInstance  no recording of this call;\n\
             lint        #1  Proton CreateServiceInstance  response /new  unknown  Member '/new' is not in the model\n\
             unplayed        Service Catalog CreateProvisioningArtifact  interaction 2 of `orders`\n\
             ferrotape: to record what was missed: `ferrotape auto -c orders -- pytest …`\n\
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
    fn a_long_list_of_the_unplayed_is_cut() {
        let mut summary = replay();
        summary.calls = vec![call(1, Outcome::Played)];
        let one = summary.cassettes[0].unplayed[0].clone();
        summary.cassettes[0].unplayed = vec![one; 25];
        let text = render(&summary);
        assert_eq!(text.matches("CreateProvisioningArtifact").count(), 10);
        assert!(text.contains("unplayed        and 15 more of `orders`\n"), "{text}");
    }

    #[test]
    fn a_cassette_named_by_its_path_is_told_once() {
        let mut summary = replay();
        summary.mode = Mode::Verify;
        summary.calls = vec![call(1, Outcome::Judged)];
        summary.cassettes[0].name = "cassettes/orders.json".to_owned();
        summary.cassettes[0].unplayed.clear();
        assert_eq!(
            render(&summary),
            "ferrotape: verify `cassettes/orders.json`: 1 interaction, all conform\n"
        );
    }

    #[test]
    fn among_several_cassettes_each_line_names_its_own() {
        let mut summary = replay();
        summary.mode = Mode::Verify;
        summary.cassettes.push(summary.cassettes[0].clone());
        let mut one = summary.calls.remove(1);
        (one.number, one.interaction, one.outcome) = (7, Some(2), Outcome::Judged);
        summary.calls = vec![one];
        let text = render(&summary);
        assert!(
            text.starts_with("violation   #2  orders  Proton CreateServiceInstance  /name  length  "),
            "{text}"
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

    #[test]
    fn what_was_not_judged_is_never_said_to_conform() {
        let mut summary = replay();
        summary.mode = Mode::Verify;
        summary.cassettes[0].unplayed.clear();
        let mut unknown = call(1, Outcome::Judged);
        unknown.request = Some(super::super::tests::side(crate::inspect::Verdict::Unmodeled));
        summary.calls = vec![unknown];
        let text = render(&summary);
        assert!(text.contains("1 not judged") && !text.contains("conform"), "{text}");
    }
}
