//! Forwards calls, and lets no answer end before its recording is durable.

use super::address::{Address, AddressError, Preferences};
use super::body::{BodyError, Payload, Read, read_limited};
use super::claim::Claim;
use super::credentials::{CredentialSource, Keyring, Keys, Owner};
use super::event::{Event, Observer};
use super::refuse::{answer, refuse_call, refuse_unknown};
use super::replay::other_session;
use super::sign::{self, SignError, Target};
use super::signature::{self, Signed};
use super::upstream::{Upstream, UpstreamError};
use super::vended::credentials_in;
use super::{Arrival, Authority, Door, Handler, Reach, RequestBody};
use crate::aws_hosts;
use crate::cassette::Interaction;
use crate::cassette::format::FormatError;
use crate::cassette::journal::Journal;
use crate::inspect::{Call, Finding, Judged, judge_request, judge_response, plain, recognise};
use crate::model::catalog::Catalog;
use crate::outcome::Outcome;
use crate::protocol::Reply;
use crate::protocol::refusal::{CASSETTE_MISS, UNKNOWN_OPERATION};
use crate::redaction::Redactor;
use crate::scope::{self, Scope};
use crate::value::Value;
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::HOST;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// The longest body that is recorded; a longer one passes through, and the run says so.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The header by which a stand-in server says what it is.
pub const STAND_IN: &str = "x-ferrotape-stand-in";

/// First byte of a journal entry.
const LIVE_MARK: u8 = b'L';
const STAND_IN_MARK: u8 = b'S';

/// Refusals that are Ferrotape's own. Modelled by most services, retried by no SDK.
const ACCESS_DENIED: &str = "AccessDeniedException";

/// What a recording does beyond forwarding.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// The cassette's name, which is also the session's.
    pub cassette: String,
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

/// What a recorder works with.
pub struct Equipment {
    /// The services known.
    pub catalog: Catalog,
    /// What must not be written down, it takes out.
    pub redactor: Redactor,
    /// Where interactions become durable.
    pub journal: Journal,
    /// The way out.
    pub upstream: Upstream,
    /// Keys that requests may come signed with.
    pub keyring: Keyring,
    /// Keys to sign with again.
    pub credentials: CredentialSource,
}

/// The recorder.
pub struct Recorder<O> {
    equipment: Equipment,
    behaviour: Behaviour,
    observer: Arc<O>,
    arrived: AtomicUsize,
}

/// Why a call is answered by Ferrotape and not by the service.
struct Refused {
    outcome: Outcome,
    status: u16,
    code: &'static str,
    message: String,
}

impl Refused {
    fn new(outcome: Outcome, status: u16, code: &'static str, message: impl Into<String>) -> Refused {
        Refused {
            outcome,
            status,
            code,
            message: message.into(),
        }
    }
}

/// One call on its way.
struct Passage<'a> {
    number: usize,
    /// As it came.
    request: &'a Request,
    call: Option<&'a Call>,
    judged: Option<Judged<Value>>,
    /// What is told of the call even where all went well.
    remark: Option<String>,
}

impl<O: Observer> Recorder<O> {
    /// A recorder that has seen nothing yet.
    pub fn new(equipment: Equipment, behaviour: Behaviour, observer: Arc<O>) -> Recorder<O> {
        Recorder {
            equipment,
            behaviour,
            observer,
            arrived: AtomicUsize::new(0),
        }
    }

    /// The equipment back, when all is done.
    pub fn into_equipment(self) -> Equipment {
        self.equipment
    }

