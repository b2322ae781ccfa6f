//! Which operation a request asks for, from the request alone.
//!
//! Four things name the service: the target (`X-Amz-Target`, or the path of rpc-v2), the credential
//! scope, the host, and, for what carries none of them, what only a few services let through
//! unsigned. They give the candidates, and each candidate's own protocols say which operation it
//! is. The answer has three ways: this operation, this service but no such operation, or not known;
//! the last two with the reason in words.

use super::clues::Clues;
use super::plain::plain;
use super::{Call, protocols_of, region};
use crate::model::catalog::Catalog;
use crate::model::schema::{OperationIndex, Service};
use crate::protocol::{Identified, Protocol};
use crate::scope;
use crate::wire::{self, Request};
use std::sync::Arc;

/// What a caller already knows of an exchange.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hint<'a> {
    /// The service, by any of its names.
    pub service: Option<&'a str>,
    /// The operation's name.
    pub operation: Option<&'a str>,
}

/// A request that names no known operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unmodeled {
    /// Why.
    pub reason: String,
    /// The service it speaks to, where that much is known.
    pub service: Option<String>,
}

/// Finds the operation that a request asks for.
///
/// # Errors
/// Where no model knows it, with the reason.
pub fn recognise(catalog: &Catalog, request: &Request) -> Result<Call, Unmodeled> {
    let target = wire::text(request.headers(), &wire::X_AMZ_TARGET).filter(|target| !target.is_empty());
    let named = target.and_then(|target| target.rsplit_once('.')).map(|(service, _)| service);
    let named = named.or_else(|| rpc_service(request.uri().path()));
    let mut nearest = None;
    if let Some(name) = named
        && let Some(service) = catalog.by_shape_name(name)
    {
        match ask(service, request) {
            Ok(Some((operation, protocol))) if !catalog.is_shared(name) => return Ok(call(service, operation, protocol, request)),
            Ok(_) => {}
            Err(reason) => nearest = Some(no_such_operation(service, reason)),
        }
        // Only two names are shared (Timestream's services, and those of EventBridge).
        if catalog.is_shared(name)
            && let Ok(call) = Clues::of(catalog, request).best(&catalog.all_by_shape_name(name), request)
        {
            return Ok(call);
        }
    }
    let request = &*plain(request);
    let clues = Clues::of(catalog, request);
    let candidates = clues.candidates(catalog, request);
    clues.best(&candidates, request).map_err(|unmodeled| nearest.unwrap_or(unmodeled))
}

/// Finds the operation that a request asks one service for.
///
/// # Errors
/// Where its model knows none such.
pub(super) fn recognise_for(service: &Arc<Service>, request: &Request) -> Result<Call, Unmodeled> {
    let request = &*plain(request);
    match ask(service, request) {
        Ok(Some((operation, protocol))) => Ok(call(service, operation, protocol, request)),
        Ok(None) => Err(nobodys(std::slice::from_ref(service), request)),
        Err(reason) => Err(no_such_operation(service, reason)),
    }
}

/// `X` in `/service/X/operation/Y`.
fn rpc_service(path: &str) -> Option<&str> {
    let (service, rest) = path.split_once("/service/")?.1.split_once('/')?;
    rest.starts_with("operation/").then_some(service)
}

pub(super) fn call(service: &Arc<Service>, operation: OperationIndex, protocol: &'static dyn Protocol, request: &Request) -> Call {
    let operation = of_directory_buckets(service, operation, request).unwrap_or(operation);
    Call {
        service: service.clone(),
        operation,
        protocol,
        region: region(request),
    }
}

/// Directory buckets are listed by the same request as all others, signed for a name of their own, and
/// only some SDKs write the operation into the query.
fn of_directory_buckets(service: &Service, operation: OperationIndex, request: &Request) -> Option<OperationIndex> {
    if service.operation(operation).name != "ListBuckets" || service.sdk_id != "S3" {
        return None;
    }
    let scope = scope::of(request.uri(), request.headers()).filter(|scope| scope.service == "s3express");
    scope.and_then(|_| service.operation_named("ListDirectoryBuckets"))
}

