//! The listener: accepts connections, serves HTTP/1.1 on them, and drains at the end.
//!
//! Every request is checked (`framing`), given an absolute URI, and handed to the [`Handler`].
//! `CONNECT` goes to `intercept`.

use super::authority::CertificateAuthority;
use super::intercept::{self, Pending};
use super::{Arrival, Authority, Dial, Door, Handler, Payload, Refused, RequestBody, control, endpoint, framing};
use crate::aws_hosts::is_aws_host;
use http::header::HeaderValue;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri};
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
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a client may take to send a head, and how long it may idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long running requests may take once the server was told to stop.
const DRAIN: Duration = Duration::from_secs(5);
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
    /// The token that a `CONNECT` must show as its proxy password. Without one, anybody may.
    pub token: Option<String>,
    /// Keeps the case of header names for whatever passes a request or response on. Costs a little
    /// on each request; replay does without.
    pub preserve_header_case: bool,
    /// Is told of clients that do not speak HTTP, and the like.
    pub note: Option<Note>,
    /// Vouches for AWS's hosts at the intercept door. Without one there is no such door.
    pub authority: Option<Arc<CertificateAuthority>>,
    /// Opens tunnels, where the handler allows any.
    pub dial: Option<Arc<dyn Dial>>,
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
    stop: watch::Receiver<bool>,
}

