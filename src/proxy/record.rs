//! Forwards calls live. What becomes of an exchange is its [`Keeper`]'s affair: `journalling` lets no
//! answer end before its recording is durable; others compare it, or merely pass it on.

use super::address::Address;
use super::body::{BodyError, Payload, Read, read_with_room};
use super::control::Control;
use super::cut::{self, WhenCut};
use super::event::{Event, Label, Observer};
use super::forward::{Forwarder, Refused, Sent, Unmodeled};
use super::keeper::{Asked, Fate, Keeper, Kept, Known, Unkept};
use super::own_address::{self, OwnAddress};
use super::refuse::{answer, refuse_at_door, refuse_call, refuse_unknown};
use super::sessions::{self, SessionError, Sessions, Stage};
use super::work::{self, Of};
use super::{Arrival, Authority, Door, Handler, Reach, RequestBody};
use crate::aws_hosts;
use crate::inspect::{Call, Finding, Judged, judge_request, judge_response, plain, recognise};
use crate::model::catalog::Catalog;
use crate::outcome::Outcome;
use crate::protocol::Reply;
use crate::protocol::refusal::{CASSETTE_MISS, RECORDING_STOPPED, UNKNOWN_OPERATION};
use crate::value::Value;
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use http::StatusCode;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

mod passed;

use passed::passed_through;

/// The longest body that is recorded; a longer one passes through, and the run says so.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The header by which a stand-in server says what it is.
pub const STAND_IN: &str = "x-ferrotape-stand-in";

/// The handler of the live modes.
pub struct Recorder<O, K: Keeper> {
    forwarder: Forwarder,
    own_address: OwnAddress,
    sessions: Sessions<K>,
    observer: Arc<O>,
    arrived: AtomicUsize,
}

/// One call on its way.
struct Passage<'a, P> {
    number: usize,
    session: &'a Arc<sessions::Session<P>>,
    /// As AWS would have been asked.
    request: &'a Request,
    sent: Sent<'a>,
    call: Option<&'a Call>,
    judged: Option<Arc<Judged<Value>>>,
    /// What is told of the call even where all went well.
    remark: Option<String>,
    /// Something was told of it.
    told: AtomicBool,
}

impl<O: Observer, K: Keeper> Recorder<O, K> {
    /// A recorder that has seen nothing yet.
    pub fn new(forwarder: Forwarder, sessions: Sessions<K>, observer: Arc<O>) -> Recorder<O, K> {
        Recorder {
            own_address: OwnAddress::new(forwarder.upstream.base()),
            forwarder,
            sessions,
            observer,
            arrived: AtomicUsize::new(0),
        }
    }

    /// Its sessions.
    pub fn sessions(&self) -> &Sessions<K> {
        &self.sessions
    }

    /// Its sessions, when all is done.
    pub fn into_sessions(self) -> Sessions<K> {
        self.sessions
    }

    fn next_number(&self) -> usize {
        self.arrived.fetch_add(1, Ordering::Relaxed) + 1
    }

    async fn respond(&self, arrival: &Arrival, session: &Arc<Session<K>>, came: Request) -> http::Response<Payload> {
        let named = self.own_address.asked(&came);
        let request = named.as_ref().map_or(&came, |named| &named.at_aws);
        let sent = Sent {
            came: &came,
            goes: named.as_ref().map_or(&came, |named| &named.at_upstream),
        };
        let (recognised, judged) = self.understood(request).await;
        let (call, unmodeled) = match &recognised {
            Ok(call) => (Some(call), None),
            Err(unmodeled) => (None, Some(unmodeled)),
        };
        let passage = Passage {
            number: self.next_number(),
            session,
            request,
            sent,
            call,
            judged: judged.map(Arc::new),
            remark: unmodeled.map(|unmodeled| {
                format!(
                    "{}; recorded, with only those secrets hidden that their form gives away",
                    unmodeled.reason
                )
            }),
            told: AtomicBool::new(false),
        };
        let _cut = self.when_cut(&passage);
        if let Some(response) = self.known(arrival, &passage).await {
            return response;
        }
        let forwarded = match (self.stopped(), unmodeled) {
            (Some(stopped), _) => Err(stopped),
            (None, None) => self.forward(arrival, &passage).await,
            (None, Some(unmodeled)) => self.unmodeled(arrival, &passage, &unmodeled.reason).await,
        };
        forwarded.unwrap_or_else(|refused| match call {
            Some(call) => self.refuse(
                &passage,
                &refused,
                refuse_call(call, request, refused.code, refused.status, &refused.message),
            ),
            None => self.refuse_unknown(&passage, unmodeled.and_then(|unmodeled| unmodeled.service.as_deref()), &refused),
        })
    }

