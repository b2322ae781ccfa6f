//! What redaction promises, held in every protocol: one small service, spoken to in each of them.

use super::key::{Key, key};
use crate::cassette::{Interaction, Redacted};
use crate::codec::event_stream;
use crate::inspect::{Finding, Verdict, inspect, inspect_recorded};
use crate::model::catalog::Catalog;
use crate::model::schema::ShapeIndex;
use crate::protocol::{Malformed, PROTOCOLS, Protocol, Reply};
use crate::redaction::Redactor;
use crate::redaction::echo::Template;
use crate::redaction::rules::Rule;
use crate::redaction::stand_in::StandIns;
use crate::redaction::testing::{SALT, redaction};
use crate::value::Value;
use crate::wire::{Exchange, Request, Response};
use proptest::prelude::*;
use std::sync::LazyLock;

/// `PROTOCOL` and `NAMED` are filled in. `Put` binds members to every part of a message, `Send` has
/// all in the body, `Store` has a body that is one blob.
pub(super) const MODEL: &str = r##"{"smithy":"2.0","shapes":{
"t#NAMED":{"type":"service","version":"2020-01-01","operations":[{"target":"t#Put"},{"target":"t#Send"},{"target":"t#Store"},{"target":"t#Watch"}],
 "traits":{"aws.api#service":{"sdkId":"NAMED"},"aws.auth#sigv4":{"name":"n"},"PROTOCOL":{},"smithy.api#xmlNamespace":{"uri":"urn:t"}}},
"t#Put":{"type":"operation","input":{"target":"t#PutInput"},"output":{"target":"t#PutOutput"},"errors":[{"target":"t#Oops"}],
 "traits":{"smithy.api#http":{"method":"POST","uri":"/put/{id}/of/{path+}?kind=put","code":200}}},
"t#Send":{"type":"operation","input":{"target":"t#SendInput"},"output":{"target":"t#SendOutput"},
 "traits":{"smithy.api#http":{"method":"POST","uri":"/send","code":200}}},
"t#Store":{"type":"operation","input":{"target":"t#StoreInput"},"output":{"target":"t#StoreOutput"},
 "traits":{"smithy.api#http":{"method":"PUT","uri":"/store","code":200}}},
"t#Watch":{"type":"operation","input":{"target":"t#Watched"},"output":{"target":"t#Watched"},
 "traits":{"smithy.api#http":{"method":"POST","uri":"/watch","code":200}}},
"t#Watched":{"type":"structure","members":{"stream":{"target":"t#Events","traits":{"smithy.api#httpPayload":{}}}}},
"t#Events":{"type":"union","members":{"data":{"target":"t#Data"},"raw":{"target":"t#RawEvent"},"said":{"target":"t#Said"}},
 "traits":{"smithy.api#streaming":{}}},
"t#Data":{"type":"structure","members":{"spec":{"target":"t#Secret"},"note":{"target":"smithy.api#String"},
 "key":{"target":"t#Secret","traits":{"smithy.api#eventHeader":{}}},"hint":{"target":"smithy.api#String","traits":{"smithy.api#eventHeader":{}}},
 "blob":{"target":"t#SecretBlob","traits":{"smithy.api#eventHeader":{}}}}},
"t#RawEvent":{"type":"structure","members":{"bytes":{"target":"smithy.api#Blob","traits":{"smithy.api#eventPayload":{}}}}},
"t#Said":{"type":"structure","members":{"text":{"target":"t#Secret","traits":{"smithy.api#eventPayload":{}}}}},
"t#PutInput":{"type":"structure","members":{
 "id":{"target":"t#Secret","traits":{"smithy.api#httpLabel":{},"smithy.api#required":{}}},
 "path":{"target":"smithy.api#String","traits":{"smithy.api#httpLabel":{},"smithy.api#required":{}}},
 "filter":{"target":"t#Secret","traits":{"smithy.api#httpQuery":"filter"}},
 "filters":{"target":"t#Secrets","traits":{"smithy.api#httpQuery":"f"}},
 "key":{"target":"t#Secret","traits":{"smithy.api#httpHeader":"X-Named-Key"}},
 "keys":{"target":"t#Secrets","traits":{"smithy.api#httpHeader":"X-Named-Keys"}},
 "meta":{"target":"t#SecretMap","traits":{"smithy.api#httpPrefixHeaders":"x-meta-"}},
 "note":{"target":"smithy.api#String"},"spec":{"target":"t#Secret","traits":{"smithy.api#jsonName":"the spec","smithy.api#xmlName":"TheSpec"}},
 "clientToken":{"target":"smithy.api#String","traits":{"smithy.api#idempotencyToken":{},"smithy.api#httpHeader":"X-Named-Token"}}}},
