//! Writes the messages of an interaction with stand-ins in them, and lists every place that it
//! changed. Where a member is on the wire, the protocol says; this file never reads a format.

use super::draft::Draft;
use super::known::AccountNames;
use super::memory::Recall;
use super::places::PlaceToHide;
use super::rules::Rule;
use super::scan::{Budget, Search, layers};
use super::stand_in::{self, FAR_FUTURE};
use super::{Leak, Origin, Redactor, Side, headers, scan};
use crate::cassette::Redacted;
use crate::codec::event_stream;
use crate::codec::spot::{self, Form, Part, Splice, Spot, Visit, frames};
use crate::json::rewrite;
use crate::protocol::Malformed;
use crate::value::Value;
use crate::wire;
use bytes::Bytes;
use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::{HashMap, HashSet};

/// A message in the parts that may hold a secret.
pub(super) struct Message {
    /// Of a request.
    pub(super) uri: Option<Uri>,
    pub(super) headers: HeaderMap,
    /// Without content encoding.
    pub(super) body: Bytes,
}

/// What shows the spots of a message.
pub(super) type Locate<'l> = &'l dyn Fn(&Message, Visit<'_>) -> Result<(), Malformed>;

/// Writes the parts of an interaction and lists what it replaced, in the order of the wire.
pub(super) struct Writer<'a> {
    redactor: &'a Redactor,
    known: Option<&'a dyn Recall>,
    /// The members are hidden by now, and only what is known is looked for.
    settles: bool,
    accounts: AccountNames,
    origin: Origin,
    pub(super) redacted: Vec<Redacted>,
    listed: HashSet<(String, Option<String>, Rule)>,
}

