//! Where a report goes: to a standard stream, or whole to a file.

use super::{Mode, REPORTS, Report, Summary, human};
use crate::terminal;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where a report goes, as `--report NAME[=FILE]` says it.
#[derive(Clone)]
pub struct Target {
    /// The form's name.
    pub name: &'static str,
    report: &'static dyn Report,
    /// The file; absent where it goes to a standard stream.
    pub path: Option<PathBuf>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Target")
            .field("name", &self.name)
            .field("path", &self.path)
            .finish()
    }
}

/// A `--report` that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("there is no report `{got}`; there are {}", names())]
    NoSuchReport { got: String },
    #[error("`{name}=` names no file; write `{name}` for the standard stream or `{name}=FILE`")]
    NoFile { name: &'static str },
}

fn names() -> String {
    let names: Vec<String> = REPORTS.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

impl Target {
    /// Reads `human`, `junit=FILE` and the like.
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(path)),
            None => (text, None),
        };
        let (name, report) = REPORTS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| TargetError::NoSuchReport { got: name.to_owned() })?;
        if path == Some("") {
            return Err(TargetError::NoFile { name });
        }
        Ok(Target {
            name,
            report: *report,
            path: path.map(PathBuf::from),
        })
    }

    /// The report that is written where none was asked for.
    pub fn human() -> Target {
        Target {
            name: "human",
            report: &human::Human,
            path: None,
        }
    }

    /// A report for programs, which may well be looked at on a terminal.
    fn safe(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        match self.name {
            "junit" => terminal::spelled_xml(&text).into_owned(),
            _ => terminal::spelled_json(&text).into_owned(),
        }
    }

    /// Whether it is a report for programs on standard output, which is then all that is there.
    pub fn takes_stdout(&self) -> bool {
        self.path.is_none() && self.name != "human"
    }

    /// Writes the report to its file (whole or not at all) or to a standard stream: the human form
    /// to stderr, because stdout belongs to the command under test; in `verify`, which has none, to
    /// stdout unless that is taken by a report for programs.
    pub fn emit(&self, summary: &Summary, stdout_is_taken: bool) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.report.write(summary, &mut bytes)?;
        match &self.path {
            Some(path) => write_file(path, &anstream::adapter::strip_bytes(&bytes).into_vec()),
            None if self.name == "human" && (stdout_is_taken || summary.mode != Mode::Verify) => {
                terminal::styled_error(&String::from_utf8_lossy(&bytes));
                Ok(())
            }
            None if self.name == "human" => terminal::styled(&bytes),
            None => terminal::whole(&mut io::stdout().lock(), self.safe(&bytes).as_bytes()),
        }
    }
}

/// By way of a new file beside it, so that a reader never sees half a report.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    // A device or a pipe (`/dev/stderr`, a process substitution) is written as it is.
    if path.exists() && !path.is_file() {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::replay;
    use super::*;

    #[test]
    fn a_target_is_a_name_and_perhaps_a_file() {
        let target = Target::parse("human=out/report.txt").unwrap();
        assert_eq!((target.name, target.path.as_deref()), ("human", Some(Path::new("out/report.txt"))));
        assert_eq!(Target::parse("human").unwrap().path, None);
        assert_eq!(Target::parse("human=").unwrap_err(), TargetError::NoFile { name: "human" });
        let unknown = Target::parse("yaml").unwrap_err().to_string();
        assert!(unknown.starts_with("there is no report `yaml`; there are `human`"), "{unknown}");
    }

    #[test]
    fn a_report_file_is_made_with_its_folder_and_carries_no_colours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.txt");
        let mut target = Target::human();
        target.path = Some(path.clone());
        target.emit(&replay(), false).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("CreateServiceInstance") && !text.contains('\u{1b}'), "{text}");
    }
}
