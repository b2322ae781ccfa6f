use super::*;
use crate::cassette::{Cassette, Name, Origin, Redaction};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where a child process records. Set only for the children of these tests.
const CHILD_STATE: &str = "FERROTAPE_TEST_JOURNAL_STATE";

fn state() -> (TempDir, StateFolder) {
    let temporary = tempfile::tempdir().unwrap();
    let state = StateFolder::new(temporary.path().join(".ferrotape"));
    (temporary, state)
}

fn header(name: &str) -> RunHeader {
    RunHeader {
        adds: false,
        name: Name::parse(name).unwrap(),
        cassette: Cassette {
            origin: Origin::Synthesised,
            redaction: Redaction {
                salt: "5a".repeat(32),
                ..Redaction::default()
            },
            ..Cassette::default()
        },
    }
}

fn journal(state: &StateFolder) -> Journal {
    Journal::create(state, header("suite/checkout")).unwrap()
}

/// A record that is recognised, of a size that varies from nothing to several chunks.
fn record(sequence: u64) -> Vec<u8> {
    let size = if sequence % 50 == 49 { 200_000 } else { sequence as usize % 3000 };
    let mut bytes = sequence.to_string().into_bytes();
    bytes.resize(bytes.len() + size, b'.');
    bytes
}

async fn append(journal: &Journal, sequences: std::ops::Range<u64>) {
    for sequence in sequences {
        journal.append(sequence, record(sequence)).await.unwrap();
    }
}

fn records(sequences: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    sequences.map(record).collect()
}

#[tokio::test]
async fn a_run_gives_its_records_back_in_order_and_leaves_nothing() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    assert!(journal.folder().ends_with("journal/suite+checkout-1"));
    for sequence in [3, 0, 2, 1] {
        journal.append(sequence, record(sequence)).await.unwrap();
    }
    let sealed = journal.seal().unwrap();
    assert_eq!(sealed.records().unwrap(), records(0..4));
    let folder = sealed.folder().to_owned();
    assert!(
        recover(&state).unwrap().runs.is_empty(),
        "a sealed run is recovered before it is saved"
    );
    sealed.remove().unwrap();
    assert!(!folder.exists());
    let recovery = recover(&state).unwrap();
    assert!(recovery.runs.is_empty() && recovery.damaged.is_empty());
}

#[tokio::test]
async fn a_new_version_of_a_record_takes_its_place_longer_or_shorter() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    let (long, short) = (vec![b'l'; 50_000], b"short".to_vec());
    journal.append(0, long.clone()).await.unwrap();
    journal.append(1, short.clone()).await.unwrap();
    let batch = vec![
        Record::new_version(0, short.clone()),
        Record::new_version(1, long.clone()),
        Record::new(2, b"new".to_vec()),
    ];
    journal.begin(batch).await.unwrap().durable().await.unwrap();
    let expected = [short, long, b"new".to_vec()];
    assert_eq!(journal.read(vec![0, 1, 2]).await.unwrap(), expected);
    // As after a crash.
    drop(journal);
    let recovery = recover(&state).unwrap();
    assert_eq!(recovery.runs[0].records().unwrap(), expected);
}

#[test]
fn a_living_run_gives_back_what_was_written() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    for sequence in 0..20 {
        journal.append_blocking(sequence, record(sequence)).unwrap();
    }
    let large = vec![7; 100_000];
    journal.append_blocking(1 << 62, large.clone()).unwrap();
    assert_eq!(journal.read_blocking(vec![3, 17]).unwrap(), [record(3), record(17)]);
    assert_eq!(journal.read_blocking(vec![1 << 62]).unwrap(), [large]);
    assert!(journal.read_blocking(vec![20]).is_err());
    let sealed = journal.seal().unwrap();
    let last = sealed.numbered().last().map(|(sequence, record)| (sequence, record.unwrap().len()));
    assert_eq!((sealed.records().unwrap().len(), last), (21, Some((1 << 62, 100_000))));
}

