//! Folders of models: which services they hold, without compiling any.
//!
//! A checkout of AWS's published models is 130 MB, so what its files say of their services is kept in
//! an index, which holds for a file as long as its size and time of change stay. The index is only a
//! memory: without it, or with a damaged one, the folder is looked through again.

mod walk;

use super::ast;
use super::compile::{ModelError, hexadecimal};
use super::format::{self, Format, GZIP};
use super::listing::{Listing, folded};
use crate::document;
use crate::terminal;
use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use walk::Found;

/// The layout of the index. One of another number is made anew.
const LAYOUT: u32 = 1;

/// What is kept of a folder.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Index {
    layout: u32,
    /// The folder, so that two of one name in the cache are told apart.
    folder: PathBuf,
    files: Vec<Indexed>,
}

/// What is kept of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Indexed {
    /// Path, size and time as they were.
    #[serde(flatten)]
    file: Found,
    /// None where it is no model.
    services: Vec<Listing>,
    /// Why a file that claims to be a model cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// The services of a folder, each with its file, in the order of the files. Of a service that is there
/// in several versions, the newest; name the folder of a version to have that one. `cache` is the
/// folder in which the index is kept.
///
/// # Errors
/// Where the folder cannot be read, or no model is in it.
pub fn list(folder: &Path, cache: Option<&Path>) -> Result<Vec<(Listing, PathBuf)>, ModelError> {
    let unreadable = |source| ModelError::UnreadableFolder {
        path: folder.display().to_string(),
        source,
    };
    let folder = folder.canonicalize().map_err(unreadable)?;
    let found = walk::candidates(&folder).map_err(unreadable)?;
    let place = cache.map(|cache| cache.join(file_name(&folder)));
    let old = place.as_deref().and_then(|place| remembered(place, &folder)).unwrap_or_default();
    let index = Index {
        layout: LAYOUT,
        files: renewed(&folder, found, &old),
        folder,
    };
    if let Some(place) = place.filter(|_| index != old) {
        // Without it the next start is slower, and nothing else.
        let _ = keep(&place, &index);
    }
    for indexed in &index.files {
        if let Some(problem) = &indexed.problem {
            let path = index.folder.join(&indexed.file.path);
            terminal::say(&format!(
                "`{}` is left out, as it is no model that can be read: {problem}",
                path.display()
            ));
        }
    }
    let newest = newest(&index);
    if newest.is_empty() {
        let path = index.folder.display().to_string();
        return Err(ModelError::EmptyFolder { path });
    }
    Ok(newest)
}

/// The entries of files that are as they were, and new ones for the rest.
fn renewed(folder: &Path, found: Vec<Found>, old: &Index) -> Vec<Indexed> {
    let known: HashMap<&Path, &Indexed> = old.files.iter().map(|indexed| (indexed.file.path.as_path(), indexed)).collect();
    let renew = |file: Found| match known.get(file.path.as_path()) {
        Some(indexed) if indexed.file == file => (*indexed).clone(),
        _ => indexed(folder, file),
    };
    found.into_iter().map(renew).collect()
}

