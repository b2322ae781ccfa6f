//! Writes the parts of an interaction with stand-ins in them, and lists every place that it changed.

use super::rules::Rule;
use super::stand_in::{self, FAR_FUTURE};
use super::{Leak, PlaceToHide, Redactor, Side, headers, scan};
use crate::cassette::Redacted;
use crate::json::lexer::{Lexer, Token};
use crate::json::rewrite::{self, Edit, Place};
use crate::pointer;
use crate::value::Value;
use crate::wire::Request;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use std::collections::{HashMap, HashSet};

/// Writes the parts of an interaction and lists what it replaced, in document order.
pub(super) struct Writer<'a> {
    redactor: &'a Redactor,
    accounts: HashMap<String, String>,
    pub(super) redacted: Vec<Redacted>,
    listed: HashSet<(String, Rule)>,
}

impl<'a> Writer<'a> {
    /// `accounts`: what stands for each account id of the exchange.
    pub(super) fn new(redactor: &'a Redactor, accounts: HashMap<String, String>) -> Writer<'a> {
        Writer {
            redactor,
            accounts,
            redacted: Vec::new(),
            listed: HashSet::new(),
        }
    }

    fn note(&mut self, path: String, rule: Rule, breaks: Vec<String>) {
        if self.listed.insert((path.clone(), rule)) {
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
        let mut scrubbed = scan::scrub(&self.redactor.stand_ins, text).map(|(clean, rule)| {
            rules.push(rule);
            clean
        });
        if scrubbed.is_none()
            && let Some(listed) = self.redactor.listed.get(text)
        {
            rules.clone_from(listed);
            scrubbed = Some(text.to_owned());
        }
        let renamed = scan::rename_accounts(scrubbed.as_deref().unwrap_or(text), &|id| self.accounts.get(id).cloned());
        if renamed.is_some() {
            rules.push(Rule::AccountId);
        }
        renamed.or(scrubbed).map(|clean| (clean, rules))
    }

    pub(super) fn uri(&mut self, request: &Request) -> Result<http::Uri, Leak> {
        let Some((clean, rules)) = self.clean(&request.uri().to_string()) else {
            return Ok(request.uri().clone());
        };
        for rule in rules {
            self.note("/request/uri".to_owned(), rule, Vec::new());
        }
        clean.parse().map_err(|_| Leak::Uri)
    }

    pub(super) fn headers(&mut self, base: &str, headers: HeaderMap) -> HeaderMap {
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

    pub(super) fn body(&mut self, base: &str, body: &Bytes, side: &Side<'_>, compact: bool) -> Bytes {
        let Ok(text) = std::str::from_utf8(body) else {
            return body.clone();
        };
        let clean = match self.json(base, text, side) {
            Some(clean) => clean,
            None => self.plain_body(base, text),
        };
        // White space in a request says nothing.
        let compacted = if compact {
            rewrite::compact(clean.as_deref().unwrap_or(text)).ok()
        } else {
            None
        };
        compacted.or(clean).map_or_else(|| body.clone(), Bytes::from)
    }

    /// A body that was not decoded: one text, of which only the form of its secrets is known.
    fn plain_body(&mut self, base: &str, text: &str) -> Option<String> {
        let (clean, rules) = self.clean(text)?;
        for rule in rules {
            self.note(base.to_owned(), rule, Vec::new());
        }
        Some(clean)
    }

    /// Nothing where the text is no JSON; `Some(None)` where it stays as it is.
    fn json(&mut self, base: &str, text: &str, side: &Side<'_>) -> Option<Option<String>> {
        if text.is_empty() || !side.decoded {
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
            if place.place == Place::Key && clean != string {
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
        Some(changed.then_some(mapped))
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
            Value::Timestamp { .. } => place.value.clone(),
            _ => Value::Text(string.to_owned()),
        };
        match self.redactor.stand_ins.value(&value, place.member) {
            Value::Timestamp { seconds, .. } => Some((stand_in::date_text(seconds, string)?, vec![rule])),
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
pub(super) fn rule_is_void(place: &PlaceToHide<'_>) -> bool {
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
pub(super) fn walk_json(text: &str, visit: &mut dyn FnMut(&str, Token<'_>, &str)) -> Option<()> {
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
