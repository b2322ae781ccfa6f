//! Which places of a value must not be written: what the model marks, what it forgets to mark, and
//! what the user asked to keep.
//!
//! Sources: `smithy.api#sensitive` (Smithy 2.0, "Documentation traits"), and the public API
//! references of the services in [`super::listed`], whose models leave credentials unmarked. Both the
//! redactor and the matcher step through a value with a [`Context`], so they cannot disagree.

use super::expression;
use super::known_names::says;
use super::listed::{self, Listed};
use super::names::{
    NO_ECHO, is_name_of_pair, is_plural, is_secret_name, is_true, is_value_of_pair, is_value_of_secret, may_name_secret, names_secret,
};
use super::options::Command;
use super::resource;
use super::stand_in::At;
use crate::model::schema::{Member, Service, ShapeIndex, ShapeKind};
use crate::value::Value;
use std::borrow::Cow;

/// A rule of redaction. The names are what a cassette lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `Authorization` and what belongs to a signature, in headers and presigned URLs.
    AwsSignature,
    /// Session and security tokens.
    SessionToken,
    /// Members that the model marks.
    SensitiveMembers,
    /// Credentials in known places that models do not mark, and headers that carry some.
    Credentials,
    /// Access key ids, wherever they are.
    AccessKeyId,
    /// AWS account ids.
    AccountId,
    /// Secrets recognised by their form or by the name before them.
    SecretForms,
    /// Values that another rule hid elsewhere.
    KnownValues,
    /// A rule of the user's own, by its id. It lives as long as the run.
    User(&'static str),
}

impl Rule {
    /// Every rule of Ferrotape's own, in the order in which a cassette lists them.
    pub const ALL: [Rule; 8] = [
        Rule::AwsSignature,
        Rule::SessionToken,
        Rule::SensitiveMembers,
        Rule::Credentials,
        Rule::AccessKeyId,
        Rule::AccountId,
        Rule::SecretForms,
        Rule::KnownValues,
    ];

    /// The rule's id in a cassette.
    pub fn id(self) -> &'static str {
        match self {
            Rule::AwsSignature => "aws-signature",
            Rule::SessionToken => "session-token",
            Rule::SensitiveMembers => "sensitive-members",
            Rule::Credentials => "credentials",
            Rule::AccessKeyId => "access-key-id",
            Rule::AccountId => "account-id",
            Rule::SecretForms => "secret-forms",
            Rule::KnownValues => "known-values",
            Rule::User(id) => id,
        }
    }
}

/// Structures whose expiry SDKs check before they use the credentials beside it.
const EXPIRING: [&str; 2] = ["Credentials", "RoleCredentials"];

/// Parts of the names of members that hold secrets and never names.
const SECRETIVE: [&str; 10] = [
    "secret",
    "pass",
    "token",
    "credential",
    "plaintext",
    "key",
    "auth",
    "private",
    "cookie",
    "pin",
];

pub(super) fn is_secretive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETIVE.iter().any(|part| name.contains(part))
}

/// A name of a secret, for a value that is encrypted whatever its name.
const ENCRYPTED: &str = "secret-key";

/// A parameter of Systems Manager that is encrypted says so beside its value, and so does one of a
/// template that is not to be shown.
fn is_encrypted(name: &str, value: &Value) -> bool {
    match value {
        Value::Text(text) => name == "Type" && text == "SecureString" || name == NO_ECHO && is_true(text),
        Value::Bool(shown) => name == NO_ECHO && *shown,
        _ => false,
    }
}

/// What is known of the place at which a walk through a value stands.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    service: Option<&'a Service>,
    listed: &'static [Listed],
    shape: Option<ShapeIndex>,
    /// The innermost member that describes the value, where the model knows it.
    pub member: Option<&'a Member>,
    /// The name of the innermost member or map entry; empty at the root.
    pub name: &'a str,
    /// Why the value must not be written, if it must not.
    pub secret: Option<Rule>,
    /// A name that may be a secret's, if the value looks like one.
    maybe: Option<&'a str>,
    /// The value says when credentials beside it expire.
    pub expiry: bool,
    /// The message of a modelled error: it stays readable (tests assert on it).
    pub message: bool,
    /// Rather the name of something than a secret: what a stack gives out, an environment variable.
    given_out: bool,
    /// It may be the name of something, though the model marks it.
    weak: bool,
    /// A member beside it, the key of a tag say, names a secret: the value beside that is one.
    pair: Option<&'a str>,
    /// It is an item of a list.
    in_list: bool,
    /// Where a secret begins in an item of a command.
    start: usize,
    /// The members of the object around, where expressions there say what a value is compared with.
    beside: Option<&'a [(String, Value)]>,
}

