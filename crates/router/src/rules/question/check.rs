//! How much of an answer is right.
//!
//! Lenient about manners, because small models are talkative: case, punctuation and words around the answer cost
//! nothing. Strict about the matter: naming everything there is to choose from is not choosing.

use cortensor_protocol::Percentage;
use serde_json::{Map, Value};

const NOTHING: Percentage = match Percentage::new(0) {
    Ok(nothing) => nothing,
    Err(_) => panic!("no percentage"),
};

/// What an answer is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// These words, one after the other.
    Says(String),
    /// The right one of several, and no other. Named first among others it is half right.
    Chooses { right: String, others: Vec<String> },
    /// Each of these, and nothing else of the text they were to be found in; with something else it is half right.
    Extracts { wanted: Vec<String>, others: Vec<String> },
    /// This number at the end; said earlier it is half right.
    Counts(u64),
    /// A JSON object of these fields: half for its keys, half for their values.
    Object(Vec<(String, String)>),
    /// These items in this order, one a line and nothing else on it.
    Lines(Vec<String>),
}

impl Check {
    /// How much of the answer is right.
    pub(super) fn score(&self, answer: &str) -> Percentage {
        match self {
            Self::Says(expected) => share(usize::from(place(&words(answer), expected).is_some()), 1),
            Self::Chooses { right, others } => chooses(answer, right, others),
            Self::Extracts { wanted, others } => extracts(answer, wanted, others),
            Self::Counts(number) => counts(answer, *number),
            Self::Object(fields) => object(answer, fields),
            Self::Lines(items) => lines(answer, items),
        }
    }
}

fn share(part: usize, whole: usize) -> Percentage {
    Percentage::of(part as u64, whole as u64).unwrap_or(NOTHING)
}

/// Half of it if something that does not belong there came with it.
fn halved_if(spoilt: bool, share_of: (usize, usize)) -> Percentage {
    let (part, whole) = share_of;
    share(part, if spoilt { 2 * whole } else { whole })
}

