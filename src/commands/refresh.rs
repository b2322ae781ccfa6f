//! `ferrotape refresh`: sends a cassette's own requests again, shows what is answered otherwise now,
//! and puts the new answers into its place.

use super::ModelArguments;
use super::carrying::{Carried, Stale};
use super::ledger::Ledger;
use super::live::{LiveArguments, Need, Outset, Unmodeled, Way};
use super::recordings::Recordings;
use super::recovery::recover;
use super::resend::{Tokens, obstacle, request};
use super::run::{DoorChoice, RunArguments};
use super::shelf::shown_upstream;
use super::tape::finish;
use super::typed::{self, Again};
use crate::cassette::journal::{Journal, SealedRun};
use crate::cassette::store::Library;
use crate::cassette::{Cassette, Interaction, Name, StateFolder};
use crate::exit::Exit;
use crate::inspect::{inspect_recorded, recognise};
use crate::matcher::compare::{Answered, differences};
use crate::matcher::miss::Difference;
use crate::model::catalog::Catalog;
use crate::protocol::Reply;
use crate::proxy::Handler as _;
use crate::proxy::journalling::Journalling;
use crate::proxy::record::Recorder;
use crate::proxy::sessions::Sessions;
use crate::proxy::takes::{Entry, Takes};
use crate::report::command_line;
use crate::report::console::Console;
use crate::report::{CallReport, Outcome};
use crate::settings::{CallRules, Place, Settings};
use crate::terminal;
use anyhow::{Context, bail};
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Send the requests of a cassette to AWS again, show how the answers differ from the recorded ones,
/// and replace these after asking.
///
/// Requests are signed with your credentials, and calls that make or delete things do so again.
/// Idempotency tokens that an SDK made are made anew, and an id that a new answer gives is used in the
/// requests behind it. A request in which a stand-in took the place of a secret or an account id
/// cannot be sent; its interaction stays as it is, and is named. Where a call that had succeeded fails
/// now, or a request that cannot be sent has an id that is no more, `--yes` replaces nothing (status 15).
#[derive(Debug, clap::Args)]
pub struct RefreshArguments {
    /// The cassette's name
    #[arg(value_name = "NAME", value_parser = Name::parse)]
    pub name: Name,
    /// Folder of the cassettes
    #[arg(long, value_name = "DIR", default_value = "cassettes")]
    pub cassettes: PathBuf,
    #[command(flatten)]
    pub models: ModelArguments,
    #[command(flatten)]
    pub live: LiveArguments,
    /// Let a member differ, and what is below it: `OPERATION:/path` (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub ignore: Vec<Place>,
    /// Replace without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Of `ferrotape.toml`.
    #[arg(skip)]
    pub settings: Settings,
    /// What was typed, for hints.
    #[arg(skip)]
    pub again: Again,
}

/// Runs the command.
pub fn run(arguments: &RefreshArguments) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.cassettes.clone());
    let run = run_arguments(arguments);
    let old = library.load(&arguments.name)?;
    let catalog = Arc::new(arguments.models.catalog()?);
    let console = Console::new();
    refuse_missing_models(&catalog, &old)?;
    let (sent, kept) = plan(&catalog, &old);
    for (index, why) in &kept {
        console.warn(&format!("interaction {} stays as it is: {why}", index + 1));
    }
    if sent.is_empty() {
        bail!(
            "no request of `{}` can be sent again; record it anew with `{}`",
            arguments.name,
            record_command(arguments)
        );
    }
    let resent = resend(arguments, &run, &library, &catalog, &old, &sent)?;
    if let Some((call, exit)) = resent.calls.iter().find_map(|call| Some((call, failure(call)?))) {
        resent.run.remove()?;
        let why = call.message.as_deref().unwrap_or("it was not recorded");
        console.warn(&format!(
            "{}: {why}; `{}` stays as it is",
            call.title(),
            library.path(&arguments.name).display()
        ));
        return Ok(exit);
    }
    let new = renewed(&catalog, &resent.asked, &sent, resent.run.records()?.iter().map(Vec::as_slice))?;
    let mut doubts = failing(&catalog, &old, &new, &sent);
    doubts.extend(resent.carried.stale(&new).iter().map(told_stale));
    let exit = decide(
        arguments,
        &library,
        &catalog,
        Compared {
            old: &old,
            new: &new,
            sent: &sent,
        },
        &doubts,
        &console,
    )?;
    resent.run.remove()?;
    Ok(exit)
}

