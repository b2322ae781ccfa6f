//! Cassettes that cannot be saved: refused before a call is made for them, and where they fail all the
//! same, nothing that was recorded is lost and no later run is stopped.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Call, Connection, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::support::Finished;
use crate::workplace::{Workplace, instance, last_word};

/// Starts a session at the control endpoint.
fn control(address: SocketAddr, body: &Value) -> Reply {
    Call::control(address, "POST", "/sessions", &body.to_string()).send(address)
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

/// A service whose answers are large, so that a small disk is soon full.
fn generous() -> OddUpstream {
    let body = json!({ "__type": "ConflictException", "message": "x".repeat(20_000) }).to_string();
    let answer = http(409, &[("x-amzn-errortype", "ConflictException")], body.as_bytes());
    OddUpstream::start(move |_, _| Act::Answer(answer.clone()))
}

/// The numbers of recorded calls and of interactions in the cassette are the same.
#[track_caller]
fn says_what_is_there(place: &Workplace, done: &Finished, recorded: usize) {
    let words = format!(", {recorded} recorded");
    assert!(last_word(done).contains(&words), "{}", done.stderr);
    let interactions = place.cassette("shop")["interactions"].as_array().map(Vec::len);
    assert_eq!(interactions, Some(recorded));
}

#[test]
fn once_the_disk_is_full_nothing_more_is_forwarded_and_no_sdk_tries_again() {
    let place = Workplace::new();
    let service = generous();
    let run = place.run(["record", "-c", "shop", "--upstream", &service.url]);
    let server = run.after("trap '' XFSZ; ulimit -f 3000").start();
    let call = |number: usize| instance(&format!("n{number}"), json!({})).send(server.address);
    let recorded = (0..500).take_while(|number| call(*number).status == 409).count();
    assert!(recorded > 0 && service.seen().len() == recorded + 1, "{recorded}");
    for _ in 0..3 {
        let refused = call(0);
        assert_eq!((refused.status, refused.code().as_str()), (400, "RecordingStopped"));
        let message = refused.message();
        assert!(
            message.contains("a file there must not grow so large; raise the limit"),
            "{message}"
        );
    }
    assert_eq!(service.seen().len(), recorded + 1, "nothing more reached the service");
    let done = server.stop().expect(14);
    assert!(!done.stderr.contains("Custom"), "{}", done.stderr);
    let words = "the recording stopped half way; `cassettes/shop.json` holds what was recorded until then";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    // The call that could not be made durable may be there, too, and is counted then.
    let interactions = place.cassette("shop")["interactions"].as_array().map_or(0, Vec::len);
    assert!((recorded..=recorded + 1).contains(&interactions));
    says_what_is_there(&place, &done, interactions);
}

#[test]
fn a_journal_that_is_removed_is_noticed_before_the_next_answer() {
    let place = Workplace::new();
    let service = generous();
    let server = place.record("shop", &service.url);
    assert_eq!(instance("a", json!({})).send(server.address).status, 409);
    std::fs::remove_dir_all(place.path().join(".ferrotape")).expect("it is there");
    for seen in [2, 2] {
        let refused = instance("b", json!({})).send(server.address);
        assert_eq!((refused.status, refused.code().as_str()), (400, "RecordingStopped"));
        assert!(refused.message().contains("is gone"), "{}", refused.message());
        assert_eq!(service.seen().len(), seen);
    }
    let done = server.stop().expect(14);
    let interactions = place.cassette("shop")["interactions"].as_array().map_or(0, Vec::len);
    says_what_is_there(&place, &done, interactions);
    assert!(interactions > 0, "what could still be read is there");
}

#[test]
fn a_journal_that_is_removed_after_the_last_call_is_told() {
    let place = Workplace::new();
    let service = generous();
    let server = place.record("shop", &service.url);
    for name in ["a", "b"] {
        assert_eq!(instance(name, json!({})).send(server.address).status, 409);
    }
    std::fs::remove_dir_all(place.path().join(".ferrotape")).expect("it is there");
    let done = server.stop().expect(14);
    assert!(done.stderr.contains("something removed the journal `.ferrotape/journal/shop-1`"));
    says_what_is_there(&place, &done, 2);
}

#[test]
fn a_cassette_that_cannot_be_written_stops_no_other_and_is_recovered_once() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    for (path, name) in [("/", "own"), ("/@one", "one"), ("/@two/deep", "two"), ("/@three", "three")] {
        assert_eq!(
            instance(name, json!({}))
                .at(&path.replace("two/", "two%2F"))
                .send(server.address)
                .status,
            200
        );
    }
    let in_the_way = place.path().join("cassettes/two");
    std::fs::create_dir_all(place.path().join("cassettes")).expect("it can be made");
    std::fs::write(&in_the_way, "a file").expect("it can be written");
    let done = server.stop().expect(1);
    assert!(done.stderr.contains("cannot write `cassettes/two/deep.json`"), "{}", done.stderr);
    assert!(last_word(&done).contains("4 calls, 4 recorded"), "{}", done.stderr);
    let saved = ["shop", "one", "three"];
    assert!(saved.iter().all(|name| place.cassette_path(name).is_file()));
    // It is saved elsewhere, with the way back; the others are not saved a second time, whatever
    // became of them.
    std::fs::remove_file(place.cassette_path("one")).expect("it is there");
    let next = place.record("next", &stand_in.url()).stop().expect(0);
    let told = "recovered 1 interaction of a recording that was cut short, as `.ferrotape/recovered/two/deep.json`";
    assert!(next.stderr.contains(told), "{}", next.stderr);
    assert_eq!(next.stderr.matches("recovered 1").count(), 1, "{}", next.stderr);
    assert!(place.path().join(".ferrotape/recovered/two/deep.json").is_file());
    assert!(!place.cassette_path("one").exists() && !place.cassette_path("shop.recovered").exists());
    let again = place.record("next", &stand_in.url()).stop().expect(0);
    assert!(!again.stderr.contains("recover"), "it is told once: {}", again.stderr);
}

