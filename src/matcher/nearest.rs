//! Which recording is nearest to a call that none answers: by an index over hashes of top-level members,
//! so that the cost does not grow with the bodies of a cassette.

use super::OperationId;
use std::collections::HashMap;

/// How many interactions with the same member are counted: what all have in common tells none apart.
const MAX_POSTINGS: usize = 4096;

/// Finds the recording that has most top-level members in common with a call.
#[derive(Default)]
pub(super) struct Index {
    by_member: HashMap<(OperationId, u64), Vec<u32>>,
    /// The first interaction of each operation in each region.
    firsts: HashMap<OperationId, Vec<(Option<String>, u32)>>,
}

impl Index {
    pub(super) fn add(&mut self, operation: OperationId, region: Option<&str>, position: u32, members: &[u64]) {
        let firsts = self.firsts.entry(operation).or_default();
        if !firsts.iter().any(|(known, _)| known.as_deref() == region) {
            firsts.push((region.map(str::to_owned), position));
        }
        for member in members {
            let postings = self.by_member.entry((operation, *member)).or_default();
            if postings.len() < MAX_POSTINGS {
                postings.push(position);
            }
        }
    }

    /// The most members in common, of which being recorded `here`, in the region of the call, counts
    /// as one; of several the first recorded.
    pub(super) fn find(&self, operation: OperationId, members: &[u64], here: &dyn Fn(u32) -> bool) -> Option<u32> {
        let mut votes: HashMap<u32, usize> = HashMap::new();
        let postings = members.iter().filter_map(|member| self.by_member.get(&(operation, *member)));
        for position in postings.flatten() {
            *votes.entry(*position).or_default() += 1;
        }
        for (_, first) in self.firsts.get(&operation).into_iter().flatten() {
            votes.entry(*first).or_default();
        }
        let rank = |(position, votes): &(u32, usize)| (votes + usize::from(here(*position)), std::cmp::Reverse(*position));
        votes.into_iter().max_by_key(rank).map(|(position, _)| position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_members_in_common_count_then_the_region_then_the_order() {
        let operation = OperationId(0);
        let mut index = Index::default();
        for (position, region, members) in [(0, "a", [1, 2, 3]), (1, "b", [1, 2, 9]), (2, "b", [1, 8, 9])] {
            index.add(operation, Some(region), position, &members);
        }
        let nearest = |members: &[u64], region: &str| {
            let here = |position: u32| ["a", "b", "b"][position as usize] == region;
            index.find(operation, members, &here)
        };
        assert_eq!(nearest(&[1, 2, 3], "a"), Some(0));
        assert_eq!(nearest(&[1, 2, 7], "a"), Some(0));
        assert_eq!(nearest(&[1, 2, 7], "b"), Some(1));
        assert_eq!(nearest(&[7], "b"), Some(1), "nothing in common but the region");
        assert_eq!(nearest(&[7], "c"), Some(0));
        assert_eq!(index.find(OperationId(1), &[1], &|_| true), None);
    }
}
