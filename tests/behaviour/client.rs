//! A client that says exactly what it is told to: raw HTTP/1.1 over a socket, through either door.

use crate::support::authorization;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;

pub const PROTON: &str = "AwsProton20200720.CreateServiceInstance";
pub const CATALOG: &str = "AWS242ServiceCatalogService.CreateProvisioningArtifact";

/// No answer takes longer; a test that waits for one hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, as it is written.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    /// In order; `Content-Length` is added.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An access key.
#[derive(Debug, Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

impl Key {
    pub fn new(id: &str, secret: &str, token: Option<&str>) -> Key {
        Key {
            id: id.to_owned(),
            secret: secret.to_owned(),
            token: token.map(str::to_owned),
        }
    }
}

impl Call {
    /// A call of the operation with that target, with an `Authorization` that names region and
    /// service and that nobody could verify.
    pub fn new(target: &str, body: impl AsRef<[u8]>) -> Call {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDUNVERIFIED/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=00",
            service(target)
        );
        Call::bare(target, body).header("Authorization", &authorization)
    }

    /// The same, unsigned.
    pub fn bare(target: &str, body: impl AsRef<[u8]>) -> Call {
        let version = if target.starts_with("AwsProton") { "1.0" } else { "1.1" };
        Call {
            method: "POST",
            path: "/".to_owned(),
            headers: Vec::new(),
            body: body.as_ref().to_vec(),
        }
        .header("X-Amz-Target", target)
        .header("Content-Type", &format!("application/x-amz-json-{version}"))
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A request to the control endpoint of the run at that address; without a body where there is none.
    pub fn control(address: SocketAddr, method: &'static str, path: &str, body: &str) -> Call {
        let mut call = Call::bare("", body).at(&format!("/_ferrotape{path}"));
        call.method = method;
        call.headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Authorization".to_owned(), authorization(address)),
        ];
        call
    }

    /// At another path.
    pub fn at(mut self, path: &str) -> Call {
        self.path = path.to_owned();
        self
    }

    /// Signed now, for `host`, instead of with what it had.
    pub fn signed(self, key: &Key, host: &str) -> Call {
        self.signed_for("us-east-1", key, host)
    }

    /// The same, for another region.
    pub fn signed_for(self, region: &str, key: &Key, host: &str) -> Call {
        let target = self.headers.iter().find(|(name, _)| name == "X-Amz-Target");
        let service = service(target.map_or("", |(_, value)| value));
        self.signed_as(service, region, key, host)
    }

    /// The same, for a service of that signing name.
    pub fn signed_as(mut self, service: &str, region: &str, key: &Key, host: &str) -> Call {
        self.headers.retain(|(name, _)| name != "Authorization" && name != "Host");
        self = self.header("Host", host);
        let credentials = Credentials::new(&key.id, &key.secret, key.token.clone(), None, "test");
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("all parameters are given")
            .into();
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let uri = format!("http://{host}{}", self.path);
        let request = SignableRequest::new(self.method, uri, headers, SignableBody::Bytes(&self.body)).expect("it can be signed");
        let (instructions, _) = sign(request, &parameters).expect("it can be signed").into_parts();
        let (added, _) = instructions.into_parts();
        for header in added {
            self.headers.push((header.name().to_owned(), header.value().to_owned()));
        }
        self
    }

    /// Sends it over a connection of its own.
    #[track_caller]
    pub fn send(&self, address: SocketAddr) -> Reply {
        Connection::open(address)
            .and_then(|mut connection| connection.send(self))
            .expect("there is an answer")
    }

    /// As it is written.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [text.into_bytes(), self.body.clone()].concat()
    }
}

fn service(target: &str) -> &'static str {
    if target.starts_with("AwsProton") {
        "proton"
    } else {
        "servicecatalog"
    }
}

