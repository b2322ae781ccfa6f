//! `ferrotape show`: a cassette for people.

use crate::cassette::store::{Library, load_file};
use crate::cassette::{Cassette, Interaction, Name, Redacted};
use crate::codec::cbor::{self, Epoch};
use crate::codec::{json, spot};
use crate::exit::Exit;
use crate::json::rewrite::{self, Edit, Place};
use crate::terminal::{self, FAILED, FAINT, GOOD, HIDDEN, TITLE, clean};
use crate::wire;
use anyhow::Context;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// More lines of a body than these are cut.
const LONGEST: usize = 40;

/// Print a cassette for people: what was asked, what was answered, what is redacted.
#[derive(Debug, clap::Args)]
pub struct ShowArguments {
    /// The cassette: a name below the cassettes folder, or a file
    #[arg(value_name = "NAME|FILE", default_value = "default")]
    pub cassette: String,
    /// The folder of the cassettes
    #[arg(long, value_name = "DIR", default_value = "cassettes")]
    pub cassettes: PathBuf,
    /// Show headers too, and bodies whole
    #[arg(long)]
    pub full: bool,
}

/// Runs the command.
pub fn run(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let (title, cassette) = find(arguments)?;
    let mut out = Vec::new();
    let written = write(&title, &cassette, arguments.full, &mut out).and_then(|()| terminal::styled(&out));
    written.context("cannot write to standard output").map(|()| Exit::Clean)
}

/// A file where there is one of that name, else a cassette of the folder.
fn find(arguments: &ShowArguments) -> anyhow::Result<(String, Cassette)> {
    let file = Path::new(&arguments.cassette);
    if file.is_file() {
        return Ok((file.display().to_string(), load_file(file)?));
    }
    let library = Library::new(arguments.cassettes.clone());
    let name = Name::parse(&arguments.cassette)?;
    Ok((library.path(&name).display().to_string(), library.load(&name)?))
}

fn write(title: &str, cassette: &Cassette, full: bool, out: &mut dyn Write) -> io::Result<()> {
    header(title, cassette, out)?;
    for (index, interaction) in cassette.interactions.iter().enumerate() {
        writeln!(out)?;
        write_interaction(index + 1, interaction, full, out)?;
    }
    Ok(())
}

fn header(title: &str, cassette: &Cassette, out: &mut dyn Write) -> io::Result<()> {
    let count = match cassette.interactions.len() {
        1 => "1 interaction".to_owned(),
        many => format!("{many} interactions"),
    };
    writeln!(out, "{TITLE}{}{TITLE:#}: {}, {count}", clean(title), cassette.origin.name())?;
    if !cassette.models.is_empty() {
        let models = cassette
            .models
            .iter()
            .map(|(name, stamp)| format!("{} {}", clean(name), clean(&stamp.version)));
        writeln!(out, "models: {}", models.collect::<Vec<_>>().join(", "))?;
    }
    let redaction = &cassette.redaction;
    if !redaction.rules.is_empty() {
        writeln!(out, "redaction: {}", clean(&redaction.rules.join(", ")))?;
    }
    if !redaction.keep.is_empty() {
        writeln!(out, "kept readable: {}", clean(&redaction.keep.join(", ")))?;
    }
    Ok(())
}

fn write_interaction(number: usize, interaction: &Interaction, full: bool, out: &mut dyn Write) -> io::Result<()> {
    let status = interaction.response.status();
    let style = if status.is_success() { GOOD } else { FAILED };
    let title = match (&interaction.service, &interaction.operation) {
        (Some(service), Some(operation)) => format!("{service} {operation}"),
        _ => "(not understood)".to_owned(),
    };
    write!(out, "{TITLE}#{number} {}{TITLE:#}", clean(&title))?;
    if let Some(region) = &interaction.region {
        write!(out, "  {}", clean(region))?;
    }
    write!(out, "  {style}{}{style:#}", status.as_u16())?;
    if let Some(error) = error_code(interaction) {
        write!(out, " {style}{}{style:#}", clean(&error))?;
    }
    if interaction.attempt > 1 {
        write!(out, "  {FAINT}attempt {}{FAINT:#}", interaction.attempt)?;
    }
    writeln!(out)?;
    let request = &interaction.request;
    writeln!(out, "  {FAINT}{} {}{FAINT:#}", request.method(), clean(&request.uri().to_string()))?;
    side("request", request.headers(), request.body(), interaction, full, out)?;
    writeln!(out, "  {FAINT}answered {}{FAINT:#}", status.as_u16())?;
    side(
        "response",
        interaction.response.headers(),
        interaction.response.body(),
        interaction,
        full,
        out,
    )
}

