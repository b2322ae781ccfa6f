//! The files of a folder that may be models.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders deeper than this are not looked into.
const DEEPEST: usize = 12;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Relative to the folder.
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub changed: u64,
}

/// JSON files, compressed or not, in the order of their paths. Of a folder that holds a botocore model,
/// that model alone: paginators, waiters and examples lie beside it. Hidden folders are left out.
pub fn candidates(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut walk = Walk {
        root: folder,
        found: &mut found,
        linked: HashSet::new(),
    };
    walk.look_into(folder, 0)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Whether a file has the name that botocore gives a model.
pub fn is_botocore_name(path: &Path) -> bool {
    matches!(
        path.file_name().and_then(OsStr::to_str),
        Some("service-2.json" | "service-2.json.gz")
    )
}

struct Walk<'a> {
    root: &'a Path,
    found: &'a mut Vec<Found>,
    /// Folders reached by a link, so that a ring of links ends.
    linked: HashSet<PathBuf>,
}

impl Walk<'_> {
    fn look_into(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let mut kind = entry.file_type()?;
            let path = entry.path();
            if kind.is_symlink() {
                let Ok(behind) = fs::metadata(&path) else { continue };
                kind = behind.file_type();
                if kind.is_dir() && !self.linked.insert(path.canonicalize()?) {
                    continue;
                }
            }
            if kind.is_dir() && depth < DEEPEST {
                self.look_into(&path, depth + 1)?;
            } else if kind.is_file() && (name.ends_with(".json") || name.ends_with(".json.gz")) {
                files.push(path);
            }
        }
        // `service-2.json` before `service-2.json.gz`, as botocore has it.
        files.sort();
        match files.iter().position(|file| is_botocore_name(file)) {
            Some(position) => self.keep(&files.swap_remove(position)),
            None => files.iter().try_for_each(|file| self.keep(file)),
        }
    }

    fn keep(&mut self, file: &Path) -> io::Result<()> {
        let metadata = fs::metadata(file)?;
        self.found.push(Found {
            path: file.strip_prefix(self.root).unwrap_or(file).to_owned(),
            size: metadata.len(),
            changed: changed(&metadata),
        });
        Ok(())
    }
}

fn changed(metadata: &Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
