use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What somebody who knows it says.
fn right_answer(question: &Question) -> String {
    match &question.check {
        Check::Says(text) => text.clone(),
        Check::Chooses { right, .. } => right.clone(),
        Check::Extracts { wanted, .. } => wanted.join(" and "),
        Check::Counts(number) => number.to_string(),
        Check::Object(fields) => {
            let fields: serde_json::Map<_, _> =
                fields.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
            serde_json::to_string(&fields).unwrap()
        }
        Check::Lines(items) => items.join("\n"),
    }
}

/// The right answer with something wrong in it.
fn wrong_answer(question: &Question) -> String {
    match &question.check {
        Check::Says(text) => text[1..].to_owned(),
        Check::Chooses { others, .. } => others[0].clone(),
        Check::Extracts { wanted, others } => [&others[..1], &wanted[1..]].concat().join(" and "),
        Check::Counts(number) => (number + 1).to_string(),
        Check::Object(_) => right_answer(question).replacen("\":", "\" ", 1),
        Check::Lines(items) => items.iter().rev().cloned().collect::<Vec<_>>().join("\n"),
    }
}

fn asked(prompt: &str, expected: &str) -> Question {
    Question { kind: Kind::Copy, prompt: prompt.to_owned(), check: Check::Says(expected.to_owned()) }
}

#[test]
fn a_seed_gives_the_same_questions_one_of_each_kind_and_another_gives_others() {
    assert_eq!(questions(7), questions(7));
    assert_ne!(questions(7), questions(8));
    let kinds: BTreeSet<_> = questions(7).iter().map(|question| question.kind).collect();
    assert_eq!(kinds.len(), QUESTIONS as usize);
    assert_ne!(filler(1, 20), filler(2, 20));
}

#[test]
fn instances_seldom_repeat() {
    let prompts: Vec<_> = (0..2_000).flat_map(questions).collect();
    for kind in Kind::ALL {
        let asked: Vec<_> =
            prompts.iter().filter(|question| question.kind == kind).map(|question| &question.prompt).collect();
        let different = asked.iter().collect::<BTreeSet<_>>().len();
        assert!(different * 100 >= asked.len() * 80, "{kind:?}: {different} of {} are different", asked.len());
    }
}

#[test]
fn repeating_the_question_is_no_answer() {
    let question = asked("Repeat this: silver fox", "silver fox");
    assert!(question.accepts("silver fox"));
    assert!(question.accepts("You said: silver fox"));
    assert!(!question.accepts("You said \"repeat this: silver fox\"."));
}

proptest! {
    #[test]
    fn the_right_answer_is_accepted_and_a_wrong_one_is_not(seed in any::<u64>()) {
        for question in questions(seed) {
            let (right, wrong) = (right_answer(&question), wrong_answer(&question));
            prop_assert!(question.accepts(&right), "{question:?}: {right}");
            prop_assert!(question.accepts(&format!("Sure.\n{right}\n")), "{question:?}: {right}");
            prop_assert!(!question.accepts(&wrong), "{question:?}: {wrong}");
            for no_answer in ["", "I am a helpful assistant.", question.prompt.as_str()] {
                prop_assert_eq!(question.score(no_answer).number(), 0, "{:?}", question);
            }
        }
    }

    #[test]
    fn whatever_is_answered_the_score_is_a_percentage(seed in any::<u64>(), answer in "\\PC{0,80}") {
        for question in questions(seed) {
            prop_assert!(question.score(&answer).number() <= 100);
        }
    }
}
