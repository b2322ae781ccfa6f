//! Upstreams that are not there, break off, or are not who they should be.

use serde_json::json;

use crate::client::Reply;
use crate::odd_upstream::{Act, OddUpstream};
use crate::support::Finished;
use crate::support::upstream::{Upstream, well_behaved};
use crate::workplace::{Workplace, dead_address, instance, refuses};

/// What a client gets, and the run says, when the upstream is like this.
fn recorded_from(upstream: &str) -> (Reply, Finished) {
    let place = Workplace::new();
    let server = place.record("shop", upstream);
    let reply = instance("a", json!({})).send(server.address);
    let done = server.stop();
    assert!(!place.cassette_path("shop").exists(), "a failure is no recording");
    (reply, done)
}

#[track_caller]
fn fails_upstream(upstream: &str, words: &[&str]) {
    let (reply, done) = recorded_from(upstream);
    assert_eq!(done.code, 13, "{done:?}");
    assert_eq!(reply.status, 502, "{reply:?}");
    for word in words {
        assert!(reply.message().contains(word), "`{word}` is not in `{}`", reply.message());
        assert!(done.stderr.contains(word), "`{word}` is not in\n{}", done.stderr);
    }
}

#[test]
fn an_upstream_that_is_not_there_is_told() {
    let address = dead_address().to_string();
    fails_upstream(&format!("http://{address}"), &[&address, "refused"]);
}

#[test]
fn an_upstream_that_closes_before_it_answers_is_told() {
    let upstream = OddUpstream::start(|_, _| Act::AnswerAndClose(Vec::new()));
    let host = upstream.url.trim_start_matches("http://").to_owned();
    fails_upstream(&upstream.url, &[&host, "closed the connection"]);
}

#[test]
fn an_upstream_that_closes_half_way_is_told_and_not_recorded() {
    let upstream =
        OddUpstream::start(|_, _| Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"serviceInst".to_vec()));
    fails_upstream(&upstream.url, &["did not come whole"]);
    let upstream =
        OddUpstream::start(|_, _| Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ser\r\n".to_vec()));
    fails_upstream(&upstream.url, &["did not come whole"]);
}

#[test]
fn an_upstream_that_does_not_speak_http_is_told() {
    let upstream = OddUpstream::start(|_, _| Act::AnswerAndClose(b"220 mail.example.com ESMTP ready\r\n".to_vec()));
    fails_upstream(&upstream.url, &["not HTTP/1.1"]);
}

#[test]
fn an_upstream_of_an_unknown_authority_is_told_and_trusted_only_where_asked() {
    let place = Workplace::new();
    let (upstream, root) = Upstream::tls(place.path(), well_behaved);
    fails_upstream(&upstream.url, &["certificate"]);
    assert_eq!(upstream.seen().len(), 0);
    let root = root.display().to_string();
    let run = place.run(["record", "-c", "shop", "--upstream", &upstream.url, "--upstream-ca", &root]);
    let server = run.start();
    let call = instance("a", json!({}));
    let reply = call.send(server.address);
    assert_eq!(reply.status, 403, "it is reached, and refuses the signature of nobody: {reply:?}");
    server.stop().expect(0);
    assert_eq!(upstream.seen().len(), 1);
    refuses(
        place.run(["record", "--upstream", &upstream.url, "--upstream-ca", "nowhere.pem"]),
        1,
        &["nowhere.pem"],
    );
}

#[test]
fn an_upstream_that_is_no_base_url_is_told() {
    let place = Workplace::new();
    for url in ["ftp://127.0.0.1/", "/path", "http://127.0.0.1:1/?query=1"] {
        refuses(place.run(["record", "--upstream", url]), 1, &["--upstream", "not a base URL"]);
    }
}
