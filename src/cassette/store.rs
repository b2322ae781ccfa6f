//! Cassettes on disk: found by name, read with their large bodies, replaced all at once.
//!
//! What a file says is the format's business; this one knows folders, locks and syncs.

use super::format::{FormatError, blob_folder, is_blob_name};
use super::state::Lock;
use super::{Cassette, Name, StateFolder, durable};
use crate::document;
use crate::near;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a save waits for another process' save. One takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder of cassettes.
#[derive(Debug, Clone)]
pub struct Library {
    root: PathBuf,
    state: StateFolder,
    patience: Duration,
}

/// Why a cassette cannot be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no file for that name.
    #[error("{}; record it with `ferrotape record -c {name} -- COMMAND`", absent(name, file, near))]
    NoSuchCassette {
        name: Name,
        file: PathBuf,
        /// Names that exist and are like it, the most alike first.
        near: Vec<Name>,
    },
    /// The file is there, and is no cassette.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {why}", path.display())]
    Read { path: PathBuf, why: io::Error },
    /// A file or folder cannot be written.
    #[error("cannot write `{}`: {}{}", path.display(), durable::reason(why), durable::way_out(why))]
    Write { path: PathBuf, why: io::Error },
    /// Something is where the cassette has to have its file or folder.
    #[error("cannot record `{}`: `{}` is {what}; move it away, or take another name", file.display(), place.display())]
    InTheWay { file: PathBuf, place: PathBuf, what: &'static str },
    /// The cassette could not be saved in the end.
    #[error("cannot write `{}`: no file can be made in `{}`: {}{}", file.display(), folder.display(), durable::reason(why), durable::way_out_of_folder(why))]
    Unwritable { file: PathBuf, folder: PathBuf, why: io::Error },
    /// Another process is saving, and does not come to an end.
    #[error("cannot save `{}`: another ferrotape holds the lock `{}`; wait for it to end, or stop it", file.display(), lock.display())]
    Locked { file: PathBuf, lock: PathBuf },
    /// Another process records the same cassette: the one that ends last would win.
    #[error("`{}` is being recorded by another ferrotape; wait for it to end, or record under another name", file.display())]
    BeingRecorded { file: PathBuf },
}

/// The right to record one cassette, until it is dropped or the process ends.
pub struct Recording {
    _lock: Lock,
}

impl StoreError {
    /// That there is no such cassette, if so, for those who know better how to record it.
    pub fn absence(&self) -> Option<String> {
        match self {
            StoreError::NoSuchCassette { name, file, near } => Some(absent(name, file, near)),
            _ => None,
        }
    }
}

fn absent(name: &Name, file: &Path, near: &[Name]) -> String {
    format!("no cassette `{name}`: there is no file `{}`{}", file.display(), nearest(near))
}

fn nearest(near: &[Name]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!(" (there is {})", names.join(", "))
}

impl Library {
    /// The cassettes below `root`, with the state folder of the current folder for its lock.
    pub fn new(root: PathBuf) -> Library {
        Library {
            root,
            state: StateFolder::default(),
            patience: PATIENCE,
        }
    }

    /// Takes the right to record a cassette; nobody else has it meanwhile.
    pub fn begin_recording(&self, name: &Name) -> Result<Recording, StoreError> {
        self.refuse_what_is_in_the_way(name)?;
        self.refuse_unwritable(name)?;
        let folder = self.state.path().join("recording");
        let wrong = |why| StoreError::Write { path: folder.clone(), why };
        self.state.make().and_then(|()| durable::make_folder(&folder)).map_err(wrong)?;
        // Cassettes of one name may lie in two folders.
        let file = self.path(name);
        let whole = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
        let lock = folder.join(blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex().as_str());
        match Lock::try_take(&lock) {
            Ok(Some(lock)) => Ok(Recording { _lock: lock }),
            Ok(None) => Err(StoreError::BeingRecorded { file }),
            Err(why) => Err(wrong(why)),
        }
    }

