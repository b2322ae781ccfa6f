//! What a message costs by its size: the time to judge, redact and index it for n parts, 2n, 4n and 8n.
//!
//! `cargo bench --bench sizes` prints the times and how they grow from step to step: about 2 is linear,
//! about 4 is quadratic. Nothing is asserted: machines are shared and noisy.

use bytes::Bytes;
use ferrotape::cassette::{Cassette, Redaction};
use ferrotape::inspect::{inspect, inspect_recorded};
use ferrotape::matcher::Tape;
use ferrotape::model::catalog::Catalog;
use ferrotape::redaction::Redactor;
use ferrotape::wire::{Exchange, Request, Response};
use std::time::Instant;

const FIRST: usize = 2_000;
const STEPS: u32 = 4;

const QUERY: &str = r##"{"smithy":"2.0","shapes":{
"q#Svc":{"type":"service","version":"2011-06-15","operations":[{"target":"q#Put"}],
 "traits":{"aws.api#service":{"sdkId":"STS","arnNamespace":"sts"},"aws.protocols#awsQuery":{},"smithy.api#xmlNamespace":{"uri":"https://sts"}}},
"q#Put":{"type":"operation","input":{"target":"q#In"},"output":{"target":"q#Out"}},
"q#In":{"type":"structure","members":{"Tags":{"target":"q#Tags"},"Secrets":{"target":"q#Secrets"}}},
"q#Out":{"type":"structure","members":{"Tags":{"target":"q#Tags"},"Secrets":{"target":"q#Secrets"}}},
"q#Tags":{"type":"list","member":{"target":"smithy.api#String"},"traits":{"smithy.api#uniqueItems":{}}},
"q#Secrets":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"q#Secret"}},
"q#Secret":{"type":"string","traits":{"smithy.api#sensitive":{}}}}}"##;

/// A request and an answer of so many parts.
type Make = fn(usize) -> (String, String);

fn repeated(count: usize, between: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(between)
}

const FORM: &str = "Action=Put&Version=2011-06-15";

/// Of a service that speaks forms and XML.
const OF_QUERY: &[(&str, Make)] = &[
    ("form: unknown fields", |n| {
        (format!("{FORM}&{}", repeated(n, "&", |at| format!("a{at}=1"))), "<a/>".into())
    }),
    ("form: unknown numbered fields", |n| {
        (format!("{FORM}&{}", repeated(n, "&", |at| format!("a.{at}=1"))), "<a/>".into())
    }),
    ("form: a set", |n| {
        (
            format!("{FORM}&{}", repeated(n, "&", |at| format!("Tags.member.{at}=t{at}"))),
            "<a/>".into(),
        )
    }),
    ("form: secrets", |n| {
        let entry = |at| format!("Secrets.entry.{at}.key=k{at}&Secrets.entry.{at}.value=hunter{at}");
        (format!("{FORM}&{}", repeated(n, "&", entry)), "<a/>".into())
    }),
    ("XML: attributes", |n| {
        (FORM.into(), format!("<a {}/>", repeated(n, " ", |at| format!("a{at}=\"1\""))))
    }),
    ("XML: unknown elements", |n| {
        (FORM.into(), format!("<a>{}</a>", repeated(n, "", |at| format!("<b{at}>x</b{at}>"))))
    }),
    ("XML: accounts", |n| {
        let arn = |at| format!("<b>arn:aws:iam::{:012}:role/x</b>", 481_516_234_207u64 + at as u64);
        (FORM.into(), format!("<a>{}</a>", repeated(n, "", arn)))
    }),
    ("XML: secrets", |n| {
        let entry = |at| format!("<entry><key>k{at}</key><value>hunter{at}</value></entry>");
        let result = format!("<PutResult><Secrets>{}</Secrets></PutResult>", repeated(n, "", entry));
        (FORM.into(), format!("<PutResponse>{result}</PutResponse>"))
    }),
];

