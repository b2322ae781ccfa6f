//! moto's server with TLS and its signature checks on: an AWS that is not ours.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::clients::{self, clean};
use super::upstream::Identity;

const START: Duration = Duration::from_secs(60);

/// The server. Dropping it ends it.
pub struct Moto {
    pub url: String,
    /// The root of its certificate.
    pub root: PathBuf,
    /// The key pair of a user that may do all.
    pub access_key_id: String,
    pub secret_access_key: String,
    child: Child,
}

impl Moto {
    /// Starts it with its files in `folder`, and makes its user.
    pub fn start(folder: &Path) -> Moto {
        let identity = Identity::made();
        let [root, leaf, key] = [
            ("moto-root.pem", &identity.root),
            ("moto-leaf.pem", &identity.leaf),
            ("moto-key.pem", &identity.key),
        ]
        .map(|(name, text)| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("the folder can be written");
            path
        });
        let (child, address) = started(folder, &leaf, &key);
        let url = format!("https://{address}");
        let mut moto = Moto {
            url,
            root,
            access_key_id: String::new(),
            secret_access_key: String::new(),
            child,
        };
        moto.make_user(folder);
        moto
    }

    fn make_user(&mut self, folder: &Path) {
        let mut command = clean(&clients::python(), folder);
        command.arg(clients::source("python/moto_user.py"));
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_CA_BUNDLE", &self.root)
            .env("AWS_DEFAULT_REGION", super::upstream::REGION);
        command.env("AWS_ACCESS_KEY_ID", "first").env("AWS_SECRET_ACCESS_KEY", "unchecked");
        let made = command.output().expect("python starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let printed = String::from_utf8_lossy(&made.stdout);
        let (id, secret) = printed.trim().split_once(' ').expect("a key pair is printed");
        (self.access_key_id, self.secret_access_key) = (id.to_owned(), secret.to_owned());
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It cannot bind port 0 and tell which it got, so a free port is looked for, and another where
/// somebody else was quicker.
fn started(folder: &Path, leaf: &Path, key: &Path) -> (Child, SocketAddr) {
    for _ in 0..5 {
        let address = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|free| free.local_addr())
            .expect("loopback has a free port");
        let mut child = server(folder, leaf, key, address);
        if answers(&mut child, address) {
            return (child, address);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    let log = std::fs::read_to_string(folder.join("moto.log")).unwrap_or_default();
    panic!("moto's server did not start:\n{log}");
}

fn server(folder: &Path, leaf: &Path, key: &Path, address: SocketAddr) -> Child {
    let log = std::fs::File::create(folder.join("moto.log")).expect("the folder can be written");
    let mut command: Command = clean(&clients::python(), folder);
    command.arg("-B").arg(clients::source("python/moto_server.py"));
    // The user, its key and its policy are made without a signature; all later calls are checked.
    command.env("INITIAL_NO_AUTH_ACTION_COUNT", "3");
    command
        .args(["-H", "127.0.0.1", "-p", &address.port().to_string(), "-s", "-c"])
        .arg(leaf)
        .arg("-k")
        .arg(key);
    command.stdout(Stdio::null()).stderr(log).spawn().expect("python starts")
}

/// Whether it listens before it ends and before our patience does.
fn answers(child: &mut Child, address: SocketAddr) -> bool {
    let began = Instant::now();
    while began.elapsed() < START {
        if TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok() {
            return true;
        }
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return false;
        }
        // A refused connection fails at once: let the server have the processor.
        std::thread::park_timeout(Duration::from_millis(20));
    }
    false
}
