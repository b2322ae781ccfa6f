//! How much of what a message hides in encodings is looked into. A few hundred bytes can hold
//! millions of texts, each of them small: base64 of gzip of JSON of base64 …

use std::cell::Cell;

/// How deep encodings and documents inside each other are followed. Each level takes letters, so
/// that few texts have as many.
pub const MAX_NESTING: usize = 8;

/// What any message may hide, in bytes as they are counted here.
const ALLOWANCE: u64 = 8 * 1024 * 1024;

/// What each byte of a message may hide beyond that.
const FACTOR: u64 = 16;

/// A text that is looked into costs its bytes and as many as this.
const SPAN: u64 = 32;

/// What may be spent on one message: on the bytes that its encodings hide, and on the texts in them
/// that are visited. All layers share it, and it is granted more with each text of the message.
pub struct Budget {
    left: Cell<u64>,
    exceeded: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            left: Cell::new(ALLOWANCE),
            exceeded: Cell::new(false),
        }
    }
}

impl Budget {
    /// Adds what a text of the message itself, of so many bytes, may hide.
    pub(super) fn grant(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_add((bytes as u64).saturating_mul(FACTOR)));
    }

    /// Takes the cost of a hidden text of so many bytes; false where it is too much.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let cost = (bytes as u64).saturating_add(SPAN);
        match self.left.get().checked_sub(cost) {
            Some(left) if !self.exceeded.get() => self.left.set(left),
            _ => self.exceed(),
        }
        !self.exceeded.get()
    }

    /// The most bytes that a hidden text may still have.
    pub(super) fn most(&self) -> u64 {
        self.left.get()
    }

    /// Something is hidden that is not looked into.
    pub(super) fn exceed(&self) {
        self.exceeded.set(true);
    }

    /// Whether a part of the message was not searched.
    pub fn is_exceeded(&self) -> bool {
        self.exceeded.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_paid_for_until_nothing_is_left() {
        let budget = Budget::default();
        let most = ALLOWANCE - SPAN;
        assert!(budget.spend(most as usize) && !budget.is_exceeded());
        budget.grant(4);
        assert!(budget.spend(32), "a longer message may hide more");
        assert!(!budget.spend(0) && budget.is_exceeded());
        budget.grant(1000);
        assert!(!budget.spend(1), "what was not searched stays so");
    }
}
