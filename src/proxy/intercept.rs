//! The intercept door: the client uses us as its HTTPS proxy.
//!
//! `CONNECT` is checked, answered, and then either ends here (TLS with a leaf of the run's
//! authority, or plain HTTP, whichever the first byte says) or becomes a tunnel. The host of the
//! `CONNECT`, of the TLS greeting and of every request inside must agree.

use super::admission::{KnownHost, absolute};
use super::ignored::{self, is_ignored};
use super::server::{self, Options, Shared, TLS_HANDSHAKE};
use super::signature::same;
use super::turned_away::TurnedAway;
use super::watch::Watch;
use super::{Arrival, Authority, Door, Handler, Payload, Reach, Refused, RequestBody, Stream, framing};
use crate::aws_hosts::is_aws_host;
use crate::special_addresses;
use crate::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes};
use http::header::{HeaderMap, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

/// The ports of AWS's hosts that speak HTTP.
const AWS_PORTS: [u16; 2] = [443, 80];

/// A `CONNECT` that was answered 200, until its connection has been taken over.
#[derive(Default)]
pub(super) struct Pending(Mutex<Option<Connected>>);

struct Connected {
    upgrade: OnUpgrade,
    place: Authority,
    caller: Caller,
    /// The other end of a tunnel; without it the connection ends here.
    tunnel: Option<Box<dyn Stream>>,
}

/// Who came by `CONNECT`.
#[derive(Clone, Default)]
struct Caller {
    session: Option<String>,
    token: Option<String>,
}

/// Answers a `CONNECT`.
pub(super) async fn connect<H: Handler>(
    shared: &Shared<H>,
    pending: &Pending,
    mut request: Request<Incoming>,
) -> Result<Response<Payload>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    let response = match admit(shared, &request).await {
        Ok((place, caller, tunnel)) => {
            let connected = Connected {
                upgrade,
                place,
                caller,
                tunnel,
            };
            *pending.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connected);
            Response::new(Payload::empty())
        }
        Err(refused) => {
            tell(shared, &request, &refused);
            refused.into_response()
        }
    };
    Ok(response)
}

/// Says that the program did not get where it wanted. A client that is asked for the token may come
/// again with it, and an ignored host is nobody's concern.
fn tell<H>(shared: &Shared<H>, request: &Request<Incoming>, refused: &Refused) {
    let host = request.uri().host().unwrap_or_default();
    if refused.status == StatusCode::FORBIDDEN && !is_ignored(host, &shared.options.ignored) {
        shared.note(|| format!("a connection was refused: {}", refused.reason));
    }
}

async fn admit<H: Handler>(
    shared: &Shared<H>,
    request: &Request<Incoming>,
) -> Result<(Authority, Caller, Option<Box<dyn Stream>>), Refused> {
    let place = framing::connect_target(request.uri().authority(), request.version(), request.headers())?;
    let caller = authenticate(shared.options.token.as_deref(), request.headers())?;
    check_literal(&place)?;
    if !is_aws_host(&place.host) && is_ignored(&place.host, &shared.options.ignored) {
        return Err(Refused::forbidden(format!("`{}` is ignored", place.host)));
    }
    match shared.handler.reach(&place) {
        Reach::Refuse(reason) => Err(Refused::forbidden(reason)),
        Reach::Tunnel => {
            let stream = dial(shared, &place).await?;
            Ok((place, caller, Some(stream)))
        }
        Reach::Intercept if shared.options.authority.is_none() => Err(Refused::forbidden(
            "this run has no intercept door; start it with `--door both`, or use the endpoint door",
        )),
        Reach::Intercept if !AWS_PORTS.contains(&place.port) => {
            let way = past_the_proxy(&place.host);
            Err(Refused::forbidden(format!(
                "`{place}`: AWS speaks HTTP on ports 443 and 80 only; {way}"
            )))
        }
        Reach::Intercept => Ok((place, caller, None)),
    }
}

