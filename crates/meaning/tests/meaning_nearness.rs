//! The numbers from which it follows which answer lies apart.

use cortensor_fidelity::{Nearness, nearness};
use cortensor_meaning::{Embedding, median_similarities};

/// Answers at these angles, in degrees: the cosine of 30 is 0.87, that of 35 is 0.82.
fn apart(degrees: &[f32]) -> Vec<bool> {
    let at = |degrees: &f32| Embedding::new(vec![degrees.to_radians().cos(), degrees.to_radians().sin()]);
    let answers: Vec<_> = degrees.iter().map(at).collect();
    nearness(&median_similarities(&answers), 0.85).into_iter().map(|nearness| nearness == Nearness::Apart).collect()
}

#[test]
fn only_a_minority_lies_apart_from_a_majority_that_agrees() {
    for (degrees, expected) in [
        (vec![], vec![]),
        (vec![0.0], vec![false]),
        (vec![0.0, 90.0], vec![false, false]),
        (vec![0.0, 5.0, 10.0], vec![false; 3]),
        (vec![0.0, 5.0, 90.0, 10.0], vec![false, false, true, false]),
        (vec![0.0, 30.0, 5.0, 10.0], vec![false; 4]),
        (vec![0.0, 5.0, 45.0, 10.0], vec![false, false, true, false]),
        // Everybody says something else.
        (vec![0.0, 40.0, 80.0, 120.0, 160.0], vec![false; 5]),
        // Two camps.
        (vec![0.0, 1.0, 90.0, 91.0], vec![false; 4]),
        (vec![0.0, 1.0, 2.0, 90.0, 91.0], vec![false, false, false, true, true]),
    ] {
        assert_eq!(apart(&degrees), expected, "{degrees:?}");
    }
}
