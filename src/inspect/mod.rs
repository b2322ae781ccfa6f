//! What Ferrotape understands of one exchange, and how it judges it.
//!
//! This is the product in one function: `record`, `replay`, `verify` and `check` differ only in
//! where exchanges come from and where they go.

mod clues;
mod host;
mod plain;
mod present;
mod presigned;
mod recognise;
mod recorded;
mod times;

pub use host::bucket_in_host;
pub use plain::{plain, whole};
pub use present::present;
pub use presigned::{Presigned, presigned};
pub use recognise::{Hint, Unmodeled, recognise};
pub use recorded::{inspect_recorded, mislabeled};
pub use times::time_marks;

use crate::contract::{self, Departure, Judgement, Rule, Side};
use crate::model::catalog::Catalog;
use crate::model::http::Binding;
use crate::model::schema::{Member, Operation, OperationIndex, Service, Shape, ShapeKind};
use crate::protocol::{self, Identified, Malformed, PROTOCOLS, Protocol, Reply};
use crate::scope;
use crate::value::Value;
use crate::wire::{self, Exchange, Request, Response};
use http::StatusCode;
use http::header::CONTENT_ENCODING;
use std::sync::Arc;

/// The verdict on one side of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// In the format, and nothing violated.
    Conforms,
    /// In the format, but it breaks the model.
    Violates,
    /// Not in the protocol's format, or of a wrong content type.
    Malformed,
    /// No known operation.
    Unmodeled,
}

impl Verdict {
    /// The verdict's name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Conforms => "conforms",
            Verdict::Violates => "violates",
            Verdict::Malformed => "malformed",
            Verdict::Unmodeled => "unmodeled",
        }
    }
}

/// A request understood.
#[derive(Clone)]
pub struct Call {
    /// The service's model.
    pub service: Arc<Service>,
    /// The operation.
    pub operation: OperationIndex,
    /// How it is spoken.
    pub protocol: &'static dyn Protocol,
    /// The region of the credential scope, else of the host, where either tells one.
    pub region: Option<String>,
}

/// What is said of one side of an exchange. `content` is the decoded input, or the reply.
#[derive(Debug, Clone)]
pub struct Judged<T> {
    /// The verdict; it follows from the fields below.
    pub verdict: Verdict,
    /// Why the side is malformed or unmodeled.
    pub reason: Option<String>,
    /// What was decoded; of a malformed request too, where only its headers are wrong.
    pub content: Option<T>,
    /// Breaches.
    pub violations: Vec<Departure>,
    /// Departures that are tolerated.
    pub lints: Vec<Departure>,
}

/// What `inspect` says of one exchange.
pub struct Finding {
    /// The call, where the operation is known.
    pub call: Option<Call>,
    /// The request's side, where there is a request.
    pub request: Option<Judged<Value>>,
    /// The response's side, where there is a response.
    pub response: Option<Judged<Reply>>,
}

impl Call {
    /// The operation's model.
    pub fn operation(&self) -> &Operation {
        self.service.operation(self.operation)
    }

    /// The idempotency token of an input, where the operation has one and the input gives it.
    pub fn token<'a>(&self, input: &'a Value) -> Option<&'a str> {
        input.member(self.operation().idempotency_token.as_deref()?)?.as_text()
    }

    /// Whether `Content-Encoding` is a member of one side, and so belongs to what is sent (an object
    /// that is stored compressed) and not to its transmission.
    pub fn owns_encoding(&self, side: Side) -> bool {
        let shape = match side {
            Side::Request => self.operation().input,
            Side::Response => self.operation().output,
        };
        let is_it = |member: &Member| matches!(&member.binding, Binding::Header(name) if name == CONTENT_ENCODING.as_str());
        self.service.shape(shape).members().iter().any(is_it)
    }
}

/// Understands and judges one exchange.
pub fn inspect(catalog: &Catalog, exchange: &Exchange) -> Finding {
    inspect_hinted(catalog, exchange, Hint::default())
}

/// Understands and judges one exchange of which something is known beforehand: a lone response
/// says nothing of its operation, and a request may lack the header that names it.
pub fn inspect_hinted(catalog: &Catalog, exchange: &Exchange, hint: Hint<'_>) -> Finding {
    let among = hint.service.and_then(|name| catalog.find(name));
    let recognised = exchange.request.as_ref().map(|request| match among {
        Some(service) => recognise::recognise_for(service, request),
        None => recognise(catalog, request),
    });
    let call = match (recognised, hinted(catalog, exchange, hint)) {
        (Some(Ok(call)), _) => Ok((call, false)),
        (_, Some(Ok(call))) => Ok((call, true)),
        (Some(Err(unmodeled)), _) | (None, Some(Err(unmodeled))) => Err(unmodeled),
        (None, None) => Err(Unmodeled {
            reason: "a response alone does not say what it answers: give `service` and `operation`".to_owned(),
            service: None,
        }),
    };
    match call {
        Ok((call, by_hint)) => Finding {
            request: exchange.request.as_ref().map(|request| judge_request(&call, request, by_hint)),
            response: exchange.response.as_ref().map(|response| judge_response(&call, response)),
            call: Some(call),
        },
        Err(unmodeled) => Finding {
            call: None,
            request: exchange.request.as_ref().map(|_| Judged::unmodeled(&unmodeled)),
            response: exchange.response.as_ref().map(|_| Judged::unmodeled(&unmodeled)),
        },
    }
}

