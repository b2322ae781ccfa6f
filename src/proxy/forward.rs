//! The way on to AWS that the live modes share: where a call goes, who signs it, and how it is sent.

use super::address::{Address, AddressError, Preferences};
use super::body::Payload;
use super::claim::Claim;
use super::credentials::{CredentialSource, Keyring, Keys, Owner};
use super::sign::{self, SignError, Target};
use super::signature::{self, Signed};
use super::upstream::{Upstream, UpstreamError};
use super::vended::credentials_in;
use super::{Arrival, Door};
use crate::inspect::{Call, Judged};
use crate::model::catalog::Catalog;
use crate::outcome::Outcome;
use crate::protocol::Reply;
use crate::scope::{self, Scope};
use crate::value::Value;
use crate::wire::{self, Request};
use http::Uri;
use http::header::HOST;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::SystemTime;

/// Refusals that are Ferrotape's own. Modelled by most services, retried by no SDK.
pub(super) const ACCESS_DENIED: &str = "AccessDeniedException";

/// How calls are passed on.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// What becomes of calls that no model knows.
    pub unmodeled: Unmodeled,
    /// What the environment asks of the endpoints that calls go to.
    pub preferences: Preferences,
    /// The run's token, by which a request at the endpoint door may ask to be signed with the
    /// default credentials though another key signed it.
    pub sign_as_default: Option<String>,
    /// At the endpoint door, a request signed with a key that is not the run's passes on with the
    /// signature it came with. It is never signed again as somebody else.
    pub pass_foreign_keys: bool,
}

/// What becomes of a call that no model knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmodeled {
    /// It is refused.
    Refuse,
    /// It passes through unrecorded: nothing is written whose secrets cannot be seen.
    Forward,
    /// It is recorded; only what the form of a secret gives away is hidden.
    Record,
}

/// What calls are passed on with.
pub struct Forwarder {
    /// The services known.
    pub catalog: Arc<Catalog>,
    /// The way out.
    pub upstream: Upstream,
    /// Keys that requests may come signed with.
    pub keyring: Keyring,
    /// Keys to sign with again.
    pub credentials: CredentialSource,
    /// How.
    pub behaviour: Behaviour,
}

/// Why a call is answered by Ferrotape and not by the service.
pub(super) struct Refused {
    pub(super) outcome: Outcome,
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// A request on its way.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    /// As it came, and as it was signed.
    pub(super) came: &'a Request,
    /// As it goes on, where it is signed again.
    pub(super) goes: &'a Request,
}

impl Refused {
    pub(super) fn new(outcome: Outcome, status: u16, code: &'static str, message: impl Into<String>) -> Refused {
        Refused {
            outcome,
            status,
            code,
            message: message.into(),
        }
    }
}

