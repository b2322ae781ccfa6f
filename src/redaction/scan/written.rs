//! Secrets as files and command lines write them: `.netrc`, `.pgpass`, options of programs, blocks of
//! YAML, the environment that a program sets.

use super::compile;
use super::forms::{Pass, is_secret};
use crate::redaction::names::{self, names_secret};
use crate::redaction::ordinary::is_ordinary;
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::StandIns;
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// `machine HOST login USER password SECRET`, in that order or another.
static NETRC: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?-u:\b)((?:machine\s+\S+|default)(?:\s+(?:login|account)\s+\S+)*\s+password\s+)(\S+)"));

/// `HOST:PORT:DATABASE:USER:SECRET`, a line each.
static PGPASS: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?m)^((?:[A-Za-z0-9_.*-]+):(?:\*|5432|5433|6432|3306|1433):[^:\s]+:[^:\s]+:)(\S+)$"));

/// `curl -u USER:SECRET`.
static CURL: LazyLock<Regex> = LazyLock::new(|| {
    compile(r#"(?i)((?-u:\b)(?:curl|wget|http)(?-u:\b)[^\r\n|;]*?[ \t](?:-u|-U|--user|--proxy-user)[ =]?\\*["']?[^\s:"'\\]+:)([^\s"'\\]+)"#)
});

/// `--password SECRET` and its like; with `=` it is a pair.
static OPTION: LazyLock<Regex> = LazyLock::new(|| {
    let names = names::MAYBE_IN_TEXT;
    let sure = &*names::IN_TEXT;
    compile(&format!(
        r#"(?i)((?:^|[\s"'\[,(])--?((?:[a-z0-9-]*{sure}s?|{names}))\\*["']?(?:[ \t]+|,[ \t]*)\\*["']?)([^\s"'\\,\]-][^\s"'\\,\]]*)"#
    ))
});

/// What some programs take behind an option of one letter.
static LETTER: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r#"(?i)((?-u:\b)(?:mysql(?:dump|admin)?(?-u:\b)[^\r\n|;]*?[ \t]-p|(?:sshpass|docker login)(?-u:\b)[^\r\n|;]*?[ \t]-p[ \t]+"#,
        r#"|redis-cli(?-u:\b)[^\r\n|;]*?[ \t]-a[ \t]+)\\*["']?)([^\s"'\\-][^\s"'\\]*)"#
    ))
});

/// `setenv("API_KEY", "SECRET")`.
static SET: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"(?i)(env(?:iron)?[a-z_.]*\([ \t]*\\*["']([a-z0-9_.-]+)\\*["'][ \t]*,[ \t]*\\*["'])([^"'\\\r\n]+)"#));

/// A key of YAML with nothing behind it, or with the sign of a block.
static KEY: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"^([ \t]*)(?:- +)?["']?([A-Za-z0-9_.-]+)["']?[ \t]*:[ \t]*([|>][0-9+-]*)?[ \t]*(?:#.*)?$"#));

/// The default of a template's parameter.
static DEFAULT: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"^([ \t]*["']?Default["']?[ \t]*:[ \t]*["']?)([^\s"'#][^"'#]*?)(["']?[ \t]*(?:#.*)?)$"#));

/// Searches a text in all of these ways.
pub(super) fn over(stand_ins: &StandIns, pass: &mut Pass<'_>) {
    let second = |captures: &Captures<'_>, is_it: bool| {
        let secret = &captures[2];
        (is_it && is_secret(secret)).then(|| (format!("{}{}", &captures[1], stand_ins.text(secret)), Rule::SecretForms))
    };
    let third = |captures: &Captures<'_>| {
        let (name, secret) = (&captures[2], &captures[3]);
        let is_it = is_secret(secret) && names_secret(name, secret);
        is_it.then(|| (format!("{}{}", &captures[1], stand_ins.text(secret)), Rule::SecretForms))
    };
    pass.over(&NETRC, &|captures| second(captures, true));
    pass.over(&PGPASS, &|captures| second(captures, true));
    pass.over(&CURL, &|captures| second(captures, true));
    // In prose, a word may follow.
    pass.over(&OPTION, &|captures| third(captures).filter(|_| !is_ordinary(&captures[3])));
    pass.over(&LETTER, &|captures| second(captures, !is_ordinary(&captures[2])));
    pass.over(&SET, &third);
    if pass.text.contains('\n')
        && let Some(changed) = in_yaml(stand_ins, &pass.text)
    {
        pass.found.get_or_insert(Rule::SecretForms);
        pass.text = Cow::Owned(changed);
    }
}

