//! A folder to work in, and what the tests do there again and again: run a stand-in, record, replay.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{CATALOG, Call, PROTON, Reply};
use crate::support::{self, Finished, Run, Server};

/// A temporary folder in which the program runs.
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub fn new() -> Workplace {
        Workplace { folder: support::folder() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `ferrotape ARGUMENTS…` here, with nothing that could lead to an AWS.
    pub fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        Run::new(self.path(), arguments).env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// A stand-in for AWS.
    pub fn stand_in(&self) -> Server {
        self.run(["mock", "--listen", "127.0.0.1:0"]).start()
    }

    /// `record` from `upstream` until it is stopped.
    pub fn record(&self, name: &str, upstream: &str) -> Server {
        self.run(["record", "-c", name, "--upstream", upstream]).start()
    }

    /// `replay` until it is stopped.
    pub fn replay<'a>(&self, name: &'a str, options: impl IntoIterator<Item = &'a str>) -> Server {
        self.run(["replay", "-c", name]).arguments(options).start()
    }

    /// Makes a cassette of these calls, answered by the stand-in.
    #[track_caller]
    pub fn recorded(&self, name: &str, calls: &[Call]) -> Vec<Reply> {
        let stand_in = self.stand_in();
        self.recorded_from(name, &stand_in.url(), calls)
    }

    /// Makes a cassette of these calls, answered by `upstream`.
    #[track_caller]
    pub fn recorded_from(&self, name: &str, upstream: &str, calls: &[Call]) -> Vec<Reply> {
        let server = self.record(name, upstream);
        let replies = calls.iter().map(|call| call.send(server.address)).collect();
        server.stop().expect(0);
        replies
    }

    pub fn cassette_path(&self, name: &str) -> PathBuf {
        self.path().join("cassettes").join(format!("{name}.json"))
    }

    #[track_caller]
    pub fn cassette_text(&self, name: &str) -> String {
        let path = self.cassette_path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[track_caller]
    pub fn cassette(&self, name: &str) -> Value {
        serde_json::from_str(&self.cassette_text(name)).expect("a cassette is JSON")
    }

    pub fn write_cassette(&self, name: &str, text: &str) {
        let path = self.cassette_path(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }
}

/// A text with `PORT` in the place of ports of this machine.
pub fn portless(text: &str) -> String {
    let mut pieces = text.split("127.0.0.1:");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        format!(
            "{text}127.0.0.1:PORT{}",
            piece.trim_start_matches(|letter: char| letter.is_ascii_digit())
        )
    })
}

/// A valid call that creates a service instance; `more` replaces or adds members.
pub fn instance(name: &str, more: Value) -> Call {
    Call::new(PROTON, instance_body(name, more).to_string())
}

/// What it sends.
pub fn instance_body(name: &str, more: Value) -> Value {
    with(
        json!({ "name": name, "serviceName": "frontend", "spec": "proton: ServiceSpec\n" }),
        more,
    )
}

/// A valid call that creates a provisioning artifact under this token.
pub fn artifact(token: &str, more: Value) -> Call {
    let body = json!({
        "ProductId": "prod-abcdzk7xy33qa",
        "Parameters": { "Name": "v1", "Type": "CLOUD_FORMATION_TEMPLATE" },
        "IdempotencyToken": token,
    });
    Call::new(CATALOG, with(body, more).to_string())
}

fn with(mut body: Value, more: Value) -> Value {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

/// A whole cassette by hand: calls of `CreateServiceInstance`, each with its answer.
pub fn tape(interactions: &[Value]) -> String {
    let text = serde_json::to_string_pretty(&json!({
        "ferrotape": 1,
        "origin": "recorded",
        "models": {},
        "redaction": { "salt": "", "rules": [] },
        "interactions": interactions,
    }));
    text.expect("it is JSON") + "\n"
}

/// One interaction of such a cassette. An answer with a status of 400 or more is an error.
pub fn interaction(target: &str, input: Value, status: u16, answer: Value) -> Value {
    let (service, operation, host, version) = if target == PROTON {
        ("Proton", "CreateServiceInstance", "proton", "1.0")
    } else {
        ("Service Catalog", "CreateProvisioningArtifact", "servicecatalog", "1.1")
    };
    let content_type = format!("application/x-amz-json-{version}");
    json!({
        "service": service, "operation": operation, "region": "us-east-1",
        "request": {
            "method": "POST",
            "uri": format!("https://{host}.us-east-1.amazonaws.com/"),
            "headers": [["x-amz-target", target], ["content-type", content_type]],
            "body": { "json": input },
        },
        "response": {
            "status": status,
            "headers": [["content-type", content_type]],
            "body": { "json": answer },
        },
    })
}

/// Fails with the lines that differ, where two texts are not the same.
#[track_caller]
pub fn assert_same_text(one: &str, other: &str) {
    if one == other {
        return;
    }
    let mut others = other.lines();
    let differing = one.lines().enumerate().filter_map(|(number, line)| {
        let counterpart = others.next().unwrap_or("(nothing)");
        (line != counterpart).then(|| format!("{}: {line}\n   | {counterpart}", number + 1))
    });
    let differing: Vec<_> = differing.take(8).collect();
    panic!(
        "{} and {} lines:\n{}",
        one.lines().count(),
        other.lines().count(),
        differing.join("\n")
    );
}

/// The one line that is Ferrotape's last word.
#[track_caller]
pub fn last_word(done: &Finished) -> &str {
    let line = done.stderr.lines().rfind(|line| line.starts_with("ferrotape: "));
    line.unwrap_or_else(|| panic!("nothing is said: {done:?}"))
}

/// A run that cannot go on says these things on one line, and nothing panics.
#[track_caller]
pub fn refuses(run: Run, code: i32, words: &[&str]) -> Finished {
    let done = run.finish().expect(code);
    let line = last_word(&done);
    for word in words {
        assert!(line.contains(word), "`{word}` is not in `{line}`\n{}", done.stderr);
    }
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    done
}

/// Waits until something is so; fails the test where it never comes.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// A port on which nobody listens.
pub fn dead_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address")
}

/// Small reproducible random numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}