/// The proxy's user name is the session, its password the run's token.
fn authenticate(token: Option<&str>, headers: &HeaderMap) -> Result<Caller, Refused> {
    let (session, shown) = headers
        .get(PROXY_AUTHORIZATION)
        .and_then(|value| credentials(value.to_str().ok()?))
        .unwrap_or_default();
    if token.is_some_and(|token| !same(shown.as_bytes(), token.as_bytes())) {
        return Err(Refused::unauthenticated(
            "this proxy wants the token of its run: `HTTPS_PROXY=http://SESSION:TOKEN@HOST:PORT`",
        ));
    }
    if !session.is_empty() && !super::endpoint::is_session_name(&session) {
        return Err(Refused::bad(format!(
            "the proxy's user name `{}` cannot name a session",
            session.escape_default()
        )));
    }
    Ok(Caller {
        session: Some(session).filter(|text| !text.is_empty()),
        token: Some(shown).filter(|text| !text.is_empty()),
    })
}

/// User name and password of `Basic` credentials.
fn credentials(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// This machine and its network are never reached, whatever a handler would allow.
fn check_literal(place: &Authority) -> Result<(), Refused> {
    let why = match place.host.parse::<IpAddr>() {
        Ok(address) => special_addresses::special(address),
        Err(_) if framing::is_loopback_name(&place.host) => Some("this machine itself"),
        Err(_) => None,
    };
    match why {
        Some(why) => Err(Refused::forbidden(format!(
            "`{place}` is {why}, which is not reached through this proxy; {}",
            past_the_proxy(&place.host)
        ))),
        None => Ok(()),
    }
}

/// How a program gets to a host that is not reached through this proxy.
pub fn past_the_proxy(host: &str) -> String {
    format!("`--pass-through {host}` puts it into the command's `NO_PROXY`, which its client must heed")
}

async fn dial<H>(shared: &Shared<H>, place: &Authority) -> Result<Box<dyn Stream>, Refused> {
    let Some(dial) = &shared.options.dial else {
        return Err(Refused::forbidden(format!(
            "`{place}` is not reached: nothing here can open a connection"
        )));
    };
    dial.dial(place.clone()).await.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Refused::forbidden(error.to_string()),
        _ => Refused {
            status: StatusCode::BAD_GATEWAY,
            reason: error.to_string(),
        },
    })
}

/// Goes on with a connection that `CONNECT` has taken over, if it was.
pub(super) async fn take_over<H: Handler>(shared: &Arc<Shared<H>>, pending: &Pending) {
    let connected = pending.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(Connected {
        upgrade,
        place,
        caller,
        tunnel,
    }) = connected
    else {
        return;
    };
    let Ok(Some(stream)) = upgrade.await.map(rewound) else { return };
    match tunnel {
        Some(far) => tunnel_through(shared, stream, far).await,
        None => terminate(shared, stream, place, caller).await,
    }
}

/// The client's connection, with whatever it sent before it had its answer.
fn rewound(upgraded: Upgraded) -> Option<Rewound> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    Some(Rewound {
        early: parts.read_buf,
        stream: parts.io.into_inner(),
    })
}

/// Passes bytes both ways until either side ends, or the server stops.
async fn tunnel_through<H>(shared: &Shared<H>, mut near: Rewound, mut far: Box<dyn Stream>) {
    tokio::select! {
        // Either side may break a tunnel off at any time; that is no news.
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = shared.stopped() => {}
    }
}

/// What the requests inside one `CONNECT` have in common.
struct Inside {
    scheme: Scheme,
    host: Arc<str>,
    port: u16,
    caller: Caller,
    /// The host of the TLS greeting, where it is another.
    greeted: Option<String>,
}

