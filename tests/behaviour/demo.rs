//! The commands that need nothing but the binary: the demo, and the stand-in server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

fn ferrotape() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrotape"));
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

#[test]
fn the_demo_does_what_it_says_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = ferrotape()
        .arg("demo")
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        // What the user has set must not lead it astray.
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_PROFILE", "nobody")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{told}");
    assert!(said.contains("All 7 steps did what they say."), "{said}");
    assert!(!said.contains('\u{1b}'), "colours go to terminals only");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_stand_in_answers_says_what_it_is_and_ends_well() {
    let mut server = ferrotape()
        .args(["mock", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let (_, address) = line.trim().split_once("http://").unwrap();
    let body = r#"{"name":"blue","serviceName":"frontend","spec":"x"}"#;
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: AwsProton20200720.CreateServiceInstance\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("x-ferrotape-stand-in: true"), "{answer}");
    assert!(answer.contains(r#""name":"blue""#), "{answer}");
    let killed = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
