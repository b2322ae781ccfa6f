//! Service models: Smithy read into an arena, and the catalog that finds a service.

pub mod pattern;
pub mod schema;
