//! At the seal: what was recorded before it was known to be a secret, or the id of an account, is
//! hidden too; and what turned out to be the name of something is readable again.

use super::known::{AccountNames, account_placeholder, each_text};
use super::memory::{Finder, Recall};
use super::rules::Rule;
use super::writer::{Message, Writer};
use super::{Leak, Redactor, Side, digests, locate_request, locate_response, rebuilt_request, rebuilt_response, refresh};
use crate::cassette::{Cassette, Interaction};
use crate::inspect::Finding;
use crate::wire::Response;
use http::header::CONTENT_ENCODING;
use std::collections::HashSet;
use std::sync::Arc;

/// What is known at the end.
struct Known<'k> {
    accounts: AccountNames,
    values: &'k dyn Recall,
    plain: HashSet<String>,
}

/// What came of settling a cassette.
#[derive(Debug, Default)]
pub struct Settlement {
    /// What is to be said of it.
    pub notes: Vec<String>,
    /// The positions, from 0, of the interactions that cannot be written so, and why not.
    pub refused: Vec<(usize, Leak)>,
}

impl Redactor {
    /// Hides in a whole cassette what is known by now. `understand` is what
    /// [`inspect_recorded`](crate::inspect::inspect_recorded) finds in an interaction. Those of which it
    /// cannot be done stay as they are, and are named.
    pub fn settle(&self, cassette: &mut Cassette, understand: &dyn Fn(&Interaction) -> Finding) -> Settlement {
        let (values, names) = match self.stand_ins.memory() {
            Some(memory) => memory.verdict(),
            None => (Finder::default(), Vec::new()),
        };
        let known = Known {
            accounts: self.account_names(),
            values: &values,
            plain: names.iter().cloned().collect(),
        };
        if known.accounts.is_empty() && values.is_empty() {
            return Settlement::default();
        }
        let refused = self.settle_all(cassette, understand, &known);
        let notes = told(&names).into_iter().collect();
        let plain = &mut cassette.redaction.plain;
        plain.extend(names);
        plain.sort();
        plain.dedup();
        Settlement { notes, refused }
    }

    /// Hides in one interaction what is known by now, whatever it may turn out to be the name of; says
    /// whether it is another now.
    ///
    /// # Errors
    /// Where it cannot be written so; then it is as it was.
    pub fn hide_known(&self, interaction: &mut Interaction, finding: &Finding) -> Result<bool, Leak> {
        let nothing = Finder::default();
        let known = Known {
            accounts: self.account_names(),
            values: self.recall().unwrap_or(&nothing),
            plain: HashSet::new(),
        };
        let before = (interaction.request.clone(), interaction.response.clone());
        self.settled(interaction, finding, &known)?;
        let (request, response) = (&interaction.request, &interaction.response);
        Ok(before.0.uri() != request.uri()
            || (before.0.headers(), before.0.body()) != (request.headers(), request.body())
            || (before.1.headers(), before.1.body()) != (response.headers(), response.body()))
    }

    /// Puts the ids of accounts in the place of their placeholders, in the order of these: for a cassette
    /// that a program plays which knows its ids otherwise. Only in memory.
    pub fn give_accounts(&self, cassette: &mut Cassette, ids: &[String], understand: &dyn Fn(&Interaction) -> Finding) -> Vec<String> {
        let numbered = (1_u64..).zip(ids).map(|(number, id)| (account_placeholder(number), id.clone()));
        let known = Known {
            accounts: Arc::new(numbered.collect()),
            values: &Finder::default(),
            plain: HashSet::new(),
        };
        let refused = self.settle_all(cassette, understand, &known).into_iter();
        let told = |(position, leak): (usize, Leak)| format!("interaction {} keeps the placeholder of its account: {leak}", position + 1);
        refused.map(told).collect()
    }

    fn settle_all(&self, cassette: &mut Cassette, understand: &dyn Fn(&Interaction) -> Finding, known: &Known<'_>) -> Vec<(usize, Leak)> {
        let mut refused = Vec::new();
        let mut learned = self.learned();
        for (position, interaction) in cassette.interactions.iter_mut().enumerate() {
            let finding = understand(interaction);
            refused.extend(self.settled(interaction, &finding, known).err().map(|leak| (position, leak)));
        }
        // A digest may stand before what it is the digest of.
        if !self.learned_since(&mut learned).is_empty() {
            for interaction in &mut cassette.interactions {
                let finding = understand(interaction);
                digests::follow(self, &finding, interaction);
            }
        }
        refused
    }