impl Reply {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body, where it is JSON; null otherwise.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The error's code, from where the SDKs look first.
    pub fn code(&self) -> String {
        self.header("x-amzn-errortype").unwrap_or_default().to_owned()
    }

    /// The error's message, in either spelling.
    pub fn message(&self) -> String {
        let body = self.json();
        let message = body["message"].as_str().or_else(|| body["Message"].as_str());
        message.unwrap_or_default().to_owned()
    }

    /// All of it but `Date`, which says when it was sent.
    pub fn without_date(mut self) -> Reply {
        self.headers.retain(|(name, _)| name != "date");
        self
    }
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A connection that stays open between calls.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    host: String,
}

impl Connection {
    /// To an endpoint.
    pub fn open(address: SocketAddr) -> io::Result<Connection> {
        Ok(Connection {
            stream: BufReader::new(Box::new(dialled(address)?)),
            host: address.to_string(),
        })
    }

    /// To `host` by way of a proxy that intercepts it, trusting the roots in a PEM bundle. `user`
    /// is what stands before the `@` of the proxy's URL.
    pub fn intercepted(proxy: SocketAddr, user: &str, host: &str, bundle: &str) -> io::Result<Connection> {
        let (stream, reply) = connected(proxy, user, host)?;
        if reply.status != 200 {
            return Err(io::Error::other(format!("{reply:?}")));
        }
        let mut roots = rustls::RootCertStore::empty();
        let certificates = CertificateDer::pem_slice_iter(bundle.as_bytes()).filter_map(Result::ok);
        roots.add_parsable_certificates(certificates);
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let session = rustls::ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        Ok(Connection {
            stream: BufReader::new(Box::new(rustls::StreamOwned::new(session, stream))),
            host: host.to_owned(),
        })
    }

    /// Sends a call and reads its answer whole.
    pub fn send(&mut self, call: &Call) -> io::Result<Reply> {
        let bytes = call.bytes(&self.host);
        self.raw(&bytes, call.method == "HEAD")
    }

    /// Sends bytes and reads an answer.
    pub fn raw(&mut self, bytes: &[u8], is_head: bool) -> io::Result<Reply> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()?;
        read_reply(&mut self.stream, is_head)
    }
}

fn dialled(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks a proxy for a tunnel, and gives what it answers.
pub fn connected(proxy: SocketAddr, user: &str, host: &str) -> io::Result<(TcpStream, Reply)> {
    use base64::Engine;
    let stream = dialled(proxy)?;
    let user = base64::engine::general_purpose::STANDARD.encode(user);
    let request = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {user}\r\n\r\n");
    (&stream).write_all(request.as_bytes())?;
    // Nothing may be read beyond the head: it would be lost to whoever uses the tunnel. A proxy
    // says nothing by itself inside one, so a buffer takes no more.
    let reply = read_reply(&mut BufReader::new(&stream), true)?;
    Ok((stream, reply))
}

fn read_reply(stream: &mut impl BufRead, is_head: bool) -> io::Result<Reply> {
    let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(broken)?;
    let mut headers = Vec::new();
    loop {
        let next = line(stream)?;
        if next.is_empty() {
            break;
        }
        let (name, value) = next.split_once(':').ok_or_else(broken)?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut reply = Reply {
        status,
        headers,
        body: Vec::new(),
    };
    if !is_head {
        reply.body = body(stream, &reply)?;
    }
    Ok(reply)
}

fn body(stream: &mut impl BufRead, reply: &Reply) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if let Some(length) = reply.header("content-length") {
        body.resize(length.parse().map_err(io::Error::other)?, 0);
        stream.read_exact(&mut body)?;
        return Ok(body);
    }
    if reply.header("transfer-encoding") != Some("chunked") {
        stream.read_to_end(&mut body)?;
        return Ok(body);
    }
    loop {
        let length = usize::from_str_radix(line(stream)?.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend(&chunk[..length]);
    }
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    if stream.read_line(&mut text)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
