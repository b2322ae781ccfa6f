//! Cassettes that are renamed or removed, with their large bodies. Cut off in between, a cassette is
//! still whole under one of its names.

use super::format::{blob_folder, is_blob_name};
use super::former::shared;
use super::store::{Library, StoreError, remove_other_blobs};
use super::{Name, durable};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

impl Library {
    /// Gives a cassette another name, under which there is none yet.
    ///
    /// # Errors
    /// Where there is no such cassette, or one of the new name, or the folder cannot be written.
    pub fn rename(&self, old: &Name, new: &Name) -> Result<(), StoreError> {
        let (from, to) = (self.path(old), self.path(new));
        let _lock = self.lock(&to)?;
        let failed = |why| StoreError::Write { path: to.clone(), why };
        if to.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        moved(&from, &to).map_err(failed)
    }

    /// Removes a cassette.
    ///
    /// # Errors
    /// Where it is not there, or the folder cannot be written.
    pub fn remove(&self, name: &Name) -> Result<(), StoreError> {
        let file = self.path(name);
        let _lock = self.lock(&file)?;
        let removed = fs::remove_file(&file)
            .and_then(|()| remove_other_blobs(&blob_folder(&file), &HashSet::new()))
            .and_then(|()| durable::sync_folder(durable::parent(&file)));
        removed.map_err(|why| StoreError::Write { path: file, why })
    }
}

fn moved(from: &Path, to: &Path) -> io::Result<()> {
    durable::make_folder(durable::parent(to))?;
    let (bodies, new_bodies) = (blob_folder(from), blob_folder(to));
    if bodies.is_dir() {
        durable::make_folder(&new_bodies)?;
        for body in fs::read_dir(&bodies)? {
            let name = body?.file_name();
            if name.to_str().is_some_and(is_blob_name) {
                match shared(&bodies.join(&name), &new_bodies.join(&name)) {
                    // A move that was cut off left it.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    made => made?,
                }
            }
        }
        durable::sync_folder(&new_bodies)?;
    }
    fs::rename(from, to)?;
    durable::sync_folder(durable::parent(to))?;
    durable::sync_folder(durable::parent(from))?;
    remove_other_blobs(&bodies, &HashSet::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::format::BLOB_ABOVE;
    use crate::cassette::{Cassette, Interaction, StateFolder};
    use crate::wire::{Request, Response};

    #[test]
    fn a_cassette_moves_and_goes_with_its_large_bodies() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::new(folder.path().join(".ferrotape"));
        let library = Library::new(folder.path().join("cassettes")).with_state(state);
        let [a, b, c] = ["a", "x/b", "c"].map(|name| Name::parse(name).unwrap());
        let large = "1".repeat(BLOB_ABOVE + 1);
        let cassette = Cassette {
            interactions: vec![Interaction::new(Request::default(), Response::new(large.clone().into()))],
            ..Cassette::default()
        };
        library.save(&a, &cassette).unwrap();
        library.save(&c, &cassette).unwrap();
        library.rename(&a, &b).unwrap();
        assert_eq!(library.load(&b).unwrap().interactions[0].response.body(), &large);
        assert!(!library.exists(&a) && !blob_folder(&library.path(&a)).exists());
        assert!(library.rename(&b, &c).is_err(), "there is one");
        assert!(library.rename(&a, &b).is_err(), "there is none");
        library.remove(&b).unwrap();
        assert_eq!(library.names().unwrap(), [c]);
        assert!(!blob_folder(&library.path(&b)).exists());
        assert!(library.remove(&b).is_err());
    }
}
