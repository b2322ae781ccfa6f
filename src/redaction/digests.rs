//! Digests of what redaction changed: they are made true of what is written, or whoever reads a
//! cassette could test guesses of the secret against them, and clients that check them would refuse
//! the answer.
//!
//! No list says which member is the digest of what: a text in the form of a digest is compared with
//! the digests of all values of its exchange. Where it is that of a value that was changed, it becomes
//! that of what is written. Where it must be one ([`NAMED`]) and is that of nothing here (of a range of
//! an object only the whole has the digest), a placeholder of its form takes its place. What became of
//! a digest once becomes of it wherever it recurs, in later calls too.

use super::Redactor;
use crate::cassette::Interaction;
use crate::codec::digest::{self, Digest};
use crate::codec::event_stream;
use crate::codec::spot::{self, Form, Part, Splice};
use crate::inspect::Finding;
use crate::model::hexadecimal;
use crate::pointer::Path;
use crate::protocol::Reply;
use crate::value::Value;
use crate::wire;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Members and headers that hold a digest, by the end of their names without hyphens, and the members
/// of which they hold it.
const NAMED: [(&str, &[&str]); 8] = [
    ("etag", &["Body", "Parts"]),
    ("md5ofmessagebody", &["MessageBody"]),
    ("md5ofbody", &["Body"]),
    ("md5ofmessageattributes", &["MessageAttributes"]),
    ("md5ofmessagesystemattributes", &["MessageSystemAttributes"]),
    ("codesha256", &["ZipFile"]),
    ("treehash", &["body"]),
    ("checksum", &["body"]),
];

/// How a value becomes bytes that have a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// As they are.
    Value,
    /// A map of message attributes.
    Attributes,
    /// The parts of an object.
    Parts,
}

impl Of {
    /// The bytes of a value called `name`, each way that it has.
    fn each<'v>(name: &str, value: &'v Value) -> Option<(Of, Cow<'v, [u8]>)> {
        match value {
            Value::Text(text) if !text.is_empty() => Some((Of::Value, Cow::Borrowed(text.as_bytes()))),
            Value::Blob(bytes) if !bytes.is_empty() => Some((Of::Value, Cow::Borrowed(bytes))),
            Value::Object(_) if name.ends_with("Attributes") => {
                digest::message_attributes(value).map(|bytes| (Of::Attributes, Cow::Owned(bytes)))
            }
            Value::List(_) if name == "Parts" => digest::parts(value).map(|bytes| (Of::Parts, Cow::Owned(bytes))),
            _ => None,
        }
    }

    /// The digest of bytes that were made so; nothing where there is none such.
    fn digest(self, digest: Digest, bytes: &[u8]) -> Option<String> {
        match (self, digest) {
            (Of::Value, _) => Some(digest.of(bytes)),
            (Of::Attributes, Digest::Md5Hex) => Some(digest.of(bytes)),
            (Of::Parts, Digest::Md5Hex) => Some(format!("{}-{}", digest.of(bytes), bytes.len() / 16)),
            _ => None,
        }
    }
}

/// A value that a digest may be of, before and after redaction.
struct Pair<'v> {
    name: String,
    of: Of,
    before: Cow<'v, [u8]>,
    after: Cow<'v, [u8]>,
}

impl Pair<'_> {
    fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

/// What became of the digests of one recording. Only in memory.
#[derive(Default)]
pub(super) struct Digests(Mutex<Became>);

#[derive(Default)]
struct Became {
    /// By what was true of what came.
    by_true: HashMap<String, String>,
    written: HashSet<String>,
    /// Those that came and became others, in that order.
    order: Vec<String>,
}

impl Digests {
    /// The digests that became others after so many.
    pub(super) fn learned_since(&self, count: usize) -> Vec<String> {
        self.lock().order.get(count..).unwrap_or_default().to_vec()
    }

    fn is_empty(&self) -> bool {
        self.lock().by_true.is_empty()
    }

