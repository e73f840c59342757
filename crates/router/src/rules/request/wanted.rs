//! Which model, and what a user chose of it: by the model's suffix or by fields of its own.

use cortensor_protocol::{ModelId, Precision};

use super::{Fields, refuse};
use crate::rules::{
    choice::{Choice, Fallback, Preference, TaskClass},
    problem::Problem,
    session::Terms,
};

/// The name that stands for a session's own model.
const DEFAULT: &str = "default";
/// Longest name of a model with what is chosen of it, in bytes: it is kept with the session, and said back in errors.
const LONGEST_NAME: usize = 160;

/// Which model, and what a user chose of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// As the client wrote it.
    pub(crate) name: String,
    pub(crate) model: ModelId,
    pub(crate) choice: Choice,
}

/// How exact the weights are to be: a preference, or one format.
type Asked = (Preference, Option<Precision>);

impl Wanted {
    /// What a request outside of sessions wants.
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Problem> {
        let name = fields.text("model")?;
        fields.short_text("model", LONGEST_NAME)?;
        Self::named(fields, name)
    }

    /// What a session is to be opened for; the network's own word for the model is `model_identifier`.
    pub(crate) fn of_session(fields: Fields<'_>) -> Result<Self, Problem> {
        let name = fields.short_text("model_identifier", LONGEST_NAME)?.filter(|name| !name.is_empty());
        name.map_or_else(|| Self::read(fields), |name| Self::named(fields, name))
    }

    /// What a request in a session wants. The model and its precision were sold with it.
    pub(super) fn in_session(fields: Fields<'_>, terms: &Terms) -> Result<Self, Problem> {
        let name = fields.short_text("model", LONGEST_NAME)?.unwrap_or_else(|| DEFAULT.to_owned());
        let (model, suffix) = split(&name);
        let sold = (terms.precision, terms.exact);
        let asked = suffix.or(precision(fields)?).unwrap_or(sold);
        if (name != DEFAULT && model != terms.model) || asked != sold {
            let message = format!(
                "this session was opened for the model `{}` in the precision it names; leave `model` and `precision` \
                 out, or open another session",
                terms.model
            );
            return Err(refuse(Some("model"), "fixed_by_session", message));
        }
        let choice = Choice {
            fallback: fallback(fields, terms.precision, terms.fallback)?,
            task_class: task_class(fields)?.unwrap_or(terms.task_class),
            ..terms.choice()
        };
        Ok(Self { name, model: terms.model.clone(), choice })
    }

    fn named(fields: Fields<'_>, name: String) -> Result<Self, Problem> {
        let (model, suffix) = split(&name);
        let field = precision(fields)?;
        if suffix.is_some() && field.is_some_and(|field| suffix != Some(field)) {
            let message = format!("`precision` differs from what `model` names, `{name}`; leave one of them out");
            return Err(refuse(Some("precision"), "invalid_value", message));
        }
        let (preference, exact) = suffix.or(field).unwrap_or_default();
        let fallback = fallback(fields, preference, None)?;
        let task_class = task_class(fields)?.unwrap_or_default();
        Ok(Self { name, model, choice: Choice { preference, exact, fallback, task_class, sla: None } })
    }
}

/// `model`, `model:high-accuracy` or `model:f16`.
fn split(name: &str) -> (ModelId, Option<Asked>) {
    let suffixed = name.rsplit_once(':').and_then(|(model, suffix)| Some((model, asked(suffix)?)));
    suffixed.map_or_else(|| (ModelId::new(name), None), |(model, asked)| (ModelId::new(model), Some(asked)))
}

fn asked(text: &str) -> Option<Asked> {
    let exact = || text.parse().ok().map(|exact| (Preference::Any, Some(exact)));
    text.parse().ok().map(|preference| (preference, None)).or_else(exact)
}

fn precision(fields: Fields<'_>) -> Result<Option<Asked>, Problem> {
    let Some(text) = fields.optional_text("precision")? else { return Ok(None) };
    let wrong = || {
        let preferences = Preference::ALL.map(Preference::as_str).join(", ");
        let message = format!("`precision` must be one of: {preferences}, or a format of weights such as f16");
        refuse(Some("precision"), "invalid_value", message)
    };
    asked(&text).map(Some).ok_or_else(wrong)
}

/// Only what makes sense: a fallback that could never be used would be taken for one that was accepted.
fn fallback(fields: Fields<'_>, preference: Preference, unsaid: Option<Fallback>) -> Result<Option<Fallback>, Problem> {
    let words = Fallback::ALL.map(|fallback| (fallback.as_str(), Some(fallback)));
    let words = [words.as_slice(), &[("none", None)]].concat();
    let named = fields.word("fallback", &words)?.unwrap_or(unsaid);
    if named.is_none_or(|named| preference.fallbacks().contains(&named)) {
        return Ok(named);
    }
    let possible: Vec<_> = preference.fallbacks().iter().map(|fallback| fallback.as_str()).chain(["none"]).collect();
    let message = format!("with precision {} `fallback` must be one of: {}", preference.as_str(), possible.join(", "));
    Err(refuse(Some("fallback"), "invalid_value", message))
}

fn task_class(fields: Fields<'_>) -> Result<Option<TaskClass>, Problem> {
    fields.word("task_class", &[("general", TaskClass::General), ("basic", TaskClass::Basic)])
}
