//! Service models: Smithy and botocore read into an arena, and the catalog that finds a service.

mod ast;
mod botocore;
pub mod catalog;
mod compile;
pub mod endpoint;
pub mod folder;
mod format;
pub mod http;
mod installed;
pub mod listing;
mod ordered;
pub mod pattern;
pub mod sample;
pub mod schema;

pub use compile::{ModelError, hexadecimal, load};
