//! Bodies: what comes in, what goes out, and reading one to its end within a limit.

use super::work::{self, Of, Room};
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;

/// How long a sender may pause in the middle of a body.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request as it reaches a handler.
#[derive(Debug)]
pub enum RequestBody {
    /// Still on the wire.
    Wire(Incoming),
    /// Already in memory; taken by the first read.
    Memory(Option<Bytes>),
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> RequestBody {
        RequestBody::Memory(Some(bytes))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            RequestBody::Wire(incoming) => Pin::new(incoming).poll_frame(context),
            RequestBody::Memory(bytes) => Poll::Ready(take(bytes).map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Wire(incoming) => incoming.is_end_stream(),
            RequestBody::Memory(bytes) => is_empty(bytes),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Wire(incoming) => incoming.size_hint(),
            RequestBody::Memory(bytes) => exactly(bytes),
        }
    }
}

/// The body of an answer: whole, without an allocation of its own, or a stream.
pub struct Payload(Inner);

enum Inner {
    Whole(Option<Bytes>),
    Incoming(Incoming),
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl Payload {
    /// Nothing.
    pub fn empty() -> Payload {
        Payload(Inner::Whole(None))
    }

    /// These bytes.
    pub fn whole(bytes: Bytes) -> Payload {
        Payload(Inner::Whole(Some(bytes)))
    }

    /// What an upstream is still sending.
    pub fn incoming(incoming: Incoming) -> Payload {
        Payload(Inner::Incoming(incoming))
    }

    /// Bytes that were read already, and what is still to come.
    pub fn chained<B>(so_far: Bytes, rest: B) -> Payload
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        Payload::stream(Chained {
            so_far: Some(so_far).filter(|bytes| !bytes.is_empty()),
            rest,
        })
    }

    /// Any other stream. An error in it resets the client's connection.
    pub fn stream(body: impl Body<Data = Bytes, Error = BoxError> + Send + 'static) -> Payload {
        Payload(Inner::Stream(Box::pin(body)))
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Payload {
        Payload::whole(bytes)
    }
}

impl From<Incoming> for Payload {
    fn from(incoming: Incoming) -> Payload {
        Payload::incoming(incoming)
    }
}

impl From<RequestBody> for Payload {
    fn from(body: RequestBody) -> Payload {
        match body {
            RequestBody::Wire(incoming) => Payload(Inner::Incoming(incoming)),
            RequestBody::Memory(bytes) => Payload(Inner::Whole(bytes)),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Inner::Whole(bytes) => Poll::Ready(take(bytes).map(Ok)),
            Inner::Incoming(incoming) => Pin::new(incoming).poll_frame(context).map_err(BoxError::from),
            Inner::Stream(stream) => stream.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => is_empty(bytes),
            Inner::Incoming(incoming) => incoming.is_end_stream(),
            Inner::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => exactly(bytes),
            Inner::Incoming(incoming) => incoming.size_hint(),
            Inner::Stream(stream) => stream.size_hint(),
        }
    }
}

/// A body of which the beginning was read already.
struct Chained<B> {
    so_far: Option<Bytes>,
    rest: B,
}

impl<B> Body for Chained<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let chained = self.get_mut();
        match chained.so_far.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Pin::new(&mut chained.rest).poll_frame(context).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.so_far.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.so_far.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + read);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + read);
        }
        hint
    }
}

fn take(bytes: &mut Option<Bytes>) -> Option<Frame<Bytes>> {
    bytes.take().filter(|bytes| !bytes.is_empty()).map(Frame::data)
}

fn is_empty(bytes: &Option<Bytes>) -> bool {
    bytes.as_ref().is_none_or(Bytes::is_empty)
}

fn exactly(bytes: &Option<Bytes>) -> SizeHint {
    SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
}

/// What reading a body gave.
#[derive(Debug)]
pub enum Read<B> {
    /// All of it.
    Whole(Bytes),
    /// It is longer than the limit.
    Over {
        /// What was read; it comes before `rest`.
        so_far: Bytes,
        /// What is still to come.
        rest: B,
    },
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The sender closed half way, or broke the framing.
    #[error("the body broke off: {0}")]
    Broken(#[source] BoxError),
    /// The sender stopped sending.
    #[error("the body stopped: nothing came for {} seconds", LONGEST_PAUSE.as_secs())]
    Stalled,
}

/// Reads a body to its end, or until it proves longer than `limit` bytes. Trailers are dropped. A
/// body of one frame, the usual case, is not copied. A large one waits for room, which is given back
/// with it.
pub async fn read_with_room<B>(side: Of, body: B, limit: usize) -> Result<(Read<B>, Room), BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (so_far, rest) = match read_limited(body, work::SMALL.min(limit)).await? {
        Read::Over { so_far, rest } if rest.size_hint().lower() <= limit as u64 => (so_far, rest),
        read => return Ok((read, None)),
    };
    let rest_of_it = rest.size_hint().exact().map(|rest| rest as usize + so_far.len());
    let room = work::room_for(side, rest_of_it.unwrap_or(limit)).await;
    Ok((read_on(so_far, rest, limit).await?, room))
}

