//! The stand-in for a service: answers every modelled operation with a valid made-up response, and
//! refuses what breaks the contract as the service would.
//!
//! It holds no state: what is created is not there to be listed, and the same call gets the same
//! answer. Every answer is labelled, so that a recording of it says what it is.

use super::body::{self, Read};
use super::{Arrival, Authority, Handler, Payload, Reach, Refused, RequestBody};
use crate::inspect::{self, Call, Judged, Unmodeled, Verdict};
use crate::model::catalog::Catalog;
use crate::protocol::refusal::{SERIALIZATION, UNKNOWN_OPERATION, validation_error, validation_message};
use crate::protocol::{self, Refusal};
use crate::synth::{self, Setting};
use crate::value::Value;
use crate::wire::{Request, Response};
use http::{HeaderName, HeaderValue};

/// The label of every answer. The recorder takes it off and calls the cassette synthesised.
pub static LABEL: HeaderName = HeaderName::from_static("x-ferrotape-stand-in");

/// The longest request that is read.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// The code for what the model allows but nothing valid could be made for. No model has it, so no
/// SDK tries again.
const NO_ANSWER: &str = "NoStandInAnswer";

/// Stands in for every service of a catalog, at the endpoint door.
pub struct StandIn {
    catalog: Catalog,
}

impl StandIn {
    /// A stand-in for these services.
    pub fn new(catalog: Catalog) -> StandIn {
        StandIn { catalog }
    }

    /// The answer to a whole request.
    pub fn answer(&self, request: &Request) -> Response {
        let mut response = match inspect::recognise(&self.catalog, request) {
            Ok(call) => answer_call(&call, request),
            Err(unmodeled) => self.unknown(&unmodeled),
        };
        response.headers_mut().insert(LABEL.clone(), HeaderValue::from_static("true"));
        response
    }

    /// In the protocol of the service, where that much is known.
    fn unknown(&self, unmodeled: &Unmodeled) -> Response {
        let refusal = Refusal {
            operation: None,
            code: UNKNOWN_OPERATION,
            status: 400,
            message: &unmodeled.reason,
        };
        let service = unmodeled.service.as_deref().and_then(|name| self.catalog.find(name));
        let spoken = service.and_then(|service| {
            let protocol = service.protocols.iter().find_map(|id| protocol::named(id))?;
            Some(protocol.encode_error(service, &refusal))
        });
        spoken.unwrap_or_else(|| unknown_service(&refusal))
    }
}

/// In the form that most protocols understand.
fn unknown_service(refusal: &Refusal<'_>) -> Response {
    let body = serde_json::json!({ "__type": refusal.code, "message": refusal.message }).to_string();
    let mut response = Response::new(body.into());
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert("x-amzn-errortype", HeaderValue::from_static(UNKNOWN_OPERATION));
    response
}

fn answer_call(call: &Call, request: &Request) -> Response {
    let judged = inspect::judge_request(call, request, false);
    match judged {
        Judged {
            verdict: Verdict::Conforms,
            content: Some(input),
            ..
        } => made_up(call, &input),
        Judged {
            verdict: Verdict::Violates,
            violations,
            ..
        } => {
            let (code, status) = validation_error(&call.service, call.operation);
            refuse(call, code, status, &validation_message(&violations))
        }
        Judged { reason, .. } => refuse(call, SERIALIZATION, 400, reason.as_deref().unwrap_or("the request cannot be read")),
    }
}

fn made_up(call: &Call, input: &Value) -> Response {
    let mut setting = Setting::default();
    if let Some(region) = &call.region {
        setting.region = region.clone();
    }
    match synth::output(&call.service, call.operation, input, &setting) {
        Ok(output) => call.protocol.encode_response(&call.service, call.operation, &output),
        Err(error) => refuse(call, NO_ANSWER, 400, &error.to_string()),
    }
}

fn refuse(call: &Call, code: &str, status: u16, message: &str) -> Response {
    let refusal = Refusal {
        operation: Some(call.operation),
        code,
        status,
        message,
    };
    call.protocol.encode_error(&call.service, &refusal)
}

