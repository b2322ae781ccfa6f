//! `ferrotape check`: judges captured exchanges, one JSON line in, one JSON line out, so that
//! traffic of any origin can be linted and other programs can use the engine.

use crate::codec::json::{self, blob};
use crate::contract::{Departure, Side};
use crate::document::{self, Object};
use crate::exit::Exit;
use crate::inspect::{Call, Finding, Hint, Judged, Verdict, inspect_hinted, present};
use crate::json::problem::problem;
use crate::json::rewrite::write_string;
use crate::model::catalog::Catalog;
use crate::protocol::Reply;
use crate::terminal;
use crate::value::Value;
use crate::wire::{Exchange, Request, Response};
use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

/// Judge captured exchanges: JSON Lines in, one JSON line out for each.
///
/// A line holds a request, a response, or both:
///   {"id":"a","request":{"method":"POST","uri":"/","headers":{"X-Amz-Target":"…"},"body":"…"},
///    "response":{"status":200,"headers":{},"body":"…"}}
/// "bodyBase64" may stand instead of "body", a header value may be a list, and "service" and
/// "operation" may say what a lone response answers. Exit status 10 if any request violates.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct CheckArguments {
    /// File of JSON Lines; `-` or nothing is standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub models: super::ModelArguments,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    service: Option<String>,
    operation: Option<String>,
    request: Option<Object<LineRequest>>,
    response: Option<Object<LineResponse>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineRequest {
    #[serde(default = "post")]
    method: String,
    #[serde(default = "slash")]
    uri: String,
    #[serde(default)]
    headers: BTreeMap<String, OneOrMany>,
    body: Option<String>,
    body_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineResponse {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, OneOrMany>,
    body: Option<String>,
    body_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn post() -> String {
    "POST".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

/// Runs the command.
pub fn run(arguments: &CheckArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let mut out = BufWriter::new(io::stdout().lock());
    let file = arguments.file.as_deref().filter(|file| file.as_os_str() != "-");
    let exit = match file {
        Some(path) => {
            let file = document::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            check_lines(&catalog, BufReader::new(file), &mut out)?
        }
        None => check_lines(&catalog, io::stdin().lock(), &mut out)?,
    };
    out.flush()?;
    Ok(exit)
}

fn check_lines(catalog: &Catalog, mut input: impl BufRead, out: &mut impl Write) -> anyhow::Result<Exit> {
    let (mut violated, mut unread) = (false, false);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read the input")? == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = check_line(catalog, &line, number);
        violated |= answer.violated;
        unread |= answer.unread;
        writeln!(out, "{}", terminal::spelled_json(&answer.text))?;
    }
    Ok(match (violated, unread) {
        (true, _) => Exit::Violations,
        (false, true) => Exit::CouldNotRun,
        (false, false) => Exit::Clean,
    })
}

struct Answer {
    text: String,
    violated: bool,
    unread: bool,
}

fn check_line(catalog: &Catalog, line: &[u8], number: usize) -> Answer {
    let id = |line: &Line| line.id.map(|id| id.get().to_owned());
    let unread = |id: Option<String>, message: String| {
        let mut object = ObjectWriter::new();
        if let Some(id) = &id {
            object.raw("id", id);
        }
        object.text("error", &format!("line {number}: {message}"));
        Answer {
            text: object.finish(),
            violated: false,
            unread: true,
        }
    };
    let parsed: Line = match serde_json::from_slice(line) {
        Ok(Object(parsed)) => parsed,
        Err(error) if error.is_data() => return unread(None, format!("it is not an exchange in JSON: {}", problem(line, &error))),
        Err(error) => return unread(None, format!("the line is not JSON, from column {} on", error.column())),
    };
    let exchange = match exchange(&parsed) {
        Ok(exchange) => exchange,
        Err(message) => return unread(id(&parsed), message),
    };
    let finding = inspect_hinted(
        catalog,
        &exchange,
        Hint {
            service: parsed.service.as_deref(),
            operation: parsed.operation.as_deref(),
        },
    );
    let breaks = |verdict| matches!(verdict, Verdict::Violates | Verdict::Malformed);
    Answer {
        violated: finding.request.as_ref().is_some_and(|request| breaks(request.verdict)),
        unread: false,
        text: render(parsed.id, &finding),
    }
}

fn exchange(line: &Line) -> Result<Exchange, String> {
    if line.request.is_none() && line.response.is_none() {
        return Err("it has neither a request nor a response".to_owned());
    }
    Ok(Exchange {
        request: line.request.as_ref().map(request).transpose()?,
        response: line.response.as_ref().map(response).transpose()?,
    })
}

fn request(Object(line): &Object<LineRequest>) -> Result<Request, String> {
    let mut request = Request::new(body(line.body.as_deref(), line.body_base64.as_deref())?);
    *request.method_mut() = line
        .method
        .parse()
        .map_err(|_| format!("`{}` is not an HTTP method", line.method))?;
    *request.uri_mut() = line.uri.parse().map_err(|error| format!("`{}` is not a URI: {error}", line.uri))?;
    *request.headers_mut() = headers(&line.headers)?;
    Ok(request)
}

fn response(Object(line): &Object<LineResponse>) -> Result<Response, String> {
    let mut response = Response::new(body(line.body.as_deref(), line.body_base64.as_deref())?);
    *response.status_mut() = http::StatusCode::from_u16(line.status).map_err(|_| format!("`{}` is not an HTTP status", line.status))?;
    *response.headers_mut() = headers(&line.headers)?;
    Ok(response)
}

fn body(text: Option<&str>, base64: Option<&str>) -> Result<Bytes, String> {
    match (text, base64.map(blob)) {
        (Some(_), Some(_)) => Err("`body` and `bodyBase64` exclude each other".to_owned()),
        (_, Some(Some(Value::Blob(bytes)))) => Ok(bytes.into()),
        (_, Some(_)) => Err("`bodyBase64` is not base64".to_owned()),
        (text, None) => Ok(Bytes::copy_from_slice(text.unwrap_or("").as_bytes())),
    }
}

fn headers(given: &BTreeMap<String, OneOrMany>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in given {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is not a header name"))?;
        let values = match values {
            OneOrMany::One(value) => std::slice::from_ref(value),
            OneOrMany::Many(values) => values,
        };
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| format!("the value of header `{name}` has characters that no header may have"))?;
            headers.append(name.clone(), value);
        }
    }
    Ok(headers)
}

