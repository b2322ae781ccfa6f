//! The cases that published models bring themselves (`smithy.rules#endpointTests`), and what they
//! leave open.

use super::*;
use crate::model::compile::load;
use serde_json::json;

fn service(shapes: &str) -> Service {
    let model = format!(r#"{{"smithy": "2.0", "shapes": {shapes}}}"#);
    load(model.as_bytes(), "test.json").unwrap().remove(0)
}

/// Text, booleans, lists and objects; nothing else is bound to a parameter.
fn input(value: &Value) -> Input {
    match value {
        Value::String(text) => Input::Text(text.clone()),
        Value::Bool(value) => Input::Bool(*value),
        Value::Array(items) => Input::List(items.iter().map(input).collect()),
        Value::Object(members) => Input::Object(members.iter().map(|(name, member)| (name.clone(), input(member))).collect()),
        Value::Number(number) => Input::Number(number.to_string()),
        Value::Null => Input::Null,
    }
}

fn in_region(region: &str) -> Settings {
    Settings {
        region: Some(region.to_owned()),
        ..Settings::default()
    }
}

const PREFIXED: &str = r#"{
    "a#S": {"type": "service", "version": "1", "operations": [{"target": "a#Do"}],
            "traits": {"aws.api#service": {"sdkId": "S", "endpointPrefix": "es"}}},
    "a#Do": {"type": "operation", "input": {"target": "a#In"}, "traits": {"smithy.api#endpoint": {"hostPrefix": "{id}.data-"}}},
    "a#In": {"type": "structure", "members": {"id": {"target": "smithy.api#String", "traits": {"smithy.api#hostLabel": {}}}}}}"#;

#[test]
fn a_host_prefix_is_filled_in_from_the_input() {
    let service = service(PREFIXED);
    let found =
        |id: Value| resolve(&service, OperationIndex(0), &input(&json!({ "id": id })), &in_region("us-east-1")).map(|found| found.url);
    assert_eq!(found(json!("abc")), Ok("https://abc.data-es.us-east-1.amazonaws.com".to_owned()));
    for bad in [json!("evil.example/"), json!("a.b"), json!(""), json!(null)] {
        assert!(matches!(found(bad.clone()), Err(EndpointError::HostLabel { .. })), "{bad}");
    }
}

#[test]
fn without_a_region_there_is_no_endpoint() {
    let found = resolve(
        &service(PREFIXED),
        OperationIndex(0),
        &input(&json!({"id": "a"})),
        &Settings::default(),
    );
    assert_eq!(found, Err(EndpointError::NoRegion));
}

const REGIONAL: &str = r#"{
    "a#S": {"type": "service", "version": "1", "operations": [{"target": "a#Do"}],
            "traits": {"smithy.rules#endpointRuleSet": {
                "parameters": {"Region": {"type": "string", "builtIn": "AWS::Region"},
                               "Kind": {"type": "string"}, "Name": {"type": "string"}},
                "rules": [
                    {"type": "error", "error": "Invalid Configuration: Missing Region", "conditions": [
                        {"fn": "not", "argv": [{"fn": "isSet", "argv": [{"ref": "Region"}]}]}]},
                    {"type": "endpoint", "conditions": [{"fn": "isSet", "argv": [{"ref": "Name"}]}],
                     "endpoint": {"url": "https://{Name}.{Kind}.{Region}.amazonaws.com"}},
                    {"type": "endpoint", "conditions": [], "endpoint": {"url": "https://es.{Region}.amazonaws.com"}}]}}},
    "a#Do": {"type": "operation", "input": {"target": "a#In"}, "traits": {
        "smithy.rules#staticContextParams": {"Kind": {"value": "fixed"}},
        "smithy.rules#operationContextParams": {"Name": {"path": "inner.name"}}}},
    "a#In": {"type": "structure", "members": {
        "kind": {"target": "smithy.api#String", "traits": {"smithy.rules#contextParam": {"name": "Kind"}}},
        "inner": {"target": "a#Inner"}}},
    "a#Inner": {"type": "structure", "members": {"name": {"target": "smithy.api#String"}}}}"#;

#[test]
fn the_operation_and_its_input_say_what_the_rules_ask_for() {
    let service = service(REGIONAL);
    let found = resolve(
        &service,
        OperationIndex(0),
        &input(&json!({"kind": "given", "inner": {"name": "n"}})),
        &in_region("eu-west-1"),
    );
    assert_eq!(
        found.map(|found| found.url),
        Ok("https://n.fixed.eu-west-1.amazonaws.com".to_owned())
    );
}

