//! One judgement: how near answers lie to each other, or how good one is.

use std::sync::Arc;

use cortensor_engine::{GenerateError, Logits, Model};
use cortensor_protocol::{JudgementFinding, Mark, Prompt, RubricScore, TokenId};
use tokio::task::spawn_blocking;

use crate::Meaning;

/// The criteria, in the words in which the model is asked.
const CORRECTNESS: &str = "Is what the answer says true and free of mistakes?";
const RELEVANCE: &str = "Is the answer about what was asked?";
const USEFULNESS: &str = "Does the answer help the one who asked?";

/// How near these answers lie to each other.
pub(crate) async fn compare(meaning: Arc<dyn Meaning>, answers: Vec<String>) -> JudgementFinding {
    let similarities = spawn_blocking(move || {
        let texts: Vec<&str> = answers.iter().map(String::as_str).collect();
        meaning.median_similarities(&texts)
    });
    match similarities.await {
        Ok(Ok(similarities)) => JudgementFinding::Meaning { similarities },
        Ok(Err(message)) => JudgementFinding::Unusable { message },
        Err(_) => JudgementFinding::Unusable { message: "the embedding model failed".to_owned() },
    }
}

/// How good this answer is, criterion by criterion.
pub(crate) async fn marks(model: &dyn Model, question: &str, answer: &str) -> JudgementFinding {
    match score(model, question, answer).await {
        Ok(score) => JudgementFinding::Rubric { score },
        Err(message) => JudgementFinding::Unusable { message },
    }
}

async fn score(model: &dyn Model, question: &str, answer: &str) -> Result<RubricScore, String> {
    let digits = digits(model)?;
    let mark = async |criterion| mark(model, &digits, &judging_prompt(question, answer, criterion)).await;
    Ok(RubricScore {
        correctness: mark(CORRECTNESS).await?,
        relevance: mark(RELEVANCE).await?,
        usefulness: mark(USEFULNESS).await?,
    })
}

/// The same words for every answer, and the examples too: a small model has to be shown what the marks mean.
fn judging_prompt(question: &str, answer: &str, criterion: &str) -> Prompt {
    Prompt::user(format!(
        "You mark answers from 0 (very bad) to 5 (very good). {criterion}\n\n\
         Question: What is rain?\nAnswer: Rain is water that falls from clouds in drops.\nMark: 5\n\n\
         Question: How do I boil an egg?\nAnswer: The stock market fell on Tuesday.\nMark: 0\n\n\
         Question: Why do we sleep?\nAnswer: Because of the night.\nMark: 2\n\n\
         Question: {question}\nAnswer: {answer}\n\n\
         Write only the mark of the last answer, a digit from 0 to 5."
    ))
}

/// The mark that the model expects to be said next: the mean of the digits, each as likely as the model holds it to be. No
/// text is generated or read, so there is nothing that an answer could make the judge say.
async fn mark(model: &dyn Model, digits: &[TokenId], prompt: &Prompt) -> Result<Mark, String> {
    let tokens = model.encode(prompt).map_err(|error| error.to_string())?;
    if tokens.is_empty() || tokens.len() >= model.options().context_tokens as usize {
        return Err(format!("{} tokens do not fit the validator's context", tokens.len()));
    }
    let last = tokens.len() - 1;
    let logits = model.score(tokens).await.map_err(|error: GenerateError| error.to_string())?;
    expected(&logits, last, digits).ok_or_else(|| "the model's logits are not numbers".to_owned())
}

fn expected(logits: &Logits, row: usize, digits: &[TokenId]) -> Option<Mark> {
    let likelihoods: Vec<f64> =
        digits.iter().map(|digit| logits.log_probability(row, *digit).map(f64::exp)).collect::<Option<_>>()?;
    let weighted: f64 = (0_u8..).zip(&likelihoods).map(|(mark, likelihood)| f64::from(mark) * likelihood).sum();
    nearest(weighted / likelihoods.iter().sum::<f64>())
}

fn nearest(mean: f64) -> Option<Mark> {
    let marks = (0..=Mark::HIGHEST.number()).filter_map(|number| Mark::new(number).ok());
    let distance = |mark: &Mark| (f64::from(mark.number()) - mean).abs();
    marks.min_by(|one, other| distance(one).total_cmp(&distance(other))).filter(|_| mean.is_finite())
}

/// The tokens of the digits. A start-of-text token, or a space, comes before.
fn digits(model: &dyn Model) -> Result<Vec<TokenId>, String> {
    let token = |digit: u8| {
        let encoded = model.encode(&Prompt::Text { text: digit.to_string() }).map_err(|error| error.to_string())?;
        encoded.last().copied().ok_or_else(|| format!("the model has no token for {digit}"))
    };
    let digits: Vec<TokenId> = (0..=Mark::HIGHEST.number()).map(token).collect::<Result<_, String>>()?;
    let different: std::collections::BTreeSet<_> = digits.iter().collect();
    if different.len() == digits.len() { Ok(digits) } else { Err("the model has no token for each digit".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_what_is_expected_of_the_digits_alone() {
        let digits = [0, 1, 2, 3, 4, 5];
        // Logits of the six digits and of everything else.
        let row = |digits: [f32; 6], other: f32| Logits::new(7, [&digits[..], &[other]].concat()).unwrap();
        let (no, even) = (f32::MIN, 0.0);
        for (logits, mark) in [
            (row([no, no, no, no, no, even], 9.0), Some(5)),
            (row([even, no, no, no, no, no], 9.0), Some(0)),
            (row([even, no, no, no, even, no], -9.0), Some(2)),
            (row([no, no, no, even, even, even], 0.0), Some(4)),
            (row([f32::NAN; 6], 0.0), None),
        ] {
            assert_eq!(expected(&logits, 0, &digits).map(Mark::number), mark, "{logits:?}");
        }
    }
}
