//! The folder of one run: its name, its lock, its header.

use super::{JournalError, database, large, saves};
use crate::cassette::state::Lock;
use crate::cassette::{Cassette, Name, StateFolder, durable};
use crate::json::problem::problem;
use crate::json::rewrite;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const HEADER: &str = "run.json";

/// The lock of a run. What it holds is the mark of a folder that is ours.
const LOCK: &str = "lock";
const MARK: &[u8] = b"ferrotape: the journal of one run, removed when its cassette is saved\n";

/// What a run says of itself before it records anything: all that recovery needs.
#[derive(Debug, Clone)]
pub struct RunHeader {
    /// The cassette that is being recorded.
    pub name: Name,
    /// The cassette as it will be, without interactions: origin, models, and the salt and rules of
    /// its redaction.
    pub cassette: Cassette,
    /// The interactions go behind those that the cassette holds already.
    pub adds: bool,
}

#[derive(Deserialize)]
struct HeaderFile<'a> {
    journal: u32,
    name: &'a str,
    #[serde(borrow)]
    cassette: &'a RawValue,
    #[serde(default)]
    adds: bool,
}

impl RunHeader {
    /// The header as it is kept.
    pub fn render(&self) -> String {
        let name = rewrite::string(self.name.as_str());
        let adds = if self.adds { ",\"adds\":true" } else { "" };
        format!("{{\"journal\":1,\"name\":{name}{adds},\"cassette\":{}}}\n", self.cassette.to_line())
    }

    /// Reads what [`RunHeader::render`] made; `path` is for the message of an error.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<RunHeader, String> {
        let file: HeaderFile<'_> = serde_json::from_slice(bytes).map_err(|error| problem(bytes, &error))?;
        if file.journal != 1 {
            return Err(format!("it is of version {}, and this ferrotape reads version 1", file.journal));
        }
        let no_blobs = |_: &str| Err(io::Error::other("a run's header has no large bodies"));
        Ok(RunHeader {
            name: Name::parse(file.name).map_err(|error| error.to_string())?,
            adds: file.adds,
            cassette: Cassette::parse(file.cassette.get().as_bytes(), path, &no_blobs).map_err(|error| error.to_string())?,
        })
    }
}

/// A run's folder, locked.
pub(super) struct RunFolder {
    path: PathBuf,
    identity: Identity,
    _lock: Lock,
}

impl RunFolder {
    /// Makes a folder for a new run and writes its header.
    pub(super) fn create(state: &StateFolder, header: &RunHeader) -> Result<RunFolder, JournalError> {
        state.make().map_err(JournalError::write(state.path()))?;
        let journals = journals(state);
        durable::make_folder(&journals).map_err(JournalError::write(&journals))?;
        let _gate = gate(&journals)?;
        let path = make_free_folder(&journals, &header.name)?;
        let begun = RunFolder::begun(&journals, path.clone(), header);
        if begun.is_err() {
            // Only what was just made; where that fails, too, an empty folder is left.
            let _ = [LOCK, HEADER].map(|file| fs::remove_file(path.join(file)));
            let _ = fs::remove_dir(&path);
        }
        begun
    }

    fn begun(journals: &Path, path: PathBuf, header: &RunHeader) -> Result<RunFolder, JournalError> {
        let lock = path.join(LOCK);
        fs::write(&lock, MARK).map_err(JournalError::write(&lock))?;
        let Some(lock) = Lock::try_take(&lock).map_err(JournalError::write(&path))? else {
            return Err(JournalError::Closed { folder: path });
        };
        let file = path.join(HEADER);
        durable::replace_file(&file, header.render().as_bytes()).map_err(JournalError::write(&file))?;
        durable::sync_folder(journals).map_err(JournalError::write(journals))?;
        let identity = Identity::of(&path).map_err(JournalError::write(&path))?;
        Ok(RunFolder {
            path,
            identity,
            _lock: lock,
        })
    }

    /// The folders of runs that live no more, sorted, each locked; or why one cannot be looked at.
    pub(super) fn dead(state: &StateFolder) -> Result<Vec<Result<RunFolder, JournalError>>, JournalError> {
        let journals = journals(state);
        if !journals.is_dir() {
            return Ok(Vec::new());
        }
        let _gate = gate(&journals)?;
        let mut paths = Vec::new();
        for entry in fs::read_dir(&journals).map_err(JournalError::read(&journals))? {
            let path = entry.map_err(JournalError::read(&journals))?.path();
            if is_ours(&path) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths.into_iter().filter_map(|path| RunFolder::taken(path).transpose()).collect())
    }

    /// The folder at that path, locked; nothing where its run lives.
    fn taken(path: PathBuf) -> Result<Option<RunFolder>, JournalError> {
        let Some(lock) = Lock::try_take(&path.join(LOCK)).map_err(JournalError::read(&path))? else {
            return Ok(None);
        };
        let identity = Identity::of(&path).map_err(JournalError::read(&path))?;
        Ok(Some(RunFolder {
            path,
            identity,
            _lock: lock,
        }))
    }

