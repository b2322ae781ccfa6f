//! `ferrotape.toml`: what is settled there need not be typed, and what is wrong there is told.

use serde_json::json;

use crate::workplace::{Workplace, instance, portless, refuses};

#[test]
fn settings_stand_in_for_what_is_not_typed() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    std::fs::rename(place.path().join("cassettes"), place.path().join("kept")).unwrap();
    std::fs::write(place.path().join("ferrotape.toml"), "cassettes = \"kept\"\n").unwrap();
    let verified = place.run(["verify"]).finish().expect(0);
    assert!(verified.stdout.contains("kept/shop.json"), "{}", verified.stdout);
    let server = place.replay("shop", []);
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    server.stop().expect(0);
    std::fs::write(place.path().join("other.toml"), "cassettes = \"nowhere\"\n").unwrap();
    refuses(
        place.run(["replay", "-c", "shop", "--config", "other.toml"]),
        1,
        &["no cassette `shop`", "`nowhere/shop.json`"],
    );
}

#[test]
fn below_the_settings_file_the_default_places_are_beside_it() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    std::fs::create_dir_all(place.path().join("deep/er")).unwrap();
    std::fs::create_dir(place.path().join(".git")).unwrap();
    std::fs::write(place.path().join("ferrotape.toml"), "door = \"endpoint\"\n").unwrap();
    let below = |arguments: &[&str]| {
        let deep = place.path().join("deep/er");
        crate::support::Run::new(&deep, arguments).env("AWS_EC2_METADATA_DISABLED", "true")
    };
    below(&["verify"]).finish().expect(0);
    let shown = below(&["show", "shop"]).finish().expect(0);
    assert!(shown.stdout.contains("CreateServiceInstance"), "{}", shown.stdout);
    let server = below(&["replay", "-c", "shop"]).start();
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    server.stop().expect(0);
    assert!(!place.path().join("deep/er/.ferrotape").exists());
    let stand_in = place.stand_in();
    let server = below(&["record", "-c", "other", "--upstream", &stand_in.url()]).start();
    assert_eq!(instance("b", json!({})).send(server.address).status, 200);
    server.stop().expect(0);
    assert!(place.cassette_path("other").is_file() && !place.path().join("deep/er/cassettes").exists());
    assert!(!place.path().join("deep/er/.ferrotape").exists() && place.path().join(".ferrotape").is_dir());
}

#[test]
fn options_are_read_from_the_environment_and_a_bad_one_names_it() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place
        .run(["replay"])
        .env("FERROTAPE_CASSETTE", "shop")
        .env("FERROTAPE_ALL_PLAYED", "true")
        .start();
    server.stop().expect(12);
    refuses(
        place
            .run(["replay", "-c", "shop", "--", "touch", "started"])
            .env("FERROTAPE_CONTRACT", "strict"),
        1,
        &["`FERROTAPE_CONTRACT`: invalid value `strict` [possible values: enforce, report, off]"],
    );
    assert!(!place.path().join("started").exists());
    let told = place.run(["verify"]).env("FERROTAPE_ALLPLAYED", "1").finish().expect(0);
    let warning = "ferrotape: warning: `FERROTAPE_ALLPLAYED` is no option of Ferrotape, and is not read; there is `FERROTAPE_ALL_PLAYED`\n";
    assert!(told.stderr.contains(warning), "{}", told.stderr);
}

#[test]
fn a_mistake_in_the_settings_is_told_with_its_place_before_anything_happens() {
    let place = Workplace::new();
    std::fs::write(place.path().join("ferrotape.toml"), "[match]\nignroe = []\n").unwrap();
    refuses(
        place.run(["record", "--", "touch", "started"]),
        1,
        &["ferrotape.toml:2:1`: unknown key `ignroe`, expected one of `ignore`, `compare`, "],
    );
    assert!(!place.path().join("started").exists());
}

#[test]
fn a_rule_pasted_from_a_miss_lets_the_call_pass() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({ "templateMajorVersion": "1" }))]);
    let other = instance(
        "a",
        json!({ "templateMajorVersion": "2", "tags": [{ "key": "team", "value": "shop" }] }),
    );
    let server = place.replay("shop", []);
    let reply = other.send(server.address);
    assert_eq!(reply.status, 400);
    server.stop().expect(11);
    let message = reply.message();
    let pasted: Vec<&str> = message
        .lines()
        .skip_while(|line| !line.contains("`ferrotape.toml`"))
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(pasted.len(), 2, "{message}");
    std::fs::write(place.path().join("ferrotape.toml"), pasted.join("\n")).unwrap();
    let server = place.replay("shop", []);
    assert_eq!(other.send(server.address).status, 200);
    server.stop().expect(0);
}

#[test]
fn strict_order_is_asked_for_on_the_command_line() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({})), instance("b", json!({}))]);
    let server = place.replay("shop", ["--order", "strict"]);
    let reply = instance("b", json!({})).send(server.address);
    assert_eq!(
        portless(&reply.message()),
        "this `Proton CreateServiceInstance` call is interaction 2, and calls are answered in recorded order\n\
         next is interaction 1: `Proton CreateServiceInstance`; with `--order key` the order of different calls does not matter\n\
         record all anew: ferrotape record -c shop --upstream http://127.0.0.1:PORT"
    );
    server.stop().expect(11);
}

#[test]
fn a_rule_that_matches_nothing_is_told_and_fails_nothing() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let rules = "[match]\nignore = [\"CreateServiceInstance:/nme\", \"RunInstances:/x\"]\n";
    std::fs::write(place.path().join("ferrotape.toml"), rules).unwrap();
    let server = place.replay("shop", ["--bind", "CreateServiceInstanc:/name"]);
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    let done = server.stop().expect(0);
    let told = [
        "`CreateServiceInstance:/nme` under `match.ignore` matches nothing: the model of Proton CreateServiceInstance has no member `nme`; \
         there is `name`",
        "`CreateServiceInstanc:/name` under `bind` matches nothing: no model of this run has an operation `CreateServiceInstanc`; \
         there is `CreateServiceInstance`",
    ];
    for told in told {
        assert!(done.stderr.contains(&format!("ferrotape: warning: {told}\n")), "{}", done.stderr);
    }
    assert!(!done.stderr.contains("RunInstances"), "it may be for another run: {}", done.stderr);
}
