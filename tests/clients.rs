//! The real SDKs, driven through both doors: what one records, all the others replay.

#[path = "clients/generated.rs"]
mod generated;
#[path = "clients/sessions.rs"]
mod sessions;
mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::clients::{self, Client, Told};
use support::upstream::{ACCESS_KEY_ID, Answer, REGION, SECRET_ACCESS_KEY, Upstream, well_behaved};
use support::{Finished, Run};
use tempfile::TempDir;

const DOORS: [&str; 3] = ["both", "endpoint", "intercept"];
const GOOD: [&str; 2] = ["proton:good", "catalog:good"];

/// A folder with cassettes in it, and the means to record and replay there.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: support::folder() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Records the client's calls against an AWS that knows the parent's key pair.
    fn record(&self, upstream: &(Upstream, PathBuf), door: &str, cassette: &str, client: Client, calls: &[&str]) -> Finished {
        let (upstream, root) = upstream;
        self.run("record", door, cassette)
            .arguments(["--upstream", &upstream.url, "--upstream-ca"])
            .arguments([root])
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .env("AWS_REGION", REGION)
            .arguments(["--"])
            .arguments(client.command(calls))
            .finish()
    }

    /// Replays, with no upstream, credentials or region.
    fn replay(&self, door: &str, cassette: &str, client: Client, calls: &[&str]) -> Finished {
        self.run("replay", door, cassette)
            .arguments(["--"])
            .arguments(client.command(calls))
            .finish()
    }

    fn run(&self, mode: &str, door: &str, cassette: &str) -> Run {
        let calls = clients::source("calls.json");
        Run::new(self.path(), [mode, "-c", cassette, "--door", door]).env("FERROTAPE_CALLS", calls)
    }

    fn upstream(&self, script: impl FnMut(&support::upstream::Seen) -> Answer + Send + 'static) -> (Upstream, PathBuf) {
        Upstream::tls(self.path(), script)
    }
}

#[test]
fn the_upstream_takes_every_client_s_own_signature_and_no_other() {
    if !clients::are_here() {
        return;
    }
    let place = Place::new();
    let mut outputs: Option<Vec<Told>> = None;
    for client in Client::ALL {
        let (upstream, root) = place.upstream(well_behaved);
        let good = direct(client, place.path(), &upstream, &root, SECRET_ACCESS_KEY);
        assert!(
            good.iter().all(|told| told.output.is_some() && told.attempts == 1),
            "{client:?}: {good:?}"
        );
        assert_eq!(
            &good,
            outputs.get_or_insert_with(|| good.clone()),
            "{client:?} tells the same as the others"
        );
        let wrong = direct(client, place.path(), &upstream, &root, &SECRET_ACCESS_KEY.replace('w', "x"));
        let refused = |told: &Told| told.error.as_ref().is_some_and(|error| error.code == "InvalidSignatureException");
        assert!(wrong.iter().all(refused), "{client:?}: {wrong:?}");
    }
}

#[test]
fn what_boto3_records_everybody_replays() {
    records_and_all_replay(Client::Boto3);
}

#[test]
fn what_the_aws_cli_records_everybody_replays() {
    records_and_all_replay(Client::AwsCli);
}

#[test]
fn what_javascript_records_everybody_replays() {
    records_and_all_replay(Client::JavaScript);
}

#[test]
fn what_rust_records_everybody_replays() {
    records_and_all_replay(Client::Rust);
}

/// Through every door: the signatures that reach AWS are valid, the client sees AWS's answers,
/// and every client sees them again in replay.
#[track_caller]
fn records_and_all_replay(client: Client) {
    if !clients::are_here() {
        return;
    }
    let place = Place::new();
    for (turn, door) in DOORS.into_iter().enumerate() {
        let upstream = place.upstream(well_behaved);
        let recorded = place.record(&upstream, door, door, client, &GOOD).expect(0);
        let recorded = clients::told(&recorded.stdout);
        let seen = upstream.0.seen();
        assert_eq!(seen.len(), 2, "{client:?} through {door}: {seen:?}");
        for seen in &seen {
            assert_eq!(seen.refused, None, "{client:?} through {door}");
            assert_eq!(
                seen.host.ends_with(".us-east-1.amazonaws.com"),
                door == "intercept",
                "{client:?} through {door}: {}",
                seen.host
            );
        }
        assert!(
            recorded.iter().all(|told| told.output.is_some() && told.attempts == 1),
            "{client:?}: {recorded:?}"
        );
        for (other, replayer) in Client::ALL.into_iter().enumerate() {
            // The client itself through the same door; the others, for one of its recordings,
            // through doors in turn.
            let through = if replayer == client {
                door
            } else {
                DOORS[(turn + other) % DOORS.len()]
            };
            if replayer != client && turn != client as usize % DOORS.len() {
                continue;
            }
            let replayed = place.replay(through, door, replayer, &GOOD).expect(0);
            assert_eq!(
                clients::told(&replayed.stdout),
                redacted(&recorded),
                "{client:?} through {door}, {replayer:?} through {through}"
            );
        }
    }
}

