//! What a recording writes: each session a *take* of its cassette, all of them in the journal of one
//! run.
//!
//! The take of the run's own session is described by the header of the journal. Each other one
//! writes a header of its own into the journal before its first interaction, so that recovery finds
//! all that it needs in one place. A cassette is written as soon as no session records it any more;
//! the journal then says so of its takes, and recovery leaves them alone. A session that is started
//! again makes a new take, which counts in the place of its earlier one.

mod doubt;
mod entry;
mod writing;

pub use doubt::Doubt;
pub use entry::Entry;
pub use writing::{Redacted, Unwritten};

use crate::cassette::journal::{Journal, JournalError, RunHeader, Saves};
use crate::cassette::store::Recording;
use crate::cassette::{Interaction, Name};
use crate::inspect::Call;
use crate::matcher::Dependence;
use crate::model::catalog::Catalog;
use crate::proxy::event::Label;
use crate::proxy::playing::Remedy;
use crate::redaction::Redactor;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::OnceCell;
use writing::Written;

/// Headers are kept behind all interactions, whose sequence numbers are those of their calls.
const HEADERS: u64 = 1 << 63;
/// And behind those, that a take is settled.
const SETTLED: u64 = 3 << 62;
/// Between interactions and headers, that an interaction goes into no cassette.
const REFUSED: u64 = 1 << 62;

/// Where takes come from, and where they go.
pub trait Desk: Send + Sync + 'static {
    /// Whether there is a cassette of that name already.
    fn has(&self, cassette: &Name) -> bool;
    /// The cassettes that there are.
    fn names(&self) -> Vec<Name>;
    /// What is needed to record that cassette; or why it cannot be, for people.
    fn prepare(&self, cassette: &Name) -> Result<Prepared, String>;
    /// What is recorded goes behind what a cassette holds, and does not replace it.
    fn adds(&self) -> bool;
    /// Exchanges that cannot be decoded are recorded too.
    fn takes_undecodable(&self) -> bool;
    /// These calls of a session count no more, because it was started again.
    fn left_out(&self, session: &Name, calls: &[u64]);
    /// A call went to AWS that depends on what was played.
    fn depends(&self, session: &Label, call: &Call, dependence: &Dependence, remedy: &Remedy);
    /// Members of a request, as rules name them, named the time at which it was sent.
    fn names_time(&self, places: &[String]);
    /// The right to record a cassette again that this run recorded before; or why not, for people.
    fn claim(&self, cassette: &Name) -> Result<Recording, String>;
    /// The services that are known.
    fn catalog(&self) -> Arc<Catalog>;
    /// Writes a cassette; or says why it cannot be written, for people.
    fn write(&self, cut: Cut<'_>) -> Result<(), String>;
}

/// What is needed to record a cassette.
pub struct Prepared {
    /// What the journal must know of it.
    pub header: RunHeader,
    /// What must not be written down, it takes out.
    pub redactor: Redactor,
    /// Nobody else records it.
    pub right: Recording,
}

/// What was recorded of a cassette, to be written.
pub struct Cut<'a> {
    /// What was known of the cassette beforehand.
    pub header: &'a RunHeader,
    /// It knows what was hidden of it.
    pub redactor: &'a Redactor,
    /// The interactions, with the numbers of their calls.
    pub entries: Vec<(u64, Entry)>,
    /// Why it may be less than what is there, if it may: that stays then.
    pub doubt: Option<Doubt>,
    /// Others record the cassette, too, perhaps in other runs: what was not recorded now stays.
    pub merges: bool,
    /// Where it is noted that it was written.
    pub saves: Saves,
}

/// A cassette that is being recorded.
pub struct Reel {
    /// What the journal knows of it.
    pub header: RunHeader,
    /// What must not be written down, it takes out.
    pub redactor: Redactor,
    /// What is written by now.
    written: tokio::sync::Mutex<Written>,
}

/// What one session records.
pub struct Take {
    /// Of which cassette.
    pub reel: Arc<Reel>,
    session: String,
    /// 0 for the run's own.
    number: u32,
    /// The calls whose interactions are durable.
    calls: Mutex<Vec<u64>>,
    announced: OnceCell<()>,
    /// What is recorded goes behind what the cassette holds by now.
    adds: bool,
    /// Why it may be less than it should.
    doubt: OnceLock<Doubt>,
    /// The journal says that nothing of it is to be recovered.
    is_settled: AtomicBool,
}

/// The takes of one cassette.
struct Spool {
    reel: Arc<Reel>,
    /// Nobody else records it, as long as a session does or something of it is not written.
    right: Option<Recording>,
    /// Those that count, by the order of their beginning.
    takes: Vec<Arc<Take>>,
    /// How many sessions record it now.
    running: usize,
    /// How many interactions it had when it was written.
    written: Option<usize>,
}