"t#PutOutput":{"type":"structure","members":{
 "spec":{"target":"t#Secret"},"again":{"target":"t#Secret","traits":{"smithy.api#httpHeader":"X-Named-Again"}},
 "token":{"target":"smithy.api#String","traits":{"smithy.api#httpHeader":"X-Named-Token"}},
 "Credentials":{"target":"t#Credentials"},"arn":{"target":"smithy.api#String"}}},
"t#SendInput":{"type":"structure","members":{
 "note":{"target":"smithy.api#String"},"spec":{"target":"t#Secret"},"pin":{"target":"t#Pin"},"code":{"target":"t#Code"},
 "blob":{"target":"t#SecretBlob"},"number":{"target":"t#SecretNumber"},"at":{"target":"t#SecretTime"},"flag":{"target":"t#SecretFlag"},
 "environment":{"target":"t#SecretMap"},"flat":{"target":"t#SecretMap","traits":{"smithy.api#xmlFlattened":{}}},"plain":{"target":"t#Map"},
 "items":{"target":"t#Items"},"flats":{"target":"t#Secrets","traits":{"smithy.api#xmlFlattened":{}}},
 "mark":{"target":"t#Secret","traits":{"smithy.api#xmlAttribute":{}}},
 "accountId":{"target":"smithy.api#String"},"arn":{"target":"smithy.api#String"},
 "clientToken":{"target":"smithy.api#String","traits":{"smithy.api#idempotencyToken":{}}}}},
"t#SendOutput":{"type":"structure","members":{"spec":{"target":"t#Secret"},"token":{"target":"smithy.api#String"},"items":{"target":"t#Items"}}},
"t#StoreInput":{"type":"structure","members":{"body":{"target":"smithy.api#Blob","traits":{"smithy.api#httpPayload":{}}},
 "length":{"target":"smithy.api#Long","traits":{"smithy.api#httpHeader":"Content-Length"}}}},
"t#StoreOutput":{"type":"structure","members":{"body":{"target":"t#SecretBlob","traits":{"smithy.api#httpPayload":{}}}}},
"t#Oops":{"type":"structure","members":{"message":{"target":"t#Secret"},"detail":{"target":"t#Secret"}},"traits":{"smithy.api#error":"client"}},
"t#Credentials":{"type":"structure","members":{"AccessKeyId":{"target":"smithy.api#String"},
 "SecretAccessKey":{"target":"t#Secret"},"SessionToken":{"target":"smithy.api#String"},"Expiration":{"target":"smithy.api#Timestamp"}}},
"t#Secret":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":1,"max":200}}},
"t#Secrets":{"type":"list","member":{"target":"t#Secret"}},
"t#Pin":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":8,"max":8}}},
"t#Code":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#pattern":"^[A-Z]{3}-[0-9]{6}$"}},
"t#SecretBlob":{"type":"blob","traits":{"smithy.api#sensitive":{}}},
"t#SecretFlag":{"type":"boolean","traits":{"smithy.api#sensitive":{}}},
"t#SecretTime":{"type":"timestamp","traits":{"smithy.api#sensitive":{}}},
"t#SecretNumber":{"type":"integer","traits":{"smithy.api#sensitive":{},"smithy.api#range":{"min":1000,"max":1999999999}}},
"t#SecretMap":{"type":"map","key":{"target":"t#SecretKey"},"value":{"target":"t#Secret"}},
"t#SecretKey":{"type":"string","traits":{"smithy.api#sensitive":{}}},
"t#Map":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"}},
"t#Items":{"type":"list","member":{"target":"t#Item"}},
"t#Item":{"type":"structure","members":{"password":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"},
 "inner":{"target":"t#Items"}}}
}}"##;

pub(super) struct World {
    protocol: &'static dyn Protocol,
    catalog: Catalog,
}

pub(super) static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| PROTOCOLS.iter().map(|protocol| World::new(*protocol)).collect());

impl World {
    fn new(protocol: &'static dyn Protocol) -> World {
        World::of(protocol, MODEL)
    }

