//! `cortensor router verify-ledger`: whether a router's ledger adds up.

use std::{path::PathBuf, process::ExitCode};

use cortensor_router::{LedgerFault, LedgerSummary, verify_ledger};
use serde_json::{Value, json};

use crate::{Common, Outcome};

/// Adds up and says so. A fault is an answer, not an error of this command: it goes to the same place.
pub(crate) async fn verify(common: &Common, database: Option<PathBuf>) -> Outcome {
    let database = database.map_or_else(|| common.folders().map(|folders| folders.router()), Ok)?;
    let found = verify_ledger(&database).await?;
    match &found {
        _ if common.json => say!("{}", as_json(&found)),
        Ok(summary) => table(summary),
        Err(fault) => say!("The ledger has a fault: {fault}"),
    }
    Ok(if found.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(summary: &LedgerSummary) {
    let totals = summary.accounts().map(|total| (total.account, total.what, format!("{:#}", total.credits)));
    let width = totals.iter().map(|(.., credits)| credits.len()).max().unwrap_or_default();
    for (account, what, credits) in totals {
        say!("{account:<11} {credits:>width$}  {what}");
    }
    let transfers = if summary.transfers == 1 { "transfer" } else { "transfers" };
    say!("The ledger adds up: {} {transfers}, every account, hold and settlement.", summary.transfers);
}

fn as_json(found: &Result<LedgerSummary, LedgerFault>) -> Value {
    match found {
        Ok(summary) => {
            let totals = summary.accounts().map(|total| (total.account, format!("{:#}", total.credits)));
            let credits: serde_json::Map<_, _> =
                totals.into_iter().map(|(account, credits)| (account.to_owned(), credits.into())).collect();
            json!({"adds_up": true, "transfers": summary.transfers, "credits": credits})
        }
        Err(fault) => json!({"adds_up": false, "fault": fault.to_string()}),
    }
}
