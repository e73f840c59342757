//! What this machine is called in its network.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use sysinfo::{Networks, System};

/// Where a page that listens there is found by others, ready to be typed into a browser.
pub(crate) fn of(listen: SocketAddr) -> Vec<String> {
    if !listen.ip().is_unspecified() {
        return vec![format!("http://{listen}")];
    }
    let port = listen.port();
    let reached = |address: &IpAddr| listen.is_ipv6() || address.is_ipv4();
    here().into_iter().filter(reached).map(|address| format!("http://{}", SocketAddr::new(address, port))).collect()
}

/// Names, in small letters, under which a browser may ask for this machine.
pub(crate) fn names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    if let Ok(name) = System::host_name().map(|name| name.to_ascii_lowercase()) {
        names.push(format!("{name}.local"));
        names.push(name);
    }
    names
}

/// Addresses that others can reach, the older kind first: it is shorter to type. One that needs the name of a network card
/// behind it cannot be typed into a browser.
fn here() -> Vec<IpAddr> {
    let Ok(networks) = Networks::new_with_refreshed_list() else { return Vec::new() };
    let all = networks.values().flat_map(sysinfo::NetworkData::ip_networks).map(|network| network.addr);
    let mut found: Vec<IpAddr> = all.filter(can_be_typed).collect();
    found.sort();
    found.dedup();
    found
}

fn can_be_typed(address: &IpAddr) -> bool {
    let of_one_card = |address: &Ipv6Addr| address.is_unicast_link_local();
    !address.is_loopback() && !matches!(address, IpAddr::V6(address) if of_one_card(address))
}
