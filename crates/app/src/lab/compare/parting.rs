//! Where answers part: by token where both sides have the same tokens, else by letter.

use cortensor_fidelity::first_divergence;

use super::{Comparison, SideState};
use crate::lab::side::ComparisonSide;

/// Where a side goes its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parting {
    /// Tokens of the side that are the reference's too.
    equal: usize,
    /// The side's first token that is not, or its end.
    at: Option<usize>,
    /// The same among the reference's tokens.
    in_reference: Option<usize>,
}

/// Marks where the answers part.
pub(super) fn part(view: &mut Comparison) {
    let Some((reference, others)) = view.sides.split_first_mut() else { return };
    let mut first: Option<usize> = None;
    for side in others {
        let Parting { equal, at, in_reference } = parting(reference, side);
        (side.first_divergence, side.equal_tokens) = (at.map(count), count(equal));
        first = first.into_iter().chain(in_reference).min();
    }
    reference.first_divergence = first.map(count);
    reference.equal_tokens = count(first.unwrap_or(reference.tokens.len()));
    view.first_divergence = first.map(count);
}

fn parting(reference: &ComparisonSide, side: &ComparisonSide) -> Parting {
    let whole = |side: &ComparisonSide| side.state >= SideState::Answered;
    let finished = whole(reference) && whole(side);
    if reference.by_text || side.by_text {
        by_letter(reference, side, finished)
    } else {
        by_token(reference, side, finished)
    }
}

fn by_token(reference: &ComparisonSide, side: &ComparisonSide, finished: bool) -> Parting {
    let (said, ids) = (reference.ids(), side.ids());
    let at = first_divergence(&said, &ids, finished);
    Parting { equal: at.unwrap_or_else(|| said.len().min(ids.len())), at, in_reference: at }
}

fn by_letter(reference: &ComparisonSide, side: &ComparisonSide, finished: bool) -> Parting {
    let (said, own) = (reference.text(), side.text());
    let parts = first_divergence(said.as_bytes(), own.as_bytes(), finished);
    let equal_bytes = parts.unwrap_or_else(|| said.len().min(own.len()));
    let within = |side: &ComparisonSide| whole_tokens(side, equal_bytes);
    Parting { equal: within(side), at: parts.map(|_| within(side)), in_reference: parts.map(|_| within(reference)) }
}

/// How many of a side's first tokens are within so many bytes.
fn whole_tokens(side: &ComparisonSide, bytes: usize) -> usize {
    let mut end = 0;
    let within = side.tokens.iter().take_while(|token| {
        end += token.text.len();
        end <= bytes
    });
    within.count()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::ModelId;

    use super::*;
    use crate::lab::{comparison::ComparedToken, side::RemoteSide};

    fn side(texts: &[&str], state: SideState, by_text: bool) -> ComparisonSide {
        let token = |text: &&str| ComparedToken {
            id: text.bytes().map(u32::from).sum(),
            text: (*text).to_owned(),
            divergence: None,
            top: Vec::new(),
        };
        let blank = ComparisonSide::remote(RemoteSide::new(None, "", &ModelId::new("m")));
        ComparisonSide { tokens: texts.iter().map(token).collect(), state, by_text, ..blank }
    }

    /// Equal tokens, where the side parts, and where the reference does.
    fn parted(reference: &[&str], other: &[&str], state: SideState, by_text: bool) -> (u32, Option<u32>, Option<u32>) {
        let sides = vec![side(reference, SideState::Answered, false), side(other, state, by_text)];
        let mut view = Comparison { sides, ..Comparison::default() };
        part(&mut view);
        (view.sides[1].equal_tokens, view.sides[1].first_divergence, view.first_divergence)
    }

    #[test]
    fn the_same_text_in_other_tokens_parts_by_token_and_not_by_letter() {
        let (reference, other): (&[&str], &[&str]) = (&["li", "ght", " is"], &["light", " is"]);
        assert_eq!(parted(reference, other, SideState::Answered, false), (0, Some(0), Some(0)));
        assert_eq!(parted(reference, other, SideState::Answered, true), (2, None, None));
    }

    #[test]
    fn by_letter_each_side_parts_at_a_token_of_its_own() {
        let answered = SideState::Answered;
        for (reference, other, state, told) in [
            (["li", "ght", " is"].as_slice(), ["light", " was"].as_slice(), answered, (1, Some(1), Some(2))),
            (&["a", "b"], &["a"], answered, (1, Some(1), Some(1))),
            (&["a", "b"], &["a"], SideState::Answering, (1, None, None)),
            (&["ä"], &["ö"], answered, (0, Some(0), Some(0))),
            (&[], &[], answered, (0, None, None)),
        ] {
            assert_eq!(parted(reference, other, state, true), told, "{reference:?} {other:?}");
        }
    }
}
