//! pytest and its workers, with the fixture of the README as it stands there.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use crate::Place;
use crate::support::clients;
use crate::support::upstream::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Seen, Upstream, well_behaved};
use crate::support::{Finished, Run};

/// The fixture that the README shows.
fn fixture() -> String {
    let readme = include_str!("../../README.md");
    let block = readme.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("the README shows a fixture").to_owned()
}

/// Every answer has another id.
fn counting() -> Upstream {
    let mut count = 0;
    Upstream::plain(move |seen: &Seen| {
        count += 1;
        let mut answer = well_behaved(seen);
        answer.body["ProvisioningArtifactDetail"]["Id"] = Value::from(format!("pa-{count:013}"));
        answer
    })
}

/// `pytest -n 4` over the two hundred tests, below `ferrotape MODE`.
fn pytest(place: &Place, mode: &str, options: &[&str]) -> Finished {
    run(place, mode, options, "answers", "4")
}

/// The same, over those that are chosen so, by so many workers; by none for `0`.
fn run(place: &Place, mode: &str, options: &[&str], chosen: &str, workers: &str) -> Finished {
    let program = clients::python();
    let tests = place.path().join("suite");
    let words = ["-B", "-m", "pytest", "-n", workers, "-q", "-p", "no:cacheprovider"];
    Run::new(place.path(), [mode])
        .arguments(options)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("AWS_REGION", REGION)
        .env("MODE", mode)
        .env("PYTEST_ADDOPTS", format!("-k '{chosen}'"))
        .env("SEEN", place.path().join("seen"))
        .arguments(["--"])
        .arguments([program.as_os_str()])
        .arguments(words)
        .arguments([tests.as_os_str()])
        .finish()
}

fn names(folder: &Path) -> HashSet<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn two_hundred_parallel_tests_record_and_replay_each_in_its_own_session() {
    if !clients::are_here() {
        return;
    }
    let place = Place::new();
    for folder in ["suite", "seen"] {
        std::fs::create_dir(place.path().join(folder)).expect("it is new");
    }
    std::fs::write(place.path().join("suite/conftest.py"), fixture()).expect("the folder is there");
    let test = clients::source("python/sessions/test_two_hundred.py");
    std::fs::copy(test, place.path().join("suite/test_two_hundred.py")).expect("both are there");
    let upstream = counting();
    let recorded = pytest(&place, "record", &["--upstream", &upstream.url]).expect(0);
    assert!(recorded.stdout.contains("205 passed"), "{}", recorded.stdout);
    assert_eq!(upstream.seen().len(), 604);
    assert!(upstream.seen().iter().all(|seen| seen.refused.is_none()));
    let cassettes = names(&place.path().join("cassettes"));
    assert_eq!(cassettes.len(), 205);
    let seventeenth = "test_two_hundred-test_it_gets_its_own_answers-17-";
    let seventeenth = cassettes.iter().find(|name| name.starts_with(seventeenth));
    let seventeenth = seventeenth.unwrap_or_else(|| panic!("{cassettes:?}"));
    drop(upstream);
    let replayed = pytest(&place, "replay", &["--all-played"]).expect(0);
    assert!(replayed.stdout.contains("205 passed"), "{}", replayed.stdout);
    let told = "replay of 205 cassettes in 205 sessions: 604 calls, 604 played";
    assert!(replayed.stderr.contains(told), "{}", replayed.stderr);
    // Without its cassette a test fails, and only that one.
    std::fs::remove_file(place.path().join("cassettes").join(seventeenth)).expect("it is there");
    let failed = run(&place, "replay", &[], "answers[17] or answers[18]", "4").expect(1);
    assert!(failed.stdout.contains("1 passed, 1 error"), "{}", failed.stdout);
    let why = format!("no cassette `{}`: there is no file", seventeenth.trim_end_matches(".json"));
    assert!(failed.stdout.contains(&why), "{}", failed.stdout);
}

/// A module's fixture runs once in each worker, so as many times as there are workers.
#[test]
fn any_number_of_workers_replays_what_any_number_recorded() {
    if !clients::are_here() {
        return;
    }
    for (recording, replaying) in [("0", "3"), ("3", "0"), ("3", "2"), ("2", "3")] {
        let place = Place::new();
        for folder in ["suite", "seen"] {
            std::fs::create_dir(place.path().join(folder)).expect("it is new");
        }
        std::fs::write(place.path().join("suite/conftest.py"), fixture()).expect("the folder is there");
        let test = clients::source("python/sessions/test_modules.py");
        std::fs::copy(test, place.path().join("suite/test_modules.py")).expect("both are there");
        let upstream = counting();
        let options = ["--upstream", &upstream.url];
        let recorded = run(&place, "record", &options, "module", recording).expect(0);
        assert!(recorded.stdout.contains("12 passed"), "{}", recorded.stdout);
        drop(upstream);
        // What workers recorded again, one process alone does not play.
        let options: &[&str] = if replaying == "0" { &[] } else { &["--all-played"] };
        let replayed = run(&place, "replay", options, "module", replaying).expect(0);
        assert!(
            replayed.stdout.contains("12 passed"),
            "{recording} {replaying}: {}",
            replayed.stdout
        );
        assert!(!replayed.stderr.contains("missed"), "{recording} {replaying}: {}", replayed.stderr);
    }
}
