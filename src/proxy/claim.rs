//! Who a request says has signed it, and whether that is true, whichever version the signature is of.

use super::old_signature::OldSignature;
use super::signature::{self, BadSignature, Signed};
use crate::inspect::bucket_in_host;
use crate::scope::{self, Scope, region_of};
use crate::wire::Request;

/// A signature as it stands in a request.
pub enum Claim {
    /// Version 4, which names its scope.
    Scoped(Scope),
    /// Version 2, in the query of a presigned URL of S3.
    Old {
        /// What the URL says.
        signature: OldSignature,
        /// The bucket in the host, which is signed like a part of the path.
        bucket: Option<String>,
        /// The region in the host.
        region: Option<String>,
    },
}

impl Claim {
    /// The signature of a request; nothing where it has none.
    pub fn of(request: &Request) -> Option<Claim> {
        if let Some(scope) = scope::of(request.uri(), request.headers()) {
            return Some(Claim::Scoped(scope));
        }
        Some(Claim::Old {
            signature: OldSignature::of(request.uri())?,
            bucket: request.uri().host().and_then(bucket_in_host),
            region: region_of(request.uri(), request.headers()),
        })
    }

    /// Who signed.
    pub fn access_key_id(&self) -> &str {
        match self {
            Claim::Scoped(scope) => &scope.access_key_id,
            Claim::Old { signature, .. } => &signature.access_key_id,
        }
    }

    /// Checks the signature against the secret of its access key.
    pub fn verify(&self, request: Signed<'_>, secret: &str) -> Result<(), BadSignature> {
        match self {
            Claim::Scoped(scope) => signature::verify(request, scope, secret),
            Claim::Old { signature, bucket, .. } => signature.verify(request, bucket.as_deref(), secret),
        }
    }

    /// What it was signed for.
    pub fn into_scope(self) -> Scope {
        match self {
            Claim::Scoped(scope) => scope,
            Claim::Old { signature, region, .. } => signature.scope(region.as_deref()),
        }
    }
}
