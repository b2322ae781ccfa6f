//! Values made up from a model: what a stand-in answers, and what stands in a cassette for a
//! service that nobody can call (any more).
//!
//! The same question gives the same value, to the byte; every value is judged by the contract
//! before it is handed out, as strictly as a service judges what it is sent. What a value looks
//! like where the model leaves it open is [`plausible`]'s; how it is written is the protocol's.

mod echo;
mod plausible;
mod value;
mod words;

pub use plausible::uuid;

use crate::codec::json;
use crate::contract::{self, Side};
use crate::model::schema::{OperationIndex, Service, ShapeIndex, ShapeKind};
use crate::value::Value;
use echo::Echo;
use value::{Composer, Purpose};

/// The account that everything made up belongs to.
pub const ACCOUNT: &str = "000000000000";

/// The instant of every made-up timestamp, 2026-01-01T00:00:00Z, in seconds since 1970.
pub const INSTANT: i64 = 1_767_225_600;

/// What a made-up value is about, apart from the model.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The region that resource names lie in.
    pub region: String,
    /// Which interaction of its cassette this is, from 1: idempotency tokens are numbered by it.
    pub number: usize,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            region: "us-east-1".to_owned(),
            number: 1,
        }
    }
}

/// Why no valid value could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynthError {
    #[error("no value can be made for `{path}` of `{shape}`: {problem}")]
    Impossible {
        /// The input, output or error.
        shape: String,
        /// JSON pointer of the place.
        path: String,
        /// What could not be satisfied.
        problem: String,
    },
    #[error("the value made for `{shape}` breaks its own model: {message}")]
    Invalid {
        /// The input, output or error.
        shape: String,
        /// The contract's message.
        message: String,
    },
}

/// The smallest valid input: the required members, and the idempotency token that every SDK sends.
///
/// # Errors
/// Where a constraint cannot be satisfied (a pattern that nothing could be found for).
pub fn input(service: &Service, operation: OperationIndex, setting: &Setting) -> Result<Value, SynthError> {
    let shape = service.operation(operation).input;
    compose(service, operation, shape, setting, Purpose::Input, &Echo::default(), "")
}

/// A valid output, as full as one would expect it: all required members, those the input has under
/// the same name, and those that every answer of the kind carries (arn, ids, times, status).
///
/// # Errors
/// Where a constraint cannot be satisfied.
pub fn output(service: &Service, operation: OperationIndex, input: &Value, setting: &Setting) -> Result<Value, SynthError> {
    let operation_shape = service.operation(operation);
    let echo = Echo::of(service, operation_shape.input, input);
    let digest = digest(operation_shape.idempotency_token.as_deref(), input);
    compose(service, operation, operation_shape.output, setting, Purpose::Output, &echo, &digest)
}

/// A valid modelled error that says `message`, as far as its own constraints let it.
///
/// # Errors
/// Where a constraint cannot be satisfied.
pub fn error(
    service: &Service,
    operation: OperationIndex,
    error: ShapeIndex,
    message: &str,
    setting: &Setting,
) -> Result<Value, SynthError> {
    compose(service, operation, error, setting, Purpose::Error(message), &Echo::default(), "")
}

fn compose(
    service: &Service,
    operation: OperationIndex,
    shape: ShapeIndex,
    setting: &Setting,
    purpose: Purpose<'_>,
    echo: &Echo<'_>,
    digest: &str,
) -> Result<Value, SynthError> {
    if matches!(service.shape(shape).kind, ShapeKind::Unit) {
        return Ok(Value::Object(Vec::new()));
    }
    let value = Composer {
        service,
        operation: &service.operation(operation).name,
        setting,
        purpose,
        echo,
        digest,
    }
    .root(shape)?;
    // The request's side, whatever the value is for: a made-up answer has no excuse for a value
    // that a lenient client would still accept.
    match contract::check(service, shape, &value, Side::Request).violations.into_iter().next() {
        None => Ok(value),
        Some(departure) => Err(SynthError::Invalid {
            shape: service.shape(shape).name().to_owned(),
            message: departure.message,
        }),
    }
}

