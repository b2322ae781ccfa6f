//! The program under test of the demo: calls both operations as any program would, knowing nothing
//! of Ferrotape but what its environment says.

use crate::exit::Exit;
use crate::model::catalog::Catalog;
use crate::model::hexadecimal;
use crate::protocol::{self, Reply};
use crate::proxy::client::{Environment, Way};
use crate::synth;
use crate::terminal;
use crate::value::Value;
use anyhow::Context;

/// What must never be on disk.
pub(super) const SECRET: &str = "correct-horse-battery-staple";

/// What the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Both operations, through both doors.
    Calls,
    /// A request that the model forbids.
    Violation,
    /// A request that was not made in `calls`.
    Miss,
}

impl What {
    pub(super) fn name(self) -> &'static str {
        match self {
            What::Calls => "calls",
            What::Violation => "violation",
            What::Miss => "miss",
        }
    }
}

/// The demo's own program under test.
#[derive(Debug, clap::Args)]
pub struct DemoClientArguments {
    /// What to call
    #[arg(value_enum)]
    pub what: What,
}

struct Call {
    way: Way,
    service: &'static str,
    operation: &'static str,
    input: Value,
}

/// Makes the calls and prints an answer a line. An error that the service answers is an answer.
pub fn run(arguments: &DemoClientArguments) -> anyhow::Result<Exit> {
    let environment = Environment::of_this_process()?;
    let catalog = Catalog::built_in()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    for call in calls(arguments.what) {
        terminal::line(&runtime.block_on(make(&environment, &catalog, &call))?.to_string());
    }
    Ok(Exit::Clean)
}

fn calls(what: What) -> Vec<Call> {
    match what {
        What::Calls => vec![
            service_instance(Way::Endpoint, "blue"),
            provisioning_artifact(Way::Endpoint, "v1"),
            service_instance(Way::Intercept, "green"),
            provisioning_artifact(Way::Intercept, "v2"),
        ],
        What::Violation => vec![service_instance(Way::Endpoint, &"x".repeat(101))],
        What::Miss => vec![service_instance(Way::Intercept, "purple")],
    }
}

fn service_instance(way: Way, name: &str) -> Call {
    let spec = format!("proton: ServiceSpec\ninstances:\n  - name: {name}\n    spec: {{ password: {SECRET} }}\n");
    Call {
        way,
        service: "Proton",
        operation: "CreateServiceInstance",
        input: object(&[
            ("name", name),
            ("serviceName", "frontend"),
            ("spec", &spec),
            ("clientToken", &token()),
        ]),
    }
}

fn provisioning_artifact(way: Way, name: &str) -> Call {
    let template = object(&[("LoadTemplateFromURL", "https://example.com/template.json")]);
    let mut parameters = object(&[("Name", name), ("Type", "CLOUD_FORMATION_TEMPLATE")]);
    let mut input = object(&[("ProductId", "prod-4abcdjnxjj6ne"), ("IdempotencyToken", &token())]);
    if let (Value::Object(parameters), Value::Object(members)) = (&mut parameters, &mut input) {
        parameters.push(("Info".to_owned(), template));
        members.push(("Parameters".to_owned(), Value::Object(std::mem::take(parameters))));
    }
    Call {
        way,
        service: "Service Catalog",
        operation: "CreateProvisioningArtifact",
        input,
    }
}

fn object(members: &[(&str, &str)]) -> Value {
    let member = |(name, text): &(&str, &str)| ((*name).to_owned(), Value::Text((*text).to_owned()));
    Value::Object(members.iter().map(member).collect())
}

/// A new one each time, as every SDK makes one.
fn token() -> String {
    let mut bytes = [0; 16];
    // A token that is not random does no harm here.
    let _ = getrandom::fill(&mut bytes);
    synth::uuid(&hexadecimal(&bytes))
}

async fn make(environment: &Environment, catalog: &Catalog, call: &Call) -> anyhow::Result<String> {
    let service = catalog.find(call.service).context("the service is not built in")?;
    let operation = service.operation_named(call.operation).context("the operation is not built in")?;
    let protocol = service
        .protocols
        .iter()
        .find_map(|id| protocol::named(id))
        .context("the protocol is not known")?;
    let host = format!("{}.{}.amazonaws.com", service.endpoint_prefix, environment.region);
    let request = protocol.encode_request(service, operation, &host, &call.input);
    let response = environment.call(call.way, &service.signing_name, request).await?;
    let answer = match protocol.decode_response(service, operation, &response)? {
        Reply::Output(output) => telling(&output).unwrap_or_default(),
        Reply::Error { code, value, .. } => {
            let message = ["message", "Message"].iter().find_map(|name| value.member(name)?.as_text());
            format!("{code}: {}", message.unwrap_or_default())
        }
    };
    let door = match call.way {
        Way::Endpoint => "endpoint",
        Way::Intercept => "intercept",
    };
    Ok(format!(
        "{door:<9} {} {} → {} {answer}",
        call.service,
        call.operation,
        response.status().as_u16()
    ))
}

/// What tells one answer from another: the resource's ARN, or its id.
fn telling(output: &Value) -> Option<String> {
    let instance = output.member("serviceInstance").and_then(|instance| {
        let echoed = instance.member("spec")?.as_text()?.contains(SECRET);
        let arn = instance.member("arn")?.as_text()?;
        Some(format!("{arn}{}", if echoed { " (spec as sent)" } else { "" }))
    });
    let artifact = || {
        let detail = output.member("ProvisioningArtifactDetail")?;
        let name = detail.member("Name")?.as_text()?;
        Some(format!("{} ({name})", detail.member("Id")?.as_text()?))
    };
    instance.or_else(artifact)
}
