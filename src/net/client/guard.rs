//! Refuses the addresses that only ever mean an attack: cloud metadata and link-local ones. Private ranges and loopback are
//! where self-hosted engines live, and are allowed. It knows no request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Where clouds answer every process of a machine with the machine's own credentials: AWS, Azure, Google and others; ECS; EKS; Alibaba.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);
const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata.goog", "metadata"];

/// Checks what needs no DNS. hyper skips the resolver for literal addresses, so that they are checked here. `allow_link_local`: the
/// user wants an address of the local link; metadata services are refused all the same.
///
/// # Errors
/// When it is never asked; the text says why.
pub fn check_url(url: &Url, allow_link_local: bool) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are spoken".to_owned());
    }
    match url.host() {
        None => Err("the address has no host".to_owned()),
        Some(Host::Ipv4(address)) => check_address(IpAddr::V4(address), allow_link_local),
        Some(Host::Ipv6(address)) => check_address(IpAddr::V6(address), allow_link_local),
        Some(Host::Domain(name)) => check_name(name),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let bare = name.trim_end_matches('.').to_ascii_lowercase();
    if METADATA_NAMES.contains(&bare.as_str()) {
        return Err("a cloud metadata service is never asked".to_owned());
    }
    Ok(())
}

/// Refuses metadata and unspecified addresses, and, unless allowed, link-local ones, in whatever IPv6 form they are dressed.
pub(super) fn check_address(address: IpAddr, allow_link_local: bool) -> Result<(), String> {
    let (v4, v6) = match address.to_canonical() {
        IpAddr::V4(v4) => (Some(v4), None),
        IpAddr::V6(v6) => (embedded(v6), Some(v6)),
    };
    // All of 0.0.0.0/8 is "this host", whatever the last digits say.
    let nowhere = v4.is_some_and(|v4| v4.octets().first() == Some(&0)) || v6.is_some_and(|v6| v6.is_unspecified());
    let metadata = v4.is_some_and(|v4| METADATA_V4.contains(&v4)) || v6 == Some(METADATA_V6);
    if nowhere || metadata {
        return Err("link-local and metadata addresses are never asked".to_owned());
    }
    let link_local = v4.is_some_and(|v4| v4.is_link_local()) || v6.is_some_and(|v6| v6.is_unicast_link_local());
    if link_local && !allow_link_local {
        return Err("link-local and metadata addresses are never asked".to_owned());
    }
    Ok(())
}

/// The IPv4 address inside an IPv4-compatible, NAT64 (`64:ff9b::/96`) or 6to4 (`2002::/16`) address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (s0, s1) {
        (0x2002, _) => Some(v4(s1, s2)),
        (0x0064, 0xff9b) => Some(v4(s6, s7)),
        (0, 0) if [s2, s3, s4, s5] == [0; 4] && s6 != 0 => Some(v4(s6, s7)),
        _ => None,
    }
}

/// The system's resolver, whose answers are checked: a name may point anywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuardedResolver {
    pub(super) allow_link_local: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_link_local = self.allow_link_local;
        Box::pin(async move {
            check_name(name.as_str())?;
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One bad address refuses the name: an answer that mixes them is an attack.
            for address in &found {
                check_address(address.ip(), allow_link_local)?;
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}
