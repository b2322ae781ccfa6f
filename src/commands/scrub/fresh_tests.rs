//! A fresh cassette is clean to Ferrotape's own eyes, whatever was recorded.

use super::{Scrubbed, scrub};
use crate::cassette::{Cassette, Interaction, Redaction};
use crate::inspect::{inspect, inspect_recorded};
use crate::model::catalog::Catalog;
use crate::model::endpoint;
use crate::model::sample::{self, Seed};
use crate::model::schema::{Member, OperationIndex, Service, ShapeIndex, ShapeKind};
use crate::protocol;
use crate::redaction::Redactor;
use crate::redaction::scan::leaks;
use crate::redaction::stand_in::base64_text;
use crate::settings::Settings;
use crate::value::Value;
use crate::wire::Exchange;

/// How deep optional members are filled.
const DEEPEST: usize = 3;

/// Fills every member, secret or not, with a value of its own.
struct Filler<'s> {
    service: &'s Service,
    count: u32,
}

impl Filler<'_> {
    fn shape(&mut self, shape: ShapeIndex, depth: usize) -> Value {
        let members = self.service.shape(shape).members();
        let wanted = members.iter().filter(|member| depth < DEEPEST || member.required);
        // No deeper, whatever is required.
        if depth > DEEPEST * 2 {
            return Value::Object(Vec::new());
        }
        Value::Object(wanted.map(|member| (member.name.clone(), self.member(member, depth))).collect())
    }

    fn member(&mut self, member: &Member, depth: usize) -> Value {
        self.count += 1;
        let service = self.service;
        match &service.shape(member.target).kind {
            ShapeKind::Structure(_) => self.shape(member.target, depth + 1),
            ShapeKind::Union(members) => match members.list.first().filter(|_| depth < DEEPEST) {
                Some(first) => Value::Object(vec![(first.name.clone(), self.member(first, depth + 1))]),
                None => Value::Object(Vec::new()),
            },
            ShapeKind::List(item) if depth < DEEPEST => Value::List(vec![self.member(item, depth + 1)]),
            ShapeKind::List(_) => Value::List(Vec::new()),
            ShapeKind::Map { key, value } if depth < DEEPEST => match self.member(key, depth + 1) {
                Value::Text(key) => Value::Object(vec![(key, self.member(value, depth + 1))]),
                _ => Value::Object(Vec::new()),
            },
            ShapeKind::Map { .. } | ShapeKind::Document | ShapeKind::Unit => Value::Object(Vec::new()),
            ShapeKind::String(Some(values)) => Value::Text(values.first().map_or_else(String::new, |value| value.value.clone())),
            ShapeKind::String(None) => Value::Text(self.text(member)),
            ShapeKind::Blob => Value::Blob(format!("blob tR9wq2Lm-{}", self.count).into_bytes()),
            ShapeKind::Boolean => Value::Bool(true),
            ShapeKind::IntEnum(values) => Value::Integer(values.first().copied().unwrap_or_default().into()),
            ShapeKind::Float | ShapeKind::Double | ShapeKind::BigDecimal => Value::Number("1.5".to_owned()),
            ShapeKind::Timestamp => Value::Timestamp {
                seconds: 1_600_000_000 + i64::from(self.count),
                nanos: 0,
            },
            _ => Value::Integer(i128::from(self.count % 100)),
        }
    }

    fn text(&self, member: &Member) -> String {
        let mut seed = Seed::new(&self.count.to_be_bytes());
        let constraints = &member.constraints;
        let fitting = constraints.pattern.as_ref();
        let fitting = fitting.and_then(|pattern| sample::text(Some(pattern), constraints.length, &mut seed));
        fitting.unwrap_or_else(|| self.any_text(member))
    }

    /// Texts as programs have them, one after the other.
    fn any_text(&self, member: &Member) -> String {
        let count = self.count;
        let uuid = format!("6f7d2a0e-0b8a-4f4e-9d0c-{count:012x}");
        if member.idempotency_token {
            return uuid;
        }
        let digits = crate::model::hexadecimal(blake3::hash(&count.to_be_bytes()).as_bytes());
        match count % 8 {
            0 => uuid,
            1 => digits,
            2 => base64_text(digits.as_bytes()),
            3 => format!(r#"{{"username":"app-{count}","password":"tr0ub4dor-{count}"}}"#),
            4 => format!("https://user:tr0ub4dor{count}@example.com/a?token={digits}"),
            5 => format!("<a><password>tr0ub4dor-{count}</password></a>"),
            6 => format!("{:08}", count * 7919),
            _ => format!("tR9wq2Lm-{count}"),
        }
    }
}

