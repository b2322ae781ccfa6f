//! Why a file is no cassette, and where.

use super::VERSION;
use crate::document::{Objection, line_and_column};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A place in a file. Shown as `FILE:LINE:COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// The place at a byte offset of the file's text.
    pub(super) fn of(file: PathBuf, text: &str, offset: usize) -> Position {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            file,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Why a file is no cassette that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The text ends before the document does.
    #[error("`{position}`: the cassette is cut short: {what}; restore the file from version control, or record it again")]
    CutShort { position: Position, what: String },
    /// The file is no text, or two versions of one.
    #[error("`{position}`: {what}")]
    NotText { position: Position, what: &'static str },
    /// The text is not JSON.
    #[error("`{position}`: the cassette is not valid JSON: {what}")]
    NotJson { position: Position, what: String },
    /// Another major version of the format.
    #[error(
        "`{position}`: the cassette has format version {found}, and this ferrotape reads version {VERSION}; use the ferrotape that wrote it"
    )]
    Version { position: Position, found: String },
    /// Something else than what belongs there.
    #[error("`{position}`: expected {expected}, found {found}")]
    Unexpected {
        position: Position,
        expected: String,
        found: String,
    },
    /// A member that must be there is not.
    #[error("`{position}`: {within} has no `{name}`; expected {expected}")]
    Missing {
        position: Position,
        within: &'static str,
        name: &'static str,
        expected: &'static str,
    },
    /// A key twice in the cassette's own structure.
    #[error("`{position}`: {within} has the key `{name}` twice; remove one of them")]
    Duplicate {
        position: Position,
        within: &'static str,
        name: String,
    },
    /// The file of a large body cannot be read.
    #[error("`{position}`: cannot read the body file `{}`: {source}", file.display())]
    Blob {
        position: Position,
        file: PathBuf,
        source: io::Error,
    },
    /// The file of a large body is not the one that was recorded.
    #[error("`{position}`: the body file `{}` was changed: it should now be named `{actual}`, here and on disk", file.display())]
    BlobChanged { position: Position, file: PathBuf, actual: String },
}

impl FormatError {
    pub(super) fn not_text(file: &Path, content: &[u8], objection: &Objection) -> FormatError {
        let (line, column) = line_and_column(content, objection.offset);
        FormatError::NotText {
            position: Position {
                file: file.to_owned(),
                line,
                column,
            },
            what: objection.what,
        }
    }
}
