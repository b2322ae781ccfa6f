//! What a redactor learns: the account ids it meets, and the stand-ins of the cassette in use.

use super::rules::Rule;
use super::scan::{self, AccountIds, Budget, layers};
use super::stand_in::{self, StandIns};
use crate::cassette::{Interaction, Redacted};
use crate::codec::spot;
use crate::value::Value;
use crate::wire;
use http::Uri;
use http::header::HeaderMap;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Account ids of nobody: those of AWS's documentation, and those that mock servers and emulators
/// have. They stay as they are, because tests assert on them.
const NOBODYS: [&str; 9] = [
    "012345678901",
    "012345678910",
    "111122223333",
    "123456789012",
    "123456789123",
    "222233334444",
    "444455556666",
    "555566667777",
    "777788889999",
];

/// Whether an id is one of these, or of one digit alone.
fn is_nobodys(id: &str) -> bool {
    NOBODYS.contains(&id) || id.bytes().all(|digit| id.starts_with(char::from(digit)))
}

/// What is written for the account that appears as the one of that number, from 1.
pub(super) fn account_placeholder(number: u64) -> String {
    format!("{number:012}")
}

/// The account ids met so far, with what is written for each. Only in memory.
pub(super) type AccountNames = Arc<HashMap<String, String>>;

/// The account ids met so far, in order of first appearance. Only in memory.
#[derive(Default)]
pub(super) struct Accounts {
    /// Ids are written as they are, and none is learned.
    kept: bool,
    names: AccountNames,
    /// Those for which another is written, in the order of their appearance.
    order: Vec<String>,
    /// Numbers up to here were given, or came from a replay.
    taken: u64,
}

impl Accounts {
    /// Of a cassette that has met none. `kept`: its ids stay readable.
    pub(super) fn new(kept: bool) -> Accounts {
        Accounts {
            kept,
            ..Accounts::default()
        }
    }

    /// A stand-in stands for itself, and counts as one that appeared: so the accounts of a client
    /// that a replay answers get the numbers that they have in the tape. What an older cassette
    /// holds plays no part, or recording the same calls again would give other numbers.
    pub(super) fn learn(&mut self, id: &str) {
        if self.kept || is_nobodys(id) || self.names.contains_key(id) {
            return;
        }
        let placeholder = if scan::is_account_stand_in(id) {
            self.taken = self.taken.max(id.parse().unwrap_or(0));
            id.to_owned()
        } else {
            self.taken += 1;
            self.order.push(id.to_owned());
            account_placeholder(self.taken)
        };
        // Copied only where a message is being written under the names of before.
        Arc::make_mut(&mut self.names).insert(id.to_owned(), placeholder);
    }

    /// The ids that became known after so many.
    pub(super) fn learned_since(&self, count: usize) -> Vec<String> {
        self.order.get(count..).unwrap_or_default().to_vec()
    }

    /// All that are known by now.
    pub(super) fn names(&self) -> AccountNames {
        Arc::clone(&self.names)
    }
}

/// Adds the account ids of a URI.
pub(super) fn accounts_of_uri(uri: &Uri, budget: &Budget, found: &mut AccountIds) {
    accounts_in("", &uri.to_string(), budget, found);
    spot::in_query(uri, &mut |spot| accounts_in(&name_of(spot.wire), &spot.text, budget, found));
}

/// The name of a value; that of its list where protocols call an item `member` or `item`.
fn name_of(wire: &str) -> Cow<'_, str> {
    let is_item = |name: &str| ["member", "item", "entry"].iter().any(|item| name.eq_ignore_ascii_case(item));
    let mut wire = wire;
    loop {
        let name = spot::name_of(wire);
        if !is_item(&name) {
            return name;
        }
        match wire.rfind(['/', '.']) {
            Some(at) => wire = &wire[..at],
            None => return name,
        }
    }
}

/// Adds the account ids of a text, and of what its base64 hides.
fn accounts_in(name: &str, text: &str, budget: &Budget, found: &mut AccountIds) {
    let opened = layers::opened(text, budget, &|inner| scan::has_twelve_digits(inner.as_bytes()));
    scan::accounts(name, opened.as_deref().unwrap_or(text), found);
}

/// Adds the account ids of headers and body: each scalar of the body by itself, with its name.
pub(super) fn accounts_of(headers: &HeaderMap, body: &[u8], budget: &Budget, found: &mut AccountIds) {
    for (name, value) in headers {
        accounts_in(name.as_str(), value.to_str().unwrap_or_default(), budget, found);
    }
    let content_type = wire::text(headers, "content-type");
    spot::anywhere(content_type, body, &mut |spot| {
        let name = if spot.key { "".into() } else { name_of(spot.wire) };
        accounts_in(&name, &spot.text, budget, found);
    });
}

