//! What the two REST protocols do alike beside the bindings: the operation by its route, the
//! request line, statuses.

use super::http_binding::uri;
use super::{Identified, route};
use crate::model::http::Binding;
use crate::model::schema::{Fault, Operation, Service, Shape};
use crate::value::{Side, Value};
use crate::wire::Request;
use http::{Method, StatusCode};

/// The operation by method, path and query. A request with an `X-Amz-Target` is meant for another
/// protocol.
pub(super) fn identify(service: &Service, request: &Request) -> Identified {
    if service.routes().is_empty() || request.headers().contains_key("x-amz-target") {
        return Identified::NotMine;
    }
    match route::find(service, request) {
        Ok(operation) => Identified::Operation(operation),
        Err(reason) => Identified::NoSuchOperation(reason),
    }
}

/// The method, and the path with its query; `POST /` for an operation without a route.
pub(super) fn request_line(service: &Service, operation: &Operation, input: &Value) -> (Method, String) {
    match &operation.http {
        Some(http) => (http.method.clone(), uri::write(service, operation.input, http, input)),
        None => (Method::POST, "/".to_owned()),
    }
}

/// The status of a success: the member with `@httpResponseCode`, else what `@http` says.
pub(super) fn success_status(service: &Service, operation: &Operation, output: &Value) -> StatusCode {
    let members = service.shape(operation.output).members().iter();
    let given = members
        .filter(|member| *member.binding.on(Side::Response) == Binding::ResponseCode)
        .find_map(|member| match output.member(&member.name) {
            Some(Value::Integer(status)) => u16::try_from(*status).ok(),
            _ => None,
        });
    let modelled = || operation.http.as_ref().map(|http| http.code);
    given
        .filter(|status| (200..300).contains(status))
        .or_else(modelled)
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}

/// `@httpError`, else 400 or 500 by whose fault it is.
pub(super) fn error_status(shape: &Shape) -> u16 {
    let error = shape.error.as_ref();
    let by_fault = match error.map(|error| error.fault) {
        Some(Fault::Server) => 500,
        _ => 400,
    };
    error.and_then(|error| error.http_status).unwrap_or(by_fault)
}
