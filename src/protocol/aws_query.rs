//! awsQuery (Smithy 2.0, "AWS query protocol"): a form in, XML out, the output wrapped twice:
//! `<OpResponse><OpResult>`. Services that moved to another protocol are spoken to in it by older
//! SDKs (`@awsQueryCompatible`).

use super::{Identified, Malformed, Protocol, Refusal, Reply, query, query_error};
use crate::codec::form::Dialect;
use crate::codec::xml;
use crate::model::schema::{OperationIndex, Service, Shape, ShapeIndex, ShapeKind};
use crate::value::{Side, Value};
use crate::wire::{Request, Response};
use bytes::Bytes;

/// The protocol.
pub static AWS_QUERY: AwsQuery = AwsQuery;

/// awsQuery.
pub struct AwsQuery;

impl Protocol for AwsQuery {
    fn id(&self) -> &'static str {
        "aws.protocols#awsQuery"
    }

    fn identify(&self, service: &Service, request: &Request) -> Identified {
        query::identify(service, request)
    }

    fn accepts(&self, _service: &Service, _operation: OperationIndex, request: &Request) -> Result<(), Malformed> {
        query::accepts(request)
    }

    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        query::decode_request(service, operation, request, Dialect::Aws)
    }

    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        let mut body = Bytes::new();
        let root = query::document(response, &mut body)?;
        if !response.status().is_success() {
            return query::decode_error(service, operation, root.as_ref(), response.status());
        }
        Ok(Reply::Output(
            root.map_or(Value::Object(Vec::new()), |root| output(service, operation, &root)),
        ))
    }

    fn answers(&self, response: &Response) -> bool {
        query::answers(response)
    }

    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response {
        let shape = query_error::find(service, refusal.operation, refusal.code).map(|shape| service.shape(shape));
        let code = shape.map_or(refusal.code, query_error::code);
        let body = error(service, refusal.status, code, Some(refusal.message), |_| {});
        query::response(refusal.status, body)
    }

    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request {
        query::encode_request(service, operation, host, input, Dialect::Aws)
    }

    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response {
        let operation = service.operation(operation);
        let (response, result) = (format!("{}Response", operation.name), format!("{}Result", operation.name));
        let mut encoder = xml::Encoder::new(service);
        encoder.open(&response, xml::Namespace::of(&service.traits));
        if !matches!(service.shape(operation.output).kind, ShapeKind::Unit) {
            encoder.open(&result, None);
            encoder.members(operation.output, output);
            encoder.close(&result);
        }
        encoder.open("ResponseMetadata", None);
        encoder.text("RequestId", query::REQUEST_ID);
        encoder.close("ResponseMetadata");
        encoder.close(&response);
        query::response(200, encoder.finish())
    }

    fn encode_modelled_error(&self, service: &Service, shape: ShapeIndex, value: &Value) -> Response {
        let modelled = service.shape(shape);
        let status = query_error::status(modelled);
        let body = error(service, status, query_error::code(modelled), query::message(value), |encoder| {
            query::encode_error_members(encoder, shape, value);
        });
        query::response(status, body)
    }

    fn error_statuses(&self, error: &Shape) -> Vec<u16> {
        query::error_statuses(error)
    }
}

/// The output inside its wrappers; where a service leaves the inner one off, that of the outer.
fn output(service: &Service, operation: OperationIndex, root: &xml::Element<'_>) -> Value {
    let operation = service.operation(operation);
    if let Some(result) = root.child(&format!("{}Result", operation.name)) {
        return xml::decode(service, operation.output, result, Side::Response);
    }
    let shape = service.shape(operation.output);
    let is_own = |name: &str| matches!(name, "ResponseMetadata" | "RequestId") && shape.member(name).is_none();
    query::without(xml::decode(service, operation.output, root, Side::Response), is_own)
}

fn error(service: &Service, status: u16, code: &str, message: Option<&str>, members: impl FnOnce(&mut xml::Encoder<'_>)) -> String {
    let mut encoder = xml::Encoder::new(service);
    encoder.open("ErrorResponse", xml::Namespace::of(&service.traits));
    encoder.open("Error", None);
    encoder.text("Type", query_error::fault(status));
    encoder.text("Code", code);
    if let Some(message) = message {
        encoder.text("Message", message);
    }
    members(&mut encoder);
    encoder.close("Error");
    encoder.text("RequestId", query::REQUEST_ID);
    encoder.close("ErrorResponse");
    encoder.finish()
}
