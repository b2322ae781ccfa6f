//! What passes through a recording and is kept nowhere: calls of no model, and bodies too large to hold.

use super::super::address::Address;
use super::super::body::{Payload, Read, read_with_room};
use super::super::event::Observer;
use super::super::forward::{Refused, Sent, upstream_failed};
use super::super::keeper::Keeper;
use super::super::refuse::answer;
use super::super::work::Of;
use super::super::{Arrival, RequestBody};
use super::{MAX_BODY, Passage, Recorder, Session, broken_off, without_framing};
use crate::outcome::Outcome;
use crate::wire::{self, Request, Response};
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl<O: Observer, K: Keeper> Recorder<O, K> {
    /// A call that no model knows goes on unrecorded. What is small and whole in its answer leads the
    /// client back to us, like that of any other call.
    pub(super) async fn pass_unmodeled(
        &self,
        arrival: &Arrival,
        passage: &Passage<'_, K::Part>,
        address: &Address,
        reason: &str,
    ) -> Result<http::Response<Payload>, Refused> {
        let (head, body) = self.forwarder.ask(arrival, passage.sent, address).await?;
        let status = head.status;
        // One that does not say how long it is may be a stream that somebody waits for.
        let (read, _room) = match body.size_hint().exact() {
            Some(_) => read_with_room(Of::Answer, body, MAX_BODY)
                .await
                .map_err(|error| broken_off(&error))?,
            None => (
                Read::Over {
                    so_far: Bytes::new(),
                    rest: body,
                },
                None,
            ),
        };
        let (response, why) = match read {
            Read::Whole(body) => {
                let response = Response::from_parts(head, body);
                let answered = self.own_address.answered(arrival, passage.sent.came, address, None, &response);
                let at_client = answered.map_or(response, |answered| answered.at_client);
                (answer(without_framing(at_client)), reason.to_owned())
            }
            Read::Over { so_far, rest } => {
                let why = format!("{reason}{}", self.own_address.left_in(&head.headers, &so_far));
                (passed_through(http::Response::from_parts(head, ()), so_far, rest), why)
            }
        };
        self.tell(passage, &self.passed(&why), Some(status), None);
        Ok(response)
    }

    /// A body too large to hold: through the intercept door it passes as it is, signature and all.
    pub(super) async fn pass_large(
        &self,
        arrival: &Arrival,
        session: &Arc<Session<K>>,
        head: http::request::Parts,
        so_far: Bytes,
        rest: RequestBody,
    ) -> http::Response<Payload> {
        let request = Request::from_parts(head.clone(), Bytes::new());
        let passage = Passage {
            number: self.next_number(),
            session,
            request: &request,
            sent: Sent {
                came: &request,
                goes: &request,
            },
            call: None,
            judged: None,
            remark: None,
            told: AtomicBool::new(false),
        };
        let _cut = self.when_cut(&passage);
        if let Some(stopped) = self.stopped() {
            return self.refuse_unknown(&passage, None, &stopped);
        }
        if self.forwarder.must_sign(arrival, &request) {
            let message = format!(
                "the request is larger than {MAX_BODY} bytes, more than can be signed again; send it in parts, or use `--door intercept`"
            );
            let refused = Refused::new(Outcome::NotRecorded, 413, "RequestTooLarge", message);
            return self.refuse_unknown(&passage, None, &refused);
        }
        let outgoing = http::Request::from_parts(head, Payload::chained(so_far, rest));
        match self.forwarder.upstream.send(self.forwarder.located(outgoing)).await {
            Ok(incoming) => {
                let (head, body) = incoming.into_parts();
                let fate = self.passed(&format!("the request is larger than {MAX_BODY} bytes"));
                self.tell(&passage, &fate, Some(head.status), None);
                passed_through(http::Response::from_parts(head, ()), Bytes::new(), body)
            }
            Err(error) => self.refuse_unknown(&passage, None, &upstream_failed(&error)),
        }
    }
}

/// An answer that goes on as it comes.
pub(super) fn passed_through(head: http::Response<()>, so_far: Bytes, rest: Incoming) -> http::Response<Payload> {
    let (mut head, ()) = head.into_parts();
    head.headers = wire::without_hop_by_hop(&head.headers);
    head.version = http::Version::HTTP_11;
    http::Response::from_parts(head, Payload::chained(so_far, rest))
}
