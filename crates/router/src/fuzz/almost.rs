//! JSON that is almost right.

use bolero::TypeGenerator;
use serde_json::{Map, Number, Value};

/// Far more than any field may have.
const LONG: usize = 5000;

/// How one real text is changed.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct Almost {
    which: u8,
    #[generator(bolero::produce::<Vec<Change>>().with().len(0..5_usize))]
    changes: Vec<Change>,
    #[generator(bolero::produce::<Vec<(u16, u8)>>().with().len(0..3_usize))]
    scratches: Vec<(u16, u8)>,
    /// Nothing is scratched, so that what was changed is still JSON.
    whole: bool,
}

/// One change; places count through the text's values, from the outside in.
#[derive(Clone, Debug, TypeGenerator)]
enum Change {
    Replace(u8, Odd),
    Remove(u8),
    /// The value of one place takes another one's.
    Copy(u8, u8),
    /// A field that nobody knows, or that comes where it does not belong.
    Add(u8, Name, Odd),
}

/// The name of a field.
#[derive(Clone, Debug, TypeGenerator)]
enum Name {
    Known(u8),
    Any(String),
}

/// A value that was not expected.
#[derive(Clone, Debug, TypeGenerator)]
enum Odd {
    Null,
    Flag(bool),
    Whole(i64),
    Large(u64),
    Fraction(f64),
    Edge(u8),
    Text(String),
    Word(u8),
    LongText(char),
    Deep(u8),
    Many(u8),
    Empty(bool),
}

const EDGES: [&str; 12] = [
    "0",
    "-0.0",
    "1e40",
    "-1e40",
    "1e308",
    "1e-320",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "0.1",
];
const WORDS: [&str; 16] = [
    "",
    "m",
    "m:f16",
    "m:cost-effective",
    "default",
    "f16",
    "any",
    "low_end",
    "none",
    "basic",
    "0",
    "2.5",
    "-1",
    "340282366920938463463374607431768211456",
    "\u{0}",
    "user",
];
const NAMES: [&str; 16] = [
    "type",
    "model",
    "precision",
    "fallback",
    "task_class",
    "stop",
    "stream_options",
    "session_id",
    "content",
    "role",
    "attempt",
    "tokens",
    "logprobs",
    "top_logprobs",
    "prompt_template",
    "timeout",
];

impl Almost {
    /// One of the real ones, changed.
    pub(crate) fn of(&self, real: &[Value]) -> Vec<u8> {
        let mut value = pick(real, self.which).cloned().unwrap_or_default();
        self.changes.iter().for_each(|change| change.make(&mut value));
        let mut text = value.to_string().into_bytes();
        let length = text.len();
        for (at, byte) in self.scratches.iter().filter(|_| !self.whole) {
            if let Some(place) = text.get_mut(usize::from(*at) % length) {
                *place = *byte;
            }
        }
        text
    }
}

impl Change {
    fn make(&self, value: &mut Value) {
        match self {
            Self::Replace(at, odd) => with(value, *at, |place| *place = odd.value()),
            Self::Remove(at) => with(value, *at, remove_first),
            Self::Copy(from, to) => {
                let mut copy = Value::Null;
                with(value, *from, |place| copy = place.clone());
                with(value, *to, |place| *place = copy);
            }
            Self::Add(at, name, odd) => with(value, *at, |place| match place {
                Value::Object(fields) => drop(fields.insert(name.text(), odd.value())),
                Value::Array(list) => list.push(odd.value()),
                other => *other = odd.value(),
            }),
        }
    }
}

impl Name {
    fn text(&self) -> String {
        match self {
            Self::Known(which) => pick(&NAMES, *which).copied().unwrap_or_default().to_owned(),
            Self::Any(text) => text.clone(),
        }
    }
}

impl Odd {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => (*flag).into(),
            Self::Whole(number) => (*number).into(),
            Self::Large(number) => (*number).into(),
            Self::Fraction(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Edge(which) => {
                pick(&EDGES, *which).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
            }
            Self::Text(text) => text.clone().into(),
            Self::Word(which) => pick(&WORDS, *which).copied().into(),
            Self::LongText(letter) => letter.to_string().repeat(LONG).into(),
            Self::Deep(depth) => (0..*depth).fold(Value::Null, |inside, _| Value::Array(vec![inside])),
            Self::Many(count) => vec![Value::from(0); usize::from(*count) * 8].into(),
            Self::Empty(true) => Value::Array(Vec::new()),
            Self::Empty(false) => Value::Object(Map::new()),
        }
    }
}

fn pick<T>(from: &[T], which: u8) -> Option<&T> {
    from.get(usize::from(which) % from.len().max(1))
}

fn remove_first(place: &mut Value) {
    match place {
        Value::Object(fields) => {
            let first = fields.keys().next().cloned();
            first.map(|first| fields.remove(&first));
        }
        Value::Array(list) if !list.is_empty() => drop(list.remove(0)),
        other => *other = Value::Null,
    }
}

/// Changes the value at a place.
fn with(value: &mut Value, at: u8, change: impl FnOnce(&mut Value)) {
    let mut left = usize::from(at) % count(value);
    let mut place = value;
    loop {
        if left == 0 {
            return change(place);
        }
        left -= 1;
        let Some(inside) = inside(place, &mut left) else { return };
        place = inside;
    }
}

/// The value inside in which the place is, with how far it is from there.
fn inside<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    let values: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Object(fields) => Box::new(fields.values_mut()),
        Value::Array(list) => Box::new(list.iter_mut()),
        _ => return None,
    };
    for value in values {
        let size = count(value);
        if *left < size {
            return Some(value);
        }
        *left -= size;
    }
    None
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(fields) => fields.values().map(count).sum(),
        Value::Array(list) => list.iter().map(count).sum(),
        _ => 0_usize,
    }
}
