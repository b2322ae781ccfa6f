//! What `record` and `replay` share: the options, the server, the command under test, the end.

use super::ModelArguments;
use super::ledger::Ledger;
use super::typed::Again;
use crate::aws_hosts::AWS_SUFFIXES;
use crate::cassette::Name;
use crate::cassette::store::Library;
use crate::child::direct::{DirectHost, DirectHostError};
use crate::child::environment::{self, Door, Environment, KeyPair, Mode, Setup, Variable};
use crate::child::files::Files;
use crate::child::{self, ChildError, profile};
use crate::exit::Exit;
use crate::proxy::Handler;
use crate::proxy::authority::CertificateAuthority;
use crate::proxy::control::Control;
use crate::proxy::event::Observer as _;
use crate::proxy::ignored::IgnoredHost;
use crate::proxy::server::{Options, Server};
use crate::report::Target;
use crate::report::console::Console;
use crate::settings::Settings;
use crate::terminal;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The region of a command that has none, where no cassette tells one: without any, SDKs do not call.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Options that `record` and `replay` share.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    /// The cassette's name; parts may be joined by `/` [default: default]
    #[arg(short = 'c', long = "cassette", value_name = "NAME", value_parser = Name::parse)]
    pub cassette: Option<Name>,
    /// Folder of the cassettes
    #[arg(long, value_name = "DIR", default_value = "cassettes")]
    pub cassettes: PathBuf,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Which way in the command is shown: our URL as its endpoint, us as its HTTPS proxy, or both
    #[arg(long, value_enum, default_value = "both")]
    pub door: DoorChoice,
    #[command(flatten)]
    pub models: ModelArguments,
    /// What a breach of the model means: refuse it and fail the run, tell it, or look away
    /// [default: `enforce` in replay and passthrough, else `report`]
    #[arg(long, value_enum, value_name = "HOW")]
    pub contract: Option<ContractMode>,
    /// Write a report: `human`, `json` or `junit`, to a file with `=FILE` (repeatable)
    #[arg(long = "report", value_name = "FORM[=FILE]", value_parser = Target::parse)]
    pub reports: Vec<Target>,
    /// Answer to this host name too, besides the loopback ones (for containers; repeatable)
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allow_hosts: Vec<String>,
    /// The command reaches this host itself, and all below it: a name, an address or a block of
    /// addresses (repeatable). Loopback and private addresses need not be named
    #[arg(long = "pass-through", value_name = "HOST", value_parser = direct_host)]
    pub pass_through: Vec<DirectHost>,
    /// Calls to this host do not count: they are answered without being forwarded, as the telemetry
    /// of the CDK and of SAM is. `HOST`, `*.HOST` or `HOST.*` (repeatable)
    #[arg(long = "ignore-host", value_name = "HOST", value_parser = IgnoredHost::parse)]
    pub ignore_hosts: Vec<IgnoredHost>,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
    /// What was typed, for hints.
    #[arg(skip)]
    pub again: Again,
    /// The command under test. Without one, Ferrotape runs until it is interrupted, and prints the
    /// environment to paste
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

fn direct_host(text: &str) -> Result<DirectHost, DirectHostError> {
    DirectHost::parse(text, &AWS_SUFFIXES)
}

impl RunArguments {
    /// The cassette of the run itself.
    pub fn cassette(&self) -> Name {
        self.cassette.clone().unwrap_or_default()
    }

    /// What is told while it goes: all, where the report for people comes nowhere near, or only once
    /// somebody stops it.
    pub fn console(&self) -> Console {
        let is_filed = |target: &Target| target.name == "human" && target.path.is_some();
        match self.command.is_empty() || self.reports.iter().any(is_filed) {
            true => Console::whole(),
            false => Console::new(),
        }
    }
}

/// `--door`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DoorChoice {
    Both,
    Endpoint,
    Intercept,
}

/// `--contract`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ContractMode {
    /// A breach fails the run; in replay it is refused as the service would
    Enforce,
    /// A breach is told
    Report,
    /// Nothing is said of a breach
    Off,
}