async fn terminate<H: Handler>(shared: &Arc<Shared<H>>, stream: Rewound, place: Authority, caller: Caller) {
    let Some(Ok(first)) = shared.in_time(stream.first_byte()).await else {
        return;
    };
    let session = caller.session.clone();
    let inside = Inside {
        scheme: Scheme::HTTP,
        host: place.host.as_str().into(),
        port: place.port,
        caller,
        greeted: None,
    };
    let watch = shared.watch(&stream.stream);
    if first != TLS_HANDSHAKE {
        return serve(shared, &watch, stream, inside).await;
    }
    let accepted = shared.in_time(accept_tls(shared, stream, &place)).await;
    let accepted = accepted.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
    match accepted {
        Ok((stream, greeted)) => {
            shared.is_trusted.store(true, Ordering::Relaxed);
            serve(
                shared,
                &watch,
                stream,
                Inside {
                    scheme: Scheme::HTTPS,
                    greeted,
                    ..inside
                },
            )
            .await
        }
        Err(error) => handshake_failed(shared, &place, session.as_deref(), &error),
    }
}

/// A handshake that the other side ended for a reason, or that could not succeed, was for a call; one
/// that was merely given up may have been a connection in reserve, and is where others succeed.
fn handshake_failed<H: Handler>(shared: &Shared<H>, place: &Authority, session: Option<&str>, error: &io::Error) {
    let said = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let advice = match said {
        Some(rustls::Error::NoApplicationProtocol) => "it speaks HTTP/2 only, and HTTP/1.1 is spoken here",
        _ => "does it trust the certificate of this run?",
    };
    let reason = format!("a client of `{place}` broke off its TLS handshake: {error}; {advice}");
    match said {
        Some(_) => shared.count_or_note(session, b"CONNECT", &format!("https://{}/", place.host), &reason),
        None if shared.is_trusted.load(Ordering::Relaxed) => {}
        None => shared.note(|| reason),
    }
}

type Tls = tokio_rustls::server::TlsStream<Rewound>;

async fn accept_tls<H>(shared: &Shared<H>, stream: Rewound, place: &Authority) -> io::Result<(Tls, Option<String>)> {
    let Some(authority) = &shared.options.authority else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let greeted = hello
        .client_hello()
        .server_name()
        .map(|name| name.trim_end_matches('.').to_ascii_lowercase());
    let host = greeted.as_deref().unwrap_or(&place.host);
    let config = authority.server_config(host).map_err(io::Error::other)?;
    let stream = hello.into_stream(config).await?;
    Ok((stream, greeted.filter(|name| *name != place.host)))
}

async fn serve<H: Handler, S: Stream + 'static>(shared: &Arc<Shared<H>>, watch: &Watch, stream: S, inside: Inside) {
    let names = RefCell::new(KnownHost::default());
    let around = Arc::clone(shared);
    let (place, session) = (Arc::clone(&inside.host), inside.caller.session.clone());
    let is_ignored = is_ignored(&inside.host, &shared.options.ignored);
    let service = service_fn(move |request| {
        let admitted = admit_inside(&inside, &names, request);
        let shared = Arc::clone(&around);
        async move {
            match admitted {
                Ok((_, request)) if is_ignored => Ok(ignored::answer(request)),
                admitted => server::answer(&shared, admitted).await,
            }
        }
    });
    if let Err(error) = server::run(shared, watch, TokioIo::new(stream), service).await
        && error.is_parse()
    {
        let reason = format!("a client of `{place}` sent something that is not an HTTP/1.1 request: {error}");
        shared.count_or_note(session.as_deref(), b"CONNECT", &format!("https://{place}/"), &reason);
    }
}

/// Lets a request in, or says why not.
fn admit_inside(
    inside: &Inside,
    names: &RefCell<KnownHost>,
    request: Request<Incoming>,
) -> Result<(Arrival, Request<RequestBody>), Box<TurnedAway>> {
    let (mut head, body) = request.into_parts();
    match arrive_inside(inside, names, &mut head) {
        Ok(arrival) => Ok((arrival, Request::from_parts(head, RequestBody::Wire(body)))),
        Err(refused) => Err(Box::new(TurnedAway {
            session: inside.caller.session.clone(),
            scheme: inside.scheme.clone(),
            host: inside.host.to_string(),
            head,
            refused,
        })),
    }
}

