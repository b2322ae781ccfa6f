//! The two forms in which AWS publishes its models say the same: a service loaded from its Smithy
//! model and from botocore's agree in everything that reading, judging and redaction go by.

use super::recognition::botocore;
use super::vectors::{report, vectors};
use ferrotape::model::catalog::Catalog;
use ferrotape::model::load;
use ferrotape::model::schema::{Member, Operation, OperationIndex, Service, ShapeIndex, ShapeKind};
use std::collections::HashSet;

#[test]
fn a_service_is_the_same_from_its_smithy_model_and_from_botocores() {
    let (Some(folder), Some(botocore)) = (vectors(), botocore()) else {
        return;
    };
    let catalog = Catalog::with_models(&[botocore]).unwrap();
    let (mut failures, mut compared, mut places, mut drifted) = (Vec::new(), 0, 0, 0);
    let mut paths: Vec<_> = std::fs::read_dir(folder.join("models"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
    {
        for smithy in load(&std::fs::read(path).unwrap(), "smithy").unwrap() {
            let Some(other) = catalog.find(&smithy.sdk_id) else { continue };
            let mut compare = Compare {
                smithy: &smithy,
                botocore: other,
                differences: Vec::new(),
                seen: HashSet::new(),
                places: 0,
                drifted: 0,
            };
            compare.service();
            failures.extend(
                compare
                    .differences
                    .into_iter()
                    .map(|difference| format!("{}: {difference}", smithy.sdk_id)),
            );
            places += compare.places;
            drifted += compare.drifted;
            compared += 1;
        }
    }
    report(&failures);
    // What a newer version may say otherwise, it says in few places.
    eprintln!("{compared} services, {places} places, {drifted} of them drifted");
    assert!(
        compared > 15 && places > 50_000 && drifted * 50 < places,
        "{compared} {places} {drifted}"
    );
}

struct Compare<'a> {
    smithy: &'a Service,
    botocore: &'a Service,
    differences: Vec<String>,
    seen: HashSet<(u32, u32)>,
    /// How many facts were compared, and in how many of them a newer version says another thing.
    places: usize,
    drifted: usize,
}

/// What AWS changes in a service from version to version; botocore's models are the newer ones.
const DRIFTS: [&str; 6] = ["enum", "errors", "length", "range", "required", "protocols"];

/// Differences that are neither drift nor ours, with the reason.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "PreparedStatementParameters[]",
        "kind",
        "botocore does not say that an attribute value is a union",
    ),
    ("DeleteImportedKeyMaterial output", "kind", DRIFT),
    ("DeleteFunction", "http", DRIFT),
    ("DeleteFunction output", "kind", DRIFT),
    (
        "ChangeResourceRecordSets",
        "http",
        "botocore has a slash at the end, which does not count",
    ),
    ("ListCidrBlocksRequest$MaxResults", "kind", NUMBER_AS_TEXT),
    ("ListGeoLocationsRequest$MaxItems", "kind", NUMBER_AS_TEXT),
    ("GetObjectAttributesRequest$PartNumberMarker", "kind", NUMBER_AS_TEXT),
    ("GetObjectAttributesParts$NextPartNumberMarker", "kind", NUMBER_AS_TEXT),
    (
        "CopyObjectRequest$Expires",
        "kind",
        "botocore keeps the text of a date that may be none",
    ),
    ("AnalyticsConfiguration$Filter", "kind", "botocore does not say that it is a union"),
    ("MetricsConfiguration$Filter", "kind", "botocore does not say that it is a union"),
    ("StringList[]", "xmlName", "the list is flattened: its items have the member's name"),
    ("BinaryList[]", "xmlName", "the list is flattened: its items have the member's name"),
    ("ImageBlock$source", "sensitive", DRIFT),
    ("ContainerDefinition$repositoryCredentials", "sensitive", DRIFT),
    ("ContainerDefinition$environment", "sensitive", DRIFT),
    ("ContainerOverride$environment", "sensitive", DRIFT),
];

const DRIFT: &str = "a newer version";
const NUMBER_AS_TEXT: &str = "a number in a query or header that one of the two calls a text";

