//! Reading fields of a JSON object, with errors that name the field. `null` is as if it were left out.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::rules::problem::Problem;

pub(super) fn refuse(param: Option<&'static str>, code: &'static str, message: String) -> Problem {
    Problem::BadRequest { message, param, code }
}

#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, name: &'static str) -> Result<String, Problem> {
        let text = self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let wrong = || refuse(Some(name), "missing_field", format!("`{name}` is missing or not a text"));
        text.map(str::to_owned).ok_or_else(wrong)
    }

    pub(super) fn flag(self, name: &'static str) -> Result<bool, Problem> {
        let Some(value) = self.get(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| refuse(Some(name), "invalid_type", format!("`{name}` must be true or false")))
    }

    pub(super) fn integer(self, name: &'static str, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let (least, most) = (range.start(), range.end());
        let wrong = || {
            let message = format!("`{name}` must be a whole number from {least} to {most}; it was {}", shown(value));
            refuse(Some(name), "out_of_range", message)
        };
        value.as_i64().filter(|number| range.contains(number)).map(Some).ok_or_else(wrong)
    }

    pub(super) fn number(self, name: &'static str, least: f32, most: f32) -> Result<Option<f32>, Problem> {
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