    /// A cassette that cannot be saved in the end is refused before anything is recorded for it.
    fn refuse_what_is_in_the_way(&self, name: &Name) -> Result<(), StoreError> {
        let file = self.path(name);
        let blobs = blob_folder(&file);
        let folders = file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let not_a_file = fs::metadata(&file).is_ok_and(|found| !found.is_file());
        let in_the_way = match not_a_file {
            true => Some((file.as_path(), "no file")),
            false => folders
                .chain([blobs.as_path()])
                .find_map(|place| Some((place, not_a_folder(place)?))),
        };
        match in_the_way.map(|(place, what)| (place.to_owned(), what)) {
            Some((place, what)) => Err(StoreError::InTheWay { file, place, what }),
            None => Ok(()),
        }
    }

    /// A file is made to see it: modes, mounts and root's rights each tell a part only.
    fn refuse_unwritable(&self, name: &Name) -> Result<(), StoreError> {
        let file = self.path(name);
        let is_there = |folder: &&Path| folder.is_dir();
        let above = file.ancestors().skip(1).map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
        let blobs = blob_folder(&file);
        for folder in above.filter(is_there).take(1).chain([blobs.as_path()].into_iter().filter(is_there)) {
            durable::try_file(folder).map_err(|why| StoreError::Unwritable {
                file: file.clone(),
                folder: folder.to_owned(),
                why,
            })?;
        }
        Ok(())
    }

    /// The same, with the lock in another state folder.
    pub fn with_state(self, state: StateFolder) -> Library {
        Library { state, ..self }
    }

    /// The folder of the cassettes.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of a cassette, whether it exists or not.
    pub fn path(&self, name: &Name) -> PathBuf {
        self.root.join(format!("{name}.json"))
    }

    /// Whether there is such a cassette.
    pub fn exists(&self, name: &Name) -> bool {
        self.path(name).exists()
    }

    /// Reads a cassette by name.
    pub fn load(&self, name: &Name) -> Result<Cassette, StoreError> {
        let file = self.path(name);
        match load_file(&file) {
            Err(StoreError::Read { why, .. }) if why.kind() == io::ErrorKind::NotFound => Err(StoreError::NoSuchCassette {
                name: name.clone(),
                file,
                near: self.near(name),
            }),
            result => result,
        }
    }

    /// Puts a cassette in the place of the one with that name, all or nothing. Its large bodies
    /// are durable before the file that names them is there, and those that it no longer names
    /// are removed after.
    pub fn save(&self, name: &Name, cassette: &Cassette) -> Result<(), StoreError> {
        self.save_announced(name, cassette, &mut |_| ())
    }

    /// The same; `announce` is told the BLAKE3 of the file, in hexadecimal, before it takes its place.
    pub fn save_announced(&self, name: &Name, cassette: &Cassette, announce: &mut dyn FnMut(String)) -> Result<(), StoreError> {
        let file = self.path(name);
        let rendered = cassette.render();
        let _lock = self.lock(&file)?;
        let write = |path: &Path| {
            let path = path.to_owned();
            move |why| StoreError::Write { path, why }
        };
        durable::make_folder(durable::parent(&file)).map_err(write(&file))?;

        let folder = blob_folder(&file);
        let mut named = HashSet::new();
        for (name, content) in &rendered.blobs {
            durable::make_folder(&folder).map_err(write(&folder))?;
            let blob = folder.join(name);
            if fs::read(&blob).ok().as_deref() != Some(content) {
                durable::replace_file(&blob, content).map_err(write(&blob))?;
            }
            named.insert(name.as_str());
        }
        announce(blake3::hash(&rendered.json).to_hex().to_string());
        durable::replace_file(&file, &rendered.json).map_err(write(&file))?;
        remove_other_blobs(&folder, &named).map_err(write(&folder))
    }

    /// The names of all cassettes, sorted.
    pub fn names(&self) -> Result<Vec<Name>, StoreError> {
        let mut names: Vec<Name> = files_below(&self.root)?.iter().filter_map(|file| self.name_of(file)).collect();
        names.sort();
        Ok(names)
    }

