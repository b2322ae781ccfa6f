//! The hosts that the command reaches itself, past our proxy, in each form that some client reads:
//! this machine, its network, and what the user lists.
//!
//! Who reads what of `NO_PROXY`: Go, curl, Ruby, Rust and Python's requests know blocks of addresses
//! (CIDR); Java's SDK knows `*`; urllib (with it botocore and aiohttp), httpx, .NET, Guzzle and the
//! proxy libraries of npm know neither, only the end of a name, and take an address for a name. For
//! those all literal IPv4 addresses are listed by their last number: no service of AWS is called by
//! its address.

use crate::special_addresses::LOCAL_IPV4;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Never through a proxy: ourselves, and the addresses that vend credentials on AWS machines.
const OURSELVES: [&str; 5] = ["127.0.0.1", "localhost", "::1", "169.254.169.254", "169.254.170.2"];

/// The loopback and private addresses in the form that Java reads.
const WITH_STARS: [&str; 4] = ["127.*", "10.*", "192.168.*", "169.254.*"];

/// In upper case alone: httpx, which reads the lower case one, takes none of these.
const LOCAL_IPV6: [&str; 3] = ["[::1]", "fc00::/7", "fe80::/10"];

/// A host of `--pass-through`: a name with all that is below it, an address, or a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectHost {
    /// Lower case, without a dot at its ends.
    Name(String),
    /// One address.
    Address(IpAddr),
    /// The first address of a block, and its leading bits.
    Block(IpAddr, u8),
}

/// The text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectHostError {
    /// It is written otherwise.
    #[error("`{0}` is not a host; write a name, an address or a block of addresses, without scheme and port")]
    NoHost(String),
    /// It would take the calls away.
    #[error("`{0}` covers hosts of AWS, and calls to them are what Ferrotape is for; name the single host")]
    CoversAws(String),
}

impl DirectHost {
    /// Reads `registry.example`, `.example`, `*.example`, `10.1.2.3`, `::1`, `10.0.0.0/8`.
    ///
    /// # Errors
    /// Where it is none of them, or a domain with AWS's hosts below it.
    pub fn parse(text: &str, aws_suffixes: &[&str]) -> Result<DirectHost, DirectHostError> {
        let host = text.trim().to_ascii_lowercase();
        let no_host = || DirectHostError::NoHost(text.to_owned());
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
        if let Ok(address) = bare.parse() {
            return Ok(DirectHost::Address(address));
        }
        if let Some((first, bits)) = host.split_once('/') {
            return block(first, bits).ok_or_else(no_host);
        }
        if host == "*" {
            return Err(DirectHostError::CoversAws(text.to_owned()));
        }
        let name = host.strip_prefix('*').unwrap_or(&host);
        let name = name.strip_prefix('.').unwrap_or(name).trim_end_matches('.');
        let is_label = |label: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !label.is_empty() && label.bytes().all(is_letter)
        };
        if !name.split('.').all(is_label) {
            return Err(no_host());
        }
        if aws_suffixes.iter().any(|suffix| is_under(suffix, name)) {
            return Err(DirectHostError::CoversAws(text.to_owned()));
        }
        Ok(DirectHost::Name(name.to_owned()))
    }

    /// Whether a host (lower case, an address without brackets) is this one or below it.
    pub fn covers(&self, host: &str) -> bool {
        match self {
            DirectHost::Name(name) => is_under(host.trim_end_matches('.'), name),
            DirectHost::Address(address) => host.parse::<IpAddr>() == Ok(*address),
            DirectHost::Block(first, bits) => host.parse().is_ok_and(|address| in_block(address, *first, *bits)),
        }
    }

    /// As entries of `NO_PROXY`: some clients read `name` as the host alone, others with all below it.
    fn entries(&self) -> Vec<String> {
        match self {
            DirectHost::Name(name) => vec![name.clone(), format!(".{name}")],
            DirectHost::Address(address) => vec![address.to_string()],
            DirectHost::Block(IpAddr::V4(first), bits) => [self.to_string()].into_iter().chain(with_stars(*first, *bits)).collect(),
            // A block of IPv6 only in upper case, see above.
            DirectHost::Block(IpAddr::V6(_), _) => Vec::new(),
        }
    }
}

