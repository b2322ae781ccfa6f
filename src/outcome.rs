//! What became of one call: the word by which the proxy tells it and the reports show it.

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Forwarded, answered, durable.
    Recorded,
    /// Answered from the cassette.
    Played,
    /// No unplayed interaction answers it.
    Missed,
    /// It breaks its contract and was refused in the service's name.
    Refused,
    /// No known operation, and nobody asked to let such calls through.
    Unmodeled,
    /// Answered, but it could not be written down.
    NotRecorded,
    /// The service could not be reached, or broke off.
    UpstreamFailed,
    /// Read from a cassette and judged; nothing was sent.
    Judged,
    /// Passed on and answered; nothing was to be made of it.
    Forwarded,
    /// Answered live as it was recorded.
    Same,
    /// Answered live otherwise than it was recorded.
    Differs,
}

impl Outcome {
    /// Every outcome, in the order in which they are counted.
    pub const ALL: [Outcome; 11] = [
        Outcome::Recorded,
        Outcome::Played,
        Outcome::Forwarded,
        Outcome::Same,
        Outcome::Differs,
        Outcome::Judged,
        Outcome::Refused,
        Outcome::Missed,
        Outcome::Unmodeled,
        Outcome::NotRecorded,
        Outcome::UpstreamFailed,
    ];

    /// The outcome's name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Recorded => "recorded",
            Outcome::Played => "played",
            Outcome::Missed => "missed",
            Outcome::Refused => "refused",
            Outcome::Unmodeled => "unmodeled",
            Outcome::NotRecorded => "not recorded",
            Outcome::UpstreamFailed => "upstream failed",
            Outcome::Judged => "judged",
            Outcome::Forwarded => "forwarded",
            Outcome::Same => "same",
            Outcome::Differs => "differs",
        }
    }

    /// The outcome's name as an identifier, for programs.
    pub fn identifier(self) -> &'static str {
        match self {
            Outcome::NotRecorded => "notRecorded",
            Outcome::UpstreamFailed => "upstreamFailed",
            other => other.name(),
        }
    }
}