/// The names of the files of large records.
fn large_files(journal: &Path) -> Vec<String> {
    let files = fs::read_dir(journal.join("records")).into_iter().flatten();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_new_version_of_a_large_record_leaves_nothing_of_the_old_one() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    let version = |content: u8, size: usize| vec![content; size];
    let replaced = |record: Vec<u8>| async { journal.begin(vec![Record::new_version(7, record)]).await.unwrap().durable().await };
    journal.append(7, version(1, 300_000)).await.unwrap();
    let first = large_files(journal.folder());
    for (content, size, files) in [(2, 300_000, 1), (2, 300_000, 1), (3, 10, 0), (4, 400_000, 1)] {
        replaced(version(content, size)).await.unwrap();
        let now = large_files(journal.folder());
        assert_eq!(now.len(), files, "{now:?}");
        assert_ne!(now, first);
        assert_eq!(journal.read(vec![7]).await.unwrap(), [version(content, size)]);
    }
    let folder = journal.folder().to_owned();
    let sealed = journal.seal().unwrap();
    assert_eq!(sealed.records().unwrap(), [version(4, 400_000)]);
    sealed.remove().unwrap();
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_large_record_that_is_missing_or_changed_is_reported() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    journal.append(1, vec![1; 300_000]).await.unwrap();
    journal.append(2, vec![2; 300_000]).await.unwrap();
    let folder = journal.folder().join("records");
    drop(journal);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    fs::write(&files[0], vec![3; 300_000]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    let run = recover(&state).unwrap().runs.pop().unwrap();
    for (sequence, record) in run.numbered() {
        let why = record.unwrap_err().to_string();
        assert!(
            why.contains(&format!("the file of record {sequence} is missing, or not as it was written")),
            "{why}"
        );
    }
}

#[tokio::test]
async fn records_of_any_size_come_back() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    let chunk = 7 * 1024;
    let sizes = [0, 1, chunk - 13, chunk - 12, chunk - 11, chunk, 1 << 20, 16 << 20];
    for (sequence, size) in sizes.into_iter().enumerate() {
        journal.append(sequence as u64, vec![sequence as u8; size]).await.unwrap();
    }
    let blobs: Vec<_> = fs::read_dir(journal.folder().join("blobs")).unwrap().collect();
    assert!(blobs.is_empty(), "the database made files that it does not sync: {blobs:?}");
    drop(journal);
    let run = recover(&state).unwrap().runs.pop().unwrap();
    let found: Vec<usize> = run.records().unwrap().iter().map(Vec::len).collect();
    assert_eq!(found, sizes);
    for (sequence, record) in run.records().unwrap().iter().enumerate() {
        assert!(record.iter().all(|byte| usize::from(*byte) == sequence));
    }
}

#[tokio::test]
async fn a_run_that_was_never_sealed_is_recovered_with_its_header() {
    let (_temporary, state) = state();
    let journal = journal(&state);
    append(&journal, 0..60).await;
    drop(journal);
    let mut runs = recover(&state).unwrap().runs;
    assert_eq!(runs.len(), 1);
    let run = runs.remove(0);
    assert_eq!(run.records().unwrap(), records(0..60));
    assert_eq!(run.header.name.as_str(), "suite/checkout");
    assert_eq!(run.header.cassette.render(), header("suite/checkout").cassette.render());
    assert!(recover(&state).unwrap().runs.is_empty(), "two recoveries have the same run");
    drop(run);
    assert_eq!(recover(&state).unwrap().runs.len(), 1, "a run that was not removed is lost");
}

#[tokio::test]
async fn a_living_run_is_never_recovered() {
    let (_temporary, state) = state();
    let living = journal(&state);
    append(&living, 0..3).await;
    let recovery = recover(&state).unwrap();
    assert!(recovery.runs.is_empty() && recovery.damaged.is_empty());
    append(&living, 3..6).await;
    assert_eq!(living.seal().unwrap().records().unwrap(), records(0..6));
}

