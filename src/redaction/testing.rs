//! A small service for the tests of the redactor and the matcher, and its exchanges.

use crate::cassette::{Interaction, Redaction};
use crate::contract::{Departure, Rule};
use crate::inspect::{Call, Finding, Judged, Verdict};
use crate::json::lexer::{Lexer, Token};
use crate::model::compile;
use crate::model::schema::{OperationIndex, Service, ShapeIndex, ShapeKind};
use crate::protocol::{Identified, Malformed, Protocol, Refusal, Reply};
use crate::redaction::Redactor;
use crate::value::Value;
use crate::wire::{Request, Response};
use bytes::Bytes;
use std::sync::{Arc, LazyLock};

pub const SALT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static SERVICE: LazyLock<Arc<Service>> = LazyLock::new(|| {
    let mut services = compile::load(MODEL.as_bytes(), "test").expect("the test model compiles");
    Arc::new(services.remove(0))
});

const MODEL: &str = r##"{"smithy":"2.0","shapes":{
"t#Svc":{"type":"service","version":"1","operations":[{"target":"t#Put"},{"target":"t#Get"}],
 "traits":{"aws.api#service":{"sdkId":"STS"},"aws.protocols#awsJson1_0":{}}},
"t#Put":{"type":"operation","input":{"target":"t#In"},"output":{"target":"t#Out"},"errors":[{"target":"t#Oops"}]},
"t#Get":{"type":"operation","input":{"target":"t#In"},"output":{"target":"t#Out"}},
"t#In":{"type":"structure","members":{
 "name":{"target":"smithy.api#String"},"count":{"target":"smithy.api#Double"},
 "spec":{"target":"t#Secret"},"pin":{"target":"t#Pin"},"code":{"target":"t#Code"},"blob":{"target":"t#SecretBlob"},
 "number":{"target":"t#SecretNumber"},"environment":{"target":"t#SecretMap"},"plain":{"target":"t#Map"},
 "tags":{"target":"t#Set"},"items":{"target":"t#Items"},"accountId":{"target":"smithy.api#String"},
 "arn":{"target":"smithy.api#String"},"at":{"target":"smithy.api#Timestamp"},
 "clientToken":{"target":"smithy.api#String","traits":{"smithy.api#idempotencyToken":{}}}}},
"t#Out":{"type":"structure","members":{"spec":{"target":"t#Secret"},"Credentials":{"target":"t#Credentials"},
 "token":{"target":"smithy.api#String"},"arn":{"target":"smithy.api#String"},"message":{"target":"t#Secret"}}},
"t#Oops":{"type":"structure","members":{"message":{"target":"t#Secret"},"detail":{"target":"t#Secret"}},"traits":{"smithy.api#error":"client"}},
"t#Credentials":{"type":"structure","members":{"AccessKeyId":{"target":"smithy.api#String"},
 "SecretAccessKey":{"target":"t#Secret"},"SessionToken":{"target":"smithy.api#String"},"Expiration":{"target":"smithy.api#Timestamp"}}},
"t#Secret":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":1,"max":200}}},
"t#Pin":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":8,"max":8}}},
"t#Code":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#pattern":"^[A-Z]{3}-[0-9]{6}$"}},
"t#SecretBlob":{"type":"blob","traits":{"smithy.api#sensitive":{}}},
"t#SecretNumber":{"type":"integer","traits":{"smithy.api#sensitive":{},"smithy.api#range":{"min":1000,"max":9999}}},
"t#SecretMap":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"},"traits":{"smithy.api#sensitive":{}}},
"t#Map":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"}},
"t#Set":{"type":"list","member":{"target":"smithy.api#String"},"traits":{"smithy.api#uniqueItems":{}}},
"t#Items":{"type":"list","member":{"target":"t#Item"}},
"t#Item":{"type":"structure","members":{"password":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"}}}
}}"##;

/// JSON and nothing else; only what the tests need.
struct Plain;

impl Protocol for Plain {
    fn id(&self) -> &'static str {
        "test"
    }
    fn identify(&self, _: &Service, _: &Request) -> Identified {
        Identified::NotMine
    }
    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        Ok(decode(service, Some(service.operation(operation).input), request.body()))
    }
    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        if response.status().is_success() {
            return Ok(Reply::Output(decode(service, Some(service.operation(operation).output), response.body())));
        }
        let shape = service.error_named(Some(operation), "Oops");
        Ok(Reply::Error {
            code: "Oops".to_owned(),
            shape,
            value: decode(service, shape, response.body()),
        })
    }
    fn encode_error(&self, _: &Service, _: &Refusal<'_>) -> Response {
        Response::default()
    }
    fn encode_request(&self, _: &Service, _: OperationIndex, _: &str, _: &Value) -> Request {
        Request::default()
    }
    fn encode_response(&self, _: &Service, _: OperationIndex, _: &Value) -> Response {
        Response::default()
    }
    fn encode_modelled_error(&self, _: &Service, _: ShapeIndex, _: &Value) -> Response {
        Response::default()
    }
}

