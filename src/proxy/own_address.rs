//! The upstream's address and our own in what passes through: AWS's URL stands there in everything
//! that is judged, matched and kept, and each side gets the URL by which it reaches the thing.
//!
//! At the endpoint door a client gets our own URL, because that is its AWS; through the intercept door
//! it gets AWS's, which leads back through the proxy. The upstream gets its own. A request that the
//! client signed itself goes on as it is: there no part of it may change.

use super::address::Address;
use super::{Arrival, Door};
use crate::cassette::{Interaction, Redacted};
use crate::inspect::{Call, bucket_in_host, presigned, whole};
use crate::model::http::Binding;
use crate::model::schema::ShapeKind;
use crate::own_url::aws::{Around, host_of};
use crate::own_url::text::{Mention, Target, local_urls, replaced, replaced_aws};
use crate::own_url::{Place, UPSTREAM_ADDRESS, message};
use crate::scope::{self, Scope};
use crate::wire::{self, Request, Response};
use http::Uri;
use http::header::{HOST, HeaderMap};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::SocketAddr;
use std::sync::OnceLock;

/// The region of a call that tells none.
const USUAL_REGION: &str = "us-east-1";
/// A request names no more places than these.
const MOST_PLACES: usize = 4;
/// What is escaped of a session's name or of a token in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');

/// The addresses of one run.
#[derive(Debug, Default)]
pub struct OwnAddress {
    door: OnceLock<Place>,
    upstream: Option<(Place, Uri)>,
}

/// A request that names our door.
pub struct Asked {
    /// As AWS would have been asked.
    pub at_aws: Request,
    /// As the upstream is.
    pub at_upstream: Request,
}

/// A response that names the upstream.
pub struct Answered {
    /// As AWS would have answered.
    pub at_aws: Response,
    /// As the client gets it.
    pub at_client: Response,
    /// Where the upstream was named, by pointers into the response.
    pub places: Vec<String>,
}

impl OwnAddress {
    /// The addresses of a run with this `--upstream`.
    pub fn new(upstream: Option<Uri>) -> OwnAddress {
        OwnAddress {
            door: OnceLock::new(),
            upstream: upstream.and_then(|url| Some((Place::of_url(&url)?, url))),
        }
    }

    /// Takes note of where the doors are.
    pub fn listen(&self, address: SocketAddr, names: &[String]) {
        // A server listens once.
        let _ = self.door.set(Place::of_listener(address, names));
    }

    /// A request without our own address and the upstream's; nothing where it names neither.
    pub fn asked(&self, request: &Request) -> Option<Asked> {
        let door = self.door.get().filter(|door| may_name(door, request));
        let upstream = self.upstream.as_ref().filter(|(place, _)| may_name(place, request));
        if door.is_none() && upstream.is_none() {
            return None;
        }
        let scope = scope::of(request.uri(), request.headers());
        let around = around(scope.as_ref());
        let joined = joined(request);
        let joined = joined.as_ref().unwrap_or(request);
        let base = self.upstream.as_ref().map_or("", |(_, url)| url.path().trim_end_matches('/'));
        let of_door = |mention: &Mention<'_>| Some(unsigned_at_aws(mention, &around, mention.session_length()));
        let of_upstream = |mention: &Mention<'_>| Some(unsigned_at_aws(mention, &around, mention.skips(base)?));
        let is_object = is_object(&around, joined);
        let at_aws = message::request(joined, &|wire, text| {
            let first = door.and_then(|door| replaced(text, door, &of_door));
            let second = upstream.filter(|_| !(is_object && wire.starts_with("/body")));
            second
                .and_then(|(place, _)| replaced(first.as_deref().unwrap_or(text), place, &of_upstream))
                .or(first)
        })?;
        let back = |url: &Uri, mention: &Mention<'_>| Some(target_at(url, mention.session_length()));
        let at_upstream = match (door, &self.upstream) {
            (Some(door), Some((_, url))) => {
                let changed = message::request(joined, &|_, text| replaced(text, door, &|mention| back(url, mention)));
                changed.unwrap_or_else(|| request.clone())
            }
            (Some(_), None) => at_aws.clone(),
            (None, _) => request.clone(),
        };
        Some(Asked { at_aws, at_upstream })
    }

