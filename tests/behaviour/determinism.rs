//! However calls interleave, each key gets its recorded answers in order; the same run twice gives
//! the same bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::client::{Connection, PROTON, Reply};
use crate::workplace::{Random, Workplace, instance, instance_body, interaction, tape};

const CLIENTS: usize = 32;
const KEYS: usize = 16;
/// How often each key was recorded: as often as all clients together ask for it.
const TIMES: usize = 24;

/// Calls of different keys, interleaved; each answer tells its key and its number.
fn interleaved() -> String {
    let mut interactions = Vec::new();
    for time in 0..TIMES {
        for key in 0..KEYS {
            let answer = json!({ "__type": "ConflictException", "message": format!("{key}:{time}") });
            interactions.push(interaction(PROTON, instance_body(&format!("key-{key}"), json!({})), 409, answer));
        }
    }
    tape(&interactions)
}

/// What each client asks for, in its order: together, each key as often as it was recorded.
fn plans(random: &mut Random) -> Vec<Vec<usize>> {
    let mut asked: Vec<usize> = (0..KEYS * TIMES).map(|call| call % KEYS).collect();
    random.shuffle(&mut asked);
    asked.chunks(KEYS * TIMES / CLIENTS).map(<[usize]>::to_vec).collect()
}

/// Lets 32 clients ask at once; gives what each got, in its order.
fn ask(address: SocketAddr, plans: &[Vec<usize>]) -> Vec<Vec<String>> {
    let got = Mutex::new(vec![Vec::new(); plans.len()]);
    std::thread::scope(|scope| {
        for (client, plan) in plans.iter().enumerate() {
            let got = &got;
            scope.spawn(move || {
                let mut connection = Connection::open(address).expect("it listens");
                for key in plan {
                    let reply = connection
                        .send(&instance(&format!("key-{key}"), json!({})))
                        .expect("there is an answer");
                    got.lock().expect("no client panics with it")[client].push(reply.message());
                }
            });
        }
    });
    got.into_inner().expect("no client panics with it")
}

#[test]
fn thirty_two_clients_at_once_get_the_answers_of_each_key_in_order() {
    let place = Workplace::new();
    place.write_cassette("shop", &interleaved());
    for seed in 0..2 {
        let plans = plans(&mut Random(seed));
        assert_eq!(plans.len(), CLIENTS);
        let server = place.replay("shop", ["--all-played"]);
        let got = ask(server.address, &plans);
        server.stop().expect(0);
        let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (plan, answers) in plans.iter().zip(&got) {
            let mut last: BTreeMap<usize, usize> = BTreeMap::new();
            for (key, answer) in plan.iter().zip(answers) {
                let (of, time) = answer.split_once(':').expect("each answer tells both");
                assert_eq!(of, key.to_string(), "an answer of another key");
                let time = time.parse().expect("a number");
                let before = last.insert(*key, time);
                assert!(before.is_none_or(|before| before < time), "key {key}: {time} came after {before:?}");
                all.entry(*key).or_default().push(time);
            }
        }
        for (key, mut times) in all {
            times.sort_unstable();
            assert_eq!(times, (0..TIMES).collect::<Vec<_>>(), "key {key}: each recorded answer comes once");
        }
    }
}

/// The replies to one client's calls, whatever else goes on, and the report of the run.
fn run_once(place: &Workplace, order: &[usize], report: &str) -> (Vec<Reply>, Value) {
    let option = format!("json={report}");
    let server = place.replay("shop", ["--report", option.as_str()]);
    let mut connection = Connection::open(server.address).expect("it listens");
    let call = |key: &usize| {
        // Some misses and violations are among them.
        let name = if *key % 7 == 3 {
            "-bad".to_owned()
        } else {
            format!("key-{}", key % (KEYS + 2))
        };
        connection
            .send(&instance(&name, json!({})))
            .expect("there is an answer")
            .without_date()
    };
    let replies = order.iter().map(call).collect();
    server.stop().expect(10);
    let text = std::fs::read_to_string(place.path().join(report)).expect("the report is written");
    (replies, serde_json::from_str(&text).expect("it is JSON"))
}

#[test]
fn the_same_run_twice_gives_the_same_bytes() {
    let place = Workplace::new();
    place.write_cassette("shop", &interleaved());
    let mut order: Vec<usize> = (0..200).collect();
    Random(7).shuffle(&mut order);
    let (first, first_report) = run_once(&place, &order, "first.json");
    let (second, second_report) = run_once(&place, &order, "second.json");
    assert_eq!(first, second);
    assert!(first.iter().any(|reply| reply.code() == "CassetteMiss"));
    assert_eq!(first_report, second_report);
    let bytes = |name: &str| std::fs::read(place.path().join(name)).expect("the report is written");
    assert!(bytes("first.json") == bytes("second.json"));
}

#[test]
fn a_concurrent_run_gives_the_same_answers_per_key_as_a_sequential_one() {
    let place = Workplace::new();
    place.write_cassette("shop", &interleaved());
    // One key a client: then the order of each key is that of its client.
    let plans: Vec<Vec<usize>> = (0..KEYS).map(|key| vec![key; TIMES]).collect();
    let server = place.replay("shop", []);
    let concurrent = ask(server.address, &plans);
    server.stop().expect(0);
    let server = place.replay("shop", []);
    let sequential: Vec<Vec<String>> = plans
        .iter()
        .flat_map(|plan| ask(server.address, std::slice::from_ref(plan)))
        .collect();
    server.stop().expect(0);
    assert_eq!(concurrent, sequential);
}
