//! The last step before a terminal: what comes from outside (a cassette, a model, a path, a name) must
//! not steer it. Every text for people goes through here; `println!` and its like are used nowhere else.

use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::LazyLock;

/// What needs fixing.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What needs a look.
pub const ODD: Style = AnsiColor::Yellow.on_default();
/// What is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// A heading.
pub const TITLE: Style = Style::new().bold();
/// What may be passed over.
pub const FAINT: Style = Style::new().dimmed();
/// An answer that is an error.
pub const FAILED: Style = AnsiColor::Red.on_default();
/// What was redacted.
pub const HIDDEN: Style = AnsiColor::Magenta.on_default();
/// A command to type.
pub const COMMAND: Style = AnsiColor::Cyan.on_default();

/// The only escape sequences that reach a terminal: ours, and those of the parser of the command line.
static OURS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let underlined = [
        Style::new().underline(),
        Style::new().bold().underline(),
        AnsiColor::Green.on_default().bold(),
    ];
    let styles = [
        BAD,
        ODD,
        GOOD,
        TITLE,
        FAINT,
        FAILED,
        HIDDEN,
        COMMAND,
        AnsiColor::Yellow.on_default().bold(),
    ];
    let starts = styles.iter().chain(&underlined).map(|style| style.render().to_string());
    starts.chain([TITLE.render_reset().to_string()]).collect()
});

/// Whether a terminal does something else with a character than show it: a control character, or a
/// mark that changes the direction of the text (Unicode's Bidi_Control) or hides in it.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A text on one line: what would steer the terminal becomes a space.
pub fn clean(text: &str) -> String {
    text.chars().map(|letter| if steers(letter) { ' ' } else { letter }).collect()
}

/// A text of any number of lines, in which what would steer the terminal is spelled out (`\u{1b}`).
pub fn spelled(text: &str) -> Cow<'_, str> {
    escaped(text, |out, letter| write!(out, "\\u{{{:x}}}", u32::from(letter)))
}

/// A JSON text, still the same JSON: such characters stand in its strings alone.
pub fn spelled_json(text: &str) -> Cow<'_, str> {
    let mut units = [0; 2];
    escaped(text, |out, letter| {
        letter
            .encode_utf16(&mut units)
            .iter()
            .try_for_each(|unit| write!(out, "\\u{unit:04x}"))
    })
}

/// An XML text, still the same XML.
pub fn spelled_xml(text: &str) -> Cow<'_, str> {
    escaped(text, |out, letter| write!(out, "&#x{:x};", u32::from(letter)))
}

fn escaped(text: &str, mut spell: impl FnMut(&mut String, char) -> std::fmt::Result) -> Cow<'_, str> {
    let is_fine = |letter: char| matches!(letter, '\n' | '\t') || !steers(letter);
    if text.chars().all(is_fine) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match is_fine(letter) {
            true => out.push(letter),
            // Writing to a string cannot fail.
            false => drop(spell(&mut out, letter)),
        }
    }
    Cow::Owned(out)
}

/// The same of a text with our own styles, which stay.
fn spelled_styled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        let (before, from) = rest.split_at(at);
        out.push_str(&spelled(before));
        // The longest first: a style may begin as another does.
        let ours = OURS.iter().filter(|style| !style.is_empty() && from.starts_with(style.as_str()));
        let length = ours.map(String::len).max();
        match length {
            Some(length) => out.push_str(&from[..length]),
            None => out.push_str(&spelled("\u{1b}")),
        }
        rest = &from[length.unwrap_or(1)..];
    }
    out.push_str(&spelled(rest));
    out
}

/// Says one thing on standard error: `ferrotape: …`.
pub fn say(text: &str) {
    styled_error(&format!("ferrotape: {}\n", spelled(text)));
}

/// Writes a line to standard output; nothing where nobody reads it.
pub fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", spelled(text));
}

/// Writes a text in our styles to standard error.
pub fn styled_error(text: &str) {
    // Nobody can be told that standard error is closed.
    let _ = whole(&mut anstream::stderr().lock(), spelled_styled(text).as_bytes());
}

/// Writes a line in our styles to standard output; nothing where nobody reads it.
pub fn styled_line(text: &str) {
    let _ = styled(format!("{text}\n").as_bytes());
}

/// Writes a text in our styles to standard output.
///
/// # Errors
/// Where it cannot be written; nobody reading on (`| head`) is none.
pub fn styled(text: &[u8]) -> io::Result<()> {
    let text = spelled_styled(&String::from_utf8_lossy(text));
    whole(&mut anstream::stdout().lock(), text.as_bytes())
}

/// Writes what another program reads to standard output.
///
/// # Errors
/// As with [`styled`].
pub fn whole(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_spelled_out() {
        for (steering, spelled_out) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            ("\u{7}\u{8}\r", "\\u{7}\\u{8}\\u{d}"),
        ] {
            assert_eq!(spelled(steering), spelled_out);
            assert_eq!(spelled_styled(steering), spelled_out);
            assert!(!clean(steering).chars().any(steers));
        }
        assert!(matches!(spelled("tab\tline\nö 日本 🎉"), Cow::Borrowed(_)));
    }

    #[test]
    fn our_own_styles_stay_and_others_go() {
        let text = format!("{BAD}miss{BAD:#} {TITLE}x{TITLE:#}");
        assert_eq!(spelled_styled(&text), text);
        assert_eq!(
            spelled_styled("\u{1b}[31;5mx\u{1b}]0;title\u{7}"),
            "\\u{1b}[31;5mx\\u{1b}]0;title\\u{7}"
        );
    }

    #[test]
    fn a_report_for_programs_says_the_same_with_the_marks_spelled_out() {
        let value = serde_json::json!({ "a\u{202e}": "\u{9b}x\u{e0041}\u{7f}" });
        let text = value.to_string();
        let safe = spelled_json(&text);
        assert!(!safe.chars().any(steers), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        assert_eq!(spelled_xml("<a b=\"\u{202e}\"/>"), "<a b=\"&#x202e;\"/>");
    }
}
