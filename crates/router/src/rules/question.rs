//! Proof of Useful Work on joining: questions with checkable answers, and filler for the throughput test.
//!
//! Easy enough for a quantized model of 135 million parameters, and new each time, so that answers cannot be written
//! down beforehand. They find nodes that run no language model; finer judgement is for validators.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _, seq::SliceRandom as _};

/// Questions in one test.
pub(crate) const QUESTIONS: u32 = 6;

const WORDS: &[&str] = &[
    "apple", "river", "window", "garden", "music", "table", "orange", "winter", "summer", "bread", "house", "horse",
    "flower", "paper", "stone", "water", "green", "yellow", "silver", "mountain", "bridge", "candle", "cheese",
    "dragon", "engine", "forest", "guitar", "island", "jacket", "kitchen", "lemon", "market", "ocean", "pencil",
    "rabbit", "school", "ticket", "village", "wagon", "butter",
];
const CAPITALS: &[(&str, &str)] = &[
    ("France", "Paris"),
    ("Germany", "Berlin"),
    ("Italy", "Rome"),
    ("Spain", "Madrid"),
    ("Japan", "Tokyo"),
    ("China", "Beijing"),
    ("Russia", "Moscow"),
    ("England", "London"),
    ("Egypt", "Cairo"),
    ("Greece", "Athens"),
];
const OPPOSITES: &[(&str, &str)] =
    &[("hot", "cold"), ("big", "small"), ("up", "down"), ("day", "night"), ("black", "white"), ("left", "right")];
const CLAIMS: &[(&str, &str)] = &[
    ("Is water wet?", "yes"),
    ("Is the sun hot?", "yes"),
    ("Is snow cold?", "yes"),
    ("Do fish live in water?", "yes"),
    ("Can birds fly?", "yes"),
    ("Is Paris in France?", "yes"),
];
const FILLER: &[&str] = &[
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state",
    "family", "student", "group", "country", "problem", "hand", "part", "place", "case", "week", "company", "system",
    "program", "question", "work", "number", "night", "point", "home", "water", "room", "mother", "area", "money",
    "story", "fact", "month", "lot", "right", "study", "book", "eye", "job", "word", "business", "issue", "side",
];

/// A question and what its answer must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) prompt: String,
    expected: String,
}

impl Question {
    /// Whether the answer contains the expected words, in whatever case and with whatever around them.
    pub(crate) fn accepts(&self, answer: &str) -> bool {
        let (answer, expected) = (words(answer), words(&self.expected));
        answer.windows(expected.len()).any(|window| window == expected)
    }
}

fn words(text: &str) -> Vec<String> {
    let split = text.split(|character: char| !character.is_alphanumeric());
    split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The questions of one test; the same seed gives the same ones.
pub(crate) fn questions(seed: u64) -> Vec<Question> {
    let mut random = StdRng::seed_from_u64(seed);
    let random = &mut random;
    let mut questions =
        vec![repeat(random), number(random), capital(random), first_of_list(random), opposite(random), claim(random)];
    questions.shuffle(random);
    questions
}

fn question(prompt: String, expected: impl Into<String>) -> Question {
    Question { prompt, expected: expected.into() }
}

fn some_word(random: &mut StdRng) -> &'static str {
    WORDS.choose(random).copied().unwrap_or_default()
}

fn some_pair(random: &mut StdRng, pairs: &[(&'static str, &'static str)]) -> (&'static str, &'static str) {
    pairs.choose(random).copied().unwrap_or_default()
}

fn repeat(random: &mut StdRng) -> Question {
    let word = some_word(random);
    question(format!("Repeat this word: {word}"), word)
}

fn number(random: &mut StdRng) -> Question {
    let number = random.random_range(100..1000).to_string();
    question(format!("Repeat this number: {number}"), number)
}

fn capital(random: &mut StdRng) -> Question {
    let (country, city) = some_pair(random, CAPITALS);
    question(format!("What is the capital of {country}?"), city)
}

fn first_of_list(random: &mut StdRng) -> Question {
    let chosen: Vec<&str> = WORDS.choose_multiple(random, 4).copied().collect();
    let first = chosen.first().copied().unwrap_or_default();
    question(format!("Here is a list: {}. What is the first item of the list?", chosen.join(", ")), first)
}

fn opposite(random: &mut StdRng) -> Question {
    let (word, opposite) = some_pair(random, OPPOSITES);
    question(format!("What is the opposite of the word \"{word}\"?"), opposite)
}

fn claim(random: &mut StdRng) -> Question {
    let (claim, answer) = some_pair(random, CLAIMS);
    question(format!("{claim} Answer yes or no."), answer)
}

/// A prompt of about `count` words that no cache has seen.
pub(crate) fn filler(seed: u64, count: u32) -> String {
    let mut random = StdRng::seed_from_u64(seed);
    let chosen: Vec<&str> = (0..count).filter_map(|_| FILLER.choose(&mut random).copied()).collect();
    format!("Write a long story with these words: {}", chosen.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_questions_and_another_one_gives_others() {
        assert_eq!(questions(7), questions(7));
        assert_ne!(questions(7), questions(8));
        assert_eq!(questions(7).len(), QUESTIONS as usize);
        assert_ne!(filler(1, 20), filler(2, 20));
    }

    #[test]
    fn an_answer_counts_whatever_its_case_and_trimmings() {
        let asked = question(String::new(), "Paris");
        for (answer, accepted) in [
            ("Paris", true),
            ("The capital is PARIS.", true),
            ("**paris**!", true),
            ("Parisian", false),
            ("", false),
            ("London", false),
        ] {
            assert_eq!(asked.accepts(answer), accepted, "{answer}");
        }
        assert!(!question(String::new(), "no").accepts("I know nothing"));
    }

    #[test]
    fn every_question_has_an_answer_that_passes_and_none_passes_unanswered() {
        for question in (0..50).flat_map(questions) {
            assert!(question.accepts(&format!("It is {}.", question.expected)), "{question:?}");
            assert!(!question.accepts("I am a helpful assistant."), "{question:?}");
        }
    }
}
