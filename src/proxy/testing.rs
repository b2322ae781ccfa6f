//! What the tests of this module share: a handler that tells what it was given, a server on a free
//! port, and a client that sends raw bytes.

use super::server::{Note, Options, Server};
use super::{Arrival, Authority, Handler, Payload, Reach, RequestBody};
use crate::proxy::body::{Read, read_limited};
use bytes::Bytes;
use http::{Request, Response};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Long enough for anything on loopback; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with one line that tells what it was given: door, session, method, URI and body.
pub struct Told;

impl Handler for Told {
    async fn call(&self, arrival: Arrival, request: Request<RequestBody>) -> Response<Payload> {
        let (head, body) = request.into_parts();
        let session = arrival.session.unwrap_or_default();
        let body = match read_limited(body, 1 << 20).await {
            Ok(Read::Whole(body)) => String::from_utf8_lossy(&body).into_owned(),
            Ok(Read::Over { .. }) => "too long".to_owned(),
            Err(error) => error.to_string(),
        };
        let text = format!("{:?} session={session} {} {} body={body}", arrival.door, head.method, head.uri);
        let mut response = Response::new(Payload::whole(Bytes::from(text)));
        let old = http::HeaderValue::from_static("Wed, 01 Jan 2020 00:00:00 GMT");
        response.headers_mut().append("date", old.clone());
        response.headers_mut().append("date", old);
        response
    }

    fn reach(&self, authority: &Authority) -> Reach {
        match authority.host.as_str() {
            host if crate::aws_hosts::is_aws_host(host) => Reach::Intercept,
            "tunnel.example" => Reach::Tunnel,
            host => Reach::Refuse(format!("`{host}` is not recorded")),
        }
    }
}

/// Answers when it is let, without reading the body; panics when asked to.
pub struct Held {
    pub arrived: Notify,
    pub let_go: Notify,
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
        Reach::Intercept
    }
}

/// One that holds `/hold`.
pub fn held() -> Arc<Held> {
    Arc::new(Held {
        arrived: Notify::new(),
        let_go: Notify::new(),
    })
}

/// A server that runs until it is told to stop.
pub struct Running {
    pub address: SocketAddr,
    pub notes: Arc<Mutex<Vec<String>>>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    /// Tells the server to stop, without waiting.
    pub fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.served
    }

    /// What was noted until now, joined.
    pub fn noted(&self) -> String {
        self.notes.lock().unwrap().join("\n")
    }
}

/// Serves a handler on a free port of loopback.
pub async fn serve<H: Handler>(handler: Arc<H>, mut options: Options) -> Running {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&notes);
    let note: Note = Arc::new(move |text: &str| keep.lock().unwrap().push(text.to_owned()));
    options.note = Some(note);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move { server.serve(handler, stopped).await });
    Running {
        address,
        notes,
        stop,
        served,
    }
}

/// Sends bytes and reads until the other side closes.
pub async fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    until_closed(&mut stream).await
}

/// Reads until the other side closes.
pub async fn until_closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // A reset ends an answer as well as a close does.
    let _ = in_time(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one head, up to its empty line.
pub async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(in_time(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Fails where something hangs.
pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it hangs")
}
