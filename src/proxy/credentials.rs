//! Whose keys sign: the run's own pair, those AWS vended through us, and the user's.
//!
//! Secrets live in memory only, and never in a message.

use super::tls::{self, Trust, TrustError};
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Keys are fetched again this long before they expire.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// So many vended keys are remembered; beyond this the oldest runs are long over.
const MOST_VENDED: usize = 10_000;

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Its id; not secret.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The token of a temporary key.
    pub session_token: Option<String>,
}

impl Keys {
    /// A key from its parts.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>, session_token: Option<String>) -> Keys {
        Keys {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keys")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl From<&Keys> for Credentials {
    fn from(keys: &Keys) -> Credentials {
        Credentials::new(
            &keys.access_key_id,
            &keys.secret_access_key,
            keys.session_token.clone(),
            None,
            "ferrotape",
        )
    }
}

impl From<&Credentials> for Keys {
    fn from(credentials: &Credentials) -> Keys {
        let token = credentials.session_token().map(str::to_owned);
        Keys::new(credentials.access_key_id(), credentials.secret_access_key(), token)
    }
}

/// Whose key an access key id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The run's own pair: sign again with the user's credentials.
    Run(Keys),
    /// A key that AWS vended through us: sign again with that one.
    Vended(Keys),
}

/// The keys that requests may be signed with.
#[derive(Default)]
pub struct Keyring {
    run: Option<Keys>,
    vended: Mutex<HashMap<String, Keys>>,
}

impl Keyring {
    /// A ring with the run's own pair, where the run has one.
    pub fn new(run: Option<Keys>) -> Keyring {
        Keyring {
            run,
            vended: Mutex::default(),
        }
    }

    /// The run's own pair.
    pub fn run_key(&self) -> Option<&Keys> {
        self.run.as_ref()
    }

    /// Remembers a key that AWS vended.
    pub fn remember(&self, keys: Keys) {
        let mut vended = self.vended.lock().unwrap_or_else(PoisonError::into_inner);
        if vended.len() >= MOST_VENDED {
            vended.clear();
        }
        vended.insert(keys.access_key_id.clone(), keys);
    }

    /// Whose key this is, if anybody's that we know.
    pub fn owner(&self, access_key_id: &str) -> Option<Owner> {
        if let Some(run) = self.run.as_ref().filter(|run| run.access_key_id == access_key_id) {
            return Some(Owner::Run(run.clone()));
        }
        let vended = self.vended.lock().unwrap_or_else(PoisonError::into_inner);
        vended.get(access_key_id).cloned().map(Owner::Vended)
    }
}

/// Why the user's credentials are not there.
#[derive(Debug, thiserror::Error)]
pub enum MissingCredentials {
    /// There are none.
    #[error(
        "no AWS credentials were found: not in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, not in a profile of `~/.aws`, not from a \
         container or an instance; set the variables, choose a profile with `AWS_PROFILE`, or run `aws sso login`"
    )]
    None,
    /// There are some, but they cannot be had.
    #[error(
        "the AWS credentials cannot be loaded: {0}; set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, check `AWS_PROFILE`, or run \
         `aws sso login`"
    )]
    Failed(String),
    /// The way to fetch them cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Where the user's credentials come from. Loaded when first needed, kept until they are about to
/// expire.
pub struct CredentialSource {
    origin: Origin,
    cached: tokio::sync::Mutex<Option<Credentials>>,
}

enum Origin {
    Chain {
        trust: Trust,
        provider: tokio::sync::OnceCell<SharedCredentialsProvider>,
    },
    Given(SharedCredentialsProvider),
}

impl CredentialSource {
    /// The default chain, by the environment of this process: variables, profile,
    /// `credential_process`, SSO, web identity, container, instance.
    pub fn default_chain(trust: Trust) -> CredentialSource {
        CredentialSource::of(Origin::Chain {
            trust,
            provider: tokio::sync::OnceCell::new(),
        })
    }

    /// Always this key.
    pub fn fixed(keys: &Keys) -> CredentialSource {
        CredentialSource::given(Credentials::from(keys))
    }

    /// Any provider.
    pub fn given(provider: impl ProvideCredentials + 'static) -> CredentialSource {
        CredentialSource::of(Origin::Given(SharedCredentialsProvider::new(provider)))
    }

    fn of(origin: Origin) -> CredentialSource {
        CredentialSource {
            origin,
            cached: tokio::sync::Mutex::default(),
        }
    }

    /// The keys to sign with at this time.
    pub async fn keys(&self) -> Result<Keys, MissingCredentials> {
        let now = SystemTime::now();
        let mut cached = self.cached.lock().await;
        if let Some(known) = cached.as_ref().filter(|known| is_good(known, now + MARGIN)) {
            return Ok(Keys::from(known));
        }
        let provider = self.provider().await?;
        match provider.provide_credentials().await {
            Ok(fresh) => Ok(Keys::from(&*cached.insert(fresh))),
            // They could not be renewed, but those we have still work.
            Err(error) => match cached.as_ref().filter(|known| is_good(known, now)) {
                Some(known) => Ok(Keys::from(known)),
                None => Err(explain(&error)),
            },
        }
    }

