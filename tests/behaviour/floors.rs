//! The floors of the architecture: a module may use those below its own floor, none above it and
//! none beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const FLOORS: &[(&str, u8)] = &[
    ("wire", 0),
    ("value", 0),
    ("pointer", 0),
    ("scope", 0),
    ("exit", 0),
    ("partitions", 0),
    ("terminal", 0),
    ("special_addresses", 0),
    ("aws_hosts", 0),
    ("decimal", 0),
    ("near", 0),
    ("document", 0),
    ("outcome", 0),
    ("json", 0),
    ("instant", 0),
    ("settings", 1),
    ("model", 1),
    ("codec", 2),
    ("contract", 2),
    ("cassette", 2),
    ("protocol", 3),
    ("inspect", 4),
    ("matcher", 5),
    ("own_url", 5),
    ("redaction", 5),
    ("synth", 5),
    ("proxy", 6),
    ("report", 6),
    ("child", 6),
    ("cli", 7),
    ("commands", 8),
    ("lib", 9),
    ("main", 9),
];

/// Neighbours that may meet all the same, each with its reason.
const ALLOWED: &[(&str, &str)] = &[
    // The rewriter tells the places of a document as pointers, whose escapes are defined there.
    ("json", "pointer"),
    // What is wrong with a JSON document may be wrong with any text.
    ("json", "document"),
    // Decimals compare the numbers of the typed document.
    ("decimal", "value"),
    // Members and requests are what names an instant.
    ("instant", "value"),
    ("instant", "wire"),
    // AWS's hosts are those below the domains of its partitions.
    ("aws_hosts", "partitions"),
    // Keys are made of stand-ins: what is redacted in a cassette must match what comes live.
    ("matcher", "redaction"),
    // Which headers hold checksums, and how a body is encoded, the redactor knows.
    ("own_url", "redaction"),
    // clap's derive wants the arguments of each command as a type, and they live with the command.
    ("cli", "commands"),
];

/// What tests are made with, on whichever floor they are.
const OF_TESTS: &str = "trials";

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a text names after `crate::`; in braces, several.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (start, _) in text.match_indices("crate::") {
        let rest = &text[start + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(inside) => inside.split('}').next().unwrap_or_default(),
            None => rest,
        };
        let many = rest.starts_with('{');
        let pieces: Vec<&str> = if many { names.split(',').collect() } else { vec![names] };
        for piece in pieces {
            let piece = piece.trim_start();
            let end = piece.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
            let name = &piece[..end.unwrap_or(piece.len())];
            if !name.is_empty() {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Code only: comments may speak of anything.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_module_uses_only_what_lies_below_its_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut breaches = Vec::new();
    for file in &files {
        let place = file.strip_prefix(&root).expect("it lies below");
        let module = place.components().next().expect("it has a name").as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        if module == OF_TESTS {
            continue;
        }
        let Some(own) = floor(module) else {
            breaches.push(format!("{}: `{module}` has no floor", place.display()));
            continue;
        };
        let text = std::fs::read_to_string(file).expect("a source is text");
        for used in imports(&code(&text)) {
            let Some(other) = floor(&used) else { continue };
            let allowed = ALLOWED.contains(&(module, used.as_str()));
            if used != module && other >= own && !allowed {
                breaches.push(format!("{}: floor {own} uses `{used}`, floor {other}", place.display()));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    assert!(files.len() > 50);
}

#[test]
fn sockets_and_the_runtime_stay_on_their_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let below = |file: &&PathBuf| {
        let place = file.strip_prefix(&root).expect("it lies below").to_string_lossy().into_owned();
        FLOORS
            .iter()
            .any(|(name, floor)| *floor < 6 && (place.starts_with(&format!("{name}/")) || place == format!("{name}.rs")))
    };
    let breaches: Vec<String> = files
        .iter()
        .filter(below)
        .filter(|file| !file.to_string_lossy().contains("cassette/journal"))
        .filter(|file| {
            let text = code(&std::fs::read_to_string(file).expect("a source is text"));
            ["hyper::", "hyper_util::", "rustls::", "tokio::", "std::net::TcpStream"]
                .iter()
                .any(|name| text.contains(name))
        })
        .map(|file| file.display().to_string())
        .collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// What a replay is made of, within the proxy.
const OFFLINE: &[&str] = &[
    "proxy/replay.rs",
    "proxy/playing.rs",
    "proxy/sessions/",
    "proxy/control.rs",
    "proxy/event.rs",
    "proxy/refuse.rs",
    "commands/replay.rs",
    "commands/shelf.rs",
];

/// What can open a connection, or uses what can.
const ONLINE: &[&str] = &[
    "upstream",
    "dialer",
    "tunnel",
    "client",
    "forward",
    "record",
    "journalling",
    "auto",
    "comparing",
    "passing",
    "live",
];

#[test]
fn what_replays_uses_nothing_that_can_open_a_connection() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let place = |file: &PathBuf| file.strip_prefix(&root).expect("it lies below").to_string_lossy().into_owned();
    files.retain(|file| OFFLINE.iter().any(|part| place(file).starts_with(part)));
    assert!(files.len() > OFFLINE.len());
    for file in &files {
        let text = code(&std::fs::read_to_string(file).expect("a source is text"));
        for module in ONLINE {
            for path in ["super::", "proxy::"] {
                let used = [format!("{path}{module}::"), format!("{path}{module};")];
                assert!(!used.iter().any(|used| text.contains(used)), "{} uses `{module}`", file.display());
            }
        }
        assert!(!text.contains("TcpStream"), "{}", file.display());
    }
}

/// What writes to a standard stream past `terminal.rs`, which keeps what comes from outside from
/// steering the terminal.
const PAST_THE_EDGE: [&str; 5] = ["println!(", "print!(", "anstream::stdout", "anstream::stderr", "io::stderr()"];

#[test]
fn every_text_for_people_goes_through_the_one_edge() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.retain(|file| !file.ends_with("terminal.rs") && !file.to_string_lossy().contains("tests"));
    let breaches = files.iter().flat_map(|file| {
        let text = code(&std::fs::read_to_string(file).expect("a source is text"));
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        let found: Vec<&str> = PAST_THE_EDGE.into_iter().filter(|past| text.contains(past)).collect();
        found
            .into_iter()
            .map(|past| format!("{}: {past}", file.display()))
            .collect::<Vec<_>>()
    });
    let breaches: Vec<String> = breaches.collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn imports_are_read_from_every_form_of_use() {
    let text = "use crate::wire::Request;\nuse crate::{json, model::schema};\nlet a = crate::scope::of(b);";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["json", "model", "scope", "wire"]);
}
