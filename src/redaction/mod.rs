//! What must not be written, and what is written instead.
//!
//! [`Redactor::redact`] turns an exchange into the interaction that may reach the disk; nothing
//! else makes one. In order: headers ([`headers`]), sensitive members by the model and by a list
//! ([`rules`]), secrets by their form ([`scan`]), account ids; each becomes a stand-in
//! ([`stand_in`]). A last look refuses what still holds a secret. The matcher asks the same
//! redactor what stands for a live value, so that redaction never changes whether two calls match.

pub mod echo;
pub mod headers;
pub mod numbering;
pub mod rules;
pub mod scan;
pub mod stand_in;
#[cfg(test)]
pub(crate) mod testing;

use crate::cassette::{Interaction, Redacted, Redaction};
use crate::contract::{Departure, Rule as Constraint};
use crate::inspect::{Call, Finding};
use crate::json::lexer::{Lexer, Token};
use crate::json::rewrite::{self, Edit, Place};
use crate::model::schema::{Member, ShapeIndex};
use crate::pointer::{self, Path};
use crate::protocol::Reply;
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use headers::ContentError;
use http::header::{HeaderMap, HeaderValue};
use rules::{Context, Rule};
use stand_in::{FAR_FUTURE, StandIns};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

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
}

/// The account ids met so far, in order of first appearance. Only in memory.
#[derive(Default)]
struct Accounts {
    numbers: HashMap<String, u64>,
    /// Numbers up to here stand for accounts of the cassette in use.
    taken: u64,
}

impl Accounts {
    fn stand_in(&mut self, id: &str) -> String {
        let next = self.taken + 1;
        let number = *self.numbers.entry(id.to_owned()).or_insert(next);
        self.taken = self.taken.max(number);
        format!("{number:012}")
    }
}

/// Every place of one side of an exchange that is not written as it was.
struct Side<'a> {
    operation: &'a str,
    /// By pointer in the body.
    places: HashMap<String, PlaceToHide<'a>>,
    departures: Vec<&'a Departure>,
}

struct PlaceToHide<'a> {
    rule: Option<Rule>,
    key_rule: Option<Rule>,
    member: Option<&'a Member>,
    key_member: Option<&'a Member>,
    value: Value,
    expiry: bool,
}

