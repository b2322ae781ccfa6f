//! A command under test that does nothing by itself: it shows the environment it was given, and
//! ends with the status it is told. The test makes its calls for it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crate::client::{Call, Connection, Key, Reply};
use crate::support::{Finished, Run, note_token};
use crate::workplace::eventually;

/// A run that wraps a puppet.
pub struct Puppet {
    /// What the command found in its environment.
    pub environment: BTreeMap<String, String>,
    strings: PathBuf,
    run: JoinHandle<Finished>,
}

/// The token of a run, and where it listens.
fn listening(environment: &BTreeMap<String, String>) -> Option<(&str, SocketAddr)> {
    let url = environment.get("FERROTAPE_URL")?.strip_prefix("http://")?;
    let address = url.split('/').next()?.parse().ok()?;
    Some((environment.get("FERROTAPE_TOKEN")?, address))
}

impl Puppet {
    /// Runs `run -- PUPPET` in `folder`, and waits until the puppet is there.
    #[track_caller]
    pub fn start(folder: &Path, run: Run) -> Puppet {
        let strings = folder.join("strings");
        let shown = folder.join("puppet.env");
        let _ = std::fs::remove_file(&strings);
        let _ = std::fs::remove_file(&shown);
        let script = "mkfifo strings && env > puppet.part && mv puppet.part puppet.env && read status < strings \
                      && if [ $status = kill ]; then kill -9 $PPID; else exit $status; fi";
        let run = run.arguments(["--", "sh", "-c", script]);
        let run = std::thread::spawn(move || run.finish());
        eventually("the command under test", || shown.is_file() || run.is_finished());
        if run.is_finished() {
            panic!("{:?}", run.join());
        }
        let text = std::fs::read_to_string(&shown).expect("it was moved there whole");
        std::fs::remove_file(&shown).expect("it is ours");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let environment: BTreeMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some((token, address)) = listening(&environment) {
            note_token(address, token);
        }
        Puppet { environment, strings, run }
    }

    /// A variable of the command's.
    #[track_caller]
    pub fn variable(&self, name: &str) -> &str {
        let value = self.environment.get(name);
        value.unwrap_or_else(|| panic!("the command has no {name}: {:?}", self.environment))
    }

    /// The endpoint door.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        let url = self.variable("AWS_ENDPOINT_URL");
        let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        address
            .and_then(|address| address.parse().ok())
            .expect("the endpoint is an address")
    }

    /// The key pair that the command was given.
    #[track_caller]
    pub fn key(&self) -> Key {
        Key::new(self.variable("AWS_ACCESS_KEY_ID"), self.variable("AWS_SECRET_ACCESS_KEY"), None)
    }

    /// Makes a call as an SDK in the command would, through the endpoint door.
    #[track_caller]
    pub fn send(&self, call: Call) -> Reply {
        let address = self.address();
        call.signed(&self.key(), &address.to_string()).send(address)
    }

    /// A connection to `host` through the intercept door, as the command's environment says.
    #[track_caller]
    pub fn intercepted(&self, host: &str) -> Connection {
        let (user, proxy) = self.proxy();
        let bundle = std::fs::read_to_string(self.variable("NODE_EXTRA_CA_CERTS")).expect("the bundle is there");
        Connection::intercepted(proxy, &user, host, &bundle).expect("the host is intercepted")
    }

    /// User and password for the proxy, and its address.
    #[track_caller]
    pub fn proxy(&self) -> (String, SocketAddr) {
        let url = self.variable("HTTPS_PROXY").trim_start_matches("http://").trim_end_matches('/');
        let (user, address) = url.rsplit_once('@').expect("the proxy wants a user");
        (user.to_owned(), address.parse().expect("the proxy is an address"))
    }

    /// Ends the command with this status, and waits for the run.
    pub fn end(self, status: u8) -> Finished {
        self.pull(&status.to_string())
    }

    /// Ends the run as a crash does.
    pub fn kill(self) -> Finished {
        self.pull("kill")
    }

    fn pull(self, word: &str) -> Finished {
        // Opened for both, a pipe never blocks; it must stay open until the puppet has read.
        let mut strings: File = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.strings)
            .expect("the puppet made its pipe");
        writeln!(strings, "{word}").expect("a pipe takes a line");
        let finished = self.run.join().expect("the run ends");
        drop(strings);
        let _ = std::fs::remove_file(&self.strings);
        finished
    }
}
