//! The environment of the command under test, as a pure function: which variables it gets, and
//! which it loses, so that an unchanged program of any AWS SDK comes to Ferrotape.
//!
//! The files that variables point to are written by [`super::files`]; what a profile settles is
//! read by [`super::profile`]; which hosts the program reaches itself is told by [`super::direct`].

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::direct::{Case, DirectHost, Lists, covers_aws};
use super::files::Files;

/// The parent's environment, as far as it is text.
pub type Environment = BTreeMap<String, String>;

/// What the run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Calls go on to AWS.
    Record,
    /// Nothing does: the child needs neither credentials nor a network.
    Replay,
}

/// Which doors the child is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The endpoint for the SDKs that can be given one, the proxy for all others.
    Both,
    /// Our URL as the SDK's endpoint, and nothing else.
    Endpoint,
    /// Us as the HTTPS proxy, and nothing else.
    Intercept,
}

/// A key pair that the child signs with.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// Looks like any access key id.
    pub access_key_id: String,
    /// Never shown.
    pub secret_access_key: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyPair")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// All that decides the child's environment.
#[derive(Debug)]
pub struct Setup<'a> {
    /// Record or replay.
    pub mode: Mode,
    /// The doors to show.
    pub door: Door,
    /// Where Ferrotape listens, with the true port.
    pub address: SocketAddr,
    /// The session's name: the proxy user, and the `app/…` of user agents.
    pub session: &'a str,
    /// Whether the endpoint's URL must name the session too, because the server has others.
    pub session_in_path: bool,
    /// The run's token: the proxy password.
    pub token: &'a str,
    /// The run's own key pair; not used in replay, nor where the intercept door is the only one and
    /// the parent has its own.
    pub keys: &'a KeyPair,
    /// The trust files and preloads; not used where the endpoint door is the only one.
    pub files: &'a Files,
    /// The region for a child that has none of its own.
    pub region: Option<&'a str>,
    /// The region of the parent's profile, which the child may lose.
    pub profile_region: Option<&'a str>,
    /// Whether the parent's profile names a bundle of certificate authorities.
    pub profile_has_bundle: bool,
    /// Hosts that the child reaches itself, besides those of this machine and its network.
    pub pass_through: &'a [DirectHost],
    /// Whether the parent has credentials of its own, wherever an SDK finds them.
    pub has_credentials: bool,
    /// Domain names under which AWS hosts lie: these must not go past the proxy.
    pub aws_suffixes: &'a [&'a str],
}

/// One change to the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its new value, or none where it must go.
    pub value: Option<String>,
}

/// What happens to one variable.
enum Change {
    Leave,
    Set(String),
    Remove,
}

struct Context<'a> {
    setup: &'a Setup<'a>,
    parent: &'a Environment,
}

type Rule = fn(&Context<'_>) -> Change;

/// Names in one row get the same value.
type Row = (&'static [&'static str], Rule);

