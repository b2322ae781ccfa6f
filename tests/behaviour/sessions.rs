//! One Ferrotape, many tests at once: sessions by path, proxy user and application id, and the
//! control endpoint that starts and ends them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::client::{Call, Connection, PROTON, Reply};
use crate::puppet::Puppet;
use crate::support::Server;
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Upstream, well_behaved};
use crate::workplace::{Workplace, instance, instance_body, interaction, portless, tape};

/// A cassette of calls `a`, `a`, `b`, whose answers name the cassette and count.
fn cassette(name: &str) -> String {
    let answer = |number: usize| json!({ "__type": "ConflictException", "message": format!("{name}:{number}") });
    let calls = ["a", "a", "b"].iter().enumerate();
    let interactions: Vec<Value> = calls
        .map(|(number, call)| interaction(PROTON, instance_body(call, json!({})), 409, answer(number + 1)))
        .collect();
    tape(&interactions)
}

/// A replay of `shop`, beside which there is `books`.
fn replaying(place: &Workplace, options: &[&'static str]) -> Server {
    for name in ["shop", "books"] {
        place.write_cassette(name, &cassette(name));
    }
    place.replay("shop", options.iter().copied())
}

fn ask(address: SocketAddr, path: &str, agent: &str, name: &str) -> String {
    let call = instance(name, json!({})).at(path).header("User-Agent", agent);
    call.send(address).message()
}

/// A request to the control endpoint.
fn control(address: SocketAddr, method: &'static str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Call::control(address, method, path, &body).send(address)
}

#[track_caller]
fn told(address: SocketAddr, method: &'static str, path: &str, body: &Value, status: u16) -> Value {
    let reply = control(address, method, path, body);
    assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    reply.json()
}

#[test]
fn each_session_has_a_cassette_and_positions_of_its_own() {
    let place = Workplace::new();
    let server = replaying(&place, &[]);
    let address = server.address;
    for _ in 0..2 {
        told(address, "POST", "/sessions", &json!({ "name": "t1", "cassette": "books" }), 201);
        assert_eq!(ask(address, "/@t1", "", "a"), "books:1");
        assert_eq!(ask(address, "/", "Boto3/1.40 app/t1", "a"), "books:2");
        told(address, "DELETE", "/sessions/t1", &Value::Null, 200);
    }
    assert_eq!(ask(address, "/", "", "a"), "shop:1");
    assert_eq!(ask(address, "/@books/", "", "a"), "books:1");
    assert_eq!(ask(address, "/@never-started/", "", "a"), "shop:1");
    assert_eq!(ask(address, "/", "app/of-the-program", "a"), "shop:2");
    assert_eq!(ask(address, "/", "app/books", "a"), "books:2");
    server.stop().expect(0);
}

#[test]
fn the_proxy_s_user_name_names_a_session() {
    let place = Workplace::new();
    for name in ["shop", "books"] {
        place.write_cassette(name, &cassette(name));
    }
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let host = "proton.us-east-1.amazonaws.com";
    let (shown, address) = puppet.proxy();
    let (_, token) = shown.split_once(':').expect("it has a token");
    let bundle = std::fs::read_to_string(puppet.variable("NODE_EXTRA_CA_CERTS")).expect("it is there");
    for user in ["shop", "books", "t1", "books"] {
        let mut connection = Connection::intercepted(address, &format!("{user}:{token}"), host, &bundle).expect("it connects");
        let reply = connection.send(&instance("a", json!({}))).expect("there is an answer");
        let cassette = if user == "books" { "books" } else { "shop" };
        assert!(reply.message().starts_with(cassette), "{user}: {}", reply.message());
    }
    puppet.end(0).expect(0);
}

#[test]
fn the_control_endpoint_tells_how_a_session_went() {
    let place = Workplace::new();
    let server = replaying(&place, &[]);
    let address = server.address;
    let health = told(address, "GET", "/health", &Value::Null, 200);
    assert_eq!(
        (&health["status"], &health["mode"], &health["cassette"]),
        (&json!("ok"), &json!("replay"), &json!("shop"))
    );
    let started = told(
        address,
        "POST",
        "/sessions",
        &json!({ "name": "team/t1", "cassette": "books" }),
        201,
    );
    assert_eq!(started["endpoint"], format!("http://{address}/@team%2Ft1"));
    assert_eq!(started["appId"], "team-t1");
    let endpoint = "/@team%2Ft1";
    ask(address, endpoint, "", "a");
    ask(address, endpoint, "", "missing");
    assert_eq!(instance("-bad", json!({})).at(endpoint).send(address).code(), "ValidationException");
    let told_while_it_runs = told(address, "GET", "/sessions/team%2Ft1", &Value::Null, 200);
    let summary = told(address, "DELETE", "/sessions/team%2Ft1", &Value::Null, 200);
    assert_eq!(
        (&told_while_it_runs["state"], &summary["state"]),
        (&json!("running"), &json!("ended"))
    );
    for (member, value) in [
        ("name", json!("team/t1")),
        ("cassette", json!("books")),
        ("ok", json!(false)),
        ("calls", json!(3)),
        ("played", json!(1)),
        ("missed", json!(1)),
        ("refused", json!(1)),
        ("violated", json!(1)),
    ] {
        assert_eq!(summary[member], value, "{member} in {summary}");
    }
    let unplayed = summary["unplayed"].as_array().expect("a list");
    let numbers: Vec<&Value> = unplayed.iter().map(|unplayed| &unplayed["interaction"]).collect();
    assert_eq!(numbers, [2, 3]);
    let problems = summary["problems"].as_array().expect("a list");
    assert_eq!(
        (&problems[0]["outcome"], &problems[1]["outcome"]),
        (&json!("missed"), &json!("refused"))
    );
    assert!(problems[1]["message"].as_str().expect("a text").contains("'/name'"), "{summary}");
    let list = told(address, "GET", "/sessions", &Value::Null, 200);
    assert_eq!(list["sessions"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        ask(address, endpoint, "", "a"),
        "session `team/t1` has ended; start it again with a POST to `/_ferrotape/sessions`"
    );
    server.stop().expect(10);
}

#[test]
fn the_control_endpoint_says_what_it_does_not_understand() {
    let place = Workplace::new();
    let server = replaying(&place, &[]);
    let address = server.address;
    let start = |body: Value| control(address, "POST", "/sessions", &body);
    for (body, status, words) in [
        (
            json!({ "name": "t1", "cassette": "boks" }),
            404,
            "no cassette `boks`: there is no file `cassettes/boks.json` (there is `books`)",
        ),
        (json!({ "name": "../t1" }), 400, "is no name for a cassette"),
        (
            json!({ "name": "t1", "cassette": "../../etc/passwd" }),
            400,
            "is no name for a cassette",
        ),
        (json!({ "cassette": "books" }), 400, "missing key `name`"),
        (json!({ "name": "t1", "file": "x" }), 400, "unknown key `file`"),
        (
            json!({ "name": "shop", "cassette": "books" }),
            409,
            "`shop` is the session of the run itself, with the cassette of that name; a POST to `/_ferrotape/sessions` that names no other cassette takes it over",
        ),
    ] {
        let reply = start(body);
        let error = reply.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(reply.status, status, "{error}");
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(control(address, "DELETE", "/sessions/shop", &Value::Null).status, 409);
    assert_eq!(control(address, "DELETE", "/sessions/nobody", &Value::Null).status, 404);
    assert_eq!(control(address, "GET", "/elsewhere", &Value::Null).status, 404);
    let reply = control(address, "PUT", "/sessions", &Value::Null);
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST")));
    let mut form = Call::control(address, "POST", "/sessions", "name=t1");
    form.headers[0].1 = "application/x-www-form-urlencoded".to_owned();
    assert_eq!(form.send(address).status, 415);
    server.stop().expect(0);
}

#[test]
fn who_starts_the_session_of_the_run_takes_it_over() {
    let place = Workplace::new();
    let server = replaying(&place, &[]);
    let address = server.address;
    assert_eq!(ask(address, "/", "", "a"), "shop:1");
    let started = told(address, "POST", "/sessions", &json!({ "name": "shop" }), 201);
    assert_eq!(
        (&started["endpoint"], &started["appId"]),
        (&json!(format!("http://{address}/@shop")), &json!("shop"))
    );
    assert_eq!(
        control(address, "POST", "/sessions", &json!({ "name": "shop" })).status,
        409,
        "it runs"
    );
    assert_eq!(ask(address, "/@shop", "", "a"), "shop:2");
    let summary = told(address, "DELETE", "/sessions/shop", &Value::Null, 200);
    assert_eq!((&summary["played"], &summary["state"]), (&json!(2), &json!("ended")));
    assert!(ask(address, "/@shop", "app/shop", "b").starts_with("session `shop` has ended"));
    told(address, "POST", "/sessions", &json!({ "name": "shop", "cassette": "shop" }), 201);
    for path in ["/@shop", "/"] {
        let number = if path == "/" { 2 } else { 1 };
        assert_eq!(ask(address, path, "app/shop", "a"), format!("shop:{number}"));
    }
    server.stop().expect(11);
}

#[test]
fn a_recording_s_own_session_that_somebody_starts_is_written_when_it_ends() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    for verb in ["record", "auto"] {
        let name = format!("of-{verb}");
        let run = place
            .run([verb, "-c", &name, "--upstream", &upstream.url])
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        let puppet = Puppet::start(place.path(), run);
        session(&puppet, &name, &["one"]);
        assert_eq!(created(&place, &name), ["one"]);
        session(&puppet, &name, &["one", "two"]);
        session(&puppet, "t2", &["one"]);
        puppet.end(1).expect(1);
        assert_eq!(created(&place, &name), ["one", "two"]);
    }
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "of-record"]));
    session(&puppet, "of-record", &["one", "two"]);
    puppet.end(0).expect(0);
}

