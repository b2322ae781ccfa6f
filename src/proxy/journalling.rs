//! The keeper of `record`: each session's exchanges go, redacted, into the take of its cassette, and
//! no answer ends before its recording is durable.

use super::keeper::{Fate, Keeper, Kept, Unkept};
use super::own_address;
use super::record::STAND_IN;
use super::sessions::{Ending, Session, Stage, Unplayed};
use super::takes::{Desk, Doubt, Redacted, Take, Takes, Unwritten};
use super::work;
use crate::cassette::{Interaction, Name, TimeMark};
use crate::inspect::time_marks;
use crate::outcome::Outcome;
use crate::redaction::Leak;
use crate::redaction::undecodable::undecodable;
use crate::wire::{self, Request};
use std::sync::Arc;

/// Records.
pub struct Journalling<D> {
    takes: Takes<D>,
}

impl<D: Desk> Journalling<D> {
    /// Records these takes.
    pub fn new(takes: Takes<D>) -> Journalling<D> {
        Journalling { takes }
    }

    /// What is recorded.
    pub fn takes(&self) -> &Takes<D> {
        &self.takes
    }

    /// What was recorded.
    pub fn into_takes(self) -> Takes<D> {
        self.takes
    }
}

impl<D: Desk> Stage for Journalling<D> {
    type Part = Arc<Take>;

    fn mode(&self) -> &'static str {
        "record"
    }

    fn has(&self, cassette: &Name) -> bool {
        self.takes.desk().has(cassette)
    }

    fn names(&self) -> Vec<Name> {
        self.takes.desk().names()
    }

    fn makes_cassettes(&self) -> bool {
        true
    }

    fn open(&self, cassette: &Name, session: &Name) -> Result<Arc<Take>, String> {
        self.takes.open(cassette, session)
    }

    fn close(&self, session: &Session<Arc<Take>>, ending: Ending) -> Result<(), String> {
        self.takes.close(&session.part, Doubt::of(ending, &session.tally))
    }

    fn unplayed(&self, _: &Arc<Take>) -> Vec<Unplayed> {
        Vec::new()
    }
}

impl<D: Desk> Keeper for Journalling<D> {
    fn stopped(&self) -> Option<String> {
        self.takes.failure()
    }

    async fn keep(&self, session: &Arc<Session<Arc<Take>>>, exchange: &Kept<'_>) -> Result<Fate, Unkept> {
        write(&self.takes, &session.part, exchange).await
    }
}

/// Makes an exchange durable, redacted.
pub(super) async fn write<D: Desk>(takes: &Takes<D>, take: &Take, exchange: &Kept<'_>) -> Result<Fate, Unkept> {
    let Kept {
        number,
        request: _,
        response,
        addresses,
        finding,
    } = *exchange;
    let undecodable = undecodable(finding, response);
    if let Some(why) = undecodable.as_ref().filter(|_| !takes.desk().takes_undecodable()) {
        return Err(Unkept::Told(format!(
            "{why}; it passed through unrecorded (`--undecodable record` records such calls)"
        )));
    }
    let mut redacted = redacted(take, exchange).await.map_err(|leak| Unkept::Told(leak.to_string()))?;
    own_address::mark(&mut redacted.interaction, addresses);
    let interaction = &mut redacted.interaction;
    interaction.now = times(exchange, interaction);
    if !interaction.now.is_empty() {
        let operation = interaction.operation.as_deref().unwrap_or("*");
        let places: Vec<String> = interaction.now.iter().map(|mark| mark.place(operation)).collect();
        takes.desk().names_time(&places);
    }
    let _turn = work::turn(exchange.bytes()).await;
    match takes.write(take, number, redacted).await {
        Ok(()) => Ok(Fate {
            message: undecodable.map(|why| format!("{why}; recorded, with only those secrets hidden that their form gives away")),
            ..Fate::of(Outcome::Recorded, None)
        }),
        Err(Unwritten::Leak(leak)) => Err(Unkept::Told(leak.to_string())),
        Err(Unwritten::Journal(error)) => Err(Unkept::Refused(format!(
            "the service carried out this call, but Ferrotape could not record it: {error}"
        ))),
    }
}

/// The exchange as it may be written.
async fn redacted(take: &Take, exchange: &Kept<'_>) -> Result<Redacted, Leak> {
    let Kept {
        request,
        response,
        finding,
        ..
    } = *exchange;
    let stand_in = response.headers().contains_key(STAND_IN);
    let (interaction, sighted) = if exchange.bytes() <= work::SMALL {
        take.reel.redactor.redact_sighted(request, response, finding, attempt(request))?
    } else {
        let (reel, request, response, finding) = (Arc::clone(&take.reel), request.clone(), response.clone(), Arc::clone(finding));
        work::heavy(move || reel.redactor.redact_sighted(&request, &response, &finding, attempt(&request))).await?
    };
    Ok(Redacted {
        interaction,
        sighted,
        stand_in,
    })
}

/// The members that name the time of the request, and are readable.
fn times(exchange: &Kept<'_>, interaction: &Interaction) -> Vec<TimeMark> {
    let finding = exchange.finding;
    let input = finding.request.as_ref().and_then(|judged| judged.content.as_ref());
    let (Some(call), Some(input)) = (&finding.call, input) else {
        return Vec::new();
    };
    let mut marks = time_marks(call, exchange.request, input);
    if !marks.is_empty() {
        let hidden: Vec<&str> = interaction
            .redacted
            .iter()
            .filter_map(|place| place.member_of("/request"))
            .collect();
        marks.retain(|mark| !hidden.contains(&mark.member.as_str()));
    }
    marks
}

/// The SDK's retry counter: `attempt=2; max=3`.
pub(super) fn attempt(request: &Request) -> u32 {
    let counter = wire::text(request.headers(), "amz-sdk-request")
        .and_then(|value| value.split(';').find_map(|part| part.trim().strip_prefix("attempt=")));
    counter.and_then(|number| number.trim().parse().ok()).unwrap_or(1)
}