/// Tells one input from another by what they mean: neither the order of members nor the
/// idempotency token counts, so a call repeated gets the same answer.
fn digest(token: Option<&str>, input: &Value) -> String {
    let mut input = sorted(input);
    if let Value::Object(members) = &mut input {
        members.retain(|(name, _)| Some(name.as_str()) != token);
    }
    let mut text = String::new();
    json::write(&input, &mut text);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members)
        }
        Value::List(items) => Value::List(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::Catalog;

    fn built_in(service: &str, operation: &str) -> (std::sync::Arc<Service>, OperationIndex) {
        let catalog = Catalog::built_in().unwrap();
        let service = catalog.find(service).unwrap().clone();
        let operation = service.operation_named(operation).unwrap();
        (service, operation)
    }

    fn object(members: &[(&str, Value)]) -> Value {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_minimal_input_has_what_is_required_and_the_token_that_every_sdk_sends() {
        let (service, operation) = built_in("proton", "CreateServiceInstance");
        let expected = object(&[
            ("name", text("name")),
            ("serviceName", text("service-name")),
            ("spec", text("{}")),
            ("clientToken", text("00000000-0000-4000-8000-000000000001")),
        ]);
        let input = input(&service, operation, &Setting::default()).unwrap();
        assert_eq!(input, expected);
    }

    #[test]
    fn an_output_gives_back_what_the_input_said_and_names_the_resource() {
        let (service, operation) = built_in("proton", "CreateServiceInstance");
        let input = object(&[
            ("name", text("blue")),
            ("serviceName", text("frontend")),
            ("spec", text("proton: ServiceSpec")),
            ("templateMajorVersion", text("2")),
        ]);
        let output = output(&service, operation, &input, &Setting::default()).unwrap();
        let instance = output.member("serviceInstance").unwrap();
        let said = |name: &str| instance.member(name).and_then(Value::as_text).unwrap_or("absent");
        assert_eq!(said("name"), "blue");
        assert_eq!(said("serviceName"), "frontend");
        assert_eq!(said("spec"), "proton: ServiceSpec");
        assert_eq!(said("templateMajorVersion"), "2");
        assert_eq!(said("deploymentStatus"), "IN_PROGRESS");
        assert_eq!(said("deploymentStatusMessage"), "absent");
        assert_eq!(
            said("arn"),
            "arn:aws:proton:us-east-1:000000000000:service/frontend/service-instance/blue"
        );
        assert_eq!(
            instance.member("createdAt"),
            Some(&Value::Timestamp {
                seconds: INSTANT,
                nanos: 0
            })
        );
    }

    #[test]
    fn optional_outputs_are_as_full_as_a_real_answer() {
        let (service, operation) = built_in("Service Catalog", "CreateProvisioningArtifact");
        let parameters = object(&[("Name", text("v1")), ("Type", text("CLOUD_FORMATION_TEMPLATE"))]);
        let input = object(&[
            ("ProductId", text("prod-1")),
            ("Parameters", parameters),
            ("IdempotencyToken", text("t")),
        ]);
        let output = output(&service, operation, &input, &Setting::default()).unwrap();
        let detail = output.member("ProvisioningArtifactDetail").unwrap();
        assert_eq!(detail.member("Name"), Some(&text("v1")));
        assert_eq!(detail.member("Type"), Some(&text("CLOUD_FORMATION_TEMPLATE")));
        assert_eq!(detail.member("Active"), Some(&Value::Bool(true)));
        assert_eq!(output.member("Status"), Some(&text("CREATING")));
        let id = detail.member("Id").and_then(Value::as_text).unwrap();
        assert!(id.starts_with("pa-") && id.len() == 16, "{id}");
    }

    #[test]
    fn an_error_says_what_it_is_told_to_say() {
        let (service, operation) = built_in("Service Catalog", "CreateProvisioningArtifact");
        let shape = service.error_named(Some(operation), "LimitExceededException").unwrap();
        let value = error(&service, operation, shape, "too many", &Setting::default()).unwrap();
        assert_eq!(value, object(&[("Message", text("too many"))]));
        let long = "x".repeat(2000);
        let value = error(&service, operation, shape, &long, &Setting::default()).unwrap();
        assert_eq!(value.member("Message").and_then(Value::as_text).map(str::len), Some(1024));
    }

    #[test]
    fn the_same_question_has_the_same_answer() {
        let (service, operation) = built_in("Service Catalog", "CreateProvisioningArtifact");
        let make = || {
            let input = input(&service, operation, &Setting::default()).unwrap();
            let output = output(&service, operation, &input, &Setting::default()).unwrap();
            (input, output)
        };
        assert_eq!(make(), make());
    }

    #[test]
    fn every_operation_of_the_published_models_can_be_made_up() {
        let Some(vectors) = std::env::var_os("FERROTAPE_VECTORS") else {
            eprintln!("skipped: FERROTAPE_VECTORS is not set");
            return;
        };
        let mut paths: Vec<_> = std::fs::read_dir(std::path::Path::new(&vectors).join("models"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        paths.sort();
        let catalog = Catalog::with_models(&paths).unwrap();
        let setting = Setting::default();
        let mut problems = Vec::new();
        for service in catalog.services() {
            for index in 0..service.operations.len() {
                let operation = OperationIndex(index as u32);
                let answer = input(service, operation, &setting).and_then(|input| output(service, operation, &input, &setting));
                let errors = service
                    .errors_of(operation)
                    .map(|shape| error(service, operation, shape, "no", &setting));
                for problem in errors.chain([answer]).filter_map(Result::err) {
                    problems.push(format!("{} {}: {problem}", service.sdk_id, service.operation(operation).name));
                }
            }
        }
        assert!(catalog.services().len() > 5);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    /// A service with one operation whose input and output is `Everything`, of these members.
    fn everything(shapes: &str) -> Service {
        let model = format!(
            r##"{{"smithy": "2.0", "shapes": {{
                "a#S": {{"type": "service", "version": "1", "operations": [{{"target": "a#CreateThing"}}], "traits": {{"aws.protocols#awsJson1_0": {{}}}}}},
                "a#CreateThing": {{"type": "operation", "input": {{"target": "a#Everything"}}, "output": {{"target": "a#Everything"}}}},
                {shapes} }} }}"##
        );
        crate::model::load(model.as_bytes(), "test").unwrap().remove(0)
    }

    fn made(shapes: &str) -> Result<String, SynthError> {
        let service = everything(shapes);
        let input = input(&service, OperationIndex(0), &Setting::default())?;
        let mut out = String::new();
        json::write(&input, &mut out);
        Ok(out)
    }

    #[test]
    fn every_constraint_is_obeyed_with_the_least_that_does() {
        let required = r#""smithy.api#required": {}"#;
        let shapes = format!(
            r##"
            "a#Everything": {{"type": "structure", "members": {{
                "names": {{"target": "a#Names", "traits": {{{required}}}}},
                "tags": {{"target": "a#Tags", "traits": {{{required}}}}},
                "count": {{"target": "smithy.api#Integer", "traits": {{{required}, "smithy.api#range": {{"min": 5, "max": 9}}}}}},
                "below": {{"target": "smithy.api#Long", "traits": {{{required}, "smithy.api#range": {{"max": -3}}}}}},
                "share": {{"target": "smithy.api#Double", "traits": {{{required}, "smithy.api#range": {{"min": 2.5}}}}}},
                "choice": {{"target": "a#Choice", "traits": {{{required}}}}},
                "code": {{"target": "a#Code", "traits": {{{required}}}}},
                "long": {{"target": "smithy.api#String", "traits": {{{required}, "smithy.api#length": {{"min": 8}}}}}},
                "loop": {{"target": "a#Everything"}} }} }},
            "a#Names": {{"type": "list", "member": {{"target": "smithy.api#String"}}, "traits": {{"smithy.api#length": {{"min": 2}}, "smithy.api#uniqueItems": {{}}}}}},
            "a#Tags": {{"type": "map", "key": {{"target": "a#Code"}}, "value": {{"target": "smithy.api#Boolean"}}, "traits": {{"smithy.api#length": {{"min": 1}}}}}},
            "a#Choice": {{"type": "union", "members": {{"again": {{"target": "a#Choice"}}, "plain": {{"target": "smithy.api#String"}}}}}},
            "a#Code": {{"type": "string", "traits": {{"smithy.api#pattern": "^[A-C]{{2}}[0-9]$"}}}}"##
        );
        let made = made(&shapes).unwrap();
        let object: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(object["names"].as_array().map(Vec::len), Some(2));
        assert_eq!(object["tags"].as_object().map(serde_json::Map::len), Some(1));
        assert_eq!((&object["count"], &object["below"]), (&5.into(), &(-3).into()));
        assert_eq!(object["share"], 2.5);
        assert_eq!(object["choice"], serde_json::json!({ "plain": "plain" }));
        assert_eq!(object["long"], "longxxxx");
        assert!(object.get("loop").is_none(), "{made}");
    }

    #[test]
    fn what_cannot_be_made_is_an_error_that_names_the_place() {
        let shapes = r#"
            "a#Everything": {"type": "structure", "members": {
                "never": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}, "smithy.api#pattern": "^a$", "smithy.api#length": {"min": 2}}}}}"#;
        let error = made(shapes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no value can be made for `/never` of `Everything`: no text was found that has its pattern and length"
        );
    }

    #[test]
    fn a_structure_that_requires_itself_comes_to_an_end() {
        let shapes = r#"
            "a#Everything": {"type": "structure", "members": {
                "loop": {"target": "a#Everything", "traits": {"smithy.api#required": {}}}}}"#;
        assert!(
            made(shapes)
                .unwrap_err()
                .to_string()
                .ends_with("its required members are nested too deeply")
        );
    }

    #[test]
    fn a_list_that_must_hold_itself_comes_to_an_end() {
        let shapes = r#"
            "a#Everything": {"type": "structure", "members": {
                "loop": {"target": "a#List", "traits": {"smithy.api#required": {}}}}},
            "a#List": {"type": "list", "member": {"target": "a#List"}, "traits": {"smithy.api#length": {"min": 1}}}"#;
        assert!(
            made(shapes)
                .unwrap_err()
                .to_string()
                .ends_with("its required items are nested too deeply")
        );
    }
}
