//! The one form of a request, whichever SDK, door and way of signing it came by.
//!
//! The same call reaches us as `https://my-bucket.s3.us-east-1.amazonaws.com/key` or as
//! `/my-bucket/key`, its body in chunks with a checksum behind them or whole with one before it,
//! its signature in a header or in the query. None of that means anything, so routing, decoding,
//! matching and the cassette all see the plain form: S3's bucket in the path, the body behind its
//! chunks, the scope of a presigned URL in `Authorization`, nothing that only an SDK put there.
//! What goes on to AWS is never the plain form.

use super::host::{S3Host, bucket_before_localhost, s3_host};
use super::presigned::{authorize, is_old, presigned};
use crate::codec::aws_chunked;
use crate::partitions::partition_of;
use crate::scope;
use crate::wire::{self, Request};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName};
use http::{Method, Uri};
use std::borrow::Cow;

/// Signing names of S3 and of those that speak its protocol.
const S3_SIGNING_NAMES: [&str; 4] = ["s3", "s3express", "s3-object-lambda", "s3-outposts"];

/// What a function of S3 Object Lambda answers goes to a host of its own, which names no bucket.
const OBJECT_LAMBDA: &str = "s3-object-lambda";
const ANSWER_OF_OBJECT_LAMBDA: &str = "/WriteGetObjectResponse";
/// How the paths of S3 Control begin, which signs as S3 does and has the account in its host.
const S3_CONTROL: &str = "/v20180820/";

/// Headers that the SDKs of one day send and those of another do not: how a body is sent, and its
/// checksum.
const MADE_BY_SDKS: [&str; 6] = [
    "content-md5",
    "x-amz-checksum-mode",
    "x-amz-decoded-content-length",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer",
    "x-amz-content-sha256",
];

/// The request in its plain form; as it is where it is plain already, which costs next to nothing.
pub fn plain(request: &Request) -> Cow<'_, Request> {
    if request.headers().contains_key(&wire::X_AMZ_TARGET) {
        return Cow::Borrowed(request);
    }
    let query = request.uri().query().unwrap_or_default();
    let presigned = presigned(query);
    let s3 = S3::of(request, presigned.is_some());
    let chunked = is_chunked(request.headers());
    if presigned.is_none() && s3.is_none() && !chunked {
        return searched(request).map_or(Cow::Borrowed(request), Cow::Owned);
    }
    let mut plain = Cow::Borrowed(request);
    if chunked {
        without_chunks(&mut plain);
    }
    if let Some(presigned) = &presigned {
        let headers = plain.to_mut().headers_mut();
        presigned.fill(headers);
        authorize(query, headers);
    }
    if let Some(s3) = s3 {
        s3.apply(&mut plain, query);
    }
    if let Some(presigned) = &presigned {
        replace_path(&mut plain, |path| with_query(path, &presigned.query));
    }
    plain
}

/// CloudSearch's search, modelled as a GET, as the SDKs send it: what would be in the query is a
/// form, which may be longer.
fn searched(request: &Request) -> Option<Request> {
    let is_form = || wire::media_type(request.headers()).is_some_and(|media_type| media_type.ends_with("x-www-form-urlencoded"));
    if request.method() != Method::POST || request.uri().path() != "/2013-01-01/search" || !is_form() {
        return None;
    }
    let form = std::str::from_utf8(request.body()).ok()?;
    let mut plain = Cow::Borrowed(request);
    replace_path(&mut plain, |path| {
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{path}{mark}{form}")
    });
    let mut plain = plain.into_owned();
    *plain.method_mut() = Method::GET;
    *plain.body_mut() = Bytes::new();
    let kept = wire::keep(plain.headers(), |name| *name != CONTENT_TYPE && *name != CONTENT_LENGTH);
    *plain.headers_mut() = kept;
    Some(plain)
}

fn with_query(path: &str, query: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{query}")
}

/// Gives a request another path and query; where that would be none, it stays as it is.
fn replace_path(plain: &mut Cow<'_, Request>, change: impl FnOnce(&str) -> String) {
    let old = plain.uri().path_and_query().map_or("/", |path| path.as_str());
    let new = change(old);
    if new == old {
        return;
    }
    let mut parts = plain.uri().clone().into_parts();
    parts.path_and_query = new.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *plain.to_mut().uri_mut() = uri;
    }
}

/// Whether the body is in chunks of its own, whatever HTTP does around it.
fn is_chunked(headers: &HeaderMap) -> bool {
    headers.contains_key("x-amz-decoded-content-length")
        && (wire::text(headers, "x-amz-content-sha256").is_some_and(|kind| kind.starts_with("STREAMING-"))
            || encodings(headers).any(|encoding| encoding.eq_ignore_ascii_case("aws-chunked")))
}

