//! Which interactions are folded away: the attempts of a call that the SDK made again, and the
//! rounds of a loop that waits for a state, all but their last.

use super::Track;
use super::key::Key;
use crate::inspect::Call;
use crate::settings::{Fold, Matching};
use std::collections::HashMap;

/// What reads begin with where the model does not mark them.
const READS: [&str; 8] = ["Get", "Describe", "List", "Head", "BatchGet", "Query", "Scan", "Search"];

/// Folds what is to be folded. `keys` are those of the tracks by themselves.
pub(super) fn fold(tracks: &mut [Track], keys: &[Key], matching: &Matching) {
    if matching.folds(Fold::Retries) {
        retries(tracks, keys);
    }
    if matching.folds(Fold::Polls) {
        polls(tracks, keys, matching);
    }
}

/// An attempt follows the latest one before it that asked the same.
fn retries(tracks: &mut [Track], keys: &[Key]) {
    let mut last: HashMap<(Key, u32), Vec<usize>> = HashMap::new();
    for (position, key) in keys.iter().enumerate() {
        let attempt = tracks.get(position).map_or(1, |track| track.interaction.attempt);
        if let Some(before) = last.get_mut(&(*key, attempt.saturating_sub(1))).and_then(Vec::pop)
            && let Some(track) = tracks.get_mut(before)
        {
            track.folded = true;
        }
        last.entry((*key, attempt)).or_default().push(position);
    }
}

/// A loop is broken by a call that changes something: the state that comes after it is another.
fn polls(tracks: &mut [Track], keys: &[Key], matching: &Matching) {
    let mut last: HashMap<Key, usize> = HashMap::new();
    let mut change = None;
    for (position, key) in keys.iter().enumerate() {
        let Some(track) = tracks.get_mut(position).filter(|track| !track.folded) else {
            continue;
        };
        if track.call.as_ref().is_some_and(|call| is_polled(call, matching)) {
            track.poll = Some(Poll { after: change });
            if let Some(before) = last.insert(*key, position)
                && let Some(track) = tracks.get_mut(before)
            {
                track.folded = true;
            }
        } else if track.call.as_ref().is_none_or(|call| !is_read(call)) {
            last.clear();
            change = Some(position as u32);
        }
    }
}

/// The last round of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Poll {
    /// The interaction that changed the state before it.
    pub(super) after: Option<u32>,
}

fn is_polled(call: &Call, matching: &Matching) -> bool {
    let operation = call.operation();
    operation.traits.contains_key("smithy.waiters#waitable") || matching.polls.contains(&operation.name)
}

/// Whether a call changes nothing.
pub(super) fn is_read(call: &Call) -> bool {
    let operation = call.operation();
    operation.traits.contains_key("smithy.api#readonly") || READS.iter().any(|verb| operation.name.starts_with(verb))
}
