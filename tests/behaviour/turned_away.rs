//! Calls that a door turns away are calls: they are counted, and told in the caller's protocol.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::json;

use crate::client::{Call, Connection, PROTON};
use crate::puppet::Puppet;
use crate::workplace::{Workplace, instance};

const HOST: &str = "ssmmessages.us-east-1.amazonaws.com";

fn websocket() -> Call {
    Call {
        method: "GET",
        path: "/v1/data-channel/one?role=publish_subscribe".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
    .header("Upgrade", "websocket")
    .header("Connection", "Upgrade")
    .header("Sec-WebSocket-Version", "13")
}

/// Sends bytes and reads until the other side closes.
fn talk(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(bytes).expect("it takes bytes");
    // The server may have closed it by now, which is as good.
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn a_websocket_is_a_call_through_either_door() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    for door in ["endpoint", "intercept"] {
        let run = place.run(["record", "-c", "shop", "--upstream", &stand_in.url()]);
        let puppet = Puppet::start(place.path(), run);
        let reply = match door {
            "endpoint" => websocket().send(puppet.address()),
            _ => puppet.intercepted(HOST).send(&websocket()).expect("there is an answer"),
        };
        assert_eq!(reply.status, 400, "{reply:?}");
        assert!(reply.message().contains("websocket"), "{reply:?}");
        let done = puppet.end(0).expect(14);
        assert!(done.stderr.contains("1 call, 1 not recorded"), "{door}: {}", done.stderr);
        assert!(!done.stderr.contains("no call"), "{door}: {}", done.stderr);
    }
}

#[test]
fn in_replay_a_websocket_is_a_miss() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    assert_eq!(websocket().send(puppet.address()).status, 400);
    let done = puppet.end(0).expect(11);
    assert!(done.stderr.contains("1 call, 1 missed"), "{}", done.stderr);
}

#[test]
fn tls_and_http2_to_the_plain_port_are_calls_that_came() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let address = puppet.address();
    assert_eq!(talk(address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), b"");
    let frames = talk(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(String::from_utf8_lossy(&frames).contains("speaks HTTP/1.1 only"), "{frames:?}");
    let done = puppet.end(0).expect(11);
    assert!(done.stderr.contains("2 calls, 2 missed"), "{}", done.stderr);
    assert!(done.stderr.contains("with `http`, not `https`"), "{}", done.stderr);
}

#[test]
fn a_body_that_broke_off_is_a_call() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    for (command, status) in [("record", 14), ("replay", 11)] {
        let stand_in = place.stand_in();
        let run = place.run([command, "-c", "shop"]);
        let run = if command == "record" {
            run.arguments(["--upstream", &stand_in.url()])
        } else {
            run
        };
        let puppet = Puppet::start(place.path(), run);
        let mut bytes = Call::new(PROTON, "{}").bytes(&puppet.address().to_string());
        let text = String::from_utf8(bytes)
            .expect("it is text")
            .replace("Content-Length: 2", "Content-Length: 9");
        bytes = text.into_bytes();
        talk(puppet.address(), &bytes);
        let done = puppet.end(0).expect(status);
        assert!(!done.stderr.contains("no call"), "{command}: {}", done.stderr);
    }
}

#[test]
fn a_session_that_cannot_be_one_is_refused_in_the_protocol_of_the_caller() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    let scope = |service: &str| {
        format!("AWS4-HMAC-SHA256 Credential=AKIDUNVERIFIED/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00")
    };
    let form = Call {
        method: "POST",
        path: "/@a%20b/".to_owned(),
        headers: Vec::new(),
        body: b"Action=GetCallerIdentity&Version=2011-06-15".to_vec(),
    }
    .header("Content-Type", "application/x-www-form-urlencoded")
    .header("Authorization", &scope("sts"));
    let mut connection = Connection::open(server.address).expect("it listens");
    let reply = connection.send(&form).expect("there is an answer");
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    assert!(
        text.starts_with("<ErrorResponse>") && text.contains("cannot name a session"),
        "{text}"
    );
    let reply = instance("a", json!({})).at("/@a%20b/").send(server.address);
    assert_eq!((reply.status, reply.code().as_str()), (400, "RefusedByFerrotape"));
    assert!(reply.message().contains("`a b` cannot name a session"), "{reply:?}");
    server.stop().expect(11);
}

#[test]
fn a_session_with_a_slash_is_the_same_however_its_url_is_escaped() {
    let place = Workplace::new();
    place.recorded("team/shop", &[instance("a", json!({}))]);
    let server = place.replay("team/shop", ["--repeat"]);
    for spelled in ["/@team%2Fshop", "/@team%2fshop", "/%40team%252Fshop", "/@team%25252Fshop"] {
        let reply = instance("a", json!({})).at(&format!("{spelled}/")).send(server.address);
        assert_eq!(reply.status, 200, "{spelled}: {}", reply.message());
    }
    server.stop().expect(0);
}
