//! Exchanges of a known operation of which a side is not in its protocol's format: the model cannot
//! say which of its members are secret, so they are not written unless that is asked for.

use super::headers;
use crate::inspect::Finding;
use crate::wire::Response;

/// Why an exchange cannot be decoded; nothing where it can, where no model knows its operation (that
/// is another question), and where it is an error page.
///
/// An answer with no body, and an error in text (a load balancer's `503`, `Forbidden` from a firewall),
/// hold no member that the model could hide: they are searched as text like everything else.
pub fn undecodable(finding: &Finding, response: &Response) -> Option<String> {
    finding.call.as_ref()?;
    let request = finding.request.as_ref().filter(|judged| judged.content.is_none());
    let answer = finding.response.as_ref().filter(|judged| judged.content.is_none());
    let (side, reason) = match (request, answer) {
        (Some(judged), _) => ("request", judged.reason.as_deref()),
        (None, Some(judged)) if !is_error_page(response) => ("response", judged.reason.as_deref()),
        _ => return None,
    };
    Some(format!(
        "the {side} cannot be decoded ({}), so its secrets cannot be seen",
        reason.unwrap_or("it is not in the protocol's format")
    ))
}

fn is_error_page(response: &Response) -> bool {
    if response.body().is_empty() {
        return true;
    }
    let body = headers::decode_content(response.headers(), response.body());
    !response.status().is_success() && body.is_ok_and(|body| std::str::from_utf8(&body).is_ok())
}
