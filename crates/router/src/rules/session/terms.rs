//! What a session is sold for and as: read from the request that opens it, and kept as it was sold.

use std::time::Duration;

use cortensor_protocol::{Amount, ModelId, Precision, PriceList};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    policy::Policy,
    rules::{
        choice::{Choice, Fallback, Preference, Sla, TaskClass},
        pool::Reserve,
        problem::Problem,
        request::{Fields, Wanted, refuse},
        session::SessionId,
    },
};

const LONGEST_NAME: usize = 128;
const LONGEST_METADATA: usize = 4096;
const LONGEST_DEPOSIT_KEY: usize = 64;
/// Most nodes that may answer one request.
const MOST_REDUNDANT: i64 = 16;
const MOST_NODES: i64 = 1000;

/// How nodes are set aside for a session: what is sold of the network's 0 ephemeral, 1 hybrid and 2 dedicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Nodes of the pool, for one task each.
    Ephemeral,
}

/// What was sold. Holds for the session's whole life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) min_nodes: u32,
    pub(crate) max_nodes: u32,
    /// Nodes that answer each request, each with a choice of its own.
    pub(crate) redundant: u32,
    pub(crate) validator_nodes: u32,
    pub(crate) mode: Mode,
    pub(crate) reserve_ephemeral_nodes: bool,
    pub(crate) sla: Sla,
    pub(crate) model: ModelId,
    pub(crate) precision: Preference,
    /// Only these weights.
    pub(crate) exact: Option<Precision>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) task_class: TaskClass,
    /// Seconds.
    pub(crate) reserve_period: u32,
    /// Requests at a time.
    pub(crate) max_task_count: u32,
    pub(crate) prices: PriceList,
}

impl Terms {
    /// Whether and how a session with these terms keeps the nodes that serve it.
    pub(crate) fn reserve(&self, session: SessionId) -> Option<Reserve> {
        let period = Duration::from_secs(self.reserve_period.into());
        self.reserve_ephemeral_nodes.then_some(Reserve { session, most: self.max_nodes, period })
    }

    /// Whether validators are to look at every answer that they can look at.
    pub(crate) const fn is_validated(&self) -> bool {
        self.validator_nodes > 0
    }

    pub(crate) const fn choice(&self) -> Choice {
        Choice {
            preference: self.precision,
            exact: self.exact,
            fallback: self.fallback,
            task_class: self.task_class,
            sla: Some(self.sla),
        }
    }
}

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSession {
    pub(crate) terms: Terms,
    pub(crate) deposit: Amount,
}

/// Reads what session is wanted. Left out fields have the network's defaults.
pub(crate) fn new_session(object: &Map<String, Value>, policy: &Policy) -> Result<NewSession, Problem> {
    const KNOWN: [&str; 18] = [
        "name",
        "metadata",
        "min_nodes",
        "max_nodes",
        "redundant",
        "validator_nodes",
        "mode",
        "reserve_ephemeral_nodes",
        "sla",
        "model",
        "model_identifier",
        "precision",
        "fallback",
        "task_class",
        "reserve_period",
        "max_task_count",
        "deposit",
        "label",
    ];
    let fields = Fields(object);
    fields.only(&KNOWN)?;
    let Wanted { model, choice, .. } = Wanted::of_session(fields)?;
    let min_nodes = count(fields, "min_nodes", 1, MOST_NODES, 1)?;
    let redundant = count(fields, "redundant", 1, MOST_REDUNDANT, 1)?;
    let terms = Terms {
        name: fields.short_text("name", LONGEST_NAME)?.unwrap_or_default(),
        metadata: fields.short_text("metadata", LONGEST_METADATA)?.unwrap_or_default(),
        min_nodes,
        max_nodes: count(fields, "max_nodes", 1, MOST_NODES, min_nodes.max(redundant).max(3))?,
        redundant,
        validator_nodes: count(fields, "validator_nodes", 0, MOST_NODES, 0)?,
        mode: mode(fields)?,
        reserve_ephemeral_nodes: fields.flag("reserve_ephemeral_nodes")?,
        sla: sla(fields)?,
        model,
        precision: choice.preference,
        exact: choice.exact,
        fallback: choice.fallback,
        task_class: choice.task_class,
        reserve_period: count(fields, "reserve_period", 0, 86_400, 300)?,
        max_task_count: count(fields, "max_task_count", 1, MOST_NODES, 5)?,
        prices: policy.prices(),
    };
    check_nodes(&terms)?;
    Ok(NewSession { deposit: credits(fields, "deposit")?.unwrap_or(policy.session_deposit), terms })
}