#[tokio::test]
async fn two_runs_at_once_do_not_disturb_each_other() {
    let (_temporary, state) = state();
    let (one, two) = (journal(&state), journal(&state));
    assert_ne!(one.folder(), two.folder());
    tokio::join!(append(&one, 0..20), append(&two, 100..120));
    assert_eq!(two.seal().unwrap().records().unwrap(), records(100..120));
    append(&one, 20..25).await;
    assert_eq!(one.seal().unwrap().records().unwrap(), records(0..25));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_appenders_share_their_syncs_and_lose_nothing() {
    let (_temporary, state) = state();
    let journal = Arc::new(journal(&state));
    let appenders: Vec<_> = (0..100)
        .map(|appender| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move { append(&journal, appender * 20..appender * 20 + 20).await })
        })
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    let batches = journal.batches();
    assert!(batches < 1000, "{batches} syncs for 2000 records");
    assert_eq!(
        Arc::into_inner(journal).unwrap().seal().unwrap().records().unwrap(),
        records(0..2000)
    );
}

#[tokio::test]
async fn a_folder_that_is_gone_fails_every_append_from_then_on() {
    let (temporary, state) = state();
    let journal = journal(&state);
    append(&journal, 0..2).await;
    let away = temporary.path().join("away");
    fs::rename(journal.folder(), &away).unwrap();
    let error = journal.append(2, record(2)).await.unwrap_err();
    assert!(error.to_string().contains("is gone; something removed it"), "{error}");
    fs::rename(&away, journal.folder()).unwrap();
    journal.append(3, record(3)).await.unwrap_err();
    let sealed = journal.seal().unwrap().records().unwrap();
    assert_eq!(sealed[..2], records(0..2), "what was acknowledged is lost");
}

#[test]
fn a_state_folder_that_cannot_be_made_is_named() {
    let (temporary, state) = state();
    fs::write(temporary.path().join(".ferrotape"), "a file").unwrap();
    let error = Journal::create(&state, header("t")).err().unwrap().to_string();
    assert!(
        error.starts_with(&format!("cannot write the journal `{}`: ", state.path().display())),
        "{error}"
    );
}

#[test]
fn a_run_that_died_before_its_first_record_leaves_nothing() {
    let (_temporary, state) = state();
    assert!(recover(&state).unwrap().runs.is_empty());
    let folder = journal(&state).folder().to_owned();
    let early = journal(&state).folder().to_owned();
    fs::remove_file(early.join("run.json")).unwrap();
    let recovery = recover(&state).unwrap();
    assert!(recovery.runs.is_empty() && recovery.damaged.is_empty());
    assert!(!folder.exists() && !early.exists());
}

