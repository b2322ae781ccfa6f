//! The one place that chooses TLS's cryptography (rustls with ring) and whom we trust.

use base64::Engine;
use rustls::client::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;
use rustls::{ConfigBuilder, ConfigSide, RootCertStore, WantsVerifier, WantsVersions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why there is no trust to go by.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A bundle cannot be read.
    #[error("`{}` cannot be read as PEM certificates: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A bundle holds no certificate.
    #[error("`{}` holds no PEM certificate", .0.display())]
    Empty(PathBuf),
    /// rustls refuses the set-up.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// These and nobody else (`AWS_CA_BUNDLE`, as in botocore). Without it: the system's roots, or
    /// Mozilla's where the system has none.
    pub bundle: Option<PathBuf>,
    /// These as well (`--upstream-ca`).
    pub additional: Vec<PathBuf>,
}

impl Trust {
    /// What the environment says.
    pub fn from_environment() -> Trust {
        let bundle = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty());
        Trust {
            bundle: bundle.map(PathBuf::from),
            additional: Vec::new(),
        }
    }

    /// The certificates, as DER.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TrustError> {
        let mut certificates = match &self.bundle {
            Some(path) => read_bundle(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        for path in &self.additional {
            certificates.extend(read_bundle(path)?);
        }
        Ok(certificates)
    }

    fn roots(&self) -> Result<RootCertStore, TrustError> {
        let mut roots = RootCertStore::empty();
        // Systems carry certificates that no modern verifier takes; those are passed over.
        let (usable, _) = roots.add_parsable_certificates(self.certificates()?);
        if self.bundle.is_none() && usable <= self.additional.len() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(roots)
    }
}

/// A bundle as PEM again, without the certificates that rustls cannot use: aws-smithy-http-client
/// panics at those.
pub fn usable_pem(path: &Path) -> Result<String, TrustError> {
    let is_usable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    let mut text = String::new();
    for certificate in read_bundle(path)?.iter().filter(|certificate| is_usable(certificate)) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in encoded.as_bytes().chunks(64) {
            text.extend(line.iter().map(|byte| char::from(*byte)));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    Ok(text)
}

fn read_bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let unreadable = |reason: String| TrustError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let text = crate::document::read(path).map_err(|error| unreadable(error.to_string()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(TrustError::Empty(path.to_owned()));
    }
    Ok(certificates)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn versions<S: ConfigSide>(builder: ConfigBuilder<S, WantsVersions>) -> Result<ConfigBuilder<S, WantsVerifier>, rustls::Error> {
    builder.with_safe_default_protocol_versions()
}

/// How we speak TLS to an upstream: HTTP/1.1 only.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, TrustError> {
    let roots = trust.roots()?;
    let builder = versions(ClientConfig::builder_with_provider(provider()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// How we speak TLS to a client: HTTP/1.1 only, with this certificate.
pub fn server_config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = versions(ServerConfig::builder_with_provider(provider()))?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_not_there_is_named() {
        let trust = Trust {
            bundle: Some("/nowhere/bundle.pem".into()),
            additional: Vec::new(),
        };
        let message = client_config(&trust).unwrap_err().to_string();
        assert!(message.contains("`/nowhere/bundle.pem`"), "{message}");
    }

    #[test]
    fn a_bundle_without_certificates_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a certificate\n").unwrap();
        let trust = Trust {
            bundle: Some(file.path().to_owned()),
            additional: Vec::new(),
        };
        assert!(matches!(client_config(&trust), Err(TrustError::Empty(_))));
    }

    #[test]
    fn without_a_bundle_somebody_is_trusted() {
        assert!(!Trust::default().roots().unwrap().is_empty());
    }
}
