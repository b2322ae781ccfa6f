//! The HTTP bindings that restJson1 and restXml share (Smithy 2.0, "HTTP binding traits"), in both
//! directions: labels and query in [`uri`], headers in [`headers`], the body's kind and content
//! type in [`payload`]. What a structured body looks like is the protocols' own.
//!
//! Reading is lenient: a text that is not of its member's type stays text.

pub(super) mod headers;
pub(super) mod payload;
pub(super) mod uri;

use crate::codec::scalar;
use crate::model::http::Binding;
use crate::model::schema::{Members, OperationIndex, Service, ShapeIndex, ShapeKind};
use crate::value::{Side, Value};
use crate::wire::{Request, Response};

/// The members of an input that travel outside the body, in the order of the model.
pub(super) fn read_request(service: &Service, operation: OperationIndex, request: &Request) -> Vec<(String, Value)> {
    let operation = service.operation(operation);
    let labels = operation
        .http
        .as_ref()
        .and_then(|http| super::route::captured(http, request.uri().path()))
        .unwrap_or_default();
    let query = uri::Query::parse(request.uri().query().unwrap_or(""));
    let members = service.shape(operation.input).members().iter();
    let bound = members.filter_map(|member| {
        let value = match member.binding.on(Side::Request) {
            Binding::Label => {
                let (_, text) = labels.iter().find(|(name, _)| *name == member.name)?;
                Some(uri::scalar(service, member, text))
            }
            Binding::Query(key) => query.member(service, member, key),
            Binding::QueryParams => Some(query.map(service, member)),
            Binding::Header(name) => headers::read(service, member, request.headers(), name, Side::Request),
            Binding::PrefixHeaders(prefix) => Some(headers::read_prefixed(request.headers(), prefix)),
            _ => None,
        };
        Some((member.name.clone(), value?))
    });
    bound.collect()
}

/// The members of an output or error that travel outside the body, in the order of the model.
pub(super) fn read_response(service: &Service, shape: ShapeIndex, response: &Response) -> Vec<(String, Value)> {
    let members = service.shape(shape).members().iter();
    let bound = members.filter_map(|member| {
        let value = match member.binding.on(Side::Response) {
            Binding::Header(name) => headers::read(service, member, response.headers(), name, Side::Response),
            Binding::PrefixHeaders(prefix) => Some(headers::read_prefixed(response.headers(), prefix)),
            Binding::ResponseCode => Some(Value::Integer(response.status().as_u16().into())),
            _ => None,
        };
        Some((member.name.clone(), value?))
    });
    bound.collect()
}

/// The members of a body beside those that were bound outside it.
///
/// A body may hold a key like a member's that is bound elsewhere; it is not that member.
pub(super) fn joined(service: &Service, shape: ShapeIndex, side: Side, mut bound: Vec<(String, Value)>, body: Value) -> Value {
    let Value::Object(members) = body else {
        // A body of another type than an object: all else counts for nothing beside that.
        return body;
    };
    let nobody = Members::default();
    let known = match &service.shape(shape).kind {
        ShapeKind::Structure(known) => known,
        _ => &nobody,
    };
    bound.extend(members.into_iter().map(|(name, value)| {
        let elsewhere = known.find(&name).is_some_and(|member| *member.binding.on(side) != Binding::Body);
        let name = if elsewhere { scalar::unknown_name(known, &name) } else { name };
        (name, value)
    }));
    Value::Object(bound)
}

/// The members of a structure that travel in the body's document.
pub(super) fn body_members(service: &Service, shape: ShapeIndex, side: Side, value: &Value) -> Value {
    let Value::Object(given) = value else { return value.clone() };
    let shape = service.shape(shape);
    let in_body = |name: &str| shape.member(name).is_none_or(|member| *member.binding.on(side) == Binding::Body);
    Value::Object(given.iter().filter(|(name, _)| in_body(name)).cloned().collect())
}