#[test]
fn the_control_endpoint_answers_no_web_page_and_no_foreign_name() {
    let place = Workplace::new();
    let server = replaying(&place, &["--allow-host", "proxy.internal"]);
    for (name, value, status) in [
        ("Origin", "http://evil.example", 403),
        ("Origin", "http://proxy.internal", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Host", "evil.example", 421),
        ("Host", "proxy.internal", 421),
        ("Host", "localhost", 200),
    ] {
        let mut call = Call::control(server.address, "GET", "/sessions", "");
        call.headers.push((name.to_owned(), value.to_owned()));
        assert_eq!(call.send(server.address).status, status, "{name}: {value}");
    }
    server.stop().expect(0);
}

#[test]
fn the_control_endpoint_wants_the_token_of_the_run() {
    let place = Workplace::new();
    for name in ["shop", "books"] {
        place.write_cassette(name, &cassette(name));
    }
    let puppet = Puppet::start(place.path(), place.run(["replay", "-c", "shop"]));
    let (address, token) = (puppet.address(), puppet.variable("FERROTAPE_TOKEN").to_owned());
    let asked = |path: &str, shown: Option<String>| {
        let mut call = Call::control(address, "POST", path, &json!({ "name": "t1" }).to_string());
        call.path = path.to_owned();
        call.headers.truncate(1);
        call.headers.extend(shown.map(|shown| ("Authorization".to_owned(), shown)));
        call.send(address)
    };
    let sessions = "/_ferrotape/sessions";
    for (path, shown) in [
        (sessions.to_owned(), None),
        (sessions.to_owned(), Some("Bearer wrong".to_owned())),
        (sessions.to_owned(), Some(format!("Basic {token}"))),
        (sessions.to_owned(), Some(format!("Bearer {token}x"))),
        (format!("/~wrong{sessions}"), None),
        (format!("/~{sessions}"), None),
        (format!("/@t9{sessions}"), None),
    ] {
        let refused = asked(&path, shown);
        if path.starts_with("/@") {
            assert_ne!(refused.status, 201, "it is a path of a service");
            continue;
        }
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (401, Some("Bearer")),
            "{path}"
        );
        let error = refused.json()["error"].to_string();
        assert!(error.contains("`Authorization: Bearer $FERROTAPE_TOKEN`"), "{error}");
    }
    assert_eq!(asked(sessions, Some(format!("Bearer {token}"))).status, 201);
    // The run's own URL holds the token, for a program that sends no header; and it is an endpoint.
    let (_, path) = puppet.variable("FERROTAPE_URL").rsplit_once('/').expect("it has a path");
    let path = format!("/{path}");
    assert_eq!(asked(&format!("{path}{sessions}"), None).status, 409, "it runs");
    assert_eq!(ask(address, &path, "", "a"), "shop:1");
    assert_eq!(ask(address, &format!("{path}/@books"), "", "a"), "books:1");
    let mut health = Call::bare(PROTON, "").at("/_ferrotape/health");
    health.method = "GET";
    assert_eq!(health.send(address).status, 200, "a probe that waits has no token");
    puppet.end(0);
}

