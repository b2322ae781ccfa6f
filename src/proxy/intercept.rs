//! The intercept door: the client uses us as its HTTPS proxy.
//!
//! `CONNECT` is checked, answered, and then either ends here (TLS with a leaf of the run's
//! authority, or plain HTTP, whichever the first byte says) or becomes a tunnel. The host of the
//! `CONNECT`, of the TLS greeting and of every request inside must agree.

use super::server::{self, KnownHost, Shared, TLS_HANDSHAKE};
use super::signature::same;
use super::{Arrival, Authority, Door, Handler, Payload, Reach, Refused, RequestBody, Stream, framing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes};
use http::header::{HeaderMap, PROXY_AUTHORIZATION};
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
        Err(refused) => refused.into_response(),
    };
    Ok(response)
}

async fn admit<H: Handler>(
    shared: &Shared<H>,
    request: &Request<Incoming>,
) -> Result<(Authority, Caller, Option<Box<dyn Stream>>), Refused> {
    let place = framing::connect_target(request.uri().authority(), request.version(), request.headers())?;
    let caller = authenticate(shared.options.token.as_deref(), request.headers())?;
    check_literal(&place)?;
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
            Err(Refused::forbidden(format!("`{place}`: AWS speaks HTTP on ports 443 and 80 only")))
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
        Ok(address) => framing::unreachable(address),
        Err(_) if framing::is_loopback_name(&place.host) => Some("this machine itself"),
        Err(_) => None,
    };
    match why {
        Some(why) => Err(Refused::forbidden(format!(
            "`{place}` is {why}, which is not reached through this proxy; add it to `NO_PROXY`"
        ))),
        None => Ok(()),
    }
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
    let inside = Inside {
        scheme: Scheme::HTTP,
        host: place.host.as_str().into(),
        port: place.port,
        caller,
        greeted: None,
    };
    if first != TLS_HANDSHAKE {
        return serve(shared, stream, inside).await;
    }
    let accepted = shared.in_time(accept_tls(shared, stream, &place)).await;
    let accepted = accepted.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
    match accepted {
        Ok((stream, greeted)) => {
            serve(
                shared,
                stream,
                Inside {
                    scheme: Scheme::HTTPS,
                    greeted,
                    ..inside
                },
            )
            .await
        }
        Err(error) => shared
            .note(|| format!("a client of `{place}` broke off its TLS handshake: {error}; does it trust the certificate of this run?")),
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

async fn serve<H: Handler, S: Stream + 'static>(shared: &Arc<Shared<H>>, stream: S, inside: Inside) {
    let names = RefCell::new(KnownHost::default());
    let around = Arc::clone(shared);
    let service = service_fn(move |request| {
        let admitted = admit_inside(&inside, &names, request);
        let shared = Arc::clone(&around);
        async move { server::answer(&shared, admitted).await }
    });
    if let Err(error) = server::run(shared, TokioIo::new(stream), service).await
        && error.is_parse()
    {
        shared.note(|| format!("a client sent something inside `CONNECT` that is not an HTTP/1.1 request: {error}"));
    }
}

