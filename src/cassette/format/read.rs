//! From the bytes of a file to a cassette, in one pass of the lexer.

use super::body::{blob_name, is_blob_name};
use super::error::FormatError;
use super::reader::{Blobs, Read, Reader, as_text, shortened};
use super::write::model_pointer;
use super::{VERSION, blob_folder};
use crate::cassette::{Cassette, Interaction, ModelStamp, Origin, Redacted, Redaction, Unknown};
use crate::document::{Object, in_plain_words, objection};
use crate::json::lexer::Token;
use crate::settings::{AccountIds, Bind};
use crate::wire::{Request, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::de::DeserializeOwned;
use std::io;
use std::path::Path;

impl Cassette {
    /// Reads the bytes of a cassette file. `source` is the file, for messages; `blobs` reads the
    /// large bodies beside it, and is asked only for names of the form `sha256-…`.
    pub fn parse(bytes: &[u8], source: &Path, blobs: Blobs<'_>) -> Result<Cassette, FormatError> {
        Cassette::parse_text(bytes, source, blobs).map_err(|error| match objection(bytes) {
            Some(objection) => FormatError::not_text(source, bytes, &objection),
            None => error,
        })
    }

    fn parse_text(bytes: &[u8], source: &Path, blobs: Blobs<'_>) -> Result<Cassette, FormatError> {
        let text = as_text(bytes, source)?;
        let mut reader = Reader::new(text, source, blobs);
        let cassette = reader.cassette().and_then(|cassette| reader.end().map(|()| cassette));
        // A file of another version is told apart from a broken one wherever its version stands.
        cassette.or_else(|error| Reader::new(text, source, blobs).check_version_only().and(Err(error)))
    }
}

impl Interaction {
    /// Reads what [`Interaction::to_record`] wrote.
    pub fn from_record(record: &[u8]) -> Result<Interaction, FormatError> {
        let source = Path::new("journal record");
        let no_blobs = |_: &str| Err(io::Error::other("a journal record holds its bodies itself"));
        let mut reader = Reader::new(as_text(record, source)?, source, &no_blobs);
        let interaction = reader.interaction()?;
        reader.end()?;
        Ok(interaction)
    }
}

impl Reader<'_> {
    fn cassette(&mut self) -> Read<Cassette> {
        const WITHIN: &str = "the cassette";
        let mut cassette = Cassette::default();
        let mut unknown = Unknown::default();
        let (mut version, mut origin, mut interactions) = (None, None, None);
        let start = self.object("a cassette (a JSON object)", WITHIN, "", &mut cassette.unknown, |reader, name| {
            match name {
                "ferrotape" => version = Some(reader.version()?),
                "origin" => origin = Some(reader.origin()?),
                "models" => cassette.models = reader.models(&mut unknown)?,
                "redaction" => cassette.redaction = reader.redaction(&mut unknown)?,
                "match" => cassette.rules.matching = reader.settings::<Object<_>>("the table `[match]` of `ferrotape.toml`")?.0,
                "bind" => {
                    let binds: Vec<Object<Bind>> = reader.settings("the tables `[[bind]]` of `ferrotape.toml`")?;
                    cassette.rules.bind = binds.into_iter().map(|bind| bind.0).collect();
                }
                "interactions" => interactions = Some(reader.interactions()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        cassette.unknown.append(unknown);
        self.present(version, start, WITHIN, "ferrotape", "`\"ferrotape\": 1`, the version of the format")?;
        cassette.origin = self.present(origin, start, WITHIN, "origin", "`recorded`, `synthesised` or `imported`")?;
        cassette.interactions = self.present(interactions, start, WITHIN, "interactions", "an array of interactions")?;
        Ok(cassette)
    }

    fn version(&mut self) -> Read<()> {
        let token = self.next()?;
        let start = self.lexer.token_start();
        let lexeme = self.skip(token)?;
        let major = lexeme.split('.').next().unwrap_or(lexeme);
        if matches!(token, Token::Number(_)) && major == VERSION {
            return Ok(());
        }
        Err(FormatError::Version {
            position: self.position(start),
            found: shortened(lexeme),
        })
    }

    /// Fails only where the document is of another version.
    fn check_version_only(&mut self) -> Read<()> {
        let Ok(Token::ObjectStart) = self.lexer.next() else { return Ok(()) };
        while let Ok(Token::Key(name)) = self.lexer.next() {
            if name.decode() == "ferrotape" {
                return match self.version() {
                    Err(error @ FormatError::Version { .. }) => Err(error),
                    _ => Ok(()),
                };
            }
            let skipped = self.lexer.next().and_then(|token| self.lexer.skip(token));
            if skipped.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn origin(&mut self) -> Read<Origin> {
        self.parsed("`recorded`, `synthesised` or `imported`", Origin::named)
    }

    fn models(&mut self, unknown: &mut Unknown) -> Read<Vec<(String, ModelStamp)>> {
        let mut models = Vec::new();
        let mut none = Unknown::default();
        self.object("an object of model stamps", "`models`", "", &mut none, |reader, name| {
            models.push((name.to_owned(), reader.model(name, unknown)?));
            Ok(true)
        })?;
        Ok(models)
    }

    fn model(&mut self, service: &str, unknown: &mut Unknown) -> Read<ModelStamp> {
        const WITHIN: &str = "the model's stamp";
        let (mut version, mut sha256) = (None, None);
        let place = model_pointer(service);
        let start = self.object("a model's stamp (an object)", WITHIN, &place, unknown, |reader, name| {
            match name {
                "version" => version = Some(reader.string("the service's version (a string)")?),
                "sha256" => sha256 = Some(reader.string("a SHA-256 in hexadecimal (a string)")?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(ModelStamp {
            version: self.present(version, start, WITHIN, "version", "a string")?,
            sha256: self.present(sha256, start, WITHIN, "sha256", "a string")?,
        })
    }

    fn redaction(&mut self, unknown: &mut Unknown) -> Read<Redaction> {
        let mut redaction = Redaction::default();
        self.object("an object", "`redaction`", "/redaction", unknown, |reader, name| {
            match name {
                "salt" => redaction.salt = reader.string("a salt (a string)")?,
                "rules" => redaction.rules = reader.strings("rule ids")?,
                "user" => redaction.user = reader.strings("rules, `ID KIND WHAT`")?,
                "accounts" => redaction.keeps_accounts = reader.settings::<AccountIds>("`number` or `keep`")? == AccountIds::Keep,
                "plain" => redaction.plain = reader.strings("values that stay readable")?,
                "keep" => redaction.keep = reader.strings("places, `OPERATION:/path`")?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(redaction)
    }

    /// What `ferrotape.toml` may say too, in JSON.
    fn settings<T: DeserializeOwned>(&mut self, expected: &str) -> Read<T> {
        let key = self.lexer.token_start();
        let text = self.compact()?;
        serde_json::from_str(&text).map_err(|error| FormatError::Unexpected {
            position: self.position(key),
            expected: expected.to_owned(),
            found: format!("something else: {}", in_plain_words(&error.to_string())),
        })
    }

    fn interactions(&mut self) -> Read<Vec<Interaction>> {
        let mut interactions = Vec::new();
        self.array("an array of interactions", |reader| {
            interactions.push(reader.interaction()?);
            Ok(())
        })?;
        Ok(interactions)
    }

    fn interaction(&mut self) -> Read<Interaction> {
        const WITHIN: &str = "the interaction";
        let mut interaction = Interaction::new(Request::default(), Response::default());
        let (mut own, mut nested) = (Unknown::default(), Unknown::default());
        let (mut request, mut response) = (None, None);
        let start = self.object("an interaction (an object)", WITHIN, "", &mut own, |reader, name| {
            match name {
                "service" => interaction.service = Some(reader.string("a service's name (a string)")?),
                "operation" => interaction.operation = Some(reader.string("an operation's name (a string)")?),
                "region" => interaction.region = Some(reader.string("a region (a string)")?),
                "request" => request = Some(reader.request(&mut nested)?),
                "response" => response = Some(reader.response(&mut nested)?),
                "attempt" => interaction.attempt = reader.attempt()?,
                "redacted" => interaction.redacted = reader.redacted(&mut nested)?,
                "now" => interaction.now = reader.settings("an array of members that name the time of the request")?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        interaction.request = self.present(request, start, WITHIN, "request", "an object")?;
        interaction.response = self.present(response, start, WITHIN, "response", "an object")?;
        own.append(nested);
        interaction.unknown = own;
        Ok(interaction)
    }

    fn request(&mut self, unknown: &mut Unknown) -> Read<Request> {
        const WITHIN: &str = "the request";
        let (mut method, mut uri) = (None, None);
        let (mut headers, mut body) = (HeaderMap::new(), Bytes::new());
        let mut nested = Unknown::default();
        let start = self.object("a request (an object)", WITHIN, "/request", unknown, |reader, name| {
            match name {
                "method" => method = Some(reader.parsed("an HTTP method", |text| Method::from_bytes(text.as_bytes()).ok())?),
                "uri" => uri = Some(reader.parsed("a URI", |text| Uri::try_from(text).ok())?),
                "headers" => headers = reader.headers()?,
                "body" => body = reader.body("/request/body", &mut nested)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        unknown.append(nested);
        let mut request = Request::new(body);
        *request.method_mut() = self.present(method, start, WITHIN, "method", "an HTTP method")?;
        *request.uri_mut() = self.present(uri, start, WITHIN, "uri", "the AWS URI of the call")?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn response(&mut self, unknown: &mut Unknown) -> Read<Response> {
        const WITHIN: &str = "the response";
        let mut status = None;
        let (mut headers, mut body) = (HeaderMap::new(), Bytes::new());
        let mut nested = Unknown::default();
        let start = self.object("a response (an object)", WITHIN, "/response", unknown, |reader, name| {
            match name {
                "status" => {
                    let from_text = |text: &str| StatusCode::from_bytes(text.as_bytes()).ok();
                    status = Some(reader.number("an HTTP status (a number from 100 to 999)", from_text)?);
                }
                "headers" => headers = reader.headers()?,
                "body" => body = reader.body("/response/body", &mut nested)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        unknown.append(nested);
        let mut response = Response::new(body);
        *response.status_mut() = self.present(status, start, WITHIN, "status", "an HTTP status")?;
        *response.headers_mut() = headers;
        Ok(response)
    }

    fn attempt(&mut self) -> Read<u32> {
        self.number("an attempt (a number from 1)", |text| {
            text.parse().ok().filter(|attempt| *attempt > 0)
        })
    }

    fn headers(&mut self) -> Read<HeaderMap> {
        let mut headers = HeaderMap::new();
        self.array("an array of headers", |reader| {
            let (name, value) = reader.header()?;
            // The map has an upper bound, and would otherwise panic beyond it.
            match headers.try_append(name, value) {
                Ok(_) => Ok(()),
                Err(_) => Err(reader.unexpected("fewer headers", "more than a message can hold")),
            }
        })?;
        Ok(headers)
    }

    fn header(&mut self) -> Read<(HeaderName, HeaderValue)> {
        const PAIR: &str = "a header (`[\"name\", \"value\"]`)";
        self.expect(Token::ArrayStart, PAIR)?;
        let name = self.parsed("a header's name", |text| HeaderName::from_bytes(text.as_bytes()).ok())?;
        let token = self.next()?;
        let value = match token {
            Token::Text(raw) => HeaderValue::from_bytes(raw.decode().as_bytes()),
            Token::ObjectStart => {
                self.expect_key("base64")?;
                let value = HeaderValue::from_bytes(&self.base64()?);
                self.expect(Token::ObjectEnd, "the end of the header's value")?;
                value
            }
            other => return Err(self.wrong(other, "a header's value (a string, or `{\"base64\": \"…\"}`)")),
        };
        let Ok(value) = value else {
            return Err(self.unexpected("a header's value", "characters that no header can carry"));
        };
        self.expect(Token::ArrayEnd, PAIR)?;
        Ok((name, value))
    }

    /// A body in any of its forms; `within` is where it stands.
    fn body(&mut self, within: &str, unknown: &mut Unknown) -> Read<Bytes> {
        const WITHIN: &str = "the body";
        let mut body: Option<Bytes> = None;
        let start = self.object("a body (an object)", WITHIN, within, unknown, |reader, name| {
            if !matches!(name, "json" | "text" | "base64" | "blob") {
                return Ok(false);
            }
            if body.is_some() {
                return Err(reader.unexpected("one form of the body", &format!("`{name}` as a second one")));
            }
            body = Some(match name {
                "json" => Bytes::from(reader.compact()?.into_boxed_str().into_boxed_bytes()),
                "text" => Bytes::from(reader.string("the body's text (a string)")?),
                "base64" => Bytes::from(reader.base64()?),
                _ => reader.blob()?,
            });
            Ok(true)
        })?;
        self.present(body, start, WITHIN, "json", "one of `json`, `text`, `base64` and `blob`")
    }

    fn blob(&mut self) -> Read<Bytes> {
        let name = self.parsed("the name of a body file, `sha256-` and 64 hexadecimal digits", |text| {
            is_blob_name(text).then(|| text.to_owned())
        })?;
        let file = blob_folder(self.source).join(&name);
        let start = self.lexer.token_start();
        let content = (self.blobs)(&name).map_err(|source| FormatError::Blob {
            position: self.position(start),
            file: file.clone(),
            source,
        })?;
        let actual = blob_name(&content);
        if actual != name {
            let position = self.position(start);
            return Err(FormatError::BlobChanged { position, file, actual });
        }
        Ok(Bytes::from(content))
    }

    fn redacted(&mut self, unknown: &mut Unknown) -> Read<Vec<Redacted>> {
        let mut places = Vec::new();
        self.array("an array of redacted places", |reader| {
            let within = format!("/redacted/{}", places.len());
            places.push(reader.redacted_place(&within, unknown)?);
            Ok(())
        })?;
        Ok(places)
    }

    fn redacted_place(&mut self, within: &str, unknown: &mut Unknown) -> Read<Redacted> {
        const WITHIN: &str = "the redacted place";
        let (mut path, mut member, mut rule, mut breaks) = (None, None, None, Vec::new());
        let start = self.object("a redacted place (an object)", WITHIN, within, unknown, |reader, name| {
            match name {
                "path" => path = Some(reader.string("a JSON pointer (a string)")?),
                "member" => member = Some(reader.string("a JSON pointer (a string)")?),
                "rule" => rule = Some(reader.string("a rule's id (a string)")?),
                "breaks" => breaks = reader.strings("names of constraints")?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Redacted {
            path: self.present(path, start, WITHIN, "path", "a JSON pointer")?,
            member,
            rule: self.present(rule, start, WITHIN, "rule", "a rule's id")?,
            breaks,
        })
    }
}