#[test]
fn a_pseudo_region_never_enters_a_host_name() {
    let service = service(REGIONAL);
    let found = |settings: &Settings| resolve(&service, OperationIndex(0), &input(&json!({})), settings).map(|found| found.url);
    assert_eq!(found(&in_region("aws-global")), Ok("https://es.us-east-1.amazonaws.com".to_owned()));
    assert_eq!(found(&Settings::default()), Err(EndpointError::NoRegion));
}

/// Why a case fails, where it does.
fn failure(service: &Service, case: &Value) -> Option<String> {
    let ruleset = service.endpoint_rules.ruleset()?;
    let empty = Map::new();
    let given = case["params"].as_object().unwrap_or(&empty);
    if let Some(difference) = difference(&ruleset.evaluate(given), &case["expect"]) {
        return Some(difference);
    }
    let operations = case["operationInputs"].as_array().map_or(&[][..], Vec::as_slice);
    operations.iter().find_map(|call| {
        let members = |name: &str| call[name].as_object().cloned().unwrap_or_default();
        let settings = Settings {
            built_ins: members("builtInParams"),
            own: members("clientParams"),
            ..Settings::default()
        };
        let operation = service.operation(service.operation_named(call["operationName"].as_str()?)?);
        let parameters = context::parameters(ruleset, service, operation, &input(&call["operationParams"]), &settings);
        difference(&ruleset.evaluate(&parameters), &case["expect"]).map(|difference| format!("{}: {difference}", operation.name))
    })
}

fn difference(found: &Result<Endpoint, EndpointError>, expected: &Value) -> Option<String> {
    let found = match found {
        Ok(endpoint) => {
            let mut shown = json!({"url": endpoint.url});
            for (name, members) in [("properties", &endpoint.properties), ("headers", &endpoint.headers)] {
                if !members.is_empty() {
                    shown[name] = members.clone().into();
                }
            }
            json!({ "endpoint": shown })
        }
        Err(EndpointError::Refused(message)) => json!({ "error": message }),
        Err(error) => return Some(error.to_string()),
    };
    let mut expected = expected.clone();
    for name in ["properties", "headers"] {
        if expected["endpoint"][name] == json!({}) {
            expected["endpoint"].as_object_mut()?.remove(name);
        }
    }
    (found != expected).then(|| format!("{found} where {expected} was expected"))
}

/// Cases that were written before the isolated partitions had dual-stack hosts. The published
/// `partitions.json` has since given them some, and the table goes by it.
fn is_of_an_older_partition_table(case: &Value) -> bool {
    let error = case["expect"]["error"].as_str().unwrap_or_default();
    case["params"]["UseDualStack"] == true
        && case["params"]["Region"].as_str().is_some_and(|region| region.contains("-iso"))
        && error.contains("DualStack")
        && error.contains("partition does not support")
}

#[test]
fn every_case_of_the_published_models_passes() {
    let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
        eprintln!("skipped: FERROTAPE_VECTORS is not set");
        return;
    };
    let (mut cases, mut older, mut failures) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(std::path::Path::new(&folder).join("models")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let model: Value = serde_json::from_slice(&bytes).unwrap();
        for service in load(&bytes, &path.display().to_string()).unwrap() {
            assert_eq!(service.endpoint_rules.problem(), None, "{}", path.display());
            assert!(service.endpoint_rules.ruleset().is_some(), "{}", path.display());
            let tests = &model["shapes"][&service.shape_id]["traits"]["smithy.rules#endpointTests"]["testCases"];
            for case in tests.as_array().map_or(&[][..], Vec::as_slice) {
                cases += 1;
                let failed = failure(&service, case);
                if is_of_an_older_partition_table(case) {
                    assert!(failed.is_some(), "no longer contradicted by the partition table: {case}");
                    older += 1;
                    continue;
                }
                failures.extend(failed.map(|failed| format!("{} `{}`: {failed}", service.sdk_id, case["documentation"])));
            }
        }
    }
    eprintln!(
        "{} of {cases} endpoint cases pass; {older} contradict the partition table",
        cases - older - failures.len()
    );
    assert!(failures.is_empty(), "{} of {cases} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(cases > 1000);
}
