//! What Ferrotape removes: files that it made, one by one and by their names.

use std::path::{Path, PathBuf};

/// Where files are removed, and how their owner is told.
const REMOVERS: &[&str] = &[
    // Folders of killed runs, by a marker that names them.
    "child/private_folder.rs",
    // Journals, by a marker or header.
    "cassette/journal/large.rs",
    "cassette/journal/run.rs",
    // Large bodies that a cassette no longer names, by the form of their names.
    "cassette/store.rs",
    // A cassette that the user named.
    "cassette/moving.rs",
    // A copy that this run made.
    "cassette/former.rs",
    // A note of our own, by its path.
    "cassette/history.rs",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("it can be listed").path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
}

#[test]
fn no_folder_is_ever_removed_with_all_that_is_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50);
    let mut removers = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a source is text");
        let place = file.strip_prefix(&root).expect("it lies below").to_string_lossy().into_owned();
        assert!(!text.contains("remove_dir_all"), "{place}");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if !place.ends_with("tests.rs") && (code.contains("remove_file(") || code.contains("remove_dir(")) {
            removers.push(place);
        }
    }
    removers.sort();
    let mut known: Vec<&str> = REMOVERS.to_vec();
    known.sort_unstable();
    assert_eq!(removers, known);
}