impl<'a> Writer<'a> {
    /// `accounts`: what is written for each known account id; `known`: who knows other values.
    pub(super) fn new(redactor: &'a Redactor, accounts: AccountNames, origin: Origin, known: Option<&'a dyn Recall>) -> Writer<'a> {
        Writer {
            redactor,
            known,
            settles: false,
            accounts,
            origin,
            redacted: Vec::new(),
            listed: HashSet::new(),
        }
    }

    /// A writer for what was redacted before, that hides what `known` knows by now.
    pub(super) fn settling(redactor: &'a Redactor, accounts: AccountNames, known: &'a dyn Recall) -> Writer<'a> {
        Writer {
            settles: true,
            ..Writer::new(redactor, accounts, Origin::Cassette, Some(known))
        }
    }

    /// What the user keeps readable is hidden by its form alone.
    fn unknowing(&self) -> Writer<'a> {
        Writer {
            known: None,
            redactor: self.redactor,
            settles: self.settles,
            accounts: AccountNames::default(),
            origin: self.origin,
            redacted: Vec::new(),
            listed: HashSet::new(),
        }
    }

    fn search<'s>(&'s self, budget: &'s Budget) -> Search<'s> {
        Search {
            known: self.known,
            ..self.redactor.search(budget)
        }
    }

    /// A message with stand-ins. `base` is `/request` or `/response`.
    pub(super) fn message(&mut self, base: &'static str, message: Message, side: &Side<'_>, locate: Locate<'_>) -> Result<Message, Leak> {
        let mut draft = Draft::default();
        let located = side.decoded && {
            let shown = locate(&message, &mut |spot| self.spot(spot, side, &mut draft));
            if let Err(why) = &shown {
                refuse_blind(base, side, why)?;
                draft = Draft::default();
            }
            shown.is_ok()
        };
        if !located {
            if let Some(uri) = &message.uri {
                spot::in_query(uri, &mut |spot| self.spot(spot, side, &mut draft));
            }
            let content_type = wire::text(&message.headers, "content-type").map(str::to_owned);
            spot::anywhere(content_type.as_deref(), &message.body, &mut |spot| {
                self.spot(spot, side, &mut draft)
            });
        }
        if let Some(place) = draft.unwritable {
            return Err(Leak::Unwritable {
                place: format!("{base}{place}"),
            });
        }
        let written = Message {
            uri: match &message.uri {
                Some(uri) => Some(self.uri(uri, &mut draft)?),
                None => None,
            },
            headers: self.headers(&message.headers, &mut draft)?,
            body: body(&message, &draft, base == "/request" && located)?,
        };
        if draft.budget.is_exceeded() {
            return Err(Leak::Unsearched {
                side: base.trim_start_matches('/'),
            });
        }
        self.list(base, draft, side);
        Ok(written)
    }

    /// Decides what becomes of one scalar.
    fn spot(&self, spot: Spot<'_>, side: &Side<'_>, draft: &mut Draft) {
        draft.raw |= matches!(spot.form, Form::Raw | Form::RawBytes);
        if self.settles || self.redactor.is_plain(&spot.text) {
            return match spot.member.is_some_and(|member| self.redactor.keeps_at(side.operation, member)) {
                true => self.unknowing().clean_spot(&spot, draft),
                false => self.clean_spot(&spot, draft),
            };
        }
        if spot.form == Form::EventBytes && spot.wire.ends_with(frames::SIGNATURE) {
            // New in every run, and true of other bytes than these: it says nothing any more.
            return draft.put(&spot, &Value::Blob(vec![0; 32]), &[Rule::AwsSignature]);
        }
        let member = spot.member.or_else(|| spot.wire.strip_prefix("/body"));
        let known = member.and_then(|member| side.places.get(member));
        let overlooked;
        let place = match known {
            Some(place) => place,
            None => {
                let is_text = matches!(spot.form, Form::JsonText | Form::CborText) && !spot.key;
                let start = if is_text {
                    draft.command.secret_in(spot.wire, &spot.text)
                } else {
                    None
                };
                overlooked = side.overlooked(&spot, start);
                // What the user keeps readable, nobody overlooked.
                if spot.member.is_some_and(|member| self.redactor.keeps_at(side.operation, member)) {
                    return self.unknowing().clean_spot(&spot, draft);
                }
                &overlooked
            }
        };
        let hidden = if spot.key {
            place.key_rule.map(|rule| (self.hidden_key(place, &spot), rule))
        } else {
            let rule = place.rule.filter(|_| !place.is_void() && !spot.text.is_empty());
            rule.map(|rule| (self.hidden(place, &spot), rule))
        };
        match hidden {
            Some((value, rule)) => draft.put(&spot, &value, &[rule]),
            None => {
                self.redactor.note_name(&spot);
                self.clean_spot(&spot, draft);
            }
        }
        if place.rule.is_some()
            && !spot.key
            && let Part::Header(at) = spot.part
        {
            draft.hidden_headers.insert(at);
        }
    }

    fn clean_spot(&self, spot: &Spot<'_>, draft: &mut Draft) {
        if spot.form == Form::RawBytes {
            return self.clean_bytes(spot, draft);
        }
        if !spot.form.is_text() {
            self.known.iter().for_each(|known| known.see(&spot.text));
            return;
        }
        if let Some((clean, rules)) = self.clean(&spot.text, &draft.budget) {
            draft.put(spot, &Value::Text(clean), &rules);
        }
    }

    /// What is no text may hold some: behind gzip, or in the midst of it.
    fn clean_bytes(&self, spot: &Spot<'_>, draft: &mut Draft) {
        let Some(bytes) = stand_in::base64_bytes(&spot.text) else { return };
        let mut found = Vec::new();
        let mut open = |text: &str| {
            let (clean, rules) = self.clean(text, &draft.budget)?;
            rules.iter().for_each(|rule| add(&mut found, *rule));
            Some(clean)
        };
        let written = match layers::in_bytes(&bytes, &draft.budget, &mut open) {
            Some(written) => written,
            None => self.search(&draft.budget).scrub_bytes(&bytes).map(|(clean, rule)| {
                add(&mut found, rule);
                clean
            }),
        };
        if let Some(clean) = written {
            draft.put(spot, &Value::Blob(clean), &found);
        }
    }

    /// Secrets by form, then account ids; the rules that found something.
    fn clean(&self, text: &str, budget: &Budget) -> Option<(String, Vec<Rule>)> {
        let mut rules = Vec::new();
        let mut scrubbed = self.search(budget).scrub(text).map(|(clean, rule)| {
            rules.push(rule);
            clean
        });
        if scrubbed.is_none()
            && let Some(listed) = self.redactor.listed.get(text)
        {
            rules.clone_from(listed);
            scrubbed = Some(text.to_owned());
        }
        let renamed = scan::rename_accounts(scrubbed.as_deref().unwrap_or(text), budget, &|id| self.accounts.get(id).cloned());
        if renamed.is_some() {
            rules.push(Rule::AccountId);
        }
        renamed.or(scrubbed).map(|clean| (clean, rules))
    }

    /// What stands for the value at a spot. A stand-in stays, and is listed.
    fn hidden(&self, place: &PlaceToHide<'_>, spot: &Spot<'_>) -> Value {
        if place.expiry {
            return Value::Timestamp {
                seconds: FAR_FUTURE,
                nanos: 0,
            };
        }
        // A repeated key can hold another value than the one that counts.
        let value = match &place.value {
            Value::Blob(_) if matches!(spot.form, Form::Raw | Form::RawBytes) => place.value.clone(),
            Value::Blob(_) => match stand_in::base64_bytes(&spot.text) {
                Some(bytes) => Value::Blob(bytes),
                None => Value::Text(spot.text.clone().into_owned()),
            },
            Value::Text(_) => Value::Text(spot.text.clone().into_owned()),
            other => other.clone(),
        };
        self.redactor.stand_in(&value, place.at, self.origin)
    }

    fn hidden_key(&self, place: &PlaceToHide<'_>, spot: &Spot<'_>) -> Value {
        let key = Value::Text(spot.text.clone().into_owned());
        self.redactor.stand_in(&key, place.key_at, self.origin)
    }

    fn uri(&self, uri: &Uri, draft: &mut Draft) -> Result<Uri, Leak> {
        let printed = uri.to_string();
        let spliced = draft.applied(Part::Uri, printed.as_bytes()).ok_or(Leak::Uri)?;
        let spliced = String::from_utf8(spliced).map_err(|_| Leak::Uri)?;
        let Some((clean, rules)) = self.clean(&spliced, &draft.budget) else {
            return if spliced == printed {
                Ok(uri.clone())
            } else {
                spliced.parse().map_err(|_| Leak::Uri)
            };
        };
        draft.note_all(Part::Uri, "/uri", &rules);
        clean.parse().map_err(|_| Leak::Uri)
    }

    fn headers(&self, headers: &HeaderMap, draft: &mut Draft) -> Result<HeaderMap, Leak> {
        let mut out = HeaderMap::with_capacity(headers.keys_len());
        for (at, (name, value)) in headers.iter().enumerate() {
            let unwritable = || Leak::Unwritable {
                place: format!("the header `{name}`"),
            };
            let applied = |part, bytes| draft.applied(part, bytes).ok_or_else(unwritable);
            let written_name = applied(Part::HeaderName(at), name.as_str().as_bytes())?;
            let written_name = HeaderName::from_bytes(&written_name).map_err(|_| unwritable())?;
            let spliced = applied(Part::Header(at), value.as_bytes())?;
            let text = String::from_utf8_lossy(&spliced);
            let replaced = match headers::secret(name.as_str(), &text).or_else(|| self.redactor.user.of_header(name.as_str())) {
                Some(_) if self.settles || draft.hidden_headers.contains(&at) => self.clean(&text, &draft.budget).filter(|_| self.settles),
                Some(rule) => headers::hidden(&self.redactor.stand_ins, &text).map(|stand_in| (stand_in, vec![rule])),
                None => self.clean(&text, &draft.budget),
            };
            let bytes = match replaced {
                Some((clean, rules)) => {
                    draft.note_all(Part::Header(at), &format!("/headers/{written_name}"), &rules);
                    clean.into_bytes()
                }
                None => spliced,
            };
            out.append(written_name, HeaderValue::from_bytes(&bytes).map_err(|_| unwritable())?);
        }
        Ok(out)
    }

    /// Lists what was replaced, by the names that are written.
    fn list(&mut self, base: &str, mut draft: Draft, side: &Side<'_>) {
        draft.notes.sort_by_key(|note| match note.part {
            Part::Uri => 0,
            Part::Header(_) | Part::HeaderName(_) => 1,
            Part::Body => 2,
        });
        let breaks = if draft.notes.is_empty() { HashMap::new() } else { side.breaks() };
        for note in draft.notes {
            let breaks = note
                .member
                .as_deref()
                .and_then(|member| breaks.get(member))
                .cloned()
                .unwrap_or_default();
            let wire = draft.wires.now(&note.wire);
            let member = note.member.map(|member| draft.members.now(&member));
            let implied = wire.strip_prefix("/body");
            let member = member.filter(|member| implied != Some(member.as_str()));
            let path = format!("{base}{wire}");
            if self.listed.insert((path.clone(), member.clone(), note.rule)) {
                self.redacted.push(Redacted {
                    path,
                    member,
                    rule: note.rule.id().to_owned(),
                    breaks,
                });
            }
        }
    }
}

