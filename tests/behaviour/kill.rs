//! Nothing that a client saw acknowledged is lost, however the recorder dies.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Call, Connection, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::workplace::{Random, Workplace, eventually, instance};

const CLIENTS: u64 = 4;

/// How often it dies; `FERROTAPE_KILL_ROUNDS` says otherwise.
fn rounds() -> u64 {
    let wanted = std::env::var("FERROTAPE_KILL_ROUNDS").ok();
    wanted.map_or(5, |text| text.parse().expect("FERROTAPE_KILL_ROUNDS is a number"))
}

/// The names in the requests of a cassette.
fn recorded_names(cassette: &Value) -> Vec<String> {
    let interactions = cassette["interactions"].as_array().expect("a cassette has interactions");
    let name = |interaction: &Value| interaction["request"]["body"]["json"]["name"].as_str().map(str::to_owned);
    interactions.iter().filter_map(name).collect()
}

/// Calls until the connection breaks, and keeps the name of every call whose answer came whole.
fn call_until_it_dies(address: SocketAddr, client: u64, answered: &Mutex<BTreeSet<String>>, count: &AtomicUsize) {
    let Ok(mut connection) = Connection::open(address) else { return };
    for number in 0.. {
        let name = format!("client-{client}-{number}");
        match connection.send(&instance(&name, json!({}))) {
            Ok(reply) => assert_eq!(reply.status, 200, "{reply:?}"),
            Err(_) => return,
        }
        answered.lock().expect("no client panics with it").insert(name);
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Records at full speed, kills the recorder at a random moment, and gives what was answered.
fn record_and_kill(place: &Workplace, upstream: &str, random: &mut Random) -> BTreeSet<String> {
    let server = place.record("default", upstream);
    let address = server.address;
    let answered = Mutex::new(BTreeSet::new());
    let count = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (answered, count) = (&answered, &count);
            scope.spawn(move || call_until_it_dies(address, client, answered, count));
        }
        let wanted = random.below(200) as usize;
        eventually("the calls", || count.load(Ordering::SeqCst) >= wanted);
        let moment = Instant::now() + Duration::from_micros(random.below(5_000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        server.kill();
    });
    answered.into_inner().expect("no client panics with it")
}

#[test]
fn whatever_a_client_read_whole_is_in_the_cassette_recovered_after_a_kill() {
    let elsewhere = Workplace::new();
    let stand_in = elsewhere.stand_in();
    let mut random = Random(2);
    let (mut acknowledged, mut recovered) = (0, 0);
    for round in 0..rounds() {
        let place = Workplace::new();
        let answered = record_and_kill(&place, &stand_in.url(), &mut random);
        let next = place.record("next", &stand_in.url()).stop().expect(0);
        if answered.is_empty() && !place.cassette_path("default").exists() {
            continue;
        }
        let cassette = place.cassette("default");
        let names = recorded_names(&cassette);
        let told = format!("recovered {} interaction", names.len());
        assert!(next.stderr.contains(&told), "round {round}: {}", next.stderr);
        assert!(
            next.stderr.contains("recording that was cut short, as `cassettes/default.json`"),
            "round {round}: {}",
            next.stderr
        );
        let unique: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(unique.len(), names.len(), "round {round}: an interaction came twice");
        let lost: Vec<_> = answered.difference(&unique).collect();
        assert!(
            lost.is_empty(),
            "round {round}: {} of {} are lost: {lost:?}",
            lost.len(),
            answered.len()
        );
        assert_eq!(cassette["origin"], "synthesised");
        place.run(["verify"]).finish().expect(0);
        acknowledged += answered.len();
        recovered += names.len();
    }
    eprintln!(
        "{} rounds: {acknowledged} answers read whole, {recovered} interactions recovered",
        rounds()
    );
    assert!(acknowledged > 0);
}

/// Every name that any cassette of the place holds.
fn all_names(place: &Workplace) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(place.path().join("cassettes")) else {
        return BTreeSet::new();
    };
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .flat_map(|path| {
            let text = std::fs::read_to_string(&path).expect("it is there");
            recorded_names(&serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect()
}

#[test]
fn a_kill_in_the_middle_of_the_seal_loses_nothing() {
    let elsewhere = Workplace::new();
    let stand_in = elsewhere.stand_in();
    let mut random = Random(11);
    let place = Workplace::new();
    place.recorded_from("shop", &stand_in.url(), &[instance("old", json!({}))]);
    let mut cut_short = 0;
    for round in 0..rounds() {
        let server = place.record("shop", &stand_in.url());
        let mut connection = Connection::open(server.address).expect("it listens");
        let mut answered = Vec::new();
        // The connection ends when the drain begins; the seal follows.
        for number in 0.. {
            let name = format!("round-{round}-{number}");
            if number == 50 {
                server.interrupt();
            }
            match connection.send(&instance(&name, json!({}))) {
                Ok(reply) => assert_eq!(reply.status, 200, "{reply:?}"),
                Err(_) => break,
            }
            answered.push(name);
        }
        assert!(answered.len() >= 50);
        let moment = Instant::now() + Duration::from_micros(random.below(40_000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        server.kill();
        let next = place.record("other", &stand_in.url()).stop().expect(0);
        cut_short += u64::from(next.stderr.contains("recovered"));
        let found = all_names(&place);
        let lost: Vec<_> = answered.iter().filter(|name| !found.contains(*name)).collect();
        assert!(lost.is_empty(), "round {round}: {} are lost: {lost:?}", lost.len());
        place.run(["verify"]).finish().expect(0);
    }
    eprintln!("{} rounds: {cut_short} seals cut short", rounds());
}

#[test]
fn large_answers_are_recovered_to_the_byte() {
    let large = |name: &str| {
        let line = format!("{name} \u{e9} ");
        let body = json!({ "__type": "ConflictException", "message": line.repeat(300_000 / line.len()) });
        body.to_string().into_bytes()
    };
    let service = OddUpstream::start(move |_, request| {
        let name = request.split("\"name\":\"").nth(1).and_then(|rest| rest.split('"').next());
        Act::Answer(http(
            409,
            &[("x-amzn-errortype", "ConflictException")],
            &large(name.unwrap_or_default()),
        ))
    });
    let place = Workplace::new();
    let server = place.record("shop", &service.url);
    let calls = ["a", "b", "c"].map(|name| instance(name, json!({})));
    let answers: Vec<Reply> = calls.iter().map(|call| call.send(server.address)).collect();
    server.kill();
    place.record("other", &service.url).stop().expect(0);
    let replay = place.replay("shop", ["--all-played"]);
    for (call, answer) in calls.iter().zip(&answers) {
        let replayed = call.send(replay.address);
        assert_eq!(replayed.status, 409);
        assert!(
            replayed.body == answer.body,
            "{} and {} bytes",
            replayed.body.len(),
            answer.body.len()
        );
        assert!(answer.body.len() > 200_000);
    }
    replay.stop().expect(0);
}

/// Records these, and dies.
fn die_with(place: &Workplace, upstream: &str, name: &str, instances: &[&str]) {
    let server = place.record(name, upstream);
    for instance_name in instances {
        assert_eq!(instance(instance_name, json!({})).send(server.address).status, 200);
    }
    server.kill();
}

#[test]
fn a_recovered_recording_never_takes_the_place_of_a_cassette() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("old", json!({}))]);
    let before = place.cassette_text("shop");
    let stand_in = place.stand_in();
    die_with(&place, &stand_in.url(), "shop", &["new-1", "new-2"]);
    let next = place.record("other", &stand_in.url()).stop().expect(0);
    assert!(next.stderr.contains("recovered 2 interactions"), "{}", next.stderr);
    assert!(
        next.stderr.contains("mv cassettes/shop.recovered.json cassettes/shop.json"),
        "{}",
        next.stderr
    );
    assert_eq!(place.cassette_text("shop"), before);
    assert_eq!(recorded_names(&place.cassette("shop.recovered")), ["new-1", "new-2"]);
}

#[test]
fn two_recordings_that_died_one_after_the_other_are_both_recovered() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("old", json!({}))]);
    let stand_in = place.stand_in();
    for name in ["first", "second"] {
        die_with(&place, &stand_in.url(), "shop", &[name]);
        place.record("other", &stand_in.url()).stop().expect(0);
    }
    assert_eq!(all_names(&place), BTreeSet::from(["old", "first", "second"].map(str::to_owned)));
}

