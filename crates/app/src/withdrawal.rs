//! Having what was earned withdrawn, and keeping the statements of it.

use std::{fs, path::PathBuf};

use cortensor_node::{Identity, Ledger, WithdrawalDone, WithdrawalError, WithdrawalOrder};
use cortensor_protocol::{Amount, SignedStatement};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{
    AskPassphrase, Failure, FailureCode, Folders, Settings,
    files::{FileError, write_json},
    settings::payout,
};

/// What is to be withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Where to; `None`: the payout address of the settings.
    pub payout: Option<String>,
    /// How much; `None`: all that can be withdrawn.
    pub amount: Option<Amount>,
}

/// A withdrawal that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalReceipt {
    /// What the router says, checked.
    pub signed: SignedStatement,
    /// Where that is kept.
    pub file: PathBuf,
    /// It was asked for before, with what was said then; what is asked now was not.
    pub resumed: bool,
    /// What is settled and not withdrawn yet, by the node's own ledger.
    pub confirmed: Amount,
}

/// Has it withdrawn by the router with this node endpoint. Works whether the node is connected or not.
pub async fn withdraw(
    folders: &Folders,
    router: &str,
    identity: &Identity,
    ledger: &Ledger,
    wanted: &Withdrawal,
) -> Result<WithdrawalReceipt, Failure> {
    let order = order(folders, wanted)?;
    let WithdrawalDone { signed, resumed } = cortensor_node::withdraw(router, identity, ledger, order).await?;
    keep_statements(folders, &ledger.statements().await?).map_err(|error| Failure::of(FailureCode::File, &error))?;
    let confirmed = crate::earnings(ledger, 0).await?.confirmed;
    Ok(WithdrawalReceipt { file: file(folders, &signed), signed, resumed, confirmed })
}

/// The same while no miner runs here: opens the key and the ledger for it. There must be a key.
pub async fn withdraw_alone(
    folders: &Folders,
    router: &str,
    passphrase: AskPassphrase,
    wanted: &Withdrawal,
) -> Result<WithdrawalReceipt, Failure> {
    let folder = folders.data().to_owned();
    let opened = spawn_blocking(move || Identity::open(&folder, &|is_new| passphrase(is_new))).await;
    let identity = opened.map_err(|error| Failure::of(FailureCode::Identity, &error))??;
    let ledger = Ledger::open(&folders.ledger()).await?;
    let done = withdraw(folders, router, &identity, &ledger, wanted).await;
    ledger.close().await;
    done
}

fn order(folders: &Folders, wanted: &Withdrawal) -> Result<WithdrawalOrder, Failure> {
    let address = match &wanted.payout {
        Some(address) => Some(address.clone()),
        // As it is now: it holds without a new start.
        None => Settings::read(folders)?.payout_address,
    };
    let refused = |message: String| Failure {
        field: Some("payout_address".to_owned()),
        ..Failure::new(FailureCode::Settings, message)
    };
    let address = address.ok_or_else(|| {
        refused(
            "no payout address is set; set one in the settings, or name one with `cortensor withdraw --to`".to_owned(),
        )
    })?;
    let payout = payout(&address).map_err(|message| {
        refused(format!("{address:?} is not an address: {message}; copy it again from your wallet"))
    })?;
    Ok(WithdrawalOrder { payout, amount: wanted.amount })
}

fn file(folders: &Folders, signed: &SignedStatement) -> PathBuf {
    folders.withdrawals().join(format!("{}.json", signed.statement.nonce))
}

/// Writes the statements that are not in the folder: also those that a full disk or a kill kept out of it before.
fn keep_statements(folders: &Folders, statements: &[SignedStatement]) -> Result<(), FileError> {
    let folder = folders.withdrawals();
    fs::create_dir_all(&folder).map_err(|source| FileError::Write { path: folder, source })?;
    let mut missing = statements.iter().filter(|signed| !file(folders, signed).exists());
    missing.try_for_each(|signed| write_json(&file(folders, signed), signed))
}

impl From<WithdrawalError> for Failure {
    fn from(error: WithdrawalError) -> Self {
        let code = match error {
            WithdrawalError::Ledger(_) => FailureCode::Ledger,
            WithdrawalError::Signing(_) => FailureCode::Identity,
            _ => FailureCode::Network,
        };
        Self::of(code, &error)
    }
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{Millis, NodeAddress, PRACTICE_CREDITS, Statement, WithdrawalNonce};

    use super::*;

    const ADDRESS: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    #[test]
    fn it_goes_to_the_address_that_is_named_or_else_to_that_of_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let to =
            |payout: Option<&str>| order(&folders, &Withdrawal { payout: payout.map(str::to_owned), amount: None });
        let none = to(None).unwrap_err();
        assert!(none.message.contains("--to") && none.field.as_deref() == Some("payout_address"), "{none:?}");
        let settings = Settings { payout_address: Some(ADDRESS.to_owned()), ..Settings::default() };
        settings.write(&folders).unwrap();
        assert_eq!(to(None).unwrap().payout.to_string(), ADDRESS);
        let other = NodeAddress::repeat_byte(1);
        assert_eq!(to(Some(&other.to_string())).unwrap().payout, other);
        assert!(to(Some("0x12")).unwrap_err().message.contains("copy it again"));
    }

    #[test]
    fn every_statement_is_in_the_folder_and_those_that_are_there_stay() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let node = NodeAddress::repeat_byte(1);
        let statement = |number: u128| SignedStatement {
            statement: Statement {
                what: PRACTICE_CREDITS.to_owned(),
                network: "practice".to_owned(),
                ledger: "l".to_owned(),
                node,
                payout: node,
                amount: Amount::from_credits(1),
                total: Amount::from_credits(1),
                at: Millis(1),
                transfer: 1,
                nonce: WithdrawalNonce(uuid::Uuid::from_u128(number)),
                signer: node,
            },
            signature: "0x".to_owned(),
        };
        let statements = [statement(1), statement(2)];
        keep_statements(&folders, &statements[..1]).unwrap();
        fs::write(file(&folders, &statements[0]), "annotated").unwrap();
        keep_statements(&folders, &statements).unwrap();
        assert_eq!(fs::read_to_string(file(&folders, &statements[0])).unwrap(), "annotated");
        let kept: SignedStatement = serde_json::from_slice(&fs::read(file(&folders, &statements[1])).unwrap()).unwrap();
        assert_eq!(kept, statements[1]);
    }
}
