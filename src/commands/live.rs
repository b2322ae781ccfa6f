//! What the commands that call AWS share: the way there, the keys of the run, what must never be
//! written.

use super::key_pair::key_pair;
use super::ledger::Ledger;
use super::run::{DEFAULT_REGION, DoorChoice, RunArguments, Setting, random_hexadecimal, runtime, serve};
use super::typed::Again;
use crate::aws_hosts::is_aws_host;
use crate::child::environment::{Environment, KeyPair, Mode, of_this_process};
use crate::child::guard;
use crate::child::profile;
use crate::exit::Exit;
use crate::model::catalog::Catalog;
use crate::proxy::Dial;
use crate::proxy::address::Preferences;
use crate::proxy::credentials::{CredentialSource, Keyring, Keys};
use crate::proxy::dialer::Proxies;
use crate::proxy::forward::{self, Behaviour, Forwarder};
use crate::proxy::keeper::Keeper;
use crate::proxy::record::Recorder;
use crate::proxy::server::Options;
use crate::proxy::sessions::{Session, Sessions};
use crate::proxy::tls::Trust;
use crate::proxy::tunnel::Tunnels;
use crate::proxy::upstream::{Upstream, UpstreamOptions};
use crate::terminal;
use anyhow::bail;
use http::Uri;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the end of a run waits for what still computes.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// Options of the commands that call AWS.
#[derive(Debug, clap::Args)]
pub struct LiveArguments {
    /// Send everything to this base URL instead of AWS: another emulator, a private endpoint
    #[arg(long, value_name = "URL")]
    pub upstream: Option<Uri>,
    /// Trust the certificate authorities of this PEM file too, for the upstream
    #[arg(long, value_name = "FILE")]
    pub upstream_ca: Option<PathBuf>,
    /// Answer 502 where the upstream's answer does not begin within so many seconds. By default it is
    /// waited for as long as the client waits
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub answer_timeout: Option<Duration>,
    /// Sign for programs that keep their own keys, too, if their endpoint URL shows the run's token
    /// (`AWS_ENDPOINT_URL=http://…/@NAME:TOKEN`): with your default credentials, whoever they are
    #[arg(long)]
    pub sign_as_default: bool,
}

/// A number of seconds, perhaps with a fraction, above 0.
fn seconds(text: &str) -> Result<Duration, String> {
    let read = text
        .parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    read.filter(|limit| !limit.is_zero())
        .ok_or_else(|| "a number of seconds above 0 is expected, as in `--answer-timeout 60`".to_owned())
}

impl LiveArguments {
    /// Whether a request that a key of the program's own signed goes on with that signature. At an
    /// emulator, and without credentials of the user's, there is nothing to guard.
    fn passes_foreign_keys(&self, is_server: bool, own: Option<&Keys>) -> bool {
        let Some(upstream) = &self.upstream else { return false };
        let is_aws = upstream.host().is_some_and(is_aws_host);
        is_server || (!is_aws && !own.is_some_and(|own| is_issued_by_aws(&own.access_key_id)))
    }
}

/// `--unmodeled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Unmodeled {
    Refuse,
    Forward,
    #[value(alias = "recorded")]
    Record,
}

impl Unmodeled {
    /// What a replay of such a recording is told, beside what was typed.
    pub fn replayed(self, again: &Again) -> Vec<String> {
        match self {
            Unmodeled::Record => again.with_unmodeled("replay", "recorded"),
            Unmodeled::Refuse | Unmodeled::Forward => again.of("replay"),
        }
    }
}

impl From<Unmodeled> for forward::Unmodeled {
    fn from(chosen: Unmodeled) -> forward::Unmodeled {
        match chosen {
            Unmodeled::Refuse => forward::Unmodeled::Refuse,
            Unmodeled::Forward => forward::Unmodeled::Forward,
            Unmodeled::Record => forward::Unmodeled::Record,
        }
    }
}

/// `--undecodable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Undecodable {
    Forward,
    Record,
}

/// Whether credentials must be there before the command starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Every call needs them.
    AtOnce,
    /// Perhaps no call needs them.
    Perhaps,
}

