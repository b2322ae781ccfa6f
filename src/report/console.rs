//! What is told on stderr while a run goes: each miss, violation and failure when it happens, so
//! that it stands beside the test that caused it. In one line, because the report at the end says
//! all of it; all at once where the end is not awaited.

use super::human::{block, describe};
use super::{CallReport, Outcome};
use crate::terminal::{self, BAD, GOOD, ODD};

/// The live lines of one run. Lines of concurrent calls never mix: each block is one write.
#[derive(Debug, Clone, Default)]
pub struct Console {
    quiet: bool,
    /// All is said of a call at once.
    whole: bool,
}

impl Console {
    /// A console for a run whose report follows.
    pub fn new() -> Console {
        Console::default()
    }

    /// A console for a run that goes on until somebody stops it.
    pub fn whole() -> Console {
        Console {
            whole: true,
            ..Console::default()
        }
    }

    /// A console that says nothing.
    pub fn quiet() -> Console {
        Console {
            quiet: true,
            ..Console::default()
        }
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
        let text = live(call, self.whole);
        if !text.is_empty() {
            self.print(&text);
        }
    }

    fn print(&self, text: &str) {
        if self.quiet {
            return;
        }
        terminal::styled_error(text);
    }
}

fn live(call: &CallReport, whole: bool) -> String {
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
        Outcome::Unmodeled => (
            "unmodeled",
            "no known operation; name its model with `--model botocore` or `--model FILE`",
        ),
        Outcome::NotRecorded => ("not recorded", "the call was answered, but is not in the cassette"),
        Outcome::UpstreamFailed => ("upstream failed", "the service could not be reached"),
        Outcome::Differs => ("differs", "the live answer is not the recorded one"),
        // All went well, but there is something to be said.
        Outcome::Recorded | Outcome::Forwarded if call.message.is_some() => ("unmodeled", ""),
        Outcome::Recorded | Outcome::Forwarded | Outcome::Played | Outcome::Same | Outcome::Refused | Outcome::Judged => return out,
    };
    let style = if otherwise.is_empty() { ODD } else { BAD };
    let why = call.message.as_deref().unwrap_or(otherwise);
    let text = match why.lines().next().unwrap_or_default() {
        _ if whole => format!("{word} #{number} {title}\n{why}"),
        // Most messages begin with the call.
        first if first.contains(&call.title()) && call.session.is_none() => format!("{word} #{number} {first}"),
        first => format!("{word} #{number} {title}: {first}"),
    };
    out + &block(Some(style), &text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, replay};
    use super::*;

    fn plain(call: &CallReport) -> String {
        anstream::adapter::strip_str(&live(call, false)).to_string()
    }

    #[test]
    fn a_miss_is_told_in_one_line_until_the_report_says_all_of_it() {
        let mut missed = replay().calls[2].clone();
        assert_eq!(
            plain(&missed),
            "ferrotape: miss #3 Proton CreateServiceInstance: no recording of this call;\n"
        );
        missed.message = Some("no call of `Proton CreateServiceInstance` was recorded\nmore".to_owned());
        assert_eq!(
            plain(&missed),
            "ferrotape: miss #3 no call of `Proton CreateServiceInstance` was recorded\n"
        );
        missed.session = Some("t1".to_owned());
        assert_eq!(
            plain(&missed),
            "ferrotape: miss #3 Proton CreateServiceInstance (session `t1`): no call of `Proton CreateServiceInstance` was recorded\n"
        );
    }

    #[test]
    fn a_miss_is_told_whole_where_the_end_is_not_awaited() {
        let text = live(&replay().calls[2], true);
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
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
