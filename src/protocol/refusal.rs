//! Which error a service refuses with.
//!
//! A refusal must reach the program as the SDK's own typed exception, once: a 4xx that no SDK
//! retries, under a name that the operation models where it models one.

use crate::contract::Departure;
use crate::model::schema::{Fault, OperationIndex, Service};

/// The code for a call that no recording answers. No model has it, so no SDK has an opinion on it.
pub const CASSETTE_MISS: &str = "CassetteMiss";

/// The code for a call that could not be recorded, and for those after it.
pub const RECORDING_STOPPED: &str = "RecordingStopped";

/// The code for a body that is not in the protocol's format.
pub const SERIALIZATION: &str = "SerializationException";

/// The code for an operation that the model does not know.
pub const UNKNOWN_OPERATION: &str = "UnknownOperationException";

/// Names under which services model "your input is invalid", the most specific first.
const VALIDATION_ERRORS: [&str; 12] = [
    "ValidationException",
    "ValidationError",
    "InvalidParametersException",
    "InvalidParameterException",
    "InvalidParameterValueException",
    "InvalidInputException",
    "InvalidRequestException",
    "BadRequestException",
    "InvalidArgumentException",
    "ClientException",
    "InvalidParameterCombinationException",
    "InvalidInput",
];

/// The error by which an operation says that its input is invalid: the modelled one that means
/// it, else `ValidationException`, which AWS answers for services that model none.
pub fn validation_error(service: &Service, operation: OperationIndex) -> (&'static str, u16) {
    for name in VALIDATION_ERRORS {
        let Some(shape) = service.error_named(Some(operation), name) else {
            continue;
        };
        let error = service.shape(shape).error.as_ref();
        if error.is_some_and(|error| error.fault == Fault::Client) {
            let status = error
                .and_then(|error| error.http_status)
                .filter(|status| (400..500).contains(status) && *status != 429);
            return (name, status.unwrap_or(400));
        }
    }
    ("ValidationException", 400)
}

/// What a service says to an input that breaks its model, in the style of AWS's services:
/// `1 validation error detected: Value at '/name' failed to satisfy constraint: …`.
pub fn validation_message(violations: &[Departure]) -> String {
    let noun = if violations.len() == 1 { "error" } else { "errors" };
    let messages: Vec<&str> = violations.iter().map(|violation| violation.message.as_str()).collect();
    format!("{} validation {noun} detected: {}", violations.len(), messages.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Rule;

    #[test]
    fn all_violations_are_told_in_one_message() {
        let violation = |message: &str| Departure {
            path: "/x".to_owned(),
            rule: Rule::Required,
            message: message.to_owned(),
        };
        assert_eq!(validation_message(&[violation("a")]), "1 validation error detected: a");
        assert_eq!(
            validation_message(&[violation("a"), violation("b")]),
            "2 validation errors detected: a; b"
        );
    }
}
