//! `cortensor compare`: one prompt for two or more precisions, models, or the network, token by token.

use std::process::ExitCode;

use cortensor_app::{
    Comparison, ComparisonPhase, ComparisonRequest, ComparisonSide, Lab, SamplingChoice, SideState, TopToken,
};
use cortensor_host::{Logs, Terminal, engine, network};

use crate::{Common, CompareArguments, Outcome, job};

/// Compares and prints: answers, figures, and what was expected where they part.
pub(crate) async fn compare(common: &Common, arguments: CompareArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    let access = network(&folders, arguments.router.as_deref(), arguments.api_key.clone());
    let lab = Lab::new(folders, arguments.model.model_file.clone(), engine());
    let job = lab.comparison();
    lab.compare(request(arguments), None, access)?;
    let over = job::follow(job, line, async || lab.stop_comparison().await).await;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&over)?);
    } else {
        print(&over);
    }
    if let Some(failure) = &over.failure {
        eprintln!("error: {}", failure.message);
    }
    Ok(if over.phase == ComparisonPhase::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn request(arguments: CompareArguments) -> ComparisonRequest {
    let CompareArguments { prompt, system, a, b, max_tokens, temperature, top_p, together, .. } = arguments;
    ComparisonRequest {
        prompt,
        system,
        sides: [a].into_iter().chain(b).collect(),
        sampling: SamplingChoice { temperature, top_p, max_tokens },
        in_turn: !together,
        name: None,
    }
}

fn line(comparison: &Comparison) -> job::Line {
    let busy = |side: &&ComparisonSide| matches!(side.state, SideState::Loading | SideState::Answering);
    let titles: Vec<String> = comparison.sides.iter().filter(busy).map(ComparisonSide::title).collect();
    let words = format!("{} {}", comparison.phase.words(), titles.join(" and "));
    job::Line { words, progress: comparison.progress, over: comparison.phase.is_over() }
}

fn print(comparison: &Comparison) {
    for side in &comparison.sides {
        say!("── {}{}", side.title(), model(side));
        say!("{}\n", marked(side));
        side.notes().iter().for_each(|note| say!("   {note}"));
    }
    if let Some(arrangement) = &comparison.arrangement {
        say!("{}", arrangement.words);
    }
    let width = title_width(comparison);
    say!(
        "{:<width$}  file MB  memory MB  first token ms  tokens/s  energy J  equal tokens  mean KL nats  same word",
        "side"
    );
    comparison.sides.iter().for_each(|side| print_figures(side, width));
    match comparison.first_divergence {
        Some(at) => print_tops(comparison, at as usize),
        None if comparison.phase == ComparisonPhase::Done => say!("The answers are the same."),
        None => {}
    }
}

/// The answer with `⟦⟧` around the first token that is not the reference's.
fn marked(side: &ComparisonSide) -> String {
    let at = side.first_divergence.map(|at| at as usize);
    let piece =
        |(index, text): (usize, &str)| if Some(index) == at { format!("⟦{text}⟧") } else { text.to_owned() };
    let text: String = side.tokens.iter().map(|token| token.text.as_str()).enumerate().map(piece).collect();
    if at == Some(side.tokens.len()) { text + "⟦end⟧" } else { text }
}

/// Its model, where its name does not say it.
fn model(side: &ComparisonSide) -> String {
    if side.title().contains(side.model.as_str()) { String::new() } else { format!(" {}", side.model) }
}

fn title_width(comparison: &Comparison) -> usize {
    comparison.sides.iter().map(|side| side.title().len()).max().unwrap_or_default().max(9)
}

fn print_figures(side: &ComparisonSide, width: usize) {
    let megabytes = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| (bytes / 1_000_000).to_string());
    let number = |value: Option<f64>, digits: usize| value.map_or("?".to_owned(), |value| format!("{value:.digits$}"));
    say!(
        "{:<width$}  {:>7}  {:>9}  {:>14}  {:>8}  {:>8}  {:>12}  {:>12}  {:>9}",
        side.title(),
        megabytes(side.file_bytes),
        megabytes(side.memory_bytes),
        number(side.first_token_ms, 0),
        number(side.decode_tokens_per_second, 1),
        number(side.energy_joules, 1),
        format!("{} of {}", side.equal_tokens, side.tokens.len()),
        number(side.mean_divergence, 4),
        number(side.same_top.map(|share| share * 100.0), 1) + " %",
    );
}

/// What each side expected where the answers part: up to there all have seen the same.
fn print_tops(comparison: &Comparison, at: usize) {
    let Some(token) = comparison.sides.iter().find_map(|side| side.tokens.get(at)) else { return };
    say!("\nThe answers part at token {at}. Expected there:");
    let width = title_width(comparison);
    for (side, top) in comparison.sides.iter().zip(&token.top).filter(|(_, top)| !top.is_empty()) {
        say!("{:<width$}  {}", side.title(), top.iter().map(expected).collect::<Vec<_>>().join("  "));
    }
}

fn expected(token: &TopToken) -> String {
    format!("{:?} {:.1} %", token.text, token.probability * 100.0)
}