/// A live run, ready to be served.
pub struct Outset {
    pub parent: Environment,
    pub catalog: Arc<Catalog>,
    pub runtime: Runtime,
    pub live: Live,
}

/// The way to AWS, ready.
pub struct Live {
    pub forwarder: Forwarder,
    /// The run's own key pair, for the child.
    pub keys: KeyPair,
    /// Whether there are credentials other than those.
    pub has_credentials: bool,
    /// The run's token.
    pub token: String,
    /// Secrets of the run that nothing written may hold.
    pub secrets: Vec<String>,
    /// The region of a program that has none: an emulator takes any, but no SDK calls without one.
    pub region: Option<String>,
    /// Opens tunnels.
    pub dial: Arc<dyn Dial>,
}

/// What decides the way.
pub struct Way<'a> {
    pub live: &'a LiveArguments,
    pub run: &'a RunArguments,
    pub unmodeled: Unmodeled,
    pub need: Need,
}

impl<'a> Way<'a> {
    /// That of a run which sends everything on, and writes nothing.
    pub fn judging(live: &'a LiveArguments, run: &'a RunArguments, refuse_unmodeled: bool) -> Way<'a> {
        Way {
            live,
            run,
            unmodeled: match refuse_unmodeled {
                true => Unmodeled::Refuse,
                false => Unmodeled::Forward,
            },
            need: Need::AtOnce,
        }
    }
}

impl Outset {
    /// Prepares a live run, and says what is to be said of it.
    pub fn prepare(way: &Way<'_>) -> anyhow::Result<Outset> {
        Outset::over(way, Arc::new(way.run.models.catalog()?))
    }

    /// The same over a catalog that is there already.
    pub fn over(way: &Way<'_>, catalog: Arc<Catalog>) -> anyhow::Result<Outset> {
        let parent = of_this_process();
        hide_credentials(way.run);
        refuse_endpoint_of_parent(way.live, way.run, &parent)?;
        let runtime = runtime()?;
        let live = Live::prepare(way, &parent, catalog.clone(), &runtime)?;
        Ok(Outset {
            parent,
            catalog,
            runtime,
            live,
        })
    }

    /// Serves the sessions of a live mode while the command runs.
    pub fn serve<K: Keeper>(self, going: Going<'_>, sessions: Sessions<K>, ledger: &Arc<Ledger>) -> anyhow::Result<Ended<K>> {
        let Outset { parent, runtime, live, .. } = self;
        let setting = Setting {
            arguments: going.run,
            mode: Mode::Record,
            region: going.region.or(live.region),
            keys: live.keys,
            has_credentials: live.has_credentials,
            token: live.token,
            parent,
            options: Options {
                preserve_header_case: true,
                watches_clients: true,
                dial: Some(live.dial),
                ..Options::default()
            },
            serving: going.serving,
            own_keys: live.forwarder.behaviour.sign_as_default.is_some(),
        };
        let recorder = Arc::new(Recorder::new(live.forwarder, sessions, ledger.clone()));
        let served = runtime.block_on(serve(setting, recorder.clone(), ledger));
        // Connections that outlived the drain may still hold the recorder; none is left without them.
        // What still computes on a blocking thread is not waited for.
        runtime.shutdown_timeout(SHUTDOWN);
        let Ok(recorder) = Arc::try_unwrap(recorder) else {
            bail!("a connection could not be ended; what was recorded is in the journal, and the next `ferrotape record` recovers it");
        };
        let (stage, sessions) = recorder.into_sessions().into_parts();
        Ok(Ended { served, stage, sessions })
    }
}

