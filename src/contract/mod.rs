//! The contract: what a service's model says of a value, and where a value departs from it.
//!
//! Rules and their sources: Smithy 2.0, "Constraint traits" and "Simple types". This floor knows
//! values and shapes; it never sees bytes.

use std::fmt;

/// Which way a value travels. A service enforces its constraints on what it is sent; a client
/// must not enforce them on what it is given (Smithy 2.0, "Constraint traits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Input: every breach is a violation, an unknown member a lint.
    Request,
    /// Output or error: `required` and `type` are violations, everything else is a lint.
    Response,
}

/// The kind of rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    Required,
    Type,
    Length,
    Pattern,
    Range,
    Enum,
    UniqueItems,
    Union,
    /// An idempotency token used again with another input. Only a live session can find it.
    Token,
    /// A member, error or status that the model does not know.
    Unknown,
}

impl Rule {
    /// The rule's name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Required => "required",
            Rule::Type => "type",
            Rule::Length => "length",
            Rule::Pattern => "pattern",
            Rule::Range => "range",
            Rule::Enum => "enum",
            Rule::UniqueItems => "uniqueItems",
            Rule::Union => "union",
            Rule::Token => "token",
            Rule::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One departure from the model; whether it is a violation or a lint, its list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// JSON pointer from the root of the input, output or error, in member names.
    pub path: String,
    /// The rule.
    pub rule: Rule,
    /// One sentence in the service's own style, without the value:
    /// `Value at '/name' failed to satisfy constraint: Member must not be null`.
    pub message: String,
}

/// All departures of one value, in the order of the walk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What the service would refuse (request), or a client could not read (response).
    pub violations: Vec<Departure>,
    /// What is told and tolerated.
    pub lints: Vec<Departure>,
}

/// A place in a value that must not be written down.
#[derive(Debug, Clone)]
pub struct SensitivePlace<'a> {
    /// JSON pointer in member names, from the root of the value; always a scalar, or a map key.
    pub path: String,
    /// The place is the key of the map entry that `path` leads to, not its value.
    pub is_key: bool,
    /// The innermost member whose target describes the scalar, where the model knows it.
    pub member: Option<&'a crate::model::schema::Member>,
}

/// Judges a value.
pub fn check(
    _service: &crate::model::schema::Service,
    _shape: crate::model::schema::ShapeIndex,
    _value: &crate::value::Value,
    _side: Side,
) -> Judgement {
    Judgement::default()
}
