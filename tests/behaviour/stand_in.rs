//! The stand-in is labelled as what it is, and so is what was recorded from it.

use serde_json::{Value, json};

use crate::client::{CATALOG, Call, PROTON};
use crate::workplace::{Workplace, artifact, instance};

#[test]
fn every_answer_of_the_stand_in_is_labelled() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let calls = [
        (instance("a", json!({})), 200),
        (instance("-", json!({})), 400),
        (Call::new(PROTON, "not json"), 400),
        (Call::new("AwsProton20200720.Unknown", "{}"), 400),
        (Call::new("Nobody.Knows", "{}"), 400),
    ];
    for (call, status) in calls {
        let reply = call.send(stand_in.address);
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(reply.header("x-ferrotape-stand-in"), Some("true"), "{reply:?}");
    }
    stand_in.stop().expect(0);
}

#[test]
fn the_stand_in_answers_both_operations_as_their_models_say() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let created = instance("shop", json!({ "templateMajorVersion": "2" }))
        .send(stand_in.address)
        .json();
    assert_eq!(created["serviceInstance"]["name"], "shop");
    assert_eq!(created["serviceInstance"]["templateMajorVersion"], "2");
    assert!(created["serviceInstance"]["lastDeploymentSucceededAt"].is_number());
    let created = artifact("token-1", json!({})).send(stand_in.address).json();
    assert_eq!(created["ProvisioningArtifactDetail"]["Name"], "v1");
    stand_in.stop().expect(0);
}

#[test]
fn the_stand_in_says_the_same_each_time() {
    let place = Workplace::new();
    let first = place.stand_in();
    let second = place.stand_in();
    let call = instance("shop", json!({}));
    let replies = [&first, &first, &second].map(|server| call.send(server.address).without_date());
    assert_eq!(replies[0], replies[1]);
    assert_eq!(replies[0], replies[2]);
}

#[test]
fn the_stand_in_refuses_what_breaks_the_contract_as_the_service_would() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let proton = Call::new(PROTON, r#"{"serviceName":"s","spec":"x"}"#).send(stand_in.address);
    assert_eq!((proton.status, proton.code().as_str()), (400, "ValidationException"));
    assert_eq!(
        proton.message(),
        "1 validation error detected: Value at '/name' failed to satisfy constraint: Member must not be null"
    );
    let catalog = Call::new(CATALOG, "{}").send(stand_in.address);
    assert_eq!((catalog.status, catalog.code().as_str()), (400, "InvalidParametersException"));
    assert!(catalog.json()["Message"].is_string(), "{catalog:?}");
}

#[test]
fn a_cassette_recorded_from_the_stand_in_says_that_it_is_synthesised() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({})), artifact("token-1", json!({}))]);
    let cassette = place.cassette("shop");
    assert_eq!(cassette["origin"], "synthesised");
    assert!(!place.cassette_text("shop").contains("x-ferrotape-stand-in"));
    place.run(["verify"]).finish().expect(0);
}

#[test]
fn show_prints_a_cassette_for_people() {
    let place = Workplace::new();
    place.recorded("team/shop", &[instance("checkout", json!({})), artifact("token-1", json!({}))]);
    let shown = place.run(["show", "team/shop"]).finish().expect(0).stdout;
    for expected in [
        "Proton",
        "CreateServiceInstance",
        "checkout",
        "CreateProvisioningArtifact",
        "200",
        "synthesised",
    ] {
        assert!(shown.contains(expected), "`{expected}` is not in:\n{shown}");
    }
    assert!(!shown.contains("proton: ServiceSpec"), "{shown}");
}

#[test]
fn show_names_what_is_near_where_there_is_no_such_cassette() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let shown = place.run(["show", "shpo"]).finish().expect(1);
    assert!(shown.stderr.contains("`shop`"), "{}", shown.stderr);
}

#[test]
fn what_the_stand_in_answers_conforms_to_the_model() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    for call in [instance("a", json!({})), artifact("token-1", json!({}))] {
        let reply = call.send(stand_in.address);
        let target = call
            .headers
            .iter()
            .find(|(name, _)| name == "X-Amz-Target")
            .map(|(_, value)| value.clone());
        let (service, operation) = match target.as_deref() {
            Some(PROTON) => ("Proton", "CreateServiceInstance"),
            _ => ("Service Catalog", "CreateProvisioningArtifact"),
        };
        let line = json!({
            "id": "a", "service": service, "operation": operation,
            "response": { "status": 200, "headers": {}, "body": String::from_utf8_lossy(&reply.body) },
        });
        let file = place.path().join("line.jsonl");
        std::fs::write(&file, line.to_string()).expect("the folder can be written");
        let checked = place.run(["check", "line.jsonl"]).finish().expect(0);
        let answer: Value = serde_json::from_str(&checked.stdout).expect("one line of JSON");
        assert_eq!(answer["response"]["verdict"], "conforms", "{answer}");
        assert_eq!(answer["response"]["lints"], json!([]), "{answer}");
    }
}