fn protocols_of(service: &Service) -> impl Iterator<Item = &'static dyn Protocol> + '_ {
    PROTOCOLS
        .iter()
        .copied()
        .filter(|protocol| service.protocols.iter().any(|id| id == protocol.id()))
}

/// The call that the caller says it is; nothing where the request itself names another target.
fn hinted(catalog: &Catalog, exchange: &Exchange, hint: Hint<'_>) -> Option<Result<Call, Unmodeled>> {
    let request = exchange.request.as_ref();
    let name = hint.operation?;
    let service = match hint.service {
        Some(service) => catalog.find(service),
        None => catalog.services().iter().find(|service| service.operation_named(name).is_some()),
    };
    let Some(service) = service else {
        let reason = format!("no model knows the service `{}`", hint.service.unwrap_or("?"));
        return Some(Err(Unmodeled { reason, service: None }));
    };
    let Some(operation) = service.operation_named(name) else {
        let reason = format!("the model of {} has no operation `{name}`", service.sdk_id);
        return Some(Err(Unmodeled {
            reason,
            service: Some(service.sdk_id.clone()),
        }));
    };
    let target = request.and_then(|request| wire::text(request.headers(), &wire::X_AMZ_TARGET));
    if target.is_some_and(|target| target.rsplit('.').next() != Some(name)) {
        return None;
    }
    let looks_like_its = |protocol: &&dyn Protocol| exchange.response.as_ref().is_some_and(|response| protocol.answers(response));
    let protocol = protocols_of(service).find(looks_like_its).or_else(|| protocol_of(service))?;
    Some(Ok(Call {
        service: service.clone(),
        operation,
        protocol,
        region: request.and_then(region),
    }))
}

fn region(request: &Request) -> Option<String> {
    scope::region_of(request.uri(), request.headers())
}

impl<T> Judged<T> {
    fn unmodeled(unmodeled: &Unmodeled) -> Judged<T> {
        Judged {
            verdict: Verdict::Unmodeled,
            reason: Some(unmodeled.reason.clone()),
            content: None,
            violations: Vec::new(),
            lints: Vec::new(),
        }
    }

    fn malformed(malformed: Malformed) -> Judged<T> {
        Judged {
            verdict: Verdict::Malformed,
            reason: Some(malformed.0),
            content: None,
            violations: Vec::new(),
            lints: Vec::new(),
        }
    }

    fn of(content: T, judgement: Judgement) -> Judged<T> {
        let verdict = if judgement.violations.is_empty() {
            Verdict::Conforms
        } else {
            Verdict::Violates
        };
        Judged {
            verdict,
            reason: None,
            content: Some(content),
            violations: judgement.violations,
            lints: judgement.lints,
        }
    }
}

/// Decodes and judges the request of a call, in its plain form. With `lenient_content_type`, a request that has no
/// content type at all is read as if it had the right one.
pub fn judge_request(call: &Call, request: &Request, lenient_content_type: bool) -> Judged<Value> {
    let request = &*plain(request);
    let lenient = lenient_content_type && !request.headers().contains_key(http::header::CONTENT_TYPE);
    let accepted = if lenient {
        Ok(())
    } else {
        call.protocol.accepts(&call.service, call.operation, request)
    };
    let decoded = call.protocol.decode_request(&call.service, call.operation, request);
    match (accepted, decoded) {
        // What is secret in it is known all the same.
        (Err(malformed), decoded) => Judged {
            content: decoded.ok(),
            ..Judged::malformed(malformed)
        },
        (Ok(()), Ok(input)) => {
            let judgement = contract::check(&call.service, call.operation().input, &input, Side::Request);
            Judged::of(input, judgement)
        }
        (Ok(()), Err(malformed)) => Judged::malformed(malformed),
    }
}

/// Decodes and judges the response to a call.
pub fn judge_response(call: &Call, response: &Response) -> Judged<Reply> {
    match call.protocol.decode_response(&call.service, call.operation, response) {
        Ok(Reply::Output(output)) => {
            let judgement = contract::check(&call.service, call.operation().output, &output, Side::Response);
            Judged::of(Reply::Output(output), judgement)
        }
        Ok(Reply::Error { code, shape, value }) => {
            let judgement = match shape {
                Some(shape) => judge_error(call, call.service.shape(shape), shape, &value, response.status()),
                // An answer to HEAD has no body: the name is made of the status, as clients make it.
                None if response.body().is_empty() && !response.headers().contains_key("x-amzn-errortype") => Judgement::default(),
                None => unmodelled_error(call, &code),
            };
            Judged::of(Reply::Error { code, shape, value }, judgement)
        }
        Err(malformed) => Judged::malformed(malformed),
    }
}