    pub(super) fn of(protocol: &'static dyn Protocol, model: &str) -> World {
        let name = protocol.id().rsplit('#').next().unwrap();
        let model = model
            .replace("PROTOCOL", protocol.id())
            .replace("NAMED", name)
            .replace("Named", "N");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), model).unwrap();
        let catalog = Catalog::with_models(&[file.path()]).unwrap();
        World { protocol, catalog }
    }

    pub(super) fn id(&self) -> &'static str {
        self.protocol.id()
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(super) fn is_streaming(&self) -> bool {
        self.is_rest() || self.id().contains("rpcv2")
    }

    fn is_rest(&self) -> bool {
        self.protocol.id().contains("rest")
    }

    /// An exchange as a client and a service would write it.
    pub(super) fn exchange(&self, operation: &str, input: &Value, output: &Value) -> (Request, Response) {
        let name = self.protocol.id().rsplit('#').next().unwrap();
        let service = self.catalog.by_shape_name(name).unwrap();
        let operation = service.operation_named(operation).unwrap();
        let request = self.protocol.encode_request(service, operation, "n.us-east-1.amazonaws.com", input);
        (request, self.protocol.encode_response(service, operation, output))
    }

    fn error(&self, value: &Value) -> Response {
        let name = self.protocol.id().rsplit('#').next().unwrap();
        let service = self.catalog.by_shape_name(name).unwrap();
        self.protocol
            .encode_modelled_error(service, service.error_named(None, "Oops").unwrap(), value)
    }

    fn finding(&self, request: &Request, response: &Response) -> Finding {
        let exchange = Exchange {
            request: Some(request.clone()),
            response: Some(response.clone()),
        };
        inspect(&self.catalog, &exchange)
    }

    pub(super) fn taken(&self, redactor: &Redactor, request: &Request, response: &Response) -> Interaction {
        let finding = self.finding(request, response);
        assert_eq!(
            finding.request.as_ref().unwrap().verdict,
            Verdict::Conforms,
            "{} {request:?}",
            self.protocol.id()
        );
        redactor
            .redact(request, response, &finding, 1)
            .unwrap_or_else(|leak| panic!("{}: {leak}: {request:?} {response:?}", self.protocol.id()))
    }

    /// The key as it would be if no place hid anything.
    pub(super) fn plain_key(&self, request: &Request) -> Key {
        self.key(request, &redactor_after(&[]), true)
    }

    pub(super) fn key(&self, request: &Request, redactor: &Redactor, recorded: bool) -> Key {
        let finding = self.finding(request, &Response::default());
        let (call, input) = (finding.call.unwrap(), finding.request.unwrap().content.unwrap());
        key(&call, &input, redactor, recorded)
    }
}

pub(super) fn redactor_after(known: &[Interaction]) -> Redactor {
    Redactor::new(&redaction(), &mut known.iter())
}

