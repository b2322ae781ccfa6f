//! From journal to cassette: at the seal of a run, and when a run that died is recovered.

use crate::cassette::format::blob_folder;
use crate::cassette::journal::{self, SealedRun};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Interaction, ModelStamp, Name, Origin, StateFolder};
use crate::inspect::recognise;
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::proxy::record::read_entry;
use crate::redaction::numbering::number_tokens;
use anyhow::Context;
use std::path::Path;

/// The cassette that a run recorded.
pub fn cassette_of(run: &SealedRun, catalog: &Catalog) -> anyhow::Result<Cassette> {
    let mut cassette = run.header.cassette.clone();
    for record in &run.records {
        let (interaction, stand_in) = read_entry(record).with_context(|| format!("the journal `{}` is damaged", run.folder().display()))?;
        if stand_in {
            cassette.origin = Origin::Synthesised;
        }
        cassette.interactions.push(interaction);
    }
    let used = |sdk_id: &String| {
        cassette
            .interactions
            .iter()
            .any(|interaction| interaction.service.as_ref() == Some(sdk_id))
    };
    let models = std::mem::take(&mut cassette.models);
    cassette.models = models.into_iter().filter(|(sdk_id, _)| used(sdk_id)).collect();
    number_tokens(&mut cassette.interactions, &|interaction| recorded_token(catalog, interaction));
    stamp_loaded(&mut cassette, catalog);
    Ok(cassette)
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
        let cassette = cassette_of(&run, catalog)?;
        let name = free_name(library, &run.header.name)?;
        library.save(&name, &cassette)?;
        let count = cassette.interactions.len();
        let plural = if count == 1 { "" } else { "s" };
        let mut note = format!(
            "recovered {count} interaction{plural} of a recording that was cut short, as `{}`",
            library.path(&name).display()
        );
        if name != run.header.name {
            let command = adopt_command(&library.path(&name), &library.path(&run.header.name));
            note.push_str(&format!("; to put it in the place of the older one: {command}"));
        }
        notes.push(note);
        run.remove()?;
    }
    Ok(notes)
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
