//! Tunnels: the way to hosts that are none of our business, untouched. Record has one, replay not.

use super::dialer::{DialError, Dialer};
use super::{Authority, Dial, Dialling};
use std::io;

/// Opens tunnels to public places, through the proxy of the environment where there is one.
pub struct Tunnels(Dialer);

impl Tunnels {
    /// By way of this dialer.
    pub fn new(dialer: Dialer) -> Tunnels {
        Tunnels(dialer)
    }
}

impl Dial for Tunnels {
    fn dial(&self, authority: Authority) -> Dialling<'_> {
        Box::pin(async move { self.0.tunnel(&authority).await.map_err(to_io) })
    }
}

fn to_io(error: DialError) -> io::Error {
    let kind = match error {
        DialError::Forbidden { .. } => io::ErrorKind::PermissionDenied,
        DialError::TimedOut(_) => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::NotConnected,
    };
    io::Error::new(kind, error)
}
