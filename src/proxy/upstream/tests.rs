use super::*;
use crate::proxy::body::{Read, read_limited};
use crate::proxy::testing::{head, in_time, serve, talk};
use crate::proxy::{Arrival, Handler, Options, Reach, RequestBody};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

const OK: &str = "HTTP/1.1 200 OK\r\nX-Amzn-RequestId: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\n{}";

fn upstream(base: Option<&str>, trust: Trust) -> Upstream {
    let base = base.map(|base| base.parse().unwrap());
    Upstream::new(UpstreamOptions {
        base,
        trust,
        proxies: Proxies::none(),
        patience: None,
    })
    .unwrap()
}

/// Takes one request of which the body has `length` bytes, and answers. Tells the port, and
/// what was asked.
async fn serve_once(length: usize, answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        take(stream, length, answer).await
    });
    (port, asked)
}

async fn take(mut stream: impl Stream, length: usize, answer: &str) -> String {
    let mut asked = head(&mut stream).await;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    asked.push_str(&String::from_utf8(body).unwrap());
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    asked
}

async fn text(response: Response<Incoming>) -> String {
    let Ok(Read::Whole(body)) = read_limited(response.into_body(), 1 << 20).await else {
        panic!("not whole")
    };
    String::from_utf8(body.to_vec()).unwrap()
}

fn post(uri: &str) -> http::request::Builder {
    Request::post(uri)
}

async fn error(upstream: &Upstream, uri: &str) -> UpstreamError {
    in_time(upstream.send(post(uri).body(Bytes::from_static(b"{}")).unwrap()))
        .await
        .err()
        .unwrap()
}

#[tokio::test]
async fn a_request_goes_on_as_it_came_save_for_hop_by_hop_headers() {
    let (port, asked) = serve_once(2, OK).await;
    let upstream = upstream(Some(&format!("http://127.0.0.1:{port}/base/")), Trust::default());
    let uri = "https://proton.us-east-1.amazonaws.com/a%2Fb//c?d=%20&e".parse().unwrap();
    let request = post(&upstream.locate(&uri).to_string())
        .header("host", "proton.us-east-1.amazonaws.com")
        .header("x-amz-target", "AwsProton20200720.CreateServiceInstance")
        .header("connection", "keep-alive, x-own")
        .header("x-own", "1")
        .header("proxy-authorization", "Basic secret")
        .header("accept-encoding", "gzip")
        .header("authorization", "AWS4-HMAC-SHA256 as it was")
        .header("content-length", "2")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    let response = in_time(upstream.send(request)).await.unwrap();
    assert_eq!(response.headers()["x-amzn-requestid"], "1");
    assert!(!response.headers().contains_key("keep-alive"));
    assert_eq!(text(response).await, "{}");
    let wanted = "POST /base/a%2Fb//c?d=%20&e HTTP/1.1\r\nhost: proton.us-east-1.amazonaws.com\r\n\
            x-amz-target: AwsProton20200720.CreateServiceInstance\r\naccept-encoding: gzip\r\n\
            authorization: AWS4-HMAC-SHA256 as it was\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(asked.await.unwrap(), wanted);
}

/// A private root, and a TLS server on loopback that shows a leaf of it for `127.0.0.1`.
async fn tls_once(folder: &Path) -> (u16, JoinHandle<Option<String>>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("root.pem"), root.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let acceptor = TlsAcceptor::from(tls::server_config(vec![leaf.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.ok()?;
        Some(take(stream, 2, OK).await)
    });
    (port, asked)
}

#[tokio::test]
async fn a_private_root_is_trusted_when_named() {
    let folder = tempfile::tempdir().unwrap();
    let (port, asked) = tls_once(folder.path()).await;
    let trust = Trust {
        bundle: None,
        additional: vec![folder.path().join("root.pem")],
    };
    let request = post(&format!("https://127.0.0.1:{port}/")).body(Bytes::from_static(b"{}")).unwrap();
    assert_eq!(text(in_time(upstream(None, trust).send(request)).await.unwrap()).await, "{}");
    assert!(asked.await.unwrap().unwrap().contains("content-length: 2\r\n"));
}

#[tokio::test]
async fn an_untrusted_certificate_is_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let (port, asked) = tls_once(folder.path()).await;
    let error = error(&upstream(None, Trust::default()), &format!("https://127.0.0.1:{port}/")).await;
    assert!(matches!(error, UpstreamError::Dial(DialError::Untrusted { .. })), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("`127.0.0.1`") && message.contains("--upstream-ca"), "{message}");
    assert_eq!(asked.await.unwrap(), None);
}

/// A server that answers before it is asked, and not in TLS.
async fn speaks_first() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    address
}

