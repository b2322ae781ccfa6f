//! From journal to cassette: at the seal of a run, and when a run that died is recovered.

use super::recordings::added;
use crate::cassette::format::blob_folder;
use crate::cassette::journal::{self, RunHeader, SealedRun};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Interaction, ModelStamp, Name, Origin, StateFolder};
use crate::inspect::recognise;
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::proxy::takes::Entry;
use crate::redaction::numbering::number_tokens;
use std::collections::BTreeMap;
use std::path::Path;

/// A cassette that a run recorded.
pub struct Recorded {
    /// What was known of it beforehand.
    pub header: RunHeader,
    /// What was recorded.
    pub cassette: Cassette,
}

/// The cassettes that a run recorded, its own first; those without an interaction are left out.
pub fn cassettes_of(run: &SealedRun, catalog: &Catalog) -> anyhow::Result<Vec<Recorded>> {
    let damaged = |why: String| anyhow::anyhow!("the journal `{}` is damaged: {why}", run.folder().display());
    let entries: Result<Vec<Entry>, String> = run.records.iter().map(|record| Entry::read(record)).collect();
    let entries = entries.map_err(damaged)?;
    let mut takes = BTreeMap::from([(0, Recorded::empty(&run.header))]);
    for entry in &entries {
        if let Entry::Header { take, header } = entry {
            takes.insert(*take, Recorded::empty(header.as_ref()));
        }
    }
    for entry in entries {
        if let Entry::Interaction {
            take,
            interaction,
            stand_in,
        } = entry
        {
            let recorded = takes.get_mut(&take);
            let recorded = recorded.ok_or_else(|| damaged(format!("nothing tells what the recording {take} is")))?;
            if stand_in {
                recorded.cassette.origin = Origin::Synthesised;
            }
            recorded.cassette.interactions.push(*interaction);
        }
    }
    let mut recorded: Vec<Recorded> = takes.into_values().collect();
    recorded.retain(|recorded| !recorded.cassette.interactions.is_empty());
    for recorded in &mut recorded {
        finish(&mut recorded.cassette, catalog);
    }
    Ok(recorded)
}

impl Recorded {
    fn empty(header: &RunHeader) -> Recorded {
        Recorded {
            cassette: header.cassette.clone(),
            header: header.clone(),
        }
    }
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
        for recorded in cassettes_of(&run, catalog)? {
            notes.push(recover_one(library, &recorded)?);
        }
        run.remove()?;
    }
    Ok(notes)
}

fn recover_one(library: &Library, recorded: &Recorded) -> anyhow::Result<String> {
    let Recorded { header, cassette } = recorded;
    let count = cassette.interactions.len();
    let what = format!(
        "recovered {count} interaction{} of a recording that was cut short",
        if count == 1 { "" } else { "s" }
    );
    let own_path = library.path(&header.name);
    if header.adds && library.exists(&header.name) {
        library.save(&header.name, &added(library, &header.name, cassette)?)?;
        return Ok(format!("{what}, behind those of `{}`", own_path.display()));
    }
    let name = free_name(library, &header.name)?;
    library.save(&name, cassette)?;
    let mut note = format!("{what}, as `{}`", library.path(&name).display());
    if name != header.name {
        let command = adopt_command(&library.path(&name), &own_path);
        note.push_str(&format!("; to put it in the place of the older one: {command}"));
    }
    Ok(note)
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
        free = Name::parse(&format!("{name}.recovered{suffix}"))?;
    }
    Ok(free)
}

/// The command that puts one cassette in another's place, large bodies included.
pub fn adopt_command(from: &Path, to: &Path) -> String {
    let (blobs, old_blobs) = (blob_folder(from), blob_folder(to));
    let mut command = format!("mv {} {}", quoted(from), quoted(to));
    if blobs.is_dir() {
        command = format!(
            "rm -rf {} && mv {} {} && {command}",
            quoted(&old_blobs),
            quoted(&blobs),
            quoted(&old_blobs)
        );
    }
    command
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
