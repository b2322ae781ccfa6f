//! Cassettes that cannot be saved: refused before a call is made for them, and where they fail all the
//! same, nothing that was recorded is lost and no later run is stopped.

use serde_json::{Value, json};

use crate::client::{Call, PROTON, Reply};
use crate::workplace::{Workplace, instance};

/// A request to the control endpoint.
fn control(address: std::net::SocketAddr, body: &Value) -> Reply {
    let mut call = Call::bare(PROTON, body.to_string()).at("/_ferrotape/sessions");
    call.headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    call.send(address)
}

#[test]
fn a_name_that_cannot_be_a_file_is_refused_wherever_it_enters() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    let address = server.address;
    let long = "n".repeat(260);
    for (name, why) in [
        (long.as_str(), "longer than 200 letters"),
        ("good.json/y", "a folder cannot end in `.json`"),
    ] {
        for body in [json!({ "name": name }), json!({ "name": "t1", "cassette": name })] {
            let refused = control(address, &body);
            let text = String::from_utf8_lossy(&refused.body).into_owned();
            assert_eq!(refused.status, 400, "{text}");
            assert!(text.contains(why), "{text}");
        }
        let path = format!("/@{}", name.replace('/', "%2F"));
        let refused = instance("a", json!({})).at(&path).send(address);
        assert_eq!(refused.status, 404);
        assert!(refused.message().contains(why), "{}", refused.message());
    }
    // What is on the disk decides, too.
    std::fs::create_dir_all(place.path().join("cassettes/taken.json")).expect("it can be made");
    let refused = instance("a", json!({})).at("/@taken").send(address);
    assert!(
        refused.message().contains("`cassettes/taken.json` is no file"),
        "{}",
        refused.message()
    );
    assert_eq!(instance("a", json!({})).at("/@good").send(address).status, 200);
    server.stop().expect(14);
    assert!(place.cassette_path("good").is_file());
    let next = place.record("next", &stand_in.url()).stop().expect(0);
    assert!(!next.stderr.contains("recover"), "{}", next.stderr);
}