    fn settled(&self, interaction: &mut Interaction, finding: &Finding, known: &Known<'_>) -> Result<(), Leak> {
        let mut writer = Writer::settling(self, AccountNames::clone(&known.accounts), known.values);
        let call = finding.call.as_ref();
        let request = interaction.request.clone();
        let mut response = interaction.response.clone();
        // The body is stored without the encoding that the header names.
        let encoding = response.headers_mut().remove(CONTENT_ENCODING);
        let side = |decoded| Side {
            decoded,
            ..Side::new(call)
        };
        let asked = Message {
            uri: Some(request.uri().clone()),
            headers: request.headers().clone(),
            body: request.body().clone(),
        };
        let is_read = finding.request.as_ref().is_some_and(|judged| judged.content.is_some());
        let asked = writer.message("/request", asked, &side(is_read), &locate_request(&request, call))?;
        let answered = Message {
            uri: None,
            headers: response.headers().clone(),
            body: response.body().clone(),
        };
        let is_read = finding.response.as_ref().is_some_and(|judged| judged.content.is_some());
        let answered = writer.message("/response", answered, &side(is_read), &locate_response(&response, finding))?;
        interaction.request = rebuilt_request(&request, asked);
        interaction.response = rebuilt_response(&response, answered);
        let head = request.method() == http::Method::HEAD;
        refresh(interaction, request.body(), response.body(), head);
        list(interaction, writer);
        digests::follow(self, finding, interaction);
        restore(&mut interaction.response, encoding);
        unlist(interaction, &known.plain);
        Ok(())
    }
}

fn restore(response: &mut Response, encoding: Option<http::HeaderValue>) {
    if let Some(encoding) = encoding {
        response.headers_mut().insert(CONTENT_ENCODING, encoding);
    }
}

/// Adds the places at which something is hidden now, in the order of the wire.
fn list(interaction: &mut Interaction, writer: Writer<'_>) {
    let new = writer.redacted.into_iter().filter(|place| {
        let is_it = |known: &crate::cassette::Redacted| known.path == place.path && known.member == place.member;
        // What another rule hides is listed for that; a form may have hidden a part of it.
        let is_whole = |rule: &str| rule != Rule::SecretForms.id() && place.rule == Rule::KnownValues.id();
        let mut there = interaction.redacted.iter().filter(|known| is_it(known));
        !there.any(|known| known.rule == place.rule || is_whole(&known.rule))
    });
    let mut new: Vec<_> = new.collect();
    if new.is_empty() {
        return;
    }
    // Requests before responses.
    let at = interaction.redacted.iter().position(|place| place.path.starts_with("/response"));
    let asked = new.extract_if(.., |place| place.path.starts_with("/request")).collect::<Vec<_>>();
    let at = at.unwrap_or(interaction.redacted.len());
    interaction.redacted.splice(at..at, asked);
    interaction.redacted.extend(new);
}

/// What is readable again is hidden no more.
fn unlist(interaction: &mut Interaction, plain: &HashSet<String>) {
    if plain.is_empty() || interaction.redacted.is_empty() {
        return;
    }
    let mut readable = HashSet::new();
    let paths: HashSet<&str> = interaction.redacted.iter().map(|place| place.path.as_str()).collect();
    each_text(interaction, &paths, &mut |path, text, _| {
        if plain.contains(text) {
            readable.insert(path.to_owned());
        }
    });
    interaction.redacted.retain(|place| !readable.contains(&place.path));
}

/// What is said of values that stay readable.
fn told(names: &[String]) -> Option<String> {
    const SHOWN: usize = 3;
    let first = names.first()?;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "{}{more} was given where secrets are, and stays readable because other calls use it as a name; to hide it all the same, add `{} = {{ pattern = \"{}\" }}` to `[redaction.rules]`",
        shown.join(", "),
        "my-secret",
        regex::escape(first)
    ))
}
