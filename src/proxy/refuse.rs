//! Saying no in the service's own protocol, so that the SDK raises its own error at once.

use super::Payload;
use crate::inspect::{Call, protocol_of, recognise};
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

/// A refusal of a request whose operation is not known, or was not asked for: in the protocol of the
/// service where that much can be told, else in the one that its form suggests.
pub fn refuse_unknown(catalog: &Catalog, service: Option<&str>, request: &Request, code: &str, status: u16, message: &str) -> Response {
    if service.is_none()
        && let Ok(call) = recognise(catalog, request)
    {
        return refuse_call(&call, request, code, status, message);
    }
    let known = service
        .and_then(|name| catalog.find(name))
        .and_then(|service| Some((service, protocol_of(service)?)));
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
/// query protocols read XML, and send forms.
fn guess(request: &Request, code: &str, status: u16, message: &str) -> Response {
    let form =
        wire::media_type(request.headers()).is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let (content_type, body) = if form {
        let (code, message) = (escaped(code), escaped(message));
        (
            "text/xml",
            format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"),
        )
    } else {
        let string = crate::json::rewrite::string;
        (
            "application/json",
            format!("{{\"__type\":{},\"message\":{}}}", string(code), string(message)),
        )
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(content_type));
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

    #[test]
    fn a_request_of_which_only_the_head_was_read_is_refused_in_its_service_s_protocol() {
        let catalog = Catalog::built_in().unwrap();
        let request = http::Request::post("http://127.0.0.1/")
            .header("x-amz-target", "AwsProton20200720.CreateServiceInstance")
            .body(Bytes::new())
            .unwrap();
        let known = refuse_unknown(&catalog, None, &request, "RequestTooLarge", 413, "too large");
        assert_eq!(known.status(), 413);
        assert_eq!(known.headers()["content-type"], "application/x-amz-json-1.0");
        let unknown = http::Request::put("http://127.0.0.1/a").body(Bytes::new()).unwrap();
        let unknown = refuse_unknown(&catalog, None, &unknown, "RequestTooLarge", 413, "too large");
        assert_eq!(unknown.headers()["content-type"], "application/json");
    }
}