    async fn record(&self, arrival: &Arrival, request: Request) -> http::Response<Payload> {
        let number = self.arrived.fetch_add(1, Ordering::Relaxed) + 1;
        match recognise(&self.equipment.catalog, &request) {
            Ok(call) => {
                let judged = Some(judge_request(&call, &request, false));
                let passage = Passage {
                    number,
                    request: &request,
                    call: Some(&call),
                    judged,
                    remark: None,
                };
                match self.forward(arrival, &passage).await {
                    Ok(response) => response,
                    Err(refused) => self.refuse(
                        &passage,
                        &refused,
                        refuse_call(&call, &request, refused.code, refused.status, &refused.message),
                    ),
                }
            }
            Err(unmodeled) => {
                let passage = Passage {
                    number,
                    request: &request,
                    call: None,
                    judged: None,
                    remark: Some(format!(
                        "{}; recorded, with only those secrets hidden that their form gives away",
                        unmodeled.reason
                    )),
                };
                let forwarded = self.unmodeled(arrival, &passage, &unmodeled.reason).await;
                forwarded.unwrap_or_else(|refused| self.refuse_unknown(&passage, unmodeled.service.as_deref(), &refused))
            }
        }
    }

    fn refuse(&self, passage: &Passage<'_>, refused: &Refused, response: Response) -> http::Response<Payload> {
        self.tell(passage, refused.outcome, response.status(), None, Some(&refused.message));
        answer(response)
    }

    /// Refuses a request whose operation is not known, in the protocol of the service if that is.
    fn refuse_unknown(&self, passage: &Passage<'_>, service: Option<&str>, refused: &Refused) -> http::Response<Payload> {
        let Refused { code, status, message, .. } = refused;
        let response = refuse_unknown(&self.equipment.catalog, service, passage.request, code, *status, message);
        self.refuse(passage, refused, response)
    }

    async fn forward(&self, arrival: &Arrival, passage: &Passage<'_>) -> Result<http::Response<Payload>, Refused> {
        let address = self.aws_address(arrival, passage)?;
        self.forward_to(arrival, passage, address).await
    }

    /// Forwards a call that AWS has at this address, and records the exchange.
    async fn forward_to(&self, arrival: &Arrival, passage: &Passage<'_>, address: Address) -> Result<http::Response<Payload>, Refused> {
        let call = passage.call;
        let (head, body) = self.ask(arrival, passage, &address).await?;
        let body = match read_limited(body, MAX_BODY).await {
            Ok(Read::Whole(body)) => body,
            Ok(Read::Over { so_far, rest }) => {
                let message = format!("the response is larger than {MAX_BODY} bytes; it passed through unrecorded");
                self.tell(passage, Outcome::NotRecorded, head.status, None, Some(&message));
                return Ok(passed_through(http::Response::from_parts(head, ()), so_far, rest));
            }
            Err(error) => return Err(broken_off(&error)),
        };
        let response = Response::from_parts(head, body);
        if let Some(refusal) = refusal_of_ferrotape(&response) {
            return Err(Refused::new(
                Outcome::UpstreamFailed,
                400,
                refusal,
                "another Ferrotape, the upstream, refused this call; see what it says",
            ));
        }
        let judged_response = call.map(|call| judge_response(call, &response));
        self.remember_vended(call, judged_response.as_ref());
        let mut as_recorded = passage.request.clone();
        *as_recorded.uri_mut() = address.uri;
        let as_recorded = plain(&as_recorded);
        let finding = Finding {
            call: call.cloned(),
            request: passage.judged.clone(),
            response: judged_response,
        };
        let written = self.write(passage.number, &as_recorded, &response, &finding).await;
        let response = without_framing(response);
        match written {
            Ok(()) => {
                let remark = passage.remark.as_deref();
                self.tell(passage, Outcome::Recorded, response.status(), finding.response.as_ref(), remark);
                Ok(answer(response))
            }
            Err(refused) if refused.status == 500 => Err(refused),
            Err(refused) => {
                self.tell(
                    passage,
                    refused.outcome,
                    response.status(),
                    finding.response.as_ref(),
                    Some(&refused.message),
                );
                Ok(answer(response))
            }
        }
    }

