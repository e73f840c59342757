//! Access to a network as one of its users, who asks and pays. A node's own access is another one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Failure, FailureCode, Folders,
    files::{read_json, write_json},
};

/// Where nodes connect: a router's other addresses are beside it.
const NODES: &str = "/node/v1";
/// Where users ask.
const USERS: &str = "/v1";
/// Longest key that is believed.
const LONGEST_KEY: usize = 512;

/// Where the network is asked, and by whose key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAccess {
    /// Base address for `OpenAI` clients, such as `https://router.example/v1`.
    pub api_url: String,
    /// The user's key, `sk-` and letters and digits.
    pub api_key: String,
}

impl fmt::Debug for NetworkAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkAccess({})", self.api_url)
    }
}

impl NetworkAccess {
    /// The base address of a router, of which any other address is given, such as `wss://router.example/node/v1`.
    pub fn api_url(router: &str) -> Result<String, Failure> {
        let base = router.trim().trim_end_matches('/');
        let base = base.strip_suffix(NODES).or_else(|| base.strip_suffix(USERS)).unwrap_or(base);
        let schemes = [("ws://", "http://"), ("wss://", "https://"), ("http://", "http://"), ("https://", "https://")];
        let of = |(given, web): &(&str, &str)| {
            Some(format!("{web}{}{USERS}", base.strip_prefix(given).filter(|host| !host.is_empty())?))
        };
        schemes.iter().find_map(of).ok_or_else(|| {
            let message = format!("{router:?} is not a router's address; write one such as https://router.example");
            Failure::new(FailureCode::Network, message)
        })
    }

    /// The key that was kept for this address.
    pub fn kept(folders: &Folders, api_url: &str) -> Result<Option<Self>, Failure> {
        let kept: Option<Self> =
            read_json(&folders.network_key()).map_err(|error| Failure::of(FailureCode::File, &error))?;
        Ok(kept.filter(|kept| kept.api_url == api_url))
    }

    /// Keeps the key, for this address only: another router is not shown it.
    pub fn keep(&self, folders: &Folders) -> Result<(), Failure> {
        let key = self.api_key.as_str();
        if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "this is no API key; copy it again, without spaces (sk-...)".to_owned();
            return Err(Failure::new(FailureCode::Request, message));
        }
        write_json(&folders.network_key(), self).map_err(|error| Failure::of(FailureCode::File, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_routers_address_for_users_is_beside_that_for_nodes() {
        for (router, api) in [
            ("wss://router.example/node/v1", Some("https://router.example/v1")),
            ("ws://127.0.0.1:5010/node/v1/", Some("http://127.0.0.1:5010/v1")),
            (" https://router.example/v1 ", Some("https://router.example/v1")),
            ("http://localhost:1", Some("http://localhost:1/v1")),
            ("router.example", None),
            ("https:///v1", None),
            ("", None),
        ] {
            assert_eq!(NetworkAccess::api_url(router).ok().as_deref(), api, "{router}");
        }
    }

    #[test]
    fn a_key_is_kept_for_one_address_and_not_written_into_logs() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let access = NetworkAccess { api_url: "https://one.example/v1".to_owned(), api_key: "sk-secret".to_owned() };
        assert_eq!(NetworkAccess::kept(&folders, &access.api_url), Ok(None));
        access.keep(&folders).unwrap();
        assert_eq!(NetworkAccess::kept(&folders, &access.api_url), Ok(Some(access.clone())));
        assert_eq!(NetworkAccess::kept(&folders, "https://other.example/v1"), Ok(None));
        assert_eq!(format!("{access:?}"), "NetworkAccess(https://one.example/v1)");
        for wrong in ["", "sk secret", "sk-secret\n", &"s".repeat(LONGEST_KEY + 1)] {
            let failure = NetworkAccess { api_key: wrong.to_owned(), ..access.clone() }.keep(&folders).unwrap_err();
            assert_eq!(failure.code, FailureCode::Request, "{wrong:?}");
        }
    }
}
