//! `@pattern`.

/// A pattern as the model writes it.
#[derive(Debug)]
pub struct Pattern {
    /// The text of the trait.
    pub source: String,
}

impl Pattern {
    /// A pattern of a Smithy model: searched for, not anchored.
    pub fn smithy(source: impl Into<String>) -> Pattern {
        Pattern { source: source.into() }
    }

    /// The text of the trait.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Why no engine takes it.
    pub fn problem(&self) -> Option<String> {
        None
    }
}
