//! Opens connections: resolves a name once, checks the very addresses it got, and goes through the
//! proxy of Ferrotape's own environment where there is one.

use super::intercept::past_the_proxy;
use super::{Authority, Stream, framing};
use crate::special_addresses;
use http::Uri;
use http::header::HeaderValue;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::client::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take: resolving, connecting, and the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// No proxy's answer to `CONNECT` is longer.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Why a connection could not be opened. Each says who is at fault and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The name means nothing.
    #[error("`{host}` cannot be resolved: {reason}; is the region right, and is there a network?")]
    Unresolved {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// Nobody listens, or no route leads there.
    #[error("`{place}` cannot be reached: {reason}")]
    Unreachable {
        /// Where to.
        place: String,
        /// The system's words.
        reason: String,
    },
    /// It took too long.
    #[error("`{}` did not take the connection within {} seconds", .0, CONNECT_TIMEOUT.as_secs())]
    TimedOut(String),
    /// The name leads to a place that no proxy may be led to.
    #[error("`{place}` leads to {why}, which is not reached through this proxy; {}", past_the_proxy(&place.host))]
    Forbidden {
        /// Where to.
        place: Authority,
        /// What is there.
        why: &'static str,
    },
    /// The proxy of our own environment does not help.
    #[error("the proxy `{proxy}` of the environment does not lead to `{place}`: {reason}")]
    Proxy {
        /// The proxy, without its credentials.
        proxy: String,
        /// Where to.
        place: String,
        /// Its words.
        reason: String,
    },
    /// The certificate is not trusted.
    #[error(
        "the certificate of `{host}` is not trusted: {reason}; if its root is a private one, name that with `--upstream-ca FILE` or `AWS_CA_BUNDLE`"
    )]
    Untrusted {
        /// Whose.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS fails otherwise.
    #[error("TLS with `{host}` failed: {reason}")]
    Tls {
        /// With whom.
        host: String,
        /// What happened.
        reason: String,
    },
}

/// The proxies of Ferrotape's own environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`,
/// `NO_PROXY`, in both cases.
#[derive(Debug, Clone)]
pub struct Proxies(Arc<Matcher>);

impl Proxies {
    /// What the environment says.
    pub fn from_environment() -> Proxies {
        Proxies(Arc::new(Matcher::from_env()))
    }

    /// None.
    pub fn none() -> Proxies {
        Proxies(Arc::new(Matcher::builder().build()))
    }

    /// This one for everything but the names of `except` (as in `NO_PROXY`).
    pub fn through(proxy: &str, except: &str) -> Proxies {
        Proxies(Arc::new(Matcher::builder().all(proxy.to_owned()).no(except.to_owned()).build()))
    }

    /// This machine is never reached through a proxy.
    fn towards(&self, scheme: &Scheme, place: &Authority) -> Option<Intercept> {
        if framing::is_loopback_name(&place.host) {
            return None;
        }
        let uri = Uri::builder()
            .scheme(scheme.clone())
            .authority(place.to_string())
            .path_and_query("/")
            .build()
            .ok()?;
        self.0.intercept(&uri)
    }
}

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Any: the place was chosen by the user, or is AWS's (which may be a private endpoint).
    Anywhere,
    /// None of this machine or its network: the place was chosen by a client.
    Public,
}

/// Opens connections.
#[derive(Clone)]
pub struct Dialer {
    proxies: Proxies,
    tls: Arc<ClientConfig>,
}

impl Dialer {
    /// With these proxies and this trust.
    pub fn new(proxies: Proxies, tls: Arc<ClientConfig>) -> Dialer {
        Dialer { proxies, tls }
    }

    /// Connects to a place, and speaks TLS with it where the scheme is `https`.
    pub async fn connect(&self, scheme: &Scheme, place: &Authority) -> Result<Box<dyn Stream>, DialError> {
        within(place, async {
            let stream = self.reach(scheme, place, Allowed::Anywhere).await?;
            if *scheme == Scheme::HTTPS {
                self.secure(stream, &place.host).await
            } else {
                Ok(stream)
            }
        })
        .await
    }

    /// Connects to a place for a tunnel of whatever the client speaks.
    pub async fn tunnel(&self, place: &Authority) -> Result<Box<dyn Stream>, DialError> {
        within(place, self.reach(&Scheme::HTTPS, place, Allowed::Public)).await
    }

    async fn reach(&self, scheme: &Scheme, place: &Authority, allowed: Allowed) -> Result<Box<dyn Stream>, DialError> {
        match self.proxies.towards(scheme, place) {
            Some(proxy) => self.through(&proxy, place).await,
            None => Ok(Box::new(direct(place, allowed).await?)),
        }
    }

    async fn through(&self, proxy: &Intercept, place: &Authority) -> Result<Box<dyn Stream>, DialError> {
        let name = proxy.uri().to_string();
        let failed = |reason: String| DialError::Proxy {
            proxy: name.clone(),
            place: place.to_string(),
            reason,
        };
        let is_secure = match proxy.uri().scheme_str() {
            Some("http") => false,
            Some("https") => true,
            other => return Err(failed(format!("`{}` proxies are not supported", other.unwrap_or_default()))),
        };
        let usual = if is_secure { 443 } else { 80 };
        let authority = proxy.uri().authority().map_or("", http::uri::Authority::as_str);
        let own = framing::authority(authority, usual).map_err(|refused| failed(refused.reason))?;
        let stream = direct(&own, Allowed::Anywhere).await.map_err(|error| failed(error.to_string()))?;
        let mut stream: Box<dyn Stream> = match is_secure {
            true => self
                .secure(Box::new(stream), &own.host)
                .await
                .map_err(|error| failed(error.to_string()))?,
            false => Box::new(stream),
        };
        let status = ask(&mut stream, place, proxy.basic_auth())
            .await
            .map_err(|error| failed(error.to_string()))?;
        match status.as_str() {
            "200" => Ok(stream),
            "407" => Err(failed("it wants credentials (407): put them in its URL".to_owned())),
            status => Err(failed(format!("it answers {status}"))),
        }
    }

