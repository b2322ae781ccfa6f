//! `ferrotape synth`: a cassette for a service that nobody can record (any more), made up from its
//! model.

use super::{known_services, like_operations, typed};
use crate::cassette::store::{Library, StoreError};
use crate::cassette::{Cassette, Interaction, ModelStamp, Name, Origin, Redaction};
use crate::codec::json;
use crate::contract::Side;
use crate::exit::Exit;
use crate::inspect::{Verdict, inspect};
use crate::model::catalog::Catalog;
use crate::model::endpoint;
use crate::model::hexadecimal;
use crate::model::schema::{OperationIndex, Service, TimestampFormat};
use crate::protocol::refusal::validation_message;
use crate::protocol::{self, Protocol};
use crate::redaction::Redactor;
use crate::redaction::rules::Rule;
use crate::report::console::Console;
use crate::report::{command_line, words};
use crate::settings::Settings;
use crate::synth::{self, Setting};
use crate::value::Value;
use crate::wire::Exchange;
use anyhow::{Context, bail};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Make up an interaction from a model and append it to a cassette
///
/// The request is the given input, or the smallest valid one; the response is valid by the model,
/// gives back what the input said under the same names (name, spec, tags, …), and is the same to
/// the byte every time. The cassette says that it is synthesised. Each run appends one
/// interaction, which replay answers once; delete the file to begin again.
///
/// Examples:
///   ferrotape synth proton CreateServiceInstance -c proton
///   ferrotape synth proton CreateServiceInstance -c proton --input instance.json
///   ferrotape synth "Service Catalog" CreateProvisioningArtifact --error LimitExceededException
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct SynthArguments {
    /// The service: `proton`, `servicecatalog`, `"Service Catalog"`
    #[arg(value_name = "SERVICE")]
    pub service: String,
    /// The operation, `CreateServiceInstance`
    #[arg(value_name = "OPERATION")]
    pub operation: String,
    /// The input as JSON, in member names of the model; `-` is standard input. An idempotency
    /// token is added where it has none, as every SDK does
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Answer with this modelled error instead
    #[arg(long, value_name = "CODE")]
    pub error: Option<String>,
    /// What the error says
    #[arg(long, value_name = "TEXT", requires = "error")]
    pub message: Option<String>,
    /// The cassette
    #[arg(short = 'c', long = "cassette", value_name = "NAME", default_value = "default", value_parser = Name::parse)]
    pub cassette: Name,
    /// The folder of the cassettes
    #[arg(long, value_name = "DIR", default_value = "cassettes")]
    pub cassettes: PathBuf,
    /// The region of the call
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
    /// Leave a sensitive member readable in a new cassette, `CreateServiceInstance:/spec`
    /// (repeatable)
    #[arg(long, value_name = "OPERATION:/PATH")]
    pub keep: Vec<String>,
    #[command(flatten)]
    pub models: super::ModelArguments,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
}

/// Runs the command.
pub fn run(arguments: &SynthArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let typed = typed::models(&arguments.models, &arguments.settings);
    let (service, operation) = find(&catalog, &arguments.service, &arguments.operation, &typed)?;
    let name = &arguments.cassette;
    let library = Library::new(arguments.cassettes.clone());
    let mut cassette = begin(&library, name, &arguments.keep)?;
    let input = arguments.input.as_deref().map(read_input).transpose()?;
    let order = Order {
        catalog: &catalog,
        service,
        operation,
        input: input.as_deref(),
        error: arguments.error.as_deref().map(|code| (code, arguments.message.as_deref())),
        region: &arguments.region,
    };
    order.append(&mut cassette)?;
    library.save(name, &cassette)?;
    let number = cassette.interactions.len();
    let path = library.path(name);
    let places = typed::library(&arguments.cassettes, &arguments.settings);
    Console::new().say(&format!(
        "interaction {number} of `{}`: {} {}{}\nread it with `ferrotape show {name}{}`, play it with `{} -- COMMAND`",
        path.display(),
        service.sdk_id,
        service.operation(operation).name,
        arguments.error.as_deref().map(|code| format!(" → {code}")).unwrap_or_default(),
        words(&places),
        command_line("replay", Some(name.as_str()), &[&places[..], &typed].concat(), &[])
    ));
    Ok(Exit::Clean)
}

