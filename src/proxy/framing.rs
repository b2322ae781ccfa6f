//! What a request's head must be before anything else looks at it.
//!
//! hyper refuses broken framing itself (bad chunks, differing lengths, folded headers, control
//! characters). This file refuses what hyper lets through and what would make two readers of the
//! same request disagree, or lead a request elsewhere than it says. Requests go on re-serialised
//! from their parsed form, never as the bytes that came.

use super::{Authority, Refused};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Version};
use std::net::{IpAddr, Ipv4Addr};

/// The methods that AWS's APIs use.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// Checks all that does not depend on the door. `CONNECT` is checked by [`connect_target`].
pub fn check(method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
    if !METHODS.contains(method) {
        return Err(Refused::bad(format!("`{method}` is not a method of any AWS API")));
    }
    check_transfer_encoding(headers)?;
    check_upgrade(headers)?;
    check_expect(headers)
}

/// Anything but a lone `chunked` reads differently in different servers (RFC 9112, section 6.1). A
/// `Content-Length` beside it never comes here: hyper takes it out, as section 6.3 allows, and what
/// goes on is framed anew.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Refused> {
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(encoding) = encodings.next() else { return Ok(()) };
    if encodings.next().is_some() || !encoding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err(Refused::bad("the only `Transfer-Encoding` that is understood is `chunked`, once"));
    }
    Ok(())
}

/// Nothing is upgraded to here. Offers of HTTP/2 or TLS that HTTP libraries make by themselves are
/// passed over, as RFC 9110, section 7.8 allows; whoever wants another protocol is told.
fn check_upgrade(headers: &HeaderMap) -> Result<(), Refused> {
    for offer in headers.get_all(header::UPGRADE) {
        let offer = offer.to_str().unwrap_or_default().trim();
        let passed_over = offer.eq_ignore_ascii_case("h2c") || offer.to_ascii_uppercase().starts_with("TLS/");
        if !passed_over {
            return Err(Refused::bad(format!(
                "an upgrade to `{offer}` was asked for; only HTTP/1.1 is spoken here"
            )));
        }
    }
    Ok(())
}

fn check_expect(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(expectation) = headers.get(header::EXPECT) else {
        return Ok(());
    };
    if expectation.as_bytes().eq_ignore_ascii_case(b"100-continue") {
        return Ok(());
    }
    let reason = "the only `Expect` that is understood is `100-continue`".to_owned();
    Err(Refused {
        status: StatusCode::EXPECTATION_FAILED,
        reason,
    })
}

/// The one `Host` of a request. HTTP/1.0 may leave it out (RFC 9112, section 3.2).
pub fn host(version: Version, headers: &HeaderMap) -> Result<Option<&HeaderValue>, Refused> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        if version < Version::HTTP_11 {
            return Ok(None);
        }
        return Err(Refused::bad("the request has no `Host` header"));
    };
    if hosts.next().is_some() {
        return Err(Refused::bad("the request has more than one `Host` header"));
    }
    Ok(Some(host))
}

/// Reads `HOST[:PORT]` strictly: no user information, no path, no trick spelling of an address.
pub fn authority(text: &str, default_port: u16) -> Result<Authority, Refused> {
    let refuse = || Refused::bad(format!("`{}` is not a host with an optional port", text.escape_default()));
    let (host, port) = split_port(text).ok_or_else(refuse)?;
    let port = match port {
        Some(port) => parse_port(port).ok_or_else(refuse)?,
        None => default_port,
    };
    if host.contains(':') {
        let address: IpAddr = host.parse().map_err(|_| refuse())?;
        return Ok(Authority {
            host: address.to_string(),
            port,
        });
    }
    if !is_host_name(host) {
        return Err(refuse());
    }
    Ok(Authority {
        host: host.to_ascii_lowercase(),
        port,
    })
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        if !host.contains(':') {
            return None;
        }
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// Letters, digits, `-`, `_` and single dots. A name whose last label is a number must be a plain
/// IPv4 address: resolvers also take `2130706433` and `0x7f.1` for addresses.
fn is_host_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let labels_are_fine = name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    labels_are_fine && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// What a `CONNECT` asks for: the place of its request line, with which `Host` must agree where
/// there is one (Python sends `CONNECT` as HTTP/1.0 without it).
pub fn connect_target(target: Option<&http::uri::Authority>, version: Version, headers: &HeaderMap) -> Result<Authority, Refused> {
    let Some(target) = target else {
        return Err(Refused::bad("`CONNECT` wants `HOST:PORT`"));
    };
    if target.port().is_none() {
        return Err(Refused::bad(format!(
            "`CONNECT {}` names no port",
            target.as_str().escape_default()
        )));
    }
    let place = authority(target.as_str(), 443)?;
    if let Some(host) = host(version, headers)? {
        let named = authority(host.to_str().unwrap_or("?"), place.port)?;
        if named != place {
            return Err(Refused::bad(format!(
                "`CONNECT {place}` came with `Host: {named}`; they must agree"
            )));
        }
    }
    let no_body = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    if !no_body || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Refused::bad("`CONNECT` has no body"));
    }
    Ok(place)
}

/// Whether a host name means this machine: `localhost`, a name below it, or a loopback address.
pub fn is_loopback_name(host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name == "localhost" || name.ends_with(".localhost")
}

/// What only a browser sends, and what would let a web page use the endpoint door.
pub fn browser_origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    if let Some(origin) = headers.get(header::ORIGIN) {
        return Some(origin);
    }
    headers.get(&FETCH_SITE).filter(|site| *site != "none" && *site != "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_read_strictly() {
        let read = |text| authority(text, 443).map(|place| place.to_string()).ok();
        assert_eq!(
            read("Proton.us-east-1.amazonaws.com").as_deref(),
            Some("proton.us-east-1.amazonaws.com:443")
        );
        assert_eq!(read("example.com:8443").as_deref(), Some("example.com:8443"));
        assert_eq!(read("[::1]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(read("127.0.0.1").as_deref(), Some("127.0.0.1:443"));
        assert_eq!(
            read("my_bucket.s3.amazonaws.com").as_deref(),
            Some("my_bucket.s3.amazonaws.com:443")
        );
        for trick in [
            "",
            "a/b",
            "user@host",
            "host:",
            "host:0",
            "host:+1",
            "host:65536",
            "host:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[127.0.0.1]",
            "2130706433",
            "0x7f.1",
            "127.1",
            "a..b",
            "a b",
            "host\u{e4}",
            "256.1.1.1",
        ] {
            assert_eq!(read(trick), None, "{trick}");
        }
    }

    #[test]
    fn the_names_of_this_machine_are_known() {
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "my-bucket.localhost", "localhost."] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in ["attacker.example", "localhost.evil.example", "10.0.0.1", "notlocalhost"] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }

    #[test]
    fn an_upgrade_to_another_protocol_is_refused_and_an_offer_of_http_2_passed_over() {
        let with = |offer: &'static str| HeaderMap::from_iter([(header::UPGRADE, HeaderValue::from_static(offer))]);
        assert!(check(&Method::GET, &with("websocket")).is_err());
        assert!(check(&Method::GET, &with("h2c")).is_ok());
        assert!(check(&Method::GET, &with("TLS/1.2")).is_ok());
    }
}
