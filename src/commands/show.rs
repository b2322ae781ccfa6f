//! `ferrotape show`: a cassette for people.

use crate::cassette::format::blob_folder;
use crate::cassette::{Cassette, Interaction, Redacted};
use crate::exit::Exit;
use crate::json::rewrite::{self, Edit, Place};
use crate::report::clean;
use anstyle::{AnsiColor, Style};
use anyhow::Context;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();
const HIDDEN: Style = AnsiColor::Magenta.on_default();

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
    let path = locate(&arguments.cassettes, &arguments.cassette);
    let cassette = load(&path)?;
    let title = path.display().to_string();
    let mut out = anstream::stdout().lock();
    let written = write(&title, &cassette, arguments.full, &mut out).and_then(|()| out.flush());
    match written {
        // `ferrotape show … | head` has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
        other => other.context("cannot write to standard output").map(|()| Exit::Clean),
    }
}

/// A file where there is one of that name, else a cassette of the folder.
fn locate(folder: &Path, cassette: &str) -> PathBuf {
    let file = Path::new(cassette);
    if file.is_file() {
        return file.to_owned();
    }
    folder.join(format!("{cassette}.json"))
}

pub(super) fn load(path: &Path) -> anyhow::Result<Cassette> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the cassette `{}`", path.display()))?;
    let folder = blob_folder(path);
    let blobs = |name: &str| std::fs::read(folder.join(name));
    Ok(Cassette::parse(&bytes, path, &blobs)?)
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
    let style = if status.is_success() { GOOD } else { BAD };
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
    let header = crate::wire::text(interaction.response.headers(), "x-amzn-errortype").map(str::to_owned);
    let body = || {
        let body: serde_json::Value = serde_json::from_slice(interaction.response.body()).ok()?;
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
    let text = render_body(body, &format!("/{name}/body"), redacted);
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

/// A JSON body spaced for people, its redacted places marked; other text as it is; bytes counted.
fn render_body(body: &Bytes, root: &str, redacted: &[Redacted]) -> String {
    let Ok(text) = std::str::from_utf8(body) else {
        return format!("({} bytes that are not text)", body.len());
    };
    let Ok(spaced) = rewrite::respace(text, 0) else {
        return text.lines().map(clean).collect::<Vec<_>>().join("\n");
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

fn mark(place: &Redacted) -> String {
    let breaks = match place.breaks.as_slice() {
        [] => String::new(),
        broken => format!("; the true value broke {}", clean(&broken.join(", "))),
    };
    format!(" {HIDDEN}‹redacted: {}{breaks}›{HIDDEN:#}", clean(&place.rule))
}
