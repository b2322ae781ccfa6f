//! Which operation a request asks for, from the request alone.
//!
//! Four things name the service: the target (`X-Amz-Target`, or the path of rpc-v2), the credential
//! scope, the host, and, for what carries none of them, what only a few services let through
//! unsigned. They give the candidates, and each candidate's own protocols say which operation it
//! is. The answer has three ways: this operation, this service but no such operation, or not known;
//! the last two with the reason in words.

use super::host::service_names;
use super::plain::plain;
use super::{Call, protocols_of, region};
use crate::model::catalog::Catalog;
use crate::model::schema::{OperationIndex, Service};
use crate::protocol::{Identified, Protocol};
use crate::scope::{self, Scope};
use crate::wire::{self, Request};
use std::cmp::Reverse;
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

/// Services that take calls without a signature, by signing name: there is no scope to go by, and
/// at the endpoint door no host either. (`sts` for web identities and SAML, `sso-oauth` and
/// `awsssoportal` for the sign-in itself, `bedrock` and `codecatalyst` for bearer tokens, `s3` for
/// public objects; Cognito names itself by its target.)
const UNSIGNED: [&str; 6] = ["sts", "sso-oauth", "awsssoportal", "bedrock", "codecatalyst", "s3"];

/// Signing names that are no service's own.
const ALIASES: [(&str, &str); 3] = [("s3express", "s3"), ("s3-object-lambda", "s3"), ("s3-outposts", "s3")];

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
            Ok(Some((operation, protocol))) => return Ok(call(service, operation, protocol, request)),
            Ok(None) => {}
            Err(reason) => nearest = Some(no_such_operation(service, reason)),
        }
        // Only two names are shared (Timestream's services, and those of EventBridge).
        for other in catalog.all_by_shape_name(name) {
            if let Ok(Some((operation, protocol))) = ask(&other, request) {
                return Ok(call(&other, operation, protocol, request));
            }
        }
    }
    let request = &*plain(request);
    let clues = Clues::of(catalog, request);
    clues.best(catalog, request).map_err(|unmodeled| nearest.unwrap_or(unmodeled))
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

fn call(service: &Arc<Service>, operation: OperationIndex, protocol: &'static dyn Protocol, request: &Request) -> Call {
    Call {
        service: service.clone(),
        operation,
        protocol,
        region: region(request),
    }
}