/// The error's name, as the header or the body gives it.
fn error_code(interaction: &Interaction) -> Option<String> {
    if interaction.response.status().is_success() {
        return None;
    }
    let header = wire::text(interaction.response.headers(), "x-amzn-errortype").map(str::to_owned);
    let body = || {
        let (headers, body) = (interaction.response.headers(), interaction.response.body());
        let body = json_of_cbor(headers, body).map_or_else(|| body.clone(), Bytes::from);
        let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
        let code = body.get("__type").or_else(|| body.get("code"))?;
        code.as_str().map(str::to_owned)
    };
    let code = header.or_else(body)?;
    let code = code.split(':').next().unwrap_or(&code);
    Some(code.rsplit('#').next().unwrap_or(code).to_owned())
}

fn side(name: &str, headers: &HeaderMap, body: &Bytes, interaction: &Interaction, full: bool, out: &mut dyn Write) -> io::Result<()> {
    let redacted = &interaction.redacted;
    if full {
        for (header, value) in headers {
            let value = clean(&String::from_utf8_lossy(value.as_bytes()));
            let path = format!("/{name}/headers/{header}");
            let mark = redacted.iter().find(|place| place.path == path).map(mark).unwrap_or_default();
            writeln!(out, "  {header}: {value}{mark}")?;
        }
    }
    let text = render_body(headers, body, &format!("/{name}"), redacted);
    let lines: Vec<&str> = text.lines().collect();
    let shown = if full { lines.len() } else { lines.len().min(LONGEST) };
    for line in lines.iter().take(shown) {
        writeln!(out, "  {line}")?;
    }
    if lines.len() > shown {
        writeln!(out, "  {FAINT}… {} more lines, `--full` shows them{FAINT:#}", lines.len() - shown)?;
    }
    Ok(())
}

/// A body of CBOR as the JSON that says the same, bytes in base64.
fn json_of_cbor(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let media_type = wire::media_type(headers).filter(|media_type| wire::is_cbor(media_type))?;
    let epoch = if wire::is_aws_cbor(media_type) {
        Epoch::Milliseconds
    } else {
        Epoch::Seconds
    };
    let mut text = String::new();
    json::write(&cbor::decode_untyped(body, epoch).ok()?, &mut text);
    Some(text)
}

/// A JSON or CBOR body spaced for people, other text as it is, bytes counted; the redacted places marked.
fn render_body(headers: &HeaderMap, body: &Bytes, side: &str, redacted: &[Redacted]) -> String {
    let root = &format!("{side}/body");
    let body = &json_of_cbor(headers, body).map_or_else(|| body.clone(), Bytes::from);
    let Ok(text) = std::str::from_utf8(body) else {
        let count = format!("({} bytes that are not text)", body.len());
        let below = redacted.iter().filter(|place| place.path.starts_with(root.as_str()));
        let lines = below.map(|place| format!("{}{}", clean(place.path.strip_prefix(side).unwrap_or_default()), mark(place)));
        return std::iter::once(count).chain(lines).collect::<Vec<_>>().join("\n");
    };
    let Ok(spaced) = rewrite::respace(text, 0) else {
        return marked_text(headers, text, side, redacted);
    };
    // JSON has no other control character than these outside of escapes, but for the C1 set.
    let spaced: String = spaced
        .chars()
        .map(|character| {
            if character.is_control() && character != '\n' {
                ' '
            } else {
                character
            }
        })
        .collect();
    let places: Vec<(&str, &Redacted)> = redacted
        .iter()
        .filter_map(|place| place.path.strip_prefix(root).map(|pointer| (pointer, place)))
        .collect();
    if places.is_empty() {
        return spaced;
    }
    let mut strings = HashMap::new();
    let listed = rewrite::map_strings(&spaced, &mut |place, text| {
        if place.place == Place::Value {
            strings.insert(place.pointer.to_owned(), rewrite::string(text));
        }
        None
    });
    let edits: Vec<Edit> = places
        .into_iter()
        .map(|(pointer, place)| Edit {
            pointer: pointer.to_owned(),
            place: Place::Value,
            lexeme: format!("{}{}", strings.get(pointer).map_or("…", String::as_str), mark(place)),
        })
        .collect();
    let marked = listed.and_then(|_| rewrite::replace(&spaced, &edits));
    marked.unwrap_or(spaced)
}

/// A text that is no JSON, with a mark behind each redacted place that can be found in it.
fn marked_text(headers: &HeaderMap, text: &str, side: &str, redacted: &[Redacted]) -> String {
    let content_type = wire::text(headers, "content-type");
    let mut marks: Vec<(usize, String)> = Vec::new();
    spot::anywhere(content_type, text.as_bytes(), &mut |spot| {
        let is_here = |place: &&Redacted| place.path.strip_prefix(side) == Some(spot.wire);
        marks.extend(redacted.iter().filter(is_here).map(|place| (spot.range.end, mark(place))));
    });
    marks.sort_by_key(|(end, _)| *end);
    let printable = |part: &str| part.split('\n').map(clean).collect::<Vec<_>>().join("\n");
    let mut out = String::new();
    let mut from = 0;
    for (end, mark) in marks {
        out.push_str(&printable(text.get(from..end).unwrap_or_default()));
        out.push_str(&mark);
        from = end;
    }
    out.push_str(&printable(text.get(from..).unwrap_or_default()));
    out
}