fn record_command(arguments: &RefreshArguments) -> String {
    let upstream = arguments.live.upstream.as_ref().and_then(shown_upstream);
    let upstream: Vec<String> = upstream.into_iter().flat_map(|url| ["--upstream".to_owned(), url]).collect();
    let options = [typed::config(&arguments.settings), arguments.again.of("record"), upstream].concat();
    let line = command_line("record", Some(arguments.name.as_str()), &options, &[]);
    format!("{line} -- COMMAND")
}

/// The run of a recording, as far as there is one.
fn run_arguments(arguments: &RefreshArguments) -> RunArguments {
    RunArguments {
        cassette: Some(arguments.name.clone()),
        cassettes: arguments.cassettes.clone(),
        listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        door: DoorChoice::Both,
        models: ModelArguments::default(),
        contract: None,
        reports: Vec::new(),
        allow_hosts: Vec::new(),
        pass_through: Vec::new(),
        ignore_hosts: Vec::new(),
        settings: Settings::default(),
        again: Again::default(),
        command: Vec::new(),
    }
}

/// The indices of what can be sent, and of what cannot, with the reason.
fn plan(catalog: &Catalog, cassette: &Cassette) -> (Vec<usize>, Vec<(usize, String)>) {
    let (mut sent, mut kept) = (Vec::new(), Vec::new());
    for (index, interaction) in cassette.interactions.iter().enumerate() {
        match obstacle(catalog, interaction) {
            None => sent.push(index),
            Some(why) => kept.push((index, why)),
        }
    }
    (sent, kept)
}

/// What a model knew once, and none knows now: a part of a cassette sent again is no cassette.
fn refuse_missing_models(catalog: &Catalog, cassette: &Cassette) -> anyhow::Result<()> {
    let known = cassette.interactions.iter().filter(|interaction| interaction.service.is_some());
    let unknown: Vec<&Interaction> = known
        .filter(|interaction| recognise(catalog, &interaction.request).is_err())
        .collect();
    let mut names: Vec<String> = unknown.iter().map(|interaction| title(interaction)).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {} interactions cannot be sent again, because no model knows them ({}); name their models with `--model botocore` or `--model FILE`",
        unknown.len(),
        cassette.interactions.len(),
        names.join(", ")
    )
}

/// What came of sending.
struct Resent<'a> {
    calls: Vec<CallReport>,
    run: SealedRun,
    /// The cassette with its requests as they were sent, but for their tokens.
    asked: Cassette,
    carried: Carried<'a>,
}

/// Sends one after the other, as a recording would pass them on, until one fails.
fn resend<'a>(
    arguments: &RefreshArguments,
    run: &RunArguments,
    library: &Library,
    catalog: &'a Arc<Catalog>,
    old: &'a Cassette,
    sent: &[usize],
) -> anyhow::Result<Resent<'a>> {
    let state = StateFolder::default();
    for note in recover(&state, library, catalog)? {
        terminal::say(&note);
    }
    let way = Way {
        live: &arguments.live,
        run,
        unmodeled: Unmodeled::Refuse,
        need: Need::AtOnce,
    };
    let Outset { runtime, live, .. } = Outset::over(&way, catalog.clone())?;
    let desk = Recordings {
        library: library.clone(),
        catalog: catalog.clone(),
        keep: old.redaction.keep.clone(),
        settled: arguments.settings.redaction.clone(),
        state: state.clone(),
        secrets: live.secrets.clone(),
        rules: CallRules::default(),
        adds: false,
        undecodable: false,
        bind: Vec::new(),
        upstream: None,
        kept: Mutex::default(),
    };
    let prepared = desk.prepared(&arguments.name)?;
    let journal = Journal::create(&state, prepared.header.clone())?;
    let (takes, own) = Takes::new(desk, journal, prepared);
    let keys = live.forwarder.keyring.run_key().cloned().context("the run has no keys")?;
    let ledger = Arc::new(Ledger::new(Console::quiet(), None));
    let sessions = Sessions::new(Journalling::new(takes), arguments.name.clone(), Some(own.clone()));
    let recorder = Recorder::new(live.forwarder, sessions, ledger.clone());
    let mut tokens = Tokens::default();
    let (mut asked, mut carried) = (old.clone(), Carried::new(catalog, old));
    for (position, index) in sent.iter().enumerate() {
        let elsewhere = arguments.live.upstream.is_some();
        let interaction = &mut asked.interactions[*index];
        if let Some(renewed) = carried.request(&interaction.request) {
            interaction.request = renewed;
        }
        let (arrival, request) = request(catalog, interaction, &mut tokens, &keys, elsewhere)?;
        runtime.block_on(recorder.call(arrival, request));
        if ledger.has_failed() {
            break;
        }
        let answered = recorder.sessions().stage().takes().recorded(&own, position);
        if let Some(answered) = answered.map_err(anyhow::Error::msg)? {
            carried.learn(*index, &answered);
        }
    }
    drop(runtime);
    let (stage, _) = recorder.into_sessions().into_parts();
    let (_, journal, _) = stage.into_takes().into_parts();
    Ok(Resent {
        run: journal.seal()?,
        calls: ledger.close(|_, _| None).calls,
        asked,
        carried,
    })
}

