//! A last look at the members that were to be hidden.

use super::leak::blind;
use super::places::{PlaceToHide, Side};
use super::{Leak, Origin, Redactor, stand_in};
use crate::cassette::Interaction;
use crate::inspect::Finding;
use crate::pointer;
use crate::protocol::Reply;
use crate::value::Value;
use std::collections::HashMap;

/// Reads the messages again as a client or a replay would, and refuses them where a value that
/// was to be hidden still stands at its member. Whatever the locators got wrong, this finds.
pub(super) fn refuse_readable(
    redactor: &Redactor,
    interaction: &Interaction,
    finding: &Finding,
    input: &Side<'_>,
    output: &Side<'_>,
    origin: Origin,
) -> Result<(), Leak> {
    let Some(call) = &finding.call else { return Ok(()) };
    if input.decoded && !input.places.is_empty() {
        let read = call.protocol.decode_request(&call.service, call.operation, &interaction.request);
        let read = read.map_err(|why| blind("request", why.to_string()))?;
        is_gone(redactor, origin, "request", &read, input)?;
    }
    if output.decoded && !output.places.is_empty() {
        let mut response = interaction.response.clone();
        response.headers_mut().remove(http::header::CONTENT_ENCODING);
        let read = call.protocol.decode_response(&call.service, call.operation, &response);
        let read = read.map_err(|why| blind("response", why.to_string()))?;
        let (Reply::Output(value) | Reply::Error { value, .. }) = &read;
        is_gone(redactor, origin, "response", value, output)?;
    }
    Ok(())
}

fn is_gone(redactor: &Redactor, origin: Origin, side_name: &'static str, read: &Value, side: &Side<'_>) -> Result<(), Leak> {
    let mut found = HashMap::new();
    collect(read, &mut String::new(), side, &mut found);
    for (member, place) in &side.places {
        let leaf = pointer::tokens(member).last().unwrap_or_default();
        let still = found.get(member.as_str()).copied();
        let value_stays = place.rule.is_some() && !place.is_void() && still == Some(&place.value);
        let stands_for_itself = |value: &Value, at| redactor.stand_in(value, at, origin) == *value;
        // Where there are few values, what is there may be the stand-in of another one.
        let may_stay = |value: &Value, at| redactor.stand_ins.is_one_of_few(value, at) || stands_for_itself(value, at);
        let value_may_stay = || may_stay(&place.value, place.at) || is_far_future(place);
        let key_may_stay = || may_stay(&Value::Text(leaf.clone()), place.key_at);
        let key_stays = place.key_rule.is_some() && still.is_some();
        if value_stays && !value_may_stay() || key_stays && !key_may_stay() {
            return Err(Leak::Readable {
                side: side_name,
                member: member.clone(),
            });
        }
    }
    Ok(())
}

fn is_far_future(place: &PlaceToHide<'_>) -> bool {
    place.expiry
        && match &place.value {
            Value::Timestamp { seconds, .. } => *seconds == stand_in::FAR_FUTURE,
            Value::Integer(number) => matches!(number / i128::from(stand_in::FAR_FUTURE), 1 | 1000),
            Value::Text(text) => text.starts_with("2099-12-31"),
            _ => false,
        }
}

/// What stands now at the places of a side, in one walk.
fn collect<'v>(value: &'v Value, path: &mut String, side: &'v Side<'_>, found: &mut HashMap<&'v str, &'v Value>) {
    if let Some((member, _)) = side.places.get_key_value(path.as_str()) {
        found.insert(member, value);
    }
    let here = path.len();
    let mut below = |name: &str, value: &'v Value| {
        path.push('/');
        pointer::escape_into(name, path);
        collect(value, path, side, found);
        path.truncate(here);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::List(items) => items.iter().enumerate().for_each(|(index, item)| below(&index.to_string(), item)),
        _ => {}
    }
}