/// Measured with twelve clients; the comments say who reads what.
const TABLE: &[Row] = &[
    // Where test frameworks find the control endpoint.
    (&["FERROTAPE_URL"], own_url),
    // What it wants as a bearer token.
    (&["FERROTAPE_TOKEN"], |context| Change::Set(context.setup.token.to_owned())),
    // The endpoint door: all current SDKs, not JavaScript v2 and Go v1.
    (&["AWS_ENDPOINT_URL"], endpoint_url),
    // Would switch the endpoint off. Where the proxy is the only way in, replay switches off those
    // that the user configured: they lead past it.
    (&["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], ignore_endpoints),
    // SDKs refuse these two beside an endpoint of one's own; Ferrotape heeds them in the child's place.
    (&["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"], gone_with_endpoint),
    // botocore would put some operations' prefixes in front of our address.
    (&["AWS_DISABLE_HOST_PREFIX_INJECTION"], no_host_prefix),
    // The intercept door: Python, Rust, Go, PHP, curl; Node and Ruby by way of the preloads.
    (&["HTTPS_PROXY", "https_proxy"], proxy_url),
    // Where HTTP_PROXY is set, most SDKs would take even our own endpoint URL to that proxy.
    (&["NO_PROXY"], |context| direct_hosts(context, Case::Upper)),
    (&["no_proxy"], |context| direct_hosts(context, Case::Lower)),
    // These replace the system's roots: they get a bundle that holds both. boto3, both CLIs and
    // Python's requests read the first, Rust, Go, PHP and OpenSSL the second, curl the last.
    (&["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"], bundle),
    // Go's SDKs fail on it in a program with an HTTP client of its own. Where the user has one, it
    // (or the profile's) would win over REQUESTS_CA_BUNDLE.
    (&["AWS_CA_BUNDLE"], own_bundle),
    // object_store (deltalake, polars) takes no endpoint of plain HTTP otherwise.
    (&["AWS_ALLOW_HTTP"], allow_http),
    // The telemetry of AWS's own tools is no call of the program under test.
    (&["CDK_DISABLE_CLI_TELEMETRY", "AMPLIFY_DISABLE_TELEMETRY"], |_| {
        Change::Set("true".to_owned())
    }),
    (&["SAM_CLI_TELEMETRY"], |_| Change::Set("0".to_owned())),
    // Adds to Node's own roots.
    (&["NODE_EXTRA_CA_CERTS"], extra_authorities),
    // Node and Ruby take no proxy from the environment for their SDKs' connections.
    (&["NODE_OPTIONS"], node_options),
    (&["RUBYOPT"], ruby_options),
    // Java trusts its own store alone. Its AWS SDKs read HTTPS_PROXY themselves; the proxy options
    // of Java would win over that, and have no place for the token.
    (&["JAVA_TOOL_OPTIONS"], java_options),
    // Ends up in the user agent, where a log tells runs apart.
    (&["AWS_SDK_UA_APP_ID"], app_id),
    // boto3 reads only the second, most others only the first.
    (&["AWS_REGION"], |context| region(context, "AWS_DEFAULT_REGION")),
    (&["AWS_DEFAULT_REGION"], |context| region(context, "AWS_REGION")),
    // Ferrotape checks the child's signature and signs again with the true credentials. Without
    // any credentials an SDK does not even call.
    (&["AWS_ACCESS_KEY_ID"], |context| credential(context, |keys| &keys.access_key_id)),
    (&["AWS_SECRET_ACCESS_KEY"], |context| {
        credential(context, |keys| &keys.secret_access_key)
    }),
    // They belong to other keys (the second is boto's old name), and an expiry among them makes
    // boto3 refuse the new ones.
    (
        &["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"],
        gone_with_credentials,
    ),
    // Sources of credentials that some SDKs prefer to a key pair in the environment.
    (
        &["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"],
        gone_with_credentials,
    ),
    // With a key pair there is nothing to ask the machine for, and off AWS asking hangs.
    (&["AWS_EC2_METADATA_DISABLED"], no_metadata),
];

/// Families of variables that go, by the start of their names: endpoints of single services win
/// over `AWS_ENDPOINT_URL`, containers vend other credentials.
const FAMILIES: &[(&str, Rule)] = &[
    ("AWS_ENDPOINT_URL_", gone_with_endpoint),
    ("AWS_CONTAINER_CREDENTIALS_", gone_with_credentials),
];

/// The changes to `parent` that make a program come to us, in a fixed order.
pub fn changes(setup: &Setup<'_>, parent: &Environment) -> Vec<Variable> {
    let context = Context { setup, parent };
    let rows = TABLE
        .iter()
        .flat_map(|(names, change)| names.iter().map(|name| (name.to_string(), *change)));
    let families = FAMILIES.iter().flat_map(|(start, change)| {
        let named = parent.keys().filter(move |name| name.starts_with(start));
        named.map(|name| (name.clone(), *change))
    });
    rows.chain(families)
        .filter_map(|(name, change)| match change(&context) {
            Change::Leave => None,
            Change::Set(value) => Some(Variable { name, value: Some(value) }),
            Change::Remove => Some(Variable { name, value: None }),
        })
        .collect()
}

/// The same as lines for a POSIX shell, to paste where no command was given.
pub fn exports(variables: &[Variable]) -> String {
    let mut lines = String::new();
    for Variable { name, value } in variables {
        let _ = match value {
            Some(value) => writeln!(lines, "export {name}='{}'", value.replace('\'', r"'\''")),
            None => writeln!(lines, "unset {name}"),
        };
    }
    lines
}

/// The environment of this process, as far as it is text.
pub fn of_this_process() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Context<'_> {
    fn endpoint(&self) -> bool {
        self.setup.door != Door::Intercept
    }

    fn proxy(&self) -> bool {
        self.setup.door != Door::Endpoint
    }

    fn replay(&self) -> bool {
        self.setup.mode == Mode::Replay
    }

    /// Whether the child gets the run's keys, and loses its own credentials. Through the intercept
    /// door alone its own signature goes to AWS, so in record they are left as they are, if it has any.
    fn credentials(&self) -> bool {
        self.replay() || self.endpoint() || !self.setup.has_credentials
    }

    fn inherited(&self, name: &str) -> Option<&str> {
        self.parent.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The parent's value with one more word behind it.
    fn appended(&self, name: &str, word: &str) -> Change {
        Change::Set(match self.inherited(name) {
            Some(inherited) => format!("{inherited} {word}"),
            None => word.to_owned(),
        })
    }
}

impl Change {
    fn when(condition: bool, change: impl FnOnce() -> Change) -> Change {
        if condition { change() } else { Change::Leave }
    }
}

/// With the token in front of every path, so that a program that sends no header is let in, too.
fn own_url(context: &Context<'_>) -> Change {
    let Setup { address, token, .. } = context.setup;
    Change::Set(format!("http://{}/~{}", reachable(*address), in_url(token)))
}

fn endpoint_url(context: &Context<'_>) -> Change {
    let Setup {
        address,
        session,
        session_in_path,
        ..
    } = context.setup;
    Change::when(context.endpoint(), || {
        let base = format!("http://{}", reachable(*address));
        Change::Set(if *session_in_path {
            format!("{base}/@{}", in_url(session))
        } else {
            base
        })
    })
}

fn ignore_endpoints(context: &Context<'_>) -> Change {
    match context.endpoint() {
        true => Change::Remove,
        false => Change::when(context.replay(), || Change::Set("true".to_owned())),
    }
}

fn gone_with_endpoint(context: &Context<'_>) -> Change {
    Change::when(context.endpoint(), || Change::Remove)
}

fn no_host_prefix(context: &Context<'_>) -> Change {
    Change::when(context.endpoint(), || Change::Set("true".to_owned()))
}

fn proxy_url(context: &Context<'_>) -> Change {
    let Setup {
        address, session, token, ..
    } = context.setup;
    Change::when(context.proxy(), || {
        Change::Set(format!("http://{}:{}@{}", in_url(session), in_url(token), reachable(*address)))
    })
}

/// The parent's own list, without what would take AWS past our proxy, and ours.
fn direct_hosts(context: &Context<'_>, case: Case) -> Change {
    let names = ["no_proxy", "NO_PROXY"];
    let inherited = names.into_iter().filter_map(|name| context.inherited(name));
    let entries = inherited.flat_map(|list| list.split(',')).map(str::trim);
    let keeps = |entry: &&str| !entry.is_empty() && (!context.proxy() || !covers_aws(entry, context.setup.aws_suffixes));
    let lists = Lists {
        inherited: entries.filter(keeps).collect(),
        passed: context.setup.pass_through,
        is_ours: context.proxy(),
    };
    Change::Set(lists.no_proxy(case))
}

fn bundle(context: &Context<'_>) -> Change {
    Change::when(context.proxy(), || Change::Set(text(&context.setup.files.bundle)))
}

fn own_bundle(context: &Context<'_>) -> Change {
    let is_there = context.inherited("AWS_CA_BUNDLE").is_some() || context.setup.profile_has_bundle;
    Change::when(is_there, || bundle(context))
}

fn allow_http(context: &Context<'_>) -> Change {
    Change::when(context.endpoint(), || Change::Set("true".to_owned()))
}

fn extra_authorities(context: &Context<'_>) -> Change {
    Change::when(context.proxy(), || Change::Set(text(&context.setup.files.node_authorities)))
}

fn node_options(context: &Context<'_>) -> Change {
    let preload = text(&context.setup.files.node_preload);
    Change::when(context.proxy(), || {
        context.appended("NODE_OPTIONS", &format!("--require={}", quoted_for_node(&preload)))
    })
}

/// Ruby splits its options at white space and knows no quotes: a path with a space stays out.
fn ruby_options(context: &Context<'_>) -> Change {
    let preload = text(&context.setup.files.ruby_preload);
    let usable = context.proxy() && !preload.contains(char::is_whitespace);
    Change::when(usable, || context.appended("RUBYOPT", &format!("-r{preload}")))
}

/// The trust store is of the old Java form, which is read without a password where none is
/// given. Java's own exceptions from proxies are extended only where the parent sets Java's proxy
/// options: one of them is enough for the SDK to read `HTTPS_PROXY` no more.
fn java_options(context: &Context<'_>) -> Change {
    const EXCEPT: &str = "-Dhttp.nonProxyHosts=";
    let store = quoted_for_java(&text(&context.setup.files.java_store));
    let mut options = format!("-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStoreType=JKS");
    let inherited = context.inherited("JAVA_TOOL_OPTIONS").unwrap_or_default();
    let mut words = inherited.split_whitespace();
    if words
        .clone()
        .any(|word| word.starts_with("-Dhttps.proxyHost=") || word.starts_with(EXCEPT))
    {
        let lists = Lists {
            inherited: Vec::new(),
            passed: context.setup.pass_through,
            is_ours: true,
        };
        let except = words.find_map(|word| word.strip_prefix(EXCEPT)).unwrap_or_default();
        options += &format!(" {EXCEPT}{}", lists.non_proxy_hosts(except.trim_matches(['"', '\''])));
    }
    Change::when(context.proxy(), || context.appended("JAVA_TOOL_OPTIONS", &options))
}

/// At most 50 characters of those a user agent may hold.
fn app_id(context: &Context<'_>) -> Change {
    let id = context
        .setup
        .session
        .chars()
        .take(50)
        .map(|letter| if letter == '/' { '-' } else { letter });
    Change::when(context.inherited("AWS_SDK_UA_APP_ID").is_none(), || Change::Set(id.collect()))
}

/// The region variable that the parent has speaks for the one it has not. Where the child keeps
/// its profiles it keeps their regions: a variable would silently win over them.
fn region(context: &Context<'_>, other: &str) -> Change {
    let own = if other == "AWS_REGION" {
        "AWS_DEFAULT_REGION"
    } else {
        "AWS_REGION"
    };
    if context.inherited(own).is_some() {
        return Change::Leave;
    }
    let profile = context.setup.profile_region;
    let value = match context.inherited(other) {
        Some(value) => Some(value),
        None if context.credentials() => profile.or(context.setup.region),
        None => context.setup.region.filter(|_| profile.is_none()),
    };
    value.map_or(Change::Leave, |value| Change::Set(value.to_owned()))
}

fn credential(context: &Context<'_>, part: fn(&KeyPair) -> &String) -> Change {
    Change::when(context.credentials(), || Change::Set(part(context.setup.keys).clone()))
}

fn gone_with_credentials(context: &Context<'_>) -> Change {
    Change::when(context.credentials(), || Change::Remove)
}

fn no_metadata(context: &Context<'_>) -> Change {
    Change::when(context.credentials(), || Change::Set("true".to_owned()))
}

/// The address as a client on this machine reaches it: one that listens everywhere is dialled at
/// loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn in_url(part: &str) -> String {
    utf8_percent_encode(part, RESERVED).to_string()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Node splits its options at spaces outside double quotes; a backslash escapes inside them.
fn quoted_for_node(path: &str) -> String {
    match path.contains([' ', '"']) {
        true => format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")),
        false => path.to_owned(),
    }
}

/// Java takes either kind of quote, and knows no escapes.
fn quoted_for_java(path: &str) -> String {
    let quote = if path.contains('"') { '\'' } else { '"' };
    if path.contains([' ', '"', '\'']) {
        format!("{quote}{path}{quote}")
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests;
