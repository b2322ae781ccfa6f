//! Where a call goes that came through the endpoint door: as the rules of its model say.

use serde_json::{Value, json};

use crate::puppet::Puppet;
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Upstream, well_behaved};
use crate::workplace::{Workplace, instance};

/// Proton as a global service, whose operation has a host prefix; with `fips`, it has a host for it.
fn global_proton() -> Value {
    let endpoint = |url: &str, conditions: Value| {
        json!({"type": "endpoint", "conditions": conditions, "endpoint": {
            "url": url, "headers": {},
            "properties": {"authSchemes": [{"name": "sigv4", "signingRegion": "us-east-1"}]}}})
    };
    let fips = json!([{"fn": "booleanEquals", "argv": [{"ref": "UseFIPS"}, true]}]);
    json!({"smithy": "2.0", "shapes": {
        "com.amazonaws.proton#AwsProton20200720": {
            "type": "service",
            "version": "2020-07-20",
            "operations": [{"target": "com.amazonaws.proton#CreateServiceInstance"}],
            "traits": {
                "aws.api#service": {"sdkId": "Proton", "endpointPrefix": "proton"},
                "aws.auth#sigv4": {"name": "proton"},
                "aws.protocols#awsJson1_0": {},
                "smithy.rules#endpointRuleSet": {
                    "version": "1.0",
                    "parameters": {
                        "Region": {"type": "string", "builtIn": "AWS::Region"},
                        "UseFIPS": {"type": "boolean", "builtIn": "AWS::UseFIPS", "required": true, "default": false}},
                    "rules": [endpoint("https://proton-fips.amazonaws.com", fips), endpoint("https://proton.amazonaws.com", json!([]))]}}},
        "com.amazonaws.proton#CreateServiceInstance": {
            "type": "operation",
            "input": {"target": "com.amazonaws.proton#Input"},
            "traits": {"smithy.api#endpoint": {"hostPrefix": "{name}.data-"}}},
        "com.amazonaws.proton#Input": {
            "type": "structure",
            "members": {"name": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}, "smithy.api#hostLabel": {}}}}}}})
}

fn recording(place: &Workplace, upstream: &Upstream, variables: &[(&str, &str)]) -> Puppet {
    let model = place.path().join("global.json");
    std::fs::write(&model, global_proton().to_string()).expect("the folder can be written");
    let mut run = place
        .run(["record", "-c", "shop", "--upstream", &upstream.url, "--model", "global.json"])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    for (name, value) in variables {
        run = run.env(name, value);
    }
    Puppet::start(place.path(), run)
}

#[test]
fn a_call_goes_where_the_rules_say_and_is_signed_for_the_region_they_name() {
    for (variables, uri) in [
        (&[][..], "https://a.data-proton.amazonaws.com/"),
        (&[("AWS_USE_FIPS_ENDPOINT", "true")], "https://a.data-proton-fips.amazonaws.com/"),
    ] {
        let place = Workplace::new();
        let upstream = Upstream::plain(well_behaved);
        let puppet = recording(&place, &upstream, variables);
        assert!(
            !puppet.environment.contains_key("AWS_USE_FIPS_ENDPOINT"),
            "an SDK refuses it beside an endpoint"
        );
        let address = puppet.address();
        let call = instance("a", json!({})).signed_for("eu-west-1", &puppet.key(), &address.to_string());
        let reply = call.send(address);
        assert_eq!(reply.status, 200, "{}", reply.message());
        puppet.end(0).expect(0);
        assert!(upstream.seen().iter().all(|seen| seen.refused.is_none()), "{:?}", upstream.seen());
        let interaction = &place.cassette("shop")["interactions"][0];
        assert_eq!(interaction["request"]["uri"], uri);
        assert_eq!(interaction["region"], "eu-west-1", "the region is the client's");
    }
}

#[test]
fn what_cannot_stand_in_a_host_name_is_refused_and_reaches_nobody() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    let reply = puppet.send(instance("evil.example/", json!({})));
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(
        reply.message().contains("`evil.example/` cannot stand there"),
        "{}",
        reply.message()
    );
    puppet.end(0).expect(13);
    assert_eq!(upstream.seen().len(), 0);
}
