//! Who is let in at which door, and what goes on from there.

use serde_json::json;

use crate::client::{Call, Connection, Key, PROTON, connected};
use crate::puppet::Puppet;
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Upstream, well_behaved};
use crate::workplace::{Workplace, artifact, instance, instance_body};

const HOST: &str = "proton.us-east-1.amazonaws.com";

fn recording(place: &Workplace, upstream: &Upstream, options: &[&str]) -> Puppet {
    let run = place
        .run(["record", "-c", "shop", "--upstream", &upstream.url])
        .arguments(options)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    Puppet::start(place.path(), run)
}

#[test]
fn the_endpoint_door_signs_again_with_the_true_credentials() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    for call in [instance("a", json!({})), artifact("token-1", json!({}))] {
        let reply = puppet.send(call);
        assert_eq!(reply.status, 200, "{}", reply.message());
    }
    puppet.end(0).expect(0);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.refused.is_none()), "{seen:?}");
    assert_eq!(format!("http://{}", seen[0].host), upstream.url);
}

#[test]
fn the_intercept_door_leaves_the_clients_own_signature_valid() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    let mine = Key::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None);
    let mut connection = puppet.intercepted(HOST);
    for name in ["a", "b"] {
        let reply = connection
            .send(&instance(name, json!({})).signed(&mine, HOST))
            .expect("there is an answer");
        assert_eq!(reply.status, 200, "{}", reply.message());
    }
    puppet.end(0).expect(0);
    let seen = upstream.seen();
    assert!(seen.iter().all(|seen| seen.refused.is_none() && seen.host == HOST), "{seen:?}");
    assert_eq!(
        place.cassette("shop")["interactions"][1]["request"]["uri"],
        format!("https://{HOST}/")
    );
}

#[test]
fn the_intercept_door_signs_again_what_was_signed_with_the_runs_own_key() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    let call = instance("a", json!({})).signed(&puppet.key(), HOST);
    let reply = puppet.intercepted(HOST).send(&call).expect("there is an answer");
    assert_eq!(reply.status, 200, "{}", reply.message());
    let forged = Key::new(&puppet.key().id, "not the secret of the run", None);
    let reply = puppet
        .intercepted(HOST)
        .send(&instance("b", json!({})).signed(&forged, HOST))
        .expect("there is an answer");
    assert_eq!(reply.status, 403, "{}", reply.message());
    puppet.end(0);
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn a_wrong_secret_is_refused_and_reaches_nobody() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    let address = puppet.address();
    let forged = Key::new(&puppet.key().id, "not the secret of the run", None);
    let reply = instance("a", json!({})).signed(&forged, &address.to_string()).send(address);
    assert_eq!(reply.status, 403, "{}", reply.message());
    assert!(reply.message().contains("signature"), "{}", reply.message());
    let mut altered = instance("a", json!({})).signed(&puppet.key(), &address.to_string());
    altered.body = instance_body("b", json!({})).to_string().into_bytes();
    assert_eq!(altered.send(address).status, 403);
    let done = puppet.end(0).expect(14);
    assert_eq!(upstream.seen().len(), 0);
    assert!(!place.cassette_path("shop").exists());
    assert!(!done.stderr.contains("not the secret of the run"), "{}", done.stderr);
}

#[test]
fn a_foreign_key_is_never_signed_again_as_somebody_else() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    let address = puppet.address();
    let foreign = Key::new("AKIAFOREIGNFOREIGN12", "whatever", None);
    let reply = instance("a", json!({})).signed(&foreign, &address.to_string()).send(address);
    assert_eq!(reply.status, 403, "{}", reply.message());
    for word in ["AKIAFOREIGNFOREIGN12", "`--door intercept`", "`--sign-as-default`"] {
        assert!(reply.message().contains(word), "{word}: {}", reply.message());
    }
    let reply = Call::bare(PROTON, instance_body("a", json!({})).to_string()).send(address);
    assert!(reply.status >= 400, "nobody signs for an unsigned call: {reply:?}");
    puppet.end(0);
    let seen = upstream.seen();
    assert!(seen.len() == 1 && seen[0].refused.is_some(), "{seen:?}");
}