/// A call of an operation, every member filled, as it is written.
fn recorded(catalog: &Catalog, redactor: &Redactor, service: &Service, operation: OperationIndex) -> Option<Interaction> {
    let protocol = service.protocols.iter().find_map(|id| protocol::named(id))?;
    let (mut filler, shapes) = (
        Filler {
            service,
            count: operation.0,
        },
        service.operation(operation),
    );
    let (input, output) = (filler.shape(shapes.input, 0), filler.shape(shapes.output, 0));
    let usual = endpoint::usual(&service.endpoint_prefix, "us-east-1", &endpoint::Settings::default());
    let (_, host, _) = usual.parts()?;
    let request = protocol.encode_request(service, operation, host, &input);
    let response = protocol.encode_response(service, operation, &output);
    let exchange = Exchange {
        request: Some(request.clone()),
        response: Some(response.clone()),
    };
    let finding = inspect(catalog, &exchange);
    finding.call.as_ref()?;
    redactor.redact(&request, &response, &finding, 1).ok()
}

/// What `scan` and `scrub --check` say of a cassette.
fn judged(catalog: &Catalog, cassette: &Cassette) -> Vec<String> {
    let mut found = Vec::new();
    let redactor = Redactor::with_rules(&cassette.redaction, &mut cassette.interactions.iter()).unwrap();
    for interaction in &cassette.interactions {
        let finding = inspect_recorded(catalog, interaction);
        let lints = redactor.redact_loaded(&mut interaction.clone(), &finding);
        let operation = interaction.operation.clone().unwrap_or_default();
        let leaks = leaks(interaction, &[]).into_iter().map(|leak| leak.to_string());
        found.extend(leaks.chain(lints).map(|what| format!("scan: {operation}: {what}")));
    }
    let Scrubbed { lines, changed, refused } = scrub(&mut cassette.clone(), catalog, &Settings::default()).unwrap();
    if changed || refused {
        found.extend(lines.into_iter().map(|line| format!("scrub: {line}")));
    }
    found
}

#[test]
fn what_is_left_readable_is_found_by_both() {
    let catalog = Catalog::built_in().unwrap();
    let service = catalog.find("Proton").unwrap();
    let redaction = Redaction {
        salt: "5a".repeat(32),
        ..Redaction::default()
    };
    let redactor = Redactor::new(&redaction, &mut std::iter::empty());
    let operation = service.operation_named("CreateServiceInstance").unwrap();
    let mut interaction = recorded(&catalog, &redactor, service, operation).unwrap();
    *interaction.response.body_mut() = bytes::Bytes::from_static(br#"{"serviceInstance":{"spec":"tr0ub4dor-and-3"}}"#);
    let cassette = Cassette {
        redaction,
        interactions: vec![interaction],
        ..Cassette::default()
    };
    let found = judged(&catalog, &cassette);
    let is_said_by = |command: &str| found.iter().any(|line| line.starts_with(command));
    assert!(is_said_by("scan:") && is_said_by("scrub:"), "{found:?}");
}

#[test]
fn a_fresh_recording_of_any_operation_is_clean_to_scan_and_scrub() {
    let Some(vectors) = std::env::var_os("FERROTAPE_VECTORS") else {
        eprintln!("skipped: FERROTAPE_VECTORS is not set");
        return;
    };
    let entries = std::fs::read_dir(std::path::Path::new(&vectors).join("models")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let catalog = Catalog::with_models(&paths).unwrap();
    let (mut problems, mut count, mut all) = (Vec::new(), 0, 0);
    for service in catalog.services() {
        let redaction = Redaction {
            salt: "5a".repeat(32),
            ..Redaction::default()
        };
        for index in 0..service.operations.len() {
            let redactor = Redactor::new(&redaction, &mut std::iter::empty()).with_memory();
            all += 1;
            let Some(interaction) = recorded(&catalog, &redactor, service, OperationIndex(index as u32)) else {
                continue;
            };
            count += 1;
            let mut cassette = Cassette {
                redaction: redaction.clone(),
                interactions: vec![interaction],
                ..Cassette::default()
            };
            redactor.settle(&mut cassette, &|interaction| inspect_recorded(&catalog, interaction));
            problems.extend(
                judged(&catalog, &cassette)
                    .into_iter()
                    .map(|what| format!("{}: {what}", service.sdk_id)),
            );
        }
    }
    assert!(count * 10 > all * 9, "{count} of {all}");
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}
