use super::*;
use crate::cli::Command;
use crate::commands::record::RecordArguments;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The command that a line is, beside this file and in this environment; else what is wrong, without
/// the folder of the file.
fn read(line: &str, file: &str, variables: &[(&str, &str)]) -> Result<Command, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ferrotape.toml");
    std::fs::write(&path, file).unwrap();
    let words: Vec<std::ffi::OsString> = ["ferrotape"].into_iter().chain(line.split(' ')).map(Into::into).collect();
    let (_, typed) = Cli::read(words.clone()).unwrap();
    let mut settings = Settings::find(Some(&path), folder.path()).map_err(|error| error.to_string())?;
    let told = |error: SuppliedError| error.to_string().replace(&format!("{}/", folder.path().display()), "");
    let completed = complete(typed.command(), &typed, &mut settings, &environment(variables)).map_err(told)?;
    let (mut cli, _) = Cli::read_by(completed, words).map_err(|error| error.to_string())?;
    cli.command.settle(settings, &typed);
    Ok(cli.command)
}

fn record(line: &str, file: &str, variables: &[(&str, &str)]) -> RecordArguments {
    match read(line, file, variables).unwrap() {
        Command::Record(arguments) => arguments,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flag_counts_over_the_environment_and_that_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nallow-host = [\"file\"]\nsign-as-default = true\nunmodeled = \"refuse\"\n";
    let all = [
        ("FERROTAPE_LISTEN", "127.0.0.1:2"),
        ("FERROTAPE_ALLOW_HOST", "a, b"),
        ("FERROTAPE_SIGN_AS_DEFAULT", "0"),
    ];
    let of_file = record("record", file, &[]);
    assert_eq!((of_file.run.listen.port(), of_file.live.sign_as_default), (1, true));
    assert_eq!(of_file.run.allow_hosts, ["file"]);
    assert_eq!(format!("{:?}", of_file.unmodeled), "Refuse");
    let of_environment = record("record", file, &all);
    assert_eq!((of_environment.run.listen.port(), of_environment.live.sign_as_default), (2, false));
    assert_eq!(of_environment.run.allow_hosts, ["a", "b"]);
    let typed = record("record --listen 127.0.0.1:3 --allow-host typed --sign-as-default", file, &all);
    assert_eq!((typed.run.listen.port(), typed.live.sign_as_default), (3, true));
    assert_eq!(typed.run.allow_hosts, ["typed"]);
    let empty = record("record", file, &[("FERROTAPE_LISTEN", "")]);
    assert_eq!(empty.run.listen.port(), 1, "an empty variable says nothing");
}

#[test]
fn the_table_of_a_command_counts_over_the_top_and_for_no_other_command() {
    let file = "door = \"endpoint\"\n[record]\ndoor = \"intercept\"\nkeep = [\"A:/b\"]\n[replay]\nrepeat = true\n";
    let door = |command: &str| match read(command, file, &[]).unwrap() {
        Command::Record(arguments) => (arguments.run.door, !arguments.keep.is_empty()),
        Command::Replay(arguments) => (arguments.run.door, arguments.repeat),
        Command::Auto(arguments) => (arguments.run.door, !arguments.keep.is_empty()),
        other => panic!("{other:?}"),
    };
    use crate::commands::DoorChoice::{Endpoint, Intercept};
    assert_eq!(door("record"), (Intercept, true));
    assert_eq!(door("replay"), (Endpoint, true));
    assert_eq!(door("auto"), (Endpoint, false));
}

#[test]
fn the_folder_and_the_models_follow_the_same_order() {
    let file = "cassettes = \"of-file\"\nmodels = [\"botocore\"]\n[replay]\ncassettes = \"of-replay\"\n";
    let folder = |line: &str, variables: &[(&str, &str)]| match read(line, file, variables).unwrap() {
        Command::Record(arguments) => arguments.run.cassettes,
        Command::Replay(arguments) => arguments.run.cassettes,
        Command::Show(arguments) => arguments.cassettes,
        Command::Verify(arguments) => arguments.paths[0].clone(),
        other => panic!("{other:?}"),
    };
    assert!(folder("record", &[]).ends_with("of-file") && folder("verify", &[]).ends_with("of-file"));
    assert!(folder("replay", &[]).ends_with("of-replay"));
    let variable = [("FERROTAPE_CASSETTES", "of-variable")];
    for line in ["record", "replay", "show x", "verify"] {
        assert_eq!(folder(line, &variable), PathBuf::from("of-variable"), "{line}");
    }
    assert_eq!(folder("replay --cassettes typed", &variable), PathBuf::from("typed"));
    let models = record("record --model typed.json", file, &[("FERROTAPE_MODEL", "a.json,b.json")])
        .run
        .models;
    assert_eq!(models.sources, ["botocore", "a.json", "b.json", "typed.json"].map(PathBuf::from));
}

#[test]
fn paths_in_the_file_count_from_there() {
    let arguments = record(
        "record",
        "upstream-ca = \"ca.pem\"\nreport = [\"human\", \"junit=out/r.xml\"]\n",
        &[],
    );
    let ca = arguments.live.upstream_ca.unwrap();
    assert!(ca.is_absolute() && ca.ends_with("ca.pem"), "{ca:?}");
    let paths: Vec<_> = arguments.run.reports.iter().map(|report| report.path.clone()).collect();
    assert_eq!(paths[0], None);
    assert_eq!(paths[1].as_deref(), Some(ca.with_file_name("out/r.xml").as_path()));
}

/// Values of every kind that an option has; the first two that it takes will do.
const SAMPLES: [&str; 14] = [
    "127.0.0.1:1",
    "127.0.0.1:2",
    "http://127.0.0.1:1",
    "http://127.0.0.1:2",
    "*:/a",
    "*:/b",
    "human",
    "json",
    "name",
    "other",
    "1",
    "2",
    "481516234207",
    "999988887777",
];

/// What an option is after all, as words; or what is wrong.
fn words_of(line: &str, id: &str, file: &str, variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ferrotape.toml");
    std::fs::write(&path, file).unwrap();
    let words: Vec<std::ffi::OsString> = ["ferrotape"].into_iter().chain(line.split(' ')).map(Into::into).collect();
    let (_, typed) = Cli::read(words.clone()).map_err(|error| error.to_string())?;
    let mut settings = Settings::find(Some(&path), folder.path()).map_err(|error| error.to_string())?;
    let completed = complete(typed.command(), &typed, &mut settings, &environment(variables)).map_err(|error| error.to_string())?;
    let matches = completed.try_get_matches_from(words).map_err(|error| error.to_string())?;
    let (_, matches) = matches.subcommand().unwrap();
    let raw = matches.get_raw(id).into_iter().flatten();
    let shown = raw.map(|word| word.to_string_lossy().replace(&format!("{}/", folder.path().display()), ""));
    Ok(shown.collect())
}

/// A new option cannot be forgotten: all that clap knows are tried.
#[test]
fn every_option_of_a_run_may_be_in_the_environment_and_in_the_file_with_one_precedence() {
    let cli = Cli::command();
    let mut seen = BTreeSet::new();
    for command in RUNS {
        let line = if command == "refresh" { "refresh x" } else { command };
        for argument in cli.find_subcommand(command).unwrap().get_arguments() {
            let Some(name) = argument.get_long().filter(|name| !TYPED_ONLY.contains(name)) else {
                continue;
            };
            seen.insert(name.to_owned());
            if matches!(name, "model" | "cassettes") {
                // Other commands have them, too: `the_folder_and_the_models_follow_the_same_order`.
                continue;
            }
            let (id, variable) = (argument.get_id().as_str(), variable(name));
            let words = |line: &str, file: &str, value: &str| words_of(line, id, file, &[(&variable, value)]);
            let choices = argument.get_possible_values();
            let choices: Vec<&str> = choices.iter().map(|choice| choice.get_name()).chain(SAMPLES).collect();
            let mut taken = choices.into_iter().filter(|value| words(line, "", value).is_ok());
            let (Some(one), Some(other)) = (taken.next(), taken.next()) else {
                panic!("`{command} --{name}` takes no two samples");
            };
            let file = format!("[{command}]\n{name} = \"{one}\"\n");
            assert_eq!(words(line, &file, "").unwrap(), [one], "{file}");
            assert_eq!(words(line, &file, other).unwrap(), [other], "{variable} over {file}");
            if argument.get_action().takes_values() {
                let typed = format!("{line} --{name} {one}");
                assert_eq!(words(&typed, &file, other).unwrap(), [one], "{typed} over {variable}");
            } else {
                let typed = format!("{line} --{name}");
                assert_eq!(words(&typed, &file, "false").unwrap(), ["true"], "{typed} over {variable}");
            }
        }
    }
    assert!(seen.contains("undecodable") && seen.len() > 20, "{seen:?}");
}

#[test]
fn a_bad_value_is_told_with_its_source() {
    let told = |file: &str, variables: &[(&str, &str)]| read("record", file, variables).unwrap_err();
    assert_eq!(
        told("", &[("FERROTAPE_DOOR", "front")]),
        "`FERROTAPE_DOOR`: invalid value `front` [possible values: both, endpoint, intercept]"
    );
    assert_eq!(
        told("\ndoor = \"front\"\n", &[]),
        "`ferrotape.toml:2:1`: invalid value `front` [possible values: both, endpoint, intercept]"
    );
    assert_eq!(
        told("", &[("FERROTAPE_LISTEN", "here")]),
        "`FERROTAPE_LISTEN`: invalid value `here`: invalid socket address syntax"
    );
    assert_eq!(
        told("", &[("FERROTAPE_SIGN_AS_DEFAULT", "maybe")]),
        "`FERROTAPE_SIGN_AS_DEFAULT`: `maybe` is neither `true` nor `false`"
    );
    assert_eq!(
        told("[record]\nlisten = [\"a\", \"b\"]\n", &[]),
        "`ferrotape.toml:2:1`: `listen` has one value"
    );
    assert_eq!(
        told("doof = \"both\"\n", &[]),
        "`ferrotape.toml:1:1`: unknown key `doof`; there is `door`"
    );
    assert_eq!(
        told("zzzzzzzzzzzz = 1\n", &[]),
        "`ferrotape.toml:1:1`: unknown key `zzzzzzzzzzzz`; a key is the name of an option of a run, such as `door` for `--door`"
    );
    assert_eq!(
        told("order = \"strict\"\n", &[]),
        "`ferrotape.toml:1:1`: `order` is written as `order` under `[match]` here"
    );
    assert!(read("show x", "doof = 1\n", &[]).is_err(), "a mistake is one for every command");
}

#[test]
fn a_variable_that_nobody_reads_is_told_with_what_was_meant() {
    let variables = environment(&[
        ("FERROTAPE_DOR", "both"),
        ("FERROTAPE_URL", "http://127.0.0.1:1"),
        ("FERROTAPE_TOKEN", "x"),
        ("FERROTAPE_CONFIG", "x"),
        ("FERROTAPE_DOOR", "both"),
        ("FERROTAPE", "x"),
        ("DOR", "x"),
    ]);
    assert_eq!(
        unread(&variables),
        ["`FERROTAPE_DOR` is no option of Ferrotape, and is not read; there is `FERROTAPE_DOOR`"]
    );
}
