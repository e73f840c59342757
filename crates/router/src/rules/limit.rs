//! How much one key and one address may ask for, so that none is in the way of the others.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};

use crate::{
    policy::{LimitPolicy, Rate},
    store::KeyId,
};

/// Who has not asked for a while is forgotten every so many checks, so that nobody can fill the memory with addresses.
const CHECKS_A_SWEEP: u32 = 4096;
/// Bits of an IPv6 address that one subscriber has; the others are theirs to choose.
const IPV6_PREFIX: u32 = 64;

/// Where a request comes from, as far as limits go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let prefix = u128::from(address) & (u128::MAX << (128 - IPV6_PREFIX));
                IpAddr::V6(Ipv6Addr::from(prefix))
            }
            address => address,
        })
    }
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    #[error(
        "this key asks for too much at a time; try again in {0} seconds, and spread requests out (operator: \
         `key_requests` of the policy)"
    )]
    KeyRequests(u64),
    #[error(
        "this address asks for too much at a time; try again in {0} seconds, and spread requests out (operator: \
         `address_requests` of the policy)"
    )]
    AddressRequests(u64),
    #[error(
        "too many requests with a missing or wrong key came from this address; correct the key, and try again in {0} seconds"
    )]
    WrongKeys(u64),
    #[error(
        "too many nodes connected from this address; connect again in {0} seconds (operator: \
         `address_node_connections` of the policy)"
    )]
    NodeConnections(u64),
}

impl TooMany {
    /// Seconds to wait.
    pub(crate) const fn retry_after(self) -> u64 {
        match self {
            Self::KeyRequests(seconds)
            | Self::AddressRequests(seconds)
            | Self::WrongKeys(seconds)
            | Self::NodeConnections(seconds) => seconds,
        }
    }

    /// For programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::KeyRequests(_) => "key_requests",
            Self::AddressRequests(_) => "address_requests",
            Self::WrongKeys(_) => "wrong_keys",
            Self::NodeConnections(_) => "node_connections",
        }
    }
}

/// Every limit and how much of it is used.
#[derive(Debug)]
pub(crate) struct Limits {
    this_machine: bool,
    proxies: Vec<Source>,
    key_requests: Limit<KeyId>,
    address_requests: Limit<Source>,
    wrong_keys: Limit<Source>,
    node_connections: Limit<Source>,
    connections: Arc<Connections>,
}

impl Limits {
    pub(crate) fn new(policy: &LimitPolicy) -> Self {
        Self {
            this_machine: policy.this_machine,
            proxies: policy.proxies.iter().copied().map(Source::from).collect(),
            key_requests: Limit::new(policy.key_requests),
            address_requests: Limit::new(policy.address_requests),
            wrong_keys: Limit::new(policy.address_wrong_keys),
            node_connections: Limit::new(policy.address_node_connections),
            connections: Arc::new(Connections { most: policy.address_connections.get(), open: Mutex::default() }),
        }
    }

    /// Programs of this machine are its owner's own, unless the policy says otherwise.
    fn hold_for(&self, source: Source) -> bool {
        self.this_machine || !source.0.is_loopback()
    }

    pub(crate) fn key_request(&self, source: Source, key: KeyId) -> Result<(), TooMany> {
        if self.hold_for(source) { self.key_requests.check(&key).map_err(TooMany::KeyRequests) } else { Ok(()) }
    }

    pub(crate) fn address_request(&self, source: Source) -> Result<(), TooMany> {
        self.of_address(&self.address_requests, source).map_err(TooMany::AddressRequests)
    }

    pub(crate) fn wrong_key(&self, source: Source) -> Result<(), TooMany> {
        self.of_address(&self.wrong_keys, source).map_err(TooMany::WrongKeys)
    }

    pub(crate) fn node_connection(&self, source: Source) -> Result<(), TooMany> {
        self.of_address(&self.node_connections, source).map_err(TooMany::NodeConnections)
    }

