//! The thread that owns the database of a run, and the way to it.

use super::database::{Database, Stored};
use super::{JournalError, Record};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// How many records may wait, and how many become durable with one sync.
const BATCH: usize = 1024;

const THREAD: &str = "ferrotape-journal";

/// What is asked of the thread.
enum Wish {
    Append(Append),
    /// The records of these numbers, all written before.
    Read {
        sequences: Vec<u64>,
        done: oneshot::Sender<Result<Vec<Vec<u8>>, JournalError>>,
    },
}

struct Append {
    records: Vec<Record>,
    done: oneshot::Sender<Result<(), JournalError>>,
}

/// Records that were handed over.
pub struct Begun {
    is_done: oneshot::Receiver<Result<(), JournalError>>,
    folder: PathBuf,
}

impl Begun {
    /// Returns when neither `kill -9` nor a power cut can lose them.
    ///
    /// # Errors
    /// Where they cannot be written, or an earlier one could not.
    pub async fn durable(self) -> Result<(), JournalError> {
        self.is_done.await.unwrap_or_else(|_| Err(closed(&self.folder)))
    }
}

/// Records with their numbers.
pub(super) type Records = Vec<(u64, Stored)>;

/// What the thread gives back at its end: the records, where they were asked for.
type Outcome = Result<Option<Records>, JournalError>;

pub(super) struct Writer {
    folder: PathBuf,
    /// None once the writer is ending.
    sender: Option<mpsc::Sender<Wish>>,
    wants_records: Arc<AtomicBool>,
    batches: Arc<AtomicU64>,
    thread: Option<JoinHandle<Outcome>>,
}

impl Writer {
    /// Opens the database in that folder on a thread of its own.
    pub(super) fn start(folder: &Path) -> Result<Writer, JournalError> {
        let (sender, receiver) = mpsc::channel(BATCH);
        let (opened, is_open) = std_mpsc::channel();
        let wants_records = Arc::new(AtomicBool::new(false));
        let wanted = Arc::clone(&wants_records);
        let batches = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&batches);
        let thread = spawn(folder, move |path| {
            let database = match Database::open(&path) {
                Ok(database) => database,
                Err(error) => {
                    let _ = opened.send(Err(error));
                    return Ok(None);
                }
            };
            let _ = opened.send(Ok(()));
            let (database, failure) = serve(database, receiver, &counter);
            finish(database, &path, failure, wanted.load(Ordering::Acquire))
        })?;
        is_open.recv().unwrap_or_else(|_| Err(closed(folder)))?;
        Ok(Writer {
            folder: folder.to_owned(),
            sender: Some(sender),
            wants_records,
            batches,
            thread: Some(thread),
        })
    }

    pub(super) async fn begin(&self, records: Vec<Record>) -> Result<Begun, JournalError> {
        let (done, is_done) = oneshot::channel();
        let wish = Wish::Append(Append { records, done });
        self.send(wish).await?;
        Ok(Begun {
            is_done,
            folder: self.folder.clone(),
        })
    }

    pub(super) async fn read(&self, sequences: Vec<u64>) -> Result<Vec<Vec<u8>>, JournalError> {
        let (done, is_done) = oneshot::channel();
        self.send(Wish::Read { sequences, done }).await?;
        is_done.await.unwrap_or_else(|_| Err(closed(&self.folder)))
    }

    async fn send(&self, wish: Wish) -> Result<(), JournalError> {
        self.sender()?.send(wish).await.map_err(|_| closed(&self.folder))
    }

    pub(super) fn append_blocking(&self, sequence: u64, record: Vec<u8>) -> Result<(), JournalError> {
        let (done, is_done) = oneshot::channel();
        let records = vec![Record::new(sequence, record)];
        self.wish(Wish::Append(Append { records, done }))?;
        is_done.blocking_recv().unwrap_or_else(|_| Err(closed(&self.folder)))
    }

    pub(super) fn read_blocking(&self, sequences: Vec<u64>) -> Result<Vec<Vec<u8>>, JournalError> {
        let (done, is_done) = oneshot::channel();
        self.wish(Wish::Read { sequences, done })?;
        is_done.blocking_recv().unwrap_or_else(|_| Err(closed(&self.folder)))
    }

    fn wish(&self, wish: Wish) -> Result<(), JournalError> {
        self.sender()?.blocking_send(wish).map_err(|_| closed(&self.folder))
    }

    fn sender(&self) -> Result<&mpsc::Sender<Wish>, JournalError> {
        self.sender.as_ref().ok_or_else(|| closed(&self.folder))
    }

    pub(super) fn seal(mut self) -> Result<Records, JournalError> {
        self.wants_records.store(true, Ordering::Release);
        self.end()?.ok_or_else(|| closed(&self.folder))
    }

    /// How many batches were written so far, each with a sync of its own.
    pub(super) fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    fn end(&mut self) -> Outcome {
        drop(self.sender.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) | None => Err(closed(&self.folder)),
        }
    }
}