/// The takes of one run.
pub struct Takes<D> {
    desk: D,
    journal: Journal,
    table: Mutex<Table>,
    /// Held while a cassette is written, so that what was recorded last is written last.
    writing: Mutex<()>,
    /// Why nothing can be recorded any more.
    failure: OnceLock<JournalError>,
}

struct Table {
    spools: Vec<Spool>,
    next: u32,
}

/// What a run leaves to be written at its end.
pub struct Leftover {
    /// The cassette.
    pub reel: Arc<Reel>,
    /// The numbers of the takes that belong to it, with why each may be less than it should.
    pub takes: HashMap<u32, Option<Doubt>>,
    /// It lies where it belongs already.
    pub is_written: bool,
    /// See [`Cut::merges`].
    pub merges: bool,
}

impl<D: Desk> Takes<D> {
    /// The takes of a run whose own cassette is that of the journal's header; with that of its own
    /// session.
    pub fn new(desk: D, journal: Journal, own: Prepared) -> (Takes<D>, Arc<Take>) {
        let session = own.header.name.to_string();
        let mut spool = Spool::new(own);
        let take = spool.take(&session, 0, false);
        let takes = Takes {
            desk,
            journal,
            table: Mutex::new(Table {
                spools: vec![spool],
                next: 1,
            }),
            writing: Mutex::default(),
            failure: OnceLock::new(),
        };
        (takes, take)
    }

    /// Where takes come from.
    pub fn desk(&self) -> &D {
        &self.desk
    }

    /// Begins the take of a session that records this cassette. An earlier one of the same session
    /// counts no more.
    ///
    /// # Errors
    /// Why the cassette cannot be recorded, for people.
    pub fn open(&self, cassette: &Name, session: &Name) -> Result<Arc<Take>, String> {
        let mut table = self.table();
        let number = table.next;
        let index = match table.spools.iter().position(|spool| spool.reel.header.name == *cassette) {
            Some(index) => {
                let spool = &mut table.spools[index];
                if spool.right.is_none() {
                    spool.right = Some(self.desk.claim(cassette)?);
                }
                index
            }
            None => {
                table.spools.push(Spool::new(self.desk.prepare(cassette)?));
                table.spools.len() - 1
            }
        };
        table.next += 1;
        let spool = &mut table.spools[index];
        let earlier: Vec<Arc<Take>> = spool.takes.extract_if(.., |take| take.session == session.as_str()).collect();
        let take = spool.take(session.as_str(), number, self.desk.adds());
        drop(table);
        self.settle(&earlier).map_err(|error| error.to_string())?;
        let calls = calls(&earlier);
        if !calls.is_empty() {
            self.desk.left_out(session, &calls);
        }
        Ok(take)
    }

