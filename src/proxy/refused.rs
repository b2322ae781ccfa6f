//! What a door answers to a request that it does not let in.
//!
//! The body is JSON with the code and message where the SDKs of the JSON protocols look for them,
//! so that the reason reaches the user. Refusals in a service's own protocol are not made here.

use super::body::{BodyError, Payload};
use crate::terminal::spelled;
use crate::wire;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

/// The error code of every refusal of a door. It is not modelled anywhere, so no SDK retries it.
pub const CODE: &str = "RefusedByFerrotape";

/// Why a request was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The answer's status, never retryable.
    pub status: StatusCode,
    /// What is wrong and what to do.
    pub reason: String,
}

impl Refused {
    /// The request makes no sense (400).
    pub fn bad(reason: impl Into<String>) -> Refused {
        Refused {
            status: StatusCode::BAD_REQUEST,
            reason: reason.into(),
        }
    }

    /// The request is not allowed (403).
    pub fn forbidden(reason: impl Into<String>) -> Refused {
        Refused {
            status: StatusCode::FORBIDDEN,
            reason: reason.into(),
        }
    }

    /// The request was sent to the wrong place (421).
    pub fn misdirected(reason: impl Into<String>) -> Refused {
        Refused {
            status: StatusCode::MISDIRECTED_REQUEST,
            reason: reason.into(),
        }
    }

    /// The proxy wants credentials (407).
    pub fn unauthenticated(reason: impl Into<String>) -> Refused {
        Refused {
            status: StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            reason: reason.into(),
        }
    }

    /// The request's body could not be read (400).
    pub fn body(error: &BodyError) -> Refused {
        Refused::bad(error.to_string())
    }

    /// Whether a program meant it as a call to AWS. A web page that tries the port, and whatever came
    /// to the wrong place, did not.
    pub fn is_of_a_call(&self) -> bool {
        !matches!(
            self.status,
            StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        )
    }

    /// The answer; it closes the connection.
    pub fn into_response(self) -> Response<Payload> {
        let reason = &*spelled(&self.reason);
        let body = serde_json::json!({ "__type": CODE, "message": reason }).to_string();
        let mut response = Response::new(Payload::whole(Bytes::from(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-amzn-errortype", HeaderValue::from_static(CODE));
        // The answer to a HEAD has no body.
        headers.insert("x-ferrotape-message", wire::header_value(reason));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        self.ask_for_credentials(headers);
        response
    }

    /// Says how the proxy wants credentials, where it does.
    pub(super) fn ask_for_credentials(&self, headers: &mut HeaderMap) {
        if self.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            headers.insert("proxy-authenticate", HeaderValue::from_static("Basic realm=\"ferrotape\""));
        }
    }
}