#[test]
fn folders_and_files_that_are_not_ours_stay_among_the_journals() {
    let (_temporary, state) = state();
    let folder = journal(&state).folder().to_owned();
    let journals = state.path().join("journal");
    let file = |path: &str, content: &str| {
        let path = journals.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    };
    let others = [
        file("backup/db", "mine"),
        file("locked/lock", ""),
        file("locked/db", "mine"),
        folder.join("notes.txt"),
        folder.join("blobs/readme"),
        folder.join("blobs/12/34"),
    ];
    for path in &others[3..] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    let elsewhere = state.path().join("elsewhere");
    fs::rename(&folder, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    recover(&state).unwrap();
    assert!(elsewhere.join("run.json").exists(), "a link is not followed");
    fs::remove_file(&folder).unwrap();
    fs::rename(&elsewhere, &folder).unwrap();
    recover(&state).unwrap();
    assert!(others.iter().all(|path| path.exists()));
    assert!(!folder.join("run.json").exists() && !folder.join("db").exists() && !folder.join("lock").exists());
}

#[test]
fn a_header_that_is_none_is_told_once_and_kept_elsewhere() {
    let (_temporary, state) = state();
    for (text, why) in [
        ("{", "it is cut short (line 1, column 1)"),
        (r#"{"journal":2,"name":"t","cassette":{}}"#, "it is of version 2"),
        (r#"{"journal":1,"name":"../t","cassette":{}}"#, "`../t` is no name"),
    ] {
        let folder = journal(&state).folder().to_owned();
        fs::write(folder.join("run.json"), text).unwrap();
        let recovery = recover(&state).unwrap();
        assert!(recovery.runs.is_empty() && !folder.exists());
        let (error, place) = &recovery.damaged[0];
        let error = error.to_string();
        assert!(error.contains(why) && error.contains("suite+checkout-1"), "{error}");
        assert_eq!(fs::read_to_string(place.join("run.json")).unwrap(), text);
        assert!(recover(&state).unwrap().damaged.is_empty(), "it is told once");
    }
}

/// Damages the files of a run with 100 records: recovery finds all of them or says what is wrong,
/// keeps the folder, and leaves other runs alone. Gives whether it found something wrong.
async fn is_told_after(damage: impl FnOnce(&Path)) -> bool {
    let (_temporary, state) = state();
    let journal = journal(&state);
    append(&journal, 0..100).await;
    let folder = journal.folder().to_owned();
    drop(journal);
    damage(&folder);
    let recovery = recover(&state).unwrap();
    assert_eq!(recovery.runs.len() + recovery.damaged.len(), 1);
    assert_eq!(folder.exists(), recovery.damaged.is_empty());
    for run in &recovery.runs {
        assert!(run.records().unwrap() == records(0..100), "records were lost, and nobody was told");
    }
    for (error, place) in &recovery.damaged {
        assert!(error.to_string().contains("suite+checkout-1"), "{error}");
        assert!(place.exists(), "a damaged folder was removed");
    }
    let next = self::journal(&state);
    append(&next, 0..10).await;
    assert_eq!(next.seal().unwrap().records().unwrap(), records(0..10));
    !recovery.damaged.is_empty()
}

fn cut(file: &Path, part: u64) {
    let file = File::options().write(true).open(file).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - length / part).unwrap();
}

fn flip(file: &Path, places: impl Iterator<Item = usize>) {
    let mut bytes = fs::read(file).unwrap();
    for at in places {
        let length = bytes.len();
        if length > 0 {
            bytes[at % length] ^= 0x55;
        }
    }
    fs::write(file, bytes).unwrap();
}

fn nth_database_file(folder: &Path, number: usize) -> PathBuf {
    let own = ["lock", "run.json", "acknowledged"];
    let mut files: Vec<PathBuf> = [folder.to_owned(), folder.join("blobs")]
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .filter(|path| path.is_file() && own.iter().all(|name| !path.ends_with(name)))
        .collect();
    files.sort();
    files.swap_remove(number % files.len())
}

#[tokio::test]
async fn a_database_cut_short_is_told_as_damaged() {
    for part in [1, 2, 4] {
        assert!(is_told_after(|folder| cut(&folder.join("db"), part)).await, "1/{part} cut off");
    }
}

#[tokio::test]
async fn a_database_with_flipped_bits_is_told_as_damaged() {
    for start in [0, 1000] {
        let places = (start..1 << 20).step_by(8191);
        assert!(is_told_after(|folder| flip(&folder.join("db"), places)).await, "from {start}");
    }
}

#[tokio::test]
async fn damage_anywhere_is_told_or_harmless() {
    let mut random = 1u64;
    for round in 0..6 {
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize
        };
        let (which, how, at) = (next(), next() % 4, next());
        let _ = is_told_after(|folder| {
            let file = nth_database_file(folder, which);
            eprintln!("round {round}: {how} to `{}` at {at}", file.display());
            match how {
                0 => cut(&file, 1 + at as u64 % 10),
                1 => flip(&file, std::iter::once(at)),
                2 => flip(&file, (0..20).map(|time| at.wrapping_add(time * 4801))),
                _ => fs::remove_file(&file).unwrap(),
            }
        })
        .await;
    }
}
/// The process that is killed, or finds the disk full: records as fast as it can, says what was
/// acknowledged, and ends at the first failure.
#[test]
#[ignore = "run by other tests in a process of its own"]
fn a_child_that_records() {
    let folder = std::env::var_os(CHILD_STATE).expect("the test that starts the child names the folder");
    let journal = Arc::new(journal(&StateFolder::new(folder.into())));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..8u64 {
            let journal = Arc::clone(&journal);
            clients.spawn(async move {
                for sequence in (client..).step_by(8) {
                    if let Err(error) = journal.append(sequence, record(sequence)).await {
                        println!("failed {error}");
                        return;
                    }
                    println!("acknowledged {sequence}");
                }
            });
        }
        clients.join_all().await;
    });
}

