//! How the network that this machine is connected to is asked, as one of its users does.

use std::fs;

use cortensor_app::{Failure, FailureCode, Folders, NetworkAccess, RouterChoice};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Whether the network can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NetworkView {
    /// Where it is asked; nothing: the settings' router has no such address.
    pub api_url: Option<String>,
    /// Whether a key for it is known. The practice network's own user always has one.
    pub has_key: bool,
}

/// Access to the network of the settings, or of `router`; with the key that is kept for it, or with `key`.
pub fn network(folders: &Folders, router: Option<&str>, key: Option<String>) -> Result<NetworkAccess, Failure> {
    let api_url = network_url(folders, router)?;
    if let Some(api_key) = key {
        return Ok(NetworkAccess { api_url, api_key });
    }
    if let Some(kept) = NetworkAccess::kept(folders, &api_url)? {
        return Ok(kept);
    }
    let practice = match RouterChoice::of(folders, router, None)? {
        RouterChoice::Given(_) => None,
        RouterChoice::Embedded(_) => fs::read_to_string(folders.practice_key()).ok(),
        RouterChoice::OfMain(_) => fs::read_to_string(folders.main().practice_key()).ok(),
    };
    let missing = || {
        let message = format!("no API key is known for {api_url}; give the one that the router's operator gave you");
        Failure::new(FailureCode::Network, message)
    };
    let api_key = practice.ok_or_else(missing)?.trim().to_owned();
    Ok(NetworkAccess { api_url, api_key })
}

/// Where the network of the settings, or of `router`, is asked.
pub fn network_url(folders: &Folders, router: Option<&str>) -> Result<String, Failure> {
    let address = match RouterChoice::of(folders, router, None)? {
        RouterChoice::Given(router) => router,
        RouterChoice::Embedded(listen) | RouterChoice::OfMain(listen) => format!("http://{listen}"),
    };
    NetworkAccess::api_url(&address)
}

#[cfg(test)]
mod tests {
    use cortensor_app::Settings;

    use super::*;

    fn folders() -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        (folder, folders)
    }

    #[test]
    fn the_practice_network_is_asked_with_its_own_users_key() {
        let (_folder, folders) = folders();
        assert!(network(&folders, None, None).unwrap_err().message.contains("no API key"));
        fs::write(folders.practice_key(), "sk-practice\n").unwrap();
        let access = network(&folders, None, None).unwrap();
        assert_eq!((access.api_url.as_str(), access.api_key.as_str()), ("http://127.0.0.1:5010/v1", "sk-practice"));
    }

    #[test]
    fn the_practice_network_of_the_main_node_is_asked_with_the_key_of_its_user() {
        let (_folder, main) = folders();
        let node = main.node("rig-2".parse().unwrap());
        Settings { listen: "0.0.0.0:6000".parse().unwrap(), ..Settings::default() }.write(&main).unwrap();
        fs::write(main.practice_key(), "sk-practice\n").unwrap();
        let access = network(&node, None, None).unwrap();
        assert_eq!((access.api_url.as_str(), access.api_key.as_str()), ("http://127.0.0.1:6000/v1", "sk-practice"));
    }

    #[test]
    fn another_router_is_asked_with_a_key_of_its_own() {
        let (_folder, folders) = folders();
        fs::write(folders.practice_key(), "sk-practice").unwrap();
        let settings = Settings { router: Some("wss://router.example/node/v1".to_owned()), ..Settings::default() };
        settings.write(&folders).unwrap();
        assert_eq!(network(&folders, None, None).unwrap_err().code, FailureCode::Network);
        let given = network(&folders, None, Some("sk-given".to_owned())).unwrap();
        assert_eq!((given.api_url.as_str(), given.api_key.as_str()), ("https://router.example/v1", "sk-given"));
        given.keep(&folders).unwrap();
        assert_eq!(network(&folders, None, None), Ok(given));
        assert!(network(&folders, Some("http://127.0.0.1:9"), None).is_err(), "nor with the practice network's");
    }
}