    fn of_address(&self, limit: &Limit<Source>, source: Source) -> Result<(), u64> {
        if self.hold_for(source) { limit.check(&source) } else { Ok(()) }
    }

    /// A place for one more connection from there, if it has not too many already. A proxy has everybody's.
    pub(crate) fn connection(&self, source: Source) -> Option<Place> {
        let limited = self.hold_for(source) && !self.proxies.contains(&source);
        let most = if limited { self.connections.most } else { u32::MAX };
        let mut open = self.connections.lock();
        let count = open.entry(source).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { connections: Arc::clone(&self.connections), source })
    }
}

/// One limit, for each of those whom it holds for.
#[derive(Debug)]
struct Limit<K: Clone + Eq + Hash> {
    used: DefaultKeyedRateLimiter<K>,
    checks: AtomicU32,
}

impl<K: Clone + Eq + Hash> Limit<K> {
    fn new(rate: Rate) -> Self {
        let quota = Quota::per_minute(rate.a_minute).allow_burst(rate.at_once);
        Self { used: DefaultKeyedRateLimiter::hashmap(quota), checks: AtomicU32::new(0) }
    }

    /// Counts one more, or says how many seconds to wait.
    fn check(&self, key: &K) -> Result<(), u64> {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKS_A_SWEEP) {
            self.used.retain_recent();
        }
        let wait = |until: governor::NotUntil<_>| until.wait_time_from(DefaultClock::default().now());
        self.used.check_key(key).map_err(|until| wait(until).as_secs() + 1)
    }
}

/// How many connections are open from where.
#[derive(Debug)]
struct Connections {
    most: u32,
    open: Mutex<HashMap<Source, u32>>,
}

impl Connections {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Source, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection's place. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    source: Source,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        if let Some(count) = open.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn source(address: &str) -> Source {
        Source::from(address.parse::<IpAddr>().unwrap())
    }

    fn few(this_machine: bool) -> Limits {
        let few = Rate { at_once: NonZeroU32::new(3).unwrap(), a_minute: NonZeroU32::MIN };
        let address_connections = NonZeroU32::new(2).unwrap();
        let (key_requests, address_requests, address_wrong_keys, address_node_connections) = (few, few, few, few);
        Limits::new(&LimitPolicy {
            key_requests,
            address_requests,
            address_wrong_keys,
            address_node_connections,
            address_connections,
            this_machine,
            ..LimitPolicy::default()
        })
    }

    #[test]
    fn addresses_that_one_subscriber_can_choose_from_are_one_source() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            assert_eq!(source(one) == source(other), same, "{one} {other}");
        }
    }

    #[test]
    fn who_asks_too_often_waits_and_nobody_else_does() {
        let limits = few(false);
        let (one, other) = (source("192.0.2.1"), source("192.0.2.2"));
        for _ in 0..3 {
            assert_eq!(limits.address_request(one), Ok(()));
        }
        let refused = limits.address_request(one).unwrap_err();
        assert!(matches!(refused, TooMany::AddressRequests(seconds) if (50..=61).contains(&seconds)), "{refused:?}");
        assert_eq!(limits.address_request(other), Ok(()));
        assert_eq!(limits.wrong_key(one), Ok(()));
    }

    #[test]
    fn programs_of_this_machine_are_limited_only_if_the_policy_says_so() {
        for (this_machine, limited) in [(false, false), (true, true)] {
            let limits = few(this_machine);
            for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
                let refused = (0..9).any(|_| limits.wrong_key(source(address)).is_err());
                assert_eq!(refused, limited, "{address}");
            }
        }
    }

    #[test]
    fn a_connection_that_ends_makes_room_for_another() {
        let limits = few(false);
        let one = source("192.0.2.1");
        let first = limits.connection(one).unwrap();
        let _second = limits.connection(one).unwrap();
        assert!(limits.connection(one).is_none());
        assert!(limits.connection(source("192.0.2.2")).is_some());
        drop(first);
        assert!(limits.connection(one).is_some());
    }
}