#[test]
fn at_an_emulator_without_real_credentials_a_key_of_the_program_s_own_is_recorded() {
    for own in ["", "testing"] {
        let place = Workplace::new();
        let stand_in = place.stand_in();
        let run = place
            .run(["record", "-c", "shop", "--upstream", &stand_in.url()])
            .env("AWS_ACCESS_KEY_ID", own)
            .env("AWS_SECRET_ACCESS_KEY", own);
        let puppet = Puppet::start(place.path(), run);
        let address = puppet.address();
        let testing = Key::new("testing", "testing", None);
        let reply = instance("a", json!({})).signed(&testing, &address.to_string()).send(address);
        assert_eq!(reply.status, 200, "{}", reply.message());
        puppet.end(0).expect(0);
        assert_eq!(place.cassette("shop")["interactions"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn an_upstream_brings_a_region_where_none_is_set() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    for verb in ["record", "auto", "compare", "passthrough"] {
        place.write_cassette("shop", &crate::workplace::tape(&[]));
        let name: &[&str] = if verb == "passthrough" { &[] } else { &["-c", "shop"] };
        let run = |region: &str| {
            let run = place.run([verb, "--upstream", &upstream.url]).arguments(name);
            Puppet::start(place.path(), run.env("AWS_REGION", region))
        };
        for (set, region) in [("", "us-east-1"), ("eu-west-3", "eu-west-3")] {
            let puppet = run(set);
            let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| puppet.variable(name).to_owned());
            assert_eq!(variables, [region, region], "{verb}");
            puppet.end(1);
        }
    }
}

#[test]
fn each_door_may_be_the_only_one_shown() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &["--door", "endpoint"]);
    assert!(!puppet.environment.contains_key("HTTPS_PROXY"), "{:?}", puppet.environment);
    assert_eq!(puppet.send(instance("a", json!({}))).status, 200);
    puppet.end(0).expect(0);
    let puppet = recording(&place, &upstream, &["--door", "intercept"]);
    assert!(!puppet.environment.contains_key("AWS_ENDPOINT_URL"), "{:?}", puppet.environment);
    assert_eq!(
        puppet.variable("AWS_ACCESS_KEY_ID"),
        ACCESS_KEY_ID,
        "the command keeps its credentials"
    );
    let call = instance("a", json!({})).signed(&puppet.key(), HOST);
    assert_eq!(puppet.intercepted(HOST).send(&call).expect("there is an answer").status, 200);
    puppet.end(0).expect(0);
    assert!(upstream.seen().iter().all(|seen| seen.refused.is_none()));
}

#[test]
fn behind_the_intercept_door_a_command_without_credentials_has_the_run_s_keys() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let run = place.run(["record", "-c", "shop", "--door", "intercept", "--upstream", &upstream.url]);
    let puppet = Puppet::start(place.path(), run);
    let call = instance("a", json!({ "templateMajorVersion": "1" })).signed(&puppet.key(), HOST);
    assert_ne!(puppet.intercepted(HOST).send(&call).expect("there is an answer").status, 502);
    puppet.end(0);
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn a_replay_opens_no_way_to_anywhere() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    nobody.set_nonblocking(true).expect("a socket can be made non-blocking");
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let (user, proxy) = puppet.proxy();
    for host in ["example.com", "localhost", "127.0.0.1", "169.254.169.254"] {
        let (_, reply) = connected(proxy, &user, host).expect("there is an answer");
        assert!((400..500).contains(&reply.status), "{host}: {reply:?}");
    }
    let (_, reply) = connected(proxy, "shop:wrong", HOST).expect("there is an answer");
    assert_eq!(reply.status, 407, "without the run's token nobody is let in");
    let forwarded = Call::new(PROTON, "{}").at(&format!("http://{}/", nobody.local_addr().expect("it is bound")));
    assert!(forwarded.send(puppet.address()).status >= 400);
    assert!(nobody.accept().is_err(), "nobody was dialled");
    let call = instance("a", json!({}));
    assert_eq!(puppet.send(call).status, 200);
    puppet.end(0).expect(0);
}

