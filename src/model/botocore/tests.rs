use crate::model::catalog::Catalog;
use crate::model::compile::load;
use crate::model::pattern::Matched;
use crate::model::schema::*;
use serde_json::json;
use std::path::Path;

fn loaded(metadata: &str, operations: &str, shapes: &str) -> Service {
    let document = format!(r#"{{"version": "2.0", "metadata": {metadata}, "operations": {operations}, "shapes": {shapes}}}"#);
    load(document.as_bytes(), "service-2.json").unwrap().remove(0)
}

const REST_XML: &str =
    r#"{"apiVersion": "2006-03-01", "endpointPrefix": "s9", "serviceId": "S 9", "protocol": "rest-xml", "signingName": "s9-sign"}"#;

fn rest() -> Service {
    loaded(
        REST_XML,
        r#"{"PutThing": {
            "name": "PutThing",
            "http": {"method": "PUT", "requestUri": "/{bucket}/{Key+}?x=1", "responseCode": 204},
            "input": {"shape": "PutThingRequest", "locationName": "Put", "xmlNamespace": {"uri": "http://x/"}},
            "output": {"shape": "Out"}, "errors": [{"shape": "Gone"}, {"shape": "Late", "error": {"httpStatusCode": 409}, "exception": true}],
            "endpoint": {"hostPrefix": "{Bucket}."}, "idempotent": true, "authtype": "none"}}"#,
        r#"{"PutThingRequest": {"type": "structure", "required": ["Bucket"], "payload": "Body", "members": {
                "Bucket": {"shape": "Name", "location": "uri", "locationName": "bucket", "hostLabel": true},
                "Key": {"shape": "Name", "location": "uri", "locationName": "Key"},
                "Token": {"shape": "Name", "location": "header", "locationName": "x-token", "idempotencyToken": true},
                "Meta": {"shape": "Pairs", "location": "headers", "locationName": "x-meta-"},
                "Queries": {"shape": "Pairs", "location": "querystring", "locationName": "q"},
                "Limit": {"shape": "Count", "location": "querystring", "locationName": "limit"},
                "Extra": {"shape": "Name", "location": "header", "locationName": "x-extra", "jsonvalue": true},
                "Body": {"shape": "Body", "streaming": true}}},
            "Out": {"type": "structure", "members": {
                "Status": {"shape": "Count", "location": "statusCode"},
                "Tags": {"shape": "Tags", "locationName": "Tag"},
                "Rules": {"shape": "Rules", "flattened": true},
                "Kind": {"shape": "Name", "xmlAttribute": true, "locationName": "xsi:type", "enum": ["A", "B"]},
                "At": {"shape": "At"}, "Same": {"shape": "Name", "locationName": "Same"}, "Other": {"shape": "Body"}}},
            "Tags": {"type": "list", "member": {"shape": "Name", "locationName": "Item"}, "min": 1, "max": 2, "sparse": true},
            "Rules": {"type": "list", "member": {"shape": "Name", "locationName": "Rule"}},
            "Pairs": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Name"}},
            "Name": {"type": "string", "pattern": "a+|b", "max": 3, "sensitive": true},
            "Count": {"type": "integer", "min": -1, "max": 9}, "Body": {"type": "blob"},
            "At": {"type": "timestamp", "timestampFormat": "rfc822"},
            "Gone": {"type": "structure", "members": {}, "exception": true, "error": {"httpStatusCode": 410, "code": "AllGone", "senderFault": true}},
            "Late": {"type": "structure", "members": {}}}"#,
    )
}

fn traits<'a>(service: &'a Service, shape: ShapeIndex, member: &str) -> Vec<&'a str> {
    let member = service.shape(shape).member(member).unwrap();
    member.traits.keys().map(String::as_str).collect()
}

