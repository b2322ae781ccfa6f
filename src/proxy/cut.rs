//! Calls that are dropped half way: the client went, or the run ended before the answer was there.
//! The service may have carried such a call out, so it is never passed over in silence.

use std::sync::atomic::{AtomicBool, Ordering};

/// What is told of such a call.
pub(super) const MESSAGE: &str =
    "the call was cut before its answer was there; the service may have carried it out, and it is not recorded";

/// Tells of a call when it is dropped before anything was told of it.
pub(super) struct WhenCut<'a, F: Fn()> {
    /// Something was told of the call.
    pub(super) told: &'a AtomicBool,
    /// Tells that it was cut.
    pub(super) tell: F,
}

impl<F: Fn()> Drop for WhenCut<'_, F> {
    fn drop(&mut self) {
        if !self.told.load(Ordering::Relaxed) {
            (self.tell)();
        }
    }
}
