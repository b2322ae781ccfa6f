//! The journal of a run: what was recorded, durable before the client is told so.
//!
//! One folder per run, `.ferrotape/journal/NAME-N/`, with a header, a lock that lives as long as
//! the run, and a database. One thread owns the database: it takes all records that wait, writes
//! them as one batch, syncs, and only then acknowledges them, so that many clients share one
//! sync. After the run the records become a cassette and the folder goes; a folder whose run died
//! is found by [`recover`].
//!
//! What a record says is not the journal's business. That it holds no secret is its callers'.

mod database;
mod large;
mod run;
mod saves;
mod writer;

pub use run::RunHeader;
pub use saves::{Save, Saves};
pub use writer::Begun;

use super::{StateFolder, durable};
use database::{Database, Stored};
use run::RunFolder;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use writer::{Records, Writer};

/// Why something could not be made durable, or be found again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// A file or folder of the journal cannot be written.
    #[error("cannot write the journal `{}`: {}{}", path.display(), durable::reason(why), durable::way_out(why))]
    Write { path: PathBuf, why: Arc<io::Error> },
    /// A file or folder of the journal cannot be read.
    #[error("cannot read the journal `{}`: {why}", path.display())]
    Read { path: PathBuf, why: Arc<io::Error> },
    /// Something removed or replaced the folder while the run went.
    #[error("the journal `{}` is gone; something removed it while the recording went on", folder.display())]
    Gone { folder: PathBuf },
    /// The folder does not hold what a run puts there.
    #[error("the journal `{}` is damaged: {what}", folder.display())]
    Damaged { folder: PathBuf, what: String },
    /// The thread that writes has ended.
    #[error("the journal `{}` is closed", folder.display())]
    Closed { folder: PathBuf },
}

impl JournalError {
    fn write(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_owned();
        move |why| JournalError::Write { path, why: Arc::new(why) }
    }

    fn read(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_owned();
        move |why| JournalError::Read { path, why: Arc::new(why) }
    }
}

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it stands among the others.
    pub sequence: u64,
    /// What it says.
    pub content: Vec<u8>,
    /// It takes the place of an earlier one.
    pub is_new_version: bool,
}

impl Record {
    /// A record whose number was not used before.
    pub fn new(sequence: u64, content: Vec<u8>) -> Record {
        Record {
            sequence,
            content,
            is_new_version: false,
        }
    }

    /// A record in the place of the one that has that number.
    pub fn new_version(sequence: u64, content: Vec<u8>) -> Record {
        Record {
            is_new_version: true,
            ..Record::new(sequence, content)
        }
    }
}

/// The journal of a living run. Dropped without a seal it stays on disk, to be recovered.
pub struct Journal {
    // In this order: the database is closed before the lock of the run is given back.
    writer: Writer,
    folder: RunFolder,
    header: RunHeader,
}

impl Journal {
    /// Starts the journal of a run in a folder of its own. Blocks for a few syncs.
    pub fn create(state: &StateFolder, header: RunHeader) -> Result<Journal, JournalError> {
        let folder = RunFolder::create(state, &header)?;
        let writer = Writer::start(folder.path())?;
        folder.sync()?;
        Ok(Journal { writer, folder, header })
    }

    /// The folder of the run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Hands over records that become durable together or not at all, among them new versions of earlier
    /// ones. They are written even where the caller stops waiting.
    pub async fn begin(&self, records: Vec<Record>) -> Result<Begun, JournalError> {
        self.writer.begin(records).await
    }

    /// Writes a record, and returns when neither `kill -9` nor a power cut can lose it. Each
    /// sequence number may be used once. After a failure all later appends fail, too. A record is
    /// written even where the caller stops waiting.
    pub async fn append(&self, sequence: u64, record: Vec<u8>) -> Result<(), JournalError> {
        self.begin(vec![Record::new(sequence, record)]).await?.durable().await
    }

    /// Records that were handed over before, in the order of these numbers. After a failed append it
    /// fails, too.
    pub async fn read(&self, sequences: Vec<u64>) -> Result<Vec<Vec<u8>>, JournalError> {
        self.writer.read(sequences).await
    }

    /// The same as [`Journal::append`] from a thread that may wait.
    pub fn append_blocking(&self, sequence: u64, record: Vec<u8>) -> Result<(), JournalError> {
        self.writer.append_blocking(sequence, record)
    }

