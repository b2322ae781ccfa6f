//! `ferrotape scrub`: today's rules of redaction, applied to cassettes that older ones made.

#[cfg(test)]
mod fresh_tests;

use super::ModelArguments;
use super::run::random_hexadecimal;
use super::verify::files;
use crate::cassette::store::{Library, load_file};
use crate::cassette::{Cassette, Interaction, Name, Redacted};
use crate::exit::Exit;
use crate::inspect::inspect_recorded;
use crate::model::catalog::Catalog;
use crate::redaction::rules::Rule;
use crate::redaction::user::{self, UserRules};
use crate::redaction::{Leak, Redactor};
use crate::settings::Settings;
use crate::terminal::{self, clean};
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};

/// Apply today's rules of redaction to older cassettes, and say what they changed.
///
/// A rule only adds: what was hidden stays as it is, and replays as before. Exit status 16 with
/// `--check` if a cassette would change; 1 if something cannot be hidden.
#[derive(Debug, clap::Args)]
pub struct ScrubArguments {
    /// Cassettes, by file or name, or folders of cassettes
    #[arg(value_name = "PATH", default_value = "cassettes")]
    pub paths: Vec<PathBuf>,
    /// Change nothing, and only say what would change
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub models: ModelArguments,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
}

/// Runs the command.
pub fn run(arguments: &ScrubArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let mut exit = Exit::Clean;
    let mut changed = 0;
    let files = files(&arguments.paths, &arguments.settings)?;
    for file in &files {
        // One that cannot be read does not keep the others from being.
        let (cassette, scrubbed) = match load_and_scrub(file, &catalog, &arguments.settings) {
            Ok(done) => done,
            Err(problem) => {
                terminal::say(&clean(&problem.to_string()));
                exit = exit.or(Exit::CouldNotRun);
                continue;
            }
        };
        for line in &scrubbed.lines {
            terminal::line(&format!("{}: {}", file.display(), clean(line)));
        }
        if scrubbed.refused {
            exit = exit.or(Exit::CouldNotRun);
        }
        if !scrubbed.changed {
            continue;
        }
        changed += 1;
        if arguments.check {
            exit = exit.or(Exit::Secrets);
        } else {
            save(file, &cassette)?;
        }
    }
    let verb = if arguments.check { "would change" } else { "changed" };
    terminal::line(&format!("{changed} of {} {verb}", plural(files.len(), "cassette")));
    Ok(exit)
}

fn load_and_scrub(file: &Path, catalog: &Catalog, settings: &Settings) -> anyhow::Result<(Cassette, Scrubbed)> {
    let mut cassette = load_file(file)?;
    let scrubbed = scrub(&mut cassette, catalog, settings).map_err(|problem| anyhow!("`{}`: {problem}", file.display()))?;
    Ok((cassette, scrubbed))
}

pub(super) fn plural(count: usize, noun: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{end}")
}

fn save(file: &Path, cassette: &Cassette) -> anyhow::Result<()> {
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let name = Name::parse(stem).ok().filter(|_| is_json);
    let name = name.with_context(|| format!("`{}` is not called like a cassette; rename it to `NAME.json`", file.display()))?;
    Ok(Library::new(folder).save(&name, cassette)?)
}

/// What scrubbing one cassette came to.
#[derive(Debug, Default)]
struct Scrubbed {
    lines: Vec<String>,
    changed: bool,
    refused: bool,
}

