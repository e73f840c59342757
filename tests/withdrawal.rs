//! What was earned is withdrawn, while the miner runs and while it does not.

use std::sync::Arc;

use cortensor_app::{AskPassphrase, FailureCode, Folders, Settings, Withdrawal, WithdrawalReceipt, withdraw_alone};
use cortensor_protocol::{Amount, SignedStatement};
use cortensor_router::{AuditPolicy, Policy};

use crate::support::{Miner, Network, PASSPHRASE, echo};

const PAYOUT: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

fn passphrase() -> AskPassphrase {
    Arc::new(|_| Some(PASSPHRASE.to_owned()))
}

/// The file holds the statement, and the router signed it.
fn is_kept(network: &Network, folders: &Folders, receipt: &WithdrawalReceipt) {
    assert!(receipt.file.starts_with(folders.withdrawals()), "{receipt:?}");
    let kept: SignedStatement = serde_json::from_slice(&std::fs::read(&receipt.file).unwrap()).unwrap();
    assert_eq!(kept, receipt.signed);
    assert_eq!(kept.check(), Ok(network.router.statement_signer()));
    assert_eq!(kept.statement.payout.to_string(), PAYOUT);
}

#[tokio::test]
async fn a_miner_withdraws_what_it_earned_whether_it_runs_or_not_and_nothing_twice() {
    let audit = AuditPolicy { final_after_seconds: 0, ..AuditPolicy::default() };
    let network = Network::with(Policy { audit, ..Policy::default() }).await;
    let miner = Miner::start(&network, echo()).await;
    network.answer().await;
    let earned = miner.has_earned(1).await;
    assert_eq!((earned.withdrawn, earned.confirmed), (Amount::ZERO, earned.summary.total));

    let part = Withdrawal { payout: Some(PAYOUT.to_owned()), amount: Some(Amount::from_base_units(7)) };
    let first = miner.app.withdraw(&part).await.unwrap();
    let left = earned.confirmed.checked_sub(Amount::from_base_units(7)).unwrap();
    assert_eq!((first.resumed, first.confirmed), (false, left));

    let (home, router, _) = miner.quit().await;
    let folders = home.folders();
    is_kept(&network, &folders, &first);
    let all = Withdrawal::default();
    let unset = withdraw_alone(&folders, &router, passphrase(), &all).await.unwrap_err();
    assert_eq!((unset.code, unset.field.as_deref()), (FailureCode::Settings, Some("payout_address")));
    let settings = Settings { payout_address: Some(PAYOUT.to_owned()), ..Settings::default() };
    settings.write(&folders).unwrap();
    let rest = withdraw_alone(&folders, &router, passphrase(), &all).await.unwrap();
    is_kept(&network, &folders, &rest);
    assert_eq!((rest.signed.statement.amount, rest.signed.statement.total), (left, earned.summary.total));
    assert_eq!(rest.confirmed, Amount::ZERO);

    let nothing = withdraw_alone(&folders, &router, passphrase(), &all).await.unwrap_err();
    assert!(nothing.message.contains("0.00 of 0.00 pending practice credits"), "{nothing}");
    let summary = network.router.verify_ledger().await.unwrap();
    assert_eq!((summary.pending, summary.withdrawn), (Amount::ZERO, earned.summary.total));
}