/// Of a service that speaks JSON.
const OF_JSON: &[(&str, Make)] = &[
    ("JSON: unknown members", |n| {
        (format!("{{{}}}", repeated(n, ",", |at| format!("\"m{at}\":1"))), "{}".into())
    }),
    ("JSON: one member again and again", |n| {
        (format!("{{{}}}", repeated(n, ",", |_| "\"m\":1".into())), "{}".into())
    }),
    ("JSON: tags", |n| {
        let tag = |at| format!("{{\"key\":\"k{at}\",\"value\":\"v{at}\"}}");
        (format!("{{\"tags\":[{}]}}", repeated(n, ",", tag)), "{}".into())
    }),
    ("JSON: accounts", |n| {
        let arn = |at| format!("\"arn:aws:iam::{:012}:role/x\"", 481_516_234_207u64 + at as u64);
        ("{}".into(), format!("{{\"a\":[{}]}}", repeated(n, ",", arn)))
    }),
    ("JSON: secrets by name", |n| {
        (
            "{}".into(),
            format!(
                "{{\"a\":[{}]}}",
                repeated(n, ",", |at| format!("{{\"password\":\"hunter{at}xyz\"}}"))
            ),
        )
    }),
];

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("query.json");
    std::fs::write(&file, QUERY).expect("the model is written");
    let query = Catalog::with_models(&[file.as_path()]).expect("the model is read");
    let built_in = Catalog::built_in().expect("the models are there");
    for (name, make) in OF_QUERY {
        report(name, &query, make, &|body| {
            request("https://sts.amazonaws.com/", "application/x-www-form-urlencoded", None, body)
        });
    }
    for (name, make) in OF_JSON {
        let target = Some("AwsProton20200720.CreateServiceInstance");
        let of = |body| {
            request(
                "https://proton.us-east-1.amazonaws.com/",
                "application/x-amz-json-1.0",
                target,
                body,
            )
        };
        report(name, &built_in, make, &of);
    }
}

fn request(uri: &str, content_type: &str, target: Option<&str>, body: String) -> Request {
    let mut request = http::Request::post(uri).header("content-type", content_type);
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    request.body(Bytes::from(body)).expect("a request")
}

fn report(name: &str, catalog: &Catalog, make: &Make, request: &dyn Fn(String) -> Request) {
    let mut before: Option<f64> = None;
    print!("{name:34}");
    for step in 0..STEPS {
        let count = FIRST << step;
        let (asked, answered) = make(count);
        let time = measured(catalog, request(asked), answered);
        match before {
            Some(before) => print!("  {count:>6}: {:>8.1} ms (x{:.1})", time * 1e3, time / before),
            None => print!("  {count:>6}: {:>8.1} ms", time * 1e3),
        }
        before = Some(time);
    }
    println!();
}

/// The seconds from the bytes of an exchange to a tape that plays it.
fn measured(catalog: &Catalog, request: Request, answered: String) -> f64 {
    let response: Response = http::Response::new(Bytes::from(answered));
    let begun = Instant::now();
    let exchange = Exchange {
        request: Some(request.clone()),
        response: Some(response.clone()),
    };
    let finding = inspect(catalog, &exchange);
    let redaction = Redaction {
        salt: "00".repeat(32),
        ..Redaction::default()
    };
    let redactor = Redactor::new(&redaction, &mut std::iter::empty());
    let Ok(interaction) = redactor.redact(&request, &response, &finding, 1) else {
        return begun.elapsed().as_secs_f64();
    };
    let cassette = Cassette {
        redaction,
        interactions: vec![interaction],
        ..Cassette::default()
    };
    let redactor = Redactor::new(&cassette.redaction, &mut cassette.interactions.iter());
    drop(Tape::new(cassette, redactor, |interaction| inspect_recorded(catalog, interaction)));
    begun.elapsed().as_secs_f64()
}
