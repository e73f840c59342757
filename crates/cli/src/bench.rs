//! `cortensor bench`: every precision on this machine, by the same path that serves.

use std::process::ExitCode;

use cortensor_app::{
    Settings, ThreadsView,
    benchmark::{self, Report},
};
use cortensor_host::{Logs, Terminal, machine};

use crate::{BenchArguments, Common, Outcome, show};

/// Measures and prints a table. What was measured is what the next start plans with.
pub(crate) async fn bench(common: &Common, arguments: BenchArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    let settings = Settings::read(&folders)?;
    let (status, measuring) =
        benchmark::start(machine(folders, arguments.model.model_file, settings), arguments.threads);
    let shown = tokio::spawn(show::follow(status, show::To::Stderr));
    let report = measuring.await?;
    shown.await?;
    let Some(report) = report else { return Ok(ExitCode::FAILURE) };
    if common.json {
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &Report) {
    say!(
        "precision  file MB  load s  prefill tokens/s  decode tokens/s  first token ms  memory MB (estimated)  requests/h  model"
    );
    for row in &report.precisions {
        let one = &row.measurement;
        say!(
            "{:<9}  {:>7}  {:>6.1}  {:>16.0}  {:>15.1}  {:>14.0}  {:>9} {:>11}  {:>10}  {}",
            row.precision.to_string(),
            row.file_bytes / 1_000_000,
            one.load_seconds,
            one.prefill_tokens_per_second,
            one.decode_tokens_per_second,
            one.first_token_ms,
            one.memory_bytes / 1_000_000,
            format!("({})", one.estimated_memory_bytes / 1_000_000),
            row.requests_per_hour.map_or_else(|| "?".to_owned(), |rate| format!("{rate:.0}")),
            row.model,
        );
    }
    for choice in [&report.plan.precision, &report.plan.volume] {
        say!("{:<9}  {}: {}", choice.mode.to_string(), choice.variant.precision, choice.reasons.join(" "));
    }
    if let Some(threads) = &report.threads {
        print_threads(threads);
    }
}

fn print_threads(ThreadsView { in_use, from_next_start, trials }: &ThreadsView) {
    if let Some(tried) = trials {
        say!();
        say!("threads  prefill tokens/s  decode tokens/s  requests/h  ({} {})", tried.model, tried.precision);
        for one in &tried.trials {
            let hourly = one.requests_per_hour.map_or_else(|| "?".to_owned(), |rate| format!("{rate:.0}"));
            let (prefill, decode) = (one.prefill_tokens_per_second, one.decode_tokens_per_second);
            say!("{:>7}  {prefill:>16.0}  {decode:>15.1}  {hourly:>10}", one.threads);
        }
    }
    let next = from_next_start.map(|next| format!("; {next} from the next start on")).unwrap_or_default();
    say!("threads    {in_use} in use{next}");
}
