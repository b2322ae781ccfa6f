//! The cassette format, version 1: one JSON document that people review and tools diff.
//!
//! Reading and writing are pure: bytes in, bytes out. Where files lie and how they are replaced
//! is left to the store. The same cassette always gives the same bytes, and what is read from them
//! is the same cassette. The rules:
//!
//! - keys in a fixed order, two-space indent, one newline at the end, absent optional parts left
//!   out, so that a diff shows what changed and nothing else;
//! - lexemes inside JSON bodies are never touched; a body that would not come back byte for byte
//!   is stored as text, or as base64;
//! - duplicate keys are refused in the cassette's own structure and kept inside bodies;
//! - unknown members are kept on rewrite; an unknown version is refused.

mod body;
mod error;
mod read;
mod reader;
mod write;

pub use body::{BLOB_ABOVE, blob_name, is_blob_name};
pub use error::{FormatError, Position};
pub use write::Rendered;

use std::path::{Path, PathBuf};

/// The major version of the format that this reader and writer know.
pub const VERSION: &str = "1";

/// The JSON Schema (2020-12) of the format.
pub const SCHEMA: &str = include_str!("../schema.json");

/// Where the large bodies of the cassette `file` lie: `cassettes/NAME.blobs` beside
/// `cassettes/NAME.json`.
pub fn blob_folder(file: &Path) -> PathBuf {
    file.with_extension("blobs")
}

#[cfg(test)]
mod tests;