impl fmt::Display for DirectHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectHost::Name(name) => formatter.write_str(name),
            DirectHost::Address(address) => write!(formatter, "{address}"),
            DirectHost::Block(first, bits) => write!(formatter, "{first}/{bits}"),
        }
    }
}

fn block(first: &str, bits: &str) -> Option<DirectHost> {
    let first: IpAddr = first.parse().ok()?;
    let longest = if first.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse().ok().filter(|bits| *bits <= longest)?;
    Some(DirectHost::Block(first, bits))
}

fn in_block(address: IpAddr, first: IpAddr, bits: u8) -> bool {
    let shared = match (address, first) {
        (IpAddr::V4(address), IpAddr::V4(first)) => (address.to_bits() ^ first.to_bits()).leading_zeros(),
        (IpAddr::V6(address), IpAddr::V6(first)) => (address.to_bits() ^ first.to_bits()).leading_zeros(),
        _ => return false,
    };
    shared >= u32::from(bits)
}

/// The start of a block's addresses with a `*`, where the block ends between two numbers.
fn with_stars(first: Ipv4Addr, bits: u8) -> Option<String> {
    let [a, b, c, _] = first.octets();
    match bits {
        8 => Some(format!("{a}.*")),
        16 => Some(format!("{a}.{b}.*")),
        24 => Some(format!("{a}.{b}.{c}.*")),
        _ => None,
    }
}

fn is_under(name: &str, domain: &str) -> bool {
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether an entry of `NO_PROXY` exempts any AWS host: a name under an AWS domain, a domain
/// above one, or everything.
pub fn covers_aws(entry: &str, suffixes: &[&str]) -> bool {
    let entry = entry.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    let name = entry.split(':').next().unwrap_or_default();
    name == "*" || (!name.is_empty() && suffixes.iter().any(|suffix| is_under(name, suffix) || is_under(suffix, name)))
}

/// Which of the two variables a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Upper,
    Lower,
}

/// What a list is made of.
pub struct Lists<'a> {
    /// The entries of the parent's own list that stay.
    pub inherited: Vec<&'a str>,
    /// What the user lists.
    pub passed: &'a [DirectHost],
    /// Whether we are the proxy that is passed by. If not, only our endpoint must be.
    pub is_ours: bool,
}

