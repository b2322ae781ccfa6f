//! Protocols: how an operation and its values are written on the wire.
//!
//! A protocol is one file here and one row in [`PROTOCOLS`].

mod aws_json;
mod aws_query;
mod ec2_query;
mod events;
mod http_binding;
pub mod locate;
mod query;
mod query_error;
pub mod refusal;
mod rest;
mod rest_json;
mod rest_xml;
pub mod route;
mod rpc_v2;
mod rpc_v2_cbor;
mod rpc_v2_json;
#[cfg(test)]
mod testing;

use crate::codec::spot::Visit;
use crate::model::schema::{OperationIndex, Service, Shape, ShapeIndex};
use crate::value::Value;
use crate::wire::{Request, Response};

/// Every protocol that Ferrotape speaks. Two of one id are two ways of writing the same documents; the
/// first is what is written where nobody asks for the other.
pub static PROTOCOLS: &[&dyn Protocol] = &[
    &aws_json::AWS_JSON_1_0,
    &aws_json::AWS_JSON_1_1,
    &aws_json::AWS_CBOR_1_0,
    &aws_json::AWS_CBOR_1_1,
    &rest_json::REST_JSON_1,
    &rest_xml::REST_XML,
    &aws_query::AWS_QUERY,
    &ec2_query::EC2_QUERY,
    &rpc_v2_cbor::RPC_V2_CBOR,
    &rpc_v2_json::RPC_V2_JSON,
];

/// Bytes that are not in the protocol's format at all, or a wrong content type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// What a request asks for, as far as a protocol can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// This operation.
    Operation(OperationIndex),
    /// It speaks to this service, but names no operation that the model knows; the text says why.
    NoSuchOperation(String),
    /// It is not addressed to this service.
    NotMine,
}

/// What a response says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The operation's output.
    Output(Value),
    /// An error.
    Error {
        /// The error's name without namespace or URI, `ValidationException`.
        code: String,
        /// The modelled error structure of that name, where the model has one.
        shape: Option<ShapeIndex>,
        /// The error's members, the type discriminator left out.
        value: Value,
    },
}

/// What a response holds, by the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The output of this operation.
    Output(OperationIndex),
    /// An error of this operation, and its shape where the model knows it.
    Error(OperationIndex, Option<ShapeIndex>),
}

impl Answer {
    /// What a decoded reply to `operation` holds.
    pub fn of(operation: OperationIndex, reply: &Reply) -> Answer {
        match reply {
            Reply::Output(_) => Answer::Output(operation),
            Reply::Error { shape, .. } => Answer::Error(operation, *shape),
        }
    }

    /// The shape of the value.
    pub fn shape(self, service: &Service) -> Option<ShapeIndex> {
        match self {
            Answer::Output(operation) => Some(service.operation(operation).output),
            Answer::Error(_, shape) => shape,
        }
    }

    /// The operation that is answered.
    pub fn operation(self) -> OperationIndex {
        match self {
            Answer::Output(operation) | Answer::Error(operation, _) => operation,
        }
    }
}

/// A refusal to be written in the service's own protocol.
#[derive(Debug, Clone)]
pub struct Refusal<'a> {
    /// The operation, where it is known.
    pub operation: Option<OperationIndex>,
    /// The error's name: modelled or not.
    pub code: &'a str,
    /// HTTP status: a 4xx that no SDK retries.
    pub status: u16,
    /// What the user reads in the SDK's exception.
    pub message: &'a str,
}

/// One wire protocol. Implementations are stateless and live in [`PROTOCOLS`].
pub trait Protocol: Sync {
    /// The shape id of the protocol trait, `aws.protocols#awsJson1_0`.
    fn id(&self) -> &'static str;
    /// What documents are written in, where protocols of one id differ in that.
    fn written(&self) -> &'static str {
        ""
    }
    /// Whether a request speaks to `service` in this protocol, and which operation it names.
    fn identify(&self, service: &Service, request: &Request) -> Identified;
    /// Whether the request's content type is the protocol's.
    fn accepts(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<(), Malformed>;
    /// Reads an operation's input. Lenient: fails only where the bytes are not in the format.
    fn decode_request(&self, service: &Service, operation: OperationIndex, request: &Request) -> Result<Value, Malformed>;
    /// Reads an operation's output or error.
    fn decode_response(&self, service: &Service, operation: OperationIndex, response: &Response) -> Result<Reply, Malformed>;
    /// Shows where on the wire each scalar of a request is, for the redactor, which writes others
    /// there. Body without content encoding. See [`locate`] for what to call. A protocol that does
    /// not say it can record no call that has something to hide.
    ///
    /// # Errors
    /// Where the request cannot be taken apart.
    fn locate_request(
        &self,
        _service: &Service,
        _operation: OperationIndex,
        _request: &Request,
        _visit: Visit<'_>,
    ) -> Result<(), Malformed> {
        Err(locate::unsupported(self.id()))
    }
    /// Shows where on the wire each scalar of a response is; `error` is the modelled error that it
    /// answers with, if it answers with one. Body without content encoding.
    ///
    /// # Errors
    /// Where the response cannot be taken apart.
    fn locate_response(&self, _service: &Service, _answer: Answer, _response: &Response, _visit: Visit<'_>) -> Result<(), Malformed> {
        Err(locate::unsupported(self.id()))
    }
    /// Whether a response looks like one of this protocol: what answers a request that nobody
    /// knows, of a service that is spoken to in several.
    fn answers(&self, _response: &Response) -> bool {
        false
    }
    /// Writes an error of the service.
    fn encode_error(&self, service: &Service, refusal: &Refusal<'_>) -> Response;
    /// Writes an operation's input, as a client would send it to `https://HOST/`.
    fn encode_request(&self, service: &Service, operation: OperationIndex, host: &str, input: &Value) -> Request;
    /// Writes an operation's output.
    fn encode_response(&self, service: &Service, operation: OperationIndex, output: &Value) -> Response;
    /// Writes a modelled error with all its members.
    fn encode_modelled_error(&self, service: &Service, error: ShapeIndex, value: &Value) -> Response;
    /// The statuses with which a modelled error may be answered.
    fn error_statuses(&self, error: &Shape) -> Vec<u16>;
}

/// Whether two are one protocol, written in the same way.
pub fn is_same(one: &dyn Protocol, other: &dyn Protocol) -> bool {
    one.id() == other.id() && one.written() == other.written()
}

/// The protocol of that trait id.
pub fn named(id: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.iter().copied().find(|protocol| protocol.id() == id)
}