    /// What became of a digest; itself where it was written for another.
    fn of(&self, digest: &str) -> Option<String> {
        let became = self.lock();
        let is_written = || became.written.contains(digest).then(|| digest.to_owned());
        became.by_true.get(digest).cloned().or_else(is_written)
    }

    fn learn(&self, digest: &str, written: &str) {
        let mut became = self.lock();
        // What is readable again has its own digest again.
        if became.by_true.get(written).is_some_and(|other| other == digest) {
            became.by_true.remove(written);
        }
        if became.by_true.insert(digest.to_owned(), written.to_owned()).is_none() {
            became.order.push(digest.to_owned());
        }
        became.written.insert(written.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, Became> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the digests of an interaction true of what is written of it. `finding` is what was said of the
/// exchange as it came.
pub(super) fn follow(redactor: &Redactor, finding: &Finding, interaction: &mut Interaction) {
    if interaction.redacted.is_empty() && redactor.digests.is_empty() {
        return;
    }
    let written = values_of(finding, interaction);
    let mut exchange = Exchange {
        redactor,
        pairs: Vec::new(),
        known: HashMap::new(),
    };
    let came = (
        finding.request.as_ref().and_then(|judged| judged.content.as_ref()),
        finding.response.as_ref().and_then(|judged| judged.content.as_ref()).map(value_of),
    );
    for (before, after) in [(came.0, &written.0), (came.1, &written.1)] {
        if let (Some(before), Some(after)) = (before, after) {
            pair("", before, after, &mut exchange.pairs);
        }
    }
    if !exchange.pairs.iter().any(Pair::is_changed) && redactor.digests.is_empty() {
        return;
    }
    let Interaction { request, response, .. } = interaction;
    if let Some(body) = exchange.body(request.headers(), request.body()) {
        *request.body_mut() = body;
    }
    exchange.headers(request.headers_mut());
    if let Some(body) = exchange.body(response.headers(), response.body()) {
        *response.body_mut() = body;
    }
    exchange.headers(response.headers_mut());
}

fn value_of(reply: &Reply) -> &Value {
    let (Reply::Output(value) | Reply::Error { value, .. }) = reply;
    value
}

/// What is written, read again.
fn values_of(finding: &Finding, interaction: &Interaction) -> (Option<Value>, Option<Value>) {
    let Some(call) = &finding.call else { return (None, None) };
    let asked = call.protocol.decode_request(&call.service, call.operation, &interaction.request);
    let mut response = interaction.response.clone();
    if !call.owns_encoding(crate::value::Side::Response) {
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    let answered = call.protocol.decode_response(&call.service, call.operation, &response);
    (asked.ok(), answered.ok().map(|reply| value_of(&reply).clone()))
}

/// Redaction changes no structure, so that what stood at a place still stands there.
fn pair<'v>(name: &str, before: &'v Value, after: &'v Value, pairs: &mut Vec<Pair<'v>>) {
    if let (Some((of, before)), Some((_, after))) = (Of::each(name, before), Of::each(name, after)) {
        let name = name.to_owned();
        pairs.push(Pair { name, of, before, after });
    }
    match (before, after) {
        // The keys of a map may be others now.
        (Value::Object(before), Value::Object(after)) if before.len() == after.len() => {
            for ((name, before), (_, after)) in before.iter().zip(after) {
                pair(name, before, after, pairs);
            }
        }
        // A member that came in a header is not written in some.
        (Value::Object(before), Value::Object(after)) => {
            let after: HashMap<&str, &Value> = after.iter().map(|(name, value)| (name.as_str(), value)).collect();
            for (name, before) in before {
                if let Some(after) = after.get(name.as_str()) {
                    pair(name, before, after, pairs);
                }
            }
        }
        (Value::List(before), Value::List(after)) => {
            for (before, after) in before.iter().zip(after) {
                pair(name, before, after, pairs);
            }
        }
        _ => {}
    }
}

struct Exchange<'r, 'v> {
    redactor: &'r Redactor,
    pairs: Vec<Pair<'v>>,
    /// Digests of the values here, with those that are written: made where a text has the form.
    known: HashMap<Digest, HashMap<String, String>>,
}

impl Exchange<'_, '_> {
    fn body(&mut self, headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
        let is_stream = wire::media_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case(event_stream::MEDIA_TYPE));
        if is_stream {
            return None;
        }
        let mut splices = Vec::new();
        spot::anywhere(wire::text(headers, "content-type"), body, &mut |spot| {
            let is_value = spot.form.is_text() && !spot.key && !matches!(spot.form, Form::Raw | Form::CborBytes);
            if !is_value {
                return;
            }
            let written = self.written(&spot::name_of(spot.wire), &spot.text);
            if let Some(bytes) = written.and_then(|text| spot.form.write(&Value::Text(text), &spot.text)) {
                let range = spot.range;
                splices.push(Splice {
                    part: Part::Body,
                    range,
                    bytes,
                });
            }
        });
        if splices.is_empty() {
            return None;
        }
        Splice::apply(Part::Body, body, &splices).map(Bytes::from)
    }

    fn headers(&mut self, headers: &mut HeaderMap) {
        for (name, value) in headers.iter_mut() {
            let written = value.to_str().ok().and_then(|text| self.written(name.as_str(), text));
            if let Some(written) = written.and_then(|text| HeaderValue::from_str(&text).ok()) {
                *value = written;
            }
        }
    }

    /// What is written in the place of a text called `name`; nothing where it stays.
    fn written(&mut self, name: &str, text: &str) -> Option<String> {
        let digest = bare(text);
        let kinds = Digest::of_form(digest.split('-').next().unwrap_or_default());
        if kinds.is_empty() {
            return None;
        }
        let found = kinds.iter().find_map(|kind| self.of_kind(*kind).get(digest).cloned());
        let became = found.or_else(|| self.redactor.digests.of(digest));
        let became = became.or_else(|| self.is_named(name).then(|| self.placeholder(digest)))?;
        if became == digest {
            return None;
        }
        self.redactor.digests.learn(digest, &became);
        Some(text.replacen(digest, &became, 1))
    }

    /// The digests of that kind. What is true of what is written stays.
    fn of_kind(&mut self, kind: Digest) -> &HashMap<String, String> {
        let pairs = &self.pairs;
        self.known.entry(kind).or_insert_with(|| {
            let mut known = HashMap::new();
            let mut add = |of: Of, before: &[u8], after: &[u8]| {
                if let (Some(before), Some(after)) = (of.digest(kind, before), of.digest(kind, after)) {
                    known.entry(before).or_insert(after);
                }
            };
            for pair in pairs {
                add(pair.of, &pair.before, &pair.after);
            }
            for pair in pairs.iter().filter(|pair| pair.is_changed()) {
                add(pair.of, &pair.after, &pair.after);
            }
            known
        })
    }

    /// Whether a text of that name is the digest of something that was changed.
    fn is_named(&self, name: &str) -> bool {
        let plain: String = name
            .chars()
            .filter(|letter| *letter != '-')
            .collect::<String>()
            .to_ascii_lowercase();
        let digest = plain.strip_prefix("xamz").unwrap_or(&plain);
        let named = NAMED
            .iter()
            .find(|(known, _)| digest.ends_with(known) || *known == "checksum" && digest.starts_with(known));
        let Some((_, of)) = named else { return false };
        let is_it = |pair: &Pair<'_>| of.iter().any(|of| of.eq_ignore_ascii_case(&pair.name));
        self.pairs.iter().any(|pair| pair.is_changed() && is_it(pair))
    }

    /// Of the same form, equal for equal digests.
    fn placeholder(&self, digest: &str) -> String {
        let (first, rest) = digest.split_at(digest.find('-').unwrap_or(digest.len()));
        let hash = self.redactor.stand_ins.keyed(first.as_bytes());
        let bytes: Vec<u8> = hash.iter().copied().cycle().take(64).collect();
        let text = match first.ends_with('=') {
            true => {
                let length = first.len() / 4 * 3 - first.bytes().filter(|byte| *byte == b'=').count();
                super::stand_in::base64_text(bytes.get(..length).unwrap_or_default())
            }
            false => hexadecimal(bytes.get(..first.len() / 2).unwrap_or_default()),
        };
        format!("{text}{rest}")
    }
}

/// A digest without what stands around it: the quotes of an ETag, the name of its kind.
fn bare(text: &str) -> &str {
    let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    text.strip_prefix("sha256:").unwrap_or(text)
}

/// A text of a recorded answer that is the digest of something in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// As it was recorded.
    pub text: String,
    /// Where the request holds what it is the digest of.
    pub path: Vec<String>,
    digest: Digest,
}

impl Derived {
    /// The digest of what a live request holds there.
    pub fn live(&self, value: &Value) -> Option<String> {
        let name = self.path.last().map_or("", String::as_str);
        let (of, bytes) = Of::each(name, value)?;
        of.digest(self.digest, &bytes)
    }
}

/// The texts of a recorded answer that are digests of something in its request which may be another in
/// a live one.
pub fn derived(interaction: &Interaction, input: &Value, differs: &dyn Fn(&Path<'_>, &Value) -> bool) -> Vec<Derived> {
    let mut sources = Vec::new();
    may_differ(&Path::ROOT, "", input, differs, &mut sources);
    if sources.is_empty() {
        return Vec::new();
    }
    let mut derived = Vec::new();
    for text in digests_in(interaction.response.headers(), interaction.response.body()) {
        let kinds = Digest::of_form(text.split('-').next().unwrap_or_default());
        let of = |(path, of, bytes): &Source<'_>| {
            let digest = kinds.iter().copied().find(|kind| of.digest(*kind, bytes).as_ref() == Some(&text))?;
            let (text, path) = (text.clone(), path.clone());
            Some(Derived { text, path, digest })
        };
        derived.extend(sources.iter().find_map(of));
    }
    derived
}

/// What has digests: its path, how they are made of it, and its bytes.
type Source<'v> = (Vec<String>, Of, Cow<'v, [u8]>);

