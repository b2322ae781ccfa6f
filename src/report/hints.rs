//! What the user can do next, as commands and rules to paste.

use super::{Mode, Outcome, Summary};
use crate::settings::CallRules;
use crate::terminal::clean;

/// What the user can do about what went wrong, each as a command to paste where there is one.
pub(super) fn next_steps(summary: &Summary) -> Vec<String> {
    let mut steps = Vec::new();
    let cassette = summary.cassettes.first();
    steps.extend(rules_together(summary));
    if summary.mode == Mode::Replay && summary.count(Outcome::Refused) > 0 {
        steps.push("the refused requests break the service's model: AWS would refuse them too; mend the caller".to_owned());
    }
    if matches!(summary.mode, Mode::Record | Mode::Auto)
        && summary.count(Outcome::Recorded) > 0
        && let Some(cassette) = cassette.filter(|cassette| cassette.path.is_some() && !cassette.put_aside)
    {
        let name = &cassette.name;
        let library = words(&summary.library);
        let played = |name| command_line("replay", name, &summary.options, &summary.command);
        steps.push(match summary.cassettes.len() {
            1 => format!(
                "read it with `ferrotape show {name}{library}`, play it with `{}`",
                played(Some(name))
            ),
            _ => format!("read one with `ferrotape show {name}{library}`, play them with `{}`", played(None)),
        });
    }
    steps
}

/// The rules of several misses as they stand together in one file: each told its own alone.
fn rules_together(summary: &Summary) -> Option<String> {
    let mut all: Vec<&CallRules> = Vec::new();
    for call in &summary.calls {
        if !call.rules.is_empty() && !all.contains(&&call.rules) {
            all.push(&call.rules);
        }
    }
    let together = all.iter().fold(CallRules::default(), |together, rules| together.and(rules));
    let lines = together.to_paste().join("\n  ");
    (all.len() > 1).then(|| format!("what these misses may differ in, in one `ferrotape.toml`:\n  {lines}"))
}

/// `ferrotape VERB -c CASSETTE OPTIONS -- COMMAND …`, to be pasted; without a cassette for a run whose
/// sessions name theirs. Of the command under test only the first word is told.
pub fn command_line(verb: &str, cassette: Option<&str>, options: &[String], command: &[String]) -> String {
    let named = cassette.map(|cassette| format!(" -c {cassette}")).unwrap_or_default();
    format!("ferrotape {verb}{named}{}{}", words(options), command_tail(command))
}

/// Options behind a command, as a shell reads them.
pub fn words(options: &[String]) -> String {
    options.iter().map(|word| format!(" {}", quoted(&clean(word)))).collect()
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@%+~".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn command_tail(command: &[String]) -> String {
    match command {
        [] => String::new(),
        [program] => format!(" -- {}", quoted(&clean(program))),
        [program, ..] => format!(" -- {} …", quoted(&clean(program))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_one_that_a_shell_reads() {
        let options = ["--bind", "Service Catalog Put:/a", "--cassettes", "it's"].map(str::to_owned);
        let command = ["pytest", "--token=hush"].map(str::to_owned);
        assert_eq!(
            command_line("replay", Some("a/b"), &options, &command),
            r"ferrotape replay -c a/b --bind 'Service Catalog Put:/a' --cassettes 'it'\''s' -- pytest …"
        );
        assert_eq!(command_line("auto", None, &[], &[]), "ferrotape auto");
    }
}
