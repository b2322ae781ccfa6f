//! The report for people: each thing that needs attention with all its words, then what to do next,
//! then the counts. A clean run is one line.

use super::hints::next_steps;
use super::{CallReport, Mode, Outcome, Report, Summary, title};
use crate::contract::Departure;
use crate::terminal::{BAD, GOOD, ODD, clean};
use anstyle::Style;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// A test run alone plays a part of its cassette; of what it leaves, no more than this is listed.
const MOST_UNPLAYED: usize = 10;
/// Of so many calls all is told; of more only the first line.
const MOST_WHOLE: usize = 10;
/// As wide as `ferrotape: `.
const MARGIN: &str = "           ";

/// The form `human`.
pub(super) struct Human;

impl Report for Human {
    fn write(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = Vec::new();
        for call in &summary.calls {
            lines.extend(outcome_line(summary, call));
            lines.extend(violation_lines(summary, call));
        }
        let mut lines = told_once(lines);
        lines.extend(told_once(lint_lines(summary)));
        lines.extend(unplayed_lines(summary));
        lines.extend(orphan_lines(summary));
        let mut whole = 0;
        for line in lines {
            whole += usize::from(!line.more.is_empty());
            line.write(whole <= MOST_WHOLE, out)?;
        }
        for note in &summary.notes {
            write!(out, "{}", block(None, note))?;
        }
        for hint in next_steps(summary) {
            write!(out, "{}", block(None, &hint))?;
        }
        writeln!(out, "{}", counts(summary))
    }
}

/// `LABEL  #3  Proton CreateServiceInstance  text`, and what else there is to say below it.
struct Line {
    label: &'static str,
    style: Style,
    number: String,
    title: String,
    text: String,
    more: Vec<String>,
    /// How many calls share it.
    times: usize,
}

impl Line {
    fn write(&self, whole: bool, out: &mut dyn Write) -> io::Result<()> {
        let Line {
            label,
            style,
            number,
            title,
            text,
            more,
            times,
        } = self;
        let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
        let line = format!("{number:>4}  {title}  {text}{times}", title = clean(title), text = clean(text));
        writeln!(out, "{style}{label:<9}{style:#} {}", line.trim_end())?;
        for line in more.iter().filter(|_| whole) {
            writeln!(out, "{MARGIN}{}", clean(line))?;
        }
        Ok(())
    }
}

/// What many calls share is told once, with how often it came.
fn told_once(lines: Vec<Line>) -> Vec<Line> {
    let mut told: Vec<Line> = Vec::new();
    let mut known: HashMap<(&'static str, String, String, Vec<String>), usize> = HashMap::new();
    for line in lines {
        let what = (line.label, line.title.clone(), line.text.clone(), line.more.clone());
        let index = *known.entry(what).or_insert(told.len());
        match told.get_mut(index) {
            Some(same) => same.times += 1,
            None => told.push(line),
        }
    }
    told
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
        Outcome::Unmodeled => (
            "unmodeled",
            BAD,
            "no known operation; name its model with `--model botocore` or `--model FILE`",
        ),
        Outcome::NotRecorded => ("unwritten", BAD, "answered, but not recorded"),
        Outcome::UpstreamFailed => ("upstream", BAD, "the service could not be reached"),
        Outcome::Differs => ("differs", BAD, "the live answer is not the recorded one"),
        Outcome::Recorded | Outcome::Forwarded if call.message.is_some() => ("unmodeled", ODD, ""),
        Outcome::Recorded | Outcome::Forwarded | Outcome::Played | Outcome::Same | Outcome::Refused | Outcome::Judged => return None,
    };
    let (number, title) = heading(summary, call);
    let mut words = call.message.as_deref().unwrap_or(otherwise).lines().map(str::to_owned);
    Some(Line {
        label,
        style,
        number,
        title,
        text: words.next().unwrap_or_default(),
        more: words.collect(),
        times: 1,
    })
}