#[test]
fn a_violation_is_refused_with_the_service_s_own_exception_and_not_retried() {
    let Some((place, cassette)) = recorded() else { return };
    for (turn, client) in Client::ALL.into_iter().enumerate() {
        // The command line refuses a missing member by itself.
        let variants: &[&str] = if client == Client::AwsCli {
            &["violating"]
        } else {
            &["violating", "missing"]
        };
        for variant in variants {
            let calls = [format!("proton:{variant}"), format!("catalog:{variant}")];
            let door = DOORS[turn % DOORS.len()];
            let replayed = place
                .replay(door, cassette, client, &calls.each_ref().map(String::as_str))
                .expect(10);
            let told = clients::told(&replayed.stdout);
            for (told, code) in told.iter().zip(["ValidationException", "InvalidParametersException"]) {
                assert_refused(client, told, code, Some(true));
                let message = &told.error.as_ref().expect("it is an error").message;
                assert!(message.starts_with("1 validation error detected: "), "{client:?}: {message}");
            }
            assert_eq!(told.len(), 2, "{client:?}: {}", replayed.stdout);
        }
    }
}

#[test]
fn a_call_that_was_never_recorded_is_refused_once_and_says_what_is_nearest() {
    let Some((place, cassette)) = recorded() else { return };
    for (turn, client) in Client::ALL.into_iter().enumerate() {
        let door = DOORS[turn % DOORS.len()];
        let replayed = place
            .replay(door, cassette, client, &["proton:unrecorded", "catalog:unrecorded"])
            .expect(11);
        let told = clients::told(&replayed.stdout);
        for (told, operation) in told.iter().zip(["CreateServiceInstance", "CreateProvisioningArtifact"]) {
            assert_refused(client, told, "CassetteMiss", Some(false));
            let message = &told.error.as_ref().expect("it is an error").message;
            assert!(message.contains(operation), "{client:?}: {message}");
        }
        assert_eq!(told.len(), 2, "{client:?}: {}", replayed.stdout);
    }
}

#[test]
fn errors_and_the_client_s_own_retries_replay_as_they_were_recorded() {
    if !clients::are_here() {
        return;
    }
    for client in Client::ALL {
        let place = Place::new();
        let mut turn = 0;
        let upstream = place.upstream(move |seen| {
            turn += 1;
            match turn {
                1 => Answer::error(500, "InternalServerException", "try again"),
                2 => well_behaved(seen),
                _ => Answer::error(400, "ResourceNotFoundException", "there is no such product"),
            }
        });
        let recorded = clients::told(&place.record(&upstream, "both", "retries", client, &GOOD).expect(0).stdout);
        assert_eq!(upstream.0.seen().len(), 3, "{client:?} tries again");
        assert!(recorded[0].output.is_some(), "{client:?}: {recorded:?}");
        assert_eq!(
            recorded[1].error.as_ref().map(|error| error.code.as_str()),
            Some("ResourceNotFoundException"),
            "{client:?}"
        );
        let replayed = clients::told(&place.replay("both", "retries", client, &GOOD).expect(0).stdout);
        assert_eq!(replayed, redacted(&recorded), "{client:?}");
    }
}

/// A cassette with one good call of each operation.
fn recorded() -> Option<(Place, &'static str)> {
    if !clients::are_here() {
        return None;
    }
    let place = Place::new();
    let upstream = place.upstream(well_behaved);
    place.record(&upstream, "both", "good", Client::Rust, &GOOD).expect(0);
    Some((place, "good"))
}

#[track_caller]
fn assert_refused(client: Client, told: &Told, code: &str, modelled: Option<bool>) {
    let error = told.error.as_ref().unwrap_or_else(|| panic!("{client:?}: {told:?}"));
    assert_eq!(error.code, code, "{client:?}: {told:?}");
    assert_eq!(
        error.modelled,
        modelled.filter(|_| client.has_exception_types()),
        "{client:?}: {told:?}"
    );
    assert_eq!(told.attempts, 1, "{client:?}: {told:?}");
}

/// What replay tells of a recording: the account is the first that the cassette met.
fn redacted(told: &[Told]) -> Vec<Told> {
    let mut told = told.to_vec();
    for output in told.iter_mut().filter_map(|told| told.output.as_mut()) {
        let text = output.to_string().replace("481516234207", "000000000001");
        *output = serde_json::from_str::<Value>(&text).expect("digits for digits");
    }
    told
}

/// Calls the upstream without anything between.
fn direct(client: Client, folder: &Path, upstream: &Upstream, root: &Path, secret: &str) -> Vec<Told> {
    let command = client.command(&GOOD);
    let mut process = clients::clean(Path::new(&command[0]), folder);
    process.args(&command[1..]).env("AWS_ENDPOINT_URL", &upstream.url);
    for name in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        process.env(name, root);
    }
    process.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", secret);
    process.env("AWS_REGION", REGION).env("AWS_DEFAULT_REGION", REGION);
    process.env("FERROTAPE_CALLS", clients::source("calls.json"));
    let done = process.output().expect("the client starts");
    assert!(done.status.success(), "{client:?}: {}", String::from_utf8_lossy(&done.stderr));
    clients::told(&String::from_utf8_lossy(&done.stdout))
}