#[test]
fn what_botocore_knows_of_s3_beside_its_model_is_told() {
    let shapes = r#"{"Out": {"type": "structure", "members": {"LocationConstraint": {"shape": "Name"}}}, "Name": {"type": "string"}}"#;
    let operations = r#"{"GetBucketLocation": {"name": "GetBucketLocation", "http": {"method": "GET", "requestUri": "/{Bucket}?location"},
        "output": {"shape": "Out"}}}"#;
    for (id, is_s3) in [("S3", true), ("S3 Control", false)] {
        let metadata = format!(r#"{{"apiVersion": "1", "endpointPrefix": "s3", "serviceId": "{id}", "protocol": "rest-xml"}}"#);
        let service = loaded(&metadata, operations, shapes);
        let wrapping = json!(if is_s3 { json!({ "noErrorWrapping": true }) } else { json!({}) });
        assert_eq!(service.traits["aws.protocols#restXml"], wrapping, "{id}");
        let operation = service.operation(service.operation_named("GetBucketLocation").unwrap());
        assert_eq!(
            operation.traits.contains_key("aws.customizations#s3UnwrappedXmlOutput"),
            is_s3,
            "{id}"
        );
    }
}

#[test]
fn a_service_is_named_by_its_metadata() {
    let service = rest();
    assert_eq!(service.shape_id, "com.amazonaws.s9#S9");
    assert_eq!((service.sdk_id.as_str(), service.version.as_str()), ("S 9", "2006-03-01"));
    assert_eq!((service.signing_name.as_str(), service.endpoint_prefix.as_str()), ("s9-sign", "s9"));
    assert_eq!(service.protocols, ["aws.protocols#restXml"]);
    let many = loaded(
        r#"{"apiVersion": "1", "endpointPrefix": "t", "serviceId": "T", "protocol": "smithy-rpc-v2-cbor", "jsonVersion": "1.0",
            "protocols": ["smithy-rpc-v2-cbor", "json", "query", "unheard-of"], "targetPrefix": "com.amazonaws.t.Trail_2013", "awsQueryCompatible": {}}"#,
        "{}",
        "{}",
    );
    assert_eq!(many.name, "Trail_2013");
    assert!(many.query_compatible);
    assert_eq!(many.signing_name, "t");
    let protocols = ["smithy.protocols#rpcv2Cbor", "aws.protocols#awsJson1_0", "aws.protocols#awsQuery"];
    assert_eq!(many.protocols, protocols);
}

#[test]
fn an_operation_has_the_traits_of_its_place_on_the_wire() {
    let service = rest();
    let operation = service.operation(service.operation_named("PutThing").unwrap());
    // The label is renamed to the member's name.
    assert_eq!(
        operation.traits["smithy.api#http"],
        json!({"method": "PUT", "uri": "/{Bucket}/{Key+}?x=1", "code": 204})
    );
    assert_eq!(operation.traits["smithy.api#endpoint"], json!({"hostPrefix": "{Bucket}."}));
    assert!(operation.traits.contains_key("smithy.api#idempotent") && operation.traits.contains_key("smithy.api#optionalAuth"));
    assert_eq!(operation.idempotency_token.as_deref(), Some("Token"));
    let input = service.shape(operation.input);
    assert_eq!(input.traits["smithy.api#xmlName"], json!("Put"));
    assert_eq!(input.traits["smithy.api#xmlNamespace"], json!({"uri": "http://x/"}));
}

#[test]
fn a_location_is_a_binding() {
    let service = rest();
    let input = service.operations[0].input;
    assert_eq!(
        traits(&service, input, "Bucket"),
        ["smithy.api#required", "smithy.api#hostLabel", "smithy.api#httpLabel"]
    );
    let value = |member: &str, name: &str| service.shape(input).member(member).unwrap().traits[name].clone();
    assert_eq!(value("Token", "smithy.api#httpHeader"), json!("x-token"));
    assert_eq!(value("Meta", "smithy.api#httpPrefixHeaders"), json!("x-meta-"));
    assert_eq!(traits(&service, input, "Queries"), ["smithy.api#httpQueryParams"]);
    assert_eq!(value("Limit", "smithy.api#httpQuery"), json!("limit"));
    assert_eq!(traits(&service, input, "Body"), ["smithy.api#httpPayload"]);
    assert_eq!(
        traits(&service, service.operations[0].output, "Status"),
        ["smithy.api#httpResponseCode"]
    );
}

