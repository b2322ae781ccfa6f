//! `ferrotape mock`: the stand-in server, for whoever has no AWS to record from.

use crate::exit::Exit;
use crate::proxy::stand_in::StandIn;
use crate::proxy::{Options, Server};
use crate::report::console::Console;
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Run a stand-in for AWS that answers every modelled operation.
///
/// Valid requests get a valid made-up response, the same one for the same input; what breaks the
/// service's model is refused with the service's own error. Nothing is remembered: what you create
/// is not there to be listed. Every answer carries `x-ferrotape-stand-in: true`, and a cassette
/// recorded from it says that it is synthesised.
///
/// Use it as an endpoint (`AWS_ENDPOINT_URL=http://127.0.0.1:PORT`), or record from it with
/// `ferrotape record --upstream http://127.0.0.1:PORT`.
#[derive(Debug, clap::Args)]
pub struct MockArguments {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4599")]
    pub listen: SocketAddr,
    /// Answer to this host name too (repeatable; for containers that reach this machine by name)
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allow_hosts: Vec<String>,
    #[command(flatten)]
    pub models: super::ModelArguments,
}

/// Runs the command until SIGINT or SIGTERM.
pub fn run(arguments: &MockArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let operations: usize = catalog.services().iter().map(|service| service.operations.len()).sum();
    let names: Vec<&str> = catalog.services().iter().map(|service| service.sdk_id.as_str()).collect();
    let services = names.join(", ");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let console = Console::new(&[]);
        let mut interrupted = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
        let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        let told = console.clone();
        let options = Options {
            allow_hosts: arguments.allow_hosts.clone(),
            note: Some(Arc::new(move |text: &str| told.warn(text))),
            ..Options::default()
        };
        let server = Server::bind(arguments.listen, options).await?;
        console.say(&format!(
            "stand-in for {services} ({operations} operations) at http://{address}\nexport AWS_ENDPOINT_URL=http://{address}\nanswers are made up from the models; Ctrl-C stops it",
            address = server.local_addr()
        ));
        let stop = async {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        };
        server.serve(Arc::new(StandIn::new(catalog)), stop).await;
        Ok(Exit::Clean)
    })
}
