//! A server that stands for AWS: it verifies every signature with a library that is not
//! Ferrotape's, and then answers from a script.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use scratchstack_aws_signature::principal::User;
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, NO_ADDITIONAL_SIGNED_HEADERS, SignatureOptions, service_for_signing_key_fn,
    sigv4_validate_request,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// The only key pair that this AWS knows.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7SECRETS";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub const REGION: &str = "us-east-1";

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// One request as this AWS saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `X-Amz-Target`, `AwsProton20200720.CreateServiceInstance`.
    pub target: String,
    /// The `Host` header.
    pub host: String,
    /// Why its signature was refused, where it was.
    pub refused: Option<String>,
    /// The body, where it is JSON.
    pub body: Value,
}

/// What is answered: status, the error type where it is one, body.
pub struct Answer {
    pub status: u16,
    pub error: Option<&'static str>,
    pub body: Value,
}

impl Answer {
    pub fn good(body: Value) -> Answer {
        Answer {
            status: 200,
            error: None,
            body,
        }
    }

    /// An error in the form of the awsJson protocols, its type in both places.
    pub fn error(status: u16, error: &'static str, message: &str) -> Answer {
        Answer {
            status,
            error: Some(error),
            body: json!({ "__type": error, "message": message }),
        }
    }
}

type Script = dyn FnMut(&Seen) -> Answer + Send;

/// The server. Dropping it ends it.
pub struct Upstream {
    /// Its base URL.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _end: oneshot::Sender<()>,
}

impl Upstream {
    /// Over plain HTTP.
    pub fn plain(script: impl FnMut(&Seen) -> Answer + Send + 'static) -> Upstream {
        Upstream::started(None, Box::new(script))
    }

    /// Over TLS; its root goes into `upstream-root.pem` in `folder`, which is returned.
    pub fn tls(folder: &Path, script: impl FnMut(&Seen) -> Answer + Send + 'static) -> (Upstream, PathBuf) {
        let identity = Identity::made();
        let root = folder.join("upstream-root.pem");
        std::fs::write(&root, &identity.root).expect("the folder can be written");
        (Upstream::started(Some(identity.acceptor()), Box::new(script)), root)
    }

    /// All that it was asked, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.seen).clone()
    }

    fn started(tls: Option<TlsAcceptor>, script: Box<Script>) -> Upstream {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let service = Arc::new(Service {
            seen: Arc::clone(&seen),
            script: Mutex::new(script),
        });
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the socket is non-blocking");
                tokio::select! {
                    () = serve(listener, tls, service) => {}
                    _ = ended => {}
                }
            });
        });
        Upstream {
            url: format!("{scheme}://{}", local(address)),
            seen,
            _end: end,
        }
    }
}

/// The script's answers for well-formed calls of both operations, made of what was sent.
pub fn well_behaved(seen: &Seen) -> Answer {
    let body = &seen.body;
    match seen.target.as_str() {
        "AwsProton20200720.CreateServiceInstance" => Answer::good(json!({ "serviceInstance": {
            "arn": format!("arn:aws:proton:us-east-1:481516234207:service/{}/service-instance/{}", word(&body["serviceName"]), word(&body["name"])),
            "createdAt": 1_700_000_000.125,
            "deploymentStatus": "IN_PROGRESS",
            "environmentName": "production",
            "lastDeploymentAttemptedAt": 1_700_000_001,
            "lastDeploymentSucceededAt": 1_700_000_002,
            "name": body["name"],
            "serviceName": body["serviceName"],
            "spec": body["spec"],
            "templateMajorVersion": "1",
            "templateMinorVersion": "4",
            "templateName": "web",
        } })),
        "AWS242ServiceCatalogService.CreateProvisioningArtifact" => Answer::good(json!({
            "Info": { "TemplateUrl": "https://templates.example.com/stored.yaml" },
            "ProvisioningArtifactDetail": {
                "Active": true,
                "CreatedTime": 1_700_000_003,
                "Description": body["Parameters"]["Description"],
                "Guidance": "DEFAULT",
                "Id": "pa-4abcdjnxjj6ne",
                "Name": body["Parameters"]["Name"],
                "Type": "CLOUD_FORMATION_TEMPLATE",
            },
            "Status": "AVAILABLE",
        })),
        _ => Answer::error(400, "UnknownOperationException", "this AWS knows two operations"),
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("unnamed")
}

struct Service {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Mutex<Box<Script>>,
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return respond(Answer::error(400, "RequestAbortedException", "the body broke off"));
        };
        let body = body.to_bytes();
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let (target, host) = (header("x-amz-target"), header("host"));
        let parsed = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let refused = verified(Request::from_parts(parts, body), &target)
            .await
            .err()
            .map(|error| error.to_string());
        let seen = Seen {
            target,
            host,
            refused,
            body: parsed,
        };
        locked(&self.seen).push(seen.clone());
        match &seen.refused {
            Some(why) => respond(Answer::error(403, "InvalidSignatureException", why)),
            None => respond(locked(&self.script)(&seen)),
        }
    }
}