#[test]
fn what_only_a_shape_can_say_gives_the_member_a_shape_of_its_own() {
    let service = rest();
    let (input, output) = (service.operations[0].input, service.operations[0].output);
    let target = |shape: ShapeIndex, member: &str| service.shape(service.shape(shape).member(member).unwrap().target);
    assert!(target(input, "Body").traits.contains_key("smithy.api#streaming"));
    assert!(!target(output, "Other").traits.contains_key("smithy.api#streaming"));
    assert_eq!(target(input, "Extra").traits["smithy.api#mediaType"], json!("application/json"));
    assert!(!target(input, "Key").traits.contains_key("smithy.api#mediaType"));
    assert_eq!(target(input, "Body").name(), "Body");
    let ShapeKind::String(Some(values)) = &target(output, "Kind").kind else {
        panic!()
    };
    assert_eq!(values.iter().map(|value| value.value.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn xml_names_are_where_smithy_has_them() {
    let service = rest();
    let output = service.operations[0].output;
    let member = |name: &str| service.shape(output).member(name).unwrap();
    assert_eq!(member("Tags").traits["smithy.api#xmlName"], json!("Tag"));
    assert_eq!(traits(&service, output, "Rules"), ["smithy.api#xmlFlattened", "smithy.api#xmlName"]);
    // The items name the elements of a flattened list.
    assert_eq!(member("Rules").traits["smithy.api#xmlName"], json!("Rule"));
    assert_eq!(traits(&service, output, "Kind"), ["smithy.api#xmlName", "smithy.api#xmlAttribute"]);
    assert!(member("Same").traits.is_empty());
    let ShapeKind::List(item) = &service.shape(member("Tags").target).kind else {
        panic!()
    };
    assert_eq!(item.traits["smithy.api#xmlName"], json!("Item"));
    assert!(item.sparse);
}

#[test]
fn the_element_of_a_payload_is_named_by_the_member() {
    let service = loaded(
        REST_XML,
        r#"{"Put": {"name": "Put", "http": {"method": "PUT", "requestUri": "/"}, "input": {"shape": "In"}}}"#,
        r#"{"In": {"type": "structure", "payload": "Rules", "members": {"Rules": {"shape": "AllRules", "locationName": "Rules"}}},
            "AllRules": {"type": "structure", "members": {}}}"#,
    );
    let rules = service.shape(service.operations[0].input).member("Rules").unwrap();
    assert_eq!(rules.traits["smithy.api#xmlName"], json!("Rules"));
}

#[test]
fn constraints_hold_as_the_type_has_them_and_patterns_match_whole() {
    let service = rest();
    let input = service.shape(service.operations[0].input);
    let constraints = |name: &str| &input.member(name).unwrap().constraints;
    assert_eq!(constraints("Key").length, Some(Length { min: None, max: Some(3) }));
    let range = Range {
        min: Some("-1".to_owned()),
        max: Some("9".to_owned()),
    };
    assert_eq!(constraints("Limit").range, Some(range));
    let pattern = constraints("Key").pattern.as_ref().unwrap();
    assert_eq!((pattern.matches("aa"), pattern.matches("xb")), (Matched::Yes, Matched::No));
    assert!(input.member("Key").unwrap().sensitive && input.member("Bucket").unwrap().required);
    let at = service.shape(service.operations[0].output).member("At").unwrap();
    assert_eq!(at.timestamp_format, Some(TimestampFormat::HttpDate));
}

#[test]
fn errors_say_fault_status_and_code_in_the_shape_or_where_they_are_referred_to() {
    let service = rest();
    let error = |name: &str| service.shape(service.error_named(None, name).unwrap());
    let gone = error("Gone");
    assert_eq!(gone.error.as_ref().unwrap().http_status, Some(410));
    assert_eq!(
        gone.traits["aws.protocols#awsQueryError"],
        json!({"code": "AllGone", "httpResponseCode": 410})
    );
    let late = error("Late").error.as_ref().unwrap();
    assert_eq!((late.fault, late.http_status), (Fault::Client, Some(409)));
}

#[test]
fn documents_unions_and_event_streams_are_what_they_are_in_smithy() {
    let service = loaded(
        r#"{"apiVersion": "1", "endpointPrefix": "e", "serviceId": "E", "protocol": "rest-json"}"#,
        r#"{"Do": {"name": "Do", "http": {"method": "POST", "requestUri": "/"}, "output": {"shape": "Out"}}}"#,
        r#"{"Out": {"type": "structure", "payload": "Events", "members": {"Events": {"shape": "Events"}, "One": {"shape": "One", "locationName": "one"}, "Any": {"shape": "Any"}}},
            "Events": {"type": "structure", "eventstream": true, "members": {"Chunk": {"shape": "Chunk"}}},
            "Chunk": {"type": "structure", "event": true, "members": {"Bytes": {"shape": "Bytes", "eventpayload": true}, "Name": {"shape": "Text", "eventheader": true}}},
            "One": {"type": "structure", "union": true, "members": {"a": {"shape": "Text"}}},
            "Any": {"type": "structure", "document": true, "members": {}},
            "Text": {"type": "string", "enum": ["x"]}, "Bytes": {"type": "blob"}}"#,
    );
    let output = service.operations[0].output;
    let target = |member: &str| service.shape(service.shape(output).member(member).unwrap().target);
    assert!(matches!(target("Events").kind, ShapeKind::Union(_)) && target("Events").traits.contains_key("smithy.api#streaming"));
    assert!(matches!(target("One").kind, ShapeKind::Union(_)) && matches!(target("Any").kind, ShapeKind::Document));
    assert_eq!(traits(&service, output, "One"), ["smithy.api#jsonName"]);
    let chunk = target("Events").member("Chunk").unwrap().target;
    assert_eq!(traits(&service, chunk, "Bytes"), ["smithy.api#eventPayload"]);
    assert_eq!(traits(&service, chunk, "Name"), ["smithy.api#eventHeader"]);
}

#[test]
fn what_is_broken_is_told_with_the_file() {
    let broken = br#"{"metadata": {"apiVersion": "1", "endpointPrefix": "x"}, "operations": {"A": 1}}"#;
    let told = load(broken, "x/service-2.json").unwrap_err().to_string();
    assert!(
        told.starts_with("`x/service-2.json` looks like a botocore model, but is none: expected "),
        "{told}"
    );
    let dangling =
        br#"{"metadata": {"apiVersion": "1", "endpointPrefix": "x"}, "operations": {"A": {"name": "A", "input": {"shape": "B"}}}}"#;
    let told = load(dangling, "x/service-2.json").unwrap_err().to_string();
    assert!(
        told.contains("refers to `com.amazonaws.x#B`, which the file does not define"),
        "{told}"
    );
}

/// The installed botocore; nothing where there is none, which is said.
fn installed(what: &str) -> Option<Catalog> {
    match Catalog::with_models(&[Path::new(what)]) {
        Ok(catalog) => Some(catalog),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

#[test]
fn every_model_of_the_installed_botocore_loads() {
    let Some(catalog) = installed("botocore") else { return };
    for entry in catalog.entries().iter().filter(|entry| entry.source() != "built-in") {
        // Not through the catalog, which would keep them all.
        let services = load(&std::fs::read(entry.source()).unwrap(), entry.source()).unwrap();
        let [service] = services.as_slice() else {
            panic!("{}", entry.source())
        };
        assert!(
            !service.operations.is_empty() && !service.protocols.is_empty(),
            "{}",
            entry.source()
        );
        assert_eq!(service.listing(), *entry.listing());
    }
    assert!(catalog.entries().len() > 300);
}

#[test]
fn the_first_class_operations_agree_with_the_built_in_models() {
    let built_in = Catalog::built_in().unwrap();
    for (folder, operation) in [
        ("proton", "CreateServiceInstance"),
        ("servicecatalog", "CreateProvisioningArtifact"),
    ] {
        let Some(catalog) = installed(&format!("botocore/{folder}")) else {
            return;
        };
        let (ours, theirs) = (built_in.find(folder).unwrap(), catalog.find(folder).unwrap());
        assert_ne!(theirs.source, "built-in");
        assert_eq!(
            (&ours.name, &ours.version, &ours.protocols),
            (&theirs.name, &theirs.version, &theirs.protocols)
        );
        assert_eq!(
            (&ours.signing_name, &ours.endpoint_prefix),
            (&theirs.signing_name, &theirs.endpoint_prefix)
        );
        let mut told = Vec::new();
        let (our_operation, their_operation) = (named(ours, operation), named(theirs, operation));
        assert_eq!(our_operation.idempotency_token, their_operation.idempotency_token);
        let mut difference = Difference {
            ours,
            theirs,
            told: &mut told,
        };
        difference.of_shapes("", our_operation.input, their_operation.input);
        difference.of_shapes("", our_operation.output, their_operation.output);
        difference.of_errors(our_operation, their_operation);
        assert_eq!(told, known_differences(folder), "{folder}");
    }
}

fn named<'a>(service: &'a Service, operation: &str) -> &'a Operation {
    service.operation(service.operation_named(operation).unwrap())
}

/// What two models say differently of the shapes below an operation.
struct Difference<'a> {
    ours: &'a Service,
    theirs: &'a Service,
    told: &'a mut Vec<String>,
}

