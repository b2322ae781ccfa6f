//! The members of one object by name, for whoever looks up many of them.

use super::Value;
use std::collections::HashMap;

/// Objects up to this size are searched, which allocates nothing.
const FEW: usize = 16;

/// The members of an object that count: of each name the last.
pub struct ByName<'v> {
    members: &'v [(String, Value)],
    /// Empty where there are few.
    places: HashMap<&'v str, usize>,
}

impl<'v> ByName<'v> {
    /// Those of an object with these members.
    pub fn new(members: &'v [(String, Value)]) -> ByName<'v> {
        let indexed = if members.len() > FEW { members } else { &[] };
        let places = indexed.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at));
        ByName {
            members,
            places: places.collect(),
        }
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&'v Value> {
        let found = match self.members.len() > FEW {
            true => self.members.get(*self.places.get(name)?),
            false => self.members.iter().rev().find(|(known, _)| known == name),
        };
        found.map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts_in_small_objects_and_large_ones() {
        for count in [3, 300] {
            let mut members: Vec<_> = (0..count).map(|number| (format!("m{number}"), Value::Integer(number))).collect();
            members.push(("m1".to_owned(), Value::Null));
            let by_name = ByName::new(&members);
            assert_eq!(by_name.get("m2"), Some(&Value::Integer(2)), "{count}");
            assert_eq!(by_name.get("m1"), Some(&Value::Null), "{count}");
            assert_eq!(by_name.get("n"), None, "{count}");
        }
    }
}
