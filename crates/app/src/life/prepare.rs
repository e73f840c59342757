//! Everything before the first load: what this machine can serve, who the node is, what it earned.

use std::sync::Arc;

use cortensor_node::Identity;
use tokio::task::spawn_blocking;

use super::Ready;
use crate::{
    AppConfig, LedgerCell, Problem, ProblemCode, StepName,
    measurements::Measure,
    status::{StatusSender, problem},
    survey,
};

/// Prepares everything up to the first load. Dropping it gives it up; the next start takes it up again.
pub(super) async fn prepare(config: &AppConfig, ledger: &LedgerCell, status: &StatusSender) -> Result<Ready, Problem> {
    let hardware = survey::detect(&config.machine, status).await?;
    let identity = identify(config, status).await?;
    let ledger = ledger.open().await.map_err(|error| problem(ProblemCode::Files, &error))?;
    let artifacts = survey::ladder(&config.machine, status).await?;
    let plan = survey::decide(&config.machine, status, &hardware, &artifacts, Measure::Missing).await?;
    Ok(Ready { hardware, artifacts, plan, identity, ledger })
}

async fn identify(config: &AppConfig, status: &StatusSender) -> Result<Identity, Problem> {
    status.send_modify(|status| status.step(StepName::Identity, None, "opening the node's key"));
    let (folder, ask) = (config.machine.folders.data().to_owned(), Arc::clone(&config.passphrase));
    let identity = spawn_blocking(move || Identity::open(&folder, &|new| ask(new))).await;
    let identity = identity.map_err(|error| problem(ProblemCode::Identity, &error))?;
    let identity = identity.map_err(|error| problem(ProblemCode::Identity, &error))?;
    let kept = match identity.place() {
        cortensor_node::KeyPlace::Keychain => "key in the system keychain",
        cortensor_node::KeyPlace::Keystore => "key in an encrypted file, since no keychain runs here",
    };
    status.send_modify(|status| {
        status.done(StepName::Identity, format!("{}, {kept}", identity.address()));
        status.address = Some(identity.address());
    });
    Ok(identity)
}
