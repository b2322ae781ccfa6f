//! What a program does beside AWS: it reaches its own network itself, and what comes to the door all
//! the same is refused with the way out.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use crate::client::connected;
use crate::puppet::Puppet;
use crate::support::Run;
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Upstream, well_behaved};
use crate::workplace::{Workplace, instance};

fn live(run: Run, upstream: &Upstream) -> Run {
    run.arguments(["--upstream", &upstream.url])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
}

const REFUSED: &str = "ferrotape: warning: a connection was refused: ";

#[test]
fn a_private_place_at_the_door_is_told_at_once_and_in_the_report_with_the_way_past_it() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    for mode in ["record", "replay"] {
        let mut run = place.run([mode, "-c", "shop", "--report", "json=report.json"]);
        if mode == "record" {
            run = live(run, &upstream);
        }
        let puppet = Puppet::start(place.path(), run);
        let (user, proxy) = puppet.proxy();
        for host in ["10.1.2.3", "127.0.0.2", "localhost"] {
            let (_, reply) = connected(proxy, &user, host).expect("there is an answer");
            assert_eq!(reply.status, 403, "{host}");
            assert!(
                reply
                    .header("x-ferrotape-message")
                    .is_some_and(|text| text.contains(&format!("--pass-through {host}")))
            );
        }
        assert_eq!(puppet.send(instance("a", json!({}))).status, 200);
        let done = puppet.end(0).expect(0);
        let report = std::fs::read_to_string(place.path().join("report.json")).expect("it is written");
        let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
        let told = "a connection was refused: `10.1.2.3:443` is a private address, which is not reached through this proxy; \
                    `--pass-through 10.1.2.3` puts it into the command's `NO_PROXY`, which its client must heed";
        assert!(done.stderr.contains(&format!("ferrotape: warning: {told}\n")), "{}", done.stderr);
        assert_eq!(report["notes"][0], told, "{mode}");
    }
}

#[test]
fn a_public_place_in_replay_is_told_with_the_way_past_it() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let (user, proxy) = puppet.proxy();
    let (_, reply) = connected(proxy, &user, "registry.example").expect("there is an answer");
    assert_eq!(reply.status, 403);
    puppet.send(instance("a", json!({})));
    let done = puppet.end(0).expect(0);
    let told = "replay is offline, and `registry.example:443` is not an AWS host that a cassette could answer for; \
                `--pass-through registry.example` puts it";
    assert!(done.stderr.contains(&format!("{REFUSED}{told}")), "{}", done.stderr);
}

#[test]
fn the_telemetry_of_aws_s_tools_and_ignored_hosts_count_for_nothing() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    for mode in ["record", "replay"] {
        let listed = ["--ignore-host", "stats.*", "--ignore-host", "stats.example"];
        let mut run = place.run([mode, "-c", "shop"]).arguments(listed);
        if mode == "record" {
            run = live(run, &upstream);
        }
        let puppet = Puppet::start(place.path(), run);
        for host in [
            "cdk-cli-telemetry.us-east-1.api.aws",
            "aws-serverless-tools-telemetry.us-west-2.amazonaws.com",
            "stats.us-east-1.amazonaws.com",
        ] {
            let call = crate::client::Call::bare("x", "{\"metrics\":[]}").at("/metrics");
            let reply = puppet.intercepted(host).send(&call).expect("there is an answer");
            assert_eq!((reply.status, reply.body.len()), (200, 0), "{host}");
        }
        let (user, proxy) = puppet.proxy();
        assert_eq!(connected(proxy, &user, "stats.example").expect("there is an answer").1.status, 403);
        assert_eq!(puppet.send(instance("a", json!({}))).status, 200);
        let done = puppet.end(0).expect(0);
        assert!(done.stderr.contains(": 1 call, 1 "), "{}", done.stderr);
        let mut told = done.stderr.lines().filter(|line| !line.contains("play it with"));
        assert!(told.all(|line| !line.contains("stats.")), "{}", done.stderr);
        let hint = "play it with `ferrotape replay -c shop --ignore-host 'stats.*' --ignore-host stats.example -- ";
        assert_eq!(done.stderr.contains(hint), mode == "record", "{}", done.stderr);
    }
    assert_eq!(upstream.seen().len(), 1, "nothing of it is forwarded");
}

/// Answers one connection on another address of this machine, and says whether one came.
fn beside() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.2", 0)).expect("the whole block is this machine");
    let place = listener.local_addr().expect("it is bound").to_string();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut first = [0; 8];
        let read = stream.read(&mut first).unwrap_or(0);
        let _ = stream.write_all(b"\0");
        String::from_utf8_lossy(&first[..read]).into_owned()
    });
    (place, served)
}

/// What curl, Python and Node send to a place of their own network is TLS from the first byte on, not
/// `CONNECT`: they went there themselves.
#[test]
fn programs_reach_their_own_network_themselves_in_record_and_in_replay() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let programs: &[(&str, &[&str])] = &[
        ("curl", &["-sk", "-m", "20"]),
        (
            "python3",
            &["-c", "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=20)"],
        ),
        (
            "node",
            &["-e", "require('https').get(process.argv[1], () => {}).on('error', () => {})"],
        ),
        (
            "ruby",
            &["-ropenssl", "-rnet/http", "-e", "Net::HTTP.get(URI(ARGV[0])) rescue exit(1)"],
        ),
    ];
    place.recorded("shop", &[instance("a", json!({}))]);
    for (program, arguments) in programs {
        let is_there = std::process::Command::new(program).arg("--version").output().is_ok();
        if !is_there {
            eprintln!("skipped: there is no `{program}` here");
            continue;
        }
        for mode in ["record", "replay"] {
            let (address, served) = beside();
            let mut run = place.run([mode, "-c", "shop"]);
            if mode == "record" {
                run = run.arguments(["--upstream", &upstream.url]);
            }
            let url = format!("https://{address}/");
            let command: Vec<&str> = ["--", program].iter().chain(*arguments).copied().chain([url.as_str()]).collect();
            let done = run.arguments(command).finish();
            assert!(!done.stderr.contains("connection was refused"), "{program} {mode}: {}", done.stderr);
            // Where the program did not come, nobody else would.
            let _ = TcpStream::connect(&address);
            let first = served.join().expect("it was served");
            assert!(first.starts_with('\u{16}'), "{program} {mode}: {first:?}");
        }
    }
}
