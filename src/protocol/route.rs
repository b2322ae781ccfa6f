//! Which operation of a service a method, path and query ask for, by the patterns of `@http`.
//!
//! Patterns are asked from the most specific to the least. Where several are equally specific, as
//! S3's are for clients that do not name the operation in `x-id`, the one whose required query
//! members and headers are there is meant.

use super::http_binding::uri::Query;
use crate::model::http::{Binding, HttpTrait, OPERATION_ID, Segment, specificity};
use crate::model::schema::{OperationIndex, Service};
use crate::value::Side;
use crate::wire::Request;
use http::Method;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The operation that a request asks for.
///
/// # Errors
/// Why the model has none.
pub fn find(service: &Service, request: &Request) -> Result<OperationIndex, String> {
    let (method, path) = (request.method(), request.uri().path());
    let query = Query::parse(request.uri().query().unwrap_or(""));
    let mut best: Option<(OperationIndex, &HttpTrait, Rank)> = None;
    for &index in service.routes().of(method) {
        let Some(http) = &service.operation(index).http else { continue };
        if captured(http, path).is_none() || !asks_for(http, &query) {
            continue;
        }
        let rank = Rank::of(service, index, request, &query);
        match &best {
            Some((_, first, _)) if specificity(first, http) == Ordering::Less => break,
            Some((_, _, known)) if *known >= rank => {}
            _ => best = Some((index, http, rank)),
        }
    }
    best.map(|(index, ..)| index).ok_or_else(|| refusal(service, method, path))
}

/// The labels of a path by name, percent-decoded; nothing where the path is not of the pattern.
///
/// A slash at the end does not count, on either side (model formats disagree about it), unless it
/// belongs to a greedy label.
pub fn captured<'a>(http: &'a HttpTrait, path: &str) -> Option<Vec<(&'a str, Vec<u8>)>> {
    let mut parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    if parts.last() == Some(&"") && !matches!(http.segments.last(), Some(Segment::Greedy(_))) {
        parts.pop();
    }
    // Longer than the pattern by what a greedy label takes beyond its first segment.
    let extra = parts.len().checked_sub(http.segments.len())?;
    let mut labels = Vec::new();
    let mut parts = parts.as_slice();
    let mut greedy = false;
    for segment in &http.segments {
        let taken = match segment {
            Segment::Greedy(_) => 1 + extra,
            _ => 1,
        };
        let (these, rest) = parts.split_at_checked(taken)?;
        parts = rest;
        match (segment, these) {
            (Segment::Literal(literal), [part]) => matches(literal, part).then_some(())?,
            (Segment::Label(name), [part]) if !part.is_empty() => labels.push((name.as_str(), decoded(part))),
            (Segment::Greedy(name), parts) => {
                greedy = true;
                let whole = decoded(&parts.join("/"));
                (!whole.is_empty()).then_some(())?;
                labels.push((name.as_str(), whole));
            }
            _ => return None,
        }
    }
    (greedy || extra == 0).then_some(labels)
}

fn decoded(part: &str) -> Vec<u8> {
    percent_decode_str(part).collect()
}

fn matches(literal: &str, part: &str) -> bool {
    literal == part || Cow::from(percent_decode_str(part)) == literal.as_bytes()
}

/// Whether the query has the literals of a pattern and names no other operation.
fn asks_for(http: &HttpTrait, query: &Query) -> bool {
    let has = |(key, value): &(String, Option<String>)| match value {
        Some(value) => query.values(key).any(|found| found == value.as_bytes()),
        None => query.values(key).next().is_some(),
    };
    let named = query.values(OPERATION_ID).next();
    let other = http
        .operation_id()
        .is_some_and(|wanted| named.is_some_and(|named| named != wanted.as_bytes()));
    !other && http.own_query().all(has)
}

/// How well a request fits one of several equally specific operations.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    named: bool,
    complete: bool,
    required: usize,
    /// botocore keeps S3's old operations beside those that took their place, on the same route.
    current: bool,
}

impl Rank {
    fn of(service: &Service, index: OperationIndex, request: &Request, query: &Query) -> Rank {
        let operation = service.operation(index);
        let named = operation
            .http
            .as_ref()
            .and_then(HttpTrait::operation_id)
            .is_some_and(|wanted| query.values(OPERATION_ID).next().is_some_and(|named| named == wanted.as_bytes()));
        let required = service.shape(operation.input).members().iter().filter(|member| member.required);
        let present = required.filter_map(|member| match member.binding.on(Side::Request) {
            Binding::Query(key) => Some(query.values(key).next().is_some()),
            Binding::Header(name) => Some(request.headers().contains_key(name)),
            _ => None,
        });
        let present: Vec<bool> = present.collect();
        Rank {
            named,
            complete: present.iter().all(|present| *present),
            required: present.iter().filter(|present| **present).count(),
            current: !operation.traits.contains_key("smithy.api#deprecated"),
        }
    }
}

