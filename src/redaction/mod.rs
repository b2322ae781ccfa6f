//! What must not be written, and what is written instead.
//!
//! [`Redactor::redact`] turns an exchange into the interaction that may reach the disk; nothing
//! else makes one. In order: headers ([`headers`]), sensitive members by the model and by a list
//! ([`rules`]), secrets by their form ([`scan`]), account ids; each becomes a stand-in
//! ([`stand_in`]). A last look refuses what still holds a secret. The matcher asks the same
//! redactor what stands for a live value, so that redaction never changes whether two calls match.

pub mod digests;
mod draft;
pub mod echo;
mod exchange;
mod expression;
pub mod headers;
#[cfg(test)]
mod hostile_tests;
mod known;
mod known_names;
mod leak;
mod left;
mod listed;
mod loaded;
mod memory;
#[cfg(test)]
mod named_tests;
mod names;
pub mod numbering;
mod options;
mod ordinary;
mod places;
mod recurring;
pub mod renaming;
mod resource;
pub mod rules;
pub mod scan;
mod settle;
pub mod sightings;
pub mod stand_in;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod undecodable;
pub mod user;
mod writer;

pub use leak::Leak;

use crate::cassette::{Interaction, Redaction};
use crate::codec::spot::{self, Spot, Visit};
use crate::inspect::Finding;
use crate::pointer::Path;
use crate::protocol::{Malformed, Reply};
use crate::value::{self, Value};
use crate::wire::{Request, Response};
use bytes::Bytes;
use digests::Digests;
use exchange::{locate_request, locate_response, rebuilt_request, rebuilt_response, refresh};
use http::{HeaderMap, Uri};
use known::{AccountNames, Accounts, accounts_of, accounts_of_uri, listed_texts, remember};
use memory::Recall;
use places::{Side, is_void};
use recurring::Recurring;
use rules::{Context, Rule};
use scan::{AccountIds, Budget, Search, layers};
pub use settle::Settlement;
use stand_in::{At, StandIns};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use user::{UserRuleError, UserRules};
use writer::{Message, Writer};

