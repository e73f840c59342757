//! The embedded practice network.

use std::net::SocketAddr;

use cortensor_app::{FileError, Folders, read_or_create_secret};
use cortensor_router::{Policy, Router, RouterConfig};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::StartError;

/// How to send a request to the embedded practice network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Practice {
    /// Base address for `OpenAI` clients, such as `http://127.0.0.1:5010/v1`.
    pub api_url: String,
    /// Key of the local user, the same at every start. It opens practice credits only.
    pub api_key: String,
}

/// The key of a router's validators, made once and kept. A practice router that a miner embeds has none.
pub fn validator_key(folders: &Folders) -> Result<String, StartError> {
    read_or_create_secret(&folders.validator_key(), "vk-").map_err(StartError::of)
}

/// The operator's key: the one that was given, or one that is made once and kept. A practice router that a miner
/// embeds has none: nobody operates it.
pub fn operator_key(folders: &Folders, given: Option<String>) -> Result<String, StartError> {
    let kept = || read_or_create_secret(&folders.operator_key(), "op-").map_err(StartError::of);
    given.map_or_else(kept, Ok)
}

/// Starts a practice router on these folders, known to its nodes by this name.
pub async fn start_router(
    name: &str,
    folders: &Folders,
    listen: SocketAddr,
    policy: Policy,
) -> Result<(Router, Practice), StartError> {
    let api_key =
        read_or_create_secret(&folders.practice_key(), "sk-").map_err(|error: FileError| StartError::of(error))?;
    let router = Router::start(RouterConfig {
        listen,
        database: folders.router(),
        name: name.to_owned(),
        network: "practice".to_owned(),
        policy,
    })
    .await
    .map_err(StartError::of)?;
    router.ensure_practice_key(&api_key).await.map_err(StartError::of)?;
    let api_url = format!("http://{}/v1", router.address());
    Ok((router, Practice { api_url, api_key }))
}