    /// Sends a call on its way, and waits for the head of the answer.
    async fn ask(&self, arrival: &Arrival, passage: &Passage<'_>, address: &Address) -> Result<(http::response::Parts, Incoming), Refused> {
        let outgoing = self.authorised(arrival, passage, address).await?;
        let incoming = self.equipment.upstream.send(outgoing).await;
        Ok(incoming.map_err(|error| upstream_failed(&error))?.into_parts())
    }

    /// Remembers credentials that AWS gave out: later calls may come signed with them. (Those of S3
    /// Express sign in a way of their own, and are refused at the endpoint door.)
    fn remember_vended(&self, call: Option<&Call>, judged: Option<&Judged<Reply>>) {
        let Some(Reply::Output(output)) = judged.and_then(|judged| judged.content.as_ref()) else {
            return;
        };
        if call.is_some_and(|call| call.service.sdk_id != "S3") {
            credentials_in(output)
                .into_iter()
                .for_each(|keys| self.equipment.keyring.remember(keys));
        }
    }

    /// Makes the exchange durable, redacted.
    async fn write(&self, number: usize, request: &Request, response: &Response, finding: &Finding) -> Result<(), Refused> {
        let interaction = self.equipment.redactor.redact(request, response, finding, attempt(request));
        // Nothing may be written whose secrets could be seen; the client has its answer all the same.
        let interaction = interaction.map_err(|leak| Refused::new(Outcome::NotRecorded, 200, ACCESS_DENIED, leak.to_string()))?;
        let appended = self
            .equipment
            .journal
            .append(number as u64, entry(&interaction, response.headers().contains_key(STAND_IN)))
            .await;
        appended.map_err(|error| {
            Refused::new(
                Outcome::NotRecorded,
                500,
                "InternalServerException",
                format!("Ferrotape could not write its journal: {error}"),
            )
        })
    }

    async fn unmodeled(&self, arrival: &Arrival, passage: &Passage<'_>, reason: &str) -> Result<http::Response<Payload>, Refused> {
        let refuse = |message: String| Err(Refused::new(Outcome::Unmodeled, 400, UNKNOWN_OPERATION, message));
        if self.behaviour.unmodeled == Unmodeled::Refuse {
            return refuse(format!("{reason}; or let such calls pass, unrecorded, with `--unmodeled forward`"));
        }
        let known = match arrival.door {
            Door::Intercept { .. } => Some(Address::as_it_came(passage.request)),
            Door::Endpoint => Address::without_model(passage.request, &self.behaviour.preferences),
        };
        let address = match known {
            Some(address) if self.behaviour.unmodeled == Unmodeled::Record => return self.forward_to(arrival, passage, address).await,
            Some(address) => address,
            // An upstream of the user's own needs no name of AWS's; but none can be written down.
            None if self.equipment.upstream.is_overridden() => Address::as_it_came(passage.request),
            None => {
                return refuse(format!(
                    "{reason}; without a model the endpoint door finds its host only by the service and region of a signature, and this call has none"
                ));
            }
        };
        self.pass_unmodeled(arrival, passage, &address, reason).await
    }

    async fn pass_unmodeled(
        &self,
        arrival: &Arrival,
        passage: &Passage<'_>,
        address: &Address,
        reason: &str,
    ) -> Result<http::Response<Payload>, Refused> {
        let (head, body) = self.ask(arrival, passage, address).await?;
        self.tell(
            passage,
            Outcome::NotRecorded,
            head.status,
            None,
            Some(&format!("{reason}; it passed through unrecorded")),
        );
        Ok(passed_through(http::Response::from_parts(head, ()), Bytes::new(), body))
    }

