//! A comparison for others: as Markdown to read, as CSV to calculate with.

use std::fmt::Write;

use super::{
    comparison::{Comparison, ExportFormat, TopToken},
    side::ComparisonSide,
};
use crate::{Failure, FailureCode, export::harmless};

/// The bytes of a file in this format.
pub(super) fn written(comparison: &Comparison, format: ExportFormat) -> Result<Vec<u8>, Failure> {
    match format {
        ExportFormat::Markdown => Ok(markdown(comparison).into_bytes()),
        ExportFormat::Csv => csv(comparison).map_err(|error| Failure::of(FailureCode::File, &error)),
    }
}

fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("# {}\n\n", comparison.name);
    if let Some(request) = &comparison.request {
        let _ = writeln!(text, "Prompt:\n\n{}\n", quoted(&request.prompt));
        if let Some(system) = request.system.as_ref().filter(|system| !system.is_empty()) {
            let _ = writeln!(text, "System prompt:\n\n{}\n", quoted(system));
        }
        let sampling = &request.sampling;
        let top_p = sampling.top_p.map(|share| format!(", top_p {share}")).unwrap_or_default();
        let _ =
            writeln!(text, "Temperature {}{top_p}, at most {} tokens.\n", sampling.temperature, sampling.max_tokens);
    }
    text.push_str(&figures(comparison));
    for side in &comparison.sides {
        let _ = writeln!(text, "\n## {}\n\n{}", side.title(), quoted(&marked(side)));
    }
    text
}

/// A figure of a side, in words.
type Figure<'a> = &'a dyn Fn(&ComparisonSide) -> String;

fn figures(comparison: &Comparison) -> String {
    let mut text = String::from("| |");
    for side in &comparison.sides {
        let _ = write!(text, " {} |", side.title());
    }
    text.push_str("\n|---|");
    comparison.sides.iter().for_each(|_| text.push_str("---|"));
    text.push('\n');
    let megabytes = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| (bytes / 1_000_000).to_string());
    let number = |value: Option<f64>, digits: usize| value.map_or("?".to_owned(), |value| format!("{value:.digits$}"));
    let rows: [(&str, Figure<'_>); 8] = [
        ("file, MB", &|side| megabytes(side.file_bytes)),
        ("memory, MB", &|side| megabytes(side.memory_bytes)),
        ("first token, ms", &|side| number(side.first_token_ms, 0)),
        ("tokens/s", &|side| {
            number(side.decode_tokens_per_second, 1) + if side.alone { "" } else { " (processor shared)" }
        }),
        ("energy, J", &|side| number(side.energy_joules, 1)),
        ("tokens equal to the reference's", &|side| format!("{} of {}", side.equal_tokens, side.tokens.len())),
        ("mean divergence, nats", &|side| number(side.mean_divergence, 4)),
        ("same token expected most", &|side| number(side.same_top.map(|share| share * 100.0), 1) + " %"),
    ];
    for (name, of) in rows {
        let _ = write!(text, "| {name} |");
        for side in &comparison.sides {
            let _ = write!(text, " {} |", of(side));
        }
        text.push('\n');
    }
    for side in &comparison.sides {
        for note in side.notes() {
            let _ = writeln!(text, "\n{}: {note}.", side.title());
        }
    }
    text
}

/// The answer with `⟦` before the first token that is not the reference's.
fn marked(side: &ComparisonSide) -> String {
    let at = side.first_divergence.map_or(usize::MAX, |at| at as usize);
    let pieces = side.tokens.iter().enumerate();
    pieces.map(|(index, token)| if index == at { format!("⟦{}⟧", token.text) } else { token.text.clone() }).collect()
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

/// A line for each token of each side, with the five that the reference and this side expected.
fn csv(comparison: &Comparison) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["side", "position", "token", "text", "divergence", "reference_top", "own_top"])?;
    for (index, side) in comparison.sides.iter().enumerate() {
        for (position, token) in side.tokens.iter().enumerate() {
            let top = |side: usize| token.top.get(side).map(|top| expected(top)).unwrap_or_default();
            table.write_record([
                harmless(&side.title()),
                position.to_string(),
                token.id.to_string(),
                harmless(&token.text),
                token.divergence.map(|value| value.to_string()).unwrap_or_default(),
                harmless(&top(0)),
                harmless(&top(index)),
            ])?;
        }
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

fn expected(top: &[TopToken]) -> String {
    let entries: Vec<String> = top.iter().map(|one| format!("{:?} {:.4}", one.text, one.probability)).collect();
    entries.join("; ")
}
