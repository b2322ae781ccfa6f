//! What must not be written, and what is written instead.
//!
//! [`Redactor::redact`] turns an exchange into the interaction that may reach the disk; nothing
//! else makes one. In order: headers ([`headers`]), sensitive members by the model and by a list
//! ([`rules`]), secrets by their form ([`scan`]), account ids; each becomes a stand-in
//! ([`stand_in`]). A last look refuses what still holds a secret. The matcher asks the same
//! redactor what stands for a live value, so that redaction never changes whether two calls match.

pub mod echo;
pub mod headers;
mod known;
pub mod numbering;
mod places;
pub mod rules;
pub mod scan;
pub mod stand_in;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod writer;

use crate::cassette::{Interaction, Redaction};
use crate::inspect::{Call, Finding};
use crate::model::schema::{Member, ShapeIndex};
use crate::pointer::{self, Path};
use crate::protocol::Reply;
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use headers::ContentError;
use http::header::HeaderMap;
use known::{Accounts, NO_ACCOUNT, accounts_of_body, listed_texts, remember};
use places::{PlaceToHide, Side};
use rules::{Context, Rule};
use stand_in::StandIns;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use writer::{Writer, rule_is_void};

/// Why an interaction cannot be written. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Leak {
    /// A secret is left. It is a mistake of Ferrotape's that this finds before the disk does.
    #[error("`{place}` would still hold a secret (rule `{}`), so the interaction is not written", .rule.id())]
    Secret {
        /// A pointer into the interaction.
        place: String,
        /// The rule that found it.
        rule: Rule,
    },
    /// A body's content encoding hides what it holds.
    #[error("{side}: {why}, so its secrets cannot be seen and the interaction is not written")]
    Encoded {
        /// `request` or `response`.
        side: &'static str,
        /// What is wrong with it.
        why: ContentError,
    },
    /// With stand-ins in it, the URI is none any more.
    #[error("the request's URI cannot be redacted, so the interaction is not written")]
    Uri,
}

/// The redaction of one cassette. Shared by all of its clients.
pub struct Redactor {
    stand_ins: StandIns,
    /// Operation and pointer of what the user asked to keep readable.
    keep: Vec<(String, String)>,
    accounts: Mutex<Accounts>,
    /// Texts of the cassette in use that are listed as redacted, by what they hold.
    listed: HashMap<String, Vec<Rule>>,
    /// Secrets of the run itself, in every spelling, that nothing written may hold.
    own_secrets: Vec<String>,
}

impl Redactor {
    /// The redactor of a cassette. `known`: the interactions of the cassette in use, whose
    /// stand-ins map to themselves; none for a new cassette. An empty salt works, but anybody can
    /// compute its stand-ins: only a hand-made cassette has one.
    pub fn new(redaction: &Redaction, known: &mut dyn Iterator<Item = &Interaction>) -> Redactor {
        let mut stand_ins = StandIns::new(&redaction.salt);
        let mut listed = HashMap::new();
        for interaction in known {
            remember(&mut stand_ins, interaction);
            listed_texts(interaction, &mut listed);
        }
        let keep = redaction.keep.iter().filter_map(|keep| keep.split_once(':'));
        Redactor {
            stand_ins,
            keep: keep.map(|(operation, path)| (operation.to_owned(), path.to_owned())).collect(),
            accounts: Mutex::default(),
            listed,
            own_secrets: Vec::new(),
        }
    }

    /// Refuses to write any interaction that holds one of these secrets of the run itself (its
    /// token, the secret keys that it signs with): as they are, percent-encoded, or in base64.
    /// Shorter ones than eight characters say nothing and are passed over.
    pub fn never_write(&mut self, secrets: impl IntoIterator<Item = String>) {
        for secret in secrets.into_iter().filter(|secret| secret.len() >= 8) {
            let escaped = percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string();
            self.own_secrets.extend([stand_in::base64_text(secret.as_bytes()), escaped, secret]);
        }
    }

    /// What stands for a value: the same for equal values, wherever a place can hold it.
    pub fn stand_in(&self, value: &Value, member: Option<&Member>) -> Value {
        self.stand_ins.value(value, member)
    }