#[test]
fn without_a_default_cassette_sessions_name_theirs() {
    let place = Workplace::new();
    place.write_cassette("books", &cassette("books"));
    let server = place.run(["replay"]).start();
    assert_eq!(ask(server.address, "/@books", "", "b"), "books:3");
    let refused = instance("a", json!({})).send(server.address);
    assert_eq!(refused.status, 404);
    assert_eq!(
        refused.message(),
        "the request names no session, and there is no cassette `default` for those that name none; \
         name one (`AWS_ENDPOINT_URL=http://…/@NAME`), or start Ferrotape with `-c NAME`"
    );
    let refused = instance("a", json!({})).at("/@boks").send(server.address);
    assert_eq!(
        refused.message(),
        "no cassette `boks`: there is no file `cassettes/boks.json` (there is `books`); \
         record it with `ferrotape record`"
    );
    let done = server.stop().expect(11);
    assert!(done.stderr.contains("no cassette `boks`"), "{}", done.stderr);
}

#[test]
fn a_replay_without_a_cassette_of_its_own_has_the_region_of_its_cassettes() {
    let place = Workplace::new();
    for (cassette, region) in [(None, "us-east-1"), (Some("books"), "eu-west-3")] {
        if let Some(name) = cassette {
            place.write_cassette(name, &self::cassette(name).replace("us-east-1", region));
        }
        let puppet = Puppet::start(place.path(), place.run(["replay"]));
        assert_eq!(puppet.variable("AWS_DEFAULT_REGION"), region);
        puppet.end(0);
        place.write_cassette("a", &tape(&[]));
    }
}