fn encodings(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty())
}

/// Joins the chunks of a body; one that is not in chunks stays, for its length tells it.
fn without_chunks(plain: &mut Cow<'_, Request>) {
    let Ok(whole) = whole(plain) else { return };
    *plain = Cow::Owned(whole);
}

/// A request with the chunks of its body joined, and nothing in its headers that speaks of them. A
/// checksum that followed the body comes before it.
///
/// # Errors
/// Why the body is not in chunks.
pub fn whole(request: &Request) -> Result<Request, String> {
    let unchunked = aws_chunked::decode(request.body())?;
    let kept: Vec<&str> = encodings(request.headers())
        .filter(|encoding| !encoding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    let mut headers = wire::keep(request.headers(), |name| {
        *name != CONTENT_ENCODING
            && !matches!(
                name.as_str(),
                "x-amz-decoded-content-length" | "x-amz-trailer" | "x-amz-content-sha256" | "content-length"
            )
    });
    if !kept.is_empty() {
        headers.insert(CONTENT_ENCODING, wire::header_value(&kept.join(",")));
    }
    for (name, value) in &unchunked.trailers {
        if let Ok(name) = name.parse::<HeaderName>()
            && name.as_str().starts_with("x-amz-checksum-")
        {
            headers.insert(name, wire::header_value(value));
        }
    }
    let mut whole = Request::new(unchunked.body);
    *whole.method_mut() = request.method().clone();
    *whole.uri_mut() = request.uri().clone();
    *whole.version_mut() = request.version();
    *whole.headers_mut() = headers;
    Ok(whole)
}

/// A request to S3.
struct S3 {
    host: Option<S3Host>,
    /// The bucket before a name of this machine.
    local_bucket: Option<String>,
    region: Option<String>,
}

impl S3 {
    /// Told by the host, else by the scope.
    fn of(request: &Request, presigned: bool) -> Option<S3> {
        let host = match request.uri().host() {
            Some(host) => Some(host),
            None => wire::text(request.headers(), "host").map(|host| host.split(':').next().unwrap_or(host)),
        };
        let s3 = host.filter(|host| host.contains("s3")).and_then(s3_host);
        let s3 = s3.filter(|s3| s3.service != OBJECT_LAMBDA || request.uri().path() != ANSWER_OF_OBJECT_LAMBDA);
        let spoken = match request.headers().get(AUTHORIZATION) {
            Some(value) => value.to_str().is_ok_and(|value| value.contains("/s3")),
            None => presigned,
        };
        let scope = spoken.then(|| scope::of(request.uri(), request.headers())).flatten();
        let signed = scope
            .as_ref()
            .is_some_and(|scope| S3_SIGNING_NAMES.contains(&scope.service.as_str()));
        // Signature version 2 has no scope, and nobody else takes it in a query any more.
        let old = presigned && request.uri().query().is_some_and(is_old);
        if s3.is_none() && !signed && !old {
            return None;
        }
        let local = host.filter(|_| !request.uri().path().starts_with(S3_CONTROL));
        Some(S3 {
            host: s3,
            local_bucket: local.and_then(bucket_before_localhost).map(str::to_owned),
            region: scope.and_then(|scope| scope.region),
        })
    }

    fn apply(&self, plain: &mut Cow<'_, Request>, query: &str) {
        let bucket = self.host.as_ref().and_then(|host| host.bucket.as_deref());
        let bucket = bucket.or(self.local_bucket.as_deref());
        replace_path(plain, |path| {
            let path = path.split('?').next().unwrap_or_default();
            let path = match bucket {
                Some(bucket) => format!("/{bucket}{path}"),
                None => path.to_owned(),
            };
            with_query(&without_last_slash(&path), query)
        });
        if let Some(host) = &self.host {
            self.name_host(plain, host);
        } else if self.local_bucket.is_some() {
            rename_host(plain, "localhost");
        }
        if plain.headers().keys().any(|name| is_made_by_sdks(name.as_str())) {
            let kept = wire::keep(plain.headers(), |name| !is_made_by_sdks(name.as_str()));
            *plain.to_mut().headers_mut() = kept;
        }
    }

    /// `s3.REGION.SUFFIX`, whatever stood before and between.
    fn name_host(&self, plain: &mut Cow<'_, Request>, host: &S3Host) {
        let region = host.region.as_deref().or(self.region.as_deref());
        let service = host.service;
        let name = match region {
            Some(region) => format!("{service}.{region}.{}", partition_of(region).dns_suffix),
            None => format!("{service}.{}", host.suffix),
        };
        rename_host(plain, &name);
    }
}

/// Gives a request that names a host another one, without a port.
fn rename_host(plain: &mut Cow<'_, Request>, name: &str) {
    if plain.uri().host().is_none_or(|host| host == name) {
        return;
    }
    let mut parts = plain.uri().clone().into_parts();
    parts.authority = name.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *plain.to_mut().uri_mut() = uri;
        plain.to_mut().headers_mut().insert(HOST, wire::header_value(name));
    }
}

