//! Proof of Useful Work: questions with checkable answers, and filler for the throughput test.
//!
//! Each is composed anew from a seed, so that answers cannot be written down beforehand, and checked by a pure rule
//! that knows the right answer. Easy enough that a quantized model of 135 million parameters has some of them right.
//! They find nodes that do not run a language model; whether it is the claimed one, and how good an answer to an open
//! question is, is for validators. A program that was written against these very rules passes: they are public.

mod check;
mod compose;
mod vocabulary;

use cortensor_protocol::Percentage;
use rand::{SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _, seq::SliceRandom as _};

use self::{
    check::{Check, words},
    compose::compose,
    vocabulary::FILLER,
};

/// Questions in one test: one of each kind.
pub(crate) const QUESTIONS: u32 = 6;

/// Room for an answer: a small JSON object with a sentence before it.
pub const QUESTION_TOKENS: u32 = 48;

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Say this again.
    Copy,
    /// Say what you were told a moment ago.
    Recall,
    /// Say which of these it is.
    Classification,
    /// Say what of a text was asked for.
    Extraction,
    /// Calculate.
    Arithmetic,
    /// Write it in this form.
    Format,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; QUESTIONS as usize] =
        [Self::Copy, Self::Recall, Self::Classification, Self::Extraction, Self::Arithmetic, Self::Format];
}

/// A question and what is known of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it asks for.
    pub kind: Kind,
    /// What the node is asked.
    pub prompt: String,
    check: Check,
}

impl Question {
    /// How much of the answer is right.
    pub fn score(&self, answer: &str) -> Percentage {
        if self.is_repeated_by(answer) { Percentage::default() } else { self.check.score(answer) }
    }

    /// Whether all of it is.
    pub fn accepts(&self, answer: &str) -> bool {
        self.score(answer).number() == 100
    }

    /// An answer that repeats the whole question is none, although all it asks for may be in it.
    fn is_repeated_by(&self, answer: &str) -> bool {
        let (answer, question) = (words(answer), words(&self.prompt));
        answer.windows(question.len().max(1)).any(|window| window == question)
    }
}

/// The questions of one test; the same seed gives the same ones.
pub fn questions(seed: u64) -> Vec<Question> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut kinds = Kind::ALL;
    kinds.shuffle(&mut random);
    kinds.into_iter().map(|kind| compose(kind, &mut random)).collect()
}

/// A prompt of about `count` words that no cache has seen.
pub(crate) fn filler(seed: u64, count: u32) -> String {
    let mut random = StdRng::seed_from_u64(seed);
    let chosen: Vec<&str> = (0..count).filter_map(|_| FILLER.choose(&mut random).copied()).collect();
    format!("Write a long story with these words: {}", chosen.join(" "))
}

#[cfg(test)]
mod tests;
