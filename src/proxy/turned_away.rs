//! Calls that a door turns away before any handler sees them: a request that is not let in, a client
//! that speaks another protocol than HTTP/1.1.
//!
//! They are calls all the same: the program made them, and the run must not say that none came.

use super::{Handler, Payload, Refused};
use crate::wire::Request;
use bytes::Bytes;
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Response, Uri};

/// How HTTP/2 begins (RFC 9113, section 3.4).
pub(super) const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request that was not let in.
pub(super) struct TurnedAway {
    /// The session that it names.
    pub(super) session: Option<String>,
    /// The scheme and the host by which it came.
    pub(super) scheme: Scheme,
    pub(super) host: String,
    /// Its head, as it came.
    pub(super) head: Parts,
    /// Why.
    pub(super) refused: Refused,
}

impl TurnedAway {
    /// The answer, from the handler where it counts such calls.
    pub(super) fn answered<H: Handler>(self, handler: &H) -> Response<Payload> {
        let TurnedAway {
            session,
            scheme,
            host,
            head,
            refused,
        } = self;
        let mut request = Request::from_parts(head, Bytes::new());
        if let Some(uri) = absolute(request.uri(), scheme, &host) {
            *request.uri_mut() = uri;
        }
        let told = handler.turned_away(session.as_deref(), &request, &refused);
        told.unwrap_or_else(|| refused.into_response())
    }
}

fn absolute(uri: &Uri, scheme: Scheme, host: &str) -> Option<Uri> {
    let path = uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::builder().scheme(scheme).authority(host).path_and_query(path).build().ok()
}

/// Counts a connection on which no request could be read. Says whether it was counted.
pub(super) fn count_connection<H: Handler>(handler: &H, session: Option<&str>, method: &[u8], uri: &str, reason: &str) -> bool {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(method).unwrap_or(Method::CONNECT);
    *request.uri_mut() = uri.parse().unwrap_or_default();
    handler.turned_away(session, &request, &Refused::bad(reason)).is_some()
}

/// What a client of HTTP/2 is told: settings, as it must be sent them first, and that HTTP/1.1 is
/// required (RFC 9113, sections 6.5, 6.8 and 7).
pub(super) fn http2_refusal(reason: &str) -> Vec<u8> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GO_AWAY: u8 = 7;
    const HTTP_1_1_REQUIRED: u32 = 0xd;
    let length = u32::try_from(8 + reason.len()).unwrap_or(8).to_be_bytes();
    let mut out = SETTINGS.to_vec();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[GO_AWAY, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&[0; 4]); // no stream was taken
    out.extend_from_slice(&HTTP_1_1_REQUIRED.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_http2_is_sent_settings_and_a_go_away_with_the_reason() {
        let sent = http2_refusal("why");
        assert_eq!(sent[..9], [0, 0, 0, 4, 0, 0, 0, 0, 0]);
        assert_eq!(sent[9..18], [0, 0, 11, 7, 0, 0, 0, 0, 0]);
        assert_eq!(sent[18..], *b"\0\0\0\0\0\0\0\x0dwhy");
    }
}
