//! How far a token is from the one a greedy reference would have chosen.

/// By how much, in nats, the reference preferred its own likeliest token to `token`, whose logits these are. Zero: it is
/// the likeliest, or as likely.
///
/// `None`: `token` is not in this vocabulary, or the logits are not numbers.
pub fn margin(logits: &[f32], token: usize) -> Option<f64> {
    let chosen = f64::from(*logits.get(token)?);
    let best = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let margin = best - chosen;
    margin.is_finite().then_some(margin)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_likeliest_token_has_no_margin_and_what_is_not_there_has_none_at_all() {
        let logits = [1.0, 3.5, 3.0];
        assert_eq!([0, 1, 2].map(|token| margin(&logits, token)), [Some(2.5), Some(0.0), Some(0.5)]);
        assert_eq!(margin(&logits, 3), None);
        assert_eq!(margin(&[], 0), None);
        assert_eq!(margin(&[f32::NAN, 1.0], 0), None);
        assert_eq!(margin(&[f32::NEG_INFINITY, 1.0], 0), None);
    }

    proptest! {
        #[test]
        fn a_margin_is_never_negative_and_does_not_depend_on_the_scale_s_zero(
            logits in prop::collection::vec(-50.0f32..50.0, 1..64), shift in -8i8..8, at in 0usize..64,
        ) {
            let at = at % logits.len();
            // Powers of two and small sums keep the arithmetic exact enough to compare.
            let shifted: Vec<f32> = logits.iter().map(|logit| logit + f32::from(shift)).collect();
            let (one, other) = (margin(&logits, at).unwrap(), margin(&shifted, at).unwrap());
            prop_assert!(one >= 0.0 && (one - other).abs() < 1e-4);
        }
    }
}