/// Blocks and defaults below keys of YAML that name secrets; nothing where there are none.
fn in_yaml(stand_ins: &StandIns, text: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        out.push_str(line);
        at += 1;
        let Some(key) = KEY.captures(line.trim_end_matches(['\r', '\n'])) else {
            continue;
        };
        let below = lines.get(at..).unwrap_or_default();
        let below = below.get(..length_of_block(below, key[1].len())).unwrap_or_default();
        let replaced = match key.get(3) {
            Some(_) => block(stand_ins, &key[2], below),
            None => defaults(stand_ins, &key[2], below),
        };
        if let Some(replaced) = replaced {
            changed = true;
            at += below.len();
            out.push_str(&replaced);
        }
    }
    changed.then_some(out)
}

/// How many of these lines are indented more deeply, blank ones between them included.
fn length_of_block(lines: &[&str], indent: usize) -> usize {
    let is_deeper = |line: &&&str| line.trim().is_empty() || indent_of(line) > indent;
    lines.iter().take_while(is_deeper).count()
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The text of a block as one secret.
fn block(stand_ins: &StandIns, name: &str, lines: &[&str]) -> Option<String> {
    let first = lines.iter().find(|line| !line.trim().is_empty())?;
    let secret: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    let secret = secret.join("\n");
    let secret = secret.trim();
    if !is_secret(secret) || !names_secret(name, secret) {
        return None;
    }
    let end = if lines.last().is_some_and(|line| line.ends_with('\n')) {
        "\n"
    } else {
        ""
    };
    Some(format!("{}{}{end}", &first[..indent_of(first)], stand_ins.text(secret)))
}

/// Whether a line of YAML says that a parameter is not to be shown.
fn says_no_echo(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line);
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let plain = |text: &str| text.trim().trim_matches(['"', '\'', ',']).to_owned();
    plain(name) == names::NO_ECHO && names::is_true(&plain(value))
}

/// The defaults of a parameter that is named like a secret, or is not to be shown.
fn defaults(stand_ins: &StandIns, name: &str, lines: &[&str]) -> Option<String> {
    const SMALLEST: usize = 2;
    // What is nested more deeply belongs to another key.
    let indent = indent_of(lines.iter().find(|line| !line.trim().is_empty())?);
    let is_own = |line: &&&str| indent_of(line) == indent;
    let own = || lines.iter().filter(is_own);
    let is_hidden = own().any(|line| says_no_echo(line));
    if own().count() < SMALLEST && !is_hidden {
        return None;
    }
    let name = if is_hidden { "password" } else { name };
    let mut changed = false;
    let written = lines.iter().map(|line| {
        let content = line.trim_end_matches(['\r', '\n']);
        let found = DEFAULT.captures(content).filter(|_| is_own(&line));
        let secret = found
            .as_ref()
            .map(|found| &found[2])
            .filter(|secret| is_secret(secret) && names_secret(name, secret));
        match (found.as_ref(), secret) {
            (Some(found), Some(secret)) => {
                changed = true;
                format!("{}{}{}{}", &found[1], stand_ins.text(secret), &found[3], &line[content.len()..])
            }
            _ => (*line).to_owned(),
        }
    });
    let written: String = written.collect();
    changed.then_some(written)
}
