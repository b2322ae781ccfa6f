//! Service models: Smithy read into an arena, and the catalog that finds a service.

mod ast;
pub mod catalog;
mod compile;
pub mod endpoint;
pub mod pattern;
pub mod sample;
pub mod schema;

pub use compile::{ModelError, hexadecimal, load};
