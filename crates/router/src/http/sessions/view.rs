//! Sessions as clients see them: the network's own fields, and those of the precision choice.

use cortensor_protocol::{Amount, Precision, Price};
use serde::Serialize;
use utoipa::ToSchema;

use crate::rules::{
    choice::{Fallback, Preference, TaskClass},
    session::{Mode, Session, SessionId, SessionKey},
};

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: i64,
    /// The account that opened it.
    owner: String,
    active: bool,
    name: String,
    metadata: String,
    /// Connected nodes that can serve it now.
    miners_count: usize,
    min_nodes: u32,
    max_nodes: u32,
    redundant: u32,
    validator_nodes: u32,
    /// 0 ephemeral, 1 hybrid, 2 dedicated.
    mode: u8,
    reserve_ephemeral_nodes: bool,
    /// 0 low, 1 medium, 2 high.
    sla: u8,
    model: String,
    precision: Preference,
    /// The format of weights that it is for, if it is for one.
    #[schema(value_type = Option<String>)]
    exact_precision: Option<Precision>,
    fallback: Option<Fallback>,
    task_class: TaskClass,
    /// Seconds.
    reserve_period: u32,
    max_task_count: u32,
    /// Requests so far.
    task_count: u32,
    /// Credits that are left.
    deposit: String,
    prices: PricesView,
    /// Milliseconds since 1970, as all times.
    created_at: i64,
    updated_at: i64,
}

/// What was quoted when the session was opened; holds for its whole life.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PricesView {
    /// Of answers by full-precision weights.
    full_precision: PriceView,
    /// Of answers by quantized weights.
    quantized: PriceView,
}

/// Credits for 1000 tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceView {
    prompt: String,
    completion: String,
}

/// A session and its first key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewSessionView {
    #[serde(flatten)]
    pub(crate) session: SessionView,
    /// Opens this session and nothing else. Shown this once.
    pub(crate) key: String,
}

/// Sessions, and how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionsView {
    pub(crate) count: u64,
    pub(crate) sessions: Vec<SessionView>,
}

/// What came back at a session's end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedView {
    id: i64,
    active: bool,
    /// Credits.
    returned: String,
}

/// What is in a session after a deposit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DepositView {
    id: i64,
    /// Credits that this moved.
    amount: String,
    /// Credits that are in the session.
    deposit: String,
    /// It was made before, with the same key; nothing was moved this time.
    repeated: bool,
}

/// A key of a session, but for the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: i64,
    label: String,
    created_at: i64,
}

/// The keys of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeysView {
    pub(crate) keys: Vec<KeyView>,
}

/// A new key, shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    pub(crate) id: i64,
    pub(crate) label: String,
    pub(crate) key: String,
}

/// Credits, with every digit.
pub(crate) fn credits(amount: Amount) -> String {
    format!("{amount:#}")
}

impl SessionView {
    pub(super) fn new(session: &Session, miners_count: usize) -> Self {
        let terms = &session.terms;
        Self {
            id: session.id.0,
            owner: format!("account:{}", session.owner.0),
            active: session.active,
            name: terms.name.clone(),
            metadata: terms.metadata.clone(),
            miners_count,
            min_nodes: terms.min_nodes,
            max_nodes: terms.max_nodes,
            redundant: terms.redundant,
            validator_nodes: terms.validator_nodes,
            mode: match terms.mode {
                Mode::Ephemeral => 0,
            },
            reserve_ephemeral_nodes: terms.reserve_ephemeral_nodes,
            sla: terms.sla.number(),
            model: terms.model.to_string(),
            precision: terms.precision,
            exact_precision: terms.exact,
            fallback: terms.fallback,
            task_class: terms.task_class,
            reserve_period: terms.reserve_period,
            max_task_count: terms.max_task_count,
            task_count: session.tasks,
            deposit: credits(session.balance),
            prices: PricesView { full_precision: terms.prices.full.into(), quantized: terms.prices.quantized.into() },
            created_at: session.created_at.0,
            updated_at: session.updated_at.0,
        }
    }
}

impl From<Price> for PriceView {
    fn from(price: Price) -> Self {
        Self { prompt: credits(price.prompt), completion: credits(price.completion) }
    }
}

impl From<SessionKey> for KeyView {
    fn from(key: SessionKey) -> Self {
        Self { id: key.id.0, label: key.label, created_at: key.created_at.0 }
    }
}

impl EndedView {
    pub(super) fn new(id: SessionId, returned: Amount) -> Self {
        Self { id: id.0, active: false, returned: credits(returned) }
    }
}

impl DepositView {
    pub(super) fn new(session: &Session, amount: Amount, repeated: bool) -> Self {
        Self { id: session.id.0, amount: credits(amount), deposit: credits(session.balance), repeated }
    }
}