#[test]
fn a_call_that_the_end_cuts_is_told_and_not_counted_as_recorded() {
    let place = Workplace::new();
    let (started, is_started) = std::sync::mpsc::channel();
    let service = OddUpstream::start(move |_, _| {
        let _ = started.send(());
        loop {
            std::thread::park();
        }
    });
    let server = place.record("shop", &service.url);
    let address = server.address;
    let client = std::thread::spawn(move || {
        let mut connection = Connection::open(address).expect("it listens");
        connection.send(&instance("a", json!({}))).is_err()
    });
    is_started.recv().expect("the call is forwarded");
    let done = server.stop().expect(14);
    assert!(client.join().expect("it ends"), "the call was cut");
    assert!(
        done.stderr.contains("the call was cut before its answer was there"),
        "{}",
        done.stderr
    );
    assert!(last_word(&done).contains("1 call, 1 not recorded"), "{}", done.stderr);
}

#[test]
fn what_a_session_held_is_released_when_it_ends() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let run = place.run(["record", "-c", "shop", "--upstream", &stand_in.url()]);
    let server = run.after("ulimit -n 80").start();
    for number in 0..200 {
        let name = format!("t{number}");
        let started = control(server.address, &json!({ "name": name }));
        assert_eq!(started.status, 201, "{}", String::from_utf8_lossy(&started.body));
        let path = format!("/@{name}");
        assert_eq!(instance("a", json!({})).at(&path).send(server.address).status, 200, "{name}");
        let end = Call::control(server.address, "DELETE", &format!("/sessions/{name}"), "");
        assert_eq!(end.send(server.address).status, 200, "{name}");
    }
    // Another Ferrotape may record what a session of this one recorded before.
    place.record("t7", &stand_in.url()).stop().expect(0);
    let started = control(server.address, &json!({ "name": "t7" }));
    assert_eq!(started.status, 201);
    let refused = place.run(["record", "-c", "t7", "--upstream", &stand_in.url()]).finish().expect(1);
    assert!(
        refused.stderr.contains("is being recorded by another ferrotape"),
        "{}",
        refused.stderr
    );
    server.stop().expect(0);
    assert!((0..200).all(|number| place.cassette_path(&format!("t{number}")).is_file()));
}

/// Copies a folder and what is below it.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it can be listed");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copied(&from, &to),
            false => drop(std::fs::copy(&from, &to).expect("it can be copied")),
        }
    }
}

#[test]
fn a_run_that_dies_between_its_cassette_and_its_journal_is_not_recovered_twice() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    assert_eq!(instance("a", json!({})).send(server.address).status, 200);
    server.kill();
    let (journal, kept) = (place.path().join(".ferrotape/journal/shop-1"), place.path().join("kept"));
    copied(&journal, &kept);
    let next = || place.record("next", &stand_in.url()).stop().expect(0).stderr;
    assert!(next().contains("recovered 1 interaction"));
    // As it is found where the run died right after the file took its place.
    let content = std::fs::read(place.cassette_path("shop")).expect("it is there");
    let digest = blake3::hash(&content).to_hex().to_string();
    let note = |digest: &str| json!({ "takes": [0], "interactions": 1, "file": "cassettes/shop.json", "blake3": digest });
    copied(&kept, &journal);
    std::fs::write(journal.join("saves"), format!("{}\n", note(&digest))).expect("it can be written");
    let told = next();
    assert!(!told.contains("recover"), "{told}");
    assert!(!journal.exists() && !place.cassette_path("shop.recovered").exists());
    // And where it died right before.
    copied(&kept, &journal);
    std::fs::write(journal.join("saves"), format!("{}\n", note("0"))).expect("it can be written");
    assert!(next().contains("as `cassettes/shop.recovered.json`"));
}

#[test]
fn a_run_that_cannot_begin_its_journal_leaves_nothing_of_it() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let run = place.run(["record", "--upstream", "http://127.0.0.1:1", "--", "touch", "started"]);
    let done = run.after("trap '' XFSZ; ulimit -f 0").finish().expect(1);
    let words = "/lock`: a file there must not grow so large; raise the limit (`ulimit -f`), and run it again";
    assert!(last_word(&done).ends_with(words), "{}", done.stderr);
    let left = std::fs::read_dir(place.path().join(".ferrotape/journal")).expect("it is there");
    let folders = left.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()));
    assert_eq!(folders.count(), 0);
}
