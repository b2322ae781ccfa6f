//! The HTTP binding traits (Smithy 2.0, "HTTP binding traits"), read once when a model is loaded:
//! where an operation lives, and where on a message each member travels. What is done with them is
//! the business of the REST protocols; every other protocol ignores them.

use super::ast::Traits;
use super::schema::{Operation, OperationIndex};
use crate::value::Side;
use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::cmp::{Ordering, Reverse};

/// `@http`: the method, URI pattern and status of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTrait {
    /// The method.
    pub method: Method,
    /// The segments of the path pattern; none for `/`.
    pub segments: Vec<Segment>,
    /// The pattern ends in a slash. It is written so, and never asked for.
    pub trailing_slash: bool,
    /// The literals of the query pattern, decoded, in their order; a key alone has no value.
    pub query: Vec<(String, Option<String>)>,
    /// The status of a success.
    pub code: u16,
    /// How much of the pattern is fixed.
    pub spelled_out: SpelledOut,
}

/// Literal characters of a pattern, slashes aside, and its labels: `/functions/{name}` spells out
/// more than `/{Bucket}/{Key+}`.
pub type SpelledOut = (usize, Reverse<usize>);

fn spelled_out(uri: &str) -> SpelledOut {
    let labels = uri.matches('{').count();
    let mut inside = false;
    let literal = uri.chars().filter(|letter| {
        inside = (inside || *letter == '{') && *letter != '}';
        !inside && !matches!(letter, '}' | '/')
    });
    (literal.count(), Reverse(labels))
}

/// One segment of a path pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// These very characters, decoded.
    Literal(String),
    /// One segment, bound to the member of that name.
    Label(String),
    /// One or more segments with the slashes between them, bound to the member of that name.
    Greedy(String),
}

/// Where a member of a top-level structure travels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Binding {
    /// In the protocol's document.
    #[default]
    Body,
    /// `@httpLabel`: in the path.
    Label,
    /// `@httpQuery`: in the query, under this key.
    Query(String),
    /// `@httpQueryParams`: a map of the query.
    QueryParams,
    /// `@httpHeader`: in the header of this name, in lower case.
    Header(String),
    /// `@httpPrefixHeaders`: a map of the headers whose name begins so, in lower case.
    PrefixHeaders(String),
    /// `@httpPayload`: it is the whole body.
    Payload,
    /// `@httpResponseCode`: the status.
    ResponseCode,
}

impl Binding {
    /// The binding that a member's traits ask for.
    pub(super) fn of(traits: &Traits) -> Binding {
        let has = |name: &str| traits.contains_key(name);
        let text = |name: &str| traits.get(name).and_then(Value::as_str);
        if has("smithy.api#httpLabel") {
            Binding::Label
        } else if let Some(key) = text("smithy.api#httpQuery") {
            Binding::Query(key.to_owned())
        } else if has("smithy.api#httpQueryParams") {
            Binding::QueryParams
        } else if let Some(name) = text("smithy.api#httpHeader") {
            Binding::Header(name.to_ascii_lowercase())
        } else if let Some(prefix) = text("smithy.api#httpPrefixHeaders") {
            Binding::PrefixHeaders(prefix.to_ascii_lowercase())
        } else if has("smithy.api#httpPayload") {
            Binding::Payload
        } else if has("smithy.api#httpResponseCode") {
            Binding::ResponseCode
        } else {
            Binding::Body
        }
    }

    /// The binding in force on one side: labels and queries mean nothing on a response, the status
    /// nothing on a request, and such a member travels in the body there.
    pub fn on(&self, side: Side) -> &Binding {
        match (self, side) {
            (Binding::Label | Binding::Query(_) | Binding::QueryParams, Side::Response) | (Binding::ResponseCode, Side::Request) => {
                &Binding::Body
            }
            (binding, _) => binding,
        }
    }
}

impl HttpTrait {
    /// Reads the `@http` trait of an operation; nothing where it has none that can be read.
    pub(super) fn of(traits: &Traits) -> Option<HttpTrait> {
        let http = traits.get("smithy.api#http")?;
        let text = |name: &str| http.get(name).and_then(Value::as_str);
        let uri = text("uri")?;
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let code = http.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        Some(HttpTrait {
            method: Method::from_bytes(text("method")?.as_bytes()).ok()?,
            segments: path.split('/').filter(|segment| !segment.is_empty()).map(segment).collect(),
            trailing_slash: path.len() > 1 && path.ends_with('/'),
            query: query.split('&').filter(|part| !part.is_empty()).map(query_literal).collect(),
            code: code.unwrap_or(200),
            spelled_out: spelled_out(uri),
        })
    }
}

/// The query literal by which newer SDKs name the operation (`x-id=GetObject`). Older ones, boto3
/// among them, do not send it, so no route may depend on it.
pub const OPERATION_ID: &str = "x-id";

impl HttpTrait {
    /// The query literals that every client sends.
    pub fn own_query(&self) -> impl Iterator<Item = &(String, Option<String>)> {
        self.query.iter().filter(|(key, _)| key != OPERATION_ID)
    }