#[test]
fn a_recording_is_recovered_once() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    die_with(&place, &stand_in.url(), "shop", &["one"]);
    place.record("other", &stand_in.url()).stop().expect(0);
    let again = place.record("other", &stand_in.url()).stop().expect(0);
    assert!(!again.stderr.contains("recovered"), "{}", again.stderr);
}

#[test]
fn a_recording_that_still_runs_is_left_alone() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let running = place.record("shop", &stand_in.url());
    assert_eq!(instance("one", json!({})).send(running.address).status, 200);
    let other = place.record("other", &stand_in.url()).stop().expect(0);
    assert!(!other.stderr.contains("recovered"), "{}", other.stderr);
    assert_eq!(instance("two", json!({})).send(running.address).status, 200);
    running.stop().expect(0);
    assert_eq!(recorded_names(&place.cassette("shop")), ["one", "two"]);
}

/// A session's cassette is written when the session ends, and the former file is kept until the run does.
#[test]
fn the_former_file_that_a_killed_run_kept_is_reported_once() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let session = |calls: &[&str]| {
        let server = place.record("own", &stand_in.url());
        let address = server.address;
        let begun = Call::control(address, "POST", "/sessions", &json!({ "name": "t1" }).to_string()).send(address);
        assert_eq!(begun.status, 201);
        for call in calls {
            assert_eq!(instance(call, json!({})).at("/@t1").send(address).status, 200);
        }
        assert_eq!(Call::control(address, "DELETE", "/sessions/t1", "").send(address).status, 200);
        server
    };
    session(&["one", "two"]).stop().expect(0);
    session(&["one"]).kill();
    let start = || place.record("own", &stand_in.url()).stop().expect(0);
    let words = "a recording that was cut short replaced `cassettes/t1.json`; to have the former file back: \
                 mv .ferrotape/previous/t1.json cassettes/t1.json";
    let next = start();
    assert!(next.stderr.contains(words), "{}", next.stderr);
    assert!(!start().stderr.contains("cut short"));
    // Where the same was recorded, nothing is lost.
    session(&["one"]).kill();
    let next = start();
    assert!(!next.stderr.contains("cut short replaced"), "{}", next.stderr);
    assert!(!place.path().join(".ferrotape/previous/t1.2.json").exists());
}
