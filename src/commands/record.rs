//! `ferrotape record`: forwards the calls of a command to AWS and writes a cassette of them.

use super::ledger::Ledger;
use super::run::{ContractMode, DoorChoice, RunArguments, Setting, emit, random_hexadecimal, runtime, serve, shown};
use super::tape::{adopt_command, cassette_of, recover, stamp};
use crate::cassette::journal::{Journal, RunHeader, SealedRun};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Name, Redaction, StateFolder};
use crate::child::environment::{Environment, KeyPair, Mode, of_this_process};
use crate::child::profile;
use crate::exit::Exit;
use crate::model::catalog::Catalog;
use crate::proxy::address::Preferences;
use crate::proxy::credentials::{CredentialSource, Keyring, Keys, RunKeys};
use crate::proxy::dialer::Proxies;
use crate::proxy::record::{self, Behaviour, Equipment, Recorder};
use crate::proxy::server::Options;
use crate::proxy::tls::Trust;
use crate::proxy::tunnel::Tunnels;
use crate::proxy::upstream::{Upstream, UpstreamOptions};
use crate::redaction::Redactor;
use crate::redaction::rules::Rule;
use crate::redaction::user::{self, UserRules};
use crate::report::console::Console;
use crate::report::{CallReport, CassetteReport, Mode as ReportMode, Outcome, Strictness, Summary};
use anyhow::{Context, bail};
use http::Uri;
use std::path::PathBuf;
use std::sync::Arc;

/// Forward the AWS calls of a command, and keep each request and response in a cassette.
///
/// Nothing secret is written: redaction happens before the first byte reaches the disk. A breach
/// of the service's model is told; AWS has the last word.
#[derive(Debug, clap::Args)]
pub struct RecordArguments {
    #[command(flatten)]
    pub run: RunArguments,
    /// Send everything to this base URL instead of AWS: another emulator, a private endpoint
    #[arg(long, value_name = "URL")]
    pub upstream: Option<Uri>,
    /// Trust the certificate authorities of this PEM file too, for the upstream
    #[arg(long, value_name = "FILE")]
    pub upstream_ca: Option<PathBuf>,
    /// Calls that no model knows: refuse them, let them pass unrecorded (nothing is written whose
    /// secrets cannot be seen), or record them with only those secrets hidden that their form gives
    /// away
    #[arg(long, value_enum, value_name = "HOW", default_value = "forward")]
    pub unmodeled: Unmodeled,
    /// Sign for programs that keep their own keys, too, if their endpoint URL shows the run's token
    /// (`AWS_ENDPOINT_URL=http://…/@NAME:TOKEN`): with your default credentials, whoever they are
    #[arg(long)]
    pub sign_as_default: bool,
    /// Leave a sensitive member readable in the cassette: `OPERATION:/path` (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub keep: Vec<String>,
}

/// `--unmodeled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Unmodeled {
    Refuse,
    Forward,
    Record,
}

