//! The test harness: runs the built binary in a folder of its own with a clean environment.

#![allow(dead_code, reason = "each test binary uses its own part of the harness")]

pub mod clients;
pub mod moto;
pub mod upstream;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// No run of a test takes longer; what does, hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The tokens of the runs that listen, or listened last, at each address.
static TOKENS: Mutex<BTreeMap<SocketAddr, String>> = Mutex::new(BTreeMap::new());

/// Notes the token of a run.
pub fn note_token(address: SocketAddr, token: &str) {
    TOKENS.lock().expect("no test panics with it").insert(address, token.to_owned());
}

/// What the control endpoint of the run at that address wants to see.
pub fn authorization(address: SocketAddr) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let token = TOKENS.lock().expect("no test panics with it").get(&address).cloned();
        if let Some(token) = token {
            return format!("Bearer {token}");
        }
        assert!(Instant::now() < deadline, "the run at {address} showed no token");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// A run of the binary, before it starts.
pub struct Run {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    /// What a shell does before it.
    before: Option<&'static str>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; 128 + n for a signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// `ferrotape ARGUMENTS…` in `folder`.
    pub fn new<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Run {
        Run {
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: folder.to_owned(),
            before: None,
        }
        .arguments(arguments)
    }

    /// Lets a shell do this before it becomes the program: `ulimit -n 64`.
    pub fn after(self, before: &'static str) -> Run {
        Run {
            before: Some(before),
            ..self
        }
    }

    /// More arguments.
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// One variable of the environment, which is otherwise empty but for `PATH` and a `HOME` of
    /// the folder's own.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs it to its end.
    pub fn finish(self) -> Finished {
        let told = format!("{:?}", self.arguments);
        let mut child = self.spawned();
        let (stdout, stderr) = (collected(child.stdout.take()), collected(child.stderr.take()));
        let status = bounded(child, &told);
        Finished {
            code: code(status),
            stdout: stdout.join().expect("stdout is read"),
            stderr: stderr.join().expect("stderr is read"),
        }
    }

    /// Starts a server and waits for the address that it prints.
    pub fn start(self) -> Server {
        let told = format!("{:?}", self.arguments);
        let mut child = self.spawned();
        let (sender, addresses) = mpsc::channel();
        let stdout = watched(child.stdout.take(), sender.clone());
        let stderr = watched(child.stderr.take(), sender);
        match addresses.recv_timeout(PATIENCE) {
            Ok(address) => Server {
                address,
                child: Some(child),
                stdout: Some(stdout),
                stderr: Some(stderr),
                _addresses: addresses,
                told,
            },
            Err(_) => {
                let _ = child.kill();
                let output = format!("{}{}", stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
                panic!("{told} printed no address:\n{output}");
            }
        }
    }

    fn spawned(self) -> Child {
        let program = env!("CARGO_BIN_EXE_ferrotape");
        let mut command = match self.before {
            Some(before) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), program]);
                shell
            }
            None => Command::new(program),
        };
        command.args(&self.arguments).current_dir(&self.folder).env_clear();
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder);
        command
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("the built binary starts")
    }
}

impl Finished {
    /// Fails the test, with all that was printed, where the status is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Finished {
        assert_eq!(
            self.code, code,
            "exit status\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

/// A running server. Dropping it kills it.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Option<Child>,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    _addresses: Receiver<SocketAddr>,
    told: String,
}

impl Server {
    /// Its URL as an endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Interrupts it as Ctrl-C does, and waits for its end.
    pub fn stop(mut self) -> Finished {
        self.forget_token();
        let child = self.child.take().expect("it runs");
        send(&child, Signal::INT);
        let code = code(bounded(child, &self.told));
        let printed = |reader: Option<JoinHandle<String>>| reader.expect("it is read").join().expect("output is read");
        let (stdout, stderr) = (printed(self.stdout.take()), printed(self.stderr.take()));
        // A run that is stopped at once may have noted its token only now.
        TOKENS
            .lock()
            .expect("no test panics with it")
            .retain(|_, token| !stdout.contains(token.as_str()));
        Finished { code, stdout, stderr }
    }

    /// Interrupts it as Ctrl-C does, and does not wait.
    pub fn interrupt(&self) {
        send(self.child.as_ref().expect("it runs"), Signal::INT);
    }

    /// Ends it without a warning, as a crash does.
    pub fn kill(mut self) {
        self.end();
    }

    /// Another run may listen there next.
    fn forget_token(&self) {
        TOKENS.lock().expect("no test panics with it").remove(&self.address);
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.forget_token();
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A folder that goes with the test.
pub fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("ferrotape-test-")
        .tempdir()
        .expect("a temporary folder can be made")
}

/// Sends a signal to a child that has not been waited for.
pub fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a child has a number");
    kill_process(pid, signal).expect("the child is ours and not reaped");
}

/// Waits for a child, and kills it where that takes too long.
fn bounded(mut child: Child, told: &str) -> ExitStatus {
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a child has a number");
    let (sender, ended) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let late = ended
            .recv_timeout(PATIENCE)
            .is_err_and(|error| error == mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = kill_process(pid, Signal::KILL);
        }
        late
    });
    let status = child.wait().expect("a child can be waited for");
    drop(sender);
    assert!(!guard.join().expect("the guard ends"), "{told} did not end");
    status
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .expect("it ended")
}

fn collected(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut stream = stream.expect("it is piped");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Collects a stream, and sends on the first address that it shows.
fn watched(stream: Option<impl Read + Send + 'static>, addresses: mpsc::Sender<SocketAddr>) -> JoinHandle<String> {
    let stream = BufReader::new(stream.expect("it is piped"));
    std::thread::spawn(move || {
        let mut text = String::new();
        let mut known = None;
        for line in stream.lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                known = Some(address);
                let _ = addresses.send(address);
            }
            let token = line
                .strip_prefix("export FERROTAPE_TOKEN='")
                .and_then(|rest| rest.strip_suffix('\''));
            if let (Some(address), Some(token)) = (known, token) {
                note_token(address, token);
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    })
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = ["listening on http://", "operations) at http://"]
        .iter()
        .find_map(|before| line.split_once(before))?;
    let end = rest
        .find(|letter: char| !(letter.is_ascii_digit() || ".:[]".contains(letter)))
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}
