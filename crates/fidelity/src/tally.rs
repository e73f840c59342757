//! How far one precision is from another over a text.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{CompareError, Distribution};

/// Positions that are counted together: a quarter of what is scored of a window of 512.
const POSITIONS_IN_A_BUCKET: u32 = 64;

/// What was seen at one token of the text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Tokens before it in its window.
    pub position: u32,
    /// Minus the logarithm of the probability that the reference gave it.
    pub reference_surprise: f64,
    /// The same of the other one.
    pub surprise: f64,
    /// KL(reference ‖ other), in nats.
    pub divergence: f64,
    /// Whether both expected the same token most.
    pub same_top: bool,
}

/// Samples, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    samples: Vec<Sample>,
}

/// A figure and its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its standard error: 95 of 100 texts of this kind would be within twice of it.
    pub error: f64,
}

/// The spread of the divergences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Spread {
    /// Half are smaller.
    pub median: f64,
    /// 90 of 100 are smaller.
    pub percent_90: f64,
    /// 95 of 100 are smaller.
    pub percent_95: f64,
    /// 99 of 100 are smaller.
    pub percent_99: f64,
    /// The largest.
    pub most: f64,
}

/// What was seen at some places of the windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AtPosition {
    /// Least tokens before the one that was scored.
    pub from: u32,
    /// Most.
    pub to: u32,
    /// Tokens scored.
    pub tokens: u64,
    /// Mean divergence, in nats.
    pub divergence: Estimate,
    /// Share of the tokens where both expected the same one most.
    pub same_top: Estimate,
}

/// How far one precision is from the reference over a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Statistics {
    /// Tokens scored.
    pub tokens: u64,
    /// Perplexity of the reference.
    pub reference_perplexity: Estimate,
    /// Perplexity of the other one.
    pub perplexity: Estimate,
    /// Mean of KL(reference ‖ other), in nats.
    pub divergence: Estimate,
    /// How the divergences spread.
    pub spread: Spread,
    /// Share of the tokens where both expected the same one most.
    pub same_top: Estimate,
    /// Root of the mean square of the change of the probability of the text's own token.
    pub probability_change: Estimate,
    /// The same by the place in the window.
    pub by_position: Vec<AtPosition>,
}

impl Sample {
    /// What is seen at `token`, behind `position` others, that the reference and the other one expected like this.
    pub fn new(
        reference: &Distribution,
        other: &Distribution,
        token: usize,
        position: u32,
    ) -> Result<Self, CompareError> {
        let unknown = CompareError::UnknownToken { token };
        Ok(Self {
            position,
            divergence: reference.divergence(other)?,
            reference_surprise: -reference.log_probability(token).ok_or_else(|| unknown.clone())?,
            surprise: -other.log_probability(token).ok_or(unknown)?,
            same_top: reference.top() == other.top(),
        })
    }

    /// By how much the probability of the token is larger than the reference's.
    fn probability_change(&self) -> f64 {
        (-self.surprise).exp() - (-self.reference_surprise).exp()
    }

    fn agreement(&self) -> f64 {
        f64::from(u8::from(self.same_top))
    }
}

impl Tally {
    /// Adds what was seen next.
    pub fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Adds what was seen behind this. A text in pieces comes to the same figures as the text at once, to the last bit.
    pub fn merge(&mut self, behind: Self) {
        self.samples.extend(behind.samples);
    }

    /// Samples so far.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The figures; `None` of nothing.
    pub fn statistics(&self) -> Option<Statistics> {
        let samples = &self.samples;
        if samples.is_empty() {
            return None;
        }
        Some(Statistics {
            tokens: samples.len() as u64,
            reference_perplexity: perplexity(mean(samples, |one| one.reference_surprise)),
            perplexity: perplexity(mean(samples, |one| one.surprise)),
            divergence: mean(samples, |one| one.divergence),
            spread: spread(samples),
            same_top: mean(samples, Sample::agreement),
            probability_change: root(mean(samples, |one| one.probability_change().powi(2))),
            by_position: by_position(samples),
        })
    }
}

impl Extend<Sample> for Tally {
    fn extend<I: IntoIterator<Item = Sample>>(&mut self, samples: I) {
        self.samples.extend(samples);
    }
}

impl FromIterator<Sample> for Tally {
    fn from_iter<I: IntoIterator<Item = Sample>>(samples: I) -> Self {
        Self { samples: samples.into_iter().collect() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2⁵² tokens")]
fn mean(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> Estimate {
    let count = samples.len() as f64;
    let value = samples.iter().map(&of).sum::<f64>() / count;
    let variance = samples.iter().map(|one| (of(one) - value).powi(2)).sum::<f64>() / count;
    // One token says nothing about the next one.
    Estimate { value, error: if count > 1.0 { (variance / (count - 1.0)).sqrt() } else { 0.0 } }
}

fn perplexity(surprise: Estimate) -> Estimate {
    let value = surprise.value.exp();
    Estimate { value, error: value * surprise.error }
}

fn root(square: Estimate) -> Estimate {
    let value = square.value.sqrt();
    Estimate { value, error: if value > 0.0 { square.error / (2.0 * value) } else { 0.0 } }
}

fn spread(samples: &[Sample]) -> Spread {
    let mut sorted: Vec<f64> = samples.iter().map(|one| one.divergence).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    Spread {
        median: quantile(&sorted, 0.5),
        percent_90: quantile(&sorted, 0.9),
        percent_95: quantile(&sorted, 0.95),
        percent_99: quantile(&sorted, 0.99),
        most: quantile(&sorted, 1.0),
    }
}

/// Between two values, the share of the way between them. `sorted` is not empty.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let place = share * last as f64;
    let below = (place as usize).min(last);
    let above = (below + 1).min(last);
    let part = place - below as f64;
    sorted[below] * (1.0 - part) + sorted[above] * part
}

fn by_position(samples: &[Sample]) -> Vec<AtPosition> {
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|one| one.position);
    let bucket = |one: &Sample| one.position / POSITIONS_IN_A_BUCKET;
    let chunks = sorted.chunk_by(|one, next| bucket(one) == bucket(next));
    chunks
        .map(|chunk| AtPosition {
            from: bucket(&chunk[0]) * POSITIONS_IN_A_BUCKET,
            to: (bucket(&chunk[0]) + 1) * POSITIONS_IN_A_BUCKET - 1,
            tokens: chunk.len() as u64,
            divergence: mean(chunk, |one| one.divergence),
            same_top: mean(chunk, Sample::agreement),
        })
        .collect()
}

#[cfg(test)]
mod tests;