fn failure(call: &CallReport) -> Option<Exit> {
    match call.outcome {
        Outcome::Recorded => None,
        Outcome::UpstreamFailed => Some(Exit::UpstreamFailed),
        _ => Some(Exit::NotRecorded),
    }
}

/// The cassette as it was asked, with what was recorded now in the place of what was sent.
fn renewed<'a>(catalog: &Catalog, asked: &Cassette, sent: &[usize], records: impl Iterator<Item = &'a [u8]>) -> anyhow::Result<Cassette> {
    let mut new = asked.clone();
    let entries: Result<Vec<Entry>, String> = records.map(Entry::read).collect();
    let entries = entries.map_err(anyhow::Error::msg)?;
    if let Some(Entry::Refused { call }) = entries.iter().find(|entry| matches!(entry, Entry::Refused { .. })) {
        anyhow::bail!("the interaction of call {call} holds what turned out to be a secret, and cannot be written without it");
    }
    let interactions = entries.into_iter().filter_map(|entry| match entry {
        Entry::Interaction { interaction, .. } => Some(*interaction),
        Entry::Header { .. } | Entry::Settled { .. } | Entry::Refused { .. } => None,
    });
    for (index, interaction) in sent.iter().zip(interactions) {
        let place = &mut new.interactions[*index];
        let unknown = std::mem::take(&mut place.unknown);
        let attempt = place.attempt;
        *place = Interaction {
            unknown,
            attempt,
            ..interaction
        };
    }
    finish(&mut new, catalog);
    for index in sent {
        keep_request(&mut new.interactions[*index], &asked.interactions[*index]);
    }
    Ok(new)
}

/// What was asked is what was asked before, but for our signature and what new answers gave.
fn keep_request(new: &mut Interaction, old: &Interaction) {
    new.request.clone_from(&old.request);
    new.now.clone_from(&old.now);
    let of_request = old.redacted.iter().filter(|place| place.path.starts_with("/request")).cloned();
    let of_response = new.redacted.iter().filter(|place| place.path.starts_with("/response")).cloned();
    new.redacted = of_request.chain(of_response).collect();
}

/// The calls that had succeeded and fail now, for people.
fn failing(catalog: &Catalog, old: &Cassette, new: &Cassette, sent: &[usize]) -> Vec<String> {
    let mut told = Vec::new();
    for index in sent {
        let (old, new) = (&old.interactions[*index], &new.interactions[*index]);
        let reply = inspect_recorded(catalog, new).response.and_then(|judged| judged.content);
        let status = new.response.status();
        let code = match reply {
            Some(Reply::Error { code, .. }) => format!(" (`{code}`)"),
            _ if status.as_u16() < 400 => continue,
            _ => String::new(),
        };
        let had_succeeded = old.response.status().as_u16() < 400 && !is_error(catalog, old);
        if had_succeeded {
            told.push(format!(
                "interaction {} {} had succeeded, and is answered with status {}{code} now",
                index + 1,
                title(old),
                status.as_u16()
            ));
        }
    }
    told
}

fn is_error(catalog: &Catalog, interaction: &Interaction) -> bool {
    let judged = inspect_recorded(catalog, interaction).response;
    matches!(judged.and_then(|judged| judged.content), Some(Reply::Error { .. }))
}

