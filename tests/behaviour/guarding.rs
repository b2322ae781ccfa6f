//! What the command under test may not read of Ferrotape.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::workplace::{Workplace, eventually};

/// The id of a user without rights.
const NOBODY: &str = "65534";

/// Runs the program as a user without rights, where the tests themselves run as root; root may read
/// anything. Nothing where that user cannot run it.
fn as_nobody(place: &Path) -> Option<Command> {
    let binary = env!("CARGO_BIN_EXE_ferrotape");
    let mut command = Command::new(binary);
    if rustix::process::getuid().is_root() {
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(place, open).expect("the folder is ours");
        command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", binary]);
        let mut probe = Command::new("setpriv");
        probe.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", binary, "--version"]);
        let runs = probe
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !runs {
            eprintln!("skipped: `{binary}` cannot be run as another user here");
            return None;
        }
    }
    command
        .current_dir(place)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
        .env("HOME", place)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(command)
}

#[cfg(target_os = "linux")]
#[test]
fn the_command_cannot_read_the_credentials_out_of_its_parent() {
    let place = Workplace::new();
    let upstream = crate::support::upstream::Upstream::plain(crate::support::upstream::well_behaved);
    for verb in ["record", "auto", "compare", "passthrough"] {
        let Some(mut command) = as_nobody(place.path()) else { return };
        let script = "cat /proc/$PPID/environ && echo readable; cat /proc/$PPID/mem && echo readable; \
                      cat /proc/self/environ > own && echo the child reads itself";
        let name: &[&str] = if verb == "passthrough" { &[] } else { &["-c", "shop"] };
        place.write_cassette("shop", &crate::workplace::tape(&[]));
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(place.path().join("cassettes"), open).expect("the folder is ours");
        let done = command
            .args([verb, "--upstream", &upstream.url])
            .args(name)
            .args(["--", "sh", "-c", script])
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .output()
            .expect("it runs");
        let stdout = String::from_utf8_lossy(&done.stdout);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(stdout.trim(), "the child reads itself", "{verb}: {stderr}");
        assert!(stderr.contains("ermission denied"), "{verb}: {stderr}");
    }
}

/// The child's own credentials are nothing to guard; where it keeps them, a debugger may look on.
#[cfg(target_os = "linux")]
#[test]
fn a_replay_guards_nothing() {
    let place = Workplace::new();
    place.write_cassette("shop", &crate::workplace::tape(&[]));
    let Some(mut command) = as_nobody(place.path()) else { return };
    let child = command
        .args([
            "replay",
            "-c",
            "shop",
            "--",
            "sh",
            "-c",
            "cat /proc/$PPID/environ > seen; touch done",
        ])
        .spawn()
        .expect("it runs");
    let finished = place.path().join("done");
    eventually("the command", || finished.exists());
    child.wait_with_output().expect("it ends");
    assert!(!std::fs::read(place.path().join("seen")).expect("it was read").is_empty());
}