pub(super) fn object(members: Vec<(&str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Everything that is written of an interaction, with what percent-encoding and base64 hide.
pub(super) fn all_of(taken: &Interaction) -> String {
    let mut out = taken.request.uri().to_string();
    for (name, value) in taken.request.headers().iter().chain(taken.response.headers()) {
        out += &format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    for body in [taken.request.body(), taken.response.body()] {
        out.push('\n');
        out += &String::from_utf8_lossy(body);
    }
    let decoded = percent_encoding::percent_decode_str(&out).decode_utf8_lossy().into_owned();
    out + "\n" + &decoded
}

/// A text that no stand-in holds, with what formats have to escape.
pub(super) fn secret() -> impl Strategy<Value = String> {
    (0u8..6, "[a-z]{1,5}").prop_map(|(kind, word)| match kind {
        0 => format!("hush-{word}"),
        1 => format!("hush {word} <&> \"'"),
        2 => format!("hush/{word}%2F+é"),
        3 => format!("hush,{word}, x"),
        4 => format!("hush={word}&a=b\\"),
        _ => format!("hush-{word}-6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11"),
    })
}

/// A text that is no secret, or holds one by its form.
pub(super) fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z<&\"é]{1,6}",
        Just("key AKIAIOSFODNN7SECRETS!".to_owned()),
        Just("arn:aws:iam::481516234207:role/x".to_owned()),
        Just("https://sqs.us-east-1.amazonaws.com/210987654321/q".to_owned()),
        Just("password=hushed2".to_owned()),
        Just(r#"{"clientSecret": "hushed2"}"#.to_owned()),
    ]
}

fn put_input() -> impl Strategy<Value = Value> {
    (secret(), word(), secret(), secret(), secret(), "[a-z]{2,6}").prop_map(|(one, word, two, three, four, name)| {
        let list = |items: &[&str]| Value::List(items.iter().map(|item| text(item)).collect());
        let header = |secret: &str| text(&secret.replace('é', "e"));
        object(vec![
            ("id", text(&one)),
            ("path", text("a/b c/d")),
            ("filter", text(&two)),
            ("filters", list(&[&one, &three])),
            ("key", header(&three)),
            ("keys", list(&[&four.replace('é', "e"), "hush-list"])),
            ("meta", object(vec![(&format!("hush~{name}"), header(&two))])),
            ("note", text(&word)),
            ("spec", text(&four)),
            ("clientToken", text("7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11")),
        ])
    })
}

fn send_input() -> impl Strategy<Value = Value> {
    let member = (0usize..15, secret(), word(), 0u32..3);
    proptest::collection::vec(member, 1..7).prop_map(|members| {
        let mut input: Vec<(String, Value)> = Vec::new();
        for (which, secret, word, number) in members {
            let item = |value: &str| object(vec![("password", text(value)), ("value", text(&word))]);
            let (name, value) = match which {
                0 => ("note", text(&word)),
                1 => ("spec", text(&secret)),
                2 => ("pin", text(&format!("hush234{number}"))),
                3 => ("number", Value::Integer(4321 + i128::from(number))),
                4 => (
                    "environment",
                    object(vec![(&format!("hush~{number}"), text(&secret)), ("hush~b", text("hush-c"))]),
                ),
                5 => ("flat", object(vec![(format!("~{secret}").as_str(), text("hush-d"))])),
                6 => ("plain", object(vec![("password", text(&secret)), ("b", text(&word))])),
                7 => ("items", Value::List(vec![item(&secret), item("hush-e")])),
                8 => (
                    "items",
                    Value::List(vec![object(vec![
                        ("inner", Value::List(vec![item(&secret)])),
                        ("value", text(&word)),
                    ])]),
                ),
                9 => ("flats", Value::List(vec![text(&secret), text("hush-f"), text(&secret)])),
                10 => ("mark", text(&secret)),
                11 => ("accountId", text(&format!("12345678901{number}"))),
                12 => ("blob", Value::Blob(format!("hush{secret}").into_bytes())),
                13 => (
                    "at",
                    Value::Timestamp {
                        seconds: 1_600_000_000 + i64::from(number),
                        nanos: 0,
                    },
                ),
                _ => ("code", text(&format!("ABC-12345{number}"))),
            };
            if !input.iter().any(|(known, _)| known == name) {
                input.push((name.to_owned(), value));
            }
        }
        input.push(("clientToken".to_owned(), text("7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11")));
        Value::Object(input)
    })
}

/// Whether a text has another in it; a short number only as a word of its own, since stand-ins have
/// digits.
fn has(text: &str, hidden: &str) -> bool {
    let is_number = hidden.len() == 4 && hidden.bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
    text.match_indices(hidden).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + hidden.len()..]);
        !(is_number && (is_part(before.chars().next_back()) || is_part(after.chars().next())))
    })
}

/// What must hold of any exchange whose stand-ins are known from true values: recording what a replay
/// gives back changes nothing, the list of what is hidden included.
pub(super) fn recorded_twice(world: &World, operation: &str, input: &Value, output: &Value) {
    let id = world.protocol.id();
    let once = recorded_once(world, operation, input, output);
    let replaying = redactor_after(std::slice::from_ref(&once));
    let recorded = world.key(&once.request, &replaying, true);
    assert_eq!(world.key(&once.request, &replaying, false), recorded, "{id}: {once:?}");
    is_same(&once, &world.taken(&replaying, &once.request, &once.response), id);
}

#[track_caller]
fn is_same(once: &Interaction, twice: &Interaction, id: &str) {
    assert_eq!(twice.request.uri(), once.request.uri(), "{id}");
    assert_eq!(twice.request.headers(), once.request.headers(), "{id}");
    assert_eq!(twice.request.body(), once.request.body(), "{id}");
    assert_eq!(twice.response.headers(), once.response.headers(), "{id}");
    assert_eq!(twice.response.body(), once.response.body(), "{id}");
    assert_eq!(listed(twice), listed(once), "{id}: {once:?}");
}

