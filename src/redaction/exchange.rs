//! An exchange taken apart into messages that are written, and put together again.

use super::headers;
use super::writer::Message;
use crate::cassette::Interaction;
use crate::codec::spot::Visit;
use crate::inspect::{Call, Finding};
use crate::protocol::{Answer, Malformed};
use crate::wire::{Request, Response};
use bytes::Bytes;

/// Shows the spots of a request by the call's protocol.
pub(super) fn locate_request<'l>(
    request: &'l Request,
    call: Option<&'l Call>,
) -> impl Fn(&Message, Visit<'_>) -> Result<(), Malformed> + 'l {
    move |message, visit| {
        let Some(call) = call else { return Err(Malformed(String::new())) };
        let mut whole = Request::new(message.body.clone());
        *whole.method_mut() = request.method().clone();
        *whole.uri_mut() = request.uri().clone();
        whole.headers_mut().clone_from(&message.headers);
        call.protocol.locate_request(&call.service, call.operation, &whole, visit)
    }
}

/// Shows the spots of a response by the call's protocol.
pub(super) fn locate_response<'l>(
    response: &'l Response,
    finding: &'l Finding,
) -> impl Fn(&Message, Visit<'_>) -> Result<(), Malformed> + 'l {
    move |message, visit| {
        let reply = finding.response.as_ref().and_then(|judged| judged.content.as_ref());
        let (Some(call), Some(reply)) = (&finding.call, reply) else {
            return Err(Malformed(String::new()));
        };
        let mut whole = Response::new(message.body.clone());
        *whole.status_mut() = response.status();
        whole.headers_mut().clone_from(&message.headers);
        let answer = Answer::of(call.operation, reply);
        call.protocol.locate_response(&call.service, answer, &whole, visit)
    }
}

pub(super) fn rebuilt_request(request: &Request, written: Message) -> Request {
    let mut built = Request::new(written.body);
    *built.method_mut() = request.method().clone();
    *built.version_mut() = request.version();
    *built.uri_mut() = written.uri.unwrap_or_default();
    *built.headers_mut() = written.headers;
    built
}

pub(super) fn rebuilt_response(response: &Response, written: Message) -> Response {
    let mut built = Response::new(written.body);
    *built.status_mut() = response.status();
    *built.version_mut() = response.version();
    *built.headers_mut() = written.headers;
    built
}

/// Checksums follow the bodies as they are written.
pub(super) fn refresh(interaction: &mut Interaction, asked: &Bytes, answered: &Bytes, head: bool) {
    if interaction.request.body() != asked {
        let body = interaction.request.body().clone();
        headers::refresh_checksums(interaction.request.headers_mut(), &body);
    }
    if interaction.response.body() != answered && !head {
        let body = interaction.response.body().clone();
        headers::refresh_checksums(interaction.response.headers_mut(), &body);
    }
}