impl Lists<'_> {
    /// `NO_PROXY`, each entry once.
    pub fn no_proxy(&self, case: Case) -> String {
        let mut entries: Vec<String> = self.inherited.iter().chain(&OURSELVES).map(ToString::to_string).collect();
        entries.extend(self.passed.iter().flat_map(DirectHost::entries));
        if self.is_ours {
            entries.push(".localhost".to_owned());
            entries.extend(LOCAL_IPV4.iter().chain(&WITH_STARS).map(ToString::to_string));
            entries.extend((16..32).map(|number| format!("172.{number}.*")));
            entries.extend((0..256).map(|number| format!(".{number}")));
        }
        if self.is_ours && case == Case::Upper {
            entries.extend(LOCAL_IPV6.map(str::to_owned));
            let blocks = self
                .passed
                .iter()
                .filter(|host| matches!(host, DirectHost::Block(IpAddr::V6(_), _)));
            entries.extend(blocks.map(ToString::to_string));
        }
        let mut seen = std::collections::HashSet::new();
        entries.retain(|entry| seen.insert(entry.clone()));
        entries.join(",")
    }

    /// `http.nonProxyHosts` of Java, behind what the parent says there.
    pub fn non_proxy_hosts(&self, inherited: &str) -> String {
        let mut hosts: Vec<String> = inherited.split('|').filter(|host| !host.is_empty()).map(str::to_owned).collect();
        hosts.extend(
            ["localhost", "*.localhost", "[::1]"]
                .iter()
                .chain(&WITH_STARS)
                .map(ToString::to_string),
        );
        hosts.extend((16..32).map(|number| format!("172.{number}.*")));
        hosts.extend(self.passed.iter().flat_map(|host| match host {
            DirectHost::Name(name) => vec![name.clone(), format!("*.{name}")],
            DirectHost::Address(IpAddr::V6(address)) => vec![format!("[{address}]")],
            DirectHost::Address(address) => vec![address.to_string()],
            DirectHost::Block(IpAddr::V4(first), bits) => with_stars(*first, *bits).into_iter().collect(),
            DirectHost::Block(..) => Vec::new(),
        }));
        let mut seen = std::collections::HashSet::new();
        hosts.retain(|host| seen.insert(host.clone()));
        hosts.join("|")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUFFIXES: &[&str] = &["amazonaws.com", "api.aws"];

    fn host(text: &str) -> Result<DirectHost, DirectHostError> {
        DirectHost::parse(text, SUFFIXES)
    }

    #[test]
    fn a_host_is_a_name_an_address_or_a_block() {
        for name in ["Registry.Example", ".registry.example", "*.registry.example", "registry.example."] {
            assert_eq!(host(name).unwrap(), DirectHost::Name("registry.example".to_owned()), "{name}");
        }
        assert_eq!(host("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(host("[::1]").unwrap(), host("::1").unwrap());
        for wrong in [
            "",
            "https://registry.example",
            "registry.example:443",
            "a b",
            "a..b",
            "10.0.0.0/33",
            "*",
        ] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_domain_above_aws_s_hosts_is_refused_and_a_single_one_is_not() {
        for wide in ["amazonaws.com", "*.com", "aws", "*"] {
            assert_eq!(host(wide).unwrap_err(), DirectHostError::CoversAws(wide.to_owned()));
        }
        assert!(host("abc-ats.iot.us-east-1.amazonaws.com").is_ok());
    }

    #[test]
    fn a_host_covers_what_is_below_it() {
        let covers = |pattern: &str, name: &str| host(pattern).unwrap().covers(name);
        assert!(covers("example", "example") && covers("example", "a.example") && !covers("example", "notexample"));
        assert!(covers("10.0.0.0/8", "10.1.2.3") && !covers("10.0.0.0/8", "11.1.2.3") && !covers("10.0.0.0/8", "fd00::1"));
        assert!(covers("fd00::/8", "fd00::1") && covers("::1", "::1") && !covers("::1", "::2"));
    }

    #[test]
    fn each_client_finds_its_form_once() {
        let passed = [
            host("registry.example").unwrap(),
            host("203.0.113.0/24").unwrap(),
            host("fd12::/16").unwrap(),
            host("fd00::7").unwrap(),
        ];
        let lists = Lists {
            inherited: vec!["internal", "localhost"],
            passed: &passed,
            is_ours: true,
        };
        let lower = lists.no_proxy(Case::Lower);
        let entries: Vec<&str> = lower.split(',').collect();
        let start = [
            "internal",
            "localhost",
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "169.254.170.2",
            "registry.example",
            ".registry.example",
            "203.0.113.0/24",
            "203.0.113.*",
            "fd00::7",
            ".localhost",
            "127.0.0.0/8",
            "10.0.0.0/8",
        ];
        assert_eq!(entries[..start.len()], start);
        for entry in ["10.*", "172.31.*", ".0", ".255"] {
            assert_eq!(entries.iter().filter(|found| **found == entry).count(), 1, "{entry}");
        }
        assert!(!lower.contains("::/"), "httpx takes no block of IPv6");
        let upper = lists.no_proxy(Case::Upper);
        assert_eq!(upper.strip_prefix(&lower), Some(",[::1],fc00::/7,fe80::/10,fd12::/16"));
        let java = lists.non_proxy_hosts("corp|*.corp");
        assert!(java.starts_with("corp|*.corp|localhost|*.localhost|[::1]|127.*|10.*|"), "{java}");
        assert!(
            java.ends_with("|registry.example|*.registry.example|203.0.113.*|[fd00::7]"),
            "{java}"
        );
    }

    #[test]
    fn without_a_proxy_of_ours_only_our_own_address_and_the_listed_hosts_are_direct() {
        let passed = [host("registry.example").unwrap()];
        let lists = Lists {
            inherited: vec![],
            passed: &passed,
            is_ours: false,
        };
        let expected = "127.0.0.1,localhost,::1,169.254.169.254,169.254.170.2,registry.example,.registry.example";
        assert_eq!(lists.no_proxy(Case::Upper), expected);
    }
}