#[test]
fn what_auto_recorded_elsewhere_is_not_to_be_recorded_from_aws() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let auto = place
        .run(["auto", "-c", "shop", "--upstream", &upstream.url])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    let puppet = Puppet::start(place.path(), auto);
    assert_eq!(puppet.send(instance("one", json!({ "templateMajorVersion": "1" }))).status, 200);
    puppet.end(0).expect(0);
    let server = place.replay("shop", []);
    let missed = ask(server.address, "/", "", "other");
    let hint = format!("record it: ferrotape auto -c shop --upstream {}", upstream.url);
    assert!(missed.ends_with(&hint), "{missed}");
    server.stop().expect(11);
}

#[test]
fn where_a_session_has_no_cassette_the_hint_says_again_what_was_typed() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream.url);
    session(&puppet, "t1", &["one"]);
    session(&puppet, "t2", &["two"]);
    puppet.end(0).expect(0);
    std::fs::rename(place.path().join("cassettes"), place.path().join("tapes")).expect("it can be moved");
    let told_of = |name: &'static str, is_ci: &str| {
        let run = place
            .run(["replay", "--cassettes", "tapes", "--model", "botocore.json"])
            .env("CI", is_ci);
        std::fs::write(place.path().join("botocore.json"), "{\"metadata\":{\"serviceId\":\"X\",\"apiVersion\":\"1\",\"endpointPrefix\":\"x\",\"protocol\":\"json\",\"jsonVersion\":\"1.1\",\"targetPrefix\":\"X\",\"signatureVersion\":\"v4\",\"serviceFullName\":\"X\"},\"operations\":{},\"shapes\":{}}").expect("it is written");
        let puppet = Puppet::start(place.path(), run);
        let told = told(puppet.address(), "POST", "/sessions", &json!({ "name": name }), 404);
        let done = puppet.end(1).expect(1);
        let words = "no call of the command ever reached Ferrotape; the control endpoint refused to start a session: no cassette `t3`";
        assert!(done.stderr.contains(words), "{}", done.stderr);
        portless(told["error"].as_str().expect("a text"))
    };
    let command = "record it with `ferrotape record --cassettes tapes --model botocore.json --upstream http://127.0.0.1:PORT -- sh …`";
    let told = told_of("t3", "");
    assert!(
        told.starts_with("no cassette `t3`: there is no file `tapes/t3.json` (there is `t1`, `t2`); "),
        "{told}"
    );
    assert!(told.ends_with(command), "{told}");
    let told = told_of("t3", "true");
    assert!(told.ends_with(&format!("{command} on a machine where `CI` is not set")), "{told}");
}