fn indexed(folder: &Path, file: Found) -> Indexed {
    let (services, problem) = match services_of(&folder.join(&file.path)) {
        Ok(services) => (services, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    Indexed { file, services, problem }
}

/// Reads what a file says of its services, and as little else as it can.
fn services_of(path: &Path) -> Result<Vec<Listing>, String> {
    let (mut head, compressed) = opened(path).map_err(|error| error.to_string())?;
    let format = if compressed {
        format::of_reader(BufReader::new(MultiGzDecoder::new(&mut head)))
    } else {
        format::of_reader(&mut head)
    };
    match format {
        Format::Botocore(listing) => Ok(vec![*listing]),
        Format::Smithy => smithy_services(path),
        Format::Other if walk::is_botocore_name(path) => Err("it has no `metadata` as botocore's models have".to_owned()),
        Format::Other => Ok(Vec::new()),
    }
}

fn opened(path: &Path) -> io::Result<(BufReader<File>, bool)> {
    let mut reader = BufReader::with_capacity(16 << 10, document::open(path)?);
    let compressed = reader.fill_buf()?.starts_with(&GZIP);
    Ok((reader, compressed))
}

fn smithy_services(path: &Path) -> Result<Vec<Listing>, String> {
    let bytes = document::read(path).map_err(|error| error.to_string())?;
    let plain = format::inflated(&bytes).map_err(|error| error.to_string())?;
    let services = ast::services(&plain).map_err(|error| error.to_string())?;
    let listing = |(id, shape): (String, ast::AstShape)| Listing::of(&id, &shape.version, &shape.traits);
    Ok(services.into_iter().map(listing).collect())
}

fn newest(index: &Index) -> Vec<(Listing, PathBuf)> {
    let mut newest: Vec<(&Listing, &Indexed)> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    let listed = index
        .files
        .iter()
        .flat_map(|indexed| indexed.services.iter().map(move |listing| (listing, indexed)));
    for (listing, indexed) in listed {
        let position = *by_name.entry(folded(&listing.sdk_id)).or_insert(newest.len());
        match newest.get_mut(position) {
            // Versions are dates, year first.
            Some(known) if known.0.version < listing.version => *known = (listing, indexed),
            Some(_) => {}
            None => newest.push((listing, indexed)),
        }
    }
    let whole = |(listing, indexed): (&Listing, &Indexed)| (listing.clone(), index.folder.join(&indexed.file.path));
    newest.into_iter().map(whole).collect()
}

fn file_name(folder: &Path) -> String {
    let digest = hexadecimal(&Sha256::digest(folder.as_os_str().as_encoded_bytes()));
    format!("{}.json", digest.get(..16).unwrap_or(&digest))
}

fn remembered(place: &Path, folder: &Path) -> Option<Index> {
    let index: Index = serde_json::from_slice(&std::fs::read(place).ok()?).ok()?;
    Some(index).filter(|index| index.layout == LAYOUT && index.folder == folder)
}

/// Puts the index in its place all at once: several runs may start together.
fn keep(place: &Path, index: &Index) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(index)?)?;
    file.persist(place).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::fs;
    use tempfile::TempDir;

    fn botocore(id: &str, version: &str) -> String {
        let filler = "x".repeat(100_000);
        format!(
            r#"{{"version": "2.0", "metadata": {{"apiVersion": "{version}", "endpointPrefix": "e", "serviceId": "{id}", "protocol": "json", "jsonVersion": "1.0", "targetPrefix": "T{id}"}}, "operations": {{}}, "documentation": "{filler}"}}"#
        )
    }

    fn smithy(name: &str) -> String {
        format!(
            r#"{{"smithy": "2.0", "metadata": {{"suppressions": []}}, "shapes": {{"a#X": {{"type": "string", "traits": {{"smithy.api#documentation": "a \"service\""}}}},
                "a#{name}": {{"type": "service", "version": "1", "traits": {{"aws.protocols#restXml": {{}}}}}}}}}}"#
        )
    }

    fn put(folder: &Path, path: &str, content: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut encoder = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
            encoder.write_all(content.as_bytes()).unwrap();
            encoder.finish().unwrap();
        } else {
            fs::write(path, content).unwrap();
        }
    }

    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "old/2011-01-01/service-2.json.gz", &botocore("Old", "2011-01-01"));
        put(folder.path(), "old/2012-01-01/service-2.json.gz", &botocore("Old", "2012-01-01"));
        put(folder.path(), "old/2012-01-01/paginators-1.json", "{}");
        put(folder.path(), "plain/2020-01-01/service-2.json", &botocore("Plain", "2020-01-01"));
        put(folder.path(), "published/service/1/published-1.json", &smithy("Published"));
        put(folder.path(), "package.json", r#"{"name": "not a model"}"#);
        put(folder.path(), ".hidden/service-2.json", &botocore("Hidden", "1"));
        folder
    }

    fn names(found: &[(Listing, PathBuf)]) -> Vec<(&str, &str)> {
        found
            .iter()
            .map(|(listing, _)| (listing.sdk_id.as_str(), listing.version.as_str()))
            .collect()
    }

    #[test]
    fn a_folder_lists_the_newest_version_of_each_service_in_either_format() {
        let folder = folder();
        let found = list(folder.path(), None).unwrap();
        assert_eq!(names(&found), [("Old", "2012-01-01"), ("Plain", "2020-01-01"), ("Published", "1")]);
        let (old, file) = &found[0];
        assert_eq!(
            (old.name(), old.protocols.as_slice()),
            ("TOld", ["aws.protocols#awsJson1_0".to_owned()].as_slice())
        );
        assert!(file.ends_with("old/2012-01-01/service-2.json.gz"));
        assert_eq!(found[2].0.protocols, ["aws.protocols#restXml"]);
    }

    #[test]
    fn the_folder_of_a_version_gives_that_version() {
        let folder = folder();
        let found = list(&folder.path().join("old/2011-01-01"), None).unwrap();
        assert_eq!(names(&found), [("Old", "2011-01-01")]);
    }

    #[test]
    fn the_index_is_believed_while_size_and_time_stay_and_renewed_where_they_do_not() {
        let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
        let first = list(folder.path(), Some(cache.path())).unwrap();
        let place = fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
        let kept = fs::read_to_string(&place).unwrap();
        // A mark that only the index has shows that the files were not read again.
        fs::write(&place, kept.replace("\"Plain\"", "\"Marked\"")).unwrap();
        let second = list(folder.path(), Some(cache.path())).unwrap();
        assert_eq!(
            names(&second),
            [("Old", "2012-01-01"), ("Marked", "2020-01-01"), ("Published", "1")]
        );
        put(folder.path(), "plain/2020-01-01/service-2.json", &botocore("Changed", "2020-01-01"));
        let elsewhere = tempfile::tempdir().unwrap();
        fs::rename(folder.path().join("published"), elsewhere.path().join("published")).unwrap();
        let third = list(folder.path(), Some(cache.path())).unwrap();
        assert_eq!(names(&third), [("Old", "2012-01-01"), ("Changed", "2020-01-01")]);
        fs::write(&place, "damaged").unwrap();
        assert_eq!(list(folder.path(), Some(cache.path())).unwrap(), third);
        assert_ne!(first, third);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_index_that_cannot_be_kept_is_done_without() {
        let (folder, cache) = (folder(), tempfile::tempdir().unwrap());
        let file = cache.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(list(folder.path(), Some(&file.join("below"))).unwrap().len(), 3);
    }

    #[test]
    fn a_model_that_cannot_be_read_is_left_out_and_remembered_as_such() {
        let folder = folder();
        put(folder.path(), "cut/1/service-2.json", &botocore("Cut", "1")[..40]);
        put(folder.path(), "cut.json", &smithy("Cut")[..90]);
        let found = walk::candidates(folder.path()).unwrap();
        let problems: Vec<_> = renewed(folder.path(), found, &Index::default())
            .into_iter()
            .filter_map(|indexed| Some((indexed.file.path.display().to_string(), indexed.problem?)))
            .collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].0 == "cut/1/service-2.json" && problems[0].1.contains("`metadata`"),
            "{problems:?}"
        );
        assert!(problems[1].0 == "cut.json" && problems[1].1.contains("cut short"), "{problems:?}");
        assert_eq!(list(folder.path(), None).unwrap().len(), 3);
    }

    #[test]
    fn a_folder_without_models_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let told = list(folder.path(), None).unwrap_err().to_string();
        assert!(told.starts_with("the folder `") && told.contains("holds no model"), "{told}");
        let told = list(&folder.path().join("gone"), None).unwrap_err().to_string();
        assert!(told.starts_with("cannot list the folder of models"), "{told}");
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_and_rings_of_links_end() {
        let (folder, other) = (folder(), tempfile::tempdir().unwrap());
        put(other.path(), "linked/1/service-2.json", &botocore("Linked", "1"));
        std::os::unix::fs::symlink(other.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("ring")).unwrap();
        let found = list(folder.path(), None).unwrap();
        assert!(names(&found).contains(&("Linked", "1")), "{found:?}");
    }

    #[test]
    fn the_index_says_what_a_compiled_model_says() {
        let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
            eprintln!("skipped: FERROTAPE_VECTORS is not set");
            return;
        };
        let found = list(&Path::new(&folder).join("models"), None).unwrap();
        assert!(found.len() >= 20);
        for (listing, file) in found {
            let services = super::super::load(&fs::read(&file).unwrap(), "test").unwrap();
            assert!(services.iter().any(|service| service.listing() == listing), "{listing:?}");
        }
    }
}