/// Lets a request in, or says why not.
fn admit_inside(
    inside: &Inside,
    names: &RefCell<KnownHost>,
    request: Request<Incoming>,
) -> Result<(Arrival, Request<RequestBody>), Refused> {
    let (mut head, body) = request.into_parts();
    framing::check(&head.method, &head.headers)?;
    let authority = match framing::host(head.version, &head.headers)? {
        Some(host) => names.borrow_mut().recall(host, |host| agreed(inside, host))?,
        None => agreed(inside, &inside.host)?,
    };
    let uri = head.uri.into_parts();
    if let Some(target) = &uri.authority {
        agreed(inside, target.as_str())?;
    }
    let path = uri.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
    head.uri = server::absolute(inside.scheme.clone(), authority, path)?;
    let Caller { session, token } = inside.caller.clone();
    let door = Door::Intercept {
        host: Arc::clone(&inside.host),
        port: inside.port,
    };
    Ok((
        Arrival {
            door,
            session,
            token,
            signed_path: None,
        },
        Request::from_parts(head, RequestBody::Wire(body)),
    ))
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
mod tests {
    use super::*;
    use crate::proxy::authority::CertificateAuthority;
    use crate::proxy::server::Options;
    use crate::proxy::testing::{Running, Told, head, in_time, serve, talk, until_closed};
    use crate::proxy::tls::{Trust, client_config};
    use crate::proxy::{Dial, Dialling};
    use rustls::pki_types::ServerName;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio_rustls::TlsConnector;

    const HOST: &str = "proton.us-east-1.amazonaws.com";
    /// `checkout:token` in base64.
    const SHOWN: &str = "Proxy-Authorization: Basic Y2hlY2tvdXQ6dG9rZW4=\r\n";

    /// Leads every tunnel to the end it holds.
    struct Ready(Mutex<Option<DuplexStream>>);

    impl Dial for Ready {
        fn dial(&self, _: Authority) -> Dialling<'_> {
            let end = self.0.lock().unwrap().take();
            Box::pin(async move { Ok(Box::new(end.ok_or(io::ErrorKind::NotConnected)?) as Box<dyn Stream>) })
        }
    }

    async fn running(token: Option<&str>, dial: Option<Arc<dyn Dial>>) -> (Running, Arc<CertificateAuthority>) {
        let authority = Arc::new(CertificateAuthority::generate().unwrap());
        let options = Options {
            token: token.map(str::to_owned),
            authority: Some(Arc::clone(&authority)),
            dial,
            ..Options::default()
        };
        (serve(Arc::new(Told), options).await, authority)
    }

    fn connect_line(place: &str, headers: &str) -> String {
        format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{headers}\r\n")
    }

    async fn connected(address: SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        assert!(answer.contains(" 200 "), "{answer}");
        stream
    }

    /// A client that trusts the authority of the run and nobody else.
    fn tls(authority: &CertificateAuthority) -> TlsConnector {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.ca_pem()).unwrap();
        let trust = Trust {
            bundle: Some(file.path().to_owned()),
            additional: Vec::new(),
        };
        TlsConnector::from(client_config(&trust).unwrap())
    }

    async fn ask_inside(stream: TcpStream, authority: &CertificateAuthority, greeted: &str, request: &str) -> String {
        let name = ServerName::try_from(greeted.to_owned()).unwrap();
        let mut stream = in_time(tls(authority).connect(name, stream)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        until_closed(&mut stream).await
    }

    fn get(host: &str) -> String {
        format!("GET /a?b HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    }

    #[tokio::test]
    async fn requests_inside_reach_the_handler_with_the_hosts_uri() {
        let (running, authority) = running(Some("token"), None).await;
        let stream = connected(running.address, &connect_line(&format!("{HOST}:443"), SHOWN)).await;
        let answer = ask_inside(stream, &authority, HOST, &get(HOST)).await;
        let told = format!("Intercept {{ host: \"{HOST}\", port: 443 }} session=checkout GET https://{HOST}/a?b body=");
        assert!(answer.ends_with(&told), "{answer}");
        assert_eq!(answer.to_lowercase().matches("\r\ndate: ").count(), 1, "{answer}");
    }

    #[tokio::test]
    async fn python_connects_with_http_1_0_and_without_a_host() {
        let (running, authority) = running(None, None).await;
        let stream = connected(running.address, &format!("CONNECT {HOST}:443 HTTP/1.0\r\n\r\n")).await;
        let answer = ask_inside(stream, &authority, HOST, &get(&format!("{HOST}:443"))).await;
        assert!(answer.contains(&format!("GET https://{HOST}/a?b")), "{answer}");
    }

    #[tokio::test]
    async fn a_greeting_that_comes_with_the_connect_is_not_lost() {
        let (running, _) = running(None, None).await;
        let request = connect_line(&format!("{HOST}:80"), "") + &get(HOST);
        let answer = talk(running.address, request.as_bytes()).await;
        assert!(answer.contains(&format!("GET http://{HOST}/a?b")), "{answer}");
    }

    #[tokio::test]
    async fn plain_http_inside_is_served_as_such() {
        let (running, _) = running(None, None).await;
        let mut stream = connected(running.address, &connect_line(&format!("{HOST}:80"), "")).await;
        stream.write_all(get(HOST).as_bytes()).await.unwrap();
        let answer = until_closed(&mut stream).await;
        assert!(answer.contains(&format!("GET http://{HOST}/a?b")), "{answer}");
    }

    #[tokio::test]
    async fn the_token_of_the_run_is_wanted() {
        let (running, _) = running(Some("token"), None).await;
        let place = format!("{HOST}:443");
        // `checkout:other`, and no credentials at all.
        for shown in [
            "Proxy-Authorization: Basic Y2hlY2tvdXQ6b3RoZXI=\r\n",
            "Proxy-Authorization: Bearer token\r\n",
            "",
        ] {
            let answer = talk(running.address, connect_line(&place, shown).as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
            assert!(answer.contains("proxy-authenticate: Basic realm=\"ferrotape\""), "{answer}");
        }
    }

    #[tokio::test]
    async fn this_machine_and_its_network_are_never_reached() {
        let (running, _) = running(None, None).await;
        let own = running.address.to_string();
        for place in [
            own.as_str(),
            "localhost:22",
            "127.0.0.1:443",
            "[::1]:443",
            "[::ffff:127.0.0.1]:443",
            "169.254.169.254:80",
            "[fd00:ec2::254]:80",
            "[fe80::1]:80",
            "10.0.0.1:443",
            "0.0.0.0:443",
        ] {
            let answer = talk(running.address, connect_line(place, "").as_bytes()).await;
            assert!(
                answer.starts_with("HTTP/1.1 403 ") && answer.contains("NO_PROXY"),
                "{place}: {answer}"
            );
        }
    }

    #[tokio::test]
    async fn odd_connects_are_refused() {
        let (running, _) = running(None, None).await;
        for (status, request) in [
            ("400", connect_line("2130706433:443", "")),
            ("400", connect_line(HOST, "")),
            ("403", connect_line(&format!("{HOST}:25"), "")),
            ("403", connect_line("amazonaws.com.evil.example:443", "")),
            ("403", connect_line("tunnel.example:443", "")),
            ("400", connect_line(&format!("{HOST}:443"), "Content-Length: 5\r\n")),
            ("400", format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: sts.amazonaws.com:443\r\n\r\n")),
            ("400", format!("CONNECT {HOST}:443 HTTP/1.1\r\n\r\n")),
            // `../x:token`
            (
                "400",
                connect_line(&format!("{HOST}:443"), "Proxy-Authorization: Basic Li4veDp0b2tlbg==\r\n"),
            ),
        ] {
            let answer = talk(running.address, request.as_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        }
    }

    #[tokio::test]
    async fn the_hosts_of_connect_greeting_and_request_must_agree() {
        let (running, authority) = running(None, None).await;
        let place = format!("{HOST}:443");
        for (greeted, host) in [
            ("sts.amazonaws.com", HOST),
            (HOST, "sts.amazonaws.com"),
            (HOST, "proton.us-east-1.amazonaws.com:80"),
        ] {
            let stream = connected(running.address, &connect_line(&place, "")).await;
            let answer = ask_inside(stream, &authority, greeted, &get(host)).await;
            assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("must agree"), "{answer}");
        }
    }

    #[tokio::test]
    async fn no_tunnel_is_dug_inside() {
        let (running, authority) = running(None, None).await;
        let stream = connected(running.address, &connect_line(&format!("{HOST}:443"), "")).await;
        let answer = ask_inside(stream, &authority, HOST, &connect_line(&format!("{HOST}:443"), "")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_does_not_trust_us_is_told() {
        let (running, _) = running(None, None).await;
        let stranger = CertificateAuthority::generate().unwrap();
        let stream = connected(running.address, &connect_line(&format!("{HOST}:443"), "")).await;
        let name = ServerName::try_from(HOST).unwrap();
        assert!(in_time(tls(&stranger).connect(name, stream)).await.is_err());
        in_time(async {
            while !running.noted().contains("does it trust") {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_tunnel_passes_bytes_untouched() {
        let (near, mut far) = tokio::io::duplex(1024);
        let (running, _) = running(None, Some(Arc::new(Ready(Mutex::new(Some(near)))))).await;
        let mut stream = connected(running.address, &connect_line("tunnel.example:5432", "")).await;
        stream.write_all(b"\x16\0ping").await.unwrap();
        let mut seen = [0; 6];
        in_time(far.read_exact(&mut seen)).await.unwrap();
        assert_eq!(&seen, b"\x16\0ping");
        far.write_all(b"pong").await.unwrap();
        drop(far);
        assert_eq!(until_closed(&mut stream).await, "pong");
    }

    #[tokio::test]
    async fn a_tunnel_ends_with_the_server() {
        let (near, _far) = tokio::io::duplex(1024);
        let (running, _) = running(None, Some(Arc::new(Ready(Mutex::new(Some(near)))))).await;
        let mut stream = connected(running.address, &connect_line("tunnel.example:443", "")).await;
        let served = running.stop();
        assert_eq!(until_closed(&mut stream).await, "");
        in_time(served).await.unwrap();
    }

    #[tokio::test]
    async fn a_tunnel_that_cannot_be_dug_is_a_bad_gateway() {
        let (running, _) = running(None, Some(Arc::new(Ready(Mutex::new(None))))).await;
        let answer = talk(running.address, connect_line("tunnel.example:443", "").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
}
