//! What Ferrotape understands of one exchange, and how it judges it.
//!
//! This is the product in one function: `record`, `replay`, `verify` and `check` differ only in
//! where exchanges come from and where they go.

use crate::contract::Departure;
use crate::model::schema::{OperationIndex, Service};
use crate::protocol::{Protocol, Reply};
use crate::value::Value;
use std::sync::Arc;

/// The verdict on one side of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// In the format, and nothing violated.
    Conforms,
    /// In the format, but it breaks the model.
    Violates,
    /// Not in the protocol's format, or of a wrong content type.
    Malformed,
    /// No known operation.
    Unmodeled,
}

impl Verdict {
    /// The verdict's name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Conforms => "conforms",
            Verdict::Violates => "violates",
            Verdict::Malformed => "malformed",
            Verdict::Unmodeled => "unmodeled",
        }
    }
}

/// A request understood.
#[derive(Clone)]
pub struct Call {
    /// The service's model.
    pub service: Arc<Service>,
    /// The operation.
    pub operation: OperationIndex,
    /// How it is spoken.
    pub protocol: &'static dyn Protocol,
    /// The region of the credential scope, else of the host, where either tells one.
    pub region: Option<String>,
}

/// What is said of one side of an exchange. `content` is the decoded input, or the reply.
#[derive(Debug, Clone)]
pub struct Judged<T> {
    /// The verdict; it follows from the fields below.
    pub verdict: Verdict,
    /// Why the side is malformed or unmodeled.
    pub reason: Option<String>,
    /// What was decoded.
    pub content: Option<T>,
    /// Breaches.
    pub violations: Vec<Departure>,
    /// Departures that are tolerated.
    pub lints: Vec<Departure>,
}

/// What `inspect` says of one exchange.
pub struct Finding {
    /// The call, where the operation is known.
    pub call: Option<Call>,
    /// The request's side, where there is a request.
    pub request: Option<Judged<Value>>,
    /// The response's side, where there is a response.
    pub response: Option<Judged<Reply>>,
}
