//! The addresses that are no public host: the one table of them.
//!
//! Source: IANA's special-purpose address registries of IPv4 and IPv6 (RFC 6890 and its
//! successors), with multicast (RFC 5771, RFC 4291), the deprecated site-local addresses (RFC 3879)
//! and IPv4-translated ones (RFC 2765), which stand in other registries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses.
struct Block<A> {
    first: A,
    /// How many of the leading bits are the block's.
    bits: u32,
    /// What lives there.
    what: &'static str,
}

const LOOPBACK: &str = "this machine itself";
const PRIVATE: &str = "a private address";
const SHARED: &str = "a shared address";
const LINK_LOCAL: &str = "a link-local address (instance and container credentials live there)";
const PROTOCOL: &str = "an address of an IETF protocol";
const DOCUMENTATION: &str = "an address for documentation";
const BENCHMARK: &str = "an address for benchmarks";
const DELEGATION: &str = "an address of the AS112 name servers";
const MULTICAST: &str = "a multicast address";
const UNUSABLE: &str = "not the address of one host";
const TRANSLATED: &str = "an address of a translator to IPv4";

const IPV4: &[Block<Ipv4Addr>] = &[
    v4([0, 0, 0, 0], 8, UNUSABLE),
    v4([10, 0, 0, 0], 8, PRIVATE),
    v4([100, 64, 0, 0], 10, SHARED),
    v4([127, 0, 0, 0], 8, LOOPBACK),
    v4([169, 254, 0, 0], 16, LINK_LOCAL),
    v4([172, 16, 0, 0], 12, PRIVATE),
    v4([192, 0, 0, 0], 24, PROTOCOL),
    v4([192, 0, 2, 0], 24, DOCUMENTATION),
    v4([192, 31, 196, 0], 24, DELEGATION),
    v4([192, 52, 193, 0], 24, PROTOCOL),
    v4([192, 88, 99, 0], 24, PROTOCOL),
    v4([192, 168, 0, 0], 16, PRIVATE),
    v4([192, 175, 48, 0], 24, DELEGATION),
    v4([198, 18, 0, 0], 15, BENCHMARK),
    v4([198, 51, 100, 0], 24, DOCUMENTATION),
    v4([203, 0, 113, 0], 24, DOCUMENTATION),
    v4([224, 0, 0, 0], 4, MULTICAST),
    v4([240, 0, 0, 0], 4, UNUSABLE),
];

const IPV6: &[Block<Ipv6Addr>] = &[
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, UNUSABLE),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, LOOPBACK),
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, TRANSLATED),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, TRANSLATED),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, UNUSABLE),
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, UNUSABLE),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, PROTOCOL),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, DOCUMENTATION),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, DELEGATION),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, DOCUMENTATION),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, UNUSABLE),
    v6(
        [0xfc00, 0, 0, 0, 0, 0, 0, 0],
        7,
        "a private address (instance credentials live there)",
    ),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, LINK_LOCAL),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, PRIVATE),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, MULTICAST),
];

/// The blocks of this machine and its network, as CIDR: what a program reaches without a proxy.
pub const LOCAL_IPV4: [&str; 6] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
];

const fn v4([a, b, c, d]: [u8; 4], bits: u32, what: &'static str) -> Block<Ipv4Addr> {
    Block {
        first: Ipv4Addr::new(a, b, c, d),
        bits,
        what,
    }
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], bits: u32, what: &'static str) -> Block<Ipv6Addr> {
    Block {
        first: Ipv6Addr::new(a, b, c, d, e, f, g, h),
        bits,
        what,
    }
}

/// What is special about an address: it is of this machine, its network, or of nobody. Nothing for
/// the address of a public host.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let holds = |block: &&Block<Ipv4Addr>| (address.to_bits() ^ block.first.to_bits()).leading_zeros() >= block.bits;
    IPV4.iter().find(holds).map(|block| block.what)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let holds = |block: &&Block<Ipv6Addr>| (address.to_bits() ^ block.first.to_bits()).leading_zeros() >= block.bits;
    if let Some(block) = IPV6.iter().find(holds) {
        return Some(block.what);
    }
    if let Some(carried) = carried(address) {
        return special_v4(carried);
    }
    // All that is assigned to hosts lies in 2000::/3.
    (address.segments()[0] & 0xe000 != 0x2000).then_some(UNUSABLE)
}

/// The IPv4 address inside of a compatible, a translated (RFC 6052) or a 6to4 one (RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let joined = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_special(address: &str) -> bool {
        special(address.parse().unwrap()).is_some()
    }

    /// The first and the last address of each block, with the public neighbors where there are any.
    #[test]
    fn each_block_begins_and_ends_where_the_registries_say() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.31.196.0", "192.31.196.255"),
            ("192.52.193.0", "192.52.193.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("192.175.48.0", "192.175.48.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("::ffff:0:0:0", "::ffff:0:ffff:ffff"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::1:ffff:ffff:ffff:ffff"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert!(is_special(first) && is_special(last), "{first} to {last}");
        }
        for public in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.114.0",
            "223.255.255.255",
            "2001:200::",
            "2001:db9::",
            "2600:1f18::1",
            "2620:4f:8001::",
            "3ffe:ffff::",
            "2a05:d018::1",
        ] {
            assert!(!is_special(public), "{public}");
        }
    }

    #[test]
    fn an_ipv6_address_that_carries_one_of_ipv4_is_what_that_is() {
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "64:ff9b::c612:1",
            "2002:c000:8::",
        ] {
            assert!(is_special(address), "{address}");
        }
        for address in ["::ffff:52.94.1.1", "64:ff9b::345e:101", "2002:345e:101::"] {
            assert!(!is_special(address), "{address}");
        }
    }

    #[test]
    fn the_blocks_of_the_own_network_are_special() {
        for block in LOCAL_IPV4 {
            let (first, bits) = block.split_once('/').unwrap();
            let listed = IPV4.iter().find(|block| block.first.to_string() == first).unwrap();
            assert_eq!(listed.bits.to_string(), bits, "{block}");
        }
    }
}
