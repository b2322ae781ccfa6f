//! A small AWS client: it finds its way as an SDK does, from the environment alone, and speaks
//! through either door. The demo runs it as the program under test.
//!
//! One connection a call, no retries, nothing but HTTP/1.1: enough to be a real client, too little
//! to be an SDK.

use crate::wire::{Request, Response};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::{Method, Uri};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// What an SDK reads from its environment.
#[derive(Clone)]
pub struct Environment {
    /// `AWS_ENDPOINT_URL`: the endpoint door.
    pub endpoint: Uri,
    /// `HTTPS_PROXY`: the intercept door, with the name and token of the run.
    pub proxy: Uri,
    /// `REQUESTS_CA_BUNDLE`: a PEM file of the roots to trust.
    pub bundle: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_REGION`.
    pub region: String,
}

/// Why the client could not call.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{name}` is not set as `ferrotape record` and `ferrotape replay` set it; run this client through one of them")]
    Environment { name: &'static str },
    #[error("cannot connect to `{place}`: {source}")]
    Connect { place: String, source: std::io::Error },
    #[error("the proxy refused the tunnel with status {0}")]
    Tunnel(u16),
    #[error("cannot trust `{path}`: {problem}")]
    Trust { path: String, problem: String },
    #[error("the request cannot be signed: {0}")]
    Sign(String),
    #[error("the call broke off: {0}")]
    Http(#[from] hyper::Error),
}

/// The way that a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Plain HTTP to the endpoint.
    Endpoint,
    /// `CONNECT`, then TLS to the service's own host.
    Intercept,
}

impl Environment {
    /// What this process was given.
    ///
    /// # Errors
    /// Where a variable is missing or no URL.
    pub fn of_this_process() -> Result<Environment, ClientError> {
        let text = |name: &'static str| std::env::var(name).map_err(|_| ClientError::Environment { name });
        let uri = |name| text(name)?.parse::<Uri>().map_err(|_| ClientError::Environment { name });
        Ok(Environment {
            endpoint: uri("AWS_ENDPOINT_URL")?,
            proxy: uri("HTTPS_PROXY")?,
            bundle: text("REQUESTS_CA_BUNDLE")?,
            access_key_id: text("AWS_ACCESS_KEY_ID")?,
            secret_access_key: text("AWS_SECRET_ACCESS_KEY")?,
            region: text("AWS_REGION")?,
        })
    }

    /// Signs a request and sends it. Its URI is that of the service,
    /// `https://proton.us-east-1.amazonaws.com/`.
    ///
    /// # Errors
    /// Where no answer came; what the service answers is no error here.
    pub async fn call(&self, way: Way, signing_name: &str, request: Request) -> Result<Response, ClientError> {
        let (mut head, body) = request.into_parts();
        let host = head.uri.host().unwrap_or_default().to_owned();
        let path = head.uri.path().to_owned();
        let (authority, path) = match way {
            Way::Endpoint => {
                let authority = self.endpoint.authority().map_or(String::new(), ToString::to_string);
                (authority, format!("{}{path}", self.endpoint.path().trim_end_matches('/')))
            }
            Way::Intercept => (host.clone(), path),
        };
        let scheme = if way == Way::Endpoint { "http" } else { "https" };
        let absolute = format!("{scheme}://{authority}{path}");
        head.headers.insert(HOST, crate::wire::header_value(&authority));
        let mut request = http::Request::from_parts(head, body);
        self.sign(&absolute, signing_name, &mut request)?;
        *request.uri_mut() = path.parse().unwrap_or_default();
        let length = HeaderValue::from(request.body().len());
        request.headers_mut().insert(CONTENT_LENGTH, length);
        match way {
            Way::Endpoint => send(self.connect(&self.endpoint).await?, request).await,
            Way::Intercept => send(self.tunnel(&host).await?, request).await,
        }
    }

