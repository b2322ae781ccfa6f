//! The proxy: two doors on one port, and the way out to AWS.
//!
//! A client reaches Ferrotape through the *endpoint* door (it was given our URL as its endpoint) or
//! the *intercept* door (it uses us as its HTTPS proxy). Both hand the same thing to one
//! [`Handler`]: a request with an absolute URI, and where it came from. What is answered is the
//! handler's affair (record, replay); the doors only see to it that nothing odd gets in.
//!
//! tokio, hyper and rustls live in this module and in `child`, nowhere else.

pub mod address;
mod admission;
pub mod authority;
pub mod auto;
pub mod body;
mod claim;
pub mod client;
pub mod comparing;
pub mod control;
pub mod credentials;
mod cut;
pub mod dialer;
pub mod endpoint;
pub mod event;
pub mod forward;
mod framing;
pub mod ignored;
mod intercept;
pub mod journalling;
pub mod keeper;
mod old_signature;
pub mod own_address;
pub mod passing;
pub mod playing;
pub mod record;
mod refuse;
mod refused;
pub mod replay;
pub mod server;
pub mod sessions;
pub mod sign;
pub mod signature;
pub mod stand_in;
pub mod takes;
#[cfg(test)]
mod testing;
pub mod tls;
mod token_path;
mod translated;
pub mod tunnel;
mod turned_away;
pub mod upstream;
mod vended;
mod watch;
mod work;

pub use body::{Payload, RequestBody};
pub use refused::Refused;
pub use server::{BindError, Options, Server};

use crate::wire;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// Answers requests: the recorder, the replayer, or a closure of a test.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Its URI is absolute: `https://HOST/path?query` through the intercept
    /// door, `http://HOST/path?query` (Host as it came, the session's segment removed) through the
    /// endpoint door. The response gets its `Date` from the server, whatever the handler set.
    fn call(&self, arrival: Arrival, request: http::Request<RequestBody>) -> impl Future<Output = http::Response<Payload>> + Send;

    /// What a `CONNECT` to this place may do. Loopback, private and link-local places were refused
    /// before this is asked.
    fn reach(&self, authority: &Authority) -> Reach;

    /// Is told where the doors are, before any call comes: the address, and the names besides
    /// loopback's by which clients may know it.
    fn listens_at(&self, _address: SocketAddr, _names: &[String]) {}

    /// Answers what a door turned away, and counts it where it was a call; nothing where this handler
    /// counts none. All that is known of the call is in `request`, whose body was not read; `session` is the
    /// one that it names.
    fn turned_away(&self, _session: Option<&str>, _request: &wire::Request, _refused: &Refused) -> Option<http::Response<Payload>> {
        None
    }

    /// What the control endpoint asks; nothing where there are no sessions.
    fn control(&self) -> Option<&dyn control::Control> {
        None
    }
}

/// Where a request came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The way in.
    pub door: Door,
    /// The session it names: `/@NAME` at the endpoint door, the proxy's user name at the other.
    pub session: Option<String>,
    /// The token it shows: `/@NAME:TOKEN`, or the proxy's password.
    pub token: Option<String>,
    /// The path and query as they came, where the session's segment was removed from the URI:
    /// that is what the client signed.
    pub signed_path: Option<http::uri::PathAndQuery>,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "(hidden)");
        formatter
            .debug_struct("Arrival")
            .field("door", &self.door)
            .field("session", &self.session)
            .field("token", &token)
            .finish_non_exhaustive()
    }
}

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// The client was given our URL as its endpoint.
    Endpoint,
    /// The client came by `CONNECT` to this place.
    Intercept {
        /// Lower case.
        host: Arc<str>,
        /// As in the `CONNECT` line.
        port: u16,
    },
}

/// A host and a port that a client wants to reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// Lower case, without the brackets of an IPv6 address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(formatter, "[{}]:{}", self.host, self.port);
        }
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// What a `CONNECT` may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// TLS ends here, and the requests inside go to the handler.
    Intercept,
    /// Bytes pass untouched; needs a [`Dial`] in the server's options.
    Tunnel,
    /// Answered 403 with this reason.
    Refuse(String),
}

/// A two-way stream of bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is being opened.
pub type Dialling<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Opens connections for tunnels. Replay has none, so nothing there can dial.
pub trait Dial: Send + Sync + 'static {
    /// Connects to a place, whose address has been checked by the time bytes can flow.
    fn dial(&self, authority: Authority) -> Dialling<'_>;
}