impl Drop for Writer {
    /// Waits until the database is closed, so that the folder can be opened again at once.
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Writes batch after batch until nobody can send any more. After the first failure nothing is
/// written again, because nothing may be acknowledged behind a gap.
fn serve(mut database: Database, mut receiver: mpsc::Receiver<Wish>, batches: &AtomicU64) -> (Database, Option<JournalError>) {
    let mut waiting = Vec::with_capacity(BATCH);
    let mut failure = None;
    while receiver.blocking_recv_many(&mut waiting, BATCH) > 0 {
        let (mut appends, mut reads) = (Vec::with_capacity(waiting.len()), Vec::new());
        for wish in waiting.drain(..) {
            match wish {
                Wish::Append(append) => appends.push(append),
                Wish::Read { sequences, done } => reads.push((sequences, done)),
            }
        }
        if failure.is_none() && !appends.is_empty() {
            failure = database.write(appends.iter().flat_map(|append: &Append| &append.records)).err();
            batches.fetch_add(1, Ordering::Relaxed);
        }
        for append in appends {
            // Nobody may be waiting any more; the record counts all the same.
            let _ = append.done.send(failure.clone().map_or(Ok(()), Err));
        }
        for (sequences, done) in reads {
            let _ = done.send(match &failure {
                Some(failure) => Err(failure.clone()),
                None => sequences.into_iter().map(|sequence| database.read(sequence)).collect(),
            });
        }
    }
    (database, failure)
}

fn finish(database: Database, folder: &Path, failure: Option<JournalError>, wants_records: bool) -> Outcome {
    if !wants_records {
        database.close();
        return Ok(None);
    }
    let (is_there, records) = (database.is_there(), database.records());
    database.close();
    match records {
        // What a failed database has in memory may be less than it made durable.
        Err(_) if failure.is_some() && is_there => Database::open(folder)?.close_with_records().map(Some),
        Err(_) if !is_there => Err(JournalError::Gone { folder: folder.to_owned() }),
        records => records.map(Some),
    }
}

/// Does something with a database, on a thread like that of a run.
pub(super) fn on_writer_thread<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(PathBuf) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    spawn(folder, work)?.join().unwrap_or_else(|_| Err(closed(folder)))
}

fn spawn<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(PathBuf) -> Result<T, JournalError> + Send + 'static,
) -> Result<JoinHandle<Result<T, JournalError>>, JournalError> {
    silence_panics();
    let path = folder.to_owned();
    std::thread::Builder::new()
        .name(THREAD.to_owned())
        .spawn(move || work(path))
        .map_err(JournalError::write(folder))
}

/// The database's panics become errors; this keeps them from being told twice, the first time as
/// a crash.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() != Some(THREAD) {
                tell(panic);
            }
        }));
    });
}

fn closed(folder: &Path) -> JournalError {
    JournalError::Closed { folder: folder.to_owned() }
}
