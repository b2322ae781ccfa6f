//! The folder of everything that is not a cassette: journals, unfinished recordings, locks. It is
//! local to one machine, may be deleted when no run is alive, and ignores itself in git.

use super::durable;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// `.ferrotape/`, or where the user put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// The folder at that path. Nothing is made before something must be written.
    pub fn new(path: PathBuf) -> StateFolder {
        StateFolder { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where recordings go that must not replace a cassette.
    pub fn partial(&self) -> PathBuf {
        self.path.join("partial")
    }

    /// Where the files of cassettes are kept that a run replaced by less.
    pub fn previous(&self) -> PathBuf {
        self.path.join("previous")
    }

    /// Makes the folder, with a `.gitignore` for all that is in it.
    pub fn make(&self) -> io::Result<()> {
        durable::make_folder(&self.path)?;
        let ignore = self.path.join(".gitignore");
        if !ignore.exists() {
            durable::replace_file(&ignore, b"*\n")?;
        }
        Ok(())
    }
}

/// Where the state of this process is, if not in the current folder.
static SETTLED: OnceLock<PathBuf> = OnceLock::new();

/// Puts the default folder of this process elsewhere, once, before anybody asks for it.
pub fn settle_state(path: PathBuf) {
    // A second call comes from nowhere.
    let _ = SETTLED.set(path);
}

impl Default for StateFolder {
    /// `.ferrotape` in the current folder, or where the settings have it.
    fn default() -> StateFolder {
        StateFolder::new(SETTLED.get().cloned().unwrap_or_else(|| PathBuf::from(".ferrotape")))
    }
}

/// A lock on a file. The system gives it back when the process ends, however it ends.
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of that file, making the file if need be; nothing where another process or
    /// thread has it.
    pub(super) fn try_take(path: &Path) -> io::Result<Option<Lock>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock of that file, making the file if need be, as soon as it is free.
    pub(super) fn take(path: &Path) -> io::Result<Lock> {
        let file = open(path)?;
        file.lock()?;
        Ok(Lock { file })
    }
}

impl Drop for Lock {
    /// Closing the file would not do: a process that is just being started may hold a copy of it.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_ignores_itself_in_git() {
        let temporary = tempfile::tempdir().unwrap();
        let state = StateFolder::new(temporary.path().join("a/.ferrotape"));
        assert!(!state.path().exists());
        state.make().unwrap();
        let ignore = state.path().join(".gitignore");
        assert_eq!(std::fs::read_to_string(&ignore).unwrap(), "*\n");
        std::fs::write(&ignore, "mine\n").unwrap();
        state.make().unwrap();
        assert_eq!(std::fs::read_to_string(&ignore).unwrap(), "mine\n");
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("lock");
        let held = Lock::try_take(&path).unwrap();
        assert!(held.is_some());
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
