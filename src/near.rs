//! Which known names somebody may have meant.

/// How many are told.
const MOST: usize = 5;

/// The names that are like `wanted`, the likest first: the same but for letter case, those that begin
/// with it, those that hold it, and those that few changes lead to.
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted = wanted.to_lowercase();
    let rank = |name: &'n str| {
        let lower = name.to_lowercase();
        let far = distance(&wanted, &lower);
        let is_typo = far <= (lower.chars().count().min(wanted.chars().count()) / 3).clamp(1, 3);
        let order = match () {
            () if far == 0 => 0,
            () if is_typo => far,
            () if !wanted.is_empty() && lower.starts_with(&wanted) => 20,
            () if wanted.len() > 2 && lower.contains(&wanted) => 30,
            () => return None,
        };
        Some((order, name))
    };
    let mut ranked: Vec<(usize, &str)> = names.into_iter().filter_map(rank).collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().map(|(_, name)| name).take(MOST).collect()
}

/// The names of which `wanted` is surely a misspelling, and no name of its own that is made alike, as
/// `GetItem` is beside `PutItem`.
pub fn misspelt<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let begin = |name: &str| name.chars().next().map(|letter| letter.to_ascii_lowercase());
    let is_it = |name: &&str| begin(name) == begin(wanted) && distance(&wanted.to_lowercase(), &name.to_lowercase()) <= 2;
    nearest(wanted, names).into_iter().filter(is_it).collect()
}

/// Names for a message: `` `one`, `other` ``.
pub fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// How many characters must be added, left out, changed, or exchanged with their neighbour to come
/// from one text to the other (the optimal string alignment distance).
fn distance(one: &str, other: &str) -> usize {
    let [one, other]: [Vec<char>; 2] = [one, other].map(|text| text.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (line, left) in one.iter().enumerate() {
        let mut row = vec![line + 1];
        for (column, right) in other.iter().enumerate() {
            let changed = rows[line][column] + usize::from(left != right);
            let mut least = changed.min(rows[line][column + 1] + 1).min(row[column] + 1);
            let is_exchanged = line > 0 && column > 0 && *left == other[column - 1] && one[line - 1] == *right;
            if is_exchanged {
                least = least.min(rows[line - 1][column - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("shpo", "shop"), 1);
    }

    #[test]
    fn what_is_mistyped_or_only_begun_is_found_and_what_is_another_name_is_not() {
        let names = ["five", "four", "proton-create", "CreateService", "DeleteService", "UpdateService"];
        let near = |wanted: &str| nearest(wanted, names);
        assert_eq!(near("fiv"), ["five"]);
        assert_eq!(near("proton"), ["proton-create"]);
        assert_eq!(near("createservice")[0], "CreateService");
        assert_eq!(near("CreatService")[0], "CreateService");
        assert_eq!(near("Service"), ["CreateService", "DeleteService", "UpdateService"]);
        let misspelt = |wanted: &str| misspelt(wanted, ["PutItem", "ListTags", "CreateService"]);
        assert_eq!([misspelt("PutItm"), misspelt("createservice")], [["PutItem"], ["CreateService"]]);
        assert!(misspelt("GetItem").is_empty() && misspelt("List").is_empty() && misspelt("ListTagsOf").len() == 1);
        assert!(near("nope").is_empty() && near("").is_empty() && near("x").is_empty());
    }
}
