//! The settings of the status page.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The page in the local network that says how the miner is. Off by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct StatusPageSettings {
    /// Whether paired browsers in the local network can see how the miner is. Read only.
    pub on: bool,
    /// Where the status page listens: an address of this machine and a port. `0.0.0.0` is every IPv4 address of it, `[::]` every
    /// address.
    #[ts(type = "string")]
    pub listen: SocketAddr,
}

impl Default for StatusPageSettings {
    fn default() -> Self {
        Self { on: false, listen: SocketAddr::from(([0, 0, 0, 0], 5020)) }
    }
}

impl StatusPageSettings {
    /// Whether it would want the port that something else of this miner has.
    pub(super) fn collides_with(&self, other: SocketAddr) -> bool {
        self.on && self.listen.port() != 0 && self.listen.port() == other.port()
    }
}