fn decode(service: &Service, shape: Option<ShapeIndex>, body: &[u8]) -> Value {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let mut lexer = Lexer::new(text);
    let token = lexer.next().expect("JSON");
    value(&mut lexer, token, service, shape)
}

fn value(lexer: &mut Lexer<'_>, token: Token<'_>, service: &Service, shape: Option<ShapeIndex>) -> Value {
    let kind = shape.map(|shape| &service.shape(shape).kind);
    match token {
        Token::Null => Value::Null,
        Token::Bool(value) => Value::Bool(value),
        Token::Number(lexeme) => match (kind, lexeme.parse::<i128>()) {
            (Some(ShapeKind::Timestamp), Ok(seconds)) => Value::Timestamp {
                seconds: seconds as i64,
                nanos: 0,
            },
            (_, Ok(number)) => Value::Integer(number),
            _ => Value::Number(lexeme.to_owned()),
        },
        Token::Text(raw) => match kind {
            Some(ShapeKind::Blob) => {
                super::stand_in::base64_bytes(&raw.decode()).map_or_else(|| Value::Text(raw.decode().into_owned()), Value::Blob)
            }
            _ => Value::Text(raw.decode().into_owned()),
        },
        Token::ArrayStart => {
            let item = match kind {
                Some(ShapeKind::List(member)) => Some(member.target),
                _ => None,
            };
            let mut items = Vec::new();
            loop {
                match lexer.next().expect("JSON") {
                    Token::ArrayEnd => return Value::List(items),
                    token => items.push(value(lexer, token, service, item)),
                }
            }
        }
        Token::ObjectStart => {
            let mut members = Vec::new();
            loop {
                let Token::Key(raw) = lexer.next().expect("JSON") else {
                    return Value::Object(members);
                };
                let name = raw.decode().into_owned();
                let target = match kind {
                    Some(ShapeKind::Map { value, .. }) => Some(value.target),
                    _ => shape.and_then(|shape| service.shape(shape).member(&name)).map(|member| member.target),
                };
                let token = lexer.next().expect("JSON");
                members.push((name, value(lexer, token, service, target)));
            }
        }
        other => panic!("{other:?}"),
    }
}

pub fn call(operation: &str) -> Call {
    Call {
        service: SERVICE.clone(),
        operation: SERVICE.operation_named(operation).expect("an operation"),
        protocol: &Plain,
        region: Some("us-east-1".to_owned()),
    }
}

pub fn input(body: &str) -> Value {
    decode(&SERVICE, Some(SERVICE.operation(call("Put").operation).input), body.as_bytes())
}

pub fn request(body: &str) -> Request {
    let uri = "https://sts.us-east-1.amazonaws.com/";
    http::Request::post(uri).header("x-amz-target", "Svc.Put").body(Bytes::from(body.to_owned())).expect("a request")
}

pub fn response(status: u16, body: &str) -> Response {
    http::Response::builder().status(status).body(Bytes::from(body.to_owned())).expect("a response")
}

pub fn finding(request: &Request, response: &Response) -> Finding {
    let call = call("Put");
    let input = call.protocol.decode_request(&call.service, call.operation, request).expect("an input");
    let reply = call.protocol.decode_response(&call.service, call.operation, response).expect("a reply");
    Finding {
        request: Some(judged(input)),
        response: Some(judged(reply)),
        call: Some(call),
    }
}

fn judged<T>(content: T) -> Judged<T> {
    Judged {
        verdict: Verdict::Conforms,
        reason: None,
        content: Some(content),
        violations: Vec::new(),
        lints: Vec::new(),
    }
}

pub fn departure(path: &str, rule: Rule) -> Departure {
    Departure {
        path: path.to_owned(),
        rule,
        message: String::new(),
    }
}

pub fn redactor() -> Redactor {
    redactor_after(&[])
}

pub fn redactor_after(known: &[Interaction]) -> Redactor {
    Redactor::new(&redaction(), &mut known.iter())
}

pub fn redaction() -> Redaction {
    Redaction {
        salt: SALT.to_owned(),
        ..Redaction::default()
    }
}

pub fn redacted(redactor: &Redactor, asked: &str, status: u16, answered: &str) -> Interaction {
    let (request, response) = (request(asked), response(status, answered));
    let finding = finding(&request, &response);
    redactor.redact(&request, &response, &finding, 1).expect("nothing leaks")
}

pub fn text(body: &Bytes) -> &str {
    std::str::from_utf8(body).expect("UTF-8")
}
