//! `@pattern`.

/// A pattern as the model writes it.
#[derive(Debug)]
pub struct Pattern {
    /// The text of the trait.
    pub source: String,
}
