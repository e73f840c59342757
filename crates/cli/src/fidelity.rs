//! `cortensor fidelity`: how far each precision is from a reference, over a text.

use std::process::ExitCode;

use cortensor_app::{FidelityPhase, FidelityReport, FidelityRequest, FidelityRow, FidelityRun, Lab, TextChoice};
use cortensor_host::{Logs, Terminal, engine};

use crate::{Common, FidelityArguments, Outcome, job};

/// Measures and prints a table. What was scored is kept: stopped, it goes on next time.
pub(crate) async fn fidelity(common: &Common, arguments: FidelityArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    let lab = Lab::new(folders, arguments.model.model_file.clone(), engine());
    let job = lab.fidelity();
    lab.measure_fidelity(request(arguments), None)?;
    let over = job::follow(job, line, async || lab.stop_fidelity().await).await;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&over)?);
    } else if let Some(report) = &over.report {
        print(report, &over);
    }
    if let Some(failure) = &over.failure {
        eprintln!("error: {}", failure.message);
    }
    Ok(if over.phase == FidelityPhase::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn request(arguments: FidelityArguments) -> FidelityRequest {
    let FidelityArguments { text, reference, precisions, windows, .. } = arguments;
    let text = text.map_or(TextChoice::Bundled, |path| TextChoice::File { path });
    FidelityRequest { text, reference, precisions, most_windows: windows }
}

fn line(run: &FidelityRun) -> job::Line {
    let precision = run.precision.map(|precision| precision.to_string()).unwrap_or_default();
    let left = run.seconds_left.map(|seconds| format!(", {seconds:.0} s left")).unwrap_or_default();
    let words = format!("{} {precision}, window {} of {}{left}", run.phase.words(), run.windows_done, run.windows);
    job::Line { words, progress: run.progress, over: run.phase.is_over() }
}

fn print(report: &FidelityReport, run: &FidelityRun) {
    let text = &report.text;
    say!("{}: {} tokens, {} windows of {}", text.name, text.tokens, text.windows, text.window_tokens);
    say!("Reference {} {}, {}", report.model, report.reference.precision, report.engine);
    if let Some(row) = report.precisions.first() {
        let perplexity = row.statistics.reference_perplexity;
        say!("Perplexity of the reference {:.4} ± {:.4}", perplexity.value, perplexity.error);
    }
    say!(
        "\nprecision  file MB  tokens/s  perplexity         mean KL nats         KL median / 99 % / most   same word        RMS change"
    );
    report.precisions.iter().for_each(print_row);
    for row in &report.precisions {
        let part = if row.whole { String::new() } else { format!(" (so far, {} windows)", row.windows) };
        say!("{} {}{part}", row.file.precision, row.words);
    }
    let speeds = run.scoring.iter().map(|one| format!("{} {:.0}", one.precision, one.tokens_per_second));
    say!("Scored, tokens/s: {}", speeds.collect::<Vec<_>>().join(", "));
}

fn print_row(row: &FidelityRow) {
    let (file, told) = (&row.file, &row.statistics);
    say!(
        "{:<9}  {:>7}  {:>8}  {:>8.4} ± {:<6.4}  {:>9.6} ± {:<8.6}  {:>7.5} / {:>7.4} / {:>5.2}  {:>6.2} ± {:<4.2} %  {:>6.3} %",
        file.precision.to_string(),
        file.file_bytes / 1_000_000,
        file.decode_tokens_per_second.map_or("?".to_owned(), |rate| format!("{rate:.1}")),
        told.perplexity.value,
        told.perplexity.error,
        told.divergence.value,
        told.divergence.error,
        told.spread.median,
        told.spread.percent_99,
        told.spread.most,
        told.same_top.value * 100.0,
        told.same_top.error * 100.0,
        told.probability_change.value * 100.0,
    );
}