    /// Names of cassettes that differ only by case: where a file system ignores case, they are one file.
    pub fn alike(&self) -> Vec<Vec<Name>> {
        let mut alike: BTreeMap<String, Vec<Name>> = BTreeMap::new();
        for name in self.names().unwrap_or_default() {
            alike.entry(name.as_str().to_ascii_lowercase()).or_default().push(name);
        }
        alike.into_values().filter(|names| names.len() > 1).collect()
    }

    fn name_of(&self, file: &Path) -> Option<Name> {
        let path = file.strip_prefix(&self.root).ok()?.to_str()?;
        Name::parse(&path.strip_suffix(".json")?.replace(std::path::MAIN_SEPARATOR, "/")).ok()
    }

    fn near(&self, wanted: &Name) -> Vec<Name> {
        let names = self.names().unwrap_or_default();
        let near = near::nearest(wanted.as_str(), names.iter().map(Name::as_str));
        near.into_iter().filter_map(|name| Name::parse(name).ok()).collect()
    }

    pub(super) fn lock(&self, file: &Path) -> Result<Lock, StoreError> {
        let lock = self.state.path().join(".lock");
        let unwritable = |why| StoreError::Write { path: lock.clone(), why };
        self.state.make().map_err(unwritable)?;
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(held) = Lock::try_take(&lock).map_err(unwritable)? {
                return Ok(held);
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Locked {
                    file: file.to_owned(),
                    lock,
                });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Why no folder can be made at that path, if something else is there.
fn not_a_folder(place: &Path) -> Option<&'static str> {
    match fs::metadata(place) {
        Ok(found) if !found.is_dir() => Some("no folder"),
        Err(_) if place.is_symlink() => Some("a link that leads nowhere"),
        _ => None,
    }
}

/// Reads the cassette in that file, with the large bodies beside it.
pub fn load_file(file: &Path) -> Result<Cassette, StoreError> {
    let bytes = document::read(file).map_err(|why| StoreError::Read {
        path: file.to_owned(),
        why,
    })?;
    let folder = blob_folder(file);
    Ok(Cassette::parse(&bytes, file, &|name| document::read(&folder.join(name)))?)
}

/// All files below a folder that may be cassettes (`*.json`), sorted by path. The folders of
/// large bodies and links to folders are not entered.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        collect(&folder, &mut found, &mut waiting).map_err(|why| StoreError::Read { path: folder, why })?;
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if entry.file_type()?.is_dir() {
            if extension != Some("blobs") {
                folders.push(path);
            }
        } else if extension == Some("json") {
            files.push(path);
        }
    }
    Ok(())
}

