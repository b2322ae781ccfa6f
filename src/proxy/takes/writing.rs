//! How an interaction becomes durable: in one batch with those of earlier calls that hold what it shows
//! to be a secret. So the journal holds nothing in the clear that was known when a call was answered,
//! and recovery has nothing to guess.

use super::{Desk, HEADERS, REFUSED, Reel, Take, Takes, entry};
use crate::cassette::Interaction;
use crate::cassette::journal::{JournalError, Record};
use crate::inspect::inspect_recorded;
use crate::model::catalog::Catalog;
use crate::proxy::takes::Entry;
use crate::proxy::work;
use crate::redaction::Leak;
use crate::redaction::sightings::{Learned, Sighted, Sightings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is written of a cassette. Who holds it is the one who writes.
#[derive(Default)]
pub(super) struct Written {
    sightings: Sightings,
    /// What was known when it was written.
    learned: Learned,
    /// Calls whose interactions go into no cassette.
    refused: BTreeSet<u64>,
}

/// An interaction, and what it holds in the clear.
pub struct Redacted {
    pub interaction: Interaction,
    pub sighted: Sighted,
    /// A stand-in answered.
    pub stand_in: bool,
}

/// Why an interaction is not written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// It would show a secret.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// Nothing can be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What becomes of interactions before one.
#[derive(Default)]
struct Earlier {
    /// Those that are others now.
    changed: BTreeMap<u64, Vec<u8>>,
    /// Those that cannot be.
    refused: BTreeSet<u64>,
}

impl<D: Desk> Takes<D> {
    /// Makes an interaction of a take durable, under the number of its call. After the first failure
    /// of the journal nothing is recorded any more.
    ///
    /// # Errors
    /// Why it is not durable.
    pub async fn write(&self, take: &Take, number: usize, redacted: Redacted) -> Result<(), Unwritten> {
        let written = self.append(take, number as u64, redacted).await;
        written.inspect_err(|error| {
            if let Unwritten::Journal(error) = error {
                let _ = self.failure.set(error.clone());
            }
        })
    }

    async fn append(&self, take: &Take, number: u64, redacted: Redacted) -> Result<(), Unwritten> {
        if take.number > 0 {
            let announced = take.announced.get_or_try_init(|| async {
                let sequence = HEADERS | u64::from(take.number);
                self.journal.append(sequence, entry::header(take.number, &take.header())).await
            });
            announced.await?;
        }
        let Redacted {
            mut interaction,
            sighted,
            stand_in,
        } = redacted;
        let mut written = take.reel.written.lock().await;
        let (earlier, learned) = self.hide_in_all(&take.reel, &written, &mut interaction, &sighted).await?;
        let mut records = earlier.records();
        records.push(Record::new(number, entry::interaction(take.number, &interaction, stand_in)));
        let begun = self.journal.begin(records).await?;
        written.sightings.add(number, &sighted);
        written.learned = learned;
        written.refused.extend(earlier.refused);
        // Others may share the sync.
        drop(written);
        begun.durable().await?;
        take.calls().push(number);
        Ok(())
    }

    /// Hides what is known by now in this interaction, a later part of which may show what an earlier one
    /// holds, and in those before.
    async fn hide_in_all(
        &self,
        reel: &Arc<Reel>,
        written: &Written,
        interaction: &mut Interaction,
        sighted: &Sighted,
    ) -> Result<(Earlier, Learned), Unwritten> {
        let mut earlier = Earlier::default();
        let (mut learned, mut own) = (written.learned, sighted.before());
        loop {
            // To hide a value is to learn of its digests, which may stand elsewhere.
            let news = reel.redactor.learned_since(&mut learned);
            let own_news = reel.redactor.learned_since(&mut own);
            if news.is_empty() && own_news.is_empty() {
                return Ok((earlier, learned));
            }
            if sighted.may_hold(&own_news)
                && let Some(changed) = self.hidden(reel, interaction).await?
            {
                *interaction = changed;
            }
            for call in written.sightings.of(&news) {
                if !written.refused.contains(&call) {
                    self.hide_in_earlier(reel, call, &mut earlier).await?;
                }
            }
        }
    }

    async fn hide_in_earlier(&self, reel: &Arc<Reel>, call: u64, earlier: &mut Earlier) -> Result<(), JournalError> {
        let record = match earlier.changed.get(&call) {
            Some(record) => record.clone(),
            None => self.journal.read(vec![call]).await?.concat(),
        };
        // What cannot be read is reported at the seal.
        let Ok(Entry::Interaction {
            take,
            interaction,
            stand_in,
        }) = Entry::read(&record)
        else {
            return Ok(());
        };
        match self.hidden(reel, &interaction).await {
            Ok(Some(changed)) => {
                let record = entry::interaction(take, &changed, stand_in);
                earlier.changed.insert(call, record);
            }
            Ok(None) => {}
            Err(_) => drop(earlier.refused.insert(call)),
        }
        Ok(())
    }

    /// The interaction without what is known by now; nothing where it does not hold it.
    async fn hidden(&self, reel: &Arc<Reel>, interaction: &Interaction) -> Result<Option<Interaction>, Leak> {
        let bytes = interaction.request.body().len() + interaction.response.body().len();
        let (reel, catalog, interaction) = (Arc::clone(reel), self.desk.catalog(), interaction.clone());
        let hide = move || hidden(&reel, &catalog, interaction);
        if bytes <= work::SMALL { hide() } else { work::heavy(hide).await }
    }
}

fn hidden(reel: &Reel, catalog: &Catalog, mut interaction: Interaction) -> Result<Option<Interaction>, Leak> {
    let finding = inspect_recorded(catalog, &interaction);
    let is_changed = reel.redactor.hide_known(&mut interaction, &finding)?;
    Ok(is_changed.then_some(interaction))
}

impl Earlier {
    /// What is written of them.
    fn records(&self) -> Vec<Record> {
        let changed = self.changed.iter().map(|(call, record)| Record::new_version(*call, record.clone()));
        let refused = self.refused.iter().map(|call| Record::new(REFUSED | call, entry::refused(*call)));
        changed.chain(refused).collect()
    }
}