/// Verifies a signature for the service that the target belongs to.
async fn verified(request: Request<Bytes>, target: &str) -> Result<(), Problem> {
    let service = if target.starts_with("AwsProton") {
        "proton"
    } else {
        "servicecatalog"
    };
    let now = SystemTime::now().into();
    let mut keys = service_for_signing_key_fn(signing_key);
    sigv4_validate_request(
        request,
        REGION,
        service,
        &mut keys,
        now,
        &NO_ADDITIONAL_SIGNED_HEADERS,
        SignatureOptions::default(),
    )
    .await?;
    Ok(())
}

async fn signing_key(request: GetSigningKeyRequest) -> Result<GetSigningKeyResponse, Problem> {
    if request.access_key() != ACCESS_KEY_ID {
        return Err(format!("the access key id `{}` is not known here", request.access_key()).into());
    }
    let secret: KSecretKey = KSecretKey::from_str(SECRET_ACCESS_KEY)?;
    let signing_key = secret.to_ksigning(request.request_date(), request.region(), request.service());
    Ok(GetSigningKeyResponse::builder()
        .principal(User::new("aws", "481516234207", "/", "tester")?)
        .signing_key(signing_key)
        .build()?)
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder()
        .status(answer.status)
        .header("x-amzn-RequestId", "6f1e0c5e-2f6e-4a5c-9a39-0d6a4cf2a1b7")
        .header("content-type", "application/x-amz-json-1.1");
    if let Some(error) = answer.error {
        response = response.header("x-amzn-ErrorType", error);
    }
    response
        .body(Full::from(answer.body.to_string()))
        .expect("its headers are constants")
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, service: Arc<Service>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, service) = (tls.clone(), Arc::clone(&service));
        tokio::spawn(async move {
            let _ = connection(stream, tls, service).await;
        });
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, service: Arc<Service>) -> Result<(), Problem> {
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    match tls {
        Some(tls) => {
            http1::Builder::new()
                .serve_connection(TokioIo::new(tls.accept(stream).await?), answer)
                .await?
        }
        None => http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await?,
    }
    Ok(())
}

/// A root and a leaf for loopback, made for one test.
pub struct Identity {
    /// The root, as PEM.
    pub root: String,
    /// The leaf, as PEM.
    pub leaf: String,
    /// The leaf's key, as PEM.
    pub key: String,
    leaf_der: Vec<u8>,
    key_der: Vec<u8>,
}

impl Identity {
    pub fn made() -> Identity {
        let root_key = rcgen::KeyPair::generate().expect("a key can be made");
        let mut root = rcgen::CertificateParams::new(Vec::new()).expect("no names are valid names");
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        root.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        root.distinguished_name.push(rcgen::DnType::CommonName, "Ferrotape test root");
        let issuer = rcgen::Issuer::from_params(&root, &root_key);
        let root = root.self_signed(&root_key).expect("a root signs itself");
        let key = rcgen::KeyPair::generate().expect("a key can be made");
        let mut leaf = rcgen::CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("the names are valid");
        leaf.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
        leaf.use_authority_key_identifier_extension = true;
        let leaf = leaf.signed_by(&key, &issuer).expect("a root signs a leaf");
        Identity {
            root: root.pem(),
            leaf: leaf.pem(),
            key: key.serialize_pem(),
            leaf_der: leaf.der().to_vec(),
            key_der: key.serialize_der(),
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.key_der.clone()).expect("the key is PKCS #8");
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has all versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf_der.clone().into()], key)
            .expect("leaf and key belong together");
        TlsAcceptor::from(Arc::new(config))
    }
}

fn local(address: SocketAddr) -> String {
    format!("127.0.0.1:{}", address.port())
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
