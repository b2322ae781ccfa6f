//! From journal to cassette: at the seal of a run, and when a run that died is recovered.

use super::keeping::added;
use crate::cassette::format::blob_folder;
use crate::cassette::journal::{self, RunHeader, SealedRun};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Interaction, ModelStamp, Name, Origin, StateFolder};
use crate::inspect::recognise;
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::proxy::takes::Entry;
use crate::redaction::numbering::number_tokens;
use anyhow::bail;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// A cassette that a run recorded.
pub struct Recorded {
    /// What was known of it beforehand.
    pub header: RunHeader,
    /// What was recorded.
    pub cassette: Cassette,
}

/// The cassettes that are to be recovered of a run, its own first; those without an interaction are
/// left out.
pub fn cassettes_of(run: &SealedRun) -> anyhow::Result<Vec<Recorded>> {
    let entries = entries_of(run)?;
    let mut headers = BTreeMap::from([(0, &run.header)]);
    let mut settled = HashSet::new();
    for (_, entry) in &entries {
        match entry {
            Entry::Header { take, header } => drop(headers.insert(*take, header.as_ref())),
            Entry::Settled { take } => drop(settled.insert(*take)),
            Entry::Interaction { .. } => {}
        }
    }
    let mut takes: Vec<(&RunHeader, HashSet<u32>)> = Vec::new();
    for (take, header) in &headers {
        match takes.iter_mut().find(|(known, _)| known.name == header.name) {
            Some((_, numbers)) => drop(numbers.insert(*take)),
            None => takes.push((header, HashSet::from([*take]))),
        }
    }
    if let Some(take) = entries
        .iter()
        .filter_map(|(_, entry)| entry.recorded_by())
        .find(|take| !headers.contains_key(take))
    {
        bail!(damaged(run, &format!("nothing tells what the recording {take} is")));
    }
    let made = takes.into_iter().map(|(header, numbers)| {
        let wanted = |entry: &Entry| {
            entry
                .recorded_by()
                .is_some_and(|take| numbers.contains(&take) && !settled.contains(&take))
        };
        let entries = entries.iter().map(|(_, entry)| entry).filter(|entry| wanted(entry)).cloned();
        Recorded {
            cassette: made(header, entries),
            header: header.clone(),
        }
    });
    Ok(made.filter(|recorded| !recorded.cassette.interactions.is_empty()).collect())
}

/// What a run wrote, with its numbers.
pub fn entries_of(run: &SealedRun) -> anyhow::Result<Vec<(u64, Entry)>> {
    let read = |(number, record): (u64, &[u8])| Ok((number, Entry::read(record)?));
    let entries: Result<Vec<(u64, Entry)>, String> = run.numbered().map(read).collect();
    entries.map_err(|why| damaged(run, &why))
}

fn damaged(run: &SealedRun, why: &str) -> anyhow::Error {
    anyhow::anyhow!("the journal `{}` is damaged: {why}", run.folder().display())
}

/// The cassette of these interactions, to be finished.
pub fn made(header: &RunHeader, entries: impl IntoIterator<Item = Entry>) -> Cassette {
    let mut cassette = header.cassette.clone();
    for entry in entries {
        if let Entry::Interaction { interaction, stand_in, .. } = entry {
            if stand_in {
                cassette.origin = Origin::Synthesised;
            }
            cassette.interactions.push(*interaction);
        }
    }
    cassette
}

/// What depends on all interactions of a cassette.
pub fn finish(cassette: &mut Cassette, catalog: &Catalog) {
    let used = |sdk_id: &String| {
        cassette
            .interactions
            .iter()
            .any(|interaction| interaction.service.as_ref() == Some(sdk_id))
    };
    let models = std::mem::take(&mut cassette.models);
    cassette.models = models.into_iter().filter(|(sdk_id, _)| used(sdk_id)).collect();
    number_tokens(&mut cassette.interactions, &|interaction| recorded_token(catalog, interaction));
    stamp_loaded(cassette, catalog);
}

/// The stamp of a model.
pub fn stamp(service: &Service) -> (String, ModelStamp) {
    let stamp = ModelStamp {
        version: service.version.clone(),
        sha256: service.sha256.clone(),
    };
    (service.sdk_id.clone(), stamp)
}

