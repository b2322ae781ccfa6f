//! The programs of the real SDKs, below `tests/clients/`, and what they print.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// A client that the tests drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Boto3,
    AwsCli,
    JavaScript,
    Rust,
}

impl Client {
    pub const ALL: [Client; 4] = [Client::Boto3, Client::AwsCli, Client::JavaScript, Client::Rust];

    /// The command that makes `calls`, such as `proton:good`. (`-B` keeps Python's caches out of
    /// the work tree.)
    pub fn command(self, calls: &[&str]) -> Vec<OsString> {
        let mut command: Vec<OsString> = match self {
            Client::Boto3 => vec![python().into(), "-B".into(), source("python/calls.py").into()],
            Client::AwsCli => vec![python().into(), "-B".into(), source("python/cli_calls.py").into()],
            Client::JavaScript => vec![installed().join("bin/node").into(), installed().join("node/calls.mjs").into()],
            Client::Rust => vec![installed().join("bin/ferrotape-client").into()],
        };
        command.extend(calls.iter().map(OsString::from));
        command
    }

    /// Whether its own exception types can be told.
    pub fn has_exception_types(self) -> bool {
        self != Client::AwsCli
    }
}

/// One line that a client prints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Told {
    pub call: String,
    /// How often the SDK sent its request.
    pub attempts: u32,
    pub output: Option<Value>,
    pub error: Option<ToldError>,
}

/// An error as the SDK raised it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ToldError {
    pub code: String,
    pub message: String,
    /// Whether it was of the model's own exception type.
    pub modelled: Option<bool>,
}

/// The same with AWS's URL for each queue: at the endpoint door a client gets one of the door itself,
/// which has another port in every run.
pub fn with_queues_at_aws(told: Vec<Told>) -> Vec<Told> {
    let door = regex::Regex::new(r"http://127\.0\.0\.1:[0-9]+/").expect("a constant pattern");
    let at_aws = |output: Value| {
        let text = output.to_string();
        let text = door.replace_all(&text, "https://sqs.us-east-1.amazonaws.com/");
        serde_json::from_str(&text).expect("a URL for a URL")
    };
    let output = |told: Told| Told {
        output: told.output.map(at_aws),
        ..told
    };
    told.into_iter().map(output).collect()
}

/// What a client printed, line by line.
#[track_caller]
pub fn told(stdout: &str) -> Vec<Told> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect()
}

/// Whether the clients are there. Where they are not the test fails, unless it was asked to be
/// skipped.
#[track_caller]
pub fn are_here() -> bool {
    let place = installed();
    if ["python.stamp", "node.stamp", "rust.stamp"]
        .iter()
        .all(|stamp| place.join(stamp).is_file())
    {
        return true;
    }
    assert!(
        std::env::var("FERROTAPE_SKIP_CLIENTS").is_ok_and(|skip| skip == "1"),
        "the real clients are not in `{}`: run tests/clients/install, or set FERROTAPE_SKIP_CLIENTS=1",
        place.display()
    );
    eprintln!("skipped: the real clients are not installed");
    false
}

/// The Python that has boto3, the AWS CLI and moto beside it.
pub fn python() -> PathBuf {
    installed().join("venv/bin/python")
}

/// The command of a program of `python/services/`.
pub fn service_program(name: &str) -> [OsString; 3] {
    let program = source("python/services").join(name).with_extension("py");
    [python().into(), "-B".into(), program.into()]
}

/// The command of a program of `python/`.
pub fn python_program(name: &str) -> Vec<OsString> {
    vec![
        python().into(),
        "-B".into(),
        source("python").join(name).with_extension("py").into(),
    ]
}

/// The command of a program of `node/`.
pub fn node_program(name: &str) -> Vec<OsString> {
    let program = installed().join("node").join(name).with_extension("mjs");
    vec![installed().join("bin/node").into(), program.into()]
}

/// The command of a program of `rust/`.
pub fn rust_program(name: &str) -> Vec<OsString> {
    vec![installed().join("bin").join(name).into()]
}

/// A `PATH` on which that Python is the first.
pub fn path() -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = [installed().join("venv/bin")].into_iter().chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).expect("the folders can be on a path")
}

/// A file of `tests/clients/`.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// A program with nothing in its environment but `PATH` and a `HOME` of its own.
pub fn clean(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .current_dir(home);
    command
}

/// Where `tests/clients/install` put them.
fn installed() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients");
    std::env::var_os("FERROTAPE_CLIENTS").map_or_else(default, PathBuf::from)
}