fn check_nodes(terms: &Terms) -> Result<(), Problem> {
    let Terms { min_nodes, max_nodes, redundant, .. } = terms;
    if min_nodes.max(redundant) <= max_nodes {
        return Ok(());
    }
    let message = format!(
        "`max_nodes` is {max_nodes}; `min_nodes` ({min_nodes}) and `redundant` ({redundant}) may not exceed it"
    );
    Err(refuse(Some("max_nodes"), "out_of_range", message))
}

fn count(fields: Fields<'_>, name: &'static str, least: i64, most: i64, default: u32) -> Result<u32, Problem> {
    let number = fields.integer(name, least..=most)?;
    Ok(number.and_then(|number| u32::try_from(number).ok()).unwrap_or(default))
}

fn sla(fields: Fields<'_>) -> Result<Sla, Problem> {
    let number = fields.integer("sla", 0..=2)?.and_then(|number| usize::try_from(number).ok());
    Ok(number.and_then(|number| Sla::ALL.get(number).copied()).unwrap_or(Sla::Low))
}

/// To attach nodes to a session needs their owners' consent, which this network has no word for; saying yes would promise it.
fn mode(fields: Fields<'_>) -> Result<Mode, Problem> {
    if fields.integer("mode", 0..=2)?.unwrap_or(0) == 0 {
        return Ok(Mode::Ephemeral);
    }
    let message = "`mode` 1 (hybrid) and 2 (dedicated) are not sold by this router; use 0 (ephemeral), with \
                   `reserve_ephemeral_nodes` to keep the nodes that serve you"
        .to_owned();
    Err(refuse(Some("mode"), "unsupported_parameter", message))
}

/// A deposit: its key and its amount.
pub(crate) fn deposit(object: &Map<String, Value>) -> Result<(String, Amount), Problem> {
    let fields = Fields(object);
    fields.only(&["key", "amount"])?;
    let key = fields.text("key")?;
    if key.len() > LONGEST_DEPOSIT_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("`key` must be 1 to {LONGEST_DEPOSIT_KEY} letters, digits or signs without spaces");
        return Err(refuse(Some("key"), "invalid_value", message));
    }
    let missing =
        || refuse(Some("amount"), "missing_field", "`amount` is missing; write credits as a text, \"2.5\"".to_owned());
    let amount = credits(fields, "amount")?.ok_or_else(missing)?;
    if amount == Amount::ZERO {
        return Err(refuse(Some("amount"), "out_of_range", "`amount` must be more than nothing".to_owned()));
    }
    Ok((key, amount))
}

/// What a new key is to be called.
pub(crate) fn label(object: &Map<String, Value>) -> Result<String, Problem> {
    Ok(Fields(object).short_text("label", LONGEST_NAME)?.unwrap_or_default())
}

