//! One row of logits as probabilities.

use crate::CompareError;

/// What a model expects next: natural logarithms of probabilities, in 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    logs: Vec<f64>,
    top: usize,
}

impl Distribution {
    /// The softmax of `logits`. Rows that are empty or hold anything but numbers are refused: a mean over them would be
    /// a figure without a meaning.
    pub fn of(logits: &[f32]) -> Result<Self, CompareError> {
        if let Some(index) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(CompareError::NotANumber { index });
        }
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // Of equals the first: a likeliest token that depends on the order of looking is none.
        let top = logits.iter().position(|logit| *logit >= largest).ok_or(CompareError::NoVocabulary)?;
        let largest = f64::from(largest);
        let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
        let normaliser = largest + sum.ln();
        Ok(Self { logs: logits.iter().map(|logit| f64::from(*logit) - normaliser).collect(), top })
    }

    /// Tokens there are.
    pub fn vocabulary(&self) -> usize {
        self.logs.len()
    }

    /// The likeliest token; of equals, the first.
    pub fn top(&self) -> usize {
        self.top
    }

    /// Natural logarithm of the probability of `token`; `None` if it is not in the vocabulary.
    pub fn log_probability(&self, token: usize) -> Option<f64> {
        self.logs.get(token).copied()
    }

    /// The `count` likeliest tokens with their probabilities, the likeliest first; of equals, the first.
    pub fn likeliest(&self, count: usize) -> Vec<(usize, f64)> {
        let likelier =
            |left: &usize, right: &usize| self.logs[*right].total_cmp(&self.logs[*left]).then_with(|| left.cmp(right));
        let mut tokens: Vec<usize> = (0..self.logs.len()).collect();
        let count = count.min(tokens.len());
        if count == 0 {
            return Vec::new();
        }
        tokens.select_nth_unstable_by(count - 1, likelier);
        tokens.truncate(count);
        tokens.sort_unstable_by(likelier);
        tokens.into_iter().map(|token| (token, self.logs[token].exp())).collect()
    }

    /// Kullback-Leibler divergence of `other` from this one, KL(this ‖ other), in nats: what is lost by expecting `other`
    /// where this one is right. Never negative, 0 for the same distribution, not symmetric.
    pub fn divergence(&self, other: &Self) -> Result<f64, CompareError> {
        if self.vocabulary() != other.vocabulary() {
            return Err(CompareError::Size { reference: self.vocabulary(), other: other.vocabulary() });
        }
        let terms = self.logs.iter().zip(&other.logs).map(|(log, other)| log.exp() * (log - other));
        // Rounding may leave a hair below zero where there is nothing.
        Ok(terms.sum::<f64>().max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_divergence_of_two_known_distributions_is_what_a_hand_calculates() {
        let half = Distribution::of(&[0.0, 0.0]).unwrap();
        let quarter = Distribution::of(&[0.25_f32.ln(), 0.75_f32.ln()]).unwrap();
        // 1/2 ln(2) + 1/2 ln(2/3), and 1/4 ln(1/2) + 3/4 ln(3/2).
        assert!((half.divergence(&quarter).unwrap() - 0.143_841_036).abs() < 1e-7);
        assert!((quarter.divergence(&half).unwrap() - 0.130_812_036).abs() < 1e-7);
    }

    #[test]
    fn what_is_no_distribution_or_another_vocabulary_is_refused() {
        assert_eq!(Distribution::of(&[]), Err(CompareError::NoVocabulary));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(Distribution::of(&[1.0, bad]), Err(CompareError::NotANumber { index: 1 }));
        }
        let (two, three) = (Distribution::of(&[0.0; 2]).unwrap(), Distribution::of(&[0.0; 3]).unwrap());
        assert_eq!(two.divergence(&three), Err(CompareError::Size { reference: 2, other: 3 }));
    }

    #[test]
    fn the_likeliest_come_first_and_of_equals_the_first() {
        let row = Distribution::of(&[1.0, 3.0, 3.0, 2.0]).unwrap();
        assert_eq!(row.top(), 1);
        let tokens: Vec<usize> = row.likeliest(3).into_iter().map(|(token, _)| token).collect();
        assert_eq!(tokens, [1, 2, 3]);
        assert_eq!((row.likeliest(9).len(), row.likeliest(0).len()), (4, 0));
    }

    proptest! {
        #[test]
        fn probabilities_add_up_to_one(logits in prop::collection::vec(-80.0f32..80.0, 1..200)) {
            let row = Distribution::of(&logits).unwrap();
            let sum: f64 = row.likeliest(logits.len()).into_iter().map(|(_, probability)| probability).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }

        #[test]
        fn a_divergence_is_never_negative_and_nothing_to_itself(
            pairs in prop::collection::vec((-40.0f32..40.0, -40.0f32..40.0), 1..100),
        ) {
            let (one, other): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (one, other) = (Distribution::of(&one).unwrap(), Distribution::of(&other).unwrap());
            let apart = one.divergence(&other).unwrap();
            prop_assert!(apart >= 0.0 && apart.is_finite());
            prop_assert!(one.divergence(&one).unwrap().abs() <= 0.0);
        }

        #[test]
        fn a_vocabulary_in_another_order_gives_the_same_divergence_if_both_are(
            pairs in prop::collection::vec((-20.0f32..20.0, -20.0f32..20.0), 2..60),
        ) {
            let of = |pairs: &[(f32, f32)]| {
                let (one, other): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
                Distribution::of(&one).unwrap().divergence(&Distribution::of(&other).unwrap()).unwrap()
            };
            let turned: Vec<_> = pairs.iter().rev().copied().collect();
            prop_assert!((of(&pairs) - of(&turned)).abs() < 1e-9);
        }
    }
}
