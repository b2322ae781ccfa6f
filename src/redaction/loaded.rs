//! What a cassette holds already: hidden again by today's rules, or where somebody edited it.

use super::known::AccountNames;
use super::places::{PlaceToHide, Side};
use super::rules::Rule;
use super::writer::{Message, Writer};
use super::{Leak, Origin, Redactor, headers, locate_request, locate_response, rebuilt_request, rebuilt_response, stand_in};
use crate::cassette::{Interaction, Redacted};
use crate::inspect::Finding;
use crate::pointer;
use crate::value::Value;
use http::header::CONTENT_ENCODING;
use std::collections::HashSet;

/// What is to be known of an interaction of a cassette.
pub struct Loaded {
    /// Where something stood in plain text.
    pub lints: Vec<String>,
    /// The stand-ins in the answer that bear no mark because their places leave them few values to
    /// be. A client that was given one may send it back, and means what it stands for.
    pub given: Vec<Value>,
}

impl Redactor {
    /// An interaction of a cassette as it would be written today. `finding` is what
    /// [`inspect_recorded`](crate::inspect::inspect_recorded) says of it.
    ///
    /// # Errors
    /// Where a secret would be left.
    pub fn redact_again(&self, old: &Interaction, finding: &Finding) -> Result<Interaction, Leak> {
        let mut response = old.response.clone();
        // The body is stored without the encoding that the header names.
        response.headers_mut().remove(CONTENT_ENCODING);
        let mut new = self.written(&old.request, &response, finding, old.attempt, Origin::Cassette, self.recall())?;
        if let Some(encoding) = old.response.headers().get(CONTENT_ENCODING) {
            new.response.headers_mut().insert(CONTENT_ENCODING, encoding.clone());
        }
        Ok(new)
    }

    /// Redacts what stands plainly at sensitive places of an interaction of a cassette (somebody
    /// edited it), and says where. Costs a walk through the values where nothing does.
    pub fn redact_loaded(&self, interaction: &mut Interaction, finding: &Finding) -> Vec<String> {
        self.load(interaction, finding).lints
    }

    /// The same, with what the answer gave.
    pub fn load(&self, interaction: &mut Interaction, finding: &Finding) -> Loaded {
        let (input, output) = self.sides(finding);
        let given = self.given_few(interaction, &output);
        let mut lints = Vec::new();
        for (base, side) in [("/request", &input), ("/response", &output)] {
            let listed: HashSet<&str> = interaction
                .redacted
                .iter()
                .filter_map(|redacted| redacted.member_of(base))
                .collect();
            let plain = side.places.iter().filter(|(member, place)| !self.is_hidden(&listed, member, place));
            let mut plain: Vec<&String> = plain.map(|(member, _)| member).collect();
            if plain.is_empty() {
                continue;
            }
            plain.sort();
            match self.hide_loaded(interaction, finding, base, side) {
                Ok(()) => lints.extend(
                    plain
                        .iter()
                        .map(|member| format!("`{base}/body{member}` stood in plain text and is hidden")),
                ),
                Err(leak) => lints.push(format!("`{base}` holds secrets in plain text, and they stay: {leak}")),
            }
        }
        Loaded { lints, given }
    }

    fn given_few(&self, interaction: &Interaction, output: &Side<'_>) -> Vec<Value> {
        let is_secret = |place: &Redacted| place.path.starts_with("/response") && place.rule != Rule::AccountId.id();
        if !interaction.redacted.iter().any(is_secret) {
            return Vec::new();
        }
        let few = |place: &&PlaceToHide<'_>| place.rule.is_some() && self.stand_ins.is_one_of_few(&place.value, place.at);
        output.places.values().filter(few).map(|place| place.value.clone()).collect()
    }

    fn hide_loaded(&self, interaction: &mut Interaction, finding: &Finding, base: &'static str, side: &Side<'_>) -> Result<(), Leak> {
        let mut writer = Writer::new(self, AccountNames::default(), Origin::Cassette, self.recall());
        let call = finding.call.as_ref();
        if base == "/request" {
            let request = &interaction.request;
            let message = Message {
                uri: Some(request.uri().clone()),
                headers: request.headers().clone(),
                body: request.body().clone(),
            };
            let written = writer.message(base, message, side, &locate_request(request, call))?;
            interaction.request = rebuilt_request(&interaction.request, written);
        } else {
            let response = &interaction.response;
            let message = Message {
                uri: None,
                headers: response.headers().clone(),
                body: response.body().clone(),
            };
            let mut written = writer.message(base, message, side, &locate_response(response, finding))?;
            headers::refresh_checksums(&mut written.headers, &written.body);
            interaction.response = rebuilt_response(&interaction.response, written);
        }
        let id = |place: &Redacted| (place.path.clone(), place.member.clone(), place.rule.clone());
        let known: HashSet<_> = interaction.redacted.iter().map(id).collect();
        let new: Vec<Redacted> = writer.redacted.into_iter().filter(|place| !known.contains(&id(place))).collect();
        interaction.redacted.extend(new);
        Ok(())
    }

    /// `listed`: the members that the cassette lists.
    fn is_hidden(&self, listed: &HashSet<&str>, member: &str, place: &PlaceToHide<'_>) -> bool {
        let key = pointer::tokens(member).last().unwrap_or_default();
        let is_listed = || listed.contains(member);
        let key_is_hidden = place.key_rule.is_none()
            || stand_in::is_marked_text(&key)
            || is_listed() && !self.stand_ins.can_be_marked(&Value::Text(key), place.key_at);
        let value_is_hidden = place.rule.is_none()
            || place.expiry
            || place.is_void()
            || stand_in::is_marked(&place.value)
            // No mark fits there: the cassette's own word must do.
            || is_listed() && !self.stand_ins.can_be_marked(&place.value, place.at);
        key_is_hidden && value_is_hidden
    }
}