/// What one run is set up with.
pub struct Setting<'a> {
    pub arguments: &'a RunArguments,
    pub mode: Mode,
    /// The region for a child that has none.
    pub region: Option<String>,
    pub keys: KeyPair,
    /// Whether the parent has credentials of its own.
    pub has_credentials: bool,
    /// The run's token: what the intercept door asks for.
    pub token: String,
    pub parent: Environment,
    pub options: Options,
    /// One line on what is served.
    pub serving: String,
    /// Programs may keep their own keys, if their endpoint URL shows the token (`--sign-as-default`).
    pub own_keys: bool,
}

/// Serves `handler` while the command runs, or until a signal where there is none.
///
/// Gives the child's part of the exit status.
pub async fn serve<H: Handler>(setting: Setting<'_>, handler: Arc<H>, ledger: &Arc<Ledger>) -> anyhow::Result<Exit> {
    let Setting {
        arguments,
        mode,
        region,
        keys,
        has_credentials,
        token,
        parent,
        mut options,
        serving,
        own_keys,
    } = setting;
    let authority = Arc::new(CertificateAuthority::generate()?);
    let authority_der = authority.ca_der().to_vec();
    options.allow_hosts.clone_from(&arguments.allow_hosts);
    options.ignored.clone_from(&arguments.ignore_hosts);
    options.token = Some(token.clone());
    options.authority = Some(authority);
    let noting = ledger.clone();
    options.note = Some(Arc::new(move |text| noting.noted(text)));
    let server = Server::bind(arguments.listen, options).await?;
    let address = server.local_addr();
    // With a command, signals are its business.
    let stop_asked = arguments.command.is_empty().then(stop_signal);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // Calls are answered from here on; reading the system's roots for the command takes longer.
    let server = tokio::spawn(server.serve(Arc::clone(&handler), stopped));
    let trusting = parent.clone();
    let files = tokio::task::spawn_blocking(move || Files::write(&authority_der, &trusting));
    let files = files.await.context("the trust files could not be written")??;
    let profile_region = profile::region(&parent);
    let cassette = arguments.cassette();
    let session = cassette.as_str();
    let door = match arguments.door {
        DoorChoice::Both => Door::Both,
        DoorChoice::Endpoint => Door::Endpoint,
        DoorChoice::Intercept => Door::Intercept,
    };
    let setup = Setup {
        mode,
        door,
        address,
        session,
        session_in_path: false,
        token: &token,
        keys: &keys,
        files: &files,
        region: region.as_deref(),
        profile_region: profile_region.as_deref(),
        profile_has_bundle: profile::ca_bundle(&parent).is_some(),
        pass_through: &arguments.pass_through,
        has_credentials,
        aws_suffixes: &AWS_SUFFIXES,
    };
    let changes = environment::changes(&setup, &parent);
    terminal::say(&format!("{serving} on http://{address}"));
    if !address.ip().is_loopback() {
        terminal::say(&format!("warning: `{address}` can be reached by other machines"));
    }
    if own_keys {
        terminal::say(&format!(
            "programs that keep their own keys: AWS_ENDPOINT_URL=http://{address}/@{session}:{token}"
        ));
    }
    let status = match stop_asked {
        Some(stop_asked) => {
            print_exports(address, &changes, arguments.reports.iter().any(Target::takes_stdout));
            stop_asked.await;
            None
        }
        None => Some(child::run(&arguments.command, &changes).await),
    };
    let _ = stop.send(());
    server.await.context("the server broke down")?;
    let Some(status) = status else { return Ok(Exit::Clean) };
    let exit = status.map_err(|error| not_run(error, arguments))?.exit();
    // A session that somebody started may well make no call.
    let was_used = handler.control().is_some_and(Control::was_used);
    if ledger.is_empty() && !was_used {
        ledger.fail(&no_call(exit, &changes, handler.control().and_then(Control::refusal)));
        return Ok(exit.or(Exit::CouldNotRun));
    }
    Ok(exit)
}

