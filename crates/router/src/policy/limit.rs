//! How much one key and one address may ask for.

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// How much one key and one address may ask for, so that none is in the way of the others. An address is an IPv4 address
/// or the first 64 bits of an IPv6 address, which is what one subscriber has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitPolicy {
    /// Requests with one key, from wherever.
    pub key_requests: Rate,
    /// Requests from one address, with whatever key or none. More than of one key: a household has several.
    pub address_requests: Rate,
    /// Requests from one address with a missing or wrong key. A right one is let through all the same: whoever shares
    /// the address with one who guesses is not to suffer for it, and keys are too long to be guessed.
    pub address_wrong_keys: Rate,
    /// Connections of nodes from one address. Enough for a rig whose nodes all come back at once.
    pub address_node_connections: Rate,
    /// Connections that may be open at a time, nodes included; more wait until one ends. Each takes a file descriptor
    /// of the process: raise its limit of open files with this.
    pub connections: NonZeroU32,
    /// Connections of them from one address; more are closed at once.
    pub address_connections: NonZeroU32,
    /// How long a request's head may take to arrive, and a connection may wait for its next request, in seconds.
    pub head_seconds: NonZeroU64,
    /// Reverse proxies that are believed when they say whom they ask for (the last address in `X-Forwarded-For`).
    /// Without them everything behind a proxy comes from one address.
    pub proxies: Vec<IpAddr>,
    /// Whether rates, and connections from one address, hold for programs on this machine too. They are its owner's
    /// own, and a practice network's only ones.
    pub this_machine: bool,
}

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// At once, after a pause.
    pub at_once: NonZeroU32,
    /// In the long run.
    pub a_minute: NonZeroU32,
}

impl Default for LimitPolicy {
    fn default() -> Self {
        Self {
            key_requests: const { rate(120, 600) },
            address_requests: const { rate(240, 1200) },
            address_wrong_keys: const { rate(10, 10) },
            address_node_connections: const { rate(60, 60) },
            connections: const { NonZeroU32::new(8192).unwrap() },
            address_connections: const { NonZeroU32::new(512).unwrap() },
            head_seconds: const { NonZeroU64::new(30).unwrap() },
            proxies: Vec::new(),
            this_machine: false,
        }
    }
}

impl LimitPolicy {
    pub(crate) const fn head(&self) -> Duration {
        Duration::from_secs(self.head_seconds.get())
    }
}

// Evaluated by the compiler, which refuses what is out of range.
const fn rate(at_once: u32, a_minute: u32) -> Rate {
    match (NonZeroU32::new(at_once), NonZeroU32::new(a_minute)) {
        (Some(at_once), Some(a_minute)) => Rate { at_once, a_minute },
        _ => panic!("a rate of nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn limits_can_be_changed_one_by_one_and_never_to_nothing_at_all() {
        let written = "[limits]\nkey_requests = { at_once = 1, a_minute = 2 }\nproxies = [\"10.0.0.1\"]";
        let limits = Policy::from_toml(written).unwrap().limits;
        assert_eq!((limits.key_requests, limits.proxies.len()), (rate(1, 2), 1));
        assert_eq!(limits.address_requests, LimitPolicy::default().address_requests);
        for wrong in
            ["key_requests = { at_once = 0, a_minute = 2 }", "key_requests = { a_minute = 2 }", "head_seconds = 0"]
        {
            assert!(Policy::from_toml(&format!("[limits]\n{wrong}")).is_err(), "{wrong}");
        }
    }
}
