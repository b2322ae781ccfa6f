//! Signals sent to Ferrotape while a command runs. They reach the whole process, so all of this
//! is one test, in a process of its own.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use ferrotape::child::{self, ChildError, Status};
use rustix::process::{Signal, getpid, kill_process};
use tokio::task::JoinHandle;

/// Says that it is ready, then waits for a line; TERM and HUP end it with statuses of their own.
const SCRIPT: &str = r#"trap 'exit 41' TERM; trap 'exit 42' HUP; echo > ready; read line < go; exit 0"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn termination_and_hang_up_reach_the_command_and_an_interrupt_ends_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo")
        .args(["ready", "go"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(made.success());

    let running = started(folder.path());
    kill_process(getpid(), Signal::TERM).unwrap();
    assert_eq!(running.await.unwrap().unwrap().code, 41);

    let running = started(folder.path());
    kill_process(getpid(), Signal::HUP).unwrap();
    assert_eq!(running.await.unwrap().unwrap().code, 42);

    let running = started(folder.path());
    kill_process(getpid(), Signal::INT).unwrap();
    kill_process(getpid(), Signal::QUIT).unwrap();
    std::fs::write(folder.path().join("go"), "\n").unwrap();
    assert_eq!(running.await.unwrap().unwrap(), Status { code: 0, signal: None });
}

/// Starts the script, and waits until its traps are set.
fn started(folder: &Path) -> JoinHandle<Result<Status, ChildError>> {
    let script = format!("cd '{}' && {SCRIPT}", folder.display());
    let command = ["sh", "-c", &script].map(OsString::from);
    let running = tokio::spawn(async move { child::run(&command, &[]).await });
    let mut line = String::new();
    File::open(folder.join("ready"))
        .and_then(|mut ready| ready.read_to_string(&mut line))
        .unwrap();
    running
}
