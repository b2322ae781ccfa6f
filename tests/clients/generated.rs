//! A program that makes up a new name in every run: recorded once, replayed again and again.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::clients;
use crate::support::upstream::{ACCESS_KEY_ID, Answer, REGION, SECRET_ACCESS_KEY, Seen, Upstream};
use crate::support::{self, Finished, Run};

const SETTINGS: &str = "models = [\"botocore\"]\n\n[[bind]]\nfrom = \"CreateProvisioningArtifact:/Parameters/Name\"\n";

/// A catalog of one product, whose artifacts need two polls to be there.
fn catalog() -> impl FnMut(&Seen) -> Answer + Send + 'static {
    let mut name = String::new();
    let mut polls = 0;
    move |seen: &Seen| {
        let detail = |name: &str| json!({ "Id": "pa-4abcdjnxjj6ne", "Name": name, "Type": "CLOUD_FORMATION_TEMPLATE" });
        let view = |name: &str| json!({ "ProvisioningArtifact": { "Id": "pa-4abcdjnxjj6ne", "Name": name } });
        match seen.target.rsplit('.').next().unwrap_or_default() {
            "CreateProvisioningArtifact" => {
                name = seen.body["Parameters"]["Name"].as_str().unwrap_or_default().to_owned();
                Answer::good(json!({ "ProvisioningArtifactDetail": detail(&name), "Info": {}, "Status": "CREATING" }))
            }
            "DescribeProvisioningArtifact" if seen.body["ProvisioningArtifactName"] == name.as_str() => {
                polls += 1;
                let arn = format!("arn:aws:catalog:us-east-1:481516234207:artifact/{name}/1");
                let status = if polls < 3 { "CREATING" } else { "AVAILABLE" };
                Answer::good(json!({ "ProvisioningArtifactDetail": detail(&name), "Info": { "arn": arn }, "Status": status }))
            }
            "ListProvisioningArtifactsForServiceAction" => {
                // The kind of page token that redaction takes for a secret.
                let token = |page: u32| format!("eyJhbGciOiJIUzI1NiJ9.eyJwYWdlIjo{page}fQ.c2lnbmF0dXJlLW9mLXRoZS1wYWdl");
                match seen.body["PageToken"].as_str() {
                    None => Answer::good(json!({ "ProvisioningArtifactViews": [view("one"), view("two")], "NextPageToken": token(2) })),
                    Some(page) if page == token(2) => {
                        Answer::good(json!({ "ProvisioningArtifactViews": [view(&name)], "NextPageToken": token(3) }))
                    }
                    Some(_) => Answer::good(json!({ "ProvisioningArtifactViews": [view("last")] })),
                }
            }
            _ => Answer::error(400, "ResourceNotFoundException", "there is no such thing"),
        }
    }
}

fn ferrotape(folder: &Path, arguments: &[&str]) -> Run {
    // Where `botocore` is found.
    let beside = clients::python().parent().map(Path::to_owned).unwrap_or_default();
    let path: Vec<_> = std::iter::once(beside)
        .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()))
        .collect();
    let path = std::env::join_paths(path).unwrap_or_default();
    Run::new(folder, arguments.iter().copied()).env("PATH", path)
}

fn command() -> Vec<OsString> {
    vec![
        clients::python().into(),
        "-B".into(),
        clients::source("python/generated_name.py").into(),
    ]
}

#[track_caller]
fn record(folder: &Path, more: &[&str]) -> Value {
    let upstream = Upstream::plain(catalog());
    let run = ferrotape(folder, &["record", "-c", "names", "--upstream", &upstream.url])
        .arguments(more.iter().copied())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("AWS_REGION", REGION);
    printed(&run.arguments(["--"]).arguments(command()).finish().expect(0))
}

fn replay(folder: &Path, more: &[&str]) -> Finished {
    let run = ferrotape(folder, &["replay", "-c", "names", "--all-played"]);
    run.arguments(more.iter().copied()).arguments(["--"]).arguments(command()).finish()
}

fn printed(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error} in {finished:?}"))
}

#[test]
fn a_program_with_a_new_name_in_every_run_replays_ten_times() {
    if !clients::are_here() {
        return;
    }
    let folder = support::folder();
    std::fs::write(folder.path().join("ferrotape.toml"), SETTINGS).unwrap();
    let recorded = record(folder.path(), &[]);
    assert_eq!(recorded["polls"], 4);
    let name = recorded["name"].as_str().unwrap();
    let mut names = vec![name.to_owned()];
    for _ in 0..10 {
        let finished = replay(folder.path(), &[]).expect(0);
        let told = printed(&finished);
        let live = told["name"].as_str().unwrap().to_owned();
        let rest = |told: &Value| [told["id"].clone(), told["polls"].clone(), told["listed"].clone()];
        assert_eq!(rest(&told), rest(&recorded));
        let bound = format!("`CreateProvisioningArtifact:/Parameters/Name` bound: \"{live}\" in the place of the recorded \"{name}\"");
        assert!(finished.stderr.contains(&bound), "{}", finished.stderr);
        assert!(!names.contains(&live), "{live} is new");
        names.push(live);
    }
    let folded = replay(folder.path(), &["--fold", "polls"]).expect(0);
    assert_eq!(printed(&folded)["polls"], 4, "no waiter waits for this operation");
}

#[test]
fn a_guessed_rule_is_told_and_lets_the_program_replay() {
    if !clients::are_here() {
        return;
    }
    let folder = support::folder();
    std::fs::write(
        folder.path().join("ferrotape.toml"),
        "models = [\"botocore\"]\n\n[match]\npolls = [\"DescribeProvisioningArtifact\"]\n",
    )
    .unwrap();
    let recorded = record(folder.path(), &[]);
    let name = recorded["name"].as_str().unwrap();
    let unbound = replay(folder.path(), &[]);
    assert_ne!(unbound.code, 0, "{unbound:?}");
    let offered = "a name that is made up in every run is bound in `ferrotape.toml`:";
    assert!(unbound.stderr.contains(offered), "{}", unbound.stderr);
    let guessed = replay(folder.path(), &["--bind", "auto", "--fold", "polls"]).expect(0);
    assert_eq!(printed(&guessed)["polls"], 2, "the loop is its last state");
    let told = format!(
        "bound by guess: `CreateProvisioningArtifact:/Parameters/Name`, because \"{name}\" looks made up and recurs in interactions 1, 2, 3, 4, 6"
    );
    assert!(guessed.stderr.contains(&told), "{}", guessed.stderr);
    let rule = "  [[bind]]\n             from = \"CreateProvisioningArtifact:/Parameters/Name\"\n";
    assert!(guessed.stderr.contains(rule), "{}", guessed.stderr);
    // A cassette that was recorded with `--bind auto` has the rule with it.
    let recorded = record(folder.path(), &["--bind", "auto"]);
    assert_eq!(recorded["polls"], 4);
    let text = std::fs::read_to_string(folder.path().join("cassettes/names.json")).unwrap();
    assert!(text.contains("\"from\": \"CreateProvisioningArtifact:/Parameters/Name\""), "{text}");
    replay(folder.path(), &[]).expect(0);
}
