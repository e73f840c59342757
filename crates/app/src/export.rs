//! What was earned as a file for a spreadsheet.

use std::path::Path;

use cortensor_node::{ActivityFilter, ActivityQuery, Ledger, SourceEarnings};
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

const SOURCE_COLUMNS: [&str; 9] = [
    "mode",
    "model",
    "precision",
    "paid_tasks",
    "prompt_tokens",
    "answer_tokens",
    "credits",
    "hours_mined",
    "credits_per_hour",
];

/// Writes what `filter` lets through as CSV (RFC 4180), newest first; whole or not at all.
pub(crate) async fn export(ledger: &Ledger, filter: ActivityFilter, path: &Path) -> Result<(), Failure> {
    // At once: page by page, a task that settles meanwhile would shift what follows.
    let query = ActivityQuery { filter, offset: 0, limit: u32::MAX };
    let entries = ledger.activity(&query).await?.entries;
    write(COLUMNS, entries.iter().map(row), path)
}

/// Writes where earnings came from, likewise.
pub(crate) fn export_sources(sources: &[SourceEarnings], path: &Path) -> Result<(), Failure> {
    write(SOURCE_COLUMNS, sources.iter().map(source_row), path)
}

fn write<const COUNT: usize>(
    columns: [&str; COUNT],
    rows: impl Iterator<Item = [String; COUNT]>,
    path: &Path,
) -> Result<(), Failure> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let error = |source: csv::Error| {
        Failure::of(FailureCode::File, &FileError::Write { path: path.to_owned(), source: source.into() })
    };
    table.write_record(columns).map_err(error)?;
    rows.into_iter().try_for_each(|row| table.write_record(row)).map_err(error)?;
    let bytes = table.into_inner().map_err(|error| Failure::of(FailureCode::File, &error.into_error()))?;
    write_bytes(path, &bytes).map_err(|error| Failure::of(FailureCode::File, &error))
}

fn source_row(source: &SourceEarnings) -> [String; 9] {
    #[expect(clippy::cast_precision_loss, reason = "hours with two decimals")]
    let hours = source.mined_ms as f64 / 3_600_000.0;
    [
        source.served.mode.to_string(),
        harmless(source.served.model.as_str()),
        source.served.precision.to_string(),
        source.tasks.to_string(),
        source.prompt_tokens.to_string(),
        source.answer_tokens.to_string(),
        format!("{:#}", source.earned),
        if source.mined_ms > 0 { format!("{hours:.2}") } else { String::new() },
        source.per_hour.map(|amount| format!("{amount:#}")).unwrap_or_default(),
    ]
}

fn row(settlement: &Settlement) -> [String; 14] {
    let time = jiff::Timestamp::from_millisecond(settlement.settled_at.0).unwrap_or_default();
    let kind = match settlement.kind {
        TaskKind::User => "user",
        TaskKind::NetworkTest => "network_test",
    };
    let (outcome, credits, reason) = match &settlement.status {
        SettlementStatus::Paid { amount } => ("paid", format!("{amount:#}"), String::new()),
        SettlementStatus::Void { reason, .. } => ("void", String::new(), harmless(reason)),
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
    use cortensor_node::Served;
    use cortensor_protocol::{Amount, Mode, ModelId, Precision};

    use super::*;

    #[test]
    fn where_earnings_came_from_is_a_table_with_every_digit_and_no_formula() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("earnings.csv");
        let source = |model: &str, mined_ms, per_hour| SourceEarnings {
            served: Served { mode: Mode::Volume, model: ModelId::new(model), precision: Precision::Q8_0 },
            tasks: 2,
            prompt_tokens: 3,
            answer_tokens: 5,
            earned: Amount::from_base_units(1),
            mined_ms,
            earned_meanwhile: Amount::ZERO,
            per_hour,
        };
        let (told, untold) = (source("m", 5_400_000, Some(Amount::from_credits(2))), source("=m", 0, None));
        export_sources(&[told, untold], &path).unwrap();
        let expected = "mode,model,precision,paid_tasks,prompt_tokens,answer_tokens,credits,hours_mined,credits_per_hour\n\
            volume,m,Q8_0,2,3,5,0.000000000000000001,1.50,2.00\nvolume,'=m,Q8_0,2,3,5,0.000000000000000001,,\n";
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn what_a_router_says_is_no_formula() {
        for (said, written) in [("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("@x", "'@x"), ("too late", "too late"), ("", "")]
        {
            assert_eq!(harmless(said), written);
        }
    }
}
