//! Sessions: what a user buys, on which terms.

mod terms;

use std::fmt;

use cortensor_protocol::{Amount, Millis};

pub(crate) use self::terms::{Mode, NewSession, Terms, deposit, label, new_session};
use crate::store::KeyId;

/// One session, numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) i64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One key of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionKeyId(pub(crate) i64);

/// A key of a session, but for the key itself, which is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionKey {
    pub(crate) id: SessionKeyId,
    pub(crate) label: String,
    pub(crate) created_at: Millis,
}

/// A session as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) owner: KeyId,
    pub(crate) terms: Terms,
    pub(crate) active: bool,
    /// That were asked of it so far.
    pub(crate) tasks: u32,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
    pub(crate) balance: Amount,
}

/// Who asks: an account by its own key, or by a key that opens one session only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: KeyId,
    pub(crate) session: Option<SessionId>,
}