impl Difference<'_> {
    fn of_shapes(&mut self, path: &str, ours: ShapeIndex, theirs: ShapeIndex) {
        let (ours, theirs) = (self.ours.shape(ours), self.theirs.shape(theirs));
        match (&ours.kind, &theirs.kind) {
            (ShapeKind::Structure(ours), ShapeKind::Structure(theirs)) => {
                for member in &ours.list {
                    match theirs.find(&member.name) {
                        Some(other) => self.of_members(&format!("{path}/{}", member.name), member, other),
                        None => self.told.push(format!("{path}/{}: only ours", member.name)),
                    }
                }
                let unknown = theirs.list.iter().filter(|member| ours.find(&member.name).is_none());
                self.told
                    .extend(unknown.map(|member| format!("{path}/{}: only theirs", member.name)));
            }
            (ShapeKind::List(ours), ShapeKind::List(theirs)) => self.of_members(&format!("{path}/-"), ours, theirs),
            (
                ShapeKind::Map { key, value },
                ShapeKind::Map {
                    key: their_key,
                    value: their_value,
                },
            ) => {
                self.of_members(&format!("{path}/key"), key, their_key);
                self.of_members(&format!("{path}/value"), value, their_value);
            }
            (ShapeKind::String(ours), ShapeKind::String(theirs)) => self.tell(path, "enum", sorted(ours), sorted(theirs)),
            (ours, theirs) => self.tell(path, "type", std::mem::discriminant(ours), std::mem::discriminant(theirs)),
        }
    }

    fn of_members(&mut self, path: &str, ours: &Member, theirs: &Member) {
        self.tell(path, "required", ours.required, theirs.required);
        self.tell(path, "sensitive", ours.sensitive, theirs.sensitive);
        self.tell(path, "token", ours.idempotency_token, theirs.idempotency_token);
        self.tell(path, "length", ours.constraints.length, theirs.constraints.length);
        let source = |member: &Member| member.constraints.pattern.as_ref().map(|pattern| pattern.source().to_owned());
        self.tell(path, "pattern", source(ours), source(theirs));
        self.of_shapes(path, ours.target, theirs.target);
    }

    fn of_errors(&mut self, ours: &Operation, theirs: &Operation) {
        for &error in &ours.errors {
            let shape = self.ours.shape(error);
            let path = shape.name().to_owned();
            let Some(&other) = theirs.errors.iter().find(|&&other| self.theirs.shape(other).name() == path) else {
                self.told.push(format!("{path}: only ours"));
                continue;
            };
            let (facts, their_facts) = (shape.error.clone().unwrap(), self.theirs.shape(other).error.clone().unwrap());
            self.tell(&path, "fault", facts.fault, their_facts.fault);
            self.tell(&path, "status", facts.http_status, their_facts.http_status);
            self.of_shapes(&path, error, other);
        }
        assert_eq!(ours.errors.len(), theirs.errors.len());
    }

    fn tell<T: PartialEq + std::fmt::Debug>(&mut self, path: &str, what: &str, ours: T, theirs: T) {
        if ours != theirs {
            self.told.push(format!("{path}: {what}"));
        }
    }
}

