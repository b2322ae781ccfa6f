//! What is told on stderr while a run goes: each miss, violation and failure when it happens, so
//! that it stands beside the test that caused it. The whole is told at the end, by a report.

use super::human::{BAD, GOOD, ODD, clean, describe};
use super::{CallReport, Outcome};
use anstyle::Style;
use std::io::Write;

/// The live lines of one run. Lines of concurrent calls never mix: each block is one write.
#[derive(Debug, Clone, Default)]
pub struct Console {
    quiet: bool,
}

impl Console {
    /// A console for a run.
    pub fn new() -> Console {
        Console { quiet: false }
    }

    /// A console that says nothing.
    pub fn quiet() -> Console {
        Console { quiet: true }
    }

    /// Says one thing, `ferrotape: …`.
    pub fn say(&self, text: &str) {
        self.print(&block(None, text));
    }

    /// Says that something is well, in green.
    pub fn good(&self, text: &str) {
        self.print(&block(Some(GOOD), text));
    }

    /// Warns: `ferrotape: warning: …`.
    pub fn warn(&self, text: &str) {
        self.print(&block(Some(ODD), &format!("warning: {text}")));
    }

    /// Tells what needs attention of a call that has just been answered; nothing of one that went
    /// well.
    pub fn call(&self, call: &CallReport) {
        let text = live(call);
        if !text.is_empty() {
            self.print(&text);
        }
    }

    fn print(&self, text: &str) {
        if self.quiet {
            return;
        }
        // Nobody can be told that stderr is closed.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }
}

/// `ferrotape: ` before the first line, the same width of space before the others.
fn block(style: Option<Style>, text: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        let prefix = if index == 0 { "ferrotape: " } else { "           " };
        let line = clean(line);
        match style.filter(|_| index == 0) {
            Some(style) => out.push_str(&format!("{prefix}{style}{line}{style:#}\n")),
            None => out.push_str(&format!("{prefix}{line}\n")),
        }
    }
    out
}

fn live(call: &CallReport) -> String {
    let mut out = String::new();
    let title = match &call.session {
        Some(session) => format!("{} (session `{session}`)", call.title()),
        None => call.title(),
    };
    let number = call.number;
    for (name, side) in call.sides().filter(|(_, side)| side.breaks_contract()) {
        for departure in &side.violations {
            out += &block(Some(BAD), &format!("violation #{number} {title}  {}", describe(name, departure)));
        }
        if side.violations.is_empty() {
            let reason = side.reason.as_deref().unwrap_or("not in the format of the protocol");
            out += &block(Some(BAD), &format!("malformed #{number} {title}  {name}: {reason}"));
        }
    }
    let (word, otherwise) = match call.outcome {
        Outcome::Missed => ("miss", "no unplayed interaction answers this call"),
        Outcome::Unmodeled => ("unmodeled", "no known operation; name its model with `--model FILE`"),
        Outcome::NotRecorded => ("not recorded", "the call was answered, but is not in the cassette"),
        Outcome::UpstreamFailed => ("upstream failed", "the service could not be reached"),
        Outcome::Differs => ("differs", "the live answer is not the recorded one"),
        // All went well, but there is something to be said.
        Outcome::Recorded | Outcome::Forwarded if call.message.is_some() => {
            out += &block(Some(ODD), &format!("unmodeled #{number} {title}"));
            for line in call.message.iter().flat_map(|message| message.lines()) {
                out += &format!("           {}\n", clean(line));
            }
            return out;
        }
        Outcome::Recorded | Outcome::Forwarded | Outcome::Played | Outcome::Same | Outcome::Refused | Outcome::Judged => return out,
    };
    let why = call.message.as_deref().unwrap_or(otherwise);
    out += &block(Some(BAD), &format!("{word} #{number} {title}"));
    for line in why.lines() {
        out += &format!("           {}\n", clean(line));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, replay};
    use super::*;

    fn plain(call: &CallReport) -> String {
        anstream::adapter::strip_str(&live(call)).to_string()
    }

    #[test]
    fn a_miss_is_told_whole() {
        assert_eq!(
            plain(&replay().calls[2]),
            "ferrotape: miss #3 Proton CreateServiceInstance\n           no recording of this call;\n           nearest: #1\n           \
             record it: ferrotape auto -c orders -- pytest …\n"
        );
    }

    #[test]
    fn a_violation_is_told_in_one_line_with_its_path() {
        let text = plain(&replay().calls[1]);
        assert!(
            text.starts_with("ferrotape: violation #2 Proton CreateServiceInstance  /name  length  "),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_call_that_was_recorded_without_a_model_is_told_with_the_reason() {
        let mut call = call(1, Outcome::Recorded);
        call.message = Some("no model knows it".to_owned());
        let text = plain(&call);
        assert!(
            text.starts_with("ferrotape: unmodeled #1 ") && text.contains("no model knows it"),
            "{text}"
        );
    }

    #[test]
    fn a_call_that_went_well_says_nothing() {
        assert_eq!(plain(&call(1, Outcome::Played)), "");
    }
}
