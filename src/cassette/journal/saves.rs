//! What of a run is in a file already. It is noted before that file takes its place and again after,
//! so that a run that dies between its cassettes, or before its journal is removed, is not recovered
//! into a second copy.

use crate::cassette::durable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

pub(super) const FILE: &str = "saves";

/// One cassette that was saved, or was just being saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Save {
    /// The numbers of the takes whose interactions it holds.
    pub takes: BTreeSet<u32>,
    /// How many interactions these takes had.
    pub interactions: usize,
    /// Where the cassette lies.
    pub file: PathBuf,
    /// BLAKE3 of that file as it was written, in hexadecimal.
    pub blake3: String,
    /// It took its place.
    #[serde(default)]
    pub is_done: bool,
    /// Where the file that was there before is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<PathBuf>,
}

impl Save {
    /// A save that has not begun.
    pub fn new(takes: BTreeSet<u32>, interactions: usize, file: PathBuf) -> Save {
        Save {
            takes,
            interactions,
            file,
            blake3: String::new(),
            is_done: false,
            former: None,
        }
    }

    /// Nothing is saved yet; the file that is there is kept, should a save take its place.
    pub fn of_former(former: PathBuf, file: PathBuf) -> Save {
        Save {
            former: Some(former),
            ..Save::new(BTreeSet::new(), 0, file)
        }
    }

    /// Saves, and notes it before the file takes its place and after. Where it cannot be noted, the file
    /// is worth more than the note.
    ///
    /// # Errors
    /// What the save fails with.
    pub fn during<E>(mut self, saves: &Saves, save: impl FnOnce(&mut dyn FnMut(String)) -> Result<(), E>) -> Result<(), E> {
        save(&mut |blake3| {
            self.blake3 = blake3;
            let _ = saves.add(&self);
        })?;
        self.is_done = true;
        let _ = saves.add(&self);
        Ok(())
    }

    /// Whether the file took its place, as far as can be told.
    pub fn is_in_place(&self) -> bool {
        self.is_done || fs::read(&self.file).is_ok_and(|content| blake3::hash(&content).to_hex().as_str() == self.blake3)
    }
}

/// The notes of one run, in its folder.
#[derive(Debug, Clone)]
pub struct Saves {
    folder: PathBuf,
}

impl Saves {
    pub(super) fn of(folder: &Path) -> Saves {
        Saves { folder: folder.to_owned() }
    }

    /// Notes a save, durably.
    ///
    /// # Errors
    /// Where the folder of the run cannot be written.
    pub fn add(&self, save: &Save) -> io::Result<()> {
        let line = serde_json::to_string(save).map_err(io::Error::other)?;
        let path = self.folder.join(FILE);
        let is_new = !path.exists();
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()?;
        if is_new { durable::sync_folder(&self.folder) } else { Ok(()) }
    }

    /// All that was noted; a line that was cut short is left out.
    pub fn all(&self) -> Vec<Save> {
        let text = fs::read_to_string(self.folder.join(FILE)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_counts_once_its_file_is_there_or_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let saves = Saves::of(folder.path());
        assert!(saves.all().is_empty());
        let file = folder.path().join("a.json");
        let mut save = Save {
            takes: BTreeSet::from([0, 2]),
            interactions: 3,
            blake3: blake3::hash(b"whole").to_hex().to_string(),
            file: file.clone(),
            is_done: false,
            former: None,
        };
        saves.add(&save).unwrap();
        assert!(!saves.all()[0].is_in_place());
        fs::write(&file, "whole").unwrap();
        assert!(saves.all()[0].is_in_place());
        fs::write(&file, "other").unwrap();
        assert!(!saves.all()[0].is_in_place());
        save.is_done = true;
        saves.add(&save).unwrap();
        assert!(saves.all()[1].is_in_place());
        let path = folder.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        assert_eq!(saves.all().len(), 1, "a line cut short is none");
    }
}
