//! What nodes are asked in a round: the like of what users ask, made anew from a seed.

use cortensor_protocol::{ChatMessage, Prompt, Role};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

const TOPICS: &[&str] = &[
    "solar panels",
    "learning the guitar",
    "the French Revolution",
    "black holes",
    "sourdough bread",
    "chess openings",
    "remote work",
    "the water cycle",
    "saving money",
    "a balanced diet",
    "electric cars",
    "the Roman Empire",
    "training for a marathon",
    "house plants",
    "public speaking",
    "climate change",
    "coffee",
    "machine learning",
    "sleeping better",
    "the stock market",
    "travelling by train",
    "writing a novel",
    "vaccines",
    "bicycle repair",
    "job interviews",
    "the moon",
    "city parks",
    "photography",
    "knitting",
    "time management",
    "bees",
    "volcanoes",
];
const PEOPLE: &[&str] = &[
    "a child of ten",
    "a beginner",
    "my grandmother",
    "a busy manager",
    "a student",
    "a sceptical friend",
    "someone who is new to it",
    "a school class",
    "a tourist",
    "my team at work",
];
const MANNERS: &[&str] = &[
    "Keep it short.",
    "Use simple words.",
    "Give an example.",
    "Be precise.",
    "Write in a friendly tone.",
    "Answer in one paragraph.",
    "No introduction, please.",
    "Thanks!",
];
const SYSTEMS: &[&str] = &[
    "You are a helpful assistant.",
    "You are a patient teacher.",
    "Answer briefly and truthfully.",
    "You are a friendly expert who explains things clearly.",
];

/// An open question: there is no one right answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) text: String,
    /// How to answer, as some users say it beforehand.
    system: Option<&'static str>,
}

impl Question {
    pub(super) fn prompt(&self) -> Prompt {
        let system = self.system.map(|content| ChatMessage { role: Role::System, content: content.to_owned() });
        let user = ChatMessage { role: Role::User, content: self.text.clone() };
        Prompt::Chat { messages: system.into_iter().chain([user]).collect() }
    }
}

/// Two different ones.
fn two(random: &mut StdRng, of: &[&'static str]) -> (&'static str, &'static str) {
    let mut chosen = of.choose_multiple(random, 2).copied();
    (chosen.next().unwrap_or_default(), chosen.next().unwrap_or_default())
}

/// The question of a seed.
pub(super) fn question(seed: u64) -> Question {
    let mut random = StdRng::seed_from_u64(seed);
    let system = random.random_ratio(1, 3).then(|| some(&mut random, SYSTEMS));
    Question { text: compose(&mut random), system }
}

fn some(random: &mut StdRng, of: &[&'static str]) -> &'static str {
    of.choose(random).copied().unwrap_or_default()
}

fn compose(random: &mut StdRng) -> String {
    let (topic, other) = two(random, TOPICS);
    let (person, count) = (some(random, PEOPLE), random.random_range(3..8));
    let asked = match random.random_range(0..11) {
        0 => format!("Explain {topic} to {person}."),
        1 => format!("What should {person} know about {topic}?"),
        2 => format!("Give me {count} tips about {topic} for {person}."),
        3 => format!("Write a short email to {person} about {topic}."),
        4 => format!("What are {count} common mistakes with {topic}?"),
        5 => format!("What do {topic} and {other} have to do with each other?"),
        6 => format!("Write a short story about {person} and {topic}."),
        7 => format!("Explain {topic} to {person} in {count} sentences."),
        8 => format!("Write a note to {person} that says why {topic} can be useful."),
        9 => format!("Compare {topic} and {other}."),
        _ => format!("i need {count} ideas for a blog post on {topic} for {person}"),
    };
    if random.random() { format!("{asked} {}", some(random, MANNERS)) } else { asked }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_gives_one_prompt_and_seeds_seldom_give_the_same() {
        assert_eq!(question(7), question(7));
        let different: HashSet<_> = (0..1_000).map(|seed| question(seed).prompt().as_text()).collect();
        assert!(different.len() > 900, "{}", different.len());
    }
}
