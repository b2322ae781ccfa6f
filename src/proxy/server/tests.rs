use super::*;
use crate::proxy::testing::{Told, head, held, in_time, serve, talk, until_closed};
use crate::proxy::{Authority, Reach};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

async fn told(request: &str) -> String {
    let running = serve(Arc::new(Told), Options::default()).await;
    talk(
        running.address,
        request.replace("PORT", &running.address.port().to_string()).as_bytes(),
    )
    .await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

#[tokio::test]
async fn a_request_gets_an_absolute_uri_and_keeps_its_host() {
    let answer = told("POST /a?b=c HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await;
    assert_eq!(status(&answer), "200");
    let line = answer.lines().last().unwrap();
    assert!(
        line.starts_with("Endpoint session= POST http://localhost:") && line.ends_with("/a?b=c body={}"),
        "{line}"
    );
}

#[tokio::test]
async fn the_first_segment_picks_the_session() {
    let answer = told("GET /@checkout HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(
        answer.ends_with("Endpoint session=checkout GET http://127.0.0.1/ body="),
        "{answer}"
    );
}

#[tokio::test]
async fn there_is_one_date_and_it_says_now() {
    let answer = told("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        .await
        .to_lowercase();
    assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{answer}");
    assert!(!answer.contains("2020"), "{answer}");
}

#[tokio::test]
async fn http_1_0_without_a_host_is_served() {
    let answer = told("GET /x HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains("GET http://127.0.0.1:") && status(&answer) == "200", "{answer}");
}

#[tokio::test]
async fn our_own_absolute_form_is_served() {
    let answer = told("GET http://127.0.0.1:PORT/x HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), "200", "{answer}");
}

#[tokio::test]
async fn two_requests_in_one_packet_are_answered_in_order() {
    let answer = told("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(answer.find("/1 body").unwrap() < answer.find("/2 body").unwrap(), "{answer}");
}

#[tokio::test]
async fn requests_that_two_readers_could_read_differently_are_refused_and_the_connection_closed() {
    for (wanted, request) in [
        ("400", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
        (
            "400",
            "POST / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        ),
        ("400", "GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n"),
        ("400", "GET / HTTP/1.1\r\nHost: localhost/path\r\n\r\n"),
        ("400", "GET / HTTP/1.1\r\nHost: 2130706433\r\n\r\n"),
        (
            "400",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "400",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("400", "post / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"),
        ("400", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("400", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (
            "400",
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ),
        ("421", "GET http://localhost/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        (
            "417",
            "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n{}",
        ),
        ("400", "GET /@../x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let answer = told(request).await;
        assert_eq!(status(&answer), wanted, "{request}");
        assert!(answer.contains("RefusedByFerrotape"), "{answer}");
    }
}

#[tokio::test]
async fn too_many_headers_are_431() {
    let headers: String = (0..=100).map(|number| format!("X-{number}: a\r\n")).collect();
    assert_eq!(
        status(&told(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await),
        "431"
    );
}

#[tokio::test]
async fn a_client_that_sends_no_more_gets_its_answer() {
    let handler = held();
    let running = serve(Arc::clone(&handler), Options::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    in_time(handler.arrived.notified()).await;
    handler.let_go.notify_one();
    assert!(until_closed(&mut stream).await.ends_with("done"));
}

#[tokio::test]
async fn a_client_that_closes_after_its_answer_ends_its_connection() {
    // Nothing looks for clients here, and no head is waited for: only the close can end it.
    let running = serve(held(), Options::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    head(&mut stream).await;
    stream.shutdown().await.unwrap();
    let closed = timeout(HEAD_TIMEOUT / 2, until_closed(&mut stream)).await;
    assert_eq!(closed.as_deref(), Ok("done"), "it waited for another head");
}

#[tokio::test]
async fn chunks_count_and_a_length_beside_them_does_not() {
    let smuggled = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = told(smuggled).await;
    assert_eq!(
        (status(&answer), answer.matches("HTTP/1.1 ").count()),
        ("200", answer.matches("200 OK").count()),
        "{answer}"
    );
}

#[tokio::test]
async fn only_our_own_names_are_answered_to() {
    let request = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for host in ["localhost", "127.0.0.1:80", "127.7.7.7", "[::1]:1234", "my-bucket.localhost"] {
        assert_eq!(status(&told(&request(host)).await), "200", "{host}");
    }
    for host in ["attacker.example", "proton.us-east-1.amazonaws.com", "10.0.0.1", "ferrotape"] {
        let answer = told(&request(host)).await;
        assert_eq!(status(&answer), "421", "{host}");
        assert!(answer.contains("--allow-host"), "{answer}");
    }
    let options = Options {
        allow_hosts: vec!["ferrotape".to_owned()],
        ..Options::default()
    };
    let running = serve(Arc::new(Told), options).await;
    assert_eq!(status(&talk(running.address, request("FERROTAPE:4567").as_bytes()).await), "200");
}

#[tokio::test]
async fn web_pages_are_not_answered() {
    for header in ["Origin: http://localhost:3000", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        let answer = told(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n")).await;
        assert_eq!(status(&answer), "403", "{header}");
    }
    let options = Options {
        allow_hosts: vec!["app.example".to_owned()],
        ..Options::default()
    };
    let running = serve(Arc::new(Told), options).await;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&talk(running.address, request).await), "200");
}

#[tokio::test]
async fn plain_http_to_other_hosts_is_refused_with_a_hint() {
    let options = Options {
        allow_hosts: vec!["s3.amazonaws.com".to_owned()],
        ..Options::default()
    };
    let running = serve(Arc::new(Told), options).await;
    let request = b"GET http://s3.amazonaws.com/ HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n";
    let answer = talk(running.address, request).await;
    assert_eq!(status(&answer), "403");
    assert!(answer.contains("HTTPS_PROXY"), "{answer}");
}

#[tokio::test]
async fn tls_to_the_plain_port_is_told() {
    let running = serve(Arc::new(Told), Options::default()).await;
    assert_eq!(talk(running.address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc").await, "");
    assert!(running.noted().contains("spoke TLS"), "{}", running.noted());
}

#[tokio::test]
async fn what_is_not_http_is_told() {
    let running = serve(Arc::new(Told), Options::default()).await;
    for noise in [&b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..], b"\0\0\0\0\r\n\r\n"] {
        let answer = talk(running.address, noise).await;
        assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    }
    assert_eq!(running.noted().matches("not an HTTP/1.1 request").count(), 2, "{}", running.noted());
}

#[tokio::test]
async fn http2_to_the_plain_port_is_told_in_its_own_frames() {
    let running = serve(Arc::new(Told), Options::default()).await;
    let answer = talk(running.address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(
        answer.starts_with("\0\0\0\x04") && answer.contains("speaks HTTP/1.1 only"),
        "{answer:?}"
    );
    assert!(running.noted().contains("spoke HTTP/2"), "{}", running.noted());
    let post = talk(running.address, b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&post), "200");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_a_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let Err(error) = Server::bind(address, Options::default()).await else {
        panic!("bound twice")
    };
    let message = error.to_string();
    assert!(
        message.contains(&address.port().to_string()) && message.contains("--listen 127.0.0.1:0"),
        "{message}"
    );
}

#[tokio::test]
async fn a_running_request_is_finished_and_a_new_one_not_taken() {
    let handler = held();
    let running = serve(Arc::clone(&handler), Options::default()).await;
    let address = running.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    head(&mut idle).await;
    in_time(handler.arrived.notified()).await;
    let served = running.stop();
    assert_eq!(until_closed(&mut idle).await, "done", "an idle connection is closed");
    assert!(TcpStream::connect(address).await.is_err());
    handler.let_go.notify_one();
    assert!(until_closed(&mut stream).await.ends_with("done"));
    in_time(served).await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_speaks_does_not_hold_up_the_end() {
    let running = serve(held(), Options::default()).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    // It was accepted once a later connection is served.
    talk(running.address, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let notes = Arc::clone(&running.notes);
    in_time(running.stop()).await.unwrap();
    assert_eq!(until_closed(&mut silent).await, "");
    assert!(notes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_that_nobody_read_is_never_taken_for_a_request() {
    let running = serve(held(), Options::default()).await;
    let inner = "GET /inner HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let filler = "x".repeat(1 << 20);
    let length = inner.len() + filler.len();
    let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{inner}{filler}");
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // The server may close before it has taken all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    let answer = until_closed(&mut stream).await;
    assert!(answer.matches("HTTP/1.1").count() <= 1, "{answer}");
}

#[tokio::test]
async fn a_handler_that_panics_costs_one_connection() {
    let running = serve(held(), Options::default()).await;
    assert_eq!(talk(running.address, b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n").await, "");
    let answer = talk(running.address, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("done"), "{answer}");
}

/// Never answers, and says when its call is dropped.
struct Endless {
    arrived: Notify,
    dropped: Arc<Notify>,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handler for Endless {
    async fn call(&self, _: Arrival, _: Request<RequestBody>) -> Response<Payload> {
        let _dropped = OnDrop(Arc::clone(&self.dropped));
        self.arrived.notify_one();
        std::future::pending().await
    }

    fn reach(&self, _: &Authority) -> Reach {
        Reach::Refuse(String::new())
    }
}

#[tokio::test]
async fn the_call_of_a_client_that_reset_its_connection_is_dropped() {
    let handler = Arc::new(Endless {
        arrived: Notify::new(),
        dropped: Arc::default(),
    });
    let options = Options {
        watches_clients: true,
        ..Options::default()
    };
    let running = serve(Arc::clone(&handler), options).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    in_time(handler.arrived.notified()).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    in_time(handler.dropped.notified()).await;
}
