//! Withdrawing while no miner runs here.

use std::net::{Ipv4Addr, SocketAddr};

use cortensor_app::{
    AskPassphrase, Failure, FailureCode, Folders, RouterChoice, Withdrawal, WithdrawalReceipt, withdraw_alone,
};
use cortensor_router::Policy;

use crate::start_router;

/// Has what was earned withdrawn by `router`, or by the one of the settings. The embedded practice router is started for as
/// long as that takes. The host holds the folders' lock.
pub async fn withdraw(
    folders: &Folders,
    router: Option<String>,
    passphrase: AskPassphrase,
    wanted: &Withdrawal,
) -> Result<WithdrawalReceipt, Failure> {
    if !folders.ledger().exists() {
        let message = "nothing was earned here yet; start with `cortensor mine`".to_owned();
        return Err(Failure::new(FailureCode::Ledger, message));
    }
    if let Some(router) = RouterChoice::of(folders, router.as_deref(), None)?.endpoint() {
        return withdraw_alone(folders, &router, passphrase, wanted).await;
    }
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let started = start_router("embedded practice router", folders, anywhere, Policy::default()).await;
    let (embedded, _) = started.map_err(|error| Failure::of(FailureCode::Network, &error))?;
    let endpoint = format!("ws://{}/node/v1", embedded.address());
    let done = withdraw_alone(folders, &endpoint, passphrase, wanted).await;
    embedded.stop().await;
    done
}
