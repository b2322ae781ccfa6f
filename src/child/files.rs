//! The files that the child's environment points to: who to trust, and the preloads of runtimes
//! that take no proxy from the environment.
//!
//! They live in a private folder that is removed with the run. The authority's key is not among them: it never leaves memory.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::environment::Environment;
use super::private_folder::PrivateFolder;
use super::profile;
use crate::aws_hosts::AWS_SUFFIXES;
use crate::document;

const NODE_PRELOAD: &str = include_str!("node-preload.cjs");
const RUBY_PRELOAD: &str = include_str!("ruby-preload.rb");

/// Variables that replace an SDK's roots. Those that the parent already has hold roots that its
/// programs need (a company's proxy, say), so our bundle takes them in.
const BUNDLES_OF_THE_PARENT: [&str; 4] = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"];

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("`{}` could not be written: {source}; set TMPDIR to a folder that can be", path.display())]
pub struct FilesError {
    path: PathBuf,
    source: io::Error,
}

/// Where the files are. Dropping it removes them.
#[derive(Debug)]
pub struct Files {
    /// The system's roots, the parent's own and our authority, as PEM.
    pub bundle: PathBuf,
    /// Our authority alone, as PEM.
    pub authority: PathBuf,
    /// Our authority and what the parent adds to Node's roots, as PEM.
    pub node_authorities: PathBuf,
    /// The same roots as the bundle, as a Java key store.
    pub java_store: PathBuf,
    /// See `node-preload.cjs`.
    pub node_preload: PathBuf,
    /// See `ruby-preload.rb`.
    pub ruby_preload: PathBuf,
    _folder: Option<PrivateFolder>,
}

/// What the folder holds.
const NAMES: [&str; 6] = [
    "bundle.pem",
    "authority.pem",
    "node.pem",
    "roots.jks",
    "node-preload.cjs",
    "ruby-preload.rb",
];

impl Files {
    /// Their names under `folder`; nothing is written.
    pub fn at(folder: &Path) -> Files {
        let [bundle, authority, node_authorities, java_store, node_preload, ruby_preload] = NAMES.map(|name| folder.join(name));
        Files {
            bundle,
            authority,
            node_authorities,
            java_store,
            node_preload,
            ruby_preload,
            _folder: None,
        }
    }

    /// Writes them into a new folder under the system's temporary one, readable by this user
    /// only. `authority` is the certificate (DER) that signs the intercept door's leaves.
    ///
    /// # Errors
    /// Where the folder or a file in it cannot be written.
    pub fn write(authority: &[u8], parent: &Environment) -> Result<Files, FilesError> {
        let temporary = std::env::temp_dir();
        let folder = PrivateFolder::create(&temporary, &NAMES).map_err(|source| FilesError { path: temporary, source })?;
        folder.remove_stale();
        let paths = Files::at(folder.path());
        let files = Files {
            _folder: Some(folder),
            ..paths
        };
        let ours = vec![authority.to_vec()];
        let mut roots = system_roots(parent);
        roots.extend_from_slice(&ours);
        let for_node = [ours.clone(), certificates_named(parent, "NODE_EXTRA_CA_CERTS")].concat();
        write(&files.authority, all_as_pem(&ours).as_bytes())?;
        write(&files.bundle, all_as_pem(&roots).as_bytes())?;
        write(&files.node_authorities, all_as_pem(&for_node).as_bytes())?;
        write(&files.java_store, &java_store(&roots))?;
        write(&files.node_preload, node_preload().as_bytes())?;
        write(&files.ruby_preload, RUBY_PRELOAD.as_bytes())?;
        Ok(files)
    }
}

/// The preload for Node, which knows AWS's domains.
fn node_preload() -> String {
    let domains: Vec<String> = AWS_SUFFIXES.iter().map(|suffix| format!("'{suffix}'")).collect();
    NODE_PRELOAD.replace("AWS_SUFFIXES", &format!("[{}]", domains.join(", ")))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(bytes)).map_err(|source| FilesError {
        path: path.to_owned(),
        source,
    })
}