    /// Why the call is not forwarded, where nothing is any more. The status and code are such that no SDK
    /// tries again.
    fn stopped(&self) -> Option<Refused> {
        let why = self.sessions.stage().stopped()?;
        Some(Refused::new(Outcome::NotRecorded, 400, RECORDING_STOPPED, why))
    }

    fn when_cut<'a>(&'a self, passage: &'a Passage<'a, K::Part>) -> WhenCut<'a, impl Fn() + 'a> {
        let fate = Fate::because(self.sessions.stage().passed(), cut::MESSAGE);
        WhenCut {
            told: &passage.told,
            tell: move || self.tell(passage, &fate, None, None),
        }
    }

    /// The call that a request is, and what is said of it.
    async fn understood(&self, request: &Request) -> (Result<Call, crate::inspect::Unmodeled>, Option<Judged<Value>>) {
        let understand = |catalog: &Catalog, request: &Request| {
            let recognised = recognise(catalog, request);
            let judged = recognised.as_ref().ok().map(|call| judge_request(call, request, false));
            (recognised, judged)
        };
        if request.body().len() <= work::SMALL {
            return understand(&self.forwarder.catalog, request);
        }
        let (catalog, request) = (Arc::clone(&self.forwarder.catalog), request.clone());
        work::heavy(move || understand(&catalog, &request)).await
    }

    /// The answer that the keeper has already.
    async fn known(&self, arrival: &Arrival, passage: &Passage<'_, K::Part>) -> Option<http::Response<Payload>> {
        let asked = Asked {
            request: passage.request,
            call: passage.call,
            judged: passage.judged.as_ref(),
        };
        let Known {
            response,
            addresses,
            interaction,
        } = self.sessions.stage().known(passage.session, &asked).await?;
        let response = own_address::replayed(arrival, passage.sent.came, &addresses, response);
        let unsaid = passage
            .judged
            .as_ref()
            .is_none_or(|judged| judged.violations.is_empty() && judged.lints.is_empty());
        if unsaid {
            passage.told.store(true, Ordering::Relaxed);
            passage.session.tally.count(Outcome::Played);
            self.observer.played(&passage.session.label, passage.number, interaction);
        } else {
            let fate = Fate::of(Outcome::Played, Some(interaction));
            self.tell(passage, &fate, Some(response.status()), None);
        }
        Some(answer(response))
    }

    fn refuse(&self, passage: &Passage<'_, K::Part>, refused: &Refused, response: Response) -> http::Response<Payload> {
        self.tell(
            passage,
            &Fate::because(refused.outcome, &refused.message),
            Some(response.status()),
            None,
        );
        answer(response)
    }

    /// Refuses a request whose operation is not known, in the protocol of the service if that is.
    fn refuse_unknown(&self, passage: &Passage<'_, K::Part>, service: Option<&str>, refused: &Refused) -> http::Response<Payload> {
        let Refused { code, status, message, .. } = refused;
        let response = refuse_unknown(&self.forwarder.catalog, service, passage.request, code, *status, message);
        self.refuse(passage, refused, response)
    }

    async fn forward(&self, arrival: &Arrival, passage: &Passage<'_, K::Part>) -> Result<http::Response<Payload>, Refused> {
        let judged = passage.judged.as_deref();
        let address = self.forwarder.aws_address(arrival, passage.request, passage.call, judged)?;
        self.forward_to(arrival, passage, address).await
    }

    /// Forwards a call that AWS has at this address, and keeps the exchange.
    async fn forward_to(
        &self,
        arrival: &Arrival,
        passage: &Passage<'_, K::Part>,
        address: Address,
    ) -> Result<http::Response<Payload>, Refused> {
        let call = passage.call;
        let (head, body) = self.forwarder.ask(arrival, passage.sent, &address).await?;
        let (body, _room) = match read_with_room(Of::Answer, body, MAX_BODY).await {
            Ok((Read::Whole(body), room)) => (body, room),
            Ok((Read::Over { so_far, rest }, _)) => {
                let named = self.own_address.left_in(&head.headers, &so_far);
                let fate = self.passed(&format!("the response is larger than {MAX_BODY} bytes{named}"));
                self.tell(passage, &fate, Some(head.status), None);
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
        let answered = self.own_address.answered(arrival, passage.sent.came, &address, call, &response);
        let (response, at_client, places) = match answered {
            Some(answered) => (answered.at_aws, Some(answered.at_client), answered.places),
            None => (response, None, Vec::new()),
        };
        let judged_response = match call {
            Some(call) => Some(judged_answer(call, &response).await),
            None => None,
        };
        self.forwarder.remember_vended(judged_response.as_ref());
        let mut as_recorded = passage.request.clone();
        *as_recorded.uri_mut() = address.uri;
        let as_recorded = plain(&as_recorded);
        let finding = Arc::new(Finding {
            call: call.cloned(),
            request: passage.judged.as_deref().cloned(),
            response: judged_response,
        });
        let exchange = Kept {
            number: passage.number,
            request: &as_recorded,
            response: &response,
            addresses: &places,
            finding: &finding,
        };
        let fate = match self.sessions.stage().keep(passage.session, &exchange).await {
            Ok(fate) if fate.message.is_none() => Fate {
                message: passage.remark.clone(),
                ..fate
            },
            Ok(fate) => fate,
            Err(Unkept::Told(message)) => Fate::because(Outcome::NotRecorded, &message),
            Err(Unkept::Refused(message)) => {
                return Err(Refused::new(Outcome::NotRecorded, 400, RECORDING_STOPPED, message));
            }
        };
        self.tell(passage, &fate, Some(response.status()), finding.response.as_ref());
        Ok(answer(without_framing(at_client.unwrap_or(response))))
    }

    /// What became of a call that nothing could be made of.
    fn passed(&self, why: &str) -> Fate {
        let outcome = self.sessions.stage().passed();
        let how = match outcome {
            Outcome::NotRecorded => "passed through unrecorded",
            _ => "passed through",
        };
        Fate::because(outcome, &format!("{why}; it {how}"))
    }

    async fn unmodeled(&self, arrival: &Arrival, passage: &Passage<'_, K::Part>, reason: &str) -> Result<http::Response<Payload>, Refused> {
        let refuse = |message: String| Err(Refused::new(Outcome::Unmodeled, 400, UNKNOWN_OPERATION, message));
        if self.forwarder.behaviour.unmodeled == Unmodeled::Refuse {
            return refuse(format!("{reason}; or let such calls pass, unrecorded, with `--unmodeled forward`"));
        }
        let known = match arrival.door {
            Door::Intercept { .. } => Some(Address::as_it_came(passage.request)),
            Door::Endpoint => Address::without_model(passage.request, &self.forwarder.behaviour.preferences),
        };
        let address = match known {
            Some(address) if self.forwarder.behaviour.unmodeled == Unmodeled::Record => {
                return self.forward_to(arrival, passage, address).await;
            }
            Some(address) => address,
            // An upstream of the user's own needs no name of AWS's; but none can be written down.
            None if self.forwarder.upstream.is_overridden() => Address::as_it_came(passage.request),
            None => {
                return refuse(format!(
                    "{reason}; without a model the endpoint door finds its host only by the service and region of a signature, and this call has none"
                ));
            }
        };
        self.pass_unmodeled(arrival, passage, &address, reason).await
    }

    fn tell(&self, passage: &Passage<'_, K::Part>, fate: &Fate, status: Option<StatusCode>, response: Option<&Judged<Reply>>) {
        passage.told.store(true, Ordering::Relaxed);
        let event = Event {
            label: &passage.session.label,
            number: passage.number,
            request: passage.request,
            call: passage.call,
            outcome: fate.outcome,
            interaction: fate.interaction,
            status: status.map(|status| status.as_u16()),
            judged_request: passage.judged.as_deref(),
            judged_response: response,
            differences: &fate.differences,
            message: fate.message.as_deref(),
            rules: None,
        };
        passage.session.tally.told(&event);
        self.observer.told(event);
    }

    /// A call of a session that is not to be had goes nowhere.
    fn refuse_session(&self, arrival: &Arrival, request: &Request, error: &SessionError) -> http::Response<Payload> {
        let message = error.to_string();
        let response = refuse_unknown(&self.forwarder.catalog, None, request, "BadRequest", 404, &message);
        self.turn_away(arrival.session.as_deref(), request, response, &message)
    }

    /// Tells of a call that never came to a session.
    fn turn_away(&self, session: Option<&str>, request: &Request, response: Response, message: &str) -> http::Response<Payload> {
        self.observer.told(Event {
            label: &Label::unknown(session),
            number: self.next_number(),
            request,
            call: None,
            outcome: Outcome::NotRecorded,
            interaction: None,
            status: Some(response.status().as_u16()),
            judged_request: None,
            judged_response: None,
            differences: &[],
            message: Some(message),
            rules: None,
        });
        answer(response)
    }
}

/// A session of a live mode.
type Session<K> = sessions::Session<<K as Stage>::Part>;

impl<O: Observer, K: Keeper> Handler for Recorder<O, K> {
    async fn call(&self, arrival: Arrival, request: http::Request<RequestBody>) -> http::Response<Payload> {
        let (head, body) = request.into_parts();
        let session = match self.sessions.of(&arrival, &head.headers) {
            Ok(session) => session,
            Err(error) => return self.refuse_session(&arrival, &Request::from_parts(head, Bytes::new()), &error),
        };
        match read_with_room(Of::Request, body, MAX_BODY).await {
            Ok((Read::Whole(body), _room)) => self.respond(&arrival, &session, Request::from_parts(head, body)).await,
            Ok((Read::Over { so_far, rest }, _)) => self.pass_large(&arrival, &session, head, so_far, rest).await,
            Err(error) => {
                let request = Request::from_parts(head, Bytes::new());
                let message = error.to_string();
                let response = refuse_unknown(&self.forwarder.catalog, None, &request, "BadRequest", 400, &message);
                self.turn_away(arrival.session.as_deref(), &request, response, &message)
            }
        }
    }

    fn reach(&self, authority: &Authority) -> Reach {
        if aws_hosts::is_aws_host(&authority.host) {
            Reach::Intercept
        } else {
            Reach::Tunnel
        }
    }

    fn listens_at(&self, address: SocketAddr, names: &[String]) {
        self.own_address.listen(address, names);
    }

    fn turned_away(&self, session: Option<&str>, request: &Request, refused: &super::Refused) -> Option<http::Response<Payload>> {
        let response = refuse_at_door(&self.forwarder.catalog, request, refused);
        Some(match refused.is_of_a_call() {
            true => self.turn_away(session, request, response, &refused.reason),
            false => answer(response),
        })
    }

    fn control(&self) -> Option<&dyn Control> {
        Some(&self.sessions)
    }
}

async fn judged_answer(call: &Call, response: &Response) -> Judged<Reply> {
    if response.body().len() <= work::SMALL {
        return judge_response(call, response);
    }
    let (call, response) = (call.clone(), response.clone());
    work::heavy(move || judge_response(&call, &response)).await
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
