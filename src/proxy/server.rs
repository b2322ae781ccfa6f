//! The listener: accepts connections, serves HTTP/1.1 on them, and drains at the end.
//!
//! Every request is checked (`framing`), given an absolute URI, and handed to the [`Handler`].
//! `CONNECT` goes to `intercept`.

use super::admission::{KnownHost, admit};
use super::authority::CertificateAuthority;
use super::ignored::IgnoredHost;
use super::intercept::{self, Pending};
use super::turned_away::{self, HTTP2_PREFACE, TurnedAway, http2_refusal};
use super::watch::Watch;
use super::{Arrival, Dial, Handler, Payload, RequestBody, control, framing};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a client may take to send a head, and how long it may idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long running requests may take once the server was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// How long it may take to end those that did not finish.
const CUT: Duration = Duration::from_secs(1);
/// The first byte of a TLS handshake.
pub(super) const TLS_HANDSHAKE: u8 = 0x16;

/// Tells the user something that no response can say.
pub type Note = Arc<dyn Fn(&str) + Send + Sync>;

/// How a server behaves.
#[derive(Clone, Default)]
pub struct Options {
    /// Host names besides the loopback ones that the endpoint door answers to.
    pub allow_hosts: Vec<String>,
    /// Answer to the names of AWS's own hosts too: what a stand-in hears when a recording passes a
    /// client's request on with its `Host` unchanged. Nobody else can let these names point here.
    pub answer_as_aws: bool,
    /// The token that a `CONNECT` must show as its proxy password, and the control endpoint wants. Without
    /// one, anybody may.
    pub token: Option<String>,
    /// Keeps the case of header names for whatever passes a request or response on. Costs a little
    /// on each request; replay does without.
    pub preserve_header_case: bool,
    /// Drops the calls of clients that are gone: what answers at once need not look.
    pub watches_clients: bool,
    /// Is told of clients that do not speak HTTP, and the like.
    pub note: Option<Note>,
    /// Vouches for AWS's hosts at the intercept door. Without one there is no such door.
    pub authority: Option<Arc<CertificateAuthority>>,
    /// Opens tunnels, where the handler allows any.
    pub dial: Option<Arc<dyn Dial>>,
    /// Hosts whose calls do not count, besides those that are known.
    pub ignored: Vec<IgnoredHost>,
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("port `{}` of `{}` is in use by another program; stop it, or listen on a free port with `--listen {}`", .0.port(), .0.ip(), SocketAddr::new(.0.ip(), 0))]
    InUse(SocketAddr),
    /// The system does not let us.
    #[error("not allowed to listen on `{}`; ports below 1024 are the system's, try `--listen {}`", .0, SocketAddr::new(.0.ip(), 0))]
    Denied(SocketAddr),
    /// No such address on this machine.
    #[error("`{}` is not an address of this machine; try `--listen 127.0.0.1:{}`", .0.ip(), .0.port())]
    NoSuchAddress(SocketAddr),
    /// Anything else.
    #[error("cannot listen on `{address}`: {source}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl BindError {
    fn new(address: SocketAddr, source: io::Error) -> BindError {
        match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(address),
            io::ErrorKind::PermissionDenied => BindError::Denied(address),
            io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress(address),
            _ => BindError::Other { address, source },
        }
    }
}

/// A listening socket that is not served yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: Options,
}

/// What every connection knows.
pub(super) struct Shared<H> {
    pub(super) handler: Arc<H>,
    pub(super) options: Options,
    pub(super) address: SocketAddr,
    /// A client has trusted the certificate of the run.
    pub(super) is_trusted: AtomicBool,
    stop: watch::Receiver<bool>,
}

impl<H> Shared<H> {
    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        if let Some(note) = &self.options.note {
            note(&text());
        }
    }

    /// Counts a connection on which no request could be read, where the handler counts calls; else it
    /// is noted.
    pub(super) fn count_or_note(&self, session: Option<&str>, method: &[u8], uri: &str, reason: &str)
    where
        H: Handler,
    {
        if !turned_away::count_connection(&*self.handler, session, method, uri, reason) {
            self.note(|| reason.to_owned());
        }
    }

    /// Looks after the client of a connection, where anybody has to be.
    pub(super) fn watch(&self, stream: &TcpStream) -> Watch {
        match self.options.watches_clients {
            true => Watch::client(stream),
            false => Watch::nobody(),
        }
    }

    /// Waits until the server is told to stop.
    pub(super) async fn stopped(&self) {
        // An error means that the server is gone, which is as good.
        drop(self.stop.clone().wait_for(|stop| *stop).await);
    }

    /// Does something before anything is asked of us: within the time for a head, and only while
    /// the server runs.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = timeout(HEAD_TIMEOUT, work) => done.ok(),
            () = self.stopped() => None,
        }
    }
}

