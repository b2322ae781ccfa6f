//! From a cassette to the bytes of its file. It is written compact first, and then spaced out by
//! the writer that never touches a lexeme.

use super::VERSION;
use super::body::{Form, Large, form};
use crate::cassette::{Cassette, Interaction, ModelStamp, Origin, Redacted, Redaction, TimeMark, Unknown};
use crate::json::rewrite;
use crate::pointer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::HeaderMap;

/// The files that make up a cassette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The cassette file itself.
    pub json: Vec<u8>,
    /// The large bodies beside it, name and content, each once, by first appearance.
    pub blobs: Vec<(String, Bytes)>,
}

impl Cassette {
    /// The bytes of the cassette's files: the same for the same cassette.
    pub fn render(&self) -> Rendered {
        let mut writer = Writer::new(Large::Blobs);
        writer.cassette(self);
        let mut json = rewrite::respace(&writer.out, 0).unwrap_or(writer.out);
        json.push('\n');
        Rendered {
            json: json.into_bytes(),
            blobs: writer.blobs,
        }
    }

    /// The cassette as one line of JSON with all bodies inline.
    pub(in crate::cassette) fn to_line(&self) -> String {
        let mut writer = Writer::new(Large::Inline);
        writer.cassette(self);
        writer.out
    }
}

impl Interaction {
    /// The interaction as one line of compact JSON with its bodies inline, for the journal.
    pub fn to_record(&self) -> Vec<u8> {
        let mut writer = Writer::new(Large::Inline);
        writer.interaction(self);
        writer.out.into_bytes()
    }
}

struct Writer {
    out: String,
    /// The next member or item is not the first of its container.
    comma_due: bool,
    large: Large,
    blobs: Vec<(String, Bytes)>,
}

impl Writer {
    fn new(large: Large) -> Writer {
        Writer {
            out: String::new(),
            comma_due: false,
            large,
            blobs: Vec::new(),
        }
    }

    fn cassette(&mut self, cassette: &Cassette) {
        self.open('{');
        self.key("ferrotape");
        self.lexeme(VERSION);
        self.key("origin");
        self.string(Origin::name(cassette.origin));
        self.models(&cassette.models, &cassette.unknown);
        self.redaction(&cassette.redaction, &cassette.unknown);
        if !cassette.rules.matching.is_empty() {
            self.settings("match", &cassette.rules.matching);
        }
        if !cassette.rules.bind.is_empty() {
            self.settings("bind", &cassette.rules.bind);
        }
        self.key("interactions");
        self.open('[');
        for interaction in &cassette.interactions {
            self.interaction(interaction);
        }
        self.close(']');
        self.unknown(&cassette.unknown, "");
        self.close('}');
    }

    /// What `ferrotape.toml` may say too, in JSON.
    fn settings(&mut self, name: &str, value: &impl serde::Serialize) {
        // Plain data of our own has a form in JSON.
        if let Ok(text) = serde_json::to_string(value) {
            self.key(name);
            self.lexeme(&text);
        }
    }

    fn models(&mut self, models: &[(String, ModelStamp)], unknown: &Unknown) {
        if models.is_empty() {
            return;
        }
        self.key("models");
        self.open('{');
        for (service, stamp) in models {
            self.key(service);
            self.open('{');
            self.text_member("version", &stamp.version);
            self.text_member("sha256", &stamp.sha256);
            if !unknown.is_empty() {
                self.unknown(unknown, &model_pointer(service));
            }
            self.close('}');
        }
        self.close('}');
    }

    fn redaction(&mut self, redaction: &Redaction, unknown: &Unknown) {
        if *redaction == Redaction::default() && unknown.of("/redaction").next().is_none() {
            return;
        }
        self.key("redaction");
        self.open('{');
        if !redaction.salt.is_empty() {
            self.text_member("salt", &redaction.salt);
        }
        self.strings_member("rules", &redaction.rules);
        self.strings_member("keep", &redaction.keep);
        if redaction.keeps_accounts {
            self.text_member("accounts", "keep");
        }
        self.strings_member("plain", &redaction.plain);
        self.strings_member("user", &redaction.user);
        self.unknown(unknown, "/redaction");
        self.close('}');
    }