/// What is listed as hidden. Not what its form gave away inside of an event stream: a stand-in has no
/// such form, so it is known by the place where the cassette lists it; and which of a stream's frames
/// is which member only the model says, which a redactor has not read when it learns its cassette.
fn listed(taken: &Interaction) -> Vec<&Redacted> {
    let is_stream = |side: &str| {
        let headers = if side == "request" {
            taken.request.headers()
        } else {
            taken.response.headers()
        };
        headers
            .get("content-type")
            .is_some_and(|media_type| media_type == event_stream::MEDIA_TYPE)
    };
    let by_form = [Rule::AccessKeyId, Rule::SecretForms, Rule::SessionToken].map(Rule::id);
    let is_known = |place: &&Redacted| {
        let side = place.path.split('/').nth(1).unwrap_or_default();
        !(is_stream(side) && place.path.contains("/body") && by_form.contains(&place.rule.as_str()))
    };
    taken.redacted.iter().filter(is_known).collect()
}

/// Records an exchange: nothing secret is written, it conforms, the same call still matches, and the
/// rules of today find nothing new in it. ec2Query has no maps.
pub(super) fn recorded_once(world: &World, operation: &str, input: &Value, output: &Value) -> Interaction {
    let id = world.protocol.id();
    let mut input = input.clone();
    if let (Value::Object(members), true) = (&mut input, id.contains("ec2")) {
        members.retain(|(_, value)| !matches!(value, Value::Object(_)));
    }
    let (request, response) = world.exchange(operation, &input, output);
    let redactor = redactor_after(&[]);
    let once = world.taken(&redactor, &request, &response);

    let written = all_of(&once);
    for hidden in [
        "hush",
        "aHVza",
        "4321",
        "4322",
        "4323",
        "16000000",
        "2020-09-13",
        "AKIAIOSFODNN7",
        "481516234207",
    ] {
        assert!(!has(&written, hidden), "{id}: {hidden} in {written}");
    }

    // Whoever loads the cassette finds nothing more to hide, and nothing that does not conform.
    let replaying = redactor_after(std::slice::from_ref(&once));
    let finding = inspect_recorded(&world.catalog, &once);
    let mut loaded = once.clone();
    assert_eq!(
        replaying.redact_loaded(&mut loaded, &finding),
        Vec::<String>::new(),
        "{id}: {written}"
    );
    for verdict in [finding.request.unwrap().verdict, finding.response.unwrap().verdict] {
        assert_eq!(verdict, Verdict::Conforms, "{id}: {written}");
    }

    let recorded = world.key(&once.request, &replaying, true);
    assert_eq!(world.key(&request, &replaying, false), recorded, "{id}: {input:?} {written}");
    let again = replaying.redact_again(&once, &inspect_recorded(&world.catalog, &once));
    is_same(&once, &again.unwrap_or_else(|leak| panic!("{id}: {leak}: {written}")), id);
    once
}

fn credentials() -> Value {
    object(vec![
        ("AccessKeyId", text("AKIAIOSFODNN7SECRETS")),
        ("SecretAccessKey", text("hush-secret")),
        ("SessionToken", text("hush-session")),
        (
            "Expiration",
            Value::Timestamp {
                seconds: 1_600_000_000,
                nanos: 0,
            },
        ),
    ])
}

proptest! {
    #![proptest_config(crate::trials::cases(48))]

    #[test]
    fn nothing_sensitive_is_written_and_all_else_stays_true(input in send_input(), put in put_input(), back in secret()) {
        for world in WORLDS.iter() {
            let sent = object(vec![
                ("spec", text(&back)),
                ("items", Value::List(vec![object(vec![("password", text(&back))]), object(vec![("value", text("v"))])])),
            ]);
            recorded_twice(world, "Send", &input, &sent);
            let given = object(vec![
                ("spec", text(&back)),
                ("again", text(&back.replace('é', "e"))),
                ("Credentials", credentials()),
                ("arn", text("arn:aws:iam::481516234207:role/x")),
            ]);
            recorded_twice(world, "Put", &put, &given);
        }
    }

    #[test]
    fn two_calls_match_after_redaction_if_they_did_before(one in send_input(), other in send_input()) {
        for world in WORLDS.iter().filter(|world| !world.protocol.id().contains("ec2")) {
            let (one, response) = world.exchange("Send", &one, &object(vec![]));
            let (other, _) = world.exchange("Send", &other, &object(vec![]));
            let stored = world.taken(&redactor_after(&[]), &one, &response);
            let replaying = redactor_after(std::slice::from_ref(&stored));
            let same = world.plain_key(&one) == world.plain_key(&other);
            prop_assert_eq!(world.key(&other, &replaying, false) == world.key(&stored.request, &replaying, true), same);
        }
    }

    #[test]
    fn what_the_client_sent_comes_back_to_it(spec in secret(), live in secret()) {
        let token = ("6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11", "7f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11");
        let of = |spec: &str, token: &str| object(vec![("spec", text(spec)), ("clientToken", text(token))]);
        let answer = |spec: &str, token: &str| object(vec![("spec", text(spec)), ("token", text(token))]);
        for world in WORLDS.iter() {
            let (request, response) = world.exchange("Send", &of(&spec, token.0), &answer(&spec, token.0));
            let stored = world.taken(&redactor_after(&[]), &request, &response);
            let input = inspect_recorded(&world.catalog, &stored).request.unwrap().content;
            let template = Template::new(&stored, input.as_ref(), Some("clientToken"));
            let (_, wanted) = world.exchange("Send", &of(&live, token.1), &answer(&live, token.1));
            prop_assert_eq!(template.render(&of(&live, token.1), &|_| None), wanted.body(), "{}", world.protocol.id());
        }
    }
}

