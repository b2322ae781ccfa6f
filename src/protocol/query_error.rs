//! How an error is called in the query protocols, and in those that stand in for awsQuery: its
//! `@awsQueryError` code, else its name.

use crate::model::schema::{Fault, OperationIndex, Service, Shape, ShapeIndex};
use crate::wire;
use http::{HeaderMap, HeaderValue};

/// The header by which a service that used to speak awsQuery tells its SDKs the old code
/// (Smithy, `aws.protocols#awsQueryCompatible`): `Code;Sender` or `Code;Receiver`.
pub const HEADER: &str = "x-amzn-query-error";

/// The code of a modelled error on the wire.
pub fn code(shape: &Shape) -> &str {
    let modelled = shape
        .traits
        .get("aws.protocols#awsQueryError")
        .and_then(|error| error.get("code")?.as_str());
    modelled.unwrap_or_else(|| shape.name())
}

/// The status of a modelled error: that of its `@awsQueryError`, else 400 or 500 by whose fault it is.
pub fn status(shape: &Shape) -> u16 {
    let modelled = shape.traits.get("aws.protocols#awsQueryError");
    let status = modelled.and_then(|error| u16::try_from(error.get("httpResponseCode")?.as_u64()?).ok());
    status.unwrap_or_else(|| default_status(shape))
}

/// 400 where the client is at fault, 500 where the server is.
pub fn default_status(shape: &Shape) -> u16 {
    match shape.error.as_ref().map(|error| error.fault) {
        Some(Fault::Server) => 500,
        _ => 400,
    }
}

/// The modelled error that a code on the wire means.
pub fn find(service: &Service, operation: Option<OperationIndex>, wire_code: &str) -> Option<ShapeIndex> {
    let coded = |index: &ShapeIndex| code(service.shape(*index)) == wire_code;
    let found = match operation {
        Some(operation) => service.errors_of(operation).find(coded),
        None => {
            let all = service
                .operations
                .iter()
                .flat_map(|operation| &operation.errors)
                .chain(&service.errors);
            all.copied().find(coded)
        }
    };
    found.or_else(|| service.error_named(operation, wire_code))
}

/// `Sender` or `Receiver`.
pub fn fault(status: u16) -> &'static str {
    if status >= 500 { "Receiver" } else { "Sender" }
}

/// Adds to the head of a request that its client wants the old code with an error.
pub fn ask(headers: &mut HeaderMap, service: &Service) {
    if service.query_compatible {
        headers.insert("x-amzn-query-mode", HeaderValue::from_static("true"));
    }
}

/// Adds the old code to the head of an error, where the service is one that tells it.
pub fn tell(headers: &mut HeaderMap, service: &Service, shape: Option<&Shape>, name: &str, status: u16) {
    if service.query_compatible {
        let code = shape.map_or(name, code);
        headers.insert(HEADER, wire::header_value(&format!("{code};{}", fault(status))));
    }
}
