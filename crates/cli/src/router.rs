//! `cortensor router`: a router for nodes on other machines.

use std::{path::Path, process::ExitCode};

use cortensor_host::{Logs, Terminal, interrupted, operator_key, start_router, validator_key};
use cortensor_router::Policy;

use crate::{Common, Outcome, RouterArguments};

/// Runs until it is told to stop.
pub(crate) async fn route(common: &Common, arguments: RouterArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?.unwrap_or_default();
    let (router, practice) = start_router("practice router", &folders, arguments.listen, policy).await?;
    let validator_key = validator_key(&folders)?;
    router.ensure_validator_key(&validator_key).await?;
    let operator_key = operator_key(&folders, arguments.operator_key)?;
    router.set_operator_key(&operator_key).await?;
    say!("Router   {}", practice.api_url);
    say!("Nodes    ws://{}/node/v1", router.address());
    say!("Operator http://{}/operator", router.address());
    say!("API key: {}", practice.api_key);
    say!("Validators' key: {validator_key}");
    say!("Operator's key: {operator_key}");
    say!("Statements are signed by {}", router.statement_signer());
    interrupted().await;
    eprintln!("stopping");
    router.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn read_policy(path: &Path) -> Result<Policy, Box<dyn std::error::Error + Send + Sync>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Policy::from_toml(&text).map_err(|error| format!("{} is not a policy: {error}", path.display()).into())
}