#[tokio::test]
async fn failures_are_told_apart() {
    let upstream = upstream(None, Trust::default());
    let (port, asked) = serve_once(2, "").await;
    let closed = error(&upstream, &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(closed, UpstreamError::Closed { .. }), "{closed:?}");
    asked.await.unwrap();
    let (port, asked) = serve_once(2, "SSH-2.0-OpenSSH\r\n\r\n").await;
    let other = error(&upstream, &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(other, UpstreamError::NotHttp { .. }), "{other:?}");
    asked.await.unwrap();
    let plain = error(&upstream, &format!("https://{}/", speaks_first().await)).await;
    assert!(matches!(plain, UpstreamError::Dial(DialError::Tls { .. })), "{plain:?}");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = error(&upstream, &format!("http://{nobody}/")).await;
    assert!(matches!(refused, UpstreamError::Dial(DialError::Unreachable { .. })), "{refused:?}");
    let unknown = error(&upstream, "http://no-such-host.invalid/").await;
    assert!(matches!(unknown, UpstreamError::Dial(DialError::Unresolved { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error_and_not_a_short_body() {
    let (port, asked) = serve_once(2, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}").await;
    let request = post(&format!("http://127.0.0.1:{port}/")).body(Bytes::from_static(b"{}")).unwrap();
    let response = in_time(upstream(None, Trust::default()).send(request)).await.unwrap();
    assert!(read_limited(response.into_body(), 100).await.is_err());
    asked.await.unwrap();
}

/// Sends everything on.
struct Forward(Upstream);

impl Handler for Forward {
    async fn call(&self, _: Arrival, mut request: Request<RequestBody>) -> Response<Payload> {
        *request.uri_mut() = self.0.locate(request.uri());
        self.0.send(request).await.unwrap().map(Payload::incoming)
    }

    fn reach(&self, _: &Authority) -> Reach {
        Reach::Refuse(String::new())
    }
}

#[tokio::test]
async fn the_case_of_header_names_survives_both_ways() {
    let (port, asked) = serve_once(2, OK).await;
    let upstream = upstream(Some(&format!("http://127.0.0.1:{port}")), Trust::default());
    let options = Options {
        preserve_header_case: true,
        ..Options::default()
    };
    let running = serve(Arc::new(Forward(upstream)), options).await;
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: T\r\nConnection: close\r\namz-sdk-request: attempt=1\r\nContent-Length: 2\r\n\r\n{}";
    let answer = talk(running.address, request.as_bytes()).await;
    let wanted = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: T\r\namz-sdk-request: attempt=1\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(asked.await.unwrap(), wanted);
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\nX-Amzn-RequestId: 1\r\nContent-Length: 2\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n{}") && answer.matches("ate: ").count() == 1, "{answer}");
}

#[test]
fn a_base_must_be_a_url_of_a_host() {
    for base in ["/path", "localhost:4566", "ftp://host/", "http://host/?query"] {
        let base = base.parse::<Uri>().unwrap();
        assert!(matches!(Base::parse(&base), Err(UpstreamError::NotABase(_))), "{base}");
    }
}

#[tokio::test]
async fn an_answer_is_waited_for_without_a_limit_unless_one_is_set() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let request = || Request::get(format!("http://127.0.0.1:{port}/")).body(bytes::Bytes::new()).unwrap();
    let upstream = |patience| {
        Upstream::new(UpstreamOptions {
            base: None,
            trust: Trust::default(),
            proxies: Proxies::none(),
            patience,
        })
        .unwrap()
    };
    // The connection is accepted by the system and never answered.
    let refused = upstream(Some(Duration::from_millis(20))).send(request()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("`127.0.0.1:{port}` took the request and did not answer within the 0.02 seconds of `--answer-timeout`")
    );
    let patient = upstream(None);
    let mut waiting = Box::pin(patient.send(request()));
    let ended = tokio::time::timeout(Duration::from_millis(50), waiting.as_mut()).await;
    assert!(ended.is_err(), "there is no limit of ours");
}

#[tokio::test]
async fn an_upstream_that_changes_to_another_protocol_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let upstream = Upstream::new(UpstreamOptions {
        base: None,
        trust: Trust::default(),
        proxies: Proxies::none(),
        patience: None,
    })
    .unwrap();
    let request = Request::get(format!("http://127.0.0.1:{port}/")).body(bytes::Bytes::new()).unwrap();
    let refused = upstream.send(request).await.unwrap_err();
    assert_eq!(
        refused,
        UpstreamError::Switched {
            host: format!("127.0.0.1:{port}")
        }
    );
    serving.await.unwrap();
}
