//! The exit status of a run, as a type.

use std::process::ExitCode;

/// Why a run ended. Where several reasons apply, the first of this list is the status; a child
/// that failed always has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The command under test failed with this status (128 + n for signal n).
    Child(u8),
    /// Ferrotape could not do its work, or no call ever reached it.
    CouldNotRun,
    /// The command line made no sense.
    Usage,
    /// A request (in `verify` also a response) breaks its contract.
    Violations,
    /// A call in replay was never recorded, or was already played.
    Misses,
    /// AWS could not be reached, or broke off.
    UpstreamFailed,
    /// Something could not be recorded.
    NotRecorded,
    /// Secrets were found where none may be (`scan`, `scrub --check`).
    Secrets,
    /// A live answer is not the recorded one.
    Differs,
    /// `--all-played`, and something was not.
    Unplayed,
    /// All is well.
    Clean,
}

impl Exit {
    /// The status as the shell sees it.
    pub fn code(self) -> u8 {
        match self {
            Exit::Child(code) => code,
            Exit::CouldNotRun => 1,
            Exit::Usage => 2,
            Exit::Violations => 10,
            Exit::Misses => 11,
            Exit::UpstreamFailed => 13,
            Exit::NotRecorded => 14,
            Exit::Secrets => 16,
            Exit::Differs => 15,
            Exit::Unplayed => 12,
            Exit::Clean => 0,
        }
    }

    /// The more important of two reasons.
    pub fn or(self, other: Exit) -> Exit {
        self.min(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_important_reason_wins() {
        assert_eq!(Exit::Clean.or(Exit::Misses).or(Exit::Violations), Exit::Violations);
        assert_eq!(Exit::Unplayed.or(Exit::NotRecorded).code(), 14);
        assert_eq!(Exit::Misses.or(Exit::Child(3)).code(), 3);
    }
}
