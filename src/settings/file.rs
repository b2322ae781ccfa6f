//! From `ferrotape.toml` to settings: where it is, and what is wrong with it.

use super::Settings;
use crate::document::{self, in_plain_words, line_and_column, objection};
use std::io;
use std::path::{Path, PathBuf};

/// The name that is looked for.
const FILE_NAME: &str = "ferrotape.toml";

/// Why a settings file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error("cannot read the settings file `{}`: {source}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    /// It says what no settings file says. `line` and `column` are from 1.
    #[error("`{}:{line}:{column}`: {what}", file.display())]
    Wrong {
        file: PathBuf,
        line: usize,
        column: usize,
        what: String,
    },
}

/// The settings file of a folder: its own, or one above it in the same repository.
pub(super) fn search(folder: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| folder.join(".git").exists();
    let depth = folder.ancestors().position(|folder| is_root(&folder)).unwrap_or(0);
    let candidates = folder.ancestors().take(depth + 1).map(|folder| folder.join(FILE_NAME));
    candidates.into_iter().find(|file| file.is_file())
}

/// Reads a settings file. Its relative paths count from its own folder.
pub(super) fn read(file: &Path) -> Result<Settings, SettingsError> {
    let content = document::read(file).map_err(|source| SettingsError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    let text = std::str::from_utf8(&content).map_err(|error| not_text(file, &content, error.valid_up_to()))?;
    let mut settings = parse(text, file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    settings.cassettes = settings.cassettes.map(|path| folder.join(path));
    settings.folder = folder.to_owned();
    let place = |offset| {
        let (line, column) = line_and_column(text.as_bytes(), offset);
        format!("{}:{line}:{column}", file.display())
    };
    settings.options = settings.options.into_iter().map(|option| option.located(&place)).collect();
    for model in &mut settings.models {
        // `botocore` is a word, as it is for `--model`.
        if model.as_os_str() != "botocore" {
            *model = folder.join(&model);
        }
    }
    Ok(settings)
}

/// What is wrong with a file that is no text, or no longer one: `offset` is the first byte that is not
/// UTF-8.
fn not_text(file: &Path, content: &[u8], offset: usize) -> SettingsError {
    let (offset, what) = match objection(content) {
        Some(objection) => (objection.offset, objection.what),
        None => (offset, "a byte here is not UTF-8; save the file in UTF-8"),
    };
    let (line, column) = line_and_column(content, offset);
    SettingsError::Wrong {
        file: file.to_owned(),
        line,
        column,
        what: what.to_owned(),
    }
}

fn parse(text: &str, file: &Path) -> Result<Settings, SettingsError> {
    toml::from_str(text).map_err(|error| {
        if objection(text.as_bytes()).is_some() {
            return not_text(file, text.as_bytes(), 0);
        }
        let span = error.span().unwrap_or_default();
        let before = text.get(..span.start).unwrap_or_default();
        let (line, column) = line_and_column(text.as_bytes(), span.start);
        SettingsError::Wrong {
            file: file.to_owned(),
            line,
            column,
            what: match error.message().trim_end() {
                "duplicate key" => said_twice(before, text.get(span).unwrap_or_default()),
                message => in_plain_words(message),
            },
        }
    })
}

/// TOML has each table and each key once: whoever pasted a second one must join the two.
fn said_twice(before: &str, key: &str) -> String {
    let is_table = before.ends_with('[');
    let is_first = |line: &str| {
        let line = line.trim();
        match line.strip_prefix('[') {
            Some(header) => is_table && header.trim_end_matches(']').trim() == key,
            None => !is_table && line.split('=').next().is_some_and(|name| name.trim() == key),
        }
    };
    let first = match before.lines().position(is_first) {
        Some(line) => format!(" after line {}", line + 1),
        None => String::new(),
    };
    match (is_table, key) {
        (true, "bind") => format!("`[bind]` stands here again{first}; write `[[bind]]`, once for each member"),
        (true, _) => format!("`[{key}]` stands here again{first}; write it once, with the lists of both joined"),
        (false, _) => format!("`{key}` stands here again{first}; write it once, with both lists joined"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bind, Fold, Order, Place, RedactionRule};
    use super::*;

    const WHOLE: &str = r#"
cassettes = "tests/cassettes"
models = ["botocore", "models/own.json"]

[match]
ignore = ["CreateService:/description", "*:region"]
compare = ["CreateService:/clientToken"]
now = ["PutMetricData:/MetricData/*/Timestamp"]
order = "strict"
fold = ["retries", "polls"]
polls = ["DescribeRecord"]

[[bind]]
from = "CreateProvisioningArtifact:/Parameters/Name"

[redaction]
keep = ["CreateServiceInstance:/spec"]

[redaction.rules]
corp-token = { header = "x-corp-token" }
pin = { path = "*:/Item/pin/S" }
corp-key = { pattern = "corp_[0-9a-f]{32}" }
"#;

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    fn wrong(text: &str) -> String {
        parse(text, Path::new("ferrotape.toml")).unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_read() {
        let settings = parse(WHOLE, Path::new("x")).unwrap();
        assert_eq!(settings.cassettes.as_deref(), Some(Path::new("tests/cassettes")));
        assert_eq!(settings.models, [Path::new("botocore"), Path::new("models/own.json")]);
        let matching = &settings.matching;
        assert_eq!(matching.ignore, [place("CreateService:/description"), place("*:region")]);
        assert_eq!(matching.compare, [place("CreateService:/clientToken")]);
        assert_eq!(matching.polls, ["DescribeRecord"]);
        assert_eq!(matching.now, [place("PutMetricData:/MetricData/*/Timestamp")]);
        assert_eq!(
            (matching.order, &matching.fold[..]),
            (Some(Order::Strict), &[Fold::Retries, Fold::Polls][..])
        );
        assert_eq!(
            settings.bind,
            [Bind {
                from: place("CreateProvisioningArtifact:/Parameters/Name")
            }]
        );
        assert_eq!(settings.redaction.keep, [place("CreateServiceInstance:/spec")]);
        let rules: Vec<(&str, &RedactionRule)> = settings.redaction.rules.iter().map(|(id, rule)| (id.as_str(), rule)).collect();
        assert_eq!(
            rules,
            [
                ("corp-key", &RedactionRule::Pattern("corp_[0-9a-f]{32}".to_owned())),
                ("corp-token", &RedactionRule::Header("x-corp-token".to_owned())),
                ("pin", &RedactionRule::Path(place("*:/Item/pin/S"))),
            ]
        );
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(parse("# nothing\n", Path::new("x")).unwrap(), Settings::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            wrong("models = []\n\n[match]\nignroe = []\n"),
            "`ferrotape.toml:4:1`: unknown key `ignroe`, expected one of `ignore`, `compare`, `now`, `order`, `fold`, `polls`"
        );
        assert_eq!(
            wrong("models = \"botocore\"\n"),
            "`ferrotape.toml:1:10`: expected a list, found \"botocore\""
        );
        assert_eq!(
            wrong("[match]\nignore = [\n  \"CreateService\"]\n"),
            "`ferrotape.toml:2:10`: `CreateService` is not a place; a place is `OPERATION:/path`, as in `CreateServiceInstance:/spec`"
        );
        assert_eq!(
            wrong("[match]\norder = \"any\"\n"),
            "`ferrotape.toml:2:9`: unknown `any`, expected `key` or `strict`"
        );
        assert_eq!(wrong("[[bind]]\n"), "`ferrotape.toml:1:1`: missing key `from`");
        assert_eq!(
            wrong("[redaction.rules]\na = { heder = \"x\" }\n"),
            "`ferrotape.toml:2:7`: unknown key `heder`, expected one of `header`, `path`, `pattern`"
        );
        assert!(wrong("a = \n").starts_with("`ferrotape.toml:1:"), "{}", wrong("a = \n"));
    }

    #[test]
    fn what_stands_there_twice_is_told_with_the_way_to_join_it() {
        assert_eq!(
            wrong("[match]\nignore = [\"A:/b\"]\n\n[match]\nignore = [\"A:/c\"]\n"),
            "`ferrotape.toml:4:2`: `[match]` stands here again after line 1; write it once, with the lists of both joined"
        );
        assert_eq!(
            wrong("[match]\nignore = [\"A:/b\"]\nignore = [\"A:/c\"]\n"),
            "`ferrotape.toml:3:1`: `ignore` stands here again after line 2; write it once, with both lists joined"
        );
        assert_eq!(
            wrong("[[bind]]\nfrom = \"A:/b\"\n[bind]\nfrom = \"A:/c\"\n"),
            "`ferrotape.toml:3:2`: `[bind]` stands here again; write `[[bind]]`, once for each member"
        );
    }

    #[test]
    fn the_search_goes_up_to_the_root_of_the_repository_and_no_further() {
        let temporary = tempfile::tempdir().unwrap();
        let [outer, root, inner] = ["", "repository", "repository/a/b"].map(|name| temporary.path().join(name));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(outer.join(FILE_NAME), "").unwrap();
        assert_eq!(search(&inner), None, "outside a repository only the folder itself counts");
        std::fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(search(&inner), None);
        std::fs::write(root.join(FILE_NAME), "cassettes = \"c\"\nmodels = [\"botocore\", \"m\"]\n").unwrap();
        assert_eq!(search(&inner), Some(root.join(FILE_NAME)));
        let settings = Settings::find(None, &inner).unwrap();
        assert_eq!(settings.cassettes, Some(root.join("c")), "paths count from the file");
        assert_eq!(settings.models, [PathBuf::from("botocore"), root.join("m")]);
        assert_eq!(settings.state, Some(root.canonicalize().unwrap().join(".ferrotape")));
        std::fs::write(inner.join(FILE_NAME), "").unwrap();
        let own = Settings::find(None, &inner).unwrap();
        assert_eq!((own.cassettes, own.state), (None, None));
        assert_eq!(
            Settings::find(Some(&root.join(FILE_NAME)), &inner).unwrap().cassettes,
            Some(root.join("c"))
        );
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let message = Settings::find(Some(Path::new("no/such.toml")), Path::new("."))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("cannot read the settings file `no/such.toml`: No such file"),
            "{message}"
        );
    }
}
