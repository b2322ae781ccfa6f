//! Whether a request at the endpoint door is let in, and the absolute URI that it gets.

use super::server::{Options, Shared};
use super::turned_away::TurnedAway;
use super::{Arrival, Authority, Door, Handler, Refused, RequestBody, endpoint, framing, intercept, token_path};
use crate::aws_hosts::is_aws_host;
use http::header::HeaderValue;
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Uri};
use hyper::body::Incoming;
use std::cell::RefCell;
use std::net::SocketAddr;

/// The `Host` of the last request of a connection, checked, so that the next one with the same
/// costs a comparison.
#[derive(Default)]
pub(super) struct KnownHost(Option<(HeaderValue, http::uri::Authority)>);

impl KnownHost {
    /// The authority of a `Host` header, checked by `check` when it differs from the last.
    pub(super) fn recall(
        &mut self,
        host: &HeaderValue,
        check: impl FnOnce(&str) -> Result<http::uri::Authority, Refused>,
    ) -> Result<http::uri::Authority, Refused> {
        if let Some((known, authority)) = &self.0
            && known == host
        {
            return Ok(authority.clone());
        }
        let text = host.to_str().map_err(|_| Refused::bad("the `Host` header is not text"))?;
        let authority = check(text)?;
        self.0 = Some((host.clone(), authority.clone()));
        Ok(authority)
    }
}

/// Lets a request in at the endpoint door, or says why not.
pub(super) fn admit<H: Handler>(
    shared: &Shared<H>,
    names: &RefCell<KnownHost>,
    request: Request<Incoming>,
) -> Result<(Arrival, Request<RequestBody>), Box<TurnedAway>> {
    let (mut head, body) = request.into_parts();
    match arrive(shared, names, &mut head) {
        Ok(arrival) => Ok((arrival, Request::from_parts(head, RequestBody::Wire(body)))),
        Err(refused) => Err(Box::new(TurnedAway {
            session: None,
            scheme: Scheme::HTTP,
            host: shared.address.to_string(),
            head,
            refused,
        })),
    }
}

/// Gives the head of a request its absolute URI.
fn arrive<H: Handler>(shared: &Shared<H>, names: &RefCell<KnownHost>, head: &mut Parts) -> Result<Arrival, Refused> {
    framing::check(&head.method, &head.headers)?;
    if let Some(arrival) = intercept::arrive_plainly(&shared.options, head)? {
        return Ok(arrival);
    }
    check_origin(&shared.options, &head.headers)?;
    let authority = match framing::host(head.version, &head.headers)? {
        Some(host) => names.borrow_mut().recall(host, |host| own_name(&shared.options, host))?,
        None => own_authority(shared.address)?,
    };
    let uri = head.uri.clone().into_parts();
    if let Some(target) = &uri.authority {
        check_absolute_form(shared.address, &uri.scheme, target, &authority)?;
    }
    let path = uri.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
    if !path.as_str().starts_with('/') {
        return Err(Refused::bad("the request line names no path"));
    }
    let mut arrival = Arrival {
        door: Door::Endpoint,
        session: None,
        token: None,
        signed_path: None,
    };
    let path = match token_path::stripped(&path, shared.options.token.as_deref()) {
        Some(rest) => {
            arrival.signed_path = Some(path);
            rest
        }
        None => path,
    };
    let path = match endpoint::split_prefix(&path)? {
        Some((prefix, rest)) => {
            arrival.session = Some(prefix.session);
            arrival.token = prefix.token;
            arrival.signed_path.get_or_insert(path);
            rest
        }
        None => path,
    };
    head.uri = absolute(Scheme::HTTP, authority, path)?;
    Ok(arrival)
}

pub(super) fn absolute(scheme: Scheme, authority: http::uri::Authority, path: PathAndQuery) -> Result<Uri, Refused> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority);
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|error| Refused::bad(format!("the request line is not one: {error}")))
}

/// A web page must not be able to use us, neither directly nor by a name that it lets point here
/// (DNS rebinding).
fn check_origin(options: &Options, headers: &http::HeaderMap) -> Result<(), Refused> {
    let Some(origin) = framing::browser_origin(headers) else {
        return Ok(());
    };
    let text = origin.to_str().unwrap_or_default();
    let host = text.split_once("://").and_then(|(_, rest)| framing::authority(rest, 80).ok());
    if host.is_some_and(|place| is_allowed(options, &place.host)) {
        return Ok(());
    }
    Err(Refused::forbidden(
        "requests from web pages are not answered; allow one by its host name with `--allow-host NAME`",
    ))
}

fn is_allowed(options: &Options, host: &str) -> bool {
    options.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) || options.answer_as_aws && is_aws_host(host)
}

fn own_name(options: &Options, host: &str) -> Result<http::uri::Authority, Refused> {
    let place = framing::authority(host, 80)?;
    if !framing::is_loopback_name(&place.host) && !is_allowed(options, &place.host) {
        let name = place.host;
        return Err(Refused::misdirected(format!(
            "`{name}` is not a name of this proxy; if it should be, start it with `--allow-host {name}`"
        )));
    }
    host.parse().map_err(|_| Refused::bad("the `Host` header is not a host"))
}

fn own_authority(address: SocketAddr) -> Result<http::uri::Authority, Refused> {
    address
        .to_string()
        .parse()
        .map_err(|_| Refused::bad("the request has no `Host` header"))
}

/// `GET http://HOST/ HTTP/1.1`: what an HTTP proxy gets for plain HTTP.
fn check_absolute_form(
    own: SocketAddr,
    scheme: &Option<Scheme>,
    target: &http::uri::Authority,
    host: &http::uri::Authority,
) -> Result<(), Refused> {
    let wanted = framing::authority(target.as_str(), 80)?;
    if wanted != framing::authority(host.as_str(), 80)? {
        return Err(Refused::misdirected(format!(
            "the request line names `{wanted}`, `Host` another place; they must agree"
        )));
    }
    let is_ourselves = *scheme == Some(Scheme::HTTP) && wanted.port == own.port();
    if !is_ourselves {
        return Err(elsewhere(&wanted));
    }
    Ok(())
}

fn elsewhere(wanted: &Authority) -> Refused {
    Refused::forbidden(format!(
        "plain HTTP to `{wanted}` is not passed on; use this proxy for `https` URLs (`HTTPS_PROXY`, not `HTTP_PROXY`), or as an endpoint (`AWS_ENDPOINT_URL`)"
    ))
}
