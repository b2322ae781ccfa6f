//! The typed document that every codec decodes into and every judgement reads.

mod by_name;
mod directory;

pub use by_name::ByName;
pub use directory::Directory;

/// A decoded value.
///
/// Decoding is lenient: a codec turns bytes into the variant that the shape asks for where it can,
/// and otherwise keeps what was on the wire (a number where a string belongs stays a number).
/// Only the contract has opinions.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An explicit null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number written without fraction or exponent, within 128 bits.
    Integer(i128),
    /// Any other number, as it was written: a fraction, an exponent, or more than 128 bits.
    Number(String),
    /// A string; also a blob, timestamp or non-finite float that could not be read as one.
    Text(String),
    /// A blob's decoded bytes.
    Blob(Vec<u8>),
    /// An instant.
    Timestamp {
        /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
        seconds: i64,
        /// Nanoseconds after `seconds`, 0 to 999,999,999.
        nanos: u32,
    },
    /// A list.
    List(Vec<Value>),
    /// A structure, union or map, in the order of the wire. A repeated key is kept, so that
    /// redaction sees every occurrence; the last one counts.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The member of an object that counts: the last of its name. Absent for anything else.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same with other texts and names of members in the place of those for which `renamed` gives
    /// any.
    pub fn renamed(&self, renamed: &dyn Fn(&str) -> Option<String>) -> Value {
        let text = |text: &String| renamed(text).unwrap_or_else(|| text.clone());
        match self {
            Value::Text(old) => Value::Text(text(old)),
            Value::List(items) => Value::List(items.iter().map(|item| item.renamed(renamed)).collect()),
            Value::Object(members) => {
                let member = |(name, value): &(String, Value)| (text(name), value.renamed(renamed));
                Value::Object(members.iter().map(member).collect())
            }
            other => other.clone(),
        }
    }

    /// What a person calls this kind of value in a message: `a string`, `a number`, …
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Blob(_) => "a blob",
            Value::Timestamp { .. } => "a timestamp",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// Which way a value travels. A service enforces its constraints on what it is sent; a client
/// must not enforce them on what it is given (Smithy 2.0, "Constraint traits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Input: every breach is a violation, an unknown member a lint.
    Request,
    /// Output or error: `required` and `type` are violations, everything else is a lint.
    Response,
}
