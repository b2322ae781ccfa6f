//! `ferrotape demo`: the main job shown on one page, on this machine alone.
//!
//! Nothing here is staged: each step runs this very program with the command line it prints, and
//! what it claims is checked. Only the service is a stand-in, because Proton is closed and not
//! everybody has an AWS account at hand.

mod client;
mod page;

pub use client::{DemoClientArguments, run as run_client};

use crate::cassette::Origin;
use crate::cassette::store::load_file;
use crate::exit::Exit;
use crate::model::catalog::Catalog;
use crate::proxy::stand_in::StandIn;
use crate::proxy::{Options, Server};
use anyhow::{Context, ensure};
use client::{SECRET, What};
use page::Page;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Show record, replay, verify, a violation and a miss on one page.
///
/// Starts a stand-in for AWS on this machine, records AWS Proton CreateServiceInstance and AWS
/// Service Catalog CreateProvisioningArtifact through both doors, replays them offline, and shows
/// what is refused. Needs no AWS account and no network; writes only to a temporary folder.
#[derive(Debug, clap::Args)]
pub struct DemoArguments {
    /// Leave the temporary folder, with the cassette, in place
    #[arg(long)]
    pub keep: bool,
}

/// Runs the command: clean only if every step did what it claims.
pub fn run(arguments: &DemoArguments) -> anyhow::Result<Exit> {
    let folder = tempfile::Builder::new()
        .prefix("ferrotape-demo-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let demo = Demo {
        program: std::env::current_exe().context("cannot find this program's own file")?,
        folder: folder.path().to_owned(),
        page: Page::new(),
    };
    demo.play()?;
    if arguments.keep {
        demo.page.text(&format!(
            "The cassette is kept: {}",
            folder.keep().join("cassettes/demo.json").display()
        ));
    }
    Ok(Exit::Clean)
}

struct Demo {
    program: PathBuf,
    folder: PathBuf,
    page: Page,
}

impl Demo {
    fn play(&self) -> anyhow::Result<()> {
        self.page.opening();
        let stand_in = Upstream::start().context("cannot start the stand-in")?;
        self.page.step("A stand-in for AWS listens on this machine");
        self.page.text(&format!(
            "http://{}: it answers from the services' models. Nothing leaves this machine.",
            stand_in.address
        ));
        let recorded = self.record(&stand_in).context("the recording did not do what it should")?;
        self.read().context("the cassette is not what it should be")?;
        stand_in.stop();
        self.replay(&recorded).context("the replay did not do what it should")?;
        self.verify().context("verify did not do what it should")?;
        self.violation().context("the violation was not refused as it should be")?;
        self.miss().context("the miss was not refused as it should be")?;
        self.page.closing();
        Ok(())
    }

    /// Gives back what the client said, for the replay to be held against.
    fn record(&self, upstream: &Upstream) -> anyhow::Result<String> {
        self.page.step("Record: a client makes four calls, two through each door");
        let upstream = format!("http://{}", upstream.address);
        let output = self.run(&["record", "-c", "demo", "--upstream", &upstream], Some(What::Calls))?;
        self.page.output(&said(&output));
        self.page.output(last_line(&told(&output)));
        ensure_exit(&output, 0)?;
        let answered = said(&output).lines().filter(|line| line.contains(" → 200 ")).count();
        ensure!(answered == 4, "{answered} of 4 calls were answered with 200");
        let cassette = load_file(&self.cassette())?;
        ensure!(
            cassette.interactions.len() == 4,
            "it holds {} interactions",
            cassette.interactions.len()
        );
        ensure!(
            cassette.origin == Origin::Synthesised,
            "it does not say that it comes from a stand-in"
        );
        Ok(said(&output))
    }

    fn read(&self) -> anyhow::Result<()> {
        self.page.step("Read: what was recorded, without its secrets");
        let output = self.run(&["show", "demo"], None)?;
        ensure_exit(&output, 0)?;
        let shown = said(&output);
        let chosen = shown.lines().filter(|line| line.starts_with('#') || line.contains("\"spec\""));
        self.page.output(&chosen.collect::<Vec<_>>().join("\n"));
        let bytes = std::fs::read_to_string(self.cassette())?;
        ensure!(!bytes.contains(SECRET), "the service's `spec`, which is sensitive, is in the file");
        self.page
            .text("The service spec holds a password; it was never on the disk. What stands there keeps equality and type.");
        Ok(())
    }

