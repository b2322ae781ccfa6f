//! Files that survive a power cut: written whole beside the old one, synced, renamed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a folder and those above it, and syncs the folders that got a new entry.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => Err(error),
        _ => sync_folder(above),
    }
}

/// What a file that is being written is called until it is whole.
const TEMPORARY: (&str, &str) = (".ferrotape-", ".tmp");

/// Whether a file of that name was being written when its writer died.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// Why a file cannot be written, in words.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::FileTooLarge => "a file there must not grow so large".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// What to do where a file cannot be written.
pub(super) fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "; make the folder writable, or name another",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space, and run it again",
        io::ErrorKind::FileTooLarge => "; raise the limit (`ulimit -f`), and run it again",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "; something else than a folder is in the way",
        _ => "",
    }
}

/// What to do where no file can be made in a folder.
pub(super) fn way_out_of_folder(error: &io::Error) -> &'static str {
    match way_out(error) {
        "" => "; make the folder writable, or name another",
        known => known,
    }
}

/// Fails where no file can be made in a folder.
pub(super) fn try_file(folder: &Path) -> io::Result<()> {
    tempfile::Builder::new()
        .prefix(TEMPORARY.0)
        .suffix(TEMPORARY.1)
        .tempfile_in(folder)?
        .close()
}

/// Puts a file in the place of the one at `path`, if there is one, all or nothing. A new file gets
/// the mode that the process' mask leaves; a replaced one passes its mode on.
pub(super) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = parent(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Makes the entries of a folder durable: files that were made, renamed or removed in it.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The folder that a path lies in; that of a bare name is the current one.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}