/// Why the command did not run: perhaps it is none.
fn not_run(error: ChildError, arguments: &RunArguments) -> anyhow::Error {
    let word = match (&error, arguments.command.as_slice()) {
        (ChildError::NotFound { .. }, [word]) => word.to_str(),
        _ => None,
    };
    let is_cassette = |name: &Name| Library::new(arguments.cassettes.clone()).exists(name);
    match word.and_then(|word| Name::parse(word).ok()).filter(is_cassette) {
        Some(name) => anyhow::anyhow!("{error}; a cassette is called so: did you mean `-c {name}`?"),
        None => error.into(),
    }
}

/// Why no call came, as far as it can be told from outside.
fn no_call(exit: Exit, changes: &[Variable], refusal: Option<String>) -> String {
    if let Some(refusal) = refusal {
        return format!("no call of the command ever reached Ferrotape; the control endpoint refused to start a session: {refusal}");
    }
    let region = |name: &str| matches!(name, "AWS_REGION" | "AWS_DEFAULT_REGION");
    let has_region = changes.iter().any(|change| region(&change.name) && change.value.is_some())
        || std::env::vars().any(|(name, value)| region(&name) && !value.is_empty());
    let why = match exit {
        Exit::Clean => "; its AWS client may ignore AWS_ENDPOINT_URL and HTTPS_PROXY, or set its own endpoint".to_owned(),
        failed => format!("; it failed (status {}) before it called AWS", failed.code()),
    };
    let hint = if has_region {
        ""
    } else {
        "; no region is set: AWS_REGION may be missing"
    };
    format!("no call of the command ever reached Ferrotape{why}{hint}")
}

fn print_exports(address: SocketAddr, changes: &[Variable], stdout_is_taken: bool) {
    let exports = environment::exports(changes);
    let hint = "# paste this where your program runs; stop Ferrotape with Ctrl-C";
    let text = format!("# listening on http://{address}\n{hint}\n{exports}");
    match stdout_is_taken {
        true => terminal::styled_error(&text),
        // Nobody can be told that standard output is closed.
        false => drop(terminal::styled(text.as_bytes())),
    }
}

/// Ready when somebody asks the process to stop. From this call on, and not only once it is
/// awaited, a signal no longer ends the process: whoever reads our address may interrupt us.
pub fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    async move {
        // Without handlers the signals end the process by themselves.
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// The runtime: one thread a core, four at the most (the load is one test process), and on a
/// single core none beside the main thread.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let mut builder = if cores == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder
        .worker_threads(cores)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// A random token in hexadecimal.
pub fn random_hexadecimal<const N: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        bail!("the system gives no random numbers: {error}");
    }
    Ok(crate::model::hexadecimal(&bytes))
}

/// The command as text, for hints; what is not text is shown as well as it can be.
pub fn shown(command: &[OsString]) -> Vec<String> {
    command.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Writes the reports that were asked for; the human one on stderr where none is.
pub fn emit(targets: &[Target], summary: &crate::report::Summary) -> anyhow::Result<()> {
    let stdout_is_taken = targets.iter().any(Target::takes_stdout);
    if !targets.iter().any(|target| target.name == "human") {
        Target::human().emit(summary, stdout_is_taken)?;
    }
    for target in targets {
        let place = target
            .path
            .as_ref()
            .map_or_else(|| "the standard stream".to_owned(), |path| format!("`{}`", path.display()));
        target
            .emit(summary, stdout_is_taken)
            .with_context(|| format!("cannot write the {} report to {place}", target.name))?;
    }
    Ok(())
}

/// As continuous integration sets it; `false` and `0` are ways to say that it is none.
pub fn is_ci(environment: &Environment) -> bool {
    environment
        .get("CI")
        .is_some_and(|value| !matches!(value.to_lowercase().as_str(), "" | "0" | "false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ci_is_what_says_so() {
        let ci = |value: &str| is_ci(&Environment::from([("CI".to_owned(), value.to_owned())]));
        assert!(ci("true") && ci("1") && ci("woodpecker"));
        assert!(!ci("") && !ci("false") && !ci("0") && !is_ci(&Environment::new()));
    }
}
