//! What a run recorded beside what the cassette held before: which interactions it takes the place of,
//! and which are lost.
//!
//! Two interactions are the same call if their keys are equal (service, operation, region, canonical
//! input); of equal ones the first takes the place of the first.

use crate::cassette::{Cassette, Interaction, Origin};
use crate::matcher::key::Key;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// How many operations a message lists.
const MOST_LISTED: usize = 8;

/// A cassette with what a run recorded in it.
pub struct Merged {
    pub cassette: Cassette,
    /// The position of each interaction that the run recorded.
    pub positions: Vec<usize>,
    /// How many interactions of before stay.
    pub untouched: usize,
}

/// Where an interaction goes: before, at, or after the one at a position of the old cassette, in the
/// order of the recording.
type Slot = (usize, u8, usize);

const BEFORE: u8 = 0;
const AT: u8 = 1;
const AFTER: u8 = 2;

/// Puts what was recorded into an older cassette. A call that it holds is replaced where it stands; a new
/// one goes behind the one that was recorded before it; what was not recorded stays.
pub fn merged(old: Cassette, new: Cassette, old_keys: &[Key], new_keys: &[Key]) -> Merged {
    let slots = slots(old_keys, new_keys);
    let replaced: HashSet<usize> = slots.iter().filter(|slot| slot.1 == AT).map(|slot| slot.0).collect();
    let mut whole = with_heading_of(&old, new);
    let recorded = std::mem::take(&mut whole.interactions);
    let stay = old.interactions.into_iter().enumerate();
    let stay = stay.filter(|(position, _)| !replaced.contains(position));
    let mut all: Vec<(Slot, Option<usize>, Interaction)> = stay.map(|(position, one)| ((position, AT, 0), None, one)).collect();
    let untouched = all.len();
    let recorded = recorded.into_iter().zip(slots).enumerate();
    all.extend(recorded.map(|(index, (one, slot))| (slot, Some(index), one)));
    all.sort_by_key(|(slot, _, _)| *slot);
    let mut positions = vec![0; all.len() - untouched];
    for (position, (_, index, interaction)) in all.into_iter().enumerate() {
        if let Some(place) = index.and_then(|index| positions.get_mut(index)) {
            *place = position;
        }
        whole.interactions.push(interaction);
    }
    Merged {
        cassette: whole,
        positions,
        untouched,
    }
}

/// Where each recorded interaction goes.
fn slots(old_keys: &[Key], new_keys: &[Key]) -> Vec<Slot> {
    let mut places: HashMap<Key, VecDeque<usize>> = HashMap::new();
    for (position, key) in old_keys.iter().enumerate() {
        places.entry(*key).or_default().push_back(position);
    }
    let same: Vec<Option<usize>> = new_keys.iter().map(|key| places.get_mut(key)?.pop_front()).collect();
    let first = same.iter().flatten().next().copied();
    // Behind all that was recorded before it: equal calls keep their order.
    let mut behind = None;
    let slot = |(index, same): (usize, &Option<usize>)| match same {
        Some(position) => {
            behind = behind.max(Some(*position));
            (*position, AT, index)
        }
        None => match (behind, first) {
            (Some(position), _) => (position, AFTER, index),
            (None, Some(position)) => (position, BEFORE, index),
            (None, None) => (old_keys.len(), AFTER, index),
        },
    };
    same.iter().enumerate().map(slot).collect()
}

/// The new cassette with what its heading must say of the old one's interactions.
fn with_heading_of(old: &Cassette, mut new: Cassette) -> Cassette {
    let used = |service: &str| {
        let mut services = new.interactions.iter().filter_map(|interaction| interaction.service.as_deref());
        services.any(|known| known == service)
    };
    // What was recorded now was judged by the models of now, which are stamped at the end.
    let stamps = old.models.iter().filter(|(service, _)| !used(service)).cloned();
    let stamps: Vec<_> = stamps.collect();
    new.models.retain(|(service, _)| !stamps.iter().any(|(known, _)| known == service));
    new.models.splice(0..0, stamps);
    if old.origin != Origin::Recorded {
        new.origin = old.origin;
    }
    let heading = [
        (&mut new.redaction.rules, &old.redaction.rules),
        (&mut new.redaction.keep, &old.redaction.keep),
        (&mut new.redaction.user, &old.redaction.user),
    ];
    for (known, more) in heading {
        let more: Vec<String> = more.iter().filter(|one| !known.contains(one)).cloned().collect();
        known.extend(more);
    }
    new
}

