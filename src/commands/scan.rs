//! `ferrotape scan`: a gate for continuous integration and commits, over cassettes and any other file.

use super::ModelArguments;
use super::scrub::plural;
use crate::cassette::Cassette;
use crate::cassette::store::load_file;
use crate::document;
use crate::exit::Exit;
use crate::inspect::inspect_recorded;
use crate::model::catalog::Catalog;
use crate::redaction::scan::{Budget, Search, leaks};
use crate::redaction::stand_in::StandIns;
use crate::redaction::user::{self, UserRules};
use crate::redaction::{Leak, Redactor};
use crate::settings::Settings;
use crate::terminal::{self, clean};
use anyhow::Context;
use std::io;
use std::path::{Path, PathBuf};

/// Look for secrets in cassettes and any other files, and fail if there are any.
///
/// Each finding is told by file, place and rule; the secret is not printed. A cassette is read as
/// one: sensitive members in plain text are findings too, where a model knows the call. Exit status
/// 16 if there is a finding; 1 if a file could not be read, or hides too much in nested encodings to
/// be searched whole, after the others were.
#[derive(Debug, clap::Args)]
pub struct ScanArguments {
    /// Files, or folders of files
    #[arg(value_name = "PATH", default_value = "cassettes")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub models: ModelArguments,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
}

/// Runs the command.
pub fn run(arguments: &ScanArguments) -> anyhow::Result<Exit> {
    let stand_ins = StandIns::new("");
    let user = user::texts(&arguments.settings.redaction)?;
    let scanner = Scanner {
        catalog: arguments.models.catalog()?,
        rules: UserRules::read(&user)?,
        user,
        stand_ins,
    };
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, &mut files).with_context(|| format!("cannot read `{}`", path.display()))?;
    }
    let mut told = Told::default();
    for file in &files {
        scanner.file(file, &mut told);
    }
    told.summary(files.len());
    Ok(told.exit())
}

/// What a scan came to.
#[derive(Default)]
struct Told {
    /// In cassettes, where `scrub` hides them.
    in_cassettes: usize,
    elsewhere: usize,
    /// Files that could not be read.
    unread: usize,
    /// Files and interactions that hide more than is searched.
    unsearched: usize,
    /// Interactions of calls that no model knows.
    unknown: usize,
}

impl Told {
    fn summary(&self, files: usize) {
        let scanned = plural(files - self.unread, "file");
        let hint = if self.in_cassettes > 0 {
            "; `ferrotape scrub` hides those in cassettes"
        } else {
            ""
        };
        match self.in_cassettes + self.elsewhere {
            // Why none was read has been said.
            0 if self.unread > 0 && self.unread == files => {}
            0 if self.unsearched > 0 => terminal::say(&format!("{scanned} scanned: no secret was found in what was searched")),
            0 => terminal::say(&format!("{scanned} scanned: no secret was found")),
            found => terminal::say(&format!("{scanned} scanned: {} found{hint}", plural(found, "secret"))),
        }
        if self.unknown > 0 {
            terminal::say(&format!(
                "no model knows the calls of {}, so only names and forms told secrets there; name it with `--model`, as `--model botocore`",
                plural(self.unknown, "interaction")
            ));
        }
    }

    fn exit(&self) -> Exit {
        let secrets = if self.in_cassettes + self.elsewhere > 0 {
            Exit::Secrets
        } else {
            Exit::Clean
        };
        secrets.or(if self.unread + self.unsearched > 0 {
            Exit::CouldNotRun
        } else {
            Exit::Clean
        })
    }
}