fn judge_error(call: &Call, shape: &Shape, index: crate::model::schema::ShapeIndex, value: &Value, status: StatusCode) -> Judgement {
    let mut judgement = contract::check(&call.service, index, value, Side::Response);
    let expected = call.protocol.error_statuses(shape);
    if !expected.contains(&status.as_u16()) {
        let wanted = expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        judgement.lints.push(lint(format!(
            "the error `{}` came with status {}, where {wanted} was expected",
            shape.name(),
            status.as_u16()
        )));
    }
    // SDKs and people read `message` in either spelling, whatever the model says; services send both.
    // (`unknown:` stands before a name that another member has in the model.)
    let spelled = |path: &str| matches!(path.trim_start_matches("/unknown:").trim_start_matches('/'), "message" | "Message");
    judgement
        .lints
        .retain(|lint| !(lint.rule == Rule::Unknown && spelled(&lint.path) && !matches!(shape.kind, ShapeKind::Unit)));
    judgement
}

/// Some models (EC2's) name no errors at all: then nothing departs from them.
fn unmodelled_error(call: &Call, code: &str) -> Judgement {
    if !call.service.names_errors() {
        return Judgement::default();
    }
    let message = format!(
        "the model of {} knows no error `{code}` for {}",
        call.service.sdk_id,
        call.operation().name
    );
    Judgement {
        violations: Vec::new(),
        lints: vec![lint(message)],
    }
}

fn lint(message: String) -> Departure {
    Departure {
        path: String::new(),
        rule: Rule::Unknown,
        message,
    }
}

/// The protocol in which a request speaks to a service, though it names no operation that the model
/// knows; the service's own where it speaks none.
pub fn spoken(service: &Service, request: &Request) -> Option<&'static dyn Protocol> {
    let addressed = |protocol: &&'static dyn Protocol| protocol.identify(service, request) != Identified::NotMine;
    protocols_of(service).find(addressed).or_else(|| protocol_of(service))
}

/// The protocol by which a service is spoken to when Ferrotape itself has to write: the first of
/// its model that Ferrotape speaks.
pub fn protocol_of(service: &Service) -> Option<&'static dyn Protocol> {
    service.protocols.iter().find_map(|id| protocol::named(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an error `Odd`, where the model knows errors by the names `known`.
    fn lints_of_an_unknown_error(known: &[&str]) -> Vec<String> {
        lints_of_an_error(known, Response::new(r#"{"__type":"Odd"}"#.into()))
    }

    fn lints_of_an_error(known: &[&str], mut response: Response) -> Vec<String> {
        let errors: Vec<String> = known.iter().map(|name| format!(r##"{{"target":"a#{name}"}}"##)).collect();
        let shapes: String = known
            .iter()
            .map(|name| format!(r##""a#{name}":{{"type":"structure","traits":{{"smithy.api#error":"client"}}}},"##))
            .collect();
        let model = format!(
            r##"{{"smithy":"2.0","shapes":{{{shapes}
                "a#S":{{"type":"service","version":"1","operations":[{{"target":"a#Op"}}],"traits":{{"aws.protocols#awsJson1_0":{{}}}}}},
                "a#Op":{{"type":"operation","errors":[{}]}}}}}}"##,
            errors.join(",")
        );
        let service = crate::model::load(model.as_bytes(), "test").unwrap().remove(0);
        let call = Call {
            operation: service.operation_named("Op").unwrap(),
            service: service.into(),
            protocol: protocol::named("aws.protocols#awsJson1_0").unwrap(),
            region: None,
        };
        *response.status_mut() = StatusCode::BAD_REQUEST;
        let judged = judge_response(&call, &response);
        judged.lints.into_iter().map(|lint| lint.message).collect()
    }

    #[test]
    fn an_error_without_a_body_has_no_name_that_a_model_could_lack() {
        let empty = || Response::new(Default::default());
        assert_eq!(lints_of_an_error(&["Even"], empty()), [""; 0]);
        let mut named = empty();
        named.headers_mut().insert("x-amzn-errortype", "Odd".parse().unwrap());
        assert_eq!(lints_of_an_error(&["Even"], named), ["the model of S knows no error `Odd` for Op"]);
    }

    #[test]
    fn an_error_that_the_model_lacks_is_told_only_where_the_model_has_errors() {
        assert_eq!(lints_of_an_unknown_error(&["Even"]), ["the model of S knows no error `Odd` for Op"]);
        assert_eq!(lints_of_an_unknown_error(&[]), [""; 0]);
    }
}
