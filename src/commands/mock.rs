//! `ferrotape mock`: the stand-in server, for whoever has no AWS to record from.

use super::run::{runtime, stop_signal};
use crate::exit::Exit;
use crate::proxy::stand_in::StandIn;
use crate::proxy::{Options, Server};
use crate::report::console::Console;
use std::net::SocketAddr;
use std::sync::Arc;

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

/// Runs the command until a signal.
pub fn run(arguments: &MockArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let operations: usize = catalog.services().iter().map(|service| service.operations.len()).sum();
    let names: Vec<&str> = catalog.services().iter().map(|service| service.sdk_id.as_str()).collect();
    let mut services = format!("{} ({operations} operations)", names.join(", "));
    match catalog.entries().len() - names.len() {
        0 => {}
        more => services.push_str(&format!(" and {more} services of folders")),
    }
    let console = Console::new();
    let told = console.clone();
    let options = Options {
        allow_hosts: arguments.allow_hosts.clone(),
        answer_as_aws: true,
        note: Some(Arc::new(move |text: &str| told.warn(text))),
        ..Options::default()
    };
    runtime()?.block_on(async {
        let server = Server::bind(arguments.listen, options).await?;
        let stop = stop_signal();
        console.say(&format!(
            "stand-in for {services} at http://{address}\nexport AWS_ENDPOINT_URL=http://{address}\nanswers are made up from the models; Ctrl-C stops it",
            address = server.local_addr()
        ));
        server.serve(Arc::new(StandIn::new(catalog)), stop).await;
        Ok(Exit::Clean)
    })
}