    async fn secure(&self, stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>, DialError> {
        let tls = |reason: String| DialError::Tls {
            host: host.to_owned(),
            reason,
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(error.to_string()))?;
        let secured = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        let stream = secured.map_err(|error| match cause(&error) {
            Some(rustls::Error::InvalidCertificate(reason)) => DialError::Untrusted {
                host: host.to_owned(),
                reason: reason.to_string(),
            },
            _ => tls(error.to_string()),
        })?;
        Ok(Box::new(stream))
    }
}

fn cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

async fn within<T>(place: &Authority, work: impl Future<Output = Result<T, DialError>>) -> Result<T, DialError> {
    timeout(CONNECT_TIMEOUT, work)
        .await
        .unwrap_or_else(|_| Err(DialError::TimedOut(place.to_string())))
}

/// Resolves once, and connects to the first address that answers.
async fn direct(place: &Authority, allowed: Allowed) -> Result<TcpStream, DialError> {
    let unresolved = |reason: String| DialError::Unresolved {
        host: place.host.clone(),
        reason,
    };
    let found = lookup_host((place.host.as_str(), place.port))
        .await
        .map_err(|error| unresolved(error.to_string()))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if allowed == Allowed::Public {
        let forbidden = addresses.iter().find_map(|address| special_addresses::special(address.ip()));
        if let Some(why) = forbidden {
            return Err(DialError::Forbidden { place: place.clone(), why });
        }
    }
    let mut last = None;
    for address in &addresses {
        // One address that swallows packets must not use up the time of the others.
        let share = CONNECT_TIMEOUT / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => {
                last = Some(DialError::Unreachable {
                    place: place.to_string(),
                    reason: error.to_string(),
                })
            }
            Err(_) => last = Some(DialError::TimedOut(place.to_string())),
        }
    }
    Err(last.unwrap_or_else(|| unresolved("the name has no address".to_owned())))
}

/// Asks a proxy for a tunnel. Gives the status of its answer.
async fn ask(stream: &mut Box<dyn Stream>, place: &Authority, credentials: Option<&HeaderValue>) -> io::Result<String> {
    let mut request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
    if let Some(credentials) = credentials {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credentials.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the head belongs to the tunnel.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > LONGEST_ANSWER {
            return Err(io::Error::other("its answer has no end"));
        }
        answer.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&answer);
    match head.split_ascii_whitespace().nth(1) {
        Some(status) if head.starts_with("HTTP/1.") => Ok(status.chars().take(3).collect()),
        _ => Err(io::Error::other("it does not speak HTTP")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::tls::{self, Trust};
    use tokio::net::TcpListener;

    fn place(host: &str, port: u16) -> Authority {
        Authority {
            host: host.to_owned(),
            port,
        }
    }

    fn dialer(proxies: Proxies) -> Dialer {
        Dialer::new(proxies, tls::client_config(&Trust::default()).unwrap())
    }

    /// A proxy that takes one request, gives `answer`, and tells what it was asked.
    async fn proxy(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        (port, asked)
    }

    #[tokio::test]
    async fn a_tunnel_never_leads_to_this_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = dialer(Proxies::none()).tunnel(&place("localhost", port)).await.err().unwrap();
        assert!(matches!(error, DialError::Forbidden { .. }), "{error}");
    }

    #[tokio::test]
    async fn nobody_listening_is_told_with_the_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = dialer(Proxies::none())
            .connect(&Scheme::HTTP, &place("127.0.0.1", port))
            .await
            .err()
            .unwrap();
        assert!(
            matches!(&error, DialError::Unreachable { place, .. } if *place == format!("127.0.0.1:{port}")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_name_that_means_nothing_is_told() {
        let error = dialer(Proxies::none())
            .connect(&Scheme::HTTP, &place("no-such-host.invalid", 80))
            .await
            .err()
            .unwrap();
        assert!(matches!(error, DialError::Unresolved { .. }), "{error}");
    }

    #[tokio::test]
    async fn the_proxy_of_the_environment_is_asked_with_its_credentials() {
        let (port, asked) = proxy("HTTP/1.1 200 OK\r\n\r\nwelcome").await;
        let proxies = Proxies::through(&format!("http://user:pass@127.0.0.1:{port}"), "");
        let mut stream = dialer(proxies).tunnel(&place("example.com", 443)).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "welcome");
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"),
            "{asked}"
        );
        assert!(asked.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_named_without_its_credentials() {
        let (port, asked) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        let proxies = Proxies::through(&format!("http://user:secret@127.0.0.1:{port}"), "");
        let message = dialer(proxies).tunnel(&place("example.com", 443)).await.err().unwrap().to_string();
        assert!(
            message.contains("407") && message.contains(&port.to_string()) && !message.contains("secret"),
            "{message}"
        );
        asked.await.unwrap();
    }

    #[test]
    fn this_machine_and_the_names_of_no_proxy_are_reached_without_a_proxy() {
        let proxies = Proxies::through("http://proxy.example:3128", "internal.example");
        assert!(proxies.towards(&Scheme::HTTPS, &place("example.com", 443)).is_some());
        assert!(proxies.towards(&Scheme::HTTPS, &place("a.internal.example", 443)).is_none());
        assert!(proxies.towards(&Scheme::HTTP, &place("127.0.0.1", 80)).is_none());
        assert!(proxies.towards(&Scheme::HTTP, &place("::1", 80)).is_none());
    }
}
