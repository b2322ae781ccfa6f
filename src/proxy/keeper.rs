//! What becomes of an exchange in a live mode: the joint between the handler that passes calls on
//! (`record`) and what each mode makes of them (`journalling`, `auto`, `comparing`, `passing`).

use super::sessions::{Session, Stage};
use crate::inspect::{Call, Finding, Judged};
use crate::matcher::miss::Difference;
use crate::outcome::Outcome;
use crate::value::Value;
use crate::wire::{Request, Response};
use std::sync::Arc;

/// What becomes of the exchanges of a live mode.
pub trait Keeper: Stage {
    /// An answer for which nobody need be asked; none where the call is to be forwarded.
    fn known(&self, _session: &Arc<Session<Self::Part>>, _asked: &Asked<'_>) -> impl Future<Output = Option<Known>> + Send {
        std::future::ready(None)
    }

    /// Why no call is forwarded any more, for people: what is kept could not be.
    fn stopped(&self) -> Option<String> {
        None
    }

    /// What a call came to that passed through unkept.
    fn passed(&self) -> Outcome {
        Outcome::NotRecorded
    }

    /// Keeps an exchange, before its answer goes back.
    fn keep(&self, session: &Arc<Session<Self::Part>>, exchange: &Kept<'_>) -> impl Future<Output = Result<Fate, Unkept>> + Send;
}

/// A whole request, and what is understood of it.
pub struct Asked<'a> {
    /// As it came.
    pub request: &'a Request,
    /// The call, where it was understood.
    pub call: Option<&'a Call>,
    /// What is said of the request, where the call was understood.
    pub judged: Option<&'a Arc<Judged<Value>>>,
}

/// An answer that was there already.
pub struct Known {
    /// The answer.
    pub response: Response,
    /// Where URLs in it stand for those of an upstream.
    pub addresses: Vec<String>,
    /// The index of the interaction that answers.
    pub interaction: usize,
}

/// An exchange to keep.
pub struct Kept<'a> {
    /// The call's number.
    pub number: usize,
    /// The request in its plain form, with the address that AWS has for it.
    pub request: &'a Request,
    /// The response as it came.
    pub response: &'a Response,
    /// Where URLs of AWS in the response stand for those of the upstream.
    pub addresses: &'a [String],
    /// What is said of both.
    pub finding: &'a Arc<Finding>,
}

impl Kept<'_> {
    /// How long its bodies are.
    pub fn bytes(&self) -> usize {
        self.request.body().len() + self.response.body().len()
    }
}

/// What became of an exchange.
pub struct Fate {
    /// In a word.
    pub outcome: Outcome,
    /// The index of the interaction that it was compared with.
    pub interaction: Option<usize>,
    /// How the live answer differs from that interaction's.
    pub differences: Vec<Difference>,
    /// Why, where the word is not enough.
    pub message: Option<String>,
}

/// Why an exchange was not kept.
pub enum Unkept {
    /// The client has its answer all the same: nothing may be written whose secrets could be seen.
    Told(String),
    /// The answer must not be given: what is acknowledged must not be lost.
    Refused(String),
}

impl Fate {
    /// An end that needs no words.
    pub fn of(outcome: Outcome, interaction: Option<usize>) -> Fate {
        Fate {
            outcome,
            interaction,
            differences: Vec::new(),
            message: None,
        }
    }

    /// An end with its reason.
    pub fn because(outcome: Outcome, message: &str) -> Fate {
        Fate {
            message: Some(message.to_owned()),
            ..Fate::of(outcome, None)
        }
    }
}