/// Remembers the stand-ins of an interaction that bear no mark.
pub(super) fn remember(stand_ins: &mut StandIns, interaction: &Interaction) {
    let rules = [Rule::SensitiveMembers.id(), Rule::Credentials.id(), Rule::SecretForms.id()];
    let listed = |place: &&Redacted| rules.contains(&place.rule.as_str());
    let paths: HashSet<&str> = interaction
        .redacted
        .iter()
        .filter(listed)
        .map(|place| place.path.as_str())
        .collect();
    if paths.is_empty() {
        return;
    }
    for (path, body) in [
        ("/request/body", interaction.request.body()),
        ("/response/body", interaction.response.body()),
    ] {
        if paths.contains(path) {
            stand_ins.remember(&Value::Blob(body.to_vec()));
        }
    }
    each_text(interaction, &paths, &mut |path, text, what| {
        if stand_in::is_marked_text(text) {
            return;
        }
        if what == What::Scalar {
            return stand_ins.remember(&number_of(text));
        }
        // A cut blob is known by its bytes, a cut text by its letters.
        if let Some(bytes) = stand_in::base64_bytes(text) {
            stand_ins.remember(&Value::Blob(bytes));
        }
        stand_ins.remember(&Value::Text(text.to_owned()));
        parts(path, text)
            .into_iter()
            .for_each(|part| stand_ins.remember(&Value::Text(part)));
        // XML and forms write numbers as text.
        if let number @ Value::Integer(_) = number_of(text) {
            stand_ins.remember(&number);
        }
    });
}

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Text,
    /// A number, `true` or `false`.
    Scalar,
    /// The name of an entry, which has the entry's path.
    Key,
}

/// The texts and numbers of an interaction at these paths, read without a model.
pub(super) fn each_text(interaction: &Interaction, paths: &HashSet<&str>, show: &mut dyn FnMut(&str, &str, What)) {
    let mut show = |path: &str, text: &str, what: What| {
        if paths.contains(path) {
            show(path, text, what);
        }
    };
    show("/request/uri", &interaction.request.uri().to_string(), What::Text);
    for (base, headers, body) in [
        ("/request", interaction.request.headers(), interaction.request.body()),
        ("/response", interaction.response.headers(), interaction.response.body()),
    ] {
        for (name, value) in headers {
            show(
                &format!("{base}/headers/{name}"),
                &String::from_utf8_lossy(value.as_bytes()),
                What::Text,
            );
        }
        let mut path = format!("{base}/body");
        if !paths.iter().any(|listed| listed.starts_with(&path)) {
            continue;
        }
        // A payload that is a document to us was one text to its protocol.
        if let Ok(text) = std::str::from_utf8(body) {
            show(&path, text, What::Text);
        }
        spot::anywhere(wire::text(headers, "content-type"), body, &mut |spot| {
            let what = match spot.form.is_text() {
                true if spot.key => What::Key,
                true => What::Text,
                false => What::Scalar,
            };
            path.truncate(base.len());
            path.push_str(spot.wire);
            show(&path, &spot.text, what);
        });
    }
}

/// The parts of a URI or of a header's list, any of which may be the stand-in.
pub(super) fn parts(path: &str, text: &str) -> Vec<String> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    if path == "/request/uri" {
        return text
            .split(['/', '?', '&', '='])
            .map(decoded)
            .filter(|part| !part.is_empty())
            .collect();
    }
    if path.contains("/headers/") && text.contains(',') {
        return text.split(',').map(|part| part.trim().to_owned()).collect();
    }
    Vec::new()
}

/// Adds the texts of an interaction in which the form of a part gave a secret away, each with the
/// rules that it is listed under. What stands there now may have no such form (a session token
/// becomes 32 digits), so a recording of a replay would not list it.
pub(super) fn listed_texts(interaction: &Interaction, texts: &mut HashMap<String, Vec<Rule>>) {
    let by_form = [
        Rule::AwsSignature,
        Rule::SessionToken,
        Rule::AccessKeyId,
        Rule::SecretForms,
        Rule::KnownValues,
    ];
    let mut listed: HashMap<&str, Vec<Rule>> = HashMap::new();
    for place in &interaction.redacted {
        if let Some(rule) = by_form.into_iter().find(|rule| rule.id() == place.rule) {
            listed.entry(&place.path).or_default().push(rule);
        }
    }
    if listed.is_empty() {
        return;
    }
    let paths: HashSet<&str> = listed.keys().copied().collect();
    let mut add = |path: &str, text: &str| {
        for rule in listed.get(path).into_iter().flatten() {
            let rules = texts.entry(text.to_owned()).or_default();
            if !rules.contains(rule) {
                rules.push(*rule);
            }
        }
    };
    each_text(interaction, &paths, &mut |path, text, what| {
        // What is listed at an entry is its value, mostly.
        if what != What::Key || holds_stand_in(text) {
            add(path, text);
        }
    });
}

/// Whether a word of a text is a stand-in.
fn holds_stand_in(text: &str) -> bool {
    let words = |parts: fn(char) -> bool| text.split(move |letter: char| !letter.is_ascii_alphanumeric() && !parts(letter));
    words(|_| false)
        .chain(words(|letter| "-.:_".contains(letter)))
        .any(stand_in::is_marked_text)
}

fn number_of(lexeme: &str) -> Value {
    lexeme.parse().map_or_else(|_| Value::Number(lexeme.to_owned()), Value::Integer)
}
