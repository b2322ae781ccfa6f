//! The private folder of a run, below the system's temporary one: made, removed with the run, and
//! removed by the next run where one was killed.
//!
//! Other people and other programs have folders there too, and some are called as ours are. So a
//! folder counts as ours only by its marker, and only files of the names that we make are removed,
//! one by one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const PREFIX: &str = "ferrotape-";

/// The marker: its content names the folder, and a lock on it is held as long as the folder is in use.
/// A process id would not do: two containers that share a temporary folder do not know each other's.
const MARKER: &str = "lock";

/// What the marker is called until its lock is held, so that nobody finds it free.
const NEW_MARKER: &str = "lock.new";

/// A folder that only this user can read. Dropping it removes it.
#[derive(Debug)]
pub struct PrivateFolder {
    path: PathBuf,
    /// Names of the files that may be in it.
    files: &'static [&'static str],
    _lock: File,
}

impl PrivateFolder {
    /// Makes a folder for files of these names below `temporary`.
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub fn create(temporary: &Path, files: &'static [&'static str]) -> io::Result<PrivateFolder> {
        let private = Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(temporary)?;
        let lock = marked(made.path())?;
        Ok(PrivateFolder {
            path: made.keep(),
            files,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what runs that were killed left beside this folder. Whatever else is in such a folder
    /// stays, and the folder with it.
    pub fn remove_stale(&self) {
        let (Some(temporary), Ok(own)) = (self.path.parent(), self.path.symlink_metadata()) else {
            return;
        };
        for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
            if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
                continue;
            }
            let path = entry.path();
            if let Some(_lock) = abandoned(&path, own.uid()) {
                remove(&path, self.files);
            }
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        remove(&self.path, self.files);
    }
}

/// What the marker of a folder says. Nobody else would write it, and a copy of the folder has another
/// name.
fn marker_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("ferrotape: the files of one run, removed with it: {name}\n")
}

fn marked(folder: &Path) -> io::Result<File> {
    let new = folder.join(NEW_MARKER);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.lock()?;
    file.write_all(marker_of(folder).as_bytes())?;
    fs::rename(&new, folder.join(MARKER))?;
    Ok(file)
}

/// The lock of a folder that is ours, of this user, and in use by nobody.
fn abandoned(folder: &Path, user: u32) -> Option<File> {
    let metadata = folder.symlink_metadata().ok()?;
    let is_private = |metadata: &fs::Metadata| metadata.uid() == user && metadata.mode() & 0o077 == 0;
    if !metadata.is_dir() || !is_private(&metadata) {
        return None;
    }
    let marker = folder.join(MARKER);
    if !marker.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut file = File::open(&marker).ok()?;
    let metadata = file.metadata().ok()?;
    let wanted = marker_of(folder);
    if !metadata.is_file() || metadata.nlink() != 1 || !is_private(&metadata) || metadata.len() != wanted.len() as u64 {
        return None;
    }
    let mut content = String::new();
    file.read_to_string(&mut content).ok()?;
    (content == wanted && file.try_lock().is_ok()).then_some(file)
}

/// Removes the files of a folder that are ours by name, the marker last, then the folder if nothing
/// else is in it. What cannot be removed stays.
fn remove(folder: &Path, files: &[&str]) {
    for name in files.iter().copied().chain([NEW_MARKER, MARKER]) {
        let file = folder.join(name);
        if file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            let _ = fs::remove_file(file);
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[&str] = &["one.pem", "two.pem"];

    fn kept(temporary: &Path) -> PathBuf {
        let folder = PrivateFolder::create(temporary, FILES).unwrap();
        fs::write(folder.path().join("one.pem"), "1").unwrap();
        let path = folder.path().to_owned();
        // As a kill leaves it: the lock is given back, and nothing else happens.
        folder._lock.unlock().unwrap();
        std::mem::forget(folder);
        path
    }

    #[test]
    fn the_folder_is_private_and_goes_when_it_is_dropped() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::create(temporary.path(), FILES).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        fs::write(folder.path().join("two.pem"), "2").unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_by_the_next() {
        let temporary = tempfile::tempdir().unwrap();
        let killed = kept(temporary.path());
        let living = PrivateFolder::create(temporary.path(), FILES).unwrap();
        let own = PrivateFolder::create(temporary.path(), FILES).unwrap();
        own.remove_stale();
        assert!(!killed.exists() && living.path().exists() && own.path().exists());
    }

    /// Folders that differ from an abandoned one of ours in one way only.
    #[test]
    fn what_is_not_ours_stays_whole() {
        let temporary = tempfile::tempdir().unwrap();
        let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        let changes: [&dyn Fn(&Path); 8] = [
            &|folder| fs::write(folder.join(MARKER), "").unwrap(),
            &|folder| fs::write(folder.join(MARKER), "x".repeat(marker_of(folder).len())).unwrap(),
            &|folder| fs::rename(folder.join(MARKER), folder.join("other")).unwrap(),
            &|folder| fs::hard_link(folder.join(MARKER), temporary.path().join("linked")).unwrap(),
            &|folder| open(&folder.join(MARKER)),
            &|folder| open(folder),
            &|folder| {
                fs::rename(folder.join(MARKER), temporary.path().join("elsewhere")).unwrap();
                std::os::unix::fs::symlink(temporary.path().join("elsewhere"), folder.join(MARKER)).unwrap();
            },
            &|folder| {
                let other = temporary.path().join("not-called-so");
                fs::rename(folder, &other).unwrap();
                std::os::unix::fs::symlink(&other, folder).unwrap();
            },
        ];
        let folders = changes.map(|change| {
            let folder = kept(temporary.path());
            change(&folder);
            folder
        });
        let copy = temporary.path().join("ferrotape-copy");
        fs::create_dir(&copy).unwrap();
        fs::set_permissions(&copy, Permissions::from_mode(0o700)).unwrap();
        let original = kept(temporary.path());
        fs::copy(original.join(MARKER), copy.join(MARKER)).unwrap();
        PrivateFolder::create(temporary.path(), FILES).unwrap().remove_stale();
        for (number, folder) in folders.iter().enumerate() {
            assert!(folder.join("one.pem").exists(), "change {number}");
        }
        assert!(copy.join(MARKER).exists() && !original.exists());
    }

    #[test]
    fn only_files_of_our_names_are_removed_and_nothing_below() {
        let temporary = tempfile::tempdir().unwrap();
        let killed = kept(temporary.path());
        fs::write(killed.join("notes.txt"), "mine").unwrap();
        fs::create_dir(killed.join("two.pem")).unwrap();
        fs::write(killed.join("two.pem/deep"), "mine").unwrap();
        PrivateFolder::create(temporary.path(), FILES).unwrap().remove_stale();
        assert!(!killed.join("one.pem").exists() && !killed.join(MARKER).exists());
        assert!(killed.join("notes.txt").exists() && killed.join("two.pem/deep").exists());
    }
}
