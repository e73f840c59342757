//! Whether two models speak of the same tokens, and where two answers part.

/// Why two models are not compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// One has no tokens.
    #[error("the model gave no distribution over tokens; make its file anew")]
    NoVocabulary,
    /// They have different numbers of tokens.
    #[error("the vocabularies differ: {reference} tokens against {other}; compare precisions of one model")]
    Size {
        /// Of the reference.
        reference: usize,
        /// Of the other one.
        other: usize,
    },
    /// The same id stands for different tokens.
    #[error(
        "token {id} is {reference:?} in one vocabulary and {other:?} in the other; compare precisions of one model"
    )]
    Token {
        /// The first that differs.
        id: usize,
        /// What it is in the reference.
        reference: String,
        /// What it is in the other one.
        other: String,
    },
    /// The same tokens in another order, which two models never have by themselves.
    #[error(
        "the vocabularies have the same tokens in another order: token {id} is {reference:?} in one and {other:?} in the other; one of the files is damaged, get it again"
    )]
    Order {
        /// The first that differs.
        id: usize,
        /// What it is in the reference.
        reference: String,
        /// What it is in the other one.
        other: String,
    },
    /// Logits that are no numbers.
    #[error("the model's numbers overflowed at token {index}; its file may be damaged, make it anew")]
    NotANumber {
        /// Where.
        index: usize,
    },
    /// A token that is in no vocabulary.
    #[error("token {token} is not in the vocabulary; encode the text with the model's own tokenizer")]
    UnknownToken {
        /// Which.
        token: usize,
    },
}

/// Refuses two vocabularies that are not the same, token by token: a divergence over them would add up what does not
/// belong together.
pub fn same_vocabulary(reference: &[String], other: &[String]) -> Result<(), CompareError> {
    if reference.len() != other.len() {
        return Err(CompareError::Size { reference: reference.len(), other: other.len() });
    }
    let Some(id) = reference.iter().zip(other).position(|(reference, other)| reference != other) else {
        return Ok(());
    };
    let permuted = sorted(reference) == sorted(other);
    let (reference, other) = (reference[id].clone(), other[id].clone());
    Err(if permuted {
        CompareError::Order { id, reference, other }
    } else {
        CompareError::Token { id, reference, other }
    })
}

fn sorted(tokens: &[String]) -> Vec<&String> {
    let mut tokens: Vec<_> = tokens.iter().collect();
    tokens.sort_unstable();
    tokens
}

/// Where two answers part: the first place whose tokens differ.
///
/// An answer that is not `finished` may still go on as the other one does; of two finished answers, one that ends where
/// the other goes on parts there.
pub fn first_divergence<T: PartialEq>(reference: &[T], other: &[T], finished: bool) -> Option<usize> {
    let parts = reference.iter().zip(other).position(|(reference, other)| reference != other);
    let ends = (finished && reference.len() != other.len()).then(|| reference.len().min(other.len()));
    parts.or(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_vocabulary_of_another_size_or_order_is_refused() {
        let same = |reference: &str, other: &str| same_vocabulary(&words(reference), &words(other));
        let (b, c) = ("b".to_owned(), "c".to_owned());
        assert_eq!(same("a b c", "a b c"), Ok(()));
        assert_eq!(same("a b c", "a b"), Err(CompareError::Size { reference: 3, other: 2 }));
        assert_eq!(same("a b b", "a c b"), Err(CompareError::Token { id: 1, reference: b.clone(), other: c.clone() }));
        assert_eq!(same("a b c", "a c b"), Err(CompareError::Order { id: 1, reference: b, other: c }));
    }

    #[test]
    fn answers_part_at_the_first_different_token_or_where_one_of_two_finished_ones_ends() {
        for (reference, other, finished, parts) in [
            ("abc", "abc", true, None),
            ("abc", "abd", false, Some(2)),
            ("abc", "xbc", true, Some(0)),
            ("ab", "abc", false, None),
            ("ab", "abc", true, Some(2)),
            ("", "", true, None),
        ] {
            assert_eq!(
                first_divergence(reference.as_bytes(), other.as_bytes(), finished),
                parts,
                "{reference} {other}"
            );
        }
    }
}
