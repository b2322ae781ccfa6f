//! A small service for the tests of the redactor and the matcher, and its exchanges.

use crate::cassette::{Interaction, Redaction};
use crate::contract::{Departure, Rule};
use crate::inspect::{Call, Finding, inspect};
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::protocol;
use crate::redaction::Redactor;
use crate::value::Value;
use crate::wire::{Exchange, Request, Response};
use bytes::Bytes;
use std::sync::{Arc, LazyLock};

pub const SALT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), MODEL).expect("the model is written");
    Catalog::with_models(&[file.path()]).expect("the test model compiles")
});

static SERVICE: LazyLock<Arc<Service>> = LazyLock::new(|| CATALOG.by_shape_name("Svc").expect("the service").clone());

const MODEL: &str = r##"{"smithy":"2.0","shapes":{
"t#Svc":{"type":"service","version":"1","operations":[{"target":"t#Put"},{"target":"t#Get"}],
 "traits":{"aws.api#service":{"sdkId":"STS"},"aws.protocols#awsJson1_0":{}}},
"t#Put":{"type":"operation","input":{"target":"t#In"},"output":{"target":"t#Out"},"errors":[{"target":"t#Oops"}]},
"t#Get":{"type":"operation","input":{"target":"t#In"},"output":{"target":"t#Out"}},
"t#In":{"type":"structure","members":{
 "name":{"target":"smithy.api#String"},"count":{"target":"smithy.api#Double"},
 "spec":{"target":"t#Secret"},"pin":{"target":"t#Pin"},"digits":{"target":"t#Digits"},"mode":{"target":"t#Mode"},"few":{"target":"t#Few"},"code":{"target":"t#Code"},"blob":{"target":"t#SecretBlob"},"raw":{"target":"smithy.api#Blob"},
 "number":{"target":"t#SecretNumber"},"environment":{"target":"t#SecretMap"},"plain":{"target":"t#Map"},
 "variables":{"target":"t#Variables"},"codes":{"target":"t#Codes"},"tags":{"target":"t#Set"},"items":{"target":"t#Items"},"accountId":{"target":"smithy.api#String"},
 "arn":{"target":"smithy.api#String"},"at":{"target":"smithy.api#Timestamp"},"tree":{"target":"t#Tree"},
 "clientToken":{"target":"smithy.api#String","traits":{"smithy.api#idempotencyToken":{}}}}},
"t#Out":{"type":"structure","members":{"spec":{"target":"t#Secret"},"digits":{"target":"t#Digits"},"Credentials":{"target":"t#Credentials"},
 "token":{"target":"smithy.api#String"},"note":{"target":"smithy.api#String"},"arn":{"target":"smithy.api#String"},"message":{"target":"t#Secret"}}},
"t#Oops":{"type":"structure","members":{"message":{"target":"t#Secret"},"detail":{"target":"t#Secret"}},"traits":{"smithy.api#error":"client"}},
"t#Credentials":{"type":"structure","members":{"AccessKeyId":{"target":"smithy.api#String"},
 "SecretAccessKey":{"target":"t#Secret"},"SessionToken":{"target":"smithy.api#String"},"Expiration":{"target":"smithy.api#Timestamp"}}},
"t#Secret":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":1,"max":200}}},
"t#Tree":{"type":"structure","members":{"next":{"target":"t#Tree"},"parts":{"target":"t#Trees"},"leaf":{"target":"t#Secret"}}},
"t#Trees":{"type":"list","member":{"target":"t#Tree"}},
"t#Pin":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#length":{"min":8,"max":8}}},
"t#Digits":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#pattern":"^[0-9]{4}$"}},
"t#Mode":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#enum":[{"value":"ON"},{"value":"OFF"},{"value":"AUTO"}]}},
"t#Few":{"type":"integer","traits":{"smithy.api#sensitive":{},"smithy.api#range":{"min":1,"max":3}}},
"t#Code":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#pattern":"^[A-Z]{3}-[0-9]{6}$"}},
"t#SecretBlob":{"type":"blob","traits":{"smithy.api#sensitive":{}}},
"t#SecretNumber":{"type":"integer","traits":{"smithy.api#sensitive":{},"smithy.api#range":{"min":1000,"max":1999999999}}},
"t#SecretMap":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"},"traits":{"smithy.api#sensitive":{}}},
"t#Variables":{"type":"map","key":{"target":"t#Variable"},"value":{"target":"t#Secret"}},
"t#Codes":{"type":"map","key":{"target":"t#Code"},"value":{"target":"t#Secret"}},
"t#Variable":{"type":"string","traits":{"smithy.api#sensitive":{},"smithy.api#pattern":"^[a-zA-Z][a-zA-Z0-9_]+$"}},
"t#Map":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"}},
"t#Set":{"type":"list","member":{"target":"smithy.api#String"},"traits":{"smithy.api#uniqueItems":{}}},
"t#Items":{"type":"list","member":{"target":"t#Item"}},
"t#Item":{"type":"structure","members":{"password":{"target":"smithy.api#String"},"value":{"target":"smithy.api#String"},"at":{"target":"smithy.api#Timestamp"}}}
}}"##;

pub fn call(operation: &str) -> Call {
    Call {
        service: SERVICE.clone(),
        operation: SERVICE.operation_named(operation).expect("an operation"),
        protocol: protocol::named("aws.protocols#awsJson1_0").expect("the protocol"),
        region: Some("us-east-1".to_owned()),
    }
}

pub fn input(body: &str) -> Value {
    let call = call("Put");
    call.protocol
        .decode_request(&call.service, call.operation, &request(body))
        .expect("an input")
}

pub fn request(body: &str) -> Request {
    request_of("Put", body)
}

pub fn request_of(operation: &str, body: &str) -> Request {
    http::Request::post("https://sts.us-east-1.amazonaws.com/")
        .header("x-amz-target", format!("Svc.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .body(Bytes::from(body.to_owned()))
        .expect("a request")
}

pub fn response(status: u16, body: &str) -> Response {
    http::Response::builder()
        .status(status)
        .body(Bytes::from(body.to_owned()))
        .expect("a response")
}

pub fn finding(request: &Request, response: &Response) -> Finding {
    let exchange = Exchange {
        request: Some(request.clone()),
        response: Some(response.clone()),
    };
    inspect(&CATALOG, &exchange)
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
