//! A recorded answer in the protocol that the caller speaks, where the recording has another: services
//! speak several, and one SDK calls in JSON what another calls in CBOR or as a form.

use crate::inspect::Call;
use crate::protocol::{Refusal, Reply};
use crate::redaction::headers::is_checksum;
use crate::value::Value;
use crate::wire::{self, Response};
use http::HeaderName;

/// Headers that belong to a protocol, and not to what is said in it.
const OF_THE_PROTOCOL: [&str; 3] = ["smithy-protocol", "x-amzn-errortype", "x-amzn-query-error"];

/// The answer as `asked` wants it. It stays as it is where the recorded protocol cannot read it: an
/// error page, say.
pub fn translated(recorded: &Call, asked: &Call, response: Response) -> Response {
    let Ok(reply) = recorded.protocol.decode_response(&recorded.service, recorded.operation, &response) else {
        return response;
    };
    let mut written = write(asked, &reply, response.status().as_u16());
    for (name, value) in &wire::keep(response.headers(), is_said) {
        if !written.headers().contains_key(name) {
            written.headers_mut().append(name, value.clone());
        }
    }
    written
}

fn write(asked: &Call, reply: &Reply, status: u16) -> Response {
    let Call { service, protocol, .. } = asked;
    match reply {
        Reply::Output(output) => protocol.encode_response(service, asked.operation, output),
        Reply::Error {
            shape: Some(shape), value, ..
        } => protocol.encode_modelled_error(service, *shape, value),
        Reply::Error { code, shape: None, value } => {
            let message = ["message", "Message"]
                .iter()
                .find_map(|name| value.member(name))
                .and_then(Value::as_text);
            let refusal = Refusal {
                operation: Some(asked.operation),
                code,
                status,
                message: message.unwrap_or_default(),
            };
            protocol.encode_error(service, &refusal)
        }
    }
}

fn is_said(name: &HeaderName) -> bool {
    !(name.as_str().starts_with("content-") || is_checksum(name) || OF_THE_PROTOCOL.contains(&name.as_str()))
}
