//! The run's certificate authority: made in memory, gone with the run.
//!
//! Its key is never written. It may vouch for AWS's hosts only, which the certificate itself says
//! (name constraints: the suffixes of every partition permitted, every IP address excluded), so
//! that a client that trusts it gives nothing else away. Python 3.13 and later verify strictly:
//! hence subject and authority key ids, critical key usage and basic constraints.

use super::tls;
use crate::aws_hosts::{AWS_SUFFIXES, is_aws_host};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ServerConfig;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Clocks of containers and of tests are not always right.
const BACK_DATED: Duration = Duration::from_secs(24 * 60 * 60);
/// No run lasts longer.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// A bucket has a host of its own, so there may be many; beyond this all are forgotten.
const MOST_LEAVES: usize = 1024;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The host is none of AWS's.
    #[error("`{0}` is not a host of AWS; the run's certificate authority vouches for no other")]
    NotAws(String),
    /// The system has no randomness.
    #[error("no random numbers from the system: {0}")]
    Randomness(getrandom::Error),
    /// The certificate cannot be written.
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// rustls refuses it.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// An authority, and the leaves that it has made.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: Vec<u8>,
    leaf_key: KeyPair,
    made: SystemTime,
    leaves: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl CertificateAuthority {
    /// Makes one that is valid from a day ago until a day from now.
    pub fn generate() -> Result<CertificateAuthority, AuthorityError> {
        let made = SystemTime::now();
        let key = KeyPair::generate()?;
        let params = authority_params(made)?;
        let certificate = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);
        Ok(CertificateAuthority {
            issuer,
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            leaf_key: KeyPair::generate()?,
            made,
            leaves: Mutex::default(),
        })
    }

    /// The authority's certificate, for the client to trust.
    pub fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// The same in DER.
    pub fn ca_der(&self) -> &[u8] {
        &self.der
    }

    /// How to be this AWS host.
    pub fn server_config(&self, host: &str) -> Result<Arc<ServerConfig>, AuthorityError> {
        let host = host.to_ascii_lowercase();
        if let Some(known) = self.leaves().get(&host) {
            return Ok(Arc::clone(known));
        }
        let config = self.make_leaf(&host)?;
        let mut leaves = self.leaves();
        if leaves.len() >= MOST_LEAVES {
            leaves.clear();
        }
        leaves.insert(host, Arc::clone(&config));
        Ok(config)
    }

    fn leaves(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<ServerConfig>>> {
        self.leaves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_leaf(&self, host: &str) -> Result<Arc<ServerConfig>, AuthorityError> {
        if !is_aws_host(host) {
            return Err(AuthorityError::NotAws(host.to_owned()));
        }
        let leaf = leaf_params(host, self.made)?.signed_by(&self.leaf_key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        Ok(tls::server_config(vec![leaf.der().clone()], key)?)
    }
}

fn authority_params(made: SystemTime) -> Result<CertificateParams, AuthorityError> {
    let mut params = dated(made)?;
    params.distinguished_name = named("Ferrotape, certificate authority of one run");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: AWS_SUFFIXES
            .iter()
            .map(|suffix| GeneralSubtree::DnsName((*suffix).to_owned()))
            .collect(),
        // A list of permitted DNS names says nothing of addresses.
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    Ok(params)
}

fn leaf_params(host: &str, made: SystemTime) -> Result<CertificateParams, AuthorityError> {
    let mut params = dated(made)?;
    params.distinguished_name = named("Ferrotape");
    params.subject_alt_names = vec![SanType::DnsName(host.try_into()?)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A certificate with a serial number of its own (all leaves share one key, from which rcgen would
/// derive it) and the times of the run.
fn dated(made: SystemTime) -> Result<CertificateParams, AuthorityError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(AuthorityError::Randomness)?;
    // Positive, and of full length.
    serial[0] = serial[0] & 0x7f | 0x40;
    let since = made.duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = epoch + since.saturating_sub(BACK_DATED);
    params.not_after = epoch + since + LIFE;
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    const HOST: &str = "proton.us-east-1.amazonaws.com";

    /// Whether OpenSSL, as strict as Python 3.13, takes a leaf for a host.
    fn openssl_verifies(folder: &Path, authority: &CertificateAuthority, params: &CertificateParams) -> Option<(bool, String)> {
        let leaf = params.signed_by(&authority.leaf_key, &authority.issuer).unwrap();
        fs::write(folder.join("ca.pem"), authority.ca_pem()).unwrap();
        fs::write(folder.join("leaf.pem"), leaf.pem()).unwrap();
        let verify = Command::new("openssl")
            .current_dir(folder)
            .args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "leaf.pem"])
            .output();
        let Ok(output) = verify else {
            eprintln!("skipped: there is no `openssl` here");
            return None;
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Some((output.status.success(), text))
    }

    #[test]
    fn openssl_verifies_a_leaf_strictly() {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::generate().unwrap();
        let params = leaf_params(HOST, authority.made).unwrap();
        let Some((verified, said)) = openssl_verifies(folder.path(), &authority, &params) else {
            return;
        };
        assert!(verified, "{said}");
    }

    #[test]
    fn the_authority_cannot_vouch_for_other_names_or_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::generate().unwrap();
        let others = [
            SanType::DnsName("example.com".try_into().unwrap()),
            SanType::IpAddress("52.94.1.1".parse().unwrap()),
        ];
        for other in others {
            let mut params = leaf_params(HOST, authority.made).unwrap();
            params.subject_alt_names = vec![other];
            let Some((verified, said)) = openssl_verifies(folder.path(), &authority, &params) else {
                return;
            };
            assert!(!verified && said.contains("subtree"), "{said}");
        }
    }

    #[test]
    fn a_leaf_is_made_once_per_host() {
        let authority = CertificateAuthority::generate().unwrap();
        let first = authority.server_config(HOST).unwrap();
        let again = authority.server_config("PROTON.us-east-1.amazonaws.com").unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(!Arc::ptr_eq(&first, &authority.server_config("sts.amazonaws.com").unwrap()));
    }

    #[test]
    fn no_leaf_is_made_for_a_host_that_is_not_aws() {
        let authority = CertificateAuthority::generate().unwrap();
        assert!(matches!(authority.server_config("example.com"), Err(AuthorityError::NotAws(_))));
    }

    #[test]
    fn two_runs_have_different_authorities() {
        let [first, second] = [(); 2].map(|()| CertificateAuthority::generate().unwrap());
        assert_ne!(first.ca_pem(), second.ca_pem());
        assert!(!first.ca_pem().contains("PRIVATE"));
    }
}
