//! The last look: what would be written, read part by part, holds no secret any more.

use super::{Budget, Search};
use crate::cassette::Interaction;
use crate::codec::event_stream;
use crate::codec::spot::{self, Form, Shown, frames};
use crate::redaction::Leak;
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::StandIns;
use crate::redaction::user::Pattern;
use crate::wire;
use http::HeaderMap;
use memchr::memmem::Finder;

/// Every secret that its form still gives away in what would be written: URI, headers and bodies.
pub fn leaks(interaction: &Interaction, patterns: &[Pattern]) -> Vec<Leak> {
    let stand_ins = StandIns::new("");
    let budgets = [Budget::default(), Budget::default()];
    let [asked, answered] = &budgets;
    let mut leaks = Vec::new();
    look_everywhere(interaction, &mut |place, found| {
        let search = Search {
            patterns,
            ..Search::new(&stand_ins, if place.starts_with("/request") { asked } else { answered })
        };
        let rule = match found {
            Found::Text(text) => search.scrub(text).map(|(_, rule)| rule),
            Found::Bytes(bytes) => search.scrub_bytes(bytes).map(|(_, rule)| rule),
        };
        leaks.extend(rule.map(|rule| Leak::Secret { place, rule }));
    });
    let unsearched = ["request", "response"]
        .into_iter()
        .zip(&budgets)
        .filter(|(_, budget)| budget.is_exceeded());
    leaks.extend(unsearched.map(|(side, _)| Leak::Unsearched { side }));
    leaks
}

/// Every place that holds one of these secrets as it is.
pub fn literally(interaction: &Interaction, secrets: &[String]) -> Vec<Leak> {
    let mut leaks = Vec::new();
    if secrets.is_empty() {
        return leaks;
    }
    let secrets: Vec<Finder<'_>> = secrets.iter().map(Finder::new).collect();
    let mut look = |place: String, bytes: &[u8]| {
        if secrets.iter().any(|secret| secret.find(bytes).is_some()) {
            let rule = Rule::Credentials;
            leaks.push(Leak::Secret { place, rule });
        }
    };
    look_everywhere(interaction, &mut |place, found| match found {
        Found::Text(text) => look(place, text.as_bytes()),
        Found::Bytes(bytes) => look(place, bytes),
    });
    for (place, body) in [
        ("/request/body", interaction.request.body()),
        ("/response/body", interaction.response.body()),
    ] {
        look(place.to_owned(), body);
    }
    leaks
}

/// What stands at a place.
enum Found<'f> {
    Text(&'f str),
    Bytes(&'f [u8]),
}

type Look<'l> = &'l mut dyn FnMut(String, Found<'_>);

fn look_everywhere(interaction: &Interaction, look: Look<'_>) {
    look("/request/uri".to_owned(), Found::Text(&interaction.request.uri().to_string()));
    look_at_headers("/request/headers", interaction.request.headers(), look);
    look_at_body("/request", interaction.request.headers(), interaction.request.body(), look);
    look_at_headers("/response/headers", interaction.response.headers(), look);
    look_at_body("/response", interaction.response.headers(), interaction.response.body(), look);
}

fn look_at_headers(place: &str, headers: &HeaderMap, look: Look<'_>) {
    for (name, value) in headers {
        look(format!("{place}/{name}"), Found::Text(&String::from_utf8_lossy(value.as_bytes())));
    }
}

fn look_at_body(place: &str, headers: &HeaderMap, body: &[u8], look: Look<'_>) {
    let content_type = wire::text(headers, "content-type");
    let shown = spot::anywhere(content_type, body, &mut |spot| {
        let bytes = body.get(spot.range).unwrap_or_default();
        match spot.form {
            Form::RawBytes => look(format!("{place}{}", spot.wire), Found::Bytes(bytes)),
            _ => look(format!("{place}{}", spot.wire), Found::Text(&spot.text)),
        }
    });
    let is_stream = wire::media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(event_stream::MEDIA_TYPE));
    if shown == Shown::Parts && is_stream {
        look(format!("{place}/body"), Found::Bytes(&frames::joined(body)));
    }
}
