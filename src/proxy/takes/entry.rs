//! What a recording writes into its journal, entry by entry.

use crate::cassette::Interaction;
use crate::cassette::journal::RunHeader;

/// First byte of a journal entry of the run's own session.
const LIVE_MARK: u8 = b'L';
const STAND_IN_MARK: u8 = b'S';
/// The same of another take, whose number follows.
const TAKE_LIVE_MARK: u8 = b'l';
const TAKE_STAND_IN_MARK: u8 = b's';
/// A take's number and its header.
const HEADER_MARK: u8 = b'H';
/// The number of a take of which nothing is to be recovered.
const SETTLED_MARK: u8 = b'X';
/// The number of a call whose interaction may be in no cassette.
const REFUSED_MARK: u8 = b'R';

/// The entry by which a take says what it is.
pub(super) fn header(take: u32, header: &RunHeader) -> Vec<u8> {
    [&[HEADER_MARK][..], &take.to_be_bytes(), header.render().as_bytes()].concat()
}

/// The entry by which nothing of a take is to be recovered.
pub(super) fn settled(take: u32) -> Vec<u8> {
    [&[SETTLED_MARK][..], &take.to_be_bytes()].concat()
}

/// The entry by which the interaction of a call goes into no cassette.
pub(super) fn refused(call: u64) -> Vec<u8> {
    [&[REFUSED_MARK][..], &call.to_be_bytes()].concat()
}

/// What the journal holds of an interaction: whether a stand-in answered, its take, and itself.
pub(super) fn interaction(take: u32, interaction: &Interaction, stand_in: bool) -> Vec<u8> {
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
#[derive(Clone)]
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
    /// The interaction of that call holds what turned out to be a secret, and cannot be written without
    /// it.
    Refused {
        /// The number of the call.
        call: u64,
    },
    /// Of that take nothing is to be recovered: it is in its cassette, or another counts in its place.
    Settled {
        /// Its number.
        take: u32,
    },
}

impl Entry {
    /// The number of the take whose interaction it is.
    pub fn recorded_by(&self) -> Option<u32> {
        match self {
            Entry::Interaction { take, .. } => Some(*take),
            Entry::Header { .. } | Entry::Settled { .. } | Entry::Refused { .. } => None,
        }
    }

    /// Reads what [`Takes::write`] wrote.
    ///
    /// # Errors
    /// Where the bytes are none of its.
    pub fn read(bytes: &[u8]) -> Result<Entry, String> {
        let (mark, rest) = bytes.split_first().ok_or("an entry is empty")?;
        if *mark == REFUSED_MARK {
            let call = rest.try_into().map_err(|_| "an entry is too short")?;
            return Ok(Entry::Refused {
                call: u64::from_be_bytes(call),
            });
        }
        let (take, rest) = match *mark {
            LIVE_MARK | STAND_IN_MARK => (0, rest),
            _ => {
                let (number, rest) = rest.split_first_chunk().ok_or("an entry is too short")?;
                (u32::from_be_bytes(*number), rest)
            }
        };
        if *mark == SETTLED_MARK {
            return Ok(Entry::Settled { take });
        }
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
