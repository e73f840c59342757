//! Which router a miner works for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::{Folders, Settings, SettingsError};

/// A node with a name has no practice network of its own unless it is told to: two on one machine would never meet.
const MAIN_IS_AWAY: &str = "the practice network of the main node is not running; start it with `cortensor mine`, or give this \
                            node another router with --router";

/// Which router a miner works for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouterChoice {
    /// One that is reached at this address.
    Given(String),
    /// The practice network, embedded in this miner and listening here.
    Embedded(SocketAddr),
    /// The practice network that is embedded in the main node and listens here.
    OfMain(SocketAddr),
}

impl RouterChoice {
    /// By what was said at the start, then by the settings, then, for a node with a name, by those of the main node.
    pub fn of(folders: &Folders, router: Option<&str>, listen: Option<SocketAddr>) -> Result<Self, SettingsError> {
        let settings = Settings::read(folders)?;
        if let Some(router) = router.map(str::to_owned).or(settings.router) {
            return Ok(Self::Given(router));
        }
        if let (None, Some(_)) = (listen, folders.name()) {
            let main = Settings::read(&folders.main())?;
            return Ok(main.router.map_or(Self::OfMain(reached(main.listen)), Self::Given));
        }
        Ok(Self::Embedded(listen.unwrap_or(settings.listen)))
    }

    /// Where nodes connect, for a router that this miner does not embed.
    pub fn endpoint(&self) -> Option<String> {
        match self {
            Self::Given(router) => Some(router.clone()),
            Self::OfMain(address) => Some(format!("ws://{address}/node/v1")),
            Self::Embedded(_) => None,
        }
    }

    /// What to do where nothing answers, if it is not only to wait.
    pub fn if_absent(&self) -> Option<String> {
        matches!(self, Self::OfMain(_)).then(|| MAIN_IS_AWAY.to_owned())
    }
}

/// Where one that listens on every address of this machine is reached from it.
fn reached(listen: SocketAddr) -> SocketAddr {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_a_name_joins_the_main_nodes_network_and_makes_none_of_its_own_unless_told() {
        let folder = tempfile::tempdir().unwrap();
        let main = Folders::at(folder.path());
        let node = main.node("rig-2".parse().unwrap());
        std::fs::create_dir_all(node.data()).unwrap();
        let settings = |router: Option<&str>, listen: &str| Settings {
            router: router.map(str::to_owned),
            listen: listen.parse().unwrap(),
            ..Settings::default()
        };
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let given = |text: &str| RouterChoice::Given(text.to_owned());
        let (theirs, ours) = ("wss://theirs.example/node/v1", "wss://ours.example/node/v1");
        let main_says =
            [settings(None, "127.0.0.1:5010"), settings(None, "0.0.0.0:6000"), settings(Some(theirs), "127.0.0.1:1")];
        let of_node = ["127.0.0.1:5010", "127.0.0.1:6000"].map(|at| RouterChoice::OfMain(address(at)));
        let of_main = ["127.0.0.1:5010", "0.0.0.0:6000"].map(|at| RouterChoice::Embedded(address(at)));
        for (number, says) in main_says.iter().enumerate() {
            says.write(&main).unwrap();
            let expected = |of: &[RouterChoice]| of.get(number).cloned().unwrap_or(given(theirs));
            assert_eq!(RouterChoice::of(&main, None, None).unwrap(), expected(&of_main));
            assert_eq!(RouterChoice::of(&node, None, None).unwrap(), expected(&of_node));
        }
        let listen = Some(address("127.0.0.1:0"));
        assert_eq!(RouterChoice::of(&node, None, listen).unwrap(), RouterChoice::Embedded(address("127.0.0.1:0")));
        assert_eq!(RouterChoice::of(&node, Some(ours), listen).unwrap(), given(ours));
        settings(Some(ours), "127.0.0.1:1").write(&node).unwrap();
        assert_eq!(RouterChoice::of(&node, None, None).unwrap(), given(ours));
    }
}
