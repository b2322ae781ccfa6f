//! The signals that Ferrotape meets while a command runs.
//!
//! The command shares our process group, so the terminal's Ctrl-C and Ctrl-\ reach it without us:
//! Ferrotape only has to survive them, to seal what the command did before it ended. They are
//! caught, never ignored: an ignored signal stays ignored in the command, a caught one does not.
//! Termination and hang-up are usually sent to one process alone, so they are passed on.

use std::io;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The streams of signals that a running command must be shielded from or told of.
pub struct Signals {
    interrupt: Option<Stream>,
    quit: Option<Stream>,
    terminate: Option<Stream>,
    hang_up: Option<Stream>,
}

impl Signals {
    /// Catches them from now on. The handlers stay for the life of the process: dropping this
    /// does not give the signals their default effect back.
    ///
    /// # Errors
    /// Where the operating system refuses a handler.
    pub fn caught() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: catch(SignalKind::interrupt())?,
            quit: catch(SignalKind::quit())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
        })
    }

    /// Passes TERM and HUP on to `child` and swallows INT and QUIT, for ever. To be raced against
    /// the child's end, so that `child` is never the number of a process already reaped.
    pub async fn forward(&mut self, child: Pid) {
        loop {
            let signal = tokio::select! {
                () = next(&mut self.interrupt) => continue,
                () = next(&mut self.quit) => continue,
                () = next(&mut self.terminate) => Signal::TERM,
                () = next(&mut self.hang_up) => Signal::HUP,
            };
            // It may have ended this instant, and then there is nobody to tell.
            let _ = kill_process(child, signal);
        }
    }
}

/// A stream for the signal, or none where Ferrotape was started with it ignored (`nohup`, a
/// background job): then it stays so, for the command too.
fn catch(kind: SignalKind) -> io::Result<Option<Stream>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    match is_ignored(&status, kind.as_raw_value()) {
        true => Ok(None),
        false => signal(kind).map(Some),
    }
}

/// Whether the mask `SigIgn` of a `/proc/self/status` has the bit of this signal. Where there is
/// no such file, no signal counts as ignored.
fn is_ignored(status: &str, number: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let bit = u32::try_from(number - 1)
        .ok()
        .and_then(|shift| 1u64.checked_shl(shift))
        .unwrap_or(0);
    mask & bit != 0
}

async fn next(stream: &mut Option<Stream>) {
    let received = match stream {
        Some(stream) => stream.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ignored_at_the_start_is_found_in_the_process_status() {
        let status = "Name:\tferrotape\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(status, 1));
        assert!(is_ignored(status, 13));
        assert!(!is_ignored(status, 2));
        assert!(!is_ignored("", 1));
    }
}