fn scrub(cassette: &mut Cassette, catalog: &Catalog, settings: &Settings) -> anyhow::Result<Scrubbed> {
    let mut done = Scrubbed::default();
    let mut redaction = cassette.redaction.clone();
    if redaction.salt.is_empty() {
        redaction.salt = random_hexadecimal::<32>()?;
    }
    for text in user::texts(&settings.redaction)? {
        if !redaction.user.contains(&text) {
            redaction.user.push(text);
        }
    }
    let user = UserRules::read(&redaction.user)?;
    for id in Rule::ALL.iter().map(|rule| rule.id()).chain(user.ids()) {
        if !redaction.rules.iter().any(|known| known == id) {
            redaction.rules.push(id.to_owned());
        }
    }
    let redactor = Redactor::with_rules(&redaction, &mut cassette.interactions.iter())?;
    redactor.reserve_accounts(&cassette.interactions);
    let mut unknown = Unknown::default();
    for (index, interaction) in cassette.interactions.iter_mut().enumerate() {
        let number = index + 1;
        // Without the model, names alone would be gone by, and what is no secret be hidden.
        if let Some(operation) = &interaction.operation
            && inspect_recorded(catalog, interaction).call.is_none()
        {
            done.refused = true;
            let service = interaction.service.as_deref().unwrap_or_default();
            unknown.add(format!("{service} {operation}"), number);
            continue;
        }
        match again(&redactor, catalog, interaction) {
            Ok(Some((scrubbed, found))) => {
                done.lines
                    .extend(found.iter().map(|place| format!("interaction {number}: {place}")));
                *interaction = scrubbed;
                done.changed = true;
            }
            Ok(None) => {}
            Err(leak) => {
                done.refused = true;
                done.lines.push(format!(
                    "interaction {number} stays as it is: {leak}; delete it, or record it again"
                ));
            }
        }
    }
    done.lines.extend(unknown.lines());
    // A cassette in which nothing is to be hidden need not say by which rules nothing was found.
    if done.changed {
        cassette.redaction = redaction;
    }
    Ok(done)
}

/// The calls that no model knows, each with its first interaction and how many there are.
#[derive(Default)]
struct Unknown(Vec<(String, usize, usize)>);

impl Unknown {
    fn add(&mut self, call: String, number: usize) {
        match self.0.iter_mut().find(|(known, ..)| *known == call) {
            Some((.., count)) => *count += 1,
            None => self.0.push((call, number, 1)),
        }
    }

    fn lines(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(call, first, count)| {
            let stay = match count {
                1 => format!("interaction {first} stays as it is"),
                _ => format!("interaction {first} and {} more stay as they are", count - 1),
            };
            format!("{stay}: no model knows `{call}`; name it with `--model`, as `--model botocore`")
        })
    }
}

/// The interaction as it would be written today, and what is new in it; nothing where that is
/// nothing.
fn again(redactor: &Redactor, catalog: &Catalog, old: &Interaction) -> Result<Option<(Interaction, Vec<String>)>, Leak> {
    let finding = inspect_recorded(catalog, old);
    let mut new = redactor.redact_again(old, &finding)?;
    let places = changed_places(old, &new);
    if places.is_empty() {
        return Ok(None);
    }
    let mut redacted = old.redacted.clone();
    let same = |one: &Redacted, other: &Redacted| one.path == other.path && one.member == other.member && one.rule == other.rule;
    for place in new.redacted.drain(..) {
        if !redacted.iter().any(|known| same(known, &place)) {
            redacted.push(place);
        }
    }
    let scrubbed = Interaction {
        redacted,
        request: new.request,
        response: with_order_of(&old.response, new.response),
        ..old.clone()
    };
    Ok(Some((scrubbed, places)))
}

/// Headers in the order in which they were.
fn with_order_of(old: &crate::wire::Response, mut new: crate::wire::Response) -> crate::wire::Response {
    let mut ordered = http::HeaderMap::with_capacity(new.headers().keys_len());
    for name in old.headers().keys().chain(new.headers().keys()) {
        if !ordered.contains_key(name) {
            for value in new.headers().get_all(name) {
                ordered.append(name.clone(), value.clone());
            }
        }
    }
    *new.headers_mut() = ordered;
    new
}

