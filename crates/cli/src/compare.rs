//! `cortensor compare`: one prompt, two or more precisions, token by token.

use std::process::ExitCode;

use cortensor_app::{
    Comparison, ComparisonPhase, ComparisonRequest, ComparisonSide, Lab, SamplingChoice, SideState, TopToken,
};
use cortensor_host::{Logs, Terminal, engine};

use crate::{Common, CompareArguments, Outcome, job};

/// Compares and prints: answers, figures, and what was expected where they part.
pub(crate) async fn compare(common: &Common, arguments: CompareArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    let lab = Lab::new(folders, arguments.model.model_file.clone(), engine());
    let job = lab.comparison();
    lab.compare(request(arguments), None)?;
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
        say!("── {} {}", side.title(), side.model);
        say!("{}\n", marked(side));
    }
    if let Some(arrangement) = &comparison.arrangement {
        say!("{}", arrangement.words);
    }
    say!("side       file MB  memory MB  first token ms  tokens/s  energy J  equal tokens  mean KL nats  same word");
    comparison.sides.iter().for_each(print_figures);
    match comparison.first_divergence {
        Some(at) => print_tops(comparison, at as usize),
        None if comparison.phase == ComparisonPhase::Done => say!("The answers are the same, token by token."),
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

fn print_figures(side: &ComparisonSide) {
    let number = |value: Option<f64>, digits: usize| value.map_or("?".to_owned(), |value| format!("{value:.digits$}"));
    say!(
        "{:<9}  {:>7}  {:>9}  {:>14}  {:>8}  {:>8}  {:>12}  {:>12}  {:>9}",
        side.title(),
        side.file_bytes / 1_000_000,
        side.memory_bytes.map_or("?".to_owned(), |bytes| (bytes / 1_000_000).to_string()),
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
    for (side, top) in comparison.sides.iter().zip(&token.top) {
        say!("{:<9}  {}", side.title(), top.iter().map(expected).collect::<Vec<_>>().join("  "));
    }
}

fn expected(token: &TopToken) -> String {
    format!("{:?} {:.1} %", token.text, token.probability * 100.0)
}
