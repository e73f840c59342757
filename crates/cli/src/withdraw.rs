//! `cortensor withdraw`, and `cortensor router verify-statement`.

use std::{path::Path, process::ExitCode};

use cortensor_app::{Withdrawal, WithdrawalReceipt};
use cortensor_protocol::{NodeAddress, SignedStatement};
use serde_json::json;

use crate::{
    Common, Outcome, WithdrawArguments,
    client::{ClientError, withdraw_from_running},
    mine::passphrase,
};

/// Asks the running miner, or does it itself when none runs.
pub(crate) async fn withdraw(common: &Common, arguments: WithdrawArguments) -> Outcome {
    let folders = common.folders()?;
    let WithdrawArguments { amount, to, router, passphrase: given } = arguments;
    let wanted = Withdrawal { payout: to, amount };
    let receipt = match withdraw_from_running(&folders, &wanted).await {
        Err(ClientError::NotRunning) => {
            let _lock = folders.lock()?;
            cortensor_host::withdraw(&folders, router, passphrase(given), &wanted).await?
        }
        asked => asked?,
    };
    if common.json {
        say!("{}", serde_json::to_string_pretty(&receipt)?);
    } else {
        print(&receipt);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(receipt: &WithdrawalReceipt) {
    let said = &receipt.signed.statement;
    if receipt.resumed {
        say!("This was asked for before, and its answer had not arrived. For more, run this again.");
    }
    say!("Withdrawn: {:#} {}", said.amount, said.what);
    say!("  from node  {}", said.node);
    say!("  to         {}", said.payout);
    say!("So far {} practice credits; confirmed and not withdrawn yet: {}", said.total, receipt.confirmed);
    say!("The router's statement is kept in {}", receipt.file.display());
    say!("  signed by {}; `cortensor router verify-statement FILE --signer ADDRESS` checks it", said.signer);
}

/// Whether a statement is as a router signed it, and whether that is the router one means.
pub(crate) fn verify(common: &Common, file: &Path, named: Option<NodeAddress>) -> Outcome {
    let text = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let signed: SignedStatement =
        serde_json::from_slice(&text).map_err(|error| format!("{} is no statement: {error}", file.display()))?;
    let found = signed.check();
    let right = matches!(&found, Ok(found) if named.is_none_or(|named| named == *found));
    if common.json {
        let fault = found.as_ref().err().map(ToString::to_string);
        say!(
            "{}",
            json!({"sound": found.is_ok(), "signer": found.as_ref().ok(), "as_named": named.map(|_| right), "fault": fault})
        );
    } else {
        tell(&signed, &found.map_err(|error| error.to_string()), named);
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(signed: &SignedStatement, found: &Result<NodeAddress, String>, named: Option<NodeAddress>) {
    match (found, named) {
        (Err(fault), _) => say!("The statement is not sound: {fault}"),
        (Ok(found), Some(named)) if *found != named => say!("The statement is signed by {found} and not by {named}."),
        (Ok(found), named) => {
            say!("{}", signed.statement.text());
            say!("\nThe statement is as {found} signed it (EIP-191, the text above).");
            if named.is_none() {
                say!(
                    "Anybody can make such a key: compare it with the `signer` of the router's GET /api/v1/withdrawals,"
                );
                say!("or name it with --signer.");
            }
        }
    }
}
