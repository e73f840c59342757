//! The router by itself, as `cortensor router` starts it, in a process of its own.

use std::path::Path;

use cortensor_router::{Policy, Router, RouterConfig};

use super::Outcome;

/// Serves until it is interrupted, and says where as `cortensor router` does.
pub(crate) async fn route(folder: &Path, policy: &Path) -> Outcome<()> {
    let router = Router::start(RouterConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        database: folder.join("router.sqlite"),
        name: "load".to_owned(),
        network: "practice".to_owned(),
        policy: Policy::from_toml(&std::fs::read_to_string(policy)?)?,
    })
    .await?;
    println!("Router   http://{}/v1", router.address());
    println!("Nodes    ws://{}/node/v1", router.address());
    println!("API key: {}", router.create_practice_key("load").await?);
    tokio::signal::ctrl_c().await?;
    router.stop().await;
    Ok(())
}
