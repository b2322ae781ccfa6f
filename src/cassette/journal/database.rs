//! The only file that knows sled.
//!
//! sled 0.34 is used in the one way that was measured to be safe: by one thread, with blocking
//! flushes. Its flush is `sync_file_range` on Linux, which a power cut does not respect, so the
//! files are synced after it; it panics on damaged files, so every call is guarded.

use super::run::Identity;
use super::{JournalError, Record, large};
use crate::cassette::durable;
use std::any::Any;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Records are cut into chunks so small that sled never puts a page into a file of its own: such
/// files it neither syncs nor removes at a safe moment. A leaf is written with up to 17 entries
/// (`should_split` in its `node.rs`) and must stay below a quarter of a segment of 512 KiB.
const CHUNK: usize = 7 * 1024;

/// In front of each record: its length (eight bytes) and its CRC-32 (four), big-endian.
const PREFIX: usize = 12;

/// In the place of the length of a record that is a file; its CRC-32 follows.
const IN_A_FILE: [u8; 8] = [0xff; 8];

/// How long a folder may stay locked by a handle of this process that is just being closed.
const CLOSING: Duration = Duration::from_secs(5);

/// How many records were acknowledged, in decimal. sled takes a damaged log for a shorter one and
/// says nothing. The file is written after the sync that it counts and needs none itself: after a
/// power cut it may say less than is there, never more.
pub(super) const ACKNOWLEDGED: &str = "acknowledged";

/// sled's file.
const FILE: &str = "db";

pub(super) struct Database {
    db: sled::Db,
    acknowledged: u64,
    folder: PathBuf,
    /// The database's file.
    identity: Identity,
    /// sled's files for large pages that are durable already. There should be none.
    synced: HashSet<OsString>,
}

impl Database {
    pub(super) fn open(folder: &Path) -> Result<Database, JournalError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(64 * 1024 * 1024)
            .flush_every_ms(None);
        let deadline = Instant::now() + CLOSING;
        let db = guarded(folder, || {
            loop {
                match config.open() {
                    Err(sled::Error::Io(error)) if is_locked(&error) && Instant::now() < deadline => {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    opened => return opened.map_err(|source| failure(folder, source)),
                }
            }
        })?;
        let identity = Identity::of(&folder.join(FILE)).map_err(JournalError::write(folder))?;
        Ok(Database {
            db,
            acknowledged: 0,
            identity,
            folder: folder.to_owned(),
            synced: HashSet::new(),
        })
    }

    /// Whether the database is where it was opened. sled holds its file open and would not notice.
    pub(super) fn is_there(&self) -> bool {
        self.identity.is_still(&self.folder.join(FILE))
    }

