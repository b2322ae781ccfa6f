//! Whether a client is still there while its call is worked on. hyper does not look: a client may close
//! its sending side and still wait for the answer.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use tokio::net::TcpStream;

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(1);

/// So many looks later a client that sends no more is taken to be gone: it may have closed its whole
/// connection, which looks the same from here until something is sent.
const PATIENCE: u32 = 5;

/// The connection of a client, to be looked at beside whoever serves it.
pub struct Watch {
    descriptor: Option<OwnedFd>,
    interval: Duration,
}

/// What a look shows.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    /// It sends no more.
    HalfClosed,
    /// The connection was reset.
    Gone,
}

impl Watch {
    /// Nobody is looked for.
    pub fn nobody() -> Watch {
        Watch {
            descriptor: None,
            interval: INTERVAL,
        }
    }

    /// The client of this connection. Without a file descriptor to spare, nobody is looked for.
    pub fn client(stream: &TcpStream) -> Watch {
        Watch {
            descriptor: stream.as_fd().try_clone_to_owned().ok(),
            ..Watch::nobody()
        }
    }

    /// Comes to its end when the client is gone.
    pub async fn gone(&self) {
        let Some(descriptor) = &self.descriptor else {
            return std::future::pending().await;
        };
        let mut looks = 0;
        while looks < PATIENCE {
            tokio::time::sleep(self.interval).await;
            looks = match state(descriptor) {
                State::Open => 0,
                State::HalfClosed => looks + 1,
                State::Gone => return,
            };
        }
    }
}

fn state(descriptor: &OwnedFd) -> State {
    let mut asked = [PollFd::new(descriptor, PollFlags::RDHUP)];
    let looked = poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    let shown = asked[0].revents();
    match looked {
        Ok(_) if shown.intersects(PollFlags::HUP | PollFlags::ERR) => State::Gone,
        Ok(_) if shown.contains(PollFlags::RDHUP) => State::HalfClosed,
        _ => State::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_client_that_sends_no_more_is_gone_after_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (mut client, (server, _)) = (client.unwrap(), accepted.unwrap());
        let watch = Watch {
            interval: Duration::from_millis(1),
            ..Watch::client(&server)
        };
        let look = || watch.descriptor.as_ref().map(state);
        assert_eq!(look(), Some(State::Open));
        client.shutdown().await.unwrap();
        watch.gone().await;
        assert_eq!(look(), Some(State::HalfClosed));
    }
}