/// A request for plain HTTP to a host of AWS, as a proxy gets it: `GET http://HOST/… HTTP/1.1`;
/// nothing where it is none.
pub(super) fn arrive_plainly(options: &Options, head: &mut Parts) -> Result<Option<Arrival>, Refused> {
    let target = head.uri.authority().filter(|_| head.uri.scheme() == Some(&Scheme::HTTP));
    let Some(target) = target.filter(|target| options.authority.is_some() && !options.answer_as_aws && is_aws_host(target.host())) else {
        return Ok(None);
    };
    let Caller { session, token } = authenticate(options.token.as_deref(), &head.headers)?;
    let place = framing::authority(target.as_str(), 80)?;
    let inside = Inside {
        scheme: Scheme::HTTP,
        host: place.host.as_str().into(),
        port: place.port,
        caller: Caller::default(),
        greeted: None,
    };
    let named = framing::host(head.version, &head.headers)?.and_then(|host| host.to_str().ok());
    let authority = agreed(&inside, named.unwrap_or(target.as_str()))?;
    let path = head.uri.path_and_query().cloned();
    head.uri = absolute(Scheme::HTTP, authority, path.unwrap_or(PathAndQuery::from_static("/")))?;
    head.headers = wire::keep(&head.headers, |name| *name != PROXY_AUTHORIZATION);
    let door = Door::Intercept {
        host: inside.host,
        port: inside.port,
    };
    Ok(Some(Arrival {
        door,
        session,
        token,
        signed_path: None,
    }))
}

/// Gives the head of a request its absolute URI.
fn arrive_inside(inside: &Inside, names: &RefCell<KnownHost>, head: &mut Parts) -> Result<Arrival, Refused> {
    framing::check(&head.method, &head.headers)?;
    let authority = match framing::host(head.version, &head.headers)? {
        Some(host) => names.borrow_mut().recall(host, |host| agreed(inside, host))?,
        None => agreed(inside, &inside.host)?,
    };
    let uri = head.uri.clone().into_parts();
    if let Some(target) = &uri.authority {
        agreed(inside, target.as_str())?;
    }
    let path = uri.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
    head.uri = absolute(inside.scheme.clone(), authority, path)?;
    let Caller { session, token } = inside.caller.clone();
    let door = Door::Intercept {
        host: Arc::clone(&inside.host),
        port: inside.port,
    };
    Ok(Arrival {
        door,
        session,
        token,
        signed_path: None,
    })
}

/// The authority of a request inside, if it is the one that `CONNECT` and TLS named.
fn agreed(inside: &Inside, host: &str) -> Result<http::uri::Authority, Refused> {
    let connected = &inside.host;
    if let Some(greeted) = &inside.greeted {
        return Err(Refused::misdirected(format!(
            "`CONNECT` named `{connected}` and the TLS handshake `{greeted}`; they must agree"
        )));
    }
    let named = framing::authority(host, inside.port)?;
    if *named.host != **connected || named.port != inside.port {
        let port = inside.port;
        return Err(Refused::misdirected(format!(
            "`CONNECT` named `{connected}:{port}` and `Host` names `{named}`; they must agree"
        )));
    }
    let usual = if inside.scheme == Scheme::HTTPS { 443 } else { 80 };
    let text = if named.port == usual { named.host } else { named.to_string() };
    text.parse().map_err(|_| Refused::bad("the `Host` header is not a host"))
}

/// A connection with bytes that were read from it already.
struct Rewound {
    early: Bytes,
    stream: TcpStream,
}

impl Rewound {
    /// Looks at the first byte without taking it.
    async fn first_byte(&self) -> io::Result<u8> {
        if let Some(first) = self.early.first() {
            return Ok(*first);
        }
        let mut first = [0];
        match self.stream.peek(&mut first).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(first[0]),
        }
    }
}

impl AsyncRead for Rewound {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let taken = self.early.len().min(buffer.remaining());
        buffer.put_slice(&self.early[..taken]);
        self.early.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