fn sorted(values: &Option<Vec<EnumValue>>) -> Option<Vec<&str>> {
    let mut values: Vec<&str> = values.as_ref()?.iter().map(|value| value.value.as_str()).collect();
    values.sort_unstable();
    Some(values)
}

/// The disagreements of the two publications: botocore writes a minimum of none as 0 in one place and
/// leaves a minimum of 0 out in others, does not anchor patterns (it matches whole texts), drops the
/// statuses of Proton's errors and the members of Service Catalog's.
fn known_differences(folder: &str) -> Vec<&'static str> {
    match folder {
        "proton" => vec![
            "/clientToken: length",
            "AccessDeniedException: status",
            "ConflictException: status",
            "InternalServerException: status",
            "ResourceNotFoundException: status",
            "ThrottlingException: status",
            "ValidationException: status",
        ],
        _ => vec![
            "/AcceptLanguage: length",
            "/ProductId: pattern",
            "/Parameters/Name: length",
            "/Parameters/Description: length",
            "/IdempotencyToken: pattern",
            "/ProvisioningArtifactDetail/Id: pattern",
            "/ProvisioningArtifactDetail/Name: length",
            "/ProvisioningArtifactDetail/Description: length",
            "InvalidParametersException/Message: only ours",
            "LimitExceededException/Message: only ours",
            "ResourceNotFoundException/Message: only ours",
        ],
    }
}

