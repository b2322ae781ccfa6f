//! Files from outside, which people write, merge and name: only regular ones are read, and what is
//! wrong with one is said in our words.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::marker::PhantomData;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

/// Reads a regular file. A pipe, a device or a folder is refused at once: some would never end.
///
/// # Errors
/// Where it is none, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Opens a regular file.
///
/// # Errors
/// Where it is none, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    match kind.is_file() {
        true => File::open(path),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it is {}, not a file", kind_name(kind)),
        )),
    }
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

/// A part of a document that is written with its keys. By itself, serde takes a list of the values for
/// it, too, an empty one for one that says nothing.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Object)
    }
}

/// What a file is that is no text as we read it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Byte offset of the place, from 0.
    pub offset: usize,
    /// What is wrong, and the way out.
    pub what: &'static str,
}

/// The marks of version control around two versions of the same lines.
const CONFLICT: [&[u8]; 3] = [b"<<<<<<< ", b"||||||| ", b">>>>>>> "];

/// Why a file that could not be read is no text, if it is none: another encoding, or two versions of a
/// text that nobody has put together.
pub fn objection(content: &[u8]) -> Option<Objection> {
    let at = |offset, what| Some(Objection { offset, what });
    if content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]) {
        return at(0, "the file is in UTF-16; save it in UTF-8");
    }
    if content.starts_with(&[0xef, 0xbb, 0xbf]) {
        return at(0, "the file begins with a byte order mark; save it in UTF-8 without one");
    }
    if let Some(offset) = content.iter().position(|byte| *byte == 0) {
        let what = "the file holds a NUL byte: it is damaged, or not in UTF-8; restore it from version control, or save it in UTF-8";
        return at(offset, what);
    }
    let starts = content.split_inclusive(|byte| *byte == b'\n').scan(0, |offset, line| {
        let start = *offset;
        *offset += line.len();
        Some((start, line))
    });
    let mut conflicts = starts.filter(|(_, line)| CONFLICT.iter().any(|mark| line.starts_with(mark)));
    let what = "the file has an unresolved merge conflict; resolve it, or take one side with `git checkout --ours` or `--theirs`";
    conflicts.next().and_then(|(offset, _)| at(offset, what))
}

/// Line and column of a byte offset, in characters and from 1.
pub fn line_and_column(content: &[u8], offset: usize) -> (usize, usize) {
    let before = content.get(..offset).unwrap_or(content);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

/// What serde says of a document whose content is not what belongs there, in the words of whoever wrote
/// the document.
pub fn in_plain_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message).trim_end().replace('\n', "; ");
    for kind in ["invalid type: ", "invalid value: ", "invalid length "] {
        let parts = message.strip_prefix(kind).and_then(|rest| rest.split_once(", expected "));
        if let Some((found, expected)) = parts {
            return format!("expected {}, found {}", expected_in_words(expected), found_in_words(found));
        }
    }
    if message.starts_with("data did not match any variant") {
        return "it has none of the forms that belong here".to_owned();
    }
    message
        .replace("unknown field", "unknown key")
        .replace("unknown variant", "unknown")
        .replace("missing field", "missing key")
        .replace("duplicate field", "duplicate key")
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        "a borrowed string" | "string" => "a string",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "unit" => "nothing",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn found_in_words(found: &str) -> &str {
    match found {
        "map" => "an object",
        "sequence" => "a list",
        "null" | "unit value" => "`null`",
        other => ["string ", "integer ", "floating point ", "boolean ", "character "]
            .iter()
            .find_map(|kind| other.strip_prefix(kind))
            .unwrap_or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        assert_eq!(read(&file).unwrap(), b"text");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for (path, what) in [
            (pipe.as_path(), "it is a named pipe, not a file"),
            (folder.path(), "it is a folder, not a file"),
            (Path::new("/dev/zero"), "it is a device, not a file"),
        ] {
            assert_eq!(read(path).unwrap_err().to_string(), what);
        }
        assert_eq!(read(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_that_is_no_text_is_called_what_it_is() {
        let told = |content: &[u8]| objection(content).map(|objection| (objection.offset, objection.what.split(['.', ':', ';']).next()));
        for (content, offset, what) in [
            (&b"\xff\xfe{\0"[..], 0, "the file is in UTF-16"),
            (b"\xfe\xff\0{", 0, "the file is in UTF-16"),
            (b"\xef\xbb\xbf{}", 0, "the file begins with a byte order mark"),
            (b"{\n\0", 2, "the file holds a NUL byte"),
            (
                b"{\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n",
                2,
                "the file has an unresolved merge conflict",
            ),
        ] {
            assert_eq!(told(content), Some((offset, Some(what))));
        }
        assert_eq!(told(b"{\"a\": \"<<<<<<< HEAD\"}\n======= \n"), None);
        assert_eq!(line_and_column("é\nab".as_bytes(), 4), (2, 2));
    }

    #[test]
    fn what_serde_says_is_said_in_plain_words() {
        for (message, words) in [
            ("missing field `name` at line 1 column 2", "missing key `name`"),
            (
                "unknown field `nam`, expected `name` or `cassette` at line 1 column 6",
                "unknown key `nam`, expected `name` or `cassette`",
            ),
            ("invalid type: integer `5`, expected a string", "expected a string, found `5`"),
            ("invalid type: string \"x\", expected a sequence", "expected a list, found \"x\""),
            ("invalid type: map, expected u32", "expected a whole number, found an object"),
            ("invalid type: null, expected struct Start", "expected an object, found `null`"),
            (
                "data did not match any variant of untagged enum Thing",
                "it has none of the forms that belong here",
            ),
        ] {
            assert_eq!(in_plain_words(message), words);
        }
    }
}
