//! Reading fields of a JSON object, with errors that name the field. `null` is as if it were left out.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::rules::problem::Problem;

pub(crate) fn refuse(param: Option<&'static str>, code: &'static str, message: String) -> Problem {
    Problem::BadRequest { message, param, code }
}

/// The fields of an object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(self, name: &'static str) -> Result<String, Problem> {
        let text = self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let wrong = || refuse(Some(name), "missing_field", format!("`{name}` is missing or not a text"));
        text.map(str::to_owned).ok_or_else(wrong)
    }

    pub(crate) fn optional_text(self, name: &'static str) -> Result<Option<String>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || refuse(Some(name), "invalid_type", format!("`{name}` must be a text"));
        value.as_str().map(|text| Some(text.to_owned())).ok_or_else(wrong)
    }

    pub(crate) fn short_text(self, name: &'static str, most: usize) -> Result<Option<String>, Problem> {
        let text = self.optional_text(name)?;
        if text.as_ref().is_some_and(|text| text.len() > most) {
            return Err(refuse(Some(name), "invalid_value", format!("`{name}` has at most {most} bytes; shorten it")));
        }
        Ok(text)
    }

    /// One of a few words.
    pub(crate) fn word<T>(self, name: &'static str, words: &[(&str, T)]) -> Result<Option<T>, Problem>
    where
        T: Copy,
    {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        let wrong = || {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            refuse(Some(name), "invalid_value", format!("`{name}` must be one of: {}", words.join(", ")))
        };
        found.map(Some).ok_or_else(wrong)
    }

    /// Refuses fields that are not known: a misspelt one would change what is bought.
    pub(crate) fn only(self, known: &[&str]) -> Result<(), Problem> {
        let unknown = self.0.keys().find(|name| !known.contains(&name.as_str()));
        let Some(unknown) = unknown else { return Ok(()) };
        let unknown: String = unknown.chars().take(64).collect();
        let message = format!("the field `{unknown}` is not known; known are: {}", known.join(", "));
        Err(refuse(None, "unknown_field", message))
    }

    pub(crate) fn flag(self, name: &'static str) -> Result<bool, Problem> {
        let Some(value) = self.get(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| refuse(Some(name), "invalid_type", format!("`{name}` must be true or false")))
    }

    pub(crate) fn integer(self, name: &'static str, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let (least, most) = (range.start(), range.end());
        let wrong = || {
            let message = format!("`{name}` must be a whole number from {least} to {most}; it was {}", shown(value));
            refuse(Some(name), "out_of_range", message)
        };
        value.as_i64().filter(|number| range.contains(number)).map(Some).ok_or_else(wrong)
    }

    pub(crate) fn number(self, name: &'static str, least: f32, most: f32) -> Result<Option<f32>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || {
            let message = format!("`{name}` must be a number from {least} to {most}; it was {}", shown(value));
            refuse(Some(name), "out_of_range", message)
        };
        #[expect(clippy::cast_possible_truncation, reason = "sampling works in 32 bits")]
        let number = value.as_f64().map(|number| number as f32);
        number.filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(wrong)
    }
}

/// Enough of a value to recognise it; never a whole prompt.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        _ => "an object".to_owned(),
    }
}
