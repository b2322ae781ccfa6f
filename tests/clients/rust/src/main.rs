//! Makes the calls named on the command line with the AWS SDK for Rust.

#![allow(deprecated, reason = "the service is closed, and says so")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::SdkConfig;
use aws_sdk_proton::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_proton::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_proton::error::{BoxError, DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_proton::types::Tag;
use aws_sdk_servicecatalog::types::{ProvisioningArtifactProperties, ProvisioningArtifactType};
use serde_json::{Value, json};

/// Counts how often a request is sent: the SDK itself does not tell.
#[derive(Debug, Clone, Default)]
struct Attempts(Arc<AtomicU32>);

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = std::env::var("FERROTAPE_CALLS").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../calls.json").to_owned());
    let inputs: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("calls.json is there")).expect("calls.json is JSON");
    let config = aws_config::load_from_env().await;
    for call in std::env::args().skip(1) {
        let (service, variant) = call.split_once(':').expect("calls look like `proton:good`");
        let input = &inputs[service][variant];
        let attempts = Attempts::default();
        let result = match service {
            "proton" => proton(&config, &attempts, input).await,
            _ => catalog(&config, &attempts, input).await,
        };
        let mut line = json!({ "call": call, "attempts": attempts.0.load(Ordering::Relaxed) });
        match result {
            Ok(output) => line["output"] = output,
            Err(error) => line["error"] = error,
        }
        println!("{line}");
    }
}

async fn proton(config: &SdkConfig, attempts: &Attempts, input: &Value) -> Result<Value, Value> {
    let config = aws_sdk_proton::config::Builder::from(config).interceptor(attempts.clone()).build();
    let call = aws_sdk_proton::Client::from_conf(config)
        .create_service_instance()
        .set_name(text(&input["name"]))
        .set_service_name(text(&input["serviceName"]))
        .set_spec(text(&input["spec"]))
        .set_template_major_version(text(&input["templateMajorVersion"]))
        .set_tags(input["tags"].as_array().map(|tags| tags.iter().map(tag).collect()));
    let answer = call
        .send()
        .await
        .map_err(|error| told(error, |error| error.is_validation_exception()))?;
    let instance = answer.service_instance.expect("the instance is required");
    Ok(json!({
        "name": instance.name,
        "serviceName": instance.service_name,
        "arn": instance.arn,
        "spec": instance.spec,
        "deploymentStatus": instance.deployment_status.as_str(),
        "createdAt": instance.created_at.secs(),
    }))
}

async fn catalog(config: &SdkConfig, attempts: &Attempts, input: &Value) -> Result<Value, Value> {
    let config = aws_sdk_servicecatalog::config::Builder::from(config)
        .interceptor(attempts.clone())
        .build();
    let call = aws_sdk_servicecatalog::Client::from_conf(config)
        .create_provisioning_artifact()
        .set_product_id(text(&input["ProductId"]))
        .set_parameters(input["Parameters"].as_object().map(|_| properties(&input["Parameters"])));
    let answer = call
        .send()
        .await
        .map_err(|error| told(error, |error| error.is_invalid_parameters_exception()))?;
    let detail = answer.provisioning_artifact_detail.expect("the detail is answered");
    Ok(json!({
        "id": detail.id,
        "name": detail.name,
        "type": detail.r#type.map(|kind| kind.as_str().to_owned()),
        "active": detail.active,
        "createdTime": detail.created_time.map(|time| time.secs()),
        "info": answer.info,
        "status": answer.status.map(|status| status.as_str().to_owned()),
    }))
}

fn properties(input: &Value) -> ProvisioningArtifactProperties {
    let info = input["Info"]
        .as_object()
        .map(|info| info.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect());
    ProvisioningArtifactProperties::builder()
        .set_name(text(&input["Name"]))
        .set_description(text(&input["Description"]))
        .set_info(info)
        .set_type(input["Type"].as_str().map(ProvisioningArtifactType::from))
        .build()
}

fn tag(tag: &Value) -> Tag {
    Tag::builder()
        .set_key(text(&tag["key"]))
        .set_value(text(&tag["value"]))
        .build()
        .expect("a tag has key and value")
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// An error in the form that all clients print.
fn told<E, R>(error: SdkError<E, R>, modelled: impl Fn(&E) -> bool) -> Value
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match error.as_service_error() {
        Some(service) => json!({ "code": service.code(), "message": service.message(), "modelled": modelled(service) }),
        None => json!({ "code": "SdkError", "message": DisplayErrorContext(&error).to_string(), "modelled": false }),
    }
}
