//! What runs have used of a cassette: kept in the state folder, so that `trim` knows what no run
//! asks for. It counts for the cassette as it is now; another content begins anew.

use super::state::Lock;
use super::{Name, StateFolder, durable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// What is known of the runs over one cassette.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// BLAKE3 of the cassette file that was played, in hexadecimal.
    pub cassette: String,
    /// How many runs played it.
    pub runs: u64,
    /// Positions of the interactions that any of them played.
    pub played: BTreeSet<usize>,
}

impl History {
    /// What is known of the runs over that cassette, if its file holds these bytes.
    pub fn read(state: &StateFolder, name: &Name, file: &[u8]) -> History {
        let known: Option<History> = std::fs::read(path(state, name))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let digest = digest(file);
        match known.filter(|history| history.cassette == digest) {
            Some(history) => history,
            None => History {
                cassette: digest,
                ..History::default()
            },
        }
    }

    /// Adds a run that played these positions of the cassette whose file holds these bytes.
    pub fn add_run(state: &StateFolder, name: &Name, file: &[u8], played: impl IntoIterator<Item = usize>) -> io::Result<()> {
        state.make()?;
        let path = path(state, name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Runs end at the same time, and none may forget the other.
        let _lock = Lock::take(&path.with_extension("lock"))?;
        let mut history = History::read(state, name, file);
        history.runs += 1;
        history.played.extend(played);
        let text = serde_json::to_vec(&history).map_err(io::Error::other)?;
        durable::replace_file(&path, &text)
    }
}

/// Where a cassette was recorded from last, if not from AWS.
pub fn upstream(state: &StateFolder, name: &Name) -> Option<String> {
    std::fs::read_to_string(path(state, name).with_extension("upstream")).ok()
}

/// Notes where a cassette was recorded from.
pub fn note_upstream(state: &StateFolder, name: &Name, upstream: Option<&str>) -> io::Result<()> {
    let path = path(state, name).with_extension("upstream");
    match upstream {
        Some(upstream) => {
            state.make()?;
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            durable::replace_file(&path, upstream.as_bytes())
        }
        None if path.symlink_metadata().is_ok_and(|found| found.is_file()) => std::fs::remove_file(&path),
        None => Ok(()),
    }
}

/// What is known of a cassette is known of the one of another name now.
pub fn rename(state: &StateFolder, old: &Name, new: &Name) -> io::Result<()> {
    let (from, to) = (path(state, old), path(state, new));
    for extension in ["json", "upstream"] {
        let (from, to) = (from.with_extension(extension), to.with_extension(extension));
        match std::fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn path(state: &StateFolder, name: &Name) -> PathBuf {
    // One folder deep: a part of a name may be the whole name of another cassette. No name has a `+`.
    state
        .path()
        .join("history")
        .join(format!("{}.json", name.as_str().replace('/', "+")))
}

fn digest(file: &[u8]) -> String {
    blake3::hash(file).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up_until_the_cassette_changes() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::new(folder.path().join(".ferrotape"));
        let name = Name::parse("a/b").unwrap();
        assert_eq!(History::read(&state, &name, b"one").runs, 0);
        History::add_run(&state, &name, b"one", [0, 2]).unwrap();
        History::add_run(&state, &name, b"one", [2, 3]).unwrap();
        let history = History::read(&state, &name, b"one");
        assert_eq!((history.runs, history.played), (2, BTreeSet::from([0, 2, 3])));
        assert_eq!(History::read(&state, &name, b"two").runs, 0);
        History::add_run(&state, &name, b"two", [1]).unwrap();
        assert_eq!(History::read(&state, &name, b"two").played, BTreeSet::from([1]));
        assert_eq!(History::read(&state, &name, b"one").runs, 0);
        assert_eq!(History::read(&state, &Name::parse("a").unwrap(), b"two").runs, 0);
    }

    #[test]
    fn runs_that_end_at_the_same_time_are_all_counted() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::new(folder.path().join(".ferrotape"));
        let name = Name::parse("a").unwrap();
        std::thread::scope(|scope| {
            for position in 0..8 {
                let (state, name) = (&state, &name);
                scope.spawn(move || History::add_run(state, name, b"x", [position]).unwrap());
            }
        });
        let history = History::read(&state, &name, b"x");
        assert_eq!((history.runs, history.played.len()), (8, 8));
    }
}
