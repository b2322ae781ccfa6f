//! The upstream's address and our own: AWS's URLs stand in the cassette, and each side gets the URL by
//! which it reaches the thing, in record and in replay, through either door.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::client::{Call, Reply};
use crate::odd_upstream::{Act, OddUpstream, http};
use crate::puppet::Puppet;
use crate::support::Run;
use crate::support::upstream::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::workplace::{Workplace, artifact};

const HOST: &str = "servicecatalog.us-east-1.amazonaws.com";

/// An upstream whose answers name it: `URL` and `AUTHORITY` in the body stand for its own.
fn naming_itself(body: &'static str) -> OddUpstream {
    let own = Arc::new(OnceLock::<String>::new());
    let url = Arc::clone(&own);
    let upstream = OddUpstream::start(move |_, _| {
        let url = url.get().cloned().unwrap_or_default();
        let authority = url.trim_start_matches("http://").to_owned();
        let body = body.replace("URL", &url).replace("AUTHORITY", &authority);
        let port = authority.rsplit(':').next().unwrap_or_default();
        let body = body.replace("PORT", port);
        let headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Location", &format!("{url}/123456789012/q1")),
            ("x-amz-crc32", &crc32fast::hash(body.as_bytes()).to_string()),
        ];
        Act::Answer(http(200, &headers, body.as_bytes()))
    });
    own.set(upstream.url.clone()).expect("it is set once");
    upstream
}

fn record(place: &Workplace, upstream: &OddUpstream) -> Puppet {
    let run = place.run(["record", "-c", "shop", "--upstream", &upstream.url]);
    let run = run.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID);
    Puppet::start(place.path(), run.env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY))
}

fn replay(place: &Workplace) -> Puppet {
    Puppet::start(place.path(), place.run(["replay", "-c", "shop", "--all-played"]))
}

fn asked(puppet: &Puppet, door: &str, call: Call) -> Reply {
    let reply = match door {
        "endpoint" => puppet.send(call),
        _ => {
            let call = call.signed(&puppet.key(), HOST);
            puppet.intercepted(HOST).send(&call).expect("there is an answer")
        }
    };
    assert_eq!(reply.status, 200, "{door}: {}", reply.message());
    reply
}

const ANSWER: &str = r#"{"Info":{"TemplateUrl":"URL/123456789012/q1","Same":"http:\/\/localhost:PORT\/x","At":"AUTHORITY","Nested":"a=http%3A%2F%2F%5B%3A%3A1%5D%3APORT%2Fx"},"Status":"AVAILABLE"}"#;

fn expected(base: &str, sqs: &str, authority: &str) -> Value {
    let escaped = base.replace(':', "%3A").replace('/', "%2F");
    json!({"TemplateUrl": format!("{sqs}/123456789012/q1"), "Same": format!("{base}/x"), "At": authority, "Nested": format!("a={escaped}%2Fx")})
}

#[test]
fn an_answer_that_names_the_upstream_leads_back_through_the_door_it_came_by() {
    let upstream = naming_itself(ANSWER);
    let place = Workplace::new();
    let at_aws = || expected(&format!("https://{HOST}"), "https://sqs.us-east-1.amazonaws.com", HOST);
    let seen_by = |puppet: &Puppet, door: &str| {
        let reply = asked(puppet, door, artifact("token-1", json!({})));
        let (wanted, location) = match door {
            "endpoint" => {
                let authority = puppet.address().to_string();
                let door = format!("http://{authority}");
                (expected(&door, &door, &authority), format!("{door}/123456789012/q1"))
            }
            _ => (at_aws(), "https://sqs.us-east-1.amazonaws.com/123456789012/q1".to_owned()),
        };
        let found = reply.json()["Info"].clone();
        for name in ["TemplateUrl", "Same", "Nested"] {
            assert_eq!(found[name], wanted[name], "{door}");
        }
        assert_eq!(reply.header("location"), Some(location.as_str()));
        let sum = crc32fast::hash(&reply.body).to_string();
        assert_eq!(reply.header("x-amz-crc32"), Some(sum.as_str()));
    };
    for recorded_by in ["endpoint", "intercept"] {
        let puppet = record(&place, &upstream);
        seen_by(&puppet, recorded_by);
        puppet.end(0).expect(0);
        let text = place.cassette_text("shop");
        let port = upstream.url.rsplit(':').next().expect("it has a port");
        assert!(!text.contains(port), "{text}");
        let answer = &place.cassette("shop")["interactions"][0]["response"]["body"];
        assert_eq!(answer["json"]["Info"], at_aws(), "{answer}");
        for played_by in ["endpoint", "intercept"] {
            let puppet = replay(&place);
            seen_by(&puppet, played_by);
            puppet.end(0).expect(0);
        }
    }
}