#[test]
fn a_miss_tells_its_session_and_cassette() {
    let place = Workplace::new();
    let server = replaying(&place, &[]);
    let address = server.address;
    told(address, "POST", "/sessions", &json!({ "name": "t1", "cassette": "books" }), 201);
    let message = ask(address, "/@t1", "", "missing");
    assert_eq!(
        message,
        "no recording of `Proton CreateServiceInstance` has this input\n\
         the nearest is interaction 1 of 3:\n  /name: recorded \"a\", sent \"missing\"\n\
         what may differ is named in `ferrotape.toml`:\n  [match]\n  ignore = [\"CreateServiceInstance:/name\"]\n\
         session `t1` of cassette `books`\nrecord it: ferrotape auto -c shop"
    );
    let done = server.stop().expect(11);
    assert!(done.stderr.contains("(session `t1`)"), "{}", done.stderr);
}

#[test]
fn an_interaction_is_unplayed_where_no_session_played_it() {
    let place = Workplace::new();
    let server = replaying(&place, &["--all-played"]);
    for (session, call) in [("t1", "b"), ("t2", "a"), ("t2", "a")] {
        ask(server.address, &format!("/@{session}"), "", call);
    }
    server.stop().expect(0);
    let server = replaying(
        &place,
        &["--all-played", "--report", "json=report.json", "--report", "junit=report.xml"],
    );
    for (session, call) in [("t1", "a"), ("t2", "b")] {
        ask(server.address, &format!("/@{session}"), "", call);
    }
    let done = server.stop().expect(12);
    assert!(done.stderr.contains("interaction 2 of `shop`"), "{}", done.stderr);
    assert!(done.stderr.contains("in 2 sessions"), "{}", done.stderr);
    let text = std::fs::read_to_string(place.path().join("report.json")).expect("it is written");
    let report: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(report["calls"][0]["session"], "t1");
    assert_eq!(
        report["sessions"][2],
        json!({ "name": "t2", "cassette": "shop", "calls": 1, "played": 1, "unplayed": 2 })
    );
    let junit = std::fs::read_to_string(place.path().join("report.xml")).expect("it is written");
    assert!(junit.contains(r#"<testsuite name="t1 (shop)""#), "{junit}");
}

#[test]
fn each_session_records_to_its_own_cassette() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let run = place
        .run(["record", "-c", "shop", "--upstream", &upstream.url])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    let puppet = Puppet::start(place.path(), run);
    told(
        puppet.address(),
        "POST",
        "/sessions",
        &json!({ "name": "t3", "cassette": "team/books" }),
        201,
    );
    let account = "arn:aws:iam::481516234207:role/x";
    for (path, name) in [
        ("/", "own"),
        ("/@t1", "first"),
        ("/@t2", account),
        ("/@t1", "second"),
        ("/@t3", "third"),
    ] {
        let reply = puppet.send(instance("a", json!({ "templateMajorVersion": "1", "branchName": name })).at(path));
        assert_eq!(reply.status, 200, "{}", reply.message());
    }
    let summary = told(puppet.address(), "DELETE", "/sessions/t3", &Value::Null, 200);
    assert_eq!(
        (&summary["cassette"], &summary["recorded"], &summary["ok"]),
        (&json!("team/books"), &json!(1), &json!(true))
    );
    puppet.end(0).expect(0);
    assert!(upstream.seen().iter().all(|seen| seen.refused.is_none()));
    for (cassette, names) in [
        ("shop", &["own"][..]),
        ("t1", &["first", "second"]),
        ("t2", &["arn:aws:iam::000000000001:role/x"]),
        ("team/books", &["third"]),
    ] {
        let recorded = place.cassette(cassette);
        let recorded = recorded["interactions"].as_array().expect("a list").iter();
        let recorded: Vec<&str> = recorded
            .map(|interaction| interaction["request"]["body"]["json"]["branchName"].as_str().expect("a text"))
            .collect();
        assert_eq!(recorded, names, "{cassette}");
    }
    place.run(["verify"]).finish().expect(0);
}

/// A recording without a cassette of its own, from an upstream that behaves well.
fn recording(place: &Workplace, upstream: &str) -> Puppet {
    let run = place
        .run(["record", "--upstream", upstream])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    Puppet::start(place.path(), run)
}

/// Starts a session, makes calls that create these, and ends it.
#[track_caller]
fn session(puppet: &Puppet, name: &str, calls: &[&str]) {
    told(puppet.address(), "POST", "/sessions", &json!({ "name": name }), 201);
    for call in calls {
        let call = instance(call, json!({ "templateMajorVersion": "1" }));
        assert_eq!(puppet.send(call.at(&format!("/@{name}"))).status, 200);
    }
    told(puppet.address(), "DELETE", &format!("/sessions/{name}"), &Value::Null, 200);
}

/// What the calls of a cassette created.
#[track_caller]
fn created(place: &Workplace, cassette: &str) -> Vec<String> {
    let cassette = place.cassette(cassette);
    let interactions = cassette["interactions"].as_array().expect("a list").iter();
    let name = |interaction: &Value| interaction["request"]["body"]["json"]["name"].as_str().map(str::to_owned);
    interactions.map(|interaction| name(interaction).expect("a text")).collect()
}

#[test]
fn a_session_that_makes_no_call_has_a_cassette_that_says_so() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream.url);
    session(&puppet, "t1", &[]);
    session(&puppet, "t2", &["one"]);
    let done = puppet.end(0).expect(0);
    assert!(created(&place, "t1").is_empty());
    let words = "record of 2 cassettes in 2 sessions: 1 call, 1 recorded";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert!(done.stderr.contains("play them with `ferrotape replay -- sh …`"), "{}", done.stderr);
    assert!(!done.stderr.contains("default"), "{}", done.stderr);
    let puppet = Puppet::start(place.path(), place.run(["replay"]));
    session(&puppet, "t1", &[]);
    puppet.end(0).expect(0);
    let server = place.run(["replay"]).start();
    told(server.address, "POST", "/sessions", &json!({ "name": "t1" }), 201);
    let missed = ask(server.address, "/@t1", "", "one");
    assert!(
        missed.contains("no call of `Proton CreateServiceInstance` was recorded"),
        "{missed}"
    );
    server.stop().expect(11);
}

