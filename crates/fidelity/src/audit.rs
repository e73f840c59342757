//! A sequential test: consistent with the claim, not what it claims, or ask more.
//!
//! Each margin becomes a score from 0 (the reference's own token, or a tie that rounding decides) to 1 (clearly another
//! one). Two fortunes are bet on the scores, one token after the other:
//!
//! - **Against honesty.** If the claim is true, the mean score is at most [`Figures::honest_mean`], and a fortune that
//!   bets on more does not grow: by Ville's inequality it ever reaches `1 / false_alarm` with a probability of at most
//!   `false_alarm`, whenever one looks, and whatever the scores depend on besides.
//! - **Against the nearest lie.** If another artifact answers, the mean score is at least [`Figures::lie_mean`], and a
//!   fortune that bets on less reaches `1 / missed_lie` with a probability of at most `missed_lie`.
//!
//! How much to bet is not known beforehand: each fortune is spread over several stakes, and their sum is as good as the best
//! one but for a constant. Both bounds hold exactly as far as the two means do; they are measured, per artifact, kind of
//! device and engine version, and an audit is never better than its calibration.

use serde::{Deserialize, Serialize};

/// Stakes, as shares of the largest that cannot lose everything at once.
const STAKES: [f64; 6] = [0.9, 0.5, 0.25, 0.1, 0.03, 0.01];

/// From margins to scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Margins up to this are ties that rounding decides, in nats.
    pub tie: f64,
    /// Margins from this on count in full, in nats: above `tie`.
    pub clear: f64,
}

/// What is known of honest answers and of the nearest lie. Made from [`Figures`] that make sense together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Figures", into = "Figures")]
pub struct Calibration(Figures);

/// The figures of a [`Calibration`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// What the scores mean.
    pub scale: Scale,
    /// Largest mean score of honest answers: above 0.
    pub honest_mean: f64,
    /// Smallest mean score of the nearest lie that is to be caught: above `honest_mean`, below 1.
    pub lie_mean: f64,
    /// Largest probability that an honest node is ever accused.
    pub false_alarm: f64,
    /// Largest probability that the nearest lie is ever called consistent.
    pub missed_lie: f64,
}

/// Why figures are no calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// `tie` and `clear`.
    #[error("`tie` must be at least 0 and below `clear`, which must be a number")]
    Margins,
    /// The means.
    #[error("`honest_mean` must be above 0 and below `lie_mean`, which must be below 1: measure both again")]
    Means,
    /// The error rates.
    #[error("`false_alarm` and `missed_lie` must be above 0 and below 1")]
    Errors,
}

/// What an audit has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The nearest lie would have shown by now.
    Consistent,
    /// An honest node would not have given these tokens.
    NotWhatItClaims,
    /// Neither: more tokens are needed.
    AskMore,
}

/// What was seen: the whole state of an audit, to be kept between tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Tokens looked at.
    pub tokens: u64,
    /// Of these, tokens that the reference would not have chosen, ties not counted.
    pub mismatches: u64,
    /// Sum of the scores.
    pub score: f64,
    /// Natural logarithms of the fortunes bet against honesty, by stake.
    against_honesty: [f64; STAKES.len()],
    /// The same against the nearest lie.
    against_the_lie: [f64; STAKES.len()],
    /// The largest that each fortune, its stakes together, ever was: a verdict is not taken back by what comes later.
    most_against_honesty: f64,
    most_against_the_lie: f64,
}

/// The test of one claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Audit {
    calibration: Calibration,
    evidence: Evidence,
}

impl Calibration {
    /// The calibration, if the figures make sense together.
    pub const fn new(figures: Figures) -> Result<Self, CalibrationError> {
        let Figures { scale: Scale { tie, clear }, honest_mean, lie_mean, false_alarm, missed_lie } = figures;
        if !(tie >= 0.0 && tie < clear && clear.is_finite()) {
            return Err(CalibrationError::Margins);
        }
        if !(honest_mean > 0.0 && honest_mean < lie_mean && lie_mean < 1.0) {
            return Err(CalibrationError::Means);
        }
        if !(is_rate(false_alarm) && is_rate(missed_lie)) {
            return Err(CalibrationError::Errors);
        }
        Ok(Self(figures))
    }

    /// What it was made from.
    pub const fn figures(&self) -> &Figures {
        &self.0
    }
}

const fn is_rate(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

impl TryFrom<Figures> for Calibration {
    type Error = CalibrationError;

    fn try_from(figures: Figures) -> Result<Self, CalibrationError> {
        Self::new(figures)
    }
}

impl From<Calibration> for Figures {
    fn from(calibration: Calibration) -> Self {
        calibration.0
    }
}

impl Scale {
    /// The score of a margin, 0 to 1. A margin that is no number is as bad as can be.
    pub fn score(&self, margin: f64) -> f64 {
        if margin.is_nan() {
            return 1.0;
        }
        ((margin - self.tie) / (self.clear - self.tie)).clamp(0.0, 1.0)
    }
}

impl Audit {
    /// A test that begins.
    pub fn new(calibration: Calibration) -> Self {
        Self::resume(calibration, Evidence::default())
    }

    /// A test that goes on.
    pub const fn resume(calibration: Calibration, evidence: Evidence) -> Self {
        Self { calibration, evidence }
    }

    /// Looks at one more token.
    pub fn observe(&mut self, margin: f64) {
        let Figures { scale, honest_mean, lie_mean, .. } = self.calibration.0;
        let (score, evidence) = (scale.score(margin), &mut self.evidence);
        evidence.tokens += 1;
        evidence.mismatches += u64::from(score > 0.0);
        evidence.score += score;
        // The least that a score can be above the honest mean is -honest_mean; below the lie's, lie_mean - 1.
        bet(&mut evidence.against_honesty, (score - honest_mean) / honest_mean);
        bet(&mut evidence.against_the_lie, (lie_mean - score) / (1.0 - lie_mean));
        evidence.most_against_honesty = evidence.most_against_honesty.max(together(&evidence.against_honesty));
        evidence.most_against_the_lie = evidence.most_against_the_lie.max(together(&evidence.against_the_lie));
    }

    /// What it has come to. Once it is one of the two answers, more tokens do not make it the other.
    pub fn verdict(&self) -> Verdict {
        let reached = |fortune: f64, error: f64| fortune >= -error.ln();
        if reached(self.evidence.most_against_honesty, self.calibration.0.false_alarm) {
            Verdict::NotWhatItClaims
        } else if reached(self.evidence.most_against_the_lie, self.calibration.0.missed_lie) {
            Verdict::Consistent
        } else {
            Verdict::AskMore
        }
    }

    /// What was seen.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// Stakes a share of each fortune on a return that is at least -1.
fn bet(fortunes: &mut [f64; STAKES.len()], outcome: f64) {
    for (fortune, stake) in fortunes.iter_mut().zip(STAKES) {
        *fortune += (stake * outcome).ln_1p();
    }
}

/// The logarithm of the mean of what the logarithms stand for.
#[expect(clippy::cast_precision_loss, reason = "a handful of stakes")]
fn together(fortunes: &[f64; STAKES.len()]) -> f64 {
    let largest = fortunes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = fortunes.iter().map(|fortune| (fortune - largest).exp()).sum();
    largest + (sum / STAKES.len() as f64).ln()
}

#[cfg(test)]
mod tests;
