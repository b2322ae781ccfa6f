//! Saying no in the service's own protocol, so that the SDK raises its own error at once.

use super::refused::CODE;
use super::{Payload, Refused};
use crate::codec::cbor;
use crate::inspect::{Call, recognise, spoken};
use crate::model::catalog::Catalog;
use crate::model::schema::Service;
use crate::protocol::{Protocol, Refusal};
use crate::terminal::spelled;
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Method, StatusCode};

/// A refusal of a call that is understood.
pub fn refuse_call(call: &Call, request: &Request, code: &str, status: u16, message: &str) -> Response {
    // The program prints it, most likely on a terminal.
    let message = &*spelled(message);
    let refusal = Refusal {
        operation: Some(call.operation),
        code,
        status,
        message,
    };
    for_method(request, call.protocol.encode_error(&call.service, &refusal), message)
}

/// A refusal of a request whose operation is not known, or was not asked for: in the protocol in
/// which it speaks to the service where that much can be told, else in the one that its form suggests.
pub fn refuse_unknown(catalog: &Catalog, service: Option<&str>, request: &Request, code: &str, status: u16, message: &str) -> Response {
    let recognised = service.is_none().then(|| recognise(catalog, request));
    let named = match &recognised {
        Some(Ok(call)) => return refuse_call(call, request, code, status, message),
        Some(Err(unmodeled)) => unmodeled.service.as_deref(),
        None => service,
    };
    let known = named
        .and_then(|name| catalog.find(name))
        .and_then(|service| Some((service, spoken(service, request)?)));
    let response = match known {
        Some((service, protocol)) => encode(service, protocol, code, status, message),
        None => guess(request, code, status, message),
    };
    for_method(request, response, message)
}

/// What a door refuses, in the protocol of the caller as far as the head of its request tells it. The
/// header names the refusal in every protocol, so that another Ferrotape knows it.
pub fn refuse_at_door(catalog: &Catalog, request: &Request, refused: &Refused) -> Response {
    let mut response = refuse_unknown(catalog, None, request, CODE, refused.status.as_u16(), &refused.reason);
    let headers = response.headers_mut();
    headers.insert("x-amzn-errortype", HeaderValue::from_static(CODE));
    headers.insert("x-ferrotape-message", wire::header_value(&refused.reason));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    refused.ask_for_credentials(headers);
    response
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
    } else if wire::media_type(request.headers()).is_some_and(wire::is_aws_cbor) {
        (
            "application/x-amz-cbor-1.1",
            cbor::encode_texts(&[("__type", code), ("message", message)]),
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
    use crate::codec::cbor::Epoch;
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
            assert!(cbor::decode_untyped(cbor.body(), Epoch::Seconds).is_ok());
            let json = refused(service, "http://h/", &target, "{}");
            assert!(json.body().starts_with(b"{\"__type\":\"Unknown<\""), "{service:?}: {json:?}");
        }
    }

    #[test]
    fn what_a_door_refuses_is_told_in_the_protocol_that_the_head_of_the_request_shows() {
        let mut catalog = Catalog::built_in().unwrap();
        let service = |name: &str, protocol: &str, signed: &str| {
            let model = format!(
                r##"{{"smithy":"2.0","shapes":{{"a#{name}":{{"type":"service","version":"1","traits":{{
                    "aws.protocols#{protocol}":{{"noErrorWrapping":true}},
                    "aws.auth#sigv4":{{"name":"{signed}"}},"aws.api#service":{{"sdkId":"{name}"}}}}}}}}}}"##
            );
            load(model.as_bytes(), "test").unwrap().remove(0)
        };
        for (name, protocol, signed) in [
            ("Store", "restXml", "s3"),
            ("Old", "awsQuery", "old"),
            ("Older", "ec2Query", "older"),
        ] {
            catalog.add(service(name, protocol, signed));
        }
        let refused = |signed: &str| {
            let scope = format!("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/{signed}/aws4_request, SignedHeaders=host, Signature=0");
            let request = http::Request::put("http://127.0.0.1/@a%00/b/k").header("authorization", scope);
            let response = refuse_at_door(&catalog, &request.body(Bytes::new()).unwrap(), &Refused::bad("no & no"));
            assert_eq!(response.headers()["x-amzn-errortype"], CODE);
            String::from_utf8(response.into_body().to_vec()).unwrap()
        };
        let store = refused("s3");
        assert!(
            store.contains("<Error><Code>RefusedByFerrotape</Code><Message>no &amp; no</Message>"),
            "{store}"
        );
        let old = refused("old");
        assert!(
            old.starts_with("<ErrorResponse") && old.contains("<Message>no &amp; no</Message>"),
            "{old}"
        );
        let older = refused("older");
        assert!(older.starts_with("<Response") && older.contains("<Errors><Error>"), "{older}");
        assert_eq!(refused("other"), r#"{"__type":"RefusedByFerrotape","message":"no & no"}"#);
    }

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