/// Collects what has digests and may differ; says whether anything here may.
fn may_differ<'v>(
    path: &Path<'_>,
    name: &str,
    value: &'v Value,
    differs: &dyn Fn(&Path<'_>, &Value) -> bool,
    found: &mut Vec<Source<'v>>,
) -> bool {
    let may = match value {
        Value::Object(members) => members.iter().fold(false, |any, (name, value)| {
            may_differ(&path.name(name), name, value, differs, found) | any
        }),
        Value::List(items) => items.iter().enumerate().fold(false, |any, (index, item)| {
            may_differ(&path.index(index), "", item, differs, found) | any
        }),
        scalar => differs(path, scalar),
    };
    if may && let Some((of, bytes)) = Of::each(name, value) {
        found.push((path.steps().into_iter().map(Cow::into_owned).collect(), of, bytes));
    }
    may
}

/// Everything in a message that has the form of a digest, bare.
fn digests_in(headers: &HeaderMap, body: &Bytes) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let digest = bare(text);
        let has_form = !Digest::of_form(digest.split('-').next().unwrap_or_default()).is_empty();
        if has_form && !found.iter().any(|known| known == digest) {
            found.push(digest.to_owned());
        }
    };
    headers.values().filter_map(|value| value.to_str().ok()).for_each(&mut add);
    spot::anywhere(wire::text(headers, "content-type"), body, &mut |spot| {
        if spot.form.is_text() && !spot.key {
            add(&spot.text);
        }
    });
    found
}

/// Whether a text has the form of a digest.
pub fn has_form(text: &str) -> bool {
    !Digest::of_form(bare(text)).is_empty()
}

/// The digest of that kind that a text has the form of, and that these bytes have.
pub fn kind_of(text: &str, bytes: &[u8]) -> Option<Digest> {
    let digest = bare(text);
    Digest::of_form(digest).iter().copied().find(|kind| kind.of(bytes) == digest)
}

/// The text with another digest in it.
pub fn with_digest(text: &str, kind: Digest, bytes: &[u8]) -> String {
    text.replacen(bare(text), &kind.of(bytes), 1)
}
