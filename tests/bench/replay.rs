//! The cost of replay against the physical limit: a bare hyper server that reads the body, parses
//! it with serde_json and answers fixed bytes.
//!
//! `cargo bench` runs both side by side, each server on core 0 and the load on core 1, in rounds
//! whose order alternates, and prints the ratios of each round. Nothing is asserted: machines are
//! shared and noisy, and only ratios within one run mean anything.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const INTERACTIONS: usize = 1000;
const ROUNDS: usize = 5;
const SECONDS: u64 = 2;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("bare") {
        return runtime().block_on(bare());
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_cassette(folder.path());
    println!("cassette of {INTERACTIONS} interactions, {SECONDS} s a run, contract enforced\n");
    for connections in [1, 32] {
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let (first, second) = (round % 2, 1 - round % 2);
            let mut runs = [Run::default(), Run::default()];
            for which in [first, second] {
                runs[which] = measure(which == 1, folder.path(), connections);
            }
            let [bare, ferrotape] = runs;
            let (rate, cpu) = (ferrotape.rate / bare.rate, bare.cpu / ferrotape.cpu);
            println!(
                "{connections:>3} connections  bare {:>7.0}/s {:>5.1} µs CPU   ferrotape {:>7.0}/s {:>5.1} µs CPU   rate {rate:.2}  CPU {cpu:.2}",
                bare.rate, bare.cpu, ferrotape.rate, ferrotape.cpu
            );
            ratios.push((rate, cpu));
        }
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let rate = median(ratios.iter().map(|ratio| ratio.0).collect());
        let cpu = median(ratios.iter().map(|ratio| ratio.1).collect());
        println!("{connections:>3} connections  median ratio to bare hyper: rate {rate:.2}, CPU {cpu:.2}\n");
    }
}

#[derive(Default)]
struct Run {
    /// Requests a second.
    rate: f64,
    /// Microseconds of the server's CPU time for a request.
    cpu: f64,
}

fn measure(ferrotape: bool, folder: &Path, connections: usize) -> Run {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let server = start(ferrotape, folder, address);
    let (requests, elapsed, cpu) = runtime().block_on(load(address, connections, server.0.id()));
    Run {
        rate: requests as f64 / elapsed.as_secs_f64(),
        cpu: cpu * 1e6 / requests as f64,
    }
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(ferrotape: bool, folder: &Path, address: SocketAddr) -> Server {
    let pinned = Command::new("taskset").arg("-V").stdout(Stdio::null()).status().is_ok();
    let program = if ferrotape {
        env!("CARGO_BIN_EXE_ferrotape").into()
    } else {
        std::env::current_exe().expect("this program")
    };
    let mut command = if pinned { Command::new("taskset") } else { Command::new(&program) };
    if pinned {
        command.args(["-c", "0"]).arg(&program);
    }
    let address = address.to_string();
    if ferrotape {
        command.args(["replay", "--repeat", "--cassettes", ".", "-c", "bench", "--listen", &address]);
    } else {
        command.args(["bare", &address]);
    }
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    Server(command.spawn().expect("the server starts"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn bare() {
    let address = std::env::args().nth(2).expect("an address");
    let listener = TcpListener::bind(address).await.expect("a listener");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer_bare)));
    }
}

async fn answer_bare(request: http::Request<Incoming>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let parsed = serde_json::from_slice::<serde_json::Value>(&body).is_ok();
    let mut response = http::Response::new(Full::new(Bytes::from_static(if parsed { RESPONSE.as_bytes() } else { b"{}" })));
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.0"));
    Ok(response)
}

const RESPONSE: &str = r#"{"serviceInstance":{"arn":"arn:aws:proton:us-east-1:000000000000:service/my-service/service-instance/svc-inst-000001","createdAt":1763683200.123,"deploymentStatus":"IN_PROGRESS","environmentName":"my-env","lastDeploymentAttemptedAt":1763683200.123,"lastDeploymentSucceededAt":1763683100.456,"name":"svc-inst-000001","serviceName":"my-service","spec":"proton: ServiceSpec\n\npipeline:\n  unit_test_command: \"make test\"\n\ninstances:\n  - name: \"svc-inst-000001\"\n    environment: \"my-env\"\n    spec:\n      desired_count: 2\n      task_size: \"medium\"\n      port: 8080\n","templateMajorVersion":"1","templateMinorVersion":"0","templateName":"my-service-template"}}"#;