impl Live {
    fn prepare(way: &Way<'_>, parent: &Environment, catalog: Arc<Catalog>, runtime: &Runtime) -> anyhow::Result<Live> {
        let Way {
            live: arguments,
            run,
            unmodeled,
            need,
        } = *way;
        let mut trust = Trust::from_environment();
        trust.additional.extend(arguments.upstream_ca.clone());
        let token = random_hexadecimal::<16>()?;
        let pair = key_pair()?;
        let keys = Keys::new(&pair.access_key_id, &pair.secret_access_key, None);
        let need = if run.door == DoorChoice::Intercept { Need::Perhaps } else { need };
        let credentials = runtime.block_on(credentials(arguments, need, &trust, &keys))?;
        let mut secrets = vec![token.clone(), keys.secret_access_key.clone()];
        let own = runtime.block_on(credentials.keys()).ok();
        let own = own.filter(|own| own.access_key_id != keys.access_key_id);
        let has_credentials = own.is_some();
        let pass_foreign_keys = arguments.passes_foreign_keys(run.command.is_empty(), own.as_ref());
        if let Some(own) = own {
            secrets.extend([own.secret_access_key].into_iter().chain(own.session_token));
        }
        let upstream = Upstream::new(UpstreamOptions {
            base: arguments.upstream.clone(),
            trust,
            proxies: Proxies::from_environment(),
            patience: arguments.answer_timeout,
        })?;
        let dial = Arc::new(Tunnels::new(upstream.dialer()));
        let region = arguments.upstream.is_some().then(|| DEFAULT_REGION.to_owned());
        let of_profile = profile::region(parent);
        let behaviour = Behaviour {
            unmodeled: unmodeled.into(),
            preferences: Preferences::from_environment(parent, of_profile.as_deref().or(region.as_deref())),
            sign_as_default: arguments.sign_as_default.then(|| token.clone()),
            pass_foreign_keys,
        };
        Ok(Live {
            keys: pair,
            forwarder: Forwarder {
                catalog,
                upstream,
                keyring: Keyring::new(Some(keys)),
                credentials,
                behaviour,
            },
            has_credentials,
            token,
            secrets,
            region,
            dial,
        })
    }
}

/// The form of AWS's own access key ids: `AKIA` for a user's, `ASIA` for those of a session. Programs
/// for emulators say `testing`, `test` or `dummy`.
fn is_issued_by_aws(access_key_id: &str) -> bool {
    let rest = ["AKIA", "ASIA"].iter().find_map(|start| access_key_id.strip_prefix(start));
    rest.is_some_and(|rest| rest.len() >= 12 && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

/// What a live run goes with.
pub struct Going<'a> {
    pub run: &'a RunArguments,
    /// The region for a child that has none.
    pub region: Option<String>,
    /// One line on what is served.
    pub serving: String,
}

/// What is left of a live run.
pub struct Ended<K: Keeper> {
    /// How the command ended.
    pub served: anyhow::Result<Exit>,
    pub stage: K,
    pub sessions: Vec<Arc<Session<K::Part>>>,
}

/// A parent that already sends its calls elsewhere must say so with `--upstream`: silently sending
/// them to AWS instead would be a surprise.
fn refuse_endpoint_of_parent(arguments: &LiveArguments, run: &RunArguments, parent: &Environment) -> anyhow::Result<()> {
    if arguments.upstream.is_some() || run.door == DoorChoice::Intercept {
        return Ok(());
    }
    let set = parent
        .iter()
        .find(|(name, value)| (*name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_")) && !value.is_empty());
    match set {
        Some((name, value)) => bail!("{name} is set to `{value}`: to go there, unset it and say `--upstream {value}`"),
        None => Ok(()),
    }
}

/// The command gets keys of its own, and must not find the true ones in this process. At the
/// intercept door alone it has the true ones, and nothing is hidden.
fn hide_credentials(run: &RunArguments) {
    if run.door == DoorChoice::Intercept {
        return;
    }
    if let Err(error) = guard::hide_from_siblings() {
        terminal::say(&format!("warning: the command can read the credentials of this process: {error}"));
    }
}

/// The credentials to sign with, found before the command starts.
async fn credentials(arguments: &LiveArguments, need: Need, trust: &Trust, keys: &Keys) -> anyhow::Result<CredentialSource> {
    let source = CredentialSource::default_chain(trust.clone());
    if need == Need::Perhaps && arguments.upstream.is_none() {
        return Ok(source);
    }
    match source.keys().await {
        Ok(_) => Ok(source),
        Err(_) if arguments.upstream.is_some() => {
            terminal::say("no AWS credentials were found; requests to the upstream are signed with a random key");
            Ok(CredentialSource::fixed(keys))
        }
        Err(_) if need == Need::Perhaps => Ok(source),
        Err(error) => Err(error.into()),
    }
}