    /// Records that were appended before, in the order of these numbers. Blocks; after a failed
    /// append it fails, too.
    pub fn read_blocking(&self, sequences: Vec<u64>) -> Result<Vec<Vec<u8>>, JournalError> {
        self.writer.read_blocking(sequences)
    }

    /// Where what is saved of the run is noted.
    pub fn saves(&self) -> Saves {
        Saves::of(self.folder.path())
    }

    /// How many syncs the appends so far have cost.
    pub fn batches(&self) -> u64 {
        self.writer.batches()
    }

    /// Ends the run and gives its records in the order of their sequence numbers. The folder
    /// stays, locked, until [`SealedRun::remove`]: first save the cassette. Blocks while the
    /// records are read. After a failed append it gives what was acknowledged, and perhaps more; so it
    /// does where the folder is gone, if the database can still be read.
    pub fn seal(self) -> Result<SealedRun, JournalError> {
        let records = self.writer.seal()?;
        Ok(SealedRun::of(self.header, records, self.folder))
    }
}

/// A run that has ended, with its records. While it lives, no other process recovers it.
pub struct SealedRun {
    /// What the run said of itself.
    pub header: RunHeader,
    /// Something removed the folder while the run went.
    pub is_gone: bool,
    /// In the order of their sequence numbers.
    records: Records,
    folder: RunFolder,
}

impl SealedRun {
    fn of(header: RunHeader, records: Records, folder: RunFolder) -> SealedRun {
        SealedRun {
            is_gone: !folder.is_there(),
            header,
            records,
            folder,
        }
    }

    /// The folder of the run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where what is saved of the run is noted.
    pub fn saves(&self) -> Saves {
        Saves::of(self.folder.path())
    }

    /// Moves the folder to where no run looks for it, because not all of it can be recovered; gives its
    /// new place.
    pub fn set_aside(self, state: &StateFolder) -> Result<PathBuf, JournalError> {
        self.folder.set_aside(state)
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records with their sequence numbers, in their order. Large ones are read when it is their turn.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, Result<Vec<u8>, JournalError>)> {
        let load = |(number, stored): &(u64, Stored)| (*number, stored.load(self.folder.path()));
        self.records.iter().map(load)
    }

    /// All records, in the order of their sequence numbers.
    ///
    /// # Errors
    /// Where one cannot be read.
    pub fn records(&self) -> Result<Vec<Vec<u8>>, JournalError> {
        self.numbered().map(|(_, record)| record).collect()
    }

    /// Removes the folder. To be called when the cassette is saved, or when there is none to save.
    pub fn remove(self) -> Result<(), JournalError> {
        match self.is_gone {
            true => Ok(()),
            false => self.folder.remove(),
        }
    }
}

/// What earlier runs left behind.
#[derive(Default)]
pub struct Recovery {
    /// Runs that died before their seal, sorted by folder.
    pub runs: Vec<SealedRun>,
    /// Runs whose journal is damaged, and where it was moved, so that it is reported once.
    pub damaged: Vec<(JournalError, PathBuf)>,
    /// Runs whose journal cannot be read now. Their folders stay.
    pub unread: Vec<JournalError>,
}

/// Finds the journals whose run is dead. Those of living runs are left alone; folders of runs
/// that died before they could record anything are removed.
pub fn recover(state: &StateFolder) -> Result<Recovery, JournalError> {
    let mut recovery = Recovery::default();
    for folder in RunFolder::dead(state)? {
        let folder = match folder {
            Ok(folder) => folder,
            Err(error) => {
                recovery.unread.push(error);
                continue;
            }
        };
        match recover_run(&folder) {
            Ok((Some(header), records)) if !records.is_empty() => recovery.runs.push(SealedRun::of(header, records, folder)),
            Ok(_) => recovery.unread.extend(folder.remove().err()),
            Err(error @ JournalError::Damaged { .. }) => match folder.set_aside(state) {
                Ok(place) => recovery.damaged.push((error, place)),
                Err(_) => recovery.unread.push(error),
            },
            Err(error) => recovery.unread.push(error),
        }
    }
    Ok(recovery)
}

/// The header and the records of a dead run; no header where it died before it had recorded anything.
fn recover_run(folder: &RunFolder) -> Result<(Option<RunHeader>, Records), JournalError> {
    let Some(header) = folder.header()? else {
        return Ok((None, Records::new()));
    };
    let path = folder.path().to_owned();
    let records = writer::on_writer_thread(&path, move |path| Database::open(&path)?.close_with_records())?;
    Ok((Some(header), records))
}

#[cfg(test)]
mod tests;