fn find<'a>(catalog: &'a Catalog, service: &str, operation: &str, typed: &[String]) -> anyhow::Result<(&'a Service, OperationIndex)> {
    let Some(found) = catalog.find(service) else {
        bail!(
            "no model knows the service `{service}`; {}",
            known_services(catalog, service, typed)
        );
    };
    if let Some(index) = found.operation_named(operation) {
        return Ok((found, index));
    }
    bail!(
        "the model of {} ({}) has no operation `{operation}`{}; name a fuller model with `--model botocore` or `--model FILE`",
        found.sdk_id,
        found.source,
        like_operations(found, operation)
    )
}

/// The cassette to append to, or a new one. Its salt follows from its name, so that the same
/// commands give the same bytes anywhere.
fn begin(library: &Library, name: &Name, keep: &[String]) -> anyhow::Result<Cassette> {
    match library.load(name) {
        Ok(cassette) if cassette.origin == Origin::Synthesised => {
            if let Some(late) = keep.iter().find(|keep| !cassette.redaction.keep.contains(keep)) {
                bail!(
                    "`--keep {late}` comes too late: `{}` has interactions in which it is redacted; name it when the cassette is made",
                    library.path(name).display()
                );
            }
            Ok(cassette)
        }
        Ok(cassette) => bail!(
            "`{}` is {}, and a cassette never mixes what was recorded with what was made up; name another with `-c NAME`",
            library.path(name).display(),
            cassette.origin.name()
        ),
        Err(StoreError::NoSuchCassette { .. }) => Ok(empty(name.as_str(), keep)),
        Err(error) => Err(error.into()),
    }
}

fn empty(name: &str, keep: &[String]) -> Cassette {
    Cassette {
        origin: Origin::Synthesised,
        redaction: Redaction {
            salt: hexadecimal(&blake3::derive_key("ferrotape synth 1: the salt of a cassette", name.as_bytes())),
            rules: Rule::ALL.iter().map(|rule| rule.id().to_owned()).collect(),
            keep: keep.to_vec(),
            ..Redaction::default()
        },
        ..Cassette::default()
    }
}

fn read_input(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .context("cannot read the input from standard input")?;
        return Ok(bytes);
    }
    crate::document::read(path).with_context(|| format!("cannot read the input `{}`", path.display()))
}

/// One interaction to be made.
struct Order<'a> {
    catalog: &'a Catalog,
    service: &'a Service,
    operation: OperationIndex,
    input: Option<&'a [u8]>,
    error: Option<(&'a str, Option<&'a str>)>,
    region: &'a str,
}

