//! Large records: each is a file beside the database, which would keep them in memory.
//!
//! The database holds the checksum of the record in its place, and the file is named by number and
//! checksum: so a new version of a record is written beside the old one, and the database alone says
//! which counts. A file is durable before the database refers to it.

use crate::cassette::durable;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Records with more bytes than this are files.
pub(super) const LARGE: usize = 256 * 1024;

/// The folder of the files.
pub(super) const FOLDER: &str = "records";

/// Writes a record and gives its checksum.
pub(super) fn write(run: &Path, sequence: u64, content: &[u8]) -> io::Result<u32> {
    let checksum = crc32fast::hash(content);
    let path = path(run, sequence, checksum);
    let folder = durable::parent(&path);
    if !folder.is_dir() {
        fs::create_dir(folder)?;
        durable::sync_folder(run)?;
    }
    durable::replace_file(&path, content)?;
    Ok(checksum)
}

/// The record of that number and checksum; nothing where its file holds another.
pub(super) fn read(run: &Path, sequence: u64, checksum: u32) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path(run, sequence, checksum)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        content => Ok(Some(content?).filter(|content| crc32fast::hash(content) == checksum)),
    }
}

/// Removes a version of a record that counts no more.
pub(super) fn remove(run: &Path, sequence: u64, checksum: u32) -> io::Result<()> {
    let path = path(run, sequence, checksum);
    fs::remove_file(&path)?;
    durable::sync_folder(durable::parent(&path))
}

/// Whether a file of the folder is a record, or was to become one.
pub(super) fn is_name(name: &str) -> bool {
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_record = |(sequence, checksum): (&str, &str)| {
        (sequence.len(), checksum.len()) == (16, 8) && is_hexadecimal(sequence) && is_hexadecimal(checksum)
    };
    name.split_once('-').is_some_and(is_record) || durable::is_temporary(name)
}

fn path(run: &Path, sequence: u64, checksum: u32) -> PathBuf {
    run.join(FOLDER).join(format!("{sequence:016x}-{checksum:08x}"))
}