/// What is hidden now and was not, by place and rule; empty where nothing of the messages differs.
fn changed_places(old: &Interaction, new: &Interaction) -> Vec<String> {
    let headers = |one: &http::HeaderMap, other: &http::HeaderMap| {
        let gone = |name: &&http::HeaderName| one.get_all(*name).iter().ne(other.get_all(*name).iter());
        one.keys().filter(gone).map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut parts = Vec::new();
    let mut differs = |differs: bool, part: String| parts.extend(differs.then_some(part));
    differs(old.request.uri() != new.request.uri(), "/request/uri".to_owned());
    differs(old.request.body() != new.request.body(), "/request/body".to_owned());
    differs(old.response.body() != new.response.body(), "/response/body".to_owned());
    for (base, one, other) in [
        ("/request", old.request.headers(), new.request.headers()),
        ("/response", old.response.headers(), new.response.headers()),
    ] {
        headers(one, other)
            .iter()
            .for_each(|name| differs(true, format!("{base}/headers/{name}")));
    }
    if parts.is_empty() {
        return Vec::new();
    }
    let is_new = |place: &&Redacted| {
        !old.redacted
            .iter()
            .any(|known| known.path == place.path && known.rule == place.rule)
    };
    let told: Vec<String> = new
        .redacted
        .iter()
        .filter(is_new)
        .map(|place| format!("{} ({})", place.path, place.rule))
        .collect();
    let untold = parts
        .iter()
        .filter(|part| !told.iter().any(|place| place.starts_with(part.as_str())));
    let untold: Vec<String> = untold.map(|part| format!("{part} (rewritten)")).collect();
    told.into_iter().chain(untold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn cassette(body: &'static str) -> Cassette {
        let request = http::Request::post("https://proton.us-east-1.amazonaws.com/")
            .header("x-amz-target", "AwsProton20200720.CreateServiceInstance")
            .header("content-type", "application/x-amz-json-1.0")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        let response = http::Response::builder()
            .header("content-encoding", "gzip")
            .header("x-amzn-requestid", "1")
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        Cassette {
            interactions: vec![Interaction::new(request, response)],
            ..Cassette::default()
        }
    }

    #[test]
    fn what_an_older_cassette_holds_is_hidden_once() {
        let catalog = Catalog::built_in().unwrap();
        let mut old = cassette(r#"{"name":"n","serviceName":"s","spec":"hunter2","templateMajorVersion":"key AKIAIOSFODNN7SECRETS"}"#);
        let first = scrub(&mut old, &catalog, &Settings::default()).unwrap();
        assert!(first.changed && !first.refused);
        assert_eq!(
            first.lines,
            [
                "interaction 1: /request/body/spec (sensitive-members)",
                "interaction 1: /request/body/templateMajorVersion (access-key-id)"
            ]
        );
        let written = String::from_utf8_lossy(old.interactions[0].request.body()).into_owned();
        assert!(!written.contains("hunter2") && !written.contains("AKIAIOSF"), "{written}");
        let names: Vec<&str> = old.interactions[0].response.headers().keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["content-encoding", "x-amzn-requestid"]);
        assert_eq!(old.redaction.salt.len(), 64);
        let again = scrub(&mut old, &catalog, &Settings::default()).unwrap();
        assert!(!again.changed && again.lines.is_empty(), "{:?}", again.lines);
    }

    #[test]
    fn the_rules_of_the_settings_are_applied_and_kept() {
        let catalog = Catalog::built_in().unwrap();
        let mut settings = Settings::default();
        let rule = crate::settings::RedactionRule::Pattern("corp_[a-z]+".to_owned());
        settings.redaction.rules.insert("corp".to_owned(), rule);
        let mut old = cassette(r#"{"name":"corp_abc","serviceName":"s","spec":"x"}"#);
        let done = scrub(&mut old, &catalog, &settings).unwrap();
        assert!(
            done.lines.contains(&"interaction 1: /request/body/name (user:corp)".to_owned()),
            "{:?}",
            done.lines
        );
        assert_eq!(old.redaction.user, ["corp pattern corp_[a-z]+"]);
        assert!(old.redaction.rules.contains(&"user:corp".to_owned()));
    }

    #[test]
    fn a_cassette_with_nothing_to_hide_stays_as_it_is() {
        let mut old = cassette(r#"{"name":"n"}"#);
        let done = scrub(&mut old, &Catalog::built_in().unwrap(), &Settings::default()).unwrap();
        assert!(!done.changed && old.redaction == Default::default());
    }
}
