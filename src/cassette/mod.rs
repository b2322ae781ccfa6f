//! Cassettes: what a recording is, in memory and on disk.
//!
//! This floor knows bytes, not models: it is told which places are redacted and what stands there.

mod durable;
pub mod format;
pub mod former;
pub mod history;
pub mod journal;
mod moving;
mod name;
mod state;
pub mod store;
pub mod suite;
mod unknown;

use crate::settings::CallRules;
use crate::wire::{Request, Response};
pub use name::{Name, NameError};
pub use state::{StateFolder, settle_state};
pub use unknown::Unknown;

/// One file of recorded interactions.
#[derive(Debug, Clone, Default)]
pub struct Cassette {
    /// Where its interactions come from.
    pub origin: Origin,
    /// The models it was judged by when it was made, by `sdkId`.
    pub models: Vec<(String, ModelStamp)>,
    /// What must be known of its redaction to match and to record again.
    pub redaction: Redaction,
    /// Rules on which calls are the same, where they must travel with it: `match` and `bind`.
    pub rules: CallRules,
    /// In recorded order.
    pub interactions: Vec<Interaction>,
    /// Members outside the interactions that this version does not know, kept on rewrite.
    pub unknown: Unknown,
}

/// Where a cassette's interactions come from; never lied about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// From a live service.
    #[default]
    Recorded,
    /// Made up from the model: by `synth`, or recorded from a stand-in.
    Synthesised,
    /// From another tool's recording.
    Imported,
}

impl Origin {
    /// The origin's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Recorded => "recorded",
            Origin::Synthesised => "synthesised",
            Origin::Imported => "imported",
        }
    }

    /// The origin of that name.
    pub fn named(name: &str) -> Option<Origin> {
        [Origin::Recorded, Origin::Synthesised, Origin::Imported]
            .into_iter()
            .find(|origin| origin.name() == name)
    }
}

/// Which model judged a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStamp {
    /// The service's version, `2020-07-20`.
    pub version: String,
    /// SHA-256 of the model file, lower-case hexadecimal.
    pub sha256: String,
}

/// A cassette's redaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    /// The key of its stand-ins: 32 bytes in lower-case hexadecimal. Empty in a hand-made cassette.
    pub salt: String,
    /// Ids of the rules that were on.
    pub rules: Vec<String>,
    /// Sensitive members that were asked to stay readable, `OPERATION:/path`.
    pub keep: Vec<String>,
    /// Whether the ids of accounts stay readable.
    pub keeps_accounts: bool,
    /// Values that were given as secrets and stay readable, because other calls use them as names.
    pub plain: Vec<String>,
    /// Rules of the user's own that were on, each as `ID KIND WHAT`: they must be on in replay, too.
    pub user: Vec<String>,
}

/// One recorded request with its response.
#[derive(Debug, Clone)]
pub struct Interaction {
    /// The service's `sdkId`, where the call was understood.
    pub service: Option<String>,
    /// The operation's name, where the call was understood.
    pub operation: Option<String>,
    /// The region of the call, where one is known.
    pub region: Option<String>,
    /// What was asked, redacted: absolute AWS URI, the headers worth keeping, the body decoded of
    /// its content encoding (a JSON body without insignificant white space).
    pub request: Request,
    /// What was answered, redacted: byte-exact save for redaction and content encoding.
    pub response: Response,
    /// The SDK's retry counter, from 1.
    pub attempt: u32,
    /// Where something else stands than what was on the wire.
    pub redacted: Vec<Redacted>,
    /// Members of the input that named the time of the request: a replay takes its own.
    pub now: Vec<TimeMark>,
    /// Members that this version does not know, kept on rewrite.
    pub unknown: Unknown,
}

/// A member of an input that named the time of its request, or one so far from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeMark {
    /// The pointer to the member.
    pub member: String,
    /// How far its time lies after that of the request, in seconds.
    #[serde(default)]
    pub offset: i64,
}

impl TimeMark {
    /// The member as rules name it, in any item of a list: `PutMetricData:/MetricData/*/Timestamp`.
    pub fn place(&self, operation: &str) -> String {
        let mut place = format!("{operation}:");
        for name in self.member.split('/').skip(1) {
            let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            place.push('/');
            place.push_str(if is_index { "*" } else { name });
        }
        place
    }
}

impl Interaction {
    /// An exchange of which nothing else is known: no operation, first attempt, nothing redacted.
    pub fn new(request: Request, response: Response) -> Interaction {
        Interaction {
            service: None,
            operation: None,
            region: None,
            request,
            response,
            attempt: 1,
            redacted: Vec::new(),
            now: Vec::new(),
            unknown: Unknown::default(),
        }
    }
}

/// One redacted place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// A pointer into the interaction: `/request/body/spec`, `/response/headers/location`. Below a
    /// body it goes by the names on the wire: elements of XML, names of a form.
    pub path: String,
    /// The pointer to the member that stands there, by member names from the input, output or
    /// error; only where it is not what follows the body in `path`.
    pub member: Option<String>,
    /// The id of the rule that found it.
    pub rule: String,
    /// Names of constraints that the true value broke.
    pub breaks: Vec<String>,
}

impl Redacted {
    /// The pointer to the member that stands here, where it is one of that side's (`/request` or
    /// `/response`).
    pub fn member_of(&self, side: &str) -> Option<&str> {
        let within = self.path.strip_prefix(side).filter(|rest| rest.starts_with('/'))?;
        match &self.member {
            Some(member) => Some(member),
            None => within.strip_prefix("/body"),
        }
    }
}
