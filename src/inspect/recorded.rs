//! Judging what a cassette holds: where something stands for a secret, the stand-in is not the
//! service's business, and what was true of the secret is what the cassette says of it.

use super::{Call, Finding, Judged, Verdict, inspect};
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
    let mislabeled = mislabeled(catalog, interaction, finding.call.as_ref());
    if let (Some(message), Some(judged)) = (mislabeled, &mut finding.request) {
        judged.violations.push(Departure {
            path: String::new(),
            rule: Rule::Unknown,
            message,
        });
        if judged.verdict == Verdict::Conforms {
            judged.verdict = Verdict::Violates;
        }
    }
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

/// What the cassette says that an interaction is, where its request is something else: somebody edited
/// one of them.
pub fn mislabeled(catalog: &Catalog, interaction: &Interaction, call: Option<&Call>) -> Option<String> {
    let call = call?;
    // Of services that share their operations (RDS, Neptune, …), either may be meant.
    let is_another = |said: &&str| {
        let service = catalog.find(said);
        service.is_none_or(|service| service.operation_named(&call.operation().name).is_none())
    };
    let said = [
        (
            "service",
            interaction.service.as_deref().filter(is_another),
            Some(call.service.sdk_id.as_str()),
        ),
        ("operation", interaction.operation.as_deref(), Some(call.operation().name.as_str())),
        ("region", interaction.region.as_deref(), call.region.as_deref()),
    ];
    let differs = |(_, said, is): &(&str, Option<&str>, Option<&str>)| said.is_some() && is.is_some() && said != is;
    let (name, said, is) = said.into_iter().find(differs)?;
    let (said, is) = (said.unwrap_or_default(), is.unwrap_or_default());
    Some(format!(
        "the cassette says that its {name} is `{said}`, and its request is one of `{is}`; correct `{name}`, or record it again"
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(service: &str, operation: &str, region: &str) -> Vec<String> {
        let request = http::Request::post("https://proton.us-east-1.amazonaws.com/")
            .header("x-amz-target", "AwsProton20200720.CreateServiceInstance")
            .header("content-type", "application/x-amz-json-1.0")
            .body(bytes::Bytes::from_static(br#"{"name":"a","serviceName":"b","spec":"c"}"#))
            .unwrap();
        let interaction = Interaction {
            service: Some(service.to_owned()),
            operation: Some(operation.to_owned()),
            region: Some(region.to_owned()),
            request,
            response: Default::default(),
            attempt: 1,
            redacted: Vec::new(),
            now: Vec::new(),
            unknown: Default::default(),
        };
        let finding = inspect_recorded(&Catalog::built_in().unwrap(), &interaction);
        let judged = finding.request.unwrap();
        assert_eq!(judged.verdict == Verdict::Conforms, judged.violations.is_empty());
        judged.violations.into_iter().map(|departure| departure.message).collect()
    }

    #[test]
    fn a_name_that_was_edited_does_not_conform() {
        assert!(violations("Proton", "CreateServiceInstance", "us-east-1").is_empty());
        for (name, said) in [
            ("service", violations("Service Catalog", "CreateServiceInstance", "us-east-1")),
            ("operation", violations("Proton", "DeleteServiceInstance", "us-east-1")),
            ("region", violations("Proton", "CreateServiceInstance", "eu-west-1")),
        ] {
            assert_eq!(said.len(), 1, "{name}");
            assert!(said[0].contains(&format!("its {name} is `")), "{said:?}");
        }
    }
}