impl Server {
    /// Listens on an address; port 0 picks a free one.
    pub async fn bind(address: SocketAddr, options: Options) -> Result<Server, BindError> {
        let listener = TcpListener::bind(address).await.map_err(|error| BindError::new(address, error))?;
        let address = listener.local_addr().map_err(|error| BindError::new(address, error))?;
        Ok(Server {
            listener,
            address,
            options,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then lets running requests finish within a few seconds.
    pub async fn serve<H: Handler>(self, handler: Arc<H>, shutdown: impl Future) {
        let (stopper, stop) = watch::channel(false);
        handler.listens_at(self.address, &self.options.allow_hosts);
        let shared = Arc::new(Shared {
            handler,
            options: self.options,
            address: self.address,
            is_trusted: AtomicBool::new(false),
            stop,
        });
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                _ = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => drop(connections.spawn(serve_connection(Arc::clone(&shared), stream, peer))),
                    Err(error) => out_of_sockets(&shared, error).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        let _ = stopper.send(true);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN, drained).await.is_err() {
            shared.note(|| {
                format!(
                    "{} connections were still busy {} seconds after the end and were cut",
                    connections.len(),
                    DRAIN.as_secs()
                )
            });
            // Each call that is cut here says so, before what the run says of its calls.
            let _ = timeout(CUT, connections.shutdown()).await;
        }
    }
}

/// `accept` fails for a moment when the process has no file descriptor left; trying again at once
/// would spin.
async fn out_of_sockets<H>(shared: &Shared<H>, error: io::Error) {
    shared.note(|| format!("a connection could not be accepted: {error}"));
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn serve_connection<H: Handler>(shared: Arc<Shared<H>>, stream: TcpStream, peer: SocketAddr) {
    // Answers are written at once: with Nagle's algorithm each new connection costs 40 ms.
    let _ = stream.set_nodelay(true);
    let mut first = [0; HTTP2_PREFACE.len()];
    let read = match shared.in_time(stream.peek(&mut first)).await {
        Some(Ok(read)) if read > 0 => read,
        _ => return,
    };
    if speaks_another_protocol(&shared, &stream, &first[..read]).await {
        return;
    }
    let names = RefCell::new(KnownHost::default());
    let inside = Arc::clone(&shared);
    let pending = Arc::new(Pending::default());
    let connecting = Arc::clone(&pending);
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&inside);
        let pending = Arc::clone(&connecting);
        let admitted = match request.method() {
            &Method::CONNECT => Err(request),
            _ if control::is_control(request.uri().path()) => Err(request),
            _ => Ok(admit(&shared, &names, request)),
        };
        async move {
            match admitted {
                Ok(admitted) => answer(&shared, admitted).await,
                Err(request) if request.method() == Method::CONNECT => intercept::connect(&shared, &pending, request).await,
                Err(request) => Ok(answer_control(&shared, peer, request).await),
            }
        }
    });
    let watch = shared.watch(&stream);
    let ended = run(&shared, &watch, TokioIo::new(stream), service).await;
    // Its descriptor would keep the connection open.
    drop(watch);
    if let Err(error) = ended
        && error.is_parse()
    {
        shared.note(|| format!("`{peer}` sent something that is not an HTTP/1.1 request: {error}"));
    }
    intercept::take_over(&shared, &pending).await;
}

/// Turns a client away that begins as no client of HTTP/1.1 does: it meant to make a call.
async fn speaks_another_protocol<H: Handler>(shared: &Shared<H>, stream: &TcpStream, first: &[u8]) -> bool {
    let url = format!("http://{}", shared.address);
    if first[0] == TLS_HANDSHAKE {
        let reason = format!("a client spoke TLS to a port that speaks plain HTTP: the endpoint is `{url}`, with `http`, not `https`");
        shared.count_or_note(None, b"TLS", "/", &reason);
        return true;
    }
    // All that came is compared: a request line that begins with `P` has other letters after it.
    if first.len() < 3 || !HTTP2_PREFACE.starts_with(first) {
        return false;
    }
    let reason = format!("a client spoke HTTP/2 to `{url}`, which speaks HTTP/1.1 only: set it to HTTP/1.1");
    shared.count_or_note(None, b"PRI", "*", &reason);
    // It may be gone already, and it was told as well as it can be.
    let _ = shared.in_time(send_all(stream, &http2_refusal(&reason))).await;
    true
}

async fn send_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Serves one connection to its end, or until its client is gone. When the server stops, the request
/// that runs is the last.
pub(super) async fn run<H, I, S>(shared: &Shared<H>, watch: &Watch, io: I, service: S) -> hyper::Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Payload>, Error = Infallible>,
{
    let mut connection = pin!(builder(&shared.options).serve_connection(io, service).with_upgrades());
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = watch.gone() => return Ok(()),
        () = shared.stopped() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => ended,
        () = watch.gone() => Ok(()),
    }
}

/// HTTP/1.1 as every connection speaks it, at both doors. hyper answers more than 100 headers with
/// 431; a larger number would cost two allocations of some kilobytes for each request.
fn builder(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .half_close(true)
        .preserve_header_case(options.preserve_header_case);
    builder
}

/// The handler's answer, or the refusal. hyper adds the `Date`, exactly one, and it says now: SDKs
/// take their clock from it and would sign later calls in the past if a recorded one were served.
pub(super) async fn answer<H: Handler>(
    shared: &Shared<H>,
    admitted: Result<(Arrival, Request<RequestBody>), Box<TurnedAway>>,
) -> Result<Response<Payload>, Infallible> {
    let mut response = match admitted {
        Ok((arrival, request)) => shared.handler.call(arrival, request).await,
        Err(turned_away) => turned_away.answered(&*shared.handler),
    };
    response.headers_mut().remove(http::header::DATE);
    Ok(response)
}

/// What the control endpoint answers.
async fn answer_control<H: Handler>(shared: &Shared<H>, peer: SocketAddr, request: Request<Incoming>) -> Response<Payload> {
    let (head, body) = request.into_parts();
    let admitted = framing::check(&head.method, &head.headers)
        .and_then(|()| framing::host(head.version, &head.headers))
        .and_then(|host| control::check(&head, host, peer.ip().to_canonical().is_loopback()));
    if let Err(refused) = admitted {
        return refused.into_response();
    }
    if !control::is_authorized(&head, shared.options.token.as_deref()) {
        return control::unauthorized();
    }
    let base = format!("http://{}", shared.address);
    control::answer(Arc::clone(&shared.handler), base, head, RequestBody::Wire(body)).await
}

#[cfg(test)]
mod tests;
