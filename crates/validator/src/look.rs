//! One look at one answer.

use cortensor_engine::{GenerateError, Logits, Model};
use cortensor_fidelity::margin;
use cortensor_protocol::{AuditFinding, AuditJob, TokenId};

/// The margin of a token that the artifact cannot have chosen: it is in no vocabulary.
const IMPOSSIBLE: f32 = f32::MAX;

/// By how much the reference preferred another token to each that was given.
pub(crate) async fn look(model: &dyn Model, job: &AuditJob) -> AuditFinding {
    let prompt = match model.encode(&job.prompt) {
        Ok(prompt) => prompt,
        Err(error) => return AuditFinding::Unusable { message: error.to_string() },
    };
    let given: Vec<TokenId> = prompt.into_iter().chain(job.before.iter().copied()).collect();
    let room = (model.options().context_tokens as usize).saturating_sub(given.len());
    if given.is_empty() || job.tokens.len() > room {
        let message = format!("{} tokens do not fit the validator's context", given.len() + job.tokens.len());
        return AuditFinding::Unusable { message };
    }
    match score(model, &given, &job.tokens).await {
        Ok(margins) => AuditFinding::Margins { margins },
        Err(error) => AuditFinding::Unusable { message: error.to_string() },
    }
}

/// Up to the first token that is in no vocabulary; what follows it cannot have come of this artifact either.
async fn score(model: &dyn Model, given: &[TokenId], tokens: &[TokenId]) -> Result<Vec<f32>, GenerateError> {
    let vocabulary = model.artifact().geometry.vocabulary as usize;
    let known: Vec<TokenId> = tokens.iter().copied().take_while(|token| (*token as usize) < vocabulary).collect();
    let logits = model.score(given.iter().chain(&known).copied().collect()).await?;
    let first = given.len() - 1;
    let seen = known.iter().enumerate().map(|(index, token)| of_row(&logits, first + index, *token));
    Ok(seen.chain(std::iter::repeat(IMPOSSIBLE)).take(tokens.len()).collect())
}

/// A row that is no number, or not there, proves nothing against the node.
#[expect(clippy::cast_possible_truncation, reason = "margins are read to a few digits")]
fn of_row(logits: &Logits, row: usize, token: TokenId) -> f32 {
    let margin = logits.row(row).and_then(|row| margin(row, token as usize));
    margin.unwrap_or_default() as f32
}