impl Compare<'_> {
    fn tell(&mut self, place: &str, what: &str, smithy: impl std::fmt::Debug, botocore: impl std::fmt::Debug) {
        self.places += 1;
        let (smithy, botocore) = (format!("{smithy:?}"), format!("{botocore:?}"));
        if smithy == botocore || KNOWN.iter().any(|(known, kind, _)| *known == place && *kind == what) {
            return;
        }
        if DRIFTS.contains(&what) {
            self.drifted += 1;
        } else {
            self.differences
                .push(format!("{place} {what}: smithy {smithy}, botocore {botocore}"));
        }
    }

    fn speaks(&self, protocols: &[&str]) -> bool {
        let own = |id: &String| protocols.iter().any(|name| id.ends_with(name));
        self.smithy.protocols.iter().any(own)
    }

    fn service(&mut self) {
        let (one, two) = (self.smithy, self.botocore);
        self.tell("", "protocols", &one.protocols, &two.protocols);
        self.tell("", "signing name", &one.signing_name, &two.signing_name);
        self.tell("", "endpoint prefix", &one.endpoint_prefix, &two.endpoint_prefix);
        // The other protocols do not write it.
        if self.speaks(&["awsJson1_0", "awsJson1_1", "rpcv2Cbor"]) {
            self.tell("", "name", &one.name, &two.name);
        }
        self.tell("", "version", &one.version, &two.version);
        self.tell(
            "",
            "rules",
            one.endpoint_rules.ruleset().is_some(),
            two.endpoint_rules.ruleset().is_some(),
        );
        for (number, operation) in one.operations.iter().enumerate() {
            let Some(index) = two.operation_named(&operation.name) else {
                self.differences.push(format!("{}: not in botocore", operation.name));
                continue;
            };
            let other = two.operation(index);
            let name = &operation.name;
            if self.speaks(&["restJson1", "restXml"]) {
                // `x-id` names the operation once more, in Smithy's models alone.
                let route = |operation: &Operation| {
                    let http = operation.http.as_ref()?;
                    let query: Vec<_> = http.own_query().cloned().collect();
                    Some((
                        http.method.clone(),
                        format!("{:?}", http.segments),
                        http.trailing_slash,
                        query,
                        http.code,
                    ))
                };
                self.tell(name, "http", route(operation), route(other));
            }
            self.tell(name, "token", &operation.idempotency_token, &other.idempotency_token);
            let errors = |service: &Service, index| {
                let mut names: Vec<String> = service
                    .errors_of(index)
                    .map(|shape| service.shape(shape).name().to_owned())
                    .collect();
                names.sort();
                names
            };
            self.tell(name, "errors", errors(one, OperationIndex(number as u32)), errors(two, index));
            self.shape(&format!("{name} input"), operation.input, other.input);
            self.shape(&format!("{name} output"), operation.output, other.output);
        }
    }

    fn shape(&mut self, place: &str, one: ShapeIndex, two: ShapeIndex) {
        if !self.seen.insert((one.0, two.0)) {
            return;
        }
        let (left, right) = (self.smithy.shape(one), self.botocore.shape(two));
        let kind = |kind: &ShapeKind| format!("{kind:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        self.tell(place, "kind", kind(&left.kind), kind(&right.kind));
        self.tell(place, "sensitive", left.sensitive, right.sensitive);
        self.tell(place, "stream", left.is_event_stream(), right.is_event_stream());
        match (&left.kind, &right.kind) {
            (ShapeKind::Structure(_) | ShapeKind::Union(_), ShapeKind::Structure(_) | ShapeKind::Union(_)) => {
                for member in left.members() {
                    let path = format!("{}${}", left.name(), member.name);
                    match right.member(&member.name) {
                        Some(other) => self.member(&path, member, other),
                        None => self.differences.push(format!("{path}: not in botocore")),
                    }
                }
            }
            (ShapeKind::List(one), ShapeKind::List(two)) => self.member(&format!("{}[]", left.name()), one, two),
            (
                ShapeKind::Map { key, value },
                ShapeKind::Map {
                    key: other_key,
                    value: other,
                },
            ) => {
                self.member(&format!("{} key", left.name()), key, other_key);
                self.member(&format!("{} value", left.name()), value, other);
            }
            (ShapeKind::String(one), ShapeKind::String(two)) => {
                let values = |values: &Option<Vec<ferrotape::model::schema::EnumValue>>| {
                    let mut values: Vec<String> = values.iter().flatten().map(|value| value.value.clone()).collect();
                    values.sort();
                    values
                };
                self.tell(left.name(), "enum", values(one), values(two));
            }
            _ => {}
        }
    }

    fn member(&mut self, path: &str, one: &Member, two: &Member) {
        self.tell(path, "required", one.required, two.required);
        self.tell(path, "sensitive", one.sensitive, two.sensitive);
        self.tell(path, "token", one.idempotency_token, two.idempotency_token);
        if self.speaks(&["restJson1", "restXml"]) {
            self.tell(path, "binding", &one.binding, &two.binding);
        }
        self.tell(path, "host label", one.host_label, two.host_label);
        self.tell(path, "json name", &one.json_name, &two.json_name);
        self.tell(path, "sparse", one.sparse, two.sparse);
        self.tell(path, "format", one.timestamp_format, two.timestamp_format);
        for name in ["xmlName", "xmlFlattened", "xmlAttribute", "eventHeader", "eventPayload"] {
            let id = format!("smithy.api#{name}");
            if name == "xmlName" && !self.speaks(&["restXml", "awsQuery", "ec2Query"]) {
                continue;
            }
            // A name that is the member's own says nothing.
            let said = |member: &Member| member.traits.get(&id).filter(|said| said.as_str() != Some(&member.name)).cloned();
            self.tell(path, name, said(one), said(two));
        }
        // No minimum and a minimum of nothing are the same.
        let length = |member: &Member| member.constraints.length.map(|length| (length.min.unwrap_or(0), length.max));
        self.tell(path, "length", length(one).filter(|length| *length != (0, None)), length(two));
        self.tell(path, "range", &one.constraints.range, &two.constraints.range);
        self.tell(path, "unique", one.constraints.unique_items, two.constraints.unique_items);
        self.shape(path, one.target, two.target);
    }
}
