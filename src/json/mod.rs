//! JSON as bytes: one lexer for the decoder, the cassette format and the redactor, because all
//! three must agree on where a value begins and ends, and none may lose a lexeme.
//!
//! `serde_json` loses the spelling of numbers and escapes, duplicate keys, offsets, and integers
//! beyond 64 bits; a recording must keep them all.

pub mod lexer;
pub mod problem;
pub mod rewrite;