    fn interaction(&mut self, interaction: &Interaction) {
        let unknown = &interaction.unknown;
        self.open('{');
        for (name, value) in [
            ("service", &interaction.service),
            ("operation", &interaction.operation),
            ("region", &interaction.region),
        ] {
            if let Some(value) = value {
                self.text_member(name, value);
            }
        }

        let request = &interaction.request;
        self.key("request");
        self.open('{');
        self.text_member("method", request.method().as_str());
        self.text_member("uri", &request.uri().to_string());
        self.message(request.headers(), request.body(), "/request", unknown);
        self.close('}');

        let response = &interaction.response;
        self.key("response");
        self.open('{');
        self.key("status");
        self.lexeme(response.status().as_str());
        self.message(response.headers(), response.body(), "/response", unknown);
        self.close('}');

        if interaction.attempt > 1 {
            self.key("attempt");
            self.lexeme(&interaction.attempt.to_string());
        }
        self.redacted(&interaction.redacted, unknown);
        self.now(&interaction.now);
        self.unknown(unknown, "");
        self.close('}');
    }

    /// Headers, body and unknown members: what both sides have.
    fn message(&mut self, headers: &HeaderMap, body: &Bytes, within: &str, unknown: &Unknown) {
        self.headers(headers);
        self.body(body, unknown, &format!("{within}/body"));
        self.unknown(unknown, within);
    }

    fn headers(&mut self, headers: &HeaderMap) {
        self.key("headers");
        self.open('[');
        for (name, value) in headers {
            self.open('[');
            self.string(name.as_str());
            match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => self.string(text),
                Err(_) => {
                    self.open('{');
                    self.text_member("base64", &BASE64.encode(value.as_bytes()));
                    self.close('}');
                }
            }
            self.close(']');
        }
        self.close(']');
    }

    fn body(&mut self, body: &Bytes, unknown: &Unknown, within: &str) {
        let Some(form) = form(body, self.large) else { return };
        self.key("body");
        self.open('{');
        match form {
            Form::Json(json) => {
                self.key("json");
                self.lexeme(&json);
            }
            Form::Text(text) => self.text_member("text", text),
            Form::Base64(bytes) => self.text_member("base64", &BASE64.encode(bytes)),
            Form::Blob { name, content } => {
                self.text_member("blob", &name);
                if self.blobs.iter().all(|(known, _)| *known != name) {
                    self.blobs.push((name, content));
                }
            }
        }
        self.unknown(unknown, within);
        self.close('}');
    }

    fn redacted(&mut self, redacted: &[Redacted], unknown: &Unknown) {
        if redacted.is_empty() {
            return;
        }
        self.key("redacted");
        self.open('[');
        for (index, place) in redacted.iter().enumerate() {
            self.open('{');
            self.text_member("path", &place.path);
            if let Some(member) = &place.member {
                self.text_member("member", member);
            }
            self.text_member("rule", &place.rule);
            self.strings_member("breaks", &place.breaks);
            if !unknown.is_empty() {
                self.unknown(unknown, &format!("/redacted/{index}"));
            }
            self.close('}');
        }
        self.close(']');
    }

    fn now(&mut self, marks: &[TimeMark]) {
        if marks.is_empty() {
            return;
        }
        self.key("now");
        self.open('[');
        for mark in marks {
            self.open('{');
            self.text_member("member", &mark.member);
            if mark.offset != 0 {
                self.key("offset");
                self.lexeme(&mark.offset.to_string());
            }
            self.close('}');
        }
        self.close(']');
    }

    fn unknown(&mut self, unknown: &Unknown, within: &str) {
        for (name, value) in unknown.of(within) {
            self.lexeme(name);
            self.out.push(':');
            self.comma_due = false;
            self.lexeme(value);
        }
    }

    fn text_member(&mut self, name: &str, value: &str) {
        self.key(name);
        self.string(value);
    }

    /// A member with a list of strings, left out where the list is empty.
    fn strings_member(&mut self, name: &str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        self.key(name);
        self.open('[');
        for value in values {
            self.string(value);
        }
        self.close(']');
    }

    fn key(&mut self, name: &str) {
        self.string(name);
        self.out.push(':');
        self.comma_due = false;
    }

    fn string(&mut self, text: &str) {
        self.lexeme(&rewrite::string(text));
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.out.push(bracket);
        self.comma_due = false;
    }

    fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.comma_due = true;
    }

    fn lexeme(&mut self, text: &str) {
        self.separate();
        self.out.push_str(text);
        self.comma_due = true;
    }

    fn separate(&mut self) {
        if self.comma_due {
            self.out.push(',');
        }
    }
}

/// Where a model's stamp stands in a cassette.
pub(super) fn model_pointer(service: &str) -> String {
    let mut out = String::from("/models/");
    pointer::escape_into(service, &mut out);
    out
}