#[test]
fn a_session_in_the_path_is_in_the_url_that_leads_back() {
    let upstream = naming_itself(ANSWER);
    let place = Workplace::new();
    let puppet = record(&place, &upstream);
    let reply = puppet.send(artifact("token-1", json!({})).at("/@shop/"));
    let url = reply.json()["Info"]["TemplateUrl"].as_str().unwrap_or_default().to_owned();
    assert_eq!(url, format!("http://{}/@shop/123456789012/q1", puppet.address()));
    puppet.end(0).expect(0);
}

#[test]
fn a_recording_of_aws_keeps_its_urls_at_either_door() {
    let upstream = naming_itself(r#"{"Info":{"TemplateUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/q1"},"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let puppet = record(&place, &upstream);
    asked(&puppet, "endpoint", artifact("token-1", json!({})));
    puppet.end(0).expect(0);
    // As if it came from AWS: nothing of the upstream is in it.
    let text = place.cassette_text("shop").replace("upstream-address", "other");
    place.write_cassette("shop", &text);
    let puppet = replay(&place);
    let reply = asked(&puppet, "endpoint", artifact("token-1", json!({})));
    assert_eq!(
        reply.json()["Info"]["TemplateUrl"],
        "https://sqs.us-east-1.amazonaws.com/123456789012/q1"
    );
    puppet.end(0).expect(0);
}

/// The upstream's URL as inputs hold it.
fn as_sent(upstream: &OddUpstream) -> String {
    upstream.url.replace("127.0.0.1", "localhost")
}

#[test]
fn an_emulator_that_says_its_caller_s_host_without_tls_is_kept_with_it() {
    let upstream = naming_itself(r#"{"Info":{"TemplateUrl":"http://servicecatalog.us-east-1.amazonaws.com/q1"},"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let puppet = record(&place, &upstream);
    let reply = asked(&puppet, "intercept", artifact("token-1", json!({})));
    assert_eq!(reply.json()["Info"]["TemplateUrl"], format!("https://{HOST}/q1"));
    puppet.end(0).expect(0);
    let puppet = replay(&place);
    let reply = asked(&puppet, "endpoint", artifact("token-1", json!({})));
    assert_eq!(reply.json()["Info"]["TemplateUrl"], format!("http://{}/q1", puppet.address()));
    puppet.end(0).expect(0);
}

#[test]
fn a_url_that_the_client_presigned_for_the_door_is_kept_without_its_signature() {
    let upstream = naming_itself(r#"{"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let signed = |puppet: &Puppet, at: u32| {
        let query = format!("versionId=1&AWSAccessKeyId=AKIDUNVERIFIED&Signature={at}a%3D&Expires={at}");
        template(&format!("http://{}/@shop:token/bucket/t.yaml?{query}", puppet.address()))
    };
    let puppet = record(&place, &upstream);
    asked(&puppet, "endpoint", signed(&puppet, 1_795_735_689));
    puppet.end(0).expect(0);
    let info = &place.cassette("shop")["interactions"][0]["request"]["body"]["json"]["Parameters"]["Info"];
    assert_eq!(
        info["LoadTemplateFromURL"],
        "https://s3.us-east-1.amazonaws.com/bucket/t.yaml?versionId=1"
    );
    let puppet = replay(&place);
    asked(&puppet, "endpoint", signed(&puppet, 1_795_739_999));
    puppet.end(0).expect(0);
}

#[test]
fn plain_http_to_a_host_of_aws_by_way_of_the_proxy_is_a_call() {
    let upstream = naming_itself(r#"{"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    for command in ["record", "replay"] {
        let puppet = if command == "record" {
            record(&place, &upstream)
        } else {
            replay(&place)
        };
        let (user, proxy) = puppet.proxy();
        let user = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, user);
        let call = artifact("token-1", json!({}))
            .signed(&puppet.key(), HOST)
            .at(&format!("http://{HOST}/"));
        let without = call.send(proxy);
        assert_eq!(without.status, 407, "{command}: {without:?}");
        let reply = call.header("Proxy-Authorization", &format!("Basic {user}")).send(proxy);
        assert_eq!(reply.status, 200, "{command}: {}", reply.message());
        puppet.end(0);
    }
    let cassette = place.cassette("shop");
    assert_eq!(cassette["interactions"][0]["request"]["uri"], format!("http://{HOST}/"));
    assert!(
        !upstream.seen()[0].to_ascii_lowercase().contains("proxy-authorization"),
        "{:?}",
        upstream.seen()
    );
}

/// A call whose input names the door itself, as a client makes such URLs of its endpoint.
fn template(url: &str) -> Call {
    let parameters = json!({ "Name": "v1", "Type": "CLOUD_FORMATION_TEMPLATE", "Info": { "LoadTemplateFromURL": url } });
    artifact("token-1", json!({ "Parameters": parameters }))
}

#[test]
fn our_own_address_in_an_input_is_aws_s_when_it_is_kept_and_matched_and_the_upstream_s_when_it_is_sent() {
    let upstream = naming_itself(r#"{"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let named = |puppet: &Puppet| {
        let port = puppet.address().port();
        [
            format!("http://127.0.0.1:{port}/bucket/t.yaml"),
            format!("http://localhost:{port}/bucket/t.yaml"),
            format!("http://[::1]:{port}/@shop/bucket/t.yaml"),
            format!("http://127.0.0.1:{port}/@shop:secret%2Ftoken/bucket/t.yaml"),
            format!("{}/bucket/t.yaml", puppet.variable("FERROTAPE_URL")),
        ]
    };
    let puppet = record(&place, &upstream);
    for url in named(&puppet) {
        asked(&puppet, "endpoint", template(&url));
    }
    puppet.end(0).expect(0);
    for request in upstream.seen() {
        let sent = format!(r#""LoadTemplateFromURL":"{}/bucket/t.yaml""#, as_sent(&upstream));
        assert!(request.contains(&sent), "{request}");
    }
    let cassette = place.cassette("shop");
    for interaction in cassette["interactions"].as_array().expect("it has interactions") {
        let info = &interaction["request"]["body"]["json"]["Parameters"]["Info"];
        assert_eq!(info["LoadTemplateFromURL"], "https://s3.us-east-1.amazonaws.com/bucket/t.yaml");
    }
    for door in ["endpoint", "intercept"] {
        let puppet = replay(&place);
        for url in named(&puppet) {
            asked(&puppet, door, template(&url));
        }
        puppet.end(0).expect(0);
    }
}

#[test]
fn a_request_that_the_client_signed_itself_goes_on_as_it_is() {
    let upstream = naming_itself(r#"{"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let puppet = record(&place, &upstream);
    let url = format!("http://{}/bucket/t.yaml", puppet.address());
    let mine = crate::client::Key::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None);
    let call = template(&url).signed(&mine, HOST);
    assert_eq!(puppet.intercepted(HOST).send(&call).expect("there is an answer").status, 200);
    puppet.end(0).expect(0);
    assert!(upstream.seen()[0].contains(&url), "{:?}", upstream.seen());
    let info = &place.cassette("shop")["interactions"][0]["request"]["body"]["json"]["Parameters"]["Info"];
    assert_eq!(info["LoadTemplateFromURL"], "https://s3.us-east-1.amazonaws.com/bucket/t.yaml");
}

/// The upstream's own URL in every part of a call: a member, JSON in one, a header, the query.
fn naming(url: &str) -> Call {
    let nested = json!({ "next": format!("{url}/bucket/t.yaml"), "list": [url] }).to_string();
    let info = json!({ "LoadTemplateFromURL": format!("{url}/bucket/t.yaml"), "Nested": nested });
    let parameters = json!({ "Name": "v1", "Type": "CLOUD_FORMATION_TEMPLATE", "Info": info });
    let escaped = url.replace(':', "%3A").replace('/', "%2F");
    artifact("token-1", json!({ "Parameters": parameters }))
        .header("X-Note", &format!("see {url}/bucket/k"))
        .at(&format!("/?to={escaped}%2Fbucket%2Fk"))
}

#[test]
fn the_upstream_s_address_in_a_request_is_aws_s_where_it_is_kept_and_matched_and_goes_on_as_it_is() {
    let upstream = naming_itself(r#"{"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    for recorded_by in ["endpoint", "intercept"] {
        let puppet = record(&place, &upstream);
        asked(&puppet, recorded_by, naming(&upstream.url));
        puppet.end(0).expect(0);
        let sent = upstream.seen().pop().expect("it was asked");
        let escaped = upstream.url.replace(':', "%3A").replace('/', "%2F");
        for part in [&format!(r#""LoadTemplateFromURL":"{}/bucket/t.yaml""#, upstream.url), &escaped] {
            assert!(sent.contains(part.as_str()), "{recorded_by}: {part} is not in {sent}");
        }
        let text = place.cassette_text("shop");
        let port = upstream.url.rsplit(':').next().expect("it has a port");
        assert!(!text.contains(port), "{recorded_by}: {text}");
        let request = &place.cassette("shop")["interactions"][0]["request"];
        let info = &request["body"]["json"]["Parameters"]["Info"];
        assert_eq!(info["LoadTemplateFromURL"], "https://s3.us-east-1.amazonaws.com/bucket/t.yaml");
        let nested = r#"{"next":"https://s3.us-east-1.amazonaws.com/bucket/t.yaml","list":["https://s3.us-east-1.amazonaws.com"]}"#;
        assert_eq!(info["Nested"], nested);
        for door in ["endpoint", "intercept"] {
            for url in [upstream.url.as_str(), "http://localhost:5000", "http://moto:5000"] {
                let puppet = replay(&place);
                asked(&puppet, door, naming(url));
                puppet.end(0).expect(0);
            }
        }
    }
}

#[test]
fn a_local_url_that_no_recording_has_is_a_miss_and_shown_as_it_was_sent() {
    let upstream = naming_itself(r#"{"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let puppet = record(&place, &upstream);
    asked(&puppet, "endpoint", template("http://127.0.0.1:9/bucket/t.yaml"));
    puppet.end(0).expect(0);
    let info = |place: &Workplace| place.cassette("shop")["interactions"][0]["request"]["body"]["json"]["Parameters"]["Info"].clone();
    assert_eq!(
        info(&place)["LoadTemplateFromURL"],
        "http://127.0.0.1:9/bucket/t.yaml",
        "it is another's"
    );
    let puppet = replay(&place);
    asked(&puppet, "endpoint", template("http://127.0.0.1:9/bucket/t.yaml"));
    let missed = puppet.send(artifact(
        "token-2",
        json!({ "Parameters": { "Name": "v1", "Info": { "LoadTemplateFromURL": "http://127.0.0.1:9/u" } } }),
    ));
    assert_eq!(missed.status, 400);
    assert!(missed.message().contains("http://127.0.0.1:9/u"), "{}", missed.message());
    puppet.end(0).expect(11);
}

#[test]
fn a_call_that_no_model_knows_and_nothing_records_leads_back_through_the_door_too() {
    let upstream = naming_itself(r#"{"pages":{"nextPage":"URL/things?page=2"}}"#);
    let place = Workplace::new();
    let server = place.record("shop", &upstream.url);
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDUNVERIFIED/20260101/us-east-1/coffee/aws4_request, SignedHeaders=host, Signature=00";
    let call = Call::bare("Coffee.List", "{}").header("Authorization", scope);
    let reply = call.send(server.address);
    assert_eq!(reply.status, 200, "{}", reply.message());
    let door = format!("http://{}", server.address);
    assert_eq!(reply.json()["pages"]["nextPage"], format!("{door}/things?page=2"));
    assert_eq!(reply.header("location"), Some(format!("{door}/123456789012/q1").as_str()));
    server.stop().expect(14);
}

#[test]
fn an_upstream_below_a_path_is_named_with_it() {
    let upstream = naming_itself(r#"{"Info":{"TemplateUrl":"URL/base/123456789012/q1","Other":"URL/other"},"Status":"AVAILABLE"}"#);
    let place = Workplace::new();
    let run: Run = place.run(["record", "-c", "shop", "--upstream", &format!("{}/base", upstream.url)]);
    let puppet = Puppet::start(place.path(), run);
    let reply = puppet.send(template(&format!("http://{}/bucket/t.yaml", puppet.address())));
    assert_eq!(
        reply.json()["Info"]["TemplateUrl"],
        format!("http://{}/123456789012/q1", puppet.address())
    );
    puppet.end(0).expect(0);
    let sent = format!(r#""LoadTemplateFromURL":"{}/base/bucket/t.yaml""#, as_sent(&upstream));
    assert!(upstream.seen()[0].contains(&sent), "{:?}", upstream.seen());
}