    /// The operation that the pattern's `x-id` literal names.
    pub fn operation_id(&self) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == OPERATION_ID)
            .and_then(|(_, value)| value.as_deref())
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(label) => match label.strip_suffix('+') {
            Some(greedy) => Segment::Greedy(greedy.to_owned()),
            None => Segment::Label(label.to_owned()),
        },
        None => Segment::Literal(decoded(text)),
    }
}

fn query_literal(part: &str) -> (String, Option<String>) {
    match part.split_once('=') {
        Some((key, value)) => (decoded(key), Some(decoded(value)).filter(|value| !value.is_empty())),
        None => (decoded(part), None),
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The operations of a service that have a route, the most specific first.
#[derive(Debug, Default)]
pub struct Routes(Vec<(Method, Vec<OperationIndex>)>);

impl Routes {
    /// Sorts operations once. Equally specific ones keep the order of the model.
    pub(super) fn new(operations: &[Operation]) -> Routes {
        let mut routes = Routes::default();
        for (index, operation) in operations.iter().enumerate() {
            let Some(http) = &operation.http else { continue };
            let index = OperationIndex(index as u32);
            match routes.0.iter_mut().find(|(method, _)| *method == http.method) {
                Some((_, same_method)) => same_method.push(index),
                None => routes.0.push((http.method.clone(), vec![index])),
            }
        }
        let http = |index: &OperationIndex| operations.get(index.0 as usize).and_then(|operation| operation.http.as_ref());
        for (_, same_method) in &mut routes.0 {
            same_method.sort_by(|left, right| match (http(left), http(right)) {
                (Some(left), Some(right)) => specificity(left, right),
                _ => Ordering::Equal,
            });
        }
        routes
    }

    /// The operations of one method, the most specific first.
    pub fn of(&self, method: &Method) -> &[OperationIndex] {
        let found = self.0.iter().find(|(known, _)| known == method);
        found.map_or(&[], |(_, operations)| operations)
    }

    /// The methods that some operation has, in the order of the model.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.0.iter().map(|(method, _)| method)
    }

    /// No operation has a route.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Which of two patterns is asked first (Smithy 2.0, "Specificity routing"): from the left, a
/// literal before a label before a greedy label; then the longer path; then more query literals.
pub fn specificity(left: &HttpTrait, right: &HttpTrait) -> Ordering {
    let rank = |segment: &Segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Label(_) => 1,
        Segment::Greedy(_) => 2,
    };
    let by_segment = left
        .segments
        .iter()
        .zip(&right.segments)
        .map(|(left, right)| rank(left).cmp(&rank(right)));
    by_segment
        .fold(Ordering::Equal, Ordering::then)
        .then_with(|| right.segments.len().cmp(&left.segments.len()))
        .then_with(|| right.own_query().count().cmp(&left.own_query().count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn http(value: Value) -> HttpTrait {
        HttpTrait::of(&Traits::from_iter([("smithy.api#http".to_owned(), value)])).unwrap()
    }

    #[test]
    fn a_uri_pattern_is_segments_and_query_literals() {
        let read = http(json!({"method": "GET", "uri": "/a%20b/{one}/{rest+}/?acl&x-id=Get&empty="}));
        let label = |name: &str| Segment::Label(name.to_owned());
        assert_eq!(
            read.segments,
            [Segment::Literal("a b".to_owned()), label("one"), Segment::Greedy("rest".to_owned())]
        );
        assert!(read.trailing_slash);
        let query: Vec<_> = read.query.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
        assert_eq!(query, [("acl", None), ("x-id", Some("Get")), ("empty", None)]);
        assert_eq!(read.code, 200);
        let root = http(json!({"method": "POST", "uri": "/", "code": 204}));
        assert!(root.segments.is_empty() && !root.trailing_slash && root.code == 204);
    }

    #[test]
    fn a_literal_goes_before_a_label_before_a_greedy_label() {
        let uri = |uri: &str| http(json!({"method": "GET", "uri": uri}));
        let ordered = [
            "/a/b/c",
            "/a/b",
            "/a/{b}?x&y",
            "/a/{b}?x",
            "/a/{b}",
            "/a/{b+}",
            "/{a}/b",
            "/{a}",
            "/",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(specificity(&uri(pair[0]), &uri(pair[1])), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn literal_routes_spell_out_more_than_labels() {
        let routes = ["/{Bucket}/{Key+}", "/{Bucket}", "/a/{name}/{other}", "/a/{name}", "/a/{name}/b"];
        assert!(routes.map(spelled_out).is_sorted());
    }

    #[test]
    fn a_query_on_a_response_is_a_body_member() {
        let traits = Traits::from_iter([("smithy.api#httpQuery".to_owned(), json!("bar"))]);
        let binding = Binding::of(&traits);
        assert_eq!(binding.on(Side::Request), &Binding::Query("bar".to_owned()));
        assert_eq!(binding.on(Side::Response), &Binding::Body);
    }
}