fn refusal(service: &Service, method: &Method, path: &str) -> String {
    let fits = |index: &OperationIndex| {
        let http = service.operation(*index).http.as_ref();
        http.is_some_and(|http| captured(http, path).is_some())
    };
    let elsewhere: Vec<&str> = service
        .routes()
        .methods()
        .filter(|other| *other != method && service.routes().of(other).iter().any(fits))
        .map(Method::as_str)
        .collect();
    let hint = match elsewhere.as_slice() {
        [] => String::new(),
        methods => format!("; that path takes {}", methods.join(", ")),
    };
    format!("the model of {} has no operation for `{method} {path}`{hint}", service.sdk_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::testing;
    use bytes::Bytes;

    fn service() -> Service {
        let operation = |name: &str, method: &str, uri: &str| {
            format!(
                r#""a#{name}": {{"type": "operation", "input": {{"target": "a#{name}In"}},
                   "traits": {{"smithy.api#http": {{"method": "{method}", "uri": "{uri}"}}}}}}"#
            )
        };
        let input = |name: &str, members: &str| format!(r#""a#{name}In": {{"type": "structure", "members": {{{members}}}}}"#);
        let label = |name: &str| {
            format!(
                r#""{name}": {{"target": "smithy.api#String", "traits": {{"smithy.api#httpLabel": {{}}, "smithy.api#required": {{}}}}}}"#
            )
        };
        let bound = |name: &str, binding: &str, key: &str| {
            format!(
                r#""{name}": {{"target": "smithy.api#String", "traits": {{"smithy.api#{binding}": "{key}", "smithy.api#required": {{}}}}}}"#
            )
        };
        let (b, k) = (label("b"), label("k"));
        let copy = bound("source", "httpHeader", "x-copy");
        let part = format!("{},{}", bound("part", "httpQuery", "part"), bound("upload", "httpQuery", "upload"));
        let parts = [
            operation("List", "GET", "/{b}"),
            input("List", &b),
            operation("ListTwo", "GET", "/{b}?list-type=2"),
            input("ListTwo", &b),
            operation("Get", "GET", "/{b}/{k+}?x-id=Get"),
            input("Get", &format!("{b},{k}")),
            operation("GetAcl", "GET", "/{b}/{k+}?acl"),
            input("GetAcl", &format!("{b},{k}")),
            operation("Put", "PUT", "/{b}/{k+}?x-id=Put"),
            input("Put", &format!("{b},{k}")),
            operation("Copy", "PUT", "/{b}/{k+}?x-id=Copy"),
            input("Copy", &format!("{b},{k},{copy}")),
            operation("Part", "PUT", "/{b}/{k+}?x-id=Part"),
            input("Part", &format!("{b},{k},{part}")),
            operation("PartCopy", "PUT", "/{b}/{k+}?x-id=PartCopy"),
            input("PartCopy", &format!("{b},{k},{copy},{part}")),
            operation("Literal", "GET", "/fixed/"),
            input("Literal", ""),
            operation("Middle", "POST", "/{k+}/end"),
            input("Middle", &k),
        ];
        let names = [
            "List", "ListTwo", "Get", "GetAcl", "Put", "Copy", "Part", "PartCopy", "Literal", "Middle",
        ];
        testing::service("aws.protocols#restXml", &names, &parts.join(","))
    }

    fn found(service: &Service, method: &str, uri: &str, header: Option<&'static str>) -> String {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(header) = header {
            request.headers_mut().insert(header, http::HeaderValue::from_static("x"));
        }
        find(service, &request).map_or_else(|reason| reason, |index| service.operation(index).name.clone())
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let service = service();
        for (method, uri, header, name) in [
            ("GET", "/bucket", None, "List"),
            ("GET", "/bucket/", None, "List"),
            ("GET", "/bucket?list-type=2", None, "ListTwo"),
            ("GET", "/bucket?list-type=1", None, "List"),
            ("GET", "/fixed", None, "Literal"),
            ("GET", "/%66ixed", None, "Literal"),
            ("GET", "/b/a/b/", None, "Get"),
            ("GET", "/b/a?x-id=Get", None, "Get"),
            ("GET", "/b/a?acl", None, "GetAcl"),
            ("GET", "/b/a?acl=&x-id=GetAcl", None, "GetAcl"),
            ("PUT", "/b/a", None, "Put"),
            ("PUT", "/b/a", Some("x-copy"), "Copy"),
            ("PUT", "/b/a?x-id=Put", Some("x-copy"), "Put"),
            ("PUT", "/b/a?part=1&upload=u", None, "Part"),
            ("PUT", "/b/a?part=1&upload=u", Some("x-copy"), "PartCopy"),
            ("POST", "/a/b/end", None, "Middle"),
        ] {
            assert_eq!(found(&service, method, uri, header), name, "{method} {uri}");
        }
    }

    #[test]
    fn what_no_pattern_takes_is_refused_with_the_methods_that_its_path_takes() {
        let service = service();
        let refused = found(&service, "DELETE", "/b/a", None);
        assert!(
            refused.ends_with("has no operation for `DELETE /b/a`; that path takes GET, PUT"),
            "{refused}"
        );
        let refused = found(&service, "GET", "/", None);
        assert!(refused.ends_with("has no operation for `GET /`"), "{refused}");
        assert!(found(&service, "POST", "/end", None).contains("no operation"));
    }

    #[test]
    fn labels_are_decoded_and_a_greedy_one_keeps_its_slashes() {
        let service = service();
        let get = service.operation(service.operation_named("Get").unwrap());
        let labels = captured(get.http.as_ref().unwrap(), "/b%2Fc/a%20b/../%C3%A9/").unwrap();
        assert_eq!(labels, [("b", b"b/c".to_vec()), ("k", "a b/../é/".as_bytes().to_vec())]);
        assert_eq!(captured(get.http.as_ref().unwrap(), "/b/"), None);
    }
}