/// `/bucket/` is the bucket, as `/bucket` is; `/bucket/folder/` is an object.
fn without_last_slash(path: &str) -> String {
    match path.strip_suffix('/') {
        Some(bucket) if bucket.len() > 1 && bucket.matches('/').count() == 1 => bucket.to_owned(),
        _ => path.to_owned(),
    }
}

fn is_made_by_sdks(name: &str) -> bool {
    let checksum = name
        .strip_prefix("x-amz-checksum-")
        .is_some_and(|kind| !matches!(kind, "algorithm" | "type"));
    checksum || MADE_BY_SDKS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &'static str) -> Request {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    fn lines(request: &Request) -> Vec<String> {
        let headers = request.headers().iter();
        let headers = headers.filter(|(name, _)| *name != HOST && *name != AUTHORIZATION);
        let mut lines = vec![format!("{} {}", request.method(), request.uri())];
        lines.extend(headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())));
        lines.push(String::from_utf8_lossy(request.body()).into_owned());
        lines
    }

    const S3_SCOPE: (&str, &str) = (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=00",
    );

    #[test]
    fn a_search_sent_as_a_form_is_the_get_that_is_modelled() {
        let form = [("content-type", "application/x-www-form-urlencoded"), ("x-own", "1")];
        let uri = "https://search-a.us-east-1.cloudsearch.amazonaws.com/2013-01-01/search";
        let sent = request("POST", &format!("{uri}?format=sdk&pretty=true"), &form, "q=a%20b&size=1");
        let wanted = [&format!("GET {uri}?format=sdk&pretty=true&q=a%20b&size=1"), "x-own: 1", ""];
        assert_eq!(lines(&plain(&sent)), wanted);
        for (method, uri) in [("POST", "https://a.amazonaws.com/other"), ("GET", uri)] {
            let other = request(method, uri, &form, "q=a");
            assert!(matches!(plain(&other), Cow::Borrowed(_)), "{method} {uri}");
        }
    }

    #[test]
    fn both_ways_to_name_a_bucket_are_one() {
        for uri in [
            "https://my-bucket.s3.eu-west-1.amazonaws.com/a%20b/c",
            "https://my-bucket.s3.amazonaws.com/a%20b/c",
            "https://s3.eu-west-1.amazonaws.com/my-bucket/a%20b/c",
            "https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com/a%20b/c",
        ] {
            let given = request("GET", uri, &[S3_SCOPE], "");
            let made = plain(&given);
            assert_eq!(lines(&made)[0], "GET https://s3.eu-west-1.amazonaws.com/my-bucket/a%20b/c", "{uri}");
            assert!(matches!(plain(&made), Cow::Borrowed(_)), "{uri}: the plain form is plain");
        }
    }

    #[test]
    fn a_bucket_before_a_name_of_this_machine_is_one_where_s3_is_meant() {
        for (uri, wanted) in [
            ("http://my-bucket.localhost:9000/a/b", "http://localhost/my-bucket/a/b"),
            ("http://www.example.com.localhost:9000//a", "http://localhost/www.example.com//a"),
            ("http://localhost:9000/my-bucket/a", "http://localhost:9000/my-bucket/a"),
            (
                "http://123456789012.localhost:9000/v20180820/jobs",
                "http://123456789012.localhost:9000/v20180820/jobs",
            ),
        ] {
            let given = request("GET", uri, &[S3_SCOPE], "");
            assert_eq!(plain(&given).uri().to_string(), wanted);
        }
        let other = request("GET", "http://my-bucket.localhost:9000/a/b", &[], "");
        assert!(matches!(plain(&other), Cow::Borrowed(_)));
    }

    #[test]
    fn the_answer_of_an_object_lambda_names_no_bucket() {
        let route = "https://io-cell1.s3-object-lambda.eu-west-1.amazonaws.com";
        for (path, wanted) in [
            ("/WriteGetObjectResponse", format!("{route}/WriteGetObjectResponse")),
            ("/key", "https://s3-object-lambda.eu-west-1.amazonaws.com/io-cell1/key".to_owned()),
        ] {
            let given = request("POST", &format!("{route}{path}"), &[], "");
            let made = plain(&given);
            assert_eq!(made.uri().to_string(), wanted);
            assert!(matches!(plain(&made), Cow::Borrowed(_)), "the plain form is plain");
        }
    }

    #[test]
    fn a_bucket_alone_ends_without_a_slash() {
        for (uri, wanted) in [
            ("https://b.s3.eu-west-1.amazonaws.com/?list-type=2", "/b?list-type=2"),
            ("https://b.s3.eu-west-1.amazonaws.com", "/b"),
            ("http://127.0.0.1:9/b/?list-type=2", "/b?list-type=2"),
            ("http://127.0.0.1:9/b/folder/", "/b/folder/"),
            ("http://127.0.0.1:9/?x-id=ListBuckets", "/?x-id=ListBuckets"),
        ] {
            let given = request("GET", uri, &[S3_SCOPE], "");
            assert_eq!(plain(&given).uri().path_and_query().unwrap().as_str(), wanted, "{uri}");
        }
    }

    #[test]
    fn a_chunked_body_is_the_same_as_a_whole_one() {
        let chunked = request(
            "PUT",
            "http://127.0.0.1:9/b/k",
            &[
                S3_SCOPE,
                ("content-encoding", "aws-chunked"),
                ("x-amz-trailer", "x-amz-checksum-crc32"),
                ("x-amz-decoded-content-length", "5"),
                ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                ("x-amz-sdk-checksum-algorithm", "CRC32"),
                ("x-amz-meta-a", "1"),
            ],
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        );
        let whole = request(
            "PUT",
            "http://127.0.0.1:9/b/k",
            &[
                S3_SCOPE,
                ("x-amz-checksum-crc32", "NhCmhg=="),
                ("x-amz-sdk-checksum-algorithm", "CRC32"),
                ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
                ("x-amz-meta-a", "1"),
            ],
            "hello",
        );
        assert_eq!(lines(&plain(&chunked)), lines(&plain(&whole)));
        assert_eq!(lines(&plain(&whole)), ["PUT http://127.0.0.1:9/b/k", "x-amz-meta-a: 1", "hello"]);
    }

    #[test]
    fn an_objects_own_encoding_stays() {
        let chunked = request(
            "PUT",
            "http://127.0.0.1:9/b/k",
            &[
                S3_SCOPE,
                ("content-encoding", "gzip, aws-chunked"),
                ("x-amz-decoded-content-length", "0"),
            ],
            "0\r\n\r\n",
        );
        assert_eq!(plain(&chunked).headers()[CONTENT_ENCODING], "gzip");
    }

    #[test]
    fn a_presigned_url_becomes_a_signed_request() {
        let presigned = "https://b.s3.eu-west-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&versionId=3&X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&x-amz-acl=private&X-Amz-Security-Token=secret&X-Amz-Signature=00&x-id=GetObject";
        let given = request("GET", presigned, &[], "");
        let made = plain(&given);
        assert_eq!(
            lines(&made),
            [
                "GET https://s3.eu-west-1.amazonaws.com/b/k?versionId=3&x-id=GetObject",
                "x-amz-acl: private",
                ""
            ]
        );
        let scope = scope::of(made.uri(), made.headers()).unwrap();
        assert_eq!((scope.service.as_str(), scope.region.as_deref()), ("s3", Some("eu-west-1")));
        assert!(!format!("{:?}", made.headers()).contains("AKID"));
    }

    #[test]
    fn a_presigned_url_of_another_service_keeps_its_parameters() {
        let presigned = "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=00";
        let given = request("GET", presigned, &[], "");
        let made = plain(&given);
        assert_eq!(made.uri().query(), Some("Action=GetCallerIdentity&Version=2011-06-15"));
        assert_eq!(scope::region_of(made.uri(), made.headers()).as_deref(), Some("us-east-1"));
    }

    #[test]
    fn an_old_presigned_url_is_read_too() {
        let given = request(
            "GET",
            "https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKID&Signature=a%3D&Expires=1",
            &[],
            "",
        );
        assert_eq!(lines(&plain(&given))[0], "GET https://s3.amazonaws.com/b/k");
    }

    #[test]
    fn other_requests_stay_as_they_are() {
        let others = [
            request("POST", "https://proton.us-east-1.amazonaws.com/", &[("x-amz-target", "a.b")], "{}"),
            request("GET", "https://lambda.us-east-1.amazonaws.com/functions/?a=b", &[], ""),
            request("GET", "/b/k?x-id=GetObject", &[], ""),
        ];
        for other in &others {
            assert!(matches!(plain(other), Cow::Borrowed(_)), "{}", other.uri());
        }
    }
}