/// A URI with the query of a request; at the intercept door, where the path is AWS's, with its path too.
fn with_target_of(uri: &Uri, request: &Request, door: &Door) -> Uri {
    let own = match (door, request.uri().query()) {
        (Door::Endpoint, None) => return uri.clone(),
        (Door::Endpoint, Some(query)) => format!("{}?{query}", uri.path()).parse().ok(),
        _ => request.uri().path_and_query().cloned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = own.or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

impl Forwarder {
    /// Sends a call on its way, and waits for the head of the answer.
    pub(super) async fn ask(
        &self,
        arrival: &Arrival,
        request: Sent<'_>,
        address: &Address,
    ) -> Result<(http::response::Parts, Incoming), Refused> {
        let outgoing = self.authorised(arrival, request, address).await?;
        let incoming = self.upstream.send(outgoing).await;
        Ok(incoming.map_err(|error| upstream_failed(&error))?.into_parts())
    }

    /// Where AWS has the call, whichever door it came through.
    pub(super) fn aws_address(
        &self,
        arrival: &Arrival,
        request: &Request,
        call: Option<&Call>,
        judged: Option<&Judged<Value>>,
    ) -> Result<Address, Refused> {
        let Some(call) = call.filter(|_| arrival.door == Door::Endpoint) else {
            return Ok(Address::as_it_came(request));
        };
        let input = judged.and_then(|judged| judged.content.as_ref());
        let scope = scope::of(request.uri(), request.headers());
        Address::at_aws(
            call,
            request,
            input.unwrap_or(&Value::Null),
            scope.as_ref(),
            &self.behaviour.preferences,
        )
        .map_err(|error| no_address(&error))
    }

    /// The request as it goes out: with the signature it came with where that stays valid, signed
    /// again where it was signed for Ferrotape. Through the intercept door `Host` stays, even where
    /// `--upstream` is dialled; through the endpoint door it becomes that of the service.
    async fn authorised(&self, arrival: &Arrival, request: Sent<'_>, address: &Address) -> Result<Request, Refused> {
        let dialled = self.upstream.locate_call(&address.uri, &address.without_names);
        let named = if arrival.door == Door::Endpoint { &dialled } else { &address.uri };
        // The address is that of the request as AWS has it, whose query may name other places.
        let named_with = |request: &Request| with_target_of(named, request, &arrival.door);
        let keys = self.keys_for(arrival, request.came).await?;
        let stays_signed = keys.is_none() && arrival.door != Door::Endpoint;
        let mut outgoing = if stays_signed { request.came.clone() } else { request.goes.clone() };
        *outgoing.uri_mut() = named_with(&outgoing);
        if let Some((scope, keys)) = keys {
            let unsigned = |error: SignError| Refused::new(Outcome::NotRecorded, 400, ACCESS_DENIED, format!("Ferrotape: {error}"));
            let (head, body) = sign::with_one_signature(outgoing).map_err(unsigned)?.into_parts();
            if address.asymmetric {
                return Err(no_address(&AddressError::Asymmetric));
            }
            let target = Target {
                region: address.signing_region.as_deref().unwrap_or(&scope.region_as_written),
                service: address.signing_name.as_deref().unwrap_or(&scope.service),
            };
            let head = sign::sign(head, &body, target, &keys, SystemTime::now()).map_err(unsigned)?;
            outgoing = Request::from_parts(head, body);
        } else if arrival.door == Door::Endpoint {
            let host = wire::header_value(named.authority().map_or("", |authority| authority.as_str()));
            outgoing.headers_mut().insert(HOST, host);
        }
        // What was signed: a presigned URL has lost its old signature.
        if arrival.door != Door::Endpoint {
            *outgoing.uri_mut() = self.upstream.locate(outgoing.uri());
        }
        Ok(outgoing)
    }

    /// The keys to sign with again; none where the request goes on with what it has.
    async fn keys_for(&self, arrival: &Arrival, request: &Request) -> Result<Option<(Scope, Keys)>, Refused> {
        let denied = |message: String| Refused::new(Outcome::NotRecorded, 403, ACCESS_DENIED, message);
        let Some(claim) = Claim::of(request) else { return Ok(None) };
        let (known, replacement) = match self.keyring.owner(claim.access_key_id()) {
            Some(Owner::Run(keys)) => (keys, None),
            Some(Owner::Vended(keys)) => (keys.clone(), Some(keys)),
            None if arrival.door == Door::Endpoint && self.may_sign_as_default(arrival) => {
                let keys = self.credentials.keys().await;
                let keys = keys.map_err(|error| denied(format!("Ferrotape: {error}")))?;
                return Ok(Some((claim.into_scope(), keys)));
            }
            None if arrival.door == Door::Endpoint && !self.behaviour.pass_foreign_keys => {
                return Err(denied(format!(
                    "Ferrotape: the request is signed with key `{}`, which is not this run's; use the keys that Ferrotape gives, `--door intercept`, or `--sign-as-default` with the endpoint URL that it prints",
                    claim.access_key_id()
                )));
            }
            None => return Ok(None),
        };
        let slash = PathAndQuery::from_static("/");
        let path = arrival
            .signed_path
            .as_ref()
            .or_else(|| request.uri().path_and_query())
            .unwrap_or(&slash);
        let signed = Signed {
            method: request.method(),
            path,
            headers: request.headers(),
            body: request.body(),
        };
        claim
            .verify(signed, &known.secret_access_key)
            .map_err(|error| denied(format!("Ferrotape: {error}")))?;
        match replacement {
            Some(keys) => Ok(Some((claim.into_scope(), keys))),
            None => match self.credentials.keys().await {
                Ok(keys) => Ok(Some((claim.into_scope(), keys))),
                Err(error) => Err(denied(format!("Ferrotape: {error}"))),
            },
        }
    }

    fn may_sign_as_default(&self, arrival: &Arrival) -> bool {
        let (Some(token), Some(shown)) = (&self.behaviour.sign_as_default, &arrival.token) else {
            return false;
        };
        signature::same(token.as_bytes(), shown.as_bytes())
    }

    /// Remembers credentials that AWS gave out: later calls may come signed with them.
    pub(super) fn remember_vended(&self, judged: Option<&Judged<Reply>>) {
        let Some(Reply::Output(output)) = judged.and_then(|judged| judged.content.as_ref()) else {
            return;
        };
        credentials_in(output).into_iter().for_each(|keys| self.keyring.remember(keys));
    }

    /// A request that goes through as it is.
    pub(super) fn located(&self, mut request: http::Request<Payload>) -> http::Request<Payload> {
        *request.uri_mut() = self.upstream.locate(request.uri());
        request
    }

    /// Whether a request is signed with a key that must be exchanged for another.
    pub(super) fn must_sign(&self, arrival: &Arrival, request: &Request) -> bool {
        let known = Claim::of(request).is_some_and(|claim| self.keyring.owner(claim.access_key_id()).is_some());
        arrival.door == Door::Endpoint || known
    }
}

fn no_address(error: &AddressError) -> Refused {
    Refused::new(Outcome::UpstreamFailed, 400, ACCESS_DENIED, format!("Ferrotape: {error}"))
}

pub(super) fn upstream_failed(error: &UpstreamError) -> Refused {
    Refused::new(Outcome::UpstreamFailed, 502, "BadGateway", format!("Ferrotape: {error}"))
}
