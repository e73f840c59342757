//! How much one address may ask for: connections, and tries at a code.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cortensor_protocol::Millis;

/// Most connections of one address.
const CONNECTIONS: usize = 16;
/// Most codes that one address may try in a minute.
const TRIES: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// Most addresses whose tries are counted; beyond that nobody tries until a minute is over.
const ADDRESSES: usize = 256;

/// Who has how many connections.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection's place, until it is dropped.
pub(crate) struct Place {
    all: Places,
    address: IpAddr,
}

impl Places {
    /// A place for one more connection of this address.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = source(address);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.entry(address).or_default();
        if *mine >= CONNECTIONS {
            return None;
        }
        *mine += 1;
        Some(Place { all: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.get_mut(&self.address).map(|mine| {
            *mine -= 1;
            *mine
        });
        if left == Some(0) {
            taken.remove(&self.address);
        }
    }
}

/// Who tried how often, and since when that is counted.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<IpAddr, (Millis, u32)>>);

impl Tries {
    /// Whether this address may try once more just now.
    pub(crate) fn once_more(&self, address: IpAddr, now: Millis) -> bool {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tried.retain(|_, (since, _)| now.since(*since) < MINUTE);
        let address = source(address);
        if tried.len() >= ADDRESSES && !tried.contains_key(&address) {
            return false;
        }
        let (_, times) = tried.entry(address).or_insert((now, 0));
        *times += 1;
        *times <= TRIES
    }
}

/// Whom an address belongs to: in the newer kind one machine has as many as it likes.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & (u128::MAX << 64))),
        older @ IpAddr::V4(_) => older,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_tries_and_no_more() {
        let (one, other) = (IpAddr::from([192, 168, 1, 7]), IpAddr::from([192, 168, 1, 8]));
        let places = Places::default();
        let mut taken: Vec<Place> = (0..CONNECTIONS).filter_map(|_| places.take(one)).collect();
        assert!(taken.len() == CONNECTIONS && places.take(one).is_none() && places.take(other).is_some());
        taken.pop();
        assert!(places.take(one).is_some());
        drop(taken);
        assert!(places.0.lock().unwrap().is_empty(), "nobody is remembered");

        let (tries, now) = (Tries::default(), Millis(5));
        assert!((0..TRIES).all(|_| tries.once_more(one, now)));
        assert!(!tries.once_more(one, now) && tries.once_more(other, now));
        assert!(tries.once_more(one, now + MINUTE));
    }
}