/// The words of a text in small letters, without what is between them.
pub(super) fn words(text: &str) -> Vec<String> {
    let split = text.split(|character: char| !character.is_alphanumeric());
    split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Where the answer says these words, one after the other.
fn place(answer: &[String], expected: &str) -> Option<usize> {
    let expected = words(expected);
    answer.windows(expected.len().max(1)).position(|window| window == expected)
}

fn chooses(answer: &str, right: &str, others: &[String]) -> Percentage {
    let answer = words(answer);
    let Some(at) = place(&answer, right) else { return NOTHING };
    match others.iter().filter_map(|other| place(&answer, other)).min() {
        Some(other) if other < at => NOTHING,
        other => halved_if(other.is_some(), (1, 1)),
    }
}

fn extracts(answer: &str, wanted: &[String], others: &[String]) -> Percentage {
    let answer = words(answer);
    let said = |text: &&String| place(&answer, text).is_some();
    halved_if(others.iter().any(|other| said(&other)), (wanted.iter().filter(said).count(), wanted.len()))
}

fn counts(answer: &str, number: u64) -> Percentage {
    let number = number.to_string();
    // 1,234 is one number; digits within words are none.
    let said: Vec<String> = words(&answer.replace(',', ""));
    let mut numbers = said.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let last = numbers.next_back();
    match (last == Some(&number), numbers.any(|word| *word == number)) {
        (true, _) => share(1, 1),
        (false, true) => share(1, 2),
        (false, false) => NOTHING,
    }
}

fn object(answer: &str, fields: &[(String, String)]) -> Percentage {
    let Some(found) = first_object(answer) else { return NOTHING };
    let right = |(key, value): &(String, String)| match found.get(key) {
        Some(Value::String(text)) => 1 + usize::from(words(text) == words(value)),
        Some(Value::Number(number)) => 1 + usize::from(number.to_string() == *value),
        Some(_) => 1,
        None => 0,
    };
    let points = fields.iter().map(right).sum();
    share(points, 2 * fields.len().max(found.len()))
}

/// The first JSON object in a text, whatever is around it.
fn first_object(answer: &str) -> Option<Map<String, Value>> {
    let mut starts = answer.match_indices('{').map(|(at, _)| &answer[at..]);
    let read = |text: &str| serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>().next()?.ok();
    starts.find_map(read)
}

fn lines(answer: &str, items: &[String]) -> Percentage {
    let lines: Vec<_> = answer.lines().map(item).filter(|line| !line.is_empty()).collect();
    // Where the list begins; a sentence before it costs nothing, one after it does.
    let Some(begin) = lines.iter().position(|line| items.iter().any(|item| *line == words(item))) else {
        return NOTHING;
    };
    let list = &lines[begin..];
    let right = list.iter().zip(items).filter(|(line, item)| **line == words(item)).count();
    share(right, items.len().max(list.len()))
}

/// A line's words without the number that may lead it.
fn item(line: &str) -> Vec<String> {
    let words = words(line);
    let numbered = words.len() > 1 && words[0].bytes().all(|byte| byte.is_ascii_digit());
    words.into_iter().skip(usize::from(numbered)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn scores(check: &Check, cases: &[(&str, u8)]) {
        for (answer, expected) in cases {
            assert_eq!(check.score(answer).number(), *expected, "{check:?}: {answer}");
        }
    }

    #[test]
    fn words_count_whatever_their_case_and_trimmings() {
        let check = Check::Says("silver Fox".to_owned());
        let right = ["silver fox", "It is: **Silver, FOX**!"];
        let wrong = ["", "silver", "fox silver", "silvery fox", "silver red fox"];
        scores(&check, &right.map(|answer| (answer, 100)));
        scores(&check, &wrong.map(|answer| (answer, 0)));
    }

    #[test]
    fn naming_everything_is_not_choosing() {
        let check = Check::Chooses { right: "good".to_owned(), others: texts(&["bad", "so so"]) };
        let cases =
            [("Good.", 100), ("good, not bad", 50), ("bad or good", 0), ("bad", 0), ("goodness", 0), ("so so", 0)];
        scores(&check, &cases);
    }

    #[test]
    fn what_was_not_asked_for_halves_what_was_found() {
        let check = Check::Extracts { wanted: texts(&["Anna", "Rome"]), others: texts(&["baker"]) };
        let cases =
            [("Anna, Rome", 100), ("Anna", 50), ("Anna of Rome is a baker", 50), ("baker Anna", 25), ("nobody", 0)];
        scores(&check, &cases);
    }

    #[test]
    fn the_last_number_is_the_answer() {
        let cases = [
            ("1,012", 100),
            ("1000 + 12 = 1012.", 100),
            ("1012 is 1000 and 12", 50),
            ("10 12", 0),
            ("x1012", 0),
            ("1013", 0),
            ("none", 0),
        ];
        scores(&Check::Counts(1012), &cases);
    }

    #[test]
    fn an_object_counts_by_its_keys_and_values_and_not_by_what_is_around_it() {
        let fields = [("name", "Anna"), ("age", "30")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let cases = [
            (r#"{"name": "Anna", "age": 30}"#, 100),
            ("Here it is:\n```json\n{\"age\": \"30\", \"name\": \"anna\"}\n```", 100),
            (r#"{"name": "Anna", "age": 31}"#, 75),
            (r#"{"name": "Anna"}"#, 50),
            (r#"{"name": "Anna", "age": 30, "city": 1, "job": 2}"#, 50),
            (r#"{"name": [], "age": {}}"#, 50),
            (r#"{name: "Anna", age: 30}"#, 0),
            ("Anna is 30", 0),
            ("{}", 0),
        ];
        scores(&Check::Object(fields.to_vec()), &cases);
    }

    #[test]
    fn a_list_counts_by_its_lines() {
        let cases = [
            ("1. red\n2. blue\n3. light green", 100),
            ("Here is the list:\n\n- red\n- Blue\n- light green\n", 100),
            ("red\nblue", 66),
            ("red, blue, light green", 0),
            ("blue\nred\nlight green", 33),
            ("red\nblue\nlight green\npink", 75),
            ("", 0),
        ];
        scores(&Check::Lines(texts(&["red", "blue", "light green"])), &cases);
    }
}
