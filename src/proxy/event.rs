//! What the recorder and the replayer tell of each call as it ends. What becomes of it (lines on
//! the terminal, a report) is not their affair.

use crate::inspect::{Call, Judged};
use crate::matcher::miss::Difference;
use crate::outcome::Outcome;
use crate::protocol::Reply;
use crate::settings::CallRules;
use crate::value::Value;
use crate::wire::Request;
use std::sync::Arc;

/// Is told of every call, from many tasks at once.
pub trait Observer: Send + Sync + 'static {
    /// Interaction `interaction` (its index) answered call `number` of a session, and there is
    /// nothing else to say of it. This is the hot path of replay.
    fn played(&self, label: &Label, number: usize, interaction: usize);
    /// Anything else happened.
    fn told(&self, event: Event<'_>);
    /// Something that belongs to no call, such as a client that speaks no HTTP.
    fn noted(&self, text: &str);
}

/// Which session a call belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its place among the sessions of the run.
    pub index: u32,
    /// Its name.
    pub session: Arc<str>,
    /// The name of its cassette.
    pub cassette: Arc<str>,
}

impl Label {
    /// The session has another name than its cassette, so that both are worth telling.
    pub fn has_own_name(&self) -> bool {
        self.session != self.cassette
    }

    /// That of a call whose session is not to be had.
    pub fn unknown(name: Option<&str>) -> Label {
        Label {
            index: u32::MAX,
            session: name.unwrap_or_default().into(),
            cassette: "".into(),
        }
    }
}

/// The end of one call.
pub struct Event<'a> {
    /// The session it belongs to.
    pub label: &'a Label,
    /// From 1, in the order in which whole requests had arrived.
    pub number: usize,
    /// The request as it came.
    pub request: &'a Request,
    /// The call, where it was understood.
    pub call: Option<&'a Call>,
    /// How it ended.
    pub outcome: Outcome,
    /// The index of the interaction that was written or played.
    pub interaction: Option<usize>,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// What is said of the request.
    pub judged_request: Option<&'a Judged<Value>>,
    /// What is said of the response.
    pub judged_response: Option<&'a Judged<Reply>>,
    /// How the live answer differs from the recorded one.
    pub differences: &'a [Difference],
    /// Why, where the ending needs words.
    pub message: Option<&'a str>,
    /// What the user may say to let it pass.
    pub rules: Option<&'a CallRules>,
}