/// Stamps the models of folders, which are known only once they are used, in the order of the
/// interactions.
fn stamp_loaded(cassette: &mut Cassette, catalog: &Catalog) {
    for name in cassette.interactions.iter().filter_map(|interaction| interaction.service.as_ref()) {
        if cassette.models.iter().any(|(stamped, _)| stamped == name) {
            continue;
        }
        let service = catalog.loaded().find(|service| service.sdk_id == *name);
        cassette.models.extend(service.map(|service| stamp(service)));
    }
}

/// The idempotency token of a recorded request, where its operation has one.
pub fn recorded_token(catalog: &Catalog, interaction: &Interaction) -> Option<String> {
    let call = recognise(catalog, &interaction.request).ok()?;
    let input = call
        .protocol
        .decode_request(&call.service, call.operation, &interaction.request)
        .ok()?;
    call.token(&input).map(str::to_owned)
}

/// Turns what earlier runs left behind into cassettes; gives what is to be said of it.
pub fn recover(state: &StateFolder, library: &Library, catalog: &Catalog) -> anyhow::Result<Vec<String>> {
    let recovery = journal::recover(state)?;
    let mut notes: Vec<String> = recovery.damaged.iter().map(ToString::to_string).collect();
    for run in recovery.runs {
        for recorded in cassettes_of(&run)? {
            notes.push(match recorded.header.adds {
                true => recover_aside(state, library, recorded, catalog)?,
                false => recover_one(library, recorded, catalog)?,
            });
        }
        run.remove()?;
    }
    Ok(notes)
}

fn recover_one(library: &Library, recorded: Recorded, catalog: &Catalog) -> anyhow::Result<String> {
    let Recorded { header, mut cassette } = recorded;
    let what = recovered(&cassette);
    let own_path = library.path(&header.name);
    let name = free_name(library, &header.name)?;
    finish(&mut cassette, catalog);
    library.save(&name, &cassette)?;
    let mut note = format!("{what}, as `{}`", library.path(&name).display());
    if name != header.name {
        let command = adopt_command(&library.path(&name), &own_path);
        note.push_str(&format!("; to put it in the place of the older one: {command}"));
    }
    Ok(note)
}

/// What was to go behind a cassette, of a run that died: with the rest of it, aside. A run that fails adds
/// nothing either.
fn recover_aside(state: &StateFolder, library: &Library, recorded: Recorded, catalog: &Catalog) -> anyhow::Result<String> {
    let Recorded { header, mut cassette } = recorded;
    let what = recovered(&cassette);
    if library.exists(&header.name) {
        cassette = added(library, &header.name, cassette)?;
    }
    finish(&mut cassette, catalog);
    let aside = Library::new(state.partial());
    let name = free_name(&aside, &header.name)?;
    aside.save(&name, &cassette)?;
    let path = library.path(&header.name);
    let command = adopt_command(&aside.path(&name), &path);
    Ok(format!(
        "{what}; `{}` is without them; to take them all the same: {command}",
        path.display()
    ))
}

fn recovered(cassette: &Cassette) -> String {
    let count = cassette.interactions.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("recovered {count} interaction{plural} of a recording that was cut short")
}

/// `NAME` where there is none yet, else `NAME.recovered`, `NAME.recovered-2`, …: what an earlier
/// recovery saved is not overwritten.
fn free_name(library: &Library, name: &Name) -> anyhow::Result<Name> {
    let mut free = name.clone();
    for attempt in 1.. {
        if !library.exists(&free) {
            break;
        }
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        free = name.with_ending(&format!(".recovered{suffix}"))?;
    }
    Ok(free)
}

/// The command that puts one cassette in another's place, large bodies included.
pub fn adopt_command(from: &Path, to: &Path) -> String {
    let (bodies, old_bodies) = (blob_folder(from), blob_folder(to));
    let mut steps = Vec::new();
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        steps.push(format!("mkdir -p {}", quoted(folder)));
    }
    if bodies.is_dir() || old_bodies.is_dir() {
        steps.push(format!("rm -rf {}", quoted(&old_bodies)));
    }
    if bodies.is_dir() {
        steps.push(format!("mv {} {}", quoted(&bodies), quoted(&old_bodies)));
    }
    steps.push(format!("mv {} {}", quoted(from), quoted(to)));
    steps.join(" && ")
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