    /// Ends a take, and writes the cassette if it was the last that recorded it. `doubt` says why it
    /// may be less than it should: then the others are written without it, and all of them aside.
    /// Blocks.
    ///
    /// # Errors
    /// Why the cassette cannot be written, for people. What was recorded is in the journal all the
    /// same, and tried again at the end of the run.
    pub fn close(&self, take: &Take, doubt: Option<Doubt>) -> Result<(), String> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(doubt) = doubt {
            take.doubt(doubt);
        }
        let Some(takes) = self.last_of(take) else {
            return Ok(());
        };
        let (good, bad): (Vec<_>, Vec<_>) = takes.iter().cloned().partition(|take| take.doubt.get().is_none());
        if !good.is_empty() {
            self.write_cut(take, &good, None)?;
        }
        if let Some(doubt) = doubt_of(&bad) {
            let aside = if self.desk.adds() { &bad } else { &takes };
            self.write_cut(take, aside, Some(doubt))?;
        }
        self.settle(&takes).map_err(|error| error.to_string())?;
        let mut table = self.table();
        if let Some(spool) = table.spool_of(take) {
            spool.written = Some(calls(&takes).len());
            if self.desk.adds() {
                // The cassette holds them now.
                spool.takes.retain(|take| !takes.iter().any(|written| Arc::ptr_eq(take, written)));
                spool.written = Some(0);
            }
            if spool.running == 0 {
                spool.right = None;
            }
        }
        Ok(())
    }

    fn write_cut(&self, of: &Take, takes: &[Arc<Take>], doubt: Option<Doubt>) -> Result<(), String> {
        let calls = calls(takes);
        if calls.is_empty() && doubt.is_some() {
            return Ok(());
        }
        let records = self.journal.read_blocking(calls.clone()).map_err(|error| error.to_string())?;
        let entries: Result<Vec<Entry>, String> = records.iter().map(|record| Entry::read(record)).collect();
        self.desk.write(Cut {
            header: &of.reel.header,
            redactor: &of.reel.redactor,
            entries: calls.into_iter().zip(entries?).collect(),
            doubt,
            merges: takes.iter().any(|take| !take.has_own_cassette()),
            saves: self.journal.saves(),
        })
    }

    /// Ends a take; gives all of the cassette if no other session records it.
    fn last_of(&self, take: &Take) -> Option<Vec<Arc<Take>>> {
        let mut table = self.table();
        let spool = table.spool_of(take)?;
        spool.running = spool.running.saturating_sub(1);
        (spool.running == 0).then(|| spool.takes.clone())
    }

    /// Says in the journal that these takes need no recovery.
    fn settle(&self, takes: &[Arc<Take>]) -> Result<(), JournalError> {
        let begun = takes.iter().filter(|take| !take.calls().is_empty());
        for take in begun.filter(|take| !take.is_settled.swap(true, Ordering::Relaxed)) {
            let number = take.number;
            let sequence = SETTLED | u64::from(number);
            self.journal.append_blocking(sequence, entry::settled(number))?;
        }
        Ok(())
    }

    /// Why nothing is recorded any more, for people: an interaction could not be made durable.
    pub fn failure(&self) -> Option<String> {
        let failure = self.failure.get()?;
        Some(format!("Ferrotape forwards nothing more, because it cannot record it: {failure}"))
    }

    /// The interaction of a take at this position, from 0, as it was made durable; nothing where it is
    /// not yet. Blocks.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    pub fn recorded(&self, take: &Take, position: usize) -> Result<Option<Interaction>, String> {
        let Some(number) = take.calls().get(position).copied() else {
            return Ok(None);
        };
        let records = self.journal.read_blocking(vec![number]).map_err(|error| error.to_string())?;
        match records.first().map(|record| Entry::read(record)).transpose()? {
            Some(Entry::Interaction { interaction, .. }) => Ok(Some(*interaction)),
            _ => Ok(None),
        }
    }

    /// The desk, the journal, and what is to be done at the end.
    pub fn into_parts(self) -> (D, Journal, Vec<Leftover>) {
        let table = self.table.into_inner().unwrap_or_else(PoisonError::into_inner);
        let has_sessions = table.next > 1;
        let left = table.spools.into_iter().map(|spool| spool.left(has_sessions)).collect();
        (self.desk, self.journal, left)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn spool_of(&mut self, take: &Take) -> Option<&mut Spool> {
        self.spools.iter_mut().find(|spool| Arc::ptr_eq(&spool.reel, &take.reel))
    }
}

impl Spool {
    fn new(prepared: Prepared) -> Spool {
        let Prepared { header, redactor, right } = prepared;
        Spool {
            reel: Arc::new(Reel {
                header,
                redactor,
                written: Default::default(),
            }),
            right: Some(right),
            takes: Vec::new(),
            running: 0,
            written: None,
        }
    }

    fn take(&mut self, session: &str, number: u32, adds: bool) -> Arc<Take> {
        let take = Arc::new(Take {
            reel: Arc::clone(&self.reel),
            session: session.to_owned(),
            number,
            calls: Mutex::default(),
            announced: OnceCell::new(),
            adds: adds && self.written.is_some(),
            doubt: OnceLock::new(),
            is_settled: AtomicBool::new(false),
        });
        self.running += 1;
        self.takes.push(Arc::clone(&take));
        take
    }

    /// `has_sessions`: the run had others than its own.
    fn left(self, has_sessions: bool) -> Leftover {
        let is_shared = |take: &Arc<Take>| !take.has_own_cassette() || (take.number == 0 && has_sessions);
        Leftover {
            is_written: self.written == Some(calls(&self.takes).len()),
            merges: self.takes.iter().any(is_shared),
            takes: self.takes.iter().map(|take| (take.number, take.doubt.get().copied())).collect(),
            reel: self.reel,
        }
    }
}

impl Take {
    /// Says why what was recorded may be less than it should.
    pub fn doubt(&self, doubt: Doubt) {
        let _ = self.doubt.set(doubt);
    }

    /// The session's cassette is called as the session is: no other records it.
    fn has_own_cassette(&self) -> bool {
        self.session == self.reel.header.name.as_str()
    }

    /// What the journal must know of it.
    fn header(&self) -> RunHeader {
        let header = &self.reel.header;
        RunHeader {
            adds: self.adds || header.adds,
            ..header.clone()
        }
    }

    fn calls(&self) -> MutexGuard<'_, Vec<u64>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The calls of all these takes, in the order of their arrival.
fn calls(takes: &[Arc<Take>]) -> Vec<u64> {
    let mut calls: Vec<u64> = takes.iter().flat_map(|take| take.calls().clone()).collect();
    calls.sort_unstable();
    calls
}

fn doubt_of(takes: &[Arc<Take>]) -> Option<Doubt> {
    takes.iter().find_map(|take| take.doubt.get().copied())
}
