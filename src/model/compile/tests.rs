use super::*;

fn loaded(shapes: &str) -> Result<Service, ModelError> {
    load(format!(r#"{{"smithy": "2.0", "shapes": {shapes}}}"#).as_bytes(), "test.json").map(|mut services| services.remove(0))
}

fn refused(shapes: &str) -> String {
    loaded(shapes).err().map_or_else(String::new, |error| error.to_string())
}

const SERVICE: &str = r#"
    "a#S": {"type": "service", "version": "1", "operations": [{"target": "a#Do"}], "resources": [{"target": "a#R"}],
            "traits": {"aws.protocols#awsJson1_0": {}, "aws.api#service": {"sdkId": "Es", "endpointPrefix": "es"}, "x.y#own": {"kept": 1}}},
    "a#R": {"type": "resource", "put": {"target": "a#Put"}, "resources": [{"target": "a#R2"}]},
    "a#R2": {"type": "resource", "collectionOperations": [{"target": "a#List"}]},
    "a#Put": {"type": "operation", "input": {"target": "a#In"}},
    "a#List": {"type": "operation"},
    "a#Do": {"type": "operation", "input": {"target": "a#In"}, "output": {"target": "a#Tree"}, "errors": [{"target": "a#Bad"}]},
    "a#Bad": {"type": "structure", "traits": {"smithy.api#error": "client", "smithy.api#httpError": 409}},
    "a#Name": {"type": "string", "traits": {"smithy.api#length": {"min": 1, "max": 9}, "smithy.api#pattern": "^a+$", "smithy.api#sensitive": {}}},
    "a#In": {"type": "structure", "members": {
        "name": {"target": "a#Name", "traits": {"smithy.api#required": {}, "smithy.api#length": {"max": 3}}},
        "token": {"target": "smithy.api#String", "traits": {"smithy.api#idempotencyToken": {}, "x.y#own": true}},
        "old": {"target": "a#Old"}}},
    "a#Old": {"type": "string", "traits": {"smithy.api#enum": [{"value": "A"}, {"value": "B", "tags": ["internal"]}]}},
    "a#Tree": {"type": "structure", "members": {"children": {"target": "a#Trees"}, "at": {"target": "smithy.api#Timestamp"}}},
    "a#Trees": {"type": "list", "member": {"target": "a#Tree"}, "traits": {"smithy.api#sparse": {}}}"#;

#[test]
fn operations_are_found_through_every_resource() {
    let service = loaded(&format!("{{{SERVICE}}}")).unwrap();
    let names: Vec<&str> = service.operations.iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(names, ["Do", "Put", "List"]);
    assert_eq!(
        (
            service.sdk_id.as_str(),
            service.endpoint_prefix.as_str(),
            service.signing_name.as_str()
        ),
        ("Es", "es", "es")
    );
    assert_eq!(service.protocols, ["aws.protocols#awsJson1_0"]);
    assert_eq!(service.operations[1].idempotency_token.as_deref(), Some("token"));
    assert!(matches!(service.shape(service.operations[2].input).kind, ShapeKind::Unit));
}

#[test]
fn a_members_trait_replaces_its_targets_and_the_rest_is_inherited() {
    let service = loaded(&format!("{{{SERVICE}}}")).unwrap();
    let input = service.shape(service.operations[0].input);
    let name = input.member("name").unwrap();
    assert_eq!(name.constraints.length, Some(Length { min: None, max: Some(3) }));
    assert_eq!(name.constraints.pattern.as_ref().unwrap().source(), "^a+$");
    assert!(name.sensitive && name.required);
    assert!(input.member("token").unwrap().traits.contains_key("x.y#own"));
    let ShapeKind::String(Some(values)) = &service.shape(input.member("old").unwrap().target).kind else {
        panic!()
    };
    assert_eq!(
        values
            .iter()
            .map(|value| (value.value.as_str(), value.internal))
            .collect::<Vec<_>>(),
        [("A", false), ("B", true)]
    );
}

#[test]
fn recursive_shapes_are_indices_and_sparse_lists_are_marked() {
    let service = loaded(&format!("{{{SERVICE}}}")).unwrap();
    let tree = service.operations[0].output;
    let ShapeKind::List(item) = &service.shape(service.shape(tree).member("children").unwrap().target).kind else {
        panic!()
    };
    assert_eq!(item.target, tree);
    assert!(item.sparse);
    assert_eq!(
        service
            .error_named(None, "Bad")
            .map(|error| service.shape(error).error.clone().unwrap().http_status),
        Some(Some(409))
    );
}

#[test]
fn mixins_and_apply_statements_are_folded_in() {
    let service = loaded(
        r#"{"a#S": {"type": "service", "version": "1", "operations": [{"target": "a#Do"}]},
            "a#Do": {"type": "operation", "input": {"target": "a#In"}},
            "a#Mixed": {"type": "structure", "traits": {"smithy.api#mixin": {}}, "members": {"x": {"target": "smithy.api#String"}}},
            "a#In": {"type": "structure", "mixins": [{"target": "a#Mixed"}], "members": {"y": {"target": "smithy.api#Long"}}},
            "a#In$x": {"type": "apply", "traits": {"smithy.api#required": {}}},
            "a#In$y": {"type": "apply", "traits": {"smithy.api#required": {}}}}"#,
    )
    .unwrap();
    let names: Vec<_> = service
        .shape(service.operations[0].input)
        .members()
        .iter()
        .map(|member| (member.name.as_str(), member.required))
        .collect();
    assert_eq!(names, [("x", true), ("y", true)]);
}

#[test]
fn what_is_not_a_model_is_refused_with_the_file_and_the_place() {
    assert!(
        load(b"{\"version\": \"2.0\"}", "x.json")
            .unwrap_err()
            .to_string()
            .starts_with("`x.json` is not a model: it is not JSON of a Smithy model: missing key `smithy`")
    );
    assert!(
        load(br#"{"smithy": "3.0", "shapes": {}}"#, "x.json")
            .unwrap_err()
            .to_string()
            .contains("`\"smithy\": \"3.0\"`")
    );
    assert_eq!(
        load(br#"{"smithy": "2.0", "shapes": {}}"#, "x.json").unwrap_err().to_string(),
        "`x.json` is a Smithy model, but defines no service"
    );
    let dangling = r#"{"a#S": {"type": "service", "version": "1", "operations": [{"target": "a#Gone"}]}}"#;
    assert!(refused(dangling).contains("`a#S` refers to `a#Gone`, which the file does not define"));
    let odd = r#"{"a#S": {"type": "service", "version": "1", "errors": [{"target": "a#S"}]}}"#;
    assert!(refused(odd).contains("has the type `service`, where a value was expected"));
}

#[test]
fn every_published_model_at_hand_loads() {
    let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
        eprintln!("skipped: FERROTAPE_VECTORS is not set");
        return;
    };
    let mut loaded_models = 0;
    for part in ["models", "smithy/models"] {
        for entry in std::fs::read_dir(std::path::Path::new(&folder).join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                load(&std::fs::read(&path).unwrap(), &path.display().to_string()).unwrap();
                loaded_models += 1;
            }
        }
    }
    assert!(loaded_models > 30);
}

#[test]
fn mixins_that_share_mixins_are_read_once() {
    let mixin = |number: usize| {
        let next = format!(r##"{{"target": "a#M{}"}}"##, number + 1);
        let mixins = if number < 40 { format!("{next}, {next}") } else { String::new() };
        format!(r##""a#M{number}": {{"type": "structure", "traits": {{"smithy.api#mixin": {{}}}}, "mixins": [{mixins}]}}"##)
    };
    let shapes: Vec<String> = (0..=40).map(mixin).collect();
    let model = format!(
        r##"{{"smithy": "2.0", "shapes": {{"a#S": {{"type": "service", "version": "1"}}, {}}}}}"##,
        shapes.join(", ")
    );
    assert!(super::load(model.as_bytes(), "test").is_ok());
}