    /// Where AWS has the call, whichever door it came through.
    fn aws_address(&self, arrival: &Arrival, passage: &Passage<'_>) -> Result<Address, Refused> {
        let request = passage.request;
        let Some(call) = passage.call.filter(|_| arrival.door == Door::Endpoint) else {
            return Ok(Address::as_it_came(request));
        };
        let input = passage.judged.as_ref().and_then(|judged| judged.content.as_ref());
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
    async fn authorised(&self, arrival: &Arrival, passage: &Passage<'_>, address: &Address) -> Result<Request, Refused> {
        let request = passage.request;
        let dialled = self.equipment.upstream.locate(&address.uri);
        let named = if arrival.door == Door::Endpoint { &dialled } else { &address.uri };
        let mut outgoing = request.clone();
        *outgoing.uri_mut() = named.clone();
        if let Some((scope, keys)) = self.keys_for(arrival, request).await? {
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
            *outgoing.uri_mut() = self.equipment.upstream.locate(outgoing.uri());
        }
        Ok(outgoing)
    }

    /// The keys to sign with again; none where the request goes on with what it has.
    async fn keys_for(&self, arrival: &Arrival, request: &Request) -> Result<Option<(Scope, Keys)>, Refused> {
        let denied = |message: String| Refused::new(Outcome::NotRecorded, 403, ACCESS_DENIED, message);
        let Some(claim) = Claim::of(request) else { return Ok(None) };
        let (known, replacement) = match self.equipment.keyring.owner(claim.access_key_id()) {
            Some(Owner::Run(keys)) => (keys, None),
            Some(Owner::Vended(keys)) => (keys.clone(), Some(keys)),
            None if arrival.door == Door::Endpoint && self.may_sign_as_default(arrival) => {
                let keys = self
                    .equipment
                    .credentials
                    .keys()
                    .await
                    .map_err(|error| denied(format!("Ferrotape: {error}")))?;
                return Ok(Some((claim.into_scope(), keys)));
            }
            None if arrival.door == Door::Endpoint && !self.behaviour.pass_foreign_keys => {
                return Err(denied(format!(
                    "Ferrotape: the request is signed with key `{}`, which is not this run's; use the environment that Ferrotape gives, or the intercept door",
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
            None => match self.equipment.credentials.keys().await {
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

    fn located(&self, mut request: http::Request<Payload>) -> http::Request<Payload> {
        *request.uri_mut() = self.equipment.upstream.locate(request.uri());
        request
    }

    fn tell(&self, passage: &Passage<'_>, outcome: Outcome, status: StatusCode, response: Option<&Judged<Reply>>, message: Option<&str>) {
        self.observer.told(Event {
            number: passage.number,
            request: passage.request,
            call: passage.call,
            outcome,
            interaction: None,
            status: status.as_u16(),
            judged_request: passage.judged.as_ref(),
            judged_response: response,
            message,
        });
    }

    /// A body too large to hold: through the intercept door it passes as it is, signature and all.
    async fn pass_large(&self, arrival: &Arrival, head: http::request::Parts, so_far: Bytes, rest: RequestBody) -> http::Response<Payload> {
        let number = self.arrived.fetch_add(1, Ordering::Relaxed) + 1;
        let request = Request::from_parts(head.clone(), Bytes::new());
        let passage = Passage {
            number,
            request: &request,
            call: None,
            judged: None,
            remark: None,
        };
        let ours = Claim::of(&request).is_some_and(|claim| self.equipment.keyring.owner(claim.access_key_id()).is_some());
        if arrival.door == Door::Endpoint || ours {
            let message = format!(
                "the request is larger than {MAX_BODY} bytes, more than can be signed again; send it in parts, or use `--door intercept`"
            );
            let refused = Refused::new(Outcome::NotRecorded, 413, "RequestTooLarge", message);
            return self.refuse_unknown(&passage, None, &refused);
        }
        let body = Payload::chained(so_far, rest);
        match self
            .equipment
            .upstream
            .send(self.located(http::Request::from_parts(head, body)))
            .await
        {
            Ok(incoming) => {
                let (head, body) = incoming.into_parts();
                let message = format!("the request is larger than {MAX_BODY} bytes; it passed through unrecorded");
                self.tell(&passage, Outcome::NotRecorded, head.status, None, Some(&message));
                passed_through(http::Response::from_parts(head, ()), Bytes::new(), body)
            }
            Err(error) => self.refuse_unknown(&passage, None, &upstream_failed(&error)),
        }
    }
}

impl<O: Observer> Handler for Recorder<O> {
    async fn call(&self, arrival: Arrival, request: http::Request<RequestBody>) -> http::Response<Payload> {
        let (head, body) = request.into_parts();
        let bad = |head, status, message: &str| {
            let request = Request::from_parts(head, Bytes::new());
            answer(refuse_unknown(
                &self.equipment.catalog,
                None,
                &request,
                "BadRequest",
                status,
                message,
            ))
        };
        if let Some(message) = other_session(&arrival, &self.behaviour.cassette) {
            return bad(head, 404, &message);
        }
        match read_limited(body, MAX_BODY).await {
            Ok(Read::Whole(body)) => self.record(&arrival, Request::from_parts(head, body)).await,
            Ok(Read::Over { so_far, rest }) => self.pass_large(&arrival, head, so_far, rest).await,
            Err(error) => bad(head, 400, &error.to_string()),
        }
    }

    fn reach(&self, authority: &Authority) -> Reach {
        if aws_hosts::is_aws_host(&authority.host) {
            Reach::Intercept
        } else {
            Reach::Tunnel
        }
    }
}

/// The SDK's retry counter: `attempt=2; max=3`.
fn attempt(request: &Request) -> u32 {
    let counter = wire::text(request.headers(), "amz-sdk-request")
        .and_then(|value| value.split(';').find_map(|part| part.trim().strip_prefix("attempt=")));
    counter.and_then(|number| number.trim().parse().ok()).unwrap_or(1)
}

fn no_address(error: &AddressError) -> Refused {
    Refused::new(Outcome::UpstreamFailed, 400, ACCESS_DENIED, format!("Ferrotape: {error}"))
}

fn upstream_failed(error: &UpstreamError) -> Refused {
    Refused::new(Outcome::UpstreamFailed, 502, "BadGateway", format!("Ferrotape: {error}"))
}

fn broken_off(error: &BodyError) -> Refused {
    Refused::new(
        Outcome::UpstreamFailed,
        502,
        "BadGateway",
        format!("Ferrotape: the service's answer did not come whole: {error}"),
    )
}

/// The upstream may be another Ferrotape, and its refusals are no answers of a service.
fn refusal_of_ferrotape(response: &Response) -> Option<&'static str> {
    let code = wire::text(response.headers(), "x-amzn-errortype")?;
    [super::refused::CODE, CASSETTE_MISS].into_iter().find(|known| *known == code)
}

/// The response as a client gets it: our connection's framing is not the upstream's.
fn without_framing(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    head.headers = wire::without_hop_by_hop(&head.headers);
    head.version = http::Version::HTTP_11;
    Response::from_parts(head, body)
}

fn passed_through(head: http::Response<()>, so_far: Bytes, rest: Incoming) -> http::Response<Payload> {
    let (mut head, ()) = head.into_parts();
    head.headers = wire::without_hop_by_hop(&head.headers);
    head.version = http::Version::HTTP_11;
    http::Response::from_parts(head, Payload::chained(so_far, rest))
}

/// What the journal holds of an interaction: whether a stand-in answered, and the interaction.
pub fn entry(interaction: &Interaction, stand_in: bool) -> Vec<u8> {
    let mut entry = vec![if stand_in { STAND_IN_MARK } else { LIVE_MARK }];
    entry.extend(interaction.to_record());
    entry
}

/// Reads what [`entry`] wrote.
///
/// # Errors
/// Where the bytes are none of its.
pub fn read_entry(entry: &[u8]) -> Result<(Interaction, bool), FormatError> {
    let (mark, record) = entry.split_first().map_or((LIVE_MARK, entry), |(mark, record)| (*mark, record));
    Ok((Interaction::from_record(record)?, mark == STAND_IN_MARK))
}
