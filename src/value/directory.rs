//! Finding many places of one value: each object on the way is indexed once.

use super::{ByName, Value};
use std::cell::RefCell;
use std::collections::HashMap;

/// Objects up to this size are searched each time.
const FEW: usize = 16;

/// The places of a value.
pub struct Directory<'v> {
    root: &'v Value,
    /// The indices of large objects, by where their members lie.
    indices: RefCell<HashMap<*const (String, Value), ByName<'v>>>,
}

impl<'v> Directory<'v> {
    /// Those of this value.
    pub fn new(root: &'v Value) -> Directory<'v> {
        Directory {
            root,
            indices: RefCell::default(),
        }
    }

    /// What the names and indices lead to; of members with one name to the last.
    pub fn find(&self, path: &[String]) -> Option<&'v Value> {
        path.iter().try_fold(self.root, |value, token| match value {
            Value::List(items) => items.get(token.parse::<usize>().ok()?),
            Value::Object(members) if members.len() > FEW => {
                let mut indices = self.indices.borrow_mut();
                let index = indices.entry(members.as_ptr()).or_insert_with(|| ByName::new(members));
                index.get(token)
            }
            other => other.member(token),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_small_objects_and_large_ones() {
        for count in [2, 200] {
            let inner = Value::Object((0..count).map(|number| (format!("m{number}"), Value::Integer(number))).collect());
            let value = Value::Object(vec![("list".to_owned(), Value::List(vec![Value::Null, inner]))]);
            let directory = Directory::new(&value);
            let find = |pointer: &str| directory.find(&pointer.split('/').map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(find("list/1/m1"), Some(&Value::Integer(1)));
            assert_eq!(find("list/0"), Some(&Value::Null));
            assert!(find("list/1/m1/x").is_none() && find("list/2").is_none() && find("list/x").is_none());
        }
    }
}