    /// What is written for a scalar whose place says that it is a secret; nothing where the place
    /// does not, or the user keeps it. `recorded` values of a cassette are stand-ins as they are.
    pub fn hidden<'v>(
        &self,
        context: &Context<'_>,
        operation: &str,
        path: &Path<'_>,
        value: &'v Value,
        recorded: bool,
    ) -> Option<Cow<'v, Value>> {
        let rule = context.secret?;
        match value {
            Value::Null | Value::List(_) | Value::Object(_) => return None,
            Value::Text(text) if rule == Rule::SecretForms && text.is_empty() => return None,
            Value::Text(_) => {}
            _ if rule == Rule::SecretForms => return None,
            _ => {}
        }
        if self.keeps(operation, path) {
            return None;
        }
        if recorded || stand_in::is_marked(value) {
            return Some(Cow::Borrowed(value));
        }
        Some(Cow::Owned(self.stand_ins.value(value, context.member)))
    }

    /// A text without the secrets that their form gives away. Account ids stay.
    pub fn scrubbed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match scan::scrub(&self.stand_ins, text) {
            Some((clean, _)) => Cow::Owned(clean),
            None => Cow::Borrowed(text),
        }
    }

    /// A map's key as it is written.
    pub fn map_key<'t>(&self, context: &Context<'_>, operation: &str, path: &Path<'_>, key: &'t str, recorded: bool) -> Cow<'t, str> {
        if context.secret.is_none_or(|rule| rule == Rule::SecretForms) || self.keeps(operation, path) {
            return self.scrubbed(key);
        }
        if recorded {
            return Cow::Borrowed(key);
        }
        match self.stand_ins.value(&Value::Text(key.to_owned()), context.member) {
            Value::Text(stand_in) => Cow::Owned(stand_in),
            _ => Cow::Borrowed(key),
        }
    }

    fn keeps(&self, operation: &str, path: &Path<'_>) -> bool {
        !self.keep.is_empty() && {
            let pointer = path.render();
            self.keep
                .iter()
                .any(|(kept, pattern)| kept == operation && rules::leads_to(pattern, &pointer))
        }
    }

    /// An exchange as it may be written. Bodies come as they were on the wire, with their content
    /// encoding; `finding` is what `inspect` says of the exchange.
    ///
    /// # Errors
    /// Where a secret would be left: then nothing may be written.
    pub fn redact(&self, request: &Request, response: &Response, finding: &Finding, attempt: u32) -> Result<Interaction, Leak> {
        let encoded = |side| move |why| Leak::Encoded { side, why };
        let asked = headers::decode_content(request.headers(), request.body()).map_err(encoded("request"))?;
        let answered = headers::decode_content(response.headers(), response.body()).map_err(encoded("response"))?;
        let call = finding.call.as_ref();
        let (input, output) = self.sides(finding);
        let names = self.rename_accounts_of(request, &asked, &answered, response);
        let mut writer = Writer::new(self, names);
        let uri = writer.uri(request)?;
        let request_headers = writer.headers("/request/headers", headers::of_request(request.headers()));
        let request_body = writer.body("/request/body", &asked, &input, true);
        let head = request.method() == http::Method::HEAD;
        let response_headers = writer.headers("/response/headers", headers::of_response(response.headers(), head));
        let response_body = writer.body("/response/body", &answered, &output, false);
        let mut interaction = Interaction {
            service: call.map(|call| call.service.sdk_id.clone()),
            operation: call.map(|call| call.service.operation(call.operation).name.clone()),
            region: call.and_then(|call| call.region.clone()),
            request: rebuilt_request(request, uri, request_headers, request_body)?,
            response: rebuilt_response(response, response_headers, response_body),
            attempt,
            redacted: writer.redacted,
            unknown: Default::default(),
        };
        refresh(&mut interaction, request.body(), response.body(), head);
        let mut leaks = scan::leaks(&interaction);
        leaks.extend(scan::literally(&interaction, &self.own_secrets));
        match leaks.into_iter().next() {
            Some(leak) => Err(leak),
            None => Ok(interaction),
        }
    }

    /// Redacts what stands plainly at sensitive places of an interaction of a cassette (somebody
    /// edited it), and says where. Costs a walk through the values where nothing does.
    pub fn redact_loaded(&self, interaction: &mut Interaction, finding: &Finding) -> Vec<String> {
        let (input, output) = self.sides(finding);
        let mut lints = Vec::new();
        for (base, side) in [("/request/body", input), ("/response/body", output)] {
            let plain: HashMap<String, PlaceToHide<'_>> = side
                .places
                .into_iter()
                .filter(|(pointer, place)| !self.is_hidden(interaction, &format!("{base}{pointer}"), place))
                .collect();
            if plain.is_empty() {
                continue;
            }
            let mut places: Vec<&String> = plain.keys().collect();
            places.sort();
            lints.extend(
                places
                    .iter()
                    .map(|pointer| format!("`{base}{pointer}` stood in plain text and is hidden")),
            );
            let side = Side {
                operation: side.operation,
                places: plain,
                departures: side.departures,
                decoded: true,
            };
            let mut writer = Writer::new(self, HashMap::new());
            let body = if base == "/request/body" {
                interaction.request.body_mut()
            } else {
                interaction.response.body_mut()
            };
            *body = writer.body(base, &body.clone(), &side, false);
            for place in writer.redacted {
                if !interaction.redacted.contains(&place) {
                    interaction.redacted.push(place);
                }
            }
            if base == "/response/body" {
                let body = interaction.response.body().clone();
                headers::refresh_checksums(interaction.response.headers_mut(), &body);
            }
        }
        lints
    }

    fn is_hidden(&self, interaction: &Interaction, path: &str, place: &PlaceToHide<'_>) -> bool {
        let key = pointer::tokens(path).last().unwrap_or_default();
        let key_is_hidden = place.key_rule.is_none() || stand_in::is_marked_text(&key);
        let value_is_hidden = place.rule.is_none()
            || place.expiry
            || rule_is_void(place)
            || stand_in::is_marked(&place.value)
            // No mark fits there: the cassette's own word must do.
            || interaction.redacted.iter().any(|redacted| redacted.path == path) && !self.stand_ins.can_be_marked(&place.value, place.member);
        key_is_hidden && value_is_hidden
    }

    fn sides<'a>(&self, finding: &'a Finding) -> (Side<'a>, Side<'a>) {
        let call = finding.call.as_ref();
        let mut input = Side::new(call);
        let mut output = Side::new(call);
        if let Some(judged) = &finding.request {
            input.departures = judged.violations.iter().chain(&judged.lints).collect();
            if let (Some(call), Some(value)) = (call, &judged.content) {
                input.decoded = true;
                let shape = call.service.operation(call.operation).input;
                self.collect(Context::root(&call.service, shape), &Path::ROOT, value, &mut input);
            }
        }
        if let Some(judged) = &finding.response {
            output.departures = judged.violations.iter().chain(&judged.lints).collect();
            if let (Some(call), Some(reply)) = (call, &judged.content) {
                output.decoded = true;
                let (shape, value) = shape_of(call, reply);
                let context = shape.map_or(Context::unknown(), |shape| Context::root(&call.service, shape));
                self.collect(context, &Path::ROOT, value, &mut output);
            }
        }
        (input, output)
    }

    fn collect<'a>(&self, context: Context<'a>, path: &Path<'_>, value: &'a Value, side: &mut Side<'a>) {
        match value {
            Value::Object(entries) => {
                for (name, value) in entries {
                    let place = path.name(name);
                    let key = if context.is_map() { context.key() } else { Context::unknown() };
                    if let Some(rule) = key
                        .secret
                        .filter(|rule| *rule != Rule::SecretForms && !self.keeps(side.operation, &place))
                    {
                        let entry = side.place(&place, Value::Null);
                        entry.key_rule = Some(rule);
                        entry.key_member = key.member;
                    }
                    self.collect(context.child(name), &place, value, side);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(context.item(), &path.index(index), item, side);
                }
            }
            Value::Null => {}
            scalar => {
                let secret = context.secret.filter(|_| !self.keeps(side.operation, path));
                if secret.is_some() || context.expiry {
                    let place = side.place(path, scalar.clone());
                    place.rule = secret.or(Some(Rule::Credentials));
                    place.member = context.member;
                    place.expiry = context.expiry;
                }
            }
        }
    }

    /// The account ids of an exchange and what stands for each, in order of first appearance.
    fn rename_accounts_of(&self, request: &Request, asked: &Bytes, answered: &Bytes, response: &Response) -> HashMap<String, String> {
        let mut found = Vec::new();
        scan::accounts("", &request.uri().to_string(), &mut found);
        for value in request.headers().values() {
            scan::accounts("", value.to_str().unwrap_or_default(), &mut found);
        }
        accounts_of_body(asked, &mut found);
        for value in response.headers().values() {
            scan::accounts("", value.to_str().unwrap_or_default(), &mut found);
        }
        accounts_of_body(answered, &mut found);
        // A recording of a replay lists the same places, so stand-ins are renamed to themselves.
        found.retain(|id| id != NO_ACCOUNT);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        found
            .into_iter()
            .map(|id| {
                let stand_in = accounts.stand_in(&id);
                (id, stand_in)
            })
            .collect()
    }
}