    fn replay(&self, recorded: &str) -> anyhow::Result<()> {
        self.page.step("Replay: the stand-in is gone, the same client runs again");
        let output = self.run(&["replay", "-c", "demo"], Some(What::Calls))?;
        self.page.output(last_line(&told(&output)));
        ensure_exit(&output, 0)?;
        ensure!(
            said(&output) == recorded,
            "the client was not answered as before:\n{}",
            said(&output)
        );
        self.page
            .text("The client saw the same answers to the byte, and its live spec came back in them.");
        Ok(())
    }

    fn verify(&self) -> anyhow::Result<()> {
        self.page.step("Verify: judge the cassette by the models, without running anything");
        let output = self.run(&["verify", "cassettes/demo.json"], None)?;
        self.page.output(last_line(&format!("{}{}", said(&output), told(&output))));
        ensure_exit(&output, 0)
    }

    fn violation(&self) -> anyhow::Result<()> {
        self.page.step("A violation: the client sends a name of 101 characters");
        let output = self.run(&["replay", "-c", "demo"], Some(What::Violation))?;
        self.page.output(&said(&output));
        self.page.output(last_line(&told(&output)));
        ensure_exit(&output, 10)?;
        ensure!(
            said(&output).contains("ValidationException"),
            "the client did not get the service's own error"
        );
        self.page
            .text("The service's own exception, as AWS would raise it; the run fails with status 10.");
        Ok(())
    }

    fn miss(&self) -> anyhow::Result<()> {
        self.page.step("A miss: the client asks for something that was never recorded");
        let output = self.run(&["replay", "-c", "demo"], Some(What::Miss))?;
        let program = self.program.display().to_string();
        self.page.output(&said(&output).replace(&program, "ferrotape"));
        self.page.output(last_line(&told(&output)));
        ensure_exit(&output, 11)?;
        ensure!(said(&output).contains("CassetteMiss"), "the client did not get `CassetteMiss`");
        self.page
            .text("Nothing is made up and nothing is dialled; the run fails with status 11.");
        Ok(())
    }

    fn cassette(&self) -> PathBuf {
        self.folder.join("cassettes/demo.json")
    }

    /// Runs this program in the demo's folder, with the demo's client as the command under test,
    /// and prints the command line first.
    fn run(&self, arguments: &[&str], client: Option<What>) -> anyhow::Result<Output> {
        let mut shown = format!("ferrotape {}", arguments.join(" "));
        let mut command = Command::new(&self.program);
        command.args(arguments);
        if let Some(what) = client {
            command.arg("--").arg(&self.program).args(["demo-client", what.name()]);
            shown.push_str(&format!(" -- ferrotape demo-client {}", what.name()));
        }
        self.page.command(&shown);
        alone(&mut command, &self.folder);
        let output = command.stdin(Stdio::null()).output();
        output.with_context(|| format!("cannot run `{}`", self.program.display()))
    }
}

/// The user's AWS settings and proxies are no business of the demo: a region and made-up keys are
/// all it has, and its folder is all it can find.
fn alone(command: &mut Command, folder: &Path) {
    for (name, _) in std::env::vars_os() {
        let folded = name.to_string_lossy().to_ascii_uppercase();
        if folded.starts_with("AWS_") || folded.starts_with("FERROTAPE_") || folded.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    command
        .current_dir(folder)
        .env("AWS_CONFIG_FILE", folder.join("no-config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", folder.join("no-credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "FERROTAPEDEMO")
        .env("AWS_SECRET_ACCESS_KEY", "made-up-for-the-demo")
        .env("NO_COLOR", "1");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn last_line(text: &str) -> &str {
    text.trim_end().lines().next_back().unwrap_or_default()
}

fn ensure_exit(output: &Output, expected: i32) -> anyhow::Result<()> {
    let code = output.status.code();
    ensure!(
        code == Some(expected),
        "it ended with {} instead of status {expected} and said:\n{}{}",
        code.map_or_else(|| "a signal".to_owned(), |code| format!("status {code}")),
        said(output),
        told(output)
    );
    Ok(())
}

/// The stand-in, served until it is stopped.
struct Upstream {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    runtime: Runtime,
    served: tokio::task::JoinHandle<()>,
}

impl Upstream {
    fn start() -> anyhow::Result<Upstream> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let options = Options {
            answer_as_aws: true,
            ..Options::default()
        };
        let server = runtime.block_on(Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options))?;
        let address = server.local_addr();
        let handler = Arc::new(StandIn::new(Catalog::built_in()?));
        let (stop, stopped) = oneshot::channel();
        let served = runtime.spawn(server.serve(handler, stopped));
        Ok(Upstream {
            address,
            stop,
            runtime,
            served,
        })
    }

    fn stop(self) {
        // Neither fails unless the server is gone already, which is what is wanted.
        let _ = self.stop.send(());
        let _ = self.runtime.block_on(self.served);
    }
}