/// The old interactions that a cassette holds no more: how many, and of which operations.
pub fn lost(old: &Cassette, old_keys: &[Key], new_keys: &[Key]) -> Option<String> {
    let mut held: HashMap<Key, usize> = HashMap::new();
    for key in new_keys {
        *held.entry(*key).or_default() += 1;
    }
    let mut is_lost = |key: &Key| match held.get_mut(key).filter(|count| **count > 0) {
        Some(count) => {
            *count -= 1;
            false
        }
        None => true,
    };
    let lost = old.interactions.iter().zip(old_keys).filter(|(_, key)| is_lost(key));
    let lost: Vec<&Interaction> = lost.map(|(interaction, _)| interaction).collect();
    let plural = if lost.len() == 1 { "interaction" } else { "interactions" };
    (!lost.is_empty()).then(|| format!("{} {plural} ({})", lost.len(), operations(&lost)))
}

/// `S3 CreateBucket, S3 PutObject (2 times)`.
fn operations(interactions: &[&Interaction]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for interaction in interactions {
        let words = [interaction.service.as_deref(), interaction.operation.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let title = match words.is_empty() {
            true => format!("{} {}", interaction.request.method(), interaction.request.uri().path()),
            false => words.join(" "),
        };
        *counts.entry(title).or_default() += 1;
    }
    let more = counts.len().saturating_sub(MOST_LISTED);
    let told = counts.into_iter().take(MOST_LISTED).map(|(title, count)| match count {
        1 => title,
        count => format!("{title} ({count} times)"),
    });
    let mut told: Vec<String> = told.collect();
    if more > 0 {
        told.push(format!("{more} more"));
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Request, Response};

    fn tape(operations: &str) -> (Cassette, Vec<Key>) {
        let interactions = operations.split_whitespace().map(|operation| Interaction {
            operation: Some(operation.to_owned()),
            ..Interaction::new(Request::default(), Response::default())
        });
        let keys = operations.split_whitespace().map(|word| Key(u128::from(word.as_bytes()[0])));
        let cassette = Cassette {
            interactions: interactions.collect(),
            ..Cassette::default()
        };
        (cassette, keys.collect())
    }

    /// The names begin with the letter of their key.
    fn merge(old: &str, new: &str) -> String {
        let ((old, old_keys), (new, new_keys)) = (tape(old), tape(new));
        let recorded: Vec<String> = new.interactions.iter().filter_map(|one| one.operation.clone()).collect();
        let merged = merged(old, new, &old_keys, &new_keys);
        let names: Vec<String> = merged.cassette.interactions.into_iter().filter_map(|one| one.operation).collect();
        let placed: Vec<String> = merged.positions.iter().map(|position| names[*position].clone()).collect();
        assert_eq!(placed, recorded, "each recorded interaction is where it is said to be");
        names.join(" ")
    }

    #[test]
    fn what_was_recorded_takes_the_place_of_the_same_call_and_the_rest_stays() {
        for (old, new, expected) in [
            ("a1 b1 c1", "b2", "a1 b2 c1"),
            ("a1 b1 c1", "a2 b2 c2", "a2 b2 c2"),
            ("a1 b1 c1", "c2 a2", "a2 b1 c2"),
            ("a1 a2 b1", "a3", "a3 a2 b1"),
            ("a1 b1", "a2 x b2", "a2 x b2"),
            ("a1 b1", "x a2", "x a2 b1"),
            ("a1 b1", "x y", "a1 b1 x y"),
            ("b1 a1", "a2 b2 a3", "b2 a2 a3"),
            ("", "a b", "a b"),
            ("a1", "", "a1"),
        ] {
            assert_eq!(merge(old, new), expected, "{old} with {new}");
            assert_eq!(merge(expected, new), expected, "{old} with {new}, again");
        }
    }

    #[test]
    fn what_is_lost_is_counted_by_operation() {
        let told = |old: &str, new: &str| {
            let ((old, old_keys), (_, new_keys)) = (tape(old), tape(new));
            lost(&old, &old_keys, &new_keys)
        };
        assert_eq!(told("a b", "b a c"), None);
        assert_eq!(told("a b a", "b a").as_deref(), Some("1 interaction (a)"));
        assert_eq!(told("a b c b", "c").as_deref(), Some("3 interactions (a, b (2 times))"));
        let many = told("a b c d e f g h i j", "").unwrap();
        assert_eq!(many, "10 interactions (a, b, c, d, e, f, g, h, 2 more)");
    }

    #[test]
    fn the_heading_speaks_of_all_interactions() {
        let mut old = tape("a").0;
        old.origin = Origin::Synthesised;
        old.redaction.keep = vec!["Put:/a".to_owned()];
        let mut new = tape("b").0;
        new.redaction.keep = vec!["Put:/b".to_owned()];
        let merged = merged(old, new, &[Key(1)], &[Key(2)]).cassette;
        assert_eq!(merged.origin, Origin::Synthesised);
        assert_eq!(merged.redaction.keep, ["Put:/b", "Put:/a"]);
    }
}
