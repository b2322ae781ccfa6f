//! What a recording writes: each cassette a *take*, all of them in the journal of one run.
//!
//! The take of the run's own cassette is described by the header of the journal. Each other one
//! writes a header of its own into the journal before its first interaction, so that recovery finds
//! all that it needs in one place.

use crate::cassette::journal::{Journal, JournalError, RunHeader};
use crate::cassette::store::Recording;
use crate::cassette::{Interaction, Name};
use crate::redaction::Redactor;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// First byte of a journal entry of the run's own cassette.
const LIVE_MARK: u8 = b'L';
const STAND_IN_MARK: u8 = b'S';
/// The same of another take, whose number follows.
const TAKE_LIVE_MARK: u8 = b'l';
const TAKE_STAND_IN_MARK: u8 = b's';
/// A take's number and its header.
const HEADER_MARK: u8 = b'H';

/// Headers are kept behind all interactions, whose sequence numbers are those of their calls.
const HEADERS: u64 = 1 << 63;

/// Where takes come from.
pub trait Desk: Send + Sync + 'static {
    /// Whether there is a cassette of that name already.
    fn has(&self, cassette: &Name) -> bool;
    /// What is needed to record that cassette; or why it cannot be, for people.
    fn prepare(&self, cassette: &Name) -> Result<Prepared, String>;
}

/// What is needed to record a cassette.
pub struct Prepared {
    /// What the journal must know of it.
    pub header: RunHeader,
    /// What must not be written down, it takes out.
    pub redactor: Redactor,
    /// There is such a cassette already.
    pub replaces: bool,
    /// Nobody else records it.
    pub right: Recording,
}

/// One cassette that is being recorded, by all sessions that have it.
pub struct Take {
    /// What the journal knows of it.
    pub header: RunHeader,
    /// What must not be written down, it takes out.
    pub redactor: Redactor,
    /// There was such a cassette before.
    pub replaces: bool,
    /// 0 for the run's own.
    number: u32,
    _right: Recording,
    announced: OnceCell<()>,
}

/// The takes of one run.
pub struct Takes<D> {
    desk: D,
    journal: Journal,
    all: Mutex<Vec<Arc<Take>>>,
}

impl<D: Desk> Takes<D> {
    /// The takes of a run whose own cassette is that of the journal's header.
    pub fn new(desk: D, journal: Journal, own: Prepared) -> Takes<D> {
        let own = Take::new(own, 0);
        Takes {
            desk,
            journal,
            all: Mutex::new(vec![Arc::new(own)]),
        }
    }

    /// Where takes come from.
    pub fn desk(&self) -> &D {
        &self.desk
    }

    /// The take of a cassette, begun now or before.
    pub fn take(&self, cassette: &Name) -> Result<Arc<Take>, String> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(take) = all.iter().find(|take| take.header.name == *cassette) {
            return Ok(Arc::clone(take));
        }
        let take = Arc::new(Take::new(self.desk.prepare(cassette)?, all.len() as u32));
        all.push(Arc::clone(&take));
        Ok(take)
    }

    /// Makes an interaction of a take durable, under the number of its call.
    pub async fn write(&self, take: &Take, number: usize, interaction: &Interaction, stand_in: bool) -> Result<(), JournalError> {
        if take.number > 0 {
            let announced = take.announced.get_or_try_init(|| async {
                let sequence = HEADERS | u64::from(take.number);
                self.journal.append(sequence, header_entry(take)).await
            });
            announced.await?;
        }
        self.journal.append(number as u64, entry(take.number, interaction, stand_in)).await
    }

    /// The journal, and all takes by number.
    pub fn into_parts(self) -> (Journal, Vec<Arc<Take>>) {
        (self.journal, self.all.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Take {
    fn new(prepared: Prepared, number: u32) -> Take {
        let Prepared {
            header,
            redactor,
            replaces,
            right,
        } = prepared;
        Take {
            header,
            redactor,
            replaces,
            number,
            _right: right,
            announced: OnceCell::new(),
        }
    }
}

fn header_entry(take: &Take) -> Vec<u8> {
    let mut entry = vec![HEADER_MARK];
    entry.extend(take.number.to_be_bytes());
    entry.extend(take.header.render().into_bytes());
    entry
}

/// What the journal holds of an interaction: whether a stand-in answered, its take, and itself.
pub fn entry(take: u32, interaction: &Interaction, stand_in: bool) -> Vec<u8> {
    let mut entry = match (take, stand_in) {
        (0, false) => vec![LIVE_MARK],
        (0, true) => vec![STAND_IN_MARK],
        (_, false) => vec![TAKE_LIVE_MARK],
        (_, true) => vec![TAKE_STAND_IN_MARK],
    };
    if take > 0 {
        entry.extend(take.to_be_bytes());
    }
    entry.extend(interaction.to_record());
    entry
}

/// One entry of a journal.
pub enum Entry {
    /// A take begins.
    Header {
        /// Its number.
        take: u32,
        /// What is known of it.
        header: Box<RunHeader>,
    },
    /// An interaction.
    Interaction {
        /// The number of its take.
        take: u32,
        /// What was recorded.
        interaction: Box<Interaction>,
        /// A stand-in answered.
        stand_in: bool,
    },
}

impl Entry {
    /// Reads what [`Takes::write`] wrote.
    ///
    /// # Errors
    /// Where the bytes are none of its.
    pub fn read(bytes: &[u8]) -> Result<Entry, String> {
        let (mark, rest) = bytes.split_first().ok_or("an entry is empty")?;
        let (take, rest) = match *mark {
            LIVE_MARK | STAND_IN_MARK => (0, rest),
            _ => {
                let (number, rest) = rest.split_first_chunk().ok_or("an entry is too short")?;
                (u32::from_be_bytes(*number), rest)
            }
        };
        if *mark == HEADER_MARK {
            return Ok(Entry::Header {
                take,
                header: Box::new(RunHeader::parse(rest, "the header of a take".as_ref())?),
            });
        }
        Ok(Entry::Interaction {
            take,
            interaction: Box::new(Interaction::from_record(rest).map_err(|error| error.to_string())?),
            stand_in: matches!(*mark, STAND_IN_MARK | TAKE_STAND_IN_MARK),
        })
    }
}