impl<'a> Context<'a> {
    /// The root of an input, output or error.
    pub fn root(service: &'a Service, shape: ShapeIndex) -> Context<'a> {
        Context {
            service: Some(service),
            listed: listed::of(&service.sdk_id),
            shape: Some(shape),
            secret: service.shape(shape).sensitive.then_some(Rule::SensitiveMembers),
            ..Context::unknown()
        }
    }

    /// A value that no model describes.
    pub fn unknown() -> Context<'a> {
        Context {
            service: None,
            listed: &[],
            shape: None,
            member: None,
            name: "",
            secret: None,
            maybe: None,
            expiry: false,
            message: false,
            given_out: false,
            weak: false,
            pair: None,
            in_list: false,
            start: 0,
            beside: None,
        }
    }

    /// The same place, an object, with what its members say of each other.
    pub fn around<'b>(&self, entries: &'b [(String, Value)]) -> Context<'b>
    where
        'a: 'b,
    {
        let names_pair = |(name, value): &'b (String, Value)| value.as_text().filter(|_| is_name_of_pair(name));
        let names = || entries.iter().filter_map(names_pair);
        let encrypted = entries.iter().any(|(name, value)| is_encrypted(name, value));
        let secret = names().find(|name| is_secret_name(name)).or(encrypted.then_some(ENCRYPTED));
        Context {
            pair: secret.or_else(|| names().find(|name| may_name_secret(name))),
            beside: if self.name == expression::VALUES {
                self.beside
            } else {
                Some(entries)
            },
            ..*self
        }
    }

    /// The member or map entry `name` of this place.
    pub fn child<'b>(&self, name: &'b str) -> Context<'b>
    where
        'a: 'b,
    {
        let is_value = is_value_of_pair(name);
        let says = says(name);
        let named = || {
            let compared = self.name == expression::VALUES && self.beside.is_some_and(|beside| expression::names_secret(beside, name));
            let paired = is_value && self.pair.is_some_and(is_secret_name);
            (says.secret || paired || compared).then_some(Rule::SecretForms)
        };
        let maybe: Option<&'b str> = match self.pair.filter(|_| is_value) {
            None if says.perhaps => Some(name),
            paired => paired,
        };
        let next: Context<'b> = *self;
        let next = Context {
            name,
            maybe: maybe.or(self.maybe.filter(|_| is_value || is_attribute(name))),
            member: None,
            shape: None,
            secret: self.secret.or_else(named),
            expiry: false,
            message: false,
            given_out: false,
            weak: !self.pair.is_some_and(is_secret_name) && !says.secretive,
            pair: None,
            in_list: false,
            start: 0,
            beside: self.beside.filter(|_| name == expression::VALUES),
            ..next
        };
        let (Some(service), Some(shape)) = (self.service, self.shape) else {
            return next;
        };
        let shape = service.shape(shape);
        // botocore's model of DynamoDB does not say that a value is one of several.
        let is_union = || matches!(shape.kind, ShapeKind::Union(_)) || shape.name() == "AttributeValue";
        match &shape.kind {
            ShapeKind::Map { value, .. } => next.described(value, next.secret),
            ShapeKind::Structure(members) | ShapeKind::Union(members) => match members.find(name) {
                None => next,
                Some(_) if shape.error.is_some() && name.eq_ignore_ascii_case("message") => Context {
                    message: true,
                    secret: None,
                    maybe: None,
                    ..next
                },
                Some(member) => {
                    let listed = || {
                        self.listed
                            .iter()
                            .any(|(holder, listed)| *listed == name && (holder.is_empty() || *holder == shape.name()))
                    };
                    // A structure called `apiKey` is more than a secret: its members speak for
                    // themselves. A union is one value in several forms.
                    let inherited = self.secret.filter(|rule| *rule != Rule::SecretForms || is_value || is_union());
                    let secret = inherited.or_else(|| listed().then_some(Rule::Credentials));
                    let secret = secret.or_else(|| {
                        if member.sensitive {
                            None
                        } else {
                            named().filter(|_| !member.idempotency_token)
                        }
                    });
                    // The members of a structure speak for themselves; what tells calls apart is no secret.
                    let above = self.maybe.filter(|_| is_value || is_union());
                    let maybe = maybe.or(above).filter(|_| !member.idempotency_token);
                    Context {
                        maybe,
                        expiry: name.eq_ignore_ascii_case("expiration") && EXPIRING.contains(&shape.name()),
                        given_out: listed::may_name(self.listed, shape.name(), name) && named().is_none(),
                        ..next.described(member, secret)
                    }
                }
            },
            _ => next,
        }
    }

    /// The place below this one that a token of a pointer leads to.
    pub fn step<'b>(&self, token: &'b str) -> Context<'b>
    where
        'a: 'b,
    {
        let is_position = token.bytes().all(|byte| byte.is_ascii_digit());
        match self.kind() {
            Some(ShapeKind::List(_)) => self.item(),
            None if is_position => self.item(),
            _ => self.child(token),
        }
    }

    /// Somewhere inside this place, before its own member is known.
    fn inside(&self) -> Context<'a> {
        Context {
            member: None,
            shape: None,
            expiry: false,
            ..*self
        }
    }

    /// The items of the list at this place. They keep its name.
    pub fn item(&self) -> Context<'a> {
        let next = Context {
            in_list: true,
            ..self.inside()
        };
        match self.kind() {
            Some(ShapeKind::List(item)) => next.described(item, self.secret),
            // The events of a stream are each the union itself.
            Some(ShapeKind::Union(_)) => *self,
            _ => next,
        }
    }

    /// One of these items, which may be a command.
    pub fn item_of(&self, items: &[Value], index: usize) -> Context<'a> {
        let next = self.item();
        let text = |index: usize| items.get(index).and_then(Value::as_text);
        let found = text(index).filter(|_| next.secret.is_none());
        match found.and_then(|item| Command::before(text, index).secret_in(item)) {
            Some(start) => next.behind_option(start),
            None => next,
        }
    }

    /// The same place, a text in which an option of a command says that a secret begins there.
    pub(super) fn behind_option(self, start: usize) -> Context<'a> {
        Context {
            secret: self.secret.or(Some(Rule::SecretForms)),
            start,
            ..self
        }
    }

    /// The keys of the map at this place.
    pub fn key(&self) -> Context<'a> {
        let next = self.inside();
        match self.kind() {
            Some(ShapeKind::Map { key, .. }) => next.described(key, self.secret),
            // The members of a structure are names of the model and no secrets.
            Some(ShapeKind::Structure(_) | ShapeKind::Union(_)) => Context { secret: None, ..next },
            _ => next,
        }
    }

    /// What the model says of the value here, where it knows.
    pub fn kind(&self) -> Option<&'a ShapeKind> {
        let service = self.service?;
        self.shape.map(|shape| &service.shape(shape).kind)
    }

    /// Whether a value at a place of credentials only names a resource of AWS.
    pub fn names_resource(&self, value: &Value) -> bool {
        self.given_out && value.as_text().is_some_and(resource::is_plain)
    }

    /// The rule that hides a value here, if any does.
    pub fn rule_for(&self, value: &Value) -> Option<Rule> {
        if let Some(lexeme) = lexeme(value)
            && self.secret.is_none_or(|rule| rule == Rule::SecretForms)
        {
            return self.names_number(&lexeme).then_some(Rule::SecretForms);
        }
        let stays = self.names_resource(value);
        self.secret
            .filter(|_| !stays)
            .or_else(|| self.looks_secret(value).then_some(Rule::SecretForms))
    }

    /// Whether the name may be a secret's and the value is none that the model lists, or an ordinary one.
    fn looks_secret(&self, value: &Value) -> bool {
        let (Some(name), Some(text)) = (self.maybe, value.as_text()) else {
            return false;
        };
        let is_listed = || match self.kind() {
            Some(ShapeKind::String(Some(values))) => values.iter().any(|known| known.value == text),
            _ => false,
        };
        is_value_of_secret(name, text) && !is_listed()
    }

    /// Whether names say that a number is a secret. Below a name, most numbers are none; and under a
    /// plural, one says how many there are.
    fn names_number(&self, lexeme: &str) -> bool {
        let is_count = || is_plural(self.name) && !self.in_list;
        let is_value = is_value_of_pair(self.name) || is_attribute(self.name);
        let is_secret = || self.secret.is_some() || self.maybe.is_some_and(|name| is_value_of_secret(name, lexeme));
        match is_value {
            true => is_secret(),
            false => names_secret(self.name, lexeme) && !is_count(),
        }
    }

    /// The place, as far as it has a say in its stand-ins.
    pub fn at(&self) -> At<'a> {
        At {
            member: self.member,
            kind: self.kind(),
            by_name: self.secret.is_none_or(|rule| rule == Rule::SecretForms),
            start: self.start,
            weak: self.given_out || self.weak && self.secret == Some(Rule::SensitiveMembers),
            key: self.secret == Some(Rule::Credentials) || matches!(self.name, "SecretAccessKey" | "SessionToken"),
        }
    }

    /// The place is a map entry by the model, so that its key is data and not a name.
    pub fn is_map(&self) -> bool {
        !matches!(self.kind(), Some(ShapeKind::Structure(_) | ShapeKind::Union(_)))
    }

    fn described(self, member: &'a Member, secret: Option<Rule>) -> Context<'a> {
        Context {
            member: Some(member),
            shape: Some(member.target),
            // What the model marks is hidden whole, map keys and numbers too; what a name says is not.
            secret: match secret {
                None | Some(Rule::SecretForms) if member.sensitive => Some(Rule::SensitiveMembers),
                secret => secret,
            },
            ..self
        }
    }
}

/// A number as it is written.
fn lexeme(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Number(lexeme) => Some(Cow::Borrowed(lexeme)),
        _ => None,
    }
}

/// A scalar as DynamoDB writes it: `{"S": …}`.
fn is_attribute(name: &str) -> bool {
    matches!(name, "S" | "N" | "B")
}

/// Whether `pattern`, a pointer in which `*` stands for any one token, leads to `pointer`.
pub fn leads_to(pattern: &str, pointer: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), pointer.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == "*" || wanted == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