#[test]
fn a_recording_is_no_way_into_this_machine() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &[]);
    let (user, proxy) = puppet.proxy();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "0.0.0.0",
        "127.1",
        "2130706433",
    ] {
        let (_, reply) = connected(proxy, &user, host).expect("there is an answer");
        assert!((400..500).contains(&reply.status), "{host}: {reply:?}");
    }
    for user in ["shop:wrong", "shop", ""] {
        let (_, reply) = connected(proxy, user, HOST).expect("there is an answer");
        assert_eq!(reply.status, 407, "{user}: {reply:?}");
    }
    assert_eq!(puppet.send(instance("a", json!({}))).status, 200);
    puppet.end(0).expect(0);
}

#[test]
fn a_page_in_a_browser_is_not_answered() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let server = place.replay("shop", []);
    for origin in ["https://evil.example", "http://127.0.0.1:8080", "null"] {
        let reply = instance("a", json!({})).header("Origin", origin).send(server.address);
        assert_eq!((reply.status, reply.code().as_str()), (403, "RefusedByFerrotape"), "{origin}");
    }
    for host in ["evil.example", "169.254.169.254", "127.0.0.1.evil.example"] {
        let reply = instance("a", json!({})).header("Host", host).send(server.address);
        assert_eq!((reply.status, reply.code().as_str()), (421, "RefusedByFerrotape"), "{host}");
        assert!(reply.message().contains("--allow-host"), "{}", reply.message());
    }
    assert_eq!(
        instance("a", json!({})).header("Host", "localhost").send(server.address).status,
        200
    );
    server.stop().expect(0);
    let server = place.replay("shop", ["--allow-host", "tape.internal"]);
    assert_eq!(
        instance("a", json!({})).header("Host", "tape.internal").send(server.address).status,
        200
    );
    server.stop().expect(0);
}

#[test]
fn the_certificate_of_a_run_vouches_for_aws_alone() {
    let place = Workplace::new();
    place.recorded("shop", &[instance("a", json!({}))]);
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let (user, proxy) = puppet.proxy();
    let bundle = std::fs::read_to_string(puppet.variable("NODE_EXTRA_CA_CERTS")).expect("the bundle is there");
    assert!(!bundle.contains("PRIVATE KEY"));
    assert!(Connection::intercepted(proxy, &user, "example.com", &bundle).is_err());
    let mut connection = puppet.intercepted(HOST);
    let elsewhere = instance("a", json!({})).header("Host", "servicecatalog.us-east-1.amazonaws.com");
    assert_eq!(
        connection.send(&elsewhere).expect("there is an answer").status,
        421,
        "the inner host must agree"
    );
    let trusted = puppet.variable("NODE_EXTRA_CA_CERTS").to_owned();
    puppet.send(instance("a", json!({})));
    puppet.end(0).expect(0);
    assert!(!std::path::Path::new(&trusted).exists(), "it goes with the run");
}

#[test]
fn a_program_may_keep_its_own_key_where_it_shows_the_runs_token() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream, &["--sign-as-default"]);
    let (user, _) = puppet.proxy();
    let token = user.split_once(':').expect("the proxy wants a password").1.to_owned();
    let address = puppet.address();
    let foreign = Key::new("AKIASOMEBODYELSE0000", "not-the-secret-of-anybody", None);
    let from = |path: &str, name: &str| {
        let call = instance(name, json!({})).at(path);
        call.signed(&foreign, &address.to_string()).send(address)
    };
    let shown = from(&format!("/@shop:{token}/"), "a");
    assert_eq!(shown.status, 200, "{}", shown.message());
    for path in ["/", "/@shop/", "/@shop:not-the-token/"] {
        assert_eq!(from(path, "b").status, 403, "{path}");
    }
    puppet.end(0);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].refused.is_none(), "{seen:?}");
}