fn render(id: Option<&RawValue>, finding: &Finding) -> String {
    let mut object = ObjectWriter::new();
    if let Some(id) = id {
        object.raw("id", id.get());
    }
    let call = finding.call.as_ref();
    if let Some(call) = call {
        object.text("service", &call.service.sdk_id);
        object.text("operation", &call.operation().name);
    }
    if let Some(judged) = &finding.request {
        let side = side(judged, judged.content.as_ref(), |input, side| {
            if let Some(call) = call {
                side.value("input", &present(&call.service, call.operation().input, input, Side::Request));
            }
        });
        object.raw("request", &side);
    }
    if let Some(judged) = &finding.response {
        let side = side(judged, judged.content.as_ref(), |reply, side| {
            if let Some(call) = call {
                render_reply(call, reply, side);
            }
        });
        object.raw("response", &side);
    }
    object.finish()
}

fn render_reply(call: &Call, reply: &Reply, side: &mut ObjectWriter) {
    match reply {
        Reply::Output(output) => side.value("output", &present(&call.service, call.operation().output, output, Side::Response)),
        Reply::Error { code, shape, value } => {
            let mut error = ObjectWriter::new();
            error.text("code", code);
            match shape {
                Some(shape) => error.value("value", &present(&call.service, *shape, value, Side::Response)),
                None => error.value("value", value),
            }
            side.raw("error", &error.finish());
        }
    }
}