#[test]
fn calls_that_a_session_makes_no_more_leave_its_cassette() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    for calls in [&["one", "two"][..], &["two"], &[]] {
        let puppet = recording(&place, &upstream.url);
        session(&puppet, "t1", calls);
        puppet.end(0).expect(0);
        assert_eq!(created(&place, "t1"), calls);
    }
}

#[test]
fn a_session_s_cassette_is_written_when_it_ends_and_a_run_that_dies_loses_none() {
    let place = Workplace::new();
    let stand_in = place.stand_in();
    let server = place.record("shop", &stand_in.url());
    let address = server.address;
    for name in ["t1", "t2"] {
        told(address, "POST", "/sessions", &json!({ "name": name, "cassette": name }), 201);
        assert_eq!(instance(name, json!({})).at(&format!("/@{name}")).send(address).status, 200);
    }
    told(address, "DELETE", "/sessions/t1", &Value::Null, 200);
    assert_eq!(created(&place, "t1"), ["t1"]);
    server.kill();
    let next = place.record("next", &stand_in.url()).stop().expect(0);
    assert_eq!(next.stderr.matches("recovered ").count(), 1, "{}", next.stderr);
    assert_eq!(created(&place, "t2"), ["t2"]);
    assert!(!place.cassette_path("t1.recovered").exists());
}