fn told_stale(stale: &Stale) -> String {
    let (request, answer) = (stale.request + 1, stale.answer + 1);
    match &stale.values {
        Some((old, new)) => format!("interaction {request} sends \"{old}\", where the answer of interaction {answer} gives \"{new}\" now"),
        None => format!("interaction {request} sends a value that the answer of interaction {answer} gives no more"),
    }
}

/// What was recorded and what is live, of the interactions that were sent.
#[derive(Clone, Copy)]
struct Compared<'a> {
    old: &'a Cassette,
    new: &'a Cassette,
    sent: &'a [usize],
}

/// Shows the differences, and replaces the cassette where that is wanted. With `doubts` it is not
/// replaced beforehand.
fn decide(
    arguments: &RefreshArguments,
    library: &Library,
    catalog: &Catalog,
    compared: Compared<'_>,
    doubts: &[String],
    console: &Console,
) -> anyhow::Result<Exit> {
    let Compared { old, new, sent } = compared;
    let mut ignored = arguments.ignore.clone();
    ignored.extend(arguments.settings.matching.ignore.iter().cloned());
    let mut differing = 0;
    for index in sent {
        let (old, new) = (&old.interactions[*index], &new.interactions[*index]);
        let differences = differences_of(catalog, old, new, &ignored);
        if !differences.is_empty() {
            differing += 1;
            console.say(&told(*index, old, &differences));
        }
    }
    let path = library.path(&arguments.name);
    let count = sent.len();
    let plural = if count == 1 { "request" } else { "requests" };
    if differing == 0 {
        console.good(&format!(
            "{count} {plural} sent again, no difference; `{}` stays as it is",
            path.display()
        ));
        return Ok(Exit::Clean);
    }
    let is_another = |index: &&usize| {
        let [old, new] = [old, new].map(|cassette| &cassette.interactions[**index].request);
        (old.uri(), old.headers(), old.body()) != (new.uri(), new.headers(), new.body())
    };
    let carried = match sent.iter().filter(is_another).count() {
        0 => String::new(),
        count => format!(", {count} with values from new answers"),
    };
    console.say(&format!("{count} {plural} sent again{carried}; {differing} answered otherwise"));
    doubts.iter().for_each(|doubt| console.warn(doubt));
    let replaces = match arguments.yes {
        true => doubts.is_empty(),
        false => asked(&format!("replace `{}`? [y/N] ", path.display()))?,
    };
    if !replaces {
        let how = match doubts {
            [] => "`--yes` replaces it".to_owned(),
            _ => format!(
                "its program would not be answered by the new answers; record it anew with `{}`",
                record_command(arguments)
            ),
        };
        console.say(&format!("`{}` stays as it is; {how}", path.display()));
        return Ok(Exit::Differs);
    }
    library.save(&arguments.name, new)?;
    console.good(&format!("`{}` is replaced", path.display()));
    Ok(Exit::Clean)
}

fn differences_of(catalog: &Catalog, old: &Interaction, new: &Interaction, ignored: &[Place]) -> Vec<Difference> {
    let Ok(call) = recognise(catalog, &old.request) else {
        return Vec::new();
    };
    let judged = [old, new].map(|side| inspect_recorded(catalog, side).response);
    let [recorded, live] = [(old, &judged[0]), (new, &judged[1])].map(|(interaction, judged)| Answered {
        interaction,
        reply: judged.as_ref().and_then(|judged| judged.content.as_ref()),
    });
    differences(&call, recorded, live, ignored)
}

/// `Proton CreateServiceInstance`.
fn title(interaction: &Interaction) -> String {
    let name = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{} {}", name(&interaction.service), name(&interaction.operation))
}

fn told(index: usize, interaction: &Interaction, differences: &[Difference]) -> String {
    let mut text = format!("interaction {} {}", index + 1, title(interaction));
    for Difference { path, recorded, sent } in differences {
        text.push_str(&format!("\n  {path}: recorded {recorded}, live {sent}"));
    }
    text
}

/// Asks on the terminal; where there is none, nobody said yes.
fn asked(question: &str) -> anyhow::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(false);
    }
    terminal::styled_error(&format!("ferrotape: {question}"));
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
