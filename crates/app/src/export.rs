//! What was earned as a file for a spreadsheet.

use std::path::Path;

use cortensor_node::{ActivityFilter, ActivityQuery, Ledger};
use cortensor_protocol::{Settlement, SettlementStatus, TaskKind};

use crate::{
    Failure, FailureCode,
    files::{FileError, write_bytes},
};

const COLUMNS: [&str; 14] = [
    "time",
    "kind",
    "model",
    "precision",
    "mode",
    "prompt_tokens",
    "answer_tokens",
    "first_token_ms",
    "total_ms",
    "tokens_per_second",
    "outcome",
    "credits",
    "not_paid_because",
    "task",
];

/// Writes what `filter` lets through as CSV (RFC 4180), newest first; whole or not at all.
pub(crate) async fn export(ledger: &Ledger, filter: ActivityFilter, path: &Path) -> Result<(), Failure> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let error = |source: csv::Error| {
        Failure::of(FailureCode::File, &FileError::Write { path: path.to_owned(), source: source.into() })
    };
    table.write_record(COLUMNS).map_err(error)?;
    // At once: page by page, a task that settles meanwhile would shift what follows.
    let query = ActivityQuery { filter, offset: 0, limit: u32::MAX };
    let entries = ledger.activity(&query).await?.entries;
    entries.iter().try_for_each(|settlement| table.write_record(row(settlement))).map_err(error)?;
    let bytes = table.into_inner().map_err(|error| Failure::of(FailureCode::File, &error.into_error()))?;
    write_bytes(path, &bytes).map_err(|error| Failure::of(FailureCode::File, &error))
}

fn row(settlement: &Settlement) -> [String; 14] {
    let time = jiff::Timestamp::from_millisecond(settlement.settled_at.0).unwrap_or_default();
    let kind = match settlement.kind {
        TaskKind::User => "user",
        TaskKind::NetworkTest => "network_test",
    };
    let (outcome, credits, reason) = match &settlement.status {
        SettlementStatus::Paid { amount } => ("paid", format!("{amount:#}"), String::new()),
        SettlementStatus::Void { reason } => ("void", String::new(), harmless(reason)),
        SettlementStatus::Reversed { amount, reason, .. } => ("reversed", format!("-{amount:#}"), harmless(reason)),
    };
    [
        time.to_string(),
        kind.to_owned(),
        harmless(settlement.model.as_str()),
        settlement.precision.to_string(),
        settlement.mode.to_string(),
        settlement.usage.prompt_tokens.to_string(),
        settlement.usage.completion_tokens.to_string(),
        settlement.first_token_ms.to_string(),
        settlement.total_ms.to_string(),
        settlement.tokens_per_second().map(|rate| format!("{rate:.2}")).unwrap_or_default(),
        outcome.to_owned(),
        credits,
        reason,
        settlement.task.to_string(),
    ]
}

/// A text of the router's that a spreadsheet does not take for a formula.
pub(crate) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_router_says_is_no_formula() {
        for (said, written) in [("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("@x", "'@x"), ("too late", "too late"), ("", "")]
        {
            assert_eq!(harmless(said), written);
        }
    }
}