fn mark(place: &Redacted) -> String {
    let breaks = match place.breaks.as_slice() {
        [] => String::new(),
        broken => format!("; the true value broke {}", clean(&broken.join(", "))),
    };
    format!(" {HIDDEN}‹redacted: {}{breaks}›{HIDDEN:#}", clean(&place.rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::{ModelStamp, Origin, Redaction};

    fn cassette() -> Cassette {
        let request = http::Request::post("https://proton.us-east-1.amazonaws.com/")
            .header("content-type", "application/x-amz-json-1.0")
            .body(Bytes::from_static(br#"{"name":"blue","spec":"x1y2","n":1e2}"#))
            .unwrap();
        let response = http::Response::builder()
            .status(400)
            .header("x-amzn-errortype", "com.amazonaws.proton#ConflictException:http://x/")
            .body(Bytes::from_static(br#"{"message":"no \u001b[2J"}"#))
            .unwrap();
        Cassette {
            origin: Origin::Synthesised,
            models: vec![(
                "Proton".to_owned(),
                ModelStamp {
                    version: "2020-07-20".to_owned(),
                    sha256: "ab".to_owned(),
                },
            )],
            redaction: Redaction {
                rules: vec!["sensitive-members".to_owned()],
                ..Redaction::default()
            },
            interactions: vec![Interaction {
                service: Some("Proton".to_owned()),
                operation: Some("CreateServiceInstance".to_owned()),
                region: Some("us-east-1".to_owned()),
                request,
                response,
                attempt: 1,
                redacted: vec![Redacted {
                    path: "/request/body/spec".to_owned(),
                    member: None,
                    rule: "sensitive-members".to_owned(),
                    breaks: Vec::new(),
                }],
                now: Vec::new(),
                unknown: Default::default(),
            }],
            ..Cassette::default()
        }
    }

    fn shown(full: bool) -> String {
        let mut bytes = Vec::new();
        write("cassettes/a.json", &cassette(), full, &mut bytes).unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&bytes).into_vec()).unwrap()
    }

    #[test]
    fn a_cassette_is_told_with_its_redacted_places_marked() {
        assert_eq!(
            shown(false),
            "cassettes/a.json: synthesised, 1 interaction\n\
             models: Proton 2020-07-20\n\
             redaction: sensitive-members\n\
             \n\
             #1 Proton CreateServiceInstance  us-east-1  400 ConflictException\n\
             \x20 POST https://proton.us-east-1.amazonaws.com/\n\
             \x20 {\n\
             \x20   \"name\": \"blue\",\n\
             \x20   \"spec\": \"x1y2\" ‹redacted: sensitive-members›,\n\
             \x20   \"n\": 1e2\n\
             \x20 }\n\
             \x20 answered 400\n\
             \x20 {\n\
             \x20   \"message\": \"no \\u001b[2J\"\n\
             \x20 }\n"
        );
    }

    #[test]
    fn redacted_places_are_marked_whatever_the_format() {
        let place = |path: &str| Redacted {
            path: path.to_owned(),
            member: None,
            rule: "credentials".to_owned(),
            breaks: Vec::new(),
        };
        let shown = |content_type: &'static str, body: &'static [u8], path: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", http::HeaderValue::from_static(content_type));
            let text = render_body(&headers, &Bytes::from_static(body), "/request", &[place(path)]);
            String::from_utf8(anstream::adapter::strip_bytes(text.as_bytes()).into_vec()).unwrap()
        };
        assert_eq!(
            shown("application/xml", b"<a><b>x1</b>\n<c>y</c></a>", "/request/body/a/b"),
            "<a><b>x1 ‹redacted: credentials›</b>\n<c>y</c></a>"
        );
        assert_eq!(
            shown("application/x-www-form-urlencoded", b"A=x&B=y1&C=z", "/request/body/B"),
            "A=x&B=y1 ‹redacted: credentials›&C=z"
        );
        assert_eq!(
            shown("text/plain", b"one\ntwo", "/request/body"),
            "one\ntwo ‹redacted: credentials›"
        );
        assert_eq!(
            shown("application/cbor", b"\xa1\x61a\xff", "/request/body/a"),
            "(4 bytes that are not text)\n/body/a ‹redacted: credentials›"
        );
    }

    #[test]
    fn headers_are_shown_when_all_is_asked_for() {
        assert!(shown(true).contains("\n  content-type: application/x-amz-json-1.0\n"));
        assert!(!shown(false).contains("content-type"));
    }

    #[test]
    fn a_long_body_is_cut_and_says_so() {
        let mut cassette = cassette();
        let body = format!("[{}]", vec!["{}"; 100].join(","));
        *cassette.interactions[0].request.body_mut() = Bytes::from(body);
        let mut bytes = Vec::new();
        write("a", &cassette, false, &mut bytes).unwrap();
        let text = anstream::adapter::strip_bytes(&bytes).into_vec();
        assert!(String::from_utf8(text).unwrap().contains("… 62 more lines, `--full` shows them"));
    }
}