/// Where the values come from that are to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A client or a service.
    Live,
    /// A cassette: they may be stand-ins that bear no mark.
    Cassette,
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
    /// What the user hides beyond that.
    user: UserRules,
    /// Values that stay readable, because they are names.
    plain: HashSet<String>,
    /// Recorded texts that hold placeholders, in replay.
    recurring: Option<Recurring>,
    /// What became of digests of what was hidden.
    digests: Digests,
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
            accounts: Mutex::new(Accounts::new(redaction.keeps_accounts)),
            listed,
            own_secrets: Vec::new(),
            user: UserRules::default(),
            plain: redaction.plain.iter().cloned().collect(),
            recurring: None,
            digests: Digests::default(),
        }
    }

    /// The same, that remembers what it hides and hides it wherever it recurs: for a recording.
    pub fn with_memory(mut self) -> Redactor {
        self.stand_ins.keep_in_mind();
        self
    }

    /// Who knows what is hidden wherever it recurs.
    fn recall(&self) -> Option<&dyn Recall> {
        let memory = self.stand_ins.memory().map(|memory| memory as &dyn Recall);
        memory.or(self.recurring.as_ref().map(|recurring| recurring as &dyn Recall))
    }

    /// Whether a value stays readable wherever it is.
    fn is_plain(&self, text: &str) -> bool {
        !self.plain.is_empty() && self.plain.contains(text)
    }

    /// Notes what stands in the place of a name: it may be given as a secret elsewhere.
    fn note_name(&self, spot: &Spot<'_>) {
        if let (Some(memory), Some(member)) = (self.stand_ins.memory(), spot.member)
            && !spot.key
            && names::is_name_of_resource(&spot::name_of(member))
        {
            memory.note_name(&spot.text);
        }
    }

    /// The redactor of a cassette with the rules of the user's own that it holds.
    ///
    /// # Errors
    /// Where one of these says nothing.
    pub fn with_rules(redaction: &Redaction, known: &mut dyn Iterator<Item = &Interaction>) -> Result<Redactor, UserRuleError> {
        let user = UserRules::read(&redaction.user)?;
        Ok(Redactor {
            user,
            ..Redactor::new(redaction, known)
        })
    }

    /// Takes the numbers that the accounts of these interactions have, so that no other gets one of
    /// them.
    pub fn reserve_accounts<'i>(&self, interactions: impl IntoIterator<Item = &'i Interaction>) {
        for Interaction { request, response, .. } in interactions {
            let mut found = accounts_of_message(request, request.body(), response.body(), response);
            found.retain(|id| scan::is_account_stand_in(id));
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            found.iter().for_each(|id| accounts.learn(id));
        }
    }

    fn search<'a>(&'a self, budget: &'a Budget) -> Search<'a> {
        Search {
            stand_ins: &self.stand_ins,
            patterns: self.user.patterns(),
            budget,
            known: self.recall(),
        }
    }

    /// The rule that hides the place of a walk: the context's, or one of the user's.
    fn secret_at(&self, context: &Context<'_>, operation: &str, path: &Path<'_>, value: &Value) -> Option<Rule> {
        if !self.plain.is_empty() && value.as_text().is_some_and(|text| self.is_plain(text)) {
            return None;
        }
        context.rule_for(value).or_else(|| {
            let has_paths = self.user.has_paths(operation);
            has_paths.then(|| self.user.of_path(operation, &path.render())).flatten()
        })
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
        let rule = self.secret_at(context, operation, path, value)?;
        if is_void(Some(rule), value) {
            return None;
        }
        if self.keeps(operation, path) {
            return None;
        }
        if recorded || stand_in::is_marked(value) {
            return Some(Cow::Borrowed(value));
        }
        Some(Cow::Owned(self.stand_ins.value(value, context.at())))
    }

    fn stand_in(&self, value: &Value, at: At<'_>, origin: Origin) -> Value {
        match origin {
            Origin::Live => self.stand_ins.value(value, at),
            Origin::Cassette => self.stand_ins.again(value, at),
        }
    }

    /// A text without the secrets that their form gives away. Account ids stay. `budget`: that of the
    /// message of which it is a part.
    pub fn scrubbed<'t>(&self, text: &'t str, budget: &Budget) -> Cow<'t, str> {
        match self.search(budget).scrub(text) {
            Some((clean, _)) => Cow::Owned(clean),
            None => Cow::Borrowed(text),
        }
    }

    /// Bytes that are no text, likewise.
    pub fn scrubbed_bytes<'b>(&self, bytes: &'b [u8], budget: &Budget) -> Cow<'b, [u8]> {
        match self.search(budget).scrub_bytes(bytes) {
            Some((clean, _)) => Cow::Owned(clean),
            None => Cow::Borrowed(bytes),
        }
    }

    /// URI and body of a request that no model describes, as they are written; account ids stay. As
    /// they came, where they cannot be.
    pub fn scrubbed_request(&self, request: &Request) -> (Uri, Bytes) {
        let body = headers::decode_content(request.headers(), request.body()).unwrap_or_else(|_| request.body().clone());
        let message = Message {
            uri: Some(request.uri().clone()),
            headers: headers::of_request(request.headers(), false),
            body: body.clone(),
        };
        let nowhere = |_: &Message, _: Visit<'_>| Err(Malformed(String::new()));
        match Writer::new(self, AccountNames::default(), Origin::Live, self.recall()).message(
            "/request",
            message,
            &Side::new(None),
            &nowhere,
        ) {
            Ok(written) => (written.uri.unwrap_or_else(|| request.uri().clone()), written.body),
            Err(_) => (request.uri().clone(), body),
        }
    }

    /// A map's key as it is written.
    pub fn map_key<'t>(
        &self,
        context: &Context<'_>,
        operation: &str,
        path: &Path<'_>,
        key: &'t str,
        recorded: bool,
        budget: &Budget,
    ) -> Cow<'t, str> {
        let is_named = |rule| rule == Rule::SecretForms || names::is_variable(key);
        if context.secret.is_none_or(is_named) || self.keeps(operation, path) {
            return self.scrubbed(key, budget);
        }
        if recorded {
            return Cow::Borrowed(key);
        }
        match self.stand_ins.value(&Value::Text(key.to_owned()), context.at()) {
            Value::Text(stand_in) => Cow::Owned(stand_in),
            _ => Cow::Borrowed(key),
        }
    }

    fn keeps(&self, operation: &str, path: &Path<'_>) -> bool {
        !self.keep.is_empty() && { self.keeps_at(operation, &path.render()) }
    }

    fn keeps_at(&self, operation: &str, pointer: &str) -> bool {
        self.keep
            .iter()
            .any(|(kept, pattern)| kept == operation && rules::leads_to(pattern, pointer))
    }

    /// An exchange as it may be written. Bodies come as they were on the wire, with their content
    /// encoding; `finding` is what `inspect` says of the exchange.
    ///
    /// # Errors
    /// Where a secret would be left: then nothing may be written.
    pub fn redact(&self, request: &Request, response: &Response, finding: &Finding, attempt: u32) -> Result<Interaction, Leak> {
        self.written(request, response, finding, attempt, Origin::Live, self.recall())
    }

    fn written(
        &self,
        request: &Request,
        response: &Response,
        finding: &Finding,
        attempt: u32,
        origin: Origin,
        known: Option<&dyn Recall>,
    ) -> Result<Interaction, Leak> {
        let encoded = |side| move |why| Leak::Encoded { side, why };
        let call = finding.call.as_ref();
        let (asks_encoded, answers_encoded) = owned_encodings(finding);
        let asked = match asks_encoded {
            true => self.owned("request", request.headers(), request.body())?,
            false => headers::decode_content(request.headers(), request.body()).map_err(encoded("request"))?,
        };
        let answered = match answers_encoded {
            true => self.owned("response", response.headers(), response.body())?,
            false => headers::decode_content(response.headers(), response.body()).map_err(encoded("response"))?,
        };
        let (input, output) = self.sides(finding);
        let names = self.rename_accounts_of(request, &asked, &answered, response);
        let mut writer = Writer::new(self, names, origin, known);
        let head = request.method() == http::Method::HEAD;
        let asked = Message {
            uri: Some(request.uri().clone()),
            headers: headers::of_request(request.headers(), asks_encoded),
            body: asked,
        };
        let answered = Message {
            uri: None,
            headers: headers::of_response(response.headers(), head),
            body: answered,
        };
        let asked = writer.message("/request", asked, &input, &locate_request(request, call))?;
        let answered = writer.message("/response", answered, &output, &locate_response(response, finding))?;
        let mut interaction = Interaction {
            service: call.map(|call| call.service.sdk_id.clone()),
            operation: call.map(|call| call.service.operation(call.operation).name.clone()),
            region: call.and_then(|call| call.region.clone()),
            request: rebuilt_request(request, asked),
            response: rebuilt_response(response, answered),
            attempt,
            redacted: writer.redacted,
            now: Vec::new(),
            unknown: Default::default(),
        };
        left::refuse_readable(self, &interaction, finding, &input, &output, origin)?;
        refresh(&mut interaction, request.body(), response.body(), head);
        digests::follow(self, finding, &mut interaction);
        let mut leaks = scan::leaks(&interaction, self.user.patterns());
        leaks.extend(scan::literally(&interaction, &self.own_secrets));
        match leaks.into_iter().next() {
            Some(leak) => Err(leak),
            None => Ok(interaction),
        }
    }

    /// A body whose content encoding is its own, as it is. Gzip is opened where the body is written;
    /// what another encoding compresses can be looked at, but not replaced.
    fn owned(&self, side: &'static str, headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Leak> {
        let Ok(inside) = headers::decode_content(headers, body) else {
            return Ok(body.clone());
        };
        if inside == body {
            return Ok(body.clone());
        }
        let text = String::from_utf8_lossy(&inside);
        let place = format!("/{side}/body");
        let budget = Budget::default();
        let found = || self.search(&budget).scrub(&text).map(|(_, rule)| rule);
        let rule = if layers::is_gzip(body) { None } else { found() };
        let own = || self.own_secrets.iter().any(|secret| text.contains(secret.as_str()));
        let rule = rule.or_else(|| own().then_some(Rule::Credentials));
        if budget.is_exceeded() {
            return Err(Leak::Unsearched { side });
        }
        match rule {
            Some(rule) => Err(Leak::Secret {
                place: format!("{place}, which is compressed,"),
                rule,
            }),
            None => Ok(body.clone()),
        }
    }

    /// The account ids that are known by now.
    fn account_names(&self) -> AccountNames {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).names()
    }

    /// Learns the account ids of an exchange, in order of first appearance, and gives what is written
    /// for each id that is known by now: once recognized, an id is one everywhere.
    fn rename_accounts_of(&self, request: &Request, asked: &Bytes, answered: &Bytes, response: &Response) -> AccountNames {
        let found = accounts_of_message(request, asked, answered, response);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        found.iter().for_each(|id| accounts.learn(id));
        accounts.names()
    }
}

/// Whether the content encodings of request and response belong to what they carry.
fn owned_encodings(finding: &Finding) -> (bool, bool) {
    let Some(call) = &finding.call else { return (false, false) };
    let reply = finding.response.as_ref().and_then(|judged| judged.content.as_ref());
    let is_error = matches!(reply, Some(Reply::Error { .. }));
    (
        call.owns_encoding(value::Side::Request),
        call.owns_encoding(value::Side::Response) && !is_error,
    )
}

fn accounts_of_message(request: &Request, asked: &Bytes, answered: &Bytes, response: &Response) -> Vec<String> {
    let mut found = AccountIds::default();
    let budget = Budget::default();
    accounts_of_uri(request.uri(), &budget, &mut found);
    accounts_of(request.headers(), asked, &budget, &mut found);
    // What is not searched here is refused where it is written.
    let budget = Budget::default();
    accounts_of(response.headers(), answered, &budget, &mut found);
    found.into_vec()
}
