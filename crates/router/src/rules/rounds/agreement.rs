//! Whether answers to one prompt are the same, token by token.
//!
//! Under greedy decoding the same weights say the same, but for rounding: kernels add up in different orders, and where
//! two tokens are nearly as likely as each other one machine says one and another the other. From there on two honest
//! answers differ altogether. So what counts is not how much of two answers differs but where a node parts from the
//! majority, and how often that is early.

use cortensor_protocol::TokenId;

/// How an answer relates to the others of its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is the majority's to its end.
    Agrees,
    /// From this position on it is not what the majority said.
    Parts(usize),
    /// It is what the majority said up to this position, where there is a majority no more.
    Undecided(usize),
}

/// How each of these answers relates to the others. At each position the majority of those that are still with it goes
/// on. An answer alone has nothing to relate to.
pub(crate) fn compare(answers: &[&[TokenId]]) -> Vec<Relation> {
    let mut relations = vec![Relation::Agrees; answers.len()];
    if answers.len() < 2 {
        relations.fill(Relation::Undecided(0));
        return relations;
    }
    let mut together: Vec<usize> = (0..answers.len()).collect();
    let longest = answers.iter().map(|answer| answer.len()).max().unwrap_or_default();
    // An answer's end is said too: at its length it says nothing.
    for at in 0..=longest {
        let Some(said) = majority(&together, |answer| answers[answer].get(at)) else {
            together.iter().for_each(|answer| relations[*answer] = Relation::Undecided(at));
            break;
        };
        let (with, parted): (Vec<_>, Vec<_>) =
            together.into_iter().partition(|answer| answers[*answer].get(at) == said);
        parted.into_iter().for_each(|answer| relations[answer] = Relation::Parts(at));
        together = with;
    }
    relations
}

/// What more than half of them say.
fn majority<T: PartialEq>(those: &[usize], says: impl Fn(usize) -> T) -> Option<T> {
    let count = |what: &T| those.iter().filter(|answer| says(**answer) == *what).count();
    those.iter().map(|answer| says(*answer)).find(|what| 2 * count(what) > those.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_parts_where_it_leaves_the_majority() {
        use Relation::{Agrees, Parts, Undecided};
        for (answers, expected) in [
            (vec![vec![1, 2, 3], vec![1, 2, 3]], vec![Agrees, Agrees]),
            (vec![vec![1, 2, 3], vec![1, 9, 3], vec![1, 2, 3]], vec![Agrees, Parts(1), Agrees]),
            // What one says after it has parted is compared with nothing.
            (vec![vec![1, 2, 3], vec![9, 2, 3], vec![1, 2, 3]], vec![Agrees, Parts(0), Agrees]),
            // An end is said too.
            (vec![vec![1, 2], vec![1], vec![1, 2]], vec![Agrees, Parts(1), Agrees]),
            (vec![vec![1], vec![1, 2], vec![1]], vec![Agrees, Parts(1), Agrees]),
            // Two that differ do not say who is wrong.
            (vec![vec![1, 2], vec![1, 3]], vec![Undecided(1), Undecided(1)]),
            (vec![vec![1], vec![2], vec![3]], vec![Undecided(0); 3]),
            // One parts, then the two that are left.
            (vec![vec![1, 2], vec![9, 2], vec![1, 3]], vec![Undecided(1), Parts(0), Undecided(1)]),
            (vec![vec![], vec![], vec![]], vec![Agrees; 3]),
            (vec![vec![1]], vec![Undecided(0)]),
        ] {
            let answers: Vec<&[TokenId]> = answers.iter().map(Vec::as_slice).collect();
            assert_eq!(compare(&answers), expected, "{answers:?}");
        }
    }

    proptest! {
        #[test]
        fn a_minority_never_moves_the_majority(
            right in proptest::collection::vec(0u32..4, 0..12),
            wrong in proptest::collection::vec(proptest::collection::vec(0u32..4, 0..12), 0..3),
        ) {
            let majority = wrong.len() + 1;
            let mut answers: Vec<&[TokenId]> = wrong.iter().map(Vec::as_slice).collect();
            answers.extend(std::iter::repeat_n(right.as_slice(), majority.max(2)));
            let relations = compare(&answers);
            for (answer, relation) in answers.iter().zip(relations) {
                let same = answer.iter().zip(&right).take_while(|(one, other)| one == other).count();
                let expected = if **answer == right { Relation::Agrees } else { Relation::Parts(same) };
                prop_assert_eq!(relation, expected);
            }
        }
    }
}