/// Nothing may be written of a message whose secrets nobody can find.
fn refuse_blind(base: &'static str, side: &Side<'_>, why: &Malformed) -> Result<(), Leak> {
    let holds = side.places.values().any(|place| place.rule.is_some() || place.key_rule.is_some());
    let can_hold = side.shape.is_some_and(|(service, shape)| service.carries_sensitive(shape));
    if holds || can_hold {
        return Err(Leak::Blind {
            side: base.trim_start_matches('/'),
            why: why.to_string(),
        });
    }
    Ok(())
}

fn add(rules: &mut Vec<Rule>, rule: Rule) {
    if !rules.contains(&rule) {
        rules.push(rule);
    }
}

/// `compact`: white space says nothing in JSON, unless it is somebody's data.
fn body(message: &Message, draft: &Draft, compact: bool) -> Result<Bytes, Leak> {
    let Message { headers, body, .. } = message;
    let splices = draft.of(Part::Body);
    let changed = !splices.is_empty();
    let written = if changed {
        let is_stream = wire::media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(event_stream::MEDIA_TYPE));
        // Where a stream's frames could not be read, it was searched as mere bytes.
        let spliced = match is_stream && event_stream::frames(body).is_ok() {
            true => frames::spliced(body, splices),
            false => Splice::apply(Part::Body, body, splices),
        };
        spliced.map(Bytes::from).ok_or_else(|| Leak::Unwritable {
            place: "the body".to_owned(),
        })?
    } else {
        body.clone()
    };
    if compact
        && !draft.raw
        && let Ok(text) = std::str::from_utf8(&written)
        && let Ok(compacted) = rewrite::compact(text)
    {
        return Ok(compacted.into());
    }
    Ok(written)
}
