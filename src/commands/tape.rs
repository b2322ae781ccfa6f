//! From journal to cassette: what the seal of a run and the recovery of one that died share.

use crate::cassette::format::blob_folder;
use crate::cassette::journal::{JournalError, RunHeader, SealedRun};
use crate::cassette::{Cassette, Interaction, ModelStamp, Origin};
use crate::inspect::{inspect_recorded, recognise};
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::proxy::takes::Entry;
use crate::redaction::numbering::number_tokens;
use crate::redaction::{Redactor, Settlement};
use std::path::Path;

/// What a run wrote, with its numbers.
pub fn entries_of(run: &SealedRun) -> anyhow::Result<Vec<(u64, Entry)>> {
    let read = |(number, record): (u64, Result<Vec<u8>, JournalError>)| {
        let entry = Entry::read(&record?).map_err(|why| damaged(run, &why))?;
        Ok((number, entry))
    };
    run.numbered().map(read).collect()
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

/// Hides what was recorded before it was known to be a secret or an account.
pub fn settle(cassette: &mut Cassette, redactor: &Redactor, catalog: &Catalog) -> Settlement {
    let understand = |interaction: &Interaction| inspect_recorded(catalog, interaction);
    redactor.settle(cassette, &understand)
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

/// The command that puts one cassette in another's place, large bodies included.
pub fn adopt_command(from: &Path, to: &Path) -> String {
    let (bodies, old_bodies) = (blob_folder(from), blob_folder(to));
    let mut steps = Vec::new();
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        steps.push(format!("mkdir -p {}", quoted(folder)));
    }
    // Bodies are named by their content: those of both may be in one folder, and the next save removes
    // what is no longer named.
    match (bodies.is_dir(), old_bodies.is_dir()) {
        (true, true) => steps.push(format!("mv {}/* {}", quoted(&bodies), quoted(&old_bodies))),
        (true, false) => steps.push(format!("mv {} {}", quoted(&bodies), quoted(&old_bodies))),
        (false, _) => {}
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
