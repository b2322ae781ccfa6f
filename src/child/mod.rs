//! The command under test: what it finds in its environment, how it is run, and how it ended.
//!
//! Its standard streams are ours, its process group is ours (so the terminal's keys, debuggers
//! and reads from the terminal work), and its status is mirrored. What Ferrotape does when it has
//! ended is the commands' business.

pub mod direct;
pub mod environment;
pub mod files;
pub mod guard;
mod private_folder;
pub mod profile;
mod signals;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::Pid;
use tokio::process::{Child, Command};

use crate::exit::Exit;
use environment::Variable;
use signals::Signals;

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There was nothing to run.
    #[error("no command was given after `--`")]
    Empty,
    /// No such program.
    #[error("command `{program}` was not found; check its spelling and PATH")]
    NotFound {
        /// As it was typed.
        program: String,
    },
    /// The file is there, the interpreter that its first line names is not.
    #[error("command `{program}` exists, but the interpreter that its first line names does not; check its `#!` line")]
    NoInterpreter {
        /// As it was typed.
        program: String,
    },
    /// The file may not be executed.
    #[error("command `{program}` may not be executed; make it executable with `chmod +x`, or run it with its interpreter")]
    NotExecutable {
        /// As it was typed.
        program: String,
    },
    /// The operating system refused it for another reason.
    #[error("command `{program}` could not be started: {source}")]
    NotStarted {
        /// As it was typed.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// It was started and then lost.
    #[error("the end of command `{program}` could not be awaited: {source}")]
    Lost {
        /// As it was typed.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// As the shell tells it: the exit status, or 128 and the number of the signal.
    pub code: u8,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

impl Status {
    /// The part of this in Ferrotape's own status: nothing where the command succeeded.
    pub fn exit(self) -> Exit {
        match self.code {
            0 => Exit::Clean,
            code => Exit::Child(code),
        }
    }
}

impl From<ExitStatus> for Status {
    fn from(status: ExitStatus) -> Status {
        let signal = status.signal();
        let code = status.code().or_else(|| signal.map(|number| 128 + number)).unwrap_or(1);
        Status {
            code: u8::try_from(code).unwrap_or(u8::MAX),
            signal,
        }
    }
}

/// Runs a command to its end, with `environment` laid over our own.
///
/// # Errors
/// Where it could not be started; [`ChildError`] says why. A command that ran and failed is no
/// error here.
pub async fn run(command: &[OsString], environment: &[Variable]) -> Result<Status, ChildError> {
    let (program, arguments) = command.split_first().ok_or(ChildError::Empty)?;
    let name = program.to_string_lossy().into_owned();
    let mut signals = Signals::caught().map_err(|source| ChildError::NotStarted {
        program: name.clone(),
        source,
    })?;
    let mut child = prepared(program, arguments, environment)
        .spawn()
        .map_err(|error| not_started(&name, error))?;
    let status = ended(&mut child, &mut signals).await;
    Ok(Status::from(status.map_err(|source| ChildError::Lost { program: name, source })?))
}

fn prepared(program: &OsString, arguments: &[OsString], environment: &[Variable]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    for variable in environment {
        match &variable.value {
            Some(value) => command.env(&variable.name, value),
            None => command.env_remove(&variable.name),
        };
    }
    // Where we fail half way, nothing goes on calling a proxy that is no more.
    command.kill_on_drop(true);
    command
}

async fn ended(child: &mut Child, signals: &mut Signals) -> io::Result<ExitStatus> {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
        return child.wait().await;
    };
    tokio::select! {
        status = child.wait() => status,
        () = signals.forward(pid) => Err(io::Error::other("signals ended before the command")),
    }
}

fn not_started(name: &str, source: io::Error) -> ChildError {
    let program = name.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound if name.contains('/') && Path::new(name).is_file() => ChildError::NoInterpreter { program },
        io::ErrorKind::NotFound => ChildError::NotFound { program },
        io::ErrorKind::PermissionDenied => ChildError::NotExecutable { program },
        _ => ChildError::NotStarted { program, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn shell(script: &str) -> Vec<OsString> {
        ["sh", "-c", script].map(OsString::from).to_vec()
    }

    #[tokio::test]
    async fn the_status_of_the_command_is_mirrored() {
        assert_eq!(run(&shell("exit 0"), &[]).await.unwrap().exit(), Exit::Clean);
        assert_eq!(run(&shell("exit 42"), &[]).await.unwrap(), Status { code: 42, signal: None });
    }

    #[tokio::test]
    async fn a_signal_becomes_128_and_its_number() {
        let status = run(&shell("kill -KILL $$"), &[]).await.unwrap();
        assert_eq!(
            status,
            Status {
                code: 137,
                signal: Some(9)
            }
        );
        assert_eq!(status.exit().code(), 137);
    }

    #[tokio::test]
    async fn variables_are_set_and_removed() {
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "cargo sets it for its tests");
        let script = r#"test "$FERROTAPE_TEST" = 'a value' && test -z "${CARGO_MANIFEST_DIR+set}""#;
        let command = ["/bin/sh", "-c", script].map(OsString::from);
        let environment = [
            Variable {
                name: "FERROTAPE_TEST".to_owned(),
                value: Some("a value".to_owned()),
            },
            Variable {
                name: "CARGO_MANIFEST_DIR".to_owned(),
                value: None,
            },
        ];
        assert_eq!(run(&command, &environment).await.unwrap().code, 0);
    }

    #[tokio::test]
    async fn the_command_stays_in_our_process_group_and_may_be_interrupted() {
        let group = rustix::process::getpgrp().as_raw_pid();
        let script = format!(r#"test "$(cut -d' ' -f5 /proc/$$/stat)" = {group} && kill -INT $$"#);
        assert_eq!(run(&shell(&script), &[]).await.unwrap().signal, Some(2));
    }

    #[tokio::test]
    async fn what_cannot_be_run_is_told_apart() {
        assert!(matches!(run(&[], &[]).await, Err(ChildError::Empty)));
        assert!(matches!(
            run(&["ferrotape-no-such-command".into()], &[]).await,
            Err(ChildError::NotFound { .. })
        ));
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        assert!(matches!(
            run(&[script.clone().into()], &[]).await,
            Err(ChildError::NotExecutable { .. })
        ));
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(run(&[script.into()], &[]).await, Err(ChildError::NoInterpreter { .. })));
    }
}