/// The same without room, for whoever has bounds of their own.
pub async fn read_limited<B>(body: B, limit: usize) -> Result<Read<B>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Ok(Read::Over {
            so_far: Bytes::new(),
            rest: body,
        });
    }
    read_on(Bytes::new(), body, limit).await
}

/// Reads on behind what was read.
async fn read_on<B>(so_far: Bytes, mut body: B, limit: usize) -> Result<Read<B>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let first = match so_far.is_empty() {
        true => next_data(&mut body).await?,
        false => Some(so_far),
    };
    let Some(first) = first else {
        return Ok(Read::Whole(Bytes::new()));
    };
    if first.len() > limit {
        return Ok(Read::Over { so_far: first, rest: body });
    }
    let Some(second) = next_data(&mut body).await? else {
        return Ok(Read::Whole(first));
    };
    let mut whole = BytesMut::with_capacity(first.len() + second.len() + body.size_hint().lower() as usize);
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while whole.len() <= limit {
        let Some(next) = next_data(&mut body).await? else {
            return Ok(Read::Whole(whole.freeze()));
        };
        whole.extend_from_slice(&next);
    }
    Ok(Read::Over {
        so_far: whole.freeze(),
        rest: body,
    })
}

/// The next piece of a body that holds bytes.
async fn next_data<B>(body: &mut B) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Ok(None);
    }
    // A timer only where there is something to wait for: most bodies came with their head.
    let next = match poll_fn(|context| Poll::Ready(poll_data(body, context))).await {
        Poll::Ready(next) => next,
        Poll::Pending => timeout(LONGEST_PAUSE, poll_fn(|context| poll_data(body, context)))
            .await
            .map_err(|_| BodyError::Stalled)?,
    };
    next.transpose().map_err(|error| BodyError::Broken(error.into()))
}

fn poll_data<B>(body: &mut B, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>>
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        let frame = match ready!(Pin::new(&mut *body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        };
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Poll::Ready(Some(Ok(data)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[derive(Debug)]
    struct Pieces(VecDeque<Result<&'static str, &'static str>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let next = self.0.pop_front();
            Poll::Ready(next.map(|piece| piece.map(|text| Frame::data(Bytes::from(text))).map_err(BoxError::from)))
        }
    }

    fn pieces<const N: usize>(pieces: [&'static str; N]) -> Pieces {
        Pieces(pieces.into_iter().map(Ok).collect())
    }

    #[tokio::test]
    async fn a_body_of_one_frame_is_not_copied() {
        let bytes = Bytes::from(vec![b'x'; 100]);
        let Ok(Read::Whole(read)) = read_limited(RequestBody::from(bytes.clone()), 100).await else {
            panic!("not whole")
        };
        assert_eq!(read.as_ptr(), bytes.as_ptr());
    }

    #[tokio::test]
    async fn frames_are_joined_in_order() {
        let Ok(Read::Whole(read)) = read_limited(pieces(["ab", "", "cd", "e"]), 5).await else {
            panic!("not whole")
        };
        assert_eq!(read, "abcde");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_gives_back_what_was_read_and_the_rest() {
        let Ok(Read::Over { so_far, mut rest }) = read_limited(pieces(["ab", "cd", "ef"]), 3).await else {
            panic!("not over")
        };
        assert_eq!(so_far, "abcd");
        assert_eq!(next_data(&mut rest).await.unwrap().unwrap(), "ef");
    }

    #[tokio::test]
    async fn a_body_that_announces_too_much_is_not_read_at_all() {
        let Ok(Read::Over { so_far, .. }) = read_limited(RequestBody::from(Bytes::from_static(b"long")), 3).await else {
            panic!("not over")
        };
        assert!(so_far.is_empty());
    }

    #[tokio::test]
    async fn a_broken_body_is_an_error() {
        let body = Pieces(VecDeque::from([Ok("ab"), Err("gone")]));
        assert_eq!(read_limited(body, 10).await.unwrap_err().to_string(), "the body broke off: gone");
    }
}
