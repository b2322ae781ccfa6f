//! Which services a request may be for, by its scope and its host, and which of them it is for where
//! several would take it.

use super::host::service_names;
use super::recognise::{Unmodeled, ask, call, no_such_operation, nobodys};
use super::{Call, Verdict, judge_request};
use crate::model::catalog::Catalog;
use crate::model::http::SpelledOut;
use crate::model::schema::{OperationIndex, Service};
use crate::scope::{self, Scope};
use crate::wire::{self, Request};
use std::cmp::Reverse;
use std::sync::Arc;

/// Services that take calls without a signature, by signing name: there is no scope to go by, and
/// at the endpoint door no host either. (`sts` for web identities and SAML, `sso-oauth` and
/// `awsssoportal` for the sign-in itself, `bedrock` and `codecatalyst` for bearer tokens, `s3` for
/// public objects; Cognito names itself by its target; `signin` is where `aws login` gets its
/// tokens.)
const UNSIGNED: [&str; 7] = ["sts", "sso-oauth", "awsssoportal", "bedrock", "codecatalyst", "signin", "s3"];

/// Signing names that are no service's own.
const ALIASES: [(&str, &str); 4] = [
    ("s3express", "s3"),
    ("s3-object-lambda", "s3"),
    ("s3-outposts", "s3"),
    ("IngestionService", "importexport"),
];

/// What a request says of the service it is meant for.
pub(super) struct Clues {
    scope: Option<Scope>,
    host: Option<String>,
    /// Services that sign with the scope's name.
    signed: Vec<Arc<Service>>,
    /// Services that the host names.
    hosted: Vec<Arc<Service>>,
}

impl Clues {
    pub(super) fn of(catalog: &Catalog, request: &Request) -> Clues {
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
    pub(super) fn candidates(&self, catalog: &Catalog, request: &Request) -> Vec<Arc<Service>> {
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
        // None of these has targets.
        let untargeted = !request.headers().contains_key(&wire::X_AMZ_TARGET);
        let unsigned = UNSIGNED.iter().filter(|_| untargeted).flat_map(|name| signed_as(catalog, name));
        // Not whatever is compiled by now: the answer must not depend on earlier calls.
        let named = catalog.services().iter().cloned();
        for service in unsigned.chain(of_version(catalog, request)).chain(named) {
            if !is_among(&service, &candidates) {
                candidates.push(service);
            }
        }
        candidates
    }

    pub(super) fn best(&self, candidates: &[Arc<Service>], request: &Request) -> Result<Call, Unmodeled> {
        let mut found: Vec<(Rank, Call)> = Vec::new();
        let mut nearest = None;
        for service in candidates {
            match ask(service, request) {
                Ok(Some((operation, protocol))) => {
                    let rank = self.rank(service, operation, request);
                    found.push((rank, call(service, operation, protocol, request)));
                }
                Ok(None) => {}
                Err(reason) => drop(nearest.get_or_insert_with(|| no_such_operation(service, reason))),
            }
        }
        let best = found.iter().map(|(rank, _)| *rank).max();
        let mut equals: Vec<Call> = found
            .into_iter()
            .filter(|(rank, _)| Some(*rank) == best)
            .map(|(_, call)| call)
            .collect();
        match (equals.len(), nearest) {
            (0, Some(nearest)) => Err(nearest),
            (0, None) => Err(self.unknown(request)),
            (1, _) => Ok(equals.remove(0)),
            _ => Ok(likeliest(equals, request)),
        }
    }

    fn rank(&self, service: &Arc<Service>, operation: OperationIndex, request: &Request) -> Rank {
        let http = service.operation(operation).http.as_ref();
        (
            is_among(service, &self.signed),
            is_among(service, &self.hosted),
            http.map_or((0, Reverse(0)), |http| http.spelled_out),
            // Whether both end in a slash or neither does.
            http.is_some_and(|http| http.trailing_slash == request.uri().path().ends_with('/')),
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
            reason: format!("{what}; name the service's model with `--model botocore` or `--model FILE`"),
            service: None,
        }
    }
}

/// Whether scope and host speak for a service, how much of the path its route spells out, and
/// whether both end in a slash or neither does.
type Rank = (bool, bool, SpelledOut, bool);

/// One of several calls that a request may be as far as scope, host and route say: services share
/// all of them (RDS with DocumentDB and Neptune, EventBridge with CloudWatch Events, Chime with its
/// successors). It is the one whose model the request departs from least; then the one of the larger
/// service, of which the others are parts or forerunners.
fn likeliest(calls: Vec<Call>, request: &Request) -> Call {
    let fit = |call: &Call| {
        let judged = judge_request(call, request, true);
        let malformed = judged.verdict == Verdict::Malformed;
        let size = Reverse(call.service.operations.len());
        (malformed, judged.violations.len(), judged.lints.len(), size)
    };
    let best = calls.iter().enumerate().min_by_key(|(_, call)| fit(call)).map_or(0, |(at, _)| at);
    let mut calls = calls;
    calls.swap_remove(best)
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
