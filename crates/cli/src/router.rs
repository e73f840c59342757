//! `cortensor router`, and the one that is embedded in a miner.

use std::{net::SocketAddr, path::Path, process::ExitCode};

use cortensor_app::{Folders, read_or_create_secret};
use cortensor_router::{Policy, Router, RouterConfig};

use crate::{Common, Outcome, RouterArguments, logs};

/// Runs until it is told to stop.
pub(crate) async fn route(common: &Common, arguments: RouterArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = logs::start(&folders.logs());
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?.unwrap_or_default();
    let (router, key) = start(&folders, arguments.listen, policy).await?;
    say!("Router   http://{}/v1", router.address());
    say!("Nodes    ws://{}/node/v1", router.address());
    say!("API key: {key}");
    crate::mine::interrupted().await;
    eprintln!("stopping");
    router.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Starts a practice router on these folders. Its local user's key is the same at every start.
pub(crate) async fn start(
    folders: &Folders,
    listen: SocketAddr,
    policy: Policy,
) -> Result<(Router, String), Box<dyn std::error::Error + Send + Sync>> {
    let key = read_or_create_secret(&folders.practice_key(), "sk-")?;
    let router = Router::start(RouterConfig {
        listen,
        database: folders.router(),
        name: "embedded practice router".to_owned(),
        network: "practice".to_owned(),
        policy,
    })
    .await?;
    router.ensure_practice_key(&key).await?;
    Ok((router, key))
}

fn read_policy(path: &Path) -> Result<Policy, Box<dyn std::error::Error + Send + Sync>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Policy::from_toml(&text).map_err(|error| format!("{} is not a policy: {error}", path.display()).into())
}
