//! The way to AWS, or to whatever `--upstream` names instead.
//!
//! A request goes on as it came, save for the headers that belong to one connection: same method,
//! same target, same signed headers, same body. Nothing is followed, decompressed or repeated (a
//! request of which not a byte was written may go over a second connection).

use super::body::{BoxError, Payload};
use super::dialer::{DialError, Dialer, Proxies};
use super::tls::{self, Trust, TrustError};
use super::{Authority, Stream, framing};
use crate::wire;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// Idle connections are dropped before AWS drops them.
const IDLE: Duration = Duration::from_secs(10);
/// As many headers as we take from clients.
const MAX_HEADERS: usize = 200;

/// How to reach the upstream.
#[derive(Debug, Clone)]
pub struct UpstreamOptions {
    /// `--upstream URL`: everything goes there instead of to AWS.
    pub base: Option<Uri>,
    /// Whom to trust.
    pub trust: Trust,
    /// The proxies on the way.
    pub proxies: Proxies,
    /// How long a service may take until its answer begins; without a limit, as long as the client
    /// waits.
    pub patience: Option<Duration>,
}

/// Why there is no answer of the upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// `--upstream` makes no sense.
    #[error("`--upstream {0}` is not a base URL: `http://HOST[:PORT][/PATH]` or `https://…` is wanted")]
    NotABase(String),
    /// There is no trust to go by.
    #[error("{0}")]
    Trust(String),
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// No answer in time.
    #[error("`{host}` took the request and did not answer within the {} seconds of `--answer-timeout`", .limit.as_secs_f32())]
    TimedOut {
        /// The upstream.
        host: String,
        /// What was set.
        limit: Duration,
    },
    /// It wants to speak another protocol, which nobody asked for.
    #[error("`{host}` answered 101 and changed to another protocol; only HTTP/1.1 is passed on")]
    Switched {
        /// The upstream.
        host: String,
    },
    /// The connection ended before the answer's head was whole.
    #[error("`{host}` closed the connection before it answered: {reason}")]
    Closed {
        /// The upstream.
        host: String,
        /// hyper's words.
        reason: String,
    },
    /// The answer is not HTTP/1.1.
    #[error("`{host}` answered something that is not HTTP/1.1: {reason}")]
    NotHttp {
        /// The upstream.
        host: String,
        /// hyper's words.
        reason: String,
    },
    /// The client's body broke off on the way.
    #[error("the client's request body broke off on its way to `{host}`: {reason}")]
    RequestBody {
        /// The upstream.
        host: String,
        /// What happened.
        reason: String,
    },
    /// Anything else.
    #[error("the request to `{host}` failed: {reason}")]
    Other {
        /// The upstream.
        host: String,
        /// hyper's words.
        reason: String,
    },
}

impl From<TrustError> for UpstreamError {
    fn from(error: TrustError) -> UpstreamError {
        UpstreamError::Trust(error.to_string())
    }
}

/// The upstream.
#[derive(Clone)]
pub struct Upstream {
    client: Client<Connector, Payload>,
    dialer: Dialer,
    base: Option<Base>,
    patience: Option<Duration>,
}

/// What `--upstream` says.
#[derive(Debug, Clone)]
struct Base {
    scheme: Scheme,
    authority: http::uri::Authority,
    path: String,
}

