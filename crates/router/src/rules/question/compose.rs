//! One way to compose each kind of question.

use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _, seq::SliceRandom as _};

use super::{
    Kind, Question,
    check::Check,
    vocabulary::{BAD, BAD_ENDS, CITIES, COUNTED, DAYS, GOOD, GOOD_ENDS, GROUPS, JOBS, NAMES, REVIEWED, VERBS, WORDS},
};

/// Composes a prompt, and says what is known of its answer.
type Way = fn(&mut StdRng) -> (String, Check);

/// A question of this kind that was probably never asked before.
pub(super) fn compose(kind: Kind, random: &mut StdRng) -> Question {
    let one_of = |random: &mut StdRng, ways: &[Way]| match ways.choose(random) {
        Some(way) => way(random),
        None => copy(random),
    };
    let (prompt, check) = match kind {
        Kind::Copy => copy(random),
        Kind::Recall => recall(random),
        Kind::Classification => one_of(random, &[review, group]),
        Kind::Extraction => one_of(random, &[home, where_and_when]),
        Kind::Arithmetic => one_of(random, &[sum, bought, larger]),
        Kind::Format => one_of(random, &[object, list]),
    };
    Question { kind, prompt, check }
}

fn some(random: &mut StdRng, of: &[&'static str]) -> &'static str {
    of.choose(random).copied().unwrap_or_default()
}

fn several(random: &mut StdRng, of: &[&'static str], count: usize) -> Vec<String> {
    of.choose_multiple(random, count).map(|word| (*word).to_owned()).collect()
}

fn copy(random: &mut StdRng) -> (String, Check) {
    if random.random() {
        let number = random.random_range(1_000..100_000).to_string();
        return (format!("Repeat this number: {number}"), Check::Says(number));
    }
    let (name, verb, word) = (some(random, NAMES), some(random, VERBS), some(random, WORDS));
    let said = format!("{name} {verb} the {word} in {}", some(random, CITIES));
    (format!("Repeat this sentence: {said}."), Check::Says(said))
}

fn recall(random: &mut StdRng) -> (String, Check) {
    let (name, job, city, age) =
        (some(random, NAMES), some(random, JOBS), some(random, CITIES), random.random_range(18..90));
    let told = if random.random() {
        format!("{name} from {city} is")
    } else {
        format!("{name} is a {job} from {city}. {name} is")
    };
    (format!("{told} {age} years old. How old is {name}?"), Check::Counts(age))
}

fn review(random: &mut StdRng) -> (String, Check) {
    let good = random.random();
    let (words, ends) = if good { (GOOD, GOOD_ENDS) } else { (BAD, BAD_ENDS) };
    let (right, other) = if good { ("positive", "negative") } else { ("negative", "positive") };
    let (thing, city) = (some(random, REVIEWED), some(random, CITIES));
    let text = format!("The {thing} in {city} was {} and {}.", some(random, words), some(random, ends));
    let prompt = format!("Review: \"{text}\" Is this review positive or negative? Answer with one word.");
    (prompt, Check::Chooses { right: right.to_owned(), others: vec![other.to_owned()] })
}

fn group(random: &mut StdRng) -> (String, Check) {
    let mut groups: Vec<_> = GROUPS.choose_multiple(random, 3).copied().collect();
    let (right, members) = groups.first().copied().unwrap_or_default();
    let word = some(random, members);
    groups.shuffle(random);
    let names: Vec<_> = groups.iter().map(|(name, _)| (*name).to_owned()).collect();
    let prompt = format!("Which is \"{word}\": {}? Answer with one word.", names.join(", "));
    let others = names.into_iter().filter(|name| name != right).collect();
    (prompt, Check::Chooses { right: right.to_owned(), others })
}

fn home(random: &mut StdRng) -> (String, Check) {
    let (name, job, city) = (some(random, NAMES), some(random, JOBS), some(random, CITIES));
    let prompt = format!("My name is {name}. I am a {job} and I live in {city}. Where do I live?");
    (prompt, Check::Extracts { wanted: vec![city.to_owned()], others: vec![job.to_owned()] })
}

fn where_and_when(random: &mut StdRng) -> (String, Check) {
    let (name, city, day, job) = (some(random, NAMES), some(random, CITIES), some(random, DAYS), some(random, JOBS));
    let prompt = format!(
        "\"On {day}, {name} the {job} goes to {city}.\" Which city and which day does this sentence name? Write only \
         these two."
    );
    let (wanted, others) = (vec![city.to_owned(), day.to_owned()], vec![name.to_owned(), job.to_owned()]);
    (prompt, Check::Extracts { wanted, others })
}

fn sum(random: &mut StdRng) -> (String, Check) {
    let (left, right) = (random.random_range(2..100), random.random_range(2..30));
    (format!("What is {left} + {right}?"), Check::Counts(left + right))
}

fn bought(random: &mut StdRng) -> (String, Check) {
    let (name, things) = (some(random, NAMES), some(random, COUNTED));
    let (had, more) = (random.random_range(2..20), random.random_range(2..10));
    let prompt =
        format!("{name} has {had} {things} and gets {more} more. How many {things} does {name} have now in total?");
    (prompt, Check::Counts(had + more))
}

fn larger(random: &mut StdRng) -> (String, Check) {
    let small = random.random_range(2..500);
    let large = small + random.random_range(5..500);
    let (first, second) = if random.random() { (small, large) } else { (large, small) };
    let prompt = format!("Which number is larger, {first} or {second}? Write only that number.");
    (prompt, Check::Chooses { right: large.to_string(), others: vec![small.to_string()] })
}

fn object(random: &mut StdRng) -> (String, Check) {
    let (name, city, job) = (some(random, NAMES), some(random, CITIES), some(random, JOBS));
    let second = if random.random() { ("city", city) } else { ("job", job) };
    let fields = [("name", name), second].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let prompt = format!(
        "{name} is a {job} in {city}. Write a JSON object with the keys \"name\" and \"{}\" for this person. Write only \
         the JSON.",
        second.0
    );
    (prompt, Check::Object(fields.to_vec()))
}

fn list(random: &mut StdRng) -> (String, Check) {
    let items = several(random, WORDS, 3);
    let prompt = format!("Write these {} words as a numbered list: {}", items.len(), items.join(", "));
    (prompt, Check::Lines(items))
}
