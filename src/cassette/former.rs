//! The file of a cassette as it was before a run replaced it, kept in the state folder.

use super::format::{blob_folder, is_blob_name};
use super::state::StateFolder;
use super::store::{Library, StoreError, load_file, remove_other_blobs};
use super::{Cassette, Name, durable};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A kept file, with its large bodies beside it.
#[derive(Debug)]
pub struct Former {
    path: PathBuf,
}

impl Former {
    /// Keeps the file of a cassette, as it is now, under a name that is free; nothing where there is no
    /// such file.
    ///
    /// # Errors
    /// Where the state folder cannot be written.
    pub fn keep(state: &StateFolder, library: &Library, name: &Name) -> io::Result<Option<Former>> {
        let file = library.path(name);
        if !file.is_file() {
            return Ok(None);
        }
        state.make()?;
        for number in 1.. {
            let former = Former {
                path: numbered(&state.previous(), name, number),
            };
            durable::make_folder(durable::parent(&former.path))?;
            match shared(&file, &former.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                kept => {
                    kept?;
                    former.keep_bodies(&blob_folder(&file))?;
                    return Ok(Some(former));
                }
            }
        }
        Ok(None)
    }

    /// One that an earlier run kept there, if it is still there.
    pub fn left_at(path: PathBuf) -> Option<Former> {
        path.is_file().then_some(Former { path })
    }

    /// Whether that file says the same, so that nothing of this one is lost.
    pub fn is_same(&self, file: &Path) -> bool {
        fs::read(&self.path).is_ok_and(|own| fs::read(file).is_ok_and(|other| own == other))
    }

    fn keep_bodies(&self, bodies: &Path) -> io::Result<()> {
        let folder = blob_folder(&self.path);
        if bodies.is_dir() {
            durable::make_folder(&folder)?;
            for body in fs::read_dir(bodies)? {
                let body = body?;
                if !body.file_name().to_str().is_some_and(is_blob_name) {
                    continue;
                }
                shared(&body.path(), &folder.join(body.file_name()))?;
            }
            durable::sync_folder(&folder)?;
        }
        durable::sync_folder(durable::parent(&self.path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    ///
    /// # Errors
    /// Where it is no cassette.
    pub fn load(&self) -> Result<Cassette, StoreError> {
        load_file(&self.path)
    }

    /// Removes it: nothing of it is lost.
    pub fn forget(self) -> io::Result<()> {
        remove_other_blobs(&blob_folder(&self.path), &HashSet::new())?;
        fs::remove_file(&self.path)
    }
}

/// `NAME.json`, `NAME.2.json`, …
fn numbered(folder: &Path, name: &Name, number: usize) -> PathBuf {
    match number {
        1 => folder.join(format!("{name}.json")),
        _ => folder.join(format!("{name}.{number}.json")),
    }
}

/// The same file under another name. Cassettes are replaced, never written into: both may share it.
pub(super) fn shared(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let mut copy = fs::File::create_new(to)?;
            io::copy(&mut fs::File::open(from)?, &mut copy)?;
            copy.sync_all()
        }
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::Interaction;
    use crate::cassette::format::BLOB_ABOVE;
    use crate::wire::{Request, Response};

    fn tape(answer: String) -> Cassette {
        Cassette {
            interactions: vec![Interaction::new(Request::default(), Response::new(answer.into()))],
            ..Cassette::default()
        }
    }

    #[test]
    fn a_former_file_stays_with_its_large_bodies_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::new(folder.path().join(".ferrotape"));
        let library = Library::new(folder.path().join("cassettes")).with_state(state.clone());
        let name = Name::parse("a/b").unwrap();
        assert!(Former::keep(&state, &library, &name).unwrap().is_none());
        let large = "1".repeat(BLOB_ABOVE + 1);
        library.save(&name, &tape(large.clone())).unwrap();
        let first = Former::keep(&state, &library, &name).unwrap().unwrap();
        library.save(&name, &tape("small".to_owned())).unwrap();
        let second = Former::keep(&state, &library, &name).unwrap().unwrap();
        assert_eq!(first.path(), state.path().join("previous/a/b.json"));
        assert_eq!(second.path(), state.path().join("previous/a/b.2.json"));
        assert_eq!(first.load().unwrap().interactions[0].response.body(), &large);
        assert_eq!(second.load().unwrap().interactions[0].response.body(), "small");
        first.forget().unwrap();
        let left = fs::read_dir(state.path().join("previous/a")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["b.2.json"]);
    }
}