fn input(number: usize) -> serde_json::Value {
    let spec = format!(
        "proton: ServiceSpec\n\npipeline:\n  unit_test_command: \"make test\"\n\ninstances:\n  - name: \"svc-inst-{number:06}\"\n    environment: \"my-env\"\n    spec:\n      desired_count: 2\n      task_size: \"medium\"\n      port: 8080\n"
    );
    serde_json::json!({"name": format!("svc-inst-{number:06}"), "serviceName": "my-service", "spec": spec, "clientToken": format!("7c1c5a0e-8f4f-4c39-9f0b-{number:012}")})
}

fn write_cassette(folder: &Path) {
    let headers = serde_json::json!([
        ["content-type", "application/x-amz-json-1.0"],
        ["x-amz-target", "AwsProton20200720.CreateServiceInstance"]
    ]);
    let response: serde_json::Value = serde_json::from_str(RESPONSE).expect("a response");
    let interactions: Vec<serde_json::Value> = (0..INTERACTIONS)
        .map(|number| {
            serde_json::json!({
                "service": "Proton", "operation": "CreateServiceInstance", "region": "us-east-1",
                "request": {"method": "POST", "uri": "https://proton.us-east-1.amazonaws.com/", "headers": headers, "body": {"json": input(number)}},
                "response": {"status": 200, "headers": [["content-type", "application/x-amz-json-1.0"]], "body": {"json": response}}
            })
        })
        .collect();
    let cassette = serde_json::json!({"ferrotape": 1, "origin": "synthesised", "interactions": interactions});
    std::fs::write(folder.join("bench.json"), cassette.to_string()).expect("the cassette is written");
}

fn requests() -> Vec<Vec<u8>> {
    (0..INTERACTIONS)
        .map(|number| {
            let body = input(number).to_string();
            format!(
                "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-amz-target: AwsProton20200720.CreateServiceInstance\r\ncontent-type: application/x-amz-json-1.0\r\n\
                 user-agent: bench\r\nx-amz-date: 20261121T000000Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/proton/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        })
        .collect()
}

/// Loads the server; gives the requests answered, the time it took, and the server's CPU seconds.
async fn load(address: SocketAddr, connections: usize, server: u32) -> (usize, Duration, f64) {
    let _ = Command::new("taskset")
        .args(["-pc", "1", &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    let requests = std::sync::Arc::new(requests());
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < deadline, "the server never listened");
        tokio::task::yield_now().await;
    }
    let (before, start) = (cpu_seconds(server), Instant::now());
    let end = start + Duration::from_secs(SECONDS);
    let clients = (0..connections).map(|client| tokio::spawn(client_loop(address, requests.clone(), client * 31, end)));
    let mut answered = 0;
    for client in clients.collect::<Vec<_>>() {
        answered += client.await.expect("a client ends");
    }
    (answered, start.elapsed(), cpu_seconds(server) - before)
}

async fn client_loop(address: SocketAddr, requests: std::sync::Arc<Vec<Vec<u8>>>, first: usize, end: Instant) -> usize {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0; 16 * 1024];
    let mut answered = 0;
    while Instant::now() < end {
        stream
            .write_all(&requests[(first + answered) % requests.len()])
            .await
            .expect("a request is sent");
        read_response(&mut stream, &mut buffer).await;
        answered += 1;
    }
    answered
}

async fn read_response(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        assert!(
            buffer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&buffer[..filled])
        );
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok())
            .unwrap_or(0);
        if filled >= head + 4 + length {
            return;
        }
    }
}

/// User and system time of a process, from the kernel's 10 ms ticks.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