impl From<Unmodeled> for record::Unmodeled {
    fn from(chosen: Unmodeled) -> record::Unmodeled {
        match chosen {
            Unmodeled::Refuse => record::Unmodeled::Refuse,
            Unmodeled::Forward => record::Unmodeled::Forward,
            Unmodeled::Record => record::Unmodeled::Record,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &RecordArguments) -> anyhow::Result<Exit> {
    let parent = of_this_process();
    refuse_endpoint_of_parent(arguments, &parent)?;
    refuse_bad_keeps(&arguments.keep)?;
    let common = &arguments.run;
    let catalog = common.models.catalog()?;
    let state = StateFolder::default();
    let library = Library::new(common.cassettes.clone());
    let mut notes = recover(&state, &library, &catalog)?;
    let header = header(arguments, &library, &catalog)?;
    let (old, header) = header;
    let mut redactor = Redactor::with_rules(
        &header.cassette.redaction,
        &mut old.iter().flat_map(|cassette| cassette.interactions.iter()),
    )?;
    let mut trust = Trust::from_environment();
    trust.additional.extend(arguments.upstream_ca.clone());
    let token = random_hexadecimal::<16>()?;
    let runtime = runtime()?;
    let keys = RunKeys::generate().map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    let credentials = runtime.block_on(credentials(arguments, &trust, &keys, &mut notes))?;
    redactor.never_write([token.clone(), keys.secret_access_key.clone()]);
    if arguments.run.door != DoorChoice::Intercept
        && let Ok(own) = runtime.block_on(credentials.keys())
    {
        redactor.never_write([own.secret_access_key].into_iter().chain(own.session_token));
    }
    let options = UpstreamOptions {
        base: arguments.upstream.clone(),
        trust,
        proxies: Proxies::from_environment(),
    };
    let upstream = Upstream::new(options)?;
    let dial = Arc::new(Tunnels::new(upstream.dialer()));
    let journal = Journal::create(&state, header)?;
    let equipment = Equipment {
        catalog,
        redactor,
        journal,
        upstream,
        keyring: Keyring::new(Some(keys.clone())),
        credentials,
    };
    let name = common.cassette.as_str();
    let command = shown(&common.command);
    let behaviour = Behaviour {
        cassette: name.to_owned(),
        unmodeled: arguments.unmodeled.into(),
        preferences: Preferences::from_environment(&parent, profile::region(&parent).as_deref()),
        sign_as_default: arguments.sign_as_default.then(|| token.clone()),
        pass_foreign_keys: arguments.upstream.is_some() && common.command.is_empty(),
    };
    let ledger = Arc::new(Ledger::new(name, Console::new(&command), common.contract));
    for note in &notes {
        eprintln!("ferrotape: {note}");
    }
    let recorder = Arc::new(Recorder::new(equipment, behaviour, ledger.clone()));
    let path = library.path(&common.cassette);
    let setting = Setting {
        arguments: common,
        mode: Mode::Record,
        region: None,
        keys: KeyPair {
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
        },
        token,
        parent,
        options: Options {
            preserve_header_case: true,
            dial: Some(dial),
            ..Options::default()
        },
        serving: format!("recording `{}`", path.display()),
        own_keys: arguments.sign_as_default,
    };
    let served = runtime.block_on(serve(setting, recorder.clone(), &ledger));
    // Connections that outlived the drain may still hold the recorder; none is left without them.
    drop(runtime);
    let Equipment { catalog, journal, .. } = match Arc::try_unwrap(recorder) {
        Ok(recorder) => recorder.into_equipment(),
        Err(_) => bail!("a connection could not be ended; the recording is in the journal, and the next `ferrotape record` recovers it"),
    };
    let run = journal.seal()?;
    let account = ledger.close(|_| None);
    let child = match served {
        Ok(child) => child,
        Err(error) if run.records.is_empty() => {
            run.remove()?;
            return Err(error);
        }
        Err(error) => {
            eprintln!("ferrotape: {error:#}");
            Exit::CouldNotRun
        }
    };
    let mut summary = Summary {
        mode: ReportMode::Record,
        cassettes: Vec::new(),
        calls: account.calls,
        problem: account.problem,
        all_played: false,
        notes: account.notes,
        command,
    };
    number_interactions(&mut summary.calls);
    let report = keep(
        &library,
        &state,
        &catalog,
        &common.cassette,
        run,
        old.is_some(),
        child,
        &mut summary.notes,
    )?;
    summary.cassettes.push(report);
    emit(&common.reports, &summary)?;
    let enforce = common.contract == Some(ContractMode::Enforce);
    Ok(child.or(summary.exit(Strictness {
        violations: enforce,
        unplayed: false,
    })))
}

/// What belongs to this run's journal, and the cassette that is recorded again.
fn header(arguments: &RecordArguments, library: &Library, catalog: &Catalog) -> anyhow::Result<(Option<Cassette>, RunHeader)> {
    let name = &arguments.run.cassette;
    let old = if library.exists(name) {
        Some(
            library
                .load(name)
                .context("the cassette that is to be recorded again cannot be read; move it away to start anew")?,
        )
    } else {
        None
    };
    // The salt stays, so that recording the same calls again changes nothing.
    let salt = match old
        .as_ref()
        .map(|cassette| cassette.redaction.salt.clone())
        .filter(|salt| !salt.is_empty())
    {
        Some(salt) => salt,
        None => random_hexadecimal::<32>()?,
    };
    let settled = &arguments.run.settings.redaction;
    let keep = arguments
        .keep
        .iter()
        .cloned()
        .chain(settled.keep.iter().map(ToString::to_string))
        .collect();
    let user = user::texts(settled);
    let rules = UserRules::read(&user)?;
    let cassette = Cassette {
        models: catalog.services().iter().map(|service| stamp(service)).collect(),
        redaction: Redaction {
            salt,
            rules: Rule::ALL
                .iter()
                .map(|rule| rule.id())
                .chain(rules.ids())
                .map(str::to_owned)
                .collect(),
            keep,
            user,
        },
        unknown: old.as_ref().map(|cassette| cassette.unknown.clone()).unwrap_or_default(),
        ..Cassette::default()
    };
    Ok((
        old,
        RunHeader {
            name: name.clone(),
            cassette,
        },
    ))
}

/// A parent that already sends its calls elsewhere must say so with `--upstream`: silently sending
/// them to AWS instead would be a surprise.
fn refuse_endpoint_of_parent(arguments: &RecordArguments, parent: &Environment) -> anyhow::Result<()> {
    if arguments.upstream.is_some() || arguments.run.door == DoorChoice::Intercept {
        return Ok(());
    }
    let set = parent
        .iter()
        .find(|(name, value)| (*name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_")) && !value.is_empty());
    match set {
        Some((name, value)) => bail!("{name} is set to `{value}`: to record from there, unset it and say `--upstream {value}`"),
        None => Ok(()),
    }
}

fn refuse_bad_keeps(keeps: &[String]) -> anyhow::Result<()> {
    for keep in keeps {
        let well = keep
            .split_once(':')
            .is_some_and(|(operation, path)| !operation.is_empty() && path.starts_with('/'));
        if !well {
            bail!("`--keep {keep}` is not of the form `OPERATION:/path`, as in `--keep CreateServiceInstance:/spec`");
        }
    }
    Ok(())
}

/// The credentials to sign with, found before the command starts.
async fn credentials(arguments: &RecordArguments, trust: &Trust, keys: &Keys, notes: &mut Vec<String>) -> anyhow::Result<CredentialSource> {
    let source = CredentialSource::default_chain(trust.clone());
    if arguments.run.door == DoorChoice::Intercept {
        return Ok(source);
    }
    match source.keys().await {
        Ok(_) => Ok(source),
        Err(_) if arguments.upstream.is_some() => {
            notes.push("no AWS credentials were found; requests to the upstream are signed with a random key".to_owned());
            Ok(CredentialSource::fixed(keys))
        }
        Err(error) => Err(error.into()),
    }
}

/// Interactions are numbered as they lie in the cassette: in order of arrival.
fn number_interactions(calls: &mut [CallReport]) {
    let recorded = calls.iter_mut().filter(|call| call.outcome == Outcome::Recorded);
    for (index, call) in recorded.enumerate() {
        call.interaction = Some(index + 1);
    }
}

/// Puts the recording where it belongs, and removes its journal.
#[allow(clippy::too_many_arguments)] // all of it decides where the recording goes
fn keep(
    library: &Library,
    state: &StateFolder,
    catalog: &Catalog,
    name: &Name,
    run: SealedRun,
    replaces: bool,
    child: Exit,
    notes: &mut Vec<String>,
) -> anyhow::Result<CassetteReport> {
    let mut report = CassetteReport {
        name: name.to_string(),
        path: None,
        put_aside: false,
        interactions: 0,
        unplayed: Vec::new(),
    };
    if run.records.is_empty() {
        if replaces {
            notes.push(format!("nothing was recorded; `{}` stays as it is", library.path(name).display()));
        }
        run.remove()?;
        return Ok(report);
    }
    let cassette = cassette_of(&run, catalog)?;
    report.interactions = cassette.interactions.len();
    let partial = Library::new(state.partial());
    let target = if replaces && child != Exit::Clean { &partial } else { library };
    target.save(name, &cassette).with_context(|| {
        format!(
            "the recording stays in `{}`, and the next `ferrotape record` recovers it",
            run.folder().display()
        )
    })?;
    if std::ptr::eq(target, &partial) {
        let command = adopt_command(&partial.path(name), &library.path(name));
        notes.push(format!(
            "the command failed, so `{}` stays as it was; to take the new recording all the same: {command}",
            library.path(name).display()
        ));
    }
    report.put_aside = std::ptr::eq(target, &partial);
    if !replaces && child != Exit::Clean {
        notes.push(format!(
            "the command failed; `{}` holds what was recorded until then",
            library.path(name).display()
        ));
    }
    report.path = Some(target.path(name));
    run.remove()?;
    Ok(report)
}
