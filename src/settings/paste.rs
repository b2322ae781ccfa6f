//! Rules in the words of `ferrotape.toml`, to be pasted there.

use super::{Bind, CallRules, Matching, Place};
use crate::json::rewrite;

impl CallRules {
    /// The tables that say which places are ignored, hold the time it is, or are bound; no line for what is empty.
    pub fn to_paste(&self) -> Vec<String> {
        let mut lines = match_table(&self.matching);
        lines.extend(bind_tables(&self.bind));
        lines
    }
}

/// `[match]` with the places that may differ, and those that hold the time it is.
pub fn match_table(matching: &Matching) -> Vec<String> {
    let list = |(key, places): (&str, &Vec<Place>)| {
        let quoted: Vec<String> = places.iter().map(|place| rewrite::string(&place.to_string())).collect();
        (!places.is_empty()).then(|| format!("{key} = [{}]", quoted.join(", ")))
    };
    let lists: Vec<String> = [("ignore", &matching.ignore), ("now", &matching.now)]
        .into_iter()
        .filter_map(list)
        .collect();
    if lists.is_empty() {
        return lists;
    }
    [vec!["[match]".to_owned()], lists].concat()
}

/// A `[[bind]]` for each.
pub fn bind_tables(binds: &[Bind]) -> Vec<String> {
    let table = |bind: &Bind| ["[[bind]]".to_owned(), format!("from = {}", rewrite::string(&bind.from.to_string()))];
    binds.iter().flat_map(table).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn what_is_pasted_says_the_rules_again() {
        let place = |text: &str| text.parse::<Place>().unwrap();
        let rules = CallRules {
            matching: Matching {
                ignore: vec![place("Put:/a/\"b\""), place("*:region")],
                now: vec![place("Put:/a/*/at")],
                ..Matching::default()
            },
            bind: vec![Bind { from: place("Put:/x") }, Bind { from: place("Put:/y") }],
        };
        let settings: Settings = toml::from_str(&rules.to_paste().join("\n")).unwrap();
        assert_eq!(settings.call_rules(), rules);
        assert!(CallRules::default().to_paste().is_empty());
    }
}
