//! Which of several sampled answers to one prompt lies apart from the others.

/// How one answer lies to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// It means what others mean.
    Near,
    /// It lies apart from a majority that agrees.
    Apart,
    /// It is like few others, and there is no majority to lie apart from.
    Undecided,
}

/// How these answers lie to each other, in their order. For each there is the median of its cosine similarities to the
/// others; below `least` it is not like them.
///
/// Only a minority can lie apart: where no majority agrees, the prompt allows for different answers and says nothing about
/// anybody. With fewer than three nobody is blamed.
pub fn nearness(similarities: &[f32], least: f32) -> Vec<Nearness> {
    let unlike = |similarity: &f32| *similarity < least;
    let apart = similarities.iter().filter(|similarity| unlike(similarity)).count();
    let blamed = 2 * apart < similarities.len() && similarities.len() > 2;
    let nearness = |similarity| match (unlike(similarity), blamed) {
        (false, _) => Nearness::Near,
        (true, true) => Nearness::Apart,
        (true, false) => Nearness::Undecided,
    };
    similarities.iter().map(nearness).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_minority_of_three_or_more_lies_apart() {
        use Nearness::{Apart, Near, Undecided};
        for (similarities, expected) in [
            (&[][..], vec![]),
            (&[1.0], vec![Near]),
            (&[0.1, 0.1], vec![Undecided; 2]),
            (&[0.9, 0.9], vec![Near; 2]),
            (&[0.9, 0.1, 0.9], vec![Near, Apart, Near]),
            (&[0.1, 0.2, 0.1], vec![Undecided; 3]),
            // Two and two: no majority.
            (&[0.9, 0.1, 0.1, 0.9], vec![Near, Undecided, Undecided, Near]),
            (&[0.9, 0.1, 0.1, 0.9, 0.9], vec![Near, Apart, Apart, Near, Near]),
            // Just enough is enough.
            (&[0.5, 0.5, 0.5], vec![Near; 3]),
        ] {
            assert_eq!(nearness(similarities, 0.5), expected, "{similarities:?}");
        }
    }
}