    /// Moves the folder to where no run looks for it; gives its new place.
    pub(super) fn set_aside(self, state: &StateFolder) -> Result<PathBuf, JournalError> {
        let aside = state.path().join("set-aside");
        durable::make_folder(&aside).map_err(JournalError::write(&aside))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut number = 1u64;
        let place = loop {
            let ending = if number == 1 { String::new() } else { format!("-{number}") };
            let place = aside.join(format!("{name}{ending}"));
            if place.symlink_metadata().is_err() {
                break place;
            }
            number += 1;
        };
        fs::rename(&self.path, &place).map_err(JournalError::write(&place))?;
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder is where it was made, and has its lock: nobody removed or replaced it.
    pub(super) fn is_there(&self) -> bool {
        self.identity.is_still(&self.path) && self.path.join(LOCK).is_file()
    }

    /// The header; none where the run died before it had written one, and so before any record.
    pub(super) fn header(&self) -> Result<Option<RunHeader>, JournalError> {
        let path = self.path.join(HEADER);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(JournalError::read(&path))?,
        };
        let header = RunHeader::parse(&bytes, &path).map_err(|what| JournalError::Damaged {
            folder: self.path.clone(),
            what: format!("`{HEADER}`: {what}"),
        })?;
        Ok(Some(header))
    }

    /// Makes what lies in the folder by now durable: the database's first files and their names.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let sync = || {
            for entry in fs::read_dir(&self.path)? {
                File::open(entry?.path())?.sync_all()?;
            }
            durable::sync_folder(&self.path)
        };
        sync().map_err(JournalError::write(&self.path))
    }

    /// Removes what a run puts into its folder, the header first: without one it counts as empty,
    /// wherever this stops. The folder goes with it unless somebody else put something there.
    pub(super) fn remove(self) -> Result<(), JournalError> {
        let remove = || {
            match fs::remove_file(self.path.join(HEADER)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => durable::sync_folder(&self.path)?,
            }
            remove_files(&self.path.join(BLOBS), is_blob)?;
            remove_files(&self.path.join(large::FOLDER), large::is_name)?;
            remove_files(&self.path, is_of_a_run)?;
            remove_files(&self.path, |name| name == LOCK)
        };
        remove().map_err(JournalError::write(&self.path))
    }
}

/// Whether a folder is one that [`RunFolder::create`] made: it is marked, or has a header as those of
/// older versions do. Links are not followed.
fn is_ours(folder: &Path) -> bool {
    let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_file());
    let lock = folder.join(LOCK);
    let is_folder = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
    is_folder && is_file(&lock) && (is_file(&folder.join(HEADER)) || fs::read(&lock).is_ok_and(|content| content == MARK))
}

/// Names of the files that the database and the journal make beside the header and the lock.
fn is_of_a_run(name: &str) -> bool {
    let is_snapshot = name
        .strip_prefix("snap.")
        .is_some_and(|rest| is_hexadecimal(rest.strip_suffix(".generating").unwrap_or(rest)));
    matches!(name, "db" | "conf" | database::ACKNOWLEDGED | saves::FILE) || is_snapshot || durable::is_temporary(name)
}

/// The database's folder for large pages, which have numbers for names.
const BLOBS: &str = "blobs";

fn is_blob(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit())
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Removes the files of a folder that have such names, and the folder once it is empty. What is no file
/// is not ours.
fn remove_files(folder: &Path, is_name: impl Fn(&str) -> bool) -> io::Result<()> {
    if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let mut is_empty = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_type()?.is_file() && entry.file_name().to_str().is_some_and(&is_name);
        match is_ours {
            true => fs::remove_file(entry.path())?,
            false => is_empty = false,
        }
    }
    if is_empty { fs::remove_dir(folder) } else { Ok(()) }
}

/// Which folder or file a path led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(path: &Path) -> io::Result<Identity> {
        let metadata = fs::metadata(path)?;
        Ok(Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Whether the path leads there still.
    pub(super) fn is_still(self, path: &Path) -> bool {
        Identity::of(path).is_ok_and(|now| now == self)
    }
}

fn journals(state: &StateFolder) -> PathBuf {
    state.path().join("journal")
}

/// Held while folders are made or looked through, so that a new one is never seen before its lock
/// is taken.
fn gate(journals: &Path) -> Result<Lock, JournalError> {
    let path = journals.join(".lock");
    Lock::take(&path).map_err(JournalError::write(&path))
}

/// `checkout+happy-path-1`: the name with `+` for `/`, and the first number that is free.
fn make_free_folder(journals: &Path, name: &Name) -> Result<PathBuf, JournalError> {
    let name = name.as_str().replace('/', "+");
    let mut number = 1u64;
    loop {
        let path = journals.join(format!("{name}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(JournalError::write(&path)(error)),
        }
    }
}
