//! Upstreams that misbehave, or answer with bytes that no server library would write.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it does with a request: these bytes, and then the connection's end or not.
pub enum Act {
    Answer(Vec<u8>),
    AnswerAndClose(Vec<u8>),
}

type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

/// The upstream. It lives as long as the test process.
pub struct OddUpstream {
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl OddUpstream {
    /// `script` is given the number of the request, from 0, and its text.
    pub fn start(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> OddUpstream {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &*script, &log));
            }
        });
        OddUpstream { url, seen }
    }

    /// The text of every request, head and body, in order of arrival.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics with it").clone()
    }
}

/// A whole answer in HTTP/1.1.
pub fn http(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

fn serve(stream: TcpStream, script: &Script, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(&stream);
    while let Some(request) = read_request(&mut reader) {
        let number = {
            let mut log = log.lock().expect("nobody panics with it");
            log.push(request.clone());
            log.len() - 1
        };
        let (bytes, close) = match script(number, &request) {
            Act::Answer(bytes) => (bytes, false),
            Act::AnswerAndClose(bytes) => (bytes, true),
        };
        if (&stream).write_all(&bytes).is_err() || close {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn read_request(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[start..].trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}