#[test]
fn a_header_gives_back_the_token_and_the_secret_of_the_request() {
    for world in WORLDS.iter().filter(|world| world.is_rest()) {
        let input = |token: &str, key: &str| {
            object(vec![
                ("id", text("i")),
                ("path", text("p")),
                ("key", text(key)),
                ("clientToken", text(token)),
            ])
        };
        let output = object(vec![("token", text("token-1")), ("again", text("hush"))]);
        let (request, response) = world.exchange("Put", &input("token-1", "hush"), &output);
        let stored = world.taken(&redactor_after(&[]), &request, &response);
        let recorded = inspect_recorded(&world.catalog, &stored).request.unwrap().content;
        let template = Template::new(&stored, recorded.as_ref(), Some("clientToken"));
        let mut headers = stored.response.headers().clone();
        template.fill_headers(&input("token-2", "whisper"), &|_| None, &mut headers);
        assert_eq!(headers["x-n-token"], "token-2");
        assert_eq!(headers["x-n-again"], "whisper");
    }
}

#[test]
fn a_body_that_is_one_blob_is_hidden_whole_and_a_plain_one_is_searched() {
    let stored = object(vec![("body", Value::Blob(b"{ \"note\": \"key AKIAIOSFODNN7SECRETS\" }".to_vec()))]);
    let given = object(vec![("body", Value::Blob(b"hush\0\xff".to_vec()))]);
    for world in WORLDS.iter() {
        recorded_twice(world, "Store", &stored, &given);
        recorded_twice(world, "Store", &object(vec![("body", Value::Blob(vec![0xff, 0, 1]))]), &given);
    }
    for world in WORLDS.iter().filter(|world| world.is_rest()) {
        let (request, response) = world.exchange("Store", &stored, &given);
        let taken = world.taken(&redactor_after(&[]), &request, &response);
        let id = StandIns::new(SALT).text("AKIAIOSFODNN7SECRETS");
        assert_eq!(
            taken.request.body(),
            format!("{{ \"note\": \"key {id}\" }}").as_bytes(),
            "its white space is data"
        );
    }
}

