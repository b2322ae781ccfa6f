//! Ferrotape: a record/replay contract-testing proxy for AWS APIs.
#![forbid(unsafe_code)]

pub mod cassette;
pub mod contract;
pub mod exit;
pub mod inspect;
pub mod json;
pub mod matcher;
pub mod model;
pub mod pointer;
pub mod protocol;
pub mod redaction;
pub mod value;
pub mod wire;