/// Bindings and names of the services that have them, in every shape that both publications know.
#[test]
fn the_wire_is_described_as_in_the_published_models() {
    let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
        eprintln!("skipped: FERROTAPE_VECTORS is not set");
        return;
    };
    let Some(catalog) = installed("botocore") else { return };
    let published = Catalog::with_models(&[Path::new(&folder).join("models")]).unwrap();
    let (mut told, mut compared) = (Vec::new(), 0);
    for name in [
        "Bedrock Runtime",
        "CloudFormation",
        "CloudWatch",
        "IAM",
        "Lambda",
        "Route 53",
        "SNS",
        "SSO OIDC",
        "STS",
    ] {
        let (ours, theirs) = (published.find(name).unwrap(), catalog.find(name).unwrap());
        for operation in &ours.operations {
            let other = named(theirs, &operation.name);
            for id in [
                "smithy.api#http",
                "smithy.api#endpoint",
                "smithy.api#optionalAuth",
                "aws.auth#unsignedPayload",
            ] {
                if operation.traits.get(id) != other.traits.get(id) {
                    told.push(format!("{name} {}: {id}", operation.name));
                }
            }
        }
        for shape in &ours.shapes {
            let Some(other) = theirs.shapes.iter().find(|other| other.name() == shape.name()) else {
                continue;
            };
            for (member, other) in shape
                .members()
                .iter()
                .filter_map(|member| Some((member, other.member(&member.name)?)))
            {
                compared += 1;
                let differs = |id: &&&str| member.traits.get(**id) != other.traits.get(**id);
                told.extend(
                    WIRE_TRAITS
                        .iter()
                        .filter(differs)
                        .map(|id| format!("{name} {}${}: {id}", shape.name(), member.name)),
                );
            }
            if let (ShapeKind::List(item), ShapeKind::List(other)) = (&shape.kind, &other.kind)
                && item.traits.get("smithy.api#xmlName") != other.traits.get("smithy.api#xmlName")
            {
                told.push(format!("{name} {}: item", shape.name()));
            }
        }
    }
    // A status, a trailing slash, and that two calls of STS need no signature.
    let known = [
        "Lambda DeleteFunction: smithy.api#http",
        "Route 53 ChangeResourceRecordSets: smithy.api#http",
        "STS AssumeRoleWithSAML: smithy.api#optionalAuth",
        "STS AssumeRoleWithWebIdentity: smithy.api#optionalAuth",
    ];
    assert_eq!(told, known);
    assert!(compared > 3_000, "{compared}");
}