fn side<T>(judged: &Judged<T>, decoded: Option<&T>, content: impl FnOnce(&T, &mut ObjectWriter)) -> String {
    let mut object = ObjectWriter::new();
    object.text("verdict", judged.verdict.name());
    if let Some(reason) = &judged.reason {
        object.text(judged.verdict.name(), reason);
    }
    if let Some(decoded) = decoded {
        content(decoded, &mut object);
    }
    object.raw("violations", &departures(&judged.violations));
    object.raw("lints", &departures(&judged.lints));
    object.finish()
}

fn departures(departures: &[Departure]) -> String {
    let each = departures.iter().map(|departure| {
        let mut object = ObjectWriter::new();
        object.text("path", &departure.path);
        object.text("rule", departure.rule.name());
        object.text("message", &departure.message);
        object.finish()
    });
    format!("[{}]", each.collect::<Vec<_>>().join(","))
}

/// Writes one JSON object, member by member.
struct ObjectWriter {
    out: String,
}

impl ObjectWriter {
    fn new() -> ObjectWriter {
        ObjectWriter { out: String::from("{") }
    }

    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        write_string(name, &mut self.out);
        self.out.push(':');
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.push_str(json);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        write_string(text, &mut self.out);
    }

    fn value(&mut self, name: &str, value: &Value) {
        self.name(name);
        json::write(value, &mut self.out);
    }

    fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &str) -> (Vec<serde_json::Value>, Exit) {
        let mut out = Vec::new();
        let exit = check_lines(&Catalog::built_in().unwrap(), input.as_bytes(), &mut out).unwrap();
        (
            String::from_utf8(out)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            exit,
        )
    }

    #[test]
    fn a_line_that_is_not_json_gets_an_error_line_and_the_rest_goes_on() {
        let (answers, exit) = answers("{oops\n\n{\"id\":7,\"response\":{\"status\":200}}\n");
        assert_eq!(answers[0]["error"], "line 1: the line is not JSON, from column 2 on");
        assert_eq!(answers[1]["id"], 7);
        assert_eq!(answers[1]["response"]["verdict"], "unmodeled");
        assert_eq!(exit, Exit::CouldNotRun);
    }

    #[test]
    fn a_request_is_decoded_and_judged() {
        let body = r#"{\"name\":\"a\",\"serviceName\":\"b\",\"spec\":\"x\",\"zz\":1}"#;
        let headers =
            r#"{"X-Amz-Target":["AwsProton20200720.CreateServiceInstance"],"content-type":"application/x-amz-json-1.0; charset=utf-8"}"#;
        let (answers, exit) = answers(&format!(
            r#"{{"id":"a","request":{{"method":"POST","uri":"/","headers":{headers},"body":"{body}"}}}}"#
        ));
        assert_eq!(answers[0]["service"], "Proton");
        assert_eq!(answers[0]["operation"], "CreateServiceInstance");
        assert_eq!(answers[0]["request"]["verdict"], "conforms");
        assert_eq!(
            answers[0]["request"]["input"],
            serde_json::json!({"name": "a", "serviceName": "b", "spec": "x"})
        );
        assert_eq!(exit, Exit::Clean);
    }

    #[test]
    fn a_request_of_a_wrong_content_type_is_malformed_and_shown_all_the_same() {
        let line = |body: &str| {
            format!(
                r#"{{"request":{{"headers":{{"X-Amz-Target":"AwsProton20200720.CreateServiceInstance","content-type":"text/plain"}},"body":"{body}"}}}}"#
            )
        };
        let (answers, exit) = answers(&[line(r#"{\"name\":\"a\"}"#), line("{oops")].join("\n"));
        let request = |index: usize| &answers[index]["request"];
        assert_eq!(
            (&request(0)["verdict"], &request(1)["verdict"]),
            (&"malformed".into(), &"malformed".into())
        );
        assert_eq!(request(0)["input"], serde_json::json!({"name": "a"}));
        assert!(request(1).get("input").is_none());
        assert_eq!(exit, Exit::Violations);
    }
}
