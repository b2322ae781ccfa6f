//! Why what was recorded may be less than it should be.

use crate::proxy::sessions::{Ending, Tally};

/// A reason not to let a recording take a cassette's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The command did not end with status 0.
    CommandFailed,
    /// Nothing could be recorded any more before the command had ended.
    Stopped,
    /// A call of the session was refused, or not recorded.
    CallWentWrong,
    /// Whoever ended the session said that its test failed.
    TestFailed,
    /// Whoever ended the session said that nothing of it is to be kept.
    NotToBeKept,
    /// The run was stopped before the session was ended.
    LeftOpen,
}

impl Doubt {
    /// The doubt about a session that was ended so, if there is one.
    pub fn of(ending: Ending, tally: &Tally) -> Option<Doubt> {
        match ending {
            Ending::NotToBeKept => Some(Doubt::NotToBeKept),
            Ending::Failed => Some(Doubt::TestFailed),
            Ending::Passed => (!tally.is_clean()).then_some(Doubt::CallWentWrong),
        }
    }

    /// For people.
    pub fn reason(self) -> &'static str {
        match self {
            Doubt::CommandFailed => "the command failed",
            Doubt::Stopped => "the recording stopped half way",
            Doubt::CallWentWrong => "a call of the session went wrong",
            Doubt::TestFailed => "the test of the session failed",
            Doubt::NotToBeKept => "the session was ended with `\"keep\": false`",
            Doubt::LeftOpen => "the run was stopped before the session was ended",
        }
    }
}