impl Redactor {
    /// The redactor of a cassette. `known`: the interactions of the cassette in use, whose
    /// stand-ins map to themselves; none for a new cassette. An empty salt works, but anybody can
    /// compute its stand-ins: only a hand-made cassette has one.
    pub fn new(redaction: &Redaction, known: &mut dyn Iterator<Item = &Interaction>) -> Redactor {
        let mut stand_ins = StandIns::new(&redaction.salt);
        let mut taken = 0;
        for interaction in known {
            remember(&mut stand_ins, interaction);
            taken = taken.max(highest_account(interaction));
        }
        let keep = redaction.keep.iter().filter_map(|keep| keep.split_once(':'));
        Redactor {
            stand_ins,
            keep: keep.map(|(operation, path)| (operation.to_owned(), path.to_owned())).collect(),
            accounts: Mutex::new(Accounts {
                numbers: HashMap::new(),
                taken,
            }),
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
        if recorded || self.stand_ins.is_stand_in(value) {
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
        let mut writer = Writer {
            redactor: self,
            accounts: names,
            redacted: Vec::new(),
        };
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
        match scan::leaks(&interaction).into_iter().next() {
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
            };
            let mut writer = Writer {
                redactor: self,
                accounts: HashMap::new(),
                redacted: Vec::new(),
            };
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
            || self.stand_ins.is_stand_in(&place.value)
            || rule_is_void(place)
            || interaction.redacted.iter().any(|redacted| redacted.path == path);
        key_is_hidden && value_is_hidden
    }

    fn sides<'a>(&self, finding: &'a Finding) -> (Side<'a>, Side<'a>) {
        let call = finding.call.as_ref();
        let mut input = Side::new(call);
        let mut output = Side::new(call);
        if let Some(judged) = &finding.request {
            input.departures = judged.violations.iter().chain(&judged.lints).collect();
            if let (Some(call), Some(value)) = (call, &judged.content) {
                let shape = call.service.operation(call.operation).input;
                self.collect(Context::root(&call.service, shape), &Path::ROOT, value, &mut input);
            }
        }
        if let Some(judged) = &finding.response {
            output.departures = judged.violations.iter().chain(&judged.lints).collect();
            if let (Some(call), Some(reply)) = (call, &judged.content) {
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
        found.retain(|id| !scan::is_account_stand_in(id));
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

impl<'a> Side<'a> {
    fn new(call: Option<&'a Call>) -> Side<'a> {
        Side {
            operation: call.map_or("", |call| &call.service.operation(call.operation).name),
            places: HashMap::new(),
            departures: Vec::new(),
        }
    }

    fn place(&mut self, path: &Path<'_>, value: Value) -> &mut PlaceToHide<'a> {
        let place = self.places.entry(path.render()).or_insert(PlaceToHide {
            rule: None,
            key_rule: None,
            member: None,
            key_member: None,
            value: Value::Null,
            expiry: false,
        });
        if !matches!(value, Value::Null) {
            place.value = value;
        }
        place
    }

    /// The constraints that the true value at `pointer` broke. A missing or mistyped value is
    /// judged again from the stand-in, so these two are not told.
    fn breaks(&self, pointer: &str) -> Vec<String> {
        let mut breaks: Vec<String> = Vec::new();
        for departure in &self.departures {
            let told = !matches!(departure.rule, Constraint::Required | Constraint::Type | Constraint::Unknown);
            let name = departure.rule.name();
            if told && departure.path == pointer && !breaks.iter().any(|known| known == name) {
                breaks.push(name.to_owned());
            }
        }
        breaks
    }
}

/// Writes the parts of an interaction and lists what it replaced, in document order.
struct Writer<'a> {
    redactor: &'a Redactor,
    accounts: HashMap<String, String>,
    redacted: Vec<Redacted>,
}

impl Writer<'_> {
    fn note(&mut self, path: String, rule: Rule, breaks: Vec<String>) {
        let known = self.redacted.iter().any(|place| place.path == path && place.rule == rule.id());
        if !known {
            self.redacted.push(Redacted {
                path,
                rule: rule.id().to_owned(),
                breaks,
            });
        }
    }

    /// Secrets by form, then account ids; the rules that found something.
    fn clean(&self, text: &str) -> Option<(String, Vec<Rule>)> {
        let mut rules = Vec::new();
        let scrubbed = scan::scrub(&self.redactor.stand_ins, text).map(|(clean, rule)| {
            rules.push(rule);
            clean
        });
        let renamed = scan::rename_accounts(scrubbed.as_deref().unwrap_or(text), &|id| self.accounts.get(id).cloned());
        if renamed.is_some() {
            rules.push(Rule::AccountId);
        }
        renamed.or(scrubbed).map(|clean| (clean, rules))
    }

    fn uri(&mut self, request: &Request) -> Result<http::Uri, Leak> {
        let Some((clean, rules)) = self.clean(&request.uri().to_string()) else {
            return Ok(request.uri().clone());
        };
        for rule in rules {
            self.note("/request/uri".to_owned(), rule, Vec::new());
        }
        clean.parse().map_err(|_| Leak::Uri)
    }

    fn headers(&mut self, base: &str, headers: HeaderMap) -> HeaderMap {
        let mut out = HeaderMap::with_capacity(headers.keys_len());
        for (name, value) in &headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            let replaced = match headers::secret(name.as_str()) {
                Some(rule) => headers::hidden(&self.redactor.stand_ins, &text).map(|stand_in| (stand_in, vec![rule])),
                None => self.clean(&text),
            };
            let Some((clean, rules)) = replaced else {
                out.append(name.clone(), value.clone());
                continue;
            };
            for rule in rules {
                self.note(format!("{base}/{name}"), rule, Vec::new());
            }
            out.append(name.clone(), HeaderValue::from_str(&clean).unwrap_or(HeaderValue::from_static("")));
        }
        out
    }

    fn body(&mut self, base: &str, body: &Bytes, side: &Side<'_>, compact: bool) -> Bytes {
        let Ok(text) = std::str::from_utf8(body) else {
            return body.clone();
        };
        match self.json(base, text, side, compact) {
            Some(None) => body.clone(),
            Some(Some(clean)) => clean.into(),
            None => self.plain_body(base, text).map_or_else(|| body.clone(), Bytes::from),
        }
    }

    fn plain_body(&mut self, base: &str, text: &str) -> Option<String> {
        let (clean, rules) = self.clean(text)?;
        for rule in rules {
            self.note(base.to_owned(), rule, Vec::new());
        }
        Some(clean)
    }

    /// Nothing where the text is no JSON; `Some(None)` where it stays as it is.
    fn json(&mut self, base: &str, text: &str, side: &Side<'_>, compact: bool) -> Option<Option<String>> {
        if text.is_empty() {
            return None;
        }
        let mut renamed: Vec<(String, String)> = Vec::new();
        let mut notes: Vec<(String, Rule, Vec<String>)> = Vec::new();
        let edits = self.edits(text, side, &mut notes)?;
        let edited = if edits.is_empty() {
            None
        } else {
            Some(rewrite::replace(text, &edits).ok()?)
        };
        let mut changed = edited.is_some();
        let source = edited.as_deref().unwrap_or(text);
        let mapped = rewrite::map_strings(source, &mut |place, string| {
            let hidden = side.places.get(place.pointer);
            let (clean, rules) = match (place.place, hidden) {
                (Place::Key, Some(hidden)) if hidden.key_rule.is_some() => self.hide_key(hidden, string)?,
                (Place::Value, Some(hidden)) if hidden.rule.is_some() && !rule_is_void(hidden) => self.hide(hidden, string)?,
                _ => self.clean(string)?,
            };
            changed |= clean != string;
            if place.place == Place::Key {
                let parent = place.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                let mut stored = stored_pointer(parent, &renamed);
                stored.push('/');
                pointer::escape_into(&clean, &mut stored);
                renamed.push((place.pointer.to_owned(), stored));
            }
            let breaks = side.breaks(place.pointer);
            notes.extend(rules.into_iter().map(|rule| (place.pointer.to_owned(), rule, breaks.clone())));
            Some(clean)
        })
        .ok()?;
        for (pointer, rule, breaks) in in_document_order(source, notes) {
            self.note(format!("{base}{}", stored_pointer(&pointer, &renamed)), rule, breaks);
        }
        let result = if changed { Some(mapped) } else { None };
        if compact {
            return Some(rewrite::compact(result.as_deref().unwrap_or(text)).ok());
        }
        Some(result)
    }

    /// A secret string: its stand-in, in the encoding of the place. A stand-in stays, and is listed.
    fn hide(&self, place: &PlaceToHide<'_>, string: &str) -> Option<(String, Vec<Rule>)> {
        let rule = place.rule?;
        if string.is_empty() && rule == Rule::SecretForms {
            return None;
        }
        if place.expiry {
            return Some(("2099-12-31T23:59:59Z".to_owned(), vec![rule]));
        }
        // A duplicate key can hold another string than the value that counts.
        let value = match &place.value {
            Value::Blob(bytes) if stand_in::base64_text(bytes) == string => place.value.clone(),
            Value::Blob(_) => match stand_in::base64_bytes(string) {
                Some(bytes) => Value::Blob(bytes),
                None => Value::Text(string.to_owned()),
            },
            _ => Value::Text(string.to_owned()),
        };
        match self.redactor.stand_ins.value(&value, place.member) {
            Value::Text(stand_in) => Some((stand_in, vec![rule])),
            Value::Blob(bytes) => Some((stand_in::base64_text(&bytes), vec![rule])),
            _ => None,
        }
    }

    fn hide_key(&self, place: &PlaceToHide<'_>, key: &str) -> Option<(String, Vec<Rule>)> {
        match self.redactor.stand_ins.value(&Value::Text(key.to_owned()), place.key_member) {
            Value::Text(stand_in) => Some((stand_in, vec![place.key_rule?])),
            _ => None,
        }
    }

    /// Edits for secrets that are no strings: numbers, booleans, instants.
    fn edits(&self, text: &str, side: &Side<'_>, notes: &mut Vec<(String, Rule, Vec<String>)>) -> Option<Vec<Edit>> {
        if side.places.is_empty() {
            // The document must still be one.
            return Some(Vec::new());
        }
        let mut edits = Vec::new();
        let mut scalars = Vec::new();
        scalars_of(text, &mut |pointer, lexeme| {
            if side.places.contains_key(pointer) {
                scalars.push((pointer.to_owned(), lexeme.to_owned()));
            }
        })?;
        for (pointer, lexeme) in scalars {
            let Some(place) = side.places.get(&pointer) else {
                continue;
            };
            let (Some(rule), false) = (place.rule, rule_is_void(place)) else {
                continue;
            };
            let lexeme = if place.expiry {
                expiry_of(&lexeme)
            } else {
                self.number(place, &lexeme)
            };
            notes.push((pointer.clone(), rule, side.breaks(&pointer)));
            edits.push(Edit {
                pointer,
                place: Place::Value,
                lexeme,
            });
        }
        Some(edits)
    }

    fn number(&self, place: &PlaceToHide<'_>, lexeme: &str) -> String {
        match self.redactor.stand_ins.value(&place.value, place.member) {
            Value::Bool(value) => value.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Number(text) => text,
            Value::Timestamp { seconds, .. } => seconds.to_string(),
            // The value that counts has another type than this one of a repeated key.
            _ if lexeme.starts_with(['t', 'f']) => "false".to_owned(),
            _ => "0".to_owned(),
        }
    }
}

/// A rule by name hides only strings.
fn rule_is_void(place: &PlaceToHide<'_>) -> bool {
    let empty = matches!(&place.value, Value::Text(text) if text.is_empty());
    place.rule == Some(Rule::SecretForms) && !place.expiry && (empty || !matches!(place.value, Value::Text(_)))
}

/// 2099-12-31T23:59:59Z in the unit of the number that stands there.
fn expiry_of(lexeme: &str) -> String {
    let millis = lexeme.parse::<f64>().is_ok_and(|number| number > 1e11);
    if millis {
        format!("{FAR_FUTURE}000")
    } else {
        FAR_FUTURE.to_string()
    }
}

fn shape_of<'a>(call: &Call, reply: &'a Reply) -> (Option<ShapeIndex>, &'a Value) {
    match reply {
        Reply::Output(value) => (Some(call.service.operation(call.operation).output), value),
        Reply::Error { shape, value, .. } => (*shape, value),
    }
}

/// The pointer as it leads through the written document, whose keys may be stand-ins.
fn stored_pointer(pointer: &str, renamed: &[(String, String)]) -> String {
    let longest = renamed
        .iter()
        .filter(|(from, _)| {
            pointer
                .strip_prefix(from.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|(from, _)| from.len());
    match longest {
        Some((from, to)) => format!("{to}{}", &pointer[from.len()..]),
        None => pointer.to_owned(),
    }
}

/// Hands out every number and boolean of a document with its pointer; nothing for no JSON.
fn scalars_of(text: &str, visit: &mut dyn FnMut(&str, &str)) -> Option<()> {
    walk_json(text, &mut |pointer, token, lexeme| {
        if matches!(token, Token::Number(_) | Token::Bool(_)) {
            visit(pointer, lexeme);
        }
    })
}

fn in_document_order(text: &str, mut notes: Vec<(String, Rule, Vec<String>)>) -> Vec<(String, Rule, Vec<String>)> {
    if notes.len() < 2 {
        return notes;
    }
    let mut order: HashMap<String, usize> = HashMap::new();
    let _ = walk_json(text, &mut |pointer, _, _| {
        let next = order.len();
        order.entry(pointer.to_owned()).or_insert(next);
    });
    notes.sort_by_key(|(pointer, _, _)| order.get(pointer).copied().unwrap_or(usize::MAX));
    notes
}

/// Visits every key and scalar of a document with the pointer that leads to it.
fn walk_json(text: &str, visit: &mut dyn FnMut(&str, Token<'_>, &str)) -> Option<()> {
    let mut lexer = Lexer::new(text);
    let mut pointer = String::new();
    // For each open container: the length of its pointer, and the next index of an array.
    let mut levels: Vec<(usize, Option<usize>)> = Vec::new();
    loop {
        let token = lexer.next().ok()?;
        if let Some((length, Some(index))) = levels.last_mut()
            && !matches!(token, Token::ArrayEnd)
        {
            pointer.truncate(*length);
            pointer.push('/');
            pointer.push_str(&index.to_string());
            *index += 1;
        }
        match token {
            Token::End => return Some(()),
            Token::ObjectStart => levels.push((pointer.len(), None)),
            Token::ArrayStart => levels.push((pointer.len(), Some(0))),
            Token::ObjectEnd | Token::ArrayEnd => {
                if let Some((length, _)) = levels.pop() {
                    pointer.truncate(length);
                }
            }
            Token::Key(raw) => {
                pointer.truncate(levels.last().map_or(0, |(length, _)| *length));
                pointer.push('/');
                pointer::escape_into(&raw.decode(), &mut pointer);
                visit(&pointer, token, "");
            }
            Token::Text(_) | Token::Number(_) | Token::Bool(_) | Token::Null => {
                visit(&pointer, token, &text[lexer.token_start()..lexer.token_end()]);
            }
        }
    }
}

fn accounts_of_body(body: &[u8], found: &mut Vec<String>) {
    if scan::twelve_digits(body).next().is_none() {
        return;
    }
    let text = String::from_utf8_lossy(body);
    let mut in_strings = Vec::new();
    let document = rewrite::map_strings(&text, &mut |place, string| {
        let name = if place.place == Place::Value {
            scan::last_name(place.pointer)
        } else {
            String::new()
        };
        scan::accounts(&name, string, &mut in_strings);
        None
    });
    if document.is_err() {
        in_strings.clear();
        scan::accounts("", &text, &mut in_strings);
    }
    for id in in_strings {
        if !found.contains(&id) {
            found.push(id);
        }
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

/// Remembers the stand-ins of an interaction that bear no mark.
fn remember(stand_ins: &mut StandIns, interaction: &Interaction) {
    for (base, body) in [
        ("/request/body", interaction.request.body()),
        ("/response/body", interaction.response.body()),
    ] {
        let rules = [Rule::SensitiveMembers.id(), Rule::Credentials.id(), Rule::SecretForms.id()];
        let listed = |place: &Redacted| rules.contains(&place.rule.as_str()) && place.path.starts_with(base);
        let paths: Vec<&str> = interaction
            .redacted
            .iter()
            .filter(|place| listed(place))
            .map(|place| &place.path[base.len()..])
            .collect();
        let Ok(text) = std::str::from_utf8(body) else {
            continue;
        };
        if paths.is_empty() {
            continue;
        }
        let _ = walk_json(text, &mut |pointer, token, lexeme| {
            if paths.contains(&pointer) {
                match token {
                    Token::Text(raw) => {
                        let text = raw.decode();
                        // A cut blob is known by its bytes, a cut text by its letters.
                        if let Some(bytes) = stand_in::base64_bytes(&text) {
                            stand_ins.remember(&Value::Blob(bytes));
                        }
                        stand_ins.remember(&Value::Text(text.into_owned()));
                    }
                    Token::Number(_) => stand_ins.remember(&number_of(lexeme)),
                    _ => {}
                }
            }
        });
    }
}

fn number_of(lexeme: &str) -> Value {
    lexeme.parse().map_or_else(|_| Value::Number(lexeme.to_owned()), Value::Integer)
}

/// The highest number that an account has in an interaction.
fn highest_account(interaction: &Interaction) -> u64 {
    if !interaction.redacted.iter().any(|place| place.rule == Rule::AccountId.id()) {
        return 0;
    }
    let uri = interaction.request.uri().to_string();
    let headers = interaction
        .request
        .headers()
        .values()
        .chain(interaction.response.headers().values());
    let parts = [uri.as_bytes(), interaction.request.body(), interaction.response.body()];
    let parts = parts.into_iter().chain(headers.map(HeaderValue::as_bytes));
    let numbers = parts.flat_map(|part| scan::twelve_digits(part).map(|start| &part[start..start + 12]));
    let stand_ins = numbers
        .filter_map(|id| std::str::from_utf8(id).ok())
        .filter(|id| scan::is_account_stand_in(id));
    stand_ins.filter_map(|id| id.parse().ok()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    fn listed(interaction: &Interaction) -> Vec<String> {
        interaction
            .redacted
            .iter()
            .map(|place| format!("{} {}", place.path, place.rule))
            .collect()
    }

    fn standing(value: &str) -> String {
        StandIns::new(SALT).text(value)
    }

    #[test]
    fn sensitive_members_are_hidden_and_equal_ones_stay_equal() {
        let taken = redacted(
            &redactor(),
            r#"{ "name": "n", "spec": "hunter2" }"#,
            200,
            r#"{"spec": "hunter2","arn":"x"}"#,
        );
        let spec = standing("hunter2");
        assert_eq!(text(taken.request.body()), format!(r#"{{"name":"n","spec":"{spec}"}}"#));
        assert_eq!(text(taken.response.body()), format!(r#"{{"spec": "{spec}","arn":"x"}}"#));
        assert_eq!(
            listed(&taken),
            ["/request/body/spec sensitive-members", "/response/body/spec sensitive-members"]
        );
        assert_eq!((taken.service.as_deref(), taken.operation.as_deref()), (Some("STS"), Some("Put")));
    }

    #[test]
    fn vended_credentials_are_hidden_and_never_expire() {
        let body = r#"{"Credentials":{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"s","SessionToken":"t","Expiration":1.6E9}}"#;
        let taken = redacted(&redactor(), "{}", 200, body);
        let (id, secret, token) = (standing("ASIAIOSFODNN7EXAMPLE"), standing("s"), standing("t"));
        assert_eq!(
            text(taken.response.body()),
            format!(
                r#"{{"Credentials":{{"AccessKeyId":"{id}","SecretAccessKey":"{secret}","SessionToken":"{token}","Expiration":4102444799}}}}"#
            )
        );
        assert_eq!(
            listed(&taken),
            [
                "/response/body/Credentials/AccessKeyId credentials",
                "/response/body/Credentials/SecretAccessKey credentials",
                "/response/body/Credentials/SessionToken credentials",
                "/response/body/Credentials/Expiration credentials",
            ]
        );
    }

    #[test]
    fn an_errors_message_stays_readable_with_ids_scrubbed() {
        let body = r#"{"__type":"Oops","message":"arn:aws:iam::123456789012:user/a may not; key AKIAIOSFODNN7EXAMPLE","detail":"hunter2"}"#;
        let taken = redacted(&redactor(), "{}", 400, body);
        let (id, detail) = (standing("AKIAIOSFODNN7EXAMPLE"), standing("hunter2"));
        assert_eq!(
            text(taken.response.body()),
            format!(r#"{{"__type":"Oops","message":"arn:aws:iam::000000000001:user/a may not; key {id}","detail":"{detail}"}}"#)
        );
        assert_eq!(
            listed(&taken),
            [
                "/response/body/message access-key-id",
                "/response/body/message account-id",
                "/response/body/detail sensitive-members"
            ]
        );
    }

    #[test]
    fn secret_map_keys_blobs_numbers_and_duplicates_are_hidden() {
        let taken = redacted(
            &redactor(),
            r#"{"environment":{"KEY":"v"},"blob":"aHVudGVyMg==","number":1234,"spec":"first","spec":"second"}"#,
            200,
            "{}",
        );
        let body = text(taken.request.body());
        for secret in ["KEY", "\"v\"", "aHVudGVyMg", "1234,", "first", "second"] {
            assert!(!body.contains(secret), "{secret} in {body}");
        }
        let key = standing("KEY");
        assert_eq!(
            listed(&taken),
            [
                format!("/request/body/environment/{key} sensitive-members"),
                "/request/body/blob sensitive-members".to_owned(),
                "/request/body/number sensitive-members".to_owned(),
                "/request/body/spec sensitive-members".to_owned(),
            ]
        );
    }

    #[test]
    fn accounts_are_numbered_by_first_appearance_and_renamed_everywhere() {
        let redactor = redactor();
        let taken = redacted(
            &redactor,
            r#"{"name":"bucket-210987654321-x","accountId":"123456789012"}"#,
            200,
            r#"{"arn":"arn:aws:iam::210987654321:role/x"}"#,
        );
        assert_eq!(
            text(taken.request.body()),
            r#"{"name":"bucket-000000000002-x","accountId":"000000000001"}"#
        );
        assert_eq!(text(taken.response.body()), r#"{"arn":"arn:aws:iam::000000000002:role/x"}"#);
        let later = redacted(&redactor, r#"{"accountId":"210987654321","name":"order 123456789012"}"#, 200, "{}");
        assert_eq!(
            text(later.request.body()),
            r#"{"accountId":"000000000002","name":"order 123456789012"}"#
        );
        let next = redactor_after(&[taken]);
        let other = redacted(
            &next,
            r#"{"accountId":"345678901234","arn":"arn:aws:iam::000000000001:role/x"}"#,
            200,
            "{}",
        );
        assert_eq!(
            text(other.request.body()),
            r#"{"accountId":"000000000003","arn":"arn:aws:iam::000000000001:role/x"}"#
        );
    }

    #[test]
    fn headers_and_uri_are_cleaned_and_checksums_follow() {
        let mut request = request("{}");
        *request.uri_mut() = "https://123456789012.s3.amazonaws.com/?X-Amz-Signature=0a0b0c0d".parse().unwrap();
        request.headers_mut().insert("x-api-key", HeaderValue::from_static("hunter2"));
        let mut response = response(200, r#"{"spec":"s"}"#);
        response.headers_mut().insert("x-amz-crc32", HeaderValue::from_static("1"));
        response
            .headers_mut()
            .insert("location", HeaderValue::from_static("https://b/?X-Amz-Security-Token=hunter2"));
        let finding = finding(&request, &response);
        let taken = redactor().redact(&request, &response, &finding, 2).unwrap();
        assert_eq!(
            taken.request.uri().to_string(),
            format!("https://000000000001.s3.amazonaws.com/?X-Amz-Signature={}", standing("0a0b0c0d"))
        );
        assert_eq!(taken.request.headers()["x-api-key"], standing("hunter2"));
        assert_eq!(
            taken.response.headers()["location"],
            format!("https://b/?X-Amz-Security-Token={}", standing("hunter2"))
        );
        assert_eq!(
            taken.response.headers()["x-amz-crc32"],
            crc32fast::hash(taken.response.body()).to_string()
        );
        assert_eq!(taken.attempt, 2);
        assert_eq!(
            listed(&taken),
            [
                "/request/uri aws-signature",
                "/request/uri account-id",
                "/request/headers/x-api-key credentials",
                "/response/headers/location session-token",
                "/response/body/spec sensitive-members",
            ]
        );
    }

    #[test]
    fn the_constraints_that_the_true_value_broke_are_told() {
        let (request, response) = (request(r#"{"pin":"123","spec":"s"}"#), response(200, "{}"));
        let mut finding = finding(&request, &response);
        if let Some(judged) = &mut finding.request {
            judged.violations = vec![departure("/pin", Constraint::Length), departure("/spec", Constraint::Required)];
            judged.lints = vec![departure("/pin", Constraint::Pattern)];
        }
        let taken = redactor().redact(&request, &response, &finding, 1).unwrap();
        assert_eq!(taken.redacted[0].breaks, ["length", "pattern"]);
        assert!(taken.redacted[1].breaks.is_empty());
    }

    #[test]
    fn what_the_user_keeps_stays_readable() {
        let mut redaction = redaction();
        redaction.keep = vec!["Put:/spec".to_owned(), "Put:/environment/*".to_owned()];
        let redactor = Redactor::new(&redaction, &mut std::iter::empty());
        let body = r#"{"spec":"readable","environment":{"A":"b"},"pin":"12345678"}"#;
        let taken = redacted(&redactor, body, 200, "{}");
        assert_eq!(listed(&taken), ["/request/body/pin sensitive-members"]);
        assert!(text(taken.request.body()).starts_with(r#"{"spec":"readable","environment":{"A":"b"},"pin":"#));
    }

    #[test]
    fn a_plain_value_in_a_loaded_cassette_is_hidden_and_told() {
        let redactor = redactor();
        let mut taken = redacted(&redactor, r#"{"spec":"one","pin":"12345678"}"#, 200, r#"{"spec":"two"}"#);
        let before = taken.clone();
        let finding_of = |interaction: &Interaction| finding(&interaction.request, &interaction.response);
        assert!(redactor.redact_loaded(&mut taken, &finding_of(&before)).is_empty());
        assert_eq!(taken.request.body(), before.request.body());
        *taken.response.body_mut() = Bytes::from_static(br#"{"spec": "edited"}"#);
        let edited = finding_of(&taken);
        // The list of redacted places says that a stand-in is there, and its mark says otherwise.
        let mut unlisted = taken.clone();
        unlisted.redacted.clear();
        assert_eq!(
            redactor.redact_loaded(&mut unlisted, &edited),
            [
                "`/request/body/pin` stood in plain text and is hidden",
                "`/response/body/spec` stood in plain text and is hidden"
            ]
        );
        assert_eq!(text(unlisted.response.body()), format!(r#"{{"spec": "{}"}}"#, standing("edited")));
        assert_eq!(
            redactor.redact_loaded(&mut taken, &edited),
            ["`/response/body/spec` stood in plain text and is hidden"]
        );
    }

    #[test]
    fn redacting_twice_is_redacting_once() {
        let asked = r#"{"spec":"s","pin":"12345678","code":"ABC-123456","number":77,"blob":"aGk=","environment":{"K":"v"},"items":[{"password":"p"}],"arn":"arn:aws:iam::123456789012:role/x"}"#;
        let once = redacted(
            &redactor(),
            asked,
            200,
            r#"{"spec":"s","token":"6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11"}"#,
        );
        let again = redactor_after(std::slice::from_ref(&once));
        let twice = redacted(&again, text(once.request.body()), 200, text(once.response.body()));
        assert_eq!(twice.request.body(), once.request.body());
        assert_eq!(twice.response.body(), once.response.body());
        assert_eq!(twice.redacted.len() + 1, once.redacted.len(), "only the account needs no renaming");
    }

    #[test]
    fn a_body_whose_encoding_hides_it_is_not_written() {
        let request = request("{}");
        let mut response = response(200, "{}");
        response.headers_mut().insert("content-encoding", HeaderValue::from_static("br"));
        let finding = finding(&request, &response);
        let leak = redactor().redact(&request, &response, &finding, 1).unwrap_err();
        assert_eq!(
            leak.to_string(),
            "response: content encoding `br` is not known; ask for `gzip`, `deflate` or `identity`, so its secrets cannot be seen and the interaction is not written"
        );
    }

    #[test]
    fn a_secret_in_a_finished_interaction_is_a_leak() {
        let mut taken = redacted(&redactor(), "{}", 200, "{}");
        assert!(scan::leaks(&taken).is_empty());
        *taken.response.body_mut() = Bytes::from_static(br#"{"a":["AKIAIOSFODNN7EXAMPLE"]}"#);
        let leaks = scan::leaks(&taken);
        assert_eq!(
            leaks.iter().map(Leak::to_string).collect::<Vec<_>>(),
            ["`/response/body/a/0` would still hold a secret (rule `access-key-id`), so the interaction is not written"]
        );
    }
}
