//! ec2Query (Smithy 2.0, "AWS EC2 query protocol"): a form in, in EC2's own spelling; XML out, with
//! the output right below the root, and errors in a list of one.

use super::{Identified, Malformed, Protocol, Refusal, Reply, query, query_error};
use crate::codec::form::Dialect;
use crate::codec::xml;
use crate::model::schema::{OperationIndex, Service, Shape, ShapeIndex};
use crate::value::{Side, Value};
use crate::wire::{Request, Response};
use bytes::Bytes;

/// The protocol.
pub static EC2_QUERY: Ec2Query = Ec2Query;

/// ec2Query.
pub struct Ec2Query;

impl Protocol for Ec2Query {
    fn id(&self) -> &'static str {
        "aws.protocols#ec2Query"
    }

    fn identify(&self, service: &Service, request: &Request) -> Identified {
        query::identify(service, request)
    }

    fn accepts(&self, _service: &Service, _operation: OperationIndex, request: &Request) -> Result<(), Malformed> {
        query::accepts(request)
    }

    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed> {
        query::decode_request(service, operation, request, Dialect::Ec2)
    }

    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed> {
        let mut body = Bytes::new();
        let root = query::document(response, &mut body)?;
        if !response.status().is_success() {
            return query::decode_error(service, operation, root.as_ref(), response.status());
        }
        let Some(root) = root else {
            return Ok(Reply::Output(Value::Object(Vec::new())));
        };
        let output = service.operation(operation).output;
        let shape = service.shape(output);
        let is_own = |name: &str| matches!(name, "requestId" | "RequestId" | "RequestID") && shape.member(name).is_none();
        Ok(Reply::Output(query::without(
            xml::decode(service, output, &root, Side::Response),
            is_own,
        )))
    }

    fn answers(&self, response: &Response) -> bool {
        query::answers(response)
    }

    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response {
        let shape = query_error::find(service, refusal.operation, refusal.code).map(|shape| service.shape(shape));
        let code = shape.map_or(refusal.code, query_error::code);
        query::response(refusal.status, error(service, code, Some(refusal.message), |_| {}))
    }

    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request {
        query::encode_request(service, operation, host, input, Dialect::Ec2)
    }

    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response {
        let operation = service.operation(operation);
        let name = format!("{}Response", operation.name);
        let mut encoder = xml::Encoder::new(service);
        encoder.open(&name, xml::Namespace::of(&service.traits));
        encoder.text("requestId", query::REQUEST_ID);
        encoder.members(operation.output, output);
        encoder.close(&name);
        query::response(200, encoder.finish())
    }

    fn encode_modelled_error(&self, service: &Service, shape: ShapeIndex, value: &Value) -> Response {
        let modelled = service.shape(shape);
        let body = error(service, query_error::code(modelled), query::message(value), |encoder| {
            query::encode_error_members(encoder, shape, value);
        });
        query::response(query_error::status(modelled), body)
    }

    fn error_statuses(&self, error: &Shape) -> Vec<u16> {
        query::error_statuses(error)
    }
}

fn error(service: &Service, code: &str, message: Option<&str>, members: impl FnOnce(&mut xml::Encoder<'_>)) -> String {
    let mut encoder = xml::Encoder::new(service);
    encoder.open("Response", None);
    encoder.open("Errors", None);
    encoder.open("Error", None);
    encoder.text("Code", code);
    if let Some(message) = message {
        encoder.text("Message", message);
    }
    members(&mut encoder);
    encoder.close("Error");
    encoder.close("Errors");
    encoder.text("RequestID", query::REQUEST_ID);
    encoder.close("Response");
    encoder.finish()
}