    async fn provider(&self) -> Result<SharedCredentialsProvider, MissingCredentials> {
        match &self.origin {
            Origin::Given(provider) => Ok(provider.clone()),
            Origin::Chain { trust, provider } => provider.get_or_try_init(|| chain(trust)).await.cloned(),
        }
    }
}

fn is_good(credentials: &Credentials, until: SystemTime) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > until)
}

fn explain(error: &CredentialsError) -> MissingCredentials {
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return MissingCredentials::None;
    }
    // The outer errors only say that there was one.
    let causes = std::iter::successors(error.source(), |&error| error.source());
    let texts: Vec<_> = causes
        .map(ToString::to_string)
        .filter(|text| !text.starts_with("an error occurred"))
        .collect();
    match texts.is_empty() {
        true => MissingCredentials::Failed(error.to_string()),
        false => MissingCredentials::Failed(texts.join(": ")),
    }
}

/// aws-config brings no HTTP client here; without one of ours it could not ask SSO, STS, a
/// container or an instance.
async fn chain(trust: &Trust) -> Result<SharedCredentialsProvider, MissingCredentials> {
    let context = tls_context(trust)?;
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .build()
    });
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else("us-east-1");
    let configuration = ProviderConfig::default().with_http_client(client);
    let chain = DefaultCredentialsChain::builder()
        .configure(configuration)
        .region(region)
        .build()
        .await;
    Ok(SharedCredentialsProvider::new(chain))
}

/// The user's bundle instead of the system's roots, where there is one. (`--upstream-ca` is for the
/// upstream alone.)
fn tls_context(trust: &Trust) -> Result<TlsContext, MissingCredentials> {
    let store = match &trust.bundle {
        Some(path) => TrustStore::empty().with_pem_certificate(tls::usable_pem(path)?),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map_err(|error| MissingCredentials::Failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let keys = Keys::new("AKIAEXAMPLE", "very-secret", Some("tok-secret".to_owned()));
        let shown = format!("{keys:?} {:?}", Owner::Run(keys.clone()));
        assert!(shown.contains("AKIAEXAMPLE") && !shown.contains("secret\""), "{shown}");
        assert!(!shown.contains("very-secret") && !shown.contains("tok-secret"), "{shown}");
    }

    #[test]
    fn a_keyring_tells_the_runs_key_from_vended_ones_and_strangers() {
        let run = Keys::new("AKIARUN", "one", None);
        let vended = Keys::new("ASIAVENDED", "two", Some("token".to_owned()));
        let ring = Keyring::new(Some(run.clone()));
        ring.remember(vended.clone());
        assert_eq!(ring.owner("AKIARUN"), Some(Owner::Run(run)));
        assert_eq!(ring.owner("ASIAVENDED"), Some(Owner::Vended(vended)));
        assert_eq!(ring.owner("AKIASTRANGER"), None);
    }

    #[derive(Debug)]
    struct Expiring(std::sync::atomic::AtomicUsize, Duration);

    impl ProvideCredentials for Expiring {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let expiry = SystemTime::now() + self.1;
            let result = match count {
                0 | 1 => Ok(Credentials::new(format!("AKIA{count}"), "s", None, Some(expiry), "test")),
                _ => Err(CredentialsError::provider_error("gone")),
            };
            aws_credential_types::provider::future::ProvideCredentials::ready(result)
        }
    }

    #[tokio::test]
    async fn keys_are_kept_until_they_are_about_to_expire() {
        let source = CredentialSource::given(Expiring(Default::default(), Duration::from_secs(3600)));
        assert_eq!(source.keys().await.unwrap().access_key_id, "AKIA0");
        assert_eq!(source.keys().await.unwrap().access_key_id, "AKIA0");
        let source = CredentialSource::given(Expiring(Default::default(), Duration::from_secs(60)));
        assert_eq!(source.keys().await.unwrap().access_key_id, "AKIA0");
        assert_eq!(source.keys().await.unwrap().access_key_id, "AKIA1");
        assert_eq!(
            source.keys().await.unwrap().access_key_id,
            "AKIA1",
            "those that still work outlive a failure to renew them"
        );
    }

    #[tokio::test]
    async fn missing_credentials_are_explained() {
        let source = CredentialSource::given(Nothing);
        let message = source.keys().await.unwrap_err().to_string();
        for way_out in ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "aws sso login"] {
            assert!(message.contains(way_out), "{message}");
        }
    }

    #[derive(Debug)]
    struct Broken;

    impl ProvideCredentials for Broken {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let failed = Err(CredentialsError::provider_error(CredentialsError::provider_error(
                "the token has expired",
            )));
            aws_credential_types::provider::future::ProvideCredentials::ready(failed)
        }
    }

    #[tokio::test]
    async fn the_innermost_cause_is_told() {
        let message = CredentialSource::given(Broken).keys().await.unwrap_err().to_string();
        assert!(
            message.starts_with("the AWS credentials cannot be loaded: the token has expired; "),
            "{message}"
        );
        assert!(message.contains("aws sso login"), "{message}");
    }

    #[derive(Debug)]
    struct Nothing;

    impl ProvideCredentials for Nothing {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let nothing = Err(CredentialsError::not_loaded("nothing"));
            aws_credential_types::provider::future::ProvideCredentials::ready(nothing)
        }
    }
}