impl Order<'_> {
    fn append(&self, cassette: &mut Cassette) -> anyhow::Result<()> {
        let setting = Setting {
            region: self.region.to_owned(),
            number: cassette.interactions.len() + 1,
        };
        let interaction = self.interaction(cassette, &setting)?;
        cassette.interactions.push(interaction);
        let stamp = ModelStamp {
            version: self.service.version.clone(),
            sha256: self.service.sha256.clone(),
        };
        match cassette.models.iter_mut().find(|(name, _)| *name == self.service.sdk_id) {
            Some((_, known)) => *known = stamp,
            None => cassette.models.push((self.service.sdk_id.clone(), stamp)),
        }
        Ok(())
    }

    fn interaction(&self, cassette: &Cassette, setting: &Setting) -> anyhow::Result<Interaction> {
        let protocol = self.protocol()?;
        let input = self.input(setting)?;
        let request = protocol.encode_request(self.service, self.operation, &self.host(&input), &input);
        let asked = Exchange {
            request: Some(request),
            response: None,
        };
        // Judged before the answer is made: an answer to nonsense would be nonsense.
        let judged = inspect(self.catalog, &asked).request.context("the request was not judged")?;
        match judged.verdict {
            Verdict::Conforms => {}
            Verdict::Violates => bail!(
                "the input breaks the model of {}: {}",
                self.service.sdk_id,
                validation_message(&judged.violations)
            ),
            Verdict::Malformed | Verdict::Unmodeled => bail!("the input cannot be sent: {}", judged.reason.unwrap_or_default()),
        }
        let response = match self.error {
            Some((code, message)) => self.answer_with(protocol, code, message, setting)?,
            None => {
                let output = synth::output(self.service, self.operation, &input, setting)?;
                protocol.encode_response(self.service, self.operation, &output)
            }
        };
        let exchange = Exchange {
            response: Some(response),
            ..asked
        };
        let finding = inspect(self.catalog, &exchange);
        let redactor = Redactor::with_rules(&cassette.redaction, &mut cassette.interactions.iter())?;
        match (&exchange.request, &exchange.response) {
            (Some(request), Some(response)) => Ok(redactor.redact(request, response, &finding, 1)?),
            _ => bail!("there is no exchange to write"),
        }
    }

    fn protocol(&self) -> anyhow::Result<&'static dyn Protocol> {
        let spoken = self.service.protocols.iter().find_map(|id| protocol::named(id));
        spoken.with_context(|| {
            format!(
                "{} speaks {}, which this version of ferrotape cannot write",
                self.service.sdk_id,
                self.service.protocols.join(", ")
            )
        })
    }

    /// The given input, with a token where it has none; else the smallest valid one.
    fn input(&self, setting: &Setting) -> anyhow::Result<Value> {
        let minimal = || synth::input(self.service, self.operation, setting);
        let Some(bytes) = self.input else {
            return minimal().context("give the input with `--input FILE`");
        };
        let operation = self.service.operation(self.operation);
        let mut input = json::decode(self.service, operation.input, bytes, Side::Request, TimestampFormat::EpochSeconds)
            .context("the input is not JSON")?;
        let token = operation.idempotency_token.as_deref();
        if let (Value::Object(members), Some(token)) = (&mut input, token)
            && !members.iter().any(|(name, _)| name == token)
            && let Some(made) = minimal().ok().and_then(|minimal| minimal.member(token).cloned())
        {
            members.push((token.to_owned(), made));
        }
        Ok(input)
    }

    fn answer_with(
        &self,
        protocol: &dyn Protocol,
        code: &str,
        message: Option<&str>,
        setting: &Setting,
    ) -> anyhow::Result<crate::wire::Response> {
        let Some(shape) = self.service.error_named(Some(self.operation), code) else {
            let modelled = self.service.errors_of(self.operation).map(|shape| self.service.shape(shape).name());
            bail!(
                "{} {} models no error `{code}`; it models {}",
                self.service.sdk_id,
                self.service.operation(self.operation).name,
                modelled.collect::<Vec<_>>().join(", ")
            );
        };
        let otherwise = format!("made up by ferrotape: {code}");
        let value = synth::error(self.service, self.operation, shape, message.unwrap_or(&otherwise), setting)?;
        Ok(protocol.encode_modelled_error(self.service, shape, &value))
    }

    /// The host that AWS would have for the call. Where the rules of the model refuse it, the usual
    /// one: what is wrong with the input is told by those who judge it.
    fn host(&self, input: &Value) -> String {
        let mut settings = endpoint::Settings {
            region: Some(self.region.to_owned()),
            ..endpoint::Settings::default()
        };
        settings.built_ins.insert("AWS::S3::ForcePathStyle".to_owned(), true.into());
        let found = endpoint::resolve(self.service, self.operation, input, &settings);
        let found = found.unwrap_or_else(|_| endpoint::usual(&self.service.endpoint_prefix, self.region, &settings));
        found.parts().map(|(_, authority, _)| authority.to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: SynthArguments,
    }

    /// Runs a command line in a folder of its own.
    fn synth(folder: &Path, line: &[&str]) -> anyhow::Result<Exit> {
        let cassettes = folder.join("cassettes").display().to_string();
        let words = ["synth"].iter().chain(line).copied().chain(["--cassettes", &cassettes]);
        run(&Line::try_parse_from(words)?.arguments)
    }

    fn problem(line: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        format!("{:#}", synth(folder.path(), line).unwrap_err())
    }

    fn repository(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    /// Makes an example again, an answer and an error, and gives back its bytes.
    fn example(name: &str, service: &str, operation: &str, input: &str, error: [&str; 2]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let input = repository(input).display().to_string();
        let line = [service, operation, "-c", name, "--input", &input];
        synth(folder.path(), &line).unwrap();
        let with_error = ["--error", error[0], "--message", error[1]];
        synth(folder.path(), &[&line[..], &with_error].concat()).unwrap();
        std::fs::read(folder.path().join(format!("cassettes/{name}.json"))).unwrap()
    }

    fn assert_example(name: &str, made: &[u8]) {
        let path = repository(&format!("cassettes/{name}.json"));
        assert!(
            std::fs::read(&path).unwrap() == made,
            "`{}` is not what synth makes; make it again:\n{}",
            path.display(),
            String::from_utf8_lossy(made)
        );
        let catalog = Catalog::built_in().unwrap();
        let cassette = crate::cassette::store::load_file(&path).unwrap();
        assert_eq!((cassette.origin, cassette.interactions.len()), (Origin::Synthesised, 2));
        for interaction in cassette.interactions {
            let exchange = Exchange {
                request: Some(interaction.request),
                response: Some(interaction.response),
            };
            let finding = inspect(&catalog, &exchange);
            let (request, response) = (finding.request.unwrap(), finding.response.unwrap());
            assert_eq!((request.verdict, response.verdict), (Verdict::Conforms, Verdict::Conforms));
            assert!(request.lints.is_empty() && response.lints.is_empty());
        }
    }

    #[test]
    fn the_proton_example_is_what_synth_makes_and_conforms() {
        let name = "proton-create-service-instance";
        let error = [
            "ConflictException",
            "a service instance frontend-prod of the service frontend already exists",
        ];
        let made = example(name, "proton", "CreateServiceInstance", "tests/inputs/service-instance.json", error);
        assert_example(name, &made);
        assert!(!String::from_utf8(made).unwrap().contains("ServiceSpec"), "the spec is sensitive");
    }

    #[test]
    fn the_service_catalog_example_is_what_synth_makes_and_conforms() {
        let name = "service-catalog-create-provisioning-artifact";
        let error = [
            "LimitExceededException",
            "the product has as many provisioning artifacts as it may have",
        ];
        let made = example(
            name,
            "Service Catalog",
            "CreateProvisioningArtifact",
            "tests/inputs/provisioning-artifact.json",
            error,
        );
        assert_example(name, &made);
    }

    #[test]
    fn an_error_that_is_not_modelled_names_those_that_are() {
        let told = problem(&["proton", "CreateServiceInstance", "--error", "Nope"]);
        assert!(
            told.contains("models no error `Nope`; it models AccessDeniedException, ConflictException"),
            "{told}"
        );
    }

    #[test]
    fn an_unknown_service_or_operation_names_those_that_are_known() {
        assert!(problem(&["nope", "X"]).contains("known are `Proton`, `Service Catalog`"));
        assert!(problem(&["proton", "createserviceinstance"]).contains("there is `CreateServiceInstance`"));
    }

    #[test]
    fn an_input_that_breaks_the_model_is_refused_in_the_services_words() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input.json");
        std::fs::write(&input, r#"{"name":"a"}"#).unwrap();
        let told = problem(&["proton", "CreateServiceInstance", "--input", input.to_str().unwrap()]);
        assert!(
            told.starts_with("the input breaks the model of Proton: 2 validation errors detected: "),
            "{told}"
        );
    }

    #[test]
    fn what_was_recorded_is_never_mixed_with_what_is_made_up() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::new(folder.path().join("cassettes"));
        library.save(&Name::parse("real").unwrap(), &Cassette::default()).unwrap();
        let error = synth(folder.path(), &["proton", "CreateServiceInstance", "-c", "real"]).unwrap_err();
        assert!(error.to_string().contains("is recorded, and a cassette never mixes"), "{error}");
    }

    #[test]
    fn a_member_is_kept_readable_from_the_first_interaction_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let keep = "CreateServiceInstance:/spec";
        let line = ["proton", "CreateServiceInstance", "-c", "a", "--keep", keep];
        synth(folder.path(), &line).unwrap();
        let text = std::fs::read_to_string(folder.path().join("cassettes/a.json")).unwrap();
        assert!(text.contains(r#""spec": "{}","#), "{text}");
        synth(folder.path(), &line).unwrap();
        synth(folder.path(), &["proton", "CreateServiceInstance", "-c", "b"]).unwrap();
        let late = synth(folder.path(), &["proton", "CreateServiceInstance", "-c", "b", "--keep", keep]).unwrap_err();
        assert!(late.to_string().contains("comes too late"), "{late}");
    }

    #[test]
    fn each_interaction_gets_a_token_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            synth(folder.path(), &["proton", "CreateServiceInstance", "-c", "a"]).unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join("cassettes/a.json")).unwrap();
        assert!(text.contains("-000000000001\"") && text.contains("-000000000002\""), "{text}");
    }
}