/// What a service's protocols say: an operation, nothing, or why it is none.
fn ask(service: &Service, request: &Request) -> Result<Option<(OperationIndex, &'static dyn Protocol)>, String> {
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

fn no_such_operation(service: &Service, reason: String) -> Unmodeled {
    Unmodeled {
        reason,
        service: Some(service.sdk_id.clone()),
    }
}

/// What a request says of the service it is meant for.
struct Clues {
    scope: Option<Scope>,
    host: Option<String>,
    /// Services that sign with the scope's name.
    signed: Vec<Arc<Service>>,
    /// Services that the host names.
    hosted: Vec<Arc<Service>>,
}

impl Clues {
    fn of(catalog: &Catalog, request: &Request) -> Clues {
        let scope = scope::of(request.uri(), request.headers());
        let host = request.uri().host().map(str::to_owned);
        let host = host.or_else(|| wire::text(request.headers(), "host").map(|host| host.split(':').next().unwrap_or(host).to_owned()));
        let signed = scope.as_ref().map(|scope| signed_as(catalog, &scope.service)).unwrap_or_default();
        let names = host.as_deref().map(service_names).unwrap_or_default();
        let hosted = names.iter().map(|name| hosted_at(catalog, name)).find(|found| !found.is_empty());
        Clues {
            scope,
            host: host.filter(|_| !names.is_empty()),
            signed,
            hosted: hosted.unwrap_or_default(),
        }
    }

    /// Those that scope and host agree on first; where neither says anything, those that take calls
    /// unsigned, those of the version that a form names, and those whose models the user named.
    fn candidates(&self, catalog: &Catalog, request: &Request) -> Vec<Arc<Service>> {
        let mut candidates: Vec<Arc<Service>> = Vec::new();
        let both = self.signed.iter().filter(|service| is_among(service, &self.hosted));
        let rest = self.signed.iter().chain(&self.hosted);
        for service in both.chain(rest) {
            if !is_among(service, &candidates) {
                candidates.push(service.clone());
            }
        }
        if self.scope.is_some() || self.host.is_some() {
            return candidates;
        }
        let unsigned = UNSIGNED.iter().flat_map(|name| signed_as(catalog, name));
        // Not whatever is compiled by now: the answer must not depend on earlier calls.
        let named = catalog.services().iter().cloned();
        for service in unsigned.chain(of_version(catalog, request)).chain(named) {
            if !is_among(&service, &candidates) {
                candidates.push(service);
            }
        }
        candidates
    }

    fn best(&self, catalog: &Catalog, request: &Request) -> Result<Call, Unmodeled> {
        let candidates = self.candidates(catalog, request);
        let mut found: Option<(Rank, Call)> = None;
        let mut nearest = None;
        for service in &candidates {
            match ask(service, request) {
                Ok(Some((operation, protocol))) => {
                    let rank = self.rank(service, operation);
                    if found.as_ref().is_none_or(|(best, _)| rank > *best) {
                        found = Some((rank, call(service, operation, protocol, request)));
                    }
                }
                Ok(None) => {}
                Err(reason) => drop(nearest.get_or_insert_with(|| no_such_operation(service, reason))),
            }
        }
        match (found, nearest) {
            (Some((_, call)), _) => Ok(call),
            (None, Some(nearest)) => Err(nearest),
            (None, None) => Err(self.unknown(request)),
        }
    }

    fn rank(&self, service: &Arc<Service>, operation: OperationIndex) -> Rank {
        (
            is_among(service, &self.signed),
            is_among(service, &self.hosted),
            specificity(service, operation),
        )
    }

    /// Nobody answered: what is known all the same.
    fn unknown(&self, request: &Request) -> Unmodeled {
        let known = if self.signed.is_empty() { &self.hosted } else { &self.signed };
        if !known.is_empty() {
            return nobodys(known, request);
        }
        let (method, path) = (request.method(), request.uri().path());
        let target = wire::text(request.headers(), "x-amz-target").filter(|target| !target.is_empty());
        let what = match (target, &self.scope, &self.host) {
            (Some(target), _, _) => format!("no model knows the target `{target}`"),
            (None, Some(scope), _) => format!(
                "`{method} {path}` is signed for `{}`, and no model of a service of that name is known",
                scope.service
            ),
            (None, None, Some(host)) => format!("`{method} {path}` goes to `{host}`, and no model of a service there is known"),
            (None, None, None) => format!("no model knows `{method} {path}`, which has neither X-Amz-Target nor a signature"),
        };
        Unmodeled {
            reason: format!("{what}; name the service's model with `--model FILE`"),
            service: None,
        }
    }
}

/// Whether scope and host speak for a service, and how much of the path its route spells out.
type Rank = (bool, bool, (usize, Reverse<usize>));

/// Literal characters of a REST route, slashes aside, and its labels: `/functions/{name}` is more specific than
/// `/{Bucket}/{Key+}`.
fn specificity(service: &Service, operation: OperationIndex) -> (usize, Reverse<usize>) {
    let route = service.operation(operation).traits.get("smithy.api#http");
    let Some(uri) = route.and_then(|route| route.get("uri")?.as_str()) else {
        return (0, Reverse(0));
    };
    let labels = uri.matches('{').count();
    let mut inside = false;
    let literal = uri.chars().filter(|letter| {
        inside = (inside || *letter == '{') && *letter != '}';
        !inside && !matches!(letter, '}' | '/')
    });
    (literal.count(), Reverse(labels))
}

fn is_among(service: &Arc<Service>, services: &[Arc<Service>]) -> bool {
    services.iter().any(|known| Arc::ptr_eq(known, service))
}

fn signed_as(catalog: &Catalog, name: &str) -> Vec<Arc<Service>> {
    let own = catalog.by_signing_name(name);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let others = alias.map(|(_, name)| catalog.by_signing_name(name)).unwrap_or_default();
    own.into_iter().chain(others).collect()
}

/// The services of the version in `Action=…&Version=2011-06-15`, the form of the query protocols.
fn of_version(catalog: &Catalog, request: &Request) -> Vec<Arc<Service>> {
    let form = match request.uri().query().filter(|query| query.contains("Action=")) {
        Some(query) => query,
        None => std::str::from_utf8(request.body()).unwrap_or_default(),
    };
    let named = form.split('&').find_map(|pair| pair.strip_prefix("Version="));
    let Some(version) = named.filter(|_| form.contains("Action=")) else {
        return Vec::new();
    };
    let speaks_forms = |protocol: &String| protocol.ends_with("Query") || protocol.ends_with("#awsQueryCompatible");
    let entries = catalog.entries().iter().filter(|entry| {
        let listing = entry.listing();
        listing.version == version && listing.protocols.iter().any(speaks_forms)
    });
    entries.filter_map(|entry| entry.service().cloned()).collect()
}

fn hosted_at(catalog: &Catalog, name: &str) -> Vec<Arc<Service>> {
    catalog.by_endpoint_prefix(name)
}

/// The service is known, and the request means nothing to it.
fn nobodys(services: &[Arc<Service>], request: &Request) -> Unmodeled {
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
             `--model FILE`"
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
    fn literal_routes_are_more_specific_than_labels() {
        let mut service = service("S", "S", "s", "s", "Op");
        let mut of = |uri: &str| {
            let route = serde_json::json!({ "uri": uri });
            service.operations[0].traits.insert("smithy.api#http".to_owned(), route);
            specificity(&service, OperationIndex(0))
        };
        let ranks = ["/{Bucket}/{Key+}", "/{Bucket}", "/a/{name}/{other}", "/a/{name}", "/a/{name}/b"].map(&mut of);
        assert!(ranks.is_sorted(), "{ranks:?}");
    }
}