impl Handler for StandIn {
    async fn call(&self, _arrival: Arrival, request: http::Request<RequestBody>) -> http::Response<Payload> {
        let (head, body) = request.into_parts();
        match body::read_limited(body, LONGEST_BODY).await {
            Ok(Read::Whole(body)) => self.answer(&http::Request::from_parts(head, body)).map(Payload::whole),
            Ok(Read::Over { .. }) => Refused::bad(format!("the stand-in reads no more than {LONGEST_BODY} bytes")).into_response(),
            Err(error) => Refused::bad(error.to_string()).into_response(),
        }
    }

    fn reach(&self, _authority: &Authority) -> Reach {
        Reach::Refuse("the stand-in is no proxy; name it as the endpoint, or as `--upstream` of a recording".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Reply;
    use bytes::Bytes;

    fn stand_in() -> StandIn {
        StandIn::new(Catalog::built_in().unwrap())
    }

    fn request(target: &str, content_type: &str, body: &str) -> Request {
        http::Request::post("http://127.0.0.1:1/")
            .header("x-amz-target", target)
            .header("content-type", content_type)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    fn create_service_instance(body: &str) -> Request {
        request("AwsProton20200720.CreateServiceInstance", "application/x-amz-json-1.0", body)
    }

    fn code(stand_in: &StandIn, request: &Request) -> (u16, String) {
        let response = stand_in.answer(request);
        assert_eq!(response.headers()[&LABEL], "true");
        let service = stand_in.catalog.find("proton").unwrap();
        let operation = service.operation_named("CreateServiceInstance").unwrap();
        let protocol = protocol::named(&service.protocols[0]).unwrap();
        let reply = protocol.decode_response(service, operation, &response).unwrap();
        match reply {
            Reply::Error { code, .. } => (response.status().as_u16(), code),
            Reply::Output(_) => (response.status().as_u16(), String::new()),
        }
    }

    #[test]
    fn a_valid_call_gets_a_valid_labelled_answer() {
        let request = create_service_instance(r#"{"name":"blue","serviceName":"frontend","spec":"proton: ServiceSpec"}"#);
        let stand_in = stand_in();
        assert_eq!(code(&stand_in, &request), (200, String::new()));
        let exchange = crate::wire::Exchange {
            response: Some(stand_in.answer(&request)),
            request: Some(request),
        };
        let finding = inspect::inspect(&stand_in.catalog, &exchange);
        assert_eq!(finding.response.unwrap().verdict, Verdict::Conforms);
    }

    #[test]
    fn a_broken_contract_is_refused_with_the_operations_own_error() {
        let request = create_service_instance(r#"{"name":"blue"}"#);
        assert_eq!(code(&stand_in(), &request), (400, "ValidationException".to_owned()));
        let request = self::request(
            "AWS242ServiceCatalogService.CreateProvisioningArtifact",
            "application/x-amz-json-1.1",
            "{}",
        );
        assert_eq!(code(&stand_in(), &request), (400, "InvalidParametersException".to_owned()));
    }

    #[test]
    fn what_is_not_in_the_format_and_what_nobody_knows_is_refused_as_aws_does() {
        let stand_in = stand_in();
        assert_eq!(code(&stand_in, &create_service_instance("{")), (400, SERIALIZATION.to_owned()));
        for target in ["AwsProton20200720.MakeCoffee", "Elsewhere.MakeCoffee"] {
            let request = request(target, "application/x-amz-json-1.0", "{}");
            assert_eq!(code(&stand_in, &request), (400, UNKNOWN_OPERATION.to_owned()));
        }
    }

    #[test]
    fn a_call_repeated_gets_the_same_answer_and_another_input_another_id() {
        let stand_in = stand_in();
        let make = |name: &str, token: &str| {
            let body = format!(r#"{{"ProductId":"prod-1","Parameters":{{"Name":"{name}"}},"IdempotencyToken":"{token}"}}"#);
            let target = "AWS242ServiceCatalogService.CreateProvisioningArtifact";
            let answer = stand_in.answer(&request(target, "application/x-amz-json-1.1", &body)).into_body();
            let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
            answer["ProvisioningArtifactDetail"]["Id"].to_string()
        };
        assert_eq!(make("a", "one"), make("a", "two"));
        assert_ne!(make("a", "one"), make("b", "one"));
    }
}
