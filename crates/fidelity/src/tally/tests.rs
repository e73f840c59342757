use proptest::prelude::*;

use super::*;

fn sample(position: u32, reference: f64, other: f64, divergence: f64, same_top: bool) -> Sample {
    Sample { position, reference_surprise: reference, surprise: other, divergence, same_top }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let one = (0u32..512, 0.0f64..20.0, 0.0f64..20.0, 0.0f64..5.0, any::<bool>());
    let one = one
        .prop_map(|(position, reference, other, divergence, top)| sample(position, reference, other, divergence, top));
    prop::collection::vec(one, 1..120)
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(1.0)
}

#[test]
fn figures_of_a_few_tokens_are_what_a_hand_calculates() {
    let (half, quarter) = (2f64.ln(), 4f64.ln());
    let tally: Tally =
        [sample(256, half, half, 0.0, true), sample(511, quarter, half, 0.4, false)].into_iter().collect();
    let told = tally.statistics().unwrap();
    assert!(close(told.reference_perplexity.value, 8f64.sqrt()) && close(told.perplexity.value, 2.0));
    // Spread ln(2)/2 around the mean, two tokens: the error of the mean is as large.
    assert!(close(told.reference_perplexity.error, 8f64.sqrt() * half / 2.0) && close(told.perplexity.error, 0.0));
    assert!(close(told.divergence.value, 0.2) && close(told.spread.median, 0.2) && close(told.spread.percent_90, 0.36));
    assert!(close(told.spread.most, 0.4) && close(told.same_top.value, 0.5));
    assert!(close(told.probability_change.value, (0.25f64.powi(2) / 2.0).sqrt()));
    let places: Vec<_> = told.by_position.iter().map(|one| (one.from, one.to, one.tokens)).collect();
    assert_eq!(places, [(256, 319, 1), (448, 511, 1)]);
}

#[test]
fn nothing_has_no_figures() {
    assert!(Tally::default().is_empty() && Tally::default().statistics().is_none());
}

#[test]
fn a_token_that_is_in_no_vocabulary_is_refused() {
    let row = Distribution::of(&[0.0, 1.0]).unwrap();
    assert_eq!(Sample::new(&row, &row, 2, 0), Err(CompareError::UnknownToken { token: 2 }));
}

proptest! {
    #[test]
    fn the_same_distributions_are_no_distance_apart(
        rows in prop::collection::vec(prop::collection::vec(-30.0f32..30.0, 5), 1..40),
    ) {
        let tally: Tally = rows.iter().zip(0..).map(|(row, position)| {
            let row = Distribution::of(row).unwrap();
            Sample::new(&row, &row, position as usize % 5, position).unwrap()
        }).collect();
        let told = tally.statistics().unwrap();
        let apart = [told.divergence.value, told.spread.most, told.probability_change.value];
        prop_assert!(apart.iter().all(|one| one.abs() <= 0.0), "{apart:?}");
        prop_assert_eq!((told.same_top.value, told.perplexity), (1.0, told.reference_perplexity));
    }

    #[test]
    fn a_text_in_pieces_comes_to_the_same_figures(samples in samples(), cuts in prop::collection::vec(0usize..120, 0..6)) {
        let whole: Tally = samples.iter().copied().collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(samples.len())).collect();
        cuts.extend([0, samples.len()]);
        cuts.sort_unstable();
        let mut merged = Tally::default();
        cuts.windows(2).for_each(|cut| merged.merge(samples[cut[0]..cut[1]].iter().copied().collect()));
        prop_assert_eq!(merged.statistics(), whole.statistics());
    }

    #[test]
    fn the_order_of_the_tokens_does_not_matter(samples in samples()) {
        let told = samples.iter().copied().collect::<Tally>().statistics().unwrap();
        let turned = samples.iter().rev().copied().collect::<Tally>().statistics().unwrap();
        prop_assert_eq!(told.spread, turned.spread);
        prop_assert!(close(told.divergence.value, turned.divergence.value));
        prop_assert!(close(told.perplexity.value, turned.perplexity.value));
    }

    #[test]
    fn figures_keep_their_bounds(samples in samples()) {
        let told = samples.into_iter().collect::<Tally>().statistics().unwrap();
        let spread = told.spread;
        prop_assert!((0.0..=1.0).contains(&told.same_top.value) && told.perplexity.value >= 1.0);
        prop_assert!(told.probability_change.value <= 1.0 && told.divergence.value <= spread.most + 1e-12);
        let sorted = [0.0, spread.median, spread.percent_90, spread.percent_95, spread.percent_99, spread.most];
        prop_assert!(sorted.is_sorted());
        prop_assert_eq!(told.by_position.iter().map(|one| one.tokens).sum::<u64>(), told.tokens);
    }
}
