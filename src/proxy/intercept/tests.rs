use super::*;
use crate::proxy::authority::CertificateAuthority;
use crate::proxy::server::Options;
use crate::proxy::testing::{Running, Told, head, held, in_time, serve, talk, until_closed};
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
async fn a_client_that_sends_no_more_inside_gets_its_answer() {
    let authority = Arc::new(CertificateAuthority::generate().unwrap());
    let options = Options {
        authority: Some(Arc::clone(&authority)),
        watches_clients: true,
        ..Options::default()
    };
    let handler = held();
    let running = serve(Arc::clone(&handler), options).await;
    let request = format!("GET /hold HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    for says_so in [true, false] {
        let stream = connected(running.address, &connect_line(&format!("{HOST}:443"), "")).await;
        let name = ServerName::try_from(HOST).unwrap();
        let mut stream = in_time(tls(&authority).connect(name, stream)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // A client may end TLS in its direction before it closes, or only close.
        match says_so {
            true => stream.shutdown().await.unwrap(),
            false => stream.get_mut().0.shutdown().await.unwrap(),
        }
        in_time(handler.arrived.notified()).await;
        handler.let_go.notify_one();
        let answer = until_closed(&mut stream).await;
        assert!(answer.ends_with("done"), "{says_so}: {answer}");
    }
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
async fn a_connection_in_reserve_that_is_given_up_is_told_only_where_none_succeeded() {
    let (running, authority) = running(None, None).await;
    let place = format!("{HOST}:443");
    let given_up = async || {
        // The first bytes of a greeting, and no more.
        let mut stream = connected(running.address, &connect_line(&place, "")).await;
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00").await.unwrap();
        stream.shutdown().await.unwrap();
        until_closed(&mut stream).await;
    };
    given_up().await;
    in_time(async {
        while !running.noted().contains("does it trust") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let before = running.noted();
    let ask = async || {
        let stream = connected(running.address, &connect_line(&place, "")).await;
        ask_inside(stream, &authority, HOST, &get(HOST)).await;
    };
    ask().await;
    given_up().await;
    ask().await;
    assert_eq!(running.noted(), before);
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