const WIRE_TRAITS: [&str; 15] = [
    "smithy.api#httpHeader",
    "smithy.api#httpPrefixHeaders",
    "smithy.api#httpQuery",
    "smithy.api#httpQueryParams",
    "smithy.api#httpLabel",
    "smithy.api#httpPayload",
    "smithy.api#httpResponseCode",
    "smithy.api#hostLabel",
    "smithy.api#jsonName",
    "smithy.api#xmlName",
    "smithy.api#xmlFlattened",
    "smithy.api#xmlAttribute",
    "smithy.api#eventHeader",
    "smithy.api#eventPayload",
    "smithy.api#idempotencyToken",
];

/// SQS as botocore has it: what it spoke before JSON is not told.
fn queue() -> Service {
    loaded(
        r#"{"apiVersion": "2012-11-05", "endpointPrefix": "sqs", "serviceId": "SQS", "protocols": ["json"], "jsonVersion": "1.0",
            "targetPrefix": "AmazonSQS", "awsQueryCompatible": {}}"#,
        r#"{"SendMessageBatch": {"name": "SendMessageBatch", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"},
            "errors": [{"shape": "QueueDoesNotExist"}]}}"#,
        r#"{"In": {"type": "structure", "members": {"Entries": {"shape": "SendMessageBatchRequestEntryList"}}},
            "QueueDoesNotExist": {"type": "structure", "members": {}, "exception": true},
            "SendMessageBatchRequestEntryList": {"type": "list", "member": {"shape": "Entry"}, "flattened": true},
            "Entry": {"type": "structure", "members": {"MessageAttributes": {"shape": "MessageBodyAttributeMap"}}},
            "MessageBodyAttributeMap": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
            "Text": {"type": "string"}}"#,
    )
}

#[test]
fn the_names_of_a_protocol_that_a_service_left_are_given_back() {
    let service = queue();
    let entries = service.shape(service.operations[0].input).member("Entries").unwrap();
    assert_eq!(entries.traits["smithy.api#xmlName"], json!("SendMessageBatchRequestEntry"));
    assert!(entries.traits.contains_key("smithy.api#xmlFlattened"));
    let ShapeKind::List(entry) = &service.shape(entries.target).kind else {
        panic!()
    };
    let attributes = service.shape(entry.target).member("MessageAttributes").unwrap();
    assert_eq!(attributes.traits["smithy.api#xmlName"], json!("MessageAttribute"));
    assert!(attributes.traits.contains_key("smithy.api#xmlFlattened"));
    let ShapeKind::Map { key, .. } = &service.shape(attributes.target).kind else {
        panic!()
    };
    assert_eq!(key.traits["smithy.api#xmlName"], json!("Name"));
    let gone = service.shape(service.operations[0].errors[0]);
    assert_eq!(
        gone.traits["aws.protocols#awsQueryError"]["code"],
        json!("AWS.SimpleQueueService.NonExistentQueue")
    );
    assert_eq!(attributes.json_key(), "MessageAttributes", "JSON has the members' own names");
}

#[test]
fn a_shape_that_is_a_member_of_itself_comes_to_an_end() {
    let service = loaded(
        REST_XML,
        r#"{"Put": {"name": "Put", "http": {"method": "PUT", "requestUri": "/"}, "input": {"shape": "In"}}}"#,
        r#"{"In": {"type": "structure", "members": {"Again": {"shape": "In", "jsonvalue": true}}}}"#,
    );
    let input = service.operations[0].input;
    assert_eq!(service.shape(input).member("Again").unwrap().target, input);
}