/// The system's roots and those that the parent's variables and its profile name, each once, as DER. A machine
/// without any gives none, and then ours is the only one.
fn system_roots(parent: &Environment) -> Vec<Vec<u8>> {
    let native = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<Vec<u8>> = native.iter().map(|root| root.to_vec()).collect();
    let named = BUNDLES_OF_THE_PARENT.iter().filter_map(|name| parent.get(*name).map(PathBuf::from));
    for path in named.chain(profile::ca_bundle(parent)) {
        roots.extend(certificates(&path));
    }
    let mut seen = std::collections::HashSet::new();
    roots.retain(|root| seen.insert(root.clone()));
    roots
}

fn certificates_named(parent: &Environment, name: &str) -> Vec<Vec<u8>> {
    parent.get(name).map(|path| certificates(Path::new(path))).unwrap_or_default()
}

/// The certificates of a PEM file, as DER; none where it cannot be read, as a client would find.
fn certificates(path: &Path) -> Vec<Vec<u8>> {
    let Ok(content) = document::read(path) else {
        return Vec::new();
    };
    let found = CertificateDer::pem_slice_iter(&content);
    found.filter_map(Result::ok).map(|certificate| certificate.to_vec()).collect()
}

fn all_as_pem(certificates: &[Vec<u8>]) -> String {
    certificates.iter().map(|certificate| pem(certificate)).collect()
}

/// One certificate as PEM (RFC 7468: lines of 64).
fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = encoded.as_str();
    while let Some((line, more)) = rest.split_at_checked(64).filter(|(_, more)| !more.is_empty()) {
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str(rest);
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

/// A key store in Java's own old form (`JKS`, version 2), which every Java reads. Its closing
/// digest is made with a password; a reader that was given none skips it, so it stays zero.
fn java_store(roots: &[Vec<u8>]) -> Vec<u8> {
    const MAGIC: u32 = 0xfeed_feed;
    const TRUSTED_CERTIFICATE: u32 = 2;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
    let mut store = Vec::new();
    for word in [MAGIC.to_be_bytes(), 2u32.to_be_bytes(), number(roots.len())] {
        store.extend_from_slice(&word);
    }
    for (place, root) in roots.iter().enumerate() {
        store.extend_from_slice(&TRUSTED_CERTIFICATE.to_be_bytes());
        java_text(&mut store, &format!("root-{place}"));
        store.extend_from_slice(&0u64.to_be_bytes()); // the date it was added
        java_text(&mut store, "X.509");
        store.extend_from_slice(&number(root.len()));
        store.extend_from_slice(root);
    }
    store.extend_from_slice(&[0; 20]);
    store
}

/// ASCII as Java's `writeUTF` has it: two bytes of length, then the text.
fn java_text(store: &mut Vec<u8>, text: &str) {
    store.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn authority() -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new(vec!["one.test".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap()
            .der()
            .to_vec()
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_files_are_private_and_go_with_the_run() {
        let files = Files::write(&authority(), &Environment::new()).unwrap();
        let folder = files.bundle.parent().unwrap().to_owned();
        let written: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(written.iter().all(|file| mode(file) == 0o600));
        assert_eq!(written.len(), NAMES.len() + 1, "all that is written has a name that is removed");
        drop(files);
        assert!(!folder.exists());
    }

    #[test]
    fn the_bundle_holds_our_authority_and_the_parent_s_own_roots() {
        let (ours, theirs) = (authority(), authority());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("company.pem");
        std::fs::write(&path, pem(&theirs)).unwrap();
        let company = path.to_str().unwrap().to_owned();
        let names = ["REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
        let parent: Environment = names.map(|name| (name.to_owned(), company.clone())).into();
        let files = Files::write(&ours, &parent).unwrap();
        let bundle = certificates(&files.bundle);
        assert!(bundle.contains(&ours));
        assert_eq!(bundle.iter().filter(|root| **root == theirs).count(), 1);
        assert_eq!(certificates(&files.authority), std::slice::from_ref(&ours));
        assert_eq!(certificates(&files.node_authorities), [ours, theirs]);
    }

    #[test]
    fn pem_lines_have_64_characters() {
        let text = pem(&[7; 100]);
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [27, 64, 64, 8, 25]);
    }

    #[test]
    fn a_java_store_tells_its_entries_and_their_lengths() {
        let store = java_store(&[vec![1, 2, 3]]);
        assert_eq!(store[..12], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1]);
        assert_eq!(store[12..24], *b"\0\0\0\x02\0\x06root-0");
        assert_eq!(store.len(), 12 + 4 + 8 + 8 + 7 + 4 + 3 + 20);
    }
}