/// A file, or all below a folder but what belongs to git.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        // Opened later, so that what is not there is told by name.
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let kind = entry.symlink_metadata()?.file_type();
        // A pipe or a socket that merely lies there holds nothing.
        if (kind.is_dir() || kind.is_file()) && entry.file_name().is_none_or(|name| name != ".git") {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

struct Scanner {
    catalog: Catalog,
    rules: UserRules,
    user: Vec<String>,
    stand_ins: StandIns,
}

impl Scanner {
    fn search<'a>(&'a self, budget: &'a Budget) -> Search<'a> {
        Search {
            patterns: self.rules.patterns(),
            ..Search::new(&self.stand_ins, budget)
        }
    }

    /// Prints what is found in a file. One that cannot be read does not keep the others from being.
    fn file(&self, file: &Path, told: &mut Told) {
        let name = clean(&file.display().to_string());
        let content = match document::read(file) {
            Ok(content) => content,
            Err(why) => {
                terminal::say(&format!("cannot read `{name}`: {why}"));
                told.unread += 1;
                return;
            }
        };
        let findings = match self.as_cassette(file, &content, told) {
            Some(Ok(findings)) => {
                told.in_cassettes += findings.len();
                findings
            }
            broken_or_none => {
                if let Some(Err(problem)) = broken_or_none {
                    terminal::say(&clean(&problem.to_string()));
                    told.unread += 1;
                }
                let budget = Budget::default();
                let findings = self.content(&content, &budget);
                told.elsewhere += findings.len();
                if budget.is_exceeded() {
                    told.unsearched += 1;
                    terminal::say(&format!("`{name}`: {HIDES_TOO_MUCH}"));
                }
                findings
            }
        };
        for finding in findings {
            terminal::line(&format!("{name}{}", clean(&finding)));
        }
    }

    /// What is found in a cassette, or why it cannot be read; nothing where the file is none.
    fn as_cassette(&self, file: &Path, content: &[u8], told: &mut Told) -> Option<anyhow::Result<Vec<String>>> {
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        if !is_json || !says_its_version(content) {
            return None;
        }
        let cassette = load_file(file).map_err(anyhow::Error::from);
        let name = clean(&file.display().to_string());
        Some(cassette.and_then(|cassette| self.cassette(&name, cassette, told)))
    }

    fn cassette(&self, name: &str, cassette: Cassette, told: &mut Told) -> anyhow::Result<Vec<String>> {
        let mut redaction = cassette.redaction.clone();
        redaction
            .user
            .extend(self.user.iter().filter(|text| !cassette.redaction.user.contains(text)).cloned());
        let rules = UserRules::read(&redaction.user)?;
        let redactor = Redactor::with_rules(&redaction, &mut cassette.interactions.iter())?;
        let mut findings = Vec::new();
        for (index, interaction) in cassette.interactions.iter().enumerate() {
            let mut add = |text: String| findings.push(format!(": interaction {}: {text}", index + 1));
            for leak in leaks(interaction, rules.patterns()) {
                match leak {
                    // The place may go through a map whose key is the secret.
                    Leak::Secret { place, rule } => add(format!("{} ({})", self.without_secrets(&place), rule.id())),
                    Leak::Unsearched { side } => {
                        told.unsearched += 1;
                        terminal::say(&format!("{name}: interaction {}, {side}: {HIDES_TOO_MUCH}", index + 1));
                    }
                    other => add(other.to_string()),
                }
            }
            let finding = inspect_recorded(&self.catalog, interaction);
            told.unknown += usize::from(interaction.operation.is_some() && finding.call.is_none());
            let mut copy = interaction.clone();
            for lint in redactor.redact_loaded(&mut copy, &finding) {
                add(self.without_secrets(&lint.replace(" and is hidden", "")));
            }
        }
        Ok(findings)
    }

    fn without_secrets(&self, text: &str) -> String {
        self.search(&Budget::default())
            .scrub(text)
            .map_or_else(|| text.to_owned(), |(clean, _)| clean)
    }

    /// Any other file: by lines where it has some.
    fn content(&self, content: &[u8], budget: &Budget) -> Vec<String> {
        let Ok(text) = std::str::from_utf8(content) else {
            let found = self.search(budget).scrub_bytes(content);
            return found.map(|(_, rule)| format!(": {}", rule.id())).into_iter().collect();
        };
        let Some((clean, first)) = self.search(budget).scrub(text) else {
            return Vec::new();
        };
        let by_line = |(index, line): (usize, &str)| {
            let (_, rule) = self.search(budget).scrub(line)?;
            Some(format!(":{}: {}", index + 1, rule.id()))
        };
        let found: Vec<String> = text.lines().enumerate().filter_map(by_line).collect();
        if !found.is_empty() {
            return found;
        }
        // It goes over several lines: a private key, a document.
        let mut lines = text.lines().zip(clean.lines()).enumerate();
        let line = lines.find(|(_, (old, new))| old != new).map_or(1, |(index, _)| index + 1);
        vec![format!(":{line}: {}", first.id())]
    }
}

/// Why a place was not searched.
const HIDES_TOO_MUCH: &str = "not searched: its nested encodings (base64, gzip, JSON in strings) hide more than is looked into";

/// Whether a file begins as a cassette does, `{ "ferrotape": 1`: others may have a member of that
/// name, too.
fn says_its_version(content: &[u8]) -> bool {
    const NAME: &[u8] = b"\"ferrotape\"";
    let start = content.get(..4096).unwrap_or(content);
    let Some(at) = start.windows(NAME.len()).position(|window| window == NAME) else {
        return false;
    };
    let mut rest = start[at + NAME.len()..].iter().filter(|byte| !byte.is_ascii_whitespace());
    rest.next() == Some(&b':') && rest.next().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanner() -> Scanner {
        Scanner {
            catalog: Catalog::built_in().unwrap(),
            rules: UserRules::default(),
            user: Vec::new(),
            stand_ins: StandIns::new(""),
        }
    }

    #[test]
    fn a_finding_is_told_by_its_line_and_rule() {
        let scanner = scanner();
        let found = |content: &[u8]| scanner.content(content, &Budget::default());
        let text = format!("one\npassword = hunter2\n\nkey {}\n", "AKIAIOSFODNN7SECRETS");
        assert_eq!(found(text.as_bytes()), [":2: secret-forms", ":4: access-key-id"]);
        let key = format!("a\n-----BEGIN {0} KEY-----\nMIIEpA\n-----END {0} KEY-----\n", "PRIVATE");
        assert_eq!(found(key.as_bytes()), [":3: secret-forms"]);
        assert_eq!(found(b"\xff\x00AKIAIOSFODNN7SECRETS"), [": access-key-id"]);
        assert!(found(b"nothing\n").is_empty() && found(b"\xff\x00").is_empty());
    }
}