impl Base {
    fn parse(uri: &Uri) -> Result<Base, UpstreamError> {
        let refuse = || UpstreamError::NotABase(uri.to_string());
        let parts = uri.clone().into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
            .ok_or_else(refuse)?;
        let authority = parts.authority.ok_or_else(refuse)?;
        framing::authority(authority.as_str(), 443).map_err(|_| refuse())?;
        if uri.query().is_some() {
            return Err(refuse());
        }
        Ok(Base {
            scheme,
            authority,
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn rebase(&self, path: &str) -> Option<Uri> {
        let path = format!("{}{path}", self.path);
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

impl Upstream {
    /// Makes ready; nothing is dialled yet.
    pub fn new(options: UpstreamOptions) -> Result<Upstream, UpstreamError> {
        let base = options.base.as_ref().map(Base::parse).transpose()?;
        let dialer = Dialer::new(options.proxies, tls::client_config(&options.trust)?);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_preserve_header_case(true)
            .http1_max_headers(MAX_HEADERS)
            .build(Connector(dialer.clone()));
        Ok(Upstream {
            client,
            dialer,
            base,
            patience: options.patience,
        })
    }

    /// The dialer, for tunnels.
    pub fn dialer(&self) -> Dialer {
        self.dialer.clone()
    }

    /// What `--upstream` names.
    pub fn base(&self) -> Option<Uri> {
        self.base.as_ref().and_then(|base| base.rebase("/"))
    }

    /// Whether `--upstream` names another place than AWS.
    pub fn is_overridden(&self) -> bool {
        self.base.is_some()
    }

    /// Where a request for an AWS URI is sent: there, or below `--upstream`.
    pub fn locate(&self, uri: &Uri) -> Uri {
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        self.rebased(path).unwrap_or_else(|| uri.clone())
    }

    /// Where a call is sent that AWS has at `uri`: there, or below `--upstream` at that path and query.
    pub fn locate_call(&self, uri: &Uri, without_names: &PathAndQuery) -> Uri {
        self.rebased(without_names.as_str()).unwrap_or_else(|| uri.clone())
    }

    fn rebased(&self, path: &str) -> Option<Uri> {
        self.base.as_ref().and_then(|base| base.rebase(path))
    }

    /// Sends a request to the host of its URI (see [`Upstream::locate`]) and waits for the head of
    /// the answer. `Host` and everything else that a signature may cover stay as they are; without
    /// a `Host` the URI's is sent.
    pub async fn send<B: Into<Payload>>(&self, request: Request<B>) -> Result<Response<Incoming>, UpstreamError> {
        let (mut head, body) = request.into_parts();
        head.headers = wire::without_hop_by_hop(&head.headers);
        head.version = Version::HTTP_11;
        let host = head.uri.authority().map(|authority| authority.to_string()).unwrap_or_default();
        let answer = self.client.request(Request::from_parts(head, body.into()));
        let answered = match self.patience {
            None => answer.await,
            Some(limit) => match timeout(limit, answer).await {
                Ok(answered) => answered,
                Err(_) => return Err(UpstreamError::TimedOut { host, limit }),
            },
        };
        let mut response = answered.map_err(|error| classify(&error, host.clone()))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpstreamError::Switched { host });
        }
        *response.headers_mut() = wire::without_hop_by_hop(response.headers());
        *response.version_mut() = Version::HTTP_11;
        Ok(response)
    }
}

fn classify(error: &hyper_util::client::legacy::Error, host: String) -> UpstreamError {
    if let Some(dial) = find::<DialError>(error) {
        return UpstreamError::Dial(dial.clone());
    }
    let reason = innermost(error);
    match find::<hyper::Error>(error) {
        Some(error) if error.is_user() => UpstreamError::RequestBody { host, reason },
        Some(error) if error.is_parse() => UpstreamError::NotHttp { host, reason },
        Some(error) if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => UpstreamError::Closed { host, reason },
        _ if find::<io::Error>(error).is_some() => UpstreamError::Closed { host, reason },
        _ => UpstreamError::Other { host, reason },
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// What hyper asks for connections.
#[derive(Clone)]
struct Connector(Dialer);

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Wire>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialer = self.0.clone();
        Box::pin(async move {
            let scheme = uri.scheme().cloned().unwrap_or(Scheme::HTTPS);
            let usual = if scheme == Scheme::HTTP { 80 } else { 443 };
            let place: Authority = framing::authority(uri.authority().map_or("", |authority| authority.as_str()), usual)
                .map_err(|refused| BoxError::from(refused.reason))?;
            Ok(TokioIo::new(Wire(dialer.connect(&scheme, &place).await?)))
        })
    }
}

/// A connection as hyper's pool wants it.
struct Wire(Box<dyn Stream>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