/// Removes the body files that a cassette does not name, and their folder once it is empty. What
/// ferrotape did not put there stays.
pub(super) fn remove_other_blobs(folder: &Path, named: &HashSet<&str>) -> io::Result<()> {
    if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let mut others = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_file = entry.file_type()?.is_file();
        match entry.file_name().to_str() {
            Some(name) if is_file && is_blob_name(name) && !named.contains(name) => fs::remove_file(entry.path())?,
            _ => others += 1,
        }
    }
    if others == 0 {
        fs::remove_dir(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::Interaction;
    use crate::cassette::format::BLOB_ABOVE;
    use crate::wire::{Request, Response};

    struct Folder {
        temporary: tempfile::TempDir,
        library: Library,
    }

    fn folder() -> Folder {
        let temporary = tempfile::tempdir().unwrap();
        let state = StateFolder::new(temporary.path().join(".ferrotape"));
        let library = Library::new(temporary.path().join("cassettes")).with_state(state);
        Folder { temporary, library }
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn tape(response: &str) -> Cassette {
        let interaction = Interaction::new(Request::default(), Response::new(response.to_owned().into()));
        Cassette {
            interactions: vec![interaction],
            ..Cassette::default()
        }
    }

    fn blobs(library: &Library, tape: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(blob_folder(&library.path(&name(tape)))) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_cassette_is_recorded_by_one_at_a_time() {
        let Folder { library, .. } = folder();
        let first = library.begin_recording(&name("a")).unwrap();
        let other = library.begin_recording(&name("b")).unwrap();
        let refused = library.begin_recording(&name("a")).err().map(|error| error.to_string());
        let refused = refused.unwrap_or_default();
        assert!(
            refused.ends_with("a.json` is being recorded by another ferrotape; wait for it to end, or record under another name"),
            "{refused}"
        );
        drop((first, other));
        assert!(library.begin_recording(&name("a")).is_ok());
    }

    #[test]
    fn what_is_in_the_way_of_a_cassette_is_told_before_it_is_recorded() {
        let Folder { library, .. } = folder();
        fs::create_dir_all(library.root().join("folder.json")).unwrap();
        fs::write(library.root().join("file"), "").unwrap();
        fs::write(library.root().join("t.blobs"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", library.root().join("link")).unwrap();
        for (tape, place, what) in [
            ("folder", "folder.json", "no file"),
            ("file/deep/er", "file", "no folder"),
            ("t", "t.blobs", "no folder"),
            ("link/t", "link", "a link that leads nowhere"),
        ] {
            let error = library.begin_recording(&name(tape)).err().map(|error| error.to_string());
            let (file, place) = (library.path(&name(tape)), library.root().join(place));
            let wanted = format!(
                "cannot record `{}`: `{}` is {what}; move it away, or take another name",
                file.display(),
                place.display()
            );
            assert_eq!(error, Some(wanted));
        }
        assert!(library.begin_recording(&name("a/b")).is_ok());
    }

    #[test]
    fn what_was_saved_is_loaded_by_name() {
        let Folder { library, temporary } = folder();
        assert!(!library.exists(&name("a/b")));
        library.save(&name("a/b"), &tape("one")).unwrap();
        library.save(&name("a/b"), &tape("two")).unwrap();
        assert!(library.exists(&name("a/b")));
        assert_eq!(library.load(&name("a/b")).unwrap().interactions[0].response.body(), "two");
        let left: Vec<_> = fs::read_dir(temporary.path().join("cassettes/a")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn large_bodies_come_and_go_with_their_cassette() {
        let Folder { library, .. } = folder();
        let (first, second) = ("1".repeat(BLOB_ABOVE + 1), "2".repeat(BLOB_ABOVE + 1));
        library.save(&name("t"), &tape(&first)).unwrap();
        let old = blobs(&library, "t");
        assert_eq!(library.load(&name("t")).unwrap().interactions[0].response.body(), &first);
        library.save(&name("t"), &tape(&second)).unwrap();
        assert_eq!(library.load(&name("t")).unwrap().interactions[0].response.body(), &second);
        let new = blobs(&library, "t");
        assert_eq!((old.len(), new.len()), (1, 1));
        assert_ne!(old, new);
        library.save(&name("t"), &tape("small")).unwrap();
        assert!(!blob_folder(&library.path(&name("t"))).exists());
    }

    #[test]
    fn files_that_are_not_ours_stay_among_the_large_bodies() {
        let Folder { library, .. } = folder();
        library.save(&name("t"), &tape(&"1".repeat(BLOB_ABOVE + 1))).unwrap();
        fs::write(blob_folder(&library.path(&name("t"))).join("README"), "mine").unwrap();
        library.save(&name("t"), &tape("small")).unwrap();
        assert_eq!(blobs(&library, "t"), ["README"]);
    }

    #[test]
    fn a_large_body_that_was_damaged_is_written_again() {
        let Folder { library, .. } = folder();
        let large = "1".repeat(BLOB_ABOVE + 1);
        library.save(&name("t"), &tape(&large)).unwrap();
        let file = blob_folder(&library.path(&name("t"))).join(&blobs(&library, "t")[0]);
        fs::write(&file, "x").unwrap();
        assert!(matches!(
            library.load(&name("t")),
            Err(StoreError::Format(FormatError::BlobChanged { .. }))
        ));
        library.save(&name("t"), &tape(&large)).unwrap();
        assert!(library.load(&name("t")).is_ok());
        fs::remove_file(&file).unwrap();
        let error = library.load(&name("t")).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_an_ordinary_one_and_a_replaced_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let Folder { library, temporary } = folder();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let ordinary = temporary.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        library.save(&name("t"), &tape("1")).unwrap();
        assert_eq!(mode(&library.path(&name("t"))), mode(&ordinary));
        fs::set_permissions(library.path(&name("t")), fs::Permissions::from_mode(0o640)).unwrap();
        library.save(&name("t"), &tape("2")).unwrap();
        assert_eq!(mode(&library.path(&name("t"))), 0o640);
    }

    #[test]
    fn a_missing_cassette_is_told_with_its_neighbours_and_the_way_to_record_it() {
        let Folder { library, .. } = folder();
        let empty = library.load(&name("chekout")).unwrap_err().to_string();
        assert!(!empty.contains("there is `"), "{empty}");
        for existing in ["checkout", "billing", "checkouts"] {
            library.save(&name(existing), &tape("")).unwrap();
        }
        let file = library.path(&name("chekout")).display().to_string();
        assert_eq!(
            library.load(&name("chekout")).unwrap_err().to_string(),
            format!(
                "no cassette `chekout`: there is no file `{file}` (there is `checkout`, `checkouts`); \
                 record it with `ferrotape record -c chekout -- COMMAND`"
            )
        );
    }

    #[test]
    fn names_and_files_are_listed_sorted_without_what_is_no_cassette() {
        let Folder { library, .. } = folder();
        for tape_name in ["b", "a/z", "a/b/c"] {
            library.save(&name(tape_name), &tape(&"1".repeat(BLOB_ABOVE + 1))).unwrap();
        }
        fs::write(library.root().join("notes.txt"), "").unwrap();
        fs::write(library.root().join("not a name.json"), "").unwrap();
        fs::write(blob_folder(&library.path(&name("b"))).join("x.json"), "").unwrap();
        let names: Vec<String> = library.names().unwrap().iter().map(Name::to_string).collect();
        assert_eq!(names, ["a/b/c", "a/z", "b"]);
        let files: Vec<PathBuf> = ["a/b/c.json", "a/z.json", "b.json", "not a name.json"]
            .iter()
            .map(|file| library.root().join(file))
            .collect();
        assert_eq!(files_below(library.root()).unwrap(), files);
        let missing = files_below(&library.root().join("nowhere")).unwrap_err();
        assert!(missing.to_string().contains("nowhere"), "{missing}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let Folder { library, temporary } = folder();
        fs::write(temporary.path().join("cassettes"), "a file").unwrap();
        let error = library.save(&name("t"), &tape("")).unwrap_err().to_string();
        let file = library.path(&name("t")).display().to_string();
        assert!(error.starts_with(&format!("cannot write `{file}`: ")), "{error}");
        assert!(error.ends_with("something else than a folder is in the way"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_with_the_way_out() {
        let error = StoreError::Write {
            path: PathBuf::from("t.json"),
            why: io::Error::from_raw_os_error(28),
        };
        assert_eq!(
            error.to_string(),
            "cannot write `t.json`: the disk is full; free some space, and run it again"
        );
    }

    #[test]
    fn two_savers_never_meet() {
        let Folder { mut library, temporary } = folder();
        library.save(&name("t"), &tape("before")).unwrap();
        let held = Lock::try_take(&temporary.path().join(".ferrotape/.lock")).unwrap().unwrap();
        library.patience = Duration::ZERO;
        let error = library.save(&name("t"), &tape("after")).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        assert_eq!(library.load(&name("t")).unwrap().interactions[0].response.body(), "before");
        drop(held);
        library.save(&name("t"), &tape("after")).unwrap();
    }
}
