//! Saying no in the service's own protocol, so that the SDK raises its own error at once.

use super::Payload;
use crate::codec::cbor;
use crate::inspect::{Call, spoken};
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::protocol::{Protocol, Refusal};
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};

/// A refusal of a call that is understood.
pub fn refuse_call(call: &Call, request: &Request, code: &str, status: u16, message: &str) -> Response {
    let refusal = Refusal {
        operation: Some(call.operation),
        code,
        status,
        message,
    };
    for_method(request, call.protocol.encode_error(&call.service, &refusal), message)
}

/// A refusal of a request that names no known operation: in the protocol in which it speaks to
/// the service where that much is known, else in the one that its form suggests.
pub fn refuse_unknown(catalog: &Catalog, service: Option<&str>, request: &Request, code: &str, status: u16, message: &str) -> Response {
    let known = service
        .and_then(|name| catalog.find(name))
        .and_then(|service| Some((service, spoken(service, request)?)));
    let response = match known {
        Some((service, protocol)) => encode(service, protocol, code, status, message),
        None => guess(request, code, status, message),
    };
    for_method(request, response, message)
}

fn encode(service: &Service, protocol: &dyn Protocol, code: &str, status: u16, message: &str) -> Response {
    protocol.encode_error(
        service,
        &Refusal {
            operation: None,
            code,
            status,
            message,
        },
    )
}

/// awsJson and the REST protocols all read an error from `x-amzn-errortype` and a JSON body; the
/// query protocols read XML, and send forms; rpc-v2 says what it is.
fn guess(request: &Request, code: &str, status: u16, message: &str) -> Response {
    let rpc = wire::text(request.headers(), "smithy-protocol");
    let form =
        wire::media_type(request.headers()).is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let (content_type, body) = if form {
        let (code, message) = (escaped(code), escaped(message));
        (
            "text/xml",
            format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
                .into_bytes(),
        )
    } else if rpc == Some("rpc-v2-cbor") {
        ("application/cbor", cbor::encode_texts(&[("__type", code), ("message", message)]))
    } else {
        let string = crate::json::rewrite::string;
        (
            "application/json",
            format!("{{\"__type\":{},\"message\":{}}}", string(code), string(message)).into_bytes(),
        )
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(content_type));
    if let Some(rpc) = rpc {
        response.headers_mut().insert("smithy-protocol", wire::header_value(rpc));
    }
    response.headers_mut().insert("x-amzn-errortype", wire::header_value(code));
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An answer to HEAD has no body: its text goes into a header.
fn for_method(request: &Request, mut response: Response, message: &str) -> Response {
    if request.method() == Method::HEAD {
        response.headers_mut().insert("x-ferrotape-message", wire::header_value(message));
        *response.body_mut() = Bytes::new();
    }
    response
}

/// A whole response as the server sends it.
pub fn answer(response: Response) -> http::Response<Payload> {
    response.map(Payload::whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load;

    const MODEL: &str = r##"{"smithy":"2.0","shapes":{"a#Many":{"type":"service","version":"1","traits":{
        "aws.protocols#awsJson1_0":{},"smithy.protocols#rpcv2Cbor":{},"aws.protocols#awsQueryCompatible":{},
        "aws.auth#sigv4":{"name":"many"},"aws.api#service":{"sdkId":"Many"}}}}}"##;

    fn refused(service: Option<&str>, path: &str, headers: &[(&str, &str)], body: &'static str) -> Response {
        let mut catalog = Catalog::built_in().unwrap();
        catalog.add(load(MODEL.as_bytes(), "test").unwrap().remove(0));
        let request = headers
            .iter()
            .fold(http::Request::post(path), |request, (name, value)| request.header(*name, *value));
        let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
        refuse_unknown(&catalog, service, &request, "Unknown<", 400, "no & no")
    }

    #[test]
    fn an_unknown_operation_is_refused_in_the_protocol_of_the_request() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let rpc = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
        let target = [("x-amz-target", "Many.Nope"), ("content-type", "application/x-amz-json-1.0")];
        for service in [Some("Many"), None] {
            let xml = refused(service, "http://h/", &form, "Action=Nope&Version=1");
            assert!(xml.body().starts_with(b"<ErrorResponse"), "{service:?}: {xml:?}");
            let cbor = refused(service, "http://h/service/Many/operation/Nope", &rpc, "");
            assert_eq!(cbor.headers()["content-type"], "application/cbor", "{service:?}");
            assert_eq!(cbor.headers()["smithy-protocol"], "rpc-v2-cbor", "{service:?}");
            assert!(cbor::decode(&load(MODEL.as_bytes(), "test").unwrap()[0], None, cbor.body()).is_ok());
            let json = refused(service, "http://h/", &target, "{}");
            assert!(json.body().starts_with(b"{\"__type\":\"Unknown<\""), "{service:?}: {json:?}");
        }
    }
}