#[test]
fn a_body_that_is_a_stream_of_secret_bytes_is_hidden_in_either_direction() {
    let stream = r##""t#SecretStream":{"type":"blob","traits":{"smithy.api#sensitive":{},"smithy.api#streaming":{}}},"##;
    let bytes = |target: &str| format!(r##""body":{{"target":"{target}","##);
    let model = MODEL
        .replace(&bytes("smithy.api#Blob"), &bytes("t#SecretStream"))
        .replace(&bytes("t#SecretBlob"), &bytes("t#SecretStream"))
        .replace("\"t#Secret\":{", &format!("{stream}\n\"t#Secret\":{{"));
    let blob = |bytes: &[u8]| object(vec![("body", Value::Blob(bytes.to_vec()))]);
    for protocol in PROTOCOLS {
        let world = World::of(*protocol, &model);
        recorded_twice(&world, "Store", &blob(b"hush\0\xff, hushed"), &blob(b"{\"a\": \"hushed\"}"));
        recorded_twice(&world, "Store", &blob(b"hush"), &blob(b""));
    }
}

#[test]
fn an_errors_message_stays_and_its_secret_members_do_not() {
    let value = object(vec![("message", text("no such thing")), ("detail", text("hush"))]);
    for world in WORLDS.iter() {
        let (request, _) = world.exchange("Put", &object(vec![("id", text("i")), ("path", text("p"))]), &object(vec![]));
        let taken = world.taken(&redactor_after(&[]), &request, &world.error(&value));
        let written = all_of(&taken);
        assert!(
            written.contains("no such thing") && !written.contains("hush"),
            "{}: {written}",
            world.protocol.id()
        );
    }
}

#[test]
fn a_redacted_place_is_listed_where_it_is_and_by_its_member() {
    let input = object(vec![("spec", text("hush")), ("flats", Value::List(vec![text("hush")]))]);
    let listed = |id: &str| {
        let world = WORLDS.iter().find(|world| world.protocol.id().ends_with(id)).unwrap();
        let (request, response) = world.exchange("Send", &input, &object(vec![("spec", text("hush"))]));
        let taken = world.taken(&redactor_after(&[]), &request, &response);
        let shown = taken.redacted.iter().map(|place| match &place.member {
            Some(member) => format!("{} {member}", place.path),
            None => place.path.clone(),
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(
        listed("awsQuery"),
        [
            "/request/body/spec",
            "/request/body/flats.1 /flats/0",
            "/response/body/SendResponse/SendResult/spec /spec"
        ]
    );
    assert_eq!(
        listed("restXml"),
        [
            "/request/body/SendInput/spec /spec",
            "/request/body/SendInput/flats /flats/0",
            "/response/body/SendOutput/spec /spec"
        ]
    );
    assert_eq!(
        listed("rpcv2Cbor"),
        ["/request/body/spec", "/request/body/flats/0", "/response/body/spec"]
    );
}

/// A protocol that cannot say where its members are.
struct Mute(&'static dyn Protocol);

impl Protocol for Mute {
    fn id(&self) -> &'static str {
        "test#mute"
    }
    fn identify(&self, service: &crate::model::schema::Service, request: &Request) -> crate::protocol::Identified {
        self.0.identify(service, request)
    }
    fn accepts(
        &self,
        service: &crate::model::schema::Service,
        operation: crate::model::schema::OperationIndex,
        request: &Request,
    ) -> Result<(), Malformed> {
        self.0.accepts(service, operation, request)
    }
    fn decode_request(
        &self,
        service: &crate::model::schema::Service,
        operation: crate::model::schema::OperationIndex,
        request: &Request,
    ) -> Result<Value, Malformed> {
        self.0.decode_request(service, operation, request)
    }
    fn decode_response(
        &self,
        service: &crate::model::schema::Service,
        operation: crate::model::schema::OperationIndex,
        response: &Response,
    ) -> Result<Reply, Malformed> {
        self.0.decode_response(service, operation, response)
    }
    fn encode_error(&self, service: &crate::model::schema::Service, refusal: &crate::protocol::Refusal<'_>) -> Response {
        self.0.encode_error(service, refusal)
    }
    fn encode_request(
        &self,
        service: &crate::model::schema::Service,
        operation: crate::model::schema::OperationIndex,
        host: &str,
        input: &Value,
    ) -> Request {
        self.0.encode_request(service, operation, host, input)
    }
    fn encode_response(
        &self,
        service: &crate::model::schema::Service,
        operation: crate::model::schema::OperationIndex,
        output: &Value,
    ) -> Response {
        self.0.encode_response(service, operation, output)
    }
    fn encode_modelled_error(&self, service: &crate::model::schema::Service, error: ShapeIndex, value: &Value) -> Response {
        self.0.encode_modelled_error(service, error, value)
    }
    fn error_statuses(&self, error: &crate::model::schema::Shape) -> Vec<u16> {
        self.0.error_statuses(error)
    }
}

#[test]
fn a_protocol_that_cannot_say_where_its_members_are_records_no_secret() {
    let world = WORLDS.iter().find(|world| world.protocol.id().ends_with("awsJson1_0")).unwrap();
    let mute: &'static dyn Protocol = Box::leak(Box::new(Mute(world.protocol)));
    let (request, response) = world.exchange("Send", &object(vec![("note", text("n"))]), &object(vec![]));
    let mut finding = world.finding(&request, &response);
    finding.call.as_mut().unwrap().protocol = mute;
    let leak = redactor_after(&[]).redact(&request, &response, &finding, 1).unwrap_err();
    assert_eq!(
        leak.to_string(),
        "request: Ferrotape cannot write stand-ins into messages of the protocol `test#mute`, so its secrets cannot be replaced and the interaction is not written"
    );
}

/// The worlds that have event streams.
fn streaming() -> impl Iterator<Item = &'static World> {
    WORLDS.iter().filter(|world| world.is_streaming())
}

fn events() -> Value {
    let event = |name: &str, members| object(vec![(name, object(members))]);
    let bytes = |bytes: &[u8]| Value::Blob(bytes.to_vec());
    object(vec![(
        "stream",
        Value::List(vec![
            event(
                "data",
                vec![
                    ("spec", text("hush <one>")),
                    ("note", text("key AKIAIOSFODNN7SECRETS")),
                    ("key", text("hush-key")),
                    ("hint", text("of arn:aws:iam::481516234207:role/x")),
                    ("blob", bytes(b"hush\xff, hushed")),
                ],
            ),
            event("raw", vec![("bytes", bytes(b"a password=hushed2 \n"))]),
            event("raw", vec![("bytes", bytes(b"\x00\xffAKIAIOSFODNN7SECRETS"))]),
            event("said", vec![("text", text("hush, I said"))]),
            event("data", vec![("note", text("n"))]),
        ]),
    )])
}

#[test]
fn events_are_hidden_inside_their_frames_and_the_frames_stay_true() {
    for world in streaming() {
        recorded_twice(world, "Watch", &events(), &events());
    }
}

#[test]
fn a_signed_event_keeps_no_signature() {
    use crate::codec::event_stream::{self, Frame, Header};
    for world in streaming() {
        let (mut request, response) = world.exchange("Watch", &events(), &events());
        let mut signed = Vec::new();
        for payload in [&request.body().clone()[..], b""] {
            let headers = vec![
                (":date", Header::Timestamp(1_600_000_000_000)),
                (":chunk-signature", Header::Bytes(b"hush")),
            ];
            event_stream::write(&Frame { headers, payload }, &mut signed);
        }
        let plain = world.key(&request, &redactor_after(&[]), false);
        *request.body_mut() = signed.into();
        let taken = world.taken(&redactor_after(&[]), &request, &response);
        assert!(!all_of(&taken).contains("hush"), "{}", world.protocol.id());
        let frames = event_stream::frames(taken.request.body()).unwrap();
        assert_eq!(frames[0].header(":chunk-signature"), Some(Header::Bytes(&[0; 32])));
        assert_eq!(world.key(&taken.request, &redactor_after(&[]), false), plain);
    }
}

#[test]
fn a_secret_that_two_events_share_is_not_written() {
    let half = |bytes: &str| object(vec![("raw", object(vec![("bytes", Value::Blob(bytes.as_bytes().to_vec()))]))]);
    let cut = object(vec![("stream", Value::List(vec![half("key AKIAIOSF"), half("ODNN7SECRETS.")]))]);
    for world in streaming() {
        let (request, response) = world.exchange("Watch", &cut, &events());
        let leak = redactor_after(&[])
            .redact(&request, &response, &world.finding(&request, &response), 1)
            .unwrap_err();
        assert!(leak.to_string().contains("access-key-id"), "{leak}");
    }
}

#[test]
fn what_stands_beside_the_values_of_xml_is_searched_too() {
    let world = WORLDS.iter().find(|world| world.protocol.id().ends_with("restXml")).unwrap();
    let (mut request, response) = world.exchange("Send", &object(vec![("note", text("n"))]), &object(vec![]));
    let key = "AKIAIOSFODNN7SECRETS";
    let body = format!(
        "<!-- a {key} --><?b {key}?><SendInput c=\"{key}\" xmlns=\"urn:t\">d &#x41;{} <note>n<!--{key}--></note>\
         <![CDATA[{key}]]></SendInput><!-- {key} -->",
        &key[1..]
    );
    *request.body_mut() = body.into();
    let mut finding = world.finding(&request, &response);
    finding.response = None;
    let taken = redactor_after(&[]).redact(&request, &response, &finding, 1).unwrap();
    let written = all_of(&taken);
    assert!(!written.contains("KIAIOSFODNN7") && !written.contains("hush"), "{written}");
    let id = StandIns::new(SALT).text(key);
    assert_eq!(written.matches(&id).count(), 7 * 2, "{written}");
    assert!(
        written.contains(&format!("<!-- a {id} --><?b {id}?><SendInput c=\"{id}\"")),
        "{written}"
    );
}