    fn sign(&self, uri: &str, signing_name: &str, request: &mut Request) -> Result<(), ClientError> {
        let failed = |error: &dyn std::fmt::Display| ClientError::Sign(error.to_string());
        let identity = Credentials::new(&self.access_key_id, &self.secret_access_key, None, None, "environment").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(signing_name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, SignableBody::Bytes(request.body()))
            .map_err(|error| failed(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| failed(&error))?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }

    async fn connect(&self, uri: &Uri) -> Result<TcpStream, ClientError> {
        let place = format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
        let connected = TcpStream::connect(&place).await;
        connected.map_err(|source| ClientError::Connect { place, source })
    }

    async fn tunnel(&self, host: &str) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static, ClientError> {
        let io = TokioIo::new(self.connect(&self.proxy).await?);
        let (mut sender, connection) = http1::handshake(io).await?;
        tokio::spawn(connection.with_upgrades());
        let mut request = http::Request::new(Empty::<Bytes>::new());
        let place = format!("{host}:443");
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = place.parse().unwrap_or_default();
        request.headers_mut().insert(HOST, crate::wire::header_value(&place));
        if let Some((user, _)) = self.proxy.authority().and_then(|authority| authority.as_str().split_once('@')) {
            let user = percent_encoding::percent_decode_str(user).decode_utf8_lossy();
            let credentials = base64::engine::general_purpose::STANDARD.encode(user.as_bytes());
            let value = crate::wire::header_value(&format!("Basic {credentials}"));
            request.headers_mut().insert("proxy-authorization", value);
        }
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(ClientError::Tunnel(response.status().as_u16()));
        }
        let stream = TokioIo::new(hyper::upgrade::on(response).await?);
        let name = ServerName::try_from(host.to_owned()).map_err(|error| self.distrust(error))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(self.trust()?));
        let encrypted = connector.connect(name, stream).await;
        encrypted.map_err(|source| ClientError::Connect {
            place: host.to_owned(),
            source,
        })
    }

    /// Trusts what the bundle holds, nothing else.
    fn trust(&self) -> Result<rustls::ClientConfig, ClientError> {
        let mut roots = rustls::RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(&self.bundle).map_err(|error| self.distrust(error))?;
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| self.distrust(error))?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }

    fn distrust(&self, problem: impl std::fmt::Display) -> ClientError {
        ClientError::Trust {
            path: self.bundle.clone(),
            problem: problem.to_string(),
        }
    }
}

async fn send(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, request: Request) -> Result<Response, ClientError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request.map(Full::new)).await?;
    let (head, body) = response.into_parts();
    Ok(http::Response::from_parts(head, body.collect().await?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::Catalog;
    use crate::protocol;
    use crate::proxy::stand_in::StandIn;
    use crate::proxy::{Options, Server};
    use crate::synth::{self, Setting};
    use std::net::SocketAddr;

    #[tokio::test]
    async fn it_calls_as_an_sdk_does_through_the_endpoint() {
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Options::default())
            .await
            .unwrap();
        let endpoint: Uri = format!("http://{}", server.local_addr()).parse().unwrap();
        let catalog = Catalog::built_in().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn(server.serve(Arc::new(StandIn::new(Catalog::built_in().unwrap())), stopped));
        let environment = Environment {
            proxy: endpoint.clone(),
            endpoint,
            bundle: String::new(),
            access_key_id: "key".to_owned(),
            secret_access_key: "secret".to_owned(),
            region: "eu-central-1".to_owned(),
        };
        let service = catalog.find("proton").unwrap();
        let operation = service.operation_named("CreateServiceInstance").unwrap();
        let protocol = protocol::named(&service.protocols[0]).unwrap();
        let input = synth::input(service, operation, &Setting::default()).unwrap();
        let request = protocol.encode_request(service, operation, "proton.eu-central-1.amazonaws.com", &input);
        let response = environment.call(Way::Endpoint, &service.signing_name, request).await.unwrap();
        assert_eq!(response.status(), 200);
        // The region is that of the signature: there is nothing else at this door that tells it.
        let body = String::from_utf8(response.into_body().to_vec()).unwrap();
        assert!(body.contains("arn:aws:proton:eu-central-1:000000000000:"), "{body}");
        stop.send(()).unwrap();
        served.await.unwrap();
    }
}