    /// What is said of an answer that passes through as it is, where it names the upstream.
    pub fn left_in(&self, headers: &HeaderMap, so_far: &[u8]) -> &'static str {
        let Some((place, _)) = &self.upstream else { return "" };
        match place.may_be_in(so_far) || headers.values().any(|value| place.may_be_in(value.as_bytes())) {
            true => ", so that the upstream's own address in it stays; a client that uses that address passes Ferrotape by",
            false => "",
        }
    }

    /// A response without the upstream's address; nothing where it does not name it. `came`: the
    /// request as it came.
    pub fn answered(
        &self,
        arrival: &Arrival,
        came: &Request,
        address: &Address,
        call: Option<&Call>,
        response: &Response,
    ) -> Option<Answered> {
        let (place, url) = self.upstream.as_ref()?;
        // S3 itself says `http` of its buckets.
        let plain = call
            .filter(|call| call.service.sdk_id != "S3")
            .and_then(|_| address.uri.host())
            .map(Place::of_plain_http);
        let places = [Some(place), plain.as_ref()];
        let is_there = |bytes: &[u8]| places.iter().flatten().any(|place| place.may_be_in(bytes));
        let encoded = response.headers().contains_key("content-encoding");
        let may_name = encoded || is_there(response.body()) || response.headers().values().any(|value| is_there(value.as_bytes()));
        if !may_name {
            return None;
        }
        let with_body = call.is_none_or(|call| !answers_with_payload(call));
        let scope = scope::of(came.uri(), came.headers());
        let region = call.and_then(|call| call.region.as_deref());
        let around = Around {
            service: scope.as_ref().map_or("", |scope| scope.service.as_str()),
            region: region.unwrap_or(USUAL_REGION),
            host: address.uri.host(),
        };
        let base = url.path().trim_end_matches('/');
        let aws = |mention: &Mention<'_>| Some(target_at_aws(mention, &around, mention.skips(base)?));
        let with_tls = |mention: &Mention<'_>| mention.is_url.then(|| at_its_own_host(&around));
        let named = |text: &str, target: &dyn Fn(&Mention<'_>) -> Option<Target>| {
            let first = replaced(text, place, target);
            let second = plain
                .as_ref()
                .and_then(|plain| replaced(first.as_deref().unwrap_or(text), plain, &with_tls));
            second.or(first)
        };
        let (at_aws, places) = message::response(response, with_body, &|_, text| named(text, &aws))?;
        let at_client = way_back(arrival, came).and_then(|way| {
            let back = |mention: &Mention<'_>| Some(way.target(&host_of(mention, &around), mention.skips(base)?));
            message::response(response, with_body, &|_, text| named(text, &back))
        });
        Some(Answered {
            at_client: at_client.map_or_else(|| at_aws.clone(), |(response, _)| response),
            at_aws,
            places,
        })
    }
}

/// A request without the addresses of this machine and of its network, as a recording has it whose
/// upstream is one of them: a replay knows no upstream. Nothing where it names none.
pub fn without_local(request: &Request) -> Option<Request> {
    let joined = joined(request);
    let request = joined.as_ref().unwrap_or(request);
    let places = local_places(request);
    if places.is_empty() {
        return None;
    }
    let scope = scope::of(request.uri(), request.headers());
    let around = around(scope.as_ref());
    let is_object = is_object(&around, request);
    let target = |mention: &Mention<'_>| Some(unsigned_at_aws(mention, &around, 0));
    message::request(request, &|wire, text| {
        if is_object && wire.starts_with("/body") {
            return None;
        }
        let mut changed: Option<String> = None;
        for place in &places {
            changed = replaced(changed.as_deref().unwrap_or(text), place, &target).or(changed);
        }
        changed
    })
}

/// The places of this machine and its network that a request names.
fn local_places(request: &Request) -> Vec<Place> {
    let target = request.uri().path_and_query().map_or("", |path| path.as_str());
    let headers = request.headers().iter().filter(|(name, _)| **name != HOST);
    let mut found: Vec<Uri> = Vec::new();
    let texts = std::iter::once(target.as_bytes()).chain(headers.map(|(_, value)| value.as_bytes()));
    for text in texts.chain(std::iter::once(&request.body()[..])) {
        for url in local_urls(&String::from_utf8_lossy(text)) {
            if found.len() < MOST_PLACES && !found.contains(&url) {
                found.push(url);
            }
        }
    }
    found.iter().filter_map(Place::of_url).collect()
}

/// A body in chunks of its own as one.
fn joined(request: &Request) -> Option<Request> {
    let is_chunked = request.headers().contains_key("x-amz-decoded-content-length");
    if is_chunked { whole(request).ok() } else { None }
}

/// What is known of a request before its call is.
fn around(scope: Option<&Scope>) -> Around<'_> {
    Around {
        service: scope.map_or("", |scope| scope.service.as_str()),
        region: scope.and_then(|scope| scope.region.as_deref()).unwrap_or(USUAL_REGION),
        host: None,
    }
}

/// Whether the body of a request is a program's own: an object is what it is.
fn is_object(around: &Around<'_>, request: &Request) -> bool {
    let is_xml = wire::media_type(request.headers()).is_some_and(|media_type| media_type.ends_with("xml"));
    matches!(around.service, "s3" | "s3express") && request.method() == http::Method::PUT && !is_xml
}

/// Marks the places of an interaction in which the upstream's address stood.
pub fn mark(interaction: &mut Interaction, places: &[String]) {
    interaction.redacted.extend(places.iter().map(|place| Redacted {
        path: format!("/response{place}"),
        member: None,
        rule: UPSTREAM_ADDRESS.to_owned(),
        breaks: Vec::new(),
    }));
}