impl<H> Shared<H> {
    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        if let Some(note) = &self.options.note {
            note(&text());
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
        let shared = Arc::new(Shared {
            handler,
            options: self.options,
            address: self.address,
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
    let mut first = [0];
    let Some(Ok(1)) = shared.in_time(stream.peek(&mut first)).await else {
        return;
    };
    if first[0] == TLS_HANDSHAKE {
        let port = shared.address.port();
        shared.note(|| {
            format!(
                "`{peer}` spoke TLS to a port that speaks plain HTTP: the endpoint is `http://127.0.0.1:{port}`, with `http`, not `https`"
            )
        });
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
    let ended = run(&shared, TokioIo::new(stream), service).await;
    if let Err(error) = ended
        && error.is_parse()
    {
        shared.note(|| format!("`{peer}` sent something that is not an HTTP/1.1 request: {error}"));
    }
    intercept::take_over(&shared, &pending).await;
}

/// Serves one connection to its end. When the server stops, the request that runs is the last.
pub(super) async fn run<H, I, S>(shared: &Shared<H>, io: I, service: S) -> hyper::Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Payload>, Error = Infallible>,
{
    let mut connection = pin!(builder(&shared.options).serve_connection(io, service).with_upgrades());
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = shared.stopped() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// HTTP/1.1 as every connection speaks it, at both doors. hyper answers more than 100 headers with
/// 431; a larger number would cost two allocations of some kilobytes for each request.
fn builder(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .half_close(false)
        .preserve_header_case(options.preserve_header_case);
    builder
}

/// The handler's answer, or the refusal. hyper adds the `Date`, exactly one, and it says now: SDKs
/// take their clock from it and would sign later calls in the past if a recorded one were served.
pub(super) async fn answer<H: Handler>(
    shared: &Shared<H>,
    admitted: Result<(Arrival, Request<RequestBody>), Refused>,
) -> Result<Response<Payload>, Infallible> {
    let mut response = match admitted {
        Ok((arrival, request)) => shared.handler.call(arrival, request).await,
        Err(refused) => refused.into_response(),
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
    let base = format!("http://{}", shared.address);
    control::answer(Arc::clone(&shared.handler), base, head, RequestBody::Wire(body)).await
}

/// The `Host` of the last request of a connection, checked, so that the next one with the same
/// costs a comparison.
#[derive(Default)]
pub(super) struct KnownHost(Option<(HeaderValue, http::uri::Authority)>);

impl KnownHost {
    /// The authority of a `Host` header, checked by `check` when it differs from the last.
    pub(super) fn recall(
        &mut self,
        host: &HeaderValue,
        check: impl FnOnce(&str) -> Result<http::uri::Authority, Refused>,
    ) -> Result<http::uri::Authority, Refused> {
        if let Some((known, authority)) = &self.0
            && known == host
        {
            return Ok(authority.clone());
        }
        let text = host.to_str().map_err(|_| Refused::bad("the `Host` header is not text"))?;
        let authority = check(text)?;
        self.0 = Some((host.clone(), authority.clone()));
        Ok(authority)
    }
}

/// Lets a request in at the endpoint door, or says why not.
fn admit<H: Handler>(
    shared: &Shared<H>,
    names: &RefCell<KnownHost>,
    request: Request<Incoming>,
) -> Result<(Arrival, Request<RequestBody>), Refused> {
    let (mut head, body) = request.into_parts();
    framing::check(&head.method, &head.headers)?;
    check_origin(&shared.options, &head.headers)?;
    let authority = match framing::host(head.version, &head.headers)? {
        Some(host) => names.borrow_mut().recall(host, |host| own_name(&shared.options, host))?,
        None => own_authority(shared.address)?,
    };
    let uri = head.uri.into_parts();
    if let Some(target) = &uri.authority {
        check_absolute_form(shared.address, &uri.scheme, target, &authority)?;
    }
    let path = uri.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
    if !path.as_str().starts_with('/') {
        return Err(Refused::bad("the request line names no path"));
    }
    let mut arrival = Arrival {
        door: Door::Endpoint,
        session: None,
        token: None,
        signed_path: None,
    };
    let path = match endpoint::split_prefix(&path)? {
        Some((prefix, rest)) => {
            arrival.session = Some(prefix.session);
            arrival.token = prefix.token;
            arrival.signed_path = Some(path);
            rest
        }
        None => path,
    };
    head.uri = absolute(Scheme::HTTP, authority, path)?;
    Ok((arrival, Request::from_parts(head, RequestBody::Wire(body))))
}

pub(super) fn absolute(scheme: Scheme, authority: http::uri::Authority, path: PathAndQuery) -> Result<Uri, Refused> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority);
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|error| Refused::bad(format!("the request line is not one: {error}")))
}

/// A web page must not be able to use us, neither directly nor by a name that it lets point here
/// (DNS rebinding).
fn check_origin(options: &Options, headers: &http::HeaderMap) -> Result<(), Refused> {
    let Some(origin) = framing::browser_origin(headers) else {
        return Ok(());
    };
    let text = origin.to_str().unwrap_or_default();
    let host = text.split_once("://").and_then(|(_, rest)| framing::authority(rest, 80).ok());
    if host.is_some_and(|place| is_allowed(options, &place.host)) {
        return Ok(());
    }
    Err(Refused::forbidden(
        "requests from web pages are not answered; allow one by its host name with `--allow-host NAME`",
    ))
}

fn is_allowed(options: &Options, host: &str) -> bool {
    options.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) || options.answer_as_aws && is_aws_host(host)
}

fn own_name(options: &Options, host: &str) -> Result<http::uri::Authority, Refused> {
    let place = framing::authority(host, 80)?;
    if !framing::is_loopback_name(&place.host) && !is_allowed(options, &place.host) {
        let name = place.host;
        return Err(Refused::misdirected(format!(
            "`{name}` is not a name of this proxy; if it should be, start it with `--allow-host {name}`"
        )));
    }
    host.parse().map_err(|_| Refused::bad("the `Host` header is not a host"))
}

fn own_authority(address: SocketAddr) -> Result<http::uri::Authority, Refused> {
    address
        .to_string()
        .parse()
        .map_err(|_| Refused::bad("the request has no `Host` header"))
}

/// `GET http://HOST/ HTTP/1.1`: what an HTTP proxy gets for plain HTTP.
fn check_absolute_form(
    own: SocketAddr,
    scheme: &Option<Scheme>,
    target: &http::uri::Authority,
    host: &http::uri::Authority,
) -> Result<(), Refused> {
    let wanted = framing::authority(target.as_str(), 80)?;
    if wanted != framing::authority(host.as_str(), 80)? {
        return Err(Refused::bad(format!(
            "the request line names `{wanted}`, `Host` another place; they must agree"
        )));
    }
    let is_ourselves = *scheme == Some(Scheme::HTTP) && wanted.port == own.port();
    if !is_ourselves {
        return Err(elsewhere(&wanted));
    }
    Ok(())
}

fn elsewhere(wanted: &Authority) -> Refused {
    Refused::bad(format!(
        "plain HTTP to `{wanted}` is not passed on; use this proxy for `https` URLs (`HTTPS_PROXY`, not `HTTP_PROXY`), or as an endpoint (`AWS_ENDPOINT_URL`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Reach;
    use crate::proxy::testing::{Told, head, in_time, serve, talk, until_closed};
    use tokio::io::AsyncWriteExt;
    use tokio::sync::Notify;

    async fn told(request: &str) -> String {
        let running = serve(Arc::new(Told), Options::default()).await;
        talk(
            running.address,
            request.replace("PORT", &running.address.port().to_string()).as_bytes(),
        )
        .await
    }

    fn status(answer: &str) -> &str {
        answer.split(' ').nth(1).unwrap_or("nothing")
    }

    #[tokio::test]
    async fn a_request_gets_an_absolute_uri_and_keeps_its_host() {
        let answer = told("POST /a?b=c HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await;
        assert_eq!(status(&answer), "200");
        let line = answer.lines().last().unwrap();
        assert!(
            line.starts_with("Endpoint session= POST http://localhost:") && line.ends_with("/a?b=c body={}"),
            "{line}"
        );
    }

    #[tokio::test]
    async fn the_first_segment_picks_the_session() {
        let answer = told("GET /@checkout HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
        assert!(
            answer.ends_with("Endpoint session=checkout GET http://127.0.0.1/ body="),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn there_is_one_date_and_it_says_now() {
        let answer = told("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            .await
            .to_lowercase();
        assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{answer}");
        assert!(!answer.contains("2020"), "{answer}");
    }

    #[tokio::test]
    async fn http_1_0_without_a_host_is_served() {
        let answer = told("GET /x HTTP/1.0\r\n\r\n").await;
        assert!(answer.contains("GET http://127.0.0.1:") && status(&answer) == "200", "{answer}");
    }

    #[tokio::test]
    async fn our_own_absolute_form_is_served() {
        let answer = told("GET http://127.0.0.1:PORT/x HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n").await;
        assert_eq!(status(&answer), "200", "{answer}");
    }

    #[tokio::test]
    async fn two_requests_in_one_packet_are_answered_in_order() {
        let answer =
            told("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(answer.find("/1 body").unwrap() < answer.find("/2 body").unwrap(), "{answer}");
    }

    #[tokio::test]
    async fn requests_that_two_readers_could_read_differently_are_refused_and_the_connection_closed() {
        for (wanted, request) in [
            ("400", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
            (
                "400",
                "POST / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
            ),
            ("400", "GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n"),
            ("400", "GET / HTTP/1.1\r\nHost: localhost/path\r\n\r\n"),
            ("400", "GET / HTTP/1.1\r\nHost: 2130706433\r\n\r\n"),
            (
                "400",
                "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
            ),
            (
                "400",
                "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            ("400", "post / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"),
            ("400", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("400", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            (
                "400",
                "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            ),
            ("400", "GET http://localhost/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
            (
                "417",
                "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n{}",
            ),
            ("400", "GET /@../x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ] {
            let answer = told(request).await;
            assert_eq!(status(&answer), wanted, "{request}");
            assert!(answer.contains("RefusedByFerrotape"), "{answer}");
        }
    }

    #[tokio::test]
    async fn too_many_headers_are_431() {
        let headers: String = (0..=100).map(|number| format!("X-{number}: a\r\n")).collect();
        assert_eq!(
            status(&told(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await),
            "431"
        );
    }

    #[tokio::test]
    async fn a_length_beside_chunks_ends_the_connection() {
        let smuggled = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let answer = told(smuggled).await;
        assert!(!answer.contains("smuggled"), "{answer}");
    }

    #[tokio::test]
    async fn only_our_own_names_are_answered_to() {
        let request = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        for host in ["localhost", "127.0.0.1:80", "127.7.7.7", "[::1]:1234", "my-bucket.localhost"] {
            assert_eq!(status(&told(&request(host)).await), "200", "{host}");
        }
        for host in ["attacker.example", "proton.us-east-1.amazonaws.com", "10.0.0.1", "ferrotape"] {
            let answer = told(&request(host)).await;
            assert_eq!(status(&answer), "421", "{host}");
            assert!(answer.contains("--allow-host"), "{answer}");
        }
        let options = Options {
            allow_hosts: vec!["ferrotape".to_owned()],
            ..Options::default()
        };
        let running = serve(Arc::new(Told), options).await;
        assert_eq!(status(&talk(running.address, request("FERROTAPE:4567").as_bytes()).await), "200");
    }

    #[tokio::test]
    async fn web_pages_are_not_answered() {
        for header in ["Origin: http://localhost:3000", "Origin: null", "Sec-Fetch-Site: cross-site"] {
            let answer = told(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n")).await;
            assert_eq!(status(&answer), "403", "{header}");
        }
        let options = Options {
            allow_hosts: vec!["app.example".to_owned()],
            ..Options::default()
        };
        let running = serve(Arc::new(Told), options).await;
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nConnection: close\r\n\r\n";
        assert_eq!(status(&talk(running.address, request).await), "200");
    }

    #[tokio::test]
    async fn plain_http_to_other_hosts_is_refused_with_a_hint() {
        let options = Options {
            allow_hosts: vec!["s3.amazonaws.com".to_owned()],
            ..Options::default()
        };
        let running = serve(Arc::new(Told), options).await;
        let request = b"GET http://s3.amazonaws.com/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n";
        let answer = talk(running.address, request).await;
        assert_eq!(status(&answer), "400");
        assert!(answer.contains("HTTPS_PROXY"), "{answer}");
    }

    #[tokio::test]
    async fn tls_to_the_plain_port_is_told() {
        let running = serve(Arc::new(Told), Options::default()).await;
        assert_eq!(talk(running.address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc").await, "");
        assert!(running.noted().contains("spoke TLS"), "{}", running.noted());
    }

    #[tokio::test]
    async fn what_is_not_http_is_told() {
        let running = serve(Arc::new(Told), Options::default()).await;
        for noise in [
            &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
            b"\0\0\0\0\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            let answer = talk(running.address, noise).await;
            assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
        }
        assert_eq!(running.noted().matches("not an HTTP/1.1 request").count(), 3, "{}", running.noted());
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_a_way_out() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let Err(error) = Server::bind(address, Options::default()).await else {
            panic!("bound twice")
        };
        let message = error.to_string();
        assert!(
            message.contains(&address.port().to_string()) && message.contains("--listen 127.0.0.1:0"),
            "{message}"
        );
    }

    /// Answers when it is let, without reading the body; panics when asked to.
    struct Held {
        arrived: Notify,
        let_go: Notify,
    }

    impl Handler for Held {
        async fn call(&self, _: Arrival, request: Request<RequestBody>) -> Response<Payload> {
            match request.uri().path() {
                "/panic" => panic!("as asked"),
                "/hold" => {
                    self.arrived.notify_one();
                    self.let_go.notified().await;
                }
                _ => {}
            }
            Response::new(Payload::whole("done".into()))
        }

        fn reach(&self, _: &Authority) -> Reach {
            Reach::Refuse(String::new())
        }
    }

    fn held() -> Arc<Held> {
        Arc::new(Held {
            arrived: Notify::new(),
            let_go: Notify::new(),
        })
    }

    #[tokio::test]
    async fn a_running_request_is_finished_and_a_new_one_not_taken() {
        let handler = held();
        let running = serve(Arc::clone(&handler), Options::default()).await;
        let address = running.address;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        head(&mut idle).await;
        in_time(handler.arrived.notified()).await;
        let served = running.stop();
        assert_eq!(until_closed(&mut idle).await, "done", "an idle connection is closed");
        assert!(TcpStream::connect(address).await.is_err());
        handler.let_go.notify_one();
        assert!(until_closed(&mut stream).await.ends_with("done"));
        in_time(served).await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_never_speaks_does_not_hold_up_the_end() {
        let running = serve(held(), Options::default()).await;
        let mut silent = TcpStream::connect(running.address).await.unwrap();
        // It was accepted once a later connection is served.
        talk(running.address, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        let notes = Arc::clone(&running.notes);
        in_time(running.stop()).await.unwrap();
        assert_eq!(until_closed(&mut silent).await, "");
        assert!(notes.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_body_that_nobody_read_is_never_taken_for_a_request() {
        let running = serve(held(), Options::default()).await;
        let inner = "GET /inner HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let filler = "x".repeat(1 << 20);
        let length = inner.len() + filler.len();
        let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{inner}{filler}");
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        // The server may close before it has taken all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = until_closed(&mut stream).await;
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{answer}");
    }

    #[tokio::test]
    async fn a_handler_that_panics_costs_one_connection() {
        let running = serve(held(), Options::default()).await;
        assert_eq!(talk(running.address, b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n").await, "");
        let answer = talk(running.address, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(answer.ends_with("done"), "{answer}");
    }
}