/// Starts [`a_child_that_records`] from a shell, after a command of the shell.
fn child(state: &StateFolder, first: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{first} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "cassette::journal::tests::a_child_that_records",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD_STATE, state.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what the child says to its end, and kills it after some acknowledgements.
fn listen(child: &mut Child, kill_after: usize) -> (Vec<u64>, Vec<String>) {
    let (mut acknowledged, mut failed) = (Vec::new(), Vec::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The first line begins with the name of the test.
        if let Some((_, number)) = line.split_once("acknowledged ") {
            acknowledged.push(number.parse().unwrap());
        } else if let Some((_, error)) = line.split_once("failed ") {
            failed.push(error.to_owned());
        }
        if acknowledged.len() == kill_after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    (acknowledged, failed)
}

fn assert_all_are_recovered(state: &StateFolder, acknowledged: &[u64]) {
    let mut recovery = recover(state).unwrap();
    assert!(recovery.damaged.is_empty(), "{:?}", recovery.damaged);
    let run = recovery.runs.remove(0);
    let found: Vec<u64> = run.records().unwrap().iter().map(|record| sequence_of(record)).collect();
    assert!(found.is_sorted());
    for sequence in acknowledged {
        assert!(found.binary_search(sequence).is_ok(), "{sequence} was acknowledged and is lost");
    }
    for (sequence, found) in found.iter().zip(&run.records().unwrap()) {
        assert_eq!(found, &record(*sequence));
    }
    assert_eq!(fs::read_dir(run.folder().join("blobs")).unwrap().count(), 0);
    run.remove().unwrap();
}

#[cfg(unix)]
#[test]
fn whatever_was_acknowledged_survives_a_kill() {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for round in 0..6 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let kill_after = 1 + (random >> 33) as usize % 400;
        let (_temporary, state) = state();
        let (acknowledged, failed) = listen(&mut child(&state, ""), kill_after);
        assert!(acknowledged.len() >= kill_after && failed.is_empty(), "round {round}: {failed:?}");
        assert_all_are_recovered(&state, &acknowledged);
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_fails_the_appends_and_loses_nothing_that_was_acknowledged() {
    let (_temporary, state) = state();
    // A limit on the size of files is what a full disk is to a database, without filling one.
    let (acknowledged, failed) = listen(&mut child(&state, "trap '' XFSZ; ulimit -f 3000;"), usize::MAX);
    assert!(!acknowledged.is_empty());
    assert_eq!(failed.len(), 8, "{failed:?}");
    assert!(failed[0].contains("suite+checkout-1"), "{failed:?}");
    assert_all_are_recovered(&state, &acknowledged);
}

fn sequence_of(record: &[u8]) -> u64 {
    let text = std::str::from_utf8(record).unwrap();
    text.trim_end_matches('.').parse().unwrap()
}