fn violation_lines(summary: &Summary, call: &CallReport) -> Vec<Line> {
    let (number, title) = heading(summary, call);
    let line = |label, text| Line {
        label,
        style: BAD,
        number: number.clone(),
        title: title.clone(),
        text,
        more: Vec::new(),
        times: 1,
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

fn lint_lines(summary: &Summary) -> Vec<Line> {
    let mut lines = Vec::new();
    for call in &summary.calls {
        for (name, side) in call.sides() {
            lines.extend(side.lints.iter().map(|departure| {
                let (number, title) = heading(summary, call);
                Line {
                    label: "lint",
                    style: ODD,
                    number,
                    title,
                    text: describe(name, departure),
                    more: Vec::new(),
                    times: 1,
                }
            }));
        }
    }
    lines
}

fn unplayed_lines(summary: &Summary) -> Vec<Line> {
    let line = |title, text| Line {
        label: "unplayed",
        style: ODD,
        number: String::new(),
        title,
        text,
        more: Vec::new(),
        times: 1,
    };
    let mut lines = Vec::new();
    for cassette in &summary.cassettes {
        for unplayed in cassette.unplayed.iter().take(MOST_UNPLAYED) {
            lines.push(line(
                title(unplayed.service.as_deref(), unplayed.operation.as_deref()),
                format!("interaction {} of `{}`", unplayed.interaction, cassette.name),
            ));
        }
        if let Some(more) = cassette.unplayed.len().checked_sub(MOST_UNPLAYED).filter(|more| *more > 0) {
            lines.push(line(format!("and {more} more of `{}`", cassette.name), String::new()));
        }
    }
    lines
}

fn orphan_lines(summary: &Summary) -> Vec<Line> {
    let line = |name: &String| Line {
        label: "orphan",
        style: if summary.no_orphans { BAD } else { ODD },
        number: String::new(),
        title: format!("`{name}`"),
        text: "no session asked for this cassette".to_owned(),
        more: Vec::new(),
        times: 1,
    };
    summary.orphans.iter().map(line).collect()
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
        (summary.orphans.len(), "orphan", "orphans"),
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

/// `ferrotape: ` before the first line, the same width of space before the others.
pub(super) fn block(style: Option<Style>, text: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        let prefix = if index == 0 { "ferrotape: " } else { MARGIN };
        let line = clean(line);
        match style.filter(|_| index == 0) {
            Some(style) => out.push_str(&format!("{prefix}{style}{line}{style:#}\n")),
            None => out.push_str(&format!("{prefix}{line}\n")),
        }
    }
    out
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
    fn everything_that_needs_attention_is_told_whole_and_the_counts_come_last() {
        assert_eq!(
            render(&replay()),
            "violation   #2  Proton CreateServiceInstance  /name  length  Member must have length less than or equal to 100\n\
             miss        #3  Proton CreateServiceInstance  no recording of this call;\n           \
             nearest: #1\n           \
             record it: ferrotape auto -c orders -- pytest …\n\
             lint        #1  Proton CreateServiceInstance  response /new  unknown  Member '/new' is not in the model\n\
             unplayed        Service Catalog CreateProvisioningArtifact  interaction 2 of `orders`\n\
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
    fn a_miss_that_came_again_and_again_is_told_once_and_of_many_only_the_first_ones_whole() {
        let mut summary = replay();
        let again = summary.calls[2].clone();
        summary.calls.push(CallReport {
            number: 4,
            ..again.clone()
        });
        let text = render(&summary);
        assert!(
            text.contains("miss        #3  Proton CreateServiceInstance  no recording of this call; (2 times)\n"),
            "{text}"
        );
        assert_eq!(text.matches("nearest: #1").count(), 1);
        let missed = |number| CallReport {
            number,
            message: Some(format!("miss {number}\nmore")),
            ..again.clone()
        };
        summary.calls = (1..=15).map(missed).collect();
        let text = render(&summary);
        assert_eq!(
            (text.matches("\n           more").count(), text.matches("  miss ").count()),
            (10, 15),
            "{text}"
        );
    }

    #[test]
    fn the_rules_of_several_misses_are_told_as_one_file_has_them() {
        let mut summary = replay();
        let rules = |toml: &str| toml::from_str::<crate::settings::Settings>(toml).unwrap().call_rules();
        let mut other = summary.calls[2].clone();
        summary.calls[2].rules = rules("match.ignore = [\"Put:/a\", \"Put:/b\"]");
        assert!(!render(&summary).contains("ferrotape.toml"), "one miss told its own");
        other.rules = rules("match.ignore = [\"Put:/b\", \"Get:region\"]\nbind = [{ from = \"Put:/name\" }]");
        summary.calls.push(other);
        let text = render(&summary);
        let expected = "ferrotape: what these misses may differ in, in one `ferrotape.toml`:\n             [match]\n             \
             ignore = [\"Put:/a\", \"Put:/b\", \"Get:region\"]\n             [[bind]]\n             from = \"Put:/name\"\n";
        assert!(text.contains(expected), "{text}");
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
