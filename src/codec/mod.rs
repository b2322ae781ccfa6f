//! Codecs: bytes to [`Value`](crate::value::Value) and back, led by a shape.
//!
//! A codec is lenient: it fails only where bytes are not in its format at all.

pub mod aws_chunked;
pub mod cbor;
pub mod checksum;
pub mod content;
pub mod digest;
pub mod event_stream;
pub mod form;
pub mod json;
pub mod scalar;
pub mod spot;
pub mod xml;
pub mod zip;