/// Credits as people write them. A text: numbers of JSON are not exact.
fn credits(fields: Fields<'_>, name: &'static str) -> Result<Option<Amount>, Problem> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    let wrong = || {
        let message = format!("`{name}` must be credits as a text, such as \"2.5\"");
        refuse(Some(name), "invalid_value", message)
    };
    value.as_str().and_then(|text| text.parse().ok()).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(changes: Value) -> Result<NewSession, Problem> {
        let mut body = json!({"model": "m"});
        let Value::Object(changes) = changes else { panic!("an object") };
        body.as_object_mut().unwrap().extend(changes);
        new_session(body.as_object().unwrap(), &Policy::default())
    }

    #[test]
    fn a_bare_session_has_the_network_s_defaults() {
        let NewSession { terms, deposit } = wanted(json!({})).unwrap();
        assert_eq!((terms.min_nodes, terms.max_nodes, terms.redundant, terms.validator_nodes), (1, 3, 1, 0));
        assert_eq!(
            (terms.mode, terms.sla, terms.reserve_period, terms.max_task_count),
            (Mode::Ephemeral, Sla::Low, 300, 5)
        );
        assert_eq!((terms.precision, terms.fallback, terms.task_class), (Preference::Any, None, TaskClass::General));
        assert_eq!((terms.prices, deposit), (Policy::default().prices(), Policy::default().session_deposit));
    }

    #[test]
    fn what_was_sold_is_read_back_from_the_database_as_it_was() {
        let sold = wanted(json!({
            "name": "n", "metadata": "x", "min_nodes": 2, "max_nodes": 5, "redundant": 3, "validator_nodes": 1, "sla": 2,
            "model": "m:high-accuracy", "fallback": "low_end", "task_class": "basic", "reserve_period": 9,
            "max_task_count": 7, "deposit": "2.5", "mode": 0, "reserve_ephemeral_nodes": true,
        }))
        .unwrap();
        let text = serde_json::to_string(&sold.terms).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), sold.terms);
        assert_eq!(
            (sold.terms.precision, sold.terms.sla, sold.terms.redundant),
            (Preference::HighAccuracy, Sla::High, 3)
        );
        assert_eq!(sold.deposit, "2.5".parse().unwrap());
    }

    #[test]
    fn a_session_keeps_nodes_and_has_its_answers_looked_at_only_if_it_asks_for_it() {
        for (changes, reserve, validated) in [
            (json!({"reserve_period": 60, "max_nodes": 4}), None, false),
            (json!({"reserve_ephemeral_nodes": true, "validator_nodes": 2}), Some((3, 300)), true),
            (json!({"reserve_ephemeral_nodes": true, "reserve_period": 60, "max_nodes": 4}), Some((4, 60)), false),
        ] {
            let terms = wanted(changes).unwrap().terms;
            let kept = terms.reserve(SessionId(7));
            assert_eq!(kept.map(|kept| (kept.most, kept.period.as_secs())), reserve);
            assert_eq!(terms.is_validated(), validated);
        }
    }

    #[test]
    fn wrong_fields_are_refused_by_name() {
        for (changes, param) in [
            (json!({"model": null}), "model"),
            (json!({"min_nodes": 0}), "min_nodes"),
            (json!({"redundant": 4, "max_nodes": 3}), "max_nodes"),
            (json!({"redundant": 17}), "redundant"),
            (json!({"mode": 2}), "mode"),
            (json!({"sla": 3}), "sla"),
            (json!({"precision": "best"}), "precision"),
            (json!({"precision": "high_accuracy", "model": "m:cost-effective"}), "precision"),
            (json!({"precision": "any", "fallback": "low_end"}), "fallback"),
            (json!({"precision": "cost_effective", "fallback": "low_end"}), "fallback"),
            (json!({"task_class": "hard"}), "task_class"),
            (json!({"deposit": 3}), "deposit"),
            (json!({"deposit": "-3"}), "deposit"),
            (json!({"name": "x".repeat(129)}), "name"),
        ] {
            let Err(Problem::BadRequest { param: Some(named), .. }) = wanted(changes.clone()) else {
                panic!("not refused: {changes}")
            };
            assert_eq!(named, param, "{changes}");
        }
        assert!(wanted(json!({"fallbck": "low_end"})).is_err());
    }

    #[test]
    fn a_deposit_has_a_key_and_an_amount() {
        for (body, good) in [
            (json!({"key": "a-1", "amount": "2.5"}), true),
            (json!({"key": "a-1"}), false),
            (json!({"amount": "1"}), false),
            (json!({"key": "a b", "amount": "1"}), false),
            (json!({"key": "a", "amount": "0"}), false),
            (json!({"key": "a", "amount": 1}), false),
        ] {
            assert_eq!(deposit(body.as_object().unwrap()).is_ok(), good, "{body}");
        }
    }
}