#[test]
fn of_a_session_that_is_started_again_the_last_try_is_recorded() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream.url);
    session(&puppet, "t1", &["first-try", "more"]);
    session(&puppet, "t1", &["second-try"]);
    let done = puppet.end(1).expect(1);
    assert_eq!(created(&place, "t1"), ["second-try"]);
    let words = "session `t1` was started again: its cassette is without the 2 calls of before";
    assert!(done.stderr.contains(words), "{}", done.stderr);
}

#[test]
fn sessions_of_one_cassette_record_it_one_behind_the_other() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream.url);
    let address = puppet.address();
    for name in ["t1", "t2", "t1"] {
        told(address, "POST", "/sessions", &json!({ "name": name, "cassette": "shop" }), 201);
        let call = instance(name, json!({ "templateMajorVersion": "1" })).at(&format!("/@{name}"));
        assert_eq!(puppet.send(call).status, 200);
        told(address, "DELETE", &format!("/sessions/{name}"), &Value::Null, 200);
    }
    assert_eq!(created(&place, "shop"), ["t2", "t1"]);
    puppet.end(0).expect(0);
    assert_eq!(created(&place, "shop"), ["t2", "t1"]);
}

#[test]
fn a_session_whose_calls_went_wrong_leaves_its_cassette_as_it_was() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let puppet = recording(&place, &upstream.url);
    session(&puppet, "t1", &["one"]);
    puppet.end(0).expect(0);
    let puppet = recording(&place, &upstream.url);
    let address = puppet.address();
    told(address, "POST", "/sessions", &json!({ "name": "t1" }), 201);
    let call = instance("two", json!({ "templateMajorVersion": "1" })).at("/@t1");
    assert_eq!(puppet.send(call).status, 200);
    drop(upstream);
    assert_ne!(puppet.send(instance("three", json!({})).at("/@t1")).status, 200);
    let summary = told(address, "DELETE", "/sessions/t1", &Value::Null, 200);
    assert_eq!(summary["ok"], false);
    let done = puppet.end(0).expect(13);
    assert_eq!(created(&place, "t1"), ["one"]);
    let words = "a call of the session went wrong, so `cassettes/t1.json` stays as it was; to take the new recording all the same: mv";
    assert!(done.stderr.contains(words), "{}", done.stderr);
}

