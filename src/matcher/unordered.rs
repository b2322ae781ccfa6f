//! Lists without an order: which items of one have no equal in the other. Most are written alike, and
//! looked up; only what is left is compared pair by pair.

use crate::codec::json;
use crate::value::Value;
use std::collections::HashMap;

/// So many pairs are compared at the most; in longer lists what is not written alike differs.
const MOST_PAIRS: usize = 1 << 16;

/// The positions of the items of two lists that have no equal in the other. Each item is the equal of
/// one other at the most.
pub(super) fn unequal(olds: &[Value], news: &[Value], mut same: impl FnMut(usize, usize) -> bool) -> (Vec<usize>, Vec<usize>) {
    let mut written: HashMap<String, Vec<usize>> = HashMap::with_capacity(news.len());
    for (index, new) in news.iter().enumerate().rev() {
        written.entry(text(new)).or_default().push(index);
    }
    let mut is_left = vec![true; news.len()];
    let mut has_equal = |old: &Value| match written.get_mut(&text(old)).and_then(Vec::pop) {
        Some(new) => {
            is_left[new] = false;
            true
        }
        None => false,
    };
    let mut gone: Vec<usize> = (0..olds.len()).filter(|old| !has_equal(&olds[*old])).collect();
    let mut added: Vec<usize> = (0..news.len()).filter(|new| is_left[*new]).collect();
    if gone.len().saturating_mul(added.len()) <= MOST_PAIRS {
        gone.retain(|old| {
            let found = added.iter().position(|new| same(*old, *new));
            found.map(|found| added.remove(found)).is_none()
        });
    }
    (gone, added)
}

fn text(value: &Value) -> String {
    let mut text = String::new();
    json::write(value, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_are_found_in_any_order_and_others_are_asked_for() {
        let list = |numbers: &[i128]| numbers.iter().copied().map(Value::Integer).collect::<Vec<_>>();
        let (old, new) = (list(&[1, 2, 3, 3, 10]), list(&[3, 2, 11, 1]));
        assert_eq!(unequal(&old, &new, |_, _| false), (vec![3, 4], vec![2]));
        assert_eq!(unequal(&old, &new, |old, new| (old, new) == (4, 2)), (vec![3], vec![]));
    }

    #[test]
    fn long_lists_are_not_compared_pair_by_pair() {
        let list = |from: i128| (from..from + 10_000).map(Value::Integer).collect::<Vec<_>>();
        let mut asked = 0;
        let (gone, added) = unequal(&list(0), &list(5_000), |_, _| {
            asked += 1;
            false
        });
        assert_eq!((gone.len(), added.len(), asked), (5_000, 5_000, 0));
    }
}
