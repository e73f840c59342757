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

/// The prompt of a seed.
pub(super) fn prompt(seed: u64) -> Prompt {
    let mut random = StdRng::seed_from_u64(seed);
    let mut messages = Vec::new();
    if random.random_ratio(1, 3) {
        messages.push(ChatMessage { role: Role::System, content: some(&mut random, SYSTEMS).to_owned() });
    }
    messages.push(ChatMessage { role: Role::User, content: question(&mut random) });
    Prompt::Chat { messages }
}

fn some(random: &mut StdRng, of: &[&'static str]) -> &'static str {
    of.choose(random).copied().unwrap_or_default()
}

fn question(random: &mut StdRng) -> String {
    let (topic, other) = (some(random, TOPICS), some(random, TOPICS));
    let (person, count) = (some(random, PEOPLE), random.random_range(3..8));
    let asked = match random.random_range(0..8) {
        0 => format!("Explain {topic} to {person}."),
        1 => format!("What should {person} know about {topic}?"),
        2 => format!("Give me {count} tips about {topic} for {person}."),
        3 => format!("Write a short email to {person} about {topic}."),
        4 => format!("What are {count} common mistakes with {topic}?"),
        5 => format!("What do {topic} and {other} have to do with each other?"),
        6 => format!("Write a short story about {person} and {topic}."),
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
        assert_eq!(prompt(7), prompt(7));
        let different: HashSet<_> = (0..1_000).map(|seed| prompt(seed).as_text()).collect();
        assert!(different.len() > 900, "{}", different.len());
    }
}