/// What a service's protocols say: an operation, nothing, or why it is none.
pub(super) fn ask(service: &Service, request: &Request) -> Result<Option<(OperationIndex, &'static dyn Protocol)>, String> {
    let mut refused = None;
    for protocol in protocols_of(service) {
        match protocol.identify(service, request) {
            Identified::Operation(operation) => return Ok(Some((operation, protocol))),
            Identified::NoSuchOperation(reason) => drop(refused.get_or_insert(reason)),
            Identified::NotMine => {}
        }
    }
    refused.map_or(Ok(None), Err)
}

pub(super) fn no_such_operation(service: &Service, reason: String) -> Unmodeled {
    Unmodeled {
        reason,
        service: Some(service.sdk_id.clone()),
    }
}

/// The service is known, and the request means nothing to it.
pub(super) fn nobodys(services: &[Arc<Service>], request: &Request) -> Unmodeled {
    let names: Vec<&str> = services.iter().map(|service| service.sdk_id.as_str()).collect();
    let (method, path) = (request.method(), request.uri().path());
    let target = wire::text(request.headers(), "x-amz-target").filter(|target| !target.is_empty());
    let what = match target {
        Some(target) => format!("the target `{target}`"),
        None => format!("`{method} {path}`"),
    };
    let (models, know) = if names.len() == 1 {
        ("the model", "knows")
    } else {
        ("the models", "know")
    };
    Unmodeled {
        reason: format!("{models} of {} {know} no operation for {what}", names.join(", ")),
        service: names.first().map(|name| (*name).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load;
    use bytes::Bytes;

    /// A service with one operation.
    fn service(name: &str, sdk_id: &str, signing_name: &str, prefix: &str, operation: &str) -> Service {
        let model = format!(
            r#"{{"smithy":"2.0","shapes":{{
                "a.{signing_name}#{name}":{{"type":"service","version":"1","operations":[{{"target":"a.{signing_name}#{operation}"}}],"traits":{{
                    "aws.protocols#awsJson1_1":{{}},"aws.auth#sigv4":{{"name":"{signing_name}"}},
                    "aws.api#service":{{"sdkId":"{sdk_id}","endpointPrefix":"{prefix}"}}}}}},
                "a.{signing_name}#{operation}":{{"type":"operation"}}}}}}"#
        );
        load(model.as_bytes(), "test").unwrap().remove(0)
    }

    fn catalog() -> Catalog {
        let mut catalog = Catalog::built_in().unwrap();
        catalog.add(service(
            "QueryTarget",
            "Timestream Query",
            "timestream",
            "query.timestream",
            "Query",
        ));
        catalog.add(service(
            "WriteTarget",
            "Timestream Write",
            "timestream",
            "ingest.timestream",
            "Write",
        ));
        catalog
    }

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = http::Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::new()).unwrap()
    }

    fn scope(service: &str) -> (&'static str, String) {
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00");
        ("authorization", scope)
    }

    fn unknown(uri: &str, headers: &[(&str, &str)]) -> Unmodeled {
        recognise(&catalog(), &request(uri, headers)).err().unwrap()
    }

    #[test]
    fn a_target_alone_names_the_operation() {
        let call = recognise(&catalog(), &request("http://127.0.0.1/", &[("x-amz-target", "WriteTarget.Write")])).unwrap();
        assert_eq!(
            (call.service.sdk_id.as_str(), call.operation().name.as_str()),
            ("Timestream Write", "Write")
        );
        assert_eq!(call.region, None);
    }

    #[test]
    fn a_target_without_its_operation_is_known_by_its_service() {
        let unmodeled = unknown("http://127.0.0.1/", &[("x-amz-target", "AwsProton20200720.MakeCoffee")]);
        assert_eq!(unmodeled.service.as_deref(), Some("Proton"));
        assert_eq!(unmodeled.reason, "the model of Proton has no operation `MakeCoffee`");
    }

    #[test]
    fn a_shared_signing_name_leaves_all_that_share_it() {
        let (name, value) = scope("timestream");
        let unmodeled = unknown("http://127.0.0.1/", &[(name, &value)]);
        assert_eq!(unmodeled.service.as_deref(), Some("Timestream Query"));
        assert_eq!(
            unmodeled.reason,
            "the models of Timestream Query, Timestream Write know no operation for `POST /`"
        );
    }

    #[test]
    fn a_host_tells_services_of_one_signing_name_apart() {
        let (name, value) = scope("timestream");
        let request = request("https://ingest.timestream.us-east-1.amazonaws.com/", &[(name, &value)]);
        let candidates = Clues::of(&catalog(), &request).candidates(&catalog(), &request);
        assert_eq!(candidates[0].sdk_id, "Timestream Write");
        assert_eq!(candidates.len(), 2);
    }

    #[test]
    fn what_no_model_knows_is_told_by_what_names_it() {
        let (name, value) = scope("execute-api");
        assert_eq!(
            unknown("http://127.0.0.1/pets", &[(name, &value)]).reason,
            "`POST /pets` is signed for `execute-api`, and no model of a service of that name is known; name the service's model with \
             `--model botocore` or `--model FILE`"
        );
        let hosted = unknown("https://abc.execute-api.us-east-1.amazonaws.com/pets", &[]);
        assert!(
            hosted.reason.contains("`abc.execute-api.us-east-1.amazonaws.com`"),
            "{}",
            hosted.reason
        );
        let target = unknown("http://127.0.0.1/", &[("x-amz-target", "Elsewhere.MakeCoffee")]);
        assert!(
            target.reason.starts_with("no model knows the target `Elsewhere.MakeCoffee`"),
            "{}",
            target.reason
        );
        assert_eq!((target.service, hosted.service), (None, None));
        assert!(unknown("/pets", &[]).reason.contains("neither X-Amz-Target nor a signature"));
    }

    #[test]
    fn a_request_for_another_service_is_nobodys_though_a_route_would_take_it() {
        let (name, value) = scope("execute-api");
        let request = request("http://127.0.0.1/pets", &[(name, &value)]);
        assert!(Clues::of(&catalog(), &request).candidates(&catalog(), &request).is_empty());
    }

    #[test]
    fn of_services_that_share_everything_the_larger_is_meant_unless_its_model_refuses_the_call() {
        // Both have `Do`; the larger wants a member there.
        let model = |name: &str, operations: &str, member: &str| {
            let text = format!(
                r##"{{"smithy":"2.0","shapes":{{
                "a#{name}":{{"type":"service","version":"1","operations":[{operations}],"traits":{{"aws.protocols#awsQuery":{{}},
                    "aws.auth#sigv4":{{"name":"shared"}},"aws.api#service":{{"sdkId":"{name}","endpointPrefix":"shared"}}}}}},
                "a#Do":{{"type":"operation","input":{{"target":"a#In"}}}}, "a#More":{{"type":"operation"}},
                "a#In":{{"type":"structure","members":{{{member}}}}}}}}}"##
            );
            load(text.as_bytes(), "test").unwrap().remove(0)
        };
        let required = r#""Id":{"target":"smithy.api#String","traits":{"smithy.api#required":{}}}"#;
        let mut catalog = Catalog::built_in().unwrap();
        catalog.add(model("Part", r##"{"target":"a#Do"}"##, r#""Other":{"target":"smithy.api#String"}"#));
        catalog.add(model("Whole", r##"{"target":"a#Do"},{"target":"a#More"}"##, required));
        let (name, value) = scope("shared");
        let found = |form: &'static str| {
            let mut request = request(
                "http://127.0.0.1/",
                &[(name, &value), ("content-type", "application/x-www-form-urlencoded")],
            );
            *request.body_mut() = Bytes::from_static(form.as_bytes());
            recognise(&catalog, &request).unwrap().service.sdk_id.clone()
        };
        assert_eq!(found("Action=Do&Version=1&Id=a"), "Whole");
        assert_eq!(found("Action=Do&Version=1&Other=a"), "Part");
        assert_eq!(found("Action=Do&Version=1&Id=a&Unknown=b"), "Whole");
    }
}
