//! `ferrotape trim`: what no run has asked for goes.

use serde_json::json;

use crate::workplace::{Workplace, instance, refuses};

fn replayed(place: &Workplace, names: &[&str]) {
    let server = place.replay("shop", []);
    for name in names {
        assert_eq!(instance(name, json!({})).send(server.address).status, 200);
    }
    server.stop().expect(0);
}

#[test]
fn what_no_run_played_is_removed_and_the_rest_replays() {
    let place = Workplace::new();
    place.recorded("shop", &["a", "b", "c", "d"].map(|name| instance(name, json!({}))));
    refuses(
        place.run(["trim", "shop"]),
        1,
        &[
            "no replay of `shop` as it is now is known here",
            "ferrotape replay -c shop -- COMMAND",
        ],
    );
    replayed(&place, &["a"]);
    replayed(&place, &["c"]);
    let before = place.cassette_text("shop");
    let told = place.run(["trim", "shop", "--dry-run"]).finish().expect(0);
    assert_eq!(
        told.stdout,
        "would remove interaction 2: Proton CreateServiceInstance\n\
         would remove interaction 4: Proton CreateServiceInstance\n\
         `cassettes/shop.json`: would remove 2 of 4 interactions, 2 left; 2 runs counted\n"
    );
    assert_eq!(place.cassette_text("shop"), before);
    let told = place.run(["trim", "shop"]).finish().expect(0);
    assert!(
        told.stdout.ends_with("removed 2 of 4 interactions, 2 left; 2 runs counted\n"),
        "{}",
        told.stdout
    );
    assert_eq!(place.cassette("shop")["interactions"].as_array().unwrap().len(), 2);
    replayed(&place, &["a", "c"]);
    let told = place.run(["trim", "shop"]).finish().expect(0);
    assert!(
        told.stdout.ends_with("removed 0 of 2 interactions, 2 left; 1 run counted\n"),
        "{}",
        told.stdout
    );
}

#[test]
fn a_run_that_missed_something_says_nothing_about_the_rest() {
    let place = Workplace::new();
    place.recorded("shop", &["a", "b"].map(|name| instance(name, json!({}))));
    let server = place.replay("shop", []);
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    assert_eq!(instance("z", json!({})).send(server.address).status, 400);
    server.stop().expect(11);
    refuses(place.run(["trim", "shop"]), 1, &["no replay of `shop`"]);
}
