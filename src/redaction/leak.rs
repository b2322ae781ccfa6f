//! Why an interaction cannot be written.

use super::headers::ContentError;
use super::rules::Rule;

/// Why an interaction cannot be written. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Leak {
    /// A secret is left. It is a mistake of Ferrotape's that this finds before the disk does.
    #[error("`{place}` would still hold a secret (rule `{}`), so the interaction is not written", .rule.id())]
    Secret {
        /// A pointer into the interaction.
        place: String,
        /// The rule that found it.
        rule: Rule,
    },
    /// A body's content encoding hides what it holds.
    #[error("{side}: {why}, so its secrets cannot be seen and the interaction is not written")]
    Encoded {
        /// `request` or `response`.
        side: &'static str,
        /// What is wrong with it.
        why: ContentError,
    },
    /// Where the members of a message are cannot be told, and some of them are secret.
    #[error("{side}: {why}, so its secrets cannot be replaced and the interaction is not written")]
    Blind {
        /// `request` or `response`.
        side: &'static str,
        /// Why not.
        why: String,
    },
    /// A place whose format has no way to write what stands for its secret.
    #[error("`{place}` cannot hold what stands for its secret, so the interaction is not written")]
    Unwritable {
        /// A pointer into the interaction.
        place: String,
    },
    /// A member that must not be written is still there, read again as a client would.
    #[error("{side}: the member `{member}` would still be readable, so the interaction is not written")]
    Readable {
        /// `request` or `response`.
        side: &'static str,
        /// Its pointer.
        member: String,
    },
    /// Its encodings hide more than is searched.
    #[error(
        "{side}: its nested encodings (base64, gzip, JSON in strings) hide more than is searched, so its secrets cannot be seen and the interaction is not written"
    )]
    Unsearched {
        /// `request` or `response`.
        side: &'static str,
    },
    /// With stand-ins in it, the URI is none any more.
    #[error("the request's URI cannot be redacted, so the interaction is not written")]
    Uri,
}

/// A message whose secrets cannot be replaced.
pub(super) fn blind(side: &'static str, why: String) -> Leak {
    Leak::Blind { side, why }
}