fn shape_of<'a>(call: &Call, reply: &'a Reply) -> (Option<ShapeIndex>, &'a Value) {
    match reply {
        Reply::Output(value) => (Some(call.service.operation(call.operation).output), value),
        Reply::Error { shape, value, .. } => (*shape, value),
    }
}

fn rebuilt_request(request: &Request, uri: http::Uri, headers: HeaderMap, body: Bytes) -> Result<Request, Leak> {
    let mut built = Request::new(body);
    *built.method_mut() = request.method().clone();
    *built.version_mut() = request.version();
    *built.uri_mut() = uri;
    *built.headers_mut() = headers;
    Ok(built)
}

fn rebuilt_response(response: &Response, headers: HeaderMap, body: Bytes) -> Response {
    let mut built = Response::new(body);
    *built.status_mut() = response.status();
    *built.version_mut() = response.version();
    *built.headers_mut() = headers;
    built
}

/// Checksums follow the bodies as they are written.
fn refresh(interaction: &mut Interaction, asked: &Bytes, answered: &Bytes, head: bool) {
    if interaction.request.body() != asked {
        let body = interaction.request.body().clone();
        headers::refresh_checksums(interaction.request.headers_mut(), &body);
    }
    if interaction.response.body() != answered && !head {
        let body = interaction.response.body().clone();
        headers::refresh_checksums(interaction.response.headers_mut(), &body);
    }
}
