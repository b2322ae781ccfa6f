//! URLs that name the upstream, or one of Ferrotape's own doors, in the place of AWS.
//!
//! An emulator writes its own address into its answers (the URL of a queue), and a client that was
//! told our address makes URLs of it (`TemplateURL`). Neither may enter a cassette or a key: there
//! stands the URL that AWS has for the same thing. [`text`] finds such URLs, [`aws`] knows what AWS
//! calls them, and [`message`] changes them in whole messages.

pub mod aws;
pub mod message;
pub mod text;

use crate::special_addresses;
use http::Uri;
use std::net::{IpAddr, SocketAddr};

/// The rule by which a cassette lists the places in which the upstream's address stood.
pub const UPSTREAM_ADDRESS: &str = "upstream-address";

/// Spellings of this machine.
const LOOPBACK: [&str; 4] = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"];
/// Names below which every name is this machine: RFC 6761, section 6.3, and the domain that
/// LocalStack puts into its URLs.
const LOCAL_DOMAINS: [&str; 2] = ["localhost", "localhost.localstack.cloud"];

/// An address that a text may name.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its hosts, in lower case.
    hosts: Vec<String>,
    /// Hosts below which a name is the place too: what stands before is a service or a bucket.
    domains: Vec<String>,
    port: String,
    /// The scheme with which the port need not be said.
    implied_by: Option<&'static str>,
    /// The path below which all of it is, without a slash at its end.
    base: String,
}

impl Place {
    /// The place of a base URL; nothing where it names no host.
    pub fn of_url(url: &Uri) -> Option<Place> {
        let host = url.host()?.to_ascii_lowercase();
        let implied_by = match (url.scheme_str(), url.port_u16()) {
            (Some("https"), None | Some(443)) => Some("https"),
            (_, None | Some(80)) => Some("http"),
            _ => None,
        };
        let usual = if implied_by == Some("https") { 443 } else { 80 };
        let mut place = Place::local(url.port_u16().unwrap_or(usual));
        if !is_loopback(&host) {
            place.hosts.clear();
            place.domains.retain(|domain| domain != "localhost");
            place.domains.push(host.clone());
        }
        place.add(&host);
        place.implied_by = implied_by;
        url.path().trim_end_matches('/').clone_into(&mut place.base);
        Some(place)
    }

    /// A host of AWS at the port of plain HTTP. No service says so of itself, but an emulator that was
    /// asked by that name does.
    pub fn of_plain_http(host: &str) -> Place {
        Place {
            hosts: vec![host.to_ascii_lowercase()],
            domains: Vec::new(),
            implied_by: Some("http"),
            ..Place::local(80)
        }
    }

    /// The place at which this process listens, under loopback's names and these.
    pub fn of_listener(address: SocketAddr, names: &[String]) -> Place {
        let mut place = Place::local(address.port());
        names.iter().for_each(|name| place.add(&name.to_ascii_lowercase()));
        place.add(&match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        place
    }

    fn local(port: u16) -> Place {
        Place {
            hosts: LOOPBACK.map(str::to_owned).into(),
            domains: LOCAL_DOMAINS.map(str::to_owned).into(),
            port: port.to_string(),
            implied_by: None,
            base: String::new(),
        }
    }

    fn add(&mut self, host: &str) {
        if !self.hosts.iter().any(|known| known == host) {
            self.hosts.push(host.to_owned());
        }
    }

    /// Whether bytes may name the place: nothing more need be done where they do not.
    pub fn may_be_in(&self, bytes: &[u8]) -> bool {
        let holds = |needle: &str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
        match self.implied_by {
            Some(_) => self.hosts.iter().chain(&self.domains).any(|host| holds(host)),
            None => holds(&self.port),
        }
    }
}

/// Whether a host is this machine or one of its network, which emulators run on: a name without a dot
/// is one that a container has.
fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => special_addresses::special(address).is_some(),
        Err(_) => is_loopback(host) || !host.is_empty() && !host.contains('.'),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => address.to_canonical().is_loopback() || address.is_unspecified(),
        Err(_) => LOCAL_DOMAINS.iter().any(|domain| is_below(host, domain)),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
