//! The keeper of `passthrough`: calls are passed on and judged, and nothing is kept.

use super::keeper::{Fate, Keeper, Kept, Unkept};
use super::sessions::{Session, Stage, Unplayed};
use crate::cassette::Name;
use crate::outcome::Outcome;
use std::sync::Arc;

/// Passes calls on.
pub struct Passing;

impl Stage for Passing {
    type Part = ();

    fn mode(&self) -> &'static str {
        "passthrough"
    }

    fn has(&self, _: &Name) -> bool {
        false
    }

    fn names(&self) -> Vec<Name> {
        Vec::new()
    }

    fn makes_cassettes(&self) -> bool {
        true
    }

    fn open(&self, _: &Name, _: &Name) -> Result<(), String> {
        Ok(())
    }

    fn unplayed(&self, (): &()) -> Vec<Unplayed> {
        Vec::new()
    }
}

impl Keeper for Passing {
    fn passed(&self) -> Outcome {
        Outcome::Forwarded
    }

    async fn keep(&self, _: &Arc<Session<()>>, _: &Kept<'_>) -> Result<Fate, Unkept> {
        Ok(Fate::of(Outcome::Forwarded, None))
    }
}
