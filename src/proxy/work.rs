//! What calls may take of the machine while they are worked on: heavy work goes to a few blocking
//! threads, and the bytes of large bodies in memory are bounded. Whoever finds no room waits; small
//! calls need none, and never wait for large ones.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Messages up to this size are worked on at once, on the thread that serves the connection.
pub const SMALL: usize = 64 * 1024;

/// How many heavy pieces of work run at a time.
static THREADS: Semaphore = Semaphore::const_new(2);

/// One large record is made durable at a time.
static RECORDS: Semaphore = Semaphore::const_new(1);

/// The bytes of large bodies that are in memory at a time, in KiB. Those of answers have room of their
/// own: a call that waits for its answer keeps the room of its request.
const ROOM: usize = 16 * 1024;
static REQUESTS: Semaphore = Semaphore::const_new(ROOM);
static ANSWERS: Semaphore = Semaphore::const_new(ROOM);

/// Room for a body, or a turn, until it is dropped.
pub type Room = Option<SemaphorePermit<'static>>;

/// Which side of a call a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Request,
    Answer,
}

/// Waits for room for a body of so many bytes.
pub async fn room_for(side: Of, bytes: usize) -> Room {
    let room = match side {
        Of::Request => &REQUESTS,
        Of::Answer => &ANSWERS,
    };
    match bytes > SMALL {
        true => room.acquire_many(bytes.div_ceil(1024).min(ROOM) as u32).await.ok(),
        false => None,
    }
}

/// Waits for the turn of a record of so many bytes.
pub async fn turn(bytes: usize) -> Room {
    match bytes > SMALL {
        true => RECORDS.acquire().await.ok(),
        false => None,
    }
}

/// Does heavy work on a blocking thread. It goes on to its end where nobody waits any more, and
/// nothing waits for it at the end of the process.
pub async fn heavy<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = THREADS.acquire().await;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    match done.await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down, and this with it.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn heavy_work_holds_up_nothing_else() {
        let (let_go, held) = mpsc::channel::<()>();
        let work = tokio::spawn(heavy(move || held.recv().is_ok()));
        // On the one thread of this runtime, this comes to its end while that computes.
        assert_eq!(tokio::spawn(async { 1 }).await.unwrap(), 1);
        let_go.send(()).unwrap();
        assert!(work.await.unwrap());
    }

    #[tokio::test]
    async fn large_bodies_wait_for_room_and_small_ones_do_not() {
        let all = room_for(Of::Answer, ROOM * 1024).await;
        let small = room_for(Of::Answer, SMALL).await;
        assert!(all.is_some() && small.is_none());
        let mut next = Box::pin(room_for(Of::Answer, SMALL + 1));
        let waits = std::future::poll_fn(|context| std::task::Poll::Ready(next.as_mut().poll(context).is_pending())).await;
        assert!(waits);
        drop(all);
        assert!(next.await.is_some());
    }
}