#[test]
fn a_session_that_auto_records_is_played_when_it_is_started_again() {
    let place = Workplace::new();
    let upstream = Upstream::plain(well_behaved);
    let auto = || {
        let run = place
            .run(["auto", "--upstream", &upstream.url])
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        Puppet::start(place.path(), run)
    };
    let puppet = auto();
    session(&puppet, "t1", &["one"]);
    session(&puppet, "t1", &["one", "two"]);
    session(&puppet, "t2", &[]);
    let done = puppet.end(0).expect(0);
    assert_eq!(upstream.seen().len(), 2);
    assert_eq!(created(&place, "t1"), ["one", "two"]);
    assert!(created(&place, "t2").is_empty());
    assert!(
        done.stderr
            .contains("auto of 2 cassettes in 3 sessions: 3 calls, 2 recorded, 1 played"),
        "{}",
        done.stderr
    );
    let puppet = auto();
    session(&puppet, "t1", &["one", "two"]);
    puppet.end(0).expect(0);
    assert_eq!(upstream.seen().len(), 2);
}

#[test]
fn a_recording_of_many_sessions_that_dies_is_recovered_into_their_cassettes() {
    let elsewhere = Workplace::new();
    let stand_in = elsewhere.stand_in();
    let place = Workplace::new();
    place.recorded_from("t1", &stand_in.url(), &[instance("old", json!({}))]);
    let server = place.record("shop", &stand_in.url());
    for (path, name) in [("/@t1", "one"), ("/@t2", "two"), ("/@t2", "three"), ("/", "own")] {
        assert_eq!(instance(name, json!({})).at(path).send(server.address).status, 200);
    }
    server.kill();
    let next = place.record("next", &stand_in.url()).stop().expect(0);
    assert_eq!(next.stderr.matches("recovered ").count(), 3, "{}", next.stderr);
    for (cassette, count) in [("shop", 1), ("t1", 1), ("t1.recovered", 1), ("t2", 2)] {
        let recovered = place.cassette(cassette);
        assert_eq!(recovered["interactions"].as_array().map(Vec::len), Some(count), "{cassette}");
    }
    let name = |cassette: &str| place.cassette(cassette)["interactions"][0]["request"]["body"]["json"]["name"].clone();
    assert_eq!((name("t1"), name("t1.recovered")), (json!("old"), json!("one")));
    place.run(["verify"]).finish().expect(0);
}

#[test]
fn two_hundred_sessions_at_once_never_see_each_others_answers() {
    let place = Workplace::new();
    let server = replaying(&place, &["--all-played"]);
    let address = server.address;
    std::thread::scope(|scope| {
        for worker in 0..8 {
            scope.spawn(move || {
                for number in (worker..200).step_by(8) {
                    let cassette = if number % 2 == 0 { "shop" } else { "books" };
                    let name = format!("t{number}");
                    told(address, "POST", "/sessions", &json!({ "name": name, "cassette": cassette }), 201);
                    let (path, agent) = match number % 3 {
                        0 => ("/".to_owned(), format!("Boto3/1 app/{name}")),
                        _ => (format!("/@{name}"), String::new()),
                    };
                    for (call, answer) in [("a", 1), ("b", 3), ("a", 2)] {
                        assert_eq!(ask(address, &path, &agent, call), format!("{cassette}:{answer}"));
                    }
                    let summary = told(address, "DELETE", &format!("/sessions/{name}"), &Value::Null, 200);
                    assert_eq!((&summary["ok"], &summary["unplayed"]), (&json!(true), &json!([])), "{summary}");
                }
            });
        }
    });
    let done = server.stop().expect(0);
    assert!(done.stderr.contains("in 200 sessions: 600 calls, 600 played"), "{}", done.stderr);
}