/// The places of an interaction's response in which the upstream's address stood.
pub fn marked(interaction: &Interaction) -> Vec<String> {
    let places = interaction.redacted.iter().filter(|place| place.rule == UPSTREAM_ADDRESS);
    places
        .filter_map(|place| place.path.strip_prefix("/response").map(str::to_owned))
        .collect()
}

/// A recorded response as a client gets it: at the endpoint door, URLs of AWS at these places lead
/// back to that door. `came`: the request as it came.
pub fn replayed(arrival: &Arrival, came: &Request, places: &[String], response: Response) -> Response {
    if places.is_empty() {
        return response;
    }
    let Some(way) = way_back(arrival, came) else { return response };
    let back = |mention: &Mention<'_>| Some(way.target(mention.labels, 0));
    let at_places = |wire: &str, text: &str| match places.iter().any(|place| place == wire) {
        true => replaced_aws(text, &back),
        false => None,
    };
    // An answer in the protocol of another caller has its members at other places.
    let anywhere = |_: &str, text: &str| replaced_aws(text, &back);
    let changed = message::response(&response, true, &at_places).or_else(|| message::response(&response, true, &anywhere));
    changed.map_or(response, |(changed, _)| changed)
}

/// Our own URL as the client at the endpoint door spells it.
struct WayBack {
    authority: String,
    path: String,
}

impl WayBack {
    /// The target for what AWS has at a host, with its bucket in the path.
    fn target(&self, host: &str, skip: usize) -> Target {
        let bucket = bucket_in_host(host).map(|bucket| format!("/{bucket}")).unwrap_or_default();
        Target {
            scheme: "http".to_owned(),
            authority: self.authority.clone(),
            path: format!("{}{bucket}", self.path),
            skip,
        }
    }
}

fn way_back(arrival: &Arrival, came: &Request) -> Option<WayBack> {
    let authority = came.uri().authority().filter(|_| arrival.door == Door::Endpoint)?;
    let escaped = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    // An application id names a session, too, and no path.
    let session = arrival.session.as_deref().filter(|_| arrival.signed_path.is_some());
    let token = arrival.token.as_deref().map(|token| format!(":{}", escaped(token)));
    Some(WayBack {
        authority: authority.to_string(),
        path: session.map_or_else(String::new, |name| format!("/@{}{}", escaped(name), token.unwrap_or_default())),
    })
}

fn may_name(door: &Place, request: &Request) -> bool {
    let in_path = request
        .uri()
        .path_and_query()
        .is_some_and(|path| door.may_be_in(path.as_str().as_bytes()));
    let mut headers = request.headers().iter().filter(|(name, _)| **name != HOST);
    in_path || door.may_be_in(request.body()) || headers.any(|(_, value)| door.may_be_in(value.as_bytes()))
}

fn target_at_aws(mention: &Mention<'_>, around: &Around<'_>, skip: usize) -> Target {
    Target {
        scheme: "https".to_owned(),
        authority: host_of(mention, around),
        path: String::new(),
        skip,
    }
}

/// The same for a URL that a client made. Where it presigned the URL, it did so for our host and with
/// its key of the run: the signature is worth nothing at AWS, and another in every run.
fn unsigned_at_aws(mention: &Mention<'_>, around: &Around<'_>, skip: usize) -> Target {
    let target = target_at_aws(mention, around, skip);
    let rest = mention.plain_rest().and_then(|rest| rest.get(skip..)).unwrap_or_default();
    let Some((path, query)) = rest.split_once('?') else { return target };
    let Some(presigned) = presigned(query) else { return target };
    let mark = if presigned.query.is_empty() { "" } else { "?" };
    Target {
        path: format!("{path}{mark}{}", presigned.query),
        skip: skip + rest.len(),
        ..target
    }
}

fn at_its_own_host(around: &Around<'_>) -> Target {
    Target {
        scheme: "https".to_owned(),
        authority: around.host.unwrap_or_default().to_owned(),
        path: String::new(),
        skip: 0,
    }
}

/// Emulators know an object's URL by `localhost`, and take the first number of an address for a
/// bucket before a host.
fn target_at(url: &Uri, skip: usize) -> Target {
    let authority = url.authority().map(ToString::to_string).unwrap_or_default();
    let authority = match authority.strip_prefix("127.0.0.1") {
        Some(port) => format!("localhost{port}"),
        None => authority,
    };
    Target {
        scheme: url.scheme_str().unwrap_or("http").to_owned(),
        authority,
        path: url.path().trim_end_matches('/').to_owned(),
        skip,
    }
}

/// Whether the body of an answer is a program's own: an object, what a function returned.
fn answers_with_payload(call: &Call) -> bool {
    let members = call.service.shape(call.operation().output).members();
    members.iter().any(|member| {
        let kind = &call.service.shape(member.target).kind;
        member.binding == Binding::Payload && matches!(kind, ShapeKind::Blob | ShapeKind::String(_))
    })
}