    /// Writes records as one batch, and returns when they are durable: in files that still have their
    /// names.
    pub(super) fn write<'a>(&mut self, records: impl Iterator<Item = &'a Record>) -> Result<(), JournalError> {
        let written = self.write_batch(records);
        match self.is_there() {
            true => written,
            false => Err(JournalError::Gone {
                folder: self.folder.clone(),
            }),
        }
    }

    fn write_batch<'a>(&mut self, records: impl Iterator<Item = &'a Record>) -> Result<(), JournalError> {
        let mut batch = sled::Batch::default();
        let mut count = 0;
        let mut replaced = Vec::new();
        for record in records {
            let framed = match record.content.len() > large::LARGE {
                true => self.filed(record)?.to_vec(),
                false => [&prefix(&record.content)[..], &record.content].concat(),
            };
            let chunks = framed.chunks(CHUNK);
            if record.is_new_version {
                let checksum = self.file_of(record.sequence)?.filter(|checksum| framed != in_a_file(*checksum));
                replaced.extend(checksum.map(|checksum| (record.sequence, checksum)));
                self.remove_behind(record.sequence, chunks.len(), &mut batch)?;
            }
            for (number, chunk) in chunks.enumerate() {
                batch.insert(&key(record.sequence, number), chunk);
            }
            count += u64::from(!record.is_new_version);
        }
        guarded(&self.folder, || {
            let applied = self.db.apply_batch(batch).and_then(|()| self.db.flush());
            applied.map(drop).map_err(|source| failure(&self.folder, source))
        })?;
        self.acknowledged += count;
        let counted = self.sync().and_then(|()| self.count());
        counted.map_err(JournalError::write(&self.folder))?;
        // What was replaced may hold what is known to be a secret by now.
        let mut replaced = replaced.into_iter();
        let removed = replaced.try_for_each(|(sequence, checksum)| large::remove(&self.folder, sequence, checksum));
        removed.map_err(JournalError::write(&self.folder))
    }

    /// Makes a file of a record, and gives what the database holds in its place.
    fn filed(&self, record: &Record) -> Result<[u8; PREFIX], JournalError> {
        let written = large::write(&self.folder, record.sequence, &record.content);
        written.map(in_a_file).map_err(JournalError::write(&self.folder))
    }

    /// The checksum of a record, where that is a file.
    fn file_of(&self, sequence: u64) -> Result<Option<u32>, JournalError> {
        let found = guarded(&self.folder, || {
            self.db.get(key(sequence, 0)).map_err(|source| failure(&self.folder, source))
        })?;
        Ok(found.as_deref().and_then(checksum_of_file))
    }

    /// Removes what an earlier version of a record has more than so many chunks.
    fn remove_behind(&self, sequence: u64, chunks: usize, batch: &mut sled::Batch) -> Result<(), JournalError> {
        guarded(&self.folder, || {
            let end = key(sequence, usize::MAX);
            for found in self.db.range(key(sequence, chunks)..=end).keys() {
                batch.remove(found.map_err(|source| failure(&self.folder, source))?);
            }
            Ok(())
        })
    }

    fn count(&self) -> io::Result<()> {
        let path = self.folder.join(ACKNOWLEDGED);
        let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
        // Always as long, so that one write replaces the last.
        file.write_all(format!("{:020}\n", self.acknowledged).as_bytes())
    }

    fn counted(&self) -> u64 {
        let text = fs::read_to_string(self.folder.join(ACKNOWLEDGED)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// What sled's flush leaves out: its new files, their names, then the log that refers to them.
    /// All are opened by name, so that a folder that is gone is noticed.
    fn sync(&mut self) -> io::Result<()> {
        let blobs = self.folder.join("blobs");
        let mut any_new = false;
        for entry in fs::read_dir(&blobs)? {
            let name = entry?.file_name();
            if self.synced.contains(&name) {
                continue;
            }
            match File::open(blobs.join(&name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // replaced by a newer one
                file => file?.sync_all()?,
            }
            self.synced.insert(name);
            any_new = true;
        }
        if any_new {
            durable::sync_folder(&blobs)?;
        }
        File::open(self.folder.join(FILE))?.sync_data()
    }

    /// The record of that number.
    pub(super) fn read(&self, sequence: u64) -> Result<Vec<u8>, JournalError> {
        let found = guarded(&self.folder, || self.assembled(self.db.scan_prefix(sequence.to_be_bytes())))?;
        let record = found.into_iter().next().map(|(_, record)| record);
        record.ok_or_else(|| self.damaged("less than was written"))?.load(&self.folder)
    }

    /// All records in the order of their sequence numbers, with these. The database is closed.
    pub(super) fn close_with_records(self) -> Result<Vec<(u64, Stored)>, JournalError> {
        let records = self.records();
        self.close();
        records
    }

    /// All records: no fewer than were acknowledged, each as it was written.
    pub(super) fn records(&self) -> Result<Vec<(u64, Stored)>, JournalError> {
        let counted = self.counted().max(self.acknowledged);
        let records = guarded(&self.folder, || self.assembled(self.db.iter()))?;
        if (records.len() as u64) < counted {
            return Err(JournalError::Damaged {
                folder: self.folder.clone(),
                what: format!("{counted} records were written, and {} are left", records.len()),
            });
        }
        Ok(records)
    }

    /// Closes the database, which may flush once more; what it did not acknowledge may be lost.
    pub(super) fn close(self) {
        let Database { db, folder, .. } = self;
        let _ = guarded(&folder, || {
            drop(db);
            Ok(())
        });
    }

    /// Records put together from their chunks.
    fn assembled(&self, chunks: sled::Iter) -> Result<Vec<(u64, Stored)>, JournalError> {
        let mut records = Vec::new();
        let mut framed = Vec::new();
        let mut last: Option<(u64, u32)> = None;
        for entry in chunks {
            let (key, chunk) = entry.map_err(|source| failure(&self.folder, source))?;
            let (sequence, number) = parse_key(&key).ok_or_else(|| self.damaged("an entry that no record has"))?;
            let wanted = match last {
                Some((of, number)) if of == sequence => number + 1,
                _ => {
                    self.finish(&mut framed, &mut records, last)?;
                    0
                }
            };
            if number != wanted {
                return Err(self.damaged("a record of which a part is missing"));
            }
            framed.extend_from_slice(&chunk);
            last = Some((sequence, number));
        }
        self.finish(&mut framed, &mut records, last)?;
        Ok(records)
    }

    /// Checks a record whose chunks are all there.
    fn finish(&self, framed: &mut Vec<u8>, records: &mut Vec<(u64, Stored)>, last: Option<(u64, u32)>) -> Result<(), JournalError> {
        let Some((sequence, _)) = last else { return Ok(()) };
        let framed = std::mem::take(framed);
        if let Some(checksum) = checksum_of_file(&framed) {
            records.push((sequence, Stored::File { sequence, checksum }));
            return Ok(());
        }
        match framed.split_at_checked(PREFIX) {
            Some((head, record)) if head == prefix(record) => records.push((sequence, Stored::Here(record.to_vec()))),
            _ => return Err(self.damaged("a record that is not as it was written")),
        }
        Ok(())
    }

    fn damaged(&self, what: &str) -> JournalError {
        JournalError::Damaged {
            folder: self.folder.clone(),
            what: format!("it holds {what}"),
        }
    }
}

/// A record as it was found.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    /// It was in the database.
    Here(Vec<u8>),
    /// It is a file beside it.
    File {
        /// Its number.
        sequence: u64,
        /// Its CRC-32.
        checksum: u32,
    },
}

impl Stored {
    /// The record. `folder`: that of the run.
    pub(super) fn load(&self, folder: &Path) -> Result<Vec<u8>, JournalError> {
        let (sequence, checksum) = match self {
            Stored::Here(record) => return Ok(record.clone()),
            Stored::File { sequence, checksum } => (*sequence, *checksum),
        };
        let found = large::read(folder, sequence, checksum).map_err(JournalError::read(folder))?;
        found.ok_or_else(|| JournalError::Damaged {
            folder: folder.to_owned(),
            what: format!("the file of record {sequence} is missing, or not as it was written"),
        })
    }
}

fn in_a_file(checksum: u32) -> [u8; PREFIX] {
    let mut prefix = [0; PREFIX];
    prefix[..8].copy_from_slice(&IN_A_FILE);
    prefix[8..].copy_from_slice(&checksum.to_be_bytes());
    prefix
}

fn checksum_of_file(framed: &[u8]) -> Option<u32> {
    let checksum = framed.strip_prefix(&IN_A_FILE)?;
    checksum.try_into().ok().map(u32::from_be_bytes)
}

fn prefix(record: &[u8]) -> [u8; PREFIX] {
    let mut prefix = [0; PREFIX];
    prefix[..8].copy_from_slice(&(record.len() as u64).to_be_bytes());
    prefix[8..].copy_from_slice(&crc32fast::hash(record).to_be_bytes());
    prefix
}

/// Sequence number, then chunk number, so that the order of keys is that of the bytes.
fn key(sequence: u64, chunk: usize) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&sequence.to_be_bytes());
    key[8..].copy_from_slice(&(chunk as u32).to_be_bytes());
    key
}

fn parse_key(key: &[u8]) -> Option<(u64, u32)> {
    let (sequence, chunk) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*sequence), u32::from_be_bytes(chunk.try_into().ok()?)))
}

fn is_locked(error: &io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

fn failure(folder: &Path, source: sled::Error) -> JournalError {
    let folder = folder.to_owned();
    match source {
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => JournalError::Damaged {
            folder,
            what: source.to_string(),
        },
        sled::Error::Io(source) => JournalError::write(&folder)(source),
        source => JournalError::Damaged {
            folder,
            what: source.to_string(),
        },
    }
}

/// Runs a call into sled, and makes an error of a panic.
fn guarded<T>(folder: &Path, call: impl FnOnce() -> Result<T, JournalError>) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(JournalError::Damaged {
            folder: folder.to_owned(),
            what: panic_text(panic.as_ref()).to_owned(),
        })
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the database gave up")
}
