//! Judging what a cassette holds: where something stands for a secret, the stand-in is not the
//! service's business, and what was true of the secret is what the cassette says of it.

use super::{Finding, Judged, Verdict, inspect};
use crate::cassette::{Interaction, Redacted};
use crate::contract::{Departure, Rule, Side};
use crate::model::catalog::Catalog;
use crate::wire::Exchange;
use std::collections::HashMap;

/// Understands and judges a recorded interaction. At a redacted place only `required` and `type`
/// are judged; constraints that the true value broke are taken from `breaks`.
pub fn inspect_recorded(catalog: &Catalog, interaction: &Interaction) -> Finding {
    let mut response = interaction.response.clone();
    // The header is what a client may ask for again; the body is stored without its encoding.
    response.headers_mut().remove(http::header::CONTENT_ENCODING);
    let exchange = Exchange {
        request: Some(interaction.request.clone()),
        response: Some(response),
    };
    let mut finding = inspect(catalog, &exchange);
    if interaction.redacted.is_empty() {
        return finding;
    }
    if let Some(judged) = &mut finding.request {
        settle(judged, &places(interaction, "/request"), Side::Request);
    }
    if let Some(judged) = &mut finding.response {
        settle(judged, &places(interaction, "/response"), Side::Response);
    }
    finding
}

/// The redacted members of a side, by their pointers.
fn places<'a>(interaction: &'a Interaction, side: &str) -> HashMap<&'a str, &'a Redacted> {
    let listed = interaction.redacted.iter();
    listed.filter_map(|redacted| Some((redacted.member_of(side)?, redacted))).collect()
}

fn settle<T>(judged: &mut Judged<T>, places: &HashMap<&str, &Redacted>, side: Side) {
    let of_the_true_value =
        |departure: &Departure| matches!(departure.rule, Rule::Required | Rule::Type) || !places.contains_key(departure.path.as_str());
    judged.violations.retain(of_the_true_value);
    judged.lints.retain(of_the_true_value);
    let mut broken: Vec<Departure> = places
        .iter()
        .flat_map(|(path, redacted)| redacted.breaks.iter().filter_map(|rule| departure(path, rule)))
        .collect();
    broken.sort_by(|left, right| (&left.path, left.rule).cmp(&(&right.path, right.rule)));
    match side {
        Side::Request => judged.violations.extend(broken),
        Side::Response => judged.lints.extend(broken),
    }
    if matches!(judged.verdict, Verdict::Conforms | Verdict::Violates) {
        judged.verdict = if judged.violations.is_empty() {
            Verdict::Conforms
        } else {
            Verdict::Violates
        };
    }
}

fn departure(path: &str, rule: &str) -> Option<Departure> {
    let rule = Rule::ALL.into_iter().find(|known| known.name() == rule)?;
    let message = format!("Value at '{path}' failed to satisfy constraint: the value that was recorded broke `{rule}`");
    Some(Departure {
        path: path.to_owned(),
        rule,
        message,
    })
}
